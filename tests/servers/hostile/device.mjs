// The device authorization endpoint (RFC 8628), honest and not. `device.X` changes its response; `poll.X` answers a
// poll at the token endpoint, before the code is validated; otherwise the first poll is granted. The metadata has the
// endpoint only in scenarios that name either.

import { behaviourThat, find, known } from './scenario.mjs';
import { TRANSPORT } from './transport.mjs';

export const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

const set = (changes) => (reply, x) => ({ ...reply, ...(typeof changes === 'function' ? changes(x, reply) : changes) });
const without = (...names) => (reply) =>
  Object.fromEntries(Object.entries(reply).filter(([name]) => !names.includes(name)));

/** Responses of scenarios that combine them with others. All others are written by the tests, over the sandbox. */
export const DEVICE = {
  'interval-string': set({ interval: '1' }),
  'complete-missing': without('verification_uri_complete'),
  'complete-canary': set((x) => ({ verification_uri_complete: `${x.world.bases.canary}/device` })),
  'complete-javascript': set({ verification_uri_complete: 'javascript:alert(1)' }),
  'created': (reply) => reply,
};

/** Responses that end a login soon, or never let it poll. */
export const DEVICE_SHORT = {
  'expires-in-3': set({ expires_in: 3 }),
  'interval-huge': set({ interval: 1e9, expires_in: 3 }),
};

const refusal = (status, error, more = {}) => ({ status, type: 'application/json', body: { error, ...more } });

/** Refusals of the request for codes. */
export const DEVICE_REFUSED = {
  'unauthorized-client': () => refusal(400, 'unauthorized_client'),
};

/** Answers to a poll that go on waiting. */
export const POLL = {
  'pending': () => refusal(400, 'authorization_pending'),
  'pending-github': () => refusal(200, 'authorization_pending', { error_description: 'still waiting' }),
  'pending-google': () => refusal(428, 'authorization_pending'),
  'pending-twitch': () => ({ status: 400, type: 'application/json', body: { status: 400, message: 'authorization_pending' } }),
  'slow-down': () => refusal(400, 'slow_down'),
  'slow-down-github': () => refusal(200, 'slow_down', { interval: 7 }),
  'slow-down-auth0': () => refusal(429, 'slow_down'),
  'status-503': () => ({ status: 503, type: 'text/plain', body: '' }),
};

/** Answers to a poll that end it. */
export const POLL_OVER = {
  'expired': () => refusal(400, 'expired_token'),
  'denied': () => refusal(400, 'access_denied'),
  'declined-microsoft': () => refusal(400, 'authorization_declined'),
  'unknown-error': () => refusal(400, 'something_else'),
};

/** Whether the metadata has the endpoint. */
export const isOffered = (x) => x.parts.some((part) => ['device', 'poll'].includes(part.where));

export function device(x) {
  const form = new URLSearchParams(x.body);
  const device_code = x.world.canary('device_code', x.name);
  const user_code = 'WDJB-MJHT';
  x.state.devices ??= new Map();
  x.state.devices.set(device_code, { client_id: form.get('client_id'), scope: form.get('scope') ?? '' });
  const verification_uri = `${x.issuer}/device`;
  const honest = {
    device_code,
    user_code,
    verification_uri,
    verification_uri_complete: `${verification_uri}?user_code=${user_code}`,
    expires_in: 600,
    interval: 1,
  };
  const fits = (what) => known(what, DEVICE, DEVICE_SHORT, DEVICE_REFUSED, TRANSPORT);
  const what = behaviourThat(x, fits, 'device');
  if (!what) return x.json(200, JSON.stringify(honest));
  if (known(what, TRANSPORT)) return find(what, TRANSPORT)(x, JSON.stringify(honest));
  if (known(what, DEVICE_REFUSED)) {
    const { status, type, body } = find(what, DEVICE_REFUSED)();
    return x.reply(status, { 'content-type': type }, JSON.stringify(body));
  }
  const reply = find(what, DEVICE, DEVICE_SHORT)(honest, x);
  const headers = { 'content-type': 'application/json' };
  return x.reply(what === 'created' ? 201 : 200, headers, JSON.stringify(reply));
}

/** Redeems a device code, once. */
export function redeem(x, form, client, refuse) {
  const flow = x.state.devices?.get(form.get('device_code'));
  if (!flow) return refuse(400, 'invalid_grant', 'unknown device code');
  if (flow.client_id !== client.client_id) return refuse(400, 'invalid_grant', 'device code of another client');
  x.state.devices.delete(form.get('device_code'));
  const family = { revoked: false, client_id: client.client_id, scope: flow.scope };
  x.state.families.push(family);
  return { family, scope: flow.scope };
}
