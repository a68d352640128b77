import { RunsModel } from '../../src/runs/model.js';
import { CleanRoomSession } from '../../src/session/session.js';
import { problem, until, type FakeServer } from '../support/coordinator.js';
import { RUN, SUBMISSION, memory, run, signedIn, submission } from '../support/samples.js';

let session: CleanRoomSession;
let model: RunsModel;

async function open(server: FakeServer, party?: string): Promise<void> {
  session = new CleanRoomSession(server.settings, memory(party));
  model = new RunsModel(session);
  await session.start();
  await until(() => model.isReady || model.problem !== undefined, 'the list');
}

afterEach(() => {
  model.dispose();
  session.feed.dispose();
});

describe('RunsModel', () => {
  it('groups runs by their submission and counts the active ones', async () => {
    const { server } = signedIn();
    server
      .on('GET /api/v1/submissions', { items: [submission({ state: 'approved' })] })
      .on('GET /api/v1/runs', { items: [run()] });
    await open(server);
    expect(model.entries).toHaveLength(1);
    expect(model.entries[0]?.runs.map(({ id }) => id)).toEqual([RUN]);
    expect(model.counts).toEqual({ running: 1, waiting: 0 });
  });

  it('reads every page', async () => {
    const { server } = signedIn();
    server.on('GET /api/v1/submissions', ({ path }) =>
      path.includes('cursor=more')
        ? { items: [submission({ notebook: 'b.ipynb' }, '01hzy0000000000000000000cc')] }
        : { items: [submission({ notebook: 'a.ipynb' })], next: 'more' }
    );
    await open(server);
    expect(model.entries.map(({ submission: it }) => it.revision.notebook)).toEqual(['a.ipynb', 'b.ipynb']);
    model.filter = 'B.ipy';
    expect(model.entries.map(({ submission: it }) => it.revision.notebook)).toEqual(['b.ipynb']);
  });

  it('counts the reviews that wait for the party', async () => {
    const { server } = signedIn();
    server
      .on('GET /api/v1/submissions', { items: [submission()] })
      .on('GET /api/v1/runs', { items: [run({ state: 'output-review', waitingFor: ['hospital'] })] });
    await open(server, 'hospital');
    expect(model.counts).toEqual({ running: 0, waiting: 2 });
  });

  it('updates the number of the running cell without loading anything', async () => {
    const { server, events } = signedIn();
    server
      .on('GET /api/v1/submissions', { items: [submission({ state: 'approved' })] })
      .on('GET /api/v1/runs', { items: [run()] });
    await open(server);
    await until(() => session.feed.status === 'live', 'a live feed');
    await new Promise(resolve => setTimeout(resolve, 600));
    const before = server.calls.length;
    events.send(1, {
      topic: 'run',
      run: RUN,
      submission: SUBMISSION,
      state: 'running',
      cell: 5,
      cells: 9
    } as { topic: string });
    await until(() => model.run(RUN)?.cell === 5, 'the cell');
    expect(server.calls).toHaveLength(before);
    expect(model.run(RUN)?.cells).toBe(9);
  });

  it('cancels a run once, and shows it as stopping until the server confirms', async () => {
    const { server } = signedIn();
    let answer: () => void = () => undefined;
    server
      .on('GET /api/v1/submissions', { items: [submission({ state: 'approved' })] })
      .on('GET /api/v1/runs', { items: [run()] })
      .on('POST /api/v1/runs/:id/cancel', async () => {
        await new Promise<void>(resolve => (answer = resolve));
        return run({ state: 'cancelled' });
      });
    await open(server);
    const first = model.cancel(RUN);
    const second = model.cancel(RUN);
    expect(model.isCancelling(RUN)).toBe(true);
    await until(() => server.paths().includes(`POST /api/v1/runs/${RUN}/cancel`), 'the call');
    answer();
    await Promise.all([first, second]);
    expect(server.paths().filter(path => path.startsWith('POST'))).toHaveLength(1);
    expect(server.calls.find(({ method }) => method === 'POST')?.headers.get('idempotency-key')).toBeTruthy();
    expect(model.isCancelling(RUN)).toBe(false);
  });

  it('shows nothing of one party while the person acts for another', async () => {
    const { server } = signedIn();
    server.on('GET /api/v1/submissions', ({ headers }) =>
      headers.get('clean-room-party') === 'university' ? { items: [submission()] } : { items: [] }
    );
    await open(server);
    expect(model.entries).toHaveLength(1);
    await session.actFor('hospital');
    expect(model.entries).toHaveLength(0);
  });

  it('keeps the list when the server fails, and says why', async () => {
    const { server } = signedIn();
    server.on('GET /api/v1/submissions', { items: [submission()] });
    await open(server);
    server.on('GET /api/v1/runs', () => problem(503, 'unavailable', 'Down.'));
    await model.load();
    expect(model.problem?.message).toBe('Down.');
    expect(model.entries).toHaveLength(1);
  });
});
