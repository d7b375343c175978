// Glewlwyd, an authorization server in C that the project did not write, on loopback with its database in a directory.
// It rotates refresh tokens, revokes the chain when one is used twice, and refuses with an empty body.
//
//   node glewlwyd.mjs --dir DIRECTORY [--ttl SECONDS]
//
// One line of JSON on stdout says where it is; it ends when stdin closes. The client `cli` has the secret
// and the redirect URIs that the line names, with ports that were free. The user `alice` has the password that it
// names.

import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Front, child, freePort, ready } from './lib/front.mjs';
import { announce, options } from './lib/process.mjs';

const SCHEMA = '/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3';
const MODULES = '/usr/lib/glewlwyd';
const ATTEMPTS = 5;
const SCOPES = ['openid', 'api'];
// The administrator whom the schema makes.
const ADMIN = { username: 'admin', password: 'password' };

const given = options({ dir: '', ttl: '3600' });
const { dir } = given;
const [password, secret] = [0, 0].map(() => randomBytes(12).toString('hex'));

function configuration(port, url) {
  const text = `
port=${port}
bind_address="127.0.0.1"
external_url="${url}"
login_url="login.html"
api_prefix="api"
static_files_path="/usr/share/glewlwyd/webapp/"
static_files_mime_types=({extension=".html" mime_type="text/html" compress=0})
log_mode="console"
log_level="ERROR"
cookie_domain="127.0.0.1"
cookie_secure=0
session_key="GLEWLWYD2_SESSION_ID"
session_expiration=86400
max_post_size=1048576
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="${MODULES}/user"
user_middleware_module_path="${join(dir, 'none')}"
client_module_path="${MODULES}/client"
user_auth_scheme_module_path="${MODULES}/scheme"
plugin_module_path="${MODULES}/plugin"
hash_algorithm="SHA512"
database={type="sqlite3" path="${join(dir, 'glewlwyd.db')}"};
`;
  const path = join(dir, 'glewlwyd.conf');
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

/** Starts it on a port that is still free when it gets there. */
async function start(front) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    front.port = await freePort();
    const program = child('glewlwyd', [`--config-file=${configuration(front.port, front.url)}`], {
      stdio: ['ignore', process.stderr, 'inherit'],
    });
    const up = async () => (await fetch(`http://127.0.0.1:${front.port}/config`)).ok;
    if (await ready(program, up)) return;
  }
  throw new Error('glewlwyd does not come up');
}

/** The administrator, logged in: makes requests that must be granted. */
async function administrator(url) {
  const send = (method, path, body, headers = {}) => fetch(`${url}/api/${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: body && JSON.stringify(body),
  });
  const session = await send('POST', 'auth/', ADMIN);
  const cookie = session.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');
  return async (method, path, body) => {
    const answer = await send(method, path, body, { cookie });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  };
}

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

function plugin(url, ttl) {
  return {
    module: 'oidc',
    name: 'oidc',
    display_name: 'OpenID Connect',
    parameters: {
      iss: `${url}/api/oidc`,
      'jwt-type': 'rsa',
      'jwt-key-size': '256',
      key: privateKey,
      cert: publicKey,
      'access-token-duration': Number(ttl),
      'refresh-token-duration': 86400,
      'code-duration': 60,
      'refresh-token-rolling': true,
      'refresh-token-one-use': 'always',
      'allow-non-oidc': true,
      'auth-type-code-enabled': true,
      'auth-type-code-revoke-replayed': true,
      'auth-type-token-enabled': false,
      'auth-type-id-token-enabled': true,
      'auth-type-password-enabled': false,
      'auth-type-client-enabled': true,
      'auth-type-refresh-enabled': true,
      'introspection-revocation-allowed': true,
      'introspection-revocation-allow-target-client': true,
      'pkce-allowed': true,
      'pkce-required': true,
      'jwks-show': true,
      'oauth-as-iss-id': true,
    },
  };
}

async function setUp(ask, url, redirects) {
  const scope = { name: 'api', display_name: 'api', password_required: false, scheme: {} };
  await ask('POST', 'scope/', scope);
  const alice = { username: 'alice', password, name: 'Alice', email: 'alice@example.com' };
  await ask('POST', 'user/', { ...alice, enabled: true, scope: SCOPES });
  await ask('POST', 'mod/plugin/', plugin(url, given.ttl));
  await ask('POST', 'client/', {
    client_id: 'cli',
    name: 'cli',
    confidential: true,
    password: secret,
    token_endpoint_auth_method: ['client_secret_basic'],
    enabled: true,
    // Only a client that may have tokens of its own may revoke.
    authorization_type: ['code', 'refresh_token', 'client_credentials'],
    redirect_uri: redirects,
    scope: [],
  });
}

const front = new Front(['/api/oidc/token', '/api/oidc/revoke']);
const url = await front.open();
execFileSync('sqlite3', [join(dir, 'glewlwyd.db')], { input: readFileSync(SCHEMA) });
const ports = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
const redirects = ports.map((port) => `http://127.0.0.1:${port}/callback`);
await start(front);
const ask = await administrator(url);
await setUp(ask, url, redirects);
const more = {
  'POST /ttl': async ({ seconds }) => {
    await ask('PUT', 'mod/plugin/oidc', plugin(url, seconds));
    await ask('PUT', 'mod/plugin/oidc/reset');
  },
};
announce({ issuer: `${url}/api/oidc`, control: await front.control(more), password, secret, redirects });
