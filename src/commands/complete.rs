//! `oauthctl complete`: completes an authorization that `oauthctl start` started, here or on another
//! machine.

use std::ffi::OsString;
use std::io::{BufRead, IsTerminal, Read};
use std::process::ExitCode;

use clap::{Args, ValueHint};
use oauthctl_core::flow::Completed;
use oauthctl_core::protocol::callback::to_text;
use oauthctl_core::text::shell_word;
use oauthctl_core::{
    Advice, AuthorizationResponse, Error, ErrorKind, Expected, FlowManager, Result, Secret,
    Timestamp,
};
use serde_json::{Value, json};

#[cfg(unix)]
use oauthctl_core::login::terminal::{Echo, Input, Terminal};

use crate::commands::login::parse_parameter;
use crate::commands::pending;
use crate::context::Context;
use crate::target::Target;
use crate::{manager, run as runner, ui};

/// Maximum size of a callback URL, in bytes.
const LONGEST: u64 = 64 * 1024;

#[derive(Debug, Args)]
#[command(
    after_help = "The code is redeemed if `oauthctl start` created the state, and if the state has \
neither been used nor expired. The tokens are stored in the account of the flow's user. Anything else \
fails with exit code 7 and redeems nothing.\n\nExample:\n  \
echo \"$CALLBACK_URL\" | oauthctl complete - --expect-state \"$STATE\"\n\n\
Pass the state from the user's own session to `--expect-state`. Otherwise, anyone who obtains a \
callback URL can complete the flow."
)]
pub struct CompleteArgs {
    /// Callback URL; `-` reads it from stdin, which keeps it out of the process list
    #[arg(value_name = "-|CALLBACK_URL", value_hint = ValueHint::Url, required_unless_present = "code")]
    callback: Option<OsString>,
    /// Authorization code, instead of a URL
    #[arg(long, value_name = "CODE", value_hint = ValueHint::Other, conflicts_with = "callback", requires = "state")]
    code: Option<String>,
    /// `state` parameter that was received with the code
    #[arg(long, value_name = "STATE", value_hint = ValueHint::Other, requires = "code")]
    state: Option<String>,
    /// `iss` parameter that was received with the code
    #[arg(long, value_name = "ISSUER", value_hint = ValueHint::Url, requires = "code")]
    iss: Option<String>,
    /// URL that received the code, without its query; required without `--iss` if another configured server
    /// could have issued the code
    #[arg(long, value_name = "URI", value_hint = ValueHint::Url, requires = "code")]
    redirect_uri: Option<String>,
    /// Accept only this state
    #[arg(long, value_name = "STATE", value_hint = ValueHint::Other)]
    expect_state: Option<String>,
    /// Accept only a flow of this profile
    #[arg(short, long, value_name = "PROFILE", value_hint = ValueHint::Other)]
    profile: Option<String>,
    /// Accept only this user: sub=… or email=…
    #[arg(long, value_name = "CLAIM=VALUE", value_parser = parse_claim, value_hint = ValueHint::Other)]
    require_identity: Vec<(String, String)>,
    /// Also print the access token
    #[arg(long)]
    show_token: bool,
}

/// Completes an authorization and prints the grant.
///
/// # Errors
///
/// Returns an error whose kind determines the exit code.
pub fn run(args: &CompleteArgs, context: &Context) -> Result<ExitCode> {
    let expected = expected(args)?;
    let response = response(args, context)?;
    let waiting = pending::to_complete(context)?;
    let flows = waiting.flows();
    let recognized = runner::block_on(None, flows.recognize(&response, &expected))
        .map_err(|error| start_again(error, None));
    let recognized = recognized.map_err(|error| perhaps_another_key(error, response.state()))?;
    let target = Target::named(context, Some(recognized.profile()), recognized.user())?;
    let ports = waiting.add_to(manager::ports(context, &target)?);
    let has_place = args.code.is_none() || args.iss.is_some() || args.redirect_uri.is_some();
    let manager = match has_place {
        true => FlowManager::new([target.profile.clone()], ports),
        false => manager::with_others(context, ports)?,
    };
    let completing = manager.complete_recognized(&recognized, &response, &expected);
    let completed = runner::block_on(Some(&manager), completing)
        .map_err(|error| start_again(error, Some(recognized.profile())))?;
    context.ui.tell_beside(&completed.warnings, &completed.notes);
    ui::print_json(&to_json(&completed, args.show_token))?;
    Ok(ExitCode::SUCCESS)
}

fn to_json(completed: &Completed, show_token: bool) -> Value {
    let grant = &completed.grant;
    let mut object = json!({
        "grant_id": grant.id,
        "profile": grant.key.profile,
        "account": grant.key.account,
        "user": grant.user,
        "attributes": grant.attributes_at(Timestamp::now()),
        "identity": grant.identity,
        "scopes": grant.scopes,
        "expires_at": grant.expires_at.map(|t| t.to_string()),
    });
    if show_token {
        object["access_token"] = json!(completed.token.value.expose());
    }
    object
}

/// Parses `sub=VALUE` or `email=VALUE`.
fn parse_claim(text: &str) -> std::result::Result<(String, String), String> {
    parse_parameter(text).map_err(|_| "expected sub=… or email=…".to_owned())
}

fn expected(args: &CompleteArgs) -> Result<Expected> {
    let mut expected = Expected::default();
    expected.state = args.expect_state.clone().map(Into::into);
    expected.profile.clone_from(&args.profile);
    for (claim, value) in &args.require_identity {
        let place = match claim.as_str() {
            "sub" => &mut expected.identity.sub,
            "email" => &mut expected.identity.email,
            _ => return Err(Error::usage("`--require-identity` accepts only sub=… or email=…")),
        };
        if value.is_empty() || place.replace(value.clone()).is_some() {
            return Err(Error::usage(format!(
                "`--require-identity {claim}=…` requires exactly one \
                                             value"
            )));
        }
    }
    Ok(expected)
}

/// Reads the response: a URL, or its separate parameters.
fn response(args: &CompleteArgs, context: &Context) -> Result<AuthorizationResponse> {
    if let (Some(code), Some(state)) = (&args.code, &args.state) {
        let iss = args.iss.as_ref().map(|iss| ("iss", iss));
        let parameters = [("code", code), ("state", state)].into_iter().chain(iss);
        let response = AuthorizationResponse::from_parameters(parameters)?;
        return match &args.redirect_uri {
            Some(uri) => response.received_at(uri),
            None => Ok(response),
        };
    }
    match &args.callback {
        Some(dash) if dash == "-" => AuthorizationResponse::from_url(read_stdin(context)?.expose()),
        Some(url) => AuthorizationResponse::from_url(&to_text(url.as_encoded_bytes())),
        None => Err(Error::usage("a callback URL is required")
            .hint("pass the URL as an argument, or `-` to read it from stdin")),
    }
}

fn read_stdin(context: &Context) -> Result<Secret> {
    let stdin = std::io::stdin();
    let at_terminal = stdin.is_terminal();
    if at_terminal && context.globals.no_input {
        return Err(Error::login_required(
            "entering the callback URL requires user interaction, but `--no-input` is set",
        )
        .hint("pipe it: `… | oauthctl complete -`"));
    }
    let prompt = || context.ui.insist("Paste the URL from the browser's address bar:");
    #[cfg(unix)]
    if let Some(terminal) = Terminal::on_stdin(Echo::Shown) {
        prompt();
        let limit = usize::try_from(LONGEST).unwrap_or(usize::MAX);
        return match terminal.lines(limit).read_filled() {
            Input::Line(line) => Ok(Secret::new(to_text(&line).trim())),
            Input::TooLong => Err(too_long()),
            Input::End => Ok(Secret::default()),
        };
    }
    if at_terminal {
        prompt();
    }
    read(stdin.lock(), at_terminal)
}

fn too_long() -> Error {
    Error::validation("the callback URL is longer than 64 KiB")
}

/// Reads to the end, or with `one_line` the first line that is not blank.
fn read(from: impl BufRead, one_line: bool) -> Result<Secret> {
    let mut from = from.take(LONGEST + 1);
    let mut bytes = zeroize::Zeroizing::new(Vec::new());
    loop {
        let read = match one_line {
            true => from.read_until(b'\n', &mut bytes),
            false => from.read_to_end(&mut bytes),
        };
        let read = read.map_err(|e| Error::usage(format!("cannot read stdin: {e}")))?;
        if read == 0 || !bytes.trim_ascii().is_empty() {
            break;
        }
    }
    if bytes.len() as u64 > LONGEST {
        return Err(too_long());
    }
    // Some shells prepend a byte order mark to what they pipe.
    Ok(Secret::new(to_text(&bytes).trim_start_matches('\u{feff}').trim()))
}

/// Extends the hint for a state that looks sealed (a JWE has five parts): another machine may have made it,
/// with a key that is unknown here.
fn perhaps_another_key(error: Error, state: &str) -> Error {
    let is_sealed = error.kind() == ErrorKind::InvalidState && state.split('.').count() == 5;
    match is_sealed && !error.advice().is_empty() {
        true => error.and_hint(format!(
            "if the flow was started on another machine, set the same {} on both machines",
            pending::VARIABLE
        )),
        false => error,
    }
}

/// Rewrites a hint: a flow that `start` began is started again by `start`, not by `login`.
fn start_again(error: Error, profile: Option<&str>) -> Error {
    let mut advice = error.advice().to_vec();
    let Some(at) = advice.iter().position(Advice::is_start) else { return error };
    let again = match profile {
        Some(name) => format!("start again with `oauthctl start {}`", shell_word(name)),
        None => "start again with `oauthctl start`".to_owned(),
    };
    advice[at] = match advice[at] {
        Advice::StartAgain => again.into(),
        Advice::StateUsed => format!("the state has been used: {again}").into(),
        _ => return error.hint("nothing was stored").and_hint(again),
    };
    error.hints(advice)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn terminal_is_read_to_a_line_and_pipe_to_its_end() {
        let text = "\n \r\none\ntwo";
        assert_eq!(read(text.as_bytes(), true).unwrap().expose(), "one");
        assert_eq!(read(text.as_bytes(), false).unwrap().expose(), "one\ntwo");
        for one_line in [true, false] {
            assert_eq!(read("\n\n".as_bytes(), one_line).unwrap().expose(), "");
            assert!(read("x".repeat(70_000).as_bytes(), one_line).is_err());
            assert!(read("\n".repeat(70_000).as_bytes(), one_line).is_err());
        }
    }
}
