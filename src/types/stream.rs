//! Where a stream takes the rows of a source from.

use super::items::Items;
use super::model::Stream;
use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::syntax::ast::{Argument, ArgumentValue, ExprKind, Literal, Value, ValueKind};

/// `stream: kafka(topic: "app.events", format: "json")`; what is wrong with it is told.
pub fn stream(items: &Items<'_>, diagnostics: &mut Diagnostics) -> Option<Stream> {
    items.get("stream")?;
    let value = items.one("stream", diagnostics)?;
    let found = read(value);
    if let Err((span, wrong)) = found {
        diagnostics.push(error!(E0205, span, "`stream` {wrong}";
            help: "write `stream: kafka(topic: \"app.events\", format: \"json\")`"));
        return None;
    }
    found.ok()
}

fn read(value: &Value) -> Result<Stream, (Span, String)> {
    let ValueKind::Expr { expr, .. } = &value.kind else { return Err((value.span, "takes a call".to_owned())) };
    let ExprKind::Call { function, arguments } = &expr.kind else {
        return Err((expr.span, "takes a call".to_owned()));
    };
    if function.to_string() != "kafka" {
        return Err((function.span, format!("knows no `{function}`")));
    }
    let (mut topic, mut format) = (None, None);
    for argument in arguments {
        let (span, text) = text(argument).ok_or((expr.span, "takes texts with names".to_owned()))?;
        let place = match argument.name.as_ref().map(|name| name.value.as_str()) {
            Some("topic") => &mut topic,
            Some("format") => &mut format,
            Some(name) => return Err((span, format!("has no `{name}`"))),
            None => return Err((span, "takes texts with names".to_owned())),
        };
        if place.replace(text.to_owned()).is_some() {
            return Err((span, "says the same twice".to_owned()));
        }
    }
    match format.as_deref() {
        None | Some("json") => {}
        Some(other) => return Err((expr.span, format!("does not know the format `{other}`"))),
    }
    topic.map(|topic| Stream { topic }).ok_or((expr.span, "does not say its `topic`".to_owned()))
}

fn text(argument: &Argument) -> Option<(Span, &str)> {
    match &argument.value {
        ArgumentValue::Expr(expr) => match &expr.kind {
            ExprKind::Literal(Literal::String(text)) => Some((expr.span, text)),
            _ => None,
        },
        ArgumentValue::Step(_) => None,
    }
}
