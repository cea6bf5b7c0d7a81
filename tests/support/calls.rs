//! A call of every function of the language, and of those that depend on types or literals one of each kind: what a dialect makes of
//! them.

use metricc::plan::{DataType, Function, Value, WeekStart};
use metricc::sql::dialect::{Calendar, Call, Operand};
use metricc::sql::{Scalars, build};

/// An argument.
#[derive(Clone, Debug)]
pub enum Argument {
    /// A column of a type, which may be null.
    Column(&'static str, DataType),
    /// A literal.
    Literal(Value, DataType),
}

/// A call.
#[derive(Clone, Debug)]
pub struct Case {
    /// The function.
    pub function: Function,
    /// Its arguments.
    pub arguments: Vec<Argument>,
    /// The type of its result.
    pub ty: DataType,
}

/// What a dialect makes of a call: its SQL, or why it has none.
pub fn said(case: &Case, scalars: &dyn Scalars, zone: chrono_tz::Tz) -> Result<String, String> {
    let calendar = Calendar { zone, week_start: WeekStart(chrono::Weekday::Mon) };
    let operand = |argument: &'_ Argument| match argument {
        Argument::Column(name, _) => build::column("b", build::ident(name)),
        Argument::Literal(value, ty) => scalars.literal(value, ty, calendar),
    };
    let arguments = case.arguments.iter().map(|argument| Operand {
        sql: operand(argument),
        ty: match argument {
            Argument::Column(_, ty) | Argument::Literal(_, ty) => ty,
        },
        nullable: matches!(argument, Argument::Column(..)),
        literal: match argument {
            Argument::Column(..) => None,
            Argument::Literal(value, _) => Some(value),
        },
    });
    let call = Call { function: case.function, arguments: arguments.collect(), ty: &case.ty, truth: false, calendar };
    let made = scalars.function(case.function)(&call).map(|made| made.to_string());
    made.map_err(|refused| format!("refused: {}: {}", refused.construct, refused.reason))
}

/// The words of a case: `round(x float, 2)`.
pub fn words(case: &Case) -> String {
    let argument = |argument: &Argument| match argument {
        Argument::Column(name, _) => (*name).to_owned(),
        Argument::Literal(value, _) => format!("{value:?}"),
    };
    let arguments: Vec<String> = case.arguments.iter().map(argument).collect();
    format!("{:?}({}) {}", case.function, arguments.join(", "), type_word(&case.ty))
}

fn type_word(ty: &DataType) -> String {
    match ty {
        DataType::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
        DataType::Array(item) => format!("array({})", type_word(item)),
        DataType::Map(item) => format!("map({})", type_word(item)),
        plain => format!("{plain:?}").to_lowercase(),
    }
}

const DECIMAL: DataType = DataType::Decimal { precision: 18, scale: 2 };

fn list() -> DataType {
    DataType::Array(Box::new(DataType::String))
}

fn map() -> DataType {
    DataType::Map(Box::new(DataType::String))
}

fn column(ty: &DataType) -> Argument {
    let name = match ty {
        DataType::Bool => "flag",
        DataType::Int => "n",
        DataType::Float => "x",
        DataType::Decimal { .. } => "amount",
        DataType::String => "s",
        DataType::Date => "day",
        DataType::Timestamp => "t",
        DataType::Duration => "took",
        DataType::Array(_) => "tags",
        DataType::Map(_) => "props",
    };
    Argument::Column(name, ty.clone())
}

fn int(value: i64) -> Argument {
    Argument::Literal(Value::Int(value), DataType::Int)
}

fn text(value: &str) -> Argument {
    Argument::Literal(Value::String(value.to_owned()), DataType::String)
}

fn of_columns(function: Function, types: &[DataType], ty: DataType) -> Case {
    Case { function, arguments: types.iter().map(column).collect(), ty }
}

/// The place of a function in the order of its declaration. A new one has no place, so that this does not compile.
fn place(function: Function) -> usize {
    use Function as F;
    macro_rules! places {
        ($($name:ident)*) => {{
            const NAMES: &[Function] = &[$(F::$name),*];
            match function {
                $(F::$name => {})*
            }
            NAMES.iter().position(|known| *known == function).unwrap_or(NAMES.len())
        }};
    }
    places!(And Or Not Equal NotEqual Less LessEqual Greater GreaterEqual In Like IsNull IsNotNull Coalesce NullIf Add Subtract
        Multiply Divide Modulo Negate Abs Round Floor Ceil Sqrt Ln Exp Power Above Erfc ChiSquaredTail Least Greatest Lower Upper
        Trim Length Substring Concat Replace StartsWith EndsWith Contains Matches SplitPart DateOf HourOf DayOfWeek DayOfYear DayOf
        WeekOf IsoYear MonthOf QuarterOf YearOf Truncate ToUnix Cast JsonValue Hash Mask Element)
}

/// All cases, in the order of the functions.
///
/// # Panics
/// If a function has no case.
pub fn all() -> Vec<Case> {
    let mut cases = logic();
    cases.extend(numbers());
    cases.extend(texts());
    cases.extend(times());
    cases.extend(others());
    cases.sort_by_key(|case| place(case.function));
    let mut known: Vec<usize> = cases.iter().map(|case| place(case.function)).collect();
    known.dedup();
    assert_eq!(known, (0..=place(Function::Element)).collect::<Vec<usize>>(), "every function has a case");
    cases
}

fn logic() -> Vec<Case> {
    use DataType::{Bool, Float, Int, String, Timestamp};
    use Function as F;
    let mut cases = vec![
        of_columns(F::And, &[Bool, Bool], Bool),
        of_columns(F::Or, &[Bool, Bool, Bool], Bool),
        of_columns(F::Not, &[Bool], Bool),
        of_columns(F::Equal, &[map(), map()], Bool),
        of_columns(F::IsNull, &[String], Bool),
        of_columns(F::IsNotNull, &[Timestamp], Bool),
        of_columns(F::NullIf, &[String, String], String),
        Case { function: F::NullIf, arguments: vec![column(&Int), int(0)], ty: Int },
        Case { function: F::Coalesce, arguments: vec![column(&Int), int(0)], ty: Int },
        Case { function: F::Coalesce, arguments: vec![column(&String), text("it's")], ty: String },
        Case { function: F::In, arguments: vec![column(&String), text("a"), text("b")], ty: Bool },
        Case { function: F::In, arguments: vec![column(&Int), int(1), column(&Int)], ty: Bool },
        Case { function: F::Least, arguments: vec![column(&Int), int(5)], ty: Int },
        of_columns(F::Greatest, &[Timestamp, Timestamp], Timestamp),
    ];
    for function in [F::Equal, F::NotEqual, F::Less, F::LessEqual, F::Greater, F::GreaterEqual] {
        cases.push(of_columns(function, &[String, String], Bool));
    }
    let half = Argument::Literal(Value::Float(0.5), Float);
    cases.push(Case { function: F::Greater, arguments: vec![column(&Float), half], ty: Bool });
    cases
}

fn numbers() -> Vec<Case> {
    use DataType::{Date, Decimal, Duration, Float, Int, Timestamp};
    use Function as F;
    let wide = Decimal { precision: 36, scale: 4 };
    let minutes = Argument::Literal(Value::Duration(90_000), Duration);
    let days = Argument::Literal(Value::Duration(2 * 86_400_000), Duration);
    let mut cases = vec![
        of_columns(F::Add, &[Int, Int], Int),
        of_columns(F::Add, &[DECIMAL, DECIMAL], Decimal { precision: 19, scale: 2 }),
        of_columns(F::Add, &[Float, Float], Float),
        of_columns(F::Add, &[Timestamp, Duration], Timestamp),
        of_columns(F::Add, &[Duration, Duration], Duration),
        of_columns(F::Subtract, &[Int, Int], Int),
        of_columns(F::Subtract, &[Timestamp, Timestamp], Duration),
        of_columns(F::Subtract, &[Date, Date], Duration),
        Case { function: F::Subtract, arguments: vec![column(&Timestamp), minutes], ty: Timestamp },
        Case { function: F::Add, arguments: vec![column(&Date), days], ty: Date },
        of_columns(F::Multiply, &[Int, Int], Int),
        Case { function: F::Multiply, arguments: vec![column(&Int), int(-100)], ty: Int },
        of_columns(F::Multiply, &[Float, Float], Float),
        of_columns(F::Multiply, &[DECIMAL, DECIMAL], wide),
        of_columns(F::Multiply, &[Duration, Int], Duration),
        of_columns(F::Divide, &[Int, DECIMAL], Float),
        of_columns(F::Divide, &[Float, Duration], Float),
        of_columns(F::Modulo, &[Int, Int], Int),
        of_columns(F::Modulo, &[DECIMAL, DECIMAL], DECIMAL),
        Case { function: F::Modulo, arguments: vec![column(&Int), int(7)], ty: Int },
        Case { function: F::Round, arguments: vec![column(&Float), int(2)], ty: Float },
        Case { function: F::Round, arguments: vec![column(&DECIMAL), int(1)], ty: DECIMAL },
        Case { function: F::Round, arguments: vec![column(&Int), int(-2)], ty: Int },
    ];
    for ty in [Int, Float, DECIMAL] {
        for function in [F::Negate, F::Abs, F::Round, F::Floor, F::Ceil] {
            cases.push(of_columns(function, std::slice::from_ref(&ty), ty.clone()));
        }
    }
    for function in [F::Sqrt, F::Ln, F::Exp, F::Erfc] {
        cases.push(of_columns(function, &[Float], Float));
    }
    for function in [F::Power, F::Above, F::ChiSquaredTail] {
        cases.push(of_columns(function, &[Float, Float], Float));
    }
    cases
}

fn texts() -> Vec<Case> {
    use DataType::{Bool, Int, String};
    use Function as F;
    let mut cases = vec![
        of_columns(F::Lower, &[String], String),
        of_columns(F::Upper, &[String], String),
        of_columns(F::Trim, &[String], String),
        of_columns(F::Length, &[String], Int),
        of_columns(F::Length, &[list()], Int),
        of_columns(F::Length, &[map()], Int),
        of_columns(F::Substring, &[String, Int, Int], String),
        of_columns(F::Concat, &[String, String, String], String),
        of_columns(F::Replace, &[String, String, String], String),
        of_columns(F::StartsWith, &[String, String], Bool),
        of_columns(F::EndsWith, &[String, String], Bool),
        of_columns(F::Contains, &[String, String], Bool),
        of_columns(F::Contains, &[list(), String], Bool),
        of_columns(F::Mask, &[String], String),
        of_columns(F::Like, &[String, String], Bool),
        of_columns(F::SplitPart, &[String, String, Int], String),
    ];
    let with = |function, arguments: Vec<Argument>, ty| Case { function, arguments, ty };
    for pattern in ["50\\%%", "_x%", "a.b"] {
        cases.push(with(F::Like, vec![column(&String), text(pattern)], Bool));
    }
    for (start, length) in [(2, 3), (0, 3), (1, -1)] {
        cases.push(with(F::Substring, vec![column(&String), int(start), int(length)], String));
    }
    cases.push(with(F::EndsWith, vec![column(&String), text("é.")], Bool));
    cases.push(with(F::Contains, vec![column(&map()), text("k")], Bool));
    cases.push(with(F::Matches, vec![column(&String), text("^a\\d+'$")], Bool));
    cases.push(with(F::SplitPart, vec![column(&String), text("/"), int(2)], String));
    cases
}

fn times() -> Vec<Case> {
    use DataType::{Date, Int, Timestamp};
    use Function as F;
    let mut cases = vec![
        of_columns(F::DateOf, &[Timestamp], Date),
        of_columns(F::HourOf, &[Timestamp], Int),
        of_columns(F::ToUnix, &[Timestamp], Int),
    ];
    let parts = [F::DayOfWeek, F::DayOfYear, F::DayOf, F::WeekOf, F::IsoYear, F::MonthOf, F::QuarterOf, F::YearOf];
    for (at, function) in parts.into_iter().enumerate() {
        let ty = if at % 2 == 0 { Timestamp } else { Date };
        cases.push(of_columns(function, &[ty], Int));
    }
    for step in ["15m", "6h", "1d", "1w", "1month", "1quarter", "1year"] {
        cases.push(Case { function: F::Truncate, arguments: vec![column(&Timestamp), text(step)], ty: Timestamp });
    }
    cases
}

fn others() -> Vec<Case> {
    use DataType::{Bool, Date, Decimal, Duration, Float, Int, String, Timestamp};
    use Function as F;
    let narrow = Decimal { precision: 9, scale: 1 };
    let whole = Decimal { precision: 20, scale: 0 };
    let casts = [
        (Bool, vec![String, Int, Float]),
        (Int, vec![String, Bool, Float, narrow.clone(), whole.clone(), Duration]),
        (Float, vec![String, Int, DECIMAL, Decimal { precision: 28, scale: 2 }]),
        (DECIMAL, vec![String, Int, Float, narrow]),
        (String, vec![Bool, Int, Float, Date, Timestamp]),
        (Date, vec![String, Timestamp]),
        (Timestamp, vec![String, Date]),
        (Duration, vec![Int]),
    ];
    let mut cases = Vec::new();
    for (from, to) in casts {
        cases.extend(to.into_iter().map(|to| of_columns(F::Cast, std::slice::from_ref(&from), to)));
    }
    cases.dedup_by(|a, b| words(a) == words(b));
    cases.extend([
        Case { function: F::JsonValue, arguments: vec![column(&String), text("$.a[0]")], ty: String },
        of_columns(F::Hash, &[String], Int),
        Case { function: F::Element, arguments: vec![column(&map()), text("k'ey")], ty: String },
        Case { function: F::Element, arguments: vec![column(&list()), int(1)], ty: String },
        of_columns(F::Element, &[list(), Int], String),
    ]);
    cases
}
