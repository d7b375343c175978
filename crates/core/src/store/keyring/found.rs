//! An item of the Secret Service, found by its attributes.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dbus::Signature;
use dbus::arg::{Append, Arg, ArgType, IterAppend, Variant};
use dbus::strings::Path;
use keyring_core::api::CredentialApi;
use keyring_core::{Credential, Error as KeyringError};
use zeroize::Zeroizing;

use super::bus::{Bus, COLLECTION, ITEM, PROPERTIES, Prompting, ROOT, SERVICE, method, odd};
use super::bus_error::BusError;
use super::user::KeyringUser;

/// A secret on the bus: session, parameters, value, content type.
type Wire = (Path<'static>, Vec<u8>, Vec<u8>, String);

/// The service, which its items share.
pub(super) struct Inner {
    pub(super) address: Option<String>,
    pub(super) patience: Duration,
    pub(super) bus: Mutex<Option<Bus>>,
    /// Paths of items that were found.
    pub(super) found: Mutex<HashMap<String, Place>>,
    pub(super) user: Option<KeyringUser>,
    /// Whether an operation ended because it would have required the user.
    pub(super) deferred: AtomicBool,
    /// Whether waiting for the user is allowed now.
    pub(super) attended: AtomicBool,
}

/// The path of an item, and when it was found there.
type Place = (Path<'static>, Instant);

/// How long an item is read at its last path without another search: one refresh. A service may reuse the
/// path of a deleted item, but not so soon, and the content identifies the record.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// How long an item is written at its last path: only right after it was read.
const WRITTEN_WITHIN: Duration = Duration::from_secs(1);

impl Inner {
    fn prompting(&self) -> Prompting {
        match &self.user {
            None => Prompting::Brief,
            Some(user) if self.attended.load(Ordering::SeqCst) => Prompting::Attended(user.clone()),
            Some(_) => Prompting::Deferred,
        }
    }

    /// Records an operation that requires the user.
    fn note<T>(&self, done: Result<T, BusError>) -> Result<T, BusError> {
        let takes_the_user =
            matches!(done, Err(BusError::Asks | BusError::Confirms | BusError::Locked));
        if takes_the_user && self.user.is_some() && !self.attended.load(Ordering::SeqCst) {
            self.deferred.store(true, Ordering::SeqCst);
        }
        done
    }
}

/// An item, by the attributes that identify it.
pub(super) struct Found {
    pub(super) service: Arc<Inner>,
    pub(super) attributes: HashMap<String, String>,
    pub(super) label: String,
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
    fn run<T>(&self, act: impl Fn(&mut Bus) -> Result<T, BusError>) -> Result<T, BusError> {
        let mut kept = self.service.bus.lock().unwrap_or_else(PoisonError::into_inner);
        let (prompting, patience) = (self.service.prompting(), self.service.patience);
        let noted = |done| self.service.note(done);
        if let Some(mut bus) = kept.take() {
            bus.begin(patience, prompting.clone());
            match act(&mut bus) {
                // The service may have been restarted since, which ends the session.
                Err(BusError::Failed(_) | BusError::NoBus(_) | BusError::NoService) => {}
                done => return noted(bus.keep(done, &mut kept)),
            }
        }
        let mut bus = Bus::open(self.service.address.as_deref(), patience, prompting)?;
        let done = act(&mut bus);
        noted(bus.keep(done, &mut kept))
    }

    /// Returns the matching items. None of them is locked. If there is none, the default collection exists
    /// and is unlocked, so that there really is none.
    fn items(&self, bus: &mut Bus) -> Result<Vec<Path<'static>>, BusError> {
        let (unlocked, locked) = self.search(bus)?;
        let locked = match (unlocked.is_empty(), locked.is_empty()) {
            (false, true) => return Ok(unlocked),
            (_, false) => locked,
            (true, true) => match bus.find_default_collection()? {
                (_, false) => return Ok(Vec::new()),
                (collection, true) => vec![collection],
            },
        };
        bus.unlock(&locked)?;
        match self.search(bus)? {
            (unlocked, locked) if locked.is_empty() => Ok(unlocked),
            _ => Err(BusError::Locked),
        }
    }

    /// Returns the matching items, unlocked and locked. A locked collection may hide its items.
    fn search(&self, bus: &mut Bus) -> Result<(Vec<Path<'static>>, Vec<Path<'static>>), BusError> {
        let asked = bus.send(method(ROOT, SERVICE, "SearchItems")?.append1(self.query()))?;
        bus.session()?;
        bus.reply(asked)?.read2().map_err(odd)
    }

    /// Acts on the one matching item: at its last path if it was found there within `within`, else where a
    /// search finds it. Returns `None` if there is none.
    fn at_item<T>(
        &self,
        bus: &mut Bus,
        within: Duration,
        act: impl Fn(&mut Bus, &Path<'static>) -> Result<T, BusError>,
    ) -> Result<Option<T>, Failure> {
        if let Some((path, _)) = self.known().filter(|(_, at)| at.elapsed() < within) {
            match act(bus, &path) {
                // The item or its service is gone, or the item is locked by now.
                Err(BusError::Failed(_) | BusError::Locked) => self.forget(),
                done => return Ok(Some(done?)),
            }
        }
        let items = self.items(bus)?;
        let Some(path) = single(&items)? else { return Ok(None) };
        self.know(path);
        Ok(Some(act(bus, path)?))
    }

    fn known(&self) -> Option<Place> {
        let found = self.service.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.get(self.attributes.get("username")?).cloned()
    }

    fn know(&self, path: &Path<'static>) {
        if let Some(user) = self.attributes.get("username") {
            let mut found = self.service.found.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            // Older paths are useless.
            found.retain(|_, (_, at)| now.duration_since(*at) < READ_WITHIN);
            found.insert(user.clone(), (path.clone(), now));
        }
    }

    fn forget(&self) {
        if let Some(user) = self.attributes.get("username") {
            self.service.found.lock().unwrap_or_else(PoisonError::into_inner).remove(user);
        }
    }

    fn write(&self, bus: &mut Bus, secret: &[u8]) -> Result<(), Failure> {
        let written = self.at_item(bus, WRITTEN_WITHIN, |bus, item| {
            let wire = (bus.session()?, Vec::<u8>::new(), secret, "text/plain");
            // Replacing by CreateItem prompts the user on some services; SetSecret does not.
            bus.call(method(item, ITEM, "SetSecret")?.append1(wire)).map(drop)
        })?;
        if written.is_some() {
            return Ok(());
        }
        let wire = (bus.session()?, Vec::<u8>::new(), secret, "text/plain");
        let collection = bus.default_collection()?;
        let properties = HashMap::from([
            (format!("{ITEM}.Label"), Property::Text(&self.label)),
            (format!("{ITEM}.Attributes"), Property::Texts(&self.attributes)),
        ]);
        let create = method(&collection, COLLECTION, "CreateItem")?;
        let created = bus.call(create.append3(properties, wire, false))?;
        let (item, prompt): (Path<'static>, Path<'static>) = created.read2().map_err(odd)?;
        if &*item != "/" {
            return Ok(());
        }
        match bus.complete(&prompt)? {
            Some(path) if path != "/" => Ok(()),
            _ => Err(BusError::Failed("it created no item".to_owned()).into()),
        }
    }
}

/// The value of a property of an item: a variant.
enum Property<'p> {
    Text(&'p str),
    Texts(&'p HashMap<String, String>),
}

impl Arg for Property<'_> {
    const ARG_TYPE: ArgType = ArgType::Variant;

    fn signature() -> Signature<'static> {
        Variant::<()>::signature()
    }
}

impl Append for Property<'_> {
    fn append_by_ref(&self, message: &mut IterAppend<'_>) {
        match self {
            Self::Text(text) => Variant(*text).append_by_ref(message),
            Self::Texts(texts) => {
                let signature = HashMap::<String, String>::signature();
                message.append_variant(&signature, |message| texts.append_by_ref(message));
            }
        }
    }
}

/// How looking for one item can fail.
enum Failure {
    BusError(BusError),
    Several,
}

impl From<BusError> for Failure {
    fn from(bus_error: BusError) -> Self {
        Self::BusError(bus_error)
    }
}

fn single<'a>(items: &'a [Path<'static>]) -> Result<Option<&'a Path<'static>>, Failure> {
    match items {
        [] => Ok(None),
        [item] => Ok(Some(item)),
        _ => Err(Failure::Several),
    }
}

/// Separates errors of an operation from errors that end its connection.
fn settle<T>(found: Result<T, Failure>) -> Result<keyring_core::Result<T>, BusError> {
    match found {
        Ok(value) => Ok(Ok(value)),
        Err(Failure::Several) => Ok(Err(KeyringError::Ambiguous(Vec::new()))),
        Err(Failure::BusError(bus_error)) => Err(bus_error),
    }
}

impl CredentialApi for Found {
    fn set_secret(&self, secret: &[u8]) -> keyring_core::Result<()> {
        self.run(|bus| settle(self.write(bus, secret)))?
    }

    fn get_secret(&self) -> keyring_core::Result<Vec<u8>> {
        let found = self.run(|bus| {
            let read = |bus: &mut Bus, item: &Path<'static>| {
                let session = bus.session()?;
                let reply = bus.call(method(item, ITEM, "GetSecret")?.append1(session))?;
                let (_, parameters, value, _): Wire = reply.read1().map_err(odd)?;
                drop(Zeroizing::new(parameters));
                self.know(item);
                Ok(value)
            };
            settle(self.at_item(bus, READ_WITHIN, read))
        })??;
        found.ok_or(KeyringError::NoEntry)
    }

    /// Returns the attributes that identify the item, if it exists. No secret is requested, so no service
    /// prompts the user.
    fn get_attributes(&self) -> keyring_core::Result<HashMap<String, String>> {
        let items = self.run(|bus| self.items(bus))?;
        if items.is_empty() { Err(KeyringError::NoEntry) } else { Ok(self.attributes.clone()) }
    }

    /// Sets the `label`; nothing else can be set.
    fn update_attributes(&self, attributes: &HashMap<&str, &str>) -> keyring_core::Result<()> {
        let Some(label) = attributes.get("label").filter(|_| attributes.len() == 1) else {
            return Err(KeyringError::NotSupportedByStore("only the label can be set".to_owned()));
        };
        let label = label.replace('\0', " ");
        let set = self.run(|bus| {
            settle(self.at_item(bus, WRITTEN_WITHIN, |bus, item| {
                let set = method(item, PROPERTIES, "Set")?;
                bus.call(set.append3(ITEM, "Label", Variant(label.as_str()))).map(drop)
            }))
        })??;
        set.ok_or(KeyringError::NoEntry)
    }

    /// Deletes every item that matches.
    fn delete_credential(&self) -> keyring_core::Result<()> {
        self.forget();
        let count = self.run(|bus| {
            let items = self.items(bus)?;
            for item in &items {
                let deleted = bus.call(method(item, ITEM, "Delete")?)?;
                let prompt: Path<'static> = deleted.read1().map_err(odd)?;
                if &*prompt != "/" {
                    bus.complete(&prompt)?;
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
