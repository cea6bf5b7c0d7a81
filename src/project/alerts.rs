//! The settings of a target of the kind `alerts`: who is told, and how Prometheus and Alertmanager are run.

use chrono::{Datelike, Timelike};

use super::alert_receivers::{AlertReceiver, Relay};
use super::connection::url_fault;
use super::yaml::{Reader, list};
use crate::diagnostic::Spanned;
use crate::error;
use crate::suggest::near;
use crate::value::time::{DAY_MS, local};

/// How long Prometheus keeps samples where nothing else is said.
const RETENTION: i64 = 15 * DAY_MS;
const LATE: i64 = 2 * 60_000;
const LATE_DAYS: i64 = 2 * 3_600_000;
const MOST_SERIES: u64 = 1_000;

/// Rules for Prometheus and a configuration of Alertmanager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertsTarget {
    /// `receivers`: who can be told; behind them those of `metricc.yaml` of other names.
    pub receivers: Vec<AlertReceiver>,
    /// `relay`: where `metricc notify` listens, for the receivers of `metricc.yaml`.
    pub relay: Relay,
    /// `pace`: how often is told, by severity: P0, P1, P2.
    pub pace: [Pace; 3],
    /// `smtp`: how mail is sent; where it is not said, as `mail` of `metricc.yaml` does if that needs no secret.
    pub smtp: Option<Smtp>,
    /// Whether there is an `smtp`, right or wrong.
    pub(super) said_smtp: bool,
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
    /// `tls`: whether the connection must be encrypted.
    pub tls: bool,
}

/// How often is told, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// `group_wait`: for how long alerts are gathered before the first message.
    pub group_wait: i64,
    /// `group_interval`: after how long news of the same alert are told.
    pub group_interval: i64,
    /// `repeat_interval`: after how long the same is told again.
    pub repeat_interval: i64,
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

const fn pace(group_wait: i64, group_interval: i64, repeat_interval: i64) -> Pace {
    Pace {
        group_wait: group_wait * 1_000,
        group_interval: group_interval * 1_000,
        repeat_interval: repeat_interval * 1_000,
    }
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
        let relay = Relay::read(reader);
        let (said_smtp, smtp) = (reader.has("smtp"), reader.mapping("smtp", Smtp::read).flatten());
        let pace = reader.mapping("pace", |reader| {
            let mut all = Pace::DEFAULT;
            for (severity, own) in SEVERITIES.iter().zip(&mut all) {
                reader.mapping(severity, |reader| own.read(reader));
            }
            all
        });
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
            relay,
            pace: pace.unwrap_or(Pace::DEFAULT),
            smtp,
            said_smtp,
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

impl Pace {
    /// How often is told where nothing is said, by severity: P0, P1, P2.
    pub const DEFAULT: [Pace; 3] = [pace(10, 60, 3_600), pace(30, 300, 4 * 3_600), pace(300, 900, 24 * 3_600)];

    fn read(&mut self, reader: &mut Reader<'_>) {
        let mut length =
            |key, default: &mut i64| *default = reader.duration(key).map_or(*default, |length| length.value);
        length("group_wait", &mut self.group_wait);
        length("group_interval", &mut self.group_interval);
        length("repeat_interval", &mut self.repeat_interval);
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
        let tls = reader.flag("tls").unwrap_or(true);
        let plain = |text: Option<Spanned<String>>| text.map(|text| text.value);
        Some(Smtp { host: host?.value, from: from?.value, user: plain(user), password_file: plain(password_file), tls })
    }
}

impl Mute {
    /// Whether nobody is told of a severity at an instant, in milliseconds since 1970 UTC. The day is that of the instant: of a time that
    /// crosses midnight each part counts on its own day, as Alertmanager has it.
    pub fn covers(&self, severity: &str, at: i64, zone: chrono_tz::Tz) -> bool {
        let local = local(at, zone);
        let minute = local.hour() * 60 + local.minute();
        let (from, to) = self.minutes;
        let within = if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to };
        let day = DAYS[local.weekday().num_days_from_monday() as usize];
        within
            && (self.days.is_empty() || self.days.iter().any(|one| one == day))
            && self.severities.iter().any(|one| one == severity)
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{FileId, Span};
    use crate::value::time::parse_timestamp;

    #[test]
    fn a_time_that_crosses_midnight_counts_on_both_days() {
        let zone = chrono_tz::Asia::Shanghai;
        let name = Spanned::new("nights".to_owned(), Span::new(FileId(0), 0, 0));
        let mute = |minutes, days: &[&str]| Mute {
            name: name.clone(),
            severities: vec!["P2".to_owned()],
            minutes,
            days: days.iter().map(|day| (*day).to_owned()).collect(),
        };
        let covers = |mute: &Mute, at: &str| mute.covers("P2", parse_timestamp(at, zone).expect("a time"), zone);
        // The 7th of November 2026 is a Saturday.
        let nights = mute((22 * 60, 8 * 60), &["saturday"]);
        let found =
            ["2026-11-06 23:00", "2026-11-07 07:59", "2026-11-07 08:00", "2026-11-07 22:00", "2026-11-08 01:00"];
        assert_eq!(found.map(|at| covers(&nights, at)), [false, true, false, true, false]);
        assert!(!nights.covers("P1", parse_timestamp("2026-11-07 23:00", zone).expect("a time"), zone));
        let days = mute((9 * 60, 24 * 60), &[]);
        assert_eq!(["2026-11-07 08:59", "2026-11-07 23:59"].map(|at| covers(&days, at)), [false, true]);
        assert!(covers(&mute((0, 0), &[]), "2026-11-07 12:00"));
    }
}
