//! Times that are marked in a picture, and times that are known, with their names.

use unicode_width::UnicodeWidthStr;

use super::{CHARACTER, add, escaped, shortened};

/// How marks look.
pub const MARKS: &str = "\
.fires{fill:#cf222e}.known{fill:#d4a72c;opacity:.3}\
@media (prefers-color-scheme:dark){.fires{fill:#ff7b72}.known{fill:#e3b341}}";

/// What is short is seen nevertheless.
const LEAST_WIDTH: f64 = 2.0;
/// How many names of times are written.
const MOST_NAMES: usize = 6;

/// A part of a picture that is of a time.
#[derive(Clone, Copy)]
pub struct Frame {
    /// Where its time begins.
    pub left: f64,
    /// Where its time ends.
    pub right: f64,
    /// Where marks begin.
    pub top: f64,
    /// How high they are.
    pub height: f64,
    /// The first instant, and the first one behind it.
    pub span: (i64, i64),
}

impl Frame {
    /// Where an instant is.
    pub fn x(&self, ms: i64) -> f64 {
        let share = (ms - self.span.0) as f64 / (self.span.1 - self.span.0).max(1) as f64;
        self.left + (self.right - self.left) * share.clamp(0.0, 1.0)
    }

    /// Marks a time, as far as it is within the frame.
    pub fn mark(&self, body: &mut String, class: &str, (from, to): (i64, i64), name: &str) {
        if to < self.span.0 || from > self.span.1 {
            return;
        }
        let width = (self.x(to) - self.x(from)).max(LEAST_WIDTH);
        let start = self.x(from).min(self.right - LEAST_WIDTH);
        let title = if name.is_empty() { String::new() } else { format!("<title>{}</title>", escaped(name)) };
        add(
            body,
            format_args!(
                "<rect class=\"{class}\" x=\"{start:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\">{title}</rect>",
                self.top, self.height
            ),
        );
    }

    /// Times that are known, with the names of the first ones above.
    pub fn known(&self, body: &mut String, known: &[(i64, i64, &str)]) {
        known.iter().for_each(|(from, to, name)| self.mark(body, "known", (*from, *to), name));
        for (place, (from, _, name)) in known.iter().take(MOST_NAMES).enumerate() {
            let name = shortened(name);
            let half = name.width() as f64 * CHARACTER / 2.0;
            let middle = self.x(*from).min(self.right - half).max(self.left + half);
            let y = self.top - if place % 2 == 0 { 14.0 } else { 3.0 };
            add(
                body,
                format_args!("<text class=\"faint middle\" x=\"{middle:.1}\" y=\"{y}\">{}</text>", escaped(&name)),
            );
        }
    }
}
