//! What functions take, give and refuse.

use crate::types::testing::{codes, form, help, ty};

#[test]
fn functions_of_texts() {
    for (text, expected) in [
        ("lower(feature)", "string?"),
        ("upper(platform)", "string"),
        ("trim(user_id)", "string?"),
        ("length(note)", "int"),
        ("substr(note, 1, items)", "string"),
        ("concat(note, \"-\", feature)", "string?"),
        ("replace(note, \"a\", \"b\")", "string"),
        ("starts_with(note, \"a\")", "bool"),
        ("ends_with(feature, \"a\")", "bool?"),
        ("contains(note, feature)", "bool?"),
        ("contains(tags, \"a\")", "bool"),
        ("contains(tags, feature)", "bool?"),
        ("contains(props, \"a\")", "bool"),
        ("length(tags)", "int"),
        ("length(counts)", "int"),
        ("matches(note, \"^a.*$\")", "bool"),
        ("split_part(note, \",\", 2)", "string"),
    ] {
        assert_eq!(ty(text), expected, "{text}");
    }
    for text in [
        "lower(items)",
        "concat(note, items)",
        "length(items)",
        "contains(props, items)",
        "substr(note, \"a\", 2)",
        "trim(shop_id)",
        "split_part(note, \"\", 1)",
        "split_part(note, \",\", 0)",
        "substr(note, 1.5, 2)",
    ] {
        assert_eq!(codes(text), "E0312", "{text}");
    }
}

#[test]
fn functions_of_numbers() {
    for (text, expected) in [
        ("abs(pay)", "decimal(18,2)? CNY"),
        ("abs(infer)", "duration?"),
        ("round(score)", "float"),
        ("round(pay, 1)", "decimal(18,2)? CNY"),
        ("floor(score)", "float"),
        ("ceil(fee)", "decimal(18,4) CNY"),
        ("sqrt(items)", "float?"),
        ("ln(pay / fee)", "float?"),
        ("exp(score)", "float?"),
        ("pow(score, 2)", "float?"),
        ("least(items, 5)", "int"),
        ("greatest(pay, 0)", "decimal(18,2) CNY"),
    ] {
        assert_eq!(ty(text), expected, "{text}");
    }
    assert_eq!(form("sqrt(items)"), "Sqrt(Cast(items as float))");
    assert_eq!(form("pow(score, 2)"), "Power(score, Float(2.0):float)");
    for text in ["abs(note)", "floor(infer)", "sqrt(note)", "round(ok)"] {
        assert_eq!(codes(text), "E0312", "{text}");
    }
    for text in ["ln(pay)", "pow(cost, 2)", "sqrt(pay * cost)"] {
        assert_eq!(codes(text), "E0403", "{text}");
    }
    for text in ["round(pay, items)", "round(pay, 0.5)", "round(pay, 99)"] {
        assert_eq!(codes(text), "E0313", "{text}");
    }
    assert_eq!(ty("round(pay, -2)"), "decimal(18,2)? CNY");
}

#[test]
fn functions_of_time() {
    for (text, expected) in [
        ("date(time)", "date"),
        ("hour(paid_at)", "int?"),
        ("day_of_week(day)", "int"),
        ("week(time)", "int"),
        ("year(due)", "int?"),
        ("to_unix(time)", "int"),
        ("truncate(time, 1h)", "timestamp"),
        ("truncate(paid_at, month)", "timestamp?"),
    ] {
        assert_eq!(ty(text), expected, "{text}");
    }
    for (text, expected) in [
        ("truncate(time, 15m)", "Truncate(time, \"15m\")"),
        ("truncate(time, 24h)", "Truncate(time, \"1d\")"),
        ("truncate(time, 7d)", "Truncate(time, \"1w\")"),
        ("truncate(time, 1month)", "Truncate(time, \"1month\")"),
        ("truncate(time, quarter)", "Truncate(time, \"1quarter\")"),
        ("truncate(time, hour)", "Truncate(time, \"1h\")"),
    ] {
        assert_eq!(form(text), expected, "{text}");
    }
    for text in ["hour(day)", "hour(note)", "date(day)", "to_unix(items)", "year(items)", "truncate(day, 1d)"] {
        assert_eq!(codes(text), "E0312", "{text}");
    }
    for text in ["truncate(time, 7m)", "truncate(time, 3d)", "truncate(time, 2month)"] {
        assert_eq!(codes(text), "E0330", "{text}");
    }
    assert_eq!(codes("truncate(time, infer)"), "E0313");
    assert_eq!(codes("truncate(time, items)"), "E0313");
}

#[test]
fn elements_and_json() {
    for (text, expected) in [
        ("props[\"a\"]", "string?"),
        ("props[feature]", "string?"),
        ("counts[\"a\"]", "int? any"),
        ("tags[1]", "string?"),
        ("json(note, \"$.a\", string)", "string?"),
        ("json(note, \"$.a[0]\", decimal(18,2))", "decimal(18,2)? any"),
    ] {
        assert_eq!(ty(text), expected, "{text}");
    }
    assert_eq!(form("json(note, \"$.a\", int)"), "Cast(JsonValue(note, \"$.a\") as int)");
    for text in ["note[1]", "props[1]", "tags[\"a\"]", "tags[0]"] {
        assert_eq!(codes(text), "E0328", "{text}");
    }
    assert_eq!(codes("json(note, \"a\", string)"), "E0334");
    assert_eq!(codes("json(items, \"$.a\", string)"), "E0312");
}

#[test]
fn patterns_are_checked() {
    assert_eq!(codes("matches(note, \"(a\")"), "E0329");
    assert_eq!(codes("matches(note, feature)"), "E0313");
}

#[test]
fn personal_data_flows_until_it_is_hidden() {
    for (text, expected) in [
        ("phone", "string pii"),
        ("lower(phone)", "string pii"),
        ("phone is null", "bool pii"),
        ("length(phone)", "int pii"),
        ("case when phone = \"1\" then \"a\" else \"b\" end", "string pii"),
        ("coalesce(feature, phone)", "string pii"),
        ("user_id.phone", "string? pii"),
        ("user_id.registered_at", "timestamp?"),
        ("hash(phone)", "int"),
        ("mask(phone)", "string"),
        ("concat(mask(phone), note)", "string"),
        ("concat(mask(phone), phone)", "string pii"),
    ] {
        let shown = match text {
            "phone is null" => crate::types::testing::show(&crate::types::testing::row(text).0.unwrap().ty),
            _ => ty(text),
        };
        assert_eq!(shown, expected, "{text}");
    }
    assert_eq!(codes("mask(items)"), "E0312");
    assert_eq!(codes("hash(tags)"), "E0312");
}

#[test]
fn unknown_functions_and_wrong_counts() {
    assert_eq!(help("lowr(note)"), "did you mean `lower`?");
    assert_eq!(help("ifnull(feature, note)"), "write `coalesce(a, b)`, or `a ?? b`");
    assert_eq!(codes("frobnicate(note)"), "E0310");
    assert_eq!(codes("lower(frobnicate(note), nonsense)"), "E0310 E0301");
    assert_eq!(help("substr(note, 1)"), "write `substr(text, start, length)`");
    for text in ["lower()", "if(ok, 1)", "coalesce()", "concat(note)", "round(pay, 1, 2)", "lower(text: note)"] {
        assert_eq!(codes(text), "E0311", "{text}");
    }
    assert_eq!(codes("time > now() - 7d"), "E0324");
}
