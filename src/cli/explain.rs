//! `metricc explain`: what a diagnostic means and what to do.

use super::{Context, Exit, Outcome, markdown, ui};
use crate::{
    diagnostic::{Code, codes},
    error,
    suggest::near,
};

/// Tell what a diagnostic means, with a wrong and a right example
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A code such as E0201; without one, all codes are listed
    #[arg(value_name = "CODE")]
    subject: Option<String>,
}

/// Prints the page of a code, or the list of all.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let text = match &args.subject {
        None => list(),
        Some(subject) => match Code::parse(subject.trim()) {
            Some(code) => markdown::render(code.page(), context.paint(), ui::width()),
            None => return Err(unknown(subject).into()),
        },
    };
    context.print(&text)?;
    Ok(Exit::Clean)
}

/// All codes with their titles.
fn list() -> String {
    let title =
        |page: &str| page.lines().next().and_then(|line| line.split_once(": ")).map(|(_, title)| title.to_owned());
    let rows = codes::PAGES.iter().map(|(code, page)| vec![code.0.to_owned(), title(page).unwrap_or_default()]);
    ui::table(&[ui::Column::text("code"), ui::Column::text("what is wrong")], rows)
}

fn unknown(subject: &str) -> crate::diagnostic::Diagnostic {
    let upper = subject.trim().to_uppercase();
    let close = near(&upper, codes::PAGES.iter().map(|(code, _)| code.0));
    let help = match close {
        Some(near) => format!("did you mean `{near}`? `metricc explain` lists all codes"),
        None => "`metricc explain` lists all codes".to_owned(),
    };
    error!(E0039, None, "there is no code `{subject}`"; help: help)
}
