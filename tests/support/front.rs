//! Servers of HTTP: a front of the in-process ClickHouse, and fakes that misbehave.
//!
//! The front speaks what the client needs of ClickHouse's own interface: `/ping`, a statement as the body, `database`,
//! `default_format` and settings as parameters, users by header, exceptions with their status and header. What a setting does is left
//! to the engine, but for `readonly`, which one connection of one process can't have for a statement alone: the front refuses what
//! is no question, and with a locked user every setting, as a server does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use super::clickhouse::Session;
use super::script;

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The path without its parameters.
    pub path: String,
    /// The parameters, decoded.
    pub parameters: Vec<(String, String)>,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Request {
    /// A parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn read(stream: &TcpStream) -> Option<Request> {
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let target = line.split(' ').nth(1)?.to_owned();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let mut request = Request { path: path.to_owned(), ..Request::default() };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            request.parameters.push((decoded(name), decoded(value)));
        }
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            request.headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        let length = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        request.body = String::from_utf8_lossy(&body).into_owned();
        Some(request)
    }
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let code = (bytes[at] == b'%').then(|| u8::from_str_radix(text.get(at + 1..at + 3)?, 16).ok()).flatten();
        found.push(code.unwrap_or(if bytes[at] == b'+' { b' ' } else { bytes[at] }));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&found).into_owned()
}

/// A whole answer.
pub fn answer(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    headers.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
    text.push_str("\r\n");
    [text.as_bytes(), body].concat()
}

/// A server in a thread of its own, which ends with it.
struct Listening {
    url: String,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listening {
    /// `make` is called in the thread, and gives what answers a connection.
    fn start<F: FnMut(TcpStream)>(make: impl FnOnce() -> F + Send + 'static) -> Listening {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let ends = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ends);
        let thread = std::thread::spawn(move || {
            let mut handle = make();
            for stream in listener.incoming() {
                if seen.load(Ordering::SeqCst) {
                    return;
                }
                stream.into_iter().for_each(&mut handle);
            }
        });
        Listening { url, ends, thread: Some(thread) }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // Wakes the thread, which waits for a connection.
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Who may ask.
#[derive(Clone, Default)]
pub struct User {
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
    /// Whether the profile has `readonly = 1`.
    pub locked: bool,
}

/// A front of the in-process ClickHouse, with a database of its own.
pub struct Front {
    listening: Listening,
    database: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Front {
    /// Where anybody may ask.
    pub fn start() -> Front {
        Front::of(None)
    }

    /// Where one user may.
    pub fn for_user(user: User) -> Front {
        Front::of(Some(user))
    }

    /// Runs a statement by way of the front.
    ///
    /// # Panics
    /// If it fails.
    pub fn execute(&self, statement: &str) {
        let variable = |name: &str| (name == "METRICC_CLICKHOUSE_URL").then(|| self.url().to_owned());
        let environment = metricc::clickhouse::Environment { variable: &variable, root: std::path::Path::new(".") };
        let mut warnings = metricc::diagnostic::Diagnostics::new();
        let server = metricc::clickhouse::Server::of("t", None, self.database(), &environment, &mut warnings);
        let server = server.expect("a server");
        let client = metricc::clickhouse::Client::new(server, Default::default(), Default::default());
        let client = client.expect("a client");
        client.execute(statement).unwrap_or_else(|failure| panic!("{statement:.200}: {failure:?}"));
    }

    fn of(user: Option<User>) -> Front {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (kept, (told, database)) = (Arc::clone(&requests), mpsc::channel());
        let listening = Listening::start(move || {
            // A session stays in its thread.
            let session = Session::new();
            let _ = told.send(session.database().to_owned());
            move |mut stream: TcpStream| {
                let Some(request) = Request::read(&stream) else { return };
                let answer = answered(&session, user.as_ref(), &request);
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                let _ = stream.write_all(&answer);
            }
        });
        let database = database.recv().expect("the engine starts");
        Front { listening, database, requests }
    }

    /// Beside an exclusive session, on its server: parameters of queries are taken, and settings are passed over, which the statements say
    /// themselves.
    pub fn beside(session: &Session) -> Front {
        let database = session.database().to_owned();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (kept, of) = (Arc::clone(&requests), database.clone());
        let listening = Listening::start(move || {
            move |mut stream: TcpStream| {
                let Some(request) = Request::read(&stream) else { return };
                let answer = if request.path == "/ping" { answer("200 OK", &[], b"Ok.\n") } else { run(&of, &request) };
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                let _ = stream.write_all(&answer);
            }
        });
        Front { listening, database, requests }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.listening.url
    }

    /// Its database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Parameters that are no settings.
const PLAIN: &[&str] = &["database", "default_format", "wait_end_of_query", "query", "buffer_size", "readonly"];

fn answered(session: &Session, user: Option<&User>, request: &Request) -> Vec<u8> {
    if request.path == "/ping" {
        return answer("200 OK", &[], b"Ok.\n");
    }
    let settings: Vec<&(String, String)> =
        request.parameters.iter().filter(|(name, _)| !PLAIN.contains(&name.as_str())).collect();
    if let Some(user) = user {
        let own = [request.header("x-clickhouse-user"), request.header("x-clickhouse-key")];
        if own != [Some(user.name.as_str()), Some(user.password.as_str())] {
            return exception(
                516,
                "Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)",
            );
        }
        let set = settings
            .first()
            .map(|(name, _)| name.as_str())
            .or(request.parameter("readonly").filter(|value| *value != "1").map(|_| "readonly"));
        if let (true, Some(name)) = (user.locked, set) {
            return exception(164, &format!("Cannot modify '{name}' setting in readonly mode. (READONLY)"));
        }
    }
    let is_question = ["SELECT", "WITH", "SHOW", "DESCRIBE", "EXPLAIN", "EXISTS"]
        .contains(&script::first_word(&request.body).as_str());
    let is_locked = user.is_some_and(|user| user.locked);
    if !is_question && (is_locked || request.parameter("readonly").is_some_and(|value| value != "0")) {
        return exception(164, "Cannot execute query in readonly mode. (READONLY)");
    }
    if let Some(database) =
        request.parameter("database").filter(|name| *name != session.database() && *name != "default")
    {
        return exception(81, &format!("Database {database} does not exist. (UNKNOWN_DATABASE)"));
    }
    let mut sql = request.body.clone();
    if is_question && !settings.is_empty() {
        let set: Vec<String> = settings.iter().map(|(name, value)| setting(name, value)).collect();
        sql = format!("{}\nSETTINGS {}", sql.trim_end().trim_end_matches(';'), set.join(", "));
    }
    let format = request.parameter("default_format").unwrap_or("TabSeparated");
    match session.output_as(&sql, format) {
        Ok(body) => answer("200 OK", &[("X-ClickHouse-Format", format)], &body),
        Err(text) => told(&text),
    }
}

/// Runs a statement with the parameters of its query.
fn run(database: &str, request: &Request) -> Vec<u8> {
    for (name, value) in &request.parameters {
        if name.starts_with("param_") {
            let set = format!("SET {name} = {}", super::clickhouse::quote_text(value));
            if let Err(text) = super::clickhouse::output_in(database, &set, "TabSeparated") {
                return told(&text);
            }
        }
    }
    let format = request.parameter("default_format").unwrap_or("TabSeparated");
    match super::clickhouse::output_in(database, &request.body, format) {
        Ok(body) => answer("200 OK", &[("X-ClickHouse-Format", format), ("X-ClickHouse-Timezone", "UTC")], &body),
        Err(text) => told(&text),
    }
}

/// An exception of the engine.
fn told(text: &str) -> Vec<u8> {
    let code = text.strip_prefix("Code: ").and_then(|rest| rest.split('.').next()?.parse().ok()).unwrap_or(1000);
    refused(code, text)
}

fn setting(name: &str, value: &str) -> String {
    if value.parse::<f64>().is_ok() {
        format!("{name} = {value}")
    } else {
        format!("{name} = {}", super::clickhouse::quote_text(value))
    }
}

fn exception(code: u32, text: &str) -> Vec<u8> {
    refused(code, &format!("Code: {code}. DB::Exception: {text}"))
}

/// The status that a server gives an exception.
fn refused(code: u32, text: &str) -> Vec<u8> {
    let status = match code {
        62 | 47 => "400 Bad Request",
        60 | 81 => "404 Not Found",
        516 | 497 => "403 Forbidden",
        202 => "503 Service Unavailable",
        _ => "500 Internal Server Error",
    };
    answer(
        status,
        &[("X-ClickHouse-Exception-Code", &code.to_string())],
        format!("{text} (version 26.5.1)\n").as_bytes(),
    )
}

/// What a fake does with a connection.
#[derive(Clone)]
pub enum Act {
    /// Closes it before the request is read.
    Close,
    /// Reads the request and sends these bytes.
    Send(Vec<u8>),
    /// The same, and then keeps the connection open for so long.
    Hang(Vec<u8>, Duration),
    /// Sends what it was sent as the body of an answer with this status.
    Echo(&'static str),
}

/// A server that does what it was told, one act a connection; the last one for all that follow.
pub struct Fake {
    listening: Listening,
    count: Arc<Mutex<usize>>,
}

impl Fake {
    /// With its acts.
    pub fn start(acts: Vec<Act>) -> Fake {
        let count = Arc::new(Mutex::new(0));
        let kept = Arc::clone(&count);
        let listening = Listening::start(move || {
            move |mut stream: TcpStream| {
                let mut count = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let act = &acts[(*count).min(acts.len() - 1)];
                *count += 1;
                drop(count);
                play(act, &mut stream);
            }
        });
        Fake { listening, count }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.listening.url
    }

    /// How many connections there were.
    pub fn count(&self) -> usize {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn play(act: &Act, stream: &mut TcpStream) {
    if matches!(act, Act::Close) {
        return;
    }
    let Some(request) = Request::read(stream) else { return };
    let (bytes, pause) = match act {
        Act::Close => return,
        Act::Send(bytes) => (bytes.clone(), Duration::ZERO),
        Act::Hang(bytes, pause) => (bytes.clone(), *pause),
        Act::Echo(status) => (answer(status, &[], format!("{request:?}").as_bytes()), Duration::ZERO),
    };
    let _ = stream.write_all(&bytes);
    std::thread::sleep(pause);
}
