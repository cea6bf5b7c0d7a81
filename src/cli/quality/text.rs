//! Verdicts in a terminal.

use super::{Checked, consequence, shown};
use crate::cli::ui::{Column, Paint, table};
use crate::quality::{Judged, Outcome, Verdict};
use crate::types::BoundOp;

/// How many broken days are told of a rule.
const MOST: usize = 5;

/// A table a declaration, and below it the days on which rules are broken.
pub fn text(checked: &[Checked], paint: Paint) -> String {
    checked.iter().map(|one| of_one(one, paint)).collect::<Vec<_>>().join("\n")
}

fn of_one(checked: &Checked, paint: Paint) -> String {
    let quality = checked.quality;
    let title = quality.title.as_ref().map(|title| format!(", {title}")).unwrap_or_default();
    let severity = format!("{}: {}", quality.severity.word(), consequence(quality.severity));
    let mut found = format!("{}{title} on {} ({severity})\n\n", paint.bold(&quality.name.value), checked.on);
    let columns = [
        Column::text("rule"),
        Column::number("value"),
        Column::text("bound"),
        Column::number("rows"),
        Column::number("days"),
        Column::number("broken"),
        Column::text("verdict"),
    ];
    let rows = checked.outcomes.iter().map(|outcome| row(checked, outcome));
    for line in table(&columns, rows).lines() {
        let line = line.trim_end();
        found += &match () {
            () if line.ends_with(" broken") => paint.red(line),
            () if line.ends_with(" holds") => line.to_owned(),
            () => paint.dim(line),
        };
        found.push('\n');
    }
    let told: Vec<String> = checked.outcomes.iter().filter_map(|outcome| details(checked, outcome)).collect();
    if !told.is_empty() {
        found += &format!("\n{}\n", told.join("\n"));
    }
    found
}

fn row(checked: &Checked, outcome: &Outcome) -> Vec<String> {
    let worst = worst(checked, outcome);
    let rows: u64 = outcome.days.iter().filter_map(|day| day.rows).sum();
    let counted = outcome.days.iter().any(|day| day.rows.is_some());
    let days = outcome.days.iter().filter(|day| day.day.0.is_some()).count();
    let broken = outcome.broken().count();
    vec![
        outcome.rule.clone(),
        shown(checked.quality, outcome, worst.and_then(|worst| worst.value)),
        outcome.bound.clone(),
        if counted { rows.to_string() } else { String::new() },
        if days == 0 { String::new() } else { days.to_string() },
        if broken == 0 { String::new() } else { broken.to_string() },
        verdict(outcome).to_owned(),
    ]
}

/// The verdict on all days together.
pub fn verdict(outcome: &Outcome) -> &'static str {
    let has = |wanted: fn(&Verdict) -> bool| outcome.days.iter().any(|day| wanted(&day.verdict));
    if has(|verdict| *verdict == Verdict::Broken) {
        "broken"
    } else if has(|verdict| *verdict == Verdict::Holds) {
        "holds"
    } else if has(|verdict| matches!(verdict, Verdict::NotJudged(_))) {
        "not judged"
    } else if has(|verdict| *verdict == Verdict::TooFew) {
        "too few"
    } else {
        "nothing"
    }
}

/// The day that is worst: of shares that should be high the least one, of others the greatest.
pub fn worst<'o>(checked: &Checked, outcome: &'o Outcome) -> Option<&'o Judged> {
    let rule = checked.quality.rules.iter().find(|rule| rule.name == outcome.rule);
    let high = match rule.map(|rule| &rule.kind) {
        Some(crate::types::RuleKind::Share { bound, .. }) => matches!(bound.op, BoundOp::Above | BoundOp::AtLeast),
        _ => false,
    };
    // What is not judged is not the worst of what is.
    let judged = outcome.days.iter().any(|day| matches!(day.verdict, Verdict::Holds | Verdict::Broken));
    let counts = |day: &&Judged| day.value.is_some() && !(judged && day.verdict == Verdict::TooFew);
    let known = outcome.days.iter().filter(counts);
    let by = |a: &&Judged, b: &&Judged| a.value.unwrap_or(0.0).total_cmp(&b.value.unwrap_or(0.0));
    let found = if high { known.min_by(by) } else { known.max_by(by) };
    found.or_else(|| outcome.broken().next())
}

/// What is to be told of a rule below the table: the days on which it is broken, or why it is not judged.
fn details(checked: &Checked, outcome: &Outcome) -> Option<String> {
    let why = outcome.days.iter().find_map(|day| match &day.verdict {
        Verdict::NotJudged(why) => Some(why),
        _ => None,
    });
    if let Some(why) = why {
        return Some(format!("{} is not judged: {why}", outcome.rule));
    }
    let broken: Vec<&Judged> = outcome.broken().filter(|day| day.day.0.is_some()).collect();
    if broken.is_empty() || outcome.days.len() == 1 {
        return None;
    }
    let day = |day: &&Judged| format!("{} ({})", day.day, shown(checked.quality, outcome, day.value));
    let mut days: Vec<String> = broken.iter().take(MOST).map(day).collect();
    if broken.len() > MOST {
        days.push(format!("{} more", broken.len() - MOST));
    }
    Some(format!("{} is broken on {}", outcome.rule, days.join(", ")))
}
