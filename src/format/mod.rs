//! One canonical layout for every `.metric` file.
//!
//! The formatter works on tokens, so that nothing is lost: it chooses blanks, line breaks and the escapes of strings, and
//! keeps every other character, all comments included. What it made is parsed again, and given out only if it means the
//! same as the text it came from.

mod layout;
mod pieces;
mod printer;
mod strings;
mod table;

use crate::{
    diagnostic::{Diagnostics, FileId, Severity},
    error,
    syntax::{self, lex},
};

/// Columns of a line.
const WIDTH: usize = 120;

/// Blanks of one level of indentation.
const INDENT: usize = 2;

/// The text in canonical layout. It ends with a line feed, unless it is empty; the byte order mark is gone.
///
/// # Errors
/// What does not parse is told and not formatted; and should the result ever mean something else, that is told (E0140)
/// in place of giving it out.
pub fn format(text: &str) -> Result<String, Diagnostics> {
    format_file(FileId(0), text)
}

/// The same, with diagnostics that name a file.
///
/// # Errors
/// See [`format`].
pub fn format_file(file: FileId, text: &str) -> Result<String, Diagnostics> {
    let (before, found) = syntax::parse(file, text);
    if found.has_errors() {
        return Err(found.into_iter().filter(|d| d.severity() == Severity::Error).collect());
    }
    let (tokens, _) = lex::lex(file, text);
    let outline = syntax::outline::outline(file, text, &tokens);
    let formatted = printer::print(text, &tokens, &outline.declarations);
    let (after, found_after) = syntax::parse(file, &formatted);
    if found_after.has_errors() || before != after || comments(text, &tokens) != comments_of(file, &formatted) {
        let mut internal = Diagnostics::new();
        internal.push(error!(
            E0140, None, "the formatted text would mean something else, so the file stays as it is";
            help: "this is a mistake of the formatter: please report it together with the file"
        ));
        return Err(internal);
    }
    Ok(formatted)
}

/// The comments in order, without the blanks around them.
fn comments<'t>(text: &'t str, tokens: &[lex::Token]) -> Vec<&'t str> {
    tokens.iter().filter(|t| t.is_comment()).map(|t| t.text(text).trim_end()).collect()
}

fn comments_of(file: FileId, text: &str) -> Vec<&str> {
    let (tokens, _) = lex::lex(file, text);
    comments(text, &tokens)
}

#[cfg(test)]
mod tests;
