import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TokenContents } from '../issuer/token-issuer.js';
import { readChallenge } from './evidence.js';
import { ServiceError } from './service.js';
import { BadRequest, parseTokenOptions } from './token-options.js';

/** The contents of the default token. */
export const DEFAULT_TOKEN: TokenContents = {
  kind: 'oidc',
  audience: 'https://sts.googleapis.com',
  nonces: []
};

/** Returns a token of the attestation service. Fails with a `ServiceError`. */
export type RequestToken = (contents: TokenContents) => Promise<string>;

const MAX_BODY_BYTES = 1024 * 1024;

interface LauncherResponse {
  readonly status: number;
  readonly text: string;
  readonly type?: string;
}

const TEXT = 'text/plain; charset=utf-8';
const HTML = 'text/html';

/**
 * Answers a request as the launcher's HTTP API does (go-tpm-tools, launcher/teeserver): with its paths, statuses and texts, and
 * all experiments off.
 */
export async function handleRequest(
  request: IncomingMessage,
  response: ServerResponse,
  requestToken: RequestToken
): Promise<void> {
  const { status, text, type = TEXT } = await route(request, requestToken);
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

async function route(request: IncomingMessage, requestToken: RequestToken): Promise<LauncherResponse> {
  const method = request.method ?? '';
  switch (new URL(request.url ?? '/', 'http://launcher').pathname) {
    case '/v1/token':
      return { ...(await token(method, request, requestToken)), type: HTML };
    case '/v1/intel/token':
      return {
        status: 500,
        text: 'no ITA verifier client present - ensure ITA Region and Key are defined in metadata',
        type: HTML
      };
    case '/v1/evidence':
      return evidence(method, request);
    case '/v1/keys:getEndorsement':
      return { status: 403, text: 'keymanager not enabled' };
    case '/v1/hostAttestation':
      return { status: 403, text: 'host attestation not enabled' };
    default:
      return { status: 404, text: '404 page not found\n' };
  }
}

async function token(
  method: string,
  request: IncomingMessage,
  requestToken: RequestToken
): Promise<LauncherResponse> {
  if (method === 'GET') {
    return attest(requestToken, DEFAULT_TOKEN, 'failed to retrieve attestation service token');
  }
  if (method !== 'POST') {
    return { status: 400, text: `TEE server received an invalid HTTP method: ${method}` };
  }
  try {
    const { audience, token_type: type, nonces } = parseTokenOptions(await readBody(request));
    // The launcher passes unknown types to the service as "unspecified", and the service answers with an OIDC token.
    const contents: TokenContents = { audience, nonces, kind: type === 'PKI' ? 'pki' : 'oidc' };
    return await attest(requestToken, contents, 'failed to retrieve custom attestation service token');
  } catch (error) {
    if (error instanceof BadRequest) return { status: 400, text: error.message };
    throw error;
  }
}

/** Returns whether the launcher blames its caller for this status of the service. An exceeded quota is a fault of the server. */
function isClientError(status: number): boolean {
  return status >= 400 && status < 500 && status !== 429;
}

async function attest(
  requestToken: RequestToken,
  contents: TokenContents,
  failure: string
): Promise<LauncherResponse> {
  try {
    return { status: 200, text: await requestToken(contents) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown error';
    const isRefusal = error instanceof ServiceError && isClientError(error.status);
    return { status: isRefusal ? 400 : 500, text: `${failure}: ${reason}` };
  }
}

async function evidence(method: string, request: IncomingMessage): Promise<LauncherResponse> {
  if (method !== 'POST') return { status: 405, text: 'method not allowed' };
  try {
    const challenge = readChallenge(await readBody(request));
    if (challenge.length === 0) return { status: 400, text: 'challenge is required' };
  } catch (error) {
    if (error instanceof BadRequest) return { status: 400, text: error.message };
    throw error;
  }
  return { status: 500, text: 'attestation evidence is disabled' };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new BadRequest('failed to parse POST body as TokenOptions: too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
