//! What the compiler of Rust does not check: the order of the stages, the size of files, and that documents hang together.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The stages in order: a folder or file of `src` uses only those in lines above its own, or on it.
///
/// `stack`, `secret`, `suggest`, `value`, `diagnostic` and `project` are below all. Modules on one line know each other; why is told in
/// `docs/architecture.md`.
const ORDER: &[&[&str]] = &[
    &["stack", "secret", "power", "suggest", "template", "exposition"],
    &["value"],
    &["diagnostic", "project"],
    &["syntax"],
    &["resolve", "types"],
    &["compile"],
    &["lineage"],
    &["caliber"],
    &["catalog"],
    &["plan"],
    &["rollup"],
    &["sql"],
    &["alerting"],
    &["emit"],
    &["site"],
    &["table"],
    &["exporter"],
    &["quality"],
    &["dry_run"],
    &["ask"],
    &["testing"],
    &["change"],
    &["clickhouse"],
    &["http"],
    &["delivery"],
    &["report"],
    &["backtest"],
    &["sample"],
    &["format"],
    &["cli"],
    &["main", "lib"],
];

/// Files of more than `LONG` lines that are about one thing nevertheless, with the reason.
const LONG_FILES: &[(&str, &str)] = &[("src/syntax/ast.rs", "the syntax tree is one type, read from top to bottom")];

const LONG: usize = 600;

/// What no file of `src` contains. Written in two parts, so that this file does not contain it.
const FORBIDDEN: &[(&str, &str)] = &[("todo", "!("), ("unimplemented", "!("), ("#[ig", "nore"), ("un", "safe ")];

/// The C boundary of the tests, which calls what the compiler cannot check.
const C_BOUNDARY: &[&str] = &["tests/support/clickhouse/", "tests/support/generate/chdb.rs"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder of the repository but what Cargo builds, with their paths from its top, sorted.
fn files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                if !path.ends_with("target") {
                    open.push(path);
                }
            } else {
                let path = path.strip_prefix(root()).expect("a path in the repository").to_string_lossy().into_owned();
                found.push(path.replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

fn sources(folders: &[&str]) -> Vec<String> {
    folders.iter().flat_map(|folder| files(folder)).filter(|path| path.ends_with(".rs")).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The code of a file without comments, and without the unit tests at its end: these may look anywhere.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs")
        || path.ends_with("_test.rs")
        || path.ends_with("/testing.rs")
        || path.contains("/tests/")
}

/// The module of `src` that a file belongs to.
fn module(path: &str) -> &str {
    let inner = path.strip_prefix("src/").unwrap_or(path);
    inner.split('/').next().unwrap_or(inner).trim_end_matches(".rs")
}

fn name_at(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// The first names of the parts of `{a::b, c::{d, e}}`.
fn group(text: &str) -> Vec<&str> {
    let (mut depth, mut names, mut start) = (0, Vec::new(), true);
    for (place, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            ',' if depth == 1 => start = true,
            c if depth == 1 && start && !c.is_whitespace() => {
                names.push(name_at(&text[place..]));
                start = false;
            }
            _ => {}
        }
    }
    names
}

/// The modules that a file names behind `crate::`, and behind as many `super::` as lead to the top.
fn used<'a>(path: &str, code: &'a str) -> BTreeSet<&'a str> {
    let folders = path.matches('/').count() - 1;
    let depth = if path.ends_with("/mod.rs") { folders } else { folders + 1 };
    let mut names = BTreeSet::new();
    for top in ["crate::".to_owned(), "super::".repeat(depth)] {
        for (place, _) in code.match_indices(&top) {
            let is_part = code[..place].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            let rest = &code[place + top.len()..];
            if is_part || rest.starts_with("super::") {
                continue;
            }
            if rest.starts_with('{') { names.extend(group(rest)) } else { names.extend([name_at(rest)]) }
        }
    }
    names
}

#[test]
fn stages_use_only_earlier_stages() {
    let rank = |module: &str| ORDER.iter().position(|line| line.contains(&module));
    let mut failures = Vec::new();
    let mut edges = 0;
    for path in sources(&["src"]).iter().filter(|path| !is_test(path)) {
        let text = code(&read(path));
        let Some(own) = rank(module(path)) else {
            failures.push(format!("{path}: the stage `{}` is not in the order", module(path)));
            continue;
        };
        for name in used(path, &text) {
            // Macros and items at the top of the crate are no stages.
            let Some(other) = rank(name) else { continue };
            edges += 1;
            if other > own {
                failures.push(format!("{path} uses `{name}`, which comes later"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(edges > 200, "only {edges} uses were found: the test reads them wrongly");
}

#[test]
fn groups_and_super_paths_are_read() {
    let names = |path: &str, text: &str| used(path, text).into_iter().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(names("src/a/mod.rs", "use crate::{plan::{Query, Scan}, sql};"), ["plan", "sql"]);
    assert_eq!(names("src/a/b.rs", "use super::super::{types::Model, value}; use super::own;"), ["types", "value"]);
    assert_eq!(names("src/a.rs", "fn f(x: crate::emit::Artifact) {}  use super::plan;"), ["emit", "plan"]);
    assert_eq!(names("src/a/b.rs", "use super::own::X;"), [""; 0]);
}

#[test]
fn files_are_short() {
    let mut failures = Vec::new();
    for path in sources(&["src", "tests", "benches"]) {
        let lines = read(&path).lines().count();
        let allowed = LONG_FILES.iter().any(|(long, _)| *long == path);
        if lines > LONG && !allowed {
            failures.push(format!("{path} has {lines} lines: split it, or give a reason in LONG_FILES"));
        }
        if lines <= LONG && allowed {
            failures.push(format!("{path} has only {lines} lines: take it out of LONG_FILES"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn nothing_is_left_undone() {
    let mut failures = Vec::new();
    for path in sources(&["src", "tests", "benches"]) {
        let text: Vec<String> =
            read(&path).lines().filter(|line| !line.trim_start().starts_with("//")).map(str::to_owned).collect();
        let text = text.join("\n");
        for (a, b) in FORBIDDEN {
            let word = [*a, *b].concat();
            let boundary = word.ends_with(' ') && C_BOUNDARY.iter().any(|allowed| path.starts_with(allowed));
            if text.contains(&word) && !boundary {
                failures.push(format!("{path} contains `{}`", word.trim()));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The Markdown pages that people read.
fn pages() -> Vec<String> {
    let mut all: Vec<String> = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(str::to_owned).to_vec();
    all.retain(|path| root().join(path).exists());
    all.extend(files("docs").into_iter().filter(|path| path.ends_with(".md")));
    all
}

/// The text of a page outside of fenced blocks, and with code spans blanked.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// The targets of the links of a page.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")).map(str::to_owned).collect()
}

/// The anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// A path relative to the folder of a page, from the top of the repository.
fn resolved(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in Path::new(target).components() {
        match part {
            Component::ParentDir => {
                parts.pop();
            }
            Component::Normal(part) => parts.push(part.to_str().unwrap_or_default()),
            _ => {}
        }
    }
    parts.join("/")
}

#[test]
fn links_lead_somewhere_and_every_page_is_linked() {
    let mut failures = Vec::new();
    let mut linked = BTreeSet::new();
    for page in pages() {
        for link in links(&read(&page)) {
            let (path, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() { page.clone() } else { resolved(&page, path) };
            if !root().join(&target).exists() {
                failures.push(format!("{page}: `{link}` leads nowhere"));
                continue;
            }
            if !heading.is_empty() {
                let text = prose(&read(&target));
                let known = text
                    .lines()
                    .filter(|line| line.starts_with('#'))
                    .any(|line| anchor(line.trim_start_matches('#')) == heading);
                if !known {
                    failures.push(format!("{page}: `{target}` has no heading `#{heading}`"));
                }
            }
            if target != page {
                linked.insert(target);
            }
        }
    }
    for page in files("docs") {
        if !linked.contains(&page) {
            failures.push(format!("{page} is linked from no page"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_code_is_in_the_index() {
    let index = read("docs/errors/README.md");
    let missing: Vec<&str> = (metricc::diagnostic::codes::PAGES.iter())
        .map(|(code, _)| code.0)
        .filter(|code| !index.contains(&format!("| [{code}]({code}.md) | ")))
        .collect();
    assert!(missing.is_empty(), "run `METRICC_UPDATE=1 cargo test --test docs`: the index lacks {missing:?}");
}

#[test]
fn codes_have_titles() {
    let untold: Vec<&str> = (metricc::diagnostic::codes::PAGES.iter())
        .filter(|(_, page)| page.lines().next().is_some_and(|line| line.ends_with(": tbd")))
        .map(|(code, _)| code.0)
        .collect();
    assert!(untold.is_empty(), "these pages are not written: {untold:?}");
}

/// How Cargo names crates.io in a lock file, wherever it is fetched from.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Lock files must work with whatever registry the reader's machine uses.
#[test]
fn lock_files_name_no_host() {
    let mut failures = Vec::new();
    for path in files("tests") {
        let name = path.rsplit('/').next().unwrap_or_default();
        let locks = matches!(name, "package-lock.json" | "package.json" | ".npmrc" | "pip.conf")
            || (name.starts_with("requirements") && name.ends_with(".txt"))
            || name.ends_with(".lock");
        if !locks {
            continue;
        }
        let text = read(&path).replace(CRATES_IO, "");
        if text.contains("://") || text.contains("--index-url") {
            failures.push(path);
        }
    }
    assert!(failures.is_empty(), "these name a host: {failures:?}");
}
