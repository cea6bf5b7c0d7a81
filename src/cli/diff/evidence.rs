//! What stands behind a difference: rows on which both versions disagree, and what it does to data.

use crate::change::effect::{Compared, Effect};
use crate::change::witness::{Searched, Witness};
use crate::diagnostic::render::visible;
use crate::table::form;

use super::super::ui::{self, Column, Paint};

/// As many buckets are shown.
pub const BUCKETS: usize = 7;

/// The evidence of a difference.
pub struct Evidence {
    /// What it is of, with both versions where they differ: `metric dau`, `rows of subset paid_order`.
    pub title: String,
    /// Rows on which both versions disagree; none where nobody asked.
    pub witness: Option<Result<Searched, String>>,
    /// What the difference does to data; none where nobody asked.
    pub effect: Option<Result<Effect, String>>,
}

/// All that was gathered.
#[derive(Default)]
pub struct Gathered {
    /// A metric each.
    pub all: Vec<Evidence>,
    /// How many metrics were left out.
    pub left_out: usize,
}

/// A number for people.
pub fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| form::float((value * 1e6).round() / 1e6))
}

/// `-2.8 %`
pub fn percent(compared: &Compared) -> String {
    compared.relative().map_or_else(String::new, |part| format!("{:+.1} %", part * 100.0))
}

/// `60 of 60 buckets move, in all 1234 → 1200 (-2.8 %)`
pub fn summary(effect: &Effect) -> String {
    let (moved, all) = (effect.moved(), effect.buckets.len());
    if all == 0 {
        return "no rows in this data".to_owned();
    }
    if moved == 0 {
        return "no number moves in this data".to_owned();
    }
    let of = if effect.buckets[0].of.is_some() { format!("{moved} of {all} buckets move") } else { String::new() };
    let Some(total) = &effect.total else { return of };
    let relative = percent(total);
    let relative = if relative.is_empty() { relative } else { format!(" ({relative})") };
    let of = if of.is_empty() { of } else { of + ", in all " };
    format!("{of}{} → {}{relative}", number(total.old), number(total.new))
}

/// For a terminal.
pub fn text(gathered: &Gathered, paint: Paint) -> String {
    let mut text = String::new();
    for one in &gathered.all {
        text += &format!("\n{}  {}\n", paint.cyan("evidence  "), paint.bold(&visible(&one.title)));
        match &one.witness {
            Some(Ok(Searched::Found(witness))) => text += &of_witness(witness, paint),
            Some(other) => text += &format!("    {}\n", none_found(other)),
            None => {}
        }
        match &one.effect {
            Some(Ok(effect)) => text += &of_effect(effect, paint),
            Some(Err(why)) => text += &format!("    not computed over data: {}\n", visible(why)),
            None => {}
        }
    }
    if gathered.left_out > 0 {
        text += &format!("\n{}\n", left_out(gathered));
    }
    text
}

/// That a search found nothing, or why there was none.
pub fn none_found(searched: &Result<Searched, String>) -> String {
    match searched {
        Ok(Searched::Found(_)) => String::new(),
        Ok(Searched::Agreed(worlds)) => {
            format!("both versions agree in all of {worlds} small worlds: no witness was found")
        }
        Err(why) => format!("no search for a witness: {}", visible(why)),
    }
}

/// That metrics were left out.
pub fn left_out(gathered: &Gathered) -> String {
    let count = gathered.left_out;
    format!("{count} more metric{} without evidence here: name some with `--metric`", if count == 1 { "" } else { "s" })
}

fn indented(table: &str) -> String {
    table.lines().map(|line| format!("    {line}\n")).collect()
}

fn cell(cell: &Option<String>) -> String {
    cell.as_ref().map_or_else(String::new, |text| visible(text).into_owned())
}

fn of_witness(witness: &Witness, paint: Paint) -> String {
    let mut text = format!("    {}\n", paint.dim("both versions disagree on these rows:"));
    for given in &witness.given {
        text += &format!("    {}\n", paint.bold(&visible(&given.table)));
        let columns: Vec<Column> = given.columns.iter().map(|name| Column::text(name.as_str())).collect();
        text += &indented(&ui::table(&columns, given.rows.iter().map(|row| row.iter().map(cell).collect())));
    }
    let columns = [Column::text("bucket"), Column::number("old"), Column::number("new")];
    let rows = witness
        .values
        .iter()
        .map(|one| vec![one.time.clone().unwrap_or_else(|| "all".to_owned()), shown(&one.old), shown(&one.new)]);
    text + &indented(&ui::table(&columns, rows.collect::<Vec<_>>()))
}

/// A value, or that there is none.
pub fn shown(value: &Option<String>) -> String {
    value.clone().unwrap_or_else(|| "none".to_owned())
}

fn of_effect(effect: &Effect, paint: Paint) -> String {
    let mut text = format!("    {} {}\n", paint.dim("over data:"), summary(effect));
    let worst = effect.worst(BUCKETS);
    if worst.iter().any(|one| one.of.is_some()) {
        let columns = ["bucket", "old", "new", "change"];
        let columns: Vec<Column> = columns
            .iter()
            .enumerate()
            .map(|(at, name)| if at == 0 { Column::text(*name) } else { Column::number(*name) })
            .collect();
        text += &indented(&ui::table(&columns, worst.into_iter().map(cells).collect::<Vec<_>>()));
    }
    if !effect.slices.is_empty() {
        let columns = [
            Column::text("dimension"),
            Column::text("value"),
            Column::number("old"),
            Column::number("new"),
            Column::number("change"),
        ];
        let rows = effect.slices.iter().map(|slice| {
            let mut row = vec![slice.dimension.clone()];
            row.extend(cells(&slice.compared));
            row
        });
        text += &indented(&ui::table(&columns, rows.collect::<Vec<_>>()));
        if effect.more_slices > 0 {
            text += &format!("    and {} more\n", effect.more_slices);
        }
    }
    if !effect.shares.is_empty() {
        let columns = [Column::text("edit"), Column::number("adds, over all buckets")];
        let rows = effect.shares.iter().map(|share| vec![visible(&share.edit).into_owned(), number(Some(share.adds))]);
        text += &indented(&ui::table(&columns, rows.collect::<Vec<_>>()));
    }
    if let Some(why) = effect.unshared {
        text += &format!("    {}\n", why.text());
    }
    text
}

/// What it is for, both numbers, and the difference in percent.
pub fn cells(one: &Compared) -> Vec<String> {
    let of = one.of.as_deref().map_or_else(String::new, |of| visible(of).into_owned());
    vec![of, number(one.old), number(one.new), percent(one)]
}
