//! Typing dimensions: one name, bound to each table that has it.

use std::sync::Arc;

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::resolve::{Declared, Names, RowName};
use crate::suggest::near;
use crate::syntax::ast::{self, ExprKind, Literal, Path};

use super::items::Items;
use super::model::{
    Binding, Dimension, DimensionId, Encoding, Hierarchy, RowExprKind, Table, TableId, TableKind, Type, ValueType,
};
use super::rows::RowSets;
use super::size::Size;
use super::type_name::{show_type, with_article};
use super::{Column, Origin, RowScope, check_row, type_name};

/// All dimensions, in the order of their declaration; none for a broken one, which has been told.
pub fn check_dimensions(
    names: &Names<'_>,
    rows: &RowSets<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<Option<Dimension>> {
    let checker = Checker { names, rows, tables: &rows.tables, zone: rows.zone };
    names.dimensions.iter().map(|declared| checker.dimension(*declared, diagnostics)).collect()
}

/// Types one dimension after the other.
pub(super) struct Checker<'a> {
    names: &'a Names<'a>,
    rows: &'a RowSets<'a>,
    pub(super) tables: &'a [Table],
    pub(super) zone: chrono_tz::Tz,
}

impl Checker<'_> {
    fn dimension(&self, declared: Declared<'_, ast::Dimension>, diagnostics: &mut Diagnostics) -> Option<Dimension> {
        let syntax = declared.syntax;
        let items =
            Items::read("dimension", &syntax.items, &["title", "title_en", "owner", "values"], &[], diagnostics);
        items.check_texts(&["title_en", "owner"], diagnostics);
        if syntax.name.value == "time" {
            diagnostics.push(
                error!(E0639, syntax.name.span, "an answer has a column `time` already: the start of the bucket";
                help: "give the dimension another name"),
            );
        }
        let mut bindings = Vec::new();
        let mut broken = false;
        for expr in &syntax.bindings {
            match self.binding(syntax, expr, diagnostics) {
                Some(binding) => bindings.push(binding),
                None => broken = true,
            }
        }
        let title = items.string("title", diagnostics);
        if broken {
            return None;
        }
        self.check_twice(syntax, &bindings, diagnostics);
        let declared_type = match &syntax.ty {
            Some(written) => Some(self.declared_type(written, diagnostics)?),
            None => None,
        };
        let mut ty = self.common_type(syntax, &bindings, declared_type, diagnostics)?;
        let otherwise = self.otherwise(syntax, &mut ty, diagnostics)?;
        let null_group =
            matches!(syntax.otherwise.as_ref().map(|expr| &expr.kind), Some(ExprKind::Literal(Literal::Null)));
        if ty.nullable && otherwise.is_none() && !null_group {
            diagnostics.push(error!(E0510, syntax.name.span, "the dimension `{}` may be null", syntax.name.value;
                help: "add `else \"unknown\"`, or `else null` to keep null as one group on purpose"));
        }
        super::flow::check_dimension(&syntax.name, &ty, syntax.name.span, diagnostics);
        ty.nullable = null_group;
        let values = self.values(&items, &ty, diagnostics);
        Some(Dimension {
            name: syntax.name.clone(),
            version: syntax.version.as_ref().map_or(1, |version| version.value),
            doc: declared.doc.map(str::to_owned),
            title,
            ty,
            bindings,
            otherwise,
            values,
            span: declared.span,
        })
    }

    fn binding(&self, dimension: &ast::Dimension, expr: &ast::Expr, diagnostics: &mut Diagnostics) -> Option<Binding> {
        if let Some(on) = &dimension.on {
            let table = self.table(on, diagnostics)?;
            let value = check_row(&self.scope(table), expr, diagnostics)?;
            return Some(Binding { table: Some(table), value, span: expr.span });
        }
        let mut first_names: Vec<(String, Span)> = Vec::new();
        prefixes(expr, &mut |path| first_names.push((path.parts[0].value.clone(), path.span)));
        let mut found: Option<TableId> = None;
        for (name, span) in &first_names {
            if name == "time" {
                continue;
            }
            let table = match self.rows.table_of(name) {
                Some(Ok(table)) => table?,
                Some(Err(())) => {
                    diagnostics.push(
                        error!(E0511, *span, "`{name}` is a subset; a dimension is bound to a source or an entity";
                        help: "name its source: the dimension then holds for every subset of it"),
                    );
                    return None;
                }
                None => {
                    let help = match near(name, self.names.row_set_names()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "write `source.column`, or `dimension d on source = …`".to_owned(),
                    };
                    diagnostics.push(error!(E0207, *span, "no source or entity named `{name}`"; help: help));
                    return None;
                }
            };
            if found.is_some_and(|first| first != table) {
                diagnostics.push(error!(E0512, expr.span, "this binding reads two tables";
                    help: "write one binding for each table, separated by `|`"));
                return None;
            }
            found = Some(table);
        }
        match found {
            Some(table) => {
                let mut own = expr.clone();
                strip(&mut own, &self.tables[table.0]);
                let value = check_row(&self.scope(table), &own, diagnostics)?;
                Some(Binding { table: Some(table), value, span: expr.span })
            }
            None => self.time_binding(expr, diagnostics),
        }
    }

    /// `hour(time)`: typed over a table that has nothing but a time.
    fn time_binding(&self, expr: &ast::Expr, diagnostics: &mut Diagnostics) -> Option<Binding> {
        let name = Spanned::new("time".to_owned(), expr.span);
        let time = Column {
            name: name.clone(),
            doc: None,
            ty: ValueType::plain(Type::Timestamp),
            encoding: Encoding::Native,
            computed: None,
            internal: false,
            size: Size::default(),
        };
        let clock = Table {
            kind: TableKind::Source,
            name,
            version: 1,
            meant: true,
            doc: None,
            physical: String::new(),
            sample: None,
            key: Vec::new(),
            latest_by: None,
            time: Some(0),
            arrived: None,
            lateness: None,
            retain: None,
            revised: None,
            stream: None,
            columns: vec![time],
            origin: Origin::Stored,
            history: None,
            dimensions: Vec::new(),
            span: expr.span,
        };
        let scope = RowScope { tables: &[clock], base: TableId(0), zone: self.zone };
        let mut value = check_row(&scope, expr, diagnostics)?;
        let mut reads_time = false;
        value.walk_mut(&mut |part| {
            if matches!(part.kind, RowExprKind::Column(_) | RowExprKind::Time) {
                part.kind = RowExprKind::Time;
                reads_time = true;
            }
        });
        if !reads_time {
            diagnostics.push(error!(E0513, expr.span, "this binding reads no column";
                help: "write `source.column`, or an expression of `time`"));
            return None;
        }
        Some(Binding { table: None, value, span: expr.span })
    }

    fn scope(&self, base: TableId) -> RowScope<'_> {
        RowScope { tables: self.tables, base, zone: self.zone }
    }

    fn table(&self, path: &Path, diagnostics: &mut Diagnostics) -> Option<TableId> {
        match path.single().and_then(|name| self.rows.table_of(name)) {
            Some(Ok(table)) => table,
            Some(Err(())) => {
                diagnostics.push(
                    error!(E0511, path.span, "`{path}` is a subset; a dimension is bound to a source or an entity";
                    help: "name its source: the dimension then holds for every subset of it"),
                );
                None
            }
            None => {
                let text = path.to_string();
                let help = match near(&text, self.names.row_set_names()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "declare it as a source or an entity".to_owned(),
                };
                diagnostics.push(error!(E0207, path.span, "no source or entity named `{text}`"; help: help));
                None
            }
        }
    }

    fn check_twice(&self, syntax: &ast::Dimension, bindings: &[Binding], diagnostics: &mut Diagnostics) {
        for (place, binding) in bindings.iter().enumerate() {
            if let Some(first) = bindings[..place].iter().find(|first| first.table == binding.table) {
                let what = binding.table.map_or("time".to_owned(), |id| self.tables[id.0].name.value.clone());
                diagnostics.push(
                    error!(E0514, binding.span, "the dimension `{}` has two bindings for `{what}`", syntax.name.value;
                        help: "keep one of them")
                    .related(first.span, "first here"),
                );
            }
        }
    }

    fn declared_type(&self, written: &ast::TypeName, diagnostics: &mut Diagnostics) -> Option<Type> {
        let entity = |name: &str| match self.names.row_set(name, None) {
            Some(RowName::Table(place)) if self.tables[place].kind == TableKind::Entity => Some(TableId(place)),
            _ => None,
        };
        let names: Vec<&str> = self
            .tables
            .iter()
            .filter(|table| table.kind == TableKind::Entity)
            .map(|table| table.name.as_str())
            .collect();
        type_name(written, &entity, &names, diagnostics).map(|(ty, _, _)| ty)
    }

    fn common_type(
        &self,
        syntax: &ast::Dimension,
        bindings: &[Binding],
        declared: Option<Type>,
        diagnostics: &mut Diagnostics,
    ) -> Option<ValueType> {
        let mut common = bindings.first()?.value.ty.clone();
        for binding in bindings {
            let ty = &binding.value.ty;
            if !same_type(&common.ty, &ty.ty) {
                diagnostics.push(
                    error!(E0515, binding.span, "this binding of `{}` is {}, the first one {}", syntax.name.value,
                        with_article(&show_type(&ty.ty, self.tables)), with_article(&show_type(&common.ty, self.tables));
                        help: "convert one of them, for instance with `cast(… as string)`")
                    .related(bindings[0].span, "the first binding"),
                );
                return None;
            }
            // An entity's attribute is null for rows whose entity is unknown.
            let attribute = binding.table.is_some_and(|id| self.tables[id.0].kind == TableKind::Entity);
            common.nullable |= ty.nullable || attribute;
            common.sensitivity = common.sensitivity.max(ty.sensitivity);
            common.ty = merge(&common.ty, &ty.ty);
        }
        if matches!(common.ty, Type::Float | Type::Array(_) | Type::Map(_)) {
            diagnostics.push(error!(E0516, syntax.name.span, "a dimension cannot be a float, an array or a map";
                help: "make bands with `case`, or round to an int"));
            return None;
        }
        if let Some(declared) = declared {
            match (&declared, &common.ty) {
                (Type::Enum(all), Type::Enum(used)) if used.iter().all(|value| all.contains(value)) => {}
                (Type::Enum(all), Type::String) => self.check_domain(bindings, all, diagnostics),
                (a, b) if same_type(a, b) => {}
                _ => {
                    diagnostics.push(
                        error!(E0515, syntax.name.span, "`{}` is declared as {}, but its bindings are {}",
                        syntax.name.value, with_article(&show_type(&declared, self.tables)),
                        with_article(&show_type(&common.ty, self.tables));
                        help: "change the declared type or the expression"),
                    );
                    return None;
                }
            }
            common.ty = declared;
        }
        Some(common)
    }
}

/// Whether two types are one for a dimension: an enum is one with an enum of another domain.
pub(super) fn same_type(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Enum(_), Type::Enum(_)) => true,
        (Type::Decimal { scale: a, .. }, Type::Decimal { scale: b, .. }) => a == b,
        _ => a == b,
    }
}

/// A type for the values of two that are one for a dimension.
pub(super) fn merge(a: &Type, b: &Type) -> Type {
    match (a, b) {
        (Type::Enum(a), Type::Enum(b)) if a != b => {
            let mut all = a.as_ref().clone();
            all.extend(b.iter().filter(|value| !a.contains(value)).cloned());
            Type::Enum(Arc::new(all))
        }
        _ => a.clone(),
    }
}

/// Calls `visit` for every path of an expression.
fn prefixes(expr: &ast::Expr, visit: &mut impl FnMut(&Path)) {
    let mut copy = expr.clone();
    paths_mut(&mut copy, &mut |path| visit(path));
}

/// Takes the table's name off every path, but off one to a column called `time`: alone, that would be the row's time.
fn strip(expr: &mut ast::Expr, table: &Table) {
    let has_time = table.columns.iter().any(|column| column.name.value == "time");
    paths_mut(expr, &mut |path| {
        let is_time = path.parts.get(1).is_some_and(|name| name.as_str() == "time");
        if path.parts.len() > 1 && !(is_time && has_time) {
            path.parts.remove(0);
        }
    });
}

fn paths_mut(expr: &mut ast::Expr, change: &mut impl FnMut(&mut Path)) {
    let mut each = |inner: &mut ast::Expr| paths_mut(inner, change);
    match &mut expr.kind {
        ExprKind::Path { path, .. } => change(path),
        ExprKind::Parenthesised(inner) | ExprKind::Unary { operand: inner, .. } => each(inner),
        ExprKind::Binary { left, right, .. } => {
            each(left);
            each(right);
        }
        ExprKind::In { operand, list, .. } => {
            each(operand);
            list.iter_mut().for_each(each);
        }
        ExprKind::InCall { operand, .. }
        | ExprKind::IsNull { operand, .. }
        | ExprKind::Outside { operand, .. }
        | ExprKind::Cast { operand, .. }
        | ExprKind::Json { operand, .. } => each(operand),
        ExprKind::Like { operand, pattern, .. } => {
            each(operand);
            each(pattern);
        }
        ExprKind::Between { operand, low, high, .. } => {
            each(operand);
            each(low);
            each(high);
        }
        ExprKind::Case { branches, otherwise } => {
            for (condition, value) in branches {
                each(condition);
                each(value);
            }
            otherwise.iter_mut().for_each(|value| each(value));
        }
        ExprKind::Call { function, arguments } => {
            // The second argument of `truncate` is a step, and may be a bare word such as `week`.
            let paths = if function.single().is_some_and(|name| name.as_str() == "truncate") { 1 } else { usize::MAX };
            for argument in arguments.iter_mut().take(paths) {
                if let ast::ArgumentValue::Expr(value) = &mut argument.value {
                    each(value);
                }
            }
        }
        ExprKind::Index { operand, index } => {
            each(operand);
            each(index);
        }
        ExprKind::Postfix { operand, .. } => each(operand),
        ExprKind::Literal(_) | ExprKind::Sql { .. } | ExprKind::Aggregate(_) | ExprKind::MetricPer { .. } => {}
    }
}

/// Hierarchies over typed dimensions.
pub fn check_hierarchies(
    names: &Names<'_>,
    dimensions: &[Option<DimensionId>],
    diagnostics: &mut Diagnostics,
) -> Vec<Hierarchy> {
    let mut hierarchies = Vec::new();
    for declared in &names.hierarchies {
        let syntax = declared.syntax;
        let texts = ["title", "title_en", "owner"];
        Items::read("hierarchy", &syntax.items, &texts, &[], diagnostics).check_texts(&texts, diagnostics);
        let mut levels: Vec<DimensionId> = Vec::new();
        for path in &syntax.levels {
            let Some(place) = path.single().and_then(|name| names.dimension(name)) else {
                diagnostics.push(unknown_dimension(names.dimension_names(), path));
                continue;
            };
            let Some(id) = dimensions[place] else { continue };
            if levels.contains(&id) {
                diagnostics.push(error!(E0519, path.span, "the level `{path}` stands twice"; help: "keep it once"));
            }
            levels.push(id);
        }
        hierarchies.push(Hierarchy { name: syntax.name.clone(), levels });
    }
    hierarchies
}

/// The error for a name that is no dimension.
pub fn unknown_dimension(names: Vec<&str>, path: &Path) -> crate::diagnostic::Diagnostic {
    unknown_dimension_named(names, &path.to_string(), Some(path.span))
}

/// The same for a text.
pub fn unknown_dimension_named(names: Vec<&str>, text: &str, span: Option<Span>) -> crate::diagnostic::Diagnostic {
    let help = match near(text, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("declare `dimension {text} = source.column`"),
    };
    error!(E0208, span, "no dimension named `{text}`"; help: help)
}
