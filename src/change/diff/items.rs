//! What is different between two forms that are lists of items: tables of behaviour, sources, and whatever a lock tells of.

use super::field::{Aspect, Field};
use crate::lineage::Kind;

/// Compares what two declarations of a kind say themselves, item by item.
pub fn compare(kind: Kind, old: &[String], new: &[String]) -> Vec<Field> {
    let (old, new) = (items(kind, old), items(kind, new));
    let mut found = Vec::new();
    for (key, was) in &old {
        let is = new.iter().find(|(other, _)| other == key).map(|(_, value)| value.clone());
        if is.as_ref() != Some(was) {
            found.push(field(key, Some(was.clone()), is));
        }
    }
    for (key, is) in new.iter().filter(|(key, _)| !old.iter().any(|(other, _)| other == key)) {
        found.push(field(key, None, Some(is.clone())));
    }
    let order = |items: &[(String, String)], others: &[(String, String)]| -> Vec<String> {
        let steps = items.iter().map(|(key, _)| key).filter(|key| key.starts_with("step "));
        steps.filter(|key| others.iter().any(|(other, _)| other == *key)).cloned().collect()
    };
    let (was, is) = (order(&old, &new), order(&new, &old));
    if was != is {
        let list = |steps: &[String]| Some(steps.iter().map(|step| &step[5..]).collect::<Vec<_>>().join(", "));
        found.push(Field::caliber(Aspect::Definition, "order of steps", list(&was), list(&is)));
    }
    found
}

/// The lines of a form as keys and values. Where a key stands twice, its lines are told apart by number.
fn items(kind: Kind, form: &[String]) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in form {
        let (key, value) = item(kind, line);
        let twins = found.iter().filter(|(known, _)| *known == key || known.starts_with(&format!("{key} #"))).count();
        let key = if twins == 0 { key } else { format!("{key} #{}", twins + 1) };
        found.push((key, value));
    }
    found
}

/// Words with a name behind them, which are items of their own.
const NAMED: &[&str] = &["step", "exclude", "class", "measure"];

fn item(kind: Kind, line: &str) -> (String, String) {
    if let Some((key, value)) = line.split_once(": ")
        && key.chars().all(|c| c.is_alphanumeric() || c == '_')
    {
        return (key.to_owned(), value.to_owned());
    }
    let mut words = line.splitn(3, ' ');
    if let (Some(word), Some(name)) = (words.next(), words.next())
        && NAMED.contains(&word)
        && matches!(kind, Kind::Behaviour(_))
    {
        return (format!("{word} {name}"), words.next().unwrap_or_default().to_owned());
    }
    let key = match (kind, line.split_once(' ')) {
        (Kind::Dimension, Some(("else", value))) => return ("else".to_owned(), value.to_owned()),
        (Kind::Behaviour(_) | Kind::Session, Some(("of", value))) => return ("of".to_owned(), value.to_owned()),
        (Kind::Subset, _) => "rows",
        (Kind::Metric, _) => "formula",
        (Kind::Column, _) => "value",
        (Kind::Dimension, _) => "binding",
        _ => "definition",
    };
    (key.to_owned(), line.to_owned())
}

fn field(key: &str, old: Option<String>, new: Option<String>) -> Field {
    let word = key.split([' ', '#']).next().unwrap_or(key);
    let aspect = match word {
        "within" | "gap" | "until" | "over" | "rolling" | "session" | "silent" | "every" | "cuped" => Aspect::Window,
        "exclude" => Aspect::Exclusion,
        "key" | "latest" => Aspect::Dedup,
        "time" => Aspect::TimeColumn,
        "unit" => Aspect::Unit,
        "fill" => Aspect::Fill,
        "grain" => Aspect::Grain,
        "table" | "start" | "active" | "events" | "from" | "to" | "convert" | "touch" | "expose" | "step" | "rows" => {
            Aspect::Rows
        }
        "formula" => return Field::caliber(Aspect::Formula, "", old, new),
        _ => Aspect::Definition,
    };
    let of = if key == aspect.word() { "" } else { key };
    Field::caliber(aspect, of, old, new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: Kind, old: &[&str], new: &[&str]) -> Vec<String> {
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let one = |field: &Field| {
            let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
            format!("{}: {} -> {}", field.name(), side(&field.old), side(&field.new))
        };
        compare(kind, &lines(old), &lines(new)).iter().map(one).collect()
    }

    #[test]
    fn items_are_compared_by_their_keys() {
        let funnel = Kind::Behaviour("funnel");
        let old = ["of(user)", "within: 2h", "step see active", "step buy order", "exclude x a after see before buy"];
        let new = ["of(user)", "gap: increasing", "within: 1w", "step buy order where (a = 1)", "step see active"];
        assert_eq!(
            told(funnel, &old, &new),
            [
                "window (within): 2h -> 1w",
                "rows (step buy): order -> order where (a = 1)",
                "exclusion (exclude x): a after see before buy -> -",
                "window (gap): - -> increasing",
                "order of steps: see, buy -> buy, see",
            ]
        );
        assert_eq!(
            told(Kind::Source, &["key: id", "table: \"a\""], &["key: id latest by at", "table: \"b\""]),
            ["dedup (key): id -> id latest by at", "rows (table): \"a\" -> \"b\""]
        );
        assert_eq!(told(Kind::Dimension, &["a.x", "b.x"], &["a.x", "b.y"]), ["binding #2: b.x -> b.y"]);
    }
}
