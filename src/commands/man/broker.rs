//! What the manual pages say about the commands of `oauthctl-broker`, which this program does not contain. The tests
//! of the broker compare the text with its command line, and write it.

use clap_mangen::roff::{Roff, bold, roman};

/// A block for each command: its usage, what it does, and a line for each argument and option, which starts with a tab.
const COMMANDS: &str = include_str!("broker.txt");

/// The variables of the broker.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "OAUTHCTL_MASTER_KEY",
        "The key that encrypts the store: 32 bytes in base64url. Default: `broker.key` in the configuration directory, \
         which the broker creates.",
    ),
    ("OAUTHCTL_NEW_MASTER_KEY", "The key that replaces it, for `oauthctl serve rotate-key`."),
    (
        "OAUTHCTL_ADMIN_KEY",
        "The key with which the operator signs in to `/admin`: at least 32 characters. If neither this variable \
         nor `admin_key_file` in `[serve]` is set, `/admin` is disabled.",
    ),
    (
        "OAUTHCTL_METRICS_KEY",
        "The bearer token that a request for `/metrics` must send, unless the broker can only be reached on loopback.",
    ),
];

/// The files of the broker.
pub const FILES: &[(&str, &str)] = &[
    ("~/.config/oauthctl/config.toml", "The configuration: its table `[serve]`."),
    ("~/.config/oauthctl/broker.key", "The master key, unless OAUTHCTL_MASTER_KEY is set."),
    (
        "~/.local/state/oauthctl/broker.db",
        "The store, unless `--store` or the configuration names another one.",
    ),
    (
        "~/.local/state/oauthctl/broker-spool/",
        "Tokens that could not be stored yet, encrypted. Keep it across restarts.",
    ),
];

/// Returns the sections about this command of the broker and its subcommands; nothing for any other command.
pub fn sections(command: &str) -> String {
    let mut roff = Roff::new();
    let own = format!("oauthctl {command}");
    let blocks = COMMANDS
        .split("\n\n")
        .map(str::trim_end)
        .filter(|block| block.strip_prefix(&own).is_some_and(|rest| rest.starts_with(' ')));
    for (number, block) in blocks.enumerate() {
        let mut lines = block.lines();
        let (usage, about) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        if number == 0 {
            roff.control("SH", ["THE BROKER"]);
        }
        roff.control("SS", [usage]);
        roff.text([roman(format!("{about}."))]);
        for (name, what) in lines.filter_map(|line| line.trim_start().split_once('\t')) {
            roff.control("TP", []).text([bold(name)]).text([roman(what)]);
        }
    }
    roff.render()
}
