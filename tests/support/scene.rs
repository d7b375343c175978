//! What most tests at the hostile server begin with.

use serde_json::Value;

use super::home::Home;
use super::hostile::Hostile;
use super::servers::Servers;

/// A hostile server of its own, one of its scenarios, and a home with the profile `p` there.
pub struct Scene {
    pub server: Hostile,
    pub scenario: String,
    pub home: Home,
}

impl Scene {
    /// `lines` are those of the profile, besides issuer and client.
    #[track_caller]
    pub fn of(scenario: &str, lines: &str) -> Self {
        let server = Servers::hostile();
        let home = Home::new();
        home.profile("p", &server.issuer(scenario), "cli", lines);
        Self { server, scenario: scenario.to_owned(), home }
    }

    /// The requests of this grant type that the token endpoint has had.
    #[track_caller]
    pub fn grants(&self, grant_type: &str) -> Vec<Value> {
        let mut all = self.server.requests(&self.scenario, "token");
        all.retain(|entry| entry["grant_type"] == grant_type);
        all
    }

    /// The number of refresh requests.
    #[track_caller]
    pub fn refreshes(&self) -> usize {
        self.grants("refresh_token").len()
    }

    /// The number of redeemed codes.
    #[track_caller]
    pub fn redemptions(&self) -> usize {
        self.grants("authorization_code").len()
    }

    /// The newest token of this kind that the server has minted.
    #[track_caller]
    pub fn newest(&self, kind: &str) -> String {
        self.server.newest(kind)
    }
}
