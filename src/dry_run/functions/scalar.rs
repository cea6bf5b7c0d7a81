//! The frame of the scalar functions: what a definition tells, and how its arguments reach its kernel.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringViewArray,
    StringViewBuilder, TimestampMillisecondArray,
};
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, FieldRef, Float64Type, Int64Type, TimeUnit, TimestampMillisecondType,
};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// An instant in the dry run: milliseconds since 1970 UTC.
pub(super) const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

/// What an argument may be, and the type it is brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any string type, as a view.
    Text,
    /// Any integer, as 64 bits.
    Int,
    /// Any number, as a float.
    Float,
    /// An int, float or decimal, as it is (ints in 64 bits, floats in doubles).
    Number,
    /// An instant.
    Timestamp,
    /// A day.
    Date,
    /// An instant or a day.
    Moment,
    /// Anything, as it is; strings as views.
    Any,
}

impl Kind {
    /// The type that a value of type `ty` is brought to, where it fits.
    fn coerce(self, ty: &DataType) -> Option<DataType> {
        let text = matches!(ty, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) || is_text_dictionary(ty);
        let null = ty.is_null();
        match self {
            Kind::Text => (text || null).then_some(DataType::Utf8View),
            Kind::Int => (ty.is_integer() || null).then_some(DataType::Int64),
            Kind::Float => (ty.is_numeric() || null).then_some(DataType::Float64),
            Kind::Number => match ty {
                _ if ty.is_integer() => Some(DataType::Int64),
                _ if ty.is_floating() || null => Some(DataType::Float64),
                DataType::Decimal128(..) => Some(ty.clone()),
                _ => None,
            },
            Kind::Timestamp => (matches!(ty, DataType::Timestamp(..)) || null).then_some(TIMESTAMP),
            Kind::Date => (*ty == DataType::Date32 || null).then_some(DataType::Date32),
            Kind::Moment if *ty == DataType::Date32 => Some(DataType::Date32),
            Kind::Moment => Kind::Timestamp.coerce(ty),
            Kind::Any if text => Some(DataType::Utf8View),
            Kind::Any if ty.is_integer() || ty.is_floating() => Kind::Number.coerce(ty),
            Kind::Any if matches!(ty, DataType::Timestamp(..)) => Some(TIMESTAMP),
            Kind::Any => Some(ty.clone()),
        }
    }
}

/// Whether it is a dictionary of strings.
fn is_text_dictionary(ty: &DataType) -> bool {
    matches!(ty, DataType::Dictionary(_, values) if matches!(**values, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View))
}

/// The type of a function's results, from the types of its arguments and its constant arguments.
#[derive(Clone, Copy)]
pub(super) enum Returns {
    /// Always this one.
    Type(fn() -> DataType),
    /// That of the first argument.
    First,
    /// It depends.
    By(fn(&[DataType], &[Option<&ScalarValue>]) -> Result<DataType>),
}

/// A scalar function. Null in, null out: kernels see to it by the `Option`s they map.
pub(super) struct Definition {
    /// The name in SQL.
    pub name: &'static str,
    /// What it takes.
    pub takes: &'static [Kind],
    /// How many of them may be left out at the end.
    pub optional: usize,
    /// What it gives.
    pub returns: Returns,
    /// How: an array of as many rows as the call has.
    pub kernel: fn(&Call) -> Result<ArrayRef>,
}

impl Definition {
    /// As a function of the engine.
    pub(super) fn function(&'static self) -> ScalarUDF {
        ScalarUDF::new_from_impl(Function {
            definition: self,
            signature: Signature::user_defined(Volatility::Immutable),
        })
    }
}

/// A definition in the engine's dress.
struct Function {
    definition: &'static Definition,
    signature: Signature,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.definition.name)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.definition.name == other.definition.name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.definition.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.definition.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match self.definition.returns {
            Returns::Type(ty) => Ok(ty()),
            Returns::First => Ok(arguments.first().cloned().unwrap_or(DataType::Null)),
            Returns::By(ty) => ty(arguments, &vec![None; arguments.len()]),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let ty = match self.definition.returns {
            Returns::By(ty) => ty(&types, args.scalar_arguments)?,
            _ => self.return_type(&types)?,
        };
        Ok(Arc::new(Field::new(self.name(), ty, true)))
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let Definition { name, takes, optional, .. } = self.definition;
        if arguments.len() > takes.len() || arguments.len() + optional < takes.len() {
            return plan_err!("{name} takes {} arguments, not {}", takes.len(), arguments.len());
        }
        takes
            .iter()
            .zip(arguments)
            .map(|(kind, ty)| {
                kind.coerce(ty).ok_or_else(|| DataFusionError::Plan(format!("{name} does not take a {ty} here")))
            })
            .collect()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let call = Call::new(&args.args, if constant { 1 } else { args.number_rows })?;
        let found = (self.definition.kernel)(&call)?;
        if found.len() != call.rows {
            return exec_err!("{} gave {} rows for {}", self.name(), found.len(), call.rows);
        }
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&found, 0)?));
        }
        Ok(ColumnarValue::Array(found))
    }
}

/// One argument: a column, or one value for all rows.
pub(super) struct Argument<'a, A> {
    array: &'a A,
    constant: bool,
}

impl<A> Argument<'_, A> {
    /// The place of a row's value.
    fn place(&self, row: usize) -> usize {
        if self.constant { 0 } else { row }
    }
}

/// Declares `get` of a typed argument.
macro_rules! argument {
    ($array:ty, $value:ty) => {
        impl<'a> Argument<'a, $array> {
            /// The value of a row; none where it is null.
            #[inline]
            pub(super) fn get(&self, row: usize) -> Option<$value> {
                let place = self.place(row);
                self.array.is_valid(place).then(|| self.array.value(place))
            }
        }
    };
}

argument!(StringViewArray, &'a str);
argument!(Int64Array, i64);
argument!(Float64Array, f64);
argument!(BooleanArray, bool);
argument!(Date32Array, i32);
argument!(Decimal128Array, i128);
argument!(TimestampMillisecondArray, i64);

/// The arguments of one call.
pub(super) struct Call {
    arrays: Vec<ArrayRef>,
    constant: Vec<bool>,
    /// How many rows the result has.
    pub rows: usize,
}

impl Call {
    fn new(values: &[ColumnarValue], rows: usize) -> Result<Call> {
        let mut arrays = Vec::with_capacity(values.len());
        let mut constant = Vec::with_capacity(values.len());
        for value in values {
            let (array, one) = match value {
                ColumnarValue::Array(array) => (Arc::clone(array), false),
                ColumnarValue::Scalar(value) => (value.to_array()?, true),
            };
            arrays.push(array);
            constant.push(one);
        }
        Ok(Call { arrays, constant, rows })
    }

    /// How many arguments there are.
    pub(super) fn len(&self) -> usize {
        self.arrays.len()
    }

    /// An argument's type.
    pub(super) fn ty(&self, index: usize) -> &DataType {
        self.arrays[index].data_type()
    }

    /// An argument's array: of one row where it is constant.
    pub(super) fn array(&self, index: usize) -> &ArrayRef {
        &self.arrays[index]
    }

    /// The place of a row's value in an argument's array.
    pub(super) fn place(&self, index: usize, row: usize) -> usize {
        if self.constant[index] { 0 } else { row }
    }

    /// A text argument.
    pub(super) fn text(&self, index: usize) -> Argument<'_, StringViewArray> {
        Argument { array: self.arrays[index].as_string_view(), constant: self.constant[index] }
    }

    /// An int argument.
    pub(super) fn int(&self, index: usize) -> Argument<'_, Int64Array> {
        Argument { array: self.arrays[index].as_primitive::<Int64Type>(), constant: self.constant[index] }
    }

    /// A float argument.
    pub(super) fn float(&self, index: usize) -> Argument<'_, Float64Array> {
        Argument { array: self.arrays[index].as_primitive::<Float64Type>(), constant: self.constant[index] }
    }

    /// A decimal argument.
    pub(super) fn decimal(&self, index: usize) -> Argument<'_, Decimal128Array> {
        Argument { array: self.arrays[index].as_primitive::<Decimal128Type>(), constant: self.constant[index] }
    }

    /// A bool argument.
    pub(super) fn bool(&self, index: usize) -> Argument<'_, BooleanArray> {
        Argument { array: self.arrays[index].as_boolean(), constant: self.constant[index] }
    }

    /// A date argument.
    pub(super) fn date(&self, index: usize) -> Argument<'_, Date32Array> {
        Argument { array: self.arrays[index].as_primitive::<Date32Type>(), constant: self.constant[index] }
    }

    /// An instant argument.
    pub(super) fn timestamp(&self, index: usize) -> Argument<'_, TimestampMillisecondArray> {
        Argument {
            array: self.arrays[index].as_primitive::<TimestampMillisecondType>(),
            constant: self.constant[index],
        }
    }

    /// A text argument that must be one for all rows.
    pub(super) fn constant_text(&self, index: usize) -> Result<&str> {
        let found = self.constant[index].then(|| self.text(index).array).filter(|array| array.is_valid(0));
        match found {
            Some(array) => Ok(array.value(0)),
            None => exec_err!("argument {} must be a literal", index + 1),
        }
    }

    /// An int argument that must be one for all rows.
    pub(super) fn constant_int(&self, index: usize) -> Result<i64> {
        match self.constant[index].then(|| self.int(index).get(0)).flatten() {
            Some(value) => Ok(value),
            None => exec_err!("argument {} must be a literal", index + 1),
        }
    }

    /// A row-wise result of texts.
    pub(super) fn texts<T: AsRef<str>>(&self, mut value: impl FnMut(usize) -> Option<T>) -> Result<ArrayRef> {
        let mut builder = StringViewBuilder::with_capacity(self.rows);
        for row in 0..self.rows {
            match value(row) {
                Some(text) => builder.try_append_value(text)?,
                None => builder.append_null(),
            }
        }
        Ok(Arc::new(builder.finish()))
    }

    /// A row-wise result of ints.
    pub(super) fn ints(&self, value: impl FnMut(usize) -> Option<i64>) -> Result<ArrayRef> {
        Ok(Arc::new((0..self.rows).map(value).collect::<Int64Array>()))
    }

    /// A row-wise result of floats.
    pub(super) fn floats(&self, value: impl FnMut(usize) -> Option<f64>) -> Result<ArrayRef> {
        Ok(Arc::new((0..self.rows).map(value).collect::<Float64Array>()))
    }

    /// A row-wise result of bools.
    pub(super) fn bools(&self, value: impl FnMut(usize) -> Option<bool>) -> Result<ArrayRef> {
        Ok(Arc::new((0..self.rows).map(value).collect::<BooleanArray>()))
    }

    /// A row-wise result of dates.
    pub(super) fn dates(&self, value: impl FnMut(usize) -> Option<i32>) -> Result<ArrayRef> {
        Ok(Arc::new((0..self.rows).map(value).collect::<Date32Array>()))
    }

    /// A row-wise result of instants.
    pub(super) fn timestamps(&self, value: impl FnMut(usize) -> Option<i64>) -> Result<ArrayRef> {
        Ok(Arc::new((0..self.rows).map(value).collect::<TimestampMillisecondArray>()))
    }

    /// A row-wise result of decimals of type `ty`.
    pub(super) fn decimals(&self, ty: &DataType, value: impl FnMut(usize) -> Option<i128>) -> Result<ArrayRef> {
        Ok(Arc::new((0..self.rows).map(value).collect::<Decimal128Array>().with_data_type(ty.clone())))
    }
}

/// Calls a definition with whole columns, for the tests of the kernels.
#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// The result of `definition` over arguments, scalars where told.
    pub(in super::super) fn call(definition: &'static Definition, arguments: Vec<ColumnarValue>) -> Result<ArrayRef> {
        let function = Function { definition, signature: Signature::user_defined(Volatility::Immutable) };
        let types: Vec<DataType> = arguments.iter().map(ColumnarValue::data_type).collect();
        let coerced = function.coerce_types(&types)?;
        let rows = arguments
            .iter()
            .find_map(|argument| if let ColumnarValue::Array(array) = argument { Some(array.len()) } else { None })
            .unwrap_or(1);
        let args: Vec<ColumnarValue> =
            arguments.iter().zip(&coerced).map(|(argument, ty)| argument.cast_to(ty, None)).collect::<Result<_>>()?;
        let arg_fields: Vec<FieldRef> =
            coerced.iter().map(|ty| Arc::new(Field::new("argument", ty.clone(), true))).collect();
        let scalars: Vec<Option<ScalarValue>> = args
            .iter()
            .map(|argument| if let ColumnarValue::Scalar(value) = argument { Some(value.clone()) } else { None })
            .collect();
        let scalar_arguments: Vec<Option<&ScalarValue>> = scalars.iter().map(Option::as_ref).collect();
        let return_field = function
            .return_field_from_args(ReturnFieldArgs { arg_fields: &arg_fields, scalar_arguments: &scalar_arguments })?;
        let expected = return_field.data_type().clone();
        let found = function
            .invoke_with_args(ScalarFunctionArgs {
                args,
                arg_fields,
                number_rows: rows,
                return_field,
                config_options: Arc::new(Default::default()),
            })?
            .into_array(rows)?;
        assert_eq!(*found.data_type(), expected, "{} told another type", definition.name);
        Ok(found)
    }

    /// A column.
    pub(in super::super) fn column(array: impl Array + 'static) -> ColumnarValue {
        ColumnarValue::Array(Arc::new(array))
    }

    /// One value for all rows.
    pub(in super::super) fn scalar(value: impl Into<ScalarValue>) -> ColumnarValue {
        ColumnarValue::Scalar(value.into())
    }

    /// A column of texts.
    pub(in super::super) fn texts(values: &[Option<&str>]) -> ColumnarValue {
        column(values.iter().copied().collect::<datafusion::arrow::array::StringArray>())
    }

    /// The result as text, null as `∅`.
    pub(in super::super) fn shown(array: &ArrayRef) -> Vec<String> {
        let options = datafusion::arrow::util::display::FormatOptions::new().with_null("∅");
        let formatter = datafusion::arrow::util::display::ArrayFormatter::try_new(array, &options).unwrap();
        (0..array.len()).map(|row| formatter.value(row).to_string()).collect()
    }
}
