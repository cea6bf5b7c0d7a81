//! Reads scripts back: the statements that sqlparser has no grammar for, in the forms that we write. Queries and
//! expressions inside of them are sqlparser's.

use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Tokenizer, Word};

use super::grammar::Grammar;

/// How many statements a script has; the first that is not in one of our forms is told.
pub fn statements(text: &str) -> Result<usize, ParserError> {
    let tokens = Tokenizer::new(&Grammar, text).tokenize_with_location()?;
    let mut reader = Reader(Parser::new(&Grammar).with_tokens_with_locations(tokens));
    let mut count = 0;
    loop {
        while reader.0.consume_token(&Token::SemiColon) {}
        if reader.0.peek_token().token == Token::EOF {
            return Ok(count);
        }
        reader.statement()?;
        reader.0.expect_token(&Token::SemiColon)?;
        count += 1;
    }
}

/// The statements of a script in our forms, each without the `;` behind it and with the comments before it.
pub fn split(text: &str) -> Result<Vec<&str>, ParserError> {
    let tokens = Tokenizer::new(&Grammar, text).tokenize_with_location()?;
    let ends = tokens.iter().filter(|token| token.token == Token::SemiColon).map(|token| token.span.start);
    let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut found = Vec::new();
    let mut from = 0;
    for end in ends {
        // Lines and columns are counted from 1, columns in characters.
        let line = usize::try_from(end.line).ok().and_then(|line| starts.get(line.checked_sub(1)?)).copied();
        let before = usize::try_from(end.column).unwrap_or(usize::MAX).saturating_sub(1);
        let at = line.and_then(|line| Some(line + text[line..].char_indices().nth(before)?.0));
        let at = at.filter(|at| *at >= from && text[*at..].starts_with(';'));
        let Some(at) = at else { return Err(ParserError::ParserError("a statement has no end".to_owned())) };
        found.push(text[from..at].trim());
        from = at + 1;
    }
    Ok(found)
}

struct Reader<'p>(Parser<'p>);

type Read = Result<(), ParserError>;

impl Reader<'_> {
    fn statement(&mut self) -> Read {
        match self.peek_word().as_deref() {
            Some("CREATE") => self.create(),
            Some("INSERT") => self.insert(),
            Some("ALTER") => self.alter(),
            Some("TRUNCATE") => {
                self.words("TRUNCATE TABLE")?;
                self.named()
            }
            Some("DROP") => {
                self.words("DROP")?;
                let _kind = self.0.next_token();
                while !self.at("IF") && self.0.peek_token().token != Token::EOF {
                    self.identifier()?;
                }
                self.words("IF EXISTS")?;
                self.named()?;
                // A policy is that of a table.
                if self.maybe("ON") {
                    self.named()?;
                }
                self.maybe("SYNC");
                Ok(())
            }
            Some("DELETE") => {
                self.words("DELETE FROM")?;
                self.named()?;
                self.words("WHERE")?;
                self.0.parse_expr().map(drop)
            }
            Some("GRANT") => self.grant(),
            Some("SYSTEM") => {
                self.words("SYSTEM RELOAD DICTIONARY")?;
                self.on_cluster()?;
                self.name()
            }
            _ => self.query(),
        }
    }

    fn create(&mut self) -> Read {
        self.words("CREATE")?;
        if self.maybe("OR") {
            self.words("REPLACE")?;
        }
        let kind = self.peek_word().unwrap_or_default();
        self.0.advance_token();
        match kind.as_str() {
            "DATABASE" => self.if_not_exists_named(),
            "TABLE" => {
                self.if_not_exists_named()?;
                self.table()
            }
            "VIEW" => {
                self.if_not_exists_named()?;
                self.security()?;
                self.comment()?;
                self.words("AS")?;
                self.query()
            }
            "MATERIALIZED" => {
                self.words("VIEW")?;
                self.if_not_exists_named()?;
                if self.maybe("REFRESH") {
                    self.words("EVERY")?;
                    self.length()?;
                    if self.maybe("OFFSET") {
                        self.length()?;
                    }
                }
                self.words("TO")?;
                self.name()?;
                self.security()?;
                self.comment()?;
                self.words("AS")?;
                self.query()
            }
            "DICTIONARY" => {
                self.if_not_exists_named()?;
                self.dictionary()
            }
            "ROLE" => self.if_not_exists_named(),
            "SETTINGS" => {
                self.words("PROFILE")?;
                self.made_anew()?;
                self.words("SETTINGS")?;
                self.profile()
            }
            "QUOTA" => {
                self.made_anew()?;
                self.quota()
            }
            "ROW" => {
                self.words("POLICY")?;
                self.made_anew()?;
                self.words("ON")?;
                self.name()?;
                self.words("FOR SELECT USING")?;
                self.0.parse_expr()?;
                self.words("AS PERMISSIVE")?;
                self.roles()
            }
            _ => self.unexpected("something to create"),
        }
    }

    /// Behind the name of a table: `AS other`, or columns and an engine.
    fn table(&mut self) -> Read {
        if self.maybe("AS") {
            self.name()?;
            if !self.at("ENGINE") {
                return self.comment();
            }
        } else {
            self.0.expect_token(&Token::LParen)?;
            self.list(|reader| reader.column())?;
            self.0.expect_token(&Token::RParen)?;
        }
        self.words("ENGINE")?;
        self.0.expect_token(&Token::Eq)?;
        self.identifier()?;
        if self.0.peek_token().token == Token::LParen {
            self.parentheses()?;
        }
        loop {
            match self.peek_word().as_deref() {
                Some("PARTITION" | "ORDER") => {
                    self.0.advance_token();
                    self.words("BY")?;
                    self.0.parse_expr()?;
                }
                Some("TTL") => self.ttl()?,
                Some("SETTINGS") => {
                    self.0.advance_token();
                    self.settings()?;
                }
                _ => return self.comment(),
            }
        }
    }

    /// `OR REPLACE name`
    fn made_anew(&mut self) -> Read {
        self.words("OR REPLACE")?;
        self.named()
    }

    /// With whose rights a view reads.
    fn security(&mut self) -> Read {
        if self.maybe("DEFINER") {
            self.0.expect_token(&Token::Eq)?;
            self.identifier()?;
            return self.words("SQL SECURITY DEFINER");
        }
        if self.at("SQL") { self.words("SQL SECURITY INVOKER") } else { Ok(()) }
    }

    fn ttl(&mut self) -> Read {
        self.words("TTL")?;
        self.list(|reader| {
            reader.0.parse_expr()?;
            if reader.maybe("TO") {
                reader.words("VOLUME")?;
                reader.text()?;
            } else {
                reader.maybe("DELETE");
            }
            Ok(())
        })
    }

    fn comment(&mut self) -> Read {
        if self.maybe("COMMENT") { self.text() } else { Ok(()) }
    }

    /// A column of a table, or an index or projection.
    fn column(&mut self) -> Read {
        if self.maybe("INDEX") {
            self.identifier()?;
            self.0.parse_expr()?;
            self.words("TYPE")?;
            self.data_type()?;
            self.words("GRANULARITY")?;
            return self.0.parse_literal_uint().map(drop);
        }
        self.identifier()?;
        self.data_type()?;
        loop {
            match self.peek_word().as_deref() {
                Some("DEFAULT") => {
                    self.0.advance_token();
                    self.0.parse_expr()?;
                }
                Some("COMMENT") => {
                    self.0.advance_token();
                    self.text()?;
                }
                Some("CODEC") => {
                    self.0.advance_token();
                    self.parentheses()?;
                }
                _ => return Ok(()),
            }
        }
    }

    fn dictionary(&mut self) -> Read {
        self.0.expect_token(&Token::LParen)?;
        self.list(|reader| reader.column())?;
        self.0.expect_token(&Token::RParen)?;
        self.words("PRIMARY KEY")?;
        self.list(|reader| reader.identifier())?;
        for part in ["SOURCE", "LAYOUT", "LIFETIME"] {
            self.words(part)?;
            self.parentheses()?;
        }
        self.comment()
    }

    fn insert(&mut self) -> Read {
        self.words("INSERT INTO")?;
        self.name()?;
        if self.0.peek_token().token == Token::LParen {
            self.parentheses()?;
        }
        if self.maybe("SETTINGS") {
            self.settings()?;
        }
        self.query()
    }

    fn alter(&mut self) -> Read {
        self.words("ALTER TABLE")?;
        self.named()?;
        if self.maybe("MODIFY") {
            return match self.peek_word().as_deref() {
                Some("SETTING") => {
                    self.0.advance_token();
                    self.settings()
                }
                Some("QUERY") => {
                    self.0.advance_token();
                    self.query()
                }
                _ => self.ttl(),
            };
        }
        if self.maybe("MATERIALIZE") {
            self.words("TTL IN PARTITION")?;
            return self.0.parse_expr().map(drop);
        }
        self.words("REPLACE PARTITION")?;
        self.0.parse_expr()?;
        self.words("FROM")?;
        self.name()
    }

    /// `GRANT SELECT ON db.name, … TO role WITH REPLACE OPTION`
    fn grant(&mut self) -> Read {
        self.words("GRANT")?;
        self.on_cluster()?;
        self.list(|reader| {
            reader.words("SELECT ON")?;
            reader.name()
        })?;
        self.roles()?;
        self.words("WITH REPLACE OPTION")
    }

    fn quota(&mut self) -> Read {
        if self.maybe("KEYED") {
            self.words("BY")?;
            self.identifier()?;
        }
        self.words("FOR INTERVAL")?;
        self.0.parse_literal_uint()?;
        self.one_of(&["SECOND", "MINUTE", "HOUR", "DAY"])?;
        self.words("MAX")?;
        self.list(|reader| {
            reader.identifier()?;
            reader.0.expect_token(&Token::Eq)?;
            reader.0.parse_literal_uint().map(drop)
        })?;
        self.roles()
    }

    /// `name = value [MIN v] [MAX v] [CONST], … TO role`
    fn profile(&mut self) -> Read {
        self.list(|reader| {
            reader.setting()?;
            for bound in ["MIN", "MAX"] {
                if reader.maybe(bound) {
                    reader.0.parse_expr()?;
                }
            }
            reader.maybe("CONST");
            Ok(())
        })?;
        self.roles()
    }

    fn roles(&mut self) -> Read {
        self.words("TO")?;
        self.list(|reader| reader.identifier())
    }

    fn settings(&mut self) -> Read {
        self.list(|reader| reader.setting())
    }

    fn setting(&mut self) -> Read {
        self.identifier()?;
        self.0.expect_token(&Token::Eq)?;
        self.0.parse_value().map(drop)
    }

    fn query(&mut self) -> Read {
        self.0.parse_query().map(drop)
    }

    /// A type: a word with parameters.
    fn data_type(&mut self) -> Read {
        self.identifier()?;
        if self.0.peek_token().token == Token::LParen { self.parentheses() } else { Ok(()) }
    }

    /// Everything up to the parenthesis that closes the next one.
    fn parentheses(&mut self) -> Read {
        self.0.expect_token(&Token::LParen)?;
        let mut depth = 1;
        while depth > 0 {
            match self.0.next_token().token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                Token::EOF | Token::SemiColon => return self.unexpected("`)`"),
                _ => {}
            }
        }
        Ok(())
    }

    fn if_not_exists_named(&mut self) -> Read {
        if self.maybe("IF") {
            self.words("NOT EXISTS")?;
        }
        self.named()
    }

    /// A name, and where it is.
    fn named(&mut self) -> Read {
        self.name()?;
        self.on_cluster()
    }

    fn on_cluster(&mut self) -> Read {
        let cluster =
            matches!(&self.0.peek_nth_token(1).token, Token::Word(word) if word.value.eq_ignore_ascii_case("CLUSTER"));
        if self.at("ON") && cluster {
            self.words("ON CLUSTER")?;
            return self.name();
        }
        Ok(())
    }

    /// `5 MINUTE`
    fn length(&mut self) -> Read {
        self.0.parse_literal_uint()?;
        self.one_of(&["SECOND", "MINUTE", "HOUR", "DAY"])
    }

    /// `a.b`, or `a.*`.
    fn name(&mut self) -> Read {
        self.identifier()?;
        while self.0.consume_token(&Token::Period) {
            if !self.0.consume_token(&Token::Mul) {
                self.identifier()?;
            }
        }
        Ok(())
    }

    fn identifier(&mut self) -> Read {
        match self.0.next_token().token {
            Token::Word(_) => Ok(()),
            _ => self.unexpected("a name"),
        }
    }

    fn text(&mut self) -> Read {
        match self.0.next_token().token {
            Token::SingleQuotedString(_) => Ok(()),
            _ => self.unexpected("a text"),
        }
    }

    fn list(&mut self, mut item: impl FnMut(&mut Self) -> Read) -> Read {
        item(self)?;
        while self.0.consume_token(&Token::Comma) {
            item(self)?;
        }
        Ok(())
    }

    /// The next word in capitals, unless it is quoted.
    fn peek_word(&self) -> Option<String> {
        match &self.0.peek_token_ref().token {
            Token::Word(Word { value, quote_style: None, .. }) => Some(value.to_ascii_uppercase()),
            _ => None,
        }
    }

    fn at(&self, word: &str) -> bool {
        self.peek_word().is_some_and(|next| next == word)
    }

    fn maybe(&mut self, word: &str) -> bool {
        let found = self.at(word);
        if found {
            self.0.advance_token();
        }
        found
    }

    fn words(&mut self, words: &str) -> Read {
        for word in words.split(' ') {
            if !self.maybe(word) {
                return self.unexpected(word);
            }
        }
        Ok(())
    }

    fn one_of(&mut self, words: &[&str]) -> Read {
        if words.iter().any(|word| self.maybe(word)) { Ok(()) } else { self.unexpected(&words.join(" or ")) }
    }

    fn unexpected(&self, wanted: &str) -> Read {
        self.0.expected(wanted, self.0.peek_token())
    }
}

#[cfg(test)]
mod tests {
    use super::{split, statements};

    #[track_caller]
    fn reads(text: &str) {
        assert_eq!(statements(text), Ok(1), "{text}");
    }

    #[test]
    fn our_statements_are_read() {
        reads("CREATE DATABASE IF NOT EXISTS `a b`;");
        reads(
            "CREATE TABLE IF NOT EXISTS m.t ON CLUSTER c (_t Date32 COMMENT 'x' CODEC(Delta(4), ZSTD(1)), _s AggregateFunction(uniqExact, String)) ENGINE = ReplicatedMergeTree('/a/{shard}', '{replica}') PARTITION BY (toYYYYMM(_t), _h) ORDER BY (_t) TTL toDateTime(_t) + toIntervalDay(3) TO VOLUME 'cold', toDateTime(_t) + toIntervalDay(9) DELETE SETTINGS a = 1, b = 'x';",
        );
        reads("CREATE TABLE IF NOT EXISTS m.s AS m.t;");
        reads("CREATE TABLE IF NOT EXISTS m.s AS m.t COMMENT 'x';");
        reads("CREATE OR REPLACE VIEW m.v AS SELECT 1;");
        reads("CREATE OR REPLACE VIEW m.v COMMENT 'x' AS SELECT 1;");
        reads("CREATE MATERIALIZED VIEW IF NOT EXISTS m.v TO m.t COMMENT 'x' AS SELECT 1;");
        reads(
            "CREATE MATERIALIZED VIEW IF NOT EXISTS m.v REFRESH EVERY 1 DAY OFFSET 2 HOUR TO m.t AS WITH x AS (SELECT 1) SELECT * FROM x;",
        );
        reads("INSERT INTO m.t (a, b) SETTINGS insert_deduplicate = 0 SELECT {day: Date32} AS a, 1 AS b;");
        reads("ALTER TABLE m.t REPLACE PARTITION ({month: UInt32}, 1) FROM m.s;");
        reads("ALTER TABLE m.t MODIFY SETTING storage_policy = 'x';");
        reads("ALTER TABLE m.t MODIFY TTL _t + toIntervalDay(3) DELETE;");
        reads("ALTER TABLE m.t MATERIALIZE TTL IN PARTITION {day: Date32};");
        reads("ALTER TABLE m.v MODIFY QUERY SELECT 1;");
        reads(
            "CREATE TABLE IF NOT EXISTS m.k (raw String) ENGINE = Kafka SETTINGS kafka_format = 'RawBLOB' COMMENT 'x';",
        );
        reads("TRUNCATE TABLE m.t;");
        reads("DROP VIEW IF EXISTS m.t;");
        reads(
            "CREATE DICTIONARY IF NOT EXISTS m.d (k String, a Nullable(String)) PRIMARY KEY k SOURCE(CLICKHOUSE(TABLE 'x' DB 'm')) LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(MIN 0 MAX 60);",
        );
        reads("SYSTEM RELOAD DICTIONARY m.d;");
        reads("CREATE ROLE IF NOT EXISTS reader;");
        reads("GRANT SELECT ON m.v, SELECT ON m.w TO reader WITH REPLACE OPTION;");
        reads("DROP ROW POLICY IF EXISTS reader ON m.v;");
        reads("DROP ROW POLICY IF EXISTS reader ON m.v ON CLUSTER c;");
        reads("DROP TABLE IF EXISTS m.v ON CLUSTER c SYNC;");
        reads("GRANT ON CLUSTER c SELECT ON m.v TO reader WITH REPLACE OPTION;");
        reads("SYSTEM RELOAD DICTIONARY ON CLUSTER c m.d;");
        reads(
            "CREATE TABLE IF NOT EXISTS m.t__all ON CLUSTER c AS m.t ENGINE = Distributed('c', 'm', 't') COMMENT 'x';",
        );
        reads("CREATE OR REPLACE VIEW m.v SQL SECURITY INVOKER COMMENT 'x' AS SELECT 1;");
        reads(
            "CREATE MATERIALIZED VIEW IF NOT EXISTS m.v TO m.t DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT 1;",
        );
        reads(
            "CREATE QUOTA OR REPLACE q KEYED BY user_name FOR INTERVAL 1 HOUR MAX queries = 100, errors = 5 TO reader;",
        );
        reads(
            "CREATE SETTINGS PROFILE OR REPLACE p SETTINGS max_memory_usage = 10 MAX 20, readonly = 1 CONST TO reader;",
        );
        reads("CREATE ROW POLICY OR REPLACE p ON m.v FOR SELECT USING a = 'b' AS PERMISSIVE TO reader;");
    }

    #[test]
    fn statements_end_where_a_semicolon_stands_outside_of_texts() {
        let text = "-- one; two\nSELECT 'a;''b\\';' AS `x;y`;\n\n/* ; */ SELECT '订;单' AS 中, 2; SELECT 3;\n";
        let all = ["-- one; two\nSELECT 'a;''b\\';' AS `x;y`", "/* ; */ SELECT '订;单' AS 中, 2", "SELECT 3"];
        assert_eq!(split(text).expect("three"), all);
        assert_eq!(split("-- nothing\n").expect("none"), [""; 0]);
    }

    #[test]
    fn what_is_broken_is_told() {
        for text in [
            "CREATE TABLE m.t (a Int64 ENGINE = MergeTree ORDER BY a;",
            "CREATE VIEW m.v AS;",
            "CREATE VIEW m.v COMMENT AS SELECT 1;",
            "CREATE OR VIEW m.v AS SELECT 1;",
            "INSERT INTO m.t (a) SELECT FROM;",
            "ALTER TABLE m.t REPLACE PARTITION FROM m.s;",
            "DROP TABLE m.t;",
            "SELECT 1 SELECT 2;",
            "SELECT 'a;",
            "SELECT 1",
        ] {
            assert!(statements(text).is_err(), "{text}");
        }
        assert_eq!(statements("-- nothing\n"), Ok(0));
    }
}
