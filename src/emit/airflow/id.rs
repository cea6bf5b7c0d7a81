//! Ids: what Airflow takes (AF3), for names in any script.

use crate::emit::name::hash;

/// How long the id of a name may be; several make the id of a DAG, which has room for 250.
const LONGEST: usize = 60;

/// A name in letters, digits and `_`. What had to be changed for it ends with a hash, so that two names never have one id.
pub fn id(name: &str) -> String {
    let mut id = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            id.push(c);
        } else {
            id.push_str(&format!("u{:x}_", u32::from(c)));
        }
    }
    let is_same = id == name && id.len() <= LONGEST;
    if is_same { id } else { told_apart(&id, name) }
}

/// Ids together; no part of them has the two `_` that stand between them twice.
pub fn joined(parts: &[&str]) -> String {
    let whole = parts.join("__");
    if whole.len() <= 240 { whole } else { told_apart_at(&whole, &whole, 230) }
}

/// A name of Python.
pub fn variable(id: &str) -> String {
    format!("b_{id}")
}

fn told_apart(id: &str, name: &str) -> String {
    told_apart_at(id, name, LONGEST)
}

fn told_apart_at(id: &str, name: &str, longest: usize) -> String {
    let cut = &id[..id.len().min(longest)];
    format!("{}_{}", cut.trim_end_matches('_'), hash(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_stay_and_others_are_told_apart() {
        assert_eq!(id("order"), "order");
        let chinese = id("订单");
        assert!(chinese.starts_with("u8ba2_u5355_") && chinese.is_ascii(), "{chinese}");
        assert_ne!(id("订单"), id("订単"));
        assert_ne!(id("a b"), id("a-b"));
        let long = id(&"x".repeat(300));
        assert!(long.len() <= 70, "{long}");
        assert_ne!(long, id(&"x".repeat(301)));
        let names = ["订".repeat(90), "单".repeat(90)].map(|name| id(&name));
        assert_ne!(names[0], names[1]);
        assert!(joined(&["a", &"b".repeat(300)]).len() <= 250);
    }
}
