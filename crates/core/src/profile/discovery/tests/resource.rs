//! Servers that a protected resource names.

use super::*;

#[test]
fn server_of_a_resource_gets_rfc_8414_request_first() {
    let of = |issuer: &str| {
        let urls = candidates(&Url::parse(issuer).unwrap(), DiscoveryRules::Mcp);
        urls.iter().map(|(_, url)| url.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("https://as.example/"), [RFC8414, OIDC]);
    assert_eq!(
        of("https://as.example/t"),
        [
            "https://as.example/.well-known/oauth-authorization-server/t",
            "https://as.example/.well-known/openid-configuration/t",
            "https://as.example/t/.well-known/openid-configuration",
        ]
    );
}

#[test]
fn server_that_a_resource_names_must_advertise_s256() {
    let mut profile = profile();
    profile.discovery_rules = DiscoveryRules::Mcp;
    for (methods, is_fine) in [
        (Value::Null, false),
        (serde_json::json!([]), false),
        (serde_json::json!(["plain"]), false),
        (serde_json::json!(["plain", "S256"]), true),
    ] {
        let document = metadata(&[("code_challenge_methods_supported", methods.clone())]);
        let outcome = run(&profile, &Web::default().page(RFC8414, 200, &document));
        assert_eq!(
            outcome.map_err(|e| e.kind()).err(),
            (!is_fine).then_some(ErrorKind::Validation),
            "{methods}"
        );
    }
}
