//! Opens the sockets that the options ask for, or takes those that systemd has opened.

use std::io::{self, ErrorKind};
use std::net::UdpSocket as StdUdp;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdTcp, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener as StdUnix;
use std::path::Path;

use listenfd::ListenFd;
use mio::net::{TcpListener, UdpSocket, UnixListener};
use nix::sys::stat::{Mode, umask};
use socket2::{Domain, Socket, Type};

use super::failure::Failure;
use super::listener::ListeningSocket;
use crate::options::Options;

/// memcached's variable: the name of a file to write the ports into.
const PORT_FILE_VARIABLE: &str = "MEMCACHED_PORT_FILENAME";
const ALL_PERMISSIONS: u32 = 0o777;

/// Everything that the server listens on.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    pub(super) listening: Vec<ListeningSocket>,
    pub(super) datagrams: Vec<UdpSocket>,
}

impl Sockets {
    /// Opens them.
    pub(super) fn open(options: &Options) -> Result<Self, Failure> {
        let mut sockets = Self::inherited()?;
        if !sockets.listening.is_empty() {
            return Ok(sockets);
        }
        if let Some(path) = &options.unix_socket {
            let socket =
                listen_unix(path, options.unix_mask, options.backlog).map_err(|error| {
                    Failure::system(&format!("listen on UNIX socket: {}", path.display()), error)
                })?;
            sockets.listening.push(ListeningSocket::Unix(socket));
        } else {
            if options.tcp_port() != 0 {
                sockets.open_tcp(options)?;
            }
            if options.udp_port != 0 {
                sockets.open_udp(options)?;
            }
        }
        sockets.write_port_file()?;
        Ok(sockets)
    }

    /// The sockets that were opened by whoever started the server (sd_listen_fds(3)).
    fn inherited() -> Result<Self, Failure> {
        let failure = |error: io::Error| Failure::system("use an inherited socket", error);
        let mut inherited = ListenFd::from_env();
        let mut sockets = Self::default();
        for number in 0..inherited.len() {
            if let Ok(Some(socket)) = inherited.take_tcp_listener(number) {
                socket.set_nonblocking(true).map_err(failure)?;
                let socket = TcpListener::from_std(socket);
                sockets.listening.push(ListeningSocket::Tcp(socket));
            } else if let Ok(Some(socket)) = inherited.take_unix_listener(number) {
                socket.set_nonblocking(true).map_err(failure)?;
                let socket = UnixListener::from_std(socket);
                sockets.listening.push(ListeningSocket::Unix(socket));
            } else if let Some(socket) = inherited.take_udp_socket(number).map_err(failure)? {
                socket.set_nonblocking(true).map_err(failure)?;
                sockets.datagrams.push(UdpSocket::from_std(socket));
            }
        }
        Ok(sockets)
    }

    fn open_tcp(&mut self, options: &Options) -> Result<(), Failure> {
        let backlog = options.backlog;
        let sockets = open_all(options, options.tcp_port(), "TCP", |address| {
            listen(address, backlog)
        })?;
        self.listening
            .extend(sockets.into_iter().map(ListeningSocket::Tcp));
        Ok(())
    }

    fn open_udp(&mut self, options: &Options) -> Result<(), Failure> {
        self.datagrams = open_all(options, options.udp_port, "UDP", bind_udp)?;
        Ok(())
    }

    fn write_port_file(&self) -> Result<(), Failure> {
        let Some(path) = std::env::var_os(PORT_FILE_VARIABLE) else {
            return Ok(());
        };
        let tcp = self
            .listening
            .iter()
            .filter_map(ListeningSocket::tcp_address);
        let tcp = tcp.map(|address| ("TCP", address));
        let udp = self
            .datagrams
            .iter()
            .map(|socket| ("UDP", socket.local_addr()));
        let mut text = String::new();
        for (protocol, address) in tcp.chain(udp) {
            let address =
                address.map_err(|error| Failure::system("read the address of a socket", error))?;
            let family = if address.is_ipv6() { "INET6" } else { "INET" };
            text += &format!("{protocol} {family}: {}\n", address.port());
        }
        // Whoever waits for the file must not see half of it.
        let path = std::path::PathBuf::from(path);
        let unfinished = path.with_extension("lck");
        std::fs::write(&unfinished, text)
            .and_then(|()| std::fs::rename(&unfinished, &path))
            .map_err(|error| Failure::system(&format!("write {}", path.display()), error))
    }
}

/// A socket for every address that this host has.
fn open_all<S>(
    options: &Options,
    port: i32,
    protocol: &str,
    open: impl Fn(SocketAddr) -> io::Result<S>,
) -> Result<Vec<S>, Failure> {
    let mut sockets = Vec::new();
    let mut absent = Ok(());
    for address in addresses(options, port)? {
        match open(address) {
            Ok(socket) => sockets.push(socket),
            Err(error) => {
                let action = format!("listen on {protocol} port {address}");
                let failure = Failure::system(&action, &error);
                if !is_absent(&error) {
                    return Err(failure);
                }
                absent = Err(failure);
            }
        }
    }
    if sockets.is_empty() {
        absent?;
    }
    Ok(sockets)
}

fn addresses(options: &Options, port: i32) -> Result<Vec<SocketAddr>, Failure> {
    let port = u16::try_from(port).unwrap_or(0);
    if options.listen.is_empty() {
        let all = [
            IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        ];
        return Ok(all.map(|address| SocketAddr::new(address, port)).to_vec());
    }
    let mut addresses = Vec::new();
    for name in &options.listen {
        addresses.extend(resolve(name, port)?);
    }
    Ok(addresses)
}

/// An address, a name, or either with a port.
fn resolve(name: &str, port: u16) -> Result<Vec<SocketAddr>, Failure> {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = if name.contains(':') {
        name.to_socket_addrs()
    } else {
        (name, port).to_socket_addrs()
    };
    match found {
        Ok(found) => Ok(found.collect()),
        Err(error) => Err(Failure::system(
            &format!("find the address {name} of -l"),
            error,
        )),
    }
}

fn listen(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = bound(address, Type::STREAM)?;
    socket.listen(backlog)?;
    Ok(TcpListener::from_std(StdTcp::from(socket)))
}

fn bind_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = bound(address, Type::DGRAM)?;
    Ok(UdpSocket::from_std(StdUdp::from(socket)))
}

fn bound(address: SocketAddr, kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// A socket file that is left from an earlier run is replaced; any other file is not.
fn listen_unix(path: &Path, mask: u32, backlog: i32) -> io::Result<UnixListener> {
    if std::fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket()) {
        std::fs::remove_file(path)?;
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    let address = socket2::SockAddr::unix(path)?;
    let old = umask(Mode::from_bits_truncate(!mask & ALL_PERMISSIONS));
    let done = socket.bind(&address);
    umask(old);
    done?;
    socket.listen(backlog)?;
    Ok(UnixListener::from_std(StdUnix::from(OwnedFd::from(socket))))
}

/// Whether this host has no such address: a name often has an IPv6 address where IPv6 is off.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::AddrNotAvailable | ErrorKind::Unsupported
    ) || error.raw_os_error() == Some(nix::errno::Errno::EAFNOSUPPORT as i32)
}
