//! Files of tokens that the store did not accept: after a rotation of the master key, and damaged.

use std::time::{Duration, Instant};

use super::{Fleet, NEW, access_token, token_of, waiting_token_survives};

pub async fn spool_survives_a_rotation_of_the_master_key(kind: &str) {
    waiting_token_survives(kind, |fleet| fleet.rotate_key()).await;
}

pub async fn unopened_spool_makes_its_connection_unavailable(kind: &str) {
    let mut fleet = Fleet::start(kind, 1).await;
    for user in ["u-1", "u-2"] {
        fleet.api(0).connect("p", user).await;
    }
    fleet.authority.memory().delay = Duration::from_secs(1);
    let request = fleet.begin_refresh(0, "u-1").await;
    fleet.store.kill();
    request.await.unwrap().problem(503);
    fleet.authority.memory().delay = Duration::ZERO;
    fleet.kill(0);
    let [file] = &fleet.spool(0)[..] else { panic!("one file") };
    let whole = std::fs::read(file).unwrap();
    let mut damaged = whole.clone();
    *damaged.last_mut().unwrap() ^= 1;
    std::fs::write(file, damaged).unwrap();
    fleet.store.restart().await;
    fleet.restart(0);
    fleet.is_ready(0).await;
    let sent = fleet.authority.refreshes();
    fleet.api(0).get(&token_of("u-1", NEW)).await.problem(503);
    assert_eq!(fleet.authority.refreshes(), sent, "the spent token was sent again");
    assert!(fleet.broker(0).log().contains("cannot be opened"), "{}", fleet.broker(0).log());
    let metrics = fleet.api(0).get("/metrics").await.text;
    assert!(metrics.contains("oauthctl_broker_token_files_unopened 1\n"), "{metrics}");
    fleet.api(0).get(&token_of("u-2", NEW)).await.json(200);
    std::fs::write(file, whole).unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while !fleet.spool(0).is_empty() {
        assert!(Instant::now() < until, "{}", fleet.broker(0).log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(access_token(&fleet.api(0).token("p", "u-1").await), "at-0-2");
    fleet.authority.assert_nothing_was_lost();
}
