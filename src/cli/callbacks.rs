//! What people are told about redirect URIs: which one to register, and which profiles share one.

use oauthctl::Error;
use oauthctl::profile::{self, GrantType, LoopbackHost, Profile};
use oauthctl::text::one_line;

use super::context::Context;

/// Told at a login to a server that is not known to send `iss`: where its response comes in, or which
/// other server could have it sent to itself.
pub fn tell(context: &Context, profile: &Profile) {
    if profile.callback.own_path {
        for uri in profile.login_redirect_uris(false) {
            context.voice.say(format!(
                "The redirect URI is {}: an earlier profile, of another server, has /callback.",
                uri.text
            ));
        }
        return;
    }
    warn_of_sharing(context, profile);
}

/// The same for a flow that was started, at this redirect URI or at the profile's first.
pub fn tell_started(context: &Context, profile: &Profile, redirect_uri: Option<&str>) {
    if announces_iss(context, profile) == Some(true) {
        return;
    }
    let mut profile = profile.clone();
    if let Some(uri) = redirect_uri.and_then(|uri| uri.parse().ok()) {
        profile.redirect_uris = vec![uri];
        profile.callback.own_path = false;
    }
    warn_of_sharing(context, &profile);
}

fn warn_of_sharing(context: &Context, profile: &Profile) {
    let name = one_line(&profile.name);
    let Ok(config) = context.config() else { return };
    let mut others = config.sharing_a_callback(profile).into_iter();
    let Some(other) = others.find(|other| announces_iss(context, other) != Some(true)) else {
        return;
    };
    let warning = format!(
        "the profiles `{name}` and `{}` have the same redirect path, so that one server could have \
         the other's code sent to it",
        one_line(&other.name)
    );
    let mut hint = "give one of them a path of its own, and register it".to_owned();
    if profile.redirect_uris.iter().all(|uri| uri.host != LoopbackHost::Elsewhere) {
        hint.push_str(&format!(": `redirect_uri = \"http://127.0.0.1/{name}/callback\"`"));
    }
    context.voice.warn(&Error::config(warning).hint(hint));
}

/// The redirect URIs to register for a profile, and what may be different about that; nothing for a
/// profile whose grant has none.
pub fn to_register(context: &Context, profile: &Profile) -> (Vec<String>, Option<String>) {
    if profile.grant != GrantType::AuthorizationCode {
        return (Vec::new(), None);
    }
    let announces = announces_iss(context, profile);
    let uris = profile.login_redirect_uris(announces == Some(true));
    let uncertain = profile.callback.own_path && announces.is_none();
    let note = uncertain.then(|| {
        "/callback is an earlier profile's, of another server. If this server announces `iss` in its \
         metadata, it is http://127.0.0.1/callback for this one too."
            .to_owned()
    });
    (uris.into_iter().map(|uri| uri.text).collect(), note)
}

/// Whether the server of a profile announces `iss`, as far as can be known without asking it.
fn announces_iss(context: &Context, profile: &Profile) -> Option<bool> {
    let cache = context.state_path().ok()?.join("discovery");
    profile::announces_iss(profile, &cache)
}
