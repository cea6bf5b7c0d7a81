//! A client for ClickHouse over HTTP: questions that change nothing, and the few statements of a ledger.
//!
//! It is an edge: it opens connections, waits and reads the files and variables that secrets are in. Every question is sent
//! with limits and as read-only; what fails for a passing reason is tried again within one deadline; an answer is taken only
//! when it is whole. Secrets are in [`crate::secret::Secret`] and are never printed, whatever a server sends back.

mod answer;
mod exception;
mod exchange;
mod failure;
mod place;
mod retry;
mod server;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub use answer::{Rows, typed};
pub use failure::{Failure, Fault};
pub use retry::Retries;
pub use server::{Environment, Server};

use exchange::Exchange;

/// What a question may cost the server, and what an answer may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows of an answer; more are an error of the server, never cut off.
    pub rows: u64,
    /// Bytes of an answer.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { rows: 5_000_000, bytes: 512 << 20 }
    }
}

/// A server that can be asked.
#[derive(Debug)]
pub struct Client {
    server: Server,
    limits: Limits,
    retries: Retries,
    exchange: Exchange,
    /// Whether the user may set nothing (`readonly = 1`), as the server has told.
    settles_nothing: AtomicBool,
}

impl Client {
    /// Of a server. Nothing is sent yet.
    ///
    /// # Errors
    /// What is wrong with the certificates that are to be trusted.
    pub fn new(server: Server, limits: Limits, retries: Retries) -> Result<Client, Failure> {
        let exchange = Exchange::new(&server)?;
        Ok(Client { server, limits, retries, exchange, settles_nothing: AtomicBool::new(false) })
    }

    /// The server.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The rows that a SELECT gives. The server is told to change nothing.
    ///
    /// # Errors
    /// Why there is no whole answer.
    pub fn ask(&self, select: &str) -> Result<Rows, Failure> {
        self.ask_within(select, self.server.timeout)
    }

    /// The same, where the statement may take so long, with all tries.
    ///
    /// # Errors
    /// Why there is no whole answer.
    pub fn ask_within(&self, select: &str, within: Duration) -> Result<Rows, Failure> {
        let readonly = self.settles_nothing.load(Ordering::Relaxed);
        let end = Instant::now() + within;
        let body = match self.run(select, &self.of_question(readonly, within), end) {
            Err(failure) if !readonly && failure.is_readonly() => {
                self.settles_nothing.store(true, Ordering::Relaxed);
                self.run(select, &self.of_question(true, within), end)
            }
            other => other,
        }?;
        Rows::read(&body, &self.server.redacted()).map_err(|fault| Failure { fault, tries: 1 })
    }

    /// Runs a statement that may change something. It must be one that does no harm when it is run twice: an answer that
    /// got lost is asked for again.
    ///
    /// # Errors
    /// Why it is not known to have run.
    pub fn execute(&self, statement: &str) -> Result<(), Failure> {
        self.run(statement, &self.common(), Instant::now() + self.server.timeout).map(drop)
    }

    /// What goes with every statement: parameters of the address, which is no place for secrets.
    fn common(&self) -> Vec<(&'static str, String)> {
        vec![
            ("database", self.server.database.clone()),
            ("default_format", "TabSeparatedWithNamesAndTypes".to_owned()),
            // The answer is held back until it is whole, so that what fails on the way has its own status.
            ("wait_end_of_query", "1".to_owned()),
        ]
    }

    /// With `readonly = 2` nothing can be changed, and settings can still be given. Under `readonly = 1`, which a user's profile
    /// may have, none can but the one that it has already: it is asked for all the same, so that there is no question without.
    fn of_question(&self, bare: bool, within: Duration) -> Vec<(&'static str, String)> {
        let mut parameters = self.common();
        if bare {
            parameters.push(("readonly", "1".to_owned()));
        } else {
            let seconds = within.as_secs().max(1);
            parameters.extend([
                ("readonly", "2".to_owned()),
                ("max_execution_time", seconds.to_string()),
                ("max_result_rows", self.limits.rows.to_string()),
                ("max_result_bytes", self.limits.bytes.to_string()),
                ("result_overflow_mode", "throw".to_owned()),
                ("session_timezone", "UTC".to_owned()),
                ("output_format_tsv_crlf_end_of_line", "0".to_owned()),
                ("format_tsv_null_representation", "\\N".to_owned()),
                ("date_time_output_format", "simple".to_owned()),
                ("output_format_decimal_trailing_zeros", "1".to_owned()),
            ]);
        }
        parameters
    }

    fn run(&self, statement: &str, parameters: &[(&'static str, String)], end: Instant) -> Result<Vec<u8>, Failure> {
        let mut tries = 0;
        loop {
            tries += 1;
            let left = end.saturating_duration_since(Instant::now());
            let fault = match self.exchange.send(&self.server, statement, parameters, left, self.limits.bytes) {
                Ok(body) => return Ok(body),
                Err(fault) => fault,
            };
            let pause = self.retries.pause(tries, fault.retry_after(), fastrand::f64());
            match pause.filter(|pause| fault.is_passing() && Instant::now() + *pause < end) {
                Some(pause) => std::thread::sleep(pause),
                None => return Err(Failure { fault, tries }),
            }
        }
    }
}
