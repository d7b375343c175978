use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauthctl_sandbox::{Clock, Sandbox, SandboxOptions};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use url::Url;

use crate::clock::ManualClock;
pub(crate) use crate::jwt::jwt_part;

pub(crate) const CLIENT: &str = "test-client";
pub(crate) const REDIRECT: &str = "http://127.0.0.1:1/callback?kept=a%2Fb";
pub(crate) const VERIFIER: &str = "a-verifier-that-is-long-enough-for-rfc-7636-0123456789";

pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) http: Client,
    pub(crate) issuer: String,
}

pub(crate) async fn start() -> Bench {
    start_with(SandboxOptions { auto_consent: true, ..SandboxOptions::default() }).await
}

pub(crate) async fn start_with(options: SandboxOptions) -> Bench {
    let clock = Arc::new(ManualClock::at(1_800_000_000));
    let options = SandboxOptions { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..options };
    let sandbox = Sandbox::start(options).await.unwrap();
    let http = Client::builder()
        .no_proxy()
        .no_gzip()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let issuer = sandbox.issuer().to_owned();
    Bench { sandbox, clock, http, issuer }
}

impl Bench {
    /// The same server's issuer with these scenarios.
    pub(crate) fn with(&self, scenarios: &str) -> At<'_> {
        At { bench: self, issuer: self.sandbox.issuer_with(scenarios) }
    }

    pub(crate) fn root(&self) -> At<'_> {
        At { bench: self, issuer: self.issuer.clone() }
    }
}

/// A status and a JSON body.
pub(crate) type Answer = (u16, Value);

pub(crate) struct At<'a> {
    pub(crate) bench: &'a Bench,
    pub(crate) issuer: String,
}

impl At<'_> {
    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.bench.http.get(format!("{}{path}", self.issuer))
    }

    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        self.bench
            .http
            .post(format!("{}{path}", self.issuer))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(encode(fields))
    }

    pub(crate) fn authorize_url(&self, extra: &[(&str, &str)]) -> String {
        let challenge = sha256(VERIFIER);
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", REDIRECT),
            ("state", "the state & more"),
            ("nonce", "the-nonce"),
            ("scope", "openid profile email"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        fields.retain(|(name, _)| !extra.iter().any(|(n, _)| n == name));
        fields.extend(extra.iter().filter(|(_, value)| *value != "-"));
        format!("{}/authorize?{}", self.issuer, encode(&fields))
    }

    /// The parameters of the authorization response.
    pub(crate) async fn authorize(&self, extra: &[(&str, &str)]) -> Vec<(String, String)> {
        let response = self.bench.http.get(self.authorize_url(extra)).send().await.unwrap();
        callback(&response)
    }

    pub(crate) async fn code(&self) -> String {
        value(&self.authorize(&[]).await, "code").unwrap()
    }

    pub(crate) fn token_request(&self, fields: &[(&str, &str)]) -> RequestBuilder {
        let mut all = fields.to_vec();
        if !fields.iter().any(|(name, _)| *name == "client_id") {
            all.push(("client_id", CLIENT));
        }
        all.retain(|(_, value)| *value != "-");
        self.post("/token", &all)
    }

    pub(crate) async fn token(&self, fields: &[(&str, &str)]) -> Answer {
        json(self.token_request(fields)).await
    }

    pub(crate) fn redeem_request(&self, code: &str) -> RequestBuilder {
        self.token_request(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ])
    }

    pub(crate) async fn redeem(&self, code: &str) -> Answer {
        json(self.redeem_request(code)).await
    }

    /// A whole login.
    pub(crate) async fn login(&self) -> Value {
        let (status, tokens) = self.redeem(&self.code().await).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    pub(crate) async fn is_active(&self, token: &str) -> bool {
        let fields = [("token", token), ("client_id", CLIENT)];
        json(self.post("/introspect", &fields)).await.1["active"] == true
    }
}

pub(crate) async fn json(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

pub(crate) fn callback(response: &Response) -> Vec<(String, String)> {
    let location = response.headers()["location"].to_str().unwrap();
    assert!(location.starts_with(REDIRECT), "{location}");
    Url::parse(location).unwrap().query_pairs().into_owned().collect()
}

pub(crate) fn value(pairs: &[(String, String)], name: &str) -> Option<String> {
    pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone())
}

pub(crate) fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_else(|| panic!("no {name} in {json}"))
}

pub(crate) fn encode(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

pub(crate) fn sha256(text: &str) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.as_ref())
}
