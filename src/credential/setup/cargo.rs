//! The credential provider of a registry in the configuration of cargo.

use oauthctl_core::profile::Target;
use oauthctl_core::{Error, Result, text};
use serde_json::Value as Quoted;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::insertions::Place;
use super::place::at_end;

const PROVIDER: &str = "credential-provider";

/// Inserts the provider into the registry with this index, or adds the registry.
pub(super) fn cargo(key: &str, file: &str, program: &str) -> Result<Place> {
    let target = Target::parse(key).map_err(|why| Error::config(format!("the key {why}")))?;
    if !target.is_url() {
        // cargo rejects its whole configuration if an index is no URL.
        return Err(Error::config(format!("the key `{}` is not the URL of an index", text::one_line(key)))
            .hint("use the index of the registry as the key, for example `[credential.cargo.\"sparse+https://cargo.example.com/index/\"]`"));
    }
    let quoted = |text: &str| Quoted::from(text).to_string();
    // The providers of all registries are equal.
    let arguments = [program, "credential", "cargo"];
    let provider = format!("{PROVIDER} = [{}, \"credential\", \"cargo\"]\n", quoted(program));
    let mut expected: Table =
        file.parse().map_err(|_| Error::config("the file is not valid TOML"))?;
    let (place, name) = match registry_of(key, &target, file) {
        Some((name, index)) => {
            let start = file[..index].rfind('\n').map_or(0, |at| at + 1);
            let end = file[index..].find('\n').map(|at| index + at + 1);
            let newline = if end.is_some() { "" } else { "\n" };
            ((start..end.unwrap_or(file.len()), format!("{newline}{provider}")), name)
        }
        None => {
            let name = name_of(&target);
            let registry = format!("[registries.{name}]\nindex = {}\n{provider}", quoted(key));
            (at_end(file, &registry), name)
        }
    };
    let another_notation = || {
        Error::config("the `registries` of the file are not written as one table for each registry")
            .hint(format!("add `{}` to the registry manually", provider.trim_end()))
    };
    let registries = expected.entry("registries").or_insert_with(|| Table::new().into());
    let registry = registries.as_table_mut().ok_or_else(another_notation)?;
    let registry = registry.entry(name.as_str()).or_insert_with(|| Table::new().into());
    let registry = registry.as_table_mut().ok_or_else(another_notation)?;
    let shown = text::one_line(&name);
    if registry.contains_key(PROVIDER) && is_index(registry.get("index"), key, &target) {
        let what = format!("the registry `{shown}` in the file already has a `{PROVIDER}`");
        return Err(Error::config(what).hint("change it manually, or remove it first"));
    }
    let index = registry.entry("index").or_insert_with(|| Value::from(key));
    if !is_index(Some(index), key, &target) {
        let what = format!("the file already has a registry `{shown}` with another index");
        let index = quoted(key);
        return Err(Error::config(what).hint(format!(
            "add the registry under another name first: a table `[registries.NAME]` with the index {index}"
        )));
    }
    registry.insert(PROVIDER.to_owned(), Value::from(arguments.map(Value::from).to_vec()));
    let mut after = file.to_owned();
    after.insert_str(place.0.end, &place.1);
    match after.parse::<Table>() {
        Ok(after) if after == expected => Ok(place),
        _ => Err(another_notation()),
    }
}

/// Returns whether the index of a registry is the one of a key.
fn is_index(index: Option<&Value>, key: &str, target: &Target) -> bool {
    index.and_then(Value::as_str).is_some_and(|index| is_same(index, key, target))
}

fn is_same(index: &str, key: &str, target: &Target) -> bool {
    let is_sparse = |text: &str| text.starts_with("sparse+");
    let same = || Target::parse(index).is_ok_and(|index| index == *target);
    index == key || (is_sparse(index) == is_sparse(key) && same())
}

/// Returns the name of the registry with this index, and where the index is in the file.
fn registry_of(key: &str, target: &Target, file: &str) -> Option<(String, usize)> {
    let root = DeTable::parse(file).ok()?;
    let DeValue::Table(registries) = root.get_ref().get("registries")?.get_ref() else {
        return None;
    };
    registries.iter().find_map(|(name, registry)| {
        let DeValue::Table(registry) = registry.get_ref() else { return None };
        let index = registry.get("index")?;
        let DeValue::String(value) = index.get_ref() else { return None };
        is_same(value, key, target).then(|| (name.get_ref().to_string(), index.span().end))
    })
}

/// Returns the name of a new registry, from the host of its index.
fn name_of(target: &Target) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric();
    let name: String = target.host().chars().map(|c| if is_word(c) { c } else { '-' }).collect();
    // A registry name of cargo must not begin with a digit.
    match name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        true => name,
        false => format!("registry-{}", name.trim_matches('-')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(key: &str, file: &str) -> String {
        let (at, text) = cargo(key, file, "/opt/o'b/oauthctl").unwrap();
        let mut after = file.to_owned();
        after.insert_str(at.end, &text);
        after
    }

    #[test]
    fn cargo_finds_the_registry_or_adds_it() {
        let key = "sparse+https://cargo.example/index/";
        let found = format!("[registries.ours]\nindex = \"{key}\"\n[net]\n");
        let text = after(key, &found);
        assert!(
            text.contains("/index/\"\ncredential-provider = [\"/opt/o'b/oauthctl\", "),
            "{text}"
        );
        let text = after(key, "[net]");
        assert!(text.starts_with("[net]\n[registries.cargo-example]\nindex = "), "{text}");
        let text = after("http://127.0.0.1:1/", "");
        assert!(text.starts_with("[registries.registry-127-0-0-1]\n"), "{text}");
        for key in ["local", "cargo.example.com", "cargo.example.com/index/"] {
            assert!(cargo(key, "", "x").is_err(), "{key}");
        }
    }

    #[test]
    fn cargo_registry_is_found_in_each_notation() {
        let key = "sparse+https://cargo.example/index/";
        for file in [
            format!("[registries.ours]\nindex = '{key}'"),
            format!("[registries.'ours'] # ours\r\nindex=\"{key}\" # index\r\ntoken = 'x'\r\n"),
            format!(
                "[registries]\na = {{ index = 'x' }}\n[registries.ours]\n\"index\" = '''\n{key}'''\n"
            ),
            "[registries.ours]\nindex = 'sparse+https://CARGO.example:443/index'\n".to_owned(),
            "[registries.ours]\nindex = \"sparse\\u002bhttps://cargo.example/index/\"\n".to_owned(),
        ] {
            let text = after(key, &file);
            let parsed: Table = text.parse().unwrap();
            let ours = parsed["registries"].as_table().unwrap()["ours"].as_table().unwrap();
            assert_eq!(ours[PROVIDER][0].as_str(), Some("/opt/o'b/oauthctl"), "{text}");
            assert!(!text.contains("cargo-example"), "{text}");
            assert!(cargo(key, &text, "x").is_err());
        }
    }
}
