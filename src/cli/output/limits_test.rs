//! Builds that the system refuses: a full disk, a limit on files, a folder of somebody else.

use std::{
    env, fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
};

use super::{Artifact, MANIFEST, write_build};

/// Where the child builds to; only then the child's test does anything.
const CHILD_OUT: &str = "METRICC_LIMITS_TEST_OUT";

fn artifact(size: usize) -> [Artifact; 2] {
    ["a.sql", "b.sql"].map(|path| Artifact { path: path.to_owned(), text: "x".repeat(size) })
}

/// Not a test of its own: a small build that fits, then one that doesn't, where the parent made a tight place.
#[test]
fn child_builds_more_than_fits() {
    let Ok(out) = env::var(CHILD_OUT) else { return };
    let out = Path::new(&out);
    println!("small: {:?}", write_build(out, &artifact(1_000)).map_err(|error| error.into_diagnostic().code));
    println!("large: {:?}", write_build(out, &artifact(1_000_000)).map_err(|error| error.into_diagnostic().code));
    let whole =
        fs::read_to_string(out.join("b.sql")).is_ok_and(|text| text.len() == 1_000) && out.join(MANIFEST).exists();
    let beside = out.parent().and_then(|parent| fs::read_dir(parent).ok()).map_or(0, Iterator::count);
    println!("whole: {whole}, beside: {beside}");
}

/// What the child says when a shell runs `before` it.
fn child(shell: &str, before: &str, out: &Path) -> String {
    let test = env::current_exe().expect("this test");
    let script =
        format!("{before} exec \"$0\" --exact --nocapture cli::output::limits_test::child_builds_more_than_fits");
    let mut words = shell.split(' ');
    let mut command = Command::new(words.next().unwrap_or("sh"));
    command.args(words).args(["-c", &script]).arg(test).env(CHILD_OUT, out).stderr(Stdio::null());
    String::from_utf8_lossy(&command.output().expect("a shell").stdout).into_owned()
}

/// Asserts that the small build was kept whole when there was no room for the large one.
fn assert_no_room(said: &str) {
    assert!(said.contains("small: Ok("), "{said}");
    assert!(said.contains("large: Err(Code(\"E0031\"))"), "{said}");
    assert!(said.contains("whole: true, beside: 1"), "{said}");
}

#[test]
fn a_limit_on_file_sizes_leaves_the_last_build_whole() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    assert_no_room(&child("sh", "trap '' XFSZ; ulimit -f 100;", &dir.path().join("build")));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_last_build_whole() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mount = format!("mount -t tmpfs -o size=512k none {} &&", dir.path().display());
    let may_mount = Command::new("unshare").args(["-Urm", "sh", "-c", &format!("{mount} true")]).output();
    if may_mount.is_ok_and(|tried| tried.status.success()) {
        assert_no_room(&child("unshare -Urm sh", &mount, &dir.path().join("build")));
    } else {
        // Containers may forbid mounts. The limit above takes the same way through the code.
        eprintln!("a full disk was not tried: no mount is allowed here");
    }
}

#[test]
fn a_read_only_place_is_told_and_left_as_it_was() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let out = dir.path().join("build");
    write_build(&out, &artifact(1_000)).expect("a build");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o555)).expect("set");
    // Root may write everywhere, so the child is somebody else.
    let program = dir.path().with_extension("test");
    fs::copy(env::current_exe().expect("this test"), &program).expect("copied");
    let mut command = Command::new(&program);
    command
        .args(["--exact", "--nocapture", "cli::output::limits_test::child_builds_more_than_fits"])
        .env(CHILD_OUT, &out);
    if fs::metadata(dir.path()).expect("a folder").uid() == 0 {
        command.uid(65_534).gid(65_534);
    }
    let said = command.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    fs::remove_file(&program).expect("removed");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("set");
    let said = said.expect("a child");
    assert!(said.contains("small: Err(Code(\"E0032\"))"), "{said}");
    assert!(said.contains("large: Err(Code(\"E0032\"))"), "{said}");
    assert!(said.contains("whole: true, beside: 1"), "{said}");
}
