//! Alerts as SELECTs over the values that they look at: a row a bucket and group, with what the alert does after that bucket.
//!
//! Gaps are filled first, so that a row before is a bucket before. The rest is windows: over the values before (growths, means, seasons),
//! and over where the condition holds, fails, or can't be told. An alert fires from the first time on that its condition held long enough
//! without a gap, until it fails.

use sqlparser::ast::{BinaryOperator as Op, Expr, Ident, Query, SelectItem};

pub mod burn;
mod grid;

use self::grid::{Grid, Seen, nothing};
use super::ClickHouse;
use crate::plan::{DataType, Value};
use crate::sql::build::{self, Parts, binary, call, ident, ident_expr, lambda, lambda_of, number, text};
use crate::sql::dialect::{Calendar, Scalars};
use crate::types::alerts::{Alert, Bound, Comparison, Condition, Ewma, Seasonal, Subject, Test};

/// An alert with the SELECTs of what it looks at.
pub struct Watched<'a> {
    /// The alert.
    pub alert: &'a Alert,
    /// The SELECT of its values.
    pub values: Input,
    /// That of its volume, where it has one.
    pub volume: Option<Input>,
    /// The names of its dimensions, as both have them.
    pub dimensions: Vec<String>,
    /// Zone and weeks.
    pub calendar: Calendar,
}

/// A SELECT with a column `time`, dimensions, and a metric.
pub struct Input {
    /// The SELECT.
    pub select: Query,
    /// The column of the metric.
    pub column: String,
    /// Its type.
    pub ty: DataType,
}

/// The SELECT of an alert: `bucket`, its dimensions, `value` where it counts as data, `low` and `high` between which it is as it should be,
/// `state` (`quiet`, `pending` or `firing`), and the number that is told.
pub fn alert(of: &Watched) -> Query {
    let writer = Writer {
        keys: (0..of.dimensions.len()).map(|place| format!("k{place}")).collect(),
        alert: of.alert,
        calendar: of.calendar,
        tests: tests(&of.alert.when),
    };
    let grid = Grid { keys: &writer.keys, every: of.alert.every, calendar: of.calendar };
    let column =
        |input: &'static str, of: &Input| grid::Column { name: input, of: of.column.clone(), ty: of.ty.clone() };
    let mut seen = vec![Seen { select: &of.values.select, columns: vec![column("v", &of.values)] }];
    seen.extend(of.volume.iter().map(|of| Seen { select: &of.select, columns: vec![column("w", of)] }));
    let seen = writer.known(grid.filled(&seen, &of.dimensions));
    let bands = writer.bands(writer.before(seen));
    let told = writer.states(writer.truth(bands));
    writer.named(told, &of.dimensions)
}

/// The comparisons of a condition, from left to right.
fn tests(condition: &Condition) -> Vec<&Test> {
    let mut found = Vec::new();
    condition.walk(&mut |test| found.push(test));
    found
}

struct Writer<'a> {
    keys: Vec<String>,
    alert: &'a Alert,
    calendar: Calendar,
    tests: Vec<&'a Test>,
}

impl Writer<'_> {
    fn float(&self, value: f64) -> Expr {
        ClickHouse.literal(&Value::Float(value), &DataType::Float, self.calendar)
    }

    fn key_exprs(&self) -> Vec<Expr> {
        self.keys.iter().map(|key| ident_expr(key)).collect()
    }

    /// Rows with the keys, the bucket and these columns, of an inner query.
    fn level(&self, inner: Query, columns: Vec<(&str, Expr)>, filter: Option<Expr>) -> Query {
        let mut projection: Vec<SelectItem> = self.keys.iter().map(|key| kept(key)).collect();
        projection.push(kept("at"));
        projection.extend(columns.into_iter().map(|(name, expr)| build::item(expr, ident(name))));
        Parts { projection, from: Some(build::derived(inner, "r")), filter, ..Parts::default() }.query()
    }

    /// An aggregate of the rows so many buckets before, `from` to `to`; of up to the row itself where `from` is none.
    fn window(&self, name: &str, value: Expr, frame: Option<(i64, i64)>) -> Expr {
        let order = vec![build::sort(ident_expr("at"), false, false)];
        match frame {
            Some((from, to)) => build::rows_before(name, value, self.key_exprs(), order, from, to),
            None => build::before(name, value, self.key_exprs(), order, true),
        }
    }

    /// How many buckets a length of time is.
    fn buckets(&self, ms: i64) -> i64 {
        ms / self.alert.every.about().max(1)
    }
}

/// A column as it is.
fn kept(name: &str) -> SelectItem {
    build::item(ident_expr(name), ident(name))
}

fn minus(left: Expr, right: Expr) -> Expr {
    binary(left, Op::Minus, right)
}

fn times(left: Expr, right: Expr) -> Expr {
    binary(left, Op::Multiply, right)
}

fn divided(left: Expr, right: Expr) -> Expr {
    binary(left, Op::Divide, right)
}

fn choose(when: Expr, then: Expr, otherwise: Expr) -> Expr {
    call("if", vec![when, then, otherwise])
}

impl Writer<'_> {
    /// The buckets of groups that the metric has, with what counts as data: a number, of which there is enough.
    fn known(&self, rows: Query) -> Query {
        let v = || ident_expr("v");
        let is_number = choose(call("isFinite", vec![v()]), v(), build::null());
        let value = match &self.alert.volume {
            Some(volume) => {
                let op = if volume.inclusive { Op::GtEq } else { Op::Gt };
                choose(binary(ident_expr("w"), op, self.float(volume.least)), is_number, build::null())
            }
            None => is_number,
        };
        let filter = build::equal(ident_expr("g"), number(1));
        self.level(rows, vec![("x", value)], Some(filter))
    }
}

/// What a bucket is compared with.
impl Writer<'_> {
    /// For each comparison what lies before: `b`, and of means and seasons the values as an array, the newest first.
    fn before(&self, known: Query) -> Query {
        let x = || ident_expr("x");
        let or_nan = |value: Expr| call("ifNull", vec![value, ident_expr("nan")]);
        let order = vec![build::sort(ident_expr("at"), false, false)];
        let place = build::window("row_number", self.key_exprs(), order);
        let mut columns: Vec<(String, Expr)> =
            vec![("x".to_owned(), x()), ("i".to_owned(), call("toInt64", vec![place]))];
        for (at, test) in self.tests.iter().enumerate() {
            if let Subject::Growth(ms) = test.subject {
                let back = self.buckets(ms);
                columns.push((format!("b{at}"), self.window("any", x(), Some((back, back)))));
            }
            let values = match &test.bound {
                Bound::Number(_) => continue,
                Bound::Ewma(of) => {
                    let all = self.window("groupArray", or_nan(x()), Some((i64::from(of.buckets()), 1)));
                    call("arrayReverse", vec![all])
                }
                Bound::Seasonal(of) => {
                    let usual = choose(self.left_out(of), build::null(), x());
                    let usual = if of.except.is_empty() { x() } else { usual };
                    let cycle = |cycle: u32| {
                        let back = self.buckets(of.period) * i64::from(cycle);
                        or_nan(self.window("any", usual.clone(), Some((back, back))))
                    };
                    let is_there = build::not(call("isNaN", vec![ident_expr("y")]));
                    let all = call("array", (1..=of.cycles).map(cycle).collect());
                    call("arrayFilter", vec![lambda("y", is_there), all])
                }
            };
            columns.push((format!("a{at}"), values));
        }
        self.level(known, named(&columns), None)
    }

    /// For each band its centre, then its ends.
    fn bands(&self, before: Query) -> Query {
        let mut columns = self.passed();
        for (at, test) in self.tests.iter().enumerate() {
            let centre = match &test.bound {
                Bound::Number(_) => continue,
                Bound::Ewma(of) => self.mean(of, at),
                Bound::Seasonal(of) => self.median(of, at),
            };
            columns.push((format!("a{at}"), ident_expr(&format!("a{at}"))));
            columns.push((format!("c{at}"), centre));
        }
        let centred = self.level(before, named(&columns), None);
        let mut columns = self.passed();
        for (at, test) in self.tests.iter().enumerate() {
            let (wide, floor) = match &test.bound {
                Bound::Number(_) => continue,
                Bound::Ewma(of) => (self.deviation(of, at), of.floor),
                Bound::Seasonal(of) => (self.distance(of, at), of.floor),
            };
            let centre = || ident_expr(&format!("c{at}"));
            let least = times(self.float(floor), call("abs", vec![centre()]));
            let width = || call("greatest", vec![wide.clone(), least.clone()]);
            columns.push((format!("l{at}"), minus(centre(), width())));
            columns.push((format!("h{at}"), binary(centre(), Op::Plus, width())));
        }
        self.level(centred, named(&columns), None)
    }

    /// The columns that go on to the end: the value, its place, and the values of growths.
    fn passed(&self) -> Vec<(String, Expr)> {
        let mut columns = vec![("x".to_owned(), ident_expr("x")), ("i".to_owned(), ident_expr("i"))];
        for (at, test) in self.tests.iter().enumerate() {
            if let Subject::Growth(_) = test.subject {
                columns.push((format!("b{at}"), ident_expr(&format!("b{at}"))));
            }
        }
        columns
    }

    /// The sum of what is made of each value `y` before, by its weight.
    fn weighed(&self, of: &Ewma, at: usize, body: Expr) -> Expr {
        let age = minus(ident_expr("p"), number(1));
        let weight = call("pow", vec![self.float(1.0 - of.alpha), age]);
        let values = || ident_expr(&format!("a{at}"));
        let summed = choose(call("isNaN", vec![ident_expr("y")]), self.float(0.0), times(weight, body));
        let places = call("arrayEnumerate", vec![values()]);
        call("arraySum", vec![lambda_of(&["y", "p"], summed), values(), places])
    }

    fn mean(&self, of: &Ewma, at: usize) -> Expr {
        let is_there = build::not(call("isNaN", vec![ident_expr("y")]));
        let count = call("arrayCount", vec![lambda("y", is_there), ident_expr(&format!("a{at}"))]);
        let mean = divided(self.weighed(of, at, ident_expr("y")), self.weighed(of, at, self.float(1.0)));
        choose(binary(count, Op::GtEq, number(of.needed())), call("toNullable", vec![mean]), build::null())
    }

    fn deviation(&self, of: &Ewma, at: usize) -> Expr {
        let apart = || minus(ident_expr("y"), call("ifNull", vec![ident_expr(&format!("c{at}")), ident_expr("nan")]));
        let squares = self.weighed(of, at, times(apart(), build::nested(apart())));
        let variance = divided(squares, self.weighed(of, at, self.float(1.0)));
        times(self.float(of.sigma), call("sqrt", vec![variance]))
    }

    fn median(&self, of: &Seasonal, at: usize) -> Expr {
        let values = ident_expr(&format!("a{at}"));
        let count = call("length", vec![values.clone()]);
        let median = middle(call("arraySort", vec![values.clone()]), count.clone());
        let mut parts = vec![binary(count, Op::GtEq, number(of.needed()))];
        if !of.except.is_empty() {
            parts.push(build::not(build::nested(self.left_out(of))));
        }
        let is_known = build::all(parts).unwrap_or_else(|| number(1));
        choose(is_known, call("toNullable", vec![median]), build::null())
    }

    /// Whether the bucket has a day that is left out.
    fn left_out(&self, of: &Seasonal) -> Expr {
        // Buckets and days begin with a whole second.
        let run = |(from, to): (i64, i64)| {
            let bounds = [(Op::GtEq, from), (Op::Lt, to)];
            let bounds = bounds.map(|(op, ms)| binary(ident_expr("at"), op, number(ms.div_euclid(1_000))));
            build::all(bounds).unwrap_or_else(|| number(0))
        };
        build::any(of.left_out(self.alert.every.about()).map(run)).unwrap_or_else(|| number(0))
    }

    fn distance(&self, of: &Seasonal, at: usize) -> Expr {
        let values = || ident_expr(&format!("a{at}"));
        let centre = call("ifNull", vec![ident_expr(&format!("c{at}")), ident_expr("nan")]);
        let apart = call("abs", vec![minus(ident_expr("y"), centre)]);
        let distances = call("arraySort", vec![call("arrayMap", vec![lambda("y", apart), values()])]);
        times(self.float(of.sigma * Seasonal::SCALE), middle(distances, call("length", vec![values()])))
    }
}

/// The value in the middle of sorted ones; of an even number of values the mean of the two there.
fn middle(sorted: Expr, count: Expr) -> Expr {
    let half = |add: i64| {
        let place = call("intDiv", vec![binary(count.clone(), Op::Plus, number(add)), number(2)]);
        call("arrayElement", vec![sorted.clone(), place])
    };
    divided(binary(half(1), Op::Plus, half(2)), number(2))
}

fn named(columns: &[(String, Expr)]) -> Vec<(&str, Expr)> {
    columns.iter().map(|(name, expr)| (name.as_str(), expr.clone())).collect()
}

/// Whether the condition holds, and what follows.
impl Writer<'_> {
    /// `t`: 1 where it holds, 0 where it fails, null where that can't be told; `n`: the number that makes it hold; the ends `low` and `high`.
    fn truth(&self, bands: Query) -> Query {
        let mut place = 0;
        let (truth, told) = self.condition(&self.alert.when, &mut place);
        let columns = vec![
            ("x", ident_expr("x")),
            ("i", ident_expr("i")),
            ("t", call("toNullable", vec![truth])),
            ("n", told),
            ("low", self.end(true)),
            ("high", self.end(false)),
        ];
        self.level(bands, columns, None)
    }

    /// Whether it holds, and the number of the first comparison that makes it do so.
    fn condition(&self, condition: &Condition, place: &mut usize) -> (Expr, Expr) {
        match condition {
            Condition::Test(test) => {
                let at = *place;
                *place += 1;
                let number = self.subject(test, at);
                (self.compared(test, at, number.clone()), number)
            }
            Condition::All(parts) => {
                let parts: Vec<(Expr, Expr)> = parts.iter().map(|part| self.condition(part, place)).collect();
                let told = parts.first().map_or_else(build::null, |(_, told)| told.clone());
                let truth = build::all(parts.into_iter().map(|(truth, _)| build::nested(truth)));
                (truth.unwrap_or_else(|| number(1)), told)
            }
            Condition::Any(parts) => {
                let parts: Vec<(Expr, Expr)> = parts.iter().map(|part| self.condition(part, place)).collect();
                let mut told = Vec::new();
                for (truth, number) in &parts {
                    told.extend([truth.clone(), number.clone()]);
                }
                told.push(nothing());
                let truth = build::any(parts.into_iter().map(|(truth, _)| build::nested(truth)));
                (truth.unwrap_or_else(|| number(0)), call("multiIf", told))
            }
        }
    }

    fn subject(&self, test: &Test, at: usize) -> Expr {
        match test.subject {
            Subject::Value => ident_expr("x"),
            Subject::Growth(_) => {
                let before = call("nullIf", vec![ident_expr(&format!("b{at}")), self.float(0.0)]);
                minus(divided(ident_expr("x"), before), number(1))
            }
        }
    }

    fn compared(&self, test: &Test, at: usize, subject: Expr) -> Expr {
        let (low, high) = match &test.bound {
            Bound::Number(number) => (self.float(*number), self.float(*number)),
            Bound::Ewma(_) | Bound::Seasonal(_) => (ident_expr(&format!("l{at}")), ident_expr(&format!("h{at}"))),
        };
        let below = |op| binary(subject.clone(), op, low.clone());
        let above = |op| binary(subject.clone(), op, high.clone());
        match test.comparison {
            Comparison::Less => below(Op::Lt),
            Comparison::LessEqual => below(Op::LtEq),
            Comparison::Greater => above(Op::Gt),
            Comparison::GreaterEqual => above(Op::GtEq),
            Comparison::Outside => build::nested(binary(below(Op::Lt), Op::Or, above(Op::Gt))),
        }
    }

    /// The lower or the upper end, by the first comparison that has one.
    fn end(&self, is_low: bool) -> Expr {
        let has = |of: Comparison| match of {
            Comparison::Less | Comparison::LessEqual => is_low,
            Comparison::Greater | Comparison::GreaterEqual => !is_low,
            Comparison::Outside => true,
        };
        let found = self.tests.iter().enumerate().find(|(_, test)| has(test.comparison));
        let Some((at, test)) = found else { return nothing() };
        match (&test.bound, test.subject) {
            (Bound::Number(bound), Subject::Value) => call("toNullable", vec![self.float(*bound)]),
            (Bound::Number(bound), Subject::Growth(_)) => {
                let before = ident_expr(&format!("b{at}"));
                let end = times(before.clone(), self.float(1.0 + bound));
                choose(binary(before, Op::Gt, number(0)), end, build::null())
            }
            _ => ident_expr(&format!("{}{at}", if is_low { "l" } else { "h" })),
        }
    }

    /// What the alert does after each bucket.
    fn states(&self, truth: Query) -> Query {
        let [i, t] = ["i", "t"].map(|name| move || ident_expr(name));
        let holds = || call("ifNull", vec![t(), number(0)]);
        let fails = || build::equal(t(), number(0));
        let kept = || ["x", "i", "t", "n", "low", "high"].map(|name| (name, ident_expr(name))).to_vec();
        // Where it last failed, and where it last did not hold: that it can't be told breaks what is pending, too.
        let mut columns = kept();
        columns.push(("f", self.window("max", choose(fails(), i(), build::null()), None)));
        columns.push(("o", self.window("max", choose(holds(), build::null(), i()), None)));
        columns.push(("y", self.window("anyLast", ident_expr("x"), None)));
        let marked = self.level(truth, columns, None);
        // It held for so many buckets, this one included.
        let length = minus(i(), call("ifNull", vec![ident_expr("o"), number(0)]));
        let needed = number(self.hold() + 1);
        let began = build::all([holds(), binary(length, Op::GtEq, needed)]).unwrap_or_else(|| number(0));
        let mut columns = kept();
        columns.extend(["f", "y"].map(|name| (name, ident_expr(name))));
        columns.push(("s", self.window("max", choose(began, i(), build::null()), None)));
        let begun = self.level(marked, columns, None);
        let [s, f] = ["s", "f"].map(|name| call("ifNull", vec![ident_expr(name), number(0)]));
        let firing = || binary(s.clone(), Op::Gt, f.clone());
        let state = call("multiIf", vec![firing(), text("firing"), holds(), text("pending"), text("quiet")]);
        let waits = build::all([build::is_null(t()), firing()]).unwrap_or_else(|| number(0));
        let told = call("multiIf", vec![holds(), ident_expr("n"), waits, ident_expr("y"), build::null()]);
        let columns = vec![
            ("x", ident_expr("x")),
            ("low", ident_expr("low")),
            ("high", ident_expr("high")),
            ("state", state),
            ("told", told),
        ];
        self.level(begun, columns, None)
    }

    /// How many buckets more than one it must hold.
    fn hold(&self) -> i64 {
        let step = self.alert.every.about().max(1);
        self.alert.hold.saturating_add(step - 1) / step
    }

    /// With the names that people know.
    fn named(&self, told: Query, dimensions: &[String]) -> Query {
        let own = |name: &str| build::column("a", ident(name));
        let bucket = grid::shown(own("at"), self.calendar);
        let mut projection = vec![build::item(bucket, ident("bucket"))];
        let keys = dimensions.iter().zip(&self.keys);
        projection.extend(keys.map(|(name, key)| build::item(own(key), ClickHouse.identifier(&column_of(name)))));
        let rest: [(&str, Ident); 5] = [
            ("x", ident("value")),
            ("low", ident("low")),
            ("high", ident("high")),
            ("state", ident("state")),
            ("told", ident("told")),
        ];
        projection.extend(rest.into_iter().map(|(name, shown)| build::item(own(name), shown)));
        let all = Parts { projection, from: Some(build::derived(told, "a")), ..Parts::default() }.query();
        let mut order = vec![build::sort(own("at"), false, false)];
        order.extend(self.keys.iter().map(|key| build::sort(own(key), false, true)));
        build::ordered(all, order)
    }
}

/// The column of a dimension: one that has the name of another column gets `dim_` before it.
fn column_of(dimension: &str) -> String {
    const OWN: [&str; 6] = ["bucket", "value", "low", "high", "state", "told"];
    if OWN.contains(&dimension) { format!("dim_{dimension}") } else { dimension.to_owned() }
}
