//! An objective as a SELECT: how fast what may be bad of it is used up, a row a minute.
//!
//! Both parts are summed up once, from the first minute on; what a window has is the difference of two of these sums. So the cost is that
//! of the minutes, however long the windows are.

use sqlparser::ast::{BinaryOperator as Op, Expr, Query, SelectItem};

use super::grid::{Column, Grid, Seen, nothing, shown};
use super::{ClickHouse, choose, divided, kept, minus};
use crate::plan::{DataType, Step, Value};
use crate::sql::build::{self, Parts, binary, call, ident, ident_expr, number, text};
use crate::sql::dialect::{Calendar, Scalars};

/// What an objective looks at, and when somebody is told.
pub struct Objective<'a> {
    /// The SELECT of both parts by minutes, with a column `time`.
    pub select: Query,
    /// The column of what is good or bad, and its type.
    pub part: (String, DataType),
    /// The column of what it is a part of, and its type.
    pub total: (String, DataType),
    /// Whether the part is what is bad.
    pub is_bad: bool,
    /// The share that may be bad.
    pub budget: f64,
    /// What the short window of an alert must have.
    pub least: f64,
    /// All windows from the shortest on, each with its name and its length in milliseconds; the last one is that of the objective.
    pub windows: Vec<(String, i64)>,
    /// The alerts.
    pub burns: &'a [Burn],
    /// Zone and weeks.
    pub calendar: Calendar,
}

/// An alert of two windows.
pub struct Burn {
    /// The name of the long window.
    pub long: String,
    /// That of the short one.
    pub short: String,
    /// The share of what is bad above which it fires.
    pub bound: f64,
}

const STEP: Step = Step::Subday(60_000);

/// The SELECT: `bucket`, the minute; for each window `total_5m`, what was counted, `bad_share_5m`, the share of it that is bad, and
/// `burn_5m`, how many times as fast as it may; `budget_left_30d`, the share of what may be bad that is left; and for each alert
/// `state_1h`, by its long window.
pub fn objective(of: &Objective) -> Query {
    let grid = Grid { keys: &[], every: STEP, calendar: of.calendar };
    let column = |name, (of, ty): &(String, DataType)| Column { name, of: of.clone(), ty: ty.clone() };
    let columns = vec![column("v", &of.part), column("w", &of.total)];
    let minutes = grid.filled(&[Seen { select: &of.select, columns }], &[]);
    let summed =
        level(counted(minutes), vec![("cp".to_owned(), before("sum", "p")), ("ct".to_owned(), before("sum", "t"))]);
    let windows = of.shares(of.sums(summed));
    of.named(of.states(windows))
}

/// Rows with their minute and these columns.
fn level(inner: Query, columns: Vec<(String, Expr)>) -> Query {
    let mut projection: Vec<SelectItem> = vec![kept("at")];
    projection.extend(columns.into_iter().map(|(name, expr)| build::item(expr, ident(&name))));
    Parts { projection, from: Some(build::derived(inner, "r")), ..Parts::default() }.query()
}

/// Both parts of each minute: what is no number is nothing.
fn counted(minutes: Query) -> Query {
    let of = |name: &str| {
        let finite = choose(call("isFinite", vec![ident_expr(name)]), ident_expr(name), build::null());
        call("ifNull", vec![finite, float(0.0)])
    };
    level(minutes, vec![("p".to_owned(), of("v")), ("t".to_owned(), of("w"))])
}

/// An aggregate of a column up to this minute.
fn before(name: &str, column: &str) -> Expr {
    build::before(name, ident_expr(column), Vec::new(), by_time(), true)
}

fn by_time() -> Vec<sqlparser::ast::OrderByExpr> {
    vec![build::sort(ident_expr("at"), false, false)]
}

fn float(value: f64) -> Expr {
    let calendar = Calendar { zone: chrono_tz::UTC, week_start: crate::plan::WeekStart(chrono::Weekday::Mon) };
    ClickHouse.literal(&Value::Float(value), &DataType::Float, calendar)
}

fn of(name: &str, place: usize) -> Expr {
    ident_expr(&format!("{name}{place}"))
}

impl Objective<'_> {
    fn place(&self, window: &str) -> usize {
        self.windows.iter().position(|(name, _)| name == window).unwrap_or_default()
    }

    /// `b0` and `t0` … : what was bad and what was counted over each window. Before the first minute there is nothing.
    fn sums(&self, summed: Query) -> Query {
        let mut columns = Vec::new();
        for (place, (_, ms)) in self.windows.iter().enumerate() {
            let back = ms / STEP.about();
            let window = |name: &str| {
                let then = call("toNullable", vec![ident_expr(name)]);
                let then = build::rows_before("any", then, Vec::new(), by_time(), back, back);
                minus(ident_expr(name), call("ifNull", vec![then, float(0.0)]))
            };
            columns.push((format!("p{place}"), window("cp")));
            columns.push((format!("t{place}"), window("ct")));
        }
        let of_windows = level(summed, columns);
        let mut columns = Vec::new();
        for place in 0..self.windows.len() {
            let bad = if self.is_bad { of("p", place) } else { minus(of("t", place), of("p", place)) };
            columns.push((format!("b{place}"), bad));
            columns.push((format!("t{place}"), of("t", place)));
        }
        level(of_windows, columns)
    }

    /// `s0` … : the share of what is bad, over each window; null of nothing.
    fn shares(&self, sums: Query) -> Query {
        let mut columns = Vec::new();
        for place in 0..self.windows.len() {
            let share = divided(of("b", place), call("nullIf", vec![of("t", place), float(0.0)]));
            let is_there = binary(of("t", place), Op::Gt, float(0.0));
            columns.push((format!("t{place}"), of("t", place)));
            columns.push((format!("s{place}"), choose(is_there, share, nothing())));
        }
        level(sums, columns)
    }

    /// `f0` … : whether each alert fires. Without anything in its long window it neither fires nor resolves.
    fn states(&self, shares: Query) -> Query {
        let windows = || (0..self.windows.len()).flat_map(|place| ["t", "s"].map(|name| format!("{name}{place}")));
        let passed = || windows().map(|name| (name.clone(), ident_expr(&name))).collect::<Vec<_>>();
        let mut columns = passed();
        for (at, burn) in self.burns.iter().enumerate() {
            let (long, short) = (self.place(&burn.long), self.place(&burn.short));
            let over = |place| binary(of("s", place), Op::Gt, float(burn.bound));
            let enough = binary(of("t", short), Op::GtEq, float(self.least));
            let fires = build::all([over(long), over(short), enough]).unwrap_or_else(|| number(0));
            let is_known = binary(of("t", long), Op::Gt, float(0.0));
            let told = call("multiIf", vec![fires, number(1), is_known, number(0), build::null()]);
            columns.push((format!("h{at}"), told));
        }
        let told = level(shares, columns);
        let mut columns = passed();
        for at in 0..self.burns.len() {
            // Nulls are skipped.
            let last = before("anyLast", &format!("h{at}"));
            columns.push((format!("f{at}"), call("ifNull", vec![last, number(0)])));
        }
        level(told, columns)
    }

    /// With the names that people know.
    fn named(&self, told: Query) -> Query {
        let own = |name: String| build::column("a", ident(&name));
        let mut projection = vec![build::item(shown(own("at".to_owned()), self.calendar), ident("bucket"))];
        for (place, (name, _)) in self.windows.iter().enumerate() {
            let share = || own(format!("s{place}"));
            projection.push(build::item(own(format!("t{place}")), ident(&format!("total_{name}"))));
            projection.push(build::item(share(), ident(&format!("bad_share_{name}"))));
            projection.push(build::item(divided(share(), float(self.budget)), ident(&format!("burn_{name}"))));
        }
        if let Some((name, _)) = self.windows.last() {
            let used = divided(own(format!("s{}", self.windows.len() - 1)), float(self.budget));
            projection.push(build::item(minus(number(1), used), ident(&format!("budget_left_{name}"))));
        }
        for (at, burn) in self.burns.iter().enumerate() {
            let fires = build::equal(own(format!("f{at}")), number(1));
            let state = choose(fires, text("firing"), text("quiet"));
            projection.push(build::item(state, ident(&format!("state_{}", burn.long))));
        }
        let all = Parts { projection, from: Some(build::derived(told, "a")), ..Parts::default() }.query();
        build::ordered(all, vec![build::sort(own("at".to_owned()), false, false)])
    }
}
