//! Parser and formatter on damaged, hostile and large input: never a panic, never another meaning.

#[path = "fuzz/invariants.rs"]
mod invariants;

use std::{fmt::Write as _, fs};

use metricc::{
    diagnostic::{Diagnostics, FileId},
    format::format,
    syntax::{ast, parse},
};

fn check(text: &str) -> (ast::File, Diagnostics) {
    let (tree, found) = parse(FileId(0), text);
    invariants::assert_spans(&found, |_| text);
    assert!(found.iter().all(|one| one.span.is_some()), "something without a place in\n{text}");
    (tree, found)
}

/// Formats what parses; the result formats to itself. Whether it parsed.
fn check_format(text: &str) -> bool {
    invariants::format(text.as_bytes())
}

/// Declarations of the cases, each alone.
fn corpus() -> Vec<String> {
    let mut pieces = Vec::new();
    for name in ["tables", "metrics", "behaviour", "comments", "language", "errors/ten", "errors/items", "errors/tests"]
    {
        let text = fs::read_to_string(format!("tests/cases/syntax/{name}.metric")).expect("a case");
        let mut piece = String::new();
        for line in text.lines() {
            let starts = line.starts_with(|c: char| c.is_alphabetic());
            if starts && !piece.trim().is_empty() {
                pieces.push(std::mem::take(&mut piece));
            }
            piece.push_str(line);
            piece.push('\n');
        }
        pieces.push(piece);
    }
    assert!(pieces.len() > 200);
    pieces
}

fn times(default: usize) -> usize {
    std::env::var("METRICC_SYNTAX_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

#[test]
fn damaged_bytes_never_make_it_panic() {
    let corpus = corpus();
    let mut random = fastrand::Rng::with_seed(7);
    let spice = b"(){}[]|\"`\\/.,:;@-?=\n\r\t #%0v\xc3\xe4\x00";
    for _ in 0..times(20_000) {
        let mut bytes = corpus[random.usize(..corpus.len())].clone().into_bytes();
        bytes.truncate(400);
        for _ in 0..random.usize(1..6) {
            let at = random.usize(..bytes.len().max(1)).min(bytes.len().saturating_sub(1));
            match random.u8(..4) {
                0 if !bytes.is_empty() => bytes[at] = spice[random.usize(..spice.len())],
                1 if !bytes.is_empty() => bytes[at] = random.u8(..),
                2 => bytes.insert(at, spice[random.usize(..spice.len())]),
                _ if !bytes.is_empty() => {
                    let end = (at + random.usize(1..9)).min(bytes.len());
                    bytes.drain(at..end);
                }
                _ => {}
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        let (_, found) = check(&text);
        if !found.has_errors() {
            check_format(&text);
        }
    }
}

#[test]
fn shuffled_tokens_that_still_parse_keep_their_meaning() {
    let corpus = corpus();
    let mut random = fastrand::Rng::with_seed(11);
    let mut parsed = 0;
    for _ in 0..times(20_000) / 8 {
        let piece = &corpus[random.usize(..corpus.len())];
        let mut text = String::new();
        // Other blanks, line breaks and comments where a blank is.
        for (i, word) in piece.split(' ').enumerate() {
            if i > 0 {
                match random.u8(..16) {
                    0 => text.push_str("\n   "),
                    1 => text.push_str(" // a comment\n  "),
                    2 => text.push_str("\n  // its own line\n    "),
                    3 => text.push('\t'),
                    4 => text.push_str("  "),
                    _ => text.push(' '),
                }
            }
            text.push_str(word);
        }
        parsed += usize::from(check_format(&text));
    }
    assert!(parsed > times(20_000) / 50, "only {parsed} of the texts parse");
}

/// A random formula, condition or row set.
struct Maker<'r> {
    random: &'r mut fastrand::Rng,
    text: String,
}

impl Maker<'_> {
    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.random.usize(..words.len())]
    }

    fn add(&mut self, words: &[&str]) {
        let word = self.pick(words);
        self.text.push_str(word);
        // Any blank will do, and a comment too.
        let blank = self.random.u8(..40);
        self.text.push_str(match blank {
            0 => "\n  ",
            1 => " // c\n  ",
            2 => "\n// own\n    ",
            _ => " ",
        });
    }

    fn row(&mut self, depth: usize) {
        match if depth == 0 { self.random.u8(..3) } else { self.random.u8(..14) } {
            0 => self.add(&["a", "b.c", "`from`", "where", "time@month", "over", "活跃", "v1"]),
            1 => self.add(&["1", "1_000", "0.5", "5%", "30d", "1month", "true", "null"]),
            2 => self.add(&["\"x\"", "\"\\u{4f60}\\n\\\"\"", "\"\"", "date(\"2026-01-01\")"]),
            3 => self.around("(", ")", depth, Maker::row),
            4 => self.around("- ", "", depth, Maker::operand),
            5 => self.around("not (", ")", depth, Maker::row),
            6 => self.around("case when", "else 1 end", depth, |m, d| m.infix(d, &["then"], Maker::row)),
            7 => self.around("cast(", "as decimal(18,2)?)", depth, Maker::row),
            8 => self.around("coalesce(", ", 0)", depth, Maker::row),
            9 => self.around("json(", ", \"$.a\", map(string, int)?)", depth, Maker::row),
            10 => self.infix(depth, &["+", "-", "*", "/", "%", "??"], Maker::operand),
            11 => self.infix(depth, &["=", "!=", "<", "<=", ">", ">=", "like", "not like"], Maker::operand),
            12 => self.infix(depth, &["and", "or"], Maker::grouped),
            _ => {
                self.operand(depth - 1);
                self.add(&[
                    "is null",
                    "is not null",
                    "in (1, -2)",
                    "not in (\"a\")",
                    "between 1 and 2",
                    "not between 0 and b",
                ]);
            }
        }
    }

    fn grouped(&mut self, depth: usize) {
        self.around("(", ")", depth + 1, Maker::row);
    }

    fn operand(&mut self, depth: usize) {
        if depth == 0 { self.row(0) } else { self.grouped(depth - 1) }
    }

    fn around(&mut self, open: &str, close: &str, depth: usize, inner: impl FnOnce(&mut Self, usize)) {
        self.add(&[open]);
        inner(self, depth.saturating_sub(1));
        self.add(&[close]);
    }

    fn infix(&mut self, depth: usize, operators: &[&str], side: fn(&mut Self, usize)) {
        side(self, depth.saturating_sub(1));
        self.add(operators);
        side(self, depth.saturating_sub(1));
    }

    fn rows(&mut self, depth: usize) {
        match if depth == 0 { 0 } else { self.random.u8(..5) } {
            0 => self.add(&["event", "order v2", "raw event", "first of event per (user_id, 1d)"]),
            1 => self.around("(", ")", depth, Maker::rows),
            2 => self.infix(depth, &["|"], |m, _| m.rows(0)),
            _ => {
                self.rows(0);
                self.add(&["where"]);
                self.row(depth - 1);
            }
        }
    }

    fn formula(&mut self, depth: usize) {
        match if depth == 0 { 0 } else { self.random.u8(..9) } {
            0 => self.add(&["gmv", "dau v2", "signup.retained at 7d..", "1", "2.5"]),
            1 => self.around("(", ")", depth, Maker::formula),
            2 => self.infix(depth, &["+", "-", "*", "/", "??"], Maker::formula_operand),
            3 => self.around("if(a > 1,", ", 0)", depth, Maker::formula),
            4 => {
                self.formula_operand(depth - 1);
                self.add(&["over 30d", "over month to date", "over all at start of month", "ago 1w", "across (a, b)"]);
                self.add(&["where x = -1", "where (a in (1) or b is null)", "where not x between 1 and 2", ""]);
            }
            5 => self.around("avg(", "per (user_id, 1d) where value > 1)", depth, Maker::formula_operand),
            6 => self.around("count((", ") over 7d at last 1d per k)", depth, Maker::rows),
            7 => {
                self.add(&["sum("]);
                self.row(depth - 1);
                self.add(&["from (", "from("]);
                self.rows(depth - 1);
                self.add(&[") dated paid_at", ")"]);
                self.add(&["where a = 1 and b", ""]);
                self.add(&[")", ", 0.5)"]);
            }
            _ => self.around("- ", "", depth, Maker::formula_operand),
        }
    }

    fn formula_operand(&mut self, depth: usize) {
        if depth == 0 { self.formula(0) } else { self.around("(", ")", depth, Maker::formula) }
    }
}

#[test]
fn random_trees_parse_and_keep_their_meaning_when_formatted() {
    let mut random = fastrand::Rng::with_seed(13);
    for n in 0..times(20_000) / 10 {
        let mut maker = Maker { random: &mut random, text: String::new() };
        let depth = maker.random.usize(..6);
        match n % 3 {
            0 => {
                maker.text.push_str("metric m = ");
                maker.formula(depth);
            }
            1 => {
                maker.text.push_str("subset s = ");
                maker.rows(depth);
            }
            _ => {
                maker.text.push_str("dimension d = ");
                maker.row(depth);
                maker.text.push_str("else ");
                maker.row(1);
            }
        }
        maker.add(&["{ title: \"x\"; by: a, b }", "{\n title: \"x\" // c\n}", ""]);
        // A comment may not start in front of a column 0 that is not blank.
        let text = maker.text.trim_end().to_owned() + "\n";
        let (tree, found) = check(&text);
        let first = found.iter().find(|d| d.code.0.starts_with('E'));
        assert!(first.is_none() && tree.declarations.len() == 1, "{first:?}\n{text}");
        assert!(check_format(&text), "{text}");
    }
}

#[test]
fn deep_and_long_input_is_told_and_not_fatal() {
    let n = 100_000;
    let cases = [
        format!("metric m = {}1{}\nmetric ok = dau\n", "(".repeat(n), ")".repeat(n)),
        format!("metric m = {}1\nmetric ok = dau\n", "not ".repeat(n)),
        format!("metric m = {}1\nmetric ok = dau\n", "- ".repeat(n)),
        format!("metric m = a{}\nmetric ok = dau\n", " + a".repeat(n)),
        format!("metric m = a{}\nmetric ok = dau\n", "[1]".repeat(n)),
        format!("metric m = a{}\nmetric ok = dau\n", " over 1d".repeat(n)),
        format!("subset m = a{}\nmetric ok = dau\n", " where b".repeat(n)),
        format!("metric m = {}\nmetric ok = dau\n", "case when ".repeat(n)),
        format!("metric m = {}\nmetric ok = dau\n", "count(".repeat(n)),
        format!("metric m = a {}{}\nmetric ok = dau\n", "{ b ".repeat(n), "}".repeat(n)),
        format!("source s {{\n  column a: {}\n}}\nmetric ok = dau\n", "map(".repeat(n)),
        format!("subset m = {}a per b\nmetric ok = dau\n", "first of ".repeat(n)),
    ];
    for text in &cases {
        let (tree, found) = check(text);
        assert!(found.has_errors(), "{}", &text[..60]);
        assert!(found.len() < 20, "{} gives {} messages", &text[..60], found.len());
        let kept = tree
            .declarations
            .iter()
            .any(|d| matches!(&d.kind, ast::DeclarationKind::Metric(m) if m.name.value == "ok"));
        assert!(kept, "{} hides what follows it", &text[..60]);
    }
    // As deep as is allowed, in a thread with the usual small stack.
    let text = format!("metric m = {}1{}\n", "(".repeat(99), ")".repeat(99));
    let deep = std::thread::spawn(move || {
        let (tree, found) = parse(FileId(0), &text);
        assert!(found.is_empty(), "{found:?}");
        assert_eq!(tree, tree.clone());
        assert!(check_format(&text));
    });
    deep.join().expect("no overflow");
    let text = format!("metric m = a{}\n", " + a".repeat(499));
    let chain = std::thread::spawn(move || assert!(check_format(&text)));
    chain.join().expect("no overflow");
}

#[test]
fn long_lists_are_allowed() {
    let values: Vec<String> = (0..20_000).map(|i| format!("\"{i}\"")).collect();
    let text = format!("metric m = count(event where x in ({}))\n", values.join(", "));
    let (tree, found) = check(&text);
    assert!(found.is_empty(), "{:?}", found.iter().next());
    assert_eq!(tree.declarations.len(), 1);
    assert!(check_format(&text));
}

#[test]
fn marks_and_line_ends_of_other_systems_are_accepted_and_spans_stay_right() {
    let unix =
        "metric a = b +\nmetric c = `d` // e\ntest \"t\" of c {\n  expect {\n    | x |\n    | 1 | // f\n  }\n}\n";
    let windows = format!("\u{feff}{}", unix.replace('\n', "\r\n"));
    let (unix_tree, unix_found) = check(unix);
    let (windows_tree, windows_found) = check(&windows);
    assert_eq!(unix_tree, windows_tree);
    assert_eq!(unix_found.len(), 1);
    let span = windows_found.iter().next().and_then(|d| d.span).expect("a place");
    assert_eq!(&windows[span.start as usize..span.end as usize], "+");
    let right = windows.replace("a = b +", "a = b");
    let formatted = format(&right).expect("parses");
    assert!(!formatted.contains('\r') && !formatted.starts_with('\u{feff}'));
    assert_eq!(format(&unix.replace("a = b +", "a = b")).as_ref(), Ok(&formatted));
}

/// A project file of the shape that libraries have.
fn library(metrics: usize) -> String {
    let mut text = String::new();
    for source in 0..metrics.div_ceil(20) {
        writeln!(text, "/// Source {source}.\nsource s{source} {{\n  table: \"dwd.s{source}\"; sample: \"s{source}.csv\"\n  key: id\n  time: at\n  column id: string\n  column at: timestamp(ms)").unwrap();
        for column in 0..13 {
            let ty = ["string?", "int", "decimal(18,2) unit CNY", "enum(\"a\", \"b\", \"c\")"][column % 4];
            writeln!(text, "  column c{column}: {ty}").unwrap();
        }
        text.push_str("}\n");
        for dimension in 0..10 {
            writeln!(text, "dimension d{source}_{dimension} = s{source}.c{dimension} else \"unknown\" {{ title: \"Dimension {dimension}\" }}").unwrap();
        }
        for metric in source * 20..(source * 20 + 20).min(metrics) {
            let items = format!(
                " {{\n  title: \"Metric {metric}\"\n  tier: kpi\n  owner: \"growth\"\n  grain: 1d\n  by: d{source}_1, d{source}_2\n  serve: stream(1m), daily\n}}"
            );
            match metric % 20 {
                0..10 => writeln!(
                    text,
                    "/// A simple one.\nmetric m{metric} = count(s{source} where c1 > {metric} and c0 = \"x\"){items}"
                ),
                10..15 => writeln!(text, "metric m{metric} = m{} / m{}{items}", metric - 10, metric - 9),
                15..18 => writeln!(
                    text,
                    "metric m{metric} = (m{} - m{}) / m{} * 100{items}",
                    metric - 10,
                    metric - 9,
                    metric - 8
                ),
                _ => writeln!(text, "metric m{metric} = sum(c2 from s{source} where c0 is not null) over 30d{items}"),
            }
            .unwrap();
        }
    }
    text
}

#[test]
fn a_file_of_many_metrics_is_read_whole() {
    let text = library(2_000);
    let (tree, found) = check(&text);
    assert!(found.is_empty(), "{:?}", found.iter().next());
    let metrics = tree.declarations.iter().filter(|d| matches!(d.kind, ast::DeclarationKind::Metric(_))).count();
    assert_eq!((metrics, tree.declarations.len()), (2_000, 2_000 + 100 * 11));
    assert!(check_format(&text));
}
