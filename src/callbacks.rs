//! Messages about redirect URIs: which one to register, and which profiles share one.

use std::time::Duration;

use oauthctl_core::profile::{self, GrantType, LoopbackHost, Profile, RedirectUri};
use oauthctl_core::text::one_line;
use oauthctl_core::{Error, time};

use crate::context::Context;
use crate::{manager, run as runner};

/// Prints the redirect URI of a login at a server that is not known to send `iss`, or warns that another
/// server could have the response sent to itself.
pub fn tell(context: &Context, profile: &Profile) {
    if profile.callback.own_path {
        for uri in profile.login_redirect_uris(false) {
            context.ui.say(format!(
                "Using the redirect URI {}: /callback belongs to an earlier profile of a different \
                 server.",
                uri.text
            ));
        }
        return;
    }
    warn_of_sharing(context, profile);
}

/// Does the same for a started flow, at this redirect URI or at the profile's first one.
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

/// Returns the profile with this redirect URI as its only one.
fn at(profile: &Profile, uri: RedirectUri) -> Profile {
    let mut profile = profile.clone();
    profile.redirect_uris = vec![uri];
    profile.callback.own_path = false;
    profile
}

/// Warns about a redirect URI that no profile sets: flows of another server may use it too.
fn warn_of_unknown(context: &Context, profile: &Profile, uri: &RedirectUri) {
    let Some(other) = first_without_iss(context, profile, false) else { return };
    let (name, other, uri) = (one_line(&profile.name), one_line(&other), one_line(&uri.text));
    let warning = format!(
        "no profile sets the redirect URI {uri}: if flows of `{other}` use it too, one server \
         could receive a code that the other issued"
    );
    context.ui.warn(&Error::config(warning).hint(format!(
        "use a separate redirect URI for each of them, and set it in the profile: `redirect_uri = \
         \"…\"` under [profiles.{name}]"
    )));
}

/// Warns about another server that uses the same redirect path. Returns whether there is one.
fn warn_of_sharing(context: &Context, profile: &Profile) -> bool {
    let name = one_line(&profile.name);
    let Some(other) = first_without_iss(context, profile, true) else { return false };
    let warning = format!(
        "the profiles `{name}` and `{}` share a redirect path: one server could receive a code \
         that the other issued",
        one_line(&other)
    );
    let mut hint = "set a separate redirect URI in one of them, and register it".to_owned();
    if profile.redirect_uris.iter().all(|uri| uri.host != LoopbackHost::Elsewhere) {
        hint.push_str(&format!(": `redirect_uri = \"http://127.0.0.1/{name}/callback\"`"));
    }
    context.ui.warn(&Error::config(warning).hint(hint));
    true
}

/// Number of profiles of a catalog to parse one by one; beyond it, parsing all at once is faster.
const ONE_BY_ONE: usize = 8;

/// Returns the name of the first profile whose server could be mixed up with this one's and is not known to
/// send `iss`. With `sharing`, considers only profiles with the same redirect path.
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

/// How long `profile add` waits for the metadata of a server.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a user registers for a profile.
#[derive(Default)]
pub struct ToRegister {
    /// The redirect URIs that a login uses, as far as that is known; none for a grant that has none.
    pub uris: Vec<String>,
    /// Which other URI to register as well, if metadata that has not been fetched decides between them.
    pub note: Option<String>,
}

impl ToRegister {
    /// Says what to register. A note names all URIs.
    pub fn say(&self, context: &Context) {
        match (&self.note, self.uris.as_slice()) {
            (Some(note), _) => context.ui.say(note),
            (None, []) => {}
            (None, [uri]) => {
                context.ui.say(format!("Redirect URI to register at the service: {uri}"));
            }
            (None, uris) => context
                .ui
                .say(format!("Redirect URIs to register at the service: {}", uris.join(", "))),
        }
    }
}

/// Returns what to register for a new profile. If it depends on what its server announces, the server is asked; only
/// if it does not say is there a note, as in [`to_register`].
pub fn to_register_now(context: &Context, profile: &Profile) -> ToRegister {
    if !depends_on_metadata(context, profile) {
        return to_register(context, profile);
    }
    let asked = manager::of_server(context, profile).and_then(|manager| {
        let server = async {
            match tokio::time::timeout(PATIENCE, manager.server(&profile.name)).await {
                Ok(server) => server.map(|_| ()),
                Err(_) => Err(Error::unavailable(format!(
                    "the server did not respond within {}",
                    time::describe(PATIENCE)
                ))),
            }
        };
        runner::block_on(None, server)
    });
    if let (Err(error), true) = (asked, depends_on_metadata(context, profile)) {
        context.ui.warn(&error.context("cannot determine the redirect URI"));
    }
    to_register(context, profile)
}

/// Returns what to register for a profile, without a request.
pub fn to_register(context: &Context, profile: &Profile) -> ToRegister {
    if profile.grant != GrantType::AuthorizationCode {
        return ToRegister::default();
    }
    let announces_iss = announces_iss(context, profile) == Some(true);
    let uris = profile.login_redirect_uris(announces_iss);
    let uris: Vec<String> = uris.into_iter().map(|uri| uri.text).collect();
    let note = depends_on_metadata(context, profile).then(|| {
        let shared = profile.login_redirect_uris(true);
        let shared = shared.first().map_or("", |uri| uri.text.as_str());
        let (own, issuer) = (uris.join(", "), profile.issuer.as_deref().unwrap_or_default());
        format!(
            "Register two redirect URIs at the service:\n  {own}\n  {shared}\nThe metadata of {} \
             determines which of them a login uses, and has not been fetched yet.",
            one_line(issuer)
        )
    });
    ToRegister { uris, note }
}

/// Returns whether the redirect URI depends on metadata that is not known yet.
fn depends_on_metadata(context: &Context, profile: &Profile) -> bool {
    profile.callback.own_path && announces_iss(context, profile).is_none()
}

/// Returns whether the server of a profile announces `iss`, or `None` if that is unknown without a request.
fn announces_iss(context: &Context, profile: &Profile) -> Option<bool> {
    let cache = context.state_path().ok()?.join("discovery");
    profile::announces_iss(profile, &cache)
}
