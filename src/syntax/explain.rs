//! Turns "the grammar stopped here and tried these rules" into a diagnostic in plain words.

use super::{
    grammar::{Failure, Rule, Slice},
    lex::{Kind, Token},
    words::{KINDS, RESERVED},
};
use crate::{
    diagnostic::{Code, Diagnostic, Span, codes},
    error,
};

/// A slice that did not parse by its rule.
pub struct Broken<'s> {
    /// The slice.
    pub slice: &'s Slice<'s>,
    /// What it should have been.
    pub rule: Rule,
}

/// What stands where the grammar stopped.
struct Found<'t> {
    span: Span,
    /// The token there, unless the slice is over.
    token: Option<Token>,
    /// The kind of the token behind it.
    next: Option<Kind>,
    text: &'t str,
}

impl Broken<'_> {
    /// The diagnostic.
    pub fn explain(&self, failure: &Failure) -> Diagnostic {
        let found = self.found(failure.at);
        let has = |rules: &[Rule]| failure.expected.iter().any(|r| rules.contains(r));
        let operator = has(&[Rule::infix, Rule::where_glue]);
        let operand = has(&[Rule::expr, Rule::reference, Rule::value, Rule::rows_value, Rule::argument])
            || has(&[Rule::string]) && has(&[Rule::path, Rule::numeric]) && !self.is_named_by_string();
        if let Some(diagnostic) = self.special(&found, operator) {
            return diagnostic;
        }
        let over = has(&[Rule::EOI]) && failure.expected.iter().all(|r| matches!(r, Rule::EOI | Rule::version));
        if (operator || over) && !operand {
            return self.leftover(&found, &failure.expected);
        }
        let code = if operand {
            codes::E0101
        } else if has(&[Rule::typ]) || self.wants_type(failure.at) {
            codes::E0139
        } else if has(&[Rule::step, Rule::duration, Rule::k_all]) {
            codes::E0127
        } else if has(&[Rule::ident, Rule::path, Rule::named, Rule::word, Rule::keys]) {
            codes::E0103
        } else {
            codes::E0104
        };
        let reserved = found.token.is_some_and(|t| t.kind == Kind::Word) && RESERVED.contains(&found.text);
        if reserved && code != codes::E0104 {
            return error!(
                E0122, found.span, "`{}` is a reserved word, and {} is expected here", found.text, self.expected(failure.at, &failure.expected);
                help: ("if it is a name, write it in back quotes: `` `{}` ``", found.text)
            );
        }
        self.plain(code, &found, &self.expected(failure.at, &failure.expected))
    }

    fn expected(&self, at: usize, rules: &[Rule]) -> String {
        if self.wants_type(at) { "a type".to_owned() } else { expected(rules) }
    }

    /// Whether a string may stand where names do, so that a string does not speak for an expression.
    fn is_named_by_string(&self) -> bool {
        matches!(self.rule, Rule::widget_item | Rule::test_head)
    }

    /// Whether a type belongs at this token: behind the colon of a column or the `as` of a cast.
    fn wants_type(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1) else { return false };
        match self.slice.token(before).kind {
            Kind::Colon => matches!(self.rule, Rule::column_item | Rule::dimension_head),
            Kind::Word if self.slice.token_text(before) == "as" => {
                let depth = (0..before).fold(0i32, |depth, i| match self.slice.token(i).kind {
                    Kind::OpenParen => depth + 1,
                    Kind::CloseParen => depth - 1,
                    _ => depth,
                });
                depth > 0
            }
            _ => false,
        }
    }

    fn plain(&self, code: Code, found: &Found<'_>, expected: &str) -> Diagnostic {
        let message = match found.token {
            Some(_) => format!("expected {expected}, found `{}`", shorten(found.text)),
            None => format!("expected {expected}, but {} ends here", self.thing()),
        };
        let diagnostic = Diagnostic::new(code, found.span, message);
        match self.before(found) {
            Some(before) if code == codes::E0101 => diagnostic.help(format!("write a value behind `{before}`")),
            _ if code == codes::E0127 => {
                diagnostic.help("a step is a number with its unit: `5m`, `1h`, `30d`, `1month`")
            }
            _ => diagnostic.help(self.usage()),
        }
    }

    /// The operator, bracket or word that wants something behind it.
    fn before(&self, found: &Found<'_>) -> Option<&str> {
        let at = (0..self.slice.len()).rev().find(|i| self.slice.token(*i).start < found.span.start);
        let at = if found.token.is_some() { at? } else { self.slice.len() - 1 };
        let kind = self.slice.token(at).kind;
        let wants = matches!(
            kind,
            Kind::Operator | Kind::Comma | Kind::OpenParen | Kind::OpenBracket | Kind::Colon | Kind::Word
        );
        wants.then(|| self.slice.token_text(at))
    }

    /// Text after something that is complete.
    fn leftover(&self, found: &Found<'_>, rules: &[Rule]) -> Diagnostic {
        if found.token.is_none() {
            return self.plain(codes::E0104, found, &expected(rules));
        }
        let text = shorten(found.text);
        let has = |rule: Rule| rules.contains(&rule);
        let wanted = if has(Rule::close) {
            Some("an operator, `,` or `)`")
        } else if has(Rule::k_then) {
            Some("an operator or `then`")
        } else if has(Rule::k_end) {
            Some("an operator, `when`, `else` or `end`")
        } else {
            None
        };
        if let Some(wanted) = wanted {
            return error!(E0102, found.span, "expected {wanted}, found `{text}`")
                .help("an operator or a comma may be missing before it");
        }
        error!(E0102, found.span, "`{text}` does not go on with what stands before it").help(
            if rules.contains(&Rule::infix) { "an operator or a comma may be missing before it" } else { self.usage() },
        )
    }

    /// Mistakes with a message of their own, wherever they happen.
    fn special(&self, found: &Found<'_>, complete: bool) -> Option<Diagnostic> {
        let (token, next) = (found.token?, found.next);
        let head = self.is_head();
        if token.kind == Kind::Word && next == Some(Kind::Colon) && complete {
            return Some(if head {
                error!(E0102, found.span, "the item `{}` stands outside of braces", found.text;
                    help: "put the items of a declaration into `{{ … }}`")
            } else {
                error!(E0120, found.span, "an item ends with its line or with `;`"; help: "put `;` before this, or start a new line")
            });
        }
        if head
            && token.kind == Kind::Word
            && KINDS.contains(&found.text)
            && complete
            && matches!(next, Some(Kind::Word | Kind::Quoted))
        {
            return Some(error!(
                E0113, found.span, "a declaration starts in column 0 of a line of its own";
                help: ("put this `{}` at the start of a line", found.text)
            ));
        }
        if token.kind == Kind::At {
            return Some(error!(
                E0134, found.span, "`@` joins a name and a step of the calendar without blanks";
                help: "write `time@month`"
            ));
        }
        if token.kind == Kind::Question && complete {
            return Some(error!(
                E0102, found.span, "`?` marks a nullable type, and this is none"; help: "for a value in place of null write `a ?? b`"
            ));
        }
        if self.rule == Rule::rows_values && token.kind == Kind::String {
            return Some(error!(E0138, found.span, "these are no rows"; help: "name a source, an entity or a subset"));
        }
        None
    }

    fn found(&self, at: usize) -> Found<'_> {
        let slice = self.slice;
        if at < slice.len() {
            return Found {
                span: slice.span(at, at + 1),
                token: Some(*slice.token(at)),
                next: (at + 1 < slice.len()).then(|| slice.token(at + 1).kind),
                text: slice.token_text(at),
            };
        }
        // The last character of what is there.
        let last = slice.token(slice.len() - 1);
        let width = last.text(slice.text).chars().next_back().map_or(1, char::len_utf8) as u32;
        Found { span: Span::new(slice.file, last.end - width, last.end), token: None, next: None, text: "" }
    }

    fn is_head(&self) -> bool {
        matches!(
            self.rule,
            Rule::metric_head
                | Rule::subset_head
                | Rule::dimension_head
                | Rule::hierarchy_head
                | Rule::change_head
                | Rule::test_head
                | Rule::table_head
                | Rule::block_head
        )
    }

    fn thing(&self) -> &'static str {
        match self.rule {
            Rule::metric_head => "the metric",
            Rule::subset_head => "the subset",
            Rule::dimension_head => "the dimension",
            Rule::hierarchy_head => "the hierarchy",
            _ if self.is_head() => "the declaration",
            _ => "the item",
        }
    }

    /// How the thing is written.
    fn usage(&self) -> &'static str {
        match self.rule {
            Rule::metric_head => "a metric is written `metric NAME = FORMULA { items }`",
            Rule::subset_head => "a subset is written `subset NAME = ROWS where CONDITION`",
            Rule::dimension_head => "a dimension is written `dimension NAME = event.column else \"none\"`",
            Rule::hierarchy_head => "a hierarchy is written `hierarchy NAME = country > province > city`",
            Rule::change_head => "a change is written `change dau v1 -> v2 { reason: \"…\" }`",
            Rule::test_head => "a test is written `test \"what it shows\" of dau { given … expect … }`",
            Rule::table_head => "entities and sources are written `source NAME { items and columns }`",
            Rule::block_head => "it is written `KIND NAME of ENTITY { items }` or `KIND NAME on NAME { items }`",
            Rule::given_head => "it is written `given event { … }`",
            Rule::column_item => "a column is written `column NAME: type`, then `unit U`, `pii` or `= expression`",
            Rule::step_item => "a step is written `step NAME = ROWS`, then `by COLUMN` or `optional`",
            Rule::exclude_item => "it is written `exclude NAME = ROWS after STEP before STEP`",
            Rule::class_item => "a class is written `class NAME when CONDITION`",
            Rule::measure_item => "a measure is written `measure NAME = FORMULA` or `measure NAME = since last ROWS`",
            Rule::score_item => "it is written `score 5`",
            Rule::row_item => "a row of a dashboard is written `row \"TITLE\" { card dau; line gmv by channel }`",
            Rule::widget_item => "a panel is written `line METRIC by DIMENSION top 10 range 90d`",
            Rule::reconcile => "it is written `reconcile: gmv stream daily < 0.5%`",
            Rule::rows_values => "name a source, an entity or a subset, such as `event where platform = \"ios\"`",
            _ => "an item is written `key: value, value`",
        }
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

/// The rules in plain words: `a name, a type or the end`.
fn expected(rules: &[Rule]) -> String {
    let mut words: Vec<&str> = Vec::new();
    if rules.contains(&Rule::numeric) && rules.contains(&Rule::string) {
        words.push("an expression");
    }
    for word in rules.iter().filter_map(|r| plain_word(*r)) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    let drop: &[&str] = if words.contains(&"an expression") {
        &["a name", "a number", "a text in double quotes", "`(`", "the end"]
    } else if words.contains(&"an operator") {
        &["a version such as `v2`", "`(`", "the end"]
    } else {
        &["a version such as `v2`", "the end"]
    };
    if words.len() > 1 {
        words.retain(|w| !drop.contains(w));
    }
    match words.as_slice() {
        [] => "something else".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn plain_word(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::expr | Rule::reference => "an expression",
        Rule::value | Rule::rows_value => "a value",
        Rule::argument => "an argument",
        Rule::infix => "an operator",
        Rule::numeric => "a number",
        Rule::ident | Rule::path | Rule::named | Rule::word => "a name",
        Rule::keys => "a key",
        Rule::typ => "a type",
        Rule::version => "a version such as `v2`",
        Rule::integer => "a whole number",
        Rule::string => "a text in double quotes",
        Rule::step | Rule::duration => "a step of time such as `30d`",
        Rule::equals => "`=`",
        Rule::colon => "`:`",
        Rule::comma => "`,`",
        Rule::open => "`(`",
        Rule::close => "`)`",
        Rule::arrow => "`->`",
        Rule::greater => "`>`",
        Rule::k_of => "`of`",
        Rule::k_on => "`on`",
        Rule::k_as => "`as`",
        Rule::k_then => "`then`",
        Rule::k_when => "`when`",
        Rule::k_else => "`else`",
        Rule::k_end => "`end`",
        Rule::k_null => "`null`",
        Rule::k_in => "`in`",
        Rule::k_per => "`per`",
        Rule::k_after => "`after`",
        Rule::k_before => "`before`",
        Rule::k_by => "`by`",
        Rule::k_all => "`all`",
        Rule::k_date => "`date`",
        Rule::column_unit => "`unit`",
        Rule::pii => "`pii`",
        Rule::list => "a list in parentheses",
        Rule::EOI => "the end",
        _ => return None,
    })
}
