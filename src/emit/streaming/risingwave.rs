//! RisingWave: sources over Kafka, views of rows without repetitions, and sinks that bring results of windows to the warehouse.
//!
//! What the statements say is in the names of what they make, so that two builds stand beside each other. A sink has the views that
//! it reads in itself, and forgets what lies before the watermark.

use sqlparser::ast::{Expr, Ident, ObjectName, Query};

use super::{Engine, File, Given, Inlet, Source, Window, line, reads, tell, without_nulls};
use crate::diagnostic::Diagnostics;
use crate::emit::{name, template};
use crate::error;
use crate::plan::{DataType, StoredColumn};
use crate::sql::risingwave::{self, Kept};
use crate::sql::stream::{Counted, Windows};
use crate::sql::{self, Landed, Messages, RISINGWAVE, Scalars, Unsupported, build};

/// The engine.
pub struct RisingWave;

/// Names of columns of messages that were read.
const PAYLOAD: &str = "payload";
const READ_AT: &str = "read_at";
const EVENT_AT: &str = "event_at";

/// The columns that a window adds.
const OF_WINDOWS: [&str; 2] = ["window_start", "window_end"];

impl Engine for RisingWave {
    fn windows(&self) -> &dyn Windows {
        &RISINGWAVE
    }

    fn files(&self, given: &Given, diagnostics: &mut Diagnostics) -> Vec<File> {
        let counted = given.sources.iter().filter(|source| !source.windows.is_empty());
        let made: Vec<Made> = counted.filter_map(|source| Made::new(given, source, diagnostics)).collect();
        let mut files = Vec::new();
        for one in &made {
            files.push(one.source_file());
            files.push(one.windows_file(diagnostics));
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        files
    }

    fn rollback(&self, given: &Given) -> Option<File> {
        // What cannot be made was told.
        let mut told = Diagnostics::new();
        let counted = given.sources.iter().filter(|source| !source.windows.is_empty());
        let made: Vec<Made> = counted.filter_map(|source| Made::new(given, source, &mut told)).collect();
        let origin = made.iter().map(|one| one.source.table.name.clone()).collect();
        let objects = made.iter().flat_map(|one| one.objects(&mut told)).map(|(kind, name)| {
            minijinja::context! { kind, name }
        });
        let warehouse = line(given.warehouse);
        let values = minijinja::context! { objects => objects.collect::<Vec<_>>(), warehouse };
        let text = template::render("streaming/risingwave/rollback.sql", values);
        Some(File { name: "rollback.sql".to_owned(), what: "What takes this build away".to_owned(), text, origin })
    }
}

/// The names of what is made of a source; they end with a hash of what it says.
struct Names {
    landed: Ident,
    all: Ident,
    read: Ident,
    kept: Ident,
    counted: Ident,
    on_time: Ident,
    dead: Ident,
    shown: Ident,
}

impl Names {
    fn new(source: &str, hash: &str) -> Names {
        let of = |word: &str| RISINGWAVE.identifier(&format!("{word}__{source}__{hash}"));
        Names {
            landed: of("landed"),
            all: of("all"),
            read: of("read"),
            kept: of("kept"),
            counted: of("counted"),
            on_time: of("on_time"),
            dead: of("dead"),
            shown: of("stream"),
        }
    }
}

/// What a source becomes.
struct Made<'a> {
    given: &'a Given<'a>,
    source: &'a Source<'a>,
    names: Names,
    /// The template's values but the names.
    text: String,
    time: String,
    watermark: String,
    selects: Selects,
}

/// The queries of a source, as they are printed.
#[derive(Debug, PartialEq)]
struct Selects {
    read: String,
    kept: String,
    counted: String,
    on_time: String,
    dead: String,
}

impl<'a> Made<'a> {
    /// Nothing where the engine cannot read the source's rows, which is told.
    fn new(given: &'a Given, source: &'a Source, diagnostics: &mut Diagnostics) -> Option<Made<'a>> {
        let table = source.table;
        let time = table.clean.time.as_ref()?;
        if let Some(wrong) = table.columns.iter().find(|column| OF_WINDOWS.contains(&column.name.as_str())) {
            diagnostics.push(
                error!(E0830, None, "risingwave cannot count `{}`: windows have a column `{}` of their own", table.name, wrong.name;
                help: "ST5: give the column another name, by `from \"…\"` it keeps the one in the messages"),
            );
            return None;
        }
        let column = table.columns.iter().find(|column| column.name == *time)?;
        let first = texts(given, source, column, &Names::new(&table.name, ""));
        let (expressions, selects) = match first {
            Ok(made) => made,
            Err(refused) => {
                tell("risingwave", &table.name, refused, diagnostics);
                return None;
            }
        };
        let said = format!(
            "{} {expressions:?} {selects:?} {} {:?} {}",
            given.target, source.topic, given.stream.intake.brokers, given.stream.intake.group
        );
        let names = Names::new(&table.name, &name::hash(&said));
        let (_, selects) = texts(given, source, column, &names).ok()?;
        let [text, time, watermark] = expressions;
        let made = Made { given, source, names, text, time, watermark, selects };
        made.read_back(diagnostics);
        Some(made)
    }

    /// Reads all that was printed back.
    fn read_back(&self, diagnostics: &mut Diagnostics) {
        let Selects { read, kept, counted, on_time, dead } = &self.selects;
        let selects = [read, kept, counted, on_time, dead].map(String::clone);
        let expressions = [&self.text, &self.time, &self.watermark].map(|text| format!("SELECT {text}"));
        for text in selects.iter().chain(&expressions) {
            check(&format!("the source `{}`", self.source.table.name), text, diagnostics);
        }
    }

    fn source_file(&self) -> File {
        let (table, names, stream) = (self.source.table, &self.names, self.given.stream);
        let Selects { read, kept, counted, on_time, dead } = &self.selects;
        let values = minijinja::context! {
            landed => names.landed.to_string(), all => names.all.to_string(), read => names.read.to_string(),
            kept => names.kept.to_string(), counted => names.counted.to_string(), on_time => names.on_time.to_string(),
            dead => names.dead.to_string(), shown => names.shown.to_string(),
            text => &self.text, time => &self.time, watermark => &self.watermark,
            read_select => read, kept_select => kept, counted_select => counted, on_time_select => on_time, dead_select => dead,
            keyed => !table.clean.key.is_empty(), key => line(&table.clean.key.join(", ")),
            lateness => super::duration(self.source.lateness),
            topic => quoted(self.source.topic), group => quoted(&format!("{}_{}", stream.intake.group, table.name)),
            brokers => stream.intake.brokers.as_deref().map(quoted),
        };
        File {
            name: format!("10_source_{}.sql", name::file(&table.name)),
            what: line(&format!("Messages of {} and the rows in them", table.name)),
            text: template::render("streaming/risingwave/source.sql", values),
            origin: vec![table.name.clone()],
        }
    }

    fn windows_file(&self, diagnostics: &mut Diagnostics) -> File {
        let table = self.source.table;
        let text = self.sinks(diagnostics).into_iter().map(|sink| {
            let values = minijinja::context! {
                about => sink.about, name => sink.name.to_string(), select => sink.select,
                database => quoted(&sink.inlet.table.0), table => quoted(&sink.inlet.table.1),
            };
            template::render("streaming/risingwave/sink.sql", values)
        });
        File {
            name: format!("20_windows_{}.sql", name::file(&table.name)),
            what: line(&format!("What is counted of {} in windows", table.name)),
            text: text.collect(),
            origin: vec![table.name.clone()],
        }
    }

    /// All results of windows.
    fn sinks(&self, diagnostics: &mut Diagnostics) -> Vec<Sink<'a>> {
        let mut sinks = Vec::new();
        for window in &self.source.windows {
            for inlet in window.plain.iter().chain(&window.values) {
                sinks.extend(self.sink(window, inlet, diagnostics));
            }
        }
        sinks
    }

    fn sink(&self, window: &Window, inlet: &'a Inlet, diagnostics: &mut Diagnostics) -> Option<Sink<'a>> {
        let counted = Counted {
            rollup: window.rollup,
            tables: &self.given.input.tables,
            feed: ObjectName::from(vec![self.names.kept.clone()]),
            calendar: self.given.calendar,
        };
        let made = match inlet.state {
            None => counted.plain(&RISINGWAVE),
            Some(at) => counted.values(at, &RISINGWAVE).map(Some),
        };
        let query =
            made.map_err(|refused| tell("risingwave", &self.source.table.name, refused, diagnostics)).ok()??;
        if !is_bare(&inlet.table.1) {
            diagnostics.push(
                error!(E0830, None, "risingwave cannot write to the inlet `{}`: it does not quote its name", inlet.table.1;
                help: "name the source with letters, digits and `_`"),
            );
            return None;
        }
        let select = sql::to_text(&query, &RISINGWAVE);
        check(&format!("the window `{}`", inlet.table.1), &select, diagnostics);
        let name = RISINGWAVE.identifier(&format!("{}__{}", inlet.table.1, name::hash(&format!("{select} {inlet:?}"))));
        let about = match inlet.state {
            None => "Counts, sums and extremes of a window, once it is closed.".to_owned(),
            Some(_) => "The values in a window, each with how often it occurs, once it is closed.".to_owned(),
        };
        Some(Sink { name, about, select, inlet })
    }

    /// All that is made, the last first.
    fn objects(&self, diagnostics: &mut Diagnostics) -> Vec<(&'static str, String)> {
        let names = &self.names;
        let sinks = self.sinks(diagnostics).into_iter().map(|sink| ("SINK", sink.name.to_string()));
        let others = [
            ("VIEW", &names.shown),
            ("MATERIALIZED VIEW", &names.dead),
            ("MATERIALIZED VIEW", &names.on_time),
            ("MATERIALIZED VIEW", &names.counted),
            ("VIEW", &names.kept),
            ("VIEW", &names.read),
            ("SOURCE", &names.all),
            ("SOURCE", &names.landed),
        ];
        sinks.chain(others.into_iter().map(|(kind, name)| (kind, name.to_string()))).collect()
    }
}

/// A result of a window on its way to the warehouse.
struct Sink<'a> {
    name: Ident,
    about: String,
    select: String,
    inlet: &'a Inlet,
}

/// The expressions of a source (text, time, watermark) and its queries.
fn texts(
    given: &Given,
    source: &Source,
    time: &StoredColumn,
    names: &Names,
) -> Result<([String; 3], Selects), Vec<Unsupported>> {
    let raw = risingwave::text_of(build::ident_expr(PAYLOAD));
    let event_time = risingwave::time_of(time, &raw, given.calendar).map_err(|one| vec![one])?;
    let watermark = risingwave::watermark(build::ident_expr(EVENT_AT), build::ident_expr(READ_AT), source.lateness);
    let table = without_nulls(source.table);
    let place = |name: &Ident| ObjectName::from(vec![name.clone()]);
    let landed = |name: &Ident, time| Landed { name: place(name), arrived: source.arrived, time, kept: &[] };
    let messages = |landed: Landed, read| sql::intake(&table, &landed, read, &RISINGWAVE, given.calendar);
    let event_at = Some((time.name.as_str(), EVENT_AT));
    let read = messages(landed(&names.landed, event_at), Messages::Rows)?;
    let counted = messages(landed(&names.all, None), Messages::Counts)?;
    let on_time = messages(landed(&names.landed, event_at), Messages::Counts)?;
    let dead = messages(landed(&names.all, None), Messages::Dead)?;
    let text = |query: &Query| sql::to_text(query, &RISINGWAVE);
    let selects = Selects {
        read: text(&read),
        kept: text(&risingwave::kept(&kept(source, &time.name, place(&names.read)))),
        counted: text(&counted),
        on_time: text(&on_time),
        dead: text(&by_reason(dead, given)),
    };
    Ok(([raw, event_time, watermark].map(|one: Expr| one.to_string()), selects))
}

/// Lists and maps are kept only where something reads them.
fn kept<'a>(source: &Source, time: &str, read: ObjectName) -> Kept<'a> {
    let table = source.table;
    let is_read = |name: &str| source.windows.iter().any(|window| reads(window, name));
    let other = |column: &&StoredColumn| {
        let is_part = matches!(column.ty, DataType::Array(_) | DataType::Map(_));
        let tells = column.name == time || table.clean.key.contains(&column.name);
        !tells && (!is_part || is_read(&column.name))
    };
    Kept {
        read,
        time: RISINGWAVE.identifier(time),
        key: table.clean.key.iter().filter(|name| *name != time).map(|name| RISINGWAVE.identifier(name)).collect(),
        others: table.columns.iter().filter(other).map(|column| RISINGWAVE.identifier(&column.name)).collect(),
        row: "_row",
    }
}

/// How many dead letters came on a day for a reason.
fn by_reason(dead: Query, given: &Given) -> Query {
    let of = |name: &str| build::column("d", build::ident(name));
    let day = RISINGWAVE.intake().map_or_else(build::null, |how| how.day(of("came"), given.calendar));
    let projection = vec![
        build::item(day.clone(), build::ident("day")),
        build::item(of("reason"), build::ident("reason")),
        build::item(build::call("count", vec![build::number(1)]), build::ident("messages")),
    ];
    let from = Some(build::derived(dead, "d"));
    build::Parts { projection, from, group_by: vec![day, of("reason")], ..build::Parts::default() }.query()
}

/// Reads a text back.
fn check(what: &str, text: &str, diagnostics: &mut Diagnostics) {
    if let Err(error) = sql::reparse(text, &RISINGWAVE) {
        diagnostics.push(error!(E0812, None, "{what} does not read back: {error}"));
    }
}

/// Whether a name needs no quotes in ClickHouse.
fn is_bare(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn quoted(text: &str) -> String {
    sql::quoted(text, &RISINGWAVE)
}
