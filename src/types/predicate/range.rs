//! What conditions joined by `and` leave of one value.

use std::cmp::Ordering;

use crate::diagnostic::Span;
use crate::types::{RowExpr, Type};
use crate::value::Function;

use super::same::{Point, same};

/// One condition on one value.
pub(super) struct Atom<'a> {
    /// The value.
    pub(super) subject: &'a RowExpr,
    /// `Equal` … `GreaterEqual`, `In`, `IsNull`, `IsNotNull`.
    pub(super) test: Function,
    /// Turned around; only of `In`.
    pub(super) negated: bool,
    /// Against what.
    pub(super) points: Vec<Point<'a>>,
    /// Where it stands.
    pub(super) span: Span,
}

/// What is left of one value.
struct Left<'a> {
    subject: &'a RowExpr,
    /// One of these, where it is known.
    allowed: Option<Vec<Point<'a>>>,
    excluded: Vec<Point<'a>>,
    low: Option<(Point<'a>, bool)>,
    high: Option<(Point<'a>, bool)>,
    /// Whether it must be null, or must not.
    null: Option<bool>,
    /// The conditions so far.
    spans: Vec<Span>,
}

/// The first condition that leaves nothing, and those before it on the same value.
pub(super) fn contradiction(atoms: Vec<Atom>) -> Option<(Span, Vec<Span>)> {
    let mut seen: Vec<Left> = Vec::new();
    for atom in atoms {
        let place = match seen.iter().position(|left| same(left.subject, atom.subject)) {
            Some(place) => place,
            None => {
                seen.push(Left::all(atom.subject));
                seen.len() - 1
            }
        };
        let span = atom.span;
        let left = &mut seen[place];
        left.narrow(atom);
        if left.is_empty() {
            return Some((span, left.spans.clone()));
        }
        left.spans.push(span);
    }
    None
}

impl<'a> Left<'a> {
    fn all(subject: &'a RowExpr) -> Left<'a> {
        let allowed = match &subject.ty.ty {
            Type::Enum(values) => Some(values.iter().map(|value| Point::Text(value)).collect()),
            _ => None,
        };
        Left { subject, allowed, excluded: Vec::new(), low: None, high: None, null: None, spans: Vec::new() }
    }

    fn narrow(&mut self, atom: Atom<'a>) {
        let must_be_null = atom.test == Function::IsNull;
        if self.null.is_some_and(|null| null != must_be_null) {
            // Null and not null at once.
            self.allowed = Some(Vec::new());
            self.null = Some(false);
            return;
        }
        self.null = Some(must_be_null);
        let mut points = atom.points;
        match (atom.test, atom.negated) {
            (Function::In, true) | (Function::NotEqual, _) => self.excluded.append(&mut points),
            (Function::In, false) | (Function::Equal, _) => match &mut self.allowed {
                Some(allowed) => allowed.retain(|known| points.iter().any(|point| point.is(known))),
                None => self.allowed = Some(points),
            },
            (Function::Less | Function::LessEqual, _) => {
                let limit = points.pop().map(|point| (point, atom.test == Function::LessEqual));
                self.high = tighter(self.high.take(), limit, Ordering::Less);
            }
            (Function::Greater | Function::GreaterEqual, _) => {
                let limit = points.pop().map(|point| (point, atom.test == Function::GreaterEqual));
                self.low = tighter(self.low.take(), limit, Ordering::Greater);
            }
            _ => {}
        }
    }

    fn is_empty(&self) -> bool {
        if self.null == Some(true) {
            return false;
        }
        if let Some(allowed) = &self.allowed {
            return !allowed.iter().any(|point| self.admits(point));
        }
        let (Some((low, with_low)), Some((high, with_high))) = (&self.low, &self.high) else { return false };
        match low.compare(high) {
            Some(Ordering::Greater) => true,
            Some(Ordering::Equal) => !(*with_low && *with_high) || self.excluded.iter().any(|point| point.is(low)),
            _ => self.between_ints(low, *with_low, high, *with_high),
        }
    }

    /// Whether no int lies between two limits: `x > 3 and x < 4`.
    fn between_ints(&self, low: &Point, with_low: bool, high: &Point, with_high: bool) -> bool {
        let (Type::Int, Point::Number(low, 0), Point::Number(high, 0)) = (&self.subject.ty.ty, low, high) else {
            return false;
        };
        low + i128::from(!with_low) > high - i128::from(!with_high)
    }

    fn admits(&self, point: &Point) -> bool {
        // A point that can't be compared is admitted: nothing is claimed that is not known.
        let above = self.low.as_ref().is_none_or(|(low, with)| match point.compare(low) {
            Some(Ordering::Less) => false,
            Some(Ordering::Equal) => *with,
            _ => true,
        });
        let below = self.high.as_ref().is_none_or(|(high, with)| match point.compare(high) {
            Some(Ordering::Greater) => false,
            Some(Ordering::Equal) => *with,
            _ => true,
        });
        above && below && !self.excluded.iter().any(|excluded| excluded.is(point))
    }
}

/// The tighter of two limits; `side` is the order of the tighter to the other.
fn tighter<'a>(
    old: Option<(Point<'a>, bool)>,
    new: Option<(Point<'a>, bool)>,
    side: Ordering,
) -> Option<(Point<'a>, bool)> {
    match (old, new) {
        (Some(old), Some(new)) => Some(match new.0.compare(&old.0) {
            Some(order) if order == side => new,
            Some(Ordering::Equal) if old.1 => new,
            _ => old,
        }),
        (old, new) => new.or(old),
    }
}
