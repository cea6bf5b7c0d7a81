//! The parameters of tables of behaviour as terms.

use crate::value::{
    Ages, Attempts, CohortTable, Conversion, Credit, CreditModel, Exclusion, How, MeasuredBy, PathHow, PathRows, Role,
    Segment, SegmentDays, StepOrder, Within,
};

use super::meaning::step_term;
use super::normal::sorted;
use super::term::Term;

/// The parameters of a table, in a fixed order.
pub fn terms(how: &How) -> Vec<Term> {
    match how {
        How::Cohort { ages, of } => {
            let of = match of {
                CohortTable::Units => Term::name("units"),
                CohortTable::Cells => Term::name("cells"),
                CohortTable::Active(least) => Term::form("active", vec![number(i128::from(*least))]),
                CohortTable::Rows => Term::name("rows"),
            };
            vec![Term::name("cohort"), of, of_ages(ages)]
        }
        How::Attempts(attempts) => of_attempts(attempts),
        How::Conversion(conversion) => of_conversion(conversion),
        How::Attribution(attribution) => {
            let model = |model: &CreditModel| match model {
                CreditModel::TimeDecay(ms) => Term::form("time_decay", vec![Term::Duration(*ms)]),
                other => Term::name(other.name()),
            };
            let models = sorted(attribution.models.iter().map(model).collect());
            let parts = [of_within(attribution.within), Term::form("models", models), Term::Bool(attribution.valued)];
            std::iter::once(Term::name("attribution")).chain(parts).collect()
        }
        How::Paths(paths) => of_paths(paths),
        How::Experiment(experiment) => vec![
            Term::name("experiment"),
            Term::Duration(experiment.within),
            experiment.before.map_or(Term::Null, Term::Duration),
            Term::Bool(experiment.partial),
        ],
        How::Segment(segment) => of_segment(segment),
    }
}

fn number(value: i128) -> Term {
    Term::number(value, 0)
}

fn place(value: usize) -> Term {
    number(value as i128)
}

fn of_ages(ages: &Ages) -> Term {
    let Ages { every, rolling, until, partial } = ages;
    let rolling = rolling.map_or(Term::Null, Term::Duration);
    Term::form("ages", vec![step_term(*every), rolling, number(i128::from(*until)), Term::Bool(*partial)])
}

fn of_within(within: Within) -> Term {
    match within {
        Within::Elapsed(ms) => Term::form("within", vec![Term::Duration(ms)]),
        Within::Same(step) => Term::form("within same", vec![step_term(step)]),
    }
}

fn of_attempts(attempts: &Attempts) -> Vec<Term> {
    let Attempts { order, increasing, within, optional, overlaps, exclusions, roles, partial } = attempts;
    let order = match order {
        StepOrder::Ordered => "ordered",
        StepOrder::Strict => "strict",
        StepOrder::Any => "any",
    };
    let exclusion =
        |one: &Exclusion| Term::form("exclude", vec![place(one.after), place(one.before), Term::Bool(one.drop)]);
    let role = |role: &Role| match role {
        Role::Step(step) => Term::form("step", vec![place(*step)]),
        Role::Exclusion(exclusion) => Term::form("exclusion", vec![place(*exclusion)]),
        Role::Other => Term::name("other"),
        Role::End => Term::name("end"),
    };
    let roles = roles.iter().map(|roles| Term::form("rows", roles.iter().map(role).collect())).collect();
    let overlaps = overlaps.iter().map(|(a, b)| Term::form("overlap", vec![place(*a), place(*b)])).collect();
    vec![
        Term::name("attempts"),
        Term::name(order),
        Term::Bool(*increasing),
        of_within(*within),
        Term::form("optional", optional.iter().map(|one| Term::Bool(*one)).collect()),
        Term::form("overlaps", sorted(overlaps)),
        Term::form("exclusions", exclusions.iter().map(exclusion).collect()),
        Term::form("roles", roles),
        Term::Bool(*partial),
    ]
}

fn of_conversion(conversion: &Conversion) -> Vec<Term> {
    let Conversion { credit, within, matched, partial, pairs, per } = conversion;
    let credit = match credit {
        Credit::First => "first",
        Credit::Last => "last",
        Credit::Each => "each",
    };
    let words = vec![Term::name("conversion"), Term::name(credit), of_within(*within)];
    [words, [*matched, *partial, *pairs, *per].map(Term::Bool).to_vec()].concat()
}

fn of_paths(paths: &PathHow) -> Vec<Term> {
    let PathHow { of, session, depth, start, goal, merge } = paths;
    let of = match of {
        PathRows::Paths => "paths",
        PathRows::Nodes => "nodes",
        PathRows::Edges => "edges",
    };
    let names = |names: &[String]| sorted(names.iter().map(|name| Term::Text(name.clone())).collect());
    vec![
        Term::name("path"),
        Term::name(of),
        Term::Duration(*session),
        number(i128::from(*depth)),
        Term::form("start", names(start)),
        Term::form("goal", names(goal)),
        Term::Bool(*merge),
    ]
}

fn of_segment(segment: &Segment) -> Vec<Term> {
    let measure = |measured: &crate::value::Measured| {
        let by = match measured.by {
            MeasuredBy::Since => "since",
            MeasuredBy::Count => "count",
            MeasuredBy::Distinct => "distinct",
            MeasuredBy::Sum => "sum",
        };
        Term::form(by, measured.days.map(|days| number(i128::from(days))).into_iter().collect())
    };
    let days = match segment.days {
        SegmentDays::Asked => "asked",
        SegmentDays::All => "all",
    };
    vec![
        Term::name("segment"),
        Term::form("measures", segment.measures.iter().map(measure).collect()),
        segment.scores.map_or(Term::Null, |scores| number(i128::from(scores))),
        Term::name(days),
    ]
}
