//! Which names stand bare in SQL.

/// Words that start or end something in one of our grammars, sorted.
const RESERVED: &[&str] = &[
    "ALL",
    "AND",
    "ANTI",
    "ANY",
    "ARRAY",
    "AS",
    "ASC",
    "ASOF",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "CLUSTER",
    "CONNECT",
    "CROSS",
    "DATE",
    "DATETIME",
    "DESC",
    "DISTINCT",
    "DISTRIBUTE",
    "ELSE",
    "EMPTY",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "EXTRACT",
    "FALSE",
    "FETCH",
    "FINAL",
    "FOR",
    "FORMAT",
    "FROM",
    "FULL",
    "GLOBAL",
    "GROUP",
    "HAVING",
    "IN",
    "INNER",
    "INTERSECT",
    "INTERVAL",
    "INTO",
    "IS",
    "JOIN",
    "LATERAL",
    "LEFT",
    "LIKE",
    "LIMIT",
    "MINUS",
    "NATURAL",
    "NOT",
    "NULL",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "PARTITION",
    "PREWHERE",
    "QUALIFY",
    "RIGHT",
    "SAMPLE",
    "SELECT",
    "SEMI",
    "SET",
    "SETTINGS",
    "SORT",
    "STRUCT",
    "TABLE",
    "THEN",
    "TIMESTAMP",
    "TOP",
    "TRIM",
    "TRUE",
    "UNION",
    "UNNEST",
    "USING",
    "VALUES",
    "VIEW",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
];

/// Whether the word is reserved somewhere.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.binary_search(&name.to_ascii_uppercase().as_str()).is_ok()
}

/// Letters as told, digits and underscores, not starting with a digit.
pub fn is_plain(name: &str, letter: fn(char) -> bool) -> bool {
    let start = name.chars().next().is_some_and(|c| letter(c) || c == '_');
    start && name.chars().all(|c| letter(c) || c == '_' || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{CLICKHOUSE, DATAFUSION, Dialect, build, reparse};

    #[test]
    fn the_list_is_sorted() {
        assert!(RESERVED.is_sorted());
    }

    #[test]
    fn every_word_is_a_usable_name() {
        let mut wrong = Vec::new();
        let words = sqlparser::keywords::ALL_KEYWORDS.iter().copied();
        for word in words.chain(["活跃用户", "a b", "a\"b", "1st", "A", "it's"]) {
            for dialect in [&CLICKHOUSE as &dyn Dialect, &DATAFUSION] {
                let name = || dialect.identifier(&word.to_lowercase());
                let query = build::Parts {
                    projection: vec![build::item(build::column("b", name()), name())],
                    from: Some(build::table(sqlparser::ast::ObjectName::from(vec![name(), name()]), "b")),
                    ..build::Parts::default()
                };
                let order = build::sort(sqlparser::ast::Expr::Identifier(name()), true, true);
                let text = build::ordered(query.query(), vec![order]).to_string();
                if reparse(&text, dialect).map(|read| read.to_string()).ok().as_deref() != Some(text.as_str()) {
                    wrong.push(word);
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
