//! The names that callers give to the entries of a directory.

use std::ffi::OsStr;
use std::path::{Component, Path};

use crate::error::{Error, Result};

/// Returns whether a name stays in its directory: it is one part of a path, neither `.` nor `..`.
pub(super) fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    // The comparison rejects `a/` and `a/.`, which have one part as well.
    let is_one_part = match (parts.next(), parts.next()) {
        (Some(Component::Normal(part)), None) => part == OsStr::new(name),
        _ => false,
    };
    // On Windows, a colon separates the name of a file from that of a stream in it.
    let is_special = |c| c == '\0' || (cfg!(windows) && matches!(c, ':' | '\\'));
    is_one_part && !name.contains(is_special)
}

/// Checks that a name stays in its directory.
pub(crate) fn check(directory: &Path, name: &str) -> Result<()> {
    match is_plain(name) {
        true => Ok(()),
        false => Err(Error::store(format!(
            "{name:?} is not the name of an entry in `{}`",
            directory.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::*;
    use crate::clock::SystemClock;
    use crate::error::ErrorKind;
    use crate::files::{Cache, Dir, Warnings};
    use crate::store::StateDir;

    const LEAVING: [&str; 11] =
        ["..", "../x", "/x", "a/b", "", ".", "./x", "x/", "x/.", "../inner/x", "x\0"];

    /// Returns a directory that has a directory `a` and files in it, beside it and below it.
    fn inner(outer: &Path) -> std::path::PathBuf {
        let inner = outer.join("inner");
        fs::create_dir_all(inner.join("a")).unwrap();
        for file in ["x", "inner/x", "inner/a/b"] {
            fs::write(outer.join(file), "1").unwrap();
        }
        inner
    }

    fn everything_in(directory: &Path) -> Vec<std::path::PathBuf> {
        let mut found = Vec::new();
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(everything_in(&path));
            }
            found.push(path);
        }
        found.sort();
        found
    }

    #[test]
    fn names_of_one_part_are_plain() {
        for name in ["x", "x.json", ".x.0.tmp", "...", "a b", "ä"] {
            assert!(is_plain(name), "{name}");
        }
        for name in LEAVING {
            assert!(!is_plain(name), "{name:?}");
        }
        for name in ["a:b", "a\\b", "C:"] {
            assert_eq!(is_plain(name), !cfg!(windows), "{name}");
        }
    }

    #[test]
    fn directory_rejects_names_that_leave_it() {
        let outer = tempfile::tempdir().unwrap();
        let inner = inner(outer.path());
        let before = everything_in(outer.path());
        let dir = Dir::create(&inner, &Warnings::default()).unwrap();
        for name in LEAVING {
            let outcomes = [
                ("read", dir.read(name).map(drop)),
                ("remove", dir.remove(name).map(drop)),
                ("remove_lazily", dir.remove_lazily(name).map(drop)),
                ("child", dir.child(name).map(drop)),
                ("make_child", dir.make_child(name).map(drop)),
                ("try_lock", dir.try_lock(name).map(drop)),
                ("try_lock_shared", dir.try_lock_shared(name).map(drop)),
                ("replace", dir.replace(name, b"2")),
                ("replace_lazily", dir.replace_lazily(name, b"2")),
                ("check_space", dir.check_space(name, 1)),
                ("create_new", dir.create_new(name, b"2").map(drop)),
                ("exists", dir.exists(name).map(drop)),
                ("rename_new", dir.rename_new("x", name).map(drop)),
            ];
            for (method, outcome) in outcomes {
                let error = outcome.expect_err(&format!("{method} accepts {name:?}"));
                assert_eq!(error.kind(), ErrorKind::Store, "{method}");
                let expected = format!("{name:?} is not the name of an entry in");
                assert!(error.message().starts_with(&expected), "{method}: {}", error.message());
            }
            dir.sweep(name);
        }
        assert_eq!(everything_in(outer.path()), before);
    }

    #[test]
    fn leftovers_outside_the_directory_are_not_swept() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        fs::create_dir_all(inner.join(".a")).unwrap();
        let outside = outer.path().join("x.0.tmp");
        fs::write(&outside, "1").unwrap();
        Dir::create(&inner, &Warnings::default()).unwrap().sweep("a/../../x");
        assert!(outside.exists());
    }

    #[test]
    fn cache_ignores_names_that_leave_it() {
        let outer = tempfile::tempdir().unwrap();
        let inner = inner(outer.path());
        let before = everything_in(outer.path());
        for name in LEAVING {
            let cache = Cache::<u32>::new(&inner);
            cache.keep(name, &2);
            assert_eq!(cache.find(name), None, "{name:?}");
            let elsewhere = Cache::<u32>::within(&inner, name);
            elsewhere.keep("y", &2);
            assert_eq!((elsewhere.find("x"), elsewhere.all().len()), (None, 0), "{name:?}");
            elsewhere.forget_older(std::time::Duration::ZERO);
        }
        Cache::<u32>::new(&outer.path().join("unmade")).keep("../y", &2);
        assert_eq!(everything_in(outer.path()), before);
    }

    #[test]
    fn state_directory_rejects_places_outside() {
        let outer = tempfile::tempdir().unwrap();
        let state = StateDir::open(outer.path(), Arc::new(SystemClock));
        assert_eq!(state.place("own").unwrap(), outer.path().join("own"));
        for name in LEAVING {
            assert_eq!(state.place(name).unwrap_err().kind(), ErrorKind::Store, "{name:?}");
        }
    }
}
