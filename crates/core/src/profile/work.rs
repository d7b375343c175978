//! Counts the steps of reading a configuration, in tests only: how they grow is the same on every machine.

#[cfg(test)]
use std::cell::Cell;

#[cfg(test)]
thread_local! {
    static STEPS: Cell<usize> = const { Cell::new(0) };
}

/// Adds steps. Called where work could grow faster than the file.
#[inline]
pub(super) fn count(steps: usize) {
    #[cfg(test)]
    STEPS.with(|all| all.set(all.get() + steps));
    #[cfg(not(test))]
    let _ = steps;
}

/// Returns the number of steps that this takes.
#[cfg(test)]
pub(super) fn of<T>(act: impl FnOnce() -> T) -> (T, usize) {
    let before = STEPS.with(Cell::get);
    let done = act();
    (done, STEPS.with(Cell::get) - before)
}
