//! Gathers the evidence of differences: a search for rows, and both versions over data.

use std::path::{Path, PathBuf};

use super::super::revisions::{Loaded, Program};
use super::super::{Context, Stop, ui};
use super::evidence::{Evidence, Gathered};
use crate::change::diff::{At, Diff, Entry};
use crate::change::effect::{Edited, Measured, Programs, with};
use crate::change::witness::{Searched, Side, search};
use crate::compile::{Compiled, compile};
use crate::diagnostic::Diagnostics;
use crate::dry_run::{DryRun, Options};
use crate::error;
use crate::lineage::Kind;
use crate::plan::Lowering;
use crate::project::{Project, load};
use crate::suggest::near;
use crate::types::MetricId;

/// The most metrics for which evidence is gathered unasked.
const MOST: usize = 12;

/// What is asked for.
#[derive(clap::Args, Debug)]
pub struct EvidenceArgs {
    /// Search for the fewest rows on which both versions of a metric disagree, and run both on them
    #[arg(long)]
    witness: bool,
    /// Compute both versions over the samples, and tell what moves, where, and by which edit
    #[arg(long)]
    effect: bool,
    /// The folder with the data for `--effect` [default: `samples` of metricc.yaml]
    #[arg(long, value_name = "DIR", requires = "effect")]
    data: Option<PathBuf>,
    /// Evidence for these metrics alone [default: for those whose own definition changed, then for those that move with others, 12 in
    /// all]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    metric: Vec<String>,
}

/// The evidence that is asked for.
pub fn gather(
    args: &EvidenceArgs,
    before: &Loaded,
    after: &Loaded,
    diff: &Diff,
    context: &Context,
) -> Result<Gathered, Stop> {
    if !args.witness && !args.effect {
        if let Some(name) = args.metric.first() {
            return Err(error!(E0039, None, "no evidence is asked for, of `{name}` or others";
                help: "add `--witness` or `--effect`, or leave out `--metric`")
            .into());
        }
        return Ok(Gathered::default());
    }
    let (Loaded::Program(before), Loaded::Program(after)) = (before, after) else {
        return Err(error!(E0039, None, "a lock has no definitions that could be run";
            help: "compare with a revision, or leave out `--witness` and `--effect`")
        .into());
    };
    let rows = if args.metric.is_empty() { counted_rows(diff, before, after) } else { None };
    let moved = moved(args, diff, before, after)?;
    let most = if args.metric.is_empty() { MOST } else { moved.len() };
    let mut gathered = Gathered { all: Vec::new(), left_out: moved.len().saturating_sub(most) };
    let project = &after.ready.project;
    let told = |found: Diagnostics| Stop::found(project, found);
    let folder = args.data.clone().unwrap_or_else(|| project.root.join(&project.config.samples));
    let mut programs = match args.effect {
        true => Some(Programs::new(edited(before), edited(after), &folder).map_err(told)?),
        false => None,
    };
    let mut searches = if args.witness {
        Some(Searches::new([&before.ready.compiled, &after.ready.compiled]).map_err(told)?)
    } else {
        None
    };
    let sets = rows.as_ref().map_or(0, |rows| rows.sets.len());
    let bar = ui::Progress::start("computing", (sets + moved.len().min(most)) as u64, context.options.quiet);
    if let Some(rows) = &rows {
        rows.gather(args, &folder, &mut gathered, || bar.step());
    }
    for (entry, metric) in moved.into_iter().take(most) {
        let effect = programs.as_mut().map(|programs| measured(programs, metric, &folder));
        let witness = searches.as_mut().map(|searches| searches.of(metric));
        gathered.all.push(Evidence { title: format!("metric {}", entry.title()), witness, effect });
        bar.step();
    }
    drop(bar);
    Ok(gathered)
}

/// Both programs with a metric that counts the rows of each row set that says something else: rows that only one of them has are the
/// evidence that everything below shares.
struct CountedRows {
    programs: [(Project, Compiled); 2],
    /// Titles, and the metrics.
    sets: Vec<(String, Measured)>,
}

/// None where no row set says something else, or where its rows can't be counted.
fn counted_rows(diff: &Diff, before: &Program, after: &Program) -> Option<CountedRows> {
    let is_set = |entry: &&Entry| matches!(entry.kind, Kind::Subset | Kind::Session) && entry.moves;
    let told = diff.entries.iter().filter(is_set).filter(|entry| !super::is_moved(entry));
    let sets: Vec<(&Entry, &At, &At)> =
        told.filter_map(|entry| Some((entry, entry.base.as_ref()?, entry.head.as_ref()?))).take(MOST).collect();
    let program = |of: &Program, at: usize| {
        // Rows without a time have no days.
        ["{ grain: 1d }", ""].into_iter().find_map(|items| {
            let metric = |(place, set): (usize, &(&Entry, &At, &At))| {
                let set = if at == 0 { set.1 } else { set.2 };
                format!("metric {} = count({} v{}) {items}\n", name_of(place), set.name, set.version)
            };
            let text: String = sets.iter().enumerate().map(metric).collect();
            let (project, _) = load(&with(edited(of), &text)?);
            let project = project?;
            let (compiled, found) = compile(&project);
            (!found.has_errors()).then_some((project, compiled))
        })
    };
    if sets.is_empty() {
        return None;
    }
    let programs = [program(before, 0)?, program(after, 1)?];
    let measured = |place: usize| {
        let id = |at: usize| programs[at].1.model.metric_named(&name_of(place), None);
        Some(Measured { old: id(0)?, new: id(1)? })
    };
    let titled = sets.iter().enumerate().filter_map(|(place, (entry, ..))| {
        Some((format!("rows of {} {}", entry.kind.word(), entry.title()), measured(place)?))
    });
    Some(CountedRows { sets: titled.collect(), programs })
}

/// What nobody calls a metric.
fn name_of(place: usize) -> String {
    format!("metricc__rows_of_set_{place}")
}

impl CountedRows {
    fn gather(&self, args: &EvidenceArgs, folder: &Path, gathered: &mut Gathered, step: impl Fn()) {
        let side = |at: usize| Edited { project: &self.programs[at].0, compiled: &self.programs[at].1 };
        let mut programs = if args.effect { Programs::new(side(0), side(1), folder).ok() } else { None };
        let mut searches =
            if args.witness { Searches::new([&self.programs[0].1, &self.programs[1].1]).ok() } else { None };
        for (title, metric) in &self.sets {
            let effect = programs.as_mut().map(|programs| measured(programs, *metric, folder));
            let witness = searches.as_mut().map(|searches| searches.of(*metric));
            gathered.all.push(Evidence { title: title.clone(), witness, effect });
            step();
        }
    }
}

fn edited(program: &Program) -> Edited<'_> {
    Edited { project: &program.ready.project, compiled: &program.ready.compiled }
}

/// The metrics whose numbers may be others: first those that say something else themselves.
fn moved<'d>(
    args: &EvidenceArgs,
    diff: &'d Diff,
    before: &Program,
    after: &Program,
) -> Result<Vec<(&'d Entry, Measured)>, Stop> {
    let id = |program: &Program, at: &Option<At>| {
        let at = at.as_ref()?;
        program.ready.compiled.model.metric_named(&at.name, Some(at.version))
    };
    let both = |entry: &'d Entry| -> Option<(&'d Entry, Measured)> {
        let (old, new): (MetricId, MetricId) = (id(before, &entry.base)?, id(after, &entry.head)?);
        Some((entry, Measured { old, new }))
    };
    let moves =
        diff.entries.iter().filter(|entry| entry.kind == Kind::Metric && (entry.moves || !diff.project.is_empty()));
    let mut all: Vec<(&Entry, Measured)> = moves.filter_map(both).collect();
    let tier = |metric: &Measured| after.ready.compiled.model.metrics[metric.new.0].tier;
    // What weighs most first: own definitions, then the tiers in their order.
    all.sort_by_key(|(entry, metric)| (super::is_moved(entry), tier(metric).is_none(), tier(metric)));
    for name in &args.metric {
        if !all.iter().any(|(entry, _)| entry.name == *name) {
            let help = match near(name, all.iter().map(|(entry, _)| entry.name.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name a metric that `metricc diff` shows as caliber".to_owned(),
            };
            return Err(
                error!(E0039, None, "the numbers of `{name}` are the same in both, or one of both has no such metric";
                help: help)
                .into(),
            );
        }
    }
    all.retain(|(entry, _)| args.metric.is_empty() || args.metric.contains(&entry.name));
    Ok(all)
}

/// What a change does to data, or why it can't be told.
fn measured(
    programs: &mut Programs<'_>,
    metric: Measured,
    folder: &Path,
) -> Result<crate::change::effect::Effect, String> {
    let why = |found: Diagnostics| {
        let first = found.iter().next().map_or_else(String::new, |one| one.message.to_string());
        if folder.is_dir() { first } else { format!("there is no folder {}", folder.display()) }
    };
    programs.effect(metric).map_err(why)
}

/// Two programs, each with a dry run of its own.
struct Searches<'a> {
    programs: [Lowering<'a>; 2],
    dry_runs: [DryRun; 2],
}

impl<'a> Searches<'a> {
    fn new([before, after]: [&'a Compiled; 2]) -> Result<Searches<'a>, Diagnostics> {
        let (old, new) = (&before.model, &after.model);
        let dry_run = |zone| DryRun::new(Options::new(zone));
        Ok(Searches {
            programs: [Lowering::new(old), Lowering::new(new)],
            dry_runs: [dry_run(old.zone)?, dry_run(new.zone)?],
        })
    }

    fn of(&mut self, metric: Measured) -> Result<Searched, String> {
        let [old, new] = &mut self.dry_runs;
        search(
            Side { lowering: &self.programs[0], metric: metric.old, dry_run: old },
            Side { lowering: &self.programs[1], metric: metric.new, dry_run: new },
        )
        .map_err(|found| found.iter().next().map_or_else(String::new, |one| one.message.to_string()))
    }
}
