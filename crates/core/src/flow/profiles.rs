//! Where a manager looks up its profiles.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::Result;
use crate::port::BoxFuture;
use crate::profile::{Config, Profile};

/// Looks up profiles by name, each time a manager needs one. A change in the database or the file behind an
/// implementation takes effect with the next call.
///
/// ```
/// use std::sync::Arc;
/// use oauthctl_core::flow::{FlowManager, Ports, Profiles};
/// use oauthctl_core::port::BoxFuture;
/// use oauthctl_core::profile::Profile;
/// use oauthctl_core::Result;
///
/// /// Stands for a table `tenants`.
/// struct Tenants;
///
/// impl Profiles for Tenants {
///     fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Arc<Profile>>>> {
///         Box::pin(async move { Ok(None) }) // SELECT … WHERE name = …
///     }
///
///     fn list<'a>(&'a self) -> BoxFuture<'a, Result<Vec<Arc<Profile>>>> {
///         Box::pin(async { Ok(Vec::new()) }) // SELECT … ORDER BY name
///     }
/// }
///
/// let manager = FlowManager::with_profiles(Arc::new(Tenants), Ports::in_memory());
/// ```
pub trait Profiles: Send + Sync {
    /// Returns the profile of exactly this name, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// Returns an error of any kind if the profile cannot be read. Nothing is sent then.
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Arc<Profile>>>>;
    /// Returns all profiles, sorted by name. The manager compares them if a response does not say which server sent
    /// it, and suggests one of them if a name is unknown.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Vec<Arc<Profile>>>>;
}

/// A fixed list of profiles. If two profiles have the same name, the last one wins.
#[derive(Debug, Clone, Default)]
pub struct FixedProfiles(BTreeMap<String, Arc<Profile>>);

impl FromIterator<Profile> for FixedProfiles {
    fn from_iter<I: IntoIterator<Item = Profile>>(profiles: I) -> Self {
        let profiles = profiles.into_iter();
        Self(profiles.map(|profile| (profile.name.clone(), Arc::new(profile))).collect())
    }
}

impl Profiles for FixedProfiles {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Arc<Profile>>>> {
        Box::pin(std::future::ready(Ok(self.0.get(name).cloned())))
    }

    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Vec<Arc<Profile>>>> {
        Box::pin(std::future::ready(Ok(self.0.values().cloned().collect())))
    }
}

/// The profiles of a configuration file as it was read.
impl Profiles for Config {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Arc<Profile>>>> {
        let profile = self.profiles.get(name).map(|profile| Arc::new(profile.clone()));
        Box::pin(std::future::ready(Ok(profile)))
    }

    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Vec<Arc<Profile>>>> {
        let profiles = self.profiles.values().map(|profile| Arc::new(profile.clone()));
        Box::pin(std::future::ready(Ok(profiles.collect())))
    }
}
