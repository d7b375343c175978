//! The stores that the configuration describes: programs of the user, and the kernel keyring in front of a store.

use std::fs;

use serde_json::{Value, json};

use crate::fixture::{PROFILE, REFRESH, TOKEN, grant, plant, with_sandbox};
use crate::support::{Home, SecretService, assert_no_secret};

/// A home whose records these scripts keep in a directory, `$0`; the name of the record is `$1`.
fn scripted(home: Home, defaults: &str, get: &str, set: &str, delete: &str) -> Home {
    let records = home.path("records");
    fs::create_dir_all(&records).unwrap();
    let shell = |script: &str| json!(["sh", "-c", script, records.to_str().unwrap()]);
    let profiles = fs::read_to_string(home.config_path()).unwrap_or_else(|_| PROFILE.to_owned());
    home.config(&format!(
        "[defaults]\n{defaults}\n[store.command]\nget = {}\nset = {}\ndelete = {}\n{profiles}",
        shell(get),
        shell(set),
        shell(delete)
    ));
    home
}

const GET: &str = "cat \"$0/$1\"";
const SET: &str = "cat >\"$0/$1\"";
const DELETE: &str = "rm \"$0/$1\"";

fn of_files(mut home: Home) -> Home {
    home.unset("OAUTHCTL_STORE");
    scripted(home, "store = \"command\"", GET, SET, DELETE)
}

fn records(home: &Home) -> usize {
    fs::read_dir(home.path("records")).unwrap().count()
}

#[test]
fn command_store_keeps_an_account() {
    let home = of_files(Home::new());
    home.run(["token"]).fails(4);
    plant(&home, &grant("default", TOKEN, |_| ()));
    assert_eq!(records(&home), 1);
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
    let info = home.run(["store", "info", "--json"]).ok().json();
    assert_eq!((&info["store"], &info["accounts"]), (&json!("command"), &json!(1)));
    home.run(["logout", "p", "--local"]).ok();
    assert_eq!(records(&home), 0);
    home.run(["token"]).fails(4);
}

#[test]
fn command_store_that_fails_is_store() {
    for (get, set, expected) in [
        ("echo locked >&2; exit 2", SET, "locked"),
        ("no-such-program-of-oauthctl", SET, "exit status: 127"),
        ("kill -9 $$", SET, "signal: 9"),
        ("echo not a record", SET, "damaged"),
    ] {
        let home = of_files(Home::new());
        plant(&home, &grant("default", TOKEN, |_| ()));
        fs::remove_file(home.config_path()).unwrap();
        let home = scripted(home, "store = \"command\"", get, set, DELETE);
        let output = home.run(["token"]).fails(10);
        assert!(output.stderr.contains(expected), "{get}: {}", output.stderr);
    }
}

#[test]
fn command_store_that_cannot_save_spends_nothing() {
    for set in ["exit 1", "cat >/dev/null", "echo full >&2; exit 28"] {
        let home = of_files(Home::new());
        plant(&home, &grant("default", TOKEN, |_| ()));
        fs::remove_file(home.config_path()).unwrap();
        let home = scripted(home, "store = \"command\"", GET, set, DELETE);
        // The server cannot be reached, which would be 9.
        home.run(["token", "--force-refresh"]).fails(10);
        assert_eq!(home.run(["token"]).ok().line(), TOKEN);
    }
}

#[test]
fn command_store_must_be_configured() {
    let home = Home::new();
    home.config(&format!("[store.command]\nget = [\"a\"]\n{PROFILE}"));
    let stderr = home.run(["profile", "list"]).fails(3).stderr;
    assert!(stderr.contains("[store.command] needs `set`"), "{stderr}");
    home.config(PROFILE);
    let output = home.run(["token", "--store", "command"]).fails(3);
    assert!(output.stderr.contains("[store.command]"), "{}", output.stderr);
}

#[test]
fn command_store_keeps_a_rotated_refresh_token() {
    let (mut home, _sandbox) = with_sandbox(Some("rotate"));
    home = of_files(home);
    home.login("s");
    for _ in 0..3 {
        home.run(["refresh", "s"]).ok();
    }
    assert_eq!(records(&home), 1, "no probe is left");
    home.run(["token", "s"]).ok();
}

#[test]
fn migration_writes_the_new_store_if_asked_to() {
    let home = of_files(Home::new());
    plant(&home, &grant("default", TOKEN, |_| ()));
    let before = fs::read_to_string(home.config_path()).unwrap();
    let said = home.run(["store", "migrate", "--to", "file"]).ok().stderr;
    assert!(said.contains("Set `store = \"file\"` in [defaults]"), "{said}");
    assert_eq!(fs::read_to_string(home.config_path()).unwrap(), before);
    home.run(["token"]).fails(4);
    home.run(["store", "migrate", "--to", "command", "--write"]).ok();
    let said = home.run(["store", "migrate", "--to", "file", "--write"]).ok().stderr;
    assert!(said.contains("Wrote `store = \"file\"` to [defaults]"), "{said}");
    let after = fs::read_to_string(home.config_path()).unwrap();
    assert_eq!(after, before.replace("store = \"command\"", "store = \"file\""));
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
    assert_eq!(records(&home), 0);
}

#[test]
fn migration_writes_to_the_profile_that_has_a_store() {
    let home = of_files(Home::new());
    plant(&home, &grant("default", TOKEN, |_| ()));
    let text = fs::read_to_string(home.config_path()).unwrap();
    home.config(&format!("{text}store = \"command\"   # ours\n"));
    home.run(["store", "migrate", "--to", "file", "--write"]).ok();
    let after = fs::read_to_string(home.config_path()).unwrap();
    assert!(after.ends_with("store = \"file\"   # ours\n"), "{after}");
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
}

/// The first call only says what to write.
#[test]
fn migration_is_written_by_a_second_call() {
    let home = of_files(Home::new());
    plant(&home, &grant("default", TOKEN, |_| ()));
    home.run(["store", "migrate", "--to", "file"]).ok();
    let said = home.run(["store", "migrate", "--to", "file"]).ok().stderr;
    assert!(
        said.starts_with("There is nothing to move to file.\nSet `store = \"file\"`"),
        "{said}"
    );
    home.run(["token"]).fails(4);
    let said = home.run(["store", "migrate", "--to", "file", "--write"]).ok().stderr;
    assert!(said.contains("Wrote `store = \"file\"` to [defaults]"), "{said}");
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
    let said = home.run(["store", "migrate", "--to", "file"]).ok().stderr;
    assert_eq!(said, "There is nothing to move to file.\n");
}

/// The others still use the default store.
#[test]
fn migration_of_one_profile_keeps_the_default_store() {
    let home = of_files(Home::new());
    let text = fs::read_to_string(home.config_path()).unwrap();
    home.config(&format!("{text}{}", PROFILE.replace("[profiles.p]", "[profiles.q]")));
    plant(&home, &grant("default", TOKEN, |_| ()));
    plant(&home, &grant("default", TOKEN, |grant| grant["key"]["profile"] = json!("q")));
    let said = home.run(["store", "migrate", "q", "--to", "file"]).ok().stderr;
    assert!(said.contains("Set `store = \"file\"` in [profiles.q] to"), "{said}");
    home.run(["store", "migrate", "q", "--to", "file", "--write"]).ok();
    for profile in ["p", "q"] {
        assert_eq!(home.run(["token", "-p", profile]).ok().line(), TOKEN, "{profile}");
    }
    // No other profile uses the defaults now.
    home.run(["store", "migrate", "p", "--to", "file", "--write"]).ok();
    let after = fs::read_to_string(home.config_path()).unwrap();
    assert!(after.starts_with("[defaults]\nstore = \"file\"\n"), "{after}");
    for profile in ["p", "q"] {
        assert_eq!(home.run(["token", "-p", profile]).ok().line(), TOKEN, "{profile}");
    }
}

#[test]
fn migration_of_an_unknown_profile_is_refused() {
    let home = of_files(Home::new());
    let failed = home.run(["store", "migrate", "nope", "--to", "file"]).fails(3);
    assert!(failed.stderr.contains("no profile `nope`"), "{}", failed.stderr);
    home.run(["store", "migrate", "p", "--to", "file"]).ok();
}

/// From each of the three stores to each other one.
#[test]
fn account_moves_between_all_stores() {
    let service = SecretService::start();
    let mut home = of_files(Home::new());
    home.keyring(&service).unset("OAUTHCTL_STORE");
    plant(&home, &grant("default", TOKEN, |_| ()));
    for to in ["keyring", "file", "keyring", "command", "file", "command"] {
        home.run(["store", "migrate", "--to", to, "--write"]).ok();
        let config = fs::read_to_string(home.config_path()).unwrap();
        assert!(config.starts_with(&format!("[defaults]\nstore = \"{to}\"\n")), "{config}");
        assert_eq!(home.run(["token"]).ok().line(), TOKEN, "{to}");
        assert_eq!(records(&home), usize::from(to == "command"), "{to}");
        let elsewhere = if to == "file" { "command" } else { "file" };
        home.run(["token", "--store", elsewhere]).fails(4);
    }
}

#[test]
fn pass_keeps_an_account() {
    let mut home = Home::new();
    let gnupg = home.path("gnupg");
    fs::create_dir(&gnupg).unwrap();
    fs::set_permissions(&gnupg, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let passwords = home.path("passwords");
    home.set("GNUPGHOME", &gnupg).set("PASSWORD_STORE_DIR", passwords);
    home.unset("OAUTHCTL_STORE");
    let run = |words: &[&str]| {
        let output = home.tool(words[0]).args(&words[1..]).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let id = "oauthctl@test.example";
    let new = ["--quick-gen-key", id, "default", "default", "never"];
    run(&[&["gpg", "--batch", "--passphrase", ""], &new[..]].concat());
    run(&["pass", "init", "oauthctl@test.example"]);
    let shell = |script: &str| json!(["sh", "-c", script]);
    home.config(&format!(
        "[defaults]\nstore = \"command\"\n[store.command]\n\
         get = {}\nset = {}\ndelete = {}\n{PROFILE}",
        shell("pass show \"oauthctl/$0\""),
        shell("pass insert --multiline --force \"oauthctl/$0\" >/dev/null"),
        shell("pass rm --force \"oauthctl/$0\"")
    ));
    home.run(["token"]).fails(4);
    plant(&home, &grant("default", TOKEN, |_| ()));
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
    assert_no_secret(&home, [TOKEN, REFRESH]);
    home.run(["store", "migrate", "--to", "file"]).ok();
    home.run(["store", "migrate", "--to", "command"]).ok();
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
    home.run(["logout", "p", "--local"]).ok();
    home.run(["token"]).fails(4);
    run(&["gpgconf", "--kill", "all"]);
}

/// A home whose tokens are cached in the kernel keyring, which all homes share. They are removed when the test ends,
/// also if it fails.
struct CachedHome(Home);

impl CachedHome {
    fn new() -> Self {
        let home = Home::new();
        home.config(&format!("[defaults]\ncache = \"kernel\"\n{PROFILE}"));
        Self(home)
    }
}

impl std::ops::Deref for CachedHome {
    type Target = Home;

    fn deref(&self) -> &Home {
        &self.0
    }
}

impl Drop for CachedHome {
    fn drop(&mut self) {
        for (line, _) in kernel_keys(self) {
            let _ = kernel_key(&line).invalidate();
        }
        let left = kernel_keys(self);
        assert!(std::thread::panicking() || left.is_empty(), "{left:?}");
    }
}

/// Makes the store fail whatever opens it.
fn hide_store(home: &Home, hidden: bool) {
    let (there, away) = (home.path("data/oauthctl"), home.path("data/away"));
    let (from, to) = if hidden { (&there, &away) } else { (&away, &there) };
    fs::rename(from, to).unwrap();
}

/// The lines of /proc/keys about a store of this home, and what they hold.
fn kernel_keys(home: &Home) -> Vec<(String, String)> {
    // Other homes have keys too: only those that name its account are compared.
    let all = fs::read_to_string("/proc/keys").unwrap();
    let ours = all.lines().filter(|line| line.contains(" oauthctl:"));
    let read =
        |line: &str| String::from_utf8(kernel_key(line).read_to_vec().unwrap_or_default()).unwrap();
    let marked = format!("\"{}\"", marker(home));
    ours.map(|line| (line.to_owned(), read(line)))
        .filter(|(_, text)| text.contains(&marked))
        .collect()
}

/// The key of a line of /proc/keys.
fn kernel_key(line: &str) -> linux_keyutils::Key {
    let id = i32::from_str_radix(line.split(' ').next().unwrap(), 16).unwrap();
    linux_keyutils::Key::from_id(linux_keyutils::KeySerialId(id))
}

/// A scope that no other home has.
fn marker(home: &Home) -> String {
    format!("marker-{}", home.root().display())
}

/// A grant with that scope, by which its key is found.
fn marked(home: &Home, account: &str, token: &str, more: impl FnOnce(&mut Value)) -> String {
    grant(account, token, |g| {
        g["tokens"]["scopes"] = json!([marker(home)]);
        g["attributes"] = json!({ "a": { "value": "b" } });
        more(g);
    })
}

#[test]
fn kernel_keys_of_a_failed_test_are_removed() {
    let failing = std::panic::catch_unwind(|| {
        let home = CachedHome::new();
        for account in ["default", "work"] {
            plant(&home, &marked(&home, account, TOKEN, |_| ()));
            home.run(["token", "--account", account]).ok();
        }
        assert_eq!(kernel_keys(&home).len(), 2);
        std::panic::resume_unwind(Box::new(marker(&home)));
    });
    let marker = *failing.unwrap_err().downcast::<String>().unwrap();
    let keys = fs::read_to_string("/proc/keys").unwrap();
    let mut ours = keys.lines().filter(|line| line.contains(" oauthctl:"));
    let text = |line: &str| kernel_key(line).read_to_vec().unwrap_or_default();
    assert!(!ours.any(|line| String::from_utf8_lossy(&text(line)).contains(&marker)));
}

#[test]
fn kernel_cache_hit_opens_no_store() {
    let home = CachedHome::new();
    plant(&home, &marked(&home, "default", TOKEN, |_| ()));
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
    hide_store(&home, true);
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
    assert_eq!(
        home.run(["exec", "-p", "p", "--", "printenv", "OAUTH_ACCESS_TOKEN"]).ok().line(),
        TOKEN
    );
    // What else is known with the token is in the store alone.
    home.run(["token", "--json"]).fails(4);
    hide_store(&home, false);
    assert_eq!(home.run(["token", "--json"]).ok().json()["attributes"]["a"], "b");
    home.run(["logout", "--all", "--local"]).ok();
    assert_eq!(kernel_keys(&home), []);
    home.run(["token"]).fails(4);
}

#[test]
fn kernel_cache_tells_accounts_apart() {
    let home = CachedHome::new();
    let other = format!("{TOKEN}-of-work");
    plant(&home, &marked(&home, "default", TOKEN, |_| ()));
    plant(&home, &marked(&home, "work", &other, |_| ()));
    for is_hidden in [false, true] {
        for (account, token) in [("default", TOKEN), ("work", &*other), ("default", TOKEN)] {
            assert_eq!(home.run(["token", "--account", account]).ok().line(), token);
        }
        hide_store(&home, !is_hidden);
    }
    home.run(["logout", "--all", "--local"]).ok();
}

#[test]
fn kernel_cache_holds_the_access_token_alone() {
    let home = CachedHome::new();
    plant(&home, &marked(&home, "default", TOKEN, |_| ()));
    home.run(["token"]).ok();
    let keys = kernel_keys(&home);
    let [(line, text)] = keys.as_slice() else { panic!("{keys:?}") };
    assert!(text.contains(TOKEN) && !text.contains(REFRESH) && !text.contains("attributes\":{\"a"));
    let timeout = line.split_whitespace().nth(3).unwrap();
    assert!(timeout != "perm" && timeout != "expd", "{line}");
    home.run(["logout", "--all", "--local"]).ok();
}

#[test]
fn kernel_cache_follows_the_store() {
    let home = CachedHome::new();
    plant(&home, &marked(&home, "default", TOKEN, |_| ()));
    home.run(["token"]).ok();
    let newer = "CANARY-newer-0123456789";
    plant(&home, &marked(&home, "default", newer, |g| g["generation"] = json!(5)));
    assert_eq!(home.run(["token"]).ok().line(), newer);
    // A configuration without the cache removes from it what it replaces.
    let without = home.path("config/oauthctl/without.toml");
    home.write(&without, PROFILE);
    let config = ["--config", without.to_str().unwrap()];
    home.run([&["logout", "--all", "--local"], &config[..]].concat()).ok();
    home.run(["token"]).fails(4);
}

#[test]
fn kernel_cache_is_emptied_by_uninstall() {
    let home = CachedHome::new();
    plant(&home, &marked(&home, "default", TOKEN, |_| ()));
    home.run(["token"]).ok();
    assert_eq!(kernel_keys(&home).len(), 1);
    let plan = home.run(["uninstall", "--dry-run"]).ok();
    assert!(plan.stdout.contains("token in the kernel keyring"), "{}", plan.stdout);
    assert_eq!(kernel_keys(&home).len(), 1);
    home.run(["uninstall", "--yes"]).ok();
    assert_eq!(kernel_keys(&home), []);
}

#[test]
fn kernel_cache_keeps_no_token_without_an_expiry() {
    let home = CachedHome::new();
    for expires_at in [json!(null), json!(1_700_000_000)] {
        let line = marked(&home, "default", TOKEN, |g| g["tokens"]["expires_at"] = expires_at);
        plant(&home, &line);
        let output = home.run(["token", "--cached"]);
        assert!([0, 4].contains(&output.status), "{}", output.stderr);
        assert_eq!(kernel_keys(&home), []);
    }
}
