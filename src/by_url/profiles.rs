//! The profile of a login by URL, for a process that outlives the login.

use std::sync::{Arc, Mutex, PoisonError};

use oauthctl_core::Result;
use oauthctl_core::flow;
use oauthctl_core::port::BoxFuture;
use oauthctl_core::profile::Profile;

use super::logins::{UrlLogins, Version};

/// The profile of one login by URL, read again when the user has logged in again: the client may be another one then.
pub struct Profiles {
    logins: UrlLogins,
    latest: Mutex<(Option<Version>, Arc<Profile>)>,
}

impl Profiles {
    /// Returns the profile as it was read.
    pub fn new(logins: UrlLogins, profile: Profile) -> Self {
        Self { logins, latest: Mutex::new((None, Arc::new(profile))) }
    }

    /// Returns the profile as it is now. After a logout, it is the last one, which has no account any more.
    fn now(&self) -> Result<Arc<Profile>> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, profile) = &mut *latest;
        let version = self.logins.version(&profile.name);
        if version.is_some()
            && version != *known
            && let Some(login) = self.logins.find(&profile.name)?
        {
            *profile = Arc::new(login.profile()?);
            *known = version;
        }
        Ok(Arc::clone(profile))
    }
}

impl flow::Profiles for Profiles {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Arc<Profile>>>> {
        let profile = self.now().map(|profile| (profile.name == name).then_some(profile));
        Box::pin(std::future::ready(profile))
    }

    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Vec<Arc<Profile>>>> {
        Box::pin(std::future::ready(self.now().map(|profile| vec![profile])))
    }
}
