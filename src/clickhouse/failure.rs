//! Why there is no answer, and how that is told.

use std::time::Duration;

use super::Server;
use super::exception::Exception;
use super::place::place;
use crate::diagnostic::{Diagnostic, Span};
use crate::error;
use crate::project::SourceMap;

/// Why a statement has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What happened at the last try.
    pub fault: Fault,
    /// How often it was tried.
    pub tries: u32,
}

/// What can happen to one try. No text in it holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No connection, or one that broke off.
    Unreachable {
        /// In words.
        reason: String,
    },
    /// The certificate of the server, or another part of TLS, is not as it should be.
    Tls {
        /// In words.
        reason: String,
    },
    /// The time was over.
    TimedOut,
    /// A status that says no, without an exception.
    Status {
        /// Of HTTP.
        status: u16,
        /// What came with it, on one line.
        text: String,
        /// How long to wait, where the server says it.
        retry_after: Option<Duration>,
    },
    /// The server refuses the statement, or could not finish it.
    Refused(Exception),
    /// The answer is none of ClickHouse, or not whole.
    Unusable {
        /// In words.
        reason: String,
    },
    /// The answer has more bytes than it may.
    TooLarge {
        /// The limit.
        bytes: u64,
    },
}

impl Fault {
    /// Whether it may be over in a moment.
    pub fn is_passing(&self) -> bool {
        match self {
            Fault::Unreachable { .. } => true,
            Fault::Status { status, .. } => matches!(status, 429 | 502 | 503 | 504),
            Fault::Refused(exception) => exception.is_passing(),
            Fault::Tls { .. } | Fault::TimedOut | Fault::Unusable { .. } | Fault::TooLarge { .. } => false,
        }
    }

    /// How long the server says to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Fault::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl Failure {
    /// Whether settings are forbidden to the user.
    pub fn is_readonly(&self) -> bool {
        matches!(&self.fault, Fault::Refused(exception) if exception.is_readonly())
    }

    /// As a diagnostic, with the place in the statement where the server tells one: the statement is then a source of the map.
    pub fn told(&self, server: &Server, statement: &str, sources: &mut SourceMap) -> Diagnostic {
        let url = server.shown();
        let again = if self.tries > 1 { format!(", {} times", self.tries) } else { String::new() };
        match &self.fault {
            Fault::Unreachable { reason } => error!(E0851, None, "`{url}` can't be reached{again}: {reason}";
                help: "is the server up, and the address of `connection.url` or `METRICC_CLICKHOUSE_URL` right?"),
            Fault::Tls { reason } => error!(E0851, None, "`{url}` can't be trusted: {reason}";
                help: "name the certificate that signed the server's own in `connection.ca`"),
            Fault::TimedOut => {
                error!(E0851, None, "`{url}` gave no answer within {} seconds", server.timeout.as_secs_f64();
                help: "ask for less, or give it more time by `connection.timeout`")
            }
            Fault::Status { status: 401 | 403, .. } => error!(E0854, None, "`{url}` does not let {} in", who(server);
                help: "check the user and the password, and what the user may read"),
            Fault::Status { status, text, .. } => {
                let text = if text.is_empty() { String::new() } else { format!(": {text}") };
                error!(E0851, None, "`{url}` answers with status {status}{again}{text}";
                    help: "is it the HTTP port of ClickHouse, and not that of something before it?")
            }
            Fault::Refused(exception) if exception.is_denied() => {
                error!(E0854, None, "`{url}` does not let {} do this: {}", who(server), exception.message;
                    help: "check the user and the password, and what the user may read")
            }
            Fault::Refused(exception) => refused(&url, exception, &again, statement, sources),
            Fault::Unusable { reason } => error!(E0853, None, "the answer of `{url}` can't be used: {reason}";
                help: "is it the HTTP port of ClickHouse, and not that of something before it?"),
            Fault::TooLarge { bytes } => error!(E0853, None, "the answer of `{url}` has more than {} MB", bytes >> 20;
                help: "ask for fewer days by `--from` and `--to`, or for fewer dimensions"),
        }
    }
}

fn who(server: &Server) -> String {
    server.user.as_ref().map_or_else(|| "the default user".to_owned(), |user| format!("`{user}`"))
}

fn refused(url: &str, exception: &Exception, again: &str, statement: &str, sources: &mut SourceMap) -> Diagnostic {
    let name = exception.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    let span = place(&exception.message, statement).and_then(|range| {
        let (start, end) = (u32::try_from(range.start).ok()?, u32::try_from(range.end).ok()?);
        Some(Span::new(sources.add("<statement>", statement), start, end))
    });
    let found = error!(E0852, span, "`{url}` refuses the statement{again}: {} (code {}{name})", exception.message, exception.code;
        help: "is what the last build made applied to this server?");
    if span.is_some() { found.label("here") } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::render::{Format, View, render};

    #[test]
    fn a_refusal_shows_its_place_in_the_statement() {
        let server = Server::plain("http://localhost:8123");
        let exception = Exception {
            code: 47,
            name: Some("UNKNOWN_IDENTIFIER".to_owned()),
            message: "Unknown expression identifier `gmw` in scope SELECT gmw FROM t".to_owned(),
        };
        let mut sources = SourceMap::new();
        let failure = Failure { fault: Fault::Refused(exception), tries: 1 };
        let found = failure.told(&server, "SELECT\n  gmw\nFROM t", &mut sources);
        let text =
            render(Format::Plain, &[found].into_iter().collect(), &View { prefix: "shop/", ..View::new(&sources) });
        assert!(
            text.starts_with("<statement>:2:3: error[E0852]: `http://localhost:8123` refuses the statement"),
            "{text}"
        );
    }

    #[test]
    fn only_what_passes_is_tried_again() {
        let status = |status| Fault::Status { status, text: String::new(), retry_after: None };
        let refused = |code| Fault::Refused(Exception { code, name: None, message: String::new() });
        let passing = [429, 502, 503, 504].map(status).into_iter().chain([202, 210, 999].map(refused));
        for fault in passing.chain([Fault::Unreachable { reason: String::new() }]) {
            assert!(fault.is_passing(), "{fault:?}");
        }
        for fault in [400, 401, 404, 500].map(status).into_iter().chain([47, 60, 62, 159, 241].map(refused)) {
            assert!(!fault.is_passing(), "{fault:?}");
        }
        assert!(!Fault::TimedOut.is_passing());
    }
}
