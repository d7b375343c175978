//! Requests that are repeated, because they spend nothing and the server said when.

use std::time::Duration;

use oauthctl_sandbox::{CONFIDENTIAL_CLIENT, CONFIDENTIAL_SECRET, Transport};

use crate::support::shapes::*;
use crate::support::*;

const GRANT: &str = "client_credentials";

#[test]
fn harmless_request_is_retried_after_retry_after() {
    const ALWAYS: usize = usize::MAX;
    // What a client that logs in by itself gets so often, the exit code, and how many requests it takes.
    for (name, shape, times, code, requests) in [
        ("busy-1", busy(503, "1"), 1, 0, 2),
        ("limit-1", busy(429, "1"), 2, 0, 3),
        ("busy-0", busy(503, "0"), ALWAYS, 9, 3),
        ("busy-past", busy(503, "Fri, 31 Dec 1999 23:59:59 GMT"), ALWAYS, 9, 3),
        ("busy-long", busy(503, "1000000000"), ALWAYS, 9, 1),
        ("busy-negative", busy(503, "-1"), ALWAYS, 9, 1),
        ("busy-junk", busy(503, "soon\u{e9}"), ALWAYS, 9, 1),
        ("limit", status(429), ALWAYS, 9, 1),
        ("status-503", status(503), ALWAYS, 9, 1),
        ("status-500", status(500), ALWAYS, 9, 1),
        ("reset-in-body", sent(Transport::HalfReset), ALWAYS, 9, 1),
        ("redirect-307", redirect(307, &canary().origin), ALWAYS, 8, 1),
    ] {
        let (server, home) = (Scripted::start(), Home::new());
        server.refuse(GRANT, &shape, times);
        let more = format!(
            "client_secret = {CONFIDENTIAL_SECRET:?}\ngrant = {GRANT:?}\nscopes = [\"api\"]\n"
        );
        home.profile("p", server.issuer(), CONFIDENTIAL_CLIENT, &more);
        let output = home.run(["token"]).code(code);
        assert_eq!(output.stdout.is_empty(), code != 0, "{name}");
        let sent = server.requests(GRANT);
        assert_eq!(sent.len(), requests, "{name}: {}", output.stderr);
        if name.ends_with("-1") {
            for pair in sent.windows(2) {
                let waited = pair[1].at.duration_since(pair[0].at);
                assert!(waited >= Duration::from_secs(1), "{name}: waited {waited:?}");
            }
        }
    }
    assert_canary_untouched();
}
