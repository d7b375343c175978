// Revocation (RFC 7009) and userinfo.

import { authenticate } from './token.mjs';

/** The client, or the refusal already sent. */
function client(x) {
  try {
    return authenticate(x, new URLSearchParams(x.body));
  } catch (refusal) {
    x.refuse(refusal.status ?? 500, refusal.code ?? 'server_error', refusal.message);
    return null;
  }
}

export async function revoke(x) {
  await x.hold('revoke');
  if (!client(x)) return;
  const shown = new URLSearchParams(x.body).get('token');
  const known = x.state.refresh.get(shown) ?? x.state.access.get(shown);
  if (known?.family) known.family.revoked = true;
  x.state.access.delete(shown);
  // An unknown token is no error: RFC 7009, section 2.2.
  x.entry.verdict = known ? 'ok' : 'unknown token';
  x.reply(200, {}, '');
}

function live(x, shown) {
  const access = x.state.access.get(shown);
  return access && !access.family?.revoked ? access : null;
}

export function userinfo(x) {
  const { sub } = x.world.params;
  const body = JSON.stringify({ sub, email: `${sub}@example.com`, name: 'Alice Example' });
  const bearer = /^Bearer (\S+)$/i.exec(x.req.headers.authorization ?? '')?.[1];
  if (/access_token=/.test(`${x.query}&${x.body}`)) {
    x.refuse(400, 'invalid_request', 'token outside the Authorization header');
    return;
  }
  if (!live(x, bearer)) {
    x.entry.verdict = 'unknown or revoked token';
    x.reply(401, { 'www-authenticate': 'Bearer error="invalid_token"' }, '');
    return;
  }
  x.json(200, body);
}
