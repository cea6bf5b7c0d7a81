//! The changes of a name: how far each is, why, and what moves with it.

use std::collections::BTreeSet;

use crate::caliber::moved;
use crate::cli::ready::Ready;
use crate::cli::ui::Paint;
use crate::compile::other;
use crate::types::{CaliberChange, Stage, family};

/// All of them, a paragraph each.
pub fn told(names: &BTreeSet<&str>, ready: &Ready, paint: Paint) -> String {
    let of_name = ready.compiled.model.changes.iter().filter(|change| names.contains(change.name.as_str()));
    of_name.map(|change| paragraph(change, ready, paint)).collect()
}

fn paragraph(change: &CaliberChange, ready: &Ready, paint: Paint) -> String {
    let CaliberChange { name, from, to, .. } = change;
    let state = match change.stage {
        Stage::DoubleRun => format!("in double run: `{name}` is v{from}, v{to} is built beside it"),
        Stage::Live if change.beside => format!("live: `{name}` is v{to}, v{from} is built beside it"),
        Stage::Live => "live".to_owned(),
    };
    let mut lines = vec![("change", change.label()), ("stage", state), ("reason", change.reason.clone())];
    lines.extend(change.ticket.clone().map(|ticket| ("ticket", ticket)));
    let within = format!("within {}", percent(change.tolerance));
    let expected = change.expect.map(|(low, high)| format!(", expected {} to {}", percent(low), percent(high)));
    let days = if change.double_run_days == 1 {
        "1 good day".to_owned()
    } else {
        format!("{} good days in a row", change.double_run_days)
    };
    lines.push(("takes", format!("{days}, {within}{}", expected.unwrap_or_default())));
    lines.extend(change.retire.map(|day| ("retire", day.to_string())));
    if change.beside {
        let moves = moves(change, ready);
        lines.push(("moves", if moves.is_empty() { "nothing".to_owned() } else { moves.join(", ") }));
    }
    let place = ready.project.sources.file(change.span.file);
    let line = place.position(change.span.start).0;
    let mut text = format!("\n{}\n", paint.dim(&format!("{}:{line}", place.path)));
    for (what, value) in lines {
        text += &format!("{}  {value}\n", paint.bold(&format!("{what:8}")));
    }
    text
}

/// The metrics that move with it; growths go with theirs.
fn moves(change: &CaliberChange, ready: &Ready) -> Vec<String> {
    let (other, _) = other(&ready.project, change);
    let model = &ready.compiled.model;
    let names = moved(&ready.compiled, &other).into_iter().map(|(id, _)| family(&model.metrics[id.0].name).to_owned());
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

fn percent(share: f64) -> String {
    // A float of a percentage that was written has digits of its own at the end.
    let rounded = (share * 1e8).round() / 1e6;
    format!("{rounded}%")
}
