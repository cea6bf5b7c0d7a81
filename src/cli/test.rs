//! `metricc test`: runs the `test` blocks of the project.

use std::collections::BTreeMap;

use super::ready::Ready;
use super::ui::{Column, Paint, Progress, table};
use super::{Context, Exit, Outcome, Stop, rewrite};
use crate::diagnostic::{Diagnostic, FileId, Span, Spanned};
use crate::dry_run::{DryRun, Options};
use crate::error;
use crate::format::format_file;
use crate::plan::Lowering;
use crate::suggest::near;
use crate::syntax::ast::Test;
use crate::testing::{self, CellDifference, Difference, RowState, Verdict};
use crate::types::Model;

/// Run the `test` blocks: given rows through the dry run, against the expected ones
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only tests whose title or metric contains one of these words
    #[arg(value_name = "WORD")]
    words: Vec<String>,
    /// Write what comes out into the `expect` tables of tests that fail
    #[arg(long)]
    update: bool,
    /// How results are written
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
}

/// A form of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A line a test, and a table for each that fails
    Human,
    /// One JSON object
    Json,
}

/// Runs the tests that are asked for; exit code 1 where one fails.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let ready = context.compiled()?;
    let model = &ready.compiled.model;
    let lowering = Lowering::new(model);
    let mut dry_run = DryRun::new(Options { threads: Some(1), ..Options::new(model.zone) })
        .map_err(|found| Stop::found(&ready.project, found))?;
    let wanted: Vec<&Test> = model.tests.iter().filter(|test| is_wanted(test, &args.words)).collect();
    if wanted.is_empty() && !args.words.is_empty() {
        return Err(no_such_test(&args.words, model).into());
    }
    let progress = Progress::start("testing", wanted.len() as u64, context.options.quiet);
    let mut verdicts = Vec::with_capacity(wanted.len());
    for test in &wanted {
        verdicts.push(testing::run(&lowering, &mut dry_run, test));
        progress.step();
    }
    drop(progress);
    if args.update {
        update(&ready, &lowering, &mut dry_run, &wanted, &verdicts, context)?;
    }
    let failed = |verdict: &Verdict| match verdict {
        Verdict::Passed => false,
        // Its expectation is what came out now.
        Verdict::Failed(_) => !args.update,
        Verdict::Broken(_) => true,
    };
    let clean = !verdicts.iter().any(failed);
    match args.format {
        Format::Json => context.print(&json(&wanted, &verdicts, &ready))?,
        Format::Human => human(args.update, &wanted, &verdicts, &ready, context)?,
    }
    Ok(if clean { Exit::Clean } else { Exit::Findings })
}

fn no_such_test(words: &[String], model: &Model) -> Diagnostic {
    let titles = model.tests.iter().map(|test| test.title.value.as_str());
    let metrics = model.tests.iter().flat_map(|test| &test.metrics).map(|(path, _)| path.to_string());
    let known: Vec<String> = titles.map(str::to_owned).chain(metrics).collect();
    let close = words.iter().find_map(|word| near(word, known.iter().map(String::as_str)));
    let help = match (close, model.tests.len()) {
        (Some(close), _) => format!("did you mean `{close}`?"),
        (None, 0) => "the project has no tests".to_owned(),
        (None, count) => format!("without words all of the {count} tests run"),
    };
    error!(E0039, None, "no test has `{}` in its title or in the name of its metric", words.join("` or `"); help: help)
}

fn is_wanted(test: &Test, words: &[String]) -> bool {
    let names = || test.metrics.iter().map(|(path, _)| path.to_string());
    words.is_empty()
        || words.iter().any(|word| test.title.value.contains(word) || names().any(|name| name.contains(word)))
}

fn human(updated: bool, tests: &[&Test], verdicts: &[Verdict], ready: &Ready, context: &Context) -> Result<(), Stop> {
    let paint = context.paint();
    let mut text = String::new();
    for (test, verdict) in tests.iter().zip(verdicts) {
        let names: Vec<String> = test.metrics.iter().map(|(path, _)| path.to_string()).collect();
        let head = format!("{} {}", test.title.value, paint.dim(&format!("({})", names.join(", "))));
        match verdict {
            Verdict::Passed => text += &format!("{} {head}\n", paint.green("ok  ")),
            Verdict::Failed(difference) => {
                let word = if updated { paint.yellow("new ") } else { paint.red("FAIL") };
                text += &format!("{word} {head}\n     {}\n", paint.dim(&place(test.title.span, ready)));
                text += &shown(difference, paint);
            }
            Verdict::Broken(found) => {
                text += &format!("{} {head}\n", paint.red("FAIL"));
                context.report(&ready.project.sources, &ready.project.root, found);
            }
        }
    }
    context.print(&text)?;
    let passed = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Passed)).count();
    let broken = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Broken(_))).count();
    let failed = verdicts.len() - passed - broken;
    context.note(&match updated {
        true => format!("{passed} passed, {failed} with new expectations, {broken} failed"),
        false => format!("{passed} passed, {} failed", failed + broken),
    });
    Ok(())
}

fn place(span: Span, ready: &Ready) -> String {
    let file = ready.project.sources.file(span.file);
    let (line, column) = file.position(span.start);
    format!("{}:{line}:{column}", file.path)
}

/// The rows that differ, each changed cell as `expected → got`.
fn shown(difference: &Difference, paint: Paint) -> String {
    let cell = |cell: &Option<String>| match cell {
        None => "null".to_owned(),
        Some(text) if text.is_empty() => "\"\"".to_owned(),
        Some(text) => text.clone(),
    };
    let both = |state: RowState, one: &CellDifference| match state {
        RowState::Missing => cell(&one.expected),
        RowState::Unexpected => cell(&one.got),
        _ if one.same => cell(&one.expected),
        _ => format!("{} → {}", cell(&one.expected), cell(&one.got)),
    };
    let mut columns = vec![Column::text("")];
    columns.extend(difference.columns.iter().map(Column::text));
    let rows = difference.rows.iter().filter(|row| row.state != RowState::Same).map(|row| {
        let mark = match row.state {
            RowState::Missing => "missing",
            RowState::Unexpected => "unexpected",
            _ => "differs",
        };
        let mut line = vec![mark.to_owned()];
        line.extend(row.cells.iter().map(|one| both(row.state, one)));
        line
    });
    let text = table(&columns, rows);
    let indented: String = text.lines().map(|line| format!("     {line}\n")).collect();
    let same = difference.rows.iter().filter(|row| row.state == RowState::Same).count();
    match same {
        0 => indented,
        1 => format!("{indented}     {}\n", paint.dim("1 row agrees")),
        _ => format!("{indented}     {}\n", paint.dim(&format!("{same} rows agree"))),
    }
}

fn json(tests: &[&Test], verdicts: &[Verdict], ready: &Ready) -> String {
    let list: Vec<serde_json::Value> = (tests.iter().zip(verdicts))
        .map(|(test, verdict)| {
            let names: Vec<String> = test.metrics.iter().map(|(path, _)| path.to_string()).collect();
            let (state, rows, errors) = match verdict {
                Verdict::Passed => ("passed", Vec::new(), Vec::new()),
                Verdict::Failed(difference) => ("failed", json_rows(difference), Vec::new()),
                Verdict::Broken(found) => {
                    let told = found.iter().map(|one| format!("{}: {}", one.code, one.message));
                    ("broken", Vec::new(), told.collect())
                }
            };
            serde_json::json!({
                "title": test.title.value, "metrics": names, "place": place(test.title.span, ready), "state": state,
                "rows": rows, "errors": errors,
            })
        })
        .collect();
    let passed = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Passed)).count();
    format!("{:#}\n", serde_json::json!({ "passed": passed, "failed": list.len() - passed, "tests": list }))
}

fn json_rows(difference: &Difference) -> Vec<serde_json::Value> {
    let state = |state: RowState| match state {
        RowState::Same => "same",
        RowState::Changed => "changed",
        RowState::Missing => "missing",
        RowState::Unexpected => "unexpected",
    };
    let side = |cells: &[CellDifference], expected: bool| -> serde_json::Map<String, serde_json::Value> {
        let value = |one: &CellDifference| if expected { one.expected.clone() } else { one.got.clone() };
        difference.columns.iter().cloned().zip(cells.iter().map(|one| value(one).into())).collect()
    };
    (difference.rows.iter())
        .map(|row| {
            serde_json::json!({ "state": state(row.state), "expected": side(&row.cells, true), "got": side(&row.cells, false) })
        })
        .collect()
}

/// Writes the answers of failed tests into their `expect` tables, laid out by the formatter.
fn update(
    ready: &Ready,
    lowering: &Lowering<'_>,
    dry_run: &mut DryRun,
    tests: &[&Test],
    verdicts: &[Verdict],
    context: &Context,
) -> Result<(), Stop> {
    let mut edits: BTreeMap<FileId, Vec<(Span, String)>> = BTreeMap::new();
    for (test, verdict) in tests.iter().zip(verdicts) {
        if !matches!(verdict, Verdict::Failed(_)) {
            continue;
        }
        let rows = testing::expectation(lowering, dry_run, test).map_err(|found| Stop::found(&ready.project, found))?;
        let escaped = |name: &Spanned<String>| name.value.replace('\\', "\\\\").replace('|', "\\|");
        let header: Vec<String> = test.expect.header.iter().map(escaped).collect();
        let mut text = format!("expect {{\n    | {} |\n", header.join(" | "));
        for row in rows {
            text += &format!("    | {} |\n", row.join(" | "));
        }
        text += "  }";
        edits.entry(test.expect.span.file).or_default().push((test.expect.span, text));
    }
    for (file, mut changes) in edits {
        changes.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        let source = ready.project.sources.file(file);
        let mut text = source.text.clone();
        for (span, new) in changes {
            text.replace_range(span.start as usize..span.end as usize, &new);
        }
        // An answer that the formatter can't lay out is still the answer.
        let text = format_file(file, &text).unwrap_or(text);
        rewrite::replace(&ready.project.root.join(&source.path), &text).map_err(|failure| *failure)?;
        context.note(&format!("wrote {}", source.path));
    }
    Ok(())
}
