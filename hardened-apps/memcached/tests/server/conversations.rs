//! Requests and the exact bytes of their replies, taken from memcached 1.6.18.

use std::thread::sleep;
use std::time::Duration;

use crate::running_server::RunningServer;

#[test]
fn every_command_replies_as_memcached_does() {
    let server = RunningServer::start(&["-t", "1"]);
    let mut client = server.connect();
    let conversation = [
        ("get a\r\n", "END\r\n"),
        ("set a 5 0 3\r\nabc\r\n", "STORED\r\n"),
        ("get a\r\n", "VALUE a 5 3\r\nabc\r\nEND\r\n"),
        ("gets a\r\n", "VALUE a 5 3 1\r\nabc\r\nEND\r\n"),
        ("add a 0 0 1\r\nx\r\n", "NOT_STORED\r\n"),
        ("add b 0 0 1\r\nb\r\n", "STORED\r\n"),
        ("replace c 0 0 1\r\nx\r\n", "NOT_STORED\r\n"),
        ("replace b 1 0 2\r\nbb\r\n", "STORED\r\n"),
        ("append a 9 9 2\r\nde\r\n", "STORED\r\n"),
        ("prepend a 9 9 2\r\n__\r\n", "STORED\r\n"),
        ("append c 0 0 1\r\nx\r\n", "NOT_STORED\r\n"),
        ("prepend c 0 0 1\r\nx\r\n", "NOT_STORED\r\n"),
        (
            "get a b c a\r\n",
            "VALUE a 5 7\r\n__abcde\r\nVALUE b 1 2\r\nbb\r\nVALUE a 5 7\r\n__abcde\r\nEND\r\n",
        ),
        ("gets b\r\n", "VALUE b 1 2 3\r\nbb\r\nEND\r\n"),
        ("cas b 0 0 1 2\r\nx\r\n", "EXISTS\r\n"),
        ("cas b 0 0 1 3\r\nx\r\n", "STORED\r\n"),
        ("cas b 0 0 1 3\r\ny\r\n", "EXISTS\r\n"),
        ("cas c 0 0 1 3\r\ny\r\n", "NOT_FOUND\r\n"),
        ("get b\r\n", "VALUE b 0 1\r\nx\r\nEND\r\n"),
        (
            "incr b 1\r\n",
            "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n",
        ),
        ("set n 0 0 1\r\n9\r\n", "STORED\r\n"),
        ("incr n 1\r\n", "10\r\n"),
        ("decr n 1\r\n", "9\r\n"),
        ("get n\r\n", "VALUE n 0 2\r\n9 \r\nEND\r\n"),
        ("decr n 100\r\n", "0\r\n"),
        (
            "incr n 18446744073709551615\r\n",
            "18446744073709551615\r\n",
        ),
        ("incr n 1\r\n", "0\r\n"),
        (
            "incr n x\r\n",
            "CLIENT_ERROR invalid numeric delta argument\r\n",
        ),
        ("incr missing 1\r\n", "NOT_FOUND\r\n"),
        ("touch a 100\r\n", "TOUCHED\r\n"),
        ("touch missing 100\r\n", "NOT_FOUND\r\n"),
        (
            "touch a soon\r\n",
            "CLIENT_ERROR invalid exptime argument\r\n",
        ),
        ("gat 100 b missing\r\n", "VALUE b 0 1\r\nx\r\nEND\r\n"),
        ("gats 0 b\r\n", "VALUE b 0 1 6\r\nx\r\nEND\r\n"),
        (
            "gat soon b\r\n",
            "CLIENT_ERROR invalid exptime argument\r\n",
        ),
        ("delete b\r\n", "DELETED\r\n"),
        ("delete b\r\n", "NOT_FOUND\r\n"),
        ("delete a 0\r\n", "DELETED\r\n"),
        (
            "delete a 5\r\n",
            "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n",
        ),
        ("set e 4294967295 0 0\r\n\r\n", "STORED\r\n"),
        ("get e\r\n", "VALUE e 4294967295 0\r\n\r\nEND\r\n"),
        ("set lf 0 0 2\nab\r\n", "STORED\r\n"),
        ("get lf\n", "VALUE lf 0 2\r\nab\r\nEND\r\n"),
        ("set crlf 0 0 6\r\na\r\n\r\nb\r\n", "STORED\r\n"),
        ("get  crlf  \r\n", "VALUE crlf 0 6\r\na\r\n\r\nb\r\nEND\r\n"),
        ("version\r\n", "VERSION 1.6.18-asc\r\n"),
        ("verbosity 0\r\n", "OK\r\n"),
        ("verbosity\r\n", "ERROR\r\n"),
        ("flush_all\r\n", "OK\r\n"),
        ("get n e lf crlf\r\n", "END\r\n"),
        (
            "flush_all soon\r\n",
            "CLIENT_ERROR invalid exptime argument\r\n",
        ),
        (
            "set a b c d\r\n",
            "CLIENT_ERROR bad command line format\r\n",
        ),
        (
            "set a 0 0 -1\r\n",
            "CLIENT_ERROR bad command line format\r\n",
        ),
        ("set a 0 0\r\n", "ERROR\r\n"),
        ("get\r\n", "ERROR\r\n"),
        ("\r\n", "ERROR\r\n"),
        ("Get a\r\n", "ERROR\r\n"),
        ("stats nonsense\r\n", "ERROR\r\n"),
        ("stats reset\r\n", "RESET\r\n"),
        ("stats sizes\r\n", "STAT sizes_status disabled\r\nEND\r\n"),
    ];
    for (request, reply) in conversation {
        client.ask(request, reply);
    }
}

#[test]
fn a_bad_data_chunk_is_answered_and_the_rest_is_a_command() {
    let server = RunningServer::start(&["-t", "1"]);
    let mut client = server.connect();
    client.ask(
        "set a 0 0 3\r\nabcde\r\n",
        "CLIENT_ERROR bad data chunk\r\nERROR\r\n",
    );
    client.ask(
        "set a 0 0 3\r\nabcdeget x\r\n",
        "CLIENT_ERROR bad data chunk\r\nEND\r\n",
    );
    client.ask("get a\r\n", "END\r\n");
}

#[test]
fn keys_have_at_most_250_bytes() {
    let server = RunningServer::start(&[]);
    let mut client = server.connect();
    let (longest, too_long) = ("k".repeat(250), "k".repeat(251));
    client.ask(format!("set {longest} 0 0 1\r\nx\r\n"), "STORED\r\n");
    client.ask(
        format!("get {longest}\r\n"),
        format!("VALUE {longest} 0 1\r\nx\r\nEND\r\n"),
    );
    let refusal = "CLIENT_ERROR bad command line format\r\n";
    client.ask(format!("set {too_long} 0 0 1\r\n"), refusal);
    client.ask(format!("get {longest} {too_long}\r\n"), refusal);
    client.ask(format!("delete {too_long}\r\n"), refusal);
}

#[test]
fn noreply_is_silent() {
    let server = RunningServer::start(&["-t", "2"]);
    let mut client = server.connect();
    client.send(
        "set a 0 0 1 noreply\r\n1\r\nadd a 0 0 1 noreply\r\n2\r\nreplace a 0 0 1 noreply\r\n3\r\n",
    );
    client.send(
        "append a 0 0 1 noreply\r\n4\r\nprepend a 0 0 1 noreply\r\n2\r\nincr a 2 noreply\r\n",
    );
    client.send("decr a 1 noreply\r\ntouch a 0 noreply\r\ncas a 0 0 1 99 noreply\r\nx\r\n");
    client.send("delete missing noreply\r\nincr a x noreply\r\nverbosity 0 noreply\r\n");
    client.ask("get a\r\n", "VALUE a 0 3\r\n235\r\nEND\r\n");
    client.send("flush_all noreply\r\n");
    client.ask("get a\r\n", "END\r\n");
    client.send("set a 0 0 1 noreply\r\n1\r\ndelete a 0 noreply\r\n");
    client.ask("get a\r\n", "END\r\n");
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = RunningServer::start(&["-t", "2"]);
    let mut client = server.connect();
    let mut requests = Vec::new();
    let mut replies = Vec::new();
    for number in 0..2000 {
        requests.extend(format!("set key{number} {number} 0 4\r\n{number:04}\r\n").bytes());
        replies.extend(b"STORED\r\n");
        requests.extend(format!("get key{number} missing key{}\r\n", number / 2).bytes());
        for wanted in [number, number / 2] {
            replies.extend(format!("VALUE key{wanted} {wanted} 4\r\n{wanted:04}\r\n").bytes());
        }
        replies.extend(b"END\r\n");
    }
    client.send(&requests);
    client.expect(&replies);
}

#[test]
fn requests_may_arrive_in_any_pieces() {
    let server = RunningServer::start(&["-t", "1"]);
    let mut client = server.connect();
    let requests = b"set a 0 0 12\r\nline\r\nline\r\n\r\nget a b\r\nincr a 1\r\nbogus\r\nset b 0 0 1\r\nxy\r\n";
    let replies = "STORED\r\nVALUE a 0 12\r\nline\r\nline\r\n\r\nEND\r\n\
                   CLIENT_ERROR cannot increment or decrement non-numeric value\r\nERROR\r\n\
                   CLIENT_ERROR bad data chunk\r\nERROR\r\n";
    for piece in [1, 2, 3, 7] {
        for part in requests.chunks(piece) {
            client.send(part);
            sleep(Duration::from_micros(300));
        }
        client.expect(replies);
    }
}

#[test]
fn items_expire_by_the_clock() {
    let server = RunningServer::start(&["-t", "2"]);
    let mut client = server.connect();
    client.ask("set now 0 -1 1\r\nx\r\n", "STORED\r\n");
    client.ask("get now\r\n", "END\r\n");
    client.ask("set soon 0 3 1\r\nx\r\n", "STORED\r\n");
    client.ask("set touched 0 3 1\r\nx\r\n", "STORED\r\n");
    client.ask("set late 0 1000 1\r\nx\r\n", "STORED\r\n");
    client.ask("get soon\r\n", "VALUE soon 0 1\r\nx\r\nEND\r\n");
    client.ask("gat 1000 touched\r\n", "VALUE touched 0 1\r\nx\r\nEND\r\n");
    client.ask("flush_all 7\r\n", "OK\r\n");
    sleep(Duration::from_millis(3600));
    client.ask(
        "get soon touched late\r\n",
        "VALUE touched 0 1\r\nx\r\nVALUE late 0 1\r\nx\r\nEND\r\n",
    );
    sleep(Duration::from_millis(3600));
    client.ask("get soon touched late\r\n", "END\r\n");
    client.ask("set new 0 0 1\r\nx\r\n", "STORED\r\n");
    client.ask("get new\r\n", "VALUE new 0 1\r\nx\r\nEND\r\n");
}
