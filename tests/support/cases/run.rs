//! A case on the engines: its tests and questions in the dry run and on ClickHouse, and the build with all its views.

use std::sync::Arc;

use metricc::ask::{self, Asked};
use metricc::diagnostic::{FileId, Span, Spanned};
use metricc::dry_run::{Data, DryRun, Given, Options};
use metricc::emit::{self, Emitted, Input, MetricView};
use metricc::plan::{Aggregate, ExprKind, Lowering, OutputColumn, Query, Table, Value};
use metricc::project::{ClickhouseTarget, Dictionaries, Project, Target, TargetSettings};
use metricc::sql;
use metricc::syntax::ast::{Cell, Test};
use metricc::table::cell::read_value;
use metricc::testing::{self, Verdict};
use metricc::types::Model;

use super::rows;
use super::{Asking, Case};
use crate::support::answers::{Rows, apply, clickhouse, clickhouse_rows, equal, put, told};
use crate::support::clickhouse::Session;
use crate::support::{engines, report};

/// An estimate is within this share of the right value.
const ESTIMATE: f64 = 0.02;

/// A case that compiled.
struct Running<'a> {
    case: &'a Case,
    project: &'a Project,
    model: &'a Model,
    lowering: Lowering<'a>,
    tables: Arc<Vec<Table>>,
    /// The builds, unless ClickHouse is left out: where entities are looked up, one with joins and one with dictionaries.
    builds: Vec<(Input, Emitted)>,
}

/// What goes wrong in any stage behind the check.
pub fn all(case: &Case, project: &Project, model: &Model) -> Vec<String> {
    let lowering = Lowering::new(model);
    let tables = Arc::clone(&lowering.tables);
    let builds = match wants_clickhouse(case).then(|| builds(model)).transpose() {
        Ok(builds) => builds.unwrap_or_default(),
        Err(error) => return vec![error],
    };
    let running = Running { case, project, model, lowering, tables, builds };
    let mut wrong: Vec<String> = model.tests.iter().flat_map(|test| running.test(test)).collect();
    wrong.extend(running.samples());
    wrong
}

fn wants_clickhouse(case: &Case) -> bool {
    match case.excuse("clickhouse") {
        Some(why) => {
            report::not_run(&format!("case {} on clickhouse", case.name), why);
            false
        }
        None => engines::wanted("clickhouse", &format!("case {}", case.name)),
    }
}

/// The artefacts of targets that also make the source tables.
fn builds(model: &Model) -> Result<Vec<(Input, Emitted)>, String> {
    let joined = build(model, None)?;
    let looks_up = joined.1.artifacts.iter().any(|artifact| artifact.text.contains("LEFT JOIN"));
    let in_memory = Dictionaries { entities: None, lifetime: 3_600_000, on_arrival: false };
    let looked_up = looks_up.then(|| build(model, Some(in_memory))).transpose()?;
    Ok(std::iter::once(joined).chain(looked_up).collect())
}

fn build(model: &Model, dictionaries: Option<Dictionaries>) -> Result<(Input, Emitted), String> {
    let (input, found) = emit::input(model);
    let settings = ClickhouseTarget { create_sources: true, dictionaries, ..ClickhouseTarget::default() };
    let name = Spanned::new("clickhouse".to_owned(), Span::new(FileId(0), 0, 0));
    let target = Target { file: FileId(0), name, settings: TargetSettings::Clickhouse(settings) };
    let (emitted, others) = emit::emit(&input, &target);
    match found.has_errors() || others.has_errors() {
        true => Err(format!("the build: {}; {}", told(&found), told(&others))),
        false => Ok((input, emitted)),
    }
}

/// The rows of one test, or the samples: by table.
type Rowsets = Vec<(String, Given, bool)>;

impl Running<'_> {
    /// One `test` block: on the dry run against its expectation, then on ClickHouse against the dry run.
    fn test(&self, test: &Test) -> Vec<String> {
        let at = |error: String| format!("test \"{}\": {error}", test.title.value);
        let mut run = match DryRun::new(Options::new(self.model.zone)) {
            Ok(run) => run,
            Err(found) => return vec![at(told(&found))],
        };
        match testing::run(&self.lowering, &mut run, test) {
            Verdict::Passed => {}
            Verdict::Failed(difference) => return vec![at(format!("{difference:?}"))],
            Verdict::Broken(found) => return vec![at(told(&found))],
        }
        let query = match testing::question(self.model, test).and_then(|question| self.lowering.lower(&question)) {
            Ok(query) => query,
            Err(found) => return vec![at(told(&found))],
        };
        let given: Rowsets =
            test.given.iter().map(|given| (given.table.to_string(), rows_of(&given.data), true)).collect();
        if let Err(error) = self.register(&mut run, &given) {
            return vec![at(error)];
        }
        self.on_clickhouse(&run, &given, &[("its question".to_owned(), query)]).into_iter().map(at).collect()
    }

    /// The questions over the samples.
    fn samples(&self) -> Vec<String> {
        if self.case.questions.is_empty() && self.case.samples.is_empty() {
            return Vec::new();
        }
        let folder = match tempfile::tempdir() {
            Ok(folder) => folder,
            Err(error) => return vec![error.to_string()],
        };
        let mut run = match DryRun::new(Options::new(self.model.zone)) {
            Ok(run) => run,
            Err(found) => return vec![told(&found)],
        };
        let mut samples = Rowsets::new();
        for table in self.tables.iter() {
            let Some((_, text)) = self.case.samples.iter().find(|(name, _)| *name == table.name) else {
                continue;
            };
            let path = folder.path().join(format!("{}.csv", table.name));
            // The sample of a case is named like its table, whatever its `sample:` says.
            let plain = Table { sample: None, ..table.clone() };
            if let Err(error) = std::fs::write(path, text) {
                return vec![error.to_string()];
            }
            if let Err(found) = run.register(&plain, &Data::Samples(folder.path())) {
                return vec![format!("the sample of `{}`: {}", table.name, told(&found))];
            }
            samples.push((table.name.clone(), rows::csv(text), false));
        }
        let unknown = |(name, _): &&(String, String)| self.tables.iter().all(|table| table.name != *name);
        if let Some((name, _)) = self.case.samples.iter().find(unknown) {
            return vec![format!("the case has a sample of `{name}`, but no such table")];
        }
        for table in self.tables.iter().filter(|table| samples.iter().all(|(name, ..)| *name != table.name)) {
            if let Err(found) = run.register(table, &Data::Empty) {
                return vec![told(&found)];
            }
        }
        let mut wrong = Vec::new();
        let mut queries = Vec::new();
        for asking in &self.case.questions {
            let shown = asking.words.join(" ");
            match self.question(asking) {
                Ok(query) => {
                    wrong.extend(answered(&run, &query, asking).map(|error| format!("`{shown}`: {error}")));
                    queries.push((format!("`{shown}`"), query));
                }
                Err(error) => wrong.push(format!("`{shown}`: {error}")),
            }
        }
        wrong.extend(self.on_clickhouse(&run, &samples, &queries));
        wrong
    }

    fn register(&self, run: &mut DryRun, given: &Rowsets) -> Result<(), String> {
        for table in self.tables.iter() {
            let rows = given.iter().find(|(name, ..)| *name == table.name);
            let nowhere = |_| None;
            let data = rows.map_or(Data::Empty, |(_, rows, _)| Data::Given(rows, &nowhere));
            run.register(table, &data).map_err(|found| told(&found))?;
        }
        Ok(())
    }

    fn question(&self, asking: &Asking) -> Result<Query, String> {
        let asked = asked(&asking.words)?;
        let mut sources = self.project.sources.clone();
        let wanted = ask::wanted(self.model, &asked, &mut sources).map_err(|found| told(&found))?;
        wanted.lower(&self.lowering).map_err(|found| told(&found))
    }

    /// Compares the queries, and every view of the build, with the dry run over the same rows.
    fn on_clickhouse(&self, run: &DryRun, given: &Rowsets, queries: &[(String, Query)]) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, query) in queries {
            for dialect in sql::DIALECTS {
                let select = sql::select(query, dialect, &sql::Options::default());
                let text = match select {
                    Ok(select) => sql::to_text(&select, dialect),
                    Err(why) => {
                        wrong.push(format!("{name} in {}: {why:?}", dialect.name()));
                        continue;
                    }
                };
                if let Err(error) = sql::reparse(&text, dialect) {
                    wrong.push(format!("{name} in {} does not read back: {error}\n{text}", dialect.name()));
                }
            }
        }
        for (at, (input, emitted)) in self.builds.iter().enumerate() {
            let session = match self.filled(emitted, given) {
                Ok(session) => session,
                Err(error) => return vec![error],
            };
            for (name, query) in queries.iter().filter(|_| at == 0) {
                wrong.extend(compared(run, &session, query).map(|error| format!("{name} on ClickHouse: {error}")));
            }
            wrong.extend(viewed_all(run, &session, input, emitted));
        }
        wrong
    }

    /// A server with the build and the rows.
    fn filled(&self, emitted: &Emitted, given: &Rowsets) -> Result<Session, String> {
        let session = Session::exclusive();
        for path in emitted.details["order"].as_array().into_iter().flatten().filter_map(|path| path.as_str()) {
            let artifact =
                emitted.artifacts.iter().find(|artifact| artifact.path == path).ok_or("an artefact is missing")?;
            let failed = apply(&session, &artifact.text);
            if let Some(first) = failed.first() {
                return Err(format!("{path}: {first}"));
            }
        }
        for (name, value) in emitted.details["insert_settings"].as_object().into_iter().flatten() {
            session.execute(&format!("SET {name} = {value}"))?;
        }
        for (name, given, by_hand) in given {
            let table = self.tables.iter().find(|table| table.name == *name).ok_or(format!("no table `{name}`"))?;
            rows::insert(&session, table, given, *by_hand, self.model.zone)
                .map_err(|error| format!("rows of `{name}`: {error}"))?;
        }
        session.execute("SYSTEM RELOAD DICTIONARIES")?;
        for rollup in emitted.details["rollups"].as_array().into_iter().flatten() {
            if rollup["filled"] == "rebuilt" {
                let view = rollup["view"].as_str().unwrap_or_default();
                for verb in ["WAIT", "REFRESH", "WAIT"] {
                    session.execute(&format!("SYSTEM {verb} VIEW {view}"))?;
                }
            }
        }
        Ok(session)
    }
}

/// Every view of a build against the dry run.
fn viewed_all(run: &DryRun, session: &Session, input: &Input, emitted: &Emitted) -> Vec<String> {
    let views = emitted.details["metrics"].as_array().cloned().unwrap_or_default();
    assert_eq!(views.len(), input.metrics.len());
    let of = |(metric, view): (&MetricView, &serde_json::Value)| {
        let view = view["view"].as_str().unwrap_or_default();
        viewed(run, session, &metric.query, view).map(|error| format!("view {view}: {error}"))
    };
    input.metrics.iter().zip(&views).filter_map(of).collect()
}

/// The cells of a table of a test.
fn rows_of(data: &metricc::syntax::ast::DataTable) -> Given {
    let text = |cell: &Cell| match cell {
        Cell::Empty => None,
        Cell::Text(text) | Cell::Quoted(text) => Some(text.clone()),
    };
    Given {
        columns: data.header.iter().map(|name| name.value.clone()).collect(),
        rows: data.rows.iter().map(|row| row.iter().map(|cell| text(&cell.value)).collect()).collect(),
    }
}

/// The question that the words of a command line ask.
fn asked(words: &[String]) -> Result<Asked, String> {
    let mut asked = Asked::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(option) = word.strip_prefix("--") else {
            asked.metrics.push(word.clone());
            continue;
        };
        match option {
            "cut" => asked.cut = true,
            "partial" => asked.partial = true,
            "marks" => asked.marks = true,
            _ => {}
        }
        if matches!(option, "cut" | "partial" | "marks") {
            continue;
        }
        let value = words.next().ok_or(format!("`{word}` has no value"))?.clone();
        let list = || value.split(',').map(str::to_owned);
        match option {
            "step" => asked.step = Some(value),
            "by" => asked.by.extend(list()),
            "from" => asked.from = Some(value),
            "to" => asked.to = Some(value),
            "where" => asked.filter = Some(value),
            "fill" => asked.fill = Some(value),
            "having" => asked.having = Some(value),
            "top" => asked.top = Some(value),
            "as-of" => asked.as_of = Some(value),
            "values" => asked.values = Some(value),
            "source" => asked.source = Some(value),
            "order" => asked.order.extend(list()),
            "limit" => asked.limit = Some(value.parse().map_err(|_| format!("`{value}` is no number"))?),
            _ => return Err(format!("a question has no option `{word}`")),
        }
    }
    Ok(asked)
}

/// The difference between the dry run's answer and the written one.
fn answered(run: &DryRun, query: &Query, asking: &Asking) -> Option<String> {
    let answer = match run.run(query) {
        Ok(answer) => answer,
        Err(found) => return Some(told(&found)),
    };
    let written = rows::csv(asking.answer.as_deref()?);
    let names: Vec<&str> = answer.columns.iter().map(|column| column.name.as_str()).collect();
    if names != written.columns {
        return Some(format!("the columns are {names:?} and not {:?}", written.columns));
    }
    let shares = shares(query);
    let mut right = Vec::new();
    for row in &written.rows {
        let cells = row.iter().zip(&answer.columns);
        let values: Option<Vec<Value>> =
            cells.map(|(cell, column)| read_value(cell.as_deref(), &column.ty, query.zone)).collect();
        match values {
            Some(values) => right.push(values),
            None => return Some(format!("the written row {row:?} can't be read")),
        }
    }
    in_order(&right, &answer.rows, &shares)
}

/// The difference between the answers of the dry run and of ClickHouse.
fn compared(run: &DryRun, session: &Session, query: &Query) -> Option<String> {
    let answers = || {
        let select =
            sql::select(query, &sql::CLICKHOUSE, &sql::Options::default()).map_err(|why| format!("{why:?}"))?;
        let right = run.run(query).map_err(|found| told(&found))?;
        let found = clickhouse_rows(session, &sql::to_text(&select, &sql::CLICKHOUSE), &query.columns())?;
        Ok::<_, String>(in_order(&right.rows, &found, &shares(query)))
    };
    answers().unwrap_or_else(Some)
}

/// The difference between a view and what the dry run answers to its question; a view has no order.
fn viewed(run: &DryRun, session: &Session, query: &Query, view: &str) -> Option<String> {
    let columns: Vec<OutputColumn> = query.columns();
    let keys = columns.len() - query.metrics.len();
    let answers = || {
        let mut right = Rows::new();
        for values in run.run(query).map_err(|found| told(&found))?.rows {
            put(&mut right, values, keys);
        }
        let found = clickhouse(session, &format!("SELECT * FROM {view}"), &columns, keys)?;
        if right.keys().ne(found.keys()) {
            return Err(format!("{:?} is right, {:?} came", right.keys(), found.keys()));
        }
        let shares = shares(query);
        let shares = &shares[keys..];
        Ok(right.iter().find_map(|(key, values)| {
            in_order(values, &found[key], shares).map(|difference| format!("{key:?}: {difference}"))
        }))
    };
    answers().unwrap_or_else(Some)
}

/// How far each column may be off: not at all, or as far as its estimate.
fn shares(query: &Query) -> Vec<f64> {
    let mut shares = vec![0.0; query.keys()];
    for metric in &query.metrics {
        let mut share: f64 = 0.0;
        metric.formula.walk(&mut |expr| {
            if let ExprKind::Measure(id) = &expr.kind {
                share = match &query.scans[id.scan].measures[id.measure].aggregate {
                    Aggregate::ApproxDistinct(_) => share.max(ESTIMATE),
                    // It is off in rank, which says nothing of the value among few.
                    Aggregate::ApproxQuantile(..) => f64::INFINITY,
                    _ => share,
                }
            }
        });
        shares.push(share);
    }
    // The marks.
    shares.resize(query.columns().len(), 0.0);
    shares
}

fn in_order(right: &[Vec<Value>], found: &[Vec<Value>], shares: &[f64]) -> Option<String> {
    let same = |(a, b): (&Vec<Value>, &Vec<Value>)| {
        a.len() == b.len() && a.iter().zip(b).zip(shares).all(|((a, b), share)| equal(a, b, *share))
    };
    if right.len() == found.len() && right.iter().zip(found).all(same) {
        return None;
    }
    Some(format!("{right:?} is right, {found:?} came"))
}
