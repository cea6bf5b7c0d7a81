//! A generated project in the dry run: its samples, its questions.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;

use metricc::dry_run::{Data, DryRun, Options};
use metricc::plan::{DataType, Value as PlanValue};
use metricc::table::Answer;

use super::front::{Front, errors};
use super::model::*;

/// Dry runs that were started, by zone and number of threads: starting one takes longer than most questions.
#[derive(Default)]
pub struct DryRuns(BTreeMap<(&'static str, usize), DryRun>);

impl DryRuns {
    /// A dry run that knows the rows of a project, by way of CSV samples in a folder.
    pub fn load(&mut self, project: &Project, front: &Front) -> Result<&DryRun, String> {
        // Rows in several partitions are put together in another order.
        let threads = if project.seed.is_multiple_of(4) { 3 } else { 1 };
        let run = match self.0.entry((project.zone.name(), threads)) {
            Entry::Occupied(started) => started.into_mut(),
            Entry::Vacant(place) => {
                let options = Options { threads: Some(threads), ..Options::new(project.zone) };
                place.insert(DryRun::new(options).map_err(|d| errors(&d))?)
            }
        };
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        if project.uses_calendar() {
            fs::write(folder.path().join("fiscal.csv"), super::fiscal::csv()).map_err(|error| error.to_string())?;
            let plan = front.tables.iter().find(|plan| plan.name == "fiscal").ok_or("the calendar is missing")?;
            run.register(plan, &Data::Samples(folder.path())).map_err(|d| errors(&d))?;
        }
        for table in &project.tables {
            let path = folder.path().join(format!("{}.csv", table.name));
            fs::write(path, table.csv(project.zone)).map_err(|error| error.to_string())?;
            let plan = front.tables.iter().find(|plan| plan.name == table.name).ok_or("a table is missing")?;
            run.register(plan, &Data::Samples(folder.path())).map_err(|d| errors(&d))?;
        }
        Ok(run)
    }
}

/// The answer of a question.
pub fn rows(run: &DryRun, front: &Front, project: &Project, question: &Question) -> Result<Vec<Vec<Value>>, String> {
    let answer = run.run(&front.plan(project, question)?).map_err(|d| errors(&d))?;
    Ok(values(&answer))
}

fn values(answer: &Answer) -> Vec<Vec<Value>> {
    let value = |(place, value): (usize, &PlanValue)| match (value, &answer.columns[place].ty) {
        (PlanValue::Null, _) => Value::Null,
        (PlanValue::Bool(b), _) => Value::Bool(*b),
        (PlanValue::Int(i), _) => Value::Int(*i),
        (PlanValue::Float(f), _) => Value::Float(*f),
        (PlanValue::Decimal(digits), DataType::Decimal { scale, .. }) => Value::Decimal(*digits, *scale),
        (PlanValue::Decimal(digits), _) => Value::Decimal(*digits, 0),
        (PlanValue::String(text), _) => Value::Str(text.clone()),
        (PlanValue::Date(days), _) => Value::Date(*days),
        (PlanValue::Timestamp(ms), _) => Value::Timestamp(*ms),
        (PlanValue::Duration(ms), _) => Value::Duration(*ms),
    };
    answer.rows.iter().map(|row| row.iter().enumerate().map(value).collect()).collect()
}
