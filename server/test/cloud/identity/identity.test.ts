import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { GoogleAuth, Compute } from 'google-auth-library';
import { createPublicKey, verify } from 'node:crypto';
import { COORDINATOR, FakeCloud, PROJECT, WORKLOAD } from '../cloud.js';

let cloud: FakeCloud;

beforeAll(async () => {
  cloud = await FakeCloud.start({ tokenSeconds: 3599 });
  Object.assign(process.env, cloud.environment);
});

afterAll(() => cloud.stop());

function metadata(
  path: string,
  headers: Record<string, string> = { 'metadata-flavor': 'Google' }
): Promise<Response> {
  return fetch(`http://${cloud.environment['GCE_METADATA_HOST']}/computeMetadata/v1/${path}`, { headers });
}

describe('the metadata server', () => {
  test("gives Google's library the project, an access token and an identity token", async () => {
    const auth = new GoogleAuth({ scopes: 'https://www.googleapis.com/auth/cloud-platform' });
    expect(await auth.getProjectId()).toBe(PROJECT.id);
    expect((await auth.getCredentials()).client_email).toBe(COORDINATOR.email);
    const token = await auth.getAccessToken();
    expect(cloud.accounts.authenticate(`Bearer ${token}`, [])).toEqual(COORDINATOR);
    const identity = await new Compute().fetchIdToken('https://coordinator.example');
    const claims = JSON.parse(Buffer.from(identity.split('.')[1]!, 'base64url').toString()) as object;
    expect(claims).toMatchObject({ aud: 'https://coordinator.example', email: COORDINATOR.email });
  });

  test('answers with the number of the project and the scopes', async () => {
    expect(await (await metadata('project/numeric-project-id')).text()).toBe(PROJECT.number);
    const scopes = await metadata('instance/service-accounts/default/scopes');
    expect(await scopes.text()).toBe('https://www.googleapis.com/auth/cloud-platform\n');
    expect(scopes.headers.get('metadata-flavor')).toBe('Google');
  });

  test('refuses requests that a browser or a proxy can send', async () => {
    const path = 'instance/service-accounts/default/token';
    expect((await metadata(path, {})).status).toBe(403);
    const forwarded = { 'metadata-flavor': 'Google', 'x-forwarded-for': '10.0.0.1' };
    expect((await metadata(path, forwarded)).status).toBe(403);
    expect((await metadata('instance/service-accounts/other/token')).status).toBe(404);
  });
});

describe('the IAM Credentials API', () => {
  function signBlob(email: string, body: object, account = COORDINATOR.email): Promise<Response> {
    return fetch(`${cloud.iamCredentialsUrl}/v1/projects/-/serviceAccounts/${email}:signBlob`, {
      method: 'POST',
      headers: { authorization: `Bearer ${cloud.accounts.issueToken(account).token}` },
      body: JSON.stringify(body)
    });
  }

  test("signs for Google's library with the key of the account", async () => {
    const auth = new GoogleAuth({ scopes: 'https://www.googleapis.com/auth/cloud-platform' });
    const signature = await auth.sign(
      'some text',
      `${cloud.iamCredentialsUrl}/v1/projects/-/serviceAccounts/`
    );
    const key = createPublicKey(cloud.accounts.signingKey(COORDINATOR.email).key);
    expect(verify('sha256', Buffer.from('some text'), key, Buffer.from(signature, 'base64'))).toBe(true);
  });

  test('refuses unknown accounts and fields, and callers without the role', async () => {
    const payload = Buffer.from('a').toString('base64');
    expect((await signBlob('absent@example.com', { payload })).status).toBe(404);
    expect((await signBlob(COORDINATOR.email, { payload, key: 'a' })).status).toBe(400);
    expect((await signBlob(COORDINATOR.email, { payload: '***' })).status).toBe(400);
    expect((await signBlob(COORDINATOR.email, { payload }, WORKLOAD.email)).status).toBe(403);
  });
});
