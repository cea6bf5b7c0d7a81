//! Well-typed random expressions over the rows of a table.

use super::super::model::*;
use super::super::oracle::eval::rescale;
use super::super::text::PATTERNS;
use super::columns::MAP_KEYS;
use super::{Maker, times};

const HOUR: i64 = 3_600_000;

/// A literal of type `ty`; a number takes any unit.
pub fn literal(value: Value, ty: &Ty, unit: &Unit) -> Expr {
    let nullable = value.is_null();
    let value = match (value, ty) {
        (Value::Decimal(digits, from), Ty::Decimal(_, to)) => Value::Decimal(rescale(digits, from, *to), *to),
        (value, _) => value,
    };
    Expr { node: Node::Literal(value), ty: ty.clone(), nullable, unit: unit.clone(), inexact: false }
}

/// A call whose result is null where an argument is, and has no unit.
pub fn call(op: Op, arguments: Vec<Expr>, ty: Ty) -> Expr {
    let nullable = arguments.iter().any(|a| a.nullable);
    let inexact = arguments.iter().any(|a| a.inexact);
    Expr { node: Node::Call(op, arguments), ty, nullable, unit: Unit::new(), inexact }
}

impl Expr {
    pub fn nullable(mut self, nullable: bool) -> Expr {
        self.nullable = nullable;
        self
    }

    pub fn of_unit(mut self, unit: Unit) -> Expr {
        self.unit = unit;
        self
    }

    pub fn inexact(mut self, inexact: bool) -> Expr {
        self.inexact |= inexact;
        self
    }
}

/// Whether numbers near the ends of their types are in it: as floats they swallow all others, and cancel to nothing.
pub fn wild(expr: &Expr) -> bool {
    expr.any(&mut |e| matches!(&e.node, Node::Column(path) if ["bytes", "huge", "derived"].contains(&path[path.len() - 1].as_str())))
}

/// A column of a row.
pub fn column(name: &str, column: &Column) -> Expr {
    let unit = column.unit.iter().map(|unit| (unit.clone(), 1)).collect();
    let inexact = column.computed.as_ref().is_some_and(|expr| expr.inexact);
    Expr { node: Node::Column(vec![name.to_owned()]), ty: column.ty.clone(), nullable: column.nullable, unit, inexact }
}

impl Maker {
    /// Every column that a row of a table reaches: its own, and by one or two hops.
    pub fn reachable(&self, table: &str, hops: usize) -> Vec<Expr> {
        let timed = self.project.table(table).expect("a declared table").time.is_some();
        self.reach(table, hops, timed)
    }

    /// A version is looked up at the time of the row that the path starts from.
    fn reach(&self, table: &str, hops: usize, timed: bool) -> Vec<Expr> {
        let table = self.project.table(table).expect("a declared table");
        let mut all = Vec::new();
        for own in &table.columns {
            let expr = column(&own.name, own);
            if let (Ty::Entity(entity), true) = (&own.ty, hops > 0) {
                let versions = self.project.table(entity).is_some_and(|entity| entity.history.is_some());
                let far = if versions && !timed { Vec::new() } else { self.reach(entity, hops - 1, timed) };
                for mut far in far {
                    if let Node::Column(path) = &mut far.node {
                        path.insert(0, own.name.clone());
                    }
                    all.push(far.nullable(true));
                }
            }
            all.push(expr);
        }
        all
    }

    /// The column at the end of a path.
    pub fn target(&self, table: &str, path: &[String]) -> Option<(&Table, &Column)> {
        let table = self.project.table(table)?;
        let column = table.column(&path[0])?;
        match &column.ty {
            Ty::Entity(entity) if path.len() > 1 => self.target(entity, &path[1..]),
            _ => Some((table, column)),
        }
    }

    /// A random reachable column that satisfies `test`; near ones more often, personal ones never.
    pub fn some_column(&mut self, table: &str, test: impl Fn(&Ty) -> bool) -> Option<Expr> {
        let hops = [0, 0, 0, 1, 2][self.rng.below(5)];
        let fine = |maker: &Maker, expr: &Expr| {
            let Node::Column(path) = &expr.node else { return false };
            test(&expr.ty) && maker.target(table, path).is_some_and(|(_, column)| !column.pii)
        };
        let all = self.reachable(table, hops);
        let all: Vec<Expr> = all.into_iter().filter(|expr| fine(self, expr)).collect();
        self.rng.maybe(&all).cloned()
    }

    /// A literal that an expression may well equal: out of the data, where it is a column.
    pub fn literal_like(&mut self, table: &str, expr: &Expr) -> Expr {
        let found = match &expr.node {
            Node::Column(path) => self.value_of_data(table, path),
            _ => None,
        };
        let value = found.unwrap_or_else(|| self.some_value(&expr.ty));
        let value = match value {
            Value::Timestamp(ms) => Value::Timestamp(times::literal(ms, self.project.zone)),
            value => value,
        };
        literal(value, &expr.ty, &expr.unit)
    }

    fn value_of_data(&mut self, table: &str, path: &[String]) -> Option<Value> {
        let (table, column) = self.target(table, path)?;
        let place = table.place(&column.name)?;
        let values: Vec<Value> = table.rows.iter().map(|row| row[place].clone()).filter(|v| !v.is_null()).collect();
        self.rng.maybe(&values).cloned()
    }

    /// A likely value of a type.
    pub fn some_value(&mut self, ty: &Ty) -> Value {
        let zone = self.project.zone;
        let rng = &mut self.rng;
        match ty {
            Ty::Bool => Value::Bool(rng.chance(50)),
            Ty::Int => Value::Int(rng.between(-2, 12)),
            Ty::Float => Value::Float(rng.between(-8, 40) as f64 / 4.0),
            Ty::Decimal(_, s) => Value::Decimal(i128::from(rng.between(-50, 500)), (*s).min(2)),
            Ty::Str => Value::Str((*rng.pick(&["", "a", "cut", "用户", "it's", "12"])).to_owned()),
            Ty::Enum(values) => Value::Str(rng.pick(values).clone()),
            Ty::Date => Value::Date(times::instant(rng, zone).div_euclid(24 * HOUR) as i32),
            Ty::Timestamp => Value::Timestamp(times::literal(times::instant(rng, zone), zone)),
            Ty::Duration => Value::Duration(*rng.pick(&[0, 1, 500, 1_000, 30_000, HOUR, 24 * HOUR, 90 * HOUR])),
            Ty::Entity(entity) => {
                let entity = entity.clone();
                self.entity_key(&entity)
            }
            Ty::Map => Value::Null,
        }
    }

    /// An expression of a type over the rows of a table; `time` says whether the row's time may be used.
    pub fn row_expr(&mut self, table: &str, ty: &Ty, depth: usize, time: bool) -> Option<Expr> {
        for _ in 0..8 {
            let found = match ty {
                Ty::Bool => self.condition(table, depth, time),
                _ if depth == 0 || self.rng.chance(35) => self.plain_value(table, ty, time),
                Ty::Int => self.int(table, depth, time),
                Ty::Float => self.float(table, depth, time),
                Ty::Decimal(..) => self.decimal(table, ty, depth, time),
                Ty::Str => self.text(table, depth, time),
                Ty::Timestamp => self.timestamp(table, depth, time),
                Ty::Date => self.date(table, time),
                Ty::Duration => self.duration(table, depth, time),
                _ => self.plain_value(table, ty, time),
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    pub fn plain_value(&mut self, table: &str, ty: &Ty, time: bool) -> Option<Expr> {
        if *ty == Ty::Timestamp && time && self.rng.chance(40) {
            return Some(time_of_row());
        }
        self.some_column(table, |found| found == ty)
    }

    /// Forms that every ordered type has: `??`, `coalesce`, `nullif`, `if`, `case`, `least`, `greatest`.
    pub fn choice(&mut self, table: &str, ty: &Ty, depth: usize, time: bool) -> Option<Expr> {
        let a = self.row_expr(table, ty, depth - 1, time)?;
        let mut b = match self.row_expr(table, ty, depth - 1, time) {
            Some(b) if b.unit == a.unit && b.ty.fits(&a.ty) && self.rng.chance(60) => b,
            _ => self.literal_like(table, &a),
        };
        b.ty = if matches!(b.node, Node::Literal(_)) { a.ty.clone() } else { b.ty };
        let both = (a.nullable, b.nullable);
        let (ty, unit) = (a.ty.clone(), a.unit.clone());
        // A decimal of another precision would change the type of the whole.
        if a.ty != b.ty {
            return None;
        }
        Some(match self.rng.below(7) {
            0 => call(Op::Coalesce, vec![a, b], ty).nullable(both.0 && both.1).of_unit(unit),
            1 => call(Op::CoalesceCall, vec![a, b], ty).nullable(both.0 && both.1).of_unit(unit),
            2 if !a.inexact && !b.inexact => call(Op::NullIf, vec![a, b], ty).nullable(true).of_unit(unit),
            3 => call(Op::Least, vec![a, b], ty).nullable(both.0 && both.1).of_unit(unit),
            4 => call(Op::Greatest, vec![a, b], ty).nullable(both.0 && both.1).of_unit(unit),
            5 => {
                let condition = self.condition(table, depth - 1, time)?;
                call(Op::If, vec![condition, a, b], ty).nullable(both.0 || both.1).of_unit(unit)
            }
            _ => self.case(table, a, b, depth, time)?,
        })
    }

    fn case(&mut self, table: &str, a: Expr, b: Expr, depth: usize, time: bool) -> Option<Expr> {
        let (ty, unit, inexact) = (a.ty.clone(), a.unit.clone(), a.inexact || b.inexact);
        let mut branches = vec![(self.condition(table, depth - 1, time)?, a.clone())];
        if self.rng.chance(30) {
            branches.push((self.condition(table, depth - 1, time)?, b.clone()));
        }
        let otherwise = self.rng.chance(70).then(|| Box::new(b.clone()));
        let nullable = a.nullable || b.nullable || otherwise.is_none();
        Some(Expr { node: Node::Case(branches, otherwise), ty, nullable, unit, inexact })
    }

    /// A comparison, a test, or several of them.
    pub fn condition(&mut self, table: &str, depth: usize, time: bool) -> Option<Expr> {
        if depth > 0 && self.rng.chance(30) {
            let op = if self.rng.chance(50) { Op::And } else { Op::Or };
            let parts = (0..2 + self.rng.below(2)).map(|_| self.condition(table, depth - 1, time));
            return Some(call(op, parts.collect::<Option<_>>()?, Ty::Bool));
        }
        if depth > 0 && self.rng.chance(12) {
            return Some(call(Op::Not, vec![self.condition(table, depth - 1, time)?], Ty::Bool));
        }
        let test = |ty: &Ty| !matches!(ty, Ty::Map);
        let mut subject = self.some_column(table, test)?;
        let grows = !matches!(subject.ty, Ty::Bool | Ty::Enum(_) | Ty::Entity(_));
        if depth > 0 && grows && self.rng.chance(40) {
            let ty = subject.ty.clone();
            if let Some(grown) = self.row_expr(table, &ty, depth, time) {
                subject = grown;
            }
        } else if time && self.rng.chance(8) {
            subject = time_of_row();
        }
        self.test_of(table, subject)
    }

    /// A condition on a value.
    fn test_of(&mut self, table: &str, subject: Expr) -> Option<Expr> {
        if subject.nullable && self.rng.chance(15) {
            let op = if self.rng.chance(40) { Op::IsNull } else { Op::IsNotNull };
            return Some(call(op, vec![subject], Ty::Bool).nullable(false));
        }
        if subject.inexact {
            return None;
        }
        match &subject.ty {
            Ty::Bool => Some(match self.rng.below(3) {
                0 => call(Op::Not, vec![subject], Ty::Bool),
                1 if subject.nullable => {
                    let other = literal(Value::Bool(self.rng.chance(50)), &Ty::Bool, &Unit::new());
                    call(Op::Coalesce, vec![subject, other], Ty::Bool).nullable(false)
                }
                _ => subject,
            }),
            Ty::Str if self.rng.chance(45) => self.text_test(table, subject),
            Ty::Enum(_) | Ty::Entity(_) => {
                let ops = [Op::Equal, Op::NotEqual, Op::In, Op::NotIn];
                self.comparison(table, subject, &ops)
            }
            _ => {
                let ops = [
                    Op::Equal,
                    Op::NotEqual,
                    Op::Less,
                    Op::LessEqual,
                    Op::Greater,
                    Op::GreaterEqual,
                    Op::In,
                    Op::NotIn,
                    Op::Between,
                    Op::NotBetween,
                ];
                self.comparison(table, subject, &ops)
            }
        }
    }

    fn comparison(&mut self, table: &str, subject: Expr, ops: &[Op]) -> Option<Expr> {
        let op = self.rng.pick(ops).clone();
        let literals = match op {
            Op::In | Op::NotIn => 1 + self.rng.below(3),
            Op::Between | Op::NotBetween => 2,
            _ => 1,
        };
        let mut others: Vec<Expr> = (0..literals).map(|_| self.literal_like(table, &subject)).collect();
        if literals == 1 && self.rng.chance(25) {
            let ty = subject.ty.clone();
            let other = self.some_column(table, |found| *found == ty);
            others =
                other.filter(|o| o.unit == subject.unit && *o != subject && !o.inexact).map_or(others, |o| vec![o]);
        }
        let fresh = !others.iter().enumerate().any(|(i, other)| others[..i].contains(other));
        let ordered = |low: &Expr, high: &Expr| match (&low.node, &high.node) {
            (Node::Literal(a), Node::Literal(b)) => super::super::oracle::eval::compare(a, b).is_lt(),
            _ => true,
        };
        if matches!(op, Op::Between | Op::NotBetween) {
            if others.len() != 2 {
                return None;
            }
            if !ordered(&others[0], &others[1]) {
                others.swap(0, 1);
            }
        }
        fresh.then(|| call(op, std::iter::once(subject).chain(others).collect(), Ty::Bool))
    }

    fn text_test(&mut self, table: &str, subject: Expr) -> Option<Expr> {
        let of = |text: &str| literal(Value::Str(text.into()), &Ty::Str, &Unit::new());
        Some(match self.rng.below(6) {
            0 => {
                let pattern = *self.rng.pick(&["a%", "%b", "%'%", "_", "%\\%%", "%用_", "", "%\\\\%", "%\n%"]);
                let op = if self.rng.chance(30) { Op::NotLike } else { Op::Like };
                call(op, vec![subject, of(pattern)], Ty::Bool)
            }
            1 => call(Op::Matches(self.rng.below(PATTERNS.len())), vec![subject], Ty::Bool),
            n => {
                let op = [Op::StartsWith, Op::EndsWith, Op::Contains][n % 3].clone();
                let part = match self.literal_like(table, &subject).node {
                    Node::Literal(Value::Str(text)) => text.chars().take(2).collect(),
                    _ => String::new(),
                };
                call(op, vec![subject, of(&part)], Ty::Bool)
            }
        })
    }

    fn text(&mut self, table: &str, depth: usize, time: bool) -> Option<Expr> {
        let of = |text: &str| literal(Value::Str(text.into()), &Ty::Str, &Unit::new());
        if self.rng.chance(15) {
            return self.read_text(table, "payload", |text| call(Op::Json(vec!["b".into()]), vec![text], Ty::Str));
        }
        if self.rng.chance(15) {
            let map = self.some_column(table, |ty| *ty == Ty::Map)?;
            let key = (*self.rng.pick(MAP_KEYS)).to_owned();
            return Some(call(Op::Index(key), vec![map], Ty::Str).nullable(true));
        }
        if self.rng.chance(6) {
            return self.masked(table);
        }
        let a = self.row_expr(table, &Ty::Str, depth - 1, time)?;
        Some(match self.rng.below(9) {
            0 => return self.choice(table, &Ty::Str, depth, time),
            1 => call(Op::Lower, vec![a], Ty::Str),
            2 => call(Op::Upper, vec![a], Ty::Str),
            3 => call(Op::Trim, vec![a], Ty::Str),
            4 => {
                let (start, length) = (self.rng.between(0, 3), self.rng.between(0, 4));
                call(Op::Substr(start, length), vec![a], Ty::Str)
            }
            5 => {
                let b = self.row_expr(table, &Ty::Str, depth - 1, time)?;
                call(Op::Concat, vec![a, of("-"), b], Ty::Str)
            }
            6 => {
                let (from, to) =
                    (*self.rng.pick(&["a", "'", "用", "\\", " ", "\n"]), *self.rng.pick(&["", "x", "\"", "户"]));
                call(Op::Replace, vec![a, of(from), of(to)], Ty::Str)
            }
            7 => {
                let separator = (*self.rng.pick(&[",", "a", "用户", "|"])).to_owned();
                call(Op::SplitPart(separator, self.rng.between(1, 3)), vec![a], Ty::Str)
            }
            _ => {
                let number = self.row_expr(table, &Ty::Int, depth - 1, time)?;
                let op = if number.unit.is_empty() { Op::Cast } else { return None };
                call(op, vec![number], Ty::Str)
            }
        })
    }

    /// What is left of personal data, or of any text.
    fn masked(&mut self, table: &str) -> Option<Expr> {
        let texts: Vec<Expr> = self.reachable(table, 1).into_iter().filter(|expr| expr.ty == Ty::Str).collect();
        let text = self.rng.maybe(&texts)?.clone();
        Some(call(Op::Mask, vec![text], Ty::Str))
    }

    fn timestamp(&mut self, table: &str, depth: usize, time: bool) -> Option<Expr> {
        let a = self.plain_value(table, &Ty::Timestamp, time)?;
        let steps =
            [Step::Subday(5 * 60_000), Step::Subday(HOUR), Step::Subday(4 * HOUR), Step::Day, Step::Week, Step::Month];
        match self.rng.below(4) {
            0 => self.choice(table, &Ty::Timestamp, depth, time),
            1 => Some(call(Op::Truncate(*self.rng.pick(&steps)), vec![a], Ty::Timestamp)),
            _ => {
                let op = if self.rng.chance(50) { Op::Add } else { Op::Subtract };
                let span = *self.rng.pick(&[500, 60_000, HOUR, 24 * HOUR, 7 * 24 * HOUR]);
                Some(call(op, vec![a, literal(Value::Duration(span), &Ty::Duration, &Unit::new())], Ty::Timestamp))
            }
        }
    }

    fn date(&mut self, table: &str, time: bool) -> Option<Expr> {
        match self.rng.below(3) {
            0 => {
                let moment = self.plain_value(table, &Ty::Timestamp, time)?;
                Some(call(Op::Date, vec![moment], Ty::Date))
            }
            1 => self.read_text(table, "day_text", |text| call(Op::Cast, vec![text], Ty::Date)),
            _ => {
                let day = self.plain_value(table, &Ty::Date, time)?;
                let op = if self.rng.chance(50) { Op::Add } else { Op::Subtract };
                let span = *self.rng.pick(&[24 * HOUR, 7 * 24 * HOUR]);
                Some(call(op, vec![day, literal(Value::Duration(span), &Ty::Duration, &Unit::new())], Ty::Date))
            }
        }
    }

    fn duration(&mut self, table: &str, depth: usize, time: bool) -> Option<Expr> {
        match self.rng.below(4) {
            0 => self.choice(table, &Ty::Duration, depth, time),
            1 => {
                let a = self.plain_value(table, &Ty::Duration, time)?;
                let b = self.plain_value(table, &Ty::Duration, time)?;
                let op = if self.rng.chance(50) { Op::Add } else { Op::Subtract };
                Some(call(op, vec![a, b], Ty::Duration))
            }
            2 => Some(call(Op::Abs, vec![self.plain_value(table, &Ty::Duration, time)?], Ty::Duration)),
            _ => {
                let a = self.plain_value(table, &Ty::Timestamp, time)?;
                let b = self.plain_value(table, &Ty::Timestamp, time)?;
                (a != b).then(|| call(Op::Subtract, vec![a, b], Ty::Duration))
            }
        }
    }
}

/// The row's time.
pub fn time_of_row() -> Expr {
    Expr { node: Node::Time, ty: Ty::Timestamp, nullable: false, unit: Unit::new(), inexact: false }
}

/// `a / b`
pub fn quotient(a: &Unit, b: &Unit) -> Unit {
    combine(a, b, -1)
}

/// `a * b`
pub fn product(a: &Unit, b: &Unit) -> Unit {
    combine(a, b, 1)
}

fn combine(a: &Unit, b: &Unit, sign: i32) -> Unit {
    let mut unit = a.clone();
    for (name, exponent) in b {
        *unit.entry(name.clone()).or_default() += sign * exponent;
    }
    unit.retain(|_, exponent| *exponent != 0);
    unit
}
