//! A backtest for programs.

use chrono_tz::Tz;
use serde_json::{Value as Json, json};

use crate::backtest::{Advice, Compared, Firing, Judged, Kind, Line, Replayed, Tested};
use crate::table::form;

/// All that is told, as one object. Lengths of time are in milliseconds, instants are texts with their offset.
pub fn json(tested: &Tested, zone: Tz) -> String {
    let at = |ms| form::timestamp_iso(ms, zone);
    let messages = tested.messages();
    let incident = |(place, delay): &(usize, Option<i64>)| {
        let of = &tested.incidents[*place];
        json!({ "name": of.name, "from": at(of.from), "to": at(of.to), "delay": delay })
    };
    let all = json!({
        "from": at(tested.history.from),
        "to": at(tested.history.to),
        "weeks": tested.history.weeks(),
        "messages": {
            "alone": messages.alone,
            "gathered": messages.gathered,
            "muted": messages.muted,
            "saved": tested.saved(),
        },
        "alerts": tested.rows.iter().map(|row| json!({
            "alert": row.name,
            "firings": row.firings,
            "fired": row.fired,
            "messages": {
                "alone": row.messages.alone,
                "gathered": row.messages.gathered,
                "muted": row.messages.muted,
            },
            "judged": row.judged.as_ref().map(judged),
            "rules": row.rules.iter().map(|place| rule(&tested.rules[*place], zone)).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "judged": tested.judged.as_ref().map(judged),
        "incidents": tested.judged.as_ref().map(|of| of.found.iter().map(incident).collect::<Vec<_>>()),
        "advice": tested.advice.iter().map(|(name, advice)| advised(name, advice)).collect::<Vec<_>>(),
        "against": tested.against.as_ref().map(|(base, all)| json!({
            "base": base,
            "alerts": all.iter().map(|one| compared(one, zone)).collect::<Vec<_>>(),
        })),
    });
    format!("{all:#}\n")
}

/// The same where there is nothing to look back at.
pub fn nothing() -> String {
    let all = json!({
        "from": null,
        "to": null,
        "weeks": 0,
        "messages": { "alone": 0, "gathered": 0, "muted": 0, "saved": null },
        "alerts": [],
        "judged": null,
        "incidents": null,
        "advice": [],
        "against": null,
    });
    format!("{all:#}\n")
}

fn judged(of: &Judged) -> Json {
    json!({
        "firings": of.firings,
        "right": of.right,
        "precision": of.precision(),
        "recall": of.recall(),
        "delay": of.delay(),
    })
}

fn rule(rule: &Replayed, zone: Tz) -> Json {
    let windows = match rule.kind {
        Kind::Burn(long, short) => Some(json!({ "long": long, "short": short })),
        Kind::Condition | Kind::Absence => None,
    };
    json!({
        "severity": rule.severity.word(),
        "metric": rule.about.name,
        "absence": rule.kind == Kind::Absence,
        "windows": windows,
        "groups": rule.lines.iter().map(|line| of_line(line, zone)).collect::<Vec<_>>(),
    })
}

fn of_line(line: &Line, zone: Tz) -> Json {
    let labels: serde_json::Map<String, Json> =
        line.labels.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    json!({ "labels": labels, "firings": line.firings.iter().map(|one| firing(one, zone)).collect::<Vec<_>>() })
}

fn firing(of: &Firing, zone: Tz) -> Json {
    json!({ "from": form::timestamp_iso(of.from, zone), "to": form::timestamp_iso(of.to, zone), "open": of.open })
}

fn advised(name: &str, advice: &Advice) -> Json {
    let tried = advice.tried.iter().map(|one| {
        json!({
            "threshold": one.threshold,
            "for": one.hold,
            "declared": one.declared,
            "firings_a_week": one.per_week,
            "precision": one.precision,
            "recall": one.recall,
            "delay": one.delay,
        })
    });
    json!({ "alert": name, "tried": tried.collect::<Vec<_>>(), "recommended": advice.best, "why": advice.why })
}

fn compared(of: &Compared, zone: Tz) -> Json {
    let list = |all: &[(String, Firing)]| {
        let one = |(group, of): &(String, Firing)| json!({ "group": group, "firing": firing(of, zone) });
        all.iter().map(one).collect::<Vec<_>>()
    };
    json!({
        "alert": of.name,
        "before": of.before,
        "now": of.after,
        "kept": of.kept,
        "gone": list(&of.gone),
        "new": list(&of.new),
    })
}
