//! A session bus in front of another one that counts the calls to the keyring.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

/// The calls of a Secret Service, as they are named on the bus.
const CALLS: [&str; 11] = [
    "OpenSession",
    "SearchItems",
    "GetSecret",
    "GetSecrets",
    "SetSecret",
    "CreateItem",
    "Delete",
    "ReadAlias",
    "Unlock",
    "Get",
    "Set",
];

/// The bus in front; it ends with the test.
pub struct CountingBus {
    /// For `DBUS_SESSION_BUS_ADDRESS`.
    pub address: String,
    counts: Counts,
    _folder: TempDir,
}

impl CountingBus {
    /// A bus in front of the one at this address.
    pub fn before(address: &str) -> Self {
        let folder = TempDir::with_prefix("bus-").unwrap();
        let path = folder.path().join("bus");
        let listener = UnixListener::bind(&path).unwrap();
        let (counts, real) = (Arc::<Mutex<BTreeMap<_, _>>>::default(), address.to_owned());
        let counting = Arc::clone(&counts);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                relay(client.unwrap(), connect(&real), &counting);
            }
        });
        Self { address: format!("unix:path={}", path.display()), counts, _folder: folder }
    }

    /// The calls since the last time, by their names.
    pub fn take(&self) -> BTreeMap<&'static str, usize> {
        std::mem::take(&mut *self.counts.lock().unwrap())
    }
}

fn connect(address: &str) -> UnixStream {
    let first = address.split(';').next().unwrap();
    let value =
        |key: &str| first.strip_prefix("unix:")?.split(',').find_map(|p| p.strip_prefix(key));
    let address = match (value("path="), value("abstract=")) {
        (Some(path), _) => SocketAddr::from_pathname(path),
        (_, Some(name)) => SocketAddr::from_abstract_name(name),
        _ => panic!("what is {address}?"),
    };
    UnixStream::connect_addr(&address.unwrap()).unwrap()
}

/// Looks at each chunk that is passed on.
type See = Box<dyn Fn(&[u8]) + Send>;

/// How often each method was called.
type Counts = Arc<Mutex<BTreeMap<&'static str, usize>>>;

/// Passes on what both say. A message of these clients is one write, and names its call as a string.
fn relay(client: UnixStream, bus: UnixStream, counts: &Counts) {
    let pass = |mut from: UnixStream, mut to: UnixStream, see: See| {
        std::thread::spawn(move || {
            let mut chunk = vec![0; 256 * 1024];
            while let Ok(read @ 1..) = from.read(&mut chunk) {
                see(&chunk[..read]);
                if to.write_all(&chunk[..read]).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(std::net::Shutdown::Both);
        });
    };
    let counts = Arc::clone(counts);
    let count = move |bytes: &[u8]| {
        let mut counts = counts.lock().unwrap();
        for call in CALLS {
            // Length, text, NUL.
            let sought = [&(call.len() as u32).to_le_bytes()[..], call.as_bytes(), &[0]].concat();
            let found = bytes.windows(sought.len()).filter(|part| *part == sought).count();
            if found > 0 {
                *counts.entry(call).or_default() += found;
            }
        }
    };
    let (client_too, bus_too) = (client.try_clone().unwrap(), bus.try_clone().unwrap());
    pass(client, bus, Box::new(count));
    pass(bus_too, client_too, Box::new(|_| ()));
}
