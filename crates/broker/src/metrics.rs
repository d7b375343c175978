//! Metrics for Prometheus: counted in this process, or read from the store on request.
//!
//! No label contains the name of a tenant or a user, and each has few values: a provider has a label of its
//! own only if it has a preset.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use oauthctl_core::Secret;
use oauthctl_core::profile::presets;

use crate::clock::now_seconds;
use crate::storage::{Space, Storage};
use crate::vault::Vault;

/// The route of tokens that are answered from memory, before the router.
pub const TOKEN: &str = "/v1/connections/{provider}/{user}/token";

/// After how many seconds without a successful refresh a connection counts as stuck.
const STUCK: u64 = 600;

/// Maximum number of records that are counted.
const COUNTED: usize = 100_000;

/// The upper bounds of the histogram, in seconds.
const BOUNDS: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The metrics of this process.
pub static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::default);

/// Counters and a histogram.
#[derive(Debug, Default)]
pub struct Metrics {
    requests: Mutex<BTreeMap<(String, u16), u64>>,
    /// Token responses from memory: too many for a lock.
    fast: AtomicU64,
    refreshes: Mutex<BTreeMap<(String, String), u64>>,
    durations: [AtomicU64; BOUNDS.len()],
    duration_count: AtomicU64,
    duration_millis: AtomicU64,
    /// Files of the spool that cannot be decrypted.
    unopened: AtomicUsize,
    /// The key that protects the metrics of a broker that other machines can reach.
    key: OnceLock<Option<Secret>>,
}

impl Metrics {
    /// Sets the key that protects the metrics, once.
    pub fn set_key(&self, key: Option<Secret>) {
        let _ = self.key.set(key);
    }

    /// Returns whether this is the key that protects the metrics.
    pub fn is_key(&self, given: &str) -> bool {
        self.key.get().and_then(Option::as_ref).is_some_and(|key| *key == Secret::new(given))
    }

    /// Sets the number of files of the spool that cannot be decrypted.
    pub fn set_unopened(&self, count: usize) {
        self.unopened.store(count, Ordering::Relaxed);
    }

    /// Counts a response from memory.
    pub fn answered_fast(&self) {
        self.fast.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a response of a route, with its status.
    pub fn answered(&self, route: &str, status: u16) {
        let class = status / 100;
        let mut all = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get_mut(&(route.to_owned(), class)) {
            Some(count) => *count += 1,
            None => drop(all.insert((route.to_owned(), class), 1)),
        }
    }

    /// Counts a refresh of a tenant's provider: `success`, or the word of the error.
    pub fn refreshed(&self, provider: &str, outcome: &str) {
        let provider = if presets::find(provider).is_some() { provider } else { "other" };
        let mut all = self.refreshes.lock().unwrap_or_else(PoisonError::into_inner);
        *all.entry((provider.to_owned(), outcome.to_owned())).or_default() += 1;
    }

    /// Records how long a refresh took.
    pub fn took(&self, time: Duration) {
        let at = BOUNDS.iter().position(|bound| time.as_secs_f64() <= *bound);
        if let Some(bucket) = at.and_then(|at| self.durations.get(at)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.duration_count.fetch_add(1, Ordering::Relaxed);
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.duration_millis.fetch_add(millis, Ordering::Relaxed);
    }

    /// Returns everything in the text format of Prometheus.
    pub async fn text(&self, vault: &Vault) -> String {
        let mut text = Text::default();
        self.write_requests(&mut text);
        self.write_refreshes(&mut text);
        let name = "token_files_unopened";
        text.head(name, "gauge", "Files with tokens waiting to be stored that cannot be opened.");
        text.line(name, &[], self.unopened.load(Ordering::Relaxed));
        let name = "records_unreadable";
        text.head(name, "gauge", "Records that this instance could not read.");
        text.line(name, &[], vault.unreadable().count());
        write_store(&mut text, &**vault.storage()).await;
        text.0
    }

    fn write_requests(&self, text: &mut Text) {
        text.head("http_requests_total", "counter", "Requests by route and class of status.");
        let mut all = self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        *all.entry((TOKEN.to_owned(), 2)).or_default() += self.fast.load(Ordering::Relaxed);
        for ((route, class), count) in all {
            let class = format!("{class}xx");
            text.line("http_requests_total", &[("route", &route), ("status", &class)], count);
        }
    }

    fn write_refreshes(&self, text: &mut Text) {
        text.head("refreshes_total", "counter", "Refreshes by provider and outcome.");
        let all = self.refreshes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for ((provider, outcome), count) in all {
            let labels = [("provider", provider.as_str()), ("outcome", outcome.as_str())];
            text.line("refreshes_total", &labels, count);
        }
        let name = "refresh_duration_seconds";
        text.head(
            name,
            "histogram",
            "Duration of refreshes, including the response of the provider.",
        );
        let mut below = 0;
        for (bound, bucket) in BOUNDS.iter().zip(&self.durations) {
            below += bucket.load(Ordering::Relaxed);
            let (name, bound) = (format!("{name}_bucket"), bound.to_string());
            text.line(&name, &[("le", &bound)], below);
        }
        let count = self.duration_count.load(Ordering::Relaxed).max(below);
        text.line(&format!("{name}_bucket"), &[("le", "+Inf")], count);
        let millis = self.duration_millis.load(Ordering::Relaxed);
        text.line(&format!("{name}_sum"), &[], format!("{}.{:03}", millis / 1000, millis % 1000));
        text.line(&format!("{name}_count"), &[], count);
    }
}

/// Writes the metrics that all instances share. If the store fails, only that is reported.
async fn write_store(text: &mut Text, storage: &dyn Storage) {
    let now = now_seconds();
    let gauges = [
        ("refreshes_pending", "Connections whose refresh is due.", Space::Grants, now),
        (
            "refreshes_stuck",
            "Connections whose refreshes have failed for ten minutes.",
            Space::Accounts,
            now.saturating_sub(STUCK),
        ),
        (
            "webhook_messages_outstanding",
            "Webhook messages that have not been accepted yet.",
            Space::Deliveries,
            now.saturating_mul(2),
        ),
    ];
    let mut is_up = true;
    for (name, help, space, until) in gauges {
        match storage.count_due(space, until, COUNTED).await {
            Ok(count) => {
                text.head(name, "gauge", help);
                text.line(name, &[], count);
            }
            Err(_) => is_up = false,
        }
    }
    text.head("store_up", "gauge", "Whether the store responds.");
    text.line("store_up", &[], u8::from(is_up));
}

/// The text format of Prometheus.
#[derive(Default)]
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP oauthctl_broker_{name} {help}");
        let _ = writeln!(self.0, "# TYPE oauthctl_broker_{name} {kind}");
    }

    /// Writes a sample. Label values are our own words, so none needs an escape.
    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.0, "oauthctl_broker_{name}{labels} {value}");
    }
}
