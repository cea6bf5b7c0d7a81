//! The words of the language: kinds, item words, reserved words, and near misses of them.

/// The kinds of declarations.
pub const KINDS: &[&str] = &[
    "access",
    "alert",
    "attribution",
    "calendar",
    "change",
    "cohort",
    "conversion",
    "dashboard",
    "dimension",
    "entity",
    "experiment",
    "funnel",
    "hierarchy",
    "lifecycle",
    "metric",
    "path",
    "quality",
    "report",
    "segment",
    "session",
    "slo",
    "source",
    "subset",
    "test",
];

/// Words that are never a name outside of back quotes.
pub const RESERVED: &[&str] = &[
    "and", "or", "not", "in", "is", "between", "like", "case", "when", "then", "else", "end", "null", "true", "false",
];

/// Reserved words after which a line goes on.
pub const OPEN_WORDS: &[&str] = &["and", "or", "not", "in", "is", "between", "like", "case", "when", "then", "else"];

/// Reserved words with which no item starts.
pub const JOINING_WORDS: &[&str] = &["and", "or", "in", "is", "between", "like", "when", "then", "else", "end"];

/// Words that start an item without a colon.
pub const ITEM_WORDS: &[&str] = &["class", "column", "exclude", "expect", "given", "measure", "row", "score", "step"];

/// The functions that aggregate rows.
pub const AGGREGATES: &[&str] = &[
    "count",
    "distinct",
    "approx_distinct",
    "sum",
    "avg",
    "min",
    "max",
    "p50",
    "p75",
    "p90",
    "p95",
    "p99",
    "quantile",
    "quantile_disc",
    "approx_quantile",
    "stddev",
    "variance",
    "first",
    "last",
];
