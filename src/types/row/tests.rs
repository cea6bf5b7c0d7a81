//! Names, paths, `time`, and the forms that have no place over rows.

use crate::types::testing::{WORLD, codes, condition_codes, form, help, row, row_of, shape, show, tables, ty};
use crate::types::{RowExpr, RowExprKind};

#[test]
fn names_are_columns_and_paths_go_through_entities() {
    for (text, expected) in [
        ("platform", "enum(\"web\", \"ios\", \"android\", \"api\")"),
        ("user_id", "user?"),
        ("user_id.registered_at", "timestamp?"),
        ("user_id.channel.kind", "string?"),
        ("shop_id.name", "string?"),
        ("shop_id.shop_id", "int?"),
        ("event.platform", "enum(\"web\", \"ios\", \"android\", \"api\")"),
        ("event.user_id.channel", "channel?"),
        ("time", "timestamp"),
    ] {
        assert_eq!(ty(text), expected, "{text}");
    }
    assert_eq!(form("user_id.channel.kind"), "user_id.channel.kind");
    assert!(matches!(row("time").0, Some(RowExpr { kind: RowExprKind::Time, .. })));
}

#[test]
fn unknown_names_are_told_with_a_way_out() {
    assert_eq!(help("platfrom"), "did you mean `platform`?");
    assert_eq!(help("registered_at"), "did you mean `user_id.registered_at`?");
    assert_eq!(help("user_id.registred_at"), "did you mean `registered_at`?");
    assert_eq!(help("event.platfrm"), "did you mean `platform`?");
    let (_, d) = row("user_id.channel.nonsense");
    let found = d.iter().next().unwrap();
    assert_eq!(found.message, "`channel` leads to `channel`, which has no column `nonsense`");
    assert_eq!(codes("nonsense + more"), "E0301 E0301");
}

#[test]
fn a_path_needs_an_entity() {
    assert_eq!(codes("note.length"), "E0321");
    assert_eq!(help("props.price"), "take an element: `props[\"price\"]`");
    assert_eq!(codes("user_id.birth_year.x"), "E0321");
}

#[test]
fn time_is_the_rows_time_and_nothing_else() {
    let (typed, _) = row_of("plain", "time");
    assert_eq!(show(&typed.unwrap().ty), "string", "a table without a time has an ordinary column of that name");
    let (typed, d) = row_of("clocked", "time");
    assert!(typed.is_none() && d.iter().all(|found| found.code.0 == "E0322"), "{d:?}");
    let (typed, _) = row_of("clocked", "clocked.time");
    assert_eq!(shape(&typed.unwrap(), &tables(WORLD)), "time");
    let (typed, d) = row_of("user", "time");
    assert!(typed.is_none() && d.iter().all(|found| found.code.0 == "E0322"), "{d:?}");
}

#[test]
fn forms_of_metrics_have_no_place() {
    for text in ["time@month", "platform v2 = \"ios\""] {
        assert_eq!(codes(text), "E0323", "{text}");
    }
    assert_eq!(codes("(dau per user_id) > 3"), "E0651");
}

#[test]
fn a_condition_is_true_or_false() {
    assert_eq!(condition_codes("items"), "E0308");
    assert_eq!(condition_codes("note"), "E0308");
    assert_eq!(condition_codes("ok"), "");
    assert_eq!(condition_codes("not (user_id.is_abnormal ?? false)"), "");
}

#[test]
fn literals_are_read_exactly() {
    for (text, expected) in [
        ("1_000", "1000"),
        ("0.10", "10:decimal(2,2)"),
        ("12.5%", "125:decimal(3,3)"),
        ("9223372036854775808", "9223372036854775808:decimal(19,0)"),
        ("date(\"2026-11-01\")", "Date(20758):date"),
        ("timestamp(\"2026-11-01 08:00:00\")", "Timestamp(1793491200000):timestamp"),
        ("timestamp(\"2026-11-01 08:00\")", "Timestamp(1793491200000):timestamp"),
        ("timestamp(\"2026-11-01 08:00:00.25\")", "Timestamp(1793491200250):timestamp"),
        ("1h", "Duration(3600000):duration"),
        ("2w", "Duration(1209600000):duration"),
    ] {
        assert_eq!(form(text), expected, "{text}");
    }
    for text in [
        "date(\"2026-02-30\")",
        "date(\"2026-2-3\")",
        "date(\"二〇二六年十\")",
        "timestamp(\"2026-11-01\")",
        "timestamp(\"2026-11-01 25:00:00\")",
        "timestamp(\"2026-11-01 08:00:00.1234\")",
        "timestamp(\"2026-11-01 8:00\")",
        "timestamp(\"2026-11-01 08:00:60\")",
        "timestamp(\"\")",
    ] {
        assert_eq!(codes(text), "E0318", "{text}");
    }
    assert_eq!(
        help("timestamp(\"2026-11-01\")"),
        "write `timestamp(\"2026-11-01 00:00:00\")`, or `date(\"2026-11-01\")` for the day"
    );
    assert_eq!(codes("123456789012345678901234567890123456789"), "E0316");
    assert_eq!(codes("0.123456789012345678901234567890123456789"), "E0316");
    assert_eq!(codes("3month"), "E0319");
}

#[test]
fn sql_texts_are_parsed_and_their_columns_resolved() {
    let text = "sql(\"clickhouse\": \"concat(note, user_id.phone, note)\", \"datafusion\": \"items + 1\") as string";
    let (typed, d) = row(text);
    assert!(d.is_empty(), "{d:?}");
    let typed = typed.unwrap();
    assert_eq!(show(&typed.ty), "string pii");
    let RowExprKind::Sql { variants, arguments } = &typed.kind else { panic!("{typed:?}") };
    assert_eq!(variants[0], ("clickhouse".to_owned(), "concat({0}, {1}, {0})".to_owned()));
    assert_eq!(variants[1], ("datafusion".to_owned(), "{2} + 1".to_owned()));
    let names: Vec<String> = arguments.iter().map(|argument| shape(argument, &tables(WORLD))).collect();
    assert_eq!(names, ["note", "user_id.phone", "items"]);
    assert_eq!(
        form("sql(\"clickhouse\": \"arrayMap(x -> x || note, tags)\") as string?"),
        "[(\"clickhouse\", \"arrayMap(x -> x || {0}, {1})\")](note, tags)"
    );
    assert_eq!(form("sql(\"clickhouse\": \"toHour(time)\") as int"), "[(\"clickhouse\", \"toHour({0})\")](time)");
    assert_eq!(ty("sql(\"clickhouse\": \"1\") as int"), "int any");
}

#[test]
fn sql_texts_that_can_not_be() {
    for text in ["\"clickhous\": \"1\"", "\"clickhouse\": \"1\", \"clickhouse\": \"2\""] {
        assert_eq!(codes(&format!("sql({text}) as int")), "E0326", "{text}");
    }
    for text in [
        "lower(note",
        "1; drop table x",
        "(select 1)",
        "sum(items)",
        "count(*)",
        "now()",
        "row_number() over ()",
        "note = '{0}'",
        "items in (select 1)",
    ] {
        assert_eq!(codes(&format!("sql(\"clickhouse\": \"{text}\") as int")), "E0327", "{text}");
    }
    assert_eq!(codes("sql(\"clickhouse\": \"lower(nte)\") as string"), "E0301");
}

#[test]
fn what_is_wrong_in_a_sql_text_is_shown_where_it_stands() {
    for (text, shown) in [
        ("items + max(items)", "max"),
        ("lower(nte)", "nte"),
        ("note = 'é' and rand() > 1", "rand"),
        ("lower(user_id.phon)", "phon"),
        ("arrayExists(note -> 1, tags)", "note"),
        ("items > ?", "?"),
    ] {
        let expr = format!("sql(\"clickhouse\": \"{text}\") as int");
        let (_, d) = row(&expr);
        let span = d.iter().next().and_then(|found| found.span).unwrap();
        let source = format!("metric m = sum({expr} from event)\n");
        assert_eq!(&source[span.start as usize..span.end as usize], shown, "{text}");
    }
}
