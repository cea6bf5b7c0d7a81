//! Questions on the command line: what is wrong with them is told where it stands, and nothing is asked twice.

mod support;

use support::cli::Place;

fn told(place: &Place, args: &[&str]) -> String {
    let whole: Vec<&str> = args.iter().copied().chain(["--error-format", "plain"]).collect();
    let run = place.run_in("shop", &whole).assert_code(1);
    assert_eq!(run.out, "", "{args:?}");
    run.err
}

#[test]
fn a_wrong_condition_is_shown_as_it_was_written() {
    let place = Place::with_shop();
    for (condition, place_and_code) in [
        ("client ==", "--where:1:8: error[E0957]: this is not a condition: `==` is not an operator here"),
        ("client = \"x\"", "--where:1:10: error[E0607]: `client` is never `x`"),
        ("client = 3", "--where:1:10: error[E0609]: "),
        ("client > \"ios\"", "--where:1:1: error[E0332]: "),
        ("client", "--where:1:1: error[E0123]: "),
        ("", "--where:1:1: error[E0957]: "),
        // What closes the condition early must not drop the rest of it.
        ("client = \"ios\") or (client = \"web\"", "--where:1:17: error[E0957]: "),
        ("nobody = 1", "--where:1:1: error[E0208]: no dimension named `nobody`"),
        ("nobody between 1 and 2", "--where:1:1: error[E0208]: no dimension named `nobody`"),
    ] {
        let told = told(&place, &["query", "gmv", "--where", condition]);
        assert!(told.starts_with(place_and_code), "{condition}: {told}");
        assert!(told.ends_with("\n1 error\n"), "{condition}: {told}");
    }
    let human = place.run_in("shop", &["query", "gmv", "--where", "client = \"x\""]).assert_code(1).err;
    assert!(human.contains(" 1 │ client = \"x\"\n   ·          ───\n"), "{human}");
    let fine = place.run_in("shop", &["query", "gmv", "--where", "client like \"i%\" // Apple"]).assert_code(0).out;
    assert!(fine.contains("'i%'"), "{fine}");
}

#[test]
fn an_answer_has_no_two_columns_of_one_name() {
    let place = Place::with_shop();
    place.write(
        "shop/metrics/more.metric",
        "metric client = count(order)\nmetric gmv v2 = sum(pay_amount from order) { grain: 1d }\n",
    );
    let twice = told(&place, &["query", "gmv", "gmv"]);
    assert!(twice.contains("error[E0960]: `gmv` is asked for twice"), "{twice}");
    let twice = told(&place, &["query", "gmv", "--by", "client,province,client"]);
    assert!(twice.contains("error[E0960]: `client` is asked for twice"), "{twice}");
    let both = told(&place, &["query", "client", "--by", "client"]);
    assert!(both.contains("error[E0960]: the answer has two columns `client`"), "{both}");
    // The newest version and version 2 are one metric.
    assert!(told(&place, &["query", "gmv", "gmv@v2"]).contains("E0960"));

    let versions = place.run_in("shop", &["query", "gmv v1", "gmv@v2", "--order", "gmv v2 DESC"]).assert_code(0).out;
    assert!(versions.contains("AS `gmv v1`") && versions.contains("ORDER BY `gmv v2` DESC"), "{versions}");
    let one = place.run_in("shop", &["query", "gmv@v1"]).assert_code(0).out;
    assert!(one.contains(" AS gmv\n"), "{one}");
}

#[cfg(feature = "dry-run")]
#[test]
fn rows_on_days_that_a_calendar_lacks_are_counted() {
    let place = Place::with_shop();
    place.write(
        "shop/metrics/more.metric",
        "calendar fiscal { table: \"dim.calendar\"; sample: \"calendar.csv\"; day: ds; step week = w }\n\
         source tick { table: \"dwd.tick\"; sample: \"tick.csv\"; time: at\n  column at: timestamp\n}\n\
         metric ticks = count(tick) { grain: fiscal.week }\n",
    );
    place.write("shop/samples/calendar.csv", "ds,w\n2026-11-02,a\n2026-11-03,a\n");
    place.write(
        "shop/samples/tick.csv",
        "at\n2026-11-01 10:00:00\n2026-11-01 11:00:00\n2026-11-03 00:00:00\n2026-11-04 00:00:00\n",
    );
    let run = place.run_in("shop", &["dry-run", "ticks", "--format", "csv", "--error-format", "plain"]);
    let run = run.assert_code(0);
    assert_eq!(run.out, "time,ticks\n2026-11-02,1\n");
    let told = "warning[W0902]: 3 rows of `tick` are on 2 days without a step of `fiscal.week`, the first 2026-11-01, the last 2026-11-04";
    assert!(run.err.contains(told), "{}", run.err);
    // Only what is asked for.
    let asked = ["dry-run", "ticks", "--from", "2026-11-02", "--to", "2026-11-03", "--format", "csv"];
    let run = place.run_in("shop", &asked).assert_code(0);
    assert!(!run.err.contains("W0902"), "{}", run.err);
}
