//! Changes of calibers: the other version of each, built beside the project's own build (CH15).
//!
//! The other program of a change is planned as a whole, as it will be once the change has its other stage: so what is built
//! beside is what the build of that stage will have, to the hash, and is filled by then. Of it a set has what the project's
//! own build does not make. The cut-over, and the way back, only replace the views that readers see.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::metric::ServedView;
use super::readers::{self, READERS, Readers, family, stable};
use super::rollups::Made;
use super::{
    Build, File, Object, Part, Whole, backfill, clean, details, fillers, metric, options, tables, with_measures,
};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::emit::{Artifact, Beside, MetricView, name};
use crate::types::Stage;

/// What builds the other version of a change.
pub struct Set {
    /// What it makes, in the order of application; the last file has the views for readers.
    pub files: Vec<File>,
    /// For the manifest.
    pub details: Value,
    whole: Whole,
    /// Its batches and backfills, and the two ways to move readers.
    others: Vec<Artifact>,
}

/// The sets of all changes that move something.
///
/// `known` are the names of all that the project's own build makes.
pub fn sets(
    own: &Build,
    changes: &[Beside],
    readers: &Readers,
    known: &BTreeSet<String>,
    diagnostics: &mut Diagnostics,
) -> Vec<Set> {
    // What is wrong with the build is as wrong beside it.
    if diagnostics.has_errors() {
        return Vec::new();
    }
    let mut sets = Vec::new();
    for of in changes {
        let mut found = Diagnostics::new();
        let set = Maker { own, readers, of, known }.set(&mut found);
        let is_new = |one: &Diagnostic| !diagnostics.iter().any(|told| told == one);
        let found: Diagnostics = found.into_iter().filter(is_new).collect();
        diagnostics.extend(found);
        sets.push(set);
    }
    sets
}

/// The files of all sets. What takes back one of them leaves what the build and the other sets have.
pub fn artifacts(
    sets: Vec<Set>,
    own: &Build,
    known: &BTreeSet<String>,
    diagnostics: &mut Diagnostics,
) -> Vec<Artifact> {
    let objects: Vec<BTreeSet<String>> = sets.iter().map(|set| names(&set.files)).collect();
    let mut made = Vec::new();
    for (at, set) in sets.into_iter().enumerate() {
        let elsewhere =
            |name: &String| objects.iter().enumerate().any(|(other, all)| other != at && all.contains(name));
        let taken = |object: &Object| {
            let name = object.name.to_string();
            !known.contains(&name) && !elsewhere(&name)
        };
        let Set { files, whole, others, .. } = set;
        made.extend(own.artifacts(files, &whole, &taken, diagnostics));
        made.extend(others);
    }
    made
}

/// The names of all that files make.
pub fn names(files: &[File]) -> BTreeSet<String> {
    files.iter().flat_map(File::objects).map(|object| object.name.to_string()).collect()
}

struct Maker<'a> {
    own: &'a Build<'a>,
    readers: &'a Readers<'a>,
    of: &'a Beside,
    known: &'a BTreeSet<String>,
}

impl Maker<'_> {
    fn set(&self, diagnostics: &mut Diagnostics) -> Set {
        let Beside { change, input, .. } = self.of;
        let settings = self.own.settings;
        let mut options = options(settings);
        let clean = clean::rows(input, settings, &mut options, diagnostics);
        let measured = with_measures(input, settings, &options);
        let mut build = Build::new(input, measured.as_ref(), self.own.target, settings, options, diagnostics);
        build.memo = self.own.memo;
        build.known = self.known.clone();
        build.folder = self.folder();
        let (mut files, made) = tables(&build, &clean, diagnostics);
        let (backfills, batches) = fillers(&build, &made, &mut files, diagnostics);
        let (metrics, served) = metric::views(&build, &made, diagnostics);
        files.extend(metrics);
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let mut files = self.beyond(files, &build, &made);
        let others = Readers::new(&build, &clean, &served);
        files.push(self.views(&build, &others, diagnostics));
        let mut details = self.details(&build, &files, &others);
        let rollups = details::rollups(&build, &made);
        let is_new = |one: &&Value| !one["table"].as_str().is_some_and(|table| self.known.contains(table));
        details["rollups"] = rollups.as_array().into_iter().flatten().filter(is_new).cloned().collect();
        details["batches"] = batches.iter().map(|batch| batch.details(&build)).collect();
        details["backfills"] = backfills.iter().map(|backfill| backfill.details(&build)).collect();
        let mut more = self.ways(&build, &others, diagnostics);
        more.extend(backfills.into_iter().flat_map(|backfill| backfill.artifacts(&build)));
        more.extend(batches.into_iter().flat_map(|batch| batch.artifacts(&build)));
        let what = format!("{} as its version {}", change.name, change.other());
        let cuts = made.iter().filter(|made| build.fills(made)).filter_map(|made| made.cut.clone());
        let whole = Whole {
            forget: cuts.collect(),
            folder: build.folder.clone(),
            apply: format!(
                "{what}, beside the project's build, which is applied before: everything, in the order of application"
            ),
            rollback: format!("Takes back what was built for {what}, and nothing of the project's build"),
        };
        Set { files, details, whole, others: more }
    }

    fn folder(&self) -> String {
        let change = &self.of.change;
        self.own.path(&format!("changes/{}_v{}_v{}", name::file(&change.name), change.from, change.to))
    }

    /// What the project's build does not make.
    fn beyond(&self, files: Vec<File>, build: &Build, made: &[Made]) -> Vec<File> {
        let filled = || made.iter().filter(|made| build.fills(made));
        // A rollup with a step more is prepared as a whole.
        let steps: BTreeSet<String> =
            filled().flat_map(|made| &made.steps).map(|step| step.table.to_string()).collect();
        let cuts = filled().any(|made| made.cut.is_some());
        let is_new = |file: &str, part: &Part| {
            part.objects.first().is_some_and(|first| {
                let name = first.name.to_string();
                let begins = file == backfill::CUT_OVER && cuts;
                begins || !self.known.contains(&name) || steps.contains(&name)
            })
        };
        let mut found = Vec::new();
        for mut file in files {
            let name = file.name.clone();
            file.parts.retain(|part| is_new(&name, part));
            if !file.parts.is_empty() {
                found.push(file);
            }
        }
        found
    }

    /// The metrics that are moved, in the other program.
    fn moved(&self) -> BTreeSet<&str> {
        self.of.moved.iter().map(String::as_str).collect()
    }

    /// `dau__1d__dau_v2`
    fn beside(&self, metric: &MetricView) -> String {
        let change = &self.of.change;
        format!("{}__{}_v{}", stable(metric), crate::emit::view_name(&change.name), change.other())
    }

    /// The views that show the metrics as they are in the other program.
    fn views(&self, build: &Build, others: &Readers, diagnostics: &mut Diagnostics) -> File {
        let change = &self.of.change;
        let what = format!(
            "What readers see of {} as its version {}, beside what they see otherwise",
            change.name,
            change.other()
        );
        let mut file = File::new(READERS, what, self.of.moved.iter().cloned().collect());
        for found in others.current(&self.moved()) {
            let stable = self.beside(found.0);
            let text = readers::view_of(build, &stable, found, diagnostics);
            file.add(text, vec![Object { kind: "VIEW", name: build.name(&stable) }]);
        }
        file
    }

    /// What moves readers to the other program, and back.
    fn ways(&self, build: &Build, others: &Readers, diagnostics: &mut Diagnostics) -> Vec<Artifact> {
        let change = &self.of.change;
        let way = |file: &str, version: u32, of: &Readers, diagnostics: &mut Diagnostics| {
            let what = format!("From now on {} is its version {version}, for all that it moves (CH15)", change.name);
            let mut text = build.header(&what);
            for found in of.current(&self.moved()) {
                text.push_str(&readers::view_of(build, &stable(found.0), found, diagnostics));
            }
            let origin = self.of.moved.iter().cloned().collect();
            Artifact { path: build.path(&format!("promote/{file}")), text, origin }
        };
        let (forth, back) = match change.stage {
            Stage::DoubleRun => (others, self.readers),
            Stage::Live => (self.readers, others),
        };
        vec![way("cut_over.sql", change.to, forth, diagnostics), way("roll_back.sql", change.from, back, diagnostics)]
    }

    fn details(&self, build: &Build, files: &[File], others: &Readers) -> Value {
        let change = &self.of.change;
        let moved = self.moved();
        let path = |file: &str| build.path(file);
        let metrics = others.current(&moved).map(|(metric, served)| self.metric(build, metric, served));
        json!({
            "change": change.label(),
            "name": change.name,
            "kind": change.kind.word(),
            "from": change.from,
            "to": change.to,
            "stage": change.stage.word(),
            "reason": change.reason,
            "ticket": change.ticket,
            "double_run_days": change.double_run_days,
            "tolerance": change.tolerance,
            "expect": change.expect.map(|(low, high)| [low, high]),
            "retire": change.retire.map(|day| day.to_string()),
            "builds": change.other(),
            "order": files.iter().map(|file| path(&file.name)).collect::<Vec<_>>(),
            "apply": path("apply.sql"),
            "rollback": path("rollback.sql"),
            "cut_over": path("promote/cut_over.sql"),
            "roll_back": path("promote/roll_back.sql"),
            "metrics": metrics.collect::<Vec<_>>(),
        })
    }

    /// A metric as it is in the other program, beside what the project has of it at the same step.
    fn metric(&self, build: &Build, metric: &MetricView, served: &ServedView) -> Value {
        let families = BTreeSet::from([family(metric)]);
        let mut own = self.readers.current(&families);
        let own = own.find(|(own, _)| own.name == metric.name && own.step == metric.step);
        let dimensions: Vec<&str> = metric.query.dimensions.iter().map(|dimension| dimension.name.as_str()).collect();
        json!({
            "name": metric.name,
            "step": metric.grain(),
            "dimensions": dimensions,
            "version": own.map(|(own, _)| own.version),
            "view": own.map(|(own, _)| build.name(&stable(own)).to_string()),
            "other_version": metric.version,
            "other_view": build.name(&self.beside(metric)).to_string(),
            "made": served.view.to_string(),
        })
    }
}
