//! Typing metrics: formula, grain, dimensions, serving, and what a good library writes beside them.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::resolve::{Declared, Names};
use crate::suggest::near;
use crate::syntax::ast::{self, ArgumentValue, ExprKind, Literal, Step as AstStep, Value, ValueKind};
use crate::value::Step;

use super::calendars::{Calendar, step_named};
use super::formula::{Facts, FormulaScope, InContext, compared, fits};
use super::items::{Items, output_step, word};
use super::model::{
    Better, Fill, Formula, FormulaKind, Grain, Metric, Sensitivity, Serve, TableId, Tier, Type, ValueType,
};
use super::ops::{declare_unit, unit_expr};
use super::part::{BucketPart, By};
use super::size::{FormulaSize, Size, too_large};
use super::type_name::{show_type, with_article};

const ITEMS: &[&str] = &[
    "title",
    "title_en",
    "tier",
    "owner",
    "unit",
    "better",
    "grain",
    "by",
    "serve",
    "compare",
    "description",
    "link",
    "fill",
];

/// Types the metric at a place, after those that it names. Gives what is known of its formula, and its size, too.
pub fn check_metric(
    scope: &FormulaScope<'_>,
    declared: Declared<'_, ast::Metric>,
    units: &[&str],
    d: &mut Diagnostics,
) -> Option<(Metric, Facts, FormulaSize)> {
    let syntax = declared.syntax;
    let items = Items::read("metric", &syntax.items, ITEMS, &[], d);
    let formula = scope.check(&syntax.formula, d);
    let (title, title_en, owner) = (items.string("title", d), items.string("title_en", d), items.string("owner", d));
    items.check_texts(&["description", "link"], d);
    let tier = items.word("tier", &[("kpi", Tier::Kpi), ("ksi", Tier::Ksi), ("diagnostic", Tier::Diagnostic)], d);
    let better = items.word("better", &[("up", Better::Up), ("down", Better::Down), ("none", Better::None)], d);
    let fill = fill(&items, d);
    let grain = grain(scope.calendars, &items, d);
    let reads = formula.as_ref().map(|formula| scope.tables_of(formula)).unwrap_or_default();
    let by = by(scope, &reads, &items, d);
    let serve = serve(&items, d);
    let compared = items.get("compare").map(|(_, values)| compared(values, d)).unwrap_or_default();
    let formula = formula?;
    let facts = scope.facts(&formula);
    let size = formula.size(scope.known());
    if let Some(excess) = size.size.excess_of_formula() {
        d.push(error!(E0630, syntax.name.span, "the formula of `{}` is {excess}, with the names in it written out", syntax.name.value;
            help: "shorten the chain of metrics that name one another"));
        return None;
    }
    let ty = declared_unit(scope, &formula, &items, units, d);
    // What comes from another metric was told there.
    if shows_itself(&formula) {
        super::flow::check_metric(&syntax.name, &ty, formula.span, d);
    }
    if !matches!(
        ty.ty,
        super::Type::Int
            | super::Type::Float
            | super::Type::Decimal { .. }
            | super::Type::Duration
            | super::Type::String
            | super::Type::Enum(_)
            | super::Type::Timestamp
            | super::Type::Date
            | super::Type::Entity(_)
            | super::Type::Bool
    ) {
        d.push(error!(E0631, formula.span, "a metric cannot be an array, a map or null"; help: "aggregate to a single value"));
        return None;
    }
    let grain = match grain {
        Some(grain) => grain,
        None => inherited_grain(scope, &formula, syntax.name.span, d)?,
    };
    let by = match by {
        Some(by) => by,
        None => inherited_by(scope, &formula),
    };
    let dimensions = by.iter().filter_map(|(by, _)| by.dimension());
    let keys = Size::of_all(dimensions.map(|id| scope.known().dimension(id)));
    if too_large(keys, "what this metric is grouped by", syntax.name.span, d) {
        return None;
    }
    let metric = Metric {
        name: syntax.name.clone(),
        version: syntax.version.as_ref().map_or(1, |version| version.value),
        doc: declared.doc.map(str::to_owned),
        title,
        title_en,
        tier,
        owner,
        better,
        grain,
        by: by.iter().map(|(id, _)| *id).collect(),
        serve,
        fill,
        compared,
        formula,
        ty,
        span: declared.span,
    };
    if let (Fill::Zero, Some((span, _))) = (fill, items.get("fill"))
        && !has_zero(&metric.ty.ty)
    {
        d.push(error!(E0655, span, "`{}` is {}, which has no zero", metric.name.value, with_article(&show_type(&metric.ty.ty, scope.tables));
            help: "write `fill: null`, or leave it out"));
    }
    check_output(scope, &metric, &by, &items, d);
    check_intervals(scope, &metric, &facts, d);
    if !items.broken {
        lint(&metric, d);
    }
    Some((metric, facts, size))
}

/// Whether one of the formula's own aggregates is personal data.
fn shows_itself(formula: &Formula) -> bool {
    let mut found = false;
    formula.walk(&mut |part| {
        found |= matches!(part.kind, FormulaKind::Leaf(_)) && part.ty.sensitivity != Sensitivity::Public;
    });
    found
}

/// `fill: null` is no word but a literal.
fn fill(items: &Items<'_>, d: &mut Diagnostics) -> Fill {
    let null = |value: &Value| match &value.kind {
        ValueKind::Expr { expr, clauses } => {
            clauses.is_empty() && matches!(expr.kind, ExprKind::Literal(Literal::Null))
        }
        _ => false,
    };
    match items.get("fill") {
        Some((_, [value])) if null(value) => Fill::Null,
        Some(_) => items.word("fill", &Fill::WORDS, d).unwrap_or(Fill::None),
        None => Fill::None,
    }
}

fn grain(calendars: &[Calendar], items: &Items<'_>, d: &mut Diagnostics) -> Option<Vec<Grain>> {
    let (_, values) = items.get("grain")?;
    let mut grains: Vec<Grain> = Vec::new();
    for value in values {
        match grain_of(calendars, value) {
            Some(grain) if !grains.contains(&grain) => grains.push(grain),
            Some(_) => d.push(error!(E0204, value.span, "this grain stands twice"; help: "keep one of them")),
            None => d.push(error!(E0632, value.span, "this is not an output step";
                help: "use a divisor of a day (1m, 5m, 1h …), 1d, 1w, month, quarter, year, the step of a calendar, or total")),
        }
    }
    grains.sort();
    if grains.is_empty() { None } else { Some(grains) }
}

fn grain_of(calendars: &[Calendar], value: &Value) -> Option<Grain> {
    if word(value) == Some("total") {
        return Some(Grain::Total);
    }
    step_of(calendars, value).map(Grain::Step)
}

/// The step that a value is: of the calendar, of a declared one, or a length of time.
pub fn step_of(calendars: &[Calendar], value: &Value) -> Option<Step> {
    match &value.kind {
        ValueKind::Step(AstStep::Declared(path)) => step_named(calendars, &path.to_string()),
        ValueKind::Step(step) => output_step(step),
        ValueKind::Expr { expr, .. } => match &expr.kind {
            ExprKind::Path { path, version: None } if path.parts.len() == 2 => step_named(calendars, &path.to_string()),
            _ => step_of_expr(expr),
        },
        _ => None,
    }
}

fn step_of_expr(expr: &ast::Expr) -> Option<Step> {
    match &expr.kind {
        ExprKind::Literal(Literal::Duration(duration)) => output_step(&AstStep::Duration(*duration)),
        ExprKind::Path { path, .. } => Step::parse(path.single()?),
        _ => None,
    }
}

type Grouped = Vec<(By, Span)>;

fn by(scope: &FormulaScope<'_>, reads: &[TableId], items: &Items<'_>, d: &mut Diagnostics) -> Option<Grouped> {
    let (_, values) = items.get("by")?;
    let names = InContext { names: scope, dimensions: scope.dimensions, tables: scope.tables, reads };
    let mut found: Grouped = Vec::new();
    for value in values {
        let path = match &value.kind {
            ValueKind::Expr { expr, clauses } if clauses.is_empty() => match &expr.kind {
                ExprKind::Path { path, version: None } => Some(path.to_string()),
                _ => None,
            },
            // A dimension may be called like a step of the calendar.
            ValueKind::Step(AstStep::Calendar(step)) => Some(step.word().to_owned()),
            _ => None,
        };
        let Some(path) = path else {
            d.push(error!(E0205, value.span, "`by` takes dimensions"; help: "write `by: platform, channel`"));
            continue;
        };
        let Some(by) = By::parse(&path, &names, scope.dimensions, Some(value.span), d) else { continue };
        match found.iter().find(|(first, _)| *first == by) {
            Some((_, first)) => d.push(
                error!(E0204, value.span, "the dimension `{path}` stands twice"; help: "keep one of them")
                    .related(*first, "first here"),
            ),
            None => found.push((by, value.span)),
        }
    }
    Some(found)
}

fn serve(items: &Items<'_>, d: &mut Diagnostics) -> Vec<Serve> {
    let Some((_, values)) = items.get("serve") else { return vec![Serve::Live] };
    let mut found = Vec::new();
    for value in values {
        let served = match &value.kind {
            ValueKind::Expr { expr, .. } => match &expr.kind {
                ExprKind::Call { function, arguments } if function.to_string() == "stream" => {
                    let step = arguments.first().and_then(|argument| match &argument.value {
                        ArgumentValue::Expr(expr) => step_of_expr(expr),
                        ArgumentValue::Step(step) => output_step(&step.value),
                    });
                    step.filter(|step| matches!(step, Step::Subday(_) | Step::Day)).map(Serve::Stream)
                }
                _ => match word(value) {
                    Some("live") => Some(Serve::Live),
                    Some("hourly") => Some(Serve::Hourly),
                    Some("daily") => Some(Serve::Daily),
                    _ => None,
                },
            },
            _ => None,
        };
        match served {
            Some(serve) => found.push(serve),
            None => {
                let help = match word(value).and_then(|word| near(word, ["live", "stream", "hourly", "daily"])) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "write `live`, `stream(1m)`, `hourly` or `daily`".to_owned(),
                };
                d.push(error!(E0633, value.span, "this is no way to serve a metric"; help: help));
            }
        }
    }
    found
}

/// The type with the declared unit, which must be the inferred one; a quotient of two counts may be called a ratio.
fn declared_unit(
    scope: &FormulaScope<'_>,
    formula: &Formula,
    items: &Items<'_>,
    units: &[&str],
    d: &mut Diagnostics,
) -> ValueType {
    let mut ty = formula.ty.clone();
    let declared = items.one("unit", d).and_then(|value| {
        let written = match &value.kind {
            ValueKind::Expr { expr, .. } => unit_expr(expr, &known_units(scope, units), d),
            _ => {
                d.push(error!(E0205, value.span, "`unit` takes a unit"; help: "write `unit: CNY`, `unit: ratio` or `unit: CNY/user`"));
                None
            }
        };
        declare_unit(ty.unit.as_ref(), &written?, scope.tables, value.span, d)
    });
    ty.unit = Some(declared.or(ty.unit).unwrap_or_default());
    ty
}

/// The declared units, and the tables: a count is in its source or entity.
fn known_units<'a>(scope: &FormulaScope<'a>, units: &[&'a str]) -> Vec<&'a str> {
    units.iter().copied().chain(scope.tables.iter().map(|table| table.name.as_str())).collect()
}

/// The grains common to the metrics of a formula; total where it names none.
fn inherited_grain(scope: &FormulaScope<'_>, formula: &Formula, span: Span, d: &mut Diagnostics) -> Option<Vec<Grain>> {
    let mut common: Option<Vec<Grain>> = None;
    let mut parts: Vec<&Metric> = Vec::new();
    formula.walk(&mut |part| {
        if let FormulaKind::Metric(id) = &part.kind {
            parts.push(&scope.metrics[id.0]);
        }
    });
    for metric in &parts {
        common = Some(match common {
            None => metric.grain.clone(),
            Some(common) => common.into_iter().filter(|grain| metric.grain.contains(grain)).collect(),
        });
    }
    match common {
        Some(common) if common.is_empty() => {
            let mut found = error!(E0635, span, "the metrics of this formula have no grain in common";
                help: "write the `grain` that you want: every metric can be computed at any step");
            for metric in parts.iter().take(4) {
                let grains: Vec<String> = metric.grain.iter().map(|grain| grain.text()).collect();
                found = found.related(metric.name.span, format!("`{}` has {}", metric.name.value, grains.join(", ")));
            }
            d.push(found);
            None
        }
        Some(common) => Some(common),
        None => Some(vec![Grain::Total]),
    }
}

fn inherited_by(scope: &FormulaScope<'_>, formula: &Formula) -> Grouped {
    let mut common: Option<Vec<By>> = None;
    formula.walk(&mut |part| {
        let of_behaviour = |leaf: &super::Leaf| {
            let mut all = scope.rows.behaviours.iter().flatten();
            let by = all.find_map(|behaviour| behaviour.shown_by(leaf.rows.base));
            by.map(|by| by.iter().copied().map(By::Dimension).collect())
        };
        let by: Option<Vec<By>> = match &part.kind {
            FormulaKind::Metric(id) => Some(scope.metrics[id.0].by.clone()),
            FormulaKind::Leaf(leaf) => of_behaviour(leaf),
            _ => None,
        };
        if let Some(by) = by {
            common = Some(match common.take() {
                None => by,
                Some(common) => common.into_iter().filter(|id| by.contains(id)).collect(),
            });
        }
    });
    let tables = scope.tables_of(formula);
    let bound = |by: &By| {
        let Some(id) = by.dimension() else { return true };
        tables.iter().all(|table| super::bind::bind(scope.tables, &scope.dimensions[id.0], *table).is_ok())
    };
    common.unwrap_or_default().into_iter().filter(bound).map(|id| (id, formula.span)).collect()
}

/// What can only be judged with grain, dimensions and serving together.
fn check_output(scope: &FormulaScope<'_>, metric: &Metric, by: &Grouped, items: &Items<'_>, d: &mut Diagnostics) {
    let tables = scope.tables_of(&metric.formula);
    if metric.name.value == "time" {
        d.push(error!(E0639, metric.name.span, "an answer has a column `time` already: the start of the bucket";
            help: "give the metric another name"));
    }
    for (by, span) in by {
        let name = by.name(scope.dimensions);
        if let By::Part(part) = by {
            check_part(scope, metric, *part, *span, d);
        }
        let Some(dimension) = by.dimension() else { continue };
        if name == metric.name.value {
            d.push(
                error!(E0639, metric.name.span, "this metric is grouped by a dimension of the same name";
                help: "rename one of them: the answer would have two columns of one name")
                .related(scope.dimensions[dimension.0].name.span, "the dimension"),
            );
        }
        for table in &tables {
            scope.bound(dimension, *table, *span, d);
        }
    }
    let place = items.get("grain").map_or(metric.name.span, |(span, _)| span);
    for table in tables.iter().filter(|table| scope.tables[table.0].time.is_none()) {
        if metric.grain.iter().any(|grain| *grain != Grain::Total) {
            let table = &scope.tables[table.0];
            d.push(
                error!(E0636, place, "`{}` has no time, so it only has totals", table.name.value;
                help: "write `grain: total`, or count a source instead")
                .related(table.name.span, "declared here"),
            );
        }
    }
    let place = items.get("serve").map_or(metric.name.span, |(span, _)| span);
    let is_batch = metric.serve.iter().any(|serve| matches!(serve, Serve::Hourly | Serve::Daily));
    let unseen = |table: &&TableId| {
        let table = &scope.tables[table.0];
        table.latest_by.is_some() && table.revised.is_none() && table.arrived.is_none()
    };
    for table in tables.iter().filter(|table| is_batch && unseen(table)) {
        let table = &scope.tables[table.0];
        d.push(
            error!(W0601, place, "rows of `{}` are updated, but no batch knows which days they were on", table.name.value;
                help: "say in the source how long a row may change (`revised: 90d`) or when it reached us (`arrived: column`)")
            .related(table.name.span, "declared here"),
        );
    }
    for serve in &metric.serve {
        let Serve::Stream(step) = serve else { continue };
        for grain in &metric.grain {
            if let Grain::Step(grain) = grain
                && !divides(*step, *grain)
            {
                d.push(error!(E0637, place, "a stream of {} cannot give buckets of {}", step.text(), grain.text();
                    help: "stream at a step that divides the grain"));
            }
        }
    }
}

/// Every bucket of a grain must have the part.
fn check_part(scope: &FormulaScope<'_>, metric: &Metric, part: BucketPart, span: Span, d: &mut Diagnostics) {
    for grain in &metric.grain {
        match grain {
            Grain::Step(step) if part.fits(*step, scope.week_start) => {}
            grain => d.push(error!(E0657, span, "buckets of {} have no `{}`", grain.text(), part.name();
                help: "take a shorter grain, or declare a dimension of each row such as `dimension weekday = day_of_week(time)`")),
        }
    }
}

/// What the shifts and inner steps of a metric ask of its grains.
fn check_intervals(scope: &FormulaScope<'_>, metric: &Metric, facts: &Facts, d: &mut Diagnostics) {
    for part in &facts.parts {
        check_part(scope, metric, *part, metric.formula.span, d);
    }
    if facts.from_start && metric.grain.contains(&Grain::Total) {
        d.push(error!(E0657, metric.formula.span, "`{}` looks at the beginning of each bucket, and in total there are no buckets", metric.name.value;
            help: "give it a step: `grain: 1d`"));
    }
    if !facts.rows && !facts.reads.is_empty() {
        d.push(error!(E0650, metric.formula.span, "`{}` is looked up for the rows of others, and gives none itself", metric.name.value;
            help: "put it beside a value with rows: `m / m across feature`"));
    }
    let wrong = |only: &Step| metric.grain.iter().any(|grain| *grain != Grain::Step(*only));
    if let Some(only) = facts.only.filter(wrong) {
        d.push(error!(E0688, metric.formula.span, "this is of buckets of {}", only.text();
            help: ("write `grain: {}`", only.text())));
        return;
    }
    for grain in &metric.grain {
        if let Grain::Step(step) = grain
            && fits(*step, &facts.shifts, &facts.steps, metric.formula.span, d).is_none()
        {
            return;
        }
    }
}

/// Whether a metric of a type can be filled with zeros.
pub fn has_zero(ty: &Type) -> bool {
    matches!(ty, Type::Int | Type::Float | Type::Decimal { .. } | Type::Duration)
}

/// Whether buckets of `coarse` are made of whole buckets of `fine`.
pub fn divides(fine: Step, coarse: Step) -> bool {
    match (fine, coarse) {
        (Step::Subday(fine), Step::Subday(coarse)) => coarse % fine == 0,
        (Step::Subday(_), _) => true,
        (Step::Day, coarse) => !matches!(coarse, Step::Subday(_)),
        (Step::Declared(fine), Step::Declared(coarse)) => fine.divides(coarse),
        (Step::Month, Step::Month | Step::Quarter | Step::Year) | (Step::Quarter, Step::Quarter | Step::Year) => true,
        (a, b) => a == b,
    }
}

fn lint(metric: &Metric, d: &mut Diagnostics) {
    let name = &metric.name;
    if metric.title.is_none() {
        d.push(error!(L0601, name.span, "the metric `{}` has no title", name.value; help: "add `title: \"…\"`"));
    }
    if metric.tier.is_none() {
        d.push(error!(L0602, name.span, "the metric `{}` has no tier", name.value; help: "add `tier: kpi`, `ksi` or `diagnostic`"));
    }
    if metric.owner.is_none() {
        d.push(error!(L0603, name.span, "the metric `{}` has no owner", name.value; help: "add `owner: \"team\"`"));
    }
}

impl Grain {
    /// As it is written: `1d`, `total`.
    pub fn text(self) -> String {
        match self {
            Grain::Step(step) => step.text(),
            Grain::Total => "total".to_owned(),
        }
    }
}

/// The names that nothing uses: a warning each.
pub fn check_unused(names: &Names<'_>, used: &dyn Fn(&str) -> bool, d: &mut Diagnostics) {
    for subset in &names.subsets {
        if !used(&subset.syntax.name) {
            d.push(error!(L0501, subset.syntax.name.span, "nothing uses the subset `{}`", subset.syntax.name.value;
                help: "use it or delete it"));
        }
    }
}
