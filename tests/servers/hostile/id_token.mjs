// id_tokens (OpenID Connect Core, section 2), signed with RS256. Most that are wrong are signed by the tests themselves,
// over the sandbox (tests/flows/identity/tokens.rs).

import { sign } from 'node:crypto';

import { behaviour, find } from './scenario.mjs';

const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const input = (t) => `${b64(t.header)}.${b64(t.claims)}`;

function rs256(x, t, key = x.world.params.sign) {
  return `${input(t)}.${sign('sha256', Buffer.from(input(t)), x.world.key(key).privateKey).toString('base64url')}`;
}

const claims = (changes) => (x, t) =>
  rs256(x, { ...t, claims: { ...t.claims, ...changes(t.claims, x) } });
const without = (name) => (x, t) => {
  const { [name]: _gone, ...rest } = t.claims;
  return rs256(x, { ...t, claims: rest });
};

/** What scenarios combine with others, and what a weak key signs. */
export const ID_TOKEN = {
  'honest': (x, t) => rs256(x, t),
  'iss-wrong': claims((_, x) => ({ iss: `${x.base}/s/somebody-else` })),
  'aud-wrong': claims(() => ({ aud: 'another-client' })),
  'sub-empty': claims(() => ({ sub: '' })),
  'nonce-missing': without('nonce'),
  'signature-bad': (x, t) => {
    const [h, c, s] = rs256(x, t).split('.');
    const bytes = Buffer.from(s, 'base64url');
    bytes[7] ^= 1;
    return `${h}.${c}.${bytes.toString('base64url')}`;
  },
  'key-weak': (x, t) => rs256(x, t, 'weak'),
  'empty': () => '',
  'email-verified': claims(() => ({ email_verified: true })),
  'email-verified-string': claims(() => ({ email_verified: 'true' })),
  'email-unverified': claims(() => ({ email_verified: false })),
  'email-unverified-string': claims(() => ({ email_verified: 'false' })),
  'email-verified-nonsense': claims(() => ({ email_verified: 1 })),
  'email-invisible': claims((c) => ({ email: `${c.email}\u200b`, email_verified: true })),
  'email-missing': without('email'),
};

/** The id_token for a grant, as the scenario has it. */
export function idToken(x, { client_id, sub, nonce, refreshed }) {
  const now = x.world.now();
  const t = {
    header: { alg: 'RS256', kid: x.world.params.sign },
    claims: { iss: x.issuer, sub, aud: client_id, iat: now, exp: now + 3600, email: `${sub}@example.com` },
  };
  if (nonce) t.claims.nonce = nonce;
  const what = refreshed ? behaviour(x, 'refresh-id-token') : behaviour(x, 'id-token');
  return what ? find(what, ID_TOKEN)(x, t) : rs256(x, t);
}
