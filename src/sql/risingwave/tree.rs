//! Constructors over sqlparser's tree that only this dialect needs.

use sqlparser::ast::{AccessExpr, BinaryOperator, DateTimeField, Expr, ExtractSyntax, Interval, Subscript};

use super::value::text;
use crate::sql::build::{self, binary, nested, number};

pub use crate::sql::build::when;

/// `of AT TIME ZONE 'zone'`: an instant becomes a local time, a local time an instant.
pub fn in_zone(of: Expr, zone: chrono_tz::Tz) -> Expr {
    Expr::AtTimeZone { timestamp: Box::new(nested(of)), time_zone: Box::new(build::text(zone.name())) }
}

/// `EXTRACT(field FROM of)`, a NUMERIC.
pub fn extract(field: DateTimeField, of: Expr) -> Expr {
    Expr::Extract { field, syntax: ExtractSyntax::From, expr: Box::new(of) }
}

/// `INTERVAL '…'` of so many milliseconds, in the largest unit; never in days, whose length is the zone's. The engine knows no
/// unit below a second.
pub fn interval(milliseconds: i64) -> Expr {
    const UNITS: [(i64, &str); 3] = [(3_600_000, "hours"), (60_000, "minutes"), (1_000, "seconds")];
    let written = match UNITS.iter().find(|(size, _)| milliseconds % size == 0) {
        Some((size, unit)) => format!("{} {unit}", milliseconds / size),
        None => {
            let sign = if milliseconds < 0 { "-" } else { "" };
            let left = milliseconds.unsigned_abs();
            let (seconds, fraction) = (left / 1_000, left % 1_000);
            format!("{sign}{:02}:{:02}:{:02}.{fraction:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
        }
    };
    Expr::Interval(Interval {
        value: Box::new(build::text(written)),
        leading_field: None,
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    })
}

/// `of[at]`, from 1.
pub fn item(of: Expr, at: u32) -> Expr {
    let subscript = AccessExpr::Subscript(Subscript::Index { index: number(at) });
    Expr::CompoundFieldAccess { root: Box::new(Expr::Nested(Box::new(of))), access_chain: vec![subscript] }
}

/// `(of).name`, a field of a row.
pub fn field(of: Expr, name: &str) -> Expr {
    let dot = AccessExpr::Dot(build::ident_expr(name));
    Expr::CompoundFieldAccess { root: Box::new(Expr::Nested(Box::new(of))), access_chain: vec![dot] }
}

/// `of ~ 'pattern'`
pub fn matches(of: Expr, pattern: &str) -> Expr {
    binary(of, BinaryOperator::PGRegexMatch, text(pattern))
}

/// `json -> 'key'`, JSON
pub fn member(json: Expr, key: &str) -> Expr {
    binary(json, BinaryOperator::Arrow, text(key))
}

/// `json ->> 'key'`, text
pub fn member_text(json: Expr, key: &str) -> Expr {
    binary(json, BinaryOperator::LongArrow, text(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_have_no_days_and_no_milliseconds() {
        for (ms, written) in [
            (60_000, "1 minutes"),
            (86_400_000, "24 hours"),
            (-28_800_000, "-8 hours"),
            (90_000, "90 seconds"),
            (3_661_001, "01:01:01.001"),
            (-1, "-00:00:00.001"),
        ] {
            assert_eq!(interval(ms).to_string(), format!("INTERVAL '{written}'"));
        }
    }
}
