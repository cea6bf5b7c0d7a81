//! Aggregates, with the combinators `-If` for filters and `-OrNull` for groups without rows (CH12).

use sqlparser::ast::{BinaryOperator, Expr};

use super::value;
use crate::plan::{Aggregate, DataType, Ratio};
use crate::sql::build::{self, binary, call, number};
use crate::sql::dialect::{Aggregated, Operand};

/// An aggregate over rows.
pub fn lower(of: Aggregated) -> Expr {
    let rows = Rows { filter: of.filter.as_ref(), argument: of.argument.as_ref() };
    match of.aggregate {
        Aggregate::CountRows => int(rows.call("count", vec![])),
        Aggregate::Count(_) => int(rows.count()),
        Aggregate::Distinct(_) => int(rows.call("uniqExact", vec![rows.identity()])),
        Aggregate::ApproxDistinct(_) => {
            // Null over only nulls, unlike its exact sister.
            let estimate = rows.parametric("uniqCombined64", vec![number(17)], vec![rows.identity()]);
            int(call("coalesce", vec![estimate, number(0)]))
        }
        Aggregate::Sum(_) => call("coalesce", vec![rows.sum(), number(0)]),
        Aggregate::Avg(_) => {
            let count = call("nullIf", vec![rows.count(), number(0)]);
            let mean = binary(call("toFloat64", vec![rows.sum()]), BinaryOperator::Divide, count);
            whole_milliseconds(mean, of.ty)
        }
        Aggregate::Min(_) => rows.call("minOrNull", vec![rows.value()]),
        Aggregate::Max(_) => rows.call("maxOrNull", vec![rows.value()]),
        Aggregate::Quantile(_, level) => quantile(&rows, "quantileExactInclusiveOrNull", *level, of.ty),
        Aggregate::ApproxQuantile(_, level) => {
            // A t-digest has single precision.
            let estimate = rows.parametric("quantileTDigestOrNull", vec![share(*level)], vec![rows.float()]);
            whole_milliseconds(call("toFloat64", vec![estimate]), of.ty)
        }
        Aggregate::QuantileDisc(_, level) => discrete(&rows, *level),
        Aggregate::Stddev(_) => of_two(&rows, "stddevSampStable"),
        Aggregate::Variance(_) => of_two(&rows, "varSampStable"),
        Aggregate::First(_) => at_edge(&rows, "argMin", &of),
        Aggregate::Last(_) => at_edge(&rows, "argMax", &of),
    }
}

/// The rows that an aggregate sees.
struct Rows<'a> {
    filter: Option<&'a Expr>,
    argument: Option<&'a Operand<'a>>,
}

impl Rows<'_> {
    /// The argument.
    fn value(&self) -> Expr {
        self.argument.map_or_else(build::null, |argument| argument.sql.clone())
    }

    /// The argument as a float.
    fn float(&self) -> Expr {
        match self.argument {
            Some(argument) if *argument.ty == DataType::Float => self.value(),
            _ => call("toFloat64", vec![self.value()]),
        }
    }

    /// The argument, such that equal values are the same: 0 and -0 are two for a hash.
    fn identity(&self) -> Expr {
        match self.argument {
            Some(argument) if *argument.ty == DataType::Float => {
                binary(self.value(), BinaryOperator::Plus, number("0.0"))
            }
            _ => self.value(),
        }
    }

    /// `name(arguments)`, over the rows of the filter.
    fn call(&self, name: &str, arguments: Vec<Expr>) -> Expr {
        self.parametric(name, Vec::new(), arguments)
    }

    fn parametric(&self, name: &str, parameters: Vec<Expr>, mut arguments: Vec<Expr>) -> Expr {
        match self.filter {
            Some(filter) => {
                arguments.push(filter.clone());
                build::parametric(&format!("{name}If"), parameters, arguments)
            }
            None => build::parametric(name, parameters, arguments),
        }
    }

    /// The number of values.
    fn count(&self) -> Expr {
        self.call("count", vec![self.value()])
    }

    /// The exact sum of the values; null over none where the argument may be null.
    fn sum(&self) -> Expr {
        let value = match self.argument.map(|argument| argument.ty) {
            Some(DataType::Int) => call("toDecimal128", vec![self.value(), number(0)]),
            _ => self.value(),
        };
        self.call("sum", vec![value])
    }
}

/// Counts are unsigned here.
pub fn int(count: Expr) -> Expr {
    value::settle(count, &DataType::Int)
}

/// Durations are whole milliseconds: half to even. Below a null may stand an infinity, which a plain conversion refuses.
pub fn whole_milliseconds(value: Expr, ty: &DataType) -> Expr {
    match ty {
        DataType::Duration => {
            call("accurateCastOrNull", vec![call("roundBankers", vec![value]), build::text("Int64")])
        }
        _ => value,
    }
}

fn quantile(rows: &Rows, name: &str, level: Ratio, ty: &DataType) -> Expr {
    let found = rows.parametric(name, vec![share(level)], vec![rows.float()]);
    interpolated_milliseconds(found, level, ty)
}

/// The quantile of whole milliseconds is a multiple of one part of its level (hundredths at 0.95). The engine is off it by what a
/// float cannot hold, which would decide halves.
pub fn interpolated_milliseconds(value: Expr, level: Ratio, ty: &DataType) -> Expr {
    let value = match (ty, level.denominator.checked_ilog10()) {
        (DataType::Duration, Some(digits @ 1..)) => call("round", vec![value, number(digits.min(6))]),
        _ => value,
    };
    whole_milliseconds(value, ty)
}

pub fn share(level: Ratio) -> Expr {
    number(format_args!("{:?}", level.value()))
}

/// The discrete quantile of the values of rows.
fn discrete(rows: &Rows, level: Ratio) -> Expr {
    let sorted = call("arraySort", vec![rows.call("groupArray", vec![rows.value()])]);
    at_level(sorted, rows.count(), level)
}

/// The value at place ⌈n · level⌉ (at least 1) of `count` sorted values, reckoned in whole numbers; null for none.
pub fn at_level(sorted: Expr, count: Expr, level: Ratio) -> Expr {
    let place = if level.numerator == 0 {
        number(1)
    } else {
        let scaled = binary(count.clone(), BinaryOperator::Multiply, number(level.numerator));
        let scaled = binary(scaled, BinaryOperator::Plus, number(level.denominator - 1));
        call("intDiv", vec![scaled, number(level.denominator)])
    };
    let found = call("arrayElement", vec![sorted, place]);
    call("if", vec![build::equal(count, number(0)), build::null(), found])
}

/// The stable form, which gives infinity for one value.
fn of_two(rows: &Rows, name: &str) -> Expr {
    let enough = binary(rows.count(), BinaryOperator::Gt, number(1));
    call("if", vec![enough, rows.call(name, vec![rows.float()]), build::null()])
}

/// The value of the least or greatest row. A tuple keeps the value where it is null, which `argMin` would skip.
fn at_edge(rows: &Rows, name: &str, of: &Aggregated) -> Expr {
    let nullable = of.argument.as_ref().is_some_and(|argument| argument.nullable);
    let mut order = of.order.clone();
    if !of.keyed {
        // Equal times without a key: the least value, null being the greatest.
        if nullable {
            order.push(build::is_null(rows.value()));
        }
        order.push(rows.value());
    }
    let tuple = |values: Vec<Expr>| call("tuple", values);
    let found = rows.call(name, vec![tuple(vec![rows.value()]), tuple(order)]);
    let found = call("tupleElement", vec![found, number(1)]);
    match of.ty {
        // Never null here: empty where there is no row.
        DataType::Array(_) | DataType::Map(_) => found,
        _ => {
            let none = build::equal(rows.call("count", vec![]), number(0));
            call("if", vec![none, build::null(), found])
        }
    }
}
