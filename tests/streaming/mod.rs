//! What a stream counts, by the words of docs/language.md: rows as they come, with what they are, without any SQL. And rows that
//! try it: out of order, late, twice.
#![allow(dead_code)]

pub mod shop;

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A minute, in milliseconds.
pub const MINUTE: i64 = 60_000;

/// When the rows of tests begin: 10:00 on the first of March 2024 in Shanghai.
pub const START: i64 = 1_709_258_400_000;

/// A row of `event`, in the order of its columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    pub id: Option<String>,
    pub at: Option<i64>,
    pub got: i64,
    pub who: Option<String>,
    pub platform: Option<String>,
    /// In hundredths.
    pub amount: Option<i64>,
    pub took: Option<i64>,
    pub ok: bool,
}

impl Event {
    /// One with a key, a time and an amount, that came at once; the rest is null.
    pub fn new(id: &str, at: i64, amount: i64) -> Event {
        Event { id: Some(id.to_owned()), at: Some(at), got: at, amount: Some(amount), ..Event::default() }
    }

    /// Its cells, as they are stored.
    pub fn cells(&self) -> Vec<Option<String>> {
        let number = |of: Option<i64>| of.map(|number| number.to_string());
        vec![
            self.id.clone(),
            number(self.at),
            number(Some(self.got)),
            self.who.clone(),
            self.platform.clone(),
            self.amount.map(decimal),
            number(self.took),
            Some(self.ok.to_string()),
        ]
    }

    /// It as a message.
    pub fn message(&self) -> String {
        let Event { id, at, got, who, platform, amount, took, ok } = self;
        let amount = amount.map(decimal);
        json!({ "id": id, "at": at, "got": got, "who": who, "platform": platform, "amount": amount, "took": took, "ok": ok })
            .to_string()
    }

    /// Out of such a message.
    pub fn read(message: &str) -> Option<Event> {
        let of: Value = serde_json::from_str(message).ok()?;
        let text = |name: &str| of[name].as_str().map(str::to_owned);
        let hundredths = |text: String| text.replace('.', "").parse().ok();
        Some(Event {
            id: text("id"),
            at: of["at"].as_i64(),
            got: of["got"].as_i64()?,
            who: text("who"),
            platform: text("platform"),
            amount: text("amount").and_then(hundredths),
            took: of["took"].as_i64(),
            ok: of["ok"].as_bool()?,
        })
    }

    /// What tells the smaller of two rows of one key and time: the other columns in their order, nulls last.
    fn rest(&self) -> impl Ord + use<> {
        let text = |of: &Option<String>| (of.is_none(), of.clone());
        let number = |of: Option<i64>| (of.is_none(), of);
        (self.got, text(&self.who), text(&self.platform), number(self.amount), number(self.took), self.ok)
    }
}

/// Hundredths as a decimal.
pub fn decimal(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", hundredths.abs() / 100, hundredths.abs() % 100)
}

/// The columns that a key is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Id,
    IdAndWho,
    None,
}

impl Key {
    /// As a source says it.
    pub fn declared(self) -> &'static str {
        match self {
            Key::Id => "key: id",
            Key::IdAndWho => "key: id, who",
            Key::None => "",
        }
    }

    /// That of a row; none where a part of it is null.
    fn of(self, row: &Event) -> Option<Vec<String>> {
        match self {
            Key::Id => Some(vec![row.id.clone()?]),
            Key::IdAndWho => Some(vec![row.id.clone()?, row.who.clone()?]),
            Key::None => Some(Vec::new()),
        }
    }
}

/// What a source and its stream say.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub key: Key,
    /// Rows of a key whose times differ by less are repetitions: 1 for those of one time.
    pub within: i64,
    /// None where no row is too late.
    pub lateness: Option<i64>,
}

/// A stream that has seen some blocks of rows.
#[derive(Clone, Debug)]
pub struct Stream {
    rules: Rules,
    /// The greatest time that has come, of rows of the future: when they came.
    mark: Option<i64>,
    /// The times of rows that count, by key.
    kept: BTreeMap<Vec<String>, Vec<i64>>,
    /// Rows that count.
    pub counted: Vec<Event>,
    /// How many rows with a key and a time came, and how many of them were repetitions, and late.
    pub came: usize,
    pub repeated: usize,
    pub late: usize,
}

impl Stream {
    pub fn new(rules: Rules) -> Stream {
        let kept = BTreeMap::new();
        Stream { rules, mark: None, kept, counted: Vec::new(), came: 0, repeated: 0, late: 0 }
    }

    /// One that has seen some blocks.
    pub fn of(rules: Rules, blocks: &[Vec<Event>]) -> Stream {
        let mut stream = Stream::new(rules);
        blocks.iter().for_each(|block| stream.takes(block));
        stream
    }

    /// Rows come, all together. What is late is so by the rows that came before them.
    pub fn takes(&mut self, block: &[Event]) {
        let known = |row: &Event| Some((self.rules.key.of(row)?, row.at?, row.clone()));
        let mut rows: Vec<(Vec<String>, i64, Event)> = block.iter().filter_map(known).collect();
        rows.sort_by_key(|(_, at, row)| (*at, row.rest()));
        self.came += rows.len();
        let watermark = self.mark.zip(self.rules.lateness).map(|(mark, lateness)| mark - lateness);
        for (key, at, row) in rows {
            self.mark = self.mark.max(Some(at.min(row.got)));
            if watermark.is_some_and(|watermark| at < watermark) {
                self.late += 1;
                continue;
            }
            let near = |kept: &i64| (kept - at).abs() < self.rules.within;
            let has_key = self.rules.key != Key::None;
            let kept = self.kept.entry(key).or_default();
            if has_key && kept.iter().any(near) {
                self.repeated += 1;
            } else {
                kept.push(at);
                self.counted.push(row);
            }
        }
    }
}

/// A small generator of numbers: the same for one seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x2545_F491_4F6C_DD1D)
    }

    /// One of `0 .. below`.
    pub fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("small") % below
    }

    /// One of a range.
    pub fn from(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.below(usize::try_from(to - from).expect("a range"))).expect("small")
    }

    /// Whether something is so that is so once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn one_of(&mut self, words: &[&str]) -> Option<String> {
        let at = self.below(words.len() + 1);
        words.get(at).map(|word| (*word).to_owned())
    }
}

/// Blocks of rows as clients send them: out of order, some late, some of the future, some twice – in a block and across, as they
/// were or with another time, which is less far than `within`, just as far, or farther.
pub fn blocks(seed: u64, count: usize, within: i64) -> Vec<Vec<Event>> {
    let mut random = Random::new(seed);
    let mut clock = START;
    let mut sent: Vec<Event> = Vec::new();
    let mut blocks = Vec::new();
    for _ in 0..count {
        clock += random.from(0, 3 * MINUTE);
        let mut block = Vec::new();
        for _ in 0..random.from(1, 25) {
            let row = match (random.below(3), sent.len()) {
                (0, many) if many > 0 => {
                    let recent = many.saturating_sub(40);
                    let at = recent + random.below(many - recent);
                    again(&mut random, &sent[at], within)
                }
                _ => fresh(&mut random, clock),
            };
            sent.push(row.clone());
            block.push(row);
        }
        blocks.push(block);
    }
    blocks
}

fn fresh(random: &mut Random, clock: i64) -> Event {
    let behind = match random.below(12) {
        0 => random.from(0, 90 * MINUTE),
        1 => -random.from(0, 3 * 24 * 60 * MINUTE),
        2..=5 => random.from(0, 8 * MINUTE),
        _ => random.from(0, MINUTE),
    };
    // Whole seconds meet more often.
    let at = clock - behind;
    let at = if random.once_in(2) { at - at.rem_euclid(1000) } else { at };
    Event {
        id: (!random.once_in(30)).then(|| format!("e{}", random.below(40))),
        at: (!random.once_in(30)).then_some(at),
        got: clock + random.from(0, 2_000),
        who: random.one_of(&["u1", "u2", "u3", "stranger"]),
        platform: random.one_of(&["web", "ios"]),
        amount: (!random.once_in(6)).then(|| random.from(-500, 100_000)),
        took: (!random.once_in(6)).then(|| random.from(0, 5_000)),
        ok: random.once_in(2),
    }
}

/// A row that is sent again.
fn again(random: &mut Random, of: &Event, within: i64) -> Event {
    let shift = match random.below(6) {
        0..=2 => 0,
        3 => random.from(1 - within, within),
        4 => [within, -within, within - 1, 1 - within][random.below(4)],
        _ => random.from(within, 3 * within),
    };
    let at = of.at.map(|at| at + shift);
    match random.below(3) {
        0 => Event { at, ..of.clone() },
        // Nearly the same.
        1 => Event { at, amount: Some(random.from(0, 1_000)), ..of.clone() },
        _ => Event { at, got: of.got + random.from(0, MINUTE), who: random.one_of(&["u1", "u2"]), ..of.clone() },
    }
}

/// All rows as one block after the other, each with those of some of them.
pub fn cut(rows: &[Event], size: usize) -> Vec<Vec<Event>> {
    rows.chunks(size).map(<[Event]>::to_vec).collect()
}

/// The rows in the order of their times, of equal times the smallest first.
pub fn in_order(rows: &[Event]) -> Vec<Event> {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| (row.at, row.rest(), row.id.clone()));
    rows
}
