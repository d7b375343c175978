//! The transport to providers.

use std::sync::Arc;
use std::time::Duration;

use oauthctl_core::http::{HttpClient, Options, Reach};
use oauthctl_core::port::Http;

use super::punctual::Punctual;

/// How long an exchange with a provider may take. Some take 40 s; a refresh that was given up may have been carried
/// out, so that giving up late is better than giving up early.
pub const LONGEST_EXCHANGE: Duration = Duration::from_secs(44);

/// Creates the transport, which connects only to addresses within reach.
pub fn transport(reach: Reach) -> Arc<dyn Http> {
    let options = Options { total_timeout: LONGEST_EXCHANGE * 10, reach, ..Options::default() };
    Arc::new(Punctual::new(HttpClient::new(options), LONGEST_EXCHANGE))
}

/// Creates a transport to servers of tenants, which may take this long to answer.
pub fn outbound(reach: Reach, limit: Duration) -> Arc<dyn Http> {
    let options = Options { total_timeout: limit, reach, ..Options::default() };
    Arc::new(HttpClient::new(options))
}
