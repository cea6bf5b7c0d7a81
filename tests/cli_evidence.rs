//! `metricc diff --witness --effect`: rows and numbers beside a difference, in every form of the report.
#![cfg(feature = "dry-run")]

mod support;

use std::fmt::Write as _;

use serde_json::{Value, json};

use support::cli::{Run, program};
use support::git::Repo;

const SHOP: &str = r#"source order {
  table: "dwd.order"; sample: "order.csv"
  key: order_id
  time: created_at
  column order_id: string
  column created_at: timestamp
  column status: enum("new", "paid", "refunded")
  column platform: string
  column amount: decimal(18,2)
}

dimension platform = order.platform

subset good_order = order where status != "new"

metric revenue = sum(amount from good_order) { title: "Revenue"; tier: kpi; owner: "a"; grain: 1d; by: platform }
metric orders = count(order) { title: "Orders"; tier: kpi; owner: "a"; grain: 1d }
"#;

struct Shop(Repo);

impl Shop {
    /// Ten days: on each a paid order of 100 on the web, a refunded one of 30 on iOS, and one of 5 that is neither.
    fn new() -> Shop {
        let shop = Shop(Repo::new());
        let mut orders = "order_id,created_at,status,platform,amount\n".to_owned();
        for day in 1..=10 {
            for (status, platform, amount) in [("paid", "web", "100"), ("refunded", "ios", "30"), ("new", "web", "5")] {
                // Writing to a string can't fail.
                let _ = writeln!(orders, "{status}{day},2026-03-{day:02} 10:00:00,{status},{platform},{amount}");
            }
        }
        shop.0.write("metricc.yaml", "name: shop\ntimezone: Asia/Shanghai\npaths: [metrics]\nsamples: samples\n");
        shop.0.write("metrics/all.metric", SHOP).write("samples/order.csv", orders).commit("first");
        shop
    }

    fn edit(&self, from: &str, to: &str) -> &Shop {
        assert!(SHOP.contains(from), "{from}");
        self.0.write("metrics/all.metric", SHOP.replace(from, to));
        self
    }

    fn run(&self, args: &[&str]) -> Run {
        let done = program().arg("diff").args(args).current_dir(self.0.path(".")).output();
        Run::from(done.expect("the program runs"))
    }

    fn evidence(&self, args: &[&str]) -> Vec<Value> {
        let run = self.run(&[args, &["--format", "json"]].concat()).assert_code(0);
        let told: Value = serde_json::from_str(&run.out).expect("JSON");
        told["evidence"].as_array().expect("a list").clone()
    }
}

#[test]
fn a_changed_subset_shows_the_rows_that_only_one_side_has() {
    let shop = Shop::new();
    shop.edit(r#"status != "new""#, r#"status = "paid""#);
    let evidence = shop.evidence(&["--witness", "--effect"]);
    let titles: Vec<&str> = evidence.iter().filter_map(|one| one["of"].as_str()).collect();
    assert_eq!(titles, ["rows of subset good_order", "metric revenue"]);
    let given = &evidence[0]["witness"]["given"][0];
    assert_eq!(given["table"], "order");
    let rows = given["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 1, "{given}");
    assert!(rows[0].as_array().expect("cells").contains(&json!("refunded")), "{given}");
    assert_eq!(evidence[0]["witness"]["values"][0]["old"], "1");
    // Of the revenue of 130 a day the refunded 30 go, all of them on iOS.
    let effect = &evidence[1]["effect"];
    assert_eq!((&effect["total"]["old"], &effect["total"]["new"]), (&json!(1300.0), &json!(1000.0)));
    assert_eq!(effect["buckets"].as_array().map(Vec::len), Some(10));
    let slice = &effect["slices"][0];
    assert_eq!((&slice["dimension"], &slice["of"], &slice["old"]), (&json!("platform"), &json!("ios"), &json!(300.0)));
    assert_eq!(effect["slices"].as_array().map(Vec::len), Some(1));
}

#[test]
fn all_forms_of_the_report_have_it() {
    let shop = Shop::new();
    shop.edit("sum(amount from good_order)", "sum(amount from good_order where amount > 50)");
    let args = ["--witness", "--effect", "--format"];
    for (format, wanted) in [
        ("text", vec!["both versions disagree on these rows", "10 of 10 buckets move, in all 1300 → 1000 (-23.1 %)"]),
        ("markdown", vec!["#### Evidence: `metric revenue`", "| `platform` | `ios` | 300 |"]),
        ("html", vec!["<h2>Evidence</h2>", "<svg", "1300 → 1000"]),
    ] {
        let run = shop.run(&[&args[..], &[format]].concat()).assert_code(0);
        wanted.iter().for_each(|wanted| assert!(run.out.contains(wanted), "{format}: {wanted}\n{}", run.out));
    }
}

#[test]
fn what_is_the_same_has_no_evidence_and_what_can_not_be_is_said() {
    let shop = Shop::new();
    shop.edit("title: \"Revenue\"", "title: \"Sales\"");
    assert_eq!(shop.evidence(&["--witness", "--effect"]), [Value::Null; 0]);
    let unasked = shop.run(&["--metric", "revenue"]).assert_code(2);
    assert!(unasked.err.contains("`--witness` or `--effect`"), "{}", unasked.err);
    let unknown = shop.run(&["--witness", "--metric", "revenu"]).assert_code(2);
    assert!(unknown.err.contains("E0039"), "{}", unknown.err);
    shop.edit(r#"status != "new""#, r#"status = "paid""#);
    let nowhere = shop.evidence(&["--effect", "--data", "nowhere", "--metric", "revenue"]);
    assert!(nowhere[0]["effect"]["failed"].as_str().is_some_and(|why| why.contains("nowhere")), "{nowhere:?}");
}

#[test]
fn each_of_several_edits_has_its_share() {
    let shop = Shop::new();
    let edited = SHOP.replace(r#"status != "new""#, r#"status = "paid""#).replace(
        "sum(amount from good_order)",
        "sum(amount from good_order where created_at >= timestamp(\"2026-03-03 00:00:00\"))",
    );
    shop.0.write("metrics/all.metric", edited);
    let evidence = shop.evidence(&["--effect", "--metric", "revenue"]);
    let shares: Vec<(&str, f64)> = (evidence[0]["effect"]["shares"].as_array().expect("shares").iter())
        .map(|share| (share["edit"].as_str().expect("a name"), share["adds"].as_f64().expect("a number")))
        .collect();
    // The refunded are 300, the first two days 260; 60 are both, and half of it goes to each.
    assert_eq!(shares, [("subset good_order", -270.0), ("metric revenue", -230.0)]);
}
