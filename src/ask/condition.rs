//! Conditions out of their text. They are read as the filter of a metric, so they have the same syntax.

use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Span};
use crate::error;
use crate::plan::{PARTIAL, column_name};
use crate::project::SourceMap;
use crate::syntax::{self, ast};
use crate::types::{
    By, DimFilter, FilterScope, InContext, KeyScope, MetricId, Model, OutputExpr, OutputName, TableId, Type, ValueType,
    check_filter, check_having,
};

/// A condition on dimensions, for the rows of some tables.
pub fn filter(
    model: &Model,
    rows: &[TableId],
    text: &str,
    sources: &mut SourceMap,
    d: &mut Diagnostics,
) -> Option<DimFilter> {
    const HELP: &str = "compare dimensions with literals: `--where 'platform = \"ios\" and not channel in (\"ads\")'`";
    let file = sources.add("--where", text);
    in_text(text, d, |d| {
        let condition = read(file, text, HELP, d)?;
        let names = InContext { names: model, dimensions: &model.dimensions, tables: &model.tables, reads: rows };
        let keys = KeyScope { names: &names, dimensions: &model.dimensions, tables: &model.tables, zone: model.zone };
        check_filter(&FilterScope { keys, metrics: Some((model, rows)) }, &condition, d)
    })
}

/// A condition on the columns of an answer.
pub fn having(
    model: &Model,
    metrics: &[MetricId],
    by: &[By],
    marked: bool,
    text: &str,
    sources: &mut SourceMap,
    d: &mut Diagnostics,
) -> Option<OutputExpr> {
    const HELP: &str = "compare columns of the answer: `--having 'orders >= 100 and gmv / orders > 2.5'`";
    let file = sources.add("--having", text);
    let mut columns = columns(model, metrics, by);
    if marked {
        let ty = ValueType { nullable: true, ..ValueType::plain(Type::String) };
        columns.push(OutputName { names: vec![PARTIAL.to_owned()], column: PARTIAL.to_owned(), ty });
    }
    in_text(text, d, |d| {
        let condition = read(file, text, HELP, d)?;
        check_having(&columns, &model.tables, model.zone, &condition, d)
    })
}

/// The columns of an answer.
fn columns(model: &Model, metrics: &[MetricId], by: &[By]) -> Vec<OutputName> {
    let grouped = by.iter().map(|by| {
        let column = by.name(&model.dimensions);
        let ty = match by {
            By::Dimension(id) | By::Within(id, _) => model.dimensions[id.0].ty.clone(),
            By::Part(part) => ValueType::plain(part.ty()),
        };
        OutputName { names: vec![column.clone()], column, ty: ValueType { nullable: true, ..ty } }
    });
    let asked = metrics.iter().map(|id| {
        let metric = &model.metrics[id.0];
        let column = column_name(model, *id, metrics);
        let versioned = format!("{} v{}", metric.name.value, metric.version);
        OutputName {
            names: vec![column.clone(), versioned],
            column,
            ty: ValueType { nullable: true, ..metric.ty.clone() },
        }
    });
    grouped.chain(asked).collect()
}

/// Does something with a text that stands in no file; what is wrong with it is told where it stands in the text.
fn in_text<T>(text: &str, d: &mut Diagnostics, what: impl FnOnce(&mut Diagnostics) -> Option<T>) -> Option<T> {
    let mut found = Diagnostics::new();
    let made = what(&mut found);
    d.extend(found.into_iter().map(|one| in_text_alone(one, text)).collect());
    made
}

/// What stands before the text of a condition where it is read.
const HEAD: &str = "metric asked = asked where (";

fn read(file: FileId, text: &str, help: &str, d: &mut Diagnostics) -> Option<ast::Expr> {
    let (mut parsed, found) = syntax::parse(file, &format!("{HEAD}{text}\n  )"));
    if let Some(first) = found.iter().next() {
        d.push(error!(E0957, first.span, "this is not a condition: {}", first.message; help: help));
        return None;
    }
    let condition = match parsed.declarations.as_mut_slice() {
        [ast::Declaration { kind: ast::DeclarationKind::Metric(metric), .. }] => asked_condition(metric),
        _ => None,
    };
    if condition.is_none() {
        let whole = Span::new(file, HEAD.len() as u32, (HEAD.len() + text.len()) as u32);
        d.push(
            error!(E0957, whole, "this is not one condition: brackets are closed that were never opened"; help: help),
        );
    }
    condition
}

/// The condition of `asked where (…)`, where that is all of the formula.
fn asked_condition(metric: &ast::Metric) -> Option<ast::Expr> {
    let ast::ExprKind::Postfix { operand, postfix } = &metric.formula.kind else { return None };
    match (&operand.kind, postfix.as_ref()) {
        (ast::ExprKind::Path { .. }, ast::Postfix::Where(condition)) => Some(condition.clone()),
        _ => None,
    }
}

/// A diagnostic whose places are those in the text that the user wrote.
fn in_text_alone(mut found: Diagnostic, text: &str) -> Diagnostic {
    let moved = |span: Span, file| {
        let place = |at: u32| at.saturating_sub(HEAD.len() as u32).min(text.len() as u32);
        if span.file == file { Span::new(file, place(span.start), place(span.end)) } else { span }
    };
    let Some(span) = found.span else { return found };
    found.span = Some(moved(span, span.file));
    found.related.iter_mut().for_each(|related| related.span = moved(related.span, span.file));
    found
}
