//! A generated project in the hands of the compiler.

use std::sync::Arc;

use metricc::ask::{self, Asked};
use metricc::compile::{Compiled, compile};
use metricc::diagnostic::{Diagnostics, Severity};
use metricc::plan::{Lowering, Query, Table};
use metricc::project::{MemoryFiles, Project as Loaded, load};

use super::model::{By, Project, Question, Step, Top};

/// A project that compiled.
pub struct Front {
    pub loaded: Loaded,
    pub compiled: Compiled,
    pub tables: Arc<Vec<Table>>,
}

/// Compiles a project whose tables are in `database`, or tells what the compiler does not like.
pub fn front(project: &Project, database: &str) -> Result<Front, String> {
    let files = MemoryFiles::new()
        .with("metricc.yaml", project.manifest())
        .with("metrics/all.metric", project.declarations(database));
    let (loaded, diagnostics) = load(&files);
    let Some(loaded) = loaded else { return Err(errors(&diagnostics)) };
    let (compiled, found) = compile(&loaded);
    if diagnostics.has_errors() || found.has_errors() {
        return Err(errors(&diagnostics) + &shown(&found, &loaded));
    }
    let tables = Arc::clone(&Lowering::new(&compiled.model).tables);
    Ok(Front { loaded, compiled, tables })
}

impl Front {
    /// The plan of a question, asked in the words of the command line.
    pub fn plan(&self, project: &Project, question: &Question) -> Result<Query, String> {
        let asked = Asked {
            metrics: question.metrics.clone(),
            step: Some(question.step.map_or("none".into(), Step::text)),
            by: question.by.iter().map(By::text).collect(),
            from: question.limits(project.zone).map(|(from, _)| from),
            to: question.limits(project.zone).map(|(_, to)| to),
            cut: question.exact.is_some(),
            having: question.having.as_ref().map(|having| project.printer().expr(having)),
            top: question.top.as_ref().map(Top::text),
            filter: question.filter.as_ref().map(|filter| project.printer().expr(filter)),
            fill: question.fill.map(|fill| fill.word().to_owned()),
            order: (question.order.iter())
                .map(|(column, descending)| if *descending { format!("{column} desc") } else { column.clone() })
                .collect(),
            limit: question.limit,
            ..Asked::default()
        };
        let mut sources = self.loaded.sources.clone();
        let question = ask::question(&self.compiled.model, &asked, &mut sources).map_err(|d| errors(&d))?;
        let lowering = Lowering { model: &self.compiled.model, tables: Arc::clone(&self.tables) };
        lowering.lower(&question).map_err(|d| errors(&d))
    }
}

pub fn errors(diagnostics: &Diagnostics) -> String {
    let errors = diagnostics.iter().filter(|one| one.code.severity() == Severity::Error);
    errors.map(|one| format!("{}: {}\n", one.code, one.message)).collect()
}

/// Whether errors only say that something is not compiled yet.
pub fn is_refusal(errors: &str) -> bool {
    let code = |line: &&str| line.starts_with('E') && line.get(5..6) == Some(":");
    let mut codes = errors.lines().filter(code).map(|line| &line[..5]).peekable();
    codes.peek().is_some() && codes.all(|code| code == "E0801")
}

/// The errors, each with the line it is about.
fn shown(diagnostics: &Diagnostics, loaded: &Loaded) -> String {
    let errors = diagnostics.iter().filter(|one| one.code.severity() == Severity::Error);
    let line = |one: &metricc::diagnostic::Diagnostic| {
        let span = one.span?;
        let file = loaded.sources.file(span.file);
        let (line, column) = file.position(span.start);
        Some(format!("    {} (column {column})\n", file.text.lines().nth(line - 1)?))
    };
    errors.map(|one| format!("{}: {}\n{}", one.code, one.message, line(one).unwrap_or_default())).collect()
}
