// A scenario is a path prefix and an issuer of its own: `/s/NAME`, where NAME is `honest`, or parts joined by
// `~`. A part is `WHERE.WHAT` or `WHERE.WHAT.TIMES`: at WHERE, do WHAT (the first TIMES times). `tag.X` does
// nothing, and makes a scenario of its own. So `jwks.black-hole~refresh.reset-before.1` never answers a request for
// the keys, and resets the connection of one refresh.

import { RAW, RAW_GOOD } from './raw.mjs';
import { TLS } from './tls.mjs';

const PLACES = ['discovery', 'jwks', 'code', 'refresh', 'after-code', 'after-refresh'];

/** The parts of a scenario's name: `[{where, what, times}]`. */
export function parse(name) {
  if (name === 'honest') return [];
  return name.split('~').map((part) => {
    const [where, what, times] = part.split('.');
    if (where !== 'tag' && !(PLACES.includes(where) && fault(what))) throw new Error(`no such fault: ${part}`);
    return { where, what, times: times === undefined ? Infinity : Number(times) };
  });
}

/** Takes the connection away from the HTTP library. */
function take(x) {
  const { socket } = x.res;
  x.res.detachSocket(socket);
  socket.on('error', () => {});
  return socket;
}

/** Looks `what` up; the key of a table may end in `-N`, which stands for a number. */
function find(what, table) {
  if (Object.hasOwn(table, what)) return table[what];
  const [, name, number] = /^(.*-)(\d+)$/.exec(what) ?? [];
  const numbered = Object.hasOwn(table, `${name}N`) ? table[`${name}N`] : undefined;
  return numbered && ((...args) => numbered(...args, Number(number)));
}

const fault = (what) => find(what, RAW) ?? find(what, RAW_GOOD) ?? find(what, TLS);

/**
^ * Lets a fault occur, if the scenario has one at this place and its times are not used up. What is in a table of
 * `raw.mjs` gets the socket and nothing with which it could respond in HTTP; what is in `tls.mjs` occurs over TLS alone.
 */
export function strike(x, body, place) {
  for (const { where, what, times } of x.parts) {
    if (where !== place) continue;
    const key = `${where}.${what}`;
    const served = x.state.served.get(key) ?? 0;
    if (served >= times) continue;
    x.state.served.set(key, served + 1);
    x.entry.behaviour = key;
    if (!find(what, TLS)) fault(what)(take(x), body, x.world.params);
    else if (x.req.socket.encrypted) fault(what)(x);
    else throw new Error(`${what} needs no socket: over plain HTTP, the test writes it over the sandbox`);
    return true;
  }
  return false;
}
