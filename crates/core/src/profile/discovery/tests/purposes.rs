//! What a login asks, what a token asks, and what two documents say together.

use super::*;

#[test]
fn token_with_configured_endpoints_fetches_nothing() {
    let web = Web { down: true, ..Web::default() };
    let run = |profile: &Profile| run_at(profile, &web, None, 1_000, Purpose::Token);
    let mut profile = explicit();
    assert!(run(&profile).is_ok() && web.asked().is_empty());
    profile.scopes = vec!["openid".to_owned()];
    assert_eq!(run(&profile).unwrap_err().kind(), ErrorKind::Unavailable, "keys are needed");
    profile.id_token_signed_response_alg = Some("HS256".to_owned());
    assert!(run(&profile).is_ok(), "the client secret is the key");
    profile.id_token_signed_response_alg = None;
    profile.endpoints.jwks_uri = Some("https://as.example/k".to_owned());
    assert!(run(&profile).is_ok());
    profile.issuer = None;
    profile.endpoints.jwks_uri = None;
    assert!(run(&profile).is_ok(), "without an issuer there is nowhere to ask");
}

#[test]
fn login_with_configured_endpoints_reads_metadata() {
    let web = Web::default().page(OIDC, 200, &metadata(&[]));
    let server = run(&explicit(), &web).unwrap();
    assert!(server.iss_parameter_supported, "what it promises is required");
    assert_eq!(server.endpoints.authorization.as_deref(), Some("https://as.example/a"));
    assert_eq!(server.endpoints.token.as_deref(), Some("https://as.example/t"));
    assert_eq!(server.endpoints.revocation.as_deref(), Some("https://as.example/revoke"));
    let other = metadata(&[("issuer", "https://evil.example".into())]);
    let web = Web::default().page(OIDC, 200, &other);
    assert_eq!(run(&explicit(), &web).unwrap_err().kind(), ErrorKind::Validation);
    let mut bare = explicit();
    bare.issuer = None;
    assert!(!run(&bare, &Web::default()).unwrap().iss_parameter_supported);
}

/// A server that says it has no metadata is believed; one that cannot be reached is not taken for one.
#[test]
fn login_without_metadata_needs_the_servers_word() {
    for (status, body) in [(404, ""), (403, "no"), (302, ""), (200, "<html>"), (200, "")] {
        let web = Web::default().page(OIDC, status, body);
        assert!(run(&explicit(), &web).is_ok(), "{status} {body}");
        assert!(run(&profile(), &web).is_err(), "{status} {body}: the endpoints are needed");
    }
    let down = Web { down: true, ..Web::default() };
    let overloaded = Web::default().page(RFC8414, 503, "");
    let limited = Web::default().page(OIDC, 429, "");
    for web in [&down, &overloaded, &limited] {
        let error = run(&explicit(), web).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.advice_text().unwrap().contains("`iss`"), "{error:?}");
        let mut device = explicit();
        device.grant = GrantType::DeviceCode;
        device.endpoints.device_authorization = Some("https://as.example/d".to_owned());
        assert!(run(&device, web).is_ok(), "there is no response to carry `iss`");
    }
}

#[test]
fn login_fetches_anew_and_uses_the_kept_copy_in_need() {
    let cache = tempfile::tempdir().unwrap();
    let login = |web: &Web, profile: &Profile, now| {
        run_at(profile, web, Some(cache.path()), now, Purpose::Login)
    };
    let first = Web::default().page(OIDC, 200, &metadata(&[]));
    login(&first, &profile(), 1_000).unwrap();
    let moved = metadata(&[("token_endpoint", "https://as.example/new".into())]);
    let second = Web::default().page(OIDC, 200, &moved);
    let server = login(&second, &profile(), 1_010).unwrap();
    assert_eq!(server.endpoints.token.as_deref(), Some("https://as.example/new"));
    let token = run_at(&profile(), &first, Some(cache.path()), 1_020, Purpose::Token).unwrap();
    assert_eq!(token, server, "a token uses what the login kept");
    assert_eq!(first.asked().len(), 1);

    let down = Web { down: true, ..Web::default() };
    let day = 24 * 3_600;
    assert_eq!(login(&down, &profile(), 1_010 + day - 1).unwrap(), server);
    assert!(login(&down, &explicit(), 1_010 + day - 1).unwrap().iss_parameter_supported);
    assert_eq!(down.asked().len(), 2, "asked first");
    for profile in [profile(), explicit()] {
        let error = login(&down, &profile, 1_010 + day).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    let lying = Web::default().page(OIDC, 200, &metadata(&[("issuer", "https://b".into())]));
    assert_eq!(login(&lying, &profile(), 1_030).unwrap_err().kind(), ErrorKind::Validation);
    let gone = Web::default();
    assert_eq!(login(&gone, &profile(), 1_030).unwrap_err().kind(), ErrorKind::Config);
}

/// What an old copy says of responses still holds for a refresh; where things are sent, it does not say.
#[test]
fn old_copy_gives_a_token_no_endpoint() {
    let cache = tempfile::tempdir().unwrap();
    let web = Web::default().page(OIDC, 200, &metadata(&[]));
    run_at(&explicit(), &web, Some(cache.path()), 1_000, Purpose::Login).unwrap();
    let token = |now| run_at(&explicit(), &web, Some(cache.path()), now, Purpose::Token).unwrap();
    assert!(token(2_000).endpoints.revocation.is_some());
    let old = token(1_000_000);
    assert!(old.iss_parameter_supported && old.endpoints.revocation.is_none());
    assert_eq!(old.endpoints.token.as_deref(), Some("https://as.example/t"));
    assert_eq!(web.asked().len(), 1);
}

#[test]
fn document_of_other_standard_adds_missing_members() {
    let without = |name: &str| metadata(&[(name, Value::Null)]);
    let second = metadata(&[
        ("token_endpoint", "https://as.example/other".into()),
        ("revocation_endpoint", "https://as.example/revoke-2".into()),
        ("device_authorization_endpoint", "https://as.example/device".into()),
        ("code_challenge_methods_supported", serde_json::json!(["plain"])),
    ]);
    let web =
        Web::default().page(OIDC, 200, &without("revocation_endpoint")).page(RFC8414, 200, &second);
    let server = run(&profile(), &web).unwrap();
    assert_eq!(server.endpoints.revocation.as_deref(), Some("https://as.example/revoke-2"));
    assert_eq!(server.endpoints.token.as_deref(), Some("https://as.example/token"));
    assert!(server.code_challenge_methods.unwrap().contains(&"S256".to_owned()));

    let web = Web::default().page(OIDC, 200, &metadata(&[])).page(RFC8414, 200, &second);
    run(&profile(), &web).unwrap();
    assert_eq!(web.asked(), [OIDC], "nothing is missing");
    let mut device = profile();
    device.flow.push(LoginFlow::Device);
    let server = run(&device, &web).unwrap();
    assert_eq!(server.endpoints.device_authorization.as_deref(), Some("https://as.example/device"));
    let silent = metadata(&[
        ("revocation_endpoint", Value::Null),
        ("authorization_response_iss_parameter_supported", Value::Null),
    ]);
    let web = Web::default().page(OIDC, 200, &silent).page(RFC8414, 200, &second);
    assert!(run(&profile(), &web).unwrap().iss_parameter_supported, "a promise is a promise");
}

#[test]
fn defect_of_the_second_document_harms_nothing() {
    let first = metadata(&[("revocation_endpoint", Value::Null)]);
    let alone = run(&profile(), &Web::default().page(OIDC, 200, &first)).unwrap();
    let http = metadata(&[("revocation_endpoint", "http://as.example/r".into())]);
    let other = metadata(&[("issuer", "https://as.example/".into())]);
    let misshapen = metadata(&[("code_challenge_methods_supported", "S256".into())]);
    let relative = metadata(&[("revocation_endpoint", "/revoke".into())]);
    for (status, second) in [
        (200, http.as_str()),
        (200, &other),
        (200, &misshapen),
        (200, &relative),
        (200, "{"),
        (200, "<html>"),
        (302, ""),
        (500, ""),
    ] {
        let web = Web::default().page(OIDC, 200, &first).page(RFC8414, status, second);
        assert_eq!(run(&profile(), &web).unwrap(), alone, "{second}");
        assert_eq!(web.asked(), [OIDC, RFC8414]);
    }
}

/// The copy that one profile kept lacks what another is after: then the other document is asked.
#[test]
fn kept_copy_without_an_endpoint_is_completed() {
    let cache = tempfile::tempdir().unwrap();
    let with_device = [("device_authorization_endpoint", "https://as.example/device".into())];
    let web =
        Web::default().page(OIDC, 200, &metadata(&[])).page(RFC8414, 200, &metadata(&with_device));
    let run = |profile: &Profile| {
        run_at(profile, &web, Some(cache.path()), 1_000, Purpose::Token).unwrap()
    };
    let mut device = profile();
    device.flow.push(LoginFlow::Device);
    assert!(run(&profile()).endpoints.device_authorization.is_none());
    assert!(run(&device).endpoints.device_authorization.is_some());
    assert_eq!(web.asked(), [OIDC, OIDC, RFC8414]);
    assert!(run(&device).endpoints.device_authorization.is_some());
    assert_eq!(web.asked().len(), 3);
}
