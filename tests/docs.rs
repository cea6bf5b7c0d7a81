//! The documentation tells the truth: its examples compile, its outputs are what the commands print, and its generated
//! pages are up to date.
//!
//! Fences of `docs/language.md`, in the order of the page:
//!
//! - ```` ```metric declare ````: stays declared for the rest of the page; no errors.
//! - ```` ```metric ````: compiled together with what is declared so far; no errors. Each metric is lowered to every
//!   dialect, each test is run.
//! - ```` ```metric later ````: is read without an error of its form, and refused with E0801 and nothing else.
//! - ```` ```metric error E0510 ````: gives this code and no other error or warning.
//!
//! Fences of `README.md`, in a copy of this repository's library:
//!
//! - ```` ```metric ````: an excerpt; each line stands in the library.
//! - ```` ```metric metrics/draft.metric ````: written to that file.
//! - ```` ```console ````: each line `$ metricc …` (or `$ cargo run -- …`) is run, and prints what follows it. A line `…` stands
//!   for any lines, the copy's own path is left out, and after a build only the words count, not the numbers.
//!
//! `METRICC_UPDATE=1 cargo test --test docs` writes `docs/errors/` anew.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use metricc::compile::{Compiled, compile};
use metricc::diagnostic::{Code, Diagnostics, Severity, codes};
use metricc::plan::{Lowering, Question};
use metricc::project::{MemoryFiles, load};
use metricc::sql;
use metricc::types::MetricId;

/// The project that examples stand in, with the receivers that they name.
const CONFIG: &str = "\
name: page
timezone: Asia/Shanghai
units: [CNY, quota]
receivers:
  kpi: { email: [kpi@example.com] }
  ops: { dingtalk: { token_env: OPS_TOKEN } }
mail: { host: smtp.example.com, from: metrics@example.com }
";

/// A fenced block: the words behind its three back quotes, its first line's number, its text.
struct Fence {
    info: String,
    line: usize,
    text: String,
}

/// All fences of a page.
fn fences(page: &str) -> Vec<Fence> {
    let mut found = Vec::new();
    let mut open: Option<Fence> = None;
    for (place, line) in page.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some("")) => found.extend(open.take()),
            (Some(fence), _) => {
                fence.text.push_str(line);
                fence.text.push('\n');
            }
            (None, Some(info)) => open = Some(Fence { info: info.to_owned(), line: place + 2, text: String::new() }),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    found
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What the compiler makes of some declarations and an example.
fn compiled(declared: &str, example: &str) -> (Option<Compiled>, Diagnostics) {
    let files = MemoryFiles::new()
        .with("metricc.yaml", CONFIG)
        .with("metrics/declared.metric", declared)
        .with("metrics/example.metric", example);
    let (project, mut found) = load(&files);
    let compiled = project.map(|project| {
        let (compiled, others) = compile(&project);
        found.extend(others);
        compiled
    });
    (compiled, found)
}

/// What counts of the findings: errors, and warnings where `warnings` is set; never lints.
fn told(found: &Diagnostics, warnings: bool) -> Vec<(Code, String)> {
    let counts = |severity: Severity| severity == Severity::Error || (warnings && severity == Severity::Warning);
    found.iter().filter(|one| counts(one.code.severity())).map(|one| (one.code, one.message.clone())).collect()
}

/// Why a metric of the model can't be asked for in some dialect.
fn lowered(compiled: &Compiled) -> Vec<String> {
    let lowering = Lowering::new(&compiled.model);
    let mut failures = Vec::new();
    for (place, metric) in compiled.model.metrics.iter().enumerate() {
        // By its own dimensions: what compares groups is asked for by them.
        let by = metric.by.iter().copied().filter(|by| by.dimension().is_some()).collect();
        match lowering.lower(&Question { by, ..Question::of(vec![MetricId(place)]) }) {
            Err(found) => failures.push(format!("`{}`: {:?}", metric.name.value, told(&found, false))),
            Ok(query) => {
                for dialect in [&sql::ClickHouse as &dyn sql::Dialect, &sql::DATAFUSION] {
                    if let Err(limits) = sql::select(&query, dialect, &sql::Options::default()) {
                        failures.push(format!("`{}` in {}: {limits:?}", metric.name.value, dialect.name()));
                    }
                }
            }
        }
    }
    failures
}

/// Which tests of the example do not pass.
#[cfg(feature = "dry-run")]
fn tested(compiled: &Compiled) -> Vec<String> {
    use metricc::dry_run::{DryRun, Options};
    use metricc::testing::{Verdict, run};

    let lowering = Lowering::new(&compiled.model);
    let mut dry_run = DryRun::new(Options::new(compiled.model.zone)).expect("a dry run");
    (compiled.model.tests.iter())
        .filter_map(|test| match run(&lowering, &mut dry_run, test) {
            Verdict::Passed => None,
            other => Some(format!("test \"{}\": {other:?}", test.title.value)),
        })
        .collect()
}

#[cfg(not(feature = "dry-run"))]
fn tested(_: &Compiled) -> Vec<String> {
    Vec::new()
}

#[test]
fn every_example_of_the_language_page_compiles() {
    let page = read("docs/language.md");
    let (mut declared, mut failures, mut tried) = (String::new(), Vec::new(), 0);
    for fence in fences(&page) {
        let Some(info) = fence.info.strip_prefix("metric") else { continue };
        tried += 1;
        let (compiled, found) = compiled(&declared, &fence.text);
        let at = format!("docs/language.md:{}", fence.line);
        match info.trim().split_once(' ').unwrap_or((info.trim(), "")) {
            ("declare" | "", "") => {
                let mut wrong: Vec<String> = told(&found, true).iter().map(|one| format!("{one:?}")).collect();
                if let Some(compiled) = compiled.filter(|_| wrong.is_empty()) {
                    wrong.extend(lowered(&compiled));
                    wrong.extend(tested(&compiled));
                }
                failures.extend(wrong.into_iter().map(|one| format!("{at}: {one}")));
                if info.trim() == "declare" {
                    declared.push_str(&fence.text);
                    declared.push('\n');
                }
            }
            ("later", "") => {
                let told = told(&found, false);
                if told.is_empty() || told.iter().any(|(code, _)| *code != codes::E0801) {
                    failures.push(format!("{at}: E0801 is wanted, but there is {told:?}"));
                }
            }
            ("error", wanted) => {
                let told = told(&found, true);
                if told.is_empty() || told.iter().any(|(code, _)| code.0 != wanted) {
                    failures.push(format!("{at}: {wanted} is wanted, but there is {told:?}"));
                }
            }
            _ => failures.push(format!("{at}: what is a fence `{}`?", fence.info)),
        }
    }
    assert!(failures.is_empty(), "{} of {tried} examples:\n{}", failures.len(), failures.join("\n"));
    assert!(tried >= 40, "only {tried} examples");
}

/// The page of a code as a file, and the index of all.
fn error_pages() -> Vec<(String, String)> {
    let note =
        "<!-- Generated from src/diagnostic/codes; `METRICC_UPDATE=1 cargo test --test docs` writes it anew. -->\n\n";
    let mut pages = Vec::new();
    let mut index = format!("{note}# Diagnostics\n\n");
    index.push_str(
        "Every diagnostic has a code that never changes its meaning; `metricc explain CODE` prints its page.\n",
    );
    index.push_str("Errors (`E`) make the exit code 1; warnings (`W`) and lints (`L`) only do so with `--deny`.\n");
    let mut area = "";
    for (code, page) in codes::PAGES {
        pages.push((format!("{code}.md"), format!("{note}{page}")));
        let head = AREAS.iter().find(|(digits, _)| code.0[1..].starts_with(digits)).map_or("Others", |(_, head)| head);
        let kind = match code.severity() {
            Severity::Error => head,
            Severity::Warning => "Warnings",
            Severity::Lint => "Lints",
        };
        if kind != area {
            write!(index, "\n## {kind}\n\n| code | title |\n|---|---|\n").expect("write to a string");
            area = kind;
        }
        let title = page.lines().next().and_then(|line| line.split_once(": ")).map_or("", |(_, title)| title);
        writeln!(index, "| [{code}]({code}.md) | {title} |").expect("write to a string");
    }
    pages.push(("README.md".to_owned(), index));
    pages
}

/// What the first two digits of an error's code say.
const AREAS: &[(&str, &str)] = &[
    ("00", "Project and files"),
    ("01", "Syntax"),
    ("02", "Names"),
    ("03", "Expressions"),
    ("04", "Units"),
    ("05", "Sources, row sets and dimensions"),
    ("06", "Metrics"),
    ("07", "Sensitivity"),
    ("08", "Targets"),
    ("09", "Samples, questions and tests"),
];

#[test]
fn the_pages_of_all_codes_are_up_to_date() {
    let folder = root().join("docs/errors");
    let pages = error_pages();
    let update = std::env::var_os("METRICC_UPDATE").is_some();
    let mut outdated = Vec::new();
    for (name, text) in &pages {
        let path = folder.join(name);
        if fs::read_to_string(&path).is_ok_and(|found| found == *text) {
            continue;
        }
        if update {
            fs::create_dir_all(&folder).expect("make docs/errors");
            fs::write(&path, text).expect("write a page");
        } else {
            outdated.push(name.clone());
        }
    }
    for entry in fs::read_dir(&folder).expect("read docs/errors") {
        let entry = entry.expect("read docs/errors");
        let name = entry.file_name().to_string_lossy().into_owned();
        if !pages.iter().any(|(known, _)| *known == name) {
            if update {
                fs::remove_file(entry.path()).expect("remove a page");
            } else {
                outdated.push(format!("{name} (no such code)"));
            }
        }
    }
    assert!(outdated.is_empty(), "run `METRICC_UPDATE=1 cargo test --test docs`; outdated are {outdated:?}");
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("make a folder");
        for entry in fs::read_dir(from).expect("read a folder") {
            let entry = entry.expect("read a folder");
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else if from.exists() {
        fs::copy(from, to).expect("copy a file");
    }
}

/// Splits a command line at blanks outside of quotes.
fn words(line: &str) -> Vec<String> {
    let (mut all, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => all.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    all.extend(word);
    all
}

/// Whether `text` is `pattern`, in which a line `…` stands for any lines.
fn matches(pattern: &[&str], text: &[&str]) -> bool {
    match (pattern.first(), text.first()) {
        (None, None) => true,
        (Some(&"…"), _) => (0..=text.len()).any(|skipped| matches(&pattern[1..], &text[skipped..])),
        (Some(a), Some(b)) => a.trim_end() == b.trim_end() && matches(&pattern[1..], &text[1..]),
        _ => false,
    }
}

/// The digits of a text as `0`, since a build's numbers change with every metric.
fn without_numbers(text: &str) -> String {
    let mut short = String::new();
    for c in text.chars() {
        match c {
            c if c.is_ascii_digit() && short.ends_with('0') => {}
            c if c.is_ascii_digit() => short.push('0'),
            c => short.push(c),
        }
    }
    short
}

/// Runs one command of a `console` fence; what it prints instead of `shown`, where that is something else.
fn run(command: &str, shown: &str, folder: &Path) -> Option<String> {
    let arguments = command.strip_prefix("metricc ").or_else(|| command.strip_prefix("cargo run -- "));
    let arguments = words(arguments.unwrap_or_else(|| panic!("`{command}` does not run metricc")));
    if cfg!(not(feature = "dry-run")) && matches!(arguments[0].as_str(), "alert" | "dry-run" | "test") {
        return None;
    }
    let mut program = Command::new(env!("CARGO_BIN_EXE_metricc"));
    let output = program.args(&arguments).current_dir(folder).output().expect("run metricc");
    let text = String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8");
    let path = format!("{}/", folder.canonicalize().expect("the folder").display());
    let (mut shown, mut text) = (shown.trim().to_owned(), text.replace(&path, "").trim().to_owned());
    if arguments[0] == "build" {
        (shown, text) = (without_numbers(&shown), without_numbers(&text));
    }
    let same = matches(&shown.lines().collect::<Vec<_>>(), &text.lines().collect::<Vec<_>>());
    (!same).then_some(text)
}

#[test]
fn the_readme_shows_what_the_commands_print() {
    let folder = tempfile::tempdir().expect("a folder");
    for part in ["metricc.yaml", "metrics", "dimensions", "targets"] {
        copy(&root().join(part), &folder.path().join(part));
    }
    let (mut failures, mut ran) = (Vec::new(), 0);
    for fence in fences(&read("README.md")) {
        if let Some(file) = fence.info.strip_prefix("metric ") {
            fs::write(folder.path().join(file), &fence.text).expect("write an example");
        }
        if fence.info != "console" {
            continue;
        }
        for block in format!("\n{}", fence.text).split("\n$ ").skip(1) {
            let (command, shown) = block.split_once('\n').unwrap_or((block, ""));
            ran += 1;
            if let Some(text) = run(command, shown, folder.path()) {
                failures.push(format!("README.md:{}: `{command}` prints\n{text}\n", fence.line));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(ran >= 5, "only {ran} commands");
}

#[test]
fn excerpts_of_the_library_stand_in_it() {
    let mut library = String::new();
    let mut open = vec![root().join("metrics"), root().join("dimensions")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).expect("read a folder").map(|entry| entry.expect("read a folder").path()));
        } else if path.extension().is_some_and(|ending| ending == "metric") {
            library += &fs::read_to_string(&path).expect("read a definition");
        }
    }
    let mut tried = 0;
    for fence in fences(&read("README.md")).iter().filter(|fence| fence.info == "metric") {
        for line in fence.text.lines().filter(|line| !matches!(line.trim(), "" | "…")) {
            tried += 1;
            assert!(library.lines().any(|known| known == line), "README.md:{}: no such line: {line}", fence.line);
        }
    }
    assert!(tried > 0, "no excerpt");
}
