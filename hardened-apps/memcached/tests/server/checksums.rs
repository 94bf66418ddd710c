//! Items whose flags are their checksums, from client to client.

use asc_memcached_client::{Client, Error, item_checksum};

use crate::running_server::RunningServer;

#[test]
fn checksums_go_through_the_server() {
    for arguments in [&["-t", "2", "-m", "256"][..], &["--verify-checksums"]] {
        let server = RunningServer::start(arguments);
        let mut client = Client::connect(server.address).expect("a connection");
        let keys: Vec<String> = (0..200).map(|number| format!("key{number}")).collect();
        for key in &keys {
            let value = key.repeat(key.len());
            client
                .set(key.as_bytes(), value.as_bytes(), 100)
                .expect("stored");
        }
        let names: Vec<&[u8]> = keys.iter().map(|key| key.as_bytes()).collect();
        let values = client.get_many(&names).expect("all");
        for (key, value) in keys.iter().zip(values) {
            assert_eq!(value, Some(key.repeat(key.len()).into_bytes()));
        }
        assert!(client.delete(b"key0").expect("an answer"));
        assert_eq!(client.get(b"key0").expect("a miss"), None);
    }
}

#[test]
fn a_value_stored_under_a_wrong_checksum_is_told() {
    let server = RunningServer::start(&[]);
    let flags = item_checksum(b"key", b"value");
    server
        .connect()
        .ask(format!("set key {flags} 0 5\r\nvaluf\r\n"), "STORED\r\n");
    let mut client = Client::connect(server.address).expect("a connection");
    let value = client.get(b"key");
    assert!(matches!(value, Err(Error::Corrupt { .. })), "{value:?}");
    client
        .set(b"key", b"value", 0)
        .expect("the connection is still good");
}

#[test]
fn a_server_that_verifies_refuses_it() {
    let server = RunningServer::start(&["--verify-checksums"]);
    let flags = item_checksum(b"key", b"value");
    let mut client = server.connect();
    let refused = "CLIENT_ERROR bad checksum\r\n";
    client.ask(format!("set key {flags} 0 5\r\nvaluf\r\n"), refused);
    client.ask(format!("ms key 5 F{flags}\r\nvaluf\r\n"), refused);
    client.ask("get key\r\n", "END\r\n");
    assert_eq!(client.statistic("asc", "asc_checksum_failures"), 0);
}
