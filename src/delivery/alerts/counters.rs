//! What `metricc notify` counts, in the text that Prometheus reads.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use crate::exposition;

/// The counters, with what they count.
const FAMILIES: &[(&str, &str)] = &[
    ("metricc_notify_requests_total", "Requests by their status."),
    ("metricc_notify_alerts_total", "Alerts that were taken to be sent."),
    (
        "metricc_notify_alerts_merged_total",
        "Alerts that took the place of an older state of themselves that still waited.",
    ),
    ("metricc_notify_alerts_refused_total", "Alerts that were not taken, because too many waited."),
    ("metricc_notify_alerts_lost_total", "Alerts that were taken and then could not be delivered."),
    ("metricc_notify_messages_sent_total", "Messages that were delivered."),
    ("metricc_notify_messages_failed_total", "Messages that were not, after all tries."),
    ("metricc_notify_messages_limited_total", "Messages that the other side refused because it were too many."),
];

/// The gauge.
const WAITING: (&str, &str) = ("metricc_notify_alerts_waiting", "Alerts that wait to be sent.");

/// Counters with labels.
#[derive(Debug, Default)]
pub struct Counters {
    counts: Mutex<BTreeMap<(&'static str, String), u64>>,
}

impl Counters {
    /// Counts. `labels` are of [`exposition::labels`].
    pub fn add(&self, name: &'static str, labels: String, by: usize) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((name, labels)).or_default() += by as u64;
    }

    /// As text, with how many alerts wait in each lane.
    pub fn text(&self, waiting: &[(String, usize)]) -> String {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for (name, help) in FAMILIES {
            text.push_str(&exposition::head(name, "counter", help));
            for ((_, labels), count) in counts.iter().filter(|((own, _), _)| own == name) {
                let _ = writeln!(text, "{name}{labels} {count}");
            }
        }
        let (name, help) = WAITING;
        text.push_str(&exposition::head(name, "gauge", help));
        for (labels, count) in waiting {
            let _ = writeln!(text, "{name}{labels} {count}");
        }
        text
    }
}
