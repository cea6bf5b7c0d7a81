//! What streaming targets do for a warehouse: which scans they count, and where the rows lie that they have looked through.

use sqlparser::ast::ObjectName;

use super::{Build, version};
use crate::emit::Input;
use crate::plan::{Step, Table, TableScan};
use crate::project::{ClickhouseTarget, Engine, StreamingTarget};
use crate::rollup;

/// The streaming target that counts the rows of a table, with its name.
pub fn stream_of<'s>(
    settings: &'s ClickhouseTarget,
    input: &Input,
    place: usize,
) -> Option<(&'s str, &'s StreamingTarget)> {
    input.upkeep.get(place)?.topic.as_ref()?;
    let name = &input.tables[place].name;
    let found = settings.streams.iter().find(|(_, stream)| stream.counts(name));
    found.map(|(name, stream)| (name.as_str(), &**stream))
}

/// Why a stream cannot count the rows of a scan in buckets of a step, in a sentence with the number of the rule.
pub fn refusal(stream: &StreamingTarget, of: &TableScan, _step: Step) -> Option<String> {
    let rows = stream.engine == Engine::Clickhouse;
    rollup::unfed(of, rows).map(|why| why.text().to_owned())
}

/// Whether a stream of the target counts the rows of a scan in buckets of a step.
pub fn feeds(settings: &ClickhouseTarget, input: &Input, of: &TableScan, step: Step) -> bool {
    stream_of(settings, input, of.table).is_some_and(|(_, stream)| refusal(stream, of, step).is_none())
}

/// The rows of a source that its stream has looked through. What decides that tells one feed from another.
pub fn feed(build: &Build, place: usize) -> ObjectName {
    let table = &build.input.tables[place];
    build.versioned(&format!("feed__{}", table.name), &version::hash(&meaning(build, place, table)))
}

fn meaning(build: &Build, place: usize, table: &Table) -> String {
    let stream = stream_of(build.settings, build.input, place).map(|(_, stream)| (stream.within, stream.by));
    format!("{:?} {:?} {:?} {stream:?}", table.columns, table.clean, build.input.upkeep[place].lateness)
}
