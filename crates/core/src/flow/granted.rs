//! Detects that a server granted less than was requested. Servers may return scopes under other names, or omit
//! them: a scope is not missing if the response shows in another way that it was granted.

use crate::advice::Advice;
use crate::error::{Error, ErrorKind};
use crate::grant::{GrantInfo, GrantKey};
use crate::profile::{Profile, scopes};

/// Scopes for a refresh token: the token itself shows whether they were granted.
const REFRESH: [&str; 4] = ["offline_access", "offline.access", "offline", "refresh_token"];

/// Scopes and their names in the response, as at Google.
const ALIASES: [(&str, &str); 2] = [
    ("email", "https://www.googleapis.com/auth/userinfo.email"),
    ("profile", "https://www.googleapis.com/auth/userinfo.profile"),
];

/// The resource of Microsoft scopes that name none.
const UNNAMED_RESOURCE: &str = "https://graph.microsoft.com/";

/// What a token response granted.
#[derive(Clone, Copy)]
pub(super) struct Granted<'a> {
    /// The scopes, as the server names them.
    pub(super) scopes: &'a [String],
    pub(super) refresh_token: bool,
    pub(super) id_token: bool,
}

/// Warns about scopes that were requested but not granted.
pub(super) fn narrower(profile: &Profile, asked: &[String], granted: Granted<'_>) -> Option<Error> {
    let asked = asked.iter().map(String::as_str);
    let missing: Vec<&str> = asked.filter(|scope| !granted.has(profile, scope)).collect();
    (!missing.is_empty()).then(|| {
        Error::new(
            ErrorKind::ServerRefused,
            format!(
                "the server granted fewer scopes than requested; missing: \
                     {}",
                missing.join(" ")
            ),
        )
    })
}

/// Returns the scopes with which a login is repeated in order to get more: those of the grant, and `more`. A scope that
/// the profile requested and the server granted without returning it is requested again, such as
/// `offline_access`. Without a grant, the scopes of the profile take its place.
pub fn extended_scopes(
    profile: &Profile,
    grant: Option<&GrantInfo>,
    more: &[String],
) -> Vec<String> {
    let mut all = match grant {
        None => profile.scopes.clone(),
        Some(grant) => {
            let granted = Granted::of(grant);
            let is_listed = |scope: &str| granted.scopes.iter().any(|one| is_same(scope, one));
            let silent = profile.scopes.iter();
            let silent = silent.filter(|scope| !is_listed(scope) && granted.has(profile, scope));
            silent.chain(granted.scopes).cloned().collect()
        }
    };
    for scope in scopes::split(more, &profile.scope_separator) {
        if !all.contains(&scope) {
            all.push(scope);
        }
    }
    all
}

/// Returns the advice to log in to this account again. It names the scopes that were granted and that a login with
/// this profile does not request. If it requests none, the server chose them, and will do so again.
pub fn login_again(profile: &Profile, key: &GrantKey, granted: &[String]) -> Advice {
    let is_chosen = |scope: &String| profile.chosen_scopes.contains(scope);
    let requested: Vec<&String> = profile.scopes.iter().filter(|scope| !is_chosen(scope)).collect();
    let of_server = profile.chosen_scopes.is_empty()
        && requested.iter().all(|scope| REFRESH.contains(&scope.as_str()));
    let is_requested = |scope: &String| {
        of_server
            || REFRESH.contains(&scope.as_str())
            || requested.iter().any(|one| is_same(one, scope))
    };
    let scopes: Vec<String> =
        granted.iter().filter(|scope| !is_requested(scope)).cloned().collect();
    match scopes.is_empty() {
        true => Advice::LogIn(key.clone()),
        false => Advice::LogInAgain { key: key.clone(), scopes },
    }
}

/// Returns the scopes of the last login to an account that the new one lacks.
pub fn lost_scopes(profile: &Profile, before: &[String], grant: &GrantInfo) -> Vec<String> {
    let granted = Granted::of(grant);
    before.iter().filter(|scope| !granted.has(profile, scope)).cloned().collect()
}

impl<'a> Granted<'a> {
    fn of(grant: &'a GrantInfo) -> Self {
        Self {
            scopes: &grant.scopes,
            refresh_token: grant.has_refresh_token,
            id_token: grant.id_token_claims.is_some(),
        }
    }

    fn has(&self, profile: &Profile, scope: &str) -> bool {
        self.scopes.iter().any(|one| is_same(scope, one))
            || scope == "openid" && self.id_token
            || REFRESH.contains(&scope) && self.refresh_token
            || profile.quirks.scopes_not_returned.iter().any(|silent| silent == scope)
    }
}

fn is_same(asked: &str, granted: &str) -> bool {
    let bare = |scope: &'_ str| scope.strip_prefix(UNNAMED_RESOURCE).unwrap_or(scope).to_owned();
    let all_of_resource = asked.strip_suffix(".default").filter(|resource| resource.ends_with('/'));
    asked == granted
        || ALIASES.contains(&(asked, granted))
        || ALIASES.contains(&(granted, asked))
        || bare(asked) == bare(granted)
        || all_of_resource.is_some_and(|resource| granted.starts_with(resource))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(provider: &str) -> Profile {
        let text = format!(
            "[profiles.p]\nprovider = \"{provider}\"\nclient_id = \"c\"\nclient_secret = {{ env = \"S\" }}\n"
        );
        let config: crate::profile::Config = text.parse().unwrap();
        config.profile("p").unwrap().clone()
    }

    /// Provider, asked, granted, whether a refresh token and an id_token came, and what is missing.
    type Row = (&'static str, &'static str, &'static str, bool, bool, &'static str);

    const ROWS: &[Row] = &[
        ("microsoft", "openid profile email offline_access", "", true, true, ""),
        ("microsoft", "offline_access User.Read", "User.Read", true, false, ""),
        ("microsoft", "offline_access User.Read", "User.Read", false, false, "offline_access"),
        ("microsoft", "User.Read", "https://graph.microsoft.com/User.Read", false, false, ""),
        ("microsoft", "https://graph.microsoft.com/Mail.Read", "Mail.Read", false, false, ""),
        ("microsoft", "User.Read Mail.Send", "User.Read", false, false, "Mail.Send"),
        (
            "microsoft",
            "https://outlook.office.com/SMTP.Send",
            "https://graph.microsoft.com/SMTP.Send",
            false,
            false,
            "https://outlook.office.com/SMTP.Send",
        ),
        ("microsoft", "https://x.example/.default", "https://x.example/read", false, false, ""),
        (
            "microsoft",
            "https://x.example/.default",
            "https://y.example/a",
            false,
            false,
            "https://x.example/.default",
        ),
        (
            "google",
            "openid email profile",
            "openid https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/userinfo.profile",
            false,
            true,
            "",
        ),
        ("google", "https://www.googleapis.com/auth/userinfo.email", "email", false, false, ""),
        ("google", "openid email profile", "openid email", false, true, "profile"),
        ("salesforce", "api offline_access", "refresh_token api", true, false, ""),
        ("x", "tweet.read offline.access", "tweet.read", true, false, ""),
        ("gitlab", "openid email", "openid", false, true, "email"),
        ("gitlab", "read_api API", "read_api api", false, false, "API"),
    ];

    #[test]
    fn narrower_scopes_are_missing_but_renamed_are_not() {
        for (provider, asked, granted, refresh_token, id_token, missing) in ROWS {
            let owned = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let (asked, scopes) = (owned(asked), owned(granted));
            let granted =
                Granted { scopes: &scopes, refresh_token: *refresh_token, id_token: *id_token };
            let warning = narrower(&profile(provider), &asked, granted);
            let said = warning.as_ref().map_or("", |warning| warning.message());
            let expected = if missing.is_empty() {
                String::new()
            } else {
                format!("the server granted fewer scopes than requested; missing: {missing}")
            };
            assert_eq!(said, expected, "{provider}: {asked:?}");
        }
    }
}
