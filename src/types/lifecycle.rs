//! Lifecycles as they are typed.

use crate::syntax::ast;
use crate::value::{Span, Step};

use super::model::TableId;

/// A lifecycle: who is new, stays, goes and comes back.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    /// Its name.
    pub name: ast::Name,
    /// Whose it is.
    pub entity: TableId,
    /// What is told of them.
    pub by: Told,
    /// The table of the rows of activity: the entity, and when.
    pub rows: TableId,
    /// The table of the first of them of each unit.
    pub first: TableId,
    /// The column of both that tells the units.
    pub unit: usize,
}

/// The place of the column of units where they are members per a dimension.
pub const UNIT: usize = 2;

/// By what a lifecycle tells who is active.
#[derive(Clone, Debug)]
pub enum Told {
    /// By silences: whole days, or elapsed time.
    Silent(Vec<Span>),
    /// By buckets.
    Every(Step),
}
