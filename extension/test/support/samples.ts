import type { Me } from '../../../packages/api/src/coordinator/parties.js';
import type { RunSummary } from '../../../packages/api/src/coordinator/runs.js';
import type { SubmissionSummary } from '../../../packages/api/src/coordinator/submissions.js';
import { FakeServer, eventStream } from './coordinator.js';

export const SUBMISSION = '01hzy0000000000000000000aa';
export const RUN = '01hzy0000000000000000000bb';
const digest = (letter: string): `sha256:${string}` => `sha256:${letter.repeat(64)}`;

export const ME: Me = {
  subject: 'ana',
  parties: [
    { party: 'university', person: 'ana', title: 'The University', name: 'Ana', roles: ['researcher'] },
    { party: 'hospital', person: 'ana', title: 'The Hospital', name: 'Ana', roles: ['reviewer', 'steward'] }
  ]
};

export function submission(
  changes: Partial<SubmissionSummary['revision']> = {},
  id = SUBMISSION
): SubmissionSummary {
  return {
    id,
    party: 'university',
    createdAt: '2026-11-20T10:00:00.000Z',
    updatedAt: '2026-11-20T10:00:00.000Z',
    revision: {
      number: 1,
      state: 'submitted',
      purpose: 'Health research',
      notebook: 'explore.ipynb',
      assets: ['hospital/visits'],
      specDigest: digest('a'),
      image: digest('b'),
      submittedBy: { party: 'university', person: 'ana' },
      submittedAt: '2026-11-20T10:00:00.000Z',
      updatedAt: '2026-11-20T10:00:00.000Z',
      decisions: [{ provider: 'hospital', state: 'pending' }],
      ...changes
    }
  };
}

export function run(changes: Partial<RunSummary> = {}): RunSummary {
  return {
    id: RUN,
    submission: SUBMISSION,
    revision: 1,
    notebook: 'explore.ipynb',
    state: 'running',
    waitingFor: [],
    simulated: true,
    createdAt: '2026-11-20T11:00:00.000Z',
    ...changes
  };
}

/** A server on which a person of two parties is signed in, with an open event stream. */
export function signedIn(): { server: FakeServer; events: ReturnType<typeof eventStream> } {
  const events = eventStream();
  const server = new FakeServer()
    .on('GET /api/v1/me', ME)
    .on('GET /api/v1/collaborations', { items: [] })
    .on('GET /api/v1/submissions', { items: [] })
    .on('GET /api/v1/runs', { items: [] })
    .on('GET /api/v1/assets', { items: [] })
    .on('GET /api/v1/events', () => events.response);
  return { server, events };
}

export function memory(initial?: string): {
  read(): Promise<string | undefined>;
  write(party: string): Promise<void>;
  value?: string;
} {
  const it = {
    value: initial,
    read: async () => it.value,
    write: async (party: string) => {
      it.value = party;
    }
  };
  return it;
}
