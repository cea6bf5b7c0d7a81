//! As a server that Prometheus scrapes.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Args;
use super::cache::Cache;
use crate::cli::listening::{Token, stop_by_signal};
use crate::cli::{Context, Exit, Outcome};
use crate::error;
use crate::exporter::Page;
use crate::http::{Request, Response, Service, Stopper, serve};
use crate::project::io_message;
use crate::secret::Secret;

/// Listens until a signal comes.
pub fn run(args: &Args, cache: &Cache, context: &Context) -> Outcome {
    let token = Token { variable: args.token_env.as_deref(), address: args.listen }.read(|| {
        error!(E0893, None, "anybody who reaches `{}` could read what the business does", args.listen;
            help: "name the environment variable with a token by `--token-env`, and give it to Prometheus as `authorization`; or listen on 127.0.0.1")
    })?;
    let cannot = |failure: std::io::Error| {
        error!(E0893, None, "`{}` can't be listened on: {}", args.listen, io_message(&failure);
            help: "is another program there? name another address by `--listen`")
    };
    let listener = TcpListener::bind(args.listen).map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let stopper = Arc::new(Stopper::new(address));
    let stopping = Arc::clone(&stopper);
    stop_by_signal(move || stopping.stop()).map_err(cannot)?;
    context.note(&format!("listening on http://{address}/metrics with {} statements", cache.len()));
    let exporter = Exporter { cache, token: token.as_ref(), scrapes: AtomicU64::new(0) };
    serve(&exporter, &listener, &stopper).map_err(cannot)?;
    context.note("ended");
    Ok(Exit::Clean)
}

struct Exporter<'a> {
    cache: &'a Cache<'a>,
    token: Option<&'a Secret>,
    scrapes: AtomicU64,
}

impl Service for Exporter<'_> {
    fn answer(&self, request: &Request) -> Response {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET" | "HEAD", "/-/healthy") => Response::text(200, "metricc export is healthy"),
            ("GET", "/metrics") if !request.has(self.token) => {
                Response::text(401, "the token is not the one that is asked for")
            }
            ("GET", "/metrics") => Response::series(self.text()),
            (_, "/metrics" | "/-/healthy") => Response::text(405, "series are fetched by GET"),
            _ => Response::text(404, "there is `/metrics` and `/-/healthy`"),
        }
    }

    fn answered(&self, _: u16) {}
}

impl Exporter<'_> {
    fn text(&self) -> String {
        let scrapes = self.scrapes.fetch_add(1, Ordering::SeqCst) + 1;
        let mut own = Page::default();
        own.counter("metricc_export_scrapes_total", "How often the series were fetched.", &[], scrapes as f64);
        format!("{}{}", self.cache.page().0, own.text())
    }
}
