//! Tables of behaviour of every kind: what they are shown by.

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::syntax::ast;
use crate::types::behaviour::Behaviour;
use crate::types::bind::bind;
use crate::types::dimensions::unknown_dimension_named;
use crate::types::formula::{Leaves, unbound};
use crate::types::model::{Dimension, DimensionId, TableId, Type};
use crate::types::{Origin, ValueType};

use super::RowSets;

impl RowSets<'_> {
    /// Types the table of behaviour at a place.
    pub fn check_behaviour(&mut self, place: usize, d: &mut Diagnostics) {
        let declared = self.names.behaviours[place];
        let since = self.tables.len();
        self.behaviours[place] = match declared.syntax.keyword.as_str() {
            "cohort" => self.cohort(declared, d).map(Behaviour::Cohort),
            "lifecycle" => self.lifecycle(declared, d).map(Behaviour::Lifecycle),
            "attribution" => self.attribution(declared, d).map(Behaviour::Attribution),
            "segment" => self.segment(place, declared, d).map(Behaviour::Segment),
            "conversion" => self.conversion(declared, d).map(Behaviour::Conversion),
            "experiment" => self.experiment(declared, d).map(|of| Behaviour::Experiment(Box::new(of))),
            "path" => self.paths(declared, d).map(Behaviour::Paths),
            _ => self.funnel(declared, d).map(Behaviour::Funnel),
        };
        self.note_units(place, since);
    }

    /// The tables of the rows that the aggregates of an argument are of, each put to the rows of a table of behaviour: see
    /// [`RowSets::behaviour_values`].
    pub fn add_behaviour_values(&mut self, place: usize, call: Span, leaves: Leaves) {
        let d = &mut Diagnostics::new();
        let Some(behaviour) = self.behaviours[place].clone() else { return };
        let mut tables = Vec::with_capacity(leaves.len());
        for (rows, input, span) in leaves {
            let (entity, units) = match &behaviour {
                Behaviour::Cohort(cohort) => (cohort.entity, cohort.units),
                Behaviour::Conversion(conversion) => (conversion.entity, conversion.base),
                Behaviour::Lifecycle(_)
                | Behaviour::Funnel(_)
                | Behaviour::Attribution(_)
                | Behaviour::Paths(_)
                | Behaviour::Segment(_)
                | Behaviour::Experiment(_) => {
                    return;
                }
            };
            let Some(by) = self.column_of(entity, rows.base, span, d) else { return };
            if self.time(&rows).is_none() {
                return;
            }
            let table = match &behaviour {
                Behaviour::Cohort(cohort) => self.cohort_rows(place, cohort, (rows, by), input, d),
                Behaviour::Conversion(conversion) => self.credited_rows(place, conversion, (rows, by), input, d),
                Behaviour::Lifecycle(_)
                | Behaviour::Funnel(_)
                | Behaviour::Attribution(_)
                | Behaviour::Paths(_)
                | Behaviour::Segment(_)
                | Behaviour::Experiment(_) => None,
            };
            let Some(table) = table else { return };
            self.copy_dimensions(units, table);
            tables.push(table);
        }
        self.values.insert(call, tables);
    }

    /// The tables that were made for the aggregates of an argument, in their order.
    pub fn behaviour_values(&self, call: Span) -> Option<&[TableId]> {
        self.values.get(&call).map(Vec::as_slice)
    }

    /// Finds what tables of behaviour are shown by, once dimensions are known.
    pub fn bind_behaviours(&mut self, dimensions: &[Dimension], ids: &[Option<DimensionId>], d: &mut Diagnostics) {
        self.check_cycles_of_segments(d);
        for place in 0..self.behaviours.len() {
            let Some((table, _)) = self.behaviours[place].as_mut().and_then(Behaviour::by_mut) else { continue };
            let syntax = self.names.behaviours[place].syntax;
            // What conversions are credited to is shown, too.
            let keys: &[&str] = if syntax.keyword.value == "attribution" { &["to", "by"] } else { &["by"] };
            let values = syntax.items.iter().filter_map(|item| match &item.kind {
                ast::ItemKind::Keyed { key, values } if keys.contains(&key.as_str()) => Some(values.as_slice()),
                _ => None,
            });
            let mut found = Vec::new();
            for value in values.flatten() {
                let named = crate::types::items::name(value).filter(|(_, clauses)| match clauses {
                    [] => true,
                    // Of which step a dimension is.
                    [ast::Clause::From(_)] => syntax.keyword.value == "funnel",
                    _ => false,
                });
                let Some((name, _)) = named else {
                    d.push(error!(E0205, value.span, "`by` takes dimensions"; help: "write `by: channel`"));
                    continue;
                };
                let Some(declared) = self.names.dimension(name) else {
                    let names = self.names.dimension_names();
                    d.push(unknown_dimension_named(names, name, Some(name.span)));
                    continue;
                };
                let Some(id) = ids[declared] else { continue };
                match bind(&self.tables, &dimensions[id.0], table) {
                    Ok(_) if !found.contains(&id) => found.push(id),
                    Ok(_) => {}
                    Err(why) => d.push(unbound(&dimensions[id.0], &self.tables[table.0], &why, name.span)),
                }
            }
            if let Some((_, by)) = self.behaviours[place].as_mut().and_then(Behaviour::by_mut) {
                *by = found;
            }
            self.bind_experiment(place, (dimensions, ids), d);
        }
    }

    /// A dimension of the row of a later step is null where that is not reached.
    pub fn allow_lacking(&self, dimensions: &mut [Dimension]) {
        for table in &self.tables {
            let Origin::Made(made) = &table.origin else { continue };
            for (name, parts) in made.others.iter().filter(|(_, parts)| parts.iter().all(|part| *part >= made.certain))
            {
                let lacking =
                    dimensions.iter_mut().filter(|dimension| dimension.name.value == *name && !parts.is_empty());
                lacking.for_each(|dimension| dimension.ty.nullable = true);
            }
        }
    }

    /// What the tables of behaviour have beside the dimensions of their rows, as dimensions: `signup.age`.
    pub fn dimensions_of_behaviour(&self) -> Vec<Dimension> {
        let of = |name: &ast::Name, version: u32, own: &str, ty: ValueType| Dimension {
            name: Spanned::new(format!("{}.{own}", name.value), name.span),
            version,
            doc: None,
            title: None,
            ty,
            // Each table says which column it is.
            bindings: Vec::new(),
            otherwise: None,
            values: None,
            span: name.span,
        };
        let all = self.behaviours.iter().flatten().flat_map(|behaviour| match behaviour {
            Behaviour::Cohort(cohort) => {
                vec![of(&cohort.name, cohort.version, "age", ValueType::plain(Type::Int))]
            }
            Behaviour::Attribution(attribution) => {
                let ty = ValueType::plain(attribution.model_type());
                vec![of(&attribution.name, attribution.version, "model", ty)]
            }
            Behaviour::Paths(paths) => {
                let own = paths.dimensions().into_iter();
                own.map(|(own, ty)| of(&paths.name, paths.version, own, ty)).collect()
            }
            Behaviour::Experiment(experiment) => {
                vec![of(&experiment.name, experiment.version, "variant", experiment.variant_type())]
            }
            Behaviour::Lifecycle(_) | Behaviour::Funnel(_) | Behaviour::Conversion(_) | Behaviour::Segment(_) => {
                Vec::new()
            }
        });
        all.chain(self.dimensions_of_segments()).collect()
    }

    /// Several models of an attribution are shown apart.
    pub fn show_models(&mut self, dimensions: &[Dimension]) {
        for behaviour in self.behaviours.iter_mut().flatten() {
            let Behaviour::Attribution(attribution) = behaviour else { continue };
            let name = attribution.model_dimension();
            let place = dimensions.iter().position(|dimension| dimension.name.value == name);
            if attribution.models.len() > 1 {
                attribution.by.extend(place.map(DimensionId));
            }
        }
    }
}
