//! Where the tokens of one account come from: this process, or an agent.

use std::sync::Arc;

use oauthctl_core::flow::{AccessToken, FlowManager, Prover, TokenRequest, TokenSource};
use oauthctl_core::http::{Options, Proxy};
use oauthctl_core::profile::api_url::ApiUrls;
use oauthctl_core::{Error, GrantKey, Result, Secret, Timestamp};
use url::Url;

use crate::agent::client::{Agent, LentAccount, token_request};
use crate::commands::import;
use crate::context::Context;
use crate::manager;
use crate::target::Target;

/// An account whose tokens this process hands out. Cloning is cheap.
#[derive(Clone)]
pub struct Source {
    key: GrantKey,
    tokens: Tokens,
}

#[derive(Clone)]
enum Tokens {
    /// From the manager of this process.
    Own(Arc<dyn TokenSource>),
    /// From an agent.
    OfAgent(Agent),
}

/// An account whose tokens this process sends to an API.
pub struct Lender<'c> {
    /// The profile and the account.
    pub key: GrantKey,
    /// Where the token may be sent.
    pub urls: ApiUrls,
    /// Where the token comes from.
    pub source: Source,
    /// How the API is reached.
    pub transport: Options,
    /// The account of this process; none if an agent has it.
    pub opened: Option<Opened<'c>>,
}

/// An account that was selected, with its manager.
pub struct Opened<'c> {
    /// The profile and the account.
    pub target: Target<'c>,
    /// The manager of the profile.
    pub manager: FlowManager,
}

/// Opens the selected account: of the profile that is named, or of the usual one.
///
/// # Errors
///
/// Returns an error if there is no such profile, several accounts, or no usable store.
pub fn open<'c>(
    context: &'c Context,
    profile: Option<&str>,
    account: Option<&str>,
) -> Result<Opened<'c>> {
    let target = select(context, profile, account)?;
    context.keep_snapshot(target.profile)?;
    let manager = manager::build(context, &target)?;
    Ok(Opened { target, manager })
}

/// Selects an account: of the profile that is named, or of the usual one. An empty store is filled from the environment
/// first.
///
/// # Errors
///
/// See [`open`].
pub fn select<'c>(
    context: &'c Context,
    profile: Option<&str>,
    account: Option<&str>,
) -> Result<Target<'c>> {
    let mut target = Target::existing(context, profile, account)?;
    if import::from_environment(context, &target)? {
        target.select()?;
    }
    Ok(target)
}

/// Opens the selected account, to send requests with its tokens: that of the agent, if one is named.
///
/// # Errors
///
/// See [`open`]; also returns `Config` if the profile does not say where its token may be sent.
pub fn lender<'c>(
    context: &'c Context,
    profile: Option<&str>,
    account: Option<&str>,
) -> Result<Lender<'c>> {
    let transport = Options { proxy: Proxy::from_environment(), ..Options::default() };
    if let Some(agent) = Agent::named()? {
        let (profile, account) = context.asked(profile, account)?;
        let LentAccount { key, urls } = match &agent {
            Agent::Socket(_) => agent.account(profile.as_deref(), account.as_deref())?,
            Agent::Broker(_) => at_broker(context, profile.as_deref(), account)?,
        };
        let source = Source { key: key.clone(), tokens: Tokens::OfAgent(agent) };
        return Ok(Lender { key, urls, source, transport, opened: None });
    }
    let opened = open(context, profile, account)?;
    let (profile, key) = (opened.target.profile, opened.target.key.clone());
    let urls = ApiUrls::of(profile)?;
    let tokens = Tokens::Own(Arc::new(opened.manager.clone()));
    let transport = Options {
        ca_file: profile.ca_file.clone(),
        client_certificate: manager::client_certificate_of(context, &opened.target)?,
        ..transport
    };
    let source = Source { key: key.clone(), tokens };
    Ok(Lender { key, urls, source, transport, opened: Some(opened) })
}

/// Returns the account of a broker, which does not say where its token may be sent: the profile of this name here does.
fn at_broker(
    context: &Context,
    profile: Option<&str>,
    account: Option<String>,
) -> Result<LentAccount> {
    let profile = context.profile(&context.profile_name(profile)?)?;
    let account = account
        .ok_or_else(|| Error::usage("a broker requires a user").hint("add `--account USER`"))?;
    Ok(LentAccount { key: GrantKey::new(&profile.name, account), urls: ApiUrls::of(profile)? })
}

impl Lender<'_> {
    /// Returns the manager of this process.
    pub fn manager(&self) -> Option<&FlowManager> {
        self.opened.as_ref().map(|opened| &opened.manager)
    }
}

impl Source {
    /// Returns a token.
    ///
    /// # Errors
    ///
    /// See [`FlowManager::token`].
    pub async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        match &self.tokens {
            Tokens::Own(tokens) => tokens.access_token(&self.key, request).await,
            Tokens::OfAgent(agent) => {
                let asked = token_request(&self.key, request);
                ask(agent, move |agent| agent.token(&asked)).await
            }
        }
    }

    /// Returns what signs proofs of possession for this token; none if it is not bound to a key.
    ///
    /// # Errors
    ///
    /// See [`FlowManager::prover`].
    pub async fn signer(&self, token: &AccessToken) -> Result<Option<Signer>> {
        if !token.token_type.eq_ignore_ascii_case("DPoP") {
            return Ok(None);
        }
        Ok(match &self.tokens {
            Tokens::Own(tokens) => tokens.prover(&self.key).await?.map(Signer::Own),
            Tokens::OfAgent(agent) => Some(Signer::OfAgent(agent.clone(), self.key.clone())),
        })
    }
}

/// Asks an agent, without stopping what else this process does.
async fn ask<T: Send + 'static>(
    agent: &Agent,
    question: impl FnOnce(&Agent) -> Result<T> + Send + 'static,
) -> Result<T> {
    let agent = agent.clone();
    let answer = tokio::task::spawn_blocking(move || question(&agent)).await;
    answer.unwrap_or_else(|error| Err(Error::internal(format!("cannot ask the agent: {error}"))))
}

/// Signs proofs of possession.
pub enum Signer {
    /// With a key of this process.
    Own(Prover),
    /// By an agent, with the key of this account.
    OfAgent(Agent, GrantKey),
}

impl Signer {
    /// Returns the proof for one request.
    ///
    /// # Errors
    ///
    /// See [`Prover::proof`] and [`Agent::proof`].
    pub async fn proof(
        &self,
        method: &str,
        url: &Url,
        nonce: Option<&str>,
        token: &Secret,
    ) -> Result<String> {
        match self {
            Self::Own(prover) => prover.proof(method, url, nonce, token, Timestamp::now()),
            Self::OfAgent(agent, key) => {
                let (key, method, url) = (key.clone(), method.to_owned(), url.to_string());
                let (nonce, token) = (nonce.map(str::to_owned), token.clone());
                let sign = move |agent: &Agent| {
                    agent.proof(&key, (&method, &url), nonce.as_deref(), &token)
                };
                Ok(ask(agent, sign).await?.expose().to_owned())
            }
        }
    }
}
