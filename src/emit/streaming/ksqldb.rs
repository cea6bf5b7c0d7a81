//! ksqlDB: streams over Kafka, tables of rows without repetitions and of results of windows, each with a topic of its own, from which
//! the warehouse fetches them.
//!
//! All that is made of messages has one partition. A window is closed by the greatest time in its partition: with several, rows that
//! went into a slow one would be late for what reads all of them.

use sqlparser::ast::{Ident, ObjectName, Query};

use super::{Arrival, Engine, File, Given, Inlet, Source, Window};
use crate::diagnostic::Diagnostics;
use crate::emit::{name, template};
use crate::error;
use crate::plan::{DataType, Step};
use crate::rollup::Rollup;
use crate::sql::ksqldb::{self, Kept, Reading};
use crate::sql::stream::{Counted, Windows};
use crate::sql::{self, KSQLDB, Scalars, Unsupported, inlet};

/// The engine.
pub struct KsqlDb;

/// The columns that are added to rows.
const AT: &str = "_at";
const DAY: &str = "_day";

/// How long a window is, in milliseconds.
const WINDOW: i64 = 60_000;

impl Engine for KsqlDb {
    fn windows(&self) -> &dyn Windows {
        &KSQLDB
    }

    fn is_lenient(&self) -> bool {
        true
    }

    fn files(&self, given: &Given, diagnostics: &mut Diagnostics) -> Vec<File> {
        if given.stream.intake.brokers.is_none() {
            diagnostics.push(error!(E0830, None, "ksqldb leaves results in topics, and the stream `{}` does not say where", given.target;
                help: "add `brokers: \"kafka:9092\"`: the warehouse fetches them there"));
        }
        let mut files = Vec::new();
        for one in made(given, diagnostics) {
            let sinks = one.sinks(diagnostics);
            files.push(one.source_file());
            files.push(one.windows_file(&sinks));
            check_variables(&files, diagnostics);
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        files
    }

    fn arrivals<'a>(&self, given: &'a Given) -> Vec<Arrival<'a>> {
        // What cannot be made was told.
        let mut told = Diagnostics::new();
        let sinks = made(given, &mut told).into_iter().flat_map(|one| one.sinks(&mut told)).collect::<Vec<_>>();
        let arrival = |sink: Sink<'a>| Arrival { rollup: sink.rollup, inlet: sink.inlet, topic: sink.results.topic };
        sinks.into_iter().map(arrival).collect()
    }

    fn rollback(&self, given: &Given) -> Option<File> {
        let mut told = Diagnostics::new();
        let made = made(given, &mut told);
        let origin = made.iter().map(|one| one.source.table.name.clone()).collect();
        let objects: Vec<_> = made.iter().flat_map(|one| one.objects(&mut told)).collect();
        let values = minijinja::context! { objects, warehouse => line(given.warehouse) };
        let text = template::render("streaming/ksqldb/rollback.sql", values);
        Some(File { name: "rollback.sql".to_owned(), what: "What takes this build away".to_owned(), text, origin })
    }
}

/// What becomes of the sources of which something is counted.
fn made<'a>(given: &'a Given, diagnostics: &mut Diagnostics) -> Vec<Made<'a>> {
    let counted = given.sources.iter().filter(|source| !source.windows.is_empty());
    counted.filter_map(|source| Made::new(given, source, diagnostics)).collect()
}

/// A stream or table with its topic.
struct Named {
    name: Ident,
    topic: String,
}

impl Named {
    fn new(group: &str, plain: &str) -> Named {
        Named { name: KSQLDB.identifier(plain), topic: format!("{group}.{plain}") }
    }

    fn place(&self) -> ObjectName {
        ObjectName::from(vec![self.name.clone()])
    }
}

/// The names of what is made of a source; they end with a hash of what it says.
struct Names {
    landed: Named,
    all: Named,
    read: Named,
    once: Named,
    kept: Named,
    messages: Named,
    rows: Named,
}

impl Names {
    fn new(group: &str, source: &str, hash: &str) -> Names {
        let of = |word: &str| Named::new(group, &format!("{word}__{source}__{hash}"));
        Names {
            landed: of("landed"),
            all: of("all"),
            read: of("read"),
            once: of("once"),
            kept: of("kept"),
            messages: of("messages"),
            rows: of("rows"),
        }
    }
}

/// The texts of a source.
#[derive(Debug)]
struct Texts {
    members: Vec<(String, String)>,
    columns: Vec<(String, String)>,
    read: String,
    kept: String,
    messages: String,
    rows: String,
}

/// What a source becomes.
struct Made<'a> {
    given: &'a Given<'a>,
    source: &'a Source<'a>,
    names: Names,
    texts: Texts,
}

/// Results of windows on their way to the warehouse.
struct Sink<'a> {
    rollup: &'a Rollup,
    inlet: &'a Inlet,
    rows: Named,
    results: Named,
    rows_select: String,
    results_select: String,
}

impl<'a> Made<'a> {
    /// Nothing where the engine cannot read the source's rows, which is told.
    fn new(given: &'a Given, source: &'a Source, diagnostics: &mut Diagnostics) -> Option<Made<'a>> {
        let table = source.table;
        let is_ours = |name: &str| name == AT || name == DAY || name.starts_with("_k");
        if let Some(wrong) = table.columns.iter().find(|column| is_ours(&column.name)) {
            diagnostics.push(error!(E0830, None, "ksqldb cannot count `{}`: its streams have a column `{}` of their own", table.name, wrong.name;
                help: "ST4: give the column another name, by `from \"…\"` it keeps the one in the messages"));
            return None;
        }
        let group = &given.stream.intake.group;
        let first = texts(given, source, &Names::new(group, &table.name, ""));
        let said = match first {
            Ok(texts) => format!("{} {} {group} {texts:?}", given.target, source.topic),
            Err(refused) => {
                tell(&table.name, refused, diagnostics);
                return None;
            }
        };
        let names = Names::new(group, &table.name, &name::hash(&said));
        if !is_topic(&names.messages.topic) {
            diagnostics.push(error!(E0830, None, "ksqldb cannot count `{}`: no topic has the name `{}`", table.name, names.messages.topic;
                help: "ST4: name the source, and `group`, with letters, digits, `_` and `-`"));
            return None;
        }
        let texts = texts(given, source, &names).ok()?;
        for text in [&texts.read, &texts.kept, &texts.messages, &texts.rows].into_iter().filter(|text| !text.is_empty())
        {
            check(&format!("the source `{}`", table.name), text, diagnostics);
        }
        Some(Made { given, source, names, texts })
    }

    fn is_keyed(&self) -> bool {
        !self.source.table.clean.key.is_empty()
    }

    fn source_file(&self) -> File {
        let (table, names, texts) = (self.source.table, &self.names, &self.texts);
        let declared = |of: &[(String, String)]| -> Vec<minijinja::Value> {
            of.iter().map(|(name, ty)| minijinja::context! { name, type => ty }).collect()
        };
        let grace = grace_of_repetitions(self.source.lateness);
        let values = minijinja::context! {
            landed => names.landed.name.to_string(), all => names.all.name.to_string(), read => names.read.name.to_string(),
            once => names.once.name.to_string(), kept => names.kept.name.to_string(),
            messages => names.messages.name.to_string(), rows => names.rows.name.to_string(),
            topic => quoted(self.source.topic), read_topic => quoted(&names.read.topic),
            kept_topic => quoted(&names.once.topic), messages_topic => quoted(&names.messages.topic),
            rows_topic => quoted(&names.rows.topic), at => KSQLDB.identifier(AT).to_string(),
            members => declared(&texts.members), columns => declared(&texts.columns),
            read_select => &texts.read, kept_select => windowed(&texts.kept, grace),
            messages_select => &texts.messages, rows_select => &texts.rows,
            keyed => self.is_keyed(), key => line(&table.clean.key.join(", ")), grace => super::duration(grace),
        };
        File {
            name: format!("10_source_{}.sql", name::file(&table.name)),
            what: line(&format!("Messages of {} and the rows in them", table.name)),
            text: template::render("streaming/ksqldb/source.sql", values),
            origin: vec![table.name.clone()],
        }
    }

    fn windows_file(&self, sinks: &[Sink]) -> File {
        let table = self.source.table;
        // Rows that were kept come in the order of their windows.
        let grace = if self.is_keyed() { WINDOW } else { self.source.lateness };
        let settings = "\nSET 'processing.guarantee' = 'exactly_once_v2';\nSET 'auto.offset.reset' = 'earliest';\n";
        let texts = sinks.iter().map(|sink| {
            let about = match sink.inlet.state {
                None => "Counts, sums and extremes of a window, once it is closed.",
                Some(_) => "The values in a window, each with how often it occurs, once it is closed.",
            };
            let values = minijinja::context! {
                about, rows => sink.rows.name.to_string(), rows_topic => quoted(&sink.rows.topic),
                rows_select => &sink.rows_select, results => sink.results.name.to_string(),
                results_topic => quoted(&sink.results.topic), results_select => windowed(&sink.results_select, grace),
            };
            template::render("streaming/ksqldb/window.sql", values)
        });
        File {
            name: format!("20_windows_{}.sql", name::file(&table.name)),
            what: line(&format!("What is counted of {} in windows", table.name)),
            text: std::iter::once(settings.to_owned()).chain(texts).collect(),
            origin: vec![table.name.clone()],
        }
    }

    /// All results of windows.
    fn sinks(&self, diagnostics: &mut Diagnostics) -> Vec<Sink<'a>> {
        let mut sinks = Vec::new();
        for window in &self.source.windows {
            for inlet in window.plain.iter().chain(&window.values) {
                match self.sink(window, inlet) {
                    Ok(sink) => {
                        for text in [&sink.rows_select, &sink.results_select] {
                            check(&format!("the window `{}`", inlet.table.1), text, diagnostics);
                        }
                        sinks.push(sink);
                    }
                    Err(refused) => tell(&self.source.table.name, refused, diagnostics),
                }
            }
        }
        sinks
    }

    fn sink(&self, window: &'a Window, inlet: &'a Inlet) -> Result<Sink<'a>, Vec<Unsupported>> {
        let feed = if self.is_keyed() { &self.names.kept } else { &self.names.read };
        let counted = Counted {
            rollup: window.rollup,
            tables: &self.given.input.tables,
            feed: feed.place(),
            calendar: self.given.calendar,
        };
        let query = match inlet.state {
            None => counted.plain(&KSQLDB)?,
            Some(at) => Some(counted.values(at, &KSQLDB)?),
        };
        let none =
            || vec![Unsupported { construct: "a window".to_owned(), reason: "ST4: nothing is counted".to_owned() }];
        let query = query.ok_or_else(none)?;
        let step = window.rollup.steps.first().copied().ok_or_else(none)?;
        let columns = inlet::columns(window.rollup, inlet.state, key_type(step));
        let group = &self.given.stream.intake.group;
        let hash = name::hash(&format!("{query} {inlet:?} {group}"));
        let (rows, results) = (
            Named::new(group, &format!("{}__rows__{hash}", inlet.table.1)),
            Named::new(group, &format!("{}__{hash}", inlet.table.1)),
        );
        let stages = ksqldb::stages(query, &columns, rows.place()).map_err(|one| vec![one])?;
        let text = |query: &Query| sql::to_text(query, &KSQLDB);
        let (rows_select, results_select) = (text(&stages.rows), text(&stages.results));
        Ok(Sink { rollup: window.rollup, inlet, rows, results, rows_select, results_select })
    }

    /// All that is made, the last first.
    fn objects(&self, diagnostics: &mut Diagnostics) -> Vec<minijinja::Value> {
        let names = &self.names;
        let object = |kind: &str, named: &Named, has_topic: bool| {
            let topic = if has_topic { " DELETE TOPIC" } else { "" };
            minijinja::context! { kind, name => named.name.to_string(), topic }
        };
        let sinks = self.sinks(diagnostics).into_iter();
        let mut objects: Vec<_> =
            sinks.flat_map(|sink| [object("TABLE", &sink.results, true), object("STREAM", &sink.rows, true)]).collect();
        objects.extend([object("TABLE", &names.rows, true), object("TABLE", &names.messages, true)]);
        if self.is_keyed() {
            objects.extend([object("STREAM", &names.kept, false), object("TABLE", &names.once, true)]);
        }
        objects.extend([
            object("STREAM", &names.read, true),
            object("STREAM", &names.all, false),
            object("STREAM", &names.landed, false),
        ]);
        objects
    }
}

/// How far ahead of the clock a row with a key may lie, in milliseconds: that it has one place whenever it comes, it is its time.
fn ahead(lateness: i64) -> i64 {
    lateness.max(WINDOW)
}

/// For how long a window waits for rows: the clock is at most so much behind the time of a row.
fn grace_of_repetitions(lateness: i64) -> i64 {
    lateness.saturating_add(ahead(lateness))
}

/// The type of the key of a bucket.
fn key_type(step: Step) -> DataType {
    match step {
        Step::Subday(_) => DataType::Timestamp,
        _ => DataType::Date,
    }
}

fn texts(given: &Given, source: &Source, names: &Names) -> Result<Texts, Vec<Unsupported>> {
    let table = source.table;
    let is_keyed = !table.clean.key.is_empty();
    let reading = Reading {
        table,
        landed: names.landed.place(),
        arrived: source.arrived,
        at: AT,
        day: DAY,
        ahead: is_keyed.then(|| ahead(source.lateness)),
        calendar: given.calendar,
    };
    let read = ksqldb::read(&reading)?;
    let time = table.clean.time.iter().filter(|time| !table.clean.key.contains(time));
    let key: Vec<&str> = table.clean.key.iter().chain(time).map(String::as_str).collect();
    let others = table.columns.iter().map(|column| column.name.as_str()).filter(|name| !key.contains(name)).collect();
    let text = |query: &Query| sql::to_text(query, &KSQLDB);
    let kept = is_keyed.then(|| text(&ksqldb::kept(&Kept { read: names.read.place(), key, others, at: AT })));
    Ok(Texts {
        members: read.members,
        columns: read.columns,
        read: text(&read.query),
        kept: kept.unwrap_or_default(),
        messages: text(&ksqldb::counted(names.all.place(), None, given.calendar)),
        rows: text(&ksqldb::counted(names.read.place(), Some(DAY), given.calendar)),
    })
}

/// A query with groups, by windows that wait for so long.
fn windowed(select: &str, grace: i64) -> String {
    let window = format!("\nWINDOW TUMBLING (SIZE 1 MINUTE, GRACE PERIOD {grace} MILLISECONDS)\nGROUP BY\n");
    select.replacen("\nGROUP BY\n", &window, 1)
}

fn tell(source: &str, refused: Vec<Unsupported>, diagnostics: &mut Diagnostics) {
    for Unsupported { construct, reason } in refused {
        diagnostics.push(error!(E0830, None, "ksqldb cannot express {construct} in the stream of `{source}`";
            help: ("{reason}")));
    }
}

/// The engine puts values in place of `${name}`, wherever that stands.
fn check_variables(files: &[File], diagnostics: &mut Diagnostics) {
    for file in files.iter().filter(|file| file.text.contains("${")) {
        diagnostics.push(error!(E0830, None, "ksqldb cannot express a text with `${{` in {}", file.name;
            help: "ST4: it stands for a variable there"));
    }
}

/// Reads a text back.
fn check(what: &str, text: &str, diagnostics: &mut Diagnostics) {
    if let Err(error) = sql::reparse(text, &KSQLDB) {
        diagnostics.push(error!(E0812, None, "{what} does not read back: {error}"));
    }
}

/// Whether Kafka takes the name of a topic.
fn is_topic(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')) && name.len() <= 249
}

fn quoted(text: &str) -> String {
    sql::quoted(text, &KSQLDB)
}

/// In one line, for a comment.
fn line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}
