//! The text that Prometheus reads, a family of series after the other.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::exposition::{head, labels};

/// Series by their names. What is added in any order is written in that of names and labels.
#[derive(Clone, Debug, Default)]
pub struct Page {
    families: BTreeMap<String, Family>,
}

#[derive(Clone, Debug)]
struct Family {
    kind: &'static str,
    help: String,
    samples: BTreeMap<String, f64>,
}

impl Page {
    /// Adds a gauge.
    pub fn gauge(&mut self, name: &str, help: &str, pairs: &[(String, String)], value: f64) {
        self.add(name, "gauge", help, pairs, value);
    }

    /// Adds a counter.
    pub fn counter(&mut self, name: &str, help: &str, pairs: &[(String, String)], value: f64) {
        self.add(name, "counter", help, pairs, value);
    }

    fn add(&mut self, name: &str, kind: &'static str, help: &str, pairs: &[(String, String)], value: f64) {
        let new = || Family { kind, help: help.to_owned(), samples: BTreeMap::new() };
        self.families.entry(name.to_owned()).or_insert_with(new).samples.insert(labels(pairs), value);
    }

    /// All of it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, family) in &self.families {
            text.push_str(&head(name, family.kind, &family.help));
            for (labels, value) in &family.samples {
                let _ = match *value {
                    f64::INFINITY => writeln!(text, "{name}{labels} +Inf"),
                    value => writeln!(text, "{name}{labels} {value}"),
                };
            }
        }
        text
    }
}
