//! What is counted in windows of a feed. A window of a minute only tells when a result leaves; the bucket is an expression of its own, so
//! that it may be of any length and zone, and its results come in parts.

use sqlparser::ast::{Expr, Ident, ObjectName, Query, SelectItem, TableFactor};

use super::feed::{WINDOW, stream};
use super::number::wrapped;
use super::value::{cast_to, decimal, decode, float, sort_key, type_name};
use super::{Spark, time, unsupported};
use crate::plan::{DataType, Keep, Step, StoredColumn, Table};
use crate::rollup::Part;
use crate::sql::build::{self, Parts, aggregate, call, number};
use crate::sql::dialect::{Calendar, Operand, Scalars, Unsupported};
use crate::sql::stream::{Bucketed, FEED, Windows};

/// The most digits of a decimal whose sum has room in 38 digits, however many rows a window has.
const ROOM: u8 = 28;

/// The columns of the rows of an entity, and the number of each among those of its key.
const ENTITY: &str = "e";
const RANK: &str = "_rank";

impl Windows for Spark {
    fn bucketed(&self, feed: &ObjectName, at: Ident, step: Step, calendar: Calendar) -> Result<Bucketed, Unsupported> {
        let bucket = time::bucket(build::column(FEED, at), step, calendar)?;
        let window = build::column(FEED, build::ident(WINDOW));
        let start = Expr::CompoundIdentifier([FEED, WINDOW, "start"].map(build::ident).to_vec());
        Ok(Bucketed {
            from: stream(feed, FEED),
            bucket: bucket.clone(),
            part: Some(call("unix_millis", vec![start])),
            group_by: vec![window, bucket],
        })
    }

    fn plain(
        &self,
        part: Part,
        argument: Option<Operand>,
        filter: Option<Expr>,
        ty: &DataType,
    ) -> Result<Expr, Unsupported> {
        let of = |name: &str, value: Expr| aggregate(name, vec![value], Vec::new(), filter.clone());
        let Some(argument) = argument else { return Ok(of("count", number(1))) };
        let value = argument.sql;
        Ok(match (part, argument.ty) {
            (Part::Sum, DataType::Float) => call("coalesce", vec![of("sum", value), float(0.0)]),
            (Part::Sum, DataType::Decimal { precision, .. }) if *precision > ROOM => {
                let reason = "a sum there has 38 digits, of which the number of rows takes 10: cast to at most 28";
                return Err(unsupported("a sum of decimals of more than 28 digits", reason));
            }
            (Part::Sum, _) => {
                let scale = match argument.ty {
                    DataType::Decimal { scale, .. } => *scale,
                    _ => 0,
                };
                let wide = decimal(38, scale);
                let zero = cast_to(number(0), &wide);
                let sum = call("coalesce", vec![of("try_sum", cast_to(value, &wide)), zero]);
                // A duration is an int, and wraps like one; all else is told as the decimal that it is.
                if *ty == DataType::Duration { wrapped(sum) } else { sum }
            }
            (Part::Min | Part::Max, DataType::Array(_) | DataType::Map(_)) => {
                return Err(unsupported("the least or greatest list", "lists have another order there"));
            }
            (Part::Min, _) => of("min", value),
            (Part::Max, _) => of("max", value),
            _ => of("count", value),
        })
    }

    /// A condition would be moved below the watermark, which then would not see the rows that it leaves out.
    fn filters_values(&self) -> bool {
        false
    }

    fn entity(&self, table: &Table, columns: &[&StoredColumn], alias: &str) -> Result<TableFactor, Unsupported> {
        if table.is_derived() || table.history.is_some() {
            let construct = format!("a look-up in `{}`", table.name);
            return Err(unsupported(&construct, "the engine looks up what lies in a table with one row a key"));
        }
        let name = table.physical.split('.').map(|part| self.identifier(part)).collect::<Vec<_>>();
        Ok(build::derived(clean(table, ObjectName::from(name), columns), alias))
    }

    fn type_name(&self, ty: &DataType) -> Result<String, Unsupported> {
        Ok(type_name(ty))
    }
}

/// The clean rows of an entity: of those of one key the one that its declaration names.
fn clean(table: &Table, name: ObjectName, columns: &[&StoredColumn]) -> Query {
    let stored = |name: &str| build::column("t", Spark.identifier(name));
    let of = |column: &StoredColumn| decode(stored(&column.name), column);
    let named = |wanted: &str| table.columns.iter().find(|column| column.name == wanted);
    let key = |alias: &str| table.clean.key.iter().map(|name| build::column(alias, Spark.identifier(name))).collect();
    let first = match &table.clean.keep {
        Keep::Latest(by) => named(by).map(|column| build::sort(of(column), true, true)),
        Keep::Earliest => {
            table.clean.time.as_deref().and_then(named).map(|column| build::sort(of(column), false, true))
        }
    };
    let rest = table.columns.iter().map(|column| build::sort(sort_key(of(column), &column.ty), false, true));
    let keys: Vec<Expr> = key("t");
    let mut projection: Vec<SelectItem> =
        table.columns.iter().map(|column| build::item(of(column), Spark.identifier(&column.name))).collect();
    let order = first.into_iter().chain(rest).collect();
    projection.push(build::item(build::window("row_number", keys.clone(), order), build::ident(RANK)));
    let filter = build::all(keys.into_iter().map(build::is_not_null));
    let ranked = Parts { projection, from: Some(build::table(name, "t")), filter, ..Parts::default() }.query();
    let kept = |name: &str| build::column(ENTITY, Spark.identifier(name));
    let is_first = build::equal(build::column(ENTITY, build::ident(RANK)), number(1));
    let timed = table.clean.time.as_deref().map(|name| build::is_not_null(kept(name)));
    let filter = build::all([is_first].into_iter().chain(timed));
    let projection = columns.iter().map(|column| build::item(kept(&column.name), Spark.identifier(&column.name)));
    Parts { projection: projection.collect(), from: Some(build::derived(ranked, ENTITY)), filter, ..Parts::default() }
        .query()
}
