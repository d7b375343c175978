//! TAB in real shells, each at a terminal, with the completion scripts that are shipped.

use std::process::Command;

use crate::fixture::{TOKEN, grant, plant};
use crate::support::{AtTerminal, Home, tests_dir};

const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// A home with two profiles, two accounts of one of them, and files that a shell could offer.
fn home() -> Home {
    let home = Home::new();
    let profile = |name: &str| {
        format!("[profiles.{name}]\nissuer = \"https://as.example\"\nclient_id = \"c\"\n")
    };
    home.config(&["weekday", "weekend", "\"two words\""].map(profile).concat());
    home.write(&home.path("home/wet-file.toml"), &profile("of-the-file"));
    std::fs::create_dir(home.path("home/wet-folder")).unwrap();
    for account in ["default", "ada@example.org", "ada@example.net"] {
        plant(
            &home,
            &grant(account, TOKEN, |grant| {
                grant["key"]["profile"] = "weekday".into();
            }),
        );
    }
    let bin = home.path("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(home.command(["x"]).get_program(), bin.join("oauthctl")).unwrap();
    home
}

/// A shell at its prompt, and the lines that were typed.
struct Shell {
    terminal: AtTerminal,
    lines: usize,
}

/// Starts a shell that reads nothing but the shipped script.
fn start(name: &str, home: &Home) -> Shell {
    let scripts = tests_dir("../completions");
    let scripts = scripts.display();
    let (rc, text, args) = match name {
        "bash" => (
            "rc.bash",
            format!(
                "PS1='ready> '\nbind 'set show-all-if-ambiguous on'\n. {scripts}/oauthctl.bash\n"
            ),
            vec!["--noprofile", "--rcfile", "rc.bash", "-i"],
        ),
        "zsh" => (
            ".zshrc",
            format!(
                "fpath=({scripts} $fpath)\nautoload -Uz compinit\ncompinit -u -D\nPS1='ready> '\n"
            ),
            vec!["-d", "-i"],
        ),
        _ => (
            "rc.fish",
            format!(
                "function fish_prompt\n    echo -n 'ready> '\nend\nset -g fish_greeting\nset -g fish_autosuggestion_enabled 0\nsource {scripts}/oauthctl.fish\n"
            ),
            vec!["--no-config", "--init-command", "source ../rc/rc.fish", "-i"],
        ),
    };
    home.write(&home.path("rc").join(rc), &text);
    let args =
        args.iter().map(|arg| if *arg == rc { format!("../rc/{rc}") } else { (*arg).to_owned() });
    let program = home.command(["x"]);
    let mut shell = Command::new(name);
    shell.args(args).current_dir(home.path("home"));
    shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let path = std::env::var_os("PATH").unwrap_or_default();
    shell.env("PATH", format!("{}:{}", home.path("bin").display(), path.display()));
    shell.env("TERM", "xterm").env("ZDOTDIR", home.path("rc")).env("INPUTRC", "/dev/null");
    let mut terminal = AtTerminal::start(&shell);
    terminal.await_text("ready> ", 1);
    Shell { terminal, lines: 0 }
}

impl Shell {
    /// What it shows for these keys, without what only moves the cursor or changes a color.
    #[track_caller]
    fn shown(&mut self, keys: &str) -> String {
        let before = self.terminal.screen().len();
        self.lines += 1;
        let done = format!("all-done-{}", self.lines);
        self.terminal.press(keys);
        // The line is discarded and another one runs: by then, all that TAB does has been done.
        self.terminal.press(format!("\u{15}printf '%s-%s\\n' all done-{}\r", self.lines));
        self.terminal.await_screen(|screen| {
            screen[before..].rsplit_once(&done)?.1.contains("ready> ").then_some(())
        });
        plain(&self.terminal.screen()[before..])
    }
}

/// The text without escape sequences.
fn plain(screen: &str) -> String {
    let (mut out, mut chars) = (String::new(), screen.chars());
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            out.push(c);
        } else if chars.next() == Some('[') {
            chars.find(|c| ('@'..='~').contains(c));
        }
    }
    out
}

#[test]
fn tab_offers_profile_names_and_no_file() {
    let home = home();
    for shell in SHELLS {
        let mut at = start(shell, &home);
        for line in [
            "token --profile ",
            "token --profile we",
            "token -p ",
            "login ",
            "login we",
            "status ",
            "status we",
            "exec -p ",
            "profile show ",
            "logout --local ",
            "attr list ",
            "--json token --store file -p ",
        ] {
            let screen = at.shown(&format!("oauthctl {line}\t\t"));
            for name in ["weekday", "weekend"] {
                assert!(screen.contains(name), "{shell}: {line}: {screen}");
            }
            assert!(!screen.contains("wet-f"), "{shell}: {line}: {screen}");
        }
        // A name that there is not is no file either.
        for line in [
            "token --profile wet",
            "login wet",
            "status wet",
            "login weekday we",
            "token --scope we",
        ] {
            let screen = at.shown(&format!("oauthctl {line}\t\t"));
            for other in ["wet-f", "weekend"] {
                assert!(!screen.contains(other), "{shell}: {line}: {screen}");
            }
        }
    }
}

#[test]
fn tab_offers_the_accounts_of_the_profile() {
    let home = home();
    for shell in SHELLS {
        let mut at = start(shell, &home);
        let screen = at.shown("oauthctl token -p weekday --account \t\t");
        for name in ["default", "ada@example.net", "ada@example.org"] {
            assert!(screen.contains(name), "{shell}: {screen}");
        }
        let screen = at.shown("oauthctl token weekend --account \t\t");
        assert!(!screen.contains("ada@"), "{shell}: {screen}");
        // The line that results is run.
        let screen = at.shown("oauthctl token weekday --account ada@example.o\t\r");
        assert!(screen.contains(TOKEN), "{shell}: {screen}");
    }
}

#[test]
fn tab_offers_files_where_files_belong() {
    let home = home();
    for shell in SHELLS {
        let mut at = start(shell, &home);
        let screen = at.shown("oauthctl --config we\t\t");
        assert!(
            screen.contains("wet-file.toml") && screen.contains("wet-folder"),
            "{shell}: {screen}"
        );
        assert!(!screen.contains("weekday"), "{shell}: {screen}");
        for line in [
            "--config wet-fi\t profile list",
            "profile list --config wet-fi\t",
            "profile list --config=wet-fi\t",
            "profile show of-the-file --config ./wet-fi\t",
            // The names are those of the configuration that the line names.
            "--config wet-file.toml profile show of\t",
            "profile show --config ./wet-file.toml of\t",
        ] {
            let screen = at.shown(&format!("oauthctl {line}\r"));
            let lines = screen
                .lines()
                .filter(|line| line.starts_with("of-the-file") || line.contains("as.example"));
            assert!(lines.count() > 0, "{shell}: {line}: {screen}");
        }
    }
}

#[test]
fn tab_completes_commands_and_options() {
    let home = home();
    for shell in SHELLS {
        let mut at = start(shell, &home);
        for line in [
            "vers\t",
            "--vers\t",
            "vers\t --qui\t",
            "help sand\t",
            "help exit\t",
            "sandbox --scenario help --js\t",
        ] {
            let screen = at.shown(&format!("oauthctl {line}\r"));
            let is_it = ["oauthctl 0.", "Usage: oauthctl sandbox", "EXIT CODES", "\"name\""]
                .iter()
                .any(|part| screen.contains(part));
            assert!(is_it, "{shell}: {line}: {screen}");
        }
        let screen = at.shown("oauthctl token --f\t\t");
        assert!(
            screen.contains("--format") && screen.contains("--force-refresh"),
            "{shell}: {screen}"
        );
        let screen = at.shown("oauthctl pending \t\t");
        assert!(screen.contains("rotate-key") && !screen.contains("wet-f"), "{shell}: {screen}");
        let screen = at.shown("oauthctl profile add x --provider git\t\t");
        assert!(screen.contains("github") && screen.contains("gitlab"), "{shell}: {screen}");
        let screen = at.shown("oauthctl store info --store key\t");
        assert!(screen.contains("keyring"), "{shell}: {screen}");
        let screen = at.shown("oauthctl store migrate --to com\t");
        assert!(screen.contains("command"), "{shell}: {screen}");
        let screen = at.shown("oauthctl sandbox --scenario rotat\t\t");
        assert!(screen.contains("rotate"), "{shell}: {screen}");
        let screen = at.shown("oauthctl token --format x\t");
        assert!(screen.contains("xoauth2"), "{shell}: {screen}");
    }
}

#[test]
fn odd_names_are_words_and_are_never_run() {
    let home = home();
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    let odd = ["$(touch ran)", "`touch ran`", "a;touch ran", "*", "[x]:y"];
    let profiles = odd.map(|name| {
        format!("[profiles.{name:?}]\nissuer = \"https://as.example\"\nclient_id = \"c\"\n")
    });
    home.config(&(config + &profiles.concat()));
    for shell in SHELLS {
        let mut at = start(shell, &home);
        let screen = at.shown("oauthctl profile show tw\t\r");
        assert!(screen.contains("https://as.example"), "{shell}: {screen}");
        let screen = at.shown("oauthctl login \t\t");
        assert!(screen.contains("weekday") && screen.contains("[x"), "{shell}: {screen}");
        for line in ["login \\$\t\t", "token -p '$\t\t'", "status a\t\t"] {
            at.shown(&format!("oauthctl {line}"));
        }
        assert!(!home.path("home/ran").exists(), "{shell}");
        assert!(!screen.contains("wet-f"), "{shell}: {screen}");
    }
}

#[test]
fn completion_prints_nothing_if_names_are_unknown() {
    let home = home();
    home.write(&home.config_path(), "[profiles.weekday\n");
    for shell in SHELLS {
        let mut at = start(shell, &home);
        for line in ["token -p ", "login we", "token --account "] {
            let screen = at.shown(&format!("oauthctl {line}\t\t"));
            for part in ["error", "hint", "wet-f", "config.toml"] {
                assert!(!screen.contains(part), "{shell}: {line}: {screen}");
            }
        }
    }
}
