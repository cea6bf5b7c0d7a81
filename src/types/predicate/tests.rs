//! Which conditions are warned of, and which are not.

use crate::diagnostic::Diagnostics;
use crate::types::RowExpr;
use crate::types::testing::{codes, condition, condition_codes};

use super::inspect_filters;

#[test]
fn sound_conditions_are_left_alone() {
    for text in [
        "platform = \"ios\" or platform = \"web\"",
        "items > 3 and items < 5",
        "items >= 3 and items <= 3",
        "score > 3 and score < 4",
        "pay between 1 and 2.5",
        "pay between 2 and 2",
        "feature is not null and feature != \"a\"",
        "feature is null or feature = \"a\"",
        "ok = true",
        "maybe ?? false",
        "platform != \"ios\" and platform != \"web\"",
        "platform in (\"ios\", \"web\") and platform != \"web\"",
        "feature like \"a\\\\_b%\"",
        "items > 5 and score < 3",
        "items > 0.5",
        "not (items > 3 and note = \"a\")",
        "user_id = \"a\" and inviter_id = \"b\"",
        "case when ok then items > 3 else items < 2 end",
        "paid_at - time < 1d and paid_at - time >= 1h",
    ] {
        assert_eq!(condition_codes(text), "", "{text}");
    }
}

#[test]
fn contradictions() {
    for text in [
        "platform = \"ios\" and platform = \"web\"",
        "items > 5 and items < 3",
        "items > 3 and items < 4",
        "items >= 3 and items < 3",
        "score > 3 and score <= 3",
        "5 < items and items = 4",
        "pay > 2.5 and pay < 2.49",
        "platform in (\"ios\", \"web\") and platform = \"api\"",
        "platform != \"ios\" and platform != \"web\" and platform not in (\"android\", \"api\")",
        "feature = \"a\" and feature is null",
        "feature is null and feature is not null",
        "not items > 3 and items > 4",
        "feature = \"a\" and note = \"b\" and feature in (\"b\", \"c\")",
        "items between 1 and 3 and items between 5 and 7",
        "items = 5 and items != 5",
        "ok or items > 3 and items < 2",
        "lower(note) = \"a\" and lower(note) = \"b\"",
        "time < timestamp(\"2026-01-01 00:00:00\") and time > timestamp(\"2026-06-01 00:00:00\")",
        "day = date(\"2026-01-01\") and day = date(\"2026-01-02\")",
        "ok = true and ok = false",
        "user_id = \"a\" and user_id = \"b\"",
    ] {
        assert_eq!(condition_codes(text), "W0301", "{text}");
    }
}

#[test]
fn the_other_side_of_a_contradiction_is_shown() {
    let (_, d) = condition("items > 5 and ok and items < 3");
    let found = d.iter().next().unwrap();
    assert_eq!(found.related.len(), 1);
    assert!(found.span.unwrap().start > found.related[0].span.start);
}

#[test]
fn constants() {
    for text in [
        "1 = 1",
        "\"a\" != \"a\"",
        "true",
        "items > 3 and true",
        "items = items",
        "1h < 2h",
        "5 in (1, 2)",
        "platform in (\"web\", \"ios\", \"android\", \"api\")",
        "items = 0.5",
        "items != 1.5",
        "false or ok",
    ] {
        assert_eq!(condition_codes(text), "W0302", "{text}");
    }
}

#[test]
fn null_tests_lists_ranges_patterns() {
    for (text, code) in [
        ("note is null", "W0303"),
        ("platform is not null", "W0303"),
        ("platform in (\"ios\", \"web\", \"ios\")", "W0304"),
        ("items in (1, 2, 1)", "W0304"),
        ("items between 5 and 3", "W0305"),
        ("pay between 2.5 and 1", "W0305"),
        ("note like \"abc\"", "W0306"),
        ("note like \"a\\\\%c\"", "W0306"),
        ("(note ?? \"a\") = \"b\"", "W0307"),
        ("coalesce(feature, note, \"x\") = \"b\"", "W0307"),
    ] {
        assert_eq!(condition_codes(text), code, "{text}");
    }
}

#[test]
fn branches_that_are_never_taken() {
    assert_eq!(codes("case when ok then 1 when ok then 2 else 3 end"), "W0308");
    assert_eq!(codes("case when items > 3 then 1 when items > 2 then 2 else 3 end"), "");
    assert_eq!(codes("if(items > 3 and items < 2, 1, 0)"), "W0301");
}

/// The codes of several filters of the same rows together.
fn together(filters: &[&str]) -> Vec<&'static str> {
    let typed: Vec<RowExpr> = filters.iter().filter_map(|text| condition(text).0).collect();
    assert_eq!(typed.len(), filters.len());
    let mut d = Diagnostics::new();
    inspect_filters(&typed, &mut d);
    d.iter().map(|found| found.code.0).collect()
}

#[test]
fn filters_of_a_subset_and_of_its_use_are_seen_together() {
    assert_eq!(together(&["platform = \"ios\"", "items > 3", "platform = \"web\""]), ["W0301"]);
    assert!(together(&["platform = \"ios\"", "items > 3"]).is_empty());
    let alone = "items > 3 and items < 2";
    assert!(together(&["ok", alone]).is_empty(), "said where it is written");
    assert!(together(&[alone, "ok"]).is_empty(), "said where it is written");
}
