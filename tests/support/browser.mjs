// A scripted browser: `BROWSER="node browser.mjs DIR %s"`. DIR/mode.json says how it behaves:
//
//   {"mode": "honest"}            follows redirects with cookies to the callback, and makes it
//   {"mode": "deny"}              comes back with error=access_denied and the true state
//   {"mode": "never"}             opens nothing
//   {"mode": "double"}            makes the callback twice
//   {"mode": "parallel", "count": 32}      that many at once, all connected before the first is sent
//   {"mode": "attacker-before", "attacks": ["state-wrong", …]}   those of attacks.mjs, or all; then honest
//   {"mode": "idle-flood", "count": 64}    idle and half-open connections, kept open over an honest callback
//   {"mode": "tampered", "set": {"iss": "x"}, "drop": ["state"], "append": [["code", "x"]], "then": "honest"}
//   any mode may have "after": PATH        waits for that file before it makes the callback
//   any mode may have "user": {…}        who gets past the server's own pages: see users.mjs
//
// DIR/opened-PID.json is written at once: argv, environ, open descriptors. DIR/visit-PID.json at the end: the
// hops, the callback URL, and every answer of the listener as received.

import { existsSync, readFileSync, readdirSync, readlinkSync, renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { ATTACKS } from './attacks.mjs';
import { act } from './users.mjs';

const ANSWER_MS = 10_000;
const [dir, ...args] = process.argv.slice(2);
const url = args.at(-1);

function write(name, value) {
  const path = join(dir, `${name}-${process.pid}.json`);
  writeFileSync(`${path}.part`, JSON.stringify(value, null, 1), { mode: 0o600 });
  renameSync(`${path}.part`, path);
}

/** The open descriptors and what they lead to; before anything else of ours opens one. */
function descriptors() {
  const open = {};
  let names = [];
  try {
    names = readdirSync('/proc/self/fd');
  } catch {
    return open;
  }
  for (const fd of names) {
    try {
      open[fd] = readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // The descriptor of the listing itself is gone by now.
    }
  }
  return open;
}

/** Sends raw bytes, and resolves to what came back: `{status, headers, body}`, or how it ended. */
function exchange({ hostname, port }, text, barrier = { arrive: () => {}, open: Promise.resolve() }) {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port });
    const chunks = [];
    const done = (ended) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ ended, ...parse(Buffer.concat(chunks).toString('latin1')) });
    };
    const timer = setTimeout(() => done('timeout'), ANSWER_MS);
    socket.on('connect', () => {
      barrier.arrive();
      barrier.open.then(() => socket.write(Buffer.from(text, 'latin1')));
    });
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', () => done('closed'));
    socket.on('error', (error) => done(error.code));
  });
}

function parse(text) {
  const [head, ...rest] = text.split('\r\n\r\n');
  const [line, ...fields] = head.split('\r\n');
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(line)?.[1] ?? 0);
  const headers = {};
  for (const field of fields) {
    const [name, value] = field.split(/:\s*(.*)/s);
    headers[name.toLowerCase()] = value;
  }
  return { status, headers, body: Buffer.from(rest.join('\r\n\r\n'), 'latin1').toString('utf8') };
}

/** Makes requests with cookies, as a browser does. */
function client() {
  const jar = new Map();
  return async (at, init = {}) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...init.headers, ...(cookie ? { cookie } : {}) };
    const response = await fetch(at, { ...init, redirect: 'manual', headers });
    for (const line of response.headers.getSetCookie()) {
      const [name, value] = line.split(';')[0].split(/=(.*)/s);
      jar.set(name, value ?? '');
    }
    return response;
  };
}

/** Walks from the authorization URL to the callback. */
async function walk(user) {
  const start = new URL(url);
  const send = client();
  const hops = [];
  let next = { url: start, init: {} };
  for (let hop = 0; hop < 20; hop += 1) {
    const { url: at, init } = next;
    const response = await send(at, init);
    const location = response.headers.get('location');
    const body = await response.text();
    hops.push({ url: String(at), status: response.status, location });
    if (location) {
      const to = new URL(location, at);
      if (to.origin !== start.origin) return { hops, callback: location };
      next = { url: to, init: {} };
    } else {
      next = user ? await act(user, { url: at, body, send }) : null;
      if (!next) return { hops, ...form(body, at) };
    }
  }
  return { hops };
}

/** A page that posts itself to another origin (form_post), or nothing. */
function form(body, at) {
  const action = /<form[^>]* action="([^"]+)"/.exec(body)?.[1];
  if (!action) return { page: body.slice(0, 4096) };
  const fields = [...body.matchAll(/<input[^>]* name="([^"]+)" value="([^"]*)"/g)];
  const post = new URLSearchParams(fields.map(([, name, value]) => [name, value])).toString();
  return { callback: new URL(action, at).href, post };
}

/** Where and what the listener awaits. */
function awaited(callback) {
  const target = new URL(callback);
  const hostname = target.hostname.replace(/^\[|\]$/g, '');
  // The query as the server wrote it: a URL object may write it differently.
  const query = /\?([^#]*)/.exec(callback)?.[1] ?? '';
  const { searchParams: params } = target;
  return {
    hostname,
    port: Number(target.port),
    host: target.host,
    path: target.pathname,
    query,
    state: params.get('state') ?? '',
    code: params.get('code') ?? '',
    iss: params.get('iss'),
  };
}

function visit(c, query = c.query, method = 'GET', body = '') {
  const target = method === 'GET' && query ? `${c.path}?${query}` : c.path;
  const lines = [`${method} ${target} HTTP/1.1`, `Host: ${c.host}`, 'Accept: text/html'];
  if (body) {
    lines.push('Content-Type: application/x-www-form-urlencoded', `Content-Length: ${body.length}`);
  }
  return [...lines, 'Connection: close', '', body].join('\r\n');
}

/** The callback as a browser makes it, and the page it is sent on to. */
async function honest(c, post) {
  const answers = [await exchange(c, post ? visit(c, '', 'POST', post) : visit(c))];
  const next = answers[0].headers.location;
  if (next) {
    const to = new URL(next, `http://${c.host}${c.path}`);
    answers.push(await exchange(c, visit({ ...c, path: to.pathname }, to.search.slice(1))));
  }
  return answers;
}

function tampered(c, { set = {}, drop = [], append = [] }) {
  const params = new URLSearchParams(c.query);
  for (const [name, value] of Object.entries(set)) params.set(name, value);
  for (const name of drop) params.delete(name);
  for (const [name, value] of append) params.append(name, value);
  return params.toString();
}

const MODES = {
  honest: async (c, _mode, post) => ({ answers: await honest(c, post) }),
  deny: async (c) => {
    const query = tampered(c, { drop: ['code'], set: { error: 'access_denied' } });
    return { answers: [await exchange(c, visit(c, query))] };
  },
  double: async (c) => ({ answers: [...(await honest(c)), await exchange(c, visit(c))] }),
  parallel: async (c, { count = 32 }) => {
    let awaiting = count;
    const barrier = {};
    barrier.open = new Promise((resolve) => {
      barrier.arrive = () => { if (--awaiting === 0) resolve(); };
    });
    const all = Array.from({ length: count }, () => exchange(c, visit(c), barrier));
    return { answers: await Promise.all(all) };
  },
  'attacker-before': async (c, { attacks = Object.keys(ATTACKS) }) => {
    const attacked = {};
    for (const name of attacks) attacked[name] = await exchange(c, ATTACKS[name](c));
    return { attacks: attacked, answers: await honest(c) };
  },
  'idle-flood': async (c, { count = 64 }) => {
    const sockets = Array.from({ length: count }, (_, n) => {
      const socket = connect({ host: c.hostname, port: c.port });
      socket.on('error', () => {});
      if (n % 2) socket.write(`GET ${c.path}?`);
      return socket;
    });
    await Promise.all(sockets.map((socket) => new Promise((resolve) => {
      if (socket.connecting) socket.once('connect', resolve).once('error', resolve);
      else resolve();
    })));
    const answers = await honest(c);
    write('visit', { answers });
    await Promise.all(sockets.map((socket) => new Promise((resolve) => {
      if (socket.closed) resolve();
      else socket.once('close', resolve);
      socket.resume();
    })));
    return { answers };
  },
  tampered: async (c, mode) => {
    const answers = [await exchange(c, visit(c, tampered(c, mode)))];
    if (mode.then === 'honest') answers.push(...(await honest(c)));
    return { answers };
  },
};

write('opened', { argv: process.argv, url, environ: process.env, descriptors: descriptors() });
const mode = JSON.parse(readFileSync(join(dir, 'mode.json'), 'utf8'));
if (mode.mode !== 'never') {
  const found = await walk(mode.user);
  write('walked', found);
  while (mode.after && !existsSync(mode.after)) await pause(10);
  const result = found.callback
    ? await MODES[mode.mode](awaited(found.callback), mode, found.post)
    : { answers: [] };
  write('visit', { ...found, ...result });
}
