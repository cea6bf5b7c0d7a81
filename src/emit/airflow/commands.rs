//! Tasks that wait for batches and then run this program: what DAGs of double runs and of reports share.

use std::collections::BTreeSet;

use minijinja::context;

use super::{Build, scripts};
use crate::emit::clickhouse::Run;
use crate::emit::template;
use crate::rollup::Cadence;

/// The batches of the project's own build that metrics are read from.
pub fn batches_of<'b>(build: &'b Build, is_wanted: impl Fn(&str) -> bool) -> Vec<&'b Run> {
    let wanted = build.schedule.metrics.iter().filter(|need| is_wanted(&build.input.metrics[need.metric].name));
    let places: BTreeSet<usize> = wanted.flat_map(|need| need.batches.iter().copied()).collect();
    places.into_iter().map(|place| &build.schedule.batches[place]).collect()
}

/// The variable of the task of a daily DAG that waits until a batch is built.
pub fn waiting(run: &Run) -> String {
    format!("wait_{}", scripts::folder(run))
}

/// That task.
pub fn wait(build: &Build, run: &Run) -> String {
    let (folder, wait) = (scripts::folder(run), &build.settings.wait);
    let values = context! {
        variable => waiting(run), id => format!("wait__{folder}"), folder, whole_days => run.cadence == Cadence::Hourly,
        every => super::timedelta(wait.every), up_to => super::timedelta(wait.up_to),
    };
    template::render("airflow/wait.py", values)
}
