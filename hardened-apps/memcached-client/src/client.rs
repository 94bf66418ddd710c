//! One connection.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::error::Error;
use crate::item_checksum;
use crate::reply::{Identity, Reply, unexpected};

/// How long the server may be silent.
const PATIENCE: Duration = Duration::from_secs(5);
const KEY_BYTES_MAX: usize = 250;
/// Longest line: a key, and flags.
const LINE_BYTES_MAX: u64 = 2048;
/// Requests of one batch: their replies have room in the socket while they are being sent.
const BATCH_KEYS_MAX: usize = 64;

/// A connection to a server. Not shared: one for each thread.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<TcpStream>,
    /// The number of the next request.
    next: u64,
    broken: bool,
}

impl Client {
    /// Connects; the server may be silent for five seconds at a time.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn connect(address: impl ToSocketAddrs) -> Result<Self, Error> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream: BufReader::new(stream),
            next: 0,
            broken: false,
        })
    }

    /// Stores a value with its checksum for `seconds`; 0 is without end.
    ///
    /// # Errors
    /// [`Error::Refused`] if the server does not store it; all others but [`Error::Corrupt`].
    pub fn set(&mut self, key: &[u8], value: &[u8], seconds: u32) -> Result<(), Error> {
        let (length, checksum) = (value.len(), item_checksum(key, value));
        let arguments = format!(" {length} T{seconds} F{checksum}");
        let stored = self.ask(b"ms", key, &arguments, Some(value))?;
        match stored {
            Status::Done => Ok(()),
            Status::Missing => Err(unexpected("HD", b"NF")),
        }
    }

    /// Removes a value; says whether there was one.
    ///
    /// # Errors
    /// All but [`Error::Corrupt`].
    pub fn delete(&mut self, key: &[u8]) -> Result<bool, Error> {
        Ok(self.ask(b"md", key, "", None)? == Status::Done)
    }

    /// The value, if there is one.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it is not the one that was stored; all others.
    pub fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let mut values = self.get_many(&[key])?;
        Ok(values.pop().flatten())
    }

    /// The values of all keys, in their order.
    ///
    /// # Errors
    /// As for [`get`](Self::get), for the first that is not right.
    pub fn get_many(&mut self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let mut values = Vec::with_capacity(keys.len());
        for keys in keys.chunks(BATCH_KEYS_MAX) {
            self.get_batch(keys, &mut values)?;
        }
        Ok(values)
    }

    fn get_batch(
        &mut self,
        keys: &[&[u8]],
        values: &mut Vec<Option<Vec<u8>>>,
    ) -> Result<(), Error> {
        let first = self.next;
        let mut request = Vec::new();
        for key in keys {
            self.append(&mut request, b"mg", key, " v f")?;
        }
        let mut corrupt = Ok(());
        self.exchange(request, |client| {
            for (number, key) in (first..).zip(keys) {
                match client.receive_value(&Identity { number, key })? {
                    Ok(value) => values.push(value),
                    // The replies behind it are read before it is told.
                    Err(error) => corrupt = Err(error),
                }
            }
            Ok(())
        })?;
        corrupt
    }

    /// A request with one line as its reply.
    fn ask(
        &mut self,
        name: &[u8],
        key: &[u8],
        arguments: &str,
        value: Option<&[u8]>,
    ) -> Result<Status, Error> {
        let number = self.next;
        let mut request = Vec::new();
        self.append(&mut request, name, key, arguments)?;
        if let Some(value) = value {
            request.extend_from_slice(value);
            request.extend_from_slice(b"\r\n");
        }
        let mut status = Err(Error::Broken);
        self.exchange(request, |client| {
            let line = client.receive_line()?;
            let reply = Reply::parse(&line);
            status = match reply.status {
                b"HD" => reply
                    .demand(&Identity { number, key })
                    .map(|()| Status::Done),
                b"NF" => reply
                    .demand(&Identity { number, key })
                    .map(|()| Status::Missing),
                _ => return client.refusal(&reply),
            };
            Ok(())
        })?;
        status.inspect_err(|_| self.broken = true)
    }

    /// Sends requests and `mn`, lets `receive` have their replies, and demands that nothing else comes.
    fn exchange(
        &mut self,
        mut request: Vec<u8>,
        receive: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.broken {
            return Err(Error::Broken);
        }
        request.extend_from_slice(b"mn\r\n");
        // Until all is well.
        self.broken = true;
        self.stream.get_mut().write_all(&request)?;
        receive(self)?;
        let end = self.receive_line()?;
        if end != b"MN" || !self.stream.buffer().is_empty() {
            return Err(unexpected("MN", &[&end, self.stream.buffer()].concat()));
        }
        self.broken = false;
        Ok(())
    }

    /// Writes one request down: the flags by which its reply is known come last.
    fn append(
        &mut self,
        request: &mut Vec<u8>,
        name: &[u8],
        key: &[u8],
        arguments: &str,
    ) -> Result<(), Error> {
        let is_printable = |byte: &u8| !byte.is_ascii_whitespace() && !byte.is_ascii_control();
        if key.is_empty() || key.len() > KEY_BYTES_MAX || !key.iter().all(is_printable) {
            return Err(Error::Key);
        }
        request.extend_from_slice(name);
        request.push(b' ');
        request.extend_from_slice(key);
        request.extend_from_slice(arguments.as_bytes());
        request.extend_from_slice(format!(" k O{}\r\n", self.next).as_bytes());
        self.next += 1;
        Ok(())
    }

    /// A value, or none; the inner error leaves the connection as it should be.
    fn receive_value(
        &mut self,
        identity: &Identity<'_>,
    ) -> Result<Result<Option<Vec<u8>>, Error>, Error> {
        let line = self.receive_line()?;
        let reply = Reply::parse(&line);
        match reply.status {
            b"EN" | b"VA" => reply.demand(identity)?,
            _ => return self.refusal(&reply).map(|()| Ok(None)),
        }
        if reply.status == b"EN" {
            return Ok(Ok(None));
        }
        let (Some(length), Some(expected)) = (reply.value_length(), reply.client_flags()) else {
            return Err(unexpected("VA <length> f<checksum> …", &line));
        };
        let mut value = vec![0; length + 2];
        self.stream.read_exact(&mut value)?;
        if value.split_off(length) != b"\r\n" {
            return Err(unexpected("the end of the value", &line));
        }
        let found = item_checksum(identity.key, &value);
        if found != expected {
            return Ok(Err(Error::Corrupt { expected, found }));
        }
        Ok(Ok(Some(value)))
    }

    /// A line without its end.
    fn receive_line(&mut self) -> Result<Vec<u8>, Error> {
        let mut line = Vec::new();
        let length = (&mut self.stream)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") && (length as u64) < LINE_BYTES_MAX {
            return Err(Error::Io(ErrorKind::UnexpectedEof.into()));
        }
        match line.strip_suffix(b"\r\n") {
            Some(line) => Ok(line.to_vec()),
            None => Err(unexpected("a whole line", &line)),
        }
    }

    /// What a reply means that is neither a value nor a success.
    fn refusal(&mut self, reply: &Reply<'_>) -> Result<(), Error> {
        let text = reply.text();
        match reply.status {
            b"NS" | b"EX" | b"SERVER_ERROR" | b"CLIENT_ERROR" | b"ERROR" => {
                Err(Error::Refused(text.escape_ascii().to_string()))
            }
            _ => Err(unexpected("a reply of the meta protocol", &text)),
        }
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Done,
    Missing,
}
