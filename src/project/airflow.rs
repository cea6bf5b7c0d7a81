//! The settings of a target of the kind `airflow`, and what ties it to the warehouse whose batches it schedules.

use std::sync::Arc;

use super::clickhouse::ClickhouseTarget;
use super::clock::{self, Clock};
use super::target::{Target, TargetSettings};
use super::warehouse;
use super::yaml::Reader;
use crate::diagnostic::{Diagnostics, Spanned};
use crate::error;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// DAGs of Airflow 3 that run the batches of a warehouse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AirflowTarget {
    /// `warehouse`: the ClickHouse target; may be left out where there is one alone.
    pub warehouse: Option<Spanned<String>>,
    /// That target, by its name, once all are read.
    pub of: Option<(String, Arc<ClickhouseTarget>)>,
    /// `connection`: the id of Airflow's connection to its server.
    pub connection: String,
    /// `prefix`: what all ids begin with; the project's name where it is not said.
    pub prefix: Spanned<String>,
    /// `starts`: when daily batches start, in the project's zone; 02:00 by default.
    pub starts: Spanned<Clock>,
    /// `minute`: how many minutes after the hour hourly batches start.
    pub minute: u8,
    /// `deadline`: by when daily batches have to be done; 08:30 by default.
    pub deadline: Spanned<Clock>,
    /// `deadlines`: also as `DeadlineAlert`s.
    pub deadlines: bool,
    /// `first_day`: of the schedule.
    pub first_day: chrono::NaiveDate,
    /// `owner`: of batches whose metrics have none.
    pub owner: Option<String>,
    /// `tags`: more tags of all DAGs.
    pub tags: Vec<String>,
    /// `pool`: in which all tasks run.
    pub pool: String,
    /// `retries`: how often a task is tried again.
    pub retries: u64,
    /// `retry_delay`: how long before the first retry, in milliseconds; twice as long before each that follows.
    pub retry_delay: i64,
    /// `timeout`: how long a task may run, in milliseconds.
    pub timeout: i64,
    /// `wait`: how batches wait for their rows.
    pub wait: Wait,
    /// `domains`: which sources belong together, by names.
    pub domains: Vec<(Spanned<String>, Vec<Spanned<String>>)>,
    /// `alerts`: the id of Airflow's connection to an Alertmanager that is told what goes wrong.
    pub alerts: Option<String>,
    /// `docs_url`: where the pages of `metricc docs` are.
    pub docs_url: Option<String>,
    /// `project`: the project's folder on the workers.
    pub project: Option<Spanned<String>>,
    /// `command`: this program there.
    pub command: String,
}

/// How batches wait for their rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// `up_to`: for how long, in milliseconds.
    pub up_to: i64,
    /// `every`: how often the source is asked, in milliseconds.
    pub every: i64,
    /// `for`: what is waited for, by the names of sources.
    pub by_source: Vec<(Spanned<String>, WaitFor)>,
}

/// What tells that the rows of a day (or hour) have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// A row of it, or a later one: it is brought as a whole.
    Rows,
    /// A row that came when it was over.
    Past,
    /// Nothing.
    Nothing,
}

impl Default for Wait {
    fn default() -> Wait {
        Wait { up_to: 6 * HOUR_MS, every: 5 * MINUTE_MS, by_source: Vec::new() }
    }
}

impl Wait {
    fn read(reader: &mut Reader<'_>) -> Wait {
        let default = Wait::default();
        Wait {
            up_to: reader.duration("up_to").map_or(default.up_to, |length| length.value),
            every: reader.duration("every").map_or(default.every, |length| length.value),
            by_source: reader.mapping("for", waited_for).unwrap_or_default(),
        }
    }
}

fn waited_for(reader: &mut Reader<'_>) -> Vec<(Spanned<String>, WaitFor)> {
    let words = [("rows", WaitFor::Rows), ("past", WaitFor::Past), ("nothing", WaitFor::Nothing)];
    let named = reader.keys();
    let read = named.into_iter().filter_map(|(source, span)| {
        reader.word(source, &words).map(|word| (Spanned::new(source.to_owned(), span), word.value))
    });
    read.collect()
}

impl AirflowTarget {
    /// Reads the settings; what is wrong is told and has its default.
    pub fn read(reader: &mut Reader<'_>) -> AirflowTarget {
        let place = reader.place();
        AirflowTarget {
            warehouse: reader.text("warehouse"),
            of: None,
            connection: text(reader, "connection", "clickhouse_default"),
            prefix: reader.text("prefix").unwrap_or_else(|| Spanned::new(String::new(), place)),
            starts: time(reader, "starts", Clock { hour: 2, minute: 0 }),
            minute: minute(reader),
            deadline: time(reader, "deadline", Clock { hour: 8, minute: 30 }),
            deadlines: reader.flag("deadlines").unwrap_or(false),
            first_day: first_day(reader),
            owner: reader.text("owner").map(|text| text.value),
            tags: reader.texts("tags").unwrap_or_default().into_iter().map(|tag| tag.value).collect(),
            pool: text(reader, "pool", "default_pool"),
            retries: reader.count("retries").map_or(3, |count| count.value),
            retry_delay: reader.duration("retry_delay").map_or(5 * MINUTE_MS, |length| length.value),
            timeout: reader.duration("timeout").map_or(2 * HOUR_MS, |length| length.value),
            wait: reader.mapping("wait", Wait::read).unwrap_or_default(),
            domains: reader.mapping("domains", domains).unwrap_or_default(),
            alerts: reader.text("alerts").map(|text| text.value),
            docs_url: reader.text("docs_url").map(|text| text.value),
            project: reader.text("project"),
            command: text(reader, "command", "metricc"),
        }
    }

    /// What the batch of a source waits for; `None` where it is not said.
    pub fn waits_for(&self, source: &str) -> Option<WaitFor> {
        self.wait.by_source.iter().find(|(name, _)| name.value == source).map(|(_, word)| *word)
    }
}

fn text<'a>(reader: &mut Reader<'a>, key: &'a str, default: &str) -> String {
    reader.text(key).map_or_else(|| default.to_owned(), |text| text.value)
}

fn domains(reader: &mut Reader<'_>) -> Vec<(Spanned<String>, Vec<Spanned<String>>)> {
    let named = reader.keys();
    let read = named.into_iter().filter_map(|(name, span)| {
        let sources = reader.texts(name)?;
        Some((Spanned::new(name.to_owned(), span), sources))
    });
    read.collect()
}

/// A time of the day, as a clock or as cron.
fn time<'a>(reader: &mut Reader<'a>, key: &'a str, default: Clock) -> Spanned<Clock> {
    let place = reader.place();
    let Some(text) = reader.text(key) else { return Spanned::new(default, place) };
    match clock::daily(&text) {
        Ok(clock) => Spanned::new(clock, text.span),
        Err(fault) => {
            reader.tell(error!(E0856, text.span, "`{key}` is no time of every day: `{}` {fault}", text.value;
                help: "write `\"02:00\"`, or `\"0 2 * * *\"` as cron does"));
            Spanned::new(default, text.span)
        }
    }
}

fn minute(reader: &mut Reader<'_>) -> u8 {
    const DEFAULT: u8 = 5;
    const LAST: u8 = 40;
    let Some(count) = reader.count("minute") else { return DEFAULT };
    u8::try_from(count.value).ok().filter(|minute| *minute <= LAST).unwrap_or_else(|| {
        reader.tell(error!(E0856, count.span, "hourly batches can't start {} minutes after the hour", count.value;
            help: ("write 1 to {LAST}: five minutes before the next hour they have to be done")));
        DEFAULT
    })
}

fn first_day(reader: &mut Reader<'_>) -> chrono::NaiveDate {
    let default = chrono::NaiveDate::from_ymd_opt(2020, 1, 1).unwrap_or_default();
    let Some(text) = reader.text("first_day") else { return default };
    chrono::NaiveDate::parse_from_str(&text, "%Y-%m-%d").unwrap_or_else(|_| {
        reader.tell(error!(E0023, text.span, "`first_day` is no day: `{}`", text.value; help: "write `2026-11-01`"));
        default
    })
}

/// Ties each of them to its warehouse, and names it after the project; what does not fit is told.
pub fn tie(targets: &mut [Target], project: &str, diagnostics: &mut Diagnostics) {
    let warehouses = warehouse::all(targets);
    let mut prefixes: Vec<Spanned<String>> = Vec::new();
    for target in targets.iter_mut() {
        let name = target.name.clone();
        let TargetSettings::Airflow(settings) = &mut target.settings else { continue };
        match warehouse::named(&name, settings.warehouse.as_ref(), &warehouses, "whose batches it could run") {
            Ok(of) => settings.of = Some(of),
            Err(no) => diagnostics.push(error!(E0855, no.span, "{}", no.what; help: ("{}", no.help))),
        }
        if settings.prefix.is_empty() {
            settings.prefix = Spanned::new(project.to_owned(), name.span);
        }
        let prefix = settings.prefix.clone();
        if let Some(first) = prefixes.iter().find(|other| other.value == prefix.value) {
            let found = error!(E0857, prefix.span, "the DAGs of two targets have the names `{}…`", prefix.value;
                help: "give each of them its own `prefix`");
            diagnostics.push(found.related(first.span, "the other one"));
        }
        prefixes.push(prefix);
    }
}
