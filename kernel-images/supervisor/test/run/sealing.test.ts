import type { Digest } from '@clean-room/protocol/bytes';
import { openWith, unpadContent } from '@clean-room/protocol/sealing';
import type { Policy } from '@clean-room/protocol/policies';
import { Decrypter } from 'age-encryption';
import type { FilteredCell } from '../../src/filter/filter.js';
import { sealRun } from '../../src/run/sealing.js';
import { verifyJob } from '../../src/trust/verify-job.js';
import { makeWorld, type World } from '../support/world.js';

const OUTPUTS: Policy['outputs'] = {
  mimeTypes: ['text/plain'],
  bytesPerOutput: 1000,
  bytesPerRun: 1000,
  outputsPerRun: 10,
  review: 'person',
  valuesPerRow: 2
};
const CELLS = [{ type: 'code' as const, source: 'df.head()' }];
const RAN = { cells: [{ cell: 1, source: 'df.head()', outputs: [], status: 'ok' as const }] };

function filtered(party: string): FilteredCell[] {
  const mark = { verdict: 'held' as const, reasons: ['rows-of-data' as const] };
  const text = (value: string) => ({ output_type: 'stream' as const, name: 'stdout' as const, text: value });
  return [
    {
      cell: 1,
      outputs: [{ mark, output: text('held for review'), held: { party, output: text('Ada, 36') } }]
    }
  ];
}

async function seal(world: World, party = 'hospital') {
  const { providers } = await verifyJob(world.job, world.facts);
  return sealRun({ cells: CELLS, ran: RAN, filtered: filtered(party) }, world.spec.value, providers);
}

function bytesOf(sealed: Awaited<ReturnType<typeof seal>>, digest: Digest): Uint8Array {
  const object = sealed.objects.find(candidate => candidate.digest === digest);
  if (object === undefined) throw new Error('an object is missing');
  return object.bytes;
}

/** Removes a custodian's layer, as its output release does. */
async function withoutLayer(identity: string, bytes: Uint8Array): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return decrypter.decrypt(bytes);
}

test('without review the recipients can open the notebook, and there are no review copies', async () => {
  const world = await makeWorld();
  const sealed = await seal(world);
  expect(sealed.outputs).toMatchObject({ recipients: [world.recipients.researcher], reviewers: [] });
  expect(sealed.outputs.reviewCopies).toBeUndefined();
  const opened = unpadContent(
    await openWith(world.identities.researcher, bytesOf(sealed, sealed.outputs.notebook.digest))
  );
  const text = Buffer.from(opened).toString();
  expect(text).toContain('held for review');
  expect(text).not.toContain('Ada');
});

describe('with review', () => {
  test('recipients open the notebook only after the custodian’s layer is removed, without held outputs', async () => {
    const world = await makeWorld({ policy: { outputs: OUTPUTS } });
    const sealed = await seal(world);
    expect(sealed.outputs.reviewers).toEqual([world.keys.custodian.publicKey]);
    const notebook = bytesOf(sealed, sealed.outputs.notebook.digest);
    await expect(openWith(world.identities.researcher, notebook)).rejects.toMatchObject({
      code: 'forbidden'
    });

    const inner = await withoutLayer(world.identities.custodian, notebook);
    await expect(openWith(world.identities.custodian, inner)).rejects.toMatchObject({ code: 'forbidden' });
    const text = Buffer.from(unpadContent(await openWith(world.identities.researcher, inner))).toString();
    expect(text).not.toContain('Ada');
  });

  test.each([
    ['hospital', true],
    ['insurer', false]
  ])('the hospital’s copy shows outputs held for %s: %s', async (party, shown) => {
    const world = await makeWorld({ policy: { outputs: OUTPUTS } });
    const sealed = await seal(world, party);
    const [copy] = sealed.outputs.reviewCopies ?? [];
    expect(copy?.custodian).toBe(world.keys.custodian.publicKey);
    const bytes = bytesOf(sealed, copy?.object.digest ?? sealed.outputs.notebook.digest);
    await expect(openWith(world.identities.researcher, bytes)).rejects.toMatchObject({ code: 'forbidden' });
    const text = Buffer.from(unpadContent(await openWith(world.identities.custodian, bytes))).toString();
    expect(text.includes('Ada, 36')).toBe(shown);
  });
});

test('the size of the sealed notebook has few steps', async () => {
  const world = await makeWorld();
  const sizes = new Set<number>();
  for (let length = 0; length < 40; length++) {
    const { providers } = await verifyJob(world.job, world.facts);
    const cells = [{ type: 'code' as const, source: 'x'.repeat(length) }];
    const sealed = await sealRun(
      { cells, ran: RAN, filtered: filtered('hospital') },
      world.spec.value,
      providers
    );
    sizes.add(sealed.outputs.notebook.bytes);
  }
  expect(sizes.size).toBeLessThanOrEqual(3);
});
