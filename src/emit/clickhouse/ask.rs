//! A question to a target: the SELECT that reads the cheapest rollups that can answer it.

use super::metric::reads;
use super::rollups::Made;
use super::{Build, cluster, rollups};
use crate::diagnostic::Diagnostics;
use crate::emit::{Answered, Passed};
use crate::error;
use crate::plan::Query;
use crate::rollup::{self, Asked, Layer, Use};
use crate::sql::{self, CLICKHOUSE};

/// The SELECT that answers a question which may be served as told, and what else could have been read.
pub fn answer(build: &Build, query: &Query, asked: &Asked) -> Result<Answered, Diagnostics> {
    let Chosen { select, from, passed, refused } = choose(build, query, asked)?;
    Ok(Answered { sql: sql::to_text(&select, &CLICKHOUSE), from, passed, refused })
}

/// A SELECT, and what it reads: see [`Answered`].
pub struct Chosen {
    pub select: sqlparser::ast::Query,
    pub from: Vec<String>,
    pub passed: Vec<Passed>,
    pub refused: Vec<(String, String)>,
}

/// The same, as a tree.
pub fn choose(build: &Build, query: &Query, asked: &Asked) -> Result<Chosen, Diagnostics> {
    let mut diagnostics = Diagnostics::new();
    let (_, made) = rollups::tables(build, &mut diagnostics);
    if diagnostics.has_errors() { Err(diagnostics) } else { choose_of(build, &made, query, asked, false) }
}

/// The same out of rollups that are known. With `views`, what is read from sources alone is read from the views of clean rows.
pub fn choose_of(
    build: &Build,
    made: &[Made],
    query: &Query,
    asked: &Asked,
    views: bool,
) -> Result<Chosen, Diagnostics> {
    let all = &build.rollups.rollups;
    let route = rollup::route(query, asked, all, &build.statistics);
    let served = &route.served;
    // From sources alone the SELECT stands for itself, and needs nothing that was built; but for rows of other shards.
    let options = if served.is_live() && !views && !cluster::is_sharded(build) {
        sql::Options::default()
    } else {
        sql::Options { unordered: false, ..build.reading() }
    };
    let reads = reads(query, &served.layers, all, made).ok_or_else(Diagnostics::new)?;
    let select = sql::select_stored(query, &CLICKHOUSE, &options, &reads).map_err(|unsupported| {
        let told = unsupported
            .into_iter()
            .map(|one| error!(E0802, None, "clickhouse cannot express {}", one.construct; help: ("{}", one.reason)));
        told.collect::<Diagnostics>()
    })?;
    let name = |of: &Use| made.get(of.rollup)?.steps.get(of.step).map(|step| step.table.to_string());
    let mut from: Vec<String> = Vec::new();
    for layer in &served.layers {
        let names = match layer {
            Layer::Rolled(uses) => uses.iter().filter_map(name).collect(),
            Layer::Live if served.is_live() => Vec::new(),
            Layer::Live => vec!["the sources".to_owned()],
        };
        names.into_iter().for_each(|name| add(&mut from, name));
    }
    let mut passed: Vec<Passed> = Vec::new();
    for one in &route.considered {
        let Some(because) = &one.because else { continue };
        let Some(table) = name(&Use { rollup: one.rollup, step: one.step.unwrap_or(0) }) else { continue };
        add(&mut passed, Passed { rollup: table, because: because.text() });
    }
    let refused = served.refused.iter();
    let refused = refused.map(|(serving, reason)| (serving.text(), reason.text().to_owned())).collect();
    Ok(Chosen { select, from, passed, refused })
}

fn add<T: PartialEq>(list: &mut Vec<T>, one: T) {
    if !list.contains(&one) {
        list.push(one);
    }
}
