//! The name of the site in browsers.

use axum::http::{HeaderMap, header};

#[path = "../../../examples/track_consent/origin.rs"]
mod origin;

#[test]
fn address_is_known_as_browsers_write_it() {
    for (listen, origin) in [
        ("127.0.0.1:80", "http://127.0.0.1"),
        ("127.0.0.1:8480", "http://127.0.0.1:8480"),
        ("127.0.0.1:443", "http://127.0.0.1:443"),
        ("[::1]:80", "http://[::1]"),
        ("[0::1]:8480", "http://[::1]:8480"),
    ] {
        assert_eq!(origin::of(listen.parse().unwrap()).unwrap(), origin);
        let host = origin.trim_start_matches("http://");
        let is_ours = |method: &str, host: &str, origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            let site = origin::of(listen.parse().unwrap()).unwrap();
            origin::is_ours(&site, &method.parse().unwrap(), &headers)
        };
        assert!(is_ours("GET", host, None) && is_ours("POST", host, Some(origin)), "{listen}");
        let with_slash = format!("{origin}/");
        for other in [None, Some("null"), Some("http://127.0.0.1:1"), Some(&*with_slash)] {
            assert!(!is_ours("POST", host, other), "{listen}: {other:?}");
        }
        for other in ["127.0.0.1:1", "localhost", ""] {
            assert!(!is_ours("GET", other, None), "{listen}: {other}");
        }
    }
}
