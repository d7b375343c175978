//! Responses of the token endpoint, and the lifecycle of tokens.

use serde_json::Value;

use crate::scene::*;

#[tokio::test]
async fn reuse_of_a_rotated_refresh_token_ends_the_grant() {
    let bench = start().await;
    let at = bench.root();
    let first = at.login().await;
    let (status, second) = at.refresh(text(&first, "refresh_token")).await;
    assert_eq!(status, 200);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_ne!(first["access_token"], second["access_token"]);
    let (status, error) = at.refresh(text(&first, "refresh_token")).await;
    assert_eq!((status, text(&error, "error")), (400, "invalid_grant"));
    assert!(!at.is_active(text(&second, "access_token")).await);
    assert_eq!(at.refresh(text(&second, "refresh_token")).await.0, 400);
}

#[tokio::test]
async fn scenarios_change_the_rotation() {
    let bench = start().await;
    let none = bench.with("no-refresh-token").login().await;
    assert!(none["refresh_token"].is_null());

    let keeps = bench.with("no-rotation");
    let first = keeps.login().await;
    let token = text(&first, "refresh_token");
    for _ in 0..2 {
        let (status, reply) = keeps.refresh(token).await;
        assert!(status == 200 && reply["refresh_token"].is_null(), "{reply}");
    }
    let same = bench.with("same-refresh-token");
    let first = same.login().await;
    for _ in 0..2 {
        let (_, reply) = same.refresh(text(&first, "refresh_token")).await;
        assert_eq!(reply["refresh_token"], first["refresh_token"]);
    }
    let grace = bench.with("rotate-grace");
    let first = grace.login().await;
    let token = text(&first, "refresh_token");
    assert_eq!(grace.refresh(token).await.0, 200);
    bench.clock.advance(60);
    assert_eq!(grace.refresh(token).await.0, 200);
    bench.clock.advance(1);
    assert_eq!(grace.refresh(token).await.0, 400);
}

#[tokio::test]
async fn refresh_cannot_widen_scope_or_change_client() {
    let bench = start().await;
    let at = bench.root();
    let tokens = at.login().await;
    let token = text(&tokens, "refresh_token");
    let ask = async |scope: &str, client: &str| {
        at.token(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("scope", scope),
            ("client_id", client),
        ])
        .await
    };
    assert_eq!(text(&ask("openid admin", CLIENT).await.1, "error"), "invalid_scope");
    assert_eq!(text(&ask("openid", "another").await.1, "error"), "invalid_grant");
    let (status, narrowed) = ask("openid", CLIENT).await;
    assert_eq!((status, text(&narrowed, "scope")), (200, "openid"));
}

#[tokio::test]
async fn revocation_ends_the_token_that_it_names() {
    let bench = start().await;
    let at = bench.root();
    let revoke = |token: &str, client: &str| {
        at.post("/revoke", &[("token", token), ("client_id", client)]).send()
    };
    let tokens = at.login().await;
    let (access, refresh) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    assert_eq!(revoke("never-seen", CLIENT).await.unwrap().status(), 200);
    assert_eq!(revoke(refresh, "another").await.unwrap().status(), 400);
    assert!(at.is_active(refresh).await);
    assert_eq!(revoke(access, CLIENT).await.unwrap().status(), 200);
    assert!(!at.is_active(access).await && at.is_active(refresh).await);
    let (_, next) = at.refresh(refresh).await;
    assert_eq!(revoke(text(&next, "refresh_token"), CLIENT).await.unwrap().status(), 200);
    assert!(!at.is_active(text(&next, "access_token")).await);
}

#[tokio::test]
async fn issuers_do_not_know_each_others_tokens() {
    let bench = start().await;
    let tokens = bench.root().login().await;
    let other = bench.with("rotate");
    assert!(!other.is_active(text(&tokens, "access_token")).await);
    assert_eq!(other.refresh(text(&tokens, "refresh_token")).await.0, 400);
    let code = bench.root().code().await;
    assert_eq!(other.redeem(&code).await.0, 400);
}

#[tokio::test]
async fn token_replies_are_odd_as_named() {
    let bench = start().await;
    for (scenario, check) in [
        ("expire-fast", (|j| j["expires_in"] == 2) as fn(&Value) -> bool),
        ("no-expires-in", |j| j.get("expires_in").is_none()),
        ("string-expires-in", |j| j["expires_in"] == "3600"),
        ("expires-in-null", |j| j["expires_in"].is_null()),
        ("expires-in-huge", |j| j["expires_in"] == 9_223_372_036_854_775_808_u64),
        ("expires-in:-7", |j| j["expires_in"] == -7),
        ("expires-in:soon", |j| j["expires_in"] == "soon"),
        ("missing-token-type", |j| j.get("token_type").is_none()),
        ("missing-access-token", |j| j.get("access_token").is_none()),
        ("scope-less", |j| j["scope"] == "openid"),
        ("scope-more", |j| j["scope"] == "openid profile email admin"),
        ("no-scope", |j| j.get("scope").is_none()),
        ("control-chars", |j| text(j, "access_token").contains("\r\n")),
        ("huge-token", |j| text(j, "access_token").len() == 65_536),
        ("id-token-missing", |j| j.get("id_token").is_none()),
        ("no-scope,no-expires-in", |j| j.get("scope").is_none() && j.get("expires_in").is_none()),
    ] {
        let tokens = bench.with(scenario).login().await;
        assert!(check(&tokens), "{scenario}: {tokens}");
    }
}

async fn raw(at: &At<'_>) -> (u16, String, Vec<u8>) {
    let response = at.redeem_request(&at.code().await).send().await.unwrap();
    let kind = response.headers().get("content-type").map(|v| v.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    (status, kind.unwrap_or_default(), response.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn scenarios_of_bodies_send_what_they_name() {
    let bench = start().await;
    let is_json = |body: &[u8]| serde_json::from_slice::<Value>(body).is_ok();
    for scenario in ["truncated-json", "trailing-junk", "bom", "token-html", "deep-nesting"] {
        let (status, _, body) = raw(&bench.with(scenario)).await;
        assert!(status == 200 && !is_json(&body), "{scenario}");
    }
    let (_, _, body) = raw(&bench.with("duplicate-keys")).await;
    assert_eq!(String::from_utf8(body).unwrap().matches("\"access_token\"").count(), 2);
    let (_, kind, body) = raw(&bench.with("wrong-content-type")).await;
    assert!(kind.starts_with("text/html") && is_json(&body));
    let (_, kind, body) = raw(&bench.with("form-encoded-reply")).await;
    assert_eq!(kind, "application/x-www-form-urlencoded");
    assert!(url::form_urlencoded::parse(&body).any(|(n, v)| n == "expires_in" && v == "3600"));
    let (_, _, body) = raw(&bench.with("huge-body")).await;
    assert!(body.len() > 4 << 20 && is_json(&body));
    let (status, _, body) = raw(&bench.with("error-in-200")).await;
    assert!(status == 200 && String::from_utf8(body).unwrap().contains("\"error\""));
}

#[tokio::test]
async fn scenarios_of_statuses_send_what_they_name() {
    let bench = start().await;
    for (scenario, status, retry_after) in [
        ("token-500", 500, false),
        ("token-503-retry-after", 503, true),
        ("token-429", 429, true),
        ("token-empty-400", 400, false),
        ("token-redirect", 307, false),
        ("status-201", 201, false),
    ] {
        let at = bench.with(scenario);
        let response = at.redeem_request(&at.code().await).send().await.unwrap();
        assert_eq!(response.status(), status, "{scenario}");
        assert_eq!(response.headers().contains_key("retry-after"), retry_after, "{scenario}");
    }
    let once = bench.with("token-503-once");
    let code = once.code().await;
    assert_eq!(once.redeem(&code).await.0, 503);
    assert_eq!(once.redeem(&code).await.0, 200);
    let at = bench.with("errors-as-200");
    let (status, error) = at.redeem("unknown").await;
    assert_eq!((status, text(&error, "error")), (200, "invalid_grant"));
}

#[tokio::test]
async fn refresh_scenarios_leave_the_login_alone() {
    let bench = start().await;
    for (scenario, status, error) in [
        ("refresh-500", 500, "server_error"),
        ("refresh-invalid-grant", 400, "invalid_grant"),
        ("refresh-invalid-client", 401, "invalid_client"),
    ] {
        let at = bench.with(scenario);
        let tokens = at.login().await;
        let (got, json) = at.refresh(text(&tokens, "refresh_token")).await;
        assert_eq!((got, text(&json, "error")), (status, error), "{scenario}");
    }
}

#[tokio::test]
async fn dropped_refresh_has_rotated() {
    let bench = start().await;
    for scenario in ["refresh-drop", "refresh-half"] {
        let at = bench.with(scenario);
        let tokens = at.login().await;
        let token = text(&tokens, "refresh_token");
        let request =
            at.token_request(&[("grant_type", "refresh_token"), ("refresh_token", token)]);
        let lost = match request.send().await {
            Ok(response) => response.bytes().await.is_err(),
            Err(_) => true,
        };
        assert!(lost, "{scenario}");
        assert!(!at.is_active(token).await, "{scenario}: the old token is spent");
        assert!(
            at.is_active(text(&tokens, "access_token")).await,
            "{scenario}: nothing is revoked"
        );
    }
}

#[tokio::test]
async fn broken_transports_give_no_answer() {
    let bench = start().await;
    for scenario in ["token-drop", "token-reset", "token-half"] {
        let at = bench.with(scenario);
        let code = at.code().await;
        let lost = match at.redeem_request(&code).send().await {
            Ok(response) => response.bytes().await.is_err(),
            Err(_) => true,
        };
        assert!(lost, "{scenario}");
    }
    let reset = bench.with("reset");
    assert!(reset.get("/jwks").send().await.is_err());
    assert_eq!(bench.root().get("/jwks").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn scenarios_of_endless_responses_never_end() {
    let bench = start().await;
    let at = bench.with("endless-body");
    let mut response = at.redeem_request(&at.code().await).send().await.unwrap();
    let mut read = 0;
    while read < 3 << 20 {
        read += response.chunk().await.unwrap().unwrap().len();
    }
    let at = bench.with("endless-headers");
    assert!(at.redeem_request(&at.code().await).send().await.is_err());
}

#[tokio::test]
async fn gzip_bomb_unpacks() {
    let bench = start().await;
    let at = bench.with("gzip-bomb");
    let (_, _, packed) = raw(&at).await;
    assert!(packed.len() < 512 * 1024);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), packed).unwrap();
    let unpacked = std::fs::File::open(file.path()).unwrap();
    let unpacked = std::process::Command::new("gzip").arg("-dc").stdin(unpacked).output().unwrap();
    // Not all of it: gzip holds back its last block, as the checksum is wrong.
    assert!(unpacked.stdout.len() > 63 << 20, "{}", unpacked.stdout.len());
}

#[tokio::test]
async fn slow_answers_wait_on_the_clock() {
    let bench = start().await;
    let at = bench.with("slow:3");
    assert_eq!(at.get("/jwks").send().await.unwrap().status(), 200);
    assert_eq!(bench.clock.slept(), 3);
}
