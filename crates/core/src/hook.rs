//! Runs hooks as commands: JSON on stdin, JSON on stdout, no shell.

use std::ffi::OsStr;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::flow::{HOOK_TIMEOUT, Hooks, MAX_HOOK_ANSWER};
use crate::port::BoxFuture;
use crate::process::{self, Failure, Job, PRIVATE_VARIABLES, Stream, Why};
use crate::profile::{Hook, Profile, SecretSource};
use crate::secret::Secret;
use crate::text::one_line;

/// The variables with which a GitHub Actions runner issues id tokens.
const GITHUB_VARIABLES: [&str; 2] =
    ["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"];

/// Name of the variable with the nesting depth of hooks, in the environment of every hook. A hook that
/// requests a token may trigger itself.
pub const DEPTH_VARIABLE: &str = "OAUTHCTL_HOOK_DEPTH";

/// Maximum nesting depth of hooks.
const DEEPEST: u32 = 4;

/// Runs the commands of profiles. They inherit the environment, except for variables that contain this
/// program's keys or the profile's secrets. Each command has its own process group. A command that takes
/// too long is killed with its group, and so is one whose caller has stopped waiting. Processes that have
/// left the group, for a session of their own (`setsid`) or another group, continue. Nested hooks are
/// counted in [`DEPTH_VARIABLE`]: the fifth is not started.
#[derive(Debug, Clone, Copy, Default)]
pub struct CommandHooks;

impl Hooks for CommandHooks {
    fn run<'a>(
        &'a self,
        profile: &'a Profile,
        hook: &'a Hook,
        input: Secret,
    ) -> BoxFuture<'a, Result<Secret>> {
        let depth = match one_deeper(std::env::var_os(DEPTH_VARIABLE).as_deref()) {
            Ok(depth) => depth,
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
        Box::pin(answer(Job {
            set: vec![(DEPTH_VARIABLE, depth.to_string())],
            // A command that was told tokens may print them in its error.
            errors: if hook.give_token { Stream::Discarded } else { Stream::Collected },
            ..job(profile, &hook.command, input)
        }))
    }
}

/// Passes this text to a command of the profile. It runs like a hook, with the same limit, but its output
/// is ignored. If the future is dropped, the command is ended with its process group.
///
/// # Errors
///
/// Returns `Config` if it cannot be started, fails, or takes too long.
pub async fn feed(profile: &Profile, argv: &[String], input: Secret) -> Result<()> {
    let job =
        Job { output: Stream::Discarded, errors: Stream::Discarded, ..job(profile, argv, input) };
    match process::run(job).await {
        Ok(_) => Ok(()),
        Err(Failure { why: Why::TooLong(limit), program, .. }) => {
            Err(Error::config(format!("`{program}` did not end within {} s", limit.as_secs())))
        }
        Err(failure) => Err(explained(failure)),
    }
}

/// A command line of the user that allows or denies something.
#[derive(Debug)]
pub struct Decision<'a> {
    /// The command line, for the shell of the system.
    pub command: &'a str,
    /// Variables that it does not inherit, besides those that contain this program's keys.
    pub hidden: &'a [String],
    /// Variables that describe what it allows or denies.
    pub about: &'a [(&'static str, String)],
    /// The time that it may take.
    pub limit: Duration,
    /// Whether it gets a process group of its own. One without can use the terminal.
    pub has_own_group: bool,
}

/// Runs a command line that allows or denies something. Returns whether it succeeded, or `None` if it exceeded its
/// time limit. In that case, and if the future is dropped, the command is killed with everything that it started.
///
/// # Errors
///
/// Returns `Config` if it cannot be started.
pub async fn decide(decision: Decision<'_>) -> Result<Option<bool>> {
    let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let job = Job {
        argv: [shell, option, decision.command].map(str::to_owned).into(),
        hidden: decision.hidden.to_vec(),
        set: decision.about.to_vec(),
        input: None,
        output: Stream::Discarded,
        errors: Stream::Inherited,
        most: 0,
        limit: decision.limit,
        has_own_group: decision.has_own_group,
    };
    match process::run(job).await {
        Ok(_) => Ok(Some(true)),
        Err(Failure { why: Why::Status(..), .. }) => Ok(Some(false)),
        Err(Failure { why: Why::TooLong(_), .. }) => Ok(None),
        Err(failure) => Err(explained(failure)),
    }
}

/// Returns a command of this profile as it is run.
fn job(profile: &Profile, argv: &[String], input: Secret) -> Job {
    Job {
        argv: argv.to_vec(),
        hidden: hidden_variables(profile),
        set: Vec::new(),
        input: Some(input),
        output: Stream::Collected,
        errors: Stream::Collected,
        most: MAX_HOOK_ANSWER,
        limit: HOOK_TIMEOUT,
        has_own_group: true,
    }
}

/// Runs a hook and returns its answer.
async fn answer(job: Job) -> Result<Secret> {
    let program = job.argv.first().map_or_else(String::new, |program| one_line(program));
    let output = process::run(job).await.map_err(explained)?;
    match std::str::from_utf8(&output) {
        Ok(text) => Ok(Secret::new(text)),
        Err(_) => Err(Error::config(format!("`{program}` returned invalid UTF-8"))),
    }
}

fn explained(failure: Failure) -> Error {
    let Failure { program, why } = failure;
    match why {
        Why::Empty => Error::config("the command is empty"),
        Why::Thread(error) => Error::internal(format!("cannot start a thread: {error}")),
        Why::NotStarted(error) => {
            Error::config(format!("cannot start `{program}`: {error}")).caused_by(&error)
        }
        Why::TooLong(limit) => {
            Error::config(format!("`{program}` took more than {} s", limit.as_secs()))
        }
        Why::TooMuch(most) => Error::config(format!("`{program}` returned more than {most} bytes")),
        Why::Status(status, said) => {
            let said = String::from_utf8_lossy(&said).trim().to_owned();
            let said = if said.is_empty() { said } else { format!(": {said}") };
            Error::config(format!("`{program}` ended with {status}{said}"))
        }
    }
}

/// Returns the depth of a hook that is started with this value of the variable. An empty value counts as
/// unset, as for every variable; one that is not a number counts as too deep.
fn one_deeper(depth: Option<&OsStr>) -> Result<u32> {
    let depth = match depth.filter(|text| !text.is_empty()) {
        None => Some(0),
        Some(text) => text.to_str().and_then(|text| text.parse::<u32>().ok()),
    };
    match depth {
        Some(depth) if depth < DEEPEST => Ok(depth + 1),
        // The message says what to do, because callers may show nothing else of a hook's failure.
        _ => Err(Error::config(format!(
            "{DEEPEST} hooks are already nested ({DEPTH_VARIABLE}), which is the maximum: a hook \
             must not request a token that runs the hook again"
        ))
        .hint("remove the request for that token from the hook")),
    }
}

/// Returns the variables that contain this program's keys: no program that it starts inherits them.
pub fn private_variables() -> impl Iterator<Item = String> {
    PRIVATE_VARIABLES.into_iter().map(str::to_owned)
}

/// Returns the variables that are hidden from every command of a profile: those that contain this program's
/// keys, and those from which the profile's own secrets are read.
pub fn hidden_variables(profile: &Profile) -> Vec<String> {
    let mut hidden: Vec<String> = private_variables().collect();
    for (_, source) in profile.secret_sources() {
        match source {
            SecretSource::Env(name) | SecretSource::Gitlab(name) => hidden.push(name.clone()),
            SecretSource::GithubActions { .. } => {
                hidden.extend(GITHUB_VARIABLES.map(str::to_owned));
            }
            _ => {}
        }
    }
    hidden
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sh(script: &str, limit: Duration) -> Result<Secret> {
        run(&["sh", "-c", script], limit)
    }

    fn run(argv: &[&str], limit: Duration) -> Result<Secret> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(answer(Job {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            hidden: vec!["HOME".to_owned()],
            set: Vec::new(),
            input: Some(Secret::new("{\"event\":\"x\"}")),
            output: Stream::Collected,
            errors: Stream::Collected,
            most: MAX_HOOK_ANSWER,
            limit,
            has_own_group: true,
        }))
    }

    #[test]
    fn hook_depth_is_counted_and_nonsense_refused() {
        let next = |text: &str| one_deeper(Some(OsStr::new(text)));
        assert_eq!((one_deeper(None).unwrap(), next("").unwrap()), (1, 1));
        assert_eq!((next("0").unwrap(), next("3").unwrap()), (1, 4));
        for text in ["4", "5", "4294967295", "99999999999", "-1", "1 ", "x"] {
            let error = next(text).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Config, "{text}");
            assert!(error.advice_text().is_some());
        }
    }

    #[test]
    fn hook_receives_input_and_returns_answer() {
        let answer = sh("cat; printf %s \"${HOME-none}\"", HOOK_TIMEOUT).unwrap();
        assert_eq!(answer.expose(), "{\"event\":\"x\"}none");
        assert_eq!(sh("exec <&-; exit 0", HOOK_TIMEOUT).unwrap().expose(), "", "it need not read");
    }

    #[test]
    fn failing_hook_is_a_clear_error() {
        let short = Duration::from_millis(300);
        for (script, limit, says) in [
            ("echo why >&2; exit 3", HOOK_TIMEOUT, "why"),
            ("exec sleep 1000", short, "took more"),
            ("exec >&-; exec sleep 1000", short, "took more"),
            ("exec cat /dev/zero", HOOK_TIMEOUT, "more than 1048576 bytes"),
            ("printf '\\377'", HOOK_TIMEOUT, "UTF-8"),
        ] {
            let error = sh(script, limit).unwrap_err();
            assert!(error.message().contains(says), "{script}: {error}");
        }
        for nothing in ["/nowhere/at/all", "/", "/etc/passwd"] {
            let error = run(&[nothing], short);
            assert!(error.unwrap_err().message().contains("cannot start"), "{nothing}");
        }
    }

    #[test]
    fn long_stderr_of_a_hook_is_accepted() {
        let script = "head -c 3000000 /dev/zero | tr '\\0' x >&2; printf {}";
        assert_eq!(sh(script, HOOK_TIMEOUT).unwrap().expose(), "{}");
    }
}
