//! `metricc experiment size`: how many units show a difference, or which difference so many units show.

use std::io::IsTerminal;

use crate::cli::{Context, Exit, Outcome, Stop};
use crate::error;
use crate::plan::{DataType, OutputColumn, Value};
use crate::power::{Baseline, Plan};
use crate::table::{Answer, csv, json, terminal};

use super::Format;

/// Tell how many units show a difference, or which difference so many units show
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Numbers are written as 0.05 or 5%. The answer has the units of the control, of each other variant and of all. Half of the difference
and twice as much stand beside what is asked for, since it is seldom known well.

Examples:
  metricc experiment size --rate 12% --effect 5%
  metricc experiment size --mean 30 --sd 85 --effect 2% --reduction 40% --daily 20000
  metricc experiment size --rate 12% --units 50000")]
pub struct Args {
    /// The share of units that do what is counted, without the change
    #[arg(long, value_name = "SHARE", value_parser = number, required_unless_present = "mean", conflicts_with = "mean")]
    rate: Option<f64>,
    /// The mean of what is measured of each unit, without the change
    #[arg(long, value_name = "NUMBER", value_parser = number, requires = "sd", allow_negative_numbers = true)]
    mean: Option<f64>,
    /// The standard deviation of what is measured
    #[arg(long, value_name = "NUMBER", value_parser = number, requires = "mean")]
    sd: Option<f64>,
    /// The difference to be seen, as a share of the mean or rate
    #[arg(long, value_name = "SHARE", value_parser = number, required_unless_present = "units", conflicts_with = "units")]
    effect: Option<f64>,
    /// Units of the control, to tell which difference they show
    #[arg(long, value_name = "COUNT", value_parser = number)]
    units: Option<f64>,
    /// The difference is one of means or rates, and no share of them
    #[arg(long)]
    absolute: bool,
    /// The probability to take chance for a difference
    #[arg(long, value_name = "SHARE", value_parser = number, default_value = "5%")]
    alpha: f64,
    /// The probability to see the difference if it is there
    #[arg(long, value_name = "SHARE", value_parser = number, default_value = "80%")]
    power: f64,
    /// Whether a loss is looked for as well as a gain
    #[arg(long, value_enum, default_value_t = Sides::Two, value_name = "SIDES")]
    sides: Sides,
    /// How many variants there are, the control among them
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u32).range(2..=1000))]
    variants: u32,
    /// Units of each other variant for one of the control
    #[arg(long, value_name = "NUMBER", value_parser = number, default_value = "1")]
    ratio: f64,
    /// The share of the variance that `cuped` takes away: the square of the correlation with the covariate
    #[arg(long, value_name = "SHARE", value_parser = number, default_value = "0")]
    reduction: f64,
    /// New units a day, to tell how many days it takes
    #[arg(long, value_name = "COUNT", value_parser = number)]
    daily: Option<f64>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Sides {
    /// Differences of both signs
    Two,
    /// The sign that is hoped for alone
    One,
}

/// `5%` or `0.05`
fn number(text: &str) -> Result<f64, String> {
    let (digits, scale) = match text.strip_suffix('%') {
        Some(digits) => (digits, 100.0),
        None => (text, 1.0),
    };
    let found = digits.parse::<f64>().ok().filter(|number| number.is_finite());
    found.map(|number| number / scale).ok_or_else(|| "write a number such as `0.05` or `5%`".to_owned())
}

/// Plans and prints.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let plan = plan(args)?;
    let answer = answer(args, &plan)?;
    let text = match args.format {
        Format::Table => {
            let style = terminal::Style { color: context.paint().is_on(), unicode: std::io::stdout().is_terminal() };
            terminal::table(&answer, style)
        }
        Format::Csv => csv::csv(&answer),
        Format::Json => json::json(&answer),
    };
    context.print(&text)?;
    Ok(Exit::Clean)
}

/// What is planned with, where it makes sense.
fn plan(args: &Args) -> Result<Plan, Stop> {
    let refused = |option: &str, why: &str, help: &str| -> Stop {
        error!(E0982, None, "`--{option}` is {why}"; help: help).into()
    };
    let share = |option: &str, value: f64| match value > 0.0 && value < 1.0 {
        true => Ok(value),
        false => Err(refused(option, "no share between 0 and 1", "write one such as `5%`")),
    };
    let positive = |option: &str, value: f64| match value > 0.0 {
        true => Ok(value),
        false => Err(refused(option, "not greater than 0", "write a greater number")),
    };
    let baseline = match (args.rate, args.mean, args.sd) {
        (Some(rate), ..) => Baseline::Rate(share("rate", rate)?),
        (None, mean, sd) => {
            Baseline::Mean { mean: mean.unwrap_or_default(), deviation: positive("sd", sd.unwrap_or_default())? }
        }
    };
    if baseline.mean() == 0.0 && !args.absolute {
        return Err(refused("mean", "0, of which no difference is a share", "add `--absolute`"));
    }
    let (alpha, power) = (share("alpha", args.alpha)?, share("power", args.power)?);
    if power <= alpha {
        return Err(refused("power", "not greater than `--alpha`", "chance alone has that power: write a greater one"));
    }
    if !(0.0..1.0).contains(&args.reduction) {
        return Err(refused("reduction", "no share from 0 to less than 1", "write one such as `40%`"));
    }
    for (option, value) in [("units", args.units), ("daily", args.daily)] {
        value.map(|value| positive(option, value)).transpose()?;
    }
    if args.effect == Some(0.0) {
        return Err(refused("effect", "0, which no number of units shows", "write a difference"));
    }
    let ratio = positive("ratio", args.ratio)?;
    Ok(Plan { baseline, alpha, power, two_sided: args.sides == Sides::Two, ratio, reduction: args.reduction })
}

/// A row for each difference.
fn answer(args: &Args, plan: &Plan) -> Result<Answer, Stop> {
    let scale = if args.absolute { 1.0 } else { plan.baseline.mean().abs() };
    let mut rows: Vec<(f64, f64)> = Vec::new();
    match (args.effect, args.units) {
        (Some(effect), _) => {
            for times in [0.5, 1.0, 2.0] {
                rows.extend(plan.units(times * effect * scale).map(|units| (times * effect, units)));
            }
        }
        (None, units) => {
            for times in [0.5, 1.0, 2.0] {
                let units = times * units.unwrap_or_default();
                rows.extend(plan.effect(units).map(|effect| (effect / scale, units)));
            }
        }
    }
    if rows.is_empty() {
        return Err(error!(E0982, None, "no rate lies so far from {}", plan.baseline.mean(); help: "ask for a smaller difference, or with more units").into());
    }
    let column = |name: &str, ty: DataType| OutputColumn { name: name.to_owned(), ty, nullable: true, unit: None };
    let mut columns = vec![
        column("effect", DataType::Float),
        column("mean", DataType::Float),
        column("control", DataType::Int),
        column("each_variant", DataType::Int),
        column("all", DataType::Int),
    ];
    columns.extend(args.daily.map(|_| column("days", DataType::Int)));
    let whole = |number: f64| Value::Int(number.min(9e18).ceil() as i64);
    let row = |(effect, units): (f64, f64)| {
        let (control, other) = (units.ceil(), (units * plan.ratio).ceil());
        let all = control + other * f64::from(args.variants - 1);
        let mean = plan.baseline.mean() + effect * scale;
        let mut row = vec![Value::Float(effect), Value::Float(mean), whole(control), whole(other), whole(all)];
        row.extend(args.daily.map(|daily| whole(all / daily)));
        row
    };
    let rows = rows.into_iter().map(row).collect();
    Ok(Answer { columns, keys: 1, rows, zone: chrono_tz::UTC, step: None })
}
