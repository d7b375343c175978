//! Provider presets: known facts about an authorization server, so that a profile needs little more than a
//! client id.
//!
//! The facts are data, in `presets.toml` beside this file, and part of the program. A preset provides
//! defaults: every key of a user's profile overrides it. Each value that a preset sets is confirmed by one of
//! the public pages in its [`Preset::sources`]. Applying a preset follows two rules:
//!
//! - A user's `root_url` selects a different server: it replaces every endpoint of the preset's `profile`,
//!   its `issuer` and its `jwks_uri` with the `paths` below that URL. A different `issuer` also drops the
//!   preset's endpoints, and so does an endpoint at another origin than the preset's.
//! - `client_auth` in a preset is the method of a client that has a secret; without a secret the method is
//!   `none`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::{Quirks, diagnose, work};

/// The known facts about one provider.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    /// The name in `provider = "…"`.
    pub name: String,
    /// The name that is shown to users.
    pub title: String,
    /// Other names that users search for; only [`nearest`] knows them.
    pub aliases: Vec<String>,
    /// Where the user registers a client.
    pub register_url: Option<String>,
    /// The redirect URI to register there, which is also the profile's default. Without a port, any port is
    /// accepted. Absent if the provider accepts no loopback address.
    pub redirect_uri: Option<String>,
    /// The provider's rule for redirect URIs, as a sentence for users.
    pub redirect_note: Option<String>,
    /// Whether clients have a secret.
    pub secret: SecretNeed,
    /// Scopes that clients often request, as a suggestion: none is requested unless the user sets it.
    pub common_scopes: Vec<String>,
    /// The profile keys that the user must set in addition to `client_id` (and `client_secret`, depending
    /// on [`Preset::secret`]): `issuer`, `root_url`, `redirect_uri`.
    pub needs: Vec<String>,
    /// Known quirks, one sentence each.
    pub notes: Vec<String>,
    /// The public pages that confirm the preset's values.
    pub sources: Vec<Source>,
    /// Endpoints relative to a user's `root_url`, by the names of [`super::Endpoints`] (`authorization`,
    /// `token` …). Empty if the provider runs only one server.
    pub paths: BTreeMap<String, String>,
    /// Defaults, under the keys of a `[profiles.X]` table.
    pub profile: toml::Table,
    /// Facts that no profile key can express.
    pub quirks: Quirks,
}

/// A public page that confirms values of a preset.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The URL of the page.
    pub url: String,
    /// What the page confirms: keys of [`Preset::profile`], keys of [`Preset::paths`] after `paths.`, keys of
    /// [`Preset::quirks`] after `quirks.`, and `redirect_uri`, `secret`, `pkce` or `notes`.
    pub confirms: Vec<String>,
}

/// Whether a provider's clients have a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretNeed {
    /// A native client is registered without one.
    None,
    /// It depends on the kind of client, or of login.
    Optional,
    /// Every token request needs it.
    Required,
}

impl SecretNeed {
    /// Returns the word in the data.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }
}

/// One table of the data.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    title: String,
    #[serde(default)]
    aliases: Vec<String>,
    register_url: Option<String>,
    redirect_uri: Option<String>,
    redirect_note: Option<String>,
    secret: SecretNeed,
    #[serde(default)]
    common_scopes: Vec<String>,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    notes: Vec<String>,
    sources: Vec<Source>,
    #[serde(default)]
    paths: BTreeMap<String, String>,
    #[serde(default)]
    profile: toml::Table,
    #[serde(default)]
    quirks: QuirkKeys,
}

/// [`Quirks`] as they are spelled in the data.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct QuirkKeys {
    redirect_uri_on_refresh: bool,
    scope_separator_in_response: Option<String>,
    scope_on_refresh: bool,
    device_scope_param: Option<String>,
    token_path_is_optional: bool,
    bearer_types: Vec<String>,
    dead_token_codes: Vec<String>,
    id_token_without_nonce: bool,
    scopes_not_returned: Vec<String>,
    tenant_issuer: Option<String>,
}

/// Returns all presets, ordered by name.
pub fn all() -> &'static [Preset] {
    static PRESETS: OnceLock<Vec<Preset>> = OnceLock::new();
    PRESETS.get_or_init(|| {
        parse(include_str!("presets.toml")).expect("the built-in presets are tested to parse")
    })
}

/// Returns the names of all presets, in order.
pub fn names() -> Vec<&'static str> {
    all().iter().map(|preset| preset.name.as_str()).collect()
}

/// Returns the preset of exactly this name.
pub fn find(name: &str) -> Option<&'static Preset> {
    let all = all();
    all.binary_search_by(|preset| preset.name.as_str().cmp(name)).ok().map(|index| &all[index])
}

/// Returns the name of the preset that the user probably meant: from an alias, another spelling, or a
/// typo.
pub fn nearest(name: &str) -> Option<&'static str> {
    let wanted = plain(diagnose::beginning(name));
    all()
        .iter()
        .flat_map(|preset| {
            let names = std::iter::once(&preset.name).chain(&preset.aliases);
            names.map(|known| (preset.name.as_str(), plain(known)))
        })
        .map(|(name, known)| {
            work::count(wanted.len() * known.len());
            (strsim::damerau_levenshtein(&wanted, &known), known.len(), name)
        })
        .filter(|(distance, length, _)| distance * 3 <= *length)
        .min()
        .map(|(_, _, name)| name)
}

/// Returns a name without case and separators.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn parse(text: &str) -> Result<Vec<Preset>, toml::de::Error> {
    let entries: BTreeMap<String, Entry> = toml::from_str(text)?;
    Ok(entries.into_iter().map(|(name, entry)| preset(name, entry)).collect())
}

fn preset(name: String, entry: Entry) -> Preset {
    Preset {
        name,
        title: entry.title,
        aliases: entry.aliases,
        register_url: entry.register_url,
        redirect_uri: entry.redirect_uri,
        redirect_note: entry.redirect_note,
        secret: entry.secret,
        common_scopes: entry.common_scopes,
        needs: entry.needs,
        notes: entry.notes,
        sources: entry.sources,
        paths: entry.paths,
        profile: entry.profile,
        quirks: Quirks {
            redirect_uri_on_refresh: entry.quirks.redirect_uri_on_refresh,
            scope_separator_in_response: entry.quirks.scope_separator_in_response,
            scope_on_refresh: entry.quirks.scope_on_refresh,
            device_scope_param: entry.quirks.device_scope_param,
            token_path_is_optional: entry.quirks.token_path_is_optional,
            form_post: false,
            bearer_types: entry.quirks.bearer_types,
            dead_token_codes: entry.quirks.dead_token_codes,
            id_token_without_nonce: entry.quirks.id_token_without_nonce,
            scopes_not_returned: entry.quirks.scopes_not_returned,
            tenant_issuer: entry.quirks.tenant_issuer,
        },
    }
}

#[cfg(test)]
mod tests;
