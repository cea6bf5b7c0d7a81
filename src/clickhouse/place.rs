//! Where in a statement an exception is.

use std::ops::Range;

/// The bytes of a statement that a message speaks of: by line and column, by position, or by a name that stands in both.
pub fn place(message: &str, statement: &str) -> Option<Range<usize>> {
    by_line(message, statement).or_else(|| by_position(message, statement)).or_else(|| by_name(message, statement))
}

/// `(line 3, col 14)`; the column counts bytes from 1.
fn by_line(message: &str, statement: &str) -> Option<Range<usize>> {
    let rest = &message[message.find("(line ")? + "(line ".len()..];
    let (line, rest) = rest.split_once(", col ")?;
    let column = rest.split(')').next()?;
    let (line, column): (usize, usize) = (line.trim().parse().ok()?, column.trim().parse().ok()?);
    let start: usize = statement.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    token(statement, start + column.checked_sub(1)?)
}

/// `failed at position 15`: bytes, from 1.
fn by_position(message: &str, statement: &str) -> Option<Range<usize>> {
    let rest = message.split("at position ").nth(1)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    token(statement, rest[..digits].parse::<usize>().ok()?.checked_sub(1)?)
}

/// The word, number or sign that starts at a byte.
fn token(statement: &str, start: usize) -> Option<Range<usize>> {
    if start > statement.len() || !statement.is_char_boundary(start) {
        return None;
    }
    let rest = &statement[start..];
    let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let length = if word > 0 { word } else { rest.chars().next().map_or(0, char::len_utf8) };
    Some(start..start + length)
}

/// The first quoted name of the message that stands in the statement as a whole word; of `a.b` also `b` alone.
fn by_name(message: &str, statement: &str) -> Option<Range<usize>> {
    let quoted = |quote: char| message.split(quote).skip(1).step_by(2);
    let plain = message.split_whitespace().filter(|word| word.contains('.') || word.contains('_'));
    let names = quoted('`').chain(quoted('\'')).chain(plain);
    names.filter(|name| !name.is_empty() && name.len() <= 200).find_map(|name| {
        let name = name.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
        word(statement, name).or_else(|| word(statement, name.rsplit('.').next()?))
    })
}

/// The first place where a name stands as a whole word.
fn word(statement: &str, name: &str) -> Option<Range<usize>> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    if name.len() < 2 || !name.starts_with(is_part) {
        return None;
    }
    let ends = |at: usize| !statement[..at].ends_with(is_part) && !statement[at + name.len()..].starts_with(is_part);
    statement.match_indices(name).map(|(at, _)| at).find(|at| ends(*at)).map(|at| at..at + name.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, statement: &str, wanted: Option<&str>) {
        assert_eq!(place(message, statement).map(|range| &statement[range]), wanted, "{message}");
    }

    #[test]
    fn a_place_is_found_by_line_position_or_name() {
        let statement = "SELECT a,\n  中 FRM t\nWHERE web_user = 1";
        check("Syntax error: failed at position 17 (FRM) (line 2, col 7): FRM t", statement, Some("FRM"));
        check("Syntax error: failed at position 1 (SELECT)", statement, Some("SELECT"));
        check("Unknown expression identifier `web_user` in scope SELECT", statement, Some("web_user"));
        check("Unknown table expression identifier 'metrics.t' in scope", statement, Some("t").filter(|_| false));
        check("Table metrics.web_user does not exist. Maybe you meant x?", statement, Some("web_user"));
        check("Memory limit exceeded", statement, None);
    }

    #[test]
    fn odd_places_are_none() {
        for message in [
            "(line 0, col 1)",
            "(line 99, col 99)",
            "(line x, col y)",
            "at position 0",
            "at position 99999999999999999999",
            "(line 1, col",
            "``",
            "'",
        ] {
            place(message, "SELECT 中");
            assert_eq!(place(message, ""), None, "{message}");
        }
    }
}
