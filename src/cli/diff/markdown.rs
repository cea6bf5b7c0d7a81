//! For a comment of a pull request. GitHub takes 65,536 characters of one; what does not fit is counted and said.

use similar::TextDiff;

use super::evidence::{self, Evidence, Gathered};
use super::{Refused, Report, place, text};
use crate::change::diff::{Class, Entry, Field};
use crate::change::effect::Effect;
use crate::change::witness::{Searched, Witness};
use crate::diagnostic::render::visible;

/// By this a script finds the comment of an earlier run.
const MARK: &str = "<!-- metricc diff -->";

/// As many characters a comment may have. Those beyond the first plane of Unicode count as two, as in JavaScript.
pub const LIMIT: usize = 65_536;

/// Room for what is said of what was left out.
const ROOM: usize = 600;

/// As much of a comment evidence may take: what is different comes first.
const EVIDENCE: usize = 24_000;

/// All of it, or as much as fits.
pub fn render(report: &Report<'_>) -> String {
    let mut head = format!("{MARK}\n## Metric changes\n\n{} → {}\n\n", code(&report.base), code(&report.head));
    if report.diff.class().is_none() {
        return head + "Nothing means something else.\n";
    }
    head += &counts(report);
    let mut page = Page { text: head, left_out: [0; 4], details: 0 };
    // The weightiest first, and definitions only where all of the rest fits.
    let entries = || Class::ALL.into_iter().flat_map(|class| report.told(class));
    let rest = evidence(report) + &moved(report) + &built(report);
    let short: usize = entries().map(|entry| length(&of_entry(entry, false))).sum();
    let mut spare = LIMIT.saturating_sub(ROOM + length(&page.text) + short + length(&rest));
    for entry in entries() {
        let whole = of_entry(entry, true);
        let plain = of_entry(entry, false);
        let more = length(&whole).saturating_sub(length(&plain));
        if more <= spare {
            spare -= more;
            page.add(&whole, entry.class);
        } else {
            page.details += 1;
            page.add(&plain, entry.class);
        }
    }
    if length(&page.text) + length(&rest) + ROOM <= LIMIT {
        page.text += &rest;
    } else {
        for entry in Class::ALL.into_iter().flat_map(|class| report.moved(class)) {
            page.left_out[place_of(entry.class)] += 1;
        }
    }
    page.end()
}

/// Why there is no comparison.
pub fn refused(sides: &[Refused]) -> String {
    let mut text = format!("{MARK}\n## Metric changes\n\n");
    for side in sides {
        let count = side.diagnostics.len();
        text +=
            &format!("{} can't be compared: {count} error{}.\n\n", code(&side.name), if count == 1 { "" } else { "s" });
        for found in side.diagnostics.iter().take(20) {
            let place = place(side, found).map_or_else(String::new, |place| format!("{}: ", code(&place)));
            text += &format!("- {place}{} {}\n", found.code, code(&found.message));
        }
        if count > 20 {
            text += &format!("- and {} more\n", count - 20);
        }
        text.push('\n');
    }
    text
}

/// What was put together so far.
struct Page {
    text: String,
    /// How many declarations of each class did not fit.
    left_out: [usize; 4],
    /// How many definitions did not fit.
    details: usize,
}

impl Page {
    fn add(&mut self, part: &str, class: Class) {
        if length(&self.text) + length(part) + ROOM <= LIMIT {
            self.text += part;
        } else {
            self.left_out[place_of(class)] += 1;
        }
    }

    fn end(mut self) -> String {
        let left: usize = self.left_out.iter().sum();
        if left > 0 {
            let parts = Class::ALL.into_iter().zip(self.left_out).filter(|(_, count)| *count > 0);
            let parts: Vec<String> = parts.map(|(class, count)| format!("{count} {}", class.word())).collect();
            self.text += &format!(
                "\n**{left} declarations are left out** ({}): a comment has room for {LIMIT} characters. `metricc diff` shows all.\n",
                parts.join(", ")
            );
        } else if self.details > 0 {
            self.text += &format!(
                "\nThe texts of {} definitions are left out: a comment has room for {LIMIT} characters.\n",
                self.details
            );
        }
        self.text
    }
}

fn place_of(class: Class) -> usize {
    Class::ALL.iter().position(|one| *one == class).unwrap_or_default()
}

/// How long a text is for GitHub.
pub fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

fn counts(report: &Report<'_>) -> String {
    let mut text = "| class | metrics | others |\n|---|---:|---:|\n".to_owned();
    for class in Class::ALL {
        let (metrics, others) = report.count(class);
        if metrics + others > 0 {
            text += &format!("| {} | {metrics} | {others} |\n", class.word());
        }
    }
    if !report.diff.project.is_empty() {
        text += "\n### caliber: the project\n\n";
        text += &table(&report.diff.project);
        text += "\nEvery metric moves with it.\n";
    }
    text
}

fn of_entry(entry: &Entry, with_text: bool) -> String {
    let at = entry.head.as_ref().or(entry.base.as_ref());
    let place = at
        .and_then(|at| at.place.as_ref())
        .map_or_else(String::new, |(file, line)| format!(", {}", code(&format!("{file}:{line}"))));
    let mut text = format!(
        "\n### {}: {} {}\n\n{}{place}\n",
        entry.class.word(),
        entry.kind.word(),
        code(&entry.title()),
        entry.state.word()
    );
    if !entry.fields.is_empty() {
        text += &format!("\n{}", table(&entry.fields));
    }
    if !entry.via.is_empty() {
        text += &format!("\nvia {}\n", codes(&entry.via));
    }
    if let Some(direction) = &entry.direction {
        text += &format!("\nThe value can only **{}**: {}.\n", text::way(direction.falls), direction.why);
    }
    if !entry.downstream.is_empty() {
        text += &format!("\nDownstream: {}\n", code(&text::below(&entry.downstream)));
    }
    if with_text {
        text += &definition(entry);
    }
    text
}

/// Both texts of a definition, folded away.
fn definition(entry: &Entry) -> String {
    let of = |at: &Option<crate::change::diff::At>| at.as_ref().map_or(String::new(), |at| format!("{}\n", at.text));
    let (old, new) = (of(&entry.base), of(&entry.head));
    let lines = diff_lines(&old, &new);
    if lines.is_empty() {
        return String::new();
    }
    let body: String = lines.iter().map(|(sign, line)| format!("{sign}{}\n", visible(line))).collect();
    // A fence that the text does not contain.
    let ticks = longest_run(&body).max(2) + 1;
    let fence = "`".repeat(ticks);
    format!("\n<details><summary>definition</summary>\n\n{fence}diff\n{body}{fence}\n\n</details>\n")
}

/// The lines of two texts with what became of them; none where both are the same, or one is missing.
pub fn diff_lines(old: &str, new: &str) -> Vec<(char, String)> {
    if old == new || old.is_empty() || new.is_empty() {
        return Vec::new();
    }
    let changes = TextDiff::from_lines(old, new);
    let line = |change: similar::Change<&str>| {
        let sign = match change.tag() {
            similar::ChangeTag::Delete => '-',
            similar::ChangeTag::Insert => '+',
            similar::ChangeTag::Equal => ' ',
        };
        (sign, change.value().trim_end_matches(['\n', '\r']).to_owned())
    };
    changes.iter_all_changes().map(line).collect()
}

fn table(fields: &[Field]) -> String {
    let mut text = "| field | before | after |\n|---|---|---|\n".to_owned();
    for field in fields {
        let cell = |side: &Option<String>| side.as_ref().map_or_else(|| "–".to_owned(), |text| cell(text));
        let weight = if field.class == Class::Breaking { " **breaking**" } else { "" };
        text += &format!("| {}{weight} | {} | {} |\n", cell(&Some(field.name())), cell(&field.old), cell(&field.new));
    }
    text
}

/// Those that only move with others.
fn moved(report: &Report<'_>) -> String {
    let all: Vec<&Entry> = Class::ALL.into_iter().flat_map(|class| report.moved(class)).collect();
    if all.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "\n<details><summary>{} more move with these</summary>\n\n| what | can only | via |\n|---|---|---|\n",
        all.len()
    );
    for entry in all {
        let way = entry.direction.as_ref().map_or("", |direction| text::way(direction.falls));
        text += &format!(
            "| {} {} | {way} | {} |\n",
            entry.kind.word(),
            cell(&entry.title()),
            cell(&text::listed(&entry.via))
        );
    }
    text + "\n</details>\n"
}

fn built(report: &Report<'_>) -> String {
    let Some(built) = report.built.as_ref().filter(|built| !built.is_empty()) else { return String::new() };
    let mut text =
        "\n### What the targets are given\n\n| state | what | name | to do |\n|---|---|---|---|\n".to_owned();
    for one in built {
        text += &format!("| {} | {} | {} | {} |\n", one.state, one.kind, cell(&one.name), one.todo());
    }
    text
}

/// What stands behind the differences, as much as fits.
fn evidence(report: &Report<'_>) -> String {
    let Gathered { all, left_out } = &report.evidence;
    let mut text = String::new();
    let mut cut = *left_out;
    for one in all {
        let part = of_evidence(one);
        if length(&text) + length(&part) > EVIDENCE { cut += 1 } else { text += &part }
    }
    if cut > 0 {
        let told = Gathered { all: Vec::new(), left_out: cut };
        text += &format!("\n{}\n", evidence::left_out(&told));
    }
    text
}

fn of_evidence(one: &Evidence) -> String {
    let mut text = format!("\n#### Evidence: {}\n", code(&one.title));
    match &one.witness {
        Some(Ok(Searched::Found(witness))) => text += &of_witness(witness),
        Some(other) => text += &format!("\n{}\n", sentence(&evidence::none_found(other))),
        None => {}
    }
    match &one.effect {
        Some(Ok(effect)) => text += &of_effect(effect),
        Some(Err(why)) => text += &format!("\nNot computed over data: {}\n", code(why)),
        None => {}
    }
    text
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect::<String>() + ".")
}

fn of_witness(witness: &Witness) -> String {
    let mut text = "\nBoth versions disagree on these rows:\n".to_owned();
    let empty = |cell_: &Option<String>| cell_.as_ref().map_or_else(String::new, |text| cell(text));
    for given in &witness.given {
        text += &format!("\n{}\n\n", code(&given.table));
        let names: Vec<String> = given.columns.iter().map(|name| cell(name)).collect();
        text += &format!("| {} |\n|{}\n", names.join(" | "), "---|".repeat(names.len()));
        for row in &given.rows {
            text += &format!("| {} |\n", row.iter().map(empty).collect::<Vec<_>>().join(" | "));
        }
    }
    text += "\n| bucket | before | after |\n|---|---:|---:|\n";
    for one in &witness.values {
        let time = one.time.as_ref().map_or_else(|| "all".to_owned(), |time| cell(time));
        text += &format!("| {time} | {} | {} |\n", evidence::shown(&one.old), evidence::shown(&one.new));
    }
    text
}

fn of_effect(effect: &Effect) -> String {
    let mut text = format!("\nOver data: {}\n", evidence::summary(effect));
    let worst = effect.worst(evidence::BUCKETS);
    let row = |cells: Vec<String>| format!("| {} | {} |\n", cell(&cells[0]), cells[1..].join(" | "));
    if worst.iter().any(|one| one.of.is_some()) {
        text += "\n| bucket | before | after | change |\n|---|---:|---:|---:|\n";
        worst.into_iter().for_each(|one| text += &row(evidence::cells(one)));
    }
    if !effect.slices.is_empty() {
        text += "\n| dimension | value | before | after | change |\n|---|---|---:|---:|---:|\n";
        for slice in &effect.slices {
            text += &format!("| {} {}", cell(&slice.dimension), row(evidence::cells(&slice.compared)));
        }
        if effect.more_slices > 0 {
            text += &format!("\nand {} more\n", effect.more_slices);
        }
    }
    if !effect.shares.is_empty() {
        text += "\n| edit | adds, over all buckets |\n|---|---:|\n";
        for share in &effect.shares {
            text += &format!("| {} | {} |\n", cell(&share.edit), evidence::number(Some(share.adds)));
        }
    }
    if let Some(why) = effect.unshared {
        text += &format!("\n{}\n", sentence(&why.text()));
    }
    text
}

fn longest_run(text: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for letter in text.chars() {
        run = if letter == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// A text as code: nothing in it is Markdown, a mention or HTML.
fn code(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = visible(&text).into_owned();
    let fence = "`".repeat(longest_run(&text) + 1);
    let room = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{room}{text}{room}{fence}")
}

fn codes(texts: &[String]) -> String {
    texts.iter().map(|text| code(text)).collect::<Vec<_>>().join(", ")
}

/// The same in a table, where a bar would end the cell.
fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_gets_out_of_its_cell() {
        assert_eq!(cell("a | b"), "`a \\| b`");
        assert_eq!(code("`x`"), "`` `x` ``");
        assert_eq!(code("@all <b>\nnext"), "`@all <b> next`");
        assert_eq!(length("店😀"), 3);
    }
}
