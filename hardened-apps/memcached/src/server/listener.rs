//! The listening sockets.

use std::io::{self, ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener, ToSocketAddrs};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, SockRef, Socket, Type};

use super::failure::Failure;
use super::shared::Shared;
use super::worker::WorkerHandle;
use crate::options::Options;
use crate::protocol::reply;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;
/// How long to wait when the system has no file left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
/// memcached's variable: the name of a file to write the ports into.
const PORT_FILE_VARIABLE: &str = "MEMCACHED_PORT_FILENAME";

/// All listening sockets.
#[derive(Debug)]
pub(super) struct Listener {
    poll: Poll,
    sockets: Vec<TcpListener>,
}

impl Listener {
    /// Opens the sockets that the options ask for.
    pub(super) fn bind(options: &Options) -> Result<Self, Failure> {
        let mut sockets = Vec::new();
        let mut absent = Ok(());
        for address in addresses(options)? {
            match listen(address) {
                Ok(socket) => sockets.push(socket),
                Err(error) => {
                    let failure = Failure::system(&format!("listen on TCP port {address}"), &error);
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
        write_port_file(&sockets)?;
        let failure = |error: io::Error| Failure::system("wait for connections", error);
        let poll = Poll::new().map_err(failure)?;
        for (number, socket) in sockets.iter_mut().enumerate() {
            poll.registry()
                .register(socket, Token(number), Interest::READABLE)
                .map_err(failure)?;
        }
        Ok(Self { poll, sockets })
    }

    /// Accepts connections and hands them to the workers in turn.
    pub(super) fn accept_forever(
        mut self,
        shared: &Shared,
        workers: &[WorkerHandle],
    ) -> Result<(), Failure> {
        let mut events = Events::with_capacity(self.sockets.len());
        let mut next_worker = workers.iter().cycle();
        let mut timeout = None;
        loop {
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != ErrorKind::Interrupted => {
                    return Err(Failure::system("wait for connections", error));
                }
                _ => {}
            }
            timeout = None;
            for socket in &self.sockets {
                while let Some(stream) = accept(socket, shared, &mut timeout) {
                    if let Some(worker) = next_worker.next() {
                        admit(stream, shared, worker);
                    }
                }
            }
        }
    }
}

/// The next connection. When the system has no file for it, asks to be called again later.
fn accept(
    socket: &TcpListener,
    shared: &Shared,
    timeout: &mut Option<Duration>,
) -> Option<TcpStream> {
    loop {
        match socket.accept() {
            Ok((stream, _)) => return Some(stream),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Interrupted | ErrorKind::ConnectionAborted
                ) => {}
            Err(error) => {
                shared.log.warn(format_args!("accept(): {error}"));
                *timeout = Some(ACCEPT_PAUSE);
                return None;
            }
        }
    }
}

/// Hands the connection to the worker unless there are too many.
fn admit(mut stream: TcpStream, shared: &Shared, worker: &WorkerHandle) {
    let counters = &shared.connections;
    if counters.open.load(Relaxed) >= u64::from(shared.options.conn_limit) {
        counters.rejected.fetch_add(1, Relaxed);
        // The peer may be gone already; it is turned away either way.
        let _ = stream.write(reply::TOO_MANY_CONNECTIONS);
        return;
    }
    // Neither option is needed to serve.
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(&stream).set_keepalive(true);
    counters.open.fetch_add(1, Relaxed);
    counters.total.fetch_add(1, Relaxed);
    if let Err(error) = worker.give(stream) {
        counters.open.fetch_sub(1, Relaxed);
        shared
            .log
            .warn(format_args!("failed to hand over a connection: {error}"));
    }
}

fn addresses(options: &Options) -> Result<Vec<SocketAddr>, Failure> {
    let port = u16::try_from(options.port).unwrap_or(0);
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

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(StdListener::from(socket)))
}

/// Whether this host has no such address: a name often has an IPv6 address where IPv6 is off.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::AddrNotAvailable | ErrorKind::Unsupported
    ) || error.raw_os_error() == Some(nix::errno::Errno::EAFNOSUPPORT as i32)
}

fn write_port_file(sockets: &[TcpListener]) -> Result<(), Failure> {
    let Some(path) = std::env::var_os(PORT_FILE_VARIABLE) else {
        return Ok(());
    };
    let mut text = String::new();
    for socket in sockets {
        let address = socket
            .local_addr()
            .map_err(|error| Failure::system("read the address of a socket", error))?;
        let family = if address.is_ipv6() { "INET6" } else { "INET" };
        text += &format!("TCP {family}: {}\n", address.port());
    }
    // Whoever waits for the file must not see half of it.
    let path = std::path::PathBuf::from(path);
    let unfinished = path.with_extension("lck");
    std::fs::write(&unfinished, text)
        .and_then(|()| std::fs::rename(&unfinished, &path))
        .map_err(|error| Failure::system(&format!("write {}", path.display()), error))
}
