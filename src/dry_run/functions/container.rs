//! Functions of lists and maps. One that is missing is empty.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt32Array};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::kernels::cmp::eq;
use datafusion::arrow::compute::{cast, take};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err, plan_datafusion_err, plan_err};

use super::json::members;
use super::scalar::{Call, Definition, Kind, Returns};

pub(super) static FUNCTIONS: &[Definition] = &[
    Definition {
        name: "mc_size",
        takes: &[Kind::Any],
        optional: 0,
        returns: Returns::Type(|| DataType::Int64),
        kernel: size,
    },
    Definition { name: "mc_list", takes: &[Kind::Any], optional: 0, returns: Returns::First, kernel: list },
    Definition {
        name: "mc_tuple_part",
        takes: &[Kind::Any, Kind::Int],
        optional: 0,
        returns: Returns::By(part_type),
        kernel: part,
    },
    Definition { name: "mc_repeated", takes: &[Kind::Any], optional: 0, returns: Returns::First, kernel: repeated },
    Definition {
        name: "mc_has",
        takes: &[Kind::Any, Kind::Any],
        optional: 0,
        returns: Returns::Type(|| DataType::Boolean),
        kernel: has,
    },
];

/// `mc_size(list)` or `mc_size(map)`
fn size(call: &Call) -> Result<ArrayRef> {
    match call.ty(0) {
        DataType::List(_) => {
            let lists = call.array(0).as_list::<i32>();
            call.ints(|row| {
                let list = call.place(0, row);
                Some(if lists.is_valid(list) { i64::from(lists.value_length(list)) } else { 0 })
            })
        }
        DataType::Utf8View => {
            let map = call.text(0);
            call.ints(|row| Some(map.get(row).and_then(members).map_or(0, |members| members.len() as i64)))
        }
        DataType::Null => call.ints(|_| Some(0)),
        other => exec_err!("mc_size takes a map or a list, not a {other}"),
    }
}

/// The place of a part and the parts of a tuple.
fn part_type(types: &[DataType], literals: &[Option<&ScalarValue>]) -> Result<DataType> {
    let (Some(DataType::Struct(parts)), Some(Some(ScalarValue::Int64(Some(at))))) = (types.first(), literals.get(1))
    else {
        return plan_err!("mc_tuple_part takes a tuple and a literal place");
    };
    let part = usize::try_from(*at).ok().and_then(|at| parts.get(at));
    part.map(|part| part.data_type().clone()).ok_or_else(|| plan_datafusion_err!("a tuple has no part {at}"))
}

/// `mc_tuple_part(tuple, place from 0)`. The engine's own function is moved about by it, at times to where its columns mean something else.
fn part(call: &Call) -> Result<ArrayRef> {
    let at = call.int(1).get(0).and_then(|at| usize::try_from(at).ok());
    let parts = call.array(0).as_struct_opt().zip(at);
    match parts.and_then(|(tuple, at)| tuple.columns().get(at)) {
        Some(part) => Ok(Arc::clone(part)),
        None => exec_err!("mc_tuple_part takes a tuple and a literal place"),
    }
}

/// `mc_repeated(value)`: the value. The engine knows nothing of it, such as that it is unique.
fn repeated(call: &Call) -> Result<ArrayRef> {
    let values = call.array(0);
    if values.len() == call.rows {
        return Ok(Arc::clone(values));
    }
    let rows: UInt32Array = (0..call.rows).map(|row| u32::try_from(call.place(0, row)).ok()).collect();
    Ok(take(values, &rows, None)?)
}

/// `mc_list(list)`: empty where it is null.
fn list(call: &Call) -> Result<ArrayRef> {
    let DataType::List(field) = call.ty(0) else { return exec_err!("mc_list takes a list, not a {}", call.ty(0)) };
    let lists = call.array(0).as_list::<i32>();
    let (mut lengths, mut items) = (Vec::with_capacity(call.rows), Vec::new());
    for row in 0..call.rows {
        let list = call.place(0, row);
        let length = if lists.is_valid(list) { lists.value_length(list) } else { 0 };
        let start = lists.value_offsets()[list];
        items.extend((start..start + length).map(|at| at as u32));
        lengths.push(length as usize);
    }
    let items = take(lists.values(), &UInt32Array::from(items), None)?;
    Ok(Arc::new(ListArray::try_new(Arc::clone(field), OffsetBuffer::from_lengths(lengths), items, None)?))
}

/// `mc_has(list, item)` or `mc_has(map, key)`; null for a null item or key.
fn has(call: &Call) -> Result<ArrayRef> {
    let item = call.array(1);
    let known = |row: usize| item.is_valid(call.place(1, row));
    match call.ty(0) {
        DataType::List(field) => {
            let found = in_list(call, field.data_type())?;
            call.bools(|row| known(row).then(|| found[row]))
        }
        DataType::Utf8View => {
            let (map, key) = (call.text(0), call.text(1));
            call.bools(|row| {
                let key = key.get(row)?;
                let members = map.get(row).and_then(members).unwrap_or_default();
                Some(members.iter().any(|(name, _)| name == key))
            })
        }
        DataType::Null => call.bools(|row| known(row).then_some(false)),
        other => exec_err!("mc_has takes a map or a list, not a {other}"),
    }
}

/// For each row whether its list has its item: all items of all lists are compared at once.
fn in_list(call: &Call, ty: &DataType) -> Result<Vec<bool>> {
    let lists = call.array(0).as_list::<i32>();
    let (mut rows, mut values, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..call.rows {
        let list = call.place(0, row);
        if lists.is_valid(list) {
            let start = lists.value_offsets()[list];
            for at in start..start + lists.value_length(list) {
                rows.push(row);
                values.push(at as u32);
                wanted.push(call.place(1, row) as u32);
            }
        }
    }
    let values = take(lists.values(), &UInt32Array::from(values), None)?;
    let wanted = take(&cast(call.array(1), ty)?, &UInt32Array::from(wanted), None)?;
    let equal = eq(&values, &wanted)?;
    let mut found = vec![false; call.rows];
    for (place, row) in rows.into_iter().enumerate() {
        found[row] |= equal.is_valid(place) && equal.value(place);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dry_run::functions::scalar::testing::{call, column, scalar, shown, texts};
    use datafusion::arrow::array::Int64Array;
    use datafusion::arrow::datatypes::Int64Type;
    use datafusion::common::ScalarValue;
    use datafusion::logical_expr::ColumnarValue;

    fn one(name: &str, arguments: Vec<ColumnarValue>) -> Vec<String> {
        let definition = FUNCTIONS.iter().find(|function| function.name == name).unwrap();
        shown(&call(definition, arguments).unwrap())
    }

    fn lists() -> ColumnarValue {
        let lists = [Some(vec![Some(7), None, Some(7)]), Some(vec![]), None, Some(vec![Some(8)])];
        column(ListArray::from_iter_primitive::<Int64Type, _, _>(lists))
    }

    fn maps() -> ColumnarValue {
        texts(&[Some(r#"{"k":"v","n":null}"#), Some("{}"), None, Some(r#"{"K":"v"}"#)])
    }

    #[test]
    fn what_is_missing_is_empty() {
        assert_eq!(one("mc_size", vec![lists()]), ["3", "0", "0", "1"]);
        assert_eq!(one("mc_size", vec![maps()]), ["2", "0", "0", "1"]);
        let definition = FUNCTIONS.iter().find(|function| function.name == "mc_list").unwrap();
        let filled = call(definition, vec![lists()]).unwrap();
        assert_eq!(filled.null_count(), 0);
        assert_eq!(one("mc_size", vec![ColumnarValue::Array(filled)]), ["3", "0", "0", "1"]);
    }

    #[test]
    fn items_are_found_but_no_nulls() {
        assert_eq!(one("mc_has", vec![lists(), scalar(7_i64)]), ["true", "false", "false", "false"]);
        let items = column(Int64Array::from(vec![Some(9), None, Some(7), Some(8)]));
        assert_eq!(one("mc_has", vec![lists(), items]), ["false", "∅", "false", "true"]);
        assert_eq!(one("mc_has", vec![lists(), scalar(ScalarValue::Int64(None))]), ["∅"; 4]);
        assert_eq!(one("mc_has", vec![maps(), scalar("k")]), ["true", "false", "false", "false"]);
        assert_eq!(one("mc_has", vec![maps(), scalar("n")]), ["true", "false", "false", "false"]);
    }
}
