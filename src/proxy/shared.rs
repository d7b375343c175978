//! What all connections of a proxy share.

use std::sync::Arc;

use oauthctl_core::Secret;
use oauthctl_core::profile::api_url::ApiUrls;

use super::rules::Rules;
use crate::audit::Audit;
use crate::authorizer::Authorizer;
use crate::confirm::Confirm;
use crate::ui::Ui;

/// What all connections share.
pub struct Proxy {
    /// Adds the token.
    pub authorizer: Authorizer,
    /// Where requests go.
    pub urls: ApiUrls,
    /// What programs must know: the first segment of the path.
    pub key: Secret,
    /// The names under which programs may address the proxy, with the port.
    pub hosts: Vec<String>,
    /// What they may request.
    pub rules: Rules,
    /// Whether the user consents.
    pub confirm: Option<Arc<Confirm>>,
    /// What is written down.
    pub audit: Option<Audit>,
    /// The profile, for the command that asks the user.
    pub profile: String,
    /// The account.
    pub account: String,
    /// Where messages to the operator go.
    pub ui: Ui,
}

impl Proxy {
    /// Returns the URL that programs use.
    pub fn url(&self) -> String {
        let host = self.hosts.first().map_or("localhost", String::as_str);
        format!("http://{host}/{}/", self.key.expose())
    }
}
