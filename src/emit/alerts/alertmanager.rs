//! The configuration of Alertmanager: who is told of what, when, and what is left out (AL5).

use std::collections::BTreeMap;

use serde::Serialize;

use super::given::Given;
use crate::project::{AlertReceiver, AlertWay, AlertsTarget, Mute};

/// The receiver of what no alert of ours is: nobody.
const NOBODY: &str = "nobody";

#[derive(Debug, Serialize)]
pub struct Config {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    global: BTreeMap<&'static str, String>,
    route: Route,
    inhibit_rules: Vec<Inhibition>,
    receivers: Vec<Told>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    time_intervals: Vec<Interval>,
}

#[derive(Debug, Default, Serialize)]
struct Route {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    matchers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receiver: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    group_by: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_wait: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_interval: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat_interval: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mute_time_intervals: Vec<String>,
    #[serde(rename = "continue", skip_serializing_if = "std::ops::Not::not")]
    goes_on: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<Route>,
}

#[derive(Debug, Serialize)]
struct Inhibition {
    source_matchers: Vec<String>,
    target_matchers: Vec<String>,
    equal: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Told {
    name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    webhook_configs: Vec<Webhook>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    email_configs: Vec<Email>,
}

#[derive(Debug, Serialize)]
struct Webhook {
    url: String,
    max_alerts: u64,
    send_resolved: bool,
}

#[derive(Debug, Serialize)]
struct Email {
    to: String,
    send_resolved: bool,
}

#[derive(Debug, Serialize)]
struct Interval {
    name: String,
    time_intervals: Vec<Times>,
}

#[derive(Debug, Serialize)]
struct Times {
    times: Vec<BTreeMap<&'static str, String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    weekdays: Vec<String>,
    location: String,
}

/// How long alerts of a severity are gathered, and after how long they are told again.
const PACE: [(&str, &str, &str, &str); 3] =
    [("P0", "10s", "1m", "1h"), ("P1", "30s", "5m", "4h"), ("P2", "5m", "15m", "24h")];

impl Config {
    /// That of a target.
    pub fn of(given: &Given, target: &AlertsTarget, zone: chrono_tz::Tz) -> Config {
        let severity = |(word, wait, interval, repeat): (&str, &'static str, &'static str, &'static str)| Route {
            matchers: vec![format!("severity=\"{word}\"")],
            group_wait: Some(wait),
            group_interval: Some(interval),
            repeat_interval: Some(repeat),
            routes: target.receivers.iter().map(|receiver| to(receiver, word, target)).collect(),
            ..Route::default()
        };
        let route = Route {
            receiver: Some(NOBODY.to_owned()),
            // Not by dimensions: a message is of an alert, however many groups it fires for.
            group_by: vec!["alertname", "severity"],
            routes: PACE.into_iter().map(severity).collect(),
            ..Route::default()
        };
        let nobody = Told { name: NOBODY.to_owned(), webhook_configs: Vec::new(), email_configs: Vec::new() };
        Config {
            global: global(target),
            route,
            inhibit_rules: inhibitions(given),
            receivers: [nobody].into_iter().chain(target.receivers.iter().map(told)).collect(),
            time_intervals: target.mute.iter().map(|mute| interval(mute, zone)).collect(),
        }
    }
}

/// All of whom an alert names are told: a route that matches lets the next ones match, too.
fn to(receiver: &AlertReceiver, severity: &str, target: &AlertsTarget) -> Route {
    let name = &receiver.name.value;
    let mutes = target.mute.iter().filter(|mute| mute.severities.iter().any(|one| one == severity));
    Route {
        matchers: vec![format!("notify=~\"(.*,)?{name}(,.*)?\"")],
        receiver: Some(name.clone()),
        mute_time_intervals: mutes.map(|mute| mute.name.value.clone()).collect(),
        goes_on: true,
        ..Route::default()
    }
}

fn global(target: &AlertsTarget) -> BTreeMap<&'static str, String> {
    let Some(smtp) = &target.smtp else { return BTreeMap::new() };
    let mut global = BTreeMap::from([("smtp_smarthost", smtp.host.clone()), ("smtp_from", smtp.from.clone())]);
    global.extend(smtp.user.clone().map(|user| ("smtp_auth_username", user)));
    global.extend(smtp.password_file.clone().map(|file| ("smtp_auth_password_file", file)));
    global
}

/// Of the same metric and group, what is more urgent hides what is less so. A label that both lack counts as equal, so `metric` must be
/// there.
fn inhibitions(given: &Given) -> Vec<Inhibition> {
    let mut equal: Vec<String> = given.alerts.iter().flat_map(|watched| watched.series.labels()).collect();
    equal.sort_unstable();
    equal.dedup();
    equal.insert(0, "metric".to_owned());
    let rule = |source: &str, target: &str| Inhibition {
        source_matchers: vec![format!("severity=\"{source}\""), "metric!=\"\"".to_owned(), "kind=\"\"".to_owned()],
        target_matchers: vec![format!("severity=~\"{target}\""), "metric!=\"\"".to_owned()],
        equal: equal.clone(),
    };
    vec![rule("P0", "P1|P2"), rule("P1", "P2")]
}

fn told(receiver: &AlertReceiver) -> Told {
    let (mut webhook_configs, mut email_configs) = (Vec::new(), Vec::new());
    match &receiver.way {
        AlertWay::Webhook { url, most } => {
            webhook_configs.push(Webhook { url: url.clone(), max_alerts: *most, send_resolved: true });
        }
        AlertWay::Email(to) => {
            let to: Vec<&str> = to.iter().map(|one| one.value.as_str()).collect();
            email_configs.push(Email { to: to.join(", "), send_resolved: true });
        }
    }
    Told { name: receiver.name.value.clone(), webhook_configs, email_configs }
}

/// What crosses midnight is two times of the day. Without `location` Alertmanager reads them in UTC.
fn interval(mute: &Mute, zone: chrono_tz::Tz) -> Interval {
    let (from, to) = mute.minutes;
    let spans = if from < to { vec![(from, to)] } else { vec![(from, 24 * 60), (0, to)] };
    let clock = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
    let times = spans.into_iter().filter(|(from, to)| from < to);
    let times = times.map(|(from, to)| BTreeMap::from([("start_time", clock(from)), ("end_time", clock(to))]));
    let times = Times { times: times.collect(), weekdays: mute.days.clone(), location: zone.name().to_owned() };
    Interval { name: mute.name.value.clone(), time_intervals: vec![times] }
}
