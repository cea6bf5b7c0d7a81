//! A report as a message to people.

use chrono::Datelike;

use crate::cli::{Context, Exit, Outcome, Stop, deliver::deliver};
use crate::delivery::{Attachment, How, Image, Message, Occasion};
use crate::diagnostic::Diagnostic;
use crate::error;
use crate::project::{Address, Project};
use crate::report::{Made, write};
use crate::types::Report;
use crate::value::Step;
use crate::value::time::local_date;

const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Brings a report to those that it is declared for, and tells what became of each.
pub fn send(report: &Report, made: &Made, how: How, as_json: bool, project: &Project, context: &Context) -> Outcome {
    if report.deliver.is_empty() {
        let found = error!(E0866, report.name.span, "the report `{}` says not to whom it goes", made.name;
            help: "add `deliver: email(\"kpi\")` to it");
        return Err(Stop::found(project, [found].into_iter().collect()));
    }
    let occasion = Occasion { report: made.name.clone(), period: spelled(made) };
    let message = message(made, &occasion).map_err(Stop::from)?;
    let to: Vec<Address> = report.deliver.iter().map(|one| one.address()).collect();
    let delivered = deliver(project, &occasion, &message, &to, how)?;
    if as_json {
        let all: Vec<serde_json::Value> = delivered.iter().map(|one| one.json()).collect();
        context.print(&format!("{:#}\n", serde_json::Value::from(all)))?;
    } else {
        for one in &delivered {
            context.print(&format!("{}\n", one.line()))?;
        }
    }
    Ok(if delivered.iter().any(|one| one.is_failure()) { Exit::Findings } else { Exit::Clean })
}

/// The period in its one spelling, by which a delivery is known: its first day, `2026-11`, `2026-Q4`, `2026`.
fn spelled(made: &Made) -> String {
    let day = local_date(made.period.start, made.zone);
    match made.every {
        Step::Month => day.format("%Y-%m").to_string(),
        Step::Quarter => format!("{}-Q{}", day.year(), day.month0() / 3 + 1),
        Step::Year => day.format("%Y").to_string(),
        _ => day.to_string(),
    }
}

fn message(made: &Made, occasion: &Occasion) -> Result<Message, Box<Diagnostic>> {
    let plain = |text: &str| text.to_owned();
    let marks = write::Marks { bold: &plain, good: &plain, bad: &plain, unicode: true };
    let page = write::Page::of(made);
    let mut pictures = Vec::new();
    let mut images = Vec::new();
    for (place, metric) in made.metrics.iter().enumerate() {
        let Some(png) = write::png(metric, made) else { continue };
        let cid = format!("chart-{place}.{}", occasion.period);
        let title = metric.title.clone();
        pictures.push(write::Picture { title, cid: cid.clone(), width: write::WIDTH, height: write::HEIGHT });
        images.push(Image { cid, png });
    }
    Ok(Message {
        subject: format!("{} {}", page.title, page.period),
        text: write::text(made, marks),
        html: Some(write::mail(made, &pictures)),
        images,
        attachments: vec![Attachment {
            name: format!("{}-{}.xlsx", made.name, occasion.period),
            media_type: WORKBOOK,
            bytes: write::workbook(made)?,
        }],
        markdown: write::entries(made),
    })
}
