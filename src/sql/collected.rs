//! What a dialect does with the rows of a group, such as all rows of a member, once they are together: computing with lists item by item,
//! or walking along them with functions of its own. Either takes less than windows over all rows, sorted.

use sqlparser::ast::Expr;

use super::build;
use super::dialect::Calendar;

/// What an engine does with the rows of a group.
pub enum Collected<'a> {
    /// It computes with lists, item by item.
    Lists(&'a dyn Lists),
    /// It walks along them.
    Walks(&'a dyn Walks),
}

/// The items of lists of one length, side by side: each with the name of its variable.
pub type Items<'a> = &'a [(&'a str, Expr)];

/// The functions of lists: a member's rows as lists take less than windows over sorted rows. An item is never null, unless that is said.
pub trait Lists: Sync {
    /// An aggregate: the values of a group's rows. Of one group all lists have one order. Items may be null if the value may.
    fn collect(&self, value: Expr, nullable: bool) -> Expr;

    /// The list, ascending.
    fn sorted(&self, list: Expr) -> Expr;

    /// The first list, ordered by what the items beside each other make.
    fn sorted_by(&self, items: Items<'_>, key: Vec<Expr>) -> Expr;

    /// What the items beside each other make.
    fn map(&self, items: Items<'_>, made: Expr) -> Expr;

    /// Those of the first list for which a condition holds.
    fn filter(&self, items: Items<'_>, condition: Expr) -> Expr;

    /// The first list, with the item before in place of each for which the condition does not hold; the first one stays.
    fn fill(&self, items: Items<'_>, condition: Expr) -> Expr;

    /// The list, with the next item for which a condition holds in place of each other; the last one stays.
    fn fill_back(&self, items: Items<'_>, condition: Expr) -> Expr;

    /// The list, each item one place later or earlier; at the free place the other one.
    fn beside(&self, list: Expr, which: build::Neighbour, other: Expr) -> Expr;

    /// The sums of the numbers up to each.
    fn running_sum(&self, list: Expr) -> Expr;

    /// The place of each item, from 1 on.
    fn places(&self, list: Expr) -> Expr;

    /// The items beside each other, as tuples.
    fn zip(&self, lists: Vec<Expr>) -> Expr;

    /// A part of a tuple, from 0 on.
    fn part(&self, tuple: Expr, at: usize) -> Expr;

    /// The remainder of a division by a positive number, never negative.
    fn remainder(&self, of: Expr, by: Expr) -> Expr;

    /// An instant as a number of milliseconds, which is smaller in a list.
    fn milliseconds(&self, at: Expr) -> Expr;

    /// The instant of a number of milliseconds.
    fn instant(&self, milliseconds: Expr, calendar: Calendar) -> Expr;
}

/// The rows that chains are found among: attempts to go through steps one after the other, of one row each.
pub struct Chains {
    /// When a row lies.
    pub at: Expr,
    /// Which step it is of, from 0 on; rows of none have null.
    pub step: Expr,
    /// How many steps there are.
    pub steps: usize,
    /// Whether a row goes on only from an earlier instant; otherwise from its own one, too.
    pub increasing: bool,
    /// What is carried of the rows of step 0.
    pub carried: Vec<Expr>,
}

/// The rows that the steps of paths are made of.
pub struct Paths {
    /// When a row lies.
    pub at: Expr,
    /// Its name.
    pub name: Expr,
    /// What orders rows of one instant before their names do, ascending, nulls last.
    pub order: Vec<Expr>,
    /// Whether a path may start at the row; none where each may.
    pub starts: Option<Expr>,
    /// Whether a path ends at the row; none where only sessions end them.
    pub ends: Option<Expr>,
    /// The longest pause within a session, in milliseconds.
    pub session: i64,
    /// Whether a row that repeats the name of the one before is left out.
    pub merge: bool,
    /// How many steps of a path are told.
    pub depth: u32,
    /// What is carried of each row.
    pub carried: Vec<Expr>,
}

/// Aggregates that walk along the rows of a group and give a list of tuples, whose parts [`Walks::part`] takes.
pub trait Walks: Sync {
    /// A tuple for each row of step 0: when it lies, the list of the instants at which the earliest chain from it reaches the further
    /// steps, as far as it comes, and what is carried.
    fn chains(&self, of: Chains) -> Expr;

    /// A tuple for each step of a path: when its path starts, its name, its place from 1 on, the next name (null for the last one and at
    /// an end), the number of its session, and what is carried.
    fn paths(&self, of: Paths) -> Expr;

    /// A part of a tuple, from 0 on.
    fn part(&self, tuple: Expr, at: usize) -> Expr;

    /// An item of a list, from 0 on; null where there are not so many.
    fn item(&self, list: Expr, at: usize) -> Expr;
}
