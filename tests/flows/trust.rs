//! Which certificate authorities are trusted, and certificates that are not.

use crate::support::*;
use crate::user::*;

/// A profile at the server over TLS, with these authorities of the profile and of the environment.
fn trusting(ca_file: Option<&str>, variables: &[(&str, &str)]) -> Home {
    let mut home = Home::new();
    home.write(&home.path("right.pem"), &hostile().ca);
    home.write(&home.path("none.pem"), "no certificate");
    let ca = ca_file.map(|name| format!("ca_file = {:?}\n", home.path(name)));
    let ca = ca.unwrap_or_default();
    home.profile("p", &hostile().issuer_at("https", "honest"), "cli", &format!("{PASTED}{ca}"));
    for (name, value) in variables {
        let place = home.path(value);
        home.set(name, place);
    }
    home
}

#[test]
fn authorities_of_the_environment_replace_the_systems() {
    let wrong = tempfile::NamedTempFile::new().unwrap();
    let key = rcgen::generate_simple_self_signed(["other.example".to_owned()]).unwrap();
    std::fs::write(wrong.path(), key.cert.pem()).unwrap();
    let wrong = wrong.path().to_str().unwrap();
    paste(&trusting(None, &[("SSL_CERT_FILE", "right.pem")])).ok();
    paste(&trusting(Some("right.pem"), &[("SSL_CERT_FILE", wrong)])).ok();
    let refused = |variable: (&str, &str)| {
        trusting(None, &[variable]).run(["login", "p", "--no-browser"]).fails(9)
    };
    let output = refused(("SSL_CERT_FILE", wrong));
    let told = format!("SSL_CERT_FILE ({wrong}) was loaded instead of the system's authorities");
    assert!(error(&output).contains(&told), "{}", output.stderr);
    let named = "; the server presents the certificate of `";
    assert!(error(&output).contains(named), "{}", output.stderr);
    assert!(error(&output).contains("`, issued by `CN="), "{}", output.stderr);
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        let output = refused((name, "none.pem"));
        assert!(error(&output).contains(&format!("{name} (")), "{}", output.stderr);
    }
}

#[test]
fn doctor_untrusted_certificate_is_a_tls_failure() {
    let failed = |home: &Home| -> Vec<(String, String)> {
        let report = home.run(["doctor", "--json"]).code(1).json();
        let checks = report["checks"].as_array().unwrap().clone();
        let failed = checks.into_iter().filter(|check| check["status"] == "fail");
        failed.map(|check| (check["check"].to_string(), check["hint"].to_string())).collect()
    };
    let found = failed(&trusting(None, &[]));
    let [(check, hint)] = found.as_slice() else { panic!("{found:?}") };
    assert!(check == "\"tls\"" && hint.contains("`ca_file`"), "{check} {hint}");
    trusting(Some("right.pem"), &[]).run(["doctor"]).ok();
}

#[test]
fn failed_tls_verification_sends_no_request() {
    let listeners =
        ["self-signed", "wrong-host", "expired", "not-yet-valid", "unknown-ca", "tls-1.1"];
    for listener in listeners.into_iter().filter(|l| hostile().bases.contains_key(*l)) {
        let mut home = Home::new();
        home.write(&home.path("ca.pem"), &hostile().ca);
        let ca = format!(
            "ca_file = {:?}\nscopes = [\"api\"]\n",
            home.path("ca.pem").display().to_string()
        );
        home.profile("p", &hostile().issuer_at(listener, "tag.tls"), "cli", &ca);
        let browser = home.browser(&serde_json::json!({ "mode": "never" }));
        home.run(["login", "p", "--timeout", "5m"]).fails(9);
        assert!(browser.openings().is_empty(), "{listener}");
    }
    assert_eq!(hostile().requests("tag.tls", "discovery").len(), 0);
    let home = Home::new();
    home.write(&home.path("ca.pem"), &hostile().ca);
    let ca = format!(
        "ca_file = {:?}\nscopes = [\"api\"]\nredirect_uri = \"http://127.0.0.1:7/callback\"\n",
        home.path("ca.pem").display().to_string()
    );
    home.profile("p", &hostile().issuer_at("https", "honest"), "cli", &ca);
    let mut running = home.spawn(["login", "p", "--flow", "paste", "--no-browser"]);
    url_to_open(&mut running);
    running.wait().fails(4);
}
