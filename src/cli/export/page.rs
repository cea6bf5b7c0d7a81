//! The page: the series of all statements, and what tells how these fare.

use super::cache::Slot;
use crate::exporter::{Page, Statement};

/// The text of `/metrics`.
pub fn text(statements: &[Statement], slots: &[Slot]) -> String {
    let mut page = Page::default();
    for (statement, slot) in statements.iter().zip(slots) {
        values(&mut page, statement, slot);
        standing(&mut page, statement, slot);
    }
    page.text()
}

/// The values of a statement, and when their bucket ended. What could not be asked has neither, so that nothing resolves (AL2).
fn values(page: &mut Page, statement: &Statement, slot: &Slot) {
    let Some((bucket, found)) = slot.bucket.zip(slot.found.as_ref()) else { return };
    let failed = || statement.shown.iter().map(|_| Err("failed")).collect();
    let all: Vec<_> = match found {
        Ok(all) => all.iter().map(|one| one.as_ref().map_err(|why| why.word())).collect(),
        Err(_) => failed(),
    };
    let end = bucket.end as f64 / 1_000.0;
    for (place, (shown, one)) in statement.shown.iter().zip(all).enumerate() {
        let samples = match one {
            Ok(samples) => samples,
            Err(reason) => {
                let mut labels = shown.labels.clone();
                labels.push(("reason".to_owned(), reason.to_owned()));
                let help = "Series that are left out: their statement failed, or they have too many groups.";
                page.gauge("metricc_export_left_out", help, &labels, 1.0);
                continue;
            }
        };
        let help = statement.help(shown);
        for sample in samples {
            let labels: Vec<_> = shown.labels.iter().chain(&sample.labels).cloned().collect();
            page.gauge(&shown.name, &help, &labels, sample.value);
        }
        // The parts of a window have one end.
        if let Some(labels) = statement.ends.get(place.min(statement.ends.len() - 1)) {
            let (name, help) = statement.end();
            page.gauge(name, help, labels, end);
        }
    }
}

/// How a statement fares.
fn standing(page: &mut Page, statement: &Statement, slot: &Slot) {
    let pair = |label: &str, value: &str| (label.to_owned(), value.to_owned());
    let own = vec![pair("statement", &statement.name)];
    if slot.found.is_some() {
        let up = f64::from(u8::from(slot.is_up()));
        page.gauge("metricc_export_up", "Whether the statement gave an answer when it was asked last.", &own, up);
        let help = "How long the statement took last, in seconds.";
        page.gauge("metricc_export_duration_seconds", help, &own, slot.took.as_secs_f64());
    }
    if let Some(ms) = slot.success {
        let help = "When the statement gave an answer last, in seconds since 1970.";
        page.gauge("metricc_export_last_success_seconds", help, &own, ms as f64 / 1_000.0);
    }
    page.counter("metricc_export_queries_total", "How often the statement was asked.", &own, slot.count as f64);
    for (code, count) in &slot.errors {
        let labels = [own.clone(), vec![pair("code", code)]].concat();
        page.counter("metricc_export_errors_total", "How often the statement failed, by code.", &labels, *count as f64);
    }
}
