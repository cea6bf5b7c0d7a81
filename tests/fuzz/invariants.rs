//! What must hold whatever the bytes of a file are.
//!
//! The fuzz targets look for bytes that break it.

// Each test binary compiles this module for itself and uses a part of it.
#![allow(dead_code)]

use metricc::{
    compile::compile,
    diagnostic::{Code, Diagnostics, FileId, Span, codes, render},
    emit,
    plan::Lowering,
    plan::Question,
    project::{CONFIG_FILE, MemoryFiles, Project, SourceMap, load},
    sql,
    syntax::{self, ast},
    types::MetricId,
};

/// The configuration of the projects of [`check`].
const CONFIG: &str = "name: fuzz\ntimezone: America/New_York\nweek_starts: sunday\nunits: [CNY, quota]\n";

/// The target of the projects of [`check`].
const TARGET: &str = "kind: clickhouse\ncreate_sources: true\nallow_approximate: true\n";

/// The definitions of the projects of [`config`].
const METRICS: &str = "\
source order {
  table: \"dwd.order\"
  key: order_id
  time: at
  column order_id: string
  column at: timestamp
  column paid: decimal(18,2)? unit CNY
}
metric revenue = sum(paid from order) { grain: 1h, 1w }
";

/// The most files that the bytes are cut into.
const MOST_FILES: usize = 6;

/// Any text is parsed, always to the same tree, with all spans on characters. A byte order mark and the line ends of
/// Windows mean nothing.
pub fn parse(bytes: &[u8]) {
    let text = &*String::from_utf8_lossy(bytes);
    let (tree, found) = syntax::parse(FileId(0), text);
    assert_spans(&found, |_| text);
    assert_tree_spans(&tree, text);
    assert_eq!(syntax::parse(FileId(0), text), (tree.clone(), found.clone()), "parsed twice, differently");
    if !text.contains('\r') && !text.starts_with('\u{feff}') {
        let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        let (same, told) = syntax::parse(FileId(0), &windows);
        assert_eq!(same, tree, "other line ends give another tree");
        assert_eq!(messages(&told), messages(&found), "other line ends give other messages");
        assert_spans(&told, |_| &windows);
    }
}

/// A text without errors is formatted, to a text of the same tree, which is formatted to itself. Whether it is one.
pub fn format(bytes: &[u8]) -> bool {
    let text = &*String::from_utf8_lossy(bytes);
    let (tree, found) = syntax::parse(FileId(0), text);
    let formatted = match metricc::format::format(text) {
        Ok(formatted) => formatted,
        Err(told) => {
            assert!(found.has_errors(), "not formatted: {told:?}");
            assert_eq!(told, found, "the formatter tells other errors than the parser");
            return false;
        }
    };
    assert!(!found.has_errors(), "formatted in spite of {found:?}");
    let (after, told) = syntax::parse(FileId(0), &formatted);
    assert!(!told.has_errors(), "the formatted text has errors: {told:?}\n{formatted}");
    assert_eq!(after, tree, "the formatted text means something else:\n{formatted}");
    let twice = metricc::format::format(&formatted);
    assert_eq!(twice.as_ref(), Ok(&formatted), "the layout is not stable");
    true
}

/// A project of any files is read and checked, always with the same result; layout changes nothing of what is wrong;
/// what has no errors can be built.
///
/// Lines of `----` part the files.
pub fn check(bytes: &[u8]) {
    let written: Vec<Vec<u8>> = pieces(bytes).map(<[u8]>::to_vec).collect();
    let laid_out: Vec<Vec<u8>> = written.iter().map(|piece| laid_out(piece)).collect();
    let found = project(&files(&written)).codes;
    if laid_out != written {
        assert_eq!(outcome(&files(&laid_out)).codes, found, "the layout changes what is wrong");
    }
}

/// Any `metricc.yaml`, with any targets behind lines of `----`, is read or told.
pub fn config(bytes: &[u8]) {
    let mut pieces = pieces(bytes);
    let config = pieces.next().unwrap_or_default();
    let start = MemoryFiles::new().with(CONFIG_FILE, config).with("metrics/order.metric", METRICS);
    let files = pieces.enumerate().fold(start, |files, (n, piece)| files.with(format!("targets/{n}.yaml"), piece));
    project(&files);
}

/// A file in the canonical layout, if it has one.
fn laid_out(bytes: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(bytes).ok().and_then(|text| metricc::format::format(text).ok());
    text.map_or_else(|| bytes.to_vec(), String::into_bytes)
}

/// The bytes between lines of `----`.
fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    const LINE: &[u8] = b"----\n";
    let mut rest = Some(bytes);
    let cut = std::iter::from_fn(move || {
        let bytes = rest?;
        let at = bytes.windows(LINE.len()).position(|window| window == LINE);
        rest = at.map(|at| &bytes[at + LINE.len()..]);
        Some(&bytes[..at.unwrap_or(bytes.len())])
    });
    cut.take(MOST_FILES)
}

/// Whether the project of [`check`] has no errors.
pub fn is_built(bytes: &[u8]) -> bool {
    let written: Vec<Vec<u8>> = pieces(bytes).map(<[u8]>::to_vec).collect();
    !outcome(&files(&written)).built.is_empty()
}

/// The project of these files.
fn files(pieces: &[Vec<u8>]) -> MemoryFiles {
    let start = MemoryFiles::new().with(CONFIG_FILE, CONFIG).with("targets/warehouse.yaml", TARGET);
    let named = pieces.iter().enumerate().map(|(n, piece)| (format!("metrics/{n}.metric"), piece.clone()));
    named.fold(start, |files, (name, piece)| files.with(name, piece))
}

/// Reads, checks, shows and builds a project twice.
fn project(files: &MemoryFiles) -> Outcome {
    let (first, second) = (outcome(files), outcome(files));
    assert_eq!(first.shown, second.shown, "two runs tell different things");
    assert_eq!(first.built, second.built, "two runs build different things");
    first
}

/// What comes of a project.
struct Outcome {
    codes: Vec<Code>,
    /// The diagnostics in all formats.
    shown: Vec<String>,
    /// Paths and texts of the artefacts, and SELECTs.
    built: Vec<String>,
}

fn outcome(files: &MemoryFiles) -> Outcome {
    let (project, mut found) = load(files);
    let none = SourceMap::new();
    let mut built = Vec::new();
    if let Some(project) = &project {
        let (compiled, told) = compile(project);
        found.extend(told);
        found.sort();
        if !found.has_errors() {
            built = build(project, &compiled.model);
        }
    }
    let sources = project.as_ref().map_or(&none, |project| &project.sources);
    assert_spans(&found, |file| &sources.file(file).text);
    let mut codes: Vec<Code> = found.iter().map(|one| one.code).collect();
    codes.sort_unstable();
    Outcome { codes, shown: show(&found, sources), built }
}

/// The diagnostics in every format; those for programs are JSON.
fn show(found: &Diagnostics, sources: &SourceMap) -> Vec<String> {
    use render::Format::{Github, Human, Json, Plain, Sarif};
    let view = render::View::new(sources);
    let shown = [Human, Plain, Json, Github, Sarif].map(|format| render::render(format, found, &view));
    let [_, plain, json, _, sarif] = &shown;
    assert_eq!(plain.lines().count(), found.len(), "a diagnostic is not one line:\n{plain}");
    let values = json.lines().chain([&**sarif]).map(serde_json::from_str::<serde_json::Value>);
    values.for_each(|value| drop(value.expect("JSON")));
    shown.into()
}

/// The artefacts of all targets, and the SELECTs of all metrics in all dialects.
fn build(project: &Project, model: &metricc::types::Model) -> Vec<String> {
    let mut built = Vec::new();
    let (input, told) = emit::input(model);
    built.push(format!("{told:?}"));
    for target in &project.targets {
        let (emitted, told) = emit::emit(&input, target);
        built.push(format!("{told:?} {}", emitted.details));
        built.extend(emitted.artifacts.into_iter().flat_map(|artifact| [artifact.path, artifact.text]));
    }
    let lowering = Lowering::new(model);
    for metric in 0..model.metrics.len() {
        let Ok(query) = lowering.lower(&Question::of(vec![MetricId(metric)])) else { continue };
        for dialect in sql::DIALECTS {
            let Ok(select) = sql::select(&query, dialect, &sql::Options::default()) else { continue };
            let text = sql::to_text(&select, dialect);
            if let Err(error) = sql::reparse(&text, dialect) {
                panic!("{} cannot be read again: {error}\n{text}", dialect.name());
            }
            built.push(text);
        }
    }
    built
}

/// What is told, without places.
fn messages(found: &Diagnostics) -> Vec<(Code, &str, Option<&str>)> {
    found.iter().map(|one| (one.code, one.message.as_str(), one.help.as_deref())).collect()
}

/// Every place of every diagnostic is a stretch of whole characters of its file, and no diagnostic is the formatter's
/// fault.
pub fn assert_spans<'t>(found: &Diagnostics, text: impl Fn(FileId) -> &'t str) {
    for one in found.iter() {
        assert!(!one.message.is_empty() && one.code != codes::E0040, "{one:?}");
        for span in one.span.iter().chain(one.related.iter().map(|related| &related.span)) {
            assert_span(*span, text(span.file), one);
        }
    }
}

fn assert_span(span: Span, text: &str, owner: &dyn std::fmt::Debug) {
    let marked = text.get(span.start as usize..span.end as usize);
    assert!(marked.is_some(), "{span:?} is not a stretch of characters of\n{text}\nin {owner:?}");
}

/// Every span of the tree is a stretch of whole characters.
///
/// There is no walk over all nodes that have spans, so they are read from what `Debug` writes.
fn assert_tree_spans(tree: &ast::File, text: &str) {
    let written = format!("{tree:?}");
    let mut rest = &*written;
    while let Some(at) = rest.find(['"', 'S']) {
        let (quoted, from) = (rest[at..].starts_with('"'), &rest[at..]);
        rest = if quoted { &from[string_length(from)..] } else { &from[1..] };
        let Some(fields) = from.strip_prefix("Span { file: FileId(0), start: ") else { continue };
        let number = |text: &str| text.parse::<u32>().expect("a number");
        let (start, end) = fields.split_once(", end: ").expect("an end");
        let end = end.split(' ').next().unwrap_or_default();
        assert_span(Span::new(FileId(0), number(start), number(end)), text, &"the tree");
    }
}

/// How long the quoted text is that `written` starts with.
fn string_length(written: &str) -> usize {
    let mut escaped = false;
    let end = written[1..].bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(written.len(), |end| end + 2)
}
