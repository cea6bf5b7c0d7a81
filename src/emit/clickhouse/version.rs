//! Names of what a version is made of (CH15).
//!
//! Whatever holds or computes numbers has a name that ends with a hash of what it says. So another build, or another version
//! of a metric, never changes what is there: it stands beside it, and both are fed until one of them is retired. What
//! readers see are views with names that stay, in the last file.

use sha2::{Digest, Sha256};

use crate::rollup::{Rollups, Way};

/// A short hash of a statement, for the end of a name.
pub fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// What tells the runs that fill these rollups of a table from those of another build: all rollups that are filled together.
/// Two runs never share a table in which they prepare something.
pub fn run(rollups: &Rollups, table: usize, way: Way) -> String {
    let together = rollups.rollups.iter().filter(|rollup| rollup.table == table && rollup.way == way);
    hash(&together.map(|rollup| format!("{rollup:?}")).collect::<String>())
}

/// A name with the hash of what it stands for.
pub fn name(plain: &str, hash: &str) -> String {
    format!("{plain}__{hash}")
}
