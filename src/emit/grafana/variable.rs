//! Variables: what can be chosen, and how a choice comes into a query.
//!
//! The value of a variable is the dimension's value in hexadecimal digits, its text what people see. In a query it stands as
//! `${name:percentencode}`, which is letters, digits and `%` whatever somebody puts into an address: nothing of it can end a
//! literal. There it is decoded to a text of which the values are taken, so that a choice is data and never SQL. All is the
//! text `all`, which is in no list of such values.

use std::ops::ControlFlow;

use serde_json::{Value as Json, json};
use sqlparser::ast::{BinaryOperator, Expr, Query, Value, ValueWithSpan, VisitMut, VisitorMut};

use super::given::Choice;
use crate::sql::build::{self, binary, call};

/// What stands for all values.
const ALL: &str = "all";
/// The values in a choice.
const VALUES: &str = "n|v[0-9A-F]*";

/// What names of variables begin with that are not the dimension's.
const OTHER: &str = "dimension_";

/// The name of a variable: that of the dimension where Grafana takes it and no other variable could have it.
pub fn name(dimension: &str, place: usize) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // Names of Grafana's own begin with two underscores.
    let is_taken = dimension.starts_with("__") || dimension.starts_with(OTHER);
    let own = dimension.chars().all(fits) && !is_taken && !dimension.is_empty();
    if own { dimension.to_owned() } else { format!("{OTHER}{}", place + 1) }
}

/// A value as it is chosen: `v` and its bytes, or `n` for null.
pub fn id(value: Expr) -> Expr {
    let known = call("concat", vec![build::text("v"), call("hex", vec![call("toString", vec![value.clone()])])]);
    call("if", vec![build::is_null(value), build::text("n"), call("assumeNotNull", vec![known])])
}

/// Whether a value is chosen by a variable.
fn chosen(value: Expr, variable: &str) -> Expr {
    let choice = call("decodeURLComponent", vec![build::text(format!("${{{variable}:percentencode}}"))]);
    let all = binary(choice.clone(), BinaryOperator::Eq, build::text(ALL));
    let values = call("extractAll", vec![choice, build::text(VALUES)]);
    let one = call("has", vec![values, id(value)]);
    build::nested(binary(all, BinaryOperator::Or, one))
}

/// Puts the variables in the places of what stands for them. Whether each of them was there.
pub fn put(query: &mut Query, choices: &[(&Choice, String)]) -> bool {
    let mut visitor = Put { choices, seen: vec![false; choices.len()] };
    let _ = VisitMut::visit(query, &mut visitor);
    let mut rest = Rest { choices, found: false };
    let _ = VisitMut::visit(query, &mut rest);
    !rest.found && visitor.seen.iter().all(|seen| *seen)
}

struct Put<'a> {
    choices: &'a [(&'a Choice, String)],
    seen: Vec<bool>,
}

impl Put<'_> {
    fn place(&self, expr: &Expr) -> Option<usize> {
        let text = literal(expr)?;
        self.choices.iter().position(|(choice, _)| choice.stands_for == text)
    }
}

impl VisitorMut for Put<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = expr else { return ControlFlow::Continue(()) };
        let found = self.place(right).map(|place| (place, left.as_ref()));
        let found = found.or_else(|| self.place(left).map(|place| (place, right.as_ref())));
        if let Some((place, value)) = found {
            let put = chosen(value.clone(), &self.choices[place].1);
            self.seen[place] = true;
            *expr = put;
        }
        ControlFlow::Continue(())
    }
}

struct Rest<'a> {
    choices: &'a [(&'a Choice, String)],
    found: bool,
}

impl VisitorMut for Rest<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let is_one = |text: &str| self.choices.iter().any(|(choice, _)| choice.stands_for == text);
        self.found |= literal(expr).is_some_and(is_one);
        ControlFlow::Continue(())
    }
}

fn literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) => Some(text),
        Expr::Nested(inner) => literal(inner),
        _ => None,
    }
}

/// Keeps what Grafana would take for a variable from being one: in texts of the project `$` and `[` are written as numbers.
pub fn hide(query: &mut Query) {
    let _ = VisitMut::visit(query, &mut Hide);
}

struct Hide;

impl VisitorMut for Hide {
    type Break = ();

    fn post_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<()> {
        if let Value::SingleQuotedString(text) = &mut value.value
            && text.contains(['$', '['])
        {
            *text = text.replace('$', "\\x24").replace('[', "\\x5B");
        }
        ControlFlow::Continue(())
    }
}

/// A variable of a dashboard.
pub fn json(name: &str, label: &str, datasource: &Json, sql: &str) -> Json {
    json!({
        "type": "query",
        "name": name,
        "label": label,
        "datasource": datasource,
        "query": sql,
        "refresh": 2,
        "sort": 0,
        "multi": true,
        "includeAll": true,
        "allValue": ALL,
        "current": { "selected": true, "text": ["All"], "value": ["$__all"] },
        "options": [],
        "hide": 0,
        "skipUrlSync": false,
        "regex": "",
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn no_two_dimensions_share_a_variable() {
        let dimensions = ["city", "城市", "dimension_2", "dimension_4", "__from", "two words", ""];
        let names = dimensions.iter().enumerate().map(|(place, dimension)| super::name(dimension, place));
        let names: BTreeSet<String> = names.collect();
        assert_eq!(names.len(), dimensions.len(), "{names:?}");
        assert!(names.contains("city") && names.iter().all(|name| !name.starts_with("__")), "{names:?}");
    }
}
