//! The Secret Service (freedesktop.org) as a credential store of `keyring_core`, over libdbus.
//!
//! The session is a plain one: the bus is a local socket, and agreeing on keys costs more than the
//! whole read. Nothing ever prompts, and every operation ends in time: the connection is opened
//! without waiting, and each reply is waited for until one common deadline.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dbus::Message;
use dbus::arg::{PropMap, Variant};
use dbus::channel::Channel;
use dbus::message::MessageType;
use dbus::strings::Path;
use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{Credential, Entry, Error as KeyringError};
use zeroize::Zeroizing;

use super::ALTERNATIVES;
use crate::error::Error;
use crate::text;

const NAME: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// A secret on the bus: session, parameters, value, content type.
type Wire = (Path<'static>, Vec<u8>, Vec<u8>, String);

/// What is wrong with the Secret Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// There is no session bus.
    NoBus(String),
    /// Nobody on the bus offers a Secret Service.
    NoService,
    /// The service has no default collection.
    NoCollection,
    /// The collection is locked.
    Locked,
    /// The service wants to ask a person.
    Asks,
    /// No answer.
    Mute,
    /// An error of the service's own.
    Failed(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.explain().message())
    }
}

impl std::error::Error for Trouble {}

impl Trouble {
    /// The error, and what to do about it.
    pub(super) fn explain(&self) -> Error {
        match self {
            Self::NoBus(why) => Error::store(format!(
                "the keyring cannot be reached: there is no session bus ({why})"
            ))
            .hint(format!(
                "run this in a desktop session or below `dbus-run-session`, or do without: \
                 {ALTERNATIVES}"
            )),
            Self::NoService => Error::store(
                "there is no keyring: nothing on the session bus offers the Secret Service",
            )
            .hint(format!(
                "install and start GNOME Keyring, KWallet or KeePassXC; or: {ALTERNATIVES}"
            )),
            Self::NoCollection => {
                Error::store("the keyring has no default collection").hint(format!(
                    "create one named `login` (in Passwords and Keys, or by `gnome-keyring-daemon \
                 --unlock`); or: {ALTERNATIVES}"
                ))
            }
            Self::Locked => super::locked(),
            Self::Asks => Error::store("the keyring wants to ask a person first").hint(format!(
                "unlock it, or allow oauthctl in its settings, then try again; {ALTERNATIVES}"
            )),
            Self::Mute => super::mute(),
            Self::Failed(why) => {
                Error::store(format!("the keyring failed: {why}")).hint(ALTERNATIVES)
            }
        }
    }
}

impl From<Trouble> for KeyringError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Failed(_) => Self::PlatformFailure(Box::new(trouble)),
            _ => Self::NoStorageAccess(Box::new(trouble)),
        }
    }
}

/// The Secret Service of a session bus.
pub struct SecretService(Arc<Inner>);

struct Inner {
    address: Option<String>,
    patience: Duration,
    bus: Mutex<Option<Bus>>,
}

impl fmt::Debug for SecretService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretService")
    }
}

impl SecretService {
    /// The service on the bus of this address, which is opened when it is first needed. Each
    /// operation ends within `patience`.
    pub fn new(address: Option<String>, patience: Duration) -> Self {
        Self(Arc::new(Inner { address, patience, bus: Mutex::new(None) }))
    }
}

impl CredentialStoreApi for SecretService {
    fn vendor(&self) -> String {
        "freedesktop.org Secret Service".to_owned()
    }

    fn id(&self) -> String {
        self.0.address.clone().unwrap_or_default()
    }

    /// The modifier `label` is the item's label; all others are attributes.
    fn build(
        &self,
        service: &str,
        user: &str,
        modifiers: Option<&HashMap<&str, &str>>,
    ) -> keyring_core::Result<Entry> {
        let mut attributes = HashMap::from([
            ("service".to_owned(), service.to_owned()),
            ("username".to_owned(), user.to_owned()),
        ]);
        let mut label = format!("{service}: {user}");
        for (name, value) in modifiers.into_iter().flatten() {
            if *name == "label" {
                label = (*value).to_owned();
            } else {
                attributes.insert((*name).to_owned(), (*value).to_owned());
            }
        }
        for value in attributes.values().chain([&label]) {
            if value.contains('\0') {
                let what = "a NUL character cannot be sent".to_owned();
                return Err(KeyringError::Invalid("attributes".to_owned(), what));
            }
        }
        Ok(Entry::new_with_credential(Arc::new(Found {
            service: self.0.clone(),
            attributes,
            label,
        })))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// An item, by the attributes that lead to it.
struct Found {
    service: Arc<Inner>,
    attributes: HashMap<String, String>,
    label: String,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Found({:?})", self.attributes.get("username"))
    }
}

impl Found {
    fn query(&self) -> HashMap<&str, &str> {
        ["service", "username"]
            .into_iter()
            .filter_map(|name| Some((name, self.attributes.get(name)?.as_str())))
            .collect()
    }

    /// Runs an operation over the open connection, or over a new one.
    fn run<T>(&self, act: impl Fn(&mut Bus) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let mut kept = self.service.bus.lock().unwrap_or_else(PoisonError::into_inner);
        let deadline = Instant::now() + self.service.patience;
        if let Some(mut bus) = kept.take() {
            bus.deadline = deadline;
            match act(&mut bus) {
                // The service may have been restarted since, which ends the session.
                Err(Trouble::Failed(_) | Trouble::NoBus(_)) => {}
                Err(Trouble::Mute) => return Err(Trouble::Mute),
                done => {
                    *kept = Some(bus);
                    return done;
                }
            }
        }
        let mut bus = Bus::open(self.service.address.as_deref(), deadline)?;
        let done = act(&mut bus);
        if !matches!(done, Err(Trouble::Mute | Trouble::NoBus(_))) {
            *kept = Some(bus);
        }
        done
    }

    /// The items that match. None of them is locked, and if there is none then the default
    /// collection is there and unlocked: so there is truly none.
    fn items(&self, bus: &mut Bus) -> Result<Vec<Path<'static>>, Trouble> {
        let asked = bus.send(method(ROOT, SERVICE, "SearchItems")?.append1(self.query()))?;
        bus.session()?;
        let (unlocked, locked): (Vec<Path<'static>>, Vec<Path<'static>>) =
            bus.reply(asked)?.read2().map_err(odd)?;
        match (unlocked.is_empty(), locked.is_empty()) {
            (_, false) => Err(Trouble::Locked),
            (true, true) => bus.default_collection().map(|_| Vec::new()),
            (false, true) => Ok(unlocked),
        }
    }

    fn write(&self, bus: &mut Bus, secret: &[u8]) -> Result<(), Failure> {
        let items = self.items(bus)?;
        let wire = (bus.session()?, Vec::<u8>::new(), secret, "text/plain");
        // Replacing by CreateItem waits for a person on some services; SetSecret does not.
        if let Some(item) = single(&items)? {
            bus.call(method(item, ITEM, "SetSecret")?.append1(wire))?;
            return Ok(());
        }
        let collection = bus.default_collection()?;
        let mut properties = PropMap::new();
        let label = Variant(Box::new(self.label.clone()) as Box<dyn dbus::arg::RefArg>);
        properties.insert(format!("{ITEM}.Label"), label);
        properties.insert(format!("{ITEM}.Attributes"), Variant(Box::new(self.attributes.clone())));
        let create = method(&collection, COLLECTION, "CreateItem")?;
        let created = bus.call(create.append3(properties, wire, false))?;
        let (item, prompt): (Path<'_>, Path<'_>) = created.read2().map_err(odd)?;
        if &*item == "/" { Err(bus.dismiss(&prompt).into()) } else { Ok(()) }
    }
}

/// How looking for one item can fail.
enum Failure {
    Trouble(Trouble),
    Several,
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

fn single<'a>(items: &'a [Path<'static>]) -> Result<Option<&'a Path<'static>>, Failure> {
    match items {
        [] => Ok(None),
        [item] => Ok(Some(item)),
        _ => Err(Failure::Several),
    }
}

/// Sorts what stays inside an operation from what ends its connection.
fn settle<T>(found: Result<T, Failure>) -> Result<keyring_core::Result<T>, Trouble> {
    match found {
        Ok(value) => Ok(Ok(value)),
        Err(Failure::Several) => Ok(Err(KeyringError::Ambiguous(Vec::new()))),
        Err(Failure::Trouble(trouble)) => Err(trouble),
    }
}

impl CredentialApi for Found {
    fn set_secret(&self, secret: &[u8]) -> keyring_core::Result<()> {
        self.run(|bus| settle(self.write(bus, secret)))?
    }

    fn get_secret(&self) -> keyring_core::Result<Vec<u8>> {
        let found = self.run(|bus| {
            let items = self.items(bus)?;
            let read = |item: Option<&Path<'static>>| -> Result<_, Failure> {
                let Some(item) = item else { return Ok(None) };
                let session = bus.session()?;
                let reply = bus.call(method(item, ITEM, "GetSecret")?.append1(session))?;
                let (_, parameters, value, _): Wire = reply.read1().map_err(odd)?;
                drop(Zeroizing::new(parameters));
                Ok(Some(value))
            };
            settle(single(&items).and_then(read))
        })??;
        found.ok_or(KeyringError::NoEntry)
    }

    /// Only the `label` can be set.
    fn update_attributes(&self, attributes: &HashMap<&str, &str>) -> keyring_core::Result<()> {
        let Some(label) = attributes.get("label").filter(|_| attributes.len() == 1) else {
            return Err(KeyringError::NotSupportedByStore("only the label can be set".to_owned()));
        };
        let label = label.replace('\0', " ");
        let set = self.run(|bus| {
            let items = self.items(bus)?;
            let write = |item: Option<&Path<'static>>| -> Result<_, Failure> {
                let Some(item) = item else { return Ok(None) };
                let set = method(item, PROPERTIES, "Set")?;
                bus.call(set.append3(ITEM, "Label", Variant(label.as_str())))?;
                Ok(Some(()))
            };
            settle(single(&items).and_then(write))
        })??;
        set.ok_or(KeyringError::NoEntry)
    }

    /// Deletes every item that matches.
    fn delete_credential(&self) -> keyring_core::Result<()> {
        let count = self.run(|bus| {
            let items = self.items(bus)?;
            for item in &items {
                let deleted = bus.call(method(item, ITEM, "Delete")?)?;
                let prompt: Path<'_> = deleted.read1().map_err(odd)?;
                if &*prompt != "/" {
                    return Err(bus.dismiss(&prompt));
                }
            }
            Ok(items.len())
        })?;
        if count == 0 { Err(KeyringError::NoEntry) } else { Ok(()) }
    }

    fn get_credential(&self) -> keyring_core::Result<Option<Arc<Credential>>> {
        self.get_secret().map(|secret| {
            drop(Zeroizing::new(secret));
            None
        })
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        Some((self.attributes.get("service")?.clone(), self.attributes.get("username")?.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A connection, its session, and when it must be done.
struct Bus {
    channel: Channel,
    deadline: Instant,
    hello: u32,
    opening: u32,
    session: Option<Path<'static>>,
    early: Vec<Message>,
}

impl Bus {
    /// Opens a connection and asks for a session, and waits for nothing yet.
    fn open(address: Option<&str>, deadline: Instant) -> Result<Self, Trouble> {
        let address = address
            .filter(|address| !address.contains('\0'))
            .ok_or_else(|| Trouble::NoBus("DBUS_SESSION_BUS_ADDRESS is not set".to_owned()))?;
        takes_connections(address)?;
        let channel = Channel::open_private(address).map_err(|error| {
            Trouble::NoBus(text::one_line(error.message().unwrap_or("it refuses")))
        })?;
        let mut bus =
            Self { channel, deadline, hello: 0, opening: 0, session: None, early: vec![] };
        let bus_name = "org.freedesktop.DBus";
        let hello = Message::new_method_call(bus_name, "/org/freedesktop/DBus", bus_name, "Hello");
        bus.hello = bus.send(hello.map_err(Trouble::Failed)?)?;
        let open = method(ROOT, SERVICE, "OpenSession")?;
        bus.opening = bus.send(open.append2("plain", Variant("")))?;
        Ok(bus)
    }

    fn session(&mut self) -> Result<Path<'static>, Trouble> {
        if let Some(session) = &self.session {
            return Ok(session.clone());
        }
        self.reply(self.hello)?;
        let opened = self.reply(self.opening)?;
        let (_, session): (Variant<String>, Path<'static>) = opened.read2().map_err(odd)?;
        self.session = Some(session.clone());
        Ok(session)
    }

    fn send(&self, message: Message) -> Result<u32, Trouble> {
        self.channel.send(message).map_err(|()| Trouble::Failed("no memory for a message".into()))
    }

    fn call(&mut self, message: Message) -> Result<Message, Trouble> {
        let serial = self.send(message)?;
        self.reply(serial)
    }

    /// The reply to this message; others that come first are kept.
    fn reply(&mut self, serial: u32) -> Result<Message, Trouble> {
        let is_ours = |message: &Message| message.get_reply_serial() == Some(serial);
        loop {
            if let Some(at) = self.early.iter().position(is_ours) {
                return judge(self.early.swap_remove(at));
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Trouble::Mute);
            }
            // Whole milliseconds count: less would be a wait of none, in a loop.
            let left = left.max(Duration::from_millis(1));
            match self.channel.blocking_pop_message(left) {
                Ok(Some(message)) if is_ours(&message) => return judge(message),
                Ok(Some(message)) if message.get_reply_serial().is_some() => {
                    self.early.push(message);
                }
                Ok(_) if self.channel.is_connected() => {}
                _ => return Err(Trouble::NoBus("it hung up".to_owned())),
            }
        }
    }

    /// The default collection, which is there and unlocked.
    fn default_collection(&mut self) -> Result<Path<'static>, Trouble> {
        let alias = self.call(method(ROOT, SERVICE, "ReadAlias")?.append1("default"))?;
        let collection: Path<'static> = alias.read1().map_err(odd)?;
        if &*collection == "/" {
            return Err(Trouble::NoCollection);
        }
        let get = method(&collection, PROPERTIES, "Get")?.append2(COLLECTION, "Locked");
        let Variant(locked): Variant<bool> = self.call(get)?.read1().map_err(odd)?;
        if locked { Err(Trouble::Locked) } else { Ok(collection) }
    }

    /// Takes back a question that the service wants to ask: nobody may be there.
    fn dismiss(&mut self, prompt: &str) -> Trouble {
        if let Ok(dismiss) = method(prompt, "org.freedesktop.Secret.Prompt", "Dismiss") {
            let _ = self.call(dismiss);
        }
        Trouble::Asks
    }
}

/// Connecting to a socket whose owner hangs can wait for ever once its queue is full, and libdbus
/// sets no limit: so it is tried first without waiting.
fn takes_connections(address: &str) -> Result<(), Trouble> {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
    let Some(rest) = address.strip_prefix("unix:path=") else { return Ok(()) };
    let path = rest.split([',', ';']).next().unwrap_or(rest);
    if path.contains('%') {
        return Ok(());
    }
    let Ok(socket) = SocketAddrUnix::new(path) else { return Ok(()) };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let kind = SocketType::STREAM;
    let tried = rustix::net::socket_with(AddressFamily::UNIX, kind, flags, None)
        .and_then(|fd| rustix::net::connect(fd, &socket));
    match tried {
        Err(rustix::io::Errno::AGAIN) => Err(Trouble::Mute),
        // Any other reason is put into words by libdbus.
        _ => Ok(()),
    }
}

fn method(path: &str, interface: &str, name: &str) -> Result<Message, Trouble> {
    Message::new_method_call(NAME, path, interface, name).map_err(Trouble::Failed)
}

fn odd(error: dbus::arg::TypeMismatchError) -> Trouble {
    Trouble::Failed(format!("its answer has an unknown form ({error})"))
}

/// Sorts error replies by their names.
fn judge(message: Message) -> Result<Message, Trouble> {
    if message.msg_type() != MessageType::Error {
        return Ok(message);
    }
    let mut message = message;
    let Err(error) = message.as_result() else { return Ok(message) };
    let name = error.name().unwrap_or("");
    Err(match name.strip_prefix("org.freedesktop.").unwrap_or(name) {
        "Secret.Error.IsLocked" => Trouble::Locked,
        "DBus.Error.ServiceUnknown" | "DBus.Error.NameHasNoOwner" => Trouble::NoService,
        spawn if spawn.starts_with("DBus.Error.Spawn.") => Trouble::NoService,
        "DBus.Error.NoReply" | "DBus.Error.Timeout" | "DBus.Error.TimedOut" => Trouble::Mute,
        name => {
            let said = format!("{name}: {}", error.message().unwrap_or(""));
            Trouble::Failed(text::one_line(&said))
        }
    })
}
