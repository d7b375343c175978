//! The hook that runs before a refresh.

use std::collections::BTreeMap;

use super::answer::keep;
use super::ask::{About, ask};
use crate::error::Result;
use crate::flow::turn::Context;
use crate::grant::Grant;

/// Runs the hook before a refresh, if there is one, and applies its answer to the grant. Returns the parameters that
/// it adds to the request.
pub(in crate::flow) async fn pre_token(
    context: Context<'_>,
    grant: &mut Grant,
) -> Result<BTreeMap<String, String>> {
    let about = About::of(grant, "refresh_token", context.now());
    let mut answer = ask(context, "pre_token", about).await?;
    let params = std::mem::take(&mut answer.params);
    keep(grant, answer, context.now())?;
    Ok(params)
}
