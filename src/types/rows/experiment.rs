//! Experiments: `experiment cheaper of user { variant: bucket; control: "a"; expose: exposure; metrics: gmv, paid_rate; within: 14d }`

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::resolve::Declared;
use crate::suggest::near;
use crate::syntax::ast::{self, ArgumentValue, BinaryOp, ExprKind, ValueKind};
use crate::types::behaviour::Behaviour;
use crate::types::dimensions::unknown_dimension_named;
use crate::types::experiment::{Experiment, Listed, Method, Prior};
use crate::types::flow::check_dimension;
use crate::types::items::{Items, name};
use crate::types::literal::{example_of, literal_as};
use crate::types::made::Made;
use crate::types::model::{Dimension, DimensionId, RowExpr, RowSet, Type};
use crate::types::{Origin, ValueType};
use crate::value::{Experiment as Exposed, How, Value, Within};

use super::RowSets;
use super::cohort::rows_of;
use super::derived::Own;

const ITEMS: &[&str] = &[
    "variant",
    "control",
    "expose",
    "metrics",
    "within",
    "cuped",
    "method",
    "difference",
    "sides",
    "alpha",
    "prior",
    "stratify",
    "split",
    "by",
    "partial",
    "title",
    "title_en",
    "owner",
];
const METHODS: [(&str, Method); 3] =
    [("frequentist", Method::Frequentist), ("bayesian", Method::Bayesian), ("sequential", Method::Sequential)];

/// How differences are judged, as it is written.
struct Judged {
    method: Method,
    relative: bool,
    two_sided: bool,
    alpha: f64,
    prior: Option<Prior>,
}

impl<'a> RowSets<'a> {
    /// Types an experiment, but for what waits for dimensions and metrics.
    pub(super) fn experiment(&mut self, declared: Declared<'a, ast::Block>, d: &mut Diagnostics) -> Option<Experiment> {
        let syntax = declared.syntax;
        let items = Items::read("experiment", &syntax.items, ITEMS, &[], d);
        items.check_texts(&["title", "title_en", "owner"], d);
        let entity = self.entity_of(syntax, d);
        let judged = self.judged(&items, d);
        let partial = items.truth("partial", d);
        let within = self.exposed_for(&items, syntax, d);
        let before = items.get("cuped").map(|(span, _)| positive(items.duration("cuped", d), "cuped", span, d));
        let listed = listed(&items, syntax, d);
        let control = required(&items, "control", "control: \"a\"", syntax, d).and_then(|value| plain(value, d));
        let variant = required(&items, "variant", "variant: bucket", syntax, d).and_then(|value| path(value, d));
        let expose = rows_of(&items, "experiment", "expose", syntax, d);
        let (entity, expose, variant) = (entity?, expose?, variant?);
        let (rows, by) = self.behaviour_rows("experiment", expose, entity, d)?;
        let (control, listed, judged) = (control?, listed?, judged?);
        let (within, partial) = (within?, partial?);
        let before = before.map_or(Some(None), |length| length.map(Some))?;
        // A dimension is known later.
        let is_dimension = variant.single().is_some_and(|name| self.names.dimension(name).is_some());
        let value = match is_dimension {
            true => None,
            false => {
                let kind = ExprKind::Path { path: variant.clone(), version: None };
                let value = self.value_of(&rows, &ast::Expr { kind, span: variant.span }, d)?;
                Some(checked_variant(syntax, value, variant.span, d)?)
            }
        };
        let how = How::Experiment(Exposed { within, before, partial });
        let made = Made {
            parts: vec![self.made_of(rows, by)],
            how,
            carried: Vec::new(),
            grouped: vec![0],
            others: Vec::new(),
            certain: 1,
        };
        let own = Own::of(declared);
        let table = self.windowed_table(&own, "_exposed", &made);
        let exposed = self.add_made(table, made, own.span, d)?;
        let Judged { method, relative, two_sided, alpha, prior } = judged;
        Some(Experiment {
            name: syntax.name.clone(),
            version: own.version,
            entity,
            variant: value,
            variant_name: variant.clone(),
            control: control.clone(),
            control_value: None,
            split: Vec::new(),
            listed,
            within,
            before,
            partial,
            method,
            relative,
            two_sided,
            alpha,
            prior,
            strata: Vec::new(),
            by: Vec::new(),
            variants: None,
            exposed,
            units: None,
            measured: Vec::new(),
        })
    }

    /// How long after the exposure rows count.
    fn exposed_for(&self, items: &Items<'a>, syntax: &ast::Block, d: &mut Diagnostics) -> Option<i64> {
        if items.get("within").is_none() {
            if !items.broken {
                d.push(error!(E0206, syntax.name.span, "the experiment has no `within`"; help: "add `within: 14d`: how long after the exposure rows count"));
            }
            return None;
        }
        match self.within("experiment", items, syntax, d)? {
            Within::Elapsed(ms) => Some(ms),
            Within::Same(_) => {
                let span = items.get("within").map_or(syntax.name.span, |(span, _)| span);
                d.push(error!(E0691, span, "all units of an experiment are looked at for the same time"; help: "write `within: 14d`"));
                None
            }
        }
    }

    fn judged(&self, items: &Items<'a>, d: &mut Diagnostics) -> Option<Judged> {
        let word = |key: &str, choices: &[(&str, bool)], default: bool, d: &mut Diagnostics| match items.get(key) {
            Some(_) => items.word(key, choices, d),
            None => Some(default),
        };
        let method = match items.get("method") {
            Some(_) => items.word("method", &METHODS, d),
            None => Some(Method::Frequentist),
        };
        let relative = word("difference", &[("relative", true), ("absolute", false)], true, d);
        let two_sided = word("sides", &[("two", true), ("one", false)], true, d);
        let alpha = match items.get("alpha") {
            Some((span, _)) => self.share(items.one("alpha", d)?, span, d),
            None => Some(0.05),
        };
        let prior = match items.get("prior") {
            Some(_) => Some(self.prior(items.one("prior", d)?, d)?),
            None => None,
        };
        let judged = Judged { method: method?, relative: relative?, two_sided: two_sided?, alpha: alpha?, prior };
        self.check_judged(&judged, items, d).then_some(judged)
    }

    /// Tells what does not go together.
    fn check_judged(&self, judged: &Judged, items: &Items<'a>, d: &mut Diagnostics) -> bool {
        let told = d.len();
        let span = |key: &str| items.get(key).map(|(span, _)| span);
        match (judged.method, judged.prior) {
            (Method::Frequentist, Some(_)) => {
                d.push(error!(E0673, span("prior"), "the frequentist method knows no `prior`"; help: "write `method: bayesian`, or leave `prior` out"));
            }
            (Method::Sequential, None) => {
                d.push(error!(E0673, span("method"), "the sequential method needs to know how large differences may be"; help: "add `prior: normal(sd: 5%)`: the standard deviation of the differences that you expect"));
            }
            (Method::Sequential, Some(prior)) if prior.mean != 0.0 => {
                d.push(error!(E0673, span("prior"), "the sequential method weighs differences around 0"; help: "leave `mean` out"));
            }
            _ => {}
        }
        if judged.method != Method::Frequentist && !judged.two_sided {
            d.push(error!(E0673, span("sides"), "only the frequentist method looks at one side"; help: "leave `sides` out, or write `method: frequentist`"));
        }
        d.len() == told
    }

    /// A probability: more than 0 and less than 1.
    fn share(&self, value: &ast::Value, span: Span, d: &mut Diagnostics) -> Option<f64> {
        let number = match &value.kind {
            ValueKind::Expr { expr, clauses } if clauses.is_empty() => self.number(expr),
            _ => None,
        };
        let number = number.filter(|number| *number > 0.0 && *number < 1.0);
        if number.is_none() {
            d.push(error!(E0205, span, "a share between 0 and 1 stands here"; help: "write `5%` or `0.05`"));
        }
        number
    }

    fn number(&self, expr: &ast::Expr) -> Option<f64> {
        match literal_as(expr, &Type::Float, self.zone)? {
            Value::Float(number) => Some(number),
            _ => None,
        }
    }

    /// `normal(mean: 0, sd: 5%)`
    fn prior(&self, value: &ast::Value, d: &mut Diagnostics) -> Option<Prior> {
        let found = self.normal(value).filter(|prior| prior.deviation > 0.0 && prior.deviation.is_finite());
        if found.is_none() {
            d.push(error!(E0205, value.span, "`prior` is a normal distribution of the difference"; help: "write `prior: normal(mean: 0, sd: 5%)`"));
        }
        found
    }

    fn normal(&self, value: &ast::Value) -> Option<Prior> {
        let ValueKind::Expr { expr, clauses } = &value.kind else { return None };
        let ExprKind::Call { function, arguments } = &expr.kind else { return None };
        function.single().filter(|name| name.as_str() == "normal" && clauses.is_empty())?;
        let (mut mean, mut deviation) = (None, None);
        for argument in arguments {
            let ArgumentValue::Expr(expr) = &argument.value else { return None };
            let place = match argument.name.as_ref()?.as_str() {
                "mean" => &mut mean,
                "sd" => &mut deviation,
                _ => return None,
            };
            if place.replace(self.number(expr)?).is_some() {
                return None;
            }
        }
        Some(Prior { mean: mean.unwrap_or(0.0), deviation: deviation? })
    }

    /// Finds what of an experiment waited for dimensions: what tells variants apart, the control, shares and groups.
    pub(super) fn bind_experiment(
        &mut self,
        place: usize,
        (dimensions, ids): (&[Dimension], &[Option<DimensionId>]),
        d: &mut Diagnostics,
    ) {
        let Some(Behaviour::Experiment(of)) = self.behaviours[place].clone() else { return };
        let bound = self.bound_experiment(place, of, (dimensions, ids), d);
        self.behaviours[place] = bound.map(|of| Behaviour::Experiment(Box::new(of)));
    }

    fn bound_experiment(
        &self,
        place: usize,
        of: Box<Experiment>,
        (dimensions, ids): (&[Dimension], &[Option<DimensionId>]),
        d: &mut Diagnostics,
    ) -> Option<Experiment> {
        let syntax = self.names.behaviours[place].syntax;
        let mut of = *of;
        if of.variant.is_none() {
            let name = of.variant_name.single()?.clone();
            let id = self.group_of(&of, &name, (dimensions, ids), d)?;
            let value = self.carried_value(&of, &dimensions[id.0].name.value)?;
            of.variant = Some(checked_variant(syntax, value, name.span, d)?);
        }
        let variant = of.variant.as_ref()?;
        of.control_value = Some(self.variant_value(&of, variant, &of.control, d)?);
        let items = Items::read("experiment", &syntax.items, ITEMS, &[], &mut Diagnostics::new());
        of.split = self.split(&of, variant, &items, d)?;
        for (name, clauses) in items.names("stratify", d) {
            if !clauses.is_empty() {
                d.push(error!(E0205, name.span, "`stratify` takes dimensions"; help: "write `stratify: channel`"));
                return None;
            }
            let id = self.group_of(&of, name, (dimensions, ids), d)?;
            if of.strata.contains(&id) {
                d.push(
                    error!(E0204, name.span, "the dimension `{}` stands twice", name.value; help: "keep one of them"),
                );
                return None;
            }
            of.strata.push(id);
        }
        Some(of)
    }

    /// A dimension of exposures.
    fn group_of(
        &self,
        of: &Experiment,
        name: &ast::Name,
        (dimensions, ids): (&[Dimension], &[Option<DimensionId>]),
        d: &mut Diagnostics,
    ) -> Option<DimensionId> {
        let Some(declared) = self.names.dimension(name) else {
            d.push(unknown_dimension_named(self.names.dimension_names(), name, Some(name.span)));
            return None;
        };
        let id = ids[declared]?;
        match crate::types::bind::bind(&self.tables, &dimensions[id.0], of.exposed) {
            Ok(_) => Some(id),
            Err(why) => {
                let table = &self.tables[of.exposed.0];
                d.push(crate::types::formula::unbound(&dimensions[id.0], table, &why, name.span));
                None
            }
        }
    }

    /// The value of a dimension over the exposures.
    fn carried_value(&self, of: &Experiment, dimension: &str) -> Option<RowExpr> {
        let table = &self.tables[of.exposed.0];
        let Origin::Made(made) = &table.origin else { return None };
        let (_, column) = table.dimensions.iter().find(|(name, _)| name == dimension)?;
        let taken = made.carried[column + made.carried.len() - table.columns.len()].of[0];
        Some(made.parts[taken.part].values[taken.value].clone())
    }

    fn variant_value(
        &self,
        of: &Experiment,
        variant: &RowExpr,
        written: &ast::Expr,
        d: &mut Diagnostics,
    ) -> Option<Value> {
        let ty = match &variant.ty.ty {
            Type::Enum(_) => &Type::String,
            other => other,
        };
        let Some(value) = literal_as(written, ty, self.zone) else {
            d.push(error!(E0670, written.span, "a variant of `{}` stands here", of.name.value; help: ("write {}", example_of(ty))));
            return None;
        };
        if let (Type::Enum(known), Value::String(text)) = (&variant.ty.ty, &value)
            && !known.contains(text)
        {
            let help = match near(text, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("it is one of: {}", known.join(", ")),
            };
            d.push(error!(E0670, written.span, "\"{text}\" is no variant: `{}` is never that", of.variant_name; help: help));
            return None;
        }
        Some(value)
    }

    /// `split: "a" = 90%, "b" = 10%`
    fn split(
        &self,
        of: &Experiment,
        variant: &RowExpr,
        items: &Items<'_>,
        d: &mut Diagnostics,
    ) -> Option<Vec<(Value, f64)>> {
        let Some((span, values)) = items.get("split") else { return Some(Vec::new()) };
        let mut split: Vec<(Value, f64)> = Vec::new();
        for value in values {
            let parts = match &value.kind {
                ValueKind::Expr { expr, clauses } if clauses.is_empty() => match &expr.kind {
                    ExprKind::Binary { op, left, right } if op.value == BinaryOp::Equal => Some((left, right)),
                    _ => None,
                },
                _ => None,
            };
            let share = parts.and_then(|(name, share)| Some((name, self.number(share).filter(|share| *share > 0.0)?)));
            let Some((name, share)) = share else {
                d.push(error!(E0670, value.span, "the share of a variant stands here"; help: "write `split: \"a\" = 90%, \"b\" = 10%`"));
                return None;
            };
            let found = self.variant_value(of, variant, name, d)?;
            if split.iter().any(|(known, _)| *known == found) {
                d.push(error!(E0670, value.span, "this variant has a share already"; help: "keep one of them"));
                return None;
            }
            split.push((found, share));
        }
        let all: f64 = split.iter().map(|(_, share)| share).sum();
        let has_control = split.iter().any(|(value, _)| Some(value) == of.control_value.as_ref());
        if split.len() < 2 || (all - 1.0).abs() > 1e-9 || !has_control {
            d.push(error!(E0670, span, "the shares are those of all variants, and 100 % together"; help: "write `split: \"a\" = 90%, \"b\" = 10%`"));
            return None;
        }
        Some(split)
    }

    /// The variants of experiments are known as dimensions, by which they are shown.
    pub fn show_variants(&mut self, dimensions: &[Dimension]) {
        for behaviour in self.behaviours.iter_mut().flatten() {
            let Behaviour::Experiment(of) = behaviour else { continue };
            let name = of.variant_dimension();
            of.variants = dimensions.iter().position(|dimension| dimension.name.value == name).map(DimensionId);
            of.by.splice(0..0, of.variants);
        }
    }
}

/// A value that tells variants apart: one that is exactly equal to another, and no personal data.
fn checked_variant(syntax: &ast::Block, value: RowExpr, span: Span, d: &mut Diagnostics) -> Option<RowExpr> {
    if !matches!(value.ty.ty, Type::String | Type::Enum(_) | Type::Int) {
        d.push(error!(E0670, span, "variants are told apart by a text or a whole number"; help: "write `cast(… as string)` into a dimension, and name that"));
        return None;
    }
    check_dimension(&format!("{}.variant", syntax.name.value), &value.ty, span, d).then_some(value)
}

impl Experiment {
    /// The type of its variants.
    pub fn variant_type(&self) -> ValueType {
        let ty = self.variant.as_ref().map(|variant| variant.ty.clone());
        ValueType { nullable: false, ..ty.unwrap_or_else(|| ValueType::plain(Type::String)) }
    }
}

/// An item that must be there.
fn required<'v>(
    items: &Items<'v>,
    key: &str,
    example: &str,
    syntax: &ast::Block,
    d: &mut Diagnostics,
) -> Option<&'v ast::Value> {
    if items.get(key).is_none() && !items.broken {
        d.push(error!(E0206, syntax.name.span, "the experiment has no `{key}`"; help: ("add `{example}`")));
    }
    items.one(key, d)
}

fn plain<'v>(value: &'v ast::Value, d: &mut Diagnostics) -> Option<&'v ast::Expr> {
    match &value.kind {
        ValueKind::Expr { expr, clauses } if clauses.is_empty() => Some(expr),
        _ => {
            d.push(error!(E0205, value.span, "one value stands here"; help: "write `control: \"a\"`"));
            None
        }
    }
}

fn path<'v>(value: &'v ast::Value, d: &mut Diagnostics) -> Option<&'v ast::Path> {
    match &value.kind {
        ValueKind::Expr { expr: ast::Expr { kind: ExprKind::Path { path, version: None }, .. }, clauses }
            if clauses.is_empty() =>
        {
            Some(path)
        }
        _ => {
            d.push(error!(E0205, value.span, "`variant` takes a dimension, or a column of the exposures"; help: "write `variant: bucket`"));
            None
        }
    }
}

fn positive(length: Option<i64>, key: &str, span: Span, d: &mut Diagnostics) -> Option<i64> {
    let length = length?;
    if length <= 0 {
        d.push(error!(E0671, span, "no row lies in a window of no length"; help: ("write `{key}: 14d`")));
        return None;
    }
    Some(length)
}

/// The metrics that are measured.
fn listed(items: &Items<'_>, syntax: &ast::Block, d: &mut Diagnostics) -> Option<Vec<Listed>> {
    let Some((_, values)) = items.get("metrics") else {
        if !items.broken {
            d.push(error!(E0206, syntax.name.span, "the experiment has no `metrics`"; help: "add `metrics: gmv`: what is compared"));
        }
        return None;
    };
    let mut found: Vec<Listed> = Vec::new();
    for value in values {
        let one = match &value.kind {
            ValueKind::Expr { expr: ast::Expr { kind: ExprKind::Path { path, version }, .. }, clauses }
                if clauses.is_empty() =>
            {
                path.single().map(|name| Listed { name: name.clone(), version: version.as_ref().map(|v| v.value) })
            }
            _ => name(value).map(|(name, _)| Listed { name: name.clone(), version: None }),
        };
        let Some(one) = one else {
            d.push(error!(E0205, value.span, "`metrics` takes metrics"; help: "write `metrics: gmv, paid_rate`"));
            return None;
        };
        if let Some(first) = found.iter().find(|known| known.name == one.name) {
            d.push(
                error!(E0204, value.span, "the metric `{}` stands twice", one.name.value; help: "keep one of them")
                    .related(first.name.span, "first here"),
            );
            return None;
        }
        found.push(one);
    }
    Some(found)
}

/// The conditions of a row set, and what is taken of it, are of rows whose time is that of what they tell.
pub(super) fn later_rows(tables: &[crate::types::Table], rows: &RowSet, value: Option<&RowExpr>) -> Option<String> {
    let mut behind = crate::types::segment::Behind::default();
    behind.rows(tables, rows, value.map(std::slice::from_ref).unwrap_or_default());
    let mut places: Vec<usize> = behind.tables.iter().map(|table| table.0).collect();
    places.sort_unstable();
    let tells_of_later = |place: &&usize| {
        let table = &tables[**place];
        !table.is_segment() && matches!(table.origin, Origin::Made(_) | Origin::Session(_))
    };
    places.iter().find(tells_of_later).map(|place| tables[*place].name.value.clone())
}
