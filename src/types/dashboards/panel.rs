//! Checking a panel: which metrics in which form, and whether its items make sense together.

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::suggest::near;
use crate::syntax::ast::{self, Path, WidgetOption, WidgetSubject, WidgetValue};
use crate::value::{Span as Length, Step};

use super::super::formula::length;
use super::super::items::output_step;
use super::super::{DimensionId, Grain, Metric, MetricId, Sensitivity, Serve, Type, Unit};
use super::check::{Checker, Defaults, no_step};
use super::{Content, Form, Shown};

const OPTIONS: &[&str] = &["step", "range", "compare", "title"];
/// More groups than anybody tells apart.
const MOST_GROUPS: u64 = 50;
const MOST_DIMENSIONS: usize = 3;
/// More points of a line than a screen has.
const MOST_POINTS: i64 = 5_000;
/// As many points as are still told apart, where nobody says how many there are.
const CLEAR_POINTS: i64 = 1_000;
const MINUTE_MS: i64 = 60_000;
/// Steps that people know, in milliseconds.
const USUAL_STEPS: [i64; 7] =
    [MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS, 60 * MINUTE_MS, 180 * MINUTE_MS, 360 * MINUTE_MS];

/// What the options of a panel say.
#[derive(Default)]
struct Options {
    step: Option<Spanned<Step>>,
    range: Option<Spanned<Length>>,
    compare: Option<Spanned<Length>>,
    title: Option<String>,
}

impl Checker<'_> {
    /// What a panel shows; none where something is wrong with it.
    #[allow(clippy::too_many_arguments)]
    pub fn panel(
        &self,
        form: &ast::Name,
        subject: &WidgetSubject,
        by: &[Path],
        top: Option<&Spanned<i64>>,
        options: &[WidgetOption],
        defaults: &Defaults,
        d: &mut Diagnostics,
    ) -> Option<Content> {
        let paths = match (form.as_str(), subject) {
            ("text", WidgetSubject::Text(text)) => {
                let more = by.first().map(|path| path.span).or(options.first().map(|option| option.name.span));
                if let Some(span) = more.or(top.map(|top| top.span)) {
                    d.push(error!(E0822, span, "words are shown as they are"; help: "write `text \"…\"` and nothing behind it"));
                    return None;
                }
                return Some(Content::Words(text.value.clone()));
            }
            (_, WidgetSubject::Metrics(paths)) => paths,
            (_, WidgetSubject::Text(text)) => {
                d.push(error!(E0822, text.span, "`{}` shows a metric, and these are words", form.value;
                    help: "name a metric, or write `text \"…\"`"));
                return None;
            }
        };
        let told = d.len();
        let form_of = self.form(form, d);
        let metrics = self.metrics(paths, d);
        let by = self.by(by, &metrics, d);
        let options = self.options(options, d);
        let top = top.and_then(|top| groups(top, d));
        let form_of = form_of?;
        self.check_form(form_of, form.span, &metrics, &by, top, &options, d);
        if d.len() > told {
            return None;
        }
        let range = options.range.as_ref().map(|range| range.value);
        let step = self.step(&metrics, &options, defaults, form.span, d)?;
        self.check_times(&metrics, step, &options, range.unwrap_or(defaults.range), form.span, d);
        (d.len() == told).then(|| {
            Content::Metrics(Shown {
                form: form_of,
                metrics: metrics.iter().map(|(id, _)| *id).collect(),
                by,
                top,
                step,
                range,
                compare: options.compare.map(|compare| compare.value),
                title: options.title,
            })
        })
    }

    fn form(&self, form: &ast::Name, d: &mut Diagnostics) -> Option<Form> {
        let found = Form::WORDS.iter().find(|(word, _)| *word == form.value).map(|(_, form)| *form);
        if found.is_none() {
            let words = || Form::WORDS.iter().map(|(word, _)| *word).chain(["text"]);
            let help = match near(form, words()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if form.value == "text" => "write the words in quotes: `text \"…\"`".to_owned(),
                None => format!("a panel is one of: {}", words().collect::<Vec<_>>().join(", ")),
            };
            d.push(error!(E0821, form.span, "there is no panel of the form `{}`", form.value; help: help));
        }
        found
    }

    fn metrics(&self, paths: &[Path], d: &mut Diagnostics) -> Vec<(MetricId, Span)> {
        let mut found: Vec<(MetricId, Span)> = Vec::new();
        for path in paths {
            let Some(id) = self.told.metric(path, None, path.span, d) else { continue };
            let metric = &self.told.model.metrics[id.0];
            if let Some((_, first)) = found.iter().find(|(known, _)| *known == id) {
                d.push(
                    error!(E0204, path.span, "the metric `{}` stands twice", metric.name.value; help: "keep one of them")
                        .related(*first, "first here"),
                );
            } else if metric.ty.sensitivity != Sensitivity::Public {
                // That it shows personal data was told at its declaration.
            } else if !is_number(metric) {
                d.push(
                    error!(E0824, path.span, "`{}` is no number, so it can't be drawn", metric.name.value;
                        help: "leave it out, or count what it tells")
                    .related(metric.name.span, "declared here"),
                );
            } else {
                found.push((id, path.span));
            }
        }
        found
    }

    fn by(&self, paths: &[Path], metrics: &[(MetricId, Span)], d: &mut Diagnostics) -> Vec<DimensionId> {
        let mut found: Vec<DimensionId> = Vec::new();
        for path in paths {
            let Some(id) = self.told.dimension(path, d) else { continue };
            if found.contains(&id) {
                d.push(error!(E0204, path.span, "the dimension `{path}` stands twice"; help: "keep one of them"));
            } else if metrics.iter().all(|(metric, _)| self.told.has_dimension(*metric, id, path.span, d)) {
                found.push(id);
            }
        }
        if let Some(path) = paths.get(MOST_DIMENSIONS) {
            d.push(error!(E0822, path.span, "a panel is by {MOST_DIMENSIONS} dimensions at most";
                help: "leave some out, or make several panels"));
        }
        found
    }

    fn options(&self, options: &[WidgetOption], d: &mut Diagnostics) -> Options {
        let mut found = Options::default();
        let mut seen: Vec<&ast::Name> = Vec::new();
        for option in options {
            let name = &option.name;
            if seen.iter().any(|known| known.value == name.value) {
                d.push(error!(E0204, name.span, "`{}` stands twice", name.value; help: "keep one of them"));
                continue;
            }
            seen.push(name);
            let time = |d: &mut Diagnostics| match &option.value {
                WidgetValue::Step(step) => {
                    length(&step.value, step.span, d).map(|length| Spanned::new(length, step.span))
                }
                WidgetValue::Text(text) => {
                    d.push(error!(E0823, text.span, "`{}` takes a length of time", name.value;
                        help: ("write `{} 1w`", name.value)));
                    None
                }
            };
            match (name.as_str(), &option.value) {
                ("title", WidgetValue::Text(text)) => found.title = Some(text.value.clone()),
                ("step", WidgetValue::Step(step)) => match output_step(&step.value) {
                    Some(known) => found.step = Some(Spanned::new(known, step.span)),
                    None => d.push(no_step(step.span)),
                },
                ("range", _) => found.range = time(d),
                ("compare", _) => found.compare = time(d),
                ("title" | "step", _) => {
                    d.push(error!(E0822, name.span, "`{}` does not take this value", name.value;
                        help: "write `step 1d`, and `title \"…\"`"));
                }
                _ => {
                    let help = match near(name, OPTIONS.iter().copied()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("behind the metrics stand `by`, `top`, {}", OPTIONS.join(", ")),
                    };
                    d.push(error!(E0822, name.span, "a panel has no `{}`", name.value; help: help));
                }
            }
        }
        found
    }

    /// Whether what is written makes sense in this form.
    #[allow(clippy::too_many_arguments)]
    fn check_form(
        &self,
        form: Form,
        span: Span,
        metrics: &[(MetricId, Span)],
        by: &[DimensionId],
        top: Option<u64>,
        options: &Options,
        d: &mut Diagnostics,
    ) {
        let word = form.word();
        let mut wrong = |said: String, help: &str| d.push(error!(E0822, span, "{said}"; help: help));
        match form {
            Form::Card if !by.is_empty() => {
                wrong("a card shows one number, of all rows".to_owned(), "write `bar … by …` or `table … by …`");
            }
            Form::Stacked | Form::Share if by.is_empty() => {
                wrong(
                    format!("`{word}` shows the parts of a whole, and this one has no `by`"),
                    "write `by channel` behind the metric",
                );
            }
            Form::Share if by.len() > 1 => {
                wrong("the parts of a share are told apart by one dimension".to_owned(), "keep one of them");
            }
            _ => {}
        }
        if metrics.len() > 1 && (form == Form::Card || !by.is_empty() && form != Form::Table) {
            let help =
                if form == Form::Card { "make a card of each" } else { "make a panel of each, or a table of all" };
            wrong(format!("`{word}` shows one metric here, and {} are named", metrics.len()), help);
        }
        if top.is_some() && by.is_empty() {
            wrong(
                "`top` is of groups, and there is no `by`".to_owned(),
                "write `by channel top 10`, or leave `top` out",
            );
        }
        let compares = matches!(form, Form::Card | Form::Line | Form::Area) && by.is_empty() && metrics.len() <= 1;
        if options.compare.is_some() && !compares {
            wrong(
                "only a card, a line or an area of one metric without `by` is compared".to_owned(),
                "leave `compare` out",
            );
        }
        if matches!(form, Form::Stacked | Form::Share)
            && let Some((id, at)) = metrics.first()
            && let Some(metric) = self.told.model.metrics.get(id.0).filter(|metric| is_ratio(metric))
        {
            d.push(
                error!(E0824, *at, "`{}` is a ratio: those of groups are no parts of a whole", metric.name.value;
                    help: "draw it as `line` or `bar`")
                .related(metric.name.span, "declared here"),
            );
        }
    }

    /// The length of the buckets: as written, that of the dashboard, or the finest grain that all metrics have, unless that were more buckets
    /// than can be drawn; a day where they have none.
    fn step(
        &self,
        metrics: &[(MetricId, Span)],
        options: &Options,
        defaults: &Defaults,
        span: Span,
        d: &mut Diagnostics,
    ) -> Option<Step> {
        if let Some(step) = options.step.as_ref().map(|step| step.value).or(defaults.step) {
            return Some(step);
        }
        let of = |id: &MetricId| {
            self.told.model.metrics[id.0].grain.iter().filter_map(|grain| match grain {
                Grain::Step(step) if !matches!(step, Step::Declared(_)) => Some(*step),
                _ => None,
            })
        };
        // What has no step of its own is shown at any.
        let grained: Vec<&MetricId> = metrics.iter().map(|(id, _)| id).filter(|id| of(id).next().is_some()).collect();
        let Some((first, others)) = grained.split_first() else { return Some(Step::Day) };
        let found = of(first).filter(|step| others.iter().all(|id| of(id).any(|own| own == *step))).min();
        if found.is_none() {
            d.push(error!(E0823, span, "these metrics have no grain in common that a panel could take";
                help: "write `step 1d` behind them: the length of the buckets"));
        }
        let range = options.range.as_ref().map_or(defaults.range, |range| range.value);
        let one_alone = metrics.iter().any(|(id, _)| self.told.model.facts[id.0].only.is_some());
        found.map(|step| if one_alone { step } else { drawable(step, range) })
    }

    fn check_times(
        &self,
        metrics: &[(MetricId, Span)],
        step: Step,
        options: &Options,
        range: Length,
        form: Span,
        d: &mut Diagnostics,
    ) {
        for (id, span) in metrics {
            if !self.told.has_buckets(*id, step, *span, d) {
                continue;
            }
            let metric = &self.told.model.metrics[id.0];
            if let Some(finest) = finest(&metric.serve).filter(|finest| step < *finest) {
                d.push(
                    error!(E0823, *span, "`{}` is served every {} only, and this panel has steps of {}", metric.name.value, finest.text(), step.text();
                        help: ("write `step {}`, or serve the metric more often", finest.text()))
                    .related(metric.name.span, "the metric"),
                );
            }
        }
        if let Some(compare) = options.compare.as_ref().filter(|compare| !compare.value.maps(step)) {
            d.push(error!(E0823, compare.span, "{} before a bucket of {} lies no such bucket", compare.value.text(), step.text();
                help: "compare with whole buckets: `compare 1w` of days, `compare 1year` of months"));
        }
        let at = options.range.as_ref().map_or(form, |range| range.span);
        let (shown, bucket) = (milliseconds(range), milliseconds(whole(step)));
        if shown < bucket {
            d.push(error!(E0823, at, "{} are shorter than a bucket of {}", range.text(), step.text();
                help: ("show more: `range {}`", whole(step).times(30).text())));
        } else if shown / bucket > MOST_POINTS {
            d.push(error!(E0823, at, "{} have {} buckets of {}, more than can be drawn", range.text(), shown / bucket, step.text();
                help: "take a longer `step` or a shorter `range` for this panel"));
        }
    }
}

/// The step itself, or the finest of the usual ones made of it with which a range can be drawn.
fn drawable(step: Step, range: Length) -> Step {
    let Step::Subday(fine) = step else { return step };
    let range = milliseconds(range);
    if range / fine <= MOST_POINTS {
        return step;
    }
    let coarser = USUAL_STEPS.iter().copied().find(|ms| ms % fine == 0 && range / ms <= CLEAR_POINTS);
    coarser.map_or(Step::Day, Step::Subday)
}

/// `top 10`
fn groups(top: &Spanned<i64>, d: &mut Diagnostics) -> Option<u64> {
    let found = u64::try_from(top.value).ok().filter(|count| (1..=MOST_GROUPS).contains(count));
    if found.is_none() {
        d.push(error!(E0822, top.span, "a panel shows 1 to {MOST_GROUPS} groups"; help: "write `top 10`"));
    }
    found
}

/// The finest step at which a metric is served; none where any is.
fn finest(serve: &[Serve]) -> Option<Step> {
    let of = |serve: &Serve| match serve {
        Serve::Live => None,
        Serve::Stream(step) => Some(*step),
        Serve::Hourly => Some(Step::Subday(3_600_000)),
        Serve::Daily => Some(Step::Day),
    };
    if serve.contains(&Serve::Live) { None } else { serve.iter().filter_map(of).min() }
}

/// A bucket of a step as a length of time.
fn whole(step: Step) -> Length {
    match step {
        Step::Subday(ms) => Length::Milliseconds(ms),
        Step::Day => Length::Days(1),
        Step::Week => Length::Days(7),
        Step::Month => Length::Months(1),
        Step::Quarter => Length::Months(3),
        Step::Year | Step::Declared(_) => Length::Months(12),
    }
}

/// About how long a length of time is, in milliseconds.
fn milliseconds(length: Length) -> i64 {
    const DAY_MS: i64 = 86_400_000;
    match length {
        Length::Milliseconds(ms) => ms,
        Length::Days(days) => days.saturating_mul(DAY_MS),
        Length::Months(months) => months.saturating_mul(30 * DAY_MS),
        Length::Bucket(_) => 366 * DAY_MS,
    }
}

fn is_number(metric: &Metric) -> bool {
    matches!(metric.ty.ty, Type::Int | Type::Float | Type::Decimal { .. } | Type::Duration)
}

fn is_ratio(metric: &Metric) -> bool {
    metric.ty.unit.as_ref().is_some_and(Unit::is_none)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fine_grain_over_a_long_time_is_drawn_by_a_usual_step() {
        let minutes = |count: i64| Step::Subday(count * MINUTE_MS);
        for (step, range, drawn) in [
            (minutes(1), Length::Days(1), minutes(1)),
            (minutes(1), Length::Days(30), minutes(60)),
            (minutes(1), Length::Months(12), Step::Day),
            (minutes(10), Length::Days(60), minutes(180)),
            (minutes(60), Length::Days(30), minutes(60)),
            (minutes(480), Length::Months(120), Step::Day),
            (Step::Day, Length::Months(120), Step::Day),
        ] {
            assert_eq!(drawable(step, range), drawn, "{step:?} over {range:?}");
        }
    }
}
