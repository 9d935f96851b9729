//! Requests that need more than themselves: a login, the cookies of their scan.

use std::pin::Pin;

use crate::model::exchange::{Exchange, Purpose};
use crate::probe::cookies::Jar;
use crate::probe::recorded::Recorded;
use crate::probe::request_meta::RequestMeta;
use crate::probe::runner::Probe;
use crate::probe::transport::Lane;
use crate::target::{Reply, Request, RequestError, Turn, Variables};

/// Whose request it is: what it is filled with, and the cookies that go along.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender<'a> {
    pub(crate) variables: &'a Variables,
    pub(crate) jar: Option<&'a Jar>,
}

impl Probe {
    /// Sends a request with the current login, and once more with a new one where it is refused as if the login had expired. Boxed, since
    /// it is large and soon over.
    pub(crate) fn ask<T>(
        &self,
        meta: RequestMeta,
        lane: &Lane,
        sender: Sender<'_>,
        build: impl Fn(&Variables) -> Result<Request, RequestError>,
        read: impl Fn(&Reply<'_>, &Variables) -> (Recorded, T),
    ) -> Pin<Box<impl Future<Output = (Exchange, Option<T>)>>> {
        Box::pin(async move {
            if !self.target.has_login() {
                return self.ask_once(meta, lane, sender, &build, &read).await;
            }
            let session = self.sessions.current(self).await;
            let filled = session.filled(sender.variables);
            let renews = session.validity.may_have_expired(self.clock.now());
            let first = self.ask_once(meta.clone().renewing(renews), lane, Sender { variables: &filled, ..sender }, &build, &read).await;
            if first.0.purpose != Purpose::Expired {
                self.sessions.answered(&session, first.0.http, Turn::First);
                return first;
            }
            let session = self.sessions.after(self, &session).await;
            let filled = session.filled(sender.variables);
            let again = self.ask_once(meta, lane, Sender { variables: &filled, ..sender }, &build, &read).await;
            self.sessions.answered(&session, again.0.http, Turn::Again);
            again
        })
    }

    async fn ask_once<T>(
        &self,
        meta: RequestMeta,
        lane: &Lane,
        sender: Sender<'_>,
        build: &impl Fn(&Variables) -> Result<Request, RequestError>,
        read: &impl Fn(&Reply<'_>, &Variables) -> (Recorded, T),
    ) -> (Exchange, Option<T>) {
        let mut request = build(sender.variables);
        let mut url = String::new();
        if let (Some(jar), Ok(request)) = (sender.jar, &mut request) {
            jar.fill(request);
            url.clone_from(&request.url);
        }
        let request = self.prepare(request);
        self.send_recorded(meta, lane, &request, |reply| {
            if let Some(jar) = sender.jar {
                jar.learn(&url, reply.headers);
            }
            read(reply, sender.variables)
        })
        .await
    }
}
