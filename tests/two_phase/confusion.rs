//! States forged without the key, and machines that share only the key.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::scene::{Scene, complete, profile, visit};
use crate::support::{Home, assert_not_shown, jwt_part};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A JWT with this header, signed with HMAC and these bytes.
fn hs256(header: &str, payload: &str, key: &[u8]) -> String {
    let text = format!("{}.{payload}", b64(header));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
    format!("{text}.{}", b64(aws_lc_rs::hmac::sign(&key, text.as_bytes())))
}

/// The same value with other bits where a decoder may not look.
fn not_canonical(part: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (head, last) = part.split_at(part.len() - 1);
    let at = ALPHABET.find(last).unwrap();
    format!("{head}{}", &ALPHABET[at ^ 1..=at ^ 1])
}

/// A header that says something else, or the same in another way.
fn changed_headers(ours: &str) -> Vec<String> {
    let more = |more: &str| ours.replacen('{', &format!("{{{more},"), 1);
    vec![
        more("\"zip\":\"DEF\""),
        more("\"crit\":[\"x\"]"),
        more("\"jku\":\"http://127.0.0.1:1/\""),
        more("\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}"),
        more("\"b64\":false"),
        more("\"alg\":\"none\""),
        format!("{ours} "),
        ours.replace(':', ": "),
        ours.replace("\"alg\"", "\"\\u0061lg\""),
    ]
}

/// All of these are refused alike, with the URL's state replaced; nothing is sent. What is added for a
/// state of five parts depends on their number alone.
fn all_alike(scene: &Scene, callback: &str, state: &str, forged: Vec<String>) {
    let mut said = BTreeSet::new();
    for other in forged {
        assert_ne!(other, state);
        let encoded: String = url::form_urlencoded::byte_serialize(other.as_bytes()).collect();
        let output = scene.refuses(&callback.replace(state, &encoded), &[]);
        let (before, rest) =
            output.stderr.split_once("; if the flow was started").unwrap_or_default();
        assert_eq!(!rest.is_empty(), other.split('.').count() == 5, "{other}");
        said.insert(if rest.is_empty() { output.stderr } else { format!("{before}\n") });
    }
    assert_eq!(said.len(), 1, "{said:?}");
    scene.complete(callback, &[]).ok();
}

#[test]
fn signed_state_made_without_the_key_is_refused() {
    for alg in ["HS256", "EdDSA"] {
        let scene = Scene::new("honest");
        scene.home.run(["pending", "rotate-key", "--alg", alg]).ok();
        let (begun, callback) = scene.come_back(&["--user", "alice"]);
        let state = begun["state"].as_str().unwrap();
        let parts: Vec<&str> = state.split('.').collect();
        let (header, payload, signature) = (parts[0], parts[1], parts[2]);
        let kid = jwt_part(state, 0)["kid"].as_str().unwrap().to_owned();
        let ours = String::from_utf8(URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
        let mut forged = Vec::new();
        for name in ["none", "None", "nOnE", "NONE", "", "HS384", "hs256", "RS256"] {
            let head =
                b64(json!({ "alg": name, "typ": "oauth-state+jwt", "kid": kid }).to_string());
            forged.extend(["", signature, "AAAA"].map(|sig| format!("{head}.{payload}.{sig}")));
        }
        // What an attacker may take for the key.
        let record = std::fs::read(scene.home.path("config/oauthctl/config.toml")).unwrap();
        for key in [&b"x"[..], kid.as_bytes(), header.as_bytes(), &[0; 32], &record[..]] {
            let as_hs256 = ours.replace("EdDSA", "HS256");
            forged.push(hs256(&ours, payload, key));
            forged.push(hs256(&as_hs256, payload, key));
        }
        let long = "k".repeat(3_000);
        for kid in ["../../../../etc/passwd", "/dev/zero", "", "'; DROP TABLE", "\u{0}", &long] {
            let head = json!({ "alg": alg, "typ": "oauth-state+jwt", "kid": kid }).to_string();
            forged.push(format!("{}.{payload}.{signature}", b64(head)));
        }
        let changed = changed_headers(&ours).into_iter();
        forged.extend(changed.map(|head| format!("{}.{payload}.{signature}", b64(head))));
        forged.extend([
            format!("{header}.{payload}"),
            format!("{header}..{signature}"),
            format!(".{payload}.{signature}"),
            format!("{header}.{payload}."),
            format!("{header}.{payload}..{signature}"),
            format!("{header}..{payload}.{payload}.{signature}"),
            format!("{state}.{signature}"),
            format!("{state}="),
            format!("{state}=="),
            format!("{state} "),
            format!(" {state}"),
            format!("{header}.{payload}=.{signature}"),
            format!("{header}.{payload}.{}", not_canonical(signature)),
            format!("{}.{payload}.{signature}", not_canonical(header)),
            state.replace('-', "+").replace('_', "/") + "=",
            format!("{header}.{}.{signature}", b64("{}")),
            format!("{header}.{}.{signature}", b64("[]")),
        ]);
        all_alike(&scene, &callback, state, forged);
    }
}

#[test]
fn sealed_state_made_without_the_key_is_refused() {
    let mut scene = Scene::new("honest");
    scene.home.set("OAUTHCTL_STATE_KEY", KEY);
    let (signed, _) = scene.come_back(&[]);
    let (begun, callback) = scene.come_back(&["--sealed"]);
    let state = begun["state"].as_str().unwrap();
    let [header, _, nonce, text, tag] = state.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let kid = jwt_part(state, 0)["kid"].as_str().unwrap().to_owned();
    let sealed =
        |head: serde_json::Value| format!("{}..{nonce}.{text}.{tag}", b64(head.to_string()));
    let raw_key = URL_SAFE_NO_PAD.decode(KEY).unwrap();
    let other_nonce = b64([7; 12]);
    let head_of_signed = signed["state"].as_str().unwrap().split('.').next().unwrap();
    let mut forged: Vec<String> = [
        json!({ "alg": "none", "enc": "A256GCM", "typ": "oauth-state+jwt", "kid": kid }),
        json!({ "alg": "dir", "enc": "none", "typ": "oauth-state+jwt", "kid": kid }),
        json!({ "alg": "dir", "enc": "A128GCM", "typ": "oauth-state+jwt", "kid": kid }),
        json!({ "alg": "dir", "enc": "A256CBC-HS512", "typ": "oauth-state+jwt", "kid": kid }),
        json!({ "alg": "A256KW", "enc": "A256GCM", "typ": "oauth-state+jwt", "kid": kid }),
        json!({ "alg": "PBES2-HS256+A128KW", "p2c": 1_000_000_000, "enc": "A256GCM", "kid": kid }),
        json!({ "alg": "dir", "enc": "A256GCM", "zip": "DEF", "typ": "oauth-state+jwt", "kid": kid }),
        json!({ "alg": "dir", "enc": "A256GCM", "typ": "oauth-state+jwt", "kid": "../x" }),
        json!({ "alg": "dir", "enc": "A256GCM" }),
    ]
    .map(sealed)
    .into();
    forged.extend([
        format!("{header}.AAAA.{nonce}.{text}.{tag}"),
        format!("{header}..{other_nonce}.{text}.{tag}"),
        format!("{header}..{nonce}.{text}.{}", b64([0; 16])),
        format!("{header}..{nonce}.{text}.{}", &tag[..20]),
        format!("{header}..{nonce}.{text}."),
        format!("{header}..{nonce}..{tag}"),
        format!("{header}...."),
        format!("{header}..{nonce}.{text}.{tag}."),
        format!("{header}.{text}.{tag}"),
        format!("{head_of_signed}..{nonce}.{text}.{tag}"),
        format!("{header}..{nonce}.{text}.{tag}="),
        format!("{header}..{nonce}.{text}.{}", not_canonical(tag)),
        // Signed with the very bytes from which the keys are derived.
        hs256(
            &String::from_utf8(URL_SAFE_NO_PAD.decode(head_of_signed).unwrap()).unwrap(),
            signed["state"].as_str().unwrap().split('.').nth(1).unwrap(),
            &raw_key,
        ),
    ]);
    all_alike(&scene, &callback, state, forged);
}

#[test]
fn machines_with_one_key_share_no_pending_flows() {
    let mut scene = Scene::new("honest");
    scene.home.set("OAUTHCTL_STATE_KEY", KEY);
    let (_, callback) = scene.come_back(&["--sealed", "--user", "alice"]);
    let mut other = Home::new();
    profile(&other, &scene.server, "p", "honest", "");
    other.set("OAUTHCTL_STATE_KEY", KEY);
    scene.complete(&callback, &[]).ok();
    // The server is who refuses the second use of the code.
    let refused = complete(&other, &callback, &[]);
    assert!(![0, 7].contains(&refused.status), "{}", refused.stderr);
    assert!(refused.stderr.contains("oauthctl start"), "{}", refused.stderr);
    assert_eq!(scene.redemptions(), 2);
    complete(&other, &callback, &[]).fails(7);
    scene.complete(&callback, &[]).fails(7);
    assert_eq!(scene.redemptions(), 2);
}

#[test]
fn invalid_state_key_is_reported_but_not_shown() {
    let mut scene = Scene::new("honest");
    for wrong in [
        &KEY[..42],
        &format!("{KEY}A"),
        &KEY.replace('E', "+"),
        &KEY.replace('E', "\n"),
        &KEY.replace('E', " "),
        &format!("{KEY},"),
        &format!("{KEY}, ,{KEY}"),
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "\u{e9}\u{e9}\u{e9}",
    ] {
        scene.home.set("OAUTHCTL_STATE_KEY", wrong);
        for args in [
            ["start", "p"].as_slice(),
            &["pending", "list"],
            &["complete", "http://x/?state=a&code=b"],
        ] {
            let output = scene.home.run(args).fails(3);
            assert!(output.stderr.contains("OAUTHCTL_STATE_KEY"), "{}", output.stderr);
            assert!(output.stderr.contains("hint:"), "{}", output.stderr);
            assert_not_shown(&output.stderr, [&wrong[..6]]);
        }
    }
    for right in [format!("{KEY}\n"), format!(" {KEY} "), format!("{KEY}="), format!("{KEY},{KEY}")]
    {
        scene.home.set("OAUTHCTL_STATE_KEY", &right);
        let (_, callback) = scene.come_back(&["--sealed"]);
        scene.complete(&callback, &[]).ok();
    }
    scene.home.run(["pending", "rotate-key"]).fails(2);
}

#[test]
fn url_too_long_for_some_servers_causes_a_warning() {
    let mut scene = Scene::new("honest");
    let here = scene.home.run(["start", "p", "--sealed"]).ok();
    assert!(here.stderr.contains("OAUTHCTL_STATE_KEY"), "sealed for this machine: {}", here.stderr);
    scene.home.set("OAUTHCTL_STATE_KEY", KEY);
    assert_eq!(scene.home.run(["start", "p", "--sealed"]).ok().stderr, "");
    let (attr, param) = (format!("a={}", "x".repeat(3_000)), format!("b={}", "y".repeat(4_000)));
    let output =
        scene.home.run(["start", "p", "--sealed", "--attr", &attr, "--param", &param]).ok();
    assert!(
        output.stderr.contains("warning:") && output.stderr.contains("hint:"),
        "{}",
        output.stderr
    );
    let callback = visit(output.json()["authorization_url"].as_str().unwrap());
    scene.complete(&callback, &[]).ok();
}
