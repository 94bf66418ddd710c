//! Messages whose checksum travels with them.
//!
//! A fault can change a message wherever it rests or moves: in a buffer, in a network card, in a
//! table that says which connection an answer belongs to. A [`Message`] carries a CRC32C of its bytes
//! and one over the request's identity, the destination and the first CRC. They are taken once, by
//! the two equal runs of the handler that produced the bytes, and checked where the bytes are used.
//!
//! 1. The producer's handler writes to an [`Output`](asc_runtime::Output) that was
//!    [addressed](asc_runtime::Output::address) before; [`Message::answer`] takes bytes, address and
//!    checksum from it.
//! 2. [`write_message`] or [`MessageCodec`] puts it on the wire, header first.
//! 3. [`MessageReader`] or [`MessageCodec`] takes it off. What was damaged on the way, or came to the
//!    wrong peer, is left out and [counted](Omissions): for the receiver it was never sent.
//! 4. [`Message::input`] hands the bytes to the consumer's handler, which gets them only while they
//!    match the producer's checksum.
//!
//! ```
//! use asc_message::{Message, MessageReader, write_message};
//! use asc_runtime::Address;
//!
//! let to_peer_7 = Address::new(1, 7);
//! let mut wire = Vec::new();
//! write_message(&mut wire, &Message::seal(to_peer_7, b"get key".to_vec()))?;
//! write_message(&mut wire, &Message::seal(to_peer_7, b"get other".to_vec()))?;
//! *wire.last_mut().unwrap() ^= 1; // on the way
//!
//! let mut reader = MessageReader::new(wire.as_slice(), 7);
//! assert_eq!(reader.read()?.unwrap().input().bytes(), b"get key");
//! assert!(reader.read()?.is_none());
//! assert_eq!(reader.omissions().damaged, 1);
//! # Ok::<(), std::io::Error>(())
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "tokio")]
mod codec;
mod error;
mod header;
mod message;
mod omissions;
mod parser;
mod reader;
mod writer;

#[cfg(feature = "tokio")]
pub use codec::MessageCodec;
pub use error::{Corrupted, FrameError};
pub use header::{HEADER_BYTES, PAYLOAD_BYTES_MAX};
pub use message::Message;
pub use omissions::{Omissions, omissions};
pub use reader::MessageReader;
pub use writer::write_message;
