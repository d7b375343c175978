//! The broker as a program: its API over HTTP, with the sandbox as provider.

#![allow(clippy::unwrap_used, clippy::panic)]

mod access;
mod authority;
mod connect;
mod databases;
mod faults;
mod hostile;
mod locks;
mod openapi;
mod operation;
mod receiver;
mod shared;
mod signup;
mod soak;
mod storage;
mod support;
mod webhooks;
