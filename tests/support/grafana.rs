//! What Grafana does with a dashboard, as far as it is known from its documentation: it checks types, and puts times and choices into
//! queries.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::provision;

/// What somebody has chosen of a variable.
#[derive(Clone, Debug)]
pub enum Chosen {
    /// All values.
    All,
    /// One value alone, as variables that take one have it.
    One(String),
    /// A list.
    Several(Vec<String>),
}

/// A query with a time, in seconds since 1970, and choices in it.
///
/// # Panics
/// If something else in it is a variable for Grafana.
pub fn expand(sql: &str, from: i64, to: i64, choices: &[(String, Chosen)], all: &str) -> String {
    let mut text = sql.replace("$__fromTime", &format!("toDateTime({from})"));
    text = text.replace("$__toTime", &format!("toDateTime({to})"));
    for (name, _) in choices {
        for form in [format!("[[{name}"), format!("${name}")] {
            assert!(!text.contains(&form), "Grafana would replace `{form}` in {text}");
        }
        let others = text.matches(&format!("${{{name}")).count();
        assert_eq!(others, text.matches(&format!("${{{name}:percentencode}}")).count(), "{text}");
    }
    for (name, chosen) in choices {
        let value = match chosen {
            // Its custom value, with this format like any other.
            Chosen::All => encoded(all),
            Chosen::One(value) => encoded(value),
            Chosen::Several(values) => encoded(&format!("{{{}}}", values.join(","))),
        };
        text = text.replace(&format!("${{{name}:percentencode}}"), &value);
    }
    assert!(!text.contains('$'), "a variable is left in {text}");
    text
}

/// What may stand in an address as it is, and all else as its bytes.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The packages of panels, by their types, with the name of the module that declares them, and whether they have settings of fields.
const PANELS: [(&str, &str, bool); 6] = [
    ("barchart", "BarChart", true),
    ("piechart", "PieChart", true),
    ("stat", "Stat", false),
    ("table", "Table", true),
    ("text", "Text", false),
    ("timeseries", "TimeSeries", true),
];

/// What the compiler of TypeScript says of dashboards as values of Grafana's types; nothing if they are right.
pub fn type_errors(dashboards: &[&Value]) -> Vec<String> {
    let packages = provision::grafana().unwrap_or_else(|why| panic!("{why}"));
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("package.json"), "{ \"type\": \"module\" }").expect("written");
    std::os::unix::fs::symlink(packages, folder.path().join("node_modules")).expect("a link");
    fs::write(folder.path().join("check.ts"), program(dashboards)).expect("written");
    let output = Command::new("node")
        .arg(packages.join("typescript/bin/tsc"))
        .args(["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck", "check.ts"])
        .current_dir(folder.path())
        .output()
        .expect("node runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let lines: Vec<String> = said.lines().map(str::to_owned).collect();
    assert_eq!(output.status.success(), lines.is_empty(), "{said}");
    lines
}

/// A program that gives each dashboard, and the options and fields of its panels, the type that Grafana has for them.
fn program(dashboards: &[&Value]) -> String {
    let mut text = "import type { Dashboard } from '@grafana/schema';\n".to_owned();
    for (kind, module, _) in PANELS {
        text += &format!(
            "import type * as {kind} from '@grafana/schema/dist/esm/raw/composable/{kind}/panelcfg/x/{module}PanelCfg_types.gen';\n"
        );
    }
    // JSON has the values of enumerations, and not their members.
    text += "type Json<T> = T extends string ? `${T}` : T extends (infer U)[] ? Json<U>[]\n  \
        : T extends object ? { [K in keyof T]: Json<T[K]> } : T;\n";
    for (place, dashboard) in dashboards.iter().enumerate() {
        text += &format!("export const dashboard{place}: Json<Dashboard> = {dashboard:#};\n");
        let panels = dashboard["panels"].as_array().expect("panels");
        for panel in panels.iter().filter(|panel| panel["type"] != "row") {
            let (kind, id) = (panel["type"].as_str().expect("a type"), &panel["id"]);
            let (_, _, fields) = PANELS.iter().find(|(own, ..)| *own == kind).unwrap_or_else(|| panic!("{kind}"));
            let options = &panel["options"];
            text += &format!("export const options{place}_{id}: Json<{kind}.Options> = {options:#};\n");
            let custom = &panel["fieldConfig"]["defaults"]["custom"];
            if *fields && custom.is_object() {
                text += &format!("export const custom{place}_{id}: Partial<Json<{kind}.FieldConfig>> = {custom:#};\n");
            }
        }
    }
    text
}
