// Responses of the token endpoint that occur over TLS alone: the sandbox has no TLS. Over plain HTTP the tests write
// them themselves.

const GATEWAY = '<!doctype html><title>Gateway</title><h1>It did not work</h1>';

const page = (code, headers = {}) => (x) => x.reply(code, { 'content-type': 'text/html', ...headers }, GATEWAY);
const error = (code, error) => (x) => x.json(code, JSON.stringify({ error }));
const redirect = (code, location) => (x) => x.reply(code, { location: location(x) }, '');

export const TLS = {
  'gzip-broken': (x) => x.reply(
    200,
    { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    Buffer.from('1f8b08000000000000ff', 'hex'),
  ),
  'status-N': (x, code) => page(code)(x),
  'busy-retry-after-N': (x, seconds) => page(503, { 'retry-after': String(seconds) })(x),
  'limit-retry-after-N': (x, seconds) => page(429, { 'retry-after': String(seconds) })(x),
  'limit': page(429),
  'redirect-N': (x, code) => redirect(code, () => `${x.world.bases.canary}/redirected${x.path}`)(x),
  'redirect-same-origin-N': (x, code) => redirect(code, () => `${x.base}/s/${x.name}-elsewhere${x.path}`)(x),
  'server-error': error(500, 'server_error'),
  'temporarily-unavailable': error(503, 'temporarily_unavailable'),
};
