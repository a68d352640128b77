import { digestOf } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Policy } from '@clean-room/protocol/policies';
import type { Machine } from '@clean-room/api/coordinator';
import type { CoordinatorContext } from '../context.js';
import { chooseTeeKind } from '../runs/tee-kind.js';
import { readersOf } from './assets.js';

/** The digest in place of an image that is not known yet. */
const NO_IMAGE = digestOf(new Uint8Array());

async function policyOf(context: CoordinatorContext, party: string, name: string): Promise<Policy> {
  const found = await context.db
    .selectFrom('asset')
    .innerJoin('policy', 'policy.digest', 'asset.policy_digest')
    .select(['asset.provider', 'policy.envelope'])
    .where('asset.name', '=', name)
    .executeTakeFirst();
  if (found !== undefined && (await readersOf(context.db, name, found.provider)).includes(party))
    return Policy.peek(found.envelope).value;
  throw new CleanRoomError('not-found', `There is no dataset ${name.slice(0, 120)} for your party.`, {
    remedy: 'Choose one of the datasets of your collaborations.'
  });
}

/**
 * Returns the machine sizes that the backend would use for a run on these assets, the smallest first.
 *
 * @throws CleanRoomError `not-found` when the party cannot see an asset
 */
export async function machinesFor(
  context: CoordinatorContext,
  party: string,
  assets: readonly string[]
): Promise<Machine[]> {
  const policies: Policy[] = [];
  for (const name of new Set(assets)) policies.push(await policyOf(context, party, name));
  const { tees, shapes } = context.services.backend.capabilities;
  const tee = chooseTeeKind(tees, policies, NO_IMAGE);
  return shapes.filter(shape => shape.tee === tee).map(shape => ({ ...shape }));
}
