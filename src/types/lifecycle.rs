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
    /// The table of the first of them of each member.
    pub first: TableId,
}

/// By what a lifecycle tells who is active.
#[derive(Clone, Debug)]
pub enum Told {
    /// By silences: whole days, or elapsed time.
    Silent(Vec<Span>),
    /// By buckets.
    Every(Step),
}
