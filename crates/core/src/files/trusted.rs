//! Checks whether another user can write to a file that determines what the program does or whom it trusts:
//! a configuration, a key, a secret, a certificate authority.
//!
//! "Another user" is anyone except the user and root. A group does not count if it is the user's private
//! one, as on systems with `umask 002`. The directory counts like the file: a user who can write there can
//! replace the file. Its parent directories do not: what others can move into place there belongs to them,
//! and is refused for that reason.

use std::fs::File;
use std::path::Path;

use crate::error::Result;

/// Refuses an open file that another user can write to, or replace. `path` is where it was opened.
///
/// "Another user" is anyone except the user and root. Users who can write to the directory can replace the file.
///
/// # Errors
/// Returns an error of kind `Config`; the hint contains the command that fixes it.
#[cfg(unix)]
pub fn check(file: &File, path: &Path) -> Result<()> {
    unix::check(file, path)
}

/// Refuses the location of a new file, if another user could replace the file there.
///
/// # Errors
/// See [`check`].
#[cfg(unix)]
pub(crate) fn check_place(path: &Path) -> Result<()> {
    unix::check_place(path)
}

/// Accepts every file: files are in the user's own directories, which the platform protects from other
/// users.
#[cfg(not(unix))]
pub fn check(_: &File, _: &Path) -> Result<()> {
    Ok(())
}

/// Accepts every directory, for the same reason.
#[cfg(not(unix))]
pub(crate) fn check_place(_: &Path) -> Result<()> {
    Ok(())
}

/// Who else can write.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(unix), allow(dead_code))]
pub(crate) enum Writer {
    /// The owner, who is another user.
    Owner(u32),
    /// The members of a group.
    Group(u32),
    /// All users.
    Everybody,
}

impl std::fmt::Display for Writer {
    /// Describes what is wrong with the file or directory.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Owner(uid) => write!(f, "belongs to another user (uid {uid})"),
            Self::Group(gid) => write!(f, "is writable by its group (gid {gid})"),
            Self::Everybody => f.write_str("is writable by all users"),
        }
    }
}

#[cfg_attr(not(unix), allow(dead_code))]
impl Writer {
    /// Returns the command that fixes it.
    pub(crate) fn remedy(&self, path: &Path) -> String {
        let path = crate::text::shell_word(&path.display().to_string());
        match self {
            Self::Owner(_) => format!(
                "use a copy that belongs to you, or check its content and run, as root, `chown 0 \
                 {path}`"
            ),
            Self::Group(_) => format!("check its content, then run `chmod g-w {path}`"),
            Self::Everybody => format!("check its content, then run `chmod go-w {path}`"),
        }
    }
}

#[cfg(unix)]
pub(crate) use unix::writer;

#[cfg(unix)]
mod unix {
    use std::path::PathBuf;

    use rustix::fs::{FileType, Mode, Stat};
    use rustix::process::{getegid, geteuid};

    use super::{File, Path, Result, Writer};
    use crate::error::Error;

    /// Maximum number of links that are followed, as in the kernel.
    const MOST_LINKS: usize = 40;

    pub(super) fn check(file: &File, path: &Path) -> Result<()> {
        let stat = rustix::fs::fstat(file).map_err(|e| {
            Error::config(format!("cannot inspect `{}`: {e}", path.display())).caused_by(&e.into())
        })?;
        // A device such as `/dev/null` or a terminal has no stored content.
        if !matches!(
            FileType::from_raw_mode(stat.st_mode),
            FileType::RegularFile | FileType::Fifo | FileType::Socket
        ) {
            return Ok(());
        }
        if let Some(writer) = writer(&stat) {
            return Err(refused(&writer, path));
        }
        let mut at = path.to_owned();
        for _ in 0..MOST_LINKS {
            check_place(&at)?;
            match rustix::fs::readlink(&at, Vec::new()) {
                Ok(target) => {
                    use std::os::unix::ffi::OsStringExt;
                    let target = std::ffi::OsString::from_vec(target.into_bytes());
                    at = directory(&at).join(target);
                }
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Refuses a name in a directory in which another user could replace the file.
    pub(super) fn check_place(path: &Path) -> Result<()> {
        let directory = directory(path);
        // Links such as those below `/proc/self/fd` can lead to files without a path.
        let Ok(place) = rustix::fs::stat(&directory) else { return Ok(()) };
        let Some(writer) = writer(&place) else { return Ok(()) };
        let is_sticky = Mode::from_raw_mode(place.st_mode).contains(Mode::SVTX);
        if !is_sticky || matches!(writer, Writer::Owner(_)) {
            return Err(refused(&writer, &directory));
        }
        // In a directory like `/tmp`, only the owner of a file can replace it.
        match rustix::fs::lstat(path) {
            Ok(stat) if !is_trusted(stat.st_uid) => Err(refused(&Writer::Owner(stat.st_uid), path)),
            _ => Ok(()),
        }
    }

    fn directory(path: &Path) -> PathBuf {
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        }
    }

    fn refused(writer: &Writer, path: &Path) -> Error {
        Error::config(format!("`{}` {writer}", path.display())).hint(writer.remedy(path))
    }

    fn is_trusted(uid: u32) -> bool {
        uid == 0 || uid == geteuid().as_raw()
    }

    /// Returns who else can write to a file with this owner and mode.
    pub(crate) fn writer(stat: &Stat) -> Option<Writer> {
        let mode = Mode::from_raw_mode(stat.st_mode);
        if !is_trusted(stat.st_uid) {
            Some(Writer::Owner(stat.st_uid))
        } else if mode.contains(Mode::WOTH) {
            Some(Writer::Everybody)
        } else if mode.contains(Mode::WGRP) && !is_private(stat.st_gid, &System) {
            Some(Writer::Group(stat.st_gid))
        } else {
            None
        }
    }

    /// The users and groups of the system.
    trait Accounts {
        /// Returns the text of `/etc/passwd`.
        fn users(&self) -> String;
        /// Returns the text of `/etc/group`.
        fn groups(&self) -> String;
        /// Returns the user and its group.
        fn own(&self) -> (u32, u32);
    }

    struct System;

    impl Accounts for System {
        fn users(&self) -> String {
            std::fs::read_to_string("/etc/passwd").unwrap_or_default()
        }

        fn groups(&self) -> String {
            std::fs::read_to_string("/etc/group").unwrap_or_default()
        }

        fn own(&self) -> (u32, u32) {
            (geteuid().as_raw(), getegid().as_raw())
        }
    }

    /// Returns whether the group's only member is the user or root, and has the same name or number as the
    /// group. Users of a directory service are not in the files; for them, the numbers decide.
    fn is_private(gid: u32, accounts: &dyn Accounts) -> bool {
        let (own_uid, own_gid) = accounts.own();
        let users = accounts.users();
        let users: Vec<(&str, u32, u32)> = users.lines().filter_map(user).collect();
        let groups = accounts.groups();
        let group = groups.lines().filter_map(group).find(|(_, id, _)| *id == gid);
        let is_of = |uid: u32| {
            let name = users.iter().find(|(_, id, _)| *id == uid).map(|(name, ..)| *name);
            let is_theirs = gid == uid || group.is_some_and(|(group, ..)| Some(group) == name);
            let is_alone = group.is_none_or(|(_, _, members)| {
                members.split(',').all(|m| m.is_empty() || Some(m) == name)
            });
            let others = users.iter().filter(|(_, id, primary)| *primary == gid && *id != uid);
            is_theirs && is_alone && others.count() == 0
        };
        // A number alone says nothing about a group that neither the files nor the process know.
        let is_known = group.is_some() || gid == own_gid;
        is_known && [own_uid, 0].into_iter().any(is_of)
    }

    /// Returns the name, number and group of a user.
    fn user(line: &str) -> Option<(&str, u32, u32)> {
        let mut fields = line.split(':');
        let (name, _) = (fields.next()?, fields.next()?);
        Some((name, fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    }

    /// Returns the name, number and members of a group.
    fn group(line: &str) -> Option<(&str, u32, &str)> {
        let mut fields = line.split(':');
        let (name, _) = (fields.next()?, fields.next()?);
        Some((name, fields.next()?.parse().ok()?, fields.next().unwrap_or("")))
    }

    #[cfg(test)]
    mod tests {
        use std::os::unix::fs::{PermissionsExt, symlink};

        use super::*;
        use crate::error::ErrorKind;

        struct Machine {
            users: &'static str,
            groups: &'static str,
            own: (u32, u32),
        }

        impl Accounts for Machine {
            fn users(&self) -> String {
                self.users.to_owned()
            }

            fn groups(&self) -> String {
                self.groups.to_owned()
            }

            fn own(&self) -> (u32, u32) {
                self.own
            }
        }

        const USERS: &str = "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n\
            bob:x:1001:1000::/:/bin/sh\neve:x:1002:1500:::\n";

        #[test]
        fn private_group_is_the_users_alone() {
            let eve = |groups| Machine { users: USERS, groups, own: (1002, 1500) };
            assert!(is_private(1500, &eve("eve:x:1500:")), "by its name");
            assert!(is_private(1500, &eve("eve:x:1500:eve")));
            assert!(!is_private(1500, &eve("eve:x:1500:eve,bob")));
            assert!(!is_private(1500, &eve("web:x:1500:")), "another name and number");
            assert!(!is_private(1500, &eve("")), "unknown, and another number");
            assert!(is_private(1002, &eve("x:x:1002:")), "by its number");
            assert!(!is_private(1002, &eve("x:x:1002:bob")));
            assert!(!is_private(1002, &eve("")), "unknown, and not the user's");
            assert!(is_private(0, &eve("root:x:0:")), "root may do anything");
            assert!(!is_private(0, &eve("root:x:0:bob")));
            let ada = Machine { users: USERS, groups: "ada:x:1000:", own: (1000, 1000) };
            assert!(!is_private(1000, &ada), "it is bob's primary group too");
            let remote = Machine { users: USERS, groups: "", own: (5000, 5000) };
            assert!(is_private(5000, &remote) && !is_private(5001, &remote));
        }

        fn checked(path: &Path) -> Result<()> {
            check(&File::open(path).unwrap(), path)
        }

        fn set_mode(path: &Path, mode: u32) {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        }

        #[test]
        fn modes_of_file_and_directory_decide() {
            let outer = tempfile::tempdir().unwrap();
            let directory = outer.path().join("d");
            std::fs::create_dir(&directory).unwrap();
            let file = directory.join("file");
            std::fs::write(&file, "").unwrap();
            for (of_directory, of_file, refused) in [
                (0o700, 0o600, None),
                (0o755, 0o644, None),
                (0o755, 0o646, Some(&file)),
                (0o755, 0o666, Some(&file)),
                (0o757, 0o600, Some(&directory)),
                (0o777, 0o600, Some(&directory)),
                (0o1777, 0o600, None),
                (0o1777, 0o666, Some(&file)),
            ] {
                set_mode(&directory, of_directory);
                set_mode(&file, of_file);
                let Some(path) = refused else {
                    checked(&file).unwrap();
                    continue;
                };
                let error = checked(&file).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Config);
                let remedy = format!("`chmod go-w {}`", path.display());
                assert!(error.advice_text().unwrap().contains(&remedy), "{error:?}");
            }
        }

        #[test]
        fn each_place_of_a_link_decides() {
            let outer = tempfile::tempdir().unwrap();
            let [links, files] = ["links", "files"].map(|name| outer.path().join(name));
            std::fs::create_dir(&links).unwrap();
            std::fs::create_dir(&files).unwrap();
            std::fs::write(files.join("file"), "").unwrap();
            symlink("../files/file", links.join("one")).unwrap();
            symlink("one", links.join("two")).unwrap();
            checked(&links.join("two")).unwrap();
            for place in [&links, &files] {
                set_mode(place, 0o777);
                let error = checked(&links.join("two")).unwrap_err();
                let complaint = error.message();
                assert!(
                    complaint.contains(place.file_name().unwrap().to_str().unwrap()),
                    "{error}"
                );
                set_mode(place, 0o755);
            }
        }

        #[test]
        fn devices_and_pipes_without_a_place_are_accepted() {
            checked(Path::new("/dev/null")).unwrap();
            let (reader, _writer) = std::io::pipe().unwrap();
            let descriptor = std::os::fd::AsRawFd::as_raw_fd(&reader);
            checked(Path::new(&format!("/proc/self/fd/{descriptor}"))).unwrap();
        }
    }
}
