//! Random expressions that are numbers.

use super::super::model::*;
use super::Maker;
use super::exprs::{call, column, literal, product, quotient, wild};

impl Maker {
    pub fn int(&mut self, table: &str, depth: usize, time: bool) -> Option<Expr> {
        let none = Unit::new();
        match self.rng.below(9) {
            0 => self.choice(table, &Ty::Int, depth, time),
            1 => {
                let text = self.row_expr(table, &Ty::Str, depth - 1, time)?;
                Some(call(Op::Length, vec![text], Ty::Int))
            }
            2 | 3 => {
                let moment = self.row_expr(table, &Ty::Timestamp, depth - 1, time)?;
                let ops = [
                    Op::Hour,
                    Op::DayOfWeek,
                    Op::DayOfYear,
                    Op::Day,
                    Op::Week,
                    Op::IsoYear,
                    Op::Month,
                    Op::Quarter,
                    Op::Year,
                    Op::ToUnix,
                ];
                Some(call(self.rng.pick(&ops).clone(), vec![moment], Ty::Int))
            }
            4 => {
                let day = self.row_expr(table, &Ty::Date, depth - 1, time)?;
                let ops =
                    [Op::DayOfWeek, Op::DayOfYear, Op::Day, Op::Week, Op::IsoYear, Op::Month, Op::Quarter, Op::Year];
                Some(call(self.rng.pick(&ops).clone(), vec![day], Ty::Int))
            }
            5 => self.read_text(table, "price_text", |text| call(Op::Cast, vec![text], Ty::Int)),
            6 => self.read_text(table, "payload", |text| call(Op::Json(vec!["a".into()]), vec![text], Ty::Int)),
            7 => {
                let text = self.row_expr(table, &Ty::Str, depth - 1, time)?;
                Some(call(Op::Hash, vec![text], Ty::Int))
            }
            _ => {
                let a = self.row_expr(table, &Ty::Int, depth - 1, time)?;
                let unit = a.unit.clone();
                let b = match self.row_expr(table, &Ty::Int, depth - 1, time) {
                    Some(b) if b.unit == unit && self.rng.chance(50) => b,
                    _ => literal(Value::Int(self.rng.between(1, 9)), &Ty::Int, &unit),
                };
                Some(match self.rng.below(6) {
                    0 => call(Op::Add, vec![a, b], Ty::Int).of_unit(unit),
                    1 => call(Op::Subtract, vec![a, b], Ty::Int).of_unit(unit),
                    2 => call(
                        Op::Multiply,
                        vec![a, literal(Value::Int(self.rng.between(2, 5)), &Ty::Int, &none)],
                        Ty::Int,
                    ),
                    3 => call(Op::Modulo, vec![a, b], Ty::Int).nullable(true).of_unit(unit),
                    4 => call(Op::Negate, vec![a], Ty::Int).of_unit(unit),
                    _ => call(Op::Abs, vec![a], Ty::Int).of_unit(unit),
                })
            }
        }
    }

    /// A function of a text column, by its name: casts are only sure about texts that were made for them.
    pub fn read_text(&mut self, table: &str, name: &str, read: impl Fn(Expr) -> Expr) -> Option<Expr> {
        let table = self.project.table(table)?;
        let found = table.column(name).map(|found| column(name, found));
        let found = found.or_else(|| {
            let map = table.columns.iter().find(|column| column.ty == Ty::Map && name == "price_text")?;
            Some(call(Op::Index("price".into()), vec![column(&map.name, map)], Ty::Str).nullable(true))
        });
        found.map(|text| read(text).nullable(true))
    }

    pub fn float(&mut self, table: &str, depth: usize, time: bool) -> Option<Expr> {
        match self.rng.below(8) {
            7 => {
                // No more than what sums bear.
                let a = self.some_column(table, |ty| *ty == Ty::Float).filter(|a| a.unit.is_empty())?;
                let most = literal(Value::Float(8.0), &Ty::Float, &Unit::new());
                let a = call(Op::Least, vec![a, most], Ty::Float).nullable(false);
                Some(call(Op::Exp, vec![a], Ty::Float).nullable(true).inexact(true))
            }
            0 => self.choice(table, &Ty::Float, depth, time),
            1 => {
                let ty = self.some_number(table)?;
                let a = self.row_expr(table, &ty, depth - 1, time)?;
                let ty = self.some_number(table)?;
                let b = self.row_expr(table, &ty, depth - 1, time)?;
                if wild(&a) || wild(&b) {
                    return None;
                }
                let unit = quotient(&a.unit, &b.unit);
                let inexact = matches!(a.ty, Ty::Decimal(..)) || matches!(b.ty, Ty::Decimal(..));
                Some(call(Op::Divide, vec![a, b], Ty::Float).nullable(true).of_unit(unit).inexact(inexact))
            }
            2 => {
                let ty = self.some_number(table)?;
                let a = self.row_expr(table, &ty, depth - 1, time)?;
                let inexact = matches!(a.ty, Ty::Decimal(..));
                if wild(&a) {
                    return None;
                }
                (a.unit.is_empty() && a.ty != Ty::Float).then(|| call(Op::Cast, vec![a], Ty::Float).inexact(inexact))
            }
            3 => self.read_text(table, "price_text", |text| call(Op::Cast, vec![text], Ty::Float)),
            4 => {
                let a = self.row_expr(table, &Ty::Float, depth - 1, time)?;
                let op = [Op::Sqrt, Op::Ln, Op::Abs, Op::Pow][self.rng.below(4)].clone();
                let undefined = op != Op::Abs;
                if !a.unit.is_empty() && undefined {
                    return None;
                }
                let (unit, nullable) = (a.unit.clone(), a.nullable || undefined);
                let half = literal(Value::Float(*self.rng.pick(&[0.5, 2.0, -1.0, 0.0])), &Ty::Float, &Unit::new());
                let arguments = if op == Op::Pow { vec![a, half] } else { vec![a] };
                Some(call(op, arguments, Ty::Float).of_unit(unit).nullable(nullable).inexact(undefined))
            }
            5 => {
                let a = self.some_column(table, |ty| *ty == Ty::Float)?;
                let (unit, op) = (a.unit.clone(), [Op::Floor, Op::Ceil, Op::Round][self.rng.below(3)].clone());
                (!a.inexact).then(|| call(op, vec![a], Ty::Float).of_unit(unit))
            }
            _ => {
                let a = self.row_expr(table, &Ty::Float, depth - 1, time)?;
                let b = self.row_expr(table, &Ty::Float, depth - 1, time)?;
                let op = [Op::Add, Op::Subtract, Op::Multiply][self.rng.below(3)].clone();
                let unit = if op == Op::Multiply { product(&a.unit, &b.unit) } else { a.unit.clone() };
                let fine = op == Op::Multiply || a.unit == b.unit;
                // Long chains of inexact numbers may cancel to nothing.
                (fine && !a.inexact && !b.inexact).then(|| {
                    let inexact = op == Op::Multiply;
                    call(op, vec![a, b], Ty::Float).of_unit(unit).inexact(inexact)
                })
            }
        }
    }

    /// The type of some numeric column, int where there is none.
    fn some_number(&mut self, table: &str) -> Option<Ty> {
        let found = self.some_column(table, |ty| ty.is_number());
        Some(found.map_or(Ty::Int, |expr| expr.ty))
    }

    pub fn decimal(&mut self, table: &str, ty: &Ty, depth: usize, time: bool) -> Option<Expr> {
        let &Ty::Decimal(precision, scale) = ty else { return None };
        match self.rng.below(6) {
            0 => self.choice(table, ty, depth, time),
            1 if scale <= 4 => self.read_text(table, "price_text", |text| call(Op::Cast, vec![text], ty.clone())),
            2 if scale <= 4 => {
                // Stored ones are multiples of 1/64: whether a tie is one does not hang on their last digit.
                let float = self.some_column(table, |ty| *ty == Ty::Float)?;
                let computed =
                    float.any(&mut |e| matches!(&e.node, Node::Column(path) if path[path.len() - 1] == "derived"));
                (!computed && float.unit.is_empty() && !float.inexact)
                    .then(|| call(Op::Cast, vec![float], ty.clone()).nullable(true))
            }
            3 => {
                let a = self.plain_value(table, ty, time)?;
                let unit = a.unit.clone();
                let ops = [Op::Abs, Op::Negate, Op::Round, Op::RoundTo(1), Op::Floor, Op::Ceil];
                Some(call(self.rng.pick(&ops).clone(), vec![a], ty.clone()).of_unit(unit))
            }
            _ => {
                let a = self.plain_value(table, ty, time)?;
                let b = self.plain_value(table, ty, time)?;
                let unit = a.unit.clone();
                let op = if self.rng.chance(50) { Op::Add } else { Op::Subtract };
                let wider = Ty::Decimal((precision + 1).min(38), scale);
                (a.unit == b.unit).then(|| call(op, vec![a, b], wider).of_unit(unit))
            }
        }
    }
}
