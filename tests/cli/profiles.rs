//! `profile` and `providers`.

use std::fs;

use crate::snapshot::check;
use crate::support::{Home, assert_no_secret, assert_not_shown};

const SECRET: &str = "CANARY-client-secret-0123456789";

/// A home with a file store of this name for its profiles, and the secret of an item there.
fn secret_in(home: &Home, store: &str, item: &str) -> Option<String> {
    use oauthctl_core::port::SecretItems as _;
    use oauthctl_core::store::{FileStore, KeySource};
    let key = KeySource::File(home.path("config/oauthctl/store.key"));
    let store = FileStore::open(home.path(store), key);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let secret = runtime.block_on(store.get(item)).unwrap();
    secret.map(|secret| secret.expose().to_owned())
}

#[test]
fn client_secret_moves_with_its_profile() {
    let mut home = Home::new();
    home.unset("OAUTHCTL_STORE");
    let [old, new] = ["old", "new"].map(|name| format!("file:{}", home.path(name).display()));
    let reads_it = |name: &str| {
        format!(
            "[profiles.{name}]\nissuer = \"https://as.example\"\nclient_id = \"c\"\n\
             client_secret = {{ keyring = \"shared\" }}\nstore = \"{old}\"\n"
        )
    };
    let second = reads_it("q").replace("shared", "own");
    home.config(&[reads_it("p"), second, reads_it("r")].concat());
    for profile in ["p", "q"] {
        let secret = format!("{SECRET}-{profile}");
        home.run_with(["profile", "set-secret", profile], &secret).ok();
    }
    let shared = Some(format!("{SECRET}-p"));
    let output = home.run(["--json", "store", "migrate", "p", "--to", &new]).ok();
    assert_eq!(output.json()["client_secrets"], serde_json::json!(["p"]));
    assert!(output.stderr.contains("Set `store = "), "{}", output.stderr);
    assert_not_shown(&output.stderr, [SECRET]);
    assert_eq!(secret_in(&home, "new", "shared"), shared);
    assert_eq!(secret_in(&home, "old", "shared"), shared, "`r` still reads it there");
    assert_eq!(secret_in(&home, "new", "own"), None, "another profile's");
    let output = home.run(["store", "migrate", "--to", &new]).ok();
    for profile in ["p", "q", "r"] {
        let told = format!("Moved the client secret of `{profile}`");
        assert_eq!(output.stderr.contains(&told), profile != "r", "{}", output.stderr);
    }
    for (item, secret) in [("shared", shared), ("own", Some(format!("{SECRET}-q")))] {
        assert_eq!(secret_in(&home, "new", item), secret);
        assert_eq!(secret_in(&home, "old", item), None);
    }
    // A different secret in the new store is not replaced, and the old one stays.
    home.run_with(["profile", "set-secret", "q"], "the newest").ok();
    let output = home.run(["store", "migrate", "--to", &new]).fails(10);
    assert!(output.stderr.contains("cannot move the client secret of `q`"), "{}", output.stderr);
    assert_eq!(secret_in(&home, "old", "own").as_deref(), Some("the newest"));
}

#[test]
fn secret_is_set_in_a_profile_that_has_none() {
    let mut home = Home::new();
    home.set("OAUTHCTL_STORE", format!("file:{}", home.path("store").display()));
    let public =
        "# mine\n[profiles.p] # first\nissuer = \"https://as.example\"\nclient_id = \"c\"\n";
    // This one is invalid without a secret.
    let machine = "\n[profiles.m]\nissuer = \"https://as.example\"\nclient_id = \"c\"\n\
                   grant = \"client_credentials\"\n";
    for (text, name) in [(public.to_owned(), "p"), (format!("{public}{machine}"), "m")] {
        home.config(&text);
        if name == "m" {
            let failed = home.run(["token", "-p", "p"]).fails(3);
            let hint = "`oauthctl profile set-secret m`";
            assert!(failed.stderr.contains(hint), "{}", failed.stderr);
        }
        let told = home.run_with(["profile", "set-secret", name], &format!("{SECRET}\n")).ok();
        let line = format!("client_secret = {{ keyring = \"{name}/client_secret\" }}");
        assert!(told.stderr.contains(&line), "{}", told.stderr);
        let config = std::fs::read_to_string(home.config_path()).unwrap();
        assert!(config.starts_with(public) && config.contains(&line), "{config}");
        assert_not_shown(&(config + &told.stderr), [SECRET]);
        assert_eq!(
            secret_in(&home, "store", &format!("{name}/client_secret")).as_deref(),
            Some(SECRET)
        );
        home.run(["profile", "list"]).ok();
    }
    // What is wrong elsewhere is said, and nothing is stored.
    home.config(&format!("{public}clinet = 1\n{machine}"));
    let failed = home.run_with(["profile", "set-secret", "m"], "x\n").fails(3);
    assert!(failed.stderr.contains("clinet"), "{}", failed.stderr);
    home.config(public);
    home.run_with(["profile", "set-secret", "q"], "x\n").fails(3);
    assert_eq!(secret_in(&home, "store", "q/client_secret"), None);
    home.run_with(["profile", "set-secret", "https://mcp.example"], "x\n").fails(4);
    let failed = home.run(["profile", "remove", "https://mcp.example"]).fails(3);
    assert!(failed.stderr.contains("`oauthctl logout https://mcp.example`"), "{}", failed.stderr);
}

#[test]
fn adding_and_removing_keeps_comments_and_order() {
    let home = Home::new();
    let before = "# mine\n[profiles.zeta] # last letter\nissuer = \"https://z.example\"\n\
                  client_id = \"z\" # public\n\n# end\n";
    home.config(before);
    let added = home
        .run([
            "profile",
            "add",
            "alpha",
            "--provider",
            "gitlab",
            "--client-id",
            "ID",
            "--scope",
            "read_api",
            "--scope",
            "openid",
            "--set",
            "min_ttl=2m",
        ])
        .ok();
    assert_eq!(added.stdout, "");
    let after = fs::read_to_string(home.config_path()).unwrap();
    for line in before.lines() {
        assert!(after.contains(line), "{line} is gone:\n{after}");
    }
    assert!(after.find("[profiles.zeta]") < after.find("[profiles.alpha]"), "{after}");
    let list = home.run(["profile", "list"]).ok().stdout;
    assert_eq!(list, "  alpha  gitlab\n  zeta   https://z.example\n");
    check("profile-show", &home.run(["profile", "show", "alpha"]).ok().stdout);
    let shown = home.run(["profile", "show", "alpha", "--json"]).ok().json();
    assert_eq!(shown["min_ttl"], "2m");
    assert_eq!(shown["scopes"], serde_json::json!(["read_api", "openid"]));
    home.run(["profile", "add", "alpha", "--issuer", "https://a.example", "--client-id", "x"])
        .fails(3);
    home.run(["profile", "remove", "alpha"]).ok();
    assert_eq!(fs::read_to_string(home.config_path()).unwrap().trim_end(), before.trim_end());
    let gone = home.run(["profile", "remove", "alpha"]).fails(3);
    assert!(gone.stderr.contains("`alpha`"), "{}", gone.stderr);
}

#[test]
fn first_profile_makes_a_private_file() {
    let home = Home::new();
    home.run(["profile", "add", "a", "--issuer", "https://a.example", "--client-id", "x"]).ok();
    home.assert_private();
    home.run(["profile", "show", "a"]).ok();
}

#[test]
fn profile_that_would_not_be_valid_is_not_added() {
    let home = Home::new();
    for args in [
        ["profile", "add", "a", "--client-id", "x"].as_slice(),
        &["profile", "add", "a", "--client-id", "x", "--provider", "gitlap"],
        &["profile", "add", "a", "--client-id", "x", "--issuer", "http://as.example"],
        &["profile", "add", "a", "--client-id", "x", "--provider", "gitlab", "--set", "scops=x"],
        &[
            "profile",
            "add",
            "a",
            "--client-id",
            "x",
            "--provider",
            "gitlab",
            "--set",
            "min_ttl=soon",
        ],
        &["profile", "add", "a\nb", "--client-id", "x", "--provider", "gitlab"],
        &["profile", "add", "", "--client-id", "x", "--provider", "gitlab"],
    ] {
        let code = if args[2].is_empty() || args[2].contains('\n') { 2 } else { 3 };
        let output = home.run(args).fails(code);
        assert!(output.stderr.starts_with("error: "), "{}", output.stderr);
        let text = fs::read_to_string(home.config_path()).unwrap_or_default();
        assert!(!text.contains("profiles"), "{args:?}: {text}");
    }
}

#[test]
fn client_secret_goes_to_the_store_and_nowhere_else() {
    let home = Home::new();
    let args = [
        "profile",
        "add",
        "a",
        "--issuer",
        "https://a.example",
        "--client-id",
        "x",
        "--client-secret-stdin",
    ];
    let added = home.run_with(args, &format!("{SECRET}\n")).ok();
    assert_not_shown(&(added.stdout + &added.stderr), [SECRET]);
    assert_no_secret(&home, [SECRET]);
    home.assert_private();
    for more in [["-v"], ["--json"]] {
        let shown = home.run([&["profile", "show", "a"], more.as_slice()].concat()).ok();
        assert_not_shown(&shown.stdout, [SECRET]);
        assert!(shown.stdout.contains("keyring"), "{}", shown.stdout);
    }
    home.run_with(
        [
            "profile",
            "add",
            "b",
            "--issuer",
            "https://b.example",
            "--client-id",
            "x",
            "--client-secret-stdin",
        ],
        "\n",
    )
    .fails(2);
    home.run(["profile", "add", "b", "--client-secret", "x"]).fails(2);
}

#[test]
fn secret_that_cannot_be_kept_adds_no_profile() {
    let mut home = Home::new();
    home.config("# kept\n");
    let args = [
        "profile",
        "add",
        "a",
        "--issuer",
        "https://a.example",
        "--client-id",
        "x",
        "--client-secret-stdin",
    ];
    for (store, code) in [("keyring", 10), ("bogus", 2)] {
        home.set("OAUTHCTL_STORE", store);
        home.run_with(args, SECRET).fails(code);
        let config = fs::read_to_string(home.config_path()).unwrap();
        assert_eq!(config.trim_end(), "# kept", "{store}");
    }
}

#[test]
fn shown_profile_hides_its_secrets() {
    let home = Home::new();
    home.config(&format!(
        "[profiles.a]\nissuer = \"https://a.example\"\nclient_id = \"x\"\nclient_secret = \"{SECRET}\"\n\
         token_params = {{ password = \"{SECRET}\" }}\n"
    ));
    for args in [["profile", "show", "a"].as_slice(), &["profile", "show", "a", "--json"]] {
        let output = home.run(args).ok();
        assert_not_shown(&output.stdout, [SECRET]);
        assert!(output.stdout.contains("(redacted)"), "{}", output.stdout);
    }
}

#[test]
fn profile_show_prints_the_effective_values() {
    let mut home = Home::new();
    home.config("[profiles.a]\nissuer = \"https://a.example\"\nclient_id = \"x\"\n");
    let shown = |home: &Home| home.run(["profile", "show", "a", "--json"]).ok().json();
    assert_eq!(shown(&home)["store"], "file");
    assert_eq!(shown(&home)["redirect_uri"][0], "http://127.0.0.1/callback");
    home.unset("OAUTHCTL_STORE");
    assert_eq!(shown(&home)["store"], "keyring");
}

#[test]
fn misspelt_key_is_reported_as_one_problem() {
    let home = Home::new();
    home.config(
        "[profiles.a]\nissuer = \"https://a.example\"\nclient_idd = \"x\"\n\
         [profiles.b]\nisuer = \"https://a.example\"\nclient_id = \"x\"\n\
         [profiles.c]\nprovider = \"asana\"\nclient_id = \"x\"\nclient_secrett = { env = \"S\" }\n",
    );
    let said = home.run(["profile", "list"]).fails(3).stderr;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    for (line, meant) in lines.iter().zip(["client_id", "issuer", "client_secret"]) {
        assert!(line.contains(&format!("did you mean `{meant}`?")), "{line}");
    }
}

#[test]
fn profile_that_is_not_added_has_no_lines() {
    let home = Home::new();
    home.config("# kept\n");
    let args = ["profile", "add", "a", "--client-id", "x", "--issuer", "https://a.example"];
    let more = ["--set", "pkcee=off", "--set", "grant=nonsense"];
    let said = home.run(args.iter().chain(&more)).fails(3).stderr;
    assert!(said.contains("unknown key `pkcee` in [profiles.a], did you mean `pkce`?"), "{said}");
    assert!(said.contains("`grant` in [profiles.a]"), "{said}");
    assert!(!said.contains("config.toml:"), "{said}");
}

#[test]
fn every_provider_can_be_listed_shown_and_added() {
    let home = Home::new();
    let listed = home.run(["providers"]).ok().stdout;
    let all = home.run(["providers", "--json"]).ok().json();
    let all = all.as_array().unwrap();
    assert_eq!(listed.lines().count(), all.len());
    for provider in all {
        let name = provider["name"].as_str().unwrap();
        assert!(listed.lines().any(|line| line.split_whitespace().next() == Some(name)), "{name}");
        let shown = home.run(["providers", name]).ok().stdout;
        for line in shown.lines() {
            assert!(line.chars().count() <= 80 || line.contains("://"), "{name}: {line}");
        }
        assert!(shown.contains("client secret"), "{shown}");
        assert_eq!(&home.run(["providers", name, "--json"]).ok().json(), provider);
    }
    check("providers-gitlab", &home.run(["providers", "gitlab"]).ok().stdout);
    check("providers-slack", &home.run(["providers", "slack"]).ok().stdout);
}

#[test]
fn no_profile_is_said_on_stderr() {
    let home = Home::new();
    let list = home.run(["profile", "list"]).ok();
    assert_eq!(list.stdout, "");
    assert!(list.stderr.contains("no profile"), "{}", list.stderr);
    assert_eq!(home.run(["profile", "list", "--json"]).ok().json(), serde_json::json!([]));
}

#[test]
fn status_shows_accounts_of_an_unreadable_store() {
    let mut home = crate::fixture::planted(crate::fixture::TOKEN);
    home.set("OAUTHCTL_STORE_KEY", "rubbish");
    let shown = home.run(["status"]).ok();
    for part in [
        "p / default\n",
        "  scopes     read write\n",
        "  store      file\n",
        "  logged in  ",
        "refreshed when needed",
    ] {
        assert!(shown.stdout.contains(part), "{part:?} is not in {}", shown.stdout);
    }
    let json = home.run(["status", "p", "--json"]).ok().json();
    let keys: Vec<&String> = json[0].as_object().unwrap().keys().collect();
    let expected = [
        "profile",
        "account",
        "identity",
        "scopes",
        "expires_at",
        "expires_in",
        "has_refresh_token",
        "login_required",
        "logged_in_at",
        "last_refresh",
        "last_error",
        "store",
        "stored",
        "problem",
        "hint",
        "grant_id",
        "user",
        "attributes",
    ];
    assert_eq!(keys, expected);
    home.run(["status", "nosuch"]).fails(3);
    let empty = Home::new().run(["status"]).ok();
    assert!(empty.stdout.is_empty() && empty.stderr.contains("oauthctl demo"), "{}", empty.stderr);
}

#[test]
fn missing_keys_hint_follows_only_missing_keys() {
    let home = Home::new();
    let add = ["profile", "add", "x", "--issuer", "https://as.example", "--client-id", "c"];
    let missing = "hint: set missing keys with `--set KEY=VALUE`";
    let output = home.run(add.iter().chain(&["--set", "store=drawer"])).fails(3);
    assert!(!output.stderr.contains("hint:"), "{}", output.stderr);
    let output = home.run(add.iter().chain(&["--set", "client_auth=client_secret_post"])).fails(3);
    assert!(output.stderr.contains(missing), "{}", output.stderr);
    let unknown = ["profile", "add", "x", "--provider", "gitlabb", "--client-id", "c"];
    let output = home.run(unknown).fails(3);
    assert!(output.stderr.contains("did you mean `gitlab`?"), "{}", output.stderr);
    assert!(!output.stderr.contains(missing), "{}", output.stderr);
}
