//! The parts of the test support that need no engine.

mod support;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use support::provision::install_once;
use support::script::{first_word, statements, without_sync};
use support::table::{parse_tsv, write_tsv};
use support::{engines, report};

#[test]
fn scripts_are_split_at_the_right_semicolons() {
    let script = "SELECT ';', 'it''s;', 'a\\';b' ; -- one; two\n/* ; */ SELECT `a;b`, \"c;d\";;\n# no; statement\n SELECT $x$ ; ' $x$, $1; \n--";
    let expected = [
        "SELECT ';', 'it''s;', 'a\\';b'",
        "-- one; two\n/* ; */ SELECT `a;b`, \"c;d\"",
        "# no; statement\n SELECT $x$ ; ' $x$, $1",
    ];
    assert_eq!(statements(script), expected);
    assert!(statements(" ; -- nothing\n;").is_empty());
    assert_eq!(statements("SELECT 'not closed; ").len(), 1);
    assert_eq!(statements("SELECT '数;据'; SELECT 2"), ["SELECT '数;据'", "SELECT 2"]);
}

#[test]
fn only_drop_loses_its_sync() {
    assert_eq!(without_sync("DROP TABLE t SYNC"), "DROP TABLE t");
    assert_eq!(without_sync("-- why\ndrop view v  sync ;"), "-- why\ndrop view v");
    assert_eq!(without_sync("DROP TABLE `SYNC`"), "DROP TABLE `SYNC`");
    assert_eq!(without_sync("DROP TABLE async"), "DROP TABLE async");
    assert_eq!(without_sync("SELECT 1 AS SYNC"), "SELECT 1 AS SYNC");
    assert_eq!(without_sync("DROP TABLE 数据"), "DROP TABLE 数据");
    assert_eq!(first_word("/* a */ -- b\n insert into t"), "INSERT");
}

#[test]
fn tables_keep_null_empty_and_escapes_apart() {
    let text = "a\tb\nNullable(String)\tArray(String)\n\\N\t['it\\'s']\n\t[]\n\\\\N\t['\\t']\nx\\ty\\n\t[]\n";
    let table = parse_tsv(text.as_bytes()).unwrap();
    let first: Vec<_> = table.rows.iter().map(|row| row[0].as_deref()).collect();
    assert_eq!(first, [None, Some(""), Some("\\N"), Some("x\ty\n")]);
    assert_eq!(table.rows[0][1].as_deref(), Some("['it\\'s']"));
    assert_eq!(parse_tsv(b"").unwrap().rows.len(), 0);
    for broken in ["a\nInt8\n1", "a\nInt8\n1\t2\n", "a\nString\n\\q\n", "a\n"] {
        assert!(parse_tsv(broken.as_bytes()).is_err(), "{broken:?}");
    }
    let types = ["Nullable(Int8)".to_owned(), "String".to_owned(), "Map(String, String)".to_owned()];
    let row = vec![None, Some("a\tb\\\n".to_owned()), Some("{'a':'it\\'s'}".to_owned())];
    assert_eq!(write_tsv(&types, &[row]), "\\N\ta\\tb\\\\\\n\t{'a':'it\\'s'}\n");
}

#[test]
fn engines_are_chosen_by_name() {
    assert_eq!(engines::parse("duckdb, clickhouse"), Ok(vec!["duckdb".to_owned(), "clickhouse".to_owned()]));
    assert_eq!(engines::parse("none"), Ok(Vec::new()));
    assert!(engines::parse("clickhose").unwrap_err().contains("`clickhose`"));
    assert!(engines::parse("").is_err());
}

#[test]
fn an_engine_is_installed_once_and_only_whole() {
    let folder = tempfile::tempdir_in(report::folder()).unwrap();
    let (cache, source) = (folder.path().join("cache"), folder.path().join("source"));
    fs::create_dir(&source).unwrap();
    fs::write(source.join("lock"), "1").unwrap();

    let broken = |_: &Path, to: &Path| {
        fs::write(to.join("half"), "").map_err(|error| error.to_string()).and(Err("no network".to_owned()))
    };
    assert_eq!(install_once(&cache, "toy", &source, &["lock"], broken), Err("no network".to_owned()));

    let installs = AtomicUsize::new(0);
    let install = |_: &Path, to: &Path| {
        installs.fetch_add(1, Ordering::SeqCst);
        assert!(!to.join("half").exists(), "an install starts in an empty folder");
        std::thread::sleep(std::time::Duration::from_millis(50));
        fs::write(to.join("whole"), "").map_err(|error| error.to_string())
    };
    let places: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| install_once(&cache, "toy", &source, &["lock"], install).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(installs.load(Ordering::SeqCst), 1, "parallel processes and threads wait for the first");
    assert!(places.iter().all(|place| *place == places[0] && place.join("whole").exists()));

    fs::write(source.join("lock"), "2").unwrap();
    let other = install_once(&cache, "toy", &source, &["lock"], install).unwrap();
    assert_ne!(other, places[0], "another lock file is another folder");
    assert!(places[0].exists(), "the old one stays for other clones");
}
