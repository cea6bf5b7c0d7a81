//! Posts JSON to an address that is a secret.

use std::io;
use std::time::Duration;

use ureq::http::HeaderValue;
use ureq::{Agent, Proxy, Timeout};

use super::fault::{Fault, Sort};
use super::message::one_line;
use crate::secret::Secret;

/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a try may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How much of an answer is looked at.
const MOST_OF_ANSWER: u64 = 64 << 10;

/// How much of an answer that says no is told.
const MOST_OF_REASON: usize = 200;

/// What keeps connections.
#[derive(Debug)]
pub struct Poster {
    agent: Agent,
}

impl Default for Poster {
    fn default() -> Poster {
        Poster::within(TIMEOUT)
    }
}

impl Poster {
    /// With so long a time for each try.
    pub fn within(timeout: Duration) -> Poster {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A redirection would take the token elsewhere.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT.min(timeout)))
            .timeout_global(Some(timeout))
            .user_agent(concat!("metricc/", env!("CARGO_PKG_VERSION")))
            .build();
        Poster { agent: Agent::new_with_config(config) }
    }

    /// The body of an answer whose status says yes.
    ///
    /// # Errors
    /// Why there is none. No text in it holds the address or the token.
    pub fn post(&self, url: &Secret, body: &str, token: Option<&Secret>) -> Result<String, Fault> {
        let refused = |why: &str| Fault::new(Sort::Refused, why);
        let mut request = self.agent.post(url.reveal()).header("Content-Type", "application/json; charset=utf-8");
        if let Some(token) = token {
            let value = HeaderValue::from_str(&format!("Bearer {}", token.reveal()));
            let mut value = value.map_err(|_| refused("the token has a line end in it"))?;
            value.set_sensitive(true);
            request = request.header("Authorization", value);
        }
        let proxy = if is_local(url.reveal()) { None } else { Proxy::try_from_env() };
        let mut response = request.config().proxy(proxy).build().send(body).map_err(fault)?;
        let status = response.status().as_u16();
        let after = response.headers().get("Retry-After").and_then(|value| value.to_str().ok());
        let after = after.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        let read = response.body_mut().with_config().limit(MOST_OF_ANSWER).lossy_utf8(true).read_to_string();
        let clean = |text: &str| token.map_or_else(|| url.out_of(text), |token| token.out_of(&url.out_of(text)));
        match status {
            200..=299 => read.map_err(|_| Fault::new(Sort::Unknown, "the answer broke off")),
            _ => {
                let said: String = clean(&one_line(&read.unwrap_or_default())).chars().take(MOST_OF_REASON).collect();
                let said = if said.is_empty() { said } else { format!(": {said}") };
                let sort = match status {
                    429 => Sort::Limited,
                    503 => Sort::Passing(after),
                    // Something before the service, or the service itself, failed on the way.
                    500..=599 | 408 => Sort::Unknown,
                    _ => Sort::Refused,
                };
                Err(Fault::new(sort, format!("the answer has the status {status}{said}")))
            }
        }
    }
}

/// What an error of the connection means: before something was sent it is certain that nothing was taken.
fn fault(error: ureq::Error) -> Fault {
    let passing = |why: &str| Fault::new(Sort::Passing(None), why);
    match error {
        ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => passing("no connection in time"),
        ureq::Error::Timeout(_) => Fault::new(Sort::Unknown, "no answer in time"),
        ureq::Error::HostNotFound => passing("there is no such host"),
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => passing("nothing listens there"),
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
            Fault::new(Sort::Refused, format!("the server can't be trusted: {error}"))
        }
        ureq::Error::Io(_) | ureq::Error::Protocol(_) => Fault::new(Sort::Unknown, "the connection broke off"),
        ureq::Error::Tls(reason) => Fault::new(Sort::Refused, format!("the server can't be trusted: {reason}")),
        ureq::Error::Rustls(error) => Fault::new(Sort::Refused, format!("the server can't be trusted: {error}")),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => Fault::new(Sort::Refused, "the address is none"),
        // Others may repeat the address.
        _ => Fault::new(Sort::Unknown, "the exchange failed"),
    }
}

/// Whether an address is on this machine, where no proxy helps.
fn is_local(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
