//! `Debug` without secrets: a value is shown only if its name says that it is public.

use std::collections::BTreeMap;
use std::fmt::{Debug, Formatter, Result};

use serde_json::Value;

use super::names::{self, Class};

/// Implements `Debug` for a struct. A field that may contain a secret is shown through a function of this
/// module. Every field must be listed, so that adding one requires a decision.
macro_rules! redacted_debug {
    ($name:ident $(<$life:lifetime>)? { $($field:ident $(=> $view:ident)?),+ $(,)? }) => {
        impl std::fmt::Debug for $name $(<$life>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let Self { $($field),+ } = self;
                f.debug_struct(stringify!($name))
                    $(.field(
                        stringify!($field),
                        &$crate::redact::debug::redacted_debug!(@ $field $($view)?),
                    ))+
                    .finish()
            }
        }
    };
    (@ $field:ident) => { $field };
    (@ $field:ident $view:ident) => { $crate::redact::debug::$view($field) };
}
pub(crate) use redacted_debug;

/// Placeholder for a value that is not shown.
const NOT_SHOWN: &str = "…";

/// A value that is shown as a different text.
pub(crate) struct Shown(String);

impl Debug for Shown {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(&self.0)
    }
}

/// Names, and the values that are public.
pub(crate) struct Named<'a>(Vec<(&'a str, Option<String>)>);

impl Debug for Named<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let shown = |value: &Option<String>| {
            Shown(value.as_ref().map_or_else(|| NOT_SHOWN.to_owned(), |value| format!("{value:?}")))
        };
        f.debug_map().entries(self.0.iter().map(|(name, value)| (name, shown(value)))).finish()
    }
}

/// Returns whether the value of this name is public. For a dotted name, the last part counts.
fn is_public(name: &str, value: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    names::class_with(last, value) == Class::Shown
}

fn named<'a>(pairs: impl Iterator<Item = (&'a String, &'a str)>) -> Named<'a> {
    let shown = |name: &str, value: &str| is_public(name, value).then(|| value.to_owned());
    Named(pairs.map(|(name, value)| (name.as_str(), shown(name, value))).collect())
}

/// Shows parameters by name.
pub(crate) fn params(params: &BTreeMap<String, String>) -> Named<'_> {
    named(params.iter().map(|(name, value)| (name, value.as_str())))
}

/// Shows parameters in their order.
pub(crate) fn pairs(pairs: &[(String, String)]) -> Named<'_> {
    named(pairs.iter().map(|(name, value)| (name, value.as_str())))
}

/// Shows members of a server's response.
pub(crate) fn members(members: &BTreeMap<String, Value>) -> Named<'_> {
    named(members.iter().map(|(name, value)| (name, value.as_str().unwrap_or_default())))
}

/// Shows the names of values whose names are not this program's: the values stay hidden.
pub(crate) fn names_of<T>(values: &BTreeMap<String, T>) -> Named<'_> {
    Named(values.keys().map(|name| (name.as_str(), None)).collect())
}

/// Shows a command: its program, and the number of its arguments.
pub(crate) fn command(argv: &[String]) -> Shown {
    Shown(match argv {
        [] => "[]".to_owned(),
        [program] => format!("[{program:?}]"),
        [program, arguments @ ..] => format!("[{program:?}, {} arguments]", arguments.len()),
    })
}

/// Shows a list by its length.
pub(crate) fn count<T>(items: &[T]) -> Shown {
    Shown(format!("[{} items]", items.len()))
}

/// Shows a placeholder.
pub(crate) fn hidden<T: ?Sized>(_: &T) -> Shown {
    Shown(NOT_SHOWN.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::flow::{AuthorizeRequest, StartRequest};
    use crate::grant::{Grant, GrantKey};
    use crate::profile::Config;

    const SECRET_NAMES: [&str; 9] = [
        "actor_token",
        "api_key",
        "assertion",
        "client_assertion",
        "client_secret",
        "password",
        "refresh_token",
        "subject_token",
        "x",
    ];

    #[track_caller]
    fn shows_no_canary(value: &dyn std::fmt::Debug, public: &[&str]) {
        for shown in [format!("{value:?}"), format!("{value:#?}")] {
            assert!(!shown.contains("CANARY"), "{shown}");
            for public in public {
                assert!(shown.contains(public), "{public} in {shown}");
            }
        }
    }

    #[test]
    fn profile_shows_no_secret() {
        let params = "{ api_key = \"CANARY\", x = \"CANARY\", audience = \"public-1\" }";
        let config = format!(
            "[profiles.p]\nauthorization_endpoint = \"https://as.example/a\"\n\
             token_endpoint = \"https://as.example/t\"\nclient_id = \"public-2\"\n\
             client_secret = \"CANARY\"\nprivate_key = {{ command = [\"pass\", \"CANARY\"] }}\n\
             authorization_params = {params}\ntoken_params = {params}\n\
             refresh_params = {params}\nwrite_back = [\"sh\", \"-c\", \"CANARY\"]\n\
             authorization_details = [{{ type = \"CANARY\" }}]\n\
             [profiles.p.hooks]\npre_token = [\"/bin/hook\", \"CANARY\"]\n"
        );
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, config).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let mut profile = Config::load(&path).unwrap().profile("p").unwrap().clone();
        // Filled as by a program that builds its profiles itself.
        for params in [
            &mut profile.authorization_params,
            &mut profile.token_params,
            &mut profile.refresh_params,
        ] {
            params.extend(SECRET_NAMES.map(|name| (name.to_owned(), "CANARY".to_owned())));
        }
        shows_no_canary(
            &profile,
            &["public-1", "public-2", "subject_token", "/bin/hook", "as.example"],
        );
    }

    #[test]
    fn grant_shows_no_secret() {
        let members: serde_json::Map<String, serde_json::Value> =
            SECRET_NAMES.iter().map(|name| ((*name).to_owned(), json!("CANARY"))).collect();
        let mut kept = members.clone();
        kept.insert("instance_url".to_owned(), json!("https://public-1.example"));
        kept.insert("deep".to_owned(), json!({ "scope": ["CANARY"] }));
        let attributes: serde_json::Map<String, serde_json::Value> =
            members.into_iter().map(|(name, value)| (name, json!({ "value": value }))).collect();
        let tokens = json!({
            "access_token": "CANARY", "refresh_token": "CANARY", "id_token": "CANARY",
            "token_type": "Bearer", "expires_at": null, "scopes": ["public-2"],
        });
        let grant: Grant = serde_json::from_value(json!({
            "version": 1, "id": "g1", "generation": 1, "key": { "profile": "p", "account": "a" },
            "pin": { "issuer": null, "token_endpoint": "https://as.example/t",
                     "client_id": "public-3", "client_auth": "none" },
            "grant_type": "authorization_code", "tokens": tokens, "kept": kept,
            "attributes": attributes, "dpop_key": "CANARY", "narrowed": { "scope a": tokens },
            "obtained_at": 1, "refreshed_at": 1,
        }))
        .unwrap();
        shows_no_canary(&grant, &["public-1", "public-2", "public-3", "api_key"]);
    }

    #[test]
    fn request_shows_no_secret() {
        let mut authorize = AuthorizeRequest::new(GrantKey::new("p", "a"), "http://127.0.0.1/cb");
        authorize.extra = SECRET_NAMES.map(|name| (name.to_owned(), "CANARY".to_owned())).into();
        authorize.extra.push(("prompt".to_owned(), "public-1".to_owned()));
        shows_no_canary(&authorize, &["public-1", "api_key"]);
        let start = StartRequest { extra: authorize.extra, ..StartRequest::default() };
        let start = start.attribute("name", "CANARY");
        shows_no_canary(&start, &["public-1", "\"name\""]);
    }
}
