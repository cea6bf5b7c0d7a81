//! Rollups: a table of states a step, and what fills it.

use rayon::prelude::*;
use sqlparser::ast::ObjectName;

use super::{Build, File, Object, Part, access, backfill, cluster, fed, line, storage, version};
use crate::diagnostic::Diagnostics;
use crate::emit::name;
use crate::error;
use crate::plan::time::{DAY_MS, local_date, midnight};
use crate::plan::{Query, Step};
use crate::rollup::{Rollup, Way};
use crate::sql::{self, Built, CLICKHOUSE, CutOver, Filling, Side, Source, Stored, StoredColumn, Unsupported};

/// A rollup as it was made.
pub struct Made {
    /// Its steps, as in the plan.
    pub steps: Vec<MadeStep>,
    /// Its name among the cut-overs, where history comes from a backfill.
    pub cut: Option<String>,
}

/// A step of a rollup.
pub struct MadeStep {
    /// The step.
    pub step: Step,
    /// Its table.
    pub table: ObjectName,
    /// What readers read: the tables of all shards, where there are several.
    pub everywhere: ObjectName,
    /// What fills it: a materialized view, or the table in which a batch prepares days.
    pub filler: ObjectName,
    /// The SELECT that fills it.
    pub select: String,
    /// The names of its columns.
    pub columns: Vec<String>,
    /// For how many days its buckets are kept; none for ever.
    pub kept: Option<u32>,
    /// Whether its parts are moved or removed some time.
    pub expires: bool,
    /// How a backfill fills it: the table in which months are prepared, and the SELECT.
    pub history: Option<(ObjectName, String)>,
}

impl MadeStep {
    /// As something to read.
    pub fn stored<'r>(&self, rollup: &'r Rollup) -> Stored<'r> {
        Stored { table: self.table.clone(), step: self.step, rollup, built: None, kept: self.kept }
    }
}

impl Made {
    /// A step as something to read, beside what else there is.
    pub fn layer<'r>(&self, rollup: &'r Rollup, step: usize) -> Option<Stored<'r>> {
        let (finest, of) = (self.steps.first()?, self.steps.get(step)?);
        let built = match rollup.way {
            Way::Batched(cadence) => Some(Built {
                table: finest.everywhere.clone(),
                step: finest.step,
                unit: cadence.step().max(finest.step),
                kept: finest.kept,
            }),
            Way::Added | Way::Fed | Way::Rebuilt(_) => None,
        };
        Some(Stored { built, table: of.everywhere.clone(), ..of.stored(rollup) })
    }
}

/// The rollups of all sources, a file a source.
pub fn tables(build: &Build, diagnostics: &mut Diagnostics) -> (Vec<File>, Vec<Made>) {
    // The table of a rollup is planned for any of its questions; all share tables, zone and week.
    let Some(like) = build.input.metrics.first().map(|metric| &metric.query) else { return Default::default() };
    let one = |(place, rollup): (usize, &Rollup)| Maker { build, place, rollup, like }.make();
    let made: Vec<(Output, Diagnostics)> = build.rollups.rollups.par_iter().enumerate().map(one).collect();
    let mut files: Vec<File> = Vec::new();
    let mut all = Vec::with_capacity(made.len());
    for ((output, found), rollup) in made.into_iter().zip(&build.rollups.rollups) {
        diagnostics.extend(found);
        let table = &build.input.tables[rollup.table].name;
        let name = format!("30_rollups_{}.sql", name::file(table));
        let file = match files.iter_mut().find(|file| file.name == name) {
            Some(file) => file,
            None => {
                let what = format!("Rollups of {table}");
                files.push(File::new(name, what, vec![table.clone()]));
                files.last_mut().expect("just pushed")
            }
        };
        file.parts.extend(output.parts);
        all.push(output.made);
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    (files, all)
}

struct Output {
    parts: Vec<Part>,
    made: Made,
}

struct Maker<'a> {
    build: &'a Build<'a>,
    /// Its place among all rollups.
    place: usize,
    rollup: &'a Rollup,
    like: &'a Query,
}

impl Maker<'_> {
    fn make(&self) -> (Output, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        let made = Made { steps: Vec::new(), cut: None };
        let mut output = Output { parts: Vec::new(), made };
        match self.steps(&mut output, &mut diagnostics) {
            Ok(()) => {}
            Err(unsupported) => self.tell(unsupported, &mut diagnostics),
        }
        (output, diagnostics)
    }

    fn steps(&self, output: &mut Output, diagnostics: &mut Diagnostics) -> Result<(), Vec<Unsupported>> {
        let Some(first) = self.rollup.steps.first() else { return Ok(()) };
        // The name tells the content apart: a table is never filled with states of another shape. When a stream begins is
        // no part of it.
        let content = sql::to_text(&self.filling(*first, &self.source(None))?.select, &CLICKHOUSE);
        let arrived = self.build.input.upkeep[self.rollup.table].arrived.as_deref();
        let arrived = arrived.filter(|_| self.rollup.way == Way::Added);
        output.made.cut = arrived.map(|_| self.name(*first, &content));
        let cut = arrived.zip(output.made.cut.as_deref()).map(|(arrived, rollup)| CutOver {
            arrived,
            table: backfill::table(self.build),
            rollup,
        });
        let mut steps: Vec<MadeStep> = Vec::with_capacity(self.rollup.steps.len());
        for step in &self.rollup.steps {
            let name = self.name(*step, &content);
            let Filling { columns, select } = self.filling(*step, &self.source_of(steps.last(), cut.as_ref()))?;
            let history = match &cut {
                Some(cut) => Some(self.history(*step, &name, steps.last(), cut, diagnostics)?),
                None => None,
            };
            let filler =
                if matches!(self.rollup.way, Way::Batched(_)) { self.staging(&name) } else { self.view(&name) };
            let kept = storage::kept(self.build, self.place, *step);
            let made = MadeStep {
                step: *step,
                table: self.build.name(&name),
                everywhere: cluster::everywhere(self.build, &self.build.name(&name)),
                filler,
                select: self.text(select, diagnostics),
                columns: columns.iter().map(|column| column.name.clone()).collect(),
                kept,
                expires: storage::expires(self.build, self.rollup, kept),
                history,
            };
            output.parts.push(self.statements(&made, &columns, diagnostics));
            steps.push(made);
        }
        output.made.steps = steps;
        Ok(())
    }

    fn table(&self) -> &crate::plan::Table {
        &self.build.input.tables[self.rollup.table]
    }

    /// What the finest step is filled from.
    fn source<'s>(&self, cut: Option<&CutOver<'s>>) -> Source<'s> {
        match self.rollup.way {
            Way::Added => Source::Stored(cut.cloned()),
            Way::Fed => Source::Feed(fed::feed(self.build, self.rollup.table)),
            Way::Rebuilt(_) => Source::Clean,
            Way::Batched(cadence) => Source::Days(cadence),
        }
    }

    /// What a step is filled from.
    fn source_of<'s>(&'s self, finer: Option<&MadeStep>, cut: Option<&CutOver<'s>>) -> Source<'s> {
        match (finer, self.rollup.way) {
            (None, _) => self.source(cut),
            (Some(finer), Way::Batched(_)) => {
                Source::Finer(Stored { table: finer.filler.clone(), ..finer.stored(self.rollup) }, None)
            }
            (Some(finer), _) => Source::Finer(finer.stored(self.rollup), cut.map(|_| Side::Stream)),
        }
    }

    /// The table in which a backfill prepares months, and its SELECT.
    fn history(
        &self,
        step: Step,
        name: &str,
        finer: Option<&MadeStep>,
        cut: &CutOver,
        diagnostics: &mut Diagnostics,
    ) -> Result<(ObjectName, String), Vec<Unsupported>> {
        let from = match finer.and_then(|finer| Some((finer, finer.history.as_ref()?))) {
            Some((finer, (staging, _))) => {
                let staged = Stored { table: staging.clone(), ..finer.stored(self.rollup) };
                Source::Finer(staged, Some(Side::History))
            }
            None => Source::Month(cut.clone()),
        };
        let filling = self.filling(step, &from)?;
        Ok((self.staging(name), self.text(filling.select, diagnostics)))
    }

    /// The view that fills a table as rows arrive, or anew.
    fn view(&self, table: &str) -> ObjectName {
        self.build.name(&format!("{table}__mv"))
    }

    /// The table in which a run prepares partitions of another.
    fn staging(&self, table: &str) -> ObjectName {
        let run = version::run(&self.build.rollups, self.rollup.table, self.rollup.way);
        self.build.name(&format!("{table}__staging__{run}"))
    }

    fn filling(&self, step: Step, source: &Source) -> Result<Filling, Vec<Unsupported>> {
        let query = self.rollup.question(self.like, step);
        sql::filling(&query, &self.rollup.states, source, &CLICKHOUSE, &self.build.options)
    }

    fn text(&self, select: sqlparser::ast::Query, diagnostics: &mut Diagnostics) -> String {
        let what = format!("a rollup of `{}`", self.table().name);
        super::read_back(self.build, &what, Ok(select), diagnostics)
    }

    fn name(&self, step: Step, content: &str) -> String {
        // A table can get another time to keep what it has, but not lose its first one.
        let kept = if storage::kept(self.build, self.place, step).is_some() { " kept" } else { "" };
        let content = &format!("{content}{kept}");
        version::name(
            &self.build.settings.database,
            &format!("{}__{}", self.table().name, step.text()),
            &version::hash(content),
        )
    }

    fn statements(&self, made: &MadeStep, of: &[StoredColumn], diagnostics: &mut Diagnostics) -> Part {
        let columns: Vec<_> = of.iter().map(|column| self.column(column)).collect();
        let key: Vec<&str> = of.iter().filter(|column| column.is_key).map(|column| column.name.as_str()).collect();
        let table = made.table.to_string();
        let (staging, view) = match self.rollup.way {
            Way::Batched(_) => (Some(&made.filler), None),
            // What fills the finest step is of the stream.
            Way::Fed if self.rollup.steps.first() == Some(&made.step) => (None, None),
            _ => (made.history.as_ref().map(|(staging, _)| staging), Some(&made.filler)),
        };
        let refresh = matches!(self.rollup.way, Way::Rebuilt(_)).then(|| every(self.rollup.refresh, self.like.zone));
        let layout =
            storage::rollup(self.build, self.rollup, made.step, &key.join(", "), made.history.is_some(), made.kept);
        let comment = self.build.comment(&self.what(made.step));
        let values = minijinja::context! {
            about => self.about(made), table => table.as_str(), columns, refresh, comment => comment.as_str(),
            security => access::security(self.build, true), layout => layout.text(&comment), staging_layout => layout.of_staging().text(&comment),
            changes => layout.changes(self.build, &table),
            staging => staging.map(|name| name.to_string()), view => view.map(|name| name.to_string()),
            run => if made.history.is_some() { "backfill" } else { "batch" },
        };
        let (template, select) = ("clickhouse/rollup.sql", made.select.as_str());
        let text = super::with_select(self.build, &table, template, values, select, diagnostics);
        let mut objects = vec![Object { kind: "TABLE", name: made.table.clone() }];
        objects.extend(staging.map(|name| Object { kind: "TABLE", name: name.clone() }));
        objects.extend(view.map(|name| Object { kind: "VIEW", name: name.clone() }));
        Part { text, objects }
    }

    fn column(&self, column: &StoredColumn) -> minijinja::Value {
        let place = |prefix: &str| column.name.strip_prefix(prefix).and_then(|at| at.parse::<usize>().ok());
        let comment = match (place("_d"), place("_s")) {
            (Some(at), _) => self.rollup.dimensions.get(at).map(|dimension| dimension.name.clone()),
            (_, Some(at)) => self.rollup.states.get(at).map(|state| format!("{:?}", state.part).to_lowercase()),
            _ if column.name == "_t" => Some("start of the bucket".to_owned()),
            _ => Some("1 for rows of the backfill".to_owned()),
        };
        let comment = comment.map(|comment| sql::quoted(&line(&comment), &CLICKHOUSE));
        let codec = storage::codec_of_state(&column.name, &column.ty);
        minijinja::context! { name => column.name.as_str(), type => column.ty.as_str(), comment, codec }
    }

    fn what(&self, step: Step) -> String {
        let names: Vec<&str> = self.rollup.dimensions.iter().map(|dimension| dimension.name.as_str()).collect();
        let by = if names.is_empty() { String::new() } else { format!(" by {}", names.join(", ")) };
        line(&format!("{} in buckets of {}{by}", self.table().name, step.text()))
    }

    /// What it is, and why it is filled the way it is.
    fn about(&self, made: &MadeStep) -> Vec<String> {
        let what = format!("{}.", self.what(made.step));
        let way = match self.rollup.way {
            Way::Added if made.history.is_some() => {
                "Filled as rows arrive from the cut-over on; what came before it is for the backfill (CH14).".to_owned()
            }
            Way::Added => {
                format!(
                    "Filled as rows arrive. {} does not say when they do (`arrived:`), so there is no backfill (CH14).",
                    self.table().name
                )
            }
            Way::Fed => {
                let stream = fed::stream_of(self.build.settings, self.build.input, self.rollup.table);
                let stream = stream.map_or_else(String::new, |(name, _)| name.to_owned());
                format!(
                    "Filled by the stream {stream} as rows arrive, without repetitions and late rows (ST1); what it does not count the batch does."
                )
            }
            Way::Rebuilt(reason) => format!("Made anew from the clean rows, not added to. {}.", reason.text()),
            Way::Batched(cadence) => {
                format!("Filled by the {} batch, which replaces whole days (CH14).", cadence.word())
            }
        };
        let mut about = vec![what, line(&way)];
        about.extend(made.kept.map(|kept| format!("Buckets of the last {kept} days are kept (CH21).")));
        if self.rollup.is_as_of_ingestion() {
            about.push("Entities are looked up as rows arrive, or when their history is filled in (CH4).".to_owned());
        }
        about
    }

    fn tell(&self, unsupported: Vec<Unsupported>, diagnostics: &mut Diagnostics) {
        for one in unsupported {
            diagnostics.push(error!(E0802, None, "clickhouse cannot express {} in a rollup of `{}`", one.construct, self.table().name;
                help: ("{}", one.reason)));
        }
    }
}

/// The days of a year, since 1970: the rules by which clocks change are the same in others.
const YEAR: std::ops::Range<i64> = 20_454..20_819;
const HOUR_MS: i64 = 3_600_000;

/// How often a view is refreshed: at most once a second, and once a day an hour after midnight.
fn every(step: Step, zone: chrono_tz::Tz) -> String {
    match step {
        Step::Subday(ms) if ms % 3_600_000 == 0 => format!("{} HOUR", ms / 3_600_000),
        Step::Subday(ms) if ms % 60_000 == 0 => format!("{} MINUTE", ms / 60_000),
        Step::Subday(ms) => format!("{} SECOND", (ms / 1000).max(1)),
        _ => {
            // In UTC, where midnight comes at another hour when clocks change: the later one counts.
            let hour =
                |day: i64| (midnight(local_date(day * DAY_MS, zone), zone) + HOUR_MS - 1).rem_euclid(DAY_MS) / HOUR_MS;
            let hours: Vec<i64> = YEAR.step_by(7).map(hour).collect();
            let is_latest = |hour: &&i64| hours.iter().all(|other| (*hour - other).rem_euclid(24) <= 12);
            let latest = hours.iter().find(is_latest).copied().unwrap_or(0);
            format!("1 DAY OFFSET {} HOUR", (latest + 1) % 24)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_made_anew_an_hour_after_the_last_midnight() {
        let every = |zone| every(Step::Day, zone);
        assert_eq!(every(chrono_tz::Asia::Shanghai), "1 DAY OFFSET 17 HOUR");
        assert_eq!(every(chrono_tz::Asia::Kolkata), "1 DAY OFFSET 20 HOUR");
        assert_eq!(every(chrono_tz::America::New_York), "1 DAY OFFSET 6 HOUR");
        assert_eq!(every(chrono_tz::Europe::London), "1 DAY OFFSET 1 HOUR");
        assert_eq!(every(chrono_tz::UTC), "1 DAY OFFSET 1 HOUR");
    }
}
