//! Answers as people and programs read them.

pub mod form;
