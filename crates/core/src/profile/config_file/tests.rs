//! What a configuration file means, and what is wrong with one.

use super::*;
use crate::profile::{
    ClientAuth, GrantType, LoginFlow, LoopbackHost, Par, Pkce, SecretSource, TokenRequestFormat,
};
use std::time::Duration;

fn parse(text: &str) -> Config {
    ConfigFile::of_text(Path::new("/cfg/c.toml"), text).parse().unwrap()
}

const MINIMAL: &str = "[profiles.x]\nissuer = \"https://as.example\"\nclient_id = \"c\"\n";

#[test]
fn omitted_keys_have_their_defaults() {
    let config = parse(MINIMAL);
    let profile = &config.profiles["x"];
    assert_eq!(profile.name, "x");
    assert_eq!(profile.issuer.as_deref(), Some("https://as.example"));
    assert_eq!(profile.grant, GrantType::AuthorizationCode);
    assert_eq!(profile.scope_separator, " ");
    assert_eq!(profile.scope_param, "scope");
    assert_eq!(profile.redirect_uris.len(), 1);
    assert_eq!(profile.redirect_uris[0].text, "http://127.0.0.1/callback");
    assert_eq!((profile.pkce, profile.par, profile.dpop), (Pkce::S256, Par::Auto, false));
    assert_eq!(profile.token_request, TokenRequestFormat::Form);
    assert_eq!(profile.flow, [LoginFlow::Browser, LoginFlow::Paste]);
    assert_eq!(profile.min_ttl, Duration::from_secs(60));
    assert_eq!(profile.timeout, Duration::from_secs(300));
    assert_eq!(profile.client.auth, None);
    assert_eq!(config.default_profile(), Some("x"), "the only one there is");
    assert!(config.warnings.is_empty());
}

#[test]
fn every_key_of_the_manual_is_read() {
    let config = parse(include_str!("../testdata/full.toml"));
    let profile = &config.profiles["full"];
    assert_eq!(profile.provider, None);
    assert_eq!(profile.endpoints.userinfo.as_deref(), Some("https://as.example/userinfo"));
    assert_eq!(profile.endpoints.jwks_uri.as_deref(), Some("https://as.example/jwks"));
    assert_eq!(profile.endpoints.refresh.as_deref(), Some("https://as.example/refresh"));
    assert_eq!(profile.client.secret, Some(SecretSource::Env("SECRET".into())));
    assert_eq!(profile.client.auth, Some(ClientAuth::ClientSecretPost));
    assert_eq!(profile.client.private_key, Some(SecretSource::File("/cfg/key.pem".into())));
    assert_eq!(
        profile.client.assertion,
        Some(SecretSource::GithubActions { audience: "https://as.example".into() })
    );
    assert_eq!(profile.scopes, ["a", "b", "c", "é+&"]);
    assert_eq!(profile.redirect_uris[1].host, LoopbackHost::Name);
    assert_eq!(profile.redirect_uris[1].port, Some(8123));
    assert_eq!(profile.resource, ["https://api.example.com"]);
    assert_eq!(profile.authorization_params["max_age"], "3600");
    assert_eq!(profile.token_path, "authed_user");
    assert_eq!(profile.keep, ["instance_url"]);
    assert_eq!(profile.keep_from_callback, ["realmId"]);
    assert_eq!(profile.authorization_details[0]["type"], "payment");
    assert_eq!(profile.authorization_details[0]["amount"]["value"], 5);
    assert_eq!(profile.min_ttl, Duration::from_secs(90));
    assert_eq!(profile.timeout, Duration::from_secs(120));
    assert_eq!(profile.store.as_deref(), Some("file:/cfg/tokens"));
    assert_eq!(profile.ca_file.as_deref(), Some(Path::new("/cfg/ca.pem")));
    assert_eq!(profile.write_back, ["gh", "secret", "set", "OAUTHCTL_IMPORT"]);
    assert_eq!(profile.hooks["pre_token"].command, ["/cfg/hooks/pre", "--now"]);
    assert_eq!(config.default_profile(), Some("full"));
    assert_eq!(config.defaults.store.as_deref(), Some("keyring"));
    assert_eq!(config.warnings.len(), 1);
    assert!(config.warnings[0].starts_with("/cfg/c.toml:"), "{:?}", config.warnings);
    assert!(config.warnings[0].contains("turns PKCE off"), "{:?}", config.warnings);
}

#[test]
fn preset_is_overridden_key_by_key() {
    let config = parse("[profiles.g]\nprovider=\"gitlab\"\nclient_id=\"c\"\nscopes=[\"api\"]\n");
    let profile = &config.profiles["g"];
    assert_eq!(profile.scopes, ["api"]);
    assert_eq!(
        profile.endpoints.token.as_deref(),
        Some("https://gitlab.com/oauth/token"),
        "from the preset"
    );
    assert!(profile.quirks.redirect_uri_on_refresh);
}

#[test]
fn preset_makes_a_profile_once_its_needs_are_met() {
    use crate::profile::presets::{SecretNeed, all};
    for preset in all() {
        let bare = format!("[profiles.x]\nprovider = \"{}\"\nclient_id = \"c\"\n", preset.name);
        let mut whole = bare.clone();
        for need in &preset.needs {
            whole.push_str(match need.as_str() {
                "issuer" => "issuer = \"https://as.example\"\n",
                "root_url" => "root_url = \"https://as.example/\"\n",
                "redirect_uri" => "redirect_uri = \"https://a.example/\"\nflow = [\"paste\"]\n",
                need => panic!("{}: what is {need}?", preset.name),
            });
        }
        let required = preset.secret == SecretNeed::Required;
        if required {
            whole.push_str("client_secret = { env = \"S\" }\n");
        }
        let config = parse(&whole);
        let other = config.warnings.iter().find(|warning| !warning.contains("PKCE off"));
        assert_eq!(other, None, "{}", preset.name);
        let result = ConfigFile::of_text(Path::new("c.toml"), &bare).parse();
        assert_eq!(result.is_err(), required || !preset.needs.is_empty(), "{}", preset.name);
        if let Err(error) = result {
            let named = |need: &str| error.message().contains(&format!("`{need}`"));
            assert!(preset.needs.iter().all(|need| named(need)), "{error}");
            assert!(!required || named("client_secret"), "{error}");
        }
    }
}

#[test]
fn preset_method_requires_a_credential() {
    use crate::profile::presets::all;
    let preset = all()
        .iter()
        .find(|p| p.profile.contains_key("client_auth") && p.needs.is_empty())
        .filter(|p| p.secret != crate::profile::presets::SecretNeed::Required);
    let Some(preset) = preset else { return };
    let text = format!("[profiles.x]\nprovider = \"{}\"\nclient_id = \"c\"\n", preset.name);
    assert_eq!(parse(&text).profiles["x"].client.auth, None);
    let text = format!("{text}client_secret = {{ env = \"S\" }}\n");
    assert!(parse(&text).profiles["x"].client.auth.is_some());
}

#[test]
fn another_server_gets_no_preset_values() {
    let root = parse(
        "[profiles.g]\nprovider=\"gitlab\"\nclient_id=\"c\"\nroot_url=\"https://git.example/oauth\"\n",
    );
    let issuer = parse(
        "[profiles.g]\nprovider=\"gitlab\"\nclient_id=\"c\"\nissuer=\"https://git.example\"\n",
    );
    let (root, issuer) = (&root.profiles["g"], &issuer.profiles["g"]);
    assert_eq!(root.endpoints.token.as_deref(), Some("https://git.example/oauth/token"));
    assert_eq!(
        root.endpoints.authorization.as_deref(),
        Some("https://git.example/oauth/authorize")
    );
    assert!(!format!("{root:?}{issuer:?}").contains("gitlab.com"));
    assert_eq!(issuer.endpoints.token, None, "left to discovery");
}

const OWN_ENDPOINTS: &str = "authorization_endpoint = \"https://git.example/a\"\n\
    token_endpoint = \"https://git.example/t\"\n";

#[test]
fn preset_with_own_endpoints_keeps_none_of_its() {
    use crate::profile::presets::all;
    for preset in all() {
        let mut text = format!("[profiles.x]\nprovider = \"{}\"\nclient_id = \"c\"\n", preset.name);
        text.push_str("client_secret = { env = \"S\" }\nredirect_uri = \"https://a.example/\"\n");
        text.push_str(OWN_ENDPOINTS);
        let profile = &parse(&text).profiles["x"];
        let own = crate::profile::Endpoints {
            authorization: Some("https://git.example/a".to_owned()),
            token: Some("https://git.example/t".to_owned()),
            ..Default::default()
        };
        assert_eq!(profile.endpoints, own, "{}", preset.name);
        assert_eq!(profile.issuer, None, "{}", preset.name);
    }
}

#[test]
fn tenant_issuer_goes_with_the_servers_endpoints() {
    let tenant_issuer = |more: &str| {
        let text = format!("[profiles.x]\nprovider = \"microsoft\"\nclient_id = \"c\"\n{more}");
        parse(&text).profiles["x"].quirks.tenant_issuer.clone()
    };
    assert!(tenant_issuer("").is_some_and(|issuer| issuer.contains("{tenantid}")));
    for more in [
        OWN_ENDPOINTS,
        "root_url = \"https://login.microsoftonline.us/t/oauth2/v2.0/\"",
        "issuer = \"https://login.microsoftonline.com/t/v2.0\"",
    ] {
        assert_eq!(tenant_issuer(more), None, "{more}");
    }
}

#[test]
fn preset_with_any_foreign_endpoint_loses_the_rest() {
    use crate::profile::endpoints::server_keys;
    let gitlab = crate::profile::presets::find("gitlab").unwrap();
    let keys = server_keys().filter(|key| gitlab.profile.contains_key(*key));
    for key in keys {
        for other in ["https://git.example/x", "https://gitlab.com:8443/x", "http://localhost/x"] {
            let text =
                format!("[profiles.g]\nprovider=\"gitlab\"\nclient_id=\"c\"\n{key}=\"{other}\"\n");
            let result = ConfigFile::of_text(Path::new("c.toml"), &text).parse();
            if key == "issuer" {
                assert_eq!(result.unwrap().profiles["g"].endpoints, Default::default());
                continue;
            }
            let error = result.unwrap_err();
            let why = format!("because `{key}` names another server");
            assert!(error.message().contains(&why), "{key}: {error}");
        }
    }
}

#[test]
fn preset_with_endpoint_of_its_origin_keeps_the_rest() {
    for (provider, own) in [
        ("hubspot", "token_endpoint = \"https://api.hubapi.com/oauth/2026-03/token\""),
        ("google", "userinfo_endpoint = \"https://www.googleapis.com/oauth2/v3/userinfo\""),
        ("github", "userinfo_endpoint = \"https://api.github.com/user\""),
        ("gitlab", "token_endpoint = \"https://GITLAB.com:443/oauth/token\""),
    ] {
        let text = format!(
            "[profiles.x]\nprovider = \"{provider}\"\nclient_id = \"c\"\n\
             client_secret = {{ env = \"S\" }}\n{own}\n"
        );
        let endpoints = &parse(&text).profiles["x"].endpoints;
        assert!(endpoints.authorization.is_some() && endpoints.token.is_some(), "{provider}");
    }
}

#[test]
fn root_url_sets_endpoints_without_keys_of_their_own() {
    let config = parse(
        "[profiles.r]\nclient_id=\"c\"\nroot_url=\"https://as.example/oauth/\"\ntoken_endpoint=\"https://as.example/t\"\n",
    );
    let endpoints = &config.profiles["r"].endpoints;
    assert_eq!(endpoints.authorization.as_deref(), Some("https://as.example/oauth/authorize"));
    assert_eq!(endpoints.token.as_deref(), Some("https://as.example/t"));
}

#[test]
fn redirect_may_lead_to_a_web_application() {
    for flow in ["", "flow = [\"paste\"]\n", "flow = [\"browser\"]\n"] {
        let text = format!("{MINIMAL}redirect_uri = \"https://app.example/cb\"\n{flow}");
        assert_eq!(parse(&text).profiles["x"].redirect_uris[0].host, LoopbackHost::Elsewhere);
    }
}

#[test]
fn unknown_profile_names_the_nearest() {
    let error = parse(MINIMAL).profile("xx").unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Config);
    assert_eq!(error.advice(), [Advice::DidYouMean("x".to_owned())]);
}

#[test]
fn missing_file_is_empty_and_directory_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config::load(&directory.path().join("none.toml")).unwrap();
    assert!(config.profiles.is_empty() && config.default_profile().is_none());
    assert!(Config::load(directory.path()).is_err());
}

#[cfg(unix)]
#[test]
fn secret_in_a_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.toml");
    for line in [
        "client_secret = \"hunter2\"",
        "private_key = \"hunter2\"",
        "client_assertion = \"hunter2\"",
        "token_params = { password = \"hunter2\" }",
    ] {
        std::fs::write(&path, format!("{MINIMAL}{line}\n")).unwrap();
        for (mode, accepted) in [(0o600, true), (0o640, false), (0o604, false), (0o644, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let result = Config::load(&path);
            assert_eq!(result.is_ok(), accepted, "{line} {mode:o}");
            if let Err(error) = result {
                assert!(error.message().contains("c.toml:4:"), "{error}");
                assert!(!error.message().contains("hunter2"), "{error}");
            }
        }
    }
}

#[test]
fn invalid_utf_8_is_reported_with_its_line() {
    let mut file = ConfigFile::of_text(Path::new("c.toml"), "");
    file.bytes = Zeroizing::new(b"a = 1\nb = \"\xff\"\n".to_vec());
    assert_eq!(file.parse().unwrap_err().message(), "c.toml:2: the file is not valid UTF-8");
}

#[test]
fn each_endpoint_of_a_server_can_be_set() {
    use crate::profile::endpoints::Endpoint;
    let keys = Endpoint::all().map(Endpoint::key);
    let lines: String = keys.map(|key| format!("{key} = \"https://as.example/{key}\"\n")).collect();
    let text = format!("[profiles.x]\nclient_id = \"c\"\n{lines}");
    let config = parse(&text);
    for endpoint in Endpoint::all() {
        let expected = format!("https://as.example/{}", endpoint.key());
        assert_eq!(config.profiles["x"].endpoints.get(endpoint), Some(&expected));
    }
}
