//! A code is sent once, whatever happens to its request, with or without TLS, whether or not the server
//! acted.

use crate::person::*;
use crate::support::*;

/// What happens to the request, and the exit code.
#[rustfmt::skip]
const FAULTS: &[(&str, i32)] = &[
    ("reset-before", 9),
    ("close-before", 9),
    ("empty-answer", 9),
    ("reset-in-headers", 9),
    ("close-after-headers", 9),
    ("reset-in-body", 9),
    ("half-body", 9),
    ("half-chunked", 9),
    ("not-http", 9),
    ("gzip-broken", 9),
    ("status-500", 9),
    ("status-502", 9),
    ("status-503", 9),
    ("busy-retry-after-1", 9),
    ("limit-retry-after-1", 9),
    ("limit", 9),
    ("redirect-307", 8),
    ("redirect-same-origin-308", 8),
    ("server-error", 9),
    ("temporarily-unavailable", 9),
];

/// The codes that the token endpoint of a scenario was sent.
fn codes(scenario: &str) -> Vec<String> {
    let sent = hostile().requests(scenario, "token");
    let code = |entry: &serde_json::Value| {
        let form = url::form_urlencoded::parse(entry["body"].as_str().unwrap().as_bytes());
        form.into_owned().find_map(|(name, value)| (name == "code").then_some(value)).unwrap()
    };
    sent.iter().map(code).collect()
}

#[test]
fn over_tls_too_a_code_is_sent_once() {
    let home = Home::new();
    profile_over_tls(&home, "https", "honest", PASTED);
    paste(&home).ok();
    let before = home.run(["token"]).ok().stdout;
    for place in ["code", "after-code"] {
        for (fault, code) in FAULTS {
            let scenario = format!("{place}.{fault}~tag.tls-once");
            profile_over_tls(&home, "https", &scenario, PASTED);
            paste(&home).fails(*code);
            let sent = codes(&scenario);
            assert_eq!(sent.len(), 1, "{scenario}: {sent:?}");
            profile_over_tls(&home, "https", "honest", PASTED);
            assert_eq!(home.run(["token", "--cached"]).ok().stdout, before, "{scenario}");
        }
    }
    home.run(["refresh"]).ok();
    hostile().assert_canary_untouched();
}

/// If nothing of the request left this machine, the code is unused: it is sent as soon as the server
/// listens.
#[test]
fn connection_that_was_refused_spends_nothing() {
    let home = Home::new();
    pasting(&home, "discovery.refused-token-endpoint~tag.once", "");
    let output = paste(&home).fails(9);
    assert!(error(&output).contains("connection refused"), "{}", output.stderr);
    assert_eq!(codes("discovery.refused-token-endpoint~tag.once"), [""; 0]);
    assert_no_secret(&home, hostile().secrets_minted());
}

/// A proof with a nonce of the server's is another request, which the server has asked for (RFC 9449, section 8).
/// One that is never content gets no third.
#[test]
fn nonce_is_answered_once() {
    let rows = [
        ("code.use-dpop-nonce", "cli", PASTED.to_owned()),
        ("client.use-dpop-nonce", "service", {
            let secret = hostile().secrets["service"].as_deref().unwrap();
            format!("client_secret = {secret:?}\ngrant = \"client_credentials\"\n")
        }),
    ];
    for (scenario, client, more) in rows {
        let home = Home::new();
        home.profile("p", &hostile().issuer(scenario), client, &format!("dpop = true\n{more}"));
        let output = if client == "cli" { paste(&home) } else { home.run(["token"]) }.fails(8);
        assert!(error(&output).contains("use_dpop_nonce"), "{}", output.stderr);
        let proofs: Vec<serde_json::Value> =
            hostile().requests(scenario, "token").iter().map(proof).collect();
        assert_eq!(proofs.len(), 2, "{scenario}");
        assert!(proofs[0]["nonce"].is_null() && proofs[1]["nonce"].is_string(), "{proofs:?}");
        assert_ne!(proofs[0]["jti"], proofs[1]["jti"]);
        for proof in &proofs {
            assert_eq!(proof["htm"], "POST");
            assert_eq!(proof["htu"], format!("{}/token", hostile().issuer(scenario)));
            assert!(proof["iat"].is_u64() && proof["jti"].as_str().unwrap().len() >= 16, "{proof}");
        }
    }
}

/// The claims of the DPoP proof in a request.
fn proof(entry: &serde_json::Value) -> serde_json::Value {
    let headers = entry["headers"].as_array().unwrap();
    let at = headers.iter().position(|h| h.as_str().unwrap().eq_ignore_ascii_case("dpop")).unwrap();
    jwt_part(headers[at + 1].as_str().unwrap(), 1)
}
