//! Numbers as people read them: thousands apart, shares in percent, spans of time in words.

use super::super::MadeMetric;
use crate::change::verify::Number;
use crate::table::form;
use crate::value::DataType;

/// What numbers are of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Their type.
    pub ty: DataType,
    /// Their unit.
    pub unit: Option<String>,
    /// Whether they are shares.
    pub share: bool,
}

impl Kind {
    /// Of a metric.
    pub fn of(metric: &MadeMetric) -> Kind {
        Kind { ty: metric.ty.clone(), unit: metric.unit.clone(), share: metric.is_share }
    }

    /// Of shares.
    pub fn of_shares() -> Kind {
        Kind { ty: DataType::Float, unit: None, share: true }
    }

    /// Whether it is a share, which is shown in percent.
    pub fn is_share(&self) -> bool {
        self.share
    }

    /// The unit behind a value; of shares it is the sign of percent.
    pub fn unit(&self) -> Option<&str> {
        self.unit.as_deref().filter(|_| !self.share)
    }

    /// A value: `12,345.60`, `95.2%`, `1m 20s`.
    pub fn value(&self, number: Number) -> String {
        match (number, &self.ty) {
            _ if self.is_share() => format!("{}%", plain(number.as_f64() * 100.0, 2)),
            (Number::Exact { digits, scale: 0 }, DataType::Duration) => {
                i64::try_from(digits).map_or_else(|_| number.text(), form::duration_short)
            }
            (Number::Float(value), DataType::Duration) => form::duration_short(value.round() as i64),
            (Number::Exact { digits, scale }, _) => thousands(&form::decimal(digits, scale)),
            (Number::Float(value), _) => float(value),
        }
    }

    /// A difference with its sign; of shares in points of percent, with `points` behind it.
    pub fn difference(&self, number: Number, points: &str) -> String {
        let sign = if number.as_f64() > 0.0 { "+" } else { "" };
        match self.is_share() {
            true => format!("{sign}{}{points}", plain(number.as_f64() * 100.0, 2)),
            false => format!("{sign}{}", self.value(number)),
        }
    }

    /// A value that was computed, in this kind.
    pub fn computed(&self, value: f64) -> Number {
        Number::Float(value)
    }
}

/// A share with its sign: `+12.3%`.
pub fn relative(share: f64) -> String {
    let text = plain(share * 100.0, 1);
    let sign = if share > 0.0 { "+" } else { "" };
    if text == "0" && share != 0.0 {
        return if share > 0.0 { "+<0.1%".to_owned() } else { "-<0.1%".to_owned() };
    }
    format!("{sign}{text}%")
}

/// A share without one: `45.2%`.
pub fn share(share: f64) -> String {
    format!("{}%", plain(share * 100.0, 1))
}

/// A float with so many digits as say something.
fn float(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e15).contains(&size) {
        return format!("{value:.3e}");
    }
    let digits = if size == 0.0 { 0 } else { (3 - size.log10().floor() as i32).clamp(2, 8) };
    plain(value, usize::try_from(digits).unwrap_or(2))
}

/// Up to so many digits behind the point, without zeros at the end, thousands apart.
fn plain(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    thousands(if text == "-0" { "0" } else { text })
}

fn thousands(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(whole, fraction)| (whole, Some(fraction)));
    if !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.to_owned();
    }
    let mut found = String::with_capacity(text.len() + whole.len() / 3);
    found.push_str(sign);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            found.push(',');
        }
        found.push(digit);
    }
    if let Some(fraction) = fraction {
        found.push('.');
        found.push_str(fraction);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(ty: DataType, unit: Option<&str>) -> Kind {
        Kind { ty, unit: unit.map(str::to_owned), share: false }
    }

    #[test]
    fn values_are_for_people() {
        let money = kind(DataType::Decimal { precision: 38, scale: 2 }, Some("CNY"));
        assert_eq!(money.value(Number::Exact { digits: 123_456_789, scale: 2 }), "1,234,567.89");
        assert_eq!(money.difference(Number::Exact { digits: -100, scale: 2 }, " pp"), "-1.00");
        let share = Kind::of_shares();
        assert_eq!(share.value(Number::Float(0.951_26)), "95.13%");
        assert_eq!(share.difference(Number::Float(0.012_5), " pp"), "+1.25 pp");
        let count = kind(DataType::Int, None);
        assert_eq!(
            ["-1234", "999", "1000", "12345678"].map(|text| count.value(Number::int(text.parse().unwrap()))),
            ["-1,234", "999", "1,000", "12,345,678"]
        );
        let float = kind(DataType::Float, Some("CNY/user"));
        assert_eq!(
            [1.0 / 3.0, 1234.5, 0.0, 0.012_345, 1e-9].map(|value| float.value(Number::Float(value))),
            ["0.3333", "1,234.5", "0", "0.01235", "1.000e-9"]
        );
        assert_eq!(kind(DataType::Duration, None).value(Number::int(80_000)), form::duration_short(80_000));
    }

    #[test]
    fn shares_have_signs_and_never_hide_a_change() {
        assert_eq!(
            [0.1234, -0.02, 0.0, 0.000_01, -0.000_01].map(relative),
            ["+12.3%", "-2%", "0%", "+<0.1%", "-<0.1%"]
        );
    }
}
