//! Metrics.

use super::super::model::*;
use super::Maker;
use super::exprs::{call, literal, quotient};

impl Maker {
    /// Metrics: leaves first, then formulas over them.
    pub fn metrics(&mut self) {
        let (leaves, formulas) = (2 + self.rng.below(4), self.rng.below(5));
        for number in 0..leaves + formulas {
            let mut made = (0..8).filter_map(|_| if number < leaves { self.leaf() } else { self.formula() });
            let Some(formula) = made.next() else { continue };
            let name = self.metric_name();
            let by: Vec<String> = self.project.common_dimensions(&formula).iter().map(|d| d.name.clone()).collect();
            let by = by.into_iter().filter(|name| *name != "time").take(self.rng.below(3)).collect();
            let grain = (self.project.timed(&formula) && self.rng.chance(15)).then_some(Step::Day);
            self.project.metrics.push(Metric { name, formula, grain, by, fill: Fill::None });
        }
        if self.project.metrics.is_empty() {
            let table = self.project.tables[self.project.tables.len() - 1].name.clone();
            let formula = count(&table);
            self.project.metrics.push(Metric {
                name: "m0".into(),
                formula,
                grain: None,
                by: Vec::new(),
                fill: Fill::None,
            });
        }
    }

    /// An aggregate over rows.
    pub fn leaf(&mut self) -> Option<Expr> {
        let rows: Vec<String> = (self
            .project
            .tables
            .iter()
            .filter(|t| t.history.is_none() && (!t.entity || self.rng.chance(50)))
            .map(|t| t.name.clone()))
        .chain(self.project.subsets.iter().map(|subset| subset.name.clone()))
        .chain(self.project.derived.iter().map(|derived| derived.table.name.clone()))
        .collect();
        let rows = self.rng.maybe(&rows)?.clone();
        let table = self.project.base(&rows)?.clone();
        let raw = self.is_raw(&rows);
        let dated = if raw { None } else { self.another_date(&rows, 12) };
        let timed = table.time.is_some() && !raw;
        let filter = if self.rng.chance(45) { self.condition(&table.name, 2, timed) } else { None };
        let aggregate = self.aggregate(&table);
        let input = self.input(&table, aggregate, timed)?;
        let (ty, nullable, unit, inexact) = result(aggregate, input.as_ref(), self.project.nature(&table.name));
        let leaf = Leaf { aggregate, input, rows, dated, filter, over: None, at_last: None };
        Some(Expr { node: Node::Leaf(Box::new(leaf)), ty, nullable, unit, inexact })
    }

    fn aggregate(&mut self, table: &Table) -> Aggregate {
        let ordered = !table.key.is_empty() && table.time.is_some();
        let level = [0, 100, 250, 500, 900, 950, 990, 999, 1_000][self.rng.below(9)];
        if self.rng.chance(2) {
            return *self.rng.pick(&[
                Aggregate::ApproxDistinct,
                Aggregate::ApproxQuantile(500),
                Aggregate::ApproxQuantile(950),
            ]);
        }
        match self.rng.below(20) {
            0..=3 => Aggregate::Count,
            4..=6 => Aggregate::Distinct,
            7..=9 => Aggregate::Sum,
            10 => Aggregate::Avg,
            11 => Aggregate::Min,
            12 => Aggregate::Max,
            13 | 14 => Aggregate::Percentile(*self.rng.pick(&[500, 750, 900, 950, 990])),
            15 => Aggregate::Quantile(level),
            16 => Aggregate::QuantileDisc(level),
            17 => *self.rng.pick(&[Aggregate::Stddev, Aggregate::Variance]),
            _ if !ordered => Aggregate::Avg,
            18 => Aggregate::First,
            _ => Aggregate::Last,
        }
    }

    /// What is aggregated; none of some for a count of rows, none at all where the table has nothing fit.
    fn input(&mut self, table: &Table, aggregate: Aggregate, timed: bool) -> Option<Option<Expr>> {
        let numbers = [Ty::Int, Ty::Float, Ty::Decimal(18, 2), Ty::Decimal(18, 4), Ty::Decimal(38, 6)];
        let mut types = numbers.to_vec();
        match aggregate {
            Aggregate::Count if self.rng.chance(75) => return Some(None),
            Aggregate::Count | Aggregate::Distinct | Aggregate::ApproxDistinct => {
                let personal: Vec<Expr> = self.reachable(&table.name, 0);
                let personal: Vec<Expr> = personal
                    .into_iter()
                    .filter(|e| matches!(&e.node, Node::Column(path) if self.personal(&table.name, path)))
                    .collect();
                if let Some(phone) = self.rng.maybe(&personal).cloned().filter(|_| self.rng.chance(40)) {
                    return Some(Some(phone));
                }
                if self.rng.chance(50) {
                    let column = self.some_column(&table.name, |ty| *ty != Ty::Map)?;
                    return (!column.inexact).then_some(Some(column));
                }
                types.extend([Ty::Str, Ty::Date, Ty::Timestamp, Ty::Bool]);
            }
            Aggregate::Stddev | Aggregate::Variance => {}
            Aggregate::Min | Aggregate::Max | Aggregate::First | Aggregate::Last => {
                types.extend([Ty::Duration, Ty::Timestamp, Ty::Date, Ty::Str]);
            }
            _ => types.push(Ty::Duration),
        }
        let ty = types.remove(self.rng.below(types.len()));
        let exact = matches!(aggregate, Aggregate::Count | Aggregate::Distinct | Aggregate::QuantileDisc(_));
        // Deviations of inexact floats and sums that cancel are beyond any tolerance.
        let depth =
            if aggregate == Aggregate::Stddev || aggregate == Aggregate::Variance { 0 } else { self.rng.below(3) };
        let expr = self.row_expr(&table.name, &ty, depth, timed)?;
        (!(exact && expr.inexact)).then_some(Some(expr))
    }

    /// A formula over the metrics there are.
    fn formula(&mut self) -> Option<Expr> {
        let one = self.reference()?;
        let form = if self.estimates_quantile(&one) { self.rng.below(2) * 5 } else { self.rng.below(12) };
        match form {
            0 => Some(one),
            1..=3 => {
                let other = self.reference()?;
                self.ratio(one, other)
            }
            4 => self.sum(one),
            5 => self.where_dimension(one),
            6 => {
                let part = self.where_dimension(one.clone())?;
                self.ratio(part, one)
            }
            7 => {
                let zero = self.zero(&one)?;
                let (ty, unit) = (one.ty.clone(), one.unit.clone());
                let op = if self.rng.chance(50) { Op::Coalesce } else { Op::CoalesceCall };
                Some(call(op, vec![one, zero], ty).nullable(false).of_unit(unit))
            }
            8 => self.branch(one),
            9 => {
                let zero = self.zero(&one)?;
                let (ty, unit) = (one.ty.clone(), one.unit.clone());
                let op = if self.rng.chance(50) { Op::Least } else { Op::Greatest };
                Some(call(op, vec![one, zero], ty).nullable(false).of_unit(unit))
            }
            10 => {
                if !(one.ty.is_number() || one.ty == Ty::Duration) {
                    return None;
                }
                let (ty, unit) = (one.ty.clone(), one.unit.clone());
                let op = if self.rng.chance(50) { Op::Abs } else { Op::Negate };
                Some(call(op, vec![one], ty).of_unit(unit))
            }
            _ => {
                let other = self.reference()?;
                let ratio = self.ratio(one, other)?;
                let unit = ratio.unit.clone();
                let hundred = literal(Value::Float(100.0), &Ty::Float, &Unit::new());
                Some(call(Op::Multiply, vec![hundred, ratio], Ty::Float).of_unit(unit))
            }
        }
    }

    /// Whether a formula holds an estimated quantile: how wrong an expression of it may be is hard to say.
    fn estimates_quantile(&self, formula: &Expr) -> bool {
        formula.any(&mut |e| match &e.node {
            Node::Leaf(leaf) => matches!(leaf.aggregate, Aggregate::ApproxQuantile(_)),
            Node::Metric(name) => self.project.metric(name).is_some_and(|m| self.estimates_quantile(&m.formula)),
            _ => false,
        })
    }

    /// A metric by its name, or written out.
    pub fn reference(&mut self) -> Option<Expr> {
        if self.rng.chance(20) {
            return self.leaf();
        }
        // A metric with steps of its own would have to agree with the others'.
        let metrics: Vec<Metric> = self.project.metrics.iter().filter(|m| m.grain.is_none()).cloned().collect();
        let metric = self.rng.maybe(&metrics)?;
        Some(Expr { node: Node::Metric(metric.name.clone()), ..metric.formula.clone() })
    }

    /// Whether two formulas are both over time, or both not.
    fn agree(&self, a: &Expr, b: &Expr) -> bool {
        self.project.timed(a) == self.project.timed(b)
    }

    pub fn ratio(&mut self, a: Expr, b: Expr) -> Option<Expr> {
        let fine = |e: &Expr| e.ty.is_number() || e.ty == Ty::Duration;
        // Durations divide one another only.
        if a == b || !fine(&a) || !fine(&b) || !self.agree(&a, &b) || (a.ty == Ty::Duration) != (b.ty == Ty::Duration) {
            return None;
        }
        if self.estimates_quantile(&a) || self.estimates_quantile(&b) {
            return None;
        }
        let unit = quotient(&a.unit, &b.unit);
        let inexact = matches!((&a.ty, &b.ty), (Ty::Decimal(..), _) | (_, Ty::Decimal(..)));
        Some(call(Op::Divide, vec![a, b], Ty::Float).nullable(true).of_unit(unit).inexact(inexact))
    }

    /// A sum or difference of two metrics of one kind.
    fn sum(&mut self, one: Expr) -> Option<Expr> {
        if !(matches!(one.ty, Ty::Int | Ty::Decimal(..) | Ty::Duration) || one.ty == Ty::Float && !one.inexact) {
            return None;
        }
        let candidates: Vec<Metric> = (self.project.metrics.iter())
            .filter(|m| m.grain.is_none() && m.formula.ty == one.ty && m.formula.unit == one.unit && !m.formula.inexact)
            .cloned()
            .collect();
        let other = self.rng.maybe(&candidates)?;
        let other = Expr { node: Node::Metric(other.name.clone()), ..other.formula.clone() };
        if !self.agree(&one, &other) {
            return None;
        }
        let (ty, unit) = (one.ty.clone(), one.unit.clone());
        let op = if self.rng.chance(60) { Op::Add } else { Op::Subtract };
        Some(call(op, vec![one, other], ty).of_unit(unit))
    }

    /// `m where platform = "ios"`
    pub fn where_dimension(&mut self, one: Expr) -> Option<Expr> {
        let common: Vec<Dimension> = self.project.common_dimensions(&one).into_iter().cloned().collect();
        let filter = self.dimension_filter(&common)?;
        let (ty, nullable, unit, inexact) = (one.ty.clone(), one.nullable, one.unit.clone(), one.inexact);
        Some(Expr { node: Node::Where(Box::new(one), Box::new(filter)), ty, nullable, unit, inexact })
    }

    /// Comparisons of dimensions with literals.
    pub fn dimension_filter(&mut self, dimensions: &[Dimension]) -> Option<Expr> {
        let one = self.dimension_test(dimensions)?;
        if !self.rng.chance(25) {
            return Some(one);
        }
        let two = self.dimension_test(dimensions)?;
        let op = if self.rng.chance(50) { Op::And } else { Op::Or };
        (one != two).then(|| call(op, vec![one, two], Ty::Bool))
    }

    fn dimension_test(&mut self, dimensions: &[Dimension]) -> Option<Expr> {
        let dimension = self.rng.maybe(dimensions)?.clone();
        let nullable = dimension.otherwise == Otherwise::Null;
        let unit = Unit::new();
        let node = Node::Dimension(dimension.name.clone());
        let subject = Expr { node, ty: dimension.ty.clone(), nullable, unit, inexact: false };
        if nullable && self.rng.chance(30) {
            let op = if self.rng.chance(50) { Op::IsNull } else { Op::IsNotNull };
            return Some(call(op, vec![subject], Ty::Bool).nullable(false));
        }
        let mut values: Vec<Expr> = Vec::new();
        for _ in 0..2 {
            let value = self.dimension_value(&dimension);
            if !values.contains(&value) {
                values.push(value);
            }
        }
        let ops: &[Op] = match dimension.ty {
            Ty::Enum(_) | Ty::Bool | Ty::Entity(_) => &[Op::Equal, Op::NotEqual, Op::In, Op::NotIn],
            _ => &[Op::Equal, Op::NotEqual, Op::Less, Op::GreaterEqual, Op::In, Op::NotIn, Op::Between],
        };
        let op = self.rng.pick(ops).clone();
        match op {
            Op::In | Op::NotIn => {}
            Op::Between if values.len() == 2 => values.sort_by(|a, b| match (&a.node, &b.node) {
                (Node::Literal(a), Node::Literal(b)) => super::super::oracle::eval::compare(a, b),
                _ => std::cmp::Ordering::Equal,
            }),
            Op::Between => return None,
            _ => values.truncate(1),
        }
        Some(call(op, std::iter::once(subject).chain(values).collect(), Ty::Bool))
    }

    fn dimension_value(&mut self, dimension: &Dimension) -> Expr {
        let like = match dimension.bindings.first() {
            Some(Binding::Path(table, expr) | Binding::Attribute(table, expr) | Binding::On(table, expr)) => {
                Some((table.clone(), expr.clone()))
            }
            _ => None,
        };
        let mut value = match (&dimension.otherwise, like) {
            (Otherwise::Value(value), _) if self.rng.chance(30) => literal(value.clone(), &dimension.ty, &Unit::new()),
            (_, Some((table, expr))) => self.literal_like(&table, &expr),
            _ => literal(self.some_value(&dimension.ty), &dimension.ty, &Unit::new()),
        };
        value.unit = Unit::new();
        value
    }

    /// The zero of a metric's type.
    fn zero(&mut self, like: &Expr) -> Option<Expr> {
        let value = match &like.ty {
            Ty::Int => Value::Int(self.rng.between(0, 2)),
            Ty::Float => Value::Float(self.rng.between(0, 2) as f64),
            Ty::Decimal(_, _) => Value::Decimal(i128::from(self.rng.between(0, 2)), 0),
            Ty::Duration => Value::Duration(1_000),
            _ => return None,
        };
        Some(literal(value, &like.ty, &like.unit))
    }

    /// `if(a > 3, a, b)`, or the same as a `case`.
    fn branch(&mut self, one: Expr) -> Option<Expr> {
        if one.inexact || !(matches!(one.ty, Ty::Int | Ty::Decimal(..))) {
            return None;
        }
        let limit = self.zero(&one)?;
        let condition = call(Op::Greater, vec![one.clone(), limit], Ty::Bool);
        let other = self.zero(&one)?;
        let (ty, unit) = (one.ty.clone(), one.unit.clone());
        Some(match self.rng.below(3) {
            0 => call(Op::If, vec![condition, one, other], ty).of_unit(unit),
            1 => {
                let nullable = one.nullable;
                let node = Node::Case(vec![(condition, one)], Some(Box::new(other)));
                Expr { node, ty, nullable, unit, inexact: false }
            }
            _ => {
                let node = Node::Case(vec![(condition, one)], None);
                Expr { node, ty, nullable: true, unit, inexact: false }
            }
        })
    }
}

/// `count(rows)`
fn count(rows: &str) -> Expr {
    let leaf = Leaf {
        aggregate: Aggregate::Count,
        input: None,
        rows: rows.into(),
        dated: None,
        filter: None,
        over: None,
        at_last: None,
    };
    let (ty, nullable, unit, inexact) = result(Aggregate::Count, None, rows);
    Expr { node: Node::Leaf(Box::new(leaf)), ty, nullable, unit, inexact }
}

/// Type, nullability, unit and inexactness of an aggregate.
pub fn result(aggregate: Aggregate, input: Option<&Expr>, table: &str) -> (Ty, bool, Unit, bool) {
    let named = |name: &str| Unit::from([(name.to_owned(), 1)]);
    let ty = input.map_or(Ty::Int, |input| input.ty.clone());
    let unit = input.map(|input| input.unit.clone()).unwrap_or_default();
    match aggregate {
        Aggregate::Count => (Ty::Int, false, named(table), false),
        Aggregate::Distinct | Aggregate::ApproxDistinct => {
            let unit = match &ty {
                Ty::Entity(entity) => named(entity),
                _ => named(table),
            };
            (Ty::Int, false, unit, aggregate == Aggregate::ApproxDistinct)
        }
        Aggregate::Sum => match ty {
            Ty::Int => (Ty::Decimal(38, 0), false, unit, false),
            Ty::Decimal(_, scale) => (Ty::Decimal(38, scale), false, unit, false),
            ty => (ty, false, unit, input.is_some_and(|input| input.inexact)),
        },
        Aggregate::Min | Aggregate::Max | Aggregate::First | Aggregate::Last | Aggregate::QuantileDisc(_) => {
            (ty, true, unit, input.is_some_and(|input| input.inexact))
        }
        Aggregate::Avg | Aggregate::Percentile(_) | Aggregate::Quantile(_) | Aggregate::ApproxQuantile(_) => {
            let ty = if ty == Ty::Duration { ty } else { Ty::Float };
            (ty, true, unit, true)
        }
        Aggregate::Stddev => (Ty::Float, true, unit, true),
        Aggregate::Variance => {
            let unit = unit.into_iter().map(|(name, exponent)| (name, exponent * 2)).collect();
            (Ty::Float, true, unit, true)
        }
    }
}
