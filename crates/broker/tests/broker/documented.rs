//! The command lines that the documentation shows are accepted.

use std::fmt::Write as _;
use std::path::Path;

use clap::Command;
use serde_json::json;

use crate::page::pages;
use crate::shell::{calls, shell_lines};
use crate::support::{Broker, Home};

#[test]
fn documented_command_lines_are_accepted() {
    let home = Home::new();
    let mut count = 0;
    for page in pages() {
        for line in shell_lines(&page) {
            let is_ours = |words: &Vec<String>| ["serve", "tenant"].contains(&words[1].as_str());
            for words in calls(&line).iter().filter(|words| words.len() > 1 && is_ours(words)) {
                count += 1;
                // Help is the last word: what stands before it is parsed, and nothing is done.
                let words: Vec<&str> = words[1..].iter().map(String::as_str).collect();
                let output = home.run(&[&words[..], &["--help"]].concat());
                assert_eq!(output.status, 0, "{}: {line}\n{}", page.path, output.stderr);
            }
        }
    }
    assert!(count > 5, "{count}");
}

/// Adds what a manual page says about a command and its subcommands.
fn describe(command: &mut Command, text: &mut String) {
    let usage = command.render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap().lines().next().unwrap();
    writeln!(text, "{usage}\n{}", command.get_about().unwrap()).unwrap();
    for arg in command.get_arguments().filter(|arg| !arg.is_global_set() && !arg.is_hide_set()) {
        let help = arg.get_help().unwrap().to_string();
        let usual = arg.get_default_values().first().and_then(|value| value.to_str());
        let usual = usual.filter(|value| !value.is_empty() && arg.get_action().takes_values());
        let usual = usual.map(|value| format!(" [default: {value}]")).unwrap_or_default();
        if !["help", "version"].contains(&arg.get_id().as_str()) {
            writeln!(text, "\t{arg}\t{help}{usual}").unwrap();
        }
    }
    text.push('\n');
    command.get_subcommands_mut().for_each(|inner| describe(inner, text));
}

#[test]
fn manual_pages_describe_each_command() {
    let mut program = oauthctl_broker::cli::command();
    program.build();
    let mut text = String::new();
    program.get_subcommands_mut().for_each(|command| describe(command, &mut text));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src/commands/man/broker.txt");
    if std::env::var_os("OAUTHCTL_UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn options_in_the_text_are_known() {
    let home = Home::new();
    let commands = [
        "serve",
        "serve rotate-key",
        "serve backup",
        "tenant create",
        "tenant list",
        "tenant disable",
        "tenant enable",
        "tenant key",
        "tenant quota",
    ];
    let mut help = String::new();
    for command in commands {
        let output = home.run(&[&command.split(' ').collect::<Vec<_>>()[..], &["--help"]].concat());
        assert_eq!(output.status, 0, "{command}: {}", output.stderr);
        help += &output.stdout;
    }
    let known: Vec<&str> = help.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).collect();
    let page = pages().into_iter().find(|page| page.path == "docs/broker.md").unwrap();
    let prose = page.prose();
    let mut count = 0;
    for option in prose.split('`').skip(1).step_by(2).flat_map(str::split_whitespace) {
        if option.len() > 2 && option.starts_with("--") {
            count += 1;
            let option = option.split('=').next().unwrap_or_default();
            assert!(known.contains(&option), "there is no option `{option}`");
        }
    }
    assert!(count > 5, "{count}");
}

#[tokio::test]
async fn each_key_of_serve_is_a_flag_and_in_the_file() {
    let home = Home::new();
    let page = pages().into_iter().find(|page| page.path == "docs/reference/configuration.md");
    let page = page.unwrap().prose();
    let section = page.split_once("## `[serve]`").unwrap().1.split("\n## ").next().unwrap();
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let keys: Vec<_> =
        cells.flat_map(|cell| cell.split(", ")).map(|key| key.trim_matches('`')).collect();
    let help = home.run(&["serve", "--help"]).stdout;
    let admin = home.path().join("admin.key");
    std::fs::write(&admin, "an-admin-key-of-thirty-two-bytes\n").unwrap();
    std::fs::set_permissions(&admin, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let mut config = String::from("[serve]\n");
    for key in keys {
        assert!(
            help.split_whitespace().any(|word| word == format!("--{}", key.replace('_', "-"))),
            "{key} is no flag"
        );
        let value = match key {
            "listen" => json!("127.0.0.1:0"),
            "store" => json!(format!("sqlite:{}", home.path().join("own.db").display())),
            "public_url" => json!("http://127.0.0.1:8700"),
            "smtp" => json!("smtp://127.0.0.1:25"),
            "mail_from" => json!("broker@app.example"),
            "signup" | "allow_private_endpoints" | "connect_page" => json!(true),
            "requests_per_address" => json!(3),
            "connections_per_address" => json!(100),
            "admin_key_file" => json!(admin),
            // They need a proxy and a certificate.
            "behind_proxy" | "tls_certificate" | "tls_private_key" => continue,
            unknown => panic!("{unknown}"),
        };
        config += &format!("{key} = {value}\n");
    }
    home.config(&config);
    let broker = Broker::start(&mut home.command(&["serve"]));
    let api = broker.api("none");
    assert_eq!(api.get("/admin").await.status, 200);
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(api.get("/openapi.json").await.status);
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    assert!(home.path().join("own.db").exists());
    for (key, value) in [("requests_per_address", "0"), ("connections_per_address", "\"many\"")] {
        home.config(&format!("[serve]\n{key} = {value}\n"));
        let refused = home.run(&["serve", "--listen", "127.0.0.1:0"]);
        assert_eq!(refused.status, 3, "{}", refused.stderr);
        assert!(refused.stderr.contains(key), "{}", refused.stderr);
    }
}
