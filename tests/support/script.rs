//! Scripts of ClickHouse statements.

/// The statements of a script, without the `;` between them. A `;` in a string, a quoted name, a comment or a here-document does not
/// end a statement; pieces of nothing but blanks and comments are left out. Inline data behind `INSERT … FORMAT` is not looked at.
pub fn statements(script: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut at, mut content) = (0, 0, false);
    while let Some(first) = script[at..].chars().next() {
        let rest = &script[at..];
        if first == ';' {
            if content {
                found.push(script[start..at].trim());
            }
            at += 1;
            (start, content) = (at, false);
        } else if let Some(length) = comment(rest) {
            at += length;
        } else {
            content |= !first.is_whitespace();
            at += quoted(rest).unwrap_or(first.len_utf8());
        }
    }
    if content {
        found.push(script[start..].trim());
    }
    found
}

/// The length of the comment that the text begins with.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("--") || text.starts_with("# ") || text.starts_with("#!") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    text.starts_with("/*").then(|| text.find("*/").map_or(text.len(), |end| end + 2))
}

/// The length of the string, quoted name or here-document that the text begins with.
fn quoted(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|character| matches!(character, '\'' | '"' | '`' | '$'))?;
    if quote == '$' {
        let end = text[1..].find('$')? + 2;
        let tag = &text[..end];
        let word = tag[1..end - 1].chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
        return word.then(|| text[end..].find(tag).map_or(text.len(), |close| end + close + end));
    }
    let mut escaped = false;
    for (index, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return Some(index + 1),
            _ => {}
        }
    }
    Some(text.len())
}

/// A `DROP` or `DETACH` without its `SYNC`, which never comes back in the in-process engine.
pub fn without_sync(statement: &str) -> &str {
    let trimmed = statement.trim_end().trim_end_matches(';').trim_end();
    let word = first_word(trimmed);
    if word != "DROP" && word != "DETACH" {
        return statement;
    }
    match trimmed.get(trimmed.len().saturating_sub(5)..) {
        Some(end) if end.trim_start().eq_ignore_ascii_case("SYNC") && end.starts_with(char::is_whitespace) => {
            trimmed[..trimmed.len() - 5].trim_end()
        }
        _ => statement,
    }
}

/// The first word of a statement in capitals, behind its comments.
pub fn first_word(statement: &str) -> String {
    let mut rest = statement.trim_start();
    while let Some(length) = comment(rest) {
        rest = rest[length..].trim_start();
    }
    rest.chars().take_while(|character| character.is_ascii_alphabetic()).collect::<String>().to_ascii_uppercase()
}
