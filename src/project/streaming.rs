//! The settings of a target of the kind `streaming`, and what ties it to the warehouse that it fills.

use std::sync::Arc;

use super::clickhouse::{ClickhouseTarget, Intake, Reading};
use super::target::{Target, TargetSettings};
use super::yaml::Reader;
use crate::diagnostic::{Diagnostics, Spanned};
use crate::error;
use crate::suggest::near;

/// How many messages are read at once at most, and after how many milliseconds, however few.
const BLOCK: u64 = 65_536;
const FLUSH_MS: i64 = 1_000;

/// A stream: rows are counted as they come, and the states of rollups are brought to a warehouse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamingTarget {
    /// `dialect`: the engine that counts.
    pub engine: Engine,
    /// `warehouse`: the ClickHouse target whose rollups it fills; may be left out where there is one alone.
    pub warehouse: Option<Spanned<String>>,
    /// That target, by its name, once all are read.
    pub into: Option<(String, Arc<ClickhouseTarget>)>,
    /// `sources`: whose rows it counts; all that say where their messages come from, where it is not said.
    pub sources: Option<Vec<Spanned<String>>>,
    /// `deduplicate`: within how much event time a row with the same key is a repetition, in milliseconds; 5 minutes by default.
    pub within: i64,
    /// `deduplicate_by`: what makes two rows the same.
    pub by: SameBy,
    /// `otherwise`: what becomes of a metric that it cannot count.
    pub otherwise: Otherwise,
    /// `lenient`: messages may be read as the engine reads JSON, where a text that holds a number is one.
    pub lenient: bool,
    /// `brokers`, `group`, `keep`, `keep_dead` and `reading`: where messages come from.
    pub intake: Intake,
}

/// An engine of streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Engine {
    Clickhouse,
    Risingwave,
    Spark,
    Ksqldb,
}

impl Engine {
    /// All, with the words for them.
    pub const ALL: [(&'static str, Engine); 4] = [
        ("clickhouse", Engine::Clickhouse),
        ("risingwave", Engine::Risingwave),
        ("spark", Engine::Spark),
        ("ksqldb", Engine::Ksqldb),
    ];

    /// The word after `dialect:`.
    pub fn word(self) -> &'static str {
        Engine::ALL.iter().find(|(_, engine)| *engine == self).map_or("", |(word, _)| word)
    }
}

/// What makes a row a repetition of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SameBy {
    /// The same key, less than `deduplicate` of event time apart (ST1).
    Key,
    /// The same key and the same event time: what engines can say that know no distance between two rows.
    KeyAndTime,
}

/// What becomes of a metric that the stream cannot count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Otherwise {
    /// It is an error.
    Refuse,
    /// The warehouse makes it anew, as it does without a stream.
    Warehouse,
}

impl StreamingTarget {
    /// Reads the settings; what is wrong is told and has its default.
    pub fn read(reader: &mut Reader<'_>) -> StreamingTarget {
        let engine = chosen(reader, "dialect", &Engine::ALL);
        if engine.is_none() && !reader.has("dialect") {
            let place = reader.place();
            reader.tell(error!(E0024, place, "a target of the kind `streaming` does not say `dialect`";
                help: "add `dialect: clickhouse`"));
        }
        let by = [("key", SameBy::Key), ("key_and_time", SameBy::KeyAndTime)];
        let otherwise = [("refuse", Otherwise::Refuse), ("warehouse", Otherwise::Warehouse)];
        StreamingTarget {
            engine: engine.unwrap_or(Engine::Clickhouse),
            warehouse: reader.text("warehouse"),
            into: None,
            sources: reader.texts("sources"),
            within: reader.duration("deduplicate").map_or(300_000, |length| length.value),
            by: chosen(reader, "deduplicate_by", &by).unwrap_or(SameBy::Key),
            otherwise: chosen(reader, "otherwise", &otherwise).unwrap_or(Otherwise::Refuse),
            lenient: reader.flag("lenient").unwrap_or(false),
            intake: read(Intake::read(reader)),
        }
    }

    /// Whether it counts the rows of a source.
    pub fn counts(&self, source: &str) -> bool {
        self.sources.as_ref().is_none_or(|sources| sources.iter().any(|one| one.value == source))
    }
}

/// How messages are read where it is not said: in blocks that a view looks through at once, and often.
fn read(intake: Intake) -> Intake {
    let Reading { consumers, block, flush } = intake.reading;
    let reading = Reading { consumers, block: block.or(Some(BLOCK)), flush: flush.or(Some(FLUSH_MS)) };
    Intake { reading, ..intake }
}

/// One of some words.
fn chosen<'a, T: Copy>(reader: &mut Reader<'a>, key: &'a str, of: &[(&'static str, T)]) -> Option<T> {
    let text = reader.text(key)?;
    let known = of.iter().find(|(word, _)| *word == text.value);
    if known.is_none() {
        let words: Vec<&str> = of.iter().map(|(word, _)| *word).collect();
        let help = match near(&text, words.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write one of {}", super::yaml::list(&words)),
        };
        reader.tell(error!(E0023, text.span, "`{key}` is not one of its words: `{}`", text.value; help: help));
    }
    known.map(|(_, value)| *value)
}

/// Ties each stream to its warehouse, and each warehouse to its streams; what does not fit is told.
pub fn tie(targets: &mut [Target], diagnostics: &mut Diagnostics) {
    let names: Vec<String> = targets.iter().filter(|target| target.clickhouse().is_some()).map(name_of).collect();
    // By the place of the target: its warehouse, its name, and itself.
    let mut streams: Vec<(usize, String, Spanned<String>, Arc<StreamingTarget>)> = Vec::new();
    for (place, target) in targets.iter().enumerate() {
        let TargetSettings::Streaming(settings) = &target.settings else { continue };
        let Some(into) = into(&target.name, settings, &names, diagnostics) else { continue };
        for (_, known, first, other) in &streams {
            if *known == into && overlap(settings, other) {
                let found = error!(E0833, target.name.span, "`{}` and `{}` count rows of the same sources for `{into}`", first.value, target.name.value;
                    help: "give each of them its own `sources`");
                diagnostics.push(found.related(first.span, "the other one"));
            }
        }
        streams.push((place, into, target.name.clone(), Arc::new(settings.clone())));
    }
    for target in targets.iter_mut() {
        let TargetSettings::Clickhouse(settings) = &mut target.settings else { continue };
        let own = streams.iter().filter(|(_, into, ..)| *into == target.name.value);
        settings.streams = own.map(|(_, _, name, stream)| (name.value.clone(), Arc::clone(stream))).collect();
    }
    for (place, into, ..) in streams {
        let warehouse = targets.iter().find(|target| target.name.value == into).and_then(Target::clickhouse);
        let warehouse = warehouse.map(|settings| (into, Arc::new(settings.clone())));
        if let TargetSettings::Streaming(settings) = &mut targets[place].settings {
            settings.into = warehouse;
        }
    }
}

fn name_of(target: &Target) -> String {
    target.name.value.clone()
}

/// The name of the warehouse of a stream.
fn into(
    name: &Spanned<String>,
    settings: &StreamingTarget,
    warehouses: &[String],
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    let known: Vec<&str> = warehouses.iter().map(String::as_str).collect();
    match (&settings.warehouse, warehouses) {
        (None, [only]) => Some(only.clone()),
        (None, _) => {
            let help = match known.is_empty() {
                true => "add a target of the kind `clickhouse`: its views read what the stream counts".to_owned(),
                false => format!("add `warehouse:` with one of {}", super::yaml::list(&known)),
            };
            diagnostics.push(error!(E0831, name.span, "the stream `{}` has no warehouse", name.value; help: help));
            None
        }
        (Some(wanted), _) if known.contains(&wanted.value.as_str()) => Some(wanted.value.clone()),
        (Some(wanted), _) => {
            let help = match near(wanted, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name a target of the kind `clickhouse`".to_owned(),
            };
            diagnostics.push(error!(E0831, wanted.span, "there is no warehouse `{}`", wanted.value; help: help));
            None
        }
    }
}

/// Whether two streams count rows of one source.
fn overlap(a: &StreamingTarget, b: &StreamingTarget) -> bool {
    match (&a.sources, &b.sources) {
        (Some(a), Some(b)) => a.iter().any(|one| b.iter().any(|other| other.value == one.value)),
        _ => true,
    }
}
