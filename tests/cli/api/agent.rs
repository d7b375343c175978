use crate::fixture::with_sandbox;
use crate::support::Home;

/// The key of a bound token stays with the agent, which signs a proof for each request.
#[test]
fn proofs_of_a_bound_token_are_made_by_the_agent() {
    let (home, sandbox) = with_sandbox(Some("dpop-nonce"));
    let resource = format!("{}/s/dpop-nonce/resource", sandbox.issuer);
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    home.config(&format!("{config}dpop = true\napi_url = [{resource:?}]\n"));
    home.run(["login", "s"]).ok();
    let socket = home.path("run/agent.sock");
    let audit = home.path("audit");
    let words = ["agent", "--foreground", "--socket", socket.to_str().unwrap(), "--audit"];
    let mut agent = home.spawn(words.iter().copied().chain([audit.to_str().unwrap()]));
    agent.await_stdout(|text| text.ends_with('\n').then_some(()));
    let mut client = Home::new();
    client.unset("OAUTHCTL_CONFIG").unset("OAUTHCTL_STORE");
    client.set("OAUTHCTL_AGENT", format!("unix:{}", socket.display()));
    let answer = client.run(["api", "-p", "s", &format!("{resource}?x=1")]).ok();
    assert_eq!(answer.json()["message"], "welcome", "{answer:?}");
    let request = format!("GET {resource}");
    let token = client.run(["token", "-p", "s", "--format", "json", "--dpop", &request]).ok();
    assert_eq!(token.json()["dpop"].as_str().unwrap().split('.').count(), 3, "{token:?}");
    let lines = std::fs::read_to_string(&audit).unwrap();
    assert_eq!(lines.matches("\"op\":\"proof\"").count(), 3, "{lines}");
    assert!(client.files().is_empty(), "{:?}", client.files());
}
