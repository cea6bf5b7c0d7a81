//! Servers of targets, for the verbs that ask them.

use std::path::PathBuf;

use super::{Stop, ready::Ready};
use crate::clickhouse::{Client, Environment, Failure, Limits, Retries, Server};
use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::project::{SourceMap, Target};
use crate::suggest::near;

/// The client of a target's server. Warnings are about how it is reached.
pub fn client(ready: &Ready, target: &str, span: Option<Span>, warnings: &mut Diagnostics) -> Result<Client, Stop> {
    let project = &ready.project;
    let found = project.target(target).ok_or_else(|| {
        let known = || project.targets.iter().map(|target| target.name.value.as_str());
        let help = match near(target, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the targets are: {}", known().collect::<Vec<_>>().join(", ")),
        };
        let found = error!(E0041, span, "no target named `{target}`"; help: help);
        Stop::found(project, [found].into_iter().collect())
    })?;
    let settings = found.clickhouse().ok_or_else(|| {
        let found = error!(E0041, span, "the target `{target}` is a stream, and has no server that could be asked";
            help: "name its warehouse");
        Stop::found(project, [found].into_iter().collect())
    })?;
    let variable = |name: &str| std::env::var(name).ok();
    let environment = Environment { variable: &variable, root: &project.root };
    let server = Server::of(target, settings.connection.as_ref(), &settings.database, &environment, warnings)
        .map_err(|found| Stop::found(project, [*found].into_iter().collect()))?;
    let url = server.clone();
    Client::new(server, Limits::default(), Retries::default()).map_err(|failure| told(&url, &failure, ""))
}

/// Whether the server of a target is known: by the target, or by the environment.
pub fn is_known(target: &Target) -> bool {
    let connection = target.clickhouse().and_then(|settings| settings.connection.as_ref());
    connection.is_some_and(|connection| connection.url.is_some())
        || std::env::var("METRICC_CLICKHOUSE_URL").is_ok_and(|url| !url.is_empty())
}

/// Why a statement has no answer, shown with its place in the statement.
pub fn stop(client: &Client, failure: &Failure, statement: &str) -> Stop {
    told(client.server(), failure, statement)
}

/// The same, before anything was sent.
pub fn told(server: &Server, failure: &Failure, statement: &str) -> Stop {
    let mut sources = SourceMap::new();
    let found = failure.told(server, statement, &mut sources);
    Stop::Found { sources: Box::new(sources), root: PathBuf::from("."), diagnostics: [found].into_iter().collect() }
}
