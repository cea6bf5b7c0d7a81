//! Typing calendars: a table of days, whose columns are steps of time.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::resolve::{self, Names};
use crate::suggest::near;
use crate::syntax::ast::{self, ItemKind, RowSetKind};
use crate::value::{CalendarSource, Declared, Step};

use super::items::Items;
use super::model::{Column, Encoding, Table, TableId, TableKind, Type, ValueType};
use super::{Origin, Size};

const ITEMS: &[&str] = &["table", "sample", "day", "title", "title_en", "owner"];

/// A declared calendar.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// Its name.
    pub name: ast::Name,
    /// Its description.
    pub doc: Option<String>,
    /// The table of its days.
    pub table: TableId,
    /// Its steps, from the shortest to the longest.
    pub steps: Vec<Declared>,
}

/// The step that a name with a dot means among the steps of calendars, as a question writes it: `fiscal.week`.
pub fn step_named(calendars: &[Calendar], name: &str) -> Option<Step> {
    let mut steps = calendars.iter().flat_map(|calendar| &calendar.steps);
    steps.find(|step| step.name() == name).map(|step| Step::Declared(*step))
}

/// The step that a path means, told where there is none.
pub fn step_of(calendars: &[Calendar], path: &ast::Path, d: &mut Diagnostics) -> Option<Declared> {
    let text = path.to_string();
    if let Some(Step::Declared(step)) = step_named(calendars, &text) {
        return Some(step);
    }
    // Of a calendar that is broken, that was told.
    let broken = |calendar: &Calendar| calendar.steps.is_empty() && calendar.name == path.parts[0];
    if calendars.iter().any(broken) {
        return None;
    }
    let names: Vec<String> = calendars.iter().flat_map(|calendar| &calendar.steps).map(|step| step.name()).collect();
    let help = match near(&text, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => {
            "declare it: `calendar fiscal { table: \"dim.calendar\"; day: ds; step week = fiscal_week }`".to_owned()
        }
        None => format!("the steps of calendars are: {}", names.join(", ")),
    };
    d.push(error!(E0659, path.span, "no calendar has a step `{text}`"; help: help));
    None
}

/// All calendars, and the tables of their days, which stand from `first` on.
pub fn check_calendars(names: &Names<'_>, first: usize, d: &mut Diagnostics) -> (Vec<Calendar>, Vec<Table>) {
    let (mut calendars, mut tables) = (Vec::new(), Vec::new());
    for declared in &names.calendars {
        let block = declared.syntax;
        // A broken one stays known by its name.
        let days = days(declared, d).unwrap_or_default();
        let doc = declared.doc.map(str::to_owned);
        let table = TableId(first + tables.len());
        calendars.push(Calendar { name: block.name.clone(), doc: doc.clone(), table, steps: days.steps.clone() });
        tables.push(days.table(block.name.clone(), doc, declared.span));
    }
    (calendars, tables)
}

/// What a calendar says of its days.
#[derive(Default)]
struct Days {
    physical: String,
    sample: Option<String>,
    columns: Vec<Column>,
    steps: Vec<Declared>,
}

fn days(declared: &resolve::Declared<'_, ast::Block>, d: &mut Diagnostics) -> Option<Days> {
    let block = declared.syntax;
    let stray = block.of.as_ref().map(|(path, _)| path.span).or(block.on.as_ref().map(|path| path.span));
    if let Some(span) = stray.or(block.version.as_ref().map(|version| version.span)) {
        d.push(error!(E0531, span, "a calendar is of nothing, and has no versions";
            help: "write `calendar fiscal` and the items, nothing in between"));
        return None;
    }
    let (written, keyed): (Vec<&ast::Item>, Vec<&ast::Item>) =
        block.items.iter().partition(|item| matches!(item.kind, ItemKind::Step { .. }));
    let keyed: Vec<ast::Item> = keyed.into_iter().cloned().collect();
    let items = Items::read("calendar", &keyed, ITEMS, &[], d);
    items.check_texts(&["title", "title_en", "owner"], d);
    let needed = |key: &str, example: &str, d: &mut Diagnostics| {
        if items.get(key).is_none() {
            d.push(error!(E0206, block.name.span, "the calendar has no `{key}`"; help: ("add `{example}`")));
        }
    };
    needed("table", "table: \"dim.calendar\"", d);
    needed("day", "day: ds", d);
    let physical = items.get("table").and_then(|_| items.string("table", d))?;
    let sample = items.get("sample").and_then(|_| items.string("sample", d));
    let named = items.names("day", d);
    let [(day, [])] = named.as_slice() else {
        if let Some((span, _)) = items.get("day") {
            d.push(error!(E0205, span, "`day` takes one column"; help: "write `day: ds`"));
        }
        return None;
    };
    let mut columns = vec![column(day, Type::Date)];
    let mut steps: Vec<Declared> = Vec::new();
    for item in written {
        let Some((name, value)) = step(item, d) else { continue };
        if let Some(first) = steps.iter().find(|known| known.source().step == name.value) {
            d.push(error!(E0202, name.span, "the step `{}` is declared twice", first.source().step;
                help: "rename one of them"));
            continue;
        }
        if value.value == day.value {
            d.push(error!(E0531, value.span, "`{}` is the day itself", value.value;
                help: "name a column that has one value on all days of a step"));
            continue;
        }
        if columns.iter().all(|known| known.name.value != value.value) {
            columns.push(column(value, Type::String));
        }
        steps.push(Declared::new(CalendarSource {
            calendar: block.name.value.clone(),
            place: steps.len(),
            step: name.value.clone(),
            table: physical.clone(),
            day: day.value.clone(),
            value: value.value.clone(),
            runs: None,
        }));
    }
    if steps.is_empty() {
        if !block.items.iter().any(|item| matches!(item.kind, ItemKind::Step { .. })) {
            d.push(error!(E0531, block.name.span, "the calendar has no step"; help: "add `step week = fiscal_week`"));
        }
        return None;
    }
    Some(Days { physical, sample, columns, steps })
}

/// `step week = fiscal_week`
fn step<'a>(item: &'a ast::Item, d: &mut Diagnostics) -> Option<(&'a ast::Name, &'a ast::Name)> {
    let ItemKind::Step { name, rows, by, optional } = &item.kind else { return None };
    let value = match &rows.kind {
        RowSetKind::Named { name, version: None } if by.is_none() && !optional => name.single(),
        _ => None,
    };
    if value.is_none() {
        d.push(error!(E0531, item.span, "a step of a calendar is a column of its table"; help: ("write `step {} = fiscal_week`", name.value)));
    }
    Some((name, value?))
}

fn column(name: &ast::Name, ty: Type) -> Column {
    Column {
        name: name.clone(),
        doc: None,
        ty: ValueType { nullable: true, ..ValueType::plain(ty) },
        encoding: Encoding::Native,
        computed: None,
        size: Size::default(),
        internal: false,
    }
}

impl Days {
    /// Their table.
    fn table(self, name: ast::Name, doc: Option<String>, span: Span) -> Table {
        Table {
            kind: TableKind::Calendar,
            name,
            version: 1,
            meant: true,
            doc,
            physical: self.physical,
            sample: self.sample,
            key: Vec::new(),
            latest_by: None,
            time: None,
            arrived: None,
            lateness: None,
            retain: None,
            revised: None,
            stream: None,
            columns: self.columns,
            origin: Origin::Stored,
            history: None,
            dimensions: Vec::new(),
            span,
        }
    }
}
