//! Reads a case file back ([`super::case`] prints it) and asks its question again: `tests/cases/answers` keeps those that
//! once went wrong.

use chrono::{DateTime, NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use metricc::ask::{self, Asked};
use metricc::plan::{DataType, Encoding, Query, StoredColumn, Table};
use metricc::project::MemoryFiles;
use metricc::sql;

use super::data::backticks;
use super::front::{Front, errors, front_of};
use super::text;
use crate::support::clickhouse::Session;

/// A row of cells; an empty one without quotes is null.
type Cells = Vec<Option<String>>;

/// A case file: a project, its rows, a question, and the right answer.
pub struct Case {
    manifest: String,
    declarations: String,
    samples: Vec<(String, String)>,
    command: String,
    /// The header too.
    right: Vec<Cells>,
}

impl Case {
    /// Reads a file. The answer is the first block of CSV without a name.
    pub fn read(text: &str) -> Result<Case, String> {
        let (mut manifest, mut declarations, mut command, mut right) = (None, None, None, None);
        let mut samples = Vec::new();
        for (info, body) in blocks(text) {
            match info.split_once(' ') {
                Some(("csv", name)) => samples.push((name.to_owned(), body)),
                _ if info == "yaml" => manifest = Some(body),
                _ if info == "metric" => declarations = Some(body),
                _ if info == "sh" => command = command.or(Some(body)),
                _ if info == "csv" => right = right.or(Some(csv(&body))),
                _ => {}
            }
        }
        Ok(Case {
            manifest: manifest.ok_or("no `yaml` block")?,
            declarations: declarations.ok_or("no `metric` block")?,
            samples,
            command: command.ok_or("no `sh` block")?,
            right: right.ok_or("no `csv` block with the answer")?,
        })
    }

    /// Asks every engine; gives the first answer that is not right, in words.
    pub fn check(&self, session: Option<&Session>) -> Result<(), String> {
        let database = session.map_or("dwd", Session::database);
        let declarations = self.declarations.replace("\"dwd.", &format!("\"{database}."));
        let files = MemoryFiles::new().with("metricc.yaml", &*self.manifest).with("metrics/all.metric", declarations);
        let front = front_of(&files)?;
        let query = self.plan(&front)?;
        #[cfg(feature = "dry-run")]
        self.compare("dry run", &query, &self.dry_run(&front, &query)?)?;
        if let Some(session) = session {
            for table in front.tables.iter() {
                self.load(table, session, query.zone)?;
            }
            let select =
                sql::select(&query, &sql::CLICKHOUSE, &sql::Options::default()).map_err(|e| format!("{e:?}"))?;
            let rows = super::clickhouse::rows(&sql::to_text(&select, &sql::CLICKHOUSE), session)?;
            self.compare("ClickHouse", &query, &rows)?;
        }
        Ok(())
    }

    fn plan(&self, front: &Front) -> Result<Query, String> {
        let asked = asked(&self.command)?;
        let mut sources = front.loaded.sources.clone();
        let question = ask::question(&front.compiled.model, &asked, &mut sources).map_err(|d| errors(&d))?;
        front.lower(&question)
    }

    #[cfg(feature = "dry-run")]
    fn dry_run(&self, front: &Front, query: &Query) -> Result<Vec<Cells>, String> {
        use metricc::dry_run::{Data, DryRun, Options};
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        for (name, csv) in &self.samples {
            std::fs::write(folder.path().join(format!("{name}.csv")), csv).map_err(|error| error.to_string())?;
        }
        let mut run = DryRun::new(Options::new(query.zone)).map_err(|d| errors(&d))?;
        for table in front.tables.iter() {
            run.register(table, &Data::Samples(folder.path())).map_err(|d| errors(&d))?;
        }
        let answer = run.run(query).map_err(|d| errors(&d))?;
        let row =
            |row: &Vec<_>| row.iter().zip(&answer.columns).map(|(value, column)| plain(value, &column.ty)).collect();
        Ok(answer.rows.iter().map(row).collect())
    }

    /// Makes a table and inserts its rows.
    fn load(&self, table: &Table, session: &Session, zone: Tz) -> Result<(), String> {
        let columns: Vec<String> =
            table.columns.iter().map(|column| format!("{} {}", backticks(&column.name), physical(column))).collect();
        let name = backticks(&table.name);
        session.execute(&format!("CREATE TABLE {name} ({}) ENGINE = Memory", columns.join(", ")))?;
        let (_, sample) = self.samples.iter().find(|(name, _)| *name == table.name).ok_or("a table without rows")?;
        let mut rows = csv(sample).into_iter();
        let header: Cells = rows.next().ok_or("a sample without a header")?;
        let mut insert = format!("INSERT INTO {name} FORMAT JSONEachRow\n");
        for row in rows {
            let mut object = serde_json::Map::new();
            for (name, cell) in header.iter().flatten().zip(&row) {
                let column =
                    table.columns.iter().find(|column| column.name == *name).ok_or("a cell without a column")?;
                object.insert(name.clone(), json(column, cell.as_deref(), zone)?);
            }
            insert.push_str(&serde_json::Value::Object(object).to_string());
            insert.push('\n');
        }
        if insert.lines().count() > 1 { session.execute(&insert) } else { Ok(()) }
    }

    fn compare(&self, engine: &str, query: &Query, found: &[Cells]) -> Result<(), String> {
        let columns = query.columns();
        let header: Cells = columns.iter().map(|column| Some(column.name.clone())).collect();
        let (wanted, rows) = self.right.split_first().ok_or("an answer without a header")?;
        let fit = |wanted: &Cells, got: &Cells| {
            wanted.len() == got.len()
                && (columns.iter().zip(wanted.iter().zip(got))).all(|(column, (a, b))| same(&column.ty, a, b))
        };
        let right = *wanted == header && rows.len() == found.len() && rows.iter().zip(found).all(|(a, b)| fit(a, b));
        if right { Ok(()) } else { Err(format!("{engine}: {rows:?} is right, {found:?} is not")) }
    }
}

/// The fenced blocks of a text: what stands behind the fence, and what is inside.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        match (line.strip_prefix("```"), open) {
            (Some(info), false) => {
                found.push((info.trim().to_owned(), String::new()));
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => {
                if let Some((_, body)) = found.last_mut() {
                    body.push_str(line);
                    body.push('\n');
                }
            }
            (None, false) => {}
        }
    }
    found
}

/// CSV with quotes where there must be some.
fn csv(text: &str) -> Vec<Cells> {
    let mut rows = vec![Cells::new()];
    let (mut cell, mut was_quoted) = (String::new(), false);
    let mut quoted = false;
    let mut chars = text.strip_suffix('\n').unwrap_or(text).chars().peekable();
    let end = |rows: &mut Vec<Cells>, cell: &mut String, was_quoted: &mut bool| {
        let (text, was_quoted) = (std::mem::take(cell), std::mem::take(was_quoted));
        let null = text.is_empty() && !was_quoted;
        rows.last_mut().expect("a row").push((!null).then_some(text));
    };
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => {
                quoted = !quoted;
                was_quoted = true;
            }
            ',' if !quoted => end(&mut rows, &mut cell, &mut was_quoted),
            '\n' if !quoted => {
                end(&mut rows, &mut cell, &mut was_quoted);
                rows.push(Cells::new());
            }
            c => cell.push(c),
        }
    }
    end(&mut rows, &mut cell, &mut was_quoted);
    rows
}

/// The words of a command; single quotes hold a word together.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    let mut chars = command.trim().chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => (quoted, any) = (!quoted, true),
            '\\' if !quoted => word.extend(chars.next()),
            ' ' if !quoted => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => word.push(c),
        }
    }
    words.push(word);
    words
}

/// `metricc dry-run m1 m2 --step 1d --by a,b …`
fn asked(command: &str) -> Result<Asked, String> {
    let mut asked = Asked::default();
    let mut words = words(command).into_iter().skip(2);
    while let Some(word) = words.next() {
        if !word.starts_with("--") {
            asked.metrics.push(word);
            continue;
        }
        let value = words.next().ok_or_else(|| format!("`{word}` without a value"))?;
        match word.as_str() {
            "--step" => asked.step = Some(value),
            "--by" => asked.by = value.split(',').map(str::to_owned).collect(),
            "--from" => asked.from = Some(value),
            "--to" => asked.to = Some(value),
            "--where" => asked.filter = Some(value),
            "--order" => asked.order.push(value),
            "--limit" => asked.limit = Some(value.parse().map_err(|_| format!("`{value}` is no number"))?),
            other => return Err(format!("unknown option `{other}`")),
        }
    }
    Ok(asked)
}

fn physical(column: &StoredColumn) -> String {
    let wrap = |ty: &str| if column.nullable { format!("Nullable({ty})") } else { ty.to_owned() };
    match (&column.ty, column.encoding) {
        (DataType::Bool, _) => wrap("Bool"),
        (DataType::Int | DataType::Duration, _) | (DataType::Timestamp, Encoding::Milliseconds) => wrap("Int64"),
        (DataType::Float, _) => wrap("Float64"),
        (DataType::Decimal { precision, scale }, _) => wrap(&format!("Decimal({precision}, {scale})")),
        (DataType::Date, _) => wrap("Date32"),
        (DataType::Timestamp, Encoding::Native) => wrap("DateTime64(3, 'UTC')"),
        (DataType::Map(_), _) => "Map(String, String)".to_owned(),
        (DataType::Array(_), _) => "Array(String)".to_owned(),
        (DataType::String, _) => wrap("String"),
    }
}

fn json(column: &StoredColumn, cell: Option<&str>, zone: Tz) -> Result<serde_json::Value, String> {
    let Some(cell) = cell else { return Ok(serde_json::Value::Null) };
    let read = || serde_json::from_str(cell).map_err(|error| format!("`{cell}`: {error}"));
    match (&column.ty, column.encoding) {
        (DataType::Timestamp, Encoding::Native) => {
            let wall = NaiveDateTime::parse_from_str(cell, "%Y-%m-%d %H:%M:%S%.f").ok();
            let ms = match wall.and_then(|wall| zone.from_local_datetime(&wall).earliest()) {
                Some(instant) => instant.timestamp_millis(),
                None => instant(cell).ok_or_else(|| format!("`{cell}` is no instant"))?,
            };
            Ok(text::decimal(i128::from(ms), 3).into())
        }
        (DataType::Decimal { .. } | DataType::String | DataType::Date, _) => Ok(cell.into()),
        _ => read(),
    }
}

fn instant(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.timestamp_millis())
}

/// A value as ClickHouse prints it.
#[cfg(feature = "dry-run")]
fn plain(value: &metricc::plan::Value, ty: &DataType) -> Option<String> {
    use metricc::plan::Value;
    Some(match (value, ty) {
        (Value::Null, _) => return None,
        (Value::Bool(b), _) => b.to_string(),
        (Value::Int(i) | Value::Duration(i), _) => i.to_string(),
        (Value::Float(f), _) => format!("{f:?}"),
        (Value::Decimal(digits), DataType::Decimal { scale, .. }) => text::decimal(*digits, *scale),
        (Value::Decimal(digits), _) => digits.to_string(),
        (Value::String(text), _) => text.clone(),
        (Value::Date(days), _) => text::day(*days),
        (Value::Timestamp(ms), _) => text::decimal(i128::from(*ms), 3),
    })
}

/// Whether an engine's cell is the right one.
fn same(ty: &DataType, right: &Option<String>, found: &Option<String>) -> bool {
    let (Some(right), Some(found)) = (right, found) else { return right == found };
    let float = |text: &str| text.parse::<f64>().unwrap_or(f64::NAN);
    match ty {
        DataType::Float => {
            let (a, b) = (float(right), float(found));
            (a - b).abs() <= 1e-9 * a.abs().max(b.abs()) + 1e-12
        }
        DataType::Decimal { .. } => {
            let shortest = |text: &str| match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text.to_owned(),
            };
            shortest(right) == shortest(found)
        }
        DataType::Timestamp => instant(right).is_some_and(|ms| (float(found) * 1_000.0).round() == ms as f64),
        _ => right == found,
    }
}
