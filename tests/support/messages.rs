//! Messages of a source with columns of all types: those that are rows, and those that are none, with the reason. All engines read them alike.

/// The source, with a few metrics.
pub const EVENTS: &str = r#"
source event {
  table: "dwd.event"
  stream: kafka(topic: "app.events", format: "json")
  sample: "event.ndjson"
  key: id
  time: at
  arrived: got
  column id: string
  column at: timestamp(ms)
  column got: timestamp
  column kind: enum("login", "pay")
  column amount: decimal(18,2)?
  column n: int?
  column took: duration(ms)?
  column ratio: float?
  column ok: bool?
  column day: date?
  column seen: timestamp?
  column props: map(string, string)
  column tags: array(int)
}
metric events = count(event) { grain: 1d }
metric amount = sum(amount from event) { grain: total }
metric ints   = sum(n from event) { grain: total }
metric took   = max(took from event) { grain: total }
metric ratio  = max(ratio from event) { grain: total }
metric good   = count(event where ok) { grain: total }
metric days   = distinct(day from event) { grain: total }
metric seen   = max(seen from event) { grain: total }
metric priced = count(event where props["a"] = "1" or contains(kind, "y")) { grain: total }
"#;

/// A good message with one member put in place of its own.
pub fn with(member: &str) -> String {
    let good = [
        ("id", "\"e1\""),
        ("at", "1793505600000"),
        ("got", "\"2026-11-01 12:00:05\""),
        ("kind", "\"pay\""),
        ("amount", "\"12.50\""),
        ("n", "5"),
        ("took", "250"),
        ("ratio", "0.25"),
        ("ok", "true"),
        ("day", "\"2026-11-01\""),
        ("seen", "\"2026-11-01T04:00:00.123Z\""),
        ("props", "{\"a\":\"1\",\"b\":\"x\"}"),
        ("tags", "[1,2]"),
    ];
    let name = member.split(':').next().unwrap_or_default().trim_matches('"');
    let kept = good.iter().filter(|(own, _)| *own != name).map(|(own, value)| format!("\"{own}\":{value}"));
    let all: Vec<String> = kept.chain((!member.is_empty()).then(|| member.to_owned())).collect();
    format!("{{{}}}", all.join(","))
}

/// Members that make a message no row, with the reason.
pub const WRONG: &[(&str, &str)] = &[
    (r#""id":null"#, "`id` is missing"),
    (r#""id":7"#, "`id` is not a text"),
    (r#""at":"2026-11-01 12:00:00""#, "`at` is not an instant in milliseconds since 1970"),
    (r#""at":1.5"#, "`at` is not an instant in milliseconds since 1970"),
    (r#""at":999999999999999"#, "`at` is not an instant in milliseconds since 1970"),
    (r#""kind":"logout""#, "`kind` is not one of its words"),
    (r#""kind":1"#, "`kind` is not one of its words"),
    (r#""amount":"12.505""#, "`amount` is not a decimal of its digits (one of more than 15 has to be a text)"),
    (
        r#""amount":"12345678901234567.00""#,
        "`amount` is not a decimal of its digits (one of more than 15 has to be a text)",
    ),
    (r#""amount":"1,5""#, "`amount` is not a decimal of its digits (one of more than 15 has to be a text)"),
    (r#""n":"5""#, "`n` is not a whole number"),
    (r#""n":5.5"#, "`n` is not a whole number"),
    (r#""n":9223372036854775808"#, "`n` is not a whole number"),
    (r#""took":"1s""#, "`took` is not a whole number of milliseconds"),
    (r#""ratio":"0.5""#, "`ratio` is not a number"),
    (r#""ok":"true""#, "`ok` is not true or false"),
    (r#""ok":1"#, "`ok` is not true or false"),
    (r#""day":"2026-02-30""#, "`day` is not a day"),
    (r#""day":20261101"#, "`day` is not a day"),
    (r#""seen":"2026-11-01""#, "`seen` is not an instant"),
    (r#""seen":"2026-11-01 25:00:00""#, "`seen` is not an instant"),
    (r#""seen":"2026-02-30 10:00:00""#, "`seen` is not an instant"),
    (r#""props":{"a":1}"#, "`props` is not an object of its values"),
    (r#""props":[]"#, "`props` is not an object of its values"),
    (r#""props":null"#, "`props` is missing"),
    (r#""tags":[1,"2"]"#, "`tags` is not a list of its items"),
    (r#""tags":{}"#, "`tags` is not a list of its items"),
];

/// Members that make a message a row all the same.
pub const RIGHT: &[&str] = &[
    "",
    r#""amount":12.5"#,
    r#""amount":-0.05"#,
    r#""amount":"9999999999999999.99""#,
    r#""amount":"1.500""#,
    r#""amount":null"#,
    r#""n":-9223372036854775808"#,
    r#""n":9223372036854775807"#,
    r#""ratio":1e300"#,
    r#""ratio":7"#,
    r#""at":"1793505600001""#,
    r#""seen":"2026-11-01 12:00:00+0800""#,
    r#""seen":"2026-11-01 12:00:00.9999""#,
    r#""props":{}"#,
    r#""props":{"a":"\u6570\n'\\"}"#,
    r#""tags":[]"#,
    r#""day":"1950-01-01""#,
];

/// The good messages, each with an id of its own.
pub fn right() -> Vec<String> {
    RIGHT.iter().enumerate().map(|(at, member)| with(member).replace("\"e1\"", &format!("\"r{at}\""))).collect()
}

/// The messages that are no row.
pub fn wrong() -> Vec<String> {
    WRONG.iter().map(|(member, _)| with(member)).collect()
}
