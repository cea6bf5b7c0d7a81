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
