//! Experiments on the command line: their sizes, and what they tell.

mod support;

use support::cli::Place;

#[test]
fn sizes_stand_beside_their_halves_and_doubles() {
    let place = Place::empty();
    let asked = ["experiment", "size", "--rate", "12%", "--effect", "5%", "--daily", "10000", "--format", "csv"];
    let sizes = place.run(&asked).assert_code(0).out;
    let lines: Vec<&str> = sizes.lines().collect();
    assert_eq!(lines[0], "effect,mean,control,each_variant,all,days");
    assert_eq!(lines[2], "0.05,0.126,47033,47033,94066,10");
    assert_eq!(lines.len(), 4);
    let shown =
        place.run(&["experiment", "size", "--rate", "12%", "--units", "47033", "--format", "csv"]).assert_code(0).out;
    let effect: f64 = shown.lines().nth(2).and_then(|line| line.split(',').next()?.parse().ok()).expect("a number");
    assert!((effect - 0.05).abs() < 1e-5, "{shown}");
}

#[test]
fn a_plan_that_makes_no_sense_is_refused() {
    let place = Place::empty();
    for (options, told) in [
        (&["--rate", "120%", "--effect", "5%"][..], "`--rate` is no share"),
        (&["--rate", "12%", "--effect", "0"], "`--effect` is 0"),
        (&["--rate", "96%", "--effect", "20%"], "no rate lies so far"),
        (&["--rate", "12%", "--effect", "5%", "--power", "3%"], "`--power` is not greater"),
        (&["--rate", "12%", "--effect", "5%", "--reduction", "100%"], "`--reduction` is no share"),
        (&["--mean", "0", "--sd", "3", "--effect", "5%"], "no difference is a share"),
        (&["--mean", "10", "--sd", "0", "--effect", "5%"], "`--sd` is not greater"),
        (&["--rate", "12%", "--units=-5"], "`--units` is not greater"),
    ] {
        let args: Vec<&str> = ["experiment", "size"].iter().chain(options).copied().collect();
        let run = place.run(&args);
        assert!(run.code != 0 && run.err.contains(told), "{options:?}: {}", run.err);
    }
}

#[cfg(feature = "dry-run")]
mod report {
    use super::Place;

    const PROJECT: &str = r#"
entity user {
  table: "dim.user"; sample: "user.csv"; key: user_id
  column user_id: string
}
source exposure {
  table: "dwd.exposure"; sample: "exposure.csv"; key: id; time: at
  column id: string
  column at: timestamp
  column user_id: user
  column bucket: string
}
source sale {
  table: "dwd.sale"; sample: "sale.csv"; key: id; time: at
  column id: string
  column at: timestamp
  column user_id: user
  column paid: decimal(10,2)
}
metric gmv = sum(paid from sale)
metric orders = count(sale)
experiment cheaper of user { variant: bucket; control: "a"; expose: exposure; metrics: gmv, orders; within: 1d; partial: true }
"#;

    #[test]
    fn a_report_has_a_row_for_each_metric_and_variant() {
        let place = Place::empty();
        ["metrics", "samples"]
            .into_iter()
            .for_each(|folder| std::fs::create_dir(place.path(folder)).expect("a folder"));
        place.write("metricc.yaml", "name: shop\ntimezone: Asia/Shanghai\n").write("metrics/all.metric", PROJECT);
        place.write("samples/user.csv", "user_id\n");
        let (mut exposures, mut sales) = ("id,at,user_id,bucket\n".to_owned(), "id,at,user_id,paid\n".to_owned());
        // 40 of a, and 4 of b: nobody would call that chance.
        for user in 0..44 {
            let bucket = if user < 40 { "a" } else { "b" };
            exposures += &format!("e{user},2026-11-01 10:00:00,u{user},{bucket}\n");
            sales += &format!("s{user},2026-11-01 12:00:00,u{user},{}.00\n", 10 + user % 2);
        }
        place.write("samples/exposure.csv", exposures).write("samples/sale.csv", sales);
        let run = place.run(&["experiment", "report", "cheaper", "--format", "csv"]).assert_code(0);
        let lines: Vec<&str> = run.out.lines().collect();
        assert_eq!(lines[0], "metric,variant,units,excluded,sample_ratio,mean,difference,lower,upper,p_value");
        assert!(lines[1].starts_with("gmv,a,40,,"), "{}", run.out);
        assert!(lines[2].starts_with("gmv,b,4,,") && lines[2].contains(",10.5,0,"), "{}", run.out);
        assert!(lines[3].starts_with("orders,a,40,,") && lines.len() == 5, "{}", run.out);
        assert!(run.err.contains("something is wrong with the assignment"), "{}", run.err);
        let unknown = place.run(&["experiment", "report", "chaeper"]).assert_code(2).err;
        assert!(unknown.contains("E0983") && unknown.contains("did you mean `cheaper`?"), "{unknown}");
    }
}
