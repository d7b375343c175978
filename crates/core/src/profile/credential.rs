//! `[credential.TOOL."KEY"]`: which token the credential helper of a tool hands out.
//!
//! The tables are part of the configuration file, so that its errors are reported together. A library user who writes a
//! credential helper finds them in [`Config::credential`](super::Config::credential); others can ignore them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::target::Target;

/// A tool with a credential helper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CredentialTool {
    /// git.
    Git,
    /// docker, and other programs that read its configuration.
    Docker,
    /// kubectl, and other clients of Kubernetes.
    Kubernetes,
    /// cargo.
    Cargo,
    /// The AWS command line and SDKs.
    Aws,
    /// curl, and other programs that read a netrc file.
    Netrc,
    /// npm and pnpm.
    Npm,
}

impl CredentialTool {
    /// All tools, by their names.
    pub const ALL: [(&'static str, Self); 7] = [
        ("git", Self::Git),
        ("docker", Self::Docker),
        ("kubernetes", Self::Kubernetes),
        ("cargo", Self::Cargo),
        ("aws", Self::Aws),
        ("netrc", Self::Netrc),
        ("npm", Self::Npm),
    ];

    /// Returns its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, tool)| *tool == self).map_or("", |(name, _)| name)
    }

    /// Returns whether its keys are hosts or URLs. Those of the others are names.
    pub(super) fn is_by_host(self) -> bool {
        !matches!(self, Self::Kubernetes | Self::Aws)
    }
}

/// Which token a helper hands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialToken {
    /// The access token.
    AccessToken,
    /// The id_token.
    IdToken,
}

/// One `[credential.TOOL."KEY"]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credential {
    /// The profile; `None` is the default one.
    pub profile: Option<String>,
    /// The account of the profile.
    pub account: Option<String>,
    /// The user name that goes with the token.
    pub username: Option<String>,
    /// Which token; `None` is what the tool usually expects.
    pub token: Option<CredentialToken>,
    /// The AWS role to assume.
    pub role_arn: Option<String>,
    /// The name of the AWS session.
    pub role_session_name: Option<String>,
    /// How long the AWS credentials are valid.
    pub duration: Option<Duration>,
    /// The endpoint of AWS STS.
    pub endpoint: Option<String>,
}

/// The credential tables of a configuration, by tool and key.
pub type Credentials = BTreeMap<CredentialTool, BTreeMap<String, Credential>>;

/// Returns the entry of a tool whose key covers this place, with its key. If several keys cover it, the most
/// specific one applies.
pub(crate) fn covering<'c>(
    entries: &'c BTreeMap<String, Credential>,
    asked: &Target,
) -> Option<(&'c str, &'c Credential)> {
    let parsed =
        entries.iter().filter_map(|(key, entry)| Some((Target::parse(key).ok()?, key, entry)));
    let best = parsed.filter(|(target, ..)| target.covers(asked));
    best.max_by_key(|(target, ..)| target.precision()).map(|(_, key, entry)| (key.as_str(), entry))
}
