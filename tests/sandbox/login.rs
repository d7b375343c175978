//! Discovery, authorization, consent, pushed requests, devices.

use oauthctl_sandbox::SandboxOptions;
use serde_json::Value;

use crate::scene::*;

#[tokio::test]
async fn metadata_is_at_every_place_and_names_its_issuer() {
    let bench = start().await;
    let origin = &bench.issuer;
    for (url, issuer) in [
        (format!("{origin}/.well-known/openid-configuration"), origin.clone()),
        (format!("{origin}/.well-known/oauth-authorization-server"), origin.clone()),
        (format!("{origin}/s/deny/.well-known/openid-configuration"), format!("{origin}/s/deny")),
        (
            format!("{origin}/.well-known/oauth-authorization-server/s/deny,slow:1"),
            format!("{origin}/s/deny,slow:1"),
        ),
    ] {
        let (status, metadata) = json(bench.http.get(&url)).await;
        assert_eq!((status, text(&metadata, "issuer")), (200, issuer.as_str()), "{url}");
        assert_eq!(text(&metadata, "token_endpoint"), format!("{issuer}/token"));
        assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    }
}

#[tokio::test]
async fn login_gives_tokens_that_work() {
    let bench = start().await;
    let at = bench.root();
    let response = at.authorize(&[("login_hint", "brook")]).await;
    assert_eq!(value(&response, "kept").unwrap(), "a/b");
    assert_eq!(value(&response, "state").unwrap(), "the state & more");
    assert_eq!(value(&response, "iss").unwrap(), bench.issuer);
    let (status, tokens) = at.redeem(&value(&response, "code").unwrap()).await;
    assert_eq!(status, 200);
    assert_eq!((text(&tokens, "token_type"), &tokens["expires_in"]), ("Bearer", &3600.into()));
    let access = text(&tokens, "access_token");
    let (_, user) = json(at.get("/userinfo").bearer_auth(access)).await;
    assert_eq!(text(&user, "preferred_username"), "brook");
    let (_, seen) = json(at.post("/introspect", &[("token", access), ("client_id", CLIENT)])).await;
    assert_eq!((text(&seen, "sub"), text(&seen, "client_id")), (text(&user, "sub"), CLIENT));
    bench.clock.advance(3600);
    assert!(!at.is_active(access).await);
    assert_eq!(json(at.get("/userinfo").bearer_auth(access)).await.0, 401);
}

#[tokio::test]
async fn wrong_verifier_voids_the_code() {
    let bench = start().await;
    let at = bench.root();
    let code = at.code().await;
    let wrong = format!("{VERIFIER}x");
    let (status, error) = at
        .token(&[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", &wrong),
        ])
        .await;
    assert_eq!((status, text(&error, "error")), (400, "invalid_grant"));
    assert_eq!(text(&at.redeem(&code).await.1, "error"), "invalid_grant");
}

#[tokio::test]
async fn code_is_good_once_and_its_reuse_revokes() {
    let bench = start().await;
    let at = bench.root();
    let code = at.code().await;
    let tokens = at.redeem(&code).await.1;
    assert!(at.is_active(text(&tokens, "access_token")).await);
    assert_eq!(text(&at.redeem(&code).await.1, "error"), "invalid_grant");
    assert!(!at.is_active(text(&tokens, "access_token")).await);
    assert_eq!(at.refresh(text(&tokens, "refresh_token")).await.0, 400);
}

#[tokio::test]
async fn code_is_bound_to_time_client_and_redirect_uri() {
    let bench = start().await;
    let at = bench.root();
    for (name, other) in [("client_id", "another"), ("redirect_uri", "http://127.0.0.1:1/callback")]
    {
        let code = at.code().await;
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
            ("client_id", CLIENT),
        ];
        fields.retain(|(n, _)| *n != name);
        fields.push((name, other));
        assert_eq!(text(&at.token(&fields).await.1, "error"), "invalid_grant", "{name}");
    }
    let code = at.code().await;
    bench.clock.advance(60);
    assert_eq!(text(&at.redeem(&code).await.1, "error"), "invalid_grant");
}

#[tokio::test]
async fn requests_without_s256_are_refused() {
    let bench = start().await;
    let at = bench.root();
    for extra in [
        [("code_challenge_method", "plain")],
        [("code_challenge_method", "-")],
        [("code_challenge", "-")],
        [("code_challenge", "short")],
    ] {
        let response = at.authorize(&extra).await;
        assert_eq!(value(&response, "error").unwrap(), "invalid_request", "{extra:?}");
        assert_eq!(value(&response, "state").unwrap(), "the state & more");
        assert!(value(&response, "code").is_none());
    }
}

#[tokio::test]
async fn browser_is_sent_to_loopback_only() {
    let bench = start().await;
    let at = bench.root();
    for uri in [
        "https://attacker.example/",
        "http://127.0.0.1.attacker.example/",
        "http://127.0.0.1@attacker.example/",
        "http://attacker.example/#http://127.0.0.1/",
        "javascript:alert(1)",
        "http://127.0.0.1:1/#fragment",
        "-",
    ] {
        let url = at.authorize_url(&[("redirect_uri", uri)]);
        let response = bench.http.get(url).send().await.unwrap();
        assert_eq!(response.status(), 400, "{uri}");
        assert!(response.headers().get("location").is_none(), "{uri}");
    }
}

/// Reads the hidden field of a page.
fn transaction(html: &str) -> String {
    let rest = html.split_once("name=\"transaction\" value=\"").unwrap().1;
    rest.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn consent_needs_its_transaction_once() {
    let bench = start_with(SandboxOptions::default()).await;
    let at = bench.root();
    let page = bench.http.get(at.authorize_url(&[])).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    let id = transaction(&page.text().await.unwrap());
    let answer = |id: &str, decision: &str| {
        at.post("/consent", &[("transaction", id), ("person", "chen"), ("decision", decision)])
    };
    for forged in ["", "transaction-guessed"] {
        assert_eq!(answer(forged, "allow").send().await.unwrap().status(), 403);
    }
    let foreign = answer(&id, "allow").header("origin", "https://attacker.example");
    assert_eq!(foreign.send().await.unwrap().status(), 403);
    let allowed = answer(&id, "allow").header("origin", "null").send().await.unwrap();
    assert_eq!(allowed.status(), 303);
    let tokens = at.redeem(&value(&callback(&allowed), "code").unwrap()).await.1;
    assert_eq!(jwt_part(text(&tokens, "id_token"), 1)["preferred_username"], "chen");
    assert_eq!(answer(&id, "allow").send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn consent_can_be_denied_and_expires() {
    let bench = start_with(SandboxOptions::default()).await;
    let at = bench.root();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let page = bench.http.get(at.authorize_url(&[])).send().await.unwrap();
        ids.push(transaction(&page.text().await.unwrap()));
    }
    let fields = [("transaction", ids[0].as_str()), ("person", "ada"), ("decision", "deny")];
    let denied = at.post("/consent", &fields).send().await.unwrap();
    assert_eq!(value(&callback(&denied), "error").unwrap(), "access_denied");
    bench.clock.advance(601);
    let fields = [("transaction", ids[1].as_str()), ("person", "ada"), ("decision", "allow")];
    assert_eq!(at.post("/consent", &fields).send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn pages_escape_what_clients_say() {
    let bench = start_with(SandboxOptions::default()).await;
    let hostile = "<script>alert('x')</script>\"\u{202e}";
    let url = bench.root().authorize_url(&[("client_id", hostile), ("scope", hostile)]);
    let html = bench.http.get(url).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;"));
    assert!(!html.contains("<script") && !html.contains('\u{202e}'));
}

#[tokio::test]
async fn prompt_none_never_shows_a_page() {
    let bench = start_with(SandboxOptions::default()).await;
    let response = bench.root().authorize(&[("prompt", "none")]).await;
    assert_eq!(value(&response, "error").unwrap(), "login_required");
}

#[tokio::test]
async fn pushed_requests_work_once_and_for_their_client() {
    let bench = start().await;
    let at = bench.with("requires-par");
    let direct = at.authorize(&[]).await;
    assert_eq!(value(&direct, "error").unwrap(), "invalid_request");
    let challenge = sha256(VERIFIER);
    let fields = [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let (status, pushed) = json(at.post("/par", &fields)).await;
    assert_eq!((status, &pushed["expires_in"]), (201, &90.into()));
    let url = |client: &str| {
        let fields = [("client_id", client), ("request_uri", text(&pushed, "request_uri"))];
        format!("{}/authorize?{}", at.issuer, encode(&fields))
    };
    let response = bench.http.get(url(CLIENT)).send().await.unwrap();
    let (status, _) = at.redeem(&value(&callback(&response), "code").unwrap()).await;
    assert_eq!(status, 200);
    assert_eq!(bench.http.get(url(CLIENT)).send().await.unwrap().status(), 400);
    let (status, error) = json(at.post("/par", &fields[..4])).await;
    assert_eq!((status, text(&error, "error")), (400, "invalid_request"));

    let expired = bench.with("par-expired");
    let (_, pushed) = json(expired.post("/par", &fields)).await;
    let fields = [("client_id", CLIENT), ("request_uri", text(&pushed, "request_uri"))];
    let url = format!("{}/authorize?{}", expired.issuer, encode(&fields));
    assert_eq!(bench.http.get(url).send().await.unwrap().status(), 400);
}

async fn poll(at: &At<'_>, device: &Value) -> String {
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let code = text(device, "device_code");
    let (_, json) = at.token(&[("grant_type", grant), ("device_code", code)]).await;
    json["error"].as_str().unwrap_or("ok").to_owned()
}

#[tokio::test]
async fn device_waits_for_its_user() {
    let bench = start_with(SandboxOptions::default()).await;
    let at = bench.root();
    let fields = [("client_id", CLIENT), ("scope", "openid")];
    let (_, device) = json(at.post("/device_authorization", &fields)).await;
    assert_eq!(poll(&at, &device).await, "authorization_pending");
    assert_eq!(poll(&at, &device).await, "slow_down");
    bench.clock.advance(9);
    assert_eq!(poll(&at, &device).await, "slow_down", "the interval has grown for good");
    let page = bench.http.get(text(&device, "verification_uri_complete")).send().await.unwrap();
    let html = page.text().await.unwrap();
    assert!(html.contains(text(&device, "user_code")));
    let typed = text(&device, "user_code").to_lowercase();
    let id = transaction(&html);
    let fields = [
        ("transaction", id.as_str()),
        ("user_code", &typed),
        ("person", "ada"),
        ("decision", "allow"),
    ];
    assert_eq!(at.post("/device", &fields[1..]).send().await.unwrap().status(), 403);
    assert_eq!(at.post("/device", &fields).send().await.unwrap().status(), 200);
    bench.clock.advance(15);
    assert_eq!(poll(&at, &device).await, "ok");
    bench.clock.advance(15);
    assert_eq!(poll(&at, &device).await, "invalid_grant");
}

#[tokio::test]
async fn device_scenarios_do_what_they_say() {
    let bench = start().await;
    for (scenario, polls) in [
        ("rotate", &["ok"][..]),
        ("device-denied", &["access_denied"]),
        ("deny", &["access_denied"]),
        ("device-expired", &["expired_token"]),
        ("slow-down", &["slow_down", "slow_down", "ok"]),
    ] {
        let at = bench.with(scenario);
        let (_, device) = json(at.post("/device_authorization", &[("client_id", CLIENT)])).await;
        for expected in polls {
            assert_eq!(poll(&at, &device).await, *expected, "{scenario}");
            bench.clock.advance(60);
        }
    }
}

#[tokio::test]
async fn scenarios_of_responses_send_what_they_name() {
    let bench = start().await;
    for (scenario, check) in [
        ("wrong-state", (|r, _| value(r, "state").unwrap() == "not-the-state-you-sent") as Check),
        ("truncated-state", |r, _| value(r, "state").unwrap() == "the state & mor"),
        ("no-state", |r, _| value(r, "state").is_none()),
        ("no-iss", |r, _| value(r, "iss").is_none()),
        ("iss-announced-missing", |r, _| value(r, "iss").is_none()),
        ("wrong-iss", |r, issuer| value(r, "iss").unwrap() != issuer),
        ("slash-iss", |r, issuer| value(r, "iss").unwrap() == format!("{issuer}/")),
        ("twice-iss", |r, _| r.iter().filter(|(n, _)| n == "iss").count() == 2),
        ("code-and-error", |r, _| value(r, "code").is_some() && value(r, "error").is_some()),
        ("duplicate-code", |r, _| r.iter().filter(|(n, _)| n == "code").count() == 2),
        ("token-in-callback", |r, _| value(r, "code").is_none()),
        ("callback-error", |r, _| value(r, "error").unwrap() == "server_error"),
        ("deny", |r, _| value(r, "error").unwrap() == "access_denied"),
    ] {
        let at = bench.with(scenario);
        let response = at.authorize(&[]).await;
        assert!(check(&response, &at.issuer), "{scenario}: {response:?}");
    }
    let (_, old) = json(bench.with("no-iss").get("/.well-known/openid-configuration")).await;
    assert!(old["authorization_response_iss_parameter_supported"].is_null());
}

type Check = fn(&[(String, String)], &str) -> bool;
