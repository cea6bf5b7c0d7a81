//! Spark: a declarative pipeline. A Python file says where messages come from and where results go, all else is SQL; results are files that
//! the warehouse reads.
//!
//! What the statements say is in the names of what they make, so that the tables and checkpoints of two builds stand beside each other.

use sqlparser::ast::ObjectName;

use super::{Engine, File, Given, Inlet, Source, Window, line, reads, tell, without_nulls};
use crate::diagnostic::Diagnostics;
use crate::emit::{name, template};
use crate::error;
use crate::plan::{DataType, StoredColumn, Table};
use crate::sql::spark::{Feed, OWN};
use crate::sql::stream::{Counted, Windows};
use crate::sql::{self, CLICKHOUSE, Landed, Messages, SPARK, Scalars, Unsupported, build};

/// The engine.
pub struct Spark;

impl Engine for Spark {
    fn windows(&self) -> &dyn Windows {
        &SPARK
    }

    fn files(&self, given: &Given, diagnostics: &mut Diagnostics) -> Vec<File> {
        let counted = given.sources.iter().filter(|source| !source.windows.is_empty());
        let made: Vec<Made> = counted.filter_map(|source| Made::new(given, source, diagnostics)).collect();
        let flows: Vec<Vec<Flow>> = made.iter().map(|one| one.flows(diagnostics)).collect();
        let all: Vec<&Flow> = flows.iter().flatten().collect();
        let mut files = vec![pipeline(given, &made), connections(given, &made, &all)];
        files.extend(made.iter().map(Made::source_file));
        files.extend(made.iter().zip(&flows).map(|(one, flows)| one.windows_file(flows)));
        files.push(load(&made, &all));
        files
    }

    fn comment(&self, file: &str) -> &'static str {
        if file.ends_with(".sql") { "-- " } else { "# " }
    }
}

fn origin(made: &[Made]) -> Vec<String> {
    made.iter().map(|one| one.source.table.name.clone()).collect()
}

/// The name of the database of the warehouse, as far as the catalog takes it: results are called as they are there.
fn database(given: &Given) -> String {
    let name = given.stream.into.as_ref().map_or("", |(_, warehouse)| &warehouse.database);
    let bare = bare(name);
    if bare.is_empty() { "metrics".to_owned() } else { bare }
}

/// What of a name any catalog takes.
fn bare(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>().to_lowercase()
}

/// A text as a literal of JSON, of YAML and of Python.
fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn pipeline(given: &Given, made: &[Made]) -> File {
    let values = minijinja::context! {
        name => json(&format!("metricc_{}", bare(given.target))), database => database(given),
        brokers => json(given.stream.intake.brokers.as_deref().unwrap_or("${METRICC_BROKERS}")),
        zone => json(given.calendar.zone.name()),
    };
    File {
        name: "spark-pipeline.yml".to_owned(),
        what: "A pipeline that counts what comes".to_owned(),
        text: template::render("streaming/spark/spark-pipeline.yml", values),
        origin: origin(made),
    }
}

fn connections(given: &Given, made: &[Made], flows: &[&Flow]) -> File {
    let sources = made.iter().map(|one| {
        let group = format!("{}_{}", given.stream.intake.group, one.source.table.name);
        minijinja::context! {
            messages => json(&one.name("messages")), topic => json(one.source.topic), group => json(&group),
        }
    });
    let sinks = flows.iter().map(|flow| {
        let full = format!("spark_catalog.{}.{}", database(given), flow.sink);
        minijinja::context! { full => json(&full), name => json(&flow.sink) }
    });
    let values = minijinja::context! {
        sources => sources.collect::<Vec<_>>(), sinks => sinks.collect::<Vec<_>>(),
    };
    File {
        name: "connections/sources_and_sinks.py".to_owned(),
        what: "Where messages come from, and where results go".to_owned(),
        text: template::render("streaming/spark/connections.py", values),
        origin: origin(made),
    }
}

fn load(made: &[Made], flows: &[&Flow]) -> File {
    let quoted = |text: &str| sql::quoted(text, &CLICKHOUSE);
    let inlets = flows.iter().map(|flow| {
        let (database, table) = &flow.inlet.table;
        let name = ObjectName::from(vec![CLICKHOUSE.identifier(database), CLICKHOUSE.identifier(table)]);
        let columns: Vec<&str> = flow.inlet.columns.iter().map(|(name, _)| name.as_str()).collect();
        let structure = flow.inlet.columns.iter().map(|(name, ty)| format!("{name} {ty}"));
        minijinja::context! {
            table => name.to_string(), columns => columns.join(", "), files => quoted(&format!("/{}/*.parquet", flow.sink)),
            structure => quoted(&structure.collect::<Vec<_>>().join(", ")),
        }
    });
    let values = minijinja::context! { inlets => inlets.collect::<Vec<_>>() };
    File {
        name: "warehouse/load.sql".to_owned(),
        what: "Brings results to the warehouse, once or again".to_owned(),
        text: template::render("streaming/spark/load.sql", values),
        origin: origin(made),
    }
}

/// What a source becomes.
struct Made<'a> {
    given: &'a Given<'a>,
    source: &'a Source<'a>,
    hash: String,
    selects: Selects,
    /// The place of the time among the columns of its table.
    time: usize,
    seen: String,
}

/// The queries of a source, as they are printed.
#[derive(Debug)]
struct Selects {
    read: String,
    dead: String,
    rows: String,
    feed: String,
}

/// A result of windows on its way to the warehouse.
struct Flow<'a> {
    sink: String,
    about: &'static str,
    select: String,
    inlet: &'a Inlet,
}

impl<'a> Made<'a> {
    /// Nothing where the engine cannot read the source's rows, which is told.
    fn new(given: &'a Given, source: &'a Source, diagnostics: &mut Diagnostics) -> Option<Made<'a>> {
        let table = source.table;
        let name = table.clean.time.as_ref()?;
        let time = table.columns.iter().position(|column| column.name == *name)?;
        if let Some((wrong, why)) = wrong_name(table) {
            diagnostics.push(error!(E0830, None, "spark cannot count `{}`: {why} `{wrong}`", table.name;
                help: "ST5: give the column another name, by `from \"…\"` it keeps the one in the messages"));
            return None;
        }
        let without = without_nulls(table);
        let kept = kept(source, &without);
        let feed = Feed { table: &without, kept, time: name };
        let mut made = Made {
            given,
            source,
            hash: String::new(),
            selects: Selects { read: String::new(), dead: String::new(), rows: String::new(), feed: String::new() },
            time,
            seen: feed.seen(),
        };
        // First without a hash, which is then made of what they say.
        for _ in 0..2 {
            made.selects = match made.texts(&without, &feed) {
                Ok(selects) => selects,
                Err(refused) => {
                    tell("spark", &table.name, refused, diagnostics);
                    return None;
                }
            };
            if made.hash.is_empty() {
                let intake = &given.stream.intake;
                let said = format!(
                    "{} {:?} {} {} {:?} {:?}",
                    given.target, made.selects, source.lateness, source.topic, intake.brokers, intake.group
                );
                made.hash = name::hash(&said);
            }
        }
        let Selects { read, dead, rows, feed } = &made.selects;
        for text in [read, dead, rows, feed] {
            check(&format!("the source `{}`", table.name), text, diagnostics);
        }
        Some(made)
    }

    fn texts(&self, table: &Table, feed: &Feed) -> Result<Selects, Vec<Unsupported>> {
        let messages = self.place("messages");
        let landed = Landed { name: messages.clone(), arrived: self.source.arrived, time: None, kept: &["_place"] };
        let read = sql::intake(table, &landed, Messages::All, &SPARK, self.given.calendar)?;
        let read = sql::spark::streamed(read, &messages);
        let (read_of, marked) = (self.place("read"), self.place("marked"));
        let text = |query| sql::to_text(&query, &SPARK);
        Ok(Selects {
            read: text(read),
            dead: text(feed.dead(&read_of)),
            rows: text(feed.rows(&read_of)),
            feed: text(feed.feed(&marked)),
        })
    }

    /// The name of what is made of the source, with a hash of what it says.
    fn name(&self, word: &str) -> String {
        format!("{word}__{}__{}", bare(&self.source.table.name), self.hash)
    }

    fn place(&self, word: &str) -> ObjectName {
        ObjectName::from(vec![build::ident(&self.name(word))])
    }

    fn source_file(&self) -> File {
        let table = self.source.table;
        let Selects { read, dead, rows, feed } = &self.selects;
        let ms = self.source.lateness;
        let values = minijinja::context! {
            read => self.name("read"), dead => self.name("dead"), rows => self.name("rows"),
            arrived => self.name("arrived"), marked => self.name("marked"), feed => self.name("feed"),
            counted => self.name("counted"), read_select => read, dead_select => dead, rows_select => rows,
            feed_select => feed, seen => &self.seen, time => format!("_c{}", self.time), milliseconds => ms,
            seconds => format!("{}.{:03}", (ms + 1) / 1000, (ms + 1) % 1000), lateness => super::duration(ms),
            keyed => !table.clean.key.is_empty(), key => comment(&table.clean.key.join(", ")),
        };
        File {
            name: format!("sql/10_source_{}.sql", name::file(&table.name)),
            what: comment(&format!("Messages of {} and the rows in them", table.name)),
            text: template::render("streaming/spark/source.sql", values),
            origin: vec![table.name.clone()],
        }
    }

    fn windows_file(&self, flows: &[Flow]) -> File {
        let table = self.source.table;
        let text = flows.iter().map(|flow| {
            let values = minijinja::context! {
                about => flow.about, flow => format!("{}__flow", flow.sink), sink => &flow.sink, select => &flow.select,
            };
            template::render("streaming/spark/window.sql", values)
        });
        File {
            name: format!("sql/20_windows_{}.sql", name::file(&table.name)),
            what: comment(&format!("What is counted of {} in windows", table.name)),
            text: text.collect(),
            origin: vec![table.name.clone()],
        }
    }

    /// All results of windows.
    fn flows(&self, diagnostics: &mut Diagnostics) -> Vec<Flow<'a>> {
        let mut flows = Vec::new();
        for window in &self.source.windows {
            for inlet in window.plain.iter().chain(&window.values) {
                flows.extend(self.flow(window, inlet, diagnostics));
            }
        }
        flows
    }

    fn flow(&self, window: &Window, inlet: &'a Inlet, diagnostics: &mut Diagnostics) -> Option<Flow<'a>> {
        let counted = Counted {
            rollup: window.rollup,
            tables: &self.given.input.tables,
            feed: self.place("counted"),
            calendar: self.given.calendar,
        };
        let made = match inlet.state {
            None => counted.plain(&SPARK),
            Some(at) => counted.values(at, &SPARK).map(Some),
        };
        let query = made.map_err(|refused| tell("spark", &self.source.table.name, refused, diagnostics)).ok()??;
        let select = sql::to_text(&query, &SPARK);
        check(&format!("the window `{}`", inlet.table.1), &select, diagnostics);
        let sink = format!("{}__{}", bare(&inlet.table.1), name::hash(&format!("{select} {inlet:?}")));
        let about = match inlet.state {
            None => "Counts, sums and extremes.",
            Some(_) => "Values, each with how often it occurs.",
        };
        Some(Flow { sink, about, select, inlet })
    }
}

/// A column whose name the engine cannot tell from others, and why.
fn wrong_name(table: &Table) -> Option<(&str, &'static str)> {
    let names: Vec<String> = table.columns.iter().map(|column| column.name.to_lowercase()).collect();
    table.columns.iter().zip(&names).enumerate().find_map(|(at, (column, name))| {
        if OWN.contains(&name.as_str()) {
            return Some((column.name.as_str(), "the feed has a column of its own that is called"));
        }
        names[..at]
            .contains(name)
            .then_some((column.name.as_str(), "upper and lower case do not tell columns apart there, as with"))
    })
}

/// Lists and maps are kept only where something reads them.
fn kept<'t>(source: &Source, table: &'t Table) -> Vec<&'t StoredColumn> {
    let is_part = |column: &StoredColumn| matches!(column.ty, DataType::Array(_) | DataType::Map(_));
    let is_read = |name: &str| source.windows.iter().any(|window| reads(window, name));
    table.columns.iter().filter(|column| !is_part(column) || is_read(&column.name)).collect()
}

/// Reads a text back.
fn check(what: &str, text: &str, diagnostics: &mut Diagnostics) {
    if let Err(error) = sql::reparse(text, &SPARK) {
        diagnostics.push(error!(E0812, None, "{what} does not read back: {error}"));
    }
}

/// In one line, without what would begin a string.
fn comment(text: &str) -> String {
    line(text).replace(['\'', '"', '`', ';'], " ")
}
