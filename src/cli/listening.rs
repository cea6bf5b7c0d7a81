//! What verbs that listen have in common: a token, an end in good order, a log.

use std::io::Write;
use std::net::SocketAddr;
use std::thread;

use super::Stop;
use crate::diagnostic::Diagnostic;
use crate::error;
use crate::secret::Secret;

/// The token that requests must have; needed where others reach the address.
pub struct Token<'a> {
    /// The environment variable that holds it.
    pub variable: Option<&'a str>,
    /// Where is listened.
    pub address: SocketAddr,
}

impl Token<'_> {
    /// The token; `open` tells what an address without one would allow.
    ///
    /// # Errors
    /// None is named and others reach the address, or the variable is not set.
    pub fn read(&self, open: impl FnOnce() -> Diagnostic) -> Result<Option<Secret>, Stop> {
        let Some(name) = self.variable else {
            return if self.address.ip().is_loopback() { Ok(None) } else { Err(open().into()) };
        };
        let value = std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        match value {
            Some(value) => Ok(Some(Secret::new(value))),
            None => Err(
                error!(E0875, None, "the environment variable `{name}` is not set"; help: "set it where metricc runs")
                    .into(),
            ),
        }
    }
}

/// Asks for the end on SIGTERM and SIGINT, by `stop`; a second signal ends the program at once.
#[cfg(unix)]
pub fn stop_by_signal(stop: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let mut signals = signals.forever();
        if signals.next().is_some() {
            stop();
        }
        if let Some(signal) = signals.next() {
            std::process::exit(128 + signal);
        }
    })?;
    Ok(())
}

/// Elsewhere the system ends the program.
#[cfg(not(unix))]
pub fn stop_by_signal(stop: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    // It is kept: what it would drop may mean the end to others.
    std::mem::forget(stop);
    Ok(())
}

/// A line of the log. It is what the operator of a server reads, and no progress that `--quiet` would hide.
pub fn log(line: &str) {
    // Nobody is left to tell if this fails.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
