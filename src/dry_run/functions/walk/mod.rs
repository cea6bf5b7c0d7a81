//! Aggregates that walk along the rows of each group, put in an order, and give a list of what they find.

mod chains;
mod each_once;
mod paths;
mod rows;

use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, GroupsAccumulator, Signature, Volatility,
};

use super::aggregate::{Alone, Groups, list_type};
use rows::{Collected, GroupedRows};

pub(super) static FUNCTIONS: &[Definition] = &[each_once::FUNCTION, chains::FUNCTION, paths::FUNCTION];

/// An aggregate of columns and, between them, literal ints.
pub(super) struct Definition {
    /// The name in SQL.
    name: &'static str,
    /// The places of the literal ints among the arguments.
    constants: std::ops::Range<usize>,
    /// The types that the arguments are brought to; none where they do not fit.
    takes: fn(&[DataType]) -> Option<Vec<DataType>>,
    /// The type of an item of the list, for the types of the columns.
    item: fn(&[DataType]) -> DataType,
    /// Walks along the rows, given the literal ints.
    walk: fn(&mut GroupedRows, &[i64]) -> Result<Found>,
}

/// What is found: items, and how many of each group.
pub(super) struct Found {
    items: ArrayRef,
    lengths: Vec<usize>,
}

/// The type of a tuple, whose parts may be null.
fn tuple_type(parts: impl IntoIterator<Item = DataType>) -> DataType {
    let parts = parts.into_iter().enumerate();
    DataType::Struct(parts.map(|(at, ty)| Field::new(format!("p{at}"), ty, true)).collect::<Fields>())
}

impl Definition {
    /// As a function of the engine.
    pub(super) fn function(&'static self) -> AggregateUDF {
        let signature = Signature::user_defined(Volatility::Immutable);
        AggregateUDF::new_from_impl(Walk { definition: self, signature })
    }

    /// Those that are no literals.
    fn columns<T: Clone>(&self, arguments: &[T]) -> Vec<T> {
        let own = |at: &usize| !self.constants.contains(at);
        (0..arguments.len()).filter(own).map(|at| arguments[at].clone()).collect()
    }

    fn item_type(&self, arguments: &[DataType]) -> DataType {
        (self.item)(&self.columns(arguments))
    }

    /// The type of a row as it is kept.
    fn row_type(&self, arguments: &[DataType]) -> DataType {
        tuple_type(self.columns(arguments))
    }
}

/// A definition in the engine's dress.
struct Walk {
    definition: &'static Definition,
    signature: Signature,
}

impl Debug for Walk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.definition.name)
    }
}

impl PartialEq for Walk {
    fn eq(&self, other: &Self) -> bool {
        self.definition.name == other.definition.name
    }
}

impl Eq for Walk {}

impl Hash for Walk {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.definition.name.hash(state);
    }
}

impl Walk {
    fn make(&self, args: &AccumulatorArgs) -> Result<Box<dyn Groups>> {
        let name = self.definition.name;
        if args.is_distinct {
            return plan_err!("{name} takes no distinct");
        }
        // Literals can be evaluated over no columns at all.
        let nothing = RecordBatch::new_empty(Arc::new(Schema::empty()));
        let constants = args.exprs[self.definition.constants.clone()]
            .iter()
            .map(|expr| match expr.evaluate(&nothing) {
                Ok(ColumnarValue::Scalar(ScalarValue::Int64(Some(number)))) => Ok(number),
                _ => plan_err!("{name} takes literal ints among its columns"),
            })
            .collect::<Result<Vec<i64>>>()?;
        let types: Vec<DataType> = args.expr_fields.iter().map(|field| field.data_type().clone()).collect();
        Ok(Box::new(Collected::new(self.definition, &types, constants)))
    }
}

impl AggregateUDFImpl for Walk {
    fn name(&self) -> &str {
        self.definition.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(list_type(&self.definition.item_type(arguments)))
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let Definition { name, constants, takes, .. } = self.definition;
        let fits = constants.end <= arguments.len();
        let Some(mut taken) = fits.then(|| takes(arguments)).flatten() else {
            return plan_err!("{name} does not take {arguments:?}");
        };
        taken[constants.clone()].fill(DataType::Int64);
        Ok(taken)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let types: Vec<DataType> = args.input_fields.iter().map(|field| field.data_type().clone()).collect();
        let rows = list_type(&self.definition.row_type(&types));
        Ok(vec![Arc::new(Field::new(format!("{}[rows]", args.name), rows, true))])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let empty = self.default_value(args.return_type())?;
        Ok(Box::new(Alone { groups: self.make(&args)?, empty }))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(self.make(&args)?)
    }

    fn default_value(&self, ty: &DataType) -> Result<ScalarValue> {
        ScalarValue::try_from(ty)
    }
}
