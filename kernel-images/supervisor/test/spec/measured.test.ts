import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readMeasuredSpec } from '../../src/spec/measured.js';
import { writeLayer } from '../support/container.js';
import { makeWorld } from '../support/world.js';

const FILES = {
  'notebook.ipynb': '{"nbformat":4,"cells":[]}',
  'lib/tools.py': 'x = 1\n',
  'data.csv': 'a\n1\n'
};
let root: string;
const layer = () => join(root, 'clean-room');

beforeEach(async () => {
  root = await mkdtemp('/tmp/clean-room-measured-');
  await writeLayer(root, await makeWorld({ files: FILES, withoutAssets: true }));
});
afterEach(() => rm(root, { recursive: true }));

test('reads spec and workspace when they agree', async () => {
  const { spec, notebook } = await readMeasuredSpec(root);
  expect(spec.value.workspace.map(file => file.path)).toEqual(['data.csv', 'lib/tools.py', 'notebook.ipynb']);
  expect(Buffer.from(notebook).toString()).toBe(FILES['notebook.ipynb']);
});

describe('readMeasuredSpec refuses', () => {
  test.each<[string, () => Promise<unknown>, string]>([
    [
      'a file with other content',
      () => writeFile(join(layer(), 'workspace/data.csv'), 'a\n2\n'),
      'digest-mismatch'
    ],
    [
      'a file of another length',
      () => writeFile(join(layer(), 'workspace/data.csv'), 'a\n'),
      'digest-mismatch'
    ],
    ['a missing file', () => rm(join(layer(), 'workspace/data.csv')), 'workspace-refused'],
    ['an additional file', () => writeFile(join(layer(), 'workspace/lib/json.py'), ''), 'workspace-refused'],
    ['an additional hidden file', () => writeFile(join(layer(), 'workspace/.env'), ''), 'workspace-refused'],
    [
      'a link in place of a file',
      async () => {
        await rm(join(layer(), 'workspace/data.csv'));
        await symlink('/etc/passwd', join(layer(), 'workspace/data.csv'));
      },
      'workspace-refused'
    ],
    [
      'a link in place of a folder',
      async () => {
        await rm(join(layer(), 'workspace/lib'), { recursive: true });
        await mkdir(join(root, 'elsewhere'));
        await writeFile(join(root, 'elsewhere/tools.py'), FILES['lib/tools.py']);
        await symlink(join(root, 'elsewhere'), join(layer(), 'workspace/lib'));
      },
      'workspace-refused'
    ],
    [
      'a spec that is not canonical JSON',
      () => writeFile(join(layer(), 'spec.json'), '{ "format": "clean-room.spec/v1" }'),
      'malformed'
    ]
  ])('%s', async (_, change, code) => {
    await change();
    await expect(readMeasuredSpec(root)).rejects.toMatchObject({ code });
  });
});
