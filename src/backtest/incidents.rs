//! Incidents that people have written down, and how alerts fare against them.

use chrono_tz::Tz;

use super::replay::{Line, Replayed};
use crate::diagnostic::{Diagnostics, FileId, Span};
use crate::error;
use crate::suggest::near;
use crate::table::records::{Record, RecordError, Records};
use crate::value::time::{midnight, parse_date, parse_timestamp};

/// The columns that every file of incidents has, and those that it may have beside names of dimensions.
const NEEDED: [&str; 3] = ["start", "end", "name"];
const ALERT: &str = "alert";
/// The end of the year 9999, in milliseconds since 1970.
const LAST: i64 = 253_402_300_800_000;
const METRIC: &str = "metric";

/// Whether a column says the same in every file, though a dimension has its name.
fn is_fixed(column: &str) -> bool {
    NEEDED.contains(&column) || column == ALERT || column == METRIC
}

/// Something that went wrong, as people wrote it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// What it is called.
    pub name: String,
    /// When it began, in milliseconds since 1970 UTC.
    pub from: i64,
    /// When it was over.
    pub to: i64,
    /// The alert or objective that should find it, where it is said.
    pub alert: Option<String>,
    /// The metric that shows it, where it is said.
    pub metric: Option<String>,
    /// The group that shows it, as far as it is said.
    pub labels: Vec<(String, String)>,
}

impl Incident {
    /// Whether a rule is one that could find it.
    pub fn concerns(&self, rule: &Replayed) -> bool {
        self.alert.as_ref().is_none_or(|alert| *alert == rule.declared)
            && self.metric.as_ref().is_none_or(|metric| *metric == rule.about.name)
    }

    /// Whether a line of such a rule may show it: what the line has of the dimensions that are said is the same.
    pub fn shows_in(&self, line: &Line) -> bool {
        let differs = |(name, value): &(String, String)| {
            let own = line.labels.iter().find(|(known, _)| known == name);
            own.is_some_and(|(_, own)| own.as_deref() != Some(value.as_str()))
        };
        !self.labels.iter().any(differs)
    }

    /// Whether a firing is of it: it began before the incident was over, or one bucket later, and ended after the incident's start.
    fn covers(&self, from: i64, to: i64, bucket: i64) -> bool {
        from <= self.to + bucket && to > self.from
    }
}

/// What names a file of incidents may use.
pub struct Names<'a> {
    /// Alerts and objectives.
    pub alerts: Vec<&'a str>,
    /// Metrics.
    pub metrics: Vec<&'a str>,
    /// Dimensions.
    pub dimensions: Vec<&'a str>,
}

/// Reads a file of incidents; every row that can't be read is told where it stands, in the text that is left of what is no UTF-8.
pub fn parse(file: FileId, bytes: &[u8], names: &Names<'_>, zone: Tz) -> (Vec<Incident>, Diagnostics) {
    let lines = lines(&String::from_utf8_lossy(bytes));
    let mut reader = Reader { file, lines, names, zone, told: Diagnostics::new() };
    let mut records = Records::new(bytes);
    let columns = match records.next(true) {
        Ok(Some(head)) => reader.columns(head),
        Ok(None) => None,
        Err(error) => {
            reader.unreadable(&error);
            return (Vec::new(), reader.told);
        }
    };
    let Some(columns) = columns else {
        if reader.told.is_empty() {
            let span = reader.line(1);
            reader.told.push(error!(E0886, span, "this file of incidents has no head";
                help: "its first line is `start,end,name`, and maybe `alert`, `metric` and dimensions behind them"));
        }
        return (Vec::new(), reader.told);
    };
    let mut found = Vec::new();
    loop {
        match records.next(true) {
            Ok(Some(record)) => found.extend(reader.incident(record, &columns)),
            Ok(None) => break,
            Err(error) => {
                reader.unreadable(&error);
                break;
            }
        }
    }
    found.sort_by_key(|incident: &Incident| (incident.from, incident.to));
    (found, reader.told)
}

/// Where each line begins and ends.
fn lines(text: &str) -> Vec<(usize, usize)> {
    let mut at = 0;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        found.push((at, at + line.trim_end_matches(['\n', '\r']).len()));
        at += line.len();
    }
    found
}

struct Reader<'a> {
    file: FileId,
    lines: Vec<(usize, usize)>,
    names: &'a Names<'a>,
    zone: Tz,
    told: Diagnostics,
}

impl Reader<'_> {
    fn line(&self, line: u64) -> Span {
        let place = usize::try_from(line).unwrap_or(1).saturating_sub(1);
        let (start, end) = self.lines.get(place).copied().unwrap_or_default();
        Span::new(self.file, u32::try_from(start).unwrap_or(u32::MAX), u32::try_from(end).unwrap_or(u32::MAX))
    }

    fn unreadable(&mut self, error: &RecordError) {
        let (line, reason) = match error {
            RecordError::Quotes { line, reason, .. } => (*line, (*reason).to_owned()),
            RecordError::Encoding { line } => (*line, "it is not UTF-8".to_owned()),
            RecordError::Io(error) => (1, error.to_string()),
        };
        let span = self.line(line);
        self.told.push(error!(E0886, span, "this row of incidents can't be read: {reason}";
            help: "a cell with a comma, a quote or a line break stands in quotes, and quotes in it twice"));
    }

    /// The name of each column; none where some are wrong.
    fn columns(&mut self, head: &Record) -> Option<Vec<String>> {
        let names: Vec<String> =
            (0..head.cells()).map(|place| head.get(place).unwrap_or_default().trim().to_owned()).collect();
        let span = self.line(head.line);
        let before = self.told.len();
        for needed in NEEDED {
            if !names.iter().any(|name| name == needed) {
                self.told.push(error!(E0886, span, "incidents have no column `{needed}`";
                    help: "the first line is `start,end,name`, and maybe `alert`, `metric` and dimensions behind them"));
            }
        }
        for (place, name) in names.iter().enumerate() {
            let fixed = is_fixed(name);
            if names[..place].contains(name) {
                self.told.push(error!(E0886, span, "the column `{name}` stands twice"; help: "keep one of them"));
            } else if !fixed && !self.names.dimensions.contains(&name.as_str()) {
                let help = match near(name, self.names.dimensions.iter().copied()) {
                    Some(near) => format!("did you mean the dimension `{near}`?"),
                    None => "beside `start`, `end`, `name`, `alert` and `metric` columns are dimensions".to_owned(),
                };
                self.told.push(error!(E0886, span, "incidents have no column `{name}`"; help: help));
            }
        }
        (self.told.len() == before).then_some(names)
    }

    fn incident(&mut self, record: &Record, columns: &[String]) -> Option<Incident> {
        let span = self.line(record.line);
        let before = self.told.len();
        if record.cells() != columns.len() {
            self.told
                .push(error!(E0886, span, "this row has {} cells, and the head has {}", record.cells(), columns.len();
                help: "leave a cell empty where nothing is to be said"));
            return None;
        }
        let cell = |name: &str| columns.iter().position(|column| column == name).and_then(|place| record.get(place));
        let trimmed = |name: &str| cell(name).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let (from, to) = (self.instant(span, "start", cell("start")), self.instant(span, "end", cell("end")));
        if let (Some(from), Some(to)) = (from, to)
            && to <= from
        {
            self.told.push(error!(E0886, span, "this incident ends before it begins"; help: "write when it began in `start`, and when it was over in `end`"));
        }
        let name = trimmed("name");
        if name.is_none() {
            self.told
                .push(error!(E0886, span, "this incident has no name"; help: "write in `name` what people call it"));
        }
        let (alert, metric) = (trimmed(ALERT), trimmed(METRIC));
        self.known(span, "alert or objective", alert.as_deref(), &self.names.alerts.clone());
        self.known(span, "metric", metric.as_deref(), &self.names.metrics.clone());
        let of_dimension = |name: &&String| !is_fixed(name) && self.names.dimensions.contains(&name.as_str());
        let labels =
            columns.iter().filter(of_dimension).filter_map(|name| Some((name.clone(), cell(name)?.to_owned())));
        let labels = labels.collect();
        if self.told.len() > before {
            return None;
        }
        Some(Incident { name: name?, from: from?, to: to?, alert, metric, labels })
    }

    /// An instant, or the beginning of a day.
    fn instant(&mut self, span: Span, column: &str, cell: Option<&str>) -> Option<i64> {
        let text = cell.unwrap_or_default().trim();
        let day = || {
            let days = parse_date(text)?;
            Some(midnight(chrono::NaiveDate::default() + chrono::Duration::days(i64::from(days)), self.zone))
        };
        let found = parse_timestamp(text, self.zone).or_else(day).filter(|ms| ms.abs() < LAST);
        if found.is_none() {
            self.told.push(error!(E0886, span, "`{column}` of this incident is no time: `{text}`";
                help: "write `2026-11-01 20:00:00`, which is in the project's zone, or with an offset `2026-11-01T20:00:00+08:00`"));
        }
        found
    }

    fn known(&mut self, span: Span, what: &str, name: Option<&str>, all: &[&str]) {
        let Some(name) = name.filter(|name| !all.contains(name)) else { return };
        let help = match near(name, all.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "leave it empty, or name one that is declared".to_owned(),
        };
        self.told.push(error!(E0886, span, "no {what} named `{name}`"; help: help));
    }
}

/// How alerts fare against incidents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// How many firings there were.
    pub firings: usize,
    /// How many of them are of an incident.
    pub right: usize,
    /// The incidents that should be found, each with how long after its beginning it was, in milliseconds; none where it was not.
    pub found: Vec<(usize, Option<i64>)>,
}

impl Judged {
    /// The share of firings that are of an incident.
    pub fn precision(&self) -> Option<f64> {
        (self.firings > 0).then(|| self.right as f64 / self.firings as f64)
    }

    /// The share of incidents that were found.
    pub fn recall(&self) -> Option<f64> {
        let found = self.found.iter().filter(|(_, delay)| delay.is_some()).count();
        (!self.found.is_empty()).then(|| found as f64 / self.found.len() as f64)
    }

    /// The middle one of the delays, in milliseconds.
    pub fn delay(&self) -> Option<i64> {
        let mut delays: Vec<i64> = self.found.iter().filter_map(|(_, delay)| *delay).collect();
        delays.sort_unstable();
        delays.get(delays.len().checked_sub(1)? / 2).copied()
    }
}

/// How rules together fare: an incident is found by whichever of those that it concerns comes first.
pub fn judge<'r>(rules: impl Iterator<Item = &'r Replayed> + Clone, incidents: &[Incident]) -> Judged {
    let mut judged = Judged::default();
    let lines = || rules.clone().flat_map(|rule| rule.lines.iter().map(move |line| (rule, line)));
    for (rule, line) in lines() {
        let mine = || incidents.iter().filter(|one| one.concerns(rule) && one.shows_in(line));
        for firing in &line.firings {
            judged.firings += 1;
            judged.right += usize::from(mine().any(|one| one.covers(firing.from, firing.to, rule.bucket())));
        }
    }
    for (place, incident) in incidents.iter().enumerate() {
        if !rules.clone().any(|rule| incident.concerns(rule)) {
            continue;
        }
        let delays = lines().filter(|(rule, line)| incident.concerns(rule) && incident.shows_in(line)).flat_map(
            |(rule, line)| {
                let of = line.firings.iter().filter(|one| incident.covers(one.from, one.to, rule.bucket()));
                of.map(|firing| (firing.from - incident.from).max(0))
            },
        );
        judged.found.push((place, delays.min()));
    }
    judged
}
