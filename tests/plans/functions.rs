//! Every function over one row of `call`, with the text that every engine must print.

use metricc::plan::{DataType as T, Expr, ExprKind, Function as F, Value};

use super::{CALL, DAY, call, col, equal, float, int, maybe, money, null, text};

/// The row: instants in UTC milliseconds.
pub const AT: i64 = 1_793_493_000_250; // 2026-11-01 08:30:00.250 in Shanghai

fn c(name: &str) -> Expr {
    col(CALL, name)
}

fn duration(ms: i64) -> Expr {
    Expr::literal(Value::Duration(ms), T::Duration)
}

fn instant(ms: i64) -> Expr {
    Expr::literal(Value::Timestamp(ms), T::Timestamp)
}

fn date(days: i32) -> Expr {
    Expr::literal(Value::Date(days), T::Date)
}

fn decimal(precision: u8, scale: u8) -> T {
    T::Decimal { precision, scale }
}

fn cast(x: Expr, ty: T) -> Expr {
    maybe(F::Cast, vec![x], ty)
}

fn truth(function: F, arguments: Vec<Expr>) -> Expr {
    maybe(function, arguments, T::Bool)
}

/// A literal that no engine folds away: the row's `api` decides.
fn live(x: Expr) -> Expr {
    let ty = x.ty.clone();
    let kind = ExprKind::Case {
        branches: vec![(equal(c("api"), text("never")), null(ty.clone()))],
        otherwise: Some(Box::new(x)),
    };
    Expr { kind, ty, nullable: true }
}

fn words(parts: &[&str]) -> Vec<Expr> {
    parts.iter().map(|part| text(part)).collect()
}

/// Expression and expected text; `\N` is null.
pub fn cases() -> Vec<(Expr, &'static str)> {
    let mut all = Vec::new();
    all.extend(logic());
    all.extend(numbers());
    all.extend(texts());
    all.extend(times());
    all.extend(casts());
    all.extend(others());
    all
}

fn logic() -> Vec<(Expr, &'static str)> {
    let nothing = || null(T::Bool);
    let yes = || c("ok");
    let no = || call(F::Not, vec![c("ok")], T::Bool);
    vec![
        (truth(F::And, vec![yes(), nothing()]), "\\N"),
        (truth(F::And, vec![no(), nothing()]), "false"),
        (truth(F::Or, vec![yes(), nothing()]), "true"),
        (truth(F::Or, vec![no(), nothing()]), "\\N"),
        (truth(F::Not, vec![nothing()]), "\\N"),
        (truth(F::Equal, vec![c("note"), text("a")]), "\\N"),
        (truth(F::Less, vec![text("Z"), text("a")]), "true"),
        (truth(F::Less, vec![text("z"), text("数")]), "true"),
        (truth(F::GreaterEqual, vec![c("cost"), Expr::literal(Value::Decimal(-12_346), decimal(18, 4))]), "true"),
        (truth(F::NotEqual, vec![c("status"), int(5)]), "true"),
        (truth(F::Greater, vec![c("day"), date(20_000)]), "true"),
        (truth(F::Less, vec![no(), yes()]), "true"),
        (truth(F::In, vec![c("status"), int(1), int(-7)]), "true"),
        (truth(F::In, vec![c("status"), int(1), null(T::Int)]), "\\N"),
        (truth(F::In, vec![c("status"), int(-7), null(T::Int)]), "true"),
        (truth(F::In, vec![c("note"), text("a"), text("b")]), "\\N"),
        (truth(F::Not, vec![truth(F::In, vec![c("note"), text("a")])]), "\\N"),
        (truth(F::In, vec![c("status"), int(1)]), "false"),
        (truth(F::IsNull, vec![c("note")]), "true"),
        (truth(F::IsNotNull, vec![c("note")]), "false"),
        (truth(F::IsNull, vec![truth(F::Equal, vec![c("note"), text("a")])]), "true"),
        (maybe(F::Coalesce, vec![c("note"), null(T::String), text("x")], T::String), "x"),
        (maybe(F::NullIf, vec![c("status"), int(-7)], T::Int), "\\N"),
        (maybe(F::NullIf, vec![c("status"), null(T::Int)], T::Int), "-7"),
        (maybe(F::NullIf, vec![int(3), int(4)], T::Int), "3"),
    ]
}

fn numbers() -> Vec<(Expr, &'static str)> {
    let cost = || c("cost"); // -1.2345
    let status = || c("status"); // -7
    let load = || c("load"); // 2.5
    let half = |x: f64| call(F::Round, vec![live(float(x))], T::Float);
    vec![
        (call(F::Add, vec![status(), int(10)], T::Int), "3"),
        (call(F::Add, vec![live(int(i64::MAX)), int(1)], T::Int), "-9223372036854775808"),
        (call(F::Subtract, vec![int(1), status()], T::Int), "8"),
        (call(F::Subtract, vec![money(100), cost()], decimal(20, 4)), "2.2345"),
        (call(F::Multiply, vec![status(), status()], T::Int), "49"),
        (call(F::Multiply, vec![cost(), money(200)], decimal(36, 6)), "-2.469000"),
        (call(F::Multiply, vec![c("took"), int(3)], T::Duration), "4500"),
        (maybe(F::Divide, vec![status(), int(2)], T::Float), "-3.5"),
        (maybe(F::Divide, vec![int(1), live(int(0))], T::Float), "\\N"),
        (maybe(F::Divide, vec![cost(), money(0)], T::Float), "\\N"),
        (maybe(F::Divide, vec![money(100), money(300)], T::Float), "0.3333333333333333"),
        (maybe(F::Divide, vec![c("took"), duration(1000)], T::Float), "1.5"),
        (maybe(F::Modulo, vec![status(), int(3)], T::Int), "-1"),
        (maybe(F::Modulo, vec![status(), live(int(-2))], T::Int), "-1"),
        (maybe(F::Modulo, vec![live(int(i64::MIN)), live(int(-1))], T::Int), "0"),
        (maybe(F::Modulo, vec![status(), live(int(0))], T::Int), "\\N"),
        (maybe(F::Modulo, vec![cost(), money(100)], decimal(18, 4)), "-0.2345"),
        (maybe(F::Modulo, vec![cost(), live(money(0))], decimal(18, 4)), "\\N"),
        (call(F::Negate, vec![status()], T::Int), "7"),
        (call(F::Negate, vec![cost()], decimal(18, 4)), "1.2345"),
        (call(F::Negate, vec![int(-3)], T::Int), "3"),
        (call(F::Abs, vec![status()], T::Int), "7"),
        (call(F::Abs, vec![cost()], decimal(18, 4)), "1.2345"),
        (call(F::Abs, vec![live(duration(-5))], T::Duration), "5"),
        (half(0.5), "1"),
        (half(2.5), "3"),
        (half(-2.5), "-3"),
        (half(0.499_999_999_999_999_94), "0"),
        (call(F::Round, vec![load(), int(0)], T::Float), "3"),
        (call(F::Round, vec![live(float(1.125)), int(2)], T::Float), "1.13"),
        (call(F::Round, vec![live(float(-1250.0)), int(-2)], T::Float), "-1300"),
        (call(F::Round, vec![cost(), int(2)], decimal(18, 4)), "-1.2300"),
        (call(F::Round, vec![live(money(-250)), int(0)], super::MONEY), "-3.00"),
        (call(F::Round, vec![live(int(25)), int(-1)], T::Int), "30"),
        (call(F::Round, vec![status(), int(2)], T::Int), "-7"),
        (call(F::Floor, vec![cost()], decimal(18, 4)), "-2.0000"),
        (call(F::Ceil, vec![cost()], decimal(18, 4)), "-1.0000"),
        (call(F::Floor, vec![live(float(-2.5))], T::Float), "-3"),
        (call(F::Ceil, vec![load()], T::Float), "3"),
        (call(F::Floor, vec![status()], T::Int), "-7"),
        (maybe(F::Sqrt, vec![live(float(2.25))], T::Float), "1.5"),
        (maybe(F::Sqrt, vec![live(float(-1.0))], T::Float), "\\N"),
        (maybe(F::Ln, vec![live(float(1.0))], T::Float), "0"),
        (maybe(F::Ln, vec![live(float(0.0))], T::Float), "\\N"),
        (maybe(F::Exp, vec![live(float(0.0))], T::Float), "1"),
        (maybe(F::Exp, vec![live(float(1000.0))], T::Float), "\\N"),
        (maybe(F::Power, vec![live(float(2.0)), float(10.0)], T::Float), "1024"),
        (maybe(F::Power, vec![live(float(-8.0)), float(0.5)], T::Float), "\\N"),
        (maybe(F::Power, vec![live(float(0.0)), float(-1.0)], T::Float), "\\N"),
        (maybe(F::Least, vec![status(), int(3), null(T::Int)], T::Int), "-7"),
        (maybe(F::Greatest, vec![null(T::Int), status(), int(3)], T::Int), "3"),
        (maybe(F::Greatest, vec![null(T::Int), live(null(T::Int))], T::Int), "\\N"),
        (maybe(F::Least, vec![c("api"), text("b")], T::String), "b"),
    ]
}

fn texts() -> Vec<(Expr, &'static str)> {
    let api = || c("api"); // 数据abc
    let string = |function, arguments| maybe(function, arguments, T::String);
    vec![
        (truth(F::Like, vec![api(), text("数_abc")]), "true"),
        (truth(F::Like, vec![api(), text("%B%")]), "false"),
        (truth(F::Like, vec![live(text("a%b")), text("a\\%b")]), "true"),
        (truth(F::Like, vec![live(text("axb")), text("a\\%b")]), "false"),
        (truth(F::Like, vec![live(text("ab")), text("a\\b")]), "true"),
        (truth(F::Like, vec![live(text("a\\")), text("a\\")]), "true"),
        (truth(F::Like, vec![live(text("a\nb")), text("a_b")]), "true"),
        (truth(F::Like, vec![live(text("a.b")), text("a.b")]), "true"),
        (truth(F::Like, vec![live(text("axb")), text("a.b")]), "false"),
        (truth(F::Like, vec![c("note"), text("%")]), "\\N"),
        (string(F::Lower, vec![live(text("ÀÉ ΑΣ"))]), "àé ας"),
        (string(F::Upper, vec![live(text("àéß"))]), "ÀÉSS"),
        (string(F::Trim, vec![live(text("  a b "))]), "a b"),
        (maybe(F::Length, vec![string(F::Trim, vec![live(text("\t a　"))])], T::Int), "4"),
        (maybe(F::Length, vec![api()], T::Int), "5"),
        (string(F::Substring, vec![api(), int(2), int(2)]), "据a"),
        (string(F::Substring, vec![api(), live(int(0)), int(2)]), ""),
        (string(F::Substring, vec![api(), int(-1), int(2)]), ""),
        (string(F::Substring, vec![api(), int(1), live(int(-1))]), ""),
        (string(F::Substring, vec![api(), int(4), int(99)]), "bc"),
        (string(F::Substring, vec![api(), live(int(9)), int(1)]), ""),
        (string(F::Substring, vec![api(), live(null(T::Int)), int(1)]), "\\N"),
        (string(F::Substring, vec![c("note"), int(0), int(1)]), "\\N"),
        (string(F::Concat, vec![api(), text("-"), text("x")]), "数据abc-x"),
        (string(F::Concat, vec![api(), c("note")]), "\\N"),
        (string(F::Replace, words(&["aaa", "aa", "b"])), "ba"),
        (string(F::Replace, vec![api(), text(""), text("x")]), "数据abc"),
        (truth(F::StartsWith, vec![api(), text("数")]), "true"),
        (truth(F::EndsWith, vec![api(), text("x")]), "false"),
        (truth(F::Contains, vec![api(), text("据a")]), "true"),
        (truth(F::Contains, vec![api(), text("")]), "true"),
        (truth(F::Contains, vec![c("note"), text("")]), "\\N"),
        (truth(F::Matches, vec![api(), text("^..abc$")]), "true"),
        (truth(F::Matches, vec![live(text("a\nb")), text("a.b")]), "false"),
        (truth(F::Matches, vec![live(text("xaby")), text("a|q")]), "true"),
        (string(F::SplitPart, vec![live(text("a,b,,c")), text(","), int(2)]), "b"),
        (string(F::SplitPart, vec![live(text("a,b,,c")), text(","), int(3)]), ""),
        (string(F::SplitPart, vec![live(text("a,b")), text(","), int(9)]), ""),
        (string(F::SplitPart, vec![live(text("a,b")), text(","), live(int(-1))]), ""),
        (string(F::SplitPart, vec![live(text("a,b")), text(""), live(int(1))]), "a,b"),
        (string(F::SplitPart, vec![c("note"), text(","), int(1)]), "\\N"),
        (string(F::Mask, vec![api()]), "数***"),
        (string(F::Mask, vec![live(text(""))]), ""),
    ]
}

fn times() -> Vec<(Expr, &'static str)> {
    let at = || c("at"); // 2026-11-01 08:30:00.250 Sunday
    let day = || c("day"); // 2026-11-01
    let number = |function, x| call(function, vec![x], T::Int);
    let truncate = |x, step: &str| call(F::Truncate, vec![x, text(step)], T::Timestamp);
    vec![
        (call(F::Add, vec![at(), duration(1_000)], T::Timestamp), "2026-11-01 08:30:01.250"),
        (call(F::Subtract, vec![at(), live(duration(DAY))], T::Timestamp), "2026-10-31 08:30:00.250"),
        (call(F::Subtract, vec![at(), instant(AT - 1_500)], T::Duration), "1500"),
        (call(F::Add, vec![day(), duration(2 * DAY)], T::Date), "2026-11-03"),
        (call(F::Subtract, vec![day(), live(duration(DAY))], T::Date), "2026-10-31"),
        (call(F::Subtract, vec![day(), date(0)], T::Duration), "1793491200000"),
        (number(F::HourOf, at()), "8"),
        (number(F::DayOfWeek, at()), "7"),
        (number(F::DayOfWeek, day()), "7"),
        (number(F::DayOfYear, at()), "305"),
        (number(F::DayOf, day()), "1"),
        (number(F::WeekOf, at()), "44"),
        (number(F::IsoYear, live(date(20_088))), "2025"),
        (number(F::MonthOf, at()), "11"),
        (number(F::QuarterOf, day()), "4"),
        (number(F::YearOf, at()), "2026"),
        (call(F::DateOf, vec![at()], T::Date), "2026-11-01"),
        (call(F::DateOf, vec![live(instant(-DAY * 400))], T::Date), "1968-11-27"),
        (truncate(at(), "1h"), "2026-11-01 08:00:00.000"),
        (truncate(at(), "6h"), "2026-11-01 06:00:00.000"),
        (truncate(at(), "1d"), "2026-11-01 00:00:00.000"),
        (truncate(at(), "1w"), "2026-10-26 00:00:00.000"),
        (truncate(at(), "1month"), "2026-11-01 00:00:00.000"),
        (truncate(at(), "1quarter"), "2026-10-01 00:00:00.000"),
        (truncate(at(), "1year"), "2026-01-01 00:00:00.000"),
        (truncate(live(instant(-1)), "1year"), "1970-01-01 00:00:00.000"),
        (number(F::ToUnix, at()), "1793493000"),
        (number(F::ToUnix, live(instant(-1))), "-1"),
    ]
}

fn casts() -> Vec<(Expr, &'static str)> {
    let from = |x: &str, ty: T| cast(live(text(x)), ty);
    let money = || super::MONEY;
    vec![
        (from("+5", T::Int), "5"),
        (from("5.0", T::Int), "\\N"),
        (from(" 5", T::Int), "\\N"),
        (from("9223372036854775808", T::Int), "\\N"),
        (from("-9223372036854775808", T::Int), "-9223372036854775808"),
        (from("1e3", T::Float), "1000"),
        (from("inf", T::Float), "\\N"),
        (from("1e400", T::Float), "\\N"),
        (from("", T::Float), "\\N"),
        (from("1.005", money()), "1.01"),
        (from("-1.995", money()), "-2.00"),
        (from("1e2", money()), "100.00"),
        (from(".5", money()), "\\N"),
        (from("12345678901234567", money()), "\\N"),
        (from("9999999999999999.99", money()), "9999999999999999.99"),
        (from("9999999999999999.995", money()), "\\N"),
        (from("true", T::Bool), "true"),
        (from("0", T::Bool), "false"),
        (from("TRUE", T::Bool), "\\N"),
        (from("2026-02-28", T::Date), "2026-02-28"),
        (from("2026-02-30", T::Date), "\\N"),
        (from("2026-2-3", T::Date), "\\N"),
        (from("2026-11-01 08:30:00", T::Timestamp), "2026-11-01 08:30:00.000"),
        (from("2026-11-01T08:30:00.1239Z", T::Timestamp), "2026-11-01 16:30:00.123"),
        (from("2026-11-01T08:30:00-0500", T::Timestamp), "2026-11-01 21:30:00.000"),
        (from("2026-11-01", T::Timestamp), "2026-11-01 00:00:00.000"),
        (from("2026-02-30 10:00:00", T::Timestamp), "\\N"),
        (from("2026-02-28 25:00:00", T::Timestamp), "\\N"),
        (from("2026-02-28 10:00", T::Timestamp), "\\N"),
        (cast(live(float(-2.9)), T::Int), "-2"),
        (cast(live(float(1e30)), T::Int), "\\N"),
        (cast(c("cost"), T::Int), "-1"),
        (cast(c("ok"), T::Int), "1"),
        (cast(c("status"), T::Float), "-7"),
        (cast(c("status"), T::Bool), "true"),
        (cast(c("status"), decimal(38, 2)), "-7.00"),
        (cast(live(int(12_345)), decimal(4, 0)), "\\N"),
        (cast(c("cost"), money()), "-1.23"),
        (cast(c("cost"), decimal(38, 6)), "-1.234500"),
        (cast(c("cost"), decimal(3, 3)), "\\N"),
        (cast(live(float(2.5)), decimal(18, 0)), "3"),
        (cast(live(float(1e30)), decimal(18, 0)), "\\N"),
        (cast(c("day"), T::Timestamp), "2026-11-01 00:00:00.000"),
        (cast(c("at"), T::Date), "2026-11-01"),
        (cast(c("ok"), T::String), "true"),
        (cast(null(T::Bool), T::String), "\\N"),
        (cast(c("cost"), T::String), "-1.2345"),
        (cast(live(super::money(150)), T::String), "1.50"),
        (cast(c("load"), T::String), "2.5"),
        (cast(live(float(1e20)), T::String), "100000000000000000000"),
        (cast(live(float(1e21)), T::String), "1e21"),
        (cast(live(float(1e-7)), T::String), "1e-7"),
        (cast(c("at"), T::String), "2026-11-01 08:30:00.250"),
        (cast(c("day"), T::String), "2026-11-01"),
        (cast(c("took"), T::String), "1500"),
    ]
}

fn others() -> Vec<(Expr, &'static str)> {
    let json = r#"{"a": "x\"y", "b": [1, {"c": true}], "d": null, "e": 12, "f": {"g": "数"}}"#;
    let at = |path: &str| maybe(F::JsonValue, vec![live(text(json)), text(path)], T::String);
    vec![
        (at("$.a"), "x\"y"),
        (at("$.b[0]"), "1"),
        (at("$.b[1].c"), "true"),
        (at("$.b[9]"), "\\N"),
        (at("$.d"), "\\N"),
        (at("$.none"), "\\N"),
        (at("$.f.g"), "数"),
        (at("$[\"e\"]"), "12"),
        (maybe(F::JsonValue, vec![live(text("no json")), text("$.a")], T::String), "\\N"),
        (cast(at("$.e"), T::Int), "12"),
        (maybe(F::Hash, vec![live(text("abc"))], T::Int), "-5010229573455851542"),
        (maybe(F::Hash, vec![c("note")], T::Int), "\\N"),
        (maybe(F::Hash, vec![live(int(1))], T::Int), "7748076420210162913"),
    ]
}
