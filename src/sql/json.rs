//! Paths into JSON: `$`, `.key`, `["key"]`, `[0]`.

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into an object's value.
    Key(String),
    /// To an array's item, from 0.
    Item(usize),
}

/// The steps of a path; none where it is malformed.
pub fn path(text: &str) -> Option<Vec<Step>> {
    let mut rest = text.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix('.') {
            let end = tail.find(['.', '[']).unwrap_or(tail.len());
            if end == 0 {
                return None;
            }
            steps.push(Step::Key(tail[..end].to_owned()));
            rest = &tail[end..];
        } else if let Some(tail) = rest.strip_prefix("[\"") {
            let end = tail.find("\"]")?;
            steps.push(Step::Key(tail[..end].to_owned()));
            rest = &tail[end + 2..];
        } else {
            let tail = rest.strip_prefix('[')?;
            let end = tail.find(']')?;
            steps.push(Step::Item(tail[..end].parse().ok()?));
            rest = &tail[end + 1..];
        }
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read() {
        let key = |name: &str| Step::Key(name.to_owned());
        assert_eq!(path("$"), Some(vec![]));
        assert_eq!(path("$.a[2].b c"), Some(vec![key("a"), Step::Item(2), key("b c")]));
        assert_eq!(path("$[\"a.b\"]"), Some(vec![key("a.b")]));
        for wrong in ["a", "$a", "$..a", "$[x]", "$[\"a"] {
            assert_eq!(path(wrong), None, "{wrong}");
        }
    }
}
