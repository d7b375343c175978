// The metadata document (RFC 8414, OpenID Connect Discovery) and the key set.

import { strike } from './scenario.mjs';

function metadata(x) {
  const at = (path) => `${x.issuer}/${path}`;
  return {
    issuer: x.issuer,
    authorization_endpoint: at('authorize'),
    token_endpoint: at('token'),
    jwks_uri: at('jwks'),
    userinfo_endpoint: at('userinfo'),
    revocation_endpoint: at('revoke'),
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

const serve = (place, document) => (x) => {
  const body = JSON.stringify(document(x));
  if (!strike(x, body, place)) x.json(200, body);
};

export const discovery = serve('discovery', metadata);
export const jwks = serve('jwks', (x) => ({ keys: [x.world.jwk()] }));
