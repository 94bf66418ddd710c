//! A thread with an event loop over its connections.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;

use super::buffers::BufferPool;
use super::connection::{Connection, Next, Turn};
use super::failure::Failure;
use super::shared::Shared;
use super::termination::AbortOnPanic;

/// Events taken from the system at once.
const EVENTS_MAX: usize = 256;
/// Announces new connections.
const WAKER: Token = Token(usize::MAX);

/// How the listener reaches a worker.
#[derive(Debug)]
pub(super) struct WorkerHandle {
    connections: Sender<TcpStream>,
    waker: Waker,
}

impl WorkerHandle {
    /// Starts worker `number`.
    pub(super) fn start(number: usize, shared: &Arc<Shared>) -> Result<Self, Failure> {
        let failure = |error: io::Error| Failure::system("start a worker thread", error);
        let poll = Poll::new().map_err(failure)?;
        let waker = Waker::new(poll.registry(), WAKER).map_err(failure)?;
        let (connections, inbox) = channel();
        let shared = Arc::clone(shared);
        let run = move || {
            let _guard = AbortOnPanic;
            Worker::new(number, shared, poll, inbox).run();
        };
        thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(run)
            .map_err(failure)?;
        Ok(Self { connections, waker })
    }

    /// Hands over a connection.
    pub(super) fn give(&self, stream: TcpStream) -> io::Result<()> {
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
    inbox: Receiver<TcpStream>,
    connections: Slab<Connection>,
    /// Connections whose turn it is, each once.
    queue: Vec<usize>,
    pool: BufferPool,
}

impl Worker {
    fn new(number: usize, shared: Arc<Shared>, poll: Poll, inbox: Receiver<TcpStream>) -> Self {
        Self {
            number,
            shared,
            poll,
            inbox,
            connections: Slab::new(),
            queue: Vec::new(),
            pool: BufferPool::default(),
        }
    }

    fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS_MAX);
        loop {
            self.wait(&mut events);
            for event in &events {
                if event.token() == WAKER {
                    self.welcome();
                } else if let Some(connection) = self.connections.get_mut(event.token().0) {
                    connection.note(event);
                    if !connection.queued {
                        connection.queued = true;
                        self.queue.push(event.token().0);
                    }
                }
            }
            self.give_turns();
        }
    }

    fn wait(&mut self, events: &mut Events) {
        let timeout = if self.queue.is_empty() {
            None
        } else {
            Some(Duration::ZERO)
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
            let mut connection = Connection::new(stream, number, self.shared.item_bytes_max);
            let interest = Interest::READABLE | Interest::WRITABLE;
            let token = Token(number);
            if self
                .poll
                .registry()
                .register(connection.stream_mut(), token, interest)
                .is_err()
            {
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
                self.connections.remove(number);
                self.shared.connections.open.fetch_sub(1, Relaxed);
                self.shared
                    .log
                    .trace(format_args!("<{number} connection closed."));
            }
            next == Next::Again
        });
    }
}
