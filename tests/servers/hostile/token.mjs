// The token endpoint: strict about the client, the code and the refresh token.
//
// The fault `code.X` or `refresh.X` occurs before the request is processed; `after-code.X` occurs after it: the code is
// spent, the refresh token rotated, and the client does not know.

import { createHash, sign } from 'node:crypto';

import { strike } from './scenario.mjs';
import { CLIENTS } from './world.mjs';

const PLACES = { authorization_code: 'code', refresh_token: 'refresh' };

class Refusal extends Error {
  constructor(status, code, why) {
    super(why);
    Object.assign(this, { status, code });
  }
}

const refuse = (status, code, why) => { throw new Refusal(status, code, why); };

function basic(header) {
  const match = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header);
  if (!match) return refuse(401, 'invalid_client', 'Authorization is not Basic');
  const [id, secret] = Buffer.from(match[1], 'base64').toString('latin1').split(/:(.*)/s);
  const decode = (part) => {
    // RFC 6749, section 2.3.1: each half is form-encoded before they are joined.
    if (!/^[A-Za-z0-9*._+~%-]*$/.test(part)) return refuse(401, 'invalid_client', 'Basic half not form-encoded');
    return decodeURIComponent(part.replaceAll('+', ' '));
  };
  return { id: decode(id), secret: decode(secret ?? '') };
}

/** The client, proved in the one way it may be, and in no second one. */
export function authenticate(x, form) {
  const header = x.req.headers.authorization;
  const places = [header, form.get('client_secret'), form.get('client_assertion')].filter(Boolean);
  if (places.length > 1) refuse(400, 'invalid_request', 'more than one client authentication');
  if (/client_secret|code=|refresh_token|client_assertion/.test(x.query)) {
    refuse(400, 'invalid_request', 'a credential in the request URI');
  }
  const shown = header ? basic(header) : { id: form.get('client_id'), secret: form.get('client_secret') };
  const client = CLIENTS[shown.id];
  if (!client) refuse(401, 'invalid_client', `unknown client ${shown.id}`);
  if (header && form.has('client_id') && form.get('client_id') !== shown.id) {
    refuse(400, 'invalid_request', 'two client_ids');
  }
  const used = header ? 'client_secret_basic' : shown.secret === null ? 'none' : 'client_secret_post';
  if (used !== client.auth) refuse(401, 'invalid_client', `${used} used, ${client.auth} registered`);
  if (client.secret && shown.secret !== client.secret) refuse(401, 'invalid_client', 'wrong secret');
  return { client_id: shown.id, ...client };
}

function redeem(x, form, client) {
  const code = x.state.codes.get(form.get('code'));
  if (!code) return refuse(400, 'invalid_grant', 'unknown code');
  if (code.used) {
    if (code.family) code.family.revoked = true;
    return refuse(400, 'invalid_grant', 'code used twice');
  }
  code.used = true;
  if (code.client_id !== client.client_id) refuse(400, 'invalid_grant', 'code of another client');
  if (code.redirect_uri !== form.get('redirect_uri')) refuse(400, 'invalid_grant', 'redirect_uri differs');
  const verifier = form.get('code_verifier') ?? '';
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) refuse(400, 'invalid_grant', 'code_verifier malformed');
  x.world.canaries.push({ kind: 'code_verifier', value: verifier, scenario: x.name });
  if (createHash('sha256').update(verifier).digest('base64url') !== code.challenge) {
    refuse(400, 'invalid_grant', 'code_verifier does not fit');
  }
  const family = { revoked: false, client_id: client.client_id, scope: code.scope, nonce: code.nonce };
  x.state.families.push(family);
  code.family = family;
  return { family, nonce: code.nonce, scope: code.scope };
}

function rotate(x, form, client) {
  const token = x.state.refresh.get(form.get('refresh_token'));
  if (!token) return refuse(400, 'invalid_grant', 'unknown refresh token');
  const { family } = token;
  if (family.client_id !== client.client_id) refuse(400, 'invalid_grant', 'refresh token of another client');
  if (family.revoked) refuse(400, 'invalid_grant', 'family revoked');
  if (token.used > x.world.params.grace) {
    family.revoked = true;
    refuse(400, 'invalid_grant', 'refresh token used twice: family revoked');
  }
  const asked = (form.get('scope') ?? '').split(' ').filter(Boolean);
  const granted = family.scope.split(' ');
  if (asked.some((scope) => !granted.includes(scope))) refuse(400, 'invalid_scope', 'more than was granted');
  token.used += 1;
  const scope = asked.length ? asked.join(' ') : family.scope;
  return { family, scope, refreshed: true };
}

const GRANTS = {
  authorization_code: redeem,
  refresh_token: rotate,
  client_credentials: (x, form) => ({ scope: form.get('scope') ?? '' }),
};

/** An id_token (OpenID Connect Core, section 2), signed with RS256. */
function idToken(x, client_id, nonce) {
  const { sub } = x.world.params;
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: x.issuer, sub, aud: client_id, iat: now, exp: now + 3600, email: `${sub}@example.com` };
  if (nonce) claims.nonce = nonce;
  const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${b64({ alg: 'RS256', kid: 'k1' })}.${b64(claims)}`;
  return `${input}.${sign('sha256', Buffer.from(input), x.world.key.privateKey).toString('base64url')}`;
}

function issue(x, client, { family, scope, nonce, refreshed }) {
  const access_token = x.world.canary('access_token', x.name);
  x.state.access.set(access_token, { family, client_id: client.client_id, scope });
  const tokens = { access_token, token_type: 'Bearer', expires_in: x.world.params.expires_in };
  if (family) {
    tokens.refresh_token = x.world.canary('refresh_token', x.name);
    x.state.refresh.set(tokens.refresh_token, { family, used: 0 });
  }
  if (scope) tokens.scope = scope;
  if (family && !refreshed && scope.split(' ').includes('openid')) {
    tokens.id_token = idToken(x, client.client_id, nonce);
  }
  return tokens;
}

function validate(x, form) {
  if (!/^application\/x-www-form-urlencoded\b/.test(x.req.headers['content-type'] ?? '')) {
    refuse(400, 'invalid_request', 'not form-encoded');
  }
  for (const name of new Set(form.keys())) {
    if (name !== 'resource' && form.getAll(name).length > 1) refuse(400, 'invalid_request', `${name} twice`);
  }
  const grant = GRANTS[x.entry.grant_type];
  if (!grant) refuse(400, 'unsupported_grant_type', x.entry.grant_type);
  const client = authenticate(x, form);
  return issue(x, client, grant(x, form, client));
}

/** What a token response looks like that grants nothing: for faults that occur before the request is validated. */
function decoy(x) {
  const access_token = x.world.canary('decoy', x.name);
  return JSON.stringify({ access_token, token_type: 'Bearer', expires_in: 3600 });
}

export async function token(x) {
  const form = new URLSearchParams(x.body);
  x.entry.grant_type = form.get('grant_type');
  const place = PLACES[x.entry.grant_type];
  await x.hold('token');
  if (strike(x, decoy(x), place)) return undefined;
  let tokens;
  try {
    tokens = validate(x, form);
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    return x.refuse(refusal.status, refusal.code, refusal.message);
  }
  x.entry.verdict = 'ok';
  await x.hold('token-answer');
  const body = JSON.stringify(tokens);
  return strike(x, body, `after-${place}`) ? undefined : x.json(200, body);
}
