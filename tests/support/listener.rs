//! The program as a server: `metricc notify`, `metricc export`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

/// A server that is killed with this.
pub struct Listener {
    child: Child,
    err: BufReader<ChildStderr>,
    /// Where it listens: an address with a port.
    pub address: String,
}

impl Listener {
    /// Starts it, and waits for the line that tells where it listens.
    ///
    /// # Panics
    /// If it ends or says something else.
    pub fn start(command: &mut Command) -> Listener {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the program runs");
        let mut err = BufReader::new(child.stderr.take().expect("an error stream"));
        let mut line = String::new();
        err.read_line(&mut line).expect("a line");
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.unwrap_or_else(|| panic!("{line}")).to_owned();
        Listener { child, err, address }
    }

    /// The status and the body of an answer.
    pub fn ask(&self, head: &str, body: &str) -> (u16, String) {
        ask(&self.address, head, body)
    }

    /// The next line of its log.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.err.read_line(&mut line).expect("a line");
        line
    }

    /// Ends it by a signal. Gives its exit code and what it wrote.
    pub fn end(mut self) -> (Option<i32>, String) {
        let kill = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(kill.expect("kill runs").success());
        let code = self.child.wait().expect("it ends").code();
        let mut text = String::new();
        self.err.read_to_string(&mut text).expect("a text");
        (code, text)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status and the body of the answer of a server that ends the connection with it.
///
/// # Panics
/// If there is none.
pub fn ask(address: &str, head: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.write_all(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
    (status.unwrap_or_else(|| panic!("{text}")), body)
}

/// Waits for a condition. Nothing depends on how long it is waited at most, but how long a failing test takes.
///
/// # Panics
/// If it takes too long.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !holds() {
        assert!(Instant::now() < end, "it does not come so far that {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
