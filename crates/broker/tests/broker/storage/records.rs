//! Records: what is written is read, on its conditions and within its time.

use oauthctl_broker::storage::{Addition, Condition, Key, Removal, Space, Write, Written};

use super::{Home, MINUTE, at_once, ids, key, now, on, value, write};

pub async fn a_record_is_read_back_as_it_was_written(home: &Home) {
    let store = home.open().await;
    let (due_at, expires_at) = (Some(7), Some(now() + 3600));
    let all = Write { due_at, expires_at, ..write(&key("a"), b"one") };
    assert_eq!(store.put(all).await.unwrap(), Written::Stored(1));
    let record = home.open().await.get(&key("a")).await.unwrap().unwrap();
    assert_eq!(record.key, key("a"));
    assert_eq!((record.revision, record.value.as_slice()), (1, &b"one"[..]));
    assert_eq!((record.due_at, record.expires_at), (due_at, expires_at));
    assert_eq!(store.put(write(&key("a"), b"two")).await.unwrap(), Written::Stored(2));
    let record = store.get(&key("a")).await.unwrap().unwrap();
    assert_eq!((record.revision, record.due_at, record.expires_at), (2, None, None));
    assert!(store.get(&key("b")).await.unwrap().is_none());
}

pub async fn a_value_may_be_any_bytes(home: &Home) {
    let store = home.open().await;
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    for bytes in [&bytes[..], b"", b"\0", b"\r\n"] {
        store.put(write(&key("a"), bytes)).await.unwrap();
        assert_eq!(value(&*store, &key("a")).await.as_deref(), Some(bytes));
    }
}

pub async fn names_are_compared_byte_for_byte(home: &Home) {
    let store = home.open().await;
    for id in ["ada", "Ada", "ada ", "a:b", "a", "b:a", "%", "_"] {
        assert!(store.get(&key(id)).await.unwrap().is_none(), "{id}");
        store.put(write(&key(id), id.as_bytes())).await.unwrap();
    }
    let other = Key::new(Space::Grants, "ACME", "ada");
    let another = Key::new(Space::Accounts, "acme", "ada");
    assert_eq!(value(&*store, &key("Ada")).await.unwrap(), b"Ada");
    assert_eq!(value(&*store, &other).await, None);
    assert_eq!(value(&*store, &another).await, None);
}

pub async fn a_write_on_absence_happens_once(home: &Home) {
    let store = home.open().await;
    let first = on(&key("a"), b"1", Condition::Absent);
    assert_eq!(store.put(first).await.unwrap(), Written::Stored(1));
    let second = on(&key("a"), b"2", Condition::Absent);
    assert_eq!(store.put(second).await.unwrap(), Written::Refused);
    assert_eq!(value(&*store, &key("a")).await.unwrap(), b"1");
    let ended = Write { expires_at: Some(now() - 1), ..write(&key("b"), b"old") };
    store.put(ended).await.unwrap();
    let new = on(&key("b"), b"new", Condition::Absent);
    assert!(matches!(store.put(new).await.unwrap(), Written::Stored(_)));
    assert_eq!(value(&*store, &key("b")).await.unwrap(), b"new");
}

pub async fn a_write_on_a_revision_needs_it(home: &Home) {
    let store = home.open().await;
    let missing = on(&key("a"), b"0", Condition::Revision(1));
    assert_eq!(store.put(missing).await.unwrap(), Written::Refused);
    store.put(write(&key("a"), b"1")).await.unwrap();
    let right = on(&key("a"), b"2", Condition::Revision(1));
    assert_eq!(store.put(right).await.unwrap(), Written::Stored(2));
    let late = on(&key("a"), b"3", Condition::Revision(1));
    assert_eq!(store.put(late).await.unwrap(), Written::Refused);
    assert!(!store.delete(&key("a"), Condition::Revision(1)).await.unwrap());
    assert_eq!(value(&*store, &key("a")).await.unwrap(), b"2");
    assert!(store.delete(&key("a"), Condition::Revision(2)).await.unwrap());
}

pub async fn one_of_many_writers_of_a_revision_wins(home: &Home) {
    home.open().await.put(write(&key("a"), b"0")).await.unwrap();
    let written = at_once(home, 16, |store, n| async move {
        store.put(on(&key("a"), &[u8::try_from(n).unwrap()], Condition::Revision(1))).await.unwrap()
    })
    .await;
    let stored = written.iter().filter(|written| **written == Written::Stored(2)).count();
    let refused = written.iter().filter(|written| **written == Written::Refused).count();
    assert_eq!((stored, refused), (1, 15));
}

pub async fn an_expired_record_does_not_exist(home: &Home) {
    let store = home.open().await;
    let ended = Write { expires_at: Some(now()), due_at: Some(1), ..write(&key("a"), b"x") };
    store.put(ended).await.unwrap();
    assert!(store.get(&key("a")).await.unwrap().is_none());
    assert!(!store.delete(&key("a"), Condition::Always).await.unwrap());
    let late = on(&key("a"), b"y", Condition::Revision(1));
    assert_eq!(store.put(late).await.unwrap(), Written::Refused);
    assert!(store.list(Space::Grants, "acme", "", None, 9).await.unwrap().is_empty());
    assert!(store.scan(Space::Grants, None, 9).await.unwrap().is_empty());
    assert!(store.due(Space::Grants, now(), 9).await.unwrap().is_empty());
    assert_eq!(store.count(Space::Grants, "acme", 9).await.unwrap(), 0);
}

pub async fn a_removed_record_is_gone_everywhere(home: &Home) {
    let store = home.open().await;
    store.put(Write { due_at: Some(1), ..write(&key("a"), b"x") }).await.unwrap();
    assert!(store.delete(&key("a"), Condition::Always).await.unwrap());
    assert!(!store.delete(&key("a"), Condition::Always).await.unwrap());
    assert!(store.get(&key("a")).await.unwrap().is_none());
    assert!(store.list(Space::Grants, "acme", "", None, 9).await.unwrap().is_empty());
    assert!(store.scan(Space::Grants, None, 9).await.unwrap().is_empty());
    assert!(store.due(Space::Grants, now(), 9).await.unwrap().is_empty());
    assert_eq!(store.count(Space::Grants, "acme", 9).await.unwrap(), 0);
}

pub async fn a_list_is_ordered_and_continues(home: &Home) {
    let store = home.open().await;
    for id in ["b/2", "b/10", "b/1", "b", "a/1", "c/1", "b/Z", "b/~"] {
        store.put(write(&key(id), b"x")).await.unwrap();
    }
    store.put(write(&Key::new(Space::Grants, "other", "b/9"), b"x")).await.unwrap();
    let first = store.list(Space::Grants, "acme", "b/", None, 3).await.unwrap();
    assert_eq!(ids(&first), ["b/1", "b/10", "b/2"]);
    let rest = store.list(Space::Grants, "acme", "b/", Some("b/2"), 9).await.unwrap();
    assert_eq!(ids(&rest), ["b/Z", "b/~"]);
    let from_before = store.list(Space::Grants, "acme", "b/", Some("a"), 1).await.unwrap();
    assert_eq!(ids(&from_before), ["b/1"]);
    let all = store.list(Space::Grants, "acme", "", None, 99).await.unwrap();
    assert_eq!(ids(&all), ["a/1", "b", "b/1", "b/10", "b/2", "b/Z", "b/~", "c/1"]);
}

pub async fn a_list_passes_over_what_has_expired(home: &Home) {
    let store = home.open().await;
    for n in 0..600 {
        let expires_at = (n % 300 != 299).then(|| now() - 1);
        let write = Write { expires_at, ..write(&key(&format!("{n:03}")), b"x") };
        store.put(write).await.unwrap();
    }
    let found = store.list(Space::Grants, "acme", "", None, 9).await.unwrap();
    assert_eq!(ids(&found), ["299", "599"]);
    let found = store.scan(Space::Grants, None, 9).await.unwrap();
    assert_eq!(ids(&found), ["299", "599"]);
}

pub async fn a_scan_covers_all_tenants_in_order(home: &Home) {
    let store = home.open().await;
    for (tenant, id) in [("b", "1"), ("a", "2"), ("ab", "0"), ("a", "1")] {
        store.put(write(&Key::new(Space::Grants, tenant, id), b"x")).await.unwrap();
    }
    store.put(write(&Key::new(Space::Accounts, "a", "1"), b"x")).await.unwrap();
    let mut seen = Vec::new();
    let mut after: Option<Key> = None;
    loop {
        let page = store.scan(Space::Grants, after.as_ref(), 1).await.unwrap();
        let Some(record) = page.into_iter().next() else { break };
        seen.push((record.key.tenant.clone(), record.key.id.clone()));
        after = Some(record.key);
    }
    let expected = [("a", "1"), ("a", "2"), ("ab", "0"), ("b", "1")];
    assert_eq!(seen, expected.map(|(tenant, id)| (tenant.to_owned(), id.to_owned())));
}

pub async fn the_earliest_due_comes_first(home: &Home) {
    let store = home.open().await;
    for (id, due_at) in [("c", Some(30)), ("a", Some(10)), ("b", Some(20)), ("d", None)] {
        store.put(Write { due_at, ..write(&key(id), b"x") }).await.unwrap();
    }
    assert_eq!(ids(&store.due(Space::Grants, 20, 9).await.unwrap()), ["a", "b"]);
    assert_eq!(ids(&store.due(Space::Grants, 99, 2).await.unwrap()), ["a", "b"]);
    store.put(write(&key("a"), b"no longer due")).await.unwrap();
    assert_eq!(ids(&store.due(Space::Grants, 99, 9).await.unwrap()), ["b", "c"]);
}

pub async fn due_records_of_others_are_found_alone(home: &Home) {
    let store = home.open().await;
    // More than are read in one step.
    for n in 0..300 {
        let key = key(&format!("p/{n:03}"));
        store.put(Write { due_at: Some(10), ..write(&key, b"x") }).await.unwrap();
    }
    let others =
        [("acme", "p"), ("acme", "q/1"), ("acme", "pp/1"), ("beta", "p/1"), ("acmes", "p/1")];
    for (due_at, (tenant, id)) in (20..).zip(others) {
        let key = Key::new(Space::Grants, tenant, id);
        store.put(Write { due_at: Some(due_at), ..write(&key, b"x") }).await.unwrap();
    }
    let due_except = async |except: &[&str], until| {
        let except: Vec<_> = except.iter().map(|&name| name.to_owned()).collect();
        let due = store.due_except(Space::Grants, until, &except, 99).await.unwrap();
        due.into_iter().map(|record| (record.key.tenant, record.key.id)).collect::<Vec<_>>()
    };
    let expected =
        |from: usize| others[from..].iter().map(|(t, i)| ((*t).to_owned(), (*i).to_owned()));
    assert_eq!(due_except(&["acme"], 99).await, expected(3).collect::<Vec<_>>());
    assert_eq!(due_except(&["acme/p"], 99).await, expected(1).collect::<Vec<_>>());
    let all = ["acme", "beta", "acmes"];
    assert_eq!(due_except(&all, 99).await, []);
    assert_eq!(
        due_except(&["acme/p", "acme/q"], 22).await,
        expected(2).take(1).collect::<Vec<_>>()
    );
    assert_eq!(due_except(&["other"], 99).await.len(), 99);
}

pub async fn one_of_many_claims_a_due_record(home: &Home) {
    let store = home.open().await;
    store.put(Write { due_at: Some(10), ..write(&key("a"), b"x") }).await.unwrap();
    let claimed = at_once(home, 16, |store, _| async move {
        store.reschedule(&key("a"), Some(10), Some(99)).await.unwrap()
    })
    .await;
    assert_eq!(claimed.iter().filter(|claimed| **claimed).count(), 1);
    let record = store.get(&key("a")).await.unwrap().unwrap();
    assert_eq!((record.due_at, record.revision), (Some(99), 1));
    assert!(store.reschedule(&key("a"), Some(99), None).await.unwrap());
    assert!(store.reschedule(&key("a"), None, Some(5)).await.unwrap());
    assert_eq!(ids(&store.due(Space::Grants, 5, 9).await.unwrap()), ["a"]);
    assert!(!store.reschedule(&key("missing"), None, Some(5)).await.unwrap());
}

pub async fn a_value_is_resealed_only_if_unchanged(home: &Home) {
    let store = home.open().await;
    store.put(write(&key("a"), b"old")).await.unwrap();
    assert!(!store.reseal(&key("a"), b"other", b"new").await.unwrap());
    assert!(store.reseal(&key("a"), b"old", b"new").await.unwrap());
    let record = store.get(&key("a")).await.unwrap().unwrap();
    assert_eq!((record.value.as_slice(), record.revision), (&b"new"[..], 1));
    assert!(!store.reseal(&key("missing"), b"old", b"new").await.unwrap());
}

pub async fn a_count_stops_at_its_limit(home: &Home) {
    let store = home.open().await;
    for n in 0..5 {
        store.put(write(&key(&n.to_string()), b"x")).await.unwrap();
    }
    assert_eq!(store.count(Space::Grants, "acme", 99).await.unwrap(), 5);
    assert_eq!(store.count(Space::Grants, "acme", 3).await.unwrap(), 3);
    assert_eq!(store.count(Space::Grants, "other", 3).await.unwrap(), 0);
    for n in 0..600 {
        let expires_at = (n % 2 == 0).then(|| now() - 1);
        let id = format!("p/{n}");
        store.put(Write { expires_at, ..write(&key(&id), b"x") }).await.unwrap();
    }
    for id in ["p", "pp/1", "q/1"] {
        store.put(write(&key(id), b"x")).await.unwrap();
    }
    for (prefix, limit, expected) in [("p/", 999, 300), ("p/", 7, 7), ("q", 9, 1), ("r", 9, 0)] {
        let count = store.count_prefixed(Space::Grants, "acme", prefix, limit).await.unwrap();
        assert_eq!(count, expected, "{prefix}");
    }
    assert_eq!(store.count(Space::Grants, "acme", 999).await.unwrap(), 308);
}

pub async fn removals_happen_with_their_write_only(home: &Home) {
    let store = home.open().await;
    let waiting = |id: &str| Key::new(Space::Unconfirmed, "acme", id);
    let remove = |id: &str, revision| Removal { key: waiting(id), revision };
    let fence = store.lock("l", "me", MINUTE).await.unwrap().unwrap();
    let held = Condition::Fence("l".to_owned(), fence);
    for id in ["1", "2"] {
        store.put(Write { due_at: Some(7), ..write(&waiting(id), b"x") }).await.unwrap();
    }
    let audit = Key::new(Space::Audit, "acme", "1");
    let add = || {
        let (key, value) = (audit.clone(), b"y".to_vec());
        vec![Addition { key, value, due_at: None, expires_at: None }]
    };
    // A record that has changed or is not there, and a condition that does not hold.
    let late = Condition::Fence("l".to_owned(), fence - 1);
    for (condition, removes) in [
        (held.clone(), vec![remove("1", 1), remove("2", 2)]),
        (held.clone(), vec![remove("1", 1), remove("3", 1)]),
        (Condition::Always, vec![remove("1", 2)]),
        (Condition::Revision(1), vec![remove("1", 1), remove("2", 1)]),
        (late, vec![remove("1", 1), remove("2", 1)]),
    ] {
        let write = Write { removes, ..on(&key("a"), b"z", condition) };
        assert_eq!(store.put_with(write, add()).await.unwrap(), Written::Refused);
    }
    assert_eq!(value(&*store, &key("a")).await, None);
    assert_eq!(value(&*store, &audit).await, None);
    assert_eq!(store.due(Space::Unconfirmed, 7, 9).await.unwrap().len(), 2);
    let moved = at_once(home, 8, |store, _| {
        let (held, removes) = (held.clone(), vec![remove("1", 1), remove("2", 1)]);
        async move { store.put(Write { removes, ..on(&key("a"), b"z", held) }).await.unwrap() }
    })
    .await;
    let moved: Vec<_> = moved.into_iter().filter(|written| *written != Written::Refused).collect();
    assert_eq!(moved, [Written::Stored(1)]);
    assert_eq!(value(&*store, &key("a")).await.unwrap(), b"z");
    assert_eq!(store.due(Space::Unconfirmed, 7, 9).await.unwrap(), []);
    assert_eq!(store.count(Space::Unconfirmed, "acme", 9).await.unwrap(), 0);
    store.put(write(&waiting("4"), b"x")).await.unwrap();
    let last = Write { removes: vec![remove("4", 1)], ..on(&key("a"), b"w", held.clone()) };
    assert_eq!(store.put_with(last, add()).await.unwrap(), Written::Stored(2));
    assert_eq!(value(&*store, &audit).await.unwrap(), b"y");
}

pub async fn additions_are_stored_with_their_write_only(home: &Home) {
    let store = home.open().await;
    let audit = |id: &str| Key::new(Space::Audit, "acme", id);
    let add = |id: &str, value: &[u8]| Addition {
        key: audit(id),
        value: value.to_vec(),
        due_at: Some(7),
        expires_at: Some(now() + 3600),
    };
    let written =
        store.put_with(write(&key("a"), b"1"), vec![add("1", b"x"), add("2", b"y")]).await;
    assert_eq!(written.unwrap(), Written::Stored(1));
    let all = store.list(Space::Audit, "acme", "", None, 9).await.unwrap();
    assert_eq!(ids(&all), ["1", "2"]);
    assert_eq!((all[0].value.as_slice(), all[0].revision, all[0].due_at), (&b"x"[..], 1, Some(7)));
    assert_eq!(store.due(Space::Audit, 7, 9).await.unwrap().len(), 2);
    assert_eq!(store.count_due(Space::Audit, 7, 9).await.unwrap(), 2);
    assert_eq!(store.count_due(Space::Audit, 7, 1).await.unwrap(), 1);
    assert_eq!(store.count_due(Space::Audit, 6, 9).await.unwrap(), 0);
    // What is refused adds nothing, whatever the condition.
    let fence = store.lock("l", "me", MINUTE).await.unwrap().unwrap();
    let late = Condition::Fence("l".to_owned(), fence - 1);
    for condition in [Condition::Absent, Condition::Revision(7), late.clone()] {
        let refused = store.put_with(on(&key("a"), b"2", condition), vec![add("3", b"z")]).await;
        assert_eq!(refused.unwrap(), Written::Refused);
    }
    for condition in [Condition::Revision(7), late] {
        assert!(!store.delete_with(&key("a"), condition, vec![add("3", b"z")]).await.unwrap());
    }
    assert!(!store.delete_with(&key("b"), Condition::Always, vec![add("3", b"z")]).await.unwrap());
    assert_eq!(value(&*store, &audit("3")).await, None);
    // What exists stays as it is.
    let held = Condition::Fence("l".to_owned(), fence);
    let written = store.put_with(on(&key("a"), b"2", held.clone()), vec![add("1", b"other")]).await;
    assert_eq!(written.unwrap(), Written::Stored(2));
    assert_eq!(value(&*store, &audit("1")).await.unwrap(), b"x");
    let revision = Condition::Revision(2);
    store.put_with(on(&key("a"), b"3", revision), vec![add("4", b"v")]).await.unwrap();
    assert_eq!(value(&*store, &audit("4")).await.unwrap(), b"v");
    assert!(store.delete_with(&key("a"), held, vec![add("5", b"w")]).await.unwrap());
    assert_eq!(value(&*store, &key("a")).await, None);
    assert_eq!(value(&*store, &audit("5")).await.unwrap(), b"w");
}
