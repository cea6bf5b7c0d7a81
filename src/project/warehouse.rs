//! Which warehouse a target stands on that has none of its own: one that schedules batches, or shows numbers.

use std::sync::Arc;

use super::clickhouse::ClickhouseTarget;
use super::target::Target;
use super::yaml::list;
use crate::diagnostic::{Span, Spanned};
use crate::suggest::near;

/// A warehouse with its name.
pub type Warehouse = (String, Arc<ClickhouseTarget>);

/// Why there is none.
pub struct Missing {
    /// Where that shows.
    pub span: Span,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub help: String,
}

/// All warehouses of a project.
pub fn all(targets: &[Target]) -> Vec<Warehouse> {
    let of = |target: &Target| Some((target.name.value.clone(), Arc::new(target.clickhouse()?.clone())));
    targets.iter().filter_map(of).collect()
}

/// The one that a target means: that of the name, or the only one. `what_for` says what it is needed for.
pub fn named(
    target: &Spanned<String>,
    wanted: Option<&Spanned<String>>,
    warehouses: &[Warehouse],
    what_for: &str,
) -> Result<Warehouse, Missing> {
    let known: Vec<&str> = warehouses.iter().map(|(name, _)| name.as_str()).collect();
    let named = match wanted {
        None if known.len() == 1 => warehouses.first(),
        None => None,
        Some(wanted) => warehouses.iter().find(|(name, _)| *name == wanted.value),
    };
    if let Some(found) = named {
        return Ok(found.clone());
    }
    let (span, what) = match wanted {
        Some(wanted) => (wanted.span, format!("there is no warehouse `{}`", wanted.value)),
        None => (target.span, format!("`{}` has no warehouse {what_for}", target.value)),
    };
    let close = wanted.and_then(|wanted| near(wanted, known.iter().copied()));
    let help = match close {
        Some(close) => format!("did you mean `{close}`?"),
        None if known.is_empty() => "add a target of the kind `clickhouse`".to_owned(),
        None => format!("add `warehouse:` with one of {}", list(&known)),
    };
    Err(Missing { span, what, help })
}
