//! What Alertmanager posts to a webhook: a group of alerts, in version 4 of the form.
//!
//! Fields that are not known are passed over, and those that lack are empty: other programs post the same form with more or less in it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// The version that is understood.
const VERSION: &str = "4";

/// A group of alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notification {
    /// Where Alertmanager is seen from outside; empty where it is not told.
    pub external_url: String,
    /// How many alerts of the group were left out.
    pub truncated: u64,
    /// The alerts.
    pub alerts: Vec<Alert>,
}

/// An alert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alert {
    /// Whether it is over.
    pub resolved: bool,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What is told of it.
    pub annotations: BTreeMap<String, String>,
    /// When it began.
    pub starts: Option<DateTime<Utc>>,
    /// When it was over; none while it fires.
    pub ends: Option<DateTime<Utc>>,
    /// Where its rule is shown.
    pub generator_url: String,
    /// What tells it from all others: of Alertmanager, or of its labels.
    pub fingerprint: String,
}

impl Notification {
    /// Of the body of a request.
    ///
    /// # Errors
    /// Why it is none, in words.
    pub fn read(body: &[u8]) -> Result<Notification, String> {
        let value: Value =
            serde_json::from_slice(body).map_err(|failure| format!("the body is not JSON: {failure}"))?;
        let Value::Object(group) = value else { return Err("the body is no object".to_owned()) };
        match group.get("version") {
            Some(Value::String(version)) if version == VERSION => {}
            Some(other) => {
                return Err(format!("version {other} of the webhook's form is not known, only \"{VERSION}\""));
            }
            None => {
                return Err(format!(
                    "the body does not say `version`: is it a webhook of Alertmanager (\"{VERSION}\")?"
                ));
            }
        }
        let Some(Value::Array(alerts)) = group.get("alerts") else {
            return Err("the body lists no `alerts`".to_owned());
        };
        let alerts = alerts.iter().enumerate().map(|(place, alert)| match alert {
            Value::Object(alert) => Ok(Alert::read(alert)),
            _ => Err(format!("`alerts[{place}]` is no object")),
        });
        Ok(Notification {
            external_url: text(&group, "externalURL").trim_end_matches('/').to_owned(),
            truncated: group.get("truncatedAlerts").and_then(Value::as_u64).unwrap_or(0),
            alerts: alerts.collect::<Result<_, _>>()?,
        })
    }
}

impl Alert {
    fn read(alert: &Map<String, Value>) -> Alert {
        let labels = texts(alert, "labels");
        let told = text(alert, "fingerprint");
        let fingerprint = if told.is_empty() { format!("{labels:?}") } else { told };
        let resolved = text(alert, "status") == "resolved";
        Alert {
            resolved,
            annotations: texts(alert, "annotations"),
            starts: time(alert, "startsAt"),
            // While it fires it is the zero time of Go, or when it would be over if nobody said more.
            ends: time(alert, "endsAt").filter(|_| resolved),
            generator_url: text(alert, "generatorURL"),
            labels,
            fingerprint,
        }
    }

    /// The name of its rule.
    pub fn name(&self) -> &str {
        self.labels.get("alertname").map_or("?", String::as_str)
    }

    /// The first of some annotations that says something.
    pub fn annotation(&self, names: &[&str]) -> Option<&str> {
        let found = names.iter().filter_map(|name| self.annotations.get(*name));
        found.map(|text| text.trim()).find(|text| !text.is_empty())
    }

    /// How much it matters: 0 is the most.
    pub fn rank(&self) -> u8 {
        match self.labels.get("severity").map(|severity| severity.to_lowercase()).as_deref() {
            Some("p0" | "critical" | "emergency" | "page") => 0,
            Some("p1" | "error" | "high" | "major") => 1,
            Some("p2" | "warning" | "warn" | "medium" | "minor") => 2,
            Some(_) => 3,
            None => 4,
        }
    }
}

fn text(of: &Map<String, Value>, key: &str) -> String {
    of.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The texts below a key; numbers and the like are written out.
fn texts(of: &Map<String, Value>, key: &str) -> BTreeMap<String, String> {
    let Some(Value::Object(entries)) = of.get(key) else { return BTreeMap::new() };
    let written = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    entries.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), written(value))).collect()
}

fn time(of: &Map<String, Value>, key: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(&text(of, key)).ok()?.with_timezone(&Utc);
    (time.timestamp() > 0).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_and_less_than_the_form_is_read() {
        let body = r#"{"version":"4","x":{},"alerts":[{"status":"resolved","labels":{"alertname":"a","n":1},"annotations":null,
            "startsAt":"2026-11-29T08:00:00.5+08:00","endsAt":"2026-11-29T08:10:00+08:00"},{}],"externalURL":"http://am:9093/"}"#;
        let read = Notification::read(body.as_bytes()).expect("a notification");
        assert_eq!((read.external_url.as_str(), read.truncated, read.alerts.len()), ("http://am:9093", 0, 2));
        let [first, second] = read.alerts.as_slice() else { panic!("two alerts") };
        assert!(first.resolved && first.labels["n"] == "1" && first.annotations.is_empty());
        assert_eq!(first.ends.zip(first.starts).map(|(end, start)| (end - start).num_milliseconds()), Some(599_500));
        assert!(!second.resolved && second.name() == "?" && second.fingerprint != first.fingerprint);
    }

    #[test]
    fn what_is_no_notification_is_told() {
        for (body, why) in [
            ("", "not JSON"),
            ("[]", "no object"),
            ("{}", "does not say `version`"),
            (r#"{"version":"3","alerts":[]}"#, "version \"3\""),
            (r#"{"version":4,"alerts":[]}"#, "version 4"),
            (r#"{"version":"4"}"#, "no `alerts`"),
            (r#"{"version":"4","alerts":[{},7]}"#, "`alerts[1]`"),
        ] {
            let told = Notification::read(body.as_bytes()).expect_err("refused");
            assert!(told.contains(why), "{body}: {told}");
        }
    }
}
