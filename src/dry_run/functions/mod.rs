//! The functions that the plan's expressions become, with the exact meaning of [`crate::plan::Function`] and
//! [`crate::plan::Aggregate`]: the engine's own differ from it in nulls, overflow, rounding, case mapping or time zones.

mod aggregate;
mod calendar;
pub(super) mod cast;
mod container;
mod distinct;
mod distribution;
mod interval;
pub(super) mod json;
mod number;
mod quantile;
mod scalar;
mod text;
mod time;
mod walk;

use datafusion::prelude::SessionContext;

/// Makes all functions known to a context.
pub(super) fn register(context: &SessionContext) {
    let scalars = [
        time::FUNCTIONS,
        interval::FUNCTIONS,
        number::FUNCTIONS,
        distribution::FUNCTIONS,
        text::FUNCTIONS,
        cast::FUNCTIONS,
        json::FUNCTIONS,
        container::FUNCTIONS,
    ];
    for definition in scalars.into_iter().flatten() {
        context.register_udf(definition.function());
    }
    for definition in walk::FUNCTIONS {
        context.register_udaf(definition.function());
    }
    for definition in quantile::FUNCTIONS.iter().chain(distinct::FUNCTIONS) {
        context.register_udaf(definition.function());
    }
}
