//! Completing an authorization whose response arrives in another process or later.

use super::claim::Claim;
use super::expected::Expected;
use super::flows::{PendingFlows, Recognized};
use super::record::{elsewhere, name_of};
use crate::error::{Error, ErrorKind, Result};
use crate::flow::accounts::profile;
use crate::flow::first_tokens::{Completed, used_up};
use crate::flow::mix_up::refuse_mix_up;
use crate::flow::opened::{Opened, Pairs, open};
use crate::flow::pin::{moved, pin, pinned_here};
use crate::flow::push::may_want_a_push;
use crate::flow::redeem::{Terms, redeem_once};
use crate::flow::turn::{Context, Shared};
use crate::profile::Par;
use crate::protocol::authorization::{self, Validation};
use crate::protocol::response::AuthorizationResponse;

/// Completes a flow that was recognized.
pub(in crate::flow) async fn complete(
    shared: &Shared,
    flows: &PendingFlows,
    recognized: &Recognized,
    response: &AuthorizationResponse,
    expected: &Expected,
) -> Result<Completed> {
    recognized.require(expected)?;
    let Recognized { claims, state, flow, is_sealed } = recognized;
    let profile = profile(shared, recognized.profile()).await?;
    let profile = &*pinned_here(&profile, Some(&flow.pin));
    let context = Context { shared, profile };
    let parameters = response.parameters(recognized.redirect_uri())?;
    claims.check_time(context.now())?;
    flow.belongs_to(profile)?;
    let mut server = match &flow.server {
        Some(server) => server.clone(),
        None => context.server_of(Some(&flow.pin)).await?,
    };
    if name_of(&server) != claims.server {
        return Err(elsewhere("the server has changed"));
    }
    server.iss_parameter_supported |= flow.announced_iss;
    let authorization = flow.authorization(claims, state, server);
    if let Some(difference) = moved(&authorization.pin, &pin(profile, &authorization.server)?) {
        return Err(elsewhere(&difference));
    }
    let parameters = parameters.to_pairs();
    let claim = Claim { store: flows.store(), claims, is_sealed: *is_sealed };
    let validate = |parameters: &Pairs| {
        authorization::validate(parameters, state.expose(), &authorization.server)
    };
    let peer = context.with(&authorization.server);
    let Opened { validation, parameters } = open(peer, state, parameters, validate).await;
    match validation {
        Validation::NotOurs(what) => Err(Error::new(
            ErrorKind::InvalidState,
            format!("the response does not belong to this flow: {what}"),
        )),
        Validation::Failed(error) => {
            // A refusal that is proven to come from the server ends the flow; a forged one does not.
            if error.oauth_error().is_none() {
                return Err(error);
            }
            claim.take().await?;
            let was_pushed = profile.par == Par::Always || authorization.server.require_par;
            Err(used_up(may_want_a_push(error, was_pushed), true))
        }
        Validation::Code(code) => {
            if !response.has_place() {
                refuse_mix_up(shared, profile, &parameters).await?;
            }
            let terms = Terms { claim: Some(claim), identity: Some(&expected.identity) };
            redeem_once(context, &authorization, (&code, &parameters), &terms).await
        }
    }
}
