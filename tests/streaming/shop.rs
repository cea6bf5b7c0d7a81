//! A source that messages come for, metrics of all kinds over it, and the same as plain SQL over the rows that count.

use super::{Key, MINUTE, Rules};

/// The zone of the project.
pub const ZONE: &str = "Asia/Shanghai";

/// What most tests say: the defaults.
pub const RULES: Rules = Rules { key: Key::Id, within: 5 * MINUTE, lateness: Some(5 * MINUTE) };

/// The source, without its metrics.
pub fn source(rules: Rules) -> String {
    let lateness = rules.lateness.map_or_else(String::new, |ms| format!("lateness: {}s", ms / 1000));
    format!(
        r#"
entity user {{
  table: "dim.user"
  key: user_id
  column user_id: string
  column province: string?
}}
source event {{
  table: "dwd.event"
  stream: kafka(topic: "app.events", format: "json")
  {key}
  time: at
  arrived: got
  {lateness}
  sample: "event.csv"
  column id: string?
  column at: timestamp(ms)?
  column got: timestamp(ms)
  column who: user?
  column platform: enum("web", "ios")?
  column amount: decimal(18,2)? unit CNY
  column took: duration(ms)?
  column ok: bool
}}
dimension platform = event.platform else "?"
dimension province = user.province else "unknown"
"#,
        key = rules.key.declared()
    )
}

/// Metrics of all kinds.
pub const METRICS: &str = r#"
metric events = count(event) { grain: 1m, 1h, 1d; by: platform; serve: stream(1m) }
metric paid   = count(amount from event where amount > 100) { grain: 1d; serve: stream(1m) }
metric users  = distinct(who from event) { grain: 1h, 1d; by: platform; serve: stream(1m) }
metric gmv    = sum(amount from event) { grain: 1m, 1d; by: province; serve: stream(1m) }
metric mean   = avg(amount from event where ok) { grain: 1h; serve: stream(1m) }
metric p95    = p95(took from event) { grain: 5m, 1d; serve: stream(1m) }
metric least  = min(took from event where platform = "ios") { grain: 1h; serve: stream(1m) }
metric most   = max(amount from event where ok) { grain: 1d; serve: stream(1m) }
metric share  = sum(amount from event) / distinct(who from event) { grain: 1d; serve: stream(1m) }
metric local  = count(event where who.province = "Fujian") { grain: 1h; serve: stream(1m) }
"#;

/// Those that need a key to be one number.
pub const ORDERED: &str = r#"
metric opened = first(amount from event where amount > 0) { grain: 1h; serve: stream(1m) }
metric closed = last(amount from event where amount > 0) { grain: 1d; by: platform; serve: stream(1m) }
"#;

/// The rows of `user`.
pub const USERS: &str = "u1 | Fujian\nu2 |\nu3 | Hainan";

/// The views with the same out of the rows that count, `plain.event`.
pub fn views(key: Key) -> Vec<(String, String)> {
    let time = |step: &str| {
        let at = "fromUnixTimestamp64Milli(assumeNotNull(e.at), 'Asia/Shanghai')";
        let start = match step {
            "1m" => format!("toStartOfMinute({at})"),
            "5m" => format!("toStartOfFiveMinutes({at})"),
            "1h" => format!("toStartOfHour({at})"),
            _ => format!("toStartOfDay({at})"),
        };
        format!("toDateTime64({start}, 3, 'Asia/Shanghai')")
    };
    let mut views = Vec::new();
    let mut add = |name: &str, steps: &[&str], shown: &str, plain: &str, filter: &str| {
        for step in steps {
            let view = format!("SELECT time, {shown} FROM metrics.{name}__{step}");
            let filter = if filter.is_empty() { String::new() } else { format!("WHERE {filter} ") };
            let plain = format!("SELECT {} AS time, {plain} FROM plain.event AS e {filter}GROUP BY ALL", time(step));
            views.push((format!("{view} ORDER BY ALL"), format!("{plain} ORDER BY ALL")));
        }
    };
    let platform = "coalesce(e.platform, '?')";
    let province = "multiIf(e.who = 'u1', 'Fujian', e.who = 'u3', 'Hainan', 'unknown')";
    let users = format!("{platform}, uniqExact(e.who)");
    add("events", &["1m", "1h", "1d"], "platform, events", &format!("{platform}, count()"), "");
    add("paid", &["1d"], "paid", "count()", "e.amount > 100");
    add("users", &["1h", "1d"], "platform, users", &users, "");
    add("gmv", &["1m", "1d"], "province, gmv", &format!("{province}, ifNull(sum(e.amount), 0)"), "");
    add("mean", &["1h"], "round(mean, 6)", "round(toFloat64(sum(e.amount)) / nullIf(count(e.amount), 0), 6)", "e.ok");
    // A quantile of durations is one, half to even.
    let p95 = "toInt64(roundBankers(quantileExactInclusive(0.95)(e.took)))";
    add("p95", &["5m", "1d"], "p95", p95, "");
    add("least", &["1h"], "least", "min(e.took)", "e.platform = 'ios'");
    add("most", &["1d"], "most", "max(e.amount)", "e.ok");
    let share = "round(toFloat64(ifNull(sum(e.amount), 0)) / nullIf(uniqExact(e.who), 0), 6)";
    add("share", &["1d"], "round(share, 6)", share, "");
    add("local", &["1h"], "local", "count()", "e.who = 'u1'");
    let order = match key {
        Key::None => return views,
        Key::Id => "(e.at, e.id)",
        Key::IdAndWho => "(e.at, e.id, e.who)",
    };
    add("opened", &["1h"], "opened", &format!("argMin(e.amount, {order})"), "e.amount > 0");
    add("closed", &["1d"], "platform, closed", &format!("{platform}, argMax(e.amount, {order})"), "e.amount > 0");
    views
}

/// The source with all of its metrics.
pub fn declared(rules: Rules) -> String {
    source(rules) + METRICS + if rules.key == Key::None { "" } else { ORDERED }
}

/// The columns of `plain.event`, in the order of those of an event.
pub const PLAIN: &str = "id Nullable(String), at Nullable(Int64), got Int64, who Nullable(String), platform Nullable(String), \
     amount Nullable(Decimal(18, 2)), took Nullable(Int64), ok Bool";

/// The rows of a feed, in the form of the cells of an event.
pub const CELLS: &str = "f.id, toUnixTimestamp64Milli(f.at), toUnixTimestamp64Milli(f.got), f.who, f.platform, \
     toDecimalString(f.amount, 2), f.took, f.ok";

/// The rows of a feed that are counted though they should not be, and those that should be and are not.
pub fn wrong(found: &mut [Vec<Option<String>>], right: &[super::Event]) -> Option<String> {
    let mut expected: Vec<_> = right.iter().map(super::Event::cells).collect();
    expected.sort();
    found.sort();
    let more: Vec<_> = found.iter().filter(|row| !expected.contains(row)).collect();
    let less: Vec<_> = expected.iter().filter(|row| !found.contains(row)).collect();
    let told = || format!("{more:?} are counted too, {less:?} are not; {} of {}", found.len(), expected.len());
    (*found != expected[..]).then(told)
}
