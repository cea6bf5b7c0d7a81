//! The program as a process: exit codes, streams, formats, bad input.

mod support;

use std::{fs, path::Path, process::Command, process::Stdio};

use support::cli::{Place, Run, program};

/// Compares with `snapshots/cli/NAME.snap`.
fn check_snapshot(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => "../snapshots/cli",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(name, text) });
}

/// All verbs, as the help lists them.
fn verbs() -> Vec<String> {
    let help = Place::empty().run(&["--help"]).out;
    let list = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a list of verbs");
    let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    names.map(str::to_owned).collect()
}

#[test]
fn a_new_project_is_clean() {
    let place = Place::with_shop();
    let checked = place.run_in("shop", &["check"]).assert_code(0);
    assert_eq!(checked.out, "");
    assert!(checked.err.ends_with("files, nothing is wrong\n"), "{}", checked.err);
    assert_eq!(place.run(&["check", "--project", "shop", "--quiet"]).assert_code(0).err, "");
    // From a folder below, and from a folder above with the project as the path.
    place.run_in("shop/metrics", &["check"]).assert_code(0);
    place.run(&["check", "shop"]).assert_code(0);
    let config = fs::read_to_string(place.path("shop/metricc.yaml")).expect("a file");
    assert!(config.contains("name: \"shop\"") && config.contains("timezone: Asia/Shanghai"), "{config}");
}

#[cfg(feature = "dry-run")]
#[test]
fn a_new_project_passes_its_tests_and_answers_from_its_samples() {
    let place = Place::with_shop();
    let tested = place.run_in("shop", &["test"]).assert_code(0);
    assert!(tested.err.ends_with("2 passed, 0 failed\n"), "{}", tested.err);
    let answer = place.run_in("shop", &["dry-run", "gmv", "buyers", "arppu", "--by", "province", "--format", "csv"]);
    check_snapshot("init_dry_run", &answer.assert_code(0).out);
}

#[cfg(feature = "dry-run")]
#[test]
fn a_test_that_fails_exits_with_1_and_is_rewritten_only_when_asked() {
    let place = Place::with_shop();
    let path = "shop/metrics/sales.metric";
    let right = fs::read_to_string(place.path(path)).expect("text");
    place.write(path, right.replace("| 2026-11-02 | 42.50 |", "| 2026-11-02 | 42.51 |"));
    let failed = place.run_in("shop", &["test"]).assert_code(1);
    assert!(failed.out.contains("42.51 → 42.50"), "{}", failed.out);
    assert!(failed.err.ends_with("1 passed, 1 failed\n"), "{}", failed.err);
    assert!(fs::read_to_string(place.path(path)).expect("text").contains("42.51"));
    let updated = place.run_in("shop", &["test", "--update"]).assert_code(0);
    assert!(updated.err.ends_with("1 passed, 1 with new expectations, 0 failed\n"), "{}", updated.err);
    place.run_in("shop", &["test"]).assert_code(0);
    assert!(fs::read_to_string(place.path(path)).expect("text").contains("42.50"));
    let none = place.run_in("shop", &["test", "ordr"]).assert_code(2);
    assert!(none.err.contains("no test has `ordr`"), "{}", none.err);

    // A test that can't run stays wrong; durations, bars and quotes are written so that they are read back.
    let more = "metric took = max(paid_at - created_at from order)\nmetric `a|b` = max(user_id from order)\n\
        test \"odd\" of took, `a|b` {\n  given order {\n    | created_at | paid_at | user_id |\n\
        \x20   | 2026-11-01 | 2026-11-01 00:01:02.5 | \"x\\\\y \\\"z\\\" |\\n\\u{7}\" |\n  }\n  expect {\n    | took | a\\|b |\n  }\n}\n";
    place.write("shop/metrics/more.metric", more);
    place.run_in("shop", &["test", "odd", "--update"]).assert_code(0);
    let text = fs::read_to_string(place.path("shop/metrics/more.metric")).expect("text");
    assert!(text.contains("| 1m 02.500s |"), "{text}");
    place.run_in("shop", &["test", "odd"]).assert_code(0);
    place.write("shop/metrics/more.metric", more.replace("2026-11-01 00:01:02.5", "noon"));
    let broken = place.run_in("shop", &["test", "odd", "--update"]).assert_code(1);
    assert!(
        broken.err.contains("E0911") && broken.err.ends_with("0 with new expectations, 1 failed\n"),
        "{}",
        broken.err
    );
}

#[test]
fn init_overwrites_nothing() {
    let place = Place::empty();
    fs::create_dir(place.path("shop")).expect("made");
    place.write("shop/.gitignore", "mine").write("shop/metricc.yaml", "mine");
    let refused = place.run(&["init", "shop"]).assert_code(2);
    assert!(refused.err.contains("E0037"), "{}", refused.err);
    assert_eq!(fs::read_dir(place.path("shop")).expect("readable").count(), 2);

    fs::remove_file(place.path("shop/metricc.yaml")).expect("removed");
    place.run(&["init", "shop"]).assert_code(0);
    assert_eq!(fs::read_to_string(place.path("shop/.gitignore")).expect("kept"), "mine");
    place.write("file", "");
    assert!(place.run(&["init", "file/below"]).assert_code(2).err.contains("E0038"));
    place.run(&["init", "other", "--timezone", "Mars/Olympus"]).assert_code(2);
    assert!(!place.path("other").exists());
}

#[test]
fn a_mistake_exits_with_1_and_a_missing_project_with_2() {
    let place = Place::with_shop();
    place.write("shop/metricc.yaml", "name: shop\ntimezone: UTC\nunit: [CNY]\n");
    let checked = place.run_in("shop", &["check", "--error-format", "plain"]).assert_code(1);
    assert!(checked.err.starts_with("metricc.yaml:3:1: error[E0021]: "), "{}", checked.err);
    assert!(checked.err.ends_with("\n1 error\n"), "{}", checked.err);

    let none = Place::empty().run(&["check", "--error-format", "plain"]).assert_code(2);
    assert!(none.err.starts_with("metricc: error[E0001]: "), "{}", none.err);
    let missing = place.run(&["check", "--project", "nowhere", "--error-format", "plain"]).assert_code(2);
    assert!(missing.err.contains("E0001"), "{}", missing.err);
}

#[test]
fn warnings_are_denied_only_when_asked() {
    let place = Place::with_shop();
    place.write("shop/metricc.yaml", "name: shop\ntimezone: UTC\npaths: [samples]\n");
    let warned = place.run_in("shop", &["check", "--error-format", "plain"]).assert_code(0);
    assert!(warned.err.contains("warning[W0001]") && warned.err.ends_with("1 warning\n"), "{}", warned.err);
    place.run_in("shop", &["check", "--deny", "warnings"]).assert_code(1);
}

#[test]
fn formats_for_programs_go_to_standard_output_with_paths_from_here() {
    let place = Place::with_shop();
    place.write("shop/metricc.yaml", "name: shop\ntimezone: Nowhere\nunits: [CNY]\n");
    fs::create_dir(place.path(".git")).expect("made");
    let json = place.run(&["check", "shop", "--error-format", "json"]).assert_code(1);
    assert_eq!(json.err, "");
    let found: serde_json::Value = serde_json::from_str(json.out.trim()).expect("one line of JSON");
    assert_eq!(found["file"], "shop/metricc.yaml");
    assert_eq!(found["start"], serde_json::json!({ "line": 2, "column": 11 }));

    let github = place.run_in("shop", &["check", "--error-format", "github"]).assert_code(1).out;
    assert!(github.starts_with("::error file=shop/metricc.yaml,line=2,endLine=2,col=11,"), "{github}");
    let sarif = place.run_in("shop", &["check", "--error-format", "sarif"]).assert_code(1).out;
    let sarif: serde_json::Value = serde_json::from_str(&sarif).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "E0025");
    let human = place.run_in("shop/metrics", &["check"]).assert_code(1).err;
    assert!(human.contains("[../metricc.yaml:2:11]"), "{human}");
}

#[test]
fn colours_follow_the_option_and_the_environment() {
    let place = Place::with_shop();
    place.write("shop/metricc.yaml", "name: shop\n");
    let run = |args: &[&str], no_color: bool| {
        let mut command = program();
        command.args(args).current_dir(place.path("shop"));
        if no_color {
            command.env("NO_COLOR", "1");
        }
        Run::from(command.output().expect("the program runs")).err.contains('\u{1b}')
    };
    assert!(!run(&["check"], false), "standard error is no terminal");
    assert!(run(&["check", "--color", "always"], false));
    assert!(run(&["check", "--color", "always"], true), "the option beats the environment");
    assert!(!run(&["check", "--color", "never"], false));
}

#[test]
fn check_tells_only_what_lies_in_the_wanted_paths() {
    let place = Place::with_shop();
    place.write("shop/metrics/bad.metric", b"\xff").write("shop/dimensions/bad.metric", b"a\0");
    let all = place.run_in("shop", &["check", "--error-format", "json"]).assert_code(1).out;
    assert_eq!(all.lines().count(), 2, "{all}");
    let some = place.run_in("shop", &["check", "dimensions", "--error-format", "json"]).assert_code(1).out;
    assert!(some.lines().count() == 1 && some.contains("E0004"), "{some}");
    let elsewhere = place.run_in("shop", &["check", "metrics/tables.metric"]).assert_code(0).err;
    assert_eq!(elsewhere, "1 file, nothing is wrong\nelsewhere in the project: 2 errors\n");
    let outside = place.run_in("shop", &["check", ".."]).assert_code(1);
    assert!(outside.err.contains("E0005"), "the folder holds the project: {}", outside.err);
    place.write("file", "");
    assert!(place.run_in("shop", &["check", "../file"]).assert_code(2).err.contains("E0039"));
    assert!(place.run_in("shop", &["check", "nowhere"]).assert_code(2).err.contains("E0039"));
}

#[test]
fn each_kind_of_bad_file_is_told_and_none_stops_the_others() {
    let place = Place::with_shop();
    place
        .write("shop/metrics/binary.metric", b"PK\x03\x04\0")
        .write("shop/metrics/gbk.metric", b"// \xbb\xee\n")
        .write("shop/targets/broken.yaml", "kind: clickhouse\n\tdatabase: x\n");
    let large = fs::File::create(place.path("shop/metrics/large.metric")).expect("made");
    large.set_len(50 << 20).expect("set");
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink("..", place.path("shop/metrics/loop")).expect("linked");
        symlink("/dev/zero", place.path("shop/metrics/zero.metric")).expect("linked");
    }
    let checked = place.run_in("shop", &["check", "--error-format", "plain"]).assert_code(1);
    check_snapshot("bad_files", &checked.err);
}

#[cfg(unix)]
#[test]
fn unreadable_files_and_folders_are_told_and_the_others_read() {
    use std::os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    };
    let place = Place::with_shop();
    let set = |path: &str, mode| fs::set_permissions(place.path(path), fs::Permissions::from_mode(mode)).expect("set");
    fs::create_dir(place.path("shop/metrics/closed")).expect("made");
    place.write("shop/metrics/closed/a.metric", "").write("shop/metrics/binary.metric", b"\0");
    set("", 0o755);
    set("shop/metrics/sales.metric", 0o000);
    set("shop/metrics/closed", 0o000);
    // Root may read everything, so the program runs as somebody else, from where they can run it.
    let copy = place.path("metricc");
    fs::copy(env!("CARGO_BIN_EXE_metricc"), &copy).expect("copied");
    set("metricc", 0o755);
    let mut command = Command::new(&copy);
    command.args(["check", "--error-format", "plain"]).current_dir(place.path("shop"));
    if fs::metadata(place.path("shop")).expect("a folder").uid() == 0 {
        command.uid(65_534).gid(65_534);
    }
    // A program that another test starts meanwhile holds the copy open for an instant, as it was when it was written.
    let mut ran = std::iter::repeat_with(|| command.output());
    let busy =
        |ran: &std::io::Result<_>| matches!(ran, Err(why) if why.kind() == std::io::ErrorKind::ExecutableFileBusy);
    let ran = ran.find(|ran| !busy(ran)).expect("it goes on");
    let checked = Run::from(ran.expect("the program runs"));
    set("shop/metrics/closed", 0o755);
    let checked = checked.assert_code(2);
    check_snapshot("unreadable", &checked.err);
}

#[test]
fn explain_prints_pages_and_suggests() {
    let place = Place::empty();
    let page = place.run(&["explain", "e0006"]).assert_code(0).out;
    assert!(page.starts_with("E0006: symlink loop\n") && page.contains("    metrics/shared -> "), "{page}");
    let list = place.run(&["explain"]).assert_code(0).out;
    assert!(list.lines().count() > 20 && list.contains("E0201   unknown metric"), "{list}");
    let unknown = place.run(&["explain", "E00060"]).assert_code(2).err;
    assert!(unknown.contains("did you mean `E0006`?"), "{unknown}");
}

#[test]
fn explain_tells_what_is_declared() {
    let place = Place::with_shop();
    let told = place.run_in("shop", &["explain", "arppu"]).assert_code(0).out;
    check_snapshot("explain_metric", &told);
    assert!(place.run_in("shop", &["explain", "gmv"]).assert_code(0).out.contains("used by  arppu"));
    let gmv = place.run_in("shop", &["explain", "gmv"]).assert_code(0).out;
    assert!(gmv.contains("looks up  user by user_id, as it is now\n"), "by province: {gmv}");
    assert!(gmv.ends_with("\nclickhouse 1d  computed when read\n"), "{gmv}");
    assert!(place.run_in("shop", &["explain", "paid_order"]).assert_code(0).out.contains("dated paid_at"));
    assert!(place.run_in("shop", &["explain", "gmv@v1"]).assert_code(0).out.contains("unit     CNY"));
    assert!(place.run_in("shop", &["explain", "gmv v2"]).assert_code(2).err.contains("E0039"));
    assert!(place.run_in("shop", &["explain", "gmw"]).assert_code(2).err.contains("did you mean `gmv`?"));
    assert!(place.run(&["explain", "gmv"]).assert_code(2).err.contains("E0001"));
}

#[test]
fn explain_tells_which_rollups_there_are_and_why() {
    let place = Place::with_shop();
    let metrics = "metric paid_by = sum(pay_amount from paid_order) { grain: 1d; by: client; serve: daily }
metric paid_stream = sum(pay_amount from paid_order) { grain: 1h, 1d; serve: stream(1h) }
metric recent = paid_stream over 90m { grain: 1h; serve: stream(1h) }
";
    place.write("shop/metrics/more.metric", metrics);
    let told = place.run_in("shop", &["explain", "rollups"]).assert_code(0).out;
    check_snapshot("explain_rollups", &told);
    let json = place.run_in("shop", &["explain", "rollups", "--format", "json"]).assert_code(0).out;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["clickhouse"]["rollups"][0]["serves"], serde_json::json!(["paid_by 1d"]), "{json:#}");
    let one = place.run_in("shop", &["explain", "paid_by"]).assert_code(0).out;
    assert!(one.contains("clickhouse 1d  from metrics.order__1d__"), "{one}");
    let wrong = place.run_in("shop", &["explain", "paid_by", "--format", "json"]).assert_code(2).err;
    assert!(wrong.contains("E0039"), "{wrong}");
}

#[test]
fn query_reads_the_cheapest_rollup_and_says_why_no_other() {
    let place = Place::with_shop();
    let metrics = "metric paid_by = sum(pay_amount from paid_order) { grain: 1d; by: client, province; serve: daily }
metric paid_all = sum(pay_amount from paid_order) { grain: 1h, 1d; serve: stream(1h), daily }
";
    place.write("shop/metrics/more.metric", metrics);
    let run = |args: &[&str]| place.run_in("shop", &[&["query"], args].concat()).assert_code(0);
    // By client only the rollup that has it.
    let by = run(&["paid_by", "--by", "client", "--why"]);
    assert!(by.err.starts_with("reads metrics.order__1d__"), "{}", by.err);
    assert!(by.err.contains(": the metrics are not all served in this way\n"), "{}", by.err);
    assert!(by.out.contains("metrics.order__1d__") && !by.out.contains("dwd."), "{}", by.out);
    // Days that no batch has built yet come from the stream.
    let all = run(&["paid_all"]);
    let reads = all.err.trim_end().strip_prefix("reads ").expect("what is read").to_owned();
    let names: Vec<&str> = reads.split(", ").collect();
    assert!(names[0].starts_with("metrics.order__1d__") && names[1].starts_with("metrics.order__1h__"), "{reads}");
    assert_eq!(all.err.lines().count(), 1);
    // No rollup has half hours, and the one of the stream has no clients.
    let halves = run(&["paid_all", "--step", "30m", "--why"]);
    assert!(halves.err.starts_with("reads the sources\n"), "{}", halves.err);
    assert!(halves.err.contains(": buckets or intervals of the question cut its buckets\n"), "{}", halves.err);
    let by = run(&["paid_all", "--by", "client", "--why"]);
    assert!(by.err.contains(": it does not tell `client` apart\n"), "{}", by.err);
    // Served live, and whatever is served if that is asked for: the SELECT needs nothing that was built.
    for args in [&["gmv", "--why"][..], &["paid_all", "--live"]] {
        let live = run(args);
        assert!(!live.out.contains("metrics."), "{}", live.out);
    }
    let json = run(&["paid_by", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert!(json.err.is_empty() && told["sql"].as_str().is_some_and(|sql| sql.starts_with("SELECT")), "{told:#}");
    assert_eq!(told["passed_over"].as_array().map(Vec::len), Some(1), "{told:#}");
    which_options_a_rollup_can_answer(&run);
    let wrong = place.run_in("shop", &["query", "gmv", "--target", "clickhose"]).assert_code(2).err;
    assert!(wrong.contains("did you mean `clickhouse`?"), "{wrong}");
}

/// The best groups are ranked by what they are read from. What needs rows is read from these, and why is told.
fn which_options_a_rollup_can_answer(run: &dyn Fn(&[&str]) -> support::cli::Run) {
    let best = run(&["paid_by", "--by", "client", "--top", "1 by paid_by", "--having", "paid_by > 3", "--why"]);
    assert!(best.err.starts_with("reads metrics.order__1d__"), "{}", best.err);
    assert!(best.out.matches("metrics.order__1d__").count() >= 2 && !best.out.contains("shop."), "{}", best.out);
    let noon = "2026-11-01 12:00:00";
    for (args, why) in [
        (
            &["paid_by", "--by", "client", "--top", "1 by paid_by other"][..],
            "is not served daily: CH5: its rows look into the answer of another question\n",
        ),
        (
            &["paid_by", "--from", "2026-11-01 12:00:30", "--cut"],
            ": buckets or intervals of the question cut its buckets\n",
        ),
        (
            &["paid_by", "--marks"],
            "is not served daily: its marks ask for the first row of the source, and a rollup knows buckets alone\n",
        ),
    ] {
        let told = run(&[args, &["--why"]].concat());
        assert!(told.err.starts_with("reads the sources\n") && told.err.contains(why), "{args:?}: {}", told.err);
        assert!(told.out.contains("shop.") && !told.out.contains("metrics."), "{args:?}: {}", told.out);
    }
    // Noon lies between two hours.
    let hours = run(&["paid_all", "--from", noon, "--cut"]);
    assert!(hours.err.starts_with("reads metrics.order__1h__"), "{}", hours.err);
    assert!(hours.out.contains("AS partial") && !hours.out.contains("shop."), "{}", hours.out);
}

#[test]
fn debug_shows_each_stage_and_tells_what_is_wrong_with_a_question() {
    let place = Place::with_shop();
    let ast = place.run_in("shop", &["debug", "ast", "gmv"]).assert_code(0).out;
    assert!(ast.starts_with("Declaration {"), "{ast}");
    let model = place.run_in("shop", &["debug", "model", "order"]).assert_code(0).out;
    assert!(model.starts_with("Table {"), "{model}");
    let plan = place.run_in("shop", &["debug", "plan", "gmv", "--by", "client"]).assert_code(0).out;
    assert!(plan.starts_with("Query {"), "{plan}");
    let asked = ["debug", "plan", "gmw", "--where", "client = \"io\"", "--error-format", "plain"];
    let wrong = place.run_in("shop/metrics", &asked).assert_code(1).err;
    assert!(wrong.contains("metricc: error[E0201]") && wrong.contains("\n--where:1:"), "{wrong}");
    place.write("shop/metrics/more.metric", "metric a = b\n");
    let broken = place.run_in("shop", &["debug", "ast", "gmv", "--error-format", "plain"]).assert_code(1).err;
    assert!(broken.starts_with("metrics/more.metric:1:12: error[E0201]"), "{broken}");
}

#[test]
fn wrong_usage_exits_with_2_and_help_with_0() {
    let place = Place::empty();
    for args in
        [&["chekc"][..], &["check", "--error-format", "xml"], &["check", "--nothing"], &[], &["explain", "a", "b"]]
    {
        let run = place.run(args).assert_code(2);
        assert!(run.out.is_empty() && !run.err.is_empty(), "{args:?}");
    }
    assert!(place.run(&["--version"]).assert_code(0).out.starts_with("metricc "));
}

#[test]
fn output_that_nobody_reads_is_no_error() {
    let mut child = program().arg("explain").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    drop(child.stdout.take());
    let ended = Run::from(child.wait_with_output().expect("ends"));
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));

    // What is wrong decides, read or not.
    let place = Place::with_shop();
    place.write("shop/metrics/bad.metric", "metric a = b\n");
    let mut command = program();
    command.args(["check", "--error-format", "json"]).current_dir(place.path("shop"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    drop(child.stdout.take());
    let ended = Run::from(child.wait_with_output().expect("ends"));
    assert_eq!((ended.code, ended.err.as_str()), (1, ""));
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_can_not_be_written_is_told() {
    let full = fs::File::options().write(true).open("/dev/full").expect("a full device");
    let run = Run::from(program().arg("explain").stdout(full).output().expect("runs"));
    assert_eq!(run.code, 2);
    assert!(run.err.contains("E0038") && run.err.contains("no space left"), "{}", run.err);
}

#[test]
fn help_of_every_verb_is_as_documented() {
    let place = Place::empty();
    // Without the dry run there are fewer verbs, and fewer of an experiment.
    let whole = cfg!(feature = "dry-run");
    if whole {
        check_snapshot("help", &place.run(&["--help"]).assert_code(0).out);
    }
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md")).expect("docs/cli.md");
    for verb in verbs() {
        let help = place.run(&[&verb, "-h"]).assert_code(0).out;
        let own = help.split("\nGlobal options:").next().unwrap_or(&help);
        if whole || verb != "experiment" {
            check_snapshot(&format!("help_{verb}"), own);
        }
        assert!(guide.contains(&format!("### `metricc {verb}")), "docs/cli.md has no part on `{verb}`");
        let options = own.split_whitespace().filter(|word| word.starts_with("--") && *word != "--help");
        for option in options.map(|word| word.trim_end_matches([',', '.', ')'])) {
            assert!(guide.contains(&format!("`{option}")), "docs/cli.md does not tell `{option}` of `{verb}`");
        }
    }
}

#[test]
fn completions_and_manual_pages_know_every_verb() {
    let place = Place::empty();
    place.run(&["man", "--out", "man"]).assert_code(0);
    assert!(place.run(&["man"]).assert_code(0).out.contains(".TH metricc"));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = place.run(&["completions", shell]).assert_code(0).out;
        for verb in verbs() {
            assert!(script.contains(&verb), "{shell} does not know {verb}");
            assert!(place.path(&format!("man/metricc-{verb}.1")).is_file(), "no manual page of {verb}");
        }
    }
    place.write("file", "");
    assert!(place.run(&["man", "--out", "file"]).assert_code(2).err.contains("E0038"));
}
