//! What people are told about redirect URIs: which one to register, and which profiles share one.

use oauthctl_core::Error;
use oauthctl_core::profile::{self, GrantType, LoopbackHost, Profile, RedirectUri};
use oauthctl_core::text::one_line;

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
    let Some(uri) = redirect_uri.and_then(|uri| uri.parse::<RedirectUri>().ok()) else {
        warn_of_sharing(context, profile);
        return;
    };
    let is_set = profile.redirect_uris.contains(&uri);
    let at_uri = at(profile, uri.clone());
    if !warn_of_sharing(context, &at_uri) && !is_set {
        warn_of_unknown(context, profile, &uri);
    }
}

/// The profile as if this were its redirect URI.
fn at(profile: &Profile, uri: RedirectUri) -> Profile {
    let mut profile = profile.clone();
    profile.redirect_uris = vec![uri];
    profile.callback.own_path = false;
    profile
}

/// A redirect URI that no profile names: flows of another server can have been started with it too.
fn warn_of_unknown(context: &Context, profile: &Profile, uri: &RedirectUri) {
    let Some(other) = first_without_iss(context, profile, false) else { return };
    let (name, other, uri) = (one_line(&profile.name), one_line(&other), one_line(&uri.text));
    let warning = format!(
        "no profile names {uri}: if flows of `{other}` come back there too, one server could have the \
         other's code sent to it"
    );
    context.voice.warn(&Error::config(warning).hint(format!(
        "give each of them a redirect URI of its own, and name it in the profile: \
         `redirect_uri = \"…\"` under [profiles.{name}]"
    )));
}

/// Warns of another server whose responses come in at the same place. Says whether there is one.
fn warn_of_sharing(context: &Context, profile: &Profile) -> bool {
    let name = one_line(&profile.name);
    let Some(other) = first_without_iss(context, profile, true) else { return false };
    let warning = format!(
        "the profiles `{name}` and `{}` have the same redirect path, so that one server could have \
         the other's code sent to it",
        one_line(&other)
    );
    let mut hint = "give one of them a path of its own, and register it".to_owned();
    if profile.redirect_uris.iter().all(|uri| uri.host != LoopbackHost::Elsewhere) {
        hint.push_str(&format!(": `redirect_uri = \"http://127.0.0.1/{name}/callback\"`"));
    }
    context.voice.warn(&Error::config(warning).hint(hint));
    true
}

/// How many profiles of a catalog are parsed one by one. All at once are faster then.
const ONE_BY_ONE: usize = 8;

/// The name of the first profile with a server that could be mixed up with this one's, and is not known
/// to send `iss`; with `sharing`, among those whose responses come in at the same place.
fn first_without_iss(context: &Context, profile: &Profile, sharing: bool) -> Option<String> {
    let sends_none = |other: &Profile| announces_iss(context, other) != Some(true);
    if let Some(catalog) = context.catalog().ok()? {
        let mut others = match sharing {
            true => Box::new(catalog.sharing_a_callback(profile)) as Box<dyn Iterator<Item = _>>,
            false => Box::new(catalog.of_other_servers(profile)),
        };
        for name in others.by_ref().take(ONE_BY_ONE) {
            let Some(config) = catalog.narrowed(name) else { continue };
            if config.profiles.get(name).is_some_and(sends_none) {
                return Some(name.to_owned());
            }
        }
        others.next()?;
    }
    let config = context.config().ok()?;
    let mut others = match sharing {
        true => config.sharing_a_callback(profile),
        false => config.of_other_servers(profile),
    }
    .into_iter();
    others.find(|other| sends_none(other)).map(|other| other.name.clone())
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
