//! The transport to providers.

use std::sync::Arc;
use std::time::Duration;

use oauthctl_core::http::{HttpClient, Options, Reach};
use oauthctl_core::port::Http;

use super::punctual::Punctual;

/// Time limit for an exchange with a provider. Some providers take 40 s. A refresh that timed out may have
/// been carried out, so a long limit is safer than a short one.
pub const LONGEST_EXCHANGE: Duration = Duration::from_secs(44);

/// Returns the options for providers: connections only to allowed addresses.
pub(super) fn options(reach: Reach) -> Options {
    Options { total_timeout: LONGEST_EXCHANGE * 10, reach, ..Options::default() }
}

/// Creates the transport, which connects only to allowed addresses.
pub fn transport(reach: Reach) -> Arc<dyn Http> {
    Arc::new(Punctual::new(HttpClient::new(options(reach)), LONGEST_EXCHANGE))
}

/// Creates a transport to servers of tenants, with this time limit.
pub fn outbound(reach: Reach, limit: Duration) -> Arc<dyn Http> {
    let options = Options { total_timeout: limit, reach, ..Options::default() };
    Arc::new(HttpClient::new(options))
}
