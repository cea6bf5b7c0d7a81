//! For a terminal: a table of what there is, then each declaration.

use super::super::ui::{self, Column, Paint};
use super::{Report, evidence, is_moved};
use crate::change::diff::{Below, Class, Entry, Field, State};
use crate::diagnostic::render::visible;
use crate::lineage::Kind;

/// As many names are written out; the others are counted.
const NAMES: usize = 8;

/// All of it.
pub fn render(report: &Report<'_>, paint: Paint) -> String {
    let mut text = paint.bold(&visible(&format!("{} → {}", report.base, report.head))) + "\n";
    if report.diff.class().is_none() {
        return text + "nothing means something else\n";
    }
    text += "\n";
    let rows = Class::ALL.into_iter().filter_map(|class| {
        let (metrics, others) = report.count(class);
        (metrics + others > 0).then(|| vec![class.word().to_owned(), metrics.to_string(), others.to_string()])
    });
    let columns = [Column::text("class"), Column::number("metrics"), Column::number("others")];
    text += &ui::table(&columns, rows.collect::<Vec<_>>());
    if !report.diff.project.is_empty() {
        text += &format!("\n{}  {}\n", class(Class::Caliber, paint), paint.bold("project"));
        report.diff.project.iter().for_each(|field| text += &of_field(field, paint));
        text += &line("moves", "every metric", paint);
    }
    for class in Class::ALL {
        report.told(class).for_each(|entry| text += &of_entry(entry, paint));
        text += &moved(report, class, paint);
    }
    text += &evidence::text(&report.evidence, paint);
    if let Some(built) = &report.built {
        text += &format!("\n{}\n", paint.bold("what the targets are given"));
        let rows = built.iter().map(|one| {
            vec![one.state.to_owned(), one.kind.to_owned(), one.name.clone(), one.todo(), one.of.join(", ")]
        });
        let heads = ["state", "what", "name", "to do", "for"];
        text += &if built.is_empty() {
            "the same\n".to_owned()
        } else {
            ui::table(&heads.map(Column::text), rows.collect::<Vec<_>>())
        };
    }
    text
}

/// `2 breaking, 5 caliber` for the end of a run.
pub fn summary(report: &Report<'_>) -> String {
    let counts = Class::ALL.into_iter().filter_map(|class| {
        let (metrics, others) = report.count(class);
        (metrics + others > 0).then(|| format!("{} {}", metrics + others, class.word()))
    });
    let counts: Vec<String> = counts.collect();
    match (counts.is_empty(), report.diff.project.is_empty()) {
        (true, true) => "no difference".to_owned(),
        _ => counts.join(", "),
    }
}

fn class(class: Class, paint: Paint) -> String {
    let word = format!("{:10}", class.word());
    match class {
        Class::Breaking => paint.red(&word),
        Class::Caliber => paint.yellow(&word),
        Class::Compatible => paint.green(&word),
        Class::Cosmetic => paint.dim(&word),
    }
}

fn line(what: &str, text: &str, paint: Paint) -> String {
    format!("    {} {}\n", paint.dim(&format!("{what:16}")), visible(text))
}

/// A declaration with its fields.
fn of_entry(entry: &Entry, paint: Paint) -> String {
    let place = entry.head.as_ref().or(entry.base.as_ref()).and_then(|at| at.place.as_ref());
    let place = place.map_or_else(String::new, |(file, line)| format!("  {file}:{line}"));
    let state = match entry.state {
        State::Changed | State::Moved => String::new(),
        state => format!("  ({})", state.word()),
    };
    let mut text = format!(
        "\n{}  {} {}{state}{}\n",
        class(entry.class, paint),
        entry.kind.word(),
        paint.bold(&visible(&entry.title())),
        paint.dim(&visible(&place))
    );
    entry.fields.iter().for_each(|field| text += &of_field(field, paint));
    if !entry.via.is_empty() {
        text += &line("via", &listed(&entry.via), paint);
    }
    if let Some(direction) = &entry.direction {
        text += &line("direction", &format!("can only {}: {}", way(direction.falls), direction.why), paint);
    }
    if !entry.downstream.is_empty() {
        text += &line("downstream", &below(&entry.downstream), paint);
    }
    text
}

/// Which way a value goes.
pub fn way(falls: bool) -> &'static str {
    if falls { "fall" } else { "rise" }
}

fn of_field(field: &Field, paint: Paint) -> String {
    let name = field.name();
    let one = |text: &str| visible(text).into_owned();
    let told = match (&field.old, &field.new) {
        (Some(old), Some(new)) => format!("{} → {}", paint.red(&one(old)), paint.green(&one(new))),
        (Some(old), None) => format!("{} {}", paint.red(&one(old)), paint.dim("removed")),
        (None, Some(new)) => format!("{} {}", paint.green(&one(new)), paint.dim("added")),
        (None, None) => String::new(),
    };
    format!("    {} {told}\n", paint.dim(&format!("{:16}", visible(&name))))
}

/// Those of a class that only move with others, in one table.
fn moved(report: &Report<'_>, of: Class, paint: Paint) -> String {
    let all: Vec<&Entry> = report.moved(of).collect();
    if all.is_empty() {
        return String::new();
    }
    let rows = all.iter().map(|entry| {
        let direction = entry.direction.as_ref().map_or("", |direction| way(direction.falls));
        vec![entry.kind.word().to_owned(), entry.title(), direction.to_owned(), listed(&entry.via)]
    });
    let heads = ["what", "moves", "can only", "via"];
    let table = ui::table(&heads.map(Column::text), rows.collect::<Vec<_>>());
    format!("\n{}  {}\n{table}", class(of, paint), paint.bold("what moves with it"))
}

/// The first few of some names.
pub fn listed(names: &[String]) -> String {
    let shown = names.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > NAMES { format!("{shown} and {} more", names.len() - NAMES) } else { shown }
}

/// What is made of something, by kind: `metrics dau, wau; tests 2`.
pub fn below(all: &[Below]) -> String {
    let mut parts = Vec::new();
    for group in all.chunk_by(|a, b| a.kind == b.kind) {
        let names: Vec<String> = group.iter().map(|one| one.label.clone()).collect();
        parts.push(match group[0].kind {
            Kind::Test => format!("{} test{}", names.len(), if names.len() == 1 { "" } else { "s" }),
            kind => format!("{} {}", kind.word(), listed(&names)),
        });
    }
    parts.join("; ")
}

/// Whether a declaration has something to say of its own.
pub fn says(entry: &Entry) -> bool {
    !is_moved(entry)
}
