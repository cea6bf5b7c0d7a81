//! With the text they are about, drawn by miette.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents,
};

use super::{View, clean::same_length, visible};
use crate::{
    diagnostic::{Diagnostic, Diagnostics, FileId, Severity, Span},
    project::SourceFile,
};

/// A marked stretch longer than this is shown by its beginning (bytes).
const LONGEST_MARK: usize = 160;
/// A snippet longer than this is shown without the lines around it, and cut (bytes).
const LONGEST_SNIPPET: usize = 2_000;
/// How much of an overlong line is shown on each side of the mark (bytes).
const AROUND: usize = 60;

pub fn render(diagnostics: &Diagnostics, view: &View<'_>) -> String {
    let snippets = snippets(diagnostics, view);
    let theme = if view.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(view.width);
    let mut text = String::new();
    for found in diagnostics.iter() {
        let (report, elsewhere) = Report::new(found, &snippets);
        if handler.render_report(&mut text, &report).is_err() {
            // Drawing failed; nothing that was found may get lost.
            text += &super::plain::line(found, view);
        }
        for place in &elsewhere {
            text.push('\n');
            // The plain line above has what is lost if this fails.
            let _ = handler.render_report(&mut text, place);
        }
        text.push('\n');
    }
    text
}

/// The files that the diagnostics are about, each cleaned once.
fn snippets<'a>(diagnostics: &Diagnostics, view: &View<'a>) -> BTreeMap<FileId, Snippet<'a>> {
    let spans = diagnostics.iter().flat_map(|found| found.span.into_iter().chain(found.related.iter().map(|r| r.span)));
    let mut snippets = BTreeMap::new();
    for span in spans {
        let file = view.sources.file(span.file);
        snippets.entry(span.file).or_insert_with(|| Snippet {
            name: visible(&view.path(span.file)).into_owned(),
            file,
            text: same_length(&file.text),
        });
    }
    snippets
}

/// A file as a source of snippets. Finds lines by its index instead of reading from the start, and cuts overlong ones.
#[derive(Debug)]
struct Snippet<'a> {
    name: String,
    file: &'a SourceFile,
    text: Cow<'a, str>,
}

impl Snippet<'_> {
    /// The part of a span that is marked: at least inside the text, at most a few lines.
    fn mark(&self, span: Span) -> SourceSpan {
        let mut start = self.text.floor_char_boundary((span.start as usize).min(self.text.len()));
        if start == self.text.len() {
            // At the end of the file: mark the last thing that is written.
            start = self.text.trim_end().char_indices().next_back().map_or(0, |(at, _)| at);
        }
        let end = (span.end as usize).min(self.text.trim_end().len()).max(start);
        let mut end = self.text.ceil_char_boundary(end);
        if end - start > LONGEST_MARK {
            let line_end = self.file.line_range(self.file.line_of(start as u32)).end;
            let line_end = start + self.text[start..line_end].trim_end().len();
            end = self.text.floor_char_boundary(line_end.min(start + LONGEST_MARK));
        }
        (start, end - start).into()
    }

    /// The bytes to show for a mark, and whether the lines around it have room too.
    fn window(&self, start: usize, end: usize, before: usize, after: usize) -> Option<(usize, usize)> {
        let first = self.file.line_of(start as u32);
        let last = self.file.line_of(end.saturating_sub(1).max(start) as u32);
        let from = if before == 0 { start } else { self.file.line_range(first.saturating_sub(before)).start };
        let to = self.file.line_range(last + after).end;
        if to - from <= LONGEST_SNIPPET {
            return Some((from, to));
        }
        if end - start > LONGEST_SNIPPET {
            return None;
        }
        let line_start = self.file.line_range(first).start;
        let line_end = self.file.line_range(last).end;
        let from = if before == 0 {
            start
        } else {
            self.text.ceil_char_boundary(start.saturating_sub(AROUND)).max(line_start)
        };
        Some((from, self.text.floor_char_boundary(end + AROUND).min(line_end)))
    }
}

impl SourceCode for Snippet<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (start, end) = (span.offset(), span.offset() + span.len());
        if end > self.text.len() {
            return Err(MietteError::OutOfBounds);
        }
        let (from, to) = self.window(start, end, before, after).ok_or(MietteError::OutOfBounds)?;
        let shown = &self.text[from..to];
        let (line, column) = self.file.position(from as u32);
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            shown.as_bytes(),
            (from, shown.len()).into(),
            line - 1,
            column - 1,
            shown.lines().count(),
        )))
    }
}

/// One diagnostic, or one related place in another file, as miette wants it.
#[derive(Debug)]
struct Report<'a> {
    code: Option<&'static str>,
    severity: miette::Severity,
    message: String,
    help: Option<String>,
    snippet: Option<&'a Snippet<'a>>,
    labels: Vec<LabeledSpan>,
}

impl<'a> Report<'a> {
    /// The diagnostic itself, and a report for each related place in another file.
    fn new(found: &Diagnostic, snippets: &'a BTreeMap<FileId, Snippet<'a>>) -> (Report<'a>, Vec<Report<'a>>) {
        let show = |span: Span| snippets.get(&span.file).filter(|snippet| !snippet.text.is_empty());
        let snippet = found.span.and_then(show);
        let mut labels = Vec::new();
        if let (Some(span), Some(snippet)) = (found.span, snippet)
            && !is_marked_by_its_parts(found, span)
        {
            let label = found.label.as_deref().map(|label| visible(label).into_owned());
            labels.push(LabeledSpan::new_primary_with_span(label, snippet.mark(span)));
        }
        let mut elsewhere = Vec::new();
        for related in &found.related {
            let Some(other) = show(related.span) else { continue };
            let label = visible(&related.label).into_owned();
            let mark = other.mark(related.span);
            if found.span.is_some_and(|span| span.file == related.span.file) {
                labels.push(LabeledSpan::new_with_span(Some(label), mark));
            } else {
                elsewhere.push(Report {
                    code: None,
                    severity: miette::Severity::Advice,
                    message: label,
                    help: None,
                    snippet: Some(other),
                    labels: vec![LabeledSpan::new_primary_with_span(None, mark)],
                });
            }
        }
        let report = Report {
            code: Some(found.code.0),
            severity: match found.severity() {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
                Severity::Lint => miette::Severity::Advice,
            },
            message: visible(&found.message).into_owned(),
            help: found.help.as_deref().map(|help| visible(help).into_owned()),
            snippet,
            labels,
        };
        (report, elsewhere)
    }
}

/// Whether the related places lie in the marked text: the two operands of a sum, say. Marks that overlap are drawn as a
/// tangle, and the parts alone say more than the whole around them.
fn is_marked_by_its_parts(found: &Diagnostic, span: Span) -> bool {
    let within = |part: Span| part.file == span.file && span.start <= part.start && part.end <= span.end;
    found.label.is_none() && !found.related.is_empty() && found.related.iter().all(|related| within(related.span))
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.map(|code| Box::new(code) as Box<dyn fmt::Display>)
    }
    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.snippet.map(|snippet| snippet as &dyn SourceCode)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty())
            .then(|| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}
