//! The SQL of hand-made plans, in every dialect: shown, and read back.

mod plans;

use metricc::sql::{self, Options};

#[test]
fn every_query_is_shown_and_reads_back() {
    for (name, query) in plans::shown() {
        for dialect in sql::DIALECTS {
            let made = sql::select(&query, dialect, &Options::default()).expect("can be said");
            let text = sql::to_text(&made, dialect);
            let read = sql::reparse(&text, dialect).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
            // Escapes are read, and type names are printed in capitals.
            if !text.contains('\\') {
                let flat = |text: &str| text.replace(", ", ",").to_uppercase();
                assert_eq!(flat(&format!("{read:#}")), flat(&text), "{name} changes in {}", dialect.name());
            }
            insta::with_settings!({ snapshot_path => "../snapshots/sql", prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(format!("{name}.{}", dialect.name()), text);
            });
        }
    }
}

#[test]
fn a_query_is_the_same_every_time() {
    for (_, query) in plans::shown() {
        for dialect in sql::DIALECTS {
            let text = || sql::to_text(&sql::select(&query, dialect, &Options::default()).unwrap(), dialect);
            assert_eq!(text(), text());
        }
    }
}

#[test]
fn what_a_dialect_cannot_say_is_told() {
    use metricc::plan::{Aggregate, DataType, Expr, ExprKind};
    let escape = Expr {
        kind: ExprKind::Sql {
            variants: vec![("clickhouse".to_owned(), "lower({0})".to_owned())],
            arguments: vec![plans::col(plans::CALL, "api")],
        },
        ty: DataType::String,
        nullable: false,
    };
    let measure = plans::measure(Aggregate::Distinct(escape), None);
    let query = plans::with_leaf(plans::question(None, vec![plans::call_scan(vec![measure])]), "apis", plans::id(0, 0));
    let text = sql::to_text(&sql::select(&query, &sql::CLICKHOUSE, &Options::default()).unwrap(), &sql::CLICKHOUSE);
    assert!(text.contains("uniqExact(lower(b.api))"), "{text}");
    let errors = sql::select(&query, &sql::DATAFUSION, &Options::default()).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].reason.contains("`datafusion`"), "{errors:?}");
}
