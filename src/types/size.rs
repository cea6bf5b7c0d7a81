//! How large expressions are once every name in them is replaced by what it stands for.
//!
//! A few lines can stand for more operators than any memory holds: of thirty metrics of which each adds the one before to
//! itself, the last has a billion. So there is a limit to what a name stands for, and it is told where it is passed;
//! nothing behind the check has to think of it.

use std::sync::OnceLock;

use crate::diagnostic::{Diagnostics, Span};
use crate::error;

use super::model::{
    DimFilter, Dimension, DimensionId, Formula, FormulaKind, NestedKey, RowExpr, RowExprKind, RowSet, Subject, Table,
};

/// How many operators may stand within each other.
pub const MAX_DEPTH: usize = 200;

/// How many operators there may be.
pub const MAX_OPERATORS: usize = 5_000;

/// How many there may be in a formula, of which what comes again is computed once.
pub const MAX_OPERATORS_OF_FORMULA: usize = 100_000;

/// The size of an expression. Literals and stored columns count nothing, so that a list may be as long as it likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// The most operators within each other; the step from a row to an entity is one.
    pub depth: usize,
    /// All operators.
    pub operators: usize,
}

impl Size {
    /// Parts beside each other.
    pub fn of_all(parts: impl IntoIterator<Item = Size>) -> Size {
        parts.into_iter().fold(Size::default(), |all, part| Size {
            depth: all.depth.max(part.depth),
            operators: all.operators.saturating_add(part.operators),
        })
    }

    /// With so many operators around it.
    pub fn within(self, operators: usize) -> Size {
        Size { depth: self.depth.saturating_add(operators), operators: self.operators.saturating_add(operators) }
    }

    /// Why it is too large, for the end of a message.
    pub fn excess(self) -> Option<String> {
        self.excess_over(MAX_OPERATORS)
    }

    /// The same of a formula.
    pub fn excess_of_formula(self) -> Option<String> {
        self.excess_over(MAX_OPERATORS_OF_FORMULA)
    }

    fn excess_over(self, most: usize) -> Option<String> {
        if self.depth > MAX_DEPTH {
            Some(format!("more than {MAX_DEPTH} levels deep"))
        } else if self.operators > most {
            Some(format!("made of more than {most} operators"))
        } else {
            None
        }
    }
}

impl RowExpr {
    /// Its size, with the computed columns of these tables written out.
    pub fn size(&self, tables: &[Table]) -> Size {
        match &self.kind {
            RowExprKind::Column(path) => {
                let columns = path.iter().filter_map(|id| tables.get(id.table.0)?.columns.get(id.column));
                Size::of_all(columns.map(|column| column.size)).within(path.len().saturating_sub(1))
            }
            RowExprKind::Time | RowExprKind::Inner | RowExprKind::Literal(_) | RowExprKind::Pending(_) => {
                Size::default()
            }
            RowExprKind::Per { per, .. } => per.size.within(1),
            RowExprKind::Call(_, arguments) | RowExprKind::Sql { arguments, .. } => {
                Size::of_all(arguments.iter().map(|argument| argument.size(tables))).within(1)
            }
            RowExprKind::Case { branches, otherwise } => {
                let parts = branches.iter().flat_map(|(condition, value)| [condition, value]);
                Size::of_all(parts.chain(otherwise.as_deref()).map(|part| part.size(tables))).within(1)
            }
        }
    }
}

impl RowSet {
    /// The size of all of its conditions. Each is a level around those before it: a subset of a subset.
    pub fn size(&self, tables: &[Table]) -> Size {
        Size::of_all(self.filters.iter().map(|filter| filter.size(tables))).within(self.filters.len())
    }
}

impl Dimension {
    /// The size of its largest binding, with what stands in the place of null.
    pub fn size(&self, tables: &[Table]) -> Size {
        let bindings = self.bindings.iter().map(|binding| binding.value.size(tables));
        let largest = bindings.max_by_key(|size| size.operators).unwrap_or_default();
        Size::of_all([largest].into_iter().chain(self.otherwise.iter().map(|value| value.size(tables)))).within(1)
    }
}

/// Tells an expression over rows that is too large.
pub fn too_large(size: Size, what: &str, span: Span, d: &mut Diagnostics) -> bool {
    let excess = size.excess();
    if let Some(excess) = &excess {
        d.push(error!(E0335, span, "{what} is {excess}, with the names in it written out";
            help: "store a part of it as a column of the warehouse"));
    }
    excess.is_some()
}

/// The size of a formula.
#[derive(Clone, Copy, Debug, Default)]
pub struct FormulaSize {
    /// Over the leaves, and of what is in them. The depth is that of the formula alone.
    pub size: Size,
    /// How many leaves there are: each has all of the conditions around it.
    leaves: usize,
}

/// What the names in a formula stand for.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The tables.
    pub tables: &'a [Table],
    /// The dimensions.
    pub dimensions: &'a [Dimension],
    /// The sizes of the dimensions that somebody asked for.
    pub asked: &'a [OnceLock<Size>],
    /// The sizes of the metrics, by their place.
    pub metrics: &'a [FormulaSize],
}

impl Known<'_> {
    /// The size of a dimension. One that is bound to every source has many bindings, and every metric asks.
    pub fn dimension(&self, id: DimensionId) -> Size {
        *self.asked[id.0].get_or_init(|| self.dimensions[id.0].size(self.tables))
    }
}

impl Formula {
    /// Its size, with the metrics that it names written out.
    pub fn size(&self, known: Known<'_>) -> FormulaSize {
        match &self.kind {
            FormulaKind::Literal(_) => FormulaSize { size: Size { depth: 1, operators: 0 }, leaves: 0 },
            FormulaKind::Leaf(leaf) => {
                let input = leaf.input.as_ref().map(|input| input.size(known.tables));
                let rows = leaf.rows.size(known.tables).operators;
                let per = leaf.at_last.iter().flat_map(|at_last| &at_last.per).map(|key| key.size(known.tables));
                let beside = Size::of_all(per.chain(input)).operators.saturating_add(rows);
                let operators = beside.saturating_add(1);
                FormulaSize { size: Size { depth: 1, operators }, leaves: 1 }
            }
            FormulaKind::Metric(id) => {
                let FormulaSize { size, leaves } = known.metrics[id.0];
                FormulaSize { size: Size { depth: size.depth.saturating_add(1), ..size }, leaves }
            }
            FormulaKind::Call(_, arguments) => around(arguments.iter(), known),
            FormulaKind::Case { branches, otherwise } => {
                let values = branches.iter().flat_map(|(condition, value)| [condition, value]);
                around(values.chain(otherwise.as_deref()), known)
            }
            FormulaKind::Moved { operand, .. }
            | FormulaKind::Across { operand, .. }
            | FormulaKind::Rate { operand, .. } => around(std::iter::once(operand.as_ref()), known),
            FormulaKind::Nested(nested) => {
                let inner = around(std::iter::once(&nested.formula), known);
                let filter = nested.filter.iter().map(|filter| filter.size(known.tables));
                let keys = nested.keys.iter().map(|key| key.size(known));
                let beside = Size::of_all(filter.chain(keys)).operators.saturating_mul(inner.leaves.max(1));
                let operators = inner.size.operators.saturating_add(beside);
                FormulaSize { size: Size { operators, ..inner.size }, ..inner }
            }
            FormulaKind::Where { operand, filter } => {
                let FormulaSize { size, leaves } = operand.size(known);
                let conditions = filter.size(known).operators.saturating_mul(leaves);
                let depth = size.depth.saturating_add(1);
                FormulaSize { size: Size { depth, operators: size.operators.saturating_add(conditions) }, leaves }
            }
        }
    }
}

/// An operator around its parts.
fn around<'a>(parts: impl Iterator<Item = &'a Formula>, known: Known<'_>) -> FormulaSize {
    let whole = parts.map(|part| part.size(known)).fold(FormulaSize::default(), |all, part| FormulaSize {
        size: Size::of_all([all.size, part.size]),
        leaves: all.leaves.saturating_add(part.leaves),
    });
    FormulaSize { size: whole.size.within(1), ..whole }
}

impl NestedKey {
    fn size(&self, known: Known<'_>) -> Size {
        match self {
            NestedKey::Dimension(id) => known.dimension(*id),
            NestedKey::Column { values, .. } => Size::of_all(values.iter().map(|(_, value)| value.size(known.tables))),
            NestedKey::Step(_) => Size::default(),
        }
    }
}

impl DimFilter {
    /// Its size, with the dimensions that it names written out.
    pub fn size(&self, known: Known<'_>) -> Size {
        match self {
            DimFilter::And(parts) | DimFilter::Or(parts) => {
                Size::of_all(parts.iter().map(|part| part.size(known))).within(1)
            }
            DimFilter::Not(inner) => inner.size(known).within(1),
            DimFilter::Test { subject: Subject::Part(_), .. } => Size::default().within(1),
            DimFilter::Test { subject: Subject::Dimension(id) | Subject::Within(id, _), .. } => {
                known.dimension(*id).within(1)
            }
            DimFilter::Test { subject: Subject::Per(per, _), .. } => per.size.within(1),
        }
    }
}
