//! The DAGs that ask the warehouse whether batches are built, whatever became of their runs (AF2).

use minijinja::context;

use super::dags::{Dag, Parts, When, dag};
use super::{Build, doc, scripts};
use crate::emit::clickhouse::Run;
use crate::emit::template;
use crate::rollup::Cadence;

/// The minute at which hourly batches are asked for. They start early enough (`project::AirflowTarget`).
const MINUTE: u8 = 55;

/// One at the deadline for all batches, and one that runs every hour where there are hourly ones.
pub fn dags(build: &Build) -> Vec<Dag> {
    let runs = &build.schedule.batches;
    let hourly: Vec<&Run> = runs.iter().filter(|run| run.cadence == Cadence::Hourly).collect();
    let mut made = Vec::new();
    if !runs.is_empty() {
        made.push(of(build, &runs.iter().collect::<Vec<_>>(), Cadence::Daily));
    }
    if !hourly.is_empty() {
        made.push(of(build, &hourly, Cadence::Hourly));
    }
    made
}

fn of(build: &Build, runs: &[&Run], every: Cadence) -> Dag {
    let settings = build.settings;
    let check = |run: &&Run| {
        context! {
            id => scripts::folder(run), display => format!("{} {}", run.source, run.cadence.word()),
            folder => scripts::folder(run), whole_days => run.cadence != every,
        }
    };
    let by = format!("{} ({})", settings.deadline.value.text(), build.input.zone.name());
    let (names, when, description) = match every {
        Cadence::Daily => {
            let when = When::Cron(settings.deadline.value.cron(), "days=1");
            (vec!["freshness"], when, format!("Asks at {by} whether the day before is built"))
        }
        Cadence::Hourly => {
            let when = When::Cron(format!("{MINUTE} * * * *"), "hours=1");
            (vec!["freshness", "hourly"], when, "Asks every hour whether the hour before is built".to_owned())
        }
    };
    dag(
        build,
        Parts {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            display: names.join(" "),
            description,
            doc: doc::freshness(),
            when,
            owner: settings.owner.as_deref().unwrap_or("metricc"),
            tags: names.iter().map(|name| (*name).to_owned()).collect(),
            deadline: None,
            has_history: false,
            origin: runs.iter().map(|run| run.source.clone()).collect(),
            body: template::render(
                "airflow/freshness.py",
                context! { checks => runs.iter().map(check).collect::<Vec<_>>() },
            ),
        },
    )
}
