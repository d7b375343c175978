//! The homes in which the program is measured.

use crate::figures::time;
use crate::support::{Home, OidcProvider};

pub const SCOPES: &str = "scopes = [\"openid\", \"api\"]";

/// A home that is logged in.
pub fn home(server: &OidcProvider) -> Home {
    let mut home = Home::new();
    home.profile("p", &server.issuer, "cli", SCOPES);
    log_in(&mut home);
    home
}

pub fn log_in(home: &mut Home) {
    let this = std::env::current_exe().unwrap();
    home.set("BROWSER", format!("{} --browse %s", this.display()));
    time(&mut home.command(["login", "p"]));
    // The first token fills what the cached path reads.
    time(&mut home.command(["token", "-p", "p"]));
}
