//! The asked interval, and which of its buckets are not of whole data.

use crate::diagnostic::Diagnostics;
use crate::error;
use crate::plan::question::Question;
use crate::plan::{DataType, How, Marks, OutputColumn, Start, Step};
use crate::types::{MetricId, Origin, TableId};

use super::Lowering;

/// The name of the column of marks.
pub const PARTIAL: &str = "partial";

/// The asked interval.
#[derive(Clone, Debug, Default)]
pub(super) struct Limits {
    pub from: Option<i64>,
    pub to: Option<i64>,
    /// Whether its ends may cut buckets.
    pub exact: bool,
    /// Where `--from` and `--to` cut a bucket.
    pub cut: Vec<i64>,
    /// Buckets that end after this instant are not over.
    pub open: Option<i64>,
}

impl Lowering<'_> {
    /// The interval of a question in buckets of a step.
    pub(super) fn limits(&self, question: &Question, step: Option<Step>, d: &mut Diagnostics) -> Limits {
        let mut limits = Limits { from: question.from, to: question.to, ..Limits::default() };
        if question.cut && question.from.is_none() && question.to.is_none() {
            d.push(
                error!(E0967, None, "`--cut` has nothing to cut at"; help: "give `--from` or `--to`, or leave it out"),
            );
        }
        if step.is_some_and(Step::is_declared) {
            check_declared(question, d);
        }
        self.check_behaviour(question, d);
        self.check_windows(question, step, d);
        match question.cut {
            true => limits.cut = question.from.into_iter().chain(question.to).collect(),
            false => {
                limits.from = question.from.map(|from| self.bucket(step, from));
                limits.to = question.to.map(|to| self.bucket_end(step, to));
            }
        }
        if let Some(at) = question.as_of {
            self.as_of(at, question, step, &mut limits);
        }
        let whole = |at: &i64| self.bucket(step, *at) == *at;
        limits.cut.retain(|at| !whole(at));
        limits.exact = limits.from.iter().chain(&limits.to).any(|at| !whole(at));
        limits
    }

    /// The rows of a table of behaviour count at the start of what they belong to, whenever they came: no instant says which of its
    /// values are complete.
    fn check_behaviour(&self, question: &Question, d: &mut Diagnostics) {
        let options = [(question.cut, "`--cut`"), (question.as_of.is_some(), "`--as-of`")];
        let option = options.into_iter().find_map(|(asked, option)| asked.then_some(option));
        let of_behaviour = |table: &&TableId| matches!(self.model.table(**table).origin, Origin::Made(_));
        for (id, option) in question.metrics.iter().zip(option.into_iter().cycle()) {
            if self.tables_of(*id).iter().any(|table| of_behaviour(&table)) {
                d.push(error!(E0979, None, "`{}` is dated at the start of what rows belong to, and {option} is of the instants of rows", self.model.metrics[id.0].name.value;
                    help: "limit the starts by `--from` and `--to`"));
            }
        }
    }

    /// Whether the bucket of a start is published is told by its end, which of a declared calendar's step only its days know.
    fn check_windows(&self, question: &Question, step: Option<Step>, d: &mut Diagnostics) {
        let Some(step) = step.filter(|step| step.is_declared()) else { return };
        let has_windows = |table: &TableId| match &self.model.table(*table).origin {
            Origin::Made(made) => made.how.partial() == Some(false),
            _ => false,
        };
        let has_days = |table: &TableId| match &self.model.table(*table).origin {
            Origin::Made(made) => matches!(made.how, How::Segment(_)),
            _ => false,
        };
        for id in question.metrics.iter().filter(|id| self.tables_of(**id).iter().any(has_days)) {
            let name = &self.model.metrics[id.0].name.value;
            d.push(error!(E0974, None, "`{name}` is as of the first day of a bucket, and of {} only its days know it", step.text();
                help: "ask at a day, a week, a month, a quarter or a year"));
        }
        for id in question.metrics.iter().filter(|id| self.tables_of(**id).iter().any(has_windows)) {
            let name = &self.model.metrics[id.0].name.value;
            d.push(error!(E0974, None, "`{name}` shows buckets whose windows are over, and of {} that is not known", step.text();
                help: "ask at a day, a week, a month, a quarter or a year, or write `partial: true` in the funnel or conversion"));
        }
    }

    /// Ends the interval with what is complete at an instant, or with the instant itself where what is not shows too.
    fn as_of(&self, at: i64, question: &Question, step: Option<Step>, limits: &mut Limits) {
        let settled = at.saturating_sub(self.lateness(question));
        let end = if question.partial { at } else { self.bucket(step, settled) };
        let goes_on = limits.to.is_none_or(|to| to > settled);
        limits.open = (question.partial && (step.is_some() || goes_on)).then_some(settled);
        if limits.to.is_none_or(|to| to > end) {
            limits.cut.retain(|cut| *cut < end);
            limits.to = Some(end);
        }
        // Nothing is complete of an interval that begins later.
        if let (Some(from), Some(to)) = (limits.from, limits.to)
            && to <= from
        {
            let nowhere = Some(self.bucket(step, from));
            (limits.from, limits.to) = (nowhere, nowhere);
            limits.cut.clear();
        }
    }

    /// How late rows may come that the metrics of a question read, in milliseconds.
    fn lateness(&self, question: &Question) -> i64 {
        let tables = question.metrics.iter().flat_map(|id| self.tables_of(*id));
        let stored = tables.flat_map(|table| table.stored(&self.model.tables));
        stored.filter_map(|table| self.model.table(table).lateness).max().unwrap_or(0)
    }

    /// The column that tells which rows are not of whole data, where it is asked for.
    pub(super) fn marks(&self, question: &Question, limits: &Limits, starts: Vec<Start>) -> Option<Marks> {
        let column = OutputColumn { name: PARTIAL.to_owned(), ty: DataType::String, nullable: true, unit: None };
        let shown = question.marks || question.cut || question.partial;
        let starts = if question.marks { starts } else { Vec::new() };
        shown.then(|| Marks { column, cut: limits.cut.clone(), starts, open: limits.open })
    }

    fn bucket(&self, step: Option<Step>, ms: i64) -> i64 {
        step.map_or(ms, |step| step.bucket(ms, self.model.zone, self.model.week_start))
    }

    /// The end of the bucket that holds the last instant before `ms`.
    fn bucket_end(&self, step: Option<Step>, ms: i64) -> i64 {
        step.map_or(ms, |step| {
            let start = step.bucket(ms - 1, self.model.zone, self.model.week_start);
            step.next(start, self.model.zone, self.model.week_start)
        })
    }

    /// The tables that a metric reads, through the metrics it names.
    pub fn tables_of(&self, id: MetricId) -> &[TableId] {
        &self.model.facts[id.0].reads
    }
}

/// Where the buckets of a calendar begin and end only its days tell, which the plan does not know.
fn check_declared(question: &Question, d: &mut Diagnostics) {
    let ranked = question.top.is_some() && (question.from.is_some() || question.to.is_some());
    let options = [
        (question.cut, "`--cut`"),
        (question.as_of.is_some(), "`--as-of`"),
        (ranked, "`--top` with `--from` or `--to`"),
    ];
    for (_, option) in options.into_iter().filter(|(asked, _)| *asked) {
        d.push(error!(E0978, None, "{option} asks where buckets begin and end, and of a declared calendar only its days tell";
            help: "ask at a step of the calendar that all share, such as `--step 1d` or `--step month`, or leave it out"));
    }
}
