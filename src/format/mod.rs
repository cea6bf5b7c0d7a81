//! The canonical layout of a `.metric` file.
//!
//! Works on the tokens rather than on the tree, because the tree has no comments: `pieces` says how tokens stand beside
//! each other and where a line may break, `layout` breaks what is too long, `blocks` puts declarations, items, tables and
//! the comments between them under each other. The result is read again before it is given away: a text that says
//! something else, or has lost a comment, never leaves this folder.

mod blocks;
mod layout;
mod literal;
#[cfg(test)]
mod mutations;
mod pieces;
mod table;

use crate::{
    diagnostic::{Diagnostics, FileId},
    error, stack,
    syntax::{
        self,
        lex::{self, Token},
        outline,
    },
};

/// How many columns a line may have, as far as the formatter can help it.
const WIDTH: usize = 120;

/// The text in its canonical layout; formatting it again changes nothing.
///
/// # Errors
/// What is wrong with the syntax of a text that has errors: it is better left as it is.
pub fn format(text: &str) -> Result<String, Diagnostics> {
    format_file(FileId(0), text)
}

/// Like [`format()`], for a text whose diagnostics are to lead into a certain file.
///
/// # Errors
/// What is wrong with the syntax of a text that has errors: it is better left as it is.
pub fn format_file(file: FileId, text: &str) -> Result<String, Diagnostics> {
    stack::enough(|| format_here(file, text))
}

fn format_here(file: FileId, text: &str) -> Result<String, Diagnostics> {
    let (tree, found) = syntax::parse(file, text);
    if found.has_errors() {
        return Err(found);
    }
    let (tokens, _) = lex::lex(file, text);
    let outline = outline::outline(file, text, &tokens);
    let formatted = blocks::file(text, &tokens, &outline.declarations);

    let (after, found) = syntax::parse(file, &formatted);
    let (tokens_after, _) = lex::lex(file, &formatted);
    let same = !found.has_errors() && after == tree && comments(text, &tokens) == comments(&formatted, &tokens_after);
    if same {
        return Ok(formatted);
    }
    Err([error!(
        E0040, None, "the formatter would change what this text says, so it stays as it is";
        help: "this is a fault of metricc: please report it with the text"
    )]
    .into_iter()
    .collect())
}

/// All comments as they are written in the canonical layout.
fn comments(text: &str, tokens: &[Token]) -> Vec<String> {
    tokens.iter().filter(|token| token.is_comment()).map(|token| literal::comment(text, token)).collect()
}
