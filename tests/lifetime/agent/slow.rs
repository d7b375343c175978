//! An agent whose clients are slow, and a client whose agent is.

use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};

use super::Agent;
use crate::support::{Api, Home, await_some};

/// They write a byte now and then, which begins no time limit anew.
#[test]
fn slow_clients_lose_their_places() {
    let home = Api::echo().home("", "");
    let agent = Agent::start(&home, &[]);
    let client = agent.client();
    let connect = || UnixStream::connect(&agent.path).unwrap();
    let mut slow: Vec<_> = (0..64).map(|_| connect()).collect();
    client.run(["token"]).fails(9);
    let begun = Instant::now();
    await_some("a place", || {
        slow.iter_mut().for_each(|stream| drop(stream.write_all(b" ")));
        if begun.elapsed() < Duration::from_secs(9) {
            return None;
        }
        (client.run(["token"]).status == 0).then_some(())
    });
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
