// Stand-ins for the providers of the presets: each answers as its provider documents, and refuses what its provider
// would. See providers/table.mjs.
//
//   node providers.mjs
//
// One line of JSON on stdout says where they are; it ends when stdin closes. A provider is at BASE/NAME/, with its
// endpoints at authorization, token, refresh, revocation, userinfo, device_authorization and jwks, or where its table
// says. The authorization endpoint agrees at once; with `/deny` before it, the user cancels. A user code is approved
// after the first poll. The client is `cli` with the secret `secret`.

import { createHash, createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

import { Journal, control } from './lib/control.mjs';
import { announce, bytes, listen } from './lib/process.mjs';
import { PROVIDERS } from './providers/table.mjs';

const CLIENT = 'cli';
const SECRET = 'secret';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const PATHS = {
  authorization: 'authorization', token: 'token', refresh: 'refresh', revocation: 'revocation', userinfo: 'userinfo',
  device_authorization: 'device_authorization',
};

const random = () => randomBytes(16).toString('hex');
const base64url = (value) => Buffer.from(value).toString('base64url');
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const journal = new Journal();
const codes = new Map();
const deviceCodes = new Map();
const refreshTokens = new Map();
const access = new Map();
let base;

class Refusal extends Error {
  constructor(code, what) {
    super(what);
    this.code = code;
  }
}

/** Refuses with the standard's code, and says why in the journal. */
function demand(holds, what, code = 'invalid_request') {
  if (!holds) throw new Refusal(code, what);
}

function provider(name) {
  const table = PROVIDERS[name];
  const root = `${base}/${name}`;
  const issuer = table.slash ? `${root}/` : root;
  return { name, root, issuer, scopes: ['read', 'write'], ...table, paths: { ...PATHS, ...table.paths } };
}

function idToken({ issuer, openid }, nonce) {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: openid.issuer ?? issuer, sub: 'alice', aud: CLIENT, iat: now, exp: now + 3600, email: 'alice@example.com' };
  if (nonce && openid.nonce !== false) claims.nonce = nonce;
  const parts = [{ alg: 'RS256', kid: 'k', typ: 'JWT' }, claims].map((part) => base64url(JSON.stringify(part)));
  const signature = createSign('RSA-SHA256').update(parts.join('.')).sign(privateKey);
  return [...parts, base64url(signature)].join('.');
}

function demandScopes(p, sent) {
  const asked = (sent ?? '').split(p.scopeSeparator ?? ' ').filter(Boolean);
  demand(String(asked) === String(p.scopes), `scopes are ${asked}`, 'invalid_scope');
}

/** The device authorization endpoint. */
function authorizeDevice(p, params) {
  demand(params.client_id === CLIENT, 'client_id', 'invalid_client');
  demandScopes(p, params[p.device.scopeParam ?? 'scope']);
  const code = random();
  deviceCodes.set(code, { provider: p.name, polls: 0 });
  return { device_code: code, user_code: 'ABCD-EFGH', [p.device.url ?? 'verification_uri']: `${p.root}/activate`, expires_in: 1_800, interval: 1 };
}

/** A poll of the token endpoint. */
function redeemDevice(p, params) {
  const found = deviceCodes.get(params.device_code);
  demand(found?.provider === p.name, 'unknown device code', 'invalid_grant');
  if (p.device.scopeParam) demandScopes(p, params[p.device.scopeParam]);
  found.polls += 1;
  if (found.polls === 1) return p.device.pending;
  deviceCodes.delete(params.device_code);
  return [200, issue(p, { token: 'replaced' }, params, { isRefresh: false })];
}

/** The authorization endpoint. */
function authorize(p, query, deny) {
  demand(query.get('response_type') === 'code', 'response_type');
  demand(query.get('client_id') === CLIENT, 'client_id');
  for (const [name, value] of Object.entries(p.asks ?? {})) demand(query.get(name) === value, `${name} is not ${value}`);
  demandScopes(p, query.get('scope'));
  const challenge = query.get('code_challenge');
  demand(p.pkce !== 'unknown' || !challenge, 'code_challenge is not known');
  demand(p.pkce !== 'required' || challenge, 'no code_challenge');
  demand(!challenge || query.get('code_challenge_method') === 'S256', 'code_challenge_method');
  const back = new URL(query.get('redirect_uri'));
  if (deny) {
    const [error, more] = p.cancel ?? ['access_denied'];
    for (const [name, value] of Object.entries({ error, ...more })) back.searchParams.set(name, value);
  } else {
    const code = random();
    codes.set(code, { provider: p.name, challenge, redirect: String(query.get('redirect_uri')), nonce: query.get('nonce') });
    for (const [name, value] of Object.entries({ code, ...p.callback })) back.searchParams.set(name, value);
  }
  back.searchParams.set('state', query.get('state'));
  if (p.iss) back.searchParams.set('iss', p.issuer);
  return String(back);
}

function authenticate(p, req, params) {
  const header = req.headers.authorization ?? '';
  const basic = header.startsWith('Basic ') ? Buffer.from(header.slice(6), 'base64').toString() : null;
  if (p.client === 'basic') {
    demand(basic === `${CLIENT}:${SECRET}`, 'HTTP Basic is expected', 'invalid_client');
    demand(!params.client_secret && (p.name !== 'airtable' || !params.client_id), 'the client is named twice', 'invalid_client');
  } else {
    demand(!basic, 'HTTP Basic is not known', 'invalid_client');
    demand(params.client_id === CLIENT, 'client_id', 'invalid_client');
    demand(params.client_secret === (p.client === 'post' ? SECRET : undefined), 'client_secret', 'invalid_client');
  }
}

/** An answer of the token endpoint; `how` is the provider's table for codes, or for refreshes. */
function issue(p, how, params, { nonce, isRefresh }) {
  const tokens = { access_token: random(), token_type: 'Bearer', expires_in: 3_600, scope: p.scopes.join(' ') };
  const withId = p.openid && (isRefresh ? how.openid : p.scopes.includes('openid'));
  if (withId) tokens.id_token = idToken(p, nonce);
  if (p.refresh !== null) {
    const token = how.token === 'same' ? params.refresh_token : random();
    if (how.token !== 'kept') {
      if (isRefresh) refreshTokens.delete(params.refresh_token);
      tokens.refresh_token = token;
      refreshTokens.set(token, p.name);
    }
  }
  Object.assign(tokens, p.tokens, how.tokens);
  for (const name of [...(p.without ?? []), ...(how.without ?? [])]) delete tokens[name];
  access.set(tokens.access_token, p.name);
  return p.nested && !isRefresh ? { ok: true, [p.nested]: { id: 'U0', ...tokens } } : tokens;
}

function redeem(p, params) {
  const found = codes.get(params.code);
  codes.delete(params.code);
  demand(found?.provider === p.name, 'unknown code', 'invalid_grant');
  demand(params.redirect_uri === found.redirect, 'redirect_uri', 'invalid_grant');
  for (const [name, value] of Object.entries(p.redeem ?? {})) demand(params[name] === value, `${name} is not ${value}`);
  const sent = createHash('sha256').update(params.code_verifier ?? '').digest('base64url');
  demand(found.challenge === null || sent === found.challenge, 'code_verifier', 'invalid_grant');
  demand(found.challenge !== null || !params.code_verifier, 'code_verifier without a challenge');
  const first = { ...p.refresh, token: p.refresh === null ? 'kept' : 'replaced', openid: undefined, without: [], tokens: {} };
  return issue(p, first, params, { nonce: found.nonce, isRefresh: false });
}

function refresh(p, params, path) {
  const how = p.refresh ?? {};
  demand(path === (how.path ?? 'token'), 'refreshes have an endpoint of their own');
  for (const name of how.needs ?? []) demand(params[name], `no ${name}`);
  if (refreshTokens.get(params.refresh_token) !== p.name) return null;
  return issue(p, { token: 'replaced', ...how }, params, { isRefresh: true });
}

function answerForm(req, p) {
  // GitHub answers with a form to whoever does not ask for JSON.
  return p.form && !(req.headers.accept ?? '').includes('json');
}

async function token(p, req, params, path) {
  authenticate(p, req, params);
  if (params.grant_type === 'refresh_token') {
    const tokens = refresh(p, params, path);
    const [status, body] = p.refuses ?? [400, { error: 'invalid_grant' }];
    return tokens ? [200, tokens] : [status, body];
  }
  if (p.device && params.grant_type === DEVICE) return redeemDevice(p, params);
  demand(params.grant_type === 'authorization_code', 'grant_type', 'unsupported_grant_type');
  return [200, redeem(p, params)];
}

function revoke(p, req, params) {
  demand(p.revoke, 'there is no revocation');
  authenticate(p, req, params);
  const known = refreshTokens.delete(params.token) || access.delete(params.token);
  demand(known, 'unknown token');
  const [status, body] = p.revoke;
  return [status, body];
}

function metadata(p) {
  const at = (name) => `${p.root}/${p.paths[name]}`;
  return {
    issuer: p.issuer,
    authorization_endpoint: at('authorization'),
    token_endpoint: at('token'),
    userinfo_endpoint: at('userinfo'),
    jwks_uri: `${p.root}/jwks`,
    ...(p.revoke ? { revocation_endpoint: at('revocation') } : {}),
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: p.iss ?? false,
  };
}

async function read(req, p) {
  const text = (await bytes(req)).toString();
  const type = req.headers['content-type'] ?? '';
  if (p.json) {
    demand(type.startsWith('application/json'), 'JSON is expected');
    return JSON.parse(text);
  }
  demand(type.startsWith('application/x-www-form-urlencoded'), 'a form is expected');
  return Object.fromEntries(new URLSearchParams(text));
}

/** What a request is answered: status, body, and headers. */
async function answer(p, req, url, path, deny) {
  const named = Object.entries(p.paths).find(([, at]) => at === path)?.[0];
  if (path === '.well-known/openid-configuration') return [200, metadata(p)];
  if (path === 'jwks') {
    return [200, { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' }] }];
  }
  if (named === 'userinfo') return [200, { sub: 'alice', email: 'alice@example.com' }];
  if (named === 'authorization') return [302, '', { location: authorize(p, url.searchParams, deny) }];
  const params = await read(req, p);
  if (named === 'revocation') return revoke(p, req, params);
  if (named === 'device_authorization') return [200, authorizeDevice(p, params)];
  const [status, body] = await token(p, req, params, named);
  if (!answerForm(req, p)) return [status, body];
  return [status, new URLSearchParams(body).toString(), { 'content-type': 'application/x-www-form-urlencoded' }];
}

const server = createServer(async (req, res) => {
  const url = new URL(req.url, base);
  const [, first, ...rest] = url.pathname.split('/');
  const deny = first === 'deny';
  const [name, path] = deny ? [rest[0], rest.slice(1).join('/')] : [first, rest.join('/')];
  let status = 404;
  let body = '';
  let headers = {};
  if (PROVIDERS[name]) {
    const p = provider(name);
    const entry = journal.add({ provider: name, path });
    try {
      [status, body, headers = {}] = await answer(p, req, url, path, deny);
    } catch (error) {
      if (!(error instanceof Refusal)) console.error(error);
      status = 400;
      body = { error: error.code ?? 'server_error', error_description: error.message };
      entry.fault = error.message;
    }
    entry.status = status;
    journal.changed();
  }
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const type = text.startsWith('{') ? { 'content-type': 'application/json' } : {};
  res.writeHead(status, { ...type, ...headers });
  res.end(text);
});

base = `http://127.0.0.1:${await listen(server)}`;
const controlUrl = await control({
  'GET /providers': () => Object.fromEntries(Object.keys(PROVIDERS).map((name) => [name, provider(name)])),
  'GET /journal': (_body, { provider: name }) => journal.entries.filter((entry) => entry.provider === name),
  'POST /forget': ({ provider: name }) => {
    for (const [value, of] of refreshTokens) if (of === name) refreshTokens.delete(value);
  },
});
announce({ base, control: controlUrl });
