//! Conditions that can't be meant: always true, never true, or said twice. Warnings, never errors.

use crate::diagnostic::Diagnostics;

use super::{RowExpr, Table};

/// Warns of the conditions inside `expr`.
pub fn inspect(_tables: &[Table], _expr: &RowExpr, _d: &mut Diagnostics) {}
