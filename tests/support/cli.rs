//! The program as a process, in a folder of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// A folder for one test, with a project of `metricc init` in `shop`.
pub struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    /// Nothing in it.
    pub fn empty() -> Place {
        Place { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A new project in `shop`.
    pub fn with_shop() -> Place {
        let place = Place::empty();
        let made = place.run(&["init", "shop", "--timezone", "Asia/Shanghai", "--quiet"]);
        assert_eq!(made.code, 0, "{}", made.err);
        place
    }

    /// A path in it.
    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Writes a file.
    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) -> &Place {
        fs::write(self.path(path), bytes).expect("written");
        self
    }

    /// Runs the program in the folder.
    pub fn run(&self, args: &[&str]) -> Run {
        self.run_in("", args)
    }

    /// Runs the program in a folder below.
    pub fn run_in(&self, folder: &str, args: &[&str]) -> Run {
        let output = program().args(args).current_dir(self.path(folder)).output().expect("the program runs");
        Run::from(output)
    }
}

/// The program, untouched by the terminal and the platform that the tests run on.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_metricc"));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "GITHUB_WORKSPACE"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// How the program ended and what it printed.
pub struct Run {
    /// Its exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Run {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Run { code: output.status.code().expect("an exit code"), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Run {
    /// Fails unless the program ended with `code`.
    pub fn assert_code(self, code: i32) -> Run {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        self
    }
}
