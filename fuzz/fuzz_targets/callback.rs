//! A callback that no authorization server made: nothing is redeemed for it.

#![no_main]

use std::cell::OnceCell;

use libfuzzer_sys::fuzz_target;
use oauthctl_core::AuthorizationResponse;
use oauthctl_fuzz::Client;

thread_local! {
    static CLIENT: OnceCell<Client> = const { OnceCell::new() };
}

fuzz_target!(|text: &str| {
    CLIENT.with(|client| {
        let client = client.get_or_init(|| {
            let client = Client::new();
            client.start("openid");
            client
        });
        let responses =
            [AuthorizationResponse::from_url(text), AuthorizationResponse::from_query(text)];
        for response in responses.into_iter().flatten() {
            assert!(client.complete(&response, None).is_err());
        }
    });
});
