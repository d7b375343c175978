//! The keys of a profile: a table of their names and how to read each.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use url::Url;

use super::diagnose::{Problems, similar};
use super::endpoint;
use super::endpoints::{is_server_key, server_keys};
use super::node::{Entry, Table, Value, find, foreign_table};
use super::presets::Preset;
use super::reader::{Reader, Surroundings};
use super::redirect_uri::{Callback, built_in_redirect};
use super::{
    AssertionAudience, Client, ClientAuth, DEFAULT_MIN_TTL, DiscoveryRules, Endpoint, Endpoints,
    GrantInputs, GrantType, Hook, Jar, LoginFlow, Par, Pkce, Profile, Quirks, ResponseMode,
    TokenRequestFormat,
};
use crate::parameters::reserved;
use crate::text::one_line;

/// A profile while it is being read.
pub(crate) struct Draft {
    pub profile: Profile,
    pub root_url: Option<String>,
    pub client_id_metadata_url: Option<String>,
}

type Set = fn(&mut Draft, &mut Reader<'_, '_>);

/// Stores a value that could be read; an invalid one has been reported, and the default stays.
fn put<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

const PAR: [(&str, Par); 3] = [("auto", Par::Auto), ("always", Par::Always), ("never", Par::Never)];
const JAR: [(&str, Jar); 3] = [("auto", Jar::Auto), ("always", Jar::Always), ("never", Jar::Never)];
const TOKEN_REQUEST: [(&str, TokenRequestFormat); 2] =
    [("form", TokenRequestFormat::Form), ("json", TokenRequestFormat::Json)];
const ASSERTION_AUDIENCE: [(&str, AssertionAudience); 3] = [
    ("issuer", AssertionAudience::Issuer),
    ("token_endpoint", AssertionAudience::TokenEndpoint),
    ("endpoint", AssertionAudience::Endpoint),
];
const FLOWS: [(&str, LoginFlow); 3] =
    [("browser", LoginFlow::Browser), ("device", LoginFlow::Device), ("paste", LoginFlow::Paste)];

/// The keys in the table of a hook.
const HOOK_KEYS: [&str; 2] = ["command", "give_token"];

/// Events for which a hook can be set.
const EVENTS: [&str; 4] = ["authorization", "pre_token", "post_token", "login_required"];

/// The keys of a profile, except those of [endpoints](Endpoint).
const KEYS: &[(&str, Set)] = &[
    ("provider", |d, r| d.profile.provider = r.text()),
    ("issuer", |d, r| d.profile.issuer = r.issuer()),
    ("root_url", |d, r| d.root_url = r.issuer()),
    ("client_id", |d, r| put(&mut d.profile.client.id, r.text())),
    ("client_id_metadata_url", |d, r| d.client_id_metadata_url = r.validated(metadata_document)),
    ("client_secret", |d, r| d.profile.client.secret = r.secret()),
    ("client_auth", |d, r| d.profile.client.auth = r.choice(&ClientAuth::ALL)),
    ("private_key", |d, r| d.profile.client.private_key = r.secret()),
    ("client_assertion", |d, r| d.profile.client.assertion = r.assertion()),
    ("client_assertion_audience", |d, r| {
        put(&mut d.profile.client.assertion_audience, r.choice(&ASSERTION_AUDIENCE));
    }),
    ("certificate", |d, r| d.profile.client.certificate = r.secret()),
    ("service_account", |d, r| d.profile.inputs.service_account = r.secret()),
    ("subject_token", |d, r| d.profile.inputs.subject_token = r.token_source()),
    ("subject_token_type", |d, r| d.profile.inputs.subject_token_type = r.token_type()),
    ("actor_token", |d, r| d.profile.inputs.actor_token = r.token_source()),
    ("actor_token_type", |d, r| d.profile.inputs.actor_token_type = r.token_type()),
    ("requested_token_type", |d, r| d.profile.inputs.requested_token_type = r.token_type()),
    ("idp", |d, r| d.profile.inputs.idp = r.text()),
    ("username", |d, r| d.profile.inputs.username = r.public_or_secret()),
    ("password", |d, r| d.profile.inputs.password = r.secret()),
    ("login_hint", |d, r| d.profile.inputs.login_hint = r.text()),
    ("binding_message", |d, r| d.profile.inputs.binding_message = r.text()),
    ("grant", |d, r| put(&mut d.profile.grant, r.choice(&GrantType::ALL))),
    ("scopes", |d, r| put(&mut d.profile.scopes, r.list())),
    ("scope_separator", |d, r| put(&mut d.profile.scope_separator, r.text())),
    ("scope_param", |d, r| put(&mut d.profile.scope_param, r.validated(scope_param))),
    ("redirect_uri", |d, r| put(&mut d.profile.redirect_uris, r.redirect_uris())),
    ("audience", |d, r| d.profile.audience = r.text()),
    ("resource", |d, r| put(&mut d.profile.resource, r.resources())),
    ("api_url", |d, r| put(&mut d.profile.api_url, r.api_urls())),
    ("pkce", |d, r| put(&mut d.profile.pkce, r.pkce())),
    ("par", |d, r| put(&mut d.profile.par, r.choice(&PAR))),
    ("jar", |d, r| put(&mut d.profile.jar, r.choice(&JAR))),
    ("response_mode", |d, r| d.profile.response_mode = r.choice(&ResponseMode::ALL)),
    ("dpop", |d, r| put(&mut d.profile.dpop, r.flag())),
    ("authorization_params", |d, r| put(&mut d.profile.authorization_params, r.params())),
    ("token_params", |d, r| put(&mut d.profile.token_params, r.params())),
    ("refresh_params", |d, r| put(&mut d.profile.refresh_params, r.params())),
    ("token_request", |d, r| put(&mut d.profile.token_request, r.choice(&TOKEN_REQUEST))),
    ("token_path", |d, r| put(&mut d.profile.token_path, r.any_text())),
    ("keep", |d, r| {
        put(&mut d.profile.keep, r.names_except(&["access_token", "refresh_token", "id_token"]));
    }),
    ("keep_from_callback", |d, r| {
        put(
            &mut d.profile.keep_from_callback,
            r.names_except(&["code", "state", "iss", "access_token", "id_token"]),
        );
    }),
    ("authorization_details", |d, r| {
        put(&mut d.profile.authorization_details, r.authorization_details());
    }),
    ("trusted_audiences", |d, r| put(&mut d.profile.trusted_audiences, r.trusted_audiences())),
    ("id_token_signed_response_alg", |d, r| {
        d.profile.id_token_signed_response_alg = r.id_token_algorithm();
    }),
    ("flow", |d, r| put(&mut d.profile.flow, r.choices(&FLOWS))),
    ("min_ttl", |d, r| put(&mut d.profile.min_ttl, r.duration())),
    ("timeout", |d, r| put(&mut d.profile.timeout, r.positive_duration())),
    ("store", |d, r| d.profile.store = r.store()),
    ("ca_file", |d, r| d.profile.ca_file = r.path()),
    ("write_back", |d, r| put(&mut d.profile.write_back, r.command())),
    ("hooks", hooks),
];

/// The names of all keys of a profile.
pub(crate) static KEY_NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let endpoints = Endpoint::all().map(Endpoint::key);
    KEYS.iter().map(|(key, _)| *key).chain(endpoints).collect()
});

/// Returns the unknown keys of a table.
pub(crate) fn unknown(table: &Table) -> impl Iterator<Item = &str> {
    table.iter().map(|entry| entry.key.as_str()).filter(|key| !KEY_NAMES.contains(key))
}

/// Returns the keys that a table's unknown ones were probably meant to be.
pub(crate) fn meant(table: &Table) -> Vec<&'static str> {
    unknown(table).filter_map(|key| similar(key, KEY_NAMES.iter().copied())).collect()
}

/// The keys for credentials of a client.
pub(crate) const CREDENTIAL_KEYS: [&str; 3] = ["client_secret", "private_key", "client_assertion"];

/// The tables whose entries override a preset's one by one.
const MERGED_KEYS: [&str; 4] = ["authorization_params", "token_params", "refresh_params", "hooks"];

/// Checks the URL of a client-ID metadata document.
pub(super) fn metadata_document(text: &str) -> Result<(), String> {
    let url = endpoint::check(text)?;
    match url.scheme() == "https" && url.path() != "/" {
        true => Ok(()),
        false => Err("must be https and have a path".to_owned()),
    }
}

fn scope_param(name: &str) -> Result<(), String> {
    match reserved(name) {
        Some(why) if name != "scope" => Err(format!("must not be `{}`: {why}", one_line(name))),
        _ => Ok(()),
    }
}

fn hooks(draft: &mut Draft, reader: &mut Reader<'_, '_>) {
    let entry = reader.entry;
    let Value::Table(table) = &entry.node.value else {
        reader.fail::<()>("must be a table");
        return;
    };
    let place = format!("{}.hooks]", reader.place.trim_end_matches(']'));
    for hook in table {
        if !EVENTS.contains(&hook.key.as_str()) {
            reader.problems.unknown_key(&hook.key, hook.at, &place, &EVENTS);
            continue;
        }
        let mut inner = reader.inner(hook, &place);
        if let Some(read) = read_hook(&mut inner) {
            draft.profile.hooks.insert(hook.key.clone(), read);
        }
    }
}

/// Reads a command, or a table with a command and its options.
fn read_hook(reader: &mut Reader<'_, '_>) -> Option<Hook> {
    let entry = reader.entry;
    let Value::Table(table) = &entry.node.value else {
        return reader.command().map(|command| Hook { command, give_token: false });
    };
    let place = format!("{}.{}]", reader.place.trim_end_matches(']'), entry.key);
    let mut hook = Hook { command: Vec::new(), give_token: false };
    for member in table {
        let mut inner = reader.inner(member, &place);
        match member.key.as_str() {
            "command" => put(&mut hook.command, inner.command()),
            "give_token" => put(&mut hook.give_token, inner.flag()),
            name => reader.problems.unknown_key(name, member.at, &place, &HOOK_KEYS),
        }
    }
    if !table.iter().any(|member| member.key == "command") {
        return reader.fail("needs a `command`");
    }
    Some(hook)
}

/// Reads every key of a profile's table, the preset's included.
pub(crate) fn read(
    name: &str,
    place: &str,
    table: &Table,
    around: &Surroundings,
    problems: &mut Problems<'_>,
) -> Draft {
    let mut draft = Draft { profile: defaults(name), root_url: None, client_id_metadata_url: None };
    for entry in table {
        let set = KEYS.iter().find(|(key, _)| *key == entry.key).map(|(_, set)| set);
        match (set, Endpoint::of_key(&entry.key)) {
            (Some(set), _) => set(&mut draft, &mut Reader { entry, place, around, problems }),
            (None, Some(endpoint)) => {
                let url = Reader { entry, place, around, problems }.url();
                *draft.profile.endpoints.get_mut(endpoint) = url;
            }
            (None, None) => problems.unknown_key(&entry.key, entry.at, place, &KEY_NAMES),
        }
    }
    if matches!(draft.profile.grant, GrantType::DeviceCode | GrantType::Ciba)
        && find(table, "flow").is_none()
    {
        draft.profile.flow = vec![LoginFlow::Device];
    }
    let mode = draft.profile.authorization_params.get("response_mode");
    draft.profile.quirks.form_post |= mode.is_some_and(|mode| mode == "form_post");
    draft
}

/// The user's table over the preset's.
pub(crate) struct Merged {
    pub table: Table,
    /// The key with which the user sets a different server than the preset's.
    pub elsewhere: Option<String>,
}

/// Merges the user's table over the preset's. The endpoints of a preset belong to one server: if the user
/// sets another, none of them is used, so that no token or secret of one server is sent to the other.
pub(crate) fn merged(user: &Table, preset: &Preset, at: usize) -> Merged {
    let base = foreign_table(&preset.profile, at);
    let elsewhere = names_another_server(user, &base).map(str::to_owned);
    let authenticates = CREDENTIAL_KEYS.iter().any(|key| find(user, key).is_some());
    let mut table = user.clone();
    for entry in base {
        let key = entry.key.as_str();
        let of_server = is_server_key(key) || matches!(key, "root_url" | "api_url");
        // A preset's method applies to clients that have a credential.
        if elsewhere.is_some() && of_server || key == "client_auth" && !authenticates {
            continue;
        }
        match table.iter_mut().find(|own| own.key == entry.key) {
            None => table.push(entry),
            Some(own) if MERGED_KEYS.contains(&entry.key.as_str()) => complete(own, entry),
            Some(_) => {}
        }
    }
    Merged { table, elsewhere }
}

/// Returns the key with which the user's table sets another server than the preset's: a `root_url`, another
/// issuer, or an endpoint that replaces the preset's with one at a different origin.
fn names_another_server(user: &Table, preset: &Table) -> Option<&'static str> {
    let differs = |key| text(user, key).is_some_and(|own| text(preset, key) != Some(own));
    let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin());
    let of_preset: Vec<_> =
        server_keys().filter_map(|key| text(preset, key)).filter_map(origin).collect();
    let is_moved = |key: &&str| {
        let own = text(user, key).filter(|_| text(preset, key).is_some()).and_then(origin);
        own.is_some_and(|own| !of_preset.contains(&own))
    };
    let root = find(user, "root_url").map(|_| "root_url");
    let issuer = || differs("issuer").then_some("issuer");
    root.or_else(issuer).or_else(|| server_keys().find(is_moved))
}

fn text<'t>(table: &'t Table, key: &str) -> Option<&'t str> {
    match &find(table, key)?.node.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn complete(own: &mut Entry, preset: Entry) {
    if let (Value::Table(own), Value::Table(preset)) = (&mut own.node.value, preset.node.value) {
        for entry in preset {
            if find(own, &entry.key).is_none() {
                own.push(entry);
            }
        }
    }
}

/// Fills in endpoints below the `root_url` that no key sets.
pub(crate) fn fill_from_root(
    root: &str,
    paths: &BTreeMap<String, String>,
    profile: &mut Profile,
) -> Result<(), String> {
    let root = format!("{}/", root.trim_end_matches('/'));
    let root = super::endpoint::check(&root)?;
    let generic = [("authorization", "authorize"), ("token", "token")];
    let generic = generic.map(|(name, path)| (name.to_owned(), path.to_owned()));
    let own = paths.iter().map(|(name, path)| (name.clone(), path.clone()));
    for (name, path) in own.chain(generic) {
        let field = match (name.as_str(), Endpoint::of_path(&name)) {
            ("issuer", _) => &mut profile.issuer,
            (_, Some(endpoint)) => profile.endpoints.get_mut(endpoint),
            (_, None) => continue,
        };
        if field.is_none() {
            let url = root.join(&path).map_err(|error| format!("with `{path}`: {error}"))?;
            super::endpoint::check(url.as_str())?;
            *field = Some(url.into());
        }
    }
    Ok(())
}

/// Returns a profile with defaults only.
pub(crate) fn defaults(name: &str) -> Profile {
    Profile {
        name: name.to_owned(),
        provider: None,
        issuer: None,
        endpoints: Endpoints::default(),
        client: Client {
            id: String::new(),
            is_metadata_document: false,
            secret: None,
            auth: None,
            private_key: None,
            certificate: None,
            assertion: None,
            assertion_audience: AssertionAudience::default(),
        },
        grant: GrantType::AuthorizationCode,
        inputs: GrantInputs::default(),
        scopes: Vec::new(),
        scope_separator: " ".to_owned(),
        scope_param: "scope".to_owned(),
        redirect_uris: vec![built_in_redirect()],
        audience: None,
        resource: Vec::new(),
        api_url: Vec::new(),
        pkce: Pkce::S256,
        par: Par::Auto,
        jar: Jar::Auto,
        response_mode: None,
        dpop: false,
        authorization_params: BTreeMap::new(),
        token_params: BTreeMap::new(),
        refresh_params: BTreeMap::new(),
        token_request: TokenRequestFormat::Form,
        token_path: String::new(),
        keep: Vec::new(),
        keep_from_callback: Vec::new(),
        authorization_details: Vec::new(),
        trusted_audiences: super::TrustedAudiences::default(),
        id_token_signed_response_alg: None,
        flow: vec![LoginFlow::Browser, LoginFlow::Paste],
        min_ttl: DEFAULT_MIN_TTL,
        timeout: Duration::from_secs(300),
        store: None,
        ca_file: None,
        write_back: Vec::new(),
        hooks: BTreeMap::new(),
        callback: Callback::default(),
        quirks: Quirks::default(),
        discovery_rules: DiscoveryRules::default(),
        former_clients: Vec::new(),
        chosen_scopes: Vec::new(),
    }
}
