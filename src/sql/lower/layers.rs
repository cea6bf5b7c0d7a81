//! Scans that read rollups in place of their source: one, or several of which each has what the ones before it have not
//! built.

use sqlparser::ast::{BinaryOperator, Expr as Sql, Select, SelectItem};

use super::Lowering;
use super::expr::Leaves;
use super::filling::Source;
use super::read::Rows;
use super::stored::{ROLLUP, Stored};
use crate::plan::{Aggregate, DataType, Expr, ExprKind, Input, Measure, MeasureId, Scan, Step, Value};
use crate::rollup::{Part, State, conditions, needed, parts, replaced, same};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::{ReadState, States, Unsupported};

/// What a scan is read from.
#[derive(Clone, Debug, Hash)]
pub enum Layer<'a> {
    /// A rollup.
    Stored(Stored<'a>),
    /// The clean rows.
    Rows,
}

/// The step up to which a layer is known to be built, and where.
struct Built<'l> {
    layer: &'l Stored<'l>,
    unit: Step,
}

/// The columns of a rollup, by their names.
struct OfRollup;

impl Leaves for OfRollup {
    fn column(&self, _: Input, name: &str) -> Sql {
        build::column(ROLLUP, build::ident(name))
    }

    fn measure(&self, _: MeasureId) -> Sql {
        build::null()
    }
}

impl Lowering<'_> {
    /// A scan's keys out of its layers.
    pub(super) fn stored_parts(&self, scan: &Scan, layers: &[Layer]) -> Parts {
        if let [Layer::Stored(only)] = layers {
            let (projection, group_by) = self.stored_keys(scan, only, self.query.step);
            let from = Some(build::table(only.table.clone(), ROLLUP));
            let filter = build::all(self.within_asked(scan, only));
            return Parts { projection, from, filter, group_by, ..Parts::default() };
        }
        let states = needed(scan, self.query);
        let mut built: Vec<Built> = Vec::new();
        let mut members: Vec<Select> = Vec::new();
        for layer in layers {
            members.extend(self.layer(scan, layer, &states, &built));
            if let Layer::Stored(stored) = layer
                && let Some(unit) = stored.built
            {
                built.push(Built { layer: stored, unit });
            }
        }
        let keys = self.key_names().into_iter().map(|name| build::column(ROLLUP, name));
        let group_by: Vec<Sql> = keys.collect();
        let named = group_by.iter().zip(self.key_names());
        let projection = named.map(|(key, name)| build::item(key.clone(), name)).collect();
        let from = build::union_all(members).map(|union| build::derived(union, ROLLUP));
        Parts { projection, from, group_by, ..Parts::default() }
    }

    /// The states of one layer's rows that no layer before it has built.
    fn layer(&self, scan: &Scan, layer: &Layer, states: &[State], before: &[Built]) -> Option<Select> {
        let how = self.dialect.states()?;
        match layer {
            Layer::Stored(stored) => {
                let (mut projection, group_by) = self.stored_keys(scan, stored, self.query.step);
                for (at, state) in states.iter().enumerate() {
                    let merged = how.merge(state.part, self.state_in(scan, stored, state));
                    projection.push(build::item(merged, build::ident(&format!("_s{at}"))));
                }
                let bucket = build::column(ROLLUP, build::ident("_t"));
                let start = self.dialect.bucket_start(bucket, stored.step, self.calendar);
                let missing = before.iter().map(|built| self.not_built(start.clone(), stored.step, built));
                let filter = build::all(self.within_asked(scan, stored).into_iter().chain(missing));
                let from = Some(build::table(stored.table.clone(), ROLLUP));
                Some(Parts { projection, from, filter, group_by, ..Parts::default() }.select())
            }
            Layer::Rows => {
                let mut parts = self.states_parts(scan, states, how, &Source::Clean);
                let time = self.value(scan.time.as_ref()?, &Rows(self.dialect));
                let missing = before.iter().map(|built| self.not_built(time.clone(), Step::Subday(1), built));
                parts.filter = build::all(parts.filter.into_iter().chain(missing));
                Some(parts.select())
            }
        }
    }

    /// The condition that keeps buckets out that may be there in part only.
    fn is_kept(&self, from: &Stored) -> Option<Sql> {
        let bucket = build::column(ROLLUP, build::ident("_t"));
        Some(self.dialect.states()?.is_kept(bucket, from.step, from.kept?, self.calendar))
    }

    /// The conditions that keep the buckets of a rollup within the question's interval, and within what is kept.
    fn within_asked(&self, scan: &Scan, from: &Stored) -> Vec<Sql> {
        let bound = |op, at: Option<i64>| {
            let bucket = build::column(ROLLUP, build::ident("_t"));
            let start = self.dialect.bucket_start(bucket, from.step, self.calendar);
            let bound = self.dialect.literal(&Value::Timestamp(at?), &DataType::Timestamp, self.calendar);
            Some(build::binary(start, op, bound))
        };
        let bounds = [bound(BinaryOperator::GtEq, scan.from), bound(BinaryOperator::Lt, scan.to)];
        bounds.into_iter().flatten().chain(self.is_kept(from)).collect()
    }

    /// Whether an instant, of a bucket of `step`, is in no day (or hour) that a batch has built.
    fn not_built(&self, time: Sql, step: Step, built: &Built) -> Sql {
        let unit = built.unit.max(step);
        let projection = vec![SelectItem::UnnamedExpr(self.stored_bucket(built.layer, unit))];
        let from = Some(build::table(built.layer.table.clone(), ROLLUP));
        let filter = self.is_kept(built.layer);
        let known = Parts { projection, from, filter, ..Parts::default() }.query();
        build::not_in_query(self.dialect.bucket_key(time, unit, self.calendar), known)
    }

    /// A measure out of a scan's layers.
    pub(super) fn stored_measure(&self, scan: &Scan, measure: &Measure, from: &[Layer], how: &dyn States) -> Sql {
        let filter = conditions(scan, measure.filter.as_ref());
        let columns: Vec<ReadState> = parts(&measure.aggregate)
            .into_iter()
            .map(|(part, argument)| self.state_column(scan, from, part, argument, &filter))
            .collect();
        how.finish(&measure.aggregate, &measure.ty, &columns)
    }

    /// The number of rows that satisfy a filter, out of a scan's layers.
    pub(super) fn stored_count(&self, scan: &Scan, filter: &[&Expr], from: &[Layer], how: &dyn States) -> Sql {
        let column = self.state_column(scan, from, Part::Count, None, filter);
        how.finish(&Aggregate::CountRows, &DataType::Int, &[column])
    }

    fn state_column(
        &self,
        scan: &Scan,
        from: &[Layer],
        part: Part,
        argument: Option<&Expr>,
        filter: &[&Expr],
    ) -> ReadState {
        let filter = filter.iter().map(|part| (*part).clone()).collect();
        let state = State { part, argument: argument.cloned(), filter };
        if let [Layer::Stored(only)] = from {
            return self.state_in(scan, only, &state);
        }
        let column = match needed(scan, self.query).iter().position(|known| *known == state) {
            Some(at) => build::column(ROLLUP, build::ident(&format!("_s{at}"))),
            None => self.lacks("what its layers share", "state"),
        };
        ReadState { column, filter: None }
    }

    /// The column of a state in a rollup, with what of its filter has to be asked of the rollup's rows.
    fn state_in(&self, scan: &Scan, from: &Stored, state: &State) -> ReadState {
        match state_of(scan, from, state) {
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

/// The place of a state that a rollup keeps, and the conditions that are left: those that its dimensions decide, as
/// expressions over its columns `_d0`, `_d1` … Of several states the one that leaves the least.
pub fn state_of(scan: &Scan, from: &Stored, state: &State) -> Option<(usize, Vec<Expr>)> {
    let same_here = |a: &Expr, b: &Expr| same(a, &scan.joins, b, from.joins);
    let argument = |known: &State| match (&state.argument, &known.argument) {
        (Some(a), Some(b)) => same_here(a, b),
        (a, b) => a.is_none() && b.is_none(),
    };
    let candidates = from.states.iter().enumerate().filter(|(_, known)| known.part == state.part && argument(known));
    let left = candidates.filter_map(|(at, known)| {
        let asked = |part: &Expr| state.filter.iter().any(|asked| same_here(asked, part));
        if !known.filter.iter().all(asked) {
            return None;
        }
        let kept = |asked: &&Expr| !known.filter.iter().any(|part| same_here(asked, part));
        let rest = state.filter.iter().filter(kept).map(|part| over_dimensions(part, scan, from));
        Some((at, rest.collect::<Option<Vec<Expr>>>()?))
    });
    left.min_by_key(|(_, rest)| rest.len())
}

/// A condition over the rows of a scan as one over the columns of a rollup; none if its dimensions do not decide it.
fn over_dimensions(part: &Expr, scan: &Scan, from: &Stored) -> Option<Expr> {
    let mut decided = true;
    let found = replaced(part, &mut |part| {
        let known = from.dimensions.iter();
        let place = known.clone().position(|known| same(part, &scan.joins, &known.value, from.joins));
        if let Some(place) = place {
            let kind = ExprKind::Column { input: Input::Base, name: format!("_d{place}") };
            return Some(Expr { kind, ..part.clone() });
        }
        decided &= !matches!(part.kind, ExprKind::Column { .. });
        None
    });
    decided.then_some(found)
}
