import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { dockerCredentials } from '../../src/registry/credentials.js';

let folder: string;
const path = process.env['PATH'];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'docker-'));
  process.env['PATH'] = `${folder}${delimiter}${path ?? ''}`;
});
afterEach(async () => {
  process.env['PATH'] = path;
  await rm(folder, { recursive: true });
});

const configure = (config: object) => writeFile(join(folder, 'config.json'), JSON.stringify(config));
const base64 = (text: string) => Buffer.from(text).toString('base64');
const find = (host: string) => dockerCredentials(folder)(host);

async function install(name: string, script: string): Promise<void> {
  await writeFile(join(folder, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, `docker-credential-${name}`), 0o755);
}

describe('the credentials of docker login', () => {
  it('are undefined without a configuration, or for a host that it does not name', async () => {
    expect(await find('registry.example.org')).toBeUndefined();
    await configure({ auths: { 'other.example.org': { auth: base64('ada:horse') } }, HttpHeaders: {} });
    expect(await find('registry.example.org')).toBeUndefined();
  });

  it.each([
    'registry.example.org:5000',
    'https://registry.example.org:5000',
    'https://registry.example.org:5000/v2/'
  ])('are found under the key %s', async key => {
    await configure({ auths: { [key]: { auth: base64('ada:a:b') } } });
    expect(await find('registry.example.org:5000')).toEqual({ username: 'ada', password: 'a:b' });
    expect(await find('registry.example.org')).toBeUndefined();
  });

  it('may be a refresh token', async () => {
    await configure({ auths: { 'r.example.org': { auth: base64('ada:'), identitytoken: 'refresh' } } });
    expect(await find('r.example.org')).toEqual({ identityToken: 'refresh' });
  });

  it('come from the helper of the host, which takes precedence over the default helper', async () => {
    await install('own', `read host; echo "{\\"Username\\":\\"ada\\",\\"Secret\\":\\"for $host\\"}"`);
    await install('general', `echo '{"Username":"<token>","Secret":"refresh"}'`);
    await configure({ credHelpers: { 'r.example.org': 'own' }, credsStore: 'general' });
    expect(await find('r.example.org')).toEqual({ username: 'ada', password: 'for r.example.org' });
    expect(await find('other.example.org')).toEqual({ identityToken: 'refresh' });
  });

  it('come from the file if the helper has none', async () => {
    await install('empty', 'echo "credentials not found in native keychain"; exit 1');
    await configure({ credsStore: 'empty', auths: { 'r.example.org': { auth: base64('ada:horse') } } });
    expect(await find('r.example.org')).toEqual({ username: 'ada', password: 'horse' });
  });

  it.each([
    ['fails', 'echo boom; exit 3'],
    ['answers in another format', 'echo hello'],
    ['answers without a secret', `echo '{"Username":"ada"}'`]
  ])('cause an error if the helper %s', async (_name, script) => {
    await install('bad', script);
    await configure({ credsStore: 'bad' });
    await expect(find('r.example.org')).rejects.toMatchObject({
      code: 'registry-failed',
      remedy: expect.stringContaining('docker login') as unknown
    });
  });

  it('cause an error if the helper does not exist or its name is invalid', async () => {
    await configure({ credsStore: 'missing' });
    await expect(find('r.example.org')).rejects.toMatchObject({ code: 'registry-failed' });
    await configure({ credsStore: '../../bin/sh' });
    await expect(find('r.example.org')).rejects.toMatchObject({ code: 'malformed' });
  });

  it('cause an error if the configuration cannot be read', async () => {
    for (const text of ['{', '[]', '{"auths":7}']) {
      await writeFile(join(folder, 'config.json'), text);
      await expect(find('r.example.org')).rejects.toMatchObject({ code: 'malformed' });
    }
  });
});
