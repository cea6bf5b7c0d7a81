//! `--values DIMENSION`: the values of a dimension over the rows of one table.

use super::{Asked, condition, interval, order};
use crate::diagnostic::Diagnostics;
use crate::error;
use crate::plan::Values;
use crate::project::SourceMap;
use crate::suggest::near;
use crate::types::{By, DimensionId, Model, TableId};

pub fn values(model: &Model, name: &str, asked: &Asked, sources: &mut SourceMap) -> Result<Values, Diagnostics> {
    let mut d = Diagnostics::new();
    let others = [
        (!asked.metrics.is_empty(), "a metric"),
        (asked.step.is_some(), "`--step`"),
        (!asked.by.is_empty(), "`--by`"),
        (asked.cut, "`--cut`"),
        (asked.as_of.is_some(), "`--as-of`"),
        (asked.partial, "`--partial`"),
        (asked.marks, "`--marks`"),
        (asked.having.is_some(), "`--having`"),
        (asked.top.is_some(), "`--top`"),
        (asked.fill.is_some(), "`--fill`"),
    ];
    for (_, option) in others.into_iter().filter(|(given, _)| *given) {
        d.push(error!(E0973, None, "`--values` lists the values of a dimension, and has no place for {option}";
            help: "leave it out; `--from`, `--to`, `--where`, `--order` and `--limit` go with it"));
    }
    let dimension = match By::parse(name.trim(), model, &model.dimensions, None, &mut d) {
        Some(By::Dimension(id)) => Some(id),
        Some(_) => {
            d.push(error!(E0973, None, "`{name}` is a part of a time, and `--values` lists the values of a dimension";
                help: "name the dimension alone"));
            None
        }
        None => None,
    };
    let table = dimension.and_then(|id| table(model, id, asked.source.as_deref(), &mut d));
    let (from, to) = interval(model, asked, &mut d);
    if let Some(table) = table.filter(|_| from.is_some() || to.is_some())
        && model.table(table).time.is_none()
    {
        d.push(error!(E0951, None, "`{}` has no time that could be limited", model.table(table).name.value;
            help: "leave `--from` and `--to` out"));
    }
    let filter = asked.filter.as_deref().zip(table).and_then(|(text, table)| {
        let filter = condition::filter(model, &[table], text, sources, &mut d)?;
        check(model, &filter, table, &mut d);
        Some(filter)
    });
    let order = asked.order.iter().map(|text| order(text)).collect();
    match (dimension, table) {
        (Some(dimension), Some(table)) if !d.has_errors() => {
            Ok(Values { dimension, table, from, to, filter, order, limit: asked.limit })
        }
        _ => Err(d),
    }
}

/// What a condition tests must be known of the rows, and rows have no output bucket.
fn check(model: &Model, filter: &crate::types::DimFilter, table: TableId, d: &mut Diagnostics) {
    let of = &model.table(table).name.value;
    filter.walk(&mut |id, span| {
        if model.bind(id, table).is_err() {
            let name = &model.dimensions[id.0].name.value;
            d.push(
                error!(E0952, span, "`{of}` is not bound to the dimension `{name}`"; help: "leave it out, or bind it"),
            );
        }
    });
    filter.parts(&mut |part| {
        d.push(error!(E0966, None, "`{}` is of the output bucket, and values have none", part.name();
            help: "limit the rows by `--from` and `--to`"));
    });
}

/// The rows of a name that a dimension is bound to; without a name the only ones that the dimension itself names.
fn table(model: &Model, id: DimensionId, name: Option<&str>, d: &mut Diagnostics) -> Option<TableId> {
    let dimension = &model.dimensions[id.0];
    let bound = |table: &TableId| model.bind(id, *table).is_ok();
    let all = (0..model.tables.len()).map(TableId).filter(bound);
    let named = |table: TableId| model.table(table).name.value.as_str();
    if let Some(name) = name {
        let names: Vec<&str> = all.clone().map(named).collect();
        if let Some(found) = all.clone().find(|table| named(*table) == name.trim()) {
            return Some(found);
        }
        let help = match near(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it is bound to: {}", names.join(", ")),
        };
        d.push(error!(E0971, None, "the dimension `{}` is bound to no rows named `{name}`", dimension.name.value; help: help));
        return None;
    }
    let mut own: Vec<TableId> = dimension.bindings.iter().filter_map(|binding| binding.table).filter(bound).collect();
    if own.is_empty() {
        own = all.collect();
    }
    own.sort_unstable();
    own.dedup();
    match own.as_slice() {
        [only] => Some(*only),
        several => {
            let names: Vec<&str> = several.iter().map(|table| named(*table)).collect();
            d.push(error!(E0971, None, "the dimension `{}` is bound to several row sets", dimension.name.value;
                help: ("name one by `--source`: {}", names.join(", "))));
            None
        }
    }
}
