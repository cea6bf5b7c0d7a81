//! The text in which Prometheus reads series (version 0.0.4).

/// The lines before the samples of a series. `kind` is `counter` or `gauge`.
pub fn head(name: &str, kind: &str, help: &str) -> String {
    let help = help.replace('\\', "\\\\").replace('\n', "\\n");
    format!("# HELP {name} {help}\n# TYPE {name} {kind}\n")
}

/// Labels as they are written; of no pairs, nothing.
pub fn labels<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> String {
    if pairs.is_empty() {
        return String::new();
    }
    let quoted = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}=\"{}\"", name.as_ref(), quoted(value.as_ref()))).collect();
    format!("{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_write_stays_within_its_quotes() {
        assert_eq!(labels(&[("a", "x\\y\"z\n值")]), "{a=\"x\\\\y\\\"z\\n值\"}");
        assert_eq!(labels::<&str, &str>(&[]), "");
        assert_eq!(head("m", "gauge", "a\\b\nc"), "# HELP m a\\\\b\\nc\n# TYPE m gauge\n");
    }
}
