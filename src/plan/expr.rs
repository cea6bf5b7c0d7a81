//! Typed expressions of a plan: over the rows of a scan, or over measures.

/// The type of a value, with no unit, entity or enum left: what an engine must know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// true or false
    Bool,
    /// 64 bits, signed
    Int,
    /// IEEE double
    Float,
    /// Exact, up to 38 digits.
    Decimal {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits behind the point.
        scale: u8,
    },
    /// UTF-8; ordered by bytes.
    String,
    /// A day of the calendar.
    Date,
    /// An instant, in milliseconds.
    Timestamp,
    /// A span of time, in milliseconds (64 bits).
    Duration,
    /// A list.
    Array(Box<DataType>),
    /// Values by string keys.
    Map(Box<DataType>),
}

impl DataType {
    /// Whether it is an int, a float or a decimal.
    pub fn is_numeric(&self) -> bool {
        matches!(self, DataType::Int | DataType::Float | DataType::Decimal { .. })
    }
}

/// A literal value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// null
    Null,
    /// A bool.
    Bool(bool),
    /// An int.
    Int(i64),
    /// A float; always finite.
    Float(f64),
    /// `digits / 10^scale`; the scale is the expression's type's.
    Decimal(i128),
    /// A string.
    String(String),
    /// Days since 1970-01-01.
    Date(i32),
    /// Milliseconds since 1970-01-01 UTC.
    Timestamp(i64),
    /// Milliseconds.
    Duration(i64),
}

/// Where a column comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// The scanned table.
    Base,
    /// A look-up, by its place in the scan.
    Join(usize),
}

/// A measure of a query: its scan and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MeasureId {
    /// The scan.
    pub scan: usize,
    /// The measure.
    pub measure: usize,
}

/// A typed expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// The form.
    pub kind: ExprKind,
    /// The type of its values.
    pub ty: DataType,
    /// Whether it may be null.
    pub nullable: bool,
}

/// The forms of expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A stored column.
    Column {
        /// Of which input.
        input: Input,
        /// Its name.
        name: String,
    },
    /// A measure (in formulas only).
    Measure(MeasureId),
    /// A literal.
    Literal(Value),
    /// A function or operator. Both sides of a comparison, and of `Add`/`Subtract` between numbers, have one type up to the
    /// scale of decimals: what must be widened carries a [`Function::Cast`].
    Call(Function, Vec<Expr>),
    /// `case when c then a … else z end`; all values have one type.
    Case {
        /// Conditions and values.
        branches: Vec<(Expr, Expr)>,
        /// Otherwise; null where left out.
        otherwise: Option<Box<Expr>>,
    },
    /// `sql("dialect": "text")`: text by dialect name, its columns already resolved to `{0}`, `{1}` … for the arguments.
    Sql {
        /// Text by dialect.
        variants: Vec<(String, String)>,
        /// The columns used.
        arguments: Vec<Expr>,
    },
}

/// Functions and operators. Unless told otherwise: null in, null out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Function {
    // Logic, three-valued.
    /// n-ary
    And,
    /// n-ary
    Or,
    /// 1
    Not,
    // Comparison: 2 arguments of one type.
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`; strings by bytes, false < true
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// first argument among the others (literals or expressions), three-valued
    In,
    /// (string, pattern): `%` any text, `_` one character, `\` escapes
    Like,
    /// never null
    IsNull,
    /// never null
    IsNotNull,
    /// n-ary: the first that is not null
    Coalesce,
    /// null where both are equal, else the first
    NullIf,
    // Arithmetic.
    /// number+number of one type, timestamp+duration, date+duration of whole days, duration+duration. Ints wrap at 64 bits.
    Add,
    /// see Add; timestamp-timestamp gives a duration
    Subtract,
    /// number*number of one type (decimal scales add); duration*int
    Multiply,
    /// real division: float64, null for a zero divisor; arguments are numbers or durations of any types
    Divide,
    /// int or decimal remainder with the sign of the dividend; null for a zero divisor
    Modulo,
    /// number or duration
    Negate,
    // Numbers.
    /// number or duration
    Abs,
    /// (x) or (x, digits literal): half away from zero; keeps the type (a float stays a float)
    Round,
    /// towards -∞; keeps the type
    Floor,
    /// towards +∞; keeps the type
    Ceil,
    /// float; null for negatives
    Sqrt,
    /// float; null for ≤ 0
    Ln,
    /// float
    Exp,
    /// (float, float) → float; null where undefined
    Power,
    /// n-ary, one type; nulls are skipped, null where all are
    Least,
    /// n-ary, one type; nulls are skipped, null where all are
    Greatest,
    // Strings, in Unicode characters.
    /// simple case mapping of Unicode
    Lower,
    /// simple case mapping of Unicode
    Upper,
    /// removes spaces (U+0020) at both ends
    Trim,
    /// characters
    Length,
    /// (text, start from 1, length): start < 1 or length < 0 gives ""
    Substring,
    /// n-ary; null if any is null
    Concat,
    /// (text, from, to): all; an empty `from` changes nothing
    Replace,
    /// (text, prefix) → bool
    StartsWith,
    /// (text, suffix) → bool
    EndsWith,
    /// (text, part) → bool
    Contains,
    /// (text, pattern literal) → bool: RE2 syntax, anywhere in the text
    Matches,
    /// (text, separator, n from 1): the n-th part, "" beyond the last
    SplitPart,
    // Time, in the project's zone.
    /// timestamp → date
    DateOf,
    /// timestamp → int 0..23
    HourOf,
    /// timestamp or date → int 1..7, 1 is Monday
    DayOfWeek,
    /// timestamp or date → int 1..366
    DayOfYear,
    /// timestamp or date → int 1..31
    DayOf,
    /// timestamp or date → int 1..53, ISO
    WeekOf,
    /// timestamp or date → int, the ISO week's year
    IsoYear,
    /// timestamp or date → int 1..12
    MonthOf,
    /// timestamp or date → int 1..4
    QuarterOf,
    /// timestamp or date → int
    YearOf,
    /// (timestamp, literal step) → timestamp: the start of its bucket; the step travels as `Value::String` of [`super::Step`]'s
    /// text form
    Truncate,
    /// timestamp → int seconds, floor
    ToUnix,
    // Other.
    /// To the expression's type, null where it fails. Widening int→decimal/float, decimal→float or a larger scale never fails.
    Cast,
    /// (text, path literal): the value at the path as text, null where there is none; the type follows by `Cast`
    JsonValue,
    /// any scalar → int: the first 8 bytes of SHA-256 over the text form, big-endian
    Hash,
    /// string → string: the first character and `***`; "" stays
    Mask,
    /// (array, int from 1) or (map, string): null where there is none
    Element,
}

impl Expr {
    /// A literal of type `ty`.
    pub fn literal(value: Value, ty: DataType) -> Expr {
        let nullable = value == Value::Null;
        Expr { kind: ExprKind::Literal(value), ty, nullable }
    }

    /// A call.
    pub fn call(function: Function, arguments: Vec<Expr>, ty: DataType, nullable: bool) -> Expr {
        Expr { kind: ExprKind::Call(function, arguments), ty, nullable }
    }

    /// All of `parts`; none for no parts.
    pub fn all(mut parts: Vec<Expr>) -> Option<Expr> {
        match parts.len() {
            0 | 1 => parts.pop(),
            _ => {
                let nullable = parts.iter().any(|part| part.nullable);
                Some(Expr::call(Function::And, parts, DataType::Bool, nullable))
            }
        }
    }

    /// Calls `visit` on this and every expression below it.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Expr)) {
        visit(self);
        match &self.kind {
            ExprKind::Call(_, arguments) | ExprKind::Sql { arguments, .. } => {
                arguments.iter().for_each(|argument| argument.walk(visit));
            }
            ExprKind::Case { branches, otherwise } => {
                for (condition, value) in branches {
                    condition.walk(visit);
                    value.walk(visit);
                }
                if let Some(value) = otherwise {
                    value.walk(visit);
                }
            }
            ExprKind::Column { .. } | ExprKind::Measure(_) | ExprKind::Literal(_) => {}
        }
    }
}
