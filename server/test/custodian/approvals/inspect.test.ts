import { generateSigningKey } from '@clean-room/protocol/documents';
import { Roster } from '@clean-room/protocol/parties';
import { Client } from '@clean-room/api';
import { confirmApproval } from '../../../src/custodian/approvals/confirm.js';
import { draftApproval } from '../../../src/custodian/approvals/draft.js';
import type { CustodianConfig } from '../../../src/custodian/config.js';
import type { CustodianContext } from '../../../src/custodian/context.js';
import { inspectSubmission } from '../../../src/custodian/submissions/inspect.js';
import { readSecretFile } from '../../../src/platform/files/secret-file.js';
import { DemoWorld } from '../support/demo.js';

let world: DemoWorld;
let context: CustodianContext;
let id: string;

beforeAll(async () => {
  world = await DemoWorld.create();
  await world.start();
  await world.provision();
  context = world.custodian('hospital').context;
  ({ id } = await world.submit());
});
afterAll(() => world.stop());

type Tamper = (body: Record<string, never>) => unknown;

/** Returns the custodian's context with a coordinator whose responses on one route are changed. */
function withTamperedAnswers(route: RegExp, tamper: Tamper): CustodianContext {
  const tampered: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (!route.test(response.url) || !response.ok) return response;
    const body = tamper((await response.json()) as Record<string, never>);
    return new Response(JSON.stringify(body), { status: response.status });
  };
  const token = () => readSecretFile(`${world.layout.custodian('hospital')}/token`);
  return { ...context, coordinator: new Client({ base: world.url, token, fetch: tampered }) };
}

interface SubmissionBody {
  revisions: { spec: string; image: string; request: { signatures: { sig: string }[] } }[];
}

const SUBMISSION = /\/v1\/submissions\/[a-z0-9]+$/;

const ONCE = { runs: 1, spareStarts: 0 };

describe('a custodian whose coordinator is hostile', () => {
  it('refuses an image digest that does not result from the spec and the files', async () => {
    const hostile = withTamperedAnswers(SUBMISSION, body => {
      const submission = body as unknown as SubmissionBody;
      submission.revisions[0]!.image = `sha256:${'0'.repeat(64)}`;
      return submission;
    });
    await expect(inspectSubmission(hostile, id)).rejects.toMatchObject({ code: 'digest-mismatch' });
  });

  it('refuses the spec of another submission with this submission’s signature', async () => {
    const other = await world.submit('print("another program")');
    const { routes } = await import('@clean-room/api/coordinator');
    const foreign = await context.coordinator.call(routes.getSubmission, { params: { id: other.id } });
    const hostile = withTamperedAnswers(SUBMISSION, body => {
      const submission = body as unknown as SubmissionBody;
      submission.revisions[0]!.spec = foreign.revisions[0]!.spec;
      submission.revisions[0]!.image = foreign.revisions[0]!.image;
      return submission;
    });
    await expect(inspectSubmission(hostile, id)).rejects.toMatchObject({
      code: expect.stringMatching(/digest-mismatch|signature-invalid/)
    });
  });

  it('refuses a file that does not have the digest in the spec', async () => {
    const fresh = await world.submit('print("never seen here before")');
    const hostile = withTamperedAnswers(/\/files\//, () => ({ cells: [] }));
    await expect(inspectSubmission(hostile, fresh.id)).rejects.toMatchObject({
      code: expect.stringMatching(/digest-mismatch|too-large/)
    });
  });

  it('refuses a kernel image that is not signed by a release key of the policy', async () => {
    const hostile = withTamperedAnswers(/\/v1\/kernel-images/, () => ({ items: [] }));
    await expect(inspectSubmission(hostile, id)).rejects.toMatchObject({ code: 'policy-refused' });
  });

  it('refuses a submission for a collaboration that its own party has not signed', async () => {
    const hostile = withTamperedAnswers(/\/v1\/collaborations/, () => ({ items: [] }));
    await expect(inspectSubmission(hostile, id)).rejects.toMatchObject({ code: 'policy-refused' });
  });

  it('refuses a roster that is not signed by the party’s root key', async () => {
    const hostile = withTamperedAnswers(/\/v1\/collaborations/, body => {
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
    await expect(inspectSubmission(hostile, id)).rejects.toMatchObject({ code: 'signature-invalid' });
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
      draftApproval(context, { ...inspected, assets }, 'demo', { ...ONCE, unattended: true })
    ).rejects.toMatchObject({ code: 'approval-invalid' });
  });

  it('is refused by a custodian that is not a demo', async () => {
    const inspected = await inspectSubmission(context, id);
    const config = { ...context.config };
    delete config.demo;
    await expect(
      draftApproval({ ...context, config }, inspected, 'demo', { ...ONCE, unattended: true })
    ).rejects.toMatchObject({ code: 'approval-invalid' });
  });

  it('cannot be given on a page that asks for a passkey', async () => {
    const draft = await draftApproval(context, await inspectSubmission(context, id), 'demo', {
      ...ONCE,
      unattended: false
    });
    await expect(confirmApproval(context, draft.id, 'demo', undefined)).rejects.toMatchObject({
      code: 'approval-invalid'
    });
  });

  it.each([
    ['runs', { runs: 4, spareStarts: 0 }],
    ['spare starts', { runs: 1, spareStarts: 2 }]
  ])('cannot allow more %s than the policy', async (_, grant) => {
    const inspected = await inspectSubmission(context, id);
    await expect(
      draftApproval(context, inspected, 'demo', { ...grant, unattended: true })
    ).rejects.toMatchObject({ code: 'approval-invalid' });
  });
});

describe('an approval of data that is sealed for hardware', () => {
  const drafting = async (config: Partial<CustodianConfig>) => {
    const inspected = await inspectSubmission(context, id);
    const assets = inspected.assets.map(asset => ({
      ...asset,
      version: { ...asset.version, value: { ...asset.version.value, sealedFor: 'hardware' as const } }
    }));
    const { demo, ...rest } = context.config;
    const changed = { ...context, config: { ...rest, ...config } };
    expect(demo).toBeDefined();
    return draftApproval(changed, { ...inspected, assets }, 'demo', { ...ONCE, unattended: false });
  };

  it('is refused by a demo custodian', async () => {
    const { demo } = context.config;
    await expect(drafting({ hosting: 'own', ...(demo && { demo }) })).rejects.toMatchObject({
      code: 'approval-invalid',
      message: expect.stringMatching(/sealed for hardware: the custodian is a demo\.$/)
    });
  });

  it('is refused by a co-hosted custodian', async () => {
    await expect(drafting({ hosting: 'co-hosted' })).rejects.toMatchObject({
      code: 'approval-invalid',
      message: expect.stringMatching(/the custodian is co-hosted with the coordinator\.$/)
    });
  });

  it('is possible at any other custodian, and says what the custodian is', async () => {
    const { approval } = await drafting({ hosting: 'own' });
    expect(approval.value).toMatchObject({ unattended: false, demo: false, coHosted: false });
  });
});

describe('an approval page', () => {
  it('can be confirmed only by the person who opened it', async () => {
    const draft = await draftApproval(context, await inspectSubmission(context, id), 'demo', {
      ...ONCE,
      unattended: true
    });
    await expect(confirmApproval(context, draft.id, 'another-person', undefined)).rejects.toMatchObject({
      code: 'conflict'
    });
  });

  it('cannot be confirmed after it has expired', async () => {
    const draft = await draftApproval(context, await inspectSubmission(context, id), 'demo', {
      ...ONCE,
      unattended: true
    });
    world.clockOffsetMs = 31 * 60_000;
    await expect(confirmApproval(context, draft.id, 'demo', undefined)).rejects.toMatchObject({
      code: 'conflict'
    });
    world.clockOffsetMs = 0;
  });

  it('gives one approval when it is confirmed twice at the same time', async () => {
    const draft = await draftApproval(context, await inspectSubmission(context, id), 'demo', {
      ...ONCE,
      unattended: true
    });
    const both = await Promise.allSettled(
      [1, 2].map(() => confirmApproval(context, draft.id, 'demo', undefined))
    );
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});
