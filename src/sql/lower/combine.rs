//! The scans brought together by their keys, and the formulas on top.

use sqlparser::ast::{Expr as Sql, Ident, Query, Select, SelectItem};

use super::Lowering;
use super::layout::{Layout, measure_name};
use super::read::BASE;
use super::stored::ROLLUP;
use crate::plan::{DataType, Measure, MeasureId, Scan};
use crate::sql::build::{self, Parts};

/// The alias of the combined rows.
pub(super) const COMBINED: &str = "c";
/// The alias of the scans' rows before they are combined.
const UNION: &str = "u";
/// The alias of the combined rows before values are looked up in them.
const LOOKED_UP: &str = "w";

impl Lowering<'_> {
    /// The names of the key columns: `_t`, `_d0` …
    pub(super) fn key_names(&self) -> Vec<Ident> {
        let time = self.query.step.map(|_| build::ident("_t"));
        let dimensions = (0..self.query.dimensions.len()).map(|at| build::ident(&format!("_d{at}")));
        time.into_iter().chain(dimensions).collect()
    }

    /// The answer, and the starts of the scans that it compares with.
    pub(super) fn answer(&self) -> (Query, Vec<(Ident, Query)>) {
        let layout = Layout::new(self.query, |scan| self.read(scan).layers().is_some());
        let asked = self.query.asked.as_ref();
        let selects = (0..self.query.scans.len()).map(|scan| self.scan_select(scan, &layout));
        let selects = selects.chain(asked.filter(|asked| asked.all).map(|_| self.asked_select(&layout)));
        let selects: Vec<Select> = selects.collect();
        let looked_up = self.query.scans.iter().any(|scan| scan.looked_up);
        let combined = match selects.len() {
            1 if !looked_up => build::union_all(selects),
            _ => build::union_all(selects).map(|union| self.regrouped(union, &layout)),
        };
        let combined = if looked_up { combined.map(|rows| self.with_looked_up(rows, &layout)) } else { combined };
        let asked = asked.map(|asked| (self.asked_name(), self.asked_rows(asked)));
        let mut tables: Vec<(Ident, Query)> = asked.into_iter().chain(self.edge_tables()).collect();
        let combined = match combined {
            Some(rows) if self.is_filled() => Some(self.filled(rows, &layout, &mut tables)),
            rows => rows,
        };
        (self.output(combined, &layout), tables)
    }

    pub(super) fn has_keys(&self) -> bool {
        self.query.step.is_some() || !self.query.dimensions.is_empty()
    }

    /// One scan: its keys, its measures and counters, and nulls for those of the others.
    fn scan_select(&self, at: usize, layout: &Layout) -> Select {
        let scan = &self.query.scans[at];
        let filters = &layout.filters[at];
        let read = self.read(at);
        let stored = read.layers().zip(self.dialect.states());
        let mut parts = match stored {
            Some((from, _)) if scan.is_plain() => self.stored_parts(scan, from),
            None if scan.is_plain() => self.scan_parts(scan, read, filters, self.keys(scan)),
            _ => self.moved_parts(scan, read, filters),
        };
        let alias = if scan.is_plain() { ROLLUP } else { BASE };
        for (of, other) in self.query.scans.iter().enumerate() {
            for (measure, known) in other.measures.iter().enumerate() {
                let value = match stored {
                    _ if of != at => self.dialect.typed_null(&known.ty, self.calendar),
                    Some((from, how)) => self.stored_measure(scan, known, from, alias, how),
                    None if scan.is_plain() => self.aggregate(scan, known, &filters.measures[measure]),
                    None => self.moved_aggregate(scan, measure, filters),
                };
                let alone =
                    self.query.scans.len() == 1 && !self.is_asked_for() && known.empty_is_zero() && !scan.looked_up;
                let value = if alone { self.null_before_start(at, known, value, COMBINED) } else { value };
                let name = measure_name(&self.query.scans, MeasureId { scan: of, measure });
                parts.projection.push(build::item(value, build::ident(&name)));
            }
        }
        for counter in layout.counters.iter().filter(|counter| !counter.shared) {
            let value = match stored {
                _ if counter.scan != at => self.dialect.typed_null(&DataType::Int, self.calendar),
                Some((from, how)) => self.stored_count(scan, &counter.filter, from, alias, how),
                None if scan.is_plain() => self.row_count(&counter.filter),
                None => self.moved_count(filters, &counter.filter),
            };
            parts.projection.push(build::item(value, build::ident(&counter.name)));
        }
        parts.select()
    }

    /// A row for each group that is asked for, without any value.
    fn asked_select(&self, layout: &Layout) -> Select {
        let mut parts = self.every_asked();
        for (of, scan) in self.query.scans.iter().enumerate() {
            for (measure, known) in scan.measures.iter().enumerate() {
                let name = measure_name(&self.query.scans, MeasureId { scan: of, measure });
                let null = self.dialect.typed_null(&known.ty, self.calendar);
                parts.projection.push(build::item(null, build::ident(&name)));
            }
        }
        for counter in layout.counters.iter().filter(|counter| !counter.shared) {
            let null = self.dialect.typed_null(&DataType::Int, self.calendar);
            parts.projection.push(build::item(null, build::ident(&counter.name)));
        }
        parts.select()
    }

    /// The union of several scans, one row a key: each measure has its value in one row at most.
    fn regrouped(&self, union: Query, layout: &Layout) -> Query {
        let column = |name: &str| build::column(UNION, build::ident(name));
        let keys = self.key_names();
        let mut projection: Vec<SelectItem> =
            keys.iter().map(|key| build::item(build::column(UNION, key.clone()), key.clone())).collect();
        let group_by = keys.into_iter().map(|key| build::column(UNION, key)).collect();
        for (at, scan) in self.query.scans.iter().enumerate() {
            for (measure, known) in scan.measures.iter().enumerate() {
                let name = measure_name(&self.query.scans, MeasureId { scan: at, measure });
                let value = self.dialect.only_value(column(&name), &known.ty);
                let filled = known.empty_is_zero() && !scan.looked_up;
                let value = if filled { self.zero_filled(at, known, value, UNION) } else { value };
                projection.push(build::item(value, build::ident(&name)));
            }
        }
        for counter in layout.counters.iter().filter(|counter| !counter.shared) {
            let value = self.dialect.only_value(column(&counter.name), &DataType::Int);
            projection.push(build::item(value, build::ident(&counter.name)));
        }
        let from = Some(build::derived(union, UNION));
        Parts { projection, from, group_by, ..Parts::default() }.query()
    }

    /// The measures that are looked up, beside every row with the keys that they have.
    fn with_looked_up(&self, rows: Query, layout: &Layout) -> Query {
        let column = |name: &str| build::column(LOOKED_UP, build::ident(name));
        let keys = self.key_names();
        let mut projection: Vec<SelectItem> =
            keys.iter().map(|key| build::item(build::column(LOOKED_UP, key.clone()), key.clone())).collect();
        for (at, scan) in self.query.scans.iter().enumerate() {
            for (measure, known) in scan.measures.iter().enumerate() {
                let name = measure_name(&self.query.scans, MeasureId { scan: at, measure });
                let value = match scan.looked_up {
                    false => column(&name),
                    true => {
                        let found = self.dialect.only_value(column(&name), &known.ty);
                        let found = build::over(found, self.looked_up_keys(scan));
                        match known.empty_is_zero() {
                            true => self.zero_filled(at, known, found, LOOKED_UP),
                            false => found,
                        }
                    }
                };
                projection.push(build::item(value, build::ident(&name)));
            }
        }
        for counter in layout.counters.iter().filter(|counter| !counter.shared) {
            projection.push(build::item(column(&counter.name), build::ident(&counter.name)));
        }
        Parts { projection, from: Some(build::derived(rows, LOOKED_UP)), ..Parts::default() }.query()
    }

    /// The keys that a scan has.
    fn looked_up_keys(&self, scan: &Scan) -> Vec<Sql> {
        let time = self.query.step.map(|_| "_t".to_owned());
        let kept = scan.dimensions.iter().enumerate().filter(|(_, dimension)| dimension.is_some());
        let dimensions = kept.map(|(at, _)| format!("_d{at}"));
        time.into_iter().chain(dimensions).map(|name| build::column(LOOKED_UP, build::ident(&name))).collect()
    }

    /// 0 where a scan has no row, but null before the scan's first row where that is asked.
    fn zero_filled(&self, scan: usize, measure: &Measure, value: Sql, alias: &str) -> Sql {
        let zero = self.dialect.zero(&measure.ty, self.calendar);
        self.null_before_start(scan, measure, build::call("coalesce", vec![value, zero]), alias)
    }

    /// The value, but null where the bucket's interval lies wholly before the scan's first row and that is asked.
    fn null_before_start(&self, scan: usize, measure: &Measure, value: Sql, alias: &str) -> Sql {
        match self.before_start(scan, alias) {
            Some(before) => {
                let null = self.dialect.typed_null(&measure.ty, self.calendar);
                build::case(vec![(before, null)], Some(value))
            }
            None => value,
        }
    }
}
