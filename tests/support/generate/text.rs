//! Prints a project as the text of the language.

use std::fmt::Write as _;

use chrono::DateTime;
use chrono_tz::Tz;

use super::derived::{Derived, Origin};
use super::model::*;
use super::printer::Printer;

/// The patterns of `matches`, each with its meaning written out.
pub const PATTERNS: &[(&str, fn(&str) -> bool)] = &[
    ("^[a-z]+$", |s| !s.is_empty() && s.bytes().all(|b| b.is_ascii_lowercase())),
    ("[0-9]", |s| s.bytes().any(|b| b.is_ascii_digit())),
    ("a|b", |s| s.contains(['a', 'b'])),
    ("^$", str::is_empty),
    ("\\\\", |s| s.contains('\\')),
    ("^用", |s| s.starts_with('用')),
];

const RESERVED: &[&str] = &[
    "and", "or", "not", "in", "is", "between", "like", "case", "when", "then", "else", "end", "null", "true", "false",
];

/// A name, in back quotes where it must be.
pub fn ident(name: &str) -> String {
    let mut chars = name.chars();
    let plain = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
        && !RESERVED.contains(&name);
    if plain { name.to_owned() } else { format!("`{name}`") }
}

/// A string literal.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The digits of a decimal.
pub fn decimal(digits: i128, scale: u8) -> String {
    let sign = if digits < 0 { "-" } else { "" };
    let text = format!("{:0>width$}", digits.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, part) = text.split_at(text.len() - usize::from(scale));
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// A day: `2026-11-01`.
pub fn day(days: i32) -> String {
    let instant = DateTime::from_timestamp(i64::from(days) * 86_400, 0).unwrap_or_default();
    instant.format("%Y-%m-%d").to_string()
}

/// An instant as wall-clock time of `zone`, with milliseconds.
pub fn wall(ms: i64, zone: Tz) -> String {
    let instant = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    instant.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

fn duration(ms: i64) -> String {
    let (sign, size) = (if ms < 0 { "-" } else { "" }, ms.unsigned_abs());
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let (unit, one) = units.into_iter().find(|(_, one)| size % one == 0).unwrap_or(("ms", 1));
    format!("{sign}{}{unit}", size / one)
}

/// A literal; timestamps as wall-clock time of `zone`.
pub fn literal(value: &Value, zone: Tz) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Float(f) => format!("{f:?}"),
        Value::Decimal(digits, scale) => decimal(*digits, *scale),
        Value::Str(text) => quoted(text),
        Value::Date(days) => format!("date(\"{}\")", day(*days)),
        Value::Timestamp(ms) => format!("timestamp(\"{}\")", wall(*ms, zone).trim_end_matches(".000")),
        Value::Duration(ms) => duration(*ms),
        Value::Map(_) => unreachable!("maps have no literals"),
    }
}

/// A type.
pub fn type_name(ty: &Ty) -> String {
    match ty {
        Ty::Bool => "bool".into(),
        Ty::Int => "int".into(),
        Ty::Float => "float".into(),
        Ty::Decimal(p, s) => format!("decimal({p}, {s})"),
        Ty::Str => "string".into(),
        Ty::Enum(values) => {
            let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
            format!("enum({})", values.join(", "))
        }
        Ty::Date => "date".into(),
        Ty::Timestamp => "timestamp".into(),
        Ty::Duration => "duration".into(),
        Ty::Map => "map(string, string)".into(),
        Ty::Entity(name) => ident(name),
    }
}

impl Project {
    /// The printer of its expressions.
    pub fn printer(&self) -> Printer {
        Printer { zone: self.zone }
    }

    /// `metricc.yaml`
    pub fn manifest(&self) -> String {
        let week = if self.week_starts_sunday { "sunday" } else { "monday" };
        let mut out = format!("name: random\ntimezone: {}\nweek_starts: {week}\n", self.zone.name());
        if !self.units.is_empty() {
            let _ = writeln!(out, "units: [{}]", self.units.join(", "));
        }
        out + "paths: [metrics]\nsamples: samples\n"
    }

    /// All declarations, as one `.metric` file; warehouse tables are in `database`.
    pub fn declarations(&self, database: &str) -> String {
        let mut out = String::new();
        if self.uses_calendar() {
            out.push_str(&super::fiscal::declaration(database));
        }
        for table in &self.tables {
            self.table_text(&mut out, table, database);
        }
        for subset in &self.subsets {
            let filter = subset.filter.as_ref().map(|f| format!(" where {}", self.printer().expr(f)));
            let dated = subset.dated.as_ref().map(|column| format!(" dated {}", ident(column)));
            let (filter, dated) = (filter.unwrap_or_default(), dated.unwrap_or_default());
            let _ = writeln!(out, "subset {} = {}{filter}{dated}", ident(&subset.name), ident(&subset.base));
        }
        for derived in &self.derived {
            self.derived_text(&mut out, derived);
        }
        for dimension in &self.dimensions {
            self.dimension_text(&mut out, dimension);
        }
        for metric in &self.metrics {
            self.metric_text(&mut out, metric);
        }
        out
    }

    fn table_text(&self, out: &mut String, table: &Table, database: &str) {
        let kind = if table.entity { "entity" } else { "source" };
        let _ = writeln!(out, "{kind} {} {{", ident(&table.name));
        let _ = writeln!(out, "  table: {}", quoted(&format!("{database}.{}", table.name)));
        let _ = writeln!(out, "  sample: {}", quoted(&format!("{}.csv", table.name)));
        if !table.key.is_empty() {
            let key: Vec<String> = table.key.iter().map(|name| ident(name)).collect();
            let latest = table.latest_by.as_ref().map(|name| format!(" latest by {}", ident(name)));
            let _ = writeln!(out, "  key: {}{}", key.join(", "), latest.unwrap_or_default());
        }
        match &table.history {
            Some(History::Valid(from, to)) => {
                let _ = writeln!(out, "  valid: {}, {}", ident(from), ident(to));
            }
            Some(History::Snapshot(day)) => {
                let _ = writeln!(out, "  snapshot: {}", ident(day));
            }
            None => {}
        }
        if let Some(time) = &table.time {
            let _ = writeln!(out, "  time: {}", ident(time));
        }
        for column in &table.columns {
            let mut ty = type_name(&column.ty);
            if column.milliseconds {
                ty.push_str("(ms)");
            }
            if column.nullable {
                ty.push('?');
            }
            if let Some(unit) = &column.unit {
                let _ = write!(ty, " unit {unit}");
            }
            if column.pii {
                ty.push_str(" pii");
            }
            if let Some(expr) = &column.computed {
                let _ = write!(ty, " = {}", self.printer().expr(expr));
            }
            let _ = writeln!(out, "  column {}: {ty}", ident(&column.name));
        }
        out.push_str("}\n\n");
    }

    fn derived_text(&self, out: &mut String, derived: &Derived) {
        let name = ident(&derived.table.name);
        let names = |all: &[String]| all.iter().map(|name| ident(name)).collect::<Vec<_>>();
        let rows = match &derived.origin {
            Origin::Raw(rows) => format!("raw {}", ident(rows)),
            Origin::FirstOf { rows, keys } if keys.len() == 1 => {
                format!("first of {} per {}", ident(rows), ident(&keys[0]))
            }
            Origin::FirstOf { rows, keys } => format!("first of {} per ({})", ident(rows), names(keys).join(", ")),
            Origin::Union(members) => names(members).join(" | "),
            Origin::Session { entity, rows, gap, keep } => {
                let _ = write!(
                    out,
                    "session {name} of {} {{ events: {}; gap: {}",
                    ident(entity),
                    ident(rows),
                    Step::Subday(*gap).text()
                );
                let keep: Vec<String> = (keep.iter())
                    .map(|kept| {
                        let aggregate = format!("{:?}", kept.aggregate).to_lowercase();
                        format!("{aggregate}({}) as {}", ident(&kept.column), ident(&kept.name))
                    })
                    .collect();
                if !keep.is_empty() {
                    let _ = write!(out, "; keep: {}", keep.join(", "));
                }
                out.push_str(" }\n");
                return;
            }
        };
        let _ = writeln!(out, "subset {name} = {rows}");
    }

    fn dimension_text(&self, out: &mut String, dimension: &Dimension) {
        let printer = self.printer();
        let _ = write!(out, "dimension {}", ident(&dimension.name));
        if dimension.typed {
            let _ = write!(out, ": {}", type_name(&dimension.ty));
        }
        if let [Binding::On(table, _)] = &dimension.bindings[..] {
            let _ = write!(out, " on {}", ident(table));
        }
        let bindings: Vec<String> = (dimension.bindings.iter())
            .map(|binding| match binding {
                Binding::Path(table, expr) | Binding::Attribute(table, expr) => {
                    format!("{}.{}", ident(table), printer.expr(expr))
                }
                Binding::On(_, expr) | Binding::Any(expr) => printer.expr(expr),
            })
            .collect();
        let _ = write!(out, " = {}", bindings.join(" | "));
        match &dimension.otherwise {
            Otherwise::None => {}
            Otherwise::Null => out.push_str(" else null"),
            Otherwise::Value(value) => {
                let _ = write!(out, " else {}", literal(value, self.zone));
            }
        }
        let _ = writeln!(out, " {{ title: {} }}", quoted(&dimension.name));
    }

    fn metric_text(&self, out: &mut String, metric: &Metric) {
        let mut items = vec![
            format!("title: {}", quoted(&metric.name)),
            "owner: \"random\"".to_owned(),
            "tier: diagnostic".to_owned(),
        ];
        if let Some(step) = metric.grain {
            items.push(format!("grain: {}", step.text()));
        }
        if !metric.by.is_empty() {
            let by: Vec<String> = metric.by.iter().map(|name| ident(name)).collect();
            items.push(format!("by: {}", by.join(", ")));
        }
        match metric.fill {
            Fill::None => {}
            Fill::Null => items.push("fill: null".into()),
            Fill::Zero => items.push("fill: zero".into()),
        }
        let formula = self.printer().expr(&metric.formula);
        let _ = writeln!(out, "metric {} = {formula} {{ {} }}", ident(&metric.name), items.join("; "));
    }

    /// A question as it is asked on the command line.
    pub fn command(&self, question: &Question) -> String {
        let shell = |text: &str| {
            let plain = |c: char| c.is_alphanumeric() || "_-,.".contains(c);
            if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
        };
        let mut out = String::from("metricc dry-run");
        for metric in &question.metrics {
            let _ = write!(out, " {}", shell(metric));
        }
        let _ = write!(out, " --step {}", question.step.map_or("none".into(), Step::text));
        if !question.by.is_empty() {
            let by: Vec<String> = question.by.iter().map(By::text).collect();
            let _ = write!(out, " --by {}", shell(&by.join(",")));
        }
        if let Some(filter) = &question.filter {
            let _ = write!(out, " --where {}", shell(&self.printer().expr(filter)));
        }
        if let Some((from, to)) = question.limits(self.zone) {
            let _ = write!(out, " --from {} --to {}", shell(&from), shell(&to));
        }
        if question.exact.is_some() {
            out.push_str(" --cut");
        }
        if let Some((at, partial)) = question.as_of {
            let partial = if partial { " --partial" } else { "" };
            let _ = write!(out, " --as-of {}{partial}", shell(&wall(at, self.zone)));
        }
        if question.marks {
            out.push_str(" --marks");
        }
        if let Some(having) = &question.having {
            let _ = write!(out, " --having {}", shell(&self.printer().expr(having)));
        }
        if let Some(top) = &question.top {
            let _ = write!(out, " --top {}", shell(&top.text()));
        }
        if let Some(fill) = question.fill {
            let _ = write!(out, " --fill {}", fill.word());
        }
        for (column, descending) in &question.order {
            let column = if *descending { format!("{column} desc") } else { column.clone() };
            let _ = write!(out, " --order {}", shell(&column));
        }
        if let Some(limit) = question.limit {
            let _ = write!(out, " --limit {limit}");
        }
        out
    }
}
