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

const raw = (text) => ({ raw: text });
const plain = (a) => [['code', a.code], ['state', a.state], ['iss', a.iss]];
const change = (name, to) => (a, x) =>
  plain(a).map(([n, v]) => (n === name ? [n, to(v, x, a)] : [n, v]));
const drop = (name) => (a) => plain(a).filter(([n]) => n !== name);
const twice = (name) => (a) => [...plain(a), plain(a).find(([n]) => n === name)];
const add = (...pairs) => (a) => [...plain(a), ...pairs];
const failed = (error, description) => (a) => [
  ['error', error],
  ...(description === undefined ? [] : [['error_description', description]]),
  ['state', a.state],
  ['iss', a.iss],
];

/** Answers that must be ignored: they do not end the attempt, and nothing is redeemed. */
export const AUTHORIZE_IGNORED = {
  'state-wrong': change('state', () => 'not-the-state-that-was-sent-at-all'),
  'state-missing': drop('state'),
  'state-empty': change('state', () => ''),
  'state-truncated': change('state', (s) => s.slice(0, -1)),
  'state-extended': change('state', (s) => `${s}A`),
  'state-twice': twice('state'),
  'code-twice': twice('code'),
  'iss-twice': twice('iss'),
  'code-and-error': add(['error', 'access_denied']),
  'token-in-query': (a, x) => [
    ['access_token', x.world.canary('access_token', x.name)], ['state', a.state], ['iss', a.iss],
  ],
  'code-control': change('code', () => 'a\r\n\u001b[31mb\u0000'),
  'code-not-utf8': change('code', () => raw('a%ff%fe')),
  'code-over-8k': change('code', () => 'a'.repeat(10_000)),
  'wrong-path': (a) => ({ to: new URL('/elsewhere', a.redirect).href, pairs: plain(a) }),
  'form-post': (a) => ({ post: true, pairs: plain(a) }),
};

/** Answers that end the attempt as a failed validation (exit 7), with nothing redeemed. */
export const AUTHORIZE_INVALID = {
  'iss-wrong': change('iss', (_, x) => `${x.base}/s/somebody-else`),
  'iss-missing': drop('iss'),
  'iss-empty': change('iss', () => ''),
  'iss-slash': change('iss', (iss) => `${iss}/`),
  'iss-case': change('iss', (iss) => iss.toUpperCase()),
  'iss-port': change('iss', (iss) => iss.replace(/:\d+/, ':443')),
  'iss-canary-with-error': (a, x) => [
    ['error', 'access_denied'], ['state', a.state], ['iss', x.world.bases.canary],
  ],
  // A mix-up: the person is sent on to another server, whose code comes back with its own iss.
  'bounce': (_a, x, p) => ({ away: `${x.base}/s/tag.bounced/authorize?${p}` }),
};

/** Answers that end the attempt with the server's own words. */
export const AUTHORIZE_FAILED = {
  'deny': failed('access_denied', 'the user denied access'),
  'deny-with-words': failed('access_denied', 'CANARY-WORDS'),
  'server-error': failed('server_error'),
  'temporarily-unavailable': failed('temporarily_unavailable'),
  'invalid-scope': failed('invalid_scope', 'unknown scope'),
  'login-required': failed('login_required'),
  'error-with-markup': failed('access_denied', '<script>alert(1)</script><img src=x onerror=alert(2)>'),
  'error-with-escapes': failed('access_denied', '\u001b[2J\u001b]0;owned\u0007\u202etxt.exe'),
  'error-with-lines': failed('access_denied', 'one\r\nSet-Cookie: a=b\r\n\r\ntwo'),
  'error-latin-1': failed('access_denied', raw('f%FCr dich%')),
  'error-doubled-description': (a) => [
    ...failed('access_denied', 'once')(a), ['error_description', 'twice'],
  ],
  'error-long-description': failed('access_denied', 'long '.repeat(4_000)),
  'error-odd-uri': (a) => [...failed('access_denied')(a), ['error_uri', 'not a\u0001 uri\t']],
  // django-oauth-toolkit promises `iss`, and sends none with errors.
  'deny-without-iss': (a) => [
    ['error', 'access_denied'], ['error_description', 'CANARY-WORDS'], ['state', a.state],
  ],
  'failed-without-iss': (a) => [
    ['error', 'invalid_scope'], ['error_description', 'CANARY-WORDS'], ['state', a.state],
  ],
};

/** Codes that the server then refuses to redeem. */
export const AUTHORIZE_UNREDEEMABLE = {
  // Another session's code: the verifier cannot fit.
  'code-injected': (a, x, p) => [
    ['code', mint(x, p, { challenge: createHash('sha256').update('other').digest('base64url') })],
    ['state', a.state],
    ['iss', a.iss],
  ],
  'code-unknown': change('code', (_, x) => x.world.canary('code', x.name)),
  'code-non-ascii': change('code', () => 'cod\u00e9'),
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

/** Odd answers that are right nevertheless. */
export const AUTHORIZE_GOOD = {
  'unknown-parameters': add(['session_state', 'abc'], ['x', '<>&"']),
  'odd-parameters': add(
    ['scope', 'a\tb\r\n'], ['session_state', raw('%FC%')], ['session_state', '\u001b[2J'],
    ['x%00', '\u0085'], ['long', 'x'.repeat(20_000)],
  ),
  'empty-fragment': (a) => ({ pairs: plain(a), fragment: '_=_' }),
};

const TABLES = [
  AUTHORIZE_IGNORED,
  AUTHORIZE_INVALID,
  AUTHORIZE_FAILED,
  AUTHORIZE_UNREDEEMABLE,
  AUTHORIZE_MIX_UP,
  AUTHORIZE_GOOD,
];

const encoded = (value) => (value?.raw === undefined ? encodeURIComponent(value) : value.raw);
const query = (pairs) => pairs.map(([name, value]) => `${name}=${encoded(value)}`).join('&');

function send(x, redirect, answer) {
  const { pairs, to = redirect, away, post, fragment } = Array.isArray(answer)
    ? { pairs: answer }
    : answer;
  if (away) return x.reply(302, { location: away }, '');
  if (post) {
    const inputs = pairs.map(([n, v]) => `<input type="hidden" name="${n}" value="${v}">`).join('');
    const page = `<!doctype html><form method="post" action="${to}">${inputs}</form>`;
    return x.reply(200, { 'content-type': 'text/html' }, page);
  }
  const joint = to.includes('?') ? '&' : '?';
  const location = `${to}${joint}${query(pairs)}${fragment ? `#${fragment}` : ''}`;
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

/** Answers of the pushed request endpoint that must end the attempt before a browser opens. */
export const PAR = {
  'no-request-uri': (x) => x.json(201, '{"expires_in":60}'),
  'http-request-uri': (x) => x.json(201, '{"request_uri":"http://as.example/r","expires_in":60}'),
  'empty-request-uri': (x) => x.json(201, '{"request_uri":"","expires_in":60}'),
  'invalid-request': (x) => x.refuse(400, 'invalid_request', 'no'),
  'invalid-client': (x) => x.refuse(401, 'invalid_client', 'no'),
};

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
  return find(what, PAR, PAR_LATER, TRANSPORT, TRANSPORT_GOOD)(x, body);
}
