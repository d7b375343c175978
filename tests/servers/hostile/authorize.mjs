// The authorization endpoint. The user is always willing.

import { CLIENTS } from './world.mjs';

const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost):\d+\/\S*$/;
const WEB_APPLICATION = 'https://app.example/callback';

/** What is wrong with an authorization request, or nothing. */
function fault(p) {
  if (p.get('response_type') !== 'code') return 'response_type is not code';
  if (!CLIENTS[p.get('client_id')]) return 'client_id unknown';
  const redirectUri = p.get('redirect_uri') ?? '';
  if (redirectUri !== WEB_APPLICATION && !LOOPBACK.test(redirectUri)) {
    return 'redirect_uri not a loopback address';
  }
  if (p.get('code_challenge_method') !== 'S256') return 'code_challenge_method is not S256';
  if (!/^[A-Za-z0-9_-]{43}$/.test(p.get('code_challenge') ?? '')) return 'code_challenge is not 43 characters';
  if (!p.get('state')) return 'state missing';
  for (const name of new Set(p.keys())) {
    if (name !== 'resource' && p.getAll(name).length > 1) return `${name} more than once`;
  }
  for (const name of ['code_verifier', 'client_secret', 'access_token', 'refresh_token']) {
    if (p.has(name)) return `${name} in an authorization request`;
  }
  return null;
}

function mint(x, p) {
  const code = x.world.canary('code', x.name);
  x.state.codes.set(code, {
    client_id: p.get('client_id'),
    redirect_uri: p.get('redirect_uri'),
    challenge: p.get('code_challenge'),
    nonce: p.get('nonce'),
    scope: p.get('scope') ?? '',
    used: false,
  });
  return code;
}

export function authorize(x) {
  const p = new URLSearchParams(x.query);
  const wrong = fault(p);
  if (wrong) return x.refuse(400, 'invalid_request', wrong);
  const answer = { code: mint(x, p), state: p.get('state'), iss: x.issuer };
  const pairs = Object.entries(answer).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  const redirect = p.get('redirect_uri');
  const location = `${redirect}${redirect.includes('?') ? '&' : '?'}${pairs.join('&')}`;
  return x.reply(302, { location, 'cache-control': 'no-store' }, '');
}
