//! The machines.

use super::super::World;
use super::super::clock::{DAY, HOUR, HOURS, MINUTE, SECOND, hour, midnight};
use super::super::rng::{Rng, Stream};
use super::super::table::{Field, Kind, RowSink, SampleError, TableDef};
use super::{col, opt};

pub(super) const RESOURCE_USAGE: TableDef = TableDef {
    name: "resource_usage",
    file: "resource_usage",
    columns: &[
        col("sampled_at", Kind::Timestamp),
        col("instance", Kind::Text),
        col("zone", Kind::Text),
        col("cpu", Kind::Float),
        col("memory", Kind::Float),
        col("disk", Kind::Float),
        col("bandwidth", Kind::Float),
        opt("gpu", Kind::Float),
        opt("queue_backlog", Kind::Int),
        opt("cache_hits", Kind::Int),
        opt("cache_requests", Kind::Int),
    ],
    write: samples,
};

/// Name, zone, and what it is: 0 a gateway, 1 with a GPU and a queue, 2 a cache.
const INSTANCES: [(&str, &str, u8); 4] =
    [("gw-1", "sh-a", 0), ("gpu-1", "sh-a", 1), ("gpu-2", "sh-b", 1), ("cache-1", "sh-b", 2)];

/// The intervals of sampling, from which the world's size picks one.
const INTERVALS: [i64; 10] =
    [10 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR];

fn samples(world: &World, sink: &mut dyn RowSink) -> Result<(), SampleError> {
    let (from, to) = world.incident();
    let per_day = |interval: i64| DAY / interval * INSTANCES.len() as i64 * i64::from(world.days());
    let fits = |interval: &&i64| per_day(**interval) as u64 <= world.rows / 10;
    let interval = *INTERVALS.iter().find(fits).unwrap_or(&(12 * HOUR));
    // so that even two samples a day meet the evening
    let mut at = midnight(0) + 9 * HOUR % interval;
    while at < world.end() {
        for (place, (instance, zone, kind)) in INSTANCES.iter().enumerate() {
            let mut rng = Rng::of(world.seed, Stream::Resource, at as u64, place as u64);
            // 0 to 10,000
            let load = i64::from(HOURS[hour(at)]) * 350 + rng.range(200, 2_200);
            let jam = *kind == 1 && (from..to).contains(&at);
            let share = |part: i64| Field::Float(part.clamp(0, 10_000) as f64 / 10_000.0);
            let days = (at - midnight(0)) / DAY;
            let requests = load * 3 + rng.range(0, 500);
            sink.row(&[
                Field::Instant(at),
                (*instance).into(),
                (*zone).into(),
                share(if jam { 9_300 + rng.range(0, 600) } else { load }),
                share(4_000 + load / 4 + rng.range(0, 500)),
                share(3_000 + days * 4_500 / i64::from(world.days()) + rng.range(0, 60)),
                share(load * 7 / 10 + rng.range(0, 300)),
                if *kind == 1 { share(if jam { 9_990 } else { load * 12 / 10 }) } else { Field::Null },
                if *kind == 1 { Field::Int(if jam { rng.range(150, 400) } else { load / 900 }) } else { Field::Null },
                if *kind == 2 { Field::Int(requests * rng.range(88, 98) / 100) } else { Field::Null },
                if *kind == 2 { Field::Int(requests) } else { Field::Null },
            ])?;
        }
        at += interval;
    }
    Ok(())
}
