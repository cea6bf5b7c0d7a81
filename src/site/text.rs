//! Texts of people as HTML: descriptions, and definitions with colours and links. Everything is escaped here; what comes out is safe.

use rustc_hash::FxHashMap;

use crate::diagnostic::Span;
use crate::diagnostic::render::visible;
use crate::syntax::lex::{self, Kind};
use crate::syntax::words::{AGGREGATES, KINDS, RESERVED};

/// A text as HTML, also within quotes.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter => safe.push(letter),
        }
    }
    safe
}

/// A description: paragraphs, lists of `- `, fenced code and code between backticks. All else stays as it is written.
pub fn markdown(text: &str) -> String {
    let mut html = String::new();
    let mut part = Part::default();
    let mut fenced: Option<String> = None;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            match fenced.take() {
                Some(code) => html += &format!("<pre><code>{}</code></pre>\n", escaped(&shown(&code))),
                None => {
                    part.close(&mut html);
                    fenced = Some(String::new());
                }
            }
        } else if let Some(code) = &mut fenced {
            code.push_str(line);
            code.push('\n');
        } else if line.trim().is_empty() {
            part.close(&mut html);
        } else if let Some(item) = line.trim_start().strip_prefix("- ") {
            if !part.is_list {
                part.close(&mut html);
            }
            part.is_list = true;
            part.lines.push(item.to_owned());
        } else if let (true, Some(last)) = (part.is_list, part.lines.last_mut()) {
            last.push(' ');
            last.push_str(line.trim());
        } else {
            part.lines.push(line.trim().to_owned());
        }
    }
    // What nobody closed ends with the text.
    if let Some(code) = fenced {
        html += &format!("<pre><code>{}</code></pre>\n", escaped(&shown(&code)));
    }
    part.close(&mut html);
    html
}

/// A paragraph or a list that is not yet written.
#[derive(Default)]
struct Part {
    is_list: bool,
    lines: Vec<String>,
}

impl Part {
    fn close(&mut self, html: &mut String) {
        let lines = std::mem::take(&mut self.lines);
        if self.is_list {
            let items: String = lines.iter().map(|item| format!("<li>{}</li>", spans(item))).collect();
            *html += &format!("<ul>{items}</ul>\n");
        } else if !lines.is_empty() {
            *html += &format!("<p>{}</p>\n", spans(&lines.join(" ")));
        }
        self.is_list = false;
    }
}

/// Running text with code between backticks.
fn spans(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let last = parts.len() - 1;
    let mut html = String::new();
    for (at, part) in parts.iter().enumerate() {
        let part = escaped(&visible(part));
        match at % 2 {
            1 if at < last => html += &format!("<code>{part}</code>"),
            // A backtick without its fellow is one.
            1 => html += &format!("`{part}"),
            _ => html += &part,
        }
    }
    html
}

/// The first paragraph of a description, without marks.
pub fn summary(text: &str) -> String {
    let lines = text.lines().map(str::trim).skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ").replace('`', "")
}

/// A text of several lines with its hidden characters shown.
fn shown(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// A definition with its words coloured; names that `links` has lead to their pages.
pub fn definition(text: &str, span: Span, links: &FxHashMap<String, String>) -> String {
    let (tokens, _) = lex::lex(span.file, text);
    let mut html = String::new();
    let mut at = 0;
    for (place, token) in tokens.iter().enumerate() {
        let is_key = tokens.get(place + 1).is_some_and(|next| next.kind == Kind::Colon);
        let (start, end) = (token.start as usize, token.end as usize);
        if start < at {
            continue;
        }
        html += &escaped(&shown(&text[at..start]));
        let word = &text[start..end];
        let safe = escaped(&shown(word));
        let class = if is_key && token.kind == Kind::Word { Some("key") } else { class(token.kind, word, start == 0) };
        html += &match class {
            Some("key") if links.contains_key(word) => linked(&safe, &links[word]),
            Some(class) => format!("<span class=\"{class}\">{safe}</span>"),
            None => match links.get(word.trim_matches('`')) {
                Some(link) if matches!(token.kind, Kind::Word | Kind::Quoted) => linked(&safe, link),
                _ => safe,
            },
        };
        at = end;
    }
    html + &escaped(&shown(&text[at..]))
}

fn linked(safe: &str, link: &str) -> String {
    format!("<a href=\"{}\">{safe}</a>", escaped(link))
}

/// The class of a token's colour.
fn class(kind: Kind, word: &str, first: bool) -> Option<&'static str> {
    match kind {
        Kind::Word if first && KINDS.contains(&word) => Some("kind"),
        Kind::Word if RESERVED.contains(&word) || JOINING.contains(&word) => Some("word"),
        Kind::Word if AGGREGATES.contains(&word) => Some("call"),
        Kind::Number => Some("number"),
        Kind::String => Some("text"),
        Kind::Comment | Kind::Doc => Some("comment"),
        Kind::Row => Some("text"),
        _ => None,
    }
}

/// Words that join parts of formulas and row sets.
const JOINING: &[&str] =
    &["from", "where", "dated", "per", "over", "ago", "across", "of", "on", "latest", "by", "column"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_paragraphs_lists_and_code() {
        let html = markdown("One `a < b`\nline.\n\n- x\n- y\n  z\n\n```\n<b>\n```\nlast ` tick");
        assert_eq!(
            html,
            "<p>One <code>a &lt; b</code> line.</p>\n<ul><li>x</li><li>y z</li></ul>\n<pre><code>&lt;b&gt;\n</code></pre>\n<p>last ` tick</p>\n"
        );
        assert_eq!(markdown("<script>alert('x')</script>"), "<p>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;</p>\n");
        assert_eq!(summary("\nA `b`\nc.\n\nd"), "A b c.");
    }

    #[test]
    fn definitions_keep_every_letter_and_link_names() {
        let links = FxHashMap::from_iter([("gmv".to_owned(), "gmv.html?\"x".to_owned())]);
        let span = Span::new(crate::diagnostic::FileId(0), 0, 0);
        let html = definition("metric a = gmv / 2 where x = \"<b>\" // &", span, &links);
        assert_eq!(
            html,
            "<span class=\"kind\">metric</span> a = <a href=\"gmv.html?&quot;x\">gmv</a> / <span class=\"number\">2</span> \
             <span class=\"word\">where</span> x = <span class=\"text\">&quot;&lt;b&gt;&quot;</span> <span class=\"comment\">// &amp;</span>"
        );
    }
}
