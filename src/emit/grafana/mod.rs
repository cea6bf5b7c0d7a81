//! Dashboards of Grafana over what a warehouse serves, and the files that it is provisioned with.
//!
//! A dashboard is a tree of JSON; texts of users are never more than texts in it. Its queries are the answers that the warehouse
//! gives to questions, with conditions on buckets and groups around them ([`select`]).

mod given;
mod panel;
mod provisioning;
mod select;
mod unit;
mod variable;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use sqlparser::ast::Query;

use super::{Artifact, Emitted, Input, clickhouse, name, template};
use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::project::GrafanaTarget;
use crate::sql::{self, CLICKHOUSE, Calendar};
use crate::types::Language;
use crate::types::dashboards::{Content, Shown};

pub use given::{Board, given};

use given::{Choice, Drawn};
use panel::Common;

/// The form of dashboards that is written.
const SCHEMA: u32 = 39;
const COLUMNS: u32 = 24;

/// The files of a target.
pub fn emit(input: &Input, target: &str, settings: &GrafanaTarget) -> (Emitted, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    // That it has no warehouse was told when it was read.
    let Some((warehouse, of)) = &settings.of else {
        return (Emitted { artifacts: Vec::new(), details: Json::Null }, diagnostics);
    };
    let calendar = Calendar { zone: input.zone, week_start: input.week_start };
    let questions: Vec<_> = input.boards.iter().flat_map(questions).collect();
    let mut answers = match clickhouse::answers(input, warehouse, of, &questions) {
        Ok(answers) => answers.into_iter(),
        Err(told) => return (Emitted { artifacts: Vec::new(), details: Json::Null }, told),
    };
    let build = Build { input, target, settings, calendar };
    let mut artifacts: Vec<Artifact> = Vec::new();
    for board in &input.boards {
        check_groups(input, board, settings, &mut diagnostics);
        let own: Vec<Query> = answers.by_ref().take(questions_of(board)).collect();
        let json = build.board(board, own, &mut diagnostics);
        let path = format!("dashboards/{}.json", name::file(&board.dashboard.name.value));
        let text = format!("{json:#}\n");
        artifacts.push(Artifact { path: build.path(&path), text, origin: vec![board.dashboard.name.value.clone()] });
    }
    let provided = provisioning::dashboards(settings);
    artifacts.push(build.yaml("provisioning/dashboards/metricc.yaml", "Where Grafana finds the dashboards", &provided));
    let source = provisioning::datasource(settings, warehouse, &of.database);
    artifacts.push(build.yaml("provisioning/datasources/metricc.yaml", "How Grafana reaches the warehouse", &source));
    let uids: Vec<Json> = (input.boards.iter())
        .map(|board| json!({ "name": board.dashboard.name.value, "uid": uid(settings, &board.dashboard.name.value) }))
        .collect();
    let details = json!({ "kind": "grafana", "warehouse": warehouse, "datasource": settings.datasource.value, "dashboards": uids });
    (Emitted { artifacts, details }, diagnostics)
}

/// All questions of a dashboard: its choices, then its panels.
fn questions(board: &Board) -> Vec<clickhouse::Asking<'_>> {
    let choices = board.choices.iter().map(|choice| (&choice.values, &choice.asked));
    let panels = board.panels.iter().flatten().flatten().map(|drawn| (&drawn.query, &drawn.asked));
    choices.chain(panels).collect()
}

fn questions_of(board: &Board) -> usize {
    board.choices.len() + board.panels.iter().flatten().flatten().count()
}

/// The uid of a dashboard, which links to it have: it stays as long as folder and name do.
fn uid(settings: &GrafanaTarget, name: &str) -> String {
    let hash = Sha256::digest(format!("{}\n{name}", settings.folder).as_bytes());
    let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("metricc-{hash}")
}

struct Build<'a> {
    input: &'a Input,
    target: &'a str,
    settings: &'a GrafanaTarget,
    calendar: Calendar,
}

impl Build<'_> {
    fn path(&self, path: &str) -> String {
        format!("{}/{path}", name::file(self.target))
    }

    fn yaml(&self, path: &str, what: &str, content: &Json) -> Artifact {
        let values = minijinja::context! { what, version => env!("CARGO_PKG_VERSION"), target => self.target };
        let mut text = template::render("grafana/header.yml", values);
        // Maps with texts as keys, lists and texts: nothing that YAML could not say.
        text.push_str(&serde_yaml::to_string(content).unwrap_or_default());
        Artifact { path: self.path(path), text, origin: Vec::new() }
    }

    fn board(&self, board: &Board, answers: Vec<Query>, diagnostics: &mut Diagnostics) -> Json {
        let dashboard = &board.dashboard;
        let chinese = dashboard.language == Language::Zh;
        let datasource = json!({ "type": provisioning::PLUGIN, "uid": self.settings.datasource.value });
        let common = Common { input: self.input, settings: self.settings, datasource: datasource.clone(), chinese };
        let names: Vec<String> =
            board.choices.iter().enumerate().map(|(place, choice)| variable::name(&choice.name, place)).collect();
        let mut answers = answers.into_iter();
        let mut variables: Vec<Json> = Vec::new();
        for (choice, name) in board.choices.iter().zip(&names) {
            let Some(answer) = answers.next() else { continue };
            let sql = self.choices(choice, answer, dashboard.span, diagnostics);
            variables.push(variable::json(name, &choice.name, &datasource, &sql));
        }
        let panels = self.panels(board, &common, &names, &mut answers, diagnostics);
        let (first, second) =
            if chinese { (&dashboard.title, &dashboard.title_en) } else { (&dashboard.title_en, &dashboard.title) };
        let title = first.as_ref().or(second.as_ref()).unwrap_or(&dashboard.name.value);
        let mut tags = vec!["metricc".to_owned()];
        tags.extend(dashboard.owner.clone());
        tags.extend(self.settings.tags.iter().cloned());
        json!({
            "uid": uid(self.settings, &dashboard.name.value),
            "title": title,
            "description": dashboard.doc.clone().unwrap_or_default(),
            "tags": tags,
            "timezone": self.calendar.zone.name(),
            "weekStart": week_start(self.calendar),
            "schemaVersion": SCHEMA,
            "version": 1,
            "editable": false,
            "graphTooltip": 1,
            "time": { "from": format!("now-{}", panel::length(dashboard.range)), "to": "now" },
            "refresh": dashboard.refresh.map(refresh).unwrap_or_default(),
            "templating": { "list": variables },
            "annotations": { "list": [] },
            "links": [],
            "panels": panels,
        })
    }

    fn panels(
        &self,
        board: &Board,
        common: &Common,
        names: &[String],
        answers: &mut impl Iterator<Item = Query>,
        diagnostics: &mut Diagnostics,
    ) -> Vec<Json> {
        let (mut panels, mut id, mut top) = (Vec::new(), 0, 0);
        for (row, drawn) in board.dashboard.rows.iter().zip(&board.panels) {
            id += 1;
            panels.push(json!({
                "id": id, "type": "row", "title": row.title, "collapsed": false, "panels": [],
                "gridPos": { "x": 0, "y": top, "w": COLUMNS, "h": 1 },
            }));
            top += 1;
            let shown: Vec<Option<&Shown>> =
                drawn.iter().map(|drawn| drawn.as_ref().map(|drawn| &drawn.shown)).collect();
            let (places, height) = places(&shown, top);
            top += height;
            for ((panel, drawn), place) in row.panels.iter().zip(drawn).zip(places) {
                id += 1;
                match (&panel.content, drawn) {
                    (Content::Words(text), _) => panels.push(panel::words(text, id, place)),
                    (Content::Metrics(_), Some(drawn)) => {
                        let Some(answer) = answers.next() else { continue };
                        let (sql, frames) = self.drawn(board, drawn, names, answer, diagnostics);
                        panels.push(panel::panel(common, drawn, id, place, &sql, frames));
                    }
                    (Content::Metrics(_), None) => {}
                }
            }
        }
        panels
    }

    fn drawn(
        &self,
        board: &Board,
        drawn: &Drawn,
        names: &[String],
        mut answer: Query,
        diagnostics: &mut Diagnostics,
    ) -> (String, select::Frames) {
        variable::hide(&mut answer);
        let chosen: Vec<(&Choice, String)> =
            drawn.filtered.iter().map(|place| (&board.choices[*place], names[*place].clone())).collect();
        if !variable::put(&mut answer, &chosen) {
            let all: Vec<&str> = chosen.iter().map(|(choice, _)| choice.name.as_str()).collect();
            diagnostics.push(error!(E0828, drawn.span, "this panel can't be filtered by {}", all.join(", ");
                help: "leave the dimension out of `filter`"));
        }
        let (query, frames) = select::panel(drawn, answer, self.calendar);
        (self.text(&query, drawn.span, diagnostics), frames)
    }

    fn choices(&self, choice: &Choice, mut answer: Query, span: Span, diagnostics: &mut Diagnostics) -> String {
        variable::hide(&mut answer);
        let Some(step) = choice.values.step else { return String::new() };
        let query = select::choices(answer, &choice.column, step, self.calendar);
        self.text(&query, span, diagnostics)
    }

    /// The text of a query that reads back; in it nothing but what is ours is a variable of Grafana.
    fn text(&self, query: &Query, span: Span, diagnostics: &mut Diagnostics) -> String {
        let text = sql::to_text(query, &CLICKHOUSE);
        // A macro is no expression for a parser; an instant in its place is.
        let plain = text.replace("$__fromTime", "now()").replace("$__toTime", "now()");
        if let Err(error) = sql::reparse(&plain, &CLICKHOUSE) {
            diagnostics.push(error!(E0812, span, "a query of this panel does not read back: {error}"));
        }
        let other = plain.matches('$').count() != plain.matches(":percentencode}").count();
        if other || plain.contains("[[") {
            diagnostics
                .push(error!(E0828, span, "a name with `$` or `[[` in it can't be told from a variable of Grafana";
                help: "give the dimension or the column another name"));
        }
        text
    }
}

fn week_start(calendar: Calendar) -> &'static str {
    match calendar.week_start.0 {
        chrono::Weekday::Sun => "sunday",
        chrono::Weekday::Sat => "saturday",
        _ => "monday",
    }
}

/// A length of time that Grafana takes for `refresh`.
fn refresh(ms: i64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        seconds if seconds % 3_600 == 0 => format!("{}h", seconds / 3_600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

/// Where the panels of a row stand below `top`, and how high all of them are. As many as fit stand beside each other.
fn places(shown: &[Option<&Shown>], top: u32) -> (Vec<Json>, u32) {
    let heights: Vec<u32> = shown.iter().map(|shown| panel::height(shown.map(|shown| shown.form))).collect();
    let (mut places, mut y, mut at) = (Vec::new(), top, 0);
    while at < heights.len() {
        // Panels of one height stand in lines of one height.
        let alike = heights[at..].iter().take_while(|height| **height == heights[at]).count();
        let most = if heights[at] < 8 { 6 } else { 3 };
        let lines = alike.div_ceil(most);
        let in_line = alike.div_ceil(lines);
        let count = in_line.min(alike);
        let width = COLUMNS / u32::try_from(count).unwrap_or(COLUMNS).max(1);
        for place in 0..count {
            let x = width * u32::try_from(place).unwrap_or_default();
            places.push(json!({ "x": x, "y": y, "w": width, "h": heights[at] }));
        }
        y += heights[at];
        at += count;
    }
    (places, y - top)
}

/// More groups than can be drawn are told, by what the samples tell of dimensions.
fn check_groups(input: &Input, board: &Board, settings: &GrafanaTarget, diagnostics: &mut Diagnostics) {
    for drawn in board.panels.iter().flatten().flatten().filter(|drawn| drawn.shown.top.is_none()) {
        let Some(count) = groups(input, drawn) else { continue };
        if count > settings.max_series as f64 {
            diagnostics.push(error!(E0826, drawn.span, "this panel has about {count} groups, and {} may be at most", settings.max_series;
                help: "write `top 10`, take a dimension with fewer values, or raise `max_series` of the target"));
        }
    }
}

fn groups(input: &Input, drawn: &Drawn) -> Option<f64> {
    let scan = drawn.query.scans.first()?;
    let crate::plan::Source::Table(table) = &scan.source else { return None };
    let mut count = 1.0;
    for dimension in scan.dimensions.iter().flatten() {
        count *= input.statistics.values(dimension, *table, &scan.joins, &input.tables)?;
    }
    Some(count)
}
