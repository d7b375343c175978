//! Connections that become another protocol, such as WebSocket: bytes pass in both directions.

use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderMap, HeaderValue, UPGRADE};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use oauthctl_core::http::api::ApiResponse;

use super::headers;

/// The client's connection, once it has changed.
pub type Client = OnUpgrade;

/// Takes the client's connection out of a request that wants to change the protocol.
pub fn client(request: &mut Request<Incoming>) -> Option<Client> {
    headers::wanted_upgrade(request.headers()).map(|_| hyper::upgrade::on(request))
}

/// Adds the headers that say which protocol it is now.
pub fn keep_headers(head: &mut HeaderMap, of_server: &HeaderMap) {
    head.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    if let Some(protocol) = of_server.get(UPGRADE) {
        head.insert(UPGRADE, protocol.clone());
    }
}

/// Passes bytes between both until one of them ends.
pub fn join(client: Client, server: ApiResponse) {
    tokio::spawn(async move {
        let (Ok(client), Ok(mut server)) = (client.await, server.upgrade().await) else { return };
        let mut client = TokioIo::new(client);
        // An end that is not clean is one too.
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    });
}
