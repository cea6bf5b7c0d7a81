//! What flows from one thing to another: an answer by `from` and `to`, and by `step` where there is one. In a terminal a table with
//! shares and bars; in a picture a Sankey diagram.

use super::{Answer, number};
use crate::plan::{DataType, Value};

/// The longest bar of a terminal, in characters.
const LONGEST_BAR: usize = 20;

/// An answer by what things flow from and to.
pub struct Flow {
    /// The column of what is counted.
    pub metric: usize,
    /// Whether the rows have steps.
    pub has_steps: bool,
    /// One a row, in their order.
    pub links: Vec<Link>,
}

/// What flows from one thing to another at a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The step; 1 where there are none.
    pub step: i64,
    /// From where.
    pub from: String,
    /// To where.
    pub to: String,
    /// How much.
    pub value: f64,
}

impl Flow {
    /// The flow of an answer; none where it is not one count by `from` and `to`.
    pub fn of(answer: &Answer) -> Option<Flow> {
        if answer.step.is_some() || answer.columns.len() != answer.keys + 1 {
            return None;
        }
        let (metric, keys) = (answer.keys, &answer.columns[..answer.keys]);
        // `ways.from` and `ways.to` are of one table, as `from` and `to` are.
        let table = keys.iter().find_map(|column| column.name.strip_suffix("from"))?;
        let place = |name: &str| keys.iter().position(|column| column.name.strip_prefix(table) == Some(name));
        let (from, to, step) = (place("from")?, place("to")?, place("step"));
        let is_count = answer.columns[metric].ty == DataType::Int;
        if !is_count || keys.len() != 2 + usize::from(step.is_some()) || answer.rows.is_empty() {
            return None;
        }
        let text = |row: usize, column: usize| match &answer.rows[row][column] {
            Value::String(text) => Some(text.clone()),
            _ => None,
        };
        let link = |row: usize| {
            let step = match step.map(|column| &answer.rows[row][column]) {
                None => 1,
                Some(Value::Int(step)) => *step,
                Some(_) => return None,
            };
            let value = number(&answer.rows[row][metric], &DataType::Int).filter(|value| *value >= 0.0)?;
            Some(Link { step, from: text(row, from)?, to: text(row, to)?, value })
        };
        let links: Option<Vec<Link>> = (0..answer.rows.len()).map(link).collect();
        Some(Flow { metric, has_steps: step.is_some(), links: links? })
    }

    /// For each row its share of what flows from there at its step, and a bar as long as it is great beside the others.
    pub fn beside(&self, unicode: bool) -> Vec<(String, String)> {
        let mut all: std::collections::BTreeMap<(i64, &str), f64> = std::collections::BTreeMap::new();
        for link in &self.links {
            *all.entry((link.step, link.from.as_str())).or_default() += link.value;
        }
        let most = self.links.iter().map(|link| link.value).fold(0.0, f64::max);
        let of = |link: &Link| {
            let from = all[&(link.step, link.from.as_str())];
            let share = if from > 0.0 { format!("{:.1}%", link.value / from * 100.0) } else { String::new() };
            let length = if most > 0.0 { (link.value / most * LONGEST_BAR as f64).ceil() as usize } else { 0 };
            (share, if unicode { "█" } else { "#" }.repeat(length))
        };
        self.links.iter().map(of).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::table::terminal::{Style, table};
    use crate::table::testing::column;

    /// Steps of visitors.
    pub fn ways() -> Answer {
        let text = |text: &str| Value::String(text.to_owned());
        let row = |step: i64, from: &str, to: &str, count: i64| {
            vec![Value::Int(step), text(from), text(to), Value::Int(count)]
        };
        Answer {
            columns: vec![
                column("ways.step", DataType::Int, None),
                column("ways.from", DataType::String, None),
                column("ways.to", DataType::String, None),
                column("edges", DataType::Int, None),
            ],
            keys: 3,
            rows: vec![
                row(1, "home", "paid", 1),
                row(1, "home", "search", 3),
                row(2, "search", "home", 1),
                row(2, "search", "paid", 1),
            ],
            zone: chrono_tz::Asia::Shanghai,
            step: None,
        }
    }

    #[test]
    fn flows_have_shares_and_bars() {
        let found = table(&ways(), Style { color: false, unicode: false });
        let lines: Vec<&str> = found.lines().collect();
        assert_eq!(lines[0], "ways.step  ways.from  ways.to  edges  share");
        assert_eq!(lines[2], "        1  home       paid         1  25.0%  #######");
        assert_eq!(lines[3], "        1  home       search       3  75.0%  ####################");
        assert_eq!(lines[5], "        2  search     paid         1  50.0%  #######");
    }

    #[test]
    fn what_is_no_flow_is_none() {
        let is_flow = |change: &dyn Fn(&mut Answer)| {
            let mut answer = ways();
            change(&mut answer);
            Flow::of(&answer).is_some()
        };
        assert!(is_flow(&|_| {}));
        assert!(!is_flow(&|answer| answer.columns[2].name = "other.to".to_owned()));
        assert!(!is_flow(&|answer| answer.columns[3].ty = DataType::Float));
        assert!(!is_flow(&|answer| answer.rows[0][1] = Value::Null));
        assert!(!is_flow(&|answer| answer.rows[0][3] = Value::Int(-1)));
        assert!(!is_flow(&|answer| answer.rows.clear()));
        let without_step = |answer: &mut Answer| {
            answer.columns.remove(0);
            answer.keys = 2;
            answer.rows.iter_mut().for_each(|row| drop(row.remove(0)));
        };
        assert!(is_flow(&without_step));
    }
}
