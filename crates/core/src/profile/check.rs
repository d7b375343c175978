//! Rules between the keys of a profile.

use super::diagnose::Problems;
use super::id_token::needs_secret;
use super::node::{Table, find};
use super::{ClientAuth, GrantType, Jar, Par, Pkce, Profile, ResponseMode, scopes};
use crate::advice::Advice;

/// A parsed profile, with the table from which it was read.
pub(crate) struct Whole<'a, 't> {
    pub profile: &'a Profile,
    /// The user's keys over the preset's.
    pub table: &'a Table,
    /// The key with which the user sets a different server than the preset's.
    pub elsewhere: Option<&'a str>,
    /// Valid keys that misspelled ones were probably meant to be.
    pub meant: &'a [&'static str],
    /// Where the profile begins.
    pub at: usize,
    /// The table as shown to the user: `[profiles.x]`.
    pub place: &'a str,
    pub problems: &'a mut Problems<'t>,
}

type Rule = fn(&mut Whole<'_, '_>);

const RULES: &[Rule] = &[
    client_id,
    authorization_endpoint,
    device_endpoint,
    backchannel_endpoint,
    token_endpoint,
    pushed_endpoint,
    key_of_request,
    one_response_mode,
    secret_of_method,
    key_of_method,
    unused_secret,
    one_credential,
    secret_of_id_token_alg,
    client_credentials,
    inputs_of_grant,
    keys_of_other_grants,
    pkce,
    separate_audience,
    scopes_without_commas,
];

/// Applies every rule.
pub(crate) fn check(mut whole: Whole<'_, '_>) {
    for rule in RULES {
        rule(&mut whole);
    }
}

impl Whole<'_, '_> {
    /// Returns the position of the first of these keys that is present.
    fn place_of(&self, keys: &[&str]) -> usize {
        keys.iter().find_map(|key| find(self.table, key)).map_or(self.at, |entry| entry.at)
    }

    /// A misspelled key has already been reported, so it does not count as missing.
    fn has(&self, key: &str) -> bool {
        find(self.table, key).is_some() || self.meant.contains(&key)
    }

    fn fail(&mut self, keys: &[&str], what: &str) {
        let at = self.place_of(keys);
        self.problems.add(at, format!("{} {what}", self.place));
    }

    /// Reports that the client secret is missing.
    fn lack_secret(&mut self, keys: &[&str], what: &str) {
        self.lack(keys, what);
        self.problems.advise_in_file(Advice::StoreClientSecret(self.profile.name.clone()));
    }

    /// Reports that a key is missing.
    fn lack(&mut self, keys: &[&str], what: &str) {
        let at = self.place_of(keys);
        self.problems.add_missing(at, format!("{} {what}", self.place));
    }

    fn warn(&mut self, keys: &[&str], what: &str) {
        let at = self.place_of(keys);
        self.problems.warn(at, format!("{} {what}", self.place));
    }

    /// Reports a missing endpoint, and why that of a preset is not used.
    fn fail_endpoint(&mut self, keys: &[&str], what: &str) {
        let why = self.elsewhere.map(|key| {
            format!("; the preset's endpoints are not used, because `{key}` names another server")
        });
        self.lack(keys, &format!("{what}{}", why.unwrap_or_default()));
    }

    /// A key that is present but invalid has already been reported.
    fn lacks_endpoint(&self, known: Option<&String>, key: &str) -> bool {
        known.is_none() && !self.has(key) && !self.has("issuer") && !self.has("root_url")
    }
}

fn client_id(w: &mut Whole<'_, '_>) {
    let identified_otherwise =
        matches!(w.profile.grant, GrantType::JwtBearer | GrantType::TokenExchange);
    let named = w.has("client_id") || w.has("client_id_metadata_url");
    if w.profile.client.id.is_empty() && !named && !identified_otherwise {
        w.lack(&[], "needs a `client_id`");
    }
}

fn authorization_endpoint(w: &mut Whole<'_, '_>) {
    let known = w.profile.endpoints.authorization.as_ref();
    if w.profile.grant == GrantType::AuthorizationCode
        && w.lacks_endpoint(known, "authorization_endpoint")
    {
        w.fail_endpoint(
            &[],
            "needs an `authorization_endpoint`, or an `issuer` to discover it from",
        );
    }
}

fn device_endpoint(w: &mut Whole<'_, '_>) {
    let known = w.profile.endpoints.device_authorization.as_ref();
    if w.profile.grant == GrantType::DeviceCode
        && known.is_none()
        && !w.has("device_authorization_endpoint")
        && !w.has("issuer")
    {
        w.fail_endpoint(&["grant"], "needs a `device_authorization_endpoint`, or an `issuer`");
    }
}

fn backchannel_endpoint(w: &mut Whole<'_, '_>) {
    let key = "backchannel_authentication_endpoint";
    let known = w.profile.endpoints.backchannel_authentication.as_ref();
    if w.profile.grant == GrantType::Ciba && w.lacks_endpoint(known, key) {
        let what = format!("needs a `{key}`, or an `issuer` to discover it from");
        w.fail_endpoint(&["grant"], &what);
    }
}

fn token_endpoint(w: &mut Whole<'_, '_>) {
    let known = w.profile.endpoints.token.as_ref();
    // A service-account file names it.
    if w.lacks_endpoint(known, "token_endpoint") && !w.has("service_account") {
        w.fail_endpoint(&[], "needs a `token_endpoint`, or an `issuer` to discover it from");
    }
}

fn pushed_endpoint(w: &mut Whole<'_, '_>) {
    let known = w.profile.endpoints.pushed_authorization_request.is_some();
    if w.profile.par == Par::Always
        && !known
        && !w.has("pushed_authorization_request_endpoint")
        && !w.has("issuer")
    {
        w.lack(
            &["par"],
            "has `par = \"always\"` but neither a `pushed_authorization_request_endpoint` nor an `issuer`",
        );
    }
}

fn key_of_request(w: &mut Whole<'_, '_>) {
    if w.profile.jar == Jar::Always && !w.has("private_key") && !w.has("client_secret") {
        w.fail(
            &["jar"],
            "has `jar = \"always\"`, which needs a `private_key` or a `client_secret`",
        );
    }
}

fn one_response_mode(w: &mut Whole<'_, '_>) {
    let is_signed = w.profile.response_mode.is_some_and(ResponseMode::is_signed);
    if w.profile.response_mode.is_some()
        && w.profile.authorization_params.contains_key("response_mode")
    {
        w.fail(
            &["response_mode"],
            "sets `response_mode` twice: as a key and in `authorization_params`",
        );
    } else if is_signed && !w.has("issuer") && w.profile.issuer.is_none() {
        w.fail(&["response_mode"], "has a signed `response_mode`, which needs an `issuer`");
    }
}

fn secret_of_method(w: &mut Whole<'_, '_>) {
    use ClientAuth::{ClientSecretBasic, ClientSecretJwt, ClientSecretPost};
    let method = w.profile.client.auth;
    let needs = matches!(method, Some(ClientSecretBasic | ClientSecretPost | ClientSecretJwt));
    if needs && !w.has("client_secret") {
        let name = method.map_or("", ClientAuth::as_str);
        w.lack_secret(
            &["client_auth"],
            &format!("authenticates with {name}, which needs a `client_secret`"),
        );
    }
}

fn secret_of_id_token_alg(w: &mut Whole<'_, '_>) {
    let alg = w.profile.id_token_signed_response_alg.as_deref();
    if alg.is_some_and(needs_secret) && !w.has("client_secret") {
        let what = format!(
            "has `id_token_signed_response_alg = \"{}\"`, which needs a `client_secret`",
            alg.unwrap_or_default()
        );
        w.lack_secret(&["id_token_signed_response_alg"], &what);
    }
}

fn key_of_method(w: &mut Whole<'_, '_>) {
    let method = w.profile.client.auth;
    let has_key = w.has("private_key");
    match method {
        Some(ClientAuth::PrivateKeyJwt) if !has_key && !w.has("client_assertion") => w.lack(
            &["client_auth"],
            "authenticates with private_key_jwt, which needs a `private_key` or a `client_assertion`",
        ),
        Some(method) if method.is_mutual_tls() && !has_key => {
            let name = method.as_str();
            let what = format!(
                "authenticates with {name}, which needs a `private_key` with its certificate"
            );
            w.lack(&["client_auth"], &what);
        }
        _ => {}
    }
}

fn unused_secret(w: &mut Whole<'_, '_>) {
    if w.profile.client.auth == Some(ClientAuth::None) && w.has("client_secret") {
        w.warn(
            &["client_secret"],
            "has a `client_secret` that `client_auth = \"none\"` never sends",
        );
    }
}

fn one_credential(w: &mut Whole<'_, '_>) {
    if w.profile.client.auth.is_none() && w.has("client_secret") && w.has("client_assertion") {
        w.fail(
            &["client_assertion"],
            "has both a `client_secret` and a `client_assertion`: choose with `client_auth`",
        );
    }
}

fn client_credentials(w: &mut Whole<'_, '_>) {
    if w.profile.grant != GrantType::ClientCredentials || w.has("client_auth") && authenticates(w) {
        return;
    }
    let has_any = ["client_secret", "private_key", "client_assertion"].iter().any(|k| w.has(k));
    if !has_any || w.profile.client.auth == Some(ClientAuth::None) {
        w.lack_secret(
            &["grant"],
            "uses client_credentials, which needs a `client_secret`, `private_key` or `client_assertion`",
        );
    }
}

/// Returns whether the method has its own rule for its credential.
fn authenticates(w: &Whole<'_, '_>) -> bool {
    w.profile.client.auth.is_some_and(|method| method != ClientAuth::None)
}

/// The keys of one grant. Elsewhere they would be ignored.
const KEYS_OF_GRANTS: [(&str, GrantType); 11] = [
    ("login_hint", GrantType::Ciba),
    ("binding_message", GrantType::Ciba),
    ("service_account", GrantType::JwtBearer),
    ("subject_token", GrantType::TokenExchange),
    ("subject_token_type", GrantType::TokenExchange),
    ("actor_token", GrantType::TokenExchange),
    ("actor_token_type", GrantType::TokenExchange),
    ("requested_token_type", GrantType::TokenExchange),
    ("idp", GrantType::IdJag),
    ("username", GrantType::Password),
    ("password", GrantType::Password),
];

fn keys_of_other_grants(w: &mut Whole<'_, '_>) {
    for (key, grant) in KEYS_OF_GRANTS {
        if grant != w.profile.grant && find(w.table, key).is_some() {
            let what = format!("has `{key}`, which only the grant `{}` uses", grant.as_str());
            w.fail(&[key], &what);
        }
    }
}

fn inputs_of_grant(w: &mut Whole<'_, '_>) {
    let (parameter, keys): (&str, &[&str]) = match w.profile.grant {
        GrantType::JwtBearer => {
            ("assertion", &["service_account", "private_key", "client_assertion"])
        }
        GrantType::TokenExchange => {
            ("subject_token", &["subject_token", "private_key", "client_assertion"])
        }
        GrantType::IdJag => ("", &["idp"]),
        GrantType::Password => ("password", &["password"]),
        _ => return,
    };
    let name = w.profile.grant.as_str();
    let given = w.profile.token_params.contains_key(parameter)
        || !parameter.is_empty() && w.profile.hooks.contains_key("pre_token")
        || keys.iter().any(|key| w.has(key));
    if !given {
        let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
        let other = match parameter {
            "" => String::new(),
            name => format!(", `{name}` in `token_params`, or a pre_token hook that sets it"),
        };
        let what = format!("uses {name}, which needs {}{other}", keys.join(", "));
        w.lack(&["grant"], &what);
    }
    if w.profile.grant == GrantType::Password {
        w.warn(
            &["grant"],
            "uses the grant `password`: anyone who can read the password can log in, without a \
             second factor",
        );
        if w.has("password") && !w.has("username") {
            w.fail(&["password"], "has a `password` but no `username`");
        }
    }
}

fn pkce(w: &mut Whole<'_, '_>) {
    if w.profile.pkce == Pkce::Off && w.profile.grant == GrantType::AuthorizationCode {
        w.warn(
            &["pkce"],
            "turns PKCE off: a stolen authorization code can then be redeemed by others",
        );
    }
}

fn scopes_without_commas(w: &mut Whole<'_, '_>) {
    if let Some(what) = scopes::comma_warning(&w.profile.scopes, &w.profile.scope_separator) {
        let at = w.place_of(&["scopes"]);
        w.problems.warn(at, format!("{}: {what}", w.place));
    }
}

fn separate_audience(w: &mut Whole<'_, '_>) {
    let twice =
        [("audience", w.profile.audience.is_some()), ("resource", !w.profile.resource.is_empty())]
            .into_iter()
            .find(|(name, set)| *set && w.profile.authorization_params.contains_key(*name));
    if let Some((name, _)) = twice {
        w.fail(&[name], &format!("sets `{name}` twice: as a key and in `authorization_params`"));
    }
}
