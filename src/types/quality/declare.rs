//! Reading `quality` declarations: each rule with the columns that it looks at.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::resolve::{Declared, Names, RowName};
use crate::suggest::near;
use crate::syntax::ast::{self, BinaryOp, ExprKind, Literal, RowSetKind, ValueKind};

use super::super::items::{Items, milliseconds};
use super::super::listed::some_of;
use super::super::model::{Table, TableId, Type};
use super::super::severity::Severity;
use super::super::type_name::{show_type, with_article};
use super::distance::Distance;
use super::hierarchy::Levels;
use super::replay::Replay;
use super::{Bound, BoundOp, Way};

const ITEMS: &[&str] = &[
    "complete",
    "unique",
    "fresh",
    "late",
    "match",
    "valid",
    "replay",
    "hierarchy",
    "reconcile",
    "minimum",
    "severity",
    "title",
    "owner",
    "runbook",
];

/// A declaration whose rules are known, and not typed yet.
#[derive(Debug)]
pub struct Ruled<'a> {
    /// The declaration.
    pub declared: Declared<'a, ast::Block>,
    /// The source or entity.
    pub table: TableId,
    /// Its name, as it is written behind `on`.
    pub on: &'a ast::Path,
    /// Its rows as they came.
    pub raw: ast::RowSet,
    /// `severity`
    pub severity: Severity,
    /// `minimum`
    pub minimum: Option<u64>,
    /// `title`
    pub title: Option<String>,
    /// `owner`
    pub owner: Option<String>,
    /// `runbook`
    pub runbook: Option<String>,
    /// The rules.
    pub rules: Vec<RuledBy<'a>>,
}

/// A rule that is not typed yet.
#[derive(Debug)]
pub struct RuledBy<'a> {
    /// What it looks at.
    pub what: What<'a>,
    /// Its bound; of [`What::Fresh`] none.
    pub bound: Option<Bound>,
    /// Where it stands.
    pub span: Span,
}

/// What a rule looks at. Columns are places in the table.
#[derive(Clone, Debug)]
pub enum What<'a> {
    /// `complete(user_id)`: the share of rows in which a column is not null.
    Complete(usize),
    /// `duplicates`: the share of rows that are further copies of one with the same values, and where it is said come so soon after it.
    Duplicates(Vec<usize>, Option<Distance>),
    /// `late(15m)`: the share of rows that came later than so many milliseconds after they happened.
    Late(i64),
    /// `match(channel)`: the share of references to an entity that find its row.
    Match(usize),
    /// `valid`, or `valid(2)` of several: the share of rows for which a condition is not false.
    Valid(&'a ast::Expr, Option<usize>),
    /// The newest row came at most so many milliseconds ago.
    Fresh(i64),
    /// `mismatch`: the share of rows computed again that are not there as they are.
    Mismatch(Replay),
    /// `one_parent(city)`: the share of rows in which a level of a hierarchy stands below the parent that it mostly has.
    OneParent(Levels),
    /// Two ways to serve a metric agree.
    Reconcile(&'a ast::Path, [Way; 2]),
}

impl Ruled<'_> {
    /// The conditions of `valid`, in order.
    pub fn conditions(&self) -> impl Iterator<Item = &What<'_>> {
        self.rules.iter().map(|rule| &rule.what).filter(|what| matches!(what, What::Valid(..)))
    }
}

/// All declarations by their places in [`Names::qualities`]; none for one without rows to look at.
pub fn declare<'a>(
    names: &'a Names<'a>,
    tables: &[Table],
    zone: chrono_tz::Tz,
    d: &mut Diagnostics,
) -> Vec<Option<Ruled<'a>>> {
    names.qualities.iter().map(|declared| one(names, tables, zone, *declared, d)).collect()
}

fn one<'a>(
    names: &'a Names<'a>,
    tables: &[Table],
    zone: chrono_tz::Tz,
    declared: Declared<'a, ast::Block>,
    d: &mut Diagnostics,
) -> Option<Ruled<'a>> {
    let syntax = declared.syntax;
    let items = Items::read("quality", &syntax.items, ITEMS, &[], d);
    let (title, owner, runbook) = (items.string("title", d), items.string("owner", d), items.string("runbook", d));
    let severity = items.word("severity", &Severity::WORDS, d).unwrap_or(Severity::P1);
    let minimum = minimum(&items, d);
    if let Some(version) = &syntax.version {
        d.push(error!(E0840, version.span, "rules of quality have no version"; help: "leave it out: git has the earlier rules"));
    }
    let (on, table) = table_of(names, syntax, d)?;
    let told = d.len();
    let rules = Reader { names, table: &tables[table.0], tables, zone, d }.rules(&items);
    if rules.is_empty() && !items.broken && d.len() == told {
        d.push(error!(E0840, syntax.name.span, "`{}` has no rule", syntax.name.value;
            help: "write one: `complete: user_id`, `unique: event_id`, `fresh: 5m` …"));
    }
    let raw = ast::RowSet { kind: RowSetKind::Raw(on.clone()), span: syntax.name.span };
    if let Some((span, _)) = items.get("minimum").filter(|_| minimum.is_some())
        && !rules.is_empty()
        && rules.iter().all(|rule| matches!(rule.what, What::Fresh(_) | What::Reconcile(..)))
    {
        d.push(error!(E0848, span, "`minimum` is of shares of rows, and `{}` has none", syntax.name.value;
            help: "leave it out: what is compared with the clock, or with another result, has no number of rows"));
    }
    Some(Ruled { declared, table, on, raw, severity, minimum, title, owner, runbook, rules })
}

/// `minimum: 100`
fn minimum(items: &Items<'_>, d: &mut Diagnostics) -> Option<u64> {
    items.get("minimum")?;
    let value = items.one("minimum", d)?;
    let found = match &value.kind {
        ValueKind::Expr { expr, clauses } if clauses.is_empty() => match &expr.kind {
            ExprKind::Literal(Literal::Number(text)) => text.parse::<u64>().ok().filter(|rows| *rows > 0),
            _ => None,
        },
        _ => None,
    };
    if found.is_none() {
        d.push(error!(E0848, value.span, "`minimum` takes a number of rows"; help: "write `minimum: 100`"));
    }
    found
}

/// What `on` names.
fn table_of<'a>(names: &Names<'_>, syntax: &'a ast::Block, d: &mut Diagnostics) -> Option<(&'a ast::Path, TableId)> {
    let Some(on) = &syntax.on else {
        d.push(error!(E0840, syntax.name.span, "`{}` does not say which rows it is for", syntax.name.value;
            help: ("write `quality {} on SOURCE {{ … }}`", syntax.name.value)));
        return None;
    };
    match on.single().and_then(|name| names.row_set(name, None)) {
        Some(RowName::Table(place)) => Some((on, TableId(place))),
        Some(_) => {
            d.push(
                error!(E0840, on.span, "rules of quality are for a source or an entity, and `{on}` is made of others";
                help: "name what is stored, and put conditions into `valid`"),
            );
            None
        }
        None => {
            let known = names.row_set_names();
            let help = match near(&on.to_string(), known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name a source or an entity".to_owned(),
            };
            d.push(error!(E0207, on.span, "no source or entity named `{on}`"; help: help));
            None
        }
    }
}

pub(super) struct Reader<'r> {
    pub(super) names: &'r Names<'r>,
    pub(super) table: &'r Table,
    pub(super) tables: &'r [Table],
    pub(super) zone: chrono_tz::Tz,
    pub(super) d: &'r mut Diagnostics,
}

impl Reader<'_> {
    fn rules<'a>(mut self, items: &Items<'a>) -> Vec<RuledBy<'a>> {
        let mut found = Vec::new();
        for (key, what) in [("complete", What::Complete as fn(usize) -> What<'a>), ("match", What::Match)] {
            for value in values(items, key) {
                let Some((column, bound)) = self.bounded(key, value) else { continue };
                if key == "match" && self.is_no_entity(column, value.span) {
                    continue;
                }
                found.push(RuledBy { what: what(column), bound: Some(bound), span: value.span });
            }
        }
        found.extend(self.unique(items));
        for value in values(items, "late") {
            found.extend(self.late(value));
        }
        found.extend(self.fresh(items));
        let conditions = values(items, "valid");
        for (place, value) in conditions.iter().enumerate() {
            let number = (conditions.len() > 1).then_some(place + 1);
            found.extend(self.valid(value, number));
        }
        if let Some((span, all)) = items.get("replay") {
            found.extend(self.replay(span, all));
        }
        for value in values(items, "hierarchy") {
            found.extend(self.hierarchy(value));
        }
        for value in values(items, "reconcile") {
            found.extend(self.reconcile(value));
        }
        self.told_twice(&found);
        found
    }

    /// `user_id`, or `user_id > 99.5%`.
    fn bounded(&mut self, key: &str, value: &ast::Value) -> Option<(usize, Bound)> {
        if let Some((op, left, right)) = comparison(value) {
            let bound = self.bound(op, right, true)?;
            return Some((self.column(key, left)?, bound));
        }
        match &value.kind {
            ValueKind::Expr { expr, clauses } if clauses.is_empty() => Some((self.column(key, expr)?, Bound::all())),
            _ => self.refuse(value.span, key, &format!("write `{key}: column, column > 99.5%`")),
        }
    }

    /// `event_id, duplicates < 0.1%`
    fn unique<'a>(&mut self, items: &Items<'a>) -> Option<RuledBy<'a>> {
        let (span, all) = items.get("unique")?;
        let (mut columns, mut bound, mut distance) = (Vec::new(), None, None);
        for value in all {
            if let ValueKind::Within(step) = &value.kind {
                distance = Some(Distance::read(step, value.span, self.d)?);
            } else if let Some((op, left, right)) = comparison(value) {
                if !matches!(&left.kind, ExprKind::Path { path, version: None } if path.to_string() == "duplicates") {
                    return self.refuse(left.span, "unique", "write `unique: event_id, duplicates < 0.1%`");
                }
                bound = Some(self.bound(op, right, false)?);
            } else if let ValueKind::Expr { expr, clauses } = &value.kind
                && clauses.is_empty()
            {
                columns.push(self.column("unique", expr)?);
            } else {
                return self.refuse(value.span, "unique", "write `unique: event_id, duplicates < 0.1%`");
            }
        }
        if columns.is_empty() {
            return self.refuse(span, "unique", "name the columns whose values no two rows share: `unique: event_id`");
        }
        if let Some(distance) = distance {
            distance.fits(self.table, &columns, self.d)?;
        }
        Some(RuledBy {
            what: What::Duplicates(columns, distance),
            bound: Some(bound.unwrap_or_else(Bound::none)),
            span,
        })
    }

    /// `15m < 1%`
    fn late<'a>(&mut self, value: &'a ast::Value) -> Option<RuledBy<'a>> {
        let Some((op, left, right)) = comparison(value) else {
            return self.refuse(value.span, "late", "write `late: 15m < 1%`: less than 1 % of the rows come later");
        };
        let Some(limit) = length(left) else {
            return self.refuse(left.span, "late", "write `late: 15m < 1%`, with ms, s, m, h, d or w");
        };
        let bound = self.bound(op, right, false)?;
        self.arrived("late", value.span)?;
        Some(RuledBy { what: What::Late(limit), bound: Some(bound), span: value.span })
    }

    fn fresh<'a>(&mut self, items: &Items<'a>) -> Option<RuledBy<'a>> {
        let (_, all) = items.get("fresh")?;
        let span = all.first()?.span;
        let within = items.duration("fresh", self.d)?;
        if self.table.arrived.is_none() && self.table.time.is_none() {
            self.d.push(error!(E0843, span, "the rows of `{}` do not say when they came", self.table.name.value;
                help: "declare `arrived:` or `time:`, or leave `fresh` out"));
            return None;
        }
        Some(RuledBy { what: What::Fresh(within), bound: None, span })
    }

    /// A condition on rows, which names no metric.
    fn valid<'a>(&mut self, value: &'a ast::Value, number: Option<usize>) -> Option<RuledBy<'a>> {
        let ValueKind::Expr { expr, clauses } = &value.kind else {
            return self.refuse(value.span, "valid", "write a condition on columns: `valid: pay_amount >= 0`");
        };
        if !clauses.is_empty() {
            return self.refuse(value.span, "valid", "write a condition on columns: `valid: pay_amount >= 0`");
        }
        let mut named = None;
        expr.walk(&mut |part| {
            if let ExprKind::MetricPer { .. } = &part.kind {
                named = Some(part.span);
            }
        });
        if let Some(span) = named {
            self.d.push(error!(E0843, span, "a rule of quality looks at one row, and this at a metric of many";
                help: "declare a metric of it, and an alert on that"));
            return None;
        }
        Some(RuledBy { what: What::Valid(expr, number), bound: Some(Bound::all()), span: value.span })
    }

    fn reconcile<'a>(&mut self, value: &'a ast::Value) -> Option<RuledBy<'a>> {
        let ValueKind::Reconcile { metric, left, right, op, bound } = &value.kind else {
            return self.refuse(value.span, "reconcile", "write `reconcile: gmv stream daily < 0.5%`");
        };
        let mut way = |name: &ast::Name| {
            let found = Way::WORDS.iter().find(|(word, _)| *word == name.value).map(|(_, way)| *way);
            if found.is_none() {
                let near = near(&name.value, Way::WORDS.iter().map(|(word, _)| *word));
                let help = near.map_or_else(
                    || "the ways are stream, hourly and daily".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                self.d.push(error!(E0845, name.span, "`{}` is no way that results come in", name.value; help: help));
            }
            found
        };
        let (first, second) = (way(left), way(right));
        let (first, second) = (first?, second?);
        if first == second {
            self.d.push(error!(E0845, right.span, "`{}` is compared with itself", right.value;
                help: "name two ways: `reconcile: gmv stream daily < 0.5%`"));
            return None;
        }
        let share = self.share(&bound.value, bound.span)?;
        let op = if op.value == BinaryOp::Less { BoundOp::Below } else { BoundOp::AtMost };
        let bound = written(op, &bound.value, share);
        Some(RuledBy { what: What::Reconcile(metric, [first, second]), bound: Some(bound), span: value.span })
    }

    /// A bound of a share that should be high, or low.
    pub(super) fn bound(
        &mut self,
        op: crate::diagnostic::Spanned<BinaryOp>,
        limit: &ast::Expr,
        high: bool,
    ) -> Option<Bound> {
        let fits = match (op.value, high) {
            (BinaryOp::Greater, true) => Some(BoundOp::Above),
            (BinaryOp::GreaterEqual, true) => Some(BoundOp::AtLeast),
            (BinaryOp::Less, false) => Some(BoundOp::Below),
            (BinaryOp::LessEqual, false) => Some(BoundOp::AtMost),
            _ => None,
        };
        let Some(fits) = fits else {
            let (side, example) = if high { ("below", "> 99.5%") } else { ("above", "< 0.1%") };
            self.d.push(error!(E0842, op.span, "this share is bounded from {side}"; help: ("write `{example}`")));
            return None;
        };
        let literal = match &limit.kind {
            ExprKind::Literal(literal) => literal,
            _ => return self.refuse_bound(limit.span),
        };
        let share = self.share(literal, limit.span)?;
        Some(written(fits, literal, share))
    }

    pub(super) fn share(&mut self, literal: &Literal, span: Span) -> Option<f64> {
        let share = match literal {
            Literal::Percent(text) => format!("{text}e-2").parse::<f64>().ok(),
            Literal::Number(text) => text.parse().ok(),
            _ => None,
        };
        match share.filter(|share| (0.0..=1.0).contains(share)) {
            Some(share) => Some(share),
            None => self.refuse_bound(span),
        }
    }

    fn refuse_bound<T>(&mut self, span: Span) -> Option<T> {
        self.d.push(error!(E0842, span, "a share of rows is bounded by a number from 0 to 1";
            help: "write a percentage: `99.5%`"));
        None
    }

    /// The place of a column of the table itself.
    fn column(&mut self, key: &str, expr: &ast::Expr) -> Option<usize> {
        let ExprKind::Path { path, version: None } = &expr.kind else {
            return self.refuse(expr.span, key, &format!("write columns: `{key}: column, column`"));
        };
        let Some(name) = path.single() else {
            return self.refuse(path.span, key, "name a column of the rows themselves, without a dot");
        };
        let known = || self.table.columns.iter().enumerate().filter(|(_, column)| !column.internal);
        if let Some((place, column)) = known().find(|(_, column)| column.name.value == name.value) {
            return (column.ty.ty != Type::Null).then_some(place);
        }
        let names = || known().map(|(_, column)| column.name.as_str());
        let help = match near(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its columns are {}", some_of(names())),
        };
        self.d.push(
            error!(E0301, path.span, "`{}` has no column `{}`", self.table.name.value, name.value; help: help)
                .related(self.table.name.span, format!("`{}` is declared here", self.table.name.value)),
        );
        None
    }

    fn is_no_entity(&mut self, column: usize, span: Span) -> bool {
        let column = &self.table.columns[column];
        if matches!(column.ty.ty, Type::Entity(_)) {
            return false;
        }
        let shown = with_article(&show_type(&column.ty.ty, self.tables));
        self.d.push(
            error!(E0843, span, "`{}` is {shown}, and leads to no entity", column.name.value;
                help: ("declare it with an entity's name as its type: `column {}: channel?`", column.name.value))
            .related(column.name.span, "the column"),
        );
        true
    }

    /// The column that says when a row came.
    fn arrived(&mut self, key: &str, span: Span) -> Option<usize> {
        match (self.table.arrived, self.table.time) {
            (Some(arrived), Some(_)) => Some(arrived),
            _ => {
                self.d.push(error!(E0843, span, "the rows of `{}` do not say when they came", self.table.name.value;
                    help: ("declare `time:` and `arrived:`, or leave `{key}` out")));
                None
            }
        }
    }

    pub(super) fn refuse<T>(&mut self, span: Span, key: &str, help: &str) -> Option<T> {
        self.d.push(error!(E0841, span, "`{key}` does not take this"; help: ("{help}")));
        None
    }

    /// Two rules of one name would be one metric.
    fn told_twice(&mut self, rules: &[RuledBy<'_>]) {
        for (place, rule) in rules.iter().enumerate() {
            let name = rule.what.name(self.table);
            if let Some(first) = rules[..place].iter().find(|earlier| earlier.what.name(self.table) == name) {
                d_twice(self.d, rule.span, first.span, &name);
            }
        }
    }
}

fn d_twice(d: &mut Diagnostics, span: Span, first: Span, name: &str) {
    d.push(
        error!(E0204, span, "the rule `{name}` stands twice"; help: "keep one of them").related(first, "first here"),
    );
}

impl What<'_> {
    /// Behind the dot of a metric: `complete(user_id)`.
    pub fn name(&self, table: &Table) -> String {
        let column = |place: &usize| table.columns[*place].name.value.as_str();
        match self {
            What::Complete(place) => format!("complete({})", column(place)),
            What::Duplicates(..) => "duplicates".to_owned(),
            What::Late(ms) => format!("late({})", super::rate::length_text(*ms)),
            What::Match(place) => format!("match({})", column(place)),
            What::Valid(_, None) => "valid".to_owned(),
            What::Valid(_, Some(number)) => format!("valid({number})"),
            What::Fresh(_) => "fresh".to_owned(),
            What::Mismatch(_) => "mismatch".to_owned(),
            What::OneParent(levels) => format!("one_parent({})", levels.child.value),
            What::Reconcile(metric, [first, second]) => {
                format!("reconcile({metric} {} {})", first.word(), second.word())
            }
        }
    }
}

fn values<'a>(items: &Items<'a>, key: &str) -> &'a [ast::Value] {
    items.get(key).map_or(&[], |(_, values)| values)
}

/// A comparison of two expressions.
pub(super) fn comparison(value: &ast::Value) -> Option<(crate::diagnostic::Spanned<BinaryOp>, &ast::Expr, &ast::Expr)> {
    let ValueKind::Expr { expr, clauses } = &value.kind else { return None };
    let ExprKind::Binary { op, left, right } = &expr.kind else { return None };
    use BinaryOp::{Greater, GreaterEqual, Less, LessEqual};
    let compares = matches!(op.value, Less | LessEqual | Greater | GreaterEqual);
    (clauses.is_empty() && compares).then_some((*op, left, right))
}

/// A length of time in milliseconds.
pub(super) fn length(expr: &ast::Expr) -> Option<i64> {
    match &expr.kind {
        ExprKind::Literal(Literal::Duration(duration)) => milliseconds(*duration).filter(|ms| *ms >= 0),
        _ => None,
    }
}

fn written(op: BoundOp, literal: &Literal, share: f64) -> Bound {
    let word = match op {
        BoundOp::Below => "<",
        BoundOp::AtMost => "<=",
        BoundOp::Above => ">",
        BoundOp::AtLeast => ">=",
    };
    let text = match literal {
        Literal::Percent(text) => format!("{word} {text}%"),
        Literal::Number(text) => format!("{word} {text}"),
        _ => word.to_owned(),
    };
    Bound { op, share, text }
}
