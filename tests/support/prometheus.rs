//! The programs that read what is made for Prometheus: promtool, amtool and vmalert.

use std::path::Path;
use std::process::{Command, Output};

use super::provision;

/// A program that has been run.
#[derive(Debug)]
pub struct Ran {
    /// Whether it was content.
    pub ok: bool,
    /// All that it said.
    pub said: String,
}

/// `promtool` with some arguments, in a folder.
///
/// # Panics
/// With one line, if it cannot be provisioned or run.
pub fn promtool(folder: &Path, arguments: &[&str]) -> Ran {
    run("promtool", folder, arguments)
}

/// `amtool` with some arguments, in a folder.
///
/// # Panics
/// With one line, if it cannot be provisioned or run.
pub fn amtool(folder: &Path, arguments: &[&str]) -> Ran {
    run("amtool", folder, arguments)
}

/// `vmalert` with some arguments, in a folder.
///
/// # Panics
/// With one line, if it cannot be provisioned or run.
pub fn vmalert(folder: &Path, arguments: &[&str]) -> Ran {
    run("vmalert", folder, arguments)
}

fn run(program: &str, folder: &Path, arguments: &[&str]) -> Ran {
    let binaries = provision::prometheus().unwrap_or_else(|error| panic!("{error}"));
    let ran = Command::new(binaries.join(program)).args(arguments).current_dir(folder).output();
    let Output { status, stdout, stderr } = ran.unwrap_or_else(|error| panic!("{program} does not run: {error}"));
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    Ran { ok: status.success(), said }
}
