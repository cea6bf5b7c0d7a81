//! The comparison of one metric, from its two questions to the report.

use crate::change::verify::report::{Report, words};
use crate::change::verify::{Calendar, Cell, KeyFault, Minimum, Number, Rules, Series, Side, compare};
use crate::cli::Stop;
use crate::diagnostic::Diagnostics;
use crate::error;
use crate::table::Answer;

use super::fetch::Fetcher;
use super::source::Source;
use super::wanted::Wanted;

/// One side.
pub struct SideOf<'a, 'p> {
    /// Where its values come from.
    pub source: &'a Source,
    /// Which values.
    pub wanted: Wanted<'p>,
    /// The same without dimensions, where slices do not add up and the source can tell.
    pub total: Option<Wanted<'p>>,
    /// It in words.
    pub label: String,
}

/// What is compared.
pub struct Compared<'a, 'p> {
    /// The metric's name.
    pub metric: String,
    /// What counts now.
    pub old: SideOf<'a, 'p>,
    /// What is compared with it.
    pub new: SideOf<'a, 'p>,
    /// The metric that weighs the slices, of the old side.
    pub volume: Option<Wanted<'p>>,
    /// By how much both may differ.
    pub tolerance: f64,
    /// In which range the difference is expected.
    pub expect: Option<(f64, f64)>,
    /// Which slices are judged one by one.
    pub minimum: Minimum,
    /// Only what is complete at this instant is judged.
    pub as_of: Option<i64>,
}

/// Fetches both sides and compares them.
pub fn report(compared: &Compared, fetcher: &mut Fetcher) -> Result<Report, Stop> {
    let Compared { old, new, volume, .. } = compared;
    let mut asked: Vec<(&Source, &Wanted)> = vec![(old.source, &old.wanted), (new.source, &new.wanted)];
    asked.extend(volume.iter().map(|volume| (old.source, volume)));
    asked.extend([old, new].into_iter().filter_map(|side| Some((side.source, side.total.as_ref()?))));
    let mut answers = fetcher.all(&asked)?.into_iter();
    let mut next =
        || answers.next().ok_or_else(|| Stop::from(error!(E0990, None, "a side has no answer"; help: "ask again")));
    let (left, right) = (next()?, next()?);
    let volumes = volume.as_ref().map(|_| next()).transpose()?;
    let mut series = [series(old, &left), series(new, &right)];
    for (series, side) in series.iter_mut().zip([old, new]) {
        if side.total.is_some() {
            let answer = next()?;
            *series = std::mem::take(series).with_totals(&answer, answer.keys);
        }
        if let Some(volumes) = &volumes {
            weigh(series, volumes);
        }
    }
    let query = &old.wanted.query;
    let additive = series.iter().all(|series| series.additive);
    let rules = Rules {
        tolerance: compared.tolerance,
        expect: compared.expect,
        minimum: compared.minimum,
        weigh: volume.is_some() && !additive,
        closed_at: compared.as_of.map(|at| at - old.wanted.lateness().max(new.wanted.lateness())),
        calendar: Calendar { zone: query.zone, week_start: query.week_start, step: query.step },
    };
    let [a, b] = &series;
    let comparison = compare(a, b, &rules).map_err(|faults| told(&compared.metric, faults, &rules.calendar))?;
    let column = left.columns.get(left.keys);
    Ok(Report {
        metric: compared.metric.clone(),
        unit: column.and_then(|column| column.unit.clone()),
        ty: column.map_or(crate::plan::DataType::Float, |column| column.ty.clone()),
        dimensions: a.dimensions.clone(),
        old: old.label.clone(),
        new: new.label.clone(),
        error: a.error.into_iter().chain(b.error).reduce(f64::max),
        rules,
        comparison,
        gate: None,
    })
}

fn series(side: &SideOf, answer: &Answer) -> Series {
    let made = Series::of(answer, &side.label, answer.keys, None);
    Series { additive: side.wanted.is_additive(), error: side.wanted.error(), ..made }
}

/// Gives each point the volume of its bucket and slice.
fn weigh(series: &mut Series, volumes: &Answer) {
    let volumes = Series::of(volumes, "", volumes.keys, None);
    let known: std::collections::BTreeMap<_, _> =
        volumes.points.iter().map(|point| ((point.bucket, &point.slice), &point.value)).collect();
    for point in &mut series.points {
        let volume = known.get(&(point.bucket, &point.slice)).and_then(|cell| Cell::number(cell));
        point.volume = Some(volume.map_or(0.0, |number| Number::as_f64(number).abs()));
    }
}

/// What is wrong with the keys of both sides.
fn told(metric: &str, faults: Vec<KeyFault>, calendar: &Calendar) -> Stop {
    const HELP: &str = "each bucket and slice must have one row; null is a value of a dimension with `else null` only";
    let side = |side: Side| format!("the {} side", side.word());
    let in_rows = |rows: usize| if rows == 1 { "in 1 row".to_owned() } else { format!("in {rows} rows") };
    let names = |names: &[String]| if names.is_empty() { "no dimension".to_owned() } else { names.join(", ") };
    let told = faults.into_iter().map(|fault| {
        let why = match fault {
            KeyFault::Dimensions { old, new } => {
                format!("the old side is by {}, the new side by {}", names(&old), names(&new))
            }
            KeyFault::Twice { side: of, bucket, slice, keys } => format!(
                "{} has several rows for {} of {}{}",
                side(of),
                words::slice(&slice),
                words::bucket(bucket, calendar),
                if keys > 1 { format!(", and for {} more", keys - 1) } else { String::new() }
            ),
            KeyFault::NullBucket { side: of, rows } => format!("{} has no time {}", side(of), in_rows(rows)),
            KeyFault::NullDimension { side: of, dimension, rows } => {
                format!("{} has null for `{dimension}` {}", side(of), in_rows(rows))
            }
            KeyFault::NoBucket { side: of, bucket } => {
                let at = crate::table::form::timestamp_short(bucket, calendar.zone);
                format!("{} has a bucket at {at}, where none begins", side(of))
            }
        };
        error!(E0990, None, "`{metric}` can't be compared: {why}"; help: HELP)
    });
    let diagnostics: Diagnostics = told.collect();
    Stop::Found { sources: Box::default(), root: ".".into(), diagnostics }
}
