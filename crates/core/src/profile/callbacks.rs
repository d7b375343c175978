//! Keeps the redirect URIs of several servers apart, so that one server cannot have another's code sent to
//! it (mix-up: RFC 9700, section 4.4).
//!
//! Only its redirect URI distinguishes a server that responds without `iss` (RFC 9207) from the others.
//! Profiles that use the built-in redirect URI therefore do not share one.

use std::collections::{BTreeMap, HashSet};

use url::Url;

use super::endpoints::is_server_key;
use super::holders::Holders;
use super::node::{Table, Value, find};
use super::presets::{self, Preset};
use super::redirect_uri::{Callback, LoopbackHost, RedirectUri, built_in_redirect};
use super::server::Server;
use super::{GrantType, Profile};

/// The path of the built-in redirect URI.
const PATH: &str = "/callback";

impl Profile {
    /// Returns the redirect URIs of a login, in order of preference: those of the configuration, or one
    /// with a separate path (`/NAME/callback`) if an earlier profile of another server uses the built-in
    /// one. A server that announces `iss` in its responses
    /// ([`iss_parameter_supported`](super::AuthorizationServer::iss_parameter_supported)) needs no separate
    /// path.
    pub fn login_redirect_uris(&self, announces_iss: bool) -> Vec<RedirectUri> {
        match self.callback.own_path && !announces_iss {
            true => vec![own(&self.name)],
            false => self.redirect_uris.clone(),
        }
    }

    /// Returns whether responses of this profile's server can share a redirect URI with those of untrusted
    /// servers: the server is that of a preset, or its responses contain `iss` and the issuer itself names the
    /// endpoints. All others need a redirect URI of their own (RFC 9700, section 4.4.2): with an endpoint from the
    /// configuration, `iss` does not say to whom the code is sent.
    pub fn can_share_redirect_uri(&self, announces_iss: bool) -> bool {
        let is_of_issuer = self.issuer.is_some()
            && self.endpoints.authorization.is_none()
            && self.endpoints.token.is_none();
        self.callback.server_of_preset || (is_of_issuer && announces_iss)
    }
}

/// Returns the profiles of servers that could be mixed up with this one's: they are different servers, and
/// not both come from presets alone.
pub(crate) fn of_other_servers<'a, 'b>(
    all: impl Iterator<Item = &'a Profile>,
    profile: &'b Profile,
) -> impl Iterator<Item = &'a Profile> {
    let party = Party::of(profile);
    all.filter(move |other| party.could_be_mixed_up_with(&Party::of(other)))
}

/// A profile, as far as it matters to others that may share its redirect path.
pub(super) struct Party<'p> {
    pub(super) name: &'p str,
    pub(super) takes_part: bool,
    pub(super) callback: Callback,
    pub(super) server: Server<'p>,
}

impl<'p> Party<'p> {
    pub(super) fn of(profile: &'p Profile) -> Self {
        Self {
            name: &profile.name,
            takes_part: takes_part(profile),
            callback: profile.callback,
            server: Server::of(profile),
        }
    }

    pub(super) fn could_be_mixed_up_with(&self, other: &Party<'_>) -> bool {
        self.name != other.name
            && self.takes_part
            && other.takes_part
            && !(self.callback.server_of_preset && other.callback.server_of_preset)
            && self.server.is_other(&other.server)
    }
}

/// Decides for every profile, in the order of the file, whether it gets a separate path. Later profiles in
/// the file never change the URIs of earlier ones, which are already registered.
pub(crate) fn assign(profiles: &mut BTreeMap<String, Profile>, tables: &[(&str, &Table)]) {
    // Servers that come from presets are no threat to each other.
    let (mut configured, mut of_presets) = (Holders::default(), Holders::default());
    let mut decided = Vec::new();
    for &(name, own) in tables {
        let Some(profile) = profiles.get(name) else { continue };
        let server_of_preset = preset(own).is_some_and(|preset| names_only(preset, own));
        let mut callback = Callback { server_of_preset, own_path: false };
        if takes_part(profile) {
            let server = Server::of(profile);
            let mut is_taken =
                || configured.differ(&server) || !server_of_preset && of_presets.differ(&server);
            if left_to_us(profile, own) && is_taken() {
                callback.own_path = true;
            } else if holds_the_path(profile) {
                let holders = if server_of_preset { &mut of_presets } else { &mut configured };
                holders.add(server);
            }
        }
        decided.push((name, callback));
    }
    for (name, callback) in decided {
        if let Some(profile) = profiles.get_mut(name) {
            profile.callback = callback;
        }
    }
}

/// Returns whether the profile does not set a redirect URI.
fn left_to_us(profile: &Profile, own: &Table) -> bool {
    find(own, "redirect_uri").is_none() && profile.redirect_uris == [built_in_redirect()]
}

fn preset(own: &Table) -> Option<&'static Preset> {
    match &find(own, "provider")?.node.value {
        Value::Text(name) => presets::find(name),
        _ => None,
    }
}

/// Returns whether the profile uses only the preset's own server.
fn names_only(preset: &Preset, own: &Table) -> bool {
    let of_server = |key: &str| key == "root_url" || is_server_key(key);
    own.iter().filter(|entry| of_server(&entry.key)).all(|entry| match &entry.node.value {
        Value::Text(text) => {
            preset.profile.get(&entry.key).and_then(toml::Value::as_str) == Some(text)
        }
        _ => false,
    })
}

fn takes_part(profile: &Profile) -> bool {
    profile.grant == GrantType::AuthorizationCode
}

/// Returns whether the built-in path on this machine can receive its responses.
fn holds_the_path(profile: &Profile) -> bool {
    profile.redirect_uris.iter().any(|uri| uri.host != LoopbackHost::Elsewhere && uri.path == PATH)
}

/// Returns whether both can receive responses at the same place, according to the configuration.
pub(super) fn shares(one: &Profile, other: &Profile) -> bool {
    let is_set = !one.callback.own_path && !other.callback.own_path;
    let known: HashSet<String> = places(&one.redirect_uris).collect();
    is_set && places(&other.redirect_uris).any(|place| known.contains(&place))
}

/// Returns the places that receive responses: on this machine only the path counts, elsewhere the host and
/// port too.
pub(super) fn places(uris: &[RedirectUri]) -> impl Iterator<Item = String> {
    uris.iter().map(|uri| {
        let path = if uri.path.is_empty() { "/" } else { uri.path.as_str() };
        let elsewhere = uri.host == LoopbackHost::Elsewhere;
        match Url::parse(&uri.text).ok().filter(|_| elsewhere) {
            Some(url) => url.origin().ascii_serialization() + url.path(),
            None => path.to_owned(),
        }
    })
}

/// Returns the separate redirect URI of a profile. It is never below the built-in path, because some
/// servers accept everything below a registered path, and no browser may interpret its first segment as a
/// step upwards.
fn own(name: &str) -> RedirectUri {
    let special = name == "." || name == ".." || name.eq_ignore_ascii_case("callback");
    let mut path = String::from(if special { "/~" } else { "/" });
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => path.push(byte.into()),
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path.push_str(PATH);
    RedirectUri {
        text: format!("http://127.0.0.1{path}"),
        host: LoopbackHost::V4,
        port: None,
        path,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::profile::{Config, ConfigFile};

    fn config(text: &str) -> Config {
        ConfigFile::of_text(Path::new("c.toml"), text).parse().unwrap()
    }

    /// The profiles with a path of their own.
    fn own_paths(text: &str) -> Vec<String> {
        let config = config(text);
        config.profiles.values().filter(|p| p.callback.own_path).map(|p| p.name.clone()).collect()
    }

    fn profile(name: &str, more: &str) -> String {
        format!("[profiles.{name}]\nclient_id = \"c\"\n{more}\n")
    }

    const A: &str = "issuer = \"https://a.example\"";
    const B: &str = "issuer = \"https://b.example\"";

    #[test]
    fn later_profile_of_another_server_gets_own_path() {
        let text = profile("z", A) + &profile("m", B) + &profile("a", A);
        assert_eq!(own_paths(&text), ["m"], "`a` belongs to the server that was first");
        let third = "issuer = \"https://c.example\"";
        assert_eq!(own_paths(&(text + &profile("b", third))), ["b", "m"]);
    }

    #[test]
    fn set_redirect_uri_stays_and_reserves_its_path() {
        let set = |server: &str, uri: &str| format!("{server}\nredirect_uri = \"{uri}\"");
        let localhost = set(A, "http://localhost:17865/callback");
        assert_eq!(own_paths(&(profile("x", &localhost) + &profile("y", B))), ["y"]);
        let elsewhere = set(A, "http://127.0.0.1/other");
        assert!(own_paths(&(profile("x", &elsewhere) + &profile("y", B))).is_empty());
        let both = profile("x", A) + &profile("y", &set(B, "http://127.0.0.1/callback"));
        assert!(own_paths(&both).is_empty());
        let both = config(&both);
        let sharing = |name: &str| both.sharing_a_callback(&both.profiles[name]).len();
        assert_eq!((sharing("x"), sharing("y")), (1, 1));
    }

    #[test]
    fn grants_without_a_redirect_take_no_path() {
        let machine = format!("{A}\ngrant = \"client_credentials\"\nclient_secret = \"s\"");
        assert!(own_paths(&(profile("x", &machine) + &profile("y", B))).is_empty());
        assert!(own_paths(&(profile("y", B) + &profile("x", &machine))).is_empty());
    }

    #[test]
    fn only_a_server_without_a_preset_causes_a_path() {
        let (github, gitlab) =
            ("provider = \"github\"\nclient_secret = \"s\"", "provider = \"gitlab\"");
        assert!(own_paths(&(profile("x", github) + &profile("y", gitlab))).is_empty());
        let own_gitlab = format!("{gitlab}\nroot_url = \"https://git.example/oauth/\"");
        assert_eq!(own_paths(&(profile("x", github) + &profile("y", &own_gitlab))), ["y"]);
        assert_eq!(own_paths(&(profile("x", A) + &profile("y", github))), ["y"]);
        let spelt_out = format!("{gitlab}\nissuer = \"https://gitlab.com\"");
        assert!(own_paths(&(profile("x", github) + &profile("y", &spelt_out))).is_empty());
    }

    #[test]
    fn without_an_issuer_the_endpoints_count() {
        let at = |authorization: &str, token: &str| {
            format!(
                "authorization_endpoint = \"https://{authorization}\"\ntoken_endpoint = \"https://{token}\""
            )
        };
        let first = profile("x", &at("a.example/1", "a.example/2"));
        let second = |server: &str| own_paths(&format!("{first}{}", profile("y", server)));
        assert!(second(&at("a.example:443/1?x=1", "a.example/2")).is_empty());
        assert_eq!(second(&at("a.example/3", "a.example/2")), ["y"], "another tenant's");
        assert_eq!(second(&at("a.example/1", "a.example/4")), ["y"]);
        assert_eq!(second(&at("a.example/1", "t.example/2")), ["y"]);
        assert!(second(A).is_empty());
        assert_eq!(second(B), ["y"]);
        assert_eq!(second("issuer = \"https://a.example/t\""), ["y"], "another tenant's");
        let tenant = profile("x", &at("a.example/t/1", "a.example/t/2"));
        let beside = |issuer: &str| {
            own_paths(&format!(
                "{tenant}{}",
                profile("y", &format!("issuer = \"https://{issuer}\""))
            ))
        };
        assert!(beside("a.example/t/").is_empty() && beside("a.example").is_empty());
        assert_eq!(beside("a.example/t2"), ["y"]);
    }

    #[test]
    fn path_of_a_profile_is_unique_and_stable() {
        for (name, path) in [
            ("work", "/work/callback"),
            ("a b/ü", "/a%20b%2F%C3%BC/callback"),
            ("..", "/~../callback"),
            ("callback", "/~callback/callback"),
            ("~callback", "/%7Ecallback/callback"),
        ] {
            let uri = own(name);
            assert_eq!(uri.path, path);
            assert_eq!(Url::parse(&uri.text).unwrap().path(), path, "as a browser reads it");
            assert_eq!(crate::profile::redirect_uri::redirect_uri(&uri.text).unwrap(), uri);
        }
    }
}
