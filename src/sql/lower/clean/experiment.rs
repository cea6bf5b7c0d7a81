//! Experiments: the units that were exposed, and what is added up of their rows after it and before it.

use sqlparser::ast::{BinaryOperator, Expr, Query, Select, SelectItem};

use super::super::Lowering;
use super::{column, held, same};
use crate::plan::{self, Aggregate, DataType, Experiment, Function, Made, MadeOf, Table, Taken};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::{Aggregated, Operand};
use crate::sql::lower::read::Rows;
use crate::types::experiment::column as place;

/// The aliases of exposures, of rows that are added up, and of what is made of both.
const EXPOSED: &str = "e";
const ROWS: &str = "r";
const MADE: &str = "m";

/// Columns of our own: whose, when, the variant; the least and the greatest variant of the unit, and the place among its exposures.
/// Dimensions are `_d2` …, values `_v1` …, their sums `_s0` ….
const BY: &str = "_by";
const AT: &str = "_at";
const VARIANT: &str = "_variant";
const LEAST: &str = "_least";
const GREATEST: &str = "_greatest";
const NUMBER: &str = "_n";

/// The columns of a table of units that are wanted.
struct Wanted<'a> {
    made: &'a Made,
    how: Experiment,
    /// The values of exposures that are dimensions.
    dimensions: Vec<usize>,
    /// What is added up, each once.
    sums: Vec<Taken>,
    /// Whether it matters if a unit was exposed to several variants.
    tells_crossed: bool,
}

impl Wanted<'_> {
    /// The parts of which something is added up, those of the same rows together.
    fn groups(&self) -> Vec<Vec<usize>> {
        let alike = |a: usize, b: usize| {
            let (a, b) = (&self.made.parts[a], &self.made.parts[b]);
            a.rows == b.rows && a.values[0] == b.values[0]
        };
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for taken in &self.sums {
            if groups.iter().flatten().any(|part| *part == taken.part) {
                continue;
            }
            match groups.iter_mut().find(|group| alike(group[0], taken.part)) {
                Some(group) => group.push(taken.part),
                None => groups.push(vec![taken.part]),
            }
        }
        groups
    }

    /// The names of the values of rows: one for each of a part.
    fn values(&self) -> Vec<(usize, String)> {
        let mut parts: Vec<usize> = self.sums.iter().map(|taken| taken.part).collect();
        parts.sort_unstable();
        parts.dedup();
        parts.into_iter().map(|part| (part, format!("_v{part}"))).collect()
    }

    /// The type of what is added up of a part.
    fn sum_type(&self, part: usize) -> DataType {
        match &self.made.parts[part].values[1].ty {
            DataType::Decimal { scale, .. } => DataType::Decimal { precision: 38, scale: *scale },
            DataType::Int => DataType::Decimal { precision: 38, scale: 0 },
            other => other.clone(),
        }
    }
}

impl Lowering<'_> {
    /// The units of an experiment: the columns named.
    pub(super) fn experiment_rows(&self, table: &Table, made: &Made, how: Experiment, columns: &[&str]) -> Query {
        let wanted = |at: usize| columns.contains(&table.columns[at].name.as_str());
        let own = table.columns.len().saturating_sub(made.carried.len());
        let taken = |at: usize| made.carried[at].of[0];
        let tells_crossed = wanted(place::CROSSED);
        let mut of = Wanted { made, how, dimensions: Vec::new(), sums: Vec::new(), tells_crossed };
        for taken in (0..made.carried.len()).filter(|at| wanted(own + at)).map(taken) {
            match taken.part {
                0 if !of.dimensions.contains(&taken.value) => of.dimensions.push(taken.value),
                0 => {}
                _ if !of.sums.contains(&taken) => of.sums.push(taken),
                _ => {}
            }
        }
        let from = build::derived(self.exposed(&of), EXPOSED);
        let joins = match of.sums.is_empty() {
            true => Vec::new(),
            false => {
                let equal = build::equal(column(EXPOSED, BY), column(MADE, BY));
                vec![build::left_join(build::derived(self.added_up(&of), MADE), equal)]
            }
        };
        let projection = table.columns.iter().enumerate().filter(|(at, _)| wanted(*at)).map(|(at, shown)| {
            let value = match at.checked_sub(own).map(taken) {
                None => self.own_of_unit(&of, at),
                Some(taken) if taken.part == 0 => column(EXPOSED, &format!("_d{}", taken.value)),
                Some(taken) => {
                    let at = of.sums.iter().position(|known| *known == taken).unwrap_or_default();
                    let float = &DataType::Float;
                    let zero = self.dialect.literal(&plan::Value::Float(0.0), float, self.calendar);
                    let sum = vec![(column(MADE, &format!("_s{at}")), float), (zero, float)];
                    self.dialect.not_null(self.call(Function::Coalesce, sum, float))
                }
            };
            build::item(value, self.name(&shown.name))
        });
        Parts { projection: projection.collect(), from: Some(from), joins, ..Parts::default() }.query()
    }

    /// One of the columns that every unit has.
    fn own_of_unit(&self, of: &Wanted<'_>, at: usize) -> Expr {
        match at {
            0 => column(EXPOSED, BY),
            place::VARIANT => column(EXPOSED, VARIANT),
            place::CROSSED => {
                let one = build::equal(column(EXPOSED, LEAST), column(EXPOSED, GREATEST));
                build::case(vec![(one, build::boolean(false))], Some(build::boolean(true)))
            }
            crate::types::funnel::column::HORIZON => {
                let ends = of.made.parts.iter().filter(|part| part.values.is_empty()).map(|part| &part.rows);
                self.end_of_window(ends, plan::Within::Elapsed(of.how.within))
            }
            _ => column(EXPOSED, AT),
        }
    }

    /// The first exposure of each unit, with the least and the greatest variant of all of its exposures.
    fn exposed(&self, of: &Wanted<'_>) -> Query {
        let leaves = Rows(self.dialect);
        let part = &of.made.parts[0];
        let mut projection = vec![
            build::item(self.known(&part.values[0]), build::ident(BY)),
            build::item(self.instant_of(&part.rows), build::ident(AT)),
            build::item(self.known(&part.values[1]), build::ident(VARIANT)),
        ];
        let mut names: Vec<String> = [BY, AT, VARIANT].map(str::to_owned).to_vec();
        for value in &of.dimensions {
            let name = format!("_d{value}");
            projection.push(build::item(self.settled(&part.values[*value], &leaves), build::ident(&name)));
            names.push(name);
        }
        let order = held(self.order_of(&part.rows), ROWS, &mut projection);
        let rows = self.rows_of_members(part, 2, &of.dimensions, projection);
        let of_unit = || vec![column(ROWS, BY)];
        let mut projection: Vec<SelectItem> = names.iter().map(|name| same(ROWS, name)).collect();
        let extremes = if of.tells_crossed { &[(LEAST, "min"), (GREATEST, "max")][..] } else { &[] };
        for (name, function) in extremes.iter().copied() {
            let value = build::over(build::call(function, vec![column(ROWS, VARIANT)]), of_unit());
            projection.push(build::item(value, build::ident(name)));
        }
        projection.push(build::item(build::window("row_number", of_unit(), order), build::ident(NUMBER)));
        let numbered = Parts { projection, from: Some(build::derived(rows, ROWS)), ..Parts::default() }.query();
        names.extend(extremes.iter().map(|(name, _)| (*name).to_owned()));
        let projection = names.iter().map(|name| same(MADE, name)).collect();
        let filter = Some(build::equal(column(MADE, NUMBER), build::number(1)));
        Parts { projection, from: Some(build::derived(numbered, MADE)), filter, ..Parts::default() }.query()
    }

    /// The sums of each unit: `_by`, `_s0` …. Units without a row are not there.
    fn added_up(&self, of: &Wanted<'_>) -> Query {
        let values = of.values();
        let rows = build::union_all(of.groups().iter().map(|group| self.rows_of_part(of, group, &values)));
        let rows = rows.unwrap_or_else(|| Parts::default().query());
        let exposed = self.exposed(&Wanted { dimensions: Vec::new(), sums: Vec::new(), tells_crossed: false, ..*of });
        let (start, at) = (|| column(EXPOSED, AT), || column(ROWS, AT));
        let less = |a: Expr, b: Expr| build::binary(a, BinaryOperator::Lt, b);
        let since = |a: Expr, b: Expr| build::binary(a, BinaryOperator::GtEq, b);
        let end = || self.moved(start(), of.how.within);
        let begin = || self.moved(start(), -of.how.before.unwrap_or(0));
        let is_after = || build::all([since(at(), start()), less(at(), end())]).unwrap_or_else(build::null);
        let is_before = || build::all([since(at(), begin()), less(at(), start())]).unwrap_or_else(build::null);
        let (some_after, some_before) =
            (of.sums.iter().any(|taken| taken.row == 0), of.sums.iter().any(|taken| taken.row != 0));
        let lowest = if some_before { begin() } else { start() };
        let highest = if some_after { end() } else { start() };
        let mut projection = vec![same(ROWS, BY)];
        for (place, taken) in of.sums.iter().enumerate() {
            let ty = of.sum_type(taken.part);
            let value = column(ROWS, &format!("_v{}", taken.part));
            let inside = if taken.row == 0 { is_after() } else { is_before() };
            let null = self.dialect.typed_null(&ty, self.calendar);
            let value = build::case(vec![(inside, value)], Some(null));
            let sum = self.sum_of(value, &ty);
            let float = &DataType::Float;
            let sum = self.call(Function::Cast, vec![(sum, &ty)], float);
            projection.push(build::item(self.dialect.optional(sum, float), build::ident(&format!("_s{place}"))));
        }
        let filter = build::all([since(at(), lowest), less(at(), highest)]);
        let equal = build::equal(column(ROWS, BY), column(EXPOSED, BY));
        let joins = vec![build::inner_join(build::derived(exposed, EXPOSED), equal)];
        let (from, group_by) = (Some(build::derived(rows, ROWS)), vec![column(ROWS, BY)]);
        Parts { projection, from, joins, filter, group_by }.query()
    }

    /// The sum of a value that may be null, in exactly its type.
    fn sum_of(&self, value: Expr, ty: &DataType) -> Expr {
        let aggregate = Aggregate::Sum(plan::Expr::literal(plan::Value::Null, ty.clone()));
        let argument = Some(Operand { sql: value, ty, nullable: true, literal: None });
        let aggregated =
            Aggregated { aggregate: &aggregate, argument, filter: None, order: Vec::new(), keyed: true, ty };
        self.dialect.settle(self.dialect.aggregate(aggregated, self.calendar), ty)
    }

    /// The rows of parts that read the same ones: whose, when, their values, and nulls for those of others.
    fn rows_of_part(&self, of: &Wanted<'_>, group: &[usize], values: &[(usize, String)]) -> Select {
        let leaves = Rows(self.dialect);
        let part: &MadeOf = &of.made.parts[group[0]];
        let mut projection = vec![
            build::item(self.known(&part.values[0]), build::ident(BY)),
            build::item(self.instant_of(&part.rows), build::ident(AT)),
        ];
        let mut used: Vec<&plan::Expr> = vec![&part.values[0]];
        for (at, name) in values {
            let ty = of.sum_type(*at);
            let value = match group.contains(at) {
                true => {
                    let value = &of.made.parts[*at].values[1];
                    used.push(value);
                    let value = vec![(self.settled(value, &leaves), &value.ty)];
                    self.dialect.optional(self.call(Function::Cast, value, &ty), &ty)
                }
                false => self.dialect.typed_null(&ty, self.calendar),
            };
            projection.push(build::item(value, build::ident(name)));
        }
        let by = &part.values[0];
        let known = by.nullable.then(|| build::is_not_null(self.value(by, &leaves)));
        self.selected(&part.rows, &used, known.into_iter().collect(), projection).select()
    }
}
