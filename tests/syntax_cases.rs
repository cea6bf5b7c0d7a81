//! The files of `tests/cases/syntax`: what must parse does, what must not is explained, and both stay as they are shown.

use std::{fmt::Write as _, fs, path::Path};

use metricc::{
    diagnostic::{Code, Severity, codes},
    format::format,
    project::SourceMap,
    syntax::{ast, parse},
};

/// The tree of a text and its diagnostics, one a line, with the marked text.
fn parsed(name: &str, text: &str) -> (ast::File, String, Vec<Code>) {
    let mut map = SourceMap::new();
    let file = map.add(name, text);
    let (tree, found) = parse(file, text);
    let mut shown = String::new();
    for one in found.iter() {
        let span = one.span.expect("every syntax error has its place");
        let (line, column) = map.file(file).position(span.start);
        let marked = map.text(span).replace('\n', "⏎");
        writeln!(shown, "{line}:{column} {} {} `{marked}`", one.code, one.message).expect("write to a string");
        for related in &one.related {
            let (line, column) = map.file(file).position(related.span.start);
            writeln!(shown, "    {line}:{column} {}", related.label).expect("write to a string");
        }
        writeln!(shown, "    {}", one.help.as_deref().expect("every syntax error says what to do"))
            .expect("write to a string");
    }
    (tree, shown, found.iter().map(|d| d.code).collect())
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({ snapshot_path => "../snapshots/syntax", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

fn files(folder: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = fs::read_dir(Path::new("tests/cases/syntax").join(folder))
        .expect("the folder of cases")
        .map(|entry| entry.expect("a folder entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "metric"))
        .map(|path| {
            let name = path.file_stem().expect("a file name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("a readable case"))
        })
        .collect();
    found.sort();
    found
}

#[test]
fn what_is_legal_parses_and_its_layout_is_as_shown() {
    let mut declarations = 0;
    for (name, text) in files("") {
        let (tree, shown, codes) = parsed(&name, &text);
        assert!(codes.iter().all(|c| c.severity() != Severity::Error), "{name}:\n{shown}");
        assert!(tree.broken.is_empty(), "{name}");
        declarations += tree.declarations.len();
        let once = format(&text).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert_eq!(format(&once).expect("formatted text parses"), once, "{name} changes when it is formatted again");
        assert!(once.lines().all(|line| line == line.trim_end()), "{name}: blanks at the end of a line");
        snapshot(&format!("layout.{name}"), &once);
    }
    assert!(declarations > 150, "only {declarations} declarations were tried");
}

#[test]
fn what_is_not_legal_is_explained_as_shown() {
    for (name, text) in files("errors") {
        let (_, shown, codes) = parsed(&name, &text);
        assert!(codes.iter().any(|c| c.severity() == Severity::Error), "{name} parses");
        snapshot(&format!("errors.{name}"), &shown);
        assert!(format(&text).is_err(), "{name} is formatted in spite of its errors");
    }
}

#[test]
fn each_refused_declaration_gives_an_error_of_its_own() {
    let text = fs::read_to_string("tests/cases/syntax/errors/refuse.metric").expect("the case");
    for case in text.split("\n\n") {
        let (_, shown, codes) = parsed("refuse", case);
        assert!(codes.iter().any(|c| c.severity() == Severity::Error), "{case}\n{shown}");
        assert!(codes.len() <= 2, "{case}\n{shown}");
    }
}

#[test]
fn no_message_shows_the_insides_of_the_grammar() {
    for (name, text) in files("errors") {
        let (_, shown, _) = parsed(&name, &text);
        for word in ["_head", "_item", "EOI", "SOI", "rows_value", "k_", "something else", "numeric", "Rule"] {
            assert!(!shown.contains(word), "{name} shows `{word}`:\n{shown}");
        }
    }
}

#[test]
fn ten_mistakes_in_ten_places_give_ten_messages() {
    let text = fs::read_to_string("tests/cases/syntax/errors/ten.metric").expect("the case");
    let (tree, shown, codes) = parsed("ten", &text);
    assert_eq!(codes.len(), 10, "{shown}");
    let name = |declaration: &ast::Declaration| match &declaration.kind {
        ast::DeclarationKind::Metric(metric) => metric.name.value.clone(),
        other => panic!("{other:?} is broken"),
    };
    let kept: Vec<String> = tree.declarations.iter().map(name).collect();
    assert_eq!(kept, ["right_1", "right_2", "four", "right_3"]);
    let broken: Vec<&str> = tree.broken.iter().map(|n| n.as_str()).collect();
    assert_eq!(broken, ["one", "two", "three", "order", "four", "five", "six", "seven"]);
}

/// The texts in fences below a heading.
fn examples<'a>(page: &'a str, heading: &str) -> Vec<&'a str> {
    let section = page.split("\n## ").find(|s| s.starts_with(heading)).unwrap_or_default();
    section.split("```metric\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn each_page_of_a_syntax_code_shows_it_and_how_to_mend_it() {
    let mut tried = 0;
    for (code, page) in codes::PAGES.iter().filter(|(code, _)| code.0[1..].starts_with("01")) {
        for text in examples(page, "Wrong") {
            let (_, shown, codes) = parsed(code.0, text);
            assert_eq!(codes, [*code], "{code}: the wrong example gives\n{shown}");
            tried += 1;
        }
        for text in examples(page, "Right") {
            let (_, shown, codes) = parsed(code.0, text);
            assert!(codes.is_empty(), "{code}: the right example gives\n{shown}");
        }
    }
    assert!(tried >= 39, "only {tried} codes have examples");
}
