//! Redacts JSON.

use super::Redactor;
use super::words::counted;
use crate::redact::names::{self, Class};
use crate::trace::json::Json;

impl Redactor {
    pub(super) fn learn_json(&mut self, name: &str, json: &Json) {
        match json {
            Json::Text(text) => self.learn(name, text),
            Json::List(items) => items.iter().for_each(|item| self.learn_json(name, item)),
            Json::Members(members) => {
                let hidden = names::class(name) == Class::Secret;
                for (member, value) in members {
                    self.learn_json(if hidden { name } else { member }, value);
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }

    pub(super) fn shown_json(&self, name: &str, json: &Json) -> Json {
        let class = names::class(name);
        let text = |text: String| Json::Text(text.into());
        match json {
            Json::Null => Json::Null,
            Json::Text(value) => text(self.shown(name, value)),
            Json::Bool(value) if class != Class::Secret => Json::Bool(*value),
            Json::Number(value) if class == Class::Shown => Json::Number(value.clone()),
            Json::Bool(_) | Json::Number(_) => text("[redacted]".to_owned()),
            Json::List(items) => {
                Json::List(items.iter().map(|item| self.shown_json(name, item)).collect())
            }
            Json::Members(members) if class == Class::Secret => {
                text(format!("[redacted, {}]", counted(members.len(), "member")))
            }
            Json::Members(members) => Json::Members(
                members
                    .iter()
                    .map(|(name, value)| (self.name(name), self.shown_json(name, value)))
                    .collect(),
            ),
        }
    }
}
