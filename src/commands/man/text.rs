//! What the manual pages say about variables, files and standards. Everything about a command is in its clap
//! definition.

use clap::Command;

/// Date of the last change to the pages, or of the release.
pub const DATE: &str = "2026-11-30";

type Rows = &'static [(&'static str, &'static str)];

/// Returns the words of a command, such as `profile add`; none for the program itself.
pub fn path(way: &[&Command]) -> String {
    way.iter().map(|command| command.get_name()).collect::<Vec<_>>().join(" ")
}

pub const ENVIRONMENT: Rows = &[
    (
        "OAUTHCTL_CONFIG",
        "The configuration file. Default: `oauthctl/config.toml` in the configuration directory of the platform.",
    ),
    (
        "OAUTHCTL_STATE_DIR",
        "The directory for locks, the index of accounts and (encrypted) pending authorizations. Its file system \
         must support locks. Default: `oauthctl` in the state directory of the platform.",
    ),
    ("OAUTHCTL_STORE", "The token store, as with `--store`."),
    ("OAUTHCTL_STORE_KEY", "The key of the file store, as printed by `oauthctl store keygen`."),
    ("OAUTHCTL_STORE_KEY_FILE", "A file that contains that key."),
    (
        "OAUTHCTL_STATE_KEY",
        "The key for the states of `oauthctl start` and `oauthctl complete`: 32 bytes in base64url. To rotate keys, \
         set it to the new key, a comma and the previous key. Default: `state.key` in the configuration directory \
         of the platform, even if the configuration file is elsewhere.",
    ),
    (
        "OAUTHCTL_IMPORT",
        "A line from `oauthctl export`. If the store is empty, every command that uses a stored account imports it, \
         except `status` and `logout`. An account whose login still works is never overwritten.",
    ),
    ("OAUTHCTL_PROFILE", "The profile, unless the command names one."),
    ("OAUTHCTL_ACCOUNT", "The account, unless the command names one."),
    ("OAUTHCTL_AGENT", "The agent that hands out tokens, as `unix:PATH`, or the URL of a broker."),
    ("OAUTHCTL_AGENT_KEY", "The API key for that broker."),
    (
        "OAUTHCTL_HOOK_DEPTH",
        "Set for hooks: how deeply they are nested. If it is 4, or not a number, no further hook is started.",
    ),
    (
        "OAUTHCTL_BROWSER",
        "The browser command. `%s` stands for the URL; without it, the URL is the last argument.",
    ),
    (
        "BROWSER",
        "The same for all programs: commands separated by colons. The first one that works is used. \
         OAUTHCTL_BROWSER overrides it, and `--browser` overrides both.",
    ),
    (
        "HTTPS_PROXY, ALL_PROXY",
        "The proxy for servers on other machines: `http://`, `https://` or `socks5h://`, with a user name and \
         password if the proxy requires them. An invalid value is an error. Loopback addresses never go through a \
         proxy.",
    ),
    (
        "NO_PROXY",
        "Hosts that are reached without the proxy, separated by commas. `example.com` matches the host and its \
         subdomains, `*.example.com` only its subdomains, `host:port` one port, `10.0.0.0/8` a network, and `*` every \
         host. An entry of any other form causes a warning. An example is \
         `NO_PROXY='localhost,*.corp.test,10.0.0.0/8'`.",
    ),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "On Linux, certificate authorities that replace those of the system. `ca_file` in a profile adds to them in \
         both cases.",
    ),
    ("NO_COLOR", "If it is set and not empty, no colors are used."),
    (
        "XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_DATA_HOME",
        "On Linux, the base directories for configuration, state and data. Default: in the home directory.",
    ),
];

pub const FILES: Rows = &[
    (
        "~/.config/oauthctl/config.toml",
        "The profiles, in TOML. On macOS and Windows, it is in the platform's configuration directory.",
    ),
    (
        "~/.config/oauthctl/store.key",
        "The key of the file store, generated when it is first needed, with mode 0600. It is here even if the \
         configuration file is elsewhere.",
    ),
    (
        "~/.config/oauthctl/state.key",
        "The key for the states of `oauthctl start`, generated in the same way.",
    ),
    (
        "~/.local/share/oauthctl/tokens/",
        "The file store: one encrypted file per account, which age(1) can also decrypt.",
    ),
    (
        "~/.local/state/oauthctl/",
        "Locks, the index of accounts and (encrypted) pending authorizations.",
    ),
];

pub const STANDARDS: &[&str] = &[
    "RFC 6749 and 6750 (OAuth 2.0), 7009 (revocation), 7636 (PKCE), 8252 (native apps), 8414 (metadata), 9126 (pushed \
     requests), 9207 (iss), 9449 (DPoP), 9700 (security); OpenID Connect Core 1.0.",
];

/// Returns the related commands and topics.
pub fn related(path: &str) -> &'static [&'static str] {
    match path {
        "login" => {
            &["token", "logout", "profile-add", "start", "logging-in", "headless", "login-by-url"]
        }
        "token" => {
            &["exec", "login", "refresh", "status", "machines", "client-authentication", "fapi"]
        }
        "exec" => &["token"],
        "api" => &["token", "proxy"],
        "proxy" => &["api", "exec"],
        "agent" => &["token", "proxy"],
        "credential" => &["token", "exec"],
        "refresh" => &["token", "status"],
        "status" => &["refresh", "login", "doctor"],
        "doctor" => &["status"],
        "userinfo" => &["inspect", "status"],
        "introspect" => &["inspect", "refresh"],
        "inspect" => &["introspect", "userinfo"],
        "discover" => &["profile-add", "providers", "login-by-url"],
        "logout" => &["login", "profile-remove"],
        "uninstall" => &["logout"],
        "start" => &["complete", "pending"],
        "complete" => &["start", "attr", "token"],
        "pending" => &["start", "complete"],
        "attr" => &["start", "token"],
        "profile" => &["configuration"],
        "profile add" => &["login", "providers", "configuration", "logging-in", "machines"],
        "providers" => &["profile-add"],
        "store migrate" => &["export"],
        "export" => &["import", "store-keygen"],
        "import" => &["export"],
        "demo" => &["sandbox"],
        "sandbox" => &["demo"],
        "serve" => &["tenant"],
        "tenant" => &["serve"],
        _ => &[],
    }
}
