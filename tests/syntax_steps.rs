//! How much work the grammar has, counted in its own steps and not in seconds: no text makes it go back and forth.
//!
//! The limit holds for the whole process, so this is the only test of its binary.

use std::num::NonZeroUsize;

use metricc::{diagnostic::FileId, syntax::parse};

/// How many steps of the grammar a token of any text may cost.
const STEPS_PER_TOKEN: usize = 100;

/// The most tokens of one text.
const TOKENS: usize = 1_000;

/// A text of `count` tokens or fewer: a start, as many repetitions as fit, what closes each of them, and an end.
fn text(count: usize, (start, open, inner, close): (&str, &str, &str, &str)) -> String {
    let tokens = |text: &str| text.split_whitespace().count();
    let each = tokens(open) + tokens(close);
    let most = if close.is_empty() { 240 } else { 99 };
    let times = ((count - tokens(start) - tokens(inner)) / each).min(most);
    format!("{start} {}{inner}{}\n", format!("{open} ").repeat(times), format!(" {close}").repeat(times))
}

#[test]
fn the_grammar_takes_few_steps_for_a_token() {
    let shapes = [
        ("metric m =", "(", "1", ")"),
        ("metric m =", "if ( a > 1 ,", "1", ", 0 )"),
        ("metric m =", "avg (", "a", "per ( b , 1d ) )"),
        ("metric m = a", "+ a", "", ""),
        ("metric m = count ( a where b in ( 1", ", 1", ") )", ""),
        ("subset s = a where", "( b or", "c", ")"),
        ("metric m = count ( a where b", "and b", ")", ""),
        ("dimension d =", "case when a then", "1", "else 2 end"),
        ("dimension d =", "coalesce (", "a", ", 0 )"),
        ("dimension d =", "cast (", "a", "as int ? )"),
        ("subset s =", "(", "a", ") where b"),
        ("subset s =", "first of (", "a", ") per b"),
    ];
    let limit = NonZeroUsize::new(STEPS_PER_TOKEN * TOKENS);
    for shape in shapes {
        let text = text(TOKENS, shape);
        pest::set_call_limit(limit);
        let (tree, found) = parse(FileId(0), &text);
        pest::set_call_limit(None);
        assert!(found.is_empty(), "{shape:?}: {found:?}");
        assert_eq!(tree.declarations.len(), 1, "{shape:?}");
    }
}
