//! How bad it is when a rule of quality is broken or an alert fires.

/// How bad something is: who is woken by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The system does not work.
    P0,
    /// The core business is touched.
    P1,
    /// All else.
    P2,
}

impl Severity {
    /// The words for them.
    pub const WORDS: [(&'static str, Severity); 3] = [("P0", Severity::P0), ("P1", Severity::P1), ("P2", Severity::P2)];

    /// The word for it.
    pub fn word(self) -> &'static str {
        Severity::WORDS.iter().find(|(_, severity)| *severity == self).map_or("", |(word, _)| word)
    }

    /// Whether a broken rule keeps a batch from being published.
    pub fn stops(self) -> bool {
        self <= Severity::P1
    }
}
