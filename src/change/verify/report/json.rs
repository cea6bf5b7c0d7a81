//! A verification for programs.

use serde_json::{Map, Value, json};

use super::words;
use super::{Group, Report};
use crate::change::verify::{Bucket, Cell, Gate, Minimum, Slice};
use crate::table::form;

/// All groups. Values are texts with all digits; shares are numbers, and null where there is nothing to be relative to.
pub fn json(groups: &[Group]) -> Value {
    let of = |group: &Group| {
        json!({
            "change": group.change,
            "reason": group.reason,
            "agrees": group.agrees(),
            "gate": group.gate().map(gate),
            "metrics": group.reports.iter().map(report).collect::<Vec<_>>(),
        })
    };
    json!({ "agrees": groups.iter().all(Group::agrees), "groups": groups.iter().map(of).collect::<Vec<_>>() })
}

fn report(report: &Report) -> Value {
    let counts = report.counts();
    let (share, volume) = match report.rules.minimum {
        Minimum::Share(share) => (Some(share), None),
        Minimum::Volume(volume) => (None, Some(volume)),
    };
    json!({
        "metric": report.metric,
        "unit": report.unit,
        "step": report.rules.calendar.step.map(crate::value::Step::text),
        "dimensions": report.dimensions,
        "old": report.old,
        "new": report.new,
        "tolerance": report.rules.tolerance,
        "expect": report.rules.expect.map(|(low, high)| json!([low, high])),
        "minimum_share": share,
        "minimum_volume": volume,
        "estimate_error": report.error,
        "agrees": report.agrees(),
        "good": counts.good,
        "bad": counts.bad,
        "empty": counts.empty,
        "not_judged": counts.not_judged,
        "buckets": report.comparison.buckets.iter().map(|one| bucket(one, report)).collect::<Vec<_>>(),
        "contributors": report.comparison.contributors.iter().map(|one| slice(one, report)).collect::<Vec<_>>(),
        "gate": report.gate.as_ref().map(gate),
    })
}

fn bucket(bucket: &Bucket, report: &Report) -> Value {
    let zone = report.rules.calendar.zone;
    let instant = |ms: Option<i64>| ms.map(|ms| form::timestamp_iso(ms, zone));
    json!({
        "start": instant(bucket.start),
        "end": instant(bucket.end),
        "old": bucket.old.as_ref().and_then(Cell::text),
        "new": bucket.new.as_ref().and_then(Cell::text),
        "difference": bucket.relative,
        "wape": bucket.wape,
        "slices": bucket.slices,
        "missing_old": bucket.missing_old,
        "missing_new": bucket.missing_new,
        "worst": bucket.worst.as_ref().map(|worst| slice(worst, report)),
        "contributors": bucket.contributors.iter().map(|one| slice(one, report)).collect::<Vec<_>>(),
        "verdict": bucket.verdict.word(),
        "reasons": words::reasons(&bucket.verdict),
    })
}

fn slice(slice: &Slice, report: &Report) -> Value {
    let keys = report.dimensions.iter().zip(&slice.slice);
    let keys: Map<String, Value> = keys.map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "slice": keys,
        "old": slice.old.text(),
        "new": slice.new.text(),
        "difference": slice.difference.text(),
        "relative": slice.relative,
        "share": slice.share,
        "volume": slice.volume,
    })
}

fn gate(gate: &Gate) -> Value {
    json!({
        "good_days": gate.good,
        "needed": gate.needed,
        "offered": gate.is_open(),
        "first": gate.run.map(|(first, _)| first.to_string()),
        "last": gate.run.map(|(_, last)| last.to_string()),
        "broken": gate.broken.map(|(day, _)| day.to_string()),
    })
}
