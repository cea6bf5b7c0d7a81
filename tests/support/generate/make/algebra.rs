//! Metrics whose values are of other intervals or groups than those of the output.

use super::super::model::*;
use super::Maker;
use super::exprs::{call, literal};
use super::metrics::result;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// A formula in place of another one, of the same type.
fn like(node: Node, operand: &Expr) -> Expr {
    Expr { node, nullable: true, ..operand.clone() }
}

impl Maker {
    /// Whether a form may be used.
    pub fn on(&self, construct: Construct) -> bool {
        self.constructs.contains(&construct)
    }

    /// Metrics of the forms that are switched on.
    pub fn algebra(&mut self) {
        for _ in 0..if self.constructs.is_empty() { 0 } else { 2 + self.rng.below(4) } {
            let made = (0..12).find_map(|_| self.one_of_algebra());
            let Some((formula, fill)) = made else { continue };
            let name = self.metric_name();
            let by: Vec<String> = self.project.common_dimensions(&formula).iter().map(|d| d.name.clone()).collect();
            let by = by.into_iter().take(self.rng.below(3)).collect();
            let grain = self.grain_of(&formula);
            self.project.metrics.push(Metric { name, formula, grain, by, fill });
        }
    }

    /// What speaks of the output bucket needs one whose buckets have what it speaks of.
    fn grain_of(&mut self, formula: &Expr) -> Option<Step> {
        if formula.is_of_buckets() {
            let steps = [Step::Subday(HOUR), Step::Day, Step::Week, Step::Month];
            let fits = |step: &Step| self.project.bears(formula, Some(*step), true);
            return steps.into_iter().find(fits);
        }
        let daily = self.project.bears(formula, Some(Step::Day), true) && self.rng.chance(15);
        daily.then_some(Step::Day)
    }

    fn one_of_algebra(&mut self) -> Option<(Expr, Fill)> {
        let constructs = self.constructs.clone();
        let construct = *self.rng.pick(&constructs);
        let (formula, fill) = match construct {
            Construct::FillNull => (self.filled()?, Fill::Null),
            Construct::FillZero => (self.filled()?, Fill::Zero),
            construct => (self.form(construct)?, Fill::None),
        };
        let formula = match self.rng.below(5) {
            0 => self.where_dimension(formula.clone()).unwrap_or(formula),
            _ => formula,
        };
        let allowed = formula.constructs().iter().all(|used| self.on(*used));
        let steps = [Some(Step::Subday(HOUR)), Some(Step::Day), Some(Step::Week), Some(Step::Month), Some(Step::Year)];
        let fiscal = [Fiscal::Week, Fiscal::Year].map(|step| Some(Step::Fiscal(step)));
        let steps = steps.into_iter().chain(fiscal);
        let mut steps = steps;
        let askable = steps.any(|step| self.project.bears(&formula, step, true));
        (allowed && askable && self.project.timed(&formula)).then_some((formula, fill))
    }

    fn filled(&mut self) -> Option<Expr> {
        let number = |one: &Expr| matches!(one.ty, Ty::Int | Ty::Float | Ty::Decimal(..) | Ty::Duration);
        self.operand(|_, one| number(one))
    }

    fn form(&mut self, construct: Construct) -> Option<Expr> {
        match construct {
            Construct::OverElapsed
            | Construct::OverDays
            | Construct::OverCalendar
            | Construct::OverToDate
            | Construct::OverAll => self.over(construct),
            Construct::AgoElapsed | Construct::AgoDays | Construct::AgoCalendar => self.ago(construct),
            Construct::Growth => self.growth(),
            Construct::Rate => self.rate(),
            Construct::AtStart => self.at_start(),
            Construct::AtLast | Construct::AtLastPer => self.stock(construct),
            Construct::Across => self.across(),
            Construct::NestedColumn | Construct::NestedDimension | Construct::NestedStep | Construct::NestedWhere => {
                self.nested(construct, 0)
            }
            Construct::NestedTwice => self.nested(construct, 1),
            Construct::MetricPer => self.looked_up(),
            Construct::BucketPart => self.in_some_buckets(),
            Construct::FillNull | Construct::FillZero => None,
            Construct::Calendar => self.of_calendar(),
            Construct::Having
            | Construct::Top
            | Construct::Other
            | Construct::Cut
            | Construct::AsOf
            | Construct::Partial
            | Construct::Marks => None,
        }
    }

    /// A metric with buckets of time, or an aggregate; whatever it is like.
    pub fn metric_over_time(&mut self) -> Option<Expr> {
        self.operand(|_, _| true)
    }

    /// A metric with buckets of time, or an aggregate.
    fn operand(&mut self, test: impl Fn(&Project, &Expr) -> bool) -> Option<Expr> {
        (0..4).find_map(|_| {
            let one = if self.rng.chance(40) { self.leaf() } else { self.reference() }?;
            let fine = self.project.timed(&one) && !self.project.estimates(&one) && test(&self.project, &one);
            fine.then_some(one)
        })
    }

    fn window(&mut self, construct: Construct) -> Window {
        let rng = &mut self.rng;
        let window = match construct {
            Construct::OverElapsed => {
                Window::Last(Length::Elapsed(*rng.pick(&[30 * MINUTE, 90 * MINUTE, HOUR, 6 * HOUR, 20 * HOUR])))
            }
            Construct::OverDays => Window::Last(Length::Days(*rng.pick(&[1, 2, 7, 14, 30, 90]))),
            Construct::OverCalendar => Window::Last(Length::Months(*rng.pick(&[1, 1, 2, 3, 12]))),
            Construct::OverToDate => {
                Window::ToDate(*rng.pick(&[Step::Day, Step::Week, Step::Month, Step::Month, Step::Quarter, Step::Year]))
            }
            _ => Window::All,
        };
        match window {
            Window::ToDate(step) => Window::ToDate(self.or_fiscal(step)),
            window => window,
        }
    }

    /// `m over 30d`, and `m / m over 30d`
    fn over(&mut self, construct: Construct) -> Option<Expr> {
        let mut one = self.operand(|project, one| !project.is_windowed(one))?;
        let window = self.window(construct);
        let days = matches!(window, Window::Last(Length::Days(_)));
        if days && self.on(Construct::AgoDays) && self.rng.chance(10) {
            one = like(Node::Moved(Box::new(one.clone()), Move::Ago(Length::Days(7))), &one);
        }
        let over = match &one.node {
            Node::Leaf(leaf) if self.rng.chance(60) => {
                let leaf = Leaf { over: Some(window), ..(**leaf).clone() };
                like(Node::Leaf(Box::new(leaf)), &one)
            }
            _ => like(Node::Moved(Box::new(one.clone()), Move::Over(window)), &one),
        };
        if self.rng.chance(40) {
            return self.ratio(one.clone(), over.clone()).or(Some(over));
        }
        Some(over)
    }

    fn length(&mut self, construct: Construct) -> Length {
        match construct {
            Construct::AgoElapsed => Length::Elapsed(*self.rng.pick(&[HOUR, 4 * HOUR, 12 * HOUR, 15 * MINUTE])),
            Construct::AgoDays => Length::Days(*self.rng.pick(&[1, 1, 2, 7, 7, 14, 364])),
            _ => Length::Months(*self.rng.pick(&[1, 1, 2, 3, 12, 12])),
        }
    }

    /// `m ago fiscal.week`, `growth(m, fiscal.week)`
    fn of_calendar(&mut self) -> Option<Expr> {
        let week = self.rng.chance(70);
        let length = Length::Fiscal(if week { Fiscal::Week } else { Fiscal::Year });
        let numbers = self.rng.chance(40);
        let one = self.operand(|_, one| !numbers || one.ty.is_number() || one.ty == Ty::Duration)?;
        if !numbers {
            return Some(like(Node::Moved(Box::new(one.clone()), Move::Ago(length)), &one));
        }
        let node = Node::Growth(Box::new(one), length);
        Some(Expr { node, ty: Ty::Float, nullable: true, unit: Unit::new(), inexact: true })
    }

    /// `m ago 1w`, and `m - m ago 1w`
    fn ago(&mut self, construct: Construct) -> Option<Expr> {
        let one = self.operand(|_, _| true)?;
        let by = Move::Ago(self.length(construct));
        let ago = like(Node::Moved(Box::new(one.clone()), by), &one);
        let exact = matches!(one.ty, Ty::Int | Ty::Decimal(..)) && !one.inexact;
        if exact && self.rng.chance(40) {
            let (ty, unit) = (one.ty.clone(), one.unit.clone());
            return Some(call(Op::Subtract, vec![one, ago], ty).of_unit(unit));
        }
        Some(ago)
    }

    /// One of the shifts that are switched on.
    fn some_length(&mut self) -> Option<Length> {
        let all = [Construct::AgoElapsed, Construct::AgoDays, Construct::AgoCalendar];
        let on: Vec<Construct> = all.into_iter().filter(|construct| self.on(*construct)).collect();
        let construct = *self.rng.maybe(&on)?;
        Some(self.length(construct))
    }

    fn growth(&mut self) -> Option<Expr> {
        let one = self.operand(|_, one| one.ty.is_number() || one.ty == Ty::Duration)?;
        let length = self.some_length()?;
        Some(Expr {
            node: Node::Growth(Box::new(one), length),
            ty: Ty::Float,
            nullable: true,
            unit: Unit::new(),
            inexact: true,
        })
    }

    fn rate(&mut self) -> Option<Expr> {
        let mut one = self.operand(|project, one| one.ty.is_number() && !project.is_moved(one))?;
        if self.rng.chance(40) {
            let all = [Construct::OverElapsed, Construct::OverDays, Construct::OverCalendar, Construct::OverToDate];
            let on: Vec<Construct> = all.into_iter().filter(|construct| self.on(*construct)).collect();
            if let Some(construct) = self.rng.maybe(&on).copied() {
                let window = self.window(construct);
                one = like(Node::Moved(Box::new(one.clone()), Move::Over(window)), &one);
            }
        }
        let lengths = [1_000, MINUTE, HOUR].map(Length::Elapsed).into_iter().chain([1, 7].map(Length::Days));
        let length = *self.rng.pick(&lengths.collect::<Vec<_>>());
        let unit = one.unit.clone();
        Some(Expr { node: Node::Rate(Box::new(one), length), ty: Ty::Float, nullable: true, unit, inexact: true })
    }

    /// `m over 30d at start of month`, `stock at start of month`
    fn at_start(&mut self) -> Option<Expr> {
        let windows = [Construct::OverDays, Construct::OverCalendar, Construct::OverToDate, Construct::OverAll];
        let on: Vec<Construct> = windows.into_iter().filter(|construct| self.on(*construct)).collect();
        let operand = if self.on(Construct::AtLast) && self.rng.chance(30) {
            self.stock_leaf(Construct::AtLast)?
        } else {
            let one = self.operand(|project, one| !project.is_moved(one))?;
            let construct = *self.rng.maybe(&on)?;
            let window = self.window(construct);
            like(Node::Moved(Box::new(one.clone()), Move::Over(window)), &one)
        };
        let step = *self.rng.pick(&[Step::Day, Step::Week, Step::Month, Step::Month, Step::Quarter, Step::Year]);
        let step = self.or_fiscal(step);
        Some(like(Node::Moved(Box::new(operand.clone()), Move::AtStart(step)), &operand))
    }

    fn stock(&mut self, construct: Construct) -> Option<Expr> {
        let one = self.stock_leaf(construct)?;
        let windows = [Construct::OverDays, Construct::OverAll];
        let on: Vec<Construct> = windows.into_iter().filter(|construct| self.on(*construct)).collect();
        match (&one.node, self.rng.maybe(&on).copied()) {
            (Node::Leaf(leaf), Some(construct)) if self.rng.chance(30) => {
                let window = Some(self.window(construct));
                let leaf = Leaf { over: window, ..(**leaf).clone() };
                Some(like(Node::Leaf(Box::new(leaf)), &one))
            }
            _ => Some(one),
        }
    }

    /// `sum(x from rows at last 1d per k)`
    fn stock_leaf(&mut self, construct: Construct) -> Option<Expr> {
        let one = self.leaf()?;
        let Node::Leaf(leaf) = &one.node else { return None };
        if !self.project.timed(&one) || self.project.estimates(&one) {
            return None;
        }
        let step = *self.rng.pick(&[Step::Day, Step::Day, Step::Week, Step::Month, Step::Subday(HOUR)]);
        let step = self.or_fiscal(step);
        let per = if construct == Construct::AtLastPer { self.columns_of(&[&leaf.rows])? } else { Vec::new() };
        let leaf = Leaf { at_last: Some(AtLast { step, per }), ..(**leaf).clone() };
        Some(Expr { node: Node::Leaf(Box::new(leaf)), ..one })
    }

    /// One or two columns that all of these row sets have, and that are no dimensions by name.
    fn columns_of(&mut self, rows: &[&str]) -> Option<Vec<String>> {
        let tables: Vec<&Table> = rows.iter().filter_map(|rows| self.project.base(rows)).collect();
        let same = |table: &&Table, column: &Column| {
            table.column(&column.name).is_some_and(|other| other.ty == column.ty && !other.pii)
        };
        let fit = |column: &&Column| {
            !matches!(column.ty, Ty::Map | Ty::Float)
                && self.project.dimension(&column.name).is_none()
                && tables.iter().all(|table| same(table, column))
        };
        let found: Vec<String> = tables.first()?.columns.iter().filter(fit).map(|column| column.name.clone()).collect();
        let one = self.rng.maybe(&found)?.clone();
        let other = self.rng.pick(&found).clone();
        Some(if self.rng.chance(20) && other != one { vec![one, other] } else { vec![one] })
    }

    /// `m / m across feature`
    fn across(&mut self) -> Option<Expr> {
        let one = self.operand(|_, one| one.ty.is_number() || one.ty == Ty::Duration)?;
        let mut names: Vec<String> =
            self.project.common_dimensions(&one).iter().map(|dimension| dimension.name.clone()).collect();
        self.rng.shuffle(&mut names);
        names.truncate(1 + usize::from(self.rng.chance(25)));
        if names.is_empty() {
            return None;
        }
        let whole = like(Node::Across(Box::new(one.clone()), names), &one);
        self.ratio(one, whole)
    }

    /// `count(event where (orders per user_id) > 1)`, also by way of a subset.
    fn looked_up(&mut self) -> Option<Expr> {
        let one = (0..4).find_map(|_| self.leaf().filter(|one| self.project.timed(one)))?;
        let Node::Leaf(leaf) = &one.node else { return None };
        let condition = self.test_of_group(&[leaf.rows.as_str()])?;
        if leaf.dated.is_none() && self.rng.chance(40) {
            let free = |name: &String| self.project.subset(name).is_none();
            let name = (1..).map(|n| format!("s{n}")).find(free).expect("numbers do not end");
            let subset = Subset { name: name.clone(), base: leaf.rows.clone(), filter: Some(condition), dated: None };
            self.project.subsets.push(subset);
            let leaf = Leaf { rows: name, ..(**leaf).clone() };
            return Some(Expr { node: Node::Leaf(Box::new(leaf)), ..one });
        }
        let filter = match &leaf.filter {
            Some(filter) => call(Op::And, vec![filter.clone(), condition], Ty::Bool),
            None => condition,
        };
        let leaf = Leaf { filter: Some(filter), ..(**leaf).clone() };
        Some(Expr { node: Node::Leaf(Box::new(leaf)), ..one })
    }

    /// `(orders per user_id) > 1`, for all of these row sets.
    pub fn test_of_group(&mut self, rows: &[&str]) -> Option<Expr> {
        let fit = |metric: &Metric| {
            let formula = &metric.formula;
            let exact = matches!(formula.ty, Ty::Int | Ty::Decimal(..)) && !formula.inexact;
            let daily = self.project.timed(formula) && self.project.bears(formula, Some(Step::Day), true);
            let total = self.project.bears(formula, None, true);
            exact && daily && total && !self.project.needs_a_start(formula) && !self.project.estimates(formula)
        };
        let metrics: Vec<Metric> = self.project.metrics.iter().filter(|metric| fit(metric)).cloned().collect();
        let (metric, key) = (0..4).find_map(|_| {
            let metric = self.rng.maybe(&metrics)?.clone();
            let key = self.group_key(&metric.formula, rows)?;
            Some((metric, key))
        })?;
        let node = Node::MetricPer(metric.name.clone(), key);
        let value = Expr { node, ..metric.formula.clone() }.nullable(true);
        self.test_of_value(value)
    }

    /// What tells groups apart that a formula and some row sets have in common.
    fn group_key(&mut self, formula: &Expr, rows: &[&str]) -> Option<NestedKey> {
        let bases = self.project.bases(formula);
        let all: Vec<&str> = bases.iter().map(String::as_str).chain(rows.iter().copied()).collect();
        let bound = |dimension: &&Dimension| {
            let tables = all.iter().filter_map(|rows| self.project.base(rows));
            tables.into_iter().all(|table| self.project.binding(dimension, table).is_some())
        };
        let dimensions: Vec<String> =
            self.project.dimensions.iter().filter(bound).map(|dimension| dimension.name.clone()).collect();
        match self.rng.maybe(&dimensions) {
            Some(name) if self.rng.chance(40) => Some(NestedKey::Dimension(name.clone())),
            _ => Some(self.column_keys(&all)?.remove(0)),
        }
    }

    /// A condition on a value of a metric.
    pub fn test_of_value(&mut self, value: Expr) -> Option<Expr> {
        let number = match value.ty {
            Ty::Int => Value::Int(self.rng.between(0, 4)),
            Ty::Float => Value::Float(self.rng.between(0, 40) as f64 / 4.0),
            Ty::Decimal(..) => Value::Decimal(i128::from(self.rng.between(-2, 50)), 0),
            Ty::Duration => Value::Duration(1_000),
            _ => return None,
        };
        let number = literal(number, &value.ty, &value.unit);
        if value.nullable && self.rng.chance(15) {
            let op = if self.rng.chance(40) { Op::IsNull } else { Op::IsNotNull };
            return Some(call(op, vec![value], Ty::Bool).nullable(false));
        }
        let op = self.rng.pick(&[Op::Greater, Op::GreaterEqual, Op::Less, Op::LessEqual, Op::NotEqual]).clone();
        Some(call(op, vec![value, number], Ty::Bool))
    }

    /// `avg(count(event) per user_id where value >= 3)`
    fn nested(&mut self, construct: Construct, deeper: usize) -> Option<Expr> {
        let (formula, first) = match deeper {
            0 => (self.inner(construct)?, construct),
            _ => {
                let kinds = [Construct::NestedColumn, Construct::NestedDimension, Construct::NestedStep];
                let on: Vec<Construct> = kinds.into_iter().filter(|construct| self.on(*construct)).collect();
                let (below, here) = (*self.rng.maybe(&on)?, *self.rng.maybe(&on)?);
                (self.nested(below, deeper - 1)?, here)
            }
        };
        let keys = self.keys(&formula, first)?;
        let aggregate = self.outer_aggregate(&formula, &keys)?;
        let comparable = !formula.inexact && matches!(formula.ty, Ty::Int | Ty::Decimal(..) | Ty::Duration);
        let wanted = construct == Construct::NestedWhere || self.on(Construct::NestedWhere) && self.rng.chance(25);
        let filter = if wanted && comparable {
            let value = Expr { node: Node::Inner, ..formula.clone() }.nullable(true);
            self.test_of_value(value)
        } else {
            None
        };
        let (ty, nullable, _, inexact) = result(aggregate, Some(&formula), "");
        let inexact = inexact || formula.inexact;
        let nested = Nested { aggregate, formula, keys, filter };
        Some(Expr { node: Node::Nested(Box::new(nested)), ty, nullable, unit: Unit::new(), inexact })
    }

    /// What is computed for each key.
    fn inner(&mut self, construct: Construct) -> Option<Expr> {
        let number = |one: &Expr| one.ty.is_number() || one.ty == Ty::Duration;
        let one = self.operand(|project, one| number(one) && !project.is_moved(one) && !project.interpolates(one))?;
        let windows = construct == Construct::NestedStep && self.on(Construct::OverDays) && !self.is_wild(&one);
        if windows && self.rng.chance(30) {
            let window = self.window(Construct::OverDays);
            return Some(like(Node::Moved(Box::new(one.clone()), Move::Over(window)), &one));
        }
        Some(one)
    }

    /// Whether values are so large that sums of overlapping windows may not hold them.
    fn is_wild(&self, formula: &Expr) -> bool {
        formula.any(&mut |part| match &part.node {
            Node::Metric(name) => self.project.metric(name).is_some_and(|metric| self.is_wild(&metric.formula)),
            _ => super::exprs::wild(part),
        })
    }

    fn keys(&mut self, formula: &Expr, construct: Construct) -> Option<Vec<NestedKey>> {
        let bases: Vec<String> = self.project.bases(formula).into_iter().collect();
        let bases: Vec<&str> = bases.iter().map(String::as_str).collect();
        let mut keys = match construct {
            Construct::NestedDimension => vec![NestedKey::Dimension(self.common_dimension(formula)?)],
            Construct::NestedStep => vec![NestedKey::Step(self.inner_step(formula)?)],
            _ => self.column_keys(&bases)?,
        };
        if self.rng.chance(20) && self.on(Construct::NestedDimension) {
            keys.extend(self.common_dimension(formula).map(NestedKey::Dimension));
        } else if self.rng.chance(20) && self.on(Construct::NestedStep) && construct != Construct::NestedStep {
            keys.extend(self.inner_step(formula).map(NestedKey::Step));
        }
        let twice = keys.iter().enumerate().any(|(n, key)| keys[..n].contains(key));
        (!twice).then_some(keys)
    }

    fn column_keys(&mut self, bases: &[&str]) -> Option<Vec<NestedKey>> {
        let entities: Vec<String> = (self.project.tables.iter().filter(|table| table.entity))
            .map(|table| table.name.clone())
            .filter(|entity| {
                let one = |name: &&str| {
                    let table = self.project.base(name);
                    table.is_some_and(|table| table.links_to(entity).len() == 1 && table.column(entity).is_none())
                };
                self.project.dimension(entity).is_none() && bases.iter().all(one)
            })
            .collect();
        match self.rng.maybe(&entities) {
            Some(entity) if self.rng.chance(40) => Some(vec![NestedKey::Entity(entity.clone())]),
            _ => Some(self.columns_of(bases)?.into_iter().map(NestedKey::Column).collect()),
        }
    }

    fn common_dimension(&mut self, formula: &Expr) -> Option<String> {
        let names: Vec<String> =
            self.project.common_dimensions(formula).iter().map(|dimension| dimension.name.clone()).collect();
        self.rng.maybe(&names).cloned()
    }

    /// A step for inner values; not so short that there are too many, where buckets without rows have values too.
    fn inner_step(&mut self, formula: &Expr) -> Option<Step> {
        let mut steps = vec![Step::Subday(HOUR), Step::Day, Step::Day, Step::Day, Step::Week, Step::Month];
        if !self.project.is_moved(formula) {
            steps.extend([1_000, MINUTE, 15 * MINUTE].map(Step::Subday));
        }
        if self.on(Construct::Calendar) {
            steps.push(Step::Fiscal(Fiscal::Week));
        }
        let steps: Vec<Step> =
            steps.into_iter().filter(|step| self.project.bears(formula, Some(*step), true)).collect();
        self.rng.maybe(&steps).copied()
    }

    fn outer_aggregate(&mut self, formula: &Expr, keys: &[NestedKey]) -> Option<Aggregate> {
        let mut all = vec![Aggregate::Min, Aggregate::Max, Aggregate::Percentile(500)];
        // Sums of numbers that are not exact may cancel to nothing.
        if !formula.inexact {
            all.extend([Aggregate::Avg, Aggregate::Avg, Aggregate::Sum, Aggregate::Percentile(900)]);
            if formula.ty != Ty::Float {
                all.push(Aggregate::Distinct);
            }
        }
        if !formula.nullable {
            all.extend([Aggregate::Count, Aggregate::Count]);
        }
        if formula.ty == Ty::Int {
            all.push(Aggregate::Stddev);
        }
        if let [NestedKey::Step(_)] = keys {
            all.extend([Aggregate::First, Aggregate::Last]);
        }
        let wild = self.is_wild(formula);
        all.retain(|aggregate| !(wild && matches!(aggregate, Aggregate::Stddev | Aggregate::Sum | Aggregate::Avg)));
        Some(*self.rng.pick(&all))
    }
}
