//! One try: a statement goes out, an answer comes in whole or not at all.

use std::io;
use std::time::Duration;

use ureq::http::{HeaderValue, Response};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Proxy, Timeout};

use super::exception::{Exception, one_line};
use super::failure::{Failure, Fault};
use super::server::Server;

/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// How much of an answer that is none is looked at.
const MOST_OF_FAILURE: u64 = 64 << 10;

/// What marks an exception behind rows that were sent already.
const MARK: &str = "__exception__";

/// What keeps connections.
#[derive(Debug)]
pub struct Exchange {
    agent: Agent,
}

impl Exchange {
    /// For a server.
    pub fn new(server: &Server) -> Result<Exchange, Failure> {
        let tls = |reason: String| Failure { fault: Fault::Tls { reason }, tries: 1 };
        let roots = match &server.ca {
            None => RootCerts::WebPki,
            Some(pem) => {
                let certificates = parse_pem(pem).filter_map(|item| match item {
                    Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
                    Ok(_) => None,
                    Err(error) => Some(Err(error)),
                });
                let certificates: Vec<_> = certificates
                    .collect::<Result<_, _>>()
                    .map_err(|error| tls(format!("`ca` can't be read: {error}")))?;
                if certificates.is_empty() {
                    return Err(tls("`ca` holds no certificate".to_owned()));
                }
                RootCerts::new_with_certs(&certificates)
            }
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A redirection would take the password elsewhere.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT))
            .proxy(if server.is_local() { None } else { Proxy::try_from_env() })
            .user_agent(concat!("metricc/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build();
        Ok(Exchange { agent: Agent::new_with_config(config) })
    }

    /// The body of a whole answer without an exception.
    pub fn send(
        &self,
        server: &Server,
        statement: &str,
        parameters: &[(&'static str, String)],
        within: Duration,
        most: u64,
    ) -> Result<Vec<u8>, Fault> {
        if within.is_zero() {
            return Err(Fault::TimedOut);
        }
        let url = format!("{}/", server.url.trim_end_matches('/'));
        let mut request = self.agent.post(&url).header("Content-Type", "text/plain; charset=UTF-8");
        for (name, value) in parameters {
            request = request.query(name, value);
        }
        for (name, value) in [("X-ClickHouse-User", server.user.as_deref()), ("X-ClickHouse-Key", server.key())] {
            let Some(value) = value else { continue };
            request = request.header(name, hidden(name, value)?);
        }
        let connect = within.min(CONNECT);
        let sent = request.config().timeout_global(Some(within)).timeout_connect(Some(connect)).build().send(statement);
        let mut response = sent.map_err(|error| fault(server, error))?;
        let told = number(&response, "X-ClickHouse-Exception-Code");
        if response.status().as_u16() != 200 || told.is_some_and(|code| code > 0) {
            return Err(refusal(server, &mut response, told));
        }
        let tag = text(&response, "X-ClickHouse-Exception-Tag");
        let body = response.body_mut().with_config().limit(most).read_to_vec();
        let body = body.map_err(|error| fault(server, error))?;
        match late(&body, tag.as_deref()) {
            Some(exception) => Err(Fault::Refused(clean(server, exception))),
            None => Ok(body),
        }
    }
}

/// A header that is not shown where a request is.
fn hidden(name: &str, value: &str) -> Result<HeaderValue, Fault> {
    let made = HeaderValue::from_bytes(value.as_bytes());
    let mut made =
        made.map_err(|_| Fault::Unreachable { reason: format!("the value of `{name}` has a line end in it") })?;
    made.set_sensitive(true);
    Ok(made)
}

fn text(response: &Response<Body>, name: &str) -> Option<String> {
    response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn number(response: &Response<Body>, name: &str) -> Option<u32> {
    text(response, name)?.trim().parse().ok()
}

/// What an answer with another status, or with the code of an exception, says.
fn refusal(server: &Server, response: &mut Response<Body>, told: Option<u32>) -> Fault {
    let status = response.status().as_u16();
    let retry_after = number(response, "Retry-After").map(|seconds| Duration::from_secs(u64::from(seconds)));
    let body = response.body_mut().with_config().limit(MOST_OF_FAILURE).lossy_utf8(true).read_to_string();
    let body = body.unwrap_or_default();
    match Exception::read(&body, told) {
        Some(exception) => Fault::Refused(clean(server, exception)),
        None => {
            let text = one_line(&server.clean(&body)).chars().take(200).collect();
            Fault::Status { status, text, retry_after }
        }
    }
}

fn clean(server: &Server, exception: Exception) -> Exception {
    Exception { message: server.clean(&exception.message), ..exception }
}

/// The exception at the end of an answer that had begun as a good one: in the form that its tag announces, or as a last line
/// of older servers.
fn late(body: &[u8], tag: Option<&str>) -> Option<Exception> {
    let tail = &body[body.len().saturating_sub(32 << 10)..];
    let tail = String::from_utf8_lossy(tail);
    if let Some(tag) = tag.filter(|tag| !tag.is_empty()) {
        let (_, rest) = tail.split_once(&format!("{MARK}\r\n{tag}\r\n"))?;
        // Behind the message stand its length, the tag and the mark again.
        let message = rest.rsplit_once(&format!(" {tag}\r\n{MARK}")).map_or(rest, |(message, _)| message);
        let message = message.rsplit_once("\r\n").map_or(message, |(message, _)| message);
        return Some(Exception::read(message, None).unwrap_or(Exception {
            code: 0,
            name: None,
            message: one_line(message),
        }));
    }
    let at = tail.rfind("Code: ").filter(|at| *at == 0 || tail[..*at].ends_with('\n'))?;
    tail[at..].contains("DB::Exception: ").then(|| Exception::read(&tail[at..], None)).flatten()
}

/// What an error of the connection means.
fn fault(server: &Server, error: ureq::Error) -> Fault {
    let unreachable = |reason: String| Fault::Unreachable { reason };
    match error {
        ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => unreachable("no connection in time".to_owned()),
        ureq::Error::Timeout(_) => Fault::TimedOut,
        ureq::Error::HostNotFound => unreachable("there is no such host".to_owned()),
        ureq::Error::BodyExceedsLimit(bytes) => Fault::TooLarge { bytes },
        ureq::Error::Io(error) => match error.kind() {
            io::ErrorKind::InvalidData if server.url.starts_with("https") => Fault::Tls { reason: error.to_string() },
            io::ErrorKind::TimedOut => Fault::TimedOut,
            io::ErrorKind::ConnectionRefused => unreachable("nothing listens there".to_owned()),
            _ => unreachable(format!("the connection broke off ({error})")),
        },
        ureq::Error::Tls(reason) => Fault::Tls { reason: reason.to_owned() },
        ureq::Error::Rustls(error) => Fault::Tls { reason: error.to_string() },
        ureq::Error::Protocol(error) => unreachable(format!("the answer broke off ({error})")),
        // Of the addresses and headers in these, only the address is the user's, and it holds no secret.
        other => unreachable(server.clean(&other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_behind_rows_is_seen() {
        let rows = "a\tb\nInt64\tString\n1\tx\n";
        assert_eq!(late(rows.as_bytes(), Some("abc")), None);
        assert_eq!(late(rows.as_bytes(), None), None);
        let message = "Code: 395. DB::Exception: Value passed to 'throwIf' is non-zero. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO) (version 26.5)";
        let tagged =
            format!("{rows}\r\n__exception__\r\nabc\r\n{message}\r\n{} abc\r\n__exception__\r\n", message.len());
        let found = late(tagged.as_bytes(), Some("abc")).expect("an exception");
        assert_eq!((found.code, found.message.as_str()), (395, "Value passed to 'throwIf' is non-zero"));
        let older = format!("{rows}{message}\n");
        assert_eq!(late(older.as_bytes(), None).map(|found| found.code), Some(395));
        // What a row says is no exception.
        let told = b"a\nString\nx Code: 395. DB::Exception: no\n";
        assert_eq!(late(told, None), None);
        assert_eq!(late(tagged.as_bytes(), Some("other")), None);
    }
}
