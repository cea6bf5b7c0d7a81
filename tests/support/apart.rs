//! ClickHouse in a process of its own, which can be killed: a table that reads Kafka lets neither itself be dropped nor the
//! process end as others do, and what a crash leaves is to be tested too.
//!
//! The process is this test binary again. A binary that uses it has the test `apart`, which is that process when it is asked to
//! be, and else does nothing:
//!
//! ```ignore
//! #[test]
//! fn apart() {
//!     support::apart::serve();
//! }
//! ```

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::table::{Table, parse_tsv};
use super::{clickhouse, script};

/// The folder of the server's data: says that the process is to serve.
const FOLDER: &str = "METRICC_TEST_APART";
/// What begins the line of an answer; other lines are of the harness.
const ANSWER: &str = "\u{1}answer ";

/// Groups of Kafka's consumers notice at once who has left them.
const CONFIGURATION: &str = "<clickhouse><kafka><session_timeout_ms>1500</session_timeout_ms>\
    <heartbeat_interval_ms>300</heartbeat_interval_ms></kafka></clickhouse>";

/// A server in a process of its own. Dropped, it is killed.
pub struct Apart {
    child: Child,
    statements: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Apart {
    /// Starts a server over the data in a folder, which one that was killed may have left.
    ///
    /// # Panics
    /// If the process does not start.
    pub fn start(folder: &Path) -> Apart {
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "apart", "--nocapture"])
            .env(FOLDER, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let statements = child.stdin.take().expect("a stream");
        let answers = BufReader::new(child.stdout.take().expect("a stream"));
        Apart { child, statements, answers }
    }

    /// The rows that a statement returns.
    ///
    /// # Errors
    /// The engine's message.
    ///
    /// # Panics
    /// If the process is gone.
    pub fn query(&mut self, sql: &str) -> Result<Table, String> {
        writeln!(self.statements, "{}", json!(sql)).expect("the server is there");
        let mut line = String::new();
        while !line.starts_with(ANSWER) {
            line.clear();
            assert!(self.answers.read_line(&mut line).expect("a line") > 0, "the server ended at {sql}");
        }
        let answer: Value = serde_json::from_str(&line[ANSWER.len()..]).expect("an answer");
        match (answer["output"].as_str(), answer["error"].as_str()) {
            (Some(output), _) => parse_tsv(output.as_bytes()),
            (_, error) => Err(error.unwrap_or("no answer").to_owned()),
        }
    }

    /// The rows of a statement that is right, as lines.
    ///
    /// # Panics
    /// If it is not.
    pub fn lines(&mut self, sql: &str) -> Vec<String> {
        self.query(sql).unwrap_or_else(|error| panic!("{error}\n{sql}")).lines()
    }

    /// Runs the statements of a script.
    ///
    /// # Panics
    /// If one fails.
    pub fn apply(&mut self, text: &str) {
        for statement in script::statements(text) {
            self.lines(statement);
        }
    }

    /// Waits until a query says what is expected.
    ///
    /// # Panics
    /// If it does not within half a minute: with what it says instead.
    pub fn wait(&mut self, sql: &str, expected: &[&str]) {
        let start = Instant::now();
        let mut got = self.lines(sql);
        while got != expected {
            assert!(start.elapsed() < Duration::from_secs(30), "{sql}\nsays {got:?} and not {expected:?}");
            std::thread::sleep(Duration::from_millis(50));
            got = self.lines(sql);
        }
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is the server, where the process is asked to be one: answers statements until their stream ends, and then ends the process.
pub fn serve() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    clickhouse::configure(folder, CONFIGURATION, &[&format!("--path={}", folder.join("data").display())]);
    for line in std::io::stdin().lines() {
        let Ok(line) = line else { break };
        let sql: String = serde_json::from_str(&line).expect("a statement");
        let answer = match clickhouse::bare_output(&sql) {
            Ok(output) => json!({"output": String::from_utf8_lossy(&output)}),
            Err(error) => json!({"error": error}),
        };
        println!("{ANSWER}{answer}");
    }
    // The usual end waits for tables of Kafka.
    std::process::abort();
}
