//! Windows of a feed, and what is counted in them.

use sqlparser::ast::{Expr, Ident, ObjectName, Query, SelectItem, TableFactor};

use super::RisingWave;
use super::number::wrapped;
use super::time;
use super::tree::field;
use super::value::{DIGITS, float, numeric, refused, type_name};
use crate::plan::{DataType, Step, StoredColumn, Table};
use crate::rollup::Part;
use crate::sql::build::{self, Parts, aggregate, call, number};
use crate::sql::dialect::{Calendar, Operand, Unsupported};
use crate::sql::stream::{Bucketed, FEED, Windows};

/// How many digits of a NUMERIC are left to the number of rows of a window: more than 7,000,000,000 rows of a group in a window have room.
const ROOM: u8 = 9;

fn unsupported(construct: String, reason: &str) -> Unsupported {
    Unsupported { construct, reason: format!("ST2: {reason}") }
}

impl Windows for RisingWave {
    fn bucketed(
        &self,
        feed: &ObjectName,
        time: Ident,
        step: Step,
        calendar: Calendar,
    ) -> Result<Bucketed, Unsupported> {
        let window = time::window(step, calendar)?;
        let name = feed.0.iter().filter_map(|part| part.as_ident().cloned()).collect::<Vec<Ident>>();
        let name = match <[Ident; 1]>::try_from(name) {
            Ok([name]) => Expr::Identifier(name),
            Err(parts) => Expr::CompoundIdentifier(parts),
        };
        let arguments = [name, Expr::Identifier(time)].into_iter().chain(window.arguments());
        let start = build::column(FEED, build::ident("window_start"));
        Ok(Bucketed {
            from: build::table_function("TUMBLE", arguments.collect(), FEED),
            bucket: window.bucket(start.clone(), step, calendar)?,
            part: Some(window.part(start.clone())),
            group_by: vec![start],
        })
    }

    fn plain(
        &self,
        part: Part,
        argument: Option<Operand>,
        filter: Option<Expr>,
        ty: &DataType,
    ) -> Result<Expr, Unsupported> {
        let of = |name: &str, value: Expr| aggregate(name, vec![value], Vec::new(), filter.clone());
        let Some(argument) = argument else { return Ok(of("count", number(1))) };
        if let Some(refused) = refused(argument.ty) {
            return Err(refused);
        }
        let value = argument.sql;
        Ok(match part {
            Part::Sum => sum(of("sum", value), argument.ty, ty)?,
            Part::Min | Part::Max => {
                let (name, of_bools) = if part == Part::Min { ("min", "bool_and") } else { ("max", "bool_or") };
                match argument.ty {
                    DataType::Bool => of(of_bools, value),
                    DataType::Array(_) | DataType::Map(_) => {
                        return Err(unsupported("the least or greatest list".to_owned(), "JSON has no order there"));
                    }
                    _ => of(name, value),
                }
            }
            _ => of("count", value),
        })
    }

    fn entity(&self, table: &Table, _: &[&StoredColumn], _: &str) -> Result<TableFactor, Unsupported> {
        Err(Unsupported {
            construct: format!("a look-up in `{}`", table.name),
            reason: "CH4: the engine looks up what lies in its own tables, and the rows of entities do not come to it"
                .to_owned(),
        })
    }

    fn type_name(&self, ty: &DataType) -> Result<String, Unsupported> {
        match refused(ty) {
            Some(refused) => Err(refused),
            None => Ok(type_name(ty).to_string()),
        }
    }
}

/// A sum, 0 where there is nothing. Ints and decimals are added as NUMERICs, exactly as long as 28 digits are enough.
fn sum(sum: Expr, of: &DataType, ty: &DataType) -> Result<Expr, Unsupported> {
    match of {
        DataType::Float => Ok(call("coalesce", vec![sum, float(0.0)])),
        DataType::Decimal { precision, scale } if precision + ROOM > DIGITS => Err(unsupported(
            format!("a sum of decimal({precision},{scale})"),
            "sums have 28 digits there, of which the number of rows takes 9: cast to at most 19 digits",
        )),
        _ => {
            let sum = call("coalesce", vec![sum, numeric(0)]);
            // A duration is an int, and wraps like one; all else is told as the decimal that it is.
            Ok(if *ty == DataType::Duration { wrapped(sum, SUMS) } else { sum })
        }
    }
}

/// How many times the number of ints a sum of ints may be; beyond, its digits do not fit anyway.
const SUMS: i128 = 2_000_000_000;

/// The rows of a source, and what tells repetitions among them.
pub struct Kept<'a> {
    /// The rows as they were read.
    pub read: ObjectName,
    /// The column of their time.
    pub time: Ident,
    /// The columns of their key beside the time; none where each row counts.
    pub key: Vec<Ident>,
    /// Their other columns.
    pub others: Vec<Ident>,
    /// A name that no column has.
    pub row: &'a str,
}

/// The rows without repetitions: of those with one key and one time the smallest, by the other columns in their order, nulls last.
/// What has no key or time is none. Grouped by the time, the engine forgets what lies before the watermark.
pub fn kept(of: &Kept) -> Query {
    let from = || Some(build::table(of.read.clone(), "r"));
    let rows = |name: &Ident| build::column("r", name.clone());
    let tells: Vec<&Ident> = std::iter::once(&of.time).chain(&of.key).collect();
    let known = || build::all(tells.iter().map(|name| build::is_not_null(rows(name))));
    let same = |alias: &str, name: &Ident| build::item(build::column(alias, name.clone()), name.clone());
    if of.key.is_empty() {
        let projection = tells.into_iter().chain(&of.others).map(|name| same("r", name)).collect();
        let known = build::is_not_null(rows(&of.time));
        return Parts { projection, from: from(), filter: Some(known), ..Parts::default() }.query();
    }
    let mut projection: Vec<SelectItem> = tells.iter().map(|name| same("r", name)).collect();
    if !of.others.is_empty() {
        let whole = call("ROW", of.others.iter().map(rows).collect());
        projection.push(build::item(call("min", vec![whole]), build::ident(of.row)));
    }
    let group_by = tells.iter().map(|name| rows(name)).collect();
    let grouped = Parts { projection, from: from(), filter: known(), group_by, ..Parts::default() }.query();
    let fields = of.others.iter().enumerate().map(|(at, name)| {
        let field = field(build::column("k", build::ident(of.row)), &format!("f{}", at + 1));
        build::item(field, name.clone())
    });
    let projection = tells.iter().map(|name| same("k", name)).chain(fields).collect();
    Parts { projection, from: Some(build::derived(grouped, "k")), ..Parts::default() }.query()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::WeekStart;

    fn said(step: Step, zone: chrono_tz::Tz, first: chrono::Weekday) -> Result<String, String> {
        let calendar = Calendar { zone, week_start: WeekStart(first) };
        let feed = ObjectName::from(vec![Ident::new("kept")]);
        let made = RisingWave.bucketed(&feed, Ident::new("at"), step, calendar);
        made.map(|made| made.from.to_string()).map_err(|refused| format!("{}: {}", refused.construct, refused.reason))
    }

    #[test]
    fn windows_begin_where_buckets_do() {
        use chrono::Weekday::{Mon, Sun};
        let (hour, zone) = (3_600_000, chrono_tz::Asia::Shanghai);
        for (step, first, arguments) in [
            (Step::Subday(60_000), Mon, "INTERVAL '1 minutes'"),
            (Step::Subday(500), Mon, "INTERVAL '00:00:00.500'"),
            (Step::Subday(12 * hour), Mon, "INTERVAL '12 hours', INTERVAL '4 hours'"),
            (Step::Day, Mon, "INTERVAL '24 hours', INTERVAL '16 hours'"),
            // 1970-01-04 16:00 UTC was Monday in China, and 1970-01-03 16:00 UTC Sunday.
            (Step::Week, Mon, "INTERVAL '168 hours', INTERVAL '88 hours'"),
            (Step::Week, Sun, "INTERVAL '168 hours', INTERVAL '64 hours'"),
        ] {
            assert_eq!(said(step, zone, first), Ok(format!("TUMBLE(kept, at, {arguments}) AS b")));
        }
        // What has no length of its own is made of days, or of hours where clocks change.
        let month = said(Step::Month, zone, Mon);
        assert_eq!(month, Ok("TUMBLE(kept, at, INTERVAL '24 hours', INTERVAL '16 hours') AS b".to_owned()));
        let hours = Ok("TUMBLE(kept, at, INTERVAL '1 hours') AS b".to_owned());
        assert_eq!(said(Step::Day, chrono_tz::Europe::Berlin, Mon), hours);
        let half = Ok("TUMBLE(kept, at, INTERVAL '30 minutes') AS b".to_owned());
        assert_eq!(said(Step::Day, chrono_tz::Australia::Lord_Howe, Mon), half);
        let quarter = said(Step::Subday(6 * hour), chrono_tz::Europe::Berlin, Mon).expect_err("clocks change");
        assert!(quarter.contains("ST5") && quarter.contains("Europe/Berlin"), "{quarter}");
    }

    #[test]
    fn a_bucket_of_several_windows_tells_them_apart() {
        let calendar = Calendar { zone: chrono_tz::Europe::Berlin, week_start: WeekStart(chrono::Weekday::Sun) };
        let feed = ObjectName::from(vec![Ident::new("kept")]);
        let made = RisingWave.bucketed(&feed, Ident::new("at"), Step::Week, calendar).expect("a window");
        assert_eq!(
            made.bucket.to_string(),
            "CAST(date_trunc('week', (b.window_start AT TIME ZONE 'Europe/Berlin') - (INTERVAL '144 hours')) + (INTERVAL '144 hours') AS DATE)"
        );
        let part = made.part.expect("a number").to_string();
        assert_eq!(part, "CAST(floor(EXTRACT(EPOCH FROM b.window_start)) AS BIGINT)");
        let whole = RisingWave.bucketed(&feed, Ident::new("at"), Step::Subday(60_000), calendar).expect("a window");
        assert_eq!(whole.part.expect("a number of 64 bits").to_string(), "CAST(0 AS BIGINT)");
    }

    /// Each bucket that the calendar knows is a window, on many days.
    #[test]
    fn windows_are_the_buckets_of_the_calendar() {
        for zone in
            [chrono_tz::Asia::Shanghai, chrono_tz::Asia::Kathmandu, chrono_tz::UTC, chrono_tz::America::New_York]
        {
            for step in [Step::Subday(900_000), Step::Subday(6 * 3_600_000), Step::Day, Step::Week, Step::Quarter] {
                let calendar = Calendar { zone, week_start: WeekStart(chrono::Weekday::Wed) };
                let Ok(window) = time::window(step, calendar) else {
                    assert_eq!((zone, step), (chrono_tz::America::New_York, Step::Subday(6 * 3_600_000)));
                    continue;
                };
                for at in (946_684_800_000..1_900_000_000_000_i64).step_by(7_919_777_123) {
                    let start = at - (at - window.origin).rem_euclid(window.length);
                    let bucket = |at| step.bucket(at, zone, calendar.week_start);
                    let last = bucket(start + window.length - 1);
                    assert_eq!((bucket(start), last), (bucket(at), bucket(at)), "{zone} {step:?} {at}");
                    assert!(!window.whole || start == bucket(at), "{zone} {step:?} {at}");
                }
            }
        }
    }

    #[test]
    fn sums_are_exact_or_refused() {
        let of = |ty: &DataType| {
            let argument = Operand { sql: build::ident_expr("x"), ty, nullable: true, literal: None };
            RisingWave.plain(Part::Sum, Some(argument), None, ty).map(|made| made.to_string())
        };
        let decimal = |precision| DataType::Decimal { precision, scale: 2 };
        assert_eq!(of(&decimal(19)), Ok("coalesce(sum(x), CAST('0' AS NUMERIC))".to_owned()));
        for precision in [20, 28, 38] {
            assert!(of(&decimal(precision)).is_err_and(|refused| refused.reason.contains("28 digits")), "{precision}");
        }
        assert_eq!(of(&DataType::Float), Ok("coalesce(sum(x), CAST('0.0' AS DOUBLE PRECISION))".to_owned()));
        assert!(of(&DataType::Duration).is_ok_and(|made| made.ends_with("AS BIGINT)")));
    }
}
