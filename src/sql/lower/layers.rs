//! Scans that read rollups in place of their source: one, or several of which each has what the ones before it have not
//! built.

use sqlparser::ast::{BinaryOperator, Expr as Sql, ObjectName, Query, Select, SelectItem};

use super::Lowering;
use super::filling::Source;
use super::read::Rows;
use super::stored::{ROLLUP, Stored};
use crate::plan::{Aggregate, DataType, Expr, Input, Measure, Scan, Step, Value};
use crate::rollup::{Part, State, conditions, needed, parts};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::{ReadState, States, Unsupported};
use crate::sql::expr::Leaves;

/// What a scan is read from.
#[derive(Clone, Debug, Hash)]
pub enum Read<'a> {
    /// Its own source.
    Source,
    /// The rows of an answer, whose scans are read from these.
    Answer(Vec<Read<'a>>),
    /// Rollups of its source, the most settled first.
    Layers(Vec<Layer<'a>>),
}

/// Rows, or states of them.
#[derive(Clone, Debug, Hash)]
pub enum Layer<'a> {
    /// A rollup.
    Stored(Stored<'a>),
    /// The clean rows.
    Rows,
}

/// What a batch has built: a day (or hour) of which a row is in the table is there as a whole.
#[derive(Clone, Debug, Hash)]
pub struct Built {
    /// The batch's table of the finest step.
    pub table: ObjectName,
    /// That step.
    pub step: Step,
    /// What a run completes.
    pub unit: Step,
    /// For how many days that table keeps its buckets.
    pub kept: Option<u32>,
}

/// The columns of a rollup, by their names.
struct OfRollup;

impl Leaves for OfRollup {
    fn column(&self, _: Input, name: &str) -> Sql {
        build::column(ROLLUP, build::ident(name))
    }
}

impl<'a> Read<'a> {
    /// The layers, where it has some.
    pub fn layers(&self) -> Option<&[Layer<'a>]> {
        match self {
            Read::Layers(layers) => Some(layers),
            Read::Source | Read::Answer(_) => None,
        }
    }
}

/// The layers, each with what the ones before it have built.
pub fn with_built<'l, 'a>(layers: &'l [Layer<'a>]) -> impl Iterator<Item = (&'l Layer<'a>, Vec<&'l Built>)> {
    let built = |layer: &'l Layer| match layer {
        Layer::Stored(stored) => stored.built.as_ref(),
        Layer::Rows => None,
    };
    layers.iter().enumerate().map(move |(at, layer)| (layer, layers[..at].iter().filter_map(built).collect()))
}

impl Lowering<'_> {
    /// A scan's keys out of its layers.
    pub(super) fn stored_parts(&self, scan: &Scan, layers: &[Layer]) -> Parts {
        if let [Layer::Stored(only)] = layers {
            let (projection, group_by) = self.stored_keys(scan, only, self.query.step);
            let from = Some(build::table(only.table.clone(), ROLLUP));
            let bucket = self.bucket_filter(scan, self.stored_start(only));
            let filter = build::all(self.within_asked(scan, only).into_iter().chain(bucket));
            return Parts { projection, from, filter, group_by, ..Parts::default() };
        }
        let group_by: Vec<Sql> = self.key_names().into_iter().map(|name| build::column(ROLLUP, name)).collect();
        let named = group_by.iter().zip(self.key_names());
        let projection = named.map(|(key, name)| build::item(key.clone(), name)).collect();
        let from = self.states_of(scan, layers, self.query.step).map(|states| build::derived(states, ROLLUP));
        Parts { projection, from, group_by, ..Parts::default() }
    }

    /// The states that a scan needs, out of its layers: for each bucket of a step (where there is one), dimension values and
    /// what the last rows are told apart by (`_p0` …) one row from each layer.
    pub(super) fn states_of(&self, scan: &Scan, layers: &[Layer], step: Option<Step>) -> Option<Query> {
        let states = needed(scan, self.query);
        let members = with_built(layers).filter_map(|(layer, built)| self.layer(scan, layer, &states, step, &built));
        build::union_all(members)
    }

    /// The states of one layer's rows that no layer before it has built.
    fn layer(
        &self,
        scan: &Scan,
        layer: &Layer,
        states: &[State],
        step: Option<Step>,
        before: &[&Built],
    ) -> Option<Select> {
        let how = self.dialect.states()?;
        match layer {
            Layer::Stored(stored) => {
                let (mut projection, group_by) = self.stored_keys(scan, stored, step);
                for (at, state) in states.iter().enumerate() {
                    let merged = how.merge(state.part, self.state_in(scan, stored, state));
                    projection.push(build::item(merged, build::ident(&format!("_s{at}"))));
                }
                let by_bucket = step.is_some_and(Step::is_declared);
                let bucket = by_bucket.then(|| self.bucket_filter(scan, self.stored_start(stored)));
                let filter = self.within_asked(scan, stored).into_iter().chain(self.only_missing(stored, before));
                let filter = filter.chain(bucket.into_iter().flatten());
                let from = Some(build::table(stored.table.clone(), ROLLUP));
                Some(Parts { projection, from, filter: build::all(filter), group_by, ..Parts::default() }.select())
            }
            Layer::Rows => {
                let mut parts = self.states_parts(scan, states, how, &Source::Clean, step);
                let time = self.value(scan.time.as_ref()?, &Rows(self.dialect));
                let missing = before.iter().map(|built| self.not_built(time.clone(), Step::Subday(1), built));
                parts.filter = build::all(parts.filter.into_iter().chain(missing));
                Some(parts.select())
            }
        }
    }

    /// The conditions that keep the buckets of a rollup to those that no layer before it has built.
    pub(super) fn only_missing(&self, stored: &Stored, before: &[&Built]) -> Vec<Sql> {
        let start = || self.stored_start(stored);
        before.iter().map(|built| self.not_built(start(), stored.step, built)).collect()
    }

    /// The condition that keeps buckets out that may be there in part only.
    pub(super) fn is_kept(&self, step: Step, kept: Option<u32>) -> Option<Sql> {
        let bucket = build::column(ROLLUP, build::ident("_t"));
        Some(self.dialect.states()?.is_kept(bucket, step, kept?, self.calendar))
    }

    /// The conditions that keep the buckets of a rollup within the scan's interval, and within what is kept.
    fn within_asked(&self, scan: &Scan, from: &Stored) -> Vec<Sql> {
        let bound = |op, at: Option<i64>| {
            let bound = self.dialect.literal(&Value::Timestamp(at?), &DataType::Timestamp, self.calendar);
            Some(build::binary(self.stored_start(from), op, bound))
        };
        let bounds = [bound(BinaryOperator::GtEq, scan.from), bound(BinaryOperator::Lt, scan.to)];
        bounds.into_iter().flatten().chain(self.is_kept(from.step, from.kept)).collect()
    }

    /// Whether an instant, of a bucket of `step`, is in no day (or hour) that a batch has built.
    pub(super) fn not_built(&self, time: Sql, step: Step, built: &Built) -> Sql {
        let unit = built.unit.max(step);
        let bucket = self.rebucketed(build::column(ROLLUP, build::ident("_t")), built.step, unit);
        let projection = vec![SelectItem::UnnamedExpr(bucket)];
        let from = Some(build::table(built.table.clone(), ROLLUP));
        let filter = self.is_kept(built.step, built.kept);
        let known = Parts { projection, from, filter, ..Parts::default() }.query();
        build::not_in_query(self.dialect.bucket_key(time, unit, self.calendar), known)
    }

    /// A measure out of a scan's layers, which stand under an alias.
    pub(super) fn stored_measure(
        &self,
        scan: &Scan,
        measure: &Measure,
        from: &[Layer],
        alias: &str,
        how: &dyn States,
    ) -> Sql {
        let filter = conditions(scan, measure.filter.as_ref());
        let columns: Vec<ReadState> = parts(&measure.aggregate)
            .into_iter()
            .map(|(part, argument)| self.state_column(scan, from, alias, part, argument, &filter))
            .collect();
        how.finish(&measure.aggregate, &measure.ty, &columns)
    }

    /// The number of rows that satisfy a filter, out of a scan's layers.
    pub(super) fn stored_count(
        &self,
        scan: &Scan,
        filter: &[&Expr],
        from: &[Layer],
        alias: &str,
        how: &dyn States,
    ) -> Sql {
        let column = self.state_column(scan, from, alias, Part::Count, None, filter);
        how.finish(&Aggregate::CountRows, &DataType::Int, &[column])
    }

    pub(super) fn state_column(
        &self,
        scan: &Scan,
        from: &[Layer],
        alias: &str,
        part: Part,
        argument: Option<&Expr>,
        filter: &[&Expr],
    ) -> ReadState {
        let filter = filter.iter().map(|part| (*part).clone()).collect();
        let state = State { part, argument: argument.cloned(), filter };
        if let ([Layer::Stored(only)], true) = (from, scan.is_plain()) {
            return self.state_in(scan, only, &state);
        }
        let column = match needed(scan, self.query).iter().position(|known| *known == state) {
            Some(at) => build::column(alias, build::ident(&format!("_s{at}"))),
            None => self.lacks("what its layers share", "state"),
        };
        ReadState { column, filter: None }
    }

    /// The column of a state in a rollup, with what of its filter has to be asked of the rollup's rows.
    fn state_in(&self, scan: &Scan, from: &Stored, state: &State) -> ReadState {
        match from.rollup.state(scan, state) {
            Some((at, rest)) => {
                let column = build::column(ROLLUP, build::ident(&format!("_s{at}")));
                let filter = build::all(rest.iter().map(|part| self.condition(part, &OfRollup)));
                ReadState { column, filter }
            }
            None => ReadState { column: self.lacks(&format!("`{}`", from.table), "state"), filter: None },
        }
    }

    pub(super) fn lacks(&self, what: &str, part: &str) -> Sql {
        self.fail(Unsupported {
            construct: "a rollup".to_owned(),
            reason: format!("{what} lacks a {part} of the question; report this as a bug"),
        });
        build::null()
    }
}
