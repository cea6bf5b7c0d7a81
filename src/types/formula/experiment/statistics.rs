//! What is told of the units of an experiment, as formulas.
//!
//! Sources: Deng, Xu, Kohavi, Walker: Improving the Sensitivity of Online Controlled Experiments by Utilizing Pre-Experiment Data
//! (WSDM 2013), for CUPED; Deng, Knoblich, Lu: Applying the Delta Method in Metric Analytics (KDD 2018), for quotients and relative
//! differences; Johari, Koomen, Pekelis, Walsh: Peeking at A/B Tests (KDD 2017), for the sequential method.

use statrs::distribution::{ContinuousCDF, Normal};

use super::*;

/// Variances below this share of what they are the difference of are rounding.
const ROUNDING: f64 = 1e-12;

/// The units of an experiment, of which something is told.
pub(super) struct Statistics<'e> {
    of: &'e Experiment,
    table: TableId,
    variants: DimensionId,
    control: Value,
    crossed: RowExpr,
    span: Span,
}

/// Numbers of each unit: of the metric after the exposure, and before it.
struct Numbers<'m> {
    after: (&'m RowExpr, Option<&'m RowExpr>),
    before: Option<(&'m RowExpr, Option<&'m RowExpr>)>,
}

/// An estimate with the variance of its error.
#[derive(Clone)]
struct Estimate {
    value: Formula,
    error: Formula,
}

fn float() -> ValueType {
    ValueType { nullable: true, ..ValueType::plain(Type::Float) }
}

impl<'e> Statistics<'e> {
    pub fn new(of: &'e Experiment, table: TableId, tables: &[crate::types::Table], span: Span) -> Option<Self> {
        let kind = RowExprKind::Column(vec![ColumnId { table, column: column::CROSSED }]);
        let crossed = RowExpr { kind, ty: tables[table.0].columns[column::CROSSED].ty.clone(), span };
        Some(Statistics { of, table, variants: of.variants?, control: of.control_value.clone()?, crossed, span })
    }

    /// A column of a metric, and its unit.
    pub fn column(&self, name: &str, measured: &Measured) -> (Formula, Unit) {
        let numbers = Numbers {
            after: (&measured.after.of, measured.after.by.as_ref()),
            before: measured.before.as_ref().map(|before| (&before.of, before.by.as_ref())),
        };
        let of_mean = || measured.unit.clone().unwrap_or_default();
        match name {
            "mean" => (self.mean(numbers.after), of_mean()),
            "variance" => (self.spread(numbers.after), Unit::none()),
            "adjusted" => (self.estimate(&numbers).value, of_mean()),
            _ => {
                let unit = if self.of.relative && !matches!(name, "p_value" | "probability") {
                    Unit::none()
                } else {
                    of_mean()
                };
                let unit = if matches!(name, "p_value" | "probability") { Unit::none() } else { unit };
                let difference = self.difference(&numbers);
                (self.but_control(self.judged(name, difference, measured.better)), unit)
            }
        }
    }

    /// The number of units: of those that count, or of those that were exposed to several variants.
    pub fn count(&self, crossed: bool) -> Formula {
        let leaf = Leaf { aggregation: Aggregation::Count, input: None, rows: self.rows(crossed), at_last: None };
        Formula { kind: FormulaKind::Leaf(Box::new(leaf)), ty: ValueType::plain(Type::Int), span: self.span }
    }

    /// The probability of shares at least as far from what they should be, if units fell into variants as they should: a χ² test.
    pub fn sample_ratio(&self) -> Formula {
        let n = || self.units();
        let (statistic, freedom) = match self.of.split.is_empty() {
            // Σ (n - N/k)² / (N/k) = k/N Σ n² - N
            true => {
                let key = || vec![NestedKey::Dimension(self.variants)];
                let square = self.nested(Aggregation::Sum, self.square(n()), key());
                let count = Nested {
                    aggregation: Aggregation::Count,
                    counts_groups: true,
                    formula: n(),
                    keys: key(),
                    filter: None,
                };
                let ty = ValueType::plain(Type::Int);
                let count = Formula { kind: FormulaKind::Nested(Box::new(count)), ty, span: self.span };
                let variants = self.as_float(count);
                let found = self.times(self.over(variants.clone(), n()), square);
                (self.minus(found, n()), self.minus(variants, self.number(1.0)))
            }
            // Σ (n - N s)² / (N s) = Σ n² / s / N - N
            false => {
                let of = |value: &Value| self.only(n(), value);
                let all = || self.sum(self.of.split.iter().map(|(value, _)| of(value)));
                let squares =
                    self.of.split.iter().map(|(value, share)| self.over(self.square(of(value)), self.number(*share)));
                let found = self.over(self.sum(squares), all());
                (self.minus(found, all()), self.number(self.of.split.len() as f64 - 1.0))
            }
        };
        // What is equal up to rounding is equal.
        let statistic = self.unless_below(statistic, self.number(0.0));
        let tail = self.of_all(self.call(Function::ChiSquaredTail, vec![statistic, freedom]));
        // What is looked up alone has no rows: those of the units stand beside it.
        let zero = self.number(0.0);
        self.case_or_null(self.compare(Function::GreaterEqual, n(), zero), tail)
    }

    /// The mean of a group, as well as it is known, with the variance of its error.
    fn estimate(&self, numbers: &Numbers<'_>) -> Estimate {
        if self.of.strata.is_empty() {
            return self.adjusted(numbers);
        }
        // The mean of each stratum counts as often as the stratum has units of all variants.
        let strata = || self.of.strata.iter().map(|id| NestedKey::Dimension(*id)).collect::<Vec<_>>();
        let weight = || self.of_all(self.units());
        let of_stratum = self.adjusted(numbers);
        let total = |formula: Formula| self.nested(Aggregation::Sum, formula, strata());
        let value = total(self.times(weight(), of_stratum.value));
        let error = total(self.times(self.square(weight()), of_stratum.error.clone()));
        // A stratum that tells nothing of the variant leaves a hole.
        let known = self.call(Function::IsNotNull, vec![of_stratum.error]);
        let known = Formula { ty: ValueType::plain(Type::Bool), ..known };
        let covered = total(self.case(known, weight(), self.number(0.0)));
        let all = || self.of_all(self.units());
        let whole = self.compare(Function::GreaterEqual, covered, all());
        let only_whole = |formula: Formula| self.case_or_null(whole.clone(), formula);
        Estimate { value: only_whole(self.over(value, all())), error: only_whole(self.over(error, self.square(all()))) }
    }

    /// The mean of a group and the variance of its error, less what the numbers before the exposure foretold.
    fn adjusted(&self, numbers: &Numbers<'_>) -> Estimate {
        let (mean, spread) = (self.mean(numbers.after), self.spread(numbers.after));
        let Some(before) = numbers.before else {
            return Estimate { value: mean, error: self.over(spread, self.units()) };
        };
        let (mean_before, spread_before) = (self.mean(before), self.spread(before));
        let common = self.common(numbers.after, before);
        // One slope for all variants: where nothing varied before, nothing is foretold.
        let slope = self.of_all(self.over(common.clone(), spread_before.clone()));
        let slope = self.or_zero(slope);
        let foretold = self.minus(mean_before.clone(), self.of_all(mean_before));
        let value = self.minus(mean, self.or_zero(self.times(slope.clone(), foretold)));
        // θ² Vx - 2 θ C
        let twice = self.times(self.number(2.0), common);
        let less = self.times(slope.clone(), self.minus(self.times(slope, spread_before), twice));
        let left = self.plus(spread.clone(), self.or_zero(less));
        let rounding = self.times(self.number(ROUNDING), spread);
        Estimate { value, error: self.over(self.unless_below(left, rounding), self.units()) }
    }

    /// The mean of a number of each unit, or the quotient of the means of two.
    fn mean(&self, (of, by): (&RowExpr, Option<&RowExpr>)) -> Formula {
        let sum = self.leaf(Aggregation::Sum, of.clone());
        match by {
            None => self.over(sum, self.units()),
            Some(by) => self.over(sum, self.leaf(Aggregation::Sum, by.clone())),
        }
    }

    /// The variance of such a number; of a quotient R = y/d that of (y - R d) / d̄, by which R varies (the delta method).
    fn spread(&self, (of, by): (&RowExpr, Option<&RowExpr>)) -> Formula {
        let Some(by) = by else { return self.variance(of.clone()) };
        let quotient = || self.mean((of, Some(by)));
        // Vy + R (R Vd - 2 C)
        let twice = self.times(self.number(2.0), self.covariance(of, by));
        let inner = self.minus(self.times(quotient(), self.variance(by.clone())), twice);
        let sum = self.plus(self.variance(of.clone()), self.times(quotient(), inner));
        let rounding = self.times(self.number(ROUNDING), self.variance(of.clone()));
        self.over(self.unless_below(sum, rounding), self.square(self.mean((by, None))))
    }

    /// The covariance of two such numbers.
    fn common(&self, a: (&RowExpr, Option<&RowExpr>), b: (&RowExpr, Option<&RowExpr>)) -> Formula {
        // Each is y - R d, of which the parts are taken apart.
        let less = |found: Formula, (of, by): (&RowExpr, Option<&RowExpr>), rest: &dyn Fn(&RowExpr) -> Formula| match by
        {
            None => found,
            Some(by) => self.minus(found, self.times(self.mean((of, Some(by))), rest(by))),
        };
        let with = |x: &RowExpr| less(self.covariance(x, b.0), b, &|by| self.covariance(x, by));
        let found = less(with(a.0), a, &with);
        let scales = [a.1, b.1].into_iter().flatten().map(|by| self.mean((by, None)));
        scales.fold(found, |found, scale| self.over(found, scale))
    }

    /// How far a variant lies from the control, with the variance of that.
    fn difference(&self, numbers: &Numbers<'_>) -> Estimate {
        let own = self.estimate(numbers);
        let control = Estimate { value: self.of_control(own.value.clone()), error: self.of_control(own.error.clone()) };
        let distance = self.minus(own.value.clone(), control.value.clone());
        if !self.of.relative {
            return Estimate { value: distance, error: self.plus(own.error, control.error) };
        }
        // (v + (m/c)² v') / c², by the delta method.
        let ratio = self.over(own.value, control.value.clone());
        let error = self.plus(own.error, self.times(self.square(ratio), control.error));
        Estimate {
            value: self.over(distance, control.value.clone()),
            error: self.over(error, self.square(control.value)),
        }
    }

    /// What a difference tells.
    fn judged(&self, name: &str, of: Estimate, better: Option<Better>) -> Formula {
        if name == "difference" {
            return of.value;
        }
        match self.of.method {
            Method::Frequentist => self.frequentist(name, of, better),
            Method::Sequential => self.sequential(name, of),
            Method::Bayesian => self.bayesian(name, of, better),
        }
    }

    fn frequentist(&self, name: &str, of: Estimate, better: Option<Better>) -> Formula {
        let down = better == Some(Better::Down);
        let deviation = self.root(of.error);
        let half = |tail: f64| self.times(self.number(quantile(1.0 - tail)), deviation.clone());
        match (name, self.of.two_sided) {
            ("p_value", true) => {
                let z = self.call(Function::Abs, vec![self.over(of.value, deviation)]);
                self.times(self.number(2.0), self.beyond(z))
            }
            ("p_value", false) => {
                let z = self.over(of.value, deviation);
                self.beyond(if down { self.call(Function::Negate, vec![z]) } else { z })
            }
            ("lower", true) => self.minus(of.value, half(self.of.alpha / 2.0)),
            ("upper", true) => self.plus(of.value, half(self.of.alpha / 2.0)),
            // One side is open.
            ("lower", false) if !down => self.minus(of.value, half(self.of.alpha)),
            ("upper", false) if down => self.plus(of.value, half(self.of.alpha)),
            _ => self.unknown(),
        }
    }

    /// The mixture sequential probability ratio test: differences of a normal distribution around 0 against none.
    fn sequential(&self, name: &str, of: Estimate) -> Formula {
        let deviation = self.of.prior.map_or(1.0, |prior| prior.deviation);
        let expected = || self.number(deviation * deviation);
        let v = || of.error.clone();
        let both = || self.plus(v(), expected());
        match name {
            "p_value" => {
                // 1 / Λ = √((v + τ²) / v) exp(-τ² δ² / 2v(v + τ²)), at most 1
                let twice = self.times(self.times(self.number(2.0), v()), both());
                let weight = self.over(self.times(expected(), self.square(of.value)), twice);
                let half = self.times(self.number(0.5), self.call(Function::Ln, vec![self.over(both(), v())]));
                let exponent = self.unless_below(self.minus(weight, half), self.number(0.0));
                self.call(Function::Exp, vec![self.call(Function::Negate, vec![exponent])])
            }
            _ => {
                let logarithm = self.call(Function::Ln, vec![self.over(both(), v())]);
                let sum = self.plus(self.number(-2.0 * self.of.alpha.ln()), logarithm);
                let half = self.root(self.times(self.over(self.times(v(), both()), expected()), sum));
                if name == "lower" { self.minus(of.value, half) } else { self.plus(of.value, half) }
            }
        }
    }

    /// What is thought of the difference once both the prior and the data are known: a normal distribution.
    fn bayesian(&self, name: &str, of: Estimate, better: Option<Better>) -> Formula {
        let Estimate { value, error } = match self.of.prior {
            None => of,
            Some(Prior { mean, deviation }) => {
                let own = || self.number(deviation * deviation);
                let both = || self.plus(of.error.clone(), own());
                let sum =
                    self.plus(self.times(self.number(mean), of.error.clone()), self.times(of.value.clone(), own()));
                Estimate {
                    value: self.over(sum, both()),
                    error: self.over(self.times(of.error.clone(), own()), both()),
                }
            }
        };
        let deviation = self.root(error);
        let half = || self.times(self.number(quantile(1.0 - self.of.alpha / 2.0)), deviation.clone());
        match name {
            "expected" => value,
            "lower" => self.minus(value, half()),
            "upper" => self.plus(value, half()),
            _ => {
                let z = self.over(value, deviation.clone());
                let up = better != Some(Better::Down);
                self.beyond(if up { self.call(Function::Negate, vec![z]) } else { z })
            }
        }
    }

    /// Null where the row is that of the control, which is not compared with itself.
    fn but_control(&self, formula: Formula) -> Formula {
        let own = self.only(self.count(false), &self.control);
        let zero =
            Formula { kind: FormulaKind::Literal(Value::Int(0)), ty: ValueType::plain(Type::Int), span: self.span };
        let is_other = self.compare(Function::Equal, own, zero);
        self.case_or_null(is_other, formula)
    }

    /// The same of the control.
    fn of_control(&self, formula: Formula) -> Formula {
        self.of_all(self.only(formula, &self.control))
    }

    /// The same of all variants together.
    fn of_all(&self, formula: Formula) -> Formula {
        let ty = ValueType { nullable: true, ..formula.ty.clone() };
        let kind = FormulaKind::Across { operand: Box::new(formula), dimensions: vec![self.variants] };
        Formula { kind, ty, span: self.span }
    }

    /// The same of the units of a variant.
    fn only(&self, formula: Formula, variant: &Value) -> Formula {
        let filter = DimFilter::Test {
            subject: Subject::Dimension(self.variants),
            function: Function::Equal,
            literals: vec![variant.clone()],
            span: self.span,
        };
        let ty = formula.ty.clone();
        Formula { kind: FormulaKind::Where { operand: Box::new(formula), filter }, ty, span: self.span }
    }

    /// The number of units, as a float.
    fn units(&self) -> Formula {
        self.as_float(self.count(false))
    }

    fn variance(&self, of: RowExpr) -> Formula {
        self.leaf(Aggregation::Variance, of)
    }

    /// From the variances of both and of their sum.
    fn covariance(&self, a: &RowExpr, b: &RowExpr) -> Formula {
        let kind = RowExprKind::Call(Function::Add, vec![a.clone(), b.clone()]);
        let sum = self.variance(RowExpr { kind, ty: ValueType::plain(Type::Float), span: self.span });
        let rest = self.minus(self.minus(sum, self.variance(a.clone())), self.variance(b.clone()));
        self.times(self.number(0.5), rest)
    }

    fn rows(&self, crossed: bool) -> RowSet {
        let filter = match crossed {
            true => self.crossed.clone(),
            false => {
                let kind = RowExprKind::Call(Function::Not, vec![self.crossed.clone()]);
                RowExpr { kind, ty: self.crossed.ty.clone(), span: self.span }
            }
        };
        RowSet { base: self.table, filters: vec![filter], dated: None }
    }

    fn leaf(&self, aggregation: Aggregation, input: RowExpr) -> Formula {
        let leaf = Leaf { aggregation, input: Some(input), rows: self.rows(false), at_last: None };
        Formula { kind: FormulaKind::Leaf(Box::new(leaf)), ty: float(), span: self.span }
    }

    fn nested(&self, aggregation: Aggregation, formula: Formula, keys: Vec<NestedKey>) -> Formula {
        let nested = Nested { aggregation, counts_groups: false, formula, keys, filter: None };
        Formula { kind: FormulaKind::Nested(Box::new(nested)), ty: float(), span: self.span }
    }

    fn call(&self, function: Function, arguments: Vec<Formula>) -> Formula {
        Formula { kind: FormulaKind::Call(function, arguments), ty: float(), span: self.span }
    }

    fn compare(&self, function: Function, a: Formula, b: Formula) -> Formula {
        let ty = ValueType { nullable: true, ..ValueType::plain(Type::Bool) };
        Formula { ty, ..self.call(function, vec![a, b]) }
    }

    fn case(&self, condition: Formula, value: Formula, otherwise: Formula) -> Formula {
        let kind = FormulaKind::Case { branches: vec![(condition, value)], otherwise: Some(Box::new(otherwise)) };
        Formula { kind, ty: float(), span: self.span }
    }

    fn case_or_null(&self, condition: Formula, value: Formula) -> Formula {
        let kind = FormulaKind::Case { branches: vec![(condition, value)], otherwise: None };
        Formula { kind, ty: float(), span: self.span }
    }

    fn unknown(&self) -> Formula {
        self.number_of(Value::Null)
    }

    fn number(&self, number: f64) -> Formula {
        self.number_of(Value::Float(number))
    }

    fn number_of(&self, value: Value) -> Formula {
        let ty = ValueType { nullable: value == Value::Null, ..float() };
        Formula { kind: FormulaKind::Literal(value), ty, span: self.span }
    }

    fn as_float(&self, formula: Formula) -> Formula {
        self.call(Function::Cast, vec![formula])
    }

    fn plus(&self, a: Formula, b: Formula) -> Formula {
        self.call(Function::Add, vec![a, b])
    }

    fn minus(&self, a: Formula, b: Formula) -> Formula {
        self.call(Function::Subtract, vec![a, b])
    }

    fn times(&self, a: Formula, b: Formula) -> Formula {
        self.call(Function::Multiply, vec![a, b])
    }

    fn over(&self, a: Formula, b: Formula) -> Formula {
        self.call(Function::Divide, vec![a, b])
    }

    fn square(&self, of: Formula) -> Formula {
        self.call(Function::Power, vec![of, self.number(2.0)])
    }

    fn root(&self, of: Formula) -> Formula {
        self.call(Function::Sqrt, vec![of])
    }

    fn or_zero(&self, of: Formula) -> Formula {
        self.call(Function::Coalesce, vec![of, self.number(0.0)])
    }

    /// The number, 0 where it is not above a limit.
    fn unless_below(&self, of: Formula, limit: Formula) -> Formula {
        self.call(Function::Above, vec![of, limit])
    }

    fn sum(&self, mut of: impl Iterator<Item = Formula>) -> Formula {
        let first = of.next().unwrap_or_else(|| self.number(0.0));
        of.fold(first, |all, one| self.plus(all, one))
    }

    /// The probability that a normal number lies beyond z: erfc(z / √2) / 2.
    fn beyond(&self, z: Formula) -> Formula {
        let scaled = self.times(self.number(std::f64::consts::FRAC_1_SQRT_2), z);
        self.times(self.number(0.5), self.call(Function::Erfc, vec![scaled]))
    }
}

/// The number below which a normal one lies with this probability.
fn quantile(probability: f64) -> f64 {
    Normal::standard().inverse_cdf(probability)
}
