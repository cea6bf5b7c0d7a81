//! Functions that take lists and maps too.

use crate::diagnostic::{Diagnostics, Span};
use crate::types::ops::{Ops, Typed, result};
use crate::types::{Type, Unit, ValueType};
use crate::value::Function;

use super::{Kind, Spec, of_kinds};

/// `length(text)`, `length(array)`, `length(map)`
pub(super) fn length<T: Typed>(ops: &Ops, spec: &Spec, values: Vec<T>, span: Span, d: &mut Diagnostics) -> Option<T> {
    let values = match &values.first()?.ty().ty {
        Type::Array(_) | Type::Map(_) => values,
        _ => of_kinds(ops, spec, &[Kind::Text], values, d)?,
    };
    let known = result(Type::Int, &values);
    // A list or map that is missing is empty.
    let nullable = known.nullable && !is_container(&values);
    Some(T::call(Function::Length, values, ValueType { nullable, ..known }, span))
}

/// `contains(text, part)`, `contains(array, item)`, `contains(map, key)`
pub(super) fn contains<T: Typed>(
    ops: &Ops,
    spec: &Spec,
    mut values: Vec<T>,
    span: Span,
    d: &mut Diagnostics,
) -> Option<T> {
    let values = match values.first()?.ty().ty.clone() {
        Type::Array(item) => {
            let wanted = values.pop()?;
            values.push(ops.assign(wanted, &item, &Unit::none(), d)?);
            values
        }
        Type::Map(_) => {
            let key = ops.text(values.pop()?, "the key of a map", d)?;
            values.push(key);
            values
        }
        _ => of_kinds(ops, spec, &[Kind::Text, Kind::Text], values, d)?,
    };
    let known = result(Type::Bool, &values);
    let nullable = if is_container(&values) { values[1].ty().nullable } else { known.nullable };
    Some(T::call(Function::Contains, values, ValueType { nullable, ..known }, span))
}

fn is_container<T: Typed>(values: &[T]) -> bool {
    values.first().is_some_and(|first| matches!(first.ty().ty, Type::Array(_) | Type::Map(_)))
}
