//! The columns of funnels as formulas: `pay_funnel.rate(register, pay)`, `p50(pay_funnel.time(register, pay))`.

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::suggest::near;
use crate::syntax::ast::{self, ArgumentValue, BinaryOp, ExprKind};
use crate::types::behaviour::Behaviour;
use crate::types::funnel::{Funnel, column};
use crate::types::rows::{unit_of, unknown_step};
use crate::types::{Aggregation, NestedKey, Unit};
use crate::value::{Function, StepOrder, Value};

use super::super::model::{
    ColumnId, Formula, FormulaKind, Leaf, Nested, RowExpr, RowExprKind, RowSet, TableId, Type, ValueType,
};
use super::FormulaScope;
use super::cohort::Column;
use super::leaf::{Units, aggregation, result_type};

const COLUMNS: &[&str] = &["entered", "reached", "rate", "time"];

impl FormulaScope<'_> {
    /// A column of a funnel.
    pub(super) fn of_funnel(&self, funnel: &Funnel, asked: &Column<'_>, d: &mut Diagnostics) -> Option<Formula> {
        let of = Of { scope: self, funnel, span: asked.span };
        let (name, steps) = of.read(asked, d)?;
        match (name, steps.as_slice()) {
            ("entered", []) => of.reached(0),
            ("reached", [step]) => of.reached(*step),
            ("rate", [from, to]) => of.is_onward(*from, *to, asked.span, d).then(|| of.rate(*from, *to, d)).flatten(),
            ("time", [_, _]) => {
                d.push(error!(E0684, asked.span, "`time` is a value of each unit"; help: ("take an aggregate of it: `p50({}.time(…))`", funnel.name.value)));
                None
            }
            _ => {
                let help = match name {
                    "entered" => "it takes none: every unit enters",
                    "reached" => "name the step that is reached",
                    _ => "name two steps",
                };
                d.push(error!(E0684, asked.span, "`{name}` does not take {} steps", steps.len(); help: help));
                None
            }
        }
    }

    /// An aggregate of the values of units: `p50(pay_funnel.time(register, pay))`. None where the formula is no column of a funnel
    /// with a value for each unit.
    pub(super) fn of_units(
        &self,
        aggregate: &ast::Aggregate,
        inner: &ast::Expr,
        span: Span,
        d: &mut Diagnostics,
    ) -> Option<Option<Formula>> {
        let ExprKind::Call { function, arguments } = &inner.kind else { return None };
        let [name, what] = function.parts.as_slice() else { return None };
        let place = self.names.behaviour(name, None).filter(|_| what.value == "time" && aggregate.per.is_empty())?;
        let funnel = match &self.rows.behaviours[place] {
            Some(Behaviour::Funnel(funnel)) => funnel,
            Some(_) => return None,
            // What is wrong with it has been told.
            None => return Some(None),
        };
        let asked = Column { path: function, version: None, arguments, at: None, span: inner.span };
        let of = Of { scope: self, funnel, span };
        Some(of.units(aggregate, &asked, d))
    }
}

/// A funnel whose columns are asked for.
struct Of<'s, 'a> {
    scope: &'s FormulaScope<'a>,
    funnel: &'s Funnel,
    span: Span,
}

impl Of<'_, '_> {
    /// The column and the steps that are named.
    fn read<'n>(&self, asked: &Column<'n>, d: &mut Diagnostics) -> Option<(&'n str, Vec<usize>)> {
        let of = &self.funnel.name;
        let [_, name] = asked.path.parts.as_slice() else {
            d.push(error!(E0684, asked.span, "`{}` is a funnel: a metric is a column of it", of.value;
                help: ("write `{}.rate(…, …)`, or one of: {}", of.value, COLUMNS.join(", "))));
            return None;
        };
        if !COLUMNS.contains(&name.as_str()) || asked.path.at.is_some() || asked.at.is_some() {
            let help = match near(name, COLUMNS.iter().copied()) {
                Some(near) if near != name.as_str() => format!("did you mean `{near}`?"),
                _ => format!("a funnel has: {}", COLUMNS.join(", ")),
            };
            d.push(
                error!(E0684, asked.span, "`{}` has no column of this form", of.value; help: help)
                    .related(of.span, "the funnel"),
            );
            return None;
        }
        let mut steps = Vec::with_capacity(asked.arguments.len());
        for argument in asked.arguments {
            let step = match &argument.value {
                ArgumentValue::Expr(ast::Expr { kind: ExprKind::Path { path, version: None }, .. }) => path.single(),
                _ => None,
            };
            let Some(step) = step.filter(|_| argument.name.is_none()) else {
                d.push(
                    error!(E0684, asked.span, "`{}` takes steps of the funnel", name.value; help: "write their names"),
                );
                return None;
            };
            let Some(place) = self.funnel.steps.iter().position(|known| known == step) else {
                d.push(
                    unknown_step(self.funnel.steps.iter().map(|step| step.as_str()), step)
                        .related(of.span, "the funnel"),
                );
                return None;
            };
            steps.push(place);
        }
        Some((name.as_str(), steps))
    }

    /// Whether a step can come after another; tells it where not.
    fn is_onward(&self, from: usize, to: usize, span: Span, d: &mut Diagnostics) -> bool {
        let onward = from < to || (from > to && self.funnel.attempts.order == StepOrder::Any);
        if !onward {
            let name = |step: usize| self.funnel.steps[step].as_str();
            let message = match from == to {
                true => format!("from `{}` to itself there is no way", name(from)),
                false => format!("`{}` never comes after `{}`", name(to), name(from)),
            };
            let help = match from == to {
                true => "name two steps".to_owned(),
                false => format!("name the earlier step first: `{}, {}`", name(to), name(from)),
            };
            d.push(error!(E0692, span, "{message}"; help: help).related(self.funnel.name.span, "the funnel"));
        }
        onward
    }

    fn column(&self, table: TableId, column: usize) -> RowExpr {
        let ty = self.scope.tables[table.0].columns[column].ty.clone();
        RowExpr { kind: RowExprKind::Column(vec![ColumnId { table, column }]), ty, span: self.span }
    }

    fn call(&self, function: Function, arguments: Vec<RowExpr>, ty: ValueType) -> RowExpr {
        RowExpr { kind: RowExprKind::Call(function, arguments), ty, span: self.span }
    }

    fn int(&self, value: usize) -> RowExpr {
        let kind = RowExprKind::Literal(Value::Int(value as i64));
        RowExpr { kind, ty: ValueType::plain(Type::Int), span: self.span }
    }

    fn truth(&self, function: Function, left: RowExpr, right: RowExpr) -> RowExpr {
        self.call(function, vec![left, right], ValueType::plain(Type::Bool))
    }

    /// Which attempts reach a step.
    fn reaches(&self, table: TableId, step: usize) -> Vec<RowExpr> {
        match step {
            0 => Vec::new(),
            step => {
                let at = self.column(table, column::reached(step));
                vec![self.call(Function::IsNotNull, vec![at], ValueType::plain(Type::Bool))]
            }
        }
    }

    fn leaf(
        &self,
        table: TableId,
        aggregation: Aggregation,
        input: Option<RowExpr>,
        filters: Vec<RowExpr>,
        ty: ValueType,
    ) -> Formula {
        let rows = RowSet { base: table, filters, dated: None };
        let leaf = Leaf { aggregation, input, rows, at_last: None };
        Formula { kind: FormulaKind::Leaf(Box::new(leaf)), ty, span: self.span }
    }

    fn counted(&self) -> ValueType {
        ValueType { unit: Some(unit_of(self.scope.tables, self.funnel.entity)), ..ValueType::plain(Type::Int) }
    }

    /// How many units reach a step.
    fn reached(&self, step: usize) -> Option<Formula> {
        let table = self.funnel.table(step);
        if !self.funnel.drops {
            let whose = Some(self.column(table, 0));
            return Some(self.leaf(table, Aggregation::Distinct, whose, self.reaches(table, step), self.counted()));
        }
        // Only units whose furthest attempt is not spoilt.
        let reached = match step {
            0 => self.leaf(table, Aggregation::Count, None, Vec::new(), self.counted()),
            step => self.leaf(table, Aggregation::Count, None, self.reaches(table, step), self.counted()),
        };
        let spoilt = self.of_furthest(table, 1, |depth| self.spoilt(table, depth));
        // Of what is spoilt nothing is reached.
        let zero = Formula { kind: FormulaKind::Literal(Value::Int(0)), ty: reached.ty.clone(), span: self.span };
        let ty = reached.ty.clone();
        let kind = FormulaKind::Case { branches: vec![(spoilt, zero)], otherwise: Some(Box::new(reached)) };
        let kept = Formula { kind, ty, span: self.span };
        let inner =
            RowExpr { kind: RowExprKind::Inner, ty: ValueType { nullable: true, ..kept.ty.clone() }, span: self.span };
        let filter = self.truth(Function::Greater, inner, self.int(0));
        Some(self.per_unit(table, Aggregation::Count, true, kept, Some(filter), self.counted()))
    }

    /// Whether the first of the attempts that get so far is spoilt.
    fn spoilt(&self, table: TableId, depth: usize) -> Formula {
        let spoilt = self.column(table, column::SPOILT);
        let ty = ValueType { nullable: true, ..spoilt.ty.clone() };
        self.leaf(table, Aggregation::First, Some(spoilt), vec![self.at_depth(table, depth)], ty)
    }

    fn at_depth(&self, table: TableId, depth: usize) -> RowExpr {
        self.truth(Function::Equal, self.column(table, column::DEPTH), self.int(depth))
    }

    /// A value of the first of a unit's attempts that get furthest, if that is at least so far.
    fn of_furthest(&self, table: TableId, least: usize, value: impl Fn(usize) -> Formula) -> Formula {
        let most = match self.funnel.attempts.order {
            StepOrder::Any => self.funnel.steps.len(),
            _ => self.funnel.attempts.required().len(),
        };
        let mut branches = Vec::new();
        let mut ty = None;
        for depth in (least..=most).rev() {
            let count = self.leaf(
                table,
                Aggregation::Count,
                None,
                vec![self.at_depth(table, depth)],
                ValueType::plain(Type::Int),
            );
            let zero = Formula { kind: FormulaKind::Literal(Value::Int(0)), ty: count.ty.clone(), span: self.span };
            let kind = FormulaKind::Call(Function::Greater, vec![count, zero]);
            let any = Formula { kind, ty: ValueType::plain(Type::Bool), span: self.span };
            let value = value(depth);
            ty.get_or_insert_with(|| value.ty.clone());
            branches.push((any, value));
        }
        let ty = ValueType { nullable: true, ..ty.unwrap_or(ValueType::plain(Type::Bool)) };
        Formula { kind: FormulaKind::Case { branches, otherwise: None }, ty, span: self.span }
    }

    /// An aggregate over a formula for each unit.
    fn per_unit(
        &self,
        table: TableId,
        aggregation: Aggregation,
        counts_groups: bool,
        formula: Formula,
        filter: Option<RowExpr>,
        ty: ValueType,
    ) -> Formula {
        let values = vec![(table, self.column(table, 0))];
        let name = self.scope.tables[table.0].columns[0].name.value.clone();
        let keys = vec![NestedKey::Column { name, values }];
        let nested = Nested { aggregation, counts_groups, formula, keys, filter };
        Formula { kind: FormulaKind::Nested(Box::new(nested)), ty, span: self.span }
    }

    fn rate(&self, from: usize, to: usize, d: &mut Diagnostics) -> Option<Formula> {
        let divide = Spanned::new(BinaryOp::Divide, self.span);
        let rate = self.scope.ops().binary(divide, self.reached(to)?, self.reached(from)?, self.span, d)?;
        Some(Formula { ty: ValueType { unit: Some(Unit::none()), ..rate.ty.clone() }, ..rate })
    }

    fn units(&self, aggregate: &ast::Aggregate, asked: &Column<'_>, d: &mut Diagnostics) -> Option<Formula> {
        let (_, steps) = self.read(asked, d)?;
        let [from, to] = steps.as_slice() else {
            d.push(error!(E0684, asked.span, "`time` is from one step to another"; help: "name two steps"));
            return None;
        };
        if !self.is_onward(*from, *to, asked.span, d) {
            return None;
        }
        let aggregation = aggregation(&aggregate.function, &aggregate.arguments, d)?;
        if matches!(aggregation, Aggregation::First | Aggregation::Last | Aggregation::Count) {
            d.push(error!(E0647, self.span, "units have no order of time to take the `{}` of", aggregate.function.value; help: "take an average, a quantile, `min` or `max`"));
            return None;
        }
        let filter = match &aggregate.per_filter {
            None => None,
            Some(condition) => {
                d.push(error!(E0684, condition.span, "these values take no condition"; help: "leave it out"));
                return None;
            }
        };
        let table = self.funnel.table(*to);
        let at = |step: usize| self.column(table, if step == 0 { column::START } else { column::reached(step) });
        let duration = ValueType { nullable: true, ..ValueType::plain(Type::Duration) };
        let took = |depth: usize| {
            let took = self.call(Function::Subtract, vec![at(*to), at(*from)], duration.clone());
            let depths = vec![self.at_depth(table, depth)];
            let took = self.leaf(table, Aggregation::First, Some(took), depths, duration.clone());
            if !self.funnel.drops {
                return took;
            }
            // A unit that has left the funnel takes no time.
            let spoilt = self.spoilt(table, depth);
            let (ty, span) = (spoilt.ty.clone(), self.span);
            let stays = Formula { kind: FormulaKind::Call(Function::Not, vec![spoilt]), ty, span };
            let kind = FormulaKind::Case { branches: vec![(stays, took)], otherwise: None };
            Formula { kind, ty: duration.clone(), span }
        };
        let value = self.of_furthest(table, 1, took);
        let units = Units { count: Unit::none(), distinct: Unit::none() };
        let ty =
            result_type(aggregation, &aggregate.function, Some((&value.ty, self.span)), &units, self.scope.tables, d)?;
        Some(self.per_unit(table, aggregation, false, value, filter, ty))
    }
}
