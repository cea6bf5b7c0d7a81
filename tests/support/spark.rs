//! Spark, which runs pipelines of streams. One server at a time: it is slow to start and large.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard};

use serde_json::{Value, json};

use super::provision;
use super::report::{self, Timer, current_test};
use super::table::Table;

/// A running server with a warehouse of its own; it ends with this value.
pub struct Spark {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    folder: tempfile::TempDir,
    _timer: Timer,
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());

impl Spark {
    /// Starts the server.
    ///
    /// # Panics
    /// With one line, if the engine cannot be provisioned, or with what the server says if it does not start.
    pub fn start() -> Spark {
        let alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let python = provision::spark().unwrap_or_else(|error| panic!("{error}"));
        let folder = tempfile::tempdir_in(report::folder()).expect("a folder for the server");
        let worker = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines/spark/worker.py");
        let mut child = Command::new(python)
            .args(["-I", "-X", "utf8", "-W", "ignore"])
            .args([worker.as_path(), folder.path()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {}: {error}", python.display()));
        let requests = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("an output stream"));
        let mut spark = Spark { child, requests, answers, folder, _timer: Timer::start(current_test()), _alone: alone };
        spark.answer().unwrap_or_else(|error| panic!("{error}"));
        spark
    }

    /// A folder that goes with the server.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// What `spark-pipelines dry-run` does with a pipeline, given the path of its `spark-pipeline.yml`.
    ///
    /// # Errors
    /// What Spark says against it.
    pub fn dry_run(&mut self, spec: &Path) -> Result<(), String> {
        self.ask(&json!({"do": "dry_run", "spec": spec})).map(|_| ())
    }

    /// What `spark-pipelines run` does: all that has come is read, then the pipeline stops.
    ///
    /// # Errors
    /// What Spark says against it.
    pub fn run(&mut self, spec: &Path) -> Result<(), String> {
        self.ask(&json!({"do": "run", "spec": spec})).map(|_| ())
    }

    /// The result of a statement; instants are shown in UTC.
    ///
    /// # Errors
    /// What Spark says against it.
    pub fn query(&mut self, sql: &str) -> Result<Table, String> {
        let found = self.ask(&json!({"do": "query", "sql": sql}))?;
        let texts = |value: &Value| value.as_array().into_iter().flatten().filter_map(text).collect();
        let rows = found["rows"].as_array().into_iter().flatten();
        Ok(Table {
            columns: texts(&found["columns"]),
            types: texts(&found["types"]),
            rows: rows.map(|row| row.as_array().into_iter().flatten().map(text).collect()).collect(),
        })
    }

    fn ask(&mut self, request: &Value) -> Result<Value, String> {
        let requests = self.requests.as_mut().ok_or("the server was stopped")?;
        writeln!(requests, "{request}").map_err(|error| format!("cannot ask the server: {error}"))?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Value, String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(|error| format!("cannot read an answer: {error}"))?;
        let mut answer: Value =
            serde_json::from_str(&line).map_err(|error| format!("{line:?} is no answer ({error})"))?;
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["ok"].take()),
        }
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

impl Drop for Spark {
    /// The end of its requests tells the worker to stop the server.
    fn drop(&mut self) {
        drop(self.requests.take());
        let _ = self.child.wait();
    }
}
