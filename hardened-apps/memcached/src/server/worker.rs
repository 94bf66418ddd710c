//! A thread with an event loop over its connections.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;

use super::buffers::BufferPool;
use super::connection::{Connection, Next, Turn};
use super::datagrams::Datagrams;
use super::failure::Failure;
use super::shared::Shared;
use super::stream::Stream;
use super::termination::AbortOnPanic;

/// Events taken from the system at once.
const EVENTS_MAX: usize = 256;
/// Announces new connections, or the end.
const WAKER: Token = Token(usize::MAX);
/// The tokens of sockets for datagrams count down from here.
const DATAGRAMS: usize = usize::MAX - 1;
/// How often idle connections are looked for.
const IDLE_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// How the listener reaches a worker.
#[derive(Debug)]
pub(super) struct WorkerHandle {
    connections: Sender<Stream>,
    waker: Waker,
    thread: thread::JoinHandle<()>,
}

impl WorkerHandle {
    /// Starts worker `number`, which also serves these datagrams.
    pub(super) fn start(
        number: usize,
        shared: &Arc<Shared>,
        datagrams: Vec<UdpSocket>,
    ) -> Result<Self, Failure> {
        let failure = |error: io::Error| Failure::system("start a worker thread", error);
        let poll = Poll::new().map_err(failure)?;
        let waker = Waker::new(poll.registry(), WAKER).map_err(failure)?;
        let (connections, inbox) = channel();
        let mut worker = Worker::new(number, Arc::clone(shared), poll, inbox);
        for socket in datagrams {
            worker.add_datagrams(socket).map_err(failure)?;
        }
        let run = move || {
            let _guard = AbortOnPanic;
            worker.run();
        };
        let thread = thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(run)
            .map_err(failure)?;
        Ok(Self {
            connections,
            waker,
            thread,
        })
    }

    /// Lets the worker look whether to stop.
    pub(super) fn wake(&self) {
        // A worker that cannot be woken is not waited for for ever.
        let _ = self.waker.wake();
    }

    /// Whether the worker has answered all that was received and has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Hands over a connection.
    pub(super) fn give(&self, stream: Stream) -> io::Result<()> {
        self.connections.send(stream).map_err(io::Error::other)?;
        self.waker.wake()
    }
}

/// The state of a worker thread.
#[derive(Debug)]
struct Worker {
    number: usize,
    shared: Arc<Shared>,
    poll: Poll,
    inbox: Receiver<Stream>,
    connections: Slab<Connection>,
    /// Connections whose turn it is, each once.
    queue: Vec<usize>,
    pool: BufferPool,
    datagrams: Vec<Datagrams>,
    /// Some of these may have more to serve.
    datagrams_ready: bool,
    idle_checked_at: Instant,
}

impl Worker {
    fn new(number: usize, shared: Arc<Shared>, poll: Poll, inbox: Receiver<Stream>) -> Self {
        Self {
            number,
            shared,
            poll,
            inbox,
            connections: Slab::new(),
            queue: Vec::new(),
            pool: BufferPool::default(),
            datagrams: Vec::new(),
            datagrams_ready: false,
            idle_checked_at: Instant::now(),
        }
    }

    fn add_datagrams(&mut self, socket: UdpSocket) -> io::Result<()> {
        let mut datagrams = Datagrams::new(socket);
        let token = Token(DATAGRAMS - self.datagrams.len());
        self.poll
            .registry()
            .register(datagrams.socket_mut(), token, Interest::READABLE)?;
        self.datagrams.push(datagrams);
        Ok(())
    }

    /// Serves until the server stops and all that was received is answered.
    fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS_MAX);
        while !(self.shared.stopping.load(Relaxed) && self.queue.is_empty()) {
            self.wait(&mut events);
            for event in &events {
                if event.token() == WAKER {
                    self.welcome();
                } else if event.token().0 > DATAGRAMS - self.datagrams.len() {
                    self.datagrams_ready = true;
                } else if let Some(connection) = self.connections.get_mut(event.token().0) {
                    connection.note(event);
                    if !connection.queued {
                        connection.queued = true;
                        self.queue.push(event.token().0);
                    }
                }
            }
            self.give_turns();
            self.serve_datagrams();
            self.close_idle_connections();
        }
    }

    fn wait(&mut self, events: &mut Events) {
        let timeout = if !self.queue.is_empty() || self.datagrams_ready {
            Some(Duration::ZERO)
        } else if self.shared.options.extended.idle_timeout > 0 {
            Some(IDLE_CHECK_INTERVAL)
        } else {
            None
        };
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                panic!("worker {}: waiting for events failed: {error}", self.number);
            }
            _ => {}
        }
    }

    /// Takes over the connections that the listener has handed over.
    fn welcome(&mut self) {
        while let Ok(stream) = self.inbox.try_recv() {
            let entry = self.connections.vacant_entry();
            let number = entry.key();
            let now = self.shared.clock.now();
            let record = self
                .shared
                .records
                .add(stream.file(), stream.addresses(), now);
            let framer = self.shared.framer();
            let mut connection = Connection::new(stream, number, framer, now, record);
            let interest = Interest::READABLE | Interest::WRITABLE;
            let token = Token(number);
            if self
                .poll
                .registry()
                .register(connection.stream_mut(), token, interest)
                .is_err()
            {
                self.shared.records.remove(connection.file());
                self.shared.connections.open.fetch_sub(1, Relaxed);
                continue;
            }
            entry.insert(connection);
            self.shared
                .log
                .trace(format_args!("<{number} new client connection"));
        }
    }

    /// One turn for each queued connection.
    fn give_turns(&mut self) {
        let now = self.shared.clock.now();
        let mut turn = Turn {
            shared: &self.shared,
            traffic: &self.shared.traffic[self.number],
            pool: &mut self.pool,
            now,
        };
        self.queue.retain(|&number| {
            let connection = &mut self.connections[number];
            let next = connection.take_turn(&mut turn);
            connection.queued = next == Next::Again;
            if next == Next::Close {
                self.shared.records.remove(connection.file());
                self.connections.remove(number);
                self.shared.connections.open.fetch_sub(1, Relaxed);
                self.shared
                    .log
                    .trace(format_args!("<{number} connection closed."));
            }
            next == Next::Again
        });
    }

    fn serve_datagrams(&mut self) {
        if !self.datagrams_ready {
            return;
        }
        self.datagrams_ready = false;
        let traffic = &self.shared.traffic[self.number];
        for datagrams in &mut self.datagrams {
            self.datagrams_ready |= datagrams.take_turn(&self.shared, traffic);
        }
    }

    /// Closes connections whose clients have not asked for anything for too long.
    fn close_idle_connections(&mut self) {
        let seconds = self.shared.options.extended.idle_timeout;
        if seconds == 0 || self.idle_checked_at.elapsed() < IDLE_CHECK_INTERVAL {
            return;
        }
        self.idle_checked_at = Instant::now();
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        let since = self.shared.clock.now().saturating_sub(seconds);
        let shared = &self.shared;
        self.connections.retain(|_, connection| {
            let idle = connection.is_idle_since(since);
            if idle {
                shared.records.remove(connection.file());
                shared.connections.open.fetch_sub(1, Relaxed);
                shared.connections.idle_kicks.fetch_add(1, Relaxed);
            }
            !idle
        });
    }
}
