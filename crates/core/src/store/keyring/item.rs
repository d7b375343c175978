//! The names of the items of a keyring.

use crate::grant::GrantKey;
use crate::store::record;
use crate::text;

/// An item of the keyring: its `username`, and its label, which the user sees.
pub(super) struct Item<'a> {
    pub(super) user: String,
    pub(super) label: String,
    pub(super) key: Option<&'a GrantKey>,
}

impl<'a> Item<'a> {
    pub(super) fn of(key: &'a GrantKey) -> Self {
        Self { user: key.slug(), label: format!("oauthctl: {key}"), key: Some(key) }
    }

    pub(super) fn named(name: &str) -> Self {
        let label = format!("oauthctl: secret `{}`", text::one_line(name));
        Self { user: record::item_slug(name), label, key: None }
    }

    /// Returns an item that is written and deleted at once, to check that writing works.
    pub(super) fn probe(&self) -> Item<'static> {
        Item { user: format!("{}.probe", self.user), label: self.label.clone(), key: None }
    }

    pub(super) fn aside(&self, number: u32) -> Item<'static> {
        Item {
            user: format!("{}.damaged-{number}", self.user),
            label: format!("{} (damaged)", self.label),
            key: None,
        }
    }
}
