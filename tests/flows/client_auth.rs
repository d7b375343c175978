//! Clients that authenticate with a key, a certificate or an identity of the platform, against servers that
//! verify it with libraries that the project did not write.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    PublicKeyData,
};
use serde_json::{Value, json};

use crate::support::{Home, Machines, OidcProvider, Servers, assert_no_secret};

fn service(home: &Home, server: &Machines, more: &str) {
    home.config("");
    let more = format!("grant = \"client_credentials\"\n{more}");
    home.profile("p", &server.issuer, "signer", &more);
}

/// The header of the client's last assertion.
#[track_caller]
fn header(server: &Machines) -> Value {
    server.requests().pop().unwrap()["header"].clone()
}

#[test]
fn each_kind_of_key_signs_what_the_server_verifies() {
    let (server, home) = (Servers::machines(), Home::new());
    for (name, alg) in server.client_keys.keys().map(|name| (name, name.split('-').next().unwrap()))
    {
        home.write(&home.path("config/oauthctl/key"), &server.client_keys[name]);
        service(&home, &server, "private_key = { file = \"key\" }\n");
        home.run(["token", "-p", "p", "--force-refresh"]).ok();
        let header = header(&server);
        assert_eq!(header["alg"], alg, "{name}");
        let is_jwk = name.ends_with("-jwk");
        assert_eq!(header["kid"], if is_jwk { json!(name) } else { Value::Null }, "{name}");
    }
    assert_eq!(server.requests().len(), 6);
    assert_no_secret(
        &home,
        server
            .requests()
            .iter()
            .map(|request| request["form"]["client_assertion"].as_str().unwrap().to_owned()),
    );
}

#[test]
fn audience_is_the_issuer_or_the_token_endpoint() {
    let (server, home) = (Servers::machines(), Home::new());
    home.write(&home.path("config/oauthctl/key"), &server.client_keys["ES256"]);
    let key = "private_key = { file = \"key\" }\n";
    let endpoint = format!("{key}client_assertion_audience = \"token_endpoint\"\n");
    for (expected, lines, code) in [
        ("issuer", key, 0),
        ("issuer", &endpoint, 8),
        ("token_endpoint", &endpoint, 0),
        ("token_endpoint", key, 8),
    ] {
        server.set(&json!({ "audience": expected }));
        service(&home, &server, lines);
        home.run(["token", "-p", "p", "--force-refresh"]).code(code);
    }
}

/// As Okta requires it.
#[test]
fn audience_is_the_endpoint_that_is_called() {
    let (server, home) = (Servers::machines(), Home::new());
    home.write(&home.path("config/oauthctl/key"), &server.client_keys["ES256"]);
    let at = |path: &str| format!("{}/{path}", server.issuer);
    let metadata = json!({
        "authorization_endpoint": at("authorize"), "revocation_endpoint": at("revoke"),
        "introspection_endpoint": at("introspect"),
        "pushed_authorization_request_endpoint": at("par"),
    });
    server.set(&json!({ "audience": "endpoint", "metadata": metadata }));
    let key = "private_key = { file = \"key\" }\n\
        client_assertion_audience = \"endpoint\"\n";
    service(&home, &server, key);
    home.run(["token", "-p", "p"]).ok();
    assert_eq!(home.run(["introspect", "p", "--json"]).ok().json()["active"], true);
    let logout = home.run(["logout", "p", "--json"]).ok().json();
    assert_eq!(logout[0]["revocation"], "revoked", "{logout}");
    home.config("").profile("q", &server.issuer, "signer", &format!("{key}par = \"always\"\n"));
    let started = home.run(["start", "q"]).ok().json();
    assert!(started["authorization_url"].as_str().unwrap().contains("request_uri="), "{started}");
    let called: Vec<Value> =
        server.requests().into_iter().map(|request| request["path"].clone()).collect();
    assert_eq!(called, [Value::Null, json!("/introspect"), json!("/revoke"), json!("/par")]);
    // The token endpoint alone is not enough.
    service(&home, &server, &key.replace("\"endpoint\"", "\"token_endpoint\""));
    home.run(["token", "-p", "p"]).ok();
    home.run(["introspect", "p"]).fails(8);
}

#[test]
fn algorithm_is_one_that_the_server_supports() {
    let (server, home) = (Servers::machines(), Home::new());
    home.write(&home.path("config/oauthctl/key"), &server.client_keys["RS256"]);
    let metadata =
        json!({ "token_endpoint_auth_signing_alg_values_supported": ["ES256", "PS256"] });
    server.set(&json!({ "metadata": metadata }));
    service(&home, &server, "private_key = { file = \"key\" }\n");
    home.run(["token", "-p", "p"]).ok();
    assert_eq!(header(&server)["alg"], "PS256");
    home.write(&home.path("config/oauthctl/key"), &server.client_keys["EdDSA"]);
    let refused = home.run(["token", "-p", "p", "--force-refresh"]).fails(3);
    assert!(refused.stderr.contains("ES256, PS256"), "{}", refused.stderr);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn certificate_thumbprints_name_the_key() {
    let (server, home) = (Servers::machines(), Home::new());
    let key = KeyPair::from_pem(&server.client_keys["ES256"]).unwrap();
    let certificate = params("client.example").self_signed(&key).unwrap();
    home.write(&home.path("config/oauthctl/key"), &server.client_keys["ES256"]);
    home.write(&home.path("config/oauthctl/cert.pem"), &certificate.pem());
    let lines = "private_key = { file = \"key\" }\ncertificate = { file = \"cert.pem\" }\n";
    service(&home, &server, lines);
    home.run(["token", "-p", "p"]).ok();
    let header = header(&server);
    for (name, algorithm) in [
        ("x5t", &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY),
        ("x5t#S256", &aws_lc_rs::digest::SHA256),
    ] {
        let hash = aws_lc_rs::digest::digest(algorithm, certificate.der());
        assert_eq!(header[name], URL_SAFE_NO_PAD.encode(hash), "{name}");
    }
    home.write(&home.path("config/oauthctl/cert.pem"), "no certificate");
    let refused = home.run(["token", "-p", "p", "--force-refresh"]).fails(3);
    assert!(refused.stderr.contains("contains no certificate"), "{}", refused.stderr);
}

#[test]
fn platform_identities_are_sent_as_they_are() {
    let (server, mut home) = (Servers::machines(), Home::new());
    let jwt = server.platform_jwt.clone();
    home.write(&home.path("config/oauthctl/token"), &format!("{jwt}\n"));
    home.set("CI_JOB_JWT", &jwt);
    for source in [
        "{ gitlab = \"CI_JOB_JWT\" }",
        "{ kubernetes = \"token\" }",
        "{ file = \"token\" }",
        "{ env = \"CI_JOB_JWT\" }",
        "{ command = [\"printenv\", \"CI_JOB_JWT\"] }",
    ] {
        service(&home, &server, &format!("client_assertion = {source}\n"));
        home.run(["token", "-p", "p", "--force-refresh"]).ok();
        let form = server.requests().pop().unwrap()["form"].clone();
        assert_eq!(form["client_assertion"], jwt, "{source}");
    }
    home.unset("CI_JOB_JWT");
    service(&home, &server, "client_assertion = { gitlab = \"CI_JOB_JWT\" }\n");
    let refused = home.run(["token", "-p", "p", "--force-refresh"]).fails(3);
    assert!(refused.stderr.contains("id_tokens"), "{}", refused.stderr);
}

/// As the draft about SPIFFE requires it, with an assertion type that Keycloak and Janssen insist on.
#[test]
fn spiffe_file_authenticates_the_workload() {
    let (server, home) = (Servers::machines(), Home::new());
    let file = home.path("config/oauthctl/svid.jwt");
    home.write(&file, &format!("{}\n", server.svid));
    let lines = "grant = \"client_credentials\"\nclient_assertion = { spiffe = \"svid.jwt\" }\n";
    home.profile("p", &server.issuer, "spiffe://example.org/ci/deployer", lines);
    home.run(["token", "-p", "p"]).ok();
    let request = server.requests().pop().unwrap();
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe";
    assert_eq!(request["form"]["client_assertion_type"], kind);
    assert_eq!(request["form"]["client_assertion"], server.svid);
    assert_eq!(request["client"], "spiffe://example.org/ci/deployer");
    let shown = home.run(["profile", "show", "p", "--json"]).ok().json();
    assert_eq!(shown["client_assertion"]["spiffe"], file.to_str().unwrap());
    // The program that renews the file has written something else, or nothing.
    home.write(&file, &server.platform_jwt);
    home.run(["token", "-p", "p", "--force-refresh"]).fails(8);
    std::fs::remove_file(&file).unwrap();
    let refused = home.run(["token", "-p", "p", "--force-refresh"]).fails(3);
    assert!(refused.stderr.contains("svid.jwt"), "{}", refused.stderr);
    assert_eq!(server.requests().len(), 2);
    assert_no_secret(&home, [server.svid.clone()]);
}

#[test]
fn id_token_of_github_actions_is_fetched_and_sent() {
    let (server, runner, mut home) = (Servers::machines(), Servers::resource(), Home::new());
    let audience = "api://server?a=b&c";
    let source =
        format!("client_assertion = {{ github_actions = {{ audience = {audience:?} }} }}\n");
    service(&home, &server, &source);
    let refused = home.run(["token", "-p", "p"]).fails(3);
    assert!(refused.stderr.contains("id-token: write"), "{}", refused.stderr);

    home.set("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/job?api-version=2.0", runner.base));
    home.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "canary-runner-41");
    let value = json!({ "count": 1, "value": server.platform_jwt }).to_string();
    for (status, body, code) in [(403, "", 3), (503, "", 9), (200, "{}", 3), (200, &value, 0)] {
        runner.set(&json!({ "raw": { "/job": { "status": status, "body": body } } }));
        home.run(["token", "-p", "p"]).code(code);
    }
    for request in runner.requests("/job") {
        assert_eq!(request["query"], json!({ "api-version": "2.0", "audience": audience }));
        assert_eq!(request["authorization"], "Bearer canary-runner-41");
    }
    assert_eq!(runner.requests("/job").len(), 4);
    // Nothing is sent to the server before.
    let sent = server.requests();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0]["form"]["client_assertion"], server.platform_jwt);
    assert_no_secret(&home, ["canary-runner-41".to_owned(), server.platform_jwt.clone()]);
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// A server that knows clients by their certificates, and a home with those: `ca.pem`, `self.pem`, `other.pem`
/// and their keys, and the server's authority.
fn mutual_tls() -> (OidcProvider, Home) {
    let home = Home::new();
    let file = |name: &str| home.path(&format!("config/oauthctl/{name}"));
    let mut authority = params("authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    home.write(&file("authority.pem"), &authority.pem());
    let mut jwks = Value::Null;
    for (name, common) in [("ca", "client.example"), ("other", "other.example"), ("self", "x")] {
        let key = KeyPair::generate().unwrap();
        let certificate = match name {
            "self" => params(common).self_signed(&key).unwrap(),
            _ => params(common).signed_by(&key, &authority).unwrap(),
        };
        home.write(&file(&format!("{name}.pem")), &certificate.pem());
        home.write(&file(&format!("{name}.key")), &key.serialize_pem());
        if name == "self" {
            let point = key.der_bytes().to_vec();
            let [x, y] = [&point[1..33], &point[33..65]].map(|half| URL_SAFE_NO_PAD.encode(half));
            let x5c = [STANDARD.encode(certificate.der())];
            let jwk =
                json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "x5c": x5c, "kid": "own" });
            jwks = json!({ "keys": [jwk] });
        }
    }
    home.write(&file("jwks.json"), &jwks.to_string());
    let server = Servers::oidc_provider_with(&[
        "--client-ca",
        file("authority.pem").to_str().unwrap(),
        "--client-jwks",
        file("jwks.json").to_str().unwrap(),
    ]);
    home.write(&file("server-ca.pem"), &server.ca);
    (server, home)
}

fn tls_lines(method: &str, name: &str) -> String {
    format!(
        "scopes = [\"openid\"]\nclient_auth = {method:?}\ncertificate = {{ file = \"{name}.pem\" }}\n\
         private_key = {{ file = \"{name}.key\" }}\nca_file = \"server-ca.pem\"\n"
    )
}

#[test]
fn certificates_authenticate_at_the_aliases() {
    let (server, mut home) = mutual_tls();
    for (client, method, name) in
        [("cli-tls", "tls_client_auth", "ca"), ("cli-self", "self_signed_tls_client_auth", "self")]
    {
        home.config("").profile("p", &server.issuer, client, &tls_lines(method, name));
        home.login("p");
        home.run(["refresh", "p"]).ok();
        home.run(["logout", "p"]).ok();
    }
    assert_eq!(server.count("refresh_token"), 2);
    // Certificate and key in one file, and a key as a JWK.
    let file = |name: &str| home.path(&format!("config/oauthctl/{name}"));
    let read = |name: &str| std::fs::read_to_string(file(name)).unwrap();
    home.write(&file("both.pem"), &format!("{}{}", read("ca.pem"), read("ca.key")));
    let both = "scopes = [\"openid\"]\nclient_auth = \"tls_client_auth\"\n\
        private_key = { file = \"both.pem\" }\nca_file = \"server-ca.pem\"\n";
    home.config("").profile("p", &server.issuer, "cli-tls", both);
    home.login("p");
}

#[test]
fn other_certificate_is_refused_by_the_server() {
    let (server, mut home) = mutual_tls();
    let lines = tls_lines("tls_client_auth", "other");
    home.profile("p", &server.issuer, "cli-tls", &lines);
    home.browser(&json!({ "mode": "honest" }));
    let refused = home.run(["login", "p"]).fails(8);
    assert!(refused.stderr.contains("invalid_client"), "{}", refused.stderr);
    home.config("").profile(
        "p",
        &server.issuer,
        "cli-tls",
        &lines.replace("other.key", "self.key"),
    );
    let unusable = home.run(["login", "p"]).fails(3);
    assert!(unusable.stderr.contains("`certificate`"), "{}", unusable.stderr);
}
