//! Answers of an engine: of a ClickHouse server, or of the dry run. For verbs that ask several questions of one engine.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use super::{Context, Stop, planned, ready::Ready, server};
use crate::clickhouse::{Client, Environment, Limits, Retries, Server, typed};
use crate::diagnostic::Diagnostics;
use crate::emit::{Answered, Input, Warehouse};
use crate::error;
use crate::plan::{DataType, OutputColumn, Query, Value};
use crate::project::{Connection, Project, Target, url_fault};
use crate::rollup::Asked;
use crate::sql::{self, CLICKHOUSE, Scalars};
use crate::table::Answer;

/// Which engine is asked.
#[derive(clap::Args, Clone, Debug)]
pub struct EngineArgs {
    /// The folder with the data of a dry run [default: `samples` of metricc.yaml]
    #[arg(long, value_name = "DIR", conflicts_with = "clickhouse")]
    pub data: Option<PathBuf>,
    /// Ask a ClickHouse server: that of the target, or the one at this address
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "")]
    pub clickhouse: Option<String>,
    /// The target whose rollups may be read, where there are several
    #[arg(long, value_name = "NAME", requires = "clickhouse")]
    pub target: Option<String>,
    /// Read the sources themselves, whatever rollups there are
    #[arg(long, requires = "clickhouse")]
    pub live: bool,
}

/// Asks one engine.
pub struct Fetcher<'a> {
    args: &'a EngineArgs,
    ready: &'a Ready,
    context: &'a Context,
    server: Option<Asking<'a>>,
    /// What the target is given, once it is asked for.
    input: OnceLock<(Input, Diagnostics)>,
    /// What it has then.
    warehouse: OnceLock<Result<Warehouse, Diagnostics>>,
}

/// A server, and the target whose rollups may be read.
struct Asking<'a> {
    client: Client,
    target: Option<&'a Target>,
}

impl<'a> Fetcher<'a> {
    /// Of the engine that is asked for. Nothing is sent yet.
    pub fn new(args: &'a EngineArgs, ready: &'a Ready, context: &'a Context) -> Result<Fetcher<'a>, Stop> {
        let server = match &args.clickhouse {
            Some(url) => {
                let target = target(args, ready)?;
                let client = client(url, target, ready, context)?;
                Some(Asking { client, target: target.filter(|_| !args.live) })
            }
            None => None,
        };
        Ok(Fetcher { args, ready, context, server, input: OnceLock::new(), warehouse: OnceLock::new() })
    }

    /// The same, where what the target is given is known already.
    pub fn knowing(self, input: Input) -> Fetcher<'a> {
        Fetcher { input: OnceLock::from((input, Diagnostics::new())), ..self }
    }

    /// The server's clock, in milliseconds since 1970; none for the dry run.
    pub fn now(&self) -> Result<Option<i64>, Stop> {
        let Some(Asking { client, .. }) = &self.server else { return Ok(None) };
        let select = "SELECT toUnixTimestamp64Milli(now64(3)) AS now";
        let rows = client.ask(select).map_err(|failure| server::stop(client, &failure, select))?;
        Ok(rows.rows.first().and_then(|row| row.first()?.as_deref()?.parse().ok()))
    }

    /// The project.
    pub fn project(&self) -> &'a Project {
        &self.ready.project
    }

    /// Whether a server is asked, and not the dry run.
    pub fn is_server(&self) -> bool {
        self.server.is_some()
    }

    /// The target whose rollups may be read.
    pub fn target(&self) -> Option<&'a Target> {
        self.server.as_ref().and_then(|asking| asking.target)
    }

    /// The answers to queries, each as fresh and from where it may be served, in their order.
    pub fn answers(&self, queries: &[(Query, Asked)]) -> Result<Vec<Answer>, Stop> {
        let Some(asking) = &self.server else { return self.dry_run(queries.iter().map(|(query, _)| query)) };
        let answers = queries.iter().map(|(query, wanted)| {
            ask_server(&asking.client, &self.statement(asking, query, wanted)?, query, asking.client.server().timeout)
        });
        answers.collect()
    }

    /// The answer to a query that may take so long; a dry run takes the time that it needs.
    pub fn answer_within(&self, query: &Query, wanted: &Asked, within: Duration) -> Result<Answer, Stop> {
        match &self.server {
            Some(asking) => ask_server(&asking.client, &self.statement(asking, query, wanted)?, query, within),
            None => self.dry_run(std::iter::once(query)).map(|mut answers| answers.remove(0)),
        }
    }

    /// The SELECT that answers a query, from rollups where it may be.
    fn statement(&self, asking: &Asking, query: &Query, wanted: &Asked) -> Result<String, Stop> {
        let Some(target) = asking.target else { return self.of_sources(query) };
        let told = |found: Diagnostics| Stop::found(&self.ready.project, found);
        Ok(self.warehouse(target)?.answer(query, wanted).map_err(told)?.sql)
    }

    /// What the target has whose rollups may be read, planned once.
    fn warehouse(&self, target: &Target) -> Result<&Warehouse, Stop> {
        let planned = || {
            let (input, found) = self.input.get_or_init(|| planned::input(self.ready));
            if found.has_errors() { Err(found.clone()) } else { Warehouse::of(input, target) }
        };
        let kept = self.warehouse.get_or_init(planned);
        kept.as_ref().map_err(|found| Stop::found(&self.ready.project, found.clone()))
    }

    /// Plans what the target has, so that the first question need not wait for that.
    pub fn prepare(&self) -> Result<(), Stop> {
        self.target().map_or(Ok(()), |target| self.warehouse(target).map(|_| ()))
    }

    /// How the target whose rollups may be read answers a query; none where there is no such target.
    pub fn answered(&self, query: &Query, wanted: &Asked) -> Result<Option<Answered>, Stop> {
        let Some(target) = self.target() else { return Ok(None) };
        let told = |found: Diagnostics| Stop::found(&self.ready.project, found);
        self.warehouse(target)?.answer(query, wanted).map(Some).map_err(told)
    }

    /// The rows of a SELECT that has the columns of a query, which may take so long, or as long as the server grants.
    pub fn select(&self, select: &str, query: &Query, within: Option<Duration>) -> Result<Answer, Stop> {
        match &self.server {
            Some(Asking { client, .. }) => ask_server(client, select, query, within.unwrap_or(client.server().timeout)),
            None => Err(error!(E0041, None, "only a server can run a SELECT"; help: "add `--clickhouse`").into()),
        }
    }

    /// The SELECT over the sources.
    fn of_sources(&self, query: &Query) -> Result<String, Stop> {
        let select = sql::select(query, &CLICKHOUSE, &sql::Options::default()).map_err(|unsupported| {
            let told = unsupported.iter().map(
                |one| error!(E0802, None, "clickhouse cannot express {}", one.construct; help: ("{}", one.reason)),
            );
            Stop::found(&self.ready.project, told.collect())
        })?;
        Ok(sql::to_text(&select, &CLICKHOUSE))
    }

    #[cfg(feature = "dry-run")]
    fn dry_run<'q>(&self, queries: impl Iterator<Item = &'q Query> + Clone) -> Result<Vec<Answer>, Stop> {
        use crate::dry_run::{Data, DryRun, Options};
        let told = |found: Diagnostics| Stop::found(&self.ready.project, found);
        let project = &self.ready.project;
        let folder = self.args.data.clone().unwrap_or_else(|| project.root.join(&project.config.samples));
        let mut dry_run = DryRun::new(Options::new(self.ready.compiled.model.zone)).map_err(told)?;
        let mut read = std::collections::BTreeSet::new();
        let mut warnings = Diagnostics::new();
        for query in queries.clone() {
            for table in query.stored_tables() {
                if read.insert(table) {
                    let data = Data::Samples(&folder);
                    warnings.extend(dry_run.register(&query.tables[table], &data).map_err(told)?);
                }
            }
        }
        if !warnings.is_empty() {
            self.context.report(&project.sources, &project.root, &warnings);
        }
        queries.map(|query| dry_run.run(query).map_err(told)).collect()
    }

    #[cfg(not(feature = "dry-run"))]
    fn dry_run<'q>(&self, _: impl Iterator<Item = &'q Query> + Clone) -> Result<Vec<Answer>, Stop> {
        let _ = (&self.args.data, self.context);
        Err(error!(E0041, None, "this program was built without the dry run"; help: "ask a server: `--clickhouse`")
            .into())
    }
}

/// The target that is named, or the only one.
fn target<'r>(args: &EngineArgs, ready: &'r Ready) -> Result<Option<&'r Target>, Stop> {
    let targets = ready.project.warehouses();
    match (&args.target, &targets[..]) {
        (None, [only]) => Ok(Some(only)),
        (None, _) => Ok(None),
        (Some(name), _) => match ready.project.target(name) {
            Some(target) => Ok(Some(target)),
            None => Err(error!(E0041, None, "no target named `{name}`"; help: "name a file of `targets/`").into()),
        },
    }
}

/// The client of the target's server, or of the one at an address.
fn client(url: &str, target: Option<&Target>, ready: &Ready, context: &Context) -> Result<Client, Stop> {
    let mut warnings = Diagnostics::new();
    let found = if url.is_empty() {
        let Some(target) = target else {
            return Err(error!(E0041, None, "no target says which server is asked";
                help: "name it by `--target`, or give an address: `--clickhouse http://localhost:8123`")
            .into());
        };
        server::client(ready, &target.name.value, None, &mut warnings)
    } else {
        at_address(url, target, ready, &mut warnings)
    };
    if !warnings.is_empty() {
        context.report(&ready.project.sources, &ready.project.root, &warnings);
    }
    found
}

/// Users, passwords and certificates are those of the target, or of the environment.
fn at_address(url: &str, target: Option<&Target>, ready: &Ready, warnings: &mut Diagnostics) -> Result<Client, Stop> {
    if let Some(fault) = url_fault(url) {
        return Err(error!(E0041, None, "the address of `--clickhouse` {fault}";
            help: "write `--clickhouse https://host:8443`; the user and the password come from the target or the environment")
        .into());
    }
    let settings = target.and_then(Target::clickhouse);
    let connection = settings.and_then(|settings| settings.connection.clone()).unwrap_or_default();
    let connection = Connection { url: None, ..connection };
    let variable = |name: &str| match name {
        "METRICC_CLICKHOUSE_URL" => Some(url.to_owned()),
        name => std::env::var(name).ok(),
    };
    let environment = Environment { variable: &variable, root: &ready.project.root };
    let database = settings.map_or("default", |settings| settings.database.as_str());
    let name = target.map_or("", |target| target.name.value.as_str());
    let server = Server::of(name, Some(&connection), database, &environment, warnings)
        .map_err(|found| Stop::found(&ready.project, [*found].into_iter().collect()))?;
    let told = server.clone();
    Client::new(server, Limits::default(), Retries::default()).map_err(|failure| server::told(&told, &failure, ""))
}

/// The rows of a SELECT, each value as a text that loses nothing, in any time zone and with any settings.
fn ask_server(client: &Client, select: &str, query: &Query, within: Duration) -> Result<Answer, Stop> {
    let columns = query.columns();
    let cells = columns.iter().enumerate().map(|(at, column)| {
        let name = CLICKHOUSE.identifier(&column.name).to_string();
        let text = match column.ty {
            DataType::Timestamp => format!("toString(toUnixTimestamp64Milli(toDateTime64({name}, 3)))"),
            DataType::Array(_) | DataType::Map(_) => format!("toJSONString({name})"),
            _ => format!("toString({name})"),
        };
        format!("CAST({text} AS Nullable(String)) AS c{at}")
    });
    let statement = format!("SELECT {}\nFROM (\n{select}\n)", cells.collect::<Vec<_>>().join(", "));
    let rows = client.ask_within(&statement, within).map_err(|failure| server::stop(client, &failure, &statement))?;
    let value = |(column, cell): (&OutputColumn, &Option<String>)| {
        typed(cell.as_deref(), column, query.zone).ok_or_else(|| {
            let cell = cell.as_deref().unwrap_or_default();
            Stop::from(error!(E0853, None, "the answer of `{}` can't be used: `{cell}` is no value of `{}`", client.server().shown(), column.name;
                help: "have the tables been made by another build? Apply the newest one"))
        })
    };
    let rows = rows.rows.iter().map(|row| columns.iter().zip(row).map(value).collect::<Result<Vec<Value>, Stop>>());
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    Ok(Answer { keys: query.keys(), rows, zone: query.zone, step: query.step, columns })
}
