//! Prompts of a Secret Service, with a fake service that the test controls.
//!
//! It is on a session bus of its own. It creates items by a prompt, as KeePassXC does, and its only collection can be
//! locked.

use std::collections::HashMap;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dbus::Message;
use dbus::arg::{PropMap, RefArg, Variant};
use dbus::channel::Channel;
use dbus::strings::Path as ObjectPath;
use oauthctl_core::port::GrantStore;
use oauthctl_core::store::KeyringStore;
use oauthctl_core::store::keyring::{AttendedKeyring, KeyringUser, SecretService};

use crate::scene::{AGES, block_on, grant, key};
use crate::secret_service::{Session, told};

const NAME: &str = "org.freedesktop.secrets";
const COLLECTION: &str = "/org/freedesktop/secrets/collection/one";
const PROMPT: &str = "/org/freedesktop/secrets/prompt/one";

/// How a prompt ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Completed before `Prompt` itself is answered.
    AtOnce,
    /// Completed after this time.
    After(Duration),
    /// Dismissed by the user.
    Dismissed,
    /// Never; but another program on the bus claims that it is completed.
    Forged,
}

/// A session bus with such a service.
struct Service {
    session: Session,
    seen: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = self.thread.take().unwrap().join();
    }
}

/// What the service knows.
struct State {
    channel: Channel,
    forger: Channel,
    locked: bool,
    /// The item: its attributes and its secret.
    item: Option<(HashMap<String, String>, Vec<u8>)>,
    /// What a prompt is for.
    asked: Option<(HashMap<String, String>, Vec<u8>)>,
    end: End,
}

impl State {
    fn answer(&mut self, message: &Message) -> Option<Message> {
        let reply = message.method_return();
        let slash = ObjectPath::from("/");
        Some(match &*message.member()? {
            "OpenSession" => reply.append2(Variant(""), ObjectPath::from("/session")),
            "SearchItems" => {
                let wanted: HashMap<String, String> = message.read1().unwrap();
                let fits = |(attributes, _): &&(HashMap<String, String>, Vec<u8>)| {
                    wanted.iter().all(|(name, value)| attributes.get(name) == Some(value))
                };
                let found = self.item.as_ref().filter(fits).filter(|_| !self.locked);
                let found: Vec<ObjectPath<'_>> =
                    found.map(|_| ObjectPath::from("/item")).into_iter().collect();
                reply.append2(found, Vec::<ObjectPath<'_>>::new())
            }
            "ReadAlias" => reply.append1(ObjectPath::from(COLLECTION)),
            "Get" => reply.append1(Variant(self.locked)),
            "GetSecret" => {
                let value = self.item.as_ref().unwrap().1.clone();
                reply.append1((ObjectPath::from("/session"), Vec::<u8>::new(), value, "text/plain"))
            }
            "CreateItem" => {
                type Wire = (ObjectPath<'static>, Vec<u8>, Vec<u8>, String);
                let (properties, wire): (PropMap, Wire) = message.read2().unwrap();
                let attributes = &properties["org.freedesktop.Secret.Item.Attributes"].0;
                let mut all =
                    attributes.as_iter().unwrap().map(|text| text.as_str().unwrap().to_owned());
                let mut named = HashMap::new();
                while let (Some(name), Some(value)) = (all.next(), all.next()) {
                    named.insert(name, value);
                }
                self.asked = Some((named, wire.2));
                reply.append2(slash, ObjectPath::from(PROMPT))
            }
            "Unlock" => reply.append2(Vec::<ObjectPath<'_>>::new(), ObjectPath::from(PROMPT)),
            "Prompt" => return self.prompt(reply),
            _ => reply,
        })
    }

    fn prompt(&mut self, reply: Message) -> Option<Message> {
        match self.end {
            End::AtOnce => {
                self.complete(false);
                Some(reply)
            }
            End::After(wait) => {
                self.channel.send(reply).unwrap();
                std::thread::sleep(wait);
                self.complete(false);
                None
            }
            End::Dismissed => {
                self.channel.send(reply).unwrap();
                self.complete(true);
                None
            }
            End::Forged => {
                self.forger.send(completed(false, "/item")).unwrap();
                self.forger.flush();
                Some(reply)
            }
        }
    }

    fn complete(&mut self, dismissed: bool) {
        if !dismissed {
            match self.asked.take() {
                Some(item) => self.item = Some(item),
                None => self.locked = false,
            }
        }
        self.channel.send(completed(dismissed, "/item")).unwrap();
    }
}

fn completed(dismissed: bool, item: &'static str) -> Message {
    let signal = Message::new_signal(PROMPT, "org.freedesktop.Secret.Prompt", "Completed").unwrap();
    signal.append2(dismissed, Variant(ObjectPath::from(item)))
}

impl Service {
    fn start(locked: bool, end: End) -> Self {
        let session = Session::new();
        let open = || {
            let mut channel = Channel::open_private(&session.address).unwrap();
            channel.register().unwrap();
            channel
        };
        let (channel, forger) = (open(), open());
        let bus = "org.freedesktop.DBus";
        let request = Message::new_method_call(bus, "/", bus, "RequestName").unwrap();
        channel.send_with_reply_and_block(request.append2(NAME, 0_u32), AGES).unwrap();
        let mut state = State { channel, forger, locked, item: None, asked: None, end };
        let (seen, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (also_seen, also_stop) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !also_stop.load(Ordering::SeqCst) {
                let Ok(next) = state.channel.blocking_pop_message(Duration::from_millis(20)) else {
                    return;
                };
                let Some(message) =
                    next.filter(|one| one.msg_type() == dbus::MessageType::MethodCall)
                else {
                    continue;
                };
                also_seen.lock().unwrap().push(message.member().unwrap().to_string());
                if let Some(reply) = state.answer(&message) {
                    state.channel.send(reply).unwrap();
                }
                state.channel.flush();
            }
        });
        Self { session, seen, stop, thread: Some(thread) }
    }

    fn saw(&self, method: &str) -> bool {
        self.seen.lock().unwrap().iter().any(|one| one == method)
    }

    fn sealed(&self) -> std::path::PathBuf {
        self.session.folder.path().join("sealed")
    }

    /// A store without a user who could answer prompts.
    fn alone(&self, patience: Duration) -> KeyringStore {
        let service = SecretService::new(Some(self.session.address.clone()), patience);
        KeyringStore::on(Arc::new(service), self.sealed())
    }

    /// A store with a user, and how many times the user was notified of a prompt.
    fn attended(&self, patience: Duration) -> (AttendedKeyring, Arc<AtomicUsize>) {
        let told = Arc::new(AtomicUsize::new(0));
        let also_told = Arc::clone(&told);
        let notice = move || {
            also_told.fetch_add(1, Ordering::SeqCst);
        };
        let user = KeyringUser { patience, notice: Arc::new(notice) };
        let service = SecretService::new(Some(self.session.address.clone()), SOON);
        let service = Arc::new(service.with_user(user));
        let store = Arc::new(KeyringStore::on(Arc::clone(&service), self.sealed()));
        (AttendedKeyring::new(store, service), told)
    }
}

/// The time limit of an operation that does not wait for the user.
const SOON: Duration = Duration::from_secs(2);

fn saves_and_loads(store: &dyn GrantStore) {
    let saved = grant(&key("profile", "default"), 1, 10);
    block_on(store.save(&saved)).unwrap();
    assert_eq!(block_on(store.load(&saved.key)).unwrap(), Some(saved));
}

#[test]
fn prompt_without_a_question_is_completed() {
    for end in [End::AtOnce, End::After(Duration::from_millis(50))] {
        saves_and_loads(&Service::start(false, end).alone(AGES));
    }
}

#[test]
fn dismissed_prompt_is_an_error_at_once() {
    let service = Service::start(false, End::Dismissed);
    let saved = grant(&key("profile", "default"), 1, 10);
    told(&block_on(service.alone(AGES).save(&saved)).unwrap_err(), "was dismissed");
}

#[test]
fn forged_completion_of_a_prompt_is_ignored() {
    let service = Service::start(false, End::Forged);
    let saved = grant(&key("profile", "default"), 1, 10);
    told(&block_on(service.alone(SOON).save(&saved)).unwrap_err(), "prompt was not answered");
    let end = Instant::now() + AGES;
    while !service.saw("Dismiss") {
        assert!(Instant::now() < end, "the prompt stays open");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn locked_collection_is_unlocked_for_a_user_alone() {
    let service = Service::start(true, End::AtOnce);
    let saved = grant(&key("profile", "default"), 1, 10);
    told(&block_on(service.alone(AGES).load(&saved.key)).unwrap_err(), "is locked");
    assert!(!service.saw("Unlock") && !service.saw("Prompt"));
    let (store, told_of) = service.attended(AGES);
    assert_eq!(block_on(store.load(&saved.key)).unwrap(), None);
    assert_eq!(told_of.load(Ordering::SeqCst), 0, "it was over in a moment");
}

#[test]
fn user_is_told_of_a_prompt_and_waited_for() {
    // Longer than an operation may take without a user.
    let service = Service::start(false, End::After(SOON + Duration::from_millis(500)));
    let (store, told_of) = service.attended(AGES);
    saves_and_loads(&store);
    assert_eq!(told_of.load(Ordering::SeqCst), 1);
}

#[test]
fn user_who_does_not_answer_leaves_it_locked() {
    let saved = grant(&key("profile", "default"), 1, 10);
    for end in [End::Forged, End::Dismissed] {
        let service = Service::start(true, end);
        let (store, _) = service.attended(Duration::from_millis(200));
        told(&block_on(store.load(&saved.key)).unwrap_err(), "is locked");
    }
}

/// Nothing else stands still meanwhile: a signal, for one, ends the wait.
#[test]
fn waiting_for_the_user_does_not_block_the_caller() {
    let service = Service::start(false, End::Forged);
    let (store, _) = service.attended(AGES);
    let saved = grant(&key("profile", "default"), 1, 10);
    let begun = Instant::now();
    block_on(async {
        tokio::select! {
            saved = store.save(&saved) => panic!("{saved:?}"),
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
    });
    assert!(begun.elapsed() < AGES / 2, "{:?}", begun.elapsed());
}
