import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { AssetVersion } from '@clean-room/protocol/assets';
import { DemoWorld } from '../custodian/support/demo.js';

let world: DemoWorld;

beforeAll(async () => {
  world = await DemoWorld.create();
  await world.start();
  await world.provision();
});
afterAll(() => world.stop());

describe('the path of a notebook with only the command line', () => {
  it('submits a notebook, approves it without a passkey, and starts a run', async () => {
    const { id, image, spec } = await world.submit();

    const measured = await world.run('measure', 'explore.ipynb', '--json');
    expect(measured.json()).toMatchObject({ image, spec });

    const approved = await world.run('approve', id, '--party', 'hospital', '--without-passkey', '--json');
    expect(approved.json()).toEqual({ submission: id, provider: 'hospital', state: 'approved' });
    expect(approved.code).toBe(0);

    const runs = (await world.run('runs', '--json')).json<{ items: { submission: string }[] }>();
    expect(runs.items.map(({ submission }) => submission)).toEqual([id]);
  });

  it('does not submit outputs and metadata of the notebook', async () => {
    const file = await world.notebook('stripped.ipynb', 'open_dataset("hospital/visits")');
    const output = await world.run('submit', file, '--purpose', 'Teaching', '--json');
    const { id } = output.json<{ id: string }>();
    const { routes } = await import('@clean-room/api/coordinator');
    const bytes = await world
      .client('hospital')
      .downloadBytes(routes.getFile, { params: { id, number: 1, '*': 'stripped.ipynb' } });
    const text = new TextDecoder().decode(bytes);
    expect(text).toContain('open_dataset');
    expect(text).not.toContain('was here');
    expect(text).not.toContain('7');
  });

  it('computes equal digests for equal files, and different ones for different files', async () => {
    await world.notebook('again.ipynb', 'print(1)');
    const dry = async () =>
      (await world.run('submit', 'again.ipynb', '--purpose', 'Teaching', '--dry-run', '--json')).json<{
        image: string;
      }>().image;
    const first = await dry();
    expect(await dry()).toBe(first);
    await world.notebook('again.ipynb', 'print(2)');
    expect(await dry()).not.toBe(first);
  });

  it('submits only what was previewed', async () => {
    await world.notebook('seen.ipynb', 'print(1)');
    const { image } = (
      await world.run('submit', 'seen.ipynb', '--purpose', 'Teaching', '--dry-run', '--json')
    ).json<{ image: string }>();
    await world.notebook('seen.ipynb', 'print("changed")');
    const output = await world.run(
      'submit',
      'seen.ipynb',
      '--purpose',
      'Teaching',
      '--expect-image',
      image,
      '--json'
    );
    expect(output.code).toBe(6);
    expect(output.json()).toMatchObject({ code: 'conflict' });
  });

  it('downloads signed stand-ins to the folder that kernels read', async () => {
    const output = await world.run('stand-ins', 'hospital/visits', '--json');
    expect(output.json()).toMatchObject({
      items: [{ name: 'hospital/visits', version: 1, kind: 'random', rows: 1000 }]
    });
    const folder = path.join(world.root, '.local/share/clean-room/stand-ins/hospital/visits');
    const bytes = new Uint8Array(await readFile(path.join(folder, 'schema.json')));
    const { value: asset } = AssetVersion.read(bytes);
    expect(asset.table.columns.map(({ name }) => name)).toEqual(['patient_id', 'age', 'region']);
    expect(existsSync(path.join(folder, 'signed'))).toBe(true);
    expect((await stat(path.join(folder, 'data.parquet'))).size).toBe(asset.standIn.bytes);
    const newest = await readFile(path.join(folder, '../../newest-versions.json'), 'utf8');
    expect(JSON.parse(newest)).toEqual({ 'hospital/visits': 1 });
  });

  it('reports a rejection to a waiting reviewer', async () => {
    const { id } = await world.submit('print("no")');
    expect(
      (await world.run('reject', id, '--party', 'hospital', '--reason', 'Please bin age', '--json')).json()
    ).toEqual({
      revision: 1,
      state: 'rejected'
    });
    const output = await world.run('approve', id, '--party', 'hospital', '--json');
    expect(output.code).toBe(1);
    expect(output.json()).toMatchObject({ state: 'rejected', reason: { message: 'Please bin age' } });
  });

  it.each([
    ['a purpose that the collaboration does not list', ['--purpose', 'Marketing'], 1, 'policy-refused'],
    [
      'a dataset that does not exist',
      ['--purpose', 'Teaching', '--dataset', 'hospital/secrets'],
      5,
      'not-found'
    ],
    [
      'a file outside the notebook’s folder',
      ['--purpose', 'Teaching', '--file', '/etc/passwd'],
      1,
      'workspace-refused'
    ],
    ['a file that does not exist', ['--purpose', 'Teaching', '--file', 'gone.py'], 5, 'not-found'],
    ['parameters that are not an object', ['--purpose', 'Teaching', '--parameters', '[1]'], 1, 'malformed']
  ])('refuses %s before anything leaves the machine', async (_description, args, code, error) => {
    await world.notebook('refused.ipynb', 'print(1)');
    const output = await world.run('submit', 'refused.ipynb', ...args, '--json');
    expect({ code: output.code, error: output.json<{ code: string }>().code }).toEqual({ code, error });
  });

  it('answers an invalid command line with a usage error and without a stack trace', async () => {
    const output = await world.run('submit', 'explore.ipynb');
    expect(output.code).toBe(2);
    expect(output.err).toContain("required option '--purpose <text>' not specified");
    expect(output.err).not.toMatch(/ at .*\.js/);
  });
});
