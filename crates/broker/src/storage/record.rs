//! The records of a store.

/// The kind of a record. Numbers and names are stored: never change them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Space {
    /// Records of the installation: keys, encrypted with the master key.
    Meta = 1,
    /// Tenants, by name; the tenant of the key is empty.
    Tenants = 2,
    /// API keys, by their hash; the tenant of the key is empty.
    ApiKeys = 3,
    /// The names of a tenant's API keys, by the id of the key.
    KeyNames = 4,
    /// Providers, by name.
    Providers = 5,
    /// Grants, by provider and hashed user; due when the background worker should process them.
    Grants = 6,
    /// What is known about a grant without its tokens, under the same ids.
    Accounts = 7,
    /// Intents to spend a refresh token, under the same ids.
    Intents = 8,
    /// Started authorizations of the core, by their `jti`.
    Pending = 9,
    /// Links for users, by their hash.
    Links = 10,
    /// Authorizations in a browser, by the hash of their state.
    Flows = 11,
    /// Confirmations that applications must make, by their hash.
    Confirmations = 12,
    /// Webhooks, by name.
    Webhooks = 13,
    /// Deliveries of webhooks; due at the next attempt.
    Deliveries = 14,
    /// Rules, by event and provider.
    Rules = 15,
    /// Sign-ups, by the hash of the address.
    SignUps = 16,
    /// The audit log, by time.
    Audit = 17,
    /// Counters of rate limits that all instances share.
    Limits = 18,
    /// Grants that the application has not confirmed yet.
    Unconfirmed = 19,
    /// The delivery state of a webhook, by its name.
    Endpoints = 20,
    /// Sessions of the operator, by their hash; the tenant is empty.
    Sessions = 21,
    /// The links that applications got instead of tokens, by provider and hashed user.
    Renewals = 22,
    /// Places among the connections of a tenant that are kept for flows, by account.
    Reservations = 23,
    /// One for each of the [`Flows`](Self::Flows) of a tenant, to count them.
    OpenFlows = 24,
}

impl Space {
    /// Every space.
    pub const ALL: [Self; 24] = [
        Self::Meta,
        Self::Tenants,
        Self::ApiKeys,
        Self::KeyNames,
        Self::Providers,
        Self::Grants,
        Self::Accounts,
        Self::Intents,
        Self::Pending,
        Self::Links,
        Self::Flows,
        Self::Confirmations,
        Self::Webhooks,
        Self::Deliveries,
        Self::Rules,
        Self::SignUps,
        Self::Audit,
        Self::Limits,
        Self::Unconfirmed,
        Self::Endpoints,
        Self::Sessions,
        Self::Renewals,
        Self::Reservations,
        Self::OpenFlows,
    ];

    /// Returns the number under which it is stored.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Returns the space of this number.
    pub fn of_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|space| space.number() == number)
    }

    /// Returns whether changes are recorded in the feed, because instances cache these records.
    pub fn is_watched(self) -> bool {
        matches!(
            self,
            Self::Meta
                | Self::Tenants
                | Self::ApiKeys
                | Self::Providers
                | Self::Grants
                | Self::Webhooks
                | Self::Rules
        )
    }
}

/// The key of a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The space.
    pub space: Space,
    /// The name of the tenant; empty for what belongs to none.
    pub tenant: String,
    /// The id, compared byte for byte. At most 200 bytes of printable ASCII.
    pub id: String,
}

impl Key {
    /// Creates a key.
    pub fn new(space: Space, tenant: impl Into<String>, id: impl Into<String>) -> Self {
        Self { space, tenant: tenant.into(), id: id.into() }
    }
}

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The key.
    pub key: Key,
    /// Increases by one with every write, starting at 1. A record that is removed and written again
    /// starts at a revision that
    /// no earlier record of the key had, or at 1.
    pub revision: u64,
    /// The encrypted value.
    pub value: Vec<u8>,
    /// When it is due for processing, in Unix seconds.
    pub due_at: Option<u64>,
    /// When it expires, in Unix seconds.
    pub expires_at: Option<u64>,
}

/// The condition of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Always,
    /// There is no record of this key that has not expired.
    Absent,
    /// There is one, with this revision.
    Revision(u64),
    /// No lock of this name was acquired after the one with this fencing token.
    Fence(String, u64),
}

/// A write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The key.
    pub key: Key,
    /// The encrypted value.
    pub value: Vec<u8>,
    /// See [`Record::due_at`].
    pub due_at: Option<u64>,
    /// See [`Record::expires_at`].
    pub expires_at: Option<u64>,
    /// The condition of the write.
    pub condition: Condition,
    /// Records that are removed in the same transaction.
    pub removes: Vec<Removal>,
}

impl Write {
    /// Creates a write of a record that is never due and never expires.
    pub fn new(key: Key, value: Vec<u8>, condition: Condition) -> Self {
        Self { key, value, due_at: None, expires_at: None, condition, removes: Vec::new() }
    }
}

/// A record that is removed together with a write. If there is no such record with this revision, nothing is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The key, in a space that is not [watched](Space::is_watched).
    pub key: Key,
    /// The revision.
    pub revision: u64,
}

impl From<Record> for Removal {
    fn from(record: Record) -> Self {
        Self { key: record.key, revision: record.revision }
    }
}

/// A record that is added together with a write. An existing record of this key is not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    /// The key, in a space that is not [watched](Space::is_watched).
    pub key: Key,
    /// The encrypted value.
    pub value: Vec<u8>,
    /// See [`Record::due_at`].
    pub due_at: Option<u64>,
    /// See [`Record::expires_at`].
    pub expires_at: Option<u64>,
}

/// The outcome of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is stored, with this revision.
    Stored(u64),
    /// The condition did not hold. Nothing was written.
    Refused,
}

/// A change of a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Change {
    /// The record that was written or removed.
    pub key: Key,
}

/// What has changed since a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The position after the last change.
    pub position: String,
    /// The changes, in order.
    pub changed: Vec<Change>,
    /// Whether changes may be missing because the position is too old. All caches must then be cleared.
    pub is_incomplete: bool,
}

/// Why a process opens a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// It serves requests. If only one process can, a second one is refused.
    Serve,
    /// It administers tenants or keys, or makes a copy, beside the processes that serve.
    Administer,
}
