//! Parses each slice of the outline and puts the declarations together.

use std::ops::Range;

use super::{
    ast::{
        Block, Change, Clause, Column, Declaration, DeclarationKind, Expr, ExprKind, File, Given, Item, ItemKind,
        Literal, Name, Path, Table, Test, Value, ValueKind,
    },
    build::{Builder, Reading, reading},
    explain::Broken,
    grammar::{Node as Parsed, Rule, Slice},
    lex::{Kind, Token},
    outline::{Block as Braces, Node},
    strings::unescape,
    table::table,
    words::{ITEM_WORDS, KINDS, RESERVED},
};
use crate::{
    diagnostic::{Diagnostics, FileId, Span, Spanned},
    error,
    suggest::near,
};

/// Parses the declarations of an outline.
pub fn declarations(file: FileId, text: &str, tokens: &[Token], nodes: &[Node], found: &mut Diagnostics) -> File {
    let codes: String = tokens.iter().map(|t| char::from(t.code)).collect();
    let mut parser = Parser { file, text, tokens, codes: &codes, found, ok: true, lost: Vec::new() };
    let mut parsed = File::default();
    for node in nodes {
        parser.ok = true;
        let declaration = parser.declaration(node);
        if declaration.is_none() || !parser.ok {
            parsed.broken.extend(parser.name_of(node));
        }
        parsed.declarations.extend(declaration);
    }
    parsed.broken.append(&mut parser.lost);
    parsed
}

struct Parser<'t, 'd> {
    file: FileId,
    text: &'t str,
    tokens: &'t [Token],
    /// One letter a token, for the grammar.
    codes: &'t str,
    found: &'d mut Diagnostics,
    /// Nothing of the declaration was left out so far.
    ok: bool,
    /// The names of columns that were left out of tables which can do without them.
    lost: Vec<Name>,
}

impl<'t> Parser<'t, '_> {
    fn word(&self, i: usize) -> &'t str {
        self.tokens.get(i).filter(|t| t.kind == Kind::Word).map_or("", |t| t.text(self.text))
    }

    fn kind(&self, i: usize) -> Option<Kind> {
        self.tokens.get(i).map(|t| t.kind)
    }

    fn span(&self, i: usize) -> Span {
        Span::new(self.file, self.tokens[i].start, self.tokens[i].end)
    }

    fn range_span(&self, range: &Range<usize>) -> Span {
        self.span(range.start).to(self.span(range.end - 1))
    }

    /// The name that follows the keyword, where there is one.
    fn name_of(&self, node: &Node) -> Option<Name> {
        let token = self.tokens.get(node.head.start + 1)?;
        let name = token.text(self.text).trim_matches('`').to_owned();
        matches!(token.kind, Kind::Word | Kind::Quoted)
            .then(|| Spanned::new(name, Span::new(self.file, token.start, token.end)))
    }

    fn doc(&self, node: &Node) -> Option<Spanned<String>> {
        let span = self.span(*node.doc.first()?).to(self.span(*node.doc.last()?));
        let lines: Vec<&str> = node
            .doc
            .iter()
            .map(|i| {
                let line = &self.tokens[*i].text(self.text)[3..];
                line.strip_prefix(' ').unwrap_or(line).trim_end()
            })
            .collect();
        Some(Spanned::new(lines.join("\n"), span))
    }

    /// Parses the tokens by an entry rule and builds what they are.
    fn slice<T>(
        &mut self,
        rule: Rule,
        range: &Range<usize>,
        build: impl FnOnce(&mut Builder<'_>, Parsed<'_>) -> Option<T>,
    ) -> Option<T> {
        let slice = Slice::new(self.file, self.text, self.tokens, self.codes, range.clone());
        let built = match slice.parse(rule) {
            Ok(node) => {
                let mut builder = Builder::new(&slice);
                let built = build(&mut builder, node);
                debug_assert!(built.is_some() || !builder.found.is_empty(), "a slice is left out silently");
                self.found.extend(builder.found);
                built
            }
            Err(failure) => {
                self.found.push(Broken { slice: &slice, rule }.explain(&failure));
                None
            }
        };
        self.ok &= built.is_some();
        built
    }

    fn declaration(&mut self, node: &Node) -> Option<Declaration> {
        let keyword = self.word(node.head.start);
        let known = if KINDS.contains(&keyword) {
            keyword
        } else {
            self.tell_unknown_kind(node.head.start, keyword);
            // Its items may have mistakes of their own, which are told as well.
            near(keyword, KINDS.iter().copied())?
        };
        self.ok &= node.body.as_ref().is_none_or(|body| body.close.is_some());
        let kind = match known {
            "entity" => self.table(node).map(DeclarationKind::Entity),
            "source" => self.table(node).map(DeclarationKind::Source),
            "test" => self.test(node).map(DeclarationKind::Test),
            _ => self.defined(known, node),
        };
        let end = node.body.as_ref().map_or(node.head.end, |b| b.close.map_or(b.end, |c| c + 1));
        let span = self.range_span(&(node.head.start..end.max(node.head.end)));
        let whole = kind.map(|kind| Declaration { doc: self.doc(node), kind, span });
        whole.filter(|_| known == keyword && !node.broken)
    }

    fn tell_unknown_kind(&mut self, at: usize, keyword: &str) {
        let found = error!(E0112, self.span(at), "there is no kind of declaration named `{keyword}`");
        self.found.push(match near(keyword, KINDS.iter().copied()) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found.help(format!("the kinds are {}", KINDS.join(", "))),
        });
    }

    /// Everything whose body is made of items alone.
    fn defined(&mut self, keyword: &str, node: &Node) -> Option<DeclarationKind> {
        let head = match keyword {
            "metric" => self.head(node, Rule::metric_head, |b, n| b.metric(n)).map(DeclarationKind::Metric),
            "subset" => self.head(node, Rule::subset_head, |b, n| b.subset(n)).map(DeclarationKind::Subset),
            "dimension" => self.head(node, Rule::dimension_head, |b, n| b.dimension(n)).map(DeclarationKind::Dimension),
            "hierarchy" => self.head(node, Rule::hierarchy_head, |b, n| b.hierarchy(n)).map(DeclarationKind::Hierarchy),
            "change" => self.head(node, Rule::change_head, |b, n| b.change(n)).map(DeclarationKind::Change),
            _ => self.head(node, Rule::block_head, |b, n| b.block(n)).map(DeclarationKind::Block),
        };
        let needs_body = !matches!(keyword, "metric" | "subset" | "dimension" | "hierarchy");
        if head.is_some() && needs_body && node.body.is_none() {
            self.tell_no_body(node);
            return None;
        }
        let found = node.body.as_ref().map_or_else(Vec::new, |body| self.items(keyword, body));
        let mut kind = head?;
        match &mut kind {
            DeclarationKind::Metric(metric) => metric.items = found,
            DeclarationKind::Subset(subset) => subset.items = found,
            DeclarationKind::Dimension(dimension) => dimension.items = found,
            DeclarationKind::Hierarchy(hierarchy) => hierarchy.items = found,
            DeclarationKind::Change(Change { items, .. }) | DeclarationKind::Block(Block { items, .. }) => {
                *items = found
            }
            _ => {}
        }
        // A metric is still a metric without its title; a cohort without its `start` is none.
        (self.ok || !needs_body).then_some(kind)
    }

    fn tell_no_body(&mut self, node: &Node) {
        self.found.push(error!(
            E0118, self.range_span(&node.head), "this declaration has no items";
            help: "they stand in braces after its name: `{{ key: value; … }}`"
        ));
    }

    fn head<T>(
        &mut self,
        node: &Node,
        rule: Rule,
        build: impl FnOnce(&mut Builder<'_>, Parsed<'_>) -> Option<T>,
    ) -> Option<T> {
        if node.broken {
            self.ok = false;
            return None;
        }
        self.slice(rule, &node.head, build)
    }

    /// An entity or a source.
    fn table(&mut self, node: &Node) -> Option<Table> {
        let head = self.head(node, Rule::table_head, |b, n| b.table(n));
        let Some(body) = &node.body else {
            if head.is_some() {
                self.tell_no_body(node);
            }
            return None;
        };
        let mut items = Vec::new();
        let mut columns = Vec::new();
        let mut lost = Vec::new();
        for item in &body.items {
            let column = self.word(item.head.start) == "column" && self.kind(item.head.start + 1) != Some(Kind::Colon);
            if !column {
                items.extend(self.item(self.word(node.head.start), item));
                continue;
            }
            let before = std::mem::replace(&mut self.ok, true);
            columns.extend(self.column(item));
            // A column by a name of its own can be missing, without hiding what is wrong with the others.
            let name = self.name_of(item).filter(|_| !self.ok);
            self.ok = before && (self.ok || name.is_some());
            lost.extend(name);
        }
        self.no_rows(body);
        let kept = head.filter(|_| self.ok).filter(|_| !lost.iter().any(|name| names(&items, name)));
        match &kept {
            Some(_) => self.lost.append(&mut lost),
            None => self.ok = false,
        }
        kept.map(|table| Table { items, columns, ..table })
    }

    fn column(&mut self, item: &Node) -> Option<Column> {
        self.no_braces(item);
        if item.broken {
            self.ok = false;
            return None;
        }
        let (doc, span) = (self.doc(item), self.range_span(&item.head));
        self.slice(Rule::column_item, &item.head, |builder, node| builder.column(node, doc, span))
    }

    fn items(&mut self, kind: &str, body: &Braces) -> Vec<Item> {
        self.no_rows(body);
        body.items.iter().filter_map(|item| self.item(kind, item)).collect()
    }

    fn item(&mut self, kind: &str, node: &Node) -> Option<Item> {
        let start = node.head.start;
        let word = self.word(start);
        let keyed = self.kind(start + 1) == Some(Kind::Colon) && start + 1 < node.head.end;
        let row = word == "row" && !keyed;
        if !row {
            self.no_braces(node);
        }
        if node.broken && !row {
            self.ok = false;
            return None;
        }
        let parsed = if keyed && !word.is_empty() { self.keyed(kind, node) } else { self.worded(kind, word, node) };
        let Some(item) = parsed else {
            self.ok = false;
            return None;
        };
        Some(Item { doc: self.doc(node), kind: item, span: self.range_span(&node.head) })
    }

    /// `key: value, value`
    fn keyed(&mut self, kind: &str, node: &Node) -> Option<ItemKind> {
        let start = node.head.start;
        let key = Spanned::new(self.word(start).to_owned(), self.span(start));
        let values = start + 2..node.head.end;
        if values.is_empty() {
            self.found.push(error!(
                E0121, key.span, "the item `{}` has no value", key.value; help: "write it after the colon, on the same line"
            ));
            return None;
        }
        let reading = reading(kind, &key);
        if let Some(values) = self.plain_values(values.clone(), reading) {
            return Some(ItemKind::Keyed { key, values });
        }
        let values = self.slice(reading.rule(), &values, |builder, node| builder.values(node, reading))?;
        Some(ItemKind::Keyed { key, values })
    }

    /// Values of one token each, as most are: too simple to ask the grammar.
    fn plain_values(&self, mut range: Range<usize>, reading: Reading) -> Option<Vec<Value>> {
        let mut values = vec![self.plain_value(range.next()?, reading)?];
        while let Some(comma) = range.next() {
            if self.kind(comma) != Some(Kind::Comma) {
                return None;
            }
            values.push(self.plain_value(range.next()?, reading)?);
        }
        Some(values)
    }

    fn plain_value(&self, at: usize, reading: Reading) -> Option<Value> {
        let (token, span) = (&self.tokens[at], self.span(at));
        let text = token.text(self.text);
        let kind = match (token.kind, reading) {
            (Kind::String, Reading::Plain) => ExprKind::Literal(Literal::String(unescape(text))),
            (Kind::Word, Reading::Plain) if !RESERVED.contains(&text) => {
                let path = Path { parts: vec![Spanned::new(text.to_owned(), span)], at: None, span };
                ExprKind::Path { path, version: None }
            }
            _ => return None,
        };
        Some(Value { kind: ValueKind::Expr { expr: Expr { kind, span }, clauses: Vec::new() }, span })
    }

    /// An item that starts with a word of its own.
    fn worded(&mut self, kind: &str, word: &str, node: &Node) -> Option<ItemKind> {
        let range = &node.head;
        match word {
            "step" => self.slice(Rule::step_item, range, |b, n| b.step_item(n)),
            "exclude" => self.slice(Rule::exclude_item, range, |b, n| b.exclude_item(n)),
            "class" => self.slice(Rule::class_item, range, |b, n| b.class_item(n)),
            "measure" => self.slice(Rule::measure_item, range, |b, n| b.measure_item(n)),
            "score" => self.slice(Rule::score_item, range, |b, n| b.score_item(n)),
            "row" => self.row(kind, node),
            "" => {
                self.found.push(error!(
                    E0119, self.span(range.start), "no item starts with `{}`", self.tokens[range.start].text(self.text);
                    help: "an item is written `key: value, value`"
                ));
                None
            }
            _ if kind == "dashboard" => self.slice(Rule::widget_item, range, |b, n| b.widget(n)),
            _ => self.unknown_item(kind, word, range),
        }
    }

    fn unknown_item(&mut self, kind: &str, word: &str, range: &Range<usize>) -> Option<ItemKind> {
        let span = self.span(range.start);
        let assigned = range.len() > 2 && self.tokens[range.start + 1].text(self.text) == "=";
        let found = if matches!(word, "column" | "given" | "expect") {
            error!(E0119, span, "a {kind} has no `{word}`"; help: "columns belong to entities and sources, `given` and `expect` to tests")
        } else if assigned {
            error!(E0119, span, "the item `{word}` has `=` in place of a colon"; help: ("write `{word}: …`"))
        } else {
            let found = error!(E0119, span, "`{word}` starts no item of this {kind}");
            match near(word, ITEM_WORDS.iter().copied()) {
                Some(near) if range.len() > 1 => found.help(format!("did you mean `{near}`?")),
                _ => found.help(format!("an item is written `key: value`, such as `{word}: …`")),
            }
        };
        self.found.push(found);
        None
    }

    /// `row "KPI" { … }`
    fn row(&mut self, kind: &str, node: &Node) -> Option<ItemKind> {
        let title = self.head(node, Rule::row_item, |builder, node| builder.row_title(node));
        let Some(body) = &node.body else {
            if title.is_some() {
                self.found.push(error!(
                    E0118, self.range_span(&node.head), "this row shows nothing"; help: "its widgets stand in braces: `{{ card dau }}`"
                ));
            }
            return None;
        };
        let items = self.items(kind, body);
        Some(ItemKind::Row { title: title?, items })
    }

    /// Braces where none may stand.
    fn no_braces(&mut self, node: &Node) {
        if let Some(body) = &node.body {
            self.ok = false;
            self.found.push(error!(
                E0119, self.span(body.open), "this item has no block of its own";
                help: "write `key: value`; only the rows of dashboards and the tables of tests have braces"
            ));
        }
    }

    /// Rows where none may stand.
    fn no_rows(&mut self, body: &Braces) {
        if let Some(row) = body.rows.first() {
            self.ok = false;
            self.found.push(error!(
                E0129, self.span(*row), "this row stands outside of a table"; help: "rows stand in `given NAME {{ … }}` and `expect {{ … }}`"
            ));
        }
    }

    /// `test "…" of m { given … expect … }`
    fn test(&mut self, node: &Node) -> Option<Test> {
        let head = self.head(node, Rule::test_head, |b, n| b.test(n));
        let Some(body) = &node.body else {
            if head.is_some() {
                self.tell_no_body(node);
            }
            return None;
        };
        self.no_rows(body);
        let mut given = Vec::new();
        let mut expect = None;
        let mut expect_at: Option<Span> = None;
        for item in &body.items {
            match self.word(item.head.start) {
                "given" => given.extend(self.given(item)),
                "expect" => {
                    let span = self.span(item.head.start);
                    if let Some(first) = expect_at.replace(span) {
                        self.ok = false;
                        self.found.push(
                            error!(E0132, span, "a test has only one `expect`"; help: "join the tables, or write a second test")
                                .related(first, "the first one"),
                        );
                    }
                    expect = self.expect(item);
                }
                _ => self.not_in_test(item),
            }
        }
        let misspelt = body.items.iter().any(|item| near(self.word(item.head.start), ["expect"]).is_some());
        if expect_at.is_none() && misspelt {
            self.ok = false;
        } else if expect_at.is_none() {
            self.ok = false;
            self.found.push(error!(
                E0132, self.range_span(&node.head), "this test expects nothing";
                help: "say what comes out: `expect {{ | time | dau | … }}`"
            ));
        }
        let (title, metrics) = head.filter(|_| self.ok)?;
        Some(Test { title, metrics, given, expect: expect? })
    }

    fn given(&mut self, item: &Node) -> Option<Given> {
        let path = item.body.as_ref().and_then(|_| self.head(item, Rule::given_head, |b, n| b.given(n)));
        let data = self.data(item);
        Some(Given { table: path?, data: data? })
    }

    fn expect(&mut self, item: &Node) -> Option<super::ast::DataTable> {
        if item.head.len() > 1 && !item.broken {
            self.ok = false;
            self.found.push(error!(
                E0104, self.span(item.head.start + 1), "`expect` is followed by its table"; help: "write `expect {{ … }}`"
            ));
        }
        self.data(item)
    }

    fn data(&mut self, item: &Node) -> Option<super::ast::DataTable> {
        let head = self.range_span(&item.head);
        let data = match &item.body {
            Some(block) => table(self.file, self.text, self.tokens, block, head, self.found),
            None => {
                self.found.push(error!(E0118, head, "there is no table here"; help: "write `{{`, rows on lines of their own, and `}}`"));
                None
            }
        };
        self.ok &= data.is_some();
        data
    }

    fn not_in_test(&mut self, item: &Node) {
        self.ok = false;
        if item.broken {
            return;
        }
        let start = item.head.start;
        let text = self.tokens[start].text(self.text);
        let found = error!(E0119, self.span(start), "`{text}` starts nothing in a test");
        self.found.push(match near(text, ["given", "expect"]) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found.help("a test has `given NAME { … }` tables and one `expect { … }`"),
        });
    }
}

/// Whether one of the items (`key`, `time` …) names a column.
fn names(items: &[Item], column: &Name) -> bool {
    let mut found = false;
    for item in items {
        let ItemKind::Keyed { values, .. } = &item.kind else { continue };
        for value in values {
            found |= match &value.kind {
                ValueKind::Expr { expr, clauses } => {
                    let latest = |clause: &Clause| matches!(clause, Clause::LatestBy(path) if path.parts[0] == *column);
                    matches!(&expr.kind, ExprKind::Path { path, .. } if path.parts[0] == *column)
                        || clauses.iter().any(latest)
                }
                _ => false,
            };
        }
    }
    found
}
