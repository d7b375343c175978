//! Session buses that are missing or do not respond.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use oauthctl_core::store::KeyringStore;
use oauthctl_core::store::keyring::{SecretService, session_bus};
use tempfile::TempDir;

use crate::keyrings::ends_with_an_error;
use crate::scene::{AGES, names};

/// The Secret Service at this address, with the little patience that tests have.
fn at(address: &str, folder: &Path) -> KeyringStore {
    let service = SecretService::new(Some(address.to_owned()), Duration::from_millis(300));
    KeyringStore::over(Arc::new(service), None, folder).patience(AGES * 2)
}

#[test]
fn bus_that_says_nothing_is_given_up() {
    let folder = TempDir::new().unwrap();
    for silent_after in 0..3 {
        let path = folder.path().join(format!("bus-{silent_after}"));
        let listener = UnixListener::bind(&path).unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // The probe of the queue comes first, and goes at once.
            let mut first = [0; 1024];
            if stream.read(&mut first).unwrap() == 0 {
                (stream, _) = listener.accept().unwrap();
            }
            if silent_after > 0 {
                stream.write_all(b"OK 0123456789abcdef0123456789abcdef\r\n").unwrap();
            }
            if silent_after > 1 {
                let _ = stream.read(&mut first);
                stream.write_all(b"AGREE_UNIX_FD\r\n").unwrap();
            }
            while stream.read(&mut first).is_ok_and(|read| read > 0) {}
        });
        let error = ends_with_an_error(at(&format!("unix:path={}", path.display()), folder.path()));
        assert!(error.message().contains("does not respond"), "{silent_after}: {error}");
    }
}

#[test]
fn bus_whose_queue_is_full_is_given_up() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bus");
    let socket = rustix::net::socket(
        rustix::net::AddressFamily::UNIX,
        rustix::net::SocketType::STREAM,
        None,
    )
    .unwrap();
    rustix::net::bind(&socket, &rustix::net::SocketAddrUnix::new(&path).unwrap()).unwrap();
    rustix::net::listen(&socket, 0).unwrap();
    let _waiting = std::os::unix::net::UnixStream::connect(&path).unwrap();
    let error = ends_with_an_error(at(&format!("unix:path={}", path.display()), folder.path()));
    assert!(error.message().contains("does not respond"), "{error}");
}

#[test]
fn without_a_bus_the_error_says_so() {
    let folder = TempDir::new().unwrap();
    let gone = format!("unix:path={}/none", folder.path().display());
    for address in [gone.as_str(), "", "nonsense", "unix:path=\0"] {
        let error = ends_with_an_error(at(address, folder.path()));
        assert!(error.message().contains("no session bus"), "{error}");
    }
    let unset = KeyringStore::open(None, folder.path()).unwrap();
    let error = ends_with_an_error(unset);
    assert!(error.message().contains("no session bus"), "{error}");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn bus_is_found_as_other_programs_find_it() {
    let folder = TempDir::new().unwrap();
    let runtime = Some(folder.path().as_os_str().to_owned());
    assert_eq!(session_bus(Some("unix:path=/x".into()), None).as_deref(), Some("unix:path=/x"));
    assert_eq!(session_bus(None, None), None);
    assert_eq!(session_bus(Some("".into()), runtime.clone()), None);
    std::fs::write(folder.path().join("bus"), "").unwrap();
    let expected = format!("unix:path={}/bus", folder.path().display());
    assert_eq!(session_bus(None, runtime), Some(expected));
}
