import type { ErrorCode } from '@clean-room/protocol/errors';

/** HTTP status of each error code. Clients decide by the code; proxies and other intermediaries use the status. */
export const HTTP_STATUS: Readonly<Record<ErrorCode, number>> = {
  malformed: 400,
  'unsupported-version': 400,
  'digest-mismatch': 422,
  'signature-invalid': 422,
  'too-large': 413,
  'workspace-refused': 422,
  'image-unknown': 404,
  'registry-failed': 502,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'policy-refused': 403,
  'approval-missing': 409,
  'approval-invalid': 422,
  'attempts-spent': 409,
  expired: 410,
  'rate-limited': 429,
  'attestation-refused': 403,
  'sandbox-unsafe': 500,
  'backend-unavailable': 503,
  'key-release-refused': 403,
  'run-failed': 500,
  preempted: 503,
  unavailable: 503,
  internal: 500
};
