//! The steps of declared calendars that a query is in, and the tables of their days.

use super::{ExprKind, Guard, Interval, Query, Scan, Source, Step, Table, Window};
use crate::value::{Declared, Span};

impl Table {
    /// Whether it holds the days of a step.
    pub fn has_days_of(&self, step: Declared) -> bool {
        let source = step.source();
        let has = |name: &str| self.columns.iter().any(|column| column.name == name);
        !self.is_derived()
            && self.clean.time.is_none()
            && self.physical == source.table
            && has(&source.day)
            && has(&source.value)
    }
}

impl Query {
    /// The steps of declared calendars that it depends on, also below the answers that it reads; each once, sorted.
    pub fn calendar_steps(&self) -> Vec<Declared> {
        let mut found = Vec::new();
        self.gather_steps(&mut found);
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The tables of the days of these steps.
    pub fn calendar_tables(&self) -> Vec<usize> {
        let of = |step: Declared| self.tables.iter().position(|table| table.has_days_of(step));
        let mut tables: Vec<usize> = self.calendar_steps().into_iter().filter_map(of).collect();
        tables.sort_unstable();
        tables.dedup();
        tables
    }

    fn gather_steps(&self, found: &mut Vec<Declared>) {
        self.step.iter().for_each(|step| of_step(*step, found));
        for scan in &self.scans {
            scan.gather_steps(found);
        }
        for metric in &self.metrics {
            metric.formula.walk(&mut |part| {
                if let ExprKind::Steps { interval, .. } = &part.kind {
                    of_interval(interval, found);
                }
            });
        }
        self.among.iter().for_each(|among| among.query.gather_steps(found));
        for answer in self.asked.iter().flat_map(|asked| &asked.rows.answers) {
            answer.query.gather_steps(found);
        }
    }
}

impl Scan {
    fn gather_steps(&self, found: &mut Vec<Declared>) {
        of_interval(&self.interval, found);
        self.last.iter().for_each(|last| of_step(last.step, found));
        if let Some(Guard::Of(interval)) = &self.guard {
            of_interval(interval, found);
        }
        if let Source::Query(query) = &self.source {
            query.gather_steps(found);
        }
        self.answers.iter().for_each(|answer| answer.query.gather_steps(found));
    }
}

fn of_step(step: Step, found: &mut Vec<Declared>) {
    if let Step::Declared(step) = step {
        found.push(step);
    }
}

fn of_interval(interval: &Interval, found: &mut Vec<Declared>) {
    interval.at_start_of.iter().for_each(|step| of_step(*step, found));
    if let Some(Window::ToDate(step)) = interval.window {
        of_step(step, found);
    }
    found.extend(interval.ago.iter().filter_map(|span| match span {
        Span::Bucket(step) => Some(*step),
        _ => None,
    }));
}
