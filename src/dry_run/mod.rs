//! Runs plans on sample data. The only folder that knows the engine.
//!
//! Samples become tables ([`DryRun::register`]); a [`Query`](crate::plan::Query) becomes SQL, whose functions have the
//! plan's exact meaning, and an [`Answer`](crate::table::Answer).

mod answer;
mod calendars;
mod export;
mod failure;
mod functions;
mod keys;
mod parquet;
mod results;
mod samples;
mod shared;
mod types;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono_tz::Tz;
use datafusion::arrow::array::RecordBatch;
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::common::TableReference;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use tokio::runtime::Runtime;

pub use export::write_parquet;
pub use samples::{Given, Place};

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::plan::{OutputColumn, Query, Table};
use crate::sql;
use crate::stack;
use crate::table::Answer;
use failure::{failure, guarded};
use shared::{Shared, statement};

/// What long work is at.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// A sample is being read.
    Reading {
        /// Its file.
        file: &'a str,
        /// Bytes read so far.
        bytes: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The key of a table is checked for duplicates.
    CheckingKey {
        /// The table.
        table: &'a str,
    },
    /// The query runs.
    Running,
}

/// How a dry run works.
#[derive(Clone, Debug)]
pub struct Options {
    /// The zone of instants without an offset, and of days.
    pub zone: Tz,
    /// Threads; none for one a core.
    pub threads: Option<usize>,
    /// Bytes of memory; none for three quarters of what is free. What needs more goes to disk where it can.
    pub memory: Option<u64>,
    /// Whether rows that cannot be read are skipped and counted.
    pub lenient: bool,
    /// Whether queries drop the rows that keys drop, and not the reader before them: slower, with the same answers.
    pub clean_in_query: bool,
}

impl Options {
    /// The usual ones.
    pub fn new(zone: Tz) -> Options {
        Options { zone, threads: None, memory: None, lenient: false, clean_in_query: false }
    }
}

/// Where the rows of a table come from.
pub enum Data<'a> {
    /// Its sample in this folder.
    Samples(&'a Path),
    /// A table of a test, and where its cells stand in the test's text.
    Given(&'a Given, &'a dyn Fn(Place) -> Option<Span>),
    /// No rows at all.
    Empty,
}

/// A place to run queries.
pub struct DryRun {
    runtime: Runtime,
    context: SessionContext,
    options: Options,
    threads: usize,
    /// Tables whose rows are registered without those that their keys drop.
    unique_keys: BTreeSet<String>,
    progress: Box<dyn Fn(Progress) + Send + Sync>,
}

impl DryRun {
    /// Without any table yet.
    pub fn new(options: Options) -> Result<DryRun, Diagnostics> {
        let threads =
            options.threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1).max(1);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            // Deep expressions are planned and evaluated by recursion.
            .thread_stack_size(16 << 20)
            .build()
            .map_err(|error| failure(error.into()))?;
        let mut environment = RuntimeEnvBuilder::new();
        if let Some(bytes) = options.memory.or_else(|| Some(free_memory()? / 4 * 3)) {
            environment = environment.with_memory_limit(usize::try_from(bytes).unwrap_or(usize::MAX), 1.0);
        }
        let mut config = SessionConfig::new().with_target_partitions(threads).with_information_schema(false);
        // Names are taken as they are written.
        config.options_mut().sql_parser.enable_ident_normalization = false;
        // The check refuses plans whose columns are less nullable than told, which is no harm.
        config.options_mut().execution.skip_physical_aggregate_schema_check = true;
        // Unions whose columns are copies of others have orders that the merge of sorted parts does not recognise.
        config.options_mut().optimizer.repartition_sorts = false;
        let context = SessionContext::new_with_config_rt(config, environment.build_arc().map_err(failure)?);
        functions::register(&context);
        Ok(DryRun { runtime, context, options, threads, unique_keys: BTreeSet::new(), progress: Box::new(|_| {}) })
    }

    /// Tells `listener` what long work is at, from any thread.
    pub fn on_progress(&mut self, listener: impl Fn(Progress) + Send + Sync + 'static) {
        self.progress = Box::new(listener);
    }

    /// Makes a table's rows known, in place of earlier ones. Gives warnings.
    pub fn register(&mut self, table: &Table, data: &Data) -> Result<Diagnostics, Diagnostics> {
        let (batches, warnings) = match data {
            Data::Samples(dir) => {
                let files = samples::find(table, dir).map_err(|found| Diagnostics::from_iter([found]))?;
                if files.format == samples::Format::Parquet {
                    return self.register_parquet(table, files.paths);
                }
                let (zone, lenient) = (self.options.zone, self.options.lenient);
                samples::read_text(table, files, zone, lenient, &*self.progress)?
            }
            Data::Given(given, locate) => {
                (samples::read_given(given, table, self.options.zone, *locate)?, Diagnostics::new())
            }
            Data::Empty => (Vec::new(), Diagnostics::new()),
        };
        self.register_batches(table, batches)?;
        Ok(warnings)
    }

    /// Makes rows in memory known.
    fn register_batches(&mut self, table: &Table, batches: Vec<RecordBatch>) -> Result<(), Diagnostics> {
        let clean = !self.options.clean_in_query && !table.clean.key.is_empty();
        let kept = if clean { keys::cleaned(table, &batches).map_err(failure)? } else { batches.clone() };
        let (kept, all) = (self.in_memory(table, kept)?, self.in_memory(table, batches)?);
        self.register_provider(table, kept, clean)?;
        self.register_raw(table, all)
    }

    /// Rows in memory, spread over the threads.
    fn in_memory(&self, table: &Table, batches: Vec<RecordBatch>) -> Result<Arc<dyn TableProvider>, Diagnostics> {
        let mut partitions: Vec<Vec<RecordBatch>> = vec![Vec::new(); self.threads.min(batches.len()).max(1)];
        let count = partitions.len();
        for (index, batch) in batches.into_iter().enumerate() {
            partitions[index % count].push(batch);
        }
        Ok(Arc::new(MemTable::try_new(types::schema(table), partitions).map_err(failure)?))
    }

    /// Makes rows in Parquet files known: they stay on disk.
    fn register_parquet(&mut self, table: &Table, paths: Vec<(PathBuf, String)>) -> Result<Diagnostics, Diagnostics> {
        let sample = parquet::read(table, paths)?;
        (self.progress)(Progress::CheckingKey { table: &table.name });
        let dropped = guarded(|| sample.check(table, !self.options.clean_in_query))?;
        let provider = sample.table(table, dropped.as_deref()).map_err(failure)?;
        self.register_provider(table, Arc::new(provider), dropped.is_some())?;
        let all = sample.table(table, None).map_err(failure)?;
        self.register_raw(table, Arc::new(all))?;
        Ok(Diagnostics::new())
    }

    /// Makes a table known; `clean` tells that its key drops no row.
    fn register_provider(
        &mut self,
        table: &Table,
        provider: Arc<dyn TableProvider>,
        clean: bool,
    ) -> Result<(), Diagnostics> {
        if clean {
            self.unique_keys.insert(table.name.clone());
        } else {
            self.unique_keys.remove(&table.name);
        }
        self.register_as(types::registered_name(&table.name), provider)
    }

    /// Makes the rows of a table known as they came.
    fn register_raw(&self, table: &Table, provider: Arc<dyn TableProvider>) -> Result<(), Diagnostics> {
        self.register_as(types::raw_name(&table.name), provider)
    }

    fn register_as(&self, name: String, provider: Arc<dyn TableProvider>) -> Result<(), Diagnostics> {
        let name = TableReference::bare(name);
        self.context.deregister_table(name.clone()).map_err(failure)?;
        self.context.register_table(name, provider).map_err(failure)?;
        Ok(())
    }

    /// Answers a query over the registered tables.
    pub fn run(&self, query: &Query) -> Result<Answer, Diagnostics> {
        let options = sql::Options { unique_keys: self.unique_keys.clone(), ..sql::Options::default() };
        let dialect = sql::DataFusion::with_calendars(self.calendars(query)?);
        let mut select = sql::select(query, &dialect, &options).map_err(|unsupported| {
            unsupported
                .into_iter()
                .map(|found| error!(E0933, None, "the dry run cannot compute {}", found.construct; help: ("{}", found.reason)))
                .collect::<Diagnostics>()
        })?;
        let batches = self.execute(async {
            let _shared = Shared::of(&self.context, &mut select).await?;
            let plan = self.context.state().statement_to_plan(statement(select)).await?;
            self.context.execute_logical_plan(plan).await?.collect().await
        })?;
        let mut answer = answer::answer(&batches, query.columns(), self.options.zone)?;
        answer.step = query.step;
        answer.keys = query.keys();
        Ok(answer)
    }

    /// Runs one SELECT in the engine's own SQL, whose columns are those told.
    pub fn run_sql(&self, sql: &str, columns: Vec<OutputColumn>) -> Result<Answer, Diagnostics> {
        let batches = self.execute(async {
            let only_queries =
                SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
            self.context.sql_with_options(sql, only_queries).await?.collect().await
        })?;
        answer::answer(&batches, columns, self.options.zone)
    }

    /// Waits for the engine.
    fn execute(
        &self,
        work: impl Future<Output = datafusion::common::Result<Vec<RecordBatch>>>,
    ) -> Result<Vec<RecordBatch>, Diagnostics> {
        (self.progress)(Progress::Running);
        // Planning happens on the caller's thread, which may have little stack: that of a test has 2 MB.
        guarded(|| stack::enough(|| self.runtime.block_on(work).map_err(failure)))
    }
}

/// Bytes of memory that are free, where the system tells.
fn free_memory() -> Option<u64> {
    let told = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1_024)
}
