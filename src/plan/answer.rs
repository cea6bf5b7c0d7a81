//! Values that rows look up in the answers of other queries, and the groups that those are asked for.

use super::{Expr, Query, Selection};

/// A look-up in the answer of a query, whose columns are those of an [`Input::Answer`](super::Input::Answer). It finds one row at
/// most.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Answered {
    /// What is asked.
    pub query: Box<Query>,
    /// The columns of the answer that tell its rows apart, each with the value that is looked up. Null finds null.
    pub keys: Vec<(String, Expr)>,
}

impl Answered {
    /// Its expressions over rows.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        self.keys.iter().map(|(_, value)| value)
    }
}

/// The groups that a query is asked for: the buckets and keys of some rows. Only in these groups rows count.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Asked {
    /// Of which rows.
    pub rows: Selection,
    /// The values of the query's first dimensions over them.
    pub keys: Vec<AskedKey>,
    /// Whether each of these groups has a row in the answer; else only those in which rows count.
    pub all: bool,
}

/// A key of the groups that are asked for.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct AskedKey {
    /// Its value.
    pub value: Expr,
    /// Whether null is a value like any other; else a group of it has no rows.
    pub null_is_equal: bool,
}

impl Asked {
    /// The expressions over its rows.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        self.rows.expressions().chain(self.keys.iter().map(|key| &key.value))
    }
}
