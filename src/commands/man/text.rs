//! Texts of the manual pages beyond the flags.

use clap::Command;
use oauthctl_core::ErrorKind;

/// Date of the last change to the pages, or of the release.
pub const DATE: &str = "2026-11-22";

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
        "The directory for locks, the index of accounts and, encrypted, pending authorizations. Its file system must \
         support locks. Default: `oauthctl` in the state directory of the platform.",
    ),
    ("OAUTHCTL_STORE", "The token store, as for `--store`."),
    ("OAUTHCTL_STORE_KEY", "Key of the file store, as printed by `oauthctl store keygen`."),
    ("OAUTHCTL_STORE_KEY_FILE", "A file that contains that key."),
    (
        "OAUTHCTL_STATE_KEY",
        "The key for the states of `oauthctl start` and `oauthctl complete`: 32 bytes in base64url. While keys are \
         changed, the new key, a comma and the previous key. Default: `state.key` in the configuration directory of \
         the platform, wherever the configuration file is.",
    ),
    (
        "OAUTHCTL_IMPORT",
        "A line that `oauthctl export` printed. `token`, `exec` and `refresh` fill an empty store from it first. They \
         never overwrite an account whose login still works.",
    ),
    ("OAUTHCTL_PROFILE", "The profile of a command that names none."),
    ("OAUTHCTL_ACCOUNT", "The account of a command that names none."),
    ("OAUTHCTL_AGENT", "The agent that hands out tokens, as `unix:PATH`."),
    (
        "OAUTHCTL_HOOK_DEPTH",
        "Set for hooks: the depth of their nesting. If it is 4, or not a number, no further hook is started.",
    ),
    (
        "OAUTHCTL_BROWSER",
        "The browser command. `%s` stands for the URL; without it, the URL is the last argument.",
    ),
    (
        "BROWSER",
        "The same for all programs: commands separated by colons, of which the first that works is used. \
         OAUTHCTL_BROWSER overrides it, and `--browser` overrides both.",
    ),
    (
        "HTTPS_PROXY, ALL_PROXY",
        "The proxy for servers on other machines: `http://`, `https://` or `socks5h://`, with user and password if it \
         needs them. An invalid value is an error. Loopback addresses never go through a proxy.",
    ),
    (
        "NO_PROXY",
        "Hosts that are reached without the proxy, separated by commas. `example.com` matches the host and its \
         subdomains, `*.example.com` only its subdomains, `host:port` one port, `10.0.0.0/8` a network, and `*` every \
         host. An entry of any other form causes a warning.",
    ),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "On Linux, certificate authorities that replace those of the system. `ca_file` in a profile adds to either.",
    ),
    ("NO_COLOR", "If it is set and not empty, no colours are used."),
    (
        "XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_DATA_HOME",
        "On Linux, the directories of the platform. Default: below the home directory.",
    ),
];

pub const FILES: Rows = &[
    (
        "~/.config/oauthctl/config.toml",
        "The profiles, in TOML. On macOS and Windows it is in the usual place of the platform.",
    ),
    (
        "~/.config/oauthctl/store.key",
        "The key of the file store, generated when it is first needed, with mode 0600. It is here wherever the \
         configuration file is.",
    ),
    ("~/.config/oauthctl/state.key", "Key for the states of `oauthctl start`, generated likewise."),
    (
        "~/.local/share/oauthctl/tokens/",
        "The file store: one encrypted file per account, which age(1) can decrypt too.",
    ),
    (
        "~/.local/state/oauthctl/",
        "Locks, the index of accounts and, encrypted, pending authorizations.",
    ),
];

/// Returns the exit codes and what they mean, from the kinds of errors.
pub fn exit_status() -> Vec<(String, String)> {
    let mut rows = vec![("0".to_owned(), "Success.".to_owned())];
    for kind in ErrorKind::ALL {
        let code = match kind {
            ErrorKind::Interrupted => "130, 143".to_owned(),
            kind => kind.exit_code().to_string(),
        };
        if rows.iter().all(|(known, _)| *known != code) {
            rows.push((code, format!("`{}`: {}.", kind.word(), kind.meaning())));
        }
    }
    rows
}

pub const STANDARDS: &[&str] = &[
    "RFC 6749 and 6750 (OAuth 2.0), 7009 (revocation), 7636 (PKCE), 8252 (native apps), 8414 (metadata), 9126 (pushed \
     requests), 9207 (iss), 9449 (DPoP), 9700 (security); OpenID Connect Core 1.0.",
];

/// Returns what the page of a command says after its first sentence.
pub fn more(path: &str) -> &'static [&'static str] {
    MORE.iter().find(|(command, _)| *command == path).map_or(&[], |(_, paragraphs)| paragraphs)
}

const MORE: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "A profile in the configuration names a service and the client that is registered there. `oauthctl login` \
             guides the user through the login in a browser, and stores the tokens in the keyring of the operating \
             system or in encrypted files. After that, `oauthctl token` prints a valid access token: the stored one, or \
             a refreshed one if it is about to expire. However many processes ask at the same time, one refresh is made.",
            "Standard output contains only the result, and only if the command succeeded. An error is a line `error:`, \
             often followed by a line `hint:`, on standard error. With `--json` it is one JSON object there. The exit \
             status says what to do.",
            "Durations are written as 30s, 5m, 2h or 7d, or as a number of seconds.",
        ],
    ),
    (
        "api",
        &[
            "`api` makes one request with a valid token, which goes only to URLs below the `api_url` of the profile, or \
             below its `resource` if it has no `api_url`. A path is below the first of them. Redirects are followed \
             within these URLs.",
            "The body of the response goes to standard output, whatever its status. The exit status is 8 for a status \
             of 4xx, 9 for 5xx, and 4 if a login is required or the token lacks a scope. A token that the server \
             refuses with 401 is refreshed, and the request is sent once more.",
        ],
    ),
    (
        "proxy",
        &[
            "`proxy` lends the token of an account to programs that never get it. It listens on a loopback address or a \
             Unix socket, adds a valid token to each request, and passes the request on to the first `api_url` of the \
             profile. The path of its URL begins with a random key: whoever knows it can use the proxy. Requests with a \
             foreign `Host`, or from a page of another site, are refused with status 403.",
            "It prints one line of JSON with `url`, `socket`, `profile` and `account`. With a command, it prints nothing: \
             the command finds the URL in OAUTHCTL_PROXY_URL, the path of a Unix socket in OAUTHCTL_PROXY_SOCKET, and \
             its exit status is that of `proxy`.",
            "In a rule of `--allow`, `*` stands for any characters within a segment of the path, and `**` for any number \
             of segments. Paths are normalized before they are compared.",
        ],
    ),
    (
        "login",
        &[
            "`login` uses the authorization code flow with PKCE. A listener on a loopback address is ready before the \
             browser opens, and accepts the one callback with the right state. The store is tested first, so that a \
             login does not end with tokens that cannot be stored. The browser shows success only after they are stored.",
            "On a machine without a browser the URL is printed. It can be opened anywhere. That browser then fails to \
             load a page at the redirect URI; paste the address of that page at the prompt.",
            "`login` does not print tokens; `oauthctl token` does.",
        ],
    ),
    (
        "token",
        &[
            "A stored token with at least `--min-ttl` left is printed without network traffic. Otherwise it is \
             refreshed, by one of all processes that ask, and stored before it is printed. A grant that needs no user, \
             such as client_credentials, is requested again. If none of this is possible, the exit status is 4.",
            "If a refresh fails for a transient reason and the stored token has not expired, that token is printed with \
             a warning.",
        ],
    ),
    (
        "credential",
        &[
            "Other programs ask a helper for a password or token. Each of these commands speaks the protocol of one of \
             them, and gives it a valid token, refreshed if necessary. The tables `[credential.TOOL.\"KEY\"]` of the \
             configuration say which profile is for which place: KEY is a host or URL, which is compared as a whole. \
             Nothing is given to plain http, except on a loopback address.",
            "A link to the program named `git-credential-oauthctl`, `docker-credential-oauthctl` or \
             `cargo-credential-oauthctl` acts as that helper. A link named `oauthctl-token-PROFILE` prints the token of \
             that profile.",
        ],
    ),
    (
        "exec",
        &[
            "The token is in `OAUTH_ACCESS_TOKEN`, or in the variable that `--env` names. It appears in no argument list. \
             On Unix the command replaces the oauthctl process.",
        ],
    ),
    (
        "logout",
        &[
            "The tokens are removed even if the server could not be asked to revoke them. The exit status then says why.",
        ],
    ),
    (
        "status",
        &[
            "`status` contacts no server. It asks the store whether it still has the account, without a prompt and for at \
             most a second. If the store does not answer, `status` shows what was recorded at the last use, and says so.",
        ],
    ),
    (
        "start",
        &[
            "`start` is for web applications, bots and jobs, where another process receives the response, perhaps much \
             later. Any number of flows may be open at once, for any number of users. A state is signed, works once, \
             and expires.",
        ],
    ),
    (
        "complete",
        &[
            "The code is redeemed once, if `oauthctl start` created the state, and if it has neither been used nor \
             expired. The tokens are stored under the account that the user of the flow names. Everything else ends \
             with exit status 7 and redeems nothing.",
        ],
    ),
    (
        "attr",
        &["Attributes live as long as the grant, over every refresh. `oauthctl token --json` and \
             `oauthctl status --json` show them."],
    ),
    (
        "store migrate",
        &["An account is removed from the old store only after it was read back from the new one."],
    ),
    ("import", &["An account that is already stored is not overwritten without `--replace`."]),
    (
        "sandbox",
        &[
            "The sandbox is for tests of your own programs. It listens on the loopback interface only, and keeps \
             everything in memory. It accepts any client ID as a public client. It prints its issuer and runs until it \
             is stopped.",
        ],
    ),
    (
        "man",
        &["`man` needs no network and no configuration. One version always writes the same pages."],
    ),
];

/// Returns the examples of a page that are not in `--help`.
pub fn examples(path: &str) -> &'static [(&'static str, &'static [&'static str])] {
    match path {
        "" => &[
            (
                "Add a profile and log in, once:",
                &[
                    "oauthctl profile add gitlab --provider gitlab --client-id ID --scope read_api",
                    "oauthctl login gitlab",
                ],
            ),
            (
                "Use a valid token whenever one is needed:",
                &[
                    "oauthctl token -p gitlab --format curl | curl -K - https://gitlab.com/api/v4/user",
                ],
            ),
            ("In a job that must never wait for a user:", &["oauthctl --no-input token -p gitlab"]),
            ("Run a complete login on a machine where nothing is set up:", &["oauthctl demo"]),
        ],
        "refresh" => &[("Refresh now, whatever lifetime is left:", &["oauthctl refresh gitlab"])],
        "status" => &[(
            "List the accounts with their expiry:",
            &["oauthctl status --json | jq -r '.[] | [.profile, .account, .expires_at] | @tsv'"],
        )],
        "logout" => &[("Log out of all accounts of all profiles:", &["oauthctl logout --all"])],
        "attr set" => &[(
            "Set an attribute that is removed after seven days:",
            &["oauthctl attr set -p gitlab --account 4711 trial yes --ttl 7d"],
        )],
        "providers" => &[(
            "Show where to register a client, and what is special about the service:",
            &["oauthctl providers gitlab"],
        )],
        "store keygen" => &[(
            "Create a key for a CI system; its public half is printed on standard error:",
            &["oauthctl store keygen > ci.key"],
        )],
        "store migrate" => {
            &[("Move from the keyring to encrypted files:", &["oauthctl store migrate --to file"])]
        }
        "export" => &[(
            "Encrypt an account for a CI system:",
            &["oauthctl export -p gitlab --account ci --recipient age1... > ci.line"],
        )],
        "sandbox" => &[(
            "Rotate refresh tokens, and issue access tokens that expire after two seconds:",
            &[
                "oauthctl sandbox --port 8901 --auto-consent --scenario rotate --scenario expire-fast",
            ],
        )],
        "completions" => &[(
            "Install the completions for bash:",
            &["oauthctl completions bash > ~/.local/share/bash-completion/completions/oauthctl"],
        )],
        _ => &[],
    }
}

/// Returns the related commands.
pub fn related(path: &str) -> &'static [&'static str] {
    match path {
        "login" => &["token", "logout", "profile-add", "start"],
        "token" => &["exec", "login", "refresh", "status"],
        "exec" => &["token"],
        "credential" => &["token", "exec"],
        "refresh" => &["token", "status"],
        "status" => &["refresh", "login", "doctor"],
        "doctor" => &["status"],
        "userinfo" => &["inspect", "status"],
        "introspect" => &["inspect", "refresh"],
        "inspect" => &["introspect", "userinfo"],
        "discover" => &["profile-add", "providers"],
        "logout" => &["login", "profile-remove"],
        "start" => &["complete", "pending"],
        "complete" => &["start", "attr", "token"],
        "pending" => &["start", "complete"],
        "attr" => &["start", "token"],
        "profile add" => &["login", "providers"],
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
