//! Builds that are killed at random moments: the output is always one whole build.

use std::{
    env, fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{Artifact, Folder, MANIFEST, Swap, manifest::sha256, write_build_by};

/// Where the child builds to; only then the child's test does anything.
const CHILD_OUT: &str = "METRICC_CRASH_TEST_OUT";
const CHILD_SWAP: &str = "METRICC_CRASH_TEST_SWAP";

/// A build whose files all tell its number. Some files stay, some change, some come and go.
fn numbered(number: usize) -> Vec<Artifact> {
    let mut files: Vec<Artifact> = (0..60)
        .map(|file| Artifact {
            path: format!("sql/{file}.sql"),
            text: format!("build {number}\n").repeat(1 + file % 7),
        })
        .collect();
    files.push(Artifact { path: "same.sql".to_owned(), text: "select 1\n".repeat(20) });
    files.push(Artifact { path: format!("extra_{}/x.sql", number % 3), text: format!("build {number}\n") });
    files
}

/// Not a test of its own: builds for ever when the crash test starts it.
#[test]
fn child_builds_until_it_is_killed() {
    let (Ok(out), Ok(swap)) = (env::var(CHILD_OUT), env::var(CHILD_SWAP)) else { return };
    let swap = if swap == "Exchange" { Swap::Exchange } else { Swap::TwoRenames };
    // Not always from the same number: the first build shall differ from the one that is there.
    for number in fastrand::usize(..1_000_000).. {
        write_build_by(Path::new(&out), &numbered(number), swap).expect("a build");
    }
}

/// All files of one build are there, with the hashes of its manifest, and nothing else but the foreign file.
fn assert_whole(out: &Path) {
    let text = fs::read_to_string(out.join(MANIFEST)).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_str(&text).expect("a whole manifest");
    let mut expected: Vec<String> = vec![MANIFEST.to_owned(), "mine.txt".to_owned()];
    for listed in manifest["artifacts"].as_array().expect("a list") {
        let path = listed["path"].as_str().expect("a path");
        let bytes = fs::read(out.join(path)).expect("a listed file");
        assert_eq!(listed["sha256"], sha256(&bytes), "{path}");
        expected.push(path.to_owned());
    }
    let mut found: Vec<String> = walkdir::WalkDir::new(out)
        .into_iter()
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.path().strip_prefix(out).expect("below").to_string_lossy().into_owned())
        .collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

/// Waits until the child has put its first build in place.
fn wait_for_a_build(out: &Path) {
    let manifest = || fs::read(out.join(MANIFEST)).ok();
    let before = manifest();
    let started = Instant::now();
    while manifest() == before && started.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_micros(200));
    }
}

/// Waits until something is there.
fn wait_for(path: &Path) {
    let started = Instant::now();
    while !path.exists() && started.elapsed() < Duration::from_secs(20) {
        thread::yield_now();
    }
}

fn crash(swap: Swap, rounds: usize) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let out = dir.path().join("build");
    write_build_by(&out, &numbered(0), swap).expect("a build");
    fs::write(out.join("mine.txt"), "not metricc's").expect("written");
    let mut interrupted = 0;
    for round in 0..rounds {
        let mut child = Command::new(env::current_exe().expect("this test"))
            .args(["--exact", "--nocapture", "cli::output::crash_test::child_builds_until_it_is_killed"])
            .env(CHILD_OUT, &out)
            .env(CHILD_SWAP, format!("{swap:?}"))
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("a child");
        wait_for_a_build(&out);
        if round % 2 == 0 {
            thread::sleep(Duration::from_micros(fastrand::u64(..8_000)));
        } else {
            // However busy the machine is, some kills come amid a build.
            wait_for(&dir.path().join(".build.metricc-staging"));
        }
        child.kill().expect("killed");
        let ended = child.wait().expect("ended");
        assert_eq!(ended.signal(), Some(9), "the child must not end by itself");
        interrupted += usize::from(dir.path().join(".build.metricc-staging").exists());
        if swap == Swap::TwoRenames {
            // Whole again as soon as the next build begins.
            drop(Folder::open(&out).expect("mended"));
        }
        assert_whole(&out);
    }
    assert!(interrupted > 0, "only {interrupted} of {rounds} kills came amid a build");
    write_build_by(&out, &numbered(1), swap).expect("a build");
    assert_whole(&out);
    assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 1, "nothing is left beside the output");
}

#[test]
fn an_exchanged_output_is_whole_after_every_kill() {
    crash(Swap::Exchange, 60);
}

#[test]
fn a_renamed_output_is_whole_after_every_kill_and_the_next_start() {
    crash(Swap::TwoRenames, 60);
}
