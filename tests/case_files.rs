//! Every case of `tests/cases` goes through every stage: check, layout, SQL of each dialect, dry run, and on ClickHouse the SELECTs
//! and the build, whose numbers must be those of the dry run. `tests/support/cases/mod.rs` tells the form of a case.
//!
//! `METRICC_CASE=word cargo test --test case_files` runs those with the word in their name.

mod support;

#[path = "support/cases/mod.rs"]
mod cases;

use std::collections::BTreeSet;

use cases::judge::judged;
use cases::{Case, Mark};

#[test]
fn every_case_holds() {
    let cases = cases::all();
    assert!(!cases.is_empty(), "no case has this word in its name");
    let mut wrong = Vec::new();
    for case in &cases {
        let _timer = support::report::Timer::start(format!("case {}", case.name));
        wrong.extend(judged(case).into_iter().map(|one| format!("{}: {one}", case.name)));
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n\n"));
}

/// A file in the folder of cases is run here, or is one of those that `syntax_cases.rs` reads.
#[test]
fn no_file_is_forgotten() {
    let folder = cases::folder();
    let mut markdown = BTreeSet::new();
    for path in cases::files_below(&folder) {
        let name = path.strip_prefix(&folder).expect("below the folder").to_string_lossy().into_owned();
        let of_syntax = name.strip_prefix("syntax/").and_then(|name| name.strip_suffix(".metric"));
        match (name.strip_suffix(".md"), of_syntax) {
            (Some(name), _) => drop(markdown.insert(name.to_owned())),
            (None, Some(name)) if !name.trim_start_matches("errors/").contains('/') => {}
            _ => panic!("tests/cases/{name} is run by no test"),
        }
    }
    if std::env::var_os("METRICC_CASE").is_none() {
        let read: BTreeSet<String> = cases::all().into_iter().map(|case| case.name).collect();
        assert_eq!(read, markdown);
        assert!(read.len() >= 12, "only {} cases", read.len());
    }
}

#[test]
fn the_form_of_a_case_is_checked() {
    let refused = |text: &str| Case::read("a", text).expect_err("refused");
    assert!(refused("no title").contains("title"));
    assert!(refused("# A\n\n```metric\nmetric a = b\n").contains("line 3 is not closed"));
    assert!(refused("# A\n\n```metric\nmetric a = b\n```\n").contains("shows nothing"));
    assert!(refused("# A\n\n```csv\na\n```\n").contains("behind the question"));
    assert!(refused("# A\n\n```sh\nmetricc build\n```\n").contains("metricc build"));
    assert!(refused("# A\n\n```python\n```\n").contains("python"));
    assert!(refused("# A\n\n```metric\nmetric a = b // error: E0201\n```\n").contains("[CODE]"));
    let text = "# A\n\n<!-- without clickhouse: too new -->\n```metric\nmetric a = b // error: [E0201, W0301] no metric\n// error below: [E0102]\n```\n\
        ```csv t\na\n```\n```sh\nmetricc dry-run a --where 'b = \"c\"' --limit 3\n```\n```csv\na\n1\n```\n";
    let case = Case::read("a", text).expect("a case");
    let mark = |line, code: &str, message: &str| Mark {
        path: "metrics/1.metric".to_owned(),
        line,
        code: code.to_owned(),
        message: message.to_owned(),
    };
    assert_eq!(case.marks, [mark(1, "E0201", "no metric"), mark(1, "W0301", "no metric"), mark(3, "E0102", "")]);
    assert_eq!(case.questions[0].words, ["a", "--where", "b = \"c\"", "--limit", "3"]);
    assert_eq!(case.questions[0].answer.as_deref(), Some("a\n1\n"));
    assert_eq!(case.samples, [("t".to_owned(), "a\n".to_owned())]);
    assert_eq!(case.excuse("clickhouse"), Some("too new"));
}
