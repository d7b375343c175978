//! Scenarios: a table of named rows, each with a few effects at fixed points of the server.
//!
//! A handler answers honestly; the effects are applied around it, in [`dispatch`](super::dispatch), so
//! that a new misbehavior is a new row. Only a [`Rule`] changes what a handler itself decides.

mod effect;
mod identity;
mod login;
mod replies;
mod row;
mod wire;

use std::sync::LazyLock;

use super::error::{Error, Result};
use super::keys::Signing;
use super::reply::{Answer, Object, Reply, Transport};
use super::request::Call;

use effect::Effect;
pub(super) use effect::{Cue, Response, Rule};
pub use row::Scenario;

/// Returns all scenarios, in the order of the steps that they affect.
pub fn scenarios() -> &'static [Scenario] {
    static ALL: LazyLock<Vec<Scenario>> =
        LazyLock::new(|| [replies::ROWS, wire::ROWS, login::ROWS, identity::ROWS].concat());
    &ALL
}

struct Chosen {
    scenario: &'static Scenario,
    argument: String,
}

/// The effects of the active scenarios.
#[derive(Default)]
pub(super) struct Effects(Vec<Chosen>);

impl Effects {
    /// Looks up scenarios.
    pub(super) fn choose<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self> {
        names.map(str::trim).filter(|n| !n.is_empty()).map(look_up).collect::<Result<_>>().map(Self)
    }

    fn each<'a, T>(
        &'a self,
        pick: impl Fn(&'static Effect) -> Option<T> + 'a,
    ) -> impl Iterator<Item = (&'a Chosen, T)> {
        self.0.iter().flat_map(move |chosen| {
            let found: Vec<T> = chosen.scenario.effects.iter().filter_map(&pick).collect();
            found.into_iter().map(move |effect| (chosen, effect))
        })
    }

    /// Returns whether a rule is active.
    pub(super) fn rule(&self, rule: Rule) -> bool {
        self.each(|e| matches!(e, Effect::Rule(r) if *r == rule).then_some(())).next().is_some()
    }

    /// Returns how long to wait, in seconds.
    pub(super) fn delay(&self, call: &Call) -> u64 {
        self.each(|e| matches!(e, Effect::Delay(on) if on.concerns(call)).then_some(()))
            .filter_map(|(chosen, ())| chosen.argument.parse::<u64>().ok())
            .sum()
    }

    /// Returns the response that replaces that of the endpoint. `first` tells whether a scenario occurs for
    /// the first time.
    pub(super) fn instead(
        &self,
        call: &Call,
        cue: &Cue,
        mut first: impl FnMut(&'static str) -> bool,
    ) -> Option<Reply> {
        self.each(|e| match e {
            Effect::Instead(on, f) if on.concerns(call) => Some((false, *f)),
            Effect::Once(on, f) if on.concerns(call) => Some((true, *f)),
            _ => None,
        })
        .find(|(chosen, (once, _))| !once || first(chosen.scenario.name))
        .map(|(chosen, (_, f))| f(&chosen.cue(cue)))
    }

    /// Edits the JSON of a successful response.
    pub(super) fn edit(&self, call: &Call, json: &mut Object, cue: &Cue) {
        for (chosen, f) in self.each(|e| match e {
            Effect::Edit(on, f) if on.concerns(call) => Some(*f),
            _ => None,
        }) {
            f(json, &chosen.cue(cue));
        }
    }

    /// Edits a response.
    pub(super) fn rewrite(&self, call: &Call, answer: &mut Answer, cue: &Cue) {
        for (chosen, f) in self.each(|e| match e {
            Effect::Rewrite(on, f) if on.concerns(call) => Some(*f),
            _ => None,
        }) {
            f(answer, &chosen.cue(cue));
        }
    }

    /// Returns how to send a response, if not by HTTP.
    pub(super) fn transport(&self, call: &Call) -> Option<Transport> {
        self.each(|e| match e {
            Effect::Send(on, transport) if on.concerns(call) => Some(*transport),
            _ => None,
        })
        .next()
        .map(|(_, transport)| transport)
    }

    /// Changes an access token.
    pub(super) fn mint(&self, token: String) -> String {
        self.each(|e| match e {
            Effect::Mint(f) => Some(*f),
            _ => None,
        })
        .fold(token, |token, (_, f)| f(token))
    }

    /// Edits an authorization response.
    pub(super) fn respond(&self, response: &mut Response, cue: &Cue) {
        for (chosen, f) in self.each(|e| match e {
            Effect::Respond(f) => Some(*f),
            _ => None,
        }) {
            f(response, &chosen.cue(cue));
        }
    }

    /// Edits the claims of an id_token.
    pub(super) fn claims(&self, call: &Call, claims: &mut Object, cue: &Cue) {
        for (chosen, f) in self.each(|e| match e {
            Effect::Claims(on, f) if on.concerns(call) => Some(*f),
            _ => None,
        }) {
            f(claims, &chosen.cue(cue));
        }
    }

    /// Edits the header of an id_token.
    pub(super) fn header(&self, header: &mut Object, cue: &Cue) {
        for (chosen, f) in self.each(|e| match e {
            Effect::Header(f) => Some(*f),
            _ => None,
        }) {
            f(header, &chosen.cue(cue));
        }
    }

    /// Returns how id_tokens are signed, if not as the client registered.
    pub(super) fn signing(&self) -> Option<Signing> {
        self.each(|e| match e {
            Effect::Sign(signing) => Some(*signing),
            _ => None,
        })
        .next()
        .map(|(_, signing)| signing)
    }

    /// Edits the published keys.
    pub(super) fn keys(&self, keys: &mut Vec<serde_json::Value>, cue: &Cue) {
        for (chosen, f) in self.each(|e| match e {
            Effect::Keys(f) => Some(*f),
            _ => None,
        }) {
            f(keys, &chosen.cue(cue));
        }
    }
}

impl Chosen {
    fn cue<'a>(&'a self, cue: &Cue<'a>) -> Cue<'a> {
        Cue { argument: &self.argument, ..*cue }
    }
}

fn look_up(text: &str) -> Result<Chosen> {
    let (name, argument) = match text.split_once(':') {
        Some((name, argument)) => (name, Some(argument)),
        None => (text, None),
    };
    let Some(scenario) = scenarios().iter().find(|s| s.name == name) else {
        return Err(unknown(name));
    };
    match (scenario.argument, argument) {
        (None, None) => Ok(Chosen { scenario, argument: String::new() }),
        (Some(_), Some(argument)) if takes(scenario, argument) => {
            Ok(Chosen { scenario, argument: argument.to_owned() })
        }
        (None, Some(_)) => Err(Error::SurplusArgument { scenario: scenario.name }),
        (Some(argument), _) => Err(Error::InvalidArgument { scenario: scenario.name, argument }),
    }
}

/// Returns whether an argument is valid: a delay is a number of seconds, at most an hour.
fn takes(scenario: &Scenario, argument: &str) -> bool {
    let is_delay = scenario.effects.iter().any(|e| matches!(e, Effect::Delay(_)));
    !argument.is_empty() && (!is_delay || argument.parse::<u64>().is_ok_and(|n| n <= 3_600))
}

fn unknown(name: &str) -> Error {
    let nearest = scenarios()
        .iter()
        .map(|s| (strsim::jaro_winkler(name, s.name), s.name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.7)
        .map(|(_, name)| name);
    Error::UnknownScenario { name: name.to_owned(), nearest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_can_stand_in_a_path() {
        let mut names: Vec<_> = scenarios().iter().map(|s| s.name).collect();
        assert!(
            names.iter().all(|n| n
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'))
        );
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn every_scenario_is_told_in_one_sentence() {
        for s in scenarios() {
            assert!(s.about.ends_with('.') && s.about.len() <= 160, "{}: {}", s.name, s.about);
            assert!(s.about.starts_with(|c: char| c.is_ascii_uppercase()), "{}", s.name);
        }
    }

    #[test]
    fn unknown_scenario_is_refused_with_a_suggestion() {
        let error = Effects::choose(["refresh-dorp"].into_iter()).err().unwrap();
        let nearest = Some("refresh-drop");
        assert!(
            matches!(error, Error::UnknownScenario { nearest: n, .. } if n == nearest),
            "{error:?}"
        );
    }

    #[test]
    fn arguments_are_asked_for_and_checked() {
        for bad in ["slow", "slow:", "slow:fast", "slow:999999", "deny:1"] {
            assert!(Effects::choose([bad].into_iter()).is_err(), "{bad}");
        }
        assert!(Effects::choose(["slow:3", " deny ", ""].into_iter()).is_ok());
    }
}
