//! Segments: `segment rfm of user { measure f = count(order over 90d); score 5; class often when f >= 4; class other }`

use std::sync::Arc;

use crate::diagnostic::{Diagnostics, Severity, Span, Spanned};
use crate::error;
use crate::resolve::Declared;
use crate::syntax::ast::{self, ItemKind};
use crate::types::items::Items;
use crate::types::made::{Made, MadeOf};
use crate::types::model::{
    ColumnId, Encoding, RowExpr, RowExprKind, RowSet, Sensitivity, Table, TableId, Type, ValueType,
};
use crate::types::predicate;
use crate::types::segment::{Behind, Segment, column};
use crate::types::size::{Size, too_large};
use crate::types::{Column, Dimension, History, Origin, RowScope, check_predicate};
use crate::value::{Function, How, Segment as Parameters, SegmentDays, Value};

use super::RowSets;
use super::derived::{Own, moved};
use super::measure::Measure;
use super::union::internal;

/// How many scores there may be.
const SCORES: std::ops::RangeInclusive<i64> = 2..=100;

/// The items of a segment, as they are written.
struct Written<'a> {
    measures: Vec<(&'a ast::Name, &'a ast::Value)>,
    classes: Vec<(&'a ast::Name, Option<&'a ast::Expr>)>,
    score: Option<&'a Spanned<i64>>,
}

impl<'a> Written<'a> {
    fn of(syntax: &'a ast::Block) -> Written<'a> {
        let mut written = Written { measures: Vec::new(), classes: Vec::new(), score: None };
        for item in &syntax.items {
            match &item.kind {
                ItemKind::Measure { name, value } => written.measures.push((name, value)),
                ItemKind::Class { name, when } => written.classes.push((name, when.as_ref())),
                ItemKind::Score(count) => written.score = written.score.or(Some(count)),
                _ => {}
            }
        }
        written
    }

    /// The names of the classes, which are the values of the segment.
    fn names(&self) -> Arc<Vec<String>> {
        let mut names: Vec<String> = Vec::with_capacity(self.classes.len());
        for (name, _) in &self.classes {
            if !names.contains(&name.value) {
                names.push(name.value.clone());
            }
        }
        Arc::new(names)
    }
}

impl<'a> RowSets<'a> {
    /// Makes the tables of segments, still without what they are made of: conditions on rows may name a segment before its own rows
    /// are known.
    pub fn declare_segments(&mut self, d: &mut Diagnostics) {
        for place in 0..self.names.behaviours.len() {
            let declared = self.names.behaviours[place];
            let syntax = declared.syntax;
            // What is wrong with its entity is told where the segment is typed.
            let entity = match syntax.keyword.value == "segment" {
                true => self.entity_of(syntax, &mut Diagnostics::new()),
                false => None,
            };
            let Some((entity, key)) = entity.and_then(|entity| Some((entity, *self.tables[entity.0].key.first()?)))
            else {
                continue;
            };
            let table = self.segment_table(declared, entity, key);
            // Of several versions paths lead to the one that the name means.
            if self.names.behaviour(&syntax.name, None) == Some(place) {
                self.lead_to(table, entity, key, &syntax.name, d);
            }
            self.segments.insert(place, table);
        }
    }

    fn segment_table(&mut self, declared: Declared<'a, ast::Block>, entity: TableId, key: usize) -> TableId {
        let (own, written) = (Own::of(declared), Written::of(declared.syntax));
        let mut table = self.empty(None, || own.name.value.clone(), own.span);
        table.doc = own.doc.map(str::to_owned);
        let member = &self.tables[entity.0].columns[key];
        let class = ValueType { nullable: true, ..ValueType::plain(Type::Enum(written.names())) };
        let mut columns = vec![
            (member.name.value.clone(), ValueType { nullable: false, ..member.ty.clone() }),
            ("day".to_owned(), ValueType::plain(Type::Date)),
            ("class".to_owned(), class),
        ];
        let taken = |name: &str| written.measures.iter().any(|(measure, _)| measure.value == name);
        for (name, _) in &mut columns {
            while taken(name) {
                name.push('_');
            }
        }
        for (name, ty) in columns {
            let column = internal(&table.columns, &name, ty, own.name.span);
            table.columns.push(column);
        }
        for (name, _) in written.measures {
            let ty = ValueType { nullable: true, ..ValueType::plain(Type::Null) };
            let mut column = internal(&table.columns, &name.value, ty, name.span);
            column.internal = false;
            table.columns.push(column);
        }
        table.key = vec![column::MEMBER];
        table.history = Some(History::Snapshot { day: column::DAY });
        let how = Parameters { measures: Vec::new(), scores: None, days: SegmentDays::Asked };
        table.origin = Origin::Made(Box::new(made(Vec::new(), how)));
        self.depths.push(1);
        self.tables.push(table);
        TableId(self.tables.len() - 1)
    }

    /// Lets paths through an entity lead to a segment of it.
    fn lead_to(&mut self, segment: TableId, entity: TableId, key: usize, name: &ast::Name, d: &mut Diagnostics) {
        let of = &self.tables[entity.0];
        if let Some(other) = of.columns.iter().find(|column| !column.internal && column.name == *name) {
            d.push(
                error!(E0202, name.span, "`{}` has a column `{}` already", of.name.value, name.value; help: "rename the segment")
                    .related(other.name.span, "the column"),
            );
            return;
        }
        let key = ColumnId { table: entity, column: key };
        let computed = RowExpr { span: name.span, ..self.column_expr(key) };
        let ty = ValueType { ty: Type::Entity(segment), ..computed.ty.clone() };
        self.tables[entity.0].columns.push(Column {
            name: name.clone(),
            doc: None,
            ty,
            encoding: Encoding::Native,
            computed: Some(computed),
            size: Size::default(),
            internal: true,
        });
    }

    /// Types a segment.
    pub(super) fn segment(
        &mut self,
        place: usize,
        declared: Declared<'a, ast::Block>,
        d: &mut Diagnostics,
    ) -> Option<Segment> {
        let syntax = declared.syntax;
        let told = d.len();
        let entity = self.entity_of(syntax, d);
        let written = Written::of(syntax);
        check_items(syntax, d);
        let scores = self.scores(&written, d);
        let mut measures = Vec::with_capacity(written.measures.len());
        for (name, value) in &written.measures {
            measures.extend(entity.and_then(|entity| self.measure(name, value, entity, d)));
        }
        if written.measures.is_empty() {
            d.push(error!(E0206, syntax.name.span, "the segment has no `measure`"; help: "add `measure orders = count(order over 90d)`"));
        }
        let (entity, table) = (entity?, *self.segments.get(&place)?);
        if measures.len() < written.measures.len() {
            return None;
        }
        for (at, measure) in measures.iter().enumerate() {
            let ty = match scores {
                Some(Some(_)) => ValueType { nullable: measure.ty.nullable, ..ValueType::plain(Type::Int) },
                _ => measure.ty.clone(),
            };
            self.tables[table.0].columns[column::MEASURES + at].ty = ty;
        }
        let class = self.classes(&written, table, scores.flatten(), d)?;
        if d.iter().skip(told).any(|found| found.severity() == Severity::Error) {
            return None;
        }
        let how = Parameters {
            measures: measures.iter().map(|measure| measure.how).collect(),
            scores: scores?.map(|scores| scores as u32),
            days: SegmentDays::Asked,
        };
        self.fill_segment(declared, (entity, table), class, measures, how, d)
    }

    /// Gives the tables of a segment what they are made of.
    fn fill_segment(
        &mut self,
        declared: Declared<'a, ast::Block>,
        (entity, table): (TableId, TableId),
        class: RowExpr,
        measures: Vec<Measure>,
        how: Parameters,
        d: &mut Diagnostics,
    ) -> Option<Segment> {
        let own = Own::of(declared);
        let key = ColumnId { table: entity, column: *self.tables[entity.0].key.first()? };
        let members = MadeOf {
            rows: RowSet { base: entity, filters: Vec::new(), dated: None },
            values: vec![self.column_expr(key)],
        };
        let spans = measures.iter().map(|measure| measure.span).collect();
        let parts: Vec<MadeOf> =
            std::iter::once(members).chain(measures.into_iter().map(|measure| measure.part)).collect();
        let size = class.size(&self.tables);
        let of = &mut self.tables[table.0].columns[column::CLASS];
        (of.ty, of.size, of.computed) = (class.ty.clone(), size, Some(class));
        let revised = parts.iter().filter_map(|part| self.tables[part.rows.base.0].revised).max();
        self.tables[table.0].revised = revised;
        // All members as of the start of every day, of which buckets take the first.
        let mut all = self.empty(None, || format!("{}_members", own.name.value), own.span);
        let id = TableId(self.tables.len());
        all.columns = self.tables[table.0].columns.iter().map(|column| moved(column, table, id, None)).collect();
        all.columns[column::MEMBER].ty.ty = Type::Entity(entity);
        all.columns[column::DAY].ty = ValueType::plain(Type::Timestamp);
        all.time = Some(column::DAY);
        all.key = vec![column::MEMBER, column::DAY];
        let days = Parameters { days: SegmentDays::All, ..how.clone() };
        self.tables[table.0].origin = Origin::Made(Box::new(made(parts.clone(), how)));
        let written = Written::of(declared.syntax);
        let names = std::iter::once("class").chain(written.measures.iter().map(|(name, _)| name.as_str()));
        all.dimensions =
            names.enumerate().map(|(at, name)| (format!("{}.{name}", own.name.value), column::CLASS + at)).collect();
        let all = self.add_made(all, made(parts, days), own.span, d)?;
        Some(Segment {
            name: own.name.clone(),
            version: own.version,
            entity,
            table,
            all,
            measures: spans,
            by: Vec::new(),
        })
    }

    /// How many scores there are: an inner none where none are asked for.
    fn scores(&self, written: &Written<'a>, d: &mut Diagnostics) -> Option<Option<i64>> {
        let Some(score) = written.score else { return Some(None) };
        if !SCORES.contains(&score.value) {
            let (least, most) = (SCORES.start(), SCORES.end());
            d.push(error!(E0681, score.span, "there are from {least} to {most} scores"; help: "write `score 5`"));
            return None;
        }
        Some(Some(score.value))
    }

    /// The class of a row of the table: of the first condition that is true.
    fn classes(
        &self,
        written: &Written<'a>,
        table: TableId,
        scores: Option<i64>,
        d: &mut Diagnostics,
    ) -> Option<RowExpr> {
        let of = &self.tables[table.0];
        let scope = RowScope { tables: &self.tables, base: table, zone: self.zone };
        let names = written.names();
        let ty = ValueType::plain(Type::Enum(names));
        let value = |name: &ast::Name| RowExpr {
            kind: RowExprKind::Literal(Value::String(name.value.clone())),
            ty: ty.clone(),
            span: name.span,
        };
        let (mut branches, mut otherwise, mut sound) = (Vec::new(), None::<&ast::Name>, true);
        let mut used = vec![false; written.measures.len()];
        for (name, when) in &written.classes {
            if let Some(first) = otherwise {
                d.push(
                    error!(E0697, name.span, "no member is ever in the class `{}`: all others are in `{}` already", name.value, first.value;
                        help: "put the class without `when` last")
                    .related(first.span, "holds for all"),
                );
                // What its condition names is used.
                used.fill(true);
                continue;
            }
            let Some(when) = when else {
                otherwise = Some(name);
                continue;
            };
            let Some(condition) = check_predicate(&scope, when, d) else {
                sound = false;
                continue;
            };
            condition.walk(&mut |part| {
                if let RowExprKind::Column(path) = &part.kind {
                    let measures = path.iter().filter_map(|id| id.column.checked_sub(column::MEASURES));
                    measures.for_each(|measure| used[measure] = true);
                }
            });
            if let Some(scores) = scores
                && never_scored(&condition, scores)
            {
                d.push(error!(E0697, when.span, "no member is ever in the class `{}`: scores are from 1 to {scores}", name.value;
                    help: "compare with scores that there are"));
            }
            branches.push((condition, value(name)));
        }
        if written.classes.is_empty() {
            d.push(error!(E0206, of.name.span, "the segment has no `class`"; help: "add `class often when orders >= 3`, and `class other` for the rest"));
            return None;
        }
        for ((name, _), _) in written.measures.iter().zip(used).filter(|(_, used)| sound && !used) {
            d.push(error!(E0697, name.span, "no class asks for the measure `{}`", name.value; help: "use it in a condition, or leave it out"));
        }
        let ty = ValueType { nullable: otherwise.is_none(), ..ty.clone() };
        let otherwise = otherwise.map(value);
        let span = of.name.span;
        let class = match (branches.is_empty(), otherwise) {
            (true, Some(only)) => only,
            (_, otherwise) => {
                let kind = RowExprKind::Case { branches, otherwise: otherwise.map(Box::new) };
                RowExpr { kind, ty, span }
            }
        };
        (sound && !too_large(class.size(&self.tables), "this segment", span, d)).then_some(class)
    }

    /// Tells segments whose measures are of rows that ask for the segment itself, or for metrics, which may ask for anything. They are
    /// left empty.
    pub(super) fn check_cycles_of_segments(&mut self, d: &mut Diagnostics) {
        for place in 0..self.behaviours.len() {
            let Some(crate::types::behaviour::Behaviour::Segment(segment)) = &self.behaviours[place] else { continue };
            let segment = segment.clone();
            let Origin::Made(made) = &self.tables[segment.table.0].origin else { continue };
            let mut broken = false;
            for (part, span) in made.parts.iter().skip(1).zip(&segment.measures) {
                let mut behind = Behind::default();
                behind.rows(&self.tables, &part.rows, &part.values);
                let name = &segment.name.value;
                let own = [segment.table, segment.all].iter().any(|table| behind.tables.contains(table));
                if own {
                    d.push(error!(E0680, *span, "the rows of this measure ask for `{name}`, which is made of them";
                        help: "measure rows that do not depend on the segment"));
                } else if behind.asks_metrics {
                    d.push(error!(E0680, *span, "the rows of this measure are told by a metric of their group";
                        help: "leave the condition on the metric out: measure it instead, and ask for it in a class"));
                }
                broken |= own || behind.asks_metrics;
            }
            if broken {
                for table in [segment.table, segment.all] {
                    if let Origin::Made(made) = &mut self.tables[table.0].origin {
                        made.parts.clear();
                    }
                }
                self.behaviours[place] = None;
            }
        }
    }

    /// Whether a value asks for a segment that is made of the rows of a table: a column of it would be made of itself.
    pub(super) fn asks_segment_of(&self, value: &RowExpr, table: TableId) -> bool {
        let mut behind = Behind::default();
        behind.expr(&self.tables, value);
        behind.tables.contains(&table)
    }

    /// What segments have beside the dimensions of their members: `rfm.class`, `rfm.r`.
    pub(super) fn dimensions_of_segments(&self) -> Vec<Dimension> {
        let segments = self.behaviours.iter().flatten().filter_map(|behaviour| match behaviour {
            crate::types::behaviour::Behaviour::Segment(segment) => Some(segment),
            _ => None,
        });
        let mut all = Vec::new();
        for segment in segments {
            let table: &Table = &self.tables[segment.all.0];
            for (name, place) in &table.dimensions {
                let column = &table.columns[*place];
                if !name.starts_with(&format!("{}.", segment.name.value)) || matches!(column.ty.ty, Type::Float) {
                    continue;
                }
                all.push(Dimension {
                    name: Spanned::new(name.clone(), column.name.span),
                    version: segment.version,
                    doc: None,
                    title: None,
                    ty: column.ty.clone(),
                    bindings: Vec::new(),
                    otherwise: None,
                    values: None,
                    span: segment.name.span,
                });
            }
        }
        all
    }
}

fn made(parts: Vec<MadeOf>, how: Parameters) -> Made {
    Made { parts, how: How::Segment(how), carried: Vec::new(), grouped: Vec::new(), others: Vec::new(), certain: 1 }
}

/// Items of other forms, and texts that are none.
fn check_items(syntax: &ast::Block, d: &mut Diagnostics) {
    let own = |item: &&ast::Item| {
        !matches!(item.kind, ItemKind::Measure { .. } | ItemKind::Class { .. } | ItemKind::Score(_))
    };
    let others: Vec<ast::Item> = syntax.items.iter().filter(own).cloned().collect();
    let texts = ["title", "title_en", "owner"];
    let items = Items::read("segment", &others, &["title", "title_en", "owner", "by"], &[], d);
    items.check_texts(&texts, d);
    let scores: Vec<Span> =
        syntax.items.iter().filter(|item| matches!(item.kind, ItemKind::Score(_))).map(|item| item.span).collect();
    if let [first, second, ..] = scores.as_slice() {
        d.push(error!(E0681, *second, "`score` stands twice"; help: "keep one of them").related(*first, "first here"));
    }
}

/// Whether a condition is true for no scores from 1 to the greatest one.
fn never_scored(condition: &RowExpr, scores: i64) -> bool {
    let mut columns: Vec<&RowExpr> = Vec::new();
    let mut unscored = false;
    condition.walk(&mut |part| match &part.kind {
        RowExprKind::Column(_) => columns.push(part),
        // Who is not measured has no score.
        RowExprKind::Call(Function::IsNull, _) => unscored = true,
        _ => {}
    });
    // What is true of no number at all was told already.
    if unscored || predicate::exclude_each_other(&[condition]) {
        return false;
    }
    let truth = ValueType { nullable: true, ..ValueType::plain(Type::Bool) };
    let bound = |of: &RowExpr, function, limit: i64| {
        let literal = RowExpr {
            kind: RowExprKind::Literal(Value::Int(limit)),
            ty: ValueType { sensitivity: Sensitivity::Public, ..ValueType::plain(Type::Int) },
            span: of.span,
        };
        RowExpr { kind: RowExprKind::Call(function, vec![of.clone(), literal]), ty: truth.clone(), span: of.span }
    };
    let mut parts = vec![condition.clone()];
    for of in columns {
        parts.push(bound(of, Function::GreaterEqual, 1));
        parts.push(bound(of, Function::LessEqual, scores));
    }
    let refs: Vec<&RowExpr> = parts.iter().collect();
    predicate::exclude_each_other(&refs)
}
