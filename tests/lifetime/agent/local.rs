//! Commands of the client's machine that test the agent, or that use accounts of their own.

use super::Agent;
use crate::support::{Api, Home};

#[test]
fn doctor_tests_the_agent_and_needs_no_store() {
    let home = Api::echo().home("", "");
    let agent = Agent::start(&home, &[]);
    let client = agent.client();
    let path = agent.path.display();
    let tested = |code: i32| {
        let report = client.run(["doctor", "--offline", "--json"]).code(code).json();
        let checks = report["checks"].as_array().unwrap().iter();
        let bad = checks.filter(|check| check["status"] != "ok");
        let bad: Vec<_> =
            bad.map(|it| format!("{} {} {}", it["check"], it["status"], it["message"])).collect();
        (bad, report.to_string())
    };
    let (bad, report) = tested(0);
    assert_eq!(bad, [""; 0]);
    assert!(report.contains(&format!("responds at {path}")), "{report}");
    agent.raw(b"{\"op\":\"lock\"}\n");
    let (bad, report) = tested(0);
    assert_eq!(bad, [format!("\"agent\" \"warn\" \"the agent at {path} is locked\"")]);
    assert!(report.contains("run `oauthctl agent --unlock` where it runs"), "{report}");
    agent.raw(b"{\"op\":\"stop\"}\n");
    agent.process.wait().ok();
    let (bad, _) = tested(1);
    assert_eq!(bad, [format!("\"agent\" \"fail\" \"no agent is running at {path}\"")]);
}

#[test]
fn gone_agent_is_started_at_its_socket_as_told() {
    let home = Api::echo().home("", "");
    let agent = Agent::start(&home, &[]);
    let (client, socket) = (agent.client(), agent.path.display().to_string());
    agent.raw(b"{\"op\":\"stop\"}\n");
    agent.process.wait().ok();
    let told = client.run(["token"]).fails(9).stderr;
    let line = told.split('`').nth(1).unwrap();
    assert_eq!(line, format!("oauthctl agent --socket {socket}"));
    home.run(line.split(' ').skip(1)).ok();
    let token = client.run(["token"]);
    home.run(["agent", "--socket", &socket, "--stop"]).ok();
    assert_eq!(token.ok().line(), "stored");
    // At the usual place, no option is needed.
    let told = home.run(["agent", "--status"]).fails(9).stderr;
    assert!(told.ends_with("hint: start it with `oauthctl agent`\n"), "{told}");
}

#[test]
fn commands_without_the_agent_say_whose_accounts() {
    let home = Api::echo().home("", "");
    let agent = Agent::start(&home, &[]);
    let client = agent.client();
    let own = |command: &str| {
        format!("`oauthctl {command}` uses the accounts of this machine, not those of the agent")
    };
    for (command, code) in [("status", 0), ("userinfo", 3), ("introspect", 3), ("login", 3)] {
        let said = client.run([command]).code(code).stderr;
        assert!(said.starts_with(&own(command)), "{said}");
        assert!(!client.run([command, "--quiet"]).stderr.contains("of this machine"));
    }
    assert!(!home.run(["status"]).ok().stderr.contains("of this machine"));
    // That a login is required here would be wrong.
    let said = client.run(["status"]).ok().stderr;
    assert!(said.ends_with("No account is logged in on this machine.\n"), "{said}");
    assert!(client.run(["token"]).ok().stderr.is_empty());
}

/// The login would be one of the client's machine.
#[test]
fn challenge_is_for_the_machine_of_the_agent() {
    let home = Api::echo().home("", "");
    let agent = Agent::start(&home, &[]);
    let client = agent.client();
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"files:write\"";
    let url = "https://files.invalid/";
    let told = client.run(["token", "-p", url, "--challenge", challenge]).fails(4).stderr;
    let what = format!("`{url}` requires a new login with the scopes files:write, but the agent");
    assert!(
        told.contains(&what) && told.contains("hint: log in again on the machine where"),
        "{told}"
    );
    assert!(client.files().is_empty(), "{:?}", client.files());
}

#[test]
fn inspect_decodes_the_token_of_the_agent() {
    let api = Api::echo();
    let home = Home::new();
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2ln";
    api.add(&home, "", "", |grant| grant["tokens"]["access_token"] = token.into());
    let agent = Agent::start(&home, &[]);
    let told = agent.client().run(["inspect", "--json"]).ok().stdout;
    assert!(told.contains("\"ada\""), "{told}");
    agent.client().run(["inspect", "--id-token"]).fails(4);
}
