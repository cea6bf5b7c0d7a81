//! Verdicts as one page that needs nothing else.

use std::sync::OnceLock;

use minijinja::{AutoEscape, Environment, Value as Given, context};

use super::text::{verdict, worst};
use super::{Checked, consequence, shown};
use crate::quality::{Judged, Outcome, Verdict};
use crate::template;

const STYLE: &str =
    concat!(include_str!("../../../targets/site/style.css"), include_str!("../../../targets/site/verdicts.css"));
const PAGE: &str = include_str!("../../../targets/quality/page.html");

fn environment() -> &'static Environment<'static> {
    static MADE: OnceLock<Environment<'static>> = OnceLock::new();
    MADE.get_or_init(|| {
        template::environment(&[("page", PAGE)], |environment| {
            environment.set_auto_escape_callback(|_| AutoEscape::Html);
        })
    })
}

/// The page of all declarations.
pub fn page(project: &str, checked: &[Checked]) -> String {
    let groups: Vec<Given> = checked.iter().map(group).collect();
    template::render(
        environment(),
        "page",
        context! { project, style => Given::from_safe_string(STYLE.to_owned()), groups },
    )
}

fn group(checked: &Checked) -> Given {
    let quality = checked.quality;
    context! {
        name => quality.name.value.as_str(),
        title => quality.title.as_deref(),
        doc => quality.doc.as_deref(),
        owner => quality.owner.as_deref(),
        runbook => quality.runbook.as_deref(),
        on => checked.on,
        severity => quality.severity.word(),
        consequence => consequence(quality.severity),
        holds => !crate::quality::broken(&checked.outcomes),
        rules => checked.outcomes.iter().map(|outcome| rule(checked, outcome)).collect::<Vec<_>>(),
    }
}

fn rule(checked: &Checked, outcome: &Outcome) -> Given {
    let day = |judged: &Judged| {
        let why = match &judged.verdict {
            Verdict::NotJudged(why) => Some(why.clone()),
            _ => None,
        };
        context! {
            day => judged.day.to_string(),
            value => shown(checked.quality, outcome, judged.value),
            rows => judged.rows,
            verdict => judged.verdict.word(),
            class => class(&judged.verdict),
            why,
        }
    };
    context! {
        rule => outcome.rule.as_str(),
        bound => outcome.bound.as_str(),
        value => shown(checked.quality, outcome, worst(checked, outcome).and_then(|worst| worst.value)),
        verdict => verdict(outcome),
        class => match verdict(outcome) { "holds" => "good", "broken" => "bad", _ => "open" },
        broken => outcome.broken().count(),
        days => outcome.days.iter().map(day).collect::<Vec<_>>(),
    }
}

fn class(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "good",
        Verdict::Broken => "bad",
        Verdict::Nothing | Verdict::TooFew | Verdict::NotJudged(_) => "open",
    }
}
