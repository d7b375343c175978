//! Parses the plain `oauthctl token …` without clap: setting up clap takes longer than handing out a stored
//! token.
//!
//! Only unambiguous command lines are parsed here. Every other one, help and mistakes included, is left to
//! clap, which defines the options. The tests compare both over many command lines.

use std::ffi::OsString;

use crate::args::Globals;
use crate::commands::token::TokenArgs;

/// Returns the command line, if it is plain: `token` with common options, each at most once, whose values
/// are UTF-8, not empty and without a leading dash.
pub fn parse(arguments: &[OsString]) -> Option<(Globals, TokenArgs)> {
    let mut words = arguments.get(1..)?.iter().map(|word| word.to_str());
    if words.next()?? != "token" {
        return None;
    }
    let (mut globals, mut token) = (Globals::default(), TokenArgs::default());
    while let Some(word) = words.next() {
        let word = word?;
        match word {
            "--json" => switch(&mut globals.json)?,
            "--quiet" | "-q" => switch(&mut globals.quiet)?,
            "--no-input" => switch(&mut globals.no_input)?,
            "--cached" => switch(&mut token.cached)?,
            _ => {
                let (option, value) = match word.split_once('=') {
                    Some((option, value)) if option.starts_with("--") => (option, Some(value)),
                    _ => (word, None),
                };
                let mut value = || value.or_else(|| words.next()?);
                match option {
                    "--profile" | "-p" => set(&mut token.profile.option.profile, value()?)?,
                    "--account" => set(&mut token.selection.account.account, value()?)?,
                    "--store" => set(&mut globals.store, value()?)?,
                    "--config" => set(&mut globals.config, value()?)?,
                    profile => set(&mut token.profile.argument, profile)?,
                }
            }
        }
    }
    Some((globals, token))
}

/// Turns on a flag that was not set before.
fn switch(flag: &mut bool) -> Option<()> {
    (!std::mem::replace(flag, true)).then_some(())
}

/// Sets an option that was not set before, unless clap could read the value differently.
fn set<'a, T: From<&'a str>>(place: &mut Option<T>, value: &'a str) -> Option<()> {
    if place.is_some() || value.is_empty() || value.starts_with('-') {
        return None;
    }
    *place = Some(value.into());
    Some(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::app::{Cli, Command, Reader, read};

    /// Arguments of `token`: plain, invalid and ambiguous.
    const WORDS: &[&str] = &[
        "a",
        "b=c",
        "token",
        "help",
        "é",
        "",
        " ",
        "=",
        "-",
        "--",
        "-p",
        "-pa",
        "-p=a",
        "-p=",
        "-q",
        "-qp",
        "-h",
        "-V",
        "-x",
        "-1",
        "--profile",
        "--profile=a",
        "--profile=",
        "--profile==a",
        "--profile=-a",
        "--profil",
        "--profile_argument",
        "--account",
        "--account=b",
        "--account=",
        "--config",
        "--config=c.toml",
        "--config=",
        "--store",
        "--store=file",
        "--json",
        "--json=true",
        "--json=",
        "--quiet",
        "--no-input",
        "--cached",
        "--cached=",
        "--login",
        "--force-refresh",
        "--format",
        "--format=json",
        "--min-ttl=5m",
        "--color=never",
        "--help",
        "--version",
        "--=",
        "--=a",
    ];

    fn line(words: &[&str]) -> Vec<OsString> {
        ["oauthctl", "token"].iter().chain(words).map(OsString::from).collect()
    }

    /// Compares with clap, and tells whether the line is plain.
    fn is_as_clap_reads_it(arguments: &[OsString]) -> bool {
        let Some((globals, token)) = parse(arguments) else { return false };
        let plain = Cli { globals, command: Command::Token(token) };
        let whole = Cli::try_parse_from(arguments).unwrap_or_else(|e| panic!("{arguments:?}: {e}"));
        assert_eq!(format!("{plain:?}"), format!("{whole:?}"), "{arguments:?}");
        true
    }

    #[test]
    fn plain_line_is_read_as_clap_reads_it() {
        let mut plain = usize::from(is_as_clap_reads_it(&line(&[])));
        for first in WORDS {
            plain += usize::from(is_as_clap_reads_it(&line(&[first])));
            for second in WORDS {
                plain += usize::from(is_as_clap_reads_it(&line(&[first, second])));
            }
        }
        // Longer ones: there are too many for all, so a fixed sequence chooses.
        let mut state = 1_u32;
        let mut below = |limit: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize % limit
        };
        for _ in 0..60_000 {
            let length = 3 + below(6);
            let words: Vec<&str> = (0..length).map(|_| WORDS[below(WORDS.len())]).collect();
            plain += usize::from(is_as_clap_reads_it(&line(&words)));
        }
        assert!(plain > 500, "only {plain} lines were plain");
    }

    #[test]
    fn usual_lines_are_read_without_clap() {
        for words in [
            "",
            "a",
            "-p a",
            "--profile a --account b",
            "--profile=a --account=b --store=file --config=c.toml",
            "a --config c.toml --store file:/srv/t --json --quiet --no-input --cached",
            "-q -p a",
        ] {
            let words: Vec<&str> = words.split_whitespace().collect();
            assert!(is_as_clap_reads_it(&line(&words)), "{words:?}");
            let (_, reader) = read(line(&words)).unwrap();
            assert_eq!(reader, Reader::Plain, "{words:?}");
        }
    }

    #[test]
    fn doubtful_line_is_left_to_clap() {
        for words in ["--help", "-pa", "a b", "--json --json", "-p", "--min-ttl 5m", "-p -", "--"] {
            let words: Vec<&str> = words.split(' ').collect();
            assert!(parse(&line(&words)).is_none(), "{words:?}");
        }
        for other in
            [vec![], vec!["oauthctl"], vec!["oauthctl", "status"], vec!["x", "--json", "token"]]
        {
            let other: Vec<OsString> = other.into_iter().map(OsString::from).collect();
            assert!(parse(&other).is_none(), "{other:?}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn argument_that_is_not_utf_8_is_left_to_clap() {
        use std::os::unix::ffi::OsStringExt;
        let odd = || OsString::from_vec(b"a\xff".to_vec());
        for before in [&["--config"][..], &["-p"], &[]] {
            assert!(parse(&[line(before), vec![odd()]].concat()).is_none(), "{before:?}");
        }
        let program = [vec![odd()], line(&["a"])[1..].to_vec()].concat();
        assert!(is_as_clap_reads_it(&program), "the program's own name means nothing");
    }
}
