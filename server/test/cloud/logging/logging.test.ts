import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { GoogleAuth } from 'google-auth-library';
import { insertBody } from '../compute/insert-body.js';
import { ComputeRest } from '../compute/rest.js';
import { FakeCloud, PROJECT, WORKLOAD } from '../cloud.js';
import { ScriptedGuests } from '../guests/scripted.js';

interface Entries {
  readonly entries: { readonly jsonPayload: { readonly MESSAGE: string; readonly _HOSTNAME: string } }[];
  readonly nextPageToken?: string;
}

let cloud: FakeCloud;
const guests = new ScriptedGuests();

beforeAll(async () => {
  cloud = await FakeCloud.start({ guests });
  Object.assign(process.env, cloud.environment);
  const rest = new ComputeRest(cloud);
  for (const name of ['run-1', 'run-2']) {
    await rest.start(insertBody(name));
    for (const line of ['TEE container launcher started', 'workload task started'])
      guests.of(name).machine.log({ severity: 'INFO', message: line });
  }
});

afterAll(() => cloud.stop());

async function list(request: object): Promise<Entries> {
  const auth = new GoogleAuth({ scopes: 'https://www.googleapis.com/auth/logging.read' });
  const { data } = await auth.request<Entries>({
    url: `${cloud.loggingUrl}/v2/entries:list`,
    method: 'POST',
    data: { resourceNames: [`projects/${PROJECT.id}`], ...request }
  });
  return data;
}

test('lists the lines of the launcher of one machine, newest first, in pages', async () => {
  const { id } = guests.of('run-1').spec.instance;
  const filter = `logName="projects/${PROJECT.id}/logs/confidential-space-launcher" AND resource.labels.instance_id="${id}"`;
  const first = await list({ filter, orderBy: 'timestamp desc', pageSize: 1 });
  const second = await list({
    filter,
    orderBy: 'timestamp desc',
    pageSize: 1,
    pageToken: first.nextPageToken
  });
  const lines = [...first.entries, ...second.entries].map(({ jsonPayload }) => jsonPayload);
  expect(lines).toEqual([
    { MESSAGE: 'workload task started', _HOSTNAME: 'run-1' },
    { MESSAGE: 'TEE container launcher started', _HOSTNAME: 'run-1' }
  ]);
  expect(second.nextPageToken).toBeUndefined();
});

test('refuses filters that it cannot parse, other projects, and callers without the role', async () => {
  await expect(list({ filter: 'a b' })).rejects.toMatchObject({ status: 400 });
  await expect(list({ sort: 'timestamp' })).rejects.toMatchObject({ status: 400 });
  await expect(list({ resourceNames: ['projects/other'] })).rejects.toMatchObject({ status: 403 });
  const response = await fetch(`${cloud.loggingUrl}/v2/entries:list`, {
    method: 'POST',
    headers: { authorization: `Bearer ${cloud.accounts.issueToken(WORKLOAD.email).token}` },
    body: JSON.stringify({ resourceNames: [`projects/${PROJECT.id}`] })
  });
  expect(response.status).toBe(403);
});
