//! A code is sent once, whatever happens to its request, with or without TLS, whether or not the server
//! acted.

use std::sync::atomic::{AtomicUsize, Ordering};

use oauthctl_sandbox::{CONFIDENTIAL_CLIENT, CONFIDENTIAL_SECRET};
use serde_json::json;

use crate::replies::assert_all_tried;
use crate::support::shapes::*;
use crate::support::*;
use crate::user::*;

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
    assert_all_tried("tls", &FAULTS.iter().map(|(fault, _)| *fault).collect::<Vec<_>>());
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
    let (server, home) = (Scripted::start(), Home::new());
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    server.reply("metadata", &set("token_endpoint", json!(format!("http://{closed}/token"))));
    server.profile(&home, PASTED);
    let output = paste(&home).fails(9);
    assert!(error(&output).contains("connection refused"), "{}", output.stderr);
    assert_eq!(server.requests_at("token").len(), 0);
    assert_no_secret(&home, server.secrets());
}

/// Never content with a nonce: another is wanted each time (RFC 9449, section 8).
fn always_another_nonce() -> Shape {
    let count = AtomicUsize::new(0);
    shape(move |answer, request| {
        oauth_error("use_dpop_nonce", 400)(answer, request);
        let nonce = count.fetch_add(1, Ordering::SeqCst);
        answer.set("dpop-nonce", format!("nonce-{nonce}"));
    })
}

/// A proof with a nonce of the server's is another request, which the server has asked for (RFC 9449, section 8).
/// One that is never content gets no third.
#[test]
fn nonce_is_answered_once() {
    let service =
        format!("client_secret = {CONFIDENTIAL_SECRET:?}\ngrant = \"client_credentials\"\n");
    for (grant_type, client, more) in
        [(CODE_GRANT, "cli", PASTED), ("client_credentials", CONFIDENTIAL_CLIENT, &service)]
    {
        let (server, home) = (Scripted::start(), Home::new());
        server.refuse(grant_type, &always_another_nonce(), usize::MAX);
        home.profile("p", server.issuer(), client, &format!("dpop = true\n{more}"));
        let output = if client == "cli" { paste(&home) } else { home.run(["token"]) }.fails(8);
        assert!(error(&output).contains("use_dpop_nonce"), "{}", output.stderr);
        let sent = server.requests(grant_type);
        let proofs: Vec<serde_json::Value> =
            sent.iter().map(|asked| jwt_part(asked.proof.as_deref().unwrap(), 1)).collect();
        assert_eq!(proofs.len(), 2, "{client}");
        assert!(proofs[0]["nonce"].is_null(), "{proofs:?}");
        assert_eq!(proofs[1]["nonce"], "nonce-0", "{proofs:?}");
        assert_ne!(proofs[0]["jti"], proofs[1]["jti"]);
        for proof in &proofs {
            assert_eq!(proof["htm"], "POST");
            assert_eq!(proof["htu"], format!("{}/token", server.issuer()));
            assert!(proof["iat"].is_u64() && proof["jti"].as_str().unwrap().len() >= 16, "{proof}");
        }
    }
}
