//! A mail as bytes: to one recipient, in UTF-8, with the page and its images, and plain text for who shows no page.

use std::time::SystemTime;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{self, Attachment, MultiPart, SinglePart};

use super::message::Message;
use crate::project::Mailbox;

/// From whom to whom, and what tells the mail from all others.
#[derive(Clone, Debug)]
pub struct Envelope<'a> {
    /// The sender.
    pub from: &'a Mailbox,
    /// The recipient.
    pub to: &'a Mailbox,
    /// The name of the delivery ([`super::Occasion::digest`]): a server or reader that gets the mail twice can tell by it.
    pub digest: &'a str,
    /// The date of the mail.
    pub date: SystemTime,
}

/// The bytes of a mail. The same arguments give the same bytes.
///
/// # Errors
/// What can't be put into a mail, in words.
pub fn compose(message: &Message, envelope: &Envelope) -> Result<Vec<u8>, String> {
    let domain = envelope.from.address.split_once('@').map_or("localhost", |(_, domain)| domain);
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let builder = message::Message::builder()
        .from(mailbox(envelope.from)?)
        .to(mailbox(envelope.to)?)
        .subject(message.subject_line())
        .date(envelope.date)
        .message_id(Some(format!("<{}.metricc@{domain}>", envelope.digest)))
        // Nobody is to answer with a note of absence.
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
    let plain = SinglePart::plain(message.text.clone());
    let made = match (shown(message, envelope.digest)?, message.attachments.as_slice()) {
        (None, []) => builder.singlepart(plain),
        (Some(alternative), []) => builder.multipart(alternative),
        (alternative, attachments) => {
            let mixed = MultiPart::mixed().boundary(boundary("mixed", envelope.digest));
            let mut mixed = match alternative {
                Some(alternative) => mixed.multipart(alternative),
                None => mixed.singlepart(plain),
            };
            for attachment in attachments {
                let kind = content_type(attachment.media_type)?;
                mixed = mixed.singlepart(Attachment::new(attachment.name.clone()).body(attachment.bytes.clone(), kind));
            }
            builder.multipart(mixed)
        }
    };
    made.map(|made| made.formatted()).map_err(|failure| failure.to_string())
}

/// The page with its images, or plain text in its place; none where there is no page.
fn shown(message: &Message, digest: &str) -> Result<Option<MultiPart>, String> {
    let Some(html) = &message.html else { return Ok(None) };
    let alternative = MultiPart::alternative()
        .boundary(boundary("alternative", digest))
        .singlepart(SinglePart::plain(message.text.clone()));
    let page = SinglePart::html(html.clone());
    if message.images.is_empty() {
        return Ok(Some(alternative.singlepart(page)));
    }
    let mut related = MultiPart::related().boundary(boundary("related", digest)).singlepart(page);
    for image in &message.images {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if image.cid.is_empty() || !image.cid.chars().all(is_name) {
            return Err(format!("`{}` can't be the name of an image", image.cid));
        }
        let part = Attachment::new_inline_with_name(image.cid.clone(), format!("{}.png", image.cid));
        related = related.singlepart(part.body(image.png.clone(), content_type("image/png")?));
    }
    Ok(Some(alternative.multipart(related)))
}

/// What stands between parts: no line of a part can be it, as nobody knows the digest before.
fn boundary(of: &str, digest: &str) -> String {
    format!("metricc-{of}-{digest}")
}

fn content_type(text: &str) -> Result<ContentType, String> {
    ContentType::parse(text).map_err(|_| format!("`{text}` is no kind of content"))
}

/// An address in the form of the library.
pub(super) fn address(mailbox: &Mailbox) -> Result<lettre::Address, String> {
    mailbox.address.parse().map_err(|failure| format!("`{}` can't be written to: {failure}", mailbox.address))
}

fn mailbox(mailbox: &Mailbox) -> Result<message::Mailbox, String> {
    Ok(message::Mailbox::new(mailbox.name.clone(), address(mailbox)?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::message::{Attachment, Image};
    use super::*;

    fn composed(message: &Message) -> String {
        let from = Mailbox::read("指标 <metrics@example.com>").expect("a mailbox");
        let to = Mailbox::read("财务 <cfo@example.com>").expect("a mailbox");
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        let envelope = Envelope { from: &from, to: &to, digest: "0123456789abcdef0123456789abcdef", date };
        let bytes = compose(message, &envelope).expect("a mail");
        assert_eq!(bytes, compose(message, &envelope).expect("a mail"), "the same bytes");
        String::from_utf8(bytes).expect("ASCII")
    }

    #[test]
    fn a_mail_has_all_forms_and_only_ascii_bytes() {
        let message = Message {
            subject: "日报 2026-11-28：GMV ↓ 12%，请各位负责人查看昨天的数据并在今天之内给出说明".to_owned(),
            text: "GMV 下降了".to_owned(),
            html: Some("<p>GMV 下降了</p><img src=\"cid:gmv.1\">".to_owned()),
            images: vec![Image { cid: "gmv.1".to_owned(), png: vec![0x89, b'P', b'N', b'G', 0, 255] }],
            attachments: vec![Attachment {
                name: "日报.csv".to_owned(),
                media_type: "text/csv",
                bytes: "天,值\n".as_bytes().to_vec(),
            }],
            markdown: Vec::new(),
        };
        let mail = composed(&message);
        assert!(mail.is_ascii());
        assert!(mail.lines().all(|line| line.len() <= 998));
        for part in [
            "Message-ID: <0123456789abcdef0123456789abcdef.metricc@example.com>",
            "Auto-Submitted: auto-generated",
            "Date: Wed, 18 Nov 2026 11:06:40 +0000",
            "multipart/mixed; boundary=\"metricc-mixed-",
            "multipart/alternative; boundary=\"metricc-alternative-",
            "multipart/related; boundary=\"metricc-related-",
            "Content-ID: <gmv.1>",
            "Content-Disposition: inline; filename=\"gmv.1.png\"",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Type: text/html; charset=utf-8",
            "Content-Type: text/csv",
            "Content-Type: image/png",
            "Subject: =?utf-8?",
        ] {
            // Long headers go on in the next line.
            assert!(mail.replace("\r\n ", " ").contains(part), "{part}:\n{mail}");
        }
    }

    #[test]
    fn a_plain_mail_is_one_part() {
        let mail = composed(&Message { subject: "a".to_owned(), text: "b\r\n.\r\nc".to_owned(), ..Message::default() });
        assert!(!mail.contains("multipart") && mail.contains("Subject: a\r\n"), "{mail}");
        let bad = Message {
            html: Some(String::new()),
            images: vec![Image { cid: "a\r\nb".to_owned(), png: Vec::new() }],
            ..Message::default()
        };
        let from = Mailbox::read("a@example.com").expect("a mailbox");
        let envelope = Envelope { from: &from, to: &from, digest: "0", date: SystemTime::UNIX_EPOCH };
        assert!(compose(&bad, &envelope).is_err());
    }

    /// What the project takes as an address, the library takes too.
    #[test]
    fn addresses_are_those_of_mail() {
        for text in ["a@b", "a.b+c@x-y.example.com", "o'neil@example.com", "a_b@sub.example.co", "1@2.example"] {
            let read = Mailbox::read(text).unwrap_or_else(|| panic!("{text}"));
            assert!(address(&read).is_ok(), "{text}");
        }
    }
}
