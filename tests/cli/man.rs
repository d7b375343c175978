//! Manual pages: one for every command, with everything that `--help` lists, the same at every run.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::help::{self, COMMANDS};
use crate::support::{Home, make_pipe};

/// The help topics that have a page.
const TOPICS: &[&str] = &[
    "configuration",
    "logging-in",
    "headless",
    "login-by-url",
    "machines",
    "client-authentication",
    "fapi",
    "credential-helpers",
    "api-requests",
    "token-proxy",
    "token-agent",
    "ci",
    "stores",
];

fn page(command: &str) -> String {
    let mut args = vec!["man"];
    args.extend(command.split_whitespace());
    Home::new().run(args).ok().stdout
}

/// The text without what is only for the formatter.
fn plain(roff: &str) -> String {
    let plain = roff.replace(r"\fB", "").replace(r"\fR", "").replace(r"\fI", "");
    plain.replace(r"\-", "-").replace(r"\*(Aq", "'").replace(r"\(ti", "~").replace(r"\&", "")
}

/// The text of one section.
#[track_caller]
fn section<'a>(page: &'a str, name: &str) -> &'a str {
    let heading =
        if name.contains(' ') { format!("\n.SH \"{name}\"\n") } else { format!("\n.SH {name}\n") };
    let (_, after) = page.split_once(&heading).unwrap_or_else(|| panic!("no {name} in\n{page}"));
    after.split("\n.SH ").next().unwrap()
}

/// The flags that a help lists.
fn flags(help: &str) -> Vec<String> {
    let lines = help.lines().filter(|line| line.trim_start().starts_with('-'));
    let words =
        lines.flat_map(|line| line.trim().split("  ").next().unwrap().split([' ', ',', '`']));
    words.filter(|word| word.starts_with('-')).map(str::to_owned).collect()
}

#[test]
fn every_command_has_a_page_with_all_of_its_flags() {
    for command in COMMANDS {
        let roff = page(command);
        let text = plain(&roff);
        let name = format!("oauthctl {command}").trim_end().replace(' ', "-");
        let title = format!(".TH {} 1 ", name.to_uppercase());
        assert!(text.contains(&title), "{command}: {text}");
        assert!(section(&text, "NAME").starts_with(&format!("{name} - ")), "{command}: {text}");
        assert!(section(&text, "SYNOPSIS").starts_with("oauthctl"), "{command}");
        for heading in ["DESCRIPTION", "GLOBAL OPTIONS", "EXIT STATUS", "SEE ALSO"] {
            assert!(section(&text, heading).len() > 10, "{command}: {heading}");
        }
        let help = help::run(&format!("{command} --help")).ok().stdout;
        let flags = flags(&help);
        assert!(flags.iter().any(|flag| flag == "--help"), "{command}: {flags:?}");
        for flag in flags {
            let whole = |at: usize| {
                !text[at + flag.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '-')
            };
            assert!(text.match_indices(&*flag).any(|(at, _)| whole(at)), "{command}: no {flag}");
        }
        assert!(!roff.contains('`') && roff.is_ascii(), "{command}: {roff}");
    }
}

/// What is shown as it is stands 11 columns to the right.
#[test]
fn examples_fit_into_80_columns() {
    for command in COMMANDS.iter().chain(TOPICS) {
        let text = plain(&page(command));
        let shown = text.split("\n.EX\n").skip(1).map(|part| part.split("\n.EE").next().unwrap());
        let wide: Vec<&str> =
            shown.flat_map(str::lines).filter(|line| line.chars().count() > 69).collect();
        assert_eq!(wide, [""; 0], "{command}");
    }
}

#[test]
fn main_page_lists_variables_files_statuses_commands() {
    let text = plain(&page(""));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let reference = root.join("docs/reference/environment.md");
    let reference = std::fs::read_to_string(reference).unwrap();
    let (_, table) = reference.split_once("\n## Environment\n").unwrap();
    let table = table.split("\n## ").next().unwrap();
    let names: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .flat_map(|line| line.split(" | ").next().unwrap().split(", "))
        .map(|name| name.trim_matches('`'))
        .collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(section(&text, "ENVIRONMENT").contains(name), "{name}");
    }
    for code in ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "130, 143", "141"] {
        let status = section(&text, "EXIT STATUS");
        assert!(status.contains(&format!(".TP\n{code}\n")), "{code}: {status}");
    }
    for word in ["internal", "usage", "config", "login_required", "access_denied", "timeout"] {
        assert!(section(&text, "EXIT STATUS").contains(word), "{word}");
    }
    for word in ["validation", "server_refused", "unavailable", "store", "interrupted"] {
        assert!(section(&text, "EXIT STATUS").contains(word), "{word}");
    }
    for file in ["config.toml", "store.key", "state.key", "tokens/", ".local/state/oauthctl/"] {
        assert!(section(&text, "FILES").contains(file), "{file}");
    }
    assert!(section(&text, "EXAMPLES").contains("oauthctl login gitlab"));
    for command in COMMANDS.iter().filter(|command| !command.is_empty() && !command.contains(' ')) {
        assert!(
            section(&text, "COMMANDS").contains(&format!("oauthctl-{command}(1)")),
            "{command}"
        );
    }
}

/// What the ways to log in, to authenticate and to use a token have, each with a key or an option of its own.
#[test]
fn topic_pages_show_every_way_with_an_example() {
    for (topic, shown) in [
        ("headless", &["flow = [\"browser\", \"device\", \"paste\"]", "--qr"][..]),
        ("login-by-url", &["--client-secret-stdin", "client_id_metadata_url = ", "--challenge"]),
        ("machines", &["service_account = {", "grant = \"jwt_bearer\"", "subject_token = {"]),
        ("machines", &["grant = \"id_jag\"", "idp = \"corp\"", "grant = \"password\""]),
        ("logging-in", &["grant = \"ciba\"", "--add-scope", "trusted_audiences = ["]),
        ("logging-in", &["id_token_signed_response_alg = ", "OAUTHCTL_ACCOUNT=", "[[rules]]"]),
        ("logging-in", &["--provider gitlab"]),
        ("client-authentication", &["private_key_jwt", "tls_client_auth", "github_actions = {"]),
        ("client-authentication", &["self_signed_tls_client_auth", "{ gitlab = ", "{ file = "]),
        ("client-authentication", &["{ kubernetes = ", "{ spiffe = ", "{ env = ", "{ command = "]),
        ("fapi", &["par = \"always\"", "jar = \"always\"", "response_mode = \"jwt\""]),
        ("fapi", &["dpop = true", "--dpop", "authorization_details = [", "resource = ["]),
        ("fapi", &["response_mode = \"form_post\""]),
        ("credential-helpers", &["credential setup git", "credHelpers", "credential_process"]),
        ("credential-helpers", &["sparse+https://", "--netrc-file", "oauthctl-token-registry"]),
        ("api-requests", &["oauthctl api -p gitlab", "api_url = ["]),
        ("token-proxy", &["--allow 'GET /api/v4/**'", "OAUTHCTL_PROXY_URL", "--confirm '"]),
        ("token-agent", &["ssh -R", "--allow-uid", "systemctl --user", "agent --lock"]),
        ("ci", &["write_back = [", "resource_group: ", "id-token: write", "OAUTHCTL_IMPORT"]),
        ("stores", &["[store.command]", "cache = \"kernel\"", "store migrate --to file"]),
    ] {
        let text = plain(&page(topic));
        let title = format!(".TH OAUTHCTL-{} 1 ", topic.to_uppercase());
        assert!(text.contains(&title) && section(&text, "NAME").contains(topic), "{topic}: {text}");
        for one in shown {
            assert!(text.contains(one), "{topic}: {one} in\n{text}");
        }
        let help = help::run(&format!("help {topic}")).ok().stdout;
        assert!(shown.iter().all(|one| help.contains(one)), "{topic}: {help}");
    }
}

#[test]
fn pages_refer_to_pages_that_exist() {
    let home = Home::new();
    let pages = written(&home, "tmp/man");
    for (name, text) in &pages {
        let text = text.replace(r"\-", "-").replace(r"\fR", "").replace(r"\fB", " ");
        let references = text.match_indices("(1)").map(|(at, _)| {
            text[..at].rsplit([' ', '\n', '"', '(']).next().unwrap().trim_end_matches('.')
        });
        for other in references.filter(|other| other.starts_with("oauthctl")) {
            assert!(pages.contains_key(&format!("{other}.1")), "{name}: {other}");
        }
    }
    let main = &pages["oauthctl.1"];
    assert!(TOPICS.iter().all(|topic| plain(main).contains(&format!("oauthctl-{topic}(1)"))));
}

#[test]
fn pages_of_the_broker_have_its_options() {
    let serve = plain(&page("serve"));
    let broker = section(&serve, "THE BROKER");
    for name in
        ["oauthctl serve [OPTIONS]", "--public-url <URL>", "serve backup", "serve rotate-key"]
    {
        assert!(broker.contains(name), "{name}: {broker}");
    }
    for name in ["OAUTHCTL_MASTER_KEY", "OAUTHCTL_NEW_MASTER_KEY", "OAUTHCTL_ADMIN_KEY"] {
        assert!(section(&serve, "ENVIRONMENT").contains(name), "{name}: {serve}");
    }
    assert!(section(&serve, "FILES").contains("broker.key"), "{serve}");
    let tenant = plain(&page("tenant"));
    for name in
        ["tenant create", "--allow-redirect <URL>", "tenant key", "--rotate <ID>", "tenant quota"]
    {
        assert!(section(&tenant, "THE BROKER").contains(name), "{name}: {tenant}");
    }
    assert!(!page("token").contains("THE BROKER"));
}

/// The version is the program's; the day is that of the release, once there is one.
#[test]
fn heading_has_the_version_and_a_day() {
    let text = page("");
    let heading = text.lines().find(|line| line.starts_with(".TH ")).unwrap();
    let rest = heading.strip_prefix(".TH OAUTHCTL 1 ").unwrap();
    let (day, rest) = rest.split_once(' ').unwrap();
    assert!(rest.starts_with(&format!("\"oauthctl {}\" ", env!("CARGO_PKG_VERSION"))), "{heading}");
    let shape: String = day.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let changes = std::fs::read_to_string(root.join("CHANGELOG.md")).unwrap();
    let release = format!("\n## [{}] - ", env!("CARGO_PKG_VERSION"));
    if let Some((_, after)) = changes.split_once(&release) {
        assert_eq!(after.lines().next(), Some(day));
    }
}

fn written(home: &Home, below: &str) -> BTreeMap<String, String> {
    let dir = home.path(below);
    home.run([Path::new("man"), Path::new("--dir"), &dir]).ok();
    let entries = std::fs::read_dir(&dir).unwrap().map(Result::unwrap);
    let read = entries.map(|entry| {
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o644);
        (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
    });
    read.collect()
}

#[test]
fn pages_are_readable_by_all_and_reproducible() {
    let home = Home::new();
    let pages = written(&home, "tmp/new/man1");
    let names: Vec<String> = COMMANDS
        .iter()
        .chain(TOPICS)
        .map(|command| format!("{}.1", format!("oauthctl {command}").trim_end().replace(' ', "-")))
        .collect();
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(pages.keys().collect::<Vec<_>>(), sorted.iter().collect::<Vec<_>>());
    assert_eq!(pages["oauthctl-profile-add.1"], page("profile add"));
    let mut elsewhere = Home::new();
    elsewhere.set("LANG", "de_DE.UTF-8").set("COLUMNS", "200").set("TERM", "xterm");
    assert_eq!(written(&elsewhere, "tmp/man"), pages);
    let listed = home.run(["man", "--json", "--dir", home.path("tmp/x").to_str().unwrap()]).ok();
    assert_eq!(listed.json()["pages"].as_array().unwrap().len(), names.len());
    assert_eq!(listed.stderr, "");
}

#[test]
fn command_without_a_page_is_a_usage_error() {
    let home = Home::new();
    for line in
        ["man frobnicate", "man profile frobnicate", "man login --dir x", "man --dir /dev/null/x"]
    {
        let output = home.run(line.split(' ')).fails(2);
        assert!(output.stderr.contains("hint: "), "{line}: {}", output.stderr);
    }
}

#[test]
fn formatter_warns_of_nothing() {
    let home = Home::new();
    for (name, text) in written(&home, "tmp/man") {
        assert!(text.ends_with('\n'), "{name}");
        let file = home.path("tmp/man").join(&name);
        let output =
            Command::new("groff").args(["-man", "-Tutf8", "-ww"]).arg(file).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{name}: {output:?}");
    }
}

#[test]
fn pages_replace_only_regular_files() {
    let home = Home::new();
    let victim = home.path("victim");
    home.write(&victim, "mine");
    let into = |name: &str| {
        let dir = home.path(name);
        std::fs::create_dir(&dir).unwrap();
        (dir.display().to_string(), dir.join("oauthctl.1"))
    };
    let (links, page) = into("links");
    std::os::unix::fs::symlink(&victim, &page).unwrap();
    let (pipes, page) = into("pipes");
    make_pipe(&page);
    for dir in [links, pipes] {
        let output = home.run(["man", "--dir", &dir]).fails(2);
        assert!(output.stderr.contains("not a regular file"), "{}", output.stderr);
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1, "{dir}");
    }
    let (second, page) = into("second");
    std::fs::hard_link(&victim, &page).unwrap();
    home.run(["man", "--dir", &second]).ok();
    assert!(std::fs::read_to_string(&page).unwrap().contains(".TH OAUTHCTL 1"));
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "mine");
}

#[test]
fn page_is_found_by_its_own_name() {
    let home = Home::new();
    for (command, names) in [
        ("pending list", ["pending-list", "oauthctl-pending-list"]),
        ("profile set-secret", ["profile-set-secret", "oauthctl-profile-set-secret.1"]),
        ("token", ["token", "oauthctl-token"]),
        ("fapi", ["oauthctl-fapi", "oauthctl-fapi.1"]),
    ] {
        for name in names {
            assert_eq!(home.run(["man", name]).ok().stdout, page(command), "{name}");
        }
    }
    assert_eq!(home.run(["man", "oauthctl"]).ok().stdout, page(""));
    for none in ["pending-lists", "topics", "options"] {
        home.run(["man", none]).fails(2);
    }
}
