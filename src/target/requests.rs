//! What a target is asked: requests to its own paths, and to the addresses that its replies hand out.

use std::collections::BTreeMap;

use crate::model::exchange::Route;

use super::request::{Endpoint, Filling, Headers};
use super::template::Variable;
use super::{Accepted, Caller, FOREIGN, Read, Request, RequestError, Target, Variables, WriteKind, template};

impl Target {
    /// Asks for a scan. The same variables give the same request, which is what a repeat is.
    pub fn initiate(&self, variables: &Variables) -> Result<Request, RequestError> {
        let id = self.initiate_reader.client_id(variables).unwrap_or_default();
        self.ask(&self.initiate, variables, &id)
    }

    /// Asks how a scan stands, as its owner or as a user who must not see it, at the usual address or another.
    pub fn status(
        &self,
        variables: &Variables,
        caller: Caller,
        accepted: &Accepted,
        route: Option<Route>,
    ) -> Result<Request, RequestError> {
        let user = match caller {
            Caller::Owner => self.status.endpoint.user.as_str(),
            Caller::Foreign => FOREIGN,
        };
        let filling = Filling { variables, user, id: &accepted.id };
        let handed_out = accepted.handed_out.as_deref();
        if route == Some(Route::AsInitiator) {
            return self.status_as_initiator(filling, handed_out);
        }
        let mut request = self.ask_about(&self.status, filling, handed_out, route)?;
        if route == Some(Route::CacheBusted) {
            let mark = if request.url.contains('?') { '&' } else { '?' };
            let fresh = format!("{mark}statusgap={}-{}", template::encode(&variables.uuid), variables.nonce);
            request.url.push_str(&fresh);
        }
        Ok(request)
    }

    /// The status request with the user and the headers of the initiate, which win over its own.
    fn status_as_initiator(&self, filling: Filling<'_>, handed_out: Option<&str>) -> Result<Request, RequestError> {
        let mut status = self.status.clone();
        for (name, value) in self.initiate.headers.iter().filter(|(name, _)| !speaks_of_the_body(name.as_str())) {
            status.endpoint.headers.retain(|(own, _)| own != name);
            status.endpoint.headers.push((name.clone(), value.clone()));
        }
        // The user's own headers win as well: what identifies the caller must be the initiate's.
        let user = self.headers_of(&self.initiate.user)?;
        status.endpoint.headers.retain(|(name, _)| {
            user.iter().all(|(of_user, _)| of_user != name) || self.initiate.headers.iter().any(|(own, _)| own == name)
        });
        self.ask_about(&status, Filling { user: &self.initiate.user, ..filling }, handed_out, None)
    }

    /// Asks for the status of an id that was never issued, and says which. Needs variables that no scan has had.
    ///
    /// [`RequestError::NoPath`] where the file only follows handed-out addresses, and [`RequestError::NotCaptured`] where the request
    /// needs what the replies to a scan give: see [`Target::unknown_like`].
    pub fn unknown(&self, variables: &Variables) -> Result<(String, Request), RequestError> {
        let id = self.unknown_id(variables);
        let request = self.ask(&self.status.endpoint, variables, &id)?;
        Ok((id, request))
    }

    /// The same for a target that only follows handed-out addresses: one that was handed out, with another id in it.
    pub fn unknown_like(&self, variables: &Variables, accepted: &Accepted) -> Result<(String, Request), RequestError> {
        if self.status.endpoint.path.is_some() {
            // What was captured of the scan stays: only its id is another.
            let variables = Variables { captured: variables.captured.with(&accepted.captured), ..variables.clone() };
            return self.unknown(&variables);
        }
        let id = self.unknown_id(variables);
        let handed_out = accepted.handed_out.as_deref().ok_or(RequestError::NotHandedOut)?;
        let encoded = template::encode(&accepted.id);
        let known =
            [encoded.as_str(), accepted.id.as_str()].into_iter().find(|known| handed_out.contains(known)).ok_or(RequestError::NoPath)?;
        let address = handed_out.replace(known, &template::encode(&id));
        let filling = Filling { variables, user: &self.status.endpoint.user, id: &id };
        let request = self.ask_about(&self.status, filling, Some(&address), None)?;
        Ok((id, request))
    }

    /// Asks the witness, if the target has one.
    pub fn witness(&self, variables: &Variables, accepted: &Accepted) -> Option<Result<Request, RequestError>> {
        let read = self.witness.as_ref()?;
        Some(self.read_of(read, variables, accepted, accepted.witness_at.as_deref()))
    }

    /// Asks for the results, if the target has any.
    pub fn results(&self, variables: &Variables, accepted: &Accepted) -> Option<Result<Request, RequestError>> {
        let read = self.results.as_ref()?;
        Some(self.read_of(read, variables, accepted, accepted.results_at.as_deref()))
    }

    /// Cancels, changes or deletes the scan, if the target can.
    pub fn write(&self, write: WriteKind, variables: &Variables, accepted: &Accepted) -> Option<Result<Request, RequestError>> {
        let write = self.writes.get(&write)?;
        Some(self.ask(&write.endpoint, variables, &accepted.id))
    }

    /// A harmless request: the file's, or a poll of an id that was never issued.
    pub fn filler(&self, variables: &Variables) -> Result<Request, RequestError> {
        match &self.filler {
            Some(filler) => self.ask(filler, variables, ""),
            None => self.unknown(variables).map(|(_, request)| request),
        }
    }

    fn unknown_id(&self, variables: &Variables) -> String {
        Filling { variables, user: &self.status.endpoint.user, id: "" }.fill(&self.unknown_id)
    }

    /// The request to an endpoint's own path, as its own user.
    pub(super) fn ask(&self, endpoint: &Endpoint, variables: &Variables, id: &str) -> Result<Request, RequestError> {
        let filling = Filling { variables, user: &endpoint.user, id };
        let user = self.headers_of(&endpoint.user)?;
        self.check_captured(endpoint, user, variables)?;
        endpoint.at_path(&self.base, user, filling)
    }

    /// Whether replies have given all that a request needs.
    fn check_captured(&self, endpoint: &Endpoint, user: &Headers, variables: &Variables) -> Result<(), RequestError> {
        let of_user = user.iter().flat_map(|(_, value)| value.variables()).filter_map(Variable::capture);
        let missing = endpoint.captures().chain(of_user).find(|place| variables.captured.get(*place).is_none());
        missing.map_or(Ok(()), |place| {
            Err(RequestError::NotCaptured { name: self.captures.get(usize::from(place)).cloned().unwrap_or_default() })
        })
    }

    fn read_of(&self, read: &Read, variables: &Variables, accepted: &Accepted, handed_out: Option<&str>) -> Result<Request, RequestError> {
        let filling = Filling { variables, user: &read.endpoint.user, id: &accepted.id };
        self.ask_about(read, filling, handed_out, None)
    }

    /// The request about a scan: to the endpoint's path if it has one and no handed-out address is asked for.
    pub(super) fn ask_about(
        &self,
        read: &Read,
        filling: Filling<'_>,
        handed_out: Option<&str>,
        route: Option<Route>,
    ) -> Result<Request, RequestError> {
        let user = self.headers_of(filling.user)?;
        self.check_captured(&read.endpoint, user, filling.variables)?;
        if read.endpoint.path.is_some() && route != Some(Route::HandedOut) {
            return read.endpoint.at_path(&self.base, user, filling);
        }
        let handed_out = handed_out.ok_or(RequestError::NotHandedOut)?;
        let address = read.endpoint.base(&self.base, filling.variables.turn).resolve(handed_out, read.others)?;
        if address.leaves_origin {
            read.endpoint.abroad(address.url.into(), filling)
        } else {
            read.endpoint.at_address(address.url.into(), user, filling)
        }
    }

    fn headers_of(&self, user: &str) -> Result<&Headers, RequestError> {
        self.users.get(user).ok_or_else(|| RequestError::NoUser(user.to_owned()))
    }

    /// The headers that an endpoint's requests carry, but for those that speak of the body.
    pub(super) fn identity_of(&self, endpoint: &Endpoint) -> BTreeMap<String, String> {
        let user = self.users.get(&endpoint.user).into_iter().flatten();
        user.chain(&endpoint.headers)
            .filter(|(name, _)| !speaks_of_the_body(name.as_str()))
            // Holes are filled alike in all requests about one scan.
            .map(|(name, value)| (name.to_string(), value.fill(|variable| format!("{variable:?}"))))
            .collect()
    }
}

/// Whether a header says something of the body that it comes with, and nothing of who sends it.
fn speaks_of_the_body(header: &str) -> bool {
    matches!(header, "content-type" | "content-length" | "content-encoding" | "accept" | "idempotency-key")
}
