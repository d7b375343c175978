//! Mixed-up responses that no listener of the program receives: they are completed or pasted.

use super::{API, Pair, bounce, registered, without_iss};
use crate::support::*;
use crate::user::*;

/// Each profile sets its own redirect path.
const AT_HONEST: &str = "http://127.0.0.1:4711/honest";
const AT_DISHONEST: &str = "http://127.0.0.1:4711/dishonest";

impl Pair {
    /// Each is registered with its own path, and the malicious server knows that of the honest one.
    fn apart() -> Self {
        let pair = Self::new(["honest", "dishonest"], "");
        pair.home.config("");
        for (name, issuer, uri) in [
            ("honest", pair.honest.issuer(), AT_HONEST),
            ("dishonest", pair.dishonest.issuer(), AT_DISHONEST),
        ] {
            pair.home.profile(name, issuer, "cli", &format!("{API}\nredirect_uri = {uri:?}"));
        }
        pair.honest.reply(AUTHORIZE, &registered(vec!["http://127.0.0.1/honest".to_owned()]));
        pair.dishonest.reply(AUTHORIZE, &bounce(pair.honest.issuer(), Some(AT_HONEST)));
        pair
    }

    /// The honest server's response to the flow of the dishonest one.
    fn mixed_up(authorization_url: &str) -> String {
        let response = callback(&callback(authorization_url));
        assert!(response.starts_with(&format!("{AT_HONEST}?")), "{response}");
        response
    }

    /// No code has come to the dishonest server.
    fn assert_nothing_leaked(&self) {
        assert_eq!(self.codes_that_leaked(), [""; 0]);
        assert_eq!(self.dishonest.requests_at("token").len(), 0);
    }
}

/// A code says nothing of the path at which it came in: where the path tells two servers apart, it is
/// wanted.
#[test]
fn bare_code_is_refused_if_paths_identify_servers() {
    let shared = "redirect_uri = \"http://127.0.0.1/callback\"";
    let own = |order| Pair::new(order, "");
    for pair in [
        own(["dishonest", "honest"]),
        own(["honest", "dishonest"]),
        Pair::new(["honest", "dishonest"], shared),
        Pair::apart(),
    ] {
        let begun = pair.home.run(["start", "dishonest"]).ok().json();
        let state = begun["state"].as_str().unwrap();
        let complete = ["complete", "--code", "c", "--state", state];
        let output = pair.home.run(complete).fails(7);
        assert!(output.stderr.contains("profile `honest`"), "{}", output.stderr);
        assert!(output.stderr.contains("the whole callback URL"), "{}", output.stderr);
        assert_eq!(pair.dishonest.requests_at("token").len(), 0);
        // With the URL that received it, the code is accepted, and the refusal has spent nothing.
        for with_url in [true, false] {
            let begun = pair.home.run(["start", "honest", "--redirect-uri", AT_HONEST]).ok().json();
            let back = callback(begun["authorization_url"].as_str().unwrap());
            let parts = parameters(&back);
            let parts = ["complete", "--code", &parts["code"], "--state", &parts["state"]];
            pair.home.run(parts).fails(7);
            match with_url {
                true => pair.home.run(["complete", &back]).ok(),
                false => pair.home.run([&parts[..], &["--redirect-uri", AT_HONEST]].concat()).ok(),
            };
        }
    }
    // A single server cannot be mixed up with another.
    let home = Home::new();
    let server = without_iss();
    home.profile("p", server.issuer(), "cli", API);
    let begun = home.run(["start", "p", "--redirect-uri", AT_HONEST]).ok().json();
    let parts = parameters(&callback(begun["authorization_url"].as_str().unwrap()));
    home.run(["complete", "--code", &parts["code"], "--state", &parts["state"]]).ok();
}

#[test]
fn mixed_up_response_is_refused_by_complete() {
    let pair = Pair::apart();
    let begun = pair.home.run(["start", "dishonest"]).ok().json();
    let back = Pair::mixed_up(begun["authorization_url"].as_str().unwrap());
    let parts = parameters(&back);
    let of_parts = ["complete", "--code", &parts["code"], "--state", &parts["state"]];
    pair.home.run(of_parts).fails(7);
    pair.home.run([&of_parts[..], &["--redirect-uri", AT_HONEST]].concat()).fails(7);
    pair.home.run(["complete", &back]).fails(7);
    for no_url in ["", "/honest", "127.0.0.1:4711/honest"] {
        pair.home.run([&of_parts[..], &["--redirect-uri", no_url]].concat()).fails(2);
    }
    pair.home.run(["complete", &back, "--redirect-uri", AT_HONEST]).fails(2);
    pair.assert_nothing_leaked();
}

#[test]
fn mixed_up_response_is_refused_when_pasted() {
    let pair = Pair::apart();
    let begin = |name: &str| {
        let mut running = pair.home.spawn(["login", name, "--flow", "paste", "--no-browser"]);
        let url = url_to_open(&mut running);
        (running, url)
    };
    let cuts: [fn(&str) -> &str; 3] =
        [|url| url, |url| &url[url.find('?').unwrap()..], |url| &url[url.find('?').unwrap() + 1..]];
    for cut in cuts {
        let (mut running, url) = begin("dishonest");
        let back = Pair::mixed_up(&url);
        running.write(&format!("{}\n", cut(&back)));
        let output = running.wait().fails(7);
        assert!(!output.stderr.contains(&parameters(&back)["code"]), "{}", output.stderr);
        pair.assert_nothing_leaked();
    }
    let (mut running, url) = begin("honest");
    let back = callback(&url);
    running.write(&format!("{}\n", &back[back.find('?').unwrap()..]));
    let said = running.wait().fails(7).stderr;
    assert!(
        said.contains("profile `dishonest`") && said.contains("the whole callback URL"),
        "{said}"
    );
    let (mut running, url) = begin("honest");
    running.write(&format!("{}\n", callback(&url)));
    running.wait().ok();
}

#[test]
fn started_flow_warns_of_a_shared_redirect_uri_too() {
    let warning = "profiles `dishonest` and `honest` share a redirect path";
    for uri in ["http://127.0.0.1/callback", "https://app.example/callback"] {
        let more = format!("redirect_uri = {uri:?}\nflow = [\"paste\"]");
        let pair = Pair::new(["honest", "dishonest"], &more);
        let output = pair.home.run(["start", "dishonest"]).ok();
        assert_eq!(output.stderr.matches(warning).count(), 1, "{uri}: {}", output.stderr);
    }
}

/// What no profile names cannot be compared; it can be another flow's of the other server.
#[test]
fn redirect_uri_of_no_profile_warns_at_two_servers() {
    const ANYWHERE: &str = "https://app.example/callback";
    let start =
        |home: &Home, name: &str| home.run(["start", name, "--redirect-uri", ANYWHERE]).ok();
    let pair = Pair::apart();
    for (name, other) in [("honest", "dishonest"), ("dishonest", "honest")] {
        let said = start(&pair.home, name).stderr;
        assert!(
            said.contains("no profile sets the redirect URI https://app.example/callback"),
            "{said}"
        );
        assert!(said.contains(&format!("flows of `{other}`")), "{said}");
        assert!(said.contains(&format!("[profiles.{name}]")), "{said}");
        assert_eq!(said.matches("warning:").count(), 1, "{said}");
    }
    // Those that are named, and those of a server alone.
    assert_eq!(pair.home.run(["start", "honest"]).ok().stderr, "");
    let named = ["start", "honest", "--redirect-uri", AT_HONEST];
    assert_eq!(pair.home.run(named).ok().stderr, "");
    let home = Home::new();
    let server = without_iss();
    home.profile("p", server.issuer(), "cli", API);
    assert_eq!(start(&home, "p").stderr, "");
    home.profile("q", server.issuer(), "cli2", API);
    assert_eq!(start(&home, "p").stderr, "", "another client of the same server");
}
