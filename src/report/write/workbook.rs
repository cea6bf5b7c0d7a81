//! A report as a workbook: real numbers with their formats, a sheet for the metrics, each explanation and the values over time.

use chrono::Datelike;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, FormatAlign, Workbook, Worksheet, XlsxError};

use super::super::{Made, MadeMetric, Shares};
use super::figures::Kind;
use super::page::{Page, PartOf};
use super::words::Words;
use crate::change::verify::Number;
use crate::diagnostic::Diagnostic;
use crate::error;
use crate::value::time::local_date;
use crate::value::{DataType, Step};

/// The most letters of a sheet's name, and those that none has.
const LONGEST_NAME: usize = 31;
const FORBIDDEN: [char; 7] = ['[', ']', ':', '*', '?', '/', '\\'];
const MILLISECONDS_OF_A_DAY: f64 = 86_400_000.0;

/// The bytes of the workbook. They depend on the report alone.
///
/// # Errors
/// Where it has more than a workbook can hold.
pub fn workbook(made: &Made) -> Result<Vec<u8>, Box<Diagnostic>> {
    Sheets::write(made).map_err(|failure| {
        Box::new(error!(E0869, None, "`{}` can't be written as a workbook: {failure}", made.name;
            help: "write it in another form: `--format html`"))
    })
}

struct Sheets<'a> {
    made: &'a Made,
    words: Words,
    page: Page,
    names: Vec<String>,
    bold: Format,
    head: Format,
}

impl Sheets<'_> {
    fn write(made: &Made) -> Result<Vec<u8>, XlsxError> {
        let mut book = Workbook::new();
        // Not the time of writing: the same report has the same bytes.
        let day = local_date(made.period.end, made.zone);
        let (month, of_month) = (u8::try_from(day.month()).unwrap_or(1), u8::try_from(day.day()).unwrap_or(1));
        let created = ExcelDateTime::from_ymd(u16::try_from(day.year()).unwrap_or(1900).max(1900), month, of_month)?;
        book.set_properties(&DocProperties::new().set_title(&made.title).set_creation_datetime(&created));
        let mut sheets = Sheets {
            made,
            words: Words(made.language),
            page: Page::of(made),
            names: Vec::new(),
            bold: Format::new().set_bold(),
            head: Format::new().set_bold().set_align(FormatAlign::Right),
        };
        sheets.metrics(book.add_worksheet())?;
        for metric in &made.metrics {
            for place in 0..metric.explained.len() {
                sheets.explained(book.add_worksheet(), metric, place)?;
            }
        }
        for place in 0..made.structure.len() {
            sheets.structure(book.add_worksheet(), place)?;
        }
        sheets.series(book.add_worksheet())?;
        book.save_to_buffer()
    }

    /// Names a sheet as nothing else is named.
    fn name(&mut self, sheet: &mut Worksheet, wanted: &str) -> Result<(), XlsxError> {
        let plain: String =
            wanted.chars().map(|letter| if FORBIDDEN.contains(&letter) { ' ' } else { letter }).collect();
        let plain = plain.trim_matches(['\'', ' ']).to_owned();
        let plain = if plain.is_empty() { "sheet".to_owned() } else { plain };
        let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
        let mut name = cut(&plain, LONGEST_NAME);
        let mut count = 1;
        while self.names.iter().any(|known| known.to_lowercase() == name.to_lowercase()) {
            count += 1;
            let end = format!(" {count}");
            name = cut(&plain, LONGEST_NAME - end.len()) + &end;
        }
        sheet.set_name(&name)?;
        self.names.push(name);
        Ok(())
    }

    fn metrics(&mut self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        self.name(sheet, self.words.of("Metrics", "指标"))?;
        sheet.write_with_format(0, 0, &self.page.title, &self.bold)?;
        sheet.write(0, 1, &self.page.period)?;
        let mut heads = vec![self.words.of("metric", "指标").to_owned(), self.words.of("unit", "单位").to_owned()];
        heads.push(self.words.of("value", "值").to_owned());
        for (length, _) in &self.made.compare {
            let earlier = self.words.earlier(*length, self.made.every);
            heads.push(earlier.clone());
            heads.push(format!("{} {earlier}", self.words.of("difference to", "差：较")));
            heads.push(format!("{} {earlier}", self.words.of("change on", "变化：较")));
        }
        let first = 2;
        self.heads(sheet, first, &heads, 2)?;
        for (row, metric) in (first + 1..).zip(&self.made.metrics) {
            let kind = Kind::of(metric);
            sheet.write(row, 0, &metric.title)?;
            sheet.write(row, 1, metric.unit.as_deref().unwrap_or_default())?;
            number(sheet, row, 2, metric.value, &kind)?;
            let mut column = 3;
            for compared in &metric.compared {
                number(sheet, row, column, compared.before, &kind)?;
                number(sheet, row, column + 1, compared.difference, &kind)?;
                share(sheet, row, column + 2, compared.relative)?;
                column += 3;
            }
        }
        let mut row = first + 2 + u32::try_from(self.made.metrics.len()).unwrap_or_default();
        let lists = [
            (PartOf::Unusual, &self.page.unusual),
            (PartOf::Advice, &self.page.advice),
            (PartOf::Actions, &self.page.actions),
            (PartOf::Methods, &self.page.methods),
        ];
        for (part, all) in lists.into_iter().filter(|(_, all)| !all.is_empty()) {
            sheet.write_with_format(row, 0, self.page.head(part), &self.bold)?;
            for said in all {
                row += 1;
                sheet.write(row, 0, said)?;
            }
            row += 2;
        }
        sheet.set_freeze_panes(first + 1, 1)?;
        widths(sheet, heads.len())
    }

    fn heads(&self, sheet: &mut Worksheet, row: u32, heads: &[String], texts: usize) -> Result<(), XlsxError> {
        for (column, head) in heads.iter().enumerate() {
            let format = if column < texts { &self.bold } else { &self.head };
            sheet.write_with_format(row, place(column), head, format)?;
        }
        Ok(())
    }

    fn explained(&mut self, sheet: &mut Worksheet, metric: &MadeMetric, at: usize) -> Result<(), XlsxError> {
        let by = &metric.explained[at];
        self.name(sheet, &format!("{} {}", metric.name, by.dimension))?;
        sheet.write(0, 0, self.words.explained(metric, by))?;
        let kind = Kind::of(metric);
        let words = self.words;
        let earlier = self.made.compare.first().map(|(length, _)| words.earlier(*length, self.made.every));
        let mut heads = vec![by.title.clone(), earlier.unwrap_or_default(), words.of("now", "本期").to_owned()];
        let more: &[&str] = match &by.shares {
            Shares::Sum { .. } => &[words.of("contribution", "贡献")],
            Shares::Ratio { .. } => &[
                words.of("share before", "上期占比"),
                words.of("share now", "本期占比"),
                words.of("rate effect", "率效应"),
                words.of("mix effect", "结构效应"),
                words.of("no denominator", "无分母"),
                words.of("together", "合计"),
            ],
            Shares::Beside { .. } => &[words.of("difference", "差")],
        };
        heads.extend(more.iter().map(|head| (*head).to_owned()));
        self.heads(sheet, 2, &heads, 1)?;
        let mut row = 3;
        let effects = |sheet: &mut Worksheet, row: u32, all: [f64; 3]| -> Result<(), XlsxError> {
            for (column, effect) in (5..).zip([all[0], all[1], all[2], all.iter().sum()]) {
                number(sheet, row, column, Some(Number::Float(effect)), &kind)?;
            }
            Ok(())
        };
        match &by.shares {
            Shares::Sum { shown, other } => {
                for one in shown {
                    sheet.write(row, 0, words.group(one.group.as_deref()))?;
                    number(sheet, row, 1, one.old, &kind)?;
                    number(sheet, row, 2, one.new, &kind)?;
                    number(sheet, row, 3, Some(one.effect), &kind)?;
                    row += 1;
                }
                if let Some((count, effect)) = other {
                    sheet.write(row, 0, words.others(*count))?;
                    number(sheet, row, 3, Some(*effect), &kind)?;
                    row += 1;
                }
            }
            Shares::Ratio { shown, other, all } => {
                for one in shown {
                    sheet.write(row, 0, words.group(one.group.as_deref()))?;
                    number(sheet, row, 1, one.old.map(Number::Float), &kind)?;
                    number(sheet, row, 2, one.new.map(Number::Float), &kind)?;
                    share(sheet, row, 3, Some(one.old_share))?;
                    share(sheet, row, 4, Some(one.new_share))?;
                    effects(sheet, row, [one.rate, one.mix, one.beside])?;
                    row += 1;
                }
                if let Some((count, sum)) = other {
                    sheet.write(row, 0, words.others(*count))?;
                    effects(sheet, row, [sum.rate, sum.mix, sum.beside])?;
                    row += 1;
                }
                effects(sheet, row, [all.rate, all.mix, all.beside])?;
            }
            Shares::Beside { shown, .. } => {
                for one in shown {
                    sheet.write(row, 0, words.group(one.group.as_deref()))?;
                    number(sheet, row, 1, one.old, &kind)?;
                    number(sheet, row, 2, one.new, &kind)?;
                    number(sheet, row, 3, one.new.zip(one.old).map(|(new, old)| new.minus(old)), &kind)?;
                    row += 1;
                }
            }
        }
        if !matches!(by.shares, Shares::Beside { .. }) {
            sheet.write_with_format(row, 0, words.of("whole", "总体"), &self.bold)?;
            let first = metric.compared.first();
            number(sheet, row, 1, first.and_then(|compared| compared.before), &kind)?;
            number(sheet, row, 2, metric.value, &kind)?;
            if matches!(by.shares, Shares::Sum { .. }) {
                number(sheet, row, 3, first.and_then(|compared| compared.difference), &kind)?;
            }
        }
        sheet.set_freeze_panes(3, 1)?;
        widths(sheet, heads.len())
    }

    fn structure(&mut self, sheet: &mut Worksheet, at: usize) -> Result<(), XlsxError> {
        let of = &self.made.structure[at];
        self.name(sheet, &format!("{} {}", of.metric, of.dimension))?;
        let words = self.words;
        sheet.write(0, 0, words.structure(of).unwrap_or_default())?;
        let earlier = self.made.compare.first().map(|(length, _)| words.earlier(*length, self.made.every));
        let heads = [
            of.by.clone(),
            earlier.unwrap_or_default(),
            words.of("now", "本期").to_owned(),
            words.of("share before", "上期占比").to_owned(),
            words.of("share now", "本期占比").to_owned(),
        ];
        let heads = if of.adds_up { &heads[..] } else { &heads[..3] };
        self.heads(sheet, 2, heads, 1)?;
        let kind = Kind { ty: of.ty.clone(), unit: of.unit.clone(), share: of.is_share };
        for (row, part) in (3..).zip(&of.parts) {
            sheet.write(row, 0, words.group(part.group.as_deref()))?;
            number(sheet, row, 1, part.before, &kind)?;
            number(sheet, row, 2, part.value, &kind)?;
            if of.adds_up {
                share(sheet, row, 3, part.share_before)?;
                share(sheet, row, 4, part.share)?;
            }
        }
        sheet.set_freeze_panes(3, 1)?;
        widths(sheet, heads.len())
    }

    /// A column a metric, a row a period.
    fn series(&mut self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        self.name(sheet, self.page.head(PartOf::Series))?;
        let time = self.words.of("period from", "起始日").to_owned();
        let heads: Vec<String> =
            std::iter::once(time).chain(self.made.metrics.iter().map(|metric| metric.title.clone())).collect();
        self.heads(sheet, 0, &heads, 1)?;
        let mut starts: Vec<i64> =
            self.made.metrics.iter().flat_map(|metric| metric.series.iter().map(|(start, _)| *start)).collect();
        starts.sort_unstable();
        starts.dedup();
        let form = if self.made.every == Step::Month { "yyyy\\-mm" } else { "yyyy\\-mm\\-dd" };
        let form = Format::new().set_num_format(form).set_align(FormatAlign::Left);
        for (row, start) in (1..).zip(&starts) {
            let day = local_date(*start, self.made.zone);
            let parts = (u16::try_from(day.year()), u8::try_from(day.month()), u8::try_from(day.day()));
            match parts {
                (Ok(year @ 1900..), Ok(month), Ok(of_month)) => {
                    let date = ExcelDateTime::from_ymd(year, month, of_month)?;
                    sheet.write_datetime_with_format(row, 0, &date, &form)?;
                }
                // Before the calendar of workbooks.
                _ => {
                    sheet.write(row, 0, day.to_string())?;
                }
            }
            for (column, metric) in self.made.metrics.iter().enumerate() {
                let value = metric.series.iter().find(|(at, _)| at == start).and_then(|(_, value)| *value);
                number(sheet, row, place(column + 1), value, &Kind::of(metric))?;
            }
        }
        sheet.set_freeze_panes(1, 1)?;
        widths(sheet, heads.len())
    }
}

fn place(column: usize) -> u16 {
    u16::try_from(column).unwrap_or(u16::MAX)
}

fn widths(sheet: &mut Worksheet, columns: usize) -> Result<(), XlsxError> {
    sheet.set_column_width(0, 24)?;
    for column in 1..columns {
        sheet.set_column_width(place(column), 16)?;
    }
    Ok(())
}

/// A number, or nothing: an empty cell is null.
fn number(sheet: &mut Worksheet, row: u32, column: u16, value: Option<Number>, kind: &Kind) -> Result<(), XlsxError> {
    let Some(value) = value else { return Ok(()) };
    let form = match (&kind.ty, value) {
        _ if kind.is_share() => "0.00%".to_owned(),
        (DataType::Duration, _) => "[h]:mm:ss.000".to_owned(),
        (_, Number::Exact { scale: 0, .. }) => "#,##0".to_owned(),
        (_, Number::Exact { scale, .. }) => format!("#,##0.{}", "0".repeat(usize::from(scale))),
        (_, Number::Float(_)) => "#,##0.00##".to_owned(),
    };
    let value = value.as_f64();
    let value = if kind.ty == DataType::Duration { value / MILLISECONDS_OF_A_DAY } else { value };
    // Programs show no negative span of time: it is told in days.
    let form = if kind.ty == DataType::Duration && value < 0.0 { "0.000000".to_owned() } else { form };
    sheet.write_number_with_format(row, column, value, &Format::new().set_num_format(form)).map(drop)
}

fn share(sheet: &mut Worksheet, row: u32, column: u16, value: Option<f64>) -> Result<(), XlsxError> {
    let Some(value) = value else { return Ok(()) };
    sheet.write_number_with_format(row, column, value, &Format::new().set_num_format("0.0%")).map(drop)
}
