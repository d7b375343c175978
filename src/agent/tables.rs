//! The tables `[credential.TOOL]` of an agent, as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use oauthctl_core::profile::{Credential, CredentialToken};
use oauthctl_core::text::is_harmless;
use serde_json::{Value, json};

const ACCESS_TOKEN: &str = "access_token";
const ID_TOKEN: &str = "id_token";

/// Renders the tables of a tool.
#[cfg(unix)]
pub fn render(tables: Option<&BTreeMap<String, Credential>>) -> Value {
    let tables = tables.into_iter().flatten().map(|(key, table)| (key.clone(), rendered(table)));
    Value::Object(tables.collect())
}

#[cfg(unix)]
fn rendered(table: &Credential) -> Value {
    json!({
        "profile": table.profile,
        "account": table.account,
        "username": table.username,
        "token": table.token.and_then(|token| match token {
            CredentialToken::AccessToken => Some(ACCESS_TOKEN),
            CredentialToken::IdToken => Some(ID_TOKEN),
            _ => None,
        }),
        "role_arn": table.role_arn,
        "role_session_name": table.role_session_name,
        "duration": table.duration.map(|duration| duration.as_secs()),
        "endpoint": table.endpoint,
    })
}

/// Reads the tables of a tool; `None` if they are invalid.
pub fn read(tables: &Value) -> Option<BTreeMap<String, Credential>> {
    let tables = tables.as_object()?.iter();
    tables
        .map(|(key, table)| {
            let is_clean = is_one_line(key) && texts(table).all(is_one_line);
            Some((key.clone(), table_of(table).filter(|_| is_clean)?))
        })
        .collect()
}

fn texts(table: &Value) -> impl Iterator<Item = &str> {
    table.as_object().into_iter().flat_map(|table| table.values()).filter_map(Value::as_str)
}

/// Returns whether a text is what the configuration file may have too. Some of them go into the protocol or the
/// configuration of another program, in which a line break would begin something else.
fn is_one_line(text: &str) -> bool {
    text.chars().all(is_harmless)
}

fn table_of(table: &Value) -> Option<Credential> {
    let text = |name: &str| table[name].as_str().map(str::to_owned);
    let mut read = Credential::default();
    read.profile = text("profile");
    read.account = text("account");
    read.username = text("username");
    read.token = match table["token"].as_str() {
        None => None,
        Some(ACCESS_TOKEN) => Some(CredentialToken::AccessToken),
        Some(ID_TOKEN) => Some(CredentialToken::IdToken),
        // Another token than the one that was meant is not handed out.
        Some(_) => return None,
    };
    read.role_arn = text("role_arn");
    read.role_session_name = text("role_session_name");
    read.duration = table["duration"].as_u64().map(Duration::from_secs);
    read.endpoint = text("endpoint");
    Some(read)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn tables_with_control_characters_are_invalid() {
        assert!(read(&json!({ "https://a.example": { "username": "ada" } })).is_some());
        assert!(read(&json!({ "https://a.example": { "username": "ada\npassword=x" } })).is_none());
        assert!(read(&json!({ "x]\n[default]": { "profile": "p" } })).is_none());
    }

    #[test]
    fn tables_are_the_same_after_the_transfer() {
        let mut one = Credential::default();
        one.profile = Some("p".to_owned());
        one.token = Some(CredentialToken::IdToken);
        one.duration = Some(Duration::from_secs(900));
        one.endpoint = Some("https://sts.example".to_owned());
        let all = BTreeMap::from([
            ("https://a.example".to_owned(), one),
            ("b".to_owned(), Credential::default()),
        ]);
        assert_eq!(read(&render(Some(&all))), Some(all));
        assert_eq!(read(&render(None)), Some(BTreeMap::new()));
        for invalid in [json!(null), json!([]), json!({ "a": { "token": "refresh_token" } })] {
            assert_eq!(read(&invalid), None, "{invalid}");
        }
    }
}
