//! Random, well-typed projects with their data, and what their answers must be.
//!
//! [`make::project`] makes a project out of a seed; `text` and `data` print it; [`oracle::Oracle`] answers its questions
//! from the definition of the language; [`shrink::shrink`] makes a failing one small; `case` prints it as a case file.

pub mod case;
pub mod chdb;
pub mod clickhouse;
pub mod compare;
pub mod data;
pub mod front;
pub mod make;
pub mod model;
pub mod oracle;
pub mod rng;
pub mod shrink;
pub mod text;
