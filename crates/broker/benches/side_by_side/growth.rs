//! What many connections cost: memory, reads that are not in memory, and the start.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::Broker;
use crate::world::{World, memory, run};

/// Reads whose times are compared.
const READS: usize = 1_000;

/// Years from now: nothing is refreshed meanwhile.
const NEVER: std::ops::Range<u64> = 300_000_000..300_000_001;

pub fn all(_: u64) {
    let many = std::env::var_os("OAUTHCTL_BENCH_MANY");
    let many = many.and_then(|text| text.to_str()?.parse().ok()).unwrap_or(1_000_000);
    run(async move {
        let world = World::new(None).await;
        let mut last = 0;
        let mut first: Option<(f64, Duration)> = None;
        for count in [1_000, 100_000, many] {
            world.fill(last..count, NEVER).await;
            last = count;
            let begun = Instant::now();
            let broker = world.serve();
            let mut client = Client::new(&world, &broker);
            client.read("u-1");
            let started = begun.elapsed();
            let mut times: Vec<Duration> = (0..READS)
                .map(|number| client.read(&format!("c-{}", number * 7_919 % count)))
                .collect();
            times.sort();
            let (p99, resident) = (times[READS * 99 / 100], memory(broker.process.pid()));
            let (memory, reads) = *first.get_or_insert((resident, p99));
            println!(
                "{count:>9} connections: {resident:>5.1} MiB ({:.2}x), first reads p99 {:>6.0} µs ({:.2}x), start to first answer {:>4.0} ms",
                resident / memory,
                p99.as_secs_f64() * 1e6,
                p99.as_secs_f64() / reads.as_secs_f64(),
                started.as_secs_f64() * 1000.0
            );
        }
        println!(
            "to reach: memory at most 1.5x and 64 MiB at 100,000; reads at most 2x and start under 100 ms at a million"
        );
    });
}

/// A client with one connection.
pub struct Client {
    stream: BufReader<TcpStream>,
    key: String,
}

impl Client {
    pub fn new(world: &World, broker: &Broker) -> Self {
        let stream = TcpStream::connect(broker.url.trim_start_matches("http://")).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream), key: world.key.clone() }
    }

    /// Reads the token of a user, and returns how long it took.
    pub fn read(&mut self, user: &str) -> Duration {
        let request = format!(
            "GET /v1/connections/p/{user}/token HTTP/1.1\r\nHost: broker\r\nAuthorization: Bearer {}\r\n\r\n",
            self.key
        );
        let begun = Instant::now();
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut line, mut length) = (String::new(), 0);
        self.stream.read_line(&mut line).unwrap();
        assert!(line.starts_with("HTTP/1.1 200"), "{user}: {line}");
        while line != "\r\n" {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        begun.elapsed()
    }
}
