// id_tokens (OpenID Connect Core, section 2), signed with RS256 unless the scenario says otherwise.

import { createHash, createHmac, randomBytes, sign } from 'node:crypto';

import { behaviour, find } from './scenario.mjs';

const b64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const input = (t) => `${b64(t.header)}.${b64(t.claims)}`;

function rs256(x, t, key = x.world.params.sign) {
  return `${input(t)}.${sign('sha256', Buffer.from(input(t)), x.world.key(key).privateKey).toString('base64url')}`;
}

function hs256(t, secret) {
  const header = { ...t.header, alg: 'HS256' };
  const text = input({ ...t, header });
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

function unsigned(t, alg, signature = '') {
  return `${input({ ...t, header: { alg } })}.${signature}`;
}

const claims = (changes) => (x, t) =>
  rs256(x, { ...t, claims: { ...t.claims, ...changes(t.claims, x) } });
const without = (name) => (x, t) => {
  const { [name]: _gone, ...rest } = t.claims;
  return rs256(x, { ...t, claims: rest });
};
const header = (changes, key) => (x, t) =>
  rs256(x, { ...t, header: { ...t.header, ...changes(x) } }, key);

/** id_tokens that must be refused. */
export const ID_TOKEN = {
  'iss-wrong': claims((_, x) => ({ iss: `${x.base}/s/somebody-else` })),
  'iss-slash': claims((c) => ({ iss: `${c.iss}/` })),
  'iss-missing': without('iss'),
  'iss-array': claims((c) => ({ iss: [c.iss] })),
  'aud-wrong': claims(() => ({ aud: 'another-client' })),
  'aud-missing': without('aud'),
  'aud-empty': claims(() => ({ aud: [] })),
  'aud-extra': claims((c) => ({ aud: [c.aud, 'untrusted'] })),
  'aud-extra-azp': claims((c) => ({ aud: [c.aud, 'untrusted'], azp: c.aud })),
  'aud-extra-azp-wrong': claims((c) => ({ aud: [c.aud, 'untrusted'], azp: 'untrusted' })),
  'azp-wrong': claims(() => ({ azp: 'another-client' })),
  'exp-past': claims((c) => ({ exp: c.iat - 3600 })),
  'exp-past-10-min': claims((c) => ({ exp: c.iat - 600 })),
  'exp-missing': without('exp'),
  'exp-string': claims((c) => ({ exp: String(c.exp) })),
  'exp-null': claims(() => ({ exp: null })),
  'iat-missing': without('iat'),
  'iat-future': claims((c) => ({ iat: c.iat + 86_400, exp: c.exp + 86_400 })),
  'iat-ahead-10-min': claims((c) => ({ iat: c.iat + 600, exp: c.exp + 600 })),
  'iat-far-past': claims((c) => ({ iat: c.iat - 30 * 86_400 })),
  'nbf-future': claims((c) => ({ nbf: c.iat + 86_400 })),
  'sub-missing': without('sub'),
  'sub-empty': claims(() => ({ sub: '' })),
  'sub-number': claims(() => ({ sub: 7 })),
  'sub-null': claims(() => ({ sub: null })),
  'nonce-missing': without('nonce'),
  'nonce-wrong': claims(() => ({ nonce: randomBytes(16).toString('base64url') })),
  'nonce-empty': claims(() => ({ nonce: '' })),
  'at-hash-wrong': claims(() => ({ at_hash: randomBytes(16).toString('base64url') })),
  'alg-none': (_x, t) => unsigned(t, 'none'),
  'alg-none-capital': (_x, t) => unsigned(t, 'None'),
  'alg-none-mixed': (_x, t) => unsigned(t, 'nOnE'),
  'alg-none-with-signature': (x, t) => unsigned(t, 'none', rs256(x, t).split('.')[2]),
  'alg-empty': (_x, t) => unsigned(t, ''),
  'alg-missing': (_x, t) => unsigned(t, undefined),
  'alg-unknown': header(() => ({ alg: 'RS999' })),
  'alg-case': header(() => ({ alg: 'rs256' })),
  'hs256-public-key': (x, t) =>
    hs256(t, x.world.key('k1').publicKey.export({ type: 'spki', format: 'pem' })),
  'hs256-public-key-der': (x, t) =>
    hs256(t, x.world.key('k1').publicKey.export({ type: 'spki', format: 'der' })),
  'hs256-client-secret': (_x, t) => hs256(t, t.secret ?? ''),
  'hs256-empty-key': (_x, t) => hs256(t, ''),
  'signature-bad': (x, t) => {
    const [h, c, s] = rs256(x, t).split('.');
    const bytes = Buffer.from(s, 'base64url');
    bytes[7] ^= 1;
    return `${h}.${c}.${bytes.toString('base64url')}`;
  },
  'signature-empty': (x, t) => rs256(x, t).replace(/[^.]*$/, ''),
  'signature-missing': (x, t) => rs256(x, t).replace(/\.[^.]*$/, ''),
  'signature-of-other-claims': (x, t) => {
    const [h, , s] = rs256(x, t).split('.');
    return `${h}.${b64({ ...t.claims, sub: 'mallory' })}.${s}`;
  },
  'key-weak': header(() => ({}), 'weak'),
  'key-unknown': header(() => ({}), 'k2'),
  'kid-unknown': header(() => ({ kid: 'no-such-key' }), 'k2'),
  'kid-path': header(() => ({ kid: '../../etc/passwd' }), 'k2'),
  'jwk-in-header': header((x) => ({ jwk: x.world.jwk('k2'), kid: undefined }), 'k2'),
  'jku-in-header': header((x) => ({ jku: `${x.world.bases.canary}/jwks`, kid: 'k2' }), 'k2'),
  'x5u-in-header': header((x) => ({ x5u: `${x.world.bases.canary}/x5u`, kid: 'k2' }), 'k2'),
  'crit': header(() => ({ crit: ['x'], x: true })),
  'es256-not-announced': (x, t) => {
    const text = input({ ...t, header: { alg: 'ES256', kid: 'ec' } });
    const key = { key: x.world.key('ec').privateKey, dsaEncoding: 'ieee-p1363' };
    return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
  },
  'es256-zero-signature': (_x, t) =>
    `${input({ ...t, header: { alg: 'ES256', kid: 'ec' } })}.${Buffer.alloc(64).toString('base64url')}`,
  'nested': (x, t) => rs256(x, { header: { ...t.header, cty: 'JWT' }, claims: rs256(x, t) }),
  'encrypted': (_x, t) => `${b64({ alg: 'RSA-OAEP', enc: 'A256GCM' })}.a.b.${b64(t.claims)}.c`,
  'claims-not-json': (x, t) => rs256(x, { ...t, claims: 'not json' }),
  'claims-array': (x, t) => rs256(x, { ...t, claims: [] }),
  'not-a-jwt': () => 'not-a-jwt',
  'empty': () => '',
  'number': () => 7,
};

/** id_tokens that are right in an unusual way. */
export const ID_TOKEN_GOOD = {
  'aud-array': claims((c) => ({ aud: [c.aud] })),
  'azp-right': claims((c) => ({ azp: c.aud })),
  'at-hash-right': (x, t) => {
    const half = createHash('sha256').update(t.access_token).digest().subarray(0, 16);
    return rs256(x, { ...t, claims: { ...t.claims, at_hash: half.toString('base64url') } });
  },
  'exp-past-4-min': claims((c) => ({ exp: c.iat - 240 })),
  'iat-ahead-4-min': claims((c) => ({ iat: c.iat + 240, exp: c.exp + 240 })),
  'kid-absent': header(() => ({ kid: undefined })),
  // Cloud Foundry's UAA names its keys in every token; nobody has to fetch them there.
  'jku-beside': header((x) => ({ jku: `${x.world.bases.canary}/jwks` })),
  'typ-jwt': header(() => ({ typ: 'JWT' })),
  'email-verified': claims(() => ({ email_verified: true })),
  'email-verified-string': claims(() => ({ email_verified: 'true' })),
  'email-unverified': claims(() => ({ email_verified: false })),
  'email-unverified-string': claims(() => ({ email_verified: 'false' })),
  'email-verified-nonsense': claims(() => ({ email_verified: 1 })),
  'email-invisible': claims((c) => ({ email: `${c.email}\u200b`, email_verified: true })),
  'email-missing': without('email'),
  'unknown-claims': claims(() => ({ x: { y: [1] }, amr: ['pwd'] })),
  // With jwks.rotated-after-first: the key changed since it was fetched.
  'key-k2': header(() => ({ kid: 'k2' }), 'k2'),
};

/** id_tokens of a refresh: `refresh-id-token.sub-other`. */
export const REFRESH_ID_TOKEN = {
  'sub-other': claims(() => ({ sub: 'mallory' })),
  'sub-twice': (x, t) => {
    const once = JSON.stringify(t.claims);
    return rs256(x, { ...t, claims: once.replace('{', '{"sub":"mallory",') });
  },
  'iss-other': claims((_, x) => ({ iss: `${x.base}/s/somebody-else` })),
  'sub-other-unsigned': (_x, t) => unsigned({ ...t, claims: { ...t.claims, sub: 'mallory' } }, 'none'),
  'sub-other-unknown-key': (x, t) =>
    rs256(x, { header: { ...t.header, kid: 'no-such-key' }, claims: { ...t.claims, sub: 'mallory' } }, 'k2'),
  'aud-other': claims(() => ({ aud: 'another-client' })),
  'repeated': (x) => x.state.firstIdToken,
  'repeated-and-expired': (x, t) =>
    rs256(x, { ...t, claims: { ...t.claims, iat: t.claims.iat - 7200, exp: t.claims.exp - 7200, nonce: 'first' } }),
  'honest': (x, t) => rs256(x, t),
};

/** The id_token for a grant, as the scenario has it. */
export function idToken(x, { client_id, secret, sub, nonce, access_token, refreshed }) {
  const now = x.world.now();
  const t = {
    header: { alg: 'RS256', kid: x.world.params.sign },
    claims: { iss: x.issuer, sub, aud: client_id, iat: now, exp: now + 3600, email: `${sub}@example.com` },
    access_token,
    secret,
  };
  if (nonce) t.claims.nonce = nonce;
  const what = refreshed ? behaviour(x, 'refresh-id-token') : behaviour(x, 'id-token');
  const token = what ? find(what, ID_TOKEN, ID_TOKEN_GOOD, REFRESH_ID_TOKEN)(x, t) : rs256(x, t);
  if (!refreshed) x.state.firstIdToken = token;
  return token;
}
