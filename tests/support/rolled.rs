//! Every rollup against its source: each of its states, at each of its steps, by all of its dimensions.

use metricc::emit::{Emitted, Input};
use metricc::plan::{
    Aggregate, DataType, Expr, ExprKind, Measure, MeasureId, MetricOutput, OutputColumn, Query, Ratio, Step,
};
use metricc::rollup::{self, Part, Rollup, State};
use metricc::sql::{self, CLICKHOUSE, Layer, Read, Stored};
use sqlparser::ast::{Ident, ObjectName};

use super::answers::{Rows, clickhouse, equal};
use super::clickhouse::Session;

/// An estimate is within this share.
const APPROXIMATE: f64 = 0.02;

/// What is wrong, a line a rollup and step; and how many were looked at.
pub fn differences(session: &Session, input: &Input, emitted: &Emitted) -> (Vec<String>, usize) {
    let questions = input.metrics.iter().map(|metric| (&metric.query, metric.asked()));
    let rollups = rollup::plan(questions, &input.statistics, rollup::Streams::plain()).rollups;
    let steps = rollups.iter().flat_map(|rollup| rollup.steps.iter().map(move |step| (rollup, *step)));
    let steps: Vec<(&Rollup, Step)> = steps.collect();
    let told = emitted.details["rollups"].as_array().expect("a list");
    assert_eq!(told.len(), steps.len(), "the plan is the one that was built");
    let mut wrong = Vec::new();
    for ((rollup, step), told) in steps.iter().zip(told) {
        let name = told["table"].as_str().expect("a name");
        assert_eq!(told["step"].as_str(), Some(step.text().as_str()), "{name}");
        if let Err(error) = compare(session, input, rollup, *step, name) {
            wrong.push(format!("{name}: {error}"));
        }
    }
    (wrong, steps.len())
}

fn compare(session: &Session, input: &Input, rollup: &Rollup, step: Step, name: &str) -> Result<(), String> {
    let query = question(rollup, &input.metrics[0].query, step);
    let columns = query.columns();
    let keys = columns.len() - query.metrics.len();
    let options = sql::Options::default();
    // All rows have a place in a rollup, whatever its states ask of them.
    let mut all = query.clone();
    all.scans[0].measures.push(Measure { filter: None, aggregate: Aggregate::CountRows, ty: DataType::Int });
    let source = sql::select(&all, &CLICKHOUSE, &options).map_err(|found| format!("{found:?}"))?;
    let table = ObjectName::from(name.split('.').map(|part| Ident::new(part.trim_matches('`'))).collect::<Vec<_>>());
    let read = [Read::Layers(vec![Layer::Stored(Stored { table, step, rollup, built: None, kept: None })])];
    let stored = sql::select_stored(&query, &CLICKHOUSE, &options, &read).map_err(|found| format!("{found:?}"))?;
    let rows = |select: &sqlparser::ast::Query| clickhouse(session, &sql::to_text(select, &CLICKHOUSE), &columns, keys);
    let (right, found) = (rows(&source)?, rows(&stored)?);
    same(rollup, &right, &found)
}

/// The values of all states.
fn same(rollup: &Rollup, right: &Rows, found: &Rows) -> Result<(), String> {
    for key in right.keys().chain(found.keys()) {
        let (Some([a]), Some([b])) = (right.get(key).map(Vec::as_slice), found.get(key).map(Vec::as_slice)) else {
            return Err(format!("{key:?}: {:?} is right, {:?} came", right.get(key), found.get(key)));
        };
        for (state, (a, b)) in rollup.states.iter().zip(a.iter().zip(b)) {
            let near = match state.part {
                // Of few values estimates are exact, but of many they depend on the order.
                Part::Digest => continue,
                Part::ApproxDistinct => APPROXIMATE,
                _ => 0.0,
            };
            if !equal(a, b, near) {
                return Err(format!("{key:?}, {state:?}: {a:?} is right, {b:?} came"));
            }
        }
    }
    Ok(())
}

/// The question for all states of a rollup.
fn question(rollup: &Rollup, like: &Query, step: Step) -> Query {
    let mut query = rollup.question(like, step);
    // What only groups inner values may have the name of a dimension.
    query.dimensions.iter_mut().enumerate().for_each(|(at, column)| column.name = format!("d{at}"));
    query.scans[0].measures = rollup.states.iter().map(measure).collect();
    query.metrics = query.scans[0]
        .measures
        .iter()
        .enumerate()
        .map(|(at, measure)| {
            let id = MeasureId { scan: 0, measure: at };
            let formula = Expr { kind: ExprKind::Measure(id), ty: measure.ty.clone(), nullable: true };
            let column = OutputColumn { name: format!("s{at}"), ty: measure.ty.clone(), nullable: true, unit: None };
            MetricOutput { column, formula, present: Vec::new(), fill: None }
        })
        .collect();
    query
}

fn measure(state: &State) -> Measure {
    let half = Ratio { numerator: 5, denominator: 10 };
    let number = |ty: &DataType| match ty {
        DataType::Int => DataType::Decimal { precision: 38, scale: 0 },
        DataType::Decimal { scale, .. } => DataType::Decimal { precision: 38, scale: *scale },
        other => other.clone(),
    };
    let mean = |ty: &DataType| if *ty == DataType::Duration { DataType::Duration } else { DataType::Float };
    let (aggregate, ty) = match (state.part, state.argument.clone()) {
        (_, None) => (Aggregate::CountRows, DataType::Int),
        (Part::Count, Some(x)) => (Aggregate::Count(x), DataType::Int),
        (Part::Distinct, Some(x)) => (Aggregate::Distinct(x), DataType::Int),
        (Part::ApproxDistinct, Some(x)) => (Aggregate::ApproxDistinct(x), DataType::Int),
        (Part::Sum, Some(x)) => (Aggregate::Sum(x.clone()), number(&x.ty)),
        (Part::Min, Some(x)) => (Aggregate::Min(x.clone()), x.ty),
        (Part::Max, Some(x)) => (Aggregate::Max(x.clone()), x.ty),
        (Part::Numbers, Some(x)) => (Aggregate::Quantile(x.clone(), half), mean(&x.ty)),
        (Part::Items, Some(x)) => (Aggregate::QuantileDisc(x.clone(), half), x.ty),
        (Part::Digest, Some(x)) => (Aggregate::ApproxQuantile(x.clone(), half), mean(&x.ty)),
        (Part::Variance, Some(x)) => (Aggregate::Variance(x), DataType::Float),
        (Part::First, Some(x)) => (Aggregate::First(x.clone()), x.ty),
        (Part::Last, Some(x)) => (Aggregate::Last(x.clone()), x.ty),
    };
    Measure { filter: Expr::all(state.filter.clone()), aggregate, ty }
}
