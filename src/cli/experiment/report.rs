//! `metricc experiment report`: all that an experiment tells, on sample data, in one table.

use std::io::IsTerminal;
use std::path::PathBuf;

use crate::ask::{self, Asked};
use crate::cli::ready::Ready;
use crate::cli::{Context, Exit, Outcome, Stop, dry_run};
use crate::error;
use crate::plan::{DataType, Lowering, OutputColumn, Query, Value};
use crate::suggest::near;
use crate::syntax::ast;
use crate::table::{Answer, csv, json, terminal};

use super::Format;

/// Numbers of units less likely than this are none of chance.
const ODD: f64 = 0.001;

/// Show what an experiment tells of each metric and variant, on sample data
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The experiment
    name: String,
    /// The folder with the data [default: `samples` of metricc.yaml]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    format: Format,
}

/// What is asked of an experiment.
struct Asks {
    /// The metrics that it measures, as they are written.
    metrics: Vec<String>,
    /// The columns of each.
    columns: Vec<&'static str>,
}

/// Asks for all columns, and prints a row for each metric and variant.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let ready = context.compiled()?;
    let asks = asks(&ready, &args.name)?;
    let (ready, query) = planned(args, &asks, context)?;
    let folder = args.data.clone().unwrap_or_else(|| ready.project.root.join(&ready.project.config.samples));
    let (dry_run, warnings) = dry_run::prepare(&query, &folder, false, &ready, context)?;
    let answer = dry_run.run(&query).map_err(|found| Stop::found(&ready.project, found));
    drop(dry_run);
    if !warnings.is_empty() {
        context.report(&ready.project.sources, &ready.project.root, &warnings);
    }
    let wide = answer?;
    let report = report(&asks, &wide);
    let text = match args.format {
        Format::Table => {
            let style = terminal::Style { color: context.paint().is_on(), unicode: std::io::stdout().is_terminal() };
            terminal::table(&report, style)
        }
        Format::Csv => csv::csv(&report),
        Format::Json => json::json(&report),
    };
    context.print(&text)?;
    let ratio = wide.rows.iter().find_map(|row| match row.get(3) {
        Some(Value::Float(ratio)) => Some(*ratio),
        _ => None,
    });
    if let Some(ratio) = ratio.filter(|ratio| *ratio < ODD) {
        context.note(&format!(
            "units do not fall into variants as they should (p = {ratio:.2e}): something is wrong with the assignment, and no other number should be believed"
        ));
    }
    Ok(Exit::Clean)
}

/// The metrics and columns of an experiment of the project.
fn asks(ready: &Ready, name: &str) -> Result<Asks, Stop> {
    let blocks = ready.compiled.files.iter().flat_map(|file| &file.declarations);
    let blocks: Vec<&ast::Block> = blocks
        .filter_map(|declaration| match &declaration.kind {
            ast::DeclarationKind::Block(block) if block.keyword.value == "experiment" => Some(block),
            _ => None,
        })
        .collect();
    let Some(block) = blocks.iter().find(|block| block.name.value == name) else {
        let help = match near(name, blocks.iter().map(|block| block.name.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name an experiment that is declared".to_owned(),
        };
        return Err(error!(E0983, None, "there is no experiment `{name}`"; help: help).into());
    };
    let of = |wanted: &str| {
        let items = block.items.iter().filter_map(move |item| match &item.kind {
            ast::ItemKind::Keyed { key, values } if key.value == wanted => Some(values.as_slice()),
            _ => None,
        });
        let texts = items.flatten().filter_map(|value| match &value.kind {
            ast::ValueKind::Expr { expr, .. } => Some(ready.project.sources.text(expr.span).to_owned()),
            _ => None,
        });
        texts.collect::<Vec<String>>()
    };
    let judged: &[&str] = match of("method").first().map(String::as_str) {
        Some("bayesian") => &["expected", "probability"],
        _ => &["p_value"],
    };
    let adjusted = !of("cuped").is_empty() || !of("stratify").is_empty();
    let mut columns = vec!["mean"];
    columns.extend(adjusted.then_some("adjusted"));
    columns.extend(["difference", "lower", "upper"]);
    columns.extend(judged);
    Ok(Asks { metrics: of("metrics"), columns })
}

/// The project with a metric for each column, and the plan of the question for all of them.
fn planned(args: &Args, asks: &Asks, context: &Context) -> Result<(Ready, Query), Stop> {
    let name = &args.name;
    let mut names: Vec<String> = Vec::new();
    let mut text = String::new();
    let mut declare = |of: String| {
        let metric = format!("experiment_report_{}", names.len());
        text.push_str(&format!("metric {metric} = {name}.{of}\n"));
        names.push(metric);
    };
    ["units", "excluded", "sample_ratio"].into_iter().for_each(|column| declare(column.to_owned()));
    for metric in &asks.metrics {
        asks.columns.iter().for_each(|column| declare(format!("{column}({metric})")));
    }
    let (mut project, found) = context.load(None)?;
    let file = project.sources.add(format!("the report of {name}"), text);
    project.files.push(file);
    let mut ready = context.ready((project, found))?;
    let asked = Asked {
        metrics: names,
        step: Some("none".to_owned()),
        by: vec![format!("{name}.variant")],
        ..Asked::default()
    };
    let planned = ask::wanted(&ready.compiled.model, &asked, &mut ready.project.sources)
        .and_then(|wanted| wanted.lower(&Lowering::new(&ready.compiled.model)));
    match planned {
        Ok(query) => Ok((ready, query)),
        Err(found) => Err(Stop::found(&ready.project, found)),
    }
}

/// A row for each metric and variant, out of one for each variant.
fn report(asks: &Asks, wide: &Answer) -> Answer {
    let renamed =
        |at: usize, name: &str| OutputColumn { name: name.to_owned(), nullable: true, ..wide.columns[at].clone() };
    let text = |name: &str| OutputColumn { name: name.to_owned(), ty: DataType::String, nullable: true, unit: None };
    let first = 4;
    let mut columns = vec![text("metric"), text("variant")];
    columns.extend([(1, "units"), (2, "excluded"), (3, "sample_ratio")].map(|(at, name)| renamed(at, name)));
    // Units differ from metric to metric.
    let of_metric = |(at, name): (usize, &&str)| OutputColumn { unit: None, ..renamed(first + at, name) };
    columns.extend(asks.columns.iter().enumerate().map(of_metric));
    let mut rows = Vec::new();
    for (place, metric) in asks.metrics.iter().enumerate() {
        let from = first + place * asks.columns.len();
        for (at, row) in wide.rows.iter().enumerate() {
            let shown = wide.text(at, 0);
            let mut cells = vec![Value::String(metric.clone()), shown.map_or(Value::Null, Value::String)];
            cells.extend(row[1..first].iter().chain(&row[from..from + asks.columns.len()]).cloned());
            rows.push(cells);
        }
    }
    Answer { columns, keys: 2, rows, zone: wide.zone, step: None }
}
