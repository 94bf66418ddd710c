//! How connections begin and end, and how many there may be.

use std::io::Write;
use std::net::Shutdown;

use crate::running_server::RunningServer;

#[test]
fn two_hundred_connections_are_served_side_by_side() {
    let server = RunningServer::start(&["-t", "2"]);
    let mut clients: Vec<_> = (0..200).map(|_| server.connect()).collect();
    for round in 0..5 {
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(format!("set key{number} 0 0 5\r\n{round}-{number:03}\r\n"));
        }
        for client in &mut clients {
            client.expect("STORED\r\n");
        }
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(format!("get key{}\r\n", 199 - number));
        }
        for (number, client) in clients.iter_mut().enumerate() {
            let other = 199 - number;
            client.expect(format!(
                "VALUE key{other} 0 5\r\n{round}-{other:03}\r\nEND\r\n"
            ));
        }
    }
    assert_eq!(clients[0].statistic("", "curr_connections"), 200);
    drop(clients.split_off(100));
    let patient = (0..2000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(5));
        clients[0].statistic("", "curr_connections") == 100
    });
    assert!(patient, "closed connections are still counted");
    assert_eq!(clients[0].statistic("", "total_connections"), 200);
}

#[test]
fn one_connection_too_many_is_told_so() {
    let server = RunningServer::start(&["-t", "2", "-c", "3"]);
    let mut clients: Vec<_> = (0..3).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.ask("get a\r\n", "END\r\n");
    }
    let mut fourth = server.connect();
    fourth.expect("ERROR Too many open connections\r\n");
    fourth.expect_close();
    assert_eq!(clients[1].statistic("", "rejected_connections"), 1);
    clients[0].send("quit\r\n");
    clients[0].expect_close();
    let admitted = (0..2000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(5));
        clients[1].statistic("", "curr_connections") < 3
    });
    assert!(admitted, "a place is free again");
    server.connect().ask("get a\r\n", "END\r\n");
}

#[test]
fn quit_closes_after_what_was_asked_before() {
    let server = RunningServer::start(&[]);
    let mut client = server.connect();
    client.send("set a 0 0 1\r\nx\r\nget a\r\nquit\r\nget a\r\n");
    client.expect("STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
    client.expect_close();
}

#[test]
fn a_client_that_has_finished_sending_gets_its_replies() {
    let server = RunningServer::start(&["-t", "1"]);
    let mut client = server.connect();
    client.send("set a 0 0 1\r\nx\r\nget a\r\nget incompl");
    client
        .stream
        .shutdown(Shutdown::Write)
        .expect("half of the connection closes");
    client.expect("STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
    client.expect_close();
}

#[test]
fn what_is_not_the_protocol_is_cut_off() {
    let server = RunningServer::start(&["-t", "1"]);
    let endless = vec![b'x'; 5000];
    let cases: [&[u8]; 2] = [b"POST / HTTP/1.1\r\n\r\n", &endless];
    for bytes in cases {
        let mut client = server.connect();
        client.send(bytes);
        client.expect_close();
    }
    server.connect().ask("get a\r\n", "END\r\n");
}

#[test]
fn a_long_multiget_is_served() {
    let server = RunningServer::start(&["-t", "2"]);
    let mut client = server.connect();
    client.ask("set last 0 0 1\r\nx\r\n", "STORED\r\n");
    let keys: String = (0..20_000)
        .map(|number| format!("key{number:07} "))
        .collect();
    client.ask(
        format!("get {keys}last\r\n"),
        "VALUE last 0 1\r\nx\r\nEND\r\n",
    );
}

#[test]
fn connections_come_and_go() {
    let server = RunningServer::start(&["-t", "2", "-c", "20"]);
    for number in 0..1000 {
        let mut client = server.connect();
        if number % 3 == 0 {
            client
                .stream
                .write_all(b"set a 0 0 100\r\npart")
                .expect("the server takes it");
            continue;
        }
        client.send(b"version\r\n");
        client.expect("VERSION 1.6.18-asc\r\n");
    }
}
