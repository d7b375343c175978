//! Every block of shell in the README and in `docs/` is pasted into a shell here, or is listed with the reason why not.
//! The program is the real one. Its server is one on loopback, its logins are imported, and what a block names of other
//! programs is a stand-in that reads its input. `src/docs/examples.rs` parses the command lines of all blocks besides,
//! those of the broker its own tests.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::KeyPair;
use serde_json::{Value, json};

use super::script;
use crate::followed::shell;
use crate::page::pages;
use crate::support::{Api, Asked, FAR, Home, Replied, grant, plant, program};

/// Pages, the start of a block there that is not pasted, and the reason. An empty start stands for the whole page.
#[rustfmt::skip]
const NOT_PASTED: &[(&str, &str, &str)] = &[
    ("CONTRIBUTING.md", "", "builds this project"),
    ("docs/architecture.md", "", "builds this project"),
    ("docs/performance.md", "", "builds this project"),
    ("docs/library.md", "cargo run", "builds this project"),
    ("docs/install.md", "cargo install", "builds this project"),
    ("README.md", "cargo run", "builds this project"),
    ("README.md", "cargo install", "builds this project"),
    ("docs/ci.md", "", "`documented` runs both blocks after a login"),
    ("docs/headless.md", "oauthctl sandbox --port", "`documented` runs it with a user who pastes"),
    ("docs/headless.md", "curl -s", "the same"),
    ("docs/headless.md", "oauthctl token rehearsal", "the same"),
    ("docs/reference/commands.md", "oauthctl pending show", "needs a flow that is pending"),
    ("docs/reference/commands.md", "oauthctl pending cancel", "the same"),
    ("docs/sandbox.md", "curl -s -H", "`documented` runs it with a server"),
    ("docs/sandbox.md", "oauthctl login http", "`documented` runs it with a server"),
    ("docs/sandbox.md", "oauthctl sandbox --port", "`documented` runs it with a server"),
    ("docs/two-phase.md", "oauthctl sandbox --port", "`documented` runs it with a server"),
    ("docs/two-phase.md", "oauthctl start gitlab", "the callback comes from a browser"),
    ("docs/scripts.md", "eval \"$(oauthctl token", "for three shells; `formats` runs each"),
    ("docs/agent.md", "", "the socket of another user; `lifetime::agent` runs these commands"),
    ("docs/mcp.md", "", "logins by URL; `flows::by_url` runs them"),
    ("docs/reference/commands.md", "oauthctl agent", "the socket of another user"),
    ("docs/reference/commands.md", "echo \"$CALLBACK_URL\"", "the callback comes from a browser"),
    ("docs/reference/commands.md", "oauthctl profile add work\n", "the first line is a dialogue at a terminal"),
    ("docs/credential-helpers.md", "oauthctl credential setup", "changes other tools; `credential::setup` runs it"),
    ("docs/reference/commands.md", "oauthctl credential setup", "changes other tools; `credential::setup` runs it"),
];

/// Commands that are not run: they wait for a user, or run until somebody ends them.
const NOT_RUN: &str = "login|agent|sandbox|proxy|serve|tenant";

/// What the loopback server stands in for.
const HOSTS: &[&str] = &[
    "https://sso.example.com",
    "https://accounts.google.com",
    "https://mcp.example.com",
    "https://gitlab.com",
    "https://api.example.com",
];

/// Programs of others, which read their input and say `x`.
const OTHERS: &[&str] =
    &["code", "codex", "curl", "docker", "gh", "jq", "man", "npm", "pass", "ssh", "zenity"];

/// The profiles that the pages assume, and accounts of them.
const PROFILES: &[&str] = &[
    "api",
    "bank",
    "books",
    "cluster",
    "example",
    "github",
    "gitlab",
    "jira",
    "mail",
    "nightly",
    "registry",
    "robot",
    "salesforce",
    "work",
    "zoho",
];
const ACCOUNTS: &[&str] = &["default", "ci", "work", "4711"];

/// What else the pages assume, and the profile that it names.
const TABLES: &[(&str, &str)] = &[
    ("[credential.git.\"https://gitlab.com\"]", "gitlab"),
    ("[credential.netrc.\"api.example.com\"]", "api"),
    ("[defaults]", "gitlab"),
];

/// What a block may use that no block makes.
const GIVEN: &str = "set -eo pipefail; received=x; touch a.txt; echo 1 > ids.txt; \
    mkdir -p .local/bin .local/share/bash-completion/completions; export EDITOR=true";

fn answer(asked: &Asked, origin: &str) -> Replied {
    let body = if asked.target.contains("oauth-protected-resource") {
        json!({ "resource": format!("{origin}/mcp"), "authorization_servers": [origin] })
    } else if asked.target.contains(".well-known") {
        json!({
            "issuer": origin, "authorization_endpoint": format!("{origin}/authorize"),
            "token_endpoint": format!("{origin}/token"), "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
        })
    } else {
        json!({ "active": true, "sub": "ada" })
    };
    Replied::new(200, &["content-type: application/json"], body.to_string())
}

/// A JWT that nobody verifies.
fn jwt() -> String {
    let part =
        |json: Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json.to_string());
    let claims = json!({ "iss": "https://as.example", "sub": "ada", "exp": FAR });
    format!("{}.{}.c2ln", part(json!({ "alg": "ES256" })), part(claims))
}

/// A home with the profiles that a block does not add, and their logins.
fn home_for(block: &str, origin: &str) -> Home {
    let mut home = Home::new();
    let bin = home.path("bin");
    std::fs::create_dir_all(&bin).unwrap();
    for name in OTHERS {
        script(&bin.join(name), "[ -t 0 ] || cat >/dev/null\necho x");
    }
    script(&bin.join("pbpaste"), &format!("echo {}", jwt()));
    stand_in(&bin.join("oauthctl"));
    home.set("HOME", home.path("home"));
    let mut config = String::new();
    for name in PROFILES.iter().filter(|name| !block.contains(&format!("profile add {name} "))) {
        config.push_str(&format!(
            "[profiles.{name}]\nclient_id = \"c\"\nauthorization_endpoint = \"{origin}/authorize\"\n\
             token_endpoint = \"{origin}/token\"\nuserinfo_endpoint = \"{origin}/userinfo\"\n\
             introspection_endpoint = \"{origin}/introspect\"\nrevocation_endpoint = \"{origin}/revoke\"\n\
             redirect_uri = \"https://app.example/callback\"\napi_url = [\"{origin}/\"]\n"
        ));
    }
    for (table, profile) in TABLES {
        if config.contains(&format!("[profiles.{profile}]")) {
            config.push_str(&format!("{table}\nprofile = \"{profile}\"\n"));
        }
    }
    home.config(&config);
    let is_named = |name: &&&str| {
        (**name == "gitlab" || block.contains(**name))
            && config.contains(&format!("[profiles.{name}]"))
    };
    for name in PROFILES.iter().filter(is_named) {
        for account in ACCOUNTS.iter().filter(|name| **name == "default" || block.contains(**name))
        {
            plant(
                &home,
                &grant(account, &jwt(), |grant| {
                    grant["key"]["profile"] = json!(name);
                    grant["pin"]["token_endpoint"] = json!(format!("{origin}/token"));
                    grant["tokens"]["id_token"] = json!(jwt());
                    grant["id"] = json!(format!("g_{name}_{account}"));
                    // Its tokens are bound to a key.
                    if *name == "bank" {
                        let key = KeyPair::generate().unwrap().serialize_der();
                        grant["tokens"]["token_type"] = json!("DPoP");
                        grant["dpop_key"] = json!(STANDARD.encode(key));
                    }
                    // `start --user` made this one.
                    if *account == "4711" {
                        grant["user"] = json!(account);
                    }
                }),
            );
        }
    }
    home
}

/// The program, but for the commands that are not run.
fn stand_in(path: &Path) {
    let program = program();
    let program = program.display();
    script(
        path,
        &format!(
            "for word; do case $word in\n{NOT_RUN}) exit 0;;\n-*) ;;\n*) break;;\nesac; done\n\
             exec {program} \"$@\""
        ),
    );
}

/// The reason why a block is not pasted.
fn exempt(page: &str, text: &str) -> Option<usize> {
    let is_it = |(of, start, _): &&(&str, &str, &str)| *of == page && text.starts_with(start);
    NOT_PASTED.iter().position(|row| is_it(&row))
}

#[test]
fn shell_blocks_of_all_pages_run_as_pasted() {
    let api =
        Api::start(|asked| answer(asked, &format!("http://{}", asked.header("host").unwrap())));
    let (mut pasted, mut used, mut faults) = (0, vec![false; NOT_PASTED.len()], Vec::new());
    for page in pages() {
        for block in page.blocks().iter().filter(|block| block.language == "sh") {
            if let Some(row) = exempt(&page.path, &block.text) {
                used[row] = true;
                continue;
            }
            pasted += 1;
            let text =
                HOSTS.iter().fold(block.text.clone(), |t, host| t.replace(host, &api.origin));
            let text = text
                .replace("age1...", "$(oauthctl store keygen 2>&1 | sed -n 's/^Public key: //p')");
            let home = home_for(&text, &api.origin);
            let output = shell(&home, &format!("{GIVEN}\n{text}"), "secret\n");
            if output.status != 0 {
                let (path, status, said) = (&page.path, output.status, output.stderr);
                faults.push(format!("{path}: exit status {status}\n{text}{said}"));
            }
        }
    }
    for (row, is_used) in NOT_PASTED.iter().zip(used) {
        if !is_used {
            faults.push(format!("{row:?} is no block: take it from the list"));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(pasted > 60, "{pasted}");
}
