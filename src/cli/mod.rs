pub mod output;
pub mod sample;
