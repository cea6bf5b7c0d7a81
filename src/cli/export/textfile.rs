//! As a file that the textfile collector of the node exporter reads.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::cache::Cache;
use crate::cli::listening::{log, stop_by_signal};
use crate::cli::{Context, Exit, Outcome, Stop};
use crate::error;
use crate::project::io_message;

/// Writes the file, once or until a signal comes. What can't be written stops it the first time, and later passes.
pub fn run(path: &Path, every: Option<Duration>, cache: &Cache, context: &Context) -> Outcome {
    if path.extension().is_none_or(|ending| ending != "prom") {
        return Err(error!(E0893, None, "the textfile collector does not read `{}`", path.display();
            help: "let the name end with `.prom`")
        .into());
    }
    let failed = write(path, cache).map_err(|failure| cannot(path, &failure))?;
    let Some(every) = every else {
        context.note(&format!(
            "wrote {}: {} of {} statements answered",
            path.display(),
            cache.len() - failed,
            cache.len()
        ));
        return Ok(if failed > 0 { Exit::Findings } else { Exit::Clean });
    };
    let (stop, stopped) = channel();
    let end = move || {
        // If nobody hears it, it has ended.
        let _ = stop.send(());
    };
    stop_by_signal(end).map_err(|failure| cannot(path, &failure))?;
    context.note(&format!("writing {} with {} statements", path.display(), cache.len()));
    let mut next = Instant::now() + every;
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(next.saturating_duration_since(Instant::now())) {
        if let Err(failure) = write(path, cache) {
            log(&format!("`{}` can't be written: {}", path.display(), io_message(&failure)));
        }
        next = (next + every).max(Instant::now());
    }
    context.note("ended");
    Ok(Exit::Clean)
}

/// Beside it and then in its place, so that nobody reads a half. Gives how many statements have given nothing.
fn write(path: &Path, cache: &Cache) -> io::Result<usize> {
    let (text, failed) = cache.page();
    // The collector reads what ends with `.prom`.
    let aside = path.with_extension(format!("prom.{}", std::process::id()));
    let written = fs::File::create(&aside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&aside, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&aside);
    }
    written.map(|()| failed)
}

fn cannot(path: &Path, failure: &io::Error) -> Stop {
    error!(E0893, None, "`{}` can't be written: {}", path.display(), io_message(failure);
        help: "make its folder, and let this user write there")
    .into()
}
