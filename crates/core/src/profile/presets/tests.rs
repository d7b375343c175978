use super::*;
use crate::profile::ClientAuth;

/// The keys of a profile that hold a URL.
const URLS: [&str; 13] = [
    "issuer",
    "root_url",
    "authorization_endpoint",
    "token_endpoint",
    "refresh_endpoint",
    "device_authorization_endpoint",
    "pushed_authorization_request_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "userinfo_endpoint",
    "registration_endpoint",
    "end_session_endpoint",
    "jwks_uri",
];

/// The other keys of a profile that a preset may set, with the type of their values.
const OTHERS: [(&str, &str); 26] = [
    ("client_auth", "string"),
    ("client_assertion_audience", "string"),
    ("grant", "string"),
    ("scopes", "array"),
    ("scope_separator", "string"),
    ("redirect_uri", "string"),
    ("audience", "string"),
    ("resource", "array"),
    ("api_url", "array"),
    ("pkce", "string"),
    ("par", "string"),
    ("dpop", "boolean"),
    ("authorization_params", "table"),
    ("token_params", "table"),
    ("refresh_params", "table"),
    ("token_request", "string"),
    ("scope_param", "string"),
    ("token_path", "string"),
    ("keep", "array"),
    ("keep_from_callback", "array"),
    ("authorization_details", "array"),
    ("trusted_audiences", "array"),
    ("id_token_signed_response_alg", "string"),
    ("flow", "array"),
    ("min_ttl", "string"),
    ("timeout", "string"),
];

const PATHS: [&str; 6] =
    ["authorization", "token", "revocation", "device_authorization", "introspection", "userinfo"];

fn str_of<'a>(preset: &'a Preset, key: &str) -> Option<&'a str> {
    preset.profile.get(key).map(|value| value.as_str().unwrap())
}

fn flows(preset: &Preset) -> Vec<&str> {
    let flow = preset.profile.get("flow").map(|flow| flow.as_array().unwrap().as_slice());
    flow.unwrap_or_default().iter().map(|one| one.as_str().unwrap()).collect()
}

#[test]
fn data_parses_and_is_found_by_name() {
    assert!(all().len() >= 32, "{}", all().len());
    assert_eq!(names().len(), all().len());
    for name in names() {
        assert_eq!(find(name).unwrap().name, name);
        let wire = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        assert!(wire, "{name}");
    }
    assert!(find("").is_none());
    assert!(find("GitLab").is_none());
    assert!(find("zzz").is_none());
}

#[test]
fn documented_providers_have_presets() {
    let promised = "gitlab github github_app google microsoft slack slack_user atlassian \
        bitbucket notion shopify discord spotify x linkedin dropbox box salesforce zoom linear \
        figma reddit twitch airtable okta auth0 keycloak cognito fastmail quickbooks strava \
        zoho apple facebook gitea forgejo hubspot asana xero heroku digitalocean";
    for name in promised.split_whitespace() {
        assert!(find(name).is_some(), "{name}");
    }
}

#[test]
fn every_profile_key_is_known_and_of_its_type() {
    for preset in all() {
        for (key, value) in &preset.profile {
            if URLS.contains(&key.as_str()) {
                let url = url::Url::parse(value.as_str().unwrap()).unwrap();
                assert_eq!(url.scheme(), "https", "{} {key}", preset.name);
                assert!(url.host_str().is_some_and(|host| host.contains('.')));
                assert_eq!((url.query(), url.fragment()), (None, None), "{} {key}", preset.name);
                continue;
            }
            let known = OTHERS.iter().find(|(name, _)| name == key);
            let (_, kind) = known.unwrap_or_else(|| panic!("{}: {key}", preset.name));
            assert_eq!(value.type_str(), *kind, "{}: {key}", preset.name);
        }
    }
}

#[test]
fn values_from_a_fixed_set_are_in_it() {
    for preset in all() {
        let name = &preset.name;
        if let Some(auth) = str_of(preset, "client_auth") {
            assert!(ClientAuth::ALL.iter().any(|(known, _)| *known == auth), "{name}: {auth}");
            assert_ne!(preset.secret, SecretNeed::None, "{name}: a method without a secret");
        }
        let audience = str_of(preset, "client_assertion_audience");
        assert!(matches!(audience, None | Some("token_endpoint" | "endpoint")), "{name}");
        assert!(matches!(str_of(preset, "pkce"), None | Some("S256" | "off")), "{name}");
        assert!(matches!(str_of(preset, "token_request"), None | Some("form" | "json")), "{name}");
        for flow in flows(preset) {
            assert!(["browser", "device", "paste"].contains(&flow), "{name}: {flow}");
            let device = preset.profile.contains_key("device_authorization_endpoint");
            assert!(flow != "device" || device, "{name}: device without an endpoint");
        }
        for key in ["authorization_params", "token_params", "refresh_params"] {
            let params = preset.profile.get(key).and_then(toml::Value::as_table);
            assert!(params.into_iter().flatten().all(|(_, value)| value.is_str()), "{name}: {key}");
        }
    }
}

#[test]
fn presets_identify_no_client() {
    for preset in all() {
        for key in ["client_id", "client_secret", "private_key", "client_assertion"] {
            assert!(!preset.profile.contains_key(key), "{}: {key}", preset.name);
        }
        for params in ["authorization_params", "token_params", "refresh_params"] {
            let params = preset.profile.get(params).and_then(toml::Value::as_table);
            for (key, _) in params.into_iter().flatten() {
                assert!(!key.starts_with("client_"), "{}: {key}", preset.name);
            }
        }
    }
}

#[test]
fn every_preset_leads_to_a_server() {
    for preset in all() {
        let has = |key: &str| preset.profile.contains_key(key);
        let needs = |key: &str| preset.needs.iter().any(|need| need == key);
        let endpoints = has("authorization_endpoint") && has("token_endpoint");
        let reachable = endpoints || has("issuer") || needs("issuer") || needs("root_url");
        assert!(reachable, "{}", preset.name);
        assert!(!has("jwks_uri") || endpoints, "{}", preset.name);
        assert!(!needs("root_url") || !preset.paths.is_empty(), "{}", preset.name);
    }
}

#[test]
fn needs_and_paths_are_real_keys() {
    for preset in all() {
        for need in &preset.needs {
            let known = URLS.contains(&need.as_str()) || OTHERS.iter().any(|(key, _)| key == need);
            assert!(known, "{}: {need}", preset.name);
            assert!(!preset.profile.contains_key(need), "{}: {need} is given", preset.name);
        }
        for (key, path) in &preset.paths {
            assert!(PATHS.contains(&key.as_str()), "{}: {key}", preset.name);
            let joined = url::Url::parse("https://host.example/root/").unwrap().join(path).unwrap();
            assert!(joined.as_str().starts_with("https://host.example/root/"), "{path}");
            assert!(joined.path().len() > "/root/".len() && joined.query().is_none(), "{path}");
        }
        if !preset.paths.is_empty() {
            assert!(preset.paths.contains_key("authorization"), "{}", preset.name);
            assert!(preset.paths.contains_key("token"), "{}", preset.name);
        }
    }
}

#[test]
fn redirect_uri_to_register_is_the_one_sent() {
    for preset in all() {
        let name = &preset.name;
        assert!(preset.redirect_note.is_some(), "{name}");
        assert_eq!(preset.redirect_uri.as_deref(), str_of(preset, "redirect_uri"), "{name}");
        let asked = preset.needs.iter().any(|need| need == "redirect_uri");
        assert_eq!(preset.redirect_uri.is_none(), asked, "{name}");
        let Some(text) = &preset.redirect_uri else {
            assert_eq!(flows(preset), ["paste"], "{name}: nothing to listen on");
            continue;
        };
        let url = url::Url::parse(text).unwrap();
        assert_eq!(url.scheme(), "http", "{name}");
        assert!(matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost")), "{name}");
        assert!(url.port().is_none_or(|port| (1024..32768).contains(&port)), "{name}");
    }
}

#[test]
fn peculiarities_of_presets_are_documented() {
    for preset in all() {
        let name = &preset.name;
        assert!(!preset.title.is_empty(), "{name}");
        let unusual = preset.quirks != Quirks::default()
            || preset.needs.iter().any(|need| need != "redirect_uri")
            || preset.secret == SecretNeed::Optional
            || preset.profile.contains_key("pkce");
        assert!(!unusual || !preset.notes.is_empty(), "{name}");
        for text in preset.notes.iter().chain(&preset.redirect_note) {
            assert!(text.ends_with('.') && !text.contains('\n'), "{name}: {text}");
            assert_eq!(crate::text::lines(text), *text, "{name}");
        }
        if let Some(url) = &preset.register_url {
            assert_eq!(url::Url::parse(url).unwrap().scheme(), "https", "{name}");
        }
    }
}

#[test]
fn preset_values_reach_their_fields() {
    let gitlab = find("gitlab").unwrap();
    assert!(gitlab.quirks.redirect_uri_on_refresh);
    assert_eq!(gitlab.secret.as_str(), "none");
    assert_eq!(gitlab.paths["device_authorization"], "authorize_device");
    let github = find("github").unwrap();
    assert_eq!(github.quirks.scope_separator_in_response.as_deref(), Some(","));
    assert!(find("okta").unwrap().quirks.scope_on_refresh);
    assert!(find("linkedin").unwrap().quirks.id_token_without_nonce);
    assert_eq!(find("google").unwrap().secret.as_str(), "required");
    assert_eq!(find("spotify").unwrap().secret.as_str(), "optional");
    // The issuer of its id tokens is each tenant's own.
    assert!(!find("microsoft").unwrap().profile.contains_key("issuer"));
}

#[test]
fn only_a_similar_name_is_suggested() {
    for (typed, meant) in [
        ("GitLab", "gitlab"),
        ("gitlb", "gitlab"),
        ("gihtub", "github"),
        ("github-app", "github_app"),
        ("twitter", "x"),
        ("Jira", "atlassian"),
        ("azure", "microsoft"),
        ("sptify", "spotify"),
    ] {
        assert_eq!(nearest(typed), Some(meant), "{typed}");
    }
    assert_eq!(nearest("my-company"), None);
    assert_eq!(nearest(""), None);
    for name in names() {
        assert_eq!(nearest(name), Some(name));
    }
}

#[test]
fn alias_names_one_provider() {
    let mut known: Vec<String> = all()
        .iter()
        .flat_map(|preset| std::iter::once(&preset.name).chain(&preset.aliases))
        .map(|name| plain(name))
        .collect();
    let count = known.len();
    known.sort();
    known.dedup();
    assert_eq!(known.len(), count);
}

#[test]
fn key_that_nobody_reads_is_an_error() {
    let preset = "[a]\ntitle = 'A'\nsecret = 'none'\nsources = []\n";
    assert_eq!(parse(preset).unwrap().len(), 1);
    for wrong in ["tite = 'A'", "quirks = { formpost = true }", "paths = { token = 1 }"] {
        assert!(parse(&format!("{preset}{wrong}\n")).is_err(), "{wrong}");
    }
    assert!(parse("[a]\ntitle = 'A'\nsecret = 'none'\n").is_err(), "no sources");
    assert!(parse(&preset.replace("none", "maybe")).is_err());
}

/// Facts that a source can confirm without a key of the profile.
const FACTS: [&str; 4] = ["redirect_uri", "secret", "pkce", "notes"];

/// What `sources` must confirm. The redirect URI follows from the note for users, and `flow` from it and the
/// endpoints.
fn facts(name: &str) -> Vec<String> {
    let data: toml::Table = toml::from_str(include_str!("../presets.toml")).unwrap();
    let keys = |part: &str| {
        let table = data[name].get(part).and_then(toml::Value::as_table);
        table.map(|table| table.keys().cloned().collect::<Vec<_>>()).unwrap_or_default()
    };
    let profile = keys("profile").into_iter().filter(|key| key != "redirect_uri" && key != "flow");
    let paths = keys("paths").into_iter().map(|key| format!("paths.{key}"));
    let quirks = keys("quirks").into_iter().map(|key| format!("quirks.{key}"));
    profile.chain(paths).chain(quirks).collect()
}

#[test]
fn each_value_of_a_preset_is_confirmed() {
    for preset in all() {
        let name = &preset.name;
        let confirmed: Vec<&String> = preset.sources.iter().flat_map(|one| &one.confirms).collect();
        for fact in facts(name) {
            assert!(confirmed.contains(&&fact), "{name}: no source for {fact}");
        }
    }
}

#[test]
fn sources_are_public_pages_on_known_facts() {
    for preset in all() {
        let name = &preset.name;
        assert!(!preset.sources.is_empty(), "{name}");
        let facts = facts(name);
        for source in &preset.sources {
            let url = url::Url::parse(&source.url).unwrap();
            assert_eq!(url.scheme(), "https", "{name}: {url}");
            assert!(url.domain().is_some_and(|host| host.contains('.')), "{name}: {url}");
            assert!(!source.confirms.is_empty(), "{name}: {url}");
            for fact in &source.confirms {
                let known = facts.contains(fact) || FACTS.contains(&fact.as_str());
                assert!(known, "{name}: {url} confirms {fact}, which the preset does not set");
            }
        }
        let mut urls: Vec<&str> = preset.sources.iter().map(|one| one.url.as_str()).collect();
        urls.sort_unstable();
        urls.dedup();
        assert_eq!(urls.len(), preset.sources.len(), "{name}");
    }
}

#[test]
fn data_says_that_each_value_was_compared() {
    let data = include_str!("../presets.toml");
    assert!(!data.contains("not every page has been compared"));
    let start = data.split("\n\n").next().unwrap();
    assert!(start.contains("`sources`") && start.lines().all(|line| line.starts_with("# ")));
}
