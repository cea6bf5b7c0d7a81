//! The metrics of a program as a list: what each is, whose, in which unit, and how it is shown and computed.

use serde_json::{Value, json};

use crate::lineage::{Graph, Kind, NodeId};
use crate::project::SourceMap;
use crate::types::{Better, Grain, Metric, MetricId, Model, Serve, Tier, Type};

/// A metric as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// It.
    pub id: MetricId,
    /// Its declaration.
    pub node: NodeId,
    /// Its name, with the version where there are several.
    pub label: String,
    /// Its name alone.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// `title`
    pub title: Option<String>,
    /// `title_en`
    pub title_en: Option<String>,
    /// The word of its tier.
    pub tier: Option<&'static str>,
    /// `owner`
    pub owner: Option<String>,
    /// Its unit; none where any fits.
    pub unit: Option<String>,
    /// Its default steps.
    pub grain: Vec<String>,
    /// Its default dimensions, and parts of the bucket.
    pub dimensions: Vec<String>,
    /// Its formula on one line.
    pub formula: String,
    /// How it is served.
    pub serve: Vec<String>,
    /// Which way is good.
    pub better: Option<&'static str>,
    /// Its description.
    pub doc: Option<String>,
    /// What tells people of it, by kind: alerts, objectives, reports, dashboards.
    pub told: Vec<(Kind, String)>,
    /// The file of its declaration.
    pub file: String,
    /// The line there.
    pub line: usize,
}

/// All declared metrics in the order of names; comparisons (`dau.growth_1d`) are with the metric that declares them.
pub fn metrics(model: &Model, graph: &Graph, sources: &SourceMap) -> Vec<Entry> {
    let declared = model.metrics.iter().enumerate();
    let declared =
        declared.filter(|(place, metric)| graph.node(graph.of_metric(MetricId(*place))).name == metric.name.value);
    let mut all: Vec<Entry> =
        declared.map(|(place, metric)| entry(MetricId(place), metric, model, graph, sources)).collect();
    all.sort_by(|a, b| (&a.name, a.version).cmp(&(&b.name, b.version)));
    all
}

fn entry(id: MetricId, metric: &Metric, model: &Model, graph: &Graph, sources: &SourceMap) -> Entry {
    let node = graph.of_metric(id);
    let file = sources.file(metric.span.file);
    let grain = |grain: &Grain| match grain {
        Grain::Step(step) => step.text(),
        Grain::Total => "total".to_owned(),
    };
    let serve = |serve: &Serve| match serve {
        Serve::Live => "live".to_owned(),
        Serve::Stream(step) => format!("stream({})", step.text()),
        Serve::Hourly => "hourly".to_owned(),
        Serve::Daily => "daily".to_owned(),
    };
    Entry {
        id,
        node,
        label: graph.node(node).label.clone(),
        name: metric.name.value.clone(),
        version: metric.version,
        title: metric.title.clone(),
        title_en: metric.title_en.clone(),
        tier: metric.tier.map(tier),
        owner: metric.owner.clone(),
        unit: unit(metric),
        grain: metric.grain.iter().map(grain).collect(),
        dimensions: metric.by.iter().map(|by| by.name(&model.dimensions)).collect(),
        formula: one_line(sources.text(metric.formula.span)),
        serve: metric.serve.iter().map(serve).collect(),
        better: metric.better.map(|better| match better {
            Better::Up => "up",
            Better::Down => "down",
            Better::None => "none",
        }),
        doc: metric.doc.clone(),
        told: told(node, graph),
        file: file.path.clone(),
        line: file.position(metric.name.span.start).0,
    }
}

/// What tells people of a metric, in order.
fn told(metric: NodeId, graph: &Graph) -> Vec<(Kind, String)> {
    let users = graph.direct_users(metric).into_iter().map(|edge| graph.node(edge.user));
    let mut told: Vec<(Kind, String)> =
        users.filter(|node| node.kind.only_tells()).map(|node| (node.kind, node.label.clone())).collect();
    told.sort();
    told
}

/// The unit of a number; of a time, which has none, its type.
pub fn unit(metric: &Metric) -> Option<String> {
    match metric.ty.ty {
        Type::Duration => Some("duration".to_owned()),
        Type::Timestamp => Some("timestamp".to_owned()),
        Type::Date => Some("date".to_owned()),
        Type::Int | Type::Float | Type::Decimal { .. } => metric.ty.unit.as_ref().map(ToString::to_string),
        _ => None,
    }
}

/// The word of a tier.
pub fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Kpi => "kpi",
        Tier::Ksi => "ksi",
        Tier::Diagnostic => "diagnostic",
    }
}

/// A text without its line breaks.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The heads of the columns that are for people.
pub const HEADS: [&str; 9] = ["name", "title", "title_en", "tier", "owner", "unit", "grain", "dimensions", "formula"];

impl Entry {
    /// The cells under [`HEADS`]; what is not told is empty.
    pub fn cells(&self) -> [String; HEADS.len()] {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        [
            self.label.clone(),
            text(&self.title),
            text(&self.title_en),
            self.tier.unwrap_or_default().to_owned(),
            text(&self.owner),
            text(&self.unit),
            self.grain.join(", "),
            self.dimensions.join(", "),
            self.formula.clone(),
        ]
    }

    /// All of it for programs.
    pub fn json(&self) -> Value {
        let told = |kind: Kind| -> Vec<&str> {
            self.told.iter().filter(|(of, _)| *of == kind).map(|(_, name)| name.as_str()).collect()
        };
        json!({
            "name": self.name,
            "version": self.version,
            "title": self.title,
            "title_en": self.title_en,
            "tier": self.tier,
            "owner": self.owner,
            "unit": self.unit,
            "grain": self.grain,
            "dimensions": self.dimensions,
            "formula": self.formula,
            "serve": self.serve,
            "better": self.better,
            "doc": self.doc,
            "alerts": told(Kind::Alert),
            "objectives": told(Kind::Slo),
            "reports": told(Kind::Report),
            "dashboards": told(Kind::Dashboard),
            "file": self.file,
            "line": self.line,
        })
    }
}

/// The list as CSV with a line of heads; what is not told is an empty cell.
pub fn csv(entries: &[Entry]) -> String {
    let quoted = |cell: &String| match cell.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.clone(),
    };
    let line = |cells: &[String]| cells.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n";
    let heads = HEADS.map(str::to_owned);
    line(&heads) + &entries.iter().map(|entry| line(&entry.cells())).collect::<String>()
}

/// The list as a table of Markdown.
pub fn markdown(entries: &[Entry]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let text = |text: &String| text.replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;");
    // A bar ends a cell even in code, unless it is escaped.
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{}`", text.replace('|', "\\|")) };
    let row = |entry: &Entry| {
        let mut cells = entry.cells();
        let (name, formula) = (code(&cells[0]), code(&cells[HEADS.len() - 1]));
        cells = cells.map(|cell| text(&cell));
        cells[0] = name;
        cells[HEADS.len() - 1] = formula;
        line(&cells)
    };
    let heads = line(&HEADS.map(str::to_owned));
    heads + &format!("|{}\n", "---|".repeat(HEADS.len())) + &entries.iter().map(row).collect::<String>()
}
