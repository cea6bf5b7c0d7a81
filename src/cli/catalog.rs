//! `metricc catalog`: the metrics of the project as a list.

use std::collections::BTreeSet;

use serde_json::Value;

use super::lineage::roots;
use super::{Context, Exit, Outcome, Stop, ui};
use crate::catalog::{self, Entry, HEADS};
use crate::error;
use crate::lineage::Graph;
use crate::suggest::near;

/// List the metrics of the project: titles, tier, owner, unit, grain, dimensions and formula
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only metrics with one of these words in name, titles, description or formula
    #[arg(value_name = "WORD")]
    words: Vec<String>,
    /// Only metrics of these tiers
    #[arg(long, value_enum, value_delimiter = ',', value_name = "TIER")]
    tier: Vec<Tier>,
    /// Only metrics of these owners
    #[arg(long, value_delimiter = ',', value_name = "OWNER")]
    owner: Vec<String>,
    /// Only metrics that are declared in this folder or file
    #[arg(long, value_name = "PATH")]
    folder: Option<String>,
    /// Only metrics that are made of this: a table, subset, dimension, metric or column
    #[arg(long, value_name = "NAME")]
    uses: Option<String>,
    /// How the list is written
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    format: Format,
}

/// `--tier`
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Tier {
    /// What the whole company is led by
    Kpi,
    /// What stands behind these
    Ksi,
    /// What is looked at when something is wrong
    Diagnostic,
}

/// `--format`
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Aligned
    Table,
    /// A table for a page
    Markdown,
    /// For spreadsheets
    Csv,
    /// A list of objects
    Json,
}

/// Prints the metrics that fit all that is asked for.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let ready = context.compiled()?;
    let (model, sources) = (&ready.compiled.model, &ready.project.sources);
    let graph = Graph::of(&ready.compiled.files, model);
    let all = catalog::metrics(model, &graph, sources);
    known_owners(args, &all)?;
    let users = match &args.uses {
        None => None,
        Some(name) => {
            let roots = roots(name.trim(), &graph, &ready)?;
            let users = roots.iter().flat_map(|root| graph.downstream(*root, true).nodes);
            let users: BTreeSet<_> = users.filter(|node| !roots.contains(node)).collect();
            Some(users)
        }
    };
    let fits = |entry: &Entry| {
        let tier = |tier: &Tier| entry.tier == Some(word(*tier));
        let of_tier = args.tier.is_empty() || args.tier.iter().any(tier);
        let of_owner = args.owner.is_empty() || entry.owner.as_ref().is_some_and(|owner| args.owner.contains(owner));
        let of_users = users.as_ref().is_none_or(|users| users.contains(&entry.node));
        of_tier && of_owner && of_users && lies_in(entry, args.folder.as_deref()) && has_word(entry, &args.words)
    };
    let count = all.len();
    let entries: Vec<Entry> = all.into_iter().filter(fits).collect();
    let text = match args.format {
        Format::Table => table(&entries),
        Format::Markdown => catalog::markdown(&entries),
        Format::Csv => catalog::csv(&entries),
        Format::Json => format!("{:#}\n", Value::Array(entries.iter().map(Entry::json).collect())),
    };
    context.print(&text)?;
    if args.format == Format::Table {
        context.note(&match entries.len() {
            shown if shown == count => format!("{count} metrics"),
            shown => format!("{shown} of {count} metrics"),
        });
    }
    Ok(Exit::Clean)
}

fn word(wanted: Tier) -> &'static str {
    match wanted {
        Tier::Kpi => "kpi",
        Tier::Ksi => "ksi",
        Tier::Diagnostic => "diagnostic",
    }
}

/// An owner of nothing is a slip of the pen.
fn known_owners(args: &Args, all: &[Entry]) -> Result<(), Stop> {
    let known: BTreeSet<&str> = all.iter().filter_map(|entry| entry.owner.as_deref()).collect();
    let Some(owner) = args.owner.iter().find(|owner| !known.contains(owner.as_str())) else { return Ok(()) };
    let help = match near(owner, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "no metric has an owner".to_owned(),
        None => format!("the owners are: {}", known.iter().copied().collect::<Vec<_>>().join(", ")),
    };
    Err(error!(E0039, None, "no metric is owned by `{owner}`"; help: help).into())
}

/// Whether a metric is declared in a file or below a folder, relative to the project.
fn lies_in(entry: &Entry, folder: Option<&str>) -> bool {
    let Some(folder) = folder else { return true };
    let folder = folder.trim_start_matches("./").trim_end_matches('/');
    let below = entry.file.strip_prefix(folder);
    folder.is_empty() || folder == "." || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn has_word(entry: &Entry, words: &[String]) -> bool {
    let told =
        [Some(&entry.label), entry.title.as_ref(), entry.title_en.as_ref(), entry.doc.as_ref(), Some(&entry.formula)];
    let told: Vec<String> = told.into_iter().flatten().map(|text| text.to_lowercase()).collect();
    words.is_empty() || words.iter().any(|word| told.iter().any(|text| text.contains(&word.to_lowercase())))
}

/// Columns in which no metric says anything are left out.
fn table(entries: &[Entry]) -> String {
    if entries.is_empty() {
        return "no metric fits\n".to_owned();
    }
    let rows: Vec<[String; HEADS.len()]> = entries.iter().map(Entry::cells).collect();
    let told: Vec<usize> = (0..HEADS.len()).filter(|at| rows.iter().any(|row| !row[*at].is_empty())).collect();
    let heads: Vec<ui::Column> = told.iter().map(|at| ui::Column::text(HEADS[*at])).collect();
    ui::table(&heads, rows.iter().map(|row| told.iter().map(|at| row[*at].clone()).collect()))
}
