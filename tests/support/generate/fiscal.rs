//! The declared calendar of every project: weeks of odd lengths, days that its table lacks, days without a week.

use std::fmt::Write as _;

use super::model::*;
use super::text;

/// A step of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fiscal {
    Week,
    Year,
}

/// The first day of the table (2023-11-27), and the day after its last one.
const DAYS: (i32, i32) = (19_688, 21_000);

/// Of eleven such weeks a fiscal year is made.
const WEEKS: [i32; 5] = [7, 7, 6, 8, 5];

impl Fiscal {
    /// As it is written.
    pub fn text(self) -> String {
        match self {
            Fiscal::Week => "fiscal.week".into(),
            Fiscal::Year => "fiscal.year".into(),
        }
    }

    /// The value of a day (since 1970) in the column of the step; none where the table lacks it, or has null.
    pub fn value(self, day: i32) -> Option<i32> {
        if !listed(day) {
            return None;
        }
        let since = day - DAYS.0;
        let cycle: i32 = WEEKS.iter().sum();
        match self {
            Fiscal::Year => Some(2024 + since / (11 * cycle)),
            Fiscal::Week if day % 53 == 7 => None,
            Fiscal::Week => {
                let (mut rest, mut week) = (since % cycle, since / cycle * 5);
                for length in WEEKS {
                    if rest < length {
                        break;
                    }
                    rest -= length;
                    week += 1;
                }
                // The numbers begin anew, as they do in such tables.
                Some(week % 55)
            }
        }
    }
}

/// Whether the table has a day.
fn listed(day: i32) -> bool {
    (DAYS.0..DAYS.1).contains(&day) && day % 37 != 5
}

/// Its days with their values.
fn rows() -> impl Iterator<Item = (i32, Option<i32>, Option<i32>)> {
    let days = (DAYS.0..DAYS.1).filter(|day| listed(*day));
    days.map(|day| (day, Fiscal::Week.value(day), Fiscal::Year.value(day)))
}

/// The declaration.
pub fn declaration(database: &str) -> String {
    let table = text::quoted(&format!("{database}.fiscal_days"));
    format!("calendar fiscal {{ table: {table}; sample: \"fiscal.csv\"; day: ds; step week = w; step year = y }}\n")
}

/// The sample.
pub fn csv() -> String {
    let mut out = String::from("ds,w,y\n");
    let cell = |value: Option<i32>| value.map_or(String::new(), |value| value.to_string());
    for (day, week, year) in rows() {
        let _ = writeln!(out, "{},{},{}", text::day(day), cell(week), cell(year));
    }
    out
}

/// The statements that make and fill the table.
pub fn clickhouse(database: &str) -> [String; 2] {
    let cell = |value: Option<i32>| value.map_or("NULL".to_owned(), |value| value.to_string());
    let rows: Vec<String> =
        rows().map(|(day, week, year)| format!("('{}',{},{})", text::day(day), cell(week), cell(year))).collect();
    [
        format!(
            "CREATE TABLE {database}.fiscal_days (ds Date, w Nullable(Int32), y Nullable(Int32)) ENGINE = MergeTree ORDER BY ds"
        ),
        format!("INSERT INTO {database}.fiscal_days VALUES {}", rows.join(",")),
    ]
}

impl Project {
    /// Whether something is in steps of the calendar.
    pub fn uses_calendar(&self) -> bool {
        let asked = self.questions.iter().any(|question| matches!(question.step, Some(Step::Fiscal(_))));
        asked || self.constructs().contains(&Construct::Calendar)
    }
}
