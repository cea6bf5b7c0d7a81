//! What is told together, and what is left out: the same for Alertmanager and for whatever counts its messages over history.

use crate::types::Severity;

/// Labels of an alert that make it one message with others (AL5): not those of dimensions, so that a message is of an alert, however many
/// groups it fires for.
pub const GROUPED_BY: [&str; 2] = ["alertname", "severity"];

/// The severities that are hidden while an alert of this one fires for the same metric and group, from the most urgent on (AL5).
pub fn hides(severity: Severity) -> Vec<Severity> {
    Severity::WORDS.into_iter().map(|(_, one)| one).filter(|one| *one > severity).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_urgent_hides_what_is_less_so() {
        assert_eq!(hides(Severity::P0), [Severity::P1, Severity::P2]);
        assert_eq!(hides(Severity::P1), [Severity::P2]);
        assert_eq!(hides(Severity::P2), []);
    }
}
