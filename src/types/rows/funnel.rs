//! Funnels: `funnel pay of user { step register = registered; step pay = paid_order; within: 7d }`

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::resolve::Declared;
use crate::suggest::near;
use crate::syntax::ast::{self, Clause, ItemKind, ValueKind};
use crate::types::funnel::{Funnel, column};
use crate::types::items::{Items, output_step};
use crate::types::made::{Made, MadeOf};
use crate::types::model::{ColumnId, RowSet, TableId, Type};
use crate::types::{Table, ValueType, predicate};
use crate::value::{Attempts, Exclusion, How, Role, StepOrder, Within};

use super::RowSets;
use super::cohort::plain_column;
use super::derived::Own;

const ITEMS: &[&str] = &["within", "order", "gap", "by", "partial", "title", "title_en", "owner"];
/// The most steps: what a chain of them is made of grows with their square.
const MOST_STEPS: usize = 8;

/// A step or an exclusion, typed.
struct Rows<'a> {
    name: &'a ast::Name,
    rows: RowSet,
    by: ColumnId,
    span: Span,
}

impl<'a> RowSets<'a> {
    /// Types a funnel.
    pub(super) fn funnel(&mut self, declared: Declared<'a, ast::Block>, d: &mut Diagnostics) -> Option<Funnel> {
        let syntax = declared.syntax;
        let keyed: Vec<ast::Item> = syntax
            .items
            .iter()
            .filter(|item| !matches!(item.kind, ItemKind::Step { .. } | ItemKind::Exclude { .. }))
            .cloned()
            .collect();
        let told = d.len();
        let items = Items::read("funnel", &keyed, ITEMS, &[], d);
        items.check_texts(&["title", "title_en", "owner"], d);
        let entity = self.entity_of_units(syntax, d);
        let order = match items.get("order") {
            Some(_) => items.word("order", &ORDERS, d),
            None => Some(StepOrder::Ordered),
        };
        let increasing = match items.get("gap") {
            Some(_) => items.word("gap", &[("increasing", true), ("any", false)], d),
            None => Some(false),
        };
        let partial = items.truth("partial", d);
        let within = self.within("funnel", &items, syntax, d);
        let steps = self.steps(syntax, entity?, d)?;
        let exclusions = self.exclusions(syntax, entity?, &steps, d)?;
        let (order, increasing, partial, within) = (order?, increasing?, partial?, within?);
        if let Some((span, _)) = items.get("within") {
            self.check_window(steps.iter().map(|step| &step.rows), within, span, d);
        }
        if d.len() > told {
            return None;
        }
        let overlaps = self.overlaps(&steps);
        let optional: Vec<bool> = optional_of(syntax);
        let attempts = Attempts {
            order,
            increasing,
            within,
            optional,
            overlaps,
            exclusions: exclusions.iter().map(|(_, exclusion)| *exclusion).collect(),
            roles: Vec::new(),
            partial,
        };
        check_order(&attempts, &steps, self, d)?;
        let groups = groups(syntax, &steps, d)?;
        let made = self.attempts(attempts, &steps, &exclusions, groups);
        let drops = exclusions.iter().any(|(_, exclusion)| exclusion.drop);
        let own = Own::of(declared);
        let tables: Option<Vec<TableId>> =
            made.into_iter().enumerate().map(|(at, made)| self.attempt_table(&own, at, &steps, made, d)).collect();
        let tables = tables?;
        let Some(crate::types::Origin::Made(made)) = tables.first().map(|table| &self.tables[table.0].origin) else {
            return None;
        };
        let How::Attempts(attempts) = made.how.clone() else { return None };
        Some(Funnel {
            name: syntax.name.clone(),
            entity: entity?,
            steps: steps.iter().map(|step| step.name.clone()).collect(),
            attempts,
            drops,
            by: Vec::new(),
            tables,
        })
    }

    /// How far rows may lie from the first one.
    pub(super) fn within(
        &self,
        kind: &str,
        items: &Items<'_>,
        syntax: &ast::Block,
        d: &mut Diagnostics,
    ) -> Option<Within> {
        let Some((span, _)) = items.get("within") else {
            if !items.broken {
                d.push(error!(E0206, syntax.name.span, "the {kind} has no `within`"; help: "add `within: 7d`: how far from the first row the others may lie"));
            }
            return None;
        };
        let value = items.one("within", d)?;
        if let ValueKind::Same(step) = &value.kind {
            let step = output_step(step);
            if step.is_none() {
                d.push(error!(E0691, value.span, "`same` takes a step of time"; help: "write `within: same 1d`"));
            }
            return step.map(Within::Same);
        }
        let ms = items.duration("within", d)?;
        if ms <= 0 {
            d.push(error!(E0691, span, "a window has some length"; help: "write `within: 7d`"));
            return None;
        }
        Some(Within::Elapsed(ms))
    }

    fn steps(&mut self, syntax: &'a ast::Block, entity: TableId, d: &mut Diagnostics) -> Option<Vec<Rows<'a>>> {
        let mut steps: Vec<Rows<'a>> = Vec::new();
        let mut sound = true;
        for item in &syntax.items {
            let ItemKind::Step { name, rows, by, optional } = &item.kind else { continue };
            if let Some(first) = steps.iter().find(|step| step.name == name) {
                d.push(error!(E0690, name.span, "the step `{}` is there already", name.value; help: "give it another name").related(first.name.span, "first here"));
                sound = false;
            }
            if *optional && steps.is_empty() {
                d.push(error!(E0690, name.span, "the first step may not be missing: an attempt begins with it"; help: "leave `optional` out"));
                sound = false;
            }
            match self.rows_by(rows, by.as_ref(), entity, d) {
                Some((rows, by)) => steps.push(Rows { name, rows, by, span: item.span }),
                None => sound = false,
            }
        }
        let required = optional_of(syntax).iter().filter(|optional| !**optional).count();
        if sound && (required < 2 || steps.len() > MOST_STEPS) {
            d.push(error!(E0690, syntax.name.span, "a funnel has 2 to {MOST_STEPS} steps, two of which may not be missing"; help: "add `step pay = paid_order`, or leave some out"));
            sound = false;
        }
        sound.then_some(steps)
    }

    /// Rows that happen at a time, and the column that tells whose they are: the one named, or the only one that leads to the entity.
    fn rows_by(
        &mut self,
        written: &'a ast::RowSet,
        by: Option<&ast::Path>,
        entity: TableId,
        d: &mut Diagnostics,
    ) -> Option<(RowSet, ColumnId)> {
        let Some(path) = by else { return self.behaviour_rows("funnel", written, entity, d) };
        self.prepare(written, d);
        let rows = self.check(written, d)?;
        if self.time(&rows).is_none() {
            d.push(self.timeless("funnel", rows.base, written.span));
            return None;
        }
        let table = &self.tables[rows.base.0];
        let found = path
            .single()
            .and_then(|name| table.columns.iter().position(|column| !column.internal && column.name == *name));
        let Some(place) = found.filter(|place| table.columns[*place].ty.ty == Type::Entity(entity)) else {
            let (of, whose) = (&table.name.value, &self.tables[entity.0].name.value);
            let columns = table.columns.iter().filter(|column| column.ty.ty == Type::Entity(entity));
            let names: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
            let help = match near(&path.to_string(), names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if names.is_empty() => format!("declare one: `column {whose}_id: {whose}`"),
                None => format!("name one of: {}", names.join(", ")),
            };
            d.push(error!(E0690, path.span, "`{path}` is no column of `{of}` that leads to `{whose}`"; help: help));
            return None;
        };
        let base = rows.base;
        Some((rows, ColumnId { table: base, column: place }))
    }

    fn exclusions(
        &mut self,
        syntax: &'a ast::Block,
        entity: TableId,
        steps: &[Rows<'a>],
        d: &mut Diagnostics,
    ) -> Option<Vec<(Rows<'a>, Exclusion)>> {
        let optional = optional_of(syntax);
        let mut all = Vec::new();
        for item in &syntax.items {
            let ItemKind::Exclude { name, rows, after, before, drop } = &item.kind else { continue };
            let place = |of: &ast::Name, d: &mut Diagnostics| {
                let found = steps.iter().position(|step| step.name == of);
                match found {
                    Some(at) if !optional[at] => return Some(at),
                    Some(_) => d.push(error!(E0692, of.span, "`{}` may be missing, so nothing lies between it and another", of.value; help: "name a step that may not be missing")),
                    None => d.push(unknown_step(steps.iter().map(|step| step.name.as_str()), of)),
                }
                None
            };
            let (after, before) = (place(after, d), place(before, d));
            let rows = self.rows_by(rows, None, entity, d);
            let ((rows, by), after, before_at) = (rows?, after?, before?);
            if after >= before_at {
                d.push(error!(E0692, item.span, "nothing lies after `{}` and before `{}`", steps[after].name.value, steps[before_at].name.value; help: "name the earlier step first"));
                return None;
            }
            all.push((Rows { name, rows, by, span: item.span }, Exclusion { after, before: before_at, drop: *drop }));
        }
        Some(all)
    }

    /// Which steps one row may serve: those of the same rows at the same times, unless their conditions exclude each other.
    fn overlaps(&self, steps: &[Rows<'_>]) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for (b, second) in steps.iter().enumerate() {
            for (a, first) in steps[..b].iter().enumerate() {
                let same = first.rows.base == second.rows.base
                    && first.by == second.by
                    && self.time(&first.rows) == self.time(&second.rows);
                let filters = first.rows.filters.iter().chain(&second.rows.filters);
                if same && !predicate::exclude_each_other(&filters.collect::<Vec<_>>()) {
                    found.push((a, b));
                }
            }
        }
        found
    }

    /// The parts of the tables of attempts, of which there is one, or one a step.
    fn attempts(
        &self,
        attempts: Attempts,
        steps: &[Rows<'_>],
        exclusions: &[(Rows<'_>, Exclusion)],
        groups: Groups,
    ) -> Vec<Made> {
        let mut parts: Vec<MadeOf> = steps.iter().map(|step| self.made_of(step.rows.clone(), step.by)).collect();
        let mut roles: Vec<Vec<Role>> = (0..steps.len()).map(|step| vec![Role::Step(step)]).collect();
        for (at, (rows, _)) in exclusions.iter().enumerate() {
            parts.push(self.made_of(rows.rows.clone(), rows.by));
            roles.push(vec![Role::Exclusion(at)]);
        }
        if attempts.order == StepOrder::Strict {
            let all = RowSet { filters: Vec::new(), ..steps[0].rows.clone() };
            parts.push(self.made_of(all, steps[0].by));
            roles.push(vec![Role::Other]);
        }
        let mut ends: Vec<RowSet> = Vec::new();
        for step in steps {
            let all = RowSet { filters: Vec::new(), ..step.rows.clone() };
            if !ends.iter().any(|end| end.base == all.base && end.dated == all.dated) {
                ends.push(all);
            }
        }
        roles.extend(ends.iter().map(|_| vec![Role::End]));
        parts.extend(ends.into_iter().map(|rows| MadeOf { rows, values: Vec::new() }));
        // Without an order the first row may be of any step.
        let (grouped, certain) = match attempts.order {
            StepOrder::Any => ((0..steps.len()).collect(), steps.len()),
            _ => (vec![0], 1),
        };
        let how = How::Attempts(Attempts { roles, ..attempts });
        let each = groups.each;
        let made = |of: usize| {
            let own = |parts: &Vec<usize>| if parts.is_empty() { vec![of] } else { parts.clone() };
            let others = groups.others.iter().map(|(name, parts)| (name.clone(), own(parts))).collect();
            Made {
                parts: parts.clone(),
                how: how.clone(),
                carried: Vec::new(),
                grouped: grouped.clone(),
                others,
                certain,
            }
        };
        (0..if each { steps.len() } else { 1 }).map(made).collect()
    }

    fn attempt_table(
        &mut self,
        own: &Own<'a>,
        at: usize,
        steps: &[Rows<'_>],
        made: Made,
        d: &mut Diagnostics,
    ) -> Option<TableId> {
        let what = if at == 0 { String::new() } else { format!("_of_{}", steps[at].name.value) };
        let mut table = self.windowed_table(own, &what, &made);
        let instant = || ValueType::plain(Type::Timestamp);
        table.columns.push(plain_column(own, "depth", ValueType::plain(Type::Int)));
        table.columns.push(plain_column(own, "spoilt", ValueType::plain(Type::Bool)));
        for step in &steps[1..] {
            let name = format!("{}_at", step.name.value);
            table.columns.push(plain_column(own, &name, ValueType { nullable: true, ..instant() }));
        }
        self.add_made(table, made, own.span, d)
    }

    /// A table of behaviour whose rows have windows, with the columns that all such tables have.
    pub(super) fn windowed_table(&self, own: &Own<'a>, what: &str, made: &Made) -> Table {
        let mut table = self.empty(None, || format!("{}{what}", own.name.value), own.span);
        table.doc = own.doc.map(str::to_owned);
        let instant = || ValueType::plain(Type::Timestamp);
        table.columns.push(self.whose(&made.parts[0], own));
        table.columns.push(plain_column(own, "start", instant()));
        table.columns.push(plain_column(own, "horizon", ValueType { nullable: true, ..instant() }));
        table.time = Some(column::START);
        table
    }
}

const ORDERS: [(&str, StepOrder); 3] =
    [("ordered", StepOrder::Ordered), ("strict", StepOrder::Strict), ("any", StepOrder::Any)];

/// Of which steps dimensions are, where it is not the first: by name; empty for those of each step.
struct Groups {
    others: Vec<(String, Vec<usize>)>,
    each: bool,
}

fn groups(syntax: &ast::Block, steps: &[Rows<'_>], d: &mut Diagnostics) -> Option<Groups> {
    let mut groups = Groups { others: Vec::new(), each: false };
    let values = syntax.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Keyed { key, values } if key.value == "by" => Some(values),
        _ => None,
    });
    for value in values.flatten() {
        let Some((name, [Clause::From(from)])) = crate::types::items::name(value) else { continue };
        let of = from.to_string();
        let parts = match (steps.iter().position(|step| step.name.value == of), of.as_str()) {
            (Some(step), _) => vec![step],
            (None, "first") => vec![0],
            (None, "last") => (0..steps.len()).collect(),
            (None, "each") => {
                groups.each = true;
                Vec::new()
            }
            (None, _) => {
                let name = Spanned::new(of, from.span);
                d.push(unknown_step(steps.iter().map(|step| step.name.as_str()), &name));
                return None;
            }
        };
        groups.others.push((name.value.clone(), parts));
    }
    Some(groups)
}

/// What an order asks of steps.
fn check_order(attempts: &Attempts, steps: &[Rows<'_>], sets: &RowSets<'_>, d: &mut Diagnostics) -> Option<()> {
    let optional = steps.iter().zip(&attempts.optional).position(|(_, optional)| *optional);
    if let (Some(at), true) = (optional, attempts.order != StepOrder::Ordered) {
        d.push(error!(E0691, steps[at].span, "a step may be missing only where others may lie between the steps, in their order";
            help: "leave `optional` out, or write `order: ordered`"));
        return None;
    }
    if attempts.order == StepOrder::Any && !attempts.exclusions.is_empty() {
        d.push(error!(E0691, steps[0].span, "in any order nothing lies before or after a step"; help: "leave `exclude` out, or write `order: ordered`"));
        return None;
    }
    let shared = attempts
        .overlaps
        .iter()
        .find(|(a, b)| attempts.order == StepOrder::Any || attempts.optional[*a] || attempts.optional[*b]);
    if let Some((a, b)) = shared {
        d.push(
            error!(E0691, steps[*b].span, "one row may be of `{}` and of `{}`, and it is not told which it serves", steps[*a].name.value, steps[*b].name.value;
                help: "let their conditions exclude each other, such as `event_name = \"pay\"` and `event_name = \"try\"`")
            .related(steps[*a].span, "the other step"),
        );
        return None;
    }
    let same = |step: &&Rows<'_>| {
        step.rows.base == steps[0].rows.base
            && sets.time(&step.rows) == sets.time(&steps[0].rows)
            && step.by == steps[0].by
    };
    if attempts.order == StepOrder::Strict
        && let Some(other) = steps.iter().find(|step| !same(step))
    {
        d.push(
            error!(E0691, other.span, "the steps of a strict order are rows of one source, at one time of theirs"; help: "take the steps of one source, or write `order: ordered`")
                .related(steps[0].span, "the first step"),
        );
        return None;
    }
    Some(())
}

fn optional_of(syntax: &ast::Block) -> Vec<bool> {
    let steps = syntax.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Step { optional, .. } => Some(*optional),
        _ => None,
    });
    steps.collect()
}

/// The error for a step that is not there.
pub fn unknown_step<'n>(
    steps: impl Iterator<Item = &'n str> + Clone,
    name: &ast::Name,
) -> crate::diagnostic::Diagnostic {
    let all: Vec<&str> = steps.clone().collect();
    let help = match near(name, steps) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it has the steps: {}", all.join(", ")),
    };
    error!(E0692, name.span, "the funnel has no step `{}`", name.value; help: help)
}
