//! Paths as they are typed.

use crate::syntax::ast;

use super::model::{DimensionId, TableId};
use super::{Type, ValueType};

/// Paths: what members do one after the other, a session a path.
#[derive(Clone, Debug)]
pub struct Paths {
    /// Their name.
    pub name: ast::Name,
    /// Their version; 1 where none is written.
    pub version: u32,
    /// Whose they are.
    pub entity: TableId,
    /// Whether a path has a goal.
    pub has_goal: bool,
    /// What its metrics are shown by.
    pub by: Vec<DimensionId>,
    /// A row a path.
    pub paths: TableId,
    /// A row for each step of a path.
    pub nodes: TableId,
    /// A row for each two steps that follow each other.
    pub edges: TableId,
    /// The type of the names of steps.
    pub names: Type,
    /// The type of what becomes of a path.
    pub outcome: Type,
}

impl Paths {
    /// What its tables have beside the dimensions of their rows, by their short names.
    pub fn dimensions(&self) -> Vec<(&'static str, ValueType)> {
        let of = |ty: &Type| ValueType::plain(ty.clone());
        vec![
            ("step", of(&Type::Int)),
            ("node", of(&self.names)),
            ("from", of(&self.names)),
            ("to", of(&self.names)),
            ("path", of(&Type::String)),
            ("outcome", of(&self.outcome)),
        ]
    }
}

/// The places of the columns of its tables.
pub mod column {
    /// When the first step lies.
    pub const START: usize = 1;
    /// What becomes of the path.
    pub const OUTCOME: usize = 2;
    /// Of a path: how many steps it has.
    pub const STEPS: usize = 3;
    /// Of a node or an edge: the place of the step.
    pub const STEP: usize = 3;
    /// Of a path, the names of its steps; of a node or an edge, that of the step.
    pub const NAME: usize = 4;
    /// Of an edge: the name of the next step.
    pub const NEXT: usize = 5;
    /// Of a node: whether the path is left there.
    pub const DROPOFF: usize = 5;
}
