//! What the documentation shows is run here: shell blocks as they would be pasted, and transcripts.

mod pasted;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use crate::fixture::{PROFILE, TOKEN, grant, plant, with_sandbox};
use crate::followed::shell;
use crate::support::{Home, Output};

/// A file of the root or of `docs/`.
fn documentation(page: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = if page == "README.md" { root.join(page) } else { root.join("docs").join(page) };
    std::fs::read_to_string(path).unwrap()
}

fn script(path: &Path, text: &str) {
    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
}

/// The documented line of a crontab without its time, with what stands for curl first on the path.
fn run_cron_line(home: &Home, curl: &str) -> Output {
    run_nth_cron_line(home, 0, curl)
}

fn run_nth_cron_line(home: &Home, number: usize, curl: &str) -> Output {
    let page = documentation("scripts.md");
    let mut lines = page.lines().filter_map(|line| line.strip_prefix("*/15 * * * *  "));
    let line = lines.nth(number).unwrap();
    let bin = home.path("home/.cargo/bin");
    std::fs::create_dir_all(&bin).unwrap();
    let program = home.command(["x"]).get_program().to_owned();
    let link = bin.join("oauthctl");
    if !link.exists() {
        std::os::unix::fs::symlink(program, &link).unwrap();
    }
    script(&bin.join("curl"), &format!("cat >/dev/null\n{curl}"));
    shell(home, &format!("PATH={}:$PATH; {line}", bin.display()), "")
}

#[test]
fn documented_cron_line_keeps_the_last_answer() {
    let home = Home::new();
    home.config(&PROFILE.replace("[profiles.p]", "[profiles.gitlab]"));
    plant(&home, &grant("default", TOKEN, |grant| grant["key"]["profile"] = json!("gitlab")));
    let file = home.path("home/issues.json");
    // As curl does: the file that `-o` names gets the body.
    let body = |text: &str| format!("while [ \"$1\" != -o ]; do shift; done; echo {text} > \"$2\"");
    run_cron_line(&home, &body("issues")).ok();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "issues\n");
    let refused =
        format!("case \" $* \" in *' --fail '*) exit 22;; esac; {}", body("unauthorized"));
    run_cron_line(&home, &refused);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "issues\n");
}

#[test]
fn documented_cron_line_mails_a_required_login() {
    let home = Home::new();
    home.config(&PROFILE.replace("[profiles.p]", "[profiles.gitlab]"));
    let plant = |expires_at: u64| {
        plant(
            &home,
            &grant("default", TOKEN, |grant| {
                grant["key"]["profile"] = json!("gitlab");
                grant["tokens"]["expires_at"] = json!(expires_at);
                grant["tokens"]["refresh_token"] = json!(null);
            }),
        );
    };
    plant(4_000_000_000);
    let silent = run_nth_cron_line(&home, 1, "true").ok();
    assert_eq!(silent.stdout + &silent.stderr, "");
    plant(1_700_000_000);
    let mailed = run_nth_cron_line(&home, 1, "true").fails(4);
    assert_eq!(mailed.stdout, "");
    assert!(mailed.stderr.contains("hint: run `oauthctl login gitlab`"), "{}", mailed.stderr);
}

/// The first block of a page after this text.
fn documented_block(page: &str, after: &str) -> String {
    let text = documentation(page);
    let (_, rest) = text.split_once(after).unwrap_or_else(|| panic!("{page} lacks {after}"));
    rest.split("```").nth(1).unwrap().strip_prefix("sh\n").unwrap().to_owned()
}

#[test]
fn documented_ci_blocks_run_as_pasted() {
    let (mut home, sandbox) = with_sandbox(None);
    sandbox.profile(&home, "gitlab", None);
    let here = documented_block("ci.md", "## Prepare the account");
    assert!(!here.contains('#') && here.is_ascii(), "{here}");
    shell(&home, &format!("set -e\n{here}"), "").ok();
    assert_eq!(home.run(["status", "gitlab", "--json"]).ok().json(), json!([]));
    let read = |name: &str| std::fs::read_to_string(home.path("home").join(name)).unwrap();
    let (key, line, config) = (read("ci.key"), read("ci.line"), home.config_path());
    let job = documented_block("ci.md", "## Use it in a job");
    let ci = home.path("home/ci");
    std::fs::create_dir_all(&ci).unwrap();
    std::fs::copy(config, ci.join("oauthctl.toml")).unwrap();
    script(&home.path("bin/curl"), "cat");
    home.unset("OAUTHCTL_STORE").unset("OAUTHCTL_STATE_DIR").unset("OAUTHCTL_CONFIG");
    home.set("OAUTHCTL_STORE_KEY", key.trim()).set("OAUTHCTL_IMPORT", line.trim());
    let output = shell(&home, &format!("set -eo pipefail\n{job}"), "").ok();
    assert!(output.stdout.starts_with("header = \"Authorization: Bearer "), "{}", output.stdout);
}

#[test]
fn documented_ci_job_needs_no_user() {
    let (mut home, sandbox) = with_sandbox(None);
    let page = documentation("ci.md");
    let section = page.split("## A job without a user").nth(1).unwrap();
    let profile = section.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let ci = home.path("home/ci");
    std::fs::create_dir_all(&ci).unwrap();
    let profile = profile.replace("https://sso.example.com", &sandbox.issuer);
    home.write(&ci.join("oauthctl.toml"), &profile);
    std::fs::create_dir_all(home.path("bin")).unwrap();
    script(&home.path("bin/curl"), "cat");
    home.unset("OAUTHCTL_STORE").unset("OAUTHCTL_STATE_DIR").unset("OAUTHCTL_CONFIG");
    home.set("ROBOT_SECRET", "secret");
    let job = documented_block("ci.md", "The job, with `ROBOT_SECRET`");
    let output = shell(&home, &format!("set -eo pipefail\n{job}"), "").ok();
    assert!(output.stdout.starts_with("header = \"Authorization: Bearer "), "{}", output.stdout);
}

#[test]
fn documented_rehearsal_logs_in_by_pasting() {
    let home = Home::new();
    let begin = documented_block("headless.md", "## Try it with the sandbox");
    let begin = with_free_ports(&begin, &["8904"]);
    let visit = documented_block("headless.md", "prints\nthe callback URL:");
    let end = documented_block("headless.md", "print the token, and clean up:");
    // The user's part: reads the URL, opens it elsewhere, and pastes where that ends.
    let user = format!(
        "while ! grep -q '^  http' messages; do sleep 0.1; done\n\
         URL=$(sed -n 's/^  http/http/p' messages)\n{}",
        visit.replace("'URL'", "\"$URL\"")
    );
    let login = "oauthctl login rehearsal --flow paste\n";
    let ready = "until curl -s -o /dev/null \"$AS\"; do sleep 0.1; done\n";
    let port = begin.split("--port ").nth(1).unwrap().split(' ').next().unwrap();
    let begin = begin
        .replace(
            "oauthctl profile",
            &format!("AS=http://127.0.0.1:{port}\n{ready}oauthctl profile"),
        )
        .replace(
            login,
            &format!(": > messages\n{{\n{user}}} | {} 2> messages\n", login.trim_end()),
        );
    let output = shell(&home, &format!("set -e\n{begin}{end}"), "").ok();
    assert!(output.stdout.contains("sandbox-access-"), "{} {}", output.stdout, output.stderr);
}

/// Replaces the ports of an example by free ones, which are taken only for a moment.
fn with_free_ports(block: &str, ports: &[&str]) -> String {
    let listeners: Vec<TcpListener> =
        ports.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    ports.iter().zip(&listeners).fold(block.to_owned(), |block, (port, listener)| {
        assert!(block.contains(port), "{port}: {block}");
        block.replace(port, &listener.local_addr().unwrap().port().to_string())
    })
}

#[test]
fn documented_sandbox_block_prints_a_token() {
    let block = documented_block("sandbox.md", "## In the CI of your own program");
    let block = with_free_ports(&block, &["8901"]);
    let output = shell(&Home::new(), &format!("set -e\n{block}"), "").ok();
    let token = output.stdout.lines().find(|line| line.starts_with("sandbox-access-"));
    assert!(
        token.is_some() && output.stdout.contains(r#""endpoint":"token""#),
        "{}",
        output.stdout
    );
}

#[test]
fn documented_sandbox_client_and_resource_work() {
    let (home, sandbox) = with_sandbox(None);
    let run = |heading: &str| {
        let block = documented_block("sandbox.md", heading);
        shell(
            &home,
            &format!("set -e\n{}", block.replace("http://127.0.0.1:8901", &sandbox.issuer)),
            "",
        )
        .ok()
    };
    let client = run("## Clients with a secret").json();
    assert!(client["client_secret"].is_string() && client["client_id"].is_string(), "{client}");
    assert!(run("## A protected resource").stdout.contains("welcome"));
    home.run(["login", &sandbox.issuer]).ok();
    // The client that needs no registration.
    let page = documentation("sandbox.md");
    let (id, secret) = ("sandbox-confidential", "sandbox-secret");
    assert!(page.contains(&format!("`{id}`, whose secret is `{secret}`")), "{page}");
    let more = format!("client_secret = {secret:?}\n");
    home.profile("c", &sandbox.issuer, id, &more);
    home.run(["login", "c"]).ok();
}

/// The members of the public JWK of a P-256 key in PEM: a key ends with both coordinates.
fn jwk_of(pem: &str) -> serde_json::Value {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let key = STANDARD.decode(body).unwrap();
    let (x, y) = key[key.len() - 64..].split_at(32);
    json!({ "kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y) })
}

#[test]
fn documented_key_authenticates_a_client() {
    let (home, sandbox) = with_sandbox(None);
    let directory = home.config_path().parent().unwrap().to_owned();
    let make = documented_block("client-authentication.md", "Create the key with OpenSSL");
    shell(&home, &format!("set -e; cd '{}'\n{make}", directory.display()), "").ok();
    let public = std::fs::read_to_string(directory.join("public.pem")).unwrap();
    let mode = std::fs::metadata(directory.join("key.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // The client as the page about the sandbox registers it.
    let page = documentation("sandbox.md");
    let shown = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let mut client: serde_json::Value = serde_json::from_str(shown).unwrap();
    client["jwks"]["keys"][0] = jwk_of(&public);
    let register = format!(
        "curl -s -H 'Content-Type: application/json' {}/register -d '{client}'",
        sandbox.issuer
    );
    let client = shell(&home, &register, "").ok().json();
    let machines = documentation("machines.md");
    let section = machines.split("## A client with a key").nth(1).unwrap();
    let profile = section.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let profile = profile.replace("https://as.example.com", &sandbox.issuer);
    let of =
        |id: &str| profile.replace("client_id = \"nightly\"", &format!("client_id = \"{id}\""));
    let run = documented_block("machines.md", "scopes = [\"read\"]\n```");
    home.config(&of(client["client_id"].as_str().unwrap()));
    assert!(shell(&home, &run, "").ok().stdout.starts_with("sandbox-access-"));
    // Another key is refused, unless the client is unknown.
    let other = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256";
    shell(&home, &format!("cd '{}' && {other} -out key.pem", directory.display()), "").ok();
    let failed = shell(&home, "oauthctl refresh nightly", "").fails(8);
    assert!(failed.stderr.contains("signature"), "{}", failed.stderr);
    home.config(&of("anyone"));
    shell(&home, "oauthctl token -p nightly", "").ok();
}

#[test]
fn documented_two_phase_block_completes() {
    let block = documented_block("two-phase.md", "## A complete round");
    let block = with_free_ports(&block, &["8902", "8903"]);
    let output = shell(&Home::new(), &format!("set -e\n{block}"), "").ok();
    assert!(output.stdout.contains(r#""user": "4711""#), "{}", output.stdout);
    assert!(output.stdout.contains(r#""tenant": "acme""#), "{}", output.stdout);
    assert!(output.stdout.contains("\nsandbox-access-"), "{}", output.stdout);
}

/// The transcript that begins with this command: its lines up to the next empty line or the end of the block.
fn transcript(page: &str, command: &str) -> Vec<String> {
    let text = documentation(page);
    let (_, after) = text.split_once(&format!("$ {command}\n")).unwrap();
    let lines = after.lines().take_while(|line| !line.is_empty() && *line != "```");
    lines.map(str::to_owned).collect()
}

/// Whether the line is as shown; `…` stands for anything.
fn is_as_shown(line: &str, shown: &str) -> bool {
    match shown.split_once('…') {
        Some((head, tail)) => line.starts_with(head) && line.ends_with(tail),
        None => line == shown,
    }
}

#[track_caller]
fn assert_shown(output: &str, shown: &[String]) {
    let mut lines = output.lines();
    for line in shown.iter().filter(|line| line.trim() != "…") {
        assert!(lines.any(|actual| is_as_shown(actual, line)), "`{line}` is not in\n{output}");
    }
}

#[test]
fn transcript_of_a_new_profile_is_real() {
    let mut home = Home::new();
    let config = home.path("home/.config/oauthctl/config.toml");
    home.unset("OAUTHCTL_CONFIG").unset("XDG_CONFIG_HOME");
    let command =
        "oauthctl profile add gitlab --provider gitlab --client-id 8c1f0e… --scope read_api";
    let shown = transcript("README.md", command);
    let output = shell(&home, command, "").ok();
    let said = output.stderr.replace(home.path("home").to_str().unwrap(), "/home/ada");
    assert!(config.exists(), "{said}");
    assert_eq!(said.lines().collect::<Vec<_>>(), shown);
}

#[test]
fn transcript_of_a_login_is_real() {
    let (home, sandbox) = with_sandbox(None);
    home.profile("gitlab", &sandbox.issuer, "demo", "scopes = [\"read_api\"]");
    let readme = documentation("README.md");
    let (_, shown) = readme.split_once("$ oauthctl login gitlab\n").unwrap();
    let (shown, _) = shown.split_once("\n\n$ ").unwrap();
    // What differs is the server, and that nobody can paste where there is no terminal.
    let shown = shown
        .replace("https://gitlab.com/oauth/authorize", &format!("{}/authorize", sandbox.issuer))
        .replace("https://gitlab.com", &sandbox.issuer)
        .replace("8c1f0e", "demo")
        .replace(
            "log in. You can also paste the URL from the browser's address bar here.",
            "log in …",
        )
        .replace("2 h", "1 h");
    let said = home.run(["login", "gitlab"]).ok().stderr;
    let (said, shown): (Vec<&str>, Vec<&str>) = (said.lines().collect(), shown.lines().collect());
    assert_eq!(said.len(), shown.len(), "{said:#?}");
    for (line, shown) in said.iter().zip(shown) {
        assert!(is_as_shown(line, shown), "`{line}` is not\n`{shown}`");
    }
}

#[test]
fn transcript_of_the_demo_is_real() {
    let output = Home::new().run(["demo"]).ok();
    let said = format!("{}{}", output.stdout, output.stderr);
    let (_, port) = said.split_once("http://127.0.0.1:").unwrap();
    let port: String = port.chars().take_while(char::is_ascii_digit).collect();
    assert_shown(&said.replace(&port, "34531"), &transcript("introduction.md", "oauthctl demo"));
}

#[test]
fn documented_json_error_is_real() {
    let home = Home::new();
    home.config(&PROFILE.replace("[profiles.p]", "[profiles.gitlab]"));
    let output = home.run(["token", "-p", "gitlab", "--json"]).fails(4);
    let page = documentation("reference/exit-codes.md");
    let shown = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let shown: serde_json::Value = serde_json::from_str(shown).unwrap();
    let line: serde_json::Value = serde_json::from_str(output.stderr.trim_end()).unwrap();
    assert_eq!(line, shown);
    assert_eq!(output.stderr.lines().count(), 1);
}
