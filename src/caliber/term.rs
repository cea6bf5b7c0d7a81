//! Terms: the one form that expressions over rows, formulas and conditions are brought into before they are compared.

use sha2::{Digest, Sha256};

use crate::value::Function;

/// What something is equal to, free of names for it, of places and of layout.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// A name, or a word between parts.
    Name(String),
    /// `digits / 10^scale`, without zeros at the end.
    Number {
        /// All digits.
        digits: i128,
        /// How many of them stand behind the point.
        scale: u8,
    },
    /// A text.
    Text(String),
    /// true or false
    Bool(bool),
    /// null
    Null,
    /// A span of time, in milliseconds.
    Duration(i64),
    /// A function or operator that has laws of its own.
    Call(Function, Vec<Term>),
    /// What has no laws: a word and its parts, in order.
    Form(String, Vec<Term>),
    /// Parts one after the other, as they are read.
    Words(Vec<Term>),
}

impl Term {
    /// A name.
    pub fn name(text: impl Into<String>) -> Term {
        Term::Name(text.into())
    }

    /// A word with its parts.
    pub fn form(word: impl Into<String>, parts: Vec<Term>) -> Term {
        Term::Form(word.into(), parts)
    }

    /// A number, without zeros at its end.
    pub fn number(mut digits: i128, mut scale: u8) -> Term {
        while scale > 0 && digits % 10 == 0 {
            digits /= 10;
            scale -= 1;
        }
        Term::Number { digits, scale }
    }

    /// The number of a decimal text such as `-12.50` or `1e-7`; a name where it is too long for one.
    pub fn number_of(text: &str) -> Term {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let read = || {
            let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
            let scale = i32::try_from(fraction.len()).ok()? - exponent.parse::<i32>().ok()?;
            match u8::try_from(scale) {
                Ok(scale) => Some(Term::number(digits, scale)),
                Err(_) if scale < 0 => {
                    Some(Term::number(digits.checked_mul(10_i128.checked_pow(scale.unsigned_abs())?)?, 0))
                }
                Err(_) => None,
            }
        };
        read().unwrap_or_else(|| Term::name(text))
    }

    /// Whether it is a value that is written out.
    pub fn is_literal(&self) -> bool {
        matches!(self, Term::Number { .. } | Term::Text(_) | Term::Bool(_) | Term::Null | Term::Duration(_))
    }

    /// What tells it from every other term.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut bytes = Vec::with_capacity(256);
        self.feed(&mut bytes);
        let hash = Sha256::digest(&bytes);
        let mut first = [0; 8];
        first.copy_from_slice(&hash[..8]);
        Fingerprint(u64::from_be_bytes(first))
    }

    /// Each kind has its letter and each text its length, so that no two terms feed the same.
    fn feed(&self, bytes: &mut Vec<u8>) {
        let mut text = |kind: u8, text: &str| {
            bytes.push(kind);
            bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        };
        let parts = match self {
            Term::Name(name) => return text(b'n', name),
            Term::Number { digits, scale } => return text(b'#', &format!("{digits}e-{scale}")),
            Term::Text(value) => return text(b't', value),
            Term::Bool(value) => return text(b'b', if *value { "true" } else { "false" }),
            Term::Null => return text(b'0', ""),
            Term::Duration(ms) => return text(b'd', &ms.to_string()),
            Term::Call(function, parts) => {
                text(b'c', &format!("{function:?}"));
                parts
            }
            Term::Form(word, parts) => {
                text(b'f', word);
                parts
            }
            Term::Words(parts) => {
                text(b'w', "");
                parts
            }
        };
        bytes.extend_from_slice(&(parts.len() as u64).to_le_bytes());
        parts.iter().for_each(|part| part.feed(bytes));
    }
}

/// What tells one caliber from another: the first 64 bits of a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Option<Fingerprint> {
        let plain = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        plain.then(|| u64::from_str_radix(text, 16).ok().map(Fingerprint)).flatten()
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl std::fmt::Display for Term {
    /// As a person reads it: near to what is written in a definition.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = |f: &mut std::fmt::Formatter<'_>, parts: &[Term], between: &str| {
            parts.iter().enumerate().try_for_each(|(place, part)| {
                if place > 0 {
                    f.write_str(between)?;
                }
                part.fmt(f)
            })
        };
        match self {
            Term::Name(name) => f.write_str(name),
            Term::Number { digits, scale: 0 } => write!(f, "{digits}"),
            Term::Number { digits, scale } => {
                let scale = usize::from(*scale);
                let all = format!("{:0>width$}", digits.unsigned_abs(), width = scale + 1);
                let (whole, fraction) = all.split_at(all.len() - scale);
                write!(f, "{}{whole}.{fraction}", if *digits < 0 { "-" } else { "" })
            }
            Term::Text(text) => quoted(f, text),
            Term::Bool(value) => write!(f, "{value}"),
            Term::Null => f.write_str("null"),
            Term::Duration(ms) => f.write_str(&crate::value::Span::of_milliseconds(*ms).text()),
            Term::Call(function, parts) => match (infix(*function), parts.as_slice()) {
                (Some(sign), [_, _, ..]) if *function != Function::In => {
                    f.write_str("(")?;
                    all(f, parts, &format!(" {sign} "))?;
                    f.write_str(")")
                }
                (_, [subject, items @ ..]) if *function == Function::In => {
                    write!(f, "({subject} in (")?;
                    all(f, items, ", ")?;
                    f.write_str("))")
                }
                (_, [one]) if *function == Function::IsNull => write!(f, "({one} is null)"),
                (_, [one]) if *function == Function::IsNotNull => write!(f, "({one} is not null)"),
                (_, [one]) if *function == Function::Not => write!(f, "(not {one})"),
                (_, [one]) if *function == Function::Negate => write!(f, "-{one}"),
                _ => {
                    write!(f, "{}(", format!("{function:?}").to_lowercase())?;
                    all(f, parts, ", ")?;
                    f.write_str(")")
                }
            },
            Term::Form(word, parts) => {
                write!(f, "{word}(")?;
                all(f, parts, ", ")?;
                f.write_str(")")
            }
            Term::Words(parts) => all(f, parts, " "),
        }
    }
}

fn quoted(f: &mut std::fmt::Formatter<'_>, text: &str) -> std::fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            c if c.is_control() => write!(f, "\\u{{{:x}}}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

fn infix(function: Function) -> Option<&'static str> {
    Some(match function {
        Function::And => "and",
        Function::Or => "or",
        Function::Equal => "=",
        Function::NotEqual => "!=",
        Function::Less => "<",
        Function::LessEqual => "<=",
        Function::Greater => ">",
        Function::GreaterEqual => ">=",
        Function::Like => "like",
        Function::Coalesce => "??",
        Function::Add => "+",
        Function::Subtract => "-",
        Function::Multiply => "*",
        Function::Divide => "/",
        Function::Modulo => "%",
        Function::In => "in",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_one_however_it_is_written() {
        for (text, shown) in [("1.50", "1.5"), ("-0.05", "-0.05"), ("1e3", "1000"), ("25e-3", "0.025"), ("0", "0")] {
            assert_eq!(Term::number_of(text).to_string(), shown);
        }
        let long = "1".repeat(50);
        assert_eq!(Term::number_of(&long), Term::name(long));
    }

    #[test]
    fn no_two_terms_have_one_fingerprint() {
        let name = Term::name;
        let terms = [
            name("ab"),
            Term::Text("ab".to_owned()),
            Term::form("a", vec![name("b")]),
            Term::form("a", vec![name("b"), name("")]),
            Term::Words(vec![name("a"), name("b")]),
            Term::Words(vec![Term::Words(vec![name("a")]), name("b")]),
            Term::number(1, 0),
            Term::Duration(1),
            Term::Null,
            Term::Bool(true),
            Term::Call(Function::And, vec![name("a"), name("b")]),
            Term::Call(Function::Or, vec![name("a"), name("b")]),
        ];
        let all: std::collections::BTreeSet<Fingerprint> = terms.iter().map(Term::fingerprint).collect();
        assert_eq!(all.len(), terms.len());
        let text = terms[0].fingerprint().to_string();
        assert_eq!(Fingerprint::parse(&text), Some(terms[0].fingerprint()));
        assert_eq!(Fingerprint::parse("12"), None);
        assert_eq!(Fingerprint::parse(&"+".repeat(16)), None);
    }
}
