// The authorization endpoint and pushed requests. The person is always willing; the server is not always.

import { createHash } from 'node:crypto';

import { behaviour, behaviourThat, find, known } from './scenario.mjs';
import { TRANSPORT, TRANSPORT_GOOD } from './transport.mjs';
import { CLIENTS } from './world.mjs';

const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost):\d+\/\S*$/;
const WEB_APPLICATION = 'https://app.example/callback';

/** A redirect URI as it is registered: a native application may come back at any port (RFC 8252, section 7.3). */
const withoutPort = (uri) => uri.replace(/^(http:\/\/[^/]*):\d+/, '$1');

/** What is wrong with an authorization request, or nothing. */
function fault(p) {
  if (p.get('response_type') !== 'code') return 'response_type is not code';
  if (!CLIENTS[p.get('client_id')]) return 'client_id unknown';
  const redirectUri = p.get('redirect_uri') ?? '';
  if (redirectUri !== WEB_APPLICATION && !LOOPBACK.test(redirectUri)) {
    return 'redirect_uri not a loopback address';
  }
  if (p.get('code_challenge_method') !== 'S256') return 'code_challenge_method is not S256';
  if (!/^[A-Za-z0-9_-]{43}$/.test(p.get('code_challenge') ?? '')) return 'code_challenge is not 43 characters';
  if (!p.get('state')) return 'state missing';
  for (const name of new Set(p.keys())) {
    if (name !== 'resource' && p.getAll(name).length > 1) return `${name} more than once`;
  }
  for (const name of ['code_verifier', 'client_secret', 'access_token', 'refresh_token']) {
    if (p.has(name)) return `${name} in an authorization request`;
  }
  return null;
}

function mint(x, p, changes = {}) {
  const code = x.world.canary('code', x.name);
  x.state.codes.set(code, {
    client_id: p.get('client_id'),
    redirect_uri: p.get('redirect_uri'),
    challenge: p.get('code_challenge'),
    nonce: p.get('nonce'),
    scope: p.get('scope') ?? '',
    used: false,
    ...changes,
  });
  return code;
}

/** The honest answer's parts, for the tables to change. */
function honest(x, p) {
  return {
    code: mint(x, p),
    state: p.get('state'),
    iss: x.issuer,
    redirect: p.get('redirect_uri'),
  };
}

const plain = (a) => [['code', a.code], ['state', a.state], ['iss', a.iss]];
const failed = (error, description) => (a) => [
  ['error', error],
  ...(description === undefined ? [] : [['error_description', description]]),
  ['state', a.state],
  ['iss', a.iss],
];

/** Answers of scenarios that combine them with others. All others are written by the tests, over the sandbox. */
export const AUTHORIZE = {
  'iss-missing': (a) => plain(a).filter(([name]) => name !== 'iss'),
  'deny': failed('access_denied', 'the user denied access'),
  'deny-with-words': failed('access_denied', 'CANARY-WORDS'),
};

/** What a dishonest server does to have the code of an honest one: see the parameters `bounce_…`. */
export const AUTHORIZE_MIX_UP = {
  'bounce-to': (_a, x, p) => {
    const { bounce_to: to, bounce_redirect_uri: uri } = x.world.params;
    const query = new URLSearchParams(p);
    if (uri) query.set('redirect_uri', uri);
    return { away: `${to}/authorize?${query}` };
  },
};

const TABLES = [AUTHORIZE, AUTHORIZE_MIX_UP];

const query = (pairs) => pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');

function send(x, redirect, answer) {
  if (answer.away) return x.reply(302, { location: answer.away }, '');
  const joint = redirect.includes('?') ? '&' : '?';
  const location = `${redirect}${joint}${query(answer)}`;
  return x.reply(302, { location, 'cache-control': 'no-store' }, '');
}

export function authorize(x) {
  let p = new URLSearchParams(x.query);
  if (p.has('request_uri')) {
    const pushed = x.state.pushed.get(p.get('request_uri'));
    x.state.pushed.delete(p.get('request_uri'));
    const forgotten = x.state.forgotten?.get(p.get('request_uri'));
    if (forgotten) {
      const to = { redirect: forgotten.get('redirect_uri'), state: forgotten.get('state'), iss: x.issuer };
      return send(x, to.redirect, failed('invalid_request_uri')(to));
    }
    if (!pushed) return x.refuse(400, 'invalid_request_uri', 'unknown, used or expired request_uri');
    const extra = [...p.keys()].filter((name) => !['client_id', 'request_uri'].includes(name));
    if (extra.length) return x.refuse(400, 'invalid_request', `beside request_uri: ${extra}`);
    p = pushed;
  } else if (x.parts.some(({ where, what }) => where === 'discovery' && what === 'par-required')) {
    return x.refuse(400, 'invalid_request', 'a pushed request is required');
  } else if (x.parts.some(({ where, what }) => where === 'authorize' && what === 'by-value-refused')) {
    const to = { state: p.get('state'), iss: x.issuer };
    const told = failed('invalid_request', 'Pushed Authorization Request is required');
    return send(x, p.get('redirect_uri'), told(to));
  }
  const wrong = fault(p);
  if (wrong) return x.refuse(400, 'invalid_request', wrong);
  const { registered } = x.world.params;
  if (registered && !registered.includes(withoutPort(p.get('redirect_uri')))) {
    return x.refuse(400, 'invalid_request', 'redirect_uri is not registered');
  }
  const a = honest(x, p);
  const what = behaviourThat(x, (part) => part !== 'by-value-refused', 'authorize');
  if (!what) return send(x, a.redirect, plain(a));
  return known(what, ...TABLES)
    ? send(x, a.redirect, find(what, ...TABLES)(a, x, p))
    : find(what, TRANSPORT, TRANSPORT_GOOD)(x, '');
}

/** Answers that are right, and of which something goes wrong later. */
export const PAR_LATER = {
  'status-200': (x, body) => x.json(200, body),
  // The same, of a server that remembers where to say so.
  'forgotten': (x, body) => {
    x.state.forgotten = new Map(x.state.pushed);
    return x.json(201, body);
  },
  // Gone before anybody comes with it (RFC 9126, section 2.2).
  'expired': (x, body) => {
    x.state.pushed.clear();
    return x.json(201, body);
  },
};

export function par(x) {
  const p = new URLSearchParams(x.body);
  if (x.req.headers.authorization && !p.has('client_id')) {
    return x.refuse(400, 'invalid_request', 'client_id missing (RFC 9126, section 2.1)');
  }
  const wrong = p.has('request_uri') ? 'request_uri in a pushed request' : fault(p);
  if (wrong) return x.refuse(400, 'invalid_request', wrong);
  const request_uri = `urn:ietf:params:oauth:request_uri:${x.world.canary('request_uri', x.name)}`;
  x.state.pushed.set(request_uri, p);
  const body = JSON.stringify({ request_uri, expires_in: 60 });
  const what = behaviour(x, 'par', 'all');
  if (!what) return x.json(201, body);
  return find(what, PAR_LATER, TRANSPORT, TRANSPORT_GOOD)(x, body);
}
