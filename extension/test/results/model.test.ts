import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ResultModel } from '../../src/results/model.js';
import { CleanRoomSession } from '../../src/session/session.js';
import type { FakeServer } from '../support/coordinator.js';
import { RUN, memory, run, signedIn } from '../support/samples.js';

const fixture = (name: string): string => readFileSync(join(__dirname, '../fixtures', name), 'utf8');
const NOTEBOOK = {
  nbformat: 4,
  cells: [
    {
      cell_type: 'code',
      source: 'df.head()',
      metadata: {
        'clean-room': { status: 'ok', outputs: [{ verdict: 'suppressed', reasons: ['rows-of-data'] }] }
      },
      outputs: [{ output_type: 'display_data', data: { 'text/plain': '[…]' }, metadata: {} }]
    }
  ]
};
const DETAIL = { ...run({ state: 'completed' }), image: `sha256:${'b'.repeat(64)}`, history: [] };

let session: CleanRoomSession;
let model: ResultModel;

async function open(receipt: string): Promise<FakeServer> {
  const server = signedIn()
    .server.on('GET /api/v1/runs/:id', DETAIL)
    .on('GET /api/v1/runs/:id/receipt', () => new Response(receipt))
    .on('GET /trust', () => new Response(fixture('trust.json')))
    .on('GET /revocations', () => new Response('[]'))
    .on('POST /command/results', ({ body }) => ({
      exitCode: 0,
      output: {
        notebook: NOTEBOOK,
        ...((body as { to?: string }).to ? { file: '/home/ana/x/explore.result.ipynb' } : {})
      }
    }));
  session = new CleanRoomSession(server.settings, memory());
  model = new ResultModel(session, RUN);
  const loading = model.load();
  await session.start();
  await loading;
  return server;
}

afterEach(() => {
  model.dispose();
  session.feed.dispose();
});

describe('ResultModel', () => {
  it('waits for the session, verifies the receipt, then opens the outputs', async () => {
    await open(fixture('receipt.json'));
    expect(model.verified?.appraisal.outcome).toBe('verified');
    expect(model.cells).toHaveLength(1);
    expect(model.counts).toEqual({ returned: 0, held: 0, suppressed: 1 });
  });

  it('opens no outputs when the verification fails', async () => {
    const server = await open(fixture('receipt.json').replace('"statement"', '"Statement"'));
    expect(model.verified?.appraisal.outcome).toBe('failed');
    expect(model.cells).toBeUndefined();
    expect(server.paths()).not.toContain('POST /command/results');
  });

  it('writes the result to the workspace and returns its path', async () => {
    const server = await open(fixture('receipt.json'));
    expect(await model.openInWorkspace('clean-room results/explore')).toBe(
      'clean-room results/explore/explore.result.ipynb'
    );
    expect(server.calls.at(-1)?.body).toEqual({
      run: RUN,
      party: 'university',
      to: 'clean-room results/explore'
    });
  });
});
