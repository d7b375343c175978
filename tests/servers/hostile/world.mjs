// What the hostile server knows: its canaries, its clock, its keys, and the state of every scenario.

import { generateKeyPairSync, randomBytes } from 'node:crypto';

import { Journal } from '../lib/control.mjs';

/** Clients by id, with the one way each may authenticate. The secret has a non-ASCII character. */
export const CLIENTS = {
  cli: { auth: 'none' },
  'cli-secret': { auth: 'client_secret_basic', secret: 'CANARY-secret-:+%& é"' },
  'cli-post': { auth: 'client_secret_post', secret: 'CANARY-secret-:+%& é"' },
  'cli-word': { auth: 'client_secret_post', secret: 'invalid' },
  service: { auth: 'client_secret_basic', secret: 'CANARY-secret-service' },
};

export class World {
  journal = new Journal();
  canaryHits = new Journal();
  canaries = [];
  /** Where each listener is: `{http, ipv6, https, canary, …}`; filled at the start. */
  bases = {};
  params = {};
  #offset = 0;
  #scenarios = new Map();
  #keys = new Map();
  #serial = 0;

  constructor() {
    this.reset();
    for (const { secret } of Object.values(CLIENTS)) {
      // A word is no canary: it is found everywhere.
      if (secret?.startsWith('CANARY')) this.canaries.push({ kind: 'client_secret', value: secret, scenario: null });
    }
  }

  /** Parameters that a test may change: see `POST /params`. */
  reset() {
    this.params = { expires_in: 3600, grace: 0, scope: null, sub: 'alice', stall_ms: 60_000 };
    // The keys of the JWK Set, and the one that signs id_tokens.
    Object.assign(this.params, { publish: ['k1'], sign: 'k1' });
    // The redirect URIs that are registered, without ports (null: any), and where `bounce-to` leads:
    // to which issuer, and back to which redirect URI (null: the one that was asked for).
    Object.assign(this.params, { registered: null, bounce_to: null, bounce_redirect_uri: null });
  }

  /** The server's own time in seconds: the machine's, moved by `POST /clock`. */
  now() {
    return Math.floor(Date.now() / 1000) + this.#offset;
  }

  set offset(seconds) {
    this.#offset = seconds;
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
      const state = { codes: new Map(), refresh: new Map(), access: new Map(), pushed: new Map() };
      this.#scenarios.set(name, { ...state, families: [], served: new Map() });
    }
    return this.#scenarios.get(name);
  }

  revokeFamilies(name) {
    const { families } = this.scenario(name);
    for (const family of families) family.revoked = true;
    return families.length;
  }

  /** A key pair by name, made when it is first needed: `k1`, `k2`, `weak`. */
  key(name) {
    if (!this.#keys.has(name)) {
      const pair = generateKeyPairSync('rsa', { modulusLength: name === 'weak' ? 1024 : 2048 });
      this.#keys.set(name, pair);
    }
    return this.#keys.get(name);
  }

  /** The public JWK of a key. */
  jwk(name) {
    const jwk = this.key(name).publicKey.export({ format: 'jwk' });
    return { ...jwk, kid: name, use: 'sig', alg: 'RS256' };
  }
}
