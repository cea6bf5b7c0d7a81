//! What alerts tell: labels that decide who is told, and annotations that people read.

use std::collections::BTreeMap;

use super::fresh::Fresh;
use super::given::{About, Objective, Watched, ascii, label};
use super::objective::{Burn, left};
use crate::diagnostic::{Diagnostics, Spanned};
use crate::emit::streaming::duration;
use crate::error;
use crate::project::AlertsTarget;
use crate::suggest::near;
use crate::types::Severity;
use crate::types::alerts::{Bound, Condition, Subject};

/// A name for the beginning of other names.
pub fn plain(name: &str) -> String {
    ascii(name)
}

/// What a target tells of all alerts.
pub struct Told<'a> {
    target: &'a AlertsTarget,
}

impl<'a> Told<'a> {
    /// Of a target. Receivers that it does not have are told, and severities of which nobody is told.
    pub fn of(target: &'a AlertsTarget, given: &super::given::Given, diagnostics: &mut Diagnostics) -> Told<'a> {
        let told = Told { target };
        for name in target.notify.iter().flatten() {
            told.check(name, diagnostics);
        }
        for watched in given.watched() {
            told.check_all(&watched.alert.notify, &watched.alert.name, &[watched.alert.severity], diagnostics);
        }
        for fresh in &given.fresh {
            told.check_all(&[], &fresh.name, &[fresh.severity], diagnostics);
        }
        for objective in &given.slos {
            let all = [Severity::P0, Severity::P1, Severity::P2];
            told.check_all(&objective.slo.notify, &objective.slo.name, &all, diagnostics);
        }
        told
    }

    fn check_all(
        &self,
        notify: &[Spanned<String>],
        name: &Spanned<String>,
        severities: &[Severity],
        diagnostics: &mut Diagnostics,
    ) {
        notify.iter().for_each(|name| self.check(name, diagnostics));
        for severity in severities.iter().filter(|_| notify.is_empty()) {
            if self.target.notify[*severity as usize].is_empty() {
                diagnostics
                    .push(error!(E0890, name.span, "nobody is told of `{}`, which is {}", name.value, severity.word();
                    help: ("write `notify:` in it, or `notify: {{ {}: [RECEIVER] }}` in the target", severity.word())));
            }
        }
    }

    fn check(&self, name: &Spanned<String>, diagnostics: &mut Diagnostics) {
        let receiver = self.target.receiver(&name.value);
        if receiver.is_some_and(|receiver| !receiver.email.is_empty()) && self.target.smtp.is_none() {
            diagnostics.push(error!(E0894, name.span, "`{}` is told by mail, and Alertmanager has no server that takes it", name.value;
                help: "add `smtp:` with `host` and `from` to the target, and maybe `user` and `password_file`: what `mail:` of `metricc.yaml` names is in the environment of metricc"));
        }
        if receiver.is_none() {
            let known = self.target.receivers.iter().map(|receiver| receiver.name.value.as_str());
            let help = match near(&name.value, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add `{}` to `receivers:` of the target or of `metricc.yaml`", name.value),
            };
            diagnostics.push(error!(E0890, name.span, "no receiver named `{}`", name.value; help: help));
        }
    }

    /// Who is told, with commas, in the order of names.
    fn notify(&self, notify: &[Spanned<String>], severity: Severity) -> String {
        let all = if notify.is_empty() { &self.target.notify[severity as usize] } else { notify };
        let mut names: Vec<&str> = all.iter().map(|name| name.value.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.join(",")
    }

    fn common(&self, about: &About, severity: Severity, notify: &[Spanned<String>]) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::from([
            ("metric".to_owned(), template(&about.name)),
            ("notify".to_owned(), self.notify(notify, severity)),
            ("severity".to_owned(), severity.word().to_owned()),
        ]);
        labels.extend(about.owner.as_ref().map(|owner| ("owner".to_owned(), template(owner))));
        labels
    }

    /// The labels of an alert, beside those of its group.
    pub fn labels(&self, of: &Watched, kind: Option<&str>) -> BTreeMap<String, String> {
        let mut labels = self.common(&of.series.about, of.alert.severity, &of.alert.notify);
        labels.extend(kind.map(|kind| ("kind".to_owned(), kind.to_owned())));
        labels
    }

    /// The labels of the alert that rows are not fresh.
    pub fn labels_of_fresh(&self, of: &Fresh) -> BTreeMap<String, String> {
        self.common(&of.about, of.severity, &[])
    }

    /// The labels of an alert of an objective.
    pub fn labels_of_objective(&self, of: &Objective, burn: Burn) -> BTreeMap<String, String> {
        let mut labels = self.common(&of.metric, burn.severity, &of.slo.notify);
        labels.insert("slo".to_owned(), template(&of.slo.name.value));
        labels.insert("long".to_owned(), duration(burn.long));
        labels.insert("short".to_owned(), duration(burn.short));
        labels
    }

    /// What people read of an alert.
    pub fn annotations(&self, of: &Watched) -> BTreeMap<String, String> {
        let mut summary = template(&format!("{}: {}", title(&of.series.about), words(&of.alert.when)));
        if of.alert.hold > 0 {
            summary.push_str(&format!(" for {}", duration(of.alert.hold)));
        }
        for name in &of.series.by {
            summary.push_str(&format!(", {}: {{{{ $labels.{} }}}}", template(name), label(name)));
        }
        let mut all =
            BTreeMap::from([("summary".to_owned(), summary), ("value".to_owned(), "{{ $value }}".to_owned())]);
        self.add(&mut all, of.alert.doc.as_deref(), of.alert.runbook.as_ref());
        all
    }

    /// What people read where an alert has no data.
    pub fn absence(&self, of: &Watched, absent: i64) -> BTreeMap<String, String> {
        let summary = format!("{}: no data for {}", title(&of.series.about), duration(absent));
        let mut all = BTreeMap::from([("summary".to_owned(), template(&summary))]);
        self.add(&mut all, of.alert.doc.as_deref(), of.alert.runbook.as_ref());
        all
    }

    /// What people read where rows are not fresh.
    pub fn annotations_of_fresh(&self, of: &Fresh) -> BTreeMap<String, String> {
        let summary = format!("{}: no row of {} for more than {}", title(&of.about), of.source, duration(of.within));
        let mut all = BTreeMap::from([
            ("summary".to_owned(), template(&summary)),
            ("value".to_owned(), "{{ $value }}".to_owned()),
        ]);
        self.add(&mut all, of.doc.as_deref(), of.runbook.as_ref());
        all
    }

    /// What people read of an alert of an objective.
    pub fn annotations_of_objective(&self, of: &Objective, burn: Burn) -> BTreeMap<String, String> {
        let summary = format!(
            "{}: what may be bad in {}d is used up {} times as fast as it may, over {} and {}",
            title(&of.metric),
            of.slo.days,
            burn.factor(of.slo.days),
            duration(burn.long),
            duration(burn.short)
        );
        let mut all = BTreeMap::from([
            ("summary".to_owned(), template(&summary)),
            ("value".to_owned(), "{{ $value }}".to_owned()),
            ("left".to_owned(), left(of)),
        ]);
        self.add(&mut all, of.slo.doc.as_deref(), of.slo.runbook.as_ref());
        all
    }

    fn add(&self, all: &mut BTreeMap<String, String>, doc: Option<&str>, runbook: Option<&Spanned<String>>) {
        all.extend(doc.map(|doc| ("description".to_owned(), template(doc))));
        let Some(runbook) = runbook.map(|runbook| runbook.value.as_str()) else { return };
        let is_address = |text: &str| text.starts_with("https://") || text.starts_with("http://");
        let (key, value) = match &self.target.runbooks {
            _ if is_address(runbook) => ("runbook_url", runbook.to_owned()),
            Some(base) => ("runbook_url", format!("{}/{runbook}", base.value.trim_end_matches('/'))),
            None => ("runbook", runbook.to_owned()),
        };
        all.insert(key.to_owned(), template(&value));
    }
}

fn title(about: &About) -> &str {
    about.title.as_deref().unwrap_or(&about.name)
}

/// A text as a template of Go that gives it.
pub fn template(text: &str) -> String {
    text.replace("{{", "{{ \"{{\" }}")
}

/// A condition in words, nearly as it is written.
fn words(condition: &Condition) -> String {
    let all = |parts: &[Condition], word: &str| {
        let part = |part: &Condition| match part {
            Condition::Test(_) => words(part),
            _ => format!("({})", words(part)),
        };
        parts.iter().map(part).collect::<Vec<_>>().join(word)
    };
    match condition {
        Condition::All(parts) => all(parts, " and "),
        Condition::Any(parts) => all(parts, " or "),
        Condition::Test(test) => {
            let subject = match test.subject {
                Subject::Value => "value".to_owned(),
                Subject::Growth(ms) => format!("growth over {}", duration(ms)),
            };
            let bound = match &test.bound {
                Bound::Number(number) => number.to_string(),
                Bound::Ewma(of) => format!("the mean of the buckets before ± {}σ", of.sigma),
                Bound::Seasonal(of) => format!("the median of {} × {} ± {}σ", of.cycles, duration(of.period), of.sigma),
            };
            format!("{subject} {} {bound}", test.comparison.symbol())
        }
    }
}
