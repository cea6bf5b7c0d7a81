//! Samples in Parquet: types, nulls, enums and keys are checked; the rows stay on disk.
#![cfg(feature = "dry-run")]

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, TimestampMillisecondArray,
};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::file::properties::WriterProperties;
use metricc::dry_run::{Data, DryRun, Options, write_parquet};
use metricc::plan::{Clean, DataType, Encoding, Keep, Origin, OutputColumn, Step, StoredColumn, Table, Value};
use metricc::table::Answer;

fn column(name: &str, ty: DataType, nullable: bool) -> StoredColumn {
    StoredColumn { name: name.to_owned(), ty, nullable, encoding: Encoding::Native, domain: Vec::new() }
}

fn events() -> Table {
    let mut platform = column("platform", DataType::String, false);
    platform.domain = vec!["web".to_owned(), "ios".to_owned()];
    let mut received = column("received_at", DataType::Timestamp, true);
    received.encoding = Encoding::Milliseconds;
    Table {
        name: "event".to_owned(),
        physical: "dwd.event".to_owned(),
        sample: Some("event.parquet".to_owned()),
        columns: vec![
            column("event_id", DataType::String, false),
            column("at", DataType::Timestamp, false),
            received,
            platform,
            column("amount", DataType::Decimal { precision: 18, scale: 2 }, true),
            column("n", DataType::Int, true),
        ],
        clean: Clean { key: vec!["event_id".to_owned()], keep: Keep::Earliest, time: Some("at".to_owned()) },
        origin: Origin::Stored,
        history: None,
    }
}

/// Columns of `rows` rows: ids `e0` …, of which some are told twice or null.
fn columns(ids: Vec<Option<String>>) -> Vec<(&'static str, ArrayRef)> {
    let rows = ids.len();
    let platforms = (0..rows).map(|row| Some(if row % 2 == 0 { "web" } else { "ios" }));
    let amounts = (0..rows as i128).map(|row| (row % 3 != 0).then_some(row));
    vec![
        ("event_id", Arc::new(ids.into_iter().collect::<StringArray>())),
        (
            "at",
            Arc::new(
                (0..rows as i64)
                    .map(|row| Some(row * 1_000_000))
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            ),
        ),
        ("received_at", Arc::new((0..rows as i64).map(Some).collect::<Int64Array>())),
        ("platform", Arc::new(platforms.collect::<StringArray>())),
        ("amount", Arc::new(amounts.collect::<Decimal128Array>().with_precision_and_scale(10, 1).unwrap())),
        ("n", Arc::new((0..rows as i32).map(Some).collect::<Int32Array>())),
    ]
}

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(1_000)).build();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn shown(name: &str, ty: DataType) -> OutputColumn {
    OutputColumn { name: name.to_owned(), ty, nullable: true, unit: None }
}

fn told(table: &Table, dir: &Path) -> Vec<String> {
    let mut dry_run = DryRun::new(Options::new(chrono_tz::UTC)).unwrap();
    match dry_run.register(table, &Data::Samples(dir)) {
        Ok(_) => Vec::new(),
        Err(told) => told.iter().map(|d| format!("{} {}", d.code, d.message)).collect(),
    }
}

#[test]
fn values_come_in_canonical_types_over_several_parts() {
    let dir = tempfile::tempdir().unwrap();
    let parts = dir.path().join("event.parquet");
    fs::create_dir(&parts).unwrap();
    for part in 0..3 {
        let ids = (0..2_500).map(|row| Some(format!("e{part}-{row}"))).collect();
        write(&parts.join(format!("part-{part}.parquet")), columns(ids));
    }
    let mut dry_run = DryRun::new(Options::new(chrono_tz::UTC)).unwrap();
    dry_run.register(&events(), &Data::Samples(dir.path())).unwrap();
    let sql = "SELECT count(*), min(at), max(received_at), sum(amount), count(amount), sum(n) FROM src_event WHERE platform = 'ios'";
    let columns = vec![
        shown("rows", DataType::Int),
        shown("least", DataType::Timestamp),
        shown("greatest", DataType::Timestamp),
        shown("sum", DataType::Decimal { precision: 38, scale: 2 }),
        shown("count", DataType::Int),
        shown("n", DataType::Int),
    ];
    let rows = dry_run.run_sql(sql, columns).unwrap().rows;
    // Odd rows below 2,500, three times; amounts are row / 10 where 3 does not divide the row.
    let odd = || (0..2_500_i64).filter(|row| row % 2 == 1);
    let sum: i64 = odd().filter(|row| row % 3 != 0).sum::<i64>() * 3;
    let count = odd().filter(|row| row % 3 != 0).count() as i64 * 3;
    assert_eq!(
        rows,
        [vec![
            Value::Int(3 * 1_250),
            Value::Timestamp(1_000),
            Value::Timestamp(2_499),
            Value::Decimal(i128::from(sum) * 10),
            Value::Int(count),
            Value::Int(odd().sum::<i64>() * 3),
        ]]
    );
}

#[test]
fn rows_that_the_key_drops_are_left_out_before_and_within_queries_alike() {
    let dir = tempfile::tempdir().unwrap();
    // Every 7th id is that of the row before, every 50th is null.
    let id = |row: usize| match row {
        _ if row.is_multiple_of(50) => None,
        _ if row.is_multiple_of(7) => Some(format!("e{}", row - 1)),
        _ => Some(format!("e{row}")),
    };
    write(&dir.path().join("event.parquet"), columns((0..5_000).map(id).collect()));
    let replaces = |row: usize| row.is_multiple_of(7) && !(row - 1).is_multiple_of(50);
    let clean = |row: usize| !row.is_multiple_of(50) && !replaces(row);
    let expected = (0..5_000).filter(|row| clean(*row)).count() as i64;
    let sum: i64 = (0..5_000).filter(|row| clean(*row)).map(|row| row as i64).sum();
    let table = events();
    for clean_in_query in [false, true] {
        let mut options = Options::new(chrono_tz::UTC);
        options.clean_in_query = clean_in_query;
        let mut dry_run = DryRun::new(options).unwrap();
        dry_run.register(&table, &Data::Samples(dir.path())).unwrap();
        let query = one_scan(table.clone());
        let answer = dry_run.run(&query).unwrap();
        assert_eq!(answer.rows, [vec![Value::Int(expected), Value::Decimal(i128::from(sum))]], "{clean_in_query}");
    }
}

/// The number of rows and the sum of `n`.
fn one_scan(table: Table) -> metricc::plan::Query {
    use metricc::plan::{
        Aggregate, Expr, ExprKind, Input, Measure, MeasureId, MetricOutput, Query, Scan, Source, WeekStart,
    };
    let column = |name: &str, ty| Expr {
        kind: ExprKind::Column { input: Input::Base, name: name.to_owned() },
        ty,
        nullable: true,
    };
    let sum = DataType::Decimal { precision: 38, scale: 0 };
    let measures = vec![
        Measure { filter: None, aggregate: Aggregate::CountRows, ty: DataType::Int },
        Measure { filter: None, aggregate: Aggregate::Sum(column("n", DataType::Int)), ty: sum.clone() },
    ];
    let metric = |name: &str, at: usize, ty: DataType| {
        let id = MeasureId { scan: 0, measure: at };
        let formula = Expr { kind: ExprKind::Measure(id), ty: ty.clone(), nullable: false };
        MetricOutput { column: shown(name, ty), formula, present: vec![id.into()], fill: None }
    };
    Query {
        tables: Arc::new(vec![table]),
        scans: vec![Scan::new(Source::Table(0), Some(column("at", DataType::Timestamp)), measures)],
        metrics: vec![metric("rows", 0, DataType::Int), metric("n", 1, sum)],
        ..Query::empty(chrono_tz::UTC, WeekStart(chrono::Weekday::Mon))
    }
}

#[test]
fn wrong_columns_nulls_and_values_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("event.parquet");
    let mut wrong = columns(vec![Some("e1".to_owned()), None]);
    wrong[1].1 = Arc::new(TimestampMillisecondArray::from(vec![1, 2]));
    wrong[4].1 = Arc::new(Float64Array::from(vec![1.0, 2.0]));
    wrong[2].0 = "received";
    write(&path, wrong);
    assert_eq!(
        told(&events(), dir.path()),
        [
            "E0907 `event.parquet`: the column `received` is not declared in `event`",
            "E0915 `event.parquet`, column `at`: its type Timestamp(ms) is not a timestamp with isAdjustedToUTC",
            "E0906 `event.parquet` lacks the column `received_at` of `event`",
            "E0915 `event.parquet`, column `amount`: its type Float64 is not a decimal of at most (18,2) digits",
        ]
    );
    let mut wrong = columns((0..2_000).map(|row| Some(row.to_string())).collect());
    wrong[3].1 = Arc::new(
        (0..2_000)
            .map(|row| match row {
                1_500 => Some("tv"),
                7 => None,
                _ => Some("web"),
            })
            .collect::<StringArray>(),
    );
    write(&path, wrong);
    assert_eq!(
        told(&events(), dir.path()),
        ["E0912 `event.parquet`, column `platform` has 1 nulls, which the column cannot have"]
    );
    let mut wrong = columns((0..2_000).map(|row| Some(row.to_string())).collect());
    wrong[3].1 = Arc::new((0..2_000).map(|row| Some(if row == 1_500 { "tv" } else { "web" })).collect::<StringArray>());
    write(&path, wrong);
    assert_eq!(
        told(&events(), dir.path()),
        ["E0913 `event.parquet`, column `platform`: `tv` is not one of `web`, `ios`"]
    );
}

#[test]
fn damaged_and_empty_files_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("event.parquet");
    for content in [&b""[..], b"not parquet at all", b"PAR1\0\0\0\0PAR1"] {
        fs::write(&path, content).unwrap();
        let told = told(&events(), dir.path());
        assert!(
            told.len() == 1 && told[0].starts_with("E0916 `event.parquet` cannot be read as Parquet: "),
            "{told:?}"
        );
    }
    write(&path, columns(vec![Some("e1".to_owned()); 3_000]));
    let whole = fs::read(&path).unwrap();
    // Its footer is whole, but its pages are not.
    let mut broken = whole.clone();
    broken[4..400].fill(0xFF);
    fs::write(&path, broken).unwrap();
    let found = told(&events(), dir.path());
    assert!(found.len() == 1 && found[0].starts_with("E0916 "), "{found:?}");
    write(&path, columns(Vec::new()));
    assert_eq!(told(&events(), dir.path()), [""; 0]);
}

#[test]
fn answers_are_written_and_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let decimal = DataType::Decimal { precision: 38, scale: 2 };
    let types = [
        DataType::Timestamp,
        DataType::String,
        decimal,
        DataType::Int,
        DataType::Float,
        DataType::Bool,
        DataType::Duration,
        DataType::Date,
    ];
    let values = vec![
        Value::Timestamp(1_000),
        Value::String("中".to_owned()),
        Value::Decimal(-5),
        Value::Int(7),
        Value::Float(0.5),
        Value::Bool(true),
        Value::Duration(9),
        Value::Date(-1),
    ];
    let columns: Vec<OutputColumn> =
        types.iter().enumerate().map(|(at, ty)| shown(&format!("c{at}"), ty.clone())).collect();
    let rows = vec![values, vec![Value::Null; 8]];
    let answer =
        Answer { columns: columns.clone(), keys: 1, rows: rows.clone(), zone: chrono_tz::UTC, step: Some(Step::Day) };
    write_parquet(&answer, File::create(dir.path().join("t.parquet")).unwrap()).unwrap();
    let table = Table {
        name: "t".to_owned(),
        physical: "t".to_owned(),
        sample: Some("t.parquet".to_owned()),
        columns: columns.iter().map(|c| column(&c.name, c.ty.clone(), true)).collect(),
        clean: Clean { key: Vec::new(), keep: Keep::Earliest, time: None },
        origin: Origin::Stored,
        history: None,
    };
    let mut dry_run = DryRun::new(Options::new(chrono_tz::UTC)).unwrap();
    dry_run.register(&table, &Data::Samples(dir.path())).unwrap();
    assert_eq!(dry_run.run_sql("SELECT * FROM src_t", columns).unwrap().rows, rows);
}
