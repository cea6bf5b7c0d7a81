//! Requests of HTTP/1.1, as far as a webhook or a scrape needs them: one a connection, with a body of a known length.

use std::io::{self, Read, Write};
use std::time::Instant;

use crate::secret::Secret;

/// The most bytes of a head.
const MOST_OF_HEAD: usize = 16 << 10;
/// The most headers.
const MOST_HEADERS: usize = 64;
/// The most bytes of a body. A group of a thousand alerts has about one megabyte.
const MOST_OF_BODY: usize = 8 << 20;

/// A request.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// `POST`
    pub method: String,
    /// The path, as it was sent, without what is behind `?`.
    pub path: String,
    /// `Content-Type`, in small letters and without parameters.
    pub content_type: String,
    /// `Authorization`
    pub authorization: String,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// `Content-Type`
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

impl Request {
    /// Whether it brings a token, which is compared in a time that does not tell where it differs. Where none is needed, all do.
    pub fn has(&self, token: Option<&Secret>) -> bool {
        token.is_none_or(|token| same(&self.authorization, &format!("Bearer {}", token.reveal())))
    }
}

/// Whether two texts are the same.
fn same(left: &str, right: &str) -> bool {
    let differences = left.bytes().zip(right.bytes()).fold(0, |found, (left, right)| found | (left ^ right));
    left.len() == right.len() && differences == 0
}

impl Response {
    /// A line of text.
    pub fn text(status: u16, text: impl Into<String>) -> Response {
        Response { status, content_type: "text/plain; charset=utf-8", body: format!("{}\n", text.into()) }
    }

    /// Series, in the text that Prometheus reads.
    pub fn series(body: String) -> Response {
        Response { status: 200, content_type: "text/plain; version=0.0.4; charset=utf-8", body }
    }

    /// Writes it; the connection ends with it.
    pub fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        let reason = match self.status {
            200 => "OK",
            202 => "Accepted",
            400 => "Bad Request",
            401 => "Unauthorized",
            404 => "Not Found",
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            411 => "Length Required",
            413 => "Content Too Large",
            415 => "Unsupported Media Type",
            431 => "Request Header Fields Too Large",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            _ => "Error",
        };
        let head = format!(
            "HTTP/1.1 {} {reason}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.status,
            self.content_type,
            self.body.len()
        );
        to.write_all(head.as_bytes())?;
        to.write_all(self.body.as_bytes())?;
        to.flush()
    }
}

/// Reads a request, which must be whole by a moment. `None`: the other side said nothing and went.
///
/// # Errors
/// The answer to what is no request, or not one that is taken.
pub fn read<S: Read + Write>(stream: &mut S, until: Instant) -> Result<Option<Request>, Response> {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        match parsed.parse(&bytes) {
            Ok(httparse::Status::Complete(end)) => break (Head::of(&parsed)?, end),
            Ok(httparse::Status::Partial) if bytes.len() < MOST_OF_HEAD => {}
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
                return Err(Response::text(431, "the head is too long"));
            }
            Err(failure) => return Err(Response::text(400, format!("this is no request of HTTP/1.1: {failure}"))),
        }
        if more(stream, &mut bytes, until)? == 0 {
            return if bytes.is_empty() { Ok(None) } else { Err(Response::text(400, "the head broke off")) };
        }
    };
    let mut body = bytes.split_off(length);
    if head.expects && body.is_empty() && head.length > 0 {
        // Nobody is left to tell if this fails.
        let _ = stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
    }
    while body.len() < head.length {
        if more(stream, &mut body, until)? == 0 {
            return Err(Response::text(400, "the body broke off"));
        }
    }
    body.truncate(head.length);
    Ok(Some(Request { body, ..head.request }))
}

/// What a head says.
struct Head {
    request: Request,
    length: usize,
    expects: bool,
}

impl Head {
    fn of(parsed: &httparse::Request) -> Result<Head, Response> {
        let header = |name: &str| {
            let found = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            found.map(|header| String::from_utf8_lossy(header.value).trim().to_owned())
        };
        let method = parsed.method.unwrap_or_default().to_owned();
        let length = match header("Content-Length") {
            Some(text) => match text.parse::<usize>() {
                Ok(length) if length <= MOST_OF_BODY => length,
                Ok(_) => return Err(Response::text(413, "the body is too long")),
                Err(_) => return Err(Response::text(400, "`Content-Length` is no number")),
            },
            None if method == "POST" || header("Transfer-Encoding").is_some() => {
                return Err(Response::text(411, "the length of the body is not told by `Content-Length`"));
            }
            None => 0,
        };
        let content_type = header("Content-Type").unwrap_or_default().to_lowercase();
        let path = parsed.path.unwrap_or_default();
        let request = Request {
            method,
            path: path.split('?').next().unwrap_or_default().to_owned(),
            content_type: content_type.split(';').next().unwrap_or_default().trim().to_owned(),
            authorization: header("Authorization").unwrap_or_default(),
            body: Vec::new(),
        };
        Ok(Head {
            request,
            length,
            expects: header("Expect").is_some_and(|text| text.eq_ignore_ascii_case("100-continue")),
        })
    }
}

/// Reads what is there, and gives how much it was.
fn more(stream: &mut dyn Read, bytes: &mut Vec<u8>, until: Instant) -> Result<usize, Response> {
    let mut buffer = [0; 16 << 10];
    let late = || Response::text(408, "the request did not come in time");
    loop {
        if Instant::now() >= until {
            return Err(late());
        }
        match stream.read(&mut buffer) {
            Ok(count) => {
                bytes.extend_from_slice(&buffer[..count]);
                return Ok(count);
            }
            Err(failure) if failure.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(late()),
        }
    }
}

/// A part of a path without its percents; none where that is no text.
pub fn decoded(part: &str) -> Option<String> {
    let bytes = part.as_bytes();
    let mut made = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'%' {
            let digits = std::str::from_utf8(bytes.get(at + 1..at + 3)?).ok()?;
            // It would take a sign, too.
            made.push(u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?);
            at += 3;
        } else {
            made.push(*byte);
            at += 1;
        }
    }
    String::from_utf8(made).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a text in pieces, and keeps what is written.
    struct Stream<'a> {
        pieces: Vec<&'a [u8]>,
        written: Vec<u8>,
    }

    impl Read for Stream<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.pieces.is_empty() {
                return Ok(0);
            }
            let piece = self.pieces.remove(0);
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    impl Write for Stream<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.written.extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn status(text: &str) -> Result<Option<Request>, u16> {
        let mut stream = Stream { pieces: text.as_bytes().chunks(7).collect(), written: Vec::new() };
        let until = Instant::now() + std::time::Duration::from_secs(3_600);
        read(&mut stream, until).map_err(|response| response.status)
    }

    #[test]
    fn a_request_comes_in_pieces() {
        let text = "POST /alertmanager/ops?x=1 HTTP/1.1\r\nHost: a\r\ncontent-type: Application/JSON; charset=utf-8\r\n\
                    Content-Length: 5\r\n\r\nhello, and more";
        let request = status(text).expect("a request").expect("a request");
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/alertmanager/ops"));
        assert_eq!((request.content_type.as_str(), request.body.as_slice()), ("application/json", b"hello".as_slice()));
        assert_eq!(status(""), Ok(None));
        assert!(status("GET /metrics HTTP/1.1\r\n\r\n").is_ok_and(|request| request.is_some()));
    }

    #[test]
    fn what_is_no_request_is_answered() {
        for (text, wanted) in [
            ("hello\r\n\r\n".to_owned(), 400),
            ("POST / HTTP/1.1\r\n\r\n".to_owned(), 411),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(), 411),
            ("POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n".to_owned(), 413),
            ("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n".to_owned(), 400),
            ("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc".to_owned(), 400),
            ("POST / HTTP/1.1\r\nContent".to_owned(), 400),
            (format!("GET / HTTP/1.1\r\nx: {}", "y".repeat(20 << 10)), 431),
            (format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(100)), 431),
        ] {
            assert_eq!(status(&text), Err(wanted), "{}", &text[..text.len().min(60)]);
        }
    }

    #[test]
    fn who_takes_too_long_is_told() {
        let mut stream = Stream { pieces: vec![b"GET / HTTP/1.1\r\n\r\n"], written: Vec::new() };
        assert_eq!(read(&mut stream, Instant::now()).map_err(|response| response.status), Err(408));
    }

    #[test]
    fn percents_are_bytes() {
        assert_eq!(decoded("%E5%80%BC-a").as_deref(), Some("值-a"));
        for wrong in ["%", "%4", "%zz", "%ff", "%+1"] {
            assert_eq!(decoded(wrong), None, "{wrong}");
        }
    }
}
