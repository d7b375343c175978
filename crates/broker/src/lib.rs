//! The broker: OAuth connections as a service.
//!
//! The end users of an application connect their accounts once; the application asks for a working access token at
//! any time. The library is for the program `oauthctl-broker` and its tests; `docs/broker.md` describes the service,
//! `docs/architecture.md` where a change belongs.

pub mod admin;
pub mod api;
pub mod audit;
pub mod broker;
pub mod cache;
pub mod callback;
pub mod caller;
pub mod cli;
pub mod clock;
pub mod confirmations;
pub mod connections;
pub mod events;
pub mod feed;
pub mod flow;
pub mod hand_out;
pub mod handed;
pub mod keys;
pub mod limits;
pub mod link;
pub mod mail;
pub mod metrics;
pub mod model;
pub mod names;
pub mod pages;
pub mod passwords;
pub mod private_files;
pub mod problem;
pub mod providers;
pub mod queues;
pub mod quota;
pub mod rates;
pub mod redirects;
pub mod rotation;
pub mod rules;
pub mod schedule;
pub mod server;
pub mod settings;
pub mod signup;
pub mod storage;
pub mod tenants;
pub mod titles;
pub mod token;
pub mod vault;
pub mod webhooks;
pub mod worker;
