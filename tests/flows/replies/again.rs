//! Requests that are repeated, because they spend nothing and the server said when.

use crate::person::*;
use crate::support::*;

/// The parts of a client that logs in by itself, the exit code, and how many requests it takes.
#[rustfmt::skip]
const AGAIN: &[(&str, i32, usize)] = &[
    ("client.busy-retry-after-1.1", 0, 2),
    ("client.limit-retry-after-1.2", 0, 3),
    ("client.busy-retry-after-0", 9, 3),
    ("client.busy-retry-after-past", 9, 3),
    ("client.busy-retry-after-1000000000", 9, 1),
    ("client.busy-retry-after-negative", 9, 1),
    ("client.busy-retry-after-junk", 9, 1),
    ("client.limit", 9, 1),
    ("client.status-503", 9, 1),
    ("client.status-500", 9, 1),
    ("client.reset-in-body", 9, 1),
    ("client.redirect-307", 8, 1),
];

#[test]
fn harmless_request_is_retried_after_retry_after() {
    for (part, code, requests) in AGAIN {
        let home = Home::new();
        let secret = hostile().secrets["service"].as_deref().unwrap();
        let more = format!(
            "client_secret = {secret:?}\ngrant = \"client_credentials\"\nscopes = [\"api\"]\n"
        );
        home.profile("p", &hostile().issuer(part), "service", &more);
        let output = home.run(["token"]).code(*code);
        assert_eq!(output.stdout.is_empty(), *code != 0, "{part}");
        let sent = hostile().requests(part, "token");
        assert_eq!(sent.len(), *requests, "{part}: {}", output.stderr);
        if part.contains("after-1.") {
            for pair in sent.windows(2) {
                let waited = pair[1]["ms"].as_f64().unwrap() - pair[0]["ms"].as_f64().unwrap();
                assert!(waited >= 1000.0, "{part}: asked to wait a second, waited {waited} ms");
            }
        }
    }
    hostile().assert_canary_untouched();
}
