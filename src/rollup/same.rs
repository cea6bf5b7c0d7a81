//! Expressions over rows whose look-ups are numbered differently: every scan numbers its own.

use crate::plan::{Expr, ExprKind, Input, Join};

/// Whether two expressions are the same, each over its own look-ups.
pub fn same(a: &Expr, of_a: &[Join], b: &Expr, of_b: &[Join]) -> bool {
    let each = |a: &[Expr], b: &[Expr]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, of_a, b, of_b));
    let kinds = match (&a.kind, &b.kind) {
        (ExprKind::Column { input: x, name }, ExprKind::Column { input: y, name: other }) => {
            name == other && same_input(*x, of_a, *y, of_b)
        }
        (ExprKind::Call(function, x), ExprKind::Call(other, y)) => function == other && each(x, y),
        (ExprKind::Case { branches: x, otherwise: p }, ExprKind::Case { branches: y, otherwise: q }) => {
            let branch =
                |((c, v), (d, w)): (&(Expr, Expr), &(Expr, Expr))| same(c, of_a, d, of_b) && same(v, of_a, w, of_b);
            let ends = match (p, q) {
                (Some(p), Some(q)) => same(p, of_a, q, of_b),
                (p, q) => p.is_none() && q.is_none(),
            };
            ends && x.len() == y.len() && x.iter().zip(y).all(branch)
        }
        (ExprKind::Sql { variants, arguments: x }, ExprKind::Sql { variants: others, arguments: y }) => {
            variants == others && each(x, y)
        }
        (x, y) => x == y,
    };
    kinds && a.ty == b.ty && a.nullable == b.nullable
}

fn same_input(a: Input, of_a: &[Join], b: Input, of_b: &[Join]) -> bool {
    match (a, b) {
        (Input::Base, Input::Base) => true,
        (Input::Join(a), Input::Join(b)) => match (of_a.get(a), of_b.get(b)) {
            (Some(a), Some(b)) => same_join(a, of_a, b, of_b),
            _ => false,
        },
        _ => false,
    }
}

/// Whether two look-ups find the same rows, each with the look-ups before it.
fn same_join(a: &Join, of_a: &[Join], b: &Join, of_b: &[Join]) -> bool {
    let as_of = match (&a.as_of, &b.as_of) {
        (Some(a), Some(b)) => same(a, of_a, b, of_b),
        (a, b) => a.is_none() && b.is_none(),
    };
    as_of && a.table == b.table && a.column == b.column && same(&a.key, of_a, &b.key, of_b)
}

/// An expression over other look-ups, which are added where they are missing.
pub fn moved(expr: &Expr, from: &[Join], to: &mut Vec<Join>) -> Expr {
    replaced(expr, &mut |part| {
        let ExprKind::Column { input: Input::Join(at), name } = &part.kind else { return None };
        let input = Input::Join(moved_join(*at, from, to)?);
        Some(Expr { kind: ExprKind::Column { input, name: name.clone() }, ..part.clone() })
    })
}

fn moved_join(at: usize, from: &[Join], to: &mut Vec<Join>) -> Option<usize> {
    let join = from.get(at)?;
    let known = to.iter().position(|known| same_join(join, from, known, to));
    if known.is_some() {
        return known;
    }
    let key = moved(&join.key, from, to);
    let as_of = join.as_of.as_ref().map(|as_of| moved(as_of, from, to));
    to.push(Join { key, as_of, ..join.clone() });
    Some(to.len() - 1)
}

/// The expression with its parts replaced, from the outside in, where `replace` gives something.
pub fn replaced(expr: &Expr, replace: &mut dyn FnMut(&Expr) -> Option<Expr>) -> Expr {
    if let Some(other) = replace(expr) {
        return other;
    }
    let mut all = |parts: &[Expr]| parts.iter().map(|part| replaced(part, replace)).collect::<Vec<Expr>>();
    let kind = match &expr.kind {
        ExprKind::Call(function, arguments) => ExprKind::Call(*function, all(arguments)),
        ExprKind::Sql { variants, arguments } => {
            ExprKind::Sql { variants: variants.clone(), arguments: all(arguments) }
        }
        ExprKind::Case { branches, otherwise } => {
            let mut one = |part: &Expr| replaced(part, replace);
            let branches = branches.iter().map(|(condition, value)| (one(condition), one(value))).collect();
            ExprKind::Case { branches, otherwise: otherwise.as_ref().map(|value| Box::new(one(value))) }
        }
        kind @ (ExprKind::Column { .. }
        | ExprKind::Measure(_)
        | ExprKind::Bucket
        | ExprKind::Literal(_)
        | ExprKind::Steps { .. }) => kind.clone(),
    };
    Expr { kind, ..expr.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::DataType;

    fn column(input: Input, name: &str) -> Expr {
        Expr {
            kind: ExprKind::Column { input, name: name.to_owned() },
            ty: DataType::String,
            nullable: input != Input::Base,
        }
    }

    fn join(table: usize, key: Expr) -> Join {
        Join { table, key, column: "id".to_owned(), as_of: None }
    }

    #[test]
    fn look_ups_are_told_by_what_they_find() {
        let user = || join(1, column(Input::Base, "user_id"));
        let channel = || join(2, column(Input::Base, "channel"));
        let (a, b) = ([user(), channel()], [channel(), user()]);
        assert!(same(&column(Input::Join(0), "city"), &a, &column(Input::Join(1), "city"), &b));
        assert!(!same(&column(Input::Join(0), "city"), &a, &column(Input::Join(0), "city"), &b));
        assert!(!same(&column(Input::Join(0), "city"), &a, &column(Input::Base, "city"), &b));
    }

    #[test]
    fn what_is_moved_brings_its_look_ups_along() {
        let from = [join(1, column(Input::Base, "user_id")), join(3, column(Input::Join(0), "geo_id"))];
        let mut to = vec![join(2, column(Input::Base, "channel"))];
        let expr = column(Input::Join(1), "country");
        let found = moved(&expr, &from, &mut to);
        assert_eq!((to[1].table, to[2].table), (1, 3));
        assert_eq!(to[2].key, column(Input::Join(1), "geo_id"));
        assert_eq!(found, column(Input::Join(2), "country"));
        assert!(same(&expr, &from, &found, &to));
        // Once more adds nothing.
        moved(&expr, &from, &mut to);
        assert_eq!(to.len(), 3);
    }
}
