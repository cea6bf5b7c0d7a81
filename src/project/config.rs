//! `metricc.yaml`: what holds for the whole project.

use chrono::Weekday;
use chrono_tz::{TZ_VARIANTS, Tz};

use crate::{
    diagnostic::{Diagnostics, FileId, Span, Spanned},
    error,
    suggest::near,
};

use super::{
    Receivers, SourceMap,
    yaml::{Document, Reader},
};

/// The name of the file that marks a project's root.
pub const CONFIG_FILE: &str = "metricc.yaml";

/// What a project asks for beyond what the compiler does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// `caliber_change`: what a changed meaning needs.
    pub caliber_change: CaliberPolicy,
}

/// What a changed meaning needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CaliberPolicy {
    /// A new version.
    #[default]
    Version,
    /// A new version, and a `change` that leads to it.
    Change,
}

/// The settings of a project.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `name`: the project's name, for headers and reports.
    pub name: String,
    /// `timezone`: the zone in which days, weeks and months begin (IANA).
    pub timezone: Tz,
    /// `week_starts`: the first day of a week.
    pub week_starts: Weekday,
    /// `units`: the units that columns and metrics may have, beside those the language knows.
    pub units: Vec<Spanned<String>>,
    /// `paths`: folders (or files) with `*.metric` files, relative to the root.
    pub paths: Vec<Spanned<String>>,
    /// `samples`: the folder with sample data, relative to the root.
    pub samples: String,
    /// `policy`: what is asked for beyond what the compiler does.
    pub policy: Policy,
    /// `ledger`: where verdicts on double runs are recorded.
    pub ledger: LedgerPlace,
    /// `receivers` and `mail`: who can be written to.
    pub receivers: Receivers,
    /// `deliveries`: the file in which deliveries are recorded, relative to the root.
    pub deliveries: String,
    /// Whether `paths` was written, rather than taken from the defaults.
    paths_are_explicit: bool,
}

/// Where verdicts on double runs are recorded.
#[derive(Clone, Debug, PartialEq)]
pub enum LedgerPlace {
    /// A file, relative to the root.
    File(String),
    /// A table of ClickHouse.
    Table {
        /// `target`: on whose server.
        target: Spanned<String>,
        /// `table`: its name, with its database or in that of the connection.
        table: Spanned<String>,
    },
}

/// The file in which deliveries are recorded where nothing is said.
const DELIVERIES_FILE: &str = "metricc.deliveries.jsonl";

/// The file that is the ledger where nothing is said.
pub const LEDGER_FILE: &str = "metricc.ledger.jsonl";

impl LedgerPlace {
    /// The one where nothing is said.
    fn usual() -> LedgerPlace {
        LedgerPlace::File(LEDGER_FILE.to_owned())
    }

    fn read(reader: &mut Reader<'_>) -> Option<LedgerPlace> {
        if !reader.is_mapping("ledger") {
            let path = reader.text("ledger")?;
            return inside(vec![path], reader).pop().map(|path| LedgerPlace::File(path.value));
        }
        let read = |reader: &mut Reader<'_>| {
            let (target, table) =
                (reader.required_text("target", "warehouse"), reader.required_text("table", "metricc_ledger"));
            Some(LedgerPlace::Table { target: target?, table: table? })
        };
        reader.mapping("ledger", read).flatten()
    }
}

impl Config {
    /// What holds where nothing is written: UTC, Monday, `metrics` and `dimensions`, `samples`.
    pub fn new(file: FileId) -> Config {
        let nowhere = Span::new(file, 0, 0);
        Config {
            name: String::new(),
            timezone: Tz::UTC,
            week_starts: Weekday::Mon,
            units: Vec::new(),
            paths: ["metrics", "dimensions"].map(|path| Spanned::new(path.to_owned(), nowhere)).into(),
            samples: "samples".to_owned(),
            policy: Policy::default(),
            ledger: LedgerPlace::usual(),
            receivers: Receivers::default(),
            deliveries: DELIVERIES_FILE.to_owned(),
            paths_are_explicit: false,
        }
    }

    /// Whether a path that does not exist is worth telling.
    pub(super) fn paths_are_explicit(&self) -> bool {
        self.paths_are_explicit
    }

    /// Reads `metricc.yaml`. What is wrong is told and has its default.
    pub fn read(file: FileId, sources: &SourceMap, diagnostics: &mut Diagnostics) -> Config {
        let default = Config::new(file);
        let Some(document) = Document::parse(file, sources, diagnostics) else { return default };
        document.read(diagnostics, read_keys).map_or(default.clone(), |written| written.over(default))
    }
}

/// What is written in the file; none where a key is absent or wrong.
struct Written {
    name: Option<String>,
    timezone: Option<Tz>,
    week_starts: Option<Weekday>,
    units: Option<Vec<Spanned<String>>>,
    paths: Option<Vec<Spanned<String>>>,
    samples: Option<String>,
    policy: Option<Policy>,
    ledger: Option<LedgerPlace>,
    receivers: Receivers,
    deliveries: Option<String>,
}

impl Written {
    fn over(self, default: Config) -> Config {
        Config {
            name: self.name.unwrap_or(default.name),
            timezone: self.timezone.unwrap_or(default.timezone),
            week_starts: self.week_starts.unwrap_or(default.week_starts),
            units: self.units.unwrap_or(default.units),
            paths_are_explicit: self.paths.is_some(),
            paths: self.paths.unwrap_or(default.paths),
            samples: self.samples.unwrap_or(default.samples),
            policy: self.policy.unwrap_or(default.policy),
            ledger: self.ledger.unwrap_or(default.ledger),
            receivers: self.receivers,
            deliveries: self.deliveries.unwrap_or(default.deliveries),
        }
    }
}

fn read_keys(reader: &mut Reader<'_>) -> Written {
    Written {
        name: reader.required_text("name", "shop").map(|name| name.value),
        timezone: reader.required_text("timezone", "Asia/Shanghai").and_then(|name| timezone(&name, reader)),
        week_starts: reader.text("week_starts").and_then(|name| weekday(&name, reader)),
        units: reader.texts("units").map(|names| units(names, reader)),
        paths: reader.texts("paths").map(|paths| inside(paths, reader)),
        samples: reader.text("samples").and_then(|path| inside(vec![path], reader).pop()).map(|path| path.value),
        policy: reader.mapping("policy", policy),
        ledger: LedgerPlace::read(reader),
        receivers: Receivers::read(reader),
        deliveries: reader.text("deliveries").and_then(|path| inside(vec![path], reader).pop()).map(|path| path.value),
    }
}

fn policy(reader: &mut Reader<'_>) -> Policy {
    let words = [("version", CaliberPolicy::Version), ("change", CaliberPolicy::Change)];
    Policy { caliber_change: reader.word("caliber_change", &words).map(|word| word.value).unwrap_or_default() }
}

fn timezone(name: &Spanned<String>, reader: &mut Reader<'_>) -> Option<Tz> {
    let zone = name.parse().ok();
    if zone.is_none() {
        let close = near(name, TZ_VARIANTS.iter().map(|zone| zone.name())).or_else(|| same_city(name));
        let help = match close {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write an IANA name such as `Asia/Shanghai`, `Europe/Berlin` or `UTC`".to_owned(),
        };
        reader.tell(error!(E0025, name.span, "there is no time zone `{}`", name.value; help: help));
    }
    zone
}

/// The zone whose city is `name`: people write `Shanghai`.
fn same_city(name: &str) -> Option<&'static str> {
    let city = name.rsplit('/').next()?.replace(' ', "_");
    let is_city = |zone: &&str| zone.rsplit('/').next().is_some_and(|part| part.eq_ignore_ascii_case(&city));
    TZ_VARIANTS.iter().map(|zone| zone.name()).find(is_city)
}

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Mon),
    ("tuesday", Weekday::Tue),
    ("wednesday", Weekday::Wed),
    ("thursday", Weekday::Thu),
    ("friday", Weekday::Fri),
    ("saturday", Weekday::Sat),
    ("sunday", Weekday::Sun),
];

fn weekday(name: &Spanned<String>, reader: &mut Reader<'_>) -> Option<Weekday> {
    let found = WEEKDAYS.iter().find(|(day, _)| day.eq_ignore_ascii_case(name)).map(|(_, day)| *day);
    if found.is_none() {
        let close = near(name, WEEKDAYS.map(|(day, _)| day)).unwrap_or("monday");
        reader.tell(error!(E0023, name.span, "`{}` is not a day of the week", name.value; help: ("write `{close}`")));
    }
    found
}

/// The units that are names, each once.
fn units(names: Vec<Spanned<String>>, reader: &mut Reader<'_>) -> Vec<Spanned<String>> {
    let mut units: Vec<Spanned<String>> = Vec::new();
    for name in names {
        let mut letters = name.chars();
        let is_name = letters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
            && letters.all(|letter| letter.is_alphanumeric() || letter == '_');
        if !is_name {
            reader.tell(error!(E0023, name.span, "`{}` can't be the name of a unit", name.value;
                help: "a unit is one word of letters, digits and `_`; `CNY/user` comes about by dividing metrics"));
        } else if units.contains(&name) {
            reader.tell(
                error!(E0023, name.span, "the unit `{}` is listed twice", name.value; help: "keep one of the two"),
            );
        } else {
            units.push(name);
        }
    }
    units
}

/// The paths that stay inside the project, with `/` and without a trailing one.
fn inside(paths: Vec<Spanned<String>>, reader: &mut Reader<'_>) -> Vec<Spanned<String>> {
    let mut kept = Vec::new();
    for path in paths {
        let parts: Vec<&str> = path.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".").collect();
        let is_absolute = path.starts_with(['/', '\\']) || path.contains(':');
        if is_absolute || parts.contains(&"..") {
            reader.tell(error!(E0026, path.span, "`{}` lies outside of the project", path.value;
                help: "write a path relative to the folder of `metricc.yaml`, without `..`"));
            continue;
        }
        let relative = if parts.is_empty() { ".".to_owned() } else { parts.join("/") };
        kept.push(Spanned::new(relative, path.span));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Config, Vec<String>) {
        let mut sources = SourceMap::new();
        let file = sources.add(CONFIG_FILE, text);
        let mut diagnostics = Diagnostics::new();
        let config = Config::read(file, &sources, &mut diagnostics);
        let told = diagnostics
            .iter()
            .map(|found| {
                let (line, column) = found.span.map_or((0, 0), |span| sources.file(span.file).position(span.start));
                let marked = found.span.map_or("", |span| sources.text(span));
                let help = found.help.as_deref().unwrap_or("");
                format!("{line}:{column} [{marked}] {}: {} ({help})", found.code, found.message)
            })
            .collect();
        (config, told)
    }

    #[test]
    fn everything_written_is_read() {
        let (config, told) = read(
            "name: shop\ntimezone: Asia/Shanghai\nweek_starts: Sunday\nunits: [CNY, quota]\npaths:\n- ./defs/\n- .\nsamples: data\n",
        );
        assert_eq!(told, [""; 0]);
        assert_eq!(config.timezone, Tz::Asia__Shanghai);
        assert_eq!(config.week_starts, Weekday::Sun);
        assert_eq!(config.units.iter().map(|unit| unit.as_str()).collect::<Vec<_>>(), ["CNY", "quota"]);
        assert_eq!(config.paths.iter().map(|path| path.as_str()).collect::<Vec<_>>(), ["defs", "."]);
        assert_eq!(config.samples, "data");
    }

    #[test]
    fn every_mistake_of_a_file_is_told_at_its_place() {
        let (config, told) = read(
            "nmae: shop\ntimezone: Asia/Shangai\nweek_starts: mondy\nunits: [CNY, 3, CNY, a b]\npaths: metrics\nsamples: ../data\nowner: me\n",
        );
        assert_eq!(
            told,
            [
                "2:11 [Asia/Shangai] E0025: there is no time zone `Asia/Shangai` (did you mean `Asia/Shanghai`?)",
                "3:14 [mondy] E0023: `mondy` is not a day of the week (write `monday`)",
                "4:14 [3] E0022: `units` lists a number, not a text (put it in quotes if it looks like a number or a date)",
                "4:17 [CNY] E0023: the unit `CNY` is listed twice (keep one of the two)",
                "4:22 [a b] E0023: `a b` can't be the name of a unit (a unit is one word of letters, digits and `_`; `CNY/user` comes about by dividing metrics)",
                "5:8 [metrics] E0022: `paths` is a text, not a list (write `[a, b]`, or one `- a` a line)",
                "6:10 [../data] E0026: `../data` lies outside of the project (write a path relative to the folder of `metricc.yaml`, without `..`)",
                "1:1 [nmae] E0021: `metricc.yaml` has no key `nmae` (did you mean `name`?)",
                "7:1 [owner] E0021: `metricc.yaml` has no key `owner` (the keys are `name`, `timezone`, `week_starts`, `units`, `paths`, `samples`, `policy`, `ledger`, `mail`, `receivers` and `deliveries`)",
            ]
        );
        assert_eq!(config.paths, Config::new(FileId(0)).paths);
    }

    #[test]
    fn a_ledger_is_a_file_or_a_table() {
        let of = |text: &str| read(&format!("name: a\ntimezone: UTC\n{text}"));
        assert_eq!(of("").0.ledger, LedgerPlace::File(LEDGER_FILE.to_owned()));
        assert_eq!(of("ledger: runs/ledger.jsonl").0.ledger, LedgerPlace::File("runs/ledger.jsonl".to_owned()));
        let (config, told) = of("ledger:\n  target: warehouse\n  table: ops.ledger\n");
        assert!(
            matches!(config.ledger, LedgerPlace::Table { table, .. } if table.value == "ops.ledger") && told.is_empty()
        );
        assert_eq!(
            of("ledger:\n  target: warehouse\n").1,
            ["4:3 [target] E0024: `ledger` does not say `table` (add `table: metricc_ledger`)"]
        );
        assert_eq!(of("ledger: /tmp/l").1.len(), 1);
    }

    #[test]
    fn missing_keys_and_cities_without_a_continent_are_told() {
        assert_eq!(
            read("timezone: shanghai").1,
            [
                "1:1 [] E0024: `metricc.yaml` does not say `name` (add `name: shop`)",
                "1:11 [shanghai] E0025: there is no time zone `shanghai` (did you mean `Asia/Shanghai`?)",
            ]
        );
        assert_eq!(read("").1.len(), 2);
    }

    #[test]
    fn hostile_yaml_is_told_in_few_words() {
        let mut bomb = "a: &a [x, x, x, x, x, x, x, x]\n".to_owned();
        for (name, before) in "bcdefghij".chars().zip("abcdefghi".chars()) {
            bomb += &format!("{name}: &{name} [*{before}, *{before}, *{before}, *{before}, *{before}, *{before}]\n");
        }
        let deep = format!("name: {}", "[".repeat(100_000));
        let keys = (0..20_000).map(|key| format!("k{key}: 1\n")).collect::<String>();
        for text in [
            bomb,
            deep,
            keys,
            "x".repeat(2 << 20),
            "name: *x".to_owned(),
            "&a a: *a".to_owned(),
            "!!binary x: y".to_owned(),
        ] {
            let told = read(&text).1;
            assert!(!told.is_empty() && told.len() < 60, "{told:?}");
        }
    }

    /// Mutilated files: every message has a place inside the text, and nothing panics.
    #[test]
    fn any_text_is_read_or_told() {
        let whole = "name: \"shop\" # 店\ntimezone: 'Asia/Shanghai'\nunits: [CNY, \"quota\"]\npaths:\n  - 指标\n  - b\nsamples: {a: 1}\n";
        let letters: Vec<char> = whole.chars().collect();
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..3_000 {
            let mut text = letters.clone();
            for _ in 0..random.usize(1..6) {
                if text.is_empty() {
                    break;
                }
                let at = random.usize(..text.len());
                match random.u8(..3) {
                    0 => drop(text.remove(at)),
                    1 => text.insert(
                        at,
                        *random
                            .choice(&[':', '\n', '"', '[', '}', '-', ' ', '\t', '&', '*', '|', '中'])
                            .unwrap_or(&'x'),
                    ),
                    _ => text.truncate(at.max(1)),
                }
            }
            read(&text.into_iter().collect::<String>());
        }
    }

    #[test]
    fn text_that_is_not_yaml_is_told_at_its_line() {
        for (text, place) in [
            ("name: shop\nunits: [a\n", "3:1"),
            ("name: shop\n  timezone: UTC\n", "2:11"),
            ("name: shop\n\ttimezone: UTC\n", "2:1"),
            ("name: a\ntimezone: UTC\nname: b\n", "3:1"),
            ("- a\n- b\n", "1:1"),
            ("just text", "1:1"),
            ("name: a\n---\nname: b\n", "1:1"),
        ] {
            let told = read(text).1;
            assert_eq!(told.len(), 1, "{text:?}: {told:?}");
            assert!(told[0].starts_with(place), "{text:?}: {told:?}");
        }
    }
}
