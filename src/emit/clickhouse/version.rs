//! Names of what a version is made of (CH15).
//!
//! Whatever holds or computes numbers has a name that ends with a hash of what it says. So another build, or another version
//! of a metric, never changes what is there: it stands beside it, and both are fed until one of them is retired. What
//! readers see are views with names that stay, in the last file.

pub use crate::emit::name::hash;
use crate::rollup::{Rollups, Way};

/// What tells the runs that fill these rollups of a table from those of another build: all rollups that are filled together.
/// Two runs never share a table in which they prepare something.
pub fn run(rollups: &Rollups, table: usize, way: Way) -> String {
    let together = rollups.rollups.iter().filter(|rollup| rollup.table == table && rollup.way == way);
    hash(&together.map(|rollup| format!("{rollup:?}")).collect::<String>())
}

/// A name with the hash of what it stands for. The hash tells it apart, so what is before it is cut where it is too long, with
/// room for a suffix.
pub fn name(database: &str, plain: &str, hash: &str) -> String {
    let room = room(database).saturating_sub(hash.len() + 2 + SUFFIX);
    let mut length = 0;
    let fits = |c: &char| {
        length += stored(*c);
        length <= room
    };
    let cut: String = plain.chars().take_while(fits).collect();
    format!("{cut}__{hash}")
}

/// Room for `__staging__` and a hash.
const SUFFIX: usize = 19;

/// Whether a name is short enough for an object of a database: the server keeps it as the name of a file.
pub fn fits(database: &str, name: &str) -> bool {
    name.chars().map(stored).sum::<usize>() <= room(database)
}

/// How long the name of an object may be: in a file's name of 255 bytes there are the database's, an id, and what ends it.
fn room(database: &str) -> usize {
    213_usize.saturating_sub(database.chars().map(stored).sum())
}

/// How many bytes of a file's name a character takes: all but plain ones are escaped byte by byte.
fn stored(c: char) -> usize {
    if c.is_ascii_alphanumeric() || c == '_' { 1 } else { 3 * c.len_utf8() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_long_as_the_server_takes() {
        assert!(fits("metrics", &"a".repeat(206)) && !fits("metrics", &"a".repeat(207)));
        assert!(fits("metrics", &"数".repeat(22)) && !fits("metrics", &"数".repeat(23)));
    }

    #[test]
    fn long_names_are_cut_before_their_hash() {
        assert_eq!(name("metrics", "gmv__v1__1d", "0a1b2c3d"), "gmv__v1__1d__0a1b2c3d");
        let cut = name("metrics", &"数".repeat(40), "0a1b2c3d");
        assert_eq!(cut, format!("{}__0a1b2c3d", "数".repeat(19)));
        assert!(fits("metrics", &format!("{cut}__staging__0a1b2c3d")));
    }
}
