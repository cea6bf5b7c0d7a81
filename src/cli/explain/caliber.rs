//! What a metric counts in the end: each aggregate behind its formula, with the rows, filters and times that it is of.

use rustc_hash::FxHashSet;

use crate::project::SourceMap;
use crate::types::{
    Column, ColumnId, Formula, FormulaKind, History, Leaf, MetricId, Model, Origin, RowExpr, RowExprKind, RowSet,
    TableId, Type,
};
use crate::value::{Function, How, PathHow, Role, Step};

/// A line of the caliber: what it tells, and that.
pub type Line = (&'static str, String);

/// The aggregates behind a metric, those of other metrics that it names included, each once, in order of reading.
///
/// The lines of an aggregate are its text, which rows of its table count, what they satisfy, when they happen, and which
/// entities are looked up.
pub fn of(id: MetricId, model: &Model, sources: &SourceMap) -> Vec<Vec<Line>> {
    let mut leaves = Vec::new();
    gather(id, model, &mut FxHashSet::default(), &mut leaves);
    let mut told = FxHashSet::default();
    let mut parts = Vec::new();
    for (formula, leaf) in leaves {
        let mut lines = vec![("value", one_line(sources.text(formula.span)))];
        rows(&leaf.rows, model, sources, &mut lines);
        let by = model.metrics[id.0].by.iter().filter_map(|by| model.bind(by.dimension()?, leaf.rows.base).ok());
        let by: Vec<RowExpr> = by.collect();
        joins(leaf.rows.filters.iter().chain(&leaf.input).chain(&by), model, &mut lines);
        if told.insert(lines.clone()) {
            parts.push(lines);
        }
    }
    parts
}

fn gather<'a>(
    id: MetricId,
    model: &'a Model,
    seen: &mut FxHashSet<MetricId>,
    leaves: &mut Vec<(&'a Formula, &'a Leaf)>,
) {
    if !seen.insert(id) {
        return;
    }
    model.metrics[id.0].formula.walk(&mut |part| match &part.kind {
        FormulaKind::Leaf(leaf) => {
            leaves.push((part, leaf));
            // What its conditions look up behind it.
            leaf.rows.filters.iter().for_each(|filter| {
                filter.walk(&mut |part| {
                    if let RowExprKind::Per { per, .. } = &part.kind {
                        gather(per.metric, model, seen, leaves);
                    }
                });
            });
        }
        FormulaKind::Metric(other) => gather(*other, model, seen, leaves),
        _ => {}
    });
}

/// Which rows count.
fn rows(set: &RowSet, model: &Model, sources: &SourceMap, lines: &mut Vec<Line>) {
    let table = model.table(set.base);
    let name = table.name.as_str();
    match &table.origin {
        Origin::Stored => lines.push(("rows", format!("{name}: {}", kept(set.base, model)))),
        Origin::Raw(of) => {
            lines.push(("rows", format!("{}: as they came, each counts", model.table(*of).name.as_str())))
        }
        Origin::FirstOf { rows: of, keys } => {
            let keys: Vec<String> = keys.iter().map(|key| one_line(sources.text(key.span))).collect();
            rows(of, model, sources, lines);
            lines.push(("of these", format!("the first for each {}, over all history", keys.join(" and "))));
        }
        Origin::Union(union) => {
            for member in &union.members {
                rows(&member.rows, model, sources, lines);
            }
            lines.push(("of these", "all together".to_owned()));
        }
        Origin::Made(made) => match &made.how {
            How::Segment(_) => {
                lines.push(("members", format!("{name}: each one as of the start of each day")));
                for part in made.parts.iter().skip(1) {
                    lines.push(("measured", "of these rows, before the day".to_owned()));
                    rows(&part.rows, model, sources, lines);
                }
            }
            How::Conversion(how) => {
                let units = if how.per { how.keys(0) - 1 } else { 0 };
                let whose = made.parts[0].values.get(units).map(|by| whose(by, model, sources));
                lines.push(("leading", format!("{name}: these rows, of a {}", whose.unwrap_or_default())));
                rows(&made.parts[0].rows, model, sources, lines);
                lines.push(("credited", "of these rows, within the window".to_owned()));
                rows(&made.parts[1].rows, model, sources, lines);
            }
            How::Attribution(attribution) => {
                let whose = made.parts[0].values.first().map(|by| whose(by, model, sources));
                lines.push(("converted", format!("{name}: these rows, of a {}", whose.unwrap_or_default())));
                rows(&made.parts[0].rows, model, sources, lines);
                lines.push(("credited to", "these rows before them, within the window".to_owned()));
                rows(&made.parts[1].rows, model, sources, lines);
                let models: Vec<&str> = attribution.models.iter().map(|model| model.name()).collect();
                lines.push(("shared", format!("by {}", models.join(", "))));
            }
            How::Experiment(how) => {
                let whose = made.parts[0].values.first().map(|by| whose(by, model, sources));
                lines.push(("units", format!("{name}: the first of these rows of a {}", whose.unwrap_or_default())));
                rows(&made.parts[0].rows, model, sources, lines);
                let days = |ms: i64| Step::Subday(ms).text();
                let mut spans = format!("from the exposure on, for {}", days(how.within));
                if let Some(before) = how.before {
                    spans.push_str(&format!("; before it, for {}", days(before)));
                }
                lines.push(("measured", spans));
                let mut told: Vec<Vec<Line>> = Vec::new();
                for part in made.parts[1..].iter().filter(|part| !part.values.is_empty()) {
                    let mut of_part = Vec::new();
                    rows(&part.rows, model, sources, &mut of_part);
                    if !told.contains(&of_part) {
                        lines.extend(of_part.clone());
                        told.push(of_part);
                    }
                }
            }
            How::Paths(how) => {
                let whose = made.parts[0].values.first().map(|by| whose(by, model, sources));
                rows(&made.parts[0].rows, model, sources, lines);
                if let Some(step) = made.parts[0].values.get(1) {
                    lines.push(("steps", format!("called by {}, null left out", one_line(sources.text(step.span)))));
                }
                let gap = Step::Subday(how.session).text();
                lines.push((
                    "paths",
                    format!("{name}: a pause longer than {gap} of a {} parts them", whose.unwrap_or_default()),
                ));
                lines.extend(path_ends(how));
            }
            How::Attempts(attempts) => {
                let whose = made.parts[0].values.first().map(|by| whose(by, model, sources));
                lines.push((
                    "attempts",
                    format!("{name}: one a row of the first step, of a {}", whose.unwrap_or_default()),
                ));
                for (part, roles) in made.parts.iter().zip(&attempts.roles) {
                    match roles[0] {
                        Role::Step(_) => lines.push(("step", "of these rows".to_owned())),
                        Role::Exclusion(_) => lines.push(("ended by", "these rows".to_owned())),
                        Role::Other | Role::End => continue,
                    }
                    rows(&part.rows, model, sources, lines);
                }
            }
            How::Cohort { of, .. } => {
                let whose = made.parts[0].values.first().map(|by| whose(by, model, sources));
                lines.push(("units", format!("{name}: one {} a start row", whose.unwrap_or_default())));
                rows(&made.parts[0].rows, model, sources, lines);
                if let Some(at_ages) = of.rows() {
                    lines.push(("at ages", "of these rows, from the start on".to_owned()));
                    rows(&made.parts[at_ages].rows, model, sources, lines);
                }
            }
        },
        Origin::Session(session) => {
            rows(&session.rows, model, sources, lines);
            let gap = Step::Subday(session.gap).text();
            lines.push((
                "of these",
                format!("{name}: a pause longer than {gap} of a {} parts them", entity(session.by, model)),
            ));
        }
    }
    let of_experiment = matches!(&table.origin, Origin::Made(made) if matches!(made.how, How::Experiment(_)));
    for filter in &set.filters {
        // What a formula says of units is no text of the definition.
        let text = match (&filter.kind, of_experiment) {
            (RowExprKind::Call(Function::Not, _), true) => "exposed to one variant alone".to_owned(),
            (_, true) => "exposed to several variants".to_owned(),
            (_, false) => one_line(sources.text(filter.span)),
        };
        lines.push(("where", text));
    }
    if let Some(dated) = set.dated {
        lines.push(("time", format!("{}, null left out", column(dated, model).name.as_str())));
    } else if let Some(time) = table.time
        && !table.is_derived()
    {
        lines.push(("time", table.columns[time].name.to_string()));
    }
}

/// Where paths begin and end.
fn path_ends(how: &PathHow) -> Vec<Line> {
    let mut lines = Vec::new();
    if how.merge {
        lines.push(("of these", "neighbours of one name are one step".to_owned()));
    }
    if !how.start.is_empty() {
        lines.push(("from", format!("the first step called {}", how.start.join(" or "))));
    }
    if !how.goal.is_empty() {
        lines.push(("to", format!("the first step called {}", how.goal.join(" or "))));
    }
    lines.push(("at most", format!("{} steps", how.depth)));
    lines
}

/// Which of the rows with one key stays.
fn kept(table: TableId, model: &Model) -> String {
    let table = model.table(table);
    let key: Vec<&str> = table.key.iter().map(|place| table.columns[*place].name.as_str()).collect();
    let key = key.join(", ");
    match table.latest_by {
        _ if key.is_empty() => "each counts, there is no key".to_owned(),
        Some(by) => format!("one for each {key}, the latest by {}", table.columns[by].name.as_str()),
        None if table.time.is_some() => format!("one for each {key}, the earliest"),
        None => format!("one for each {key}"),
    }
}

fn column(id: ColumnId, model: &Model) -> &Column {
    &model.table(id.table).columns[id.column]
}

/// The name of the entity that a column names.
fn entity(id: ColumnId, model: &Model) -> &str {
    match column(id, model).ty.ty {
        Type::Entity(entity) => model.table(entity).name.as_str(),
        _ => column(id, model).name.as_str(),
    }
}

/// Whose rows are: members of an entity, or those per a dimension, which are texts that end with the member.
fn whose(value: &RowExpr, model: &Model, sources: &SourceMap) -> String {
    match &value.kind {
        RowExprKind::Column(path) => path.last().map_or("unit", |id| entity(*id, model)).to_owned(),
        RowExprKind::Call(_, parts) => {
            let member = parts.last().map(|member| whose(member, model, sources)).unwrap_or_default();
            match parts.len() {
                1 => member,
                _ => format!("{member} per {}", one_line(sources.text(value.span))),
            }
        }
        _ => "unit".to_owned(),
    }
}

/// The entities that are looked up, and as of when.
fn joins<'a>(read: impl Iterator<Item = &'a RowExpr>, model: &'a Model, lines: &mut Vec<Line>) {
    let mut seen = FxHashSet::default();
    let mut open: Vec<&RowExpr> = read.collect();
    open.reverse();
    while let Some(expr) = open.pop() {
        expr.walk(&mut |part| {
            let RowExprKind::Column(path) = &part.kind else { return };
            for (at, hop) in path.iter().enumerate() {
                let column = column(*hop, model);
                open.extend(&column.computed);
                let Type::Entity(entity) = column.ty.ty else { continue };
                // Which member a row is of its key tells, without the entity's own row.
                let leads = |next: &ColumnId| matches!(self::column(*next, model).ty.ty, Type::Entity(of) if model.table(of).is_segment());
                if path.get(at + 1).is_some_and(leads) {
                    continue;
                }
                if at + 1 == path.len() || !seen.insert((*hop, entity)) {
                    continue;
                }
                let when = match model.table(entity).history {
                    _ if model.table(entity).is_segment() => "as of the start of the row's day",
                    None => "as it is now",
                    Some(History::Valid { .. }) => "as it was at the row's time",
                    Some(History::Snapshot { .. }) => "as in the copy of the row's day",
                };
                lines.push((
                    "looks up",
                    format!("{} by {}, {when}", model.table(entity).name.as_str(), column.name.as_str()),
                ));
            }
        });
    }
}

/// A text without its line breaks.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
