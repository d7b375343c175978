//! Derives events from changes of the store.

use oauthctl_core::grant::{AccountEntry, LastError};
use oauthctl_core::{ErrorKind, Grant};

use super::model::{Event, Kind};
use crate::flow::Place;

/// The most scopes that an event names, and the most bytes that they have: each webhook gets a copy.
const SCOPES: (usize, usize) = (100, 4_096);

/// Returns the first scopes, as many as an event names.
fn first(scopes: &[String]) -> Vec<String> {
    let mut left = SCOPES.1;
    let fits = |scope: &&String| {
        let fits = scope.len() <= left;
        left = left.saturating_sub(scope.len());
        fits
    };
    scopes.iter().take(SCOPES.0).take_while(fits).cloned().collect()
}

fn of_grant(kind: Kind, place: &Place, grant: &Grant) -> Event {
    Event {
        kind,
        grant_id: grant.id.clone(),
        provider: place.provider.clone(),
        user: place.user.clone(),
        scopes: first(&grant.tokens.scopes),
        expires_at: grant.tokens.expires_at.map(|at| at.to_string()),
        error: None,
        oauth_error: None,
    }
}

/// Returns the events for a grant that replaces an earlier one. `failing` is what is known about the earlier
/// one: whether its last refresh failed.
pub fn of_save(
    place: &Place,
    before: Option<&Grant>,
    grant: &Grant,
    failing: Option<&AccountEntry>,
) -> Vec<Event> {
    if place.is_unconfirmed() {
        return Vec::new();
    }
    let event = |kind| of_grant(kind, place, grant);
    let was_failing = before.is_some_and(|before| before.dead.is_some())
        || failing.is_some_and(|entry| entry.last_error.is_some() || entry.login_required);
    let Some(before) = before else { return vec![event(Kind::Created)] };
    if grant.dead.is_some() && before.dead.is_none() {
        let error = Some(ErrorKind::LoginRequired.word().to_owned());
        return vec![Event { error, ..event(Kind::LoginRequired) }];
    }
    let is_new = before.id != grant.id;
    let is_replaced = before.tokens.withheld
        || before.tokens.access_token != grant.tokens.access_token
        || before.refreshed_at != grant.refreshed_at;
    let mut events = Vec::new();
    if is_new {
        events.push(event(Kind::Created));
    } else if is_replaced && !grant.tokens.withheld && grant.dead.is_none() {
        events.push(event(Kind::Refreshed));
    }
    if was_failing && !events.is_empty() {
        events.push(event(Kind::Recovered));
    }
    events
}

/// Returns the event for a recorded failure, if the connection worked before.
pub fn of_failure(
    place: &Place,
    before: Option<&AccountEntry>,
    entry: &AccountEntry,
    is_dead: bool,
) -> Vec<Event> {
    let event = |kind, last: Option<&LastError>| Event {
        kind,
        grant_id: entry.grant_id.clone(),
        provider: place.provider.clone(),
        user: place.user.clone(),
        scopes: first(&entry.scopes),
        expires_at: entry.expires_at.map(|at| at.to_string()),
        error: last.and_then(|last| last.error.clone()),
        oauth_error: last.and_then(|last| last.oauth_error.clone()),
    };
    let knew = |is: fn(&AccountEntry) -> bool| before.is_some_and(is);
    if place.is_unconfirmed() {
        return Vec::new();
    }
    let last = entry.last_error.as_ref();
    if entry.login_required {
        // A grant that was saved as dead has been reported already.
        let is_known = is_dead || knew(|entry| entry.login_required);
        let event = || Event {
            error: Some(ErrorKind::LoginRequired.word().to_owned()),
            ..event(Kind::LoginRequired, last)
        };
        return if is_known { Vec::new() } else { vec![event()] };
    }
    match last {
        Some(last) if !knew(|entry| entry.last_error.is_some()) => {
            vec![event(Kind::RefreshFailed, Some(last))]
        }
        _ => Vec::new(),
    }
}

/// Returns the events for a grant that is removed.
pub fn of_removal(place: &Place, grant: Option<&Grant>) -> Vec<Event> {
    let grant = grant.filter(|_| !place.is_unconfirmed());
    grant.map(|grant| of_grant(Kind::Revoked, place, grant)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_names_a_bounded_number_of_scopes() {
        let short: Vec<String> = (0..300).map(|n| format!("s{n}")).collect();
        assert_eq!(first(&short), short[..100]);
        let long = vec!["x".repeat(1_500); 5];
        assert_eq!(first(&long), long[..2]);
        assert!(first(&["x".repeat(100_000)]).is_empty());
    }
}
