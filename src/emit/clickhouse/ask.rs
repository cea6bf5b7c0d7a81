//! A question to a target: the SELECT that reads the cheapest rollups that can answer it.

use super::metric::reads;
use super::rollups::Made;
use super::{Build, cluster, rollups};
use crate::diagnostic::Diagnostics;
use crate::emit::{Answered, Passed};
use crate::error;
use crate::plan::Query;
use crate::rollup::{self, Asked, Layer, Rollup, Rollups, Statistics, Use};
use crate::sql::{self, CLICKHOUSE};

/// What a target has, kept to answer any number of questions from it.
pub struct Kept {
    rollups: Rollups,
    made: Vec<Made>,
    statistics: Statistics,
    reading: sql::Options,
    is_sharded: bool,
}

impl Kept {
    /// That of a build, which is used up.
    pub(super) fn of(build: Build) -> Result<Kept, Diagnostics> {
        let mut diagnostics = Diagnostics::new();
        let (_, made) = rollups::tables(&build, &mut diagnostics);
        if diagnostics.has_errors() {
            return Err(diagnostics);
        }
        let (reading, is_sharded) = (build.reading(), cluster::is_sharded(&build));
        Ok(Kept { rollups: build.rollups, made, statistics: build.statistics, reading, is_sharded })
    }

    /// The SELECT that answers a question which may be served as told, and what else could have been read.
    pub fn answer(&self, query: &Query, asked: &Asked) -> Result<Answered, Diagnostics> {
        let has = Has {
            rollups: &self.rollups.rollups,
            made: &self.made,
            statistics: &self.statistics,
            reading: self.reading.clone(),
            is_sharded: self.is_sharded,
        };
        let Chosen { select, from, passed, refused } = choose_of(&has, query, asked, false)?;
        Ok(Answered { sql: sql::to_text(&select, &CLICKHOUSE), from, passed, refused })
    }
}

/// What a target has.
pub struct Has<'b> {
    rollups: &'b [Rollup],
    made: &'b [Made],
    statistics: &'b Statistics,
    /// How SELECTs for readers are made.
    reading: sql::Options,
    is_sharded: bool,
}

impl<'b> Has<'b> {
    /// What a build has made of its rollups.
    pub fn of(build: &'b Build, made: &'b [Made]) -> Has<'b> {
        let (rollups, statistics) = (&build.rollups.rollups, &build.statistics);
        Has { rollups, made, statistics, reading: build.reading(), is_sharded: cluster::is_sharded(build) }
    }
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
    if diagnostics.has_errors() { Err(diagnostics) } else { choose_of(&Has::of(build, &made), query, asked, false) }
}

/// The same of what is known. With `views`, what is read from sources alone is read from the views of clean rows.
pub fn choose_of(has: &Has, query: &Query, asked: &Asked, views: bool) -> Result<Chosen, Diagnostics> {
    let (all, made) = (has.rollups, has.made);
    let route = rollup::route(query, asked, all, has.statistics);
    let served = &route.served;
    // From sources alone the SELECT stands for itself, and needs nothing that was built; but for rows of other shards.
    let options = if served.is_live() && !views && !has.is_sharded {
        sql::Options::default()
    } else {
        sql::Options { unordered: false, ..has.reading.clone() }
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
