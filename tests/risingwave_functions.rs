//! Expressions in the dialect of RisingWave: every function is printed or refused with a reason, and what is printed is of PostgreSQL's
//! grammar. No RisingWave runs here.

mod support;

use metricc::plan::{DataType, Encoding, StoredColumn, Value, WeekStart};
use metricc::sql::{self, Calendar, RISINGWAVE, Scalars, build};
use serde_json::json;
use support::{calls, pglast, provision, python};

/// An expression as a query.
fn query(expression: &str) -> String {
    format!("SELECT {expression} AS v FROM rows AS b")
}

#[test]
fn every_function_is_printed_or_refused_with_a_reason() {
    let mut shown = String::new();
    let mut refused = Vec::new();
    for case in calls::all() {
        let said = calls::said(&case, &RISINGWAVE, chrono_tz::Asia::Shanghai);
        if let Ok(made) = &said {
            sql::reparse(&query(made), &RISINGWAVE).unwrap_or_else(|error| panic!("{error}\n{made}"));
        }
        let text = said.unwrap_or_else(|reason| {
            refused.push(case.function);
            reason
        });
        shown.push_str(&format!("{}\n    {text}\n", calls::words(&case)));
    }
    refused.dedup();
    insta::with_settings!({ snapshot_path => "../snapshots/sql", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("functions.risingwave", shown);
    });
    // Those that have no case which is printed.
    let printed: Vec<_> = calls::all()
        .into_iter()
        .filter(|case| calls::said(case, &RISINGWAVE, chrono_tz::Asia::Shanghai).is_ok())
        .map(|case| case.function)
        .collect();
    refused.retain(|function| !printed.contains(function));
    let words: Vec<String> = refused.iter().map(|function| format!("{function:?}")).collect();
    assert_eq!(words, ["Power", "Erfc", "ChiSquaredTail", "Lower", "Upper", "JsonValue", "Hash"]);
}

#[test]
fn where_clocks_change_buckets_and_local_times_are_refused() {
    let zone = chrono_tz::America::New_York;
    let refused: Vec<String> = calls::all()
        .iter()
        .filter(|case| calls::said(case, &RISINGWAVE, chrono_tz::Asia::Shanghai).is_ok())
        .filter_map(|case| Some((calls::words(case), calls::said(case, &RISINGWAVE, zone).err()?)))
        .map(|(words, reason)| {
            assert!(reason.contains("clocks"), "{words}: {reason}");
            words
        })
        .collect();
    let steps = ["6h", "1d", "1w", "1month", "1quarter", "1year"];
    let mut expected: Vec<String> =
        steps.iter().map(|step| format!("Truncate(t, String(\"{step}\")) timestamp")).collect();
    expected.extend(["Cast(s) timestamp", "Cast(day) timestamp"].map(str::to_owned));
    assert_eq!(refused, expected);
}

#[test]
fn what_is_printed_is_of_the_grammar_of_postgresql() {
    support::engine!("pglast");
    let said = |case| calls::said(case, &RISINGWAVE, chrono_tz::Asia::Shanghai).ok();
    let queries: Vec<String> = calls::all().iter().filter_map(said).map(|made| query(&made)).collect();
    assert!(queries.len() > 100, "{}", queries.len());
    assert_eq!(pglast::refused(&queries), []);
}

#[test]
fn names_are_names_for_postgresql_too() {
    support::engine!("pglast");
    let words = sqlparser::keywords::ALL_KEYWORDS.iter().map(|word| word.to_lowercase());
    let odd = ["活跃用户", "a b", "a\"b", "1st", "A", "it's", "window_start"].map(str::to_owned);
    let queries: Vec<String> = words
        .chain(odd)
        .map(|word| {
            let name = || RISINGWAVE.identifier(&word);
            let from = build::table(sqlparser::ast::ObjectName::from(vec![name()]), "b");
            let column = build::column("b", name());
            let bare = sqlparser::ast::Expr::Identifier(name());
            let projection = vec![build::item(column, name()), build::item(bare, build::ident("x"))];
            build::Parts { projection, from: Some(from), ..build::Parts::default() }.query().to_string()
        })
        .collect();
    assert_eq!(pglast::refused(&queries), []);
}

#[test]
fn strings_read_back_as_they_are() {
    let calendar = Calendar { zone: chrono_tz::UTC, week_start: WeekStart(chrono::Weekday::Mon) };
    for content in ["it's", "''", "a''b'", "\\'", "\\''x", "line\nbreak", "\n", "'''"] {
        let literal = RISINGWAVE.literal(&Value::String(content.to_owned()), &DataType::String, calendar);
        let projection = vec![build::item(literal, build::ident("x"))];
        let text = sql::to_text(&build::Parts { projection, ..build::Parts::default() }.query(), &RISINGWAVE);
        let read = sql::reparse(&text, &RISINGWAVE).expect("a query");
        let sqlparser::ast::Statement::Query(read) = read else { panic!("{text}") };
        let sqlparser::ast::SetExpr::Select(select) = *read.body else { panic!("{text}") };
        let [sqlparser::ast::SelectItem::ExprWithAlias { expr, .. }] = select.projection.as_slice() else {
            panic!("{text}")
        };
        assert_eq!(*expr, build::text(content), "{text}");
    }
}

/// The patterns that the member of a column is matched with, wherever it is made.
fn patterns(ty: DataType, encoding: Encoding) -> Vec<String> {
    let calendar = Calendar { zone: chrono_tz::Asia::Shanghai, week_start: WeekStart(chrono::Weekday::Mon) };
    let column = StoredColumn { name: "amount".to_owned(), ty, nullable: true, encoding, domain: Vec::new() };
    let how = RISINGWAVE.intake().expect("an intake");
    let steps = how.steps(&[column], build::ident_expr("raw"), calendar).expect("can be read");
    let made: String = steps.iter().flatten().map(|(_, made)| format!("{made}\n")).collect();
    let quoted = made.split(" ~ '").skip(1).chain(made.split("regexp_match(raw, '").skip(1));
    quoted.filter_map(|rest| rest.split('\'').next()).map(str::to_owned).collect()
}

/// Python's expressions are those of Rust here, but for the word for the end of the text.
const SEARCH: &str = r#"
import json, re, sys
print(json.dumps([re.search(p.replace(r"\z", r"\Z"), t) is not None for p, t in json.load(sys.stdin)]))
"#;

#[test]
fn members_are_matched_as_the_intake_of_the_warehouse_matches_them() {
    support::engine!("pglast");
    let decimal = DataType::Decimal { precision: 18, scale: 2 };
    let of_decimal = patterns(decimal, Encoding::Native);
    // A whole number, few digits twice (of what was found, and of what JSON prints), the decimal, and the number in the message.
    let [whole, few, few_again, fits, found] = of_decimal.as_slice() else { panic!("{of_decimal:?}") };
    assert_eq!(few, few_again);
    let of_clock = patterns(DataType::Timestamp, Encoding::Native);
    let [with_offset, local] = of_clock.as_slice() else { panic!("{of_clock:?}") };
    let cases = [
        (fits, "12.50", true),
        (fits, "12.505", false),
        (fits, "12.500000", true),
        (fits, "1234567890123456.99", true),
        (fits, "12345678901234567.00", false),
        (fits, "0000000000000000000000000000001.5", true),
        (fits, "1,5", false),
        (fits, ".5", false),
        (fits, "1e3", false),
        (fits, "", false),
        (whole, "-12", true),
        (whole, "1.0", false),
        (few, "-0.00000000000001", true),
        (few, "1234567890.123456", false),
        (found, "{\"amount\" : -12.50}", true),
        (found, "{\"amount\":\"12.50\"}", false),
        (with_offset, "2026-11-01T04:00:00.123Z", true),
        (with_offset, "2026-11-01 04:00:00+08:00", true),
        (with_offset, "2026-11-01 24:00:00Z", false),
        (local, "2026-11-01 12:00:00.123456789", true),
        (local, "2026-11-01", false),
        (local, "2026-11-01 12:00:00Z", false),
    ];
    let input: Vec<_> = cases.iter().map(|(pattern, text, _)| json!([pattern, text])).collect();
    let interpreter = provision::pglast().unwrap_or_else(|error| panic!("{error}"));
    let told = python::run(interpreter, SEARCH, &json!(input)).unwrap_or_else(|error| panic!("{error}"));
    for ((pattern, text, expected), told) in cases.iter().zip(told.as_array().expect("a list")) {
        assert_eq!(told.as_bool(), Some(*expected), "{text} by {pattern}");
    }
}
