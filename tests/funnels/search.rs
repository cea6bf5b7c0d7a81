//! Funnels by a search of all chains of rows of one unit. Nothing is shared with the compiler.

/// What happens to a unit.
#[derive(Clone, Debug)]
pub struct Happened {
    pub at: i64,
    /// The name of an event, or `order`.
    pub name: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    Ordered,
    Strict,
    Any,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Window {
    Elapsed(i64),
    SameDay,
}

#[derive(Clone, Debug)]
pub struct Exclude {
    pub after: usize,
    pub before: usize,
    pub drop: bool,
}

#[derive(Clone, Debug)]
pub struct Funnel {
    pub order: Order,
    /// `order`, or the letters of the names of events.
    pub steps: Vec<&'static str>,
    pub optional: Vec<bool>,
    pub window: Window,
    pub increasing: bool,
    pub exclusions: Vec<Exclude>,
}

/// What comes of a unit: which steps it reaches, and how long it takes to get there.
#[derive(Debug)]
pub struct Unit {
    pub reached: Vec<bool>,
    pub took: Vec<Option<i64>>,
}

/// An attempt: when each step is reached.
#[derive(Clone, Debug)]
struct Attempt {
    start: i64,
    times: Vec<Option<i64>>,
    depth: usize,
    spoilt: bool,
}

fn serves(row: &Happened, step: &str) -> bool {
    match step {
        "order" => row.name == "order",
        names => row.name.len() == 1 && names.contains(row.name),
    }
}

/// The units of all days, of which there are attempts.
pub fn outcomes(funnel: &Funnel, rows: &[Happened], day: fn(i64) -> i64) -> Vec<(i64, Unit)> {
    let mut attempts: Vec<Attempt> = match funnel.order {
        Order::Any => rows.iter().filter_map(|row| any(funnel, rows, row.at, row, day)).collect(),
        _ => (0..rows.len()).filter_map(|first| chain(funnel, rows, first, day)).collect(),
    };
    attempts.sort_by_key(|attempt| attempt.start);
    let mut days: Vec<i64> = attempts.iter().map(|attempt| day(attempt.start)).collect();
    days.dedup();
    let of = |of: i64| {
        let here: Vec<&Attempt> = attempts.iter().filter(|attempt| day(attempt.start) == of).collect();
        let depth = here.iter().map(|attempt| attempt.depth).max()?;
        let first = here.iter().filter(|attempt| attempt.depth == depth).map(|attempt| attempt.start).min()?;
        let furthest: Vec<&&Attempt> =
            here.iter().filter(|attempt| attempt.depth == depth && attempt.start == first).collect();
        // Of attempts that begin at one instant and get as far one that is not spoilt is enough.
        if furthest.iter().all(|attempt| attempt.spoilt) {
            return None;
        }
        let steps = 0..funnel.steps.len();
        let reached = steps.clone().map(|step| here.iter().any(|attempt| attempt.times[step].is_some())).collect();
        let took = |step: usize| furthest.iter().filter_map(|attempt| Some(attempt.times[step]? - attempt.start)).min();
        Some((of, Unit { reached, took: steps.map(took).collect() }))
    };
    days.into_iter().filter_map(of).collect()
}

fn in_window(funnel: &Funnel, start: i64, at: i64, day: fn(i64) -> i64) -> bool {
    match funnel.window {
        Window::Elapsed(ms) => at - start <= ms,
        Window::SameDay => day(at) == day(start),
    }
}

/// In any order: how many different steps are done from a row on.
fn any(funnel: &Funnel, rows: &[Happened], start: i64, row: &Happened, day: fn(i64) -> i64) -> Option<Attempt> {
    if !funnel.steps.iter().any(|step| serves(row, step)) {
        return None;
    }
    let mut done: Vec<i64> = (funnel.steps.iter())
        .filter_map(|step| {
            let later =
                rows.iter().filter(|row| serves(row, step) && row.at >= start && in_window(funnel, start, row.at, day));
            later.map(|row| row.at).min()
        })
        .collect();
    done.sort_unstable();
    let times = (0..funnel.steps.len()).map(|place| done.get(place).copied()).collect();
    Some(Attempt { start, times, depth: done.len(), spoilt: false })
}

/// The attempt of a first row: of all chains of different rows through the steps that may not be missing the one that is earliest,
/// compared step by step.
fn chain(funnel: &Funnel, rows: &[Happened], first: usize, day: fn(i64) -> i64) -> Option<Attempt> {
    if !serves(&rows[first], funnel.steps[0]) {
        return None;
    }
    let required: Vec<usize> = (0..funnel.steps.len()).filter(|step| !funnel.optional[*step]).collect();
    let start = rows[first].at;
    let mut best: Vec<i64> = vec![start];
    search(funnel, rows, &required, &mut vec![first], &mut |chain| {
        // A strict chain has no other event between its first and its last row.
        let last = rows[*chain.last().expect("a row")].at;
        let alone = rows
            .iter()
            .enumerate()
            .all(|(at, row)| chain.contains(&at) || row.at <= start || row.at >= last || row.name == "order");
        if (funnel.order == Order::Strict && !alone) || !in_window(funnel, start, last, day) {
            return;
        }
        let times: Vec<i64> = chain.iter().map(|at| rows[*at].at).collect();
        for (place, at) in times.iter().enumerate() {
            match best.get(place) {
                None => best.push(*at),
                Some(known) if *at < *known && place + 1 == times.len() => best[place] = *at,
                Some(_) => {}
            }
        }
    });
    let mut times = vec![None; funnel.steps.len()];
    for (place, at) in best.iter().enumerate() {
        times[required[place]] = Some(*at);
    }
    // A step that may be missing takes its first row between the steps around it.
    for step in (0..funnel.steps.len()).filter(|step| funnel.optional[*step]) {
        let before = (0..step).rev().find(|one| !funnel.optional[*one]).expect("the first may not be missing");
        let after = (step..funnel.steps.len()).find(|one| !funnel.optional[*one]);
        let Some(from) = times[before] else { continue };
        let until = after.and_then(|after| times[after]);
        let fits = |at: i64| {
            let later = if funnel.increasing { at > from } else { at >= from };
            later && until.is_none_or(|until| at <= until) && in_window(funnel, start, at, day)
        };
        times[step] = rows.iter().filter(|row| serves(row, funnel.steps[step]) && fits(row.at)).map(|row| row.at).min();
    }
    let whole = times.clone();
    let mut spoilt = false;
    for exclude in &funnel.exclusions {
        let (Some(from), until) = (whole[exclude.after], whole[exclude.before]) else { continue };
        let between = |at: i64| at > from && until.is_none_or(|until| at < until) && in_window(funnel, start, at, day);
        let Some(ended) = rows.iter().filter(|row| row.name == "x" && between(row.at)).map(|row| row.at).min() else {
            continue;
        };
        spoilt |= exclude.drop;
        // The attempt ends there: what lies later is not reached.
        for at in times.iter_mut().skip(exclude.after + 1) {
            *at = at.filter(|at| *at <= ended);
        }
    }
    let depth = required.iter().filter(|step| times[**step].is_some()).count();
    Some(Attempt { start, times, depth, spoilt })
}

/// Calls `found` for every chain that goes on from one: rows in the order of the steps, none earlier than the one before, no row
/// twice.
fn search(
    funnel: &Funnel,
    rows: &[Happened],
    required: &[usize],
    chain: &mut Vec<usize>,
    found: &mut dyn FnMut(&[usize]),
) {
    found(chain);
    let Some(step) = required.get(chain.len()) else { return };
    let last = rows[*chain.last().expect("a row")].at;
    for (at, row) in rows.iter().enumerate() {
        let later = if funnel.increasing { row.at > last } else { row.at >= last };
        if later && serves(row, funnel.steps[*step]) && !chain.contains(&at) {
            chain.push(at);
            search(funnel, rows, required, chain, found);
            chain.pop();
        }
    }
}
