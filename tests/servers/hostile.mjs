// An authorization server for what the sandbox cannot do: TLS and its faults, raw bytes, connections that are cut, stalled or
// endless. What belongs here is in three tables: `hostile/raw.mjs` has what needs the socket, `hostile/tls.mjs` what occurs
// over TLS, `hostile/x509.mjs` the certificates. Whatever HTTP can say, a test writes itself over the sandbox
// (tests/support/scripted.rs); a scenario of this server that needs neither the socket nor TLS fails.
//
// Otherwise it is honest, and of its own making from end to end, so that it shares no mistake with the program. Node alone;
// loopback only.
//
//   node hostile.mjs
//
// One line of JSON on stdout: {"issuer", "control", "canary", "bases", "ca", …}; it ends when stdin closes.
// A scenario is an issuer: `${base}/s/NAME` (hostile/scenario.mjs says how NAME is made), and the
// control interface lists what there is (`GET /scenarios`). The journal is the only source of truth.

import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

import { authorize } from './hostile/authorize.mjs';
import { discovery, jwks } from './hostile/discovery.mjs';
import { RAW, RAW_GOOD } from './hostile/raw.mjs';
import { revoke, userinfo } from './hostile/resource.mjs';
import { parse } from './hostile/scenario.mjs';
import { TLS } from './hostile/tls.mjs';
import { token } from './hostile/token.mjs';
import { CLIENTS, World } from './hostile/world.mjs';
import { NAMED_HOST, certificates } from './hostile/x509.mjs';
import { Barrier, control } from './lib/control.mjs';
import { announce, bytes, listen } from './lib/process.mjs';

const world = new World();
const barriers = {};
for (const at of ['discovery', 'token', 'token-answer', 'revoke']) barriers[at] = new Barrier();

const ENDPOINTS = {
  '/.well-known/openid-configuration': ['discovery', discovery],
  '/.well-known/oauth-authorization-server': ['discovery', discovery],
  '/jwks': ['jwks', jwks],
  '/authorize': ['authorize', authorize],
  '/token': ['token', token],
  '/revoke': ['revoke', revoke],
  '/userinfo': ['userinfo', userinfo],
};
const METHODS = { token: 'POST', revoke: 'POST', authorize: 'GET' };

/** Scenario and path of a request; both places of the well-known document (RFC 8414, section 3.1). */
function locate(pathname) {
  const inserted = /^(\/\.well-known\/[^/]+)\/s\/([^/]+)$/.exec(pathname);
  if (inserted) return { name: inserted[2], path: inserted[1] };
  const [, name, path] = /^\/s\/([^/]+)(\/.*)?$/.exec(pathname) ?? [];
  return { name, path };
}

/** What a handler works with: the request, where it belongs, and how to answer. */
function context(req, res, listener, body) {
  const [pathname, query = ''] = req.url.split(/\?(.*)/s);
  const { name, path } = locate(pathname);
  const [endpoint, handler] = ENDPOINTS[path] ?? ['unknown'];
  const base = world.bases[listener];
  const entry = world.journal.add({
    scenario: name,
    endpoint,
    method: req.method,
    target: req.url,
    headers: req.rawHeaders,
    body,
    listener,
    connection: req.socket.remotePort,
    http: req.httpVersion,
  });
  const x = { world, req, res, entry, name, path, query, body, base, handler, target: req.url };
  x.issuer = `${base}/s/${name}`;
  x.hold = (at) => barriers[at].pass();
  x.reply = (status, headers, content) => {
    entry.status = status;
    res.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(content) });
    res.end(req.method === 'HEAD' ? '' : content);
  };
  x.json = (status, content) =>
    x.reply(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }, content);
  x.refuse = (status, error, why) => {
    entry.verdict = `refused: ${why}`;
    x.json(status, JSON.stringify({ error, error_description: why }));
  };
  return x;
}

async function serve(req, res, listener) {
  const x = context(req, res, listener, (await bytes(req)).toString());
  const method = METHODS[x.entry.endpoint];
  if (!x.handler || !x.name) return x.refuse(404, 'not_found', 'no such endpoint');
  if (method && req.method !== method) return x.refuse(405, 'invalid_request', `${method} only`);
  x.parts = parse(x.name);
  x.state = world.scenario(x.name);
  if (x.entry.endpoint === 'discovery') await x.hold('discovery');
  return x.handler(x);
}

function handler(listener) {
  return (req, res) => serve(req, res, listener)
    .catch((error) => {
      // A mistake of the test's, not of the program's: loud in both places.
      console.error(error);
      res.writeHead(500, { 'content-type': 'text/plain' });
      res.end(`hostile.mjs: ${error.stack}`);
    })
    .finally(() => world.journal.changed());
}

/** The host that nobody has a reason to visit: every hit is a finding. */
function canaryHost(req, res) {
  bytes(req).then((body) => {
    world.canaryHits.add({ method: req.method, target: req.url, headers: req.rawHeaders, body: body.toString() });
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end('{"access_token":"CANARY-from-canary-host","token_type":"Bearer","keys":[]}');
  });
}

const OLD_TLS = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };

async function start() {
  const plain = (name) => createServer({ maxHeaderSize: 1 << 20 }, handler(name));
  world.bases.http = `http://127.0.0.1:${await listen(plain('http'))}`;
  world.bases.ipv6 = await listen(plain('ipv6'), '::1').then((port) => `http://[::1]:${port}`, () => null);
  world.bases.canary = `http://127.0.0.1:${await listen(createServer(canaryHost))}`;
  const { ca, ...certs } = certificates();
  certs['tls-1.1'] = { ...certs.https, ...OLD_TLS };
  for (const [name, { key, cert, ...more }] of Object.entries(certs)) {
    const server = createTlsServer({ key, cert, ...more }, handler(name));
    const host = name === 'named' ? NAMED_HOST : '127.0.0.1';
    world.bases[name] = `https://${host}:${await listen(server)}`;
  }
  // A port where nobody listens: bound once, so that it is not somebody else's, and closed.
  const gone = createServer();
  world.bases.refused = `http://127.0.0.1:${await listen(gone)}`;
  gone.close();
  return ca;
}

const TABLES = { 'raw': RAW, 'raw-good': RAW_GOOD, 'tls': TLS };

function select({ scenario, endpoint, grant_type: grant }) {
  return (entry) =>
    (!scenario || entry.scenario === scenario)
    && (!endpoint || entry.endpoint === endpoint)
    && (!grant || entry.grant_type === grant);
}

const ca = await start();
const controlUrl = await control({
  'GET /scenarios': () => Object.fromEntries(Object.entries(TABLES).map(([name, table]) => [name, Object.keys(table)])),
  // With `count` it answers when that many have come.
  'GET /journal': async (_body, { count, ...query }) => {
    const chosen = select(query);
    if (count) await world.journal.until((all) => all.filter(chosen).length >= Number(count));
    return world.journal.entries.filter(chosen);
  },
  'DELETE /journal': () => world.journal.clear(),
  'GET /canaries': () => world.canaries,
  'GET /canary-hits': () => world.canaryHits.entries,
  'POST /params': (params) => Object.assign(world.params, params),
  'POST /hold': ({ at = 'token', count = 1 }) => barriers[at].hold(count),
  'GET /held': async (_body, { at = 'token', count = 0 }) => {
    await barriers[at].arrivals.until((entries) => entries.length >= Number(count));
    return { held: barriers[at].arrivals.entries.length };
  },
  'POST /release': ({ at = 'token' }) => ({ released: barriers[at].release() }),
  'POST /revoke': ({ scenario = 'honest' }) => ({ revoked: world.revokeFamilies(scenario) }),
});

const secrets = Object.fromEntries(Object.entries(CLIENTS).map(([id, { secret }]) => [id, secret ?? null]));
announce({
  issuer: `${world.bases.http}/s/honest`,
  control: controlUrl,
  canary: world.bases.canary,
  bases: world.bases,
  ca,
  secrets,
});
