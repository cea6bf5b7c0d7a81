//! The ledger, as the gate before a cut-over.

use crate::change::gate::Recorded;
use crate::change::verify::gate;
use crate::cli::ledger::Ledger;
use crate::cli::ready::Ready;
use crate::cli::{Context, Stop};
use crate::diagnostic::Diagnostics;
use crate::types::CaliberChange;

use super::changes::{self, Meant};

/// How many good days in a row are recorded of a change, for the metric that has fewest; nothing where no day of these meanings is.
pub fn recorded(change: &CaliberChange, ready: &Ready, context: &Context) -> Result<Recorded, Stop> {
    let mut warnings = Diagnostics::new();
    let ledger = Ledger::of(ready, &mut warnings)?;
    if !warnings.is_empty() {
        context.report(&ready.project.sources, &ready.project.root, &warnings);
    }
    let (entries, note) = ledger.read(&change.name, change.from, change.to)?;
    note.iter().for_each(|note| context.note(note));
    let other = changes::program(change, ready)?;
    let meant = (Meant::of(&ready.compiled), Meant::of(&other));
    let mut fewest: Option<(u32, &str)> = None;
    for ids in changes::metrics(ready, &other) {
        let meanings = changes::meanings(change, (&meant.0, &meant.1), ids);
        let name = ready.compiled.model.metrics[ids.0.0].name.as_str();
        let of_metric = || entries.iter().filter(|entry| entry.metric == name);
        let is_known = of_metric().any(|entry| entry.old == meanings.old && entry.new == meanings.new);
        let good = gate(of_metric(), &meanings.old, &meanings.new, change.double_run_days).good;
        if !is_known {
            return Ok(Recorded::Nothing { metric: name.to_owned() });
        }
        if fewest.is_none_or(|(fewer, _)| good < fewer) {
            fewest = Some((good, name));
        }
    }
    Ok(match fewest {
        Some((days, metric)) => Recorded::GoodDays { days, metric: metric.to_owned() },
        None => Recorded::NothingMoves,
    })
}
