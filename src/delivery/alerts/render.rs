//! An alert as an entry of a robot's message, and as the text of a short message.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::super::message::one_line;
use super::payload::{Alert, Notification};

/// Labels that are shown elsewhere, or say nothing to people.
const SHOWN_APART: &[&str] = &["alertname", "severity"];

/// How much of one text is shown.
const MOST_OF_TEXT: usize = 600;
/// How much of a label's value.
const MOST_OF_LABEL: usize = 120;
/// How many labels.
const MOST_LABELS: usize = 20;

/// An alert as Markdown: what is wrong, since when, where, and what can be done.
pub fn entry(alert: &Alert, notification: &Notification, zone: Tz) -> String {
    let mut lines = vec![format!("#### {} {}", mark(alert), heading(alert))];
    if let Some(summary) = alert.annotation(&["summary", "title", "message"]) {
        lines.push(format!("> {}", shown(summary, MOST_OF_TEXT)));
    }
    if let Some(description) = alert.annotation(&["description"]) {
        lines.push(shown(description, MOST_OF_TEXT));
    }
    if let Some(value) = alert.annotation(&["value", "current_value"]) {
        lines.push(format!("- 值 value: **{}**", shown(value, MOST_OF_LABEL)));
    }
    if let Some(span) = span(alert, zone) {
        lines.push(format!("- {span}"));
    }
    let labels: Vec<String> =
        labels(alert).map(|(name, value)| format!("`{}={}`", plain(name), plain(value))).collect();
    if !labels.is_empty() {
        lines.push(format!("- {}", labels.join(" ")));
    }
    let links = links(alert, notification);
    if !links.is_empty() {
        lines.push(format!("- {}", links.join(" · ")));
    }
    lines.join("\n\n").replace("\n\n- ", "\n- ").replacen("\n- ", "\n\n- ", 1)
}

/// An alert in a few words, for a short message.
pub fn brief(alert: &Alert) -> String {
    let mut text = heading(alert);
    if let Some(summary) = alert.annotation(&["summary", "title", "message", "description"]) {
        let _ = write!(text, ": {}", one_line(summary));
    }
    let labels: Vec<String> = labels(alert).map(|(name, value)| format!("{name}={value}")).collect();
    if !labels.is_empty() {
        let _ = write!(text, " ({})", one_line(&labels.join(", ")));
    }
    text
}

/// The title of a message: how many alerts fire and are over, and the name of the first.
pub fn title(alerts: &[&Alert]) -> String {
    let over = alerts.iter().filter(|alert| alert.resolved).count();
    let firing = alerts.len() - over;
    let mut parts = Vec::new();
    if firing > 0 {
        parts.push(format!("告警 {firing}"));
    }
    if over > 0 {
        parts.push(format!("恢复 {over}"));
    }
    let first = alerts.first().map(|alert| format!(": {}", heading(alert))).unwrap_or_default();
    format!("{}{first}", parts.join(" · "))
}

/// Firing and over are told apart by sign and by word; how much it matters by the sign as well.
fn mark(alert: &Alert) -> &'static str {
    match (alert.resolved, alert.rank()) {
        (true, _) => "✅",
        (false, 0) => "🔴",
        (false, 1) => "🟠",
        (false, _) => "🟡",
    }
}

fn heading(alert: &Alert) -> String {
    let state = if alert.resolved { "已恢复 resolved" } else { "告警 firing" };
    let severity =
        alert.labels.get("severity").map(|severity| format!("[{}] ", one_line(severity))).unwrap_or_default();
    format!("{severity}{state} {}", one_line(alert.name()))
}

/// Since when it fires, or from when to when it did.
fn span(alert: &Alert, zone: Tz) -> Option<String> {
    let starts = alert.starts?;
    match alert.ends {
        None => Some(format!("自 since {}", local(starts, zone))),
        Some(ends) => {
            let seconds = (ends - starts).num_seconds().max(0);
            Some(format!("{} – {} ({})", local(starts, zone), local(ends, zone), length(seconds)))
        }
    }
}

fn local(time: DateTime<Utc>, zone: Tz) -> String {
    time.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// A length of time by its two largest units.
fn length(seconds: i64) -> String {
    let parts = [(seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let first = parts.iter().position(|(number, _)| *number > 0).unwrap_or(3);
    let kept = parts[first..].iter().take(2).filter(|(number, unit)| *number > 0 || (*unit == "s" && first == 3));
    kept.map(|(number, unit)| format!("{number}{unit}")).collect::<Vec<_>>().join(" ")
}

fn labels(alert: &Alert) -> impl Iterator<Item = (&String, &String)> {
    alert.labels.iter().filter(|(name, _)| !SHOWN_APART.contains(&name.as_str())).take(MOST_LABELS)
}

fn links(alert: &Alert, notification: &Notification) -> Vec<String> {
    let mut links = Vec::new();
    if let Some(runbook) = alert.annotation(&["runbook_url", "runbook"]) {
        match is_link(runbook) {
            true => links.push(format!("[处理手册 runbook]({})", escaped(runbook))),
            false => links.push(format!("处理手册 runbook: `{}`", plain(runbook))),
        }
    }
    if is_link(&alert.generator_url) {
        links.push(format!("[查询 query]({})", escaped(&alert.generator_url)));
    }
    if !alert.resolved && is_link(&notification.external_url) && !alert.labels.is_empty() {
        links.push(format!("[静默 silence]({})", silence(&notification.external_url, alert)));
    }
    links
}

/// Where a silence for exactly this alert is made.
fn silence(external_url: &str, alert: &Alert) -> String {
    let matchers: Vec<String> = alert
        .labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")))
        .collect();
    let filter = format!("{{{}}}", matchers.join(", "));
    let encoded = filter.bytes().fold(String::new(), |mut made, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            made.push(char::from(byte));
        } else {
            let _ = write!(made, "%{byte:02X}");
        }
        made
    });
    format!("{}/#/silences/new?filter={encoded}", escaped(external_url))
}

fn is_link(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// An address that does not end a link of Markdown.
fn escaped(url: &str) -> String {
    let mut made = String::new();
    for c in url.chars() {
        match c {
            '(' => made.push_str("%28"),
            ')' => made.push_str("%29"),
            c if c.is_whitespace() || c.is_control() => made.push_str("%20"),
            c => made.push(c),
        }
    }
    made
}

/// A text of somebody else: on one line, so that it begins no heading or list, and not endless.
fn shown(text: &str, most: usize) -> String {
    let line = one_line(text);
    if line.chars().count() <= most { line } else { line.chars().take(most).chain(['…']).collect() }
}

/// A text between backticks.
fn plain(text: &str) -> String {
    shown(text, MOST_OF_LABEL).replace('`', "'")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Notification {
        Notification::read(body.as_bytes()).expect("a notification")
    }

    const GROUP: &str = r##"{"version":"4","externalURL":"http://am.example.com:9093","alerts":[
        {"status":"firing","labels":{"alertname":"success_low","severity":"P0","feature":"a \"b\""},
         "annotations":{"summary":"支付成功率\n# 低于 95%","value":"93.1%","runbook":"runbooks/success.md"},
         "startsAt":"2026-11-29T00:30:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://p/graph?g0.expr=a(b)"},
        {"status":"resolved","labels":{"alertname":"gmv_odd","severity":"P1"},
         "annotations":{"runbook_url":"https://wiki/x"},"startsAt":"2026-11-29T00:30:00Z","endsAt":"2026-11-29T02:31:05Z"}]}"##;

    #[test]
    fn an_entry_says_what_since_when_and_what_to_do() {
        let group = read(GROUP);
        let entries: Vec<_> = group.alerts.iter().map(|alert| entry(alert, &group, Tz::Asia__Shanghai)).collect();
        assert_eq!(
            entries[0],
            "#### 🔴 [P0] 告警 firing success_low\n\n> 支付成功率 # 低于 95%\n\n- 值 value: **93.1%**\n\
             - 自 since 2026-11-29 08:30:00 +08:00\n- `feature=a \"b\"`\n\
             - 处理手册 runbook: `runbooks/success.md` · [查询 query](http://p/graph?g0.expr=a%28b%29) · \
             [静默 silence](http://am.example.com:9093/#/silences/new?filter=%7Balertname%3D%22success_low%22%2C%20feature%3D%22a%20%5C%22b%5C%22%22%2C%20severity%3D%22P0%22%7D)"
        );
        assert_eq!(
            entries[1],
            "#### ✅ [P1] 已恢复 resolved gmv_odd\n\n- 2026-11-29 08:30:00 +08:00 – 2026-11-29 10:31:05 +08:00 (2h 1m)\n\
             - [处理手册 runbook](https://wiki/x)"
        );
        let all: Vec<&Alert> = group.alerts.iter().collect();
        assert_eq!(title(&all), "告警 1 · 恢复 1: [P0] 告警 firing success_low");
        assert_eq!(brief(&group.alerts[0]), "[P0] 告警 firing success_low: 支付成功率 # 低于 95% (feature=a \"b\")");
    }

    #[test]
    fn lengths_have_two_units() {
        for (seconds, wanted) in
            [(0, "0s"), (59, "59s"), (60, "1m"), (3_661, "1h 1m"), (90_000, "1d 1h"), (86_400, "1d")]
        {
            assert_eq!(length(seconds), wanted);
        }
    }
}
