//! What is hidden, and what is not.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::*;

/// A secret with characters that every encoding writes otherwise.
const SECRET: &str = "S3/cr+et&<\"é>=?x";

fn known(secrets: &[&str]) -> Known {
    let secrets: Vec<Secret> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
    Known::of(&secrets)
}

fn hidden(secret: &str, text: &str) -> String {
    known(&[secret]).hide(text)
}

fn percent(secret: &str, write: impl Fn(usize, u8) -> Option<String>) -> String {
    let bytes = secret.bytes().enumerate();
    bytes.map(|(at, b)| write(at, b).unwrap_or_else(|| char::from(b).to_string())).collect()
}

fn hex_of(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn secret_is_hidden_in_every_encoding() {
    let upper = percent(SECRET, |_, b| Some(format!("%{b:02X}")));
    let lower = percent(SECRET, |_, b| Some(format!("%{b:02x}")));
    let partly =
        percent(SECRET, |at, b| (at % 3 == 0 || !b.is_ascii()).then(|| format!("%{b:02x}")));
    let form: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let units: Vec<u16> = SECRET.encode_utf16().collect();
    let json_units: String = units.iter().map(|unit| format!("\\u{unit:04X}")).collect();
    let html = SECRET.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let html_numbers: String = SECRET.chars().map(|c| format!("&#{};", u32::from(c))).collect();
    let html_hex: String = SECRET.chars().map(|c| format!("&#x{:x};", u32::from(c))).collect();
    let hex = hex_of(SECRET);
    for (what, written) in [
        ("as it is", SECRET.to_owned()),
        ("percent, upper", upper.clone()),
        ("percent, lower", lower),
        ("percent, partly", partly),
        ("percent, twice", upper.replace('%', "%25")),
        ("form", form.clone()),
        ("JSON", serde_json::Value::from(SECRET).to_string().trim_matches('"').to_owned()),
        ("JSON, units", json_units),
        ("JSON, slashes", SECRET.replace('"', "\\\"").replace('/', "\\/")),
        ("JSON in JSON", SECRET.replace('"', "\\\\\\\"")),
        ("HTML", html),
        ("HTML, numbers", html_numbers),
        ("HTML, hex", html_hex),
        ("HTML of a form", form.replace('%', "&#37;")),
        ("hex", hex.clone()),
        ("hex, upper", hex.to_ascii_uppercase()),
        ("another case", SECRET.to_ascii_lowercase()),
    ] {
        let shown = hidden(SECRET, &format!("before {written}! after"));
        assert_eq!(shown, "before [redacted]! after", "{what}: {written}");
    }
}

#[test]
fn base64_is_hidden_wherever_the_secret_stands_in_it() {
    for before in ["", "a", "ab", "abc", "client-id:"] {
        for after in ["", "z", "zz", "\",\"x\":1}"] {
            let bytes = format!("{before}{SECRET}{after}");
            for encoded in [
                STANDARD.encode(&bytes),
                URL_SAFE_NO_PAD.encode(&bytes),
                STANDARD.encode(&bytes).replace('+', "%2B").replace('/', "\\/").replace('=', "%3d"),
            ] {
                let shown = hidden(SECRET, &format!("token <{encoded}> is bad"));
                assert_eq!(shown, "token <[redacted]> is bad", "{bytes}: {encoded}");
            }
        }
    }
    // As a client that authenticates with Basic writes it.
    let form: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let basic = STANDARD.encode(format!("me:{form}"));
    assert_eq!(hidden(SECRET, &format!("Basic {basic}")), "Basic [redacted]");
}

#[test]
fn short_secret_or_a_word_is_hidden_as_a_word_only() {
    for (secret, text, shown) in [
        ("invalid", "invalid_grant: invalid", "invalid_grant: [redacted]"),
        ("invalid", "invalid-token invalidated", "invalid-token invalidated"),
        (
            "a",
            "a grant \"a\" & client_secret=a",
            "[redacted] grant \"[redacted]\" & client_secret=[redacted]",
        ),
        ("a", "unauthorized", "unauthorized"),
        ("123456", "at 123456, 1234567", "at [redacted], 1234567"),
        ("s3c", "was 's3c', s3cr", "was '[redacted]', s3cr"),
        ("authorization_code", "no authorization_code", "no [redacted]"),
        ("authorization_code", "the authorization_codes", "the authorization_codes"),
        ("!?", "a!?b", "a[redacted]b"),
    ] {
        assert_eq!(hidden(secret, text), shown, "{secret}");
        let known = known(&[secret]);
        assert!(known.hide_quoted(text).contains(secret) || !text.contains(secret), "{secret}");
    }
}

#[test]
fn short_secret_that_is_no_word_is_hidden_anywhere() {
    for (secret, text, shown) in [
        ("s3cr3t", "was 's3cr3t', s3cr3ts", "was '[redacted]', [redacted]s"),
        ("s3cr3t", "%733cr3t=&#115;3cr3t", "[redacted]=[redacted]"),
        ("s3cr3t", "czNjcjN0 733363723374 733363723374a", "[redacted] [redacted] 733363723374a"),
        ("p@ss", "p@ss, xp@ss", "[redacted], x[redacted]"),
        ("Xyz9", "client_secret:Xyz9expires", "client_secret:[redacted]expires"),
    ] {
        assert_eq!(hidden(secret, text), shown, "{secret}");
        assert!(!known(&[secret]).hide_quoted(text).contains(secret), "{secret}");
    }
    // What a server sent and may be no secret would garble its own words.
    for origin in [Origin::Answer, Origin::Unknown] {
        let mut known = Known::default();
        known.remember("us-1", origin);
        assert_eq!(known.hide("us-1 eus-12"), "[redacted] eus-12");
    }
}

#[test]
fn overlapping_secrets_are_hidden() {
    let long: String = (0..100).map(|number| format!("{number:02}")).collect();
    for (secrets, text, shown) in [
        (vec!["abcdefgh1", "efgh1ijklmnop"], "abcdefgh1ijklmnop.", "[redacted]."),
        (vec!["12345678", "1234567890"], "1234567890", "[redacted]"),
        (vec!["12345678"], "1234567812345678", "[redacted]"),
        (vec!["12345678", "12345678"], "é12345678é", "é[redacted]é"),
        (vec![long.as_str()], &format!("cut: {}... done", &long[..150]), "cut: [redacted] done"),
        (vec!["", "12345678"], "", ""),
        (vec!["12345678"], "nothing of it", "nothing of it"),
        (vec!["p%C3%A9p%C3%A9p"], "pépép p%C3%A9p%C3%A9p", "[redacted] [redacted]"),
        (vec![long.as_str()], &hex_of(&long)[..100], "[redacted]"),
        (vec!["12345678%E9"], "12345678%E9 12345678鿿", "[redacted] [redacted]"),
    ] {
        assert_eq!(known(&secrets).hide(text), shown, "{secrets:?}");
    }
}

#[test]
fn random_text_is_redacted_and_survives() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut below = |limit: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 33).unwrap() % limit
    };
    let pieces = [
        "%",
        "2",
        "F",
        "f",
        "&",
        "amp;",
        "#",
        "\\",
        "u00",
        "é",
        "鿿",
        "a",
        " ",
        "\u{1f600}",
        SECRET,
    ];
    for round in 0..5_000 {
        let text: String = (0..below(30)).map(|_| pieces[below(pieces.len())]).collect();
        let secret: String = (0..1 + below(12)).map(|_| pieces[below(pieces.len())]).collect();
        let shown = known(&[SECRET, &secret]).hide(&text);
        assert!(!shown.contains(SECRET), "round {round}: {text}");
        if secret.len() >= 8 {
            assert!(!shown.contains(&secret), "round {round}: {secret} in {text}: {shown}");
        }
    }
}

#[test]
fn unknown_values_displace_no_secret() {
    let mut known = Known::default();
    known.remember("our-0wn-secret", Origin::Own);
    for number in 0..2_000 {
        known.remember(&format!("their-{number:08}-t0ken"), Origin::Answer);
        known.remember(&format!("unknown-{number:08}-value"), Origin::Unknown);
    }
    let text = "our-0wn-secret their-00001999-t0ken unknown-00001999-value";
    assert_eq!(known.hide(text), "[redacted] [redacted] [redacted]");
    let forgotten = "their-00000000-t0ken unknown-00000000-value";
    assert_eq!(known.hide(forgotten), forgotten);
    // One that is seen again is as good as new.
    for number in 0..1_023 {
        known.remember(&format!("own-{number:08}-secret"), Origin::Own);
    }
    known.remember("our-0wn-secret", Origin::Own);
    known.remember("one-m0re-secret", Origin::Own);
    assert_eq!(known.hide("our-0wn-secret one-m0re-secret"), "[redacted] [redacted]");
    assert_eq!(known.hide("own-00000000-secret"), "own-00000000-secret");
}

/// Texts made to take as long as possible: in quadratic time this would not end.
#[test]
fn redaction_of_large_texts_is_fast() {
    const SIZE: usize = 1 << 17;
    let repeated = "a".repeat(60_000) + "b1";
    let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEiLCJ0eXAiOiJKV1QifQ.";
    let tokens: Vec<String> = (0..512).map(|number| format!("{token}{number}")).collect();
    let mut all: Vec<&str> = tokens.iter().map(String::as_str).collect();
    all.extend([repeated.as_str(), SECRET]);
    let known = known(&all);
    let base64 = URL_SAFE_NO_PAD.encode(SECRET);
    let texts = [
        "a".repeat(SIZE),
        "eyJhbGci".repeat(SIZE / 8),
        token.repeat(SIZE / token.len()),
        base64.repeat(SIZE / base64.len()),
        "%2525252525".repeat(SIZE / 11),
        "\\".repeat(SIZE),
        "&#".repeat(SIZE / 2),
    ];
    for text in &texts {
        let hidden = known.hide(text);
        assert!(hidden.len() <= text.len() + super::HIDDEN.len(), "{}", &text[..8]);
    }
}
