import { randomBytes } from 'node:crypto';
import { Client } from '@clean-room/api';
import { utf8 } from '@clean-room/protocol/bytes';
import { authorizeStewardRequest } from '@clean-room/protocol/parties';
import { fetchFromCustodian } from '../../../src/cli/custodian/fetch.js';
import { Home } from '../../../src/cli/home/home.js';
import { requireIdentity, type PersonKeys } from '../../../src/cli/home/identity.js';
import type { DemoWorld } from './demo.js';

/** Returns the keys of the demo person, who is a steward of each provider. */
export function demoKeys(world: DemoWorld): Promise<PersonKeys> {
  return requireIdentity(new Home({ env: { CLEAN_ROOM_HOME: world.layout.person } }));
}

/** Returns a client of the hospital's custodian that signs each request as the demo person. */
export async function stewardClient(world: DemoWorld): Promise<Client> {
  const { signing } = await demoKeys(world);
  return new Client({
    base: world.origins.hospital,
    fetch: fetchFromCustodian,
    sign: (method, path, body) =>
      authorizeStewardRequest(
        signing,
        world.custodian('hospital').context.keys.publicKey,
        { method, path, body: utf8(body ?? '') },
        new Date(),
        randomBytes(16)
      )
  });
}
