//! Describes a profile: its keys by name, presets applied, secrets redacted.

use serde_json::{Map, Value, json};

use super::{
    AssertionAudience, ClientAuth, Endpoint, GrantType, Jar, Par, Pkce, Profile, SecretSource,
    TokenRequestFormat, TrustedAudiences,
};
use crate::parameters::is_secret_setting;
use crate::time;

/// Placeholder for a secret.
pub(super) const REDACTED: &str = "(redacted)";

/// Settings of authorization requests, which only the grant `authorization_code` sends.
const OF_AUTHORIZATION_REQUESTS: [&str; 7] =
    ["redirect_uri", "pkce", "par", "jar", "response_mode", "keep_from_callback", "flow"];

/// Settings of any login.
const OF_LOGINS: [&str; 2] = ["authorization_params", "timeout"];

/// Returns every setting of a profile that has a value and applies to its grant, by its configuration key.
/// `client_auth` is the method in use, whether the profile sets it or not.
pub fn effective(profile: &Profile, client_auth: ClientAuth) -> Map<String, Value> {
    let p = profile;
    let flow: Vec<&str> = p.flow.iter().map(|flow| flow.as_str()).collect();
    let redirects: Vec<&str> = p.redirect_uris.iter().map(|uri| uri.text.as_str()).collect();
    let mut shown = Map::new();
    let head = [
        ("provider", json!(p.provider)),
        ("issuer", json!(p.issuer)),
        ("client_id", json!(p.client.id)),
        ("client_auth", json!(client_auth.as_str())),
        ("client_assertion_audience", json!(audience_word(p.client.assertion_audience))),
        ("grant", json!(p.grant.as_str())),
        ("subject_token_type", json!(p.inputs.subject_token_type)),
        ("actor_token_type", json!(p.inputs.actor_token_type)),
        ("requested_token_type", json!(p.inputs.requested_token_type)),
        ("idp", json!(p.inputs.idp)),
        ("login_hint", json!(p.inputs.login_hint)),
        ("binding_message", json!(p.inputs.binding_message)),
        ("scopes", json!(p.scopes)),
        ("scope_separator", json!(p.scope_separator)),
        ("scope_param", json!(p.scope_param)),
        ("redirect_uri", json!(redirects)),
        ("audience", json!(p.audience)),
        ("resource", json!(p.resource)),
        ("api_url", json!(p.api_url)),
        ("pkce", json!(if p.pkce == Pkce::S256 { "S256" } else { "off" })),
        ("par", json!(par_word(p.par))),
        ("jar", json!(jar_word(p.jar))),
        ("response_mode", json!(p.response_mode.map(|mode| mode.as_str()))),
        ("dpop", json!(p.dpop)),
        ("authorization_params", params(&p.authorization_params)),
        ("token_params", params(&p.token_params)),
        ("refresh_params", params(&p.refresh_params)),
        ("token_request", json!(token_request_word(p.token_request))),
        ("token_path", json!(p.token_path)),
        ("keep", json!(p.keep)),
        ("keep_from_callback", json!(p.keep_from_callback)),
        ("authorization_details", json!(p.authorization_details)),
        ("trusted_audiences", audiences(p)),
        ("id_token_signed_response_alg", json!(p.id_token_signed_response_alg)),
        ("flow", json!(flow)),
        ("min_ttl", json!(time::shortest(p.min_ttl))),
        ("timeout", json!(time::shortest(p.timeout))),
        ("store", json!(p.store)),
        ("ca_file", json!(p.ca_file.as_ref().map(|path| path.display().to_string()))),
        ("write_back", json!(p.write_back)),
        ("hooks", hooks(p)),
    ];
    let endpoints = Endpoint::all().map(|e| (e.key(), json!(p.endpoints.get(e))));
    let secrets = p.secret_sources().map(|(key, from)| (key, shown_source(key, from)));
    for (key, value) in endpoints.chain(head).chain(secrets) {
        if says_something(&value) && applies(key, p.grant) {
            shown.insert(key.to_owned(), value);
        }
    }
    shown
}

fn applies(key: &str, grant: GrantType) -> bool {
    (grant == GrantType::AuthorizationCode || !OF_AUTHORIZATION_REQUESTS.contains(&key))
        && (grant.needs_user() || !OF_LOGINS.contains(&key))
}

fn audiences(profile: &Profile) -> Value {
    match &profile.trusted_audiences {
        TrustedAudiences::Listed(list) => json!(list),
        TrustedAudiences::Any => json!("any"),
    }
}

/// Returns hooks as they are written: as a list if that is sufficient.
fn hooks(profile: &Profile) -> Value {
    let shown = profile.hooks.iter().map(|(event, hook)| {
        let value = match hook.give_token {
            false => json!(hook.command),
            true => json!({"command": hook.command, "give_token": true}),
        };
        (event.clone(), value)
    });
    Value::Object(shown.collect())
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// Returns a source as it is written. A user name in the file is no secret.
fn shown_source(key: &str, from: &SecretSource) -> Value {
    match from {
        SecretSource::Inline(name) if key == "username" => json!(name.expose()),
        from => source(from),
    }
}

fn source(source: &SecretSource) -> Value {
    match source {
        SecretSource::Inline(_) => json!(REDACTED),
        SecretSource::Env(name) => json!({ "env": name }),
        SecretSource::File(path) => json!({ "file": path.display().to_string() }),
        SecretSource::Command(argv) => json!({ "command": argv }),
        SecretSource::Keyring(name) => json!({ "keyring": name }),
        SecretSource::GithubActions { audience } => {
            json!({ "github_actions": { "audience": audience } })
        }
        SecretSource::Gitlab(name) => json!({ "gitlab": name }),
        SecretSource::Kubernetes(path) => json!({ "kubernetes": path.display().to_string() }),
        SecretSource::Spiffe(path) => json!({ "spiffe": path.display().to_string() }),
        SecretSource::Profile { name, id_token: false } => json!({ "profile": name }),
        SecretSource::Profile { name, id_token: true } => {
            json!({ "profile": name, "token": "id_token" })
        }
    }
}

fn params(params: &std::collections::BTreeMap<String, String>) -> Value {
    params
        .iter()
        .map(|(name, value)| {
            let secret = is_secret_setting(name);
            (name.clone(), json!(if secret { REDACTED } else { value }))
        })
        .collect::<Map<_, _>>()
        .into()
}

fn audience_word(audience: AssertionAudience) -> &'static str {
    match audience {
        AssertionAudience::Issuer => "",
        AssertionAudience::TokenEndpoint => "token_endpoint",
        AssertionAudience::Endpoint => "endpoint",
    }
}

fn par_word(par: Par) -> &'static str {
    match par {
        Par::Auto => "auto",
        Par::Always => "always",
        Par::Never => "never",
    }
}

fn jar_word(jar: Jar) -> &'static str {
    match jar {
        Jar::Auto => "auto",
        Jar::Always => "always",
        Jar::Never => "never",
    }
}

fn token_request_word(format: TokenRequestFormat) -> &'static str {
    match format {
        TokenRequestFormat::Form => "form",
        TokenRequestFormat::Json => "json",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::ConfigFile;
    use std::path::Path;

    #[test]
    fn shown_profile_can_be_read_again() {
        let text = include_str!("testdata/full.toml");
        let parse = |text: &str| {
            ConfigFile::of_text(Path::new("/cfg/c.toml"), text).parse().unwrap().profiles["full"]
                .clone()
        };
        let profile = parse(text);
        let shown = effective(&profile, profile.client_auth(&[]));
        let shown = toml::to_string(&json!({ "profiles": { "full": shown } })).unwrap();
        assert_eq!(parse(&shown), profile);
    }

    #[test]
    fn effective_values_show_no_secret() {
        let text = "[profiles.x]\nissuer = \"https://a.example\"\nclient_id = \"c\"\n\
            client_secret = \"hunter2\"\nprivate_key = \"hunter2\"\nclient_auth = \"none\"\n\
            token_params = { password = \"hunter2\", tenant = \"t\" }\n";
        let config = ConfigFile::of_text(Path::new("c.toml"), text).parse().unwrap();
        let shown = effective(&config.profiles["x"], ClientAuth::None);
        let shown = Value::Object(shown).to_string();
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(shown.matches(REDACTED).count(), 3);
        assert!(shown.contains("\"tenant\":\"t\""), "{shown}");
    }
}
