//! A state that was altered: it is refused, and nothing is redeemed.

#![no_main]

use std::cell::OnceCell;

use libfuzzer_sys::fuzz_target;
use oauthctl_core::AuthorizationResponse;
use oauthctl_fuzz::Client;

thread_local! {
    static CLIENT: OnceCell<(Client, String)> = const { OnceCell::new() };
}

fuzz_target!(|input: (u16, u16, &str)| {
    let (at, length, text) = input;
    CLIENT.with(|client| {
        let (client, state) = client.get_or_init(|| {
            let client = Client::new();
            let state = client.start("openid").state;
            (client, state)
        });
        // A part of the authentic state replaced: all of it, nothing, or anything between.
        let at = usize::from(at) % (state.len() + 1);
        let end = (at + usize::from(length)).min(state.len());
        let altered = format!("{}{text}{}", &state[..at], &state[end..]);
        if altered == *state {
            return;
        }
        let parameters = [("code", "code"), ("state", altered.as_str())];
        let Ok(response) = AuthorizationResponse::from_parameters(parameters) else { return };
        let Ok(response) = response.received_at("http://127.0.0.1:8080/callback") else { return };
        assert!(client.complete(&response, None).is_err());
    });
});
