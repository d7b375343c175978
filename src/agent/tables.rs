//! The tables `[credential.TOOL]` of an agent, as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use oauthctl_core::profile::{Credential, CredentialToken};
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
    tables.map(|(key, table)| Some((key.clone(), table_of(table)?))).collect()
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
    fn tables_arrive_as_they_were() {
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
