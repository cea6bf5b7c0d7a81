//! The project for a verb that needs all of it to be right.

use super::{Context, Stop};
use crate::{
    compile::{Compiled, compile},
    diagnostic::{Diagnostics, Severity},
    project::{Project, SourceMap},
};

/// A project without errors, compiled.
#[derive(Debug)]
pub struct Ready {
    /// As read.
    pub project: Project,
    /// As understood.
    pub compiled: Compiled,
}

impl Context {
    /// Loads and compiles the project, for a verb that needs all of it. Errors stop it; warnings are not its matter.
    pub fn compiled(&self) -> Result<Ready, Stop> {
        self.ready(self.load(None)?)
    }

    /// The same for a project that is loaded.
    pub fn ready(&self, (project, mut diagnostics): (Project, Diagnostics)) -> Result<Ready, Stop> {
        let (compiled, found) = compile(&project);
        diagnostics.extend(found);
        if diagnostics.has_errors() {
            let mut errors: Diagnostics =
                diagnostics.into_iter().filter(|found| found.severity() == Severity::Error).collect();
            errors.sort();
            return Err(Stop::found(&project, errors));
        }
        Ok(Ready { project, compiled })
    }
}

impl Stop {
    /// Something that is wrong with the project or with what is asked of it.
    pub fn found(project: &Project, diagnostics: Diagnostics) -> Stop {
        let sources: SourceMap = project.sources.clone();
        Stop::Found { sources: Box::new(sources), root: project.root.clone(), diagnostics }
    }
}
