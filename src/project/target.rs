//! `targets/*.yaml`: one file for each place that metrics are compiled to.

use crate::{
    diagnostic::{Diagnostics, FileId, Span, Spanned},
    error,
    suggest::near,
};

use super::{
    AirflowTarget, AlertsTarget, ClickhouseTarget, GrafanaTarget, QualityTarget, SourceMap, StreamingTarget,
    yaml::{Document, Reader, list},
};

/// One instance of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its file.
    pub file: FileId,
    /// `name`, by default the file's name without `.yaml`; unique in the project.
    pub name: Spanned<String>,
    /// `kind` and what only this kind has.
    pub settings: TargetSettings,
}

/// The settings of a target, by its kind.
// A project has a handful of them.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetSettings {
    /// `kind: clickhouse`
    Clickhouse(ClickhouseTarget),
    /// `kind: streaming`
    Streaming(StreamingTarget),
    /// `kind: airflow`
    Airflow(AirflowTarget),
    /// `kind: alerts`
    Alerts(AlertsTarget),
    /// `kind: quality`
    Quality(QualityTarget),
    /// `kind: grafana`
    Grafana(GrafanaTarget),
}

impl TargetSettings {
    /// The word after `kind:`.
    pub fn kind(&self) -> &'static str {
        match self {
            TargetSettings::Clickhouse(_) => "clickhouse",
            TargetSettings::Streaming(_) => "streaming",
            TargetSettings::Airflow(_) => "airflow",
            TargetSettings::Alerts(_) => "alerts",
            TargetSettings::Quality(_) => "quality",
            TargetSettings::Grafana(_) => "grafana",
        }
    }
}

type ReadSettings = fn(&mut Reader<'_>) -> TargetSettings;

/// The kinds that exist: a kind is one line here, one variant and one reader.
const KINDS: &[(&str, ReadSettings)] = &[
    ("clickhouse", |reader| TargetSettings::Clickhouse(ClickhouseTarget::read(reader))),
    ("streaming", |reader| TargetSettings::Streaming(StreamingTarget::read(reader))),
    ("airflow", |reader| TargetSettings::Airflow(AirflowTarget::read(reader))),
    ("alerts", |reader| TargetSettings::Alerts(AlertsTarget::read(reader))),
    ("quality", |reader| TargetSettings::Quality(QualityTarget::read(reader))),
    ("grafana", |reader| TargetSettings::Grafana(GrafanaTarget::read(reader))),
];

impl Target {
    /// Its settings, where it is a warehouse: what holds numbers and answers questions.
    pub fn clickhouse(&self) -> Option<&ClickhouseTarget> {
        match &self.settings {
            TargetSettings::Clickhouse(settings) => Some(settings),
            TargetSettings::Streaming(_)
            | TargetSettings::Airflow(_)
            | TargetSettings::Alerts(_)
            | TargetSettings::Quality(_)
            | TargetSettings::Grafana(_) => None,
        }
    }

    /// Reads one file; what is wrong is told. Nothing without a kind that exists.
    pub fn read(file: FileId, sources: &SourceMap, diagnostics: &mut Diagnostics) -> Option<Target> {
        let document = Document::parse(file, sources, diagnostics)?;
        document.read(diagnostics, |reader| read_keys(file, sources, reader))?
    }
}

fn read_keys(file: FileId, sources: &SourceMap, reader: &mut Reader<'_>) -> Option<Target> {
    let name = reader.text("name").unwrap_or_else(|| {
        let path = &sources.file(file).path;
        let stem = path.rsplit('/').next().and_then(|name| name.strip_suffix(".yaml")).unwrap_or(path);
        Spanned::new(stem.to_owned(), Span::new(file, 0, 0))
    });
    let settings = reader.required_text("kind", "clickhouse").and_then(|kind| {
        let known = KINDS.iter().find(|(name, _)| *name == kind.value);
        if known.is_none() {
            let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            let help = match near(&kind, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the kinds are {}", list(&names)),
            };
            reader.tell(error!(E0027, kind.span, "there is no kind of target `{}`", kind.value; help: help));
        }
        known.map(|(_, read)| read(reader))
    });
    if settings.is_none() {
        reader.ignore_the_rest();
    }
    settings.map(|settings| Target { file, name, settings })
}

/// Tells targets which share their name.
pub(super) fn check_names(targets: &[Target], diagnostics: &mut Diagnostics) {
    for (index, target) in targets.iter().enumerate() {
        if let Some(first) = targets[..index].iter().find(|other| other.name == target.name) {
            let found = error!(E0028, target.name.span, "there are two targets named `{}`", target.name.value;
                help: "give one of them another `name`");
            diagnostics.push(found.related(first.name.span, "the first one"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Target>, Vec<String>) {
        let mut sources = SourceMap::new();
        let file = sources.add("targets/warehouse.yaml", text);
        let mut diagnostics = Diagnostics::new();
        let target = Target::read(file, &sources, &mut diagnostics);
        let told = diagnostics.iter().map(|found| {
            let span = found.span.expect("a place");
            let (line, column) = sources.file(file).position(span.start);
            format!("{line}:{column} {} {} ({})", found.code, found.message, found.help.as_deref().unwrap_or(""))
        });
        let told = told.collect();
        (target, told)
    }

    #[test]
    fn a_target_has_its_name_from_its_file() {
        let (target, told) = read("kind: clickhouse\ncreate_sources: true\n");
        assert_eq!(told, [""; 0]);
        let target = target.expect("a target");
        assert_eq!(target.name.value, "warehouse");
        assert_eq!(
            target.settings,
            TargetSettings::Clickhouse(ClickhouseTarget { create_sources: true, ..ClickhouseTarget::default() })
        );
    }

    #[test]
    fn rows_a_day_are_numbers_by_name() {
        let (target, told) = read("kind: clickhouse\nrows_a_day:\n  event: 20000000\n  order: many\n  pay: 0\n");
        let TargetSettings::Clickhouse(settings) = target.expect("a target").settings else { panic!("another kind") };
        let counts: Vec<(&str, u64)> =
            settings.rows_a_day.iter().map(|(name, count)| (name.value.as_str(), *count)).collect();
        assert_eq!(counts, [("event", 20_000_000)]);
        assert_eq!(
            told,
            [
                "4:10 E0022 `order` is a text, not a number above zero (write it in digits)",
                "5:8 E0022 `pay` is a number, not a number above zero (write it in digits)",
            ]
        );
        let (_, told) = read("kind: clickhouse\nrows_a_day: 5\n");
        assert_eq!(told, ["2:13 E0022 `rows_a_day` is a number, not a mapping (write `name: 1000`, one a line)"]);
    }

    #[test]
    fn mistakes_are_told_at_their_place() {
        let (target, told) = read("kind: clickhose\ndatabase: x\nfoo: 1\n");
        assert_eq!(target, None);
        assert_eq!(told, ["1:7 E0027 there is no kind of target `clickhose` (did you mean `clickhouse`?)"]);

        let (target, told) = read("kind: clickhouse\ncreate_sources: yes\nallow_approx: true\ndatabase: 5\n");
        assert!(target.is_some());
        assert_eq!(
            told,
            [
                "4:11 E0022 `database` is a number, not a text (put it in quotes if it looks like a number or a date)",
                "2:17 E0022 `create_sources` is a text, not `true` or `false` (write `true` or `false`, without quotes)",
                "3:1 E0021 `targets/warehouse.yaml` has no key `allow_approx` (the keys are `name`, `kind`, `database`, `create_sources`, `allow_approximate`, `rows_a_day`, `dictionaries`, `retain`, `storage`, `intake`, `access`, `cluster` and `connection`)",
            ]
        );
        let (_, told) =
            read("kind: clickhouse\ndictionaries:\n  lifetime: 5 minutes\n  on_arival: true\n  entities: user\n");
        assert_eq!(
            told,
            [
                "5:13 E0022 `entities` is a text, not a list (write `[a, b]`, or one `- a` a line)",
                "3:13 E0023 `5 minutes` is not a length of time (write a number and a unit, such as `30s`, `5m`, `1h` or `90d`)",
                "4:3 E0021 `dictionaries` has no key `on_arival` (did you mean `on_arrival`?)",
            ]
        );
        assert_eq!(
            read("kind: clickhouse\ndictionaries: true\n").1,
            ["2:15 E0022 `dictionaries` is true or false, not a mapping (write `key: value` lines below it, indented)"]
        );
        assert_eq!(
            read("name: a").1,
            ["1:1 E0024 `targets/warehouse.yaml` does not say `kind` (add `kind: clickhouse`)"]
        );
    }
}
