//! The command line, with memcached's flags.

use clap::{ArgAction, Parser};

use crate::server::failure::Failure;

/// Megabytes below which there is no room for an item of the largest size.
const MEMORY_MEGABYTES_MIN: u64 = 2;
const MEGABYTE: u64 = 1 << 20;
/// memcached's limit of `-m` for a typing error in bytes.
const MEMORY_MEGABYTES_MAX: u64 = 1 << 40;
/// Threads beyond which memcached warns.
const THREADS_RECOMMENDED_MAX: u16 = 64;
/// What is printed for `-V`.
const VERSION_TEXT: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (behaves like memcached 1.6.18)"
);

/// A memcached whose every request is executed twice and compared.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(name = "asc-memcached", version = VERSION_TEXT, args_override_self = true)]
pub struct Options {
    /// TCP port to listen on; -1 lets the system choose
    #[arg(
        short = 'p', long, value_name = "num", default_value_t = 11211,
        allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-1..=65535)
    )]
    pub port: i32,

    /// Interface to listen on, or several separated by commas, each with or without a port
    /// [default: all]
    #[arg(short = 'l', long, value_name = "addr", value_delimiter = ',')]
    pub listen: Vec<String>,

    /// Number of threads to use
    #[arg(short = 't', long, value_name = "num", default_value_t = 4,
          value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: u16,

    /// Item memory in megabytes
    #[arg(short = 'm', long = "memory-limit", value_name = "num", default_value_t = 64,
          value_parser = clap::value_parser!(u64).range(MEMORY_MEGABYTES_MIN..=MEMORY_MEGABYTES_MAX))]
    pub memory_limit: u64,

    /// Max simultaneous connections
    #[arg(short = 'c', long = "conn-limit", value_name = "num", default_value_t = 1024,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub conn_limit: u32,

    /// UDP port to listen on: only 0, off
    #[arg(
        short = 'U',
        long = "udp-port",
        value_name = "num",
        default_value_t = 0
    )]
    pub udp_port: u16,

    /// Assume identity of this user (only when run as root)
    #[arg(short = 'u', long, value_name = "user")]
    pub user: Option<String>,

    /// Verbose: -v errors and warnings, -vv also client commands
    #[arg(short = 'v', long, action = ArgAction::Count)]
    pub verbose: u8,
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
        options.validate()?;
        Ok(options)
    }

    /// Memory for items in bytes.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_limit * MEGABYTE
    }

    fn validate(&self) -> Result<(), Failure> {
        if self.udp_port != 0 {
            return Err(Failure::usage(&format!(
                "UDP port {} was asked for, and UDP is not supported: leave -U out or use -U 0",
                self.udp_port
            )));
        }
        if self.threads > THREADS_RECOMMENDED_MAX {
            eprintln!(
                "WARNING: Setting a high number of worker threads is not recommended.\n \
                 Set this value to the number of cores in your machine or less."
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<Options, clap::Error> {
        Options::try_parse_from(
            ["asc-memcached"]
                .into_iter()
                .chain(arguments.split_whitespace()),
        )
    }

    #[test]
    fn memcacheds_flags_in_memcacheds_spellings() {
        let options =
            parse("-p11212 -l 127.0.0.1,::1 -l localhost:1 -t 2 -m 128 -c 9 -U 0 -u nobody -vv");
        let expected = Options {
            port: 11212,
            listen: ["127.0.0.1", "::1", "localhost:1"]
                .map(String::from)
                .to_vec(),
            threads: 2,
            memory_limit: 128,
            conn_limit: 9,
            udp_port: 0,
            user: Some("nobody".into()),
            verbose: 2,
        };
        assert_eq!(options.expect("these are valid"), expected);
        let long =
            parse("--port=1 --memory-limit=2 --threads 1 --conn-limit=3 --udp-port=0 --verbose");
        assert_eq!(long.expect("these are valid").memory_bytes(), 2 << 20);
        assert_eq!(parse("-p -1").expect("valid").port, -1);
    }

    #[test]
    fn the_last_of_several_flags_counts() {
        let options = parse("-t 1 -u root -t 3 -u nobody").expect("these are valid");
        assert_eq!(
            (options.threads, options.user.as_deref()),
            (3, Some("nobody"))
        );
    }

    #[test]
    fn the_defaults_are_memcacheds() {
        let options = parse("").expect("no argument is required");
        assert_eq!((options.port, options.threads), (11211, 4));
        assert_eq!((options.memory_limit, options.conn_limit), (64, 1024));
    }

    #[test]
    fn what_is_not_supported_is_refused() {
        for arguments in [
            "-t 0",
            "-c 0",
            "-m 0",
            "-p 70000",
            "-o modern",
            "-s /socket",
            "extra",
        ] {
            assert!(parse(arguments).is_err(), "{arguments}");
        }
        let options = parse("-U 11211").expect("a number is parsed first");
        assert!(options.validate().is_err());
    }
}
