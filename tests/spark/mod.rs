//! Expressions as they are printed for Spark, on a real one.

use metricc::plan::{DataType, Function, Step, Value, WeekStart};
use metricc::sql::SPARK;

use crate::support::calls::{self, Argument, Case};
use crate::support::spark::Spark;

/// The rows of a query.
pub fn done(spark: &mut Spark, sql: &str) -> Vec<String> {
    spark.query(sql).unwrap_or_else(|error| panic!("{sql}: {error}")).lines()
}

/// Every function that is printed runs, over values and over nulls; and a few tell that they are ours.
pub fn functions_say_what_they_say(spark: &mut Spark) {
    done(spark, "SET spark.sql.ansi.enabled = true");
    done(spark, "SET spark.sql.decimalOperations.allowPrecisionLoss = false");
    done(spark, "SET TIME ZONE 'Asia/Shanghai'");
    let rows = "(SELECT true AS flag, 9223372036854775807L AS n, CAST('1.005' AS DOUBLE) AS x, CAST('12.50' AS DECIMAL(18, 2)) AS amount, \
         'a/b活' AS s, DATE'2026-02-28' AS day, TIMESTAMP'2026-02-28 23:59:59.999' AS t, 5L AS took, array('a', 'b') AS tags, \
         map('k', 'v') AS props UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, array(), map_from_arrays(array(), array())) AS b";
    let printed: Vec<(String, String)> = calls::all()
        .iter()
        .filter_map(|case| Some((calls::words(case), calls::said(case, &SPARK, chrono_tz::Asia::Shanghai).ok()?)))
        .collect();
    // One by one they would take minutes.
    for chunk in printed.chunks(40) {
        let items: Vec<&str> = chunk.iter().map(|(_, made)| made.as_str()).collect();
        if let Err(error) = spark.query(&format!("SELECT {} FROM {rows}", items.join(", "))) {
            for (words, made) in chunk {
                spark
                    .query(&format!("SELECT {made} FROM {rows}"))
                    .unwrap_or_else(|error| panic!("{words}: {made}: {error}"));
            }
            panic!("{error}");
        }
    }
    let (expected, made): (Vec<&str>, Vec<String>) = values()
        .into_iter()
        .map(|(case, expected)| {
            (
                expected,
                calls::said(&case, &SPARK, chrono_tz::Asia::Shanghai)
                    .unwrap_or_else(|reason| panic!("{case:?}: {reason}")),
            )
        })
        .unzip();
    let items: Vec<String> = made.iter().map(|made| format!("coalesce(CAST({made} AS STRING), 'null')")).collect();
    let found = done(spark, &format!("SELECT concat_ws(' ~ ', {})", items.join(", ")));
    let found: Vec<&str> = found[0].split(" ~ ").collect();
    let differ = found.iter().zip(&expected).zip(&made).filter(|((found, expected), _)| found != expected);
    assert_eq!(differ.collect::<Vec<_>>(), []);
    assert_eq!(found.len(), expected.len());
}

/// Calls of literals, and what they give.
fn values() -> Vec<(Case, &'static str)> {
    use DataType::{Bool, Float, Int, String, Timestamp};
    use Function as F;
    let int = |value: i64| Argument::Literal(Value::Int(value), Int);
    let float = |value: f64| Argument::Literal(Value::Float(value), Float);
    let text = |value: &str| Argument::Literal(Value::String(value.to_owned()), String);
    let decimal = DataType::Decimal { precision: 5, scale: 2 };
    let of = |function, arguments: Vec<Argument>, ty: &DataType| Case { function, arguments, ty: ty.clone() };
    vec![
        (of(F::Add, vec![int(i64::MAX), int(1)], &Int), "-9223372036854775808"),
        (of(F::Subtract, vec![int(i64::MIN), int(1)], &Int), "9223372036854775807"),
        (of(F::Multiply, vec![int(i64::MIN), int(-1)], &Int), "-9223372036854775808"),
        (of(F::Negate, vec![int(i64::MIN)], &Int), "-9223372036854775808"),
        (of(F::Abs, vec![int(-7)], &Int), "7"),
        (of(F::Modulo, vec![int(-7), int(3)], &Int), "-1"),
        (of(F::Divide, vec![int(1), int(0)], &Float), "null"),
        (of(F::Round, vec![float(1.005), int(2)], &Float), "1.0"),
        (of(F::Round, vec![float(-2.5)], &Float), "-3.0"),
        (of(F::Floor, vec![float(1e300)], &Float), "1.0E300"),
        (of(F::Ln, vec![float(0.0)], &Float), "null"),
        (of(F::Power, vec![float(0.0), float(-1.0)], &Float), "null"),
        (of(F::Above, vec![float(2.0), float(1.0)], &Float), "2.0"),
        (of(F::Cast, vec![float(999.995)], &decimal), "null"),
        (of(F::Cast, vec![float(-12.345_678)], &decimal), "-12.35"),
        (of(F::Cast, vec![float(1000.0)], &decimal), "null"),
        (of(F::Cast, vec![text("12.345")], &decimal), "12.35"),
        (of(F::Cast, vec![text(" 1")], &Int), "null"),
        (of(F::Cast, vec![text("1\n")], &Int), "null"),
        (of(F::Cast, vec![text("1e999")], &Float), "null"),
        (of(F::Cast, vec![text("2026-11-01T12:00:00.1239+0000")], &Timestamp), "2026-11-01 20:00:00.123"),
        (of(F::Cast, vec![text("2026-02-30")], &DataType::Date), "null"),
        (of(F::Lower, vec![text("ΣΑΣ")], &String), "σας"),
        (of(F::Trim, vec![text(" a\u{3000} ")], &String), "a\u{3000}"),
        (of(F::Length, vec![text("a😀")], &Int), "2"),
        (of(F::Substring, vec![text("abc"), int(0), int(3)], &String), ""),
        (of(F::Like, vec![text("a%b;${x}"), text("a\\%_;$\\{x}")], &Bool), "true"),
        (of(F::Matches, vec![text("a\n"), text("a$")], &Bool), "false"),
        (of(F::SplitPart, vec![text("a.b"), text("."), int(2)], &String), "b"),
        (of(F::Hash, vec![text("a")], &Int), "-3848465438864589366"),
        (of(F::Mask, vec![text("活a")], &String), "活***"),
    ]
}

/// Buckets of instants around changes of clocks are those of the plan.
pub fn buckets_are_ours_where_clocks_change(spark: &mut Spark) {
    for zone in [chrono_tz::America::New_York, chrono_tz::Australia::Lord_Howe, chrono_tz::America::Sao_Paulo] {
        done(spark, &format!("SET TIME ZONE '{}'", zone.name()));
        // Around changes of the clocks of 2017 and 2018.
        let days = [
            1_489_302_000_000_i64,
            1_509_840_000_000,
            1_522_508_400_000,
            1_538_838_000_000,
            1_508_036_400_000,
            1_541_300_400_000,
        ];
        let instants: Vec<i64> =
            days.iter().flat_map(|day| (-40..40).map(move |part| day + part * 1_800_000 + 1)).collect();
        for step in ["15m", "1h", "6h", "1d", "1w", "1month"] {
            let case = Case {
                function: Function::Truncate,
                arguments: vec![
                    Argument::Column("t", DataType::Timestamp),
                    Argument::Literal(Value::String(step.to_owned()), DataType::String),
                ],
                ty: DataType::Timestamp,
            };
            let made = calls::said(&case, &SPARK, zone).expect("it is printed");
            let list: Vec<String> = instants.iter().map(|ms| format!("({ms}L)")).collect();
            let sql = format!(
                "SELECT array_join(collect_list(unix_millis({made})), ' ') FROM (SELECT timestamp_millis(v.ms) AS t FROM (VALUES {} AS v(ms)) AS v) AS b",
                list.join(", ")
            ).replace(" AS v(ms)) AS v", ") AS v(ms)");
            let found = done(spark, &sql);
            let step_of = Step::parse(step).expect("a step");
            let expected: Vec<String> = instants
                .iter()
                .map(|ms| step_of.bucket(*ms, zone, WeekStart(chrono::Weekday::Mon)).to_string())
                .collect();
            assert_eq!(found, [expected.join(" ")], "{step} in {}", zone.name());
        }
    }
}
