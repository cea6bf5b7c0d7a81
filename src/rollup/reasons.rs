//! Why rollups are what they are, in sentences.

use super::align::divides;
use super::same::same;
use super::statistics::Statistics;
use super::{Dimension, Mergeability, Rollup, Way};
use crate::plan::{Step, Table};

/// Why a rollup is filled as it is, ordered as it is, and not part of another one; `names` has one for each.
pub fn reasons(
    rollups: &[Rollup],
    at: usize,
    names: &[String],
    statistics: &Statistics,
    tables: &[Table],
) -> Vec<String> {
    let rollup = &rollups[at];
    let mut told = vec![way(rollup)];
    if rollup.dimensions.len() > 1 {
        let one = |dimension: &Dimension| {
            let values = statistics.values(&dimension.value, rollup.table, &rollup.joins, tables);
            values.map(|values| format!("{} ({})", dimension.name, about(values)))
        };
        let known: Vec<String> = rollup.dimensions.iter().filter_map(one).collect();
        if !known.is_empty() {
            told.push(format!("key order: few values first: {}", known.join(", ")));
        }
    }
    told.extend(steps(&rollup.steps));
    told.push(format!("keeps {}, which {}", kinds(rollup), merging(Mergeability::of_states(&rollup.states))));
    let others = rollups.iter().zip(names).enumerate();
    for (place, (other, name)) in others {
        if place != at && other.table == rollup.table && other.way == rollup.way {
            told.push(format!("apart from {name}: {}", apart(rollup, other, statistics, tables)));
        }
    }
    told
}

/// A number of which only the size is known.
pub fn about(number: f64) -> String {
    match number {
        n if n < 1_000.0 => format!("{n:.0}"),
        n if n < 1e6 => format!("{:.1}k", n / 1e3),
        n if n < 1e9 => format!("{:.1}M", n / 1e6),
        n => format!("{:.1}G", n / 1e9),
    }
}

fn way(rollup: &Rollup) -> String {
    match rollup.way {
        Way::Added => "rows only come, and nothing is looked up: it is filled as they arrive".to_owned(),
        Way::Fed => "a stream drops repetitions and late rows before they get here (ST1)".to_owned(),
        Way::Rebuilt(reason) => {
            format!("made anew from the clean rows every {}. {}", rollup.refresh.text(), reason.text())
        }
        Way::Batched(cadence) => format!("served {}: a batch replaces whole days (CH14)", cadence.word()),
    }
}

fn steps(steps: &[Step]) -> Option<String> {
    let (first, coarser) = steps.split_first()?;
    let coarser: Vec<String> = coarser.iter().map(|step| step.text()).collect();
    (!coarser.is_empty()).then(|| {
        format!("{} from {}: what reads whole ones need not read finer ones", coarser.join(" and "), first.text())
    })
}

fn kinds(rollup: &Rollup) -> String {
    let each = rollup.states.iter().map(|state| Mergeability::of_part(state.part, state.argument.as_ref()));
    let mut kinds: Vec<Mergeability> = each.collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.into_iter().map(Mergeability::text).collect::<Vec<_>>().join(", ")
}

fn merging(all: Mergeability) -> &'static str {
    if all.is_plain() { "are plain columns that any reader can add up" } else { "merge as states (CH11)" }
}

fn apart(rollup: &Rollup, other: &Rollup, statistics: &Statistics, tables: &[Table]) -> String {
    if !same(&rollup.time, &rollup.joins, &other.time, &other.joins) {
        return "its rows are dated by another column".to_owned();
    }
    let within =
        |a: &Rollup, b: &Rollup| a.dimensions.iter().all(|dimension| b.dimension(&dimension.value, &a.joins).is_some());
    if !within(rollup, other) && !within(other, rollup) {
        return "neither has all dimensions of the other".to_owned();
    }
    let chained = |a: &Step| other.steps.iter().all(|b| divides(*a, *b) || divides(*b, *a));
    if !rollup.steps.iter().all(chained) {
        return "steps of the one do not follow from those of the other".to_owned();
    }
    let rows = |rollup: &Rollup| {
        let step = rollup.steps.first().copied()?;
        statistics.rows_of_rollup(rollup, step, tables)
    };
    match (rows(rollup), rows(other)) {
        (Some(own), Some(others)) if own > 0.0 => {
            let (more, less) = (own.max(others), own.min(others));
            format!(
                "it has {} rows a bucket and this one {}, {} times as many",
                about(others),
                about(own),
                about(more / less)
            )
        }
        _ => "it was planned for other dimensions".to_owned(),
    }
}
