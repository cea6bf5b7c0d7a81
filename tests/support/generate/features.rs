//! What a project and its data have in them, by name: the tests see to it that none of it stops being generated.

use std::collections::BTreeSet;

use super::derived::Origin;
use super::model::*;
use super::oracle::Oracle;
use super::oracle::calendar::{Calendar, day_of};

/// What must occur in some of the first 300 projects.
pub const WANTED: &[&str] = &[
    "zone Asia/Shanghai",
    "zone UTC",
    "zone Asia/Kolkata",
    "zone America/New_York",
    "weeks start on Sunday",
    // Rows, by their times.
    "row on a day of 23 hours",
    "row on a day of 25 hours",
    "row in an hour that comes twice",
    "row at a local midnight",
    "row on the last day of February",
    "row in the ISO year before its own",
    "asked by hours over a day of 23 hours",
    "asked by hours over a day of 25 hours",
    "asked by days over both clock changes",
    // Values.
    "text beyond ASCII",
    "empty text",
    "text with a single quote",
    "text with a double quote",
    "text with a backslash",
    "text with a line break",
    "text with a tab",
    "int near the least",
    "int near the greatest",
    "decimal of 34 digits",
    "negative int",
    "negative decimal",
    "negative float",
    "negative duration",
    "column of nulls alone",
    "null in a nullable column",
    // Tables.
    "source without rows",
    "entity without rows",
    "source with one row",
    "source with more than 100 rows",
    "source without a key",
    "key of two columns",
    "key of ints",
    "null in a key",
    "null time",
    "key twice, the same row",
    "key twice, other rows",
    "key twice, tied",
    "latest by a timestamp",
    "latest by an int",
    "reference to nothing",
    "two references to one entity",
    "entity with a time",
    "entity without a time",
    "entity with versions",
    "entity with a copy a day",
    "time in milliseconds",
    "computed column",
    "column with a unit",
    "personal column",
    "map",
    // Row sets, dimensions.
    "subset",
    "subset of a subset",
    "dated subset",
    "subset of derived rows",
    "rows as they came",
    "first rows",
    "union",
    "session",
    "derived from derived rows",
    "dated aggregate",
    "filtered aggregate",
    "path of one hop",
    "path of two hops",
    "dimension of two hops",
    "dimension of an entity's attribute",
    "dimension with several bindings",
    "dimension of the time",
    "computed dimension",
    "dimension else null",
    "dimension else a value",
    // Metrics.
    "count of rows",
    "count of values",
    "distinct",
    "approx_distinct",
    "sum",
    "avg",
    "min",
    "max",
    "percentile",
    "quantile",
    "quantile_disc",
    "approx_quantile",
    "stddev",
    "variance",
    "first",
    "last",
    "aggregate of personal data",
    "metric of a metric",
    "metric of two tables",
    "metric where",
    "name beyond ASCII",
    "names that differ in case",
    "name of a keyword",
    // Questions.
    "step below a day",
    "step 1d",
    "step 1w",
    "step 1month",
    "step 1quarter",
    "step 1year",
    "step of a calendar",
    "no step",
    "by nothing",
    "by three dimensions",
    "by an entity",
    "several metrics",
    "with an interval",
    "with a filter",
    "ordered",
    "ordered downwards",
    "limited",
    "answer without rows",
    "answer with a null dimension",
    "answer with a null metric",
];

/// All operators and functions, and `case`.
pub const OPERATORS: &[&str] = &[
    "And",
    "Or",
    "Not",
    "Equal",
    "NotEqual",
    "Less",
    "LessEqual",
    "Greater",
    "GreaterEqual",
    "In",
    "NotIn",
    "Between",
    "NotBetween",
    "Like",
    "NotLike",
    "IsNull",
    "IsNotNull",
    "Coalesce",
    "CoalesceCall",
    "NullIf",
    "If",
    "Add",
    "Subtract",
    "Multiply",
    "Divide",
    "Modulo",
    "Negate",
    "Abs",
    "Round",
    "RoundTo",
    "Floor",
    "Ceil",
    "Sqrt",
    "Ln",
    "Exp",
    "Pow",
    "Least",
    "Greatest",
    "Lower",
    "Upper",
    "Trim",
    "Length",
    "Substr",
    "Concat",
    "Replace",
    "StartsWith",
    "EndsWith",
    "Contains",
    "Matches",
    "SplitPart",
    "Date",
    "Hour",
    "DayOfWeek",
    "DayOfYear",
    "Day",
    "Week",
    "IsoYear",
    "Month",
    "Quarter",
    "Year",
    "Truncate",
    "ToUnix",
    "Cast",
    "Json",
    "Hash",
    "Mask",
    "Index",
    "Case",
];

/// The names of all that a project has.
pub fn features(project: &Project) -> BTreeSet<String> {
    let mut found = Found { project, names: BTreeSet::new() };
    found.add(&format!("zone {}", project.zone.name()));
    found.when(project.week_starts_sunday, "weeks start on Sunday");
    for table in &project.tables {
        found.table(table);
        found.keys(table);
        found.times(table);
        table.rows.iter().flatten().for_each(|value| found.value(value));
    }
    found.row_sets();
    project.dimensions.iter().for_each(|dimension| found.dimension(dimension));
    project.metrics.iter().for_each(|metric| found.metric(metric));
    let oracle = Oracle::new(project);
    for question in &project.questions {
        found.question(question);
        let answer = oracle.answer(question);
        let keys = question.keys();
        found.when(answer.rows.is_empty(), "answer without rows");
        found.when(answer.rows.iter().any(|row| row[..keys].contains(&Value::Null)), "answer with a null dimension");
        found.when(answer.rows.iter().any(|row| row[keys..].contains(&Value::Null)), "answer with a null metric");
    }
    found.names
}

/// The name of an operator or function, as its variant is called.
pub fn op_name(op: &Op) -> String {
    let name = format!("{op:?}");
    name.split(['(', ' ']).next().unwrap_or_default().to_owned()
}

struct Found<'a> {
    project: &'a Project,
    names: BTreeSet<String>,
}

impl Found<'_> {
    fn add(&mut self, name: &str) {
        self.names.insert(name.to_owned());
    }

    fn when(&mut self, holds: bool, name: &str) {
        if holds {
            self.add(name);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Str(text) => {
                self.when(!text.is_ascii(), "text beyond ASCII");
                self.when(text.is_empty(), "empty text");
                self.when(text.contains('\''), "text with a single quote");
                self.when(text.contains('"'), "text with a double quote");
                self.when(text.contains('\\'), "text with a backslash");
                self.when(text.contains('\n'), "text with a line break");
                self.when(text.contains('\t'), "text with a tab");
            }
            Value::Int(i) => {
                self.when(*i < i64::MIN + 10, "int near the least");
                self.when(*i > i64::MAX - 10, "int near the greatest");
                self.when(*i < 0, "negative int");
            }
            Value::Decimal(digits, _) => {
                self.when(digits.unsigned_abs() > 10u128.pow(33), "decimal of 34 digits");
                self.when(*digits < 0, "negative decimal");
            }
            Value::Float(f) => self.when(*f < 0.0, "negative float"),
            Value::Duration(ms) => self.when(*ms < 0, "negative duration"),
            Value::Map(map) => self.when(!map.is_empty(), "map"),
            _ => {}
        }
    }

    fn table(&mut self, table: &Table) {
        let kind = if table.entity { "entity" } else { "source" };
        self.when(table.rows.is_empty(), &format!("{kind} without rows"));
        self.when(!table.entity && table.rows.len() == 1, "source with one row");
        self.when(!table.entity && table.rows.len() > 100, "source with more than 100 rows");
        self.when(!table.entity && table.key.is_empty(), "source without a key");
        self.when(table.key.len() > 1, "key of two columns");
        let of = |name: &String| table.column(name).map(|column| &column.ty);
        self.when(table.key.iter().any(|name| of(name) == Some(&Ty::Int)), "key of ints");
        let latest = table.latest_by.as_ref().and_then(of);
        self.when(latest == Some(&Ty::Timestamp), "latest by a timestamp");
        self.when(latest == Some(&Ty::Int), "latest by an int");
        self.when(table.entity && table.time.is_some(), "entity with a time");
        self.when(table.entity && table.time.is_none(), "entity without a time");
        self.when(matches!(table.history, Some(History::Valid(..))), "entity with versions");
        self.when(matches!(table.history, Some(History::Snapshot(_))), "entity with a copy a day");
        let time = table.time.as_ref().and_then(|name| table.column(name));
        self.when(time.is_some_and(|column| column.milliseconds), "time in milliseconds");
        for (place, column) in table.stored().enumerate() {
            let nulls = table.rows.iter().filter(|row| row[place].is_null()).count();
            self.when(nulls > 1 && nulls == table.rows.len(), "column of nulls alone");
            self.when(nulls > 0, "null in a nullable column");
            self.when(nulls > 0 && table.key.contains(&column.name), "null in a key");
            self.when(nulls > 0 && table.time.as_ref() == Some(&column.name), "null time");
            self.references(table, place, column);
        }
        for column in &table.columns {
            self.when(column.computed.is_some(), "computed column");
            self.when(column.unit.is_some(), "column with a unit");
            self.when(column.pii, "personal column");
            column.computed.iter().for_each(|expr| self.expr(expr));
        }
    }

    fn references(&mut self, table: &Table, place: usize, column: &Column) {
        let Ty::Entity(entity) = &column.ty else { return };
        self.when(table.links_to(entity).len() > 1, "two references to one entity");
        let Some(target) = self.project.table(entity) else { return };
        let key = target.place(&target.key[0]).expect("a stored key");
        let dangling =
            |row: &Vec<Value>| !row[place].is_null() && target.rows.iter().all(|other| other[key] != row[place]);
        self.when(table.rows.iter().any(dangling), "reference to nothing");
    }

    /// Rows that share a key.
    fn keys(&mut self, table: &Table) {
        let place = |name: &String| table.place(name).expect("a stored column");
        let key: Vec<usize> = table.key.iter().map(place).collect();
        let decides = table.latest_by.as_ref().or(table.time.as_ref()).map(place);
        for (number, row) in table.rows.iter().enumerate().filter(|_| !key.is_empty()) {
            let same = |other: &&Vec<Value>| key.iter().all(|place| other[*place] == row[*place]);
            for other in table.rows[..number].iter().filter(same) {
                self.add(if row == other { "key twice, the same row" } else { "key twice, other rows" });
                self.when(row != other && decides.is_some_and(|place| row[place] == other[place]), "key twice, tied");
            }
        }
    }

    fn times(&mut self, table: &Table) {
        let Some(place) = table.time.as_ref().and_then(|name| table.place(name)) else { return };
        let calendar = Calendar { zone: self.project.zone, sunday: false };
        for row in &table.rows {
            let Value::Timestamp(ms) = row[place] else { continue };
            let (start, end) = calendar.bucket(ms, Step::Day);
            self.when(end - start == 23 * HOUR, "row on a day of 23 hours");
            self.when(end - start == 25 * HOUR, "row on a day of 25 hours");
            let twice = [ms - HOUR, ms + HOUR].iter().any(|other| calendar.wall(*other) == calendar.wall(ms));
            self.when(twice, "row in an hour that comes twice");
            self.when(start == ms, "row at a local midnight");
            let (day, next) = (calendar.date(ms), calendar.date(end));
            self.when(
                (chrono::Datelike::month(&day), chrono::Datelike::day(&next)) == (2, 1),
                "row on the last day of February",
            );
            let year = super::oracle::calendar::iso_week(day).0;
            self.when(year < i64::from(chrono::Datelike::year(&day)), "row in the ISO year before its own");
        }
    }

    fn row_sets(&mut self) {
        for subset in &self.project.subsets {
            self.add("subset");
            self.when(self.project.subset(&subset.base).is_some(), "subset of a subset");
            self.when(subset.dated.is_some(), "dated subset");
            subset.filter.iter().for_each(|filter| self.expr(filter));
            self.when(self.project.derived(&subset.base).is_some(), "subset of derived rows");
        }
        for derived in &self.project.derived {
            self.add(match derived.origin {
                Origin::Raw(_) => "rows as they came",
                Origin::FirstOf { .. } => "first rows",
                Origin::Union(_) => "union",
                Origin::Session { .. } => "session",
            });
            let again =
                |rows: &String| self.project.base(rows).is_some_and(|base| self.project.derived(&base.name).is_some());
            self.when(derived.origin.reads().into_iter().any(again), "derived from derived rows");
        }
    }

    fn dimension(&mut self, dimension: &Dimension) {
        self.when(dimension.bindings.len() > 1, "dimension with several bindings");
        self.when(dimension.otherwise == Otherwise::Null, "dimension else null");
        self.when(matches!(dimension.otherwise, Otherwise::Value(_)), "dimension else a value");
        for binding in &dimension.bindings {
            let (name, expr) = match binding {
                Binding::Path(_, expr) => ("dimension of a path", expr),
                Binding::Attribute(_, expr) => ("dimension of an entity's attribute", expr),
                Binding::On(_, expr) => ("computed dimension", expr),
                Binding::Any(expr) => ("dimension of the time", expr),
            };
            self.add(name);
            self.when(matches!(&expr.node, Node::Column(path) if path.len() == 3), "dimension of two hops");
            self.expr(expr);
        }
    }

    fn metric(&mut self, metric: &Metric) {
        self.when(!metric.name.is_ascii(), "name beyond ASCII");
        self.when(["group", "select", "order_by"].contains(&metric.name.as_str()), "name of a keyword");
        let differs = |other: &Metric| other.name != metric.name && other.name.to_lowercase() == metric.name;
        self.when(self.project.metrics.iter().any(differs), "names that differ in case");
        self.when(self.project.bases(&metric.formula).len() > 1, "metric of two tables");
        self.expr(&metric.formula);
    }

    /// Expressions over rows, formulas, filters.
    fn expr(&mut self, expr: &Expr) {
        let mut nodes = Vec::new();
        expr.walk(&mut |part| nodes.push(part));
        for part in nodes {
            match &part.node {
                Node::Column(path) if path.len() == 2 => self.add("path of one hop"),
                Node::Column(path) if path.len() == 3 => self.add("path of two hops"),
                Node::Call(op, _) => self.add(&op_name(op)),
                Node::Case(..) => self.add("Case"),
                Node::Metric(_) => self.add("metric of a metric"),
                Node::Where(..) => self.add("metric where"),
                Node::Leaf(leaf) => self.leaf(leaf),
                _ => {}
            }
        }
    }

    fn leaf(&mut self, leaf: &Leaf) {
        self.when(leaf.dated.is_some(), "dated aggregate");
        self.when(leaf.filter.is_some(), "filtered aggregate");
        self.add(match leaf.aggregate {
            Aggregate::Count if leaf.input.is_none() => "count of rows",
            Aggregate::Count => "count of values",
            Aggregate::Distinct => "distinct",
            Aggregate::ApproxDistinct => "approx_distinct",
            Aggregate::Sum => "sum",
            Aggregate::Avg => "avg",
            Aggregate::Min => "min",
            Aggregate::Max => "max",
            Aggregate::Percentile(_) => "percentile",
            Aggregate::Quantile(_) => "quantile",
            Aggregate::QuantileDisc(_) => "quantile_disc",
            Aggregate::ApproxQuantile(_) => "approx_quantile",
            Aggregate::Stddev => "stddev",
            Aggregate::Variance => "variance",
            Aggregate::First => "first",
            Aggregate::Last => "last",
        });
        let table = self.project.base(&leaf.rows);
        let personal = |expr: &Expr| match &expr.node {
            Node::Column(path) if path.len() == 1 => table.and_then(|t| t.column(&path[0])).is_some_and(|c| c.pii),
            _ => false,
        };
        self.when(leaf.input.as_ref().is_some_and(personal), "aggregate of personal data");
    }

    fn question(&mut self, question: &Question) {
        self.add(&match question.step {
            None => "no step".to_owned(),
            Some(Step::Subday(_)) => "step below a day".to_owned(),
            Some(Step::Fiscal(_)) => "step of a calendar".to_owned(),
            Some(step) => format!("step {}", step.text()),
        });
        self.when(question.by.is_empty(), "by nothing");
        self.when(question.by.len() == 3, "by three dimensions");
        let entity = |name: &String| matches!(self.project.dimension(name).map(|d| &d.ty), Some(Ty::Entity(_)));
        self.when(question.by.iter().filter_map(By::dimension).any(entity), "by an entity");
        self.when(question.metrics.len() > 1, "several metrics");
        self.when(question.range.is_some(), "with an interval");
        self.when(question.filter.is_some(), "with a filter");
        self.when(!question.order.is_empty(), "ordered");
        self.when(question.order.iter().any(|(_, descending)| *descending), "ordered downwards");
        self.when(question.limit.is_some(), "limited");
        question.filter.iter().for_each(|filter| self.expr(filter));
        self.clock_changes(question);
    }

    /// Whether a question's metrics have rows on days on which the clock changes.
    fn clock_changes(&mut self, question: &Question) {
        let calendar = Calendar { zone: self.project.zone, sunday: false };
        let mut lengths = BTreeSet::new();
        for metric in question.metrics.iter().filter_map(|name| self.project.metric(name)) {
            for table in self.project.bases(&metric.formula).iter().filter_map(|name| self.project.table(name)) {
                let Some(place) = table.time.as_ref().and_then(|name| table.place(name)) else { continue };
                for row in &table.rows {
                    let Value::Timestamp(ms) = row[place] else { continue };
                    let asked = question.range.is_none_or(|(from, to)| {
                        let day = calendar.date(ms);
                        day_of(from) <= day && day <= day_of(to)
                    });
                    let (start, end) = calendar.bucket(ms, Step::Day);
                    lengths.extend(asked.then_some((end - start) / HOUR));
                }
            }
        }
        let hours = matches!(question.step, Some(Step::Subday(_)));
        self.when(hours && lengths.contains(&23), "asked by hours over a day of 23 hours");
        self.when(hours && lengths.contains(&25), "asked by hours over a day of 25 hours");
        let both = lengths.contains(&23) && lengths.contains(&25);
        self.when(question.step == Some(Step::Day) && both, "asked by days over both clock changes");
    }
}

const HOUR: i64 = 3_600_000;
