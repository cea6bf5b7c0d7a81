//! The server: hears requests, each in a thread of its own, answers, and ends in good order.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::request::{self, Request, Response};

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

/// Who answers.
pub trait Service: Sync {
    /// The answer to a request.
    fn answer(&self, request: &Request) -> Response;

    /// That an answer with this status is about to be sent, also to what is no request.
    fn answered(&self, status: u16);

    /// That the end was asked for. Requests that were taken are still answered.
    fn ends(&self) {}
}

/// Hears requests until the end is asked for, and answers those that were taken.
///
/// # Errors
/// Why no connection can be taken any more.
pub fn serve(service: &dyn Service, listener: &TcpListener, stopper: &Stopper) -> io::Result<()> {
    let open = AtomicUsize::new(0);
    thread::scope(|scope| {
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
                Err(_) if open.load(Ordering::SeqCst) > 0 => {
                    thread::sleep(Duration::from_millis(50));
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
                converse(service, stream);
                open.fetch_sub(1, Ordering::SeqCst);
            });
        };
        service.ends();
        heard
    })
}

/// One connection.
fn converse(service: &dyn Service, mut stream: TcpStream) {
    let _ = stream.set_read_timeout(Some(PATIENCE));
    let _ = stream.set_write_timeout(Some(PATIENCE));
    let response = match request::read(&mut stream, Instant::now() + PATIENCE) {
        Ok(None) => return,
        Ok(Some(request)) => service.answer(&request),
        Err(response) => response,
    };
    service.answered(response.status);
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
