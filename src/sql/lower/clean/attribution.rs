//! Attributions: conversions, and what of each is credited to the touches before it.
//!
//! An amount is a number of its least units. A touch of weight w of all weights W gets ⌊v·w/W⌋ of v units; those that are left go one
//! each to the greatest rests of v·w/W, the earlier touch first among equal ones. So the credits are v to the last unit. All of it is
//! arithmetic on whole numbers: with v = q·W + r that is q·w + ⌊r·w/W⌋, of which no part exceeds 64 bits.

use sqlparser::ast::{BinaryOperator, Expr, Query, SelectItem};

use super::super::Lowering;
use super::{column, held, same};
use crate::plan::{Attribution, CreditModel, DataType, Function, Made, Table, Value};
use crate::sql::build::{self, Parts};
use crate::sql::lower::read::Rows;
use crate::types::attribution::{NO_TOUCH, column as place};

/// The aliases of conversions, of touches, of pairs of both, and of what is made of them.
const CONVERSIONS: &str = "c";
const TOUCHES: &str = "t";
const PAIRS: &str = "p";
const MADE: &str = "m";

/// Columns of our own: whose, when, the number of the conversion of one member; of touches the place among those of the conversion, how
/// many those are, and the time of the last; the model, the weight and the sum of all.
const BY: &str = "_by";
const AT: &str = "_at";
const NUMBER: &str = "_n";
const PLACE: &str = "_i";
const COUNT: &str = "_k";
const LAST: &str = "_last";
const TOUCHED: &str = "_touched";
const MODEL: &str = "_m";
const WEIGHT: &str = "_w";
const WEIGHTS: &str = "_ws";

/// The weight of the last touch where time decays: shares are exact to about a millionth, and the rests of millions of touches fit.
const FULL: i64 = 1 << 20;

/// The units of one conversion that is shared out: millionths.
const WHOLE: i64 = 1_000_000;

fn named(value: Expr, name: impl AsRef<str>) -> SelectItem {
    build::item(value, build::ident(name.as_ref()))
}

fn binary(a: Expr, op: BinaryOperator, b: Expr) -> Expr {
    build::nested(build::binary(a, op, b))
}

fn number(value: i64) -> Expr {
    build::number(value)
}

/// What is shared out: the column of its units in conversions, and its type.
struct Amount {
    /// `a` or `b`, which the columns that are made of it end in.
    letter: &'static str,
    /// The column of the table.
    place: usize,
    ty: DataType,
}

/// An attribution, and what is wanted of it.
struct Wanted<'a> {
    made: &'a Made,
    how: &'a Attribution,
    amounts: Vec<Amount>,
    /// The values of conversions and of touches that are carried.
    dimensions: Vec<usize>,
    touched: Vec<usize>,
}

impl Wanted<'_> {
    /// Whether what is credited of the worth of conversions is wanted.
    fn is_valued(&self) -> bool {
        self.amounts.iter().any(|amount| amount.place == place::VALUE)
    }

    /// The columns of conversions beside their keys.
    fn of_conversions(&self) -> Vec<String> {
        let value = self.is_valued().then(|| "_v".to_owned()).into_iter();
        value.chain(self.dimensions.iter().map(|at| format!("_d{at}"))).collect()
    }

    fn of_touches(&self) -> Vec<String> {
        self.touched.iter().map(|at| format!("_t{at}")).collect()
    }

    /// The names that all levels but the first have.
    fn kept(&self) -> Vec<String> {
        let own = [BY, AT, NUMBER, PLACE, MODEL].map(str::to_owned).into_iter();
        own.chain(self.of_conversions()).chain(self.of_touches()).collect()
    }
}

fn all(alias: &str, names: &[String]) -> Vec<SelectItem> {
    names.iter().map(|name| same(alias, name)).collect()
}

/// What tells conversions and models apart.
fn each_credit(alias: &str) -> Vec<Expr> {
    [BY, NUMBER, MODEL].map(|name| column(alias, name)).to_vec()
}

impl Lowering<'_> {
    /// The table of the credits: the columns named.
    pub(super) fn attribution_rows(&self, table: &Table, made: &Made, how: &Attribution, columns: &[&str]) -> Query {
        let own = table.columns.len().saturating_sub(made.carried.len());
        let wanted = |at: usize| columns.contains(&table.columns[at].name.as_str());
        let keys = [1 + usize::from(how.valued), 1];
        let carried = |part: usize| {
            let needed = made.needed(part, |at| wanted(own + at));
            needed.into_iter().filter(|value| *value >= keys[part]).collect::<Vec<_>>()
        };
        let places = [("a", place::SHARE), ("b", place::VALUE)].into_iter().filter(|(_, at)| *at < own && wanted(*at));
        let amounts =
            places.map(|(letter, at)| Amount { letter, place: at, ty: table.columns[at].ty.clone() }).collect();
        let of = Wanted { made, how, amounts, dimensions: carried(0), touched: carried(1) };
        let credits = self.shared_out(&of);
        let projection = table.columns.iter().enumerate().filter(|(at, _)| wanted(*at)).map(|(at, shown)| {
            let value = match at.checked_sub(own).map(|at| made.carried[at].of[0]) {
                None => match at {
                    0 => column(MADE, BY),
                    1 => column(MADE, AT),
                    place::MODEL => self.model_name(how),
                    _ => self.credit(&of, at),
                },
                Some(taken) if taken.part == 0 => column(MADE, &format!("_d{}", taken.value)),
                Some(taken) => {
                    let touch = build::is_not_null(column(MADE, PLACE));
                    let value = column(MADE, &format!("_t{}", taken.value));
                    let none = self.dialect.literal(&Value::String(NO_TOUCH.to_owned()), &shown.ty, self.calendar);
                    build::case(vec![(touch, value)], Some(none))
                }
            };
            build::item(value, self.name(&shown.name))
        });
        let from = Some(build::derived(credits, MADE));
        Parts { projection: projection.collect(), from, ..Parts::default() }.query()
    }

    /// The name of a row's model.
    fn model_name(&self, how: &Attribution) -> Expr {
        let name = |model: &CreditModel| build::text(model.name());
        let (last, others) = how.models.split_last().expect("at least one model");
        if others.is_empty() {
            return name(last);
        }
        let branch =
            |(at, model): (usize, &CreditModel)| (build::equal(column(MADE, MODEL), number(at as i64)), name(model));
        build::case(others.iter().enumerate().map(branch).collect(), Some(name(last)))
    }

    /// The conversions, numbered for each member: by time, then key.
    fn conversions(&self, of: &Wanted<'_>, others: bool) -> Query {
        let leaves = Rows(self.dialect);
        let part = &of.made.parts[0];
        let mut projection = vec![named(self.known(&part.values[0]), BY), named(self.instant_of(&part.rows), AT)];
        let (mut used, mut names) = (Vec::new(), vec![BY.to_owned(), AT.to_owned()]);
        if others {
            if of.is_valued() {
                let value = &part.values[1];
                projection.push(named(self.least_units(self.settled(value, &leaves), &value.ty), "_v"));
                used.push(1);
            }
            for at in &of.dimensions {
                projection.push(named(self.settled(&part.values[*at], &leaves), format!("_d{at}")));
                used.push(*at);
            }
            names.extend(of.of_conversions());
        }
        let order = held(self.order_of(&part.rows), CONVERSIONS, &mut projection);
        let rows = self.rows_of_members(part, 1, &used, projection);
        let mut projection = all(CONVERSIONS, &names);
        let number = build::window("row_number", vec![column(CONVERSIONS, BY)], order);
        projection.push(named(self.as_int(number), NUMBER));
        Parts { projection, from: Some(build::derived(rows, CONVERSIONS)), ..Parts::default() }.query()
    }

    /// The touches of each conversion, in their order.
    fn touches(&self, of: &Wanted<'_>) -> Query {
        let leaves = Rows(self.dialect);
        let part = &of.made.parts[1];
        let mut projection = vec![named(self.known(&part.values[0]), BY), named(self.instant_of(&part.rows), TOUCHED)];
        for at in &of.touched {
            projection.push(named(self.settled(&part.values[*at], &leaves), format!("_t{at}")));
        }
        let order = held(self.order_of(&part.rows), TOUCHES, &mut projection);
        let touches = self.rows_of_members(part, 1, &of.touched, projection);
        let conversions = self.conversions(of, false);
        let (at, touched) = (column(CONVERSIONS, AT), column(TOUCHES, TOUCHED));
        let before = build::binary(touched.clone(), BinaryOperator::LtEq, at.clone());
        let inside = self.is_within(of.how.within, touched.clone(), at);
        let each = || [BY, NUMBER].map(|name| column(CONVERSIONS, name)).to_vec();
        let mut projection = vec![same(CONVERSIONS, BY), same(CONVERSIONS, NUMBER), same(TOUCHES, TOUCHED)];
        projection.extend(of.of_touches().iter().map(|name| same(TOUCHES, name)));
        let place = self.as_int(build::window("row_number", each(), order));
        projection.push(named(self.dialect.optional(place, &DataType::Int), PLACE));
        projection.push(named(self.as_int(build::over(build::call("count", vec![touched.clone()]), each())), COUNT));
        projection.push(named(build::over(build::call("max", vec![touched]), each()), LAST));
        let from = Some(build::derived(conversions, CONVERSIONS));
        let condition = build::equal(column(CONVERSIONS, BY), column(TOUCHES, BY));
        let joins = vec![build::inner_join(build::derived(touches, TOUCHES), condition)];
        let filter = build::all([before, inside]);
        Parts { projection, from, joins, filter, ..Parts::default() }.query()
    }

    /// Each conversion with each of its touches, or none, once for each model, with the weight of the touch; those that have none
    /// are left out.
    fn weighed(&self, of: &Wanted<'_>) -> Query {
        let mut projection = [BY, AT, NUMBER].map(|name| same(CONVERSIONS, name)).to_vec();
        projection.extend(all(CONVERSIONS, &of.of_conversions()));
        projection.extend([PLACE, COUNT, LAST, TOUCHED].map(|name| same(PAIRS, name)));
        projection.extend(all(PAIRS, &of.of_touches()));
        let models = number(of.how.models.len() as i64);
        projection.push(named(self.dialect.explode(self.dialect.numbers_below(models)), MODEL));
        let equal = [BY, NUMBER].map(|name| build::equal(column(CONVERSIONS, name), column(PAIRS, name)));
        let condition = build::all(equal).unwrap_or_else(build::null);
        let joins = vec![build::left_join(build::derived(self.touches(of), PAIRS), condition)];
        let from = Some(build::derived(self.conversions(of, true), CONVERSIONS));
        let paired = Parts { projection, from, joins, ..Parts::default() }.query();
        let mut projection = all(PAIRS, &of.kept());
        projection.push(named(self.as_int(self.weight(of.how)), WEIGHT));
        let weighed = Parts { projection, from: Some(build::derived(paired, PAIRS)), ..Parts::default() }.query();
        let mut projection = all(MADE, &of.kept());
        projection.push(same(MADE, WEIGHT));
        let filter = Some(build::binary(column(MADE, WEIGHT), BinaryOperator::Gt, number(0)));
        Parts { projection, from: Some(build::derived(weighed, MADE)), filter, ..Parts::default() }.query()
    }

    /// The weight of a touch in its model; 1 where there is none, and all goes there.
    fn weight(&self, how: &Attribution) -> Expr {
        let of = |name: &str| column(PAIRS, name);
        let one_if = |condition: Expr| build::case(vec![(condition, number(1))], Some(number(0)));
        let weight = |model: &CreditModel| match model {
            CreditModel::First => one_if(build::equal(of(PLACE), number(1))),
            CreditModel::Last => one_if(build::equal(of(PLACE), of(COUNT))),
            CreditModel::Linear => number(1),
            CreditModel::Position => {
                // 2 / 5 to both ends and 1 / 5 to the k - 2 between are 2 (k - 2) parts to 1; of two, each gets the half.
                let is_end = build::in_list(of(PLACE), vec![number(1), of(COUNT)]);
                let many = build::binary(of(COUNT), BinaryOperator::Gt, number(2));
                let between = build::nested(build::binary(of(COUNT), BinaryOperator::Minus, number(2)));
                let end = build::binary(number(2), BinaryOperator::Multiply, between);
                build::case(vec![(build::binary(is_end, BinaryOperator::And, many), end)], Some(number(1)))
            }
            CreditModel::TimeDecay(half_life) => self.decayed(*half_life),
        };
        let mut branches = vec![(build::is_null(of(PLACE)), number(1))];
        let (last, others) = how.models.split_last().expect("at least one model");
        let branch = |(at, model): (usize, &CreditModel)| (build::equal(of(MODEL), number(at as i64)), weight(model));
        branches.extend(others.iter().enumerate().map(branch));
        build::case(branches, Some(weight(last)))
    }

    /// 2^(-age / half-life) of the last touch's weight, as a whole number.
    fn decayed(&self, half_life: i64) -> Expr {
        let (instant, duration, float, int) =
            (&DataType::Timestamp, &DataType::Duration, &DataType::Float, &DataType::Int);
        let literal = |value: Value, ty: &DataType| self.dialect.literal(&value, ty, self.calendar);
        let age = vec![(column(PAIRS, TOUCHED), instant), (column(PAIRS, LAST), instant)];
        let age = self.call(Function::Subtract, age, duration);
        let length = literal(Value::Duration(half_life), duration);
        let halvings = self.call(Function::Divide, vec![(age, duration), (length, duration)], float);
        let share =
            self.call(Function::Power, vec![(literal(Value::Float(2.0), float), float), (halvings, float)], float);
        let full = literal(Value::Float(FULL as f64), float);
        let weight = self.call(Function::Multiply, vec![(full, float), (share, float)], float);
        let whole = self.call(Function::Round, vec![(weight, float)], float);
        self.call(Function::Cast, vec![(whole, float)], int)
    }

    /// The rows with what each gets of each amount: `_f` units, and `_r` by which those that are left are given away.
    fn shared_out(&self, of: &Wanted<'_>) -> Query {
        let kept = of.kept();
        let level = |alias: &str, from: Query, names: &[String], more: Vec<SelectItem>| {
            let projection = all(alias, names).into_iter().chain(more).collect();
            Parts { projection, from: Some(build::derived(from, alias)), ..Parts::default() }.query()
        };
        let weighed = self.weighed(of);
        let weights = build::over(build::call("sum", vec![column(MADE, WEIGHT)]), each_credit(MADE));
        let with = |names: &[&str]| {
            kept.iter().cloned().chain(names.iter().map(|name| (*name).to_owned())).collect::<Vec<_>>()
        };
        let summed = level(MADE, weighed, &with(&[WEIGHT]), vec![named(self.as_int(weights), WEIGHTS)]);
        let modulo = |a: Expr, b: Expr| binary(a, BinaryOperator::Modulo, b);
        let (weight, weights) = (|| column(MADE, WEIGHT), || column(MADE, WEIGHTS));
        let mut parts = Vec::new();
        for amount in &of.amounts {
            let size = || self.size(amount);
            let whole = binary(self.dialect.whole_quotient(size(), weights()), BinaryOperator::Multiply, weight());
            let rest = || binary(modulo(size(), weights()), BinaryOperator::Multiply, weight());
            let floor = binary(whole, BinaryOperator::Plus, self.dialect.whole_quotient(rest(), weights()));
            parts.push(named(self.as_int(floor), format!("_f{}", amount.letter)));
            parts.push(named(self.as_int(modulo(rest(), weights())), format!("_r{}", amount.letter)));
        }
        let floored = level(MADE, summed, &kept, parts);
        let mut given = Vec::new();
        for amount in &of.amounts {
            let (floor, rest) = (format!("_f{}", amount.letter), format!("_r{}", amount.letter));
            given.push(same(MADE, &floor));
            let order =
                vec![build::sort(column(MADE, &rest), true, true), build::sort(column(MADE, PLACE), false, true)];
            let rank = self.as_int(build::window("row_number", each_credit(MADE), order));
            given.push(named(rank, format!("_rank{}", amount.letter)));
            let sum = build::over(build::call("sum", vec![column(MADE, &floor)]), each_credit(MADE));
            given.push(named(self.as_int(sum), format!("_given{}", amount.letter)));
        }
        level(MADE, floored, &kept, given)
    }

    /// A whole number of 64 bits, whatever the engine makes of counts and sums.
    fn as_int(&self, value: Expr) -> Expr {
        self.dialect.settle(value, &DataType::Int)
    }

    /// The units of an amount, without their sign.
    fn size(&self, amount: &Amount) -> Expr {
        match amount.place {
            place::SHARE => self.dialect.literal(&Value::Int(WHOLE), &DataType::Int, self.calendar),
            _ => self.call(Function::Abs, vec![(column(MADE, "_v"), &DataType::Int)], &DataType::Int),
        }
    }

    /// What a row gets of an amount, with its sign and its digits.
    fn credit(&self, of: &Wanted<'_>, at: usize) -> Expr {
        let amount = of.amounts.iter().find(|amount| amount.place == at).expect("a wanted amount");
        let own = |name: &str| column(MADE, &format!("{name}{}", amount.letter));
        let left = binary(self.size(amount), BinaryOperator::Minus, own("_given"));
        let more =
            build::case(vec![(build::binary(own("_rank"), BinaryOperator::LtEq, left), number(1))], Some(number(0)));
        let units = binary(own("_f"), BinaryOperator::Plus, more);
        let units = match at {
            place::SHARE => units,
            _ => {
                let negative = build::binary(column(MADE, "_v"), BinaryOperator::Lt, number(0));
                build::case(vec![(negative, build::negate(units.clone()))], Some(units))
            }
        };
        self.of_least_units(units, &amount.ty)
    }

    /// An amount as a number of its least units.
    fn least_units(&self, value: Expr, ty: &DataType) -> Expr {
        let DataType::Decimal { scale, .. } = ty else { return value };
        let wide = DataType::Decimal { precision: 38, scale: *scale };
        let one = DataType::Decimal { precision: 19, scale: 0 };
        let factor = Value::Decimal(10_i128.pow(u32::from(*scale)));
        let factor = self.dialect.literal(&factor, &one, self.calendar);
        let units = self.call(Function::Multiply, vec![(value, ty), (factor, &one)], &wide);
        self.call(Function::Cast, vec![(units, &wide)], &DataType::Int)
    }

    /// An amount of so many least units.
    fn of_least_units(&self, units: Expr, ty: &DataType) -> Expr {
        let DataType::Decimal { scale, .. } = ty else {
            return self.call(Function::Cast, vec![(units, &DataType::Int)], ty);
        };
        let whole = DataType::Decimal { precision: 19, scale: 0 };
        let wide = DataType::Decimal { precision: 38, scale: *scale };
        let least = DataType::Decimal { precision: 19, scale: *scale };
        let units = self.call(Function::Cast, vec![(units, &DataType::Int)], &whole);
        let unit = self.dialect.literal(&Value::Decimal(1), &least, self.calendar);
        let value = self.call(Function::Multiply, vec![(units, &whole), (unit, &least)], &wide);
        self.call(Function::Cast, vec![(value, &wide)], ty)
    }
}
