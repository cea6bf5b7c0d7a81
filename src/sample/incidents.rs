//! What goes wrong in a world, as people would have written it down: labels for whoever looks back at alerts.

use super::World;
use super::clock::local_text;
use super::dictionary::{FACE_SWAP, FEATURES};

/// The name of the file, beside those of the tables.
pub const INCIDENTS_FILE: &str = "incidents.csv";

impl World {
    /// The incidents as CSV: when they began and were over in local time, what they are called, and the metric and the feature that show
    /// them.
    pub fn incidents(&self) -> String {
        let mut text = "start,end,name,metric,feature\n".to_owned();
        let mut add = |(from, to): (i64, i64), name: &str, metric: &str, feature: &str| {
            for ms in [from, to] {
                local_text(&mut text, ms);
                text.push(',');
            }
            text.push_str(&format!("{name},{metric},{feature}\n"));
        };
        add(self.incident(), "model of face swap fails", "task_failure_rate", FEATURES[FACE_SWAP].id);
        add(self.outage(), "clients send no events", "events", "");
        text
    }
}
