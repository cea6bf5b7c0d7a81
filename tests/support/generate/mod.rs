//! Random, well-typed projects with their data, and what their answers must be.
//!
//! [`make::project`] makes a project out of a seed; `text` and `data` print it; [`oracle::Oracle`] answers its questions
//! from the definition of the language; [`judge::Judge`] asks the engines; [`shrink::shrink`] makes a failing project small
//! and `case` prints it as a case file.

pub mod algebra;
pub mod buckets;
pub mod case;
pub mod chosen;
pub mod clickhouse;
pub mod compare;
pub mod data;
pub mod derived;
#[cfg(feature = "dry-run")]
pub mod dry_run;
pub mod expr;
pub mod features;
pub mod fiscal;
pub mod front;
pub mod judge;
pub mod make;
pub mod model;
pub mod oracle;
pub mod printer;
pub mod rng;
pub mod shrink;
pub mod text;
