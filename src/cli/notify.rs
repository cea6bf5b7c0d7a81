//! `metricc notify`: alerts of Alertmanager to robots of DingTalk and short messages.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use clap::Args as ClapArgs;

use super::listening::{Token, log, stop_by_signal};
use super::{Context, Exit, Outcome, Stop};
use crate::delivery::alerts::{Hub, Settings, serve};
use crate::delivery::{
    Carrier, Clock, Environment, Message, Occasion, Plan, Post, Route, Wall, milliseconds, preview, routes,
};
use crate::error;
use crate::http::Stopper;
use crate::project::{Address, Channel, Project, Receiver, io_message};
use crate::suggest::near;

/// Bring alerts of Alertmanager to DingTalk robots and short messages
#[derive(ClapArgs, Debug)]
pub struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9098")]
    listen: SocketAddr,
    /// The environment variable with the token that Alertmanager must send; needed where others reach the address
    #[arg(long, value_name = "NAME")]
    token_env: Option<String>,
    /// Send one message to this receiver, by all its channels, and end
    #[arg(long, value_name = "RECEIVER", conflicts_with = "token_env")]
    test: Option<String>,
    /// Print what the test would send, and send nothing
    #[arg(long, requires = "test")]
    no_send: bool,
    /// How long what waits is still sent after a signal, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    drain: u64,
}

/// How long a request waits to hear what became of its alerts. Alertmanager itself waits for half a minute and more.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the verb.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let (project, diagnostics) = context.load(None)?;
    if diagnostics.has_errors() {
        return Err(Stop::found(&project, diagnostics));
    }
    match &args.test {
        Some(receiver) => test(receiver, args.no_send, &project, context),
        None => listen(args, &project, context),
    }
}

/// Hears requests until a signal comes.
fn listen(args: &Args, project: &Project, context: &Context) -> Outcome {
    let told = |found: Box<_>| Stop::found(project, [*found].into_iter().collect());
    let addresses = alert_addresses(&project.config.receivers.all);
    if addresses.is_empty() {
        return Err(error!(E0878, None, "no receiver in `metricc.yaml` has a robot of DingTalk or short messages";
            help: "add `dingtalk:` or `sms:` to one below `receivers:`; mail is sent by Alertmanager itself")
        .into());
    }
    let token = Token { variable: args.token_env.as_deref(), address: args.listen }.read(|| {
        error!(E0878, None, "anybody who reaches `{}` could send messages", args.listen;
            help: "name the environment variable with a token by `--token-env`, and give it to Alertmanager as `authorization`; or listen on 127.0.0.1")
    })?;
    let variable = |name: &str| std::env::var(name).ok();
    let environment = Environment { variable: &variable, root: &project.root };
    let routes = routes(&project.config.receivers, &addresses);
    let clock = Wall;
    let post = Post::new(&project.config.receivers, &routes, &environment, &clock).map_err(told)?;
    let cannot = |failure: std::io::Error| {
        error!(E0878, None, "`{}` can't be listened on: {}", args.listen, io_message(&failure);
            help: "is another program there? name another address by `--listen`")
    };
    let listener = TcpListener::bind(args.listen).map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let settings = Settings {
        zone: project.config.timezone,
        patience: PATIENCE,
        drain: Duration::from_secs(args.drain),
        plan: Plan::of_alerts(),
    };
    let hub = Hub::new(routes, &post, &clock, settings, &log);
    let stopper = Arc::new(Stopper::new(address));
    let stopping = Arc::clone(&stopper);
    stop_by_signal(move || stopping.stop()).map_err(cannot)?;
    let receivers: Vec<&str> = receivers(&addresses);
    context.note(&format!("listening on http://{address}/alertmanager/<receiver> for {}", receivers.join(", ")));
    let lost = serve(&hub, &listener, &stopper, token.as_ref()).map_err(cannot)?;
    if lost > 0 {
        log(&format!("{lost} alerts that waited could not be sent before the end"));
        return Ok(Exit::Findings);
    }
    context.note("ended; nothing waits");
    Ok(Exit::Clean)
}

/// The receivers by the channels that alerts go by.
fn alert_addresses(receivers: &[Receiver]) -> Vec<Address> {
    let channels = |receiver: &Receiver| {
        let own = [Channel::Dingtalk, Channel::Sms].into_iter().filter(|channel| receiver.has(*channel));
        own.map(|channel| Address { channel, receiver: receiver.name.value.clone() }).collect::<Vec<_>>()
    };
    receivers.iter().flat_map(channels).collect()
}

fn receivers(addresses: &[Address]) -> Vec<&str> {
    let mut names: Vec<&str> = addresses.iter().map(|address| address.receiver.as_str()).collect();
    names.dedup();
    names
}

/// Sends one message to a receiver, or prints it.
fn test(name: &str, no_send: bool, project: &Project, context: &Context) -> Outcome {
    let told = |found| Stop::found(project, [found].into_iter().collect());
    let all = &project.config.receivers;
    let Some(receiver) = all.find(name) else {
        let names = all.all.iter().map(|receiver| receiver.name.value.as_str());
        let help = match near(name, names.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the receivers are: {}", names.collect::<Vec<_>>().join(", ")),
        };
        return Err(told(error!(E0870, None, "there is no receiver `{name}` in `metricc.yaml`"; help: help)));
    };
    let channels = Channel::ALL.into_iter().filter(|channel| receiver.has(*channel));
    let addresses: Vec<Address> = channels.map(|channel| Address { channel, receiver: name.to_owned() }).collect();
    let routes = routes(all, &addresses);
    let clock = Wall;
    let message = test_message(project);
    if no_send {
        for route in &routes {
            context.print(&format!("{}\n{}\n", route.key(), shown(route, &message, project, &clock)?))?;
        }
        return Ok(Exit::Clean);
    }
    let variable = |name: &str| std::env::var(name).ok();
    let environment = Environment { variable: &variable, root: &project.root };
    let mut post = Post::new(all, &routes, &environment, &clock).map_err(|found| told(*found))?;
    let mut failed = false;
    for route in &routes {
        let line = match post.carry(route, &message, &digest(route, project, &clock)) {
            Ok(()) => format!("{} {}: sent\n", route.address.channel, route.recipient),
            Err(fault) => {
                failed = true;
                format!("{} {}: was not sent: {}\n", route.address.channel, route.recipient, fault.why)
            }
        };
        context.print(&line)?;
    }
    Ok(if failed { Exit::Findings } else { Exit::Clean })
}

/// What would be sent.
fn shown(route: &Route, message: &Message, project: &Project, clock: &Wall) -> Result<String, Stop> {
    let made = preview(route, message, &project.config.receivers, &digest(route, project, clock), clock.now());
    made.map_err(|why| {
        let found = error!(E0871, None, "nothing can be sent to {}: {why}", route.key();
            help: "add `mail:` with `host:` and `from:` to `metricc.yaml`");
        found.into()
    })
}

/// Each test is a message of its own.
fn digest(route: &Route, project: &Project, clock: &Wall) -> String {
    let occasion = Occasion { report: "notify --test".to_owned(), period: milliseconds(clock.now()).to_string() };
    occasion.digest(&project.config.name, &route.key())
}

fn test_message(project: &Project) -> Message {
    let name = &project.config.name;
    Message {
        subject: format!("测试 test: {name}"),
        text: format!("metricc notify --test: {name}\n\n这是一条测试消息。\nThis is a test message.\n"),
        markdown: vec![
            format!("#### 测试 test: {name}"),
            "这是一条测试消息。\n\nThis is a test message of `metricc notify --test`.".to_owned(),
        ],
        ..Message::default()
    }
}
