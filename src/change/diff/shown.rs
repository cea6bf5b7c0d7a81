//! What is different in how something is called, typed and shown: what does not change numbers by itself, and may yet break those
//! who read them.

use crate::types::{Dimension, Grain, Metric, Model, Sensitivity, Serve, Type, ValueType, show_type};
use crate::value::DataType;

use super::field::{Aspect, Class, Field};
use super::formula::additivity;

/// Fields of a metric beside its formula. `moved` says whether numbers move anyway.
pub fn of_metric(before: (&Metric, &Model), after: (&Metric, &Model), moved: bool) -> Vec<Field> {
    let ((a, old), (b, new)) = (before, after);
    let mut found = Vec::new();
    about(&mut found, "title", &a.title, &b.title);
    about(&mut found, "title_en", &a.title_en, &b.title_en);
    about(&mut found, "description", &a.doc, &b.doc);
    about(&mut found, "owner", &a.owner, &b.owner);
    let word = |word: String| Some(word.to_lowercase());
    about(
        &mut found,
        "tier",
        &a.tier.and_then(|tier| word(format!("{tier:?}"))),
        &b.tier.and_then(|tier| word(format!("{tier:?}"))),
    );
    about(
        &mut found,
        "better",
        &a.better.and_then(|one| word(format!("{one:?}"))),
        &b.better.and_then(|one| word(format!("{one:?}"))),
    );
    typed(&mut found, (&a.ty, old), (&b.ty, new));
    if a.fill != b.fill {
        let of = |metric: &Metric| Some(format!("{:?}", metric.fill).to_lowercase());
        found.push(Field::caliber(Aspect::Fill, "", of(a), of(b)));
    }
    let grains = |metric: &Metric| -> Vec<String> { metric.grain.iter().map(grain).collect() };
    let (was, is) = (grains(a), grains(b));
    if was.last() != is.last() {
        found.push(Field::caliber(Aspect::Grain, "default", was.last().cloned(), is.last().cloned()));
    }
    sets(&mut found, Aspect::Grain, &was, &is);
    let by = |metric: &Metric, model: &Model| -> Vec<String> {
        metric.by.iter().map(|by| by.name(&model.dimensions)).collect()
    };
    sets(&mut found, Aspect::Dimensions, &by(a, old), &by(b, new));
    let serve = |metric: &Metric| -> Vec<String> { metric.serve.iter().map(|one| served(*one)).collect() };
    sets(&mut found, Aspect::Serve, &serve(a), &serve(b));
    let compared = |metric: &Metric| -> Vec<String> { metric.compared.iter().map(|one| one.name.clone()).collect() };
    sets(&mut found, Aspect::Comparison, &compared(a), &compared(b));
    if moved {
        let (was, is) = (additivity(&a.formula, old), additivity(&b.formula, new));
        if was != is {
            found.push(Field::caliber(Aspect::Additivity, "", Some(was.to_owned()), Some(is.to_owned())));
        }
    }
    found
}

/// Fields of a dimension beside its values.
pub fn of_dimension(before: (&Dimension, &Model), after: (&Dimension, &Model)) -> Vec<Field> {
    let mut found = Vec::new();
    about(&mut found, "title", &before.0.title, &after.0.title);
    about(&mut found, "description", &before.0.doc, &after.0.doc);
    typed(&mut found, (&before.0.ty, before.1), (&after.0.ty, after.1));
    found
}

/// A text that nothing is computed from.
fn about(found: &mut Vec<Field>, what: &str, old: &Option<String>, new: &Option<String>) {
    if old != new {
        let (old, new) = (old.clone(), new.clone());
        found.push(Field { class: Class::Cosmetic, aspect: Aspect::About, of: what.to_owned(), old, new });
    }
}

/// Type, unit and label of a value. A type is as good as before where it holds all that the other one holds.
fn typed(found: &mut Vec<Field>, (a, old): (&ValueType, &Model), (b, new): (&ValueType, &Model)) {
    let mut tell = |class, aspect, was: String, is: String| {
        found.push(Field { class, aspect, of: String::new(), old: Some(was), new: Some(is) });
    };
    let unit = |ty: &ValueType| ty.unit.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
    if unit(a) != unit(b) {
        tell(Class::Breaking, Aspect::Unit, unit(a), unit(b));
    }
    let stored = (old.data_type(&a.ty), new.data_type(&b.ty));
    if stored.0 != stored.1 || a.nullable != b.nullable {
        let text = |ty: &ValueType, model: &Model, stored: &DataType| {
            // What is stored alike is called alike: a reference is its key, an enum a string.
            let shown = match stored {
                DataType::String => "string".to_owned(),
                _ => show_type(&ty.ty, &model.tables),
            };
            format!("{shown}{}", if ty.nullable { "?" } else { "" })
        };
        let (was, is) = (text(a, old, &stored.0), text(b, new, &stored.1));
        let holds = widens(&a.ty, &b.ty) || stored.0 == stored.1;
        let class = match (holds, a.nullable || !b.nullable) {
            (true, true) => Class::Compatible,
            // Of the same type, but it may be missing.
            (true, false) => Class::Caliber,
            (false, _) => Class::Breaking,
        };
        tell(class, Aspect::Type, was, is);
    }
    if a.sensitivity != b.sensitivity {
        let word = |ty: &ValueType| if ty.sensitivity == Sensitivity::Personal { "personal data" } else { "public" };
        let class = if b.sensitivity == Sensitivity::Personal { Class::Breaking } else { Class::Compatible };
        tell(class, Aspect::Sensitivity, word(a).to_owned(), word(b).to_owned());
    }
}

/// Whether each value of the first type is one of the second.
fn widens(from: &Type, to: &Type) -> bool {
    match (from, to) {
        (Type::Int, Type::Decimal { precision, scale }) => precision - scale >= 19,
        (Type::Decimal { precision: p, scale: s }, Type::Decimal { precision, scale }) => {
            scale >= s && precision - scale >= p - s
        }
        _ => false,
    }
}

/// What went from a list, which breaks those who use it, and what came to it.
fn sets(found: &mut Vec<Field>, aspect: Aspect, old: &[String], new: &[String]) {
    for gone in old.iter().filter(|one| !new.contains(one)) {
        found.push(Field { class: Class::Breaking, aspect, of: String::new(), old: Some(gone.clone()), new: None });
    }
    for came in new.iter().filter(|one| !old.contains(one)) {
        found.push(Field { class: Class::Compatible, aspect, of: String::new(), old: None, new: Some(came.clone()) });
    }
}

fn grain(grain: &Grain) -> String {
    match grain {
        Grain::Step(step) => step.text(),
        Grain::Total => "total".to_owned(),
    }
}

fn served(serve: Serve) -> String {
    match serve {
        Serve::Live => "live".to_owned(),
        Serve::Stream(step) => format!("stream({})", step.text()),
        Serve::Hourly => "hourly".to_owned(),
        Serve::Daily => "daily".to_owned(),
    }
}
