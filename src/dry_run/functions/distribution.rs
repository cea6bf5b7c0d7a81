//! The tails of distributions.

use datafusion::arrow::datatypes::DataType;
use statrs::distribution::{ChiSquared, ContinuousCDF};
use statrs::function::erf::erfc;

use super::number::{finite, float_function};
use super::scalar::{Definition, Kind, Returns};
use crate::value::MOST_DEGREES;

pub(super) static FUNCTIONS: &[Definition] = &[
    Definition {
        name: "mc_above",
        takes: &[Kind::Float, Kind::Float],
        optional: 0,
        returns: Returns::Type(|| DataType::Float64),
        kernel: |call| {
            let (value, limit) = (call.float(0), call.float(1));
            call.floats(|row| {
                let (value, limit) = (value.get(row)?, limit.get(row)?);
                Some(if value <= limit { 0.0 } else { value })
            })
        },
    },
    float_function("mc_erfc", |call| finite(call, erfc)),
    Definition {
        name: "mc_chi_squared_tail",
        takes: &[Kind::Float, Kind::Float],
        optional: 0,
        returns: Returns::Type(|| DataType::Float64),
        kernel: |call| {
            let (at, degrees) = (call.float(0), call.float(1));
            call.floats(|row| {
                let degrees = degrees.get(row)?.round();
                let known = (1.0..=MOST_DEGREES as f64).contains(&degrees);
                Some(ChiSquared::new(degrees).ok().filter(|_| known)?.sf(at.get(row)?))
            })
        },
    },
];
