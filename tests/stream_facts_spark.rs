//! What Spark's pipelines do with streams, as far as what is written for them rests on it: one pipeline that shows all of it.

mod support;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use support::spark::Spark;

/// Lateness is 5 minutes everywhere. Messages come by files, one a micro-batch, and came when their file was written.
const MESSAGES: &str = r#"
from pyspark import pipelines as dp

@dp.temporary_view(name="messages")
def messages():
    lines = spark.readStream.format("text").schema("value STRING").option("maxFilesPerTrigger", "1").load("ROOT/in")
    return lines.selectExpr("value", "_metadata.file_modification_time AS came")

dp.create_sink("spark_catalog.facts.out", "json", {"path": "ROOT/out"})
"#;

const TABLES: &str = r#"
CREATE TEMPORARY VIEW read AS
SELECT value, came,
  CASE WHEN schema_of_variant(d:id) = 'STRING' THEN CAST(d:id AS STRING) END AS id,
  CASE WHEN schema_of_variant(d:at) = 'STRING' THEN try_cast(CAST(d:at AS STRING) AS TIMESTAMP) END AS at,
  CASE WHEN schema_of_variant(d:n) = 'BIGINT' THEN CAST(d:n AS BIGINT) END AS n
FROM (SELECT value, came, CASE WHEN try_parse_json(concat('[', value, ']')) IS NOT NULL AND try_parse_json(concat('{"x":', value, '}')) IS NOT NULL THEN try_parse_json(value) END AS d
      FROM STREAM messages);

CREATE STREAMING TABLE dead AS SELECT value FROM STREAM read WHERE id IS NULL OR at IS NULL OR n IS NULL;

CREATE TEMPORARY VIEW rows AS SELECT id, at, n, came FROM STREAM read WHERE id IS NOT NULL AND at IS NOT NULL AND n IS NOT NULL;

CREATE STREAMING TABLE feed AS
SELECT id, at, seen, min(n) AS n
FROM (SELECT * FROM STREAM rows WATERMARK least(at, came) AS seen DELAY OF INTERVAL '05:00.001' MINUTE TO SECOND)
GROUP BY id, at, seen;

CREATE STREAMING TABLE feed_to_the_watermark AS
SELECT id, at, seen, min(n) AS n
FROM (SELECT * FROM STREAM rows WATERMARK least(at, came) AS seen DELAY OF INTERVAL '05:00' MINUTE TO SECOND)
GROUP BY id, at, seen;

CREATE STREAMING TABLE feed_by_its_own_time AS
SELECT id, at, min(n) AS n FROM STREAM rows WATERMARK at DELAY OF INTERVAL 5 MINUTES GROUP BY id, at;

CREATE FLOW days AS INSERT INTO out BY NAME
SELECT unix_millis(date_trunc('DAY', f.at)) AS bucket, u.tier, count(*) AS rows, try_sum(CAST(f.n AS DECIMAL(38, 0))) AS n
FROM (SELECT * FROM STREAM feed WATERMARK seen DELAY OF INTERVAL 0 SECONDS) AS f LEFT JOIN dim.tier AS u ON u.id = f.id
GROUP BY window(f.seen, '1 minute'), date_trunc('DAY', f.at), u.tier;

CREATE STREAMING TABLE small_by_where AS
SELECT window(seen, '1 minute').start AS minute, count(*) AS n
FROM (SELECT * FROM STREAM rows WATERMARK least(at, came) AS seen DELAY OF INTERVAL 5 MINUTES) WHERE n < 100
GROUP BY window(seen, '1 minute');

CREATE STREAMING TABLE small_by_filter AS
SELECT window(seen, '1 minute').start AS minute, count(*) FILTER (WHERE n < 100) AS n
FROM (SELECT * FROM STREAM rows WATERMARK least(at, came) AS seen DELAY OF INTERVAL 5 MINUTES)
GROUP BY window(seen, '1 minute') HAVING count(*) FILTER (WHERE n < 100) > 0;
"#;

const UNRUNNABLE: &str = "CREATE STREAMING TABLE users AS SELECT window(seen, '1 minute').start AS minute, count(DISTINCT id) AS n
FROM (SELECT * FROM STREAM feed_of_yesterday WATERMARK seen DELAY OF INTERVAL 0 SECONDS) GROUP BY window(seen, '1 minute');";

/// A pipeline's folder with its spec.
fn project(root: &Path, name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = root.join(name);
    fs::create_dir_all(folder.join("code")).unwrap();
    for (file, text) in files {
        fs::write(folder.join("code").join(file), text.replace("ROOT", &root.display().to_string())).unwrap();
    }
    let spec = format!(
        "name: {name}\nstorage: file://{}/storage\ndatabase: {name}\nlibraries: [{{glob: {{include: code/**}}}}]\n\
         configuration: {{spark.sql.session.timeZone: Asia/Shanghai}}\n",
        folder.display()
    );
    fs::write(folder.join("spark-pipeline.yml"), spec).unwrap();
    folder.join("spark-pipeline.yml")
}

/// Messages that come at an instant.
fn came(root: &Path, at: &str, messages: &[&str]) {
    let folder = root.join("in");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join(format!("{}.json", at.replace(':', "-")));
    fs::write(&file, messages.join("\n") + "\n").unwrap();
    let at = chrono::DateTime::parse_from_rfc3339(at).unwrap();
    File::options().write(true).open(&file).unwrap().set_modified(at.into()).unwrap();
}

fn row(id: &str, at: &str, n: i64) -> String {
    format!(r#"{{"id":"{id}","at":"{at}","n":{n}}}"#)
}

/// What the sink was given, in order.
fn given(root: &Path) -> Vec<String> {
    let mut lines: Vec<String> = fs::read_dir(root.join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .flat_map(|path| fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    lines.sort();
    lines
}

fn lines(spark: &mut Spark, sql: &str) -> Vec<String> {
    spark.query(sql).unwrap_or_else(|error| panic!("{sql}: {error}")).lines()
}

#[test]
fn pipelines_count_streams_as_they_are_written_for() {
    support::engine!("spark");
    let mut spark = Spark::start();
    let root = spark.folder();
    for sql in [
        "CREATE DATABASE facts",
        "CREATE DATABASE dim",
        "CREATE TABLE dim.tier (id STRING, tier STRING) USING parquet",
        "INSERT INTO dim.tier VALUES ('a', 'gold')",
    ] {
        spark.query(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    let spec = project(&root, "facts", &[("messages.py", MESSAGES), ("tables.sql", TABLES)]);
    first_run(&mut spark, &root, &spec);
    second_run(&mut spark, &root, &spec);
    dry_run_is_no_proof(&mut spark, &root);
}

fn first_run(spark: &mut Spark, root: &Path, spec: &Path) {
    let a = row("a", "2026-01-01T15:59:50Z", 1);
    came(
        root,
        "2026-01-01T16:00:30Z",
        &[
            &a,
            &row("b", "2026-01-01T16:00:20Z", 2),
            &a,
            r#"{"id":"text","at":"2026-01-01T16:00:21Z","n":"1"}"#,
            r#"{"id":"fraction","at":"2026-01-01T16:00:21Z","n":1.0}"#,
            r#"{"id":7,"at":"2026-01-01T16:00:21Z","n":1}"#,
            r#"{"id":"more","at":"2026-01-01T16:00:21Z","n":1}]"#,
            r#"{"id":"twice","at":"2026-01-01T16:00:21Z","n":1,"n":1}"#,
            "",
        ],
    );
    came(root, "2026-01-01T16:09:00Z", &[&a, &row("big", "2026-01-01T16:09:00Z", 100)]);
    came(root, "2026-01-01T16:09:02Z", &[&row("future", "2027-01-01T00:00:00Z", 1000)]);
    came(root, "2026-01-01T16:09:01Z", &[&row("behind", "2026-01-01T16:00:25Z", 3)]);
    spark.dry_run(spec).unwrap();
    assert!(spark.query("SELECT * FROM facts.feed").is_err(), "a dry run makes nothing");
    spark.run(spec).unwrap();
    assert_eq!(
        lines(spark, "SELECT count(*) FROM facts.dead"),
        ["6"],
        "values are read strictly, and a document is one value"
    );
    // What counts as late moves one batch behind the watermark: `behind` comes in the batch after the one that moved it.
    // In the end the watermark is 16:04:02 less a millisecond.
    let fed = "SELECT id, at, n FROM facts.feed ORDER BY id";
    assert_eq!(
        lines(spark, fed),
        ["a | 2026-01-01 15:59:50.000 | 1", "b | 2026-01-01 16:00:20.000 | 2", "behind | 2026-01-01 16:00:25.000 | 3"],
        "rows leave once, when the watermark has passed them"
    );
    // Days of the zone. The last minute of the feed is open.
    assert_eq!(given(root), [r#"{"bucket":1767196800000,"tier":"gold","rows":1,"n":1}"#]);
}

fn second_run(spark: &mut Spark, root: &Path, spec: &Path) {
    came(
        root,
        "2026-01-01T16:10:00Z",
        &[
            &row("late", "2026-01-01T16:04:01.999Z", 5),
            &row("edge", "2026-01-01T16:04:02Z", 6),
            &row("a", "2026-01-01T15:59:50Z", 1),
            &row("big", "2026-01-01T16:09:00Z", 100),
        ],
    );
    came(root, "2026-01-01T16:30:00Z", &[&row("beat", "2026-01-01T16:30:00Z", 100)]);
    spark.run(spec).unwrap();
    let ids = |table: &str| format!("SELECT concat_ws(' ', array_sort(collect_list(id))) FROM facts.{table}");
    assert_eq!(
        lines(spark, &ids("feed")),
        ["a b behind big edge future"],
        "the second run goes on where the first stood"
    );
    assert_eq!(
        lines(spark, &ids("feed_to_the_watermark")),
        ["a b behind big future"],
        "a row at the watermark is late here"
    );
    assert_eq!(
        lines(spark, &ids("feed_by_its_own_time")),
        ["a b behind big"],
        "a row of the future makes all later ones late"
    );
    assert_eq!(
        given(root),
        [
            r#"{"bucket":1767196800000,"tier":"gold","rows":1,"n":1}"#,
            r#"{"bucket":1767283200000,"rows":1,"n":6}"#,
            r#"{"bucket":1767283200000,"rows":2,"n":5}"#,
        ],
        "a bucket may leave in parts; the last minute of the feed is open"
    );
    let small = |table: &str| format!("SELECT minute, n FROM facts.{table} ORDER BY minute");
    let by_filter = ["2026-01-01 15:59:00.000 | 3", "2026-01-01 16:00:00.000 | 2", "2026-01-01 16:04:00.000 | 2"];
    assert_eq!(
        lines(spark, &small("small_by_filter")),
        by_filter,
        "what is in an open minute counts, though it is late"
    );
    assert!(
        lines(spark, &small("small_by_where")).len() < by_filter.len(),
        "a condition is moved below the watermark, which then does not see what it leaves out"
    );
}

fn dry_run_is_no_proof(spark: &mut Spark, root: &Path) {
    spark.query("CREATE DATABASE unrunnable").unwrap();
    spark.query("CREATE TABLE unrunnable.feed_of_yesterday USING parquet AS SELECT * FROM facts.feed").unwrap();
    let spec = project(root, "unrunnable", &[("tables.sql", UNRUNNABLE)]);
    spark.dry_run(&spec).unwrap();
    let error = spark.run(&spec).unwrap_err();
    assert!(error.contains("Distinct aggregations are not supported"), "{error}");
}
