//! Which span the present task is a part of.

use std::future::Future;
use std::pin::Pin;

use axum::http::HeaderMap;

use super::{CodePlace, Description, Finished, Kind, SpanStore};

tokio::task_local! {
    static CURRENT: Context;
}

/// The span around what is done now.
#[derive(Debug, Clone)]
struct Context {
    store: SpanStore,
    trace: [u8; 16],
    span: u64,
    worker: usize,
}

impl Context {
    fn enter(&self, description: Description) -> Open {
        let span = self.store.next_id();
        Open { start: self.store.now(), context: Context { span, ..self.clone() }, parent: self.span, description: Some(description) }
    }
}

/// A span under way. It ends when this goes, so that work that is cancelled has its span, too.
struct Open {
    context: Context,
    parent: u64,
    start: u64,
    description: Option<Description>,
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(description) = self.description.take() else { return };
        let Context { store, trace, span, worker } = &self.context;
        store.finish(Finished {
            trace: *trace,
            span: *span,
            parent: self.parent,
            description,
            start: self.start,
            end: store.now(),
            worker: *worker,
        });
    }
}

/// Serves a request as a span of the trace that it names, if it names one that is sampled.
pub(crate) async fn serve<T>(
    store: Option<&SpanStore>,
    worker: usize,
    (method, path, headers): (&str, &str, &HeaderMap),
    place: CodePlace,
    work: impl Future<Output = T>,
) -> T {
    let traced = store.and_then(|store| {
        let (trace, span) = read_traceparent(headers.get("traceparent")?.to_str().ok()?)?;
        Some(Context { store: store.clone(), trace, span, worker })
    });
    let Some(caller) = traced else { return work.await };
    let route = route(path);
    let attributes = vec![("http.request.method", method.to_owned()), ("http.route", route.to_owned())];
    let open = caller.enter(Description { name: format!("{method} {route}"), kind: Kind::Server, place, attributes });
    CURRENT.scope(open.context.clone(), work).await
}

/// Does work as a span within the present one; without one, just does it.
pub(crate) async fn within<T>(describe: impl FnOnce() -> Description, work: impl Future<Output = T>) -> T {
    let Ok(current) = CURRENT.try_with(Context::clone) else { return work.await };
    let open = current.enter(describe());
    CURRENT.scope(open.context.clone(), work).await
}

/// Work for another task, as a part of the span that the present task is in.
pub(crate) fn carried<T: 'static>(work: impl Future<Output = T> + Send + 'static) -> Pin<Box<dyn Future<Output = T> + Send>> {
    match CURRENT.try_with(Context::clone) {
        Ok(current) => Box::pin(CURRENT.scope(current, work)),
        Err(_) => Box::pin(work),
    }
}

/// A path with what differs from scan to scan as `{scan_id}`.
fn route(path: &str) -> &str {
    const ROUTES: [(&str, &str); 5] = [
        ("/api/v1/opportunities/status/", "/api/v1/opportunities/status/{scan_id}"),
        ("/api/v1/opportunities/results/", "/api/v1/opportunities/results/{scan_id}"),
        ("/api/v1/opportunities/cancel/", "/api/v1/opportunities/cancel/{scan_id}"),
        ("/api/v1/scan-diagnostics/scan-lifecycle/", "/api/v1/scan-diagnostics/scan-lifecycle/{scan_id}"),
        ("/api/v1/opportunities/discover", "/api/v1/opportunities/discover"),
    ];
    ROUTES.iter().find(|(start, _)| path.starts_with(start)).map_or("/", |(_, route)| route)
}

/// Trace and span of a `traceparent` whose trace is sampled.
fn read_traceparent(value: &str) -> Option<([u8; 16], u64)> {
    let mut parts = value.trim().split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_right = version.len() == 2 && version != "ff" && trace.len() == 32 && span.len() == 16 && flags.len() == 2;
    let hex = |text: &str| u128::from_str_radix(text, 16).ok().filter(|number| *number != 0);
    let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
    if !is_right || !sampled {
        return None;
    }
    Some((hex(trace)?.to_be_bytes(), hex(span)? as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sampled_traceparent_is_followed() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(read_traceparent(good).map(|(trace, span)| (trace[0], span)), Some((0x0a, 0xb7ad_6b71_6920_3331)));
        for bad in [
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-01",
            "",
        ] {
            assert!(read_traceparent(bad).is_none(), "{bad}");
        }
    }
}
