//! Scans that read rollups in place of their source: one, or several of which each has what the ones before it have not
//! built.

use sqlparser::ast::{Expr as Sql, Select, SelectItem};

use super::Lowering;
use super::filling::Source;
use super::scan::Rows;
use super::stored::{ROLLUP, Stored};
use crate::plan::{Aggregate, DataType, Expr, Measure, Scan, Step};
use crate::rollup::{Part, State, conditions, needed, parts};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::{States, Unsupported};

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

impl Lowering<'_> {
    /// A scan's keys out of its layers.
    pub(super) fn stored_parts(&self, scan: &Scan, layers: &[Layer]) -> Parts {
        if let [Layer::Stored(only)] = layers {
            let (projection, group_by) = self.stored_keys(scan, only, self.query.step);
            let from = Some(build::table(only.table.clone(), ROLLUP));
            return Parts { projection, from, group_by, ..Parts::default() };
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

    /// The rows of one layer that no layer before it has built: keys at the output step, and the states asked for.
    fn layer(&self, scan: &Scan, layer: &Layer, states: &[State], before: &[Built]) -> Option<Select> {
        match layer {
            Layer::Stored(stored) => {
                let (mut projection, _) = self.stored_keys(scan, stored, self.query.step);
                for (at, state) in states.iter().enumerate() {
                    let column = self.state_in(stored, state);
                    projection.push(build::item(column, build::ident(&format!("_s{at}"))));
                }
                let start =
                    self.dialect.bucket_start(build::column(ROLLUP, build::ident("_t")), stored.step, self.calendar);
                let filter = build::all(before.iter().map(|built| self.not_built(start.clone(), stored.step, built)));
                let from = Some(build::table(stored.table.clone(), ROLLUP));
                Some(Parts { projection, from, filter, ..Parts::default() }.select())
            }
            Layer::Rows => {
                let how = self.dialect.states()?;
                let mut parts = self.states_parts(scan, states, how, &Source::Clean);
                let time = self.value(scan.time.as_ref()?, &Rows(self.dialect));
                let missing = before.iter().map(|built| self.not_built(time.clone(), Step::Subday(1), built));
                parts.filter = build::all(parts.filter.into_iter().chain(missing));
                Some(parts.select())
            }
        }
    }

    /// Whether an instant, of a bucket of `step`, is in no day (or hour) that a batch has built.
    fn not_built(&self, time: Sql, step: Step, built: &Built) -> Sql {
        let unit = built.unit.max(step);
        let projection = vec![SelectItem::UnnamedExpr(self.stored_bucket(built.layer, unit))];
        let from = Some(build::table(built.layer.table.clone(), ROLLUP));
        let known = Parts { projection, from, ..Parts::default() }.query();
        build::not_in_query(self.dialect.bucket_key(time, unit, self.calendar), known)
    }

    /// A measure out of a scan's layers.
    pub(super) fn stored_measure(&self, scan: &Scan, measure: &Measure, from: &[Layer], how: &dyn States) -> Sql {
        let filter = conditions(scan, measure.filter.as_ref());
        let columns: Vec<Sql> = parts(&measure.aggregate)
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

    fn state_column(&self, scan: &Scan, from: &[Layer], part: Part, argument: Option<&Expr>, filter: &[&Expr]) -> Sql {
        let filter = filter.iter().map(|part| (*part).clone()).collect();
        let state = State { part, argument: argument.cloned(), filter };
        if let [Layer::Stored(only)] = from {
            return self.state_in(only, &state);
        }
        match needed(scan, self.query).iter().position(|known| *known == state) {
            Some(at) => build::column(ROLLUP, build::ident(&format!("_s{at}"))),
            None => self.lacks("what its layers share"),
        }
    }

    /// The column of a state in a rollup.
    fn state_in(&self, from: &Stored, state: &State) -> Sql {
        match from.states.iter().position(|known| known == state) {
            Some(at) => build::column(ROLLUP, build::ident(&format!("_s{at}"))),
            None => self.lacks(&format!("`{}`", from.table)),
        }
    }

    fn lacks(&self, what: &str) -> Sql {
        self.fail(Unsupported {
            construct: "a rollup".to_owned(),
            reason: format!("{what} lacks a state of the question; report this as a bug"),
        });
        build::null()
    }
}
