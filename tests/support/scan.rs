//! Looks for secrets in everything that a run left behind.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::home::Home;

/// Fails if one of the needles is found in a file of this home, or in a file's name: as it is, in hex, or in
/// base64 at any alignment. What the scripted browser noted is left out; it is meant to see the code.
#[track_caller]
pub fn assert_no_secret<S: AsRef<str>>(home: &Home, needles: impl IntoIterator<Item = S>) {
    let needles: Vec<(String, Vec<Vec<u8>>)> =
        needles.into_iter().map(|n| (n.as_ref().to_owned(), disguises(n.as_ref()))).collect();
    assert!(!needles.is_empty(), "nothing to look for");
    for path in home.files() {
        let name = path.strip_prefix(home.root()).unwrap().display().to_string();
        let content = std::fs::read(&path).unwrap();
        for (needle, disguises) in &needles {
            let found = disguises.iter().any(|d| holds(&content, d) || holds(name.as_bytes(), d));
            assert!(!found, "{needle:?} is in {name}");
        }
    }
}

/// Fails if one of the needles is in this text.
#[track_caller]
pub fn assert_not_shown<S: AsRef<str>>(text: &str, needles: impl IntoIterator<Item = S>) {
    for needle in needles {
        assert!(!text.contains(needle.as_ref()), "{:?} is shown in:\n{text}", needle.as_ref());
    }
}

fn disguises(needle: &str) -> Vec<Vec<u8>> {
    assert!(needle.len() >= 8, "too short to tell from chance: {needle:?}");
    let bytes = needle.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut all = vec![bytes.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()];
    for lead in 0..3 {
        // Only whole groups of three bytes read the same wherever the needle begins.
        let whole = &bytes[lead..bytes.len() - (bytes.len() - lead) % 3];
        all.push(STANDARD_NO_PAD.encode(whole).into_bytes());
        all.push(URL_SAFE_NO_PAD.encode(whole).into_bytes());
    }
    all
}

fn holds(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}
