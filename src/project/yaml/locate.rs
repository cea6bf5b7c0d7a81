//! Finds where a value stands in YAML text.
//!
//! The library marks an error with the place of the value that was being read. So the text is read once more by a
//! visitor which goes down to the wanted value and there fails on purpose.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One step down from a value.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// The value of a key.
    Value(&'a str),
    /// The key itself.
    Key(&'a str),
    /// The second time that a key is written.
    Repeated(&'a str),
    /// An element of a list.
    Index(usize),
}

/// Line and column, both from 1, of what `path` leads to.
pub fn locate(text: &str, path: &[Step<'_>]) -> Option<(usize, usize)> {
    let failure = Probe { path }.deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
    if !failure.to_string().contains(FOUND) {
        return None;
    }
    failure.location().map(|at| (at.line(), at.column()))
}

/// What the failure on purpose says.
const FOUND: &str = "this is the place";

/// Goes down `path`, and fails at its end.
struct Probe<'a> {
    path: &'a [Step<'a>],
}

impl<'de> DeserializeSeed<'de> for Probe<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Probe<'_> {
    /// At the end of the path every value is the wanted one; before it, a plain value leads nowhere.
    fn scalar<E: Error>(&self) -> Result<(), E> {
        if self.path.is_empty() { Err(E::custom(FOUND)) } else { Ok(()) }
    }
}

impl<'de> Visitor<'de> for Probe<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.scalar()
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.scalar()
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.scalar()
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.scalar()
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.scalar()
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.scalar()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Some((step, rest)) = self.path.split_first() else {
            return Err(A::Error::custom(FOUND));
        };
        let Step::Index(wanted) = step else { return Ok(()) };
        for _ in 0..*wanted {
            list.next_element::<IgnoredAny>()?;
        }
        list.next_element_seed(Probe { path: rest })?;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((step, rest)) = self.path.split_first() else {
            return Err(A::Error::custom(FOUND));
        };
        let mut times = 0;
        while let Some(matches) = map.next_key_seed(KeyProbe { step: *step, times: &mut times })? {
            if matches {
                map.next_value_seed(Probe { path: rest })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Looks at a key: says whether its value is on the path, and fails if the key is what is looked for.
struct KeyProbe<'a> {
    step: Step<'a>,
    times: &'a mut usize,
}

impl<'de> DeserializeSeed<'de> for KeyProbe<'_> {
    type Value = bool;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeyProbe<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        match self.step {
            Step::Value(wanted) => Ok(wanted == key),
            Step::Key(wanted) if wanted == key => Err(E::custom(FOUND)),
            Step::Repeated(wanted) if wanted == key => {
                *self.times += 1;
                if *self.times == 2 { Err(E::custom(FOUND)) } else { Ok(false) }
            }
            _ => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "name: shop\nunits: [CNY, quota]\npaths:\n  - metrics\n  - \"b\"\ndeep:\n  开: { a: 1, b: 2 }\n";

    #[test]
    fn keys_and_values_of_every_style_are_found() {
        use Step::{Index, Key, Value};
        assert_eq!(locate(TEXT, &[Key("units")]), Some((2, 1)));
        assert_eq!(locate(TEXT, &[Value("name")]), Some((1, 7)));
        assert_eq!(locate(TEXT, &[Value("units"), Index(1)]), Some((2, 14)));
        assert_eq!(locate(TEXT, &[Value("paths"), Index(1)]), Some((5, 5)));
        assert_eq!(locate(TEXT, &[Value("deep"), Value("开"), Key("b")]), Some((7, 14)));
        assert_eq!(locate(TEXT, &[Value("deep"), Value("开"), Value("b")]), Some((7, 17)));
    }

    #[test]
    fn a_path_that_leads_nowhere_has_no_place() {
        assert_eq!(locate(TEXT, &[Step::Key("none")]), None);
        assert_eq!(locate(TEXT, &[Step::Value("name"), Step::Index(0)]), None);
        assert_eq!(locate("a: [", &[Step::Key("b")]), None);
    }

    #[test]
    fn the_second_of_two_equal_keys_is_found() {
        assert_eq!(locate("a: 1\nb: 2\na: 3\n", &[Step::Repeated("a")]), Some((3, 1)));
    }
}
