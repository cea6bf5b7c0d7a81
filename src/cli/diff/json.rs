//! For programs.

use serde_json::{Value, json};

use super::evidence::Evidence;
use super::{Refused, Report, place};
use crate::change::diff::{At, Class, Entry, Field};
use crate::change::effect::{Compared, Effect, Unshared};
use crate::change::witness::{Differing, GivenRows, Searched};

/// All of it.
pub fn render(report: &Report<'_>) -> String {
    let counts = Class::ALL.into_iter().map(|class| {
        let (metrics, others) = report.count(class);
        (class.word().to_owned(), json!({ "metrics": metrics, "others": others }))
    });
    let unversioned = report.diff.unversioned().map(|entry| json!({ "kind": entry.kind.word(), "name": entry.name }));
    let built = report.built.as_ref().map(|built| {
        let one = |one: &super::Built| {
            json!({
                "target": one.target, "kind": one.kind, "state": one.state, "name": one.name,
                "filled": one.filled, "todo": one.todo(), "for": one.of,
            })
        };
        built.iter().map(one).collect::<Vec<Value>>()
    });
    let told = json!({
        "compared": true,
        "base": report.base,
        "head": report.head,
        "class": report.diff.class().map(Class::word),
        "counts": serde_json::Map::from_iter(counts),
        "project": report.diff.project.iter().map(of_field).collect::<Vec<_>>(),
        "unversioned": unversioned.collect::<Vec<_>>(),
        "entries": report.diff.entries.iter().map(of_entry).collect::<Vec<_>>(),
        "built": built,
        "evidence": report.evidence.all.iter().map(of_evidence).collect::<Vec<_>>(),
        "without_evidence": report.evidence.left_out,
    });
    format!("{told:#}\n")
}

/// Why nothing was compared.
pub fn refused(sides: &[Refused]) -> String {
    let of = |side: &Refused| {
        let errors = side.diagnostics.iter().map(|found| {
            json!({ "code": found.code.0, "message": found.message, "help": found.help, "place": place(side, found) })
        });
        json!({ "name": side.name, "errors": errors.collect::<Vec<_>>() })
    };
    format!("{:#}\n", json!({ "compared": false, "refused": sides.iter().map(of).collect::<Vec<_>>() }))
}

fn of_field(field: &Field) -> Value {
    json!({
        "class": field.class.word(), "aspect": field.aspect.word(), "name": field.name(),
        "old": field.old, "new": field.new,
    })
}

fn of_at(at: &At) -> Value {
    let (file, line) = at.place.as_ref().map(|(file, line)| (file, line)).unzip();
    json!({ "name": at.name, "version": at.version, "file": file, "line": line, "text": at.text })
}

fn of_entry(entry: &Entry) -> Value {
    let direction = entry
        .direction
        .as_ref()
        .map(|direction| json!({ "way": if direction.falls { "falls" } else { "rises" }, "why": direction.why }));
    let downstream = entry.downstream.iter().map(|one| json!({ "kind": one.kind.word(), "name": one.label }));
    json!({
        "kind": entry.kind.word(),
        "name": entry.name,
        "title": entry.title(),
        "class": entry.class.word(),
        "state": entry.state.word().replace(' ', "_"),
        "moves": entry.moves,
        "fields": entry.fields.iter().map(of_field).collect::<Vec<_>>(),
        "via": entry.via,
        "direction": direction,
        "downstream": downstream.collect::<Vec<_>>(),
        "base": entry.base.as_ref().map(of_at),
        "head": entry.head.as_ref().map(of_at),
    })
}

fn of_evidence(evidence: &Evidence) -> Value {
    let witness = evidence.witness.as_ref().map(|searched| match searched {
        Ok(Searched::Found(witness)) => json!({ "found": true, "given": witness.given.iter().map(of_given).collect::<Vec<_>>(), "values": witness.values.iter().map(of_value).collect::<Vec<_>>() }),
        Ok(Searched::Agreed(worlds)) => json!({ "found": false, "worlds": worlds }),
        Err(why) => json!({ "found": false, "failed": why }),
    });
    let effect = evidence.effect.as_ref().map(|effect| match effect {
        Ok(effect) => of_effect(effect),
        Err(why) => json!({ "failed": why }),
    });
    json!({ "of": evidence.title, "witness": witness, "effect": effect })
}

fn of_given(given: &GivenRows) -> Value {
    json!({ "table": given.table, "columns": given.columns, "rows": given.rows })
}

fn of_value(value: &Differing) -> Value {
    json!({ "time": value.time, "old": value.old, "new": value.new })
}

fn of_effect(effect: &Effect) -> Value {
    let compared = |one: &Compared| json!({ "of": one.of, "old": one.old, "new": one.new, "relative": one.relative() });
    let slices = effect.slices.iter().map(|slice| {
        let mut told = compared(&slice.compared);
        told["dimension"] = json!(slice.dimension);
        told
    });
    let shares = effect.shares.iter().map(|share| json!({ "edit": share.edit, "adds": share.adds }));
    json!({
        "total": effect.total.as_ref().map(compared),
        "buckets": effect.buckets.iter().map(compared).collect::<Vec<_>>(),
        "slices": slices.collect::<Vec<_>>(),
        "more_slices": effect.more_slices,
        "shares": shares.collect::<Vec<_>>(),
        "unshared": effect.unshared.map(Unshared::text),
    })
}
