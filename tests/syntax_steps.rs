//! How much work the grammar has, counted in its own steps and not in seconds: no text makes it go back and forth.
//!
//! The limit holds for the whole process, so this is the only test of its binary.

use std::num::NonZeroUsize;

use metricc::{diagnostic::FileId, syntax::parse};

/// How many steps of the grammar a token may cost. The worst of these texts takes about half of them.
const STEPS_PER_TOKEN: usize = 40;

#[test]
fn the_grammar_takes_few_steps_for_a_token() {
    // A start, what is repeated, what is in the middle, what closes each repetition, and how often. Blanks part tokens.
    let shapes = [
        ("metric m =", "(", "1", ")", 99),
        ("metric m =", "- (", "1", ")", 99),
        ("metric m =", "if ( a > 1 ,", "1", ", 0 )", 99),
        ("metric m =", "avg ( (", "a", ") per ( b , 1d ) )", 49),
        ("metric m =", "a +", "a", "", 490),
        ("metric m = a", "over 1d", "", "", 490),
        ("metric m = count ( e where b in ( 1", ", 1", ") )", "", 5_000),
        ("dimension d = a is null or", "( b or", "c", ")", 99),
        ("metric m = count ( e where", "b and", "b )", "", 240),
        ("metric m = count ( e where", "not b between 1 and 2 and", "b )", "", 60),
        ("dimension d =", "case when a then", "1", "else 2 end", 99),
        ("dimension d = case", "when a = 1 then 2", "end", "", 490),
        ("dimension d =", "cast (", "a", "as int ? )", 99),
        ("dimension d =", "a [ (", "1", ") ]", 49),
        ("subset s =", "(", "a", ") where b", 99),
        ("subset s =", "first of (", "a", ") per b", 99),
        ("subset s = e", "where b", "", "", 490),
    ];
    for (start, open, inner, close, times) in shapes {
        let opens = format!("{open} ").repeat(times);
        let closes = format!(" {close}").repeat(times);
        let text = format!("{start} {opens}{inner}{closes}\n");
        let tokens = text.split_whitespace().count();
        pest::set_call_limit(NonZeroUsize::new(STEPS_PER_TOKEN * tokens));
        let (tree, found) = parse(FileId(0), &text);
        pest::set_call_limit(None);
        assert!(found.is_empty(), "{start} {open}: {found:?}");
        assert_eq!(tree.declarations.len(), 1, "{start} {open}");
    }
}
