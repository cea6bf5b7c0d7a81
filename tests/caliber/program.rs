//! Random programs of row sets and metrics, and mutations of what they mean.
//!
//! No two conditions of a program have the same constant, so that none makes another one needless by chance.

use fastrand::Rng;

/// A condition on rows.
#[derive(Clone, Debug)]
pub enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    /// Column, operator, number.
    Compare(&'static str, &'static str, i64),
    /// Column, texts.
    In(&'static str, Vec<String>),
    Between(&'static str, i64, i64),
    IsNull(&'static str),
    Flag(&'static str),
}

/// Columns of one type, so that one may stand for another.
pub const NUMBERS: [&str; 3] = ["n", "amount", "depth"];
pub const TEXTS: [&str; 3] = ["page", "device", "user_id.province"];
pub const NULLABLE: [&str; 2] = ["page", "depth"];
pub const FLAGS: [&str; 2] = ["is_test", "is_paid"];
const OPERATORS: [&str; 6] = ["=", "!=", "<", "<=", ">", ">="];

/// Rows: those of a table, or of a subset by its place.
#[derive(Clone, Debug, PartialEq)]
pub enum Rows {
    Table(&'static str),
    Subset(usize),
}

#[derive(Clone, Debug)]
pub struct Subset {
    pub rows: Rows,
    pub condition: Condition,
}

#[derive(Clone, Debug)]
pub enum Formula {
    Leaf { aggregate: &'static str, column: &'static str, rows: Rows, condition: Option<Condition> },
    Metric(usize),
    Over(usize, i64),
    Where(usize, String),
    Sum(Vec<usize>),
    Quotient(usize, usize),
}

#[derive(Clone, Debug)]
pub struct Program {
    /// Whether events are told apart by `event_id`, or by it and the device.
    pub long_key: bool,
    pub subsets: Vec<Subset>,
    pub metrics: Vec<Formula>,
}

struct Making {
    rng: Rng,
    next: i64,
}

impl Making {
    fn constant(&mut self) -> i64 {
        self.next += self.rng.i64(3..9);
        self.next
    }

    fn text(&mut self) -> String {
        format!("t{}", self.constant())
    }

    fn condition(&mut self, depth: usize) -> Condition {
        if depth > 0 && self.rng.bool() {
            let parts = (0..self.rng.usize(2..4)).map(|_| self.condition(depth - 1)).collect();
            return match self.rng.u8(0..3) {
                0 => Condition::And(parts),
                1 => Condition::Or(parts),
                _ => Condition::Not(Box::new(Condition::And(parts))),
            };
        }
        match self.rng.u8(0..10) {
            0..4 => Condition::Compare(pick(&mut self.rng, &NUMBERS), pick(&mut self.rng, &OPERATORS), self.constant()),
            4..7 => {
                let texts = (0..self.rng.usize(1..4)).map(|_| self.text()).collect();
                Condition::In(pick(&mut self.rng, &TEXTS), texts)
            }
            7..9 => {
                let low = self.constant();
                Condition::Between(pick(&mut self.rng, &NUMBERS), low, self.constant())
            }
            // Two of these may be equal: they stand beside a condition that no other one is.
            kind => {
                let inner = if kind == 9 && self.rng.bool() {
                    Condition::IsNull(pick(&mut self.rng, &NULLABLE))
                } else {
                    Condition::Flag(pick(&mut self.rng, &FLAGS))
                };
                Condition::And(vec![inner, Condition::Compare("n", "!=", self.constant())])
            }
        }
    }

    fn rows(&mut self, subsets: usize) -> Rows {
        match self.rng.usize(0..subsets + 1) {
            0 => Rows::Table("event"),
            place => Rows::Subset(place - 1),
        }
    }
}

pub fn pick(rng: &mut Rng, all: &[&'static str]) -> &'static str {
    all[rng.usize(0..all.len())]
}

const AGGREGATES: [&str; 6] = ["count", "sum", "min", "max", "avg", "distinct"];

impl Program {
    pub fn random(seed: u64) -> Program {
        let mut making = Making { rng: Rng::with_seed(seed), next: 10 };
        let mut program = Program { long_key: making.rng.bool(), subsets: Vec::new(), metrics: Vec::new() };
        for place in 0..making.rng.usize(1..4) {
            let subset = Subset { rows: making.rows(place), condition: making.condition(2) };
            program.subsets.push(subset);
        }
        let leaves = making.rng.usize(2..4);
        for _ in 0..leaves {
            let rows = making.rows(program.subsets.len());
            let condition = making.rng.bool().then(|| making.condition(1));
            let aggregate = pick(&mut making.rng, &AGGREGATES);
            let column = if aggregate == "distinct" { "user_id" } else { pick(&mut making.rng, &["n", "depth"]) };
            program.metrics.push(Formula::Leaf { aggregate, column, rows, condition });
        }
        for _ in 0..making.rng.usize(1..4) {
            let leaf = making.rng.usize(0..leaves);
            let other = making.rng.usize(0..leaves);
            let formula = match making.rng.u8(0..5) {
                0 => Formula::Over(leaf, making.rng.i64(2..40)),
                1 => Formula::Where(leaf, making.text()),
                2 => Formula::Quotient(leaf, other),
                3 => Formula::Metric(leaf),
                _ => match program.plain_numbers().as_slice() {
                    [] => Formula::Metric(leaf),
                    plain => Formula::Sum((0..3).map(|_| plain[making.rng.usize(0..plain.len())]).collect()),
                },
            };
            program.metrics.push(formula);
        }
        program
    }

    /// The leaves that may be added up: those of no unit.
    fn plain_numbers(&self) -> Vec<usize> {
        let plain = |place: &usize| matches!(&self.metrics[*place], Formula::Leaf { aggregate, .. } if !matches!(*aggregate, "count" | "distinct"));
        (0..self.metrics.len()).filter(plain).collect()
    }

    /// The metrics that use one, itself among them.
    fn users(&self, wanted: impl Fn(usize) -> bool) -> Vec<String> {
        let uses = |place: &usize| {
            wanted(*place)
                || match &self.metrics[*place] {
                    Formula::Leaf { .. } => false,
                    Formula::Metric(one) | Formula::Over(one, _) | Formula::Where(one, _) => wanted(*one),
                    Formula::Sum(all) => all.iter().any(|one| wanted(*one)),
                    Formula::Quotient(a, b) => wanted(*a) || wanted(*b),
                }
        };
        (0..self.metrics.len()).filter(uses).map(|place| format!("m{place}")).collect()
    }

    fn reaches(&self, rows: &Rows, subset: usize) -> bool {
        match rows {
            Rows::Table(_) => false,
            Rows::Subset(place) => *place == subset || self.reaches(&self.subsets[*place].rows, subset),
        }
    }

    /// Another meaning: the program, what was done, and the metrics that are touched.
    pub fn mutated(&self, seed: u64) -> (Program, &'static str, Vec<String>) {
        let mut rng = Rng::with_seed(seed);
        let mut mutant = self.clone();
        match rng.u8(0..10) {
            0 => {
                mutant.long_key = !self.long_key;
                (mutant, "key", self.users(|_| true))
            }
            1..5 => {
                let place = rng.usize(0..self.subsets.len());
                let what = mutate(&mut mutant.subsets[place].condition, &mut rng);
                let touched = self.users(|one| match &self.metrics[one] {
                    Formula::Leaf { rows, .. } => self.reaches(rows, place),
                    _ => false,
                });
                (mutant, what, touched)
            }
            _ => {
                let place = rng.usize(0..self.metrics.len());
                let what = match &mut mutant.metrics[place] {
                    Formula::Leaf { condition: Some(condition), .. } if rng.bool() => mutate(condition, &mut rng),
                    Formula::Leaf { rows, .. } if rng.u8(0..3) == 0 => {
                        *rows = if *rows == Rows::Table("event") { Rows::Subset(0) } else { Rows::Table("event") };
                        "rows"
                    }
                    Formula::Leaf { aggregate, column, .. } => {
                        *aggregate = if *aggregate == "sum" { "avg" } else { "sum" };
                        *column = "n";
                        "aggregate"
                    }
                    Formula::Over(_, days) => {
                        *days += 1;
                        "window"
                    }
                    Formula::Where(_, text) => {
                        text.push('x');
                        "where in a formula"
                    }
                    Formula::Sum(all) => {
                        all.push(all[0]);
                        "arithmetic"
                    }
                    Formula::Quotient(a, b) if a == b => {
                        mutant.metrics[place] = Formula::Sum(vec![*a, *b]);
                        "arithmetic"
                    }
                    Formula::Quotient(a, b) => {
                        std::mem::swap(a, b);
                        "arithmetic"
                    }
                    Formula::Metric(one) => {
                        mutant.metrics[place] = Formula::Over(*one, 3);
                        "window"
                    }
                };
                (mutant, what, self.users(|one| one == place))
            }
        }
    }
}

/// Changes one place of a condition.
fn mutate(condition: &mut Condition, rng: &mut Rng) -> &'static str {
    match condition {
        Condition::And(parts) | Condition::Or(parts) => {
            let mut place = rng.usize(0..parts.len());
            // There may be a second one like these, but not like what stands beside them.
            if matches!(parts[place], Condition::IsNull(_) | Condition::Flag(_)) {
                place = parts.len() - 1;
            }
            if rng.u8(0..4) == 0 {
                parts.remove(place);
                return "condition left out";
            }
            mutate(&mut parts[place], rng)
        }
        Condition::Not(inner) => mutate(inner, rng),
        Condition::Compare(column, operator, constant) => match rng.u8(0..3) {
            0 => {
                *column = if *column == "n" { "amount" } else { "n" };
                "another column"
            }
            1 => {
                *operator = OPERATORS[(OPERATORS.iter().position(|one| one == operator).unwrap_or(0) + 1) % 6];
                "another operator"
            }
            _ => {
                // No other constant of the program is there.
                *constant += 1_000;
                "another constant"
            }
        },
        Condition::In(column, texts) => match rng.bool() {
            true => {
                *column = if *column == "page" { "device" } else { "page" };
                "another column"
            }
            false => {
                texts.push("another".to_owned());
                "another constant"
            }
        },
        Condition::Between(_, low, _) => {
            *low -= 1_000;
            "another constant"
        }
        // Never asked for: see above.
        Condition::IsNull(_) | Condition::Flag(_) => "nothing",
    }
}
