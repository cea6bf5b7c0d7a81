//! A report for programs: exact values, as `metricc query` gives them.

use serde_json::{Value as Json, json};

use super::super::{Baseline, Judged, Made, MadeMetric, Shares, Structure};
use super::words::Words;
use crate::change::verify::Number;
use crate::types::{Better, Language};
use crate::value::time::local_date;

/// The report as JSON, ended by a line end.
pub fn json(made: &Made) -> String {
    let words = Words(made.language);
    let day = |ms: i64| local_date(ms, made.zone).to_string();
    let compare = made.compare.iter().map(
        |(length, period)| json!({ "length": length.text(), "from": day(period.start), "to": day(period.end - 1) }),
    );
    let told = json!({
        "report": made.name,
        "title": made.title,
        "owner": made.owner,
        "language": match made.language { Language::En => "en", Language::Zh => "zh" },
        "period": {
            "every": made.every.text(),
            "from": day(made.period.start),
            "to": day(made.period.end - 1),
            "over": made.is_over,
        },
        "compare": compare.collect::<Vec<_>>(),
        "metrics": made.metrics.iter().map(|metric| of_metric(metric, made)).collect::<Vec<_>>(),
        "structure": made.structure.iter().map(structure).collect::<Vec<_>>(),
        "advice": words.advice(made),
        "actions": made.actions,
    });
    format!("{told:#}\n")
}

/// Ints and floats as numbers; decimals as texts, which lose nothing.
fn number(value: Option<Number>) -> Json {
    match value {
        None => Json::Null,
        Some(Number::Float(value)) => json!(value),
        Some(Number::Exact { digits, scale: 0 }) => {
            i64::try_from(digits).map_or_else(|_| json!(digits.to_string()), |digits| json!(digits))
        }
        Some(exact) => json!(exact.text()),
    }
}

fn of_metric(metric: &MadeMetric, made: &Made) -> Json {
    let words = Words(made.language);
    let day = |ms: i64| local_date(ms, made.zone).to_string();
    let compared = metric.compared.iter().zip(&made.compare).map(|(compared, (length, _))| {
        json!({
            "length": length.text(),
            "before": number(compared.before),
            "difference": number(compared.difference),
            "relative": compared.relative,
        })
    });
    let explained = metric.explained.iter().map(|by| {
        let mut told = shares(&by.shares);
        told["dimension"] = json!(by.dimension);
        told["sentence"] = json!(words.explained(metric, by));
        told
    });
    let baseline = match &metric.judged {
        Judged::NoValue => Json::Null,
        Judged::Short { have } => json!({ "values": have, "judged": false }),
        Judged::Against(Baseline { count, median, spread, times }) => json!({
            "values": count,
            "judged": true,
            "median": median,
            "spread": spread,
            "times": times,
            "unusual": metric.judged.unusual().is_some(),
        }),
    };
    json!({
        "metric": metric.name,
        "title": metric.title,
        "owner": metric.owner,
        "unit": metric.unit,
        "share": metric.is_share,
        "better": metric.better.map(|better| match better {
            Better::Up => "up",
            Better::Down => "down",
            Better::None => "none",
        }),
        "value": number(metric.value),
        "compared": compared.collect::<Vec<_>>(),
        "baseline": baseline,
        "sentence": words.metric(metric, made),
        "unusual": words.unusual(metric, made),
        "explained": explained.collect::<Vec<_>>(),
        "series": metric.series.iter().map(|(start, value)| json!([day(*start), number(*value)])).collect::<Vec<_>>(),
    })
}

fn shares(of: &Shares) -> Json {
    match of {
        Shares::Sum { shown, other } => json!({
            "kind": "contribution",
            "groups": shown.iter().map(|one| json!({
                "group": one.group,
                "before": number(one.old),
                "value": number(one.new),
                "effect": number(Some(one.effect)),
            })).collect::<Vec<_>>(),
            "other": other.map(|(count, effect)| json!({ "groups": count, "effect": number(Some(effect)) })),
        }),
        Shares::Ratio { shown, other, all } => json!({
            "kind": "rate and mix",
            "groups": shown.iter().map(|one| json!({
                "group": one.group,
                "before": one.old,
                "value": one.new,
                "share_before": one.old_share,
                "share": one.new_share,
                "rate_effect": one.rate,
                "mix_effect": one.mix,
                "beside": one.beside,
            })).collect::<Vec<_>>(),
            "other": other.map(|(count, sum)| json!({
                "groups": count, "rate_effect": sum.rate, "mix_effect": sum.mix, "beside": sum.beside,
            })),
            "rate_effect": all.rate,
            "mix_effect": all.mix,
            "beside": all.beside,
        }),
        Shares::Beside { shown, more } => json!({
            "kind": "side by side",
            "groups": shown.iter().map(|one| json!({
                "group": one.group, "before": number(one.old), "value": number(one.new),
            })).collect::<Vec<_>>(),
            "more": more,
        }),
    }
}

fn structure(of: &Structure) -> Json {
    json!({
        "metric": of.metric,
        "dimension": of.dimension,
        "adds_up": of.adds_up,
        "parts": of.parts.iter().map(|part| json!({
            "group": part.group,
            "value": number(part.value),
            "before": number(part.before),
            "share": part.share,
            "share_before": part.share_before,
        })).collect::<Vec<_>>(),
        "more": of.more,
    })
}
