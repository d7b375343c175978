//! Every command, option and key between backquotes in a message is followed by a test, or it is said here
//! why it is not.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::tests_dir;

/// Tests, and what they follow.
const FOLLOWED: &[(&str, &[&str])] = &[
    ("cached_token_that_is_over_is_refreshed_as_told", &["--cached", "--min-ttl"]),
    ("damaged_record_is_replaced_as_told", &["oauthctl login"]),
    ("key_of_a_hint_lets_the_login_succeed", &["par = \"auto\""]),
    ("invalid_store_key_is_replaced_as_told", &["oauthctl store keygen"]),
    (
        "login_that_status_lacks_is_made_as_told",
        &[
            "oauthctl login PROFILE",
            "oauthctl login {word}",
            "oauthctl status PROFILE",
            "oauthctl demo",
        ],
    ),
    ("login_that_nobody_answers_gets_longer_as_told", &["--timeout 15m"]),
    ("login_without_input_runs_without_the_option", &["--no-input"]),
    ("named_client_is_not_sent_to_another_issuer", &["--client-id"]),
    ("missing_client_secret_is_stored_as_told", &["oauthctl profile set-secret {}"]),
    ("proxy_on_a_port_in_use_gets_another_as_told", &["--listen"]),
    ("port_in_use_is_replaced_as_told", &["--port N"]),
    ("profile_for_a_web_application_starts_as_told", &["--config", "oauthctl start {name}"]),
    ("profile_without_users_needs_no_login", &["oauthctl token {name}", "oauthctl token {word}"]),
    ("profile_keeps_the_store_it_was_added_with", &["oauthctl login {name}"]),
    (
        "record_without_a_tag_is_accepted_or_replaced",
        &["oauthctl store migrate --to {}{of} --accept-unauthenticated"],
    ),
    ("unset_redirect_uri_is_set_as_told", &["redirect_uri = \"…\""]),
    ("secret_is_kept_in_the_token_store_as_told", &["client_secret = {{ keyring = \"{}\" }}"]),
    (
        "secret_is_set_in_a_profile_that_has_none",
        &["client_secret = {{ keyring = \"{item}\" }}", "oauthctl logout {}"],
    ),
    (
        "client_secret_from_stdin_authenticates",
        &["oauthctl login {} --client-id ID --client-secret-stdin"],
    ),
    ("profile_edit_saves_what_is_valid", &["oauthctl profile edit"]),
    ("store_that_cannot_be_made_is_elsewhere_as_told", &["--store file:DIR"]),
    ("store_that_status_names_is_used_as_told", &["--store {}", "store = \"{}\""]),
    ("missing_keyring_is_replaced_for_every_command", &["store = \"file\""]),
    ("trace_shows_the_exchange_that_a_hint_wants_seen", &["--trace"]),
    ("issuer_that_no_profile_names_is_set_as_told", &["issuer = \"…\""]),
    (
        "option_of_a_hint_lets_the_login_succeed",
        &[
            "--flow paste",
            "--scope",
            "--scope {}",
            "--store file",
            "grant = \"authorization_code\"",
            "redirect_uri = \"http://127.0.0.1/callback\"",
        ],
    ),
    ("api_url_that_is_missing_is_set_as_told", &["api_url = [\"https://api.example.com/\"]"]),
    (
        "attributes_find_room_as_told",
        &["--sealed", "oauthctl attr set NAME VALUE", "oauthctl attr unset NAME"],
    ),
    (
        "commands_in_hints_of_configuration_run",
        &[
            "--client-secret-stdin",
            "--set KEY=VALUE",
            "oauthctl profile list",
            "oauthctl profile add NAME --issuer URL --client-id ID",
            "oauthctl profile add gitlab --provider gitlab --client-id ID",
            "oauthctl profile add {} --issuer URL --client-id ID",
            "oauthctl profile remove {}",
            "oauthctl providers",
        ],
    ),
    (
        "commands_in_other_hints_run",
        &[
            "oauthctl attr list",
            "oauthctl import < FILE",
            "oauthctl logout {} --all",
            "oauthctl pending list",
            "oauthctl sandbox --scenario help",
        ],
    ),
    ("discover_resource_shows_its_server", &["oauthctl login {}"]),
    (
        "discover_shows_and_explains_metadata",
        &["oauthctl profile add NAME --issuer {} --client-id ID"],
    ),
    ("flows_start_and_start_again_as_told", &["oauthctl start", "oauthctl start {}"]),
    (
        "format_and_import_hints_work_as_told",
        &["--recipient age1…", "--replace", "--user me@example.com"],
    ),
    ("inspect_opaque_token_names_what_helps", &["--id-token", "oauthctl introspect"]),
    (
        "keys_about_id_tokens_are_accepted_as_told",
        &["id_token_signed_response_alg = \"{}\"", "issuer = \"{iss}\""],
    ),
    ("method_is_named_before_the_url_as_told", &["oauthctl api POST URL"]),
    ("proof_is_in_every_format_that_has_headers", &["--format header"]),
    ("signed_request_without_a_key_opens_no_browser", &["jar = \"auto\""]),
    ("subject_and_actor_tokens_come_from_anywhere", &["--format json", "--format token"]),
    ("unbound_token_has_no_proof", &["dpop = true"]),
    ("one_account_of_several_is_named_as_told", &["--account", "--all", "oauthctl status"]),
    ("pkce_is_turned_off_as_told", &["pkce = \"off\""]),
    (
        "profiles_are_added_and_replaced_as_told",
        &["--dir", "--issuer URL", "--provider NAME", "--set 'client_secret={ env = \"VAR\" }'"],
    ),
    (
        "profiles_that_share_a_callback_get_paths_as_told",
        &["redirect_uri = \"http://127.0.0.1/{name}/callback\""],
    ),
    ("profile_add_asks_nobody_without_a_terminal", &["--client-id ID"]),
    ("profile_edit_refuses_what_is_invalid_and_keeps_it", &["oauthctl profile path"]),
    ("topic_without_a_page_is_shown_as_told", &["oauthctl help {name}"]),
    ("uninstall_asks_or_is_told_to", &["--dry-run", "--yes"]),
    ("uninstall_says_that_the_tokens_remain_valid", &["oauthctl logout --all"]),
    ("issuer_of_the_metadata_is_set_as_told", &["issuer = \"{shown}\""]),
    ("migrate_names_the_table_that_sets_the_store", &["store = \"{to_spec}\""]),
];

/// Why what is named is not followed, and what that is. It is parsed all the same: `given::tests` does so.
const NOT_FOLLOWED: &[(&str, &[&str])] = &[
    (
        "it is what was wrong, and no advice",
        &[
            "--alg",
            "--browser",
            "--confirm",
            "--challenge",
            "--dpop",
            "--env",
            "--expect-state",
            "--flow",
            "--format oauthbearer",
            "grant = \"{grant}\"",
            "jar = \"always\"",
            "--format xoauth2",
            "--offline",
            "--require-identity",
            "--require-identity {claim}=…",
            "--ttl",
            "--user",
        ],
    ),
    (
        "it tells of a command that the demo stands for, or that a help text explains",
        &[
            "--allow",
            "--json",
            "oauthctl --help",
            "oauthctl complete -",
            "oauthctl help TOPIC",
            "oauthctl help options",
            "oauthctl proxy",
            "oauthctl status --json",
            "oauthctl token",
            "oauthctl token --json",
        ],
    ),
    (
        "a test of the flows follows it, at a server that registers no clients",
        &["--client-id", "--client-id ID"],
    ),
    (
        "the tests of the agent run it",
        &[
            "--socket PATH",
            "oauthctl agent",
            "--allow-uid UID",
            "oauthctl agent --socket {word} --stop",
            "oauthctl agent --unlock",
        ],
    ),
    (
        "only the broker could run it",
        &["oauthctl serve", "oauthctl serve --help", "oauthctl tenant --help"],
    ),
    ("the tests of the proxy start it with such a rule", &["--allow 'GET /api/v4/**'"]),
    ("a login goes on without a browser, so that no command shows it", &["--browser CMD"]),
    ("no scenario of the sandbox answers that it needs the user after all", &["--prompt none"]),
    ("only programs without one of the stores say it", &["--store keyring"]),
    ("the configuration is refused before, with the same words", &["client_auth = \"none\""]),
    (
        "the metadata is refused before, because it lacks the endpoint for pushed requests",
        &["par = \"never\""],
    ),
    (
        "the sandbox shows the user a page that says so, and the program learns nothing of it",
        &["par = \"always\""],
    ),
    (
        "only the common endpoints of Microsoft have such metadata",
        &["issuer = \"{}\"", "provider = \"microsoft\""],
    ),
    ("tests/flows/device.rs follows it", &["--flow browser", "--flow device"]),
    (
        "tests/flows/by_url/real.rs follows it, at a server that grants nothing without scopes",
        &["--scope openid"],
    ),
    (
        "tests/lifetime/agent/broker.rs names a user and has a key, at a broker",
        &["--account USER", "oauthctl tenant key NAME"],
    ),
    ("a signal has to come between a request and its answer", &["oauthctl logout"]),
];

/// The Rust files of a folder, but for tests, documentation and what is read as a manual.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["tests", "docs", "man", "completions"].contains(&&*name) {
            sources(&path, found);
        } else if name.ends_with(".rs") && !name.contains("test") {
            found.push(path);
        }
    }
}

/// The string literals of a file before its tests, with the lines that they go on in joined.
fn literals(text: &str) -> Vec<String> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let text = text.lines().filter(is_code).collect::<Vec<_>>().join("\n");
    let (mut found, mut literal) = (Vec::new(), None::<String>);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, &mut literal) {
            // A quotation mark that is a character.
            ('\'', None) if chars.peek() == Some(&'"') => _ = chars.next(),
            ('"', None) => literal = Some(String::new()),
            ('"', Some(_)) => found.extend(literal.take()),
            ('\\', Some(text)) => match chars.next() {
                Some('\n') => while chars.next_if(|c| c.is_whitespace()).is_some() {},
                Some(escaped) => text.push(escaped),
                None => {}
            },
            (c, Some(text)) => text.push(c),
            _ => {}
        }
    }
    found
}

/// Commands, options and keys with a value that messages have between backquotes.
fn named() -> BTreeSet<String> {
    let mut files = Vec::new();
    for folder in ["../src", "../crates/core/src"] {
        sources(&tests_dir(folder), &mut files);
    }
    assert!(files.len() > 100, "{}", files.len());
    let is_key = |key: &str| key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let is_one = |span: &&str| {
        let is_option = span.starts_with("--") && span.len() > 2;
        let is_set =
            span.split_once(" = ").is_some_and(|(key, value)| is_key(key) && !value.is_empty());
        span.starts_with("oauthctl ") || is_option || is_set
    };
    let mut named = BTreeSet::new();
    for file in files {
        for literal in literals(&std::fs::read_to_string(file).unwrap()) {
            named.extend(literal.split('`').skip(1).step_by(2).filter(is_one).map(str::to_owned));
        }
    }
    named
}

#[test]
fn names_in_messages_are_followed_or_excused() {
    let entries = || FOLLOWED.iter().chain(NOT_FOLLOWED).flat_map(|(_, spans)| *spans);
    let listed: BTreeSet<String> = entries().map(|span| (*span).to_owned()).collect();
    let named = named();
    let unlisted: Vec<_> = named.difference(&listed).collect();
    assert!(unlisted.is_empty(), "follow it in a test and list it: {unlisted:#?}");
    let gone: Vec<_> = listed.difference(&named).collect();
    assert!(gone.is_empty(), "no message names it: {gone:#?}");
    let mut tests = String::new();
    let mut folders = vec![tests_dir("cli"), tests_dir("flows")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                tests += &std::fs::read_to_string(entry).unwrap();
            }
        }
    }
    for (test, _) in FOLLOWED {
        assert!(tests.contains(&format!("#[test]\nfn {test}()")), "{test} is no test");
    }
}
