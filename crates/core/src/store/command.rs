//! The store `command`: programs of the user keep the records, such as a password manager.
//!
//! A program gets the name of a record as its last argument. `set` reads the record on stdin, `get` prints it,
//! `delete` removes it. An exit code of 0 is success. A record is missing if `get` prints nothing, or exits with 1,
//! as many programs do for a name that they do not know. Everything else is a failure of the store.

use std::time::Duration;

use zeroize::Zeroizing;

use super::record::{self, LARGEST, item_slug};
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::grant::{Grant, GrantKey};
use crate::port::{BoxFuture, GrantStore, SecretItems};
use crate::process::{self, Failure, Job, Stream, Why};
use crate::profile::StoreCommand;
use crate::secret::Secret;
use crate::text::one_line;

/// The name of this store.
pub(super) const NAME: &str = "command";

/// How long a program may run: it may prompt the user for a passphrase.
const LIMIT: Duration = Duration::from_secs(60);

/// The exit code for a record that a program does not know.
const UNKNOWN: i32 = 1;

/// A store whose records are kept by the programs of `[store.command]`.
#[derive(Debug, Clone)]
pub struct CommandStore {
    commands: StoreCommand,
    limit: Duration,
}

impl CommandStore {
    /// Returns the store of these commands. Nothing is run.
    pub fn new(commands: StoreCommand) -> Self {
        Self { commands, limit: LIMIT }
    }

    async fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
        match self.run(&self.commands.get, name, None).await {
            Ok(record) => {
                let length = record.trim_ascii_end().len();
                Ok((length > 0).then(|| record[..length].to_vec().into()))
            }
            Err(Failure { why: Why::Status(status, _), .. }) if status.code() == Some(UNKNOWN) => {
                Ok(None)
            }
            Err(failure) => Err(explained("get", name, failure)),
        }
    }

    async fn write(&self, name: &str, record: &[u8]) -> Result<()> {
        let text = std::str::from_utf8(record)
            .map_err(|_| Error::internal("a record is not valid UTF-8"))?;
        let written = self.run(&self.commands.set, name, Some(Secret::new(text))).await;
        written.map(drop).map_err(|failure| explained("set", name, failure))
    }

    async fn erase(&self, name: &str) -> Result<bool> {
        if self.read(name).await?.is_none() {
            return Ok(false);
        }
        let erased = self.run(&self.commands.delete, name, None).await;
        erased.map(|_| true).map_err(|failure| explained("delete", name, failure))
    }

    async fn run(
        &self,
        command: &[String],
        name: &str,
        input: Option<Secret>,
    ) -> std::result::Result<Zeroizing<Vec<u8>>, Failure> {
        process::run(Job {
            argv: command.iter().cloned().chain([name.to_owned()]).collect(),
            hidden: Vec::new(),
            set: Vec::new(),
            input,
            output: Stream::Collected,
            errors: Stream::Collected,
            most: LARGEST + 1,
            limit: self.limit,
            // The program may prompt for a passphrase on the terminal.
            has_own_group: false,
        })
        .await
    }

    /// Writes, reads and removes a test record of this size: nothing else shows that a program can write.
    async fn probe(&self, name: &str, bytes: usize) -> Result<()> {
        let name = format!("probe-{name}");
        let record = vec![b'x'; bytes.clamp(1, LARGEST)];
        self.write(&name, &record).await?;
        let kept = self.read(&name).await?.is_some_and(|kept| *kept == record);
        self.erase(&name).await?;
        if kept {
            return Ok(());
        }
        let what =
            "the program `set` of the store `command` succeeded, but `get` printed something else";
        Err(Error::store(what).hint(hint()))
    }
}

impl GrantStore for CommandStore {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn load<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<Grant>>> {
        Box::pin(async move {
            let name = key.slug();
            let Some(record) = self.read(&name).await? else { return Ok(None) };
            let grant = record::decode(&record, key, &place(&name));
            grant.map(Some).map_err(|error| error.of_account(key, NAME))
        })
    }

    fn prepare<'a>(&'a self, key: &'a GrantKey, bytes: usize) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.probe(&key.slug(), bytes).await })
    }

    fn save<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.write(&grant.key.slug(), &record::encode(grant)?).await })
    }

    fn set_aside<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(async move {
            let (name, aside) = (key.slug(), aside(key));
            let Some(record) = self.read(&name).await? else { return Ok(None) };
            self.write(&aside, &record).await?;
            self.erase(&name).await?;
            Ok(Some(place(&aside)))
        })
    }

    fn remove<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            self.erase(&aside(key)).await?;
            self.erase(&key.slug()).await
        })
    }
}

impl SecretItems for CommandStore {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>>> {
        Box::pin(async move {
            let slug = item_slug(name);
            let Some(record) = self.read(&slug).await? else { return Ok(None) };
            record::decode_item(&record, name, &place(&slug)).map(Some)
        })
    }

    fn set<'a>(&'a self, name: &'a str, value: &'a Secret) -> BoxFuture<'a, Result<()>> {
        Box::pin(
            async move { self.write(&item_slug(name), &record::encode_item(name, value)?).await },
        )
    }

    fn unset<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { self.erase(&item_slug(name)).await })
    }
}

/// The name under which a damaged record is kept.
fn aside(key: &GrantKey) -> String {
    format!("aside-{}", key.slug())
}

fn place(name: &str) -> String {
    format!("the store `{NAME}`, `{name}`")
}

fn hint() -> Advice {
    Advice::configure(&["get", "set", "delete"], "correct the commands of `[store.command]`")
}

fn explained(operation: &str, name: &str, failure: Failure) -> Error {
    let Failure { program, why } = failure;
    let failed = |what: String| {
        Error::store(format!("the store `{NAME}` failed: `{operation}` of `{name}`: {what}"))
            .hint(hint())
    };
    match why {
        Why::Empty => failed("the command is empty".to_owned()),
        Why::Thread(error) => Error::internal(format!("cannot start a thread: {error}")),
        Why::NotStarted(error) => {
            failed(format!("cannot start `{program}`: {error}")).caused_by(&error)
        }
        Why::TooLong(limit) => failed(format!("`{program}` took more than {} s", limit.as_secs())),
        Why::TooMuch(most) => failed(format!("`{program}` printed more than {most} bytes")),
        Why::Status(status, said) => {
            let error = failed(format!("`{program}` failed ({status})"));
            match one_line(&String::from_utf8_lossy(&said)) {
                said if said.is_empty() => error,
                said => error.quoting(&said),
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn store(get: &str) -> CommandStore {
        let shell = |script: &str| ["sh", "-c", script].map(str::to_owned).to_vec();
        let commands =
            StoreCommand { get: shell(get), set: shell("cat >/dev/null"), delete: shell("") };
        CommandStore { limit: Duration::from_millis(500), ..CommandStore::new(commands) }
    }

    fn runtime() -> tokio::runtime::Runtime {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().expect("a runtime")
    }

    fn read(get: &str) -> Result<Option<String>> {
        let record = runtime().block_on(async { store(get).read("name").await })?;
        Ok(record.map(|record| String::from_utf8_lossy(&record).into_owned()))
    }

    #[test]
    fn missing_record_is_told_from_a_failure() {
        assert_eq!(read("echo text; echo").unwrap().as_deref(), Some("text"));
        for missing in ["true", "echo", "echo no such record >&2; exit 1"] {
            assert_eq!(read(missing).unwrap(), None, "{missing}");
        }
        for (failure, expected) in [
            ("echo locked >&2; exit 2", "exit status: 2"),
            ("echo text; exit 3", "exit status: 3"),
            ("kill -9 $$", "signal: 9"),
            ("exec sleep 1000", "took more than 0 s"),
            ("exec cat /dev/zero", "printed more than"),
        ] {
            let error = read(failure).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Store);
            assert!(error.message().contains(expected), "{failure}: {error}");
        }
    }

    #[test]
    fn command_that_stores_nothing_is_refused() {
        let runtime = runtime();
        let key = GrantKey::new("p", "a");
        let proved = |get| runtime.block_on(async { store(get).prepare(&key, 10).await });
        for get in ["true", "echo something else", "exit 1"] {
            assert!(proved(get).is_err(), "{get}");
        }
        assert!(proved("printf xxxxxxxxxx").is_ok());
    }
}
