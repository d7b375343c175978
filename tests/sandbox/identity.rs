//! id_tokens, keys, userinfo.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::{Value, json as object};

use crate::scene::*;

async fn keys(at: &At<'_>) -> JwkSet {
    serde_json::from_value(json(at.get("/jwks")).await.1).unwrap()
}

/// Whether any of the keys fits an id_token, by the header's own `kid` where it has one.
fn verifies(jwt: &str, keys: &JwkSet) -> bool {
    let Ok(header) = jsonwebtoken::decode_header(jwt) else { return false };
    let mut validation = Validation::new(header.alg);
    validation.validate_exp = false;
    validation.validate_aud = false;
    keys.keys
        .iter()
        .filter(|jwk| header.kid.is_none() || jwk.common.key_id == header.kid)
        .filter_map(|jwk| DecodingKey::from_jwk(jwk).ok())
        .any(|key| jsonwebtoken::decode::<Value>(jwt, &key, &validation).is_ok())
}

#[tokio::test]
async fn id_tokens_verify_against_the_published_keys() {
    let bench = start().await;
    for (scenario, alg) in [("rotate", "ES256"), ("id-token-rs256", "RS256")] {
        let at = bench.with(scenario);
        let tokens = at.login().await;
        let jwt = text(&tokens, "id_token");
        assert_eq!(jwt_part(jwt, 0)["alg"], alg);
        assert!(verifies(jwt, &keys(&at).await), "{scenario}");
        let claims = jwt_part(jwt, 1);
        assert_eq!(claims["iss"], at.issuer);
        assert_eq!((&claims["aud"], &claims["azp"]), (&object!(CLIENT), &object!(CLIENT)));
        assert_eq!(claims["nonce"], "the-nonce");
        assert_eq!(claims["iat"], bench.clock.unix());
        assert_eq!(claims["auth_time"], bench.clock.unix());
        let hash = sha256(text(&tokens, "access_token"));
        // Half of 32 bytes: 21 characters, and the upper bits of another.
        assert_eq!(text(&claims, "at_hash")[..21], hash[..21]);
        assert_eq!(text(&claims, "at_hash").len(), 22);
    }
}

#[tokio::test]
async fn scenarios_of_keys_send_what_they_name() {
    let bench = start().await;
    for (scenario, alg, good) in [
        ("id-token-alg-none", "none", false),
        ("id-token-hs256", "HS256", false),
        ("id-token-bad-signature", "ES256", false),
        ("id-token-jku-header", "ES256", true),
        ("jwks-empty", "ES256", false),
        ("jwks-wrong", "ES256", false),
        ("jwks-no-kid", "ES256", true),
        ("jwks-many", "ES256", true),
    ] {
        let at = bench.with(scenario);
        let tokens = at.login().await;
        let jwt = text(&tokens, "id_token");
        assert_eq!(jwt_part(jwt, 0)["alg"], alg, "{scenario}");
        assert_eq!(verifies(jwt, &keys(&at).await), good, "{scenario}");
    }
    let at = bench.with("jwks-rotated");
    let tokens = at.login().await;
    let jwt = text(&tokens, "id_token");
    assert!(!verifies(jwt, &keys(&at).await));
    assert!(verifies(jwt, &keys(&at).await));
}

#[tokio::test]
async fn scenarios_of_claims_send_signed_wrong_claims() {
    let bench = start().await;
    for (scenario, check) in [
        ("id-token-wrong-iss", (|c, _| c["iss"] == "https://attacker.example") as Check),
        ("id-token-wrong-aud", |c, _| c["aud"] == "another-client"),
        ("id-token-extra-aud", |c, _| c["aud"] == object!([CLIENT, "another-client"])),
        ("id-token-array-aud", |c, _| c["aud"] == object!([CLIENT])),
        ("id-token-wrong-azp", |c, _| c["azp"] == "another-client"),
        ("id-token-expired", |c, now| c["exp"].as_u64().unwrap() < now),
        ("id-token-future", |c, now| c["iat"].as_u64().unwrap() > now),
        ("id-token-no-nonce", |c, _| c.get("nonce").is_none()),
        ("id-token-wrong-nonce", |c, _| c["nonce"] != "the-nonce"),
        ("id-token-missing-sub", |c, _| c.get("sub").is_none()),
        ("id-token-missing-iat", |c, _| c.get("iat").is_none()),
        ("id-token-bad-at-hash", |c, _| c["at_hash"].is_string()),
    ] {
        let at = bench.with(scenario);
        let tokens = at.login().await;
        let jwt = text(&tokens, "id_token");
        assert!(check(&jwt_part(jwt, 1), bench.clock.unix()), "{scenario}: {}", jwt_part(jwt, 1));
        let mut validation = Validation::new(jsonwebtoken::Algorithm::ES256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let key = DecodingKey::from_jwk(&keys(&at).await.keys[0]).unwrap();
        assert!(jsonwebtoken::decode::<Value>(jwt, &key, &validation).is_ok(), "{scenario}");
    }
}

type Check = fn(&Value, u64) -> bool;

#[tokio::test]
async fn scenario_of_a_refresh_changes_one_claim_alone() {
    let bench = start().await;
    for (scenario, claim) in
        [("refresh-other-sub", "sub"), ("refresh-other-iss", "iss"), ("refresh-other-aud", "aud")]
    {
        let at = bench.with(scenario);
        let first = at.login().await;
        let (_, second) = at.refresh(text(&first, "refresh_token")).await;
        let (before, after) =
            (jwt_part(text(&first, "id_token"), 1), jwt_part(text(&second, "id_token"), 1));
        assert_ne!(before[claim], after[claim], "{scenario}");
        for same in ["iss", "sub", "aud"].iter().filter(|c| **c != claim) {
            assert_eq!(before[*same], after[*same], "{scenario}");
        }
    }
}

#[tokio::test]
async fn userinfo_needs_openid_and_may_lie() {
    let bench = start().await;
    let at = bench.with("userinfo-other-sub");
    let tokens = at.login().await;
    let (_, user) = json(at.get("/userinfo").bearer_auth(text(&tokens, "access_token"))).await;
    assert_ne!(user["sub"], jwt_part(text(&tokens, "id_token"), 1)["sub"]);
    let root = bench.root();
    let response = root.authorize(&[("scope", "profile")]).await;
    let (_, tokens) = root.redeem(&value(&response, "code").unwrap()).await;
    assert!(tokens["id_token"].is_null());
    let refused = root.get("/userinfo").bearer_auth(text(&tokens, "access_token"));
    assert_eq!(json(refused).await.0, 403);
}

#[tokio::test]
async fn resource_leads_to_its_metadata() {
    let bench = start().await;
    let at = bench.with("rotate");
    let refused = at.get("/resource").send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
    let url = challenge.split('"').nth(1).unwrap();
    let (_, metadata) = json(bench.http.get(url)).await;
    assert_eq!(text(&metadata, "resource"), format!("{}/resource", at.issuer));
    assert_eq!(metadata["authorization_servers"], object!([at.issuer]));
    let tokens = at.login().await;
    let (status, _) = json(at.get("/resource").bearer_auth(text(&tokens, "access_token"))).await;
    assert_eq!(status, 200);
}
