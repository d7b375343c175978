//! A request that has the form of the callback, between its connection and the caller.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::page::Page;
use super::rejected::{Meter, RejectionReason};
use crate::protocol::callback::Parameters;

/// A request to the callback that waits for its page.
///
/// If it is dropped without a reply, the browser shows that the program was interrupted.
#[derive(Debug)]
pub struct Candidate {
    parameters: Parameters,
    answer: oneshot::Sender<Page>,
    meter: Arc<Meter>,
}

impl Candidate {
    pub(super) fn new(
        parameters: Parameters,
        meter: &Arc<Meter>,
    ) -> (Self, oneshot::Receiver<Page>) {
        let (answer, receiver) = oneshot::channel();
        (Self { parameters, answer, meter: Arc::clone(meter) }, receiver)
    }

    /// Returns the decoded parameters: a `state`, and either a `code` or an `error`.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Sends the browser its page. It goes out while the runtime runs; [`Listener::close`](super::listener::Listener::close) waits
    /// for it, but never for a peer that does not read.
    pub fn reply(self, page: Page) {
        // A peer that has disconnected needs no page.
        let _ = self.answer.send(page);
    }

    /// Replies that this is not the callback, because of its `state`, and counts it as a rejected request.
    pub fn refuse_state(self) {
        self.meter.record(RejectionReason::State, "");
        self.reply(Page::NotTheCallback);
    }
}
