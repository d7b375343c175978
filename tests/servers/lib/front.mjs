// In front of a server that others wrote: a process of its own behind a proxy that writes down what its token and
// revocation endpoints are asked, and can hold answers back. What is sent and answered stays as it is.

import { spawn } from 'node:child_process';
import { createServer, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

import { Barrier, Journal, control } from './control.mjs';
import { bytes, listen } from './process.mjs';

const READY_MS = 60_000;

/** A port that is free now. Who takes it must bear that somebody else was faster. */
export async function freePort() {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts a program that ends with this process, however that ends. */
export function child(program, args, settings = {}) {
  const all = ['--pdeathsig', 'KILL', '--', program, ...args];
  const started = spawn('setpriv', all, { stdio: ['ignore', 'pipe', 'inherit'], ...settings });
  started.on('error', (error) => {
    console.error(`${program}: ${error.message}`);
    process.exit(1);
  });
  return started;
}

/** Asks until `probe` says yes, or the program behind it has ended. */
export async function ready(program, probe) {
  const end = performance.now() + READY_MS;
  while (program.exitCode === null && performance.now() < end) {
    const answer = await probe().catch(() => false);
    if (answer) return true;
    await pause(20);
  }
  return false;
}

/** Sends a request on, and resolves to its answer. */
export function pass(port, req, body, headers = req.headers) {
  return new Promise((resolve, reject) => {
    const { method, url: path } = req;
    const sent = request({ host: '127.0.0.1', port, method, path, headers }, async (res) => {
      resolve({ status: res.statusCode, headers: res.headers, body: await bytes(res) });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function parsed(body) {
  try {
    return JSON.parse(body.toString());
  } catch {
    return null;
  }
}

/** The proxy. `watched` are the paths whose POST requests are written down. */
export class Front {
  journal = new Journal();
  answers = new Barrier();
  port = null;
  #spent = null;
  #server = createServer((req, res) => this.#handle(req, res));
  #watched;

  constructor(watched) {
    this.#watched = watched;
  }

  async open() {
    this.url = `http://127.0.0.1:${await listen(this.#server)}`;
    return this.url;
  }

  /** The control interface, with the routes that every such server has. */
  control(more = {}) {
    return control({
      'GET /journal': () => ({ requests: this.journal.entries }),
      'POST /hold': ({ count }) => this.answers.hold(count),
      'GET /held': async (_body, { count }) => {
        await this.answers.arrivals.until((entries) => entries.length >= Number(count ?? 0));
        return { held: this.answers.arrivals.entries.length };
      },
      'POST /release': () => ({ released: this.answers.release() }),
      'POST /replay': () => this.#replay(),
      ...more,
    });
  }

  /** Sends the last refresh again, as whoever stole its token would: the server ends the grant. */
  async #replay() {
    const { path, headers, body } = this.#spent;
    const { status } = await pass(this.port, { method: 'POST', url: path }, body, headers);
    return { status };
  }

  async #handle(req, res) {
    try {
      const body = await bytes(req);
      const path = req.url.split('?')[0];
      const isWatched = req.method === 'POST' && this.#watched.includes(path);
      const sent = new URLSearchParams(body.toString());
      const entry = isWatched
        && this.journal.add({ path, grant_type: sent.get('grant_type'), hint: sent.get('token_type_hint') });
      const answer = await pass(this.port, req, body);
      if (entry) {
        const { error, access_token: access, refresh_token: refresh } = parsed(answer.body) ?? {};
        const secrets = [sent.get('token'), sent.get('code_verifier'), access, refresh].filter(Boolean);
        Object.assign(entry, { status: answer.status, length: answer.body.length, error, secrets });
        this.journal.changed();
        if (entry.grant_type === 'refresh_token') {
          if (access) this.#spent = { path, headers: req.headers, body };
          await this.answers.pass();
        }
      }
      res.writeHead(answer.status, answer.headers);
      res.end(answer.body);
    } catch (error) {
      console.error(error);
      res.writeHead(502, { 'content-type': 'text/plain' });
      res.end(String(error));
    }
  }
}
