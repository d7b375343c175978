// A strict authorization server for clients without a user, on loopback: service accounts and other signers of
// assertions (RFC 7523), token exchange (RFC 8693), identity assertions, passwords, client secrets. It verifies
// signatures with `jose`, which the project did not write either.
//
//   node machines.mjs
//
// One line of JSON on stdout says where it is, and has a service-account file, the keys of the client `signer` and
// an identity of the platform for it. It ends when stdin closes.

import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';

import { SignJWT, createLocalJWKSet, createRemoteJWKSet, decodeJwt, importSPKI, jwtVerify } from 'jose';

import { Journal, control } from './lib/control.mjs';
import { announce, bytes, listen } from './lib/process.mjs';

const settings = { ttl: 3600, reply: null, idToken: null, idp: null, audience: 'issuer', delayMs: 0, refresh: false };
const journal = new Journal();
const issued = new Map();
const server = createServer();
const issuer = `http://127.0.0.1:${await listen(server)}`;

const account = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = (key, type) => key.export({ type, format: 'pem' });
const accountKey = await importSPKI(pem(account.publicKey, 'spki'), 'RS256');
const EMAIL = 'robot@project.iam.gserviceaccount.example';
const serviceAccount = {
  type: 'service_account',
  project_id: 'project',
  private_key_id: 'key-1',
  private_key: pem(account.privateKey, 'pkcs8'),
  client_email: EMAIL,
  client_id: '1234567890',
  auth_uri: 'https://accounts.google.example/o/oauth2/auth',
  token_uri: `${issuer}/token`,
  universe_domain: 'googleapis.com',
};
const SECRET = 'a secret of svc';
// Signs id_tokens.
const idKey = generateKeyPairSync('rsa', { modulusLength: 2048 });

// The keys of `signer`, by algorithm and form: PEM, or a JWK whose `kid` is its name.
const signers = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'PS256-jwk': generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'ES256-jwk': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
  'EdDSA-jwk': generateKeyPairSync('ed25519'),
};
const jwk = (name, key) => ({ ...key.export({ format: 'jwk' }), kid: name, use: 'sig', alg: name.split('-')[0] });
const own = Object.entries(signers);
const privateKeys = Object.fromEntries(own.map(([name, { privateKey }]) =>
  [name, name.endsWith('-jwk') ? JSON.stringify(jwk(name, privateKey)) : pem(privateKey, 'pkcs8')]));
const publicKeys = own.map(([name, { publicKey }]) => {
  const { alg, ...key } = jwk(name, publicKey);
  return key;
});
// A workload that SPIFFE identifies.
const SVID = 'spiffe://example.org/ci/deployer';
const svidKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:';
// Keys without a `kid` in the header are tried one by one.
const clientKeys = async (header, token) => {
  const fits = ({ kty, kid }) => (header.kid ? kid === header.kid : !kid.endsWith('-jwk'))
    && kty === { R: 'RSA', P: 'RSA', E: header.alg === 'EdDSA' ? 'OKP' : 'EC' }[header.alg[0]];
  return createLocalJWKSet({ keys: publicKeys.filter(fits) })(header, token);
};

class Refusal extends Error {
  constructor(code, why) {
    super(why);
    this.code = code;
  }
}
const refuse = (code, why) => { throw new Refusal(code, why); };

/** The client: `svc` with its secret, `signer` with a signed assertion, a workload of SPIFFE, or none. */
async function client(req, form) {
  const called = `${issuer}${new URL(req.url, issuer).pathname}`;
  const header = req.headers.authorization;
  if (header) {
    const [id, secret] = Buffer.from(header.slice(6), 'base64').toString().split(':').map((part) =>
      decodeURIComponent(part.replaceAll('+', ' ')));
    if (id !== 'svc' || secret !== SECRET) refuse('invalid_client', 'wrong secret');
    return id;
  }
  const assertion = form.get('client_assertion');
  if (!assertion) {
    const id = form.get('client_id');
    if (id && !['public', 'signer'].includes(id)) refuse('invalid_client', `${id} must authenticate`);
    return id;
  }
  const type = form.get('client_assertion_type');
  if (type === `${ASSERTION_TYPE}jwt-spiffe`) {
    // Such an assertion has neither `iss` nor `jti`; a client id is optional.
    const { payload } = await jwtVerify(assertion, svidKey.publicKey, { audience: issuer, subject: SVID })
      .catch((error) => refuse('invalid_client', error.message));
    if ((form.get('client_id') ?? payload.sub) !== payload.sub) refuse('invalid_client', 'another client_id');
    return payload.sub;
  }
  if (type !== `${ASSERTION_TYPE}jwt-bearer`) refuse('invalid_client', `client_assertion_type ${type}`);
  const audience = { issuer, token_endpoint: `${issuer}/token`, endpoint: called }[settings.audience];
  const { protectedHeader, payload } = await jwtVerify(assertion, clientKeys, { audience, issuer: 'signer', subject: 'signer' })
    .catch((error) => refuse('invalid_client', error.message));
  if (typeof payload.aud !== 'string' || !payload.jti || payload.exp - payload.iat > 300) {
    refuse('invalid_client', 'claims');
  }
  journal.entries.at(-1).header = protectedHeader;
  return 'signer';
}

async function bearer(form) {
  const assertion = form.get('assertion') ?? refuse('invalid_request', 'no assertion');
  const { iss } = decodeJwt(assertion);
  if (iss === EMAIL) {
    const { protectedHeader, payload } = await jwtVerify(assertion, accountKey, { audience: `${issuer}/token`, issuer: EMAIL });
    if (protectedHeader.kid !== 'key-1' || payload.exp - payload.iat > 3600) refuse('invalid_grant', 'header or lifetime');
    if (!payload.scope) refuse('invalid_scope', 'no scope in the assertion');
    return { sub: payload.sub, scope: payload.scope };
  }
  if (settings.idp && iss === settings.idp) {
    const keys = createRemoteJWKSet(new URL(`${iss}/jwks`));
    const { payload } = await jwtVerify(assertion, keys, { audience: issuer, issuer: iss, typ: 'oauth-id-jag+jwt' });
    return { sub: payload.sub, scope: payload.scope };
  }
  const { payload } = await jwtVerify(assertion, clientKeys, { audience: `${issuer}/token`, issuer: 'signer' });
  return { sub: payload.sub };
}

const TYPE = 'urn:ietf:params:oauth:token-type:';

function exchange(form) {
  const subject = form.get('subject_token') ?? refuse('invalid_request', 'no subject_token');
  const type = form.get('subject_token_type') ?? refuse('invalid_request', 'no subject_token_type');
  if (form.has('actor_token') !== form.has('actor_token_type')) refuse('invalid_request', 'actor_token and its type');
  if (!type.includes(':')) refuse('invalid_request', 'subject_token_type is no URI');
  const known = issued.get(subject);
  if (type === `${TYPE}access_token` && !known) refuse('invalid_request', 'unknown subject_token');
  const requested = form.get('requested_token_type') ?? `${TYPE}access_token`;
  return {
    sub: known?.sub ?? decodeJwt(subject).sub,
    issued_token_type: requested,
    token_type: requested === `${TYPE}access_token` ? 'Bearer' : 'N_A',
  };
}

const GRANTS = {
  client_credentials: async () => ({ sub: 'svc' }),
  password: async (form) => {
    if (form.get('username') !== 'ada' || form.get('password') !== 'correct horse') refuse('invalid_grant', 'wrong password');
    return { sub: 'ada', refresh: settings.refresh };
  },
  refresh_token: async () => refuse('invalid_grant', 'the refresh token has ended'),
  'urn:ietf:params:oauth:grant-type:jwt-bearer': bearer,
  'urn:ietf:params:oauth:grant-type:token-exchange': async (form) => exchange(form),
};

async function token(req) {
  const form = new URLSearchParams((await bytes(req)).toString());
  const entry = journal.add({ form: Object.fromEntries(form), resources: form.getAll('resource'), dpop: req.headers.dpop });
  if (settings.delayMs) await new Promise((resolve) => setTimeout(resolve, settings.delayMs));
  if (settings.reply) {
    const { status, body } = settings.reply;
    settings.reply = null;
    return { status, body };
  }
  const grant = GRANTS[form.get('grant_type')] ?? refuse('unsupported_grant_type', form.get('grant_type'));
  entry.client = await client(req, form);
  const { sub, scope, refresh, ...more } = await grant(form).catch((error) => {
    if (error instanceof Refusal) throw error;
    return refuse('invalid_grant', error.message);
  });
  const access_token = `token-of-${sub}-${randomBytes(9).toString('base64url')}`;
  issued.set(access_token, { sub });
  const body = { access_token, token_type: 'Bearer', expires_in: settings.ttl, scope: scope ?? form.get('scope') ?? undefined, ...more };
  const details = form.get('authorization_details');
  if (details) body.authorization_details = JSON.parse(details).map((detail) => ({ ...detail, id: 'granted' }));
  if (settings.idToken) {
    body.id_token = await new SignJWT({ sub, iss: issuer, aud: form.get('client_id'), ...settings.idToken })
      .setProtectedHeader({ alg: 'RS256', kid: 'id' }).setIssuedAt().setExpirationTime('10m').sign(idKey.privateKey);
  }
  if (refresh) body.refresh_token = randomBytes(9).toString('base64url');
  return { status: 200, body };
}

/** The endpoints that do no more than authenticate the client, and what they answer. */
const OTHERS = {
  '/revoke': [200, {}],
  '/introspect': [200, { active: true }],
  '/par': [201, { request_uri: 'urn:ietf:params:oauth:request_uri:1', expires_in: 60 }],
};

async function other(req, path) {
  const form = new URLSearchParams((await bytes(req)).toString());
  const entry = journal.add({ path, form: Object.fromEntries(form) });
  entry.client = await client(req, form);
  const [status, body] = OTHERS[path];
  return { status, body };
}

server.on('request', async (req, res) => {
  let answer;
  const path = new URL(req.url, issuer).pathname;
  if (path === '/.well-known/oauth-authorization-server') {
    answer = { status: 200, body: { issuer, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks`, response_types_supported: [], ...settings.metadata } };
  } else if (path === '/jwks') {
    answer = { status: 200, body: { keys: [{ ...idKey.publicKey.export({ format: 'jwk' }), kid: 'id', alg: 'RS256', use: 'sig' }] } };
  } else if ((path === '/token' || OTHERS[path]) && req.method === 'POST') {
    const work = path === '/token' ? token(req) : other(req, path);
    answer = await work.catch((error) => ({
      status: error.code === 'invalid_client' ? 401 : 400,
      body: { error: error.code ?? 'server_error', error_description: error.message },
    }));
  } else {
    answer = { status: 404, body: {} };
  }
  res.writeHead(answer.status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  res.end(JSON.stringify(answer.body));
});

const controlUrl = await control({
  'GET /journal': () => journal.entries,
  'DELETE /journal': () => journal.clear(),
  'POST /set': (more) => { Object.assign(settings, more); },
});

const platformJwt = await new SignJWT({}).setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
  .setIssuer('signer').setSubject('signer').setAudience(issuer).setJti('job').setIssuedAt().setExpirationTime('5m')
  .sign(signers.RS256.privateKey);

const svid = await new SignJWT({}).setProtectedHeader({ alg: 'ES256', typ: 'JWT' })
  .setSubject(SVID).setAudience(issuer).setIssuedAt().setExpirationTime('5m')
  .sign(svidKey.privateKey);

announce({
  issuer,
  control: controlUrl,
  secret: SECRET,
  serviceAccount: JSON.stringify(serviceAccount),
  clientKeys: privateKeys,
  platformJwt,
  svid,
});
