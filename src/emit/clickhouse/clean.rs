//! A view a table: its clean rows, which all metrics of the table read.

use std::collections::BTreeSet;
use std::hash::Hash;
use std::sync::Arc;

use rayon::prelude::*;
use sqlparser::ast::ObjectName;

use super::{Build, File, Object, access, dictionaries, version};
use crate::diagnostic::Diagnostics;
use crate::emit::{Input, name};
use crate::error;
use crate::plan::{How, Keep, Origin, Selection, Table, in_order};
use crate::project::ClickhouseTarget;
use crate::sql::memo::Key;
use crate::sql::{self, CLICKHOUSE, Options, Scalars};

/// The clean rows of a table as they were made.
pub struct Clean {
    /// The table.
    table: usize,
    /// On how many tables it stands.
    level: usize,
    /// The SELECT.
    select: Arc<str>,
}

/// The clean rows of all tables that a metric reads, also through others; each after those that it is made of. The options
/// get to know the names of their views, and the dictionaries of entities.
pub fn rows(
    input: &Input,
    settings: &ClickhouseTarget,
    options: &mut Options,
    diagnostics: &mut Diagnostics,
) -> Vec<Clean> {
    let tables = &input.tables;
    let mut used: BTreeSet<usize> = input.metrics.iter().flat_map(|metric| metric.query.all_tables()).collect();
    // A table stands behind all that it is made of.
    let order = in_order(tables);
    for place in order.iter().rev() {
        if used.contains(place) {
            used.extend(tables[*place].reads());
        }
    }
    let mut levels: Vec<usize> = vec![0; tables.len()];
    for place in order.into_iter().filter(|place| tables[*place].is_derived()) {
        levels[place] = 1 + tables[place].reads().map(|of| levels[of]).max().unwrap_or(0);
    }
    // A segment is made in each query that looks into it.
    let mut used: Vec<usize> = used.into_iter().filter(|place| tables[*place].segment().is_none()).collect();
    used.sort_by_key(|place| levels[*place]);
    check_shards(input, settings, &used, diagnostics);
    options.clean_versions = vec![String::new(); tables.len()];
    let shared = Key::new(|hasher| (CLICKHOUSE.name(), &*input.tables, input.zone, input.week_start).hash(hasher));
    let mut made: Vec<Clean> = Vec::with_capacity(used.len());
    // Those of one level know the names of all levels before.
    for of_level in used.chunk_by(|a, b| levels[*a] == levels[*b]) {
        let selects: Vec<(Arc<str>, Diagnostics)> =
            of_level.par_iter().map(|place| select(input, *place, options, shared)).collect();
        for (place, (select, found)) in of_level.iter().zip(selects) {
            diagnostics.extend(found);
            options.clean_versions[*place] = version::hash(&select);
            made.push(Clean { table: *place, level: levels[*place], select });
        }
        if of_level.iter().all(|place| levels[*place] == 0) {
            options.dictionaries = dictionaries::known(input, settings, options, diagnostics);
        }
    }
    made
}

/// Members of a segment are ranked among all, and the view of a shard sees its own rows alone.
fn check_shards(input: &Input, settings: &ClickhouseTarget, used: &[usize], diagnostics: &mut Diagnostics) {
    if !settings.cluster.as_ref().is_some_and(|cluster| cluster.sharded) {
        return;
    }
    let tables = &input.tables;
    for table in used.iter().map(|place| &tables[*place]) {
        let own = matches!(&table.origin, Origin::Made(made) if matches!(made.how, How::Segment(_)));
        let mut joins = table.selections().into_iter().flat_map(|rows| &rows.joins);
        if own || joins.any(|join| tables[join.table].segment().is_some()) {
            let name = &table.name;
            diagnostics.push(error!(E0802, None, "clickhouse cannot express `{name}` on several shards: a segment is made of the rows of all";
                help: "ask for the segment in metrics of a source, and not in rows that others are made of, or build for one shard"));
        }
    }
}

/// The SELECT of a table's clean rows, read back.
fn select(input: &Input, place: usize, options: &Options, shared: Key) -> (Arc<str>, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let key = Key::new(|hasher| ("clean", shared, options, place).hash(hasher));
    let select = input.memo.statement(key, || {
        let select = sql::clean(&input.tables, input.zone, input.week_start, place, &CLICKHOUSE, options);
        let select = sql::to_text(&select, &CLICKHOUSE);
        sql::reparse(&select, &CLICKHOUSE).map(|_| select)
    });
    let select = select.unwrap_or_else(|error| {
        let table = &input.tables[place].name;
        diagnostics.push(error!(E0812, None, "the clean rows of `{table}` do not read back: {error}"));
        Arc::default()
    });
    (select, diagnostics)
}

impl Clean {
    /// The name that stays, whatever the rows are made of.
    pub fn stable(&self, build: &Build) -> String {
        format!("clean_{}", build.input.tables[self.table].name)
    }

    /// The view of this version.
    pub fn view(&self, build: &Build) -> ObjectName {
        build.versioned(&self.stable(build), &build.options.clean_versions[self.table])
    }

    /// The columns of the view.
    pub fn columns<'b>(&self, build: &'b Build) -> impl Iterator<Item = &'b str> {
        build.input.tables[self.table].columns.iter().map(|column| column.name.as_str())
    }
}

/// The views of clean rows, a file a table.
pub fn views(build: &Build, rows: &[Clean], diagnostics: &mut Diagnostics) -> Vec<File> {
    let made: Vec<(File, Diagnostics)> = rows.par_iter().map(|clean| view(build, clean)).collect();
    made.into_iter()
        .map(|(file, found)| {
            diagnostics.extend(found);
            file
        })
        .collect()
}

fn view(build: &Build, clean: &Clean) -> (File, Diagnostics) {
    let (table, level) = (&build.input.tables[clean.table], clean.level);
    let mut diagnostics = Diagnostics::new();
    let name = clean.view(build);
    let view = name.to_string();
    let comment = build.comment(&format!("clean rows of {}", table.name));
    let about = vec![rule(table, &build.input.tables)];
    let security = access::security(build, false);
    let values = minijinja::context! { about, view => view.as_str(), security, comment };
    let body = super::with_select(build, &view, "clickhouse/view.sql", values, &clean.select, &mut diagnostics);
    let safe = name::file(&table.name);
    // What is derived is numbered by how many tables it stands on, so that the order of names is that of application.
    let of = if level == 0 { format!("20_clean_{safe}.sql") } else { format!("25_derived_{level:02}_{safe}.sql") };
    let file = File::new(of, format!("The clean rows of {}", table.name), vec![table.name.clone()]);
    (file.with(body, vec![Object { kind: "VIEW", name }]), diagnostics)
}

/// In words: which rows are clean.
fn rule(table: &Table, tables: &[Table]) -> String {
    let of = |rows: &Selection| tables[rows.table].name.as_str();
    let stored = match &table.origin {
        Origin::Stored => table,
        Origin::Raw(of) => return format!("The rows of {} as they came", tables[*of].name),
        Origin::FirstOf(first) => {
            let keys = if first.keys.len() == 1 {
                "key".to_owned()
            } else {
                format!("combination of {} keys", first.keys.len())
            };
            return format!("The first row of {} for each {keys}", of(&first.rows));
        }
        Origin::Union { members, .. } => {
            let names: Vec<&str> = members.iter().map(|member| of(&member.rows)).collect();
            return format!("The rows of {}", names.join(", "));
        }
        Origin::Made(made) => {
            let part = |at: usize| of(&made.parts[at].rows);
            return match &made.how {
                How::Cohort { of: table, .. } => match table.rows() {
                    None => format!("The units of a cohort, started by {}", part(0)),
                    Some(rows) => format!("Rows of {} at the ages of a cohort, started by {}", part(rows), part(0)),
                },
                How::Segment(_) => format!("Each {} as of the start of each day", part(0)),
                How::Conversion(_) => format!("Rows of {} and what is credited to them of {}", part(0), part(1)),
                How::Attribution(_) => format!("Rows of {}, each credited to rows of {} before it", part(0), part(1)),
                How::Attempts(_) => format!("Attempts to go through a funnel, begun by {}", part(0)),
                How::Paths(_) => format!("Paths along {}, in sessions", part(0)),
                How::Experiment(_) => format!("Units of an experiment, exposed by {}", part(0)),
            };
        }
        Origin::Session(session) => {
            return format!("Sessions of {}: a pause longer than {} ms ends one", of(&session.rows), session.gap);
        }
    };
    stored_rule(stored)
}

fn stored_rule(table: &Table) -> String {
    let key = table.identity().collect::<Vec<_>>().join(", ");
    let kept = match &table.clean.keep {
        _ if table.clean.key.is_empty() => "every row".to_owned(),
        Keep::Latest(by) => format!("one row a {key}: the one with the latest {by}"),
        Keep::Earliest => match &table.clean.time {
            Some(time) => format!("one row a {key}: the one with the earliest {time}"),
            None => format!("one row a {key}: the smallest"),
        },
    };
    let time = table.clean.time.as_ref().map(|time| format!(", without those that have no {time}"));
    format!("Clean rows: {kept}{}", time.unwrap_or_default())
}
