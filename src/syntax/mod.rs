//! Text to syntax tree. pest's types never leave this folder.

pub mod ast;
