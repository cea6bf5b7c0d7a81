//! Aggregates, with FILTER.

use sqlparser::ast::{BinaryOperator, Expr};

use super::value::{decimal, type_name, zero};
use crate::plan::{Aggregate, DataType, Ratio};
use crate::sql::build::{self, binary, call, number, sort};
use crate::sql::dialect::Aggregated;

/// An aggregate over rows.
pub fn lower(of: Aggregated) -> Expr {
    let rows = Rows(&of);
    match of.aggregate {
        Aggregate::CountRows => rows.call("count", vec![number(1)]),
        Aggregate::Count(_) => rows.call("count", vec![rows.value()]),
        // The exact number is the best estimate.
        Aggregate::Distinct(_) | Aggregate::ApproxDistinct(_) => rows.call("mc_count_distinct", vec![rows.value()]),
        Aggregate::Sum(_) => call("coalesce", vec![exactly(rows.sum(), of.ty), zero(of.ty)]),
        Aggregate::Avg(_) => {
            let sum = build::cast(rows.sum(), type_name(&DataType::Float));
            let count = build::cast(rows.call("count", vec![rows.value()]), type_name(&DataType::Float));
            let mean = binary(sum, BinaryOperator::Divide, call("nullif", vec![count, number("0.0")]));
            whole_milliseconds(mean, of.ty)
        }
        Aggregate::Min(_) => rows.call("min", vec![rows.value()]),
        Aggregate::Max(_) => rows.call("max", vec![rows.value()]),
        Aggregate::Quantile(_, level) => whole_milliseconds(rows.quantile("mc_quantile", rows.float(), *level), of.ty),
        Aggregate::ApproxQuantile(_, level) => {
            whole_milliseconds(rows.quantile("mc_approx_quantile", rows.float(), *level), of.ty)
        }
        Aggregate::QuantileDisc(_, level) => rows.quantile("mc_quantile_disc", rows.value(), *level),
        Aggregate::Stddev(_) => rows.call("stddev_samp", vec![rows.float()]),
        Aggregate::Variance(_) => rows.call("var_samp", vec![rows.float()]),
        Aggregate::First(_) => rows.at_edge("first_value"),
        Aggregate::Last(_) => rows.at_edge("last_value"),
    }
}

/// The rows that an aggregate sees.
struct Rows<'a>(&'a Aggregated<'a>);

impl Rows<'_> {
    fn value(&self) -> Expr {
        self.0.argument.as_ref().map_or_else(build::null, |argument| argument.sql.clone())
    }

    fn float(&self) -> Expr {
        match &self.0.argument {
            Some(argument) if *argument.ty == DataType::Float => self.value(),
            _ => build::cast(self.value(), type_name(&DataType::Float)),
        }
    }

    fn call(&self, name: &str, arguments: Vec<Expr>) -> Expr {
        build::aggregate(name, arguments, Vec::new(), self.0.filter.clone())
    }

    /// Ints are summed as decimals, which do not overflow.
    fn sum(&self) -> Expr {
        let value = match &self.0.argument {
            Some(argument) if *argument.ty == DataType::Int => build::cast(self.value(), decimal(20, 0)),
            _ => self.value(),
        };
        self.call("sum", vec![value])
    }

    fn quantile(&self, name: &str, value: Expr, level: Ratio) -> Expr {
        self.call(name, vec![value, number(level.numerator), number(level.denominator)])
    }

    /// The value of the first or last row; without a key equal times go by the value, null being the greatest.
    fn at_edge(&self, name: &str) -> Expr {
        let order = self.0.order.iter().map(|key| sort(key.clone(), false, false));
        let tie = (!self.0.keyed).then(|| sort(self.value(), false, true));
        build::aggregate(name, vec![self.value()], order.chain(tie).collect(), self.0.filter.clone())
    }
}

/// A sum of decimals has as many digits as there are.
fn exactly(sum: Expr, ty: &DataType) -> Expr {
    match ty {
        DataType::Decimal { .. } => build::cast(sum, type_name(ty)),
        _ => sum,
    }
}

/// Durations are whole milliseconds: half to even.
fn whole_milliseconds(value: Expr, ty: &DataType) -> Expr {
    match ty {
        DataType::Duration => call("mc_half_even", vec![value]),
        _ => value,
    }
}
