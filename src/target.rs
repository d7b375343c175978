//! What a command acts on: a profile, one of its accounts, its store and the state directory. A command
//! resolves it once and passes it on.

use oauthctl_core::grant::DEFAULT_ACCOUNT;
use oauthctl_core::profile::Profile;
use oauthctl_core::store::{StateDir, Store};
use oauthctl_core::{Error, GrantKey, Result, text};

use crate::context::Context;

/// The selected profile and account, with the places where their tokens are.
pub struct Target<'c> {
    /// The profile.
    pub profile: &'c Profile,
    /// The profile's name and the account.
    pub key: GrantKey,
    /// The profile's store, open but not accessed.
    pub store: Store,
    /// The state directory.
    pub state: StateDir,
    /// Whether an account was named.
    pub is_account_named: bool,
}

impl<'c> Target<'c> {
    /// Selects an account that tokens are taken from: the one named, by the variable and the rules too, else
    /// `default`, else the only one.
    ///
    /// # Errors
    ///
    /// Returns `Config` if there are several, or the profile is unknown, and an error if the state directory
    /// or the store cannot be opened.
    pub fn existing(
        context: &'c Context,
        profile: Option<&str>,
        account: Option<&str>,
    ) -> Result<Self> {
        let mut target = Self::selected(context, profile, account)?;
        target.select()?;
        Ok(target)
    }

    /// Selects the account to log in to: the one named, by the variable and the rules too, else `default`.
    ///
    /// # Errors
    ///
    /// See [`named`](Self::named).
    pub fn selected(
        context: &'c Context,
        profile: Option<&str>,
        account: Option<&str>,
    ) -> Result<Self> {
        let name = context.profile_name(profile)?;
        let account = context.account_name(account, &name)?;
        Self::named(context, Some(&name), account.as_deref())
    }

    /// Selects exactly this account, which may not exist yet, else `default`.
    ///
    /// # Errors
    ///
    /// Returns `Config` if the profile is unknown, and an error if the state directory or the store cannot
    /// be opened.
    pub fn named(
        context: &'c Context,
        profile: Option<&str>,
        account: Option<&str>,
    ) -> Result<Self> {
        let name = context.profile_name(profile)?;
        let profile = context.profile(&name)?;
        let key = GrantKey::new(&profile.name, account.unwrap_or(DEFAULT_ACCOUNT));
        let (store, state) = (context.store_of(profile)?, context.state()?);
        Ok(Self { profile, key, store, state, is_account_named: account.is_some() })
    }

    /// Selects `default` if it exists, else the only account, unless one was named.
    ///
    /// # Errors
    ///
    /// Returns `Config` if there are several.
    pub fn select(&mut self) -> Result<()> {
        if self.is_account_named {
            return Ok(());
        }
        let profile = &self.profile.name;
        let default = GrantKey::new(profile, DEFAULT_ACCOUNT);
        let some = match self.state.account(&default)? {
            Some(_) => Vec::new(),
            None => self.state.some_accounts(profile, 2)?,
        };
        self.key = match some.as_slice() {
            [] => default,
            [only] => only.key.clone(),
            _ => {
                let all = self.state.some_accounts(profile, usize::MAX)?;
                let names = text::names(all.iter().map(|entry| entry.key.account.as_str()));
                let hint = format!("select one with `--account` or OAUTHCTL_ACCOUNT: {names}");
                return Err(several_accounts(profile).hint(hint));
            }
        };
        Ok(())
    }
}

/// Returns the error for an account that must be named.
pub fn several_accounts(profile: &str) -> Error {
    Error::config(format!(
        "profile `{}` has several accounts, but none is named `{DEFAULT_ACCOUNT}`",
        text::one_line(profile)
    ))
}
