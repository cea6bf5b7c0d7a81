//! What operators take, give and refuse.

use crate::diagnostic::{Diagnostics, Spanned};
use crate::syntax::ast::{BinaryOp, ExprKind};
use crate::types::testing::{WORLD, codes, expr, form, help, row, show, tables, ty};
use crate::types::{Formula, FormulaKind, MetricId, Type, Unit, ValueType};

use super::Ops;

#[test]
fn literals_take_the_type_and_unit_of_the_other_side() {
    for (text, expected) in [
        ("items > 5", "Greater(items, 5)"),
        ("pay > 5", "Greater(pay, 500:decimal(18,2))"),
        ("pay > 5.125", "Greater(pay, 5125:decimal(19,3))"),
        ("score > 5", "Greater(score, Float(5.0):float)"),
        ("score > 0.1", "Greater(score, Float(0.1):float)"),
        ("ratio < 0.5%", "Less(ratio, Float(0.005):float)"),
        ("platform = \"ios\"", "Equal(platform, \"ios\")"),
        ("user_id = \"u1\"", "Equal(user_id, \"u1\")"),
        ("shop_id = 7", "Equal(shop_id, 7)"),
        ("items > -5", "Greater(items, -5)"),
        ("items > 60 * 1000", "Greater(items, 60000)"),
        ("-9223372036854775808 < items", "Less(-9223372036854775808, items)"),
        ("pay in (1, 2.5)", "In(pay, 100:decimal(18,2), 250:decimal(18,2))"),
    ] {
        assert_eq!(form(text), expected, "{text}");
    }
}

#[test]
fn a_literal_with_a_fraction_makes_an_int_a_decimal() {
    assert_eq!(form("items > 0.5"), "Greater(Cast(items as decimal(20,1)), 5:decimal(20,1))");
    assert_eq!(ty("items + 0.5"), "decimal(21,1)");
    assert_eq!(ty("items * 0.5"), "decimal(20,1)");
}

#[test]
fn different_types_do_not_compare() {
    for text in [
        "note > 5",
        "items = pay",
        "items = score",
        "pay > score",
        "ok = 1",
        "platform = feature",
        "platform = client",
        "paid_at > day",
        "paid_at > \"2026-01-01\"",
        "infer > 5",
        "user_id = note",
        "note between 1 and 2",
        "items in (1, \"a\")",
        "nullif(items, note)",
    ] {
        assert_eq!(codes(text), "E0305", "{text}");
    }
    assert_eq!(codes("user_id = shop_id"), "E0331");
    assert_eq!(codes("user_id = inviter_id"), "");
    assert_eq!(codes("pay = fee"), "", "decimals of different digits compare");
}

#[test]
fn the_help_says_what_to_write() {
    for (text, expected) in [
        ("paid_at > \"2026-01-01\"", "write `timestamp(\"2026-01-01\")`"),
        ("day > \"2026-01-01\"", "write `date(\"2026-01-01\")`"),
        ("items > \"5\"", "write the number without quotes: `5`"),
        ("items = pay", "cast the int: `cast(x as decimal(18,2))`"),
        ("score = pay", "cast the other side: `cast(x as float)`"),
        ("paid_at > day", "take the day of the timestamp with `date(…)`"),
        ("platform = feature", "make both strings: `cast(x as string)`"),
        ("ok = 1", "make a number of the bool: `if(x, 1, 0)`"),
        ("platform = \"iso\"", "did you mean `ios`?"),
        ("platform = \"desktop\"", "the values are `web`, `ios`, `android`, `api`"),
        ("concat(note, note) + note", "put texts together with `concat(a, b)`"),
    ] {
        assert_eq!(help(text), expected, "{text}");
    }
}

#[test]
fn enums_take_only_their_values_and_have_no_order() {
    assert_eq!(codes("platform in (\"ios\", \"desktop\", \"tv\")"), "E0314 E0314");
    assert_eq!(codes("platform != \"desktop\""), "E0314");
    assert_eq!(codes("platform > \"ios\""), "E0332");
    assert_eq!(codes("platform between \"a\" and \"b\""), "E0332");
    assert_eq!(codes("greatest(platform, client)"), "E0332");
    assert_eq!(ty("platform ?? \"none\""), "enum(\"web\", \"ios\", \"android\", \"api\", …)");
    assert_eq!(codes("(platform ?? \"none\") = \"none\""), "W0307");
}

#[test]
fn nothing_compares_with_null() {
    for text in ["feature = null", "null != feature", "feature in (\"a\", null)", "items between null and 5"] {
        assert_eq!(codes(text), "E0315", "{text}");
    }
    assert_eq!(ty("feature is null"), "bool");
}

#[test]
fn maps_and_arrays_do_not_compare() {
    assert_eq!(codes("props = props"), "E0332");
    assert_eq!(codes("tags = tags"), "E0332");
    assert_eq!(codes("props[\"a\"] = \"b\""), "");
}

#[test]
fn sums_of_numbers() {
    for (text, expected) in [
        ("items + 1", "int"),
        ("1 + 2", "int any"),
        ("pay + fee", "decimal(21,4)? CNY"),
        ("pay - 1", "decimal(19,2)? CNY"),
        ("fee + 0.5", "decimal(19,4) CNY"),
        ("score - 1", "float"),
        ("-fee", "decimal(18,4) CNY"),
        ("-infer", "duration?"),
    ] {
        assert_eq!(ty(text), expected, "{text}");
    }
    for text in ["items + pay", "items + score", "pay + note", "ok + 1", "props + 1", "note + note", "paid_at + 5"] {
        assert_eq!(codes(text), "E0306", "{text}");
    }
    assert_eq!(codes("wide + cast(note as decimal(38,0))"), "E0317");
    assert_eq!(codes("items + 99999999999999999999"), "E0316");
}

#[test]
fn products_and_quotients() {
    for (text, expected) in [
        ("pay * 2", "decimal(19,2)? CNY"),
        ("2 * pay", "decimal(19,2)? CNY"),
        ("pay * fee", "decimal(36,6)? CNY^2"),
        ("pay * items", "decimal(37,2)? CNY"),
        ("pay * score", "float? CNY"),
        ("items * items", "int"),
        ("infer * 2", "duration?"),
        ("2 * infer", "duration?"),
        ("pay / cost", "float? CNY/quota"),
        ("pay / fee", "float?"),
        ("items / 2", "float"),
        ("items / 0", "float?"),
        ("items / items", "float?"),
        ("1 / fee", "float? 1/CNY"),
        ("infer / 1s", "float?"),
        ("1h / 1s", "float"),
        ("items % 7", "int"),
        ("items % items", "int?"),
        ("pay % fee", "decimal(20,4)? CNY"),
        ("0.5 * 0.5", "decimal(2,2) any"),
    ] {
        assert_eq!(ty(text), expected, "{text}");
    }
    assert_eq!(form("pay * items"), "Multiply(pay, Cast(items as decimal(19,0)))");
    assert_eq!(form("pay * score"), "Multiply(Cast(pay as float), score)");
    assert_eq!(form("pay * 0.5"), "Multiply(pay, 5:decimal(1,1))");
    for text in ["note * 2", "score % 2", "5 / infer", "infer * infer", "infer * 1.5", "-note", "ok / 2", "paid_at * 2"]
    {
        assert_eq!(codes(text), "E0307", "{text}");
    }
    assert_eq!(codes("wide * wide"), "E0317");
    assert_eq!(codes("wide * 2"), "E0317");
}

#[test]
fn time_arithmetic() {
    for (text, expected) in [
        ("paid_at + 1h", "timestamp?"),
        ("1h + paid_at", "timestamp?"),
        ("paid_at - 1d", "timestamp?"),
        ("paid_at - time", "duration?"),
        ("time - timestamp(\"2026-11-01 08:00:00\")", "duration"),
        ("day - due", "duration?"),
        ("day + 7d", "date"),
        ("1w + day", "date"),
        ("infer + 5m", "duration?"),
    ] {
        assert_eq!(ty(text), expected, "{text}");
    }
    for text in ["paid_at + paid_at", "day + day", "1h - paid_at", "day + 1", "paid_at - day", "infer + 1"] {
        assert_eq!(codes(text), "E0306", "{text}");
    }
    for text in ["day + 12h", "day - infer"] {
        assert_eq!(codes(text), "E0320", "{text}");
    }
    assert_eq!(codes("paid_at - time > 1month"), "E0319");
}

#[test]
fn units_must_agree_where_values_meet() {
    for text in [
        "pay + cost",
        "pay > cost",
        "pay + items * 0.5",
        "coalesce(pay, cost)",
        "pay in (cost)",
        "pay > 5%",
        "case when ok then pay else cost end",
        "least(pay, cost)",
        "pay between cost and 5",
        "pay % cost",
    ] {
        assert_eq!(codes(text), "E0402", "{text}");
    }
    assert_eq!(ty("coalesce(pay, 0)"), "decimal(18,2) CNY");
    assert_eq!(ty("pay / fee + 5%"), "float?");
    assert_eq!(ty("if(ok, pay, null)"), "decimal(18,2)? CNY");
}

#[test]
fn conditions_are_bools() {
    for text in ["items and ok", "ok or note", "not items", "case when items then 1 else 2 end", "if(note, 1, 2)"] {
        assert_eq!(codes(text), "E0308", "{text}");
    }
    assert_eq!(codes("items and note"), "E0308 E0308");
    assert_eq!(ty("ok and maybe"), "bool?");
    assert_eq!(form("ok and maybe and items > 1"), "And(ok, maybe, Greater(items, 1))");
    assert_eq!(form("ok or maybe and items > 1 or ok"), "Or(ok, And(maybe, Greater(items, 1)), ok)");
}

#[test]
fn results_of_a_choice_have_one_type() {
    for (text, expected) in [
        ("case when ok then 1 when maybe then 2.5 end", "decimal(2,1)? any"),
        ("case when ok then items else 0 end", "int"),
        ("if(ok, pay, fee)", "decimal(20,4)? CNY"),
        ("feature ?? \"none\"", "string"),
        ("feature ?? note", "string"),
        ("coalesce(feature, feature)", "string?"),
        ("least(paid_at, time)", "timestamp"),
        ("greatest(paid_at, null)", "timestamp?"),
        ("nullif(note, \"\")", "string?"),
        ("maybe ?? false", "bool"),
        ("case when ok then null else null end", "null? any"),
    ] {
        assert_eq!(ty(text), expected, "{text}");
    }
    for text in
        ["case when ok then items else note end", "if(ok, items, pay)", "feature ?? 5", "coalesce(platform, note)"]
    {
        assert_eq!(codes(text), "E0309", "{text}");
    }
    assert_eq!(codes("if(ok, user_id, shop_id)"), "E0331");
    assert_eq!(form("if(ok, pay, fee)"), "case ok -> Cast(pay as decimal(20,4)) else Cast(fee as decimal(20,4))");
}

#[test]
fn casts() {
    for (text, expected) in [
        ("cast(note as int)", "int? any"),
        ("cast(note as decimal(18,2))", "decimal(18,2)? any"),
        ("cast(items as decimal(18,2))", "decimal(18,2)?"),
        ("cast(items as decimal(21,2))", "decimal(21,2)"),
        ("cast(pay as float)", "float? CNY"),
        ("cast(fee as decimal(20,4))", "decimal(20,4) CNY"),
        ("cast(fee as decimal(18,2))", "decimal(18,2)? CNY"),
        ("cast(platform as string)", "string"),
        ("cast(items as string)", "string"),
        ("cast(time as date)", "date"),
        ("cast(due as timestamp)", "timestamp?"),
        ("cast(ok as int)", "int"),
        ("cast(note as enum(\"a\", \"b\"))", "enum(\"a\", \"b\")?"),
        ("cast(note as user)", "user"),
        ("cast(user_id as string)", "string?"),
        ("cast(5 as decimal(18,2))", "decimal(18,2) any"),
    ] {
        assert_eq!(ty(text), expected, "{text}");
    }
    assert_eq!(form("cast(platform as string)"), "platform", "an enum is a string already");
    assert_eq!(form("cast(time as date)"), "DateOf(time)");
    assert_eq!(form("cast(note as enum(\"a\", \"b\"))"), "case In(note, \"a\", \"b\") -> note");
    for text in [
        "cast(paid_at as int)",
        "cast(infer as int)",
        "cast(ok as decimal(18,2))",
        "cast(items as bool)",
        "cast(items as timestamp)",
        "cast(props as string)",
        "cast(note as array(string))",
        "cast(note as duration)",
    ] {
        assert_eq!(codes(text), "E0325", "{text}");
    }
    assert_eq!(codes("cast(note as timestamp(ms))"), "E0303");
    assert_eq!(codes("cast(note as strng)"), "E0302");
}

#[test]
fn patterns_of_like() {
    assert_eq!(ty("feature like \"a%\""), "bool?");
    assert_eq!(ty("platform not like \"a%\""), "bool");
    assert_eq!(codes("items like \"a%\""), "E0312");
    assert_eq!(codes("note like \"a\\\\\""), "E0329");
}

#[test]
fn a_long_chain_is_typed() {
    let text = vec!["items"; 200].join(" + ");
    assert_eq!(ty(&text), "int");
    let text = vec!["ok"; 200].join(" and ");
    assert_eq!(ty(&text), "bool");
}

/// The type of `text` where `to` (with `unit`) is declared, or the codes.
fn assigned(text: &str, to: &str, unit: Option<&str>) -> String {
    let tables = tables(WORLD);
    let ops = Ops::new(&tables, chrono_tz::UTC);
    let mut d = Diagnostics::new();
    let ExprKind::Cast { ty: to, .. } = expr(&format!("cast(note as {to})")).kind else { panic!("{to}") };
    let (to, _) = ops.written_type(&to, &mut d).unwrap();
    let unit = unit.map_or(Unit::none(), Unit::named);
    match ops.assign(row(text).0.unwrap(), &to, &unit, &mut d) {
        Some(typed) => show(&typed.ty),
        None => d.iter().map(|found| found.code.0).collect::<Vec<_>>().join(" "),
    }
}

#[test]
fn values_of_a_declared_type() {
    let new_or_old = "enum(\"new\", \"old\")";
    for (text, to, unit, expected) in [
        ("case when ok then \"new\" else \"old\" end", new_or_old, None, "enum(\"new\", \"old\")"),
        ("case when ok then \"new\" when maybe then \"old\" end", new_or_old, None, "enum(\"new\", \"old\")?"),
        ("case when ok then \"newer\" else \"elder\" end", new_or_old, None, "E0314 E0314"),
        ("note", new_or_old, None, "E0506"),
        ("platform", new_or_old, None, "E0506"),
        ("client", "enum(\"web\", \"ios\", \"tv\")", None, "enum(\"web\", \"ios\", \"tv\")"),
        ("platform", "string", None, "string"),
        ("feature", "user", None, "user?"),
        ("shop_id", "user", None, "E0506"),
        ("items", "shop", None, "shop"),
        ("5", "decimal(18,2)", Some("CNY"), "decimal(18,2) CNY"),
        ("0.005", "decimal(18,2)", None, "E0506"),
        ("5", "float", None, "float"),
        ("items", "decimal(20,2)", None, "E0506"),
        ("pay", "decimal(20,4)", Some("CNY"), "decimal(20,4)? CNY"),
        ("pay", "decimal(18,2)", None, "E0405"),
        ("fee", "decimal(18,2)", None, "E0506"),
        ("pay", "decimal(18,2)", Some("quota"), "E0405"),
        ("cast(note as decimal(18,2))", "decimal(18,2)", Some("CNY"), "decimal(18,2)? CNY"),
        ("null", "date", None, "date?"),
        ("time", "date", None, "E0506"),
    ] {
        assert_eq!(assigned(text, to, unit), expected, "{text} as {to}");
    }
}

#[test]
fn aggregates_count_only_the_digits_behind_the_point() {
    let span = row("1").0.unwrap().span;
    let sum = |scale| Formula {
        kind: FormulaKind::Metric(MetricId(0)),
        ty: ValueType::plain(Type::Decimal { precision: 38, scale }),
        span,
    };
    let ops = Ops::new(&[], chrono_tz::UTC);
    let mut d = Diagnostics::new();
    let binary =
        |op, l: Formula, r, d: &mut Diagnostics| ops.binary(Spanned::new(op, span), l, r, span, d).map(|f| f.ty.ty);
    let wide = |scale| Some(Type::Decimal { precision: 38, scale });
    assert_eq!(binary(BinaryOp::Multiply, sum(2), sum(4), &mut d), wide(6));
    assert_eq!(binary(BinaryOp::Add, sum(2), sum(10), &mut d), wide(10));
    assert_eq!(binary(BinaryOp::Divide, sum(2), sum(2), &mut d), Some(Type::Float));
    assert!(d.is_empty(), "{d:?}");
    assert_eq!(binary(BinaryOp::Multiply, sum(12), sum(12), &mut d), None);
    assert_eq!(d.iter().map(|found| found.code.0).collect::<Vec<_>>(), ["E0317"]);
}
