//! The items of declarations as they are written: those that tell what something is, and not how it is called or shown.

use crate::syntax::ast::{Block, Clause, Item, ItemKind, Value, ValueKind};

use super::normal::sorted;
use super::term::Term;
use super::written::{expr, key, literal, named, rows, step, words};

/// Items that never tell what a table of behaviour is.
const ABOUT: &[&str] = &["title", "title_en", "owner", "tier", "better"];

/// The items with these keys, sorted: their order means nothing.
pub fn of_keys(items: &[Item], keys: &[&str]) -> Vec<Term> {
    let wanted = |item: &&Item| matches!(&item.kind, ItemKind::Keyed { key, .. } if keys.contains(&key.as_str()));
    sorted(items.iter().filter(wanted).filter_map(|item| of_item(item, true)).collect())
}

/// What the items of a table of behaviour say, in the order in which it matters. Without `rows`, what stands for rows is left
/// out: it is told by what they mean.
pub fn of_behaviour(block: &Block, with_rows: bool) -> Vec<Term> {
    let (mut unordered, mut ordered) = (Vec::new(), Vec::new());
    for item in &block.items {
        let found = of_item(item, with_rows);
        match &item.kind {
            ItemKind::Keyed { .. } => unordered.extend(found),
            _ => ordered.extend(found),
        }
    }
    let of = block.of.iter().filter(|_| with_rows).map(|(entity, keys)| {
        let per = keys.iter().map(key);
        Term::form("of", std::iter::once(named(entity, &None)).chain(per).collect())
    });
    of.chain(sorted(unordered)).chain(ordered).collect()
}

/// What an item says; none where that tells nothing of what something is.
pub fn of_item(item: &Item, with_rows: bool) -> Option<Term> {
    let name = |text: &str| Term::name(text);
    Some(match &item.kind {
        ItemKind::Keyed { key, .. } if ABOUT.contains(&key.as_str()) => return None,
        ItemKind::Keyed { key, .. } if key.value == "metrics" && !with_rows => return None,
        // By what it is shown makes no difference, but of which row that is does.
        ItemKind::Keyed { key, values } if key.value == "by" => {
            let from = values.iter().filter(|value| has_clause(value));
            let from: Vec<Term> = from.filter_map(|value| of_value(value, with_rows)).collect();
            if from.is_empty() {
                return None;
            }
            Term::form("by", sorted(from))
        }
        ItemKind::Keyed { key, values } => {
            let values: Vec<Term> = values.iter().filter_map(|value| of_value(value, with_rows)).collect();
            if values.is_empty() {
                return None;
            }
            words(std::iter::once(Term::name(format!("{}:", key.value))).chain(values))
        }
        ItemKind::Step { name: own, rows: of, by, optional } => {
            let by = by.iter().flat_map(|by| [name("by"), named(by, &None)]);
            let optional = optional.then(|| name("optional"));
            let rows = with_rows.then(|| rows(of));
            words([name("step"), name(&own.value)].into_iter().chain(rows).chain(by).chain(optional))
        }
        ItemKind::Exclude { name: own, rows: of, after, before, drop } => {
            let rows = with_rows.then(|| rows(of));
            let between = [name("after"), name(&after.value), name("before"), name(&before.value)];
            let drop = drop.then(|| name("drop"));
            words([name("exclude"), name(&own.value)].into_iter().chain(rows).chain(between).chain(drop))
        }
        ItemKind::Class { name: own, when } => {
            let when = when.iter().flat_map(|when| [name("when"), expr(when)]);
            words([name("class"), name(&own.value)].into_iter().chain(when))
        }
        ItemKind::Measure { name: own, value } => {
            words([name("measure"), name(&own.value)].into_iter().chain(of_value(value, with_rows)))
        }
        ItemKind::Score(scores) => words([name("score"), Term::number(i128::from(scores.value), 0)]),
        // Of dashboards, which show what is defined elsewhere.
        ItemKind::Row { .. } | ItemKind::Widget { .. } => return None,
    })
}

fn has_clause(value: &Value) -> bool {
    matches!(&value.kind, ValueKind::Expr { clauses, .. } if !clauses.is_empty())
}

/// A value of an item.
pub fn of_value(value: &Value, with_rows: bool) -> Option<Term> {
    let name = |text: &str| Term::name(text);
    let number = |value: i64| Term::number(i128::from(value), 0);
    Some(match &value.kind {
        ValueKind::Expr { expr: of, clauses } if has_aggregate(of) && !with_rows => {
            return (!clauses.is_empty()).then(|| words(clauses.iter().map(clause)));
        }
        ValueKind::Expr { expr: of, clauses } => words(std::iter::once(expr(of)).chain(clauses.iter().map(clause))),
        ValueKind::Rows { .. } | ValueKind::SinceLast(_) if !with_rows => return None,
        ValueKind::Rows { every, rows: of } => words(every.then(|| name("every")).into_iter().chain([rows(of)])),
        ValueKind::AtLeast(least) => words([name("at least"), number(least.value)]),
        ValueKind::Range { low, high, low_negative, high_negative } => {
            let sign = |negative: &bool| name(if *negative { "-" } else { "+" });
            words([sign(low_negative), literal(&low.value), name(".."), sign(high_negative), literal(&high.value)])
        }
        ValueKind::Step(of) => step(of),
        ValueKind::Top { count, by } => words([name("top"), number(count.value), name("by"), named(by, &None)]),
        ValueKind::SinceLast(path) => words([name("since last"), named(path, &None)]),
        ValueKind::Within(of) => words([name("within"), step(of)]),
        ValueKind::Same(of) => words([name("same"), step(of)]),
        ValueKind::From(path) => words([name("from"), named(path, &None)]),
        ValueKind::Reconcile { metric, left, right, op, bound } => {
            let words_ = [named(metric, &None), name(&left.value), name(&right.value)];
            words(words_.into_iter().chain([name(op.value.symbol()), literal(&bound.value)]))
        }
    })
}

/// Whether rows are named in it.
fn has_aggregate(of: &crate::syntax::ast::Expr) -> bool {
    let mut found = false;
    of.walk(&mut |part| found |= matches!(part.kind, crate::syntax::ast::ExprKind::Aggregate(_)));
    found
}

fn clause(clause: &Clause) -> Term {
    let pair = |word: &str, term: Term| words([Term::name(word), term]);
    match clause {
        Clause::LatestBy(path) => pair("latest by", named(path, &None)),
        Clause::For(of) => pair("for", step(of)),
        Clause::By(path) => pair("by", named(path, &None)),
        Clause::As(name) => pair("as", Term::name(name.value.clone())),
        Clause::Over(of) => pair("over", step(of)),
        Clause::From(path) => pair("from", named(path, &None)),
    }
}
