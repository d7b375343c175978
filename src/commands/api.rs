//! `oauthctl api`: makes one authorized request to an API.

mod body;
mod output;
mod request;
mod told;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueHint};
use oauthctl_core::http::api::{ApiClient, ApiResponse, Method, StatusCode, header};
use oauthctl_core::{Error, ErrorKind, Result};
use url::Url;

use self::output::Output;
use self::request::{Request, RequestArgs};
use crate::args::AccountOption;
use crate::authorizer::{Authorizer, Outgoing};
use crate::commands::login;
use crate::context::Context;
use crate::source::{self, Lender};
use crate::{challenge, manager, run as runner};

/// Maximum number of redirects that are followed.
const REDIRECTS: usize = 10;

#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
#[command(
    after_help = "The token is sent only to URLs below the `api_url` of the profile, or below its \
                  `resource` if it has no `api_url`. A path is relative to the first of these URLs. \
                  Redirects are followed only to URLs below these.\n\n\
                  The body of every response goes to standard output. The exit code is 8 for a \
                  status of 4xx, 9 for 5xx, and 4 if a login is required or the token lacks a \
                  scope. If the server rejects the token with 401, oauthctl refreshes the token and \
                  sends the request once more.\n\nExamples:\n  \
oauthctl api -p gitlab user\n  \
oauthctl api -p gitlab projects/7/issues -f title=Broken\n  \
oauthctl api -p gitlab DELETE https://gitlab.com/api/v4/projects/7\n  \
oauthctl api -p example PUT a.txt -d @a.txt \\\n    \
-H 'Content-Type: text/plain'"
)]
pub struct ApiArgs {
    #[command(flatten)]
    request: RequestArgs,
    /// Profile to use [env: OAUTHCTL_PROFILE]
    #[arg(short, long, value_name = "PROFILE", value_hint = ValueHint::Other)]
    profile: Option<String>,
    #[command(flatten)]
    account: AccountOption,
    /// Print the status and the headers of the response before its body
    #[arg(short, long)]
    include: bool,
    /// Write the body of a successful response to this file
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Log in if necessary, including for scopes that the request requires
    #[arg(long)]
    login: bool,
}

/// Makes the request, and prints the body of its response.
///
/// # Errors
///
/// Returns `ServerRefused` for a status of 4xx and `Unavailable` for 5xx, after the body was printed;
/// `LoginRequired` if there is no usable token or it lacks a scope.
pub fn run(args: &ApiArgs, context: &Context) -> Result<ExitCode> {
    let lender = source::lender(context, args.profile.as_deref(), args.account.account.as_deref())?;
    let request = Request::read(&args.request, &lender.urls)?;
    let output = Output::new(args.output.as_deref(), args.include)?;
    let api = Api { context, lender: &lender, output: &output };
    // An agent has no terminal and no browser: a login is for where it runs.
    let opened = lender.opened.as_ref().filter(|_| args.login);
    let outcome = api.perform(&request, opened.is_none());
    match (outcome, opened) {
        (Err(Failure::LogIn { error, scopes }), Some(opened)) => {
            if let Some(warning) = error.warning() {
                context.ui.warn(warning);
            }
            let among_others = manager::build_among_others(context, &opened.target)?;
            login::log_in(context, &opened.target, &among_others, &scopes)?;
            api.perform(&request, true).map_err(Failure::told)?;
        }
        (outcome, _) => outcome.map_err(Failure::told)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Why there is no success.
enum Failure {
    /// A login, which requests these scopes in addition, could help.
    LogIn { error: Error, scopes: Vec<String> },
    /// Anything else.
    Other(Error),
}

impl Failure {
    fn told(self) -> Error {
        match self {
            Self::LogIn { error, .. } | Self::Other(error) => error,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::LoginRequired => Self::LogIn { error, scopes: Vec::new() },
            _ => Self::Other(error),
        }
    }
}

struct Api<'a> {
    context: &'a Context,
    lender: &'a Lender<'a>,
    output: &'a Output,
}

impl Api<'_> {
    /// Makes the request. The body of a response that a login could change is printed only if this was the
    /// last attempt.
    fn perform(&self, request: &Request, is_last: bool) -> Result<(), Failure> {
        let client = ApiClient::new(self.lender.transport.clone());
        let (trace, ui) = (self.context.trace.clone(), self.context.ui);
        let authorizer = Authorizer::new(self.lender.source.clone(), client, trace, ui);
        let work = async { Ok(self.exchange(&authorizer, request, is_last).await) };
        runner::block_on(self.lender.manager(), work)?
    }

    async fn exchange(
        &self,
        authorizer: &Authorizer,
        request: &Request,
        is_last: bool,
    ) -> Result<(), Failure> {
        let (mut method, mut url) = (request.method.clone(), request.url.clone());
        let mut has_body = true;
        let mut hops = 0;
        loop {
            let mut headers = request.headers.clone();
            if !has_body {
                headers.remove(header::CONTENT_TYPE);
            }
            let mut bodies = || has_body.then(|| request.data.body()).or(Some(Ok(None)));
            let outgoing =
                Outgoing { method: &method, url: &url, headers: &headers, may_upgrade: false };
            self.context.trace.step("Calling the API with the token", "RFC 6750, section 2.1");
            let answer = authorizer.send(&outgoing, &mut bodies).await?;
            let status = answer.response.status();
            match self.redirect(&url, &answer.response) {
                Some(_) if hops == REDIRECTS => {
                    let what = format!("{} redirects to itself", told::place(&request.url));
                    return Err(Error::unavailable(what).into());
                }
                Some(next) => {
                    (url, hops) = (next, hops + 1);
                    if becomes_get(status, &method) {
                        (method, has_body) = (Method::GET, false);
                    }
                }
                None => return self.finish(&method, &url, answer, is_last).await,
            }
        }
    }

    /// Returns where a redirect leads, if it stays below `api_url`.
    fn redirect(&self, from: &Url, response: &ApiResponse) -> Option<Url> {
        if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let to = response.headers().get(header::LOCATION)?.to_str().ok()?;
        let to = from.join(to).ok()?;
        if self.lender.urls.covers(&to) {
            return Some(to);
        }
        let what =
            format!("not following a redirect to {}: it is not below `api_url`", told::place(&to));
        self.context.ui.warn(&Error::config(what));
        None
    }

    /// Prints the response, and says how it ended.
    async fn finish(
        &self,
        method: &Method,
        url: &Url,
        answer: crate::authorizer::Answer,
        is_last: bool,
    ) -> Result<(), Failure> {
        let crate::authorizer::Answer { response, not_refreshed } = answer;
        let status = response.status();
        let missing = match status {
            StatusCode::FORBIDDEN => challenge::missing_scopes(response.headers()),
            _ => None,
        };
        let failure = match (missing, not_refreshed) {
            (Some(scopes), _) => {
                let error = told::missing_scopes(method, url, &self.lender.key, &scopes);
                Some(Failure::LogIn { error, scopes })
            }
            (None, Some(error)) => Some(error.into()),
            (None, None) => told::status(method, url, status, &self.lender.key).map(Failure::Other),
        };
        if !is_last && matches!(failure, Some(Failure::LogIn { .. })) {
            return failure.map_or(Ok(()), Err);
        }
        self.output.print(response).await?;
        failure.map_or(Ok(()), Err)
    }
}

/// Returns whether a redirect turns the request into a GET without a body (RFC 9110, section 15.4).
fn becomes_get(status: StatusCode, method: &Method) -> bool {
    match status.as_u16() {
        303 => *method != Method::HEAD,
        301 | 302 => *method == Method::POST,
        _ => false,
    }
}
