//! What streaming targets do for a warehouse: which scans they count, and where the rows lie that they have looked through.

use sqlparser::ast::{Ident, ObjectName};

use super::{Build, version};
use crate::emit::{Input, streaming};
use crate::plan::{Step, Table, TableScan};
use crate::project::{ClickhouseTarget, Engine, StreamingTarget};
use crate::rollup;
use crate::sql::Calendar;
use crate::sql::stream::{Counted, is_plain};

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

/// Why an engine cannot count the rows of a scan in buckets of a step, in a sentence with the number of the rule.
pub fn refusal(engine: Engine, of: &TableScan, step: Step) -> Option<String> {
    if let Some(why) = rollup::unfed(of, engine == Engine::Clickhouse) {
        return Some(why.text().to_owned());
    }
    let windows = streaming::engine(engine)?.windows();
    let rollup = rollup::alone(of, step)?;
    let counted = Counted {
        rollup: &rollup,
        tables: of.tables,
        feed: ObjectName::from(vec![Ident::new("feed")]),
        calendar: Calendar { zone: of.query.zone, week_start: of.query.week_start },
    };
    let values = (0..rollup.states.len()).filter(|at| !is_plain(&rollup.states[*at]));
    let told = counted
        .plain(windows)
        .map(|_| ())
        .and_then(|()| values.into_iter().try_for_each(|at| counted.values(at, windows).map(|_| ())));
    let first = told.err()?.into_iter().next()?;
    Some(format!("{} cannot express {}: {}", engine.word(), first.construct, first.reason))
}

/// Whether a stream of the target counts the rows of a scan in buckets of a step.
pub fn feeds(settings: &ClickhouseTarget, input: &Input, of: &TableScan, step: Step) -> bool {
    stream_of(settings, input, of.table).is_some_and(|(_, stream)| refusal(stream.engine, of, step).is_none())
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
