//! What people are told of by name: each name is of one thing.

use std::collections::BTreeMap;

use super::{Alert, Slo};
use crate::diagnostic::{Diagnostics, Span};
use crate::error;

/// Tells names that two things would have in messages, silences, and the names of files.
pub fn check_told(alerts: &[Alert], slos: &[Slo], d: &mut Diagnostics) {
    let mut known: BTreeMap<String, (&'static str, Span)> = BTreeMap::new();
    let mut add = |name: String, what: &'static str, span: Span| {
        let Some((other, first)) = known.get(&name) else {
            known.insert(name, (what, span));
            return;
        };
        d.push(
            error!(E0895, span, "`{name}` is the name of two things: of {other}, and of {what}";
                help: "rename one of them: messages, silences and files go by that name")
            .related(*first, "the other one"),
        );
    };
    for alert in alerts {
        add(alert.name.value.clone(), "an alert", alert.name.span);
    }
    for slo in slos {
        add(slo.name.value.clone(), "an objective", slo.name.span);
    }
    for alert in alerts.iter().filter(|alert| alert.absent.is_some()) {
        add(format!("{}_absent", alert.name.value), "what is told without data (`absent`)", alert.name.span);
    }
    for slo in slos {
        add(format!("slo_{}", slo.name.value), "the files of an objective", slo.name.span);
    }
}
