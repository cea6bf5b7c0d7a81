//! Choosing one of several values: `case`, `if`, `??`, `coalesce`, `nullif`, `least`, `greatest`.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::types::{Type, ValueType};
use crate::value::Function;

use super::{Meet, Ops, Typed, refuse, sensitivity};

impl Ops<'_> {
    /// `case when c then a … [else z] end`. A value that a condition reads shines through the result, so its label does too.
    pub fn case<T: Typed>(
        &self,
        branches: Vec<(T, T)>,
        otherwise: Option<T>,
        span: Span,
        d: &mut Diagnostics,
    ) -> Option<T> {
        let count = branches.len();
        let (conditions, mut values): (Vec<T>, Vec<T>) = branches.into_iter().unzip();
        let conditions: Vec<T> =
            conditions.into_iter().filter_map(|c| self.condition(c, "the condition of a branch", d)).collect();
        let complete = otherwise.is_some();
        values.extend(otherwise);
        let (mut values, mut ty) = self.choose(values, span, d)?;
        if conditions.len() < count {
            return None;
        }
        ty.nullable |= !complete;
        ty.sensitivity = ty.sensitivity.max(sensitivity(&conditions));
        let otherwise = if complete { values.pop() } else { None };
        Some(T::case(conditions.into_iter().zip(values).collect(), otherwise, ty, span))
    }

    /// `values` with one type and unit, and what is known of any one of them.
    fn choose<T: Typed>(&self, values: Vec<T>, span: Span, d: &mut Diagnostics) -> Option<(Vec<T>, ValueType)> {
        let (values, ty) = self.meet(values, Meet::Choose, span, d)?;
        let unit = self.one_unit(&values, "choosing between", span, d)?;
        let nullable = values.iter().any(|value| value.ty().nullable);
        let sensitivity = sensitivity(&values);
        Some((values, ValueType { ty, nullable, unit, sensitivity }))
    }

    /// The first that is not null.
    pub fn coalesce<T: Typed>(&self, values: Vec<T>, span: Span, d: &mut Diagnostics) -> Option<T> {
        let (values, mut ty) = self.choose(values, span, d)?;
        ty.nullable = values.iter().all(|value| value.ty().nullable);
        Some(T::call(Function::Coalesce, values, ty, span))
    }

    /// The least or greatest; nulls are skipped.
    pub fn extreme<T: Typed>(&self, function: Function, values: Vec<T>, span: Span, d: &mut Diagnostics) -> Option<T> {
        if let Some(value) = values.iter().find(|v| matches!(v.ty().ty, Type::Enum(_) | Type::Array(_) | Type::Map(_)))
        {
            let shown = self.show(&value.ty().ty);
            return refuse(
                d,
                error!(E0332, value.span(), "values of `{shown}` can't be ordered";
                help: "order numbers, texts, dates, timestamps or durations"),
            );
        }
        let (values, mut ty) = self.choose(values, span, d)?;
        ty.nullable = values.iter().all(|value| value.ty().nullable);
        Some(T::call(function, values, ty, span))
    }

    /// Null where both are equal, else the first.
    pub fn null_if<T: Typed>(&self, x: T, other: T, span: Span, d: &mut Diagnostics) -> Option<T> {
        let (values, _) = self.meet(vec![x, other], Meet::Compare, span, d)?;
        let unit = self.one_unit(&values, "comparing", span, d)?;
        let first = values.first()?.ty().clone();
        let ty = ValueType { nullable: true, unit, sensitivity: sensitivity(&values), ..first };
        Some(T::call(Function::NullIf, values, ty, span))
    }
}
