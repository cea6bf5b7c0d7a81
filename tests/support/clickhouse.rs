//! The real ClickHouse, in this process.
//!
//! A process has one server and one connection, used by one statement at a time. A [`Session`] is a test's own database in it:
//!
//! - [`Session::new`]: a fresh, empty current database, dropped at the end. Sessions run side by side.
//! - [`Session::exclusive`]: nothing else runs until its end, and it starts with no database but its own, so that SQL with fixed names of
//!   databases and `SET` can be used. Don't open one while the same thread has another session: it would wait for itself.

mod library;

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use library::Connection;

use super::report::{Timer, current_test};
use super::table::{Table, parse_tsv, write_tsv};
use super::{provision, script};

const FORMAT: &str = "TabSeparatedWithNamesAndTypes";

/// A database of its own on the server of the process.
pub struct Session {
    database: String,
    turn: Turn,
    _timer: Timer,
}

enum Turn {
    Shared(#[expect(dead_code, reason = "held for its end")] RwLockReadGuard<'static, ()>),
    Exclusive(#[expect(dead_code, reason = "held for its end")] RwLockWriteGuard<'static, ()>),
}

static TURNS: RwLock<()> = RwLock::new(());

thread_local! {
    /// How many sessions this thread has open.
    static OPEN: Cell<usize> = const { Cell::new(0) };
}

impl Session {
    /// A new, empty database, which is the current one of every statement of the session.
    ///
    /// # Panics
    /// With one line, if the engine cannot be provisioned.
    pub fn new() -> Session {
        Session::start(Turn::Shared(TURNS.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// A session during which nothing else runs, on a server without other databases.
    ///
    /// # Panics
    /// With one line, if the engine cannot be provisioned.
    pub fn exclusive() -> Session {
        assert_eq!(OPEN.get(), 0, "this thread has another session and would wait for itself: drop it first");
        let session = Session::start(Turn::Exclusive(TURNS.write().unwrap_or_else(PoisonError::into_inner)));
        let databases = session.query("SHOW DATABASES").unwrap_or_else(|error| panic!("{error}"));
        for name in databases.single_column().into_iter().flatten() {
            if !["system", "information_schema", "INFORMATION_SCHEMA", session.database.as_str()].contains(&name) {
                session
                    .execute(&format!("DROP DATABASE {}", quote_name(name)))
                    .unwrap_or_else(|error| panic!("{error}"));
            }
        }
        session
    }

    fn start(turn: Turn) -> Session {
        static NUMBER: AtomicUsize = AtomicUsize::new(1);
        let database = format!("t_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let timer = Timer::start(current_test());
        OPEN.set(OPEN.get() + 1);
        Server::get().run(None, &format!("CREATE DATABASE {database}")).unwrap_or_else(|error| panic!("{error}"));
        Session { database, turn, _timer: timer }
    }

    /// The name of the session's own database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Drops all tables of the session's database.
    pub fn clear(&self) {
        let tables = self.query("SHOW TABLES").unwrap_or_else(|error| panic!("{error}"));
        for name in tables.single_column().into_iter().flatten() {
            self.execute(&format!("DROP TABLE {}", quote_name(name))).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    /// Runs one statement and forgets its result. `DROP … SYNC` runs without `SYNC`.
    ///
    /// # Errors
    /// The engine's message, such as `Code: 60. DB::Exception: …`; or that `SET` needs an exclusive session, since others would feel it.
    pub fn execute(&self, sql: &str) -> Result<(), String> {
        self.output(sql).map(drop)
    }

    /// Runs the statements of a script in their order.
    ///
    /// # Errors
    /// The first statement that fails, and its message. Those before it stay done.
    pub fn apply(&self, script: &str) -> Result<(), (String, String)> {
        let run = |statement: &str| self.execute(statement).map_err(|error| (statement.to_owned(), error));
        script::statements(script).into_iter().try_for_each(run)
    }

    /// The rows that a statement returns. It must not have a `FORMAT` of its own.
    ///
    /// # Errors
    /// As of [`Session::execute`].
    pub fn query(&self, sql: &str) -> Result<Table, String> {
        parse_tsv(&self.output(sql)?)
    }

    /// Inserts rows as one block. Timestamps may be ISO text with `Z` or an offset, or wall-clock text in the column's zone; an array,
    /// map or tuple is its literal.
    ///
    /// # Errors
    /// As of [`Session::execute`]; or that there is no such column. A null in a column that takes none is an error, not a default.
    pub fn insert_tsv(&self, table: &str, columns: &[&str], rows: &[Vec<Option<String>>]) -> Result<(), String> {
        if rows.is_empty() {
            return Ok(());
        }
        let types = self.types(table, columns)?;
        let names: Vec<String> = columns.iter().map(|name| quote_name(name)).collect();
        let settings = "date_time_input_format = 'best_effort', input_format_null_as_default = 0, input_format_parallel_parsing = 0";
        let insert = format!(
            "INSERT INTO {table} ({}) SETTINGS {settings} FORMAT TabSeparated\n{}",
            names.join(", "),
            write_tsv(&types, rows)
        );
        self.output(&insert).map(drop)
    }

    fn types(&self, table: &str, columns: &[&str]) -> Result<Vec<String>, String> {
        let described = self.query(&format!("DESCRIBE TABLE {table}"))?;
        let type_of = |column: &&str| {
            let row = described.rows.iter().find(|row| row[0].as_deref() == Some(*column));
            row.and_then(|row| row[1].clone()).ok_or_else(|| format!("{table} has no column `{column}`"))
        };
        columns.iter().map(type_of).collect()
    }

    fn output(&self, sql: &str) -> Result<Vec<u8>, String> {
        self.output_as(sql, FORMAT)
    }

    /// The output of a statement in a format.
    ///
    /// # Errors
    /// As of [`Session::execute`].
    pub fn output_as(&self, sql: &str, format: &str) -> Result<Vec<u8>, String> {
        if matches!(self.turn, Turn::Shared(_)) && script::first_word(sql) == "SET" {
            return Err("SET would change other sessions: use Session::exclusive".to_owned());
        }
        Server::get().run_as(Some(&self.database), script::without_sync(sql), format)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        OPEN.set(OPEN.get().saturating_sub(1));
        let mut server = Server::get();
        let mut clean_up = || {
            server.run(None, &format!("DROP DATABASE IF EXISTS {}", self.database))?;
            if matches!(self.turn, Turn::Exclusive(_)) { server.reset_settings() } else { Ok(()) }
        };
        if let Err(error) = clean_up() {
            eprintln!("cannot clean up after {}: {error}", self.database);
        }
    }
}

/// The text as a quoted name.
pub fn quote_name(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// The text as a string literal.
pub fn quote_text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// The output of a statement in a database and a format, for what stands beside a session: a front of HTTP.
///
/// # Errors
/// As of [`Session::execute`].
pub fn output_in(database: &str, sql: &str, format: &str) -> Result<Vec<u8>, String> {
    Server::get().run_as(Some(database), script::without_sync(sql), format)
}

/// What the server of the process is started with.
static ARGUMENTS: OnceLock<Vec<String>> = OnceLock::new();

/// Starts the server of the process with a configuration (XML) and further arguments. Every test of the binary calls it, before
/// its session, and with the same.
///
/// # Panics
/// If the file can't be written.
pub fn configure(folder: &std::path::Path, xml: &str, others: &[&str]) {
    let made = || {
        std::fs::create_dir_all(folder).expect("a folder");
        let file = folder.join("config.xml");
        std::fs::write(&file, xml).expect("a file");
        std::iter::once(format!("--config-file={}", file.display()))
            .chain(others.iter().map(|one| (*one).to_owned()))
            .collect()
    };
    ARGUMENTS.get_or_init(made);
}

/// What a statement returns, in no database of its own: for a server whose user may not make one.
///
/// # Errors
/// As of [`Session::execute`].
pub fn bare(sql: &str) -> Result<Table, String> {
    parse_tsv(&bare_output(sql)?)
}

/// The same, as the text that [`parse_tsv`] reads.
///
/// # Errors
/// As of [`Session::execute`].
pub fn bare_output(sql: &str) -> Result<Vec<u8>, String> {
    Server::get().raw(script::without_sync(sql))
}

/// The connection, and what is known about its state.
struct Server {
    connection: Connection,
    current: Option<String>,
    settings: Vec<String>,
}

impl Server {
    fn get() -> MutexGuard<'static, Server> {
        static SERVER: OnceLock<Result<Mutex<Server>, String>> = OnceLock::new();
        match SERVER.get_or_init(|| Server::open().map(Mutex::new)) {
            Ok(server) => server.lock().unwrap_or_else(PoisonError::into_inner),
            Err(error) => panic!("{error}"),
        }
    }

    fn open() -> Result<Server, String> {
        let none = Vec::new();
        let connection = Connection::open(provision::clickhouse()?, ARGUMENTS.get().unwrap_or(&none))?;
        let mut server = Server { connection, current: None, settings: Vec::new() };
        server.settings = server.changed_settings()?;
        Ok(server)
    }

    /// Runs a statement in a database, or in `system` if it does not matter.
    fn run(&mut self, database: Option<&str>, sql: &str) -> Result<Vec<u8>, String> {
        self.run_as(database, sql, FORMAT)
    }

    fn run_as(&mut self, database: Option<&str>, sql: &str, format: &str) -> Result<Vec<u8>, String> {
        let database = database.unwrap_or("system");
        if self.current.as_deref() != Some(database) {
            self.raw(&format!("USE {database}"))?;
            self.current = Some(database.to_owned());
        }
        if script::first_word(sql) == "USE" {
            self.current = None;
        }
        self.raw_as(sql, format)
    }

    /// After a statement that failed half-way the next one would return the rest of its output too: an idle one takes it.
    fn raw(&mut self, sql: &str) -> Result<Vec<u8>, String> {
        self.raw_as(sql, FORMAT)
    }

    fn raw_as(&mut self, sql: &str, format: &str) -> Result<Vec<u8>, String> {
        let outcome = self.connection.query(sql, format);
        if outcome.is_err() {
            self.connection
                .query("SELECT 1", FORMAT)
                .map_err(|error| format!("the server does not recover: {error}"))?;
        }
        outcome.map_err(|error| error.trim_end().to_owned())
    }

    fn changed_settings(&mut self) -> Result<Vec<String>, String> {
        let output = self.raw("SELECT name FROM system.settings WHERE changed ORDER BY name")?;
        Ok(parse_tsv(&output)?.single_column().into_iter().flatten().map(str::to_owned).collect())
    }

    fn reset_settings(&mut self) -> Result<(), String> {
        let before = self.settings.clone();
        let changed = self.changed_settings()?.into_iter().filter(|name| !before.contains(name));
        changed.into_iter().try_for_each(|name| self.raw(&format!("SET {name} = DEFAULT")).map(drop))
    }
}
