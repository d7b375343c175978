//! The response of a token endpoint: tokens are read from it or it is refused, and no error repeats a token.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oauthctl_core::port::HttpResponse;
use oauthctl_fuzz::{Client, authentic};

/// What a token begins with that no error may repeat.
const CANARY: &str = "CANARY-0123456789";

fuzz_target!(|input: (u16, &str, &[u8])| {
    let (status, content_type, body) = input;
    let client = Client::new();
    let headers = vec![("content-type".to_owned(), content_type.to_owned())];
    let response = HttpResponse { status: 200 + status % 400, headers, body: body.to_vec().into() };
    match client.complete(&authentic(&client.start("plain")), Some(response)) {
        Ok(done) => assert!(!done.token.value.expose().is_empty()),
        Err(error) => {
            let said = format!("{error} {error:?}");
            let token = serde_json::from_slice::<serde_json::Value>(body).ok().and_then(|body| {
                let token = body.get("access_token")?.as_str()?;
                token.starts_with(CANARY).then(|| token.to_owned())
            });
            assert!(token.is_none_or(|token| !said.contains(&token)), "{said}");
        }
    }
});
