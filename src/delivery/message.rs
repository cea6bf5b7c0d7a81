//! What is delivered, whatever the way.

use sha2::{Digest, Sha256};

/// A message in the forms that the channels show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// One line.
    pub subject: String,
    /// As plain text, for readers of mail that show no other form.
    pub text: String,
    /// As a page for mail; it shows an image by `src="cid:<cid>"`.
    pub html: Option<String>,
    /// The images of the page.
    pub images: Vec<Image>,
    /// Files that come with the mail.
    pub attachments: Vec<Attachment>,
    /// As Markdown, which robots show: entries that are never cut within, the most important first. Robots show no tables.
    pub markdown: Vec<String>,
}

/// An image within a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its name within the mail: letters, digits, `.`, `_` and `-` of ASCII.
    pub cid: String,
    /// As PNG.
    pub png: Vec<u8>,
}

/// A file that comes with a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// `text/csv`
    pub media_type: &'static str,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What is delivered, and for when: nobody gets one twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// The name of the report.
    pub report: String,
    /// Its period, in one spelling: `2026-11-28`, `2026-W48`, `2026-11`.
    pub period: String,
}

impl Message {
    /// The subject as one line without control characters, as headers and titles want it.
    pub fn subject_line(&self) -> String {
        one_line(&self.subject)
    }
}

impl Occasion {
    /// A name of the delivery to a recipient in hexadecimal digits: the same for the same delivery, wherever it is made.
    pub fn digest(&self, project: &str, recipient: &str) -> String {
        let mut hash = Sha256::new();
        for part in [project, &self.report, &self.period, recipient] {
            // With the lengths, so that no two lists of parts give the same bytes.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A text as one line: control characters and runs of blanks are one blank.
pub fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_has_its_name_and_no_other_has() {
        let occasion = |report: &str, period: &str| Occasion { report: report.to_owned(), period: period.to_owned() };
        let own = occasion("daily", "2026-11-28").digest("shop", "a@example.com");
        assert_eq!(own, occasion("daily", "2026-11-28").digest("shop", "a@example.com"));
        assert_eq!(own.len(), 32);
        for other in [
            occasion("daily2", "026-11-28").digest("shop", "a@example.com"),
            occasion("daily", "2026-11-29").digest("shop", "a@example.com"),
            occasion("daily", "2026-11-28").digest("shop", "b@example.com"),
            occasion("daily", "2026-11-28").digest("shopp", "a@example.com"),
        ] {
            assert_ne!(own, other);
        }
    }

    #[test]
    fn a_subject_can_not_bring_a_header_of_its_own() {
        let message = Message { subject: "日报\r\nBcc: x@example.com\t1 ".to_owned(), ..Message::default() };
        assert_eq!(message.subject_line(), "日报 Bcc: x@example.com 1");
    }
}
