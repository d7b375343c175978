//! Secrets that the server repeats in its refusal.

use crate::person::*;
use crate::support::*;

/// A server that quotes the request in its refusal: the secret of the client is in it, or in the header.
#[test]
fn secret_that_the_server_repeats_is_not_shown() {
    for (client, auth) in
        [("cli-post", "client_secret_post"), ("cli-secret", "client_secret_basic")]
    {
        let home = Home::new();
        let secret = hostile().secrets[client].as_deref().unwrap();
        let more = format!("client_secret = {secret:?}\nclient_auth = {auth:?}\n");
        home.profile(
            "p",
            &hostile().issuer("code.error-echo~tag.secret"),
            client,
            &format!("{PASTED}{more}"),
        );
        let output = paste(&home).fails(8);
        assert!(error(&output).contains("[redacted]"), "{}", output.stderr);
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        assert_not_shown(&output.stderr, [secret, &encoded]);
        assert_not_shown(&output.stderr, hostile().secrets_minted());
    }
}

/// The same where the server writes it in another way. What is shown of a code, a verifier and a secret
/// tells nothing but their number.
#[test]
fn secret_that_comes_back_encoded_is_not_shown() {
    for encoding in [
        "percent",
        "percent-all",
        "percent-twice",
        "html",
        "json",
        "base64",
        "base64url",
        "hex",
        "hex-upper",
    ] {
        for (client, auth) in
            [("cli-post", "client_secret_post"), ("cli-secret", "client_secret_basic")]
        {
            let home = Home::new();
            let secret = hostile().secrets[client].as_deref().unwrap();
            let more = format!("client_secret = {secret:?}\nclient_auth = {auth:?}\n");
            let scenario = format!("code.error-echo-as-{encoding}~tag.{client}");
            home.profile("p", &hostile().issuer(&scenario), client, &format!("{PASTED}{more}"));
            let output = paste(&home).fails(8);
            let shown = "wrong: <[redacted]> <[redacted]> <[redacted]>";
            // In the trace, and in the error.
            let count = output.stderr.matches(shown).count();
            assert_eq!(count, 2, "{scenario}: {}", output.stderr);
        }
    }
}
