//! The days that a season leaves out: `except: "2026-10-01..2026-10-07, 2027-02-06"`.

use chrono::{Days, NaiveDate, TimeDelta};
use chrono_tz::Tz;

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::syntax::ast::{Argument, ArgumentValue, Expr, ExprKind, Literal};
use crate::value::time::{midnight, parse_date};

/// The runs of local days of an argument, in order, each from its first instant to the first one behind it, in milliseconds since 1970 UTC;
/// none where something is wrong, which is told (E0898).
pub fn days(argument: &Argument, zone: Tz, d: &mut Diagnostics) -> Option<Vec<(i64, i64)>> {
    let (written, text) = match &argument.value {
        ArgumentValue::Expr(Expr { kind: ExprKind::Literal(Literal::String(text)), span }) => (*span, text),
        ArgumentValue::Expr(Expr { span, .. }) => return no_text(*span, d),
        ArgumentValue::Step(step) => return no_text(step.span, d),
    };
    let reader = Reader { written, text, zone };
    let mut runs: Vec<Run> = Vec::new();
    for part in (Part { text, at: 0 }).split(",") {
        let run = reader.run(part, d)?;
        if let Some(before) = runs.iter().find(|before| run.meets(before)) {
            d.push(error!(E0898, reader.span(part), "{} is left out twice", run.first.max(before.first);
                help: "name each day once"));
            return None;
        }
        runs.push(run);
    }
    runs.sort_unstable_by_key(|run| run.first);
    Some(runs.into_iter().map(|run| run.instants(zone)).collect())
}

fn no_text<T>(span: Span, d: &mut Diagnostics) -> Option<T> {
    d.push(error!(E0898, span, "`except` takes days in quotes";
        help: "write `except: \"2026-10-01..2026-10-07, 2027-02-06\"`"));
    None
}

/// Days one after the other, both ends included.
struct Run {
    first: NaiveDate,
    last: NaiveDate,
}

impl Run {
    fn meets(&self, other: &Run) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    fn instants(&self, zone: Tz) -> (i64, i64) {
        let behind = self.last.checked_add_days(Days::new(1)).unwrap_or(self.last);
        (midnight(self.first, zone), midnight(behind, zone))
    }
}

/// A stretch of the text, and where it begins there.
#[derive(Clone, Copy)]
struct Part<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Part<'a> {
    /// What stands between separators, without the space about it.
    fn split(self, by: &str) -> Vec<Part<'a>> {
        let mut at = self.at;
        let mut parts = Vec::new();
        for text in self.text.split(by) {
            let trimmed = text.trim_start();
            parts.push(Part { text: trimmed.trim_end(), at: at + text.len() - trimmed.len() });
            at += text.len() + by.len();
        }
        parts
    }
}

struct Reader<'a> {
    /// Where the text stands, with its quotes.
    written: Span,
    text: &'a str,
    zone: Tz,
}

impl Reader<'_> {
    /// Where a part stands in the file; of nothing, and of a text with escapes, where the whole text does.
    fn span(&self, part: Part<'_>) -> Span {
        let Span { file, start, end } = self.written;
        let is_plain = (end - start) as usize == self.text.len() + 2;
        match u32::try_from(part.at) {
            Ok(at) if is_plain && !part.text.is_empty() => {
                Span::new(file, start + 1 + at, start + 1 + at + part.text.len() as u32)
            }
            _ => self.written,
        }
    }

    fn run(&self, part: Part<'_>, d: &mut Diagnostics) -> Option<Run> {
        let (first, last) = match part.split("..").as_slice() {
            [first, last] => (self.day(*first, d)?, self.day(*last, d)?),
            _ => {
                let day = self.day(part, d)?;
                (day, day)
            }
        };
        let run = Run { first, last };
        if first > last {
            d.push(error!(E0898, self.span(part), "these days end before they begin";
                help: ("write `{last}..{first}`")));
            return None;
        }
        let (from, to) = run.instants(self.zone);
        if from == to {
            d.push(error!(E0898, self.span(part), "{} has no such day: clocks skipped it", self.zone.name();
                help: "leave it away"));
            return None;
        }
        Some(run)
    }

    fn day(&self, part: Part<'_>, d: &mut Diagnostics) -> Option<NaiveDate> {
        let since_1970 = parse_date(part.text).map(|days| TimeDelta::days(i64::from(days)));
        let day = since_1970.and_then(|days| NaiveDate::default().checked_add_signed(days));
        if day.is_none() {
            let said = if part.text.is_empty() {
                "a day is missing here".to_owned()
            } else {
                format!("`{}` is no day", part.text)
            };
            d.push(error!(E0898, self.span(part), "{said}";
                help: "write `2026-10-01`, or `2026-10-01..2026-10-07` with both days included"));
        }
        day
    }
}
