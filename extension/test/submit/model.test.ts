import { CleanRoomSession } from '../../src/session/session.js';
import { SubmitModel } from '../../src/submit/model.js';
import { publishedAsset } from '../support/assets.js';
import { problem, until, type FakeServer } from '../support/coordinator.js';
import { memory, signedIn } from '../support/samples.js';

const IMAGE = `sha256:${'b'.repeat(64)}`;
const GIB = 1024 ** 3;
const MACHINES = [
  { tee: 'TDX', name: 'c3-standard-4', processors: 4, memoryBytes: 14 * GIB, dollarsPerHour: 0.24 },
  { tee: 'TDX', name: 'c3-standard-8', processors: 8, memoryBytes: 30 * GIB }
];
const DRAFT = {
  notebook: 'study/explore.ipynb',
  datasets: ['hospital/visits'],
  files: [
    { path: 'study/helpers.py', name: 'helpers.py', bytes: 100, used: true },
    { path: 'study/big.csv', name: 'big.csv', bytes: 2e9, used: false }
  ]
};

let session: CleanRoomSession;
let model: SubmitModel;

async function open(
  server: FakeServer,
  draft: ConstructorParameters<typeof SubmitModel>[1] = DRAFT
): Promise<void> {
  session = new CleanRoomSession(server.settings, memory());
  await session.start();
  model = new SubmitModel(session, draft);
  await model.load();
}

function serverWith(...assets: readonly object[]): FakeServer {
  return signedIn()
    .server.on('GET /api/v1/assets', { items: assets })
    .on('GET /api/v1/machines', { items: MACHINES })
    .on('POST /command/submit', {
      exitCode: 0,
      output: { image: IMAGE, spec: 'sha256:00', providers: ['hospital'] }
    });
}

afterEach(() => {
  model.dispose();
  session.feed.dispose();
});

describe('SubmitModel', () => {
  it('selects the datasets and files that the notebook uses, and the only purpose', async () => {
    await open(serverWith(publishedAsset(), publishedAsset({ name: 'hospital/labs' })));
    expect(model.chosen.map(({ name }) => name)).toEqual(['hospital/visits']);
    expect(model.purpose).toBe('Health research');
    expect(model.options()).toMatchObject({
      files: ['study/helpers.py'],
      party: 'university',
      parameters: '{}'
    });
  });

  it('is ready when the preview of exactly these choices is there', async () => {
    const server = serverWith(publishedAsset());
    await open(server);
    expect(model.isReady).toBe(true);
    expect(model.preview).toEqual({ image: IMAGE, spec: 'sha256:00', providers: ['hospital'] });
    expect(server.calls.at(-1)?.body).toMatchObject({
      dryRun: true,
      datasets: ['hospital/visits'],
      purpose: 'Health research'
    });
    model.toggleFile('study/big.csv');
    expect(model.isReady).toBe(false);
    await until(() => model.isReady, 'a new preview');
    expect(server.calls.at(-1)?.body).toMatchObject({ files: ['study/big.csv', 'study/helpers.py'] });
  });

  it('never shows the preview of older choices', async () => {
    const answers: ((image: string) => void)[] = [];
    const server = serverWith(publishedAsset({ purposes: ['a', 'b'] })).on(
      'POST /command/submit',
      async () => {
        const image = await new Promise<string>(resolve => answers.push(resolve));
        return { exitCode: 0, output: { image, spec: '', providers: [] } };
      }
    );
    await open(server);
    model.choosePurpose('a');
    await until(() => answers.length === 1, 'the first request');
    model.choosePurpose('b');
    await until(() => answers.length === 2, 'the second request');
    answers[1]?.('second');
    await until(() => model.isReady, 'the second preview');
    answers[0]?.('first');
    await new Promise(resolve => setTimeout(resolve, 50));
    expect(model.preview?.image).toBe('second');
  });

  it('offers the purposes that all selected datasets allow', async () => {
    await open(
      serverWith(
        publishedAsset({ purposes: ['a', 'b'] }),
        publishedAsset({ name: 'hospital/labs', purposes: ['b', 'c'] })
      )
    );
    expect(model.purposes).toEqual(['a', 'b']);
    model.toggleDataset('hospital/labs');
    expect(model.purposes).toEqual(['b']);
    expect(model.purpose).toBe('b');
  });

  it('offers the machine sizes that the policies allow and the clean room has, and says what limits the others', async () => {
    const server = serverWith(publishedAsset({ memoryBytes: 16 * GIB, wallSeconds: 3600 }));
    await open(server);
    expect(model.computeChoices).toEqual([
      {
        compute: { processors: 2, memoryBytes: 4 * GIB, accelerator: 'none' },
        estimate: { machine: 'c3-standard-4', dollarsPerHour: 0.24, hours: 1 }
      },
      { compute: { processors: 4, memoryBytes: 16 * GIB, accelerator: 'none' } },
      {
        compute: { processors: 8, memoryBytes: 64 * GIB, accelerator: 'none' },
        limit: { kind: 'policy', providers: ['hospital'], memoryBytes: 16 * GIB }
      }
    ]);
    expect(server.paths()).toContain('GET /api/v1/machines?assets=hospital%2Fvisits');
  });

  it('gives the smallest machine as much memory as the policy allows', async () => {
    await open(serverWith(publishedAsset({ memoryBytes: GIB })));
    expect(model.options().compute).toEqual({ processors: 2, memoryBytes: GIB, accelerator: 'none' });
    expect(model.isReady).toBe(true);
  });

  it('is not ready for a size that the clean room does not have', async () => {
    await open(
      serverWith(publishedAsset({ memoryBytes: 64 * GIB })).on('GET /api/v1/machines', { items: [] })
    );
    expect(model.computeChoices.map(({ limit }) => limit?.kind)).toEqual(['machine', 'machine', 'machine']);
    expect(model.isReady).toBe(false);
  });

  it('limits a notebook without datasets to what the program allows, and selects another size', async () => {
    await open(serverWith(publishedAsset({ memoryBytes: 16 * GIB })));
    model.chooseCompute(1);
    await until(() => model.isReady, 'a preview of 16 GB');
    model.toggleDataset('hospital/visits');
    expect(model.computeChoices[1]?.limit).toEqual({ kind: 'program', memoryBytes: 8 * GIB });
    expect(model.compute).toBe(0);
  });

  it('accepts parameters only as a JSON object', async () => {
    await open(serverWith(publishedAsset()));
    for (const text of ['', '[]', 'null', '5', '{']) {
      model.writeParameters(text);
      expect(model.parametersAreValid).toBe(false);
      expect(model.isReady).toBe(false);
    }
    model.writeParameters('{"min_age": 18}');
    await until(() => model.isReady, 'a preview');
  });

  it('names a dataset that is not available, and does not request it', async () => {
    await open(serverWith(publishedAsset({ name: 'hospital/labs' })));
    expect(model.unavailable).toEqual(['hospital/visits']);
    expect(model.options().datasets).toEqual([]);
  });

  it('refuses a dataset that its custodian has not signed', async () => {
    await open(serverWith(publishedAsset({ forged: true })));
    expect(model.problem?.code).toBe('signature-invalid');
    expect(model.isReady).toBe(false);
  });

  it('says why the notebook cannot be submitted', async () => {
    const server = serverWith(publishedAsset()).on('POST /command/submit', () =>
      problem(422, 'policy-refused', 'The policy does not allow it.', 'Ask the provider.')
    );
    await open(server);
    expect(model.problem).toMatchObject({ code: 'policy-refused', remedy: 'Ask the provider.' });
    expect(model.isReady).toBe(false);
  });

  it('submits the next revision after a request for changes, unless the person chooses otherwise', async () => {
    await open(serverWith(publishedAsset()), {
      ...DRAFT,
      predecessor: { id: '01hzy', revision: 1, requestedBy: ['hospital'] }
    });
    expect(model.options().revisionOf).toBe('01hzy');
    model.chooseNextRevision(false);
    expect(model.options()).not.toHaveProperty('revisionOf');
  });
});
