//! Each format as a snapshot, over diagnostics that are hard to show.

use insta::assert_snapshot;

use super::*;
use crate::{
    diagnostic::{Diagnostic, codes},
    error,
    project::SourceMap,
};

/// Compares with `snapshots/diagnostic/NAME.snap`.
fn check(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => "../../../snapshots/diagnostic",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { assert_snapshot!(name, text) });
}

fn span_of(sources: &SourceMap, file: FileId, text: &str) -> Span {
    let start = sources.file(file).text.find(text).expect("the text is in the file");
    Span::new(file, start as u32, (start + text.len()) as u32)
}

/// Wide letters, a second file, a file that can't be shown, several lines, the end of a file.
fn example() -> (SourceMap, Diagnostics) {
    let mut sources = SourceMap::new();
    let shop = sources.add(
        "metrics/店.metric",
        "/// 活跃\nmetric 活跃 = count(event)\nmetric arpu = gmw / 活跃 {\n  title: \"ARPU\"\n}\nmetric gmv = sum(pay",
    );
    let other = sources.add("metrics/a b.metric", "metric 活跃 = 1\r\n");
    let bad = sources.add("metrics/bad.metric", "");
    let found = vec![
        error!(E0023, span_of(&sources, shop, "gmw"), "no metric named `gmw`";
            label: "not declared"; help: "did you mean `gmv`?")
        .related(span_of(&sources, shop, "gmv"), "declared here"),
        error!(E0023, span_of(&sources, other, "活跃"), "`活跃` is declared twice"; help: "rename one of them")
            .related(span_of(&sources, shop, "活跃 = count"), "the first one"),
        error!(E0004, Span::new(bad, 0, 0), "`metrics/bad.metric` is not text: byte 4 is zero"),
        error!(E0023, Span::new(shop, 30, 107), "over several lines, 100 %"; label: "all of this"),
        error!(E0023, Span::new(shop, 900, 901), "the file ends too early"; label: "expected `)`"),
        error!(W0001, None, "no place, and \u{1b}[31mcolours\nof one's own"),
    ];
    (sources, found.into_iter().collect())
}

#[test]
fn every_format_shows_the_example() {
    let (sources, found) = example();
    let view = View { prefix: "shop/", ..View::new(&sources) };
    for (format, name) in [
        (Format::Human, "human"),
        (Format::Plain, "plain"),
        (Format::Json, "json"),
        (Format::Github, "github"),
        (Format::Sarif, "sarif"),
    ] {
        check(name, &render(format, &found, &view));
    }
    check("human_color", &render(Format::Human, &found, &View { color: true, ..view }));
}

/// Two operands inside of what is marked are underlined each; the mark around them would hide where they are.
#[test]
fn the_parts_of_a_mark_are_drawn_in_its_place() {
    let mut sources = SourceMap::new();
    let file = sources.add("a.metric", "metric odd = sum(pay) + count(用户)\n");
    let span = |text: &str| span_of(&sources, file, text);
    let found = error!(E0023, span("sum(pay) + count(用户)"), "`CNY` and `user` do not go together")
        .related(span("sum(pay)"), "this is in CNY")
        .related(span("count(用户)"), "this is in user");
    let shown = render(Format::Human, &[found].into_iter().collect(), &View::new(&sources));
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[3], "   ╭─[a.metric:1:14]");
    assert_eq!(lines[4], " 1 │ metric odd = sum(pay) + count(用户)");
    assert_eq!(lines[5], "   ·              ────┬───   ─────┬─────");
    assert_eq!(lines[6], "   ·                  │           ╰── this is in user");
    assert_eq!(lines[7], "   ·                  ╰── this is in CNY");
}

#[test]
fn nothing_found_is_nothing_shown_but_a_whole_sarif_file() {
    let sources = SourceMap::new();
    let (none, view) = (Diagnostics::new(), View::new(&sources));
    for format in [Format::Human, Format::Plain, Format::Json, Format::Github] {
        assert_eq!(render(format, &none, &view), "");
    }
    let sarif: serde_json::Value = serde_json::from_str(&render(Format::Sarif, &none, &view)).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn the_summary_counts_by_severity() {
    let (_, found) = example();
    assert_eq!(summary(&found).as_deref(), Some("5 errors, 1 warning"));
    assert_eq!(summary(&Diagnostics::new()), None);
}

/// `count` errors and one warning in a file of one line each.
fn many(count: usize) -> (SourceMap, Diagnostics) {
    let mut sources = SourceMap::new();
    let file = sources.add("a.metric", "x\n".repeat(count));
    let errors =
        (0..count as u32).map(|line| Diagnostic::new(codes::E0023, Span::new(file, line * 2, line * 2 + 1), "no"));
    let warning = Diagnostic::new(codes::W0001, None, "last");
    (sources, errors.chain([warning]).collect())
}

#[test]
fn github_gets_ten_annotations_of_a_severity_and_the_others_as_lines() {
    let (sources, found) = many(13);
    let text = render(Format::Github, &found, &View::new(&sources));
    assert_eq!(text.matches("::error ").count(), 10);
    assert_eq!(text.matches("::warning ").count(), 1);
    assert_eq!(text.matches("a.metric:").count(), 3);
    assert!(text.ends_with("3 more are listed above but not annotated: GitHub shows 10 of each severity for a step\n"));
}

#[test]
fn sarif_keeps_to_its_limit_and_says_what_it_left_out() {
    let (sources, found) = many(5_002);
    let sarif: serde_json::Value =
        serde_json::from_str(&render(Format::Sarif, &found, &View::new(&sources))).expect("JSON");
    let run = &sarif["runs"][0];
    assert_eq!(run["results"].as_array().map(Vec::len), Some(5_000));
    let notice = &run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
    assert_eq!(notice, "3 more results are left out: a run may have 5000");
}

#[test]
fn json_lines_can_be_read_back() {
    let (sources, found) = example();
    let text = render(Format::Json, &found, &View::new(&sources));
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), found.len());
    assert_eq!(lines[0]["start"], serde_json::json!({ "line": 3, "column": 15 }));
    assert_eq!(lines[0]["end"], serde_json::json!({ "line": 3, "column": 18 }));
    assert_eq!(lines[5]["file"], serde_json::Value::Null);
}

#[test]
fn an_overlong_line_is_cut_around_the_mark() {
    let mut sources = SourceMap::new();
    let text = format!("metric a = {}\u{1b}活{}\nmetric b = 1\n", "(".repeat(100_000), ")".repeat(100_000));
    let at = text.find('活').expect("the mark") as u32;
    let file = sources.add("deep.metric", text);
    let found = error!(E0023, Span::new(file, at, at + 3), "here"; label: "this")
        .related(Span::new(file, 0, 200_000), "the whole");
    let shown = render(Format::Human, &[found].into_iter().collect(), &View::new(&sources));
    assert!(shown.contains("deep.metric:1:100013"), "{shown}");
    assert!(shown.contains("?活"), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() < 400), "{shown}");
}

#[test]
fn any_span_of_any_text_can_be_shown() {
    let texts = ["", "\n", "活", "a\r\nb\n\n", "\u{202e}x\n\ty", "one\ntwo\nthree\nfour\nfive\nsix\nseven"];
    for text in texts {
        let mut sources = SourceMap::new();
        let file = sources.add("a.metric", text);
        for start in 0..=text.len() as u32 + 2 {
            for end in 0..=text.len() as u32 + 2 {
                let span = Span::new(file, start, end);
                let found = error!(E0023, span, "here"; label: "this").related(span, "and this");
                for format in [Format::Human, Format::Plain, Format::Json, Format::Github, Format::Sarif] {
                    let shown = render(format, &[found.clone()].into_iter().collect(), &View::new(&sources));
                    assert!(shown.contains("here"), "{text:?} {start}..{end} {format:?}: {shown}");
                }
            }
        }
    }
}

#[test]
fn thousands_of_diagnostics_in_a_large_file_are_all_drawn() {
    let (sources, found) = many(20_000);
    let shown = render(Format::Human, &found, &View::new(&sources));
    assert_eq!(shown.matches("E0023").count(), 20_000);
}
