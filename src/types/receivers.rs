//! Receivers that declarations name: `deliver: email("kpi")`.

use super::check::Settings;
use crate::diagnostic::{Diagnostics, Spanned};
use crate::error;
use crate::project::Channel;
use crate::suggest::near;

/// Whether the project has a receiver of that name which can be reached by the channel; what is wrong is told at the name.
pub fn check(settings: &Settings, channel: Channel, name: &Spanned<String>, d: &mut Diagnostics) -> bool {
    let receivers = &settings.receivers;
    let Some(receiver) = receivers.find(name) else {
        let names = receivers.all.iter().map(|receiver| receiver.name.value.as_str());
        let help = match near(name, names.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if receivers.all.is_empty() => {
                format!("add `receivers:` with `{}:` to `metricc.yaml`, and `{channel}:` below it", name.value)
            }
            None => format!("the receivers are: {}", names.collect::<Vec<_>>().join(", ")),
        };
        d.push(error!(E0870, name.span, "there is no receiver `{}` in `metricc.yaml`", name.value; help: help));
        return false;
    };
    if !receiver.has(channel) {
        let others = Channel::ALL.into_iter().filter(|other| receiver.has(*other));
        let others: Vec<String> = others.map(|other| format!("`{other}`")).collect();
        d.push(error!(E0871, name.span, "the receiver `{}` can't be reached by `{}`", name.value, channel;
            help: ("add `{channel}:` to it in `metricc.yaml`; it has {}", others.join(" and "))));
        return false;
    }
    if channel == Channel::Email && receivers.mail.is_none() {
        d.push(error!(E0871, name.span, "no server takes the mail for `{}`", name.value;
            help: "add `mail:` with `host:` and `from:` to `metricc.yaml`"));
        return false;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::settings;
    use crate::diagnostic::{FileId, Span};
    use crate::project::{MemoryFiles, load};

    fn told(yaml: &str, channel: Channel, name: &str) -> Vec<String> {
        let text = format!("name: a\ntimezone: UTC\n{yaml}");
        let (project, _) = load(&MemoryFiles::new().with("metricc.yaml", text.as_str()));
        let settings = settings(&project.expect("a project"));
        let mut d = Diagnostics::new();
        let name = Spanned::new(name.to_owned(), Span::new(FileId(0), 0, 1));
        let right = check(&settings, channel, &name, &mut d);
        assert_eq!(right, d.is_empty());
        d.iter().map(|one| format!("{}: {} ({})", one.code, one.message, one.help.as_deref().unwrap_or(""))).collect()
    }

    #[test]
    fn a_receiver_is_known_by_name_and_channel() {
        let yaml = "receivers:\n  kpi: { email: [a@example.com] }\n  ops: { dingtalk: { token_env: T } }\n";
        let mail = format!("{yaml}mail: {{ host: localhost, from: m@example.com }}\n");
        assert_eq!(told(&mail, Channel::Email, "kpi"), [""; 0]);
        assert_eq!(told(&mail, Channel::Dingtalk, "ops"), [""; 0]);
        assert_eq!(
            told(&mail, Channel::Email, "kpl"),
            ["E0870: there is no receiver `kpl` in `metricc.yaml` (did you mean `kpi`?)"]
        );
        assert_eq!(
            told(&mail, Channel::Sms, "ops"),
            [
                "E0871: the receiver `ops` can't be reached by `sms` (add `sms:` to it in `metricc.yaml`; it has `dingtalk`)"
            ]
        );
        assert!(told(yaml, Channel::Email, "kpi")[0].starts_with("E0871: no server takes the mail"));
        assert!(told("", Channel::Email, "kpi")[0].contains("add `receivers:`"));
    }
}
