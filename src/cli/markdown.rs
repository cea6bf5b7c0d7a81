//! The little Markdown of our own pages, for a terminal: headings, paragraphs, lists, code.

use unicode_width::UnicodeWidthStr;

use super::ui::Paint;

/// A page with at most `width` columns of running text. Code is indented and never folded.
pub fn render(page: &str, paint: Paint, width: usize) -> String {
    let mut text = String::new();
    let mut paragraph = Paragraph::default();
    let mut in_code = false;
    for line in page.lines() {
        if line.starts_with("```") {
            paragraph.flush(&mut text, paint, width);
            in_code = !in_code;
        } else if in_code {
            text += &format!("    {}\n", paint.cyan(line));
        } else if let Some(heading) = line.strip_prefix('#') {
            paragraph.flush(&mut text, paint, width);
            text += &format!("{}\n", paint.bold(heading.trim_start_matches('#').trim()));
        } else if line.trim().is_empty() {
            paragraph.flush(&mut text, paint, width);
            text.push('\n');
        } else {
            if line.starts_with("- ") {
                paragraph.flush(&mut text, paint, width);
            }
            paragraph.words.extend(words(line));
        }
    }
    paragraph.flush(&mut text, paint, width);
    text
}

/// Running text that is not yet folded.
#[derive(Default)]
struct Paragraph {
    words: Vec<String>,
}

impl Paragraph {
    fn flush(&mut self, text: &mut String, paint: Paint, width: usize) {
        let indent = if self.words.first().is_some_and(|word| word == "-") { "  " } else { "" };
        let mut column = 0;
        for word in self.words.drain(..) {
            let length = word.width();
            if column > 0 && column + 1 + length > width {
                text.push('\n');
                text.push_str(indent);
                column = indent.len();
            } else if column > 0 {
                text.push(' ');
                column += 1;
            }
            column += length;
            text.push_str(&coloured(&word, paint));
        }
        if column > 0 {
            text.push('\n');
        }
    }
}

/// The words of a line; code between backticks is not folded.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut in_code = false;
    for letter in line.chars() {
        in_code ^= letter == '`';
        match words.last_mut() {
            Some(word) if !letter.is_whitespace() || in_code => word.push(letter),
            _ => words.push(String::new()),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A word with its code coloured; without colours the backticks stay.
fn coloured(word: &str, paint: Paint) -> String {
    if !paint.is_on() {
        return word.to_owned();
    }
    let parts = word.split('`').enumerate();
    parts.map(|(index, part)| if index % 2 == 1 { paint.cyan(part) } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# E0201: unknown metric\n\nA `formula of two` names a metric\nthat no file declares.\n\n- one thing\n- another thing, longer\n\n## Wrong\n\n```metric\nmetric a = b   + c\n```\n";

    #[test]
    fn running_text_is_folded_and_code_is_not() {
        assert_eq!(
            render(PAGE, Paint::new(false), 20),
            "E0201: unknown metric\n\nA `formula of two`\nnames a metric that\nno file declares.\n\n- one thing\n- another thing,\n  longer\n\nWrong\n\n    metric a = b   + c\n"
        );
    }

    #[test]
    fn colours_replace_the_marks() {
        let text = render("Use `x y`, please.", Paint::new(true), 80);
        assert_eq!(text, "Use \u{1b}[36mx y\u{1b}[0m, please.\n");
    }

    #[test]
    fn every_page_can_be_shown() {
        for (code, page) in crate::diagnostic::codes::PAGES {
            let text = render(page, Paint::new(false), 80);
            assert!(text.starts_with(code.0) && !text.contains("```"), "{code}: {text}");
        }
    }
}
