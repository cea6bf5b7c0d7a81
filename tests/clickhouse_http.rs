//! The client over HTTP: against the real engine behind a front, and against servers that misbehave.

mod support;

use std::time::{Duration, Instant};

use metricc::clickhouse::{Client, Environment, Failure, Fault, Limits, Retries, Server};
use metricc::diagnostic::Diagnostics;
use metricc::diagnostic::render::{Format, View, render};
use metricc::project::SourceMap;
use support::front::{Act, Fake, Front, User, answer};

const PASSWORD: &str = "s3cret-Pässword";

/// Short pauses: what is tested is that there are some, not how long they are.
const QUICK: Retries = Retries { tries: 3, first: Duration::from_millis(4), longest: Duration::from_millis(8) };

fn server(url: &str, user: Option<&str>) -> Server {
    let variable = |name: &str| match (name, user) {
        ("METRICC_CLICKHOUSE_URL", _) => Some(url.to_owned()),
        ("METRICC_CLICKHOUSE_USER", Some(user)) => Some(user.to_owned()),
        ("METRICC_CLICKHOUSE_PASSWORD", Some(_)) => Some(PASSWORD.to_owned()),
        _ => None,
    };
    let environment = Environment { variable: &variable, root: std::path::Path::new(".") };
    let made = Server::of("warehouse", None, "default", &environment, &mut Diagnostics::new()).expect("a server");
    made.within(Duration::from_secs(20))
}

fn client(server: Server) -> Client {
    Client::new(server, Limits::default(), QUICK).expect("a client")
}

/// A failure as a person reads it.
fn told(client: &Client, failure: &Failure, statement: &str) -> String {
    let mut sources = SourceMap::new();
    let found = failure.told(client.server(), statement, &mut sources);
    render(Format::Plain, &[found].into_iter().collect(), &View::new(&sources))
}

#[test]
fn questions_are_answered_exactly_and_change_nothing() {
    support::engine!("clickhouse");
    let front = Front::start();
    let client = client(server(front.url(), None));
    let of = |table: &str| format!("{}.{table}", front.database());
    client
        .execute(&format!(
            "CREATE TABLE {} (d Decimal(38, 4), i Int64, s Nullable(String)) ENGINE = MergeTree ORDER BY i",
            of("t")
        ))
        .unwrap();
    client.execute(&format!("INSERT INTO {} FORMAT JSONEachRow\n{{\"d\": \"12345678901234567890.5000\", \"i\": \"-9223372036854775808\", \"s\": null}}\n{{\"d\": \"0.1\", \"i\": \"7\", \"s\": \"a\\tb\"}}", of("t"))).unwrap();
    let rows = client.ask(&format!("SELECT d, i, s FROM {} ORDER BY i", of("t"))).unwrap();
    assert_eq!(rows.names, ["d", "i", "s"]);
    let cells: Vec<Vec<&str>> =
        rows.rows.iter().map(|row| row.iter().map(|cell| cell.as_deref().unwrap_or("NULL")).collect()).collect();
    assert_eq!(cells, [["12345678901234567890.5000", "-9223372036854775808", "NULL"], ["0.1000", "7", "a\tb"]]);

    let asked = front.requests().last().cloned().expect("a request");
    for (name, value) in [
        ("readonly", "2"),
        ("max_execution_time", "20"),
        ("result_overflow_mode", "throw"),
        ("session_timezone", "UTC"),
        ("wait_end_of_query", "1"),
    ] {
        assert_eq!(asked.parameter(name), Some(value), "{name}");
    }
    let failure = client.ask(&format!("DROP TABLE {}", of("t"))).unwrap_err();
    assert!(failure.is_readonly(), "{failure:?}");
    assert_eq!(client.ask(&format!("SELECT count() FROM {}", of("t"))).unwrap().rows[0][0].as_deref(), Some("2"));
}

#[test]
fn errors_of_the_server_are_shown_where_they_are() {
    support::engine!("clickhouse");
    let front = Front::start();
    let client = client(server(front.url(), None));
    for (statement, place, code) in [
        ("SELECT 1\n  ] + 2", "<statement>:2:3: error[E0852]", "code 62"),
        ("SELECT\n  1 AS a,\n  gmv_total\nFROM system.one", "<statement>:3:3: error[E0852]", "code 47"),
        ("SELECT * FROM no_such_view_here", "<statement>:1:15: error[E0852]", "code 60"),
        ("SELECT throwIf(number = 3) FROM numbers(9)", "error[E0852]", "code 395"),
    ] {
        let failure = client.ask(statement).unwrap_err();
        assert_eq!(failure.tries, 1, "an error of the statement is not tried again: {failure:?}");
        let told = told(&client, &failure, statement);
        assert!(told.contains(place) && told.contains(code), "{statement}: {told}");
    }
}

#[test]
fn an_answer_is_limited_and_never_cut_off() {
    support::engine!("clickhouse");
    let front = Front::start();
    let limits = |rows, bytes| Client::new(server(front.url(), None), Limits { rows, bytes }, QUICK).expect("a client");
    let failure = limits(10, 1 << 20).ask("SELECT number FROM numbers(100000)").unwrap_err();
    assert!(matches!(&failure.fault, Fault::Refused(exception) if exception.code == 396), "{failure:?}");
    assert_eq!(limits(10, 1 << 20).ask("SELECT number FROM numbers(10)").unwrap().rows.len(), 10);
    // A server that sends more than it was allowed to.
    let fake = Fake::start(vec![Act::Send(answer(
        "200 OK",
        &[],
        &b"a\nInt64\n".iter().chain(&vec![b'1'; 100_000]).copied().collect::<Vec<u8>>(),
    ))]);
    let client = Client::new(server(fake.url(), None), Limits { rows: 10, bytes: 1_000 }, QUICK).expect("a client");
    assert_eq!(client.ask("SELECT 1").unwrap_err(), Failure { fault: Fault::TooLarge { bytes: 1_000 }, tries: 1 });
}

#[test]
fn a_user_who_may_set_nothing_can_ask() {
    support::engine!("clickhouse");
    let user = |locked| User { name: "ann".to_owned(), password: PASSWORD.to_owned(), locked };
    let front = Front::for_user(user(true));
    let client = client(server(front.url(), Some("ann")));
    for _ in 0..2 {
        assert_eq!(client.ask("SELECT 1 AS one").unwrap().rows.len(), 1);
    }
    let readonly: Vec<_> =
        front.requests().iter().map(|asked| asked.parameter("readonly").map(str::to_owned)).collect();
    let readonly: Vec<_> = readonly.iter().flatten().map(String::as_str).collect();
    assert_eq!(readonly, ["2", "1", "1"], "what the server has told is remembered");
    assert!(client.ask("CREATE TABLE t (a Int64) ENGINE = Memory").unwrap_err().is_readonly());

    let front = Front::for_user(user(false));
    let wrong = Client::new(server(front.url(), Some("bob")), Limits::default(), QUICK).expect("a client");
    let failure = wrong.ask("SELECT 1").unwrap_err();
    let told = told(&wrong, &failure, "SELECT 1");
    assert!(told.contains("error[E0854]") && told.contains("`bob`") && failure.tries == 1, "{told}");
}

/// A fake's url, and what a question gives.
fn outcome(acts: Vec<Act>) -> (usize, Result<usize, Failure>) {
    let fake = Fake::start(acts);
    let server = server(fake.url(), None).within(Duration::from_secs(5));
    let outcome = client(server).ask("SELECT 1").map(|rows| rows.rows.len());
    (fake.count(), outcome)
}

fn good() -> Act {
    Act::Send(answer("200 OK", &[], b"a\nInt64\n1\n"))
}

#[test]
fn what_passes_is_tried_again_and_nothing_else() {
    let busy = || Act::Send(answer("503 Service Unavailable", &[("Retry-After", "0")], b"busy"));
    assert_eq!(outcome(vec![busy(), busy(), good()]), (3, Ok(1)));
    assert_eq!(outcome(vec![Act::Close, good()]), (2, Ok(1)));
    let many = b"Code: 202. DB::Exception: Too many simultaneous queries. (TOO_MANY_SIMULTANEOUS_QUERIES)";
    assert_eq!(
        outcome(vec![Act::Send(answer("500 Error", &[("X-ClickHouse-Exception-Code", "202")], many)), good()]),
        (2, Ok(1))
    );

    let (count, failure) = outcome(vec![busy()]);
    let failure = failure.unwrap_err();
    assert_eq!((count, failure.tries), (3, 3));
    assert!(matches!(failure.fault, Fault::Status { status: 503, .. }));
    for (status, body) in [
        ("400 Bad Request", "Code: 62. DB::Exception: Syntax error"),
        ("404 Not Found", "nothing here"),
        ("302 Found", ""),
    ] {
        let (count, failure) =
            outcome(vec![Act::Send(answer(status, &[("Location", "/elsewhere")], body.as_bytes())), good()]);
        assert_eq!((count, failure.is_err()), (1, true), "{status}");
    }
}

#[test]
fn half_an_answer_is_none() {
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
    let chunked = |body: &str| Act::Send(format!("{head}Transfer-Encoding: chunked\r\n\r\n{body}").into_bytes());
    let broken = |(count, outcome): (usize, Result<usize, Failure>)| {
        assert_eq!(count, 3, "{outcome:?}");
        assert!(matches!(outcome, Err(Failure { fault: Fault::Unreachable { .. }, .. })), "{outcome:?}");
    };
    // A chunk that ends early, a body shorter than was told, a chunk of no size.
    broken(outcome(vec![chunked("12\r\na\nInt64\n1\n")]));
    broken(outcome(vec![Act::Send(format!("{head}Content-Length: 99\r\n\r\na\nInt64\n1\n").into_bytes())]));
    broken(outcome(vec![chunked("zz\r\na\nInt64\n1\n")]));
    broken(outcome(vec![Act::Close]));
    // The same, whole.
    assert_eq!(outcome(vec![chunked("a\r\na\nInt64\n1\n\r\n0\r\n\r\n")]), (1, Ok(1)));
}

#[test]
fn an_exception_in_a_good_answer_is_one() {
    let message = "Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)";
    let tagged =
        format!("a\nInt64\n1\n\r\n__exception__\r\nxyz\r\n{message}\r\n{} xyz\r\n__exception__\r\n", message.len());
    for (headers, body) in [
        (vec![("X-ClickHouse-Exception-Tag", "xyz")], tagged),
        (vec![], format!("a\nInt64\n1\n{message}\n")),
        (vec![("X-ClickHouse-Exception-Code", "241")], format!("{message}\n")),
    ] {
        let (count, outcome) = outcome(vec![Act::Send(answer("200 OK", &headers, body.as_bytes()))]);
        let failure = outcome.unwrap_err();
        assert!(count == 1 && matches!(&failure.fault, Fault::Refused(found) if found.code == 241), "{failure:?}");
    }
}

#[test]
fn another_server_is_told_from_clickhouse() {
    for body in ["<html><body>Welcome</body></html>\n", "{\"a\": 1}\n", "Ok.\n", "a\nInt64\n1"] {
        let (count, outcome) = outcome(vec![Act::Send(answer("200 OK", &[], body.as_bytes()))]);
        assert!(
            count == 1 && matches!(outcome, Err(Failure { fault: Fault::Unusable { .. }, .. })),
            "{body}: {outcome:?}"
        );
    }
}

#[test]
fn waiting_ends() {
    let hangs = |bytes: &[u8]| Act::Hang(bytes.to_vec(), Duration::from_millis(1_500));
    for bytes in [&b""[..], b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\na\nInt"] {
        let fake = Fake::start(vec![hangs(bytes)]);
        let start = Instant::now();
        let failure = client(server(fake.url(), None).within(Duration::from_millis(300))).ask("SELECT 1").unwrap_err();
        assert_eq!(failure, Failure { fault: Fault::TimedOut, tries: 1 });
        assert!(start.elapsed() < Duration::from_secs(60));
    }
    // Pauses do not go beyond the deadline either.
    let fake = Fake::start(vec![Act::Close]);
    let patient = Retries { tries: 1_000, first: Duration::from_millis(50), longest: Duration::from_secs(3_600) };
    let server = server(fake.url(), None).within(Duration::from_millis(400));
    let failure = Client::new(server, Limits::default(), patient).expect("a client").ask("SELECT 1").unwrap_err();
    assert!(failure.tries > 1 && failure.tries < 100, "{failure:?}");
}

#[test]
fn nothing_listening_and_no_tls_are_told() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let nobody = client(server(&format!("http://{free}"), None));
    let failure = nobody.ask("SELECT 1").unwrap_err();
    assert_eq!(failure.tries, 3);
    let text = told(&nobody, &failure, "SELECT 1");
    assert!(text.contains("E0851") && text.contains("can't be reached, 3 times: "), "{text}");
    // A server that speaks no TLS where it should.
    let fake = Fake::start(vec![Act::Send(answer("400 Bad Request", &[], b"plain"))]);
    let secure = client(server(&fake.url().replace("http:", "https:"), Some("ann")));
    let failure = secure.ask("SELECT 1").unwrap_err();
    assert!(matches!(failure.fault, Fault::Tls { .. } | Fault::Unreachable { .. }), "{failure:?}");
}

/// A server with the certificate of `tests/support/tls`, which its authority has signed for `localhost`.
struct Secure {
    child: std::process::Child,
    port: String,
}

impl Secure {
    fn start() -> Secure {
        use std::io::BufRead;
        const SCRIPT: &str = "\
import http.server, ssl, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers['content-length']))
        self.send_response(200)
        self.send_header('Content-Length', '10')
        self.end_headers()
        self.wfile.write(b'a\\nInt64\\n1\\n')
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1] + '/server.pem', sys.argv[1] + '/server.key')
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
";
        let folder = format!("{}/tests/support/tls", env!("CARGO_MANIFEST_DIR"));
        let mut child = std::process::Command::new("python3")
            .args(["-I", "-c", SCRIPT, &folder])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("Python runs");
        let mut port = String::new();
        let out = child.stdout.take().expect("its output");
        std::io::BufReader::new(out).read_line(&mut port).expect("a line");
        Secure { child, port: port.trim().to_owned() }
    }

    /// What a question over TLS gives, where an authority is trusted or not.
    fn ask(&self, host: &str, trusted: bool) -> Result<usize, Fault> {
        let ca = format!("{}/tests/support/tls/authority.pem", env!("CARGO_MANIFEST_DIR"));
        let server = server(&format!("https://{host}:{}", self.port), None);
        let server = if trusted { server.trusting(std::fs::read(ca).expect("a certificate")) } else { server };
        client(server).ask("SELECT 1").map(|rows| rows.rows.len()).map_err(|failure| failure.fault)
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_certificate_is_trusted_by_its_authority_and_for_its_host() {
    let secure = Secure::start();
    assert_eq!(secure.ask("localhost", true), Ok(1));
    for (host, trusted) in [("localhost", false), ("127.0.0.1", true)] {
        assert!(matches!(secure.ask(host, trusted), Err(Fault::Tls { .. })), "{host} {trusted}");
    }
    let nothing = server("https://localhost:1", None).trusting(b"no certificate".to_vec());
    let refused = Client::new(nothing, Limits::default(), QUICK).map(|_| ()).expect_err("refused");
    assert!(matches!(refused.fault, Fault::Tls { .. }), "{refused:?}");
}

/// Whatever a server does with what it was sent, the password is shown nowhere.
#[test]
fn the_password_is_shown_nowhere() {
    let acts = [
        Act::Echo("200 OK"),
        Act::Echo("500 Error"),
        Act::Echo("404 Not Found"),
        Act::Close,
        Act::Send(answer(
            "500 Error",
            &[("X-ClickHouse-Exception-Code", "47")],
            format!("Code: 47. DB::Exception: {PASSWORD} is unknown").as_bytes(),
        )),
        Act::Send(answer("200 OK", &[], format!("a\nString\n1\nCode: 47. DB::Exception: {PASSWORD}\n").as_bytes())),
        Act::Send(answer("200 OK", &[], format!("{PASSWORD}\n<b {PASSWORD}\n").as_bytes())),
        Act::Send(answer("200 OK", &[], format!("a\nInt64\n{PASSWORD}").as_bytes())),
    ];
    for act in acts {
        let fake = Fake::start(vec![act]);
        let client = client(server(fake.url(), Some("ann")));
        let failure = client.ask("SELECT 1").unwrap_err();
        let shown = format!(
            "{} {failure:?} {failure:#?} {client:?} {:?}",
            told(&client, &failure, "SELECT 1"),
            client.server()
        );
        assert!(!shown.contains(PASSWORD) && !shown.contains("s3cret"), "{shown}");
    }
}
