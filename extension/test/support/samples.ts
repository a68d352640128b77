import type { Me, RunSummary, SubmissionSummary } from '@clean-room/api/coordinator';
import { FakeServer, eventStream } from './coordinator.js';

export const SUBMISSION = '01hzy0000000000000000000aa';
export const RUN = '01hzy0000000000000000000bb';
const digest = (letter: string): `sha256:${string}` => `sha256:${letter.repeat(64)}`;

/** A person who is a researcher of one party and a reviewer of another. */
const ME: Me = {
  subject: 'ana',
  parties: [
    { party: 'university', person: 'ana', title: 'The University', name: 'Ana', roles: ['researcher'] },
    { party: 'hospital', person: 'ana', title: 'The Hospital', name: 'Ana', roles: ['reviewer', 'steward'] }
  ]
};

/** Returns a submission that waits for the hospital. */
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

/** Returns a run that is running. */
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

/** Returns a server with a signed-in person who belongs to two parties, and an open event stream. */
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

/** Returns storage for the acting party in memory. */
export function memory(initial?: string): {
  read(): Promise<string | undefined>;
  write(party: string): Promise<void>;
  value?: string;
} {
  const storage = {
    value: initial,
    read: async () => storage.value,
    write: async (party: string) => {
      storage.value = party;
    }
  };
  return storage;
}
