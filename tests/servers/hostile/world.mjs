// What the hostile server knows: its canaries, its key, and the state of every scenario.

import { generateKeyPairSync, randomBytes } from 'node:crypto';

import { Journal } from '../lib/control.mjs';

/** Clients by id, with the one way each may authenticate. The secret has a non-ASCII character. */
export const CLIENTS = {
  cli: { auth: 'none' },
  'cli-secret': { auth: 'client_secret_basic', secret: 'CANARY-secret-:+%& é"' },
  'cli-post': { auth: 'client_secret_post', secret: 'CANARY-secret-:+%& é"' },
  service: { auth: 'client_secret_basic', secret: 'CANARY-secret-service' },
};

export class World {
  journal = new Journal();
  canaryHits = new Journal();
  canaries = [];
  /** Where each listener is: `{http, ipv6, https, canary, …}`; filled at the start. */
  bases = {};
  /** Parameters that a test may change: see `POST /params`. */
  params = { expires_in: 3600, grace: 0, sub: 'alice', stall_ms: 60_000 };
  key = generateKeyPairSync('rsa', { modulusLength: 2048 });
  #scenarios = new Map();
  #serial = 0;

  constructor() {
    for (const { secret } of Object.values(CLIENTS)) {
      if (secret) this.canaries.push({ kind: 'client_secret', value: secret, scenario: null });
    }
  }

  /** Mints a secret that occurs nowhere else, so that finding it anywhere proves a leak. */
  canary(kind, scenario) {
    this.#serial += 1;
    const value = `CANARY-${kind}-${this.#serial}-${randomBytes(18).toString('base64url')}`;
    this.canaries.push({ kind, value, scenario });
    return value;
  }

  /** The state of one scenario. */
  scenario(name) {
    if (!this.#scenarios.has(name)) {
      const state = { codes: new Map(), refresh: new Map(), access: new Map() };
      this.#scenarios.set(name, { ...state, families: [], served: new Map() });
    }
    return this.#scenarios.get(name);
  }

  revokeFamilies(name) {
    const { families } = this.scenario(name);
    for (const family of families) family.revoked = true;
    return families.length;
  }

  /** The public JWK of the key. */
  jwk() {
    return { ...this.key.publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'RS256' };
  }
}
