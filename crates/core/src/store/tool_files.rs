//! Text that is inserted into the configuration of other programs, and removed again.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::StateDir;
use crate::error::{Error, Result};
use crate::files::cache::{Cache, entry_name};
use crate::files::output::{self, Leftovers};

/// A text in another program's file. The rest of the file may be secret and is not recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Insertion {
    /// The file.
    pub path: PathBuf,
    /// The text.
    pub text: String,
    /// Whether the file did not exist before.
    pub created: bool,
    /// The text directly before it, if that distinguishes it from an equal text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub after: String,
}

impl StateDir {
    /// Inserts a text behind a range of a file with this content (`None`: there is no file), and records it under a
    /// name. The content of the range is recorded too: it distinguishes the text from an equal text elsewhere in the file.
    ///
    /// # Errors
    ///
    /// Returns `Config` if the file has other content or cannot be written, or if something is recorded under this name
    /// already, and `Store` if the state directory must not be used.
    pub fn insert_text(
        &self,
        name: &str,
        (path, before): (&Path, Option<&str>),
        at: Range<usize>,
        text: &str,
    ) -> Result<()> {
        let all = self.insertions()?;
        let entry = entry_name("", name);
        if all.find(&entry).flatten().is_some() {
            return Err(Error::config("this is already set up"));
        }
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let content = before.unwrap_or_default();
        let place = content
            .get(at.clone())
            .ok_or_else(|| Error::internal(format!("{at:?} is not in {}", path.display())))?;
        let (head, tail) = content.split_at(at.end);
        let after = format!("{head}{text}{tail}");
        let insertion = Insertion {
            path: path.clone(),
            text: text.to_owned(),
            created: before.is_none(),
            after: place.to_owned(),
        };
        // The record comes first: text that is not recorded could not be removed.
        all.keep(&entry, &Some(insertion.clone()));
        if all.find(&entry).flatten() != Some(insertion) {
            return Err(Error::config("cannot record the change in the state directory"));
        }
        exchange(&path, before, Some(&after)).inspect_err(|_| all.keep(&entry, &None))
    }

    /// Removes the text that is recorded under a name, and returns what it was; `None` if there is none.
    ///
    /// # Errors
    ///
    /// Returns `Config` if the file no longer contains the text, or cannot be written.
    pub fn remove_text(&self, name: &str) -> Result<Option<Insertion>> {
        let all = self.insertions()?;
        let entry = entry_name("", name);
        let Some(insertion) = all.find(&entry).flatten() else { return Ok(None) };
        take_out(&insertion)?;
        all.keep(&entry, &None);
        Ok(Some(insertion))
    }

    /// Returns all texts that are recorded and still in their files, in an order in which they can be removed: a text
    /// that was split by another one comes after it.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the state directory must not be used.
    pub fn inserted_texts(&self) -> Result<Vec<Insertion>> {
        let all = self.insertions()?.all().into_iter().filter_map(|(_, insertion)| insertion);
        let mut left: Vec<Insertion> = all.collect();
        left.sort_by(|a, b| (&a.path, &a.text).cmp(&(&b.path, &b.text)));
        let mut files = HashMap::new();
        let mut found = Vec::new();
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
                        Without::Invalid => true,
                        Without::Missing => false,
                    },
                };
                if is_there {
                    found.push(insertion.clone());
                }
                !is_there
            });
            if left.len() == before {
                break;
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Removes a text of [`inserted_texts`](Self::inserted_texts).
    ///
    /// # Errors
    ///
    /// See [`remove_text`](Self::remove_text).
    pub fn remove_inserted(&self, insertion: &Insertion) -> Result<()> {
        take_out(insertion)?;
        let all = self.insertions()?;
        for (entry, _) in all.all().into_iter().filter(|(_, it)| it.as_ref() == Some(insertion)) {
            all.keep(&entry, &None);
        }
        Ok(())
    }

    fn insertions(&self) -> Result<Cache<Option<Insertion>>> {
        Ok(Cache::new(&self.place("set-up")?))
    }
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
        Without::Rest(rest) => rest,
        Without::Invalid => return Err(failed("would no longer be valid JSON")),
        Without::Missing => return Err(failed("was changed since")),
    };
    let rest = Some(rest.as_str()).filter(|rest| !rest.is_empty() || !insertion.created);
    exchange(&insertion.path, Some(&content), rest)
}

/// A file without a text.
enum Without {
    Rest(String),
    /// It was valid JSON and would not be any more.
    Invalid,
    /// The text is not in it.
    Missing,
}

/// Removes a text from the content of its file. In JSON, the comma that belongs to it depends on the members around it,
/// which may have changed since.
fn without(content: &str, insertion: &Insertion) -> Without {
    let (text, after) = (insertion.text.as_str(), insertion.after.as_str());
    let is_json = is_json_object(content);
    let find = |text: &str| content.rfind(&format!("{after}{text}")).map(|at| at + after.len());
    let bare = text.strip_suffix(',').filter(|_| is_json);
    let found = find(text).map(|at| (at, text));
    let found = found.or_else(|| bare.and_then(|bare| Some((find(bare)?, bare))));
    let Some((at, text)) = found else { return Without::Missing };
    let (head, tail) = (&content[..at], &content[at + text.len()..]);
    let is_valid = |rest: &String| !is_json || rest.trim().is_empty() || is_json_object(rest);
    let before = head.trim_end().strip_suffix(',').map(|head| (head, tail));
    let behind = tail.trim_start().strip_prefix(',').map(|tail| (head, tail));
    let rests = [Some((head, tail)), before, behind].into_iter().flatten();
    let mut rests = rests.map(|(head, tail)| format!("{head}{tail}"));
    rests.find(is_valid).map_or(Without::Invalid, Without::Rest)
}

fn is_json_object(content: &str) -> bool {
    content.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(content).is_ok()
}

/// Returns the content of a file of another program; `None` if there is none.
///
/// # Errors
///
/// Returns `Config` if it cannot be read, or is not UTF-8.
pub fn read_tool_file(path: &Path) -> Result<Option<String>> {
    content(path).map_err(|error| failed(path, &error))
}

fn content(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
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
        crate::files::make_dirs(directory)?;
    }
    output::replace_if(path, content.as_bytes(), Leftovers::Keep, check)?;
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
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn change_by_another_program_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let state =
            StateDir::open(directory.path().join("state"), std::sync::Arc::new(SystemClock));
        let path = directory.path().join("config");
        let files = || fs::read_dir(directory.path()).unwrap().count();
        for (read, now) in
            [(None, Some("[new]\n")), (Some("[a]\n"), Some("[b]\n")), (Some("[a]\n"), None)]
        {
            match now {
                Some(now) => fs::write(&path, now).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let refused = state.insert_text("git", (&path, read), 0..0, "[ours]\n").unwrap_err();
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
        assert!(state.remove_text("git").unwrap().is_none());
        assert_eq!(files(), 1, "the state directory");
        state.insert_text("git", (&path, None), 0..0, "[ours]\n").unwrap();
        assert!(state.remove_text("git").unwrap().is_some() && !path.exists());
    }
}
