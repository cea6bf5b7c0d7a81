//! The settings of a target of the kind `alerts`: who is told, and how Prometheus and Alertmanager are run.

use super::connection::url_fault;
use super::yaml::{Reader, list};
use crate::diagnostic::Spanned;
use crate::error;
use crate::suggest::near;
use crate::value::time::DAY_MS;

/// How long Prometheus keeps samples where nothing else is said.
const RETENTION: i64 = 15 * DAY_MS;
const LATE: i64 = 2 * 60_000;
const LATE_DAYS: i64 = 2 * 3_600_000;
const MOST_SERIES: u64 = 1_000;
const MOST_ALERTS: u64 = 20;

/// Rules for Prometheus and a configuration of Alertmanager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertsTarget {
    /// `receivers`: who can be told.
    pub receivers: Vec<AlertReceiver>,
    /// `smtp`: how mail is sent.
    pub smtp: Option<Smtp>,
    /// `notify`: who is told of alerts that do not say it themselves, by their severity: P0, P1, P2.
    pub notify: [Vec<Spanned<String>>; 3],
    /// `mute`: when nobody is told.
    pub mute: Vec<Mute>,
    /// `runbooks`: the address that runbooks which are files stand below.
    pub runbooks: Option<Spanned<String>>,
    /// `retention`: how long Prometheus keeps samples, in milliseconds.
    pub retention: i64,
    /// `late`: how long after its end a bucket shorter than a day may take to be there, in milliseconds.
    pub late: i64,
    /// `late_days`: the same of days and longer.
    pub late_days: i64,
    /// `max_series`: how many groups an alert may watch.
    pub max_series: u64,
    /// `quality`: whether rules of quality are alerts.
    pub quality: bool,
}

/// Somebody who can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertReceiver {
    /// What alerts call it.
    pub name: Spanned<String>,
    /// How.
    pub way: AlertWay,
}

/// How somebody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlertWay {
    /// By a request to an address, with so many alerts at most.
    Webhook {
        /// The address.
        url: String,
        /// How many alerts a message has at most.
        most: u64,
    },
    /// By mail.
    Email(Vec<Spanned<String>>),
}

/// How mail is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smtp {
    /// `host`: the server with its port.
    pub host: String,
    /// `from`: the sender.
    pub from: String,
    /// `user`
    pub user: Option<String>,
    /// `password_file`: the file with the password, on the machine of Alertmanager.
    pub password_file: Option<String>,
}

/// A time of the day at which nobody is told, in the project's zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mute {
    /// Its name.
    pub name: Spanned<String>,
    /// The severities that it is for, each once.
    pub severities: Vec<String>,
    /// From and to which minute of the day; the same for all of it.
    pub minutes: (u32, u32),
    /// On which days, as Alertmanager writes them; all where it is empty.
    pub days: Vec<String>,
}

const SEVERITIES: [&str; 3] = ["P0", "P1", "P2"];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl AlertsTarget {
    /// Reads the settings; what is wrong is told and has its default.
    pub(super) fn read(reader: &mut Reader<'_>) -> AlertsTarget {
        let receivers = reader.mapping("receivers", |reader| {
            let keys = reader.keys();
            let of = |(key, span)| {
                reader
                    .mapping(key, |inner| AlertReceiver::read(Spanned::new(str::to_owned(key), span), inner))
                    .flatten()
            };
            keys.into_iter().filter_map(of).collect::<Vec<AlertReceiver>>()
        });
        let receivers = receivers.unwrap_or_default();
        let smtp = reader.mapping("smtp", Smtp::read).flatten();
        if let (None, false, Some(mail)) =
            (&smtp, reader.has("smtp"), receivers.iter().find(|one| matches!(one.way, AlertWay::Email(_))))
        {
            reader.tell(
                error!(E0024, mail.name.span, "`{}` is told by mail, and the target has no `smtp`", mail.name.value;
                help: "add `smtp:` with `host: \"smtp.example.com:587\"` and `from: \"alerts@example.com\"`"),
            );
        }
        let notify = reader.mapping("notify", |reader| SEVERITIES.map(|key| reader.texts(key).unwrap_or_default()));
        let mute = reader.mapping("mute", |reader| {
            let keys = reader.keys();
            let of = |(key, span)| {
                reader.mapping(key, |inner| Mute::read(Spanned::new(str::to_owned(key), span), inner)).flatten()
            };
            keys.into_iter().filter_map(of).collect::<Vec<Mute>>()
        });
        let runbooks = reader.text("runbooks");
        if let Some(url) = &runbooks
            && let Some(fault) = url_fault(url)
        {
            reader.tell(
                error!(E0023, url.span, "`runbooks` {fault}"; help: "write `runbooks: \"https://wiki.example.com/\"`"),
            );
        }
        let mut length = |key, default| reader.duration(key).map_or(default, |length| length.value);
        let (retention, late, late_days) =
            (length("retention", RETENTION), length("late", LATE), length("late_days", LATE_DAYS));
        AlertsTarget {
            receivers,
            smtp,
            notify: notify.unwrap_or_default(),
            mute: mute.unwrap_or_default(),
            runbooks,
            retention,
            late,
            late_days,
            max_series: reader.count("max_series").map_or(MOST_SERIES, |count| count.value),
            quality: reader.flag("quality").unwrap_or(true),
        }
    }

    /// The receiver of a name.
    pub fn receiver(&self, name: &str) -> Option<&AlertReceiver> {
        self.receivers.iter().find(|receiver| receiver.name.value == name)
    }
}

impl AlertReceiver {
    fn read(name: Spanned<String>, reader: &mut Reader<'_>) -> Option<AlertReceiver> {
        let webhook = reader.text("webhook");
        let most = reader.count("max_alerts").map_or(MOST_ALERTS, |count| count.value);
        let email = reader.texts("email");
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        if name.value.is_empty() || !name.value.chars().all(is_plain) {
            reader.tell(error!(E0023, name.span, "`{}` is no name of a receiver", name.value; help: "take letters, digits, `_` and `-`"));
            return None;
        }
        let way = match (webhook, email) {
            (Some(url), None) => {
                if let Some(fault) = url_fault(&url) {
                    // What may hold a token is not shown.
                    reader.tell(error!(E0023, url.span, "`webhook` {fault}";
                        help: "name an address without secrets, such as a gateway on this machine: `http://127.0.0.1:9098/alertmanager/dingtalk`"));
                    return None;
                }
                AlertWay::Webhook { url: url.value, most }
            }
            (None, Some(to)) if !to.is_empty() => AlertWay::Email(to),
            _ => {
                let place = reader.place();
                reader.tell(
                    error!(E0024, place, "the receiver `{}` does not say one way in which it is told", name.value;
                    help: "add `webhook: \"http://127.0.0.1:9098/alertmanager/dingtalk\"` or `email: [ops@example.com]`"),
                );
                return None;
            }
        };
        Some(AlertReceiver { name, way })
    }
}

impl Smtp {
    fn read(reader: &mut Reader<'_>) -> Option<Smtp> {
        let host = reader.required_text("host", "smtp.example.com:587");
        let from = reader.required_text("from", "alerts@example.com");
        let host = host.filter(|host| {
            let port =
                host.rsplit_once(':').is_some_and(|(name, port)| !name.is_empty() && port.parse::<u16>().is_ok());
            if !port {
                reader.tell(error!(E0023, host.span, "`host` has no port"; help: "write `smtp.example.com:587`"));
            }
            port
        });
        let (user, password_file) = (reader.text("user"), reader.text("password_file"));
        let plain = |text: Option<Spanned<String>>| text.map(|text| text.value);
        Some(Smtp { host: host?.value, from: from?.value, user: plain(user), password_file: plain(password_file) })
    }
}

impl Mute {
    fn read(name: Spanned<String>, reader: &mut Reader<'_>) -> Option<Mute> {
        let severities = words(reader, "severities", &SEVERITIES)?;
        let days = words(reader, "days", &DAYS)?;
        let mut minute = |key, example| {
            let text = reader.required_text(key, example)?;
            let found = minute_of_day(&text);
            if found.is_none() {
                reader.tell(error!(E0023, text.span, "`{key}` is no time of the day: `{}`", text.value; help: ("write `{key}: \"{example}\"`")));
            }
            found
        };
        let minutes = (minute("from", "22:00"), minute("to", "08:00"));
        let severities = if severities.is_empty() { vec!["P2".to_owned()] } else { severities };
        Some(Mute { name, severities, minutes: (minutes.0?, minutes.1?), days })
    }
}

/// Some of a few words; none where one of them is another.
fn words(reader: &mut Reader<'_>, key: &'static str, known: &[&str]) -> Option<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for text in reader.texts(key).unwrap_or_default() {
        if !known.contains(&text.value.as_str()) {
            let help = match near(&text, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write some of {}", list(known)),
            };
            reader.tell(error!(E0023, text.span, "`{key}` does not know `{}`", text.value; help: help));
            return None;
        }
        if !found.contains(&text.value) {
            found.push(text.value);
        }
    }
    found.sort_by_key(|word| known.iter().position(|one| one == word));
    Some(found)
}

/// `22:30` as minutes; up to 24:00.
fn minute_of_day(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':').filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2)?;
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    (minute < 60 && hour * 60 + minute <= 24 * 60).then_some(hour * 60 + minute)
}
