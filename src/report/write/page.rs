//! A report as texts and tables in its language, before any form is chosen.

use super::super::{Explained, Made, MadeMetric, Shares, Structure};
use super::figures::{Kind, relative, share};
use super::words::Words;
use crate::change::verify::Number;
use crate::types::Better;

/// A report in words.
#[derive(Clone, Debug)]
pub struct Page {
    /// The words of its language.
    pub words: Words,
    /// Its title.
    pub title: String,
    /// What it tells of.
    pub period: String,
    /// What must be known before anything else.
    pub notes: Vec<String>,
    /// All metrics.
    pub metrics: Table,
    /// What is said of them, a sentence or two each.
    pub sentences: Vec<String>,
    /// What is unusual.
    pub unusual: Vec<String>,
    /// What carries the changes, a metric each.
    pub explained: Vec<Chapter>,
    /// Where to look first.
    pub advice: Vec<String>,
    /// What the period is made of.
    pub structure: Vec<Section>,
    /// Open actions.
    pub actions: Vec<String>,
    /// How it was computed.
    pub methods: Vec<String>,
}

/// A metric with its explanations.
#[derive(Clone, Debug)]
pub struct Chapter {
    /// The metric.
    pub title: String,
    /// By each dimension.
    pub sections: Vec<Section>,
}

/// A sentence and the table that it is of.
#[derive(Clone, Debug)]
pub struct Section {
    /// What it is about.
    pub title: String,
    /// What is said.
    pub text: Option<String>,
    /// The numbers.
    pub table: Table,
}

/// A table of texts.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The heads of its columns, and whether these hold numbers.
    pub heads: Vec<(String, bool)>,
    /// Its rows.
    pub rows: Vec<Vec<Cell>>,
}

/// A cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Its text.
    pub text: String,
    /// Whether what it tells is good or bad.
    pub tone: Tone,
}

/// Whether a change is good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Neither, or nobody says.
    #[default]
    Plain,
    /// It is.
    Good,
    /// It is not.
    Bad,
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell { text, tone: Tone::Plain }
    }
}

impl Page {
    /// Of a report that is made.
    pub fn of(made: &Made) -> Page {
        let words = Words(made.language);
        let mut notes = Vec::new();
        if !made.is_over {
            notes.push(words.not_over().to_owned());
        }
        let has_quotients = made
            .metrics
            .iter()
            .flat_map(|metric| &metric.explained)
            .any(|explained| matches!(explained.shares, Shares::Ratio { .. }));
        let mut methods: Vec<String> = words.short_history(made).into_iter().collect();
        if has_quotients {
            methods.push(words.method().to_owned());
        }
        let explained = made.metrics.iter().filter(|metric| !metric.explained.is_empty());
        Page {
            words,
            title: made.title.clone(),
            period: words.period(made.period, made),
            notes,
            metrics: metrics(words, made),
            sentences: made.metrics.iter().map(|metric| words.metric(metric, made)).collect(),
            unusual: made.metrics.iter().filter_map(|metric| words.unusual(metric, made)).collect(),
            explained: explained.map(|metric| chapter(words, metric, made)).collect(),
            advice: words.advice(made),
            structure: made.structure.iter().map(|of| structure(words, of, made)).collect(),
            actions: made.actions.clone(),
            methods,
        }
    }

    /// The heads of its parts.
    pub fn head(&self, part: PartOf) -> &'static str {
        match part {
            PartOf::Unusual => self.words.of("Unusual", "异常"),
            PartOf::Explained => self.words.of("What carries the changes", "变化解释"),
            PartOf::Advice => self.words.of("Where to look first", "建议"),
            PartOf::Structure => self.words.of("Structure", "结构"),
            PartOf::Actions => self.words.of("Open actions", "行动项"),
            PartOf::Methods => self.words.of("How it was computed", "口径说明"),
            PartOf::Series => self.words.of("Over time", "走势"),
        }
    }
}

/// The parts of a report that have a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PartOf {
    Unusual,
    Explained,
    Advice,
    Structure,
    Actions,
    Methods,
    Series,
}

fn heads(all: &[(&str, bool)]) -> Vec<(String, bool)> {
    all.iter().map(|(text, number)| ((*text).to_owned(), *number)).collect()
}

/// All metrics with their changes.
fn metrics(words: Words, made: &Made) -> Table {
    let mut table = Table {
        heads: heads(&[(words.of("metric", "指标"), false), (words.of("value", "值"), true)]),
        rows: Vec::new(),
    };
    for (length, _) in &made.compare {
        table.heads.push((words.against(*length, made.every), true));
    }
    for metric in &made.metrics {
        let kind = Kind::of(metric);
        let mark = if metric.judged.unusual().is_some() { " ⚠" } else { "" };
        let mut row: Vec<Cell> =
            vec![format!("{}{mark}", metric.title).into(), words.value(&kind, metric.value).into()];
        row.extend(metric.compared.iter().map(|compared| {
            let text = match (compared.difference, compared.relative) {
                (None, _) => "–".to_owned(),
                (Some(difference), _) if kind.is_share() => kind.difference(difference, words.points()),
                (Some(_), Some(share)) => relative(share),
                (Some(difference), None) => kind.difference(difference, words.points()),
            };
            Cell { text, tone: tone(metric.better, compared.difference) }
        }));
        table.rows.push(row);
    }
    table
}

/// Whether a difference is good for a metric.
fn tone(better: Option<Better>, difference: Option<Number>) -> Tone {
    let rises = match difference.map(Number::as_f64) {
        Some(by) if by > 0.0 => true,
        Some(by) if by < 0.0 => false,
        _ => return Tone::Plain,
    };
    match (better, rises) {
        (Some(Better::Up), true) | (Some(Better::Down), false) => Tone::Good,
        (Some(Better::Up), false) | (Some(Better::Down), true) => Tone::Bad,
        (Some(Better::None) | None, _) => Tone::Plain,
    }
}

fn chapter(words: Words, metric: &MadeMetric, made: &Made) -> Chapter {
    let sections = metric.explained.iter().map(|by| Section {
        title: match words.0 {
            crate::types::Language::En => format!("by {}", by.title),
            crate::types::Language::Zh => format!("按{}", by.title),
        },
        text: Some(words.explained(metric, by)),
        table: explained(words, metric, by, made),
    });
    Chapter { title: metric.title.clone(), sections: sections.collect() }
}

/// The heads of both periods.
fn both(words: Words, made: &Made) -> [String; 2] {
    let earlier = made.compare.first().map(|(length, _)| words.earlier(*length, made.every)).unwrap_or_default();
    [earlier, words.of("now", "本期").to_owned()]
}

fn explained(words: Words, metric: &MadeMetric, by: &Explained, made: &Made) -> Table {
    let kind = Kind::of(metric);
    let value = |number: Option<Number>| Cell::from(number.map_or_else(|| "–".to_owned(), |number| kind.value(number)));
    let change = |number: Number| Cell {
        text: kind.difference(number, words.points()),
        tone: tone(metric.better, Some(number)),
    };
    let effect = |number: f64| change(kind.computed(number));
    let blank = Cell::default;
    let [earlier, now] = both(words, made);
    let mut table = Table { heads: vec![(by.title.clone(), false), (earlier, true), (now, true)], rows: Vec::new() };
    let head = |text: &str| (text.to_owned(), true);
    let total = || Cell::from(words.of("whole", "总体").to_owned());
    let first = metric.compared.first();
    let whole = (first.and_then(|compared| compared.before), first.and_then(|compared| compared.difference));
    match &by.shares {
        Shares::Sum { shown, other } => {
            table.heads.push(head(words.of("contribution", "贡献")));
            for one in shown {
                let group = words.group(one.group.as_deref());
                table.rows.push(vec![group.into(), value(one.old), value(one.new), change(one.effect)]);
            }
            if let Some((count, sum)) = other {
                table.rows.push(vec![words.others(*count).into(), blank(), blank(), change(*sum)]);
            }
            let difference = whole.1.map(change).unwrap_or_default();
            table.rows.push(vec![total(), value(whole.0), value(metric.value), difference]);
        }
        Shares::Ratio { shown, other, all } => {
            table.heads.push(head(words.of("share before", "上期占比")));
            table.heads.push(head(words.of("share now", "本期占比")));
            table.heads.push(head(words.of("rate effect", "率效应")));
            table.heads.push(head(words.of("mix effect", "结构效应")));
            let odd = all.beside != 0.0;
            if odd {
                table.heads.push(head(words.of("no denominator", "无分母")));
            }
            table.heads.push(head(words.of("together", "合计")));
            let effects = |rate: f64, mix: f64, beside: f64| {
                let mut cells = vec![effect(rate), effect(mix)];
                cells.extend(odd.then(|| effect(beside)));
                cells.push(effect(rate + mix + beside));
                cells
            };
            for one in shown {
                let number = |rate: Option<f64>| value(rate.map(|rate| kind.computed(rate)));
                let mut row = vec![words.group(one.group.as_deref()).into(), number(one.old), number(one.new)];
                row.extend([share(one.old_share).into(), share(one.new_share).into()]);
                row.extend(effects(one.rate, one.mix, one.beside));
                table.rows.push(row);
            }
            if let Some((count, sum)) = other {
                let mut row = vec![words.others(*count).into(), blank(), blank(), blank(), blank()];
                row.extend(effects(sum.rate, sum.mix, sum.beside));
                table.rows.push(row);
            }
            let mut row = vec![total(), value(whole.0), value(metric.value), blank(), blank()];
            row.extend(effects(all.rate, all.mix, all.beside));
            table.rows.push(row);
        }
        Shares::Beside { shown, more } => {
            table.heads.push(head(words.of("difference", "差")));
            for one in shown {
                let difference = one.old.zip(one.new).map(|(old, new)| change(new.minus(old)));
                let group = words.group(one.group.as_deref());
                table.rows.push(vec![
                    group.into(),
                    value(one.old),
                    value(one.new),
                    difference.unwrap_or_else(|| "–".to_owned().into()),
                ]);
            }
            if *more > 0 {
                table.rows.push(vec![words.others(*more).into(), blank(), blank(), blank()]);
            }
        }
    }
    table
}

fn structure(words: Words, of: &Structure, made: &Made) -> Section {
    let kind = Kind { ty: of.ty.clone(), unit: of.unit.clone(), share: of.is_share };
    let points = Kind::of_shares();
    let value = |number: Option<Number>| Cell::from(number.map_or_else(|| "–".to_owned(), |number| kind.value(number)));
    let [earlier, now] = both(words, made);
    let mut table = Table { heads: vec![(of.by.clone(), false), (earlier, true), (now, true)], rows: Vec::new() };
    if of.adds_up {
        table.heads.push((words.of("share", "占比").to_owned(), true));
        table.heads.push((words.of("shift", "占比变化").to_owned(), true));
    }
    for part in &of.parts {
        let mut row = vec![words.group(part.group.as_deref()).into(), value(part.before), value(part.value)];
        if of.adds_up {
            row.push(part.share.map_or_else(|| "–".to_owned(), share).into());
            let shift = part.share.zip(part.share_before).map(|(now, before)| Number::Float(now - before));
            row.push(shift.map_or_else(|| "–".to_owned(), |shift| points.difference(shift, words.points())).into());
        }
        table.rows.push(row);
    }
    if of.more > 0 {
        let mut row = vec![Cell::from(words.others(of.more))];
        row.resize(table.heads.len(), Cell::default());
        table.rows.push(row);
    }
    let title = match words.0 {
        crate::types::Language::En => format!("{} by {}", of.title, of.by),
        crate::types::Language::Zh => format!("{}：按{}", of.title, of.by),
    };
    Section { title, text: words.structure(of), table }
}
