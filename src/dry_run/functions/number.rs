//! Functions over numbers.

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};

use super::scalar::{Call, Definition, Kind, Returns};
use crate::table::form::{MAX_DIGITS, power_of_ten};

pub(super) static FUNCTIONS: &[Definition] = &[
    Definition {
        name: "mc_round",
        takes: &[Kind::Number, Kind::Int],
        optional: 1,
        returns: Returns::First,
        kernel: round,
    },
    Definition {
        name: "mc_floor",
        takes: &[Kind::Number],
        optional: 0,
        returns: Returns::First,
        kernel: |call| whole(call, f64::floor, i128::div_euclid),
    },
    Definition {
        name: "mc_ceil",
        takes: &[Kind::Number],
        optional: 0,
        returns: Returns::First,
        kernel: |call| whole(call, f64::ceil, |digits, unit| -(-digits).div_euclid(unit)),
    },
    Definition {
        name: "mc_half_even",
        takes: &[Kind::Float],
        optional: 0,
        returns: Returns::Type(|| DataType::Int64),
        kernel: |call| {
            let value = call.float(0);
            call.ints(|row| half_even(value.get(row)?))
        },
    },
    float_function("mc_sqrt", |call| finite(call, f64::sqrt)),
    float_function("mc_ln", |call| finite(call, f64::ln)),
    float_function("mc_exp", |call| finite(call, f64::exp)),
    Definition {
        name: "mc_power",
        takes: &[Kind::Float, Kind::Float],
        optional: 0,
        returns: Returns::Type(|| DataType::Float64),
        kernel: |call| {
            let (base, exponent) = (call.float(0), call.float(1));
            call.floats(|row| Some(base.get(row)?.powf(exponent.get(row)?)).filter(|found| found.is_finite()))
        },
    },
    Definition {
        name: "mc_mod",
        takes: &[Kind::Number, Kind::Number],
        optional: 0,
        returns: Returns::By(mod_type),
        kernel: modulo,
    },
];

/// A function of one float.
pub(super) const fn float_function(name: &'static str, kernel: fn(&Call) -> Result<ArrayRef>) -> Definition {
    Definition { name, takes: &[Kind::Float], optional: 0, returns: Returns::Type(|| DataType::Float64), kernel }
}

/// The function's value where it is a finite number.
pub(super) fn finite(call: &Call, function: fn(f64) -> f64) -> Result<ArrayRef> {
    let value = call.float(0);
    call.floats(|row| Some(function(value.get(row)?)).filter(|found| found.is_finite()))
}

/// The nearest int, the even one of two; none outside of 64 bits.
pub(super) fn half_even(value: f64) -> Option<i64> {
    let rounded = value.round_ties_even();
    // 2^63 is a float and the first value beyond; NaN fails both comparisons.
    (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&rounded).then_some(rounded as i64)
}

/// `value / 10^places`, rounded half away from zero. More places than digits give 0.
pub(super) fn shorten(value: i128, places: u32) -> i128 {
    match 10_i128.checked_pow(places) {
        // |value| < 1.8e38, so `rest * 2` could only overflow where the unit is 1e38; compare with the half instead.
        Some(unit) => {
            let (whole, rest) = (value / unit, value % unit);
            if rest.abs() >= unit - rest.abs() { whole + value.signum() } else { whole }
        }
        None => 0,
    }
}

/// A float rounded half away from zero to `digits` digits behind the point.
pub(super) fn round_float(value: f64, digits: i64) -> f64 {
    let power = 10_f64.powi(i32::try_from(digits.unsigned_abs()).unwrap_or(i32::MAX).min(400));
    let rounded = if digits >= 0 { (value * power).round() / power } else { (value / power).round() * power };
    match (rounded.is_finite(), digits >= 0) {
        (true, _) => rounded,
        // Too many digits to matter, or too few to leave any.
        (false, true) => value,
        (false, false) => 0.0,
    }
}

/// `mc_round(x[, digits])`
fn round(call: &Call) -> Result<ArrayRef> {
    let digits = if call.len() > 1 { call.constant_int(1)? } else { 0 };
    let places = |scale: i64| u32::try_from((scale - digits).max(0)).unwrap_or(u32::MAX);
    match call.ty(0) {
        DataType::Int64 => {
            let (value, places) = (call.int(0), places(0));
            call.ints(|row| Some(cut(i128::from(value.get(row)?), places) as i64))
        }
        DataType::Decimal128(_, scale) => {
            let (value, places) = (call.decimal(0), places(i64::from(*scale)));
            call.decimals(call.ty(0), |row| Some(cut(value.get(row)?, places)))
        }
        _ => {
            let value = call.float(0);
            call.floats(|row| Some(round_float(value.get(row)?, digits)))
        }
    }
}

/// The last `places` digits rounded to zeros.
fn cut(value: i128, places: u32) -> i128 {
    if places == 0 {
        return value;
    }
    shorten(value, places).wrapping_mul(10_i128.checked_pow(places).unwrap_or(0))
}

/// `mc_floor(x)` and `mc_ceil(x)`.
fn whole(call: &Call, float: fn(f64) -> f64, divide: fn(i128, i128) -> i128) -> Result<ArrayRef> {
    match call.ty(0) {
        DataType::Int64 => {
            let value = call.int(0);
            call.ints(|row| value.get(row))
        }
        DataType::Decimal128(_, scale) => {
            let value = call.decimal(0);
            let unit = power_of_ten(u8::try_from(*scale).unwrap_or(0));
            call.decimals(call.ty(0), |row| Some(divide(value.get(row)?, unit).wrapping_mul(unit)))
        }
        _ => {
            let value = call.float(0);
            call.floats(|row| Some(float(value.get(row)?)))
        }
    }
}

/// The type of a remainder: an int, or a decimal at the larger scale.
fn mod_type(types: &[DataType], _: &[Option<&datafusion::common::ScalarValue>]) -> Result<DataType> {
    let part = |ty: &DataType| match ty {
        DataType::Int64 => Some((19_u8, 0_i8)),
        DataType::Decimal128(precision, scale) => Some((*precision, *scale)),
        // A null literal.
        DataType::Float64 => Some((1, 0)),
        _ => None,
    };
    match types {
        [DataType::Int64, DataType::Int64] => Ok(DataType::Int64),
        [left, right] => {
            let (Some((p1, s1)), Some((p2, s2))) = (part(left), part(right)) else {
                return exec_err!("mc_mod takes ints and decimals");
            };
            let scale = s1.max(s2);
            let whole = (i16::from(p1) - i16::from(s1)).max(i16::from(p2) - i16::from(s2));
            let precision = u8::try_from(whole + i16::from(scale)).unwrap_or(MAX_DIGITS).clamp(1, MAX_DIGITS);
            Ok(DataType::Decimal128(precision, scale))
        }
        _ => exec_err!("mc_mod takes two arguments"),
    }
}

/// `mc_mod(a, b)`: the remainder with the sign of `a`.
fn modulo(call: &Call) -> Result<ArrayRef> {
    let ty = mod_type(&[call.ty(0).clone(), call.ty(1).clone()], &[])?;
    if ty == DataType::Int64 {
        let (left, right) = (call.int(0), call.int(1));
        return call.ints(|row| {
            let (left, right) = (left.get(row)?, right.get(row)?);
            (right != 0).then(|| left.wrapping_rem(right))
        });
    }
    let DataType::Decimal128(_, scale) = ty else { return exec_err!("mc_mod takes ints and decimals") };
    let (left, right) = (scaled(call, 0, scale)?, scaled(call, 1, scale)?);
    call.decimals(&ty, |row| left(row)?.checked_rem(right(row)?))
}

/// An int or decimal argument's digits at `scale`; none where they do not fit.
fn scaled<'a>(call: &'a Call, index: usize, scale: i8) -> Result<Box<dyn Fn(usize) -> Option<i128> + 'a>> {
    let unit = |own: i8| power_of_ten(u8::try_from(scale - own).unwrap_or(0));
    Ok(match call.ty(index) {
        DataType::Int64 => {
            let (value, unit) = (call.int(index), unit(0));
            Box::new(move |row| i128::from(value.get(row)?).checked_mul(unit))
        }
        DataType::Decimal128(_, own) => {
            let (value, unit) = (call.decimal(index), unit(*own));
            Box::new(move |row| value.get(row)?.checked_mul(unit))
        }
        _ => Box::new(|_| None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dry_run::functions::scalar::testing::{call, column, scalar, shown};
    use datafusion::arrow::array::{Decimal128Array, Float64Array, Int64Array};
    use datafusion::logical_expr::ColumnarValue;

    fn one(name: &str, arguments: Vec<ColumnarValue>) -> Vec<String> {
        let definition = FUNCTIONS.iter().find(|function| function.name == name).unwrap();
        shown(&call(definition, arguments).unwrap())
    }

    fn decimals(values: &[Option<i128>], precision: u8, scale: i8) -> ColumnarValue {
        column(Decimal128Array::from(values.to_vec()).with_precision_and_scale(precision, scale).unwrap())
    }

    fn floats(values: &[f64]) -> ColumnarValue {
        column(Float64Array::from(values.to_vec()))
    }

    #[test]
    fn rounding_is_half_away_from_zero() {
        assert_eq!(
            one("mc_round", vec![floats(&[2.5, -2.5, 0.5, 0.49999999999999994, -0.4])]),
            ["3.0", "-3.0", "1.0", "0.0", "-0.0"]
        );
        assert_eq!(one("mc_round", vec![floats(&[1.25, -1.25, 1e300]), scalar(1_i64)]), ["1.3", "-1.3", "1e300"]);
        assert_eq!(one("mc_round", vec![floats(&[1250.0, 1e300]), scalar(-2_i64)]), ["1300.0", "1e300"]);
        assert_eq!(one("mc_round", vec![floats(&[1.5]), scalar(i64::MAX)]), ["1.5"]);
        assert_eq!(one("mc_round", vec![floats(&[1.5]), scalar(i64::MIN)]), ["0.0"]);
        let values = [Some(1_255), Some(-1_255), None, Some(1_254)];
        assert_eq!(one("mc_round", vec![decimals(&values, 10, 3), scalar(2_i64)]), ["1.260", "-1.260", "∅", "1.250"]);
        assert_eq!(one("mc_round", vec![decimals(&values, 10, 3), scalar(9_i64)]), ["1.255", "-1.255", "∅", "1.254"]);
        assert_eq!(one("mc_round", vec![decimals(&values, 10, 3)]), ["1.000", "-1.000", "∅", "1.000"]);
        let ints = column(Int64Array::from(vec![155, -155, 154]));
        assert_eq!(one("mc_round", vec![ints, scalar(-1_i64)]), ["160", "-160", "150"]);
    }

    #[test]
    fn floor_and_ceil_of_negatives() {
        assert_eq!(one("mc_floor", vec![floats(&[-1.5, 1.5])]), ["-2.0", "1.0"]);
        assert_eq!(one("mc_ceil", vec![floats(&[-1.5, 1.5])]), ["-1.0", "2.0"]);
        let values = [Some(-150), Some(150), Some(200), Some(-200), None];
        assert_eq!(one("mc_floor", vec![decimals(&values, 10, 2)]), ["-2.00", "1.00", "2.00", "-2.00", "∅"]);
        assert_eq!(one("mc_ceil", vec![decimals(&values, 10, 2)]), ["-1.00", "2.00", "2.00", "-2.00", "∅"]);
    }

    #[test]
    fn half_even_is_null_outside_of_ints() {
        let values = floats(&[0.5, 1.5, -2.5, 1e18, 1e19, f64::NAN, -9_223_372_036_854_775_808.0]);
        assert_eq!(
            one("mc_half_even", vec![values]),
            ["0", "2", "-2", "1000000000000000000", "∅", "∅", "-9223372036854775808"]
        );
    }

    #[test]
    fn undefined_values_are_null() {
        assert_eq!(one("mc_sqrt", vec![floats(&[4.0, -1.0])]), ["2.0", "∅"]);
        assert_eq!(one("mc_ln", vec![floats(&[1.0, 0.0, -1.0])]), ["0.0", "∅", "∅"]);
        assert_eq!(one("mc_exp", vec![floats(&[0.0, 1e4])]), ["1.0", "∅"]);
        assert_eq!(one("mc_power", vec![floats(&[2.0, -8.0, 0.0]), floats(&[10.0, 0.5, -1.0])]), ["1024.0", "∅", "∅"]);
    }

    #[test]
    fn remainders_have_the_sign_of_the_dividend() {
        let left = column(Int64Array::from(vec![7, -7, 7, 7, i64::MIN]));
        let right = column(Int64Array::from(vec![3, 3, -3, 0, -1]));
        assert_eq!(one("mc_mod", vec![left, right]), ["1", "-1", "1", "∅", "0"]);
        let left = decimals(&[Some(-750), Some(750), None], 10, 2);
        let right = decimals(&[Some(2_000), Some(0), Some(1)], 10, 3);
        assert_eq!(one("mc_mod", vec![left, right]), ["-1.500", "∅", "∅"]);
    }

    #[test]
    fn shortening_never_overflows() {
        let most = 10_i128.pow(38) - 1;
        assert_eq!(shorten(most, 38), 1);
        assert_eq!(shorten(-most, 38), -1);
        assert_eq!(shorten(most, 39), 0);
        assert_eq!(shorten(5, 1), 1);
        assert_eq!(shorten(4, 1), 0);
        assert_eq!(shorten(0, 3), 0);
    }
}
