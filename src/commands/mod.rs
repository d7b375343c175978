//! The commands: one file each, with its `Args` and its `run`.

pub mod attr;
pub mod complete;
pub mod completions;
pub mod credential;
pub mod demo;
pub mod discover;
pub mod doctor;
pub mod exec;
pub mod export;
pub mod help;
pub mod import;
pub mod inspect;
pub mod introspect;
pub mod login;
pub mod logout;
pub mod man;
pub mod pending;
pub mod profile;
pub mod providers;
pub mod refresh;
pub mod sandbox;
pub mod start;
pub mod status;
pub mod store;
pub mod token;
pub mod userinfo;
