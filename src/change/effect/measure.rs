//! Computing both versions over data.

use std::collections::BTreeMap;
use std::path::Path;

use crate::compile::{Compiled, compile};
use crate::diagnostic::Diagnostics;
use crate::dry_run::{Data, DryRun, Options};
use crate::lineage::Graph;
use crate::plan::{AskedStep, DataType, Lowering, OutputColumn, Question, Table, Value};
use crate::project::load;
use crate::table::Answer;
use crate::types::{By, Grain, MetricId};

use super::{Compared, Edit, Edited, Effect, MOST_ORDERED, Share, Slice, Unshared, edits, shares, without};

/// The most values of dimensions that are told.
const MOST_SLICES: usize = 10;

/// The versions of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// In the old program.
    pub old: MetricId,
    /// In the new one.
    pub new: MetricId,
}

/// Two programs, and where they are computed.
pub struct Programs<'a> {
    old: Edited<'a>,
    new: Edited<'a>,
    graphs: [Graph; 2],
    data: &'a Path,
    dry_run: DryRun,
    /// The tables as they were read last, by name.
    known: BTreeMap<String, Table>,
}

impl<'a> Programs<'a> {
    /// Over the data of a folder: a file a table, named as its sample.
    pub fn new(old: Edited<'a>, new: Edited<'a>, data: &'a Path) -> Result<Programs<'a>, Diagnostics> {
        let graph = |of: Edited<'_>| Graph::of(&of.compiled.files, &of.compiled.model);
        let dry_run = DryRun::new(Options { lenient: true, ..Options::new(new.compiled.model.zone) })?;
        Ok(Programs { graphs: [graph(old), graph(new)], old, new, data, dry_run, known: BTreeMap::new() })
    }

    /// What the change of a metric does.
    pub fn effect(&mut self, metric: Measured) -> Result<Effect, Diagnostics> {
        let (before, after) = (&self.old.compiled.model, &self.new.compiled.model);
        let step = |id: MetricId, compiled: &Compiled| match compiled.model.metrics[id.0].grain.first() {
            Some(Grain::Step(step)) => AskedStep::Step(*step),
            Some(Grain::Total) | None => AskedStep::None,
        };
        let at = step(metric.old, self.old.compiled);
        let dimensions: Vec<(By, By)> =
            common(&before.metrics[metric.old.0].by, &after.metrics[metric.new.0].by, before, after);
        let (buckets, drawn) = self.by_bucket(metric, at)?;
        let mut slices: Vec<Slice> = Vec::new();
        for by in &dimensions {
            let name = by.1.name(&self.new.compiled.model.dimensions);
            // Over all of the time, where the metric has a value there.
            let compared =
                self.compared(metric, AskedStep::None, Some(by)).or_else(|_| self.compared(metric, at, Some(by)));
            let moved = compared?.into_iter().filter(|one| !one.is_same());
            slices.extend(moved.map(|compared| Slice { dimension: name.clone(), compared }));
        }
        slices.sort_by(|a, b| b.compared.difference().abs().total_cmp(&a.compared.difference().abs()));
        let more_slices = slices.len().saturating_sub(MOST_SLICES);
        slices.truncate(MOST_SLICES);
        // Not the sum of buckets, of which one user may be in several.
        let total = self.compared(metric, AskedStep::None, None).ok().and_then(|all| all.into_iter().next());
        let still = buckets.iter().all(Compared::is_same);
        let (shares, unshared) = if still { (Vec::new(), None) } else { self.shares(metric, at)? };
        Ok(Effect { drawn, buckets, total, slices, more_slices, shares, unshared })
    }

    /// Both versions by bucket, and as an answer to be drawn.
    fn by_bucket(&mut self, metric: Measured, step: AskedStep) -> Result<(Vec<Compared>, Option<Answer>), Diagnostics> {
        let (old, new) = (self.old.compiled, self.new.compiled);
        let answers = [self.ask(old, metric.old, step, None)?, self.ask(new, metric.new, step, None)?];
        Ok((compared(&answers[0], &answers[1], false), drawn(&answers)))
    }

    /// Both versions at a step; by a dimension the sums over all buckets.
    fn compared(
        &mut self,
        metric: Measured,
        step: AskedStep,
        by: Option<&(By, By)>,
    ) -> Result<Vec<Compared>, Diagnostics> {
        let (old, new) = (self.old.compiled, self.new.compiled);
        let before = self.ask(old, metric.old, step, by.map(|by| by.0))?;
        let after = self.ask(new, metric.new, step, by.map(|by| by.1))?;
        Ok(compared(&before, &after, by.is_some()))
    }

    fn ask(
        &mut self,
        program: &Compiled,
        metric: MetricId,
        step: AskedStep,
        by: Option<By>,
    ) -> Result<Answer, Diagnostics> {
        let lowering = Lowering::new(&program.model);
        let question = Question { step, by: by.into_iter().collect(), ..Question::of(vec![metric]) };
        let query = lowering.lower(&question).or_else(|found| {
            // Some metrics have no value without their dimensions.
            let by = program.model.metrics[metric.0].by.clone();
            if by.is_empty() { Err(found) } else { lowering.lower(&Question { by, ..question.clone() }) }
        })?;
        for place in query.stored_tables() {
            let table = &query.tables[place];
            if self.known.get(&table.name) != Some(table) {
                self.dry_run.register(table, &Data::Samples(self.data))?;
                self.known.insert(table.name.clone(), table.clone());
            }
        }
        self.dry_run.run(&query)
    }

    /// What each of several edits does.
    fn shares(&mut self, metric: Measured, step: AskedStep) -> Result<(Vec<Share>, Option<Unshared>), Diagnostics> {
        let (old, new) = (self.old, self.new);
        let traced: Vec<std::collections::BTreeSet<super::edits::Name>> = [(0, metric.old), (1, metric.new)]
            .into_iter()
            .map(|(side, id)| {
                let graph: &Graph = &self.graphs[side];
                let trace = graph.upstream(graph.of_metric(id), false);
                trace
                    .nodes
                    .iter()
                    .map(|id| graph.node(*id))
                    .map(|node| (node.kind, node.name.clone(), node.version))
                    .collect()
            })
            .collect();
        let edits = edits(old, new, &|name| traced.iter().any(|names| names.contains(name)));
        if !(2..=MOST_ORDERED).contains(&edits.len()) {
            let too_many = (edits.len() > MOST_ORDERED).then_some(Unshared::TooMany(edits.len()));
            return Ok((Vec::new(), too_many));
        }
        let name = &new.compiled.model.metrics[metric.new.0].name.value;
        let all = (1_u64 << edits.len()) - 1;
        let found = shares(&edits, |made| {
            let undone: Vec<&Edit> = (0..edits.len()).filter(|at| made >> at & 1 == 0).map(|at| &edits[at]).collect();
            if made == all {
                return self.ask(new.compiled, metric.new, step, None).map(|answer| Some(total(&answer)));
            }
            let Some((compiled, id)) = program(old, new, &undone, name) else { return Ok(None) };
            self.ask(&compiled, id, step, None).map(|answer| Some(total(&answer)))
        })?;
        Ok(found.map_or((Vec::new(), Some(Unshared::Inseparable)), |shares| (shares, None)))
    }
}

/// The numbers of two answers, side by side.
fn compared(before: &Answer, after: &Answer, by: bool) -> Vec<Compared> {
    let mut rows: BTreeMap<Option<String>, (Option<f64>, Option<f64>)> = BTreeMap::new();
    for (key, number) in numbers(before, by) {
        let known = rows.entry(key).or_default();
        known.0 = Some(known.0.unwrap_or(0.0) + number);
    }
    for (key, number) in numbers(after, by) {
        let known = rows.entry(key).or_default();
        known.1 = Some(known.1.unwrap_or(0.0) + number);
    }
    rows.into_iter().map(|(of, (old, new))| Compared { of, old, new }).collect()
}

/// Two answers by bucket as one, by version; none where they have no buckets alone.
fn drawn(answers: &[Answer; 2]) -> Option<Answer> {
    let [_, after] = answers;
    if answers.iter().any(|answer| answer.keys != 1) || after.step.is_none() {
        return None;
    }
    let version = OutputColumn { name: "version".to_owned(), ty: DataType::String, nullable: false, unit: None };
    let value = OutputColumn { ty: DataType::Float, ..after.columns[1].clone() };
    let row = |name: &str, answer: &Answer, row: &Vec<Value>| {
        let number = number(&row[1], &answer.columns[1].ty)?;
        Some(vec![row[0].clone(), Value::String(name.to_owned()), Value::Float(number)])
    };
    let named = ["old", "new"].into_iter().zip(answers);
    let mut rows: Vec<Vec<Value>> =
        named.flat_map(|(name, answer)| answer.rows.iter().filter_map(move |one| row(name, answer, one))).collect();
    rows.sort_by_key(|row| if let Value::Timestamp(ms) = row[0] { ms } else { i64::MIN });
    let columns = vec![after.columns[0].clone(), version, value];
    Some(Answer { columns, keys: 2, rows, zone: after.zone, step: after.step })
}

/// The project without some edits, and the metric in it; none where it does not compile.
fn program(old: Edited<'_>, new: Edited<'_>, undone: &[&Edit], name: &str) -> Option<(Compiled, MetricId)> {
    let (project, _) = load(&without(old, new, undone));
    let (compiled, found) = compile(&project?);
    if found.has_errors() {
        return None;
    }
    let id = compiled.model.metric_named(name, None)?;
    Some((compiled, id))
}

/// The dimensions that both versions are shown by.
fn common(old: &[By], new: &[By], before: &crate::types::Model, after: &crate::types::Model) -> Vec<(By, By)> {
    let same = |by: &By| {
        let name = by.name(&before.dimensions);
        new.iter().find(|other| other.name(&after.dimensions) == name).map(|other| (*by, *other))
    };
    old.iter().filter_map(same).collect()
}

/// The numbers of an answer, by bucket or by the value of its last dimension.
fn numbers(answer: &Answer, by: bool) -> Vec<(Option<String>, f64)> {
    let column = if by { answer.keys.checked_sub(1) } else { answer.step.map(|_| 0) };
    let row = |row: usize| {
        let value = number(&answer.rows[row][answer.keys], &answer.columns[answer.keys].ty)?;
        let key = column.map(|column| answer.text(row, column).unwrap_or_else(|| "null".to_owned()));
        Some((key, value))
    };
    (0..answer.rows.len()).filter_map(row).collect()
}

fn total(answer: &Answer) -> f64 {
    numbers(answer, false).iter().map(|(_, number)| number).sum()
}

/// A value as a number, for pictures and shares.
fn number(value: &Value, ty: &DataType) -> Option<f64> {
    match (value, ty) {
        (Value::Int(value) | Value::Duration(value) | Value::Timestamp(value), _) => Some(*value as f64),
        (Value::Float(value), _) => Some(*value),
        (Value::Decimal(digits), DataType::Decimal { scale, .. }) => {
            Some(*digits as f64 / 10_f64.powi(i32::from(*scale)))
        }
        _ => None,
    }
}
