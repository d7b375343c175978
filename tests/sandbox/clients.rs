//! Client authentication, registration, the other grants, DPoP.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauthctl_sandbox::{CONFIDENTIAL_CLIENT, CONFIDENTIAL_SECRET};
use serde_json::{Value, json as object};

use crate::scene::*;

/// A key of a client.
struct Key {
    pair: EcdsaKeyPair,
    jwk: Value,
}

impl Key {
    fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = pair.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        let jwk = object!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
        Self { pair, jwk }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let encode = |v: &Value| URL_SAFE_NO_PAD.encode(v.to_string());
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    fn proof(&self, url: &str, method: &str, extra: Value) -> String {
        let header = object!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk});
        let mut claims = object!({"htm": method, "htu": url});
        for (name, value) in extra.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.sign(&header, &claims)
    }
}

const CLIENT_CREDENTIALS: (&str, &str) = ("grant_type", "client_credentials");

#[tokio::test]
async fn confidential_client_needs_its_secret() {
    let bench = start().await;
    let at = bench.root();
    let basic = |secret: &str| {
        at.token_request(&[CLIENT_CREDENTIALS, ("client_id", "-")])
            .basic_auth(CONFIDENTIAL_CLIENT, Some(secret))
    };
    let (status, tokens) = json(basic(CONFIDENTIAL_SECRET)).await;
    assert!(status == 200 && tokens["refresh_token"].is_null(), "{tokens}");
    let refused = basic("wrong").send().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert!(refused.headers().contains_key("www-authenticate"));
    let body = [("client_id", CONFIDENTIAL_CLIENT), ("client_secret", CONFIDENTIAL_SECRET)];
    assert_eq!(at.token(&[CLIENT_CREDENTIALS, body[0], body[1]]).await.0, 200);
    assert_eq!(at.token(&[CLIENT_CREDENTIALS, body[0]]).await.0, 401);
    let both = at
        .token_request(&[CLIENT_CREDENTIALS, body[0], body[1]])
        .basic_auth(CONFIDENTIAL_CLIENT, Some(CONFIDENTIAL_SECRET));
    assert_eq!(text(&json(both).await.1, "error"), "invalid_request");
    let (_, public) = at.token(&[CLIENT_CREDENTIALS]).await;
    assert_eq!(text(&public, "error"), "unauthorized_client");
}

async fn register(at: &At<'_>, metadata: Value) -> Answer {
    let request = at.bench.http.post(format!("{}/register", at.issuer));
    json(request.header("content-type", "application/json").body(metadata.to_string())).await
}

#[tokio::test]
async fn registered_client_is_limited_to_its_metadata() {
    let bench = start().await;
    let at = bench.root();
    let metadata = object!({
        "redirect_uris": ["http://127.0.0.1/registered", "https://app.example/callback"],
        "token_endpoint_auth_method": "client_secret_post",
        "client_name": "A test",
    });
    let (status, client) = register(&at, metadata).await;
    assert_eq!((status, text(&client, "client_name")), (201, "A test"));
    let (id, secret) = (text(&client, "client_id"), text(&client, "client_secret"));
    for (uri, status) in [
        ("http://127.0.0.1:4711/registered", 302),
        ("https://app.example/callback", 302),
        ("http://127.0.0.1:4711/other", 400),
        ("https://app.example/callback/", 400),
    ] {
        let url = at.authorize_url(&[("client_id", id), ("redirect_uri", uri)]);
        assert_eq!(bench.http.get(url).send().await.unwrap().status(), status, "{uri}");
    }
    let ask = async |secret: &str| {
        at.token(&[CLIENT_CREDENTIALS, ("client_id", id), ("client_secret", secret)]).await
    };
    assert_eq!(ask(secret).await.0, 200);
    assert_eq!(ask("wrong").await.0, 401);
    assert_eq!(ask("-").await.0, 401);
    let basic = at.token_request(&[CLIENT_CREDENTIALS, ("client_id", "-")]);
    assert_eq!(json(basic.basic_auth(id, Some(secret))).await.0, 401);
    let (status, error) = register(&at, object!({"redirect_uris": ["no uri"]})).await;
    assert_eq!((status, text(&error, "error")), (400, "invalid_redirect_uri"));
}

#[tokio::test]
async fn client_assertions_are_verified_and_good_once() {
    let bench = start().await;
    let at = bench.root();
    let (key, other) = (Key::new(), Key::new());
    let metadata = object!({
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [key.jwk]},
    });
    let (_, client) = register(&at, metadata).await;
    let id = text(&client, "client_id");
    let assertion = |key: &Key, aud: &str, jti: &str| {
        let exp = bench.clock.unix() + 60;
        let claims = object!({"iss": id, "sub": id, "aud": aud, "exp": exp, "jti": jti});
        key.sign(&object!({"alg": "ES256"}), &claims)
    };
    let ask = async |assertion: String| {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let fields = [
            CLIENT_CREDENTIALS,
            ("client_id", "-"),
            ("client_assertion_type", kind),
            ("client_assertion", &assertion),
        ];
        at.token(&fields).await.0
    };
    assert_eq!(ask(assertion(&other, &at.issuer, "1")).await, 401);
    assert_eq!(ask(assertion(&key, "https://other.example", "2")).await, 401);
    assert_eq!(ask(assertion(&key, &at.issuer, "3")).await, 200);
    assert_eq!(ask(assertion(&key, &at.issuer, "3")).await, 401);
}

#[tokio::test]
async fn grants_without_a_browser_work() {
    let bench = start().await;
    let at = bench.root();
    let password = async |word: &str| {
        at.token(&[
            ("grant_type", "password"),
            ("username", "ada"),
            ("password", word),
            ("scope", "openid"),
        ])
        .await
    };
    assert_eq!(text(&password("wrong").await.1, "error"), "invalid_grant");
    let (_, tokens) = password("ada").await;
    assert!(tokens["id_token"].is_string());
    let (status, exchanged) = at
        .token(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", text(&tokens, "access_token")),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("audience", "backend"),
        ])
        .await;
    assert_eq!(status, 200, "{exchanged}");
    let fields = [("token", text(&exchanged, "access_token")), ("client_id", CLIENT)];
    let (_, seen) = json(at.post("/introspect", &fields)).await;
    assert_eq!(seen["aud"], object!(["backend"]));
    let exp = bench.clock.unix() + 60;
    let claims = object!({"iss": "me", "sub": "robot", "aud": at.issuer, "exp": exp});
    let assertion = Key::new().sign(&object!({"alg": "ES256"}), &claims);
    let bearer = async || {
        at.token(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", &assertion),
        ])
        .await
    };
    assert_eq!(bearer().await.0, 200);
    bench.clock.advance(60);
    assert_eq!(text(&bearer().await.1, "error"), "invalid_grant");
    let (_, error) = at.token(&[("grant_type", "implicit")]).await;
    assert_eq!(text(&error, "error"), "unsupported_grant_type");
}

#[tokio::test]
async fn dpop_binds_tokens_to_a_key() {
    let bench = start().await;
    let at = bench.root();
    let (key, other) = (Key::new(), Key::new());
    let now = bench.clock.unix();
    let token_url = format!("{}/token", at.issuer);
    let proof = key.proof(&token_url, "POST", object!({"iat": now, "jti": "1"}));
    let code = at.code().await;
    let (_, tokens) = json(at.redeem_request(&code).header("dpop", &proof)).await;
    assert_eq!(text(&tokens, "token_type"), "DPoP");
    let access = text(&tokens, "access_token");
    let userinfo = async |key: &Key, scheme: &str, ath: &str, jti: &str| {
        let claims = object!({"iat": now, "jti": jti, "ath": ath});
        let proof = key.proof(&format!("{}/userinfo", at.issuer), "GET", claims);
        let request = at.get("/userinfo").header("authorization", format!("{scheme} {access}"));
        json(request.header("dpop", proof)).await.0
    };
    assert_eq!(userinfo(&key, "DPoP", &sha256(access), "2").await, 200);
    assert_eq!(userinfo(&key, "DPoP", &sha256(access), "2").await, 401, "a proof is good once");
    assert_eq!(userinfo(&key, "Bearer", &sha256(access), "3").await, 401);
    assert_eq!(userinfo(&key, "DPoP", "other", "4").await, 401);
    assert_eq!(userinfo(&other, "DPoP", &sha256(access), "5").await, 401);
    let (_, error) = at.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!(text(&error, "error"), "invalid_grant");
}

#[tokio::test]
async fn dpop_can_ask_for_a_nonce() {
    let bench = start().await;
    let at = bench.with("dpop-nonce");
    let key = Key::new();
    let (now, url) = (bench.clock.unix(), format!("{}/token", at.issuer));
    let code = at.code().await;
    let proof = key.proof(&url, "POST", object!({"iat": now, "jti": "1"}));
    let refused = at.redeem_request(&code).header("dpop", proof).send().await.unwrap();
    let nonce = refused.headers()["dpop-nonce"].to_str().unwrap().to_owned();
    assert_eq!(refused.status(), 400);
    let proof = key.proof(&url, "POST", object!({"iat": now, "jti": "2", "nonce": nonce}));
    assert_eq!(json(at.redeem_request(&code).header("dpop", proof)).await.0, 200);
}
