//! Checks of Deequ, by PyDeequ: a module with a function for each declaration.

use super::{Build, Checked, label};
use crate::emit::{Artifact, template};

pub fn files(build: &Build, checked: &[Checked]) -> Vec<Artifact> {
    let declarations: Vec<_> = checked.iter().filter(|of| !of.checks.is_empty()).map(declaration).collect();
    let origin = checked.iter().map(|of| of.ruled.name.clone()).collect();
    let values = minijinja::context! {
        made_by => build.made_by(),
        zone => build.input.zone.name(),
        declarations,
    };
    vec![build.artifact("checks.py", template::render("quality/deequ.py", values), origin)]
}

fn declaration(of: &Checked) -> minijinja::Value {
    let rules = of.checks.iter().enumerate().map(|(place, check)| {
        let bound = format!("{} {}", label(of.ruled, check.rule), check.rule.bound);
        minijinja::context! {
            column => format!("rule{place}"),
            name => label(of.ruled, check.rule),
            hint => bound,
            sql => check.sql.as_str(),
        }
    });
    let left_out = of.left_out.iter().map(|(rule, why)| {
        let why = super::one_line(why);
        minijinja::context! { name => super::one_line(&label(of.ruled, rule)), why }
    });
    minijinja::context! {
        name => of.ruled.name.as_str(),
        level => if of.ruled.severity.stops() { "Error" } else { "Warning" },
        rules => rules.collect::<Vec<_>>(),
        left_out => left_out.collect::<Vec<_>>(),
    }
}
