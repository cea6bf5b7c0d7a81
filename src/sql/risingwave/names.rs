//! Words of PostgreSQL's grammar that are no bare names, beside those of [`crate::sql::identifier`].

/// Sorted.
const RESERVED: &[&str] = &[
    "analyse",
    "analyze",
    "asymmetric",
    "authorization",
    "binary",
    "both",
    "cascade",
    "check",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "do",
    "except",
    "foreign",
    "freeze",
    "grant",
    "ilike",
    "initially",
    "isnull",
    "leading",
    "localtime",
    "localtimestamp",
    "notnull",
    "only",
    "overlaps",
    "placing",
    "primary",
    "references",
    "returning",
    "row",
    "select",
    "session_user",
    "similar",
    "some",
    "symmetric",
    "system_user",
    "tablesample",
    "to",
    "trailing",
    "tumble",
    "unique",
    "user",
    "variadic",
    "verbose",
    "watermark",
];

/// Whether the word is one of them.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_list_is_sorted() {
        assert!(super::RESERVED.is_sorted());
    }
}
