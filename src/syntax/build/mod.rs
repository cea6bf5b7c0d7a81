//! Builds the tree from what the grammar found in one slice.
//!
//! A function that finds something wrong tells it and gives `None`; then the slice has no tree.

mod aggregate;
mod expr;
mod head;
mod item;
mod rows;
mod special;
mod value;

pub use value::reading;

use super::{
    ast::{CalendarStep, Duration, Key, Literal, Name, Path, Step, TypeArgument, TypeName},
    grammar::{Node, Rule},
    lex::duration_unit,
    words::nearest,
};
use crate::{
    diagnostic::{Diagnostic, Diagnostics, FileId, Span, Spanned, codes},
    error,
};

/// The calendar's own steps by their words.
const CALENDAR: &[(&str, CalendarStep)] = &[
    ("hour", CalendarStep::Hour),
    ("day", CalendarStep::Day),
    ("week", CalendarStep::Week),
    ("month", CalendarStep::Month),
    ("quarter", CalendarStep::Quarter),
    ("year", CalendarStep::Year),
];

/// Builds the trees of one slice.
pub struct Builder {
    file: FileId,
    /// Where the slice starts in the file.
    base: u32,
    /// What is wrong with the slice.
    pub found: Diagnostics,
    /// Operators and clauses of the lists around the one that is built: no tree gets higher than this.
    above: usize,
}

/// How many operators and clauses a tree may have above each other. A list (`in (…)`) counts as one, however long.
const MAX_HEIGHT: usize = 500;

impl Builder {
    /// A builder for a slice that starts at `base`.
    pub fn new(file: FileId, base: u32) -> Builder {
        Builder { file, base, found: Diagnostics::new(), above: 0 }
    }

    fn span(&self, node: &Node<'_>) -> Span {
        let span = node.as_span();
        Span::new(self.file, self.base + span.start() as u32, self.base + span.end() as u32)
    }

    /// The span of `text`, which starts `offset` bytes into `node`.
    fn part_span(&self, node: &Node<'_>, offset: usize, length: usize) -> Span {
        let start = self.base + (node.as_span().start() + offset) as u32;
        Span::new(self.file, start, start + length as u32)
    }

    fn spans(&self, nodes: &[Node<'_>]) -> Option<Span> {
        Some(self.span(nodes.first()?).to(self.span(nodes.last()?)))
    }

    /// Runs `build` on a flat list, unless the tree would get too high.
    fn within<T>(&mut self, nodes: &[Node<'_>], build: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let operand =
            |n: &&Node<'_>| !matches!(n.as_rule(), Rule::numeric | Rule::string | Rule::reference | Rule::constant);
        let height = nodes.iter().filter(operand).count();
        if self.above + height > MAX_HEIGHT {
            let span = self.spans(nodes);
            return self.tell(
                Diagnostic::new(
                    codes::E0116,
                    span,
                    format!("this has more than {MAX_HEIGHT} operators within each other"),
                )
                .help("give parts of it names of their own, or write `in (…)` in place of many `or`"),
            );
        }
        self.above += height;
        let built = build(self);
        self.above -= height;
        built
    }

    fn tell<T>(&mut self, found: Diagnostic) -> Option<T> {
        self.found.push(found);
        None
    }

    /// An `ident` or `word`: without back quotes.
    pub fn name(&self, node: &Node<'_>) -> Name {
        Spanned::new(node.as_str().trim_matches('`').to_owned(), self.span(node))
    }

    /// A `string`: escapes resolved.
    pub fn string(&self, node: &Node<'_>) -> Spanned<String> {
        Spanned::new(super::lex::unescape(node.as_str()), self.span(node))
    }

    /// `v2`
    pub fn version(&mut self, node: &Node<'_>) -> Option<Spanned<u32>> {
        let span = self.span(node);
        match node.as_str()[1..].parse::<u32>() {
            Ok(number) if number > 0 => Some(Spanned::new(number, span)),
            _ => self.tell(error!(
                E0133, span, "`{}` is no version", node.as_str(); help: "versions are `v1`, `v2` and so on"
            )),
        }
    }

    /// An `integer`.
    fn integer(&mut self, node: &Node<'_>) -> Option<Spanned<i64>> {
        let span = self.span(node);
        match node.as_str().replace('_', "").parse() {
            Ok(number) => Some(Spanned::new(number, span)),
            Err(_) => self.tell(too_large(span, node.as_str())),
        }
    }

    /// A `path`: names between dots, perhaps with `@month`.
    pub fn path(&mut self, node: &Node<'_>) -> Option<Path> {
        let text = node.as_str();
        let mut parts = Vec::with_capacity(1);
        let mut at = None;
        let mut start = 0;
        loop {
            let rest = &text[start..];
            let length = match rest.strip_prefix('`') {
                Some(quoted) => quoted.find('`').map_or(rest.len(), |n| n + 2),
                None => rest.find(['.', '@']).unwrap_or(rest.len()),
            };
            let span = self.part_span(node, start, length);
            parts.push(Spanned::new(rest[..length].trim_matches('`').to_owned(), span));
            start += length;
            match text.as_bytes().get(start) {
                Some(b'.') => start += 1,
                Some(b'@') => {
                    let span = self.part_span(node, start + 1, text.len() - start - 1);
                    at = Some(self.calendar_step(&text[start + 1..], span)?);
                    break;
                }
                _ => break,
            }
        }
        Some(Path { parts, at, span: self.span(node) })
    }

    fn calendar_step(&mut self, word: &str, span: Span) -> Option<Spanned<CalendarStep>> {
        match CALENDAR.iter().find(|(w, _)| *w == word) {
            Some((_, step)) => Some(Spanned::new(*step, span)),
            None => {
                let words: Vec<&str> = CALENDAR.iter().map(|(w, _)| *w).collect();
                let found = error!(E0134, span, "`{word}` is not a step of the calendar");
                self.tell(match nearest(word, &words) {
                    Some(near) => found.help(format!("did you mean `@{near}`?")),
                    None => found.help("after `@` stands one of hour, day, week, month, quarter, year"),
                })
            }
        }
    }

    /// `path version?`
    fn named(&mut self, node: Node<'_>) -> Option<(Path, Option<Spanned<u32>>)> {
        let mut path = None;
        let mut version = None;
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::version => version = Some(self.version(&inner)?),
                _ => path = Some(self.path(&inner)?),
            }
        }
        Some((path?, version))
    }

    /// A `numeric`: number, percentage or duration.
    fn numeric(&mut self, node: &Node<'_>) -> Option<Literal> {
        let text = node.as_str();
        if let Some(number) = text.strip_suffix('%') {
            return Some(Literal::Percent(number.replace('_', "")));
        }
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let Some(unit) = duration_unit(&text[digits.len()..]) else {
            return Some(Literal::Number(text.replace('_', "")));
        };
        match digits.replace('_', "").parse() {
            Ok(count) => Some(Literal::Duration(Duration { count, unit })),
            Err(_) => {
                let span = self.span(node);
                self.tell(too_large(span, text))
            }
        }
    }

    /// A `step`: `1d`, `month`, `fiscal.week`.
    fn step(&mut self, node: Node<'_>) -> Option<Spanned<Step>> {
        let span = self.span(&node);
        let inner = node.into_inner().next()?;
        let step = match inner.as_rule() {
            Rule::numeric => match self.numeric(&inner)? {
                Literal::Duration(duration) => Step::Duration(duration),
                _ => {
                    return self.tell(error!(
                        E0127, span, "`{}` is not a step of time", inner.as_str();
                        help: "give it a unit, such as `30d`, `1h` or `1month`"
                    ));
                }
            },
            _ => {
                let path = self.path(&inner)?;
                step_of_path(path)
            }
        };
        Some(Spanned::new(step, span))
    }

    /// `k` or `(k, l)`
    fn keys(&mut self, node: Node<'_>) -> Option<Vec<Key>> {
        let mut keys = Vec::new();
        for inner in node.into_inner() {
            let span = self.span(&inner);
            match inner.as_rule() {
                Rule::numeric => match self.numeric(&inner)? {
                    Literal::Duration(duration) => keys.push(Key::Step(Spanned::new(Step::Duration(duration), span))),
                    _ => {
                        return self.tell(error!(
                            E0127, span, "`{}` is not a key", inner.as_str();
                            help: "a key is a name or a step of time, such as `user_id` or `1d`"
                        ));
                    }
                },
                Rule::path => {
                    let path = self.path(&inner)?;
                    keys.push(match calendar_word(&path) {
                        Some(step) => Key::Step(Spanned::new(Step::Calendar(step), span)),
                        None => Key::Path(path),
                    });
                }
                _ => {}
            }
        }
        Some(keys)
    }

    /// A `typ`.
    pub fn ty(&mut self, node: Node<'_>) -> Option<TypeName> {
        let span = self.span(&node);
        let mut ty = None;
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::ident => {
                    ty = Some(TypeName { name: self.name(&inner), arguments: Vec::new(), nullable: false, span });
                }
                Rule::nullable => ty.as_mut()?.nullable = true,
                Rule::typ => {
                    let argument = TypeArgument::Type(self.ty(inner)?);
                    ty.as_mut()?.arguments.push(argument);
                }
                Rule::integer => {
                    let argument = TypeArgument::Int(self.integer(&inner)?);
                    ty.as_mut()?.arguments.push(argument);
                }
                Rule::string => {
                    let argument = TypeArgument::String(self.string(&inner));
                    ty.as_mut()?.arguments.push(argument);
                }
                _ => {}
            }
        }
        ty
    }
}

/// A calendar word, or a step of a declared calendar.
fn step_of_path(path: Path) -> Step {
    match calendar_word(&path) {
        Some(step) => Step::Calendar(step),
        None => Step::Declared(path),
    }
}

fn too_large(span: Span, text: &str) -> Diagnostic {
    error!(E0133, span, "`{text}` is larger than any number that can be counted with"; help: "write a smaller one")
}

/// The calendar step that a path without dots names; not one in back quotes.
pub fn calendar_word(path: &Path) -> Option<CalendarStep> {
    let name = path.single().filter(|name| (name.span.end - name.span.start) as usize == name.len())?;
    CALENDAR.iter().find(|(word, _)| *word == name.value).map(|(_, step)| *step)
}
