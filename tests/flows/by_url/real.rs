//! Logins by URL at a server that the project did not write: oidc-provider.

use serde_json::{Value, json};

use crate::support::{Home, OidcProvider, Servers, assert_no_secret};

/// oidc-provider, where clients can register and have metadata documents, and a home whose browser lets the user in.
fn at_oidc_provider() -> (OidcProvider, Home) {
    let server = Servers::oidc_provider_with(&["--registration", "1", "--documents", "1"]);
    let mut home = Home::new();
    home.browser(&json!({ "mode": "honest" }));
    (server, home)
}

/// The requests of this kind: method, status, and the client of token requests.
#[track_caller]
fn requests(server: &OidcProvider, kind: &str) -> Vec<Value> {
    let mut all = server.control.get("/journal")["requests"].as_array().unwrap().clone();
    all.retain(|one| one["grant_type"] == kind);
    all
}

#[test]
fn oidc_provider_registers_and_deletes_the_client() {
    let (server, home) = at_oidc_provider();
    let url = server.issuer.as_str();
    for _ in 0..2 {
        let login = home.run(["login", url, "--scope", "openid", "--json"]).ok().json();
        assert_eq!(login["has_refresh_token"], true, "{login}");
    }
    let first = home.run(["token", "-p", url]).ok().line().to_owned();
    let renewed = home.run(["token", "-p", url, "--force-refresh"]).ok().line().to_owned();
    assert_ne!(first, renewed);
    let registrations = requests(&server, "registration");
    assert_eq!(registrations.len(), 1, "{registrations:?}");
    assert_eq!(
        (&registrations[0]["method"], &registrations[0]["status"]),
        (&json!("POST"), &json!(201))
    );
    let codes = requests(&server, "authorization_code");
    assert_eq!(codes.len(), 2);
    assert_eq!(codes[0]["client_id"], codes[1]["client_id"]);
    assert_no_secret(&home, [first, renewed]);

    let logout = home.run(["logout", url, "--json"]).ok().json();
    assert_eq!(logout[0]["registration"], "deleted", "{logout}");
    let deletion = requests(&server, "registration").pop().unwrap();
    assert_eq!((&deletion["method"], &deletion["status"]), (&json!("DELETE"), &json!(204)));
    home.run(["token", "-p", url]).fails(4);
    home.run(["login", url, "--scope", "openid", "--json"]).ok();
    let last = requests(&server, "authorization_code").pop().unwrap();
    assert_ne!(last["client_id"], codes[0]["client_id"]);
}

/// oidc-provider lets a client request only the scopes that it is registered for.
#[test]
fn more_scopes_than_registered_need_another_client() {
    let (server, home) = at_oidc_provider();
    let url = server.issuer.as_str();
    let denied = home.run(["login", url]).fails(5);
    assert!(denied.stderr.contains("`--scope openid`"), "{}", denied.stderr);
    let login = home.run(["login", url, "--scope", "openid", "--json"]).ok();
    assert!(login.stderr.contains("registering another one"), "{}", login.stderr);
    let scopes = json!(["openid"]);
    assert_eq!(login.json()["scopes"], scopes, "{}", login.stdout);
    let methods = || {
        let all = requests(&server, "registration").into_iter();
        all.map(|one| one["method"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // Nothing used the first one. The second one is in use until the login has succeeded, or longer.
    assert_eq!(methods(), ["POST", "DELETE", "POST"]);
    home.run(["login", url, "--scope", "openid api", "--json"]).ok();
    assert_eq!(methods(), ["POST", "DELETE", "POST", "POST"]);
    home.run(["token", "-p", url, "--force-refresh"]).ok();
    home.run(["logout", url]).ok();
    assert_eq!(methods(), ["POST", "DELETE", "POST", "POST", "DELETE", "DELETE"]);
}

#[test]
fn oidc_provider_reads_the_metadata_document() {
    let (server, home) = at_oidc_provider();
    let (url, document) = (server.issuer.as_str(), server.document.as_str());
    home.config(&format!("[defaults]\nclient_id_metadata_url = {document:?}\n"));
    let login = home.run(["login", url, "--scope", "openid", "--json"]).ok().json();
    assert_eq!(login["has_refresh_token"], true, "{login}");
    home.run(["token", "-p", url, "--force-refresh"]).ok();
    for kind in ["authorization_code", "refresh_token"] {
        let sent = requests(&server, kind);
        assert_eq!((sent.len(), &sent[0]["client_id"]), (1, &json!(document)), "{sent:?}");
    }
    assert!(server.count("document") > 0);
    let logout = home.run(["logout", url, "--json"]).ok().json();
    assert_eq!(logout[0]["registration"], Value::Null, "{logout}");
    assert_eq!(server.count("registration"), 0);

    // And in a profile of the configuration.
    home.config(&format!(
        "[profiles.p]\nissuer = {url:?}\nclient_id_metadata_url = {document:?}\nscopes = [\"openid\"]\n"
    ));
    let login = home.run(["login", "p", "--json"]).ok().json();
    assert_eq!(login["identity"]["sub"], "alice", "{login}");
    let last = requests(&server, "authorization_code").pop().unwrap();
    assert_eq!(last["client_id"], document);
}
