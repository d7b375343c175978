// How users get past the pages of servers that the project did not write: `act(user, page)` does what somebody
// does there, and gives the next request, or nothing where there is nothing to do.
//
//   {"pages": "forms", "username": …, "password": …}      fills in the forms of login and consent, as with django
//   {"pages": "glewlwyd", …}                              does what Glewlwyd's pages do by its API
//   with "deny": true                                     does not agree
//
// A page is `{url, body, send}`, where `send(url, init)` makes a request with the browser's cookies.

const text = (html) => html.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#x27;', "'");

function attribute(tag, name) {
  const found = new RegExp(`\\b${name}="([^"]*)"`).exec(tag);
  return found ? text(found[1]) : null;
}

/** Fills in the page's form that is to be posted: the hidden fields stay, the button is the one that agrees. */
function forms(user, { url, body }) {
  const form = /<form\b[^>]*method="post"[^>]*>[\s\S]*?<\/form>/i.exec(body)?.[0];
  if (!form) return null;
  const fields = new URLSearchParams();
  for (const [input] of form.matchAll(/<input\b[^>]*>/g)) {
    const name = attribute(input, 'name');
    const type = attribute(input, 'type');
    if (name && type !== 'submit') fields.append(name, user[name] ?? attribute(input, 'value') ?? '');
    if (name && type === 'submit' && !user.deny) fields.append(name, attribute(input, 'value') ?? '');
  }
  const action = attribute(/<form\b[^>]*>/i.exec(form)[0], 'action');
  return { url: new URL(action || url, url), init: { method: 'POST', body: fields } };
}

/** Logs in and grants what is asked for, then goes on as its button does. */
async function glewlwyd(user, { url, send }) {
  const asked = new URL(url).searchParams;
  const back = asked.get('callback_url');
  if (!back) return null;
  const put = (path, method, value) => send(new URL(path, url), {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(value),
  });
  await put('/api/auth/', 'POST', { username: user.username, password: user.password });
  await put(`/api/auth/grant/${asked.get('client_id')}`, 'PUT', { scope: asked.get('scope') });
  return { url: new URL(`${back}${back.includes('?') ? '&' : '?'}g_continue`, url), init: {} };
}

const PAGES = { forms, glewlwyd };

export const act = (user, page) => PAGES[user.pages](user, page);
