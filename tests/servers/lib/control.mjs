// The control interface: plain HTTP on a port of its own, JSON in and out, one connection a request.

import { createServer } from 'node:http';

import { bytes, listen } from './process.mjs';

/**
 * Serves `routes`: `{'GET /journal': async (body, query) => answer}`. Resolves to its URL.
 * An error becomes a 500 with its message, so that a test fails with the reason.
 */
export async function control(routes) {
  const server = createServer(async (req, res) => {
    const url = new URL(req.url, 'http://control');
    const route = routes[`${req.method} ${url.pathname}`];
    let status = 200;
    let answer;
    try {
      if (!route) throw new Error(`no such control: ${req.method} ${url.pathname}`);
      const text = (await bytes(req)).toString();
      answer = await route(text ? JSON.parse(text) : {}, Object.fromEntries(url.searchParams));
    } catch (error) {
      status = 500;
      answer = { error: error.message };
    }
    const body = JSON.stringify(answer ?? {});
    res.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      connection: 'close',
    });
    res.end(body);
  });
  server.requestTimeout = 0;
  return `http://127.0.0.1:${await listen(server)}`;
}

/** A list that can be waited on: `until(predicate)` resolves when the list satisfies it. */
export class Journal {
  entries = [];
  #waiting = [];
  #begun = performance.now();

  /** Adds an entry, stamped with its place and a monotonic time in milliseconds. */
  add(entry) {
    const stamped = { seq: this.entries.length, ms: performance.now() - this.#begun, ...entry };
    this.entries.push(stamped);
    this.changed();
    return stamped;
  }

  /** Lets the waiting look again. */
  changed() {
    this.#waiting = this.#waiting.filter(({ predicate, resolve }) => {
      const done = predicate(this.entries);
      if (done) resolve();
      return !done;
    });
  }

  /** Resolves when `predicate(entries)` holds. The one who waits brings the deadline. */
  until(predicate) {
    if (predicate(this.entries)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ predicate, resolve }));
  }

  clear() {
    this.entries = [];
  }
}

/** A barrier: the next `hold(n)` arrivals stop here until `release()`. */
export class Barrier {
  #left = 0;
  #held = [];
  arrivals = new Journal();

  hold(count) {
    this.#left = count;
    this.arrivals.clear();
  }

  /** Passes at once, or when released. */
  async pass() {
    if (this.#left <= 0) return;
    this.#left -= 1;
    const gate = new Promise((resolve) => this.#held.push(resolve));
    this.arrivals.add({});
    await gate;
  }

  release() {
    this.#left = 0;
    const count = this.#held.length;
    for (const resolve of this.#held.splice(0)) resolve();
    return count;
  }
}
