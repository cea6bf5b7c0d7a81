//! Answers of an engine to the questions of a report.

use super::Args;
use crate::cli::{Context, Stop, planned, ready::Ready, server};
use crate::clickhouse::{Client, Environment, Limits, Retries, Server, typed};
use crate::diagnostic::Diagnostics;
use crate::emit;
use crate::error;
use crate::plan::{DataType, Lowering, OutputColumn, Query, Value};
use crate::project::{Connection, Target, url_fault};
use crate::report::Plan;
use crate::sql::{self, CLICKHOUSE, Scalars};
use crate::table::Answer;

/// Asks one engine.
pub struct Fetcher<'a> {
    args: &'a Args,
    ready: &'a Ready,
    context: &'a Context,
    server: Option<Asked<'a>>,
}

/// A server, and the target whose rollups may be read.
struct Asked<'a> {
    client: Client,
    target: Option<&'a Target>,
}

impl<'a> Fetcher<'a> {
    /// Of the engine that is asked for. Nothing is sent yet.
    pub fn new(args: &'a Args, ready: &'a Ready, context: &'a Context) -> Result<Fetcher<'a>, Stop> {
        let server = match &args.clickhouse {
            Some(url) => {
                let target = target(args, ready)?;
                let client = client(url, target, ready, context)?;
                Some(Asked { client, target: target.filter(|_| !args.live) })
            }
            None => None,
        };
        Ok(Fetcher { args, ready, context, server })
    }

    /// The server's clock, in milliseconds since 1970; none for the dry run.
    pub fn now(&mut self) -> Result<Option<i64>, Stop> {
        let Some(Asked { client, .. }) = &self.server else { return Ok(None) };
        let select = "SELECT toUnixTimestamp64Milli(now64(3)) AS now";
        let rows = client.ask(select).map_err(|failure| server::stop(client, &failure, select))?;
        Ok(rows.rows.first().and_then(|row| row.first()?.as_deref()?.parse().ok()))
    }

    /// The answers to all questions of a plan, in their order.
    pub fn answers(&mut self, plan: &Plan) -> Result<Vec<Answer>, Stop> {
        let lowering = Lowering::new(&plan.model);
        let told = |found: Diagnostics| Stop::found(&self.ready.project, found);
        let queries = plan.asks.iter().map(|ask| lowering.lower(&ask.question).map_err(told));
        let queries: Vec<Query> = queries.collect::<Result<_, _>>()?;
        match &self.server {
            Some(asked) => {
                let input = match asked.target {
                    Some(_) => {
                        let (input, found) = planned::input(self.ready);
                        if found.has_errors() {
                            return Err(told(found));
                        }
                        Some(input)
                    }
                    None => None,
                };
                let answers = queries.iter().zip(&plan.asks).map(|(query, ask)| {
                    let serve = ask.question.metrics.iter().map(|id| plan.model.metrics[id.0].serve.as_slice());
                    let select = match (asked.target, &input) {
                        (Some(target), Some(input)) => {
                            let wanted = emit::asked_together(serve);
                            emit::answer(input, target, query, &wanted).map_err(told)?.sql
                        }
                        _ => self.of_sources(query)?,
                    };
                    ask_server(&asked.client, &select, query)
                });
                answers.collect()
            }
            None => self.dry_run(&queries),
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
    fn dry_run(&self, queries: &[Query]) -> Result<Vec<Answer>, Stop> {
        use crate::dry_run::{Data, DryRun, Options};
        let told = |found: Diagnostics| Stop::found(&self.ready.project, found);
        let project = &self.ready.project;
        let folder = self.args.data.clone().unwrap_or_else(|| project.root.join(&project.config.samples));
        let mut dry_run = DryRun::new(Options::new(self.ready.compiled.model.zone)).map_err(told)?;
        let mut read = std::collections::BTreeSet::new();
        let mut warnings = Diagnostics::new();
        for query in queries {
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
        queries.iter().map(|query| dry_run.run(query).map_err(told)).collect()
    }

    #[cfg(not(feature = "dry-run"))]
    fn dry_run(&self, _: &[Query]) -> Result<Vec<Answer>, Stop> {
        let _ = (&self.args.data, self.context);
        Err(error!(E0041, None, "this program was built without the dry run"; help: "ask a server: `--clickhouse`")
            .into())
    }
}

/// The target that is named, or the only one.
fn target<'r>(args: &Args, ready: &'r Ready) -> Result<Option<&'r Target>, Stop> {
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
fn ask_server(client: &Client, select: &str, query: &Query) -> Result<Answer, Stop> {
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
    let rows = client.ask(&statement).map_err(|failure| server::stop(client, &failure, &statement))?;
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
