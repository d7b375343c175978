//! What commands cost among ten thousand accounts and ten thousand profiles, and how often a refresh asks the
//! keyring.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use oauthctl_core::GrantKey;
use oauthctl_core::clock::SystemClock;
use oauthctl_core::port::Coordinator;
use oauthctl_core::store::StateDir;

use crate::figures::{Target, row, time};
use crate::homes::{SCOPES, home, log_in};
use crate::machine::installed;
use crate::support::{CountingBus, Home, OidcProvider, SecretService};

/// How many accounts or profiles the larger home has beside its own.
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

const START: [&str; 4] = ["start", "p", "--redirect-uri", "http://127.0.0.1:9/callback"];

/// With a server that announces `iss`: what other profiles there are does not matter to it.
pub fn start_among_profiles(name: &str, pairs: usize, server: &OidcProvider) {
    let profile = format!("issuer = {:?}\nclient_id = \"cli\"\n{SCOPES}", server.issuer);
    among_profiles(name, pairs, &profile, &START);
}

/// With a server that does not: it is told from those of all other profiles.
pub fn start_without_iss_among_profiles(name: &str, pairs: usize, _: &OidcProvider) {
    let profile = "client_id = \"c\"\nauthorization_endpoint = \"https://as.example/authorize\"\n\
                   token_endpoint = \"https://as.example/token\"";
    among_profiles(name, pairs, profile, &START);
}

pub fn status_among_profiles(name: &str, pairs: usize, server: &OidcProvider) {
    let profile = format!("issuer = {:?}\nclient_id = \"cli\"\n{SCOPES}", server.issuer);
    among_profiles(name, pairs, &profile, &["status"]);
}

fn among_profiles(name: &str, pairs: usize, profile: &str, args: &[&str]) {
    let (one, many) = (Home::new(), Home::new());
    let others = (0..MANY).map(|number| {
        format!("[profiles.other-{number}]\nissuer = \"https://as-{number}.example\"\nclient_id = \"c\"\n{SCOPES}\n\n")
    });
    let profile = format!("[profiles.p]\n{profile}\n");
    one.config(&profile);
    many.config(&(others.collect::<String>() + &profile));
    // The first run finds out what the server is like, and checks the configuration.
    for home in [&one, &many] {
        time(&mut home.command(START));
    }
    let run = |home: &Home| time(&mut home.command(args));
    row(name, pairs, &Target::Within(15.0), || run(&one), || run(&many));
}

/// How often a refresh asks the keyring.
pub fn keyring_calls(name: &str, _: usize, server: &OidcProvider) {
    if !installed("gnome-keyring-daemon") {
        return println!("{name:<52} not measured: no gnome-keyring here");
    }
    let service = SecretService::start();
    let bus = CountingBus::before(&service.address);
    let mut home = Home::new();
    home.profile("p", &server.issuer, "cli", SCOPES);
    home.keyring(&service).set("DBUS_SESSION_BUS_ADDRESS", &bus.address);
    log_in(&mut home);
    bus.take();
    time(&mut home.command(REFRESH));
    let calls = bus.take();
    let asked: usize =
        calls.iter().filter(|(call, _)| **call != "OpenSession").map(|(_, n)| n).sum();
    println!("{name:<52} {:>9} {:>9} {asked:>10} {:>10}   at most 10   {calls:?}", "", "", "");
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
        runtime.block_on(lock.publish(&entry)).unwrap();
        fs::write(record(&entry.key), &sealed).unwrap();
    }
    // What was just written must not be on its way to the disk while something else is measured.
    assert!(Command::new("sync").status().unwrap().success());
}
