//! Small random units, and what the dry run says of each of them.

// Each test that includes it uses a part.
#![allow(dead_code)]

use std::collections::BTreeMap;

use metricc::plan::Value;
use metricc::table::Answer;

/// 2026-11-01 23:00:00 in Shanghai.
pub const START: i64 = 1_793_545_200_000;
pub const SLOT: i64 = 600_000;

/// Numbers that look random.
pub struct Rng(pub u64);

impl Rng {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit
    }

    pub fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

/// Events and orders of users.
pub const TABLES: &str = r#"
entity user {
  table: "dim.user"
  key: user_id
  column user_id: string
}
source event {
  table: "dwd.event"
  key: event_id
  time: at
  column event_id: string
  column at: timestamp(ms)
  column name: enum("a", "b", "c", "x")
  column user_id: user?
  column who: string
}
source order {
  table: "dwd.order"
  key: order_id
  time: at
  column order_id: string
  column at: timestamp(ms)
  column user_id: user
  column who: string
}
dimension who = event.who | order.who
"#;

/// The dimension `way` of events and orders, whose keys hold their place behind this separator: see [`way`].
pub fn ways(separator: &str) -> String {
    let of = |key: &str| {
        let part = format!("split_part({key}, \"{separator}\", 2)");
        let (first, second) = ("(\"0\", \"3\", \"6\", \"9\")", "(\"1\", \"4\", \"7\")");
        format!("case when {part} in {first} then \"\" when {part} in {second} then \"1:u1\" end")
    };
    format!("dimension way = {} | {} else null\n", of("event.event_id"), of("order.order_id"))
}

/// The way of a row at a place: texts that look like parts of others, and none.
pub fn way(place: usize) -> Option<&'static str> {
    [Some(""), Some("1:u1"), None][place % 3]
}

/// The same units with the rows of one way alone, for each way that there is. The rows of a unit are all there, in the order of their
/// places.
pub fn by_ways<T: Clone>(units: &[Vec<T>]) -> Vec<Vec<Vec<T>>> {
    let of = |wanted: Option<&str>| {
        let of_way = |(place, row): (usize, &T)| (way(place) == wanted).then(|| row.clone());
        units.iter().map(|rows| rows.iter().enumerate().filter_map(of_way).collect()).collect()
    };
    [Some(""), Some("1:u1")].map(of).into()
}

/// The day of an instant, as the first instant of it.
pub fn day(at: i64) -> i64 {
    let shift = 8 * 3_600_000;
    (at + shift).div_euclid(86_400_000) * 86_400_000 - shift
}

/// A metric by day and unit.
pub type Found = BTreeMap<(i64, String), i64>;

/// What answers say of each metric: by day and unit.
pub fn said(answers: &[(String, Answer)]) -> BTreeMap<String, Found> {
    let mut all = BTreeMap::new();
    for (name, answer) in answers {
        let mut found = Found::new();
        for row in &answer.rows {
            let [Value::Timestamp(day), Value::String(who), value] = row.as_slice() else { panic!("{name}: {row:?}") };
            let number = match value {
                Value::Int(number) | Value::Duration(number) => *number,
                Value::Null => continue,
                other => panic!("{name}: {other:?}"),
            };
            found.insert((*day, who.clone()), number);
        }
        // A count of none is no row, or a row beside others.
        found.retain(|_, value| name.contains("_t") || *value != 0);
        all.insert(name.clone(), found);
    }
    all
}
