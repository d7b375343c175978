//! Pending flows in files: single use, expiry, bounds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::super::expiring_dir::{COUNT, slot_name};
use super::*;

struct Manual(AtomicU64);

impl Clock for Manual {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.load(Ordering::SeqCst))
    }

    // Sleeps on the clock for as long as requested, because a caller that waits for the counter adds up its
    // pauses.
    fn sleep<'a>(&'a self, pause: Duration) -> BoxFuture<'a, ()> {
        Box::pin(async move { std::thread::sleep(pause) })
    }
}

struct Scene {
    dir: tempfile::TempDir,
    clock: Arc<Manual>,
}

impl Scene {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), clock: Arc::new(Manual(AtomicU64::new(6_000))) }
    }

    fn store(&self) -> FilePending {
        FilePending::open(self.dir.path().join("pending"), self.clock.clone())
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn record(id: &str, expires_at: u64) -> PendingRecord {
    let expires_at = Timestamp::from_unix(expires_at);
    PendingRecord { id: id.to_owned(), expires_at, sealed: vec![0, 1, 255] }
}

#[test]
fn record_comes_back_and_is_claimed_once() {
    let scene = Scene::new();
    let (store, one) = (scene.store(), record("one", 6_100));
    run(async {
        assert_eq!(store.get("one", one.expires_at).await.unwrap(), None);
        assert!(!store.claim("one", one.expires_at).await.unwrap());
        store.put(&one).await.unwrap();
        store.put(&record("two", 6_700)).await.unwrap();
        assert_eq!(store.get("one", one.expires_at).await.unwrap(), Some(one.clone()));
        let later = Timestamp::from_unix(6_101);
        assert_eq!(store.get("one", later).await.unwrap(), None, "another time");
        assert_eq!(store.list().await.unwrap().len(), 2);
        assert!(store.claim("one", one.expires_at).await.unwrap());
        assert!(!store.claim("one", one.expires_at).await.unwrap());
        assert_eq!(store.get("one", one.expires_at).await.unwrap(), None);
        assert!(store.mark_used("s", one.expires_at).await.unwrap());
        assert!(!store.mark_used("s", one.expires_at).await.unwrap());
    });
}

#[test]
fn one_of_many_concurrent_claims_succeeds() {
    let scene = Scene::new();
    let one = record("one", 6_100);
    run(scene.store().put(&one)).unwrap();
    let barrier = std::sync::Barrier::new(32);
    let claim = |sealed: bool| {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..32)
                .map(|_| {
                    scope.spawn(|| {
                        let store = scene.store();
                        barrier.wait();
                        match sealed {
                            false => run(store.claim("one", one.expires_at)).unwrap(),
                            true => run(store.mark_used("two", one.expires_at)).unwrap(),
                        }
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).filter(|won| *won).count()
        })
    };
    assert_eq!((claim(false), claim(true)), (1, 1));
}

#[test]
fn expired_records_are_collected_and_live_ones_stay() {
    let scene = Scene::new();
    let store = scene.store();
    run(async {
        for n in 0..100 {
            store.put(&record(&format!("old-{n}"), 6_100)).await.unwrap();
        }
        store.put(&record("new", 9_000)).await.unwrap();
        scene.clock.0.store(8_000, Ordering::SeqCst);
        assert_eq!(store.list().await.unwrap().len(), 1);
        for n in 0..3 {
            store.put(&record(&format!("more-{n}"), 9_000)).await.unwrap();
        }
        let slots: Vec<String> = std::fs::read_dir(scene.dir.path().join("pending"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != COUNT)
            .collect();
        assert_eq!(slots, [slot_name(Timestamp::from_unix(9_000))]);
        assert_eq!(store.list().await.unwrap().len(), 4);
    });
}

#[test]
fn full_store_refuses_until_a_flow_is_claimed() {
    let scene = Scene::new();
    let store = scene.store().with_limit(3);
    run(async {
        for n in 0..3 {
            store.put(&record(&format!("f-{n}"), 6_100)).await.unwrap();
        }
        let error = store.put(&record("more", 6_100)).await.unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Store);
        assert_eq!(store.list().await.unwrap().len(), 3, "nothing was lost");
        assert!(store.claim("f-0", Timestamp::from_unix(6_100)).await.unwrap());
        store.put(&record("more-0", 6_100)).await.unwrap();
        for (n, count) in ["", "nonsense", "99999999999999999999999", "00000000000000000900\n"]
            .into_iter()
            .enumerate()
        {
            let (old, new) = (format!("more-{n}"), format!("more-{}", n + 1));
            assert!(store.claim(&old, Timestamp::from_unix(6_100)).await.unwrap(), "{count}");
            std::fs::write(scene.dir.path().join("pending/count"), count).unwrap();
            store.put(&record(&new, 6_100)).await.unwrap();
        }
    });
}

#[test]
fn damaged_record_hides_no_other_flow() {
    let scene = Scene::new();
    let store = scene.store();
    run(async {
        store.put(&record("one", 6_100)).await.unwrap();
        store.put(&record("two", 6_100)).await.unwrap();
        let slot = scene.dir.path().join("pending").join(slot_name(Timestamp::from_unix(6_100)));
        let (one, two) = (slot.join(flow_file("one")), slot.join(flow_file("two")));
        std::fs::copy(&two, &one).unwrap();
        let at = Timestamp::from_unix(6_100);
        assert!(store.get("one", at).await.is_err(), "another flow's record under this name");
        for text in ["", "{", "null", "{\"version\":9}"] {
            std::fs::write(&one, text).unwrap();
            assert_eq!(store.get("one", at).await.unwrap_err().kind(), crate::ErrorKind::Store);
        }
        assert_eq!(store.list().await.unwrap().len(), 1);
        assert_eq!(store.warnings().take().len(), 1);
    });
}

#[test]
fn restored_copy_of_a_claimed_flow_is_used() {
    let scene = Scene::new();
    let (store, one) = (scene.store(), record("one", 6_100));
    run(async {
        store.put(&one).await.unwrap();
        let slot = scene.dir.path().join("pending").join(slot_name(one.expires_at));
        let (place, copy) = (slot.join(flow_file("one")), scene.dir.path().join("copy"));
        std::fs::copy(&place, &copy).unwrap();
        assert!(store.claim("one", one.expires_at).await.unwrap());
        std::fs::copy(&copy, &place).unwrap();
        assert_eq!(store.get("one", one.expires_at).await.unwrap(), None);
        assert_eq!(store.list().await.unwrap(), []);
        assert!(!store.claim("one", one.expires_at).await.unwrap());
        assert!(!place.exists(), "and it is removed again");
    });
}

#[test]
fn marks_are_bounded_and_collected_as_well() {
    let scene = Scene::new();
    let store = scene.store().with_limit(2);
    let at = Timestamp::from_unix(6_100);
    run(async {
        for n in 0..10 {
            let id = format!("s-{n}");
            assert!(store.mark_used(&id, at).await.unwrap());
            assert!(!store.mark_used(&id, at).await.unwrap(), "a second time takes no room");
        }
        store.put(&record("one", 6_100)).await.unwrap();
        for error in [store.mark_used("more", at).await, store.claim("one", at).await] {
            assert_eq!(error.unwrap_err().kind(), crate::ErrorKind::Store);
        }
        assert!(store.get("one", at).await.unwrap().is_some(), "not lost");
        scene.clock.0.store(8_000, Ordering::SeqCst);
        assert!(store.mark_used("later", Timestamp::from_unix(8_100)).await.unwrap());
        assert!(!store.used.path.join(slot_name(at)).exists());
    });
}

/// On a clock that is two minutes slow, a state is valid for that much longer.
#[test]
fn mark_outlives_its_state_by_the_clock_skew() {
    let scene = Scene::new();
    let store = scene.store();
    let last_of_its_slot = Timestamp::from_unix(6_599);
    run(async {
        assert!(store.mark_used("s", last_of_its_slot).await.unwrap());
        for (now, is_marked) in [(6_719, true), (6_720, false)] {
            scene.clock.0.store(now, Ordering::SeqCst);
            let other = format!("at-{now}");
            assert!(store.mark_used(&other, Timestamp::from_unix(9_000)).await.unwrap());
            assert_eq!(store.has_mark("s", last_of_its_slot).unwrap(), is_marked, "{now}");
            assert!(store.is_used("s", last_of_its_slot).await.unwrap(), "{now}");
        }
    });
}

/// A full store does not remove it earlier to make room.
#[test]
fn full_store_forgets_no_mark_early() {
    let scene = Scene::new();
    let store = scene.store().with_limit(1);
    let last_of_its_slot = Timestamp::from_unix(6_599);
    run(async {
        for n in 0..5 {
            assert!(store.mark_used(&format!("s-{n}"), last_of_its_slot).await.unwrap());
        }
        scene.clock.0.store(6_719, Ordering::SeqCst);
        let error = store.mark_used("more", Timestamp::from_unix(9_000)).await.unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Store);
        for n in 0..5 {
            assert!(store.is_used(&format!("s-{n}"), last_of_its_slot).await.unwrap(), "{n}");
        }
        scene.clock.0.store(6_720, Ordering::SeqCst);
        assert!(store.mark_used("more", Timestamp::from_unix(9_000)).await.unwrap());
    });
}

#[test]
fn foreign_files_do_not_disturb_the_store() {
    let scene = Scene::new();
    let store = scene.store();
    run(async {
        store.put(&record("old", 6_100)).await.unwrap();
        let root = scene.dir.path().join("pending");
        std::fs::create_dir_all(root.join(slot_name(Timestamp::from_unix(6_100))).join("a/b"))
            .unwrap();
        for name in ["0000000001", "0099999999", "99999999999999999999999999"] {
            std::fs::write(root.join(name), "in the way").unwrap();
        }
        scene.clock.0.store(8_000, Ordering::SeqCst);
        store.put(&record("new", 8_100)).await.unwrap();
        assert_eq!(store.list().await.unwrap().len(), 1);
        assert!(store.claim("new", Timestamp::from_unix(8_100)).await.unwrap());
    });
}

#[test]
fn clock_set_back_makes_no_used_state_new() {
    let scene = Scene::new();
    let store = scene.store();
    let (expiry, kept) = (Timestamp::from_unix(6_100), record("kept", 6_200));
    run(async {
        store.put(&kept).await.unwrap();
        assert!(store.mark_used("state", expiry).await.unwrap());
        scene.clock.0.store(100_000, Ordering::SeqCst);
        assert!(store.mark_used("later", Timestamp::from_unix(100_100)).await.unwrap());
        let slot = scene.dir.path().join("pending.used").join(slot_name(expiry));
        assert!(!slot.exists(), "its mark is gone");

        scene.clock.0.store(6_000, Ordering::SeqCst);
        for store in [store.clone(), scene.store()] {
            assert!(store.is_used("state", expiry).await.unwrap());
            assert!(!store.mark_used("state", expiry).await.unwrap());
            assert!(store.warnings().take()[0].contains("the clock was set back"));
        }
        let after = Timestamp::from_unix(6_600);
        assert!(!store.is_used("new", after).await.unwrap(), "only that span is forgotten");
        assert!(store.mark_used("new", after).await.unwrap());
        assert!(store.claim("kept", kept.expires_at).await.unwrap(), "its record tells");
    });
}

#[test]
fn damaged_memory_of_forgotten_marks_is_an_error() {
    let scene = Scene::new();
    let store = scene.store();
    let expiry = Timestamp::from_unix(6_100);
    run(async {
        assert!(store.mark_used("one", expiry).await.unwrap());
        std::fs::write(scene.dir.path().join("pending.used/forgotten"), "soon").unwrap();
        assert!(store.is_used("one", expiry).await.is_err());
        assert!(store.mark_used("two", expiry).await.is_err());
    });
}
