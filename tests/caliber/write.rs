//! Random programs as text: plainly, or in one of many ways that mean the same.

use fastrand::Rng;

use super::program::{Condition, Formula, Program, Rows};

/// How a program is written.
pub struct Style {
    /// None for the plain way.
    rng: Option<Rng>,
    /// What is put before the names of subsets.
    prefix: String,
    /// The name of the dimension.
    dimension: &'static str,
}

const TABLES: &str = r#"
entity user {
  table: "dim.user"
  key: user_id
  column user_id: string
  column province: string?
}
"#;

impl Style {
    pub fn plain() -> Style {
        Style { rng: None, prefix: "s".to_owned(), dimension: "gadget" }
    }

    pub fn refactored(seed: u64) -> Style {
        let mut rng = Rng::with_seed(seed);
        let prefix = format!("rows_{}_", rng.u8(0..9));
        let dimension = if rng.bool() { "gadget" } else { "device_kind" };
        Style { rng: Some(rng), prefix, dimension }
    }

    /// True once in a while, and never in the plain way.
    fn chance(&mut self) -> bool {
        self.rng.as_mut().is_some_and(|rng| rng.u8(0..3) == 0)
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        if let Some(rng) = &mut self.rng {
            rng.shuffle(all);
        }
    }

    fn number(&mut self, value: i64) -> String {
        if self.chance() { format!("({} + {})", value - 3, 3) } else { value.to_string() }
    }

    fn condition(&mut self, condition: &Condition) -> String {
        let text = self.one(condition);
        if self.chance() { format!("not (not ({text}))") } else { text }
    }

    fn all(&mut self, parts: &[Condition], between: &str, negated: bool) -> String {
        let mut texts: Vec<String> = (parts.iter())
            .map(|part| {
                let text = self.condition(part);
                if negated { format!("not ({text})") } else { format!("({text})") }
            })
            .collect();
        self.shuffle(&mut texts);
        if self.chance() {
            texts.push(texts[0].clone());
        }
        texts.join(&format!(" {between} "))
    }

    fn one(&mut self, condition: &Condition) -> String {
        match condition {
            Condition::And(parts) => self.all(parts, "and", false),
            Condition::Or(parts) => self.all(parts, "or", false),
            Condition::Not(inner) => match &**inner {
                Condition::And(parts) if self.chance() => self.all(parts, "or", true),
                inner => format!("not ({})", self.condition(inner)),
            },
            Condition::Compare(column, operator, constant) => self.compare(column, operator, *constant),
            Condition::In(column, texts) => {
                let mut texts: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
                self.shuffle(&mut texts);
                if self.chance() {
                    let each: Vec<String> = texts.iter().map(|text| format!("{column} = {text}")).collect();
                    return each.join(" or ");
                }
                if self.chance() {
                    texts.push(texts[0].clone());
                }
                format!("{column} in ({})", texts.join(", "))
            }
            Condition::Between(column, low, high) => {
                if self.chance() {
                    return format!("{column} <= {high} and {} <= {column}", self.number(*low));
                }
                format!("{column} between {low} and {high}")
            }
            Condition::IsNull(column) if self.chance() => format!("not ({column} is not null)"),
            Condition::IsNull(column) => format!("{column} is null"),
            Condition::Flag(column) if self.chance() => format!("{column} = true"),
            Condition::Flag(column) => (*column).to_owned(),
        }
    }

    fn compare(&mut self, column: &str, operator: &str, constant: i64) -> String {
        let constant = self.number(constant);
        let mirrored = |operator: &str| {
            match operator {
                "<" => ">",
                "<=" => ">=",
                ">" => "<",
                ">=" => "<=",
                same => return same.to_owned(),
            }
            .to_owned()
        };
        let opposite = match operator {
            "<" => ">=",
            "<=" => ">",
            ">" => "<=",
            ">=" => "<",
            "=" => "!=",
            _ => "=",
        };
        if self.chance() {
            return format!("{constant} {} {column}", mirrored(operator));
        }
        if self.chance() {
            return format!("not ({column} {opposite} {constant})");
        }
        format!("{column} {operator} {constant}")
    }

    /// Rows by name, or written out where they stand.
    fn rows(&mut self, program: &Program, rows: &Rows) -> String {
        match rows {
            Rows::Table(name) => (*name).to_owned(),
            Rows::Subset(place) if self.chance() => {
                let subset = &program.subsets[*place];
                let base = self.rows(program, &subset.rows);
                format!("({base} where {})", self.condition(&subset.condition))
            }
            Rows::Subset(place) => format!("{}{place}", self.prefix),
        }
    }

    fn formula(&mut self, program: &Program, formula: &Formula) -> String {
        match formula {
            Formula::Leaf { aggregate, column, rows, condition } => {
                let input = if *aggregate == "count" { String::new() } else { format!("{column} from ") };
                let rows = self.rows(program, rows);
                let filter = condition.as_ref().map(|condition| format!(" where {}", self.condition(condition)));
                let filter = filter.unwrap_or_default();
                format!("{aggregate}({input}{rows}{filter})")
            }
            Formula::Metric(one) => self.metric(program, *one),
            Formula::Over(one, days) if days % 7 == 0 && self.chance() => {
                format!("{} over {}w", self.metric(program, *one), days / 7)
            }
            Formula::Over(one, days) => format!("{} over {days}d", self.metric(program, *one)),
            Formula::Where(one, text) => {
                format!("{} where {} = {text:?}", self.metric(program, *one), self.dimension)
            }
            Formula::Sum(all) => {
                let mut all: Vec<String> =
                    all.iter().map(|one| format!("{} / 2", self.metric(program, *one))).collect();
                self.shuffle(&mut all);
                all.join(" + ")
            }
            Formula::Quotient(a, b) => format!("{} / {}", self.metric(program, *a), self.metric(program, *b)),
        }
    }

    /// A metric by name, or its formula where it stands.
    fn metric(&mut self, program: &Program, place: usize) -> String {
        if self.chance() {
            format!("({})", self.formula(program, &program.metrics[place]))
        } else {
            format!("m{place}")
        }
    }
}

impl Program {
    /// The files of the program.
    pub fn files(&self, style: &mut Style) -> Vec<(String, String)> {
        let key = if self.long_key { "event_id, device" } else { "event_id" };
        let key = if self.long_key && style.chance() { "device, event_id" } else { key };
        let mut declarations = vec![TABLES.to_owned(), events(key, style)];
        for (place, subset) in self.subsets.iter().enumerate() {
            let rows = style.rows(self, &subset.rows);
            let condition = style.condition(&subset.condition);
            declarations.push(format!("subset {}{place} = {rows} where {condition}\n", style.prefix));
        }
        for (place, metric) in self.metrics.iter().enumerate() {
            let formula = style.formula(self, metric);
            let title =
                if style.chance() { format!("title: \"M {place}\"; owner: \"somebody\"; ") } else { String::new() };
            let doc = if style.chance() { "/// What it is.\n" } else { "" };
            // The unit is said everywhere, where it would follow.
            declarations.push(format!("{doc}metric m{place} = {formula} {{ {title}grain: 1d }}\n"));
        }
        declarations.push(format!("dimension {} = event.device else \"none\"\n", style.dimension));
        style.shuffle(&mut declarations);
        let half = declarations.len() / 2;
        let names = if style.chance() { ["z", "sub/a"] } else { ["a", "b"] };
        let file = |name: &str, texts: &[String]| (format!("metrics/{name}.metric"), texts.join("\n"));
        vec![file(names[0], &declarations[..half]), file(names[1], &declarations[half..])]
    }
}

/// The source of events. The order of its columns, a column that nothing uses and how late rows come are no part of what is
/// counted.
fn events(key: &str, style: &mut Style) -> String {
    let mut columns = vec![
        "column event_id: string",
        "column at: timestamp(ms)",
        "column user_id: user",
        "column n: int",
        "column depth: int?",
        "column amount: decimal(12,2)",
        "column page: string?",
        "column device: string",
        "column is_test: bool",
        "column is_paid: bool",
    ];
    if style.chance() {
        columns.push("column nobody_uses: string?");
    }
    style.shuffle(&mut columns);
    let late = if style.chance() { "  lateness: 5m\n" } else { "" };
    format!("source event {{\n  table: \"dwd.event\"\n  key: {key}\n  time: at\n{late}  {}\n}}\n", columns.join("\n  "))
}
