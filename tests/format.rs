//! The formatter over everything that is written in the language here, and over texts made to break it.

use std::{
    fs,
    path::{Path, PathBuf},
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
    let once = format(text).unwrap_or_else(|found| panic!("{name}: {found:?}\n{text}"));
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
    let sum = vec!["a_metric_with_a_name"; 20_000].join(" + ");
    formatted("sum", &format!("metric m = {sum}"));
    let list = vec!["\"渠道\""; 20_000].join(",");
    formatted("list", &format!("subset s = t where c in ({list})"));
    let minus = format!("metric m = a {}b", "- ".repeat(200));
    if tree(&minus).is_some() {
        formatted("minus", &minus);
    }
}
