//! A git repository for one test. Nothing of the machine's configuration of git plays a part.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A repository in a folder of its own, on the branch `main`.
pub struct Repo {
    dir: tempfile::TempDir,
}

impl Repo {
    /// One without commits.
    pub fn new() -> Repo {
        let repo = Repo { dir: tempfile::tempdir().expect("a temporary folder") };
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo
    }

    /// A clone of the last commit alone.
    pub fn shallow(&self) -> Repo {
        let clone = Repo { dir: tempfile::tempdir().expect("a temporary folder") };
        let from = format!("file://{}", self.dir.path().display());
        clone.git(&["clone", "--quiet", "--depth=1", &from, "."]);
        clone
    }

    /// A path in it.
    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) -> &Repo {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
        self
    }

    /// Commits everything, and gives the commit's hash.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git, and gives what it prints.
    pub fn git(&self, args: &[&str]) -> String {
        let done = command(self.dir.path()).args(args).output().expect("git runs");
        assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }
}

/// Git in a folder, with a user, and without the configuration of the machine.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder);
    for setting in
        ["user.name=Test", "user.email=test@example.com", "commit.gpgsign=false", "protocol.file.allow=always"]
    {
        command.args(["-c", setting]);
    }
    for name in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"] {
        command.env_remove(name);
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command
}
