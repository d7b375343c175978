//! Providers whose tenants would reach files, programs and hosts of the operator.

use serde_json::json;

use crate::support::{Broker, Browser, Home, provider, start_broker, token_requests};

#[tokio::test]
async fn provider_cannot_name_files_programs_private_hosts() {
    let (_home, _broker, api) = start_broker();
    let good = json!({ "issuer": "https://as.example", "client_id": "c" });
    for (key, value) in [
        ("redirect_uri", json!("https://evil.example/callback")),
        ("hooks", json!({ "pre_token": ["sh"] })),
        ("write_back", json!(["sh"])),
        ("ca_file", json!("/etc/passwd")),
        ("client_secret", json!({ "file": "/etc/passwd" })),
        ("client_secret", json!({ "env": "OAUTHCTL_MASTER_KEY" })),
        ("client_secret", json!({ "command": ["id"] })),
        ("private_key", json!({ "file": "/etc/passwd" })),
        ("private_key", json!({ "env": "OAUTHCTL_MASTER_KEY" })),
        ("private_key", json!({ "keyring": "of-the-operator" })),
        ("private_key", json!(["id"])),
        ("private_key", json!("/etc/passwd")),
        ("private_key", json!({ "kty": "EC", "file": "/etc/passwd" })),
        ("certificate", json!({ "file": "/etc/passwd" })),
        ("certificate", json!({ "command": ["id"] })),
        ("certificate", json!("/etc/passwd")),
        ("client_id_metadata_url", json!("https://as.example/client")),
        ("service_account", json!({ "file": "/etc/passwd" })),
        ("subject_token", json!({ "kubernetes": "/etc/passwd" })),
        ("actor_token", json!({ "profile": "other/p" })),
        ("username", json!({ "env": "HOME" })),
        ("password", json!({ "env": "HOME" })),
        ("store", json!("file:/tmp")),
        ("client_assertion", json!({ "file": "/etc/passwd" })),
        ("grant", json!("client_credentials")),
        ("no_such_key", json!(1)),
        ("issuer", json!("https://169.254.169.254")),
        ("token_endpoint", json!("https://10.0.0.1/token")),
        ("token_endpoint", json!("https://[::ffff:10.0.0.1]/token")),
        ("token_endpoint", json!("http://as.example/token")),
        ("token_endpoint", json!("https://0xA9FEA9FE/token")),
        ("jwks_uri", json!("https://192.168.1.1/keys")),
    ] {
        let mut body = good.clone();
        body[key] = value;
        let answer = api.put("/v1/providers/p", &body).await;
        assert_eq!(answer.status, 400, "{key}: {}", answer.text);
    }
    api.put("/v1/providers/p", &good).await.json(201);
    for name in ["-p", "a b", "a%2fb", "%C3%A9", &"x".repeat(65)] {
        api.put(&format!("/v1/providers/{name}"), &good).await.problem(400);
    }
}

#[tokio::test]
async fn no_endpoint_of_a_provider_is_private() {
    let (_home, _broker, api) = start_broker();
    let good = json!({ "issuer": "https://as.example", "client_id": "c" });
    for endpoint in [
        "authorization_endpoint",
        "token_endpoint",
        "refresh_endpoint",
        "device_authorization_endpoint",
        "backchannel_authentication_endpoint",
        "pushed_authorization_request_endpoint",
        "revocation_endpoint",
        "introspection_endpoint",
        "userinfo_endpoint",
        "registration_endpoint",
        "end_session_endpoint",
        "jwks_uri",
    ] {
        let mut body = good.clone();
        body[endpoint] = json!("https://192.168.1.1/x");
        let answer = api.put("/v1/providers/p", &body).await.problem(400);
        assert!(answer["detail"].as_str().unwrap().contains("special-purpose"), "{answer}");
    }
}

#[tokio::test]
async fn loopback_provider_is_refused_by_a_public_server() {
    let sandbox = provider().await;
    let home = Home::new();
    let key = home.tenant("acme", &[]);
    let more = ["--behind-proxy", "--public-url", "https://broker.example"];
    let mut command = home.command(&["serve", "--listen", "0.0.0.0:0"]);
    let broker = Broker::start(command.args(more));
    let mut api = broker.api(&key);
    api.url = broker.url.replace("0.0.0.0", "127.0.0.1");
    let body = json!({ "issuer": sandbox.issuer(), "client_id": "app" });
    api.put("/v1/providers/sandbox", &body).await.problem(400);
    // What the name leads to is known only when it is resolved.
    let named = json!({ "issuer": "https://localhost.localdomain", "client_id": "app" });
    if api.put("/v1/providers/named", &named).await.status == 201 {
        let link = api.link(&json!({ "provider": "named", "user": "u" })).await;
        let link = link.replace("https://broker.example", &api.url);
        assert_eq!(Browser::default().open(&link).await.status, 502);
    }
    assert_eq!(sandbox.journal().len(), 0);
    assert_eq!(token_requests(&sandbox), 0);
}
