//! A cache on disk: one small file for each key, with a value that can be computed or fetched again.
//!
//! An entry that is damaged, too large or owned by another user counts as missing. If an entry cannot be
//! written, the value is computed or fetched again next time. Nothing is read or written through links, nor in
//! a directory that others can write to. Callers validate an entry as they validate its source.

use std::fs;
use std::io::Read as _;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Dir, Warnings, name, sys};
use crate::digest::hex_sha256;
use crate::error::{Error, Result};

/// The size of the largest entry.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A cache in a private directory: each entry is a file with a `T` as JSON.
///
/// An entry that is damaged, too large or owned by another user counts as missing, and an entry that cannot be written
/// is not kept: do not use it as the only copy of data. The name of an entry is that of a file in the directory itself:
/// for another, such as `..` or `a/b`, nothing is found or kept.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let directory = folder.path().join("avatars");
/// use oauthctl_core::files::{Cache, entry_name};
///
/// let avatars: Cache<String> = Cache::new(&directory);
/// let name = entry_name("", "https://git.example/ada.png");
/// avatars.keep(&name, &"data:image/png;base64,AA==".to_owned());
/// assert!(avatars.find(&name).is_some());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Cache<T> {
    /// The directory around it, where that belongs to the program as well.
    outer: Option<PathBuf>,
    /// None if its name is not one of a directory in `outer`: then nothing is found or kept.
    dir: Option<PathBuf>,
    entries: PhantomData<fn() -> T>,
}

/// The entries of a cache that are text, not JSON.
#[derive(Debug)]
pub(crate) struct Text;

/// Returns the entry name for a key: `prefix`, followed by a hash of the key. The key may contain any characters.
pub fn entry_name(prefix: &str, key: &str) -> String {
    format!("{prefix}{}.json", hex_sha256(&[key.as_bytes()]))
}

impl<T> Cache<T> {
    /// Returns the cache in this directory, which is created with its first entry.
    pub fn new(dir: &Path) -> Self {
        Self { outer: None, dir: Some(dir.to_owned()), entries: PhantomData }
    }

    /// Returns the cache in the subdirectory `name` of the private directory `outer`. Creates nothing if `outer` is
    /// rejected. If the name is not one of a directory in `outer`, such as `..` or `a/b`, the cache stays empty.
    pub fn within(outer: &Path, name: &str) -> Self {
        let dir = name::is_plain(name).then(|| outer.join(name));
        Self { outer: Some(outer.to_owned()), dir, entries: PhantomData }
    }

    /// Returns the path of an entry.
    #[cfg(test)]
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.dir.as_ref().unwrap().join(name)
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let dir = self.dir.as_ref().filter(|_| name::is_plain(name))?;
        let mut places = self.outer.iter().chain([dir]);
        if !places.all(|place| sys::is_own_directory(place)) {
            return None;
        }
        let (file, size) = sys::open_own(&dir.join(name)).filter(|(_, size)| *size <= LARGEST)?;
        // With one byte to spare, the end is found without growing.
        let mut bytes = Vec::with_capacity(usize::try_from(size).ok()?.saturating_add(1));
        file.take(LARGEST).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Writes an entry, unless it is there already.
    fn write(&self, name: &str, bytes: &[u8], replace: impl FnOnce(&Dir) -> Result<()>) {
        let fits = name::is_plain(name) && bytes.len() as u64 <= LARGEST;
        if fits && self.read(name).is_none_or(|known| known != bytes) {
            let _ = self.created().and_then(|dir| {
                replace(&dir)?;
                // A killed writer's file is not needed: the value can be computed or fetched again.
                dir.sweep(name);
                Ok(())
            });
        }
    }

    /// Removes the entries that were written longer ago than this.
    pub fn forget_older(&self, age: Duration) {
        let Some(dir) = self.dir.as_ref().filter(|dir| sys::is_own_directory(dir)) else { return };
        let Ok(entries) = fs::read_dir(dir) else { return };
        for entry in entries.flatten() {
            let written = entry.metadata().and_then(|file| file.modified());
            let is_old = written.is_ok_and(|at| at.elapsed().is_ok_and(|passed| passed > age));
            if is_old && sys::is_own_file(&entry.path()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn created(&self) -> Result<Dir> {
        let warnings = Warnings::default();
        let Some(dir) = &self.dir else {
            return Err(Error::store("the name of the cache is not one of a directory"));
        };
        if let Some(outer) = &self.outer {
            // It is opened first, and refused before anything is created in it.
            Dir::create(outer, &warnings)?;
        }
        Dir::create(dir, &warnings)
    }
}

impl<T: Serialize + DeserializeOwned> Cache<T> {
    /// Returns the entry of this name.
    pub fn find(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&self.read(name)?).ok()
    }

    /// Returns all entries with their names.
    pub fn all(&self) -> Vec<(String, T)> {
        let names = self.dir.iter().filter_map(|dir| fs::read_dir(dir).ok()).flatten().flatten();
        let names = names.filter_map(|entry| entry.file_name().into_string().ok());
        let names = names.filter(|name| !name.starts_with('.'));
        names.filter_map(|name| self.find(&name).map(|value| (name, value))).collect()
    }

    /// Stores an entry. After a power failure, the entry may be the previous one, or missing.
    pub fn keep(&self, name: &str, value: &T) {
        let Ok(bytes) = serde_json::to_vec(value) else { return };
        self.write(name, &bytes, |dir| dir.replace_lazily(name, &bytes));
    }
}

impl Cache<Text> {
    /// Returns the text of this name.
    pub(crate) fn find_text(&self, name: &str) -> Option<String> {
        String::from_utf8(self.read(name)?).ok()
    }

    /// Stores a text. After a power failure, the text is the previous one or the new one.
    pub(crate) fn keep_text(&self, name: &str, text: &str) {
        self.write(name, text.as_bytes(), |dir| dir.replace(name, text.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_is_found_until_it_is_damaged() {
        let outer = tempfile::tempdir().unwrap();
        let cache = Cache::<Vec<u32>>::within(outer.path(), "cache");
        assert_eq!(cache.find("one"), None);
        cache.keep("one", &vec![1, 2]);
        cache.keep("one", &vec![3]);
        assert_eq!(cache.find("one"), Some(vec![3]));
        assert_eq!(fs::read_dir(outer.path().join("cache")).unwrap().count(), 1);
        assert_eq!(cache.all(), [("one".to_owned(), vec![3])]);
        fs::write(cache.path_of("one"), "[3").unwrap();
        assert_eq!(cache.find("one"), None);
        assert_eq!(cache.all(), []);
    }

    #[test]
    fn leftover_of_a_killed_writer_is_removed() {
        let outer = tempfile::tempdir().unwrap();
        let cache = Cache::<Vec<u32>>::new(outer.path());
        fs::write(cache.path_of(".one.0.tmp"), "[1").unwrap();
        cache.keep("one", &vec![1]);
        assert_eq!(cache.find("one"), Some(vec![1]));
        assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
    }

    #[test]
    fn old_entries_are_forgotten_and_new_ones_kept() {
        let outer = tempfile::tempdir().unwrap();
        let cache = Cache::<u32>::new(outer.path());
        for name in ["old", "new"] {
            cache.keep(name, &1);
        }
        let file = fs::File::options().write(true).open(cache.path_of("old")).unwrap();
        let hour = Duration::from_secs(3_600);
        let written = file.metadata().unwrap().modified().unwrap();
        file.set_modified(written - 2 * hour).unwrap();
        cache.forget_older(hour);
        assert_eq!((cache.find("old"), cache.find("new")), (None, Some(1)));
    }

    #[test]
    fn oversized_entry_is_not_cached() {
        let outer = tempfile::tempdir().unwrap();
        let cache = Cache::<Text>::new(outer.path());
        let large = "x".repeat(usize::try_from(LARGEST).unwrap());
        cache.keep_text("file", &large);
        assert_eq!(cache.find_text("file").map(|text| text.len()), Some(large.len()));
        cache.keep_text("file", &(large.clone() + "x"));
        assert_eq!(cache.find_text("file").map(|text| text.len()), Some(large.len()));
        fs::write(cache.path_of("file"), large + "x").unwrap();
        assert_eq!(cache.find_text("file"), None);
    }

    #[test]
    #[cfg(unix)]
    fn entry_of_the_same_content_is_not_written_again() {
        use std::os::unix::fs::MetadataExt;
        let outer = tempfile::tempdir().unwrap();
        let cache = Cache::<u32>::new(outer.path());
        let inode = |cache: &Cache<u32>| fs::metadata(cache.path_of("file")).unwrap().ino();
        cache.keep("file", &1);
        let before = inode(&cache);
        cache.keep("file", &1);
        assert_eq!(inode(&cache), before);
        cache.keep("file", &2);
        assert_eq!(cache.find("file"), Some(2));
    }

    #[test]
    #[cfg(unix)]
    fn cache_is_not_written_through_links() {
        use std::os::unix::fs::symlink;
        let outer = tempfile::tempdir().unwrap();
        let [dir, victim] = ["cache", "victim"].map(|name| outer.path().join(name));
        let cache = Cache::<u32>::within(outer.path(), "cache");
        fs::create_dir(&victim).unwrap();
        fs::write(victim.join("file"), "1").unwrap();
        symlink(&victim, &dir).unwrap();
        cache.keep("other", &2);
        assert_eq!(fs::read_dir(&victim).unwrap().count(), 1);
        assert_eq!(cache.find("file"), None);
        fs::remove_file(&dir).unwrap();
        fs::create_dir(&dir).unwrap();
        symlink(victim.join("file"), dir.join("file")).unwrap();
        cache.keep("file", &2);
        assert_eq!(fs::read_to_string(victim.join("file")).unwrap(), "1");
        assert_eq!(cache.find("file"), None);
    }

    #[test]
    #[cfg(unix)]
    fn refused_directory_stays_as_it_is() {
        use std::os::unix::fs::PermissionsExt;
        let outer = tempfile::tempdir().unwrap();
        fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o777)).unwrap();
        Cache::<u32>::within(outer.path(), "cache").keep("file", &1);
        Cache::<u32>::new(outer.path()).keep("file", &1);
        assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 0);
    }

    #[test]
    #[cfg(unix)]
    fn entries_that_others_can_replace_are_not_found() {
        use std::os::unix::fs::PermissionsExt;
        let outer = tempfile::tempdir().unwrap();
        let cache = Cache::<u32>::within(outer.path(), "cache");
        cache.keep("file", &1);
        let inner = outer.path().join("cache");
        for place in [outer.path(), &inner] {
            for (mode, found) in [(0o777, None), (0o1777, None), (0o755, Some(1))] {
                fs::set_permissions(place, fs::Permissions::from_mode(mode)).unwrap();
                assert_eq!(cache.find("file"), found, "{} {mode:o}", place.display());
            }
        }
    }
}
