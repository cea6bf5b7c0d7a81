//! The tables: their columns, and the rows they hold of a world.
//!
//! A column stands here as it is declared in the library's `.metric` files, in the same order; a test compares the two.

mod business;
mod campaigns;
mod dimensions;
mod events;
mod membership;
mod performance;
mod replay;
mod resources;
mod support;
mod touches;

use super::World;
use super::rng::Rng;
use super::table::{ColumnDef, Field, Kind, RowSink, SampleError, TableDef};

/// All tables: entities first, then sources.
pub(super) static ALL: [TableDef; 25] = [
    dimensions::USER,
    dimensions::DEVICE,
    dimensions::FEATURE,
    dimensions::CHANNEL,
    campaigns::CAMPAIGN,
    dimensions::GEO,
    dimensions::API,
    dimensions::ERROR_CODE,
    events::EVENT,
    events::ERROR_EVENT,
    business::TASK,
    business::ORDER,
    business::QUOTA_LEDGER,
    membership::MEMBERSHIP,
    support::MARKETING,
    touches::CHANNEL_TOUCH,
    campaigns::CAMPAIGN_USER,
    campaigns::EXPERIMENT_EXPOSURE,
    support::TICKET,
    support::SURVEY,
    performance::PERF_API,
    performance::PERF_PAGE,
    performance::PERF_TASK,
    resources::RESOURCE_USAGE,
    replay::REPLAY,
];

const CNY: Kind = Kind::Decimal { precision: 18, scale: 2 };
const QUOTA: Kind = Kind::Decimal { precision: 18, scale: 4 };

/// A column that is never null.
const fn col(name: &'static str, kind: Kind) -> ColumnDef {
    ColumnDef { name, kind, nullable: false }
}

/// A nullable column.
const fn opt(name: &'static str, kind: Kind) -> ColumnDef {
    ColumnDef { name, kind, nullable: true }
}

/// Writes a row, and now and then a second copy of it.
fn put(world: &World, sink: &mut dyn RowSink, rng: &mut Rng, row: &[Field<'_>]) -> Result<(), SampleError> {
    sink.row(row)?;
    if rng.chance(world.copies()) {
        sink.row(row)?;
    }
    Ok(())
}

/// An instant that may be missing.
fn instant(ms: Option<i64>) -> Field<'static> {
    ms.map_or(Field::Null, Field::Instant)
}
