//! Days of declared calendars: the runs of their steps, and the rows that are on none of their days.

use super::DryRun;
use crate::diagnostic::Diagnostics;
use crate::error;
use crate::plan::{
    Aggregate, DataType, Declared, Expr, ExprKind, Measure, MeasureId, MetricOutput, OutputColumn, Present, Query,
    Scan, Step, TableScan, Value,
};
use crate::sql::{self, Dialect, Scalars};
use crate::value::time::local_date;

impl DryRun {
    /// The steps of calendars that a query depends on, each with its runs.
    pub(super) fn calendars(&self, query: &Query) -> Result<Vec<(Declared, Declared)>, Diagnostics> {
        let mut found = Vec::new();
        for step in query.calendar_steps() {
            let Some(table) = query.tables.iter().find(|table| table.has_days_of(step)) else { continue };
            let source = step.source();
            let column = |name: &str| sql::DATAFUSION.identifier(name).to_string();
            let (day, value) = (column(&source.day), column(&source.value));
            let from = sql::DATAFUSION.raw_table(table);
            let columns = [(&source.day, DataType::Date), (&source.value, DataType::String)];
            let columns =
                columns.map(|(name, ty)| OutputColumn { name: name.clone(), ty, nullable: true, unit: None }).to_vec();
            let days = self.run_sql(&format!("SELECT {day}, {value} FROM {from}"), columns)?;
            let known = days.rows.into_iter().filter_map(|row| match row.as_slice() {
                [Value::Date(day), Value::String(value)] => Some((*day, value.clone())),
                _ => None,
            });
            found.push((step, step.with_days(known)));
        }
        Ok(found)
    }

    /// Warns of the rows that a query reads, and that are in no bucket because their day has no step in its calendar.
    pub fn off_calendar(&self, query: &Query) -> Result<Diagnostics, Diagnostics> {
        let mut found = Diagnostics::new();
        let calendars = self.calendars(query)?;
        let mut told: Vec<(usize, Declared)> = Vec::new();
        for of in query.table_scans() {
            let Some(Step::Declared(step)) = of.query.step else { continue };
            let Some((_, runs)) = calendars.iter().find(|(known, _)| *known == step) else { continue };
            if of.scan.time.is_none() || told.contains(&(of.table, step)) {
                continue;
            }
            told.push((of.table, step));
            let days = self.run(&by_day(query, &of))?;
            let mut off: Vec<(chrono::NaiveDate, i64)> = Vec::new();
            for row in &days.rows {
                let [Value::Timestamp(at), Value::Int(rows)] = row.as_slice() else { continue };
                let day = local_date(*at, query.zone);
                if runs.first_day(day).is_none() {
                    off.push((day, *rows));
                }
            }
            let (Some((first, _)), Some((last, _))) = (off.first(), off.last()) else { continue };
            let (rows, table) = (off.iter().map(|(_, rows)| rows).sum::<i64>(), &of.tables[of.table].name);
            found.push(error!(W0902, None, "{rows} rows of `{table}` are on {} days without a step of `{}`, the first {first}, the last {last}", off.len(), step.name();
                help: "they are in no bucket: add these days to the calendar's table"));
        }
        Ok(found)
    }
}

/// The number of rows of a scan by their days.
fn by_day(query: &Query, of: &TableScan) -> Query {
    let count = Measure { filter: None, aggregate: Aggregate::CountRows, ty: DataType::Int };
    let scan = Scan {
        from: query.from,
        to: query.to,
        interval: crate::plan::Interval::default(),
        dimensions: Vec::new(),
        measures: vec![count],
        last: None,
        guard: None,
        looked_up: false,
        ..of.scan.clone()
    };
    let measure = MeasureId { scan: 0, measure: 0 };
    let formula = Expr { kind: ExprKind::Measure(measure), ty: DataType::Int, nullable: false };
    let column = OutputColumn { name: "rows".to_owned(), ty: DataType::Int, nullable: false, unit: None };
    let metric = MetricOutput { column, formula, present: vec![Present::from(measure)], fill: None };
    Query {
        tables: std::sync::Arc::clone(&query.tables),
        step: Some(Step::Day),
        scans: vec![scan],
        metrics: vec![metric],
        ..Query::empty(query.zone, query.week_start)
    }
}
