//! Changes of what metrics mean: what is different between two programs, and whether two versions agree on data.
//!
//! A step of this folder takes two checked programs, or two tables of results, and tells; it reads no files and asks no server.

pub mod diff;
pub mod effect;
pub mod gate;
pub mod stage;
pub mod verify;
pub mod witness;
