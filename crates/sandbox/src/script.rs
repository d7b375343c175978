//! Scripts: responses that a test writes itself, where no scenario is specific enough.

use std::future::Future;
use std::pin::Pin;

use super::reply::Answer;
use super::request::Call;

/// When a [`Script`] may delay a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It was received.
    Received,
    /// It was processed, and its response is not sent yet.
    Processed,
}

/// Changes the responses of a sandbox. [`SandboxOptions::script`](super::SandboxOptions::script) sets it.
pub trait Script: Send + Sync {
    /// Returns what the request waits for at this moment, if anything.
    fn pause(
        &self,
        request: &ScriptedRequest<'_>,
        moment: Moment,
    ) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        let _ = (request, moment);
        None
    }

    /// Returns a response to send without processing the request; `None` to process it.
    fn instead(&self, request: &ScriptedRequest<'_>) -> Option<Answer> {
        let _ = request;
        None
    }

    /// Edits the response to a request that was processed. Scenarios have already been applied.
    fn edit(&self, request: &ScriptedRequest<'_>, answer: &mut Answer) {
        let _ = (request, answer);
    }
}

/// A request, as a [`Script`] sees it.
pub struct ScriptedRequest<'a> {
    issuer: &'a str,
    call: &'a Call,
}

impl<'a> ScriptedRequest<'a> {
    pub(super) fn new(issuer: &'a str, call: &'a Call) -> Self {
        Self { issuer, call }
    }

    /// Returns the issuer that received it.
    pub fn issuer(&self) -> &str {
        self.issuer
    }

    /// Returns the name of the endpoint, as in [`JournalEntry`](super::JournalEntry::endpoint).
    pub fn endpoint(&self) -> &'static str {
        self.call.endpoint.name()
    }

    /// Returns the grant type of a token request.
    pub fn grant_type(&self) -> Option<&str> {
        self.call.grant_type()
    }

    /// Returns the parameters, in their order: from the query of a GET, or the form of a POST.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.call.params().pairs()
    }

    /// Returns a header, if it occurs once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.call.header(name)
    }
}
