//! Formulas: every aggregate becomes a measure of a scan, once. Scans are shared by what reads the same rows in the same
//! intervals and groups them alike.

use crate::plan::{
    Asked, Expr, ExprKind, Function, Guard, Interval, Last, Measure, MeasureId, MetricOutput, Present, Query, Scan,
    Source, Start, Step,
};
use std::rc::Rc;

use crate::types::{
    Aggregation, ColumnId, DimFilter, DimensionId, Formula, FormulaKind, Leaf, MetricId, Model, Movement, Origin,
    RowExprKind, TableId,
};

use super::aggregate::aggregate;
use super::chosen::{Best, among_best};
use super::row::Rows;

/// What the answers of a question have in common.
pub struct Frame<'a> {
    pub model: &'a Model,
    pub step: Option<Step>,
    /// What rows are grouped by.
    pub by: Vec<Key<'a>>,
    /// On bucket borders, but for `exact`.
    pub from: Option<i64>,
    pub to: Option<i64>,
    /// Whether `from` and `to` may cut buckets.
    pub exact: bool,
    /// Parts of the question's condition, all of which must hold, on rows.
    pub filters: Vec<&'a DimFilter>,
    /// The others, on the bucket too.
    pub of_buckets: Vec<Rc<DimFilter>>,
    /// The groups that are asked for.
    pub asked: Option<Asked>,
    /// The groups that keep their keys, which stand before [`Key::Other`].
    pub best: Option<Rc<Best>>,
}

/// What rows are grouped by.
#[derive(Clone, Copy)]
pub enum Key<'a> {
    Dimension(DimensionId),
    /// The start of the bucket that a dimension's value lies in.
    Within(DimensionId, Step),
    /// The key of a nested aggregate, by table.
    Column(&'a [(TableId, crate::types::RowExpr)]),
    /// Whether it is one of all groups but the best: a group of theirs has no other key.
    Other,
}

/// Where a formula stands: what the constructs around it ask of its leaves.
#[derive(Clone, Default)]
pub struct Context {
    pub filters: Vec<Rc<DimFilter>>,
    pub interval: Interval,
    /// Dimensions that are left out.
    pub across: Vec<DimensionId>,
    pub looked_up: bool,
}

impl Context {
    fn filtered(&self, filter: &DimFilter) -> Context {
        let mut inner = self.clone();
        let mut parts = Vec::new();
        conjuncts(filter, &mut parts);
        inner.filters.extend(parts.into_iter().cloned().map(Rc::new));
        inner
    }

    fn moved(&self, by: Movement, own: Option<Step>) -> Context {
        let mut inner = self.clone();
        match by {
            Movement::Ago(length) => inner.interval.ago.push(length),
            Movement::Over(window) => inner.interval.window = Some(window),
            Movement::AtStartOf(step) => inner.interval.at_start_of = Some(step),
            // Without buckets it is not asked for.
            Movement::AtOwnStart => inner.interval.at_start_of = own,
            Movement::Only(_) | Movement::FirstDay => {}
        }
        inner
    }

    /// A filter outside that tests a dimension which is left out inside does not hold there.
    fn across(&self, dimensions: &[DimensionId]) -> Context {
        let mut inner = self.clone();
        inner.across.extend(dimensions);
        inner.looked_up = true;
        inner.filters.retain(|filter| !tests(filter, &inner.across));
        inner
    }
}

/// The parts of a condition, all of which must hold.
pub fn conjuncts<'a>(filter: &'a DimFilter, into: &mut Vec<&'a DimFilter>) {
    match filter {
        DimFilter::And(parts) => parts.iter().for_each(|part| conjuncts(part, into)),
        _ => into.push(filter),
    }
}

fn tests(filter: &DimFilter, dimensions: &[DimensionId]) -> bool {
    let mut found = false;
    filter.walk(&mut |dimension, _| found |= dimensions.contains(&dimension));
    found
}

/// The scans of a query in the making.
pub struct Scans<'a> {
    pub frame: Frame<'a>,
    open: Vec<Open<'a>>,
}

/// What scans are told apart by.
#[derive(Clone, PartialEq)]
struct Group {
    time: Option<ColumnId>,
    /// Whether rows without a time are left out in any case.
    timed: bool,
    interval: Interval,
    /// Whether each key is left out.
    left_out: Vec<bool>,
    looked_up: bool,
    from: Option<i64>,
    to: Option<i64>,
}

struct Open<'a> {
    base: Base,
    group: Group,
    rows: Rows<'a>,
    dimensions: Vec<Option<Expr>>,
    time: Option<Expr>,
    last: Option<Last>,
    filter: Option<Expr>,
    measures: Vec<Measure>,
    guard: Option<Guard>,
    /// The intervals that its values are made of, as formulas ask for them.
    intervals: Vec<OfRows>,
}

/// The interval of some rows: those of a scan itself, or those of scans below it, by their places.
pub type OfRows = (Vec<usize>, Interval);

#[derive(PartialEq)]
enum Base {
    Table(TableId),
    Query(Box<Query>),
}

impl<'a> Scans<'a> {
    pub fn new(frame: Frame<'a>) -> Scans<'a> {
        Scans { frame, open: Vec::new() }
    }

    /// The formula of a metric over measures, and the measures that give it rows.
    pub fn formula(&mut self, id: MetricId) -> (Expr, Vec<Present>) {
        let formula = &self.frame.model.metrics[id.0].formula;
        let context = Context { filters: self.frame.of_buckets.clone(), ..Context::default() };
        self.lower_formula(formula, &context)
    }

    /// The same of any formula, within a context.
    pub fn lower_formula(&mut self, formula: &'a Formula, context: &Context) -> (Expr, Vec<Present>) {
        let mut present = Vec::new();
        let expr = self.lower(formula, context, &mut present);
        present.sort_by_key(|one| one.measure);
        present.dedup();
        (expr, present)
    }

    fn lower(&mut self, formula: &'a Formula, context: &Context, present: &mut Vec<Present>) -> Expr {
        let model = self.frame.model;
        let ty = model.data_type(&formula.ty.ty);
        let nullable = formula.ty.nullable;
        let kind = match &formula.kind {
            FormulaKind::Leaf(leaf) => {
                return self.in_buckets(context, present, &mut |scans, context| scans.measure(leaf, context));
            }
            FormulaKind::Nested(nested) => {
                return self.in_buckets(context, present, &mut |scans, context| scans.nested(nested, context));
            }
            FormulaKind::Metric(id) => return self.lower(&model.metrics[id.0].formula, context, present),
            FormulaKind::Where { operand, filter } => return self.lower(operand, &context.filtered(filter), present),
            FormulaKind::Moved { operand, by } => {
                return self.lower(operand, &context.moved(*by, self.frame.step), present);
            }
            FormulaKind::Across { operand, dimensions } => {
                return self.lower(operand, &context.across(dimensions), present);
            }
            FormulaKind::Rate { operand, length } => {
                let interval = super::interval::of_formula(model, operand, &context.interval);
                let steps = self.steps(interval, *length);
                let value = self.lower(operand, context, present);
                ExprKind::Call(Function::Divide, vec![value, steps])
            }
            FormulaKind::Literal(value) => ExprKind::Literal(value.clone()),
            FormulaKind::Call(function, arguments) => ExprKind::Call(
                *function,
                arguments.iter().map(|argument| self.lower(argument, context, present)).collect(),
            ),
            FormulaKind::Case { branches, otherwise } => {
                let mut lowered = Vec::with_capacity(branches.len());
                for (condition, value) in branches {
                    lowered.push((self.lower(condition, context, present), self.lower(value, context, present)));
                }
                let otherwise = otherwise.as_ref().map(|value| Box::new(self.lower(value, context, present)));
                ExprKind::Case { branches: lowered, otherwise }
            }
        };
        let never_null = matches!(&kind, ExprKind::Call(Function::IsNull | Function::IsNotNull, _));
        let literal = matches!(&kind, ExprKind::Literal(_));
        Expr { kind, ty, nullable: if literal || never_null { nullable } else { true } }
    }

    /// A measure in a formula. It may be null where its source has not started.
    pub(super) fn of_measure(&self, measure: MeasureId, when: Option<Expr>, present: &mut Vec<Present>) -> Expr {
        if !self.open[measure.scan].group.looked_up {
            present.push(Present { measure, when });
        }
        Expr { kind: ExprKind::Measure(measure), ty: self.type_of(measure), nullable: true }
    }

    pub(super) fn type_of(&self, id: MeasureId) -> crate::plan::DataType {
        self.open[id.scan].measures[id.measure].ty.clone()
    }

    /// A measure like another one that no row satisfies.
    pub(super) fn without_rows(&mut self, id: MeasureId) -> MeasureId {
        let never = Expr::literal(crate::plan::Value::Bool(false), crate::plan::DataType::Bool);
        let measure = Measure { filter: Some(never), ..self.open[id.scan].measures[id.measure].clone() };
        self.add(id.scan, measure)
    }

    /// The measure of an aggregate; the same one for the same meaning.
    fn measure(&mut self, leaf: &'a Leaf, context: &Context) -> MeasureId {
        let base = leaf.rows.base;
        let own = self.frame.model.table(base).time.map(|column| ColumnId { table: base, column });
        let mut group = self.group(leaf.rows.dated.or(own), context);
        // Of rows as they came those without a time count too, where nothing asks for it.
        let ordered = matches!(leaf.aggregation, Aggregation::First | Aggregation::Last) || leaf.at_last.is_some();
        group.timed = !self.frame.model.table(base).may_lack_time() || leaf.rows.dated.is_some() || ordered;
        let scan = self.table_scan(base, &group, leaf, context);
        let alone = self.is_alone(leaf, scan);
        let open = &mut self.open[scan];
        let mut conditions = Vec::new();
        if leaf.at_last.is_none() {
            conditions = leaf_conditions(&mut open.rows, leaf, context);
        }
        let input = leaf.input.as_ref().map(|input| open.rows.lower(input));
        let measure = match alone {
            true => aggregate(Aggregation::Count, None, Expr::all(conditions)),
            false => aggregate(leaf.aggregation, input, Expr::all(conditions)),
        };
        MeasureId { scan, measure: place(&mut open.measures, measure) }
    }

    /// Whether every value that is counted once stands in one row alone, so that rows can be counted: where it is a key of a table of
    /// behaviour with what rows are grouped by. (Rows of a source may come twice to what reads them as they come.)
    fn is_alone(&self, leaf: &Leaf, scan: usize) -> bool {
        let table = self.frame.model.table(leaf.rows.base);
        let Some(RowExprKind::Column(path)) = leaf.input.as_ref().map(|input| &input.kind) else { return false };
        let ([own], Aggregation::Distinct, Origin::Made(_)) = (path.as_slice(), leaf.aggregation, &table.origin) else {
            return false;
        };
        let grouped = |place: usize| {
            let name = &table.columns[place].name.value;
            self.open[scan].dimensions.iter().flatten().any(
                |by| matches!(&by.kind, ExprKind::Column { input: crate::plan::Input::Base, name: by } if by == name),
            )
        };
        let known = !table.columns[own.column].ty.nullable && table.key.contains(&own.column);
        known && table.key.iter().all(|place| *place == own.column || grouped(*place))
    }

    fn group(&self, time: Option<ColumnId>, context: &Context) -> Group {
        let frame = &self.frame;
        let left_out = frame.by.iter().map(|key| key.is_left_out(&frame.by, &context.across));
        let (interval, from, to) = self.reach(&context.interval);
        Group { time, timed: true, interval, left_out: left_out.collect(), looked_up: context.looked_up, from, to }
    }

    /// The interval of a scan, and what it reads for the asked range.
    pub(super) fn reach(&self, interval: &Interval) -> (Interval, Option<i64>, Option<i64>) {
        let (frame, model) = (&self.frame, self.frame.model);
        let (zone, week_start) = (model.zone, model.week_start);
        let known = |at: i64| (at > i64::MIN / 8).then_some(at);
        // Where the buckets of a calendar lie only its days tell: all rows are read, and the buckets that are asked for are
        // taken from those.
        if frame.step.is_some_and(Step::is_declared) {
            return (interval.clone(), None, None);
        }
        if interval.is_bucket() {
            return (interval.clone(), frame.from, frame.to);
        }
        match frame.step {
            None => match frame.to {
                // Without buckets the interval is a range of instants.
                Some(to) => {
                    let whole = (frame.from.unwrap_or(i64::MIN / 2), to);
                    let (from, to) = interval.within(whole, None, zone, week_start);
                    (Interval::default(), known(from), Some(to))
                }
                None => (interval.clone(), None, None),
            },
            Some(step) => {
                let bucket = |at: i64| step.bucket(at, zone, week_start);
                let first = |from: i64| interval.of(bucket(from), step, zone, week_start).0;
                // What lies behind the end of what is asked is not read, though its bucket may go on.
                let last = |to: i64| interval.of(bucket(to - 1), step, zone, week_start).1.min(to);
                if interval.is_declared() {
                    // Where it begins only the calendar's days tell; it never ends behind its bucket.
                    let bucket_end = |to: i64| step.next(bucket(to - 1), zone, week_start).min(to);
                    return (interval.clone(), None, frame.to.map(bucket_end));
                }
                (interval.clone(), frame.from.map(first).and_then(known), frame.to.map(last))
            }
        }
    }

    fn steps(&self, interval: Interval, length: crate::plan::Span) -> Expr {
        let ty = crate::plan::DataType::Float;
        let kind = match (self.frame.step, self.frame.from.zip(self.frame.to)) {
            (None, Some(whole)) => {
                let model = self.frame.model;
                let (from, to) = interval.within(whole, None, model.zone, model.week_start);
                ExprKind::Literal(crate::plan::Value::Float(length.count(from, to, model.zone)))
            }
            (Some(step), _) if self.frame.exact => self.cut_steps(step, interval, length),
            _ => ExprKind::Steps { interval, length },
        };
        Expr { kind, ty, nullable: false }
    }

    /// The same where the first and the last bucket are cut.
    fn cut_steps(&self, step: Step, interval: Interval, length: crate::plan::Span) -> ExprKind {
        let (frame, model) = (&self.frame, self.frame.model);
        let float = |count| Expr::literal(crate::plan::Value::Float(count), crate::plan::DataType::Float);
        let is = |start: i64| {
            let instant = crate::plan::DataType::Timestamp;
            let bucket = Expr { kind: ExprKind::Bucket, ty: instant.clone(), nullable: false };
            let is = vec![bucket, Expr::literal(crate::plan::Value::Timestamp(start), instant)];
            Expr::call(Function::Equal, is, crate::plan::DataType::Bool, false)
        };
        let whole = |length| Expr {
            kind: ExprKind::Steps { interval: interval.clone(), length },
            ty: crate::plan::DataType::Float,
            nullable: false,
        };
        let mut branches = Vec::new();
        for at in frame.from.into_iter().chain(frame.to.map(|to| to - 1)) {
            let start = step.bucket(at, model.zone, model.week_start);
            if interval.is_declared() {
                // Where it begins only the calendar's days tell. It ends with the bucket or before: what the limit cuts off is known.
                let end = step.next(start, model.zone, model.week_start);
                let with_bucket = interval.ago.is_empty() && interval.at_start_of.is_none();
                let cut = frame.to.filter(|to| *to < end && with_bucket);
                branches.extend(cut.map(|to| {
                    let at_midnight = Step::Day.bucket(to, model.zone, model.week_start) == to;
                    let length = if at_midnight { length } else { length.elapsed() };
                    let rest = vec![whole(length), float(length.count(to, end, model.zone))];
                    (is(start), Expr::call(Function::Subtract, rest, crate::plan::DataType::Float, false))
                }));
                continue;
            }
            let (mut from, mut to) = interval.of(start, step, model.zone, model.week_start);
            to = to.min(frame.to.unwrap_or(to));
            if interval.is_bucket() {
                from = from.max(frame.from.unwrap_or(from));
            }
            branches.push((is(start), float(length.count(from, to, model.zone))));
        }
        match branches.is_empty() {
            true => ExprKind::Steps { interval, length },
            false => ExprKind::Case { branches, otherwise: Some(Box::new(whole(length))) },
        }
    }

    fn table_scan(&mut self, base: TableId, group: &Group, leaf: &'a Leaf, context: &Context) -> usize {
        let mut rows = Rows::new(self.frame.model, base, group.time);
        let dimensions = self.dimensions(&mut rows, base, &group.left_out);
        let filters = self.frame.filters.iter().filter(|filter| !tests(filter, &context.across));
        let mut filter: Vec<Expr> = filters.map(|filter| rows.filter(filter)).collect();
        let last = leaf.at_last.as_ref().map(|last| {
            // The last rows are the last of those that satisfy the condition.
            filter.extend(leaf_conditions(&mut rows, leaf, context));
            Last { step: last.step, per: last.per.iter().map(|value| rows.lower(value)).collect() }
        });
        let published = super::made::published(self.frame.model, base, self.frame.step);
        filter.extend(published.map(|condition| rows.lower(&condition)));
        dedup(&mut filter);
        let filter = Expr::all(filter);
        let same = |open: &Open| {
            open.base == Base::Table(base) && open.group == *group && open.last == last && open.filter == filter
        };
        if let Some(found) = self.open.iter().position(same) {
            return found;
        }
        let in_time = self.frame.step.is_some() || group.from.is_some() || group.to.is_some();
        let time = rows.scan_time(group.timed, in_time || !group.interval.is_bucket());
        let (base, group) = (Base::Table(base), group.clone());
        let guard = self.guard(&context.interval);
        let (intervals, measures) = (vec![(Vec::new(), context.interval.clone())], Vec::new());
        self.open.push(Open { base, group, rows, dimensions, time, last, filter, measures, guard, intervals });
        self.open.len() - 1
    }

    fn dimensions(&self, rows: &mut Rows<'a>, base: TableId, left_out: &[bool]) -> Vec<Option<Expr>> {
        let keys = self.frame.by.iter().zip(left_out);
        let mut all: Vec<Option<Expr>> = keys
            .map(|(key, left_out)| match key {
                _ if *left_out => None,
                Key::Dimension(id) => Some(rows.dimension(*id)),
                Key::Within(id, step) => Some(rows.within(*id, *step)),
                Key::Column(values) => {
                    let value = values.iter().find(|(table, _)| *table == base);
                    value.map(|(_, value)| rows.lower(value))
                }
                Key::Other => None,
            })
            .collect();
        let other = self.frame.by.iter().position(|key| matches!(key, Key::Other));
        if let (Some(best), Some(other)) = (&self.frame.best, other)
            && !left_out[other]
        {
            let values = all.iter().take(other).flatten().cloned().collect();
            let (kept, is_other) = among_best(rows, best, values);
            all.splice(..=other, kept.into_iter().chain([is_other]).map(Some));
        }
        all
    }

    /// The interval of a scan's values, which must not lie before all of its rows.
    fn guard(&self, interval: &Interval) -> Option<Guard> {
        let (interval, _, to) = self.reach(interval);
        if self.frame.step.is_some() { Some(Guard::Of(interval)) } else { to.map(Guard::Until) }
    }

    /// The intervals of the rows of all scans.
    pub fn starts(&self) -> Vec<Start> {
        let start = |(scan, interval): OfRows| {
            let (interval, from, to) = self.reach(&interval);
            Start { scan, interval, from, to }
        };
        self.intervals().into_iter().map(start).collect()
    }

    /// The intervals of the rows below, as formulas ask for them.
    pub(super) fn intervals(&self) -> Vec<OfRows> {
        let of = |(at, open): (usize, &Open)| {
            let below = |(below, interval): &OfRows| ([&[at], below.as_slice()].concat(), interval.clone());
            open.intervals.iter().map(below).collect::<Vec<_>>()
        };
        self.open.iter().enumerate().flat_map(of).collect()
    }

    /// The scan over the answer of an inner query, whose values are of an interval.
    pub(super) fn query_scan(
        &mut self,
        query: Query,
        context: &Context,
        interval: &Interval,
        intervals: Vec<OfRows>,
    ) -> usize {
        let mut group = self.group(None, context);
        match (query.step, self.frame.step) {
            // The inner bucket that is cut begins before what is asked.
            (Some(step), Some(_)) if self.frame.exact && group.interval.is_bucket() => {
                group.from = group.from.map(|from| step.bucket(from, query.zone, query.week_start));
            }
            (Some(_), Some(_)) => {}
            _ => (group.from, group.to) = (None, None),
        }
        let base = Base::Query(Box::new(query));
        let guard = self.guard(interval);
        let same = |open: &Open| open.base == base && open.group == group && open.guard == guard;
        if let Some(found) = self.open.iter().position(same) {
            return found;
        }
        let Base::Query(query) = &base else { return 0 };
        let mut inner = query.dimensions.iter();
        let dimensions = group.left_out.iter().map(|left_out| match left_out {
            true => None,
            false => {
                inner.next().map(|dimension| super::nested::column(&dimension.name, &dimension.ty, dimension.nullable))
            }
        });
        let dimensions = dimensions.collect();
        let time = query.step.map(|_| super::nested::column("time", &crate::plan::DataType::Timestamp, false));
        let rows = Rows::new(self.frame.model, TableId(0), None);
        let (last, filter, measures) = (None, None, Vec::new());
        self.open.push(Open { base, group, rows, dimensions, time, last, filter, measures, guard, intervals });
        self.open.len() - 1
    }

    /// A measure of a scan; the same one for the same meaning.
    pub(super) fn add(&mut self, scan: usize, measure: Measure) -> MeasureId {
        MeasureId { scan, measure: place(&mut self.open[scan].measures, measure) }
    }

    /// A condition on the values of an inner query.
    pub(super) fn inner_condition(&self, condition: &crate::types::RowExpr) -> Expr {
        Rows::new(self.frame.model, TableId(0), None).lower(condition)
    }

    /// The scans. A scan guards the start of its source where a bucket before it may have a row: if it shares a metric with
    /// another scan, or if the answer has rows in any case.
    pub fn finish(self, metrics: &[MetricOutput]) -> Vec<Scan> {
        let uses: Vec<Vec<usize>> = metrics.iter().map(|metric| scans_of(&metric.formula)).collect();
        let shared = |scan: usize| uses.iter().any(|scans| scans.contains(&scan) && scans.len() > 1);
        let one_row = self.frame.step.is_none() && self.frame.by.is_empty();
        let asked = self.frame.asked.is_some();
        (self.open.into_iter().enumerate())
            .map(|(place, open)| Scan {
                source: match open.base {
                    Base::Table(table) => Source::Table(table.0),
                    Base::Query(query) => Source::Query(query),
                },
                joins: open.rows.joins,
                answers: open.rows.answers,
                time: open.time,
                from: open.group.from,
                guard: open.guard.filter(|_| one_row || shared(place) || open.group.looked_up || asked),
                to: open.group.to,
                interval: open.group.interval,
                last: open.last,
                dimensions: open.dimensions,
                looked_up: open.group.looked_up,
                filter: open.filter,
                measures: open.measures,
            })
            .collect()
    }
}

/// The scans whose measures a formula names, each once.
fn scans_of(formula: &Expr) -> Vec<usize> {
    let mut scans = Vec::new();
    formula.walk(&mut |part| {
        if let ExprKind::Measure(id) = &part.kind {
            scans.push(id.scan);
        }
    });
    scans.sort_unstable();
    scans.dedup();
    scans
}

fn leaf_conditions(rows: &mut Rows<'_>, leaf: &Leaf, context: &Context) -> Vec<Expr> {
    let mut conditions: Vec<Expr> = leaf.rows.filters.iter().map(|filter| rows.lower(filter)).collect();
    conditions.extend(context.filters.iter().map(|filter| rows.filter(filter)));
    dedup(&mut conditions);
    conditions
}

fn place(measures: &mut Vec<Measure>, measure: Measure) -> usize {
    measures.iter().position(|known| *known == measure).unwrap_or_else(|| {
        measures.push(measure);
        measures.len() - 1
    })
}

fn dedup(conditions: &mut Vec<Expr>) {
    let mut kept: Vec<Expr> = Vec::with_capacity(conditions.len());
    for condition in conditions.drain(..) {
        if !kept.contains(&condition) {
            kept.push(condition);
        }
    }
    *conditions = kept;
}
