//! A body that is counted while it is sent, and written down at its end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use oauthctl_core::Timestamp;
use oauthctl_core::http::api::Body;
use oauthctl_core::login::slots::{Phase, Slot};
use serde_json::json;

use super::shared::Proxy;

/// What is written down of a request. Never its query, headers or body.
pub struct Entry {
    /// When it came.
    pub at: Timestamp,
    /// Its method.
    pub method: String,
    /// Its path at the server.
    pub path: Option<String>,
    /// The client.
    pub pid: Option<i32>,
}

impl Entry {
    fn write(&self, proxy: &Proxy, status: u16, bytes: u64) {
        let Some(audit) = &proxy.audit else { return };
        let mut line = json!({
            "time": self.at.to_string(),
            "method": self.method,
            "path": self.path,
            "status": status,
            "bytes": bytes,
        });
        if let Some(pid) = self.pid {
            line["pid"] = json!(pid);
        }
        audit.write(&line);
    }
}

/// The body of a response to a client.
pub struct Metered {
    inner: Body,
    proxy: Arc<Proxy>,
    status: u16,
    bytes: u64,
    /// Until it is written.
    entry: Option<Entry>,
    /// The slot of the connection.
    slot: Option<Arc<Slot>>,
}

impl Metered {
    /// Wraps a body.
    pub fn new(inner: Body, proxy: Arc<Proxy>, status: u16, entry: Entry) -> Self {
        let entry = proxy.audit.is_some().then_some(entry);
        let mut metered = Self { inner, proxy, status, bytes: 0, entry, slot: None };
        metered.write_at_end();
        metered
    }

    /// Tells the slot of the connection when the response is complete.
    pub fn held_by(mut self, slot: Arc<Slot>) -> Self {
        self.slot = Some(slot);
        self
    }

    /// Writes the entry before the client learns that the response is complete.
    fn write_at_end(&mut self) {
        if self.inner.is_end_stream() {
            self.write();
        }
    }

    fn write(&mut self) {
        if let Some(entry) = self.entry.take() {
            entry.write(&self.proxy, self.status, self.bytes);
        }
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        self.write();
        if let Some(slot) = &self.slot {
            slot.enter(Phase::Answering);
        }
    }
}

impl HttpBody for Metered {
    type Data = Bytes;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                self.write_at_end();
            }
            Poll::Ready(_) => self.write(),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
