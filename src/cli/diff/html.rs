//! A page of its own: it needs no server, no network and no other file.

use minijinja::{AutoEscape, Value, context};

use super::evidence::{self, Evidence};
use super::markdown::diff_lines;
use super::{Report, text};
use crate::change::diff::{At, Class, Entry, Field};
use crate::change::effect::{Effect, Slice};
use crate::change::witness::{Searched, Witness};
use crate::diagnostic::render::visible;
use crate::table::plot;
use crate::{site, template};

const TEMPLATE: &str = include_str!("../../../targets/site/diff.html");

/// All of it.
pub fn render(report: &Report<'_>) -> String {
    let environment = template::environment(&[("diff", TEMPLATE)], |environment| {
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.set_formatter(|out, _, value| {
            let text = value.to_string();
            out.write_str(&if value.is_safe() { text } else { site::escaped(&visible_lines(&text)) })
                .map_err(Into::into)
        });
    });
    let counts: Vec<Value> = (Class::ALL.into_iter())
        .map(|class| (class, report.count(class)))
        .filter(|(_, (metrics, others))| metrics + others > 0)
        .map(|(class, (metrics, others))| context! { class => class.word(), metrics => metrics, others => others })
        .collect();
    let mut entries = of_project(report);
    for class in Class::ALL {
        entries.extend(report.told(class).enumerate().map(|(place, entry)| of_entry(entry, place == 0)));
    }
    let moved = Class::ALL.into_iter().flat_map(|class| report.moved(class));
    let moved: Vec<Value> = moved
        .map(|entry| {
            let way = entry.direction.as_ref().map(|one| text::way(one.falls));
            context! { kind => entry.kind.word(), title => entry.title(), class => entry.class.word(), way => way, via => entry.via.join(", ") }
        })
        .collect();
    let built = report.built.as_ref().map(|built| {
        let one = |one: &super::Built| context! { target => &one.target, state => one.state, kind => one.kind, name => &one.name, todo => one.todo(), of => one.of.join(", ") };
        built.iter().map(one).collect::<Vec<Value>>()
    });
    template::render(
        &environment,
        "diff",
        context! {
            style => Value::from_safe_string(site::STYLE.to_owned()),
            base => &report.base,
            head => &report.head,
            counts => counts,
            entries => entries,
            moved => moved,
            built => built,
            evidence => report.evidence.all.iter().map(of_evidence).collect::<Vec<_>>(),
            left_out => (report.evidence.left_out > 0).then(|| evidence::left_out(&report.evidence)),
        },
    )
}

/// A text whose hidden letters are written out; its line breaks stay.
fn visible_lines(text: &str) -> String {
    text.split('\n').map(|line| visible(line).into_owned()).collect::<Vec<_>>().join("\n")
}

fn of_field(field: &Field) -> Value {
    context! { name => field.name(), class => field.class.word(), old => &field.old, new => &field.new }
}

/// What the configuration says otherwise.
fn of_project(report: &Report<'_>) -> Vec<Value> {
    if report.diff.project.is_empty() {
        return Vec::new();
    }
    let none: Vec<String> = Vec::new();
    vec![context! {
        first => false,
        class => Class::Caliber.word(),
        kind => "the",
        title => "project",
        state => "every metric moves with it",
        place => None::<String>,
        fields => report.diff.project.iter().map(of_field).collect::<Vec<_>>(),
        via => &none,
        direction => None::<String>,
        below => "",
        lines => &none,
    }]
}

fn of_entry(entry: &Entry, first: bool) -> Value {
    let text = |at: &Option<At>| at.as_ref().map_or_else(String::new, |at| format!("{}\n", at.text));
    let lines = diff_lines(&text(&entry.base), &text(&entry.head));
    let lines = lines.into_iter().map(|(sign, line)| {
        let how = match sign {
            '-' => "old",
            '+' => "new",
            _ => "same",
        };
        context! { how => how, text => format!("{sign}{line}") }
    });
    let at = entry.head.as_ref().or(entry.base.as_ref());
    let place = at.and_then(|at| at.place.as_ref()).map(|(file, line)| format!("{file}:{line}"));
    let direction = entry.direction.as_ref().map(|one| context! { way => text::way(one.falls), why => &one.why });
    context! {
        first => first,
        class => entry.class.word(),
        kind => entry.kind.word(),
        title => entry.title(),
        state => entry.state.word(),
        place => place,
        fields => entry.fields.iter().map(of_field).collect::<Vec<_>>(),
        via => &entry.via,
        direction => direction,
        below => text::below(&entry.downstream),
        lines => lines.collect::<Vec<_>>(),
    }
}

/// Rows on which both versions disagree, and what the difference does to data, with a picture: blocks, one below the other.
fn of_evidence(one: &Evidence) -> Value {
    let mut blocks = Vec::new();
    match &one.witness {
        Some(Ok(Searched::Found(witness))) => of_witness(witness, &mut blocks),
        Some(other) => blocks.push(text_block(&evidence::none_found(other))),
        None => {}
    }
    match &one.effect {
        Some(Ok(effect)) => of_effect(effect, &one.title, &mut blocks),
        Some(Err(why)) => blocks.push(text_block(&format!("not computed over data: {why}"))),
        None => {}
    }
    context! { title => &one.title, blocks => blocks }
}

fn text_block(text: &str) -> Value {
    context! { text => text }
}

/// A table of which so many columns are words, and the others numbers.
fn table_block(heads: &[&str], words: usize, rows: Vec<Vec<String>>) -> Value {
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    context! { heads => heads, words => words, rows => rows }
}

fn of_witness(witness: &Witness, blocks: &mut Vec<Value>) {
    blocks.push(text_block("both versions disagree on these rows:"));
    for given in &witness.given {
        let cell = |cell: &Option<String>| cell.clone().unwrap_or_default();
        let rows: Vec<Vec<String>> = given.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        let heads: Vec<&str> = given.columns.iter().map(String::as_str).collect();
        blocks.push(context! { name => &given.table });
        blocks.push(table_block(&heads, heads.len(), rows));
    }
    let values = witness.values.iter().map(|one| {
        let time = one.time.clone().unwrap_or_else(|| "all".to_owned());
        vec![time, evidence::shown(&one.old), evidence::shown(&one.new)]
    });
    blocks.push(table_block(&["Bucket", "Before", "After"], 1, values.collect()));
}

fn of_effect(effect: &Effect, title: &str, blocks: &mut Vec<Value>) {
    blocks.push(text_block(&format!("over data: {}", evidence::summary(effect))));
    let drawn = effect.drawn.as_ref().filter(|_| effect.moved() > 0);
    // The title says what it is.
    let named = drawn.map(|drawn| {
        let mut drawn = drawn.clone();
        drawn.columns.iter_mut().skip(drawn.keys).for_each(|column| "value".clone_into(&mut column.name));
        drawn
    });
    if let Some(picture) = named.and_then(|drawn| plot::plot(&drawn, title).ok()) {
        blocks.push(context! { picture => Value::from_safe_string(picture) });
    }
    let worst = effect.worst(evidence::BUCKETS);
    if worst.iter().any(|one| one.of.is_some()) {
        let rows = worst.into_iter().map(evidence::cells).collect();
        blocks.push(table_block(&["Bucket", "Before", "After", "Change"], 1, rows));
    }
    if !effect.slices.is_empty() {
        let row = |slice: &Slice| {
            let mut row = vec![slice.dimension.clone()];
            row.extend(evidence::cells(&slice.compared));
            row
        };
        let rows = effect.slices.iter().map(row).collect();
        blocks.push(table_block(&["Dimension", "Value", "Before", "After", "Change"], 2, rows));
    }
    if effect.more_slices > 0 {
        blocks.push(text_block(&format!("and {} more", effect.more_slices)));
    }
    if !effect.shares.is_empty() {
        let rows = effect.shares.iter().map(|share| vec![share.edit.clone(), evidence::number(Some(share.adds))]);
        blocks.push(table_block(&["Edit", "Adds, over all buckets"], 1, rows.collect()));
    }
    blocks.extend(effect.unshared.map(|why| text_block(&why.text())));
}
