//! What the first save of a new grant removes in the same transaction, or the grant is not saved: the places that were
//! kept for it.

use std::cell::RefCell;

use crate::storage::Removal;

tokio::task_local! {
    static KEPT: RefCell<Vec<Removal>>;
}

/// Runs work whose first save of a grant requires these records, and removes them.
pub async fn scope<F: Future>(kept: Vec<Removal>, work: F) -> F::Output {
    KEPT.scope(RefCell::new(kept), work).await
}

/// Returns the records that the first save of this task requires.
pub(super) fn required() -> Vec<Removal> {
    KEPT.try_with(|kept| kept.borrow().clone()).unwrap_or_default()
}

/// Records that the first save of this task has succeeded.
pub(super) fn succeeded() {
    let _ = KEPT.try_with(RefCell::take);
}
