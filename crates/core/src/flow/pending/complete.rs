//! Completing a started authorization with the response that came for it.

use super::record::{elsewhere, name_of};
use super::{Claim, Recognized};
use crate::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::FlowManager;
use crate::flow::pin::{moved, pin};
use crate::flow::push::may_want_a_push;
use crate::flow::redeem::{Completed, Terms, used_up};
use crate::flow::required::RequiredIdentity;
use crate::profile::Par;
use crate::protocol::authorization::{self, Judgement};
use crate::protocol::response::AuthorizationResponse;

/// What must hold of a response, beside being authentic.
///
/// Name the [`state`](Self::state) that the person's session was given, or at least the
/// [`user`](Self::user) who is signed in there: without either, whoever gets hold of another
/// person's callback URL can have it completed (RFC 6749, section 10.12).
///
/// ```
/// use oauthctl_core::Expected;
///
/// let expected = Expected::default().user("4711").email("ada@example.org");
/// assert_eq!(expected.identity.email.as_deref(), Some("ada@example.org"));
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Expected {
    /// The state of the flow.
    pub state: Option<Secret>,
    /// The profile of the flow.
    pub profile: Option<String>,
    /// The caller's own name for the person, as the flow was started with.
    pub user: Option<String>,
    /// Who must have granted, as the server reports it.
    pub identity: RequiredIdentity,
}

impl Expected {
    /// The same with the state that the person's session was given.
    #[must_use]
    pub fn state(mut self, state: impl Into<String>) -> Self {
        self.state = Some(Secret::new(state));
        self
    }

    /// The same with the profile.
    #[must_use]
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    /// The same with the user that the flow must have been started for.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// The same with the subject who must have granted.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "it is named after the claim")]
    pub fn sub(mut self, sub: impl Into<String>) -> Self {
        self.identity.sub = Some(sub.into());
        self
    }

    /// The same with the e-mail address of the person who must have granted.
    #[must_use]
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.identity.email = Some(email.into());
        self
    }
}

impl FlowManager {
    /// Completes a started authorization: finds the flow that the response belongs to, judges it,
    /// takes the flow for this call alone, redeems the code, validates what comes and stores it.
    ///
    /// # Errors
    ///
    /// [`InvalidState`](ErrorKind::InvalidState), with nothing redeemed, for every state but one
    /// that was made with these keys, has not expired and was not used, and for one that is not the
    /// expected one, or another profile's, user's, client's or server's; and for a response that
    /// could be another server's, since neither an `iss` nor
    /// [the place where it came in](AuthorizationResponse::received_at) says whose it is (RFC 9700,
    /// section 4.4). Everything else is about a flow that is real:
    ///
    /// - `Validation`: the response came in elsewhere, its `iss` is another server's, the id_token
    ///   is not what was asked for, or another person has granted than the expected one;
    /// - `AccessDenied`: the person said no, or a hook did;
    /// - `ServerRefused`, `LoginRequired`: the server refused the code;
    /// - `Unavailable`: network or server failed, before the code was sent or after, or another holds
    ///   the lock for too long;
    /// - `Store`: nothing could be kept; before the code is sent nothing is spent;
    /// - `Config`: the profile is unknown here, a secret of it cannot be read, a hook of it fails,
    ///   there is nothing to run it ([`Ports::hooks`](crate::Ports::hooks)), or the account holds a
    ///   login that was not made for the user of the flow.
    ///
    /// Whatever fails before the flow is taken leaves the state usable: a hook that denies or fails
    /// before the code is sent, the lock, the store. The flow is taken right before the code is
    /// sent; then the state is used, however it ends. So it is once the server has said no.
    ///
    /// A code is sent once. A future that is dropped after that has lost it, and the person must
    /// start again: let it run to its end.
    pub async fn complete(
        &self,
        response: &AuthorizationResponse,
        expected: &Expected,
    ) -> Result<Completed> {
        let recognized = self.pending_flows()?.recognize(response, expected).await?;
        self.complete_recognized(&recognized, response, expected).await
    }

    /// The second half of [`complete`](Self::complete), for a flow that
    /// [`PendingFlows::recognize`](super::PendingFlows::recognize) has found: for who can build the
    /// manager only once the profile is known.
    ///
    /// # Errors
    ///
    /// As [`complete`](Self::complete).
    pub async fn complete_recognized(
        &self,
        recognized: &Recognized,
        response: &AuthorizationResponse,
        expected: &Expected,
    ) -> Result<Completed> {
        let flows = self.pending_flows()?;
        recognized.require(expected)?;
        let Recognized { claims, state, flow, is_sealed } = recognized;
        let profile = self.profile(recognized.profile())?;
        let parameters = response.parameters(recognized.redirect_uri())?;
        claims.check_time(self.now())?;
        flow.belongs_to(profile)?;
        let mut server = match &flow.server {
            Some(server) => server.clone(),
            None => self.server_of(profile, Some(&flow.pin)).await?,
        };
        if name_of(&server) != claims.server {
            return Err(elsewhere("the server is another now"));
        }
        server.iss_parameter_supported |= flow.announced_iss;
        let authorization = flow.authorization(claims, state, server);
        if let Some(difference) = moved(&authorization.pin, &pin(profile, &authorization.server)?) {
            return Err(elsewhere(&difference));
        }
        let parameters = parameters.to_pairs();
        let claim = Claim { store: flows.store(), claims, is_sealed: *is_sealed };
        match authorization::judge(&parameters, state.expose(), &authorization.server) {
            Judgement::NotOurs(what) => Err(Error::new(
                ErrorKind::InvalidState,
                format!("the response does not belong to this flow: {what}"),
            )),
            Judgement::Failed(error) => {
                // A refusal in the server's name ends the flow; a forged one does not.
                if error.oauth_error().is_none() {
                    return Err(error);
                }
                claim.take().await?;
                let was_pushed = profile.par == Par::Always || authorization.server.require_par;
                Err(used_up(may_want_a_push(error, was_pushed), true))
            }
            Judgement::Code(code) => {
                if !response.has_place() {
                    self.refuse_mix_up(&authorization, &parameters)?;
                }
                let terms = Terms { claim: Some(claim), identity: Some(&expected.identity) };
                self.redeem_once(profile, &authorization, &code, &parameters, &terms).await
            }
        }
    }
}
