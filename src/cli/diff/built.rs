//! What the targets are given on both sides: what is to be filled, what is made anew, what goes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::explain::rollups;
use super::super::revisions::Loaded;
use super::Stop;

/// Something in the warehouse that is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The target.
    pub target: String,
    /// `rollup` or `view`
    pub kind: &'static str,
    /// `new`, `gone` or `changed`
    pub state: &'static str,
    /// Its name.
    pub name: String,
    /// How a rollup is filled.
    pub filled: Option<String>,
    /// The metrics that it is for, with their steps.
    pub of: Vec<String>,
}

impl Built {
    /// What is to be done with it.
    pub fn todo(&self) -> String {
        match (self.kind, self.state, self.filled.as_deref()) {
            ("rollup", "new", Some("added" | "cascaded")) => "backfill its history".to_owned(),
            ("rollup", "new", Some("fed")) => "begins with its stream; what came before is for the batch".to_owned(),
            ("rollup", "new", Some("rebuilt")) => "is made from the sources".to_owned(),
            ("rollup", "new", Some(way)) => format!("backfill its days ({way} batch)"),
            ("rollup", "gone", _) => "drop, once nobody reads it".to_owned(),
            ("view", "gone", _) => "move its readers".to_owned(),
            ("view", "changed", _) => "is replaced".to_owned(),
            _ => String::new(),
        }
    }
}

/// What is different; of a lock nobody knows.
pub fn compare(before: &Loaded, after: &Loaded) -> Result<Vec<Built>, Stop> {
    let told = |side: &Loaded| match side {
        Loaded::Lock(_) => Ok(None),
        Loaded::Program(program) => rollups::told(&program.ready).map(Some),
    };
    let (old, new) = rayon::join(|| told(before), || told(after));
    let (Some(old), Some(new)) = (old?, new?) else { return Ok(Vec::new()) };
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    let mut found = Vec::new();
    for target in names {
        let (old, new) = (&old.get(target), &new.get(target));
        found.extend(of_kind(target, "rollup", &tables(*old), &tables(*new)));
        found.extend(of_kind(target, "view", &views(*old), &views(*new)));
    }
    Ok(found)
}

/// What tells one from another, how it is filled, and what it is for.
type Object = (String, Option<String>, Vec<String>);

fn of_kind(
    target: &str,
    kind: &'static str,
    old: &BTreeMap<String, Object>,
    new: &BTreeMap<String, Object>,
) -> Vec<Built> {
    let one = |state, name: &String, (_, filled, of): &Object| Built {
        target: target.to_owned(),
        kind,
        state,
        name: name.clone(),
        filled: filled.clone(),
        of: of.clone(),
    };
    let mut found = Vec::new();
    for (name, object) in new {
        match old.get(name) {
            None => found.push(one("new", name, object)),
            Some(was) if was.0 != object.0 => found.push(one("changed", name, object)),
            Some(_) => {}
        }
    }
    found.extend(
        old.iter().filter(|(name, _)| !new.contains_key(*name)).map(|(name, object)| one("gone", name, object)),
    );
    found
}

fn list(told: Option<&Value>, key: &str) -> Vec<Value> {
    told.and_then(|told| told[key].as_array().cloned()).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Rollups: their names have a hash of what they hold.
fn tables(told: Option<&Value>) -> BTreeMap<String, Object> {
    let one = |one: &Value| {
        let serves = one["serves"].as_array().into_iter().flatten().map(text).collect();
        (text(&one["table"]), (String::new(), one["filled"].as_str().map(str::to_owned), serves))
    };
    list(told, "rollups").iter().map(one).collect()
}

/// The views that people read: what they stand for has a hash of what it computes.
fn views(told: Option<&Value>) -> BTreeMap<String, Object> {
    let one = |one: &Value| {
        let of = vec![format!("{} {}", text(&one["name"]), text(&one["step"]))];
        (text(&one["view"]), (text(&one["made"]), None, of))
    };
    list(told, "metrics").iter().map(one).collect()
}
