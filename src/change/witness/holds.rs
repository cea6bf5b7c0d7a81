//! Whether a value of one column fulfils a condition on it alone: which values are worth trying first.

use crate::plan::{Expr, ExprKind, Function, Value};

/// What a condition says of a value of its only column: true, false or null; none where it asks for more than comparisons.
pub fn holds(condition: &Expr, value: &Value) -> Option<Option<bool>> {
    let not = |known: Option<bool>| known.map(|is| !is);
    match &condition.kind {
        ExprKind::Column { .. } => match value {
            Value::Bool(is) => Some(Some(*is)),
            Value::Null => Some(None),
            _ => None,
        },
        ExprKind::Literal(Value::Bool(is)) => Some(Some(*is)),
        ExprKind::Call(function, parts) => {
            let both = |order: fn(std::cmp::Ordering) -> bool| -> Option<Option<bool>> {
                let (left, right) = (plain(parts.first()?, value)?, plain(parts.get(1)?, value)?);
                Some(compare(&left, &right)?.map(order))
            };
            let all = || parts.iter().map(|part| holds(part, value)).collect::<Option<Vec<Option<bool>>>>();
            match function {
                Function::And => {
                    let all = all()?;
                    Some(if all.contains(&Some(false)) { Some(false) } else { all_known(&all).then_some(true) })
                }
                Function::Or => {
                    let all = all()?;
                    Some(if all.contains(&Some(true)) { Some(true) } else { all_known(&all).then_some(false) })
                }
                Function::Not => Some(not(holds(parts.first()?, value)?)),
                Function::IsNull => Some(Some(plain(parts.first()?, value)? == Value::Null)),
                Function::IsNotNull => Some(Some(plain(parts.first()?, value)? != Value::Null)),
                Function::Equal => both(std::cmp::Ordering::is_eq),
                Function::NotEqual => both(std::cmp::Ordering::is_ne),
                Function::Less => both(std::cmp::Ordering::is_lt),
                Function::LessEqual => both(std::cmp::Ordering::is_le),
                Function::Greater => both(std::cmp::Ordering::is_gt),
                Function::GreaterEqual => both(std::cmp::Ordering::is_ge),
                Function::Coalesce if condition.ty == crate::plan::DataType::Bool => {
                    let all = all()?;
                    Some(all.into_iter().flatten().next())
                }
                Function::In => {
                    let subject = plain(parts.first()?, value)?;
                    let items = parts[1..].iter().map(|item| plain(item, value));
                    let items = items.map(|item| compare(&subject, &item?)).collect::<Option<Vec<_>>>()?;
                    let found = items.iter().any(|order| order.is_some_and(std::cmp::Ordering::is_eq));
                    Some(if found { Some(true) } else { items.iter().all(Option::is_some).then_some(false) })
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn all_known(all: &[Option<bool>]) -> bool {
    all.iter().all(Option::is_some)
}

/// The column, widened or not, or a literal.
fn plain(of: &Expr, value: &Value) -> Option<Value> {
    match &of.kind {
        ExprKind::Column { .. } => Some(value.clone()),
        ExprKind::Literal(literal) => Some(literal.clone()),
        ExprKind::Call(Function::Coalesce, parts) => {
            let parts = parts.iter().map(|part| plain(part, value)).collect::<Option<Vec<Value>>>()?;
            Some(parts.into_iter().find(|part| *part != Value::Null).unwrap_or(Value::Null))
        }
        _ => None,
    }
}

/// The order of two values of one type; none inside for null, none outside for what has no order here.
fn compare(left: &Value, right: &Value) -> Option<Option<std::cmp::Ordering>> {
    Some(Some(match (left, right) {
        (Value::Null, _) | (_, Value::Null) => return Some(None),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b))
        | (Value::Duration(a), Value::Duration(b))
        | (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Decimal(a), Value::Decimal(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b)?,
        (Value::String(a), Value::String(b)) => a.cmp(b),
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{DataType, Input};

    fn column() -> Expr {
        let kind = ExprKind::Column { input: Input::Base, name: "x".to_owned() };
        Expr { kind, ty: DataType::Int, nullable: true }
    }

    fn call(function: Function, parts: Vec<Expr>) -> Expr {
        Expr::call(function, parts, DataType::Bool, true)
    }

    fn int(value: i64) -> Expr {
        Expr::literal(Value::Int(value), DataType::Int)
    }

    #[test]
    fn conditions_on_one_column_are_three_valued() {
        let above = call(Function::Greater, vec![column(), int(3)]);
        assert_eq!(holds(&above, &Value::Int(4)), Some(Some(true)));
        assert_eq!(holds(&above, &Value::Int(3)), Some(Some(false)));
        assert_eq!(holds(&above, &Value::Null), Some(None));
        let listed = call(Function::In, vec![column(), int(1), int(2)]);
        assert_eq!(holds(&listed, &Value::Int(2)), Some(Some(true)));
        assert_eq!(holds(&listed, &Value::Int(3)), Some(Some(false)));
        let both = call(Function::And, vec![above.clone(), listed.clone()]);
        assert_eq!(holds(&both, &Value::Int(4)), Some(Some(false)));
        let either = call(Function::Or, vec![above, call(Function::Not, vec![listed])]);
        assert_eq!(holds(&either, &Value::Int(2)), Some(Some(false)));
        assert_eq!(holds(&either, &Value::Null), Some(None));
        let missing = call(Function::IsNull, vec![column()]);
        assert_eq!(holds(&missing, &Value::Null), Some(Some(true)));
        // What is more than a comparison is not known.
        assert_eq!(holds(&call(Function::Like, vec![column(), int(1)]), &Value::Int(1)), None);
    }
}
