//! The server: hears Alertmanager, answers, and ends in good order.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::counters::labels;
use super::hub::Hub;
use super::payload::Notification;
use super::request::{self, Request, Response, decoded};
use super::ticket::Outcome;
use crate::secret::Secret;

/// How many requests are heard at a time.
const MOST_AT_ONCE: usize = 64;

/// How long a request may be on its way, and an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks a server for its end, from another thread.
#[derive(Debug)]
pub struct Stopper {
    ending: AtomicBool,
    address: SocketAddr,
}

impl Stopper {
    /// Of the server at an address.
    pub fn new(address: SocketAddr) -> Stopper {
        Stopper { ending: AtomicBool::new(false), address }
    }

    /// Asks for the end.
    pub fn stop(&self) {
        self.ending.store(true, Ordering::SeqCst);
        // Wakes who waits for a connection. If it fails, nobody does.
        let _ = TcpStream::connect_timeout(&self.address, PATIENCE);
    }

    fn is_ending(&self) -> bool {
        self.ending.load(Ordering::SeqCst)
    }
}

/// Hears requests until the end is asked for, and then sends what waits. With a token, whoever brings alerts must know it. Gives how many
/// alerts are lost.
///
/// # Errors
/// Why no connection can be taken any more.
pub fn serve(hub: &Hub, listener: &TcpListener, stopper: &Stopper, token: Option<&Secret>) -> io::Result<usize> {
    let open = AtomicUsize::new(0);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..hub.lanes()).map(|place| scope.spawn(move || hub.work(place))).collect();
        let heard = loop {
            let stream = match listener.accept() {
                _ if stopper.is_ending() => break Ok(()),
                Ok((stream, _)) => stream,
                // What went wrong with one connection is not the next one's matter.
                Err(failure)
                    if matches!(failure.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted) =>
                {
                    continue;
                }
                // Too many open files, say: that passes when others end.
                Err(failure) if open.load(Ordering::SeqCst) > 0 => {
                    thread::sleep(Duration::from_millis(50));
                    let _ = failure;
                    continue;
                }
                Err(failure) => break Err(failure),
            };
            if open.fetch_add(1, Ordering::SeqCst) >= MOST_AT_ONCE {
                open.fetch_sub(1, Ordering::SeqCst);
                let mut stream = stream;
                let _ = stream.set_write_timeout(Some(PATIENCE));
                let _ = Response::text(503, "too many requests at once").write(&mut stream);
                continue;
            }
            let open = &open;
            scope.spawn(move || {
                converse(hub, stream, token);
                open.fetch_sub(1, Ordering::SeqCst);
            });
        };
        hub.end();
        let lost = workers.into_iter().map(|worker| worker.join().unwrap_or(0)).sum();
        heard.map(|()| lost)
    })
}

/// One connection.
fn converse(hub: &Hub, mut stream: TcpStream, token: Option<&Secret>) {
    let _ = stream.set_read_timeout(Some(PATIENCE));
    let _ = stream.set_write_timeout(Some(PATIENCE));
    let response = match request::read(&mut stream, Instant::now() + PATIENCE) {
        Ok(None) => return,
        Ok(Some(request)) => answer(hub, &request, token),
        Err(response) => response,
    };
    hub.counters.add("metricc_notify_requests_total", labels(&[("status", &response.status.to_string())]), 1);
    // Who has gone does not hear it.
    let _ = response.write(&mut stream);
    let _ = stream.flush();
    let _ = stream.shutdown(Shutdown::Write);
    linger(&mut stream);
}

/// Reads what was sent and not heard, for a moment: left unread it would break off the answer.
fn linger(stream: &mut TcpStream) {
    let until = Instant::now() + Duration::from_secs(1);
    let mut buffer = [0; 16 << 10];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return;
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// The answer to a request.
pub fn answer(hub: &Hub, request: &Request, token: Option<&Secret>) -> Response {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET" | "HEAD", "/-/healthy") => Response::text(200, "metricc notify is healthy"),
        ("GET", "/metrics") => {
            let body = hub.counters.text(&hub.waiting());
            Response { status: 200, content_type: "text/plain; version=0.0.4; charset=utf-8", body }
        }
        (method, path) => match path.strip_prefix("/alertmanager/").and_then(decoded) {
            None => Response::text(404, "there is `POST /alertmanager/<receiver>`, `/-/healthy` and `/metrics`"),
            Some(_) if method != "POST" => Response::text(405, "alerts are brought by POST"),
            Some(receiver) => alerts(hub, &receiver, request, token),
        },
    }
}

fn alerts(hub: &Hub, receiver: &str, request: &Request, token: Option<&Secret>) -> Response {
    if token.is_some_and(|token| !same(&request.authorization, &format!("Bearer {}", token.reveal()))) {
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

/// Whether two texts are the same, in a time that does not tell where they differ.
fn same(left: &str, right: &str) -> bool {
    let differences = left.bytes().zip(right.bytes()).fold(0, |found, (left, right)| found | (left ^ right));
    left.len() == right.len() && differences == 0
}
