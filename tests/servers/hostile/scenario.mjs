// A scenario is a path prefix and an issuer of its own: `/s/NAME`, where NAME is `honest`, or parts joined by
// `~`. A part is `WHERE.WHAT` or `WHERE.WHAT.TIMES`: at WHERE, do WHAT (the first TIMES times). `tag.X` does
// nothing, and makes a scenario of its own. So `rotation.omit~revoke.status-503.1` never rotates, and
// refuses one revocation.

/** The parts of a scenario's name: `[{where, what, times}]`. */
export function parse(name) {
  if (name === 'honest') return [];
  return name.split('~').map((part) => {
    const [where, what, times] = part.split('.');
    if (!where || !what) throw new Error(`not a scenario part: ${part}`);
    return { where, what, times: times === undefined ? Infinity : Number(times) };
  });
}

/**
 * What this scenario does at the first of `places` that it names, if its times are not used up.
 * Naming counts as serving: ask once a request.
 */
export function behaviour(x, ...places) {
  return behaviourThat(x, () => true, ...places);
}

/** The same, of those parts only whose WHAT `fits`. */
export function behaviourThat(x, fits, ...places) {
  for (const part of x.parts) {
    if (!places.includes(part.where) || !fits(part.what)) continue;
    const key = `${part.where}.${part.what}`;
    const served = x.state.served.get(key) ?? 0;
    if (served >= part.times) continue;
    x.state.served.set(key, served + 1);
    x.entry.behaviour = key;
    return part.what;
  }
  return null;
}

/** Whether the scenario names this part at all, without counting. */
export function names(x, where, what) {
  return x.parts.some((part) => part.where === where && part.what === what);
}

/** Whether one of the tables has `what`, or its family: see `find`. */
export function known(what, ...tables) {
  return tables.some((table) =>
    Object.hasOwn(table, what) || Object.hasOwn(table, what.replace(/\d+$/, 'N')));
}

/** Looks `what` up; a table's key may end in `-N`, which stands for a number. */
export function find(what, ...tables) {
  for (const table of tables) {
    if (Object.hasOwn(table, what)) return (...args) => table[what](...args);
    const numbered = /^(.*-)(\d+)$/.exec(what);
    if (numbered && Object.hasOwn(table, `${numbered[1]}N`)) {
      return (...args) => table[`${numbered[1]}N`](...args, Number(numbered[2]));
    }
  }
  throw new Error(`no such behaviour: ${what}`);
}
