//! The grammar over tokens. pest stays inside of this folder.

use std::borrow::Cow;

use pest::{
    Parser,
    error::{ErrorVariant, InputLocation},
    iterators::Pair,
};

use super::lex::Token;
use crate::diagnostic::{FileId, Span};

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/metric.pest"]
struct Grammar;

/// A parsed run of tokens.
pub type Node<'s> = Pair<'s, Rule>;

/// A run of tokens without its comments, as the grammar reads it.
pub struct Slice<'t> {
    /// The file.
    pub file: FileId,
    /// All of its text.
    pub text: &'t str,
    /// All of its tokens.
    pub tokens: &'t [Token],
    /// One letter a token of this run.
    codes: Cow<'t, str>,
    /// The first token of the run.
    first: usize,
    /// The token of each letter, where there are comments between them.
    index: Option<Vec<usize>>,
}

impl<'t> Slice<'t> {
    /// The tokens of `range`, which is not empty. `codes` has one letter for each token of the file.
    pub fn new(
        file: FileId,
        text: &'t str,
        tokens: &'t [Token],
        codes: &'t str,
        range: std::ops::Range<usize>,
    ) -> Slice<'t> {
        let first = range.start;
        let run = &tokens[range.clone()];
        if !run.iter().any(Token::is_comment) {
            return Slice { file, text, tokens, codes: Cow::Borrowed(&codes[range]), first, index: None };
        }
        let index: Vec<usize> = range.filter(|i| !tokens[*i].is_comment()).collect();
        let codes = index.iter().map(|i| char::from(tokens[*i].code)).collect();
        Slice { file, text, tokens, codes: Cow::Owned(codes), first, index: Some(index) }
    }

    /// The whole of it, parsed by an entry rule.
    pub fn parse(&self, rule: Rule) -> Result<Node<'_>, Failure> {
        match Grammar::parse(rule, &self.codes) {
            Ok(mut pairs) => pairs.next().ok_or(Failure { at: 0, expected: Vec::new() }),
            Err(error) => {
                let at = match error.location {
                    InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
                };
                let expected = match error.variant {
                    ErrorVariant::ParsingError { positives, .. } => positives,
                    ErrorVariant::CustomError { .. } => Vec::new(),
                };
                Err(Failure { at, expected })
            }
        }
    }

    /// How many tokens it has.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// The place of one of its tokens among those of the file.
    pub fn place(&self, at: usize) -> usize {
        match &self.index {
            None => self.first + at,
            Some(index) => index[at],
        }
    }

    /// One of its tokens.
    pub fn token(&self, at: usize) -> &'t Token {
        &self.tokens[self.place(at)]
    }

    /// The text of one of its tokens.
    pub fn token_text(&self, at: usize) -> &'t str {
        self.token(at).text(self.text)
    }

    /// Where the tokens `[start, end)` of it stand; of none at its end, its last.
    pub fn span(&self, start: usize, end: usize) -> Span {
        let start = start.min(self.len() - 1);
        Span::new(self.file, self.token(start).start, self.token(end.max(start + 1) - 1).end)
    }
}

/// Where a slice stopped to make sense, and what could have stood there.
#[derive(Debug)]
pub struct Failure {
    /// The token of the slice, or the number of its tokens where more are wanted.
    pub at: usize,
    /// The rules that were tried there.
    pub expected: Vec<Rule>,
}
