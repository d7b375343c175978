//! Disk space that is reserved for records which are about to be written.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::files::Reserved;

/// The reservations of a store, by the name of the record. One is given back when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Reservations(Mutex<HashMap<String, Reserved>>);

impl Reservations {
    /// Keeps a reservation of this size; `reserve` makes it, unless a large enough one is kept already.
    pub(super) fn keep(
        &self,
        slug: &str,
        size: usize,
        reserve: impl FnOnce() -> Result<Reserved>,
    ) -> Result<()> {
        let reserved = match self.take(slug) {
            Some(reserved) if reserved.size() >= size => reserved,
            _ => reserve()?,
        };
        self.all().insert(slug.to_owned(), reserved);
        Ok(())
    }

    pub(super) fn take(&self, slug: &str) -> Option<Reserved> {
        self.all().remove(slug)
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Reserved>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
