//! The formatter over everything that is written in the language here, and over texts made to break it.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use metricc::{
    diagnostic::FileId,
    format::format,
    syntax::{ast, parse},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder whose names end with `.EXTENSION`.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = walkdir::WalkDir::new(root().join(folder))
        .into_iter()
        .filter_map(Result::ok)
        .map(walkdir::DirEntry::into_path)
        .filter(|path| path.extension().is_some_and(|end| end == extension))
        .collect();
    found.sort();
    found
}

/// The blocks of `metric` in a Markdown text.
fn blocks(page: &str) -> impl Iterator<Item = &str> {
    page.split("```metric\n").skip(1).filter_map(|rest| rest.split("\n```").next())
}

/// Every text in the language that the repository holds and that has no syntax error, with its place.
fn corpus() -> Vec<(String, String)> {
    let name = |path: &Path| path.strip_prefix(root()).unwrap_or(path).display().to_string();
    let read = |path: &Path| fs::read_to_string(path).expect("readable");
    let mut texts = Vec::new();
    for folder in ["metrics", "dimensions", "src", "tests"] {
        texts.extend(files(folder, "metric").iter().map(|path| (name(path), read(path))));
    }
    for folder in ["src", "tests", "docs"] {
        for path in files(folder, "md") {
            let page = read(&path);
            texts.extend(blocks(&page).enumerate().map(|(i, text)| (format!("{} {i}", name(&path)), text.to_owned())));
        }
    }
    texts.retain(|(_, text)| tree(text).is_some());
    texts
}

fn tree(text: &str) -> Option<ast::File> {
    let (file, found) = parse(FileId(0), text);
    (!found.has_errors()).then_some(file)
}

/// The comments of a text in order: everything behind `//` that is not in a string or a cell. Independent of the lexer.
fn comments(text: &str) -> Vec<String> {
    let comment = |line: &str| {
        let mut quoted = false;
        let mut chars = line.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => drop(chars.next()),
                '"' => quoted = !quoted,
                '/' if !quoted && line[at..].starts_with("//") => {
                    return Some(line[at..].replace(' ', "").trim().to_owned());
                }
                _ => {}
            }
        }
        None
    };
    text.lines().filter_map(comment).collect()
}

/// Formats a text and asserts all that holds for every text.
fn formatted(name: &str, text: &str) -> String {
    let once = format(text).unwrap_or_else(|found| panic!("{name}: {found:?}\n{text:.2000}"));
    assert_eq!(format(&once).as_deref(), Ok(once.as_str()), "{name} is not stable");
    assert_eq!(tree(&once), tree(text), "{name} says something else");
    assert_eq!(comments(&once), comments(text), "{name} has other comments");
    assert!(once.is_empty() || once.ends_with('\n') && !once.ends_with("\n\n"), "{name} ends oddly");
    assert!(!once.contains("\n\n\n"), "{name} has two blank lines");
    assert!(!once.lines().any(|line| line.ends_with(' ')), "{name} has blanks at the end of a line");
    once
}

#[test]
fn everything_in_the_repository_keeps_its_meaning_and_its_comments() {
    let texts = corpus();
    assert!(texts.len() > 150, "only {} texts", texts.len());
    for (name, text) in texts {
        formatted(&name, &text);
    }
}

#[test]
fn the_layout_is_as_reviewed() {
    let text = fs::read_to_string(root().join("tests/format/tricky.metric")).expect("readable");
    insta::with_settings!({ snapshot_path => "../snapshots/format", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("tricky", formatted("tricky", &text));
    });
}

#[test]
fn line_ends_and_a_byte_order_mark_make_no_difference() {
    for (name, text) in corpus() {
        let unix = text.replace("\r\n", "\n");
        let windows = format!("\u{feff}{}", unix.trim_start_matches('\u{feff}').replace('\n', "\r\n"));
        let formatted = formatted(&name, &windows);
        assert!(!formatted.contains(['\r', '\u{feff}']), "{name}");
        assert_eq!(formatted, format(&unix).expect("well-formed"), "{name}");
    }
}

#[test]
fn short_bodies_stay_on_one_line_and_long_ones_open() {
    let short = "metric m = a / b { unit: ratio; better: up }\n";
    assert_eq!(formatted("short", short), short);
    let items: Vec<String> = (0..9).map(|i| format!("item_{i}: \"a value\"")).collect();
    let long = format!("metric m = a / b {{ {} }}", items.join("; "));
    let open = format!("metric m = a / b {{\n  {}\n}}\n", items.join("\n  "));
    assert_eq!(formatted("long", &long), open);
    let grouped = "metric m = a {\n  title: \"m\"; tier: kpi\n  owner: \"o\"\n}\n";
    assert_eq!(formatted("grouped", grouped), grouped);
}

#[test]
fn short_declarations_may_stand_close_together() {
    let close = "metric a = b\nmetric c = d\n\nmetric e = f\n";
    assert_eq!(formatted("close", close), close);
    let described = "metric a = b\n/// About c.\nmetric c = d {\n  unit: CNY\n}\nmetric e = f\n\n\n\nmetric g = h\n";
    let apart = "metric a = b\n\n/// About c.\nmetric c = d {\n  unit: CNY\n}\n\nmetric e = f\n\nmetric g = h\n";
    assert_eq!(formatted("described", described), apart);
}

#[test]
fn a_text_with_errors_gives_them_and_nothing_else() {
    let found = format("metric a = \nmetric b = c +\n").expect_err("errors");
    assert!(found.has_errors());
    assert!(format("").is_ok_and(|text| text.is_empty()));
    assert_eq!(format("\n\n// only a comment").as_deref(), Ok("// only a comment\n"));
}

#[test]
fn depth_and_length_are_no_trouble() {
    let deep = format!("metric m = {}a{}", "(".repeat(98), ")".repeat(98));
    formatted("deep", &deep);
    let sum = vec!["a_metric_with_a_name"; 400].join(" + ");
    formatted("sum", &format!("metric m = {sum}"));
    let list = vec!["\"渠道\""; 20_000].join(",");
    formatted("list", &format!("subset s = t where c in ({list})"));
    let minus = format!("metric m = a {}b", "- ".repeat(200));
    if tree(&minus).is_some() {
        formatted("minus", &minus);
    }
}

/// Runs `metricc fmt` in a folder: exit code, standard output, standard error.
fn run(folder: &Path, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_metricc"))
        .arg("fmt")
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = program.stdin.take().expect("a pipe");
    // A program that stops early does not read all of it.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = program.wait_with_output().expect("the program ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

/// A project with one file that is laid out well, one that is not, and one that is broken.
fn project() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(dir.path().join("metrics")).expect("made");
    for (path, text) in [
        ("metricc.yaml", "name: shop\ntimezone: UTC\n"),
        ("metrics/good.metric", "metric a = b\n"),
        ("metrics/wide.metric", "\u{feff}metric   c=d\r\n"),
        ("metrics/broken.metric", "metric   e=\n"),
    ] {
        fs::write(dir.path().join(path), text).expect("written");
    }
    dir
}

fn text_of(dir: &tempfile::TempDir, path: &str) -> String {
    fs::read_to_string(dir.path().join(path)).expect("readable")
}

#[test]
fn checking_shows_what_would_change_and_changes_nothing() {
    let dir = project();
    let (code, out, err) = run(dir.path(), &["--check"], "");
    assert_eq!(code, 1, "{err}");
    assert!(out.starts_with("--- metrics/wide.metric\n+++ metrics/wide.metric\n@@ -1 +1 @@\n"), "{out}");
    assert!(out.contains("+metric c = d\n") && !out.contains("good"), "{out}");
    assert!(err.contains("1 file needs formatting, 1 laid out well"), "{err}");
    assert_eq!(text_of(&dir, "metrics/wide.metric"), "\u{feff}metric   c=d\r\n");
}

#[test]
fn files_are_rewritten_and_broken_ones_left_alone() {
    let dir = project();
    let (code, out, err) = run(dir.path(), &[], "");
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(err.contains("metrics/broken.metric:1"), "{err}");
    assert!(err.contains("formatted metrics/wide.metric"), "{err}");
    assert_eq!(text_of(&dir, "metrics/wide.metric"), "metric c = d\n");
    assert_eq!(text_of(&dir, "metrics/broken.metric"), "metric   e=\n");
    fs::remove_file(dir.path().join("metrics/broken.metric")).expect("removed");
    let (code, out, err) = run(dir.path(), &["--check"], "");
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
}

#[test]
fn only_the_named_paths_are_formatted_with_or_without_a_project() {
    let dir = project();
    fs::remove_file(dir.path().join("metricc.yaml")).expect("removed");
    let (code, _, err) = run(dir.path(), &["metrics/good.metric", "--quiet"], "");
    assert_eq!((code, err.as_str()), (0, ""));
    let (code, _, err) = run(&dir.path().join("metrics"), &["../metrics"], "");
    assert_eq!(code, 1, "{err}");
    assert_eq!(text_of(&dir, "metrics/wide.metric"), "metric c = d\n");
    let (code, _, err) = run(dir.path(), &["nowhere"], "");
    assert!(code == 2 && err.contains("`nowhere` can't be read"), "{err}");
    fs::write(dir.path().join("latin.metric"), b"// caf\xe9\n").expect("written");
    let (code, _, err) = run(dir.path(), &["latin.metric"], "");
    assert!(code == 1 && err.contains("E0005"), "{code} {err}");
}

#[test]
fn standard_input_goes_to_standard_output() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (code, out, err) = run(dir.path(), &["-"], "metric   a=b");
    assert_eq!((code, out.as_str(), err.as_str()), (0, "metric a = b\n", ""));
    let (code, out, err) = run(dir.path(), &["-"], "metric   a=");
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(err.contains("standard input:1"), "{err}");
    let (code, out, _) = run(dir.path(), &["-", "--check"], "metric   a=b");
    assert!(code == 1 && out.contains("+metric a = b"), "{out}");
    let (code, ..) = run(dir.path(), &["-", "a.metric"], "");
    assert_eq!(code, 2);
}

#[test]
fn this_repository_is_laid_out_well() {
    let (code, out, err) = run(root(), &["--check"], "");
    assert_eq!(code, 0, "{out}{err}");
}

#[cfg(feature = "dry-run")]
#[test]
fn updated_expectations_are_laid_out_well() {
    let dir = project();
    fs::remove_file(dir.path().join("metrics/broken.metric")).expect("removed");
    let text = "source click {\n  table: \"click\"\n  time: at_time\n  column at_time: timestamp\n  column page: string\n}\n\n\
        dimension page = click.page\nmetric clicks = count(click)\n\n\
        test \"by page\" of clicks {\n  given click {\n    | at_time | page |\n    | 2026-11-01 | a long name |\n  }\n  \
        expect {\n    | page | clicks |\n    | a | 7 |\n  }\n}\n";
    fs::write(dir.path().join("metrics/good.metric"), text).expect("written");
    fs::remove_file(dir.path().join("metrics/wide.metric")).expect("removed");
    let updated =
        Command::new(env!("CARGO_BIN_EXE_metricc")).args(["test", "--update"]).current_dir(dir.path()).output();
    let updated = updated.expect("the program runs");
    assert!(updated.status.success(), "{}", String::from_utf8_lossy(&updated.stderr));
    let text = text_of(&dir, "metrics/good.metric");
    assert!(text.contains("    | page        | clicks |\n    | a long name | 1      |\n"), "{text}");
    assert_eq!(formatted("updated", &text), text);
}
