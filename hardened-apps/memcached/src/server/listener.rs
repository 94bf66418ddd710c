//! Accepts connections and hands them to the workers.

use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use mio::event::Source;
use mio::net::{TcpListener, UnixListener};
use mio::{Events, Interest, Poll, Token, Waker};

use super::failure::Failure;
use super::shared::Shared;
use super::stream::Stream;
use super::worker::WorkerHandle;
use crate::protocol::reply;

/// How long to wait before accepting again when there is no room for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
/// Wakes the listener when the server is to stop.
const WAKER: Token = Token(usize::MAX);

/// A listening socket.
#[derive(Debug)]
pub(super) enum ListeningSocket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl ListeningSocket {
    fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(socket) => socket.accept().map(|(stream, _)| Stream::Tcp(stream)),
            Self::Unix(socket) => socket.accept().map(|(stream, _)| Stream::Unix(stream)),
        }
    }

    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(socket) => socket,
            Self::Unix(socket) => socket,
        }
    }

    /// The number of its file.
    pub(super) fn file(&self) -> i32 {
        match self {
            Self::Tcp(socket) => socket.as_raw_fd(),
            Self::Unix(socket) => socket.as_raw_fd(),
        }
    }

    pub(super) fn tcp_address(&self) -> Option<io::Result<SocketAddr>> {
        match self {
            Self::Tcp(socket) => Some(socket.local_addr()),
            Self::Unix(_) => None,
        }
    }

    /// As `stats conns` shows it.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Tcp(socket) => socket
                .local_addr()
                .map_or_else(|_| "tcp:".into(), |address| format!("tcp:{address}")),
            Self::Unix(socket) => {
                let address = socket.local_addr().ok();
                let path = address.as_ref().and_then(|address| address.as_pathname());
                format!(
                    "unix:{}",
                    path.map_or_else(String::new, |path| path.display().to_string())
                )
            }
        }
    }
}

/// All listening sockets.
#[derive(Debug)]
pub(super) struct Listener {
    poll: Poll,
    sockets: Vec<ListeningSocket>,
    /// Since when nothing is accepted because of too many connections.
    suspended: Option<Instant>,
}

impl Listener {
    pub(super) fn new(mut sockets: Vec<ListeningSocket>) -> Result<Self, Failure> {
        let failure = |error: io::Error| Failure::system("wait for connections", error);
        let poll = Poll::new().map_err(failure)?;
        for (number, socket) in sockets.iter_mut().enumerate() {
            poll.registry()
                .register(socket.source(), Token(number), Interest::READABLE)
                .map_err(failure)?;
        }
        Ok(Self {
            poll,
            sockets,
            suspended: None,
        })
    }

    /// What makes [`accept_until_stopped`](Self::accept_until_stopped) look whether to stop.
    pub(super) fn waker(&self) -> Result<Arc<Waker>, Failure> {
        let waker = Waker::new(self.poll.registry(), WAKER);
        waker
            .map(Arc::new)
            .map_err(|error| Failure::system("wait for connections", error))
    }

    /// Accepts connections and hands them to the workers in turn.
    pub(super) fn accept_until_stopped(
        mut self,
        shared: &Shared,
        workers: &[WorkerHandle],
    ) -> Result<(), Failure> {
        let mut events = Events::with_capacity(self.sockets.len() + 1);
        let mut next_worker = workers.iter().cycle();
        let mut timeout = None;
        while !shared.stopping.load(Relaxed) {
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != ErrorKind::Interrupted => {
                    return Err(Failure::system("wait for connections", error));
                }
                _ => {}
            }
            timeout = None;
            for number in 0..self.sockets.len() {
                if self.is_suspended(shared) {
                    timeout = Some(ACCEPT_PAUSE);
                    break;
                }
                while let Some(stream) = accept(&self.sockets[number], shared, &mut timeout) {
                    if let Some(worker) = next_worker.next() {
                        admit(stream, shared, worker);
                    }
                    if self.is_suspended(shared) {
                        timeout = Some(ACCEPT_PAUSE);
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Without `maxconns_fast` a connection too many waits to be accepted.
    fn is_suspended(&mut self, shared: &Shared) -> bool {
        let counters = &shared.connections;
        let full = !shared.options.extended.maxconns_fast
            && counters.open.load(Relaxed) >= u64::from(shared.options.conn_limit);
        match (full, self.suspended) {
            (true, None) => {
                counters.accept_stops.fetch_add(1, Relaxed);
                self.suspended = Some(Instant::now());
            }
            (false, Some(since)) => {
                let microseconds = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
                counters
                    .accept_stopped_microseconds
                    .fetch_add(microseconds, Relaxed);
                self.suspended = None;
            }
            _ => {}
        }
        counters.not_accepting.store(full, Relaxed);
        full
    }
}

/// The next connection. When the system has no file for it, asks to be called again later.
fn accept(
    socket: &ListeningSocket,
    shared: &Shared,
    timeout: &mut Option<Duration>,
) -> Option<Stream> {
    loop {
        match socket.accept() {
            Ok(stream) => return Some(stream),
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
fn admit(mut stream: Stream, shared: &Shared, worker: &WorkerHandle) {
    let counters = &shared.connections;
    if counters.open.load(Relaxed) >= u64::from(shared.options.conn_limit) {
        counters.rejected.fetch_add(1, Relaxed);
        // The peer may be gone already; it is turned away either way.
        let _ = stream.write(reply::TOO_MANY_CONNECTIONS);
        return;
    }
    stream.prepare();
    counters.open.fetch_add(1, Relaxed);
    counters.total.fetch_add(1, Relaxed);
    if let Err(error) = worker.give(stream) {
        counters.open.fetch_sub(1, Relaxed);
        shared
            .log
            .warn(format_args!("failed to hand over a connection: {error}"));
    }
}
