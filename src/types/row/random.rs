//! Random expressions: each is typed or told to be wrong, and what is typed keeps the promises of the model.

use crate::types::testing::{WORLD, row, tables};
use crate::types::{RowExpr, RowExprKind, Table, Type, data_type};
use crate::value::{DataType, Function, Value};

const ATOMS: &[&str] = &[
    "items",
    "score",
    "pay",
    "fee",
    "cost",
    "note",
    "feature",
    "platform",
    "client",
    "ok",
    "maybe",
    "day",
    "due",
    "time",
    "paid_at",
    "infer",
    "user_id",
    "inviter_id",
    "shop_id",
    "user_id.channel.kind",
    "props[\"a\"]",
    "tags[1]",
    "counts[\"a\"]",
    "1",
    "0",
    "2.5",
    "5%",
    "\"ios\"",
    "\"a\"",
    "null",
    "true",
    "1h",
    "1d",
    "date(\"2026-11-01\")",
    "tags",
    "props",
    "timestamp(\"2026-11-01 08:00:00\")",
    "99999999999999999999",
    "-3",
    "phone",
];

const FORMS: &[&str] = &[
    "# + #",
    "# - #",
    "# * #",
    "# / #",
    "# % #",
    "# = #",
    "# != #",
    "# < #",
    "# >= #",
    "# and #",
    "# or #",
    "not #",
    "-#",
    "# ?? #",
    "# in (#, #)",
    "# not in (#)",
    "# between # and #",
    "# like #",
    "# is null",
    "# is not null",
    "case when # then # else # end",
    "case when # then # when # then # end",
    "if(#, #, #)",
    "coalesce(#, #)",
    "nullif(#, #)",
    "least(#, #)",
    "greatest(#, #)",
    "abs(#)",
    "round(#)",
    "round(#, 1)",
    "floor(#)",
    "sqrt(#)",
    "pow(#, #)",
    "lower(#)",
    "concat(#, #)",
    "length(#)",
    "substr(#, #, #)",
    "contains(#, #)",
    "split_part(#, \",\", #)",
    "hour(#)",
    "date(#)",
    "month(#)",
    "truncate(#, 1h)",
    "to_unix(#)",
    "hash(#)",
    "mask(#)",
    "cast(# as int)",
    "cast(# as string)",
    "cast(# as decimal(18,2))",
    "cast(# as date)",
    "cast(# as user)",
    "cast(# as enum(\"ios\", \"a\"))",
    "cast(# as float)",
    "json(#, \"$.a\", int)",
];

fn random(depth: u32, random: &mut fastrand::Rng) -> String {
    if depth == 0 || random.u8(..4) == 0 {
        return random.choice(ATOMS).copied().unwrap_or("1").to_owned();
    }
    let form = random.choice(FORMS).copied().unwrap_or("#");
    let mut text = String::from("(");
    for (place, part) in form.split('#').enumerate() {
        if place > 0 {
            text.push_str(&self::random(depth - 1, random));
        }
        text.push_str(part);
    }
    text + ")"
}

/// Why an expression breaks a promise of the model.
fn broken(expr: &RowExpr, tables: &[Table]) -> Option<String> {
    let ty = |part: &RowExpr| data_type(tables, &part.ty.ty);
    let parts: Vec<&RowExpr> = match &expr.kind {
        RowExprKind::Literal(value) => {
            return (*value == Value::Null && !expr.ty.nullable || !literal_fits(value, &ty(expr)))
                .then(|| format!("the literal {value:?} of {:?}", expr.ty));
        }
        RowExprKind::Call(function, arguments) => {
            if let Some(problem) = broken_call(*function, arguments, expr, &ty) {
                return Some(problem);
            }
            arguments.iter().collect()
        }
        RowExprKind::Case { branches, otherwise } => {
            let values: Vec<&RowExpr> = branches.iter().map(|(_, value)| value).chain(otherwise.as_deref()).collect();
            if values.iter().any(|value| ty(value) != ty(expr)) {
                return Some("a case with values of different types".to_owned());
            }
            if branches.iter().any(|(condition, _)| ty(condition) != DataType::Bool) {
                return Some("a case with a condition that is none".to_owned());
            }
            values.into_iter().chain(branches.iter().map(|(condition, _)| condition)).collect()
        }
        _ => Vec::new(),
    };
    parts.into_iter().find_map(|part| broken(part, tables))
}

fn broken_call(
    function: Function,
    arguments: &[RowExpr],
    expr: &RowExpr,
    ty: &dyn Fn(&RowExpr) -> DataType,
) -> Option<String> {
    use Function::{
        Add, And, Cast, Coalesce, Equal, Greater, GreaterEqual, Greatest, In, Least, Less, LessEqual, Modulo, Not,
        NotEqual, NullIf, Or, Power, Sqrt, Subtract,
    };
    let types: Vec<DataType> = arguments.iter().map(ty).collect();
    let decimals = types.iter().all(|ty| matches!(ty, DataType::Decimal { .. }));
    let one = types.iter().all(|ty| *ty == types[0]);
    let numbers = types.iter().all(DataType::is_numeric);
    let sound = match function {
        Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual | In | NullIf => one || decimals,
        Add | Subtract if numbers => one || decimals,
        Coalesce | Least | Greatest | Modulo => one && types[0] == ty(expr),
        And | Or | Not => types.iter().all(|ty| *ty == DataType::Bool),
        Sqrt | Power => types.iter().all(|ty| *ty == DataType::Float),
        Cast => !one || types[0] != ty(expr),
        _ => true,
    };
    (!sound).then(|| format!("{function:?} over {types:?} gives {:?}", ty(expr)))
}

fn literal_fits(value: &Value, ty: &DataType) -> bool {
    match (value, ty) {
        (Value::Null, _)
        | (Value::Bool(_), DataType::Bool)
        | (Value::Int(_), DataType::Int)
        | (Value::String(_), DataType::String)
        | (Value::Date(_), DataType::Date)
        | (Value::Timestamp(_), DataType::Timestamp)
        | (Value::Duration(_), DataType::Duration) => true,
        (Value::Float(float), DataType::Float) => float.is_finite(),
        (Value::Decimal(digits), DataType::Decimal { precision, scale }) => {
            scale <= precision
                && *precision <= 38
                && 10_u128.checked_pow(u32::from(*precision)).is_some_and(|limit| digits.unsigned_abs() < limit)
        }
        _ => false,
    }
}

#[test]
fn every_expression_is_typed_or_told_and_keeps_its_promises() {
    let tables = tables(WORLD);
    let mut rng = fastrand::Rng::with_seed(7);
    let mut typed_ones = 0;
    for _ in 0..4_000 {
        let depth = rng.u32(1..4);
        let text = random(depth, &mut rng);
        let (typed, d) = row(&text);
        assert_eq!(typed.is_none(), d.has_errors(), "{text}: {d:?}");
        if let Some(typed) = &typed {
            typed_ones += 1;
            if let Some(problem) = broken(typed, &tables) {
                panic!("{text}: {problem}");
            }
            assert!(!matches!(typed.ty.ty, Type::Decimal { precision: 39.., .. }), "{text}");
        }
    }
    assert!(typed_ones > 400, "only {typed_ones} were typed");
}
