//! Values of the dry run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::cli::ready::Ready;
use crate::cli::{Context, Stop, ui};
use crate::compile::Compiled;
use crate::dry_run::{Data, DryRun, Options, Progress};
use crate::table::Answer;

use super::wanted::Wanted;

/// A dry run a program and folder, with the tables that it has read.
#[derive(Default)]
pub struct DryRuns(Vec<Kept>);

struct Kept {
    /// Where the program lies in memory: it outlives what is kept of it.
    program: *const Compiled,
    folder: PathBuf,
    dry_run: DryRun,
    read: BTreeSet<usize>,
}

impl DryRuns {
    /// The answer over the samples of the project, or over the data in a folder.
    pub fn run(
        &mut self,
        wanted: &Wanted,
        folder: Option<&Path>,
        ready: &Ready,
        context: &Context,
    ) -> Result<Answer, Stop> {
        let told = |found| Stop::found(&ready.project, found);
        let folder = folder.map_or_else(|| ready.project.root.join(&ready.project.config.samples), Path::to_owned);
        let program: *const Compiled = wanted.program.compiled;
        let known = self.0.iter().position(|kept| kept.program == program && kept.folder == folder);
        let place = match known {
            Some(place) => place,
            None => {
                let mut dry_run = DryRun::new(Options::new(wanted.query.zone)).map_err(told)?;
                let bar = ui::Progress::start("reading", 100, context.options.quiet);
                dry_run.on_progress(move |at| match at {
                    Progress::Reading { file, bytes, total } => bar.at(&format!("reading {file}"), bytes, total),
                    Progress::CheckingKey { table } => bar.at(&format!("looking for duplicates in {table}"), 0, 0),
                    Progress::Running => bar.at("computing", 0, 0),
                });
                self.0.push(Kept { program, folder, dry_run, read: BTreeSet::new() });
                self.0.len() - 1
            }
        };
        let kept = &mut self.0[place];
        for table in wanted.query.stored_tables() {
            if kept.read.insert(table) {
                let warnings =
                    kept.dry_run.register(&wanted.query.tables[table], &Data::Samples(&kept.folder)).map_err(told)?;
                if !warnings.is_empty() {
                    context.report(&ready.project.sources, &ready.project.root, &warnings);
                }
            }
        }
        kept.dry_run.run(&wanted.query).map_err(told)
    }
}
