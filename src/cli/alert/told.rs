//! A backtest in blocks.

use chrono_tz::Tz;

use super::page::{Block, Chart, Head, Overview, Page, number, percent};
use crate::backtest::{Advice, Compared, Firing, Incident, Kind, Line, Replayed, Row, Tested, group};
use crate::table::{form, plot};

/// Of how many groups of a rule a chart is shown.
const MOST_LINES: usize = 3;
/// How many alerts are shown though they never fired.
const MOST_ROWS: usize = 40;
/// How many firings of a comparison are listed.
const MOST_FIRINGS: usize = 5;

/// All that is told.
pub fn page(project: &str, tested: &Tested, zone: Tz) -> Page {
    let mut blocks = vec![Block { overview: Some(overview(tested)), ..rows(tested, zone) }];
    let charts: Vec<Chart> = tested.rules.iter().flat_map(|rule| charts(tested, rule)).collect();
    if !charts.is_empty() {
        blocks.push(Block { title: Some("When they fired".to_owned()), charts, ..Block::default() });
    }
    if tested.judged.is_some() {
        blocks.push(incidents(tested, zone));
    }
    blocks.extend(tested.advice.iter().map(|(name, advice)| advised(name, advice)));
    blocks.extend(tested.against.iter().map(|(base, compared)| against(base, compared, zone)));
    let span = (tested.history.from, tested.history.to);
    Page { title: format!("Alerts of {project} over history"), blocks, span, zone }
}

/// When each alert fired, of whatever group, and incidents.
fn overview(tested: &Tested) -> Overview {
    let of = |row: &Row| {
        let firings = row.rules.iter().flat_map(|place| tested.rules[*place].firings());
        plot::Row { name: row.name.clone(), times: plot::together(firings.map(|one| (one.from, one.to))) }
    };
    let mut rows: Vec<plot::Row> = tested.rows.iter().map(of).collect();
    let all = rows.len();
    // Of very many those that never fired are left out.
    if all > MOST_ROWS {
        rows.retain(|row| !row.times.is_empty());
    }
    let mut title = "When each alert fired, all groups together".to_owned();
    if rows.len() < all {
        title += &format!(" ({} never fired)", all - rows.len());
    }
    let known = tested.incidents.iter().map(|one| (one.from, one.to, one.name.clone())).collect();
    Overview { title, rows, known }
}

fn rows(tested: &Tested, zone: Tz) -> Block {
    let day = |ms| form::timestamp_short(ms, zone);
    let history = tested.history;
    let mut heads: Vec<Head> = vec![
        ("alert", false),
        ("severity", false),
        ("groups", true),
        ("firings", true),
        ("a week", true),
        ("minutes", true),
        ("messages alone", true),
        ("gathered", true),
        ("a week", true),
    ];
    let muted = tested.messages().muted > 0;
    if muted {
        heads.push(("muted", true));
    }
    let judged = tested.judged.is_some();
    if judged {
        heads.extend([("precision", true), ("recall", true), ("delay", true)]);
    }
    let row = |row: &Row| {
        let rules = || row.rules.iter().map(|place| &tested.rules[*place]);
        let mut severities: Vec<&str> = rules().map(|rule| rule.severity.word()).collect();
        severities.dedup();
        let groups = rules().map(|rule| rule.lines.len()).max().unwrap_or_default();
        let mut cells = vec![
            row.name.clone(),
            severities.join(" "),
            groups.to_string(),
            row.firings.to_string(),
            number(row.firings as f64 / history.weeks()),
            (row.fired / 60_000).to_string(),
            row.messages.alone.to_string(),
            row.messages.gathered.to_string(),
            number(row.messages.gathered as f64 / history.weeks()),
        ];
        if muted {
            cells.push(row.messages.muted.to_string());
        }
        if judged {
            let of = row.judged.as_ref();
            cells.push(of.and_then(|of| of.precision()).map(percent).unwrap_or_default());
            cells.push(of.and_then(|of| of.recall()).map(percent).unwrap_or_default());
            cells.push(of.and_then(|of| of.delay()).map(form::duration_short).unwrap_or_default());
        }
        cells
    };
    let all = tested.messages();
    let saved = tested.saved().map(|saved| {
        format!(
            "Messages: {} if each group is told alone, {} gathered and without what is hidden or muted ({} fewer)",
            all.alone,
            all.gathered,
            percent(saved)
        )
    });
    let nobody = muted.then(|| {
        format!("Of {} more messages nobody is told, for they come at times that are muted (`mute`)", all.muted)
    });
    Block {
        above: vec![format!("{} … {} ({} weeks)", day(history.from), day(history.to), number(history.weeks()))],
        table: Some((heads, tested.rows.iter().map(row).collect())),
        below: saved.into_iter().chain(nobody).collect(),
        ..Block::default()
    }
}

/// Of a rule the groups that fired most: their values, when they fired, and incidents.
fn charts(tested: &Tested, rule: &Replayed) -> Vec<Chart> {
    let mut fired: Vec<&Line> = rule.lines.iter().filter(|line| !line.firings.is_empty()).collect();
    fired.sort_by_key(|line| std::cmp::Reverse(line.firings.len()));
    let left = fired.len().saturating_sub(MOST_LINES);
    let chart = |(place, line): (usize, &&Line)| {
        let mut parts = vec![title(rule), group(&line.labels)];
        parts.retain(|part| !part.is_empty());
        let mut title = parts.join(", ");
        if left > 0 && place + 1 == MOST_LINES {
            title += &format!(" ({left} more groups fired)");
        }
        let known = tested.incidents.iter().filter(|one| one.concerns(rule) && one.shows_in(line));
        Chart {
            title,
            points: rule.grid.starts.iter().copied().zip(line.values.iter().copied()).collect(),
            limits: line.limits.clone(),
            fires: line.firings.iter().map(|one| (one.from, one.to)).collect(),
            known: known.map(|one| (one.from, one.to, one.name.clone())).collect(),
        }
    };
    fired.iter().take(MOST_LINES).enumerate().map(chart).collect()
}

/// A rule as it is told: of an objective with its windows.
fn title(rule: &Replayed) -> String {
    match rule.kind {
        Kind::Condition | Kind::Absence => rule.name.clone(),
        Kind::Burn(long, short) => {
            format!("{} over {} and {}", rule.name, form::duration_short(long), form::duration_short(short))
        }
    }
}

fn incidents(tested: &Tested, zone: Tz) -> Block {
    let title = Some("Incidents".to_owned());
    let Some(judged) = tested.judged.as_ref().filter(|_| !tested.incidents.is_empty()) else {
        return Block { title, below: vec!["none of them lies in this time".to_owned()], ..Block::default() };
    };
    let row = |(place, incident): (usize, &Incident)| {
        let day = |ms| form::timestamp_short(ms, zone);
        let after = match judged.found.iter().find(|(of, _)| *of == place) {
            Some((_, Some(delay))) => form::duration_short(*delay),
            Some((_, None)) => "not found".to_owned(),
            None => "no alert watches it".to_owned(),
        };
        vec![incident.name.clone(), day(incident.from), day(incident.to), after]
    };
    let part = |of: Option<f64>| of.map_or_else(|| "–".to_owned(), percent);
    let below = format!(
        "All alerts: precision {} ({} of {} firings are of an incident), recall {}",
        part(judged.precision()),
        judged.right,
        judged.firings,
        part(judged.recall())
    );
    let heads = vec![("incident", false), ("from", false), ("to", false), ("found after", false)];
    let rows = tested.incidents.iter().enumerate().map(row).collect();
    Block { title, table: Some((heads, rows)), below: vec![below], ..Block::default() }
}

fn advised(name: &str, advice: &Advice) -> Block {
    let labelled = advice.tried.iter().any(|one| one.recall.is_some());
    let mut heads: Vec<Head> = vec![("threshold", true), ("for", false), ("firings a week", true)];
    if labelled {
        heads.extend([("precision", true), ("recall", true), ("delay", true)]);
    }
    heads.push(("", false));
    let rows = advice.tried.iter().enumerate().map(|(place, one)| {
        let hold = if one.hold == 0 { "–".to_owned() } else { form::duration_short(one.hold) };
        let mut cells = vec![one.threshold.to_string(), hold, number(one.per_week)];
        if labelled {
            cells.push(one.precision.map(percent).unwrap_or_default());
            cells.push(one.recall.map(percent).unwrap_or_default());
            cells.push(one.delay.map(form::duration_short).unwrap_or_default());
        }
        let marks = [(one.declared, "declared"), (advice.best == Some(place), "recommended")];
        cells.push(marks.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect::<Vec<_>>().join(", "));
        cells
    });
    let lead = match advice.best.map(|best| &advice.tried[best]) {
        Some(best) if best.hold > 0 => {
            format!("Recommended: {} for {}: ", best.threshold, form::duration_short(best.hold))
        }
        Some(best) => format!("Recommended: {}: ", best.threshold),
        None => "No recommendation: ".to_owned(),
    };
    Block {
        title: Some(format!("Thresholds of {name}")),
        table: Some((heads, rows.collect())),
        below: vec![format!("{lead}{}", advice.why)],
        ..Block::default()
    }
}

fn against(base: &str, compared: &[Compared], zone: Tz) -> Block {
    let heads = vec![("alert", false), ("before", true), ("now", true), ("kept", true), ("gone", true), ("new", true)];
    let count = |count: Option<usize>| count.map_or_else(|| "–".to_owned(), |count| count.to_string());
    let row = |one: &Compared| {
        let (gone, new) = (one.gone.len().to_string(), one.new.len().to_string());
        vec![one.name.clone(), count(one.before), count(one.after), one.kept.to_string(), gone, new]
    };
    let listed = compared.iter().flat_map(|one| {
        let of = |what: &'static str, firings: &[(String, Firing)]| listed(&one.name, what, firings, zone);
        [of("gone", &one.gone), of("new", &one.new)].concat()
    });
    Block {
        title: Some(format!("Against {base}")),
        table: Some((heads, compared.iter().map(row).collect())),
        below: listed.collect(),
        ..Block::default()
    }
}

fn listed(name: &str, what: &str, firings: &[(String, Firing)], zone: Tz) -> Vec<String> {
    let one = |(group, firing): &(String, Firing)| {
        let group = if group.is_empty() { String::new() } else { format!(" {group}") };
        let lasts = form::duration_short(firing.to - firing.from);
        format!("{what}: {name}{group} at {} for {lasts}", form::timestamp_short(firing.from, zone))
    };
    let mut found: Vec<String> = firings.iter().take(MOST_FIRINGS).map(one).collect();
    if firings.len() > MOST_FIRINGS {
        found.push(format!("{what}: {} more of {name}", firings.len() - MOST_FIRINGS));
    }
    found
}
