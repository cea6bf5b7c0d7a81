//! Who may see a value: the label of personal data flows through every expression.
//!
//! A result is as sensitive as the most sensitive thing that it was made of, conditions included: `phone is null` and
//! `length(phone)` tell something of a person too. Only `hash(…)`, `mask(…)` and the aggregates that count (`count`,
//! `distinct`, `approx_distinct`) give a public value. Filters don't matter: a condition on rows is not shown. A path such as
//! `user_id.province` has the label of its last column: the province is shown, not the id.

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::syntax::ast::Pii;

use super::ops::refuse;
use super::{Aggregation, Sensitivity, ValueType};

/// The label that a column declares.
pub fn column_sensitivity(pii: Option<&Spanned<Pii>>, d: &mut Diagnostics) -> Option<Sensitivity> {
    match pii.map(|pii| (&pii.value, pii.span)) {
        None => Some(Sensitivity::Public),
        Some((Pii::Plain, _)) => Some(Sensitivity::Personal),
        Some((Pii::Qualified(word), _)) if word == "hashed" => Some(Sensitivity::Personal),
        Some((Pii::Qualified(word), span)) => refuse(
            d,
            error!(E0703, span, "`pii({word})` says nothing"; help: "write `pii`, or `pii(hashed)` for what is hashed already"),
        ),
    }
}

/// The label of an aggregate over values of the label `input`.
pub fn aggregate_sensitivity(aggregation: Aggregation, input: Sensitivity) -> Sensitivity {
    match aggregation {
        Aggregation::Count | Aggregation::Distinct | Aggregation::ApproxDistinct => Sensitivity::Public,
        _ => input,
    }
}

/// Refuses a dimension that shows personal data.
pub fn check_dimension(name: &str, ty: &ValueType, span: Span, d: &mut Diagnostics) -> bool {
    let public = ty.sensitivity == Sensitivity::Public;
    if !public {
        d.push(error!(E0701, span, "the dimension `{name}` shows personal data";
            help: "group by `hash(…)` or `mask(…)` of it, or by something that many people share"));
    }
    public
}

/// Refuses a metric that shows personal data.
pub fn check_metric(name: &str, ty: &ValueType, span: Span, d: &mut Diagnostics) -> bool {
    let public = ty.sensitivity == Sensitivity::Public;
    if !public {
        d.push(error!(E0702, span, "the metric `{name}` shows personal data";
            help: "only `count`, `distinct`, `hash(…)` and `mask(…)` hide it: a sum, least or last value does not"));
    }
    public
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Type;
    use crate::types::testing::tables_of;

    #[test]
    fn only_counting_hides() {
        let personal = Sensitivity::Personal;
        for hides in [Aggregation::Count, Aggregation::Distinct, Aggregation::ApproxDistinct] {
            assert_eq!(aggregate_sensitivity(hides, personal), Sensitivity::Public, "{hides:?}");
        }
        for shows in [Aggregation::Sum, Aggregation::Max, Aggregation::First, Aggregation::Stddev] {
            assert_eq!(aggregate_sensitivity(shows, personal), personal, "{shows:?}");
        }
    }

    #[test]
    fn outputs_of_personal_data_are_refused() {
        let span = Span::new(crate::diagnostic::FileId(0), 0, 1);
        let public = ValueType::plain(Type::String);
        let personal = ValueType { sensitivity: Sensitivity::Personal, ..public.clone() };
        let mut d = Diagnostics::new();
        assert!(check_dimension("a", &public, span, &mut d) && check_metric("a", &public, span, &mut d));
        assert!(d.is_empty());
        assert!(!check_dimension("a", &personal, span, &mut d));
        assert!(!check_metric("a", &personal, span, &mut d));
        let codes: Vec<&str> = d.iter().map(|found| found.code.0).collect();
        assert_eq!(codes, ["E0701", "E0702"]);
    }

    #[test]
    fn a_label_is_pii_or_pii_hashed() {
        let label = |pii: &str| {
            let (tables, d) = tables_of(&format!("source s {{\n  column c: string {pii}\n}}\n"));
            (tables[0].columns[0].ty.sensitivity, d.iter().map(|found| found.code.0).next())
        };
        assert_eq!(label(""), (Sensitivity::Public, None));
        assert_eq!(label("pii"), (Sensitivity::Personal, None));
        assert_eq!(label("pii(hashed)"), (Sensitivity::Personal, None));
        assert_eq!(label("pii(secret)").1, Some("E0703"));
    }
}
