//! The codec and the blocking reader are two ways to the same messages.
#![cfg(feature = "tokio")]

use asc_message::{FrameError, Message, MessageCodec, MessageReader, write_message};
use asc_runtime::Address;
use bytes::BytesMut;
use futures_util::{SinkExt, StreamExt};
use proptest::collection::vec;
use proptest::prelude::*;
use tokio_util::codec::{Decoder, Framed};

const HERE: u64 = 7;

/// Both ways, to the end.
fn both_ways(wire: &[u8], piece: usize) -> [(Vec<Message>, bool); 2] {
    let mut reader = MessageReader::new(wire, HERE);
    let mut blocking = Vec::new();
    let blocking_ok = loop {
        match reader.read() {
            Ok(Some(message)) => blocking.push(message),
            end => break end.is_ok(),
        }
    };
    let (mut codec, mut buffer, mut decoded) =
        (MessageCodec::new(HERE), BytesMut::new(), Vec::new());
    let decoded_ok = decode_pieces(&mut codec, &mut buffer, wire, piece, &mut decoded).is_ok();
    assert_eq!(reader.omissions(), codec.omissions());
    [(blocking, blocking_ok), (decoded, decoded_ok)]
}

fn decode_pieces(
    codec: &mut MessageCodec,
    buffer: &mut BytesMut,
    wire: &[u8],
    piece: usize,
    decoded: &mut Vec<Message>,
) -> Result<(), FrameError> {
    for bytes in wire.chunks(piece) {
        buffer.extend_from_slice(bytes);
        while let Some(message) = codec.decode(buffer)? {
            decoded.push(message);
        }
    }
    while let Some(message) = codec.decode_eof(buffer)? {
        decoded.push(message);
    }
    Ok(())
}

proptest! {
    #[test]
    fn the_codec_reads_what_the_reader_reads(
        payloads in vec((prop_oneof![Just(HERE), Just(8)], vec(any::<u8>(), 0..100)), 0..8),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        piece in 1_usize..200,
    ) {
        let mut wire = Vec::new();
        for (destination, bytes) in payloads {
            let message = Message::seal(Address::new(1, destination), bytes);
            write_message(&mut wire, &message).expect("a vector takes everything");
        }
        if !wire.is_empty() {
            for (position, flip) in damage {
                let position = position.index(wire.len());
                wire[position] ^= flip;
            }
        }
        let [blocking, decoded] = both_ways(&wire, piece);
        prop_assert_eq!(blocking, decoded);
    }
}

/// Two tasks, a damaged message between them, and an answer under the request's identity.
#[tokio::test]
async fn a_conversation() {
    let (client, server) = tokio::io::duplex(64);
    let mut client = Framed::new(client, MessageCodec::new(1));
    let mut server = Framed::new(server, MessageCodec::new(2));
    let asking = async {
        for request in 0..20_u64 {
            let message = Message::seal(Address::new(request, 2), vec![request as u8; 99]);
            client.send(message).await.expect("the server reads");
            let answer = client.next().await.expect("an answer").expect("undamaged");
            assert_eq!(answer.address(), Address::new(request, 1));
            assert_eq!(answer.input().bytes(), [request as u8; 99]);
        }
        drop(client);
    };
    let answering = async {
        while let Some(message) = server.next().await {
            let message = message.expect("undamaged");
            let address = Address::new(message.address().request, 1);
            let bytes = message.verified_bytes().expect("undamaged").to_vec();
            let answer = Message::seal(address, bytes);
            server.send(answer).await.expect("the client reads");
        }
    };
    tokio::join!(asking, answering);
}
