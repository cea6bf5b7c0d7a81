//! DataFusion, with the functions (`mc_…`) and the canonical column types of the dry run. Its tree is run as it is, so
//! strings stand in it unescaped.

mod aggregate;
mod function;
mod value;
mod walk;

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Ident, ObjectName, Query, Value as Literal, VisitMut, VisitorMut};
use sqlparser::dialect::GenericDialect;

use super::build;
use super::dialect::{Aggregated, Calendar, Collected, Deduplication, Dialect, Lowering, Scalars};
use super::identifier::{is_plain, is_reserved};
use crate::plan::{DataType, Declared, Function, Interval, Span, Step, StoredColumn, Table, Value, Window};

/// The dialect.
#[derive(Clone, Debug, Default)]
pub struct DataFusion {
    /// Steps of declared calendars, each with the same step whose runs are known: it stands in the SQL.
    calendars: Vec<(Declared, Declared)>,
}

impl DataFusion {
    /// Without the days of any calendar.
    pub const fn new() -> DataFusion {
        DataFusion { calendars: Vec::new() }
    }

    /// With the runs of steps of declared calendars.
    pub fn with_calendars(calendars: Vec<(Declared, Declared)>) -> DataFusion {
        DataFusion { calendars }
    }

    fn declared(&self, step: Declared) -> Declared {
        self.calendars.iter().find(|(known, _)| *known == step).map_or(step, |(_, with_runs)| *with_runs)
    }

    fn step(&self, step: Step) -> Step {
        match step {
            Step::Declared(step) => Step::Declared(self.declared(step)),
            step => step,
        }
    }

    fn interval(&self, interval: &Interval) -> Interval {
        let ago = interval.ago.iter().map(|span| match span {
            Span::Bucket(step) => Span::Bucket(self.declared(*step)),
            span => *span,
        });
        let window = interval.window.map(|window| match window {
            Window::ToDate(step) => Window::ToDate(self.step(step)),
            window => window,
        });
        Interval { ago: ago.collect(), at_start_of: interval.at_start_of.map(|step| self.step(step)), window }
    }
}

impl Scalars for DataFusion {
    fn name(&self) -> &'static str {
        "datafusion"
    }

    fn grammar(&self) -> &'static dyn sqlparser::dialect::Dialect {
        &GenericDialect {}
    }

    fn escapes_in_tree(&self) -> bool {
        false
    }

    fn print(&self, query: &Query) -> String {
        let mut query = query.clone();
        // The grammar does not know the mark of what is made once.
        for cte in query.with.iter_mut().flat_map(|with| &mut with.cte_tables) {
            cte.materialized = None;
        }
        let mut escape = Escape { broken: false };
        let _ = VisitMut::visit(&mut query, &mut escape);
        // The pretty form would indent a line break within a string.
        if escape.broken { query.to_string() } else { format!("{query:#}") }
    }

    fn identifier(&self, name: &str) -> Ident {
        // Bare names are folded to lower case.
        if is_plain(name, |c| c.is_ascii_lowercase()) && !is_reserved(name) {
            return Ident::new(name);
        }
        Ident::with_quote('"', name)
    }

    fn decode(&self, stored: Expr, column: &StoredColumn, _: Calendar) -> Expr {
        if column.nullable { filled(stored, &column.ty) } else { stored }
    }

    fn sort_key(&self, value: Expr, _: &DataType) -> Expr {
        value
    }

    fn optional(&self, value: Expr, ty: &DataType) -> Expr {
        filled(value, ty)
    }

    fn not_null(&self, value: Expr) -> Expr {
        value
    }

    fn literal(&self, value: &Value, ty: &DataType, _: Calendar) -> Expr {
        value::literal(value, ty)
    }

    fn typed_null(&self, ty: &DataType, _: Calendar) -> Expr {
        build::cast(build::null(), value::type_name(ty))
    }

    fn settle(&self, value: Expr, _: &DataType) -> Expr {
        value
    }

    fn function(&self, function: Function) -> Lowering {
        function::lowering(function)
    }
}

impl Dialect for DataFusion {
    fn table(&self, table: &Table) -> ObjectName {
        ObjectName::from(vec![self.identifier(&format!("src_{}", table.name))])
    }

    fn raw_table(&self, table: &Table) -> ObjectName {
        ObjectName::from(vec![self.identifier(&format!("raw_{}", table.name))])
    }

    fn deduplication(&self) -> Deduplication {
        Deduplication::RowNumber
    }

    fn zero(&self, ty: &DataType, _: Calendar) -> Expr {
        value::zero(ty)
    }

    fn bucket_key(&self, time: Expr, step: Step, calendar: Calendar) -> Expr {
        function::bucket(time, &self.step(step).text(), calendar)
    }

    fn in_bucket(&self, time: Expr, step: Step, calendar: Calendar) -> Option<Expr> {
        step.is_declared().then(|| build::is_not_null(self.bucket_key(time, step, calendar)))
    }

    fn last_bucket(&self, time: Expr, step: Step, calendar: Calendar) -> Expr {
        match step {
            Step::Declared(_) => function::last_bucket(time, &self.step(step).text(), calendar),
            _ => self.bucket_key(time, step, calendar),
        }
    }

    fn bucket_start(&self, key: Expr, _: Step, _: Calendar) -> Expr {
        key
    }

    fn bucket_number(&self, time: Expr, step: Step, calendar: Calendar) -> Expr {
        function::bucket_number(time, step, calendar)
    }

    fn numbers_below(&self, count: Expr) -> Expr {
        build::call("range", vec![build::number(0), count])
    }

    fn buckets(&self, time: Expr, step: Step, interval: &Interval, last: Expr, calendar: Calendar) -> Expr {
        function::of_interval("mc_buckets", time, self.step(step), &self.interval(interval), calendar, Some(last))
    }

    fn whole_quotient(&self, of: Expr, by: Expr) -> Expr {
        let int = |value: Expr| build::cast(value, value::type_name(&DataType::Int));
        build::binary(int(of), sqlparser::ast::BinaryOperator::Divide, int(by))
    }

    fn explode(&self, list: Expr) -> Expr {
        build::call("unnest", vec![list])
    }

    fn repeated(&self, value: Expr) -> Expr {
        // What was grouped by counts as unique even behind `unnest`: then other keys beside it are dropped.
        build::call("mc_repeated", vec![value])
    }

    fn interval_start(&self, key: Expr, step: Step, interval: &Interval, calendar: Calendar) -> Option<Expr> {
        let bounded = interval.window != Some(Window::All);
        bounded.then(|| {
            function::of_interval("mc_interval_start", key, self.step(step), &self.interval(interval), calendar, None)
        })
    }

    fn interval_end(&self, key: Expr, step: Step, interval: &Interval, calendar: Calendar) -> Expr {
        function::of_interval("mc_interval_end", key, self.step(step), &self.interval(interval), calendar, None)
    }

    fn steps(&self, key: Expr, step: Step, interval: &Interval, length: Span, calendar: Calendar) -> Expr {
        let length = build::text(length.to_string());
        function::of_interval("mc_steps", key, self.step(step), &self.interval(interval), calendar, Some(length))
    }

    fn only_value(&self, value: Expr, ty: &DataType) -> Expr {
        match ty {
            DataType::Array(_) => {
                let known_first = build::sort(build::is_null(value.clone()), false, false);
                build::aggregate("first_value", vec![value], vec![known_first], None)
            }
            _ => build::call("max", vec![value]),
        }
    }

    fn aggregate(&self, aggregated: Aggregated, _: Calendar) -> Expr {
        aggregate::lower(aggregated)
    }

    fn materializes(&self) -> bool {
        true
    }

    fn collected(&self) -> Collected<'_> {
        Collected::Walks(self)
    }

    fn each_once(&self, number: Expr) -> Expr {
        build::call("mc_each_once", vec![number])
    }
}

/// A list or map that is missing is empty.
fn filled(value: Expr, ty: &DataType) -> Expr {
    match ty {
        DataType::Array(_) => build::call("mc_list", vec![value]),
        DataType::Map(_) => build::call("coalesce", vec![value, build::text("{}")]),
        _ => value,
    }
}

/// Doubles the quotes of strings; sqlparser prints a string that has two of them in a row as if it had one.
struct Escape {
    broken: bool,
}

impl VisitorMut for Escape {
    type Break = ();

    fn pre_visit_value(&mut self, value: &mut sqlparser::ast::ValueWithSpan) -> ControlFlow<()> {
        if let Literal::SingleQuotedString(content) = &mut value.value {
            self.broken |= content.contains('\n');
            if content.contains('\'') {
                *content = content.replace('\'', "''");
            }
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::reparse;

    #[test]
    fn strings_read_back_as_they_are() {
        for content in ["it's", "''", "a''b'", "\\'", "\\''x", "line\nbreak", "\n"] {
            let query = build::Parts {
                projection: vec![build::item(build::text(content), build::ident("x"))],
                ..build::Parts::default()
            };
            let query = query.query();
            let text = DataFusion::new().print(&query);
            let sqlparser::ast::Statement::Query(read) = reparse(&text, &DataFusion::new()).unwrap() else {
                panic!("{text}")
            };
            assert_eq!(*read, query, "{text}");
        }
    }
}
