//! Phrases the library's advice for this program: the only place where advice becomes commands and flags.

use std::ffi::OsString;

use oauthctl_core::grant::DEFAULT_ACCOUNT;
use oauthctl_core::text::{one_line, shell_word};
use oauthctl_core::{Advice, Error, GrantKey, StoredAccount};

use crate::given::{Given, option};

/// The variable with an account, for jobs that start with an empty store.
pub const IMPORT: &str = "OAUTHCTL_IMPORT";

/// The variable that selects the store.
pub const STORE: &str = "OAUTHCTL_STORE";

/// The variable with the key of the file store.
pub const STORE_KEY: &str = "OAUTHCTL_STORE_KEY";

/// The variable that names the file of that key. It counts if the other one is not set.
pub const STORE_KEY_FILE: &str = "OAUTHCTL_STORE_KEY_FILE";

/// Returns what to do about an error, as one line.
pub fn of(error: &Error) -> Option<String> {
    let words: Vec<String> = error.advice().iter().map(words).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// Returns the command that logs in to this account, quoted for a shell.
pub fn login_command(key: &GrantKey) -> String {
    of_account("login", key)
}

/// Returns the command that refreshes this account, quoted for a shell.
pub fn refresh_command(key: &GrantKey) -> String {
    of_account("refresh", key)
}

/// Returns a command for this account. The default account is named only if the command would otherwise use another
/// one.
fn of_account(command: &str, key: &GrantKey) -> String {
    let profile = shell_word(&key.profile);
    let is_selected = || variable("OAUTHCTL_ACCOUNT").is_none();
    match key.account.as_str() {
        DEFAULT_ACCOUNT if is_selected() => format!("oauthctl {command} {profile}"),
        account => format!("oauthctl {command} {profile} {}", option("--account", account)),
    }
}

/// Returns the command that logs in to an account again, in the store of its record.
fn login_there(StoredAccount { key, store }: &StoredAccount) -> String {
    login_command(key) + &in_store(store)
}

/// Returns the command that logs out of this account. It always names the account, so that the environment or a
/// rule cannot select another one.
fn logout_command(key: &GrantKey) -> String {
    let (profile, account) = (shell_word(&key.profile), option("--account", &key.account));
    format!("oauthctl logout {profile} {account}")
}

/// Returns the command that removes the record of an account without using it.
fn remove_command(StoredAccount { key, store }: &StoredAccount) -> String {
    format!("{} --local{}", logout_command(key), in_store(store))
}

/// Returns an environment variable; an empty one counts as unset.
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Returns the option that selects a store, unless the environment does.
fn in_store(store: &str) -> String {
    let selected = variable(STORE);
    match selected.is_some_and(|selected| selected == store) {
        true => String::new(),
        false => format!(" {}", option("--store", store)),
    }
}

/// Returns the command that logs in to this account with these scopes in addition.
fn login_adding(key: &GrantKey, scopes: &[String]) -> String {
    let added = scopes.iter().map(|scope| format!(" {}", option("--add-scope", scope)));
    login_command(key) + &added.collect::<String>()
}

/// Returns how to log in with more scopes.
fn add_scopes(key: &GrantKey, scopes: &[String]) -> String {
    if scopes.is_empty() {
        let login = login_command(key);
        return format!("add the scope that the request requires: `{login} --add-scope SCOPE`");
    }
    format!("add the scopes that are missing: `{}`", login_adding(key, scopes))
}

/// Returns the command that this advice is to log in with, if it is to log in.
pub fn login_of(advice: &Advice) -> Option<String> {
    match advice {
        Advice::LogInAgain { key, scopes } => Some(login_adding(key, scopes)),
        other => other.login().map(login_command),
    }
}

/// Returns the command that prints this account as a line, quoted for a shell.
pub fn export_command(key: &GrantKey) -> String {
    of_account("export", key)
}

/// Returns how to get a new login. A job that gets its login from a variable has no browser.
fn log_in(key: &GrantKey, login: &str) -> String {
    let takes_line = matches!(Given::command(), "token" | "exec" | "refresh");
    match std::env::var_os(IMPORT).filter(|_| takes_line) {
        None => format!("run `{login}`"),
        Some(line) if line.to_string_lossy().trim().is_empty() => {
            format!("run `{login}`; {IMPORT} is set, but empty, so no account was imported")
        }
        Some(_) => format!(
            "run `{login}` where there is a browser, and set {IMPORT} to the output of `{}`",
            export_command(key)
        ),
    }
}

/// Returns how to restart a flow that this command was part of.
fn start() -> &'static str {
    match Given::command() {
        "complete" | "pending list" | "pending show" | "pending cancel" => {
            "start again with `oauthctl start`"
        }
        _ => "log in again",
    }
}

/// Returns whether a variable is set; an empty one counts as unset.
fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

/// Returns how commands find the accounts of a profile in this store.
pub fn use_store(store: &str, profile: &str) -> String {
    let (word, name) = (shell_word(store), one_line(store));
    // The variable overrides the profile.
    let lasting = match is_set(STORE) {
        true => format!("set {STORE} to `{name}`"),
        false => format!("set `store = \"{}\"` in the profile `{}`", name, one_line(profile)),
    };
    format!("add `--store {}` to the command, or {lasting}", word)
}

fn recipient_key() -> String {
    let Some(name) = [STORE_KEY, STORE_KEY_FILE].into_iter().find(|name| is_set(name)) else {
        return format!(
            "set {STORE_KEY} to the recipient's age identity, or {STORE_KEY_FILE} to a file that \
             contains it"
        );
    };
    format!(
        "{name} must provide the age identity for which the line was encrypted; if it already \
         does, the line is damaged: export the account again"
    )
}

fn words(advice: &Advice) -> String {
    match advice {
        Advice::LogIn(key) => log_in(key, &login_command(key)),
        Advice::LogInAgain { key, scopes } => log_in(key, &login_adding(key, scopes)),
        Advice::LogInIfIntended(key) => {
            format!("if you made this change, run `{}`", login_command(key))
        }
        Advice::AddScopes { key, scopes } => add_scopes(key, scopes),
        Advice::StartAgain => start().to_owned(),
        Advice::StateUsed => format!("the state has been used: {}", start()),
        Advice::StartAgainTraced => format!("{}, with `--trace` to see the exchange", start()),
        Advice::AllowAccess => format!("{} and allow access, or request fewer scopes", start()),
        Advice::Refresh(key) => {
            format!(
                "run `{}` to try it once more, or `{}`",
                refresh_command(key),
                login_command(key)
            )
        }
        Advice::UseStore { key, store } => {
            format!("it is in a different store: {}", use_store(store, &key.profile))
        }
        Advice::StoreClientSecret(profile) => {
            format!("store it with `oauthctl profile set-secret {}`", shell_word(profile))
        }
        Advice::RemoveProfile(name) => {
            format!("to replace it, run `oauthctl profile remove {}` first", shell_word(name))
        }
        Advice::WriteScheme(url) => {
            format!("to log in by URL, run `oauthctl login {}`", shell_word(url))
        }
        Advice::AddProfile(name) => format!(
            "run `oauthctl profile list` to list the profiles; to add this one, run `oauthctl \
             profile add {} --issuer URL --client-id ID`",
            shell_word(name)
        ),
        Advice::UseAnotherUser(key) => {
            format!("use another user reference, or remove that login: `{}`", logout_command(key))
        }
        Advice::RestoreGrant(key) => {
            format!("nothing was sent; restore the newest record, or run `{}`", login_command(key))
        }
        Advice::AcceptRecord { store, key } => accept(store, key.as_ref()),
        Advice::RestoreRecord(account) => restore(account.as_ref()),
        Advice::LogInOrRemoveFile(key) => {
            format!("log in again with `{}`, or remove that file", login_command(key))
        }
        Advice::GiveRecipientKey => recipient_key(),
        Advice::RestoreStoreKey => format!(
            "restore the key file, or set the key with {STORE_KEY} or {STORE_KEY_FILE}; if it is \
             lost, move the `.age` files away and log in again"
        ),
        Advice::GiveStoreKey(account) => store_key(account.as_ref()),
        Advice::FreePorts(ports) => free_ports(ports),
        other => of_this_call(other)
            .or_else(|| of_stores(other))
            .map_or_else(|| other.to_string(), str::to_owned),
    }
}

/// Returns what to do about ports that other programs use.
fn free_ports(ports: &[String]) -> String {
    let (word, list) = (if ports.len() == 1 { "port" } else { "ports" }, ports.join(", "));
    format!(
        "stop the program that listens on {word} {list}, or choose another port with `--port N` or \
         in `redirect_uri` (one that is registered with the provider)"
    )
}

/// Returns what to change in this call, or which other call to make.
fn of_this_call(advice: &Advice) -> Option<&'static str> {
    Some(match advice {
        Advice::AllowPrompt => "log in without `--prompt none`",
        Advice::WaitLonger => "log in again, with `--timeout 15m` to wait longer",
        Advice::Trace => "run the same command with `--trace` to see the exchange",
        Advice::AllowRefresh => "omit `--cached` to refresh it, or lower `--min-ttl`",
        Advice::UseAnotherConfiguration => {
            "correct its owner or mode, or set another file with `--config` or OAUTHCTL_CONFIG"
        }
        Advice::ListProfiles => "run `oauthctl profile list` to list the profiles",
        Advice::CompleteProfile => {
            "set missing keys with `--set KEY=VALUE`, the client secret with `--client-secret-stdin`"
        }
        Advice::ListProviders => "`oauthctl providers` lists the providers",
        Advice::ReferToSecret => {
            "use `--client-secret-stdin`, or a reference: `--set 'client_secret={ env = \"VAR\" }'`"
        }
        Advice::RegisterClient => {
            "register a native client with the server (redirect URI: http://127.0.0.1/callback), \
             and log in with its ID: `--client-id ID`"
        }
        Advice::OmitScopes => "omit `--scope`, or name a scope",
        Advice::UseScopes => "it is reserved for the protocol; use `--scope` to set scopes",
        Advice::UnsetAttribute => "remove one with `oauthctl attr unset NAME`",
        Advice::SetAttributesLater => "set the others later with `oauthctl attr set NAME VALUE`",
        Advice::UsePendingStore => {
            "use fewer attributes, or store the flow locally: omit `--sealed`"
        }
        Advice::ListPending => {
            "complete or cancel some of them (see `oauthctl pending list`), or wait for them to \
             expire"
        }
        Advice::ChooseBrowser => "open the URL yourself, or set a browser with `--browser CMD`",
        Advice::PasteCallback => {
            "log in with `--flow paste`, or set a loopback redirect URI: \
             `redirect_uri = \"http://127.0.0.1/callback\"`"
        }
        Advice::UseAnotherFlow => "use `--flow paste`",
        Advice::UseUnprivilegedPort => {
            "choose a port above 1023 with `--port N` or in `redirect_uri`"
        }
        _ => return None,
    })
}

/// Returns what to do about stores, their keys and their files.
fn of_stores(advice: &Advice) -> Option<&'static str> {
    Some(match advice {
        Advice::ChooseStore => "use `--store keyring` or `--store file`",
        Advice::UseFileStore => {
            "to keep tokens in encrypted files instead, set OAUTHCTL_STORE=file, or `store = \
             \"file\"` under [defaults] (for one command: `--store file`)"
        }
        Advice::NewStoreKey => {
            "run `oauthctl store keygen` to generate one; existing records require the key that \
             encrypted them"
        }
        Advice::UseRecipient => {
            "a public key begins with `age1`; `oauthctl store keygen` prints the public key of a \
             new key"
        }
        Advice::UnlockKeyring => {
            "unlock it (log in to the desktop, or run `gnome-keyring-daemon --unlock` in a session \
             without one), then try again"
        }
        Advice::CreateCollection => {
            "create one named `login` (in Passwords and Keys, or with `gnome-keyring-daemon --unlock`)"
        }
        Advice::MakeWritable => {
            "make it writable, or use another location: `--store file:DIR` for tokens, \
             `OAUTHCTL_STATE_DIR` for the rest"
        }
        Advice::CheckFileSystem => {
            "check that file system, or use another location: `--store file:DIR` for tokens, \
             `OAUTHCTL_STATE_DIR` for the rest"
        }
        Advice::UseLocalState => "set OAUTHCTL_STATE_DIR to a directory on a local file system",
        Advice::RaiseFileLimit => "raise the limit on open files: `ulimit -n 1024`",
        _ => return None,
    })
}

/// Returns what to do about a damaged record: of this account, or of a secret.
fn restore(account: Option<&StoredAccount>) -> String {
    let restore = "nothing was changed; restore the record from a copy";
    match account.map(login_there) {
        Some(login) => {
            format!("{restore}, or log in again with `{login}`, which moves the damaged one aside")
        }
        None => restore.to_owned(),
    }
}

/// Returns what to do about a record that requires another key: of this account, or of a secret.
fn store_key(account: Option<&StoredAccount>) -> String {
    let set = format!(
        "nothing was changed; provide the key that encrypted the record: in {STORE_KEY}, in the file \
         that {STORE_KEY_FILE} names, or in `store.key`"
    );
    match account.map(remove_command) {
        Some(remove) => {
            format!(
                "{set}; if that key is lost, remove the record with `{remove}` and log in again"
            )
        }
        None => set,
    }
}

/// Returns how to accept a record of an earlier version, and what to do with any other.
fn accept(store: &str, key: Option<&GrantKey>) -> String {
    let (of, otherwise) = match key {
        Some(key) => {
            let account = StoredAccount { key: key.clone(), store: store.to_owned() };
            let login = login_there(&account);
            (
                format!(" -p {}", shell_word(&key.profile)),
                format!("log in again with `{login}`, which moves the file aside"),
            )
        }
        None => (String::new(), "move the file away".to_owned()),
    };
    format!(
        "if an earlier oauthctl wrote it, accept it with `oauthctl store migrate --to {}{of} \
         --accept-unauthenticated`; if you do not know who wrote it, {otherwise}",
        shell_word(store)
    )
}
