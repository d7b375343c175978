//! The broker beside what it replaces and what cannot be faster, in one run.
//!
//!     cargo bench -p oauthctl-broker                     # every row
//!     cargo bench -p oauthctl-broker -- --seconds 5 read # the rows whose names contain "read"
//!
//! Needs wrk, nginx, redis-server, PostgreSQL and python3-venv (Debian's packages); a Python environment with FastAPI,
//! uvicorn and redis-py is made below `target/` once. Nothing is asserted: what counts is the ratios, which saw the
//! same machine. `OAUTHCTL_BENCH_MANY` is the number of connections of the large store (a million).

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs, dead_code)]

#[path = "../../tests/broker/authority.rs"]
mod authority;
#[path = "../../tests/broker/databases.rs"]
mod databases;
mod growth;
#[path = "../../../../tests/support/http.rs"]
mod http;
mod others;
#[path = "../../../../tests/support/process.rs"]
mod process;
mod reads;
mod storm;
#[path = "../../tests/broker/support.rs"]
mod support;
#[path = "../../../../tests/support/user.rs"]
mod user;
mod world;
mod wrk;

/// A row: its name, and what measures it in so many seconds.
type Row = (&'static str, fn(u64));

const ROWS: [Row; 4] = [
    ("read: cached token, 32 connections", reads::cached),
    ("growth: memory, cold reads and start", growth::all),
    ("storm: 10,000 connections expire in one minute", storm::ten_thousand),
    ("slow: one refresh of 40 s for 600 clients of three instances", storm::slow),
];

fn main() {
    let (mut seconds, mut wanted) = (10, String::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seconds" => seconds = arguments.next().unwrap().parse().unwrap(),
            // Cargo's own.
            "--bench" => {}
            name => name.clone_into(&mut wanted),
        }
    }
    world::describe();
    for (name, measure) in ROWS.into_iter().filter(|(name, _)| name.contains(&wanted)) {
        println!("\n{name}");
        measure(seconds);
    }
}
