// The metadata document (RFC 8414, OpenID Connect Discovery) and the key set, honest and not.

import { isOffered } from './device.mjs';
import { behaviour, find, known, names } from './scenario.mjs';
import { TRANSPORT, TRANSPORT_GOOD } from './transport.mjs';

export function metadata(x) {
  const at = (path) => `${x.issuer}/${path}`;
  return {
    issuer: x.issuer,
    authorization_endpoint: at('authorize'),
    token_endpoint: at('token'),
    jwks_uri: at('jwks'),
    userinfo_endpoint: at('userinfo'),
    revocation_endpoint: at('revoke'),
    introspection_endpoint: at('introspect'),
    ...(isOffered(x) ? { device_authorization_endpoint: at('device_authorization') } : {}),
    pushed_authorization_request_endpoint: at('par'),
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'form_post'],
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
    id_token_signing_alg_values_supported: ['RS256'],
    subject_types_supported: ['public'],
    scopes_supported: ['openid', 'email', 'offline_access', 'api', 'read'],
    authorization_response_iss_parameter_supported: true,
  };
}

const set = (changes) => (doc, x) => ({ ...doc, ...changes(x, doc) });
const without = (...names) => (doc) =>
  Object.fromEntries(Object.entries(doc).filter(([name]) => !names.includes(name)));
const off = (x, doc, scheme) =>
  Object.fromEntries(Object.entries(doc).map(([name, value]) => [
    name,
    name.endsWith('_endpoint') || name === 'jwks_uri' ? value.replace(x.base, scheme) : value,
  ]));

/** Documents that a client can live with. */
export const DISCOVERY_GOOD = {
  'no-pkce-announced': without('code_challenge_methods_supported'),
  'no-iss-announced': without('authorization_response_iss_parameter_supported'),
  'par-required': set(() => ({ require_pushed_authorization_requests: true })),
  'no-revocation': without('revocation_endpoint'),
  'no-userinfo': without('userinfo_endpoint'),
  'no-par': without('pushed_authorization_request_endpoint'),
  // Each of the two documents has what the other lacks.
  'revocation-in-oauth-document': (doc, x) =>
    (x.target.includes('openid-configuration') ? without('revocation_endpoint')(doc) : doc),
  'only-post': set(() => ({ token_endpoint_auth_methods_supported: ['none', 'client_secret_post'] })),
  // What no login needs, written as servers do that have none.
  'unused-no-urls': set(() => ({
    registration_endpoint: 'none', end_session_endpoint: '', userinfo_endpoint: '/userinfo',
  })),
  'unknown-members': set(() => ({ x_future: { a: [1, 2, { b: null }] } })),
  'query-in-authorization-endpoint': set((x) => ({
    authorization_endpoint: `${x.issuer}/authorize?t=a%2Fb&x=%20`,
  })),
};

/** Documents that change what a stored grant is bound to, or where things go. */
export const DISCOVERY_MOVING = {
  'token-endpoint-canary': set((x) => ({ token_endpoint: `${x.world.bases.canary}/token` })),
  'all-endpoints-canary': (doc, x) => off(x, doc, x.world.bases.canary),
  'jwks-canary': set((x) => ({ jwks_uri: `${x.world.bases.canary}/jwks` })),
  'jwks-missing': without('jwks_uri'),
  'refused-token-endpoint': set((x) => ({ token_endpoint: `${x.world.bases.refused}/token` })),
  'down-after-first': (doc) => doc,
  // Honest when first asked, the canary's token endpoint ever after.
  'changes-after-first': (doc, x) => {
    return x.state.discovered === 1 ? doc : { ...doc, token_endpoint: `${x.world.bases.canary}/token` };
  },
};

/** Whether this scenario's document has been given once; then its server is down. */
const isDown = (x) => {
  const asked = (x.state.discovered = (x.state.discovered ?? 0) + 1);
  return names(x, 'discovery', 'down-after-first') && asked > 1;
};

export function discovery(x) {
  const honest = metadata(x);
  if (isDown(x)) return x.reply(503, {}, '');
  const what = behaviour(x, 'discovery', 'all');
  if (!what) return x.json(200, JSON.stringify(honest));
  const tables = [DISCOVERY_GOOD, DISCOVERY_MOVING];
  if (!known(what, ...tables)) {
    return find(what, TRANSPORT, TRANSPORT_GOOD)(x, JSON.stringify(honest));
  }
  const doc = find(what, ...tables)(honest, x);
  return x.json(200, JSON.stringify(doc));
}

const keys = (...list) => ({ keys: list });

/** Key sets with which no id_token of this server may be believed. */
export const JWKS = {
  'wrong-key': (w) => keys({ ...w.jwk('k2'), kid: 'k1' }),
  'other-kid': (w) => keys(w.jwk('k2')),
  'not-keys': () => ({ keys: 'k1' }),
  'weak': (w) => keys({ ...w.jwk('weak'), kid: 'k1' }),
};

export function jwks(x) {
  const what = behaviour(x, 'jwks', 'all');
  const published = x.world.params.publish.map((name) => x.world.jwk(name));
  const honest = JSON.stringify(keys(...published));
  if (!what) return x.json(200, honest);
  if (known(what, JWKS)) {
    return x.json(200, JSON.stringify(find(what, JWKS)(x.world, x)));
  }
  return find(what, TRANSPORT, TRANSPORT_GOOD)(x, honest);
}
