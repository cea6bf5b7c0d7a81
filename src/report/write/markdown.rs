//! A report as Markdown, and in the few forms of it that chats show.

use std::fmt::Write as _;

use super::super::Made;
use super::page::{Page, PartOf, Section, Table};

/// The report as Markdown with tables.
pub fn markdown(made: &Made) -> String {
    let page = Page::of(made);
    let mut text = format!("# {} {}\n", escaped(&page.title), escaped(&page.period));
    for note in &page.notes {
        let _ = write!(text, "\n> {}\n", escaped(note));
    }
    text.push('\n');
    table(&mut text, &page.metrics);
    list(&mut text, page.head(PartOf::Unusual), &page.unusual);
    if !page.explained.is_empty() {
        let _ = write!(text, "\n## {}\n", page.head(PartOf::Explained));
        for chapter in &page.explained {
            let _ = write!(text, "\n### {}\n", escaped(&chapter.title));
            chapter.sections.iter().for_each(|one| section(&mut text, one, None));
        }
    }
    list(&mut text, page.head(PartOf::Advice), &page.advice);
    if !page.structure.is_empty() {
        let _ = write!(text, "\n## {}\n", page.head(PartOf::Structure));
        page.structure.iter().for_each(|one| section(&mut text, one, Some(&one.title)));
    }
    list(&mut text, page.head(PartOf::Actions), &page.actions);
    list(&mut text, page.head(PartOf::Methods), &page.methods);
    text
}

fn section(text: &mut String, section: &Section, title: Option<&str>) {
    if let Some(title) = title {
        let _ = write!(text, "\n### {}\n", escaped(title));
    }
    if let Some(said) = &section.text {
        let _ = write!(text, "\n{}\n", escaped(said));
    }
    text.push('\n');
    table(text, &section.table);
}

fn list(text: &mut String, head: &str, all: &[String]) {
    if all.is_empty() {
        return;
    }
    let _ = write!(text, "\n## {head}\n\n");
    for one in all {
        let _ = writeln!(text, "- {}", escaped(one));
    }
}

fn table(text: &mut String, table: &Table) {
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    *text += &row(table.heads.iter().map(|(head, _)| escaped(head)).collect());
    *text += &row(table.heads.iter().map(|(_, number)| if *number { "---:" } else { "---" }.to_owned()).collect());
    for cells in &table.rows {
        *text += &row(cells.iter().map(|cell| escaped(&cell.text)).collect());
    }
}

/// Entries for a chat that knows heads, lists and bold letters, and no tables (DingTalk): the head first, none to be cut within.
pub fn entries(made: &Made) -> Vec<String> {
    let page = Page::of(made);
    let mut entries = vec![format!("## {} {}", escaped(&page.title), escaped(&page.period))];
    entries.extend(page.notes.iter().map(|note| format!("> {}", escaped(note))));
    entries.extend(page.sentences.iter().map(|said| format!("- {}", escaped(said))));
    let part = |head: PartOf, all: &[String]| -> Vec<String> {
        let first = (!all.is_empty()).then(|| format!("### {}", page.head(head)));
        first.into_iter().chain(all.iter().map(|said| format!("- {}", escaped(said)))).collect()
    };
    entries.extend(part(PartOf::Unusual, &page.unusual));
    let explained = page.explained.iter().flat_map(|chapter| {
        chapter.sections.iter().filter_map(|one| Some(format!("{}: {}", chapter.title, one.text.as_ref()?)))
    });
    entries.extend(part(PartOf::Explained, &explained.collect::<Vec<_>>()));
    entries.extend(part(PartOf::Advice, &page.advice));
    let structure: Vec<String> = page.structure.iter().filter_map(|one| one.text.clone()).collect();
    entries.extend(part(PartOf::Structure, &structure));
    entries.extend(part(PartOf::Actions, &page.actions));
    entries
}

/// A text that is no more than a text in Markdown, on one line.
fn escaped(text: &str) -> String {
    let mut found = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\r' => found.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' => {
                found.push('\\');
                found.push(letter);
            }
            letter => found.push(letter),
        }
    }
    found
}
