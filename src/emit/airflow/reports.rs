//! The DAGs of reports: one for each time at which some are made, with a task a report.

use std::collections::BTreeMap;

use minijinja::context;

use super::dags::{Dag, Parts, When, dag};
use super::{Build, commands, doc, id, one_line};
use crate::emit::clickhouse::Run;
use crate::emit::{Told, template};
use crate::plan::Step;

/// All of them; none where it is not said where the project is.
pub fn dags(build: &Build) -> Vec<Dag> {
    let Some(project) = &build.settings.project else { return Vec::new() };
    let mut at: BTreeMap<(String, String), Vec<&Told>> = BTreeMap::new();
    for report in &build.input.reports {
        at.entry((report.every.text(), cron(report, build))).or_default().push(report);
    }
    at.into_iter().map(|((every, cron), reports)| of(build, project, &every, &cron, &reports)).collect()
}

/// When a report is made: on the first day after each period.
fn cron(report: &Told, build: &Build) -> String {
    let (hour, minute) = (report.minutes / 60, report.minutes % 60);
    let days = match report.every {
        Step::Week => format!("* * {}", build.input.week_start.0.num_days_from_sunday()),
        Step::Month => "1 * *".to_owned(),
        Step::Quarter => "1 1,4,7,10 *".to_owned(),
        Step::Year => "1 1 *".to_owned(),
        _ => "* * *".to_owned(),
    };
    format!("{minute} {hour} {days}")
}

fn of(build: &Build, project: &str, every: &str, cron: &str, reports: &[&Told]) -> Dag {
    let settings = build.settings;
    let warehouse = settings.of.as_ref().map_or("", |(name, _)| name);
    let batches = |report: &Told| -> Vec<&Run> {
        let is_told = |name: &str| report.metrics.iter().any(|metric| metric == name);
        commands::batches_of(build, is_told)
    };
    let mut body = String::new();
    let mut waits: Vec<String> = Vec::new();
    for report in reports {
        let own = batches(report);
        for run in &own {
            let wait = commands::waiting(run);
            if !waits.contains(&wait) {
                body.push_str(&commands::wait(build, run));
                waits.push(wait);
            }
        }
        let name = id::id(&report.name);
        let title = report.title.as_deref().unwrap_or(&report.name);
        let values = context! {
            variable => format!("report_{name}"), id => format!("report__{name}"), display => title, report => report.name.as_str(),
            warehouse, project, command => settings.command.as_str(),
            about => format!("Sends {}, once to whom it is for.", doc::plain(title)),
            after => own.iter().map(|run| commands::waiting(run)).collect::<Vec<_>>(),
        };
        body.push_str(&template::render("airflow/report.py", values));
    }
    let clock = format!("{:02}:{:02}", reports[0].minutes / 60, reports[0].minutes % 60);
    let owner = reports.iter().find_map(|report| report.owner.as_deref());
    dag(
        build,
        Parts {
            names: vec!["reports".to_owned(), every.to_owned(), clock.replace(':', "")],
            display: format!("reports {every} {clock}"),
            description: format!(
                "Sends at {clock} what is told of each {every}: {}",
                doc::and(reports.iter().map(|report| one_line(&report.name)))
            ),
            doc: doc::reports(reports),
            when: When::Cron(cron.to_owned(), "days=1"),
            owner: owner.or(settings.owner.as_deref()).unwrap_or("metricc"),
            tags: vec!["reports".to_owned()],
            deadline: None,
            has_history: false,
            origin: reports.iter().map(|report| report.name.clone()).collect(),
            body,
        },
    )
}
