use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::Value;

use crate::fixture::{PROFILE, TOKEN, grant, plant};
use crate::support::{Home, Secure, Servers};

/// A home whose profile has a client certificate, and an API over TLS.
fn api_with_a_certificate() -> (Home, Secure) {
    let server = Servers::secure(TOKEN);
    let home = Home::new();
    let key = KeyPair::generate().unwrap();
    let mut certificate = CertificateParams::default();
    certificate.distinguished_name.push(DnType::CommonName, "client.example");
    let certificate = certificate.self_signed(&key).unwrap();
    let file = |name: &str| home.path(&format!("config/oauthctl/{name}"));
    home.write(&file("own.pem"), &certificate.pem());
    home.write(&file("own.key"), &key.serialize_pem());
    home.write(&file("ca.pem"), &server.ca);
    home.config(&format!(
        "{PROFILE}client_auth = \"self_signed_tls_client_auth\"\nca_file = \"ca.pem\"\n\
         certificate = {{ file = \"own.pem\" }}\nprivate_key = {{ file = \"own.key\" }}\n\
         api_url = [\"{}/v1/\"]\n",
        server.base
    ));
    plant(&home, &grant("default", TOKEN, |_| ()));
    (home, server)
}

/// A token may be bound to the certificate (RFC 8705), and the server may prefer HTTP/2.
#[test]
fn api_presents_the_certificate_over_http_2() {
    let (home, _server) = api_with_a_certificate();
    let seen = home.run(["api", "-p", "p", "me"]).ok().json();
    assert_eq!((&seen["version"], &seen["path"]), (&"2.0".into(), &"/v1/me".into()));
    assert_eq!(seen["certificate"], "client.example");
}

#[test]
fn proxy_presents_the_certificate_over_http_2() {
    const ASK: &str = "set -e; head -c 3000000 /dev/zero > large; for n in 1 2 3; do \
        curl -sS --noproxy '*' -T large \"${OAUTHCTL_PROXY_URL}put\"; echo; done";
    let (home, _server) = api_with_a_certificate();
    let said = home.run(["proxy", "-p", "p", "--", "sh", "-c", ASK]).ok().stdout;
    let seen: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(seen.len(), 3, "{said}");
    for seen in seen {
        assert_eq!((&seen["version"], &seen["path"]), (&"2.0".into(), &"/v1/put".into()));
        assert_eq!(seen["certificate"], "client.example");
        assert_eq!(seen["received"], 3_000_000);
    }
}

/// The key of the certificate stays with the agent, so such a token is of no use elsewhere.
#[test]
fn agent_does_not_lend_a_certificate() {
    let (home, _server) = api_with_a_certificate();
    let socket = home.path("run/agent.sock");
    let mut agent = home.spawn(["agent", "--foreground", "--socket", socket.to_str().unwrap()]);
    agent.await_stdout(|text| text.ends_with('\n').then_some(()));
    let mut client = Home::new();
    client.set("OAUTHCTL_AGENT", format!("unix:{}", socket.display()));
    let refused = client.run(["api", "-p", "p", "me"]).fails(2);
    assert!(refused.stderr.contains("client certificate"), "{refused:?}");
    assert!(refused.stderr.contains("hint: where the agent runs: "), "{refused:?}");
}
