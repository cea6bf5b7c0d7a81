//! A sanity check of texts in small languages of their own: regular expressions and JSON paths.

/// Why a regular expression can't be one of RE2, as far as can be told without an engine.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    let mut chars = pattern.chars().peekable();
    let mut open = 0_usize;
    // Whether something stands before that `*`, `+`, `?` can repeat.
    let mut repeatable = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                match chars.next() {
                    None => return Err("it ends with a `\\` that escapes nothing".to_owned()),
                    Some(digit @ '1'..='9') => return Err(format!("`\\{digit}` refers back, which RE2 can't")),
                    Some(_) => {}
                }
                repeatable = true;
            }
            '[' => {
                class(&mut chars)?;
                repeatable = true;
            }
            '(' => {
                group(&mut chars)?;
                open += 1;
                repeatable = false;
            }
            ')' => {
                open = open.checked_sub(1).ok_or("a `)` closes nothing")?;
                repeatable = true;
            }
            '*' | '+' | '?' => {
                if !repeatable {
                    return Err(format!("there is nothing before `{c}` to repeat"));
                }
                // A lazy one: `.*?`
                chars.next_if_eq(&'?');
                repeatable = false;
            }
            '|' | '^' => repeatable = false,
            _ => repeatable = true,
        }
    }
    if open > 0 { Err("a `(` is not closed".to_owned()) } else { Ok(()) }
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// The rest of `[…]`.
fn class(chars: &mut Chars) -> Result<(), String> {
    chars.next_if_eq(&'^');
    // A `]` that comes first is a member.
    chars.next_if_eq(&']');
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '[' if chars.peek() == Some(&':') => {
                // `[[:alpha:]]`
                for inner in chars.by_ref() {
                    if inner == ']' {
                        break;
                    }
                }
            }
            ']' => return Ok(()),
            _ => {}
        }
    }
    Err("a `[` is not closed".to_owned())
}

/// What follows `(`: nothing, flags or a name; looking around is not in RE2.
fn group(chars: &mut Chars) -> Result<(), String> {
    if chars.next_if_eq(&'?').is_none() {
        return Ok(());
    }
    match chars.next() {
        Some('=' | '!') => Err("RE2 can't look ahead".to_owned()),
        Some('<') if matches!(chars.peek(), Some('=' | '!')) => Err("RE2 can't look behind".to_owned()),
        Some('>') => Err("RE2 has no atomic groups".to_owned()),
        Some(':') => Ok(()),
        Some('P' | '<' | '-' | 'i' | 'm' | 's' | 'U') => {
            // Up to the end of the flags or of the name.
            while let Some(c) = chars.next_if(|c| !matches!(c, ':' | '>' | ')')) {
                if c == '(' {
                    return Err("a group's flags are not closed".to_owned());
                }
            }
            chars.next_if(|c| matches!(c, ':' | '>'));
            Ok(())
        }
        _ => Err("`(?` starts no group that RE2 knows".to_owned()),
    }
}

/// Why a text is no JSON path of keys and places: `$.a["b c"][0]`.
pub(super) fn check_json_path(path: &str) -> Result<(), String> {
    let mut rest = path.strip_prefix('$').ok_or("it starts with `$`")?;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let key = &after[..end];
            if key.is_empty() || key.contains([']', '"', '\'', '*', ' ']) {
                return Err("a key follows each dot; odd keys stand in `[\"…\"]`".to_owned());
            }
            rest = &after[end..];
        } else if let Some(after) = rest.strip_prefix("[\"") {
            let end = after.find("\"]").ok_or("a `[\"` is not closed")?;
            rest = &after[end + 2..];
        } else if let Some(after) = rest.strip_prefix('[') {
            let end = after.find(']').ok_or("a `[` is not closed")?;
            if after[..end].is_empty() || !after[..end].bytes().all(|byte| byte.is_ascii_digit()) {
                return Err("a place in `[…]` is a number from 0".to_owned());
            }
            rest = &after[end + 1..];
        } else {
            return Err("a `.` or `[` separates its parts".to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_patterns_pass() {
        for good in [
            "^a.*z$",
            "a|b",
            "[]a]+",
            "[^]]",
            r"\d{2,3}?",
            "(?i)abc",
            "(?P<n>x)",
            "(?:a|b)+",
            r"\\",
            "[[:alpha:]]",
            "",
            "x*?",
            "^(a)?$",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn broken_patterns_are_told() {
        for bad in ["(", "a)", "[a", "*a", "a|*", "\\", r"(a)\1", "(?=a)", "(?<!a)", "(?>a)", "(?#a)", "a**"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn json_paths_have_keys_and_places() {
        for good in ["$", "$.a", "$.a.b[0]", "$[\"a b\"].c", "$.日期"] {
            assert_eq!(check_json_path(good), Ok(()), "{good}");
        }
        for bad in ["a", "$a", "$.", "$..a", "$.a[", "$.a[x]", "$[\"a", "$.*", ""] {
            assert!(check_json_path(bad).is_err(), "{bad}");
        }
    }
}
