// Revocation (RFC 7009), introspection (RFC 7662) and userinfo.

import { behaviour, find, known } from './scenario.mjs';
import { authenticate } from './token.mjs';
import { TRANSPORT, TRANSPORT_GOOD } from './transport.mjs';

const GONE = ['invalid_token', 'invalid_grant', 'token_revoked', 'bad_refresh_token'];

export const REVOKE = {
  ...Object.fromEntries(GONE.map((code) => [`gone-${code}`, (x) => x.refuse(400, code, 'Token expired or revoked')])),
  'gone-message': (x) => x.json(400, '{"status":400,"message":"Invalid token"}'),
  'refused': (x) => x.refuse(400, 'invalid_request', 'no'),
  'unsupported-token-type': (x) => x.refuse(400, 'unsupported_token_type', 'not this kind'),
  'access-unsupported': (x) => x.body.includes('token_type_hint=access_token')
    ? x.refuse(400, 'unsupported_token_type', 'not this kind') : x.reply(200, {}, ''),
  'invalid-client': (x) => x.refuse(401, 'invalid_client', 'no'),
};

function strike(x, place, body, ...tables) {
  const what = behaviour(x, place, 'all');
  if (!what) return false;
  find(what, ...tables, TRANSPORT, TRANSPORT_GOOD)(x, body);
  return true;
}

/** The client, or the refusal already sent. */
function client(x) {
  try {
    return authenticate(x, new URLSearchParams(x.body));
  } catch (refusal) {
    x.refuse(refusal.status ?? 500, refusal.code ?? 'server_error', refusal.message);
    return null;
  }
}

export async function revoke(x) {
  await x.hold('revoke');
  if (strike(x, 'revoke', '', REVOKE) || !client(x)) return;
  const shown = new URLSearchParams(x.body).get('token');
  const known = x.state.refresh.get(shown) ?? x.state.access.get(shown);
  if (known?.family) known.family.revoked = true;
  x.state.access.delete(shown);
  // An unknown token is no error: RFC 7009, section 2.2.
  x.entry.verdict = known ? 'ok' : 'unknown token';
  x.reply(200, {}, '');
}

function live(x, shown) {
  const access = x.state.access.get(shown);
  return access && !access.family?.revoked ? access : null;
}

export function introspect(x) {
  const access = live(x, new URLSearchParams(x.body).get('token'));
  const body = JSON.stringify(access
    ? { active: true, client_id: access.client_id, scope: access.scope, sub: x.world.params.sub }
    : { active: false });
  if (strike(x, 'introspect', body) || !client(x)) return;
  x.json(200, body);
}

export const USERINFO = {
  'sub-other': (x) => x.json(200, '{"sub":"mallory","email":"mallory@example.com"}'),
  'sub-other-email-same': (x) => x.json(200, '{"sub":"mallory","email":"alice@example.com"}'),
  'sub-missing': (x) => x.json(200, '{"email":"alice@example.com"}'),
  'sub-number': (x) => x.json(200, '{"sub":7}'),
  'sub-invisible': (x) => x.json(200, '{"sub":"alice\\u200b","email":"alice@example.com"}'),
  'email-unverified': (x) =>
    x.json(200, '{"sub":"alice","email":"alice@example.com","email_verified":"false"}'),
  'html': (x) => x.reply(200, { 'content-type': 'text/html' }, '<title>Hello</title>'),
  'array': (x) => x.json(200, '[]'),
  'unsigned-jwt': (x) => {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    x.reply(200, { 'content-type': 'application/jwt' }, `${part({ alg: 'none' })}.${part({ sub: 'alice' })}.`);
  },
  'escapes': (x) => x.json(200, JSON.stringify({
    sub: x.world.params.sub, name: '\u001b[31mA\u202elice\r\nerror: forged', email: 'a@b\u0007',
  })),
};

export function userinfo(x) {
  const { sub } = x.world.params;
  const body = JSON.stringify({ sub, email: `${sub}@example.com`, name: 'Alice Example' });
  const bearer = /^Bearer (\S+)$/i.exec(x.req.headers.authorization ?? '')?.[1];
  if (/access_token=/.test(`${x.query}&${x.body}`)) {
    x.refuse(400, 'invalid_request', 'token outside the Authorization header');
    return;
  }
  const what = behaviour(x, 'userinfo', 'all');
  if (what && known(what, TRANSPORT, USERINFO)) {
    find(what, USERINFO, TRANSPORT)(x, body);
  } else if (!live(x, bearer)) {
    x.entry.verdict = 'unknown or revoked token';
    x.reply(401, { 'www-authenticate': 'Bearer error="invalid_token"' }, '');
  } else if (what) {
    find(what, TRANSPORT_GOOD)(x, body);
  } else {
    x.json(200, body);
  }
}
