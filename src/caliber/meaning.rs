//! What expressions over rows and formulas mean, with everything that they name written out.

use std::cell::RefCell;
use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::types::{
    Aggregation, AtLast, ColumnId, DimFilter, DimensionId, Formula, FormulaKind, Leaf, MetricId, MetricPer, Model,
    Movement, Nested, NestedKey, RowExpr, RowExprKind, Subject, TableId, Type,
};
use crate::value::{Function, Span as Length, Step, Value, Window};

use super::normal::{call, case, sorted};
use super::term::Term;

/// The rows that an expression is over.
#[derive(Clone, Debug)]
pub struct Over {
    /// Their table; none for whatever rows there are.
    pub table: Option<TableId>,
    /// The column that is their time; none for that of the table.
    pub time: Option<ColumnId>,
    /// What leads to them, where they are those of an entity that is looked up.
    pub by: Option<Term>,
}

impl Over {
    /// Whatever rows there are.
    pub const ANY: Over = Over { table: None, time: None, by: None };
}

/// A checked program, of which terms are made. What was made once is kept.
pub struct Meaning<'a> {
    /// The program.
    pub model: &'a Model,
    metrics: RefCell<FxHashMap<MetricId, Term>>,
    pub(super) tables: RefCell<FxHashMap<TableId, Term>>,
    bases: RefCell<FxHashMap<MetricId, Vec<TableId>>>,
}

impl<'a> Meaning<'a> {
    /// Of a program without errors.
    pub fn new(model: &'a Model) -> Meaning<'a> {
        Meaning { model, metrics: RefCell::default(), tables: RefCell::default(), bases: RefCell::default() }
    }

    /// The formula of a metric, without its unit and what it is shown by.
    pub fn of_metric(&self, id: MetricId) -> Term {
        if let Some(known) = self.metrics.borrow().get(&id) {
            return known.clone();
        }
        let term = self.of_formula(&self.model.metrics[id.0].formula);
        self.metrics.borrow_mut().insert(id, term.clone());
        term
    }

    /// What the dimensions of a metric are over the rows that it counts, in their order.
    pub fn of_shown(&self, id: MetricId) -> Vec<Term> {
        let metric = &self.model.metrics[id.0];
        let tables = self.bases_of(&metric.formula);
        metric.by.iter().filter_map(|by| by.dimension()).map(|dimension| self.bound(dimension, &tables)).collect()
    }

    /// A formula.
    pub fn of_formula(&self, formula: &Formula) -> Term {
        match &formula.kind {
            FormulaKind::Leaf(leaf) => self.of_leaf(leaf),
            FormulaKind::Metric(id) => self.of_metric(*id),
            FormulaKind::Literal(value) => literal(value, &formula.ty.ty),
            FormulaKind::Call(Function::Cast, arguments) => {
                let inner = arguments.iter().map(|part| self.of_formula(part)).next().unwrap_or(Term::Null);
                cast(inner, arguments.first().map(|part| &part.ty.ty), &formula.ty.ty, self.model)
            }
            FormulaKind::Call(function, arguments) => {
                call(*function, arguments.iter().map(|part| self.of_formula(part)).collect())
            }
            FormulaKind::Case { branches, otherwise } => {
                let both = |(c, v): &(Formula, Formula)| (self.of_formula(c), self.of_formula(v));
                case(branches.iter().map(both).collect(), otherwise.as_ref().map(|value| self.of_formula(value)))
            }
            FormulaKind::Where { operand, filter } => {
                let tables = self.bases_of(operand);
                let filter = self.of_filter(filter, &tables);
                match self.of_formula(operand) {
                    // Conditions behind each other are one.
                    Term::Form(word, mut parts) if word == "where" && parts.len() == 2 => {
                        let own = parts.remove(1);
                        Term::form("where", vec![parts.remove(0), call(Function::And, vec![own, filter])])
                    }
                    operand => Term::form("where", vec![operand, filter]),
                }
            }
            FormulaKind::Nested(nested) => self.of_nested(nested),
            FormulaKind::Moved { operand, by } => {
                let (word, how) = movement(*by);
                Term::form(word, [vec![self.of_formula(operand)], how].concat())
            }
            FormulaKind::Across { operand, dimensions } => {
                let tables = self.bases_of(operand);
                let left_out = sorted(dimensions.iter().map(|one| self.bound(*one, &tables)).collect());
                Term::form("across", vec![self.of_formula(operand), Term::form("dimensions", left_out)])
            }
            FormulaKind::Rate { operand, length } => Term::form("rate", vec![self.of_formula(operand), span(*length)]),
        }
    }

    fn of_leaf(&self, leaf: &Leaf) -> Term {
        let over = self.over(leaf.rows.base, leaf.rows.dated);
        let mut parts = vec![self.of_rows(&leaf.rows)];
        parts.extend(leaf.input.as_ref().map(|input| self.of_expr(input, &over)));
        if let Some(AtLast { step, per }) = &leaf.at_last {
            let per = sorted(per.iter().map(|key| self.of_expr(key, &over)).collect());
            parts.push(Term::form("at last", [vec![step_term(*step)], per].concat()));
        }
        Term::form(aggregation(leaf.aggregation), parts)
    }

    fn of_nested(&self, nested: &Nested) -> Term {
        let tables = self.bases_of(&nested.formula);
        let keys = nested.keys.iter().map(|key| self.of_key(key, &tables)).collect();
        let word = if nested.counts_groups { "groups".to_owned() } else { aggregation(nested.aggregation) };
        let mut parts = vec![self.of_formula(&nested.formula), Term::form("per", sorted(keys))];
        let filter = nested.filter.as_ref();
        parts.extend(filter.map(|filter| Term::form("having", vec![self.of_expr(filter, &Over::ANY)])));
        Term::form(word, parts)
    }

    /// A key of a nested aggregate, over the rows of these tables.
    pub fn of_key(&self, key: &NestedKey, tables: &[TableId]) -> Term {
        match key {
            NestedKey::Dimension(dimension) => self.bound(*dimension, tables),
            NestedKey::Step(step) => Term::form("step", vec![step_term(*step)]),
            NestedKey::Column { values, .. } => {
                let of = |(table, value): &(TableId, RowExpr)| (*table, self.of_expr(value, &self.over(*table, None)));
                self.by_rows(values.iter().map(of).collect())
            }
        }
    }

    /// A value that the rows of each table have: one term, where it is the same of all.
    fn by_rows(&self, values: Vec<(TableId, Term)>) -> Term {
        if let Some((_, first)) = values.first()
            && values.iter().all(|(_, value)| value == first)
        {
            return first.clone();
        }
        let of = |(table, value): (TableId, Term)| Term::form("of", vec![self.of_table(table), value]);
        Term::form("by rows", sorted(values.into_iter().map(of).collect()))
    }

    /// A dimension over the rows of some tables; what it is over others makes no difference.
    pub fn bound(&self, dimension: DimensionId, tables: &[TableId]) -> Term {
        let of = |table: &TableId| {
            let value = self.model.bind(dimension, *table).ok()?;
            Some((*table, self.of_expr(&value, &self.over(*table, None))))
        };
        self.by_rows(tables.iter().filter_map(of).collect())
    }

    /// The tables whose rows a formula is of, each once, in order.
    pub fn bases_of(&self, formula: &Formula) -> Vec<TableId> {
        let mut found = Vec::new();
        formula.walk(&mut |part| match &part.kind {
            FormulaKind::Leaf(leaf) => found.push(leaf.rows.base),
            FormulaKind::Nested(nested) => found.extend(self.bases_of(&nested.formula)),
            FormulaKind::Metric(id) => {
                let known = self.bases.borrow().get(id).cloned();
                let bases = known.unwrap_or_else(|| {
                    let bases = self.bases_of(&self.model.metrics[id.0].formula);
                    self.bases.borrow_mut().insert(*id, bases.clone());
                    bases
                });
                found.extend(bases);
            }
            _ => {}
        });
        found.sort_unstable();
        found.dedup();
        found
    }

    /// A condition on dimensions, over the rows of these tables.
    pub fn of_filter(&self, filter: &DimFilter, tables: &[TableId]) -> Term {
        let all = |parts: &[DimFilter]| parts.iter().map(|part| self.of_filter(part, tables)).collect();
        match filter {
            DimFilter::And(parts) => call(Function::And, all(parts)),
            DimFilter::Or(parts) => call(Function::Or, all(parts)),
            DimFilter::Not(inner) => call(Function::Not, vec![self.of_filter(inner, tables)]),
            DimFilter::Test { subject, function, literals, .. } => {
                let (subject, ty) = match subject {
                    Subject::Dimension(id) => (self.bound(*id, tables), self.model.dimensions[id.0].ty.ty.clone()),
                    Subject::Within(id, step) => {
                        (Term::form("bucket", vec![self.bound(*id, tables), step_term(*step)]), Type::Timestamp)
                    }
                    Subject::Part(part) => (Term::name(part.name()), part.ty()),
                    Subject::Per(per, ty) => (self.of_per(per, tables), ty.ty.clone()),
                };
                let literals = literals.iter().map(|value| literal(value, &ty));
                call(*function, std::iter::once(subject).chain(literals).collect())
            }
        }
    }

    fn of_per(&self, per: &MetricPer, tables: &[TableId]) -> Term {
        let mut all = self.bases_of(&self.model.metrics[per.metric.0].formula);
        all.extend(tables);
        all.sort_unstable();
        all.dedup();
        Term::form("per", vec![self.of_metric(per.metric), self.of_key(&per.key, &all)])
    }

    /// The rows of a table, dated by another column or by its own.
    pub fn over(&self, table: TableId, dated: Option<ColumnId>) -> Over {
        Over { table: Some(table), time: dated, by: None }
    }

    /// An expression over rows.
    pub fn of_expr(&self, expr: &RowExpr, over: &Over) -> Term {
        match &expr.kind {
            RowExprKind::Column(path) => self.of_path(path, over),
            RowExprKind::Time => self.of_time(over),
            RowExprKind::Inner => Term::name("value"),
            RowExprKind::Literal(value) => literal(value, &expr.ty.ty),
            RowExprKind::Call(Function::Cast, arguments) => {
                let inner = arguments.iter().map(|part| self.of_expr(part, over)).next().unwrap_or(Term::Null);
                cast(inner, arguments.first().map(|part| &part.ty.ty), &expr.ty.ty, self.model)
            }
            RowExprKind::Call(function, arguments) => {
                call(*function, arguments.iter().map(|part| self.of_expr(part, over)).collect())
            }
            RowExprKind::Case { branches, otherwise } => {
                let both = |(c, v): &(RowExpr, RowExpr)| (self.of_expr(c, over), self.of_expr(v, over));
                case(branches.iter().map(both).collect(), otherwise.as_ref().map(|value| self.of_expr(value, over)))
            }
            RowExprKind::Sql { variants, arguments } => {
                let variants: BTreeMap<&str, &str> =
                    variants.iter().map(|(dialect, text)| (dialect.as_str(), text.as_str())).collect();
                let texts =
                    variants.into_iter().map(|(dialect, text)| Term::form(dialect, vec![Term::Text(text.to_owned())]));
                let columns = arguments.iter().map(|argument| self.of_expr(argument, over));
                let ty = Term::name(self.type_text(&expr.ty.ty));
                Term::form("sql", texts.chain(columns).chain([ty]).collect())
            }
            RowExprKind::Per { per, at } => {
                Term::form("before", vec![self.of_per(per, over.table.as_slice()), self.of_expr(at, over)])
            }
            // A finished model has none.
            RowExprKind::Pending(_) => Term::Null,
        }
    }

    fn of_time(&self, over: &Over) -> Term {
        let own = over.table.and_then(|table| {
            let column = self.model.table(table).time?;
            Some(ColumnId { table, column })
        });
        match over.time.or(own) {
            Some(column) => self.of_column(column, over.by.as_ref()),
            None => Term::name("time"),
        }
    }

    fn of_path(&self, path: &[ColumnId], over: &Over) -> Term {
        let mut by = over.by.clone();
        for hop in path {
            by = Some(self.of_column(*hop, by.as_ref()));
        }
        by.unwrap_or(Term::Null)
    }

    /// The name of the type that an engine has for it: a reference is its key, an enum a string.
    pub fn type_text(&self, ty: &Type) -> String {
        format!("{:?}", self.model.data_type(ty)).to_lowercase()
    }
}

/// A literal. Numbers of all types are numbers: what they stand beside tells the type.
fn literal(value: &Value, ty: &Type) -> Term {
    match (value, ty) {
        (Value::Null, _) => Term::Null,
        (Value::Bool(value), _) => Term::Bool(*value),
        (Value::Int(value), _) => Term::number(i128::from(*value), 0),
        (Value::Decimal(digits), Type::Decimal { scale, .. }) => Term::number(*digits, *scale),
        (Value::Decimal(digits), _) => Term::number(*digits, 0),
        (Value::Float(value), _) => Term::number_of(&format!("{value:?}")),
        (Value::String(text), _) => Term::Text(text.clone()),
        (Value::Date(days), _) => Term::form("date", vec![Term::number(i128::from(*days), 0)]),
        (Value::Timestamp(ms), _) => Term::form("timestamp", vec![Term::number(i128::from(*ms), 0)]),
        (Value::Duration(ms), _) => Term::Duration(*ms),
    }
}

/// A cast. What only widens a number changes nothing of its value, and is made wherever numbers meet.
fn cast(inner: Term, from: Option<&Type>, to: &Type, model: &Model) -> Term {
    let widens = match (from, to) {
        (Some(Type::Int), Type::Decimal { precision, scale }) => precision - scale >= 19,
        (Some(Type::Decimal { precision: p, scale: s }), Type::Decimal { precision, scale }) => {
            scale >= s && precision - scale >= p - s
        }
        (Some(from), to) => model.data_type(from) == model.data_type(to),
        (None, _) => false,
    };
    if widens || stays(&inner, to) {
        return inner;
    }
    Term::form("cast", vec![inner, Term::name(format!("{:?}", model.data_type(to)).to_lowercase())])
}

/// Whether a literal stays what it is: others would lose digits.
fn stays(inner: &Term, to: &Type) -> bool {
    match (inner, to) {
        (Term::Number { .. }, Type::Float) => true,
        (Term::Number { digits, scale: own }, Type::Decimal { precision, scale }) => {
            let whole = digits.unsigned_abs().checked_ilog10().map_or(0, |most| most + 1);
            own <= scale && whole.saturating_sub(u32::from(*own)) <= u32::from(precision - scale)
        }
        _ => false,
    }
}

/// The word of an aggregate.
pub fn aggregation(aggregation: Aggregation) -> String {
    let level = |word: &str, level: crate::types::Level| {
        let scale = u8::try_from(level.denominator.checked_ilog10().unwrap_or_default()).unwrap_or_default();
        format!("{word} {}", Term::number(i128::from(level.numerator), scale))
    };
    match aggregation {
        Aggregation::Count => "count".to_owned(),
        Aggregation::Distinct => "distinct".to_owned(),
        Aggregation::ApproxDistinct => "approx_distinct".to_owned(),
        Aggregation::Sum => "sum".to_owned(),
        Aggregation::Avg => "avg".to_owned(),
        Aggregation::Min => "min".to_owned(),
        Aggregation::Max => "max".to_owned(),
        Aggregation::Quantile(of) => level("quantile", of),
        Aggregation::QuantileDisc(of) => level("quantile_disc", of),
        Aggregation::ApproxQuantile(of) => level("approx_quantile", of),
        Aggregation::Stddev => "stddev".to_owned(),
        Aggregation::Variance => "variance".to_owned(),
        Aggregation::First => "first".to_owned(),
        Aggregation::Last => "last".to_owned(),
    }
}

fn movement(by: Movement) -> (&'static str, Vec<Term>) {
    match by {
        Movement::Over(Window::Last(length)) => ("over", vec![span(length)]),
        Movement::Over(Window::Before(length)) => ("over before", vec![span(length)]),
        Movement::Over(Window::Earlier(length)) => ("over earlier", vec![span(length)]),
        Movement::Over(Window::ToDate(step)) => ("over to date", vec![step_term(step)]),
        Movement::Over(Window::All) => ("over all", Vec::new()),
        Movement::Ago(length) => ("ago", vec![span(length)]),
        Movement::AtStartOf(step) => ("at start of", vec![step_term(step)]),
        Movement::AtOwnStart => ("at own start", Vec::new()),
        Movement::FirstDay => ("first day", Vec::new()),
        Movement::Only(step) => ("only", vec![step_term(step)]),
    }
}

fn span(length: Length) -> Term {
    match length {
        Length::Bucket(step) => step_term(Step::Declared(step)),
        other => Term::name(other.text()),
    }
}

/// A step of time; one of a declared calendar is what its days are.
pub fn step_term(step: Step) -> Term {
    let Step::Declared(declared) = step else { return Term::name(step.text()) };
    let source = declared.source();
    let text = |text: &str| Term::Text(text.to_owned());
    Term::form("runs", vec![text(&source.table), text(&source.day), text(&source.value)])
}
