//! The rollups of the targets, and why they are what they are.

use serde_json::{Map, Value, json};

use crate::cli::ready::Ready;
use crate::cli::ui::{self, Paint};
use crate::cli::{Stop, planned};
use crate::emit;
use crate::rollup::about;

/// What each target tells of its rollups and of how it serves metrics.
pub fn told(ready: &Ready) -> Result<Map<String, Value>, Stop> {
    let (input, mut found) = planned::input(ready);
    let mut all = Map::new();
    for target in ready.project.warehouses() {
        let (mut made, told) = emit::emit(&input, target);
        found.extend(told);
        let parts = ["rollups", "metrics", "insert_fan_out"].map(|part| (part.to_owned(), made.details[part].take()));
        all.insert(target.name.value.clone(), Value::Object(parts.into_iter().collect()));
    }
    if found.has_errors() { Err(Stop::found(&ready.project, found)) } else { Ok(all) }
}

/// The same for people.
pub fn shown(all: &Map<String, Value>, paint: Paint) -> String {
    if all.is_empty() {
        return "no target: no rollups\n".to_owned();
    }
    all.iter().map(|(target, told)| of_target(target, told, paint)).collect::<Vec<_>>().join("\n")
}

/// How a metric is served by each target: lines of a word and a text.
pub fn of_metric(all: &Map<String, Value>, name: &str, version: u32) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for (target, told) in all {
        for metric in list(&told["metrics"]).iter().filter(|one| one["name"] == name && one["version"] == version) {
            let from = texts(&metric["rollups"]);
            let from =
                if from.is_empty() { "computed when read".to_owned() } else { format!("from {}", from.join(", ")) };
            lines.push((format!("{target} {}", text(&metric["step"])), from));
            for refused in list(&metric["not_served"]) {
                lines.push((String::new(), format!("not {}: {}", text(&refused["serve"]), text(&refused["because"]))));
            }
        }
    }
    lines
}

fn of_target(target: &str, told: &Value, paint: Paint) -> String {
    let rollups = list(&told["rollups"]);
    let different = rollups.chunk_by(|a, b| a["rollup"] == b["rollup"]).count();
    let mut out = format!("{}\n\n", paint.bold(&format!("{target}: {}", count(different, "rollup"))));
    if !rollups.is_empty() {
        out += &overview(rollups);
        out.push('\n');
        for steps in rollups.chunk_by(|a, b| a["rollup"] == b["rollup"]) {
            out += &paragraph(steps, paint);
        }
    }
    let fan_out = told["insert_fan_out"].as_object().into_iter().flatten();
    let fan_out: Vec<Vec<String>> = fan_out.map(|(source, views)| vec![source.clone(), views.to_string()]).collect();
    if !fan_out.is_empty() {
        let columns = [ui::Column::text("source"), ui::Column::number("views that each inserted block goes through")];
        out += &ui::table(&columns, fan_out);
        out.push('\n');
    }
    let refused: Vec<Vec<String>> = (list(&told["metrics"]).iter())
        .flat_map(|metric| {
            let name = format!("{} {}", text(&metric["name"]), text(&metric["step"]));
            let refused = list(&metric["not_served"]).iter();
            refused.map(move |one| vec![name.clone(), text(&one["serve"]), text(&one["because"])])
        })
        .collect();
    if !refused.is_empty() {
        let columns = [ui::Column::text("metric"), ui::Column::text("is not served"), ui::Column::text("because")];
        out += &ui::table(&columns, refused);
    }
    out
}

/// A row a rollup and step.
fn overview(rollups: &[Value]) -> String {
    let columns = [
        ui::Column::text("rollup"),
        ui::Column::text("step"),
        ui::Column::text("filled"),
        ui::Column::text("by, in key order"),
        ui::Column::number("states"),
        ui::Column::number("rows a day"),
        ui::Column::number("bytes a day"),
        ui::Column::number("views"),
    ];
    let rows = |rollup: &Value| match (rollup["rows_a_day"].as_f64(), rollup["rows_a_day_at_most"].as_f64()) {
        (Some(rows), _) => format!("~{}", about(rows)),
        (None, Some(rows)) => format!("≤{}", about(rows)),
        (None, None) => "?".to_owned(),
    };
    let bytes =
        |rollup: &Value| rollup["bytes_a_day"].as_f64().map_or("?".to_owned(), |bytes| format!("~{}", about(bytes)));
    let row = |rollup: &Value| {
        vec![
            text(&rollup["table"]),
            text(&rollup["step"]),
            text(&rollup["filled"]),
            texts(&rollup["dimensions"]).join(", "),
            list(&rollup["states"]).len().to_string(),
            rows(rollup),
            bytes(rollup),
            list(&rollup["serves"]).len().to_string(),
        ]
    };
    ui::table(&columns, rollups.iter().map(row))
}

/// What the steps of a rollup have in common, and what each serves.
fn paragraph(steps: &[Value], paint: Paint) -> String {
    let Some(rollup) = steps.first() else { return String::new() };
    let names: Vec<String> = steps.iter().map(|step| text(&step["table"])).collect();
    let mut out = format!("{}\n", paint.cyan(&names.join(", ")));
    let mut lines = |word: &str, texts: Vec<String>| {
        for (at, text) in texts.into_iter().enumerate() {
            let word = if at == 0 { word } else { "" };
            out += &format!("  {}  {}\n", paint.bold(&format!("{word:7}")), crate::diagnostic::render::visible(&text));
        }
    };
    let state = |state: &Value| format!("{} {}", text(&state["column"]), text(&state["keeps"]));
    lines("keeps", list(&rollup["states"]).iter().map(state).collect());
    let serves = steps.iter().map(|step| (text(&step["step"]), texts(&step["serves"])));
    let serves = serves.filter(|(_, serves)| !serves.is_empty());
    lines("serves", serves.map(|(step, serves)| format!("from {step}: {}", serves.join(", "))).collect());
    lines("because", texts(&rollup["reasons"]));
    out.push('\n');
    out
}

fn count(number: usize, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    list(value).iter().map(text).collect()
}

/// The same for programs.
pub fn as_json(all: Map<String, Value>) -> String {
    format!("{:#}\n", json!(all))
}
