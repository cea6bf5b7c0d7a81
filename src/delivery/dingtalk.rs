//! Messages of a robot of DingTalk: the body, the signed address, and what its answer means.
//!
//! Facts about the service: a body has fewer than 20,000 bytes, and a robot takes 20 messages a minute. The answer to a message that was
//! not taken has the status 200 as well, and says why in `errcode`.

use std::fmt::Write;

use serde_json::{Value, json};

use super::fault::{Fault, Sort};
use super::message::one_line;
use super::sign::sign;
use crate::project::Robot;
use crate::secret::Secret;

/// The most bytes of a body: fewer than 20,000.
pub const MOST_BYTES: usize = 19_999;

/// How much of a title is kept: it is shown in the list of conversations only.
const MOST_OF_TITLE: usize = 120;

/// Between entries. A single line end is a blank in Markdown.
const BETWEEN: &str = "\n\n";

/// A body, and how many entries stand in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// As JSON, of at most [`MOST_BYTES`].
    pub json: String,
    /// The entries from the first on that it shows.
    pub shown: usize,
}

/// The body with as many entries as there is room for; `rest` says of a number of entries left out what is written in their place. An
/// entry that is too long alone is cut at the end of a line.
pub fn body(robot: &Robot, title: &str, entries: &[String], rest: &dyn Fn(usize) -> String) -> Body {
    let title = shortened(&one_line(title), MOST_OF_TITLE);
    let foot = foot(robot, &title, entries);
    let length = |text: &str| Value::from(text).to_string().len() - 2;
    let empty = made(robot, &title, &foot).len();
    let between = length(BETWEEN);
    let (mut shown, mut used) = (0, empty);
    for (place, entry) in entries.iter().enumerate() {
        let next = used + length(entry) + between;
        let left = entries.len() - place - 1;
        let note = if left == 0 { 0 } else { length(&rest(left)) + between };
        if next + note > MOST_BYTES {
            // A later entry may need no note and fit, but only if it is the last: then all fit, or none of this does.
            let all: usize = entries[place..].iter().map(|entry| length(entry) + between).sum();
            if used + all > MOST_BYTES {
                break;
            }
        }
        used = next;
        shown = place + 1;
    }
    let mut parts: Vec<String> = entries[..shown].to_vec();
    if let (0, Some(first)) = (shown, entries.first()) {
        let note = if entries.len() > 1 { length(&rest(entries.len() - 1)) + between } else { 0 };
        parts.push(cut(first, MOST_BYTES.saturating_sub(empty + between + note)));
        shown = 1;
    }
    if shown < entries.len() {
        parts.push(rest(entries.len() - shown));
    }
    let text = parts.iter().fold(String::new(), |text, part| text + part + BETWEEN) + &foot;
    Body { json: made(robot, &title, text.trim_end()), shown }
}

/// What is behind all entries: the keyword, where no text has it, and who is called.
fn foot(robot: &Robot, title: &str, entries: &[String]) -> String {
    let mut foot = String::new();
    if let Some(keyword) = &robot.keyword
        // Only what surely stays counts: the first entry.
        && !title.contains(keyword.as_str())
        && !entries.first().is_some_and(|entry| entry.contains(keyword.as_str()))
    {
        let _ = write!(foot, "{keyword} ");
    }
    // Who is called must stand in the text, too.
    for number in &robot.at {
        let _ = write!(foot, "@{number} ");
    }
    foot.trim_end().to_owned()
}

fn made(robot: &Robot, title: &str, text: &str) -> String {
    json!({
        "msgtype": "markdown",
        "markdown": { "title": title, "text": text },
        "at": { "atMobiles": robot.at, "isAtAll": robot.at_all },
    })
    .to_string()
}

/// So many characters of a text, with a mark where there were more.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// The start of a text that takes at most so many bytes within JSON: up to the end of a line where one is near.
fn cut(text: &str, most: usize) -> String {
    const MARK: &str = "…";
    let mut used = MARK.len();
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let length = Value::from(c.to_string()).to_string().len() - 2;
        if used + length > most {
            break;
        }
        used += length;
        end = at + c.len_utf8();
    }
    let kept = &text[..end];
    let line = kept.rfind('\n').filter(|line| *line > end / 2).map_or(kept, |line| &kept[..line]);
    format!("{line}{MARK}")
}

/// The address of a robot, with the signature of a moment. It is a secret.
pub fn address(url: &str, token: &Secret, secret: Option<&Secret>, milliseconds: u64) -> Secret {
    let mut address = format!("{url}/robot/send?access_token={}", encoded(token.reveal()));
    if let Some(secret) = secret {
        let _ = write!(address, "&timestamp={milliseconds}&sign={}", encoded(&sign(milliseconds, secret)));
    }
    Secret::new(address)
}

/// Percent-encoded: all but letters, digits, `-`, `.`, `_` and `~`.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut made, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            made.push(char::from(byte));
        } else {
            let _ = write!(made, "%{byte:02X}");
        }
        made
    })
}

/// What an answer of the status 200 says.
///
/// # Errors
/// Why the message was not taken.
pub fn answer(body: &str) -> Result<(), Fault> {
    let value: Option<Value> = serde_json::from_str(body).ok();
    let Some(code) = value.as_ref().and_then(|value| value.get("errcode")).and_then(Value::as_i64) else {
        let start = shortened(&one_line(body), 200);
        return Err(Fault::new(Sort::Unknown, format!("the answer is none of DingTalk: {start}")));
    };
    if code == 0 {
        return Ok(());
    }
    let message = value.as_ref().and_then(|value| value.get("errmsg")).and_then(Value::as_str).unwrap_or_default();
    let (sort, hint) = meaning(code, message);
    let message = shortened(&one_line(message), 200);
    Err(Fault::new(sort, format!("DingTalk says {code}{hint}: {message}")))
}

/// What a code of DingTalk means for another try, and for people.
fn meaning(code: i64, message: &str) -> (Sort, &'static str) {
    let lower = message.to_lowercase();
    match code {
        -1 => (Sort::Passing(None), " (the service is busy)"),
        // The second is the newer code for the same.
        130_101 | 410_100 => (Sort::Limited, " (too many messages)"),
        310_000 if lower.contains("keyword") || message.contains("关键词") => {
            (Sort::Refused, " (the message lacks the robot's keyword: set `keyword`)")
        }
        310_000 if lower.contains("timestamp") || message.contains("时间戳") && !message.contains("签名") => {
            (Sort::Refused, " (the clock of this machine is off by more than an hour)")
        }
        310_000 if lower.contains("sign") || message.contains("签名") => {
            (Sort::Refused, " (the signature is wrong: is the secret in `secret_env` the robot's own?)")
        }
        310_000 if lower.contains("ip") || lower.contains("whitelist") || message.contains("白名单") => {
            (Sort::Refused, " (the address of this machine is not in the robot's list)")
        }
        310_000 => (Sort::Refused, " (the robot's safety settings refuse the message)"),
        300_001 | 300_005 | 400_101 | 40_035 => {
            (Sort::Refused, " (there is no robot with this token: see `token_env`)")
        }
        400_013 | 400_102 | 400_106 => (Sort::Refused, " (the robot or its group is gone or switched off)"),
        101_002 | 460_101 => (Sort::Refused, " (the message is too long)"),
        430_101..=430_104 => (Sort::Refused, " (the content is not allowed)"),
        _ => (Sort::Refused, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{FileId, Span, Spanned};

    fn robot(keyword: Option<&str>, at: &[&str]) -> Robot {
        Robot {
            token_env: Spanned::new("T".to_owned(), Span::new(FileId(0), 0, 0)),
            secret_env: None,
            at: at.iter().map(|number| (*number).to_owned()).collect(),
            at_all: false,
            keyword: keyword.map(str::to_owned),
            url: "https://oapi.dingtalk.com".to_owned(),
        }
    }

    fn more(left: usize) -> String {
        format!("还有 {left} 项")
    }

    fn text(body: &Body) -> String {
        let value: Value = serde_json::from_str(&body.json).expect("JSON");
        value["markdown"]["text"].as_str().expect("a text").to_owned()
    }

    #[test]
    fn entries_are_shown_whole_or_not_at_all() {
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..100 {
            let pieces = ["中", "a", "\"", "\n", "\\", "\u{7}", "😀"];
            let entries: Vec<String> = (0..random.usize(..60))
                .map(|place| {
                    let piece = *random.choice(&pieces).unwrap_or(&"x");
                    format!("#{place} {}.", piece.repeat(random.usize(..600)))
                })
                .collect();
            let robot = robot(Some("监控").filter(|_| random.bool()), &["13800000000"][..random.usize(..2)]);
            let made = body(&robot, "标题", &entries, &more);
            assert!(made.json.len() <= MOST_BYTES, "{}", made.json.len());
            let text = text(&made);
            for (place, entry) in entries.iter().enumerate() {
                assert_eq!(text.contains(entry.as_str()), place < made.shown, "{place} of {}", entries.len());
            }
            if made.shown < entries.len() {
                assert!(text.contains(&more(entries.len() - made.shown)), "{text}");
                // The next one would not have fitted.
                let next: usize =
                    entries[..=made.shown].iter().map(|entry| Value::from(entry.as_str()).to_string().len() + 2).sum();
                assert!(next + 400 > MOST_BYTES, "{next}");
            }
            for wanted in robot.keyword.iter().chain(&robot.at) {
                assert!(text.contains(wanted.as_str()), "{wanted}");
            }
        }
    }

    #[test]
    fn an_entry_without_room_is_cut_and_told() {
        let long = "一行\n".repeat(6_000);
        let made = body(&robot(None, &[]), "x", &[long.clone(), "b".to_owned()], &more);
        assert!(made.json.len() <= MOST_BYTES && made.json.len() > MOST_BYTES - 200, "{}", made.json.len());
        assert!(text(&made).ends_with("一行…\n\n还有 1 项"));
        assert_eq!(made.shown, 1);
        assert_eq!(body(&robot(None, &[]), "x", &[], &more).shown, 0);
        // What fits to the byte stays whole, one byte more is cut.
        let whole = |length: usize| body(&robot(None, &["13800000000"]), "x", &["a".repeat(length)], &more);
        let most = MOST_BYTES - whole(0).json.len();
        assert!(!text(&whole(most)).contains('…') && whole(most).json.len() > MOST_BYTES - 8);
        let over = whole(most + 1);
        assert!(text(&over).contains('…') && over.json.len() <= MOST_BYTES);
    }

    #[test]
    fn an_address_is_signed_and_stays_unseen() {
        let (token, secret) = (Secret::new("a+b"), Secret::new("this is secret"));
        let made = address("https://oapi.dingtalk.com", &token, Some(&secret), 1_577_262_236_757);
        let sign = encoded(&sign(1_577_262_236_757, &secret));
        assert!(sign.contains("%2B") || sign.contains("%2F") || sign.contains("%3D"), "{sign}");
        assert_eq!(
            made.reveal(),
            format!("https://oapi.dingtalk.com/robot/send?access_token=a%2Bb&timestamp=1577262236757&sign={sign}")
        );
        assert_eq!(format!("{made:?}"), "***");
        assert!(!address("https://h", &token, None, 1).reveal().contains("sign"));
    }

    #[test]
    fn answers_tell_what_to_do() {
        assert_eq!(answer(r#"{"errcode":0,"errmsg":"ok"}"#), Ok(()));
        let sort = |code: i64, message: &str| {
            let fault = answer(&json!({ "errcode": code, "errmsg": message }).to_string()).expect_err("a fault");
            (fault.sort, fault.why)
        };
        assert_eq!(sort(130_101, "send too fast, exceed 20 times per minute").0, Sort::Limited);
        assert_eq!(sort(-1, "系统繁忙").0, Sort::Passing(None));
        for (message, word) in [
            ("sign not match, more: [https://ding-doc.dingtalk.com]", "secret_env"),
            (
                "description:机器人发送签名不匹配；solution:请确认签名和生成签名的时间戳必须都放在调用的网址中",
                "secret_env",
            ),
            ("keywords not in content, more: [https://ding-doc.dingtalk.com]", "keyword"),
            ("invalid timestamp", "clock"),
            ("ip 1.2.3.4 not in whitelist", "address"),
        ] {
            let (sort, why) = sort(310_000, message);
            assert!(sort == Sort::Refused && why.contains(word), "{why}");
        }
        for text in ["", "<html>", "[]", r#"{"errcode":"0"}"#, "{}"] {
            assert_eq!(answer(text).expect_err("a fault").sort, Sort::Unknown, "{text}");
        }
    }
}
