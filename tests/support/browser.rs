//! A browser without a window, where the machine has one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A Chromium or Chrome.
pub struct Browser {
    program: PathBuf,
}

impl Browser {
    /// The one of `METRICC_BROWSER`, else the first that is found on the path.
    pub fn find() -> Option<Browser> {
        let named = std::env::var_os("METRICC_BROWSER").filter(|name| !name.is_empty()).map(PathBuf::from);
        let known = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
        let folders: Vec<PathBuf> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
        let found = known.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
        let program = named.or_else(|| found.into_iter().find(|path| path.is_file()))?;
        Some(Browser { program })
    }

    /// The page of a file as it is once its scripts have run, in a window of so many pixels.
    pub fn dump(&self, page: &Path, width: u32) -> String {
        let profile = tempfile::tempdir().expect("a temporary folder");
        let output = Command::new(&self.program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("--window-size={width},900"))
            .args(["--virtual-time-budget=5000", "--dump-dom"])
            .arg(format!("file://{}", page.display()))
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}", self.program.display()));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && !text.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        text
    }
}
