//! `metricc lineage`: what something is made of, and what uses it.

use super::{Context, Exit, Outcome, Stop, declared, ready::Ready, ui};
use crate::error;
use crate::lineage::{Graph, Kind, NodeId, Trace, find, show};
use crate::suggest::near;

/// Show what a metric, subset, dimension or table is made of, and what uses it
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What is looked at: dau, 'dau v1', order, or a column: order.pay_amount
    name: String,
    /// Down to the columns of sources and entities
    #[arg(long)]
    columns: bool,
    /// How it is shown
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    format: Format,
}

/// `--format`
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Table,
    /// For Graphviz
    Dot,
    /// For Mermaid
    Mermaid,
    /// For programs
    Json,
}

/// Prints both ways of each node of the name.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let ready = context.compiled()?;
    let graph = Graph::of(&ready.compiled.files, &ready.compiled.model);
    let roots = roots(args.name.trim(), &graph, &ready)?;
    // A column would be lost in its table.
    let columns = args.columns || roots.iter().any(|root| graph.node(*root).kind == Kind::Column);
    let sources = &ready.project.sources;
    let both = || {
        show::joined(roots.iter().flat_map(|root| [graph.upstream(*root, columns), graph.downstream(*root, columns)]))
    };
    let text = match args.format {
        Format::Table => {
            let parts = roots.iter().map(|root| table(*root, columns, &graph, &ready, context));
            parts.collect::<Vec<_>>().join("\n")
        }
        Format::Dot => show::dot(&graph, &both(), &roots),
        Format::Mermaid => show::mermaid(&graph, &both(), &roots),
        Format::Json => format!("{:#}\n", show::json(&graph, &both(), &roots, sources)),
    };
    context.print(&text)?;
    Ok(Exit::Clean)
}

/// The nodes that a name means.
pub(super) fn roots(name: &str, graph: &Graph, ready: &Ready) -> Result<Vec<NodeId>, Stop> {
    let found = find(graph, name);
    if !found.is_empty() {
        return Ok(found);
    }
    let names = declared::names(&ready.compiled.files);
    let columns = graph.all().filter(|(_, node)| node.kind == Kind::Column).map(|(_, node)| node.name.as_str());
    let close = if name.contains('.') { near(name, columns) } else { near(name, names) };
    let help = match close {
        Some(close) => format!("did you mean `{close}`?"),
        None => "name a metric, dimension, subset or table of this project, or a column: `order.id`".to_owned(),
    };
    Err(error!(E0039, None, "nothing is declared as `{name}`"; help: help).into())
}

/// A node with all that is above and below it.
fn table(root: NodeId, columns: bool, graph: &Graph, ready: &Ready, context: &Context) -> String {
    let (paint, sources) = (context.paint(), &ready.project.sources);
    let node = graph.node(root);
    let mut text = format!("{}\n", paint.dim(&show::place(graph, root, sources)));
    text += &format!("{} {}\n", node.kind.word(), paint.bold(&crate::diagnostic::render::visible(&node.label)));
    let parts = [
        ("made of", graph.upstream(root, columns), show::Towards::Used),
        ("used by", graph.downstream(root, columns), show::Towards::Users),
    ];
    for (title, trace, towards) in parts {
        text += "\n";
        text += &part(title, root, &trace, towards, graph, ready);
    }
    text
}

fn part(title: &str, root: NodeId, trace: &Trace, towards: show::Towards, graph: &Graph, ready: &Ready) -> String {
    let lines = show::tree(graph, trace, root, towards);
    if lines.is_empty() {
        return format!("{title}: nothing\n");
    }
    let rows = lines.iter().map(|line| {
        let node = graph.node(line.node);
        let again = if line.again { " …" } else { "" };
        vec![
            format!("{}{}{again}", "  ".repeat(line.depth), node.label),
            node.kind.word().to_owned(),
            show::words(&line.roles),
            show::place(graph, line.node, &ready.project.sources),
        ]
    });
    let heads = [title, "what", "read for", "declared at"];
    let text = ui::table(&heads.map(ui::Column::text), rows);
    if lines.iter().any(|line| line.again) { text + "… stands above\n" } else { text }
}
