//! What every name stands for: the declarations of all files as one program, whatever their order.

mod names;
mod order;

pub use names::{BEHAVIOURS, Declared, Names, Pins, RowName, Space, is_compiled, later};
pub use order::{
    MadeRows, metric_levels, names_of_formula, names_of_measures, order, row_set_order, row_sets_in,
    row_sets_of_formula, rows_of_block,
};
