//! One issuer: its scenarios, its memory, and how a request is answered.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::clock::unix;
use super::endpoint::Endpoint;
use super::keys::Keyring;
use super::reply::{Answer, Content, Outcome, Refusal, Reply};
use super::request::Call;
use super::scenario::{Cue, Effects};
use super::store::Store;
use super::transport::Transport;
use super::{SandboxOptions, authorize, device, metadata, page, register, resource, token};

/// What all issuers of a sandbox have in common.
pub(super) struct Shared {
    /// `http://127.0.0.1:PORT`.
    pub(super) origin: String,
    pub(super) options: SandboxOptions,
    pub(super) keys: Keyring,
}

/// One issuer.
pub(super) struct Realm {
    pub(super) issuer: String,
    pub(super) effects: Effects,
    pub(super) shared: Arc<Shared>,
    store: Mutex<Store>,
    jwks_fetches: AtomicU64,
}

impl Realm {
    /// An issuer at this path that has seen nothing yet.
    pub(super) fn new(shared: Arc<Shared>, path: &str, effects: Effects) -> Self {
        let issuer = format!("{}{path}", shared.origin);
        Self { issuer, effects, shared, store: Mutex::default(), jwks_fetches: AtomicU64::new(0) }
    }

    /// The time, in seconds since 1970.
    pub(super) fn now(&self) -> u64 {
        unix(self.shared.options.clock.now())
    }

    /// The memory. Nobody waits for anything while holding it.
    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The URL of an endpoint.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// What effects may know.
    pub(super) fn cue(&self) -> Cue<'_> {
        Cue {
            issuer: &self.issuer,
            origin: &self.shared.origin,
            now: self.now(),
            keys: &self.shared.keys,
            jwks_fetches: self.jwks_fetches.load(Ordering::Relaxed),
            argument: "",
        }
    }

    /// Answers a request, and says how the answer is to be sent where that is not by HTTP.
    pub(super) async fn answer(&self, call: &Call) -> (Answer, Option<Transport>) {
        let delay = self.effects.delay(call);
        if delay > 0 {
            self.shared.options.clock.sleep(Duration::from_secs(delay)).await;
        }
        let cue = self.cue();
        let instead = self.effects.instead(call, &cue, |name| self.store().happened.insert(name));
        let reply = instead.unwrap_or_else(|| {
            let mut reply = self.handle(call).unwrap_or_else(Reply::from);
            if let (200..300, Content::Json(json)) = (reply.status, &mut reply.content) {
                self.effects.edit(call, json, &cue);
            }
            reply
        });
        let mut answer = reply.render();
        self.effects.rewrite(call, &mut answer, &cue);
        (answer, self.effects.transport(call))
    }

    fn handle(&self, call: &Call) -> Outcome {
        match call.endpoint {
            Endpoint::Index => Ok(page::index(self)),
            Endpoint::Metadata => Ok(metadata::server(self)),
            Endpoint::ResourceMetadata => Ok(metadata::resource(self)),
            Endpoint::Jwks => {
                let reply = metadata::jwks(self);
                self.jwks_fetches.fetch_add(1, Ordering::Relaxed);
                Ok(reply)
            }
            Endpoint::Authorize => Ok(authorize::authorize(self, call)),
            Endpoint::Consent => Ok(authorize::consent(self, call)),
            Endpoint::PushedAuthorization => authorize::push(self, call),
            Endpoint::Token => token::token(self, call),
            Endpoint::DeviceAuthorization => device::authorize(self, call),
            Endpoint::Verification => Ok(device::verify(self, call)),
            Endpoint::Revocation => resource::revoke(self, call),
            Endpoint::Introspection => resource::introspect(self, call),
            Endpoint::Userinfo => resource::userinfo(self, call),
            Endpoint::Resource => resource::protected(self, call),
            Endpoint::Registration => register::register(self, call),
            Endpoint::EndSession => Ok(resource::end_session(self, call)),
            Endpoint::Canary => Ok(Reply::bytes(200, "text/plain; charset=utf-8", "canary\n")),
            Endpoint::Journal | Endpoint::Unknown => {
                Err(Refusal::new("not_found", "there is no such endpoint").status(404))
            }
        }
    }
}
