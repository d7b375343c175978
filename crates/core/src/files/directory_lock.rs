//! The lock under which one process at a time changes the files of a directory.

use std::fs::File;
use std::path::Path;

use super::locked::Locked;

/// The result of waiting for a lock.
pub(crate) enum Taken {
    /// The lock is held until this is dropped.
    Held(Locked),
    /// The file system does not support locks.
    #[cfg_attr(not(unix), allow(dead_code))]
    NoLocks,
    /// Another process holds it: the given one, if the system reports it.
    #[cfg_attr(not(unix), allow(dead_code))]
    Busy(Option<u32>),
}

#[cfg(unix)]
pub(crate) use unix::take;

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::MetadataExt;
    use std::time::{Duration, Instant};

    use rustix::fs::FlockOperation::NonBlockingLockExclusive;
    use rustix::io::Errno;

    use super::{File, Locked, Path, Taken};

    /// How long to wait for another process. A change takes milliseconds.
    const WAIT: Duration = Duration::from_secs(5);
    const POLL: Duration = Duration::from_millis(10);

    /// Waits for the lock of a directory, up to the time limit.
    pub(crate) fn take(directory: &Path) -> Taken {
        let Ok(file) = File::open(directory) else { return Taken::NoLocks };
        let deadline = Instant::now() + WAIT;
        loop {
            match rustix::fs::flock(&file, NonBlockingLockExclusive) {
                Ok(()) => return Taken::Held(Locked::new(file)),
                Err(Errno::WOULDBLOCK | Errno::INTR) if Instant::now() < deadline => {}
                Err(Errno::WOULDBLOCK | Errno::INTR) => return Taken::Busy(holder(&file)),
                Err(_) => return Taken::NoLocks,
            }
            std::thread::sleep(POLL);
        }
    }

    /// Returns the process that holds the lock, as listed by Linux.
    fn holder(file: &File) -> Option<u32> {
        let is = file.metadata().ok()?;
        let (major, minor) = (rustix::fs::major(is.dev()), rustix::fs::minor(is.dev()));
        let place = format!("{major:02x}:{minor:02x}:{}", is.ino());
        let locks = std::fs::read_to_string("/proc/locks").ok()?;
        locks.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            words.find(|word| *word == "FLOCK")?;
            let pid = words.nth(2)?.parse().ok()?;
            (words.next()? == place).then_some(pid)
        })
    }
}

/// Edits are serialized on Unix only.
#[cfg(not(unix))]
pub(crate) fn take(directory: &Path) -> Taken {
    File::open(directory).map_or(Taken::NoLocks, |file| Taken::Held(Locked::new(file)))
}
