//! Damage on the wire is an omission at the receiver: whatever arrives, every message that is read is
//! one that was sent, whole, to this receiver, and in order.

use std::io::{self, Read};

use asc_message::{HEADER_BYTES, Message, MessageReader, Omissions, write_message};
use asc_runtime::Address;
use proptest::collection::vec;
use proptest::prelude::*;

const HERE: u64 = 7;

/// A stream that hands out its bytes in pieces, with interruptions between them.
struct Pieces<'a> {
    bytes: &'a [u8],
    lengths: std::iter::Cycle<std::vec::IntoIter<usize>>,
    interrupt: bool,
}

impl<'a> Pieces<'a> {
    fn new(bytes: &'a [u8], lengths: Vec<usize>) -> Self {
        Self {
            bytes,
            lengths: lengths.into_iter().cycle(),
            interrupt: true,
        }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupt = !self.interrupt;
        if self.interrupt {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = self.lengths.next().unwrap_or(1);
        let length = length.min(buffer.len()).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(length);
        buffer[..length].copy_from_slice(now);
        self.bytes = later;
        Ok(length)
    }
}

fn message() -> impl Strategy<Value = Message> {
    let destination = prop_oneof![4 => Just(HERE), 1 => any::<u64>()];
    (any::<u64>(), destination, vec(any::<u8>(), 0..200)).prop_map(
        |(request, destination, bytes)| Message::seal(Address::new(request, destination), bytes),
    )
}

fn wire(messages: &[Message]) -> Vec<u8> {
    let mut wire = Vec::new();
    for message in messages {
        write_message(&mut wire, message).expect("a vector takes everything");
    }
    wire
}

/// Everything that is read from `stream`, how it ended, and what was left out.
fn read_all(stream: impl Read) -> (Vec<Message>, io::Result<()>, Omissions) {
    let mut reader = MessageReader::new(stream, HERE);
    let mut messages = Vec::new();
    let end = loop {
        match reader.read() {
            Ok(Some(message)) => messages.push(message),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    (messages, end, reader.omissions())
}

fn for_here(messages: &[Message]) -> Vec<Message> {
    let here = |message: &&Message| message.address().destination == HERE;
    messages.iter().filter(here).cloned().collect()
}

/// Which of the messages the byte at `position` belongs to.
fn owner(messages: &[Message], position: usize) -> (usize, bool) {
    let mut start = 0;
    for (index, message) in messages.iter().enumerate() {
        let end = start + HEADER_BYTES + message.len();
        if position < end {
            return (index, position < start + HEADER_BYTES);
        }
        start = end;
    }
    unreachable!("the position lies in the stream")
}

proptest! {
    #[test]
    fn whole_streams_arrive_whole(
        messages in vec(message(), 0..12),
        lengths in vec(1_usize..90, 1..8),
    ) {
        let wire = wire(&messages);
        let (found, end, omissions) = read_all(Pieces::new(&wire, lengths));
        prop_assert!(end.is_ok());
        let expected = for_here(&messages);
        prop_assert_eq!(omissions.misdirected as usize, messages.len() - expected.len());
        prop_assert_eq!((omissions.damaged, omissions.unreadable), (0, 0));
        prop_assert_eq!(found, expected);
    }

    /// Exactly the struck message is missing; behind a struck header, everything is.
    #[test]
    fn one_damaged_byte_is_one_omission(
        messages in vec(message(), 1..8),
        position in any::<prop::sample::Index>(),
        flip in 1_u8..,
    ) {
        let mut wire = wire(&messages);
        let position = position.index(wire.len());
        wire[position] ^= flip;
        let (struck, in_header) = owner(&messages, position);
        let (found, end, omissions) = read_all(wire.as_slice());
        let mut expected = for_here(&messages[..struck]);
        if in_header {
            prop_assert_eq!(end.unwrap_err().kind(), io::ErrorKind::InvalidData);
            prop_assert_eq!((omissions.damaged, omissions.unreadable), (0, 1));
        } else {
            prop_assert!(end.is_ok());
            prop_assert_eq!((omissions.damaged, omissions.unreadable), (1, 0));
            expected.extend(for_here(&messages[struck + 1..]));
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_cut_stream_is_an_error_where_it_was_cut(
        messages in vec(message(), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let wire = wire(&messages);
        let cut = cut.index(wire.len());
        let (struck, _) = owner(&messages, cut);
        let whole: usize = messages[..struck].iter().map(|message| HEADER_BYTES + message.len()).sum();
        let (found, end, _) = read_all(&wire[..cut]);
        prop_assert_eq!(found, for_here(&messages[..struck]));
        match end {
            Ok(()) => prop_assert_eq!(cut, whole),
            Err(error) => prop_assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof),
        }
    }

    /// Neither garbage nor damaged streams make a message, a panic or a large allocation.
    #[test]
    fn garbage_makes_no_message(
        garbage in vec(any::<u8>(), 0..400),
        with_magic in any::<bool>(),
    ) {
        let mut stream = if with_magic { b"ASC\x01".to_vec() } else { Vec::new() };
        stream.extend(garbage);
        let (found, end, _) = read_all(stream.as_slice());
        prop_assert!(found.is_empty());
        prop_assert!(end.is_err() || stream.is_empty());
    }

    /// A stream inside a payload is payload, also when the outer header is gone.
    #[test]
    fn messages_inside_messages_are_not_taken_out(inner in message(), flip in 0..HEADER_BYTES * 8) {
        let carried = Message::seal(Address::new(1, HERE), wire(&[inner]));
        let mut wire = wire(std::slice::from_ref(&carried));
        prop_assert_eq!(read_all(wire.as_slice()).0, vec![carried]);
        wire[flip / 8] ^= 1 << (flip % 8);
        let (found, end, _) = read_all(wire.as_slice());
        prop_assert!(found.is_empty() && end.is_err());
    }
}

#[test]
fn a_long_payload_is_refused_before_it_is_read() {
    let wire = wire(&[Message::seal(Address::new(1, HERE), vec![1; 1_000])]);
    let mut reader = MessageReader::new(wire.as_slice(), HERE).payload_bytes_max(999);
    let error = reader.read().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(error.to_string().contains("payload_bytes_max"), "{error}");
}

/// A reader that would block has lost nothing.
#[test]
fn reading_goes_on_after_would_block() {
    struct Blocking<'a>(Vec<&'a [u8]>);
    impl Read for Blocking<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.pop() {
                Some([]) => Err(io::ErrorKind::WouldBlock.into()),
                Some(bytes) => {
                    buffer[..bytes.len()].copy_from_slice(bytes);
                    Ok(bytes.len())
                }
                None => Ok(0),
            }
        }
    }
    let sent = Message::seal(Address::new(1, HERE), b"in two parts".to_vec());
    let wire = wire(std::slice::from_ref(&sent));
    let mut reader = MessageReader::new(Blocking(vec![&wire[40..], &[], &wire[..40]]), HERE);
    assert_eq!(reader.read().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    assert_eq!(reader.read().expect("the rest has come"), Some(sent));
}
