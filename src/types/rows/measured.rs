//! What experiments measure of each unit: the amounts that their metrics are made of, after the exposure and before it.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::types::behaviour::Behaviour;
use crate::types::experiment::{Experiment, Listed, Measured, Quotient, column};
use crate::types::formula::{Amount, Measurable, What};
use crate::types::made::{Made, MadeOf};
use crate::types::model::{ColumnId, Metric, MetricId, RowExpr, RowExprKind, RowSet, TableId, Type};
use crate::types::{Origin, Table, Unit, ValueType};
use crate::value::{Carried, Function, Taken, Value};

use super::RowSets;
use super::cohort::plain_column;
use super::derived::Own;
use super::experiment::later_rows;
use super::union::internal;

/// Where an amount of each unit is found: its column after the exposure, and the one before it.
struct Place {
    after: usize,
    before: Option<usize>,
}

impl RowSets<'_> {
    /// Makes the table of an experiment's units, once its metrics are known.
    pub fn measure_units(
        &mut self,
        place: usize,
        found: Vec<Option<(MetricId, Option<Measurable>)>>,
        metrics: &[Metric],
        d: &mut Diagnostics,
    ) {
        let Some(Behaviour::Experiment(of)) = self.behaviours[place].clone() else { return };
        let mut of = *of;
        let Some((mut table, mut made)) = self.units_table(place, &of) else { return };
        let base = TableId(self.tables.len());
        let mut ends = vec![made.parts[0].rows.clone()];
        for (listed, found) in of.listed.iter().zip(found) {
            let Some((id, measurable)) = found else { continue };
            let Some(measurable) = measurable else {
                d.push(unmeasurable(listed, &metrics[id.0]));
                continue;
            };
            let all = measurable.of.iter().chain(measurable.by.iter().flatten());
            let parts: Option<Vec<MadeOf>> = all.map(|amount| self.rows_of_amount(&of, listed, amount, d)).collect();
            let Some(parts) = parts else { continue };
            ends.extend(parts.iter().map(|part| part.rows.clone()));
            let (span, mut parts) = (listed.name.span, parts.into_iter());
            let mut sum = |amounts: &[Amount]| -> (RowExpr, Option<RowExpr>) {
                let placed: Vec<(&Amount, Place)> = amounts
                    .iter()
                    .zip(parts.by_ref())
                    .map(|(amount, part)| (amount, add_amount(&mut table, &mut made, part, of.before.is_some())))
                    .collect();
                let after = combined(base, span, placed.iter().map(|(amount, place)| (*amount, place.after)));
                let before: Option<Vec<(&Amount, usize)>> =
                    placed.iter().map(|(amount, place)| Some((*amount, place.before?))).collect();
                (after, before.map(|before| combined(base, span, before.into_iter())))
            };
            let (over, over_before) = sum(&measurable.of);
            let under = measurable.by.as_deref().map(&mut sum);
            let (by, by_before) = under.map_or((None, None), |(after, before)| (Some(after), before));
            let metric = &metrics[id.0];
            let per = self.tables[of.entity.0].name.value.as_str();
            let unit = metric.ty.unit.clone().unwrap_or_default();
            let unit = if by.is_some() { unit } else { unit.per(&Unit::named(per)) };
            of.measured.push(Measured {
                metric: id,
                after: Quotient { of: over, by },
                before: over_before.map(|of| Quotient { of, by: by_before }),
                unit: Some(unit),
                better: metric.better,
            });
        }
        for rows in ends {
            let rows = RowSet { filters: Vec::new(), ..rows };
            made.parts.push(MadeOf { rows, values: Vec::new() });
        }
        let span = of.name.span;
        let Some(units) = self.add_made(table, made, span, d) else { return };
        self.copy_dimensions(of.exposed, units);
        of.units = Some(units);
        self.behaviours[place] = Some(Behaviour::Experiment(Box::new(of)));
    }

    /// The table of units without amounts, and what it is made of.
    fn units_table(&self, place: usize, of: &Experiment) -> Option<(Table, Made)> {
        let Origin::Made(exposed) = &self.tables[of.exposed.0].origin else { return None };
        let mut made = Made { carried: Vec::new(), ..(**exposed).clone() };
        made.parts[0].values.truncate(1);
        made.parts[0].values.push(of.variant.clone()?);
        let declared = self.names.behaviours[place];
        let own = Own { name: &declared.syntax.name, version: of.version, doc: declared.doc, span: declared.span };
        let mut table = self.windowed_table(&own, "", &made);
        // The member's column has a name that is not ours to choose.
        let free = |table: &Table, name: &str| {
            let taken = table.columns.iter().any(|column| column.name.value == name);
            if taken { format!("{name}_") } else { name.to_owned() }
        };
        let variant = free(&table, "variant");
        table.columns.push(plain_column(&own, &variant, of.variant_type()));
        let crossed = free(&table, "crossed");
        table.columns.push(plain_column(&own, &crossed, ValueType::plain(Type::Bool)));
        table.dimensions.push((of.variant_dimension(), column::VARIANT));
        table.key = vec![0];
        Some((table, made))
    }

    /// The rows of an amount, whose they are, and what is taken of each.
    fn rows_of_amount(&self, of: &Experiment, listed: &Listed, amount: &Amount, d: &mut Diagnostics) -> Option<MadeOf> {
        let span = listed.name.span;
        let (rows, by) = self.of_members("experiment", amount.rows.clone(), span, of.entity, d)?;
        let length = of.within.saturating_add(of.before.unwrap_or(0));
        let told = d.len();
        self.check_kept([&rows], length, span, d);
        if d.len() > told {
            return None;
        }
        let value = match &amount.what {
            What::Rows | What::Any => int(1, amount),
            What::Sum(value) => value.clone(),
            What::Known(value) => {
                let known = RowExprKind::Call(Function::IsNotNull, vec![value.clone()]);
                let known = RowExpr { kind: known, ty: ValueType::plain(Type::Bool), span: value.span };
                let otherwise = Some(Box::new(int(0, amount)));
                let kind = RowExprKind::Case { branches: vec![(known, int(1, amount))], otherwise };
                RowExpr { kind, ty: ValueType::plain(Type::Int), span: value.span }
            }
        };
        let taken = matches!(amount.what, What::Sum(_) | What::Known(_)).then_some(&value);
        if of.before.is_some()
            && let Some(table) = later_rows(&self.tables, &rows, taken)
        {
            d.push(
                error!(E0671, span, "the covariate of `{}` looks over the exposure: a row of `{table}` tells of what happens after its time", listed.name.value;
                    help: "leave `cuped` out, or measure this metric in an experiment without it")
                .related(amount.span, "measured here"),
            );
            return None;
        }
        let mut part = self.made_of(rows, by);
        part.values.push(value);
        Some(part)
    }
}

fn unmeasurable(listed: &Listed, metric: &Metric) -> crate::diagnostic::Diagnostic {
    error!(E0672, listed.name.span, "`{}` is no sum over users, nor the quotient of two", listed.name.value;
        help: "take a count, a sum of numbers, the number of different users, a mean, or sums, differences and one quotient of those")
    .related(metric.name.span, "the metric")
}

fn int(value: i64, amount: &Amount) -> RowExpr {
    let kind = RowExprKind::Literal(Value::Int(value));
    RowExpr { kind, ty: ValueType::plain(Type::Int), span: amount.span }
}

/// Adds the rows of an amount, and the columns for what is added up of them.
fn add_amount(table: &mut Table, made: &mut Made, part: MadeOf, before: bool) -> Place {
    let span = part.values[1].span;
    let place = made.parts.len();
    made.parts.push(part);
    let mut add = |row: usize| {
        let name = format!("{}{}", if row == 0 { "after" } else { "before" }, table.columns.len());
        let ty = ValueType::plain(Type::Float);
        let column = internal(&table.columns, &name, ty, span);
        table.columns.push(column);
        made.carried.push(Carried { of: vec![Taken { part: place, value: 1, row }] });
        table.columns.len() - 1
    };
    Place { after: add(0), before: before.then(|| add(1)) }
}

/// So many times each of some amounts, together.
fn combined<'m>(table: TableId, span: Span, amounts: impl Iterator<Item = (&'m Amount, usize)>) -> RowExpr {
    let float = || ValueType::plain(Type::Float);
    let call = |function, arguments, span| RowExpr { kind: RowExprKind::Call(function, arguments), ty: float(), span };
    let literal = |value: f64, span| RowExpr { kind: RowExprKind::Literal(Value::Float(value)), ty: float(), span };
    let value = |(amount, column): (&Amount, usize)| {
        let span = amount.span;
        let own = RowExpr { kind: RowExprKind::Column(vec![ColumnId { table, column }]), ty: float(), span };
        let value = match amount.what {
            What::Any => {
                let kind = RowExprKind::Call(Function::Greater, vec![own, literal(0.0, span)]);
                let any = RowExpr { kind, ty: ValueType::plain(Type::Bool), span };
                let otherwise = Some(Box::new(literal(0.0, span)));
                RowExpr {
                    kind: RowExprKind::Case { branches: vec![(any, literal(1.0, span))], otherwise },
                    ty: float(),
                    span,
                }
            }
            _ => own,
        };
        match amount.factor == 1.0 {
            true => value,
            false => call(Function::Multiply, vec![literal(amount.factor, span), value], span),
        }
    };
    let sum = amounts.map(value).reduce(|all, one| call(Function::Add, vec![all, one], span));
    sum.unwrap_or_else(|| literal(0.0, span))
}
