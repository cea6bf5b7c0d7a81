//! What is different between two formulas, field by field, in the words of the definitions.
//!
//! Both are walked together. What means the same is passed over, however it is written; what is told elsewhere, because another
//! declaration says it, is left out.

use crate::caliber::{Meaning, Over, Term};
use crate::diagnostic::Span;
use crate::project::SourceMap;
use crate::types::{
    Aggregation, Formula, FormulaKind, Leaf, Model, Movement, Nested, Origin, RowExpr, RowExprKind, RowSet,
};
use crate::value::{Function, Window};

use super::field::{Aspect, Field};
use super::implies::{self, conjuncts};

/// One of the two programs.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// What it means.
    pub meaning: &'a Meaning<'a>,
    /// Its texts.
    pub sources: &'a SourceMap,
}

impl<'a> Look<'a> {
    fn model(self) -> &'a Model {
        self.meaning.model
    }

    /// What is written at a place, in one line and without brackets around it.
    pub fn text(self, span: Span) -> String {
        let line = self.sources.text(span).split_whitespace().collect::<Vec<_>>().join(" ");
        bare(&line).to_owned()
    }
}

/// A text without brackets around all of it.
fn bare(text: &str) -> &str {
    let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) else { return text };
    let mut depth = 0_i32;
    for c in inner.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            // A bracket in a text may be none.
            '"' => return text,
            _ => {}
        }
        if depth < 0 {
            return text;
        }
    }
    bare(inner)
}

/// Gathers the fields that are different.
pub struct Walk<'a> {
    before: Look<'a>,
    after: Look<'a>,
    /// Declarations of each side that tell their own differences.
    elsewhere: [Vec<Span>; 2],
    /// What was found.
    pub found: Vec<Field>,
}

type Condition = (Term, Span, String);

impl<'a> Walk<'a> {
    /// Nothing found yet.
    pub fn new(before: Look<'a>, after: Look<'a>, gone: Vec<Span>, came: Vec<Span>) -> Walk<'a> {
        Walk { before, after, elsewhere: [gone, came], found: Vec::new() }
    }

    fn tell(&mut self, aspect: Aspect, of: &str, old: Option<String>, new: Option<String>) {
        let field = Field::caliber(aspect, of, old, new);
        if field.old != field.new && !self.found.contains(&field) {
            self.found.push(field);
        }
    }

    fn is_elsewhere(&self, side: usize, span: Span) -> bool {
        self.elsewhere[side].iter().any(|one| one.file == span.file && one.start <= span.start && span.end <= one.end)
    }

    fn whole(&mut self, a: &Formula, b: &Formula, of: &str) {
        let (old, new) = (self.before.text(a.span), self.after.text(b.span));
        self.tell(Aspect::Formula, of, Some(old), Some(new));
    }

    /// Two formulas; `of` says which part of the whole they are.
    pub fn formula(&mut self, a: &Formula, b: &Formula, of: &str) {
        if self.before.meaning.of_formula(a) == self.after.meaning.of_formula(b) {
            return;
        }
        match (&a.kind, &b.kind) {
            (FormulaKind::Metric(x), FormulaKind::Metric(y)) => {
                let (x, y) = (&self.before.model().metrics[x.0], &self.after.model().metrics[y.0]);
                if x.name.value != y.name.value {
                    self.whole(a, b, of);
                    self.formula(&x.formula, &y.formula, of);
                }
                // Else it tells itself.
            }
            (FormulaKind::Metric(x), _) => self.formula(&self.before.model().metrics[x.0].formula, b, of),
            (_, FormulaKind::Metric(y)) => self.formula(a, &self.after.model().metrics[y.0].formula, of),
            (FormulaKind::Leaf(x), FormulaKind::Leaf(y)) => self.leaf(x, y, of),
            (FormulaKind::Call(f, x), FormulaKind::Call(g, y)) if f == g => self.call((a, b), *f, (x, y), of),
            (FormulaKind::Where { operand: x, filter }, FormulaKind::Where { operand: y, filter: other }) => {
                let old = self.before.meaning.of_filter(filter, &self.before.meaning.bases_of(x));
                let new = self.after.meaning.of_filter(other, &self.after.meaning.bases_of(y));
                if old != new {
                    self.tail(a, x, b, y, Aspect::Filter, of);
                }
                self.formula(x, y, of);
            }
            (FormulaKind::Moved { operand: x, by }, FormulaKind::Moved { operand: y, by: other }) => {
                if movement(*by) != movement(*other) {
                    let (old, new) = (moved(self.before, a, x, *by), moved(self.after, b, y, *other));
                    self.tell(Aspect::Window, of, Some(old), Some(new));
                }
                self.formula(x, y, of);
            }
            (FormulaKind::Nested(x), FormulaKind::Nested(y)) => self.nested(x, y, of),
            (FormulaKind::Rate { operand: x, .. }, FormulaKind::Rate { operand: y, .. }) => {
                self.tail(a, x, b, y, Aspect::Window, of);
                self.formula(x, y, of);
            }
            (FormulaKind::Across { operand: x, .. }, FormulaKind::Across { operand: y, .. }) => {
                self.tail(a, x, b, y, Aspect::Dimensions, of);
                self.formula(x, y, of);
            }
            _ => self.one_sided(a, b, of),
        }
    }

    /// One of them has a condition or a window that the other one lacks, or they are of different forms.
    fn one_sided(&mut self, a: &Formula, b: &Formula, of: &str) {
        match (&a.kind, &b.kind) {
            (FormulaKind::Where { operand, .. }, _) => {
                let old = rest(&self.before.text(a.span), &self.before.text(operand.span));
                self.tell(Aspect::Filter, of, Some(old), None);
                self.formula(operand, b, of);
            }
            (_, FormulaKind::Where { operand, .. }) => {
                let new = rest(&self.after.text(b.span), &self.after.text(operand.span));
                self.tell(Aspect::Filter, of, None, Some(new));
                self.formula(a, operand, of);
            }
            (FormulaKind::Moved { operand, by }, _) => {
                let old = moved(self.before, a, operand, *by);
                self.tell(Aspect::Window, of, Some(old), None);
                self.formula(operand, b, of);
            }
            (_, FormulaKind::Moved { operand, by }) => {
                let new = moved(self.after, b, operand, *by);
                self.tell(Aspect::Window, of, None, Some(new));
                self.formula(a, operand, of);
            }
            _ => self.whole(a, b, of),
        }
    }

    /// What stands behind the operand of both, where that is written in another way.
    fn tail(&mut self, a: &Formula, x: &Formula, b: &Formula, y: &Formula, aspect: Aspect, of: &str) {
        let old = rest(&self.before.text(a.span), &self.before.text(x.span));
        let new = rest(&self.after.text(b.span), &self.after.text(y.span));
        self.tell(aspect, of, Some(old), Some(new));
    }

    fn call(&mut self, whole: (&Formula, &Formula), function: Function, (x, y): (&[Formula], &[Formula]), of: &str) {
        let commutes = matches!(function, Function::Add | Function::Multiply | Function::Least | Function::Greatest);
        let (mut left, mut right): (Vec<&Formula>, Vec<&Formula>) = (x.iter().collect(), y.iter().collect());
        if commutes {
            // What both have stands on any side.
            left.retain(|one| {
                let term = self.before.meaning.of_formula(one);
                let same = right.iter().position(|other| self.after.meaning.of_formula(other) == term);
                same.map(|place| right.remove(place)).is_none()
            });
        }
        if left.len() != right.len() {
            return self.whole(whole.0, whole.1, of);
        }
        let divides = function == Function::Divide && of.is_empty();
        for (place, (a, b)) in left.into_iter().zip(right).enumerate() {
            let part = match (divides, place) {
                (true, 0) => "numerator",
                (true, _) => "denominator",
                (false, _) => of,
            };
            self.formula(a, b, part);
        }
    }

    fn leaf(&mut self, a: &Leaf, b: &Leaf, of: &str) {
        if a.aggregation != b.aggregation {
            self.tell(Aspect::Aggregation, of, Some(word(a.aggregation)), Some(word(b.aggregation)));
        }
        let over = self.before.meaning.over(a.rows.base, a.rows.dated);
        let also = self.after.meaning.over(b.rows.base, b.rows.dated);
        self.value(a.input.as_ref(), &over, b.input.as_ref(), &also, Aspect::Input, of);
        self.rows(&a.rows, &b.rows, of);
        let at_last = |leaf: &Leaf| leaf.at_last.as_ref().map(|at| format!("at last {}", at.step.text()));
        self.tell(Aspect::Window, of, at_last(a), at_last(b));
    }

    fn value(&mut self, a: Option<&RowExpr>, over: &Over, b: Option<&RowExpr>, also: &Over, aspect: Aspect, of: &str) {
        let old = a.map(|a| self.before.meaning.of_expr(a, over));
        let new = b.map(|b| self.after.meaning.of_expr(b, also));
        if old == new {
            return;
        }
        let (old, new) = (a.map(|a| self.before.text(a.span)), b.map(|b| self.after.text(b.span)));
        // Where both are written alike, a column that is named means something else, and tells so.
        self.tell(aspect, of, old, new);
    }

    /// Two row sets.
    pub fn rows(&mut self, a: &RowSet, b: &RowSet, of: &str) {
        let (x, y) = (self.before.model().table(a.base), self.after.model().table(b.base));
        if self.before.meaning.of_table(a.base) != self.after.meaning.of_table(b.base) {
            match (&x.origin, &y.origin) {
                (Origin::FirstOf { rows, keys }, Origin::FirstOf { rows: other, keys: also }) => {
                    self.rows(rows, other, of);
                    let texts = |look: Look<'_>, keys: &[RowExpr]| {
                        Some(keys.iter().map(|key| look.text(key.span)).collect::<Vec<_>>().join(", "))
                    };
                    let (old, new) = (texts(self.before, keys), texts(self.after, also));
                    self.tell(Aspect::Dedup, "first of, per", old, new);
                }
                (Origin::Union(old), Origin::Union(new)) => {
                    let names = |look: Look<'_>, members: &[crate::types::Member]| {
                        let name =
                            |member: &crate::types::Member| look.model().table(member.rows.base).name.value.clone();
                        Some(members.iter().map(name).collect::<Vec<_>>().join(" | "))
                    };
                    let both = (names(self.before, &old.members), names(self.after, &new.members));
                    if both.0 == both.1 {
                        for (old, new) in old.members.iter().zip(&new.members) {
                            self.rows(&old.rows, &new.rows, of);
                        }
                    }
                    self.tell(Aspect::Rows, of, both.0, both.1);
                }
                _ => self.tell(Aspect::Rows, of, Some(x.name.value.clone()), Some(y.name.value.clone())),
            }
        }
        let time = |look: Look<'_>, rows: &RowSet| {
            let table = look.model().table(rows.base);
            let own = table.time.map(|column| crate::types::ColumnId { table: rows.base, column });
            let column = rows.dated.or(own)?;
            let name = look.model().table(column.table).columns[column.column].name.value.clone();
            Some((look.meaning.of_column(column, None), name))
        };
        let (old, new) = (time(self.before, a), time(self.after, b));
        if old.as_ref().map(|one| &one.0) != new.as_ref().map(|one| &one.0) {
            self.tell(Aspect::TimeColumn, of, old.map(|one| one.1), new.map(|one| one.1));
        }
        let old = conditions(self.before, &a.filters, &self.before.meaning.over(a.base, a.dated));
        let new = conditions(self.after, &b.filters, &self.after.meaning.over(b.base, b.dated));
        self.conditions(old, new, of);
    }

    /// Conditions that all must hold: those that went, that came, and that took the place of one on the same thing.
    fn conditions(&mut self, old: Vec<Condition>, new: Vec<Condition>, of: &str) {
        let among = |term: &Term, others: &[Condition]| {
            let parts = conjuncts(term.clone());
            let known: Vec<Term> = others.iter().flat_map(|(term, ..)| conjuncts(term.clone())).collect();
            parts.iter().all(|part| known.contains(part))
        };
        let gone: Vec<&Condition> =
            old.iter().filter(|one| !among(&one.0, &new) && !self.is_elsewhere(0, one.1)).collect();
        let mut came: Vec<&Condition> =
            new.iter().filter(|one| !among(&one.0, &old) && !self.is_elsewhere(1, one.1)).collect();
        // Of `not (a or b)` there may be `not a` yet, which is no news by itself.
        let stayed = |term: &Term, others: &[Condition]| -> Vec<String> {
            let parts = conjuncts(term.clone());
            let within = |one: &&Condition| {
                let own = conjuncts(one.0.clone());
                !own.is_empty() && own.iter().all(|part| parts.contains(part))
            };
            others.iter().filter(within).map(|one| one.2.clone()).collect()
        };
        let joined = |texts: Vec<String>| (!texts.is_empty()).then(|| texts.join(" and "));
        for (term, _, text) in gone {
            let same = subject(term).and_then(|own| came.iter().position(|one| subject(&one.0) == Some(own)));
            let mut next = stayed(term, &new);
            next.extend(same.map(|place| came.remove(place).2.clone()));
            self.tell(kind(term), of, Some(text.clone()), joined(next));
        }
        for (term, _, text) in came {
            self.tell(kind(term), of, joined(stayed(term, &old)), Some(text.clone()));
        }
    }

    fn nested(&mut self, a: &Nested, b: &Nested, of: &str) {
        let aggregate = |nested: &Nested| {
            if nested.counts_groups { "count of groups".to_owned() } else { word(nested.aggregation) }
        };
        self.tell(Aspect::Aggregation, of, Some(aggregate(a)), Some(aggregate(b)));
        let keys = |look: Look<'_>, nested: &Nested| {
            let tables = look.meaning.bases_of(&nested.formula);
            let mut all: Vec<(Term, String)> = (nested.keys.iter())
                .map(|key| (look.meaning.of_key(key, &tables), key_name(key, look.model())))
                .collect();
            all.sort_by_cached_key(|one| one.0.to_string());
            let (terms, names): (Vec<Term>, Vec<String>) = all.into_iter().unzip();
            (terms, Some(names.join(", ")))
        };
        let ((old, was), (new, is)) = (keys(self.before, a), keys(self.after, b));
        if old != new {
            self.tell(Aspect::Dedup, "per", was, is);
        }
        let old = conditions(self.before, a.filter.as_slice(), &Over::ANY);
        let new = conditions(self.after, b.filter.as_slice(), &Over::ANY);
        self.conditions(old, new, "of groups");
        self.formula(&a.formula, &b.formula, of);
    }
}

fn key_name(key: &crate::types::NestedKey, model: &Model) -> String {
    use crate::types::NestedKey;
    match key {
        NestedKey::Dimension(id) => model.dimensions[id.0].name.value.clone(),
        NestedKey::Column { name, .. } => name.clone(),
        NestedKey::Step(step) => step.text(),
    }
}

/// What a condition is about: two on the same thing may take each other's place.
fn subject(term: &Term) -> Option<&Term> {
    match term {
        Term::Call(Function::Not, inner) => subject(&inner[0]),
        // `between` is about one thing.
        Term::Call(Function::And, parts) => {
            let first = subject(parts.first()?)?;
            parts.iter().all(|part| subject(part) == Some(first)).then_some(first)
        }
        Term::Call(Function::Or, _) => None,
        Term::Call(Function::In | Function::Like, parts) => parts.first(),
        Term::Call(_, sides) => implies::subject(sides),
        _ => None,
    }
}

/// Whether a condition says what counts or what does not.
fn kind(term: &Term) -> Aspect {
    match term {
        Term::Call(Function::Not | Function::NotEqual, _) => Aspect::Exclusion,
        _ => Aspect::Filter,
    }
}

/// The conditions of a filter, each with its meaning, its place and its text.
fn conditions(look: Look<'_>, filters: &[RowExpr], over: &Over) -> Vec<Condition> {
    fn parts<'e>(filter: &'e RowExpr, found: &mut Vec<&'e RowExpr>) {
        match &filter.kind {
            // `between` is two conditions of one text.
            RowExprKind::Call(Function::And, inner) if inner.iter().all(|part| part.span != filter.span) => {
                inner.iter().for_each(|part| parts(part, found));
            }
            _ => found.push(filter),
        }
    }
    let mut all = Vec::new();
    filters.iter().for_each(|filter| parts(filter, &mut all));
    all.into_iter().map(|one| (look.meaning.of_expr(one, over), one.span, look.text(one.span))).collect()
}

/// What a text has behind its beginning, or all of it.
fn rest(whole: &str, start: &str) -> String {
    let tail = whole.strip_prefix(start).unwrap_or(whole).trim();
    tail.strip_prefix("where ").unwrap_or(tail).to_owned()
}

/// How an interval is moved, as it is written; a growth says so in other words.
fn moved(look: Look<'_>, whole: &Formula, operand: &Formula, by: Movement) -> String {
    let (text, start) = (look.text(whole.span), look.text(operand.span));
    match text.strip_prefix(&start).map(str::trim) {
        Some(tail) if ["over ", "ago ", "at "].iter().any(|word| tail.starts_with(word)) => tail.to_owned(),
        _ => movement(by),
    }
}

fn movement(by: Movement) -> String {
    match by {
        Movement::Over(Window::Last(length)) => format!("over {}", length.text()),
        Movement::Over(Window::Before(length)) => format!("over {} before", length.text()),
        Movement::Over(Window::Earlier(length)) => format!("over {} earlier", length.text()),
        Movement::Over(Window::ToDate(step)) => format!("over {} to date", step.text()),
        Movement::Over(Window::All) => "over all".to_owned(),
        Movement::Ago(length) => format!("ago {}", length.text()),
        Movement::AtStartOf(step) => format!("at start of {}", step.text()),
        Movement::AtOwnStart => "at its start".to_owned(),
        Movement::FirstDay => "of its first day".to_owned(),
        Movement::Only(step) => format!("by {}", step.text()),
    }
}

fn word(aggregation: Aggregation) -> String {
    crate::caliber::aggregation(aggregation)
}

/// How a metric's values may be added up: `yes`, `not over time`, or `no`.
pub fn additivity(formula: &Formula, model: &Model) -> &'static str {
    const YES: &str = "additive";
    const NOT_OVER_TIME: &str = "not additive over time";
    const NO: &str = "not additive";
    match &formula.kind {
        FormulaKind::Leaf(leaf) if matches!(leaf.aggregation, Aggregation::Count | Aggregation::Sum) => {
            if leaf.at_last.is_some() { NOT_OVER_TIME } else { YES }
        }
        FormulaKind::Metric(id) => additivity(&model.metrics[id.0].formula, model),
        FormulaKind::Where { operand, .. } => additivity(operand, model),
        FormulaKind::Moved { operand, by } => match additivity(operand, model) {
            YES if !matches!(by, Movement::Ago(_)) => NOT_OVER_TIME,
            other => other,
        },
        FormulaKind::Call(Function::Add | Function::Subtract | Function::Negate, parts) => {
            let all: Vec<&str> = parts.iter().map(|part| additivity(part, model)).collect();
            [NO, NOT_OVER_TIME].into_iter().find(|least| all.contains(least)).unwrap_or(YES)
        }
        _ => NO,
    }
}
