//! Exchanges in the trace, as text and as HAR.

use serde_json::Value;
use zeroize::Zeroizing;

use super::*;
use crate::port::{BoxFuture, Http, HttpError, HttpRequest, HttpResponse, Method};

/// A secret that is in the answer only.
const FRESH: &str = "fr3sh-T0K3N-9876543210zyxwvutsrqponml";

/// Always gives the same outcome.
struct Fixed(Result<HttpResponse, HttpError>);

impl Http for Fixed {
    fn send<'a>(&'a self, _: &'a HttpRequest) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(std::future::ready(self.0.clone()))
    }
}

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn token_request() -> HttpRequest {
    HttpRequest {
        purpose: "token request",
        method: Method::Post,
        url: Url::parse(&format!("https://u:{CANARY}@as.example/token?tenant={CANARY}")).unwrap(),
        headers: headers(&[
            ("Accept", "application/json"),
            ("Authorization", &format!("Basic {CANARY}")),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ]),
        body: Zeroizing::new(
            format!("grant_type=authorization_code&code={CANARY}&code_verifier={CANARY}")
                .into_bytes(),
        ),
    }
}

fn token_response() -> HttpResponse {
    let body = format!(
        r#"{{"access_token":"{FRESH}","expires_in":3600,"token_type":"Bearer",
            "refresh_token":"{CANARY}-rt","error_description":"for {FRESH}"}}"#
    );
    HttpResponse {
        status: 200,
        headers: headers(&[
            ("content-type", "application/json"),
            ("set-cookie", CANARY),
            ("server", FRESH),
        ]),
        body: Zeroizing::new(body.into_bytes()),
    }
}

async fn exchange(trace: &Trace, outcome: Result<HttpResponse, HttpError>) {
    let passed_on = outcome.is_ok();
    let http = trace.wrap(Arc::new(Fixed(outcome)));
    assert_eq!(http.send(&token_request()).await.is_ok(), passed_on);
}

#[tokio::test]
async fn exchange_is_explained_without_secrets() {
    let (trace, shown) = traced(false);
    exchange(&trace, Ok(token_response())).await;
    let text = shown();
    for secret in [CANARY, FRESH] {
        assert!(!text.contains(secret), "{text}");
    }
    for expected in [
        "   [1] -> POST https://as.example/token  (token request)",
        "      ? tenant = [redacted, 34 characters]",
        "      authorization: Basic [redacted, 34 characters]",
        "      grant_type = authorization_code\n          -- what the client presents",
        "      code = [redacted, 34 characters]\n          -- the authorization code",
        "(RFC 7636, section 4.1)",
        "   [1] <- 200 OK, ",
        "      set-cookie: [redacted, 34 characters]",
        "        \"access_token\": \"[redacted, 37 characters]\",\n            -- the token for calling",
        "        \"expires_in\": 3600,",
        "-- its lifetime in seconds (RFC 6749, section 5.1)",
        "\"error_description\": \"for [redacted]\"",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
}

#[tokio::test]
async fn failure_says_whether_the_server_may_have_acted() {
    let (trace, shown) = traced(true);
    for (not_sent, expected) in
        [(true, "(nothing was sent)"), (false, "(the server may have acted on it)")]
    {
        let message = format!("no luck with {CANARY}");
        exchange(&trace, Err(HttpError { not_sent, message, hint: None, misconfigured: false }))
            .await;
        let text = shown();
        assert!(text.contains("<- no response after "), "{text}");
        assert!(text.contains(&format!("no luck with [redacted] {expected}")), "{text}");
    }
}

#[tokio::test]
async fn long_body_is_cut_in_text_output() {
    let (trace, shown) = traced(false);
    let numbers: Vec<usize> = (0..1_000).collect();
    let body = serde_json::json!({ "scopes_supported": numbers }).to_string();
    let response = HttpResponse { body: Zeroizing::new(body.into_bytes()), ..token_response() };
    exchange(&trace, Ok(response)).await;
    assert!(shown().ends_with("      … and 884 more lines"));
}

#[test]
fn without_listeners_nothing_is_wrapped() {
    let http: Arc<dyn Http> = Arc::new(Fixed(Ok(token_response())));
    assert!(Arc::ptr_eq(&http, &Trace::off().wrap(http.clone())));
}

async fn written(path: &Path) -> (String, Value) {
    let (trace, _) = traced(true);
    exchange(&trace, Ok(token_response())).await;
    trace.step("Exchanging the code", "RFC 6749, section 4.1.3");
    trace.detail("client_id", "me");
    exchange(&trace, Ok(token_response())).await;
    let message = "connection refused".to_owned();
    exchange(&trace, Err(HttpError { not_sent: true, message, hint: None, misconfigured: false }))
        .await;
    trace.finish_har(path).unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    let har = serde_json::from_str(&text).unwrap();
    (text, har)
}

#[tokio::test]
async fn har_file_has_the_same_exchanges_without_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let (text, har) = written(&directory.path().join("trace.har")).await;
    for secret in [CANARY, FRESH] {
        assert!(!text.contains(secret), "{text}");
    }
    let log = &har["log"];
    assert_eq!(log["version"], "1.2");
    assert_eq!(log["pages"][0]["title"], "Exchanging the code (RFC 6749, section 4.1.3)");
    assert_eq!(log["pages"][0]["comment"], "client_id = me");
    assert!(log["pages"][0]["startedDateTime"].as_str().unwrap().starts_with("2023-11-14T22:13:2"));
    assert_eq!(log["entries"].as_array().unwrap().len(), 3);
    assert_eq!(log["entries"][0].get("pageref"), None);
    let entry = &log["entries"][1];
    assert_eq!(entry["pageref"], log["pages"][0]["id"]);
    assert_eq!(entry["comment"], "token request");
    assert_eq!(
        entry["request"]["url"],
        "https://as.example/token?tenant=[redacted, 34 characters]"
    );
    assert_eq!(entry["request"]["queryString"][0]["name"], "tenant");
    assert_eq!(entry["request"]["postData"]["params"][0]["value"], "authorization_code");
    assert_eq!(entry["response"]["status"], 200);
    let content = entry["response"]["content"]["text"].as_str().unwrap();
    let content: Value = serde_json::from_str(content).unwrap();
    assert_eq!(content["expires_in"], 3600);
    assert_eq!(content["access_token"], "[redacted, 37 characters]");
    let failed = &log["entries"][2]["response"];
    assert_eq!((&failed["status"], &failed["content"]["size"]), (&Value::from(0), &Value::from(0)));
    assert_eq!(failed["_error"], "connection refused (nothing was sent)");
}

#[tokio::test]
async fn har_file_replaces_the_older_one_and_is_private() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace.har");
    std::fs::write(&path, "older".repeat(100_000)).unwrap();
    written(&path).await;
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    #[cfg(unix)]
    {
        let metadata = std::fs::metadata(&path).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn unwritable_har_file_is_an_error_without_leftovers() {
    let directory = tempfile::tempdir().unwrap();
    let (trace, _) = traced(true);
    for path in [directory.path().to_owned(), directory.path().join("none/trace.har"), "/".into()] {
        let error = trace.finish_har(&path).unwrap_err();
        assert!(error.message().starts_with("cannot write the HAR file"), "{error}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
