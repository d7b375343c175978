//! A transport that sends an announced request only while other instances still wait for it.
//!
//! Before a refresh token is sent, an intent announces it to all instances. They wait for as long as the
//! exchange may take, and then continue without this process. A process that was paused in between must not
//! send the token any more, not even on a connection that was established meanwhile: the body of the request
//! decides that when it is about to be written. A response that arrived meanwhile is still read. Time is
//! therefore counted in steps: a pause of the process counts as one step.

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use oauthctl_core::http::HttpClient;
use oauthctl_core::port::{BoxFuture, Http, HttpError, HttpRequest, HttpResponse};

use super::announced::Announced;
use super::certificates;
use super::upstream::Upstreams;

/// How soon after its announcement a refresh token must be sent.
const SOON: Duration = Duration::from_secs(20);

const STEP: Duration = Duration::from_secs(1);

/// A refresh in progress in this task.
struct Refresh {
    provider: String,
    /// When the refresh token that is about to be sent was announced.
    announced_at: Cell<Option<Instant>>,
}

tokio::task_local! {
    static REFRESH: Refresh;
}

/// Runs work that may send a refresh token to this provider.
pub(super) async fn scope<F: Future>(provider: String, work: F) -> F::Output {
    REFRESH.scope(Refresh { provider, announced_at: Cell::new(None) }, work).await
}

/// Records that this task has announced a refresh token at this time.
pub(super) fn announce(at: Instant) {
    let _ = REFRESH.try_with(|refresh| refresh.announced_at.set(Some(at)));
}

/// Returns the provider for which a refresh token was announced, and when.
fn announced() -> Option<(String, Instant)> {
    let find = |refresh: &Refresh| Some((refresh.provider.clone(), refresh.announced_at.get()?));
    REFRESH.try_with(find).ok().flatten()
}

/// The transport.
pub(super) struct Punctual {
    client: HttpClient,
    steps: u64,
    soon: Duration,
    upstreams: Upstreams,
}

impl Punctual {
    /// Limits exchanges of this client to this time. The time limit of the client itself must be longer.
    pub(super) fn new(client: HttpClient, longest: Duration) -> Self {
        let (steps, upstreams) = (longest.as_secs(), Upstreams::default());
        Self { client, steps, soon: SOON, upstreams }
    }

    async fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, HttpError> {
        let own = certificates::client_of_task();
        let client = own.as_deref().unwrap_or(&self.client);
        let Some((provider, at)) = announced() else {
            return self.within(client.send(request)).await;
        };
        let upstream = self.upstreams.of(&provider);
        let _slot = upstream.enter().await?;
        if at.elapsed() > self.soon {
            return Err(late());
        }
        let (body, is_late) = Announced::body_of(request, at, self.soon);
        let outcome = self.within(client.send_body(request, body)).await;
        if is_late.load(Ordering::Acquire) {
            return Err(late());
        }
        match &outcome {
            Ok(response) => upstream.note(response),
            Err(_) => upstream.note_silence(),
        }
        outcome
    }

    async fn within(
        &self,
        exchange: impl Future<Output = Result<HttpResponse, HttpError>>,
    ) -> Result<HttpResponse, HttpError> {
        let mut exchange = std::pin::pin!(exchange);
        for _ in 0..self.steps {
            tokio::select! {
                biased;
                response = &mut exchange => return response,
                () = tokio::time::sleep(STEP) => {}
            }
        }
        let message = format!("no response within {} s", self.steps);
        Err(HttpError { not_sent: false, message, hint: None, misconfigured: false })
    }
}

fn late() -> HttpError {
    let what =
        "this process was paused, and another instance may have sent the request in the meantime";
    HttpError::not_sent(what, None)
}

impl Http for Punctual {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(self.exchange(request))
    }
}

#[cfg(test)]
mod tests {
    use oauthctl_core::http::Options;
    use oauthctl_core::port::Method;
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpSocket, TcpStream};

    use super::*;

    fn request(listener: &TcpListener) -> HttpRequest {
        HttpRequest {
            purpose: "token request",
            method: Method::Post,
            url: format!("http://{}/token", listener.local_addr().unwrap()).parse().unwrap(),
            headers: Vec::new(),
            body: b"refresh_token=secret".to_vec().into(),
        }
    }

    #[tokio::test]
    async fn connection_established_too_late_sends_nothing() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let request = request(&listener);
        for (soon, is_sent) in [(60, true), (0, false)] {
            // Connections are not established any more until some are accepted.
            let mut waiting = Vec::new();
            let connect = || TcpStream::connect(listener.local_addr().unwrap());
            let patience = Duration::from_millis(200);
            while let Ok(connected) = tokio::time::timeout(patience, connect()).await {
                waiting.push(connected.unwrap());
            }
            let client = HttpClient::new(Options::default());
            let mut punctual = Punctual::new(client, Duration::from_secs(5));
            punctual.soon = Duration::from_millis(500 + soon * 1000);
            let sending = scope("acme/p".to_owned(), async {
                announce(Instant::now());
                punctual.send(&request).await
            });
            let accepting = async {
                tokio::time::sleep(Duration::from_millis(600)).await;
                let mut last = Vec::new();
                for _ in 0..=waiting.len() {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    waiting.clear();
                    last.clear();
                    let reading = async { while let Ok(1..) = stream.read_buf(&mut last).await {} };
                    let _ = tokio::time::timeout(Duration::from_secs(1), reading).await;
                }
                String::from_utf8(last).unwrap().to_lowercase()
            };
            let (sent, received) = tokio::join!(sending, accepting);
            assert_eq!(received.contains("refresh_token=secret"), is_sent, "{received}");
            assert_eq!(received.contains("content-length: 20"), is_sent);
            assert_eq!(sent.unwrap_err().not_sent, !is_sent);
        }
    }

    #[tokio::test]
    async fn announced_refresh_that_is_too_old_is_not_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = HttpClient::new(Options::default());
        let punctual = Punctual::new(client, Duration::from_secs(1));
        let request = request(&listener);
        for (age, is_sent) in [(0, true), (30, false)] {
            let at = Instant::now().checked_sub(Duration::from_secs(age)).unwrap();
            let sending = scope("acme/p".to_owned(), async {
                announce(at);
                punctual.send(&request).await
            });
            let error = sending.await.unwrap_err();
            assert_eq!(error.not_sent, !is_sent, "{}", error.message);
            let connected = tokio::time::timeout(Duration::from_millis(50), listener.accept());
            assert_eq!(connected.await.is_ok(), is_sent);
        }
    }
}
