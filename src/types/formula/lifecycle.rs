//! The columns of lifecycles as formulas: `user_life.churned at 14d`.
//!
//! All are made of numbers of different members in intervals, by which states of rollups are merged: of two sets the members of
//! both are as many as those of each, less those of either.

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::suggest::near;
use crate::syntax::ast::BinaryOp;
use crate::types::lifecycle::{Lifecycle, Told};
use crate::types::rows::unit_of;
use crate::types::{Aggregation, Movement};
use crate::value::{Span as Length, Step, Window};

use super::super::model::{
    ColumnId, Formula, FormulaKind, Leaf, RowExpr, RowExprKind, RowSet, TableId, Type, ValueType,
};
use super::FormulaScope;
use super::cohort::Column;
use super::moved::{length, moved};

const OF_SILENCE: &[&str] = &["base", "churned", "new", "returning", "resurrected", "active"];
const OF_BUCKETS: &[&str] = &["active", "new", "returning", "resurrected", "dormant"];

impl FormulaScope<'_> {
    /// A column of a lifecycle.
    pub(super) fn of_lifecycle(&self, of: &Lifecycle, asked: &Column<'_>, d: &mut Diagnostics) -> Option<Formula> {
        let known = if matches!(of.by, Told::Silent(_)) { OF_SILENCE } else { OF_BUCKETS };
        let name = &of.name.value;
        let [_, column] = asked.path.parts.as_slice() else {
            d.push(error!(E0684, asked.span, "`{name}` is a lifecycle: a metric is a column of it";
                help: ("write one of: {}", known.join(", "))));
            return None;
        };
        if !known.contains(&column.as_str()) || asked.path.at.is_some() || !asked.arguments.is_empty() {
            let help = match near(column, known.iter().copied()) {
                Some(near) if near != column.as_str() => format!("did you mean `{near}`?"),
                _ => format!("it has: {}", known.join(", ")),
            };
            d.push(
                error!(E0684, asked.span, "`{name}` has no column of this form"; help: help)
                    .related(of.name.span, "the lifecycle"),
            );
            return None;
        }
        let parts = Parts { scope: self, of, span: asked.span };
        let formula = match &of.by {
            Told::Silent(silences) => {
                let length = self.silence(of, silences, column, asked, d)?;
                parts.of_silence(column, length, d)
            }
            Told::Every(step) => {
                if asked.at.is_some() {
                    d.push(error!(E0685, asked.span, "`{name}` is told by buckets, and has no silence"; help: "leave `at` out"));
                    return None;
                }
                parts.of_buckets(column, *step, d)
            }
        }?;
        // A number of members, whatever they are made of.
        let ty = ValueType { unit: Some(unit_of(self.tables, of.entity)), ..formula.ty.clone() };
        Some(Formula { ty, ..formula })
    }

    /// The silence that is asked for.
    fn silence(
        &self,
        of: &Lifecycle,
        silences: &[Length],
        column: &str,
        asked: &Column<'_>,
        d: &mut Diagnostics,
    ) -> Option<Length> {
        let all = || silences.iter().map(|length| length.text()).collect::<Vec<_>>().join(", ");
        let found = match (asked.at, silences) {
            (Some((step, false)), _) => Some(length(step, asked.span, d)?),
            (Some((_, true)), _) => None,
            (None, [only]) => Some(*only),
            (None, [first, ..]) if matches!(column, "new" | "active") => Some(*first),
            (None, _) => None,
        };
        let found = found.filter(|length| silences.contains(length));
        if found.is_none() {
            d.push(
                error!(E0685, asked.span, "`{}` has the silences {}", of.name.value, all();
                    help: ("ask for one of them: `{}.{column} at {}`", of.name.value, silences.first()?.text()))
                .related(of.name.span, "the lifecycle"),
            );
        }
        found
    }
}

/// What the columns of a lifecycle are made of.
struct Parts<'s, 'a> {
    scope: &'s FormulaScope<'a>,
    of: &'s Lifecycle,
    span: Span,
}

impl Parts<'_, '_> {
    fn of_silence(&self, column: &str, silence: Length, d: &mut Diagnostics) -> Option<Formula> {
        let active = self.active();
        let within = |window| moved(self.active(), Movement::Over(window), self.span);
        Some(match column {
            "base" => within(Window::Earlier(silence)),
            "churned" => {
                let twice = within(Window::Last(silence.times(2)));
                self.less(twice, within(Window::Last(silence)), d)?
            }
            "new" => self.newcomers(),
            "active" => active,
            _ => {
                let before = moved(within(Window::Last(silence)), Movement::AtOwnStart, self.span);
                let either = within(Window::Before(silence));
                let returning = self.both(active.clone(), before, either, d)?;
                if column == "returning" { returning } else { self.resurrected(active, returning, d)? }
            }
        })
    }

    fn of_buckets(&self, column: &str, step: Step, d: &mut Diagnostics) -> Option<Formula> {
        let active = self.active();
        let length = match step {
            Step::Week => Length::Days(7),
            Step::Month => Length::Months(1),
            Step::Quarter => Length::Months(3),
            Step::Year => Length::Months(12),
            Step::Day | Step::Subday(_) => Length::Days(1),
            Step::Declared(step) => Length::Bucket(step),
        };
        let formula = match column {
            "active" => active,
            "new" => self.newcomers(),
            "dormant" => {
                let ever = moved(self.active(), Movement::Over(Window::All), self.span);
                self.less(ever, active, d)?
            }
            _ => {
                let before = moved(self.active(), Movement::Ago(length), self.span);
                let either = moved(self.active(), Movement::Over(Window::Last(length.times(2))), self.span);
                let returning = self.both(active.clone(), before, either, d)?;
                if column == "returning" { returning } else { self.resurrected(active, returning, d)? }
            }
        };
        Some(moved(formula, Movement::Only(step), self.span))
    }

    /// How many different members are active.
    fn active(&self) -> Formula {
        self.count(Aggregation::Distinct, self.of.rows)
    }

    /// How many are so for the first time of all.
    fn newcomers(&self) -> Formula {
        self.count(Aggregation::Distinct, self.of.first)
    }

    fn count(&self, aggregation: Aggregation, table: TableId) -> Formula {
        let span = self.span;
        let column = ColumnId { table, column: self.of.unit };
        let ty = self.scope.tables[table.0].columns[self.of.unit].ty.clone();
        let input = Some(RowExpr { kind: RowExprKind::Column(vec![column]), ty, span });
        let rows = RowSet { base: table, filters: Vec::new(), dated: None };
        let leaf = Leaf { aggregation, input, rows, at_last: None };
        let unit = Some(unit_of(self.scope.tables, self.of.entity));
        let ty = ValueType { unit, ..ValueType::plain(Type::Int) };
        Formula { kind: FormulaKind::Leaf(Box::new(leaf)), ty, span }
    }

    fn less(&self, all: Formula, some: Formula, d: &mut Diagnostics) -> Option<Formula> {
        self.scope.ops().binary(Spanned::new(BinaryOp::Subtract, self.span), all, self.or_none(some, d)?, self.span, d)
    }

    /// Members of both of two sets.
    fn both(&self, one: Formula, other: Formula, either: Formula, d: &mut Diagnostics) -> Option<Formula> {
        let sum = self.scope.ops().binary(
            Spanned::new(BinaryOp::Add, self.span),
            one,
            self.or_none(other, d)?,
            self.span,
            d,
        )?;
        self.less(sum, either, d)
    }

    fn resurrected(&self, active: Formula, returning: Formula, d: &mut Diagnostics) -> Option<Formula> {
        let known = self.less(active, returning, d)?;
        self.less(known, self.newcomers(), d)
    }

    /// 0 where an interval lies before all data: nobody was active then.
    fn or_none(&self, count: Formula, d: &mut Diagnostics) -> Option<Formula> {
        let zero = ValueType { unit: None, ..ValueType::plain(Type::Int) };
        let zero = Formula { kind: FormulaKind::Literal(crate::value::Value::Int(0)), ty: zero, span: self.span };
        self.scope.ops().coalesce(vec![count, zero], self.span, d)
    }
}
