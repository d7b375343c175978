//! A profile that is added, as a table of the configuration file.

use toml_edit::{InlineTable, Item, Key, Table, TableLike, Value};

use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::parameters::is_secret_setting;
use crate::profile::diagnose::shown_key;
use crate::profile::scopes;
use crate::text::one_line;

/// Keys whose value is a secret if it is a string.
pub(super) const SECRET_KEYS: [&str; 3] = ["client_secret", "private_key", "client_assertion"];

/// A profile to add to a configuration file.
#[derive(Clone, Default)]
pub struct NewProfile {
    /// The name.
    pub name: String,
    /// A preset to build on.
    pub provider: Option<String>,
    /// The issuer.
    pub issuer: Option<String>,
    /// The client id.
    pub client_id: Option<String>,
    /// The scopes.
    pub scopes: Vec<String>,
    /// Additional dotted keys, each with a TOML value, or plain text if it is not TOML.
    pub set: Vec<(String, String)>,
    /// The token store, if it is not the default one.
    pub store: Option<String>,
    /// The item of the token store that holds the client secret.
    pub client_secret_item: Option<String>,
}

crate::redact::debug::redacted_debug!(NewProfile {
    name,
    provider,
    issuer,
    client_id,
    scopes,
    set => pairs,
    store,
    client_secret_item,
});

/// Returns the reference to an item of the token store.
pub(super) fn reference(item: &str) -> Item {
    let mut reference = InlineTable::new();
    reference.insert("keyring", item.into());
    Value::InlineTable(reference).into()
}

/// Returns the table of a profile to be added.
pub(super) fn table_of(new: &NewProfile) -> Result<Table> {
    let mut table = Table::new();
    table.decor_mut().set_prefix("\n");
    let texts =
        [("provider", &new.provider), ("issuer", &new.issuer), ("client_id", &new.client_id)];
    for (key, text) in texts {
        if let Some(text) = text {
            table.insert(key, text.as_str().into());
        }
    }
    if let Some(item) = &new.client_secret_item {
        table.insert("client_secret", reference(item));
    }
    scopes::check(&new.scopes)?;
    if !new.scopes.is_empty() {
        let scopes = scopes::split(&new.scopes, "");
        table.insert("scopes", Value::Array(scopes.iter().collect()).into());
    }
    if let Some(store) = &new.store {
        table.insert("store", store.as_str().into());
    }
    for (key, value) in &new.set {
        set(&mut table, key, value)?;
    }
    Ok(table)
}

/// Sets a dotted key. A value that is not TOML is a string: `--set audience=api`.
fn set(table: &mut Table, dotted: &str, value: &str) -> Result<()> {
    let shown = one_line(dotted);
    let keys = Key::parse(dotted)
        .map_err(|_| Error::usage(format!("invalid key `{shown}`: expected KEY or TABLE.KEY")))?;
    let value = value.trim().parse().unwrap_or_else(|_| Value::from(value));
    let Some((last, tables)) = keys.split_last() else {
        return Err(Error::usage("a key must not be empty"));
    };
    refuse_secret(&keys, &value)?;
    let mut inner: &mut dyn TableLike = table;
    for key in tables {
        inner = inner
            .entry(key.get())
            .or_insert_with(|| Value::InlineTable(InlineTable::new()).into())
            .as_table_like_mut()
            .ok_or_else(|| {
                Error::usage(format!("`{shown}`: {} is not a table", shown_key(key.get())))
            })?;
    }
    inner.insert(last.get(), value.into());
    Ok(())
}

/// Refuses a secret: argument lists are visible to all users, and the file must not contain it.
fn refuse_secret(keys: &[Key], value: &Value) -> Result<()> {
    let first = keys.first().map_or("", Key::get);
    let inline = keys.len() == 1 && SECRET_KEYS.contains(&first) && value.is_str();
    let mut params = keys.iter().map(Key::get).skip(1);
    let parameter = first.ends_with("_params")
        && (params.any(is_secret_setting)
            || value
                .as_inline_table()
                .is_some_and(|table| table.iter().any(|(name, _)| is_secret_setting(name))));
    if !inline && !parameter {
        return Ok(());
    }
    let message = format!("`{}` would put a secret on the command line", one_line(first));
    Err(Error::usage(message).hint(Advice::ReferToSecret))
}
