import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SealedFor } from '@clean-room/protocol/assets';
import { digestOf, utf8, type Digest } from '@clean-room/protocol/bytes';
import { generateSigningKey, type SigningKey } from '@clean-room/protocol/documents';
import { KernelImageRevocations, type RevokedKernelImage } from '@clean-room/protocol/kernel-images';
import { Collaboration, rootKeyOf } from '@clean-room/protocol/parties';
import { routes } from '@clean-room/api/coordinator';
import type { CustodianContext } from '../../../src/custodian/context.js';
import { readSigningKey } from '../../../src/custodian/keys/key-folder.js';
import { inspectSubmission } from '../../../src/custodian/submissions/inspect.js';
import { requireAllowedUse } from '../../../src/custodian/submissions/terms.js';
import { createKeyRequest, releaseKeys } from '../support/attempt.js';
import { DemoWorld } from '../support/demo.js';

let world: DemoWorld;
let context: CustodianContext;
let releaseKey: SigningKey;
let image: Digest;
let submission: string;

beforeAll(async () => {
  world = await DemoWorld.create();
  await world.start();
  await world.provision();
  context = world.custodian('hospital').context;
  releaseKey = await readSigningKey(world.layout.releaseKey);
  image = context.kernelImages[0]!.digest;
  ({ id: submission } = await world.submit());
  const approval = ['approve', submission, '--party', 'hospital', '--without-passkey', '--runs', '3'];
  expect(await world.run(...approval)).toMatchObject({ code: 0 });
});
afterAll(() => world.stop());

function entry(digest: Digest): RevokedKernelImage {
  return { digest, revokedAt: '2026-11-02T00:00:00Z', reason: 'A hole in the sandbox' };
}

/** Imports a list with the command, as a steward does while the custodian is running. */
async function importList(version: number, entries: RevokedKernelImage[], key = releaseKey) {
  const list = KernelImageRevocations.sign(
    { format: 'clean-room.kernel-image-revocations/v1', signer: key.publicKey, version, entries },
    key
  );
  const file = path.join(world.root, 'revocations.json');
  await writeFile(file, JSON.stringify(list));
  return world.run('custodian', 'import-revocations', file, '--party', 'hospital');
}

const other = entry(digestOf(utf8('another image')));

describe('a custodian', () => {
  it('releases keys on an image that no list revokes', async () => {
    expect(await importList(1, [other])).toMatchObject({
      code: 0,
      out: expect.stringContaining(other.digest)
    });
    const sent = await createKeyRequest(world, submission);
    await expect(releaseKeys(context, sent)).resolves.toBeDefined();
  });

  it('does not import a list of a key that no policy names, or that another key has signed', async () => {
    const stranger = generateSigningKey();
    expect(await importList(9, [entry(image)], stranger)).toMatchObject({
      code: 4,
      err: expect.stringContaining('Nothing was imported')
    });
    const claimed = { ...stranger, publicKey: releaseKey.publicKey };
    expect((await importList(9, [entry(image)], claimed)).code).toBe(1);
    expect(await context.revocations.lists()).toMatchObject([{ version: 1, entries: [other] }]);
  });

  it('does not import an older list, or one that lost an entry', async () => {
    expect((await importList(2, [other])).code).toBe(0);
    expect(await importList(1, [other])).toMatchObject({ code: 6, err: expect.stringContaining('older') });
    expect(await importList(3, [entry(image)])).toMatchObject({
      code: 6,
      err: expect.stringContaining(`does not contain the known entry for ${other.digest}`)
    });
    expect(await context.revocations.lists()).toMatchObject([{ version: 2, entries: [other] }]);
  });

  it('releases no key to, and approves nothing on, a revoked image', async () => {
    const sent = await createKeyRequest(world, submission);
    const { id } = await world.submit('print("not approved yet")');
    expect((await importList(3, [other, entry(image)])).code).toBe(0);
    const refused = {
      code: 'policy-refused',
      message: 'The kernel image was revoked on 2026-11-02: A hole in the sandbox.'
    };
    await expect(releaseKeys(context, sent)).rejects.toMatchObject(refused);
    await expect(inspectSubmission(context, id)).rejects.toMatchObject(refused);
    const output = await world.run('approve', id, '--party', 'hospital', '--without-passkey');
    expect(output.err).toContain('was revoked on 2026-11-02');
    const attempts = await context.db.selectFrom('attempt').selectAll().execute();
    expect(attempts).toHaveLength(1);
  });

  it('remembers the list when its file is removed or replaced by an older one', async () => {
    const folder = path.join(world.layout.custodian('hospital'), 'revocations');
    await rm(folder, { recursive: true });
    const sent = await createKeyRequest(world, submission);
    await expect(releaseKeys(context, sent)).rejects.toMatchObject({ code: 'policy-refused' });
    expect((await importList(2, [other])).code).toBe(0);
    await expect(releaseKeys(context, sent)).rejects.toMatchObject({ code: 'policy-refused' });
  });

  it('releases no key while a newer list contradicts the one that it remembers', async () => {
    expect((await importList(4, [other])).code).toBe(0);
    const sent = await createKeyRequest(world, submission);
    await expect(releaseKeys(context, sent)).rejects.toMatchObject({ code: 'conflict' });
    await rm(path.join(world.layout.custodian('hospital'), 'revocations'), { recursive: true });
    expect((await importList(5, [other, entry(image)])).code).toBe(0);
    await expect(releaseKeys(context, sent)).rejects.toMatchObject({ code: 'policy-refused' });
  });
});

describe('a development kernel image', () => {
  it('is refused for data that is sealed for hardware', async () => {
    const [asset] = await context.registry.list();
    const { version } = asset!;
    const { items } = await context.coordinator.call(routes.listCollaborations, {});
    const collaboration = Collaboration.peek(items[0]!.envelope);
    const assets = (sealedFor: SealedFor) => [
      { ...asset!, version: { ...version, value: { ...version.value, sealedFor } } }
    ];
    const use = {
      collaboration,
      party: rootKeyOf(collaboration.value, 'university'),
      purpose: 'Teaching',
      kernelImage: image
    };
    const unrevoked = {
      ...context,
      revocations: { lists: async () => [] } as unknown as CustodianContext['revocations']
    };
    await expect(
      requireAllowedUse(unrevoked, { ...use, assets: assets('simulation') })
    ).resolves.toBeUndefined();
    await expect(requireAllowedUse(unrevoked, { ...use, assets: assets('hardware') })).rejects.toMatchObject({
      code: 'policy-refused',
      message: expect.stringContaining('cannot be used with a development kernel image')
    });
  });
});
