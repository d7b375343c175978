// A protected resource with its authorization servers, as a test wants them. Node alone; loopback only.
//
//   node resource.mjs
//
// One line of JSON on stdout: {"base", "control"}; it ends when stdin closes. The resource is `${base}/mcp`, the issuers
// are `${base}/a`, `${base}/b` and so on. `POST /set` changes the world below; `GET /journal` is what was asked.

import { createServer } from 'node:http';

import { control } from './lib/control.mjs';
import { announce, bytes, listen } from './lib/process.mjs';

let base;
const journal = [];
let count = 0;

/** What the servers do. `$` in a text stands for the base. */
const world = {
  // `WWW-Authenticate` at status 401, or several; null for none.
  challenge: 'Bearer resource_metadata="$/.well-known/oauth-protected-resource/mcp"',
  // The metadata of the resource, at its path and at the root of the host; null for none.
  resource: { resource: '$/mcp', authorization_servers: ['$/a'], scopes_supported: ['read'] },
  root: null,
  // What replaces members of the metadata of every authorization server; null removes one.
  metadata: {},
  // The status, body and members of registrations. `ID` in a member stands for the client id.
  registration: { status: 201, body: null, members: {} },
  // Members of token responses.
  tokens: { expires_in: 3600 },
  // Parameters of the callback instead of a code, and its `iss`.
  callback: null,
  iss: 'own',
  // Whether a client may request only the scopes that it is registered for.
  strict_scopes: false,
  // Raw answers by path: { status, headers, body }.
  raw: {},
};

/** The clients that registered, by issuer and id, and the client of each token. */
const clients = new Map();
const owners = new Map();

function filled(value) {
  return JSON.parse(JSON.stringify(value).replaceAll('$/', `${base}/`));
}

function metadata(issuer) {
  const all = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    revocation_endpoint: `${issuer}/revoke`,
    registration_endpoint: `${issuer}/register`,
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    scopes_supported: ['read', 'write', 'offline_access'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic'],
    ...filled(world.metadata),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}

function register(issuer, body) {
  const { status, body: own, members } = world.registration;
  if (own !== null) return { status, body: own };
  const id = `client-${++count}`;
  const client = {
    ...JSON.parse(body),
    client_id: id,
    registration_client_uri: `${issuer}/register/${id}`,
    registration_access_token: `rat-${id}-canary-7f3a`,
    ...JSON.parse(JSON.stringify(members).replaceAll('ID', id)),
  };
  clients.set(`${issuer} ${client.client_id}`, client);
  return { status, body: JSON.stringify(client) };
}

function authorize(issuer, query) {
  const back = new URL(query.get('redirect_uri'));
  const iss = world.iss === 'own' ? issuer : world.iss;
  const scopes = clients.get(`${issuer} ${query.get('client_id')}`)?.scope?.split(' ');
  const isRefused = world.strict_scopes && query.get('scope').split(' ').some((one) => !scopes?.includes(one));
  const refused = world.callback ?? (isRefused ? { error: 'invalid_scope' } : null);
  const parameters = refused ?? { code: `code-${++count}` };
  for (const [name, value] of Object.entries(parameters)) back.searchParams.set(name, value);
  back.searchParams.set('state', query.get('state'));
  if (iss) back.searchParams.set('iss', iss);
  return { status: 302, headers: { location: back.href }, body: '' };
}

/** The client of a request: by its credentials, else by the parameter. */
function clientOf(headers, form) {
  const basic = /^Basic (.+)$/.exec(headers.authorization ?? '')?.[1];
  return basic ? Buffer.from(basic, 'base64').toString().split(':').map(decodeURIComponent) : [form.get('client_id')];
}

/** The refusal of a client that is unknown by now or authenticates wrongly, or of a token of another client. */
function refusal(issuer, headers, form, token) {
  const [id, secret] = clientOf(headers, form);
  const client = clients.get(`${issuer} ${id}`);
  if (client?.deleted || (client?.client_secret && client.client_secret !== secret)) {
    return { status: 401, body: '{"error":"invalid_client"}' };
  }
  const owner = owners.get(token);
  return owner && owner !== `${issuer} ${id}` ? { status: 400, body: '{"error":"invalid_grant"}' } : null;
}

function tokens(owner) {
  const body = {
    access_token: `at-${++count}-canary-19c4`,
    refresh_token: `rt-${count}-canary-19c4`,
    token_type: 'Bearer',
    ...world.tokens,
  };
  for (const token of [body.access_token, body.refresh_token]) owners.set(token, owner);
  return { status: 200, body: JSON.stringify(body) };
}

const json = (value) => (value ? { status: 200, body: JSON.stringify(value) } : { status: 404, body: '' });

function answer(method, url, headers, body) {
  const { pathname } = url;
  if (world.raw[pathname]) return filled(world.raw[pathname]);
  if (pathname === '/mcp') {
    if (/^Bearer at-/.test(headers.authorization ?? '')) return { status: 200, body: '{}' };
    const challenge = world.challenge && filled(world.challenge);
    return { status: 401, headers: challenge ? { 'www-authenticate': challenge } : {}, body: '' };
  }
  const well = '/.well-known/';
  if (pathname === `${well}oauth-protected-resource/mcp`) return json(world.resource && filled(world.resource));
  if (pathname === `${well}oauth-protected-resource`) return json(world.root && filled(world.root));
  const [, inserted] = /^\/\.well-known\/oauth-authorization-server\/([a-z])$/.exec(pathname) ?? [];
  if (inserted) return json(metadata(`${base}/${inserted}`));
  const [, name, endpoint, id] = /^\/([a-z]+)\/([a-z]+)(?:\/(.+))?$/.exec(pathname) ?? [];
  const issuer = `${base}/${name}`;
  if (endpoint === 'register' && id) {
    const client = clients.get(`${issuer} ${id}`);
    if (client) client.deleted = true;
    return { status: method === 'DELETE' ? 204 : 405, body: '' };
  }
  if (endpoint === 'register') return register(issuer, body);
  if (endpoint === 'authorize') return authorize(issuer, url.searchParams);
  const form = new URLSearchParams(body);
  const refused = refusal(issuer, headers, form, form.get('refresh_token') ?? form.get('token'));
  if (refused && ['token', 'revoke', 'introspect'].includes(endpoint)) return refused;
  if (endpoint === 'token') return tokens(`${issuer} ${clientOf(headers, form)[0]}`);
  if (endpoint === 'revoke') return { status: 200, body: '' };
  if (endpoint === 'introspect') return { status: 200, body: '{"active":true}' };
  return { status: 404, body: '' };
}

const server = createServer(async (req, res) => {
  const body = (await bytes(req)).toString();
  const url = new URL(req.url, base);
  const isJson = (req.headers['content-type'] ?? '').includes('json');
  journal.push({
    method: req.method,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    form: isJson ? JSON.parse(body) : Object.fromEntries(new URLSearchParams(body)),
    authorization: req.headers.authorization ?? null,
  });
  const { status, headers = {}, body: text } = answer(req.method, url, req.headers, body);
  res.writeHead(status, { 'content-type': 'application/json', ...headers });
  res.end(text);
});
server.maxHeadersCount = 0;

base = `http://127.0.0.1:${await listen(server)}`;
announce({
  base,
  control: await control({
    'POST /set': (change) => Object.assign(world, change),
    'GET /journal': () => journal,
  }),
});
