//! The service: hears Alertmanager, and sends what waits to the end.

use std::io;
use std::net::TcpListener;
use std::thread;

use super::hub::Hub;
use super::payload::Notification;
use super::ticket::Outcome;
use crate::exposition::labels;
use crate::http::{self, Request, Response, Service, Stopper, decoded};
use crate::secret::Secret;

/// Hears requests until the end is asked for, and then sends what waits. With a token, whoever brings alerts must know it. Gives how many
/// alerts are lost.
///
/// # Errors
/// Why no connection can be taken any more.
pub fn serve(hub: &Hub, listener: &TcpListener, stopper: &Stopper, token: Option<&Secret>) -> io::Result<usize> {
    thread::scope(|scope| {
        let workers: Vec<_> = (0..hub.lanes()).map(|place| scope.spawn(move || hub.work(place))).collect();
        let heard = http::serve(&Alerts { hub, token }, listener, stopper);
        let lost = workers.into_iter().map(|worker| worker.join().unwrap_or(0)).sum();
        heard.map(|()| lost)
    })
}

/// What is answered.
struct Alerts<'a> {
    hub: &'a Hub<'a>,
    token: Option<&'a Secret>,
}

impl Service for Alerts<'_> {
    fn answer(&self, request: &Request) -> Response {
        answer(self.hub, request, self.token)
    }

    fn answered(&self, status: u16) {
        self.hub.counters.add("metricc_notify_requests_total", labels(&[("status", &status.to_string())]), 1);
    }

    fn ends(&self) {
        self.hub.end();
    }
}

/// The answer to a request.
pub fn answer(hub: &Hub, request: &Request, token: Option<&Secret>) -> Response {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET" | "HEAD", "/-/healthy") => Response::text(200, "metricc notify is healthy"),
        ("GET", "/metrics") => Response::series(hub.counters.text(&hub.waiting())),
        (method, path) => match path.strip_prefix("/alertmanager/").and_then(decoded) {
            None => Response::text(404, "there is `POST /alertmanager/<receiver>`, `/-/healthy` and `/metrics`"),
            Some(_) if method != "POST" => Response::text(405, "alerts are brought by POST"),
            Some(receiver) => alerts(hub, &receiver, request, token),
        },
    }
}

fn alerts(hub: &Hub, receiver: &str, request: &Request, token: Option<&Secret>) -> Response {
    if !request.has(token) {
        return Response::text(401, "the token is not the one that is asked for");
    }
    // A page in a browser can't send this type without being asked first.
    if request.content_type != "application/json" {
        return Response::text(415, "alerts are `application/json`");
    }
    if !hub.knows(receiver) {
        return Response::text(
            404,
            format!(
                "no receiver `{receiver}` has a robot of DingTalk or short messages; mail is sent by Alertmanager itself"
            ),
        );
    }
    let group = match Notification::read(&request.body) {
        Ok(group) => group,
        Err(why) => return Response::text(400, why),
    };
    match hub.bring(receiver, &group) {
        Ok(Outcome::Delivered) => Response::text(200, "delivered"),
        Ok(Outcome::Kept) => Response::text(202, "kept until the limit allows a message"),
        Ok(Outcome::Failed(why)) => Response::text(502, why),
        Err(_) => Response::text(503, "too many alerts wait; bring them again later"),
    }
}
