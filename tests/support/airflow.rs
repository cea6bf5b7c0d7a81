//! Airflow, which runs DAGs. One at a time: it is slow to start and large.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard};

use metricc::emit::Artifact;
use serde_json::{Value, json};

use super::provision;
use super::report::{self, Timer, current_test};

/// A process with a database of its own; it ends with this value.
pub struct Airflow {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    folder: tempfile::TempDir,
    _timer: Timer,
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());

impl Airflow {
    /// Starts it over the artefacts of a target, whose connections are environment variables.
    ///
    /// # Panics
    /// With one line, if the engine cannot be provisioned, or with what it says if it does not start.
    pub fn start(target: &str, artifacts: &[Artifact], connections: &[(&str, String)]) -> Airflow {
        let alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let python = provision::airflow().unwrap_or_else(|error| panic!("{error}"));
        let folder = tempfile::tempdir_in(report::folder()).expect("a folder");
        let made = folder.path().join("made");
        for part in ["home", "made/dags", "made/plugins"] {
            std::fs::create_dir_all(folder.path().join(part)).expect("a folder");
        }
        write(&made, target, artifacts);
        let worker = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines/airflow/worker.py");
        let mut command = Command::new(python);
        command.args(["-I", "-X", "utf8", "-W", "ignore"]).arg(worker).arg(folder.path().join("home"));
        command.args([made.join("dags"), made.join("plugins")]).env("DO_NOT_TRACK", "1");
        for (id, uri) in connections {
            command.env(format!("AIRFLOW_CONN_{}", id.to_uppercase()), uri);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {}: {error}", python.display()));
        let requests = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("an output stream"));
        let timer = Timer::start(current_test());
        let mut airflow = Airflow { child, requests, answers, folder, _timer: timer, _alone: alone };
        airflow.answer();
        airflow
    }

    /// Puts the artefacts of another build in the place of those there are.
    pub fn replace(&self, target: &str, artifacts: &[Artifact]) {
        let made = self.folder.path().join("made");
        std::fs::remove_dir_all(made.join("dags")).expect("a folder");
        write(&made, target, artifacts);
    }

    /// The folder of the DAGs.
    pub fn dags(&self) -> PathBuf {
        self.folder.path().join("made/dags")
    }

    /// What a scheduler reads: `errors`, `seconds` by file, and `dags` by id.
    pub fn load(&mut self) -> Value {
        self.ask(&json!({ "do": "load" }))
    }

    /// A run of a DAG at a logical date (with its offset), with parameters: its `state`, its `tasks`, and the `log`.
    pub fn run(&mut self, dag: &str, at: &str, conf: &Value) -> Value {
        self.ask(&json!({ "do": "run", "dag": dag, "at": at, "conf": conf }))
    }

    /// The same, which has to succeed.
    pub fn succeed(&mut self, dag: &str, at: &str) {
        let run = self.run(dag, at, &Value::Null);
        assert_eq!(run["state"], "success", "{}\n{}", run["tasks"], run["log"].as_str().unwrap_or_default());
    }

    /// The next runs behind an instant: when each starts, and when the interval begins that it is for.
    pub fn intervals(&mut self, dag: &str, after: &str, count: usize) -> Value {
        self.ask(&json!({ "do": "intervals", "dag": dag, "after": after, "count": count }))
    }

    /// Runs ruff over all files: its exit `code` and its `text`.
    pub fn lint(&mut self, with: &[&str]) -> Value {
        self.ask(&json!({ "do": "lint", "with": with }))
    }

    /// Calls a callback of a deadline by its path.
    pub fn call(&mut self, path: &str, kwargs: &Value) {
        self.ask(&json!({ "do": "call", "path": path, "kwargs": kwargs }));
    }

    fn ask(&mut self, request: &Value) -> Value {
        let requests = self.requests.as_mut().expect("it runs");
        writeln!(requests, "{request}").expect("it reads");
        self.answer()
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        let mut answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}: {}", self.log()));
        match answer["error"].as_str() {
            Some(error) => panic!("{error}\n{}", self.log()),
            None => answer["ok"].take(),
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("home/log")).unwrap_or_default()
    }
}

/// Writes the artefacts of a target.
fn write(made: &Path, target: &str, artifacts: &[Artifact]) {
    for artifact in artifacts {
        let Some(path) = artifact.path.strip_prefix(&format!("{target}/")) else { continue };
        let path = made.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, &artifact.text).expect("a file");
    }
}

impl Drop for Airflow {
    /// The end of its requests tells the worker to stop.
    fn drop(&mut self) {
        drop(self.requests.take());
        let _ = self.child.wait();
    }
}
