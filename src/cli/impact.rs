//! `metricc impact`: what an edit of a declaration or a column touches.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::explain::{Format, rollups};
use super::{Context, Exit, Outcome, Stop, ready::Ready, ui};
use crate::error;
use crate::lineage::{Graph, Kind, NodeId, Touched, find, show};
use crate::resolve::{Pins, Space};
use crate::suggest::near;
use crate::types::family;

/// Show what an edit touches: metrics, tests, alerts, reports, views and rollups, and by which way
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What is edited: dau, 'dau v1', order, or a column: order.pay_amount
    name: String,
    /// How it is shown
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    format: Format,
}

/// Something of a target that reads what is edited.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Built {
    target: String,
    /// `view` or `rollup`
    kind: &'static str,
    /// Its name in the warehouse.
    name: String,
    /// The metrics that it is for, with their steps.
    of: Vec<String>,
}

/// Prints all that is touched, declarations first, then what the targets make of them.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let ready = context.compiled()?;
    let graph = Graph::of(&ready.compiled.files, &ready.compiled.model);
    let roots = roots(args.name.trim(), &graph, &ready)?;
    let touched = touched(&roots, &graph);
    let told = rollups::told(&ready)?;
    let built = built(&told, &roots, &touched, &graph);
    let text = match args.format {
        Format::Table => table(&roots, &touched, &built, &graph, &ready, context),
        Format::Json => format!("{:#}\n", as_json(&roots, &touched, &built, &graph, &ready)),
    };
    context.print(&text)?;
    Ok(Exit::Clean)
}

/// What a text names: a column, or the declarations of a name.
fn roots(wanted: &str, graph: &Graph, ready: &Ready) -> Result<Vec<NodeId>, Stop> {
    if wanted.contains('.') && find(graph, wanted).iter().all(|id| graph.node(*id).kind == Kind::Column) {
        return column(wanted, graph, &ready.compiled.model.pins).map(|found| vec![found]);
    }
    super::lineage::roots(wanted, graph, ready)
}

/// All that is touched by at least one of them, each by its shortest way.
fn touched(roots: &[NodeId], graph: &Graph) -> Vec<Touched> {
    let mut found: BTreeMap<NodeId, Touched> = BTreeMap::new();
    for one in roots.iter().flat_map(|root| graph.impact(*root)).filter(|one| !roots.contains(&one.node)) {
        if found.get(&one.node).is_none_or(|known| one.path.len() < known.path.len()) {
            found.insert(one.node, one);
        }
    }
    found.into_values().collect()
}

/// The column of a text.
fn column(wanted: &str, graph: &Graph, pins: &Pins) -> Result<NodeId, Stop> {
    let columns = || graph.all().filter(|(_, node)| node.kind == Kind::Column);
    // Of a table with versions the one that its name means.
    let of_name = || columns().filter(|(_, node)| node.name == wanted);
    let pinned = pins.of(Space::Rows, wanted.split('.').next().unwrap_or(wanted));
    let meant = pinned.and_then(|version| of_name().find(|(_, node)| node.version == version));
    if let Some((found, _)) = meant.or_else(|| of_name().max_by_key(|(_, node)| node.version)) {
        return Ok(found);
    }
    let tables = || graph.all().filter(|(_, node)| node.kind.is_table()).map(|(_, node)| node.name.as_str());
    let (table, name) = wanted.split_once('.').unwrap_or((wanted, ""));
    let (wrong, close) = if tables().any(|known| known == table) {
        let of = |node: &str| node.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'));
        let names = columns().map(|(_, node)| node.name.as_str()).filter(|node| of(node));
        (format!("`{table}` has no column `{name}`"), near(wanted, names).map(str::to_owned))
    } else {
        let close = near(table, tables()).map(|table| format!("{table}.{name}"));
        (format!("no source or entity is declared as `{table}`"), close)
    };
    let help = match close {
        Some(close) => format!("did you mean `{close}`?"),
        None => "name a column with its source or entity: `order.pay_amount`".to_owned(),
    };
    Err(error!(E0039, None, "{wrong}"; help: help).into())
}

/// The views of the targets that read a column, or show a metric that moves; and the rollups that these are served from.
fn built(told: &Map<String, Value>, roots: &[NodeId], touched: &[Touched], graph: &Graph) -> Vec<Built> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metrics: BTreeSet<(&str, u64)> = (roots.iter().copied().chain(touched.iter().map(|one| one.node)))
        .map(|id| graph.node(id))
        .filter(|node| node.kind == Kind::Metric)
        .map(|node| (node.name.as_str(), u64::from(node.version)))
        .collect();
    let reads = |metric: &Value| match roots {
        // A view may be of a metric that reads a column by a dimension which the view is not by.
        [column] if graph.node(*column).kind == Kind::Column => {
            let (table, name) = graph.node(*column).name.split_once('.').unwrap_or_default();
            list(&metric["reads"][table]).iter().any(|read| read == name)
        }
        _ => {
            let name = metric["name"].as_str().unwrap_or_default();
            let version = metric["version"].as_u64().unwrap_or(1);
            metrics.contains(&(family(name), version))
        }
    };
    let mut found = Vec::new();
    for (target, told) in told {
        let mut rollups: BTreeSet<String> = BTreeSet::new();
        for metric in list(&told["metrics"]).iter().filter(|metric| reads(metric)) {
            let of = vec![format!("{} {}", text(&metric["name"]), text(&metric["step"]))];
            found.push(Built { target: target.clone(), kind: "view", name: text(&metric["view"]), of });
            rollups.extend(list(&metric["rollups"]).iter().map(&text));
        }
        let all = list(&told["rollups"]);
        // The steps of one rollup follow from each other.
        let read: BTreeSet<u64> = all
            .iter()
            .filter(|one| rollups.contains(&text(&one["table"])))
            .filter_map(|one| one["rollup"].as_u64())
            .collect();
        for one in all.iter().filter(|one| one["rollup"].as_u64().is_some_and(|place| read.contains(&place))) {
            let of = list(&one["serves"]).iter().map(&text).collect();
            found.push(Built { target: target.clone(), kind: "rollup", name: text(&one["table"]), of });
        }
    }
    found
}

fn table(
    roots: &[NodeId],
    touched: &[Touched],
    built: &[Built],
    graph: &Graph,
    ready: &Ready,
    context: &Context,
) -> String {
    let (paint, sources) = (context.paint(), &ready.project.sources);
    let mut text = String::new();
    for root in roots {
        let node = graph.node(*root);
        text += &format!("{}\n", paint.dim(&show::place(graph, *root, sources)));
        text += &format!("{} {}\n", node.kind.word(), paint.bold(&crate::diagnostic::render::visible(&node.label)));
    }
    text.push('\n');
    if touched.is_empty() && built.is_empty() {
        return text + "nothing that is declared reads it\n";
    }
    let heads = ["what", "name", "reads it for", "by way of", "declared at"];
    let mut sorted: Vec<&Touched> = touched.iter().collect();
    sorted.sort_by_key(|one| (graph.node(one.node).kind, one.node));
    let rows = sorted.iter().map(|one| {
        let between = &one.path[1..one.path.len() - 1];
        let between: Vec<&str> = between.iter().map(|node| graph.node(*node).label.as_str()).collect();
        let roles = if between.is_empty() { show::words(&one.roles) } else { String::new() };
        let node = graph.node(one.node);
        let place = show::place(graph, one.node, sources);
        vec![node.kind.word().to_owned(), node.label.clone(), roles, between.join(" → "), place]
    });
    if touched.is_empty() {
        text += "nothing that is declared reads it\n";
    } else {
        text += &ui::table(&heads.map(ui::Column::text), rows);
    }
    if !built.is_empty() {
        let heads = ["target", "what", "name", "for"];
        let rows =
            built.iter().map(|one| vec![one.target.clone(), one.kind.to_owned(), one.name.clone(), one.of.join(", ")]);
        text += "\n";
        text += &ui::table(&heads.map(ui::Column::text), rows);
    }
    text
}

fn as_json(roots: &[NodeId], touched: &[Touched], built: &[Built], graph: &Graph, ready: &Ready) -> Value {
    let sources = &ready.project.sources;
    let one = |one: &Touched| {
        let mut told = show::node(graph, one.node, sources);
        let path: Vec<Value> = one
            .path
            .iter()
            .map(|node| {
                let node = graph.node(*node);
                json!({ "kind": node.kind.word(), "name": node.name, "version": node.version })
            })
            .collect();
        let roles: Vec<&str> = one.roles.iter().map(|role| role.word()).collect();
        told["direct"] = json!(one.path.len() == 2);
        told["for"] = json!(roles);
        told["path"] = json!(path);
        told
    };
    let declared: Vec<Value> = touched.iter().map(one).collect();
    let built =
        built.iter().map(|one| json!({ "target": one.target, "kind": one.kind, "name": one.name, "for": one.of }));
    let built: Vec<Value> = built.collect();
    let of: Vec<Value> = roots.iter().map(|root| show::node(graph, *root, sources)).collect();
    let mut told = json!({ "of": of, "touches": declared, "built": built });
    if let Some(column) = of.first().filter(|one| one["kind"] == Kind::Column.word()) {
        told["column"] = column.clone();
    }
    told
}
