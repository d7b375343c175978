//! Two servers that send no `iss`, one of them malicious: it must not get the other's code (RFC 9700,
//! section 4.4).

mod elsewhere;

use oauthctl_sandbox::ScriptedRequest;
use serde_json::{Value, json};

use crate::support::shapes::*;
use crate::support::*;
use crate::user::*;

const API: &str = "scopes = [\"api\"]";

/// An honest and a dishonest server, of which neither announces or sends `iss`.
struct Pair {
    honest: Scripted,
    dishonest: Scripted,
    home: Home,
}

/// A server that announces no `iss`, and sends none.
fn without_iss() -> Scripted {
    let server = Scripted::start();
    server.reply("metadata", &without("authorization_response_iss_parameter_supported"));
    server.reply(AUTHORIZE, &without_parameter("iss"));
    server
}

/// The value of a parameter of this request.
fn value<'a>(request: &'a ScriptedRequest<'_>, name: &str) -> &'a str {
    request.parameters().find(|(n, _)| *n == name).map(|(_, value)| value).unwrap()
}

/// The response of a server to which only these redirect URIs are registered, with any port (RFC 8252, section 7.3).
fn registered(uris: Vec<String>) -> Shape {
    shape(move |answer, request| {
        let mut uri = url::Url::parse(value(request, "redirect_uri")).unwrap();
        uri.set_port(None).unwrap();
        if uris.iter().any(|known| known == uri.as_str()) {
            without_parameter("iss")(answer, request);
        } else {
            with_status(400, body("redirect_uri is not registered"))(answer, request);
        }
    })
}

/// The response of a server that redirects the user to another server, back to this redirect URI or the requested one.
fn bounce(issuer: &str, redirect_uri: Option<&'static str>) -> Shape {
    let to = format!("{issuer}/authorize");
    shape(move |answer, request| {
        let mut url = url::Url::parse(&to).unwrap();
        for (name, value) in request.parameters() {
            let other = redirect_uri.filter(|_| name == "redirect_uri");
            url.query_pairs_mut().append_pair(name, other.unwrap_or(value));
        }
        redirect(302, url)(answer, request);
    })
}

impl Pair {
    /// With a profile of each, in this order of the file.
    fn new(order: [&str; 2], more: &str) -> Self {
        let (honest, dishonest) = (without_iss(), without_iss());
        dishonest.reply(AUTHORIZE, &bounce(honest.issuer(), None));
        let home = Home::new();
        for name in order {
            let server = if name == "honest" { &honest } else { &dishonest };
            home.profile(name, server.issuer(), "cli", &format!("{API}\n{more}"));
        }
        Self { honest, dishonest, home }
    }

    /// Registers with the honest server what the program says is to be registered.
    fn register(&self) -> Value {
        let shown = self.home.run(["profile", "show", "honest", "--json"]).ok().json();
        let uris = serde_json::from_value(shown["redirect_uri"].clone()).unwrap();
        self.honest.reply(AUTHORIZE, &registered(uris));
        shown["redirect_uri"].clone()
    }

    /// The codes of the honest server that the dishonest one was sent.
    fn codes_that_leaked(&self) -> Vec<String> {
        let mut codes = self.honest.secrets();
        let is_known = |code: &String| {
            self.dishonest
                .requests_at("token")
                .iter()
                .any(|asked| asked.form.values().any(|it| it == code))
        };
        codes.retain(is_known);
        codes
    }
}

#[test]
fn dishonest_server_gets_no_code_of_another_server() {
    for (order, registered, own) in [
        (["honest", "dishonest"], "http://127.0.0.1/callback", "/dishonest/callback"),
        (["dishonest", "honest"], "http://127.0.0.1/honest/callback", "/callback"),
    ] {
        let mut pair = Pair::new(order, "");
        assert_eq!(pair.register(), json!([registered]), "{order:?}");
        let (running, url) = listening(&pair.home, &["dishonest", "--timeout", "2s"]);
        let redirect = url::Url::parse(&parameters(&url)["redirect_uri"]).unwrap();
        assert_eq!(redirect.path(), own, "{order:?}");
        let bounced = visit(&callback(&url)).unwrap();
        assert_eq!(bounced.status, 400, "the honest server refuses: {bounced:?}");
        assert!(bounced.body.contains("not registered"), "{bounced:?}");
        let output = running.wait().fails(6);
        if own != "/callback" {
            assert!(error(&output).contains("register http://127.0.0.1/dishonest/callback"));
        }
        assert_eq!(pair.codes_that_leaked(), [""; 0], "{order:?}");
        assert_eq!(pair.dishonest.requests_at("token").len(), 0, "{order:?}");
        pair.home.login("honest");
    }
}

/// The server and the test would see it: at a shared path the code does go to the dishonest server.
#[test]
fn path_that_is_shared_on_purpose_is_warned_about() {
    let shared = "redirect_uri = \"http://127.0.0.1/callback\"";
    let pair = Pair::new(["honest", "dishonest"], shared);
    assert_eq!(pair.register(), json!(["http://127.0.0.1/callback"]));
    let (running, url) = listening(&pair.home, &["dishonest"]);
    visit(&callback(&callback(&url))).unwrap();
    let output = running.wait().fails(4);
    let warning = "profiles `dishonest` and `honest` share a redirect path";
    assert_eq!(output.stderr.matches(warning).count(), 1, "{}", output.stderr);
    let hint = "redirect_uri = \"http://127.0.0.1/dishonest/callback\"";
    assert!(output.stderr.contains(hint), "{}", output.stderr);
    assert_eq!(pair.codes_that_leaked().len(), 1);
}

/// No alarm where one server of the two says who it is.
#[test]
fn server_that_announces_iss_keeps_the_path() {
    let (first, second) = (without_iss(), Scripted::start());
    let mut home = Home::new();
    home.profile("first", first.issuer(), "cli", API);
    home.profile("second", second.issuer(), "cli", API);
    let before = home.run(["profile", "show", "second", "--json"]).ok();
    assert_eq!(before.json()["redirect_uri"], json!(["http://127.0.0.1/second/callback"]));
    let note = format!(
        "  http://127.0.0.1/second/callback\n  http://127.0.0.1/callback\nThe metadata of {} \
         determines which of them a login uses",
        second.issuer()
    );
    assert!(before.stderr.contains(&note), "{}", before.stderr);
    let (running, url) = listening(&home, &["second"]);
    assert!(parameters(&url)["redirect_uri"].ends_with("/callback"));
    assert!(!parameters(&url)["redirect_uri"].contains("second"));
    visit(&callback(&url)).unwrap();
    running.wait().ok();
    let after = home.run(["profile", "show", "second", "--json"]).ok();
    assert_eq!(after.json()["redirect_uri"], json!(["http://127.0.0.1/callback"]));
    let set = "scopes = [\"api\"]\nredirect_uri = \"http://127.0.0.1/callback\"";
    home.config("");
    home.profile("first", first.issuer(), "cli", set);
    home.profile("second", second.issuer(), "cli", set);
    let output = home.login("first");
    assert!(!output.stderr.contains("same redirect path"), "{}", output.stderr);
}

#[test]
fn flow_completed_elsewhere_has_the_path() {
    let pair = Pair::new(["dishonest", "honest"], "");
    let begun = pair.home.run(["start", "honest"]).ok().json();
    let url = begun["authorization_url"].as_str().unwrap();
    assert_eq!(parameters(url)["redirect_uri"], "http://127.0.0.1/honest/callback");
    let chosen = ["start", "honest", "--redirect-uri", "https://app.example/callback"];
    let begun = pair.home.run(chosen).ok().json();
    let url = begun["authorization_url"].as_str().unwrap();
    assert_eq!(parameters(url)["redirect_uri"], "https://app.example/callback");
    pair.home.run(["start", "honest", "--redirect-uri", ""]).fails(2);
}

#[test]
fn adding_a_profile_says_what_to_register() {
    let home = Home::new();
    let add = |name: &str, issuer: &str| {
        home.run(["profile", "add", name, "--client-id", "c", "--issuer", issuer]).ok().stderr
    };
    let first = add("first", "https://a.example");
    assert!(first.contains("to register at the service: http://127.0.0.1/callback\n"), "{first}");
    let second = add("second", "https://b.example");
    let both = "Register two redirect URIs at the service:\n  http://127.0.0.1/second/callback\n  \
                http://127.0.0.1/callback\n";
    assert!(second.contains(both), "the server cannot be asked: {second}");
}

/// The redirect URI that is to be registered is the one that the login then sends.
#[test]
fn added_profile_names_the_uri_that_login_sends() {
    for (second, path) in [(Scripted::start(), "/callback"), (without_iss(), "/second/callback")] {
        let (first, home) = (without_iss(), Home::new());
        let add = |name: &str, issuer: &str| {
            let call = ["profile", "add", name, "--client-id", "cli", "--issuer", issuer];
            home.run(call.into_iter().chain(["--scope", "api"])).ok().stderr
        };
        add("first", first.issuer());
        let told = add("second", second.issuer());
        let uri = format!("http://127.0.0.1{path}");
        assert!(told.contains(&format!("to register at the service: {uri}\n")), "{told}");
        assert!(!told.contains("Register two"), "nothing is left open: {told}");
        let shown = home.run(["profile", "show", "second", "--json"]).ok();
        assert_eq!(shown.json()["redirect_uri"], json!([uri]));
        let (_running, url) = listening(&home, &["second", "--timeout", "2s"]);
        let sent = url::Url::parse(&parameters(&url)["redirect_uri"]).unwrap();
        assert_eq!(sent.path(), path);
    }
}
