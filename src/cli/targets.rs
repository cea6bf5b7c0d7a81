//! `metricc targets`: what each engine can express, tried out on the compiler itself.

use super::ui::{Column, table};
use super::{Context, Exit, Outcome};
use crate::compile::compile;
use crate::diagnostic::codes;
use crate::emit;
use crate::plan::{Lowering, Query, Question, Step};
use crate::project::{Engine, MemoryFiles, load};
use crate::sql::{self, Dialect};
use crate::types::MetricId;

/// Show which constructs of the language each engine can express
#[derive(clap::Args, Debug)]
pub struct Args {
    /// How the matrix is written
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    format: Format,
}

/// A form of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Aligned
    Table,
    /// A list of objects
    Json,
}

/// One construct, as an example for each: a group, a name, and declarations that use it.
const EXAMPLES: &str = include_str!("targets/examples.txt");

/// What the examples are written over.
const PRELUDE: &str = include_str!("targets/prelude.metric");

/// What an engine makes of a construct.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// It is expressed exactly.
    Yes,
    /// It is not, for this reason.
    No(String),
    /// It asks for numbers, and a stream holds none: its warehouse is asked.
    Warehouse,
    /// The compiler refuses it for every engine so far (E0801).
    Later,
    /// The example itself is wrong: a defect of this program.
    Broken(String),
}

impl Answer {
    fn text(&self) -> String {
        match self {
            Answer::Yes => "yes".to_owned(),
            Answer::No(why) => format!("no: {why}"),
            Answer::Warehouse => "its warehouse is asked".to_owned(),
            Answer::Later => "later".to_owned(),
            Answer::Broken(why) => format!("?: {why}"),
        }
    }
}

/// Tries every example on every engine.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let rows = matrix();
    match args.format {
        Format::Table => {
            let mut columns = vec![Column::text(""), Column::text("construct")];
            columns.extend(engines().iter().map(Column::text));
            let lines = rows.iter().map(|(group, name, answers)| {
                let cells = answers.iter().map(Answer::text);
                [group.clone(), name.clone()].into_iter().chain(cells).collect()
            });
            context.print(&table(&columns, lines))?;
        }
        Format::Json => {
            let list: Vec<serde_json::Value> = (rows.iter())
                .map(|(group, name, answers)| {
                    let by = engines().into_iter().zip(answers).map(|(name, answer)| (name, answer.text().into()));
                    serde_json::json!({ "group": group, "construct": name, "engines": serde_json::Map::from_iter(by) })
                })
                .collect();
            context.print(&format!("{:#}\n", serde_json::Value::from(list)))?;
        }
    }
    Ok(Exit::Clean)
}

/// The names of the dialects of questions, then of the engines of streams.
fn engines() -> Vec<String> {
    let dialects = sql::DIALECTS.iter().map(|dialect| dialect.name().to_owned());
    dialects.chain(streams().map(|engine| format!("stream: {}", engine.word()))).collect()
}

/// The engines of streams.
fn streams() -> impl Iterator<Item = Engine> {
    Engine::ALL.into_iter().map(|(_, engine)| engine)
}

/// Every construct with the answer of each engine.
fn matrix() -> Vec<(String, String, Vec<Answer>)> {
    let mut rows = Vec::new();
    for line in EXAMPLES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut parts = line.splitn(3, " | ");
        if let (Some(group), Some(name), Some(text)) = (parts.next(), parts.next(), parts.next()) {
            rows.push((group.trim().to_owned(), name.trim().to_owned(), answers(text)));
        }
    }
    rows
}

/// What each engine makes of the metric `m` of some declarations.
fn answers(text: &str) -> Vec<Answer> {
    let asked = asked(text, PRELUDE);
    let mut answers: Vec<Answer> = match &asked {
        Ok((query, _)) => sql::DIALECTS.iter().map(|dialect| said(query, *dialect)).collect(),
        Err(answer) => vec![answer.clone(); sql::DIALECTS.len()],
    };
    // A stream counts no rows that are updated later, whatever is asked of them.
    let streamed = self::asked(text, &PRELUDE.replace(" latest by updated_at", ""));
    answers.extend(streams().map(|engine| match &streamed {
        Ok((_, true)) => Answer::Warehouse,
        Ok((query, false)) => emit::refusal(query, engine, Step::Subday(60_000)).map_or(Answer::Yes, Answer::No),
        Err(answer) => answer.clone(),
    }));
    answers
}

/// The plan of the metric `m` of some declarations, and whether they ask for numbers that others hold (rules of quality, alerts, objectives,
/// reports, dashboards); or what stands against it.
fn asked(text: &str, prelude: &str) -> Result<(Query, bool), Answer> {
    let files = MemoryFiles::new()
        .with("metricc.yaml", "name: targets\nunits: [CNY]\n")
        .with("metrics/prelude.metric", prelude)
        .with("metrics/example.metric", text.replace(" ;; ", "\n"));
    let (Some(project), _) = load(&files) else { return Err(Answer::Broken("no project".to_owned())) };
    let (compiled, found) = compile(&project);
    if found.iter().any(|one| one.code == codes::E0801) {
        return Err(Answer::Later);
    }
    if let Some(one) = found.iter().find(|one| one.code.0.starts_with('E')) {
        return Err(Answer::Broken(format!("{}: {}", one.code, one.message)));
    }
    let Some(place) = compiled.model.metrics.iter().position(|metric| metric.name.as_str() == "m") else {
        return Err(Answer::Broken("no metric `m`".to_owned()));
    };
    let model = &compiled.model;
    let watches = !model.qualities.is_empty() || !model.alerts.is_empty() || !model.slos.is_empty();
    let asks = watches || !model.reports.is_empty() || !model.dashboards.is_empty();
    let metric = &compiled.model.metrics[place];
    let question = Question { by: metric.by.clone(), ..Question::of(vec![MetricId(place)]) };
    Lowering::new(&compiled.model)
        .lower(&question)
        .map(|query| (query, asks))
        .map_err(|found| Answer::Broken(found.iter().next().map(|one| one.message.clone()).unwrap_or_default()))
}

fn said(query: &Query, dialect: &dyn Dialect) -> Answer {
    match sql::select(query, dialect, &sql::Options::default()) {
        Ok(_) => Answer::Yes,
        Err(why) => Answer::No(why.first().map(|one| one.reason.clone()).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_expressed_or_refused_for_a_reason() {
        let rows = matrix();
        let broken: Vec<_> =
            (rows.iter()).filter(|(_, _, answers)| answers.iter().any(|a| matches!(a, Answer::Broken(_)))).collect();
        assert!(broken.is_empty(), "{broken:#?}");
        let of_questions = |answers: &[Answer]| answers[..sql::DIALECTS.len()].iter().all(|a| *a == Answer::Yes);
        let yes = rows.iter().filter(|(_, _, answers)| of_questions(answers)).count();
        assert!(yes >= 70, "only {yes} of {} constructs are expressed everywhere", rows.len());
    }

    #[test]
    fn the_matrix_is_as_documented() {
        let text: String = (matrix().iter())
            .map(|(group, name, answers)| {
                let cells: Vec<String> = answers.iter().map(Answer::text).collect();
                format!("{group} | {name} | {}\n", cells.join(" | "))
            })
            .collect();
        insta::with_settings!({ snapshot_path => std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("snapshots/cli"), prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!("targets", text);
        });
    }
}
