//! Reading cells: the texts of a sample or of a test table as values of a stored column's type.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde_json::Value as Json;

use super::form::{self, NoDecimal};
use crate::plan::{DataType, Encoding, StoredColumn, Value};
use crate::value::time::midnight;

/// The year 1 begins, in milliseconds since 1970 UTC.
const FIRST_INSTANT: i64 = -62_135_596_800_000;

/// The year 9999 ends, in milliseconds since 1970 UTC.
const LAST_INSTANT: i64 = 253_402_300_800_000;

/// A value read, borrowing its text where it can.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// null
    Null,
    /// A bool.
    Bool(bool),
    /// An int, or a duration in milliseconds.
    Int(i64),
    /// A float.
    Float(f64),
    /// The digits of a decimal at its type's scale.
    Decimal(i128),
    /// A string, or a map as a JSON object with sorted keys.
    Text(Cow<'a, str>),
    /// Days since 1970-01-01.
    Date(i32),
    /// Milliseconds since 1970 UTC.
    Timestamp(i64),
    /// The items of an array.
    List(Vec<Cell<'static>>),
}

/// Why a text is no value of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Problem {
    /// It does not have the form of the type.
    Mistyped,
    /// It is null where the column cannot be.
    Null,
    /// It is not one of the values of the enum.
    OutsideDomain,
}

/// How the cells of one column are read.
#[derive(Clone, Debug)]
pub struct CellReader<'a> {
    /// The column.
    pub column: &'a StoredColumn,
    /// Whether null is allowed here, which it also is in keys and times: such rows are cleaned away.
    pub nullable: bool,
    /// The zone of instants without an offset.
    pub zone: Tz,
    /// Whether people write the cells (in a test): then instants may be days or months, and an encoded instant may be
    /// written plainly.
    pub by_hand: bool,
}

impl CellReader<'_> {
    /// The value of a text; none is null.
    pub fn read<'t>(&self, text: Option<&'t str>) -> Result<Cell<'t>, Problem> {
        let Some(text) = text else {
            return match &self.column.ty {
                _ if !self.nullable => Err(Problem::Null),
                // A list or map that is missing is empty.
                DataType::Array(_) | DataType::Map(_) => Ok(zero(self.column)),
                _ => Ok(Cell::Null),
            };
        };
        let encoded = self.column.encoding == Encoding::Milliseconds && self.column.ty == DataType::Timestamp;
        let instant = |text| form::parse_int(text).filter(|ms| (FIRST_INSTANT..LAST_INSTANT).contains(ms));
        let found = match &self.column.ty {
            DataType::Timestamp if encoded => match instant(text) {
                None if self.by_hand => scalar(text, &self.column.ty, self.zone, true),
                found => found.map(Cell::Timestamp),
            },
            DataType::Array(item) => self.list(text, item),
            DataType::Map(item) => self.map(text, item),
            ty => scalar(text, ty, self.zone, self.by_hand),
        };
        let found = found.ok_or(Problem::Mistyped)?;
        match &found {
            Cell::Text(text) if !self.column.domain.is_empty() && !self.column.domain.iter().any(|v| v == text) => {
                Err(Problem::OutsideDomain)
            }
            _ => Ok(found),
        }
    }

    /// An array from its JSON text.
    fn list(&self, text: &str, item: &DataType) -> Option<Cell<'static>> {
        let Json::Array(items) = serde_json::from_str(text).ok()? else { return None };
        items.iter().map(|json| json_cell(json, item, self.zone)).collect::<Option<Vec<_>>>().map(Cell::List)
    }

    /// A map from its JSON text, written again with sorted keys so that equal maps are equal texts.
    fn map(&self, text: &str, item: &DataType) -> Option<Cell<'static>> {
        let Json::Object(members) = serde_json::from_str(text).ok()? else { return None };
        let sorted: BTreeMap<&String, &Json> = members.iter().collect();
        if !sorted.values().all(|json| json_cell(json, item, self.zone).is_some()) {
            return None;
        }
        serde_json::to_string(&sorted).ok().map(|text| Cell::Text(text.into()))
    }

    /// The wanted form, in words.
    pub fn wanted(&self) -> String {
        if !self.column.domain.is_empty() {
            let values: Vec<String> = self.column.domain.iter().map(|value| format!("`{value}`")).collect();
            return format!("one of {}", values.join(", "));
        }
        if self.column.encoding == Encoding::Milliseconds && self.column.ty == DataType::Timestamp {
            return "an instant as an integer of milliseconds since 1970 UTC".to_owned();
        }
        wanted(&self.column.ty)
    }
}

/// The form of a type's cells, in words.
pub fn wanted(ty: &DataType) -> String {
    match ty {
        DataType::Bool => "`true` or `false`".to_owned(),
        DataType::Int => "an integer of 64 bits".to_owned(),
        DataType::Float => "a finite number such as `0.5` or `1e-3`".to_owned(),
        DataType::Decimal { precision, scale } => {
            format!("a decimal of at most {precision} digits, {scale} of them behind the point")
        }
        DataType::String => "a text".to_owned(),
        DataType::Date => "a day such as `2026-11-01`".to_owned(),
        DataType::Timestamp => "an instant such as `2026-11-01 08:00:00` or `2026-11-01T08:00:00+08:00`".to_owned(),
        DataType::Duration => "a duration as an integer of milliseconds".to_owned(),
        DataType::Array(_) => "a JSON array".to_owned(),
        DataType::Map(_) => "a JSON object".to_owned(),
    }
}

/// A value of a type without parts.
fn scalar<'t>(text: &'t str, ty: &DataType, zone: Tz, by_hand: bool) -> Option<Cell<'t>> {
    Some(match ty {
        DataType::Bool => Cell::Bool(form::parse_bool(text)?),
        DataType::Int => Cell::Int(form::parse_int(text)?),
        DataType::Float => Cell::Float(form::parse_float(text)?),
        DataType::Decimal { precision, scale } => match form::parse_decimal(text, *precision, *scale) {
            Ok(digits) => Cell::Decimal(digits),
            Err(NoDecimal::NotANumber | NoDecimal::TooFine | NoDecimal::TooLarge) => return None,
        },
        DataType::String => Cell::Text(Cow::Borrowed(text)),
        DataType::Date => Cell::Date(form::parse_date(text)?),
        DataType::Timestamp => {
            let instant = form::parse_timestamp(text, zone);
            Cell::Timestamp(instant.or_else(|| if by_hand { short_instant(text, zone) } else { None })?)
        }
        DataType::Duration => {
            let ms = form::parse_int(text);
            Cell::Int(ms.or_else(|| if by_hand { form::parse_duration(text) } else { None })?)
        }
        DataType::Array(_) | DataType::Map(_) => return None,
    })
}

/// `2026-11-01`, `2026-11` or `2026-11-01 08:00`.
fn short_instant(text: &str, zone: Tz) -> Option<i64> {
    let long = match text.len() {
        7 => return form::day_of(form::parse_date(&format!("{text}-01"))?).map(|day| midnight(day, zone)),
        10 => return form::day_of(form::parse_date(text)?).map(|day| midnight(day, zone)),
        16 => format!("{text}:00"),
        _ => return None,
    };
    form::parse_timestamp(&long, zone)
}

/// An item of an array or a value of a map; numbers, strings and bools as in cells, except that their JSON kind must fit.
fn json_cell(json: &Json, ty: &DataType, zone: Tz) -> Option<Cell<'static>> {
    let text = match (json, ty) {
        (Json::Null, _) => return Some(Cell::Null),
        (Json::Bool(value), DataType::Bool) => return Some(Cell::Bool(*value)),
        (Json::Number(number), DataType::Int | DataType::Float | DataType::Decimal { .. } | DataType::Duration) => {
            number.to_string()
        }
        (Json::String(text), DataType::String) => return Some(Cell::Text(text.clone().into())),
        (Json::String(text), DataType::Decimal { .. } | DataType::Date | DataType::Timestamp) => text.clone(),
        _ => return None,
    };
    Some(match scalar(&text, ty, zone, false)? {
        Cell::Text(text) => Cell::Text(Cow::Owned(text.into_owned())),
        Cell::Bool(value) => Cell::Bool(value),
        Cell::Int(value) => Cell::Int(value),
        Cell::Float(value) => Cell::Float(value),
        Cell::Decimal(value) => Cell::Decimal(value),
        Cell::Date(value) => Cell::Date(value),
        Cell::Timestamp(value) => Cell::Timestamp(value),
        Cell::Null | Cell::List(_) => return None,
    })
}

/// Reads a cell that people wrote as a value of an answer's column: as a test expects it. None is null.
pub fn read_value(text: Option<&str>, ty: &DataType, zone: Tz) -> Option<Value> {
    let Some(text) = text else { return Some(Value::Null) };
    Some(match scalar(text, ty, zone, true)? {
        Cell::Null | Cell::List(_) => return None,
        Cell::Bool(value) => Value::Bool(value),
        Cell::Int(value) if *ty == DataType::Duration => Value::Duration(value),
        Cell::Int(value) => Value::Int(value),
        Cell::Float(value) => Value::Float(value),
        Cell::Decimal(value) => Value::Decimal(value),
        Cell::Text(value) => Value::String(value.into_owned()),
        Cell::Date(value) => Value::Date(value),
        Cell::Timestamp(value) => Value::Timestamp(value),
    })
}

/// The value of a column that a test leaves out and that cannot be null: zero, the empty string, an enum's first value.
pub fn zero(column: &StoredColumn) -> Cell<'static> {
    match &column.ty {
        DataType::Bool => Cell::Bool(false),
        DataType::Int | DataType::Duration => Cell::Int(0),
        DataType::Float => Cell::Float(0.0),
        DataType::Decimal { .. } => Cell::Decimal(0),
        DataType::String => Cell::Text(column.domain.first().cloned().unwrap_or_default().into()),
        DataType::Date => Cell::Date(0),
        DataType::Timestamp => Cell::Timestamp(0),
        DataType::Array(_) => Cell::List(Vec::new()),
        DataType::Map(_) => Cell::Text("{}".into()),
    }
}

/// A key column's value in the `row`-th row (from 1) of a test that leaves it out.
pub fn row_number(column: &StoredColumn, row: usize) -> Cell<'static> {
    let number = i64::try_from(row).unwrap_or(i64::MAX);
    match &column.ty {
        DataType::Int | DataType::Duration => Cell::Int(number),
        DataType::Float => Cell::Float(number as f64),
        DataType::Decimal { scale, .. } => Cell::Decimal(i128::from(number).saturating_mul(form::power_of_ten(*scale))),
        DataType::String if column.domain.is_empty() => Cell::Text(number.to_string().into()),
        DataType::Date => Cell::Date(i32::try_from(number).unwrap_or(i32::MAX)),
        DataType::Timestamp => Cell::Timestamp(number),
        _ => zero(column),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Asia::Shanghai;

    fn column(ty: DataType) -> StoredColumn {
        StoredColumn { name: "c".to_owned(), ty, nullable: false, encoding: Encoding::Native, domain: Vec::new() }
    }

    fn read(column: &StoredColumn, by_hand: bool, text: &str) -> Result<Cell<'static>, Problem> {
        let found = CellReader { column, nullable: false, zone: Shanghai, by_hand }.read(Some(text));
        found.map(|cell| match cell {
            Cell::Text(text) => Cell::Text(text.into_owned().into()),
            Cell::Bool(value) => Cell::Bool(value),
            Cell::Int(value) => Cell::Int(value),
            Cell::Timestamp(value) => Cell::Timestamp(value),
            Cell::List(value) => Cell::List(value),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn null_is_told_from_the_empty_text() {
        let text = column(DataType::String);
        let reader = |nullable| CellReader { column: &text, nullable, zone: Shanghai, by_hand: false };
        assert_eq!(reader(true).read(None), Ok(Cell::Null));
        assert_eq!(reader(false).read(None), Err(Problem::Null));
        assert_eq!(reader(false).read(Some("")), Ok(Cell::Text("".into())));
    }

    #[test]
    fn enums_take_their_values_only() {
        let mut platform = column(DataType::String);
        platform.domain = vec!["web".to_owned(), "ios".to_owned()];
        assert_eq!(read(&platform, false, "ios"), Ok(Cell::Text("ios".into())));
        assert_eq!(read(&platform, false, "iOS"), Err(Problem::OutsideDomain));
        let reader = CellReader { column: &platform, nullable: false, zone: Shanghai, by_hand: false };
        assert_eq!(reader.wanted(), "one of `web`, `ios`");
    }

    #[test]
    fn encoded_instants_are_milliseconds_unless_written_by_hand() {
        let mut at = column(DataType::Timestamp);
        let midnight = Ok(Cell::Timestamp(1_793_462_400_000));
        assert_eq!(read(&at, false, "2026-11-01 00:00:00"), midnight);
        assert_eq!(read(&at, false, "1793462400000"), Err(Problem::Mistyped));
        assert_eq!(read(&at, false, "2026-11-01"), Err(Problem::Mistyped));
        for text in ["2026-11-01", "2026-11", "2026-11-01 00:00"] {
            assert_eq!(read(&at, true, text), midnight, "{text}");
        }
        at.encoding = Encoding::Milliseconds;
        assert_eq!(read(&at, false, "1793462400000"), midnight);
        assert_eq!(read(&at, false, "2026-11-01 00:00:00"), Err(Problem::Mistyped));
        assert_eq!(read(&at, true, "2026-11-01"), midnight);
        assert_eq!(read(&at, false, "999999999999999999"), Err(Problem::Mistyped));
    }

    #[test]
    fn maps_are_sorted_and_their_values_typed() {
        let map = column(DataType::Map(Box::new(DataType::String)));
        assert_eq!(read(&map, false, r#"{"b":"2", "a":"1"}"#), Ok(Cell::Text(r#"{"a":"1","b":"2"}"#.into())));
        for wrong in ["", "[]", "{\"a\":1}", "{\"a\":", "null"] {
            assert_eq!(read(&map, false, wrong), Err(Problem::Mistyped), "{wrong}");
        }
        let list = column(DataType::Array(Box::new(DataType::Int)));
        assert_eq!(read(&list, false, "[1, null]"), Ok(Cell::List(vec![Cell::Int(1), Cell::Null])));
        assert_eq!(read(&list, false, "[1.5]"), Err(Problem::Mistyped));
        assert_eq!(read(&list, false, &"[".repeat(100_000)), Err(Problem::Mistyped));
    }

    #[test]
    fn durations_by_hand_may_have_units() {
        let duration = column(DataType::Duration);
        assert_eq!(read(&duration, true, "1500"), Ok(Cell::Int(1_500)));
        assert_eq!(read(&duration, true, "5m"), Ok(Cell::Int(300_000)));
        assert_eq!(read(&duration, false, "5m"), Err(Problem::Mistyped));
        assert_eq!(read_value(Some("1.234s"), &DataType::Duration, Shanghai), Some(Value::Duration(1_234)));
        assert_eq!(read_value(Some("2m 03s"), &DataType::Duration, Shanghai), Some(Value::Duration(123_000)));
    }

    #[test]
    fn left_out_columns_have_their_zero() {
        let mut platform = column(DataType::String);
        assert_eq!(zero(&platform), Cell::Text("".into()));
        assert_eq!(row_number(&platform, 3), Cell::Text("3".into()));
        platform.domain = vec!["web".to_owned()];
        assert_eq!(zero(&platform), Cell::Text("web".into()));
        assert_eq!(row_number(&column(DataType::Decimal { precision: 9, scale: 2 }), 3), Cell::Decimal(300));
    }
}
