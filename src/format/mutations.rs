//! Texts with other blanks, line breaks and comments between the same tokens.

use fastrand::Rng;

use super::format;
use crate::{
    diagnostic::FileId,
    syntax::{
        ast,
        lex::{Kind, Token, lex},
        parse,
    },
};

const TEXTS: &[&str] = &[
    include_str!("../../tests/format/tricky.metric"),
    include_str!("../../metrics/sources/event.metric"),
    include_str!("../../metrics/business/refunds.metric"),
    include_str!("../../dimensions/people.metric"),
];

fn tokens(text: &str) -> Vec<Token> {
    lex(FileId(0), text).0
}

fn tree(text: &str) -> Option<ast::File> {
    let (file, found) = parse(FileId(0), text);
    (!found.has_errors()).then_some(file)
}

/// The text with each stretch between two tokens as `gap` says; it gets the place, the stretch and the token behind it.
fn with_gaps(text: &str, mut gap: impl FnMut(usize, &str, &Token) -> String) -> String {
    let mut out = String::new();
    let mut end = 0;
    for (i, token) in tokens(text).iter().enumerate() {
        out += &gap(i, &text[end..token.start as usize], token);
        out += token.text(text);
        end = token.end as usize;
    }
    out + "\n"
}

/// Formats a text that is well-formed, and asserts that it is stable. What it says is compared by the formatter.
fn stable(text: &str) -> String {
    let once = format(text).unwrap_or_else(|found| panic!("{found:?}\n{text}"));
    let twice = format(&once).unwrap_or_else(|found| panic!("{found:?}\n{once}"));
    assert!(once == twice, "not stable:\n{once}\nthen:\n{twice}\nof:\n{text}");
    once
}

#[test]
fn blanks_make_no_difference() {
    let mut random = Rng::with_seed(7);
    for text in TEXTS {
        let wanted = stable(text);
        for _ in 0..10 {
            let other = with_gaps(text, |_, gap, token| match gap.rsplit_once('\n') {
                Some((lines, _)) if token.column0 => format!("{lines}{}\n", " ".repeat(random.usize(..3))),
                Some((lines, _)) => format!("{lines}\t\n{}", " ".repeat(random.usize(1..9))),
                None if gap.trim().is_empty() && !gap.is_empty() => "\t ".repeat(random.usize(1..4)),
                None => gap.to_owned(),
            });
            let got = stable(&other);
            assert!(got == wanted, "{got}\nof:\n{other}");
        }
    }
}

#[test]
fn line_breaks_change_no_meaning() {
    let mut random = Rng::with_seed(11);
    let mut tried = 0;
    for text in TEXTS {
        let whole = tree(text).expect("well-formed");
        for _ in 0..100 {
            let other = with_gaps(text, |_, gap, token| {
                let breaks = !gap.contains('\n') && !matches!(token.kind, Kind::Comment | Kind::Doc | Kind::Row);
                if breaks && random.u8(..40) == 0 { format!("{gap}\n     ") } else { gap.to_owned() }
            });
            // A break may end an item too early; such a text is another one.
            if tree(&other).as_ref() == Some(&whole) {
                tried += 1;
                let formatted = stable(&other);
                assert!(tree(&formatted).as_ref() == Some(&whole), "{formatted}\nof:\n{other}");
            }
        }
    }
    assert!(tried > 50, "only {tried} texts were well-formed");
}

#[test]
fn a_comment_may_stand_behind_every_token() {
    let mut tried = 0;
    for text in TEXTS {
        for declaration in tree(text).expect("well-formed").declarations {
            let span = declaration.span;
            tried += comments_behind_every_token(&text[span.start as usize..span.end as usize]);
        }
    }
    assert!(tried > 1000, "only {tried} places take a comment");
}

/// How many places of a declaration take a comment.
fn comments_behind_every_token(text: &str) -> usize {
    let mut tried = 0;
    for at in 1..tokens(text).len() {
        for comment in [" // new\n   ", "\n // new\n   "] {
            let other = with_gaps(text, |i, gap, token| match i == at {
                true if token.column0 => format!("{}{gap}", comment.trim_end_matches(' ')),
                true => format!("{comment}{}", gap.trim_start_matches(' ')),
                false => gap.to_owned(),
            });
            if tree(&other).is_some() {
                tried += 1;
                assert!(stable(&other).contains("// new"), "{other}");
            }
        }
    }
    tried
}
