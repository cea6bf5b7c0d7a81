//! Streams that fill rollups of a warehouse: in ClickHouse itself, or in another engine that brings results of windows.

mod feed;
mod inlets;
mod topics;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sqlparser::ast::ObjectName;

use super::rollups::{self, Made};
use super::{Build, File, Object, Whole, access, clean, fed, intake, options, with_measures};
use crate::diagnostic::Diagnostics;
use crate::emit::streaming::{self, Given, Source, Window};
use crate::emit::{Artifact, Emitted, Input, name, template};
use crate::error;
use crate::plan::{self, Table};
use crate::project::{ClickhouseTarget, Engine, Otherwise, SameBy, StreamingTarget, Target};
use crate::rollup::{Serving, Way};
use crate::sql::{Calendar, Options};
use crate::suggest::near;

/// Makes the artefacts of a stream for its warehouse.
pub fn emit(
    input: &Input,
    target: &Target,
    stream: &StreamingTarget,
    (warehouse, settings): (&str, &ClickhouseTarget),
) -> (Emitted, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let mut of_warehouse = Diagnostics::new();
    // The project's own program, and that of each change in its other stage: both are fed while they stand beside each other.
    let inputs = || std::iter::once(input).chain(input.changes.iter().map(|beside| &beside.input));
    let planned: Vec<(Options, Option<Input>)> = inputs()
        .map(|input| {
            let mut options = options(settings);
            clean::rows(input, settings, &mut options, &mut of_warehouse);
            let measured = with_measures(input, settings, &options);
            (options, measured)
        })
        .collect();
    let mut programs: Vec<Program> = Vec::new();
    for (input, (options, measured)) in inputs().zip(&planned) {
        let name = &target.name.value;
        let build = Build::new(input, measured.as_ref(), name, settings, options.clone(), &mut of_warehouse);
        let (_, made) = rollups::tables(&build, &mut of_warehouse);
        programs.push(Program { build, made });
    }
    let Some((Program { build, made }, others)) = programs.split_first_mut() else {
        return (Emitted { artifacts: Vec::new(), details: Value::Null }, of_warehouse);
    };
    let places = sources(input, target, stream, &mut diagnostics);
    check(build, target, stream, &places, &mut diagnostics);
    for (other, beside) in others.iter_mut().zip(&input.changes) {
        let change = &beside.change;
        other.build.folder =
            build.path(&format!("changes/{}_v{}_v{}", name::file(&change.name), change.from, change.to));
    }
    let (build, made, others) = (&*build, &*made, &*others);
    let emitted = match streaming::engine(stream.engine) {
        None => native((build, made), others, stream, &places, &mut diagnostics),
        Some(engine) => external((build, made), others, (stream, warehouse), engine, &places, &mut diagnostics),
    };
    diagnostics.extend(of_warehouse);
    (emitted, diagnostics)
}

/// A program as it is planned for the warehouse.
struct Program<'a> {
    build: Build<'a>,
    made: Vec<Made>,
}

impl Program<'_> {
    /// What it has beyond the project's own program: rollups with other names.
    fn is_beyond(&self, own: &[Made], at: usize) -> bool {
        let name = |made: &Made| made.steps.first().map(|step| step.table.clone());
        let known = |one: &Option<ObjectName>| own.iter().any(|made| name(made) == *one);
        self.made.get(at).map(name).is_some_and(|one| !known(&one))
    }
}

/// The places of the sources whose rows are counted.
fn sources(input: &Input, target: &Target, stream: &StreamingTarget, diagnostics: &mut Diagnostics) -> Vec<usize> {
    let has_topic = |place: &usize| input.upkeep[*place].topic.is_some() && !input.tables[*place].is_derived();
    let known: Vec<usize> = (0..input.tables.len()).filter(has_topic).collect();
    for wanted in stream.sources.iter().flatten() {
        if !known.iter().any(|place| input.tables[*place].name == wanted.value) {
            let names = known.iter().map(|place| input.tables[*place].name.as_str());
            let help = match near(&wanted.value, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name a source with `stream: kafka(…)`".to_owned(),
            };
            diagnostics.push(error!(E0832, wanted.span, "no messages come for `{}`", wanted.value; help: help));
        }
    }
    let wanted: Vec<usize> = known.into_iter().filter(|place| stream.counts(&input.tables[*place].name)).collect();
    if wanted.is_empty() && stream.sources.is_none() {
        diagnostics.push(error!(E0832, target.name.span, "no source says where its messages come from";
            help: "add `stream: kafka(topic: \"…\", format: \"json\")` to a source"));
    }
    wanted
}

/// Tells what stands against counting sources as it is asked to, and the metrics that it cannot count.
fn check(build: &Build, target: &Target, stream: &StreamingTarget, places: &[usize], diagnostics: &mut Diagnostics) {
    if !stream.lenient && streaming::engine(stream.engine).is_some_and(streaming::Engine::is_lenient) {
        diagnostics.push(error!(E0838, target.name.span, "ST4: {} reads messages less strictly than the warehouse", stream.engine.word();
            help: "add `lenient: true`, if a text that holds a number may count as that number"));
    }
    if stream.engine != Engine::Clickhouse && stream.by == SameBy::Key {
        for table in places.iter().map(|place| &build.input.tables[*place]).filter(|table| !table.clean.key.is_empty())
        {
            diagnostics.push(error!(E0834, target.name.span, "ST1: {} cannot drop the repetitions of `{}` by how far their times are apart", stream.engine.word(), table.name;
                help: "add `deduplicate_by: key_and_time`, if a row that is sent again has the time that it had"));
        }
    }
    for (name, why) in several_readers(build, stream, places) {
        diagnostics.push(error!(E0835, target.name.span, "ST1: {why} would read the messages of `{name}` at a time, and repetitions pass";
            help: "leave `reading.consumers` out, and let one server read: one reader takes all partitions"));
    }
    for place in places {
        let (table, upkeep) = (&build.input.tables[*place], &build.input.upkeep[*place]);
        let needs = stream.engine != Engine::Clickhouse || !table.clean.key.is_empty();
        if needs && upkeep.lateness.is_none() {
            diagnostics.push(error!(E0836, target.name.span, "`{}` does not say how late its rows may come, and the stream `{}` has to know", table.name, target.name.value;
                help: ("add `lateness: 5m` to the source `{}`", table.name)));
        }
    }
    if stream.otherwise == Otherwise::Refuse {
        check_metrics(build, target, stream, places, diagnostics);
    }
}

/// Tells the metrics that it cannot count.
fn check_metrics(
    build: &Build,
    target: &Target,
    stream: &StreamingTarget,
    places: &[usize],
    diagnostics: &mut Diagnostics,
) {
    for metric in &build.input.metrics {
        for serving in metric.asked().servings {
            let Serving::Stream(step) = serving else { continue };
            let scans = metric.query.table_scans();
            let refused = scans.iter().find_map(|scan| {
                let of = scan.query.stored_tables();
                let counted = places.contains(&scan.table)
                    || (scan.tables[scan.table].is_derived() && of.iter().any(|place| places.contains(place)));
                counted.then(|| fed::refusal(stream.engine, scan, step)).flatten()
            });
            if let Some(why) = refused {
                let found = error!(E0830, metric.span, "the stream `{}` cannot count `{}`", target.name.value, metric.name;
                    help: ("{why}; serve it otherwise, or write `otherwise: warehouse` in the target"));
                // Of a metric with several grains once.
                if !diagnostics.iter().any(|known| *known == found) {
                    diagnostics.push(found);
                }
            }
        }
    }
}

/// The sources with a key whose messages several would read at a time, and who: rows that come at the same time do not see each other.
fn several_readers<'b>(build: &'b Build, stream: &StreamingTarget, places: &[usize]) -> Vec<(&'b str, String)> {
    let is_read = stream.engine == Engine::Clickhouse && stream.intake.brokers.is_some();
    let servers = build.settings.cluster.as_ref().filter(|cluster| cluster.on_cluster);
    let who = match (stream.intake.reading.consumers, servers) {
        (Some(count), _) if count > 1 => format!("{count} consumers"),
        (_, Some(cluster)) => format!("all servers of `{}`", cluster.name),
        _ => return Vec::new(),
    };
    let keyed = places.iter().map(|place| &build.input.tables[*place]).filter(|table| !table.clean.key.is_empty());
    keyed.filter(|_| is_read).map(|table| (table.name.as_str(), who.clone())).collect()
}

/// The rollups that are filled out of a source.
fn fed_of<'b>(build: &'b Build, made: &'b [Made], place: usize) -> impl Iterator<Item = (usize, &'b Made)> {
    let is_one = move |(_, rollup): &(usize, &crate::rollup::Rollup)| rollup.way == Way::Fed && rollup.table == place;
    build.rollups.rollups.iter().enumerate().filter(is_one).filter_map(|(at, _)| Some((at, made.get(at)?)))
}

/// Intake, feed, and the views that fill rollups.
fn native(
    (build, made): (&Build, &[Made]),
    others: &[Program],
    stream: &StreamingTarget,
    places: &[usize],
    diagnostics: &mut Diagnostics,
) -> Emitted {
    let is_wanted = |place: usize| places.contains(&place);
    // Messages are read once all is there.
    let mut files = intake::of(build, (&stream.intake, "30"), &is_wanted, diagnostics);
    let mut details = Vec::new();
    for place in places {
        files.push(feed::file(build, stream, *place, diagnostics));
        files.push(windows(build, stream, *place, made, diagnostics));
        details.push(feed::details(build, stream, *place, fed_of(build, made, *place)));
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let order: Vec<String> = files.iter().map(|file| build.path(&file.name)).collect();
    let known = super::changes::names(&files);
    let sets: Vec<(Whole, Vec<File>)> =
        others.iter().map(|other| beside(other, made, &known, stream, places, diagnostics)).collect();
    let sets: Vec<(Whole, Vec<File>)> = sets.into_iter().filter(|(_, files)| !files.is_empty()).collect();
    let all = files.iter().chain(sets.iter().flat_map(|(_, files)| files));
    let retire = super::readers::retire(build, all, diagnostics);
    let beside: Vec<String> = sets.iter().map(|(whole, _)| format!("{}/apply.sql", whole.folder)).collect();
    let details = json!({
        "kind": "streaming", "dialect": stream.engine.word(), "order": order, "sources": details, "changes": beside,
        "intake": intake::told(build, &is_wanted), "insert_settings": super::details::insert_settings(),
    });
    let whole = Whole {
        apply: "Everything, in the order of application; after the apply.sql of the warehouse".to_owned(),
        ..Whole::of(build)
    };
    let mut artifacts = build.artifacts(files, &whole, &|_| true, diagnostics);
    artifacts.push(retire);
    for (whole, files) in sets {
        artifacts.extend(build.artifacts(files, &whole, &|_| true, diagnostics));
    }
    Emitted { artifacts, details }
}

/// What fills the other version of a change: the rollups that only it has, and the feed, where that is another one.
fn beside(
    other: &Program,
    own: &[Made],
    known: &BTreeSet<String>,
    stream: &StreamingTarget,
    places: &[usize],
    diagnostics: &mut Diagnostics,
) -> (Whole, Vec<File>) {
    let build = &other.build;
    let mut files = Vec::new();
    for place in places {
        if fed_of(build, &other.made, *place).any(|(at, _)| other.is_beyond(own, at)) {
            files.push(feed::file(build, stream, *place, diagnostics));
            files.push(windows(build, stream, *place, &other.made, diagnostics));
        }
    }
    for file in &mut files {
        file.parts.retain(|part| part.objects.iter().any(|object| !known.contains(&object.name.to_string())));
    }
    files.retain(|file| !file.parts.is_empty());
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let what = "the other version of a change";
    let whole = Whole {
        folder: build.folder.clone(),
        apply: format!("What fills {what}; after the set of the warehouse and the stream itself"),
        rollback: format!("Takes back what fills {what}; before the set of the warehouse"),
        forget: Vec::new(),
    };
    (whole, files)
}

/// The views that fill rollups of a source out of its feed.
fn windows(
    build: &Build,
    stream: &StreamingTarget,
    place: usize,
    made: &[Made],
    diagnostics: &mut Diagnostics,
) -> File {
    let table = &build.input.tables[place];
    let what = format!("What fills rollups out of the rows of {} as they arrive", table.name);
    let mut file = File::new(format!("20_windows_{}.sql", name::file(&table.name)), what, vec![table.name.clone()]);
    for (at, made) in fed_of(build, made, place) {
        let Some(finest) = made.steps.first() else { continue };
        let rollup = &build.rollups.rollups[at];
        let comment = format!("{} in buckets of {}", table.name, finest.step.text());
        let mut about = vec![format!(
            "Rows of {} that are neither late nor repetitions (ST1), in buckets of {}.",
            table.name,
            finest.step.text()
        )];
        if rollup.is_as_of_ingestion() {
            about.push("Entities are looked up as rows arrive (CH4).".to_owned());
        }
        let view = finest.filler.to_string();
        let values = minijinja::context! {
            about, view => view.as_str(), table => finest.table.to_string(), security => access::security(build, true),
            comment => build.comment(&comment),
        };
        let text =
            super::with_select(build, &view, "streaming/clickhouse/window.sql", values, &finest.select, diagnostics);
        file.add(text, vec![Object { kind: "VIEW", name: finest.filler.clone() }]);
    }
    feed::entry(build, stream, place, &mut file, diagnostics);
    file
}

/// What another engine is given, its files, and the inlets of the warehouse.
fn external(
    (build, made): (&Build, &[Made]),
    others: &[Program],
    (stream, warehouse): (&StreamingTarget, &str),
    engine: &dyn streaming::Engine,
    places: &[usize],
    diagnostics: &mut Diagnostics,
) -> Emitted {
    let source = |place: &usize| {
        let (table, upkeep): (&Table, _) = (&build.input.tables[*place], &build.input.upkeep[*place]);
        let window = |(at, made): (usize, &Made)| inlets::window(build, at, made);
        let mut windows: Vec<Window> = fed_of(build, made, *place).filter_map(window).collect();
        // Both versions of a change are counted beside each other.
        for other in others {
            let new = fed_of(&other.build, &other.made, *place).filter(|(at, _)| other.is_beyond(made, *at));
            windows.extend(new.filter_map(|(at, made)| inlets::window(&other.build, at, made)));
        }
        Source {
            place: *place,
            table,
            topic: upkeep.topic.as_deref().unwrap_or_default(),
            arrived: upkeep.arrived.as_deref(),
            lateness: upkeep.lateness.unwrap_or(0),
            windows,
        }
    };
    let calendar = Calendar { zone: build.input.zone, week_start: build.input.week_start };
    let sources: Vec<Source> = places.iter().map(source).collect();
    let inlets = inlets::file(build, &sources, diagnostics);
    let details: Vec<Value> = sources.iter().map(|source| of_source(build, stream, source)).collect();
    let given = Given { input: build.input, target: build.target, stream, warehouse, sources, calendar };
    let files = engine.files(&given, diagnostics);
    let topics = topics::file(build, stream, &engine.arrivals(&given), diagnostics);
    let of_warehouse: Vec<File> = std::iter::once(inlets).chain(topics).collect();
    let warehouse_order: Vec<String> =
        of_warehouse.iter().map(|file| build.path(&format!("warehouse/{}", file.name))).collect();
    let order: Vec<String> = files.iter().map(|file| build.path(&file.name)).collect();
    let details = json!({
        "kind": "streaming", "dialect": stream.engine.word(), "order": order, "sources": details,
        "warehouse_order": warehouse_order,
    });
    let whole = Whole {
        folder: format!("{}/warehouse", build.folder),
        apply: "The inlets of the warehouse, after its own apply.sql and its sets of changes".to_owned(),
        ..Whole::of(build)
    };
    let retire = super::readers::retire(build, of_warehouse.iter(), diagnostics);
    let mut artifacts = build.artifacts(of_warehouse, &whole, &|_| true, diagnostics);
    artifacts.push(Artifact { path: format!("{}/warehouse/retire.sql", build.folder), ..retire });
    artifacts.extend(files.into_iter().chain(engine.rollback(&given)).map(|file| {
        let values = minijinja::context! {
            what => file.what, version => env!("CARGO_PKG_VERSION"), target => build.target, comment => engine.comment(&file.name),
        };
        let header = template::render("streaming/header.txt", values);
        Artifact { path: build.path(&file.name), text: header + &file.text, origin: file.origin }
    }));
    Emitted { artifacts, details }
}

fn of_source(build: &Build, stream: &StreamingTarget, source: &Source) -> Value {
    let windows: Vec<Value> = source
        .windows
        .iter()
        .map(|window| {
            let inlets =
                window.plain.iter().chain(&window.values).map(|inlet| format!("{}.{}", inlet.table.0, inlet.table.1));
            json!({ "rollup": build.name(&window.name).to_string(), "inlets": inlets.collect::<Vec<_>>() })
        })
        .collect();
    let mut told = feed::told(build, stream, source.place);
    told["windows"] = json!(windows);
    told
}

/// The type of the key of a bucket: an instant, or a day.
pub fn key_type(step: plan::Step) -> plan::DataType {
    match step {
        plan::Step::Subday(_) => plan::DataType::Timestamp,
        _ => plan::DataType::Date,
    }
}
