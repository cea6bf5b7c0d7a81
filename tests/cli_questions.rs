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
    let counted = "warning[W0902]: 3 rows of `tick` are on 2 days without a step of `fiscal.week`, the first 2026-11-01, the last 2026-11-04";
    assert!(run.err.contains(counted), "{}", run.err);
    // Only what is asked for.
    let asked = ["dry-run", "ticks", "--from", "2026-11-02", "--to", "2026-11-03", "--format", "csv"];
    let run = place.run_in("shop", &asked).assert_code(0);
    assert!(!run.err.contains("W0902"), "{}", run.err);
    for option in [&["--cut"][..], &["--as-of", "2026-11-03"]] {
        let asked = [&["query", "ticks", "--from", "2026-11-02"], option].concat();
        let told = told(&place, &asked);
        assert!(told.contains("error[E0978]"), "{option:?}: {told}");
    }
}

#[test]
fn conditions_on_columns_are_told_like_others() {
    let place = Place::with_shop();
    for (condition, place_and_code) in [
        ("gmv >", "--having:1:6: error[E0957]: this is not a condition: "),
        ("gmw > 3", "--having:1:1: error[E0953]: the answer has no column `gmw` (help: did you mean `gmv`?)"),
        ("province = \"x\"", "--having:1:1: error[E0953]: the answer has no column `province`"),
        ("gmv", "--having:1:1: error[E0308]: "),
        ("gmv > \"a\"", "--having:1:1: error[E0305]: "),
        ("sum(gmv) > 3", "--having:1:1: error[E0957]: this is not a condition: `sum` aggregates rows"),
        ("partial is null", "--having:1:1: error[E0953]: the answer has no column `partial`"),
    ] {
        let told = told(&place, &["query", "gmv", "--having", condition]);
        assert!(told.starts_with(place_and_code), "{condition}: {told}");
        assert!(told.ends_with("\n1 error\n"), "{condition}: {told}");
    }
    let parts = told(&place, &["query", "gmv", "--step", "month", "--having", "time.day = 3"]);
    assert!(parts.contains("error[E0966]"), "{parts}");
    let total = told(&place, &["query", "gmv", "--step", "none", "--having", "time > date(\"2026-11-01\")"]);
    assert!(total.contains("error[E0966]"), "{total}");
}

#[test]
fn who_returns_in_a_bucket_is_not_told_without_buckets() {
    let place = Place::with_shop();
    place.write(
        "shop/metrics/life.metric",
        "lifecycle life of user { active: order; silent: 7d }\nmetric back = life.returning { grain: 1w }\n\
         metric gone = life.churned { grain: 1w }\n",
    );
    let total = told(&place, &["query", "back", "--step", "none", "--from", "2026-11-01", "--to", "2026-11-30"]);
    let line = "error[E0961]: `back` looks at the beginning of each bucket, and without a step there are no buckets \
                (help: ask at a step: `--step 1w`)\n";
    assert!(total.starts_with(&format!("metricc: {line}")) && total.ends_with("\n1 error\n"), "{total}");
    place.run_in("shop", &["query", "gone", "--step", "none"]).assert_code(0);
}

#[test]
fn options_that_do_not_fit_are_told() {
    let place = Place::with_shop();
    for (options, code) in [
        (&["gmv", "--cut"][..], "E0967"),
        (&["gmv", "--top", "3 by gmv"], "E0968"),
        (&["gmv", "--by", "client", "--where", "time.day = 3", "--top", "3 by gmv"], "E0968"),
        (&["gmv", "--by", "client", "--top", "gmv 3"], "E0972"),
        (&["gmv", "--by", "client", "--top", "0 by gmv"], "E0972"),
        (&["gmv", "--by", "client", "--top", "3", "by", "gmw", "other"], "E0201"),
        (&["share", "--by", "client,province", "--top", "3 by gmv other"], "E0969"),
        (&["other", "--by", "client", "--top", "3 by gmv other"], "E0960"),
        (&["partial", "--marks"], "E0960"),
        (&["gmv", "--partial"], "E0970"),
        (&["gmv", "--step", "fiscal.week", "--from", "2026-11-01", "--cut"], "E0978"),
        (&["gmv", "--step", "fiscal.week", "--as-of", "2026-11-01"], "E0978"),
        (&["gmv", "--step", "fiscal.week", "--to", "2026-11-01", "--by", "client", "--top", "3 by gmv"], "E0978"),
        (&["gmv", "kept", "--step", "1d", "--as-of", "2026-11-01"], "E0979"),
        (&["kept", "--from", "2026-11-01", "--cut"], "E0979"),
        (&["gmv", "--as-of", "yesterday"], "E0955"),
        (&["--values", "clint"], "E0208"),
        (&["--values", "province", "--source", "nothing"], "E0971"),
        (&["--values", "hour"], "E0971"),
        (&["--values", "client", "--step", "1d"], "E0973"),
        (&["gmv", "--values", "client"], "E0973"),
        (&["--values", "client", "--where", "time.day = 3"], "E0966"),
    ] {
        place.write(
            "shop/metrics/more.metric",
            "metric share = count(order) / (count(order) across client)\nmetric other = count(order)\n\
             metric partial = count(order)\n\
             cohort buyer of user { start: order; active: order; until: 3d }\nmetric kept = buyer.retained at 1d { grain: 1d }\n\
             calendar fiscal { table: \"dim.calendar\"; day: ds; step week = w }\ndimension hour = hour(time)\n\
             source visit {\n  table: \"dwd.visit\"\n  time: at\n  column at: timestamp\n}\nmetric visits = count(visit)\n",
        );
        let whole: Vec<&str> = ["query"].into_iter().chain(options.iter().copied()).collect();
        let told = told(&place, &whole);
        assert!(told.contains(&format!("error[{code}]")), "{options:?}: {told}");
        assert!(told.ends_with("\n1 error\n"), "{options:?}: {told}");
    }
    let fine = ["query", "gmv", "--by", "client", "--top", "3", "by", "gmv", "other", "--step", "1d"];
    let fine = place.run_in("shop", &fine).assert_code(0).out;
    assert!(fine.contains("LIMIT"), "{fine}");
}
