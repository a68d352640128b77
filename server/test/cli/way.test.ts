import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { DemoWorld } from '../custodian/support/demo.js';

let world: DemoWorld;

beforeAll(async () => {
  world = await DemoWorld.found();
  await world.start();
  await world.provision();
});
afterAll(() => world.stop());

describe('the way of a notebook by the command alone', () => {
  it('submits, is approved without a passkey, and starts a run', async () => {
    const { id, image, spec } = await world.submit();

    const measured = await world.run('measure', 'explore.ipynb', '--json');
    expect(measured.json()).toMatchObject({ image, spec });

    const approved = await world.run('approve', id, '--party', 'hospital', '--without-passkey', '--json');
    expect(approved.json()).toEqual({ submission: id, provider: 'hospital', state: 'approved' });
    expect(approved.code).toBe(0);

    const runs = (await world.run('runs', '--json')).json<{ items: { submission: string }[] }>();
    expect(runs.items.map(({ submission }) => submission)).toEqual([id]);
  });

  it('submits no output and no metadata of the notebook', async () => {
    const file = await world.notebook('bare.ipynb', 'open_dataset("hospital/visits")');
    const said = await world.run('submit', file, '--purpose', 'Teaching', '--json');
    const { id } = said.json<{ id: string }>();
    const { routes } = await import('@clean-room/api/coordinator');
    const bytes = await world
      .client('hospital')
      .downloadBytes(routes.getFile, { params: { id, number: 1, '*': 'bare.ipynb' } });
    const text = new TextDecoder().decode(bytes);
    expect(text).toContain('open_dataset');
    expect(text).not.toContain('was here');
    expect(text).not.toContain('7');
  });

  it('gives the same digest for the same files, and another one for others', async () => {
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

  it('submits only what was looked at', async () => {
    await world.notebook('seen.ipynb', 'print(1)');
    const { image } = (
      await world.run('submit', 'seen.ipynb', '--purpose', 'Teaching', '--dry-run', '--json')
    ).json<{ image: string }>();
    await world.notebook('seen.ipynb', 'print("changed")');
    const said = await world.run(
      'submit',
      'seen.ipynb',
      '--purpose',
      'Teaching',
      '--expect-image',
      image,
      '--json'
    );
    expect(said.code).toBe(6);
    expect(said.json()).toMatchObject({ code: 'conflict' });
  });

  it('fetches signed stand-ins to where kernels look for them', async () => {
    const said = await world.run('stand-ins', 'hospital/visits', '--json');
    expect(said.json()).toMatchObject({
      items: [{ name: 'hospital/visits', version: 1, kind: 'random', rows: 1000 }]
    });
    const folder = path.join(world.root, '.local/share/clean-room/stand-ins/hospital/visits');
    const schema = JSON.parse(await readFile(path.join(folder, 'schema.json'), 'utf8'));
    expect(schema.table.columns.map(({ name }: { name: string }) => name)).toEqual([
      'patient_id',
      'age',
      'region'
    ]);
    expect(existsSync(path.join(folder, 'signed'))).toBe(true);
    expect((await stat(path.join(folder, 'data.parquet'))).size).toBe(schema.standIn.bytes);
  });

  it('tells a rejection to who waits', async () => {
    const { id } = await world.submit('print("no")');
    expect(
      (await world.run('reject', id, '--party', 'hospital', '--reason', 'Please bin age', '--json')).json()
    ).toEqual({
      revision: 1,
      state: 'rejected'
    });
    const said = await world.run('approve', id, '--party', 'hospital', '--json');
    expect(said.code).toBe(1);
    expect(said.json()).toMatchObject({ state: 'rejected', reason: { message: 'Please bin age' } });
  });

  it.each([
    ['a purpose nobody agreed on', ['--purpose', 'Marketing'], 1, 'policy-refused'],
    [
      'a dataset that is not there',
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
    ['a file that is not there', ['--purpose', 'Teaching', '--file', 'gone.py'], 5, 'not-found'],
    ['parameters that are no object', ['--purpose', 'Teaching', '--parameters', '[1]'], 1, 'malformed']
  ])('refuses %s before anything leaves the machine', async (_what, args, code, error) => {
    await world.notebook('refused.ipynb', 'print(1)');
    const said = await world.run('submit', 'refused.ipynb', ...args, '--json');
    expect({ code: said.code, error: said.json<{ code: string }>().code }).toEqual({ code, error });
  });

  it('answers a wrong command line with a usage code, and never with a stack trace', async () => {
    const said = await world.run('submit', 'explore.ipynb');
    expect(said.code).toBe(2);
    expect(said.err).toContain("required option '--purpose <text>' not specified");
    expect(said.err).not.toMatch(/ at .*\.js/);
  });
});
