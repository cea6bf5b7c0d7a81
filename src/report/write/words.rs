//! What is said in words, in both languages. Each sentence follows from numbers that stand in it, by a rule.

use chrono::{Datelike, NaiveDate};

use super::super::{Baseline, Explained, FEWEST, Judged, Made, MadeMetric, Period, Shares, Structure};
use super::figures::{Kind, relative, share};
use crate::change::verify::Number;
use crate::types::{Better, Language};
use crate::value::time::local_date;
use crate::value::{Span, Step};

/// A group carries the change where its part of it is at least this much.
const CARRIES: f64 = 0.5;
/// A group goes against the change where its part is at least this much.
const AGAINST: f64 = 0.2;
/// A change for the worse of less than this is no reason to look for one.
const WORTH: f64 = 0.05;
/// A share that moves by at least this much is told.
const SHIFT: f64 = 0.01;

/// The words of a language.
#[derive(Clone, Copy, Debug)]
pub struct Words(pub Language);

impl Words {
    /// One of two texts.
    pub fn of<'t>(self, en: &'t str, zh: &'t str) -> &'t str {
        match self.0 {
            Language::En => en,
            Language::Zh => zh,
        }
    }

    /// The unit of differences of shares.
    pub fn points(self) -> &'static str {
        self.of(" pp", " 个百分点")
    }

    /// A group; of rows without a value, and of an empty text.
    pub fn group(self, group: Option<&str>) -> String {
        match group {
            None => self.of("(none)", "（无）").to_owned(),
            Some("") => "\"\"".to_owned(),
            Some(text) => crate::diagnostic::render::visible(text).into_owned(),
        }
    }

    /// A value with its unit.
    pub fn value(self, kind: &Kind, value: Option<Number>) -> String {
        match (value, kind.unit()) {
            (None, _) => "–".to_owned(),
            (Some(value), Some(unit)) => format!("{} {unit}", kind.value(value)),
            (Some(value), None) => kind.value(value),
        }
    }

    /// A difference with its unit.
    fn difference(self, kind: &Kind, value: Number) -> String {
        let text = kind.difference(value, self.points());
        kind.unit().map_or_else(|| text.clone(), |unit| format!("{text} {unit}"))
    }

    /// All others of a dimension as one.
    pub fn others(self, count: usize) -> String {
        match self.0 {
            Language::En => format!("{count} other{}", if count == 1 { "" } else { "s" }),
            Language::Zh => format!("其余 {count} 项"),
        }
    }

    /// A list.
    fn list(self, all: &[String]) -> String {
        match (self.0, all) {
            (Language::En, [before @ .., a, b]) if !before.is_empty() => {
                format!("{}, {a} and {b}", before.join(", "))
            }
            (Language::En, [a, b]) => format!("{a} and {b}"),
            (Language::En, all) => all.join(", "),
            (Language::Zh, all) => all.join("、"),
        }
    }

    /// A period: `2026-10-30`, `2026-10-26 – 2026-11-01`, `2026-10`.
    pub fn period(self, period: Period, made: &Made) -> String {
        let (first, last) = (local_date(period.start, made.zone), local_date(period.end - 1, made.zone));
        match made.every {
            Step::Day => format!("{first} {}", self.weekday(first)),
            Step::Month => first.format("%Y-%m").to_string(),
            Step::Quarter => format!("{} Q{}", first.year(), first.month0() / 3 + 1),
            Step::Year => first.year().to_string(),
            _ => format!("{first} – {last}"),
        }
    }

    fn weekday(self, day: NaiveDate) -> &'static str {
        let place = day.weekday().num_days_from_monday() as usize;
        match self.0 {
            Language::En => ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][place],
            Language::Zh => ["周一", "周二", "周三", "周四", "周五", "周六", "周日"][place],
        }
    }

    /// What a period is compared with: `the day before`.
    pub fn earlier(self, length: Span, every: Step) -> String {
        let known = match (every, length) {
            (Step::Day, Span::Days(1)) => Some(("the day before", "前一日")),
            (Step::Day, Span::Days(7)) => Some(("the same day a week before", "上周同日")),
            (Step::Week, Span::Days(7)) => Some(("the week before", "上周")),
            (Step::Month, Span::Months(1)) => Some(("the month before", "上月")),
            (Step::Quarter, Span::Months(3)) => Some(("the quarter before", "上季度")),
            (Step::Year, Span::Months(12)) => Some(("the year before", "上年")),
            (Step::Week, Span::Days(364)) => Some(("52 weeks before", "52 周前")),
            (_, Span::Months(12)) => Some(("a year before", "去年同期")),
            _ => None,
        };
        match known {
            Some((en, zh)) => self.of(en, zh).to_owned(),
            None => format!("{} {}", length.text(), self.of("before", "前")),
        }
    }

    /// The head of its column.
    pub fn against(self, length: Span, every: Step) -> String {
        let earlier = self.earlier(length, every);
        match self.0 {
            Language::En => format!("on {earlier}"),
            Language::Zh => format!("较{earlier}"),
        }
    }

    /// Value and changes of a metric in one sentence.
    pub fn metric(self, metric: &MadeMetric, made: &Made) -> String {
        let kind = Kind::of(metric);
        let Some(value) = metric.value else {
            return match self.0 {
                Language::En => format!("{} has no value for this period.", metric.title),
                Language::Zh => format!("{}：本期无值。", metric.title),
            };
        };
        let changes: Vec<String> = metric
            .compared
            .iter()
            .zip(&made.compare)
            .filter_map(|(compared, (length, _))| {
                let difference = compared.difference?;
                let text = self.difference(&kind, difference);
                let change = match compared.relative.filter(|_| !kind.is_share()) {
                    Some(share) => match self.0 {
                        Language::En => format!("{} ({text})", relative(share)),
                        Language::Zh => format!("{}（{text}）", relative(share)),
                    },
                    None => text,
                };
                let earlier = self.earlier(*length, made.every);
                Some(match self.0 {
                    Language::En => format!("{change} on {earlier}"),
                    Language::Zh => format!("较{earlier} {change}"),
                })
            })
            .collect();
        let value = self.value(&kind, Some(value));
        match (self.0, changes.is_empty()) {
            (Language::En, true) => format!("{} is {value}.", metric.title),
            (Language::En, false) => format!("{} is {value}: {}.", metric.title, changes.join(", ")),
            (Language::Zh, true) => format!("{}为 {value}。", metric.title),
            (Language::Zh, false) => format!("{}为 {value}，{}。", metric.title, changes.join("，")),
        }
    }

    /// What is unusual about a value; none where nothing is.
    pub fn unusual(self, metric: &MadeMetric, made: &Made) -> Option<String> {
        let Baseline { count, median, times, .. } = *metric.judged.unusual()?;
        let kind = Kind::of(metric);
        let (value, median) = (self.value(&kind, metric.value), self.value(&kind, Some(kind.computed(median))));
        let times_text = if times.abs() >= 100.0 {
            self.of("more than 100", "100 多").to_owned()
        } else {
            format!("{:.1}", times.abs())
        };
        Some(match self.0 {
            Language::En => {
                let side = if times > 0.0 { "above" } else { "below" };
                format!(
                    "{} is unusual: {value} lies {times_text} times the usual distance {side} {median}, the median of {}.",
                    metric.title,
                    self.season(count, made.every)
                )
            }
            Language::Zh => {
                let side = if times > 0.0 { "高于" } else { "低于" };
                format!(
                    "{}异常：{value} {side}{}的中位数 {median}，偏离为平常的 {times_text} 倍。",
                    metric.title,
                    self.season(count, made.every)
                )
            }
        })
    }

    /// The periods that a value is held against.
    fn season(self, count: usize, every: Step) -> String {
        let (en, zh) = match every {
            Step::Day => ("same days of the weeks before", "周同日"),
            Step::Week => ("weeks before", "周"),
            Step::Month => ("months before", "个月"),
            Step::Quarter => ("quarters before", "个季度"),
            _ => ("years before", "年"),
        };
        match self.0 {
            Language::En => format!("the {count} {en}"),
            Language::Zh => format!("此前 {count} {zh}"),
        }
    }

    /// Of which metrics nobody can say what is usual, since there is too little before.
    pub fn short_history(self, made: &Made) -> Option<String> {
        let short = made.metrics.iter().filter_map(|metric| match metric.judged {
            Judged::Short { have } => Some((metric.title.clone(), have)),
            _ => None,
        });
        let short: Vec<(String, usize)> = short.collect();
        let most = short.iter().map(|(_, have)| *have).max()?;
        let names = self.list(&short.into_iter().map(|(name, _)| name).collect::<Vec<_>>());
        Some(match self.0 {
            Language::En => format!(
                "What is usual is not known of {names}: there are at most {most} earlier values, and {FEWEST} are needed."
            ),
            Language::Zh => format!("{names}：历史不足（至多 {most} 个往期值，需要 {FEWEST} 个），未判断异常。"),
        })
    }

    /// What carries the difference of a metric by a dimension.
    pub fn explained(self, metric: &MadeMetric, by: &Explained) -> String {
        let kind = Kind::of(metric);
        match &by.shares {
            Shares::Sum { shown, .. } => {
                let whole = metric.compared.first().and_then(|compared| compared.difference);
                let whole = whole.map_or(0.0, Number::as_f64);
                let parts: Vec<(String, f64, String)> = shown
                    .iter()
                    .map(|one| {
                        let text = self.difference(&kind, one.effect);
                        (self.group(one.group.as_deref()), one.effect.as_f64(), text)
                    })
                    .collect();
                self.carriers(&by.title, whole, &parts)
            }
            Shares::Ratio { shown, all, .. } => {
                let text = |value: f64| self.difference(&kind, kind.computed(value));
                let beside = (all.beside != 0.0).then(|| match self.0 {
                    Language::En => format!(", numerators without a denominator {}", text(all.beside)),
                    Language::Zh => format!("，无分母的分子 {}", text(all.beside)),
                });
                let head = match self.0 {
                    Language::En => format!(
                        "By {}: rates {}, mix {}{}.",
                        by.title,
                        text(all.rate),
                        text(all.mix),
                        beside.unwrap_or_default()
                    ),
                    Language::Zh => format!(
                        "按{}：率效应 {}，结构效应 {}{}。",
                        by.title,
                        text(all.rate),
                        text(all.mix),
                        beside.unwrap_or_default()
                    ),
                };
                let parts: Vec<(String, f64, String)> =
                    shown.iter().map(|one| (self.group(one.group.as_deref()), one.all(), text(one.all()))).collect();
                format!("{head}{}{}", self.of(" ", ""), self.carriers("", all.all(), &parts))
            }
            Shares::Beside { .. } => match self.0 {
                Language::En => format!(
                    "By {}: the values of its groups do not add up to the whole, so they stand beside each other and no share of the change is told.",
                    by.title
                ),
                Language::Zh => format!("按{}：各组的值不能相加为总体，仅并列展示，不作归因。", by.title),
            },
        }
    }

    /// Which groups go with a change, and which against it.
    fn carriers(self, by: &str, whole: f64, parts: &[(String, f64, String)]) -> String {
        let head = match (self.0, by.is_empty()) {
            (_, true) => String::new(),
            (Language::En, false) => format!("By {by}: "),
            (Language::Zh, false) => format!("按{by}："),
        };
        let named = |wanted: &dyn Fn(f64) -> bool| {
            let found = parts.iter().filter(|(_, effect, _)| wanted(*effect));
            found.map(|(group, _, text)| format!("{group} {text}")).collect::<Vec<String>>()
        };
        if whole == 0.0 {
            let moved = named(&|effect| effect != 0.0);
            return match (self.0, moved.is_empty()) {
                (Language::En, true) => format!("{head}no group differs."),
                (Language::En, false) => format!("{head}{} cancel each other out with the rest.", self.list(&moved)),
                (Language::Zh, true) => format!("{head}各组均无变化。"),
                (Language::Zh, false) => format!("{head}{}与其余相互抵消。", self.list(&moved)),
            };
        }
        let with = named(&|effect| effect * whole > 0.0);
        let against = named(&|effect| effect * whole < 0.0 && effect.abs() >= AGAINST * whole.abs());
        let (with, against) = (self.list(&with), self.list(&against));
        match (self.0, with.is_empty(), against.is_empty()) {
            (Language::En, false, true) => format!("{head}{with} carry most of the change."),
            (Language::En, false, false) => format!("{head}{with} carry most of the change; {against} go against it."),
            (Language::En, true, _) => format!("{head}no single group carries the change."),
            (Language::Zh, false, true) => format!("{head}变化主要来自 {with}。"),
            (Language::Zh, false, false) => format!("{head}变化主要来自 {with}；{against} 方向相反。"),
            (Language::Zh, true, _) => format!("{head}无单一组主导变化。"),
        }
    }

    /// Where to look first: what got worse, by the group that carries at least half of it.
    pub fn advice(self, made: &Made) -> Vec<String> {
        made.metrics.iter().filter_map(|metric| self.look_at(metric)).collect()
    }

    fn look_at(self, metric: &MadeMetric) -> Option<String> {
        let compared = metric.compared.first()?;
        let (difference, relative_change) = (compared.difference?.as_f64(), compared.relative?);
        let is_worse = match metric.better? {
            Better::Up => difference < 0.0,
            Better::Down => difference > 0.0,
            Better::None => false,
        };
        if !is_worse || (relative_change.abs() < WORTH && metric.judged.unusual().is_none()) {
            return None;
        }
        let kind = Kind::of(metric);
        let change = match kind.is_share() {
            true => self.difference(&kind, compared.difference?),
            false => relative(relative_change),
        };
        let owner = metric.owner.as_ref().map(|owner| match self.0 {
            Language::En => format!(" (owner: {owner})"),
            Language::Zh => format!("（负责人：{owner}）"),
        });
        let owner = owner.unwrap_or_default();
        let carrier = metric.explained.iter().find_map(|by| {
            let (group, effect) = match &by.shares {
                Shares::Sum { shown, .. } => shown.first().map(|one| (&one.group, one.effect.as_f64()))?,
                Shares::Ratio { shown, .. } => shown.first().map(|one| (&one.group, one.all()))?,
                Shares::Beside { .. } => return None,
            };
            let part = effect / difference;
            (part >= CARRIES).then(|| (by.title.clone(), self.group(group.as_deref()), part))
        });
        Some(match (self.0, carrier) {
            (Language::En, Some((by, group, part))) => format!(
                "{}{owner} got worse by {}: look at {by} = {group} first, which carries {} of it.",
                metric.title,
                change,
                share(part)
            ),
            (Language::En, None) => {
                format!("{}{owner} got worse by {}: no group carries half of it.", metric.title, change)
            }
            (Language::Zh, Some((by, group, part))) => {
                format!("{}{owner}变差 {}：建议先看 {by} = {group}，占变化的 {}。", metric.title, change, share(part))
            }
            (Language::Zh, None) => {
                format!("{}{owner}变差 {}：没有单一组占到一半。", metric.title, change)
            }
        })
    }

    /// What a metric is made of: the greatest group, and the share that moved most.
    pub fn structure(self, of: &Structure) -> Option<String> {
        if !of.adds_up {
            return Some(match self.0 {
                Language::En => {
                    format!(
                        "{} by {}: the values of its groups do not add up to the whole, so none has a share.",
                        of.title, of.by
                    )
                }
                Language::Zh => format!("{}按{}：各组的值不能相加为总体，不列占比。", of.title, of.by),
            });
        }
        let first = of.parts.first()?;
        let greatest = (self.group(first.group.as_deref()), share(first.share?));
        let shift = |part: &super::super::Part| Some(part.share? - part.share_before?);
        let moved = of.parts.iter().filter_map(|part| Some((part, shift(part)?)));
        let moved = moved.max_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs())).filter(|(_, by)| by.abs() >= SHIFT);
        let moved = moved.map(|(part, by)| {
            let kind = Kind::of_shares();
            (self.group(part.group.as_deref()), kind.difference(Number::Float(by), self.points()))
        });
        let (title, by, (group, part)) = (&of.title, &of.by, greatest);
        Some(match (self.0, moved) {
            (Language::En, Some((other, shift))) => {
                format!(
                    "{title} by {by}: {group} is the greatest with {part}; the share of {other} moved most, by {shift}."
                )
            }
            (Language::En, None) => {
                format!("{title} by {by}: {group} is the greatest with {part}; no share moved by a point or more.")
            }
            (Language::Zh, Some((other, shift))) => {
                format!("{title}按{by}：{group} 最大，占 {part}；{other} 的占比变化最大，{shift}。")
            }
            (Language::Zh, None) => format!("{title}按{by}：{group} 最大，占 {part}；占比变化均不足 1 个百分点。"),
        })
    }

    /// That the period is not over.
    pub fn not_over(self) -> &'static str {
        self.of(
            "This period is not over: its values are those so far, and it is compared with whole periods.",
            "本期尚未结束：数值为截至目前，对比对象为完整周期。",
        )
    }

    /// How changes of quotients are told.
    pub fn method(self) -> &'static str {
        self.of(
            "Rates and mix: with shares w of the denominator and rates r of a group, and R of the whole, each at the midpoint of both periods, the rate effect is w·Δr and the mix effect Δw·(r − R). They sum to the change of the whole.",
            "率与结构：w 为组在分母中的占比，r 为组的率，R 为总体的率（均取两期中点），率效应 = w·Δr，结构效应 = Δw·(r − R)，合计等于总体变化。",
        )
    }
}
