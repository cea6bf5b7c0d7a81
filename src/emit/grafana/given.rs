//! What dashboards show, with its plans: a query a panel, in which the variables of the dashboard stand as texts that no value is.

use crate::diagnostic::{Diagnostics, Span};
use crate::plan::{AskedStep, Lowering, Query, Question};
use crate::rollup::Asked;
use crate::types::alerts::{Bound, Comparison, Condition, Subject as Watched, Test};
use crate::types::dashboards::{Content, Dashboard, Shown};
use crate::types::{
    Better, By, DimFilter, DimensionId, Fill, Formula, FormulaKind, Metric, MetricId, Model, Movement, Subject, Type,
    ValueType, facts,
};
use crate::value::{Function, Span as Length, Step, Value};

/// A dashboard.
#[derive(Clone, Debug)]
pub struct Board {
    /// As it is declared.
    pub dashboard: Dashboard,
    /// What can be chosen: its dimensions, in order.
    pub choices: Vec<Choice>,
    /// Its panels, by the places of rows and panels; none for words.
    pub panels: Vec<Vec<Option<Drawn>>>,
}

/// A dimension of which values can be chosen.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Its name.
    pub name: String,
    /// What stands for its values in plans.
    pub stands_for: String,
    /// Its values: a question for a metric by it.
    pub values: Query,
    /// How that metric may be served.
    pub asked: Asked,
    /// The column of the dimension in the answer.
    pub column: String,
}

/// A panel with its plan.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// As it is declared.
    pub shown: Shown,
    /// The plan.
    pub query: Query,
    /// How its metrics may be served.
    pub asked: Asked,
    /// What it draws, in order.
    pub values: Vec<Drawing>,
    /// The columns of its dimensions.
    pub by: Vec<String>,
    /// The places of the choices that it is filtered by.
    pub filtered: Vec<usize>,
    /// The choices that have no effect on it, by name.
    pub unfiltered: Vec<String>,
    /// The step.
    pub step: Step,
    /// Where it stands.
    pub span: Span,
}

/// A column of values that is drawn.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// The column.
    pub column: String,
    /// The metric.
    pub metric: Metric,
    /// Whether it is a share: it is told in percent.
    pub is_share: bool,
    /// How long before the bucket the value is of; none for that of the bucket.
    pub before: Option<Length>,
    /// Numbers that alerts and objectives watch it by.
    pub limits: Vec<Limit>,
    /// Names and runbooks of the alerts and objectives on it.
    pub runbooks: Vec<(String, String)>,
}

/// A number that is not to be passed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// The number, in what is drawn: milliseconds of a length of time.
    pub value: f64,
    /// Whether what is below it is bad; else what is above.
    pub is_floor: bool,
}

/// The dashboards of a model; what has no plan is told.
pub fn given(model: &Model, diagnostics: &mut Diagnostics) -> Vec<Board> {
    if model.dashboards.is_empty() {
        return Vec::new();
    }
    let mut model = model.clone();
    let compared = add_compared(&mut model);
    let lowering = Lowering::new(&model);
    let planner = Planner { model: &model, lowering: &lowering, compared: &compared };
    model.dashboards.iter().filter_map(|dashboard| planner.board(dashboard, diagnostics)).collect()
}

/// Metrics for what stands beside others: their values some time before, by the metric and the time.
fn add_compared(model: &mut Model) -> Vec<((MetricId, Length), MetricId)> {
    let wanted: Vec<(MetricId, Length)> = model
        .dashboards
        .iter()
        .flat_map(Dashboard::shown)
        .flat_map(|shown| shown.metrics.iter().filter_map(|metric| Some((*metric, shown.compare?))))
        .collect();
    let mut made: Vec<((MetricId, Length), MetricId)> = Vec::new();
    for (of, length) in wanted {
        if made.iter().any(|(known, _)| *known == (of, length)) {
            continue;
        }
        let whole = model.metrics[of.0].clone();
        let ty = ValueType { nullable: true, ..whole.ty.clone() };
        let operand = Formula { kind: FormulaKind::Metric(of), ty: whole.ty.clone(), span: whole.formula.span };
        let kind = FormulaKind::Moved { operand: Box::new(operand), by: Movement::Ago(length) };
        let formula = Formula { kind, ty: ty.clone(), span: whole.formula.span };
        let known = facts(&formula, &model.facts);
        let mut name = whole.name.clone();
        // A name that no metric has.
        name.value = format!("{}, {} before", whole.name.value, length.text());
        let metric = Metric { name, formula, ty, fill: Fill::None, compared: Vec::new(), ..whole };
        model.metrics.push(metric);
        model.facts.push(known);
        made.push(((of, length), MetricId(model.metrics.len() - 1)));
    }
    made
}

struct Planner<'a> {
    model: &'a Model,
    lowering: &'a Lowering<'a>,
    compared: &'a [((MetricId, Length), MetricId)],
}

impl Planner<'_> {
    fn board(&self, dashboard: &Dashboard, diagnostics: &mut Diagnostics) -> Option<Board> {
        let told = diagnostics.len();
        let choices: Vec<Choice> =
            (dashboard.filter.iter()).filter_map(|id| self.choice(dashboard, *id, diagnostics)).collect();
        let panels = dashboard.rows.iter().map(|row| {
            let panels = row.panels.iter().map(|panel| match &panel.content {
                Content::Words(_) => None,
                Content::Metrics(shown) => self.drawn(dashboard, shown, panel.span, &choices, diagnostics),
            });
            panels.collect()
        });
        let panels = panels.collect();
        (diagnostics.len() == told).then(|| Board { dashboard: dashboard.clone(), choices, panels })
    }

    /// The values of a dimension are those that the first metric has which is shown and has it.
    fn choice(&self, dashboard: &Dashboard, id: DimensionId, diagnostics: &mut Diagnostics) -> Option<Choice> {
        let shown = dashboard.shown().find(|shown| shown.has_dimension(self.model, id))?;
        let metric = *shown.metrics.first()?;
        let name = self.model.dimensions[id.0].name.value.clone();
        let question =
            Question { step: AskedStep::Step(shown.step), by: vec![By::Dimension(id)], ..Question::of(vec![metric]) };
        let values = self.lowered(&question, diagnostics)?;
        let column = values.dimensions.first()?.name.clone();
        let place = dashboard.filter.iter().position(|known| *known == id)?;
        // No value has it, and Grafana takes nothing in it for a variable.
        let stands_for = format!("\u{1}metricc {place}\u{1}");
        let asked = crate::emit::asked_together([self.model.metrics[metric.0].serve.as_slice()].into_iter());
        Some(Choice { name, stands_for, values, asked, column })
    }

    fn drawn(
        &self,
        dashboard: &Dashboard,
        shown: &Shown,
        span: Span,
        choices: &[Choice],
        diagnostics: &mut Diagnostics,
    ) -> Option<Drawn> {
        let effective: Vec<DimensionId> = dashboard.filtered(self.model, shown).collect();
        let is_effective = |id: &DimensionId| effective.contains(id);
        let place = |id: &DimensionId| dashboard.filter.iter().position(|known| known == id);
        let filtered: Vec<usize> = effective.iter().filter_map(place).collect();
        let tests = dashboard.filter.iter().zip(choices).filter(|(id, _)| is_effective(id));
        let tests: Vec<DimFilter> = tests.map(|(id, choice)| test(*id, choice, span)).collect();
        let before = |metric: &MetricId| {
            let length = shown.compare?;
            let found = self.compared.iter().find(|(known, _)| *known == (*metric, length));
            found.map(|(_, id)| (*id, length))
        };
        let all: Vec<(MetricId, MetricId, Option<Length>)> = shown
            .metrics
            .iter()
            .flat_map(|metric| {
                let beside = before(metric).map(|(id, length)| (*metric, id, Some(length)));
                std::iter::once((*metric, *metric, None)).chain(beside)
            })
            .collect();
        let question = Question {
            step: AskedStep::Step(shown.step),
            by: shown.by.iter().copied().map(By::Dimension).collect(),
            filter: (!tests.is_empty()).then_some(DimFilter::And(tests)),
            ..Question::of(all.iter().map(|(_, id, _)| *id).collect())
        };
        let query = self.lowered(&question, diagnostics)?;
        let values = all.iter().zip(&query.metrics).map(|((of, _, before), output)| Drawing {
            column: output.column.name.clone(),
            metric: self.model.metrics[of.0].clone(),
            is_share: self.model.is_share(*of),
            before: *before,
            limits: if before.is_none() { self.limits(*of, shown.step) } else { Vec::new() },
            runbooks: if before.is_none() { self.runbooks(*of) } else { Vec::new() },
        });
        let serve = shown.metrics.iter().map(|id| self.model.metrics[id.0].serve.as_slice());
        let unfiltered = dashboard.filter.iter().zip(choices).filter(|(id, _)| !is_effective(id));
        Some(Drawn {
            shown: shown.clone(),
            asked: crate::emit::asked_together(serve),
            values: values.collect(),
            by: query.dimensions.iter().map(|dimension| dimension.name.clone()).collect(),
            filtered,
            unfiltered: unfiltered.map(|(_, choice)| choice.name.clone()).collect(),
            step: shown.step,
            query,
            span,
        })
    }

    fn lowered(&self, question: &Question, diagnostics: &mut Diagnostics) -> Option<Query> {
        match self.lowering.lower(question) {
            Ok(query) => Some(query),
            Err(why) => {
                diagnostics.extend(why);
                None
            }
        }
    }

    /// The numbers that alerts on a metric compare it with, where its values at this step are what they look at, and the share that
    /// objectives want.
    fn limits(&self, metric: MetricId, step: Step) -> Vec<Limit> {
        let declared = &self.model.metrics[metric.0];
        let is_share = self.model.is_share(metric);
        let scale = if declared.ty.ty == Type::Duration { 1_000.0 } else { 1.0 };
        let mut limits: Vec<Limit> = Vec::new();
        let mut add = |limit: Limit| {
            if !limits.contains(&limit) {
                limits.push(limit);
            }
        };
        let alerts = self.model.alerts.iter().filter(|alert| alert.metric == metric);
        for alert in alerts.filter(|alert| is_share || alert.every == step) {
            // Of several conditions that must hold together, none is a limit of its own.
            let Condition::Test(Test { subject: Watched::Value, comparison, bound: Bound::Number(number) }) =
                &alert.when
            else {
                continue;
            };
            let is_floor = matches!(comparison, Comparison::Less | Comparison::LessEqual);
            add(Limit { value: number * scale, is_floor });
        }
        for slo in self.model.slos.iter().filter(|slo| slo.metric == metric) {
            add(Limit { value: slo.objective, is_floor: true });
        }
        limits
    }

    fn runbooks(&self, metric: MetricId) -> Vec<(String, String)> {
        let alerts = self.model.alerts.iter().filter(|alert| alert.metric == metric);
        let alerts = alerts.map(|alert| (&alert.name, &alert.runbook));
        let slos = self.model.slos.iter().filter(|slo| slo.metric == metric).map(|slo| (&slo.name, &slo.runbook));
        let book = |(name, runbook): (&crate::syntax::ast::Name, &Option<crate::diagnostic::Spanned<String>>)| {
            Some((name.value.clone(), runbook.as_ref()?.value.clone()))
        };
        alerts.chain(slos).filter_map(book).collect()
    }
}

fn test(id: DimensionId, choice: &Choice, span: Span) -> DimFilter {
    DimFilter::Test {
        subject: Subject::Dimension(id),
        function: Function::Equal,
        literals: vec![Value::String(choice.stands_for.clone())],
        span,
    }
}

impl Drawing {
    /// What people call it.
    pub fn title(&self, chinese: bool) -> String {
        let metric = &self.metric;
        let (first, second) =
            if chinese { (&metric.title, &metric.title_en) } else { (&metric.title_en, &metric.title) };
        let name = first.as_ref().or(second.as_ref()).unwrap_or(&metric.name.value);
        match self.before {
            None => name.clone(),
            Some(length) if chinese => format!("{name}（{} 前）", length.text()),
            Some(length) => format!("{name}, {} before", length.text()),
        }
    }

    /// Whether more of it is good, bad, or neither.
    pub fn better(&self) -> Better {
        self.metric.better.unwrap_or(Better::None)
    }
}
