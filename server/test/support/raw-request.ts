import type { TestDeployment } from './deployment.js';

interface RawResponse {
  readonly status: number;
  readonly body: { code?: string; message?: string; reference?: string };
  readonly headers: Headers;
}

/** Sends a request without our client, so that it can have any form. By default it comes from the university's person. */
export async function rawRequest(
  deployment: TestDeployment,
  method: string,
  path: string,
  options: { body?: unknown; headers?: Record<string, string>; party?: string; token?: string } = {}
): Promise<RawResponse> {
  const { body, headers = {}, party = 'university', token = deployment.personToken } = options;
  const response = await fetch(deployment.coordinator.url + path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      'clean-room-party': party,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) })
  });
  const text = await response.text();
  let parsed: RawResponse['body'];
  try {
    parsed = JSON.parse(text) as RawResponse['body'];
  } catch {
    parsed = {};
  }
  return { status: response.status, body: parsed, headers: response.headers };
}
