//! Units: what may be added, what is declared.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::suggest::near;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, Literal, Name};
use crate::types::listed::some_of;
use crate::types::{Table, TableKind, Type, Unit};

use super::{Ops, Typed, is_number, refuse};

impl Ops<'_> {
    /// The unit that all of `parts` have; those that fit any take it. Only numbers have units.
    pub(super) fn one_unit<T: Typed>(
        &self,
        parts: &[T],
        doing: &str,
        span: Span,
        d: &mut Diagnostics,
    ) -> Option<Option<Unit>> {
        let mut with_unit = parts.iter().filter(|part| part.ty().unit.is_some());
        let Some(first) = with_unit.next() else { return Some(None) };
        let unit = first.ty().unit.clone();
        match with_unit.find(|part| part.ty().unit != unit) {
            None => Some(unit),
            Some(other) => {
                let (a, b, help) = (shown(first), shown(other), help(first, other));
                refuse(
                    d,
                    error!(E0402, span, "{doing} `{a}` and `{b}`"; help: help)
                        .related(first.span(), format!("the unit is `{a}`"))
                        .related(other.span(), format!("the unit is `{b}`")),
                )
            }
        }
    }

    /// Demands a plain number, as `ln` and its kin do. Of a metric, the number is taken: a count has a unit of its own.
    pub(crate) fn plain_number<T: Typed>(&self, x: &T, function: &str, d: &mut Diagnostics) -> Option<()> {
        match &x.ty().unit {
            _ if T::AGGREGATED => Some(()),
            Some(unit) if !unit.is_none() => refuse(
                d,
                error!(E0403, x.span(), "`{function}` takes a plain number, not one in `{unit}`";
                help: ("divide by a value in `{unit}` first")),
            ),
            _ => Some(()),
        }
    }
}

fn shown<T: Typed>(x: &T) -> String {
    x.ty().unit.as_ref().map(Unit::to_string).unwrap_or_default()
}

fn help<T: Typed>(first: &T, other: &T) -> String {
    let plain = |x: &T| x.ty().unit.as_ref().is_some_and(Unit::is_none);
    if plain(first) || plain(other) {
        "give the plain number a unit where it is declared, or divide the other by a value of its unit".to_owned()
    } else {
        "bring both to one unit, or divide one by the other for a rate".to_owned()
    }
}

/// The unit of a column of type `ty` that declares `unit`; a plain number where it declares none. `declared` are the
/// project's units.
pub fn column_unit(unit: Option<&Name>, ty: &Type, declared: &[&str], d: &mut Diagnostics) -> Option<Unit> {
    let Some(name) = unit else { return Some(Unit::none()) };
    if !is_number(ty) {
        return refuse(
            d,
            error!(E0401, name.span, "only numbers have a unit"; help: "remove `unit`, or declare a number"),
        );
    }
    unit_name(name, declared, d)
}

/// The unit named `name`: one of `declared`, or `ratio` for a plain number.
fn unit_name(name: &Name, declared: &[&str], d: &mut Diagnostics) -> Option<Unit> {
    if name.as_str() == "ratio" {
        return Some(Unit::none());
    }
    if declared.contains(&name.as_str()) {
        return Some(Unit::named(name.value.clone()));
    }
    let known = declared.iter().copied().chain(["ratio"]);
    let help = match near(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("add it to `units` in metricc.yaml; known are {}", some_of(known)),
    };
    refuse(d, error!(E0404, name.span, "no unit named `{}`", name.value; help: help))
}

/// The unit that an item such as `unit: CNY/user` declares: names of `declared`, `ratio`, `*`, `/` and `1`.
pub fn unit_expr(expr: &Expr, declared: &[&str], d: &mut Diagnostics) -> Option<Unit> {
    match &expr.kind {
        ExprKind::Parenthesised(inner) => unit_expr(inner, declared, d),
        ExprKind::Literal(Literal::Number(one)) if one == "1" => Some(Unit::none()),
        ExprKind::Path { path, version: None } if path.single().is_some() => unit_name(path.single()?, declared, d),
        ExprKind::Binary { op, left, right } if matches!(op.value, BinaryOp::Multiply | BinaryOp::Divide) => {
            let (left, right) = (unit_expr(left, declared, d), unit_expr(right, declared, d));
            let (left, right) = (left?, right?);
            Some(if op.value == BinaryOp::Multiply { left.times(&right) } else { left.per(&right) })
        }
        _ => refuse(
            d,
            error!(E0404, expr.span, "this is no unit"; help: "write a name, or a quotient such as `CNY/user`"),
        ),
    }
}

/// The unit of a metric that is `inferred` and declares `declared` (written at `span`).
///
/// A number of any unit takes the declared one. Units that only count things (a source's name counts its rows, an entity's
/// its instances) may be declared away: a quotient of two counts may be a `ratio`.
pub fn declare_unit(
    inferred: Option<&Unit>,
    declared: &Unit,
    tables: &[Table],
    span: Span,
    d: &mut Diagnostics,
) -> Option<Unit> {
    let Some(inferred) = inferred else { return Some(declared.clone()) };
    let counts = |unit: &Unit| unit.names().all(|name| tables.iter().any(|table| table.name.as_str() == name));
    if inferred == declared || (declared.is_none() && inferred.degree() == 0 && counts(inferred)) {
        return Some(declared.clone());
    }
    // Rows that are set against a plain number, such as a limit: the number of them alone.
    let rows =
        tables.iter().find(|table| table.kind == TableKind::Source && *inferred == Unit::named(table.name.as_str()));
    let help = match (declared.is_none() && counts(inferred), rows) {
        (true, Some(rows)) => format!(
            "a count is no ratio: leave `unit` out, or write `unit: {inferred}`; to divide it by a plain number, such as a limit, count with `sum(1 from {})`",
            rows.name.value
        ),
        (true, None) => format!("a count is no ratio: leave `unit` out, or write `unit: {inferred}`"),
        _ => format!("write `unit: {inferred}`, or leave it out"),
    };
    refuse(d, error!(E0405, span, "the unit is `{inferred}`, not `{declared}`"; help: help))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::testing::{WORLD, expr, tables, tables_of};

    fn unit(text: &str) -> Result<String, String> {
        let mut d = Diagnostics::new();
        let unit = unit_expr(&expr(text), &["CNY", "quota", "user"], &mut d);
        unit.map(|unit| unit.to_string())
            .ok_or_else(|| format!("{:?}", d.iter().map(|found| &found.help).collect::<Vec<_>>()))
    }

    #[test]
    fn units_are_names_products_and_quotients() {
        assert_eq!(unit("CNY").unwrap(), "CNY");
        assert_eq!(unit("CNY/user").unwrap(), "CNY/user");
        assert_eq!(unit("1/user").unwrap(), "1/user");
        assert_eq!(unit("(CNY*quota)/user").unwrap(), "CNY·quota/user");
        assert_eq!(unit("ratio").unwrap(), "ratio");
        assert!(unit("CNYY").unwrap_err().contains("did you mean `CNY`?"));
        assert!(unit("CNY + user").is_err());
        assert!(unit("2").is_err());
    }

    #[test]
    fn a_column_has_a_unit_only_as_a_number() {
        let codes = |column: &str| {
            let (_, d) = tables_of(&format!("source s {{\n  column c: {column}\n}}\n"));
            d.iter().map(|found| found.code.0).collect::<Vec<_>>()
        };
        assert!(codes("int unit CNY").is_empty());
        assert_eq!(codes("string unit CNY"), ["E0401"]);
        assert_eq!(codes("duration unit CNY"), ["E0401"]);
        assert_eq!(codes("float unit EUR"), ["E0404"]);
    }

    #[test]
    fn a_quotient_of_counts_may_be_a_ratio() {
        let tables = tables(WORLD);
        let (event, user, cny) = (Unit::named("event"), Unit::named("user"), Unit::named("CNY"));
        let declare = |inferred: Option<&Unit>, declared: &Unit| {
            let mut d = Diagnostics::new();
            declare_unit(inferred, declared, &tables, tables[0].span, &mut d).map(|unit| unit.to_string())
        };
        let ratio = Unit::none();
        assert_eq!(declare(Some(&event.per(&user)), &ratio).as_deref(), Some("ratio"));
        assert_eq!(declare(Some(&event.per(&event)), &ratio).as_deref(), Some("ratio"));
        assert_eq!(declare(Some(&cny), &cny).as_deref(), Some("CNY"));
        assert_eq!(declare(None, &cny).as_deref(), Some("CNY"));
        assert_eq!(declare(Some(&event), &ratio), None, "a count is no ratio");
        assert_eq!(declare(Some(&cny.per(&user)), &ratio), None);
        assert_eq!(declare(Some(&event), &cny), None);
    }

    #[test]
    fn how_to_count_against_a_limit_is_told_where_it_helps() {
        let tables = tables(WORLD);
        let help = |inferred: &Unit| {
            let mut d = Diagnostics::new();
            assert_eq!(declare_unit(Some(inferred), &Unit::none(), &tables, tables[0].span, &mut d), None);
            d.iter().next().and_then(|found| found.help.clone()).unwrap_or_default()
        };
        let (event, user) = (Unit::named("event"), Unit::named("user"));
        assert!(
            help(&event).ends_with("to divide it by a plain number, such as a limit, count with `sum(1 from event)`")
        );
        assert!(help(&user).ends_with("write `unit: user`"), "members are not rows");
    }
}
