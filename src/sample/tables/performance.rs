//! How fast and how well it went: API calls, page loads and tasks.

use super::super::World;
use super::super::dictionary::{APIS, FEATURES, PLATFORMS};
use super::super::numbers::{Numbers, key};
use super::super::rng::{Rng, Stream};
use super::super::session::{Task, What};
use super::super::table::{Field, Kind, RowSink, SampleError, TableDef};
use super::business::task_id;
use super::{col, opt, put};

pub(super) const PERF_API: TableDef = TableDef {
    name: "perf_api",
    file: "perf_api",
    columns: &[
        col("event_time", Kind::TimestampMs),
        col("api_id", Kind::Text),
        col("instance", Kind::Text),
        col("zone", Kind::Text),
        col("latency", Kind::DurationMs),
        col("status", Kind::Int),
        col("timed_out", Kind::Bool),
        opt("error", Kind::Text),
    ],
    write: calls,
};

/// Places in `APIS`.
mod api {
    pub const LIST: usize = 0;
    pub const PROFILE: usize = 1;
    pub const TASK: usize = 2;
    pub const SUBMIT: usize = 3;
    pub const ORDER: usize = 4;
    pub const LEGACY: usize = 8;
}

/// The limit after which the gateway gives up, in milliseconds.
const TIME_LIMIT: i64 = 30_000;

/// How a call ended: latency, status, error.
type Answer = (i64, i64, Option<&'static str>);

fn calls(world: &World, sink: &mut dyn RowSink) -> Result<(), SampleError> {
    let mut numbers = Numbers::default();
    let (from, to) = world.incident();
    world.walk(&mut |session| {
        for step in &session.steps {
            let mut call = |at: i64, api: usize, answer: Option<Answer>| {
                let number = numbers.next(step.brought);
                let mut rng = Rng::of(world.seed, Stream::Call, number, 0);
                let (latency, status, error) = answer.unwrap_or_else(|| usual(&mut rng, api));
                let (instance, zone) = *rng.pick(&[("gw-1", "sh-a"), ("gw-2", "sh-a"), ("gw-3", "sh-b")]);
                sink.row(&[
                    Field::Instant(at),
                    APIS[api].0.into(),
                    instance.into(),
                    zone.into(),
                    Field::Int(latency.min(TIME_LIMIT)),
                    Field::Int(status),
                    (latency >= TIME_LIMIT).into(),
                    error.into(),
                ])
            };
            match &step.what {
                What::View { no, .. } if no % 3 == 0 => call(step.at + 90, api::LIST, None)?,
                What::View { no, .. } if no % 100 == 1 => call(step.at + 40, api::LEGACY, None)?,
                What::Login => call(step.at + 15, api::PROFILE, None)?,
                What::Task(task) => {
                    call(step.at, api::SUBMIT, None)?;
                    if let Some(answer) = inference(task, (from..to).contains(&task.submitted)) {
                        let family =
                            ["cutout", "portrait", "canvas"].iter().position(|f| *f == FEATURES[task.feature].family);
                        call(step.at + task.queue.unwrap_or(500), 5 + family.unwrap_or(0), Some(answer))?;
                    }
                    if task.no % 4 == 0 {
                        call(task.finished.unwrap_or(task.submitted), api::TASK, None)?;
                    }
                }
                What::Order(order) => call(order.created, api::ORDER, None)?,
                _ => {}
            }
        }
        Ok(())
    })
}

/// How a call of an API usually ends.
fn usual(rng: &mut Rng, api: usize) -> Answer {
    let base = match APIS[api].1 {
        "write" => 110,
        _ => 38,
    };
    match rng.below(10_000) {
        0..=1 => (TIME_LIMIT, 504, Some("T408")),
        2..=4 => (rng.tailed(base * 3), 500, Some("H500")),
        5..=144 => (rng.tailed(base / 2), 404, None),
        145..=204 => (rng.tailed(base / 2), 400, Some("X001")),
        _ => (rng.tailed(base), 200, None),
    }
}

/// The call of the model that a task made, if it came to that. Outside of the incident the service keeps what its objective asks for: the model
/// answers in time, and says itself what it could not do.
fn inference(task: &Task, in_incident: bool) -> Option<Answer> {
    let latency = task.infer?;
    if !in_incident {
        let error = task.error.filter(|error| !error.starts_with('T'));
        return Some((latency.min(TIME_LIMIT - 1), 200, error));
    }
    Some(match (task.status, task.error) {
        ("failed", Some("T504")) => (TIME_LIMIT, 504, Some("T504")),
        ("failed", Some("M500")) if task.no.is_multiple_of(2) => (latency, 503, Some("H503")),
        ("failed", error) => (latency, 500, error),
        _ => (latency, 200, None),
    })
}

pub(super) const PERF_PAGE: TableDef = TableDef {
    name: "perf_page",
    file: "perf_page",
    columns: &[
        col("event_id", Kind::Text),
        col("event_time", Kind::TimestampMs),
        col("page_id", Kind::Text),
        col("platform", Kind::Text),
        opt("ttfb", Kind::DurationMs),
        opt("fcp", Kind::DurationMs),
        opt("lcp", Kind::DurationMs),
        opt("cls", Kind::Float),
    ],
    write: pages,
};

fn pages(world: &World, sink: &mut dyn RowSink) -> Result<(), SampleError> {
    let (from, to) = world.outage();
    world.walk(&mut |session| {
        for step in &session.steps {
            let What::View { no, page, .. } = &step.what else { continue };
            let mut rng = Rng::of(world.seed, Stream::Page, *no, 0);
            // one of three loads reports, none of them in the outage
            if !rng.chance(3_300) || (from..to).contains(&step.at) {
                continue;
            }
            let ttfb = rng.tailed(120);
            let fcp = ttfb + rng.tailed(420);
            let lcp = fcp + rng.tailed(700);
            let left_early = rng.chance(1_200);
            let id = key('p', 7, *no);
            let row = [
                Field::from(&id),
                Field::Instant(step.at + fcp),
                (*page).into(),
                PLATFORMS[session.platform].into(),
                (!rng.chance(100)).then_some(ttfb).into(),
                (!rng.chance(300)).then_some(fcp).into(),
                (!left_early).then_some(lcp).into(),
                (!rng.chance(500)).then(|| rng.tailed(45) as f64 / 1000.0).into(),
            ];
            put(world, sink, &mut rng, &row)?;
        }
        Ok(())
    })
}

pub(super) const PERF_TASK: TableDef = TableDef {
    name: "perf_task",
    file: "perf_task",
    columns: &[
        col("task_id", Kind::Text),
        col("event_time", Kind::TimestampMs),
        col("feature", Kind::Text),
        col("queue", Kind::DurationMs),
        opt("infer", Kind::DurationMs),
        col("retries", Kind::Int),
    ],
    write: tasks,
};

fn tasks(world: &World, sink: &mut dyn RowSink) -> Result<(), SampleError> {
    world.walk(&mut |session| {
        for step in &session.steps {
            let What::Task(task) = &step.what else { continue };
            let Some(ended) = task.finished else { continue };
            let mut rng = Rng::of(world.seed, Stream::Task, task.no, 1);
            let id = task_id(task);
            let row = [
                Field::from(&id),
                Field::Instant(ended),
                FEATURES[task.feature].id.into(),
                Field::Int(task.queue.unwrap_or(0)),
                task.infer.into(),
                Field::Int(task.retries),
            ];
            put(world, sink, &mut rng, &row)?;
        }
        Ok(())
    })
}
