//! What a build does to its folder, step by step.

use std::{fs, io, path::Path};

use super::*;
use crate::diagnostic::codes;

fn artifact(path: &str, text: &str) -> Artifact {
    Artifact { path: path.to_owned(), text: text.to_owned() }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// All files below a folder with their texts, sorted.
fn tree(root: &Path) -> Vec<(String, String)> {
    let files = walkdir::WalkDir::new(root).sort_by_file_name().into_iter().map(|entry| entry.expect("an entry"));
    files
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry.path().strip_prefix(root).expect("below").to_string_lossy().into_owned();
            (path, fs::read_to_string(entry.path()).expect("text"))
        })
        .filter(|(path, _)| path != MANIFEST)
        .collect()
}

fn names(root: &Path) -> Vec<String> {
    tree(root).into_iter().map(|(path, _)| path).collect()
}

fn code(result: Result<BuildSummary, OutputError>) -> crate::diagnostic::Code {
    result.expect_err("refused").into_diagnostic().code
}

#[test]
fn a_build_writes_what_differs_and_removes_what_went() {
    for swap in [Swap::Exchange, Swap::TwoRenames] {
        let dir = folder();
        let out = dir.path().join("deep/build");
        let first = [artifact("sql/a.sql", "1"), artifact("sql/b.sql", "2"), artifact("old/c.sql", "3")];
        let made = write_build_by(&out, &first, swap).expect("a build");
        assert_eq!(made, BuildSummary { written: 4, unchanged: 0, removed: 0 });

        let again = write_build_by(&out, &first, swap).expect("a build");
        assert_eq!(again, BuildSummary { written: 0, unchanged: 4, removed: 0 });

        let second = [artifact("sql/a.sql", "1"), artifact("sql/b.sql", "two")];
        let changed = write_build_by(&out, &second, swap).expect("a build");
        assert_eq!(changed, BuildSummary { written: 2, unchanged: 1, removed: 1 });
        assert_eq!(tree(&out), [("sql/a.sql".into(), "1".into()), ("sql/b.sql".into(), "two".into())]);
        assert!(!out.join("old").exists());
        // No lock, staging folder or old build is left beside it.
        assert_eq!(fs::read_dir(out.parent().expect("a parent")).expect("readable").count(), 1);
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_did_not_change_is_not_written() {
    use std::os::unix::fs::MetadataExt;
    let dir = folder();
    let out = dir.path().join("build");
    write_build(&out, &[artifact("a.sql", "1"), artifact("b.sql", "1")]).expect("a build");
    let before = fs::metadata(out.join("a.sql")).expect("a file");
    write_build(&out, &[artifact("a.sql", "1"), artifact("b.sql", "2")]).expect("a build");
    let after = fs::metadata(out.join("a.sql")).expect("a file");
    assert_eq!((before.ino(), before.mtime_nsec()), (after.ino(), after.mtime_nsec()));
}

#[cfg(unix)]
#[test]
fn what_others_put_into_the_folder_stays() {
    use std::os::unix::{ffi::OsStrExt, fs::symlink};
    for swap in [Swap::Exchange, Swap::TwoRenames] {
        let dir = folder();
        let out = dir.path().join("build");
        write_build_by(&out, &[artifact("sql/a.sql", "1"), artifact("sql/b.sql", "1")], swap).expect("a build");
        fs::write(out.join("sql/note.md"), "mine").expect("written");
        fs::create_dir_all(out.join("empty/inner")).expect("made");
        symlink("nowhere", out.join("link")).expect("linked");
        let odd = std::ffi::OsStr::from_bytes(b"\xff");
        fs::create_dir(out.join(odd)).expect("made");
        fs::write(out.join(odd).join("x"), "odd").expect("written");

        write_build_by(&out, &[artifact("sql/a.sql", "2")], swap).expect("a build");
        assert_eq!(fs::read_to_string(out.join("sql/note.md")).expect("kept"), "mine");
        assert!(out.join("empty/inner").is_dir());
        assert_eq!(fs::read_link(out.join("link")).expect("kept"), Path::new("nowhere"));
        assert_eq!(fs::read_to_string(out.join(odd).join("x")).expect("kept"), "odd");
        assert!(!out.join("sql/b.sql").exists());
    }
}

#[test]
fn folders_and_files_of_others_are_refused_untouched() {
    let dir = folder();
    let out = dir.path().join("documents");
    fs::create_dir(&out).expect("made");
    fs::write(out.join("thesis.txt"), "years").expect("written");
    assert_eq!(code(write_build(&out, &[artifact("a.sql", "1")])), codes::E0034);

    fs::write(out.join(MANIFEST), "{\"name\": \"an app\"}").expect("written");
    assert_eq!(code(write_build(&out, &[artifact("a.sql", "1")])), codes::E0034);
    assert_eq!(names(&out), ["thesis.txt"]);

    let ours = dir.path().join("build");
    write_build(&ours, &[artifact("a.sql", "1")]).expect("a build");
    fs::write(ours.join("b.sql"), "by hand").expect("written");
    assert_eq!(code(write_build(&ours, &[artifact("b.sql", "2")])), codes::E0034);
    assert_eq!(tree(&ours), [("a.sql".into(), "1".into()), ("b.sql".into(), "by hand".into())]);
}

#[test]
fn an_empty_folder_is_taken_and_a_file_is_not() {
    let dir = folder();
    let out = dir.path().join("empty");
    fs::create_dir(&out).expect("made");
    assert!(write_build(&out, &[artifact("a.sql", "1")]).is_ok());

    let file = dir.path().join("file");
    fs::write(&file, "text").expect("written");
    assert_eq!(code(write_build(&file, &[])), codes::E0033);
    assert_eq!(code(write_build(&file.join("below"), &[])), codes::E0033);
    assert_eq!(fs::read_to_string(&file).expect("kept"), "text");
    assert_eq!(code(write_build(Path::new("/"), &[])), codes::E0034);
}

#[cfg(unix)]
#[test]
fn a_linked_output_is_swapped_where_it_really_is() {
    let dir = folder();
    let real = dir.path().join("real");
    fs::create_dir(&real).expect("made");
    std::os::unix::fs::symlink(&real, dir.path().join("build")).expect("linked");
    write_build(&dir.path().join("build"), &[artifact("a.sql", "1")]).expect("a build");
    assert!(dir.path().join("build").symlink_metadata().expect("there").is_symlink());
    assert_eq!(names(&real), ["a.sql"]);
}

#[test]
fn what_a_killed_build_left_is_mended() {
    let dir = folder();
    let out = dir.path().join("build");
    write_build(&out, &[artifact("a.sql", "1")]).expect("a build");
    // Killed between the two renames, with a half-written staging folder.
    fs::rename(&out, dir.path().join(".build.metricc-aside")).expect("renamed");
    let staging = dir.path().join(".build.metricc-staging");
    fs::create_dir(&staging).expect("made");
    fs::write(staging.join("a.sql"), "half").expect("written");
    fs::write(dir.path().join(".build.metricc-lock"), "").expect("written");

    let again = write_build(&out, &[artifact("a.sql", "1")]).expect("a build");
    assert_eq!(again, BuildSummary { written: 0, unchanged: 2, removed: 0 });
    assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 1);
}

#[test]
fn builds_side_by_side_take_turns() {
    let dir = folder();
    let out = dir.path().join("build");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let out = &out;
            scope.spawn(move || {
                for round in 0..10 {
                    let text = format!("{thread} {round}");
                    write_build(out, &[artifact("a.sql", &text), artifact("b.sql", &text)]).expect("a build");
                }
            });
        }
    });
    let files = tree(&out);
    assert_eq!(files.len(), 2);
    assert_eq!(files[0].1, files[1].1);
    assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 1);
}

#[test]
fn each_failure_of_the_system_has_its_code() {
    let told = |number| OutputError::io(Path::new("build"), &io::Error::from_raw_os_error(number)).into_diagnostic();
    if cfg!(target_os = "linux") {
        assert_eq!(told(28).code, codes::E0031);
        assert_eq!(told(122).code, codes::E0031);
        assert_eq!(told(27).code, codes::E0031);
        assert_eq!(told(13).code, codes::E0032);
        assert_eq!(told(30).code, codes::E0032);
        assert_eq!(told(16).code, codes::E0030);
        assert_eq!(told(28).message, "there is no room for `build`: no space left on device");
    }
}

#[test]
fn the_manifest_lists_every_file_with_its_hash_and_the_details() {
    let details = serde_json::Map::from_iter([("order".to_owned(), serde_json::json!(["a.sql"]))]);
    let made = manifest(&[artifact("a.sql", "abc")], &details);
    let content: serde_json::Value = serde_json::from_str(&made.text).expect("JSON");
    assert_eq!(content["order"][0], "a.sql");
    assert_eq!(content["artifacts"][0]["bytes"], 3);
    assert_eq!(content["artifacts"][0]["sha256"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
