//! Flows in two phases: what starting and completing one takes, alone and among ten thousand.

use std::sync::Arc;
use std::time::Instant;

use oauthctl_core::clock::SystemClock;
use oauthctl_core::port::{Clock, PendingRecord, PendingStore};
use oauthctl_core::protocol::state::{Opened, StateAlg, StateClaims, StateKey, StateKeys};
use oauthctl_core::store::FilePending;
use serde_json::Value;

use crate::browser;
use crate::figures::{Target, median, row, time};
use crate::homes::SCOPES;
use crate::machine::installed;
use crate::support::{Home, OidcProvider};

const CALLBACK: &str = "http://127.0.0.1:9/callback";
const START: [&str; 4] = ["start", "p", "--redirect-uri", CALLBACK];

/// How many flows are open in the two homes that are compared.
const FEW: usize = 10;
const MANY: usize = 10_000;

/// How often a state is signed and checked for one figure.
const BATCH: u32 = 2_000;

pub fn start(name: &str, pairs: usize, server: &OidcProvider) {
    if !installed("curl") {
        return println!("{name:<52} not measured: no curl here");
    }
    let home = home(server, 0);
    // The request that every start makes too.
    let metadata = format!("{}/.well-known/openid-configuration", server.issuer);
    row(
        name,
        pairs,
        &Target::Ratio(1.2),
        || time(std::process::Command::new("curl").args(["-s", &metadata])),
        || time(&mut home.command(START)),
    );
}

pub fn start_among_many(name: &str, pairs: usize, server: &OidcProvider) {
    let (few, many) = (home(server, FEW), home(server, MANY));
    let start = |home: &Home| time(&mut home.command(START));
    row(name, pairs, &Target::Ratio(1.5), || start(&few), || start(&many));
}

pub fn complete_among_many(name: &str, pairs: usize, server: &OidcProvider) {
    let (few, many) = (home(server, FEW), home(server, MANY));
    row(name, pairs, &Target::Ratio(1.5), || complete(&few), || complete(&many));
}

/// A home with so many open flows.
fn home(server: &OidcProvider, flows: usize) -> Home {
    let home = Home::new();
    home.profile("p", &server.issuer, "cli", SCOPES);
    // It finds out what the server is like, and makes the keys.
    time(&mut home.command(START));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let pending = FilePending::open(home.state_dir().join("pending"), Arc::new(SystemClock));
    let record = |number: usize| PendingRecord {
        id: format!("flow-{number}"),
        expires_at: SystemClock.now().plus(std::time::Duration::from_secs(600)),
        sealed: vec![7; 900],
    };
    for number in 0..flows {
        runtime.block_on(pending.put(&record(number))).unwrap();
    }
    home
}

/// Starts a flow, has the user come back, and times what completes it.
fn complete(home: &Home) -> f64 {
    let begun = home.command(START).output().unwrap();
    let begun: Value = serde_json::from_slice(&begun.stdout).unwrap();
    let (at, _) = browser::visit(begun["authorization_url"].as_str().unwrap(), Some(CALLBACK));
    time(&mut home.command(["complete", at.as_str()]))
}

/// Within one process: signing and checking alone.
pub fn states(name: &str, pairs: usize, _: &OidcProvider) {
    let claims = StateClaims {
        rfp: "r".repeat(22),
        iat: 1_700_000_000,
        exp: 1_700_000_600,
        server: "https://as.example".to_owned(),
        aud: "client".to_owned(),
        jti: "j".repeat(22),
    };
    for (alg, limit) in [(StateAlg::Hs256, "at most 50 us each"), (StateAlg::EdDsa, "")] {
        let secret = StateKey::generate().unwrap();
        let keys = StateKeys::new(StateKey::read(&secret, alg).unwrap(), Vec::new());
        let state = keys.current().unwrap().sign(&claims).unwrap();
        let sign = || drop(std::hint::black_box(keys.current().unwrap().sign(&claims).unwrap()));
        let check = || assert!(matches!(keys.open(&state), Ok(Opened::Signed(..))));
        let [signing, checking] =
            [median((0..pairs).map(|_| each(sign))), median((0..pairs).map(|_| each(check)))]
                .map(|seconds| format!("{:.1} us", seconds * 1_000_000.0));
        let name = format!("{name}, {}", alg.as_str());
        println!("{name:<52} {signing:>9} {checking:>9} {:>10} {:>10}   {limit}", "", "");
    }
}

/// The time of one, in seconds, over many.
fn each(act: impl Fn()) -> f64 {
    let begun = Instant::now();
    (0..BATCH).for_each(|_| act());
    begun.elapsed().as_secs_f64() / f64::from(BATCH)
}
