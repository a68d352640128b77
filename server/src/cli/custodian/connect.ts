import { randomBytes } from 'node:crypto';
import { Client } from '@clean-room/api';
import { utf8 } from '@clean-room/protocol/bytes';
import type { ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import {
  authorizeStewardRequest,
  type Collaboration,
  type Custodian,
  type Roster
} from '@clean-room/protocol/parties';
import type { TrustRoots } from '@clean-room/protocol/receipts';
import { readCatalogue, type CataloguedCollaboration } from '../catalogue/catalogue.js';
import type { CommandContext } from '../context.js';
import { connect } from '../coordinator/connect.js';
import { requireIdentity } from '../home/identity.js';
import { requireTrustRoots } from '../home/trust.js';
import { fetchFromCustodian } from './fetch.js';

/** A connection of a steward to their party's custodian. */
export interface CustodianConnection {
  /** A client of the custodian. Each of its requests is signed with the steward's key. */
  readonly client: Client;
  /** A client of the coordinator. */
  readonly coordinator: Client;
  readonly custodian: Custodian;
  readonly roster: Roster;
  readonly collaboration: ReadDocument<Collaboration>;
  readonly trust: TrustRoots;
}

/** Returns the collaboration with the given name, or the party's only one. */
function chooseCollaboration(
  collaborations: readonly CataloguedCollaboration[],
  party: string,
  name: string | undefined
): CataloguedCollaboration {
  const own = collaborations.filter(({ rosters }) => rosters.has(party));
  const names = own.map(({ collaboration }) => collaboration.value.name);
  if (own.length === 0) {
    throw new CleanRoomError('not-found', `${party} is not in a collaboration that you trust.`, {
      remedy:
        'Publish a collaboration that every party has signed, and compare its root keys with your trust roots.'
    });
  }
  const [found, ...others] = own.filter(
    ({ collaboration }) => name === undefined || collaboration.value.name === name
  );
  if (found === undefined) {
    throw new CleanRoomError('not-found', `${party} is not in a collaboration named ${name ?? ''}.`, {
      remedy: `Choose one of: ${names.join(', ')}.`
    });
  }
  if (others.length > 0) {
    throw new CleanRoomError('conflict', `${party} is in several collaborations.`, {
      remedy: `Name one with --collaboration: ${names.join(', ')}.`
    });
  }
  return found;
}

/**
 * Connects a steward to the custodian of their party, whose address and key are in the party's roster. Everything is verified
 * from the steward's own trust roots.
 *
 * @param party - the party
 * @param collaboration - the name of the collaboration, if the party is in several
 * @throws CleanRoomError `not-found`, `conflict`, or `forbidden` on a Jupyter host of the operator
 */
export async function connectToCustodian(
  context: CommandContext,
  party: string,
  collaboration?: string
): Promise<CustodianConnection> {
  const { home, terminal } = context;
  const { client: coordinator } = await connect(context, party);
  const [keys, trust] = [await requireIdentity(home), await requireTrustRoots(home)];
  const chosen = chooseCollaboration(await readCatalogue(coordinator, trust), party, collaboration);
  const roster = chosen.rosters.get(party);
  const custodian = roster?.custodian;
  if (roster === undefined || custodian === undefined) {
    throw new CleanRoomError('not-found', `The roster of ${party} does not name a custodian.`, {
      remedy: 'Add the custodian to the roster, and publish it.'
    });
  }
  const client = new Client({
    base: custodian.origin,
    fetch: fetchFromCustodian,
    sign: (method, path, body) =>
      authorizeStewardRequest(
        keys.signing,
        custodian.key,
        { method, path, body: utf8(body ?? '') },
        terminal.now(),
        randomBytes(16)
      )
  });
  return { client, coordinator, custodian, roster, collaboration: chosen.collaboration, trust };
}

/**
 * Refuses to read data on a Jupyter host of the operator, who would see it.
 * @throws CleanRoomError `forbidden`
 */
export function requireOwnHost(
  { title, jupyterHost }: Roster,
  env: Readonly<Record<string, string | undefined>>
): void {
  if (jupyterHost !== 'operator-hosted' || !env['JUPYTERHUB_USER']) return;
  throw new CleanRoomError(
    'forbidden',
    `This machine belongs to the operator, who could read the data of ${title} here. Nothing was read.`,
    { remedy: 'Run the command on a machine of your own organisation.' }
  );
}
