//! A panel as Grafana's JSON has it.

use serde_json::{Map, Value as Json, json};

use super::given::{Drawing, Drawn};
use super::select::Frames;
use super::unit;
use crate::emit::name::plain;
use crate::emit::{Input, MetricView};
use crate::project::GrafanaTarget;
use crate::types::dashboards::Form;
use crate::types::{Better, family};
use crate::value::Span as Length;

/// What all panels of a dashboard have in common.
pub struct Common<'a> {
    pub input: &'a Input,
    pub settings: &'a GrafanaTarget,
    /// The reference to the data source.
    pub datasource: Json,
    /// Whether titles are Chinese.
    pub chinese: bool,
}

/// The width and the height that a form wants, in Grafana's 24 columns.
pub fn height(form: Option<Form>) -> u32 {
    match form {
        Some(Form::Card) => 4,
        None => 4,
        Some(_) => 8,
    }
}

/// A panel of metrics.
pub fn panel(common: &Common, drawn: &Drawn, id: usize, place: Json, sql: &str, frames: Frames) -> Json {
    let (kind, options) = options(drawn);
    let mut panel = json!({
        "id": id,
        "type": kind,
        "title": title(common, drawn),
        "description": description(common, drawn),
        "datasource": common.datasource,
        "gridPos": place,
        "links": links(common, drawn),
        "fieldConfig": { "defaults": defaults(drawn), "overrides": overrides(common, drawn) },
        "options": options,
        "targets": [{
            "refId": "A",
            "datasource": common.datasource,
            "editorType": "sql",
            "queryType": if frames == Frames::Series { "timeseries" } else { "table" },
            "format": if frames == Frames::Series { 0 } else { 1 },
            "rawSql": sql,
        }],
    });
    if let Some(range) = drawn.shown.range {
        panel["timeFrom"] = json!(length(range));
    }
    panel
}

/// A panel of words.
pub fn words(text: &str, id: usize, place: Json) -> Json {
    json!({
        "id": id,
        "type": "text",
        "title": "",
        "gridPos": place,
        "options": { "mode": "markdown", "content": text },
    })
}

/// A length of time in Grafana's words: `30d`, `3M`.
pub fn length(length: Length) -> String {
    match length {
        Length::Months(months) if months % 12 == 0 => format!("{}y", months / 12),
        Length::Months(months) => format!("{months}M"),
        other => other.text(),
    }
}

fn title(common: &Common, drawn: &Drawn) -> String {
    if let Some(title) = &drawn.shown.title {
        return title.clone();
    }
    let own = drawn.values.iter().filter(|value| value.before.is_none());
    own.map(|value| value.title(common.chinese)).collect::<Vec<_>>().join(if common.chinese { "、" } else { ", " })
}

/// What is counted and how: the caliber, for whoever asks about a number.
fn description(common: &Common, drawn: &Drawn) -> String {
    let mut parts: Vec<String> = Vec::new();
    for value in drawn.values.iter().filter(|value| value.before.is_none()) {
        let metric = &value.metric;
        let mut lines = vec![format!("**{}**", metric.name.value)];
        lines.extend(metric.doc.iter().map(|doc| doc.trim().to_owned()));
        let formula = view(common, value).and_then(|view| view.about.formula.as_deref());
        lines.extend(formula.map(|formula| format!("= `{}`", formula.replace('`', "'"))));
        let version = if metric.version == 1 { String::new() } else { format!(", v{}", metric.version) };
        let owner = metric.owner.as_ref().map(|owner| format!(", {owner}")).unwrap_or_default();
        lines.push(format!("{}{version}{owner}", drawn.step.text()));
        parts.push(lines.join("\n\n"));
    }
    for name in &drawn.unfiltered {
        parts.push(format!("`{name}` has no effect on this panel."));
    }
    parts.join("\n\n")
}

/// The view of a metric, which knows how it is written.
fn view<'a>(common: &'a Common, value: &Drawing) -> Option<&'a MetricView> {
    let wanted = (&value.metric.name.value, value.metric.version);
    common.input.metrics.iter().find(|view| (&view.name, view.version) == wanted)
}

/// Links to the pages of the metrics and to the runbooks of their alerts.
fn links(common: &Common, drawn: &Drawn) -> Json {
    let mut links: Vec<(String, String)> = Vec::new();
    let mut add = |title: String, url: String| {
        if !links.contains(&(title.clone(), url.clone())) {
            links.push((title, url));
        }
    };
    for value in drawn.values.iter().filter(|value| value.before.is_none()) {
        let name = family(&value.metric.name.value);
        if let Some(url) = &common.settings.docs_url {
            let version = if value.metric.version == 1 { String::new() } else { format!(".v{}", value.metric.version) };
            let page = format!("{}{version}.html", encoded(&plain(name)));
            add(name.to_owned(), format!("{}/metrics/{page}", url.trim_end_matches('/')));
        }
        for (alert, runbook) in &value.runbooks {
            let address = if runbook.starts_with("https://") || runbook.starts_with("http://") {
                Some(runbook.clone())
            } else {
                let base = common.settings.runbooks.as_ref().map(|base| base.trim_end_matches('/'));
                base.map(|base| format!("{base}/{}", encoded(runbook.trim_start_matches('/'))))
            };
            if let Some(url) = address {
                add(format!("Runbook: {alert}"), url);
            }
        }
    }
    let one = |(title, url): &(String, String)| {
        json!({
            "title": title,
            "url": url,
            "type": "link",
            "icon": "external link",
            "tooltip": "",
            "tags": [],
            "asDropdown": false,
            "includeVars": false,
            "keepTime": false,
            "targetBlank": true,
        })
    };
    links.iter().map(one).collect()
}

/// A path as it stands in an address.
fn encoded(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'.' | b'~');
    let mut text = String::new();
    for byte in path.bytes() {
        if is_plain(byte) { text.push(char::from(byte)) } else { text.push_str(&format!("%{byte:02X}")) }
    }
    text
}

/// How all values of a panel are drawn: as the first one.
fn defaults(drawn: &Drawn) -> Json {
    let Some(first) = drawn.values.first() else { return json!({}) };
    let mut defaults = field(first);
    let form = drawn.shown.form;
    let watched = !first.limits.is_empty();
    let color = if form == Form::Card { "thresholds" } else { "palette-classic" };
    defaults.insert("color".to_owned(), json!({ "mode": color }));
    defaults.insert("thresholds".to_owned(), unit::thresholds(first));
    // A group is told by its values alone, since the title names the metric.
    let labels: Vec<String> =
        drawn.by.iter().map(|own| format!("${{__field.labels[\"{}\"]}}", own.replace('"', ""))).collect();
    if !labels.is_empty() && !drawn.shown.is_last() {
        defaults.insert("displayName".to_owned(), json!(labels.join(" / ")));
    }
    if let Some(custom) = custom(drawn, watched) {
        defaults.insert("custom".to_owned(), custom);
    }
    Json::Object(defaults)
}

/// Unit and digits of a value.
fn field(value: &Drawing) -> Map<String, Json> {
    let (unit, decimals) = unit::unit(value);
    let mut field = Map::new();
    field.insert("unit".to_owned(), json!(unit));
    if let Some(decimals) = decimals {
        field.insert("decimals".to_owned(), json!(decimals));
    }
    field
}

/// What only this form has.
fn custom(drawn: &Drawn, watched: bool) -> Option<Json> {
    let style = json!({ "mode": if watched { "dashed" } else { "off" } });
    let stacking = |mode: &str| json!({ "mode": mode, "group": "A" });
    let lines = |draw: &str, fill: u8, stacked: &str| {
        json!({
            "drawStyle": draw,
            "lineWidth": if draw == "bars" { 1 } else { 2 },
            "fillOpacity": fill,
            "showPoints": "auto",
            "spanNulls": false,
            "stacking": stacking(stacked),
            "thresholdsStyle": style,
        })
    };
    Some(match drawn.shown.form {
        Form::Line => lines("line", 0, "none"),
        Form::Area => lines("line", 25, "none"),
        Form::Stacked => lines("line", 60, "normal"),
        Form::Bar if drawn.by.is_empty() => lines("bars", 80, "none"),
        Form::Bar => json!({ "fillOpacity": 80, "lineWidth": 1, "thresholdsStyle": style }),
        Form::Table => json!({ "align": "auto", "filterable": true, "inspect": false }),
        Form::Card | Form::Share => return None,
    })
}

/// The values that are drawn in another way than the first one, and their names.
fn overrides(common: &Common, drawn: &Drawn) -> Json {
    let named = drawn.by.is_empty() || drawn.shown.is_last();
    let mut all: Vec<Json> = Vec::new();
    // The two points of a compared card are one series.
    let values =
        if drawn.shown.form == Form::Card { &drawn.values[..1.min(drawn.values.len())] } else { &drawn.values[..] };
    for (place, value) in values.iter().enumerate() {
        let mut properties: Vec<Json> = Vec::new();
        let mut add = |id: &str, value: Json| properties.push(json!({ "id": id, "value": value }));
        if named {
            add("displayName", json!(value.title(common.chinese)));
        }
        if place > 0 {
            field(value).into_iter().for_each(|(key, value)| add(&key, value));
        }
        if value.before.is_some() {
            add("custom.lineStyle", json!({ "fill": "dash", "dash": [10, 10] }));
            add("custom.fillOpacity", json!(0));
        }
        if !properties.is_empty() {
            all.push(json!({ "matcher": { "id": "byName", "options": value.column }, "properties": properties }));
        }
    }
    Json::Array(all)
}

/// The plugin of a form, and its options.
fn options(drawn: &Drawn) -> (&'static str, Json) {
    let legend =
        |shown: bool| json!({ "displayMode": "list", "placement": "bottom", "showLegend": shown, "calcs": [] });
    let tooltip = json!({ "mode": "multi", "sort": "desc" });
    let several = !drawn.by.is_empty() || drawn.values.len() > 1;
    match drawn.shown.form {
        Form::Card => {
            let compares = drawn.shown.compare.is_some();
            let better = drawn.values.first().map_or(Better::None, Drawing::better);
            let options = json!({
                "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
                "orientation": "auto",
                "textMode": "value",
                "colorMode": "value",
                "graphMode": if compares { "none" } else { "area" },
                "justifyMode": "auto",
                "wideLayout": true,
                "showPercentChange": compares,
                "percentChangeColorMode": unit::change(better),
            });
            ("stat", options)
        }
        Form::Line | Form::Area | Form::Stacked => {
            ("timeseries", json!({ "legend": legend(several), "tooltip": tooltip }))
        }
        Form::Bar if drawn.by.is_empty() => ("timeseries", json!({ "legend": legend(several), "tooltip": tooltip })),
        Form::Bar => {
            let options = json!({
                "orientation": "horizontal",
                "xTickLabelRotation": 0,
                "xTickLabelMaxLength": 30,
                "xTickLabelSpacing": 0,
                "showValue": "auto",
                "stacking": "none",
                "groupWidth": 0.7,
                "barWidth": 0.9,
                "barRadius": 0,
                "fullHighlight": false,
                "legend": legend(false),
                "tooltip": tooltip,
            });
            ("barchart", options)
        }
        Form::Share => {
            let options = json!({
                "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": true },
                "orientation": "auto",
                "pieType": "donut",
                "sort": "desc",
                "displayLabels": ["percent"],
                "legend": {
                    "displayMode": "table", "placement": "right", "showLegend": true, "calcs": [],
                    "values": ["value", "percent"],
                },
                "tooltip": tooltip,
            });
            ("piechart", options)
        }
        Form::Table => ("table", json!({ "showHeader": true, "cellHeight": "sm", "frameIndex": 0 })),
    }
}
