//! How numbers are written, and in which colours.

use serde_json::{Value as Json, json};

use super::given::Drawing;
use crate::types::{Better, Type};

const GOOD: &str = "green";
const BAD: &str = "red";
/// Of what nobody says whether it is good.
const PLAIN: &str = "blue";

/// The unit of Grafana, and how many digits stand behind the point; none where Grafana decides.
pub fn unit(value: &Drawing) -> (String, Option<u8>) {
    let metric = &value.metric;
    if metric.ty.ty == Type::Duration {
        return ("ms".to_owned(), None);
    }
    if value.is_share {
        return ("percentunit".to_owned(), Some(2));
    }
    let decimals = if metric.ty.ty == Type::Int { Some(0) } else { None };
    let named: Vec<&str> = metric.ty.unit.iter().flat_map(|unit| unit.names()).collect();
    let unit = match (named.as_slice(), metric.ty.unit.as_ref().map(ToString::to_string)) {
        ([], _) => "locale".to_owned(),
        // A number of things: what they are is in the title.
        (_, _) if metric.ty.ty == Type::Int => "locale".to_owned(),
        ([one], Some(text)) if text == *one => match *one {
            currency @ ("CNY" | "USD" | "EUR" | "GBP" | "JPY" | "INR" | "KRW" | "BRL") => format!("currency{currency}"),
            other => format!("suffix: {other}"),
        },
        (_, Some(text)) => format!("suffix: {text}"),
        (_, None) => "locale".to_owned(),
    };
    let money = unit.starts_with("currency");
    (unit, if money { Some(2) } else { decimals })
}

/// The steps of thresholds: where values are bad, by the limits that are nearest to what is good.
pub fn thresholds(value: &Drawing) -> Json {
    let floor = value.limits.iter().filter(|limit| limit.is_floor).map(|limit| limit.value).max_by(f64::total_cmp);
    let ceiling = value.limits.iter().filter(|limit| !limit.is_floor).map(|limit| limit.value).min_by(f64::total_cmp);
    let step = |color: &str, from: Option<f64>| json!({ "color": color, "value": from });
    let steps = match (floor, ceiling) {
        (None, None) => vec![step(PLAIN, None)],
        (Some(floor), None) => vec![step(BAD, None), step(GOOD, Some(floor))],
        (None, Some(ceiling)) => vec![step(GOOD, None), step(BAD, Some(ceiling))],
        (Some(floor), Some(ceiling)) if floor < ceiling => {
            vec![step(BAD, None), step(GOOD, Some(floor)), step(BAD, Some(ceiling))]
        }
        // Nothing is good between them.
        (Some(_), Some(_)) => vec![step(BAD, None)],
    };
    json!({ "mode": "absolute", "steps": steps })
}

/// How a change is coloured: more is good, bad, or neither.
pub fn change(better: Better) -> &'static str {
    match better {
        Better::Up => "standard",
        Better::Down => "inverted",
        Better::None => "same_as_value",
    }
}
