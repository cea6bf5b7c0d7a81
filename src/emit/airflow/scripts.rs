//! The statements that tasks run, as files beside the DAGs.

use super::{Build, double_runs, id};
use crate::diagnostic::Diagnostics;
use crate::emit::Artifact;
use crate::emit::clickhouse::{Gate, Run};
use crate::error;

/// The line between two statements.
const NEXT: &str = "\n-- next statement\n";

/// The folder of a batch, below `sql/`. Its end says how often it runs.
pub fn folder(run: &Run) -> String {
    format!("{}__{}", id::id(&run.source), run.cadence.word())
}

/// The file of rules of quality, below `sql/quality/`.
pub fn gate(gate: &Gate, after: bool) -> String {
    format!("{}{}.sql", id::id(&gate.name), if after { "__after" } else { "" })
}

/// The files of all batches and gates.
pub fn files(build: &Build, diagnostics: &mut Diagnostics) -> Vec<Artifact> {
    let mut files = Vec::new();
    for run in &build.schedule.batches {
        files.extend(of_run(build, run, &folder(run), diagnostics));
    }
    for (beside, runs) in build.input.changes.iter().zip(&build.schedule.changes) {
        for run in runs {
            files.extend(of_run(build, run, &double_runs::folder(beside, run), diagnostics));
        }
    }
    for gate in &build.schedule.gates {
        for (after, statement) in [(false, &gate.before), (true, &gate.after)] {
            let path = format!("dags/{}/sql/quality/{}", build.package, self::gate(gate, after));
            let statement = statement.as_ref().map(std::slice::from_ref);
            files.extend(statement.map(|one| file(build, &path, one, &gate.source, diagnostics)));
        }
    }
    files
}

/// The files of a batch.
fn of_run(build: &Build, run: &Run, folder: &str, diagnostics: &mut Diagnostics) -> Vec<Artifact> {
    let path = |step: &str| format!("dags/{}/sql/{folder}/{step}", build.package);
    run.steps.iter().map(|(step, all)| file(build, &path(step), all, &run.source, diagnostics)).collect()
}

fn file(build: &Build, path: &str, statements: &[String], source: &str, diagnostics: &mut Diagnostics) -> Artifact {
    let text = statements.join(NEXT);
    // What the tasks will make of it.
    if text.split(NEXT).ne(statements.iter().map(String::as_str)) {
        diagnostics.push(error!(E0812, None, "{path} does not read back: a statement holds the line between two";
            help: "change the text that holds `-- next statement` on a line of its own"));
    }
    Artifact { path: format!("{}/{path}", build.folder), text: text + "\n", origin: vec![source.to_owned()] }
}
