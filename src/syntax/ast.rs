//! The syntax tree: what a `.metric` file says, before any name means anything.
//!
//! Two nodes are equal when they say the same, wherever they stand: spans never count. Ordinary comments are not part of
//! the tree (the formatter recovers them from the text); doc comments are.

use crate::diagnostic::{Span, Spanned};

/// A name as written, without back quotes.
pub type Name = Spanned<String>;

/// One parsed file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// Its declarations, in order. A broken one is left out (and told).
    pub declarations: Vec<Declaration>,
    /// The names of declarations that are left out or that lack a broken item, and of broken columns that their table is
    /// kept without: that one of them is unknown or incomplete is no news.
    pub broken: Vec<Name>,
}

/// A declaration with its description.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The `///` lines above it, without their slashes, joined by line feeds.
    pub doc: Option<Spanned<String>>,
    /// What is declared.
    pub kind: DeclarationKind,
    /// From the keyword to the end.
    pub span: Span,
}

impl PartialEq for Declaration {
    fn eq(&self, other: &Self) -> bool {
        self.doc == other.doc && self.kind == other.kind
    }
}

/// The kinds of declarations.
#[derive(Clone, Debug, PartialEq)]
pub enum DeclarationKind {
    /// `entity user { … }`
    Entity(Table),
    /// `source event { … }`
    Source(Table),
    /// `subset paid = order where …`
    Subset(Subset),
    /// `dimension platform = event.platform | task.client else "none"`
    Dimension(Dimension),
    /// `hierarchy geo = country > province`
    Hierarchy(Hierarchy),
    /// `metric dau = distinct(user_id from event)`
    Metric(Metric),
    /// `test "…" of dau { given … expect … }`
    Test(Test),
    /// `change dau v1 -> v2 { … }`
    Change(Change),
    /// Every other kind: `cohort signup of user { … }`.
    Block(Block),
}

/// An entity or a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Its name.
    pub name: Name,
    /// `v2`
    pub version: Option<Spanned<u32>>,
    /// `key: value` items, in order (columns apart).
    pub items: Vec<Item>,
    /// `column …` items, in order.
    pub columns: Vec<Column>,
}

/// `column pay: decimal(18,2)? unit CNY = a + b`
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Description.
    pub doc: Option<Spanned<String>>,
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: TypeName,
    /// `unit CNY`
    pub unit: Option<Name>,
    /// `pii` or `pii(hashed)`
    pub pii: Option<Spanned<Pii>>,
    /// `= expr`
    pub computed: Option<Expr>,
    /// The whole item.
    pub span: Spanned<()>,
}

/// The sensitivity label of a column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pii {
    /// `pii`
    Plain,
    /// `pii(hashed)`; any other word in the brackets is kept for the check that refuses it.
    Qualified(String),
}

/// A type as written: `decimal(18, 2)?`, `map(string, string)`, `enum("a", "b")`, `user?`.
#[derive(Clone, Debug)]
pub struct TypeName {
    /// The word before the brackets.
    pub name: Name,
    /// What stands in the brackets.
    pub arguments: Vec<TypeArgument>,
    /// Whether `?` follows.
    pub nullable: bool,
    /// The whole type.
    pub span: Span,
}

impl PartialEq for TypeName {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.arguments == other.arguments && self.nullable == other.nullable
    }
}

/// An argument of a type.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeArgument {
    /// `map(string, …)`, `timestamp(ms)`
    Type(TypeName),
    /// `decimal(18, …)`
    Int(Spanned<i64>),
    /// `enum("web", …)`
    String(Spanned<String>),
}

/// `subset NAME [vN] = ROWSET [{ items }]`
#[derive(Clone, Debug, PartialEq)]
pub struct Subset {
    /// Its name.
    pub name: Name,
    /// `v2`
    pub version: Option<Spanned<u32>>,
    /// What it holds.
    pub rows: RowSet,
    /// Its items.
    pub items: Vec<Item>,
}

/// Rows: a source, an entity, a subset, or what is made of them.
#[derive(Clone, Debug)]
pub struct RowSet {
    /// The form.
    pub kind: RowSetKind,
    /// The whole.
    pub span: Span,
}

impl PartialEq for RowSet {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// The forms of row sets.
#[derive(Clone, Debug, PartialEq)]
pub enum RowSetKind {
    /// `event`, `paid_order v2`
    Named { name: Path, version: Option<Spanned<u32>> },
    /// `raw event`
    Raw(Path),
    /// `(…)`
    Parenthesised(Box<RowSet>),
    /// `ROWSET where p`
    Where { rows: Box<RowSet>, predicate: Box<Expr> },
    /// `ROWSET dated column`
    Dated { rows: Box<RowSet>, column: Path },
    /// `first of ROWSET per keys`
    FirstOf { rows: Box<RowSet>, keys: Vec<Key> },
    /// `a | b | c`
    Union(Vec<RowSet>),
}

/// A key of `per` and `across`: a path or a time step.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    /// A dimension, entity or column.
    Path(Path),
    /// `1s`, `day`
    Step(Spanned<Step>),
}

/// `user_id.province`, `time@month`
#[derive(Clone, Debug)]
pub struct Path {
    /// The names between the dots; never empty.
    pub parts: Vec<Name>,
    /// `@month`
    pub at: Option<Spanned<CalendarStep>>,
    /// The whole.
    pub span: Span,
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts && self.at == other.at
    }
}

impl Path {
    /// The only part, where there is one.
    pub fn single(&self) -> Option<&Name> {
        match (self.parts.as_slice(), &self.at) {
            ([name], None) => Some(name),
            _ => None,
        }
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, part) in self.parts.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            f.write_str(part)?;
        }
        match &self.at {
            Some(at) => write!(f, "@{}", at.value.word()),
            None => Ok(()),
        }
    }
}

/// The calendar's own steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum CalendarStep {
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl CalendarStep {
    /// The word for it: `month`.
    pub fn word(self) -> &'static str {
        match self {
            CalendarStep::Hour => "hour",
            CalendarStep::Day => "day",
            CalendarStep::Week => "week",
            CalendarStep::Month => "month",
            CalendarStep::Quarter => "quarter",
            CalendarStep::Year => "year",
        }
    }
}

/// A unit of a duration as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum DurationUnit {
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// `30d`, `1month`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Duration {
    /// How many.
    pub count: i64,
    /// Of what.
    pub unit: DurationUnit,
}

/// A step of time.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// `1d`
    Duration(Duration),
    /// `month`
    Calendar(CalendarStep),
    /// `fiscal.week`: a step of a declared calendar.
    Declared(Path),
}

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A number as written, without underscores: `1000`, `0.5`.
    Number(String),
    /// A percent literal, the digits before the sign: `0.5`.
    Percent(String),
    /// A string, escapes resolved.
    String(String),
    /// `true`, `false`
    Bool(bool),
    /// `null`
    Null,
    /// `30d`
    Duration(Duration),
    /// `date("2026-11-01")`
    Date(String),
    /// `timestamp("2026-11-01 08:00:00")`
    Timestamp(String),
}

/// An expression over rows, or a formula over metrics; where it stands decides which forms are allowed.
#[derive(Clone, Debug)]
pub struct Expr {
    /// The form.
    pub kind: ExprKind,
    /// The whole.
    pub span: Span,
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl Expr {
    /// Calls `visit` for every expression right below this one; not for those in row sets, keys and postfixes.
    pub fn children<'a>(&'a self, visit: &mut impl FnMut(&'a Expr)) {
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::Path { .. } | ExprKind::Sql { .. } | ExprKind::MetricPer { .. } => {}
            ExprKind::Parenthesised(operand)
            | ExprKind::Unary { operand, .. }
            | ExprKind::IsNull { operand, .. }
            | ExprKind::Cast { operand, .. }
            | ExprKind::Json { operand, .. }
            | ExprKind::Postfix { operand, .. } => visit(operand),
            ExprKind::Binary { left, right, .. } => {
                visit(left);
                visit(right);
            }
            ExprKind::In { operand, list, .. } => {
                visit(operand);
                list.iter().for_each(visit);
            }
            ExprKind::InCall { operand, call: other, .. }
            | ExprKind::Like { operand, pattern: other, .. }
            | ExprKind::Outside { operand, model: other }
            | ExprKind::Index { operand, index: other } => {
                visit(operand);
                visit(other);
            }
            ExprKind::Between { operand, low, high, .. } => {
                visit(operand);
                visit(low);
                visit(high);
            }
            ExprKind::Case { branches, otherwise } => {
                for (condition, value) in branches {
                    visit(condition);
                    visit(value);
                }
                otherwise.iter().for_each(|value| visit(value));
            }
            ExprKind::Call { arguments, .. } => {
                for argument in arguments {
                    if let ArgumentValue::Expr(value) = &argument.value {
                        visit(value);
                    }
                }
            }
            ExprKind::Aggregate(aggregate) => {
                match &aggregate.input {
                    AggregateInput::Rows(_) => {}
                    AggregateInput::ExprFrom { expr, .. } | AggregateInput::Formula(expr) => visit(expr),
                }
                aggregate.filter.iter().chain(&aggregate.per_filter).for_each(visit);
            }
        }
    }

    /// Calls `visit` for this expression and every one below it (see [`Expr::children`]).
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        visit(self);
        self.children(&mut |child| child.walk(visit));
    }
}

/// The forms of expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `1`, `"a"`, `30d`
    Literal(Literal),
    /// A column, dimension or metric: `user_id.province`, `dau v1`.
    Path { path: Path, version: Option<Spanned<u32>> },
    /// `(e)`
    Parenthesised(Box<Expr>),
    /// `-e`, `not e`
    Unary { op: Spanned<UnaryOp>, operand: Box<Expr> },
    /// `a + b`, `a and b`, `a ?? b`
    Binary { op: Spanned<BinaryOp>, left: Box<Expr>, right: Box<Expr> },
    /// `e [not] in (a, b)`
    In { operand: Box<Expr>, list: Vec<Expr>, negated: bool },
    /// `e [not] in attribute("…")`
    InCall { operand: Box<Expr>, call: Box<Expr>, negated: bool },
    /// `e [not] between a and b`
    Between { operand: Box<Expr>, low: Box<Expr>, high: Box<Expr>, negated: bool },
    /// `e [not] like p`
    Like { operand: Box<Expr>, pattern: Box<Expr>, negated: bool },
    /// `e is [not] null`
    IsNull { operand: Box<Expr>, negated: bool },
    /// `e outside ewma(…)`
    Outside { operand: Box<Expr>, model: Box<Expr> },
    /// `case when c then a … [else z] end`
    Case { branches: Vec<(Expr, Expr)>, otherwise: Option<Box<Expr>> },
    /// `cast(e as t)`
    Cast { operand: Box<Expr>, ty: TypeName },
    /// `json(e, "$.path", t)`
    Json { operand: Box<Expr>, path: Spanned<String>, ty: TypeName },
    /// `sql("clickhouse": "…", …) as t`
    Sql { variants: Vec<(Spanned<String>, Spanned<String>)>, ty: TypeName },
    /// `lower(x)`, `signup.ltv(…, discount: 1%)`
    Call { function: Path, arguments: Vec<Argument> },
    /// `props["price"]`
    Index { operand: Box<Expr>, index: Box<Expr> },
    /// `sum(pay_amount from paid_order where …)`
    Aggregate(Box<Aggregate>),
    /// `(M per PATH)` in a row expression
    MetricPer { metric: Path, version: Option<Spanned<u32>>, key: Path },
    /// `m over 30d`, `m where platform = "ios"`
    Postfix { operand: Box<Expr>, postfix: Box<Postfix> },
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// `discount: …`
    pub name: Option<Name>,
    /// The value.
    pub value: ArgumentValue,
}

/// The value of an argument.
#[derive(Clone, Debug, PartialEq)]
pub enum ArgumentValue {
    /// An expression. A bare calendar word such as `month` in a formula is a [`ArgumentValue::Step`].
    Expr(Expr),
    /// `month`, `1month`: a step that is no expression.
    Step(Spanned<Step>),
}

/// Operators before an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum UnaryOp {
    Negate,
    Not,
}

/// Operators between operands, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum BinaryOp {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Coalesce,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

impl BinaryOp {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Or => "or",
            BinaryOp::And => "and",
            BinaryOp::Equal => "=",
            BinaryOp::NotEqual => "!=",
            BinaryOp::Less => "<",
            BinaryOp::LessEqual => "<=",
            BinaryOp::Greater => ">",
            BinaryOp::GreaterEqual => ">=",
            BinaryOp::Coalesce => "??",
            BinaryOp::Add => "+",
            BinaryOp::Subtract => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::Divide => "/",
            BinaryOp::Modulo => "%",
        }
    }
}

/// `AGG(input [from rows] [dated c] [where p] [over w] [at last s] [per keys [where p]] [, args])`
///
/// What a bare `AGG(name …)` is — a count of rows, or an aggregate of an inner formula — only names decide, so the input
/// stays as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// `sum`, `distinct`, `p95` …
    pub function: Name,
    /// What stands first.
    pub input: AggregateInput,
    /// `dated column`
    pub dated: Option<Path>,
    /// `where p`, before `per`
    pub filter: Option<Expr>,
    /// `over w`
    pub over: Option<Spanned<Window>>,
    /// `at last 1d`
    pub at_last: Option<Spanned<Step>>,
    /// `per (k, l)`
    pub per: Vec<Key>,
    /// `where p`, after `per`
    pub per_filter: Option<Expr>,
    /// `, 0.9`
    pub arguments: Vec<Spanned<Literal>>,
}

/// What an aggregate is taken of.
#[derive(Clone, Debug, PartialEq)]
pub enum AggregateInput {
    /// `count(event …)`, `count((order where …))`, `count(raw event)`: rows alone.
    Rows(RowSet),
    /// `sum(e from rows …)`
    ExprFrom { expr: Expr, rows: RowSet },
    /// `avg(count(event) per user_id)`, `max(api_calls per 1s)`: a formula.
    Formula(Expr),
}

/// The interval of `over`.
#[derive(Clone, Debug, PartialEq)]
pub enum Window {
    /// `over all`
    All,
    /// `over 30d`, `over month`
    Step(Step),
    /// `over month to date`
    ToDate(Step),
}

/// What follows a metric in a formula, tighter than arithmetic.
#[derive(Clone, Debug, PartialEq)]
pub enum Postfix {
    /// `where platform = "ios"`, `where (a = 1 or b is null)`: comparisons of dimensions with literals.
    Where(Expr),
    /// `over 30d`
    Over(Window),
    /// `ago 1w`
    Ago(Step),
    /// `across (a, b)`
    Across(Vec<Key>),
    /// `at start of month`
    AtStartOf(Step),
    /// `at 7d`, `at 7d..`
    At { age: Step, onwards: bool },
}

/// `dimension NAME [: T] [on ROWSET] = e {| e} [else e] [{ items }]`
#[derive(Clone, Debug, PartialEq)]
pub struct Dimension {
    /// Its name.
    pub name: Name,
    /// `v2`
    pub version: Option<Spanned<u32>>,
    /// `: enum("new", …)`
    pub ty: Option<TypeName>,
    /// `on event`
    pub on: Option<Path>,
    /// The bindings; never empty.
    pub bindings: Vec<Expr>,
    /// `else e`
    pub otherwise: Option<Expr>,
    /// Its items.
    pub items: Vec<Item>,
}

/// `hierarchy geo = country > province > city`
#[derive(Clone, Debug, PartialEq)]
pub struct Hierarchy {
    /// Its name.
    pub name: Name,
    /// From the widest to the narrowest.
    pub levels: Vec<Path>,
    /// Its items.
    pub items: Vec<Item>,
}

/// `metric NAME [vN] = FORMULA [{ items }]`
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: Name,
    /// `v2`
    pub version: Option<Spanned<u32>>,
    /// What it is.
    pub formula: Expr,
    /// Its items.
    pub items: Vec<Item>,
}

/// `change dau v1 -> v2 { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What changes.
    pub name: Path,
    /// The version before.
    pub from: Spanned<u32>,
    /// The version after.
    pub to: Spanned<u32>,
    /// Its items.
    pub items: Vec<Item>,
}

/// `test "…" of m [, m] { given … expect … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// What it shows.
    pub title: Spanned<String>,
    /// The metrics asked.
    pub metrics: Vec<(Path, Option<Spanned<u32>>)>,
    /// The rows that there are.
    pub given: Vec<Given>,
    /// The rows that must come out.
    pub expect: DataTable,
}

/// `given event { | … | }`
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// The source or entity.
    pub table: Path,
    /// Its rows.
    pub data: DataTable,
}

/// A table of cells between bars.
#[derive(Clone, Debug)]
pub struct DataTable {
    /// The first row.
    pub header: Vec<Spanned<String>>,
    /// The others; each is as long as the header (other lengths are told by the parser).
    pub rows: Vec<Vec<Spanned<Cell>>>,
    /// From the keyword to the closing brace.
    pub span: Span,
}

impl PartialEq for DataTable {
    fn eq(&self, other: &Self) -> bool {
        self.header == other.header && self.rows == other.rows
    }
}

/// A cell of a data table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Nothing between the bars: null.
    Empty,
    /// `u1`: trimmed, `\|` resolved.
    Text(String),
    /// `"u1"`: a string literal, escapes resolved (so `""` is the empty string).
    Quoted(String),
}

/// A declaration of a kind without a formula: `KIND NAME [vN] [of E [per D] | on N] { items }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// `cohort`, `funnel`, `alert` …
    pub keyword: Name,
    /// Its name.
    pub name: Name,
    /// `v2`
    pub version: Option<Spanned<u32>>,
    /// `of user per campaign`
    pub of: Option<(Path, Vec<Key>)>,
    /// `on dau`
    pub on: Option<Path>,
    /// Its items.
    pub items: Vec<Item>,
}

/// One item of a body.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its description.
    pub doc: Option<Spanned<String>>,
    /// The form.
    pub kind: ItemKind,
    /// The whole.
    pub span: Span,
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.doc == other.doc && self.kind == other.kind
    }
}

/// The forms of items.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemKind {
    /// `key: value, value`
    Keyed { key: Name, values: Vec<Value> },
    /// `step pay = paid_order by user_id optional` (a funnel) or `step week = fiscal_week` (a calendar)
    Step { name: Name, rows: RowSet, by: Option<Path>, optional: bool },
    /// `exclude cancel = R after pay before again drop`
    Exclude { name: Name, rows: RowSet, after: Name, before: Name, drop: bool },
    /// `class champion when r >= 4`
    Class { name: Name, when: Option<Expr> },
    /// `measure f = count(paid_order over 90d)`
    Measure { name: Name, value: Value },
    /// `score 5`
    Score(Spanned<i64>),
    /// `row "KPI" { … }`
    Row { title: Spanned<String>, items: Vec<Item> },
    /// `line dau by platform top 10 range 90d`
    Widget { form: Name, subject: WidgetSubject, by: Vec<Path>, top: Option<Spanned<i64>>, options: Vec<WidgetOption> },
}

/// What a widget shows.
#[derive(Clone, Debug, PartialEq)]
pub enum WidgetSubject {
    /// Metrics.
    Metrics(Vec<Path>),
    /// Words.
    Text(Spanned<String>),
}

/// What stands behind the subject of a widget: `range 90d`.
#[derive(Clone, Debug, PartialEq)]
pub struct WidgetOption {
    /// What it says.
    pub name: Name,
    /// How it says it.
    pub value: WidgetValue,
}

/// The value of an option of a widget.
#[derive(Clone, Debug, PartialEq)]
pub enum WidgetValue {
    /// A length of time or a step.
    Step(Spanned<Step>),
    /// Words.
    Text(Spanned<String>),
}

/// A value of a keyed item.
#[derive(Clone, Debug)]
pub struct Value {
    /// The form.
    pub kind: ValueKind,
    /// The whole.
    pub span: Span,
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// The forms of values.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueKind {
    /// A formula or row expression, a name, a literal; with the clauses that follow it.
    Expr { expr: Expr, clauses: Vec<Clause> },
    /// `[every] ROWSET`, where the item's key asks for rows
    Rows { every: bool, rows: RowSet },
    /// `at least 3`
    AtLeast(Spanned<i64>),
    /// `-3%..0%`
    Range { low: Spanned<Literal>, high: Spanned<Literal>, low_negative: bool, high_negative: bool },
    /// `month`, `1w`: a step that is no expression
    Step(Step),
    /// `top 3 by channel`
    Top { count: Spanned<i64>, by: Path },
    /// `since last paid_order`
    SinceLast(Path),
    /// `within 5m`
    Within(Step),
    /// `same 1d`
    Same(Step),
    /// `from channel_dim`
    From(Path),
    /// `gmv stream daily < 0.5%`, of a `reconcile` item
    Reconcile { metric: Path, left: Name, right: Name, op: Spanned<BinaryOp>, bound: Spanned<Literal> },
}

/// A clause after a value: `task_id latest by updated_at`, `value < 95% for 5m`.
#[derive(Clone, Debug, PartialEq)]
pub enum Clause {
    /// `latest by updated_at`
    LatestBy(Path),
    /// `for 5m`
    For(Step),
    /// `by channel`
    By(Path),
    /// `as channel`
    As(Name),
    /// `over 30d`
    Over(Step),
    /// `from pay`
    From(Path),
}
