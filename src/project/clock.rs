//! Times of the day, as people write them and as cron does.

/// A time of every day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clock {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
}

impl Clock {
    /// As cron says it.
    pub fn cron(self) -> String {
        format!("{} {} * * *", self.minute, self.hour)
    }

    /// `08:30`
    pub fn text(self) -> String {
        format!("{:02}:{:02}", self.hour, self.minute)
    }
}

/// A time that comes once every day: `08:30`, or `30 8 * * *`.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub fn daily(text: &str) -> Result<Clock, String> {
    let text = text.trim();
    if let Some((hour, minute)) = text.split_once(':') {
        return match (number(hour, 23), number(minute, 59)) {
            (Some(hour), Some(minute)) if minute_has_two_digits(text) => Ok(Clock { hour, minute }),
            _ => Err("is not between `00:00` and `23:59`".to_owned()),
        };
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [minute, hour, days @ ..] = fields.as_slice() else {
        return Err("is neither a time nor a cron expression".to_owned());
    };
    if days.len() != 3 {
        return Err(format!("has {} fields, and a cron expression has five", fields.len()));
    }
    let hour = field(hour, "hour", 23)?;
    let minute = field(minute, "minute", 59)?;
    match days.iter().find(|field| **field != "*") {
        Some(field) => Err(format!("leaves days out (`{field}`), and what has no run is not built")),
        None => Ok(Clock { hour, minute }),
    }
}

fn minute_has_two_digits(text: &str) -> bool {
    text.len() - text.find(':').unwrap_or(0) == 3
}

fn field(text: &str, what: &str, most: u8) -> Result<u8, String> {
    number(text, most).ok_or_else(|| match text.bytes().all(|digit| digit.is_ascii_digit()) {
        true => format!("has no {what} `{text}`: it is 0 to {most}"),
        false => format!("does not name one {what} (`{text}`)"),
    })
}

fn number(text: &str, most: u8) -> Option<u8> {
    let plain = !text.is_empty() && text.len() <= 2 && text.bytes().all(|digit| digit.is_ascii_digit());
    text.parse().ok().filter(|number| plain && *number <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_clock_or_cron() {
        let eight = Clock { hour: 8, minute: 30 };
        assert_eq!(daily("08:30"), Ok(eight));
        assert_eq!(daily("8:30"), Ok(eight));
        assert_eq!(daily(" 30  8 * * * "), Ok(eight));
        assert_eq!((eight.cron().as_str(), eight.text().as_str()), ("30 8 * * *", "08:30"));
        assert_eq!(daily("0 0 * * *"), Ok(Clock { hour: 0, minute: 0 }));
    }

    #[test]
    fn what_comes_on_no_day_or_on_some_is_told() {
        for (text, fault) in [
            ("24:00", "is not between `00:00` and `23:59`"),
            ("8:3", "is not between `00:00` and `23:59`"),
            ("-1:30", "is not between `00:00` and `23:59`"),
            ("noon", "is neither a time nor a cron expression"),
            ("@daily", "is neither a time nor a cron expression"),
            ("0 2 * *", "has 4 fields, and a cron expression has five"),
            ("0 2 * * * *", "has 6 fields, and a cron expression has five"),
            ("61 2 * * *", "has no minute `61`: it is 0 to 59"),
            ("0 24 * * *", "has no hour `24`: it is 0 to 23"),
            ("*/5 2 * * *", "does not name one minute (`*/5`)"),
            ("0 * * * *", "does not name one hour (`*`)"),
            ("0 2 * * 1-5", "leaves days out (`1-5`), and what has no run is not built"),
            ("", "is neither a time nor a cron expression"),
            ("²:00", "is not between `00:00` and `23:59`"),
        ] {
            assert_eq!(daily(text), Err(fault.to_owned()), "{text}");
        }
    }
}
