import { toBase64 } from '@clean-room/protocol/bytes';
import { Collaboration, Roster } from '@clean-room/protocol/parties';
import { generateSigningKey } from '@clean-room/protocol/documents';
import { Spec } from '@clean-room/protocol/submissions';
import { DatasetsModel } from '../../src/datasets/model.js';
import { ReviewModel } from '../../src/review/model.js';
import { RunsModel } from '../../src/runs/model.js';
import { CleanRoomSession } from '../../src/session/session.js';
import { problem, until, type FakeServer } from '../support/coordinator.js';
import { SUBMISSION, memory, signedIn, submission } from '../support/samples.js';

const root = generateSigningKey();
const AGE = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';
const digest = (letter: string): `sha256:${string}` => `sha256:${letter.repeat(64)}`;
const NOTEBOOK = { nbformat: 4, cells: [{ cell_type: 'code', source: 'x', metadata: {}, outputs: [] }] };

const spec = Spec.write({
  format: 'clean-room.spec/v1',
  collaboration: digest('c'),
  purpose: 'Health research',
  kernelImage: digest('d'),
  workspace: [{ path: 'explore.ipynb', digest: digest('e'), bytes: 100 }],
  notebook: 'explore.ipynb',
  parameters: '{}',
  assets: [],
  submitter: root.publicKey,
  recipients: [AGE],
  compute: { processors: 2, memoryBytes: 4 * 1024 ** 3, accelerator: 'none' }
});

function detail(): object {
  const { revision, ...summary } = submission();
  const full = {
    ...revision,
    spec: toBase64(spec),
    request: Spec.sign(Spec.read(spec).value, root),
    decisions: [{ provider: 'hospital', state: 'pending' }]
  };
  return { ...summary, revisions: [full], comments: [], runs: [] };
}

const collaboration = {
  digest: digest('c'),
  envelope: Collaboration.sign(
    {
      format: 'clean-room.collaboration/v1',
      name: 'demo',
      title: 'Demo',
      members: [{ party: 'hospital', title: 'The Hospital', rootKey: root.publicKey }],
      purposes: ['Health research'],
      ends: '2027-01-01T00:00:00Z'
    },
    root
  ),
  rosters: [
    Roster.sign(
      {
        format: 'clean-room.roster/v1',
        party: 'hospital',
        title: 'The Hospital',
        rootKey: root.publicKey,
        version: 1,
        people: [],
        custodian: {
          key: root.publicKey,
          recipient: AGE,
          origin: 'http://hospital.localhost:8788',
          hosting: 'co-hosted',
          demo: true
        },
        jupyterHost: 'own'
      },
      root
    )
  ]
};

let session: CleanRoomSession;
let model: ReviewModel;

async function open(party: string): Promise<FakeServer> {
  const { server } = signedIn();
  server
    .on('GET /api/v1/collaborations', { items: [collaboration] })
    .on('GET /api/v1/submissions', { items: [submission()] })
    .on('GET /api/v1/submissions/:id', () => detail())
    .on('GET /api/v1/submissions/:id/revisions/:n/files/:path', () => new Response(JSON.stringify(NOTEBOOK)));
  session = new CleanRoomSession(server.settings, memory(party));
  const runs = new RunsModel(session);
  model = new ReviewModel(session, runs, new DatasetsModel(session));
  await session.start();
  await until(() => runs.isReady, 'the list of runs');
  await model.select(SUBMISSION);
  return server;
}

afterEach(() => {
  model.dispose();
  model.runs.dispose();
  model.datasets.dispose();
  session.feed.dispose();
});

describe('ReviewModel', () => {
  it('shows reviewers the submission as it was submitted', async () => {
    await open('hospital');
    expect(model.waitingForMe).toHaveLength(1);
    expect(model.opened?.cells.map(({ source }) => source)).toEqual(['x']);
    expect(model.opened?.revision.spec.compute.processors).toBe(2);
    expect(model.mayDecide).toBe(true);
  });

  it('links to the custodian’s own origin for approvals', async () => {
    const server = await open('hospital');
    expect(model.approvalPage).toBe(`http://hospital.localhost:8788/approve/${SUBMISSION}`);
    expect(server.paths().some(path => path.includes('approvals'))).toBe(false);
  });

  it('does not let researchers decide', async () => {
    await open('university');
    expect(model.waitingForMe).toHaveLength(0);
    expect(model.waitingForOthers).toHaveLength(1);
    expect(model.mayDecide).toBe(false);
    expect(model.approvalPage).toBeUndefined();
  });

  it('compares the rebuilt image’s digest itself and ignores what the response says', async () => {
    const server = await open('hospital');
    server.on('POST /api/v1/submissions/:id/revisions/:n/rebuild', {
      submitted: digest('b'),
      rebuilt: digest('f'),
      equal: true
    });
    await model.rebuild();
    expect(model.rebuilt).toEqual({ image: digest('f'), equal: false });
    server.on('POST /api/v1/submissions/:id/revisions/:n/rebuild', {
      submitted: digest('b'),
      rebuilt: digest('b'),
      equal: true
    });
    await model.rebuild();
    expect(model.rebuilt).toEqual({ image: digest('b'), equal: true });
  });

  it('sends a request for changes with its reason for the acting party', async () => {
    const server = await open('hospital');
    server.on('POST /api/v1/submissions/:id/changes-requested', { revision: 1, state: 'changes-requested' });
    expect(await model.requestChanges('Please bin age')).toBe(true);
    const call = server.calls.find(({ method }) => method === 'POST');
    expect(call?.body).toEqual({ reason: 'Please bin age' });
    expect(call?.headers.get('clean-room-party')).toBe('hospital');
  });

  it('reports that a decision could not be sent', async () => {
    const server = await open('hospital');
    server.on('POST /api/v1/submissions/:id/reject', () =>
      problem(409, 'conflict', 'It has been withdrawn.')
    );
    expect(await model.reject('No.')).toBe(false);
    expect(model.problem?.message).toBe('It has been withdrawn.');
  });
});
