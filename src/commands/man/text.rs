//! Texts of the manual pages beyond the flags.

use clap::Command;

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
        "A line from `oauthctl export`. `token`, `exec` and `refresh` import it if the store is empty. They never \
         overwrite an account whose login still works.",
    ),
    ("OAUTHCTL_PROFILE", "The profile, unless the command names one."),
    ("OAUTHCTL_ACCOUNT", "The account, unless the command names one."),
    ("OAUTHCTL_AGENT", "The agent that hands out tokens, as `unix:PATH`."),
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
         host. An entry of any other form causes a warning.",
    ),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "On Linux, certificate authorities that replace those of the system. `ca_file` in a profile adds to them in \
         both cases.",
    ),
    ("NO_COLOR", "If it is set and not empty, no colours are used."),
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

/// Returns what the page of a command says after its first sentence.
pub fn more(path: &str) -> &'static [&'static str] {
    MORE.iter().find(|(command, _)| *command == path).map_or(&[], |(_, paragraphs)| paragraphs)
}

const MORE: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "A profile in the configuration names a service and the client that is registered with it. `oauthctl \
             login` logs the user in with a browser, and stores the tokens in the operating system's keyring or in \
             encrypted files. After that, `oauthctl token` prints a valid access token: the stored one, or a \
             refreshed one if it is about to expire. Processes that request a token at the same time share one \
             refresh.",
            "Standard output contains only the result, and only if the command succeeded. An error is a line that \
             begins with `error:` on standard error, often followed by a line that begins with `hint:`. With \
             `--json`, it is one JSON object. The exit status tells scripts what to do.",
            "Durations are written as 30s, 5m, 2h or 7d, or as a number of seconds.",
        ],
    ),
    (
        "api",
        &[
            "`api` makes one request with a valid token. The token is sent only to URLs below the `api_url` of the \
             profile, or below its `resource` if it has no `api_url`. A path is relative to the first of these \
             URLs. Redirects are followed if they stay below them.",
            "The body of every response goes to standard output. The exit status is 8 for a status of 4xx, 9 for \
             5xx, and 4 if a login is required or the token lacks a scope. If the server rejects the token with \
             401, it is refreshed and the request is sent once more.",
        ],
    ),
    (
        "proxy",
        &[
            "`proxy` lets programs use the token of an account without ever holding it. It listens on a loopback \
             address or a Unix socket, adds a valid token to each request, and forwards the request to the first \
             `api_url` of the profile. The path of its URL begins with a random key: anyone who knows it can use \
             the proxy. Requests with a foreign `Host`, or from a page of another site, are refused with status \
             403.",
            "It prints one line of JSON with `url`, `socket`, `profile` and `account`. With a command, it prints \
             nothing. The command finds the URL in OAUTHCTL_PROXY_URL and the path of a Unix socket in \
             OAUTHCTL_PROXY_SOCKET. The exit status of `proxy` is that of the command.",
            "In a rule of `--allow`, `*` matches any characters within a segment of the path, and `**` any number \
             of segments. Paths are normalized before they are compared.",
        ],
    ),
    (
        "login",
        &[
            "`login` uses the authorization code flow with PKCE. A listener on a loopback address is ready before \
             the browser opens, and accepts only the callback with the expected state. The store is tested first, \
             so that the tokens can be saved. The browser shows success only after they are stored.",
            "On a machine without a browser, the URL is printed. Open it in a browser on any machine. That browser \
             then fails to load a page at the redirect URI; paste the address of that page at the prompt.",
            "`login` does not print tokens; `oauthctl token` does.",
        ],
    ),
    (
        "token",
        &[
            "If the stored token is valid for at least `--min-ttl`, it is printed without network access. Otherwise \
             it is refreshed, and the new token is stored before it is printed. Processes that request a token at \
             the same time share one refresh. For a grant that needs no user, such as client_credentials, a new \
             token is requested. If only a new login can provide a token, the exit status is 4.",
            "If a refresh fails for a transient reason and the stored token has not expired, that token is printed with \
             a warning.",
        ],
    ),
    (
        "credential",
        &[
            "Many programs get their passwords or tokens from a helper. Each of these commands implements the \
             protocol of one program, and gives it a valid token, refreshed if necessary. The tables \
             `[credential.TOOL.\"KEY\"]` in the configuration set the profile for each host or URL, which must \
             match exactly. No token is handed out for plain http, except on a loopback address.",
            "A link to oauthctl named `git-credential-oauthctl`, `docker-credential-oauthctl` or \
             `cargo-credential-oauthctl` acts as that helper. A link named `oauthctl-token-PROFILE` prints the \
             token of that profile.",
        ],
    ),
    (
        "exec",
        &[
            "The token is in `OAUTH_ACCESS_TOKEN`, or in the variable that `--env` names. It never appears in an \
             argument list. On Unix, the command replaces the oauthctl process.",
        ],
    ),
    (
        "logout",
        &[
            "The tokens are removed even if revocation fails. The exit status then reports the failure.",
        ],
    ),
    (
        "status",
        &[
            "`status` contacts no server. It checks whether the store still has the account, without a prompt and \
             for at most a second. If the store does not respond, `status` shows the state at the last use, with a \
             warning.",
        ],
    ),
    (
        "start",
        &[
            "`start` is for web applications, bots and jobs in which another process receives the response, perhaps \
             much later. Any number of flows can be open at the same time, for any number of users. A state is \
             signed, works only once, and expires.",
        ],
    ),
    (
        "complete",
        &[
            "The code is redeemed if `oauthctl start` created the state, and if the state has neither been used nor \
             expired. The tokens are stored in the account of the flow's user. Anything else fails with exit status \
             7 and redeems nothing.",
        ],
    ),
    (
        "attr",
        &[
            "Attributes are kept as long as the grant, across refreshes. `oauthctl token --json` and `oauthctl status \
           --json` show them.",
        ],
    ),
    (
        "store migrate",
        &[
            "An account is removed from the old store only after it has been read back from the new one.",
        ],
    ),
    ("import", &["An account that is already stored is not overwritten without `--replace`."]),
    (
        "sandbox",
        &[
            "The sandbox is for testing your own programs. It listens on the loopback interface only, and keeps \
             everything in memory. It accepts any client ID as a public client. It prints its issuer and runs until \
             you stop it.",
        ],
    ),
    (
        "man",
        &[
            "`man` needs neither the network nor a configuration. A given version always generates the same pages.",
        ],
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
                "Get a valid token whenever you need one:",
                &[
                    "oauthctl token -p gitlab --format curl | curl -K - https://gitlab.com/api/v4/user",
                ],
            ),
            (
                "Get a token in a job that must never wait for a user:",
                &["oauthctl --no-input token -p gitlab"],
            ),
            ("Run a complete login without any setup:", &["oauthctl demo"]),
        ],
        "refresh" => {
            &[("Refresh now, regardless of the remaining lifetime:", &["oauthctl refresh gitlab"])]
        }
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
            "Show where to register a client, and how the service deviates from the standards:",
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
