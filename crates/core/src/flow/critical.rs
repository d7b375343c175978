//! Work of a manager that would be lost if the process ended before completing it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Work that should be finished before the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CriticalPart {
    /// A refresh token is being used, and its replacement is not saved yet.
    Refresh,
    /// An authorization code is being redeemed, and the tokens are not saved yet.
    Redemption,
    /// Tokens are being revoked and removed.
    Revocation,
    /// A client is being registered, and its registration is not saved yet.
    Registration,
    /// A record is being saved.
    Save,
}

/// How many of each part are in progress in one manager.
#[derive(Clone, Default)]
pub(super) struct Parts(Arc<[AtomicUsize; 5]>);

impl Parts {
    const ALL: [CriticalPart; 5] = [
        CriticalPart::Refresh,
        CriticalPart::Redemption,
        CriticalPart::Revocation,
        CriticalPart::Registration,
        CriticalPart::Save,
    ];

    /// Returns the part in progress that is costliest to lose.
    pub(super) fn current(&self) -> Option<CriticalPart> {
        Self::ALL.into_iter().find(|part| self.0[*part as usize].load(Ordering::SeqCst) > 0)
    }

    pub(super) fn enter(&self, part: CriticalPart) -> Critical {
        self.0[part as usize].fetch_add(1, Ordering::SeqCst);
        Critical(self.clone(), part)
    }
}

/// Marks a part as in progress until it is dropped.
#[must_use]
pub struct Critical(Parts, CriticalPart);

impl std::fmt::Debug for Critical {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Critical").field(&self.1).finish()
    }
}

impl Drop for Critical {
    fn drop(&mut self) {
        self.0.0[self.1 as usize].fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costliest_running_part_is_reported() {
        let parts = Parts::default();
        assert_eq!(parts.current(), None);
        let saves = [parts.enter(CriticalPart::Save), parts.enter(CriticalPart::Save)];
        let refresh = parts.clone().enter(CriticalPart::Refresh);
        assert_eq!(parts.current(), Some(CriticalPart::Refresh));
        drop(refresh);
        assert_eq!(parts.current(), Some(CriticalPart::Save));
        drop(saves);
        assert_eq!(parts.current(), None);
    }
}
