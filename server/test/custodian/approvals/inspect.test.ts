import { generateSigningKey } from '@clean-room/protocol/documents';
import { Roster } from '@clean-room/protocol/parties';
import { Client } from '@clean-room/api';
import { confirmApproval } from '../../../src/custodian/approvals/confirm.js';
import { draftApproval } from '../../../src/custodian/approvals/draft.js';
import type { CustodianContext } from '../../../src/custodian/context.js';
import { inspectSubmission } from '../../../src/custodian/submissions/fetch.js';
import { readSecretFile } from '../../../src/platform/files/secret-file.js';
import { DemoWorld } from '../support/demo.js';

let world: DemoWorld;
let context: CustodianContext;
let id: string;

beforeAll(async () => {
  world = await DemoWorld.found();
  await world.start();
  await world.provision();
  context = world.custodian!.context;
  ({ id } = await world.submit());
});
afterAll(() => world.stop());

type Tamper = (body: Record<string, never>) => unknown;

/** The custodian, with a coordinator that answers one route falsely. */
function deceived(route: RegExp, tamper: Tamper): CustodianContext {
  const lying: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (!route.test(String(input)) || !response.ok) return response;
    const body = tamper((await response.json()) as Record<string, never>);
    return new Response(JSON.stringify(body), { status: response.status });
  };
  const token = () => readSecretFile(`${world.layout.custodian('hospital')}/token`);
  return { ...context, coordinator: new Client({ base: world.url, token, fetch: lying }) };
}

interface Shown {
  revisions: { spec: string; image: string; request: { signatures: { sig: string }[] } }[];
}

const SUBMISSION = /\/v1\/submissions\/[a-z0-9]+$/;

describe('a custodian that is deceived by the coordinator', () => {
  it('refuses an image that spec and files do not make', async () => {
    const lied = deceived(SUBMISSION, body => {
      const shown = body as unknown as Shown;
      shown.revisions[0]!.image = `sha256:${'0'.repeat(64)}`;
      return shown;
    });
    await expect(inspectSubmission(lied, id)).rejects.toMatchObject({ code: 'digest-mismatch' });
  });

  it('refuses the spec of another submission under this one’s signature', async () => {
    const other = await world.submit('print("another program")');
    const { routes } = await import('@clean-room/api/coordinator');
    const foreign = await context.coordinator.call(routes.getSubmission, { params: { id: other.id } });
    const lied = deceived(SUBMISSION, body => {
      const shown = body as unknown as Shown;
      shown.revisions[0]!.spec = foreign.revisions[0]!.spec;
      shown.revisions[0]!.image = foreign.revisions[0]!.image;
      return shown;
    });
    await expect(inspectSubmission(lied, id)).rejects.toMatchObject({
      code: expect.stringMatching(/digest-mismatch|signature-invalid/)
    });
  });

  it('refuses a file that is not the one the spec names', async () => {
    const fresh = await world.submit('print("never seen here before")');
    const lied = deceived(/\/files\//, () => ({ cells: [] }));
    await expect(inspectSubmission(lied, fresh.id)).rejects.toMatchObject({
      code: expect.stringMatching(/digest-mismatch|too-large/)
    });
  });

  it('refuses a kernel image that no release key of the policy has signed', async () => {
    const lied = deceived(/\/v1\/kernel-images/, () => ({ items: [] }));
    await expect(inspectSubmission(lied, id)).rejects.toMatchObject({ code: 'policy-refused' });
  });

  it('refuses a collaboration that its own party has not signed', async () => {
    const lied = deceived(/\/v1\/collaborations/, () => ({ items: [] }));
    await expect(inspectSubmission(lied, id)).rejects.toMatchObject({ code: 'policy-refused' });
  });

  it('refuses a roster that the party’s root key has not signed', async () => {
    const lied = deceived(/\/v1\/collaborations/, body => {
      const { items } = body as unknown as { items: { rosters: unknown[] }[] };
      const key = generateSigningKey();
      const roster = Roster.sign(
        {
          format: 'clean-room.roster/v1',
          party: 'university',
          title: 'x',
          rootKey: key.publicKey,
          version: 99,
          people: [],
          jupyterHost: 'own'
        },
        key
      );
      items[0]!.rosters = [roster];
      return { items };
    });
    await expect(inspectSubmission(lied, id)).rejects.toMatchObject({ code: 'signature-invalid' });
  });
});

describe('an approval without a passkey', () => {
  it('is refused for data that is sealed for hardware', async () => {
    const inspected = await inspectSubmission(context, id);
    const assets = inspected.assets.map(asset => ({
      ...asset,
      version: { ...asset.version, value: { ...asset.version.value, sealedFor: 'hardware' as const } }
    }));
    await expect(
      draftApproval(context, { ...inspected, assets }, 'demo', { attempts: 1, unattended: true })
    ).rejects.toMatchObject({ code: 'approval-invalid' });
  });

  it('is refused by a custodian that is no demo', async () => {
    const inspected = await inspectSubmission(context, id);
    const config = { ...context.config };
    delete config.demo;
    await expect(
      draftApproval({ ...context, config }, inspected, 'demo', { attempts: 1, unattended: true })
    ).rejects.toMatchObject({ code: 'approval-invalid' });
  });

  it('can’t be made out of a page that asks for one', async () => {
    const draft = await draftApproval(context, await inspectSubmission(context, id), 'demo', {
      attempts: 1,
      unattended: false
    });
    await expect(confirmApproval(context, draft.id, 'demo', undefined)).rejects.toMatchObject({
      code: 'approval-invalid'
    });
  });

  it('grants no more runs than the policy allows', async () => {
    const inspected = await inspectSubmission(context, id);
    await expect(
      draftApproval(context, inspected, 'demo', { attempts: 4, unattended: true })
    ).rejects.toMatchObject({ code: 'policy-refused' });
  });
});

describe('a page that was opened', () => {
  it('is answered by the person it was shown to', async () => {
    const draft = await draftApproval(context, await inspectSubmission(context, id), 'demo', {
      attempts: 1,
      unattended: true
    });
    await expect(confirmApproval(context, draft.id, 'somebody', undefined)).rejects.toMatchObject({
      code: 'conflict'
    });
  });

  it('is answered in time', async () => {
    const draft = await draftApproval(context, await inspectSubmission(context, id), 'demo', {
      attempts: 1,
      unattended: true
    });
    world.ahead = 31 * 60_000;
    await expect(confirmApproval(context, draft.id, 'demo', undefined)).rejects.toMatchObject({
      code: 'conflict'
    });
    world.ahead = 0;
  });

  it('by two at once gives one approval', async () => {
    const draft = await draftApproval(context, await inspectSubmission(context, id), 'demo', {
      attempts: 1,
      unattended: true
    });
    const both = await Promise.allSettled(
      [1, 2].map(() => confirmApproval(context, draft.id, 'demo', undefined))
    );
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});
