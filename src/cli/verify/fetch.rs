//! Values from where they are asked for.

use std::collections::BTreeMap;

use crate::cli::{Context, Stop, planned, ready::Ready, server};
use crate::clickhouse::Client;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::emit;
use crate::error;
use crate::project::Target;
use crate::rollup::Asked;
use crate::table::Answer;
use crate::types::Way;

use super::source::Source;
use super::view::{From, Read};
use super::wanted::Wanted;
use super::{results, view};

/// Fetches values; connections, and what the dry run has read, are kept.
pub struct Fetcher<'a> {
    ready: &'a Ready,
    context: &'a Context,
    clients: BTreeMap<String, Client>,
    #[cfg(feature = "dry-run")]
    dry_runs: super::samples::DryRuns,
    /// What was told of servers.
    warnings: Diagnostics,
}

impl<'a> Fetcher<'a> {
    /// Of a project.
    pub fn new(ready: &'a Ready, context: &'a Context) -> Fetcher<'a> {
        Fetcher {
            ready,
            context,
            clients: BTreeMap::new(),
            #[cfg(feature = "dry-run")]
            dry_runs: super::samples::DryRuns::default(),
            warnings: Diagnostics::new(),
        }
    }

    /// The target of a source; none where it has none.
    pub fn target(&self, source: &Source) -> Result<Option<&'a Target>, Stop> {
        let Some(name) = source.target() else { return Ok(None) };
        let targets = self.ready.project.warehouses();
        match (name, &targets[..]) {
            (None, [only]) => Ok(Some(*only)),
            (None, _) => Err(error!(E0991, None, "the project has {} targets, and `{}` says not which", targets.len(), source.text(None);
                help: "name one of them, as in `clickhouse:warehouse`")
            .into()),
            (Some(name), _) => match self.ready.project.target(name) {
                Some(target) => Ok(Some(target)),
                None => Err(error!(E0041, None, "no target named `{name}`"; help: "name a file of `targets/`").into()),
            },
        }
    }

    /// The client of a target.
    fn client(&mut self, target: &Target) -> Result<&Client, Stop> {
        let name = &target.name.value;
        if !self.clients.contains_key(name) {
            let client = server::client(self.ready, name, None, &mut self.warnings)?;
            let warnings = std::mem::take(&mut self.warnings);
            if !warnings.is_empty() {
                self.context.report(&self.ready.project.sources, &self.ready.project.root, &warnings);
            }
            self.clients.insert(name.clone(), client);
        }
        Ok(&self.clients[name])
    }

    /// The server's clock, in milliseconds since 1970; none for a source without a server.
    pub fn now(&mut self, source: &Source) -> Result<Option<i64>, Stop> {
        let Some(target) = self.target(source)? else { return Ok(None) };
        let client = self.client(target)?;
        let select = "SELECT toUnixTimestamp64Milli(now64(3)) AS now";
        let rows = client.ask(select).map_err(|failure| server::stop(client, &failure, select))?;
        Ok(rows.rows.first().and_then(|row| row.first()?.as_deref()?.parse().ok()))
    }

    /// The values of each, in order. What is asked of one server is asked in one statement.
    pub fn all(&mut self, wanted: &[(&Source, &Wanted)]) -> Result<Vec<Answer>, Stop> {
        let mut found: Vec<Option<Answer>> = wanted.iter().map(|_| None).collect();
        let mut of_target: BTreeMap<&str, (&Target, Vec<usize>)> = BTreeMap::new();
        for (place, (source, one)) in wanted.iter().enumerate() {
            match self.target(source)? {
                Some(target) => {
                    of_target.entry(&target.name.value).or_insert_with(|| (target, Vec::new())).1.push(place)
                }
                None => found[place] = Some(self.local(source, one)?),
            }
        }
        for (target, places) in of_target.into_values() {
            let reads = places.iter().map(|place| {
                let (source, one) = wanted[*place];
                Ok(Read { wanted: one, from: self.from(source, one, target)? })
            });
            let reads: Vec<Read> = reads.collect::<Result<_, Stop>>()?;
            let answers = view::read(self.client(target)?, &reads)?;
            for (place, answer) in places.into_iter().zip(answers) {
                found[place] = Some(answer);
            }
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// From a file, or the dry run.
    fn local(&mut self, source: &Source, wanted: &Wanted) -> Result<Answer, Stop> {
        match source {
            Source::Csv(file) => results::csv(file, wanted),
            Source::Parquet(file) => results::parquet(file, wanted, self.ready),
            #[cfg(feature = "dry-run")]
            Source::DryRun(folder) => self.dry_runs.run(wanted, folder.as_deref(), self.ready, self.context),
            _ => Err(error!(E0991, None, "this program was built without the dry run";
                help: "compare results of a server or of files, or use a program with the dry run")
            .into()),
        }
    }

    /// What is read for a source of a target.
    fn from(&self, source: &Source, wanted: &Wanted, target: &Target) -> Result<From, Stop> {
        match source {
            Source::View(name) => Ok(From::View(name.split('.').map(str::to_owned).collect())),
            Source::Batch(_) => self.served(wanted, target, true),
            Source::Stream(_) => self.served(wanted, target, false),
            _ => readers(wanted, target).map_err(Stop::from),
        }
    }

    /// The SELECT that reads what batches, or streams, have built, and nothing else.
    fn served(&self, wanted: &Wanted, target: &Target, by_batch: bool) -> Result<From, Stop> {
        let metric = &wanted.program.compiled.model.metrics[wanted.metric.0];
        let word = if by_batch { "a batch" } else { "a stream" };
        let refuse = |why: &str| {
            Stop::from(
                error!(E0991, None, "`{}` is not served by {word} in `{}`: {why}", metric.name.value, target.name.value;
                help: "compare what is served both ways: `serve: stream(1m), daily`"),
            )
        };
        let ways: &[Way] = if by_batch { &[Way::Hourly, Way::Daily] } else { &[Way::Stream] };
        let asked_by = |way: &Way| emit::asked_by(&wanted.program.compiled.model, wanted.metric, *way).servings;
        let asked = Asked { live: false, servings: ways.iter().flat_map(asked_by).collect() };
        if asked.servings.is_empty() {
            return Err(refuse("its `serve` does not say so"));
        }
        let told = |found| Stop::found(&self.ready.project, found);
        let (input, found) = planned::input(self.ready);
        if found.has_errors() {
            return Err(told(found));
        }
        let answered = emit::answer(&input, target, &wanted.query, &asked).map_err(told)?;
        if let Some((_, why)) = answered.refused.first() {
            return Err(refuse(why));
        }
        let (emitted, found) = emit::emit(&input, target);
        if found.has_errors() {
            return Err(told(found));
        }
        let filled = |table: &str| {
            let rollups = emitted.details["rollups"].as_array().into_iter().flatten();
            rollups.into_iter().find(|rollup| rollup["table"] == table).and_then(|rollup| rollup["filled"].as_str())
        };
        let is_batch = |table: &String| filled(table).map(|filled| matches!(filled, "hourly" | "daily"));
        if answered.from.is_empty() || answered.from.iter().any(|table| is_batch(table) != Some(by_batch)) {
            let from = if answered.from.is_empty() { "the sources".to_owned() } else { answered.from.join(", ") };
            return Err(refuse(&format!("at this step and by these dimensions it reads {from}")));
        }
        Ok(From::Select(answered.sql))
    }
}

/// The view that readers see of a metric, or the one that a change builds beside it.
fn readers(wanted: &Wanted, target: &Target) -> Result<From, Diagnostic> {
    let model = &wanted.program.compiled.model;
    let metric = &model.metrics[wanted.metric.0];
    let name = &metric.name.value;
    let own: Vec<String> = metric.by.iter().map(|by| by.name(&model.dimensions)).collect();
    let asked: Vec<String> =
        wanted.query.columns()[..wanted.query.keys()].iter().map(|column| column.name.clone()).collect();
    let asked = &asked[usize::from(wanted.query.step.is_some())..];
    if own != asked {
        let shown = |names: &[String]| if names.is_empty() { "no dimension".to_owned() } else { names.join(", ") };
        return Err(error!(E0991, None, "the view of `{name}` is by {}, not by {}", shown(&own), shown(asked);
            help: "leave `--by` out, or compare another source"));
    }
    let step = wanted.query.step.map_or_else(|| "total".to_owned(), crate::plan::Step::text);
    let has_step = metric.grain.iter().any(|grain| match grain {
        crate::types::Grain::Step(step) => Some(*step) == wanted.query.step,
        crate::types::Grain::Total => wanted.query.step.is_none(),
    });
    if !has_step {
        return Err(
            error!(E0991, None, "`{name}` has no view at the step `{step}`"; help: "leave `--step` out, or name one of its `grain`"),
        );
    }
    let beside = wanted.program.beside.as_ref().map(|name| format!("__{name}")).unwrap_or_default();
    let database = target.clickhouse().map(|settings| settings.database.clone()).unwrap_or_default();
    Ok(From::View(vec![database, format!("{}__{step}{beside}", emit::view_name(name))]))
}
