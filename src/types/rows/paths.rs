//! Paths: `path ways of user { events: event; name: event_name; session: 30m; depth: 6; start: "home"; goal: "paid" }`

use std::sync::Arc;

use crate::diagnostic::Diagnostics;
use crate::error;
use crate::resolve::Declared;
use crate::suggest::near;
use crate::syntax::ast::{self, ExprKind, Literal, ValueKind};
use crate::types::flow::check_dimension;
use crate::types::items::Items;
use crate::types::made::Made;
use crate::types::model::{RowSet, TableId, Type};
use crate::types::paths::{Paths, column};
use crate::types::size::too_large;
use crate::types::{RowExpr, RowScope, ValueType, check_row};
use crate::value::{How, PathHow, PathRows, Within};

use super::RowSets;
use super::cohort::{plain_column, rows_of};
use super::derived::Own;

const ITEMS: &[&str] =
    &["events", "name", "session", "depth", "start", "goal", "repeats", "by", "title", "title_en", "owner"];
/// How many steps a path has at most, where nothing is said of it.
const DEPTH: u32 = 10;
/// The most that can be asked for: the names of so many are written after each other.
const MOST_STEPS: u32 = 30;

impl<'a> RowSets<'a> {
    /// Types paths.
    pub(super) fn paths(&mut self, declared: Declared<'a, ast::Block>, d: &mut Diagnostics) -> Option<Paths> {
        let syntax = declared.syntax;
        let items = Items::read("path", &syntax.items, ITEMS, &[], d);
        items.check_texts(&["title", "title_en", "owner"], d);
        let entity = self.entity_of_units(syntax, d);
        let session = session(&items, syntax, d);
        let depth = depth(&items, d);
        let merge = match items.get("repeats") {
            Some(_) => items.word("repeats", &[("merge", true), ("keep", false)], d),
            None => Some(false),
        };
        let events = rows_of(&items, "path", "events", syntax, d);
        let (entity, events) = (entity?, events?);
        let (rows, by) = self.behaviour_rows("path", events, entity, d)?;
        if let (Some(ms), Some((span, _))) = (session, items.get("session")) {
            self.check_window([&rows], Within::Elapsed(ms), span, d);
        }
        let name = self.step_name(&items, syntax, &rows, d)?;
        let (start, goal) = (names(&items, "start", &name, d), names(&items, "goal", &name, d));
        let (start, goal) = (start?, goal?);
        if let (Some(both), Some((span, _))) = (goal.iter().find(|goal| start.contains(goal)), items.get("goal")) {
            d.push(error!(E0695, span, "a path that starts at `{both}` is at its goal there"; help: "name another goal, or leave one of both out"));
            return None;
        }
        let how = PathHow { of: PathRows::Paths, session: session?, depth: depth?, start, goal, merge: merge? };
        let has_goal = !how.goal.is_empty();
        let mut part = self.made_of(rows, by);
        let names = name.ty.ty.clone();
        part.values.push(name);
        let own = Own::of(declared);
        let outcomes = if has_goal { vec!["goal", "dropoff", "depth"] } else { vec!["dropoff", "depth"] };
        let outcome = Type::Enum(Arc::new(outcomes.into_iter().map(str::to_owned).collect()));
        let mut table = |of: PathRows, d: &mut Diagnostics| {
            let how = How::Paths(PathHow { of, ..how.clone() });
            let made = Made {
                parts: vec![part.clone()],
                how,
                carried: Vec::new(),
                grouped: vec![0],
                others: Vec::new(),
                certain: 1,
            };
            self.path_table(&own, of, (&names, &outcome), made, d)
        };
        let paths = table(PathRows::Paths, d)?;
        let nodes = table(PathRows::Nodes, d)?;
        let edges = table(PathRows::Edges, d)?;
        let (name, version) = (syntax.name.clone(), own.version);
        Some(Paths { name, version, entity, has_goal, by: Vec::new(), paths, nodes, edges, names, outcome })
    }

    /// What names a step: a text of the row.
    fn step_name(&self, items: &Items<'a>, syntax: &ast::Block, rows: &RowSet, d: &mut Diagnostics) -> Option<RowExpr> {
        if items.get("name").is_none() {
            if !items.broken {
                d.push(error!(E0206, syntax.name.span, "the path has no `name`"; help: "add `name: event_name`: what its steps are called"));
            }
            return None;
        }
        let value = items.one("name", d)?;
        let ValueKind::Expr { expr, clauses } = &value.kind else {
            d.push(error!(E0205, value.span, "`name` takes a value of the row"; help: "write `name: event_name`"));
            return None;
        };
        if !clauses.is_empty() {
            d.push(
                error!(E0205, value.span, "`name` takes a value of the row alone"; help: "write `name: event_name`"),
            );
            return None;
        }
        let scope = RowScope { tables: &self.tables, base: rows.base, zone: self.zone };
        let mut name = check_row(&scope, expr, d)?;
        self.check_as_of(rows, &name, d)?;
        if too_large(name.size(&self.tables), "this value", name.span, d) {
            return None;
        }
        if !matches!(name.ty.ty, Type::String | Type::Enum(_)) {
            d.push(error!(E0695, name.span, "what names a step is a text"; help: "name a column of texts, or write `cast(… as string)`"));
            return None;
        }
        if !check_dimension(&format!("{}.node", syntax.name.value), &name.ty, name.span, d) {
            return None;
        }
        if let Some(time) = self.time(rows) {
            name.replace_time(time);
        }
        Some(name)
    }

    fn path_table(
        &mut self,
        own: &Own<'a>,
        of: PathRows,
        (names, outcome): (&Type, &Type),
        made: Made,
        d: &mut Diagnostics,
    ) -> Option<TableId> {
        let what = match of {
            PathRows::Paths => "",
            PathRows::Nodes => "_nodes",
            PathRows::Edges => "_edges",
        };
        let mut table = self.empty(None, || format!("{}{what}", own.name.value), own.span);
        table.doc = own.doc.map(str::to_owned);
        table.columns.push(self.whose(&made.parts[0], own));
        let mut add = |name: &str, ty: &Type| {
            // The member's column has a name that is not ours to choose.
            let taken = table.columns[0].name.value == name;
            let name = if taken { format!("{name}_") } else { name.to_owned() };
            table.columns.push(plain_column(own, &name, ValueType::plain(ty.clone())));
        };
        add("start", &Type::Timestamp);
        add("outcome", outcome);
        match of {
            PathRows::Paths => {
                add("steps", &Type::Int);
                add("path", &Type::String);
            }
            PathRows::Nodes => {
                add("step", &Type::Int);
                add("node", names);
                add("dropoff", &Type::Bool);
            }
            PathRows::Edges => {
                add("step", &Type::Int);
                add("from", names);
                add("to", names);
            }
        }
        table.key = vec![0, column::START];
        if of != PathRows::Paths {
            table.key.push(column::STEP);
        }
        let shown: &[(&str, usize)] = match of {
            PathRows::Paths => &[("outcome", column::OUTCOME), ("path", column::NAME)],
            PathRows::Nodes => &[("outcome", column::OUTCOME), ("step", column::STEP), ("node", column::NAME)],
            PathRows::Edges => {
                &[("outcome", column::OUTCOME), ("step", column::STEP), ("from", column::NAME), ("to", column::NEXT)]
            }
        };
        let of = own.name.value.as_str();
        table.dimensions.extend(shown.iter().map(|(name, place)| (format!("{of}.{name}"), *place)));
        table.time = Some(column::START);
        self.add_made(table, made, own.span, d)
    }
}

/// The longest pause within a session, in milliseconds.
fn session(items: &Items<'_>, syntax: &ast::Block, d: &mut Diagnostics) -> Option<i64> {
    let Some((span, _)) = items.get("session") else {
        if !items.broken {
            d.push(error!(E0206, syntax.name.span, "the path has no `session`"; help: "add `session: 30m`: a longer pause begins another path"));
        }
        return None;
    };
    let ms = items.duration("session", d)?;
    if ms <= 0 {
        d.push(error!(E0694, span, "a session has some length"; help: "write `session: 30m`"));
        return None;
    }
    Some(ms)
}

/// The most steps of a path.
fn depth(items: &Items<'_>, d: &mut Diagnostics) -> Option<u32> {
    if items.get("depth").is_none() {
        return Some(DEPTH);
    }
    let value = items.one("depth", d)?;
    let number = match &value.kind {
        ValueKind::Expr { expr, clauses } if clauses.is_empty() => match &expr.kind {
            ExprKind::Literal(Literal::Number(text)) => text.parse::<u32>().ok(),
            _ => None,
        },
        _ => None,
    };
    let found = number.filter(|depth| (2..=MOST_STEPS).contains(depth));
    if found.is_none() {
        d.push(
            error!(E0694, value.span, "`depth` is a number of steps, from 2 to {MOST_STEPS}"; help: "write `depth: 6`"),
        );
    }
    found
}

/// The names that a path starts or ends at: none where nothing is said of them.
fn names(items: &Items<'_>, key: &str, name: &RowExpr, d: &mut Diagnostics) -> Option<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for value in items.get(key).map_or(&[][..], |(_, values)| values) {
        let text = match &value.kind {
            ValueKind::Expr { expr, clauses } if clauses.is_empty() => match &expr.kind {
                ExprKind::Literal(Literal::String(text)) => Some(text),
                _ => None,
            },
            _ => None,
        };
        let Some(text) = text else {
            d.push(
                error!(E0205, value.span, "`{key}` takes names of steps, in quotes"; help: ("write `{key}: \"home\"`")),
            );
            return None;
        };
        if let Type::Enum(all) = &name.ty.ty
            && !all.contains(text)
        {
            let help = match near(text, all.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `\"{near}\"`?"),
                None => format!("it is one of: {}", all.join(", ")),
            };
            d.push(
                error!(E0695, value.span, "no step is called `{text}`"; help: help)
                    .related(name.span, "what steps are called"),
            );
            return None;
        }
        if !found.contains(text) {
            found.push(text.clone());
        }
    }
    Some(found)
}
