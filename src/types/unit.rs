//! Units of measure: products of named units, such as `CNY/user`.

use std::collections::BTreeMap;

/// A product of named units with whole exponents; empty is a plain number (a ratio).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Unit(BTreeMap<String, i32>);

impl Unit {
    /// The plain number.
    pub fn none() -> Unit {
        Unit::default()
    }

    /// One named unit.
    pub fn named(name: impl Into<String>) -> Unit {
        Unit(BTreeMap::from([(name.into(), 1)]))
    }

    /// Whether it is a plain number.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The product with `other`.
    pub fn times(&self, other: &Unit) -> Unit {
        self.combine(other, 1)
    }

    /// The quotient by `other`.
    pub fn per(&self, other: &Unit) -> Unit {
        self.combine(other, -1)
    }

    /// The sum of its exponents: 0 for `user/event`, 1 for `CNY`.
    pub fn degree(&self) -> i32 {
        self.0.values().sum()
    }

    /// The names in it, each once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// How often a name is in it: below zero where it divides.
    pub fn exponent(&self, name: &str) -> i32 {
        self.0.get(name).copied().unwrap_or_default()
    }

    fn combine(&self, other: &Unit, sign: i32) -> Unit {
        let mut all = self.0.clone();
        for (name, exponent) in &other.0 {
            let sum = all.entry(name.clone()).or_insert(0);
            *sum += sign * exponent;
            if *sum == 0 {
                all.remove(name);
            }
        }
        Unit(all)
    }
}

impl std::fmt::Display for Unit {
    /// `CNY/user`, `CNY·task/user²`; `ratio` for a plain number.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("ratio");
        }
        let part = |positive: bool| {
            let parts: Vec<String> = (self.0.iter())
                .filter(|(_, exponent)| (**exponent > 0) == positive)
                .map(|(name, exponent)| match exponent.abs() {
                    1 => name.clone(),
                    n => format!("{name}^{n}"),
                })
                .collect();
            parts.join("·")
        };
        let (over, under) = (part(true), part(false));
        match (over.is_empty(), under.is_empty()) {
            (false, true) => f.write_str(&over),
            (false, false) => write!(f, "{over}/{under}"),
            (true, _) => write!(f, "1/{under}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_multiply_divide_and_cancel() {
        let (cny, user) = (Unit::named("CNY"), Unit::named("user"));
        assert_eq!(cny.per(&user).to_string(), "CNY/user");
        assert_eq!(user.per(&user).to_string(), "ratio");
        assert_eq!(Unit::none().per(&user).to_string(), "1/user");
        assert_eq!(cny.times(&cny).per(&user).to_string(), "CNY^2/user");
    }
}
