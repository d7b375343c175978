//! The `oauthctl` program.

fn main() {}
