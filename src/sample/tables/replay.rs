//! Rows that were computed again to see whether the warehouse has them right.

use super::super::World;
use super::super::clock::{DAY, HOUR, MINUTE, START, midnight};
use super::super::numbers::Numbers;
use super::super::rng::{Rng, Stream};
use super::super::session::What;
use super::super::table::{Field, Kind, RowSink, SampleError, TableDef};
use super::business::task_id;
use super::{col, events};

pub(super) const REPLAY: TableDef = TableDef {
    name: "replay",
    file: "replay",
    columns: &[
        col("replay_id", Kind::Text),
        col("replayed_at", Kind::Timestamp),
        col("dataset", Kind::Text),
        col("row_key", Kind::Text),
        col("outcome", Kind::Text),
    ],
    write: replays,
};

fn replays(world: &World, sink: &mut dyn RowSink) -> Result<(), SampleError> {
    let mut writer = Writer { world, sink };
    let mut numbers = Numbers::default();
    world.walk(&mut |session| {
        events::each_event(session, &mut |event| {
            let number = numbers.next(event.brought);
            if events::lost(world, session, event.at) {
                return Ok(());
            }
            writer.replay("event", &events::event_id(number), number, event.at)
        })?;
        for step in &session.steps {
            if let What::Task(task) = &step.what {
                writer.replay("task", &task_id(task), task.no, task.submitted)?;
            }
        }
        Ok(())
    })
}

struct Writer<'a> {
    world: &'a World,
    sink: &'a mut dyn RowSink,
}

impl Writer<'_> {
    /// One of a hundred rows (of a small world, more) is computed again in the night after it; few come out otherwise.
    fn replay(&mut self, dataset: &str, key: &str, number: u64, at: i64) -> Result<(), SampleError> {
        let mut rng = Rng::of(self.world.seed, Stream::Replay, number, dataset.len() as u64);
        let rows = self.world.rows.max(1);
        let night = midnight(((at - START).max(0) / DAY) as u32 + 1) + 3 * HOUR + rng.range(0, 40 * MINUTE);
        if !rng.chance((4_000_000 / rows).clamp(100, 800)) || night >= self.world.end() {
            return Ok(());
        }
        let differs = rng.chance((1_000_000 / rows).clamp(40, 200));
        let outcome = match (differs, rng.chance(2_500)) {
            (false, _) => "same",
            (true, false) => "different",
            (true, true) => "missing",
        };
        let id = format!("r-{key}");
        self.sink.row(&[Field::from(&id), Field::Instant(night), dataset.into(), Field::Text(key), outcome.into()])
    }
}
