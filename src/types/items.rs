//! Reading the `key: value` items of a declaration.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::resolve::later;
use crate::suggest::near;
use crate::syntax::ast::{self, DurationUnit, ExprKind, Item, ItemKind, Literal, Step as AstStep, Value, ValueKind};
use crate::value::Step;

/// The items of one declaration, each key once.
pub struct Items<'a> {
    found: Vec<(&'a ast::Name, &'a [Value])>,
    /// Whether an item was not understood, so that one may only seem to be missing.
    pub broken: bool,
}

impl<'a> Items<'a> {
    /// The items that `kind` may have: `allowed` keys; `later` ones are told as not compiled yet, all others as unknown.
    pub fn read(
        kind: &str,
        items: &'a [Item],
        allowed: &[&str],
        later_keys: &[&str],
        diagnostics: &mut Diagnostics,
    ) -> Items<'a> {
        let mut found: Vec<(&ast::Name, &[Value])> = Vec::new();
        let told = diagnostics.len();
        for item in items {
            let ItemKind::Keyed { key, values } = &item.kind else {
                diagnostics.push(error!(E0203, item.span, "{} {kind} has no item of this form", article(kind);
                    help: ("{} {kind} takes: {}", article(kind), allowed.join(", "))));
                continue;
            };
            if later_keys.contains(&key.as_str()) {
                diagnostics.push(later(key, key.span));
            } else if !allowed.contains(&key.as_str()) {
                let help = match near(key, allowed.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("{} {kind} takes: {}", article(kind), allowed.join(", ")),
                };
                diagnostics
                    .push(error!(E0203, key.span, "{} {kind} has no item `{}`", article(kind), key.value; help: help));
            } else if let Some((first, _)) = found.iter().find(|(name, _)| *name == key) {
                diagnostics.push(
                    error!(E0204, key.span, "the item `{}` stands twice", key.value; help: "keep one of them")
                        .related(first.span, "first here"),
                );
            } else {
                found.push((key, values));
            }
        }
        Items { broken: told < diagnostics.len(), found }
    }

    /// The values of a key.
    pub fn get(&self, key: &str) -> Option<(Span, &'a [Value])> {
        self.found.iter().find(|(name, _)| name.as_str() == key).map(|(name, values)| (name.span, *values))
    }

    /// The only value of a key.
    pub fn one(&self, key: &str, diagnostics: &mut Diagnostics) -> Option<&'a Value> {
        let (span, values) = self.get(key)?;
        match values {
            [value] => Some(value),
            _ => {
                diagnostics.push(error!(E0205, span, "`{key}` takes one value"; help: "keep one of them"));
                None
            }
        }
    }

    /// The text of a key.
    pub fn string(&self, key: &str, diagnostics: &mut Diagnostics) -> Option<String> {
        let value = self.one(key, diagnostics)?;
        if let ValueKind::Expr { expr, .. } = &value.kind
            && let ExprKind::Literal(Literal::String(text)) = &expr.kind
        {
            return Some(text.clone());
        }
        let help = format!("write `{key}: \"…\"`");
        diagnostics.push(error!(E0205, value.span, "`{key}` takes a text in quotes"; help: help));
        None
    }

    /// Tells which of some keys have something else than a text; nothing depends on what they say.
    pub fn check_texts(&self, keys: &[&str], diagnostics: &mut Diagnostics) {
        for key in keys {
            self.string(key, diagnostics);
        }
    }

    /// One of some words.
    pub fn word<T: Copy>(&self, key: &str, choices: &[(&str, T)], diagnostics: &mut Diagnostics) -> Option<T> {
        let value = self.one(key, diagnostics)?;
        let word = word(value);
        if let Some(word) = word
            && let Some((_, found)) = choices.iter().find(|(choice, _)| *choice == word)
        {
            return Some(*found);
        }
        let all: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
        let help = match word.and_then(|word| near(word, all.iter().copied())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("`{key}` is one of: {}", all.join(", ")),
        };
        diagnostics.push(error!(E0205, value.span, "`{key}` does not take this value"; help: help));
        None
    }

    /// The names of a key: a list of single words.
    pub fn names(&self, key: &str, diagnostics: &mut Diagnostics) -> Vec<(&'a ast::Name, &'a [ast::Clause])> {
        let Some((_, values)) = self.get(key) else { return Vec::new() };
        let mut all = Vec::new();
        for value in values {
            match name(value) {
                Some(found) => all.push(found),
                None => diagnostics.push(error!(E0205, value.span, "`{key}` takes names";
                    help: ("write `{key}: name, name`"))),
            }
        }
        all
    }

    /// Whether a key is `true`; one that is not there is not.
    pub fn truth(&self, key: &str, diagnostics: &mut Diagnostics) -> Option<bool> {
        let Some((span, _)) = self.get(key) else { return Some(false) };
        let truth = self.one(key, diagnostics).and_then(|value| match &value.kind {
            ValueKind::Expr { expr, .. } => match &expr.kind {
                ExprKind::Literal(Literal::Bool(value)) => Some(*value),
                _ => None,
            },
            _ => None,
        });
        if truth.is_none() {
            diagnostics.push(error!(E0205, span, "`{key}` is `true` or `false`"; help: ("write `{key}: true`")));
        }
        truth
    }

    /// A length of time in milliseconds.
    pub fn duration(&self, key: &str, diagnostics: &mut Diagnostics) -> Option<i64> {
        let value = self.one(key, diagnostics)?;
        let found = match &value.kind {
            ValueKind::Expr { expr, .. } => match &expr.kind {
                ExprKind::Literal(Literal::Duration(duration)) => milliseconds(*duration),
                _ => None,
            },
            ValueKind::Step(AstStep::Duration(duration)) => milliseconds(*duration),
            _ => None,
        };
        if found.is_none() {
            diagnostics.push(error!(E0205, value.span, "`{key}` takes a length of time";
                help: ("write `{key}: 5m`, with ms, s, m, h, d or w")));
        }
        found
    }
}

/// The single word that a value is.
pub fn word(value: &Value) -> Option<&str> {
    match &value.kind {
        ValueKind::Step(AstStep::Calendar(step)) => Some(step.word()),
        _ => name(value).map(|(name, _)| name.as_str()),
    }
}

/// The single name that a value is, with the clauses behind it.
pub fn name(value: &Value) -> Option<(&ast::Name, &[ast::Clause])> {
    match &value.kind {
        ValueKind::Expr { expr, clauses } => match &expr.kind {
            ExprKind::Path { path, version: None } => path.single().map(|name| (name, clauses.as_slice())),
            _ => None,
        },
        _ => None,
    }
}

/// A duration in milliseconds; none for calendar units and beyond 64 bits.
pub fn milliseconds(duration: ast::Duration) -> Option<i64> {
    let size = match duration.unit {
        DurationUnit::Millisecond => 1,
        DurationUnit::Second => 1_000,
        DurationUnit::Minute => 60_000,
        DurationUnit::Hour => 3_600_000,
        DurationUnit::Day => 86_400_000,
        DurationUnit::Week => 7 * 86_400_000,
        DurationUnit::Month | DurationUnit::Quarter | DurationUnit::Year => return None,
    };
    duration.count.checked_mul(size)
}

/// The output step of a written step, where it is one: a divisor of a day, a day, week, month, quarter or year. Those of
/// calendars are [`super::calendars::step_of`].
pub fn output_step(step: &AstStep) -> Option<Step> {
    match step {
        AstStep::Calendar(step) => Step::parse(step.word()),
        AstStep::Duration(duration) => match (duration.unit, duration.count) {
            (DurationUnit::Month, count) => Step::parse(&format!("{count}month")),
            (DurationUnit::Quarter, 1) => Some(Step::Quarter),
            (DurationUnit::Year, 1) => Some(Step::Year),
            (DurationUnit::Quarter | DurationUnit::Year, _) => None,
            _ => match milliseconds(*duration)? {
                604_800_000 => Some(Step::Week),
                ms => Step::subday(ms),
            },
        },
        AstStep::Declared(_) => None,
    }
}

/// The article before the word of a declaration.
fn article(kind: &str) -> &'static str {
    if kind.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" }
}
