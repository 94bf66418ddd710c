//! A server whose every reply has one wrong bit, each in turn.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};

use asc_memcached_client::{Client, Error, item_checksum};

/// Answers one connection with these bytes, whatever it asks, and hangs up.
fn answer_once(reply: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).expect("a request") > 0);
        stream.write_all(&reply).expect("sent");
    });
    address
}

fn client(reply: Vec<u8>) -> Client {
    Client::connect(answer_once(reply)).expect("a server")
}

/// Calls `examine` with a connection to a server for each bit of `reply`, that bit flipped.
fn for_each_flip(reply: &[u8], mut examine: impl FnMut(&mut Client, &str)) {
    for position in 0..reply.len() * 8 {
        let mut flipped = reply.to_vec();
        flipped[position / 8] ^= 1 << (position % 8);
        let shown = flipped.escape_ascii().to_string();
        examine(&mut client(flipped), &shown);
    }
}

fn value_reply() -> Vec<u8> {
    let checksum = item_checksum(b"key", b"value");
    format!("VA 5 f{checksum} kkey O0\r\nvalue\r\nMN\r\n").into_bytes()
}

#[test]
fn a_right_reply_is_understood() {
    let value = client(value_reply()).get(b"key").expect("a value");
    assert_eq!(value.as_deref(), Some(&b"value"[..]));
    assert_eq!(
        client(b"EN kkey O0\r\nMN\r\n".to_vec())
            .get(b"key")
            .expect("none"),
        None
    );
    let stored = client(b"HD kkey O0\r\nMN\r\n".to_vec()).set(b"key", b"value", 0);
    assert!(stored.is_ok(), "{stored:?}");
}

#[test]
fn no_flipped_bit_yields_a_value() {
    for_each_flip(&value_reply(), |client, reply| {
        let value = client.get(b"key");
        assert!(value.is_err(), "{reply}: {value:?}");
    });
}

#[test]
fn no_flipped_bit_makes_a_miss_a_value_or_a_refusal_a_success() {
    for_each_flip(b"EN kkey O0\r\nMN\r\n", |client, reply| {
        let value = client.get(b"key");
        assert!(value.is_err(), "{reply}: {value:?}");
    });
    for reply in [
        &b"NS kkey O0\r\nMN\r\n"[..],
        b"SERVER_ERROR out of memory\r\nMN\r\n",
    ] {
        for_each_flip(reply, |client, reply| {
            let stored = client.set(b"key", b"value", 0);
            assert!(stored.is_err(), "{reply}: {stored:?}");
        });
    }
}

#[test]
fn a_reply_to_another_request_is_refused() {
    let checksum = item_checksum(b"kez", b"value");
    for reply in [
        format!("VA 5 f{checksum} kkez O0\r\nvalue\r\nMN\r\n"),
        format!("VA 5 f{checksum} kkey O1\r\nvalue\r\nMN\r\n"),
        format!("VA 5 f{checksum}\r\nvalue\r\nMN\r\n"),
    ] {
        let mut client = client(reply.into_bytes());
        assert!(matches!(client.get(b"key"), Err(Error::Reply { .. })));
        assert!(matches!(client.get(b"key"), Err(Error::Broken)));
    }
}

#[test]
fn a_wrong_value_is_told_and_the_others_are_read() {
    let checksum = item_checksum(b"key", b"value");
    let reply = format!("VA 5 f{checksum} kkey O0\r\nvaluf\r\nEN knone O1\r\nMN\r\n");
    let mut client = client(reply.into_bytes());
    let values = client.get_many(&[b"key", b"none"]);
    assert!(matches!(values, Err(Error::Corrupt { expected, .. }) if expected == checksum));
}

#[test]
fn a_reply_too_many_is_refused() {
    let mut client = client([&value_reply()[..], b"EN kkey O0\r\n"].concat());
    assert!(client.get(b"key").is_err());
}

#[test]
fn keys_that_the_protocol_cannot_carry_are_not_sent() {
    let mut client = client(Vec::new());
    for key in [&b""[..], b"a b", b"a\r\n", &[b'k'; 251]] {
        assert!(matches!(client.get(key), Err(Error::Key)), "{key:?}");
    }
}
