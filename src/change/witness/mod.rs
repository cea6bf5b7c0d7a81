//! Witnesses: the fewest rows on which two versions of a metric disagree.
//!
//! A predicate differs from another one at its borders, so that rows are made of the values that both versions compare with, and
//! of those beside them ([`vocabulary`]). Many small worlds of such rows are asked at once, each in a time of its own
//! ([`world`], `search`); what is found is made smaller as long as both versions still disagree, and confirmed by running both on
//! these rows alone.

#[cfg(feature = "dry-run")]
mod holds;
#[cfg(feature = "dry-run")]
mod search;
#[cfg(feature = "dry-run")]
mod vocabulary;
#[cfg(feature = "dry-run")]
mod world;

#[cfg(feature = "dry-run")]
pub use search::{Side, search};

/// What came of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Searched {
    /// Rows on which both versions disagree.
    Found(Witness),
    /// In so many worlds both agreed.
    Agreed(usize),
}

/// Rows on which two versions disagree, and what both say of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The tables, those without rows left out, sorted by name.
    pub given: Vec<GivenRows>,
    /// What both say, by bucket, where they say different things.
    pub values: Vec<Differing>,
}

/// The rows of a table, as cells of a `given` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenRows {
    /// The source or entity.
    pub table: String,
    /// The columns that matter.
    pub columns: Vec<String>,
    /// The cells; none for null.
    pub rows: Vec<Vec<Option<String>>>,
}

/// What two versions say of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differing {
    /// The bucket; none for all time.
    pub time: Option<String>,
    /// What the old version says; none for null or no row.
    pub old: Option<String>,
    /// What the new version says.
    pub new: Option<String>,
}
