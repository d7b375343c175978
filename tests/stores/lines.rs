//! Accounts as lines of text: size limits, and hostile lines.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use oauthctl_core::store::file::keygen;
use oauthctl_core::store::portable::{LONGEST_LINE, export, import};
use oauthctl_core::{ErrorKind, Secret};

use crate::scene::{grant, key};

fn refusal(line: &str) -> oauthctl_core::Error {
    let (identity, _) = keygen();
    import(&Secret::new(line), Some(&identity)).unwrap_err()
}

fn age_line(sealed: &[u8]) -> String {
    format!("oauthctl-1-age.{}", BASE64.encode(sealed))
}

#[test]
fn largest_record_travels_both_ways() {
    let (identity, recipient) = keygen();
    let large = grant(&key("profile", "default"), 1, 5 * 1024 * 1024 - 2000);
    for recipients in [&[][..], &[recipient]] {
        let line = export(&large, recipients).unwrap();
        assert!(line.expose().len() <= LONGEST_LINE);
        assert_eq!(import(&line, Some(&identity)).unwrap(), large);
    }
    let larger = grant(&key("profile", "default"), 1, 5 * 1024 * 1024);
    let error = export(&larger, &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store, "{error}");
}

#[test]
fn line_with_a_hostile_header_is_refused_unparsed() {
    let magic = b"age-encryption.org/v1\n";
    let stanzas = [&magic[..], &b"-> X25519 AAAA\n".repeat(122 * 1024 / 15)].concat();
    let error = refusal(&age_line(&stanzas));
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    assert!(error.message().contains("more than 100 recipients"), "{error}");
    let body = [&magic[..], b"-> X25519 AAAA\n", &[b'A'; 64].repeat(2000)].concat();
    assert!(refusal(&age_line(&body)).message().contains("16 KiB"));
    let longest = "A".repeat(LONGEST_LINE + 1);
    for prefix in ["oauthctl-1-age.", "oauthctl-1-plain."] {
        let error = refusal(&format!("{prefix}{longest}"));
        assert!(error.message().contains("longer than any exported account"), "{error}");
    }
}

#[test]
fn line_has_as_many_recipients_as_can_be_read() {
    let (identity, recipient) = keygen();
    let small = grant(&key("profile", "default"), 1, 10);
    let line = export(&small, &vec![recipient.clone(); 100]).unwrap();
    assert_eq!(import(&line, Some(&identity)).unwrap(), small);
    let error = export(&small, &vec![recipient; 101]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
}
