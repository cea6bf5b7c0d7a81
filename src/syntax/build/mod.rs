//! Builds the tree from what the grammar found in one slice.
//!
//! A function that finds something wrong tells it and gives `None`; then the slice has no tree.

mod aggregate;
mod expr;
mod filter;
mod head;
mod item;
mod rows;
mod special;
mod value;

pub use value::{Reading, reading};

use super::{
    ast::{CalendarStep, Duration, Key, Literal, Name, Path, Step, TypeArgument, TypeName},
    grammar::{Node, Rule, Slice},
    lex::{Kind, duration_unit},
};
use crate::{
    diagnostic::{Diagnostic, Diagnostics, Span, Spanned, codes},
    error,
    suggest::near,
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
pub struct Builder<'s> {
    slice: &'s Slice<'s>,
    /// What is wrong with the slice.
    pub found: Diagnostics,
    /// Operators and clauses of the lists around the one that is built: no tree gets higher than this.
    above: usize,
}

/// How many operators and clauses a tree may have above each other. A list (`in (…)`) counts as one, however long.
const MAX_HEIGHT: usize = 500;

impl<'s> Builder<'s> {
    /// A builder for what was found in `slice`.
    pub fn new(slice: &'s Slice<'s>) -> Builder<'s> {
        Builder { slice, found: Diagnostics::new(), above: 0 }
    }

    fn span(&self, node: &Node<'_>) -> Span {
        let span = node.as_span();
        self.slice.span(span.start(), span.end())
    }

    /// The text of the first token of `node`.
    fn text(&self, node: &Node<'_>) -> &'s str {
        self.slice.token_text(node.as_span().start())
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
        Spanned::new(unquoted(self.text(node)).to_owned(), self.span(node))
    }

    /// A `string`: escapes resolved.
    pub fn string(&self, node: &Node<'_>) -> Spanned<String> {
        Spanned::new(super::strings::unescape(self.text(node)), self.span(node))
    }

    /// `v2`
    pub fn version(&mut self, node: &Node<'_>) -> Option<Spanned<u32>> {
        let span = self.span(node);
        match self.text(node)[1..].parse::<u32>() {
            Ok(number) if number > 0 => Some(Spanned::new(number, span)),
            _ => self.tell(error!(
                E0133, span, "`{}` is no version", self.text(node); help: "versions are `v1`, `v2` and so on"
            )),
        }
    }

    /// An `integer`.
    fn integer(&mut self, node: &Node<'_>) -> Option<Spanned<i64>> {
        let span = self.span(node);
        match self.text(node).replace('_', "").parse() {
            Ok(number) => Some(Spanned::new(number, span)),
            Err(_) => self.tell(too_large(span, self.text(node))),
        }
    }

    /// A `path`: names between dots, perhaps with `@month`.
    pub fn path(&mut self, node: &Node<'_>) -> Option<Path> {
        let (start, end) = (node.as_span().start(), node.as_span().end());
        let part = |i: usize| Spanned::new(unquoted(self.slice.token_text(i)).to_owned(), self.slice.span(i, i + 1));
        let mut path = Path { parts: vec![part(start)], at: None, span: self.slice.span(start, end) };
        let mut next = start + 1;
        while next + 1 < end {
            if self.slice.token(next).kind == Kind::At {
                path.at = Some(self.calendar_step(next + 1)?);
            } else {
                path.parts.push(part(next + 1));
            }
            next += 2;
        }
        Some(path)
    }

    fn calendar_step(&mut self, at: usize) -> Option<Spanned<CalendarStep>> {
        let (word, span) = (self.slice.token_text(at), self.slice.span(at, at + 1));
        match CALENDAR.iter().find(|(w, _)| *w == word) {
            Some((_, step)) => Some(Spanned::new(*step, span)),
            None => {
                let words: Vec<&str> = CALENDAR.iter().map(|(w, _)| *w).collect();
                let found = error!(E0134, span, "`{word}` is not a step of the calendar");
                self.tell(match near(word, words) {
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
        let text = self.text(node);
        if let Some(number) = text.strip_suffix('%') {
            return Some(Literal::Percent(number.replace('_', "")));
        }
        if text.ends_with(|c: char| c.is_ascii_alphabetic()) {
            return self.duration(node).map(Literal::Duration);
        }
        Some(Literal::Number(text.replace('_', "")))
    }

    fn duration(&mut self, node: &Node<'_>) -> Option<Duration> {
        let text = self.text(node);
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = duration_unit(&text[digits.len()..])?; // the lexer took no other
        match digits.replace('_', "").parse() {
            Ok(count) => Some(Duration { count, unit }),
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
            Rule::duration => Step::Duration(self.duration(&inner)?),
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
                Rule::duration => {
                    keys.push(Key::Step(Spanned::new(Step::Duration(self.duration(&inner)?), span)));
                }
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

/// A name without its back quotes.
fn unquoted(name: &str) -> &str {
    name.trim_matches('`')
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
