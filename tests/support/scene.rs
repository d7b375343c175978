//! What most tests at a server of their own begin with.

use serde_json::Value;

use super::home::Home;
use super::hostile::Hostile;
use super::scripted::{CODE_GRANT, REFRESH_GRANT, Scripted};
use super::servers::Servers;

/// A server of its own, one of its scenarios, and a home with the profile `p` there.
pub struct Scene<S = Hostile> {
    pub server: S,
    pub scenario: String,
    pub home: Home,
}

/// What scenes need to know of a server.
pub trait Served {
    /// The issuer of a scenario.
    fn issuer_of(&self, scenario: &str) -> String;
    /// The number of token requests of this grant type.
    fn count(&self, scenario: &str, grant_type: &str) -> usize;
    /// The newest secret of this kind: `access_token`, `refresh_token`, `code`.
    fn newest_secret(&self, kind: &str) -> String;
    /// Every secret that it has sent or received.
    fn all_secrets(&self) -> Vec<String>;
}

impl Served for Hostile {
    fn issuer_of(&self, scenario: &str) -> String {
        self.issuer(scenario)
    }

    fn count(&self, scenario: &str, grant_type: &str) -> usize {
        let all = self.requests(scenario, "token");
        all.iter().filter(|entry| entry["grant_type"] == grant_type).count()
    }

    fn newest_secret(&self, kind: &str) -> String {
        self.newest(kind)
    }

    fn all_secrets(&self) -> Vec<String> {
        self.secrets_minted()
    }
}

impl Served for Scripted {
    fn issuer_of(&self, scenario: &str) -> String {
        match scenario {
            "" => self.issuer().to_owned(),
            scenario => self.issuer_with(scenario),
        }
    }

    fn count(&self, _scenario: &str, grant_type: &str) -> usize {
        self.requests(grant_type).len()
    }

    fn newest_secret(&self, kind: &str) -> String {
        self.newest(kind)
    }

    fn all_secrets(&self) -> Vec<String> {
        self.secrets()
    }
}

impl Scene {
    /// At the misbehaving server. `lines` are those of the profile, besides issuer and client.
    #[track_caller]
    pub fn of(scenario: &str, lines: &str) -> Self {
        Self::at(Servers::hostile(), scenario, lines)
    }

    /// The requests of this grant type that the token endpoint has had.
    #[track_caller]
    pub fn grants(&self, grant_type: &str) -> Vec<Value> {
        let mut all = self.server.requests(&self.scenario, "token");
        all.retain(|entry| entry["grant_type"] == grant_type);
        all
    }
}

impl<S: Served> Scene<S> {
    /// At this server.
    #[track_caller]
    pub fn at(server: S, scenario: &str, lines: &str) -> Self {
        let home = Home::new();
        home.profile("p", &server.issuer_of(scenario), "cli", lines);
        Self { server, scenario: scenario.to_owned(), home }
    }

    /// The number of refresh requests.
    #[track_caller]
    pub fn refreshes(&self) -> usize {
        self.server.count(&self.scenario, REFRESH_GRANT)
    }

    /// The number of redeemed codes.
    #[track_caller]
    pub fn redemptions(&self) -> usize {
        self.server.count(&self.scenario, CODE_GRANT)
    }

    /// The newest secret of this kind that the server has sent.
    #[track_caller]
    pub fn newest(&self, kind: &str) -> String {
        self.server.newest_secret(kind)
    }
}
