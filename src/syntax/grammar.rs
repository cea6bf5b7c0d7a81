//! The grammar, and what it expected where a slice does not parse. pest stays inside of this folder.

use pest::{
    Parser,
    error::{ErrorVariant, InputLocation},
    iterators::Pair,
};

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/metric.pest"]
struct Grammar;

/// A parsed piece of text.
pub type Node<'t> = Pair<'t, Rule>;

/// Where a slice stopped to make sense, and what could have stood there.
#[derive(Debug)]
pub struct Failure {
    /// Bytes from the start of the slice.
    pub at: usize,
    /// The rules that were tried there.
    pub expected: Vec<Rule>,
}

/// Parses the whole of `slice` by an entry rule.
pub fn parse(rule: Rule, slice: &str) -> Result<Node<'_>, Failure> {
    match Grammar::parse(rule, slice) {
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
