//! What manual pages say beyond the flags.

use clap::Command;

/// The day on which the pages last changed, or that of the release.
pub const DATE: &str = "2026-11-22";

type Rows = &'static [(&'static str, &'static str)];

/// The words of a command, such as `profile add`; none for the program itself.
pub fn path(way: &[&Command]) -> String {
    way.iter().map(|command| command.get_name()).collect::<Vec<_>>().join(" ")
}

pub const ENVIRONMENT: Rows = &[
    (
        "OAUTHCTL_CONFIG",
        "The configuration file. Without it, `oauthctl/config.toml` in the platform's configuration directory.",
    ),
    (
        "OAUTHCTL_STATE_DIR",
        "Where locks, the list of accounts and, sealed, what waits for `oauthctl complete` are kept. \
         It must be on a file system that has locks. Without it, `oauthctl` in the platform's state directory.",
    ),
    ("OAUTHCTL_STORE", "The token store, as `--store`."),
    ("OAUTHCTL_STORE_KEY", "The key of the file store, as `oauthctl store keygen` prints it."),
    ("OAUTHCTL_STORE_KEY_FILE", "A file with that key."),
    (
        "OAUTHCTL_STATE_KEY",
        "The key for the states of `oauthctl start` and `oauthctl complete`: 32 bytes in base64url; a comma and the \
         key before it, while keys are changed. Without it, `state.key` in the platform's configuration directory, wherever the configuration file is.",
    ),
    (
        "OAUTHCTL_IMPORT",
        "A line that `oauthctl export` printed. `token`, `exec` and `refresh` fill an empty store from it first, \
         and never overwrite.",
    ),
    ("OAUTHCTL_PROFILE", "The profile, where a command names none."),
    (
        "OAUTHCTL_HOOK_DEPTH",
        "Set for hooks: how many of them run inside one another. Where it is 4, or no number, no further one is started.",
    ),
    (
        "OAUTHCTL_BROWSER",
        "The browser's command; `%s` stands for the URL, which else is its last argument.",
    ),
    (
        "BROWSER",
        "The same, for all programs: several commands with a colon between them, of which the first that works is \
         taken. OAUTHCTL_BROWSER goes before it, and `--browser` before both.",
    ),
    (
        "HTTPS_PROXY, ALL_PROXY",
        "The proxy for servers on other machines: `http://`, `https://` or `socks5h://`, with a user and a password \
         where it wants them. A value that names no proxy is an error. What is on this machine is reached directly.",
    ),
    (
        "NO_PROXY",
        "Hosts that are reached without the proxy, separated by commas. `example.com` matches the host and its \
         subdomains, `*.example.com` its subdomains alone, `host:port` one port, `10.0.0.0/8` a network, and `*` every host.",
    ),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "On Linux, certificate authorities that are used instead of the system's. `ca_file` in a profile adds to either.",
    ),
    ("NO_COLOR", "Where it is set, no colours are used."),
    (
        "XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_DATA_HOME",
        "On Linux, where the platform's directories are, if not in the home directory.",
    ),
];

pub const FILES: Rows = &[
    (
        "~/.config/oauthctl/config.toml",
        "The profiles, in TOML. On macOS and Windows in the place that is usual there.",
    ),
    (
        "~/.config/oauthctl/store.key",
        "The key of the file store, made when it is first needed, with mode 0600. It is here wherever the \
         configuration file is.",
    ),
    ("~/.config/oauthctl/state.key", "The key for the states of `oauthctl start`, likewise."),
    (
        "~/.local/share/oauthctl/tokens/",
        "The file store: one file per account, encrypted, which age(1) opens too.",
    ),
    (
        "~/.local/state/oauthctl/",
        "Locks, the list of accounts, and, sealed, what waits for `oauthctl complete`.",
    ),
];

pub const EXIT_STATUS: Rows = &[
    ("0", "Done."),
    ("1", "`internal`: an error of oauthctl's own."),
    ("2", "`usage`: wrong flags or arguments."),
    ("3", "`config`: the configuration is invalid, or a profile, account or provider is unknown."),
    ("4", "`login_required`: no usable token, and none can be had without a person."),
    ("5", "`access_denied`: the person or the server denied the authorization."),
    ("6", "`timeout`: nobody answered in time."),
    ("7", "`validation`: the state, iss, nonce, id_token or callback is not what was asked for."),
    ("8", "`server_refused`: the authorization server refused with another OAuth error."),
    ("9", "`unavailable`: network or server trouble; trying again later may help."),
    ("10", "`store`: the token store is unavailable, locked or unreadable."),
    ("130, 143", "`interrupted`: SIGINT or SIGTERM; nothing is half-written."),
];

pub const STANDARDS: &[&str] = &[
    "RFC 6749 and 6750 (OAuth 2.0), 7009 (revocation), 7636 (PKCE), 8252 (native apps), 8414 (metadata), 9126 (pushed \
     requests), 9207 (iss), 9449 (DPoP), 9700 (security); OpenID Connect Core 1.0.",
];

/// What the page of a command says after its first sentence.
pub fn more(path: &str) -> &'static [&'static str] {
    MORE.iter().find(|(command, _)| *command == path).map_or(&[], |(_, paragraphs)| paragraphs)
}

const MORE: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "A profile in the configuration names a service and the client that is registered there. `oauthctl login` \
             takes a person through the login in a browser, and keeps the tokens in the keyring of the system or in \
             encrypted files. From then on `oauthctl token` prints an access token that works: from the store, or \
             refreshed first where it is about to end. However many processes ask at once, one refresh is made.",
            "Nothing is printed on standard output unless it worked, and nothing but the result. An error is a line \
             `error:` and often a line `hint:` on standard error; with `--json` it is one JSON object there. The exit \
             status says what to do.",
            "Durations are written 30s, 5m, 2h, 7d, or as a number of seconds.",
        ],
    ),
    (
        "login",
        &[
            "The authorization code flow with PKCE: a listener on a loopback address is up before the browser opens, \
             and takes the one callback that has the right state. The store is tried before, so that a login does not \
             end with tokens that cannot be kept; the browser is told that it worked only once they are.",
            "On a machine without a browser the URL is printed. It can be opened anywhere: the browser then fails to \
             load a page at the redirect URI, whose address is pasted at the prompt.",
            "Tokens are not printed: `oauthctl token` does that.",
        ],
    ),
    (
        "token",
        &[
            "A stored token with at least `--min-ttl` left is printed without any network traffic. Otherwise it is \
             refreshed, once over all processes, and what came is stored before it is printed. A grant that needs no \
             person, such as client_credentials, is run again. Otherwise the exit status is 4.",
            "A refresh that fails for a passing reason, while the stored token still has some life, prints that token \
             with a warning.",
        ],
    ),
    (
        "exec",
        &[
            "The token is in `OAUTH_ACCESS_TOKEN`, or in the variable that `--env` names, and in no list of processes. \
             On Unix the command takes oauthctl's place.",
        ],
    ),
    (
        "logout",
        &[
            "The tokens are forgotten here even where the server could not be asked to revoke them; the exit status \
             then says so.",
        ],
    ),
    (
        "status",
        &[
            "No server is asked. The store is asked whether it still has the account, for a second at most and without \
             a prompt; where it does not answer, what was recorded at the last use is shown, and said to be no more than that.",
        ],
    ),
    (
        "start",
        &[
            "For web applications, bots and jobs: the response comes to another process, perhaps much later. Any number \
             of flows may be open at once, for any number of people. The state is signed, works once, and expires.",
        ],
    ),
    (
        "complete",
        &[
            "The code is redeemed once, if the state is one that `oauthctl start` made, has not been used, and has not \
             expired; the tokens are kept under the account that is named by the flow's user. Everything else ends with \
             exit status 7, and redeems nothing.",
        ],
    ),
    (
        "attr",
        &[
            "Attributes live as long as the grant, over every refresh, and are shown by `oauthctl token --json` and \
             `oauthctl status --json`.",
        ],
    ),
    (
        "store migrate",
        &["An account leaves the old store only after it was read back from the new one."],
    ),
    ("import", &["What is stored already is not overwritten without `--replace`."]),
    (
        "sandbox",
        &[
            "On loopback only, and in memory only: for tests of your own programs. Any client ID is taken for a public \
             client. It prints its issuer and runs until it is stopped.",
        ],
    ),
    (
        "man",
        &[
            "The pages need no network and no configuration. The same version always writes the same pages.",
        ],
    ),
];

/// Examples that are in no `--help`.
pub fn examples(path: &str) -> &'static [(&'static str, &'static [&'static str])] {
    match path {
        "" => &[
            (
                "Name a service and log in, once:",
                &[
                    "oauthctl profile add gitlab --provider gitlab --client-id ID --scope read_api",
                    "oauthctl login gitlab",
                ],
            ),
            (
                "Use a token that works, whenever one is needed:",
                &[
                    "oauthctl token -p gitlab --format curl | curl -K - https://gitlab.com/api/v4/user",
                ],
            ),
            (
                "In a job that must never wait for a person:",
                &["oauthctl --no-input token -p gitlab"],
            ),
            ("See it all work on a machine with nothing set up:", &["oauthctl demo"]),
        ],
        "refresh" => &[("Now, whatever life is left:", &["oauthctl refresh gitlab"])],
        "status" => &[(
            "Which accounts need a new login soon:",
            &["oauthctl status --json | jq -r '.[] | [.profile, .account, .expires_at] | @tsv'"],
        )],
        "logout" => &[("All accounts of all profiles:", &["oauthctl logout --all"])],
        "attr set" => &[(
            "Gone after seven days:",
            &["oauthctl attr set -p gitlab --account 4711 trial yes --ttl 7d"],
        )],
        "providers" => &[(
            "Where to register a client, and what is peculiar there:",
            &["oauthctl providers gitlab"],
        )],
        "store keygen" => &[(
            "A key for a CI system, and its public half on standard error:",
            &["oauthctl store keygen > ci.key"],
        )],
        "store migrate" => {
            &[("From the keyring to encrypted files:", &["oauthctl store migrate --to file"])]
        }
        "export" => &[(
            "For a CI system whose key is in ci.key:",
            &["oauthctl export -p gitlab --account ci --recipient age1... > ci.line"],
        )],
        "sandbox" => &[(
            "Refresh tokens that rotate, and access tokens that live two seconds:",
            &[
                "oauthctl sandbox --port 8901 --auto-consent --scenario rotate --scenario expire-fast",
            ],
        )],
        "completions" => &[(
            "For bash:",
            &["oauthctl completions bash > ~/.local/share/bash-completion/completions/oauthctl"],
        )],
        _ => &[],
    }
}

/// The commands that are worth reading about next.
pub fn related(path: &str) -> &'static [&'static str] {
    match path {
        "login" => &["token", "logout", "profile-add", "start"],
        "token" => &["exec", "login", "refresh", "status"],
        "exec" => &["token"],
        "refresh" => &["token", "status"],
        "status" => &["refresh", "login"],
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
        _ => &[],
    }
}
