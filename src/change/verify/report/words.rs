//! Verdicts in words, and numbers for people.

use chrono::Datelike;

use super::Report;
use crate::change::verify::{
    Break, Calendar, Cell, Gate, Minimum, Number, Reason, Rules, Side, Slice, Unjudged, Verdict,
};
use crate::table::form;
use crate::value::time::local_date;
use crate::value::{DataType, Step};

/// A share: `-2.00%`, `0.004%`; without an end where there was nothing before.
pub fn percent(share: f64) -> String {
    if share == 0.0 {
        return "0%".to_owned();
    }
    if !share.is_finite() {
        return if share > 0.0 { "from nothing".to_owned() } else { "to below nothing".to_owned() };
    }
    let value = share * 100.0;
    match value.abs() {
        size if size >= 0.01 => format!("{value:.2}%"),
        size if size >= 0.000_1 => format!("{value:.4}%"),
        _ => format!("{value:.1e}%"),
    }
}

/// A limit, as short as it is written: `-3%`, `0.5%`.
pub fn limit(share: f64) -> String {
    let text = format!("{:.6}", share * 100.0);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{}%", if text == "-0" { "0" } else { text })
}

/// A share with its sign.
pub fn signed(share: f64) -> String {
    let text = percent(share);
    if share > 0.0 && share.is_finite() { format!("+{text}") } else { text }
}

/// A value for people.
pub fn value(cell: Option<&Cell>, ty: &DataType) -> String {
    match cell {
        None => "–".to_owned(),
        Some(Cell::Missing) => "no row".to_owned(),
        Some(Cell::Null) => "null".to_owned(),
        Some(Cell::Other(text)) => text.clone(),
        Some(Cell::Number(found)) => number(*found, ty),
    }
}

/// A number for people: durations in words, floats with six digits.
pub fn number(found: Number, ty: &DataType) -> String {
    match (found, ty) {
        (Number::Exact { digits, scale: 0 }, DataType::Duration) => {
            i64::try_from(digits).map_or_else(|_| found.text(), form::duration_short)
        }
        (Number::Float(value), DataType::Duration) => form::duration_short(value as i64),
        (Number::Float(value), _) if (1e-4..1e9).contains(&value.abs()) => {
            let digits = (5 - value.abs().log10().floor() as i32).clamp(0, 9) as usize;
            let text = format!("{value:.digits$}");
            if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
        }
        _ => found.text(),
    }
}

/// The values of a slice: `ios, web`; of none `all`.
pub fn slice(values: &[Option<String>]) -> String {
    if values.is_empty() {
        return "all".to_owned();
    }
    let one = |value: &Option<String>| match value.as_deref() {
        None => "null".to_owned(),
        Some("") => "\"\"".to_owned(),
        Some(text) => text.to_owned(),
    };
    values.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A bucket, as answers show it.
pub fn bucket(start: Option<i64>, calendar: &Calendar) -> String {
    let (Some(start), Some(step)) = (start, calendar.step) else { return "all".to_owned() };
    let day = local_date(start, calendar.zone);
    match step {
        Step::Subday(_) => form::timestamp_short(start, calendar.zone),
        Step::Month => format!("{}-{:02}", day.year(), day.month()),
        _ => day.format("%Y-%m-%d").to_string(),
    }
}

/// How is judged: `within 0.5%`, `expected -3% to 0%, within 0.5%`.
pub fn rules(rules: &Rules) -> String {
    let expect = rules.expect.map(|(low, high)| format!("expected {} to {}, ", limit(low), limit(high)));
    let least = match rules.minimum {
        Minimum::Share(share) if share > 0.0 => format!(", slices from {} of the volume", limit(share)),
        Minimum::Volume(volume) if volume > 0.0 => format!(", slices from a volume of {}", form::float(volume)),
        _ => String::new(),
    };
    format!("{}within {}{least}", expect.unwrap_or_default(), limit(rules.tolerance))
}

fn range(low: f64, high: f64) -> String {
    match (low.is_finite(), high.is_finite()) {
        (true, true) => format!("{} to {} is allowed", limit(low), limit(high)),
        (true, false) => format!("{} or more is allowed", limit(low)),
        (false, true) => format!("{} or less is allowed", limit(high)),
        (false, false) => "all is allowed".to_owned(),
    }
}

/// Why a bucket is bad.
pub fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Absent(side) => format!("the {} side has no row", side.word()),
        Reason::Total { relative, low, high } => {
            format!("the total {}, and {}", differs(*relative), range(*low, *high))
        }
        Reason::Spread { wape, limit: most } if wape.is_finite() => {
            format!("the slices differ by {} of the old value, and {} is allowed", percent(*wape), limit(*most))
        }
        Reason::Spread { limit: most, .. } => {
            format!("the slices differ where the old value is nothing, and {} of it is allowed", limit(*most))
        }
        Reason::Slice { slice: values, relative, low, high } => {
            format!("the slice {} {}, and {}", slice(values), differs(*relative), range(*low, *high))
        }
    }
}

/// `differs by +1.50%`; where there was nothing before no share says by how much.
fn differs(share: f64) -> String {
    match share.is_finite() {
        true => format!("differs by {}", signed(share)),
        false => format!("goes {}", signed(share)),
    }
}

/// Why a bucket is not judged.
pub fn unjudged(why: Unjudged) -> String {
    let side = |side: Side| format!("the {} side", side.word());
    match why {
        Unjudged::Open => "it is not over".to_owned(),
        Unjudged::Behind(of) => format!("{} has not all of its rows", side(of)),
        Unjudged::Before(of) => format!("{} begins later", side(of)),
        Unjudged::After(of) => format!("{} ends earlier", side(of)),
    }
}

/// What is said beside a verdict; empty for a good one.
pub fn reasons(verdict: &Verdict) -> Vec<String> {
    match verdict {
        Verdict::Good | Verdict::Empty => Vec::new(),
        Verdict::Bad(reasons) => reasons.iter().map(reason).collect(),
        Verdict::NotJudged(why) => vec![unjudged(*why)],
    }
}

/// A slice that carries a part of the difference.
pub fn contributor(found: &Slice, ty: &DataType) -> String {
    let sign = if found.difference.as_f64() > 0.0 { "+" } else { "" };
    format!("{} {sign}{} ({})", slice(&found.slice), number(found.difference, ty), signed(found.share))
}

/// How far a change is from its cut-over.
pub fn gate(gate: &Gate, promote: &str) -> String {
    if gate.is_open() {
        return format!("{} of {} good days: the cut-over is offered, `{promote}`", gate.good, gate.needed);
    }
    let when = gate.expected().map(|day| format!("; cut-over is offered once {day} is good")).unwrap_or_default();
    let why = gate.broken.map(|(day, why)| {
        let why = match why {
            Break::Bad => "was bad",
            Break::Empty => "was empty",
            Break::Gap => "was not verified",
        };
        format!("; {day} {why}")
    });
    // Nothing is recorded yet.
    let how = if gate.good == 0 && why.is_none() { "; `--record` keeps the verdict of each day" } else { "" };
    format!("{} of {} good days{}{when}{how}", gate.good, gate.needed, why.unwrap_or_default())
}

/// What an estimate means for the verdict; none where nothing is estimated.
pub fn estimate(report: &Report) -> Option<String> {
    let error = report.error?;
    let beside = if error >= report.rules.tolerance { ": it is no smaller than the tolerance" } else { "" };
    Some(format!(
        "the values are estimates with an error of about {}, beside a tolerance of {}{beside}",
        limit(error),
        limit(report.rules.tolerance)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_short_and_signed() {
        assert_eq!(
            [0.0, 0.012, -0.000_02, 1e-9, f64::INFINITY].map(signed),
            ["0%", "+1.20%", "-0.0020%", "+1.0e-7%", "from nothing"]
        );
        assert_eq!([-0.03, 0.005, 0.0, -0.0].map(limit), ["-3%", "0.5%", "0%", "0%"]);
    }

    #[test]
    fn what_comes_from_nothing_is_no_share() {
        let of = |relative| reason(&Reason::Total { relative, low: -0.005, high: 0.005 });
        assert_eq!(of(0.02), "the total differs by +2.00%, and -0.5% to 0.5% is allowed");
        assert_eq!(of(f64::INFINITY), "the total goes from nothing, and -0.5% to 0.5% is allowed");
        assert_eq!(of(f64::NEG_INFINITY), "the total goes to below nothing, and -0.5% to 0.5% is allowed");
        let spread = Reason::Spread { wape: f64::INFINITY, limit: 0.005 };
        assert_eq!(reason(&spread), "the slices differ where the old value is nothing, and 0.5% of it is allowed");
    }

    #[test]
    fn numbers_are_for_people() {
        let of = |value, ty: DataType| number(value, &ty);
        assert_eq!(of(Number::Float(1.0 / 3.0), DataType::Float), "0.333333");
        assert_eq!(of(Number::Float(1200.0), DataType::Float), "1200");
        assert_eq!(of(Number::int(1_234), DataType::Duration), "1.234s");
        assert_eq!(of(Number::Exact { digits: 990, scale: 2 }, DataType::Float), "9.90");
        assert_eq!(slice(&[None, Some(String::new()), Some("a".to_owned())]), "null, \"\", a");
    }
}
