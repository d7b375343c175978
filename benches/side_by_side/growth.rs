//! What a refresh costs among ten thousand accounts.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use oauthctl::GrantKey;
use oauthctl::clock::SystemClock;
use oauthctl::port::Coordinator;
use oauthctl::store::StateDir;

use crate::figures::{Target, row, time};
use crate::rows::home;
use crate::support::{Home, OidcProvider};

/// How many accounts the larger home has beside its own.
const MANY: usize = 10_000;

const REFRESH: [&str; 4] = ["token", "-p", "p", "--force-refresh"];

pub fn refresh_among_accounts(name: &str, pairs: usize, server: &OidcProvider) {
    compare(name, pairs, server, &REFRESH);
}

pub fn refresh_of_account(name: &str, pairs: usize, server: &OidcProvider) {
    compare(name, pairs, server, &[&REFRESH[..], &["--account", "default"]].concat());
}

fn compare(name: &str, pairs: usize, server: &OidcProvider, args: &[&str]) {
    let (one, many) = (home(server), home(server));
    add_accounts(&many);
    let refresh = |home: &Home| time(&mut home.command(args));
    row(name, pairs, &Target::Ratio(1.2), || refresh(&one), || refresh(&many));
}

/// Adds accounts of the same profile to the index and to the store.
fn add_accounts(home: &Home) {
    let state = StateDir::open(home.state_dir(), Arc::new(SystemClock));
    let [known] = &state.some_accounts("p", 1).unwrap()[..] else { panic!("nobody logged in") };
    let tokens = home.path("data/oauthctl/tokens");
    let record = |key: &GrantKey| tokens.join(format!("{}.age", key.slug()));
    let sealed = fs::read(record(&known.key)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for number in 0..MANY {
        let mut entry = known.clone();
        entry.key = GrantKey::new("p", format!("user-{number}"));
        let mut lock = runtime.block_on(state.lock(&entry.key, Duration::ZERO)).unwrap();
        lock.publish(&entry).unwrap();
        fs::write(record(&entry.key), &sealed).unwrap();
    }
    // What was just written must not be on its way to the disk while something else is measured.
    assert!(Command::new("sync").status().unwrap().success());
}
