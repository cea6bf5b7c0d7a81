//! `mc_each_once(number)`: the numbers of a group, each once.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, Int64Array};
use datafusion::arrow::datatypes::{DataType, Int64Type};

use super::{Definition, Found};

pub(super) const FUNCTION: Definition = Definition {
    name: "mc_each_once",
    constants: 0..0,
    takes: |types| match types {
        [ty] if ty.is_integer() || ty.is_null() => Some(vec![DataType::Int64]),
        _ => None,
    },
    item: |_| DataType::Int64,
    walk: |rows, _| {
        let column = rows.columns[0].as_primitive::<Int64Type>();
        let mut items = Vec::with_capacity(column.len());
        let mut lengths = Vec::with_capacity(rows.groups());
        for group in 0..rows.groups() {
            let before = items.len();
            let known = rows.of(group).iter().map(|row| *row as usize).filter(|row| column.is_valid(*row));
            items.extend(known.map(|row| column.value(row)));
            items[before..].sort_unstable();
            let mut kept = before;
            for at in before..items.len() {
                if kept == before || items[kept - 1] != items[at] {
                    items[kept] = items[at];
                    kept += 1;
                }
            }
            items.truncate(kept);
            lengths.push(kept - before);
        }
        Ok(Found { items: Arc::new(Int64Array::from(items)), lengths })
    },
};
