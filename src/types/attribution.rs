//! Attributions as they are typed.

use crate::syntax::ast;
use crate::value::CreditModel;

use super::model::{DimensionId, TableId, Type};

/// An attribution: conversions, each credited to the touches before it.
#[derive(Clone, Debug)]
pub struct Attribution {
    /// Its name.
    pub name: ast::Name,
    /// Its version; 1 where none is written.
    pub version: u32,
    /// How credit is shared, each way beside the others.
    pub models: Vec<CreditModel>,
    /// Whether conversions have a value.
    pub valued: bool,
    /// What its metrics are shown by.
    pub by: Vec<DimensionId>,
    /// A row for each model, conversion and touch that gets credit.
    pub credits: TableId,
}

impl Attribution {
    /// The name of the dimension that tells models apart.
    pub fn model_dimension(&self) -> String {
        format!("{}.model", self.name.value)
    }

    /// The type of that dimension.
    pub fn model_type(&self) -> Type {
        Type::Enum(std::sync::Arc::new(self.models.iter().map(|model| model.name().to_owned()).collect()))
    }
}

/// The places of the columns of its table.
pub mod column {
    /// The model.
    pub const MODEL: usize = 2;
    /// What is credited of one conversion.
    pub const SHARE: usize = 3;
    /// What is credited of its value.
    pub const VALUE: usize = 4;
}

/// The value of a dimension of touches where there is none.
pub const NO_TOUCH: &str = "none";
