//! Discovery against servers that answer, lie, and do not answer.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use url::Url;
use zeroize::Zeroizing;

use super::fetch::{MAX_BYTES, candidates};
use super::*;
use crate::ErrorKind;
use crate::port::{BoxFuture, HttpError, HttpRequest, HttpResponse};
use crate::profile::keys::defaults;

mod cache;
mod purposes;
mod resource;

const ISSUER: &str = "https://as.example";
const OIDC: &str = "https://as.example/.well-known/openid-configuration";
const RFC8414: &str = "https://as.example/.well-known/oauth-authorization-server";

/// A status, headers and a body.
type Page = (u16, Vec<(String, String)>, String);

/// A web of pages; every other address is a 404.
#[derive(Default)]
struct Web {
    pages: BTreeMap<String, Page>,
    down: bool,
    asked: Mutex<Vec<String>>,
}

impl Web {
    fn page(mut self, url: &str, status: u16, body: &str) -> Self {
        self.pages.insert(url.to_owned(), (status, Vec::new(), body.to_owned()));
        self
    }

    fn header(mut self, url: &str, name: &str, value: &str) -> Self {
        self.pages.get_mut(url).unwrap().1.push((name.to_owned(), value.to_owned()));
        self
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Http for Web {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        self.asked.lock().unwrap().push(request.url.to_string());
        let answer = if self.down {
            Err(HttpError {
                not_sent: true,
                message: "connection refused".into(),
                hint: None,
                misconfigured: false,
            })
        } else {
            let (status, headers, body) =
                self.pages.get(request.url.as_str()).cloned().unwrap_or((404, vec![], "no".into()));
            Ok(HttpResponse { status, headers, body: Zeroizing::new(body.into_bytes()) })
        };
        Box::pin(async move { answer })
    }
}

/// A clock that stands still until it is set.
struct Hand(Mutex<u64>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(*self.0.lock().unwrap())
    }
    fn sleep<'a>(&'a self, _: Duration) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

fn profile() -> Profile {
    let mut profile = defaults("x");
    profile.issuer = Some(ISSUER.to_owned());
    profile
}

fn metadata(changes: &[(&str, Value)]) -> String {
    let mut document = serde_json::json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://as.example/authorize",
        "token_endpoint": "https://as.example/token",
        "revocation_endpoint": "https://as.example/revoke",
        "jwks_uri": "https://as.example/jwks",
        "code_challenge_methods_supported": ["S256", "plain"],
        "authorization_response_iss_parameter_supported": true,
        "something_else": {"a": [1]},
    });
    for (name, value) in changes {
        document[*name] = value.clone();
    }
    document.to_string()
}

fn run_at(
    profile: &Profile,
    web: &Web,
    cache: Option<&Path>,
    now: u64,
    purpose: Purpose,
) -> Result<AuthorizationServer> {
    let clock = Hand(Mutex::new(now));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(resolve(profile, web, &clock, cache, purpose))
}

fn run(profile: &Profile, web: &Web) -> Result<AuthorizationServer> {
    run_at(profile, web, None, 1_000, Purpose::Login)
}

/// The profile with every endpoint that its login needs.
fn explicit() -> Profile {
    let mut profile = profile();
    profile.endpoints.authorization = Some("https://as.example/a".to_owned());
    profile.endpoints.token = Some("https://as.example/t".to_owned());
    profile
}

#[test]
fn metadata_completes_configuration() {
    let web = Web::default().page(OIDC, 200, &metadata(&[]));
    let mut profile = profile();
    profile.endpoints.token = Some("https://other.example/t".to_owned());
    let server = run(&profile, &web).unwrap();
    assert_eq!(server.issuer.as_deref(), Some(ISSUER));
    assert_eq!(server.endpoints.authorization.as_deref(), Some("https://as.example/authorize"));
    assert_eq!(server.endpoints.token.as_deref(), Some("https://other.example/t"));
    assert!(server.iss_parameter_supported && !server.require_par);
    assert_eq!(web.asked(), [OIDC]);
}

#[test]
fn well_known_urls_are_tried_in_order() {
    let web = Web::default().page(RFC8414, 200, &metadata(&[]));
    assert!(run(&profile(), &web).is_ok());
    assert_eq!(web.asked(), [OIDC, RFC8414]);
}

#[test]
fn issuer_path_is_placed_as_each_standard_says() {
    let of = |issuer: &str| {
        let urls = candidates(&Url::parse(issuer).unwrap(), DiscoveryRules::Configured);
        urls.iter().map(|(_, url)| url.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("https://as.example/"), [OIDC, RFC8414]);
    for issuer in ["https://as.example/t/1", "https://as.example/t/1/"] {
        assert_eq!(
            of(issuer),
            [
                "https://as.example/t/1/.well-known/openid-configuration",
                "https://as.example/.well-known/oauth-authorization-server/t/1",
                "https://as.example/.well-known/openid-configuration/t/1",
            ]
        );
    }
}

#[test]
fn another_servers_metadata_is_refused() {
    for named in [
        "https://as.example/",
        "https://AS.example",
        "https://as.example:443",
        "http://as.example",
        "https://evil.example",
        "",
    ] {
        let web = Web::default().page(OIDC, 200, &metadata(&[("issuer", named.into())])).page(
            RFC8414,
            200,
            &metadata(&[]),
        );
        let error = run(&profile(), &web).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation, "{named}");
        assert_eq!(web.asked(), [OIDC], "a lie ends it");
    }
    let web =
        Web::default().page(OIDC, 200, &metadata(&[("issuer", "https://as.example/".into())]));
    let error = run(&profile(), &web).unwrap_err();
    assert!(error.advice_text().unwrap().contains("issuer = \"https://as.example/\""));
    let hostile = "https://as.example/\u{1b}]8;;x";
    let web = Web::default().page(OIDC, 200, &metadata(&[("issuer", hostile.into())]));
    let error = run(&profile(), &web).unwrap_err();
    assert!(!error.message().contains('\u{1b}') && error.advice_text().is_none());
}

/// The document of a server with many tenants names no issuer that could be configured.
#[test]
fn issuer_with_a_placeholder_says_what_to_configure() {
    let named = "https://login.microsoftonline.com/{tenantid}/v2.0";
    for tenant in ["common", "organizations"] {
        let issuer = format!("https://login.microsoftonline.com/{tenant}/v2.0");
        let place = format!("{issuer}/.well-known/openid-configuration");
        let web = Web::default().page(&place, 200, &metadata(&[("issuer", named.into())]));
        let profile = Profile { issuer: Some(issuer), ..profile() };
        let error = run(&profile, &web).unwrap_err();
        let advice = error.advice_text().unwrap();
        assert!(!advice.contains('{'), "{advice}");
        let setting = "`issuer = \"https://login.microsoftonline.com/TENANT_ID/v2.0\"`";
        assert!(advice.contains(setting) && advice.contains("`provider = \"microsoft\"`"));
    }
}

#[test]
fn unsafe_or_misshapen_members_are_refused() {
    let bad: &[(&str, Value)] = &[
        ("authorization_endpoint", "http://as.example/a".into()),
        ("authorization_endpoint", "http://127.0.0.1/a".into()),
        ("authorization_endpoint", "javascript:alert(1)".into()),
        ("authorization_endpoint", "https://as.example/a#b".into()),
        ("authorization_endpoint", "https://as.example/\r\na".into()),
        ("token_endpoint", "https://u:p@as.example/t".into()),
        ("token_endpoint", "http://as.example/t".into()),
        ("token_endpoint", 5.into()),
        ("jwks_uri", "http://as.example/k".into()),
        ("revocation_endpoint", "http://as.example/r".into()),
        ("userinfo_endpoint", "http://127.0.0.1/u".into()),
        ("code_challenge_methods_supported", "S256".into()),
        ("code_challenge_methods_supported", serde_json::json!([256])),
        ("require_pushed_authorization_requests", "yes".into()),
        ("issuer", Value::Null),
        ("issuer", 5.into()),
    ];
    for (name, value) in bad {
        let web = Web::default().page(OIDC, 200, &metadata(&[(name, value.clone())]));
        let error = run(&profile(), &web).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation, "{name} {value}: {error}");
    }
}

#[test]
fn unused_endpoint_that_is_no_url_is_ignored() {
    for name in [
        "revocation_endpoint",
        "userinfo_endpoint",
        "device_authorization_endpoint",
        "pushed_authorization_request_endpoint",
        "introspection_endpoint",
        "registration_endpoint",
        "end_session_endpoint",
        "jwks_uri",
    ] {
        for bad in [Value::from(5), "none".into(), "/path".into(), "https:///as.example".into()] {
            let web = Web::default().page(OIDC, 200, &metadata(&[(name, bad.clone())]));
            let server = run(&profile(), &web).unwrap();
            assert_eq!(server.ignored_endpoints, [name], "{bad}");
        }
        let web = Web::default().page(OIDC, 200, &metadata(&[(name, "".into())]));
        assert!(run(&profile(), &web).unwrap().ignored_endpoints.is_empty(), "{name} is absent");
    }
    for name in ["registration_endpoint", "end_session_endpoint"] {
        let web = Web::default().page(OIDC, 200, &metadata(&[(name, "http://as.example/".into())]));
        assert!(run(&profile(), &web).is_ok(), "{name} is never used");
    }
}

#[test]
fn needed_endpoint_that_is_no_url_is_refused() {
    let mut openid = profile();
    openid.scopes = vec!["openid".to_owned()];
    let mut device = profile();
    device.grant = GrantType::DeviceCode;
    let mut pushing = profile();
    pushing.par = Par::Always;
    let pushed = "pushed_authorization_request_endpoint";
    for (name, profile) in [
        ("jwks_uri", &openid),
        ("device_authorization_endpoint", &device),
        (pushed, &pushing),
        ("token_endpoint", &profile()),
    ] {
        let web = Web::default().page(OIDC, 200, &metadata(&[(name, "none".into())]));
        let error = run(profile, &web).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation, "{name}: {error}");
        assert!(error.message().contains(name), "{error}");
    }
    let required =
        [("require_pushed_authorization_requests", true.into()), (pushed, "none".into())];
    let web = Web::default().page(OIDC, 200, &metadata(&required));
    assert_eq!(run(&profile(), &web).unwrap_err().kind(), ErrorKind::Validation);
    // One that the configuration names is not taken from there.
    let bad = [("token_endpoint", "http://as.example/t".into())];
    let web = Web::default().page(OIDC, 200, &metadata(&bad));
    assert!(run(&explicit(), &web).is_ok());
}

#[test]
fn loopback_server_may_use_plain_http_for_itself() {
    let issuer = "http://127.0.0.1:8080";
    let document = |token: &str| {
        serde_json::json!({
            "issuer": issuer,
            "authorization_endpoint": "http://127.0.0.1:8080/a",
            "token_endpoint": token,
        })
        .to_string()
    };
    let place = format!("{issuer}/.well-known/openid-configuration");
    let mut profile = profile();
    profile.issuer = Some(issuer.to_owned());
    let web = Web::default().page(&place, 200, &document("http://127.0.0.1:8080/t"));
    assert!(run(&profile, &web).is_ok());
    let web = Web::default().page(&place, 200, &document("http://as.example/t"));
    assert!(run(&profile, &web).is_err());
    profile.issuer = Some("http://as.example".to_owned());
    let web = Web::default();
    assert!(run(&profile, &web).is_err() && web.asked().is_empty(), "refused before any request");
}

#[test]
fn only_a_list_without_s256_excludes_pkce() {
    let with = |methods: Value| {
        Web::default().page(OIDC, 200, &metadata(&[("code_challenge_methods_supported", methods)]))
    };
    assert!(run(&profile(), &with(Value::Null)).is_ok(), "no list says nothing");
    for methods in
        [serde_json::json!(["plain"]), serde_json::json!([]), serde_json::json!(["s256"])]
    {
        let error = run(&profile(), &with(methods.clone())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation, "{methods}");
        let mut without = profile();
        without.pkce = Pkce::Off;
        assert!(run(&without, &with(methods.clone())).is_ok());
        let mut machine = profile();
        machine.grant = GrantType::ClientCredentials;
        assert!(run(&machine, &with(methods)).is_ok(), "no code, no PKCE");
    }
}

#[test]
fn unexpected_document_is_described() {
    let twice = format!("{{\"issuer\":\"{ISSUER}\",\"issuer\":\"{ISSUER}\"}}");
    let huge = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_BYTES));
    let deep = "[".repeat(100_000);
    for (status, body, words, kind) in [
        (404, "", "status 404", ErrorKind::Config),
        (200, "", "an empty response", ErrorKind::Config),
        (200, " <!doctype html>", "a web page instead of JSON", ErrorKind::Config),
        (200, "{\"issuer\":", "not JSON", ErrorKind::Config),
        (200, "[]", "JSON, but not valid metadata", ErrorKind::Config),
        (200, twice.as_str(), "duplicate member `issuer`", ErrorKind::Config),
        (200, huge.as_str(), "more than 1 MiB", ErrorKind::Config),
        (200, deep.as_str(), "JSON", ErrorKind::Config),
        (302, "", "redirects are not followed", ErrorKind::Config),
        (503, "", "status 503", ErrorKind::Unavailable),
        (429, "", "status 429", ErrorKind::Unavailable),
    ] {
        let web = Web::default().page(OIDC, status, body);
        let error = run(&profile(), &web).unwrap_err();
        assert!(error.message().contains(&format!("{OIDC}: ")), "{error}");
        assert!(error.message().contains(words), "{words}: {error}");
        assert_eq!(error.kind(), kind, "{words}");
    }
    let web = Web::default().page(OIDC, 301, "").header(OIDC, "location", "http://evil\u{1b}");
    let error = run(&profile(), &web).unwrap_err();
    assert!(error.message().contains("to http://evil:"), "{error}");
}

#[test]
fn missing_endpoint_is_named() {
    let web = Web::default().page(OIDC, 200, &metadata(&[("token_endpoint", Value::Null)]));
    let error = run(&profile(), &web).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("token_endpoint"), "{error}");
}
