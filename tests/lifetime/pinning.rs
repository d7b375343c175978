//! A refresh token goes to nobody but the server and the client that it was given to.

use serde_json::json;

use crate::scene::{Scene, rewrite};
use crate::support::shapes::set;
use crate::support::{CODE_GRANT, REFRESH_GRANT, Servers, assert_canary_untouched, canary};

/// Logs in, changes the profile, and sees that nothing is sent to the new place.
#[track_caller]
fn nothing_is_sent(change: impl FnOnce(&Scene) -> String, scenario: &str) {
    let scene = Scene::logged_in("honest", 30);
    let token = scene.stored()["tokens"]["refresh_token"].clone();
    scene.home.config(&change(&scene));
    for args in [
        ["token", "-p", "p"].as_slice(),
        &["token", "-p", "p", "--force-refresh"],
        &["refresh", "p"],
        &["exec", "-p", "p", "--", "true"],
    ] {
        let output = scene.home.run(["--json"].iter().chain(args)).fails(4);
        let error = output.error_json();
        assert!(error["hint"].as_str().unwrap().contains("oauthctl login p"), "{error}");
    }
    for name in [scenario, "honest"] {
        let requests = scene.server.requests(name, "token");
        let refreshes = requests.iter().filter(|r| r["grant_type"] == "refresh_token").count();
        assert_eq!(refreshes, 0, "{name}");
    }
    assert_eq!(scene.stored()["tokens"]["refresh_token"], token);
    scene.server.assert_canary_untouched();
    // Changed back, it works as before.
    let issuer = scene.server.issuer("honest");
    scene.home.config("").profile("p", &issuer, "cli", "scopes = [\"api\"]");
    scene.works();
}

#[test]
fn refresh_token_is_not_sent_to_another_issuer() {
    let change = |scene: &Scene| {
        let issuer = scene.server.issuer("tag.other");
        format!("[profiles.p]\nissuer = {issuer:?}\nclient_id = \"cli\"\nscopes = [\"api\"]\n")
    };
    nothing_is_sent(change, "tag.other");
}

#[test]
fn refresh_token_is_not_sent_to_new_token_endpoint() {
    let change = |scene: &Scene| {
        let issuer = scene.server.issuer("honest");
        let other = scene.server.issuer("tag.other");
        format!(
            "[profiles.p]\nissuer = {issuer:?}\nclient_id = \"cli\"\ntoken_endpoint = \"{other}/token\"\n"
        )
    };
    nothing_is_sent(change, "tag.other");
}

#[test]
fn refresh_token_is_not_sent_to_new_refresh_endpoint() {
    let change = |scene: &Scene| {
        let issuer = scene.server.issuer("honest");
        let other = scene.server.issuer("tag.other");
        format!(
            "[profiles.p]\nissuer = {issuer:?}\nclient_id = \"cli\"\nrefresh_endpoint = \"{other}/token\"\n"
        )
    };
    nothing_is_sent(change, "tag.other");
}

#[test]
fn refresh_token_is_not_sent_for_another_client() {
    let change = |scene: &Scene| {
        let issuer = scene.server.issuer("honest");
        format!("[profiles.p]\nissuer = {issuer:?}\nclient_id = \"somebody-else\"\n")
    };
    nothing_is_sent(change, "honest");
}

#[test]
fn endpoint_moved_by_metadata_gets_no_token() {
    let scene = Scene::scripted();
    scene.server.reply(CODE_GRANT, &set("expires_in", json!(30)));
    let Scene { server, home, .. } = scene.log_in(3600);
    server.reply("metadata", &set("token_endpoint", json!(format!("{}/token", canary().origin))));
    let _ = std::fs::remove_dir_all(home.state_dir().join("discovery"));
    home.run(["token", "-p", "p", "--min-ttl", "5m"]).fails(4);
    home.run(["token", "-p", "p", "--force-refresh"]).fails(4);
    home.run(["logout", "p"]);
    assert_canary_untouched();
    assert_eq!(server.requests(REFRESH_GRANT).len(), 0);
}

#[test]
fn logout_sends_no_token_to_another_issuer() {
    let scene = Scene::logged_in("honest", 3600);
    let issuer = scene.server.issuer("tag.other");
    scene.home.config(&format!("[profiles.p]\nissuer = {issuer:?}\nclient_id = \"cli\"\n"));
    let output = scene.home.run(["logout", "p"]);
    assert_ne!(output.status, 0, "it says that nothing was revoked");
    assert!(scene.server.requests("tag.other", "revoke").is_empty());
    assert!(crate::scene::files_like(&scene.home, ".age").is_empty());
}

#[test]
fn revocation_endpoint_that_has_moved_gets_nothing() {
    let scene = Scene::logged_in("honest", 3600);
    let (issuer, other) = (scene.server.issuer("honest"), scene.server.issuer("tag.other"));
    scene.home.config(&format!(
        "[profiles.p]\nissuer = {issuer:?}\nclient_id = \"cli\"\nrevocation_endpoint = \"{other}/revoke\"\n"
    ));
    let output = scene.home.run(["logout", "p"]).fails(3);
    assert!(output.stderr.contains("revocation"), "{}", output.stderr);
    assert!(scene.server.requests("tag.other", "revoke").is_empty());
    assert!(scene.server.requests("honest", "revoke").is_empty());
    assert!(crate::scene::files_like(&scene.home, ".age").is_empty(), "forgotten all the same");
}

/// Where none was known at the login, it goes to the server that gave it and nowhere else.
#[test]
fn new_revocation_endpoint_belongs_to_the_same_server() {
    let elsewhere = Servers::hostile();
    for is_elsewhere in [false, true] {
        let scene = Scene::logged_in("honest", 3600);
        rewrite(&scene.home, |record| record["pin"]["revocation_endpoint"] = json!(null));
        let (issuer, own) = (scene.server.issuer("honest"), scene.server.issuer("tag.other"));
        let other = if is_elsewhere { elsewhere.issuer("tag.other") } else { own };
        scene.home.config(&format!(
            "[profiles.p]\nissuer = {issuer:?}\nclient_id = \"cli\"\nrevocation_endpoint = \"{other}/revoke\"\n"
        ));
        let output = scene.home.run(["logout", "p"]);
        let sent = !scene.server.requests("tag.other", "revoke").is_empty();
        assert_eq!((output.status == 3, sent), (is_elsewhere, !is_elsewhere), "{}", output.stderr);
        assert_eq!(output.stderr.contains("not sent for revocation"), is_elsewhere);
        assert!(crate::scene::files_like(&scene.home, ".age").is_empty(), "forgotten all the same");
    }
    assert!(elsewhere.requests("tag.other", "revoke").is_empty());
}

#[test]
fn late_token_is_not_sent_to_a_new_endpoint() {
    let elsewhere = Servers::hostile();
    let mut scene = Scene::logged_in("honest", 30);
    let (issuer, other) = (scene.server.issuer("honest"), elsewhere.issuer("tag.other"));
    rewrite(&scene.home, |record| record["pin"]["revocation_endpoint"] = json!(null));
    scene.home.config(&format!(
        "[profiles.p]\nissuer = {issuer:?}\nclient_id = \"cli\"\nrevocation_endpoint = \"{other}/revoke\"\n"
    ));
    let here = scene.home.state_dir();
    scene.server.hold("token-answer", 1);
    let slow = scene.home.spawn(["token", "-p", "p"]);
    scene.server.await_held("token-answer", 1);
    scene.home.set("OAUTHCTL_STATE_DIR", scene.home.path("other-state"));
    scene.home.run(["logout", "p", "--local"]).ok();
    scene.home.set("OAUTHCTL_STATE_DIR", &here);
    scene.server.release("token-answer");
    slow.wait().fails(4);
    assert!(elsewhere.requests("tag.other", "revoke").is_empty());
}

/// It still works where it came from, so it is handed out; but nobody is left to wonder.
#[test]
fn token_of_another_server_or_client_has_a_warning() {
    let scene = Scene::logged_in("honest", 3600);
    let (issuer, other) = (scene.server.issuer("honest"), scene.server.issuer("tag.other"));
    for (what, settings) in [
        ("", format!("issuer = {issuer:?}\nclient_id = \"cli\"\n")),
        ("issuer", format!("issuer = {other:?}\nclient_id = \"cli\"\n")),
        ("client", format!("issuer = {issuer:?}\nclient_id = \"somebody-else\"\n")),
        (
            "token endpoint",
            format!(
                "issuer = {issuer:?}\nclient_id = \"cli\"\ntoken_endpoint = \"{other}/token\"\n"
            ),
        ),
    ] {
        scene.home.config(&format!("[profiles.p]\n{settings}"));
        // The long way, and the short one that the first call prepares.
        for round in ["parsed", "kept"] {
            let output = scene.home.run(["token", "-p", "p"]).ok();
            assert_eq!(output.line(), scene.newest("access_token"), "{what}, {round}");
            let warning =
                format!("belongs to a different {what} than the one that is now configured");
            assert_eq!(output.stderr.matches(&warning).count(), usize::from(!what.is_empty()));
            assert_eq!(output.stderr.is_empty(), what.is_empty(), "{round}: {}", output.stderr);
            let hinted = output.stderr.contains("hint: run `oauthctl login p`");
            assert_eq!(hinted, !what.is_empty(), "{round}: {}", output.stderr);
        }
    }
    assert_eq!(scene.home.run(["token", "-p", "p", "-q"]).ok().stderr, "");
}
