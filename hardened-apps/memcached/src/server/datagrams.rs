//! Requests that come as UDP datagrams.
//!
//! 1. A datagram has a header of 8 bytes: the request's number, the number of this datagram, how
//!    many there are, and two bytes of nothing. A request in several datagrams is refused, as
//!    memcached refuses it.
//! 2. Its commands are executed as if a connection had sent them and nothing else.
//! 3. The replies are sent in as many datagrams as they need.

use std::io::ErrorKind;
use std::net::SocketAddr;

use asc_runtime::Output;
use mio::net::UdpSocket;

use super::execution::{self, Call, Progress};
use super::shared::{Shared, Traffic};
use crate::protocol::frame::{Frame, Protocol};
use crate::protocol::reply;
use crate::statistics::write_reply;

const HEADER_BYTES: usize = 8;
/// The largest datagram that there is.
const RECEIVED_BYTES_MAX: usize = 65_536;
/// What memcached puts into a datagram, its header included: it fits into an Ethernet frame.
const SENT_BYTES_MAX: usize = 1400;
/// The number of datagrams of a reply has 16 bits.
const REPLY_BYTES_MAX: usize = (SENT_BYTES_MAX - HEADER_BYTES) * u16::MAX as usize;
/// Datagrams that are served before connections are.
const DATAGRAMS_PER_TURN: usize = 64;

/// A socket for datagrams and what it is served with.
#[derive(Debug)]
pub(super) struct Datagrams {
    socket: UdpSocket,
    received: Vec<u8>,
    output: Output,
}

impl Datagrams {
    pub(super) fn new(socket: UdpSocket) -> Self {
        Self {
            socket,
            received: vec![0; RECEIVED_BYTES_MAX],
            output: Output::new(),
        }
    }

    pub(super) fn socket_mut(&mut self) -> &mut UdpSocket {
        &mut self.socket
    }

    /// Serves what has arrived; returns whether there may be more.
    pub(super) fn take_turn(&mut self, shared: &Shared, traffic: &Traffic) -> bool {
        for _ in 0..DATAGRAMS_PER_TURN {
            match self.socket.recv_from(&mut self.received) {
                Ok((length, peer)) => {
                    traffic.bytes_read.add(length as u64);
                    self.serve(shared, traffic, length, peer);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                // A peer that is gone says so here; there may be other datagrams.
                Err(_) => {}
            }
        }
        true
    }

    fn serve(&mut self, shared: &Shared, traffic: &Traffic, length: usize, peer: SocketAddr) {
        let datagram = &self.received[..length];
        let Some((header, requests)) = datagram.split_first_chunk::<HEADER_BYTES>() else {
            return;
        };
        let request_number = [header[0], header[1]];
        if header[4..6] != [0, 1] {
            write_reply(reply::MULTI_PACKET_REQUEST, &mut self.output);
        } else {
            execute(shared, requests, &mut self.output);
        }
        send(
            &self.socket,
            traffic,
            request_number,
            self.output.bytes(),
            peer,
        );
        self.output.clear();
    }
}

fn execute(shared: &Shared, mut requests: &[u8], output: &mut Output) {
    let mut framer = shared.framer();
    let now = shared.clock.now();
    while let Frame::Request { length, discard } = framer.next(requests) {
        let call = Call {
            request: &requests[..length],
            protocol: framer.protocol(),
        };
        if execution::execute(shared, now, call, None, output, REPLY_BYTES_MAX)
            != Progress::Finished
        {
            return;
        }
        requests = &requests[(length + discard).min(requests.len())..];
    }
    // A request that is not whole would wait for the rest on a connection.
    if framer.protocol() == Protocol::Binary || output.bytes().is_empty() {
        shared
            .log
            .trace(format_args!("a datagram ends within a request"));
    }
}

/// A reply that nobody waits for, or that does not fit, is lost, as datagrams may be.
fn send(
    socket: &UdpSocket,
    traffic: &Traffic,
    request_number: [u8; 2],
    reply: &[u8],
    peer: SocketAddr,
) {
    let parts = reply.chunks(SENT_BYTES_MAX - HEADER_BYTES);
    let Ok(count) = u16::try_from(parts.len()) else {
        return;
    };
    let mut datagram = Vec::with_capacity(SENT_BYTES_MAX);
    for (number, part) in (0_u16..).zip(parts) {
        datagram.clear();
        datagram.extend(request_number);
        datagram.extend(number.to_be_bytes());
        datagram.extend(count.to_be_bytes());
        datagram.extend([0, 0]);
        datagram.extend(part);
        if socket.send_to(&datagram, peer).is_err() {
            return;
        }
        traffic.bytes_written.add(datagram.len() as u64);
    }
}
