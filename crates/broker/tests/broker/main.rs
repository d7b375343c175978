//! The broker as a program: its API over HTTP, with the sandbox as provider.

#![allow(clippy::unwrap_used, clippy::panic)]

mod access;
mod admin;
mod agent;
mod audit;
mod authority;
#[path = "../../../../tests/support/chromium.rs"]
mod chromium;
mod client_auth;
mod connect;
mod crash;
mod databases;
mod documented;
mod examples;
mod fairness;
#[path = "../../../../tests/support/faketime.rs"]
mod faketime;
mod faults;
mod hostile;
#[path = "../../../../tests/support/http.rs"]
#[allow(dead_code, reason = "the tests of the program use more of it")]
mod http;
mod locks;
mod metrics;
mod mix_up;
mod openapi;
mod operation;
mod output;
#[path = "../../../../src/docs/page.rs"]
#[allow(dead_code, reason = "the tests of the program use more of it")]
mod page;
mod pages;
mod permissions;
#[path = "../../../../tests/support/process.rs"]
#[allow(dead_code, reason = "the tests of the program use more of it")]
mod process;
mod quotas;
mod receiver;
mod rules;
mod shared;
#[path = "../../../../src/docs/shell.rs"]
mod shell;
mod shown;
mod shutdown;
mod signup;
mod sizes;
mod slow;
mod soak;
mod storage;
mod support;
mod unreadable;
#[path = "../../../../tests/support/user.rs"]
#[allow(dead_code, reason = "the tests of the program use more of it")]
mod user;
mod webhooks;
