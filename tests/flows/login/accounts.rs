//! Two accounts, and two logins to one.

use serde_json::json;

use super::profile_at;
use crate::support::*;
use crate::user::*;

#[test]
fn two_accounts_are_kept_apart() {
    let mut home = Home::new();
    profile_at(&home, provider(), "cli", "");
    home.browser(&json!({ "mode": "honest" }));
    for account in ["alice", "bob"] {
        home.run(["login", "p", "--account", account, "--login-hint", account]).ok();
    }
    let of = |account: &str| home.run(["token", "--account", account]).ok().line().to_owned();
    let (alice, bob) = (of("alice"), of("bob"));
    assert_ne!(alice, bob);
    home.run(["refresh", "p", "--account", "bob"]).ok();
    assert_eq!(of("alice"), alice);
    assert_ne!(of("bob"), bob);
    let status = home.run(["status", "--json"]).ok().json();
    let mut who: Vec<&str> =
        status.as_array().unwrap().iter().map(|e| e["identity"]["sub"].as_str().unwrap()).collect();
    who.sort_unstable();
    assert_eq!(who, ["alice", "bob"]);
    home.run(["logout", "p", "--account", "bob"]).ok();
    home.run(["token", "--account", "bob"]).fails(4);
    assert_eq!(of("alice"), alice);
}

/// However many log in to one account, one browser opens, one code is redeemed, and all have the result.
#[test]
fn logins_to_one_account_do_not_pile_up() {
    let mut home = Home::new();
    let scenario = "tag.together";
    profile(&home, scenario, "scopes = [\"api\"]\n");
    let go = home.path("go");
    let browser = home.browser(&json!({ "mode": "honest", "after": go }));
    let first = home.spawn(["login", "p", "--json"]);
    browser.await_callback();
    let mut others: Vec<Running> = (0..6).map(|_| home.spawn(["login", "p", "--json"])).collect();
    for other in &mut others {
        other.await_stderr(|text| text.contains("is in progress; waiting for it").then_some(()));
    }
    home.write(&go, "");
    let login = first.wait().ok().json();
    for other in others {
        assert_eq!(other.wait().ok().json(), login);
    }
    assert_eq!(browser.openings().len(), 1);
    assert_eq!(hostile().requests(scenario, "token").len(), 1);
    // Another account is not affected.
    home.run(["login", "p", "--account", "other"]).ok();
    assert_eq!(browser.openings().len(), 2);
}

/// Those who waited for a login that was denied are denied too, and open no browser one after the other.
#[test]
fn denial_is_shared_with_those_who_waited() {
    let mut home = Home::new();
    let server = Scripted::start();
    home.profile("p", &server.issuer_with("deny"), "cli", "scopes = [\"api\"]\n");
    let go = home.path("go");
    let browser = home.browser(&json!({ "mode": "honest", "after": go }));
    let first = home.spawn(["login", "p"]);
    browser.await_callback();
    let mut other = home.spawn(["login", "p"]);
    other.await_stderr(|text| text.contains("is in progress; waiting for it").then_some(()));
    home.write(&go, "");
    first.wait().fails(5);
    other.wait().fails(5);
    assert_eq!(browser.openings().len(), 1);
}
