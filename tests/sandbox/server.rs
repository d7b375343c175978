//! The server itself: start and stop, limits, journal.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use oauthctl_sandbox::{
    Answer, Error, Moment, Sandbox, SandboxOptions, Script, ScriptedRequest, Transport, scenarios,
};
use tokio::sync::Notify;

use crate::scene::{json, start, start_with, text, value};

#[tokio::test]
async fn journal_counts_requests_without_secrets() {
    let bench = start().await;
    let at = bench.with("token-redirect");
    let code = at.code().await;
    let response = at.redeem_request(&code).send().await.unwrap();
    let target = response.headers()["location"].to_str().unwrap();
    assert_eq!(bench.http.get(target).send().await.unwrap().status(), 200);
    let journal = bench.sandbox.journal();
    let seen: Vec<_> =
        journal.iter().map(|e| (e.endpoint, e.method.as_str(), e.grant_type)).collect();
    assert_eq!(
        seen,
        [
            ("authorize", "GET", None),
            ("token", "POST", Some("authorization_code")),
            ("canary", "GET", None)
        ]
    );
    assert_eq!(journal[0].issuer_path, "/s/token-redirect");
    let (_, served) = json(bench.http.get(format!("{}/journal", bench.issuer))).await;
    assert_eq!(served["requests"].as_array().unwrap().len(), 3);
    assert!(!served.to_string().contains(&code));
    assert_eq!(bench.sandbox.journal().len(), 3, "the journal is not in itself");
}

#[tokio::test]
async fn scenarios_of_the_options_hold_at_the_root_alone() {
    let options = SandboxOptions {
        auto_consent: true,
        scenarios: vec!["deny".to_owned()],
        ..SandboxOptions::default()
    };
    let bench = start_with(options).await;
    assert_eq!(value(&bench.root().authorize(&[]).await, "error").unwrap(), "access_denied");
    assert!(value(&bench.with("rotate").authorize(&[]).await, "code").is_some());
}

/// Refuses the first code, and keeps the second response from having a type.
#[derive(Default)]
struct Stubborn(AtomicUsize);

impl Script for Stubborn {
    fn instead(&self, request: &ScriptedRequest<'_>) -> Option<Answer> {
        let is_code = request.grant_type() == Some("authorization_code");
        (is_code && self.0.fetch_add(1, Ordering::SeqCst) == 0).then(|| Answer {
            status: 400,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: br#"{"error":"slow_down"}"#.to_vec(),
            ..Answer::default()
        })
    }

    fn edit(&self, request: &ScriptedRequest<'_>, answer: &mut Answer) {
        if request.endpoint() == "token" {
            let code = request.parameters().find(|(name, _)| *name == "code").unwrap().1;
            answer.set("content-type", "text/plain");
            answer.set("x-code", code);
        }
    }
}

#[tokio::test]
async fn script_replaces_and_edits_responses() {
    let script: Arc<dyn Script> = Arc::new(Stubborn::default());
    let options =
        SandboxOptions { auto_consent: true, script: Some(script), ..SandboxOptions::default() };
    let bench = start_with(options).await;
    let at = bench.root();
    let code = at.code().await;
    let (status, refused) = json(at.redeem_request(&code)).await;
    assert_eq!((status, refused["error"].as_str()), (400, Some("slow_down")));
    // It was not processed: the code can still be redeemed.
    let response = at.redeem_request(&code).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/plain");
    assert_eq!(response.headers()["x-code"], code.as_str());
}

/// Holds requests for the keys until it is told to go on, and sends bytes of its own for the metadata.
#[derive(Default)]
struct Slow {
    go: Arc<Notify>,
    moments: Arc<Mutex<Vec<Moment>>>,
}

impl Script for Slow {
    fn pause(
        &self,
        request: &ScriptedRequest<'_>,
        moment: Moment,
    ) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        let (go, moments) = (Arc::clone(&self.go), Arc::clone(&self.moments));
        (request.endpoint() == "jwks").then(|| {
            Box::pin(async move {
                go.notified().await;
                moments.lock().unwrap().push(moment);
            }) as Pin<Box<dyn Future<Output = ()> + Send>>
        })
    }

    fn edit(&self, request: &ScriptedRequest<'_>, answer: &mut Answer) {
        if request.endpoint() == "metadata" {
            answer.body = b"HTTP/1.0 203 X\r\nx-own: yes\r\n\r\nbytes".to_vec();
            answer.transport = Some(Transport::Raw);
        }
    }
}

#[tokio::test]
async fn script_delays_requests_and_sends_own_bytes() {
    let slow = Slow::default();
    let (go, moments) = (Arc::clone(&slow.go), Arc::clone(&slow.moments));
    let script: Arc<dyn Script> = Arc::new(slow);
    let bench = start_with(SandboxOptions { script: Some(script), ..Default::default() }).await;
    let at = bench.root();
    let keys = tokio::spawn(at.get("/jwks").send());
    // Another request is not held.
    let response = at.get("/.well-known/openid-configuration").send().await.unwrap();
    assert_eq!(response.status(), 203);
    assert_eq!(response.headers()["x-own"], "yes");
    assert_eq!(response.text().await.unwrap(), "bytes");
    assert_eq!(*moments.lock().unwrap(), []);
    go.notify_one();
    while moments.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(!keys.is_finished());
    go.notify_one();
    assert_eq!(keys.await.unwrap().unwrap().status(), 200);
    assert_eq!(*moments.lock().unwrap(), [Moment::Received, Moment::Processed]);
}

#[tokio::test]
async fn every_scenario_can_stand_in_a_path() {
    let bench = start().await;
    for scenario in scenarios() {
        let argument = if scenario.argument.is_some() { ":1" } else { "" };
        let at = bench.with(&format!("{}{argument}", scenario.name));
        let status = at.get("").send().await.unwrap().status();
        assert_eq!(status, 200, "{}", scenario.name);
    }
}

#[tokio::test]
async fn unknown_scenarios_are_refused() {
    let bench = start().await;
    let (status, error) = json(bench.with("rotat,deny").get("/jwks")).await;
    assert_eq!(status, 404);
    assert!(text(&error, "error_description").contains("`rotate`"), "{error}");
    assert_eq!(bench.with("slow%3A0").get("/jwks").send().await.unwrap().status(), 200);
    let options = SandboxOptions { scenarios: vec!["nope".to_owned()], ..Default::default() };
    let error = Sandbox::start(options).await.err().unwrap();
    assert!(
        matches!(error, Error::UnknownScenario { ref name, .. } if name == "nope"),
        "{error:?}"
    );
}

#[tokio::test]
async fn taken_port_is_an_error() {
    let bench = start().await;
    let port = url::Url::parse(&bench.issuer).unwrap().port();
    let error = Sandbox::start(SandboxOptions { port, ..Default::default() }).await.err().unwrap();
    assert!(matches!(error, Error::Listen { port: p, .. } if Some(p) == port), "{error:?}");
}

#[tokio::test]
async fn stopping_closes_the_port_and_its_connections() {
    let bench = start().await;
    let (http, url) = (bench.http.clone(), format!("{}/jwks", bench.issuer));
    assert_eq!(http.get(&url).send().await.unwrap().status(), 200);
    let stalled = bench.with("stall-token");
    let request = stalled.redeem_request(&stalled.code().await);
    let waiting = tokio::spawn(request.send());
    while !bench.sandbox.journal().iter().any(|e| e.endpoint == "token") {
        tokio::task::yield_now().await;
    }
    bench.sandbox.stop().await;
    assert!(waiting.await.unwrap().is_err());
    assert!(http.get(&url).send().await.is_err());
}

#[tokio::test]
async fn foreign_host_large_body_or_method_is_refused() {
    let bench = start().await;
    let at = bench.root();
    let rebound = at.get("/jwks").header("host", "attacker.example").send().await.unwrap();
    assert_eq!(rebound.status(), 421);
    let large = "x".repeat(65 * 1024);
    let response = at.post("/token", &[("grant_type", &large)]).send().await.unwrap();
    assert_eq!(response.status(), 413);
    assert_eq!(at.get("/token").send().await.unwrap().status(), 405);
    assert_eq!(at.get("/nothing").send().await.unwrap().status(), 404);
    let twice = at.post("/token", &[("grant_type", "password"), ("grant_type", "password")]);
    assert_eq!(text(&json(twice).await.1, "error"), "invalid_request");
}

#[tokio::test]
async fn answers_are_not_cached_nor_shared() {
    let bench = start().await;
    let request = bench.root().get("/jwks").header("origin", "https://attacker.example");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(!response.headers().contains_key("access-control-allow-origin"));
}
