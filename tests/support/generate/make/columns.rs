//! The columns that tables choose from, and the values that go into them.

use std::collections::BTreeMap;

use super::super::model::*;
use super::{Maker, times};

/// Strings that break quoting, escaping, ordering or case.
const HOSTILE: &[&str] = &[
    "",
    " ",
    "a",
    "A",
    "b",
    "it's",
    "say \"hi\"",
    "back\\slash",
    "tab\there",
    "line\nbreak",
    "用户",
    "é",
    "e\u{301}",
    "😀",
    "NULL",
    "null",
    "\\N",
    "0",
    "-1",
    "a,b",
    "a|b",
    "%",
    "_",
    "100%",
    "ß",
    "É",
    " x ",
    "nan",
    "{0}",
    "'; --",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "Ω",
    "ёж",
    "true",
];

const FEATURES: &[&str] = &["cut", "erase", "换装", "upscale", ""];
const NUMBERS: &[&str] = &["12", "-7", "3.5", "abc", "", "0", "99999999999999999999", "2.675", "nan", "-0.125"];
const DAYS: &[&str] = &["2026-11-01", "2026-03-08", "2026-02-30", "abc", "", "2024-02-29"];
const PAYLOADS: &[&str] = &[
    "{\"a\": 1, \"b\": \"x\"}",
    "{\"a\": \"12\", \"c\": {\"d\": 7}}",
    "{\"b\": \"\"}",
    "{\"a\": null, \"b\": \"用\\u6237\"}",
    "not json",
    "",
    "{\"a\": -3, \"b\": \"it's \\\"q\\\"\"}",
];
const PHONES: &[&str] = &["13800000000", "13900000001", "+86 138", ""];
pub const MAP_KEYS: &[&str] = &["price", "k", "键"];

/// A kind of column.
pub struct Kind {
    pub name: &'static str,
    pub ty: fn() -> Ty,
    pub unit: Option<&'static str>,
    pub milliseconds: bool,
    pub pii: bool,
}

const fn kind(name: &'static str, ty: fn() -> Ty) -> Kind {
    Kind { name, ty, unit: None, milliseconds: false, pii: false }
}

const fn with_unit(name: &'static str, ty: fn() -> Ty, unit: &'static str) -> Kind {
    Kind { unit: Some(unit), ..kind(name, ty) }
}

const fn encoded(name: &'static str, ty: fn() -> Ty) -> Kind {
    Kind { milliseconds: true, ..kind(name, ty) }
}

fn enumeration(values: &[&str]) -> Ty {
    Ty::Enum(values.iter().map(|value| (*value).to_owned()).collect())
}

/// Every column but keys, links and the row's time.
pub const KINDS: &[Kind] = &[
    kind("retries", || Ty::Int),
    kind("score", || Ty::Int),
    kind("from", || Ty::Int),
    kind("bytes", || Ty::Int),
    kind("编号", || Ty::Int),
    with_unit("pay_amount", || Ty::Decimal(18, 2), "CNY"),
    with_unit("refund", || Ty::Decimal(18, 2), "CNY"),
    with_unit("quota_cost", || Ty::Decimal(18, 4), "quota"),
    kind("huge", || Ty::Decimal(38, 6)),
    kind("ratio", || Ty::Float),
    with_unit("weight", || Ty::Float, "quota"),
    kind("platform", || enumeration(&["web", "ios", "android", "api"])),
    kind("status", || enumeration(&["queued", "成功", "it's", "failed"])),
    kind("feature", || Ty::Str),
    kind("note", || Ty::Str),
    kind("Order Id", || Ty::Str),
    kind("price_text", || Ty::Str),
    kind("day_text", || Ty::Str),
    kind("payload", || Ty::Str),
    Kind { pii: true, ..kind("phone", || Ty::Str) },
    kind("is_test", || Ty::Bool),
    kind("over", || Ty::Bool),
    encoded("latency", || Ty::Duration),
    encoded("stay", || Ty::Duration),
    kind("birthday", || Ty::Date),
    kind("due", || Ty::Date),
    kind("paid_at", || Ty::Timestamp),
    encoded("seen_at", || Ty::Timestamp),
    kind("props", || Ty::Map),
];

impl Maker {
    /// A value for a column; never null.
    pub fn cell(&mut self, column: &Column) -> Value {
        let zone = self.project.zone;
        let rng = &mut self.rng;
        let text = |rng: &mut super::Rng, pool: &[&str]| Value::Str((*rng.pick(pool)).to_owned());
        match (column.name.as_str(), &column.ty) {
            (_, Ty::Bool) => Value::Bool(rng.chance(40)),
            ("bytes", _) => Value::Int(match rng.below(4) {
                0 => i64::MAX - rng.between(0, 3),
                1 => i64::MIN + 1 + rng.between(0, 3),
                _ => rng.between(-5, 5),
            }),
            ("score", _) => Value::Int(rng.between(-100, 100)),
            (_, Ty::Int) => Value::Int(rng.between(0, 5)),
            ("huge", Ty::Decimal(_, s)) => Value::Decimal(
                match rng.below(3) {
                    0 => 10i128.pow(34) - i128::from(rng.between(0, 9)),
                    1 => -(10i128.pow(34)) + i128::from(rng.between(0, 9)),
                    _ => i128::from(rng.between(-2_000_000, 2_000_000)),
                },
                *s,
            ),
            (_, Ty::Decimal(_, s)) => Value::Decimal(
                i128::from(if rng.chance(20) { rng.between(-3, 3) * 50 } else { rng.between(-100_000, 10_000_000) }),
                *s,
            ),
            // Multiples of 1/64: their sums are exact, whatever the order.
            (_, Ty::Float) => Value::Float(match rng.below(4) {
                0 => rng.between(-2, 2) as f64 + 0.5,
                1 => rng.between(-(1 << 30), 1 << 30) as f64 / 64.0,
                _ => rng.between(-640, 6_400) as f64 / 64.0,
            }),
            (_, Ty::Enum(values)) => Value::Str(rng.pick(values).clone()),
            ("feature", _) => text(rng, FEATURES),
            ("price_text", _) => text(rng, NUMBERS),
            ("day_text", _) => text(rng, DAYS),
            ("payload", _) => text(rng, PAYLOADS),
            ("phone", _) => text(rng, PHONES),
            (_, Ty::Str) => text(rng, HOSTILE),
            (_, Ty::Date) => {
                let ms = times::instant(rng, zone);
                Value::Date(ms.div_euclid(86_400_000) as i32)
            }
            (_, Ty::Timestamp) => Value::Timestamp(times::instant(rng, zone)),
            (_, Ty::Duration) => Value::Duration(match rng.below(4) {
                0 => rng.between(0, 3) * 500,
                1 => rng.between(-10, 10),
                _ => rng.between(0, 10_000),
            }),
            (_, Ty::Map) => {
                let mut map = BTreeMap::new();
                for key in MAP_KEYS {
                    if rng.chance(60) {
                        let pool = if *key == "price" { NUMBERS } else { HOSTILE };
                        map.insert((*key).to_owned(), (*rng.pick(pool)).to_owned());
                    }
                }
                Value::Map(map)
            }
            (_, Ty::Entity(entity)) => {
                let entity = entity.clone();
                self.entity_key(&entity)
            }
        }
    }

    /// A key that an entity may have, or that none has.
    pub fn entity_key(&mut self, entity: &str) -> Value {
        let table = self.project.table(entity).expect("a declared entity");
        let number = self.rng.between(0, 12);
        match table.column(&table.key[0]).expect("a key").ty {
            Ty::Int => Value::Int(number),
            _ if number == 0 => Value::Str(String::new()),
            _ if number == 1 => Value::Str("用户'1".into()),
            _ if number == 2 => Value::Str("U3".into()),
            _ => Value::Str(format!("u{number}")),
        }
    }
}
