//! Names: plain ones, and ones that trip engines: keywords, other scripts, blanks, another case.

use super::Maker;

/// Names of metrics beyond `m1`, `m2`; some are columns too, two differ in case alone.
const METRICS: &[&str] =
    &["活跃用户", "Total", "total", "pay_amount", "weight", "sum", "order_by", "group", "select", "latency"];

impl Maker {
    /// A name that no metric has yet.
    pub fn metric_name(&mut self) -> String {
        let used = |maker: &Maker, name: &str| {
            maker.project.metric(name).is_some()
                || maker.project.table(name).is_some()
                || maker.project.dimension(name).is_some()
        };
        let twin = self.project.metrics.iter().any(|metric| metric.name == "Total") && self.rng.chance(50);
        if twin || self.rng.chance(25) {
            let name = if twin { "total" } else { *self.rng.pick(METRICS) };
            if !used(self, name) {
                return name.to_owned();
            }
        }
        (1..).map(|n| format!("m{n}")).find(|name| !used(self, name)).expect("numbers do not end")
    }

    /// A name that no dimension has yet, like `wish`.
    pub fn dimension_name(&mut self, wish: &str) -> String {
        let wish = if wish == "time" { "moment" } else { wish };
        let free = |maker: &Maker, name: &str| maker.project.dimension(name).is_none();
        if free(self, wish) {
            return wish.to_owned();
        }
        (2..)
            .map(|n| format!("{}_{n}", wish.replace(' ', "_")))
            .find(|name| free(self, name))
            .expect("numbers do not end")
    }
}
