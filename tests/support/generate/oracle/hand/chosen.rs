//! Rows that are chosen, and buckets that are cut.

use super::*;

fn five() -> Project {
    let rows = [
        "2026-11-01 09:00 u1 a 5",
        "2026-11-01 10:00 u2 b 1",
        "2026-11-02 09:00 u1 c 1",
        "2026-11-02 10:00 u1 b 2",
        "2026-11-02 11:00 u3 - 1",
    ];
    project(chrono_tz::Asia::Shanghai, &rows)
}

fn best(count: u64, other: bool) -> impl Fn(Question) -> Question {
    move |question| Question { top: Some(Top { count, metric: "m".into(), other }), ..question }
}

const TOTAL: Ask = Ask(None, &["kind"], None);

#[test]
fn the_rest_counts_each_user_once() {
    // a, c and none have one user each, b has two.
    let rest = answer_chosen(&five(), users(), &TOTAL, Fill::None, best(1, true));
    assert_eq!(rest, ["b | false | 2", "- | true | 2"]);
    let days = Ask(Some(Step::Day), &["kind"], None);
    let rest = answer_chosen(&five(), users(), &days, Fill::None, best(1, true));
    assert_eq!(
        days_of(rest),
        ["11-01 | b | false | 1", "11-01 | - | true | 1", "11-02 | b | false | 1", "11-02 | - | true | 2"]
    );
}

#[test]
fn equal_groups_are_ranked_by_their_values_and_null_is_the_last() {
    assert_eq!(answer_chosen(&five(), users(), &TOTAL, Fill::None, best(2, false)), ["a | 1", "b | 2"]);
    let rest = answer_chosen(&five(), users(), &TOTAL, Fill::None, best(3, true));
    assert_eq!(rest, ["a | false | 1", "b | false | 2", "c | false | 1", "- | true | 1"]);
}

#[test]
fn the_ranking_is_of_the_asked_interval() {
    let second = Ask(Some(Step::Day), &["kind"], Some(("2026-11-02", "2026-11-02")));
    assert_eq!(days_of(answer_chosen(&five(), sum(), &second, Fill::None, best(1, false))), ["11-02 | b | 2"]);
    let all = Ask(Some(Step::Day), &["kind"], None);
    assert_eq!(days_of(answer_chosen(&five(), sum(), &all, Fill::None, best(1, false))), ["11-01 | a | 5"]);
}

#[test]
fn a_condition_leaves_rows_before_groups_are_ranked() {
    let less = || call(Op::Less, vec![expr(Node::Metric("m".into()), Ty::Int), int(2)], Ty::Bool);
    let having = |question| Question { having: Some(less()), ..question };
    assert_eq!(answer_chosen(&five(), users(), &TOTAL, Fill::None, having), ["a | 1", "c | 1", "- | 1"]);
    let both = |other| move |question| best(1, other)(Question { having: Some(less()), ..question });
    assert_eq!(answer_chosen(&five(), users(), &TOTAL, Fill::None, both(false)), ["a | 1"]);
    // The rest is not asked: u1, u2 and u3.
    assert_eq!(answer_chosen(&five(), users(), &TOTAL, Fill::None, both(true)), ["a | false | 1", "- | true | 3"]);
}

#[test]
fn a_bucket_that_is_cut_has_the_rows_within_and_a_window_those_before() {
    let zone = chrono_tz::Asia::Shanghai;
    let cut = |question| Question {
        exact: Some((at(zone, "2026-11-01 09:30"), at(zone, "2026-11-02 10:30"))),
        range: Some((20758, 20759)),
        ..question
    };
    let of = |formula| days_of(answer_chosen(&five(), formula, &DAILY, Fill::None, cut));
    assert_eq!(of(count()), ["11-01 | 1 | cut", "11-02 | 2 | cut"]);
    assert_eq!(of(over(count(), days(2))), ["11-01 | 2 | cut", "11-02 | 4 | cut"]);
    let rate = expr(Node::Rate(Box::new(count()), Length::Elapsed(HOUR / 2)), Ty::Float);
    assert_eq!(of(rate), [format!("11-01 | {} | cut", 1.0 / 29.0), format!("11-02 | {} | cut", 2.0 / 21.0)]);
    let peak = nested(Aggregate::Max, count(), &[NestedKey::Step(Step::Subday(2 * HOUR))], None);
    assert_eq!(of(peak), ["11-01 | 1 | cut", "11-02 | 1 | cut"]);
}
