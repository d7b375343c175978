//! A connection to the Secret Service, over libdbus, with a deadline.

use std::time::{Duration, Instant};

use dbus::Message;
use dbus::arg::{Iter, Variant};
use dbus::channel::Channel;
use dbus::message::MessageType;
use dbus::strings::Path;

use super::bus_error::BusError;
use super::user::KeyringUser;
use crate::text;

const NAME: &str = "org.freedesktop.secrets";
pub(super) const ROOT: &str = "/org/freedesktop/secrets";
pub(super) const SERVICE: &str = "org.freedesktop.Secret.Service";
pub(super) const COLLECTION: &str = "org.freedesktop.Secret.Collection";
pub(super) const ITEM: &str = "org.freedesktop.Secret.Item";
pub(super) const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";
const BUS: &str = "org.freedesktop.DBus";

/// How long a prompt may be open before the user is notified.
const MOMENT: Duration = Duration::from_secs(1);

/// What to do if the service prompts.
#[derive(Clone)]
pub(super) enum Prompting {
    /// A prompt must end before the deadline, and nothing is unlocked: there may be no user.
    Brief,
    /// Nothing: the operation is repeated with the user.
    Deferred,
    /// The user has some time to answer each prompt.
    Attended(KeyringUser),
}

/// A connection, its session, and its deadline.
pub(super) struct Bus {
    channel: Channel,
    patience: Duration,
    deadline: Instant,
    prompting: Prompting,
    hello: u32,
    opening: u32,
    session: Option<Path<'static>>,
    early: Vec<Message>,
}

impl Bus {
    /// Opens a connection and requests a session, without waiting yet.
    pub(super) fn open(
        address: Option<&str>,
        patience: Duration,
        prompting: Prompting,
    ) -> Result<Self, BusError> {
        let address = address
            .filter(|address| !address.contains('\0'))
            .ok_or_else(|| BusError::NoBus("DBUS_SESSION_BUS_ADDRESS is not set".to_owned()))?;
        takes_connections(address)?;
        let channel = Channel::open_private(address).map_err(|error| {
            BusError::NoBus(text::one_line(error.message().unwrap_or("connection refused")))
        })?;
        let deadline = Instant::now() + patience;
        let (hello, opening, session, early) = (0, 0, None, vec![]);
        let mut bus =
            Self { channel, patience, deadline, prompting, hello, opening, session, early };
        bus.hello = bus.send(to_the_bus("Hello")?)?;
        let open = method(ROOT, SERVICE, "OpenSession")?;
        bus.opening = bus.send(open.append2("plain", Variant("")))?;
        Ok(bus)
    }

    /// Starts another operation.
    pub(super) fn begin(&mut self, patience: Duration, prompting: Prompting) {
        self.deadline = Instant::now() + patience;
        (self.patience, self.prompting) = (patience, prompting);
    }

    /// Keeps the connection for the next operation, unless it is broken.
    pub(super) fn keep<T>(
        self,
        done: Result<T, BusError>,
        kept: &mut Option<Self>,
    ) -> Result<T, BusError> {
        let spoilt = matches!(done, Err(BusError::Mute | BusError::NoBus(_)));
        if self.session.is_some() && !spoilt {
            *kept = Some(self);
        }
        done
    }

    pub(super) fn session(&mut self) -> Result<Path<'static>, BusError> {
        if let Some(session) = &self.session {
            return Ok(session.clone());
        }
        self.reply(self.hello)?;
        let opened = self.reply(self.opening)?;
        let (_, session): (Variant<String>, Path<'static>) = opened.read2().map_err(odd)?;
        self.session = Some(session.clone());
        Ok(session)
    }

    pub(super) fn send(&self, message: Message) -> Result<u32, BusError> {
        self.channel
            .send(message)
            .map_err(|()| BusError::Failed("out of memory for a message".into()))
    }

    /// Sends a message whose reply is ignored.
    fn tell(&self, mut message: Message) -> Result<(), BusError> {
        message.set_no_reply(true);
        self.send(message).map(drop)
    }

    pub(super) fn call(&mut self, message: Message) -> Result<Message, BusError> {
        let serial = self.send(message)?;
        self.reply(serial)
    }

    /// Returns the reply to this message.
    pub(super) fn reply(&mut self, serial: u32) -> Result<Message, BusError> {
        self.next(|message| message.get_reply_serial() == Some(serial)).and_then(ok_reply)
    }

    /// Returns the next expected message; others that will be needed are kept.
    fn next(&mut self, is_expected: impl Fn(&Message) -> bool) -> Result<Message, BusError> {
        if let Some(at) = self.early.iter().position(&is_expected) {
            return Ok(self.early.swap_remove(at));
        }
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(BusError::Mute);
            }
            // Rounded up to whole milliseconds: less would be a busy loop.
            let left = left.max(Duration::from_millis(1));
            match self.channel.blocking_pop_message(left) {
                Ok(Some(message)) if is_expected(&message) => return Ok(message),
                Ok(Some(message))
                    if message.get_reply_serial().is_some() || completes(&message) =>
                {
                    self.early.push(message);
                }
                Ok(_) if self.channel.is_connected() => {}
                _ => return Err(BusError::NoBus("it closed the connection".to_owned())),
            }
        }
    }

    /// Has the service run a prompt, and returns the path of the item that it created, if any. KeePassXC answers
    /// every creation and deletion with a prompt, even if it then asks the user nothing.
    pub(super) fn complete(&mut self, prompt: &Path<'static>) -> Result<Option<String>, BusError> {
        let dismiss = method(prompt, PROMPT, "Dismiss")?;
        if matches!(self.prompting, Prompting::Deferred) {
            self.tell(dismiss)?;
            return Err(BusError::Asks);
        }
        let rule = format!("type='signal',interface='{PROMPT}',member='Completed',path='{prompt}'");
        self.tell(to_the_bus("AddMatch")?.append1(rule))?;
        let prompted = self.call(method(prompt, PROMPT, "Prompt")?.append1(""))?;
        let service = prompted.sender();
        let completed = self.await_user(|message: &Message| {
            completes(message)
                && message.path().as_ref() == Some(prompt)
                && message.sender() == service
        });
        let completed = match completed {
            Err(BusError::Mute) => {
                self.tell(dismiss)?;
                self.channel.flush();
                return Err(BusError::Asks);
            }
            completed => completed?,
        };
        let (is_dismissed, Variant(mut result)): (bool, Variant<Iter<'_>>) =
            completed.read2().map_err(odd)?;
        if is_dismissed {
            return Err(BusError::Dismissed);
        }
        // What else the result can be does not matter. A value of any type (`RefArg`) would bring the code for all of
        // them into the program.
        let path = result.get::<Path<'_>>().map(|path| path.to_string());
        Ok(path.or_else(|| result.get::<String>()))
    }

    /// Waits for the end of a prompt, which may require the user; what follows has its own deadline.
    fn await_user(&mut self, is_end: impl Fn(&Message) -> bool) -> Result<Message, BusError> {
        let Prompting::Attended(user) = self.prompting.clone() else { return self.next(is_end) };
        self.deadline = Instant::now() + MOMENT.min(user.patience);
        let mut ended = self.next(&is_end);
        if matches!(ended, Err(BusError::Mute)) {
            (user.notice)();
            self.deadline = Instant::now() + user.patience;
            ended = self.next(is_end);
        }
        self.deadline = Instant::now() + self.patience;
        ended
    }

    /// Unlocks collections or items, if there is a user for it.
    pub(super) fn unlock(&mut self, locked: &[Path<'static>]) -> Result<(), BusError> {
        if !matches!(self.prompting, Prompting::Attended(_)) {
            return Err(self.why_locked(locked));
        }
        let unlocked = self.call(method(ROOT, SERVICE, "Unlock")?.append1(locked))?;
        let (_, prompt): (Vec<Path<'_>>, Path<'static>) = unlocked.read2().map_err(odd)?;
        match &*prompt {
            "/" => Ok(()),
            _ => match self.complete(&prompt) {
                // If the user does not unlock the collection, it stays locked.
                Err(BusError::Asks | BusError::Dismissed) => Err(BusError::Locked),
                completed => completed.map(drop),
            },
        }
    }

    /// Distinguishes items that require confirmation from items of a locked collection.
    fn why_locked(&mut self, locked: &[Path<'static>]) -> BusError {
        let item = locked.first().and_then(|item| item.rsplit_once('/'));
        match item.map(|(collection, _)| self.is_locked(collection)) {
            Some(Ok(false)) => BusError::Confirms,
            _ => BusError::Locked,
        }
    }

    fn is_locked(&mut self, collection: &str) -> Result<bool, BusError> {
        let get = method(collection, PROPERTIES, "Get")?.append2(COLLECTION, "Locked");
        let Variant(locked): Variant<bool> = self.call(get)?.read1().map_err(odd)?;
        Ok(locked)
    }

    /// Returns the default collection, which exists and is unlocked.
    pub(super) fn default_collection(&mut self) -> Result<Path<'static>, BusError> {
        match self.find_default_collection()? {
            (collection, false) => Ok(collection),
            (_, true) => Err(BusError::Locked),
        }
    }

    /// Returns the default collection, and whether it is locked.
    pub(super) fn find_default_collection(&mut self) -> Result<(Path<'static>, bool), BusError> {
        let alias = self.call(method(ROOT, SERVICE, "ReadAlias")?.append1("default"))?;
        let collection: Path<'static> = alias.read1().map_err(odd)?;
        if &*collection == "/" {
            return Err(BusError::NoCollection);
        }
        let locked = self.is_locked(&collection)?;
        Ok((collection, locked))
    }
}

fn completes(message: &Message) -> bool {
    message.msg_type() == MessageType::Signal
        && message.interface().as_deref() == Some(PROMPT)
        && message.member().as_deref() == Some("Completed")
}

/// Checks without blocking that the socket accepts connections. Connecting to a socket whose owner hangs
/// can block forever once its queue is full, and libdbus sets no limit.
fn takes_connections(address: &str) -> Result<(), BusError> {
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
        Err(rustix::io::Errno::AGAIN) => Err(BusError::Mute),
        // libdbus reports any other reason.
        _ => Ok(()),
    }
}

fn to_the_bus(name: &str) -> Result<Message, BusError> {
    Message::new_method_call(BUS, "/org/freedesktop/DBus", BUS, name).map_err(BusError::Failed)
}

pub(super) fn method(path: &str, interface: &str, name: &str) -> Result<Message, BusError> {
    Message::new_method_call(NAME, path, interface, name).map_err(BusError::Failed)
}

pub(super) fn odd(error: dbus::arg::TypeMismatchError) -> BusError {
    BusError::Failed(format!("its response has an unknown form ({error})"))
}

/// Classifies error replies by their names.
fn ok_reply(message: Message) -> Result<Message, BusError> {
    if message.msg_type() != MessageType::Error {
        return Ok(message);
    }
    let mut message = message;
    let Err(error) = message.as_result() else { return Ok(message) };
    let name = error.name().unwrap_or("");
    Err(match name.strip_prefix("org.freedesktop.").unwrap_or(name) {
        "Secret.Error.IsLocked" => BusError::Locked,
        "DBus.Error.ServiceUnknown" | "DBus.Error.NameHasNoOwner" => BusError::NoService,
        spawn if spawn.starts_with("DBus.Error.Spawn.") => BusError::NoService,
        "DBus.Error.NoReply" | "DBus.Error.Timeout" | "DBus.Error.TimedOut" => BusError::Mute,
        name => {
            let said = format!("{name}: {}", error.message().unwrap_or(""));
            BusError::Failed(text::one_line(&said))
        }
    })
}
