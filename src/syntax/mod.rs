//! The syntax of the metric language: text in, tree and diagnostics out.
//!
//! `lex` cuts a file into tokens, `outline` the tokens into declarations and items, `grammar` parses each of them alone
//! (so that a broken one does not hide the others), `build` makes the tree, and `explain` says what is wrong. pest's types
//! never leave this folder.

pub mod ast;

mod brackets;
mod build;
mod code;
mod explain;
mod grammar;
pub(crate) mod lex;
pub(crate) mod outline;
mod parser;
pub(crate) mod strings;
pub(crate) mod table;
pub(crate) mod words;

use crate::diagnostic::{Diagnostics, FileId};
use crate::stack;

/// Parses one file. What is broken is told and left out of the tree; its name is kept in [`ast::File::broken`].
///
/// The text may start with a byte order mark, and its lines may end with CR LF. Spans count bytes of `text`.
pub fn parse(file: FileId, text: &str) -> (ast::File, Diagnostics) {
    stack::enough(|| parse_here(file, text))
}

fn parse_here(file: FileId, text: &str) -> (ast::File, Diagnostics) {
    let (tokens, mut found) = lex::lex(file, text);
    let outline = outline::outline(file, text, &tokens);
    found.extend(outline.found);
    let parsed = parser::declarations(file, text, &tokens, &outline.declarations, &mut found);
    found.sort();
    (parsed, found)
}

#[cfg(test)]
mod tests;
