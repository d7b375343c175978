// Token responses, given the honest one as an object. The tables answer `{status, type, body}`; a body that is
// an object is sent as JSON.

import { randomBytes } from 'node:crypto';

const json = (body, status = 200) => ({ status, type: 'application/json', body });
const text = (body, type = 'application/json', status = 200) => ({ status, type, body });
const set = (changes) => (t) => json({ ...t, ...changes });
const without = (name) => (t) => json(Object.fromEntries(Object.entries(t).filter(([n]) => n !== name)));
const raw = (change) => (t) => text(change(JSON.stringify(t)));
const error = (code, status, more) => () => json({ error: code, ...more }, status);
const suffix = (tail) => (t) => json({ ...t, access_token: t.access_token + tail });

/** Not successes: refused, nothing printed, what was stored before stays. */
export const REPLY = {
  'html': () => text('<!doctype html><title>Log in to the network</title>', 'text/html'),
  'html-as-json': () => text('<!doctype html><title>Hello</title>'),
  'empty': () => text(''),
  'space': () => text(' \r\n '),
  'null': () => text('null'),
  'true': () => text('true'),
  'number': () => text('7'),
  'string': (t) => text(JSON.stringify(t.access_token)),
  'array': () => text('[]'),
  'array-of-it': (t) => json([t]),
  'empty-object': () => json({}),
  'truncated-at-N': (t, _x, n) => text(JSON.stringify(t).slice(0, n)),
  'trailing-junk': raw((s) => `${s}x`),
  'trailing-object': raw((s) => s + s),
  'utf16': (t) => text(Buffer.from(JSON.stringify(t), 'utf16le')),
  'duplicate-access-token': raw((s) => s.replace('{', '{"access_token":"CANARY-duplicate",')),
  'single-quotes': raw((s) => s.replaceAll('"', "'")),
  'nan-expires': raw((s) => s.replace(/"expires_in":\d+/, '"expires_in":NaN')),
  'comment': raw((s) => `/* */${s}`),
  'deep-100k': raw((s) => s.replace('{', `{"pad":${'['.repeat(1e5)}${']'.repeat(1e5)},`)),
  'over-1-mib': raw((s) => s.replace('{', `{"pad":"${'a'.repeat(2 ** 20)}",`)),
  'access-token-missing': without('access_token'),
  'access-token-empty': set({ access_token: '' }),
  'access-token-null': set({ access_token: null }),
  'access-token-number': set({ access_token: 7 }),
  'access-token-array': set({ access_token: ['CANARY-array'] }),
  'access-token-object': set({ access_token: { value: 'CANARY-object' } }),
  'access-token-newline': suffix('\nhost=evil'),
  'access-token-return': suffix('\r'),
  'access-token-nul': suffix('\u0000'),
  'access-token-escape': suffix('\u001b]8;;'),
  'access-token-space': suffix(' x'),
  'access-token-tab': suffix('\tx'),
  'access-token-non-ascii': suffix('\u00e9'),
  'access-token-delete': suffix('\u007f'),
  'refresh-token-newline': (t) => json({ ...t, refresh_token: `${t.refresh_token ?? 'r'}\nx` }),
  'refresh-token-number': set({ refresh_token: 7 }),
  'refresh-token-object': set({ refresh_token: {} }),
  'scope-newline': set({ scope: 'api\nread' }),
  'scope-escape': set({ scope: 'api \u001b[31m' }),
  'token-type-mac': set({ token_type: 'mac' }),
  'token-type-n-a': set({ token_type: 'N_A' }),
  'token-type-empty': set({ token_type: '' }),
  'token-type-number': set({ token_type: 7 }),
  'token-type-dpop': set({ token_type: 'DPoP' }),
  'token-type-newline': set({ token_type: 'Bearer\r\nX: y' }),
  'error-beside-token': set({ error: 'invalid_request' }),
  'token-in-400': (t) => json(t, 400),
  'token-in-500': (t) => json(t, 500),
  'token-in-302': (t) => json(t, 302),
  'token-in-204': () => text('', 'application/json', 204),
};

/** How a server may write what it repeats; what it writes stands in a string of JSON. */
const ENCODINGS = {
  'percent': (s) => encodeURIComponent(s).replace(/%../g, (code) => code.toLowerCase()),
  'percent-all': (s) => Array.from(Buffer.from(s), (b) => `%${b.toString(16).padStart(2, '0')}`).join(''),
  'percent-twice': (s) => encodeURIComponent(encodeURIComponent(s)),
  'html': (s) => s.replace(/[^A-Za-z0-9]/g, (c) => `&#x${c.codePointAt(0).toString(16)};`),
  'json': (s) => Array.from(s, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  'base64': (s) => Buffer.from(`x${s}y`).toString('base64'),
  'base64url': (s) => Buffer.from(`xx${s}`).toString('base64url'),
  'hex': (s) => Buffer.from(s).toString('hex'),
  'hex-upper': (s) => Buffer.from(s).toString('hex').toUpperCase(),
};

/** A refusal that repeats each secret of the request in an encoding. */
function echo(x, encode) {
  const header = x.req.headers.authorization?.split(' ')[1];
  const basic = Buffer.from(header ?? '', 'base64').toString('latin1').split(/:(.*)/s)[1];
  const form = new URLSearchParams(x.body);
  const names = ['code', 'code_verifier', 'refresh_token', 'client_secret'];
  const sent = [...names.map((name) => form.get(name)), basic && decodeURIComponent(basic.replaceAll('+', ' '))];
  const words = sent.filter(Boolean).map((secret) => `<${encode(secret)}>`).join(' ');
  return `{"error":"invalid_request","error_description":"wrong: ${words}"}`;
}

/** Refusals. A server that refuses has not acted: as `after-refresh.invalid-grant` it has, and lies. */
export const REPLY_ERROR = {
  'error-in-200': error('invalid_grant', 200),
  'invalid-request': error('invalid_request', 400),
  'invalid-client': error('invalid_client', 401),
  'invalid-grant': error('invalid_grant', 400),
  'unauthorized-client': error('unauthorized_client', 400),
  'unsupported-grant-type': error('unsupported_grant_type', 400),
  'invalid-scope': error('invalid_scope', 400),
  'access-denied': error('access_denied', 403),
  'server-error': error('server_error', 500),
  'temporarily-unavailable': error('temporarily_unavailable', 503),
  'error-unknown': error('interaction_required', 400),
  'error-number': error(7, 400),
  // What others say for `invalid_grant` at a refresh: GitHub and Slack with 200, Entra, Atlassian, glewlwyd.
  'bad-refresh-token': error('bad_refresh_token', 200),
  'invalid-refresh-token': error('invalid_refresh_token', 200, { ok: false }),
  'token-expired': error('token_expired', 200, { ok: false }),
  'token-revoked': error('token_revoked', 200, { ok: false }),
  'consent-required': error('consent_required', 400),
  'login-required': error('login_required', 400),
  'refresh-token-is-invalid': error('unauthorized_client', 403, { error_description: 'refresh_token is invalid' }),
  'grant-type-not-allowed':
    error('unauthorized_client', 403, { error_description: 'grant type refresh_token is not allowed' }),
  'empty-400': () => text('', 'text/plain', 400),
  'empty-401': () => text('', 'text/plain', 401),
  'error-object': error({ code: 'invalid_grant' }, 400),
  'error-markup': error('invalid_request', 400, { error_description: '<script>alert(1)</script>' }),
  'error-ansi': error('invalid_request', 400, { error_description: '\u001b[2J\u001b]0;x\u0007\u202egpj.exe' }),
  'error-lines': error('invalid_request', 400, { error_description: 'one\r\nerror: forged\r\nhint: do it' }),
  'error-1-mib': error('invalid_request', 400, { error_description: 'a'.repeat(1e6) }),
  'error-code-ansi': error('bad\u001b[31m\nx', 400),
  'error-form': () => text('error=invalid_request', 'application/x-www-form-urlencoded', 400),
  'error-words': error('CANARY-WORDS-code', 400, { error_description: 'CANARY-WORDS', error_uri: 'CANARY-WORDS' }),
  'error-words-known': error('invalid_scope', 400, { error_description: 'CANARY-WORDS' }),
  'error-words-503': error('CANARY-WORDS-code', 503, { error_description: 'CANARY-WORDS' }),
  // A server that repeats what it was sent: none of it may be shown.
  'error-echo': (t, x) => json({ error: 'invalid_request', error_description: x.body }, 400),
  // The same in an encoding: `error-echo-as-html`.
  ...Object.fromEntries(Object.entries(ENCODINGS).map(([name, encode]) => [
    `error-echo-as-${name}`,
    (t, x) => text(echo(x, encode), 'application/json', 400),
  ])),
};

/** Never content with a nonce: another is wanted each time (RFC 9449, section 8). */
export const DPOP_NONCE = {
  'use-dpop-nonce': (x) => x.reply(
    400,
    { 'content-type': 'application/json', 'dpop-nonce': randomBytes(12).toString('base64url') },
    '{"error":"use_dpop_nonce"}',
  ),
};

/** Successes in an unusual dress. */
export const REPLY_GOOD = {
  'token-type-case': set({ token_type: 'bEARER' }),
  'expires-in-string': set({ expires_in: '3600' }),
  'expires-in-missing': without('expires_in'),
  'scope-missing': without('scope'),
  'scope-less': set({ scope: 'openid' }),
  'scope-more': (t) => json({ ...t, scope: `${t.scope} admin`.trim() }),
  'unknown-members': set({ x: { y: [1, null] }, instance_url: 'https://i.example' }),
  'nested-extra': set({ extra: JSON.parse(`${'['.repeat(120)}${']'.repeat(120)}`) }),
  'charset': (t) => text(JSON.stringify(t), 'application/json; charset=utf-8'),
  'pretty': (t) => text(`\n ${JSON.stringify(t, null, 4)} \n`),
  'token-64-kib': suffix('a'.repeat(64 * 1024)),
  'token-256-kib': suffix('a'.repeat(256 * 1024)),
  'token-shell': suffix("'\"`$(id)`\\;&|<>*?~#!%{}[]"),
};

/** Lifetimes that must neither overflow, nor panic, nor make every call refresh for ever. */
export const REPLY_EXPIRES = {
  'expires-in-N': (t, _x, n) => json({ ...t, expires_in: n }),
  'expires-in-negative': set({ expires_in: -1 }),
  'expires-in-float': set({ expires_in: 3600.5 }),
  'expires-in-1e308': raw((s) => s.replace(/"expires_in":\d+/, '"expires_in":1e308')),
  'expires-in-2-63': raw((s) => s.replace(/"expires_in":\d+/, '"expires_in":9223372036854775808')),
  'expires-in-2-64': raw((s) => s.replace(/"expires_in":\d+/, '"expires_in":18446744073709551616')),
  'expires-in-null': set({ expires_in: null }),
  'expires-in-word': set({ expires_in: 'soon' }),
  'expires-in-empty': set({ expires_in: '' }),
  'expires-in-array': set({ expires_in: [3600] }),
};

/** The reply with these bytes in front of its members. */
const behind = (bytes) => (t) =>
  text(Buffer.concat([Buffer.from('{'), Buffer.from(bytes, 'latin1'), Buffer.from(`,${JSON.stringify(t).slice(1)}`)]));
const form = (t) => new URLSearchParams(t).toString();

/** What some real servers do, whether or not the RFC allows it. */
export const REPLY_ODD = {
  'token-type-missing': without('token_type'),
  'token-type-null': set({ token_type: null }),
  'token-type-bearer-token': set({ token_type: 'BearerToken' }),
  'form': (t) => text(form(t), 'application/x-www-form-urlencoded'),
  'form-as-text': (t) => text(form(t), 'text/plain; charset=utf-8'),
  'created': (t) => json(t, 201),
  'non-authoritative': (t) => json(t, 203),
  'text-plain': (t) => text(JSON.stringify(t), 'text/plain'),
  'text-html': (t) => text(JSON.stringify(t), 'text/html; charset=utf-8'),
  'byte-order-mark': (t) => text(`\ufeff${JSON.stringify(t)}`),
  'latin-1': behind('"\xe9t\xe9":"\xff\xfe"'),
  'lone-surrogate': behind('"\\ud800":"\\udfff \\ud800x"'),
  'line-break': behind('"note":"one\ntwo\t"'),
  'duplicate-member': behind('"x":1,"x":{"y":1,"y":2}'),
  'error-empty': set({ error: '' }),
  'error-null': set({ error: null }),
  'id-token-false': set({ id_token: false }),
  'scope-array': (t) => json({ ...t, scope: (t.scope ?? '').split(' ') }),
  'scope-number': set({ scope: 7 }),
  'scope-twice': raw((s) => s.replace('{', '{"scope":"api","scope":"read",')),
  'scope-control': set({ scope: 'api\u0007\tread' }),
  'scope-token': (t) => json({ ...t, scope: `api ${t.access_token}` }),
  'scope-comma': (t) => json({ ...t, scope: (t.scope ?? '').replaceAll(' ', ',') }),
  'refresh-token-empty': set({ refresh_token: '' }),
  'refresh-token-null': set({ refresh_token: null }),
};
