//! Copies that come soon after one another: `unique: event_id, within 5m`.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::syntax::ast::{self, RowSetKind};

use super::super::items::milliseconds;
use super::super::model::Table;
use super::declare::{Ruled, What};

/// How soon after another row one with the same value is a copy of it.
#[derive(Clone, Copy, Debug)]
pub struct Distance {
    /// At most so many milliseconds.
    pub ms: i64,
    /// Where it stands.
    pub span: Span,
}

impl Distance {
    /// `within 5m`
    pub fn read(step: &ast::Step, span: Span, d: &mut Diagnostics) -> Option<Distance> {
        let ms = match step {
            ast::Step::Duration(duration) => milliseconds(*duration).filter(|ms| *ms > 0),
            _ => None,
        };
        if ms.is_none() {
            d.push(error!(E0849, span, "copies are looked for within a length of time";
                help: "write `within 5m`, with ms, s, m, h, d or w"));
        }
        ms.map(|ms| Distance { ms, span })
    }

    /// Rows that lie apart have a time, and one column tells which of them are copies.
    pub fn fits(self, table: &Table, columns: &[usize], d: &mut Diagnostics) -> Option<()> {
        let name = &table.name.value;
        let found = if table.time.is_none() {
            error!(E0849, self.span, "the rows of `{name}` have no time that they could lie apart by";
                help: "declare `time:`, or leave `within` out")
        } else if columns.len() > 1 {
            error!(E0849, self.span, "`within` is of copies in one column, and these are {}", columns.len();
                help: "declare a column that is made of them: `column both: string = concat(a, \":\", b)`")
        } else if table.latest_by.is_some() && table.key.as_slice() == columns {
            error!(E0849, self.span, "a second row of a key of `{name}` is a new version, at whatever distance";
                help: "leave `within` out: copies are rows with the same version then")
        } else {
            return Some(());
        };
        d.push(found);
        None
    }
}

/// Rows that are no copies of one so soon before them.
#[derive(Debug)]
pub struct Once {
    /// Of which rows: those that came where the column is the key, else clean ones.
    pub rows: ast::RowSet,
    /// The column whose values are compared.
    pub column: usize,
    /// How soon after one another.
    pub distance: Distance,
    /// The name that they are wanted under.
    pub name: String,
}

impl Ruled<'_> {
    /// What a rule of copies within a distance counts, where there is one. Its table has to be made, and is found by the place of that
    /// distance.
    pub fn once(&self, tables: &[Table]) -> Option<Once> {
        let table = &tables[self.table.0];
        self.rules.iter().find_map(|rule| match &rule.what {
            What::Duplicates(columns, Some(distance)) => Some(Once {
                rows: match table.key.as_slice() == columns.as_slice() {
                    true => self.raw.clone(),
                    false => {
                        let kind = RowSetKind::Named { name: self.on.clone(), version: None };
                        ast::RowSet { kind, span: self.on.span }
                    }
                },
                column: *columns.first()?,
                distance: *distance,
                name: format!("{}_once", self.declared.syntax.name.value),
            }),
            _ => None,
        })
    }
}
