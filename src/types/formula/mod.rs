//! Typing formulas: aggregates over rows, arithmetic over metrics.

mod attribution;
mod cohort;
mod compared;
mod conversion;
mod experiment;
mod facts;
mod filter;
mod funnel;
mod key;
mod leaf;
mod lifecycle;
mod measurable;
mod moved;
mod nested;
mod paths;
mod per;
mod rebase;
mod segment;
mod walk;

use std::sync::OnceLock;

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::resolve::{Names, later};
use crate::suggest::near;
use crate::syntax::ast::{self, ExprKind, Postfix};
use crate::value::WeekStart;

use super::Calendar;
pub(super) use cohort::Column;

use super::model::{Dimension, DimensionId, Formula, FormulaKind, Metric, MetricId, Table, TableId};
use super::quality::Ruled;
use super::rows::RowSets;
use super::size::{FormulaSize, Known, Size, too_large};

pub use compared::{Compared, compared, compared_metric};
pub use facts::{Facts, facts};
pub use filter::{Declared, DimensionNames, FilterScope, InContext, check_filter};
pub use key::KeyScope;
pub use leaf::sum_type;
pub(super) use leaf::{Units, aggregation, result_type};
pub use measurable::{Amount, Measurable, What};
pub use moved::length;
pub use nested::fits;
pub use per::{PerPath, RowMetrics};
pub use rebase::Leaves;

/// What formulas are typed with.
pub struct FormulaScope<'a> {
    /// The names of the program.
    pub names: &'a Names<'a>,
    /// All tables.
    pub tables: &'a [Table],
    /// Row sets.
    pub rows: &'a RowSets<'a>,
    /// The typed dimensions.
    pub dimensions: &'a [Dimension],
    /// Where a declared dimension stands among the typed ones; none for a broken one.
    pub dimension_ids: &'a [Option<DimensionId>],
    /// Calendars, whose steps are steps of time.
    pub calendars: &'a [Calendar],
    /// Rules of quality, by their places; none for broken ones.
    pub qualities: &'a [Option<Ruled<'a>>],
    /// The metrics typed so far.
    pub metrics: &'a [Metric],
    /// Where a declared metric stands among the typed ones; none for a broken one.
    pub metric_ids: &'a [Option<MetricId>],
    /// What is known of each typed metric's formula.
    pub known: &'a [Facts],
    /// The size of each typed metric's formula.
    pub sizes: &'a [FormulaSize],
    /// The sizes of the dimensions that somebody asked for.
    pub dimension_sizes: &'a [OnceLock<Size>],
    /// The project's zone.
    pub zone: chrono_tz::Tz,
    /// The first day of a week.
    pub week_start: WeekStart,
}

impl FormulaScope<'_> {
    /// What the sizes of formulas depend on.
    pub fn known(&self) -> Known<'_> {
        Known { tables: self.tables, dimensions: self.dimensions, asked: self.dimension_sizes, metrics: self.sizes }
    }

    /// What keys are typed with.
    pub fn keys(&self) -> KeyScope<'_> {
        KeyScope { names: self, dimensions: self.dimensions, tables: self.tables, zone: self.zone }
    }

    fn metric(&self, path: &ast::Path, version: Option<u32>, span: Span, d: &mut Diagnostics) -> Option<Formula> {
        let column = Column { path, version, arguments: &[], at: None, span };
        if let Some(found) = self.of_behaviour(&column, d).or_else(|| self.of_quality(&column, d)) {
            return found;
        }
        if let [first, column] = path.parts.as_slice()
            && path.at.is_none()
            && let Some(place) = self.names.metric(first, version)
        {
            return self.compared(self.metric_ids[place]?, column, span, d);
        }
        let Some(place) = path.single().and_then(|name| self.names.metric(name, version)) else {
            d.push(self.unknown(path, version, span));
            return None;
        };
        let id = self.metric_ids[place]?;
        let metric = &self.metrics[id.0];
        Some(Formula { kind: FormulaKind::Metric(id), ty: metric.ty.clone(), span })
    }

    /// `dau.growth_1w`
    fn compared(&self, id: MetricId, column: &ast::Name, span: Span, d: &mut Diagnostics) -> Option<Formula> {
        let metric = &self.metrics[id.0];
        if let Some(found) = metric.compared.iter().find(|compared| compared.name == column.value) {
            return compared::growth_of(self.ops(), id, metric, found, span, d);
        }
        let help = match near(column, metric.compared.iter().map(|compared| compared.name.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "declare a comparison in its item `compare: 1d, 1w`".to_owned(),
        };
        d.push(
            error!(E0201, column.span, "`{}` has no column `{}`", metric.name.value, column.value; help: help)
                .related(metric.name.span, "the metric"),
        );
        None
    }

    fn unknown(&self, path: &ast::Path, version: Option<u32>, span: Span) -> crate::diagnostic::Diagnostic {
        let text = path.to_string();
        if let Some(version) = version
            && self.names.has_metric(&text)
        {
            return error!(E0210, span, "the metric `{text}` has no version {version}"; help: "name a version that is declared");
        }
        let help = match near(&text, self.names.metric_names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.names.row_set(&text, None).is_some() => {
                format!("`{text}` is a row set: write `count({text})`, or another aggregate of it")
            }
            None => "declare it, or aggregate a column: `sum(amount from order)`".to_owned(),
        };
        error!(E0201, span, "no metric named `{text}`"; help: help)
    }

    fn postfix(&self, operand: &ast::Expr, postfix: &Postfix, span: Span, d: &mut Diagnostics) -> Option<Formula> {
        match postfix {
            Postfix::Where(condition) => {
                let operand = self.check(operand, d);
                let reads = operand.as_ref().map(|operand| self.tables_of(operand)).unwrap_or_default();
                let names = InContext { names: self, dimensions: self.dimensions, tables: self.tables, reads: &reads };
                let scope = FilterScope { keys: KeyScope { names: &names, ..self.keys() }, metrics: None };
                let filter = check_filter(&scope, condition, d);
                let (operand, filter) = (operand?, filter?);
                if too_large(filter.size(self.known()), "this condition", condition.span, d) {
                    return None;
                }
                self.check_bound(&operand, &filter, d)?;
                let ty = operand.ty.clone();
                Some(Formula { kind: FormulaKind::Where { operand: Box::new(operand), filter }, ty, span })
            }
            Postfix::Over(window) => self.over(self.check(operand, d)?, window, span, d),
            Postfix::Ago(step) => self.ago(self.check(operand, d)?, step, span, d),
            Postfix::Across(keys) => self.across(self.check(operand, d)?, keys, span, d),
            Postfix::AtStartOf(step) => self.at_start_of(self.check(operand, d)?, step, span, d),
            Postfix::At { age, onwards } => self.at_age(operand, age, *onwards, span, d),
        }
    }

    /// `signup.retained at 7d`
    fn at_age(
        &self,
        operand: &ast::Expr,
        age: &ast::Step,
        onwards: bool,
        span: Span,
        d: &mut Diagnostics,
    ) -> Option<Formula> {
        let (path, version, arguments) = match &operand.kind {
            ExprKind::Parenthesised(inner) => return self.at_age(inner, age, onwards, span, d),
            ExprKind::Path { path, version } => (path, version.as_ref().map(|version| version.value), &[][..]),
            ExprKind::Call { function, arguments } => (function, None, arguments.as_slice()),
            _ => {
                d.push(error!(E0687, span, "only a column of a table of behaviour has ages"; help: "write `signup.retained at 7d`; a metric has `at start of month`"));
                return None;
            }
        };
        let column = Column { path, version, arguments, at: Some((age, onwards)), span };
        self.of_behaviour(&column, d).unwrap_or_else(|| {
            d.push(error!(E0687, span, "`{path}` has no ages"; help: "write `signup.retained at 7d`, of a cohort; a metric has `at start of month`"));
            None
        })
    }

    /// A filter's dimensions must be bound to every table that the operand reads.
    fn check_bound(&self, operand: &Formula, filter: &super::DimFilter, d: &mut Diagnostics) -> Option<()> {
        let mut sound = true;
        let tables = self.tables_of(operand);
        filter.walk(&mut |dimension, span| {
            for table in &tables {
                sound &= self.bound(dimension, *table, span, d);
            }
        });
        sound.then_some(())
    }

    /// Tells where a dimension has no value for a table.
    pub fn bound(&self, dimension: DimensionId, table: TableId, span: Span, d: &mut Diagnostics) -> bool {
        let declared = &self.dimensions[dimension.0];
        match super::bind::bind(self.tables, declared, table) {
            Ok(_) => true,
            Err(why) => {
                d.push(unbound(declared, &self.tables[table.0], &why, span));
                false
            }
        }
    }

    /// The tables that a formula reads, each once, in order.
    pub fn tables_of(&self, formula: &Formula) -> Vec<TableId> {
        self.facts(formula).reads
    }
}

/// The error for a dimension that a table does not have.
pub fn unbound(
    dimension: &Dimension,
    table: &Table,
    why: &super::bind::Unbound,
    span: Span,
) -> crate::diagnostic::Diagnostic {
    let (name, of) = (&dimension.name.value, &table.name.value);
    let found = match why {
        super::bind::Unbound::Missing => {
            error!(E0604, span, "`{of}` has no dimension `{name}`";
                help: ("bind it: `dimension {name} = … | {of}.column`, or leave it out"))
        }
        super::bind::Unbound::Timeless(entity) => {
            error!(E0527, span, "`{name}` looks up `{entity}`, which keeps a history, but the rows of `{of}` have no time";
                help: "leave it out, or count the rows of a source")
        }
        super::bind::Unbound::Ambiguous(columns) => {
            error!(E0605, span, "`{of}` leads to `{name}` in {} ways: {}", columns.len(), columns.join(", ");
                help: ("bind it explicitly: `dimension {name} = … | {of}.{}.…`", columns[0]))
        }
    };
    found.related(dimension.name.span, "the dimension")
}

fn told(d: &mut Diagnostics, what: &str, span: Span) -> Option<Formula> {
    d.push(later(what, span));
    None
}

impl Formula {
    /// Calls `visit` for this and every formula below it, not into the metrics that it names.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Formula)) {
        visit(self);
        match &self.kind {
            FormulaKind::Call(_, arguments) => arguments.iter().for_each(|argument| argument.walk(visit)),
            FormulaKind::Case { branches, otherwise } => {
                for (condition, value) in branches {
                    condition.walk(visit);
                    value.walk(visit);
                }
                otherwise.iter().for_each(|value| value.walk(visit));
            }
            FormulaKind::Where { operand, .. }
            | FormulaKind::Moved { operand, .. }
            | FormulaKind::Across { operand, .. }
            | FormulaKind::Rate { operand, .. } => operand.walk(visit),
            FormulaKind::Nested(nested) => nested.formula.walk(visit),
            FormulaKind::Leaf(_) | FormulaKind::Metric(_) | FormulaKind::Literal(_) => {}
        }
    }
}
