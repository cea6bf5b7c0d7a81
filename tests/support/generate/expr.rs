//! Expressions over rows, formulas over metrics and filters over dimensions, as data.

use super::model::*;

/// An expression over rows, a formula over metrics, or a filter over dimensions; its node decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub node: Node,
    pub ty: Ty,
    pub nullable: bool,
    /// Of numbers.
    pub unit: Unit,
    /// A float that engines may compute with another last digit: never compared, counted, rounded or grouped by.
    pub inexact: bool,
}

/// The forms of expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A column, through entity columns: `["user_id", "province"]`.
    Column(Vec<String>),
    /// The row's time.
    Time,
    Literal(Value),
    Call(Op, Vec<Expr>),
    /// `case when c then a … [else z] end`
    Case(Vec<(Expr, Expr)>, Option<Box<Expr>>),
    /// An aggregate over rows (formulas).
    Leaf(Box<Leaf>),
    /// Another metric (formulas).
    Metric(String),
    /// `m where p` (formulas); in `p`, [`Node::Dimension`]s.
    Where(Box<Expr>, Box<Expr>),
    /// A dimension (filters of formulas and questions).
    Dimension(String),
    /// `m over 30d`, `m ago 1w`, `m at start of month` (formulas).
    Moved(Box<Expr>, Move),
    /// `growth(m, 1w)` (formulas).
    Growth(Box<Expr>, Length),
    /// `rate(m, 1s)` (formulas).
    Rate(Box<Expr>, Length),
    /// `m across (a, b)` (formulas).
    Across(Box<Expr>, Vec<String>),
    /// An aggregate over the values of a formula (formulas).
    Nested(Box<Nested>),
    /// `value`, in the filter of a nested aggregate.
    Inner,
    /// `(m per key)`, over rows; the key is no step.
    MetricPer(String, NestedKey),
    /// A part of the output bucket (filters of formulas and questions).
    Bucket(TimePart),
}

/// Operators and functions.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    And,
    Or,
    Not,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    NotIn,
    Between,
    NotBetween,
    Like,
    NotLike,
    IsNull,
    IsNotNull,
    /// `a ?? b`
    Coalesce,
    /// `coalesce(a, b, …)`
    CoalesceCall,
    NullIf,
    /// `if(c, a, b)`
    If,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Negate,
    Abs,
    Round,
    /// `round(x, digits)`
    RoundTo(u8),
    Floor,
    Ceil,
    Sqrt,
    Ln,
    Exp,
    Pow,
    Least,
    Greatest,
    Lower,
    Upper,
    Trim,
    Length,
    /// `substr(x, start, length)`
    Substr(i64, i64),
    Concat,
    Replace,
    StartsWith,
    EndsWith,
    Contains,
    /// `matches(x, pattern)`, by its place in [`super::text::PATTERNS`]
    Matches(usize),
    /// `split_part(x, separator, n)`
    SplitPart(String, i64),
    Date,
    Hour,
    DayOfWeek,
    DayOfYear,
    Day,
    Week,
    IsoYear,
    Month,
    Quarter,
    Year,
    Truncate(Step),
    ToUnix,
    /// `cast(x as T)`, T being the expression's type
    Cast,
    /// `json(x, "$.path", T)`, the keys of the path
    Json(Vec<String>),
    Hash,
    Mask,
    /// `x["key"]`
    Index(String),
}

impl Expr {
    /// Calls `visit` on this and every expression below it.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// The expressions right below it.
    pub fn children(&self) -> Vec<&Expr> {
        match &self.node {
            Node::Call(_, arguments) => arguments.iter().collect(),
            Node::Case(branches, otherwise) => {
                branches.iter().flat_map(|(c, v)| [c, v]).chain(otherwise.as_deref()).collect()
            }
            Node::Leaf(leaf) => leaf.input.iter().chain(&leaf.filter).collect(),
            Node::Where(operand, filter) => vec![operand, filter],
            Node::Moved(operand, _) | Node::Growth(operand, _) | Node::Rate(operand, _) | Node::Across(operand, _) => {
                vec![operand]
            }
            Node::Nested(nested) => std::iter::once(&nested.formula).chain(&nested.filter).collect(),
            Node::Column(_)
            | Node::Time
            | Node::Literal(_)
            | Node::Metric(_)
            | Node::Dimension(_)
            | Node::Inner
            | Node::MetricPer(..)
            | Node::Bucket(_) => Vec::new(),
        }
    }

    /// The expressions right below it, to change.
    pub fn children_mut(&mut self) -> Vec<&mut Expr> {
        match &mut self.node {
            Node::Call(_, arguments) => arguments.iter_mut().collect(),
            Node::Case(branches, otherwise) => {
                branches.iter_mut().flat_map(|(c, v)| [c, v]).chain(otherwise.as_deref_mut()).collect()
            }
            Node::Leaf(leaf) => leaf.input.iter_mut().chain(leaf.filter.iter_mut()).collect(),
            Node::Where(operand, filter) => vec![operand, filter],
            Node::Moved(operand, _) | Node::Growth(operand, _) | Node::Rate(operand, _) | Node::Across(operand, _) => {
                vec![operand]
            }
            Node::Nested(nested) => std::iter::once(&mut nested.formula).chain(&mut nested.filter).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether it, or anything below, satisfies `test`.
    pub fn any(&self, test: &mut dyn FnMut(&Expr) -> bool) -> bool {
        let mut found = false;
        self.walk(&mut |expr| found |= test(expr));
        found
    }
}
