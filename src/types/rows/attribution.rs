//! Attributions: `attribution source of user { convert: order; value: paid; touch: click; to: channel; within: 30d; model: last, linear }`

use std::sync::Arc;

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::resolve::Declared;
use crate::suggest::near;
use crate::syntax::ast::{self, ArgumentValue, DurationUnit, ExprKind, Literal, ValueKind};
use crate::types::attribution::{Attribution, NO_TOUCH, column};
use crate::types::domain::Domain;
use crate::types::items::{Items, milliseconds, name};
use crate::types::made::Made;
use crate::types::model::{Dimension, RowSet, Type};
use crate::types::{RowExpr, TableId, ValueType};
use crate::value::{Attribution as Credited, CreditModel, How, Value};

use super::RowSets;
use super::cohort::{plain_column, rows_of};
use super::derived::Own;

const ITEMS: &[&str] = &["convert", "value", "touch", "to", "within", "model", "by", "title", "title_en", "owner"];
const MODELS: &[&str] = &["first", "last", "linear", "position", "time_decay"];

/// The digits of an amount that is shared out: sums of parts stay within 64 bits.
const MAX_PRECISION: u8 = 18;

impl<'a> RowSets<'a> {
    /// Types an attribution.
    pub(super) fn attribution(
        &mut self,
        declared: Declared<'a, ast::Block>,
        d: &mut Diagnostics,
    ) -> Option<Attribution> {
        let syntax = declared.syntax;
        let items = Items::read("attribution", &syntax.items, ITEMS, &[], d);
        items.check_texts(&["title", "title_en", "owner"], d);
        let entity = self.entity_of_units(syntax, d);
        let models = models(&items, syntax, d);
        let within = self.within("attribution", &items, syntax, d);
        let to = touched_by(&items, syntax, d);
        let convert = rows_of(&items, "attribution", "convert", syntax, d);
        let touch = rows_of(&items, "attribution", "touch", syntax, d);
        let (entity, convert, touch) = (entity?, convert?, touch?);
        let (convert, convert_by) = self.behaviour_rows("attribution", convert, entity, d)?;
        let (touch, touch_by) = self.behaviour_rows("attribution", touch, entity, d)?;
        if let (Some(within), Some((span, _))) = (within, items.get("within")) {
            self.check_window([&touch], within, span, d);
        }
        let value = match items.get("value") {
            Some(_) => Some(self.credited_value(items.one("value", d)?, &convert, d)?),
            None => None,
        };
        let (models, within, to) = (models?, within?, to?);
        let valued = value.is_some();
        let mut parts = vec![self.made_of(convert, convert_by), self.made_of(touch, touch_by)];
        parts[0].values.extend(value);
        let made = Made {
            parts,
            how: How::Attribution(Credited { models: models.clone(), within, valued }),
            carried: Vec::new(),
            grouped: vec![0],
            others: to.into_iter().map(|name| (name.value.clone(), vec![1])).collect(),
            // Where there is no touch, a text says so.
            certain: 2,
        };
        let own = Own::of(declared);
        let mut attribution = Attribution {
            name: syntax.name.clone(),
            version: own.version,
            models,
            valued,
            by: Vec::new(),
            credits: TableId(usize::MAX),
        };
        attribution.credits = self.credits(&own, &attribution, made, d)?;
        Some(attribution)
    }

    /// The table of credits.
    fn credits(&mut self, own: &Own<'a>, of: &Attribution, made: Made, d: &mut Diagnostics) -> Option<TableId> {
        let mut table = self.empty(None, || own.name.value.clone(), own.span);
        table.doc = own.doc.map(str::to_owned);
        table.columns.push(self.whose(&made.parts[0], own));
        table.columns.push(plain_column(own, "at", ValueType::plain(Type::Timestamp)));
        table.time = Some(1);
        table.columns.push(plain_column(own, "model", ValueType::plain(of.model_type())));
        table.dimensions.push((of.model_dimension(), column::MODEL));
        table.columns.push(plain_column(own, "share", ValueType::plain(Type::Decimal { precision: 9, scale: 6 })));
        if let Some(value) = made.parts[0].values.get(1) {
            table.columns.push(plain_column(own, "value", value.ty.clone()));
        }
        self.add_made(table, made, own.span, d)
    }

    /// What a conversion is worth: an amount that can be shared out without a rest.
    fn credited_value(&self, written: &ast::Value, rows: &RowSet, d: &mut Diagnostics) -> Option<RowExpr> {
        let ValueKind::Expr { expr, clauses } = &written.kind else {
            d.push(error!(E0205, written.span, "`value` takes an amount of a conversion's row"; help: "write `value: pay_amount`"));
            return None;
        };
        if !clauses.is_empty() {
            d.push(error!(E0205, written.span, "nothing stands behind the amount"; help: "write `value: pay_amount`"));
            return None;
        }
        let value = self.value_of(rows, expr, d)?;
        let fits = match value.ty.ty {
            Type::Int => true,
            Type::Decimal { precision, .. } => precision <= MAX_PRECISION,
            _ => false,
        };
        if !fits {
            d.push(error!(E0698, expr.span, "this is no amount that can be shared out to the last unit";
                help: ("take an int, or a decimal of at most {MAX_PRECISION} digits: `cast(… as decimal(18, 2))`")));
            return None;
        }
        Some(value)
    }

    /// What an attribution adds to the dimensions of touches: the value for conversions without one. Only texts can say it.
    pub fn allow_no_touch(&self, dimensions: &mut [Dimension], d: &mut Diagnostics) {
        use crate::types::behaviour::Behaviour;
        for behaviour in self.behaviours.iter().flatten() {
            let Behaviour::Attribution(attribution) = behaviour else { continue };
            let crate::types::Origin::Made(made) = &self.tables[attribution.credits.0].origin else { continue };
            for (name, _) in &made.others {
                let Some(dimension) = dimensions.iter_mut().find(|dimension| dimension.name.value == *name) else {
                    continue;
                };
                if let Some(why) = self.lacks_no_touch(dimension) {
                    d.push(
                        error!(E0698, attribution.name.span, "`{name}` is {why}, and of a conversion without a touch it is \"{NO_TOUCH}\"";
                            help: "credit to a dimension of text")
                        .related(dimension.span, "the dimension"),
                    );
                    continue;
                }
                let none = Value::String(NO_TOUCH.to_owned());
                if let Type::Enum(values) = &mut dimension.ty.ty
                    && !values.iter().any(|value| value == NO_TOUCH)
                {
                    Arc::make_mut(values).push(NO_TOUCH.to_owned());
                }
                if let Some(Domain::Listed(values)) = &mut dimension.values
                    && values.iter().all(|value| value.value != none)
                {
                    values.push(Spanned::new(none, dimension.span));
                }
            }
        }
    }

    /// What keeps a dimension from having the value for conversions without a touch.
    fn lacks_no_touch(&self, dimension: &Dimension) -> Option<&'static str> {
        let Type::Entity(entity) = dimension.ty.ty else {
            return (!matches!(dimension.ty.ty, Type::String | Type::Enum(_))).then_some("no text");
        };
        // A reference that no row of the entity has is one to something unknown.
        let table = &self.tables[entity.0];
        match table.key.first().map(|key| &table.columns[*key].ty.ty) {
            Some(Type::String) | None => None,
            // Others refer to the entity, too: the values of its key are what they are.
            Some(Type::Enum(values)) => {
                values.iter().all(|value| value != NO_TOUCH).then_some("a reference whose key lists other values")
            }
            Some(_) => Some("a reference whose key is no text"),
        }
    }
}

/// The names that `to` has.
fn touched_by<'a>(items: &Items<'a>, syntax: &ast::Block, d: &mut Diagnostics) -> Option<Vec<&'a ast::Name>> {
    if items.get("to").is_none() {
        if !items.broken {
            d.push(error!(E0206, syntax.name.span, "the attribution has no `to`"; help: "add `to: channel`: a dimension of the touches"));
        }
        return None;
    }
    let names = items.names("to", d);
    (!names.is_empty()).then(|| names.into_iter().map(|(name, _)| name).collect())
}

fn models(items: &Items<'_>, syntax: &ast::Block, d: &mut Diagnostics) -> Option<Vec<CreditModel>> {
    let Some((_, values)) = items.get("model") else {
        if !items.broken {
            d.push(error!(E0206, syntax.name.span, "the attribution has no `model`"; help: ("add `model: last`, or some of: {}", MODELS.join(", "))));
        }
        return None;
    };
    let mut found: Vec<(CreditModel, Span)> = Vec::new();
    let mut sound = true;
    for value in values {
        let Some(model) = model(value, d) else {
            sound = false;
            continue;
        };
        match found.iter().find(|(known, _)| known.name() == model.name()) {
            Some((_, first)) => {
                d.push(error!(E0698, value.span, "the model `{}` is there already", model.name(); help: "keep one of them").related(*first, "first here"));
                sound = false;
            }
            None => found.push((model, value.span)),
        }
    }
    sound.then(|| found.into_iter().map(|(model, _)| model).collect())
}

fn model(value: &ast::Value, d: &mut Diagnostics) -> Option<CreditModel> {
    let word = name(value).filter(|(_, clauses)| clauses.is_empty()).map(|(name, _)| name.as_str());
    let known = match word {
        Some("first") => Some(CreditModel::First),
        Some("last") => Some(CreditModel::Last),
        Some("linear") => Some(CreditModel::Linear),
        Some("position") => Some(CreditModel::Position),
        _ => None,
    };
    if known.is_some() {
        return known;
    }
    if let Some((function, half_life)) = decay(value) {
        let half_life = half_life.and_then(milliseconds).filter(|ms| *ms > 0);
        match (function, half_life) {
            ("time_decay", Some(ms)) => return Some(CreditModel::TimeDecay(ms)),
            ("time_decay", None) => {
                d.push(error!(E0698, value.span, "`time_decay` takes a half-life: after so long a touch counts half";
                    help: "write `time_decay(7d)`"));
                return None;
            }
            _ => {}
        }
    }
    if word == Some("time_decay") {
        d.push(error!(E0698, value.span, "`time_decay` has no half-life"; help: "write `time_decay(7d)`: after 7 days a touch counts half"));
        return None;
    }
    let help = match word.and_then(|word| near(word, MODELS.iter().copied())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "a model is one of: first, last, linear, position, time_decay(7d)".to_owned(),
    };
    d.push(error!(E0698, value.span, "this is no model of attribution"; help: help));
    None
}

/// The function and its only argument, where that is a duration: `time_decay(7d)`.
fn decay(value: &ast::Value) -> Option<(&str, Option<ast::Duration>)> {
    let ValueKind::Expr { expr, clauses } = &value.kind else { return None };
    let ExprKind::Call { function, arguments } = &expr.kind else { return None };
    let function = function.single().filter(|_| clauses.is_empty())?;
    let duration = match arguments.as_slice() {
        [only] => match &only.value {
            ArgumentValue::Expr(expr) => match &expr.kind {
                ExprKind::Literal(Literal::Duration(duration)) => Some(*duration),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    };
    let fixed = |duration: &ast::Duration| {
        !matches!(duration.unit, DurationUnit::Month | DurationUnit::Quarter | DurationUnit::Year)
    };
    Some((function.as_str(), duration.filter(fixed)))
}
