//! A report as one page that needs nothing else, and as the page of a mail.

use std::sync::OnceLock;

use minijinja::{AutoEscape, Environment, Value as Given, context};

use super::super::{Made, MadeMetric};
use super::figures::Kind;
use super::page::{Page, PartOf, Section, Table, Tone};
use super::words::Words;
use crate::change::verify::Number;
use crate::plan::OutputColumn;
use crate::table::{Answer, plot};
use crate::template;
use crate::types::Language;
use crate::value::{DataType, Value};

const PAGE: &str = include_str!("../../../targets/report/page.html");
const MAIL: &str = include_str!("../../../targets/report/mail.html");

fn environment() -> &'static Environment<'static> {
    static MADE: OnceLock<Environment<'static>> = OnceLock::new();
    MADE.get_or_init(|| {
        template::environment(&[("page", PAGE), ("mail", MAIL)], |environment| {
            environment.set_auto_escape_callback(|_| AutoEscape::Html);
        })
    })
}

/// The page, with its charts in it.
pub fn html(made: &Made) -> String {
    let charts = made.metrics.iter().filter_map(|metric| {
        let source = chart(metric, made)?;
        Some(context! { source => Given::from_safe_string(source), alt => metric.title.clone() })
    });
    rendered("page", made, charts.collect())
}

/// A chart of a mail: mail programs show pictures that come with it, and no SVG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// What it is of.
    pub title: String,
    /// Its name in the mail.
    pub cid: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// The page of a mail, which shows pictures that come with it.
pub fn mail(made: &Made, pictures: &[Picture]) -> String {
    let charts = pictures.iter().map(|picture| {
        context! {
            title => picture.title.clone(),
            alt => picture.title.clone(),
            cid => picture.cid.clone(),
            width => picture.width,
            height => picture.height,
        }
    });
    rendered("mail", made, charts.collect())
}

fn rendered(template: &str, made: &Made, charts: Vec<Given>) -> String {
    let page = Page::of(made);
    let explained = page.explained.iter().map(|chapter| {
        context! {
            title => chapter.title.clone(),
            sections => chapter.sections.iter().map(section).collect::<Vec<_>>(),
        }
    });
    template::render(
        environment(),
        template,
        context! {
            lang => match made.language { Language::En => "en", Language::Zh => "zh" },
            title => page.title.clone(),
            period => page.period.clone(),
            notes => page.notes.clone(),
            metrics => table(&page.metrics),
            unusual => page.unusual.clone(),
            explained => explained.collect::<Vec<_>>(),
            advice => page.advice.clone(),
            structure => page.structure.iter().map(section).collect::<Vec<_>>(),
            actions => page.actions.clone(),
            methods => page.methods.clone(),
            charts,
            heads => context! {
                unusual => page.head(PartOf::Unusual),
                explained => page.head(PartOf::Explained),
                advice => page.head(PartOf::Advice),
                structure => page.head(PartOf::Structure),
                actions => page.head(PartOf::Actions),
                methods => page.head(PartOf::Methods),
                series => page.head(PartOf::Series),
            },
        },
    )
}

fn section(section: &Section) -> Given {
    context! {
        title => section.title.clone(),
        text => section.text.clone().unwrap_or_default(),
        table => table(&section.table),
    }
}

fn table(table: &Table) -> Given {
    let heads = table.heads.iter().map(|(text, number)| context! { text, number });
    let row = |row: &Vec<super::page::Cell>| {
        let cells = row.iter().enumerate().map(|(place, cell)| {
            let number = table.heads.get(place).is_some_and(|(_, number)| *number);
            let (word, color) = match cell.tone {
                Tone::Plain => ("", ""),
                Tone::Good => (" good", "color:#116329;"),
                Tone::Bad => (" bad", "color:#a40e26;"),
            };
            context! {
                text => cell.text.clone(),
                class => format!("{}{word}", if number { "num" } else { "" }),
                style => format!("{}{color}", if number { "text-align:right;" } else { "" }),
            }
        });
        cells.collect::<Vec<Given>>()
    };
    context! { heads => heads.collect::<Vec<_>>(), rows => table.rows.iter().map(row).collect::<Vec<_>>() }
}

/// The values of a metric over time, as the address of a picture; none of fewer than two.
fn chart(metric: &MadeMetric, made: &Made) -> Option<String> {
    if metric.series.iter().filter(|(_, value)| value.is_some()).count() < 2 {
        return None;
    }
    let kind = Kind::of(metric);
    let is_duration = metric.ty == DataType::Duration;
    let scale = if kind.is_share() { 100.0 } else { 1.0 };
    let number = |value: Number| match is_duration {
        true => Value::Duration(value.as_f64() as i64),
        false => Value::Float(value.as_f64() * scale),
    };
    let column = |name: &str, ty: DataType, unit: Option<String>| OutputColumn {
        name: name.to_owned(),
        ty,
        nullable: true,
        unit,
    };
    let unit = if kind.is_share() { Some("%".to_owned()) } else { metric.unit.clone() };
    let ty = if is_duration { DataType::Duration } else { DataType::Float };
    let rows =
        metric.series.iter().map(|(start, value)| vec![Value::Timestamp(*start), value.map_or(Value::Null, number)]);
    let answer = Answer {
        columns: vec![column("time", DataType::Timestamp, None), column(&metric.title, ty, unit)],
        keys: 1,
        rows: rows.collect(),
        zone: made.zone,
        step: Some(made.every),
    };
    let svg = plot::plot(&answer, &Words(made.language).value(&kind, metric.value)).ok()?;
    let mut address = "data:image/svg+xml,".to_owned();
    for byte in svg.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => address.push(char::from(byte)),
            other => address.push_str(&format!("%{other:02X}")),
        }
    }
    Some(address)
}
