//! Projects made to break the compiler: as deep as is allowed and deeper, cyclic, and short texts that stand for very
//! much. All of them are told or built, in a thread with the usual small stack.

#[path = "fuzz/invariants.rs"]
mod invariants;

use std::fmt::Write as _;

use metricc::compile::compile;
use metricc::diagnostic::{Code, Severity, codes};
use metricc::project::{MemoryFiles, load};

/// What the declarations of the tests are about.
const TABLES: &str = "\
entity shop {
  table: \"shop\"
  key: k
  column k: string
  column rank: int?
  column parent: shop?
}
source e {
  table: \"e\"
  key: k
  time: at
  column k: string
  column at: timestamp
  column x: int?
  column s: string?
  column b: bool
  column shop: shop?
}
";

/// The codes of the errors of a project of these tables and this text. It holds what holds of every project.
fn errors(text: &str) -> Vec<Code> {
    let text = format!("{TABLES}{text}");
    invariants::check(text.as_bytes());
    let files =
        MemoryFiles::new().with("metricc.yaml", "name: x\ntimezone: UTC\n").with("metrics/a.metric", text.as_str());
    let (project, found) = load(&files);
    assert!(!found.has_errors(), "{found:?}");
    let (_, found) = compile(&project.expect("a project"));
    found.iter().map(|one| one.code).filter(|code| code.severity() == Severity::Error).collect()
}

fn nested(open: &str, inner: &str, close: &str, levels: usize) -> String {
    format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
}

/// Declarations of which each names the one before.
fn chain(length: usize, first: &str, link: impl Fn(usize, usize) -> String) -> String {
    (1..length).fold(format!("{first}\n"), |mut text, place| {
        writeln!(text, "{}", link(place, place - 1)).expect("written");
        text
    })
}

#[test]
fn what_is_as_deep_as_brackets_may_be_is_built() {
    // A metric's body and its aggregate are levels as well.
    let rows = [
        nested("(", "x", ")", 97),
        nested("abs(", "x", ")", 97),
        nested("(1 + ", "x", ")", 97),
        nested("if(b, ", "x", ", 0)", 97),
        nested("coalesce(", "x", ", 0)", 97),
        nested("case when b then ", "x", " else 2 end", 97),
        nested("case when (x > 1) then (", "x", ") else 2 end", 48),
    ];
    for row in rows {
        assert_eq!(errors(&format!("metric m = sum({row} from e) {{ grain: 1d }}\n")), [], "{row}");
    }
    let conditions = [nested("not (", "b", ")", 97), nested("(b or x = 1 and ", "b", ")", 97)];
    for condition in conditions {
        assert_eq!(errors(&format!("metric m = count(e where {condition}) {{ grain: 1d }}\n")), [], "{condition}");
    }
    let formulas = [
        nested("(", "count(e)", ")", 97),
        nested("-(", "count(e)", ")", 97),
        nested("(1 + ", "count(e)", ")", 97),
        nested("if(count(e) > 1, ", "count(e)", ", 0)", 97),
    ];
    for formula in formulas {
        assert_eq!(errors(&format!("metric m = {formula} {{ grain: 1d }}\n")), [], "{formula}");
    }
}

#[test]
fn chains_of_names_are_built_or_told() {
    let metrics = |length| chain(length, "metric m0 = count(e)", |a, b| format!("metric m{a} = m{b} + 1"));
    assert_eq!(errors(&metrics(99)), []);
    assert_eq!(errors(&metrics(2_000)), [codes::E0630]);
    let aliases = chain(2_000, "metric m0 = count(e)", |a, b| format!("metric m{a} = m{b}"));
    assert_eq!(errors(&aliases), [codes::E0630]);
    let subsets = |length| {
        let chain = chain(length, "subset s0 = e", |a, b| format!("subset s{a} = s{b} where x != {a}"));
        format!("{chain}metric m = count(s{}) {{ grain: 1d }}\n", length - 1)
    };
    assert_eq!(errors(&subsets(150)), []);
    assert_eq!(errors(&subsets(6_000)), [codes::E0335]);
    let columns = |length| {
        let table = "source f {\n  table: \"f\"\n  key: k\n  time: at\n  column k: string\n  column at: timestamp";
        let chain = chain(length, "  column x0: int", |a, b| format!("  column x{a}: int = x{b} + 1"));
        format!("{table}\n{chain}}}\nmetric m = sum(x{} from f) {{ grain: 1d }}\n", length - 1)
    };
    assert_eq!(errors(&columns(90)), []);
    assert_eq!(
        errors(&columns(2_000)),
        vec![codes::E0335; 19],
        "each stands for what is above it, up to the last that is told"
    );
    let path = format!("metric m = sum(shop{}.rank from e) {{ grain: 1d }}\n", ".parent".repeat(150));
    assert_eq!(errors(&path), []);
    let path = format!("metric m = sum(shop{}.rank from e) {{ grain: 1d }}\n", ".parent".repeat(5_000));
    assert_eq!(errors(&path), [codes::E0335]);
}

#[test]
fn what_doubles_at_each_level_is_told() {
    let metrics = chain(60, "metric m0 = count(e)", |a, b| format!("metric m{a} = m{b} + m{b}"));
    assert_eq!(errors(&metrics), [codes::E0630]);
    let dimension = "dimension d = e.s else \"-\"\n";
    let filters = chain(60, &format!("{dimension}metric m0 = count(e)"), |a, b| {
        format!("metric m{a} = m{b} + m{b} where d = \"{a}\"")
    });
    assert_eq!(errors(&filters), [codes::E0630]);
    let between = nested("if(", "count(e)", " between 0 and 1, 1, 0)", 48);
    assert_eq!(errors(&format!("metric m = {between}\n")), [codes::E0335]);
    let among = nested("if(", "count(e)", " in (1, 2, 3), 1, 0)", 48);
    // A list is compared with once, and doubles nothing.
    assert_eq!(errors(&format!("metric m = {among}\n")), []);
    let between = nested("if(", "x", " between 0 and 1, 1, 0)", 48);
    assert_eq!(errors(&format!("metric m = sum({between} from e)\n")), [codes::E0335]);
    let member = nested("cast(cast(", "s", " as enum(\"a\", \"b\")) as enum(\"a\"))", 48);
    assert_eq!(errors(&format!("metric m = distinct({member} from e)\n")), [codes::E0335]);
}

/// The check lets these pass: only the SQL of an engine gets large.
#[test]
fn what_only_doubles_in_sql_is_not_built() {
    for row in
        [nested("cast(cast(", "x", " as decimal(10,2)) as int)", 40), nested("if(", "x", " in (1, 2, 3), 1, 0)", 40)]
    {
        assert_eq!(errors(&format!("metric m = sum({row} from e) {{ grain: 1d }}\n")), [], "{row}");
    }
}

#[test]
fn cycles_are_told_whatever_they_go_through() {
    let cycle = |text: &str| errors(text);
    assert_eq!(cycle("metric a = b\nmetric b = c\nmetric c = a\n"), [codes::E0211]);
    assert_eq!(cycle("subset a = b\nsubset b = a where b\nmetric m = count(a)\n"), [codes::E0211]);
    let entity = |name: &str, other: &str| {
        format!(
            "entity {name} {{\n  table: \"{name}\"\n  key: k\n  column k: string\n  column to: {other}?\n  column v: int? = to.v\n}}\n"
        )
    };
    let two = format!("{}{}", entity("left", "right"), entity("right", "left"));
    assert_eq!(cycle(&two), [codes::E0211]);
    let ring = chain(300, &entity("n0", "n299"), |a, b| entity(&format!("n{a}"), &format!("n{b}")));
    assert_eq!(cycle(&ring), [codes::E0211]);
}

#[test]
fn texts_in_sql_are_not_tried_in_all_ways() {
    for open in
        ["NOT (", "POSITION(", "SUBSTRING(", "CAST(", "ARRAY[", "CASE WHEN 1 THEN ", "INTERVAL ", "x -> ", "Array("]
    {
        let text = format!("metric m = count(e where sql(\"clickhouse\": \"{}#\") as bool)\n", open.repeat(5_000));
        assert_eq!(errors(&text), [codes::E0327], "{open}");
    }
}
