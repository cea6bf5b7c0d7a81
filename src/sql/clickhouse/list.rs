//! Lists of a group's rows.

use sqlparser::ast::Expr;

use super::ClickHouse;
use crate::sql::build::{self, Neighbour, call};
use crate::sql::dialect::{Calendar, Items, Lists};

/// A function of higher order over lists.
fn higher(name: &str, items: Items<'_>, body: Expr) -> Expr {
    let names: Vec<&str> = items.iter().map(|(name, _)| *name).collect();
    let lists = items.iter().map(|(_, list)| list.clone());
    call(name, std::iter::once(build::lambda_of(&names, body)).chain(lists).collect())
}

impl Lists for ClickHouse {
    fn collect(&self, value: Expr, nullable: bool) -> Expr {
        if !nullable {
            return call("groupArray", vec![value]);
        }
        // Nulls alone would be left out.
        let kept = call("groupArray", vec![call("tuple", vec![value])]);
        call("arrayMap", vec![build::lambda("x", self.part(build::ident_expr("x"), 0)), kept])
    }

    fn sorted(&self, list: Expr) -> Expr {
        call("arraySort", vec![list])
    }

    fn sorted_by(&self, items: Items<'_>, key: Vec<Expr>) -> Expr {
        higher("arraySort", items, build::tuple(key))
    }

    fn map(&self, items: Items<'_>, made: Expr) -> Expr {
        higher("arrayMap", items, made)
    }

    fn filter(&self, items: Items<'_>, condition: Expr) -> Expr {
        higher("arrayFilter", items, condition)
    }

    fn fill(&self, items: Items<'_>, condition: Expr) -> Expr {
        higher("arrayFill", items, condition)
    }

    fn fill_back(&self, items: Items<'_>, condition: Expr) -> Expr {
        higher("arrayReverseFill", items, condition)
    }

    fn beside(&self, list: Expr, which: Neighbour, other: Expr) -> Expr {
        // These leave a list without items alone, unlike pushing and popping.
        let name = match which {
            Neighbour::Before => "arrayShiftRight",
            Neighbour::After => "arrayShiftLeft",
        };
        call(name, vec![list, build::number(1), other])
    }

    fn running_sum(&self, list: Expr) -> Expr {
        call("arrayCumSum", vec![list])
    }

    fn places(&self, list: Expr) -> Expr {
        call("arrayEnumerate", vec![list])
    }

    fn zip(&self, lists: Vec<Expr>) -> Expr {
        call("arrayZip", lists)
    }

    fn part(&self, tuple: Expr, at: usize) -> Expr {
        call("tupleElement", vec![tuple, build::number(at + 1)])
    }

    fn remainder(&self, of: Expr, by: Expr) -> Expr {
        call("positiveModulo", vec![of, by])
    }

    fn milliseconds(&self, at: Expr) -> Expr {
        call("toUnixTimestamp64Milli", vec![at])
    }

    fn instant(&self, milliseconds: Expr, calendar: Calendar) -> Expr {
        call("fromUnixTimestamp64Milli", vec![milliseconds, build::text(calendar.zone.name())])
    }
}
