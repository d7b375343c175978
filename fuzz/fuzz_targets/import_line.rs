//! An exported line: it is read or refused, and what was read is exported and read again unchanged.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oauthctl_core::Secret;
use oauthctl_core::store::portable;

/// A key for these tests alone.
const IDENTITY: &str = "AGE-SECRET-KEY-127H3HFFGGCG4Q4NX0KN2L2AT62WKHRZLRHLWW8C2K687CT24WWMSSGTMQQ";

fuzz_target!(|line: &str| {
    let identity = Secret::new(IDENTITY);
    for identity in [None, Some(&identity)] {
        let Ok(grant) = portable::import(&Secret::new(line), identity) else { continue };
        let Ok(exported) = portable::export(&grant, &[]) else { continue };
        let again = portable::import(&exported, None).unwrap();
        assert!(again == grant);
    }
});
