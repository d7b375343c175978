//! Text that is inserted into the configuration of other programs, and removed again.

mod texts;

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use oauthctl_core::files::{self, Cache, entry_name};
use oauthctl_core::store::StateDir;
use oauthctl_core::{Error, Result};

use super::files::resolved;
pub use texts::{Insertion, Place};
use texts::{Without, apart, inserted_again, without};

/// The directory in the state directory that records what was inserted.
pub const SET_UP: &str = "set-up";

/// The most that the file of a tool may have. Nobody writes so much configuration.
const LARGEST: usize = 1 << 20;

/// The texts that were inserted, as the state directory records them.
pub struct Insertions(Cache<Option<Insertion>>);

impl Insertions {
    /// Returns what this state directory records.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the state directory must not be used.
    pub fn of(state: &StateDir) -> Result<Self> {
        Ok(Self(Cache::new(&state.place(SET_UP)?)))
    }

    /// Inserts `text` after the range `at` of a file, and records it under `name`. `before` is the content of the file,
    /// or `None` if it does not exist. The content of the range is recorded too: it distinguishes the text from an
    /// identical one elsewhere in the file.
    ///
    /// # Errors
    ///
    /// Returns `Config` if the file has other content or cannot be written, or if something is recorded under this name
    /// already.
    pub fn insert(
        &self,
        name: &str,
        (path, before): (&Path, Option<&str>),
        at: Range<usize>,
        text: &str,
    ) -> Result<()> {
        let all = &self.0;
        let entry = entry_name("", name);
        if self.present(name).is_some() {
            return Err(Error::config("this is already set up"));
        }
        let recorded = all.find(&entry).flatten();
        let path = resolved(path);
        let content = before.unwrap_or_default();
        let (insertion, after) = Insertion::into(content, at, text)
            .ok_or_else(|| Error::internal(format!("the place is not in {}", path.display())))?;
        // It could not be read again, so the text could not be removed.
        if after.len() > LARGEST {
            return Err(failed(&path, &too_large()));
        }
        let insertion =
            Insertion { path, created: before.is_none(), name: name.to_owned(), ..insertion };
        // The record comes first: text that is not recorded could not be removed.
        all.keep(&entry, &Some(insertion.clone()));
        if all.find(&entry).flatten().as_ref() != Some(&insertion) {
            return Err(Error::config("cannot record the change in the state directory"));
        }
        exchange(&insertion.path, before, Some(&after)).inspect_err(|_| all.keep(&entry, &recorded))
    }

    /// Returns the text that is recorded under a name, if it is still in its file.
    pub fn present(&self, name: &str) -> Option<Insertion> {
        self.recorded(name).filter(|insertion| match content(&insertion.path) {
            // It cannot be known.
            Err(_) => true,
            Ok(None) => false,
            Ok(Some(content)) => self.is_in(insertion, content),
        })
    }

    /// Returns the text that is recorded under a name, even if it is no longer in its file.
    pub fn recorded(&self, name: &str) -> Option<Insertion> {
        self.0.find(&entry_name("", name)).flatten()
    }

    /// Returns all texts that are recorded, even if they are no longer in their files, sorted by name.
    pub fn all_recorded(&self) -> Vec<Insertion> {
        let all = self.0.all().into_iter().filter_map(|(_, insertion)| insertion);
        let mut all: Vec<Insertion> = all.collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Returns whether a text is in the content of its file, perhaps around texts that are recorded too.
    fn is_in(&self, insertion: &Insertion, mut content: String) -> bool {
        if !matches!(without(&content, insertion), Without::Missing) {
            return true;
        }
        for other in &beside(&self.0, insertion) {
            if let Without::Rest(rest) | Without::Joined(rest) = without(&content, other) {
                content = rest;
            }
        }
        !matches!(without(&content, insertion), Without::Missing)
    }

    /// Removes the text that is recorded under a name, and returns what it was; `None` if there is none. Other recorded
    /// texts that are inside it, or that could not stay where they are without it, are inserted again: `place` returns
    /// where the text of a name belongs in a file with this content.
    ///
    /// # Errors
    ///
    /// Returns `Config` if the file no longer contains the text, or cannot be written, and the errors of `place`.
    pub fn remove(
        &self,
        name: &str,
        place: impl Fn(&str, &str) -> Result<Place>,
    ) -> Result<Option<Insertion>> {
        let all = &self.0;
        let entry = entry_name("", name);
        let Some(insertion) = all.find(&entry).flatten() else { return Ok(None) };
        let content = read_tool_file(&insertion.path)?.unwrap_or_default();
        if matches!(without(&content, &insertion), Without::Missing | Without::Joined(_))
            && let Some((rest, again)) = apart(&content, &insertion, beside(all, &insertion))
        {
            let (rest, again) = inserted_again(rest, &insertion, again, place)?;
            let kept: Vec<_> = again.iter().map(|other| entry_name("", &other.name)).collect();
            let before: Vec<_> = kept.iter().map(|entry| all.find(entry).flatten()).collect();
            kept.iter()
                .zip(&again)
                .for_each(|(entry, other)| all.keep(entry, &Some(other.clone())));
            exchange(&insertion.path, Some(&content), Some(&rest)).inspect_err(|_| {
                kept.iter().zip(&before).for_each(|(entry, before)| all.keep(entry, before));
            })?;
        } else {
            take_out(&insertion)?;
        }
        all.keep(&entry, &None);
        self.hand_over(&insertion);
        Ok(Some(insertion))
    }

    /// Returns all texts that are recorded and still in their files, in an order in which they can be removed: a text
    /// that was split by another one comes after it.
    pub fn all_present(&self) -> Vec<Insertion> {
        let all = self.0.all().into_iter().filter_map(|(_, insertion)| insertion);
        let mut left: Vec<Insertion> = all.collect();
        left.sort_by(|a, b| (&a.path, &a.text).cmp(&(&b.path, &b.text)));
        let mut files = HashMap::new();
        let mut found = Vec::new();
        // What would join the lines around it comes last.
        let mut joins = false;
        loop {
            let before = left.len();
            left.retain(|insertion| {
                let file =
                    files.entry(insertion.path.clone()).or_insert_with(|| content(&insertion.path));
                let is_there = match file {
                    // Removing it tells the user why that is impossible.
                    Err(_) => true,
                    Ok(None) => false,
                    Ok(Some(content)) => match without(content, insertion) {
                        Without::Rest(rest) => {
                            *content = rest;
                            true
                        }
                        Without::Joined(rest) if joins => {
                            *content = rest;
                            true
                        }
                        Without::Invalid => true,
                        Without::Joined(_) | Without::Missing => false,
                    },
                };
                if is_there {
                    found.push(insertion.clone());
                }
                !is_there
            });
            match left.len() == before {
                true if joins => break,
                is_stuck => joins = is_stuck,
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found
    }

    /// Removes a text of [`all_present`](Self::all_present).
    ///
    /// # Errors
    ///
    /// See [`remove`](Self::remove).
    pub fn remove_present(&self, insertion: &Insertion) -> Result<()> {
        take_out(insertion)?;
        self.forget(insertion);
        Ok(())
    }

    /// Replaces the content of the file of a text by what is left without it, because the tool has rewritten the file;
    /// `None` stands for no file.
    ///
    /// # Errors
    ///
    /// Returns `Config` if the file no longer has this content, or cannot be written.
    pub fn remove_rewritten(
        &self,
        insertion: &Insertion,
        content: &str,
        rest: Option<&str>,
    ) -> Result<()> {
        exchange(&insertion.path, Some(content), rest)?;
        self.forget(insertion);
        Ok(())
    }

    fn forget(&self, insertion: &Insertion) {
        for (entry, _) in self.0.all().into_iter().filter(|(_, it)| it.as_ref() == Some(insertion))
        {
            self.0.keep(&entry, &None);
        }
        self.hand_over(insertion);
    }

    /// If the removed text created its file, marks another text in that file as its creator.
    fn hand_over(&self, removed: &Insertion) {
        if !removed.created {
            return;
        }
        let mut others = beside(&self.0, removed).into_iter();
        if let Some(other) = others.find(|other| self.present(&other.name).is_some()) {
            self.0.keep(&entry_name("", &other.name), &Some(Insertion { created: true, ..other }));
        }
    }
}

/// Returns the other texts that are recorded for the same file, and can be inserted again.
fn beside(all: &Cache<Option<Insertion>>, insertion: &Insertion) -> Vec<Insertion> {
    let all = all.all().into_iter().filter_map(|(_, other)| other);
    let mut others: Vec<_> = all
        .filter(|other| other.path == insertion.path && other != insertion)
        .filter(|other| !other.name.is_empty())
        .collect();
    others.sort_by(|a, b| a.name.cmp(&b.name));
    others
}

/// Removes a text from its file.
fn take_out(insertion: &Insertion) -> Result<()> {
    let content = read_tool_file(&insertion.path)?.unwrap_or_default();
    let failed = |what: &str| {
        let remove = insertion.text.trim().replace('\n', " ");
        Error::config(format!("{} {what}", insertion.path.display()))
            .hint(format!("remove this from it: {remove}"))
    };
    let rest = match without(&content, insertion) {
        Without::Rest(rest) | Without::Joined(rest) => rest,
        Without::Invalid => return Err(failed("would no longer be valid JSON")),
        Without::Missing => return Err(failed("has changed since it was set up")),
    };
    let rest = Some(rest.as_str()).filter(|rest| !rest.is_empty() || !insertion.created);
    exchange(&insertion.path, Some(&content), rest)
}

/// Returns the content of a file of another program; `None` if there is none.
///
/// # Errors
///
/// Returns `Config` if it cannot be read, is too large, or is not UTF-8.
pub fn read_tool_file(path: &Path) -> Result<Option<String>> {
    content(path).map_err(|error| {
        Error::config(format!("cannot read {}: {error}", path.display())).caused_by(&error)
    })
}

fn content(path: &Path) -> io::Result<Option<String>> {
    // A pipe without a writer would block.
    let file = match files::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut content = Vec::new();
    file.take(LARGEST as u64 + 1).read_to_end(&mut content)?;
    if content.len() > LARGEST {
        return Err(too_large());
    }
    // The message of the library for other bytes in a text.
    Ok(Some(io::read_to_string(content.as_slice())?))
}

fn too_large() -> io::Error {
    io::Error::other("it is larger than 1 MiB")
}

/// Replaces the content of a file, unless another program has changed it meanwhile; `None` stands for no file.
fn exchange(path: &Path, before: Option<&str>, after: Option<&str>) -> Result<()> {
    let mut is_changed = false;
    let mut check = || match content(path)?.as_deref() == before {
        true => Ok(()),
        false => {
            is_changed = true;
            Err(io::Error::other("it was changed"))
        }
    };
    let exchanged = match after {
        Some(after) => write(path, after, check),
        None => check().and_then(|()| fs::remove_file(path)),
    };
    exchanged.map_err(|error| match is_changed {
        true => Error::config(format!("{} was just changed by another program", path.display()))
            .hint("run the command again"),
        false => failed(path, &error),
    })
}

fn write(path: &Path, content: &str, check: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let mode = fs::metadata(path).ok().map(|metadata| metadata.permissions());
    if let Some(directory) = path.parent() {
        files::make_dirs(directory)?;
    }
    files::replace_if(path, content.as_bytes(), check)?;
    match mode {
        Some(mode) => fs::set_permissions(path, mode),
        None => Ok(()),
    }
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::config(format!("cannot change {}: {error}", path.display())).caused_by(error)
}

#[cfg(test)]
mod tests {
    use oauthctl_core::clock::SystemClock;

    use super::*;

    #[test]
    fn file_of_a_tool_over_the_limit_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let state =
            StateDir::open(directory.path().join("state"), std::sync::Arc::new(SystemClock));
        let insertions = Insertions::of(&state).unwrap();
        let path = directory.path().join("config");
        let largest = "#".repeat(1 << 20);
        fs::write(&path, &largest).unwrap();
        assert!(read_tool_file(&path).unwrap().as_ref() == Some(&largest), "it was not read");
        // It could not be removed again.
        let insertion = insertions.insert("git", (&path, Some(&largest)), 0..0, "\n");
        assert!(fs::read_to_string(&path).unwrap() == largest, "the file was changed");
        assert!(insertions.recorded("git").is_none());
        fs::write(&path, format!("{largest}\n")).unwrap();
        for refused in [insertion.unwrap_err(), read_tool_file(&path).unwrap_err()] {
            assert_eq!(refused.kind(), oauthctl_core::ErrorKind::Config);
            assert!(refused.message().ends_with("it is larger than 1 MiB"), "{refused:?}");
        }
    }

    #[test]
    fn change_by_another_program_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let state =
            StateDir::open(directory.path().join("state"), std::sync::Arc::new(SystemClock));
        let insertions = Insertions::of(&state).unwrap();
        let path = directory.path().join("config");
        let count = || fs::read_dir(directory.path()).unwrap().count();
        for (read, now) in
            [(None, Some("[new]\n")), (Some("[a]\n"), Some("[b]\n")), (Some("[a]\n"), None)]
        {
            match now {
                Some(now) => fs::write(&path, now).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let refused = insertions.insert("git", (&path, read), 0..0, "[ours]\n").unwrap_err();
            assert!(
                refused.message().ends_with("was just changed by another program"),
                "{refused:?}"
            );
            assert_eq!(content(&path).unwrap().as_deref(), now);
            assert!(exchange(&path, read, Some("[other]\n")).is_err());
            assert!(exchange(&path, read, None).is_err());
            assert_eq!(content(&path).unwrap().as_deref(), now);
        }
        // What was refused is not recorded, and leaves no file behind.
        assert!(insertions.remove("git", |_, _| unreachable!()).unwrap().is_none());
        assert_eq!(count(), 1, "the state directory");
        insertions.insert("git", (&path, None), 0..0, "[ours]\n").unwrap();
        assert!(
            insertions.remove("git", |_, _| unreachable!()).unwrap().is_some() && !path.exists()
        );
    }
}
