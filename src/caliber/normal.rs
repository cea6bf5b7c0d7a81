//! The laws that terms are brought into their normal form by. Each holds for three-valued logic, and for every engine.

use std::cmp::Ordering;

use crate::value::Function::{
    self, Add, And, Coalesce, Divide, Equal, Greater, GreaterEqual, Greatest, In, IsNotNull, IsNull, Least, Less,
    LessEqual, Modulo, Multiply, Negate, Not, NotEqual, Or, Subtract,
};

use super::term::Term;

/// A call in its normal form; its arguments are in theirs.
pub fn call(function: Function, mut arguments: Vec<Term>) -> Term {
    match function {
        And | Or => logic(function, arguments),
        Not if arguments.len() == 1 => not(arguments.remove(0)),
        Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual if arguments.len() == 2 => {
            let right = arguments.remove(1);
            comparison(function, arguments.remove(0), right)
        }
        In if arguments.len() > 1 => among(arguments),
        IsNull | IsNotNull if arguments.iter().all(Term::is_literal) => {
            Term::Bool((arguments == [Term::Null]) == (function == IsNull))
        }
        Coalesce => coalesce(arguments),
        Least | Greatest => {
            let mut parts = flat(function, arguments);
            parts.retain(|part| *part != Term::Null);
            one_or(function, sorted(parts))
        }
        Subtract if arguments.len() == 2 => {
            let right = arguments.remove(1);
            sum(vec![arguments.remove(0), negate(right)])
        }
        Add => sum(arguments),
        Negate if arguments.len() == 1 => negate(arguments.remove(0)),
        Multiply => product(arguments),
        Divide if arguments.len() == 2 => quotient(arguments),
        Modulo if arguments.len() == 2 => remainder(arguments),
        _ => Term::Call(function, arguments),
    }
}

/// `case`: branches that are never taken are left out, and what follows one that always is.
pub fn case(branches: Vec<(Term, Term)>, otherwise: Option<Term>) -> Term {
    let mut left = Vec::new();
    let mut last = otherwise;
    for (condition, value) in branches {
        match condition {
            Term::Bool(false) | Term::Null => {}
            Term::Bool(true) => {
                last = Some(value);
                break;
            }
            condition => left.push((condition, value)),
        }
    }
    let last = last.unwrap_or(Term::Null);
    // Branches at the end that give what follows anyway.
    while left.last().is_some_and(|(_, value)| *value == last) {
        left.pop();
    }
    if left.is_empty() {
        return last;
    }
    let mut parts: Vec<Term> = left.into_iter().flat_map(|(condition, value)| [condition, value]).collect();
    parts.push(last);
    Term::form("case", parts)
}

/// Terms in an order that only they decide, each once.
pub fn sorted(mut terms: Vec<Term>) -> Vec<Term> {
    terms.sort_by_cached_key(ToString::to_string);
    terms.dedup();
    terms
}

/// The arguments, with those of calls of the same function in their place.
fn flat(function: Function, arguments: Vec<Term>) -> Vec<Term> {
    let mut all = Vec::with_capacity(arguments.len());
    for argument in arguments {
        match argument {
            Term::Call(own, inner) if own == function => all.extend(inner),
            other => all.push(other),
        }
    }
    all
}

fn one_or(function: Function, mut parts: Vec<Term>) -> Term {
    match parts.len() {
        0 => Term::Null,
        1 => parts.remove(0),
        _ => Term::Call(function, parts),
    }
}

fn logic(function: Function, arguments: Vec<Term>) -> Term {
    // What leaves the others as they are, and what decides.
    let neutral = Term::Bool(function == And);
    let deciding = Term::Bool(function == Or);
    let mut parts = flat(function, arguments);
    if parts.contains(&deciding) {
        return deciding;
    }
    parts.retain(|part| *part != neutral);
    let parts = absorbed(function, sorted(joined(function, parts)));
    if parts.is_empty() { neutral } else { one_or(function, parts) }
}

/// `a = 1 or a in (2, 3)` is one list, and so is `a != 1 and not a in (2, 3)`.
fn joined(function: Function, parts: Vec<Term>) -> Vec<Term> {
    let mut lists: Vec<(Term, Vec<Term>)> = Vec::new();
    let mut others = Vec::new();
    for part in parts {
        let found = match (function, part) {
            (Or, Term::Call(Equal, sides)) if sides[1].is_literal() => Ok(sides),
            (Or, Term::Call(In, items)) => Ok(items),
            (And, Term::Call(NotEqual, sides)) if sides[1].is_literal() => Ok(sides),
            (And, Term::Call(Not, mut inner)) => match inner.remove(0) {
                Term::Call(In, items) => Ok(items),
                other => Err(Term::Call(Not, vec![other])),
            },
            (_, other) => Err(other),
        };
        match found {
            Err(other) => others.push(other),
            Ok(mut items) => {
                let subject = items.remove(0);
                match lists.iter_mut().find(|(known, _)| *known == subject) {
                    Some((_, known)) => known.extend(items),
                    None => lists.push((subject, items)),
                }
            }
        }
    }
    for (subject, items) in lists {
        let list = among([vec![subject], items].concat());
        others.push(if function == And { not(list) } else { list });
    }
    others
}

/// Without what another part makes needless: `a or (a and b)` is `a`.
fn absorbed(function: Function, parts: Vec<Term>) -> Vec<Term> {
    let dual = if function == And { Or } else { And };
    let needless = |place: usize| {
        let Term::Call(own, inner) = &parts[place] else { return false };
        *own == dual && parts.iter().enumerate().any(|(other, part)| other != place && inner.contains(part))
    };
    let keep: Vec<bool> = (0..parts.len()).map(|place| !needless(place)).collect();
    parts.into_iter().zip(keep).filter_map(|(part, keep)| keep.then_some(part)).collect()
}

fn not(inner: Term) -> Term {
    let other = |function| match function {
        Equal => Some(NotEqual),
        NotEqual => Some(Equal),
        Less => Some(GreaterEqual),
        LessEqual => Some(Greater),
        Greater => Some(LessEqual),
        GreaterEqual => Some(Less),
        IsNull => Some(IsNotNull),
        IsNotNull => Some(IsNull),
        _ => None,
    };
    match inner {
        Term::Bool(value) => Term::Bool(!value),
        Term::Null => Term::Null,
        Term::Call(Not, mut inner) => inner.remove(0),
        Term::Call(And, parts) => logic(Or, parts.into_iter().map(not).collect()),
        Term::Call(Or, parts) => logic(And, parts.into_iter().map(not).collect()),
        Term::Call(function, arguments) => match other(function) {
            Some(other) => call(other, arguments),
            None => Term::Call(Not, vec![Term::Call(function, arguments)]),
        },
        inner => Term::Call(Not, vec![inner]),
    }
}

fn comparison(function: Function, left: Term, right: Term) -> Term {
    if left == Term::Null || right == Term::Null {
        return Term::Null;
    }
    if let Some(order) = order(&left, &right) {
        return Term::Bool(match function {
            Equal => order.is_eq(),
            NotEqual => order.is_ne(),
            Less => order.is_lt(),
            LessEqual => order.is_le(),
            Greater => order.is_gt(),
            _ => order.is_ge(),
        });
    }
    let mirrored = match function {
        Less => Greater,
        LessEqual => GreaterEqual,
        Greater => Less,
        GreaterEqual => LessEqual,
        symmetric => symmetric,
    };
    let (function, left, right) = match (left.is_literal(), right.is_literal()) {
        (true, false) => (mirrored, right, left),
        (false, true) => (function, left, right),
        // The lesser one stands first.
        _ => match function {
            Greater | GreaterEqual => (mirrored, right, left),
            Equal | NotEqual if right.to_string() < left.to_string() => (function, right, left),
            _ => (function, left, right),
        },
    };
    match (function, right) {
        (Equal, Term::Bool(true)) | (NotEqual, Term::Bool(false)) => left,
        (Equal, Term::Bool(false)) | (NotEqual, Term::Bool(true)) => not(left),
        (function, right) => Term::Call(function, vec![left, right]),
    }
}

/// The order of two literals of one kind.
fn order(left: &Term, right: &Term) -> Option<Ordering> {
    match (left, right) {
        (Term::Number { digits: a, scale: s }, Term::Number { digits: b, scale: t }) => {
            let scale = *s.max(t);
            Some(at_scale(*a, *s, scale)?.cmp(&at_scale(*b, *t, scale)?))
        }
        (Term::Text(a), Term::Text(b)) => Some(a.cmp(b)),
        (Term::Bool(a), Term::Bool(b)) => Some(a.cmp(b)),
        (Term::Duration(a), Term::Duration(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn at_scale(digits: i128, from: u8, to: u8) -> Option<i128> {
    digits.checked_mul(10_i128.checked_pow(u32::from(to - from))?)
}

fn among(mut arguments: Vec<Term>) -> Term {
    let subject = arguments.remove(0);
    let mut items = sorted(arguments);
    if items.len() == 1 {
        return comparison(Equal, subject, items.remove(0));
    }
    items.insert(0, subject);
    Term::Call(In, items)
}

fn coalesce(arguments: Vec<Term>) -> Term {
    let mut parts: Vec<Term> = Vec::new();
    for part in flat(Coalesce, arguments) {
        if part == Term::Null || parts.contains(&part) {
            continue;
        }
        let ends = part.is_literal();
        parts.push(part);
        if ends {
            break;
        }
    }
    one_or(Coalesce, parts)
}

fn negate(inner: Term) -> Term {
    match inner {
        Term::Null => Term::Null,
        Term::Number { digits, scale } => Term::Number { digits: digits.saturating_neg(), scale },
        Term::Duration(ms) => Term::Duration(ms.saturating_neg()),
        Term::Call(Negate, mut inner) => inner.remove(0),
        Term::Call(Add, parts) => sum(parts.into_iter().map(negate).collect()),
        inner => Term::Call(Negate, vec![inner]),
    }
}

/// A sum of any number of parts; numbers and durations among them are added up.
fn sum(arguments: Vec<Term>) -> Term {
    let mut others = Vec::new();
    let (mut number, mut duration): (Option<Term>, Option<i64>) = (None, None);
    for part in flat(Add, arguments) {
        match part {
            Term::Null => return Term::Null,
            Term::Number { .. } => match number.take() {
                None => number = Some(part),
                Some(known) => match added(&known, &part) {
                    Some(sum) => number = Some(sum),
                    None => {
                        others.push(part);
                        number = Some(known);
                    }
                },
            },
            Term::Duration(ms) => duration = Some(duration.unwrap_or_default().saturating_add(ms)),
            other => others.push(other),
        }
    }
    others.extend(number);
    others.extend(duration.map(Term::Duration));
    in_order(Add, others)
}

/// The same as [`one_or`], of parts that count as often as they are there.
fn in_order(function: Function, mut parts: Vec<Term>) -> Term {
    parts.sort_by_cached_key(ToString::to_string);
    one_or(function, parts)
}

fn added(left: &Term, right: &Term) -> Option<Term> {
    let (Term::Number { digits: a, scale: s }, Term::Number { digits: b, scale: t }) = (left, right) else {
        return None;
    };
    let scale = *s.max(t);
    let sum = at_scale(*a, *s, scale)?.checked_add(at_scale(*b, *t, scale)?)?;
    within_int(sum, scale).then(|| Term::number(sum, scale))
}

/// Ints wrap at 64 bits, which is not computed here.
fn within_int(digits: i128, scale: u8) -> bool {
    scale > 0 || i64::try_from(digits).is_ok()
}

fn product(arguments: Vec<Term>) -> Term {
    let mut others = Vec::new();
    let mut number: Option<(i128, u8)> = None;
    for part in flat(Multiply, arguments) {
        match (part, number) {
            (Term::Null, _) => return Term::Null,
            (Term::Number { digits, scale }, None) => number = Some((digits, scale)),
            (Term::Number { digits, scale }, Some((known, of))) => {
                let all = known.checked_mul(digits).zip(of.checked_add(scale));
                match all.filter(|(digits, scale)| within_int(*digits, *scale)) {
                    Some(product) => number = Some(product),
                    None => others.push(Term::Number { digits, scale }),
                }
            }
            (other, _) => others.push(other),
        }
    }
    if let ([Term::Duration(ms)], Some((count, 0))) = (others.as_slice(), number)
        && let Some(all) = i64::try_from(count).ok().and_then(|count| ms.checked_mul(count))
    {
        return Term::Duration(all);
    }
    others.extend(number.map(|(digits, scale)| Term::number(digits, scale)));
    in_order(Multiply, others)
}

fn quotient(arguments: Vec<Term>) -> Term {
    let float = |term: &Term| match term {
        Term::Number { .. } => term.to_string().parse::<f64>().ok(),
        Term::Duration(ms) => Some(*ms as f64),
        _ => None,
    };
    if arguments.contains(&Term::Null) {
        return Term::Null;
    }
    if let (Some(over), Some(under)) = (float(&arguments[0]), float(&arguments[1])) {
        // A duration by a number is a duration, and stays as it is written.
        let both = matches!(arguments.as_slice(), [Term::Number { .. }, Term::Number { .. }])
            || matches!(arguments.as_slice(), [Term::Duration(_), Term::Duration(_)]);
        match (under == 0.0, both) {
            (true, _) => return Term::Null,
            (false, true) => return Term::number_of(&format!("{:?}", over / under)),
            (false, false) => {}
        }
    }
    Term::Call(Divide, arguments)
}

fn remainder(arguments: Vec<Term>) -> Term {
    match arguments.as_slice() {
        [_, Term::Number { digits: 0, .. }] => Term::Null,
        [Term::Number { digits: a, scale: 0 }, Term::Number { digits: b, scale: 0 }] => {
            Term::number(a.checked_rem(*b).unwrap_or_default(), 0)
        }
        _ => Term::Call(Modulo, arguments),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Term {
        Term::name(text)
    }

    fn int(value: i128) -> Term {
        Term::number(value, 0)
    }

    fn shown(term: &Term) -> String {
        term.to_string()
    }

    #[test]
    fn conditions_that_say_the_same_are_one() {
        let (a, b, c) = (name("a"), name("b"), name("c"));
        let both = |x: &Term, y: &Term| call(And, vec![x.clone(), y.clone()]);
        let either = |x: &Term, y: &Term| call(Or, vec![x.clone(), y.clone()]);
        let no = |x: &Term| call(Not, vec![x.clone()]);
        assert_eq!(both(&a, &both(&c, &b)), both(&both(&b, &a), &c));
        assert_eq!(no(&both(&a, &b)), either(&no(&b), &no(&a)));
        assert_eq!(no(&no(&a)), a);
        assert_eq!(both(&a, &a), a);
        assert_eq!(either(&a, &both(&b, &a)), a);
        assert_eq!(both(&a, &Term::Bool(true)), a);
        assert_eq!(both(&a, &Term::Bool(false)), Term::Bool(false));
        assert_ne!(both(&a, &b), either(&a, &b));
        // In three-valued logic this is null where `a` is, and not false.
        assert_ne!(both(&a, &no(&a)), Term::Bool(false));
    }

    #[test]
    fn comparisons_turn_round_and_lists_are_sets() {
        let a = name("a");
        let compare = |f, x: &Term, y: &Term| call(f, vec![x.clone(), y.clone()]);
        assert_eq!(compare(Less, &int(1), &a), compare(Greater, &a, &int(1)));
        assert_eq!(compare(Less, &a, &name("b")), compare(Greater, &name("b"), &a));
        assert_ne!(compare(Less, &a, &name("b")), compare(Less, &name("b"), &a));
        assert_eq!(call(Not, vec![compare(Less, &a, &int(1))]), compare(GreaterEqual, &a, &int(1)));
        let list = |items: &[i128]| call(In, std::iter::once(a.clone()).chain(items.iter().map(|i| int(*i))).collect());
        assert_eq!(list(&[1, 2]), list(&[2, 1, 2]));
        assert_eq!(list(&[1]), compare(Equal, &a, &int(1)));
        assert_eq!(call(Or, vec![compare(Equal, &a, &int(2)), list(&[1, 3])]), list(&[3, 2, 1]));
        let others = vec![compare(NotEqual, &a, &int(2)), call(Not, vec![list(&[1, 3])])];
        assert_eq!(call(And, others), call(Not, vec![list(&[1, 2, 3])]));
        assert_eq!(compare(Equal, &a, &Term::Bool(false)), call(Not, vec![a.clone()]));
    }

    #[test]
    fn constants_are_folded() {
        let sum = call(Add, vec![name("x"), int(1), call(Multiply, vec![int(2), Term::number(5, 1)])]);
        assert_eq!(shown(&sum), "(2 + x)");
        assert_eq!(call(Subtract, vec![name("x"), int(-2)]), sum);
        assert_eq!(shown(&call(Divide, vec![int(1), int(4)])), "0.25");
        assert_eq!(call(Divide, vec![name("x"), int(0)]), Term::Call(Divide, vec![name("x"), int(0)]));
        assert_eq!(call(Multiply, vec![Term::Duration(3_600_000), int(24)]), Term::Duration(86_400_000));
        // What wraps is left to the engines.
        let most = int(i128::from(i64::MAX));
        assert_eq!(call(Add, vec![most.clone(), int(1)]), Term::Call(Add, vec![int(1), most]));
        assert_eq!(call(Less, vec![int(1), int(2)]), Term::Bool(true));
    }

    #[test]
    fn branches_that_never_count_are_gone() {
        let (a, b) = (name("a"), name("b"));
        let same = case(vec![(Term::Bool(false), a.clone()), (b.clone(), a.clone())], None);
        assert_eq!(same, case(vec![(b.clone(), a.clone())], Some(Term::Null)));
        assert_eq!(case(vec![(Term::Bool(true), a.clone()), (b.clone(), b.clone())], None), a);
        assert_eq!(case(vec![(b.clone(), a.clone())], Some(a.clone())), a);
        let nullable = call(Coalesce, vec![a.clone(), int(0), b.clone()]);
        assert_eq!(nullable, call(Coalesce, vec![a.clone(), Term::Null, call(Coalesce, vec![a.clone(), int(0)])]));
    }
}
