//! What is done with the rows of an answer: which of them are shown, and which are not of whole data.

use sqlparser::ast::{BinaryOperator, Expr as Sql, Ident, ObjectName, OrderByExpr, Query, SelectItem};

use super::Lowering;
use super::combine::COMBINED;
use super::edges::{AT, EDGE, Edge};
use super::layers::Read;
use crate::plan::{self, DataType, Input, Marks, OutputColumn, Scan, Source, Start, Step, Value};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::Scalars;
use crate::sql::expr::Leaves;

/// The alias of the rows of the answer.
const ANSWER: &str = "o";
/// The alias of the groups of another answer.
const GROUPS: &str = "g";

/// The columns of the answer.
struct Outputs<'a>(&'a dyn Scalars);

impl Leaves for Outputs<'_> {
    fn column(&self, _: Input, name: &str) -> Sql {
        build::column(ANSWER, self.0.identifier(name))
    }
}

impl Lowering<'_> {
    /// The rows of an answer that are shown.
    pub(super) fn chosen(&self, answer: Query) -> Query {
        let column = |column: &OutputColumn| {
            let name = self.name(&column.name);
            build::item(build::column(ANSWER, name.clone()), name)
        };
        let projection = self.query.columns().iter().map(column).collect();
        let filter = self.query.having.as_ref().map(|having| self.condition(having, &Outputs(self.dialect)));
        let from = Some(build::derived(answer, ANSWER));
        let joins = self.query.among.iter().map(|among| {
            let reads = match self.reads.get(self.query.scans.len()) {
                Some(Read::Answer(reads)) => reads.as_slice(),
                _ => &[],
            };
            let of = |alias: &str, column: &OutputColumn| build::column(alias, self.name(&column.name));
            let groups = Parts {
                projection: among.columns.iter().map(|c| build::item(of(ANSWER, c), self.name(&c.name))).collect(),
                from: Some(build::derived(self.inner(&among.query, reads), ANSWER)),
                group_by: among.columns.iter().map(|column| of(ANSWER, column)).collect(),
                ..Parts::default()
            };
            let pairs = among.columns.iter().flat_map(|column| {
                let (own, found) = (of(ANSWER, column), of(GROUPS, column));
                if column.nullable { self.same(own, found, &column.ty) } else { vec![(own, found)] }
            });
            let condition = self.all_equal(pairs.collect(), false).unwrap_or_else(|| build::boolean(true));
            build::inner_join(build::derived(groups.query(), GROUPS), condition)
        });
        let joins = joins.collect();
        Parts { projection, from, joins, filter, ..Parts::default() }.query()
    }

    /// The order of such rows.
    pub(super) fn order_of_chosen(&self) -> Vec<OrderByExpr> {
        let columns = self.query.columns();
        let places: Vec<Sql> = columns.iter().map(|column| build::column(ANSWER, self.name(&column.name))).collect();
        let parts = |place: usize| {
            self.query.parts.iter().any(|part| usize::from(self.query.step.is_some()) + part.place == place)
        };
        let keys = places.iter().take(self.query.keys()).enumerate().filter(|(place, _)| !parts(*place));
        self.sorted(&places, keys.map(|(_, place)| place.clone()))
    }

    /// Why a row is not of whole data, as a text; null where it is.
    pub(super) fn marked(&self, marks: &Marks) -> Sql {
        let key = || build::column(COMBINED, build::ident("_t"));
        let instant = |at: i64| self.dialect.literal(&Value::Timestamp(at), &DataType::Timestamp, self.calendar);
        let bucket = |at: i64, step: Step| self.dialect.bucket_key(instant(at), step, self.calendar);
        let mut reasons: Vec<(&str, Sql)> = Vec::new();
        if let Some(step) = self.query.step {
            let cut = marks.cut.iter().map(|at| build::equal(key(), bucket(*at, step)));
            reasons.extend(build::any(cut).map(|cut| ("cut", cut)));
        }
        let starts = marks.starts.iter().filter_map(|start| self.starts_within(start));
        reasons.extend(build::any(starts).map(|starts| ("start", starts)));
        let open = marks.open.map(|at| match self.query.step {
            Some(step) => build::binary(key(), BinaryOperator::GtEq, bucket(at, step)),
            None => build::boolean(true),
        });
        reasons.extend(open.map(|open| ("open", open)));
        // All that hold, the most first.
        let mut sets: Vec<u32> = (1..1 << reasons.len()).collect();
        sets.sort_by_key(|set| (std::cmp::Reverse(set.count_ones()), *set));
        let branch = |set: u32| {
            let held: Vec<&(&str, Sql)> =
                reasons.iter().enumerate().filter(|(at, _)| set & (1 << at) != 0).map(|(_, reason)| reason).collect();
            let text = Value::String(held.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", "));
            let condition = build::all(held.into_iter().map(|(_, condition)| condition.clone()));
            Some((condition?, self.dialect.literal(&text, &DataType::String, self.calendar)))
        };
        let branches: Vec<(Sql, Sql)> = sets.into_iter().filter_map(branch).collect();
        let none = self.dialect.typed_null(&DataType::String, self.calendar);
        if branches.is_empty() { none } else { build::case(branches, Some(none)) }
    }

    /// Whether an interval lies partly before the first row of what it is made of.
    fn starts_within(&self, start: &Start) -> Option<Sql> {
        let first = || self.first_row(start);
        let instant = |at: i64| self.dialect.literal(&Value::Timestamp(at), &DataType::Timestamp, self.calendar);
        let (from, to) = match (self.query.step, start.from, start.to) {
            (Some(step), ..) => {
                let key = || build::column(COMBINED, build::ident("_t"));
                let from = match start.interval.is_bucket() {
                    true => self.dialect.bucket_start(key(), step, self.calendar),
                    false => self.dialect.interval_start(key(), step, &start.interval, self.calendar)?,
                };
                (from, Some(self.dialect.interval_end(key(), step, &start.interval, self.calendar)))
            }
            (None, from, Some(to)) => (instant(from?), Some(instant(to))),
            (None, from, None) if start.interval.is_bucket() => (instant(from?), None),
            (None, _, None) => {
                let last = self.last_bucket();
                (self.dialect.interval_start(last, Step::Day, &start.interval, self.calendar)?, None)
            }
        };
        let begins = std::iter::once(from).chain(self.cut_from(start));
        let begins = begins.map(|from| build::binary(from, BinaryOperator::Lt, first()));
        let ends = to.into_iter().chain(self.cut_to());
        let ends = ends.map(|to| build::binary(first(), BinaryOperator::Lt, to));
        build::all(begins.chain(ends))
    }

    /// Where the first bucket is cut: what reads no other rows than its own begins there.
    fn cut_from(&self, start: &Start) -> Option<Sql> {
        let step = self.query.step.filter(|_| start.interval.is_bucket())?;
        self.cut(self.query.from?, step)
    }

    /// Where the last bucket is cut: nothing reads beyond.
    pub(super) fn cut_to(&self) -> Option<Sql> {
        self.cut(self.query.to?, self.query.step?)
    }

    fn cut(&self, at: i64, step: Step) -> Option<Sql> {
        let whole = step.bucket(at, self.query.zone, self.query.week_start) == at;
        (!whole).then(|| self.dialect.literal(&Value::Timestamp(at), &DataType::Timestamp, self.calendar))
    }

    /// The name of the table that holds the first row of what a scan reads.
    fn first_name(&self, scan: &[usize]) -> Ident {
        let places: Vec<String> = scan.iter().map(usize::to_string).collect();
        self.own_name(&format!("first_row_{}", places.join("_")))
    }

    fn first_row(&self, start: &Start) -> Sql {
        let from = Some(build::table(ObjectName::from(vec![self.first_name(&start.scan)]), EDGE));
        let projection = vec![SelectItem::UnnamedExpr(build::column(EDGE, build::ident(AT)))];
        build::scalar(Parts { projection, from, ..Parts::default() }.query())
    }

    /// The first clean rows that marks compare with: of the sources, because a rollup knows them by its buckets alone.
    pub(super) fn mark_tables(&self) -> Vec<(Ident, Query)> {
        let starts = self.query.marks.iter().flat_map(|marks| &marks.starts);
        let mut scans: Vec<&[usize]> = starts.map(|start| start.scan.as_slice()).collect();
        scans.sort_unstable();
        scans.dedup();
        let first = |scan: &[usize]| {
            let first = self.edge(&[(scan_below(self.query, scan)?, &Read::Source)], Edge::First, None)?;
            Some((self.first_name(scan), first))
        };
        scans.into_iter().filter_map(first).collect()
    }
}

/// The scan at the end of a path.
fn scan_below<'q>(query: &'q plan::Query, path: &[usize]) -> Option<&'q Scan> {
    let (place, below) = path.split_first()?;
    let scan = query.scans.get(*place)?;
    match (&scan.source, below) {
        (_, []) => Some(scan),
        (Source::Query(inner), below) => scan_below(inner, below),
        (Source::Table(_), _) => None,
    }
}
