//! An agent whose clients are slow, and a client whose agent is.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};

use super::Agent;
use crate::support::{Api, Home, await_some};

/// They send a byte now and then, which begins no time limit anew.
#[test]
fn slow_clients_lose_their_slots_to_the_next_one() {
    let home = Api::echo().home("", "");
    let agent = Agent::start(&home, &[]);
    let client = agent.client();
    let mut slow: Vec<_> = (0..64)
        .map(|_| {
            let mut stream = UnixStream::connect(&agent.path).unwrap();
            stream.write_all(b" ").unwrap();
            stream
        })
        .collect();
    let begun = Instant::now();
    assert_eq!(client.run(["token"]).ok().line(), "stored");
    assert!(
        begun.elapsed() < Duration::from_secs(9),
        "no slot was free before a client's time was up"
    );
    assert_eq!(slow[0].read(&mut [0]).unwrap(), 0, "the oldest one is disconnected");
    // The others have their time.
    slow.remove(0);
    let answered = |stream: &mut UnixStream| {
        let _ = stream.write_all(b" ");
        stream.set_nonblocking(true).unwrap();
        !matches!(stream.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
    };
    await_some("the end of all", || {
        slow.retain_mut(|stream| !answered(stream));
        slow.is_empty().then_some(())
    });
    assert!(begun.elapsed() > Duration::from_secs(9), "nobody else needed their slots");
}

/// All of them wait for one answer of the user.
#[test]
fn many_clients_wait_for_a_slow_answer() {
    let home = Api::echo().home("", "");
    let agent = Agent::start(&home, &["--confirm", "while [ ! -e go ]; do sleep 0.02; done"]);
    let connected = (0..300).map(|_| {
        let mut stream = UnixStream::connect(&agent.path).unwrap();
        stream.write_all(b"{\"op\":\"token\"}\n").unwrap();
        stream
    });
    let clients: Vec<_> = connected.collect();
    home.write(&home.path("home/go"), "");
    for mut client in clients {
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("\"access_token\":\"stored\""), "{answer}");
    }
}

/// Its queue is full: the system lets nobody connect.
#[test]
fn hung_agent_does_not_hang_its_client() {
    let mut home = Home::new();
    let path = home.path("run/hung.sock");
    let hung = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&hung, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    rustix::net::listen(&hung, 0).unwrap();
    let _hung = UnixListener::from(hung);
    let _queued = UnixStream::connect(&path).unwrap();
    home.unset("OAUTHCTL_CONFIG").unset("OAUTHCTL_STORE");
    home.set("OAUTHCTL_AGENT", format!("unix:{}", path.display()));
    home.run(["token"]).fails(9);
}
