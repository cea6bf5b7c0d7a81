//! The columns of cohorts as formulas: `signup.retained at 7d`, `signup.ltv(sum(paid from order)) at 90d`.

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::suggest::near;
use crate::syntax::ast::{self, ArgumentValue, BinaryOp, ExprKind};
use crate::types::behaviour::Behaviour;
use crate::types::cohort::{Cohort, column};
use crate::types::rows::{age_of, shown, unit_of};
use crate::types::{Aggregation, NestedKey, Unit};
use crate::value::time::DAY_MS;
use crate::value::{Function, Span as Length, Step, Value};

use super::super::model::{
    ColumnId, Formula, FormulaKind, Leaf, Nested, RowExpr, RowExprKind, RowSet, TableId, Type, ValueType,
};
use super::FormulaScope;
use super::leaf::{Units, result_type};
use super::moved::length;
use super::rebase::Rebase;

const COLUMNS: &[&str] = &["size", "active", "retained", "value", "ltv"];

/// The age that is asked for.
#[derive(Clone, Copy)]
enum At {
    /// Every one: what is asked is grouped by it, or added up over all.
    Any,
    /// This one.
    Age(u32),
    /// This one and all after it, once the last one is over.
    From(u32),
    /// All up to this one.
    UpTo(u32),
}

/// A column of a table of behaviour as it is asked for.
pub struct Column<'a> {
    /// `signup.retained`
    pub path: &'a ast::Path,
    /// `v2`
    pub version: Option<u32>,
    /// What stands in its brackets.
    pub arguments: &'a [ast::Argument],
    /// `at 7d`, and whether `..` stands behind it.
    pub at: Option<(&'a ast::Step, bool)>,
    /// The whole.
    pub span: Span,
}

impl FormulaScope<'_> {
    /// A column of a table of behaviour; none where the path does not begin with the name of one.
    pub(super) fn of_behaviour(&self, column: &Column<'_>, d: &mut Diagnostics) -> Option<Option<Formula>> {
        let place = column.path.parts.first().and_then(|name| self.names.behaviour(name, column.version))?;
        let Some(behaviour) = &self.rows.behaviours[place] else { return Some(None) };
        Some(match behaviour {
            Behaviour::Cohort(cohort) => Of { scope: self, cohort }.column(column, d),
            Behaviour::Lifecycle(lifecycle) => self.of_lifecycle(lifecycle, column, d),
            Behaviour::Funnel(funnel) => self.of_funnel(funnel, column, d),
            Behaviour::Conversion(conversion) => self.of_conversion(conversion, column, d),
            Behaviour::Attribution(attribution) => self.of_attribution(attribution, column, d),
            Behaviour::Paths(paths) => self.of_paths(paths, column, d),
            Behaviour::Segment(segment) => self.of_segment(segment, column, d),
            Behaviour::Experiment(experiment) => self.of_experiment(experiment, column, d),
        })
    }
}

/// A cohort whose columns are asked for.
struct Of<'s, 'a> {
    scope: &'s FormulaScope<'a>,
    cohort: &'s Cohort,
}

impl Of<'_, '_> {
    fn column(&self, asked: &Column<'_>, d: &mut Diagnostics) -> Option<Formula> {
        let name = match asked.path.parts.as_slice() {
            [_, name] if asked.path.at.is_none() => name,
            _ => {
                d.push(
                    error!(E0684, asked.span, "`{}` is a cohort: a metric is a column of it", self.cohort.name.value;
                    help: ("write `{}.retained at 1d`, or one of: {}", self.cohort.name.value, COLUMNS.join(", "))),
                );
                return None;
            }
        };
        let at = self.at(asked, d)?;
        let takes = matches!(name.as_str(), "value" | "ltv");
        if !takes && !asked.arguments.is_empty() {
            d.push(error!(E0684, asked.span, "`{}` takes no argument", name.value; help: "leave it out"));
            return None;
        }
        let span = asked.span;
        match name.as_str() {
            "size" => Some(self.size(at, span)),
            "active" => Some(self.active(at, span)),
            "retained" => {
                let retained = self.scope.ops().binary(
                    Spanned::new(BinaryOp::Divide, span),
                    self.active(at, span),
                    self.size(at, span),
                    span,
                    d,
                )?;
                Some(Formula { ty: ValueType { unit: Some(Unit::none()), ..retained.ty.clone() }, ..retained })
            }
            "value" => self.value(asked, at, d),
            "ltv" => self.ltv(asked, at, d),
            _ => {
                let help = match near(name, COLUMNS.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("a cohort has: {}", COLUMNS.join(", ")),
                };
                d.push(
                    error!(E0684, name.span, "`{}` has no column `{}`", self.cohort.name.value, name.value; help: help)
                        .related(self.cohort.name.span, "the cohort"),
                );
                None
            }
        }
    }

    fn at(&self, asked: &Column<'_>, d: &mut Diagnostics) -> Option<At> {
        let Some((step, onwards)) = asked.at else { return Some(At::Any) };
        let length = match step {
            // Nothing is at age 0 but what happens in the bucket of the start.
            ast::Step::Duration(duration) if duration.count == 0 => Length::Days(0),
            _ => length(step, asked.span, d)?,
        };
        let ages = &self.cohort.ages;
        let zero = length == Length::Days(0);
        let age = if zero { Some(0) } else { age_of(length, ages) };
        match age {
            Some(age) if age <= ages.until => Some(if onwards { At::From(age) } else { At::Age(age) }),
            Some(_) => {
                d.push(
                    error!(E0685, asked.span, "the cohort ends at age {}: nothing is at {}", ages.until, length.text();
                    help: ("ask for an earlier age, or raise `until` of `{}`", self.cohort.name.value))
                    .related(self.cohort.name.span, "the cohort"),
                );
                None
            }
            None => {
                d.push(
                    error!(E0685, asked.span, "{} is no whole number of ages: an age is {}", length.text(), shown(ages);
                    help: "ask for a multiple of it")
                    .related(self.cohort.name.span, "the cohort"),
                );
                None
            }
        }
    }

    /// The column of a table of the cohort.
    fn number(&self, table: TableId, column: usize, span: Span) -> RowExpr {
        let kind = RowExprKind::Column(vec![ColumnId { table, column }]);
        RowExpr { kind, ty: ValueType::plain(Type::Int), span }
    }

    fn compare(&self, function: Function, left: RowExpr, right: RowExpr) -> RowExpr {
        let span = left.span;
        RowExpr { kind: RowExprKind::Call(function, vec![left, right]), ty: ValueType::plain(Type::Bool), span }
    }

    fn literal(&self, age: u32, span: Span) -> RowExpr {
        RowExpr { kind: RowExprKind::Literal(Value::Int(i64::from(age))), ty: ValueType::plain(Type::Int), span }
    }

    /// Only units that have lived to an age.
    fn lived(&self, table: TableId, age: u32, span: Span) -> RowExpr {
        self.compare(Function::GreaterEqual, self.number(table, column::AGES, span), self.literal(age, span))
    }

    /// The conditions on rows that are at ages.
    fn at_ages(&self, table: TableId, at: At, span: Span) -> Vec<RowExpr> {
        let age = || self.number(table, column::AGE, span);
        match at {
            At::Any => Vec::new(),
            At::Age(k) => vec![self.compare(Function::Equal, age(), self.literal(k, span))],
            At::From(k) => vec![
                self.compare(Function::GreaterEqual, age(), self.literal(k, span)),
                self.lived(table, self.cohort.ages.until, span),
            ],
            At::UpTo(k) => {
                vec![self.compare(Function::LessEqual, age(), self.literal(k, span)), self.lived(table, k, span)]
            }
        }
    }

    fn count(&self, table: TableId, filters: Vec<RowExpr>, span: Span) -> Formula {
        let rows = RowSet { base: table, filters, dated: None };
        let leaf = Leaf { aggregation: Aggregation::Count, input: None, rows, at_last: None };
        let unit = Some(unit_of(self.scope.tables, self.cohort.entity));
        let ty = ValueType { unit, ..ValueType::plain(Type::Int) };
        Formula { kind: FormulaKind::Leaf(Box::new(leaf)), ty, span }
    }

    /// The number of units that have a row.
    fn units(&self, table: TableId, span: Span) -> Formula {
        let column = |column: usize| {
            let kind = RowExprKind::Column(vec![ColumnId { table, column }]);
            RowExpr { kind, ty: self.scope.tables[table.0].columns[column].ty.clone(), span }
        };
        let unit = match self.cohort.again {
            false => column(0),
            // A member that starts again is another unit.
            true => {
                let text = || ValueType::plain(Type::String);
                let call = |function, arguments, ty| RowExpr { kind: RowExprKind::Call(function, arguments), ty, span };
                let seconds = call(Function::ToUnix, vec![column(column::START)], ValueType::plain(Type::Int));
                let at = RowExpr { kind: RowExprKind::Literal(Value::String("@".to_owned())), ty: text(), span };
                let parts = [seconds, column(0)].map(|part| call(Function::Cast, vec![part], text()));
                let [seconds, whose] = parts;
                call(Function::Concat, vec![seconds, at, whose], text())
            }
        };
        let counted = self.count(table, Vec::new(), span);
        let FormulaKind::Leaf(leaf) = counted.kind else { return counted };
        let leaf = Leaf { aggregation: Aggregation::Distinct, input: Some(unit), ..*leaf };
        Formula { kind: FormulaKind::Leaf(Box::new(leaf)), ..counted }
    }

    /// How many units there are, of which that age is over.
    fn size(&self, at: At, span: Span) -> Formula {
        let units = self.cohort.units;
        match at {
            At::Any => self.units(self.cohort.cells, span),
            At::Age(k) | At::UpTo(k) => self.count(units, vec![self.lived(units, k, span)], span),
            At::From(_) => self.count(units, vec![self.lived(units, self.cohort.ages.until, span)], span),
        }
    }

    fn active(&self, at: At, span: Span) -> Formula {
        let table = self.cohort.active;
        if let At::Any = at {
            return self.units(table, span);
        }
        let mut filters = self.at_ages(table, at, span);
        if let At::From(_) = at {
            // One row a unit: that of the last age at which it is active.
            let (age, last) = (self.number(table, column::AGE, span), self.number(table, column::LAST, span));
            filters.push(self.compare(Function::Equal, age, last));
        }
        self.count(table, filters, span)
    }

    /// `value(m)`: m over the rows of the units at an age.
    fn value(&self, asked: &Column<'_>, at: At, d: &mut Diagnostics) -> Option<Formula> {
        let [only] = asked.arguments else {
            d.push(error!(E0684, asked.span, "`value` takes one formula"; help: "write `value(sum(paid from order))`"));
            return None;
        };
        self.rebased(only, at, asked.span, d)
    }

    /// The first argument over the rows of the cohort's units.
    fn rebased(&self, argument: &ast::Argument, at: At, span: Span, d: &mut Diagnostics) -> Option<Formula> {
        let filters = |table: TableId| self.at_ages(table, at, span);
        let per = self.scope.rows.unit_dimension(self.cohort.units);
        let to = Rebase { entity: self.cohort.entity, per, column: column::AGE + 1, filters: &filters, span };
        self.scope.rebased(argument, &to, d)
    }

    /// `ltv(m, discount: 1%, step: month) at k`: the sum over all ages up to k of the value per unit, of ages at which some unit is
    /// active, each discounted.
    fn ltv(&self, asked: &Column<'_>, at: At, d: &mut Diagnostics) -> Option<Formula> {
        let span = asked.span;
        let At::Age(until) = at else {
            d.push(error!(E0684, span, "`ltv` is asked for at an age"; help: ("write `{}.ltv(…) at 30d`", self.cohort.name.value)));
            return None;
        };
        let Some((first, options)) = asked.arguments.split_first() else {
            d.push(error!(E0684, span, "`ltv` takes a formula"; help: "write `ltv(sum(paid from order)) at 90d`"));
            return None;
        };
        let discount = self.discount(options, span, d)?;
        let at = At::UpTo(until);
        let value = self.rebased(first, at, span, d)?;
        let weighted = match discount {
            None => value,
            Some((rate, ages)) => {
                let table = self.scope.tables_of(&value).first().copied()?;
                let weight = self.weight(table, rate, ages, at, span);
                self.scope.ops().binary(Spanned::new(BinaryOp::Multiply, span), value, weight, span, d)?
            }
        };
        let zero = Formula {
            kind: FormulaKind::Literal(Value::Int(0)),
            ty: ValueType { unit: None, ..ValueType::plain(Type::Int) },
            span,
        };
        let some =
            self.scope.ops().binary(Spanned::new(BinaryOp::Greater, span), self.active(at, span), zero, span, d)?;
        let of_age = self.scope.ops().case(vec![(some, weighted)], None, span, d)?;
        let age = self
            .scope
            .dimensions
            .iter()
            .position(|dimension| dimension.name.value == format!("{}.age", self.cohort.name.value))?;
        let name = Spanned::new("sum".to_owned(), span);
        let units = Units { count: Unit::none(), distinct: Unit::none() };
        let ty = result_type(Aggregation::Sum, &name, Some((&of_age.ty, span)), &units, self.scope.tables, d)?;
        let nested = Nested {
            aggregation: Aggregation::Sum,
            counts_groups: false,
            formula: of_age,
            keys: vec![NestedKey::Dimension(crate::types::DimensionId(age))],
            filter: None,
        };
        let sum = Formula { kind: FormulaKind::Nested(Box::new(nested)), ty, span };
        self.scope.ops().binary(Spanned::new(BinaryOp::Divide, span), sum, self.size(at, span), span, d)
    }

    /// `discount: 1%, step: month`: the rate, and how many ages a step is.
    fn discount(&self, options: &[ast::Argument], asked_span: Span, d: &mut Diagnostics) -> Option<Option<(f64, f64)>> {
        let mut rate = None;
        let mut step = None;
        for option in options {
            let name = option.name.as_ref().map(|name| name.value.as_str());
            match (name, &option.value) {
                (Some("discount"), ArgumentValue::Expr(ast::Expr { kind: ExprKind::Literal(literal), .. })) => {
                    rate = match literal {
                        ast::Literal::Percent(text) => text.parse::<f64>().ok().map(|rate| rate / 100.0),
                        ast::Literal::Number(text) => text.parse::<f64>().ok(),
                        _ => None,
                    };
                }
                (Some("step"), ArgumentValue::Step(written)) => step = length(&written.value, written.span, d),
                (
                    Some("step"),
                    ArgumentValue::Expr(ast::Expr { kind: ExprKind::Literal(ast::Literal::Duration(one)), span }),
                ) => {
                    step = length(&ast::Step::Duration(*one), *span, d);
                }
                _ => {
                    d.push(error!(E0684, asked_span, "`ltv` takes a formula, `discount` and `step`"; help: "write `ltv(sum(paid from order), discount: 1%, step: month)`"));
                    return None;
                }
            }
        }
        match (rate, step.and_then(days)) {
            (None, None) if options.is_empty() => Some(None),
            (Some(rate), Some(step)) if rate > -1.0 => Some(Some((rate, step / self.days_of_an_age()))),
            _ => {
                let span = asked_span;
                d.push(error!(E0684, span, "a discount is a rate above -100 % for each step"; help: "write `discount: 1%, step: month`"));
                None
            }
        }
    }

    fn days_of_an_age(&self) -> f64 {
        match (self.cohort.ages.rolling, self.cohort.ages.every) {
            (Some(ms), _) => ms as f64 / DAY_MS as f64,
            (None, Step::Week) => 7.0,
            (None, Step::Month) => 30.0,
            (None, Step::Quarter) => 90.0,
            (None, Step::Year) => 360.0,
            (None, Step::Day | Step::Subday(_) | Step::Declared(_)) => 1.0,
        }
    }

    /// `(1 + rate) ^ (-age / ages)`, which all rows of an age share.
    fn weight(&self, table: TableId, rate: f64, ages: f64, at: At, span: Span) -> Formula {
        let float = || ValueType { unit: None, ..ValueType::plain(Type::Float) };
        let literal = |value: f64| RowExpr { kind: RowExprKind::Literal(Value::Float(value)), ty: float(), span };
        let age = self.number(table, column::AGE, span);
        let age = RowExpr { kind: RowExprKind::Call(Function::Cast, vec![age]), ty: float(), span };
        let exponent =
            RowExpr { kind: RowExprKind::Call(Function::Multiply, vec![age, literal(-1.0 / ages)]), ty: float(), span };
        let weight = RowExpr {
            kind: RowExprKind::Call(Function::Power, vec![literal(1.0 + rate), exponent]),
            ty: float(),
            span,
        };
        let rows = RowSet { base: table, filters: self.at_ages(table, at, span), dated: None };
        let leaf = Leaf { aggregation: Aggregation::Max, input: Some(weight), rows, at_last: None };
        let ty = ValueType { nullable: true, unit: Some(Unit::none()), ..ValueType::plain(Type::Float) };
        Formula { kind: FormulaKind::Leaf(Box::new(leaf)), ty, span }
    }
}

/// The days of a length of time; a month has 30, a declared bucket no fixed number.
fn days(length: Length) -> Option<f64> {
    match length {
        Length::Milliseconds(ms) => Some(ms as f64 / DAY_MS as f64),
        Length::Days(days) => Some(days as f64),
        Length::Months(months) => Some(months as f64 * 30.0),
        Length::Bucket(_) => None,
    }
}
