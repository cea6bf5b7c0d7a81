//! What a report asks for: a period and those that it is compared with, and one question for all metrics of each kind of groups.

use crate::plan::{AskedStep, Question};
use crate::types::{By, DimensionId, MetricId, Model, Report};
use crate::value::{Span, Step};

use super::parts::{Parts, add_part};

/// A period: a day, week, month, quarter or year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its first instant, in milliseconds since 1970 UTC.
    pub start: i64,
    /// The first instant behind it.
    pub end: i64,
}

impl Period {
    /// The one of a report that holds an instant.
    pub fn holding(ms: i64, every: Step, model: &Model) -> Period {
        let start = every.bucket(ms, model.zone, model.week_start);
        Period { start, end: every.next(start, model.zone, model.week_start) }
    }

    /// The one so long before it.
    pub fn before(self, length: Span, every: Step, model: &Model) -> Period {
        Period::holding(length.before(self.start, model.zone), every, model)
    }
}

/// How many periods before the one that is told a series shows.
pub fn shown(every: Step) -> i64 {
    match every {
        Step::Day => 28,
        Step::Week | Step::Month => 13,
        Step::Quarter => 9,
        _ => 6,
    }
}

/// How many earlier periods a value is held against, how far apart they are, and how few would say too little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Season {
    /// From one of them to the next.
    pub every: Span,
    /// How many there are at most.
    pub most: i64,
}

/// Fewer periods than this say nothing of what is usual.
pub const FEWEST: usize = 4;

/// What is usual for a period: the same days of the week before, or the periods before.
pub fn season(every: Step) -> Season {
    match every {
        Step::Day => Season { every: Span::Days(7), most: 8 },
        Step::Week => Season { every: Span::Days(7), most: 8 },
        Step::Month => Season { every: Span::Months(1), most: 12 },
        Step::Quarter => Season { every: Span::Months(3), most: 8 },
        _ => Season { every: Span::Months(12), most: 6 },
    }
}

/// A step back, as a length.
fn one(every: Step) -> Span {
    match every {
        Step::Week => Span::Days(7),
        Step::Month => Span::Months(1),
        Step::Quarter => Span::Months(3),
        Step::Year => Span::Months(12),
        _ => Span::Days(1),
    }
}

/// A question of a report, and what it is for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The question: its metrics are those of the [`Plan`]'s model.
    pub question: Question,
    /// The groups; none for the whole.
    pub dimension: Option<DimensionId>,
    /// The period; none for the series.
    pub period: Option<Period>,
}

/// A metric of a report, with its parts.
#[derive(Clone, Debug)]
pub struct Told {
    /// It.
    pub metric: MetricId,
    /// How its groups make it up, before any dimension is known.
    pub parts: Parts,
    /// Numerator and denominator, where it is a quotient.
    pub quotient: Option<(MetricId, MetricId)>,
}

/// What a report asks for.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The model, with the parts of metrics behind its own.
    pub model: Model,
    /// The period that is told.
    pub period: Period,
    /// What it is compared with, in the order of the report.
    pub compare: Vec<Period>,
    /// The metrics, in the order of the report, and behind them those of its structure alone.
    pub metrics: Vec<Told>,
    /// All questions.
    pub asks: Vec<Ask>,
}

/// What a report of a model asks for to tell of a period.
pub fn plan(model: &Model, report: &Report, period: Period) -> Plan {
    let mut model = model.clone();
    let compare: Vec<Period> =
        report.compare.iter().map(|length| period.before(*length, report.every, &model)).collect();
    let mut metrics: Vec<Told> = Vec::new();
    let structured = report.structure.iter().map(|(metric, _)| *metric);
    for metric in report.metrics.iter().copied().chain(structured) {
        if metrics.iter().all(|known| known.metric != metric) {
            let parts = Parts::of(&model, metric);
            metrics.push(Told { metric, parts, quotient: None });
        }
    }
    for (place, told) in metrics.iter_mut().enumerate() {
        if let Parts::Ratio(of) = told.parts.clone() {
            let mut add = |word: &str, sum| add_part(&mut model, told.metric, format!("{place}/{word}"), sum);
            told.quotient = Some((add("numerator", &of.numerator), add("denominator", &of.denominator)));
        }
    }
    let asks = asks(&model, report, period, &compare, &metrics);
    Plan { model, period, compare, metrics, asks }
}

fn asks(model: &Model, report: &Report, period: Period, compare: &[Period], metrics: &[Told]) -> Vec<Ask> {
    let every = report.every;
    let parts = |told: &Told| told.quotient.iter().flat_map(|(a, b)| [*a, *b]).collect::<Vec<_>>();
    let whole: Vec<MetricId> = metrics.iter().map(|told| told.metric).chain(metrics.iter().flat_map(parts)).collect();
    let question = |metrics: Vec<MetricId>, by: Option<DimensionId>, from: i64, to: i64| Question {
        step: AskedStep::Step(every),
        by: by.map(By::Dimension).into_iter().collect(),
        from: Some(from),
        to: Some(to),
        ..Question::of(metrics)
    };
    let season = season(every);
    let oldest = [one(every).times(shown(every)), season.every.times(season.most)];
    let from = oldest.into_iter().map(|length| period.before(length, every, model).start).min();
    let from = from.unwrap_or(period.start);
    let mut asks =
        vec![Ask { question: question(whole.clone(), None, from, period.end), dimension: None, period: None }];
    // What lies within the series is not asked for again.
    for earlier in compare.iter().filter(|earlier| earlier.start < from) {
        let question = question(whole.clone(), None, earlier.start, earlier.end);
        asks.push(Ask { question, dimension: None, period: Some(*earlier) });
    }
    let explained = report.explain.iter().flat_map(|explain| explain.by.iter().copied());
    let mut dimensions: Vec<DimensionId> = Vec::new();
    for dimension in explained.chain(report.structure.iter().map(|(_, dimension)| *dimension)) {
        if !dimensions.contains(&dimension) {
            dimensions.push(dimension);
        }
    }
    for dimension in dimensions {
        let is_asked = |told: &&Told| {
            let explained =
                report.metrics.contains(&told.metric) && report.explained_by(model, told.metric).contains(&dimension);
            explained || report.structure.contains(&(told.metric, dimension))
        };
        let asked: Vec<&Told> = metrics.iter().filter(is_asked).collect();
        if asked.is_empty() {
            continue;
        }
        let all: Vec<MetricId> =
            asked.iter().flat_map(|told| std::iter::once(told.metric).chain(parts(told))).collect();
        for at in std::iter::once(period).chain(compare.first().copied()) {
            let question = question(all.clone(), Some(dimension), at.start, at.end);
            asks.push(Ask { question, dimension: Some(dimension), period: Some(at) });
        }
    }
    asks
}
