//! Python scripts with packages of their own.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::report::{Timer, current_test};

/// Runs a Python script. It reads its input, if any, with `json.load(sys.stdin)` and prints one JSON value.
///
/// # Errors
/// What the script wrote to its error stream, or what is wrong with its output.
pub fn run(python: &Path, script: &str, input: &Value) -> Result<Value, String> {
    let _timer = Timer::start(current_test());
    // `-I` keeps the user's own packages and settings out.
    let mut child = Command::new(python)
        .args(["-I", "-X", "utf8", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot run {}: {error}", python.display()))?;
    let text = input.to_string();
    let mut stdin = child.stdin.take().ok_or("the script has no input stream")?;
    // A script that ignores its input may end before it is written: its exit code tells.
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().map_err(|error| format!("cannot wait for the script: {error}"))?;
    let _ = writer.join();
    if !output.status.success() {
        return Err(format!("the script ended with {}:\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).map_err(|error| format!("the script did not print JSON ({error}): {text}"))
}
