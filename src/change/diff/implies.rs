//! When one condition keeps only rows that another one keeps, too: by their forms, without looking at data.
//!
//! Conditions are three-valued; what is told of is that one is true. Whatever is not proved is no claim.

use std::cmp::Ordering;

use crate::caliber::Term;
use crate::value::Function::{
    And, Equal, Greater, GreaterEqual, In, IsNotNull, Less, LessEqual, Like, Not, NotEqual, Or,
};

/// How the rows that count now lie to those that counted before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// The same.
    Same,
    /// Some of them.
    Fewer,
    /// All of them, and others.
    More,
}

impl Rows {
    /// Both at once; none where they go apart.
    pub fn and(self, other: Rows) -> Option<Rows> {
        match (self, other) {
            (Rows::Same, way) | (way, Rows::Same) => Some(way),
            (a, b) if a == b => Some(a),
            _ => None,
        }
    }
}

/// The conditions that must all be true.
pub fn conjuncts(filter: Term) -> Vec<Term> {
    match filter {
        Term::Call(And, parts) => parts,
        Term::Bool(true) => Vec::new(),
        one => vec![one],
    }
}

/// How the rows of one filter lie to those of another; none where that is not known.
pub fn relation(before: &[Term], after: &[Term]) -> Option<Rows> {
    let fewer = before.iter().all(|wanted| after.iter().any(|given| implies(given, wanted)));
    let more = after.iter().all(|wanted| before.iter().any(|given| implies(given, wanted)));
    match (fewer, more) {
        (true, true) => Some(Rows::Same),
        (true, false) => Some(Rows::Fewer),
        (false, true) => Some(Rows::More),
        (false, false) => None,
    }
}

/// Whether `wanted` is true wherever `given` is.
pub fn implies(given: &Term, wanted: &Term) -> bool {
    if given == wanted || *given == Term::Bool(false) || *wanted == Term::Bool(true) {
        return true;
    }
    // Whatever stands before it decides: alternatives of what is given are looked at before those of what is wanted.
    match (given, wanted) {
        (Term::Call(Or, parts), _) => return parts.iter().all(|part| implies(part, wanted)),
        (_, Term::Call(And, parts)) => return parts.iter().all(|part| implies(given, part)),
        (_, Term::Call(Or, parts)) => return parts.iter().any(|part| implies(given, part)),
        (Term::Call(And, parts), _) => return parts.iter().any(|part| implies(part, wanted)),
        _ => {}
    }
    if let Term::Call(IsNotNull, subject) = wanted {
        return rejects_null(given, &subject[0]);
    }
    match (Bound::of(given), Bound::of(wanted)) {
        (Some(given), Some(wanted)) => given.implies(&wanted),
        _ => false,
    }
}

/// Whether a condition is never true where its subject is null.
fn rejects_null(condition: &Term, subject: &Term) -> bool {
    match condition {
        Term::Call(Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual | Like, sides) => {
            sides.contains(subject)
        }
        Term::Call(In, items) => items.first() == Some(subject),
        Term::Call(Not, inner) => matches!(&inner[0], Term::Call(In | Like, items) if items.first() == Some(subject)),
        _ => false,
    }
}

/// A condition on one thing, against literals.
struct Bound<'a> {
    subject: &'a Term,
    how: How<'a>,
}

enum How<'a> {
    /// It is one of these.
    Among(&'a [Term]),
    /// It is none of these.
    Beside(&'a [Term]),
    /// It is less than, or at most.
    Below(&'a Term, bool),
    /// It is greater than, or at least.
    Above(&'a Term, bool),
}

impl Bound<'_> {
    fn of(condition: &Term) -> Option<Bound<'_>> {
        let (subject, how) = match condition {
            Term::Call(In, items) => (&items[0], How::Among(&items[1..])),
            Term::Call(Not, inner) => match &inner[0] {
                Term::Call(In, items) => (&items[0], How::Beside(&items[1..])),
                _ => return None,
            },
            Term::Call(function, sides) if sides.len() == 2 => {
                // A date stands on either side.
                let (subject, value, turned) = match is_value(&sides[0]) {
                    true => (&sides[1], &sides[0], true),
                    false => (&sides[0], &sides[1], false),
                };
                let how = match (function, turned) {
                    (Equal, _) => How::Among(std::slice::from_ref(value)),
                    (NotEqual, _) => How::Beside(std::slice::from_ref(value)),
                    (Less, false) | (Greater, true) => How::Below(value, false),
                    (LessEqual, false) | (GreaterEqual, true) => How::Below(value, true),
                    (Greater, false) | (Less, true) => How::Above(value, false),
                    (GreaterEqual, false) | (LessEqual, true) => How::Above(value, true),
                    _ => return None,
                };
                (subject, how)
            }
            _ => return None,
        };
        let literals = match &how {
            How::Among(items) | How::Beside(items) => items.iter().all(is_value),
            How::Below(one, _) | How::Above(one, _) => is_value(one),
        };
        (literals && !is_value(subject)).then_some(Bound { subject, how })
    }

    fn implies(&self, wanted: &Bound<'_>) -> bool {
        if self.subject != wanted.subject {
            return false;
        }
        match &self.how {
            How::Among(items) => items.iter().all(|item| wanted.how.holds(item)),
            How::Beside(items) => match wanted.how {
                How::Beside(wanted) => wanted.iter().all(|one| items.contains(one)),
                _ => false,
            },
            How::Below(limit, inclusive) => match wanted.how {
                How::Below(other, also) => match order(limit, other) {
                    Some(Ordering::Less) => true,
                    Some(Ordering::Equal) => also || !inclusive,
                    _ => false,
                },
                How::Beside(items) => items.iter().all(|item| match order(item, limit) {
                    Some(Ordering::Greater) => true,
                    Some(Ordering::Equal) => !inclusive,
                    _ => false,
                }),
                _ => false,
            },
            How::Above(limit, inclusive) => match wanted.how {
                How::Above(other, also) => match order(limit, other) {
                    Some(Ordering::Greater) => true,
                    Some(Ordering::Equal) => also || !inclusive,
                    _ => false,
                },
                How::Beside(items) => items.iter().all(|item| match order(item, limit) {
                    Some(Ordering::Less) => true,
                    Some(Ordering::Equal) => !inclusive,
                    _ => false,
                }),
                _ => false,
            },
        }
    }
}

impl How<'_> {
    /// Whether it holds of a value.
    fn holds(&self, value: &Term) -> bool {
        let known = |items: &[Term]| items.iter().all(|item| order(item, value).is_some());
        match self {
            How::Among(items) => items.contains(value),
            How::Beside(items) => known(items) && !items.contains(value),
            How::Below(limit, inclusive) => match order(value, limit) {
                Some(Ordering::Less) => true,
                Some(Ordering::Equal) => *inclusive,
                _ => false,
            },
            How::Above(limit, inclusive) => match order(value, limit) {
                Some(Ordering::Greater) => true,
                Some(Ordering::Equal) => *inclusive,
                _ => false,
            },
        }
    }
}

/// What a comparison is about, whichever side of it that stands on.
pub fn subject(sides: &[Term]) -> Option<&Term> {
    sides.iter().find(|side| !is_value(side)).or(sides.first())
}

/// Whether it is a value whose order is known on every engine. Numbers of more digits than a float tells apart are none.
fn is_value(term: &Term) -> bool {
    const TOLD_APART: u128 = 1_000_000_000_000_000;
    match term {
        Term::Number { digits, scale } => digits.unsigned_abs() < TOLD_APART && *scale <= 15,
        Term::Text(_) | Term::Bool(_) | Term::Duration(_) => true,
        Term::Form(word, parts) => {
            ["date", "timestamp"].contains(&word.as_str()) && matches!(parts.as_slice(), [Term::Number { .. }])
        }
        _ => false,
    }
}

/// The order of two values of one kind.
fn order(left: &Term, right: &Term) -> Option<Ordering> {
    match (left, right) {
        (Term::Number { digits: a, scale: s }, Term::Number { digits: b, scale: t }) => {
            let scale = *s.max(t);
            let at = |digits: i128, from: u8| digits.checked_mul(10_i128.checked_pow(u32::from(scale - from))?);
            Some(at(*a, *s)?.cmp(&at(*b, *t)?))
        }
        (Term::Text(a), Term::Text(b)) => Some(a.cmp(b)),
        (Term::Bool(a), Term::Bool(b)) => Some(a.cmp(b)),
        (Term::Duration(a), Term::Duration(b)) => Some(a.cmp(b)),
        (Term::Form(a, x), Term::Form(b, y)) if a == b => order(x.first()?, y.first()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caliber::call;

    fn x() -> Term {
        Term::name("x")
    }

    fn int(value: i128) -> Term {
        Term::number(value, 0)
    }

    fn cmp(function: crate::value::Function, value: i128) -> Term {
        call(function, vec![x(), int(value)])
    }

    fn among(values: &[i128]) -> Term {
        call(In, std::iter::once(x()).chain(values.iter().map(|value| int(*value))).collect())
    }

    fn not(term: Term) -> Term {
        call(Not, vec![term])
    }

    #[test]
    fn bounds_and_lists_imply_what_lies_around_them() {
        let holds = [
            (cmp(Equal, 3), among(&[1, 3])),
            (among(&[1, 3]), among(&[1, 2, 3])),
            (among(&[1, 3]), cmp(Less, 4)),
            (cmp(Equal, 3), cmp(NotEqual, 4)),
            (cmp(Less, 3), cmp(Less, 5)),
            (cmp(Less, 3), cmp(LessEqual, 3)),
            (cmp(GreaterEqual, 5), cmp(Greater, 4)),
            (cmp(Greater, 5), cmp(NotEqual, 5)),
            (not(among(&[1, 2])), cmp(NotEqual, 1)),
            (cmp(Equal, 3), call(IsNotNull, vec![x()])),
            (not(among(&[1, 2])), call(IsNotNull, vec![x()])),
            (cmp(Equal, 3), call(Or, vec![cmp(Equal, 3), Term::name("other")])),
            (call(Or, vec![cmp(Less, 2), cmp(Equal, 2)]), cmp(LessEqual, 2)),
            (call(And, vec![cmp(Less, 2), Term::name("other")]), cmp(Less, 2)),
        ];
        for (given, wanted) in holds {
            assert!(implies(&given, &wanted), "{given} => {wanted}");
            assert!(!implies(&wanted, &given), "{wanted} => {given}");
        }
    }

    #[test]
    fn dates_are_bounds_on_either_side() {
        let day = |days: i128| Term::form("date", vec![int(days)]);
        // In the normal form two things that are compared stand in the order of their texts.
        for subject in [Term::name("a"), Term::name("x"), Term::form("truncated", vec![x()])] {
            let cmp = |function, days| call(function, vec![subject.clone(), day(days)]);
            let holds = [
                (cmp(Greater, 5), cmp(Greater, 4)),
                (cmp(Greater, 5), cmp(GreaterEqual, 5)),
                (cmp(Less, 3), cmp(LessEqual, 3)),
                (cmp(Equal, 3), cmp(Less, 4)),
                (cmp(Less, 3), cmp(NotEqual, 3)),
            ];
            for (given, wanted) in holds {
                assert!(implies(&given, &wanted), "{given} => {wanted}");
                assert!(!implies(&wanted, &given), "{wanted} => {given}");
            }
        }
    }

    #[test]
    fn what_is_not_proved_is_not_claimed() {
        let far = Term::number(10_i128.pow(17), 0);
        let apart = [
            (cmp(Less, 3), cmp(Greater, 1)),
            (cmp(LessEqual, 3), cmp(Less, 3)),
            (cmp(Less, 3), call(Less, vec![Term::name("y"), int(5)])),
            (call(IsNotNull, vec![x()]), cmp(NotEqual, 3)),
            (cmp(NotEqual, 3), cmp(NotEqual, 4)),
            (call(Less, vec![x(), far.clone()]), call(Less, vec![x(), Term::number(10_i128.pow(17) + 1, 0)])),
            // A text and a number have no order.
            (call(Equal, vec![x(), Term::Text("a".into())]), cmp(NotEqual, 4)),
        ];
        for (given, wanted) in apart {
            assert!(!implies(&given, &wanted), "{given} => {wanted}");
        }
    }

    #[test]
    fn filters_are_compared_as_a_whole() {
        let (a, b) = (Term::name("a"), Term::name("b"));
        assert_eq!(relation(std::slice::from_ref(&a), &[a.clone(), b.clone()]), Some(Rows::Fewer));
        assert_eq!(relation(&[a.clone(), b.clone()], std::slice::from_ref(&b)), Some(Rows::More));
        assert_eq!(relation(std::slice::from_ref(&a), std::slice::from_ref(&b)), None);
        assert_eq!(relation(&[cmp(Less, 3)], &[cmp(Less, 3)]), Some(Rows::Same));
        assert_eq!(Rows::Fewer.and(Rows::More), None);
        assert_eq!(Rows::Fewer.and(Rows::Same), Some(Rows::Fewer));
    }
}
