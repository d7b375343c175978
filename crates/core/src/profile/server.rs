//! What distinguishes the server of a profile from other servers.

use url::Url;

use super::{Endpoints, Profile, work};

/// What distinguishes a server from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Server<'p> {
    pub(super) issuer: Option<&'p str>,
    /// The authorization and the token endpoint.
    pub(super) endpoints: [Option<&'p str>; 2],
}

impl<'p> Server<'p> {
    pub(super) fn of(profile: &'p Profile) -> Self {
        let Endpoints { authorization, token, .. } = &profile.endpoints;
        let endpoints = [authorization, token].map(Option::as_deref);
        Self { issuer: profile.issuer.as_deref(), endpoints }
    }

    pub(super) fn is_other(&self, other: &Self) -> bool {
        work::count(1);
        match (self.issuer, other.issuer) {
            (Some(own), Some(other)) => own != other,
            (None, None) => {
                let own = self.exact_endpoints();
                own != other.exact_endpoints() || own.contains(&None)
            }
            // One host can have the servers of many tenants, distinguished by their paths.
            (issuer, _) => {
                let (named, bare) = if issuer.is_some() { (self, other) } else { (other, self) };
                let origins = named.origins();
                origins != bare.origins()
                    || origins.contains(&None)
                    || !bare.common_path().is_some_and(|path| {
                        named.issuer_path().is_some_and(|issuer| is_below(&path, &issuer))
                    })
            }
        }
    }

    /// Returns the origins of its endpoints, or those that its issuer suggests.
    pub(super) fn origins(&self) -> [Option<String>; 2] {
        work::count(1);
        self.endpoints.map(|endpoint| {
            let url = Url::parse(endpoint.or(self.issuer)?).ok()?;
            Some(url.origin().ascii_serialization())
        })
    }

    /// Returns the endpoints without their queries: one host can have the servers of many tenants.
    pub(super) fn exact_endpoints(&self) -> [Option<String>; 2] {
        work::count(1);
        self.endpoints.map(|endpoint| {
            let mut url = Url::parse(endpoint?).ok()?;
            url.set_query(None);
            Some(url.into())
        })
    }

    /// Returns the segments of the issuer's path.
    pub(super) fn issuer_path(&self) -> Option<Vec<String>> {
        work::count(1);
        let url = Url::parse(self.issuer?).ok()?;
        Some(segments(url.path().trim_end_matches('/')))
    }

    /// Returns the segments with which the paths of both endpoints begin.
    pub(super) fn common_path(&self) -> Option<Vec<String>> {
        work::count(1);
        let [authorization, token] =
            self.endpoints.map(|endpoint| Some(segments(Url::parse(endpoint?).ok()?.path())));
        Some(common(authorization?, &token?))
    }
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

/// Returns the segments with which both paths begin.
pub(super) fn common(mut one: Vec<String>, other: &[String]) -> Vec<String> {
    let count = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    one.truncate(count);
    one
}

/// Returns whether the path is that of the issuer or below it.
pub(super) fn is_below(path: &[String], issuer: &[String]) -> bool {
    path.starts_with(issuer)
}
