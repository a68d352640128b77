import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TokenIssuer } from '../issuer/token-issuer.js';
import { BadRequest, checkServiceRules, parseTokenOptions } from './token-options.js';

/** The audience of the default token. */
export const DEFAULT_AUDIENCE = 'https://sts.googleapis.com';

const MAX_BODY_BYTES = 1024 * 1024;

interface LauncherResponse {
  readonly status: number;
  readonly text: string;
  readonly type?: string;
}

const TEXT = 'text/plain; charset=utf-8';

/**
 * Answers a request as the launcher's HTTP API does (go-tpm-tools, launcher/teeserver): with its paths, statuses and texts, and
 * all experiments off.
 */
export async function handleRequest(
  request: IncomingMessage,
  response: ServerResponse,
  issuer: TokenIssuer
): Promise<void> {
  const { status, text, type = TEXT } = await route(request, issuer).catch(toErrorResponse);
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

async function route(request: IncomingMessage, issuer: TokenIssuer): Promise<LauncherResponse> {
  const method = request.method ?? '';
  switch (new URL(request.url ?? '/', 'http://launcher').pathname) {
    case '/v1/token':
      return { status: 200, text: await token(method, request, issuer), type: 'text/html' };
    case '/v1/intel/token':
      return {
        status: 500,
        text: 'no ITA verifier client present - ensure ITA Region and Key are defined in metadata',
        type: 'text/html'
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

async function token(method: string, request: IncomingMessage, issuer: TokenIssuer): Promise<string> {
  if (method === 'GET') return issuer.issue({ kind: 'oidc', audience: DEFAULT_AUDIENCE, nonces: [] });
  if (method !== 'POST') throw new BadRequest(`TEE server received an invalid HTTP method: ${method}`);
  const { audience, token_type: type, nonces } = parseTokenOptions(await readBody(request));
  const contents = { audience, nonces: nonces ?? [] };
  checkServiceRules(contents);
  // The launcher passes unknown types to the service as "unspecified", and the service answers with an OIDC token.
  return issuer.issue({ ...contents, kind: type === 'PKI' ? 'pki' : 'oidc' });
}

async function evidence(method: string, request: IncomingMessage): Promise<LauncherResponse> {
  if (method !== 'POST') return { status: 405, text: 'method not allowed' };
  let challenge: unknown;
  try {
    ({ challenge } = JSON.parse(await readBody(request)) as { challenge?: unknown });
  } catch {
    return { status: 400, text: 'failed to decode request: invalid JSON' };
  }
  if (typeof challenge !== 'string' || challenge === '')
    return { status: 400, text: 'challenge is required' };
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

function toErrorResponse(error: unknown): LauncherResponse {
  return error instanceof BadRequest
    ? { status: 400, text: error.message, type: 'text/html' }
    : { status: 500, text: 'failed to retrieve attestation service token', type: 'text/html' };
}
