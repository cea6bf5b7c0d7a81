//! Streams: rows are counted as they come, and the states of rollups are brought to a warehouse.

use super::{Emitted, Input};
use crate::diagnostic::Diagnostics;
use crate::project::{StreamingTarget, Target};

/// Makes the artefacts of a stream.
pub fn emit(_input: &Input, _target: &Target, _settings: &StreamingTarget) -> (Emitted, Diagnostics) {
    (Emitted { artifacts: Vec::new(), details: serde_json::Value::Null }, Diagnostics::new())
}
