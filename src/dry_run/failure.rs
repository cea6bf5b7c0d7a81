//! The engine's errors as diagnostics.

use datafusion::arrow::error::ArrowError;
use datafusion::common::DataFusionError;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::error;

/// What went wrong in the engine. Input that can be wrong is checked before it gets there, so what is left is a lack of
/// memory, a number too large, a damaged file, or a mistake of ours.
pub(super) fn failure(error: DataFusionError) -> Diagnostics {
    Diagnostics::from_iter([diagnostic(error.find_root())])
}

/// The diagnostic of a root cause.
fn diagnostic(error: &DataFusionError) -> Diagnostic {
    let message = first_line(&error.strip_backtrace());
    match error {
        DataFusionError::ResourcesExhausted(_) => error!(E0930, None, "the dry run needs more memory than it may use";
            help: "ask for fewer metrics or dimensions, a shorter time, or a smaller sample"),
        DataFusionError::ArrowError(arrow, _) if is_overflow(arrow) => overflow(&message),
        DataFusionError::Execution(_) if message.contains("verflow") => overflow(&message),
        DataFusionError::IoError(_) | DataFusionError::ObjectStore(_) => {
            error!(E0903, None, "a sample cannot be read: {message}"; help: "look at the disk and at the permissions of the files")
        }
        _ if is_parquet(error) => {
            error!(E0916, None, "a Parquet sample is damaged: {message}"; help: "write the file anew")
        }
        _ => error!(E0932, None, "the dry run failed: {message}";
            help: "where the metric uses `sql(…)`, look at its `datafusion` text; else this is a mistake of metricc: please report it"),
    }
}

/// What went wrong while a Parquet file of this name was read.
pub(super) fn parquet_failure(file: &str, error: DataFusionError) -> Diagnostics {
    let root = error.find_root();
    if !is_parquet(root) {
        return failure(error);
    }
    let message = first_line(&root.strip_backtrace());
    Diagnostics::from_iter([error!(E0916, None, "`{file}` is damaged: {message}"; help: "write the file anew")])
}

/// Whether a Parquet file is wrong.
fn is_parquet(error: &DataFusionError) -> bool {
    match error {
        DataFusionError::ParquetError(_) => true,
        DataFusionError::ArrowError(arrow, _) => matches!(**arrow, ArrowError::ParquetError(_)),
        _ => false,
    }
}

/// Runs work of the engine. A panic there (on a damaged file, by a mistake) is a failure like others.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, Diagnostics>) -> Result<T, Diagnostics> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|cause| {
        let text = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
        Err(failure(DataFusionError::Internal(text.unwrap_or("it stopped within").to_owned())))
    })
}

/// A number beyond its type.
fn overflow(message: &str) -> Diagnostic {
    error!(E0931, None, "a number became too large for its type: {message}";
        help: "cast to `float`, or to a decimal of fewer digits, before it is multiplied or summed")
}

/// Whether a computation went beyond its type.
fn is_overflow(error: &ArrowError) -> bool {
    matches!(error, ArrowError::ArithmeticOverflow(_))
        || matches!(error, ArrowError::ComputeError(message) | ArrowError::InvalidArgumentError(message)
            if message.contains("verflow") || message.contains("too large"))
}

/// The first line of a message, without the engine's own classes of errors.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let mut rest = line;
    while let Some((class, tail)) = rest.split_once(": ") {
        if !class.ends_with("rror") {
            break;
        }
        rest = tail;
    }
    rest.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(error: DataFusionError) -> String {
        failure(error).iter().map(|found| found.code.0).collect()
    }

    #[test]
    fn every_kind_of_failure_has_its_code() {
        assert_eq!(code(DataFusionError::ResourcesExhausted("x".into())), "E0930");
        let overflow = DataFusionError::ArrowError(Box::new(ArrowError::ArithmeticOverflow("x".into())), None);
        assert_eq!(code(overflow.context("while summing")), "E0931");
        assert_eq!(code(DataFusionError::IoError(std::io::Error::other("gone"))), "E0903");
        assert_eq!(code(DataFusionError::Internal("x".into())), "E0932");
    }

    #[test]
    fn a_panic_is_a_failure() {
        let found: Result<(), Diagnostics> = guarded(|| panic!("it {}", "broke"));
        assert!(found.unwrap_err().iter().all(|d| d.code.0 == "E0932" && d.message.ends_with("it broke")));
        assert_eq!(guarded(|| Ok(1)).unwrap(), 1);
    }

    #[test]
    fn messages_are_one_plain_line() {
        assert_eq!(first_line("Arrow error: Compute error: it broke.\nand a backtrace"), "it broke");
        assert_eq!(first_line("a: b"), "a: b");
    }
}
