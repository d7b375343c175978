// A strict authorization server that the project did not write: oidc-provider, on loopback, with a
// user who always agrees. It rotates refresh tokens and revokes the grant when one is used twice.
//
//   node oidc-provider.mjs [--ttl SECONDS] [--client-jwks FILE] [--dpop-nonce 1] [--gitlab 1] [--client-ca FILE]
//     [--jar 1] [--device-ttl SECONDS] [--registration 1] [--documents 1]
//
// With `--gitlab` its endpoints are where GitLab has them, below /oauth/. At /who it says whose a token is
// that is bound to a key, also to who has not asked for `openid`, if the proof is right.
//
// With `--registration`, clients can register (RFC 7591), and change or delete that (RFC 7592). With `--documents`, the
// URL of a metadata document can be a client id. There is one at `document`: https, with the certificate of an authority
// that only this server trusts, because the library refuses http.
//
// With `--jar`, authorization requests must be signed. With `--client-ca`, an authority in PEM, clients can authenticate with certificates: `cli-tls` with one of that
// authority and the name client.example, `cli-self` with one of `--client-jwks`. The endpoints for them are
// https, with the certificate of another authority.
//
// One line of JSON on stdout says where it is; it ends when stdin closes. Clients: see `clients`.

import { X509Certificate, createHash, createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer, get } from 'node:https';

import { SignJWT, createLocalJWKSet, importJWK, jwtVerify } from 'jose';

import { certificates } from './hostile/x509.mjs';
import { Barrier, Journal, control } from './lib/control.mjs';
import { announce, bytes, listen, options } from './lib/process.mjs';

// The library talks on stdout; stdout carries one line only.
console.info = console.error;
console.warn = console.error;
console.log = console.error;

// Older releases of Node 20 lack it, and the library needs it.
URL.parse ??= (text, base) => (URL.canParse(text, base) ? new URL(text, base) : null);

const { default: Provider, errors } = await import('oidc-provider');

// Every awkward character that RFC 6749, appendix A.2, lets a secret have.
const AWKWARD_SECRET = ':+%& "=/?\\~';
const given = options({ ttl: '3600', 'client-jwks': '', 'dpop-nonce': '', gitlab: '', 'client-ca': '', jar: '', 'device-ttl': '600', registration: '', documents: '' });
const settings = { ttl: Number(given.ttl), delayMs: 0, deny: false, ignore: false, assertion: null };

// The paths that are not the library's own.
const ROUTES = given.gitlab
  ? {
    authorization: '/oauth/authorize',
    introspection: '/oauth/introspect',
    revocation: '/oauth/revoke',
    token: '/oauth/token',
    userinfo: '/oauth/userinfo',
  }
  : {};
const TOKEN_PATH = ROUTES.token ?? '/token';

const CODE = ['authorization_code', 'refresh_token'];
const CIBA = 'urn:openid:params:grant-type:ciba';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag';

function native(client_id, more) {
  return {
    client_id,
    application_type: 'native',
    redirect_uris: ['http://127.0.0.1/callback'],
    response_types: ['code'],
    grant_types: CODE,
    token_endpoint_auth_method: 'none',
    ...more,
  };
}

function clients() {
  const list = [
    native('cli', { grant_types: [...CODE, DEVICE, EXCHANGE] }),
    native('cli-localhost', { redirect_uris: ['http://localhost/callback'] }),
    native('cli-ipv6', { redirect_uris: ['http://[::1]/callback'] }),
    native('cli-no-refresh', { grant_types: ['authorization_code'] }),
    native('cli-par', { require_pushed_authorization_requests: true }),
    native('cli-dpop', { dpop_bound_access_tokens: true }),
    native('cli-ciba', {
      grant_types: [...CODE, CIBA],
      backchannel_token_delivery_mode: 'poll',
    }),
    native('cli-es256', { id_token_signed_response_alg: 'ES256' }),
    native('cli-secret', {
      token_endpoint_auth_method: 'client_secret_basic',
      client_secret: AWKWARD_SECRET,
    }),
    native('cli-post', {
      token_endpoint_auth_method: 'client_secret_post',
      client_secret: AWKWARD_SECRET,
    }),
    native('cli-secret-jwt', {
      token_endpoint_auth_method: 'client_secret_jwt',
      client_secret: 'thirty-two-bytes-or-more-for-HS256-keys',
    }),
    {
      client_id: 'service',
      client_secret: AWKWARD_SECRET,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_basic',
      scope: 'api read',
    },
  ];
  if (given['client-jwks']) {
    const jwks = JSON.parse(readFileSync(given['client-jwks'], 'utf8'));
    list.push(native('cli-jwt', { token_endpoint_auth_method: 'private_key_jwt', jwks }));
    if (given['client-ca']) {
      list.push(native('cli-self', { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks }));
    }
  }
  if (given['client-ca']) {
    list.push(native('cli-tls', {
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: 'CN=client.example',
    }));
  }
  return list;
}

/** The user's phone: approves, denies or stays in a pocket. */
const BACKCHANNEL = {
  enabled: true,
  deliveryModes: ['poll'],
  processLoginHint: async (_ctx, hint) => (hint.startsWith('nobody') ? undefined : hint),
  validateBindingMessage: async () => undefined,
  validateRequestContext: async () => undefined,
  verifyUserCode: async () => undefined,
  triggerAuthenticationDevice: async (ctx, request, account, client) => {
    journal.add({ path: '/backchannel', grant_type: 'backchannel', binding: ctx.oidc.params.binding_message, hint: account.accountId });
    if (settings.ignore) return;
    if (settings.deny) {
      await provider.backchannelResult(request, new errors.AccessDenied('the user denied'));
      return;
    }
    const grant = new provider.Grant({ accountId: account.accountId, clientId: client.clientId });
    grant.addOIDCScope(ctx.oidc.params.scope);
    await grant.save();
    await provider.backchannelResult(request, grant);
  },
};

const MUTUAL_TLS = {
  enabled: true,
  certificateBoundAccessTokens: true,
  tlsClientAuth: true,
  selfSignedTlsClientAuth: true,
  getCertificate: (ctx) => {
    const { raw } = ctx.socket.getPeerCertificate?.() ?? {};
    return raw && new X509Certificate(raw).toString();
  },
  certificateAuthorized: (ctx) => ctx.socket.authorized,
  certificateSubjectMatches: (ctx, _property, expected) =>
    new X509Certificate(ctx.socket.getPeerCertificate().raw).subject === expected,
};

/** Serves the metadata document of a client, and resolves to its URL and the authority of its certificate. */
async function serveDocument() {
  const { ca, https } = certificates();
  const server = createTlsServer(https, (req, res) => {
    journal.add({ path: req.url, grant_type: 'document' });
    res.writeHead(200, { 'content-type': 'application/json' });
    // As in docs/mcp.md.
    res.end(JSON.stringify({
      client_id: url,
      client_name: 'oauthctl',
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/callback'],
      grant_types: CODE,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    }));
  });
  const url = `https://127.0.0.1:${await listen(server)}/oauthctl/client.json`;
  return { ca, url };
}

/** Fetches a document. The default refuses addresses of this machine, and trusts the system's authorities alone. */
function fetchDocument(url) {
  return new Promise((resolve, reject) => {
    const sent = get(url, { ca: documents.ca }, async (res) => {
      resolve(new Response(await bytes(res), { status: res.statusCode, headers: res.headers }));
    });
    sent.on('error', reject);
  });
}

function signingKeys() {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  return {
    keys: [
      { ...rsa.export({ format: 'jwk' }), kid: 'rsa', alg: 'RS256', use: 'sig' },
      { ...ec.export({ format: 'jwk' }), kid: 'ec', alg: 'ES256', use: 'sig' },
    ],
  };
}

function configuration() {
  return {
    clients: clients(),
    jwks: SIGNING_KEYS,
    routes: ROUTES,
    cookies: { keys: [randomBytes(16).toString('hex')] },
    scopes: ['openid', 'offline_access', 'api', 'read'],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
    clientAuthMethods: [
      'none',
      'client_secret_basic',
      'client_secret_post',
      'client_secret_jwt',
      'private_key_jwt',
      ...(given['client-ca'] ? ['tls_client_auth', 'self_signed_tls_client_auth'] : []),
    ],
    discovery: tls.url && {
      mtls_endpoint_aliases: {
        token_endpoint: `${tls.url}${TOKEN_PATH}`,
        revocation_endpoint: `${tls.url}/token/revocation`,
        pushed_authorization_request_endpoint: `${tls.url}/request`,
        backchannel_authentication_endpoint: `${tls.url}/backchannel`,
      },
    },
    enabledJWA: { clientAuthSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256'] },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async () => false,
    ttl: {
      AccessToken: () => settings.ttl,
      ClientCredentials: () => settings.ttl,
      AuthorizationCode: 60,
      DeviceCode: Number(given['device-ttl']),
      Grant: 86400,
      IdToken: 3600,
      Interaction: 600,
      RefreshToken: 86400,
      Session: 86400,
    },
    findAccount: async (_ctx, sub) => ({
      accountId: sub,
      claims: async () => ({
        sub,
        // Who logs in with an address has it, verified.
        ...(sub.includes('@') ? { email: sub, email_verified: true } : { email: `${sub}@example.com` }),
        name: 'Alice Example',
        preferred_username: sub,
      }),
    }),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    renderError: async (ctx, out) => {
      ctx.type = 'application/json';
      ctx.body = JSON.stringify(out);
    },
    clientBasedCORS: () => false,
    ...(documents.url && { fetch: fetchDocument }),
    features: {
      devInteractions: { enabled: false },
      ciba: BACKCHANNEL,
      clientCredentials: { enabled: true },
      clientIdMetadataDocument: { enabled: Boolean(documents.url), ack: 'draft-02' },
      deviceFlow: { enabled: true },
      dPoP: {
        enabled: true,
        nonceSecret: randomBytes(32),
        requireNonce: () => Boolean(given['dpop-nonce']),
      },
      introspection: { enabled: true },
      jwtResponseModes: { enabled: true },
      requestObjects: { enabled: true, requireSignedRequestObject: Boolean(given.jar) },
      ...(given['client-ca'] && { mTLS: MUTUAL_TLS }),
      pushedAuthorizationRequests: { enabled: true },
      ...(given.registration && {
        registration: { enabled: true, initialAccessToken: false },
        registrationManagement: { enabled: true, rotateRegistrationAccessToken: false },
      }),
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: async (_ctx, resource) => ({
          scope: 'api read',
          audience: resource,
          accessTokenTTL: settings.ttl,
          accessTokenFormat: 'jwt',
        }),
      },
      revocation: { enabled: true },
      userinfo: { enabled: true },
    },
  };
}

/** The user: logs in as `login_hint` or alice, and agrees to everything, or denies. */
async function interact(provider, req, res) {
  const details = await provider.interactionDetails(req, res);
  const { prompt, params, session } = details;
  if (settings.deny) {
    const result = { error: 'access_denied', error_description: 'the user denied access' };
    return provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false });
  }
  if (prompt.name === 'login') {
    const login = { accountId: params.login_hint ?? 'alice' };
    return provider.interactionFinished(req, res, { login });
  }
  const grant = details.grantId
    ? await provider.Grant.find(details.grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  const missing = prompt.details;
  if (missing.missingOIDCScope) grant.addOIDCScope(missing.missingOIDCScope.join(' '));
  if (missing.missingOIDCClaims) grant.addOIDCClaims(missing.missingOIDCClaims);
  for (const [resource, scopes] of Object.entries(missing.missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  const consent = { grantId: await grant.save() };
  return provider.interactionFinished(req, res, { consent });
}

/** Types a user code into the device page, as a user would, and confirms or aborts it. */
async function answerDevice(issuer, userCode, deny) {
  const jar = new Map();
  const visit = async (url, form) => {
    const response = await fetch(new URL(url, issuer), {
      method: form ? 'POST' : 'GET',
      body: form && new URLSearchParams(form),
      redirect: 'manual',
      headers: { cookie: [...jar].map(([k, v]) => `${k}=${v}`).join('; ') },
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [name, value] = cookie.split(';')[0].split(/=(.*)/s);
      jar.set(name, value);
    }
    const next = response.headers.get('location');
    return next ? visit(next) : response.text();
  };
  const page = await visit('/device');
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(page)[1];
  await visit('/device', { xsrf, user_code: userCode });
  const last = deny ? { abort: 'yes' } : { confirm: 'yes' };
  return visit('/device', { xsrf, user_code: userCode, ...last });
}

const proofs = new Set();
const proofNonce = randomBytes(12).toString('base64url');

/** The claims of a DPoP proof (RFC 9449) and the thumbprint of its key; null for what is none. */
function readProof(proof) {
  const parts = proof.split('.');
  const [header, claims] = parts.slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
  const { crv, kty, x, y } = header.jwk;
  const key = createPublicKey({ key: header.jwk, format: 'jwk' });
  const signed = Buffer.from(`${parts[0]}.${parts[1]}`);
  const signature = Buffer.from(parts[2], 'base64url');
  const isSigned = verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature);
  if (header.typ !== 'dpop+jwt' || header.alg !== 'ES256' || !isSigned) return null;
  const jkt = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  return { claims, jkt };
}

/** Whose the token of a request is, and the status: 200 if it came with a proof of its key. */
async function who(ctx) {
  const [scheme, value] = ctx.get('authorization').split(' ');
  const token = value && (await provider.AccessToken.find(value));
  if (scheme !== 'DPoP' || !token?.jkt) return { status: 401, error: 'invalid_token' };
  let proof = null;
  try {
    proof = readProof(ctx.get('dpop'));
  } catch {
    // It is not one.
  }
  const { htm, htu, ath, jti, nonce } = proof?.claims ?? {};
  const hash = createHash('sha256').update(value).digest('base64url');
  const fits = proof?.jkt === token.jkt && ath === hash && jti && !proofs.has(jti)
    && htm === ctx.method && htu === `${issuer}${ctx.path}`;
  if (!fits) return { status: 401, error: 'invalid_dpop_proof' };
  proofs.add(jti);
  if (given['dpop-nonce'] && nonce !== proofNonce) return { status: 401, error: 'use_dpop_nonce' };
  return { status: 200, body: { id: `${token.accountId}-of-who`, scope: token.scope } };
}

/** Exchanges an id_token of this provider for an identity assertion (draft-ietf-oauth-identity-assertion-authz-grant). */
async function identityAssertion(ctx) {
  const { params, client } = ctx.oidc;
  const keys = createLocalJWKSet(PUBLIC_KEYS);
  const { payload } = await jwtVerify(params.subject_token, keys, { issuer, audience: client.clientId });
  if (params.requested_token_type !== ID_JAG || !params.audience) throw new Error('no identity assertion was requested');
  const claims = { client_id: client.clientId, scope: params.scope, resource: params.resource };
  const assertion = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid: 'rsa', typ: 'oauth-id-jag+jwt' })
    .setIssuer(issuer).setSubject(payload.sub).setAudience(params.audience)
    .setJti(randomBytes(9).toString('hex')).setIssuedAt().setExpirationTime('5m')
    .sign(await importJWK(SIGNING_KEYS.keys[0], 'RS256'));
  ctx.body = { issued_token_type: ID_JAG, access_token: assertion, token_type: 'N_A', expires_in: 300, ...settings.assertion };
}

const journal = new Journal();
const answers = new Barrier();
const server = createServer();
const issuer = `http://127.0.0.1:${await listen(server)}`;
const tls = {};
if (given['client-ca']) {
  const { ca, https } = certificates();
  tls.server = createTlsServer({ ...https, ca: readFileSync(given['client-ca']), requestCert: true, rejectUnauthorized: false });
  tls.url = `https://127.0.0.1:${await listen(tls.server)}`;
  tls.ca = ca;
}
const documents = given.documents ? await serveDocument() : {};
const SIGNING_KEYS = signingKeys();
const PUBLIC_KEYS = { keys: SIGNING_KEYS.keys.map(({ kty, n, e, crv, x, y, kid, alg }) => ({ kty, n, e, crv, x, y, kid, alg })) };
const provider = new Provider(issuer, configuration());
provider.registerGrantType(EXCHANGE, identityAssertion, [
  'audience', 'requested_token_type', 'resource', 'scope', 'subject_token', 'subject_token_type',
], ['resource']);

provider.on('server_error', (_ctx, error) => console.error(error));

// Every token request is recorded before it is validated; a refresh can be held after it was acted
// on, with its answer still unsent, which is where clients race.
provider.use(async (ctx, next) => {
  if (ctx.path !== TOKEN_PATH) return next();
  const entry = journal.add({ path: ctx.path });
  await next();
  const params = ctx.oidc?.params ?? {};
  const others = Object.entries(ctx.oidc?.body ?? {}).filter(([name]) => !(name in params));
  const { access_token: access, refresh_token: refresh } = ctx.body ?? {};
  Object.assign(entry, {
    others: Object.fromEntries(others),
    secrets: [params.code_verifier, access, refresh].filter(Boolean),
    grant_type: params.grant_type,
    client_id: ctx.oidc?.client?.clientId,
    status: ctx.status,
    error: ctx.body?.error,
  });
  journal.changed();
  if (params.grant_type !== 'refresh_token') return undefined;
  if (settings.delayMs) await new Promise((resolve) => setTimeout(resolve, settings.delayMs));
  return answers.pass();
});

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/reg')) return next();
  const entry = journal.add({ path: ctx.path, grant_type: 'registration', method: ctx.method });
  await next();
  entry.status = ctx.status;
  return undefined;
});

provider.use(async (ctx, next) => {
  if (ctx.path !== '/who') return next();
  const { status, error, body } = await who(ctx);
  journal.add({ path: ctx.path, grant_type: 'who', status, error });
  ctx.status = status;
  ctx.body = body ?? { error };
  if (error) ctx.set('www-authenticate', `DPoP error="${error}"`);
  if (error === 'use_dpop_nonce') ctx.set('dpop-nonce', proofNonce);
  return undefined;
});

const handle = provider.callback();
tls.server?.on('request', handle);
server.on('request', (req, res) => {
  if (!req.url.startsWith('/interaction/')) return handle(req, res);
  return interact(provider, req, res).catch((error) => {
    res.writeHead(400, { 'content-type': 'text/plain' });
    res.end(String(error));
  });
});

function counts() {
  const by = {};
  for (const { grant_type: type = 'pending' } of journal.entries) by[type] = (by[type] ?? 0) + 1;
  return by;
}

const controlUrl = await control({
  'GET /journal': async (_body, { grant_type: type, count }) => {
    if (count) {
      const fits = (entry) => !type || entry.grant_type === type;
      await journal.until((entries) => entries.filter(fits).length >= Number(count));
    }
    return { counts: counts(), requests: journal.entries };
  },
  'DELETE /journal': () => journal.clear(),
  'POST /ttl': ({ seconds }) => { settings.ttl = seconds; },
  'POST /delay': ({ ms }) => { settings.delayMs = ms; },
  // Members that replace those of the response with an identity assertion.
  'POST /assertion': (members) => { settings.assertion = members; },
  'POST /deny': ({ deny }) => { settings.deny = deny; },
  'POST /ignore': ({ ignore }) => { settings.ignore = ignore; },
  'POST /hold': ({ count }) => answers.hold(count),
  'GET /held': async (_body, { count }) => {
    await answers.arrivals.until((entries) => entries.length >= Number(count ?? 0));
    return { held: answers.arrivals.entries.length };
  },
  'POST /release': () => ({ released: answers.release() }),
  'POST /device': async ({ user_code: code, deny }) => {
    await answerDevice(issuer, code, deny);
  },
});

announce({ issuer, control: controlUrl, secret: AWKWARD_SECRET, ca: tls.ca ?? '', document: documents.url ?? '' });
