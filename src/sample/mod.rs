//! A made-up but coherent world, as sample data of any size for the metric library.
//!
//! In it people see advertisements, look around, register, come back, use features, pay, renew, ask for help and leave. It has
//! the rhythm of hours and weekdays and grows; two campaigns with control arms and an experiment make some of them buy more;
//! one evening a model fails for two hours ([`World::incident`]), one day the clients send nothing for six hours
//! ([`World::outage`]); rows come late, come twice, lack values, name things that no dictionary has, belong to abnormal
//! accounts, and hold text that breaks careless readers.
//!
//! A world is a pure function of rows, seed and days: the same three give the same bytes on every machine. Rows are
//! streamed; the memory needed is that of one day's session starts and of the members' newest terms (a few dozen bytes for
//! one user in four), whatever the number of rows.
//!
//! # Files
//!
//! CSV files are UTF-8 with a header and lines that end in `\n`. Without quotes an empty cell is null, `""` is the empty
//! string; a cell with a comma, a quote, a line break or blanks at its ends is quoted, quotes in it doubled. A `timestamp` is
//! local time of the project's zone, `2026-11-01 08:00:00.000`; a `timestamp(ms)` and a `duration(ms)` are whole numbers of
//! milliseconds; bools are `true` and `false`; decimals plain; a map is the text of a JSON object.
//!
//! Parquet files (feature `dry-run`) hold a `timestamp` as Timestamp(ms, "UTC"), `timestamp(ms)` and `duration(ms)` as Int64,
//! decimals as Decimal128, maps as JSON text.

mod campaigns;
mod clock;
mod csv;
mod dictionary;
mod incidents;
mod members;
mod numbers;
#[cfg(feature = "dry-run")]
mod parquet;
mod people;
mod rng;
mod session;
#[cfg(test)]
mod story_test;
mod table;
mod tables;

pub use csv::CsvSink;
pub use incidents::INCIDENTS_FILE;
#[cfg(feature = "dry-run")]
pub use parquet::ParquetSink;
pub use table::{ColumnDef, Field, Kind, RowSink, SampleError, TableDef};

use clock::{HOUR, midnight};

/// Rows over all tables that a user accounts for in so many days, as counted: fewer a day in the long run, as users leave.
fn rows_per_user(days: u32) -> f64 {
    let days = f64::from(days);
    33.0 + 1.5 * days.min(60.0) + 1.25 * (days - 60.0).max(0.0)
}

/// A world.
#[derive(Clone, Debug)]
pub struct World {
    rows: u64,
    seed: u64,
    days: u32,
    /// How many users had registered when each day began, and at the end.
    joined: Vec<u64>,
}

/// All tables: entities first, then sources.
pub fn tables() -> &'static [TableDef] {
    &tables::ALL
}

/// The table of a name.
///
/// # Errors
/// Where there is none.
pub fn table(name: &str) -> Result<&'static TableDef, SampleError> {
    tables().iter().find(|t| t.name == name).ok_or_else(|| SampleError::UnknownTable(name.to_owned()))
}

impl World {
    /// A world of about `rows` rows over all tables, in `days` days (1 at least) from 2026-09-01.
    ///
    /// The number of rows follows from what people do; it is within a fifth of `rows` from 20,000 rows on;
    /// a small world has a few users only, and each weighs.
    pub fn new(rows: u64, seed: u64, days: u32) -> World {
        let days = days.max(1);
        let users = (rows as f64 / rows_per_user(days)) as u64;
        World { rows, seed, days, joined: joined(users.max(12), days) }
    }

    /// How many days it has.
    pub fn days(&self) -> u32 {
        self.days
    }

    /// All its tables.
    pub fn tables(&self) -> &'static [TableDef] {
        tables()
    }

    /// Its end, exclusive, in milliseconds since 1970 UTC. No event happens later by much: a session may run over it.
    pub fn end(&self) -> i64 {
        midnight(self.days)
    }

    /// When the model of `face_swap` fails: start inclusive, end exclusive, in milliseconds since 1970 UTC.
    pub fn incident(&self) -> (i64, i64) {
        let from = midnight(self.incident_day()) + 20 * HOUR;
        (from, from + 2 * HOUR)
    }

    /// When the clients' events are lost (not tasks and orders, which servers write): start inclusive, end exclusive.
    pub fn outage(&self) -> (i64, i64) {
        let from = midnight(self.days * 9 / 20) + 9 * HOUR;
        (from, from + 6 * HOUR)
    }

    /// Writes the rows of a table and tells how many they were.
    ///
    /// # Errors
    /// Where there is no such table, or the sink fails.
    pub fn write_table(&self, name: &str, sink: &mut dyn RowSink) -> Result<u64, SampleError> {
        let table = table(name)?;
        let mut counted = Counted { sink, rows: 0 };
        (table.write)(self, &mut counted)?;
        Ok(counted.rows)
    }

    fn incident_day(&self) -> u32 {
        self.days * 7 / 10
    }

    fn users(&self) -> u64 {
        self.joined[self.days as usize]
    }

    /// Second copies in 10,000 rows: 5, and more in a small world, so that there are some.
    fn copies(&self) -> u64 {
        (75_000 / self.rows.max(1)).clamp(5, 100)
    }
}

struct Counted<'a> {
    sink: &'a mut dyn RowSink,
    rows: u64,
}

impl RowSink for Counted<'_> {
    fn row(&mut self, row: &[Field<'_>]) -> Result<(), SampleError> {
        self.rows += 1;
        self.sink.row(row)
    }
}

/// Registered users at the start of each day and at the end: 45 % before the first, the rest more and more.
fn joined(users: u64, days: u32) -> Vec<u64> {
    let before = users * 45 / 100;
    let weight = |day: u32| u128::from(clock::busy(day)) * (100 + 120 * u128::from(day) / u128::from(days));
    let total: u128 = (0..days).map(weight).sum();
    let mut sum = 0;
    let mut joined = vec![before];
    for day in 0..days {
        sum += weight(day);
        joined.push(before + (u128::from(users - before) * sum / total) as u64);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(world: &World, name: &str) -> String {
        let mut sink = CsvSink::new(table(name).unwrap(), Vec::new()).unwrap();
        world.write_table(name, &mut sink).unwrap();
        String::from_utf8(sink.finish().unwrap()).unwrap()
    }

    /// Takes rows and checks each against the columns.
    struct Checker {
        table: &'static TableDef,
        rows: u64,
    }

    impl RowSink for Checker {
        fn row(&mut self, row: &[Field<'_>]) -> Result<(), SampleError> {
            self.rows += 1;
            assert_eq!(row.len(), self.table.columns.len(), "{}", self.table.name);
            for (field, column) in row.iter().zip(self.table.columns) {
                let fits = match (field, column.kind) {
                    (Field::Null, _) => column.nullable,
                    (Field::Int(_), Kind::Int | Kind::DurationMs) => true,
                    (Field::Float(value), Kind::Float) => value.is_finite(),
                    (Field::Decimal(_), Kind::Decimal { .. }) | (Field::Bool(_), Kind::Bool) => true,
                    (Field::Text(_), Kind::Text | Kind::Map) => true,
                    (Field::Instant(_), Kind::Timestamp | Kind::TimestampMs) => true,
                    _ => false,
                };
                assert!(fits, "{}.{}: {field:?}", self.table.name, column.name);
            }
            Ok(())
        }
    }

    #[test]
    fn every_row_fits_its_columns() {
        let world = World::new(20_000, 3, 30);
        for table in world.tables() {
            let mut checker = Checker { table, rows: 0 };
            let told = world.write_table(table.name, &mut checker).unwrap();
            assert!(checker.rows > 0 && told == checker.rows, "{}", table.name);
        }
    }

    #[test]
    fn the_size_is_about_what_was_asked_for() {
        for (rows, days) in [(20_000, 14), (40_000, 60), (100_000, 120)] {
            let world = World::new(rows, 42, days);
            let mut total = 0;
            for table in world.tables() {
                total += world.write_table(table.name, &mut Checker { table, rows: 0 }).unwrap();
            }
            assert!(total.abs_diff(rows) < rows / 5, "{total} rows for {rows} in {days} days");
        }
    }

    #[test]
    fn a_world_is_a_function_of_its_numbers() {
        let world = World::new(2_000, 7, 20);
        for table in tables() {
            assert_eq!(csv(&world, table.name), csv(&World::new(2_000, 7, 20), table.name), "{}", table.name);
        }
        assert_ne!(csv(&world, "event"), csv(&World::new(2_000, 8, 20), "event"));
    }

    #[test]
    fn tables_tell_one_story() {
        let world = World::new(8_000, 42, 60);
        let column = |name: &str, place: usize| -> Vec<String> {
            struct Column(usize, Vec<String>);
            impl RowSink for Column {
                fn row(&mut self, row: &[Field<'_>]) -> Result<(), SampleError> {
                    self.1.push(match row[self.0] {
                        Field::Text(text) => text.to_owned(),
                        other => format!("{other:?}"),
                    });
                    Ok(())
                }
            }
            let mut taken = Column(place, Vec::new());
            world.write_table(name, &mut taken).unwrap();
            taken.1
        };
        let users: std::collections::BTreeSet<String> = column("user", 0).into_iter().collect();
        assert!(column("order", 5).iter().chain(&column("task", 4)).all(|user| users.contains(user)));
        let tasks: std::collections::BTreeSet<String> = column("task", 0).into_iter().collect();
        assert!(column("perf_task", 0).iter().all(|task| tasks.contains(task)));
        assert!(column("quota_ledger", 5).iter().all(|task| task == "Null" || tasks.contains(task)));
        let events: Vec<String> = column("event", 0);
        let different: std::collections::BTreeSet<&String> = events.iter().collect();
        assert!((1..20).contains(&(events.len() - different.len())), "some events come twice");
    }

    /// After a change on purpose: `metricc sample --seed 3 --out metrics/samples`.
    #[test]
    fn the_committed_samples_are_what_is_generated() {
        let world = World::new(5_000, 3, 60);
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("metrics/samples");
        for table in tables() {
            let committed = std::fs::read_to_string(folder.join(format!("{}.csv", table.file))).unwrap();
            assert!(committed == csv(&world, table.name), "{} differs", table.file);
        }
        let committed = std::fs::read_to_string(folder.join(INCIDENTS_FILE)).unwrap();
        assert_eq!(committed, world.incidents());
    }

    #[test]
    fn an_unknown_table_is_an_error() {
        let world = World::new(100, 1, 1);
        let error = world.write_table("nope", &mut Checker { table: table("user").unwrap(), rows: 0 }).unwrap_err();
        assert!(error.to_string().contains("no table `nope`"), "{error}");
    }
}
