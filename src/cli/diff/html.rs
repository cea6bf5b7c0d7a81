//! A page of its own: it needs no server, no network and no other file.

use minijinja::{AutoEscape, Value, context};

use super::evidence::{self, Evidence};
use super::markdown::diff_lines;
use super::{Report, text};
use crate::change::diff::{At, Class, Entry, Field};
use crate::change::effect::Effect;
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

/// Rows on which both versions disagree, and what the difference does to data, with a picture.
fn of_evidence(one: &Evidence) -> Value {
    let witness = one.witness.as_ref().map(|searched| match searched {
        Ok(Searched::Found(witness)) => of_witness(witness),
        other => context! { none => evidence::none_found(other) },
    });
    let effect = one.effect.as_ref().map(|effect| match effect {
        Ok(effect) => of_effect(effect, &one.title),
        Err(why) => context! { failed => why },
    });
    context! { title => &one.title, witness => witness, effect => effect }
}

fn of_witness(witness: &Witness) -> Value {
    let given = witness.given.iter().map(|given| {
        let cell = |cell: &Option<String>| cell.clone().unwrap_or_default();
        let rows: Vec<Vec<String>> = given.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        context! { table => &given.table, columns => &given.columns, rows => rows }
    });
    let values = witness.values.iter().map(|one| {
        let time = one.time.clone().unwrap_or_else(|| "all".to_owned());
        vec![time, evidence::shown(&one.old), evidence::shown(&one.new)]
    });
    context! { given => given.collect::<Vec<_>>(), values => values.collect::<Vec<_>>() }
}

fn of_effect(effect: &Effect, title: &str) -> Value {
    let picture = effect.drawn.as_ref().filter(|_| effect.moved() > 0).and_then(|drawn| plot::plot(drawn, title).ok());
    let slices = effect.slices.iter().map(|slice| {
        let mut row = vec![slice.dimension.clone()];
        row.extend(evidence::cells(&slice.compared));
        row
    });
    let buckets: Vec<Vec<String>> = effect.worst(evidence::BUCKETS).into_iter().map(evidence::cells).collect();
    let shares = effect.shares.iter().map(|share| vec![share.edit.clone(), evidence::number(Some(share.adds))]);
    context! {
        summary => evidence::summary(effect),
        picture => picture.map(Value::from_safe_string),
        buckets => if effect.drawn.is_some() { buckets } else { Vec::new() },
        slices => slices.collect::<Vec<_>>(),
        more_slices => effect.more_slices,
        shares => shares.collect::<Vec<_>>(),
        inseparable => effect.inseparable.then_some(evidence::INSEPARABLE),
    }
}
