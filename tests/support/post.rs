//! Those who take messages: a mail server, and a robot of DingTalk with a gateway for short messages. They are written in another language
//! than the program, with its own mail reader and its own HMAC, so that no mistake is made twice.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// How long an event is waited for. Nothing depends on it but how long a failing test takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Someone who takes messages, as a process that ends with this.
pub struct Taker {
    child: Child,
    input: ChildStdin,
    events: Receiver<Value>,
    /// Where.
    pub port: u16,
}

impl Taker {
    /// A mail server, with the settings of `smtp.py`.
    pub fn mail(settings: Value) -> Taker {
        let tls = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/tls");
        let mut all = json!({
            "tls": "none",
            "certificate": tls.join("server.pem"),
            "key": tls.join("server.key"),
        });
        merge(&mut all, settings);
        Taker::start(include_str!("post/smtp.py"), &all)
    }

    /// A robot, with the settings of `robot.py`.
    pub fn robot(settings: Value) -> Taker {
        let mut all = json!({ "token": TOKEN, "secret": SECRET });
        merge(&mut all, settings);
        Taker::start(include_str!("post/robot.py"), &all)
    }

    fn start(script: &str, settings: &Value) -> Taker {
        let mut child = Command::new("python3")
            .args(["-I", "-X", "utf8", "-c", script, &settings.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python runs");
        let out = child.stdout.take().expect("an output");
        let input = child.stdin.take().expect("an input");
        let (sender, events) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).expect("a line of JSON");
                if sender.send(event).is_err() {
                    break;
                }
            }
        });
        let mut taker = Taker { child, input, events, port: 0 };
        let first = taker.next();
        taker.port = first["port"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port");
        taker
    }

    /// The next event.
    pub fn next(&self) -> Value {
        self.events.recv_timeout(PATIENCE).expect("an event")
    }

    /// The next event of a kind; others before it are passed over.
    pub fn next_of(&self, kind: &str) -> Value {
        loop {
            let event = self.next();
            if event["event"] == kind {
                return event;
            }
        }
    }

    /// What was told so far and not looked at. What was answered was told before.
    pub fn rest(&mut self) -> Vec<Value> {
        writeln!(self.input).expect("a line");
        let mut events = Vec::new();
        loop {
            match self.next() {
                mark if mark["event"] == "mark" => return events,
                event => events.push(event),
            }
        }
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The token of the robot and of the gateway.
pub const TOKEN: &str = "4f1c9e0b7d2a4f1c9e0b7d2a4f1c9e0b7d2a4f1c9e0b7d2a4f1c9e0b7d2a4f1c";
/// What signs messages to the robot.
pub const SECRET: &str = "SECa+b/c0123456789abcdef0123456789abcdef";

fn merge(all: &mut Value, settings: Value) {
    if let (Value::Object(all), Value::Object(settings)) = (all, settings) {
        all.extend(settings);
    }
}
