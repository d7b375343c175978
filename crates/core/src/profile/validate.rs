//! Checks again, before a profile is used, what the configuration parser refuses: the fields are public,
//! and a caller may have changed them.

use super::{Endpoint, Profile, api_url, endpoint, id_token, redirect_uri};
use crate::error::{Error, Result};
use crate::parameters;
use crate::text::one_line;

impl Profile {
    /// Refuses a profile that would send the user or a secret to a forbidden URL, or that sets parameters
    /// that are reserved for the protocol.
    ///
    /// # Errors
    ///
    /// Returns `Config`.
    pub(crate) fn check(&self) -> Result<()> {
        self.fault().map_or(Ok(()), |(what, why)| {
            let name = one_line(&self.name);
            Err(Error::config(format!("{} in profile `{name}` {why}", one_line(&what)))
                .hint("read the profile from a configuration, or set the field to a valid value"))
        })
    }

    fn fault(&self) -> Option<(String, String)> {
        if let Some(why) = self.issuer.as_deref().and_then(|i| endpoint::check_issuer(i).err()) {
            return Some(("the issuer".to_owned(), why));
        }
        for known in Endpoint::all() {
            let url = self.endpoints.get(known);
            if let Some(why) = url.and_then(|url| endpoint::check(url).err()) {
                return Some((format!("the {} endpoint", known.title()), why));
            }
        }
        if let Some(why) = self.api_url.iter().find_map(|url| api_url::check(url).err()) {
            return Some(("`api_url`".to_owned(), why));
        }
        for uri in &self.redirect_uris {
            if let Err(why) = redirect_uri::redirect_uri(&uri.text) {
                return Some(("the redirect URI".to_owned(), why));
            }
        }
        let alg = self.id_token_signed_response_alg.as_deref();
        if alg.is_some_and(|alg| !id_token::ALGORITHMS.contains(&alg)) {
            let why = "is not a supported algorithm".to_owned();
            return Some(("`id_token_signed_response_alg`".to_owned(), why));
        }
        let params = [&self.authorization_params, &self.token_params, &self.refresh_params];
        let names = params.into_iter().flat_map(|params| params.keys());
        let asked = (self.scope_param != "scope").then_some(&self.scope_param);
        names.chain(asked).find_map(|name| {
            let why = parameters::reserved(name)?;
            Some((format!("the parameter `{name}`"), format!("cannot be set: {why}")))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::profile::ConfigFile;

    fn profile() -> Profile {
        let text = "[profiles.p]\nclient_id = \"c\"\nissuer = \"https://as.example\"\n";
        let config = ConfigFile::of_text(Path::new("c.toml"), text).parse().unwrap();
        config.profile("p").unwrap().clone()
    }

    /// What is wrong, and how a caller could have made it so.
    type Change = (&'static str, fn(&mut Profile));

    #[test]
    fn field_that_no_file_can_set_is_refused() {
        profile().check().unwrap();
        let changes: [Change; 11] = [
            ("issuer", |p| p.issuer = Some("https://as.example/?x".to_owned())),
            ("authorization", |p| {
                p.endpoints.authorization = Some("javascript:alert(1)".to_owned())
            }),
            ("token endpoint", |p| p.endpoints.token = Some("http://as.example/t".to_owned())),
            ("userinfo", |p| p.endpoints.userinfo = Some("::::".to_owned())),
            ("`api_url`", |p| p.api_url.push("http://api.example/".to_owned())),
            ("redirect URI", |p| p.redirect_uris[0].text = "javascript:alert(1)".to_owned()),
            ("`id_token_signed_response_alg`", |p| {
                p.id_token_signed_response_alg = Some("none".to_owned());
            }),
            ("`state`", |p| p.scope_param = "state".to_owned()),
            ("`code`", |p| drop(p.token_params.insert("code".to_owned(), "x".to_owned()))),
            ("`scope`", |p| drop(p.refresh_params.insert("scope".to_owned(), "x".to_owned()))),
            ("`client_id`", |p| {
                p.authorization_params.insert("client_id".to_owned(), "x".to_owned());
            }),
        ];
        for (what, change) in changes {
            let mut profile = profile();
            change(&mut profile);
            let error = profile.check().expect_err(what);
            assert!(error.message().contains(what), "{what}: {error}");
        }
    }
}
