//! A build that may use what the last one left makes the same bytes as one from nothing.

#[path = "../benches/support/library.rs"]
mod library;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, io};

/// Runs `metricc build` in a project; gives what it said.
fn build(project: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_metricc"));
    let output = command.arg("build").current_dir(project).stdin(Stdio::null()).output().expect("the program runs");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{said}");
    said
}

/// All files below a folder, but what is hidden.
fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let walk = walkdir::WalkDir::new(root).min_depth(1);
    let entries = walk.into_iter().filter_entry(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
    let files = entries.map(|entry| entry.expect("an entry")).filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| {
            let path = entry.path().strip_prefix(root).expect("below").to_string_lossy().into_owned();
            (path, fs::read(entry.path()).expect("readable"))
        })
        .collect()
}

/// The build of the same definitions in a folder that never saw one.
fn from_nothing(project: &Path) -> BTreeMap<String, Vec<u8>> {
    let fresh = tempfile::tempdir().expect("a temporary folder");
    for (path, bytes) in tree(project).into_iter().filter(|(path, _)| !path.starts_with("build/")) {
        let to = fresh.path().join(path);
        fs::create_dir_all(to.parent().expect("a parent")).expect("made");
        fs::write(to, bytes).expect("written");
    }
    build(fresh.path());
    tree(&fresh.path().join("build"))
}

fn replace(project: &Path, path: &str, from: &str, to: &str) {
    let path = project.join(path);
    let text = fs::read_to_string(&path).expect("readable");
    assert!(text.contains(from), "no `{from}` in {}", path.display());
    fs::write(path, text.replace(from, to)).expect("written");
}

fn project() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    library::write(dir.path(), 60).expect("written");
    // One of each way of serving: over clean rows, and from rollups.
    replace(
        dir.path(),
        "metrics/g00001.metric",
        "title: \"Metric 1 of 1\"",
        "title: \"Metric 1 of 1\"\n  serve: stream(1m)",
    );
    replace(dir.path(), "metrics/g00002.metric", "  key: row_id\n", "");
    replace(
        dir.path(),
        "metrics/g00002.metric",
        "title: \"Metric 2 of 2\"",
        "title: \"Metric 2 of 2\"\n  serve: stream(1m)",
    );
    dir
}

#[test]
fn every_edit_comes_out_as_from_nothing() {
    let dir = project();
    let at = dir.path();
    type Edit = fn(&Path);
    let edits: [(&str, Edit); 15] = [
        ("nothing", |_| ()),
        ("a filter", |at| library::edit(at, 60, 1).expect("written")),
        ("a filter of a streamed metric", |at| replace(at, "metrics/g00002.metric", "items < 102", "items < 55")),
        ("a window", |at| replace(at, "metrics/g00001.metric", "over 28d", "over 30d")),
        ("a title", |at| replace(at, "metrics/g00000.metric", "title: \"Metric 3 of 0\"", "title: \"Third\"")),
        ("a comment", |at| replace(at, "metrics/g00000.metric", "/// Number 4", "// a comment\n/// Number 4")),
        ("a name", |at| replace(at, "metrics/g00000.metric", "g0_score_9", "g0_mean_9")),
        ("a type", |at| replace(at, "metrics/g00000.metric", "column score: float?", "column score: float")),
        ("a stored table", |at| replace(at, "metrics/g00001.metric", "dwd.source_1", "dwd.other_1")),
        ("the key of an entity", |at| replace(at, "metrics/entities.metric", "user_id", "account_id")),
        ("a dimension", |at| replace(at, "dimensions/d00001.metric", "else \"none\"", "else \"nothing\"")),
        ("the zone", |at| replace(at, "metricc.yaml", "Asia/Shanghai", "Asia/Kolkata")),
        ("the database", |at| replace(at, "targets/clickhouse.yaml", "database: metrics", "database: other")),
        ("a source fewer", |at| {
            fs::remove_file(at.join("metrics/g00000.metric")).expect("removed");
            fs::remove_file(at.join("dimensions/d00000.metric")).expect("removed");
            replace(at, "dimensions/shared.metric", "source_0.platform |\n  ", "");
        }),
        ("a target more", |at| {
            fs::write(at.join("targets/second.yaml"), "kind: clickhouse\ndatabase: second\n").expect("written");
        }),
    ];
    build(at);
    for (what, edit) in edits {
        edit(at);
        // Once after the edit, and once more after nothing.
        for _ in 0..2 {
            build(at);
            assert!(tree(&at.join("build")) == from_nothing(at), "after the edit of {what} the build differs");
        }
    }
}

#[test]
fn an_unchanged_build_says_so_and_touches_nothing() {
    let dir = project();
    let first = build(dir.path());
    let times = |project: &Path| -> io::Result<Vec<_>> {
        tree(project).keys().map(|path| fs::metadata(project.join(path))?.modified()).collect()
    };
    let before = times(dir.path()).expect("times");
    let again = build(dir.path());
    assert_eq!(times(dir.path()).expect("times"), before);
    let files = tree(&dir.path().join("build")).len();
    assert!(first.contains(&format!("({files} written, 0 unchanged, 0 removed)")), "{first}");
    assert!(again.contains(&format!("(0 written, {files} unchanged, 0 removed)")), "{again}");
    assert_eq!(first.split('(').next(), again.split('(').next());
}

#[test]
fn what_was_changed_or_removed_by_hand_is_mended() {
    let dir = project();
    build(dir.path());
    let out = dir.path().join("build");
    let whole = tree(&out);
    for path in ["clickhouse/apply.sql", "manifest.json"] {
        fs::write(out.join(path), if path.ends_with("json") { whole[path].to_ascii_lowercase() } else { Vec::new() })
            .expect("written");
        build(dir.path());
        assert!(tree(&out) == whole, "{path} was not mended");
    }
    fs::remove_file(out.join("clickhouse/rollback.sql")).expect("removed");
    build(dir.path());
    assert!(tree(&out) == whole);
    fs::remove_dir_all(&out).expect("removed");
    build(dir.path());
    assert!(tree(&out) == whole);
}

#[test]
fn an_error_is_told_every_time() {
    let dir = project();
    build(dir.path());
    replace(dir.path(), "metrics/g00000.metric", "g0_count_1 / g0_count_6", "g0_count_1 / g0_count_7777");
    let told = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_metricc"));
        let output = command.args(["build", "--error-format", "plain"]).current_dir(dir.path()).output().expect("runs");
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    let first = told();
    assert!(first.contains("E0201"), "{first}");
    assert_eq!(told(), first);
}
