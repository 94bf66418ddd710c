//! Unix sockets, UDP, inherited sockets, accounts, the background, the end of the server.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::running_server::{BINARY, PATIENCE, RunningServer};

/// A server that does not listen on TCP; ends with the test.
struct Quiet(Child);

impl Drop for Quiet {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_unix_socket_has_the_permissions_that_were_asked_for() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("socket");
    let _server = Quiet(
        Command::new(BINARY)
            .args(["-u", "root", "-a", "770", "-s"])
            .arg(&path)
            .stdin(Stdio::null())
            .spawn()
            .expect("the server starts"),
    );
    let deadline = Instant::now() + PATIENCE;
    let mut stream = loop {
        if let Ok(stream) = UnixStream::connect(&path) {
            break stream;
        }
        assert!(
            Instant::now() < deadline,
            "the server did not listen in {PATIENCE:?}"
        );
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    let mode = std::fs::metadata(&path)
        .expect("the socket")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o770);
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
        .write_all(b"set a 0 0 1\r\nx\r\nget a\r\n")
        .expect("sent");
    stream.shutdown(Shutdown::Write).expect("the end");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("a reply");
    assert_eq!(reply, "STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
}

#[test]
fn datagrams_are_answered_in_numbered_parts() {
    let port = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let port = port.expect("a free port").port();
    let server = RunningServer::start_with_udp(port);
    let value = "v".repeat(3000);
    server
        .connect()
        .ask(format!("set a 0 0 3000\r\n{value}\r\n"), "STORED\r\n");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let ask = |header: [u8; 8], request: &[u8]| {
        let datagram = [&header[..], request].concat();
        socket
            .send_to(&datagram, ("127.0.0.1", port))
            .expect("sent");
    };
    let receive = || {
        let mut datagram = [0; 2000];
        let length = socket.recv(&mut datagram).expect("a reply");
        datagram[..length].to_vec()
    };
    ask([0x12, 0x34, 0, 0, 0, 1, 0, 0], b"get a\r\n");
    let mut reply: Vec<u8> = Vec::new();
    for number in 0..3 {
        let part = receive();
        assert_eq!(part[..8], [0x12, 0x34, 0, number, 0, 3, 0, 0]);
        reply.extend(&part[8..]);
    }
    assert_eq!(
        reply,
        format!("VALUE a 0 3000\r\n{value}\r\nEND\r\n").into_bytes()
    );
    ask([0, 1, 0, 0, 0, 2, 0, 0], b"get a\r\n");
    assert_eq!(
        receive()[8..],
        *b"SERVER_ERROR multi-packet request not supported\r\n"
    );
}

#[test]
fn idle_connections_are_closed_and_busy_ones_are_not() {
    let server = RunningServer::start(&["-o", "idle_timeout=2"]);
    let (mut idle, mut busy) = (server.connect(), server.connect());
    idle.ask("version\r\n", "VERSION 1.6.18-asc\r\n");
    let deadline = Instant::now() + PATIENCE;
    while busy.statistic("", "idle_kicks") == 0 {
        assert!(
            Instant::now() < deadline,
            "nobody was kicked in {PATIENCE:?}"
        );
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    idle.expect_close();
    busy.ask("version\r\n", "VERSION 1.6.18-asc\r\n");
}

#[test]
fn shutdown_is_a_command_where_it_is_allowed() {
    let server = RunningServer::start(&[]);
    server
        .connect()
        .ask("shutdown\r\n", "ERROR: shutdown not enabled\r\n");
    for command in ["shutdown\r\n", "shutdown graceful\r\n"] {
        let mut server = RunningServer::start(&["-A"]);
        let mut client = server.connect();
        client.ask("shutdown now\r\n", "CLIENT_ERROR invalid shutdown mode\r\n");
        client.send(command);
        assert!(server.wait().success());
    }
}

#[test]
fn a_socket_that_was_opened_before_is_served() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let _server = Quiet(
        Command::new("sh")
            .arg("-c")
            .arg("exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" -u root -p 0")
            .arg(BINARY)
            .stdin(OwnedFd::from(listener))
            .spawn()
            .expect("the server starts"),
    );
    let mut stream = TcpStream::connect(address).expect("the socket is open");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(b"set a 0 0 1\r\nx\r\n").expect("sent");
    let mut reply = [0; 8];
    stream.read_exact(&mut reply).expect("a reply");
    assert_eq!(reply, *b"STORED\r\n");
}

#[test]
fn a_server_in_the_background_writes_down_its_process() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (port_file, pid_file) = (directory.path().join("port"), directory.path().join("pid"));
    let status = Command::new(BINARY)
        .args(["-d", "-u", "root", "-l", "127.0.0.1", "-p", "-1", "-P"])
        .arg(&pid_file)
        .env("MEMCACHED_PORT_FILENAME", &port_file)
        .stdin(Stdio::null())
        .status();
    assert!(status.expect("the server starts").success());
    let deadline = Instant::now() + PATIENCE;
    let pid = loop {
        if let Ok(text) = std::fs::read_to_string(&pid_file) {
            break text.trim().parse::<i32>().expect("a process number");
        }
        assert!(
            Instant::now() < deadline,
            "no process was written down in {PATIENCE:?}"
        );
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    let port = std::fs::read_to_string(&port_file).expect("the ports");
    let port = port.trim().strip_prefix("TCP INET: ").expect("a port");
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("it accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(b"stats\r\nquit\r\n").expect("sent");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("statistics");
    kill(Pid::from_raw(pid), Signal::SIGTERM).expect("the server runs");
    assert!(reply.contains(&format!("STAT pid {pid}\r\n")), "{reply}");
}

#[test]
fn clients_say_who_they_are_where_that_is_asked_for() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), "ada:secret\n").expect("written");
    let path = file.path().to_str().expect("a plain name");
    let server = RunningServer::start(&["-Y", path]);
    let mut client = server.connect();
    client.ask("get a\r\n", "CLIENT_ERROR unauthenticated\r\n");
    client.ask(
        "set x 0 0 9\r\nada wrong\r\n",
        "CLIENT_ERROR authentication failure\r\n",
    );
    client.ask(
        "set x 0 0 10\r\nada secret\r\nget a\r\n",
        "STORED\r\nEND\r\n",
    );
    server
        .connect()
        .ask("mn\r\n", "CLIENT_ERROR unauthenticated\r\n");
    assert_eq!(client.statistic("", "auth_cmds"), 2);
    assert_eq!(client.statistic("", "auth_errors"), 1);
}
