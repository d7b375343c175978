//! The only connection that writes. Writes that wait for it share a transaction, and therefore one flush to
//! the disk.

use std::sync::mpsc::{Receiver, Sender, channel};

use oauthctl_core::{Error, Result};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::blocking::failed;

/// Maximum number of writes in one transaction.
const TOGETHER: usize = 256;

/// A write: runs in a savepoint, and returns what to do once the transaction has ended.
type Job = Box<dyn FnOnce(&Connection) -> Ended + Send>;

/// Reports the result to the caller of a write; with the error of the transaction, if that failed.
type Ended = Box<dyn FnOnce(Option<&Error>) + Send>;

/// The thread that writes. It ends when this is dropped, after all waiting writes.
pub(super) struct Writer {
    jobs: Sender<Job>,
}

impl Writer {
    pub(super) fn start(db: Connection) -> Result<Self> {
        let (jobs, waiting) = channel();
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || work(&db, &waiting))
            .map_err(|e| Error::store(format!("cannot start a thread: {e}")).caused_by(&e))?;
        Ok(Self { jobs })
    }

    /// Runs a write, and returns its result once it is durable.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |db| {
            let result = in_savepoint(db, write);
            Box::new(move |lost| {
                let result = match lost {
                    Some(error) => Err(error.clone()),
                    None => result.map_err(|e| failed(&e)),
                };
                let _ = tell.send(result);
            })
        });
        let gone = || Error::store("the store is closed");
        self.jobs.send(job).map_err(|_| gone())?;
        told.await.map_err(|_| gone())?
    }
}

fn in_savepoint<T>(
    db: &Connection,
    write: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    db.execute_batch("SAVEPOINT job")?;
    let result = write(db);
    let end = if result.is_ok() { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" };
    db.execute_batch(end)?;
    result
}

fn work(db: &Connection, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let begun = db.execute_batch("BEGIN IMMEDIATE");
        let mut ended = vec![first(db)];
        while ended.len() < TOGETHER {
            let Ok(next) = waiting.try_recv() else { break };
            ended.push(next(db));
        }
        let lost = begun.and_then(|()| db.execute_batch("COMMIT")).err();
        if lost.is_some() && !db.is_autocommit() {
            let _ = db.execute_batch("ROLLBACK");
        }
        let lost = lost.map(|error| failed(&error));
        ended.into_iter().for_each(|tell| tell(lost.as_ref()));
    }
}
