//! Whether a value can only fall, or only rise: proved from both definitions, without looking at data.
//!
//! A claim is of each bucket and group by itself, and of values that are there: what counts fewer rows may also have no value
//! any more. Where a step of a proof is missing there is no claim.

use crate::caliber::{Meaning, Over, Term, call};
use crate::types::{
    Aggregation, Fill, Formula, FormulaKind, Leaf, MetricId, Model, Movement, Nested, RowExpr, RowExprKind, Type,
};
use crate::value::{Function, Span, Value, Window};

use super::implies::{Rows, conjuncts, relation};

/// Which way a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It stays.
    Same,
    /// It falls or stays.
    Falls,
    /// It rises or stays.
    Rises,
}

impl Way {
    fn and(self, other: Way) -> Option<Way> {
        match (self, other) {
            (Way::Same, way) | (way, Way::Same) => Some(way),
            (a, b) if a == b => Some(a),
            _ => None,
        }
    }

    fn turned(self) -> Way {
        match self {
            Way::Same => Way::Same,
            Way::Falls => Way::Rises,
            Way::Rises => Way::Falls,
        }
    }

    fn of(rows: Rows) -> Way {
        match rows {
            Rows::Same => Way::Same,
            Rows::Fewer => Way::Falls,
            Rows::More => Way::Rises,
        }
    }
}

/// That a value can only fall, or only rise, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Direction {
    /// Whether it falls; else it rises.
    pub falls: bool,
    /// The argument, as a sentence.
    pub why: String,
}

/// Looks at the same metric in both programs.
pub struct Proof<'a> {
    before: &'a Meaning<'a>,
    after: &'a Meaning<'a>,
    /// The steps that were taken.
    steps: Vec<String>,
    /// Whether a part of it goes the other way than its rows: a least value, what is subtracted.
    turns: bool,
}

impl<'a> Proof<'a> {
    /// A proof of the meanings before and after.
    pub fn new(before: &'a Meaning<'a>, after: &'a Meaning<'a>) -> Proof<'a> {
        Proof { before, after, steps: Vec::new(), turns: false }
    }

    /// Which way a metric goes.
    pub fn of_metrics(mut self, before: MetricId, after: MetricId) -> Option<Direction> {
        let (old, new) = (&self.before.model.metrics[before.0], &self.after.model.metrics[after.0]);
        let (a, b) = (&old.formula, &new.formula);
        let way = self.formula(a, b, Rows::Same)?;
        // A bucket that has no row any more has a value yet, and that is 0.
        let is_filled = [old.fill, new.fill].contains(&Fill::Zero);
        let from_zero = || is_never_negative(a, self.before.model) && is_never_negative(b, self.after.model);
        if is_filled && (self.turns || !from_zero()) {
            return None;
        }
        let falls = match way {
            Way::Same => return None,
            Way::Falls => true,
            Way::Rises => false,
        };
        self.steps.dedup();
        let mut told: Vec<String> = Vec::new();
        for step in self.steps {
            if !told.contains(&step) {
                told.push(step);
            }
        }
        Some(Direction { falls, why: told.join("; ") })
    }

    fn turn(&mut self, way: Way) -> Way {
        self.turns |= way != Way::Same;
        way.turned()
    }

    fn step(&mut self, text: impl Into<String>) {
        self.steps.push(text.into());
    }

    /// Which way a formula goes, where the rows of all of its aggregates lie to each other by `rows`, beside what it says itself.
    fn formula(&mut self, a: &Formula, b: &Formula, rows: Rows) -> Option<Way> {
        if rows == Rows::Same && self.before.of_formula(a) == self.after.of_formula(b) {
            return Some(Way::Same);
        }
        match (&a.kind, &b.kind) {
            (FormulaKind::Metric(id), _) => self.formula(formula_of(*id, self.before.model), b, rows),
            (_, FormulaKind::Metric(id)) => self.formula(a, formula_of(*id, self.after.model), rows),
            (FormulaKind::Leaf(a), FormulaKind::Leaf(b)) => self.leaf(a, b, rows),
            (FormulaKind::Literal(_), FormulaKind::Literal(_)) => {
                (self.before.of_formula(a) == self.after.of_formula(b)).then_some(Way::Same)
            }
            (FormulaKind::Call(f, a), FormulaKind::Call(g, b)) if f == g && a.len() == b.len() => {
                self.call(*f, a, b, rows)
            }
            (FormulaKind::Where { operand, .. }, FormulaKind::Where { operand: other, .. }) => {
                let (before, after) = (self.dimension_filter(a, true), self.dimension_filter(b, false));
                let own = relation(&before, &after)?;
                self.filtered(own);
                self.formula(operand, other, rows.and(own)?)
            }
            (FormulaKind::Where { operand, .. }, _) => {
                let own = relation(&self.dimension_filter(a, true), &[])?;
                self.filtered(own);
                self.formula(operand, b, rows.and(own)?)
            }
            (_, FormulaKind::Where { operand, .. }) => {
                let own = relation(&[], &self.dimension_filter(b, false))?;
                self.filtered(own);
                self.formula(a, operand, rows.and(own)?)
            }
            (FormulaKind::Moved { operand, by }, FormulaKind::Moved { operand: other, by: also }) => {
                let own = if same_movement(*by, *also) { Rows::Same } else { longer(*by, *also)? };
                match own {
                    Rows::Same => {}
                    Rows::Fewer => self.step("its window is shorter"),
                    Rows::More => self.step("its window is longer"),
                }
                self.formula(operand, other, rows.and(own)?)
            }
            (FormulaKind::Nested(a), FormulaKind::Nested(b)) => self.nested(a, b, rows),
            // A condition from outside is not passed on below it.
            (FormulaKind::Across { operand, .. }, FormulaKind::Across { operand: other, .. }) if rows == Rows::Same => {
                let left_out = |meaning: &Meaning<'_>, formula: &Formula| match meaning.of_formula(formula) {
                    Term::Form(_, mut parts) => parts.pop(),
                    _ => None,
                };
                let same = left_out(self.before, a) == left_out(self.after, b);
                if same { self.formula(operand, other, rows) } else { None }
            }
            (FormulaKind::Rate { operand, length }, FormulaKind::Rate { operand: other, length: also })
                if length == also =>
            {
                self.formula(operand, other, rows)
            }
            _ => None,
        }
    }

    fn filtered(&mut self, rows: Rows) {
        match rows {
            Rows::Same => {}
            Rows::Fewer => self.step("every row that counts now counted before, too: the filter is stricter"),
            Rows::More => self.step("every row that counted before still counts: the filter is wider"),
        }
    }

    /// The conditions of `m where …`.
    fn dimension_filter(&self, formula: &Formula, before: bool) -> Vec<Term> {
        let FormulaKind::Where { operand, filter } = &formula.kind else { return Vec::new() };
        let meaning = if before { self.before } else { self.after };
        conjuncts(meaning.of_filter(filter, &meaning.bases_of(operand)))
    }

    fn leaf(&mut self, a: &Leaf, b: &Leaf, rows: Rows) -> Option<Way> {
        let (over, also) = (self.before.over(a.rows.base, a.rows.dated), self.after.over(b.rows.base, b.rows.dated));
        let input = |meaning: &Meaning<'_>, leaf: &Leaf, over: &Over| {
            leaf.input.as_ref().map(|input| meaning.of_expr(input, over))
        };
        let same = a.aggregation == b.aggregation
            && self.before.of_table(a.rows.base) == self.after.of_table(b.rows.base)
            && time(self.before, a) == time(self.after, b)
            && input(self.before, a, &over) == input(self.after, b, &also)
            // Which day is the last one depends on the rows.
            && a.at_last.is_none()
            && b.at_last.is_none();
        if !same {
            return None;
        }
        let own =
            relation(&filters(self.before, &a.rows.filters, &over), &filters(self.after, &b.rows.filters, &also))?;
        let all = rows.and(own)?;
        self.filtered(own);
        if all == Rows::Same {
            return Some(Way::Same);
        }
        let fewer = if all == Rows::Fewer { "fewer" } else { "more" };
        let no = if all == Rows::Fewer { "no greater" } else { "no less" };
        let (what, way) = match a.aggregation {
            Aggregation::Count => ("a count of {fewer} rows is {no}", Way::of(all)),
            Aggregation::Distinct => ("a distinct count over {fewer} rows is {no}", Way::of(all)),
            Aggregation::Sum if b.input.as_ref().is_some_and(|input| never_negative(input, self.after.model)) => {
                ("a sum over {fewer} rows, of what is never negative, is {no}", Way::of(all))
            }
            Aggregation::Max => ("the greatest of {fewer} values is {no}", Way::of(all)),
            Aggregation::Min => {
                let no = if all == Rows::Fewer { "no less" } else { "no greater" };
                self.step(format!("the least of {fewer} values is {no}"));
                return Some(self.turn(Way::of(all)));
            }
            _ => return None,
        };
        self.step(what.replace("{fewer}", fewer).replace("{no}", no));
        Some(way)
    }

    fn call(&mut self, function: Function, a: &[Formula], b: &[Formula], rows: Rows) -> Option<Way> {
        match function {
            Function::Add => {
                let mut all = Way::Same;
                for (a, b) in a.iter().zip(b) {
                    all = all.and(self.formula(a, b, rows)?)?;
                }
                Some(all)
            }
            Function::Subtract => {
                let first = self.formula(&a[0], &b[0], rows)?;
                let second = self.formula(&a[1], &b[1], rows)?;
                first.and(self.turn(second))
            }
            Function::Negate => {
                let way = self.formula(&a[0], &b[0], rows)?;
                Some(self.turn(way))
            }
            Function::Multiply => {
                let positive = b.iter().all(|part| is_never_negative(part, self.after.model))
                    && a.iter().all(|part| is_never_negative(part, self.before.model));
                if !positive {
                    return None;
                }
                let first = self.formula(&a[0], &b[0], rows)?;
                first.and(self.formula(&a[1], &b[1], rows)?)
            }
            Function::Divide => {
                let steps = self.steps.len();
                let under = self.formula(&a[1], &b[1], rows)?;
                self.steps.truncate(steps);
                if under != Way::Same || rows != Rows::Same || !is_never_negative(&b[1], self.after.model) {
                    return None;
                }
                let over = self.formula(&a[0], &b[0], rows)?;
                if over != Way::Same {
                    self.step("the denominator is unchanged, and never negative");
                }
                Some(over)
            }
            Function::Round | Function::Floor | Function::Ceil | Function::Cast => {
                let others =
                    a[1..].iter().zip(&b[1..]).all(|(a, b)| self.before.of_formula(a) == self.after.of_formula(b));
                if others && a[0].ty.ty == b[0].ty.ty { self.formula(&a[0], &b[0], rows) } else { None }
            }
            _ => None,
        }
    }

    /// An aggregate over groups, of each of which a plain aggregate is taken: with fewer rows there are fewer groups, of smaller values.
    fn nested(&mut self, a: &Nested, b: &Nested, rows: Rows) -> Option<Way> {
        let (tables, also) = (self.before.bases_of(&a.formula), self.after.bases_of(&b.formula));
        let mut keys: Vec<String> = a.keys.iter().map(|key| self.before.of_key(key, &tables).to_string()).collect();
        let mut others: Vec<String> = b.keys.iter().map(|key| self.after.of_key(key, &also).to_string()).collect();
        keys.sort();
        others.sort();
        if a.aggregation != b.aggregation || a.counts_groups != b.counts_groups || keys != others {
            return None;
        }
        let inner = self.formula(&a.formula, &b.formula, rows)?;
        if inner != Way::Same && !(is_plain(&a.formula, self.before.model) && is_plain(&b.formula, self.after.model)) {
            return None;
        }
        let before = filters(self.before, a.filter.as_slice(), &Over::ANY);
        let after = filters(self.after, b.filter.as_slice(), &Over::ANY);
        let own = relation(&before, &after)?;
        let way = inner.and(Way::of(own))?;
        // A smaller value must not get into a group that a greater one was kept out of.
        if inner != Way::Same && !(upward(&before) && upward(&after)) {
            return None;
        }
        match own {
            Rows::Same => {}
            Rows::Fewer => self.step("fewer groups count"),
            Rows::More => self.step("more groups count"),
        }
        let positive = || is_never_negative(&b.formula, self.after.model);
        match b.aggregation {
            Aggregation::Count => Some(way),
            _ if b.counts_groups => Some(way),
            Aggregation::Sum if positive() => Some(way),
            Aggregation::Max => Some(way),
            Aggregation::Min if inner == Way::Same => Some(self.turn(way)),
            _ => None,
        }
    }
}

fn formula_of(id: MetricId, model: &Model) -> &Formula {
    &model.metrics[id.0].formula
}

/// What is the time of an aggregate's rows.
fn time(meaning: &Meaning<'_>, leaf: &Leaf) -> Option<Term> {
    let table = meaning.model.table(leaf.rows.base);
    let own = table.time.map(|column| crate::types::ColumnId { table: leaf.rows.base, column });
    leaf.rows.dated.or(own).map(|column| meaning.of_column(column, None))
}

fn filters(meaning: &Meaning<'_>, filters: &[RowExpr], over: &Over) -> Vec<Term> {
    if filters.is_empty() {
        return Vec::new();
    }
    conjuncts(call(Function::And, filters.iter().map(|filter| meaning.of_expr(filter, over)).collect()))
}

fn same_movement(a: Movement, b: Movement) -> bool {
    // Steps of a calendar are numbers of one program.
    let declared =
        |by: Movement| matches!(by, Movement::Ago(Span::Bucket(_)) | Movement::Only(_) | Movement::AtStartOf(_));
    a == b && !declared(a)
}

/// Whether the second window holds the first.
fn longer(a: Movement, b: Movement) -> Option<Rows> {
    let (Movement::Over(a), Movement::Over(b)) = (a, b) else { return None };
    let lengths = match (a, b) {
        (Window::Last(Span::Days(a)), Window::Last(Span::Days(b)))
        | (Window::Last(Span::Months(a)), Window::Last(Span::Months(b)))
        | (Window::Last(Span::Milliseconds(a)), Window::Last(Span::Milliseconds(b))) => a.cmp(&b),
        (Window::Last(_) | Window::ToDate(_), Window::All) => std::cmp::Ordering::Less,
        (Window::All, Window::Last(_) | Window::ToDate(_)) => std::cmp::Ordering::Greater,
        _ => return None,
    };
    Some(match lengths {
        std::cmp::Ordering::Less => Rows::More,
        std::cmp::Ordering::Equal => Rows::Same,
        std::cmp::Ordering::Greater => Rows::Fewer,
    })
}

/// Whether all conditions hold of greater values, too.
fn upward(filter: &[Term]) -> bool {
    filter.iter().all(|one| match one {
        Term::Call(Function::Greater | Function::GreaterEqual, sides) => {
            sides[0] == Term::name("value") && sides[1].is_literal()
        }
        Term::Call(Function::IsNotNull, sides) => sides[0] == Term::name("value"),
        _ => false,
    })
}

/// Whether it is one aggregate that has no group without rows, and no negative value.
fn is_plain(formula: &Formula, model: &Model) -> bool {
    match &formula.kind {
        FormulaKind::Metric(id) => is_plain(formula_of(*id, model), model),
        FormulaKind::Where { operand, .. } => is_plain(operand, model),
        FormulaKind::Moved { operand, by: Movement::Over(_) } => is_plain(operand, model),
        FormulaKind::Leaf(leaf) => {
            matches!(leaf.aggregation, Aggregation::Count | Aggregation::Distinct)
                || (matches!(leaf.aggregation, Aggregation::Sum | Aggregation::Max)
                    && leaf.input.as_ref().is_some_and(|input| never_negative(input, model)))
        }
        _ => false,
    }
}

/// Whether a formula is proved never to be negative; it may be null.
fn is_never_negative(formula: &Formula, model: &Model) -> bool {
    let all = |parts: &[Formula]| parts.iter().all(|part| is_never_negative(part, model));
    match &formula.kind {
        FormulaKind::Literal(value) => literal_never_negative(value),
        FormulaKind::Metric(id) => is_never_negative(formula_of(*id, model), model),
        FormulaKind::Leaf(leaf) => {
            of_aggregate(leaf.aggregation, || leaf.input.as_ref().is_some_and(|input| never_negative(input, model)))
        }
        FormulaKind::Nested(nested) => {
            nested.counts_groups || of_aggregate(nested.aggregation, || is_never_negative(&nested.formula, model))
        }
        FormulaKind::Call(Function::Add | Function::Multiply | Function::Divide, parts) => all(parts),
        FormulaKind::Call(Function::Coalesce, parts) => all(parts),
        FormulaKind::Where { operand, .. }
        | FormulaKind::Moved { operand, .. }
        | FormulaKind::Across { operand, .. }
        | FormulaKind::Rate { operand, .. } => is_never_negative(operand, model),
        FormulaKind::Call(..) | FormulaKind::Case { .. } => false,
    }
}

fn of_aggregate(aggregation: Aggregation, input: impl Fn() -> bool) -> bool {
    match aggregation {
        Aggregation::Count | Aggregation::Distinct | Aggregation::ApproxDistinct => true,
        Aggregation::Stddev | Aggregation::Variance => true,
        Aggregation::ApproxQuantile(_) => false,
        _ => input(),
    }
}

/// Whether an expression over rows is proved never to be negative; it may be null.
fn never_negative(expr: &RowExpr, model: &Model) -> bool {
    let all = |parts: &[RowExpr]| parts.iter().all(|part| never_negative(part, model));
    match &expr.kind {
        RowExprKind::Literal(value) => literal_never_negative(value),
        RowExprKind::Column(path) => path
            .last()
            .and_then(|column| model.table(column.table).columns[column.column].computed.as_ref())
            .is_some_and(|computed| never_negative(computed, model)),
        RowExprKind::Case { branches, otherwise } => {
            branches.iter().all(|(_, value)| never_negative(value, model))
                && otherwise.as_ref().is_none_or(|value| never_negative(value, model))
        }
        // Whole numbers wrap around, and so do durations.
        RowExprKind::Call(Function::Add | Function::Multiply, parts) => {
            matches!(expr.ty.ty, Type::Decimal { .. } | Type::Float) && all(parts)
        }
        RowExprKind::Call(Function::Divide | Function::Coalesce, parts) => all(parts),
        RowExprKind::Call(Function::Greatest, parts) => parts.iter().any(|part| {
            matches!(&part.kind, RowExprKind::Literal(value) if *value != Value::Null && literal_never_negative(value))
        }),
        _ => false,
    }
}

fn literal_never_negative(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Int(value) => *value >= 0,
        Value::Decimal(digits) => *digits >= 0,
        Value::Float(value) => *value >= 0.0,
        Value::Duration(ms) => *ms >= 0,
        _ => false,
    }
}
