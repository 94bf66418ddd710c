//! One client.
//!
//! A turn:
//! 1. Execute every complete request that was received; their replies gather in the output.
//! 2. Send the output. If the peer does not take it, the turn ends and nothing more is received:
//!    a client that does not read cannot make the server store its replies.
//! 3. Receive; begin again. After a few times others are given their turn.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;

use mio::event::Event;

use super::authentication::{Accounts, Attempt};
use super::buffers::{BufferPool, Buffers};
use super::connection_record::{ConnectionRecord, State};
use super::execution::{self, Call, Pause, Progress};
use super::shared::{Shared, Traffic};
use super::stream::Stream;
use crate::protocol::frame::{Frame, Framer, Protocol};
use crate::protocol::reply;
use crate::statistics::write_reply;

/// Replies that are gathered before they are sent. One request may add its own part on top.
const OUTPUT_BYTES_MAX: usize = 128 * 1024;
/// Receptions of one turn.
const RECEPTIONS_PER_TURN: u32 = 4;

/// What a connection works with during its turn.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) shared: &'a Shared,
    pub(super) traffic: &'a Traffic,
    pub(super) pool: &'a mut BufferPool,
    pub(super) now: u32,
}

/// What to do with the connection after its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Wait for an event.
    Wait,
    /// Give it another turn: there is more to receive.
    Again,
    Close,
}

/// A client's socket and what is known about it.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    /// Names the connection in the log.
    number: usize,
    framer: Framer,
    /// Present while something was received and not executed, or said and not sent.
    buffers: Option<Box<Buffers>>,
    /// Bytes of the next request that are known to be missing still, with those received.
    needed: usize,
    /// Where the request at the beginning of the input goes on.
    paused: Option<Pause>,
    /// Bytes to drop from the input.
    discard: usize,
    /// There may be something to receive.
    readable: bool,
    /// The peer has sent its last byte, which must be looked for.
    peer_finished: bool,
    /// Close once the output was sent.
    closing: bool,
    /// Waiting for its turn.
    pub(super) queued: bool,
    /// Whether the client has said who it is.
    authenticated: bool,
    /// When a request was executed last.
    last_request: u32,
    record: Arc<ConnectionRecord>,
}

/// Why executing stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Executed {
    /// No complete request is left.
    All,
    /// The output has to be sent first.
    OutputFull,
    /// As many as `-R` allows have been executed.
    Enough,
}

/// Whether the output was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    All,
    /// The peer takes no more for now.
    Blocked,
    Failed,
}

/// Whether anything was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Received {
    Some,
    /// Nothing to receive for now.
    Blocked,
    /// The peer has finished, or is gone.
    Ended,
}

impl Connection {
    pub(super) fn new(
        stream: Stream,
        number: usize,
        framer: Framer,
        now: u32,
        record: Arc<ConnectionRecord>,
    ) -> Self {
        Self {
            stream,
            number,
            framer,
            buffers: None,
            needed: 0,
            paused: None,
            discard: 0,
            readable: false,
            peer_finished: false,
            closing: false,
            queued: false,
            authenticated: false,
            last_request: now,
            record,
        }
    }

    /// Whether no request has come since `time` and none is on its way.
    pub(super) fn is_idle_since(&self, time: u32) -> bool {
        self.last_request <= time && !self.queued
    }

    /// The number of its file.
    pub(super) fn file(&self) -> i32 {
        self.stream.file()
    }

    pub(super) fn stream_mut(&mut self) -> &mut Stream {
        &mut self.stream
    }

    /// Remembers what the event says. Events come once per change.
    pub(super) fn note(&mut self, event: &Event) {
        self.readable |= event.is_readable() || event.is_error();
        self.peer_finished |= event.is_read_closed();
    }

    /// Serves the client as far as it goes.
    pub(super) fn take_turn(&mut self, turn: &mut Turn<'_>) -> Next {
        let mut buffers = self.buffers.take().unwrap_or_else(|| turn.pool.take());
        self.record.set_state(State::Busy);
        let next = self.serve(&mut buffers, turn);
        let state = if buffers.has_unsent() {
            State::Writing
        } else if self.framer.awaits_data() {
            State::Data
        } else {
            State::Command
        };
        self.record.set_state(state);
        self.buffers = turn.pool.put_back(buffers);
        next
    }

    fn serve(&mut self, buffers: &mut Buffers, turn: &Turn<'_>) -> Next {
        let mut receptions = RECEPTIONS_PER_TURN;
        let mut requests = turn.shared.options.requests_per_event.unwrap_or(u32::MAX);
        loop {
            let executed = self.execute(buffers, turn, &mut requests);
            match self.send(buffers, turn.traffic) {
                Sent::All => {}
                Sent::Blocked => return Next::Wait,
                Sent::Failed => return Next::Close,
            }
            if self.closing {
                return Next::Close;
            }
            match executed {
                Executed::OutputFull => continue,
                Executed::Enough => {
                    turn.traffic.yields.add(1);
                    return Next::Again;
                }
                Executed::All => {}
            }
            if !self.readable {
                return Next::Wait;
            }
            if receptions == 0 {
                turn.traffic.yields.add(1);
                return Next::Again;
            }
            receptions -= 1;
            match self.receive(buffers, turn.traffic) {
                Received::Some => {}
                Received::Blocked => return Next::Wait,
                Received::Ended => return Next::Close,
            }
        }
    }

    /// Step 1.
    fn execute(&mut self, buffers: &mut Buffers, turn: &Turn<'_>, requests: &mut u32) -> Executed {
        while !self.closing {
            if buffers.said() >= OUTPUT_BYTES_MAX {
                return Executed::OutputFull;
            }
            let dropped = self.discard.min(buffers.input.unread().len());
            buffers.input.consume(dropped);
            self.discard -= dropped;
            if let Some(accounts) = &turn.shared.accounts
                && !self.authenticated
            {
                match self.authenticate(accounts, buffers, turn.traffic) {
                    Some(executed) => return executed,
                    None => continue,
                }
            }
            match self.framer.next(buffers.input.unread()) {
                Frame::Request { .. } if *requests == 0 => return Executed::Enough,
                Frame::Request { length, discard } => {
                    *requests -= 1;
                    self.execute_request(buffers, turn, length, discard);
                }
                Frame::Incomplete { needed } => {
                    self.needed = needed;
                    return Executed::All;
                }
                Frame::Hangup => self.closing = true,
            }
        }
        Executed::All
    }

    /// One attempt of the client to say who it is; `None` to go on.
    fn authenticate(
        &mut self,
        accounts: &Accounts,
        buffers: &mut Buffers,
        traffic: &Traffic,
    ) -> Option<Executed> {
        match accounts.attempt(buffers.input.unread()) {
            Attempt::Incomplete { needed } => {
                self.needed = needed;
                return Some(Executed::All);
            }
            Attempt::Hangup => self.closing = true,
            Attempt::Answered {
                consumed,
                text,
                succeeded,
            } => {
                buffers.input.consume(consumed);
                write_reply(text, &mut buffers.output);
                buffers.note_output();
                self.authenticated = succeeded;
                let failed = text == reply::AUTHENTICATION_FAILURE;
                if succeeded || failed {
                    traffic.authentications.add(1);
                    traffic.authentication_failures.add(u64::from(failed));
                }
            }
        }
        None
    }

    fn execute_request(
        &mut self,
        buffers: &mut Buffers,
        turn: &Turn<'_>,
        length: usize,
        discard: usize,
    ) {
        let request = &buffers.input.unread()[..length];
        if turn.shared.log.level() >= 2
            && self.paused.is_none()
            && self.framer.protocol() == Protocol::Text
        {
            turn.shared
                .log
                .trace(format_args!("<{} {}", self.number, first_line(request)));
        }
        if self.last_request != turn.now {
            self.last_request = turn.now;
            self.record.set_last_command(turn.now);
        }
        let paused = self.paused.take();
        let output = &mut buffers.output;
        let progress = execution::execute(
            turn.shared,
            turn.now,
            Call {
                request,
                protocol: self.framer.protocol(),
            },
            paused,
            output,
            OUTPUT_BYTES_MAX,
        );
        buffers.note_output();
        match progress {
            Progress::Paused(pause) => {
                self.paused = Some(pause);
                return;
            }
            Progress::Closing => self.closing = true,
            Progress::Finished => {}
        }
        buffers.input.consume(length);
        self.discard = discard;
    }

    /// Step 2.
    fn send(&mut self, buffers: &mut Buffers, traffic: &Traffic) -> Sent {
        while buffers.has_unsent() {
            match self.stream.write(buffers.unsent()) {
                Ok(0) => return Sent::Failed,
                Ok(count) => {
                    buffers.sent += count;
                    traffic.bytes_written.add(count as u64);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Sent::Blocked,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Sent::Failed,
            }
        }
        if buffers.sent > 0 {
            buffers.clear_output();
        }
        Sent::All
    }

    /// Step 3.
    fn receive(&mut self, buffers: &mut Buffers, traffic: &Traffic) -> Received {
        let room = buffers.input.room(self.needed);
        let wanted = room.len();
        match self.stream.read(room) {
            Ok(0) => Received::Ended,
            Ok(count) => {
                buffers.input.fill(count);
                traffic.bytes_read.add(count as u64);
                // A short read has emptied the socket (epoll(7)): the next byte is an event. The
                // end of the stream may have been announced already.
                self.readable = count == wanted || self.peer_finished;
                Received::Some
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                Received::Blocked
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Received::Some,
            Err(_) => Received::Ended,
        }
    }
}

fn first_line(request: &[u8]) -> impl std::fmt::Display + '_ {
    crate::protocol::split_request(request).0.escape_ascii()
}
