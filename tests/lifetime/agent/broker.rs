//! A broker in place of an agent.

use serde_json::json;

use crate::support::{Api, Home, Replied};

const KEY: &str = "CANARY-api-key";

/// A broker that has one connection, and the way to it.
fn broker() -> (Api, Home) {
    let api = Api::start(|asked| {
        let path = asked.target.split('?').next().unwrap_or_default();
        let problem = |status: u16| {
            let url = "https://broker.example/connect/t/1";
            let body = json!({ "title": "no", "detail": "why \u{1b}[31m", "authorize_url": url });
            Replied::new(status, &["content-type: application/problem+json"], body.to_string())
        };
        if asked.target == "/v1/connections?limit=1" {
            return match asked.header("authorization") {
                Some("Bearer CANARY-api-key") => Replied::ok("{\"connections\":[]}"),
                _ => problem(401),
            };
        }
        match path.strip_prefix("/v1/connections/github/") {
            None => Replied::ok(asked.header("authorization").unwrap_or("none")),
            _ if asked.header("authorization") != Some("Bearer CANARY-api-key") => problem(401),
            Some("ada%2Fb%20c/token" | "ada/token") => Replied::ok(
                &json!({
                    "access_token": "lent", "token_type": "Bearer",
                    "expires_at": "2100-01-01T00:00:00Z", "scope": "a b",
                })
                .to_string(),
            ),
            Some("bare/token") => {
                Replied::ok("{\"access_token\":\"lent\",\"expires_at\":\"soon\"}")
            }
            Some("odd/token") => Replied::ok("{\"access_token\":7}"),
            Some(other) => {
                let status = other.split('/').next().and_then(|status| status.parse().ok());
                problem(status.unwrap_or(404))
            }
        }
    });
    let mut home = Home::new();
    home.unset("OAUTHCTL_CONFIG").unset("OAUTHCTL_STORE");
    home.set("OAUTHCTL_AGENT", &api.origin).set("OAUTHCTL_AGENT_KEY", KEY);
    (api, home)
}

#[test]
fn token_of_a_broker_needs_no_configuration() {
    let (api, home) = broker();
    let ada = ["token", "-p", "github", "--account", "ada"];
    assert_eq!(home.run(ada).ok().line(), "lent");
    let told = home.run(ada.iter().chain(&["--json", "--min-ttl", "5m"])).ok().json();
    assert_eq!(
        (&told["expires_at"], &told["scope"]),
        (&"2100-01-01T00:00:00Z".into(), &"a b".into())
    );
    assert_eq!(told["account"], "ada");
    // Only the token is needed.
    let bare = home.run(["token", "-p", "github", "--account", "bare", "--json"]).ok().json();
    assert_eq!((&bare["access_token"], &bare["expires_at"]), (&"lent".into(), &json!(null)));
    home.run(["token", "-p", "github", "--account", "ada/b c"]).ok();
    let run = ["exec", "-p", "github", "--account", "ada", "--", "env"];
    let variables = home.run(run).ok().stdout;
    assert!(variables.contains("OAUTH_ACCESS_TOKEN=lent\n") && !variables.contains(KEY));
    let targets: Vec<_> = api.asked().iter().map(|asked| asked.target.clone()).collect();
    let ada = "/v1/connections/github/ada/token";
    let odd = "/v1/connections/github/ada%2Fb%20c/token";
    let bare = "/v1/connections/github/bare/token";
    assert_eq!(targets, [ada, &format!("{ada}?min_ttl=300"), bare, odd, ada]);
    assert!(home.files().is_empty(), "{:?}", home.files());
}

#[test]
fn refusal_of_a_broker_has_its_exit_code() {
    let (_api, mut home) = broker();
    for (user, code, said) in [
        ("400", 8, "refused the request: why  [31m\n"),
        ("403", 5, "denied access"),
        ("unknown", 4, "has no connection of `unknown` to `github`"),
        ("409", 4, "hint: send the user to https://broker.example/connect/t/1\n"),
        ("429", 9, "unavailable"),
        ("502", 9, "unavailable"),
        ("302", 8, "refused"),
        ("odd", 7, "invalid"),
        ("..", 2, "not the name of a user"),
        ("", 2, "not the name of a user"),
    ] {
        let answer = home.run(["token", "-p", "github", &format!("--account={user}")]).fails(code);
        assert!(answer.stderr.contains(said), "{user}: {answer:?}");
        assert!(!answer.stderr.contains(KEY), "{answer:?}");
    }
    for (more, code) in [
        (&["-p", "github"][..], 2),
        (&["--account", "ada"], 2),
        (&["-p", "github", "--account", "ada", "--force-refresh"], 2),
        (&["-p", "github", "--account", "ada", "--id-token"], 2),
    ] {
        home.run(["token"].iter().chain(more)).fails(code);
    }
    let ada = ["token", "-p", "github", "--account", "ada"];
    home.set("OAUTHCTL_AGENT_KEY", "another");
    home.run(ada).fails(5);
    home.unset("OAUTHCTL_AGENT_KEY");
    home.run(ada).fails(3);
    home.set("OAUTHCTL_AGENT_KEY", KEY);
    for agent in ["http://broker.example/", "ftp://127.0.0.1/", "https://a@b.example/", "x"] {
        home.set("OAUTHCTL_AGENT", agent);
        home.run(ada).fails(3);
    }
}

/// The broker does not say where its tokens may be sent.
#[test]
fn api_sends_a_broker_token_to_the_api_url() {
    let (api, mut home) = broker();
    home.set("OAUTHCTL_CONFIG", home.config_path());
    home.config(&format!(
        "[profiles.github]\nprovider = \"github\"\nclient_id = \"c\"\nclient_secret = \"s\"\napi_url = [\"{}/api/\"]\n",
        api.origin
    ));
    // What the API sees is the token, and not the key.
    let sent = home.run(["api", "-p", "github", "--account", "ada", "me"]).ok();
    assert_eq!(sent.stdout, "Bearer lent");
    let asked = api.asked();
    assert_eq!(asked[0].header("authorization"), Some("Bearer CANARY-api-key"));
    assert_eq!((asked.len(), asked[1].target.as_str()), (2, "/api/me"));
    home.run(["api", "-p", "github", "me"]).fails(2);
    home.run(["api", "-p", "github", "--account", "ada", "https://elsewhere.example/"]).fails(2);
}

/// The store has the name of what it is, and works with `OAUTHCTL_AGENT` alone.
#[test]
fn store_agent_requires_an_agent() {
    let (_api, mut home) = broker();
    home.set("OAUTHCTL_CONFIG", home.config_path());
    home.config("[defaults]\nstore = \"agent\"\n[profiles.github]\nprovider = \"github\"\nclient_id = \"c\"\nclient_secret = \"s\"\n");
    let ada = ["token", "-p", "github", "--account", "ada"];
    assert_eq!(home.run(ada).ok().line(), "lent");
    assert_eq!(home.run(ada.iter().chain(&["--store", "agent"])).ok().line(), "lent");
    home.run(["login", "github"]).fails(10);
    let said = home.run(["doctor", "--offline"]).ok().stdout;
    assert!(said.contains("ok    store       agent: tokens come from the agent\n"), "{said}");
    home.unset("OAUTHCTL_AGENT");
    let said = home.run(["doctor", "--offline"]).code(1).stdout;
    assert!(said.contains("the store `agent` requires OAUTHCTL_AGENT"), "{said}");
    for store in ["", "--store=agent"] {
        let answer = home.run(ada.iter().chain([&store].into_iter().filter(|s| !s.is_empty())));
        assert!(answer.fails(10).stderr.contains("requires OAUTHCTL_AGENT"));
    }
    home.run(["store", "migrate", "--to", "agent"]).fails(10);
}

#[test]
fn doctor_tests_the_broker_and_its_key() {
    let (api, mut home) = broker();
    let said = home.run(["doctor"]).ok().stdout;
    assert!(
        said.contains(&format!("agent       {}/ responds and accepts the API key", api.origin)),
        "{said}"
    );
    home.run(["doctor", "--offline"]).ok();
    assert_eq!(api.asked().len(), 1);
    home.set("OAUTHCTL_AGENT_KEY", "another");
    let said = home.run(["doctor"]).code(1).stdout;
    assert!(said.contains("hint: set OAUTHCTL_AGENT_KEY to a valid API key"), "{said}");
    assert!(!said.contains("another"), "{said}");
    home.set("OAUTHCTL_AGENT", "x");
    home.run(["doctor", "--offline"]).code(1);
}
