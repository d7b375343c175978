//! A transport whose first request is held until some preparation is done.

use tokio::sync::{Notify, Semaphore};

use crate::port::{BoxFuture, Http, HttpError, HttpRequest, HttpResponse};

/// A transport whose requests wait until the gate is opened.
pub(super) struct Gate<'a> {
    http: &'a dyn Http,
    asked: Notify,
    open: Semaphore,
}

impl<'a> Gate<'a> {
    /// Returns a closed gate in front of this transport.
    pub(super) fn before(http: &'a dyn Http) -> Self {
        Self { http, asked: Notify::new(), open: Semaphore::new(0) }
    }

    /// Waits until there is a request.
    pub(super) async fn asked(&self) {
        self.asked.notified().await;
    }

    /// Lets all requests through.
    pub(super) fn open(&self) {
        self.open.close();
    }
}

impl Http for Gate<'_> {
    fn send<'b>(
        &'b self,
        request: &'b HttpRequest,
    ) -> BoxFuture<'b, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            self.asked.notify_one();
            // The semaphore has no permits: waiting ends when it is closed.
            let _ = self.open.acquire().await;
            self.http.send(request).await
        })
    }
}
