// Token responses of scenarios that combine them with held requests, transport faults or id_tokens. All others are
// written by the tests themselves, over the sandbox (tests/support/shapes.rs). The tables answer
// `{status, type, body}`; a body that is an object is sent as JSON.

import { randomBytes } from 'node:crypto';

const json = (body, status = 200) => ({ status, type: 'application/json', body });
const text = (body, type = 'application/json', status = 200) => ({ status, type, body });
const set = (changes) => (t) => json({ ...t, ...changes });
const without = (name) => (t) => json(Object.fromEntries(Object.entries(t).filter(([n]) => n !== name)));
const error = (code, status, more) => () => json({ error: code, ...more }, status);

/** Not successes: refused, nothing printed, what was stored before stays. */
export const REPLY = {
  'html': () => text('<!doctype html><title>Log in to the network</title>', 'text/html'),
  'truncated-at-N': (t, _x, n) => text(JSON.stringify(t).slice(0, n)),
};

/** Refusals. A server that refuses has not acted: as `after-refresh.invalid-grant` it has, and lies. */
export const REPLY_ERROR = {
  'invalid-client': error('invalid_client', 401),
  'invalid-grant': error('invalid_grant', 400),
  'unauthorized-client': error('unauthorized_client', 400),
  'invalid-scope': error('invalid_scope', 400),
  'server-error': error('server_error', 500),
  'temporarily-unavailable': error('temporarily_unavailable', 503),
  'error-number': error(7, 400),
  'error-words': error('CANARY-WORDS-code', 400, { error_description: 'CANARY-WORDS', error_uri: 'CANARY-WORDS' }),
  'error-words-known': error('invalid_scope', 400, { error_description: 'CANARY-WORDS' }),
  'error-words-503': error('CANARY-WORDS-code', 503, { error_description: 'CANARY-WORDS' }),
  // A server that repeats what it was sent: none of it may be shown.
  'error-echo': (t, x) => json({ error: 'invalid_request', error_description: x.body }, 400),
};

/** Never content with a nonce: another is wanted each time (RFC 9449, section 8). */
export const DPOP_NONCE = {
  'use-dpop-nonce': (x) => x.reply(
    400,
    { 'content-type': 'application/json', 'dpop-nonce': randomBytes(12).toString('base64url') },
    '{"error":"use_dpop_nonce"}',
  ),
};

/** Successes in an unusual form. */
export const REPLY_GOOD = {
  'expires-in-missing': without('expires_in'),
  'nested-extra': set({ extra: JSON.parse(`${'['.repeat(120)}${']'.repeat(120)}`) }),
  'refresh-token-null': set({ refresh_token: null }),
};
