//! The command line, with memcached's flags.

mod extended;
mod size;

use std::net::SocketAddr;
use std::path::PathBuf;

use asc_runtime::OnFault;
use clap::{ArgAction, Parser, ValueEnum};

pub use extended::Extended;

use crate::cache::classes::ClassSizes;
use crate::cache::eviction::LruTuning;
use crate::cache::shard::ShardLimits;
use crate::protocol::frame::Protocol;
use crate::server::failure::Failure;

/// Megabytes below which there is no room for an item of the largest size.
const MEMORY_MEGABYTES_MIN: u64 = 2;
const MEGABYTE: u64 = 1 << 20;
const TCP_PORT_DEFAULT: i32 = 11211;
/// memcached's limit of `-m` for a typing error in bytes.
const MEMORY_MEGABYTES_MAX: u64 = 1 << 40;
/// Threads beyond which memcached warns.
const THREADS_RECOMMENDED_MAX: u16 = 64;
/// Memory that a shard has at least, as a multiple of the largest item: eviction is in the order
/// of use within a shard only, and a shard of a few large items would evict the wrong ones.
const LARGEST_ITEMS_PER_SHARD_MIN: u64 = 64;
const ITEM_BYTES_MIN: u32 = 1024;
const ITEM_BYTES_MAX: u32 = 1 << 30;
/// What is printed for `-V`.
const VERSION_TEXT: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (behaves like memcached 1.6.18)"
);

/// Which protocol clients may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Binding {
    /// The first byte of a connection decides.
    Auto,
    /// Text only.
    Ascii,
    /// Binary only.
    Binary,
}

impl Binding {
    /// The protocol, if it is decided.
    pub(crate) fn protocol(self) -> Option<Protocol> {
        match self {
            Self::Auto => None,
            Self::Ascii => Some(Protocol::Text),
            Self::Binary => Some(Protocol::Binary),
        }
    }

    /// What `stats settings` calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto-negotiate",
            Self::Ascii => "ascii",
            Self::Binary => "binary",
        }
    }
}

/// A memcached whose every request is executed twice and compared.
#[derive(Debug, Clone, PartialEq, Parser)]
#[command(name = "asc-memcached", version = VERSION_TEXT, args_override_self = true)]
pub struct Options {
    /// TCP port to listen on; 0 is off, -1 lets the system choose
    /// [default: that of -U if it is given, else 11211]
    #[arg(
        short = 'p', long, value_name = "num",
        allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-1..=65535)
    )]
    port: Option<i32>,

    /// UDP port to listen on; 0 is off
    #[arg(
        short = 'U', long = "udp-port", value_name = "num", default_value_t = 0,
        allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-1..=65535)
    )]
    pub udp_port: i32,

    /// Unix socket to listen on instead of the network
    #[arg(short = 's', long = "unix-socket", value_name = "file")]
    pub unix_socket: Option<PathBuf>,

    /// Access mask of the Unix socket, in octal
    #[arg(short = 'a', long = "unix-mask", value_name = "mask", default_value = "700",
          value_parser = octal)]
    pub unix_mask: u32,

    /// Let clients end the server with the command `shutdown`
    #[arg(short = 'A', long = "enable-shutdown")]
    pub shutdown: bool,

    /// Interface to listen on, or several separated by commas, each with or without a port
    /// [default: all]
    #[arg(short = 'l', long, value_name = "addr", value_delimiter = ',')]
    pub listen: Vec<String>,

    /// Run in the background
    #[arg(short = 'd', long)]
    pub daemon: bool,

    /// Let a crash leave a core file
    #[arg(short = 'r', long = "enable-coredumps")]
    pub coredumps: bool,

    /// Assume identity of this user (only when run as root)
    #[arg(short = 'u', long, value_name = "user")]
    pub user: Option<String>,

    /// Item memory in megabytes
    #[arg(short = 'm', long = "memory-limit", value_name = "num", default_value_t = 64,
          value_parser = clap::value_parser!(u64).range(MEMORY_MEGABYTES_MIN..=MEMORY_MEGABYTES_MAX))]
    pub memory_limit: u64,

    /// Refuse to store instead of evicting items
    #[arg(short = 'M', long = "disable-evictions")]
    pub no_evictions: bool,

    /// Max simultaneous connections
    #[arg(short = 'c', long = "conn-limit", value_name = "num", default_value_t = 1024,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub conn_limit: u32,

    /// Keep all memory locked
    #[arg(short = 'k', long = "lock-memory")]
    pub lock_memory: bool,

    /// Verbose: -v errors and warnings, -vv also client commands
    #[arg(short = 'v', long, action = ArgAction::Count)]
    pub verbose: u8,

    /// File to write the process number to, with -d
    #[arg(short = 'P', long, value_name = "file")]
    pub pidfile: Option<PathBuf>,

    /// Growth factor of the size classes
    #[arg(short = 'f', long = "slab-growth-factor", value_name = "num", default_value_t = 1.25,
          value_parser = growth_factor)]
    pub growth_factor: f64,

    /// Bytes for key, value and flags in the smallest size class
    #[arg(short = 'n', long = "slab-min-size", value_name = "bytes", default_value_t = 48,
          value_parser = clap::value_parser!(u32).range(1..=(1 << 20)))]
    pub min_size: u32,

    /// Accepted without an effect: memory is not taken in pages
    #[arg(short = 'L', long = "enable-largepages")]
    pub large_pages: bool,

    /// Delimiter between the prefix of a key and the rest, for `stats detail`
    #[arg(short = 'D', value_name = "char", default_value = ":", value_parser = delimiter)]
    pub delimiter: u8,

    /// Number of threads to use
    #[arg(short = 't', long, value_name = "num", default_value_t = 4,
          value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: u16,

    /// Requests of one connection before others are served
    /// [default: what arrives at once]
    #[arg(short = 'R', long = "max-reqs-per-event", value_name = "num",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub requests_per_event: Option<u32>,

    /// Disable unique identifiers
    #[arg(short = 'C', long = "disable-cas")]
    pub no_cas: bool,

    /// Connections that may wait to be accepted
    #[arg(short = 'b', long = "listen-backlog", value_name = "num", default_value_t = 1024,
          value_parser = clap::value_parser!(i32).range(1..))]
    pub backlog: i32,

    /// Protocol of clients
    #[arg(
        short = 'B',
        long = "protocol",
        value_name = "name",
        default_value = "auto"
    )]
    pub binding: Binding,

    /// Size of the largest item, with suffix k or m
    #[arg(short = 'I', long = "max-item-size", value_name = "bytes", default_value = "1m",
          value_parser = size::parse)]
    pub item_bytes: u32,

    /// Disable flush_all
    #[arg(short = 'F', long = "disable-flush-all")]
    pub no_flush: bool,

    /// Disable writing down of items
    #[arg(short = 'X', long = "disable-dumping")]
    pub no_dump: bool,

    /// Accepted without an effect: there is nothing to watch
    #[arg(short = 'W', long = "disable-watch")]
    pub no_watch: bool,

    /// File with the accounts that may use the text protocol: user:password on each line
    #[arg(short = 'Y', long = "auth-file", value_name = "file")]
    pub auth_file: Option<PathBuf>,

    /// Serve metrics for Prometheus over HTTP at this address, for instance 127.0.0.1:9150, below
    /// /metrics
    #[arg(long, value_name = "addr:port")]
    pub metrics: Option<SocketAddr>,

    /// What to do when a handler was struck by a fault: abort, or retry(n), which tries it again from the start up to n times
    #[arg(long, value_name = "policy", default_value_t = OnFault::Abort, value_parser = on_fault)]
    pub on_fault: OnFault,

    /// Append what is known about each fault to this file, one JSON object per line
    #[arg(long, value_name = "file")]
    pub incident_log: Option<PathBuf>,

    /// The flags of every item are a checksum of its key and value: refuse to store what does not match,
    /// and remove what no longer matches when it is read
    #[arg(long)]
    pub verify_checksums: bool,

    /// Further options, separated by commas
    #[arg(short = 'o', long = "extended", value_name = "list")]
    extended_lists: Vec<String>,

    /// What `-o` means
    #[arg(skip)]
    pub extended: Extended,

    #[arg(short = 'S', hide = true)]
    sasl: bool,
    #[arg(short = 'Z', hide = true)]
    tls: bool,
    #[arg(short = 'e', hide = true, value_name = "file")]
    memory_file: Option<PathBuf>,
}

impl Options {
    /// Reads the program's arguments. Prints and exits for `-h` and `-V`.
    ///
    /// # Errors
    /// Says which argument is wrong and why.
    pub fn from_arguments() -> Result<Self, Failure> {
        let options = Self::try_parse().map_err(|error| {
            if !error.use_stderr() {
                error.exit();
            }
            Failure::usage(error.render().to_string().trim_end())
        })?;
        options.validated()
    }

    /// The TCP port; 0 is off, -1 lets the system choose.
    pub fn tcp_port(&self) -> i32 {
        match (self.port, self.udp_port) {
            (Some(port), _) => port,
            (None, 0) => TCP_PORT_DEFAULT,
            (None, udp_port) => udp_port,
        }
    }

    /// Memory for items in bytes.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_limit * MEGABYTE
    }

    /// How many shards there are: one per thread, if each can hold many of the largest items.
    pub fn shards(&self) -> u16 {
        let bytes_min =
            LARGEST_ITEMS_PER_SHARD_MIN * u64::from(self.item_bytes.max(ITEM_BYTES_MIN));
        let shards = (self.memory_bytes() / bytes_min).clamp(1, u64::from(self.threads));
        u16::try_from(shards).unwrap_or(1)
    }

    /// What each shard is told.
    pub fn shard_limits(&self) -> ShardLimits {
        let memory_bytes = self.memory_bytes() / u64::from(self.shards());
        ShardLimits {
            memory_bytes: usize::try_from(memory_bytes).unwrap_or(usize::MAX),
            item_bytes: self.item_bytes as usize,
            classes: ClassSizes {
                smallest_bytes: self.min_size,
                factor: self.growth_factor,
                largest_bytes: self.largest_class(),
            },
            lru: LruTuning {
                segmented: self.extended.lru_maintainer,
                hot_percent: self.extended.hot_lru_pct,
                warm_percent: self.extended.warm_lru_pct,
                hot_age_factor: self.extended.hot_max_factor,
                warm_age_factor: self.extended.warm_max_factor,
                temporary_seconds: self.extended.temporary_ttl,
            },
            cas: !self.no_cas,
            evict: !self.no_evictions,
            flush: !self.no_flush,
            dump: !self.no_dump,
            checksums: self.verify_checksums,
            prefix_delimiter: self.delimiter,
        }
    }

    /// Bytes of the largest size class.
    pub fn largest_class(&self) -> u32 {
        self.extended.slab_chunk_max.min(self.item_bytes)
    }

    fn validated(mut self) -> Result<Self, Failure> {
        self.refuse_what_is_not_there()?;
        self.extended =
            Extended::parse(&self.extended_lists).map_err(|text| Failure::usage(&text))?;
        if self.auth_file.is_some() {
            if self.binding == Binding::Binary || self.udp_port != 0 {
                return Err(Failure::usage(
                    "-Y knows who sends requests over the text protocol and connections only: leave \
                     out -B binary and -U",
                ));
            }
            self.binding = Binding::Ascii;
        }
        if self.item_bytes < ITEM_BYTES_MIN {
            return Err(Failure::usage(
                "Item max size cannot be less than 1024 bytes.",
            ));
        }
        if u64::from(self.item_bytes) > self.memory_bytes() / 2 {
            return Err(Failure::usage(
                "Cannot set item size limit higher than 1/2 of memory max.",
            ));
        }
        if self.item_bytes > ITEM_BYTES_MAX {
            return Err(Failure::usage(
                "Cannot set item size limit higher than a gigabyte.",
            ));
        }
        if self.threads > THREADS_RECOMMENDED_MAX {
            eprintln!(
                "WARNING: Setting a high number of worker threads is not recommended.\n \
                 Set this value to the number of cores in your machine or less."
            );
        }
        Ok(self)
    }

    fn refuse_what_is_not_there(&self) -> Result<(), Failure> {
        let asked = [
            (self.sasl, "-S", "SASL authentication"),
            (self.tls, "-Z", "TLS"),
            (self.memory_file.is_some(), "-e", "a restartable cache"),
        ];
        match asked.into_iter().find(|(asked, ..)| *asked) {
            None => Ok(()),
            Some((_, flag, what)) => Err(Failure::usage(&format!(
                "{flag} was asked for, and this server has no support for {what}: leave {flag} out"
            ))),
        }
    }
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] => Ok(*byte),
        _ => Err(format!("{text:?} is not one character")),
    }
}

/// A policy that a cache can follow: a client whose request was dropped would wait for ever.
fn on_fault(text: &str) -> Result<OnFault, String> {
    match text.parse() {
        Ok(OnFault::Drop) => {
            Err("a request cannot be dropped: its client waits; use abort or retry(n)".into())
        }
        Ok(policy) => Ok(policy),
        Err(error) => Err(error.to_string()),
    }
}

fn octal(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text, 8).map_err(|_| format!("{text:?} is not an octal access mask"))
}

fn growth_factor(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(factor) if factor > 1.0 => Ok(factor),
        _ => Err("Factor must be greater than 1".into()),
    }
}

#[cfg(test)]
mod tests;
