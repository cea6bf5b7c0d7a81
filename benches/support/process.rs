//! Runs the compiler as a whole process and measures it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

/// What a run costs.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub wall: Duration,
    /// User and system time of all threads.
    pub cpu: Duration,
    /// The greatest resident memory, in bytes.
    pub memory: u64,
}

/// Runs `metricc` in a project; a failure ends the benchmark with what it said.
pub fn run(project: &Path, arguments: &[&str]) -> Cost {
    let mut command = Command::new(env!("CARGO_BIN_EXE_metricc"));
    command.args(arguments).current_dir(project).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let mut child = command.spawn().expect("the compiler starts");
    let usage = child.wait4().expect("the compiler ends");
    let wall = start.elapsed();
    assert!(
        usage.status.success(),
        "{arguments:?} failed with {}; run it by hand in {}",
        usage.status,
        project.display()
    );
    Cost { wall, cpu: usage.rusage.utime + usage.rusage.stime, memory: usage.rusage.maxrss }
}

/// The median of each of the costs.
pub fn median(costs: &[Cost]) -> Cost {
    let middle = |mut values: Vec<u128>| {
        values.sort_unstable();
        values[values.len() / 2]
    };
    let nanos = |of: fn(&Cost) -> Duration| {
        let value = middle(costs.iter().map(|cost| of(cost).as_nanos()).collect());
        Duration::from_nanos(u64::try_from(value).unwrap_or(u64::MAX))
    };
    let memory = middle(costs.iter().map(|cost| u128::from(cost.memory)).collect());
    Cost { wall: nanos(|c| c.wall), cpu: nanos(|c| c.cpu), memory: u64::try_from(memory).unwrap_or(u64::MAX) }
}
