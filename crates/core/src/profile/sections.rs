//! Reads the top-level tables of a configuration file.

mod references;

use std::collections::BTreeMap;
use std::path::Path;

use super::Profile;
use super::callbacks;
use super::check::{self, Whole};
use super::config::{Config, Defaults, StoreCommand};
use super::credential_tables;
use super::diagnose::shown_key;
use super::keys::{self, Draft};
use super::node::{self, Entry, Table, Value, find};
use super::presets::{self, Preset, SecretNeed};
use super::rule_tables;
use super::scopes;
use super::tables::Tables;
use crate::advice::Advice;
use crate::text::one_line;

/// Reads the sections of a file.
pub(crate) struct Sections<'a, 't> {
    pub tables: Tables<'a, 't>,
    /// Whether omitted profiles may include the default one.
    pub is_part: bool,
}

const SECTIONS: [&str; 6] = ["defaults", "rules", "profiles", "store", "credential", "serve"];
#[rustfmt::skip]
pub(crate) const DEFAULTS: [&str; 6] = [
    "profile", "store", "cache", "client_id_metadata_url", "open", "notify",
];
/// Whether a login at a terminal opens the browser at once or asks first.
const OPENINGS: [(&str, bool); 2] = [("at-once", false), ("ask", true)];
/// The keys of `[serve]`. The broker validates their values.
#[rustfmt::skip]
pub(crate) const SERVE: [&str; 14] = [
    "listen", "public_url", "store", "signup", "smtp", "mail_from", "allow_private_endpoints",
    "requests_per_address", "connections_per_address", "admin_key_file", "connect_page",
    "behind_proxy", "tls_certificate", "tls_private_key",
];
const SERVE_FLAGS: [&str; 4] =
    ["signup", "allow_private_endpoints", "connect_page", "behind_proxy"];
const SERVE_LIMITS: [&str; 2] = ["requests_per_address", "connections_per_address"];
const STORE_COMMANDS: [&str; 3] = ["get", "set", "delete"];
const CACHES: [(&str, &str); 1] = [("kernel", "kernel")];

impl Sections<'_, '_> {
    pub(crate) fn read(&mut self, root: &Table) -> Config {
        let mut config = Config::empty(Path::new(""));
        for section in in_order(root) {
            let is_table = matches!(section.node.value, Value::Table(_));
            if DEFAULTS.contains(&section.key.as_str()) && !is_table {
                let key = &section.key;
                self.tables.problems.add(section.at, format!("`{key}` must be under [defaults]"));
                continue;
            }
            if !SECTIONS.contains(&section.key.as_str()) {
                self.tables.problems.unknown_key(&section.key, section.at, "the file", &SECTIONS);
                continue;
            }
            if section.key == "rules" {
                config.rules = rule_tables::read(&mut self.tables, section);
                continue;
            }
            let Some(table) = self.tables.table(section, "the file") else { continue };
            match section.key.as_str() {
                "defaults" => config.defaults = self.defaults(table),
                "profiles" => config.profiles = self.profiles(table),
                "store" => config.store_command = self.store(table),
                "credential" => {
                    config.credential = credential_tables::read(&mut self.tables, table)
                }
                _ => config.serve = self.serve(table),
            }
        }
        if !self.tables.problems.has_syntax_errors() {
            if !self.is_part {
                self.named_profiles_exist(root);
                self.sources_exist(root, &config.profiles);
            }
            self.command_store_is_defined(root);
        }
        config
    }

    fn defaults(&mut self, table: &Table) -> Defaults {
        let mut defaults = Defaults::default();
        let place = "[defaults]";
        for entry in table {
            let mut reader = self.tables.reader(entry, place);
            match entry.key.as_str() {
                "profile" => defaults.profile = reader.text(),
                "store" => defaults.store = reader.store(),
                "cache" if cfg!(not(target_os = "linux")) => {
                    reader.fail::<()>("is for Linux only");
                }
                "cache" => defaults.cache = reader.choice(&CACHES).map(str::to_owned),
                "open" => {
                    defaults.asks_before_opening = reader.choice(&OPENINGS).unwrap_or_default();
                }
                "notify" => defaults.notify = reader.notification(),
                "client_id_metadata_url" => {
                    defaults.client_id_metadata_url = reader.validated(keys::metadata_document);
                }
                key => self.tables.problems.unknown_key(key, entry.at, place, &DEFAULTS),
            }
        }
        defaults
    }

    fn serve(&mut self, table: &Table) -> toml::Table {
        let place = "[serve]";
        for entry in table {
            let mut reader = self.tables.reader(entry, place);
            match entry.key.as_str() {
                key if SERVE_FLAGS.contains(&key) => drop(reader.flag()),
                key if SERVE_LIMITS.contains(&key) => drop(reader.limit()),
                key if SERVE.contains(&key) => drop(reader.text()),
                key => self.tables.problems.unknown_key(key, entry.at, place, &SERVE),
            }
        }
        node::plain_table(table)
    }

    fn store(&mut self, table: &Table) -> Option<StoreCommand> {
        let mut found = None;
        for entry in table {
            if entry.key == "command" {
                let table = self.tables.table(entry, "[store]");
                found = table.map(|table| self.store_command(table, entry.at));
            } else {
                self.tables.problems.unknown_key(&entry.key, entry.at, "[store]", &["command"]);
            }
        }
        found
    }

    fn store_command(&mut self, table: &Table, at: usize) -> StoreCommand {
        let mut commands = StoreCommand::default();
        let place = "[store.command]";
        for entry in table {
            let field = match entry.key.as_str() {
                "get" => &mut commands.get,
                "set" => &mut commands.set,
                "delete" => &mut commands.delete,
                key => {
                    self.tables.problems.unknown_key(key, entry.at, place, &STORE_COMMANDS);
                    continue;
                }
            };
            *field = self.tables.reader(entry, place).command().unwrap_or_default();
        }
        let missing: Vec<_> =
            STORE_COMMANDS.iter().filter(|key| find(table, key).is_none()).collect();
        if !missing.is_empty() && !self.tables.problems.has_syntax_errors() {
            for key in missing {
                self.tables.problems.add(at, format!("{place} needs `{key}`"));
            }
        }
        commands
    }

    fn profiles(&mut self, table: &Table) -> BTreeMap<String, Profile> {
        let mut profiles = BTreeMap::new();
        let mut tables = Vec::new();
        for entry in in_order(table) {
            if let Err(why) = profile_name(&entry.key) {
                self.tables.problems.add(entry.at, why);
                continue;
            }
            let Some(own) = self.tables.table(entry, "[profiles]") else { continue };
            if let Some(profile) = self.profile(entry, own) {
                profiles.insert(entry.key.clone(), profile);
                tables.push((entry.key.as_str(), own));
            }
        }
        callbacks::assign(&mut profiles, &tables);
        profiles
    }

    fn profile(&mut self, entry: &Entry, own: &Table) -> Option<Profile> {
        let place = format!("[profiles.{}]", shown_key(&entry.key));
        let provider = find(own, "provider");
        let preset = match provider {
            Some(provider) => match self.preset(provider, &place) {
                Some(preset) => Some((preset, provider.at)),
                None => {
                    // Errors in its own keys are still reported.
                    keys::read(&entry.key, &place, own, self.tables.around, self.tables.problems);
                    return None;
                }
            },
            None => None,
        };
        let merged = preset.map(|(preset, at)| keys::merged(own, preset, at));
        let table = merged.as_ref().map_or(own, |merged| &merged.table);
        let mut draft =
            keys::read(&entry.key, &place, table, self.tables.around, self.tables.problems);
        if let Some((preset, _)) = preset {
            let elsewhere = merged.as_ref().is_some_and(|merged| merged.elsewhere.is_some());
            complete_from_preset(&mut draft, preset, elsewhere);
        }
        self.complete_from_root(&mut draft, own, preset.map(|(preset, _)| preset), &place);
        let profile = &mut draft.profile;
        profile.scopes = scopes::split(&profile.scopes, &profile.scope_separator);
        let metadata_url = draft.client_id_metadata_url.take();
        if let Some(url) = metadata_url.filter(|_| draft.profile.client.id.is_empty()) {
            draft.profile.client.id = url;
            draft.profile.client.is_metadata_document = true;
        }
        // A missing key may be what a misspelled key was meant to be. Once no more errors are shown,
        // suggestions are not needed.
        let is_told = self.tables.problems.has_syntax_errors()
            || self.tables.problems.is_full() && keys::unknown(own).next().is_some();
        if !is_told {
            let meant = keys::meant(own);
            if let Some((preset, at)) = preset {
                self.needs_are_met(preset, at, table, &meant, &place);
            }
            let (meant, problems) = (meant.as_slice(), &mut *self.tables.problems);
            let (profile, place, at) = (&draft.profile, place.as_str(), entry.at);
            let elsewhere = merged.as_ref().and_then(|merged| merged.elsewhere.as_deref());
            check::check(Whole { profile, table, elsewhere, meant, at, place, problems });
        }
        Some(draft.profile)
    }

    fn preset(&mut self, provider: &Entry, place: &str) -> Option<&'static Preset> {
        let mut reader = self.tables.reader(provider, place);
        let name = reader.text()?;
        presets::find(&name).or_else(|| {
            let nearest = if reader.problems.is_full() { None } else { presets::nearest(&name) };
            let near = nearest.map(|near| format!(", did you mean `{near}`?"));
            if near.is_none() {
                reader.problems.advise(Advice::ListProviders);
            }
            let near = near.unwrap_or_default();
            reader.fail(format!("names an unknown provider: `{}`{near}", one_line(&name)))
        })
    }

    fn complete_from_root(
        &mut self,
        draft: &mut Draft,
        own: &Table,
        preset: Option<&Preset>,
        place: &str,
    ) {
        let Some(root) = draft.root_url.take() else { return };
        let none = BTreeMap::new();
        let paths = preset.map_or(&none, |preset| &preset.paths);
        if let Err(why) = keys::fill_from_root(&root, paths, &mut draft.profile)
            && let Some(entry) = find(own, "root_url")
        {
            self.tables.reader(entry, place).fail::<()>(why);
        }
    }

    /// Checks the keys that a preset cannot know: a tenant's own URL, a client secret.
    fn needs_are_met(
        &mut self,
        preset: &Preset,
        at: usize,
        table: &Table,
        meant: &[&str],
        place: &str,
    ) {
        let has = |key: &str| find(table, key).is_some() || meant.contains(&key);
        let names_server = has("authorization_endpoint") && has("token_endpoint");
        let met = |need: &str| match need {
            "root_url" | "issuer" => has("root_url") || has("issuer") || names_server,
            _ => has(need),
        };
        let authenticates = keys::CREDENTIAL_KEYS.iter().any(|key| has(key));
        let required =
            preset.secret == SecretNeed::Required && !authenticates && !is_for_devices(table);
        let missing: Vec<String> = preset
            .needs
            .iter()
            .map(String::as_str)
            .filter(|need| !met(need))
            .chain(required.then_some("client_secret"))
            .map(|need| format!("`{need}`"))
            .collect();
        if !missing.is_empty() {
            let what = format!(
                "{place} needs {}, which the preset `{}` cannot know",
                missing.join(" and "),
                preset.name
            );
            self.tables.problems.add_missing(at, what);
        }
    }
}

fn complete_from_preset(draft: &mut Draft, preset: &Preset, elsewhere: bool) {
    let quirks = &mut draft.profile.quirks;
    let form_post = quirks.form_post;
    *quirks = preset.quirks.clone();
    quirks.form_post |= form_post;
    if elsewhere {
        quirks.tenant_issuer = None;
    }
}

/// Returns the entries in the order of the file, so that the first problems found are those shown.
fn in_order(table: &Table) -> Vec<&Entry> {
    let mut entries: Vec<&Entry> = table.iter().collect();
    entries.sort_by_key(|entry| entry.at);
    entries
}

/// Validates the name of a profile. A name that looks like a flag or a URL could not be used in a command.
pub(crate) fn profile_name(name: &str) -> Result<(), String> {
    let why = if name.is_empty() {
        "must not be empty"
    } else if name.chars().any(|c| !crate::text::is_harmless(c)) {
        "must not contain control or invisible characters"
    } else if name.starts_with('-') {
        "must not begin with `-`"
    } else if name.contains("://") {
        "must not look like a URL"
    } else if name.chars().count() > 200 {
        "must not be longer than 200 characters"
    } else {
        return Ok(());
    };
    Err(format!("a profile's name {why}: {}", shown_key(name)))
}

/// Returns whether a profile uses the device flow alone. A client for that has no secret where one for the browser
/// flow needs it (GitHub, Twitch).
fn is_for_devices(table: &Table) -> bool {
    let is = |key: &str, word: &str| match find(table, key).map(|entry| &entry.node.value) {
        Some(Value::Text(text)) => text == word,
        Some(Value::List(items)) => {
            items.len() == 1 && matches!(&items[0].value, Value::Text(text) if text == word)
        }
        _ => false,
    };
    is("grant", "device_code") || is("flow", "device")
}
