//! The functions of the dry run as SQL calls them, with literals and over columns.
#![cfg(feature = "dry-run")]

use metricc::dry_run::{Data, DryRun, Given, Options};
use metricc::plan::{Clean, DataType, Encoding, Keep, Origin, OutputColumn, StoredColumn, Table, Value};

fn column(name: &str, ty: DataType) -> StoredColumn {
    StoredColumn { name: name.to_owned(), ty, nullable: true, encoding: Encoding::Native, domain: Vec::new() }
}

/// Four rows, the last all null.
fn dry_run() -> DryRun {
    let table = Table {
        name: "t".to_owned(),
        physical: "t".to_owned(),
        sample: None,
        columns: vec![
            column("g", DataType::String),
            column("s", DataType::String),
            column("i", DataType::Int),
            column("f", DataType::Float),
            column("d", DataType::Decimal { precision: 10, scale: 2 }),
            column("at", DataType::Timestamp),
            column("day", DataType::Date),
            column("m", DataType::Map(Box::new(DataType::String))),
        ],
        clean: Clean { key: Vec::new(), keep: Keep::Earliest, time: None },
        origin: Origin::Stored,
        history: None,
    };
    let rows = [
        ["a", "Äpfel", "7", "2.5", "1.25", "2026-03-08 01:30:00", "2026-03-08", r#"{"k":"v"}"#],
        ["a", "b", "-7", "-0.5", "-1.25", "2026-03-08 03:30:00", "2026-12-31", "{}"],
        ["b", "", "0", "1e3", "0.00", "2026-11-01 23:00:00", "2027-01-01", r#"{"k":"中"}"#],
    ];
    let mut rows: Vec<Vec<Option<String>>> = rows.map(|row| row.map(|cell| Some(cell.to_owned())).to_vec()).to_vec();
    rows.push(vec![None; 8]);
    let given = Given { columns: table.columns.iter().map(|c| c.name.clone()).collect(), rows };
    let mut dry_run = DryRun::new(Options::new(chrono_tz::America::New_York)).unwrap();
    dry_run.register(&table, &Data::Given(&given, &|_| None)).unwrap();
    dry_run
}

/// The values of an expression over the four rows, null as `-`.
fn values(dry_run: &DryRun, expression: &str) -> String {
    let sql = format!("SELECT mc_cast_text({expression}, 'UTC') FROM src_t");
    let output = OutputColumn { name: "x".to_owned(), ty: DataType::String, nullable: true, unit: None };
    let answer = dry_run.run_sql(&sql, vec![output]).unwrap_or_else(|told| panic!("{expression}: {told:?}"));
    let text = |row: &Vec<Value>| if let Value::String(text) = &row[0] { text.clone() } else { "-".to_owned() };
    answer.rows.iter().map(text).collect::<Vec<_>>().join("|")
}

#[test]
fn every_scalar_function_is_known_and_keeps_null() {
    let dry_run = dry_run();
    for (expression, expected) in [
        (
            "mc_bucket(at, '1d', 'America/New_York', 1)",
            "2026-03-08 05:00:00.000|2026-03-08 05:00:00.000|2026-11-01 04:00:00.000|-",
        ),
        (
            "mc_bucket(at, '1h', 'America/New_York', 1)",
            "2026-03-08 06:00:00.000|2026-03-08 07:00:00.000|2026-11-02 04:00:00.000|-",
        ),
        (
            "mc_bucket(at, '1w', 'America/New_York', 7)",
            "2026-03-08 05:00:00.000|2026-03-08 05:00:00.000|2026-11-01 04:00:00.000|-",
        ),
        ("mc_date(at, 'America/New_York')", "2026-03-08|2026-03-08|2026-11-01|-"),
        ("mc_part('hour', at, 'America/New_York')", "1|3|23|-"),
        ("mc_part('week', day, 'UTC')", "10|53|53|-"),
        ("mc_add_ms(at, -1)", "2026-03-08 06:29:59.999|2026-03-08 07:29:59.999|2026-11-02 03:59:59.999|-"),
        ("mc_diff_ms(at, mc_ts(1772951400000))", "0|3600000|20640600000|-"),
        ("mc_add_days(day, 86400000)", "2026-03-09|2027-01-01|2027-01-02|-"),
        ("mc_diff_days(day, mc_cast_date('2026-12-31'))", "-25747200000|0|86400000|-"),
        ("mc_round(d, 1)", "1.30|-1.30|0.00|-"),
        ("mc_round(f)", "3|-1|1000|-"),
        ("mc_floor(d)", "1.00|-2.00|0.00|-"),
        ("mc_ceil(f)", "3|-0|1000|-"),
        ("mc_half_even(f)", "2|0|1000|-"),
        ("mc_sqrt(i)", "2.6457513110645907|-|0|-"),
        ("mc_ln(f)", "0.9162907318741551|-|6.907755278982137|-"),
        ("mc_exp(i)", "1096.6331584284585|0.0009118819655545162|1|-"),
        ("mc_power(f, 2)", "6.25|0.25|1000000|-"),
        ("mc_mod(i, 4)", "3|-3|0|-"),
        ("mc_mod(d, i)", "1.25|-1.25|-|-"),
        ("mc_lower(s)", "äpfel|b||-"),
        ("mc_upper(s)", "ÄPFEL|B||-"),
        ("mc_trim(s || ' ')", "Äpfel|b||-"),
        ("mc_length(s)", "5|1|0|-"),
        ("mc_substring(s, 1, 2)", "Äp|b||-"),
        ("mc_replace(s, 'p', 'PP')", "ÄPPfel|b||-"),
        ("mc_split_part(s, 'f', 2)", "el|||-"),
        ("mc_starts_with(s, 'Ä')", "true|false|false|-"),
        ("mc_ends_with(s, 'b')", "false|true|false|-"),
        ("mc_contains(s, '')", "true|true|true|-"),
        ("mc_like(s, '_p%')", "true|false|false|-"),
        ("mc_matches(s, '^.?$')", "false|true|true|-"),
        ("mc_cast_int(d)", "1|-1|0|-"),
        ("mc_cast_float(d)", "1.25|-1.25|0|-"),
        ("mc_cast_bool(i)", "true|true|false|-"),
        (
            "mc_cast_timestamp(day, 'America/New_York')",
            "2026-03-08 05:00:00.000|2026-12-31 05:00:00.000|2027-01-01 05:00:00.000|-",
        ),
        ("mc_cast_decimal(f, 5, 1)", "2.5|-0.5|1000.0|-"),
        ("mc_json(m, '$.k')", "v|-|中|-"),
        ("mc_element(m, 'k')", "v|-|中|-"),
        ("mc_mask(s)", "Ä***|b***||-"),
        ("mc_hash(g)", "-3848465438864589366|-3848465438864589366|4477677635727087946|-"),
    ] {
        assert_eq!(values(&dry_run, expression), expected, "{expression}");
    }
}

#[test]
fn literals_fold_to_the_same_values_and_null_literals_are_null() {
    let dry_run = dry_run();
    for (expression, expected) in [
        ("mc_upper('straße')", "STRASSE"),
        ("mc_cast_decimal('0.125', 4, 2)", "0.13"),
        ("mc_bucket(mc_ts(0), '1month', 'Asia/Shanghai', 1)", "1969-12-31 16:00:00.000"),
        ("mc_mod(NULL, 2)", "-"),
        ("mc_lower(NULL)", "-"),
        ("mc_round(NULL, 1)", "-"),
        ("mc_cast_int(NULL)", "-"),
        ("mc_element(NULL, 'k')", "-"),
        ("mc_part('hour', NULL, 'UTC')", "-"),
    ] {
        assert_eq!(values(&dry_run, expression), [expected; 4].join("|"), "{expression}");
    }
}

#[test]
fn aggregates_by_group_in_total_and_over_no_rows() {
    let dry_run = dry_run();
    let run = |sql: &str| {
        let output =
            |name: &str| OutputColumn { name: name.to_owned(), ty: DataType::String, nullable: true, unit: None };
        let answer = dry_run
            .run_sql(sql, ["a", "b", "c", "d"].map(output).to_vec())
            .unwrap_or_else(|told| panic!("{sql}: {told:?}"));
        let text = |value: &Value| if let Value::String(text) = value { text.clone() } else { "-".to_owned() };
        answer.rows.iter().map(|row| row.iter().map(text).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    let parts = "mc_cast_text(mc_quantile(f, 1, 2), 'UTC'), mc_cast_text(mc_quantile_disc(s, 1, 2), 'UTC'), \
                 mc_cast_text(mc_count_distinct(s) FILTER (WHERE i <> 0), 'UTC')";
    assert_eq!(
        run(&format!("SELECT g, {parts} FROM src_t GROUP BY g ORDER BY g")),
        ["a 1 b 2", "b 1000  0", "- - - 0"]
    );
    assert_eq!(run(&format!("SELECT 'all', {parts} FROM src_t")), ["all 2.5 b 2"]);
    assert_eq!(run(&format!("SELECT 'none', {parts} FROM src_t WHERE i > 99")), ["none - - 0"]);
    assert!(dry_run.run_sql("SELECT mc_quantile(f, 3, 2) FROM src_t", Vec::new()).is_err());
}

#[test]
fn wrong_sql_is_one_plain_diagnostic() {
    let dry_run = dry_run();
    for sql in [
        "SELECT nothing FROM src_t",
        "SELEKT",
        "SELECT mc_bucket(at) FROM src_t",
        "DROP TABLE src_t",
        "SELECT mc_matches(s, '(') FROM src_t",
    ] {
        let told = dry_run.run_sql(sql, Vec::new()).unwrap_err();
        let codes: Vec<&str> = told.iter().map(|d| d.code.0).collect();
        assert_eq!(codes, ["E0932"], "{sql}");
        assert!(told.iter().all(|d| !d.message.contains('\n') && !d.message.contains("DataFusion")), "{told:?}");
    }
    // The table is still there.
    assert_eq!(values(&dry_run, "g"), "a|a|b|-");
}
