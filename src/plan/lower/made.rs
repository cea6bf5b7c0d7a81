//! Tables of behaviour: the rows that they are made of.

use crate::plan::{Attempts, Carried, DataType, Expr, Function, How, Made, MadeOf, Role, Taken};
use crate::types::{self, ColumnId, Model, RowExprKind, made::MadeOf as Typed};

use super::derived::{any, choose, close, conjunction};

/// What a table of behaviour is made of.
pub fn made(model: &Model, of: &types::made::Made) -> Made {
    if let How::Attempts(attempts) = &of.how {
        return merged(model, of, attempts);
    }
    let parts = of.parts.iter().map(|part| {
        let (mut reading, filter) = choose(model, &part.rows);
        let values = part.values.iter().map(|value| reading.lower(value)).collect();
        MadeOf { rows: close(reading, filter), values }
    });
    Made { parts: parts.collect(), how: of.how.clone(), carried: of.carried.clone() }
}

/// The parts of attempts with those of the same rows at the same times in one: a row is read once, whatever it is to the funnel. The
/// values of such a part are whose it is, whether it is each of the part's roles, then what is carried.
fn merged(model: &Model, of: &types::made::Made, attempts: &Attempts) -> Made {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (at, part) in of.parts.iter().enumerate() {
        let alike = |group: &&mut Vec<usize>| same(model, &of.parts[group[0]], part);
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    let mut parts = Vec::with_capacity(groups.len());
    let mut roles: Vec<Vec<Role>> = Vec::with_capacity(groups.len());
    // Where each value of each part lies now.
    let mut places: Vec<Vec<(usize, usize)>> =
        of.parts.iter().map(|part| Vec::with_capacity(part.values.len())).collect();
    for group in &groups {
        let (mut reading, first) = choose(model, &of.parts[group[0]].rows);
        let others = group[1..].iter().map(|at| conjunction(&mut reading, &of.parts[*at].rows));
        let conditions: Vec<Option<Expr>> = std::iter::once(first).chain(others).collect();
        let role = |at: &usize| attempts.roles[*at][0];
        let is_end = role(&group[0]) == Role::End;
        let mut values: Vec<Expr> = Vec::new();
        if !is_end {
            values.push(reading.lower(&of.parts[group[0]].values[0]));
            // Where there is one role, all rows have it.
            let alone = conditions.len() == 1;
            let truth = |condition: &Option<Expr>| match condition {
                Some(condition) if !alone => condition.clone(),
                _ => Expr::literal(crate::plan::Value::Bool(true), DataType::Bool),
            };
            values.extend(conditions.iter().map(truth));
        }
        for at in group {
            for (value, typed) in of.parts[*at].values.iter().enumerate() {
                let place = if value == 0 { 0 } else { values.len() };
                places[*at].push((parts.len(), place));
                if value > 0 {
                    values.push(reading.lower(typed));
                }
            }
        }
        let filter = conditions.into_iter().collect::<Option<Vec<Expr>>>().and_then(any);
        parts.push(MadeOf { rows: close(reading, filter), values });
        roles.push(group.iter().map(role).collect());
    }
    let carried = of.carried.iter().map(|carried| Carried {
        of: carried
            .of
            .iter()
            .map(|taken| {
                let (part, value) = places[taken.part][taken.value];
                Taken { part, value, row: taken.row }
            })
            .collect(),
    });
    let carried = carried.collect();
    Made { parts, how: How::Attempts(Attempts { roles, ..attempts.clone() }), carried }
}

/// Whether two parts are of the same rows, at the same times and of the same units.
fn same(model: &Model, a: &Typed, b: &Typed) -> bool {
    let time = |part: &Typed| part.rows.dated.map(|column| column.column).or(model.table(part.rows.base).time);
    let whose = |part: &Typed| {
        let mut columns: Vec<Vec<ColumnId>> = Vec::new();
        if let Some(whose) = part.values.first() {
            whose.walk(&mut |of| {
                if let RowExprKind::Column(path) = &of.kind {
                    columns.push(path.clone());
                }
            });
        }
        columns
    };
    a.rows.base == b.rows.base && time(a) == time(b) && whose(a) == whose(b)
}

/// Only rows of days with which a bucket begins.
fn first_day(start: types::RowExpr, step: crate::plan::Step) -> types::RowExpr {
    let (ty, span) = (start.ty.clone(), start.span);
    let truth = types::ValueType::plain(types::Type::Bool);
    let text = types::ValueType::plain(types::Type::String);
    let kind = RowExprKind::Literal(crate::plan::Value::String(step.text()));
    let step = types::RowExpr { kind, ty: text, span };
    let kind = RowExprKind::Call(Function::Truncate, vec![start.clone(), step]);
    let bucket = types::RowExpr { kind, ty, span };
    types::RowExpr { kind: RowExprKind::Call(Function::Equal, vec![start, bucket]), ty: truth, span }
}

/// Only rows whose bucket is published: those of which all windows are over.
pub fn published(model: &Model, base: types::TableId, step: Option<crate::plan::Step>) -> Option<types::RowExpr> {
    use crate::types::funnel::column;
    let table = model.table(base);
    let types::Origin::Made(made) = &table.origin else { return None };
    if let How::Segment(_) = made.how {
        let day = types::segment::column::DAY;
        let column = &table.columns[day];
        let start = types::RowExpr {
            kind: RowExprKind::Column(vec![ColumnId { table: base, column: day }]),
            ty: column.ty.clone(),
            span: table.span,
        };
        return step.map(|step| first_day(start, step));
    }
    if made.how.partial() != Some(false) {
        return None;
    }
    let of = |column: usize| {
        let ty = table.columns[column].ty.clone();
        let kind = RowExprKind::Column(vec![ColumnId { table: base, column }]);
        types::RowExpr { kind, ty, span: table.span }
    };
    let call = |function, arguments, ty: types::ValueType| types::RowExpr {
        kind: RowExprKind::Call(function, arguments),
        ty,
        span: table.span,
    };
    let (start, horizon) = (of(column::START), of(column::HORIZON));
    let truth = types::ValueType { nullable: true, ..types::ValueType::plain(types::Type::Bool) };
    Some(match step {
        None => call(Function::LessEqual, vec![start, horizon], truth),
        Some(step) => {
            let bucket = |value: types::RowExpr| {
                let ty = value.ty.clone();
                let step = types::RowExpr {
                    kind: RowExprKind::Literal(crate::plan::Value::String(step.text())),
                    ty: types::ValueType::plain(types::Type::String),
                    span: table.span,
                };
                call(Function::Truncate, vec![value, step], ty)
            };
            // The horizon is the last instant of which the window is over: a bucket that ends with it is over, too.
            let ty = types::ValueType::plain(types::Type::Duration);
            let kind = RowExprKind::Literal(crate::plan::Value::Duration(1));
            let instant = types::RowExpr { kind, ty, span: table.span };
            let ty = horizon.ty.clone();
            let behind = call(Function::Add, vec![horizon, instant], ty);
            call(Function::Less, vec![bucket(start), bucket(behind)], truth)
        }
    })
}
