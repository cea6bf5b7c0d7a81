//! All metrics of a large Parquet source in one dry run, against DuckDB running the same queries one by one.
//!
//! `cargo bench --bench dry_run` makes the source (10 million rows; `METRICC_BENCH_ROWS` for another number) in the target
//! folder once, and runs both. DuckDB is taken from the `python3` on the path (`pip install duckdb`); without it only
//! the dry run is measured.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use datafusion::arrow::array::{
    ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::Compression;
use datafusion::parquet::file::properties::WriterProperties;
use metricc::dry_run::{Data, DryRun, Options};
use metricc::plan::{
    Aggregate, Clean, DataType, Encoding, Expr, ExprKind, Function, Input, Keep, Measure, MeasureId, MetricOutput,
    Origin, OutputColumn, Query, Ratio, Scan, Source, Step, StoredColumn, Table, Value, WeekStart,
};

/// That of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MONEY: DataType = DataType::Decimal { precision: 18, scale: 2 };
const SUM: DataType = DataType::Decimal { precision: 38, scale: 2 };
const PLATFORMS: [&str; 4] = ["web", "ios", "android", "api"];

fn main() {
    let rows = std::env::var("METRICC_BENCH_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000_000);
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("dry_run_{rows}"));
    let file = dir.join("event.parquet");
    if !file.exists() {
        std::fs::create_dir_all(&dir).expect("a folder for the source");
        write_source(&file, rows);
    }
    for keyed in [true, false] {
        let ours = dry_run(&dir, keyed);
        let Some(theirs) = duckdb(&file, keyed) else {
            println!("DuckDB was not measured: `python3 -c 'import duckdb'` fails");
            continue;
        };
        let rows = if keyed { "clean rows" } else { "all rows" };
        println!("{rows}: dry run {ours:.2} s, DuckDB {theirs:.2} s, ratio {:.2}", ours / theirs);
    }
}

/// A source of events over 60 days; one of 2,000 is told twice.
fn write_source(path: &Path, rows: u64) {
    let mut random = fastrand::Rng::with_seed(7);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(1 << 20))
        .build();
    let mut writer: Option<ArrowWriter<File>> = None;
    let mut row = 0;
    while row < rows {
        let batch = (rows - row).min(65_536);
        let of = |row: u64| if row > 0 && row.is_multiple_of(2_000) { row - 1 } else { row };
        let ids: StringArray = (row..row + batch).map(|row| Some(format!("event-{:012}", of(row)))).collect();
        let at: TimestampMillisecondArray =
            (row..row + batch).map(|row| Some(1_793_462_400_000 + (row * 5_184_000_000 / rows) as i64)).collect();
        let users: StringArray =
            (0..batch).map(|_| (random.u8(..) > 5).then(|| format!("user-{}", random.u32(..500_000)))).collect();
        let names = ["view", "view", "view", "login", "feature_invoke", "pay_success"];
        let names: StringArray = (0..batch).map(|_| Some(names[random.usize(..6)])).collect();
        let platforms: StringArray = (0..batch).map(|_| Some(PLATFORMS[random.usize(..4)])).collect();
        let features: StringArray =
            (0..batch).map(|_| random.bool().then(|| format!("f{}", random.u8(..20)))).collect();
        let amounts: Decimal128Array =
            (0..batch).map(|_| random.bool().then(|| i128::from(random.u32(..100_000)))).collect();
        let latency: Int64Array = (0..batch).map(|_| Some(random.i64(1..3_000))).collect();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("event_id", Arc::new(ids)),
            ("event_time", Arc::new(at.with_timezone("UTC"))),
            ("user_id", Arc::new(users)),
            ("event_name", Arc::new(names)),
            ("platform", Arc::new(platforms)),
            ("feature", Arc::new(features)),
            ("amount", Arc::new(amounts.with_precision_and_scale(18, 2).expect("two digits"))),
            ("latency", Arc::new(latency)),
        ];
        let batch_rows = RecordBatch::try_from_iter(columns).expect("columns of one length");
        let writer = writer.get_or_insert_with(|| {
            let file = File::create(path).expect("a new file");
            ArrowWriter::try_new(file, batch_rows.schema(), Some(properties.clone())).expect("a writer")
        });
        writer.write(&batch_rows).expect("space on the disk");
        row += batch;
    }
    if let Some(writer) = writer {
        writer.close().expect("space on the disk");
    }
}

/// Seconds for all metrics by day and by day and platform, from a cold start.
fn dry_run(dir: &Path, keyed: bool) -> f64 {
    let start = Instant::now();
    let mut dry_run = DryRun::new(Options::new(chrono_tz::Asia::Shanghai)).expect("a dry run");
    let table = events(keyed);
    if let Err(told) = dry_run.register(&table, &Data::Samples(dir)) {
        panic!("{told:?}");
    }
    println!("  registered after {:.2} s", start.elapsed().as_secs_f64());
    for by in [&[][..], &["platform"]] {
        let from = Instant::now();
        let answer = dry_run.run(&query(&table, by)).expect("an answer");
        println!("  {} rows by day {by:?} in {:.2} s", answer.rows.len(), from.elapsed().as_secs_f64());
        if std::env::var_os("METRICC_BENCH_SHOW").is_some() {
            println!("{}", metricc::table::csv::csv(&answer).lines().take(4).collect::<Vec<_>>().join("\n"));
        }
    }
    start.elapsed().as_secs_f64()
}

/// Seconds for the same metrics one by one.
fn duckdb(file: &Path, keyed: bool) -> Option<f64> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/dry_run_duckdb.py");
    let found = Command::new("python3").arg(script).arg(file).arg(if keyed { "clean" } else { "all" }).output().ok()?;
    eprint!("{}", String::from_utf8_lossy(&found.stderr));
    let out = String::from_utf8_lossy(&found.stdout);
    out.lines().for_each(|line| println!("  DuckDB: {line}"));
    out.lines().last()?.trim_end_matches(" s").parse().ok()
}

fn events(keyed: bool) -> Table {
    let column = |name: &str, ty: DataType, nullable: bool| StoredColumn {
        name: name.to_owned(),
        ty,
        nullable,
        encoding: Encoding::Native,
        domain: if name == "platform" { PLATFORMS.map(str::to_owned).to_vec() } else { Vec::new() },
    };
    Table {
        name: "event".to_owned(),
        physical: "event".to_owned(),
        sample: Some("event.parquet".to_owned()),
        columns: vec![
            column("event_id", DataType::String, false),
            column("event_time", DataType::Timestamp, false),
            column("user_id", DataType::String, true),
            column("event_name", DataType::String, false),
            column("platform", DataType::String, false),
            column("feature", DataType::String, true),
            column("amount", MONEY, true),
            column("latency", DataType::Duration, false),
        ],
        clean: Clean {
            key: if keyed { vec!["event_id".to_owned()] } else { Vec::new() },
            keep: Keep::Earliest,
            time: Some("event_time".to_owned()),
        },
        origin: Origin::Stored,
        history: None,
    }
}

fn base(name: &str, ty: DataType) -> Expr {
    Expr { kind: ExprKind::Column { input: Input::Base, name: name.to_owned() }, ty, nullable: true }
}

fn is(name: &str, value: &str) -> Option<Expr> {
    let literal = Expr::literal(Value::String(value.to_owned()), DataType::String);
    Some(Expr::call(Function::Equal, vec![base(name, DataType::String), literal], DataType::Bool, true))
}

/// Twelve metrics: counts, exact distincts, sums, a mean, exact quantiles, filtered and not, and a ratio.
fn query(table: &Table, by: &[&str]) -> Query {
    let user = || base("user_id", DataType::String);
    let latency = || base("latency", DataType::Duration);
    let level = |numerator| Ratio { numerator, denominator: 100 };
    let measure = |filter, aggregate, ty| Measure { filter, aggregate, ty };
    let measures = vec![
        measure(None, Aggregate::CountRows, DataType::Int),
        measure(None, Aggregate::Distinct(user()), DataType::Int),
        measure(is("platform", "ios"), Aggregate::Distinct(user()), DataType::Int),
        measure(None, Aggregate::Sum(base("amount", MONEY)), SUM),
        measure(is("event_name", "pay_success"), Aggregate::Sum(base("amount", MONEY)), SUM),
        measure(None, Aggregate::Avg(base("amount", MONEY)), DataType::Float),
        measure(is("event_name", "pay_success"), Aggregate::CountRows, DataType::Int),
        measure(None, Aggregate::Quantile(latency(), level(95)), DataType::Duration),
        measure(is("platform", "web"), Aggregate::Quantile(latency(), level(50)), DataType::Duration),
        measure(None, Aggregate::Max(latency()), DataType::Duration),
        measure(None, Aggregate::Distinct(base("feature", DataType::String)), DataType::Int),
    ];
    let output = |name: &str, ty: DataType| OutputColumn { name: name.to_owned(), ty, nullable: true, unit: None };
    let leaf = |at: usize, ty: &DataType| Expr {
        kind: ExprKind::Measure(MeasureId { scan: 0, measure: at }),
        ty: ty.clone(),
        nullable: true,
    };
    let mut metrics: Vec<MetricOutput> = measures
        .iter()
        .enumerate()
        .map(|(at, measure)| MetricOutput {
            column: output(&format!("m{at}"), measure.ty.clone()),
            formula: leaf(at, &measure.ty),
            present: vec![MeasureId { scan: 0, measure: at }.into()],
            fill: None,
        })
        .collect();
    let ratio =
        Expr::call(Function::Divide, vec![leaf(6, &DataType::Int), leaf(0, &DataType::Int)], DataType::Float, true);
    metrics.push(MetricOutput {
        column: output("ratio", DataType::Float),
        formula: ratio,
        present: vec![MeasureId { scan: 0, measure: 6 }.into(), MeasureId { scan: 0, measure: 0 }.into()],
        fill: None,
    });
    Query {
        tables: Arc::new(vec![table.clone()]),
        step: Some(Step::Day),
        dimensions: by.iter().map(|name| output(name, DataType::String)).collect(),
        scans: vec![Scan {
            dimensions: by.iter().map(|name| Some(base(name, DataType::String))).collect(),
            ..Scan::new(Source::Table(0), Some(base("event_time", DataType::Timestamp)), measures)
        }],
        metrics,
        ..Query::empty(chrono_tz::Asia::Shanghai, WeekStart(chrono::Weekday::Mon))
    }
}
