//! The configuration of Alertmanager: who is told of what, when, and what is left out (AL5).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::given::Given;
use crate::alerting::{GROUPED_BY, hides};
use crate::emit::streaming::duration;
use crate::project::{AlertReceiver, AlertsTarget, Mute, Webhook};
use crate::types::Severity;

/// The receiver of what no alert of ours is: nobody.
const NOBODY: &str = "nobody";

#[derive(Debug, Serialize)]
pub struct Config {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    global: BTreeMap<&'static str, serde_yaml::Value>,
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
    group_wait: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_interval: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat_interval: Option<String>,
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
    webhook_configs: Vec<Hook>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    email_configs: Vec<Email>,
}

#[derive(Debug, Serialize)]
struct Hook {
    url: String,
    max_alerts: u64,
    send_resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_config: Option<Http>,
}

#[derive(Debug, Serialize)]
struct Http {
    authorization: Authorization,
}

/// `Bearer`, which is what Alertmanager takes where no type is said.
#[derive(Debug, Serialize)]
struct Authorization {
    credentials_file: String,
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

const SEVERITIES: [&str; 3] = ["P0", "P1", "P2"];

impl Config {
    /// That of a target.
    pub fn of(given: &Given, target: &AlertsTarget, zone: chrono_tz::Tz) -> Config {
        let told_by: Vec<&AlertReceiver> = receivers(given, target);
        let severity = |place: usize| {
            let (word, pace) = (SEVERITIES[place], target.pace[place]);
            Route {
                matchers: vec![format!("severity=\"{word}\"")],
                group_wait: Some(duration(pace.group_wait)),
                group_interval: Some(duration(pace.group_interval)),
                repeat_interval: Some(duration(pace.repeat_interval)),
                routes: told_by.iter().map(|receiver| to(receiver, word, target)).collect(),
                ..Route::default()
            }
        };
        let route = Route {
            receiver: Some(NOBODY.to_owned()),
            group_by: GROUPED_BY.to_vec(),
            routes: (0..SEVERITIES.len()).map(severity).collect(),
            ..Route::default()
        };
        let nobody = Told { name: NOBODY.to_owned(), webhook_configs: Vec::new(), email_configs: Vec::new() };
        Config {
            global: global(target),
            route,
            inhibit_rules: inhibitions(given),
            receivers: [nobody].into_iter().chain(told_by.iter().map(|receiver| told(receiver))).collect(),
            time_intervals: target.mute.iter().map(|mute| interval(mute, zone)).collect(),
        }
    }
}

/// Who is told of something: all of the target's own, and those of the project that somebody names.
fn receivers<'t>(given: &Given, target: &'t AlertsTarget) -> Vec<&'t AlertReceiver> {
    let of_alerts = given.alerts.iter().flat_map(|watched| &watched.alert.notify);
    let of_slos = given.slos.iter().flat_map(|objective| &objective.slo.notify);
    let named: BTreeSet<&str> =
        target.notify.iter().flatten().chain(of_alerts).chain(of_slos).map(|name| name.value.as_str()).collect();
    let is_told = |one: &&AlertReceiver| !one.of_project || named.contains(one.name.value.as_str());
    target.receivers.iter().filter(is_told).collect()
}

/// All of whom an alert names are told: a route that matches lets the next ones match, too.
fn to(receiver: &AlertReceiver, severity: &str, target: &AlertsTarget) -> Route {
    let name = &receiver.name.value;
    let mutes = target.mute.iter().filter(|mute| mute.severities.iter().any(|one| one == severity));
    Route {
        matchers: vec![format!("notify=~\"(.*,)?{}(,.*)?\"", name.replace('.', "[.]"))],
        receiver: Some(name.clone()),
        mute_time_intervals: mutes.map(|mute| mute.name.value.clone()).collect(),
        goes_on: true,
        ..Route::default()
    }
}

fn global(target: &AlertsTarget) -> BTreeMap<&'static str, serde_yaml::Value> {
    let Some(smtp) = &target.smtp else { return BTreeMap::new() };
    let mut global =
        BTreeMap::from([("smtp_smarthost", smtp.host.clone().into()), ("smtp_from", smtp.from.clone().into())]);
    global.extend(smtp.user.clone().map(|user| ("smtp_auth_username", user.into())));
    global.extend(smtp.password_file.clone().map(|file| ("smtp_auth_password_file", file.into())));
    global.extend((!smtp.tls).then(|| ("smtp_require_tls", false.into())));
    global
}

/// Of the same metric and group, what is more urgent hides what is less so. A label that both lack counts as equal, so `metric` must be
/// there.
fn inhibitions(given: &Given) -> Vec<Inhibition> {
    let mut equal: Vec<String> = given.alerts.iter().flat_map(|watched| watched.series.labels()).collect();
    equal.sort_unstable();
    equal.dedup();
    equal.insert(0, "metric".to_owned());
    let rule = |(source, severity): (&'static str, Severity)| {
        let hidden: Vec<&str> = hides(severity).into_iter().map(Severity::word).collect();
        (!hidden.is_empty()).then(|| Inhibition {
            source_matchers: vec![format!("severity=\"{source}\""), "metric!=\"\"".to_owned(), "kind=\"\"".to_owned()],
            target_matchers: vec![format!("severity=~\"{}\"", hidden.join("|")), "metric!=\"\"".to_owned()],
            equal: equal.clone(),
        })
    };
    Severity::WORDS.into_iter().filter_map(rule).collect()
}

fn told(receiver: &AlertReceiver) -> Told {
    let http = |file: &String| Http { authorization: Authorization { credentials_file: file.clone() } };
    let hook = |webhook: &Webhook| Hook {
        url: webhook.url.clone(),
        max_alerts: webhook.most,
        send_resolved: true,
        http_config: webhook.token_file.as_ref().map(http),
    };
    let to = receiver.email.join(", ");
    Told {
        name: receiver.name.value.clone(),
        webhook_configs: receiver.webhook.iter().map(hook).collect(),
        email_configs: (!to.is_empty()).then_some(Email { to, send_resolved: true }).into_iter().collect(),
    }
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
