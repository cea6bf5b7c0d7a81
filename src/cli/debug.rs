//! `metricc debug`: what each stage of the compiler makes, as it is held in memory.

use clap::Subcommand;

use super::{Context, Exit, Outcome, Stop, asked::AskArgs, declared, ready::Ready};
use crate::{error, plan::Query, sql, suggest::near};

/// Show what a stage of the compiler makes of a declaration or a question; the form may change with every version
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    stage: Stage,
}

#[derive(Debug, Subcommand)]
enum Stage {
    /// The syntax tree of a declaration
    Ast {
        /// Its name
        name: String,
    },
    /// A declaration with everything bound and typed
    Model {
        /// The name of a metric, dimension, subset, source or entity
        name: String,
    },
    /// The plan that answers a question
    Plan(Box<AskArgs>),
    /// The SELECT that answers a question, in every dialect
    Sql(Box<AskArgs>),
}

/// Prints the form of the stage.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let text = match &args.stage {
        Stage::Ast { name } => ast(name, &context.compiled()?)?,
        Stage::Model { name } => model(name, &context.compiled()?)?,
        Stage::Sql(question) => in_every_dialect(&question.plan(context)?.2),
        Stage::Plan(question) => format!("{:#?}\n", question.plan(context)?.2),
    };
    context.print(&text)?;
    Ok(Exit::Clean)
}

fn in_every_dialect(query: &Query) -> String {
    let said = |dialect: &dyn sql::Dialect| match sql::select(query, dialect, &sql::Options::default()) {
        Ok(select) => format!("{};", sql::to_text(&select, dialect)),
        Err(why) => why.iter().map(|one| format!("-- cannot express {}: {}", one.construct, one.reason)).collect(),
    };
    sql::DIALECTS.iter().map(|dialect| format!("-- {}\n{}\n", dialect.name(), said(*dialect))).collect()
}

fn ast(name: &str, ready: &Ready) -> Result<String, Stop> {
    let found = declared::find(name, &ready.compiled.files);
    if found.is_empty() {
        return Err(unknown(name, declared::names(&ready.compiled.files)));
    }
    Ok(found.iter().map(|declaration| format!("{declaration:#?}\n")).collect())
}

fn model(name: &str, ready: &Ready) -> Result<String, Stop> {
    let model = &ready.compiled.model;
    let mut text = String::new();
    text.extend(model.metrics.iter().filter(|one| one.name.value == name).map(|one| format!("{one:#?}\n")));
    text.extend(model.dimensions.iter().filter(|one| one.name.value == name).map(|one| format!("{one:#?}\n")));
    text.extend(model.subsets.iter().filter(|one| one.name.value == name).map(|one| format!("{one:#?}\n")));
    text.extend(model.tables.iter().filter(|one| one.name.value == name).map(|one| format!("{one:#?}\n")));
    if text.is_empty() { Err(unknown(name, declared::names(&ready.compiled.files))) } else { Ok(text) }
}

/// Tells that nothing has this name.
pub fn unknown<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Stop {
    let help = match near(name, names) {
        Some(close) => format!("did you mean `{close}`?"),
        None => "name a metric, dimension, subset, source or entity of this project".to_owned(),
    };
    error!(E0039, None, "nothing is declared as `{name}`"; help: help).into()
}
