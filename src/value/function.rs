//! Functions and operators over values.

/// The most degrees of freedom of [`Function::ChiSquaredTail`].
pub const MOST_DEGREES: i64 = 200;

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
    /// (float, float) → float: the first where it is above the second, else 0
    Above,
    /// float → float: 1 less the error function, as exact far from 0 as near it
    Erfc,
    /// (float, float) → float: the probability that a χ² number of so many degrees of freedom, a whole number, lies beyond the first
    /// one; null without a degree, and of more than [`MOST_DEGREES`]
    ChiSquaredTail,
    /// n-ary, one type; nulls are skipped, null where all are
    Least,
    /// n-ary, one type; nulls are skipped, null where all are
    Greatest,
    // Strings, in Unicode characters.
    /// the full case mapping of Unicode, of no language: `Σ` at the end of a word becomes `ς`
    Lower,
    /// the full case mapping of Unicode, of no language: `ß` becomes `SS`
    Upper,
    /// removes spaces (U+0020) at both ends
    Trim,
    /// characters of a text; items of an array or keys of a map, 0 where it is missing
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
    /// (text, part), (array, item) or (map, key) → bool; a missing array or map has nothing, and null matches nothing
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
