//! Samples and test tables as rows of the dry run: what is read, and what is told when it cannot be.
#![cfg(feature = "dry-run")]

use std::fs;
use std::path::Path;

use metricc::dry_run::{Data, DryRun, Given, Options, Place};
use metricc::plan::{Clean, DataType, Encoding, Keep, Origin, OutputColumn, StoredColumn, Table, Value};

fn column(name: &str, ty: DataType, nullable: bool) -> StoredColumn {
    StoredColumn { name: name.to_owned(), ty, nullable, encoding: Encoding::Native, domain: Vec::new() }
}

/// A source with a column of every kind.
fn orders() -> Table {
    let mut sent = column("sent_at", DataType::Timestamp, true);
    sent.encoding = Encoding::Milliseconds;
    let mut client = column("client", DataType::String, true);
    client.domain = vec!["web".to_owned(), "ios".to_owned()];
    Table {
        name: "order".to_owned(),
        physical: "dwd.dwd_order".to_owned(),
        sample: Some("order.csv".to_owned()),
        columns: vec![
            column("order_id", DataType::String, false),
            column("created_at", DataType::Timestamp, false),
            sent,
            column("amount", DataType::Decimal { precision: 18, scale: 2 }, true),
            column("paid", DataType::Bool, false),
            client,
        ],
        clean: Clean { key: vec!["order_id".to_owned()], keep: Keep::Earliest, time: Some("created_at".to_owned()) },
        origin: Origin::Stored,
        history: None,
    }
}

fn output(table: &Table) -> Vec<OutputColumn> {
    let shown = |c: &StoredColumn| OutputColumn { name: c.name.clone(), ty: c.ty.clone(), nullable: true, unit: None };
    table.columns.iter().map(shown).collect()
}

struct Outcome {
    rows: Vec<Vec<Value>>,
    told: Vec<String>,
}

/// Reads a table from a folder.
fn read(table: &Table, dir: &Path, lenient: bool) -> Outcome {
    let mut options = Options::new(chrono_tz::Asia::Shanghai);
    options.lenient = lenient;
    // All rows are wanted, also those that are not clean.
    options.clean_in_query = true;
    let mut dry_run = DryRun::new(options).unwrap();
    match dry_run.register(table, &Data::Samples(dir)) {
        Ok(warnings) => {
            let sql = format!("SELECT * FROM src_{} ORDER BY 1, 2", table.name);
            let rows = dry_run.run_sql(&sql, output(table)).unwrap().rows;
            Outcome { rows, told: warnings.iter().map(|d| format!("{} {}", d.code, d.message)).collect() }
        }
        Err(told) => {
            Outcome { rows: Vec::new(), told: told.iter().map(|d| format!("{} {}", d.code, d.message)).collect() }
        }
    }
}

/// Reads a table from one file.
fn read_file(name: &str, content: impl AsRef<[u8]>, lenient: bool) -> Outcome {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(name), content).unwrap();
    let mut table = orders();
    table.sample = Some(name.to_owned());
    read(&table, dir.path(), lenient)
}

const HEADER: &str = "order_id,created_at,sent_at,amount,paid,client\n";

fn row(
    id: &str,
    created: i64,
    sent: Option<i64>,
    amount: Option<i128>,
    paid: bool,
    client: Option<&str>,
) -> Vec<Value> {
    vec![
        Value::String(id.to_owned()),
        Value::Timestamp(created),
        sent.map_or(Value::Null, Value::Timestamp),
        amount.map_or(Value::Null, Value::Decimal),
        Value::Bool(paid),
        client.map_or(Value::Null, |c| Value::String(c.to_owned())),
    ]
}

const EIGHT: i64 = 1_793_491_200_000;

#[test]
fn csv_is_read_by_name_in_any_order_with_bom_crlf_quotes_and_null() {
    let text = "\u{feff}paid,amount,order_id,client,created_at,sent_at\r\n\
        true,9.9,\"o\"\"1\nx\",web,2026-11-01 08:00:00,1793491200000\r\n\
        false,,\"\",,2026-11-01T00:00:00.250Z,\r\n\r\n";
    let found = read_file("order.csv", text, false);
    assert_eq!(found.told, [""; 0]);
    assert_eq!(
        found.rows,
        [
            row("", EIGHT + 250, None, None, false, None),
            row("o\"1\nx", EIGHT, Some(EIGHT), Some(990), true, Some("web")),
        ]
    );
}

#[test]
fn keys_and_times_may_be_null_as_such_rows_are_cleaned_away() {
    let found = read_file("order.csv", format!("{HEADER},,,1,true,web\n"), false);
    assert_eq!(found.told, [""; 0]);
    assert_eq!(found.rows[0][..2], [Value::Null, Value::Null]);
}

#[test]
fn every_wrong_cell_is_told_with_file_line_and_column() {
    let text = format!(
        "{HEADER}o1,2026-11-01,1,1.005,yes,web\no2,2026-11-01 08:00:00,2026-11-01 08:00:00,1e3,,android\n\"o3\n\",2026-11-01 08:00:00,,x,true,\n"
    );
    let found = read_file("order.csv", text, false);
    assert_eq!(
        found.told,
        [
            "E0911 `order.csv` line 2, column `created_at`: `2026-11-01` is not an instant such as `2026-11-01 08:00:00` or `2026-11-01T08:00:00+08:00`",
            "E0911 `order.csv` line 2, column `amount`: `1.005` is not a decimal of at most 18 digits, 2 of them behind the point",
            "E0911 `order.csv` line 2, column `paid`: `yes` is not `true` or `false`",
            "E0911 `order.csv` line 3, column `sent_at`: `2026-11-01 08:00:00` is not an instant as an integer of milliseconds since 1970 UTC",
            "E0911 `order.csv` line 3, column `amount`: `1e3` is not a decimal of at most 18 digits, 2 of them behind the point",
            "E0912 `order.csv` line 3, column `paid` is null, which the column cannot be",
            "E0913 `order.csv` line 3, column `client`: `android` is not one of `web`, `ios`",
            "E0911 `order.csv` line 4, column `amount`: `x` is not a decimal of at most 18 digits, 2 of them behind the point",
        ]
    );
}

#[test]
fn lenient_reading_skips_and_counts_rows_by_kind() {
    let text = format!(
        "{HEADER}o1,2026-11-01 08:00:00,1,x,yes,web\no2,2026-11-01 08:00:00,,,,\no3,2026-11-01 08:00:00,,,true,no\no4\n\
         o5\"\no6,2026-11-01 08:00:00,,,true,\no7,x,,,true,\n"
    );
    let found = read_file("order.csv", text, true);
    assert_eq!(found.rows, [row("o6", EIGHT, None, None, true, None)]);
    assert_eq!(
        found.told,
        [
            "W0901 `order.csv`: 6 rows were skipped: 2 with a mistyped cell, 1 with a null in a column that cannot be null, \
          1 with a value outside of its enum, 1 with too many or too few cells, 1 with wrong quotes"
        ]
    );
}

#[test]
fn wrong_headers_are_told_column_by_column() {
    let found = read_file("order.csv", "order_id,created,sent_at,amount,client,client\n", false);
    assert_eq!(
        found.told,
        [
            "E0907 `order.csv` line 1, column 2: `created` is not declared in `order`",
            "E0908 `order.csv` line 1, column 6 names `client` again",
            "E0906 `order.csv` line 1 does not name the column `created_at` of `order`",
            "E0906 `order.csv` line 1 does not name the column `paid` of `order`",
        ]
    );
}

#[test]
fn wrong_rows_and_quotes_are_told_by_line() {
    let text =
        format!("{HEADER}o1,2026-11-01 08:00:00\no2,2026-11-01 08:00:00,,,true,web,\n\"o3\"x,a\no4,\"never closed\n");
    let found = read_file("order.csv", text, false);
    assert_eq!(
        found.told,
        [
            "E0909 `order.csv` line 2 has 2 cells, not 6",
            "E0909 `order.csv` line 3 has 7 cells, not 6",
            "E0910 `order.csv` line 4: there is text behind the closing quote of a cell",
            "E0910 `order.csv` line 5: a quote is never closed, or the row is longer than 64 MB",
        ]
    );
}

#[test]
fn many_wrong_rows_are_summed_up() {
    let text = format!("{HEADER}{}", "o1,x,,,true,\n".repeat(1_000));
    let found = read_file("order.csv", text, false);
    assert_eq!(found.told.len(), 21);
    assert_eq!(found.told[20], "E0919 `order.csv` has 980 more rows that cannot be read");
}

#[test]
fn files_that_are_no_text_are_refused() {
    for (content, message) in [
        (&b""[..], "E0918 `order.csv` is empty"),
        (b"\xEF\xBB\xBF\r\n", "E0918 `order.csv` is empty"),
        (b"\x1f\x8b\x08rest", "E0905 `order.csv` is not a text file"),
        (b"\xff\xfea\0", "E0905 `order.csv` is not a text file"),
        (b"\x7fELF\0\0\0", "E0905 `order.csv` is not a text file"),
        (b"PAR1", "E0905 `order.csv` is not a text file"),
        (b"order_id,\xff\n", "E0905 `order.csv` line 1 is not UTF-8"),
    ] {
        assert_eq!(read_file("order.csv", content, false).told, [message]);
    }
    let text = [HEADER.as_bytes(), b"o1,2026-11-01 08:00:00,,,true,web\n\xff\xff,x\n"].concat();
    assert_eq!(read_file("order.csv", text, false).told, ["E0905 `order.csv` line 3 is not UTF-8"]);
}

#[test]
fn ndjson_has_the_same_values_and_errors() {
    let text = concat!(
        "{\"order_id\":\"o1\\u4e2d\",\"created_at\":\"2026-11-01 08:00:00\",\"sent_at\":1793491200000,\"amount\":9.9,\"paid\":true,\"client\":\"web\"}\r\n",
        "\n",
        "{\"paid\":false,\"order_id\":\"\",\"created_at\":\"2026-11-01T00:00:00Z\",\"amount\":\"12345678901234.56\"}\n"
    );
    let found = read_file("order.ndjson", text, false);
    assert_eq!(found.told, [""; 0]);
    assert_eq!(
        found.rows,
        [
            row("", EIGHT, None, Some(1_234_567_890_123_456), false, None),
            row("o1中", EIGHT, Some(EIGHT), Some(990), true, Some("web")),
        ]
    );
    let text = concat!(
        "[]\n{\"order_id\":1,\"created_at\":\"2026-11-01 08:00:00\",\"paid\":\"true\"}\n{\"order_id\":\"o1\",\"x\":1}\n",
        "{\"order_id\":\"o1\",\"created_at\":\"2026-11-01 08:00:00\"}\n{\"order_id\":\"\u{0}"
    );
    let found = read_file("order.jsonl", text.replace('\u{0}', ""), false);
    assert_eq!(
        found.told,
        [
            "E0914 `order.jsonl` line 1 is no JSON object: `[]`",
            "E0911 `order.jsonl` line 2, column `order_id`: `1` is not a text",
            "E0911 `order.jsonl` line 2, column `paid`: `\"true\"` is not `true` or `false`",
            "E0907 `order.jsonl` line 3: `x` is not declared in `order`",
            "E0912 `order.jsonl` line 4, column `paid` is null, which the column cannot be",
            "E0914 `order.jsonl` line 5 is no JSON object: `{\"order_id\":\"`",
        ]
    );
    assert_eq!(read_file("order.ndjson", "", false).rows.len(), 0);
}

#[test]
fn a_folder_is_read_part_by_part_and_another_ending_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let parts = dir.path().join("order");
    fs::create_dir(&parts).unwrap();
    fs::write(parts.join("b.csv"), format!("{HEADER}o2,2026-11-01 08:00:00,,,true,\n")).unwrap();
    fs::write(parts.join("a.csv"), format!("{HEADER}o1,2026-11-01 08:00:00,,,true,\n")).unwrap();
    fs::write(parts.join("_SUCCESS"), "").unwrap();
    let found = read(&orders(), dir.path(), false);
    assert_eq!(found.told, [""; 0]);
    assert_eq!(found.rows.len(), 2);
    fs::write(parts.join("c.ndjson"), "").unwrap();
    assert_eq!(
        read(&orders(), dir.path(), false).told,
        ["E0917 `order/a.csv` and `order/c.ndjson` are parts of different forms"]
    );
    fs::write(dir.path().join("order.ndjson"), "").unwrap();
    assert_eq!(
        read(&orders(), dir.path(), false).told,
        ["E0904 both `order.ndjson` and `order` could be the sample of `order`"]
    );
}

#[test]
fn what_is_not_there_or_no_file_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let shown = dir.path().display();
    let mut table = orders();
    assert_eq!(
        read(&table, dir.path(), false).told,
        [format!("E0902 the sample `order.csv` of `order` is not in `{shown}`")]
    );
    table.sample = None;
    assert_eq!(read(&table, dir.path(), false).told, ["E0901 `order` declares no sample"]);
    fs::write(dir.path().join("order.csv"), HEADER).unwrap();
    assert_eq!(read(&table, dir.path(), false).told, [""; 0]);
    table.sample = Some("order.xlsx".to_owned());
    fs::write(dir.path().join("order.xlsx"), "").unwrap();
    assert_eq!(read(&table, dir.path(), false).told, ["E0904 the ending of `order.xlsx` tells no known form"]);
    table.sample = Some("empty".to_owned());
    fs::create_dir(dir.path().join("empty")).unwrap();
    assert_eq!(read(&table, dir.path(), false).told, ["E0917 the folder `empty` holds no part of a sample"]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("loop.csv", dir.path().join("loop.csv")).unwrap();
        table.sample = Some("loop.csv".to_owned());
        let told = read(&table, dir.path(), false).told;
        assert!(told[0].starts_with("E0902") || told[0].starts_with("E0903"), "{told:?}");
        std::os::unix::fs::symlink("/dev/zero", dir.path().join("zero.csv")).unwrap();
        table.sample = Some("zero.csv".to_owned());
        assert_eq!(read(&table, dir.path(), false).told, ["E0903 `zero.csv` is not a regular file"]);
    }
}

#[test]
fn arrays_and_maps_are_json() {
    let table = Table {
        name: "event".to_owned(),
        physical: "dwd.event".to_owned(),
        sample: Some("event.csv".to_owned()),
        columns: vec![
            column("tags", DataType::Array(Box::new(DataType::String)), true),
            column("props", DataType::Map(Box::new(DataType::String)), true),
        ],
        clean: Clean { key: Vec::new(), keep: Keep::Earliest, time: None },
        origin: Origin::Stored,
        history: None,
    };
    let dir = tempfile::tempdir().unwrap();
    let text = "tags,props\n\"[\"\"a\"\",null]\",\"{\"\"b\"\":\"\"2\"\",\"\"a\"\":\"\"1\"\"}\"\n[],{}\n,\n";
    fs::write(dir.path().join("event.csv"), text).unwrap();
    let mut dry_run = DryRun::new(Options::new(chrono_tz::UTC)).unwrap();
    dry_run.register(&table, &Data::Samples(dir.path())).unwrap();
    let text = |name: &str| OutputColumn { name: name.to_owned(), ty: DataType::String, nullable: true, unit: None };
    let sql = "SELECT mc_cast_text(tags, 'UTC'), mc_element(tags, 1), props, mc_element(props, 'a') FROM src_event";
    let answer = dry_run.run_sql(sql, ["tags", "first", "props", "a"].map(text).to_vec()).unwrap();
    let s = |text: &str| Value::String(text.to_owned());
    assert_eq!(
        answer.rows,
        [
            vec![s("[\"a\",null]"), s("a"), s("{\"a\":\"1\",\"b\":\"2\"}"), s("1")],
            vec![s("[]"), Value::Null, s("{}"), Value::Null],
            // What is missing is empty.
            vec![s("[]"), Value::Null, s("{}"), Value::Null],
        ]
    );
}

#[test]
fn given_tables_fill_what_they_leave_out() {
    let cell = |text: &str| Some(text.to_owned());
    let given = Given {
        columns: vec!["created_at".to_owned(), "amount".to_owned(), "sent_at".to_owned()],
        rows: vec![vec![cell("2026-11-01"), cell("9.90"), cell("2026-11-01 08:00")], vec![cell("2026-11"), None, None]],
    };
    let table = orders();
    let mut dry_run = DryRun::new(Options::new(chrono_tz::Asia::Shanghai)).unwrap();
    dry_run.register(&table, &Data::Given(&given, &|_| None)).unwrap();
    let rows = dry_run.run_sql("SELECT * FROM src_order ORDER BY 1", output(&table)).unwrap().rows;
    let midnight = EIGHT - 8 * 3_600_000;
    assert_eq!(
        rows,
        [row("1", midnight, Some(EIGHT), Some(990), false, None), row("2", midnight, None, None, false, None)]
    );
    dry_run.register(&table, &Data::Empty).unwrap();
    assert_eq!(dry_run.run_sql("SELECT * FROM src_order", output(&table)).unwrap().rows.len(), 0);
}

#[test]
fn given_tables_tell_the_place_of_what_is_wrong() {
    let cell = |text: &str| Some(text.to_owned());
    let given = Given {
        columns: ["paid", "amuont", "client", "paid"].map(str::to_owned).to_vec(),
        rows: vec![vec![cell("x"), None, cell("tv"), None], vec![None, None, None, None]],
    };
    let places = std::cell::RefCell::new(Vec::new());
    let locate = |place: Place| {
        places.borrow_mut().push(place);
        None
    };
    let mut dry_run = DryRun::new(Options::new(chrono_tz::UTC)).unwrap();
    let told = dry_run.register(&orders(), &Data::Given(&given, &locate)).unwrap_err();
    let told: Vec<String> =
        told.iter().map(|d| format!("{} {} ({})", d.code, d.message, d.help.clone().unwrap_or_default())).collect();
    assert_eq!(
        told,
        [
            "E0907 `amuont` is not a column of `order` (did you mean `amount`?)",
            "E0908 `paid` stands here twice (keep one of the columns)",
            "E0911 row 1, column `paid`: `x` is not `true` or `false` (mend the cell, or the type of the column)",
            "E0913 row 1, column `client`: `tv` is not one of `web`, `ios` (mend the cell, or add the value to the enum)",
            "E0912 row 2, column `paid` is null, which the column cannot be (write `true` or `false`, or declare the column nullable with `?`)",
        ]
    );
    assert!(places.borrow().contains(&Place::Cell(0, 2)));
}
