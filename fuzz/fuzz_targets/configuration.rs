//! A configuration file: it is read or refused, and what was read can be shown.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oauthctl_core::profile::{Config, describe};

fuzz_target!(|text: &str| {
    match text.parse::<Config>() {
        Ok(config) => {
            for profile in config.profiles.values() {
                assert!(!describe::effective(profile).is_empty());
            }
        }
        Err(error) => assert!(!error.message().is_empty()),
    }
});
